#include "store/eval.h"

#include "query/glob.h"
#include "query/match.h"

#include <stdlib.h>

void cn_eval_free(cn_eval *e)
{
    cn_message_block_free(&e->messages);
    cn_place_block_free(&e->places);
    cn_buf_free(&e->lowered);
}

uint64_t *cn_eval_bits(cn_eval *e, size_t bits)
{
    uint64_t *p = calloc(cn_bit_words(bits) + 1, sizeof *p);
    if (!p)
        cn_fail(e->err, CN_E_NO_MEMORY, CN_NO_OFFSET, "no memory to search");
    return p;
}

static void free_bits(uint64_t **bits) { free(*bits); }
#define BITS CN_CLEANUP(free_bits) uint64_t *

int cn_eval_bad(cn_eval *e, const char *what) { return cn_segment_bad(e->segment, e->err, what); }

static size_t row_words(const cn_eval *e) { return cn_bit_words(e->segment->footer.n_rows); }

static bool is_empty(const uint64_t *bits, size_t words)
{
    uint64_t all = 0;
    for (size_t i = 0; i < words; i++)
        all |= bits[i];
    return all == 0;
}

/* ---- tokens ---------------------------------------------------------------------------------- */

typedef struct cn_token_visit {
    cn_eval *e;
    cn_span word; /* exactly this one */
    bool (*wanted)(const void *what, cn_span token);
    const void *what;
    uint64_t *rows, *values;
} token_visit;

static int take_postings(token_visit *v, const cn_token_entry *entry)
{
    const cn_footer *f = &v->e->segment->footer;
    uint64_t *bits = entry->of_values ? v->values : v->rows;
    if (!bits)
        return CN_OK;
    uint64_t n = entry->of_values ? f->n_text_values : f->n_rows;
    return cn_token_postings(v->e->segment, entry, bits, n)
               ? CN_OK
               : cn_eval_bad(v->e, "postings of a word are damaged");
}

static int visit_word(void *context, const cn_token_entry *entry)
{
    token_visit *v = context;
    if (entry->text.len != v->word.len)
        return 1;
    return take_postings(v, entry);
}

static int visit_wanted(void *context, const cn_token_entry *entry)
{
    token_visit *v = context;
    return v->wanted(v->what, entry->text) ? take_postings(v, entry) : CN_OK;
}

int cn_eval_token(cn_eval *e, cn_span token, uint64_t *rows, uint64_t *values)
{
    token_visit v = {.e = e, .word = token, .rows = rows, .values = values};
    int rc = cn_tokens_each(e->segment, token, visit_word, &v, e->err);
    return rc < 0 ? rc : CN_OK;
}

int cn_eval_tokens(cn_eval *e, cn_span prefix, bool (*wanted)(const void *what, cn_span token),
                   const void *what, uint64_t *rows, uint64_t *values)
{
    token_visit v = {.e = e, .wanted = wanted, .what = what, .rows = rows, .values = values};
    int rc = cn_tokens_each(e->segment, prefix, visit_wanted, &v, e->err);
    return rc < 0 ? rc : CN_OK;
}

/* ---- times, places, ids ---------------------------------------------------------------------- */

int cn_eval_times(cn_eval *e, int64_t from_ns, int64_t until_ns, uint64_t *out)
{
    uint32_t first, end = e->segment->footer.n_rows;
    if (from_ns > until_ns)
        return CN_OK;
    if (!cn_times_row(e->segment, &e->times, from_ns, &first) ||
        (until_ns < CN_TIME_MAX && !cn_times_row(e->segment, &e->times, until_ns + 1, &end)))
        return cn_eval_bad(e, "its times are damaged");
    cn_bits_fill(out, first, end);
    return CN_OK;
}

static int eval_time_leaf(cn_eval *e, const cn_query_node *leaf, uint64_t *out)
{
    const cn_footer *f = &e->segment->footer;
    if (leaf->kind == CN_Q_EXISTS) {
        cn_bits_fill(out, f->n_untimed, f->n_rows);
        return CN_OK;
    }
    if (leaf->time_empty)
        return CN_OK;
    /* In JSON, the timestamp of an event without a time is 0. */
    if (leaf->field == CN_QF_timestamp && leaf->time_first <= 0 && leaf->time_last >= 0)
        cn_bits_fill(out, 0, f->n_untimed);
    return cn_eval_times(e, leaf->time_first, leaf->time_last, out);
}

/* Calls `test` for each row of `within`, with its block of places loaded. */
static int each_place(cn_eval *e, const uint64_t *within,
                      int (*test)(cn_eval *e, const void *what, uint32_t i), const void *what,
                      uint64_t *out)
{
    uint32_t n_rows = e->segment->footer.n_rows;
    for (uint32_t from = 0; from < n_rows; from += CN_PLACE_ROWS) {
        uint32_t end = CN_MIN(n_rows, from + CN_PLACE_ROWS);
        size_t row = cn_bits_next(within, from, end);
        if (row == SIZE_MAX)
            continue;
        if (e->cancelled && e->cancelled(e->context))
            return cn_fail(e->err, CN_E_CANCELLED, CN_NO_OFFSET, "the search was cancelled");
        if (!cn_places_load(e->segment, &e->places, from / CN_PLACE_ROWS))
            return cn_eval_bad(e, "its offsets are damaged");
        for (; row != SIZE_MAX; row = cn_bits_next(within, row + 1, end)) {
            int rc = test(e, what, (uint32_t) row - from);
            if (rc < 0)
                return rc;
            if (rc)
                cn_bit_set(out, row);
        }
    }
    return CN_OK;
}

static int test_place(cn_eval *e, const void *what, uint32_t i)
{
    const cn_query_node *leaf = what;
    if (leaf->field == CN_QF_event_id) {
        char text[CN_EVENT_ID_TEXT];
        cn_event_id id = {.offset = e->places.offsets[i], .ordinal = e->places.ordinals[i]};
        if (!cn_origins_key(e->segment, e->places.origins[i], &id.origin_key))
            return cn_eval_bad(e, "its origins are damaged");
        cn_event_id_format(id, text);
        return cn_query_matches_text(leaf, cn_span_str(text), e->err);
    }
    uint64_t v = leaf->field == CN_QF_offset ? e->places.offsets[i] : e->places.lengths[i];
    return cn_query_matches_number(leaf, CN_INT, (int64_t) v, e->err);
}

static int compare_ids(const void *x, const void *y)
{
    const struct cn_listed_id *a = x, *b = y;
    if (a->id.origin_key != b->id.origin_key)
        return a->id.origin_key < b->id.origin_key ? -1 : 1;
    if (a->id.offset != b->id.offset)
        return a->id.offset < b->id.offset ? -1 : 1;
    if (a->id.ordinal != b->id.ordinal)
        return a->id.ordinal < b->id.ordinal ? -1 : 1;
    return (a->timeline_id > b->timeline_id) - (a->timeline_id < b->timeline_id);
}

void cn_id_list_sort(cn_id_list *list)
{
    if (list->n)
        qsort(list->ids, list->n, sizeof *list->ids, compare_ids);
}

int cn_id_list_add(cn_id_list *list, uint64_t timeline_id, cn_event_id id)
{
    if (list->n == list->capacity) {
        size_t capacity = list->capacity ? list->capacity * 2 : 64;
        struct cn_listed_id *ids = realloc(list->ids, capacity * sizeof *ids);
        if (!ids)
            return CN_E_NO_MEMORY;
        list->ids = ids;
        list->capacity = capacity;
    }
    list->ids[list->n++] = (struct cn_listed_id){timeline_id, id};
    return CN_OK;
}

/* The first listed id that is not before this one. */
static size_t first_id(const cn_id_list *list, cn_event_id id)
{
    struct cn_listed_id wanted = {0, id};
    size_t low = 0, high = list->n;
    while (low < high) {
        size_t mid = (low + high) / 2;
        if (compare_ids(&list->ids[mid], &wanted) < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

static int test_id(cn_eval *e, const void *what, uint32_t i)
{
    const cn_id_list *list = what;
    cn_event_id id = {.offset = e->places.offsets[i], .ordinal = e->places.ordinals[i]};
    if (!cn_origins_key(e->segment, e->places.origins[i], &id.origin_key))
        return cn_eval_bad(e, "its origins are damaged");
    for (size_t k = first_id(list, id); k < list->n; k++) {
        const struct cn_listed_id *l = &list->ids[k];
        if (l->id.origin_key != id.origin_key || l->id.offset != id.offset ||
            l->id.ordinal != id.ordinal)
            break;
        if (l->timeline_id == 0 || l->timeline_id == e->segment->timeline_id)
            return 1;
    }
    return 0;
}

int cn_eval_ids(cn_eval *e, const cn_id_list *list, uint64_t *out)
{
    const cn_footer *f = &e->segment->footer;
    cn_span keys;
    if (!list->n || !f->n_rows)
        return CN_OK;
    BITS origins = cn_eval_bits(e, f->n_origins);
    BITS rows = cn_eval_bits(e, f->n_rows);
    if (!origins || !rows)
        return CN_E_NO_MEMORY;
    if (!cn_segment_all(e->segment, f->sections[CN_SECTION_ORIGIN_KEYS], &keys))
        return cn_eval_bad(e, "its origins are damaged");
    bool any = false;
    for (uint32_t i = 0; i < f->n_origins; i++) {
        uint64_t key = cn_load64(keys.p + (size_t) i * 8);
        size_t k = first_id(list, (cn_event_id){.origin_key = key});
        if (k < list->n && list->ids[k].id.origin_key == key) {
            cn_bit_set(origins, i);
            any = true;
        }
    }
    if (!any)
        return CN_OK;
    int rc = cn_eval_origin_rows(e, origins, rows);
    return rc < 0 ? rc : each_place(e, rows, test_id, list, out);
}

static int eval_place_leaf(cn_eval *e, const cn_query_node *leaf, const uint64_t *within,
                           uint64_t *out)
{
    if (leaf->kind == CN_Q_EXISTS) {
        cn_bits_fill(out, 0, e->segment->footer.n_rows);
        return CN_OK;
    }
    cn_event_id id;
    if (leaf->field == CN_QF_event_id && (leaf->kind == CN_Q_VALUE || leaf->kind == CN_Q_WORD)) {
        if (!cn_event_id_parse(leaf->folded, &id))
            return CN_OK;
        struct cn_listed_id one = {0, id};
        return cn_eval_ids(e, &(cn_id_list){&one, 1, 1}, out);
    }
    return each_place(e, within, test_place, leaf, out);
}

/* ---- leaves ---------------------------------------------------------------------------------- */

/* The same for all events of the segment. */
static int eval_constant(cn_eval *e, const cn_query_node *leaf, cn_span value, uint64_t *out)
{
    int rc = value.len ? cn_query_matches_text(leaf, value, e->err) : 0;
    if (rc > 0)
        cn_bits_fill(out, 0, e->segment->footer.n_rows);
    return rc < 0 ? rc : CN_OK;
}

static int eval_annotation(cn_eval *e, const cn_query_node *leaf, uint64_t *out)
{
    for (size_t i = 0; i < e->n_annotations; i++)
        if (e->annotations[i].leaf == leaf)
            return cn_eval_ids(e, &e->annotations[i].list, out);
    return CN_OK;
}

static bool token_is_like(const void *what, cn_span token)
{
    return cn_glob_matches(((const cn_query_node *) what)->folded, token);
}

/* Words of the message: those rows that the index knows, the others are read. */
static int eval_message_index(cn_eval *e, const cn_query_node *leaf, uint64_t *out)
{
    if (leaf->kind == CN_Q_WORD)
        return cn_eval_token(e, leaf->tokens[0], out, NULL);
    return cn_eval_tokens(e, cn_glob_prefix(leaf->folded), token_is_like, leaf, out, NULL);
}

static int eval_unindexed(cn_eval *e, const cn_query_node *leaf, const uint64_t *within,
                          uint64_t *out)
{
    const cn_footer *f = &e->segment->footer;
    if (f->indexed_rows >= f->n_rows)
        return CN_OK;
    BITS rows = cn_eval_bits(e, f->n_rows);
    if (!rows)
        return CN_E_NO_MEMORY;
    cn_bits_fill(rows, f->indexed_rows, f->n_rows);
    for (size_t w = 0; w < row_words(e); w++)
        rows[w] &= within[w];
    return cn_eval_messages(e, leaf, rows, out);
}

/* The rows that have all words of the phrase are read. */
static int eval_phrase(cn_eval *e, const cn_query_node *leaf, const uint64_t *within, uint64_t *out)
{
    const cn_footer *f = &e->segment->footer;
    size_t words = row_words(e);
    BITS rows = cn_eval_bits(e, f->n_rows);
    BITS one = cn_eval_bits(e, f->n_rows);
    if (!rows || !one)
        return CN_E_NO_MEMORY;
    memcpy(rows, within, words * sizeof *rows);
    for (size_t i = 0; i < leaf->n_tokens; i++) {
        memset(one, 0, words * sizeof *one);
        int rc = cn_eval_token(e, leaf->tokens[i], one, NULL);
        if (rc < 0)
            return rc;
        cn_bits_fill(one, f->indexed_rows, f->n_rows);
        for (size_t w = 0; w < words; w++)
            rows[w] &= one[w];
        if (is_empty(rows, words))
            return CN_OK;
    }
    return cn_eval_messages(e, leaf, rows, out);
}

static int eval_message(cn_eval *e, const cn_query_node *leaf, const uint64_t *within,
                        uint64_t *out)
{
    switch (leaf->kind) {
    case CN_Q_EXISTS:
        cn_bits_fill(out, 0, e->segment->footer.n_rows);
        return CN_OK;
    case CN_Q_PHRASE:
        return eval_phrase(e, leaf, within, out);
    case CN_Q_GLOB:
        if (leaf->whole || leaf->unanchored)
            return cn_eval_messages(e, leaf, within, out);
        __attribute__((fallthrough));
    case CN_Q_WORD: {
        int rc = eval_message_index(e, leaf, out);
        return rc < 0 ? rc : eval_unindexed(e, leaf, within, out);
    }
    default:
        return cn_eval_messages(e, leaf, within, out);
    }
}

/* What a column has found need not be read again. */
static int eval_any(cn_eval *e, const cn_query_node *leaf, const uint64_t *within, uint64_t *out)
{
    int rc = cn_eval_columns(e, leaf, out);
    if (rc < 0)
        return rc;
    size_t words = row_words(e);
    BITS rest = cn_eval_bits(e, e->segment->footer.n_rows);
    if (!rest)
        return CN_E_NO_MEMORY;
    for (size_t w = 0; w < words; w++)
        rest[w] = within[w] & ~out[w];
    return eval_message(e, leaf, rest, out);
}

static int eval_leaf(cn_eval *e, const cn_query_node *leaf, const uint64_t *within, uint64_t *out)
{
    switch (leaf->field) {
    case CN_QF_ANY:
        return eval_any(e, leaf, within, out);
    case CN_QF_message:
        return eval_message(e, leaf, within, out);
    case CN_QF_datetime:
    case CN_QF_timestamp:
        return eval_time_leaf(e, leaf, out);
    case CN_QF_offset:
    case CN_QF_length:
    case CN_QF_event_id:
        return eval_place_leaf(e, leaf, within, out);
    case CN_QF_timeline:
        return eval_constant(e, leaf, e->timeline, out);
    case CN_QF_system:
        return eval_constant(e, leaf, e->system, out);
    case CN_QF_tag:
    case CN_QF_label:
    case CN_QF_starred:
    case CN_QF_comment:
        return eval_annotation(e, leaf, out);
    default:
        return cn_eval_columns(e, leaf, out);
    }
}

/* ---- the tree -------------------------------------------------------------------------------- */

static unsigned leaf_cost(const cn_query_node *n)
{
    bool is_text = n->field == CN_QF_ANY || n->field == CN_QF_message;
    switch (n->kind) {
    case CN_Q_EXISTS:
    case CN_Q_ALL:
        return 0;
    case CN_Q_WORD:
        return 1;
    case CN_Q_PHRASE:
        return is_text ? 3 : 2;
    case CN_Q_GLOB:
        return is_text && (n->whole || n->unanchored) ? 3 : 2;
    case CN_Q_RANGE:
        return n->field == CN_QF_datetime || n->field == CN_QF_timestamp ? 0 : is_text ? 3 : 2;
    default:
        return is_text ? 3 : 2;
    }
}

unsigned cn_eval_cost(const cn_query_node *n)
{
    unsigned cost = n->n_children ? 0 : leaf_cost(n);
    for (size_t i = 0; i < n->n_children; i++)
        cost = CN_MAX(cost, cn_eval_cost(n->children[i]));
    return cost;
}

/* The cheap ones first: they leave the others less to look at. */
static int eval_children(cn_eval *e, const cn_query_node *n, const uint64_t *within, uint64_t *out)
{
    size_t words = row_words(e);
    bool is_and = n->kind == CN_Q_AND;
    BITS rest = cn_eval_bits(e, e->segment->footer.n_rows);
    BITS one = cn_eval_bits(e, e->segment->footer.n_rows);
    if (!rest || !one)
        return CN_E_NO_MEMORY;
    memcpy(rest, within, words * sizeof *rest);
    memset(out, 0, words * sizeof *out);
    for (unsigned cost = 0; cost <= 3; cost++)
        for (size_t i = 0; i < n->n_children; i++) {
            if (cn_eval_cost(n->children[i]) != cost)
                continue;
            if (is_empty(rest, words))
                return CN_OK;
            int rc = cn_eval_node(e, n->children[i], rest, one);
            if (rc < 0)
                return rc;
            for (size_t w = 0; w < words; w++) {
                out[w] |= is_and ? 0 : one[w];
                rest[w] &= is_and ? one[w] : ~one[w];
            }
        }
    if (is_and)
        memcpy(out, rest, words * sizeof *out);
    return CN_OK;
}

int cn_eval_node(cn_eval *e, const cn_query_node *n, const uint64_t *within, uint64_t *out)
{
    size_t words = row_words(e);
    int rc = CN_OK;
    switch (n->kind) {
    case CN_Q_ALL:
        memcpy(out, within, words * sizeof *out);
        return CN_OK;
    case CN_Q_AND:
    case CN_Q_OR:
        return eval_children(e, n, within, out);
    case CN_Q_NOT:
        rc = cn_eval_node(e, n->children[0], within, out);
        for (size_t w = 0; w < words; w++)
            out[w] = within[w] & ~out[w];
        return rc;
    default:
        memset(out, 0, words * sizeof *out);
        rc = eval_leaf(e, n, within, out);
        for (size_t w = 0; w < words; w++)
            out[w] &= within[w];
        return rc;
    }
}
