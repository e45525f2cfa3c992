/* The token index of a segment in the making: a hash table of tokens with their postings; for the
 * files of store/ only. One owner. */
#pragma once

#include "query/token.h"
#include "store/segment/out.h"
#include "store/segment/sort.h"

/* What a posting numbers. */
typedef enum cn_posting_kind { CN_POSTING_ROW, CN_POSTING_VALUE } cn_posting_kind;

typedef struct cn_token_slot {
    uint64_t hash; /* 0: empty */
    uint32_t text; /* in texts */
    uint32_t last, count;
    uint32_t head, tail; /* chunks; none while there is one posting, which is `last` */
    uint8_t len, fill, kind, pad;
} cn_token_slot;

typedef struct cn_posting_chunk {
    uint32_t next;
    uint8_t bytes[28];
} cn_posting_chunk;

typedef struct cn_pending_token {
    uint64_t hash;
    const uint8_t *p;
    uint32_t number;
    uint8_t len, kind;
} cn_pending_token;

enum { CN_TOKEN_RING = 8, CN_PENDING_MAX = 512 };

/* What is written in the end; kept from segment to segment for its memory. */
typedef struct cn_token_sections {
    cn_buf tokens, index, postings, scratch, bitmap;
} cn_token_sections;

typedef struct cn_token_index {
    uint64_t seeds[2]; /* random, so that evidence cannot choose tokens of one hash */
    cn_token_slot *slots;
    size_t n_slots, n_tokens;
    uint8_t *texts;
    size_t texts_len, texts_cap;
    cn_posting_chunk *chunks;
    size_t n_chunks, cap_chunks;
    cn_tokens ring[CN_TOKEN_RING]; /* texts of pending tokens live here */
    unsigned ring_at;
    cn_pending_token pending[CN_PENDING_MAX];
    size_t n_pending;
    bool full; /* a limit was reached: nothing more is taken */
    size_t max_tokens;
    bool is_clear; /* the slots are, although tokens were written */
    cn_token_sections sections;
    cn_sort_item *items, *spare;
    size_t cap_items;
} cn_token_index;

int cn_token_index_new(cn_token_index *index, cn_err *err) CN_MUST_USE;
void cn_token_index_free(cn_token_index *index);
void cn_token_index_clear(cn_token_index *index);
/* Takes the tokens of one text; numbers of a kind must not descend. A text is taken whole or, when
 * the index has come to its limits, neither it nor any later one: `full` is set. CN_E_NO_MEMORY. */
int cn_token_index_add(cn_token_index *index, cn_span text, uint32_t number, cn_posting_kind kind,
                       cn_err *err) CN_MUST_USE;
/* Writes tokens, their index and the postings as sections. */
int cn_token_index_write(cn_token_index *index, cn_out *out, uint32_t n_rows, cn_footer *footer,
                         cn_err *err) CN_MUST_USE;
