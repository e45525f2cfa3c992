/* Histograms over time. Rows are in order of time, so a bucket is a range of rows: its hits are
 * counted by the bits in it. */
#include "store/hit_set.h"

#include <stdlib.h>

static void free_words(uint64_t **p) { free(*p); }
#define WORDS CN_CLEANUP(free_words) uint64_t *

static int no_memory(cn_err *err)
{
    return cn_fail(err, CN_E_NO_MEMORY, CN_NO_OFFSET, "no memory for a histogram");
}

enum { SERIES_MAX = 100, BUCKETS_DEFAULT = 200, SERIES_DEFAULT = 10 };

typedef struct cn_histogram_run {
    cn_hits *hits;
    const cn_histogram_ask *ask;
    int64_t from, until; /* inclusive */
    int64_t interval, align;
    size_t n_series;  /* 0: no split; with other and missing */
    size_t n_values;  /* of the series: values */
    cn_counter names; /* value to series */
    int64_t *starts;  /* of buckets, in the order they were met */
    uint64_t *counts; /* n_series + 1 per bucket, the first: all */
    size_t n, capacity;
    uint32_t *slots; /* bucket + 1, by start */
    size_t n_slots;
    uint64_t total;
} run;

static void run_free(run *r)
{
    cn_counter_free(&r->names);
    free(r->starts);
    free(r->counts);
    free(r->slots);
}

/* ---- buckets --------------------------------------------------------------------------------- */

static size_t width(const run *r) { return r->n_series + 1; }

static bool grow_slots(run *r)
{
    size_t n = r->n_slots ? r->n_slots * 2 : 1024;
    uint32_t *slots = calloc(n, sizeof *slots);
    if (!slots)
        return false;
    for (size_t b = 0; b < r->n; b++) {
        size_t i = ((uint64_t) r->starts[b] * UINT64_C(0x9e3779b97f4a7c15) >> 24) & (n - 1);
        while (slots[i])
            i = (i + 1) & (n - 1);
        slots[i] = (uint32_t) (b + 1);
    }
    free(r->slots);
    r->slots = slots;
    r->n_slots = n;
    return true;
}

static int bucket(run *r, int64_t start, uint64_t **out, cn_err *err)
{
    if ((r->n + 1) * 4 > r->n_slots * 3 && !grow_slots(r))
        return no_memory(err);
    size_t mask = r->n_slots - 1;
    size_t i = ((uint64_t) start * UINT64_C(0x9e3779b97f4a7c15) >> 24) & mask;
    while (r->slots[i] && r->starts[r->slots[i] - 1] != start)
        i = (i + 1) & mask;
    if (!r->slots[i]) {
        if (r->n == CN_HISTOGRAM_BUCKETS_MAX)
            return cn_fail(err, CN_E_LIMIT, CN_NO_OFFSET,
                           "the histogram has more than %u buckets; take a longer interval",
                           CN_HISTOGRAM_BUCKETS_MAX);
        if (r->n == r->capacity) {
            size_t capacity = r->capacity ? r->capacity * 2 : 256;
            int64_t *starts = realloc(r->starts, capacity * sizeof *starts);
            if (starts)
                r->starts = starts;
            uint64_t *counts = realloc(r->counts, capacity * width(r) * sizeof *counts);
            if (counts)
                r->counts = counts;
            if (!starts || !counts)
                return no_memory(err);
            r->capacity = capacity;
        }
        r->starts[r->n] = start;
        memset(r->counts + r->n * width(r), 0, width(r) * sizeof *r->counts);
        r->slots[i] = (uint32_t) ++r->n;
    }
    *out = r->counts + (r->slots[i] - 1) * width(r);
    return CN_OK;
}

/* The beginning of the bucket of a time, and its last nanosecond, both kept in range. */
static void bucket_of(const run *r, int64_t time, int64_t *start, int64_t *last)
{
    __int128 t = (__int128) time - r->align, n = t / r->interval;
    if (t % r->interval < 0)
        n--;
    __int128 low = n * r->interval + r->align, high = low + r->interval - 1;
    *start = low < CN_TIME_MIN ? CN_TIME_MIN : (int64_t) low;
    *last = high > CN_TIME_MAX ? CN_TIME_MAX : (int64_t) high;
}

static int64_t choose_interval(int64_t from, int64_t until, uint32_t max_buckets)
{
    static const int64_t steps_ms[] = {1, 2, 5, 10, 20, 50, 100, 200, 500};
    static const int64_t steps_s[] = {1,     2,     5,      10,     15,      30,      60,     120,
                                      300,   600,   900,    1800,   3600,    7200,    10800,  21600,
                                      43200, 86400, 172800, 604800, 1209600, 2592000, 7776000};
    uint64_t span = (uint64_t) until - (uint64_t) from;
    uint64_t least = span / max_buckets + 1;
    for (size_t i = 0; i < CN_LEN(steps_ms); i++)
        if ((uint64_t) steps_ms[i] * 1000000 >= least)
            return steps_ms[i] * 1000000;
    for (size_t i = 0; i < CN_LEN(steps_s); i++)
        if ((uint64_t) (steps_s[i] * CN_NS_PER_S) >= least)
            return steps_s[i] * CN_NS_PER_S;
    /* Whole numbers of 365 days. */
    uint64_t year = UINT64_C(365) * 86400 * CN_NS_PER_S;
    return (int64_t) ((least + year - 1) / year * year);
}

/* ---- counting -------------------------------------------------------------------------------- */

/* Which series each row of the hits has, one byte per row; 0xff: none of them. */
typedef struct cn_series_of {
    run *r;
    uint8_t *series; /* per row */
    uint8_t *codes;  /* per code of the column at hand */
    uint64_t *rest;  /* rows that have no series yet */
} series_of;

static int name_code(void *context, uint32_t code, cn_span text)
{
    series_of *s = context;
    size_t i = cn_counter_find(&s->r->names, text);
    s->codes[code] = (uint8_t) (i == SIZE_MAX ? s->r->n_values : i);
    return CN_OK;
}

static int name_codes(series_of *s, const cn_segment *segment, const cn_column *c, cn_err *err)
{
    if (c->coding == CN_CODE_TEXT)
        return cn_values_each(segment, c, name_code, s, err);
    for (uint32_t i = 0; i < c->n_values; i++) {
        char text[24];
        int64_t value;
        if (!cn_values_number(segment, c, i, &value))
            return cn_segment_bad(segment, err, "a column's values are damaged");
        name_code(s, i, cn_number_text(c->type, value, text));
    }
    return CN_OK;
}

static uint8_t series_of_code(const series_of *s, const cn_column *c, uint64_t code)
{
    char text[24];
    if (c->coding != CN_CODE_RAW)
        return code < c->n_values ? s->codes[code] : (uint8_t) s->r->n_values;
    int64_t value = (int64_t) ((uint64_t) c->base + code);
    size_t i = cn_counter_find(&s->r->names, cn_number_text(c->type, value, text));
    return (uint8_t) (i == SIZE_MAX ? s->r->n_values : i);
}

/* Series of rows through their origins. */
static int series_by_origin(series_of *s, const cn_segment *segment, const cn_column *c,
                            cn_err *err)
{
    uint32_t n = segment->footer.n_origins;
    uint8_t *origins = malloc(n + 1u);
    WORDS every = calloc(cn_bit_words(n) + 1, sizeof *every);
    cn_codes codes, of_rows;
    int rc = origins && every ? CN_OK : no_memory(err);
    if (rc == CN_OK &&
        (!cn_codes_open(segment, c, &codes) || !cn_codes_open(segment, segment->origin, &of_rows)))
        rc = cn_segment_bad(segment, err, "a column is damaged");
    if (rc == CN_OK) {
        memset(origins, 0xff, n + 1u);
        cn_bits_fill(every, 0, n);
        CN_CODES_EACH(&codes, every, row, code, { origins[row] = series_of_code(s, c, code); });
        CN_CODES_EACH(&of_rows, s->rest, row, code, {
            int64_t origin;
            if (cn_values_number(segment, segment->origin, code, &origin) && origin >= 0 &&
                origin < n)
                s->series[row] = origins[origin];
        });
    }
    free(origins);
    return rc;
}

static int series_by_column(series_of *s, const cn_segment *segment, const cn_column *c,
                            cn_err *err)
{
    cn_codes codes;
    s->codes = malloc(c->n_values + 1u);
    int rc = s->codes ? name_codes(s, segment, c, err) : no_memory(err);
    if (rc == CN_OK && c->domain == CN_OF_ORIGINS) {
        rc = series_by_origin(s, segment, c, err);
    } else if (rc == CN_OK && !cn_codes_open(segment, c, &codes)) {
        rc = cn_segment_bad(segment, err, "a column is damaged");
    } else if (rc == CN_OK) {
        CN_CODES_EACH(&codes, s->rest, row, code, { s->series[row] = series_of_code(s, c, code); });
    }
    free(s->codes);
    return rc;
}

/* Fills the series of the hits of a segment; of several values the first decides. */
static int find_series(run *r, cn_hit_segment *h, const cn_query_node *leaf, uint8_t *series,
                       cn_err *err)
{
    const cn_segment *s = h->segment;
    uint32_t n = s->footer.n_rows;
    memset(series, 0xff, n);
    if (leaf->field == CN_QF_timeline || leaf->field == CN_QF_system) {
        const struct cn_hit_timeline *t = cn_hits_timeline(r->hits, s->timeline_id);
        cn_span name = !t                              ? (cn_span){NULL, 0}
                       : leaf->field == CN_QF_timeline ? t->name
                                                       : t->system;
        size_t i = cn_counter_find(&r->names, name);
        if (name.len)
            memset(series, i == SIZE_MAX ? (int) r->n_values : (int) i, n);
        return CN_OK;
    }
    WORDS rest = malloc((cn_bit_words(n) + 1) * sizeof *rest);
    if (!rest)
        return no_memory(err);
    memcpy(rest, h->rows, cn_bit_words(n) * sizeof *rest);
    series_of of = {.r = r, .series = series, .rest = rest};
    for (uint32_t i = 0; i < s->footer.n_columns; i++) {
        if (!cn_eval_wants(s, leaf, &s->footer.columns[i]))
            continue;
        int rc = series_by_column(&of, s, &s->footer.columns[i], err);
        if (rc < 0)
            return rc;
        for (size_t w = 0; w < cn_bit_words(n); w++)
            for (uint64_t left = rest[w]; left; left &= left - 1)
                if (series[w * 64 + (size_t) __builtin_ctzll(left)] != 0xff)
                    rest[w] &= ~(left & -left);
    }
    return CN_OK;
}

static void count_series(const run *r, const cn_hit_segment *h, const uint8_t *series,
                         uint32_t from, uint32_t to, uint64_t *counts)
{
    for (size_t w = from / 64; w <= (to - 1) / 64; w++) {
        uint64_t left = h->rows[w];
        if (w == from / 64)
            left &= UINT64_MAX << from % 64;
        if (w == to / 64)
            left &= (UINT64_C(1) << to % 64) - 1;
        for (; left; left &= left - 1) {
            uint8_t i = series[w * 64 + (size_t) __builtin_ctzll(left)];
            counts[1 + (i == 0xff ? r->n_values + 1 : i)]++;
        }
    }
}

static int count_segment(run *r, cn_hit_segment *h, const uint8_t *series, cn_err *err)
{
    const cn_segment *s = h->segment;
    cn_time_block *times = &h->reader.times;
    uint32_t row, end = s->footer.n_rows;
    const char *bad = "its times are damaged";
    if (!cn_times_row(s, times, r->from, &row) ||
        (r->until < CN_TIME_MAX && !cn_times_row(s, times, r->until + 1, &end)))
        return cn_segment_bad(s, err, bad);
    for (;;) {
        size_t next = cn_bits_next(h->rows, row, end);
        int64_t time, start, last;
        uint32_t stop = end;
        uint64_t *counts = NULL;
        if (next == SIZE_MAX)
            return CN_OK;
        if (!cn_times_get(s, times, (uint32_t) next, &time))
            return cn_segment_bad(s, err, bad);
        bucket_of(r, time, &start, &last);
        if (last < r->until && !cn_times_row(s, times, last + 1, &stop))
            return cn_segment_bad(s, err, bad);
        if (stop <= next)
            return cn_segment_bad(s, err, bad);
        int rc = bucket(r, start, &counts, err);
        if (rc < 0)
            return rc;
        uint64_t n = cn_bits_count(h->rows, next, stop);
        counts[0] += n;
        r->total += n;
        if (series)
            count_series(r, h, series, (uint32_t) next, stop, counts);
        row = stop;
    }
}

/* ---- the answer ------------------------------------------------------------------------------ */

static int prepare_series(run *r, cn_arena *arena, cn_span *names, cn_histogram *out, cn_err *err)
{
    uint32_t max = r->ask->max_series ? r->ask->max_series : SERIES_DEFAULT;
    cn_top top;
    cn_top_ask ask = {.field = r->ask->split, .n = CN_MIN(max, (uint32_t) SERIES_MAX)};
    int rc = cn_hits_top(r->hits, &ask, arena, &top, err);
    if (rc < 0)
        return rc;
    for (size_t i = 0; i < top.n_values; i++) {
        names[i] = top.values[i].value;
        if (!cn_counter_add(&r->names, names[i], 1))
            return no_memory(err);
    }
    r->n_values = top.n_values;
    r->n_series = top.n_values + 2;
    out->has_other = top.distinct > top.n_values;
    out->has_missing = top.missing > 0;
    return CN_OK;
}

typedef struct cn_bucket_order {
    int64_t start;
    size_t index;
} bucket_order;

static int compare_starts(const void *x, const void *y)
{
    const bucket_order *a = x, *b = y;
    return (a->start > b->start) - (a->start < b->start);
}

static int answer(run *r, cn_arena *arena, const cn_span *names, cn_histogram *out, cn_err *err)
{
    size_t series = r->n_values + out->has_other + out->has_missing;
    bucket_order *order = calloc(r->n + 1, sizeof *order);
    cn_histogram_bucket *buckets = cn_arena_alloc(arena, (r->n + 1) * sizeof *buckets);
    cn_span *kept = cn_arena_alloc(arena, (series + 1) * sizeof *kept);
    uint64_t *counts =
        r->n_series ? cn_arena_alloc(arena, (r->n * series + 1) * sizeof *counts) : NULL;
    if (!order || !buckets || !kept || (r->n_series && !counts)) {
        free(order);
        return no_memory(err);
    }
    for (size_t i = 0; i < r->n; i++)
        order[i] = (bucket_order){r->starts[i], i};
    qsort(order, r->n, sizeof *order, compare_starts);
    for (size_t i = 0; i < r->n; i++) {
        const uint64_t *from = r->counts + order[i].index * width(r);
        buckets[i] = (cn_histogram_bucket){order[i].start, from[0], NULL};
        if (!counts)
            continue;
        uint64_t *to = counts + i * series;
        memcpy(to, from + 1, r->n_values * sizeof *to);
        if (out->has_other)
            to[r->n_values] = from[1 + r->n_values];
        if (out->has_missing)
            to[series - 1] = from[2 + r->n_values];
        buckets[i].series = to;
    }
    free(order);
    for (size_t i = 0; i < r->n_values; i++)
        kept[i] = names[i];
    if (out->has_other)
        kept[r->n_values] = CN_SPAN_LIT("other");
    if (out->has_missing)
        kept[series - 1] = CN_SPAN_LIT("missing");
    out->interval_ns = r->interval;
    out->buckets = buckets;
    out->n_buckets = r->n;
    out->series = kept;
    out->n_series = r->n_series ? series : 0;
    out->total = r->total;
    return CN_OK;
}

static int count_all(run *r, const cn_query_node *leaf, cn_err *err)
{
    for (size_t i = 0; i < r->hits->n; i++) {
        cn_hit_segment *h = &r->hits->segments[i];
        uint8_t *series = NULL;
        int rc = CN_OK;
        if (r->n_series) {
            series = malloc(h->segment->footer.n_rows + 1u);
            rc = series ? find_series(r, h, leaf, series, err) : no_memory(err);
        }
        if (rc == CN_OK)
            rc = count_segment(r, h, series, err);
        free(series);
        if (rc < 0)
            return rc;
    }
    return CN_OK;
}

int cn_hits_histogram(cn_hits *hits, const cn_histogram_ask *ask, cn_arena *arena,
                      cn_histogram *out, cn_err *err)
{
    CN_CLEANUP(run_free) run r = {.hits = hits, .ask = ask, .align = ask->align_ns};
    cn_histogram h = {.untimed = hits->untimed};
    cn_span names[SERIES_MAX] = {{NULL, 0}};
    int64_t first, last;
    if (ask->interval_ns < 0)
        return cn_fail(err, CN_E_ARG, CN_NO_OFFSET, "the interval of a histogram is positive");
    bool any = cn_hits_span(hits, &first, &last);
    r.from = ask->has_from ? ask->from_ns : first;
    r.until = ask->has_until ? ask->until_ns : last;
    any = any && r.from <= r.until;
    uint32_t max = ask->max_buckets ? ask->max_buckets : BUCKETS_DEFAULT;
    r.interval = ask->interval_ns ? ask->interval_ns
                 : any            ? choose_interval(r.from, r.until, max)
                                  : CN_NS_PER_S;
    const cn_query_node leaf = cn_field_leaf(ask->split);
    int rc = ask->split.len ? prepare_series(&r, arena, names, &h, err) : CN_OK;
    if (rc == CN_OK && any)
        rc = count_all(&r, &leaf, err);
    if (rc == CN_OK)
        rc = answer(&r, arena, names, &h, err);
    if (rc == CN_OK)
        *out = h;
    return rc;
}
