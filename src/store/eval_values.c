/* Leaves over the columns of a segment: each distinct value is asked once, then the rows that have
 * one of those found. */
#include "event/spool_record.h"
#include "query/glob.h"
#include "query/match.h"
#include "query/token.h"
#include "store/eval.h"

#include <stdlib.h>

static void free_bits(uint64_t **bits) { free(*bits); }
#define BITS CN_CLEANUP(free_bits) uint64_t *

static bool is_text_column(const cn_column *c) { return c->coding == CN_CODE_TEXT; }

bool cn_eval_wants(const cn_segment *s, const cn_query_node *leaf, const cn_column *c)
{
    switch (leaf->field) {
    case CN_QF_ANY:
        return is_text_column(c) && (!c->is_builtin || c == s->path_column);
    case CN_QF_RECORD:
        return !c->is_builtin && cn_span_eq(c->name, leaf->name);
    case CN_QF_data_type:
        return c == s->data_type;
    case CN_QF_timestamp_desc:
        return c == s->desc;
    case CN_QF_path:
        return c == s->path_column;
    case CN_QF_volume:
        return c == s->volume;
    case CN_QF_image:
        return c == s->image;
    case CN_QF_stream:
        return c == s->stream;
    case CN_QF_parser:
        return c == s->parser;
    case CN_QF_inode:
        return c == s->inode;
    default:
        return false;
    }
}

int cn_eval_origin_rows(cn_eval *e, const uint64_t *origins, uint64_t *out)
{
    const cn_segment *s = e->segment;
    const cn_column *c = s->origin;
    cn_codes codes;
    if (!cn_codes_open(s, c, &codes))
        return cn_eval_bad(e, "its origins are damaged");
    if (c->coding == CN_CODE_RAW && c->base == 0) {
        cn_codes_rows(&codes, origins, s->footer.n_origins, out);
        return CN_OK;
    }
    /* Codes are not the origins themselves: few distinct ones, or not from 0. */
    uint64_t n = c->coding == CN_CODE_INT ? c->n_values : s->footer.n_origins;
    BITS set = cn_eval_bits(e, n);
    if (!set)
        return CN_E_NO_MEMORY;
    for (uint64_t code = 0; code < n; code++) {
        int64_t origin;
        if (!cn_values_number(s, c, code, &origin))
            return cn_eval_bad(e, "its origins are damaged");
        if (origin >= 0 && origin < s->footer.n_origins && cn_bit(origins, (size_t) origin))
            cn_bit_set(set, code);
    }
    cn_codes_rows(&codes, set, n, out);
    return CN_OK;
}

/* Sets the rows of a column whose code is in `set` (NULL: any code). */
static int rows_of(cn_eval *e, const cn_column *c, const uint64_t *set, uint64_t n_set,
                   uint64_t *out)
{
    cn_codes codes;
    if (!cn_codes_open(e->segment, c, &codes))
        return cn_eval_bad(e, "a column is damaged");
    if (c->domain == CN_OF_ROWS) {
        cn_codes_rows(&codes, set, n_set, out);
        return CN_OK;
    }
    BITS origins = cn_eval_bits(e, e->segment->footer.n_origins);
    if (!origins)
        return CN_E_NO_MEMORY;
    cn_codes_rows(&codes, set, n_set, origins);
    return cn_eval_origin_rows(e, origins, out);
}

/* ---- integers -------------------------------------------------------------------------------- */

static int rows_of_raw(cn_eval *e, const cn_query_node *leaf, const cn_column *c, uint64_t *out)
{
    cn_codes codes;
    bool is_rows = c->domain == CN_OF_ROWS;
    uint32_t n = is_rows ? e->segment->footer.n_rows : e->segment->footer.n_origins;
    BITS all = cn_eval_bits(e, n);
    BITS found = cn_eval_bits(e, n);
    if (!all || !found)
        return CN_E_NO_MEMORY;
    if (!cn_codes_open(e->segment, c, &codes))
        return cn_eval_bad(e, "a column is damaged");
    cn_bits_fill(all, 0, n);
    CN_CODES_EACH(&codes, all, row, code, {
        int64_t value = (int64_t) ((uint64_t) c->base + code);
        int rc = cn_query_matches_number(leaf, c->type, value, e->err);
        if (rc < 0)
            return rc;
        if (rc)
            cn_bit_set(found, row);
    });
    if (!is_rows)
        return cn_eval_origin_rows(e, found, out);
    for (size_t w = 0; w < cn_bit_words(n); w++)
        out[w] |= found[w];
    return CN_OK;
}

static int rows_of_integers(cn_eval *e, const cn_query_node *leaf, const cn_column *c,
                            uint64_t *out)
{
    if (c->coding == CN_CODE_RAW)
        return rows_of_raw(e, leaf, c, out);
    BITS set = cn_eval_bits(e, c->n_values);
    if (!set)
        return CN_E_NO_MEMORY;
    for (uint32_t code = 0; code < c->n_values; code++) {
        int64_t value;
        if (!cn_values_number(e->segment, c, code, &value))
            return cn_eval_bad(e, "a column's values are damaged");
        int rc = cn_query_matches_number(leaf, c->type, value, e->err);
        if (rc < 0)
            return rc;
        if (rc)
            cn_bit_set(set, code);
    }
    return rows_of(e, c, set, c->n_values, out);
}

/* ---- texts ----------------------------------------------------------------------------------- */

typedef struct cn_value_scan {
    cn_eval *e;
    const cn_query_node *leaf;
    uint64_t first;
    uint64_t *values;
} value_scan;

static int scan_value(void *context, uint32_t code, cn_span text)
{
    value_scan *v = context;
    if (code % 4096 == 0 && v->e->cancelled && v->e->cancelled(v->e->context))
        return cn_fail(v->e->err, CN_E_CANCELLED, CN_NO_OFFSET, "the search was cancelled");
    int rc = cn_query_matches_text(v->leaf, text, v->e->err);
    if (rc > 0)
        cn_bit_set(v->values, v->first + code);
    return rc;
}

/* Asks every value of the wanted columns, or of those columns that the index does not know whole. */
static int scan_values(cn_eval *e, const cn_query_node *leaf, bool unindexed_only, uint64_t *values)
{
    const cn_footer *f = &e->segment->footer;
    for (uint32_t i = 0; i < f->n_columns; i++) {
        const cn_column *c = &f->columns[i];
        if (!is_text_column(c) || !cn_eval_wants(e->segment, leaf, c) ||
            (unindexed_only && c->first_value + c->n_values <= f->indexed_values))
            continue;
        value_scan v = {e, leaf, c->first_value, values};
        int rc = cn_values_each(e->segment, c, scan_value, &v, e->err);
        if (rc < 0)
            return rc;
    }
    return CN_OK;
}

/* Keeps of the candidates, which are values of wanted columns or others, those that match. */
static int keep_matching(cn_eval *e, const cn_query_node *leaf, uint64_t *values)
{
    const cn_footer *f = &e->segment->footer;
    CN_CLEANUP(cn_buf_free) cn_buf text = cn_buf_of(CN_MIB(4));
    for (uint32_t i = 0; i < f->n_columns; i++) {
        const cn_column *c = &f->columns[i];
        if (!is_text_column(c) || !cn_eval_wants(e->segment, leaf, c))
            continue;
        uint64_t end = c->first_value + c->n_values;
        for (size_t v = cn_bits_next(values, c->first_value, end); v != SIZE_MAX;
             v = cn_bits_next(values, v + 1, end)) {
            if (!cn_values_text(e->segment, c, v - c->first_value, &text))
                return cn_eval_bad(e, "a column's values are damaged");
            int rc = cn_query_matches_text(leaf, cn_buf_span(&text), e->err);
            if (rc < 0)
                return rc;
            if (!rc)
                values[v / 64] &= ~(UINT64_C(1) << v % 64);
        }
    }
    return CN_OK;
}

/* Values that have all these tokens; `n` of them, at least one. */
static int values_with_all(cn_eval *e, const cn_span *tokens, size_t n, uint64_t *values)
{
    size_t words = cn_bit_words(e->segment->footer.n_text_values);
    BITS one = cn_eval_bits(e, e->segment->footer.n_text_values);
    if (!one)
        return CN_E_NO_MEMORY;
    for (size_t i = 0; i < n; i++) {
        if (i)
            memset(one, 0, words * sizeof *one);
        int rc = cn_eval_token(e, tokens[i], NULL, i ? one : values);
        if (rc < 0)
            return rc;
        for (size_t w = 0; i && w < words; w++)
            values[w] &= one[w];
    }
    return CN_OK;
}

/* Values that are the whole text have all its tokens. Where it has none, all are asked. */
static int values_equal(cn_eval *e, const cn_query_node *leaf, uint64_t *values)
{
    enum { ENOUGH = 8 };
    CN_CLEANUP(cn_tokens_free) cn_tokens t = {0};
    cn_span tokens[ENOUGH];
    size_t n = 0;
    if (!cn_tokens_cut(&t, leaf->folded))
        return cn_fail(e->err, CN_E_NO_MEMORY, CN_NO_OFFSET, "no memory to search");
    if (t.n == 0)
        return scan_values(e, leaf, false, values);
    for (size_t i = 0; i < t.n && n < ENOUGH; i++)
        tokens[n++] = cn_tokens_span(&t, i);
    int rc = values_with_all(e, tokens, n, values);
    if (rc == CN_OK)
        rc = keep_matching(e, leaf, values);
    return rc < 0 ? rc : scan_values(e, leaf, true, values);
}

static bool token_is_like(const void *what, cn_span token)
{
    return cn_glob_matches(((const cn_query_node *) what)->folded, token);
}

/* True where a value that is like the pattern has a token that is: `abc*`. */
static bool tokens_decide(const cn_query_node *leaf)
{
    if (leaf->whole || leaf->unanchored)
        return false;
    if (leaf->field == CN_QF_ANY)
        return true;
    cn_span prefix = cn_glob_prefix(leaf->folded);
    if (!cn_glob_is_prefix(leaf->folded) || !prefix.len)
        return false;
    for (size_t i = 0; i < prefix.len; i++)
        if (!cn_token_is_word(prefix.p[i]))
            return false;
    return true;
}

/* Sets the numbers of all values, of wanted columns at least, that satisfy the leaf. */
static int matching_values(cn_eval *e, const cn_query_node *leaf, uint64_t *values)
{
    int rc;
    switch (leaf->kind) {
    case CN_Q_WORD:
        if (leaf->is_network)
            return scan_values(e, leaf, false, values);
        rc = cn_eval_token(e, leaf->tokens[0], NULL, values);
        return rc < 0 ? rc : scan_values(e, leaf, true, values);
    case CN_Q_PHRASE:
        if (leaf->is_network)
            return scan_values(e, leaf, false, values);
        rc = values_with_all(e, leaf->tokens, leaf->n_tokens, values);
        if (rc == CN_OK)
            rc = keep_matching(e, leaf, values);
        return rc < 0 ? rc : scan_values(e, leaf, true, values);
    case CN_Q_VALUE:
        return values_equal(e, leaf, values);
    case CN_Q_GLOB:
        if (!tokens_decide(leaf))
            return scan_values(e, leaf, false, values);
        rc = cn_eval_tokens(e, cn_glob_prefix(leaf->folded), token_is_like, leaf, NULL, values);
        return rc < 0 ? rc : scan_values(e, leaf, true, values);
    default:
        return scan_values(e, leaf, false, values);
    }
}

/* The bits of one column's values, moved to 0. */
static uint64_t *column_set(cn_eval *e, const cn_column *c, const uint64_t *values, bool *any)
{
    uint64_t *set = cn_eval_bits(e, c->n_values);
    *any = false;
    if (!set)
        return NULL;
    size_t words = cn_bit_words(c->n_values), from = c->first_value / 64;
    unsigned shift = c->first_value % 64;
    size_t all = cn_bit_words(e->segment->footer.n_text_values);
    uint64_t seen = 0;
    for (size_t w = 0; w < words; w++) {
        set[w] = values[from + w] >> shift;
        if (shift && from + w + 1 < all)
            set[w] |= values[from + w + 1] << (64 - shift);
        if (w + 1 == words && c->n_values % 64)
            set[w] &= (UINT64_C(1) << c->n_values % 64) - 1;
        seen |= set[w];
    }
    *any = seen != 0;
    return set;
}

static int eval_exists(cn_eval *e, const cn_query_node *leaf, uint64_t *out)
{
    const cn_footer *f = &e->segment->footer;
    for (uint32_t i = 0; i < f->n_columns; i++) {
        if (!cn_eval_wants(e->segment, leaf, &f->columns[i]))
            continue;
        int rc = rows_of(e, &f->columns[i], NULL, 0, out);
        if (rc < 0)
            return rc;
    }
    return CN_OK;
}

static int eval_texts(cn_eval *e, const cn_query_node *leaf, uint64_t *out)
{
    const cn_footer *f = &e->segment->footer;
    BITS values = cn_eval_bits(e, f->n_text_values);
    if (!values)
        return CN_E_NO_MEMORY;
    int rc = matching_values(e, leaf, values);
    for (uint32_t i = 0; rc == CN_OK && i < f->n_columns; i++) {
        const cn_column *c = &f->columns[i];
        if (!is_text_column(c) || !c->n_values || !cn_eval_wants(e->segment, leaf, c) ||
            cn_bits_next(values, c->first_value, c->first_value + c->n_values) == SIZE_MAX)
            continue;
        bool any;
        BITS set = column_set(e, c, values, &any);
        if (!set)
            return CN_E_NO_MEMORY;
        if (any)
            rc = rows_of(e, c, set, c->n_values, out);
    }
    return rc;
}

int cn_eval_columns(cn_eval *e, const cn_query_node *leaf, uint64_t *out)
{
    const cn_footer *f = &e->segment->footer;
    bool texts = leaf->field == CN_QF_ANY;
    if (leaf->kind == CN_Q_EXISTS)
        return eval_exists(e, leaf, out);
    for (uint32_t i = 0; i < f->n_columns && leaf->field != CN_QF_ANY; i++) {
        const cn_column *c = &f->columns[i];
        if (!cn_eval_wants(e->segment, leaf, c))
            continue;
        texts |= is_text_column(c);
        if (is_text_column(c))
            continue;
        int rc = rows_of_integers(e, leaf, c, out);
        if (rc < 0)
            return rc;
    }
    return texts ? eval_texts(e, leaf, out) : CN_OK;
}
