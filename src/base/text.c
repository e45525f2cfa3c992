#include "base/text.h"

#include <arpa/inet.h>

cn_span cn_text_trim(cn_span s)
{
    while (s.len && (s.p[0] == ' ' || (s.p[0] >= '\t' && s.p[0] <= '\r') || s.p[0] == 0))
        s = (cn_span){s.p + 1, s.len - 1};
    while (s.len) {
        uint8_t c = s.p[s.len - 1];
        if (c != ' ' && c != 0 && !(c >= '\t' && c <= '\r'))
            break;
        s.len--;
    }
    return s;
}

bool cn_text_u64(cn_span s, uint64_t *out)
{
    uint64_t v = 0;
    if (s.len == 0)
        return false;
    for (size_t i = 0; i < s.len; i++)
        if (!cn_is_digit(s.p[i]) || !cn_mul(v, 10, &v) || !cn_add(v, (uint64_t) (s.p[i] - '0'), &v))
            return false;
    *out = v;
    return true;
}

bool cn_text_i64(cn_span s, int64_t *out)
{
    bool negative = s.len > 0 && s.p[0] == '-';
    uint64_t v;
    if (!cn_text_u64(negative ? cn_span_sub(s, 1, s.len) : s, &v))
        return false;
    if (v > (uint64_t) INT64_MAX + negative)
        return false;
    *out = negative ? (int64_t) (0 - v) : (int64_t) v;
    return true;
}

cn_span cn_text_until(cn_span *s, char c)
{
    const uint8_t *end = s->len ? memchr(s->p, c, s->len) : NULL;
    cn_span before = {s->p, end ? (size_t) (end - s->p) : s->len};
    *s = end ? (cn_span){end + 1, s->len - before.len - 1} : (cn_span){NULL, 0};
    return before;
}

size_t cn_text_find(cn_span s, const char *needle)
{
    const uint8_t *at = s.len ? memmem(s.p, s.len, needle, strlen(needle)) : NULL;
    return at ? (size_t) (at - s.p) : SIZE_MAX;
}

/* Length of the well-formed UTF-8 sequence at s, 0 where there is none (Unicode, table 3-7). */
static size_t utf8_sequence(const uint8_t *p, size_t n)
{
    uint8_t c = p[0];
    if (c < 0x80)
        return 1;
    size_t len = c >= 0xc2 && c <= 0xdf   ? 2
                 : (c & 0xf0) == 0xe0     ? 3
                 : c >= 0xf0 && c <= 0xf4 ? 4
                                          : 0;
    if (len == 0 || len > n)
        return 0;
    uint8_t low = c == 0xe0   ? 0xa0
                  : c == 0xf0 ? 0x90
                              : 0x80,
            high = c == 0xed   ? 0x9f
                   : c == 0xf4 ? 0x8f
                               : 0xbf;
    if (p[1] < low || p[1] > high)
        return 0;
    for (size_t i = 2; i < len; i++)
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    return len;
}

bool cn_text_is_plain(cn_span s)
{
    const uint64_t high = UINT64_C(0x8080808080808080), blank = UINT64_C(0x2020202020202020);
    size_t i = 0;
    for (uint64_t eight; s.len - i >= sizeof eight; i += sizeof eight) {
        memcpy(&eight, s.p + i, sizeof eight);
        /* With the top bit set, less 0x20: the bit is gone where the byte is a control. */
        if ((eight | ~((eight | high) - blank)) & high)
            return false;
    }
    for (; i < s.len; i++)
        if (s.p[i] < 0x20 || s.p[i] >= 0x80)
            return false;
    return true;
}

bool cn_text_is_address(cn_span s)
{
    char text[INET6_ADDRSTRLEN];
    uint8_t address[16];
    if (s.len == 0 || s.len >= sizeof text || memchr(s.p, 0, s.len))
        return false;
    memcpy(text, s.p, s.len);
    text[s.len] = '\0';
    return inet_pton(AF_INET, text, address) == 1 || inet_pton(AF_INET6, text, address) == 1;
}

bool cn_text_is_utf8(cn_span s)
{
    for (size_t i = 0; i < s.len;) {
        uint64_t eight; /* most text is ASCII */
        if (s.len - i >= sizeof eight) {
            memcpy(&eight, s.p + i, sizeof eight);
            if (!(eight & UINT64_C(0x8080808080808080))) {
                i += sizeof eight;
                continue;
            }
        }
        size_t n = utf8_sequence(s.p + i, s.len - i);
        if (n == 0)
            return false;
        i += n;
    }
    return true;
}

void cn_text_put_utf8(cn_buf *out, cn_span s)
{
    size_t from = 0, i = 0;
    while (i < s.len) {
        size_t n = utf8_sequence(s.p + i, s.len - i);
        if (n) {
            i += n;
            continue;
        }
        cn_buf_bytes(out, cn_span_sub(s, from, i - from));
        cn_buf_str(out, "\xef\xbf\xbd");
        from = ++i;
    }
    cn_buf_bytes(out, cn_span_sub(s, from, i - from));
}

void cn_text_put_json(cn_buf *out, cn_span s)
{
    size_t from = 0, i = 0;
    while (i < s.len) {
        uint8_t c = s.p[i];
        if (c >= 0x20 && c < 0x80 && c != '"' && c != '\\' && c != 0x7f) {
            i++;
            continue;
        }
        size_t n = c >= 0x80 ? utf8_sequence(s.p + i, s.len - i) : 0;
        if (n) {
            i += n;
            continue;
        }
        cn_buf_bytes(out, cn_span_sub(s, from, i - from));
        switch (c) {
        case '"':
            cn_buf_str(out, "\\\"");
            break;
        case '\\':
            cn_buf_str(out, "\\\\");
            break;
        case '\n':
            cn_buf_str(out, "\\n");
            break;
        case '\r':
            cn_buf_str(out, "\\r");
            break;
        case '\t':
            cn_buf_str(out, "\\t");
            break;
        default:
            if (c < 0x80)
                cn_buf_printf(out, "\\u%04x", c);
            else
                cn_buf_str(out, "\\ufffd");
        }
        from = ++i;
    }
    cn_buf_bytes(out, cn_span_sub(s, from, i - from));
}

void cn_text_put_hex(cn_buf *out, cn_span s)
{
    for (size_t i = 0; i < s.len; i++) {
        cn_buf_char(out, "0123456789abcdef"[s.p[i] >> 4]);
        cn_buf_char(out, "0123456789abcdef"[s.p[i] & 15]);
    }
}

/* Remembers the last star only: linear in practice, no recursion. */
bool cn_text_glob(const char *pattern, cn_span s)
{
    const char *p = pattern, *star = NULL;
    size_t i = 0, star_i = 0;
    while (i < s.len) {
        if (*p == '*') {
            star = ++p;
            star_i = i;
        } else if (*p && (*p == '?' || (uint8_t) *p == s.p[i])) {
            p++;
            i++;
        } else if (star) {
            p = star;
            i = ++star_i;
        } else {
            return false;
        }
    }
    while (*p == '*')
        p++;
    return *p == 0;
}
