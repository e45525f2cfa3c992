#include "query/glob.h"

static bool is_wild(uint8_t c) { return c == CN_GLOB_ANY || c == CN_GLOB_ONE; }

/* Bytes of the character at p: those that continue UTF-8 belong to it. */
static size_t character(const uint8_t *p, size_t n)
{
    size_t len = 1;
    if (p[0] >= 0xc0)
        while (len < n && len < 4 && (p[len] & 0xc0) == 0x80)
            len++;
    return len;
}

/* Remembers the last star only: what an earlier one took need not be taken back. */
bool cn_glob_matches(cn_span pattern, cn_span text)
{
    size_t p = 0, t = 0, star = SIZE_MAX, star_t = 0;
    while (t < text.len) {
        if (p < pattern.len && pattern.p[p] == CN_GLOB_ANY) {
            star = ++p;
            star_t = t;
        } else if (p < pattern.len && pattern.p[p] == CN_GLOB_ONE) {
            p++;
            t += character(text.p + t, text.len - t);
        } else if (p < pattern.len && pattern.p[p] == text.p[t]) {
            p++;
            t++;
        } else if (star != SIZE_MAX) {
            p = star;
            star_t += character(text.p + star_t, text.len - star_t);
            t = star_t;
        } else {
            return false;
        }
    }
    while (p < pattern.len && pattern.p[p] == CN_GLOB_ANY)
        p++;
    return p == pattern.len;
}

cn_span cn_glob_prefix(cn_span pattern)
{
    size_t n = 0;
    while (n < pattern.len && !is_wild(pattern.p[n]))
        n++;
    return cn_span_sub(pattern, 0, n);
}

cn_span cn_glob_literal(cn_span pattern)
{
    cn_span best = {NULL, 0};
    for (size_t i = 0; i < pattern.len;) {
        size_t n = 0;
        while (i + n < pattern.len && !is_wild(pattern.p[i + n]))
            n++;
        if (n > best.len)
            best = cn_span_sub(pattern, i, n);
        i += n + 1;
    }
    return best;
}

bool cn_glob_is_prefix(cn_span pattern)
{
    return pattern.len && pattern.p[pattern.len - 1] == CN_GLOB_ANY &&
           cn_glob_prefix(pattern).len == pattern.len - 1;
}
