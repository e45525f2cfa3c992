/* What every file may use without asking: attributes, ownership macros, checked arithmetic, spans.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define CN_MUST_USE         __attribute__((warn_unused_result))
#define CN_PRINTF(fmt, arg) __attribute__((format(printf, fmt, arg)))
#define CN_LEN(array)       (sizeof(array) / sizeof((array)[0]))
#define CN_KIB(n)           ((uint64_t) (n) << 10)
#define CN_MIB(n)           ((uint64_t) (n) << 20)
#define CN_GIB(n)           ((uint64_t) (n) << 30)
#define CN_MIN(a, b)        ((a) < (b) ? (a) : (b))
#define CN_MAX(a, b)        ((a) > (b) ? (a) : (b))

/* Frees what NAME owns when it leaves its scope: CN_CLEANUP(cn_buf_free) cn_buf b = ...;
 * `fn` takes a pointer to the variable. */
#define CN_CLEANUP(fn) __attribute__((cleanup(fn)))

/* Makes `name##_p`, a cleanup function for a `type *` variable, out of a destructor that takes the
 * pointer. */
#define CN_DEFINE_CLEANUP(type, fn)                                                                \
    static inline void fn##_p(type **p)                                                            \
    {                                                                                              \
        if (*p)                                                                                    \
            fn(*p);                                                                                \
    }

/* Hands over an owned pointer: the variable is NULL afterwards. */
#define CN_TAKE(ptr)                                                                               \
    ({                                                                                             \
        __typeof__(&(ptr)) taken_from = &(ptr);                                                    \
        __typeof__(ptr) taken = *taken_from;                                                       \
        *taken_from = NULL;                                                                        \
        taken;                                                                                     \
    })

/* Sums and products of values that come from evidence. True, with *out set, when the result fits.
 */
CN_MUST_USE static inline bool cn_add(uint64_t a, uint64_t b, uint64_t *out)
{
    return !__builtin_add_overflow(a, b, out);
}
CN_MUST_USE static inline bool cn_mul(uint64_t a, uint64_t b, uint64_t *out)
{
    return !__builtin_mul_overflow(a, b, out);
}

/* Borrowed bytes. p may be NULL when len is 0. */
typedef struct cn_span {
    const uint8_t *p;
    size_t len;
} cn_span;

#define CN_SPAN_LIT(text) ((cn_span){(const uint8_t *) (text), sizeof(text) - 1})

static inline cn_span cn_span_of(const void *p, size_t len)
{
    return (cn_span){(const uint8_t *) p, len};
}
static inline cn_span cn_span_str(const char *text)
{
    return (cn_span){(const uint8_t *) text, text ? strlen(text) : 0};
}
static inline bool cn_span_eq(cn_span a, cn_span b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.p, b.p, a.len) == 0);
}
static inline bool cn_span_is(cn_span a, const char *text)
{
    return cn_span_eq(a, cn_span_str(text));
}
static inline bool cn_span_starts(cn_span a, const char *text)
{
    size_t n = strlen(text);
    return a.len >= n && memcmp(a.p, text, n) == 0;
}
static inline bool cn_span_ends(cn_span a, const char *text)
{
    size_t n = strlen(text);
    return a.len >= n && memcmp(a.p + a.len - n, text, n) == 0;
}
/* The part of `a` that begins at `from` and is at most `len` long; empty where `from` lies behind
 * the end. */
static inline cn_span cn_span_sub(cn_span a, size_t from, size_t len)
{
    if (from >= a.len)
        return (cn_span){NULL, 0};
    return (cn_span){a.p + from, len < a.len - from ? len : a.len - from};
}
