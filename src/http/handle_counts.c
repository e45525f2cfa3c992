/* POST /search/histogram and /search/top: what the hits add up to. */
#include "base/duration.h"
#include "http/hits.h"
#include "http/selection.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define TAGS_MAX    500    /* that are counted, the most used ones */
#define BUCKETS_MAX 100000 /* of an answer, empty ones too */

/* A value as JSON has it: numbers and truths without quotes, a timeline by its id. */
static void put_value(cn_json_out *j, const cn_held_hits *held, cn_span field, cn_span value,
                      cn_type type)
{
    cn_json_key(j, "value");
    for (size_t i = 0; cn_span_is(field, "timeline") && i < held->n_timelines; i++) {
        if (!cn_span_is(value, held->timelines[i].name))
            continue;
        cn_json_int(j, held->timelines[i].id);
        return;
    }
    if (type == CN_INT || type == CN_BOOL) {
        cn_json_next(j);
        cn_buf_bytes(j->buf, value);
    } else {
        cn_json_text(j, value);
    }
}

/* Of what type the values of a field are. */
static cn_type type_of(cn_span field)
{
    if (cn_span_is(field, "inode"))
        return CN_INT;
    cn_field_id id = cn_field_by_name(field);
    return id == CN_F_DYNAMIC ? CN_TEXT : cn_vocabulary[id].type;
}

/* ---- histogram ---- */

/* The grid that the answer has: bucket i begins at first + i * interval. */
typedef struct grid {
    int64_t first_ns, interval_ns;
    size_t n;
} grid;

static int read_ask(cn_call *call, const cn_api_histogram_request *body, cn_histogram_ask *ask)
{
    int64_t ignored;
    *ask = (cn_histogram_ask){.has_from = body->first.p,
                              .has_until = body->last.p,
                              .max_buckets = (uint32_t) body->buckets,
                              .split = body->split,
                              .max_series = (uint32_t) body->series};
    if (body->first.p && !cn_selection_time(call, "first", body->first, &ask->from_ns, &ignored))
        return 1;
    if (body->last.p && !cn_selection_time(call, "last", body->last, &ignored, &ask->until_ns))
        return 1;
    if (!body->interval.p || (cn_duration_parse(body->interval, &ask->interval_ns) &&
                              ask->interval_ns % CN_NS_PER_US == 0))
        return CN_OK;
    cn_call_refuse(call, "bad_request", "interval", "Write it as in 500us, 10s, 5m, 1h, 1d.",
                   "This is no interval.");
    return 1;
}

/* Rounds down to a bucket's begin. */
static __int128 align(__int128 time_ns, int64_t interval_ns)
{
    __int128 rest = time_ns % interval_ns;
    return time_ns - (rest < 0 ? rest + interval_ns : rest);
}

static int make_grid(cn_call *call, const cn_histogram_ask *ask, const cn_histogram *h, grid *out)
{
    *out = (grid){0, h->interval_ns ? h->interval_ns : CN_NS_PER_S, 0};
    if (h->n_buckets == 0 && !(ask->has_from && ask->has_until))
        return CN_OK;
    __int128 first = ask->has_from  ? ask->from_ns
                     : h->n_buckets ? h->buckets[0].start_ns
                                    : ask->until_ns;
    __int128 last = ask->has_until ? ask->until_ns
                    : h->n_buckets ? h->buckets[h->n_buckets - 1].start_ns
                                   : ask->from_ns;
    first = align(first, out->interval_ns);
    if (last < first)
        return CN_OK;
    __int128 n = (last - first) / out->interval_ns + 1;
    if (n > BUCKETS_MAX) {
        cn_call_refuse(call, "bad_request", "interval", "Take a longer interval, or none.",
                       "That would be more than %d buckets.", BUCKETS_MAX);
        return 1;
    }
    if (first < INT64_MIN)
        first += out->interval_ns;
    out->first_ns = (int64_t) first;
    out->n = (size_t) n;
    return CN_OK;
}

/* The array of one series (SIZE_MAX: of all), every bucket of the grid in it. Returns the sum. */
static uint64_t put_counts(cn_json_out *j, const grid *g, const cn_histogram *h, size_t series,
                           size_t n_series)
{
    uint64_t sum = 0;
    size_t k = 0;
    cn_json_begin(j, "counts", '[');
    for (size_t i = 0; i < g->n; i++) {
        __int128 start = (__int128) g->first_ns + (__int128) i * g->interval_ns;
        uint64_t count = 0;
        while (k < h->n_buckets && h->buckets[k].start_ns < start)
            k++;
        if (k < h->n_buckets && h->buckets[k].start_ns == start) {
            count = series == SIZE_MAX ? h->buckets[k].count : 0;
            for (size_t s = 0; series != SIZE_MAX && s < n_series; s++)
                count += h->buckets[k].series[series + s];
        }
        sum += count;
        cn_json_next(j);
        cn_buf_u64(j->buf, count);
    }
    cn_json_close(j, ']');
    return sum;
}

static void put_starts(cn_json_out *j, const grid *g)
{
    cn_json_begin(j, "starts_us", '[');
    for (size_t i = 0; i < g->n; i++) {
        __int128 start = (__int128) g->first_ns + (__int128) i * g->interval_ns;
        __int128 us = start / CN_NS_PER_US - (start % CN_NS_PER_US < 0);
        cn_json_int(j, (int64_t) us);
    }
    cn_json_close(j, ']');
}

static void put_series(cn_json_out *j, const cn_held_hits *held, cn_span split, const grid *g,
                       const cn_histogram *h)
{
    size_t rest = (size_t) h->has_other + h->has_missing, values = h->n_series - rest;
    cn_json_begin(j, "series", '[');
    for (size_t i = 0; i < values + (rest != 0); i++) {
        cn_json_open(j, '{');
        if (i < values)
            put_value(j, held, split, h->series[i], type_of(split));
        else
            cn_json_put_bool(j, "rest", true);
        uint64_t total = put_counts(j, g, h, i, i < values ? 1 : rest);
        cn_json_put_u64(j, "total", total);
        cn_json_close(j, '}');
    }
    cn_json_close(j, ']');
}

static int answer_histogram(cn_call *call, cn_held_hits *held, cn_histogram_ask *ask)
{
    CN_CLEANUP(cn_buf_free) cn_buf interval = cn_buf_of(64);
    cn_histogram h = {0};
    grid g;
    int rc = cn_hits_histogram(held->hits, ask, &call->arena, &h, &call->err);
    if (rc == CN_OK && h.interval_ns % CN_NS_PER_US) {
        ask->interval_ns = CN_NS_PER_US;
        rc = cn_hits_histogram(held->hits, ask, &call->arena, &h, &call->err);
    }
    if (rc == CN_OK)
        rc = make_grid(call, ask, &h, &g);
    if (rc)
        return rc < 0 ? rc : CN_OK;
    cn_json_out j = cn_call_json(call);
    cn_duration_format(&interval, g.interval_ns);
    cn_json_open(&j, '{');
    cn_json_put_u64(&j, "untimed", h.untimed);
    cn_json_put_str(&j, "interval", cn_buf_cstr(&interval));
    cn_json_put_int(&j, "interval_us", g.interval_ns / CN_NS_PER_US);
    put_starts(&j, &g);
    cn_json_put_u64(&j, "total", put_counts(&j, &g, &h, SIZE_MAX, 0));
    put_series(&j, held, ask->split, &g, &h);
    cn_call_put_took(call, &j);
    cn_json_close(&j, '}');
    return CN_OK;
}

int cn_http_histogram(cn_call *call, const cn_api_histogram_request *body)
{
    cn_histogram_ask ask;
    cn_held_hits held;
    int rc = read_ask(call, body, &ask);
    if (rc == CN_OK)
        rc = cn_hits_take(call, &body->selection, &held);
    if (rc)
        return rc < 0 ? rc : CN_OK;
    rc = answer_histogram(call, &held, &ask);
    cn_hits_give(&held);
    return rc;
}

/* ---- top values ---- */

static void put_top(cn_call *call, const cn_held_hits *held, cn_span field, const cn_top *top)
{
    cn_json_out j = cn_call_json(call);
    cn_json_open(&j, '{');
    cn_json_put_text(&j, "field", field);
    cn_json_begin(&j, "values", '[');
    for (size_t i = 0; i < top->n_values; i++) {
        cn_json_open(&j, '{');
        put_value(&j, held, field, top->values[i].value, top->type);
        cn_json_put_u64(&j, "count", top->values[i].count);
        cn_json_close(&j, '}');
    }
    cn_json_close(&j, ']');
    cn_json_put_u64(&j, "distinct", top->distinct);
    cn_json_put_u64(&j, "missing", top->missing);
    cn_json_put_u64(&j, "total", cn_hits_count(held->hits));
    cn_call_put_took(call, &j);
    cn_json_close(&j, '}');
}

/* Tags are kept beside the events, so each is counted by a search of its own. */
typedef struct tag_counts {
    cn_value_count *values;
    size_t n;
} tag_counts;

static int by_count(const void *a, const void *b)
{
    const cn_value_count *x = a, *y = b;
    if (x->count != y->count)
        return x->count < y->count ? 1 : -1;
    size_t n = CN_MIN(x->value.len, y->value.len);
    int order = n ? memcmp(x->value.p, y->value.p, n) : 0;
    return order ? order : (x->value.len > y->value.len) - (x->value.len < y->value.len);
}

/* How many hits of the selection satisfy one more chip. 1: answered; negative: failed. */
static int count_with(cn_call *call, const cn_api_selection *selection, const cn_api_chip *chip,
                      uint64_t *out)
{
    cn_held_hits held;
    cn_api_selection more = *selection;
    cn_api_chip *chips = cn_arena_alloc(&call->arena, (more.chips.n + 1) * sizeof *chips);
    if (!chips)
        return cn_fail(&call->err, CN_E_NO_MEMORY, CN_NO_OFFSET, "no memory for this call");
    if (more.chips.n)
        memcpy(chips, more.chips.p, more.chips.n * sizeof *chips);
    chips[more.chips.n] = *chip;
    more.chips.p = chips;
    more.chips.n++;
    int rc = cn_hits_take(call, &more, &held);
    if (rc)
        return rc;
    *out = cn_hits_count(held.hits);
    cn_hits_give(&held);
    return CN_OK;
}

static int count_tags(cn_call *call, const cn_api_top_request *body, tag_counts *out)
{
    cn_count *tags = NULL;
    size_t n = 0;
    cn_catalog *catalog = cn_library_take(call->library);
    int rc = cn_catalog_annotation_texts(catalog, CN_NOTE_TAG, &call->arena, &tags, &n, &call->err);
    cn_library_give(call->library);
    out->values = cn_arena_alloc(&call->arena, (n + 1) * sizeof *out->values);
    if (rc == CN_OK && !out->values)
        rc = cn_fail(&call->err, CN_E_NO_MEMORY, CN_NO_OFFSET, "no memory for this call");
    for (size_t i = 0; i < n && i < TAGS_MAX && rc == CN_OK; i++) {
        CN_CLEANUP(cn_buf_free) cn_buf query = cn_buf_of(CN_KIB(128));
        cn_query_put_filter(&query, CN_SPAN_LIT("tag"), cn_span_str(tags[i].name));
        const cn_api_chip chip = {.query = cn_buf_span(&query), .active = true};
        uint64_t count = 0;
        rc = count_with(call, &body->selection, &chip, &count);
        if (rc == CN_OK && count)
            out->values[out->n++] = (cn_value_count){cn_span_str(tags[i].name), count};
    }
    return rc;
}

static int top_tags(cn_call *call, const cn_api_top_request *body)
{
    tag_counts counts = {.values = NULL};
    const cn_api_chip any = {.query = CN_SPAN_LIT("_exists_:tag"), .active = true};
    cn_held_hits held;
    uint64_t tagged = 0;
    int rc = count_tags(call, body, &counts);
    if (rc == CN_OK)
        rc = count_with(call, &body->selection, &any, &tagged);
    if (rc == CN_OK)
        rc = cn_hits_take(call, &body->selection, &held);
    if (rc)
        return rc < 0 ? rc : CN_OK;
    qsort(counts.values, counts.n, sizeof *counts.values, by_count);
    for (size_t i = 0; body->rare && i < counts.n / 2; i++) {
        cn_value_count swapped = counts.values[i];
        counts.values[i] = counts.values[counts.n - 1 - i];
        counts.values[counts.n - 1 - i] = swapped;
    }
    uint64_t total = cn_hits_count(held.hits);
    const cn_top top = {.values = counts.values,
                        .n_values = CN_MIN(counts.n, (size_t) body->n),
                        .distinct = counts.n,
                        .missing = total - CN_MIN(total, tagged),
                        .type = CN_TEXT};
    put_top(call, &held, body->field, &top);
    cn_hits_give(&held);
    return CN_OK;
}

int cn_http_top(cn_call *call, const cn_api_top_request *body)
{
    cn_held_hits held;
    cn_top top = {0};
    if (cn_span_is(body->field, "tag"))
        return top_tags(call, body);
    int rc = cn_hits_take(call, &body->selection, &held);
    if (rc)
        return rc < 0 ? rc : CN_OK;
    const cn_top_ask ask = {.field = body->field, .n = (uint32_t) body->n, .rare = body->rare};
    rc = cn_hits_top(held.hits, &ask, &call->arena, &top, &call->err);
    if (rc == CN_OK)
        put_top(call, &held, body->field, &top);
    cn_hits_give(&held);
    return rc;
}
