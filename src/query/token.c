#include "query/token.h"

#include "base/hash.h"
#include "query/fold.h"

#include <stdlib.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

enum {
    PAD = 64, /* bytes behind the text that may be written and read */
    HASH_DIGITS = 16,
};

static bool reserve(void **p, size_t *capacity, size_t need, size_t item)
{
    if (need <= *capacity)
        return true;
    size_t more = need + need / 2 + 64;
    void *grown = realloc(*p, more * item);
    if (!grown)
        return false;
    *p = grown;
    *capacity = more;
    return true;
}

void cn_tokens_free(cn_tokens *t)
{
    free(t->text);
    free(t->mask);
    free(t->tokens);
    *t = (cn_tokens){0};
}

/* Lower-cases ASCII; true where there is nothing else. */
static bool fold_ascii(uint8_t *out, cn_span text)
{
    uint8_t all = 0;
    size_t i = 0;
#ifdef __SSE2__
    __m128i any = _mm_setzero_si128();
    for (; i + 16 <= text.len; i += 16) {
        __m128i c = _mm_loadu_si128((const __m128i *) (const void *) (text.p + i));
        __m128i upper = _mm_and_si128(_mm_cmpgt_epi8(c, _mm_set1_epi8('A' - 1)),
                                      _mm_cmplt_epi8(c, _mm_set1_epi8('Z' + 1)));
        any = _mm_or_si128(any, c);
        _mm_storeu_si128((__m128i *) (void *) (out + i),
                         _mm_or_si128(c, _mm_and_si128(upper, _mm_set1_epi8(32))));
    }
    if (_mm_movemask_epi8(any))
        all = 0x80;
#endif
    for (; i < text.len; i++) {
        all |= text.p[i];
        out[i] = (uint8_t) (text.p[i] + ((uint8_t) (text.p[i] - 'A') < 26 ? 32 : 0));
    }
    return all < 0x80;
}

/* As cn_fold_text(), but what is no word character beyond ASCII becomes a blank. */
static size_t fold_any(uint8_t *out, cn_span text)
{
    uint8_t *p = out;
    for (size_t i = 0; i < text.len;) {
        uint8_t c = text.p[i];
        if (c < 0x80) {
            *p++ = (uint8_t) (c + ((uint8_t) (c - 'A') < 26 ? 32 : 0));
            i++;
            continue;
        }
        size_t len;
        int32_t code = cn_fold_decode(text.p + i, text.len - i, &len);
        i += len;
        if (code < 0 || !cn_fold_is_word((uint32_t) code))
            *p++ = ' ';
        else
            p += cn_fold_encode(cn_fold_code((uint32_t) code), p);
    }
    return (size_t) (p - out);
}

/* One bit for each of 64 bytes: part of a word. */
static uint64_t word_mask(const uint8_t *p)
{
    uint64_t mask = 0;
#ifdef __SSE2__
    for (unsigned i = 0; i < 4; i++) {
        __m128i c = _mm_loadu_si128((const __m128i *) (const void *) (p + 16 * i));
        /* signed: bytes from 0x80 are below zero */
        __m128i digit = _mm_and_si128(_mm_cmpgt_epi8(c, _mm_set1_epi8('0' - 1)),
                                      _mm_cmplt_epi8(c, _mm_set1_epi8('9' + 1)));
        __m128i letter = _mm_and_si128(_mm_cmpgt_epi8(c, _mm_set1_epi8('a' - 1)),
                                       _mm_cmplt_epi8(c, _mm_set1_epi8('z' + 1)));
        __m128i other = _mm_or_si128(_mm_cmpeq_epi8(c, _mm_set1_epi8('_')),
                                     _mm_cmplt_epi8(c, _mm_setzero_si128()));
        unsigned bits =
            (unsigned) _mm_movemask_epi8(_mm_or_si128(_mm_or_si128(digit, letter), other));
        mask |= (uint64_t) bits << (16 * i);
    }
#else
    for (unsigned i = 0; i < 64; i++)
        mask |= (uint64_t) (cn_token_is_word(p[i]) || p[i] >= 0x80) << i;
#endif
    return mask;
}

/* Leaves the short form of text[from, from + len) behind the text; returns where. */
static __attribute__((noinline)) size_t shorten(cn_tokens *t, size_t from, size_t *len)
{
    size_t keep = CN_TOKEN_MAX - HASH_DIGITS;
    while (keep > 0 && (t->text[from + keep] & 0xc0) == 0x80)
        keep--;
    uint64_t hash = cn_hash64(cn_span_of(t->text + from, *len));
    size_t at = t->text_len;
    memcpy(t->text + at, t->text + from, keep);
    for (unsigned i = 0; i < HASH_DIGITS; i++, hash <<= 4)
        t->text[at + keep + i] = (uint8_t) "0123456789abcdef"[hash >> 60];
    *len = keep + HASH_DIGITS;
    t->text_len += *len;
    return at;
}

/* Adds text[from, to). The table has room for it, the text for a shortened form. */
static inline void add(cn_tokens *t, size_t from, size_t to, cn_token_kind kind)
{
    size_t len = to - from;
    if (__builtin_expect(len > CN_TOKEN_MAX, 0))
        from = shorten(t, from, &len);
    t->tokens[t->n++] = (cn_token){(uint32_t) from, (uint32_t) len, kind};
}

/* The pieces of the chain text[from, to) between its colons and at-signs that have several parts.
 */
static void add_pieces(cn_tokens *t, size_t from, size_t to)
{
    size_t start = from;
    bool joined = false;
    for (size_t i = from; i <= to; i++) {
        uint8_t c = i < to ? t->text[i] : ':';
        if (c == ':' || c == '@') {
            if (joined && (start > from || i < to))
                add(t, start, i, CN_TOKEN_PIECE);
            start = i + 1;
            joined = false;
        } else if (c == '.' || c == '-') {
            joined = true;
        }
    }
}

static void end_chain(cn_tokens *t, size_t from, size_t to, unsigned joiners)
{
    enum { DOT_DASH = 1, COLON_AT = 2 };
    add(t, from, to, CN_TOKEN_CHAIN);
    if (joiners == (DOT_DASH | COLON_AT))
        add_pieces(t, from, to);
}

bool cn_tokens_cut(cn_tokens *t, cn_span text)
{
    t->n = 0;
    t->text_len = 0;
    if (text.len > UINT32_MAX / 4)
        text.len = UINT32_MAX / 4;
    /* Each long token, of which at most three lie over any byte, leaves a short form behind the
     * text. */
    size_t folded = text.len + text.len / 2 + 4;
    if (!reserve((void **) &t->text, &t->text_cap, folded * 4 + 2 * PAD, 1))
        return false;
    size_t n = text.len;
    if (!fold_ascii(t->text, text))
        n = fold_any(t->text, text);
    t->text_len = n;
    /* Two bytes at least make a part with what ends it; a chain has two parts or more. */
    if (!reserve((void **) &t->tokens, &t->cap, n + 4, sizeof *t->tokens) ||
        !reserve((void **) &t->mask, &t->mask_cap, n / 64 + 2, sizeof *t->mask))
        return false;
    memset(t->text + n, ' ', PAD);
    size_t words = n / 64 + 1;
    for (size_t i = 0; i < words; i++)
        t->mask[i] = word_mask(t->text + 64 * i);
    /* The short forms come behind the blanks that were just looked at. */
    t->text_len = n + PAD;

    size_t chain = 0, end = SIZE_MAX - 1; /* of the chain at hand, and of its last part */
    unsigned joiners = 0;
    size_t i = 0;
    uint64_t m = t->mask[0];
    for (;;) {
        while (!m) {
            if (++i == words) {
                if (joiners)
                    end_chain(t, chain, end, joiners);
                return true;
            }
            m = t->mask[i];
        }
        size_t start = 64 * i + (size_t) __builtin_ctzll(m);
        /* to the first byte that is none */
        uint64_t gap = ~m & (UINT64_MAX << (start % 64));
        while (!gap && ++i < words)
            gap = ~t->mask[i];
        size_t stop = i < words ? 64 * i + (size_t) __builtin_ctzll(gap) : n;
        m = i < words ? t->mask[i] & (UINT64_MAX << (stop % 64)) : 0;
        if (start == end + 1 && cn_token_is_joiner(t->text[end])) {
            joiners |= t->text[end] == '.' || t->text[end] == '-' ? 1 : 2;
        } else {
            if (joiners)
                end_chain(t, chain, end, joiners);
            chain = start;
            joiners = 0;
        }
        end = stop;
        add(t, start, stop, CN_TOKEN_PART);
        if (i >= words)
            i = words - 1;
    }
}
