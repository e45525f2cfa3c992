/* Leaves that messages must be read for: block by block, and only where what must stand in the
 * message does stand in the block. */
#include "query/glob.h"
#include "query/match.h"
#include "query/regex.h"
#include "query/token.h"
#include "store/eval.h"

#include <stdlib.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

enum { RUN_MIN = 3 }; /* shorter runs are in too many tokens */

static void free_bits(uint64_t **bits) { free(*bits); }
#define BITS CN_CLEANUP(free_bits) uint64_t *

/* Lower-cased ASCII text that stands in every message that matches; empty where none is known. */
static cn_span leaf_literal(const cn_query_node *leaf)
{
    cn_span literal = {NULL, 0};
    if (leaf->kind == CN_Q_REGEX) {
        literal = cn_regex_literal(leaf->regex);
    } else if (leaf->kind == CN_Q_GLOB) {
        literal = cn_glob_literal(leaf->folded);
    } else if (leaf->kind == CN_Q_VALUE) {
        literal = leaf->folded;
    } else if (leaf->kind == CN_Q_PHRASE) {
        for (size_t i = 0; i < leaf->n_tokens; i++)
            if (leaf->tokens[i].len > literal.len && leaf->tokens[i].len < CN_TOKEN_MAX - 3)
                literal = leaf->tokens[i];
    }
    for (size_t i = 0; i < literal.len; i++)
        if (literal.p[i] >= 0x80)
            return (cn_span){NULL, 0};
    return literal;
}

/* ---- the index as a filter ------------------------------------------------------------------- */

/* A run of word characters in the literal, and what it is of a token that holds it. */
typedef struct cn_token_need {
    cn_span run;
    bool starts, ends; /* the token begins, ends with the run */
} token_need;

static bool token_has(const void *what, cn_span token)
{
    const token_need *n = what;
    if (token.len >= CN_TOKEN_MAX - 3)
        return true; /* a shortened one: what it held is not known */
    if (token.len < n->run.len)
        return false;
    if (n->starts)
        return memcmp(token.p, n->run.p, n->run.len) == 0 && (!n->ends || token.len == n->run.len);
    if (n->ends)
        return memcmp(token.p + token.len - n->run.len, n->run.p, n->run.len) == 0;
    return memmem(token.p, token.len, n->run.p, n->run.len) != NULL;
}

/* The longest run of word characters; at the literal's ends the token may go on. */
static bool find_need(cn_span literal, token_need *out)
{
    out->run.len = 0;
    for (size_t i = 0; i < literal.len;) {
        size_t n = 0;
        while (i + n < literal.len && cn_token_is_word(literal.p[i + n]))
            n++;
        if (n > out->run.len)
            *out = (token_need){cn_span_sub(literal, i, n), i > 0, i + n < literal.len};
        i += n + 1;
    }
    return out->run.len >= RUN_MIN;
}

/* Leaves in rows only those whose tokens let the literal be there. */
static int filter_rows(cn_eval *e, cn_span literal, uint64_t *rows)
{
    const cn_footer *f = &e->segment->footer;
    token_need need;
    if (!find_need(literal, &need))
        return CN_OK;
    BITS found = cn_eval_bits(e, f->n_rows);
    if (!found)
        return CN_E_NO_MEMORY;
    int rc = cn_eval_tokens(e, need.starts ? need.run : (cn_span){NULL, 0}, token_has, &need, found,
                            NULL);
    if (rc < 0)
        return rc;
    cn_bits_fill(found, f->indexed_rows, f->n_rows);
    for (size_t w = 0; w < cn_bit_words(f->n_rows); w++)
        rows[w] &= found[w];
    return CN_OK;
}

/* ---- reading --------------------------------------------------------------------------------- */

/* Lower-cases the block into e->lowered; false where it holds more than ASCII. */
static bool lower_block(cn_eval *e, cn_span text)
{
    cn_buf_clear(&e->lowered);
    uint8_t *out = cn_buf_room(&e->lowered, text.len + 16), high = 0;
    if (!out)
        return false;
    size_t i = 0;
#ifdef __SSE2__
    __m128i any = _mm_setzero_si128();
    for (; i + 16 <= text.len; i += 16) {
        __m128i c = _mm_loadu_si128((const __m128i *) (const void *) (text.p + i));
        __m128i upper = _mm_and_si128(_mm_cmpgt_epi8(c, _mm_set1_epi8('A' - 1)),
                                      _mm_cmplt_epi8(c, _mm_set1_epi8('Z' + 1)));
        any = _mm_or_si128(any, c);
        _mm_storeu_si128((__m128i *) (void *) (out + i),
                         _mm_or_si128(c, _mm_and_si128(upper, _mm_set1_epi8(32))));
    }
    high = _mm_movemask_epi8(any) ? 0x80 : 0;
#endif
    for (; i < text.len; i++) {
        high |= text.p[i];
        out[i] = (uint8_t) (text.p[i] + ((uint8_t) (text.p[i] - 'A') < 26 ? 32 : 0));
    }
    e->lowered.len = text.len;
    return high < 0x80;
}

static int test_row(cn_eval *e, const cn_query_node *leaf, uint32_t i, uint64_t *out)
{
    const cn_message_block *m = &e->messages;
    cn_span text = cn_span_of(m->bytes + m->offsets[i], m->offsets[i + 1] - m->offsets[i]);
    int rc = cn_query_matches_text(leaf, text, e->err);
    if (rc > 0)
        cn_bit_set(out, m->first + i);
    return rc;
}

/* Only the rows in which the literal stands. */
static int read_found(cn_eval *e, const cn_query_node *leaf, cn_span literal,
                      const uint64_t *within, uint64_t *out)
{
    const cn_message_block *m = &e->messages;
    uint32_t base = m->offsets[0], i = 0;
    const uint8_t *p = e->lowered.p, *end = p + e->lowered.len;
    while (i < m->n) {
        const uint8_t *from = e->lowered.p + (m->offsets[i] - base);
        const uint8_t *at = memmem(from, (size_t) (end - from), literal.p, literal.len);
        if (!at)
            return CN_OK;
        uint32_t offset = (uint32_t) (at - p) + base;
        while (i + 1 < m->n && m->offsets[i + 1] <= offset)
            i++;
        /* An occurrence over the end of a message costs a look at it, no more. */
        if (cn_bit(within, m->first + i)) {
            int rc = test_row(e, leaf, i, out);
            if (rc < 0)
                return rc;
        }
        i++;
    }
    return CN_OK;
}

static int read_block(cn_eval *e, const cn_query_node *leaf, cn_span literal,
                      const uint64_t *within, uint64_t *out)
{
    const cn_message_block *m = &e->messages;
    cn_span text = cn_span_of(m->bytes + m->offsets[0], m->offsets[m->n] - m->offsets[0]);
    if (literal.len && lower_block(e, text))
        return read_found(e, leaf, literal, within, out);
    size_t end = m->first + m->n;
    for (size_t row = cn_bits_next(within, m->first, end); row != SIZE_MAX;
         row = cn_bits_next(within, row + 1, end)) {
        int rc = test_row(e, leaf, (uint32_t) row - m->first, out);
        if (rc < 0)
            return rc;
    }
    return CN_OK;
}

int cn_eval_messages(cn_eval *e, const cn_query_node *leaf, const uint64_t *within, uint64_t *out)
{
    const cn_segment *s = e->segment;
    cn_span literal = leaf_literal(leaf);
    BITS rows = cn_eval_bits(e, s->footer.n_rows);
    if (!rows)
        return CN_E_NO_MEMORY;
    if (e->lowered.max == 0)
        e->lowered = cn_buf_of(CN_MIB(4));
    memcpy(rows, within, cn_bit_words(s->footer.n_rows) * sizeof *rows);
    if (literal.len && leaf->kind != CN_Q_PHRASE) {
        int rc = filter_rows(e, literal, rows);
        if (rc < 0)
            return rc;
    }
    for (uint32_t b = 0; b < cn_messages_blocks(s); b++) {
        uint32_t first, end;
        if (!cn_messages_rows(s, b, &first, &end))
            return cn_eval_bad(e, "its messages are damaged");
        if (cn_bits_next(rows, first, end) == SIZE_MAX)
            continue;
        if (e->cancelled && e->cancelled(e->context))
            return cn_fail(e->err, CN_E_CANCELLED, CN_NO_OFFSET, "the search was cancelled");
        if (!cn_messages_load(s, &e->messages, b))
            return cn_eval_bad(e, "its messages are damaged");
        int rc = read_block(e, leaf, literal, rows, out);
        if (rc < 0)
            return rc;
    }
    return CN_OK;
}
