/* An open segment: mapped, its footer checked, its blocks checked when first touched. Nothing in it
 * is believed beyond that: it may come from a worker that evidence had taken over. For the files of
 * store/ only. Threads may share it. */
#pragma once

#include "query/query.h"
#include "store/segment/format.h"
#include "store/store.h"

typedef struct cn_segment {
    int references; /* atomic */
    char *path;
    uint64_t segment_id, timeline_id;
    const uint8_t *map;
    size_t size;
    uint64_t body; /* bytes before the footer */
    uint64_t checksum;
    cn_footer footer;
    uint64_t *verified; /* atomic; one bit per block */
    int damaged;        /* atomic: something in it was found wrong */
    void *sample;       /* atomic: ZSTD_DDict of the section SAMPLE, made on first use */
    /* columns by purpose; NULL where the segment lacks it */
    const cn_column *origin, *data_type, *desc, *path_column, *volume, *image, *stream, *parser,
        *inode, *image_id;
} cn_segment;

int cn_segment_open(const char *path, cn_segment **out, cn_err *err) CN_MUST_USE;
int cn_segment_open_fd(int fd, cn_segment **out, cn_err *err) CN_MUST_USE;
/* Over bytes that the caller keeps. */
int cn_segment_open_bytes(cn_span bytes, cn_segment **out, cn_err *err) CN_MUST_USE;
cn_segment *cn_segment_retain(cn_segment *segment);
void cn_segment_release(cn_segment *segment);

/* Marks it damaged; returns CN_E_CORRUPT with err naming it. */
int cn_segment_bad(const cn_segment *segment, cn_err *err, const char *what);

/* Part of an extent, its blocks checked. False where it reaches over the extent or a sum is wrong. */
CN_MUST_USE bool cn_segment_part(const cn_segment *segment, cn_extent extent, uint64_t from,
                                 uint64_t length, cn_span *out);
CN_MUST_USE static inline bool cn_segment_all(const cn_segment *segment, cn_extent extent,
                                              cn_span *out)
{
    return cn_segment_part(segment, extent, 0, extent.length, out);
}

static inline uint32_t cn_load32(const uint8_t *p)
{
    uint32_t v;
    memcpy(&v, p, sizeof v);
    return v;
}
static inline uint64_t cn_load64(const uint8_t *p)
{
    uint64_t v;
    memcpy(&v, p, sizeof v);
    return v;
}

/* ---- bits ------------------------------------------------------------------------------------ */

static inline size_t cn_bit_words(size_t bits) { return (bits + 63) / 64; }
static inline bool cn_bit(const uint64_t *bits, size_t i) { return bits[i / 64] >> i % 64 & 1; }
static inline void cn_bit_set(uint64_t *bits, size_t i) { bits[i / 64] |= UINT64_C(1) << i % 64; }
uint64_t cn_bits_count(const uint64_t *bits, size_t from, size_t to);
/* Sets [from, to). */
void cn_bits_fill(uint64_t *bits, size_t from, size_t to);
/* The first set bit in [from, to), or the last one; SIZE_MAX where there is none. */
size_t cn_bits_next(const uint64_t *bits, size_t from, size_t to);
size_t cn_bits_last(const uint64_t *bits, size_t from, size_t to);

/* ---- codes of a column ----------------------------------------------------------------------- */

/* A column ready to be read: all its bytes but the values checked. */
typedef struct cn_codes {
    const cn_column *column;
    const uint8_t *codes;
    const uint8_t *present; /* bitmap or list; NULL: all */
    const uint8_t *ranks;
    uint32_t n_rows; /* of its domain */
} cn_codes;

CN_MUST_USE bool cn_codes_open(const cn_segment *segment, const cn_column *column, cn_codes *out);

/* The i-th value present; i < n_present. */
static inline uint64_t cn_codes_get(const cn_codes *c, uint32_t i)
{
    const uint8_t *p = c->codes;
    switch (c->column->bits) {
    case 0:
        return 0;
    case 1:
        return p[i / 8] >> i % 8 & 1;
    case 2:
        return p[i / 4] >> 2 * (i % 4) & 3;
    case 4:
        return p[i / 2] >> 4 * (i % 2) & 15;
    case 8:
        return p[i];
    case 16: {
        uint16_t v;
        memcpy(&v, p + (size_t) i * 2, 2);
        return v;
    }
    case 24:
        return cn_load32(p + (size_t) i * 3) & 0xffffff;
    case 32:
        return cn_load32(p + (size_t) i * 4);
    default:
        return cn_load64(p + (size_t) i * 8);
    }
}

/* The number, among those present, of a row's value; false where the row has none. */
CN_MUST_USE bool cn_codes_find(const cn_codes *c, uint32_t row, uint32_t *out);

/* Visits the value of each row of `rows` (a bitmap over the domain) that has one. The body may use
 * `row` and `code`. */
#define CN_CODES_EACH(c, rows, row, code, ...)                                                     \
    do {                                                                                           \
        cn_codes_walk walk_ = cn_codes_start(c, rows);                                             \
        uint32_t row, at_;                                                                         \
        while (cn_codes_step(&walk_, &(row), &at_)) {                                              \
            uint64_t code = cn_codes_get(c, at_);                                                  \
            __VA_ARGS__                                                                            \
        }                                                                                          \
    } while (0)

typedef struct cn_codes_walk {
    const cn_codes *c;
    const uint64_t *rows;
    uint64_t left;              /* of the word at hand: wanted and present */
    uint64_t present;           /* of the word at hand */
    uint32_t word, words, rank; /* rank: values before the word */
    uint32_t list_at;
} cn_codes_walk;

static inline cn_codes_walk cn_codes_start(const cn_codes *c, const uint64_t *rows)
{
    return (cn_codes_walk){
        .c = c, .rows = rows, .word = UINT32_MAX, .words = (uint32_t) cn_bit_words(c->n_rows)};
}

CN_MUST_USE static inline bool cn_codes_step(cn_codes_walk *w, uint32_t *row, uint32_t *at)
{
    const cn_codes *c = w->c;
    if (c->column->presence == CN_PRESENT_LIST) {
        while (w->list_at < c->column->n_present) {
            uint32_t r = cn_load32(c->present + (size_t) w->list_at * 4);
            uint32_t i = w->list_at++;
            if (r < c->n_rows && cn_bit(w->rows, r)) {
                *row = r;
                *at = i;
                return true;
            }
        }
        return false;
    }
    while (!w->left) {
        if (w->word != UINT32_MAX)
            w->rank += (uint32_t) __builtin_popcountll(w->present);
        if (++w->word >= w->words)
            return false;
        w->present = c->present ? cn_load64(c->present + (size_t) w->word * 8) : UINT64_MAX;
        w->left = w->present & w->rows[w->word];
    }
    unsigned bit = (unsigned) __builtin_ctzll(w->left);
    uint64_t below = w->present & ((UINT64_C(1) << bit) - 1);
    w->left &= w->left - 1;
    *row = w->word * 64 + bit;
    *at = w->rank + (uint32_t) (c->present ? (unsigned) __builtin_popcountll(below) : bit);
    return *at < c->column->n_present;
}

/* Sets in `out` the rows that have a value, or a value whose code is in `set` (a bitmap of n_set
 * codes; NULL: any). */
void cn_codes_rows(const cn_codes *c, const uint64_t *set, uint64_t n_set, uint64_t *out);

/* Counts, in counts[n_values] of a dictionary, the values of the rows. False where a code is none. */
CN_MUST_USE bool cn_codes_count(const cn_codes *c, const uint64_t *rows, uint64_t *counts);

/* ---- values of a text or integer column ------------------------------------------------------ */

/* Calls visit with each value of a text column in order; text lives until visit returns. Negative
 * from visit stops. CN_E_CORRUPT where it is damaged. */
int cn_values_each(const cn_segment *segment, const cn_column *column,
                   int (*visit)(void *context, uint32_t code, cn_span text), void *context,
                   cn_err *err) CN_MUST_USE;
/* One value into out (cleared before). */
CN_MUST_USE bool cn_values_text(const cn_segment *segment, const cn_column *column, uint64_t code,
                                cn_buf *out);
/* Of an integer column, whatever its coding. */
CN_MUST_USE bool cn_values_number(const cn_segment *segment, const cn_column *column, uint64_t code,
                                  int64_t *out);

/* ---- times ----------------------------------------------------------------------------------- */

/* Times of the rows from n_untimed on; one block is kept. Start with {0}. */
typedef struct cn_time_block {
    bool has;
    uint32_t block, n;
    int64_t times[CN_TIME_ROWS];
} cn_time_block;
CN_MUST_USE bool cn_times_get(const cn_segment *segment, cn_time_block *cache, uint32_t row,
                              int64_t *out);
/* The first row whose time is not before `time`; rows without a time are before all. */
CN_MUST_USE bool cn_times_row(const cn_segment *segment, cn_time_block *cache, int64_t time,
                              uint32_t *out);

/* ---- messages and places --------------------------------------------------------------------- */

/* A block of messages, unpacked. Start with {0}, end with cn_message_block_free(). */
typedef struct cn_message_block {
    bool has;
    uint32_t block, first, n; /* rows */
    uint8_t *bytes;
    size_t capacity;
    uint32_t *offsets; /* n + 1, in bytes */
    size_t cap_offsets;
    void *zstd;
} cn_message_block;
uint32_t cn_messages_blocks(const cn_segment *segment);
/* Rows [*first, *end) of a block. */
CN_MUST_USE bool cn_messages_rows(const cn_segment *segment, uint32_t block, uint32_t *first,
                                  uint32_t *end);
CN_MUST_USE bool cn_messages_load(const cn_segment *segment, cn_message_block *cache,
                                  uint32_t block);
/* The message of a row, in the cache. */
CN_MUST_USE bool cn_messages_get(const cn_segment *segment, cn_message_block *cache, uint32_t row,
                                 cn_span *out);
void cn_message_block_free(cn_message_block *cache);

typedef struct cn_place_block {
    bool has;
    uint32_t block, n;
    uint64_t *offsets, *lengths; /* CN_PLACE_ROWS each */
    uint32_t *ordinals, *origins;
    uint8_t *bytes;
    size_t capacity;
    void *zstd;
} cn_place_block;
/* Offsets, lengths, ordinals and origins of the block of rows that begins at block*CN_PLACE_ROWS. */
CN_MUST_USE bool cn_places_load(const cn_segment *segment, cn_place_block *cache, uint32_t block);
void cn_place_block_free(cn_place_block *cache);
CN_MUST_USE bool cn_origins_key(const cn_segment *segment, uint32_t origin, uint64_t *out);

/* ---- tokens ---------------------------------------------------------------------------------- */

typedef struct cn_token_entry {
    cn_span text;
    bool of_values;
    uint32_t count;
    uint32_t single;  /* count == 1: the posting */
    cn_span postings; /* otherwise */
    bool is_bitmap;
} cn_token_entry;
/* Visits the tokens that begin with `prefix`, in order (all for an empty one); postings are checked
 * when asked for with cn_token_postings(). Negative or positive from visit stops and is returned. */
int cn_tokens_each(const cn_segment *segment, cn_span prefix,
                   int (*visit)(void *context, const cn_token_entry *entry), void *context,
                   cn_err *err) CN_MUST_USE;
/* Sets the bits of a token's rows, or of its values' numbers. */
CN_MUST_USE bool cn_token_postings(const cn_segment *segment, const cn_token_entry *entry,
                                   uint64_t *bits, uint64_t n_bits);
