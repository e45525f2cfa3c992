/* Top and rare values, and statistics of a field. */
#include "query/fold.h"
#include "store/hit_set.h"

#include <stdlib.h>

static void free_counts(uint64_t **p) { free(*p); }
#define COUNTS CN_CLEANUP(free_counts) uint64_t *

cn_query_node cn_field_leaf(cn_span field)
{
    return (cn_query_node){
        .kind = CN_Q_EXISTS, .field = cn_query_field_by_name(field), .name = field};
}

static int no_memory(cn_err *err)
{
    return cn_fail(err, CN_E_NO_MEMORY, CN_NO_OFFSET, "no memory to count values");
}

typedef struct cn_top_run {
    cn_counter counter;
    cn_hit_segment *h;
    const uint64_t *counts; /* of the column at hand */
    cn_span prefix;         /* folded */
    cn_buf folded;
    uint64_t present;
    cn_type type;
    bool typed;
} top_run;

static int add_value(top_run *t, cn_span value, uint64_t count, cn_err *err)
{
    if (!count)
        return CN_OK;
    if (t->prefix.len) {
        cn_buf_clear(&t->folded);
        cn_fold_text(&t->folded, value);
        if (t->folded.len < t->prefix.len || memcmp(t->folded.p, t->prefix.p, t->prefix.len) != 0)
            return CN_OK;
    }
    return cn_counter_add(&t->counter, value, count) ? CN_OK : no_memory(err);
}

static int add_text(void *context, uint32_t code, cn_span text)
{
    top_run *t = context;
    return add_value(t, text, t->counts[code], NULL);
}

static int add_dictionary(top_run *t, const cn_column *c, const uint64_t *counts, cn_err *err)
{
    const cn_segment *s = t->h->segment;
    if (c->coding == CN_CODE_TEXT) {
        t->counts = counts;
        int rc = cn_values_each(s, c, add_text, t, err);
        return rc == CN_E_NO_MEMORY ? no_memory(err) : rc;
    }
    for (uint32_t i = 0; i < c->n_values; i++) {
        char text[24];
        int64_t value;
        if (!counts[i])
            continue;
        if (!cn_values_number(s, c, i, &value))
            return cn_segment_bad(s, err, "a column's values are damaged");
        int rc = add_value(t, cn_number_text(c->type, value, text), counts[i], err);
        if (rc < 0)
            return rc;
    }
    return CN_OK;
}

/* Integers that are in no dictionary: those of one segment are counted by value first. */
typedef struct cn_number_slot {
    int64_t value;
    uint64_t count;
} number_slot;
typedef struct cn_number_table {
    number_slot *slots;
    size_t n, n_slots;
} number_table;
static void free_table(number_table *t) { free(t->slots); }

static bool count_number(number_table *t, int64_t value, uint64_t count)
{
    if ((t->n + 1) * 4 > t->n_slots * 3) {
        number_table grown = {.n_slots = t->n_slots ? t->n_slots * 2 : 1024};
        grown.slots = calloc(grown.n_slots, sizeof *grown.slots);
        if (!grown.slots)
            return false;
        for (size_t i = 0; i < t->n_slots; i++)
            if (t->slots[i].count)
                (void) count_number(&grown, t->slots[i].value, t->slots[i].count);
        free(t->slots);
        *t = grown;
    }
    size_t i = ((uint64_t) value * UINT64_C(0x9e3779b97f4a7c15) >> 20) & (t->n_slots - 1);
    while (t->slots[i].count && t->slots[i].value != value)
        i = (i + 1) & (t->n_slots - 1);
    t->n += !t->slots[i].count;
    t->slots[i].value = value;
    t->slots[i].count += count;
    return true;
}

static int add_numbers(top_run *t, const cn_column *c, const number_table *numbers, cn_err *err)
{
    for (size_t i = 0; i < numbers->n_slots; i++) {
        char text[24];
        if (!numbers->slots[i].count)
            continue;
        int rc = add_value(t, cn_number_text(c->type, numbers->slots[i].value, text),
                           numbers->slots[i].count, err);
        if (rc < 0)
            return rc;
    }
    return CN_OK;
}

/* Hits of each origin. */
static int count_origins(top_run *t, uint64_t *origins, cn_err *err)
{
    const cn_segment *s = t->h->segment;
    cn_codes codes;
    if (!cn_codes_open(s, s->origin, &codes))
        return cn_segment_bad(s, err, "its origins are damaged");
    bool good = true;
    CN_CODES_EACH(&codes, t->h->rows, row, code, {
        int64_t origin;
        (void) row;
        good &= cn_values_number(s, s->origin, code, &origin) && origin >= 0 &&
                origin < s->footer.n_origins;
        if (good)
            origins[origin]++;
    });
    return good ? CN_OK : cn_segment_bad(s, err, "its origins are damaged");
}

/* `weights`: hits of each origin, for a column over origins; NULL for one over rows. */
static int add_column(top_run *t, const cn_column *c, const uint64_t *weights, cn_err *err)
{
    const cn_segment *s = t->h->segment;
    uint32_t n = weights ? s->footer.n_origins : s->footer.n_rows;
    cn_codes codes;
    if (!weights && c->coding != CN_CODE_RAW) {
        COUNTS counts = calloc(c->n_values + 1u, sizeof *counts);
        if (!counts)
            return no_memory(err);
        int rc = cn_count_codes(s, c, t->h->rows, t->h->count == n, counts, err);
        return rc < 0 ? rc : add_dictionary(t, c, counts, err);
    }
    COUNTS counts = calloc(c->coding == CN_CODE_RAW ? 1u : c->n_values + 1u, sizeof *counts);
    COUNTS every = calloc(cn_bit_words(n) + 1, sizeof *every);
    CN_CLEANUP(free_table) number_table numbers = {0};
    if (!counts || !every)
        return no_memory(err);
    if (!cn_codes_open(s, c, &codes))
        return cn_segment_bad(s, err, "a column is damaged");
    cn_bits_fill(every, 0, n);
    bool good = true, memory = true;
    CN_CODES_EACH(&codes, weights ? every : t->h->rows, row, code, {
        uint64_t weight = weights ? weights[row] : 1;
        if (!weight)
            continue;
        if (c->coding == CN_CODE_RAW)
            memory &= count_number(&numbers, (int64_t) ((uint64_t) c->base + code), weight);
        else if (code < c->n_values)
            counts[code] += weight;
        else
            good = false;
    });
    if (!memory)
        return no_memory(err);
    if (!good)
        return cn_segment_bad(s, err, "a column is damaged");
    return c->coding == CN_CODE_RAW ? add_numbers(t, c, &numbers, err)
                                    : add_dictionary(t, c, counts, err);
}

/* Rows of the hits that have a value in one of the columns. */
static int count_present(top_run *t, const cn_query_node *leaf, cn_err *err)
{
    uint32_t n = t->h->segment->footer.n_rows;
    cn_eval e = {.segment = t->h->segment, .err = err};
    COUNTS rows = cn_eval_bits(&e, n);
    if (!rows)
        return CN_E_NO_MEMORY;
    int rc = cn_eval_node(&e, leaf, t->h->rows, rows);
    cn_eval_free(&e);
    if (rc == CN_OK)
        t->present += cn_bits_count(rows, 0, n);
    return rc;
}

static int add_segment(top_run *t, const cn_query_node *leaf, cn_err *err)
{
    const cn_segment *s = t->h->segment;
    COUNTS origins = NULL;
    size_t columns = 0;
    for (uint32_t i = 0; i < s->footer.n_columns; i++) {
        const cn_column *c = &s->footer.columns[i];
        if (!cn_eval_wants(s, leaf, c))
            continue;
        if (!t->typed) {
            t->type = c->type;
            t->typed = true;
        }
        int rc = CN_OK;
        if (c->domain == CN_OF_ORIGINS && !origins) {
            origins = calloc(s->footer.n_origins + 1u, sizeof *origins);
            rc = origins ? count_origins(t, origins, err) : no_memory(err);
        }
        if (rc == CN_OK)
            rc = add_column(t, c, c->domain == CN_OF_ORIGINS ? origins : NULL, err);
        if (rc < 0)
            return rc;
        columns++;
    }
    if (!columns)
        return CN_OK;
    return count_present(t, leaf, err);
}

/* All events of a segment have the name or the system of its timeline. */
static int add_timeline(top_run *t, const cn_hits *hits, const cn_query_node *leaf, cn_err *err)
{
    const struct cn_hit_timeline *name = cn_hits_timeline(hits, t->h->segment->timeline_id);
    cn_span value = !name                           ? (cn_span){NULL, 0}
                    : leaf->field == CN_QF_timeline ? name->name
                                                    : name->system;
    if (!value.len)
        return CN_OK;
    t->present += t->h->count;
    return add_value(t, value, t->h->count, err);
}

/* ---- choosing -------------------------------------------------------------------------------- */

/* Negative where a comes before b in the answer. */
static int compare(const cn_counter *c, bool rare, size_t a, size_t b)
{
    const struct cn_counted *x = &c->values[a], *y = &c->values[b];
    if (x->count != y->count)
        return (x->count > y->count) != rare ? -1 : 1;
    int d = memcmp(c->texts.p + x->at, c->texts.p + y->at, CN_MIN(x->len, y->len));
    return d ? d : (x->len > y->len) - (x->len < y->len);
}

/* A heap of the best so far, the worst of them first. */
static void sift(const cn_counter *c, bool rare, size_t *heap, size_t n, size_t i)
{
    for (;;) {
        size_t worst = i;
        for (size_t k = 2 * i + 1; k <= 2 * i + 2 && k < n; k++)
            if (compare(c, rare, heap[k], heap[worst]) > 0)
                worst = k;
        if (worst == i)
            return;
        size_t t = heap[i];
        heap[i] = heap[worst];
        heap[worst] = t;
        i = worst;
    }
}

static int choose(const cn_counter *c, const cn_top_ask *ask, cn_arena *arena, cn_top *out,
                  cn_err *err)
{
    size_t n = CN_MIN((size_t) ask->n, c->n);
    size_t *heap = calloc(n + 1, sizeof *heap);
    cn_value_count *values = cn_arena_alloc(arena, (n + 1) * sizeof *values);
    if (!heap || !values) {
        free(heap);
        return no_memory(err);
    }
    for (size_t i = 0; i < n; i++)
        heap[i] = i;
    for (size_t i = n; i-- > 0;)
        sift(c, ask->rare, heap, n, i);
    for (size_t i = n; i < c->n && n; i++)
        if (compare(c, ask->rare, i, heap[0]) < 0) {
            heap[0] = i;
            sift(c, ask->rare, heap, n, 0);
        }
    int rc = CN_OK;
    for (size_t left = n; left > 0; left--) {
        const struct cn_counted *v = &c->values[heap[0]];
        char *copy = cn_arena_copy(arena, cn_span_of(c->texts.p + v->at, v->len));
        if (!copy)
            rc = no_memory(err);
        values[left - 1] = (cn_value_count){cn_span_of(copy, v->len), v->count};
        heap[0] = heap[left - 1];
        sift(c, ask->rare, heap, left - 1, 0);
    }
    free(heap);
    out->values = values;
    out->n_values = n;
    return rc;
}

static int check_field(const cn_query_node *leaf, cn_err *err)
{
    switch (leaf->field) {
    case CN_QF_message:
    case CN_QF_datetime:
    case CN_QF_timestamp:
    case CN_QF_offset:
    case CN_QF_length:
    case CN_QF_event_id:
    case CN_QF_tag:
    case CN_QF_label:
    case CN_QF_starred:
    case CN_QF_comment:
        return cn_fail(err, CN_E_UNSUPPORTED, CN_NO_OFFSET,
                       "the values of %s cannot be counted; choose another field",
                       cn_query_field_name(leaf->field));
    default:
        return CN_OK;
    }
}

static void run_free(top_run *t)
{
    cn_counter_free(&t->counter);
    cn_buf_free(&t->folded);
}

int cn_hits_top(cn_hits *hits, const cn_top_ask *ask, cn_arena *arena, cn_top *out, cn_err *err)
{
    const cn_query_node leaf = cn_field_leaf(ask->field);
    CN_CLEANUP(run_free) top_run t = {.folded = cn_buf_of(CN_MIB(4))};
    CN_CLEANUP(cn_buf_free) cn_buf prefix = cn_buf_of(CN_MIB(1));
    cn_fold_text(&prefix, ask->prefix);
    t.prefix = cn_buf_span(&prefix);
    int rc = check_field(&leaf, err);
    bool by_timeline = leaf.field == CN_QF_timeline || leaf.field == CN_QF_system;
    for (size_t i = 0; rc == CN_OK && i < hits->n; i++) {
        t.h = &hits->segments[i];
        rc = by_timeline ? add_timeline(&t, hits, &leaf, err) : add_segment(&t, &leaf, err);
    }
    if (rc < 0)
        return rc;
    cn_top top = {.distinct = t.counter.n,
                  .present = t.present,
                  .missing = hits->count - t.present,
                  .type = t.typed ? t.type : CN_TEXT};
    rc = choose(&t.counter, ask, arena, &top, err);
    if (rc == CN_OK)
        *out = top;
    return rc;
}

/* ---- statistics ------------------------------------------------------------------------------ */

static void add_number(cn_field_stats *s, int64_t value, uint64_t weight)
{
    s->min = s->count ? CN_MIN(s->min, value) : value;
    s->max = s->count ? CN_MAX(s->max, value) : value;
    s->sum += (double) value * (double) weight;
    s->count += weight;
}

static int add_column_stats(top_run *t, const cn_column *c, const uint64_t *weights,
                            cn_field_stats *out, cn_err *err)
{
    const cn_segment *s = t->h->segment;
    uint32_t n = s->footer.n_origins;
    cn_codes codes;
    COUNTS every = calloc(cn_bit_words(n) + 1, sizeof *every);
    if (!every)
        return no_memory(err);
    if (!cn_codes_open(s, c, &codes))
        return cn_segment_bad(s, err, "a column is damaged");
    cn_bits_fill(every, 0, n);
    bool good = true;
    CN_CODES_EACH(&codes, weights ? every : t->h->rows, row, code, {
        int64_t value;
        uint64_t weight = weights ? weights[row] : 1;
        if (!cn_values_number(s, c, code, &value))
            good = false;
        else if (weight)
            add_number(out, value, weight);
    });
    return good ? CN_OK : cn_segment_bad(s, err, "a column is damaged");
}

int cn_hits_stats(cn_hits *hits, cn_span field, cn_field_stats *out, cn_err *err)
{
    const cn_query_node leaf = cn_field_leaf(field);
    cn_field_stats stats = {0};
    int rc = check_field(&leaf, err);
    for (size_t i = 0; rc == CN_OK && i < hits->n; i++) {
        top_run t = {.h = &hits->segments[i]};
        const cn_segment *s = t.h->segment;
        for (uint32_t k = 0; rc == CN_OK && k < s->footer.n_columns; k++) {
            const cn_column *c = &s->footer.columns[k];
            if (!cn_eval_wants(s, &leaf, c) || c->coding == CN_CODE_TEXT)
                continue;
            COUNTS origins = NULL;
            if (c->domain == CN_OF_ORIGINS) {
                origins = calloc(s->footer.n_origins + 1u, sizeof *origins);
                rc = origins ? count_origins(&t, origins, err) : no_memory(err);
            }
            if (rc == CN_OK)
                rc = add_column_stats(&t, c, origins, &stats, err);
        }
    }
    if (rc < 0)
        return rc;
    stats.mean = stats.count ? stats.sum / (double) stats.count : 0;
    *out = stats;
    return CN_OK;
}
