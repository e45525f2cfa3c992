#include "store/hit_set.h"

#include <stdio.h>
#include <stdlib.h>

cn_hits *cn_hits_new(size_t segments)
{
    cn_hits *h = calloc(1, sizeof *h);
    if (!h)
        return NULL;
    h->segments = calloc(segments + 1, sizeof *h->segments);
    h->arena = cn_arena_of(CN_MIB(64));
    return h->segments ? h : cn_hits_free(h);
}

cn_hits *cn_hits_free(cn_hits *h)
{
    if (!h)
        return NULL;
    for (size_t i = 0; h->segments && i < h->n; i++) {
        cn_hit_segment *s = &h->segments[i];
        cn_reader_free(&s->reader);
        free(s->rows);
        free(s->before);
        cn_segment_release(s->segment);
    }
    free(h->segments);
    cn_arena_free(&h->arena);
    free(h);
    return NULL;
}

uint64_t cn_hits_count(const cn_hits *h) { return h->count; }
uint64_t cn_hits_untimed(const cn_hits *h) { return h->untimed; }

const struct cn_hit_timeline *cn_hits_timeline(const cn_hits *h, uint64_t id)
{
    for (size_t i = 0; i < h->n_timelines; i++)
        if (h->timelines[i].id == id)
            return &h->timelines[i];
    return NULL;
}

size_t cn_hits_timelines(const cn_hits *h, cn_timeline_count *out, size_t max)
{
    size_t n = 0;
    for (size_t i = 0; i < h->n; i++) {
        uint64_t id = h->segments[i].segment->timeline_id;
        bool is_first = true;
        uint64_t count = 0;
        for (size_t k = 0; k < h->n; k++) {
            if (h->segments[k].segment->timeline_id != id)
                continue;
            is_first &= k >= i;
            count += h->segments[k].count;
        }
        if (!is_first)
            continue;
        if (n < max)
            out[n] = (cn_timeline_count){id, count};
        n++;
    }
    return n;
}

bool cn_hits_span(cn_hits *h, int64_t *out_first_ns, int64_t *out_last_ns)
{
    bool any = false;
    int64_t first = 0, last = 0;
    for (size_t i = 0; i < h->n; i++) {
        cn_hit_segment *s = &h->segments[i];
        const cn_footer *f = &s->segment->footer;
        size_t low = cn_bits_next(s->rows, f->n_untimed, f->n_rows), high;
        int64_t a, b;
        if (low == SIZE_MAX)
            continue;
        high = cn_bits_last(s->rows, f->n_untimed, f->n_rows);
        if (!cn_times_get(s->segment, &s->reader.times, (uint32_t) low, &a) ||
            !cn_times_get(s->segment, &s->reader.times, (uint32_t) high, &b))
            continue;
        first = any ? CN_MIN(first, a) : a;
        last = any ? CN_MAX(last, b) : b;
        any = true;
    }
    *out_first_ns = first;
    *out_last_ns = last;
    return any;
}

bool cn_hits_before(cn_hit_segment *h, uint32_t row, uint64_t *out)
{
    uint32_t n = h->segment->footer.n_rows;
    if (!h->before) {
        h->before = calloc(n / CN_HIT_STEP + 2, sizeof *h->before);
        if (!h->before)
            return false;
        for (uint32_t i = 0; i <= n / CN_HIT_STEP; i++)
            h->before[i + 1] =
                h->before[i] + cn_bits_count(h->rows, (size_t) i * CN_HIT_STEP,
                                             CN_MIN(n, (uint64_t) (i + 1) * CN_HIT_STEP));
    }
    row = CN_MIN(row, n);
    *out =
        h->before[row / CN_HIT_STEP] + cn_bits_count(h->rows, row / CN_HIT_STEP * CN_HIT_STEP, row);
    return true;
}

void cn_place_format(cn_place p, char out[CN_PLACE_TEXT])
{
    snprintf(out, CN_PLACE_TEXT, "%c%016llx%llx-%x", p.has_time ? 't' : 'u',
             (unsigned long long) p.time_ns ^ (1ull << 63), (unsigned long long) p.segment_id,
             p.row);
}

static bool take_hex(cn_span *s, size_t max, uint64_t *out)
{
    size_t n = 0;
    uint64_t v = 0;
    for (; n < max && n < s->len; n++) {
        uint8_t c = s->p[n];
        unsigned digit = c >= '0' && c <= '9' ? c - 48u : c >= 'a' && c <= 'f' ? c - 87u : 16;
        if (digit > 15)
            break;
        v = v << 4 | digit;
    }
    *s = cn_span_sub(*s, n, s->len);
    *out = v;
    return n > 0;
}

bool cn_place_parse(cn_span text, cn_place *out)
{
    uint64_t time, segment, row;
    cn_span s = cn_span_sub(text, 1, text.len);
    if (text.len < 2 || (text.p[0] != 't' && text.p[0] != 'u') || s.len < 16 ||
        !take_hex(&s, 16, &time) || !take_hex(&s, 16, &segment) || s.len < 2 || s.p[0] != '-')
        return false;
    s = cn_span_sub(s, 1, s.len);
    if (!take_hex(&s, 8, &row) || s.len)
        return false;
    *out = (cn_place){.has_time = text.p[0] == 't',
                      .time_ns = (int64_t) (time ^ 1ull << 63),
                      .segment_id = segment,
                      .row = (uint32_t) row};
    return true;
}
