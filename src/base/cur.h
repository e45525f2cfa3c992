/* The checked cursor: the only way evidence is read. Reads past the end give zeros and set `fail`,
 * which stays: read a whole structure, call cn_cur_check() once, then use it. A cursor borrows its
 * bytes. */
#pragma once

#include "base/err.h"

typedef struct cn_cur {
    const uint8_t *p;
    size_t len, pos;
    uint64_t origin; /* where p[0] stands in the evidence */
    int fail;        /* CN_OK, or the first failure */
    uint64_t fail_at;
    int overrun; /* what a read past the end means: TRUNCATED for evidence, CORRUPT for a record
                    inside it */
} cn_cur;

/* A cursor over bytes that stand at `origin` in the evidence. */
static inline cn_cur cn_cur_of(cn_span bytes, uint64_t origin)
{
    return (cn_cur){bytes.p, bytes.len, 0, origin, CN_OK, 0, CN_E_TRUNCATED};
}

static inline uint64_t cn_cur_offset(const cn_cur *c) { return c->origin + c->pos; }
static inline size_t cn_cur_left(const cn_cur *c) { return c->fail ? 0 : c->len - c->pos; }

static inline void cn_cur_fail(cn_cur *c, int code)
{
    if (!c->fail) {
        c->fail = code;
        c->fail_at = cn_cur_offset(c);
    }
}

/* n bytes in place, NULL on failure. An empty read gives a pointer that may not be followed. */
static inline const uint8_t *cn_cur_bytes(cn_cur *c, size_t n)
{
    static const uint8_t nothing[1];
    if (c->fail || n > c->len - c->pos) {
        cn_cur_fail(c, c->overrun);
        return NULL;
    }
    if (n == 0)
        return nothing;
    const uint8_t *p = c->p + c->pos;
    c->pos += n;
    return p;
}

static inline cn_span cn_cur_span(cn_cur *c, size_t n)
{
    const uint8_t *p = cn_cur_bytes(c, n);
    return (cn_span){p, p ? n : 0};
}

static inline void cn_cur_skip(cn_cur *c, size_t n) { (void) cn_cur_bytes(c, n); }

/* Moves to a position relative to the cursor's own start. */
static inline void cn_cur_seek(cn_cur *c, uint64_t pos)
{
    if (c->fail || pos > c->len)
        cn_cur_fail(c, c->overrun);
    else
        c->pos = (size_t) pos;
}

static inline uint8_t cn_cur_u8(cn_cur *c)
{
    const uint8_t *p = cn_cur_bytes(c, 1);
    return p ? *p : 0;
}

#define CN_CUR_READ(name, type, swap)                                                              \
    static inline type name(cn_cur *c)                                                             \
    {                                                                                              \
        const uint8_t *p = cn_cur_bytes(c, sizeof(type));                                          \
        type v = 0;                                                                                \
        if (p)                                                                                     \
            memcpy(&v, p, sizeof v);                                                               \
        return swap(v);                                                                            \
    }
#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "Cairn is built for little-endian machines"
#endif
CN_CUR_READ(cn_cur_le16, uint16_t, )
CN_CUR_READ(cn_cur_le32, uint32_t, )
CN_CUR_READ(cn_cur_le64, uint64_t, )
CN_CUR_READ(cn_cur_be16, uint16_t, __builtin_bswap16)
CN_CUR_READ(cn_cur_be32, uint32_t, __builtin_bswap32)
CN_CUR_READ(cn_cur_be64, uint64_t, __builtin_bswap64)
#undef CN_CUR_READ

/* A cursor over the next n bytes, which this one passes over. A read past its end is CORRUPT: the
 * record lied. */
static inline cn_cur cn_cur_sub(cn_cur *c, size_t n)
{
    uint64_t origin = cn_cur_offset(c);
    cn_span bytes = cn_cur_span(c, n);
    cn_cur sub = cn_cur_of(bytes, origin);
    sub.overrun = CN_E_CORRUPT;
    if (c->fail)
        cn_cur_fail(&sub, c->fail);
    return sub;
}

/* The text up to a NUL within the next n bytes, all of which are passed over; without a NUL, all n.
 */
static inline cn_span cn_cur_text(cn_cur *c, size_t n)
{
    cn_span s = cn_cur_span(c, n);
    const uint8_t *end = s.len ? memchr(s.p, 0, s.len) : NULL;
    if (end)
        s.len = (size_t) (end - s.p);
    return s;
}

/* CN_OK, or the failure with `what` was being read put into err. */
CN_MUST_USE static inline int cn_cur_check(const cn_cur *c, cn_err *err, const char *what)
{
    if (!c->fail)
        return CN_OK;
    return cn_fail(err, c->fail, c->fail_at, "%s: %s", what,
                   c->fail == CN_E_TRUNCATED ? "the data ends here"
                                             : "a length does not fit its record");
}
