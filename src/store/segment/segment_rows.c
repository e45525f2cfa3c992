/* Times, messages and places of an open segment's rows. */
#include "event/spool_record.h"
#include "store/segment/segment.h"

#include <stdlib.h>
#include <zstd.h>

/* ---- times ----------------------------------------------------------------------------------- */

static bool load_times(const cn_segment *s, cn_time_block *t, uint32_t block)
{
    static const uint64_t units[] = {1,      10,      100,      1000,      10000,
                                     100000, 1000000, 10000000, 100000000, 1000000000};
    const cn_footer *f = &s->footer;
    cn_span head, bits_in;
    t->has = false;
    if (!cn_segment_part(s, f->sections[CN_SECTION_TIME_INDEX], (uint64_t) block * 16, 16, &head))
        return false;
    uint32_t at = cn_load32(head.p + 8), n = f->n_rows - f->n_untimed - block * CN_TIME_ROWS;
    uint8_t power = head.p[12], bits = head.p[13];
    n = CN_MIN(n, (uint32_t) CN_TIME_ROWS);
    uint64_t length = ((uint64_t) (n - 1) * bits + 7) / 8;
    if (power >= CN_LEN(units) || bits > 64 ||
        !cn_segment_part(s, f->sections[CN_SECTION_TIMES], at, length + 16, &bits_in))
        return false;
    uint64_t mask = bits == 64 ? UINT64_MAX : (UINT64_C(1) << bits) - 1;
    uint64_t time = cn_load64(head.p);
    t->times[0] = (int64_t) time;
    for (uint32_t i = 1; i < n; i++) {
        uint64_t bit = (uint64_t) (i - 1) * bits;
        const uint8_t *p = bits_in.p + bit / 8;
        unsigned __int128 wide = cn_load64(p) | (unsigned __int128) cn_load64(p + 8) << 64;
        uint64_t next = time + ((uint64_t) (wide >> bit % 8) & mask) * units[power];
        /* Times do not descend, whatever the segment says. */
        if ((int64_t) next < (int64_t) time)
            return false;
        time = next;
        t->times[i] = (int64_t) time;
    }
    t->n = n;
    t->block = block;
    t->has = true;
    return true;
}

bool cn_times_get(const cn_segment *s, cn_time_block *t, uint32_t row, int64_t *out)
{
    if (row < s->footer.n_untimed || row >= s->footer.n_rows)
        return false;
    uint32_t i = row - s->footer.n_untimed;
    if ((!t->has || t->block != i / CN_TIME_ROWS) && !load_times(s, t, i / CN_TIME_ROWS))
        return false;
    *out = t->times[i % CN_TIME_ROWS];
    return true;
}

bool cn_times_row(const cn_segment *s, cn_time_block *t, int64_t time, uint32_t *out)
{
    const cn_footer *f = &s->footer;
    uint32_t blocks = (f->n_rows - f->n_untimed + CN_TIME_ROWS - 1) / CN_TIME_ROWS;
    uint32_t low = 0, high = blocks; /* the first block that begins at or past `time` */
    cn_span index;
    if (!cn_segment_all(s, f->sections[CN_SECTION_TIME_INDEX], &index))
        return false;
    while (low < high) {
        uint32_t mid = low + (high - low) / 2;
        if ((int64_t) cn_load64(index.p + (size_t) mid * 16) < time)
            low = mid + 1;
        else
            high = mid;
    }
    /* It is in the block before, or the first of this one. */
    if (low == 0) {
        *out = f->n_untimed;
        return true;
    }
    if ((!t->has || t->block != low - 1) && !load_times(s, t, low - 1))
        return false;
    uint32_t i = 0;
    while (i < t->n && t->times[i] < time)
        i++;
    *out = f->n_untimed + (low - 1) * CN_TIME_ROWS + i;
    return true;
}

/* ---- blocks ---------------------------------------------------------------------------------- */

static bool reserve(uint8_t **p, size_t *capacity, size_t n)
{
    if (n <= *capacity)
        return true;
    uint8_t *grown = realloc(*p, n);
    if (!grown)
        return false;
    *p = grown;
    *capacity = n;
    return true;
}

/* sample: NULL for none. */
static bool unpack(void **context, cn_span packed, const ZSTD_DDict *sample, uint8_t *out, size_t n)
{
    if (!*context)
        *context = ZSTD_createDCtx();
    if (!*context)
        return false;
    return ZSTD_decompress_usingDDict(*context, out, n, packed.p, packed.len, sample) == n;
}

/* What messages were packed against; false where it is damaged. */
static bool get_sample(const cn_segment *s, const ZSTD_DDict **out)
{
    cn_segment *shared = (cn_segment *) (uintptr_t) s;
    cn_span bytes;
    *out = __atomic_load_n(&shared->sample, __ATOMIC_ACQUIRE);
    if (*out || !s->footer.sections[CN_SECTION_SAMPLE].length)
        return true;
    if (!cn_segment_all(s, s->footer.sections[CN_SECTION_SAMPLE], &bytes))
        return false;
    ZSTD_DDict *made = ZSTD_createDDict(bytes.p, bytes.len);
    void *none = NULL;
    if (!made)
        return false;
    /* Two threads may come here at once: the first one's stays. */
    if (!__atomic_compare_exchange_n(&shared->sample, &none, made, false, __ATOMIC_ACQ_REL,
                                     __ATOMIC_ACQUIRE)) {
        ZSTD_freeDDict(made);
        made = none;
    }
    *out = made;
    return true;
}

/* ---- messages -------------------------------------------------------------------------------- */

enum { MESSAGE_BLOCK_MAX = 2 << 20 }; /* unpacked: two times 64 KiB and the longest message */

uint32_t cn_messages_blocks(const cn_segment *s)
{
    return (uint32_t) (s->footer.sections[CN_SECTION_MESSAGE_INDEX].length / 16 - 1);
}

static bool message_head(const cn_segment *s, uint32_t block, cn_span *out)
{
    return cn_segment_part(s, s->footer.sections[CN_SECTION_MESSAGE_INDEX], (uint64_t) block * 16,
                           32, out);
}

bool cn_messages_rows(const cn_segment *s, uint32_t block, uint32_t *first, uint32_t *end)
{
    cn_span head;
    if (!message_head(s, block, &head))
        return false;
    *first = cn_load32(head.p);
    *end = cn_load32(head.p + 16);
    return *first < *end && *end <= s->footer.n_rows;
}

bool cn_messages_load(const cn_segment *s, cn_message_block *m, uint32_t block)
{
    cn_span head, packed;
    const ZSTD_DDict *sample;
    uint32_t end;
    if (m->has && m->block == block)
        return true;
    m->has = false;
    if (!message_head(s, block, &head) || !cn_messages_rows(s, block, &m->first, &end))
        return false;
    uint32_t n = end - m->first, size = cn_load32(head.p + 4);
    uint64_t at = cn_load64(head.p + 8), next = cn_load64(head.p + 24);
    if (n > size || size > MESSAGE_BLOCK_MAX || next < at ||
        !cn_segment_part(s, s->footer.sections[CN_SECTION_MESSAGES], at, next - at, &packed) ||
        !reserve(&m->bytes, &m->capacity, (size_t) size + 64) || !get_sample(s, &sample) ||
        !unpack(&m->zstd, packed, sample, m->bytes, size))
        return false;
    if (n + 1u > m->cap_offsets) {
        uint32_t *offsets = realloc(m->offsets, ((size_t) n + 1) * sizeof *offsets);
        if (!offsets)
            return false;
        m->offsets = offsets;
        m->cap_offsets = (size_t) n + 1;
    }
    const uint8_t *p = m->bytes, *stop = p + size;
    uint64_t total = 0, length;
    for (uint32_t i = 0; i < n; i++) {
        m->offsets[i] = (uint32_t) total;
        if (!cn_varint_get(&p, stop, &length) || length > size || (total += length) > size)
            return false;
    }
    uint32_t text = (uint32_t) (p - m->bytes);
    if (total != size - text)
        return false;
    m->offsets[n] = (uint32_t) total;
    for (uint32_t i = 0; i <= n; i++)
        m->offsets[i] += text;
    m->n = n;
    m->block = block;
    m->has = true;
    return true;
}

bool cn_messages_get(const cn_segment *s, cn_message_block *m, uint32_t row, cn_span *out)
{
    if (!m->has || row < m->first || row - m->first >= m->n) {
        uint32_t low = 0, high = cn_messages_blocks(s), first, end;
        while (low < high) {
            uint32_t mid = low + (high - low) / 2;
            if (!cn_messages_rows(s, mid, &first, &end))
                return false;
            if (end <= row)
                low = mid + 1;
            else
                high = mid;
        }
        if (low >= cn_messages_blocks(s) || !cn_messages_load(s, m, low) || row < m->first ||
            row - m->first >= m->n)
            return false;
    }
    uint32_t i = row - m->first;
    *out = cn_span_of(m->bytes + m->offsets[i], m->offsets[i + 1] - m->offsets[i]);
    return true;
}

void cn_message_block_free(cn_message_block *m)
{
    free(m->bytes);
    free(m->offsets);
    ZSTD_freeDCtx(m->zstd);
    *m = (cn_message_block){0};
}

/* ---- places ---------------------------------------------------------------------------------- */

/* Where the last record of each origin in the block ended: a hash table, since origins of a segment
 * may be as many as its rows, those of a block are few. */
enum { ENDS = CN_PLACE_ROWS * 2 };
typedef struct cn_record_ends {
    uint32_t origin[ENDS]; /* + 1 */
    uint64_t end[ENDS];
} record_ends;

static uint64_t *end_of(record_ends *e, uint32_t origin)
{
    size_t i = origin * 2654435761u % ENDS;
    while (e->origin[i] && e->origin[i] != origin + 1)
        i = (i + 1) % ENDS;
    if (!e->origin[i]) {
        e->origin[i] = origin + 1;
        e->end[i] = 0;
    }
    return &e->end[i];
}

static bool read_places(cn_place_block *b, uint32_t n, uint32_t size)
{
    record_ends *ends = calloc(1, sizeof *ends);
    if (!ends)
        return false;
    bool good = size >= 8;
    uint32_t offsets = good ? cn_load32(b->bytes) : 0, lengths = good ? cn_load32(b->bytes + 4) : 0;
    good = good && offsets <= size - 8 && lengths <= size - 8 - offsets;
    const uint8_t *p = b->bytes + 8, *p_end = good ? p + offsets : p;
    const uint8_t *q = p_end, *q_end = good ? q + lengths : q;
    const uint8_t *r = q_end, *r_end = good ? b->bytes + size : r;
    for (uint32_t i = 0; i < n && good; i++) {
        uint64_t delta, length, ordinal;
        good = cn_varint_get(&p, p_end, &delta) && cn_varint_get(&q, q_end, &length) &&
               cn_varint_get(&r, r_end, &ordinal);
        if (!good)
            break;
        uint64_t *end = end_of(ends, b->origins[i]);
        b->offsets[i] = *end + (uint64_t) cn_unzigzag(delta);
        b->lengths[i] = length;
        b->ordinals[i] = (uint32_t) ordinal;
        *end = b->offsets[i] + length;
    }
    free(ends);
    return good;
}

bool cn_places_load(const cn_segment *s, cn_place_block *b, uint32_t block)
{
    const cn_footer *f = &s->footer;
    cn_span head, packed;
    cn_codes origins;
    if (b->has && b->block == block)
        return true;
    b->has = false;
    if (!b->offsets) {
        size_t n = CN_PLACE_ROWS;
        uint8_t *all = malloc(n * (2 * sizeof(uint64_t) + 2 * sizeof(uint32_t)));
        if (!all)
            return false;
        b->offsets = (uint64_t *) (void *) all;
        b->lengths = b->offsets + n;
        b->ordinals = (uint32_t *) (void *) (b->lengths + n);
        b->origins = b->ordinals + n;
    }
    if ((uint64_t) block * CN_PLACE_ROWS >= f->n_rows ||
        !cn_segment_part(s, f->sections[CN_SECTION_PLACE_INDEX], (uint64_t) block * 12, 12,
                         &head) ||
        !cn_codes_open(s, s->origin, &origins))
        return false;
    uint32_t n = CN_MIN((uint32_t) CN_PLACE_ROWS, f->n_rows - block * CN_PLACE_ROWS);
    uint32_t at = cn_load32(head.p), stored = cn_load32(head.p + 4), size = cn_load32(head.p + 8);
    if (size > CN_PLACE_ROWS * 30 + 8 ||
        !cn_segment_part(s, f->sections[CN_SECTION_PLACES], at, stored, &packed) ||
        !reserve(&b->bytes, &b->capacity, (size_t) size + 8))
        return false;
    if (stored == size) {
        if (size)
            memcpy(b->bytes, packed.p, size);
    } else if (!unpack(&b->zstd, packed, NULL, b->bytes, size)) {
        return false;
    }
    for (uint32_t i = 0; i < n; i++) {
        int64_t origin;
        if (!cn_values_number(s, s->origin, cn_codes_get(&origins, block * CN_PLACE_ROWS + i),
                              &origin) ||
            origin < 0 || origin >= f->n_origins)
            return false;
        b->origins[i] = (uint32_t) origin;
    }
    if (!read_places(b, n, size))
        return false;
    b->n = n;
    b->block = block;
    b->has = true;
    return true;
}

void cn_place_block_free(cn_place_block *b)
{
    free(b->offsets);
    free(b->bytes);
    ZSTD_freeDCtx(b->zstd);
    *b = (cn_place_block){0};
}

bool cn_origins_key(const cn_segment *s, uint32_t origin, uint64_t *out)
{
    cn_span bytes;
    if (!cn_segment_part(s, s->footer.sections[CN_SECTION_ORIGIN_KEYS], (uint64_t) origin * 8, 8,
                         &bytes))
        return false;
    *out = cn_load64(bytes.p);
    return true;
}
