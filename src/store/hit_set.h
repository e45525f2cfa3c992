/* The inside of hits; for the files of store/ only. */
#pragma once

#include "store/eval.h"

/* One column, ready to be read row by row. */
typedef struct cn_reader_column {
    bool opened;
    cn_field_id field;
    cn_codes codes;
} cn_reader_column;

/* What reading single rows of a segment keeps from one to the next. */
typedef struct cn_reader {
    const cn_segment *segment;
    cn_time_block times;
    cn_message_block messages;
    cn_place_block places;
    cn_reader_column *columns; /* as many as the footer has; made on first use */
    cn_buf value;
} cn_reader;

void cn_reader_free(cn_reader *r);
/* All of a row; texts live in the arena. The place's time and row are set, number is not. */
int cn_reader_event(cn_reader *r, uint32_t row, cn_arena *arena, cn_stored_event *out,
                    cn_err *err) CN_MUST_USE;

/* One segment that has hits. */
typedef struct cn_hit_segment {
    cn_segment *segment; /* retained */
    uint64_t *rows;
    uint64_t count, untimed;
    uint64_t *before; /* hits before each CN_HIT_STEP rows; made on first use */
    cn_reader reader;
} cn_hit_segment;
enum { CN_HIT_STEP = 4096 };

struct cn_hits {
    cn_hit_segment *segments; /* by segment_id */
    size_t n;
    uint64_t count, untimed;
    cn_arena arena;          /* of names */
    struct cn_hit_timeline { /* names of timelines as they were */
        uint64_t id;
        cn_span name, system;
    } * timelines;
    size_t n_timelines;
};

/* Makes an empty one. */
cn_hits *cn_hits_new(size_t segments);
/* Hits among the first `row` rows. False without memory. */
CN_MUST_USE bool cn_hits_before(cn_hit_segment *h, uint32_t row, uint64_t *out);
const struct cn_hit_timeline *cn_hits_timeline(const cn_hits *hits, uint64_t id);

/* A leaf that stands for a field by name: what top values and histograms look into. */
cn_query_node cn_field_leaf(cn_span field);

/* Counting by value over segments: a table of texts. */
typedef struct cn_counter {
    struct cn_counted {
        size_t at; /* in texts */
        uint32_t len;
        uint64_t count, hash;
    } * values;
    size_t n, capacity;
    uint32_t *slots; /* index + 1 */
    size_t n_slots;
    cn_buf texts;
} cn_counter;
void cn_counter_free(cn_counter *c);
CN_MUST_USE bool cn_counter_add(cn_counter *c, cn_span value, uint64_t count);
/* SIZE_MAX where it is not there. */
size_t cn_counter_find(const cn_counter *c, cn_span value);

/* Counts, in counts[n_values], the codes of a dictionary column among the rows; `all`: every row. */
int cn_count_codes(const cn_segment *s, const cn_column *c, const uint64_t *rows, bool all,
                   uint64_t *counts, cn_err *err) CN_MUST_USE;
/* Integers as text: "true" for a boolean. */
cn_span cn_number_text(cn_type type, int64_t value, char out[24]);
