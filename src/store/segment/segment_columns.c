/* Codes and values of an open segment's columns. */
#include "event/spool_record.h"
#include "store/segment/segment.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#define VALUE_MAX (CN_EVENT_MESSAGE_MAX * 2) /* bytes of one value: as long as a note can be */

bool cn_codes_open(const cn_segment *s, const cn_column *column, cn_codes *out)
{
    cn_span codes, present = {NULL, 0}, ranks = {NULL, 0};
    /* The footer's reader has seen that they are large enough. */
    if (!cn_segment_all(s, column->codes, &codes) ||
        !cn_segment_all(s, column->present, &present) || !cn_segment_all(s, column->ranks, &ranks))
        return false;
    *out = (cn_codes){
        .column = column,
        .codes = codes.p,
        .present = column->presence == CN_PRESENT_ALL ? NULL : present.p,
        .ranks = ranks.p,
        .n_rows = column->domain == CN_OF_ROWS ? s->footer.n_rows : s->footer.n_origins,
    };
    return true;
}

bool cn_codes_find(const cn_codes *c, uint32_t row, uint32_t *out)
{
    uint32_t n = c->column->n_present;
    if (row >= c->n_rows)
        return false;
    if (c->column->presence == CN_PRESENT_ALL) {
        *out = row;
        return true;
    }
    if (c->column->presence == CN_PRESENT_LIST) {
        uint32_t low = 0, high = n;
        while (low < high) {
            uint32_t mid = (low + high) / 2;
            if (cn_load32(c->present + (size_t) mid * 4) < row)
                low = mid + 1;
            else
                high = mid;
        }
        *out = low;
        return low < n && cn_load32(c->present + (size_t) low * 4) == row;
    }
    uint64_t word = cn_load64(c->present + (size_t) (row / 64) * 8);
    if (!(word >> row % 64 & 1))
        return false;
    uint64_t rank = cn_load32(c->ranks + (size_t) (row / CN_RANK_ROWS) * 4);
    for (uint32_t w = row / CN_RANK_ROWS * (CN_RANK_ROWS / 64); w < row / 64; w++)
        rank += (unsigned) __builtin_popcountll(cn_load64(c->present + (size_t) w * 8));
    rank += (unsigned) __builtin_popcountll(word & ((UINT64_C(1) << row % 64) - 1));
    *out = (uint32_t) rank;
    return rank < n;
}

/* All rows have a value of 8 or 16 bits: the loops that most searches spend their time in. */
#define ROWS_OF_DENSE(type, table)                                                                 \
    for (uint32_t row = 0; row < c->n_rows; row += 64) {                                           \
        uint32_t n = CN_MIN(64u, c->n_rows - row);                                                 \
        uint64_t word = 0;                                                                         \
        for (uint32_t i = 0; i < n; i++) {                                                         \
            type code;                                                                             \
            memcpy(&code, c->codes + (size_t) (row + i) * sizeof code, sizeof code);               \
            word |= (uint64_t) (table)[code] << i;                                                 \
        }                                                                                          \
        out[row / 64] |= word;                                                                     \
    }

static void rows_of_bytes(const cn_codes *c, const uint64_t *set, uint64_t n_set, uint64_t *out)
{
    uint8_t table[256] = {0};
    for (uint64_t i = 0; i < CN_MIN(n_set, 256u); i++)
        table[i] = cn_bit(set, i);
    ROWS_OF_DENSE(uint8_t, table)
}

static void rows_present(const cn_codes *c, uint64_t *out)
{
    switch (c->column->presence) {
    case CN_PRESENT_ALL:
        cn_bits_fill(out, 0, c->n_rows);
        break;
    case CN_PRESENT_BITMAP:
        for (size_t w = 0; w < cn_bit_words(c->n_rows); w++)
            out[w] |= cn_load64(c->present + w * 8);
        if (c->n_rows % 64)
            out[c->n_rows / 64] &= (UINT64_C(1) << c->n_rows % 64) - 1;
        break;
    case CN_PRESENT_LIST:
        for (uint32_t i = 0; i < c->column->n_present; i++) {
            uint32_t row = cn_load32(c->present + (size_t) i * 4);
            if (row < c->n_rows)
                cn_bit_set(out, row);
        }
        break;
    }
}

/* ---- few codes among many rows: found where they stand, then put in their rows ---------------- */

enum { FEW_CODES = 4, FEW_HITS_PART = 64 }; /* hits in fewer than one of so many values */

/* The row of the value of this number. */
static uint32_t row_of(const cn_codes *c, uint32_t at)
{
    if (c->column->presence == CN_PRESENT_ALL)
        return at;
    if (c->column->presence == CN_PRESENT_LIST)
        return cn_load32(c->present + (size_t) at * 4);
    /* The last entry of the rank table with at most `at` values before it. */
    uint32_t low = 0, high = c->n_rows / CN_RANK_ROWS + 1;
    while (high - low > 1) {
        uint32_t mid = low + (high - low) / 2;
        if (cn_load32(c->ranks + (size_t) mid * 4) <= at)
            low = mid;
        else
            high = mid;
    }
    uint32_t before = cn_load32(c->ranks + (size_t) low * 4), left = before <= at ? at - before : 0;
    for (size_t w = (size_t) low * (CN_RANK_ROWS / 64); w < cn_bit_words(c->n_rows); w++) {
        uint64_t word = cn_load64(c->present + w * 8);
        uint32_t n = (uint32_t) __builtin_popcountll(word);
        if (left < n) {
            for (; left; left--)
                word &= word - 1;
            return (uint32_t) (w * 64) + (uint32_t) __builtin_ctzll(word);
        }
        left -= n;
    }
    return UINT32_MAX;
}

typedef struct cn_few {
    const cn_codes *c;
    uint64_t codes[FEW_CODES];
    uint32_t n_codes, hits, max_hits;
    uint64_t *out;
} few;

static bool take_hit(few *f, uint32_t at)
{
    uint32_t row = row_of(f->c, at);
    if (row < f->c->n_rows)
        cn_bit_set(f->out, row);
    return ++f->hits <= f->max_hits;
}

#ifdef __SSE2__
/* 16 bytes at a time: one bit of the result for each that belongs to a code found. */
static unsigned compare_16(const few *f, const uint8_t *p)
{
    __m128i v = _mm_loadu_si128((const __m128i *) (const void *) p), found = _mm_setzero_si128();
    for (uint32_t i = 0; i < f->n_codes; i++) {
        int code = (int) f->codes[i];
        found = _mm_or_si128(
            found, f->c->column->bits == 8    ? _mm_cmpeq_epi8(v, _mm_set1_epi8((char) code))
                   : f->c->column->bits == 16 ? _mm_cmpeq_epi16(v, _mm_set1_epi16((short) code))
                                              : _mm_cmpeq_epi32(v, _mm_set1_epi32(code)));
    }
    return (unsigned) _mm_movemask_epi8(found);
}
#endif

static bool is_code(const few *f, uint64_t code)
{
    for (uint32_t i = 0; i < f->n_codes; i++)
        if (f->codes[i] == code)
            return true;
    return false;
}

/* False where there are too many hits for this to be the fast way; what is set by then is right. */
static bool rows_of_few(few *f)
{
    const cn_codes *c = f->c;
    uint32_t at = 0, n = c->column->n_present;
#ifdef __SSE2__
    uint32_t bytes = c->column->bits / 8;
    if (c->column->bits == 8 || c->column->bits == 16 || c->column->bits == 32)
        for (; at + 16 / bytes <= n; at += 16 / bytes) {
            unsigned found = compare_16(f, c->codes + (size_t) at * bytes);
            for (; found; found &= ~(((1u << bytes) - 1) << __builtin_ctz(found)))
                if (!take_hit(f, at + (uint32_t) __builtin_ctz(found) / bytes))
                    return false;
        }
#endif
    for (; at < n; at++)
        if (is_code(f, cn_codes_get(c, at)) && !take_hit(f, at))
            return false;
    return true;
}

/* True where that was the way to do it. */
static bool try_few(const cn_codes *c, const uint64_t *set, uint64_t n_set, uint64_t *out)
{
    few f = {.c = c, .max_hits = c->column->n_present / FEW_HITS_PART, .out = out};
    if (c->column->bits < 8)
        return false;
    for (size_t code = cn_bits_next(set, 0, n_set); code != SIZE_MAX;
         code = cn_bits_next(set, code + 1, n_set)) {
        if (f.n_codes == FEW_CODES)
            return false;
        f.codes[f.n_codes++] = code;
    }
    return rows_of_few(&f);
}

/* ---- 64 rows at a time ----------------------------------------------------------------------- */

/* The n values from number `at` on, at most 64: one choice of width for all of them. */
static inline void unpack(const cn_codes *c, uint32_t at, uint32_t n, uint32_t out[64])
{
    unsigned bits = c->column->bits;
    const uint8_t *p = c->codes;
    switch (bits) {
    case 1:
    case 2:
    case 4:
        for (uint32_t i = 0; i < n; i++) {
            uint64_t bit = (uint64_t) (at + i) * bits;
            out[i] = p[bit / 8] >> bit % 8 & ((1u << bits) - 1);
        }
        break;
    case 8:
        for (uint32_t i = 0; i < n; i++)
            out[i] = p[at + i];
        break;
    case 16:
        for (uint32_t i = 0; i < n; i++) {
            uint16_t v;
            memcpy(&v, p + (size_t) (at + i) * 2, sizeof v);
            out[i] = v;
        }
        break;
    case 24:
        for (uint32_t i = 0; i < n; i++)
            out[i] = cn_load32(p + (size_t) (at + i) * 3) & 0xffffff;
        break;
    case 32:
        memcpy(out, p + (size_t) at * 4, (size_t) n * 4);
        break;
    default:
        /* No dictionary has codes of 0 or 64 bits but the one of one value. */
        memset(out, 0, (size_t) n * 4);
    }
}

/* Which rows of word w have a value, cut to those that the column has values for. */
static inline uint64_t present_in(const cn_codes *c, size_t w, uint32_t at, uint32_t *n)
{
    uint64_t present = c->present ? cn_load64(c->present + w * 8) : UINT64_MAX;
    if ((w + 1) * 64 > c->n_rows)
        present &= (UINT64_C(1) << c->n_rows % 64) - 1;
    *n = present == UINT64_MAX ? 64 : (uint32_t) __builtin_popcountll(present);
    uint32_t left = c->column->n_present - at;
    for (; *n > left; --*n)
        present &= ~(UINT64_C(1) << (63 - __builtin_clzll(present)));
    return present;
}

static void rows_of_list(const cn_codes *c, const uint64_t *set, uint64_t n_set, uint64_t *out)
{
    for (uint32_t i = 0; i < c->column->n_present; i++) {
        uint32_t row = cn_load32(c->present + (size_t) i * 4);
        uint64_t code = cn_codes_get(c, i);
        if (row < c->n_rows && code < n_set && cn_bit(set, code))
            cn_bit_set(out, row);
    }
}

/* Which of n codes are in the set: one bit each. */
static inline uint64_t in_set(const uint32_t codes[64], uint32_t n, const uint64_t *set,
                              uint64_t n_set)
{
    uint64_t found = 0;
    for (uint32_t i = 0; i < n; i++)
        found |= (uint64_t) (codes[i] < n_set && cn_bit(set, codes[i])) << i;
    return found;
}

/* The same of codes below 256, whose bytes say it. */
static inline uint64_t in_table(const uint32_t codes[64], uint32_t n, const uint8_t table[256])
{
    uint64_t found = 0;
    for (uint32_t i = 0; i < n; i++)
        found |= (uint64_t) table[codes[i] & 255] << i;
    return found;
}

static void rows_of_any(const cn_codes *c, const uint64_t *set, uint64_t n_set, uint64_t *out)
{
    uint32_t at = 0, n, codes[64];
    uint8_t table[256] = {0};
    for (uint64_t i = 0; i < CN_MIN(n_set, 256u); i++)
        table[i] = cn_bit(set, i);
    for (size_t w = 0; w < cn_bit_words(c->n_rows); w++, at += n) {
        uint64_t left = present_in(c, w, at, &n);
        unpack(c, at, n, codes);
        uint64_t found =
            c->column->bits <= 8 ? in_table(codes, n, table) : in_set(codes, n, set, n_set);
        if (found == 0)
            continue;
        if (n == 64) {
            out[w] |= found;
            continue;
        }
        /* From the i-th value to the i-th row that has one. */
        for (; found; found >>= 1, left &= left - 1)
            out[w] |= found & 1 ? left & -left : 0;
    }
}

bool cn_codes_count(const cn_codes *c, const uint64_t *rows, uint64_t *counts)
{
    uint32_t at = 0, n, codes[64], n_values = c->column->n_values;
    bool good = true;
    if (c->column->presence == CN_PRESENT_LIST) {
        for (uint32_t i = 0; i < c->column->n_present; i++) {
            uint32_t row = cn_load32(c->present + (size_t) i * 4);
            uint64_t code = cn_codes_get(c, i);
            if (row < c->n_rows && cn_bit(rows, row) && (good &= code < n_values))
                counts[code]++;
        }
        return good;
    }
    for (size_t w = 0; w < cn_bit_words(c->n_rows) && good; w++, at += n) {
        uint64_t present = present_in(c, w, at, &n), wanted = present & rows[w];
        if (!wanted)
            continue;
        unpack(c, at, n, codes);
        for (; wanted; wanted &= wanted - 1) {
            uint64_t below = (wanted & -wanted) - 1;
            uint32_t code =
                codes[n == 64 ? __builtin_ctzll(wanted) : __builtin_popcountll(present & below)];
            good &= code < n_values;
            counts[code < n_values ? code : 0]++;
        }
    }
    return good;
}

void cn_codes_rows(const cn_codes *c, const uint64_t *set, uint64_t n_set, uint64_t *out)
{
    if (!set || (c->column->bits == 0 && n_set && cn_bit(set, 0)))
        rows_present(c, out);
    else if (c->column->bits == 0)
        return;
    else if (try_few(c, set, n_set, out))
        return;
    else if (c->column->bits == 8 && c->column->presence == CN_PRESENT_ALL)
        rows_of_bytes(c, set, n_set, out);
    else if (c->column->presence == CN_PRESENT_LIST)
        rows_of_list(c, set, n_set, out);
    else
        rows_of_any(c, set, n_set, out);
}

/* ---- values ---------------------------------------------------------------------------------- */

/* Takes the next value off *p: it shares its first bytes with what is in `value`. */
static bool next_value(const uint8_t **p, const uint8_t *end, bool is_first, cn_buf *value)
{
    uint64_t shared, rest;
    if (!cn_varint_get(p, end, &shared) || !cn_varint_get(p, end, &rest) ||
        shared > (is_first ? 0 : value->len) || rest > (size_t) (end - *p) ||
        shared + rest > VALUE_MAX)
        return false;
    value->len = (size_t) shared;
    cn_buf_bytes(value, cn_span_of(*p, (size_t) rest));
    *p += rest;
    return !value->failed;
}

/* The bytes of one group of values. */
static bool group_bytes(const cn_segment *s, const cn_column *c, uint32_t group, cn_span *out)
{
    cn_span at;
    if (!cn_segment_part(s, c->value_index, (uint64_t) group * 4, 8, &at))
        return false;
    uint32_t from = cn_load32(at.p), to = cn_load32(at.p + 4);
    return from <= to && cn_segment_part(s, c->values, from, to - from, out);
}

int cn_values_each(const cn_segment *s, const cn_column *c,
                   int (*visit)(void *context, uint32_t code, cn_span text), void *context,
                   cn_err *err)
{
    CN_CLEANUP(cn_buf_free) cn_buf value = cn_buf_of(VALUE_MAX);
    cn_span bytes;
    for (uint32_t code = 0; code < c->n_values; code++) {
        bool is_first = code % CN_VALUE_GROUP == 0;
        if (is_first && !group_bytes(s, c, code / CN_VALUE_GROUP, &bytes))
            return cn_segment_bad(s, err, "a column's values are damaged");
        const uint8_t *p = bytes.p, *end = p + bytes.len;
        if (!next_value(&p, end, is_first, &value))
            return cn_segment_bad(s, err, "a column's values are damaged");
        bytes = cn_span_of(p, (size_t) (end - p));
        int rc = visit(context, code, cn_buf_span(&value));
        if (rc < 0)
            return rc;
    }
    return CN_OK;
}

bool cn_values_text(const cn_segment *s, const cn_column *c, uint64_t code, cn_buf *out)
{
    cn_span bytes;
    cn_buf_clear(out);
    if (code >= c->n_values || !group_bytes(s, c, (uint32_t) (code / CN_VALUE_GROUP), &bytes))
        return false;
    const uint8_t *p = bytes.p, *end = p + bytes.len;
    for (uint64_t i = 0; i <= code % CN_VALUE_GROUP; i++)
        if (!next_value(&p, end, i == 0, out))
            return false;
    return true;
}

bool cn_values_number(const cn_segment *s, const cn_column *c, uint64_t code, int64_t *out)
{
    cn_span bytes;
    if (c->coding == CN_CODE_RAW) {
        *out = (int64_t) ((uint64_t) c->base + code);
        return true;
    }
    if (code >= c->n_values || !cn_segment_part(s, c->values, code * 8, 8, &bytes))
        return false;
    *out = (int64_t) cn_load64(bytes.p);
    return true;
}
