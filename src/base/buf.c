#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

uint8_t *cn_buf_room(cn_buf *b, size_t n)
{
    if (b->failed || n > b->max || b->len > b->max - n) {
        b->failed = true;
        return NULL;
    }
    size_t need = b->len + n;
    if (need > b->capacity || !b->p) {
        size_t grown = b->capacity ? b->capacity + b->capacity / 2 : 256;
        size_t capacity = CN_MIN(CN_MAX(grown, need), b->max);
        if (capacity == 0)
            capacity = 1;
        uint8_t *p = realloc(b->p, capacity);
        if (!p) {
            b->failed = true;
            return NULL;
        }
        b->p = p;
        b->capacity = capacity;
    }
    return b->p + b->len;
}

void cn_buf_u64(cn_buf *b, uint64_t value)
{
    char digits[20];
    size_t n = sizeof digits;
    do
        digits[--n] = (char) ('0' + value % 10);
    while (value /= 10);
    cn_buf_bytes(b, cn_span_of(digits + n, sizeof digits - n));
}

void cn_buf_i64(cn_buf *b, int64_t value)
{
    if (value < 0)
        cn_buf_char(b, '-');
    cn_buf_u64(b, value < 0 ? 0 - (uint64_t) value : (uint64_t) value);
}

static void little_endian(cn_buf *b, uint64_t value, size_t n)
{
    uint8_t *p = cn_buf_room(b, n);
    if (!p)
        return;
    for (size_t i = 0; i < n; i++)
        p[i] = (uint8_t) (value >> (8 * i));
    b->len += n;
}

void cn_buf_le16(cn_buf *b, uint16_t value) { little_endian(b, value, 2); }
void cn_buf_le32(cn_buf *b, uint32_t value) { little_endian(b, value, 4); }
void cn_buf_le64(cn_buf *b, uint64_t value) { little_endian(b, value, 8); }

void cn_buf_printf(cn_buf *b, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, format, args);
    uint8_t *p = n < 0 ? NULL : cn_buf_room(b, (size_t) n + 1);
    if (p) {
        vsnprintf((char *) p, (size_t) n + 1, format, again);
        b->len += (size_t) n;
    }
    va_end(args);
    va_end(again);
}

const char *cn_buf_cstr(cn_buf *b)
{
    uint8_t *p = cn_buf_room(b, 1);
    if (!p)
        return "";
    *p = 0;
    return (const char *) b->p;
}

void cn_buf_free(cn_buf *b)
{
    free(b->p);
    *b = cn_buf_of(b->max);
}
