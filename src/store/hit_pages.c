/* Hits in the order of time, over all segments: pages, numbers, places. */
#include "store/hit_set.h"

#include <stdlib.h>

static int damaged(const cn_hit_segment *h, cn_err *err)
{
    return cn_segment_bad(h->segment, err, "its times are damaged");
}

static int no_memory(cn_err *err)
{
    return cn_fail(err, CN_E_NO_MEMORY, CN_NO_OFFSET, "no memory to order events");
}

/* The first row of a segment that is not before a place. */
static int row_at(cn_hit_segment *h, cn_place p, uint32_t *out, cn_err *err)
{
    const cn_segment *s = h->segment;
    const cn_footer *f = &s->footer;
    if (!p.has_time) {
        *out = s->segment_id < p.segment_id   ? f->n_untimed
               : s->segment_id > p.segment_id ? 0
                                              : CN_MIN(p.row, f->n_untimed);
        return CN_OK;
    }
    uint32_t low, high = f->n_rows;
    if (!cn_times_row(s, &h->reader.times, p.time_ns, &low) ||
        (p.time_ns < CN_TIME_MAX && !cn_times_row(s, &h->reader.times, p.time_ns + 1, &high)))
        return damaged(h, err);
    *out = s->segment_id < p.segment_id   ? high
           : s->segment_id > p.segment_id ? low
                                          : CN_MIN(CN_MAX(p.row, low), high);
    return CN_OK;
}

/* Hits before a place, oldest first. */
static int hits_before(cn_hits *hits, cn_place p, uint64_t *out, cn_err *err)
{
    uint64_t n = 0, one;
    for (size_t i = 0; i < hits->n; i++) {
        uint32_t row;
        int rc = row_at(&hits->segments[i], p, &row, err);
        if (rc < 0)
            return rc;
        if (!cn_hits_before(&hits->segments[i], row, &one))
            return no_memory(err);
        n += one;
    }
    *out = n;
    return CN_OK;
}

static bool place_is_hit(cn_hits *hits, cn_place p)
{
    for (size_t i = 0; i < hits->n; i++) {
        const cn_hit_segment *h = &hits->segments[i];
        if (h->segment->segment_id == p.segment_id)
            return p.row < h->segment->footer.n_rows && cn_bit(h->rows, p.row);
    }
    return false;
}

int cn_hits_number(cn_hits *hits, cn_order order, cn_place place, uint64_t *out, cn_err *err)
{
    uint64_t before;
    int rc = hits_before(hits, place, &before, err);
    if (rc < 0)
        return rc;
    *out = order == CN_OLDEST_FIRST ? before
                                    : hits->count - before - (place_is_hit(hits, place) ? 1 : 0);
    return CN_OK;
}

/* ---- where the hit of a number stands -------------------------------------------------------- */

/* The k-th hit in rows [from, to) of a segment; there is one. */
static uint32_t select_row(const cn_hit_segment *h, uint32_t from, uint32_t to, uint64_t k)
{
    size_t row = cn_bits_next(h->rows, from, to);
    while (k > 0 && row != SIZE_MAX) {
        uint64_t in_word = (uint64_t) __builtin_popcountll(h->rows[row / 64] >> row % 64);
        if (k >= in_word) {
            k -= in_word;
            row = cn_bits_next(h->rows, (row / 64 + 1) * 64, to);
        } else {
            k--;
            row = cn_bits_next(h->rows, row + 1, to);
        }
    }
    return row == SIZE_MAX ? to : (uint32_t) row;
}

static cn_place first_at(int64_t time_ns)
{
    return (cn_place){.has_time = true, .time_ns = time_ns};
}

/* Among the hits of one time, or those without one: goes through the segments in order. */
static int select_among(cn_hits *hits, bool has_time, int64_t time_ns, uint64_t k, cn_place *out,
                        cn_err *err)
{
    for (size_t i = 0; i < hits->n; i++) {
        cn_hit_segment *h = &hits->segments[i];
        const cn_footer *f = &h->segment->footer;
        uint32_t low = 0, high = f->n_untimed;
        if (has_time) {
            high = f->n_rows;
            if (!cn_times_row(h->segment, &h->reader.times, time_ns, &low) ||
                (time_ns < CN_TIME_MAX &&
                 !cn_times_row(h->segment, &h->reader.times, time_ns + 1, &high)))
                return damaged(h, err);
        }
        uint64_t n = cn_bits_count(h->rows, low, high);
        if (k < n) {
            *out =
                (cn_place){has_time, time_ns, h->segment->segment_id, select_row(h, low, high, k)};
            return CN_OK;
        }
        k -= n;
    }
    return cn_fail(err, CN_E_CORRUPT, CN_NO_OFFSET, "the times of a segment are not in order");
}

/* The place of the hit of this number, oldest first; number < count. */
static int place_of(cn_hits *hits, uint64_t number, cn_place *out, cn_err *err)
{
    if (number < hits->untimed)
        return select_among(hits, false, 0, number, out, err);
    /* The last time with at most `number` hits before it. */
    int64_t low = CN_TIME_MIN, high = CN_TIME_MAX;
    uint64_t before = 0;
    while (low < high) {
        int64_t mid = (int64_t) ((uint64_t) low + ((uint64_t) high - (uint64_t) low) / 2 + 1);
        int rc = hits_before(hits, first_at(mid), &before, err);
        if (rc < 0)
            return rc;
        if (before <= number)
            low = mid;
        else
            high = mid - 1;
    }
    int rc = hits_before(hits, first_at(low), &before, err);
    return rc < 0 ? rc : select_among(hits, true, low, number - before, out, err);
}

/* ---- going through ---------------------------------------------------------------------------- */

/* The next hit of one segment. */
typedef struct cn_front {
    cn_hit_segment *h;
    uint32_t row;
    bool has_time;
    int64_t time_ns;
} front;

/* A heap of fronts: the first is the next of all. */
typedef struct cn_merge {
    cn_order order;
    front *fronts;
    size_t n;
} merge;

static bool is_before(const merge *m, const front *a, const front *b)
{
    int c = (a->has_time > b->has_time) - (a->has_time < b->has_time);
    if (c == 0)
        c = (a->time_ns > b->time_ns) - (a->time_ns < b->time_ns);
    if (c == 0)
        c = a->h->segment->segment_id > b->h->segment->segment_id ? 1 : -1;
    return m->order == CN_OLDEST_FIRST ? c < 0 : c > 0;
}

static void sift(merge *m, size_t i)
{
    for (;;) {
        size_t best = i;
        for (size_t child = 2 * i + 1; child <= 2 * i + 2 && child < m->n; child++)
            if (is_before(m, &m->fronts[child], &m->fronts[best]))
                best = child;
        if (best == i)
            return;
        front t = m->fronts[i];
        m->fronts[i] = m->fronts[best];
        m->fronts[best] = t;
        i = best;
    }
}

/* Moves a front to its next hit at or past `row` (before it, newest first); false at the end. */
static int move(const merge *m, front *f, uint32_t row, bool *out_is_there, cn_err *err)
{
    const cn_footer *footer = &f->h->segment->footer;
    size_t next = m->order == CN_OLDEST_FIRST ? cn_bits_next(f->h->rows, row, footer->n_rows)
                                              : cn_bits_last(f->h->rows, 0, row);
    *out_is_there = next != SIZE_MAX;
    if (next == SIZE_MAX)
        return CN_OK;
    f->row = (uint32_t) next;
    f->has_time = next >= footer->n_untimed;
    f->time_ns = 0;
    if (f->has_time && !cn_times_get(f->h->segment, &f->h->reader.times, f->row, &f->time_ns))
        return damaged(f->h, err);
    return CN_OK;
}

/* Begins at a place: with it or what follows it, oldest first; with what is before it, newest
 * first. NULL: with all. */
static int merge_start(merge *m, cn_hits *hits, cn_order order, const cn_place *place, cn_err *err)
{
    *m = (merge){.order = order, .fronts = calloc(hits->n + 1, sizeof *m->fronts)};
    if (!m->fronts)
        return no_memory(err);
    for (size_t i = 0; i < hits->n; i++) {
        cn_hit_segment *h = &hits->segments[i];
        uint32_t row = order == CN_OLDEST_FIRST ? 0 : h->segment->footer.n_rows;
        int rc = place ? row_at(h, *place, &row, err) : CN_OK;
        if (rc < 0)
            return rc;
        bool is_there;
        m->fronts[m->n].h = h;
        rc = move(m, &m->fronts[m->n], row, &is_there, err);
        if (rc < 0)
            return rc;
        m->n += is_there;
    }
    for (size_t i = m->n; i-- > 0;)
        sift(m, i);
    return CN_OK;
}

static int merge_next(merge *m, cn_err *err)
{
    front *f = &m->fronts[0];
    bool is_there;
    int rc = move(m, f, m->order == CN_OLDEST_FIRST ? f->row + 1 : f->row, &is_there, err);
    if (rc < 0)
        return rc;
    if (!is_there)
        m->fronts[0] = m->fronts[--m->n];
    if (m->n)
        sift(m, 0);
    return CN_OK;
}

static void merge_free(merge *m) { free(m->fronts); }

/* Where a page begins: the number of its first hit, in the order asked for. */
static int first_number(cn_hits *hits, const cn_page_ask *ask, uint64_t *out, cn_err *err)
{
    uint64_t n = 0, total = hits->count;
    bool old = ask->order == CN_OLDEST_FIRST;
    int rc = CN_OK;
    switch (ask->from) {
    case CN_FROM_START:
        break;
    case CN_FROM_NUMBER:
        n = ask->number;
        break;
    case CN_FROM_AFTER:
        rc = cn_hits_number(hits, ask->order, ask->place, &n, err);
        n += place_is_hit(hits, ask->place) ? 1 : 0;
        break;
    case CN_FROM_BEFORE:
        rc = cn_hits_number(hits, ask->order, ask->place, &n, err);
        n -= CN_MIN(n, (uint64_t) ask->n);
        break;
    case CN_FROM_TIME:
        if (old) {
            rc = hits_before(hits, first_at(ask->time_ns), &n, err);
        } else if (ask->time_ns < CN_TIME_MAX) {
            rc = hits_before(hits, first_at(ask->time_ns + 1), &n, err);
            n = total - n;
        }
        break;
    }
    *out = CN_MIN(n, total);
    return rc;
}

static int read_page(cn_hits *hits, const cn_page_ask *ask, uint64_t number, size_t n,
                     cn_arena *arena, cn_stored_event *events, cn_err *err)
{
    CN_CLEANUP(merge_free) merge m = {0};
    bool old = ask->order == CN_OLDEST_FIRST;
    cn_place place;
    const cn_place *from = NULL;
    int rc = CN_OK;
    if (number > 0) {
        /* Newest first begins before the place of the hit that precedes it there. */
        rc = place_of(hits, old ? number : hits->count - number, &place, err);
        from = &place;
    }
    if (rc == CN_OK)
        rc = merge_start(&m, hits, ask->order, from, err);
    for (size_t i = 0; rc == CN_OK && i < n && m.n; i++) {
        rc = cn_reader_event(&m.fronts[0].h->reader, m.fronts[0].row, arena, &events[i], err);
        events[i].number = number + i;
        if (rc == CN_OK)
            rc = merge_next(&m, err);
    }
    return rc;
}

int cn_hits_page(cn_hits *hits, const cn_page_ask *ask, cn_arena *arena, cn_page *out, cn_err *err)
{
    uint64_t number;
    if (ask->n > CN_PAGE_MAX)
        return cn_fail(err, CN_E_LIMIT, CN_NO_OFFSET, "a page has at most %u events", CN_PAGE_MAX);
    int rc = first_number(hits, ask, &number, err);
    if (rc < 0)
        return rc;
    uint64_t n = CN_MIN((uint64_t) ask->n, hits->count - number);
    if (ask->from == CN_FROM_BEFORE) {
        uint64_t end;
        rc = cn_hits_number(hits, ask->order, ask->place, &end, err);
        if (rc < 0)
            return rc;
        n = end - number;
    }
    cn_stored_event *events = cn_arena_alloc(arena, (size_t) (n + 1) * sizeof *events);
    if (!events)
        return cn_fail(err, CN_E_LIMIT, CN_NO_OFFSET,
                       "the events do not fit the memory given for them");
    if (n)
        rc = read_page(hits, ask, number, (size_t) n, arena, events, err);
    if (rc < 0)
        return rc;
    *out = (cn_page){events, (size_t) n, number};
    return CN_OK;
}

int cn_hits_each(cn_hits *hits, cn_order order,
                 int (*visit)(void *context, const cn_stored_event *event), void *context,
                 cn_err *err)
{
    CN_CLEANUP(merge_free) merge m = {0};
    CN_CLEANUP(cn_arena_free) cn_arena arena = cn_arena_of(CN_MIB(64));
    int rc = merge_start(&m, hits, order, NULL, err);
    for (uint64_t number = 0; rc == CN_OK && m.n; number++) {
        cn_stored_event event;
        cn_arena_reset(&arena);
        rc = cn_reader_event(&m.fronts[0].h->reader, m.fronts[0].row, &arena, &event, err);
        event.number = number;
        if (rc == CN_OK)
            rc = visit(context, &event);
        if (rc >= 0)
            rc = merge_next(&m, err);
    }
    return rc;
}
