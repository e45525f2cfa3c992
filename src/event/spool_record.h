/* What lies in a spool's memory, for event/spool.c and the segment writer, which visits events in
 * another order than they came.
 *
 * Records begin at multiples of 8 and have sizes of multiples of 8:
 *   0  4  size, with this head       4  1  kind       5  1  desc       6  1  fields       7  1
 * flags EVENT: 8  8  time    16  8  offset    24  8  length    32  4  ordinal    36  4  origin
 * index 40  4  bytes of the message     44  2  data type index             46  2  0 48     message,
 * then the fields: 2 field (vocabulary id, or CN_F_COUNT + index of a name), 1 type, then a varint:
 * the zigzag integer, or the length of the text that follows ORIGIN:  8 8 image id, 16 8 inode, 24
 * 8 key, 32 5*4 lengths, then image volume path stream parser TYPE, NAME:  8 4 length, then the
 * text and a NUL ITEM:    8 4 item, 16 8 events of it that went before Indexes count the records of
 * their kind from 0. */
#pragma once

#include "event/spool.h"

enum cn_spool_kind {
    CN_SPOOL_EVENT = 1,
    CN_SPOOL_ORIGIN,
    CN_SPOOL_TYPE,
    CN_SPOOL_NAME,
    CN_SPOOL_ITEM,
};
#define CN_SPOOL_HAS_TIME   1u
#define CN_SPOOL_EVENT_HEAD 48u
/* Bytes behind the last record, which may be read with what stands before them. */
#define CN_SPOOL_PAD 64u

/* An event in place, checked to lie in the spool. */
typedef struct cn_spool_event {
    int64_t time_ns;
    uint64_t offset, length;
    uint32_t ordinal, origin;
    uint16_t data_type;
    uint8_t desc, n_fields;
    bool has_time;
    cn_span message;
    cn_span fields; /* packed: cn_spool_field_next() */
} cn_spool_event;

typedef struct cn_spool_field {
    uint16_t field; /* vocabulary id, or CN_F_COUNT + index of a dynamic name */
    uint8_t type;
    cn_span text;
    int64_t num;
} cn_spool_field;

/* Positions of events: start with 0; false at the end. *out_at is where the event found stands, for
 * cn_spool_event_at(). */
CN_MUST_USE bool cn_spool_event_next(const cn_spool *spool, uint32_t *pos, uint32_t *out_at);
/* The position must come from the function above, since the last clear. */
CN_MUST_USE bool cn_spool_event_at(const cn_spool *spool, uint32_t at, cn_spool_event *out);
/* Begins to load what the function above will read. */
void cn_spool_prefetch(const cn_spool *spool, uint32_t at);

size_t cn_spool_origins(const cn_spool *spool);
const cn_origin *cn_spool_origin(const cn_spool *spool, uint32_t index); /* NULL: none */
uint64_t cn_spool_origin_key(const cn_spool *spool, uint32_t index);
size_t cn_spool_types(const cn_spool *spool);
const char *cn_spool_type(const cn_spool *spool, uint32_t index);
size_t cn_spool_names(const cn_spool *spool);
cn_span cn_spool_name(const cn_spool *spool, uint32_t index);
/* Fields of all events together. */
uint64_t cn_spool_fields(const cn_spool *spool);

CN_MUST_USE static inline bool cn_varint_get(const uint8_t **p, const uint8_t *end, uint64_t *out)
{
    uint64_t v = 0;
    for (unsigned shift = 0; shift < 64 && *p < end; shift += 7) {
        uint8_t c = *(*p)++;
        v |= (uint64_t) (c & 127) << shift;
        if (c < 128) {
            *out = v;
            return true;
        }
    }
    return false;
}
static inline uint8_t *cn_varint_put(uint8_t *p, uint64_t v)
{
    while (v >= 128) {
        *p++ = (uint8_t) (v | 128);
        v >>= 7;
    }
    *p++ = (uint8_t) v;
    return p;
}
static inline uint64_t cn_zigzag(int64_t v) { return (uint64_t) v << 1 ^ (uint64_t) (v >> 63); }
static inline int64_t cn_unzigzag(uint64_t v) { return (int64_t) (v >> 1 ^ (0 - (v & 1))); }

/* Takes the next field off *fields; false at the end or where it does not hold one. */
CN_MUST_USE static inline bool cn_spool_field_next(cn_span *fields, cn_spool_field *out)
{
    const uint8_t *p = fields->p, *end = p + fields->len;
    uint64_t v;
    if (fields->len < 4)
        return false;
    out->field = (uint16_t) (p[0] | p[1] << 8);
    out->type = p[2];
    p += 3;
    if (!cn_varint_get(&p, end, &v))
        return false;
    if (out->type == CN_INT || out->type == CN_BOOL) {
        out->num = cn_unzigzag(v);
        out->text = (cn_span){NULL, 0};
    } else {
        if (v > (size_t) (end - p))
            return false;
        out->num = 0;
        out->text = (cn_span){p, (size_t) v};
        p += v;
    }
    *fields = (cn_span){p, (size_t) (end - p)};
    return true;
}
