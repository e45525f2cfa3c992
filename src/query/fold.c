#include "query/fold.h"

#include "base/text.h"

typedef struct cn_fold_range {
    uint32_t first, last;
    int32_t delta;
    uint32_t step;
} fold_range;
typedef struct cn_word_range {
    uint32_t first, last;
} word_range;
#include "query/unicode_tables.inc"

int32_t cn_fold_decode(const uint8_t *p, size_t n, size_t *out_len)
{
    uint8_t c = p[0];
    *out_len = 1;
    if (c < 0x80)
        return c;
    size_t len = c >= 0xc2 && c <= 0xdf   ? 2
                 : (c & 0xf0) == 0xe0     ? 3
                 : c >= 0xf0 && c <= 0xf4 ? 4
                                          : 0;
    if (len == 0 || len > n)
        return -1;
    uint32_t code = c & (0x7fu >> len);
    for (size_t i = 1; i < len; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return -1;
        code = code << 6 | (p[i] & 0x3fu);
    }
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    if (code < least[len] || code > 0x10ffff || (code >= 0xd800 && code < 0xe000))
        return -1;
    *out_len = len;
    return (int32_t) code;
}

uint32_t cn_fold_code(uint32_t code)
{
    size_t low = 0, high = CN_LEN(fold_ranges);
    if (code < 0x80)
        return cn_lower((uint8_t) code);
    while (low < high) {
        size_t mid = (low + high) / 2;
        const fold_range *r = &fold_ranges[mid];
        if (code < r->first)
            high = mid;
        else if (code > r->last)
            low = mid + 1;
        else
            return (code - r->first) % r->step ? code : (uint32_t) ((int32_t) code + r->delta);
    }
    return code;
}

bool cn_fold_is_word(uint32_t code)
{
    size_t low = 0, high = CN_LEN(word_ranges);
    while (low < high) {
        size_t mid = (low + high) / 2;
        if (code < word_ranges[mid].first)
            high = mid;
        else if (code > word_ranges[mid].last)
            low = mid + 1;
        else
            return true;
    }
    return false;
}

size_t cn_fold_encode(uint32_t code, uint8_t out[4])
{
    if (code < 0x80) {
        out[0] = (uint8_t) code;
        return 1;
    }
    size_t len = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    static const uint8_t lead[] = {0, 0, 0xc0, 0xe0, 0xf0};
    for (size_t i = len - 1; i > 0; i--, code >>= 6)
        out[i] = (uint8_t) (0x80 | (code & 0x3f));
    out[0] = (uint8_t) (lead[len] | code);
    return len;
}

void cn_fold_text(cn_buf *out, cn_span text)
{
    /* A folded character is at most 3 bytes where it was 2. */
    uint8_t *p = cn_buf_room(out, text.len + text.len / 2 + 4), *start = p;
    if (!p)
        return;
    for (size_t i = 0; i < text.len;) {
        if (text.p[i] < 0x80) {
            *p++ = cn_lower(text.p[i++]);
            continue;
        }
        size_t len;
        int32_t code = cn_fold_decode(text.p + i, text.len - i, &len);
        if (code < 0)
            *p++ = text.p[i];
        else
            p += cn_fold_encode(cn_fold_code((uint32_t) code), p);
        i += len;
    }
    out->len += (size_t) (p - start);
}
