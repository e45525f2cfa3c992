/* A growing byte buffer with a maximum. Failure (maximum reached, no memory) is sticky: append
 * freely, then look at `failed` once. A failed buffer keeps what fitted whole. One owner. */
#pragma once

#include "base/base.h"

typedef struct cn_buf {
    uint8_t *p;
    size_t len, capacity, max;
    bool failed;
} cn_buf;

static inline cn_buf cn_buf_of(size_t max) { return (cn_buf){.max = max}; }
static inline cn_span cn_buf_span(const cn_buf *b) { return (cn_span){b->p, b->len}; }
static inline void cn_buf_clear(cn_buf *b) { b->len = 0, b->failed = false; }

/* Room for n more bytes, to be filled by the caller, who then adds to len. NULL, with failed set,
 * at the maximum. */
uint8_t *cn_buf_room(cn_buf *b, size_t n);
static inline void cn_buf_bytes(cn_buf *b, cn_span bytes)
{
    if (bytes.len == 0)
        return;
    bool fits = !b->failed && bytes.len <= b->capacity - b->len;
    uint8_t *p = fits ? b->p + b->len : cn_buf_room(b, bytes.len);
    if (p) {
        memcpy(p, bytes.p, bytes.len);
        b->len += bytes.len;
    }
}
static inline void cn_buf_str(cn_buf *b, const char *text) { cn_buf_bytes(b, cn_span_str(text)); }
static inline void cn_buf_char(cn_buf *b, char c) { cn_buf_bytes(b, cn_span_of(&c, 1)); }
void cn_buf_u64(cn_buf *b, uint64_t value); /* decimal */
void cn_buf_i64(cn_buf *b, int64_t value);  /* decimal */
void cn_buf_le16(cn_buf *b, uint16_t value);
void cn_buf_le32(cn_buf *b, uint32_t value);
void cn_buf_le64(cn_buf *b, uint64_t value);
void cn_buf_printf(cn_buf *b, const char *format, ...) CN_PRINTF(2, 3);
/* The text as a C string (a NUL is put behind it, not counted in len). "" when the buffer failed.
 */
const char *cn_buf_cstr(cn_buf *b);
void cn_buf_free(cn_buf *b);
