/* A query's tree over one segment; for the files of store/ only. */
#pragma once

#include "store/segment/segment.h"

/* What annotation leaves mean, made once per search: ids sorted, per leaf. */
struct cn_id_list {
    struct cn_listed_id {
        uint64_t timeline_id;
        cn_event_id id;
    } * ids;
    size_t n, capacity;
};
typedef struct cn_leaf_ids {
    const cn_query_node *leaf;
    cn_id_list list;
} cn_leaf_ids;
void cn_id_list_sort(cn_id_list *list);

typedef struct cn_eval {
    const cn_segment *segment;
    cn_span timeline, system; /* names of the segment's timeline */
    const cn_leaf_ids *annotations;
    size_t n_annotations;
    bool (*cancelled)(void *context);
    void *context;
    cn_err *err;
    /* working memory */
    cn_time_block times;
    cn_message_block messages;
    cn_place_block places;
    cn_buf lowered;
} cn_eval;

void cn_eval_free(cn_eval *e);
/* Writes all of `out`: the rows of `within` that match. Bitmaps of cn_bit_words(rows) words. */
int cn_eval_node(cn_eval *e, const cn_query_node *node, const uint64_t *within,
                 uint64_t *out) CN_MUST_USE;
/* Sets the rows of [from, until], both inclusive. */
int cn_eval_times(cn_eval *e, int64_t from_ns, int64_t until_ns, uint64_t *out) CN_MUST_USE;
/* Sets the rows of these ids. */
int cn_eval_ids(cn_eval *e, const cn_id_list *list, uint64_t *out) CN_MUST_USE;
/* How hard a node is: 0 trivial, 1 index, 2 reads values or tokens, 3 reads messages. */
unsigned cn_eval_cost(const cn_query_node *node);

/* The rest is shared between eval.c and eval_values.c, eval_messages.c. */
uint64_t *cn_eval_bits(cn_eval *e, size_t bits) CN_MUST_USE; /* zeroed; free(); NULL sets err */
int cn_eval_bad(cn_eval *e, const char *what);
/* Sets the rows and the values that a token has; either may be NULL. */
int cn_eval_token(cn_eval *e, cn_span token, uint64_t *rows, uint64_t *values) CN_MUST_USE;
/* The same for all tokens that begin with prefix and satisfy `wanted`. */
int cn_eval_tokens(cn_eval *e, cn_span prefix, bool (*wanted)(const void *what, cn_span token),
                   const void *what, uint64_t *rows, uint64_t *values) CN_MUST_USE;
/* Sets the rows whose columns have a value that satisfies the leaf. */
int cn_eval_columns(cn_eval *e, const cn_query_node *leaf, uint64_t *out) CN_MUST_USE;
/* Sets the rows of `within` whose message satisfies the leaf. */
int cn_eval_messages(cn_eval *e, const cn_query_node *leaf, const uint64_t *within,
                     uint64_t *out) CN_MUST_USE;
/* The columns that a leaf may look into. */
bool cn_eval_wants(const cn_segment *s, const cn_query_node *leaf, const cn_column *column);
/* From a set of origins to their rows. */
int cn_eval_origin_rows(cn_eval *e, const uint64_t *origins, uint64_t *out) CN_MUST_USE;
