/* The token index of an open segment. */
#include "event/spool_record.h"
#include "query/token.h"
#include "store/segment/segment.h"

static uint64_t prefix_key(cn_span text)
{
    uint64_t key = 0;
    if (text.len)
        memcpy(&key, text.p, CN_MIN(text.len, sizeof key));
    return __builtin_bswap64(key);
}

/* One block of tokens, taken apart one by one. */
typedef struct cn_token_reader {
    const uint8_t *p, *end;
    uint64_t postings; /* where those of the next token begin */
    uint8_t text[CN_TOKEN_MAX * 2];
    size_t len;
} token_reader;

static bool next_token(const cn_segment *s, token_reader *r, bool is_first, cn_token_entry *out)
{
    if (r->end - r->p < 2)
        return false;
    size_t shared = r->p[0], rest = r->p[1];
    r->p += 2;
    if (shared > (is_first ? 0 : r->len) || rest > (size_t) (r->end - r->p) ||
        shared + rest > CN_TOKEN_MAX)
        return false;
    memcpy(r->text + shared, r->p, rest);
    r->len = shared + rest;
    r->p += rest;
    uint64_t count, value;
    if (!cn_varint_get(&r->p, r->end, &count) || !cn_varint_get(&r->p, r->end, &value) ||
        count / 2 == 0 || count / 2 > UINT32_MAX)
        return false;
    *out = (cn_token_entry){.text = cn_span_of(r->text, r->len),
                            .of_values = count & 1,
                            .count = (uint32_t) (count / 2)};
    if (out->count == 1) {
        out->single = (uint32_t) value;
        return value <= UINT32_MAX;
    }
    out->is_bitmap = value & 1;
    /* The blocks are checked when the postings are read: here they are only pointed at. */
    cn_extent all = s->footer.sections[CN_SECTION_POSTINGS];
    if (r->postings > all.length || value / 2 > all.length - r->postings)
        return false;
    out->postings = cn_span_of(s->map + all.offset + r->postings, (size_t) (value / 2));
    r->postings += value / 2;
    return true;
}

/* Byte order, as far as the prefix goes: negative where text sorts before all that begin so. */
static int compare_prefix(cn_span text, cn_span prefix)
{
    size_t n = CN_MIN(text.len, prefix.len);
    int c = n ? memcmp(text.p, prefix.p, n) : 0;
    return c ? c : text.len < prefix.len ? -1 : 0;
}

int cn_tokens_each(const cn_segment *s, cn_span prefix,
                   int (*visit)(void *context, const cn_token_entry *entry), void *context,
                   cn_err *err)
{
    const char *damaged = "its index of words is damaged";
    const cn_footer *f = &s->footer;
    cn_span index;
    if (!cn_segment_all(s, f->sections[CN_SECTION_TOKEN_INDEX], &index))
        return cn_segment_bad(s, err, damaged);
    uint32_t blocks = (uint32_t) (index.len / 16 - 1);
    uint64_t key = prefix_key(prefix);
    /* The last block that begins before the prefix, or the first. */
    uint32_t low = 0, high = blocks;
    while (low < high) {
        uint32_t mid = low + (high - low) / 2;
        if (cn_load64(index.p + (size_t) mid * 16) < key)
            low = mid + 1;
        else
            high = mid;
    }
    for (uint32_t b = low ? low - 1 : 0; b < blocks; b++) {
        const uint8_t *head = index.p + (size_t) b * 16;
        uint32_t from = cn_load32(head + 8), to = cn_load32(head + 24);
        cn_span bytes;
        if (to < from ||
            !cn_segment_part(s, f->sections[CN_SECTION_TOKENS], from, to - from, &bytes))
            return cn_segment_bad(s, err, damaged);
        token_reader r = {
            .p = bytes.p, .end = bytes.p + bytes.len, .postings = cn_load32(head + 12)};
        for (bool is_first = true; r.p < r.end; is_first = false) {
            cn_token_entry entry;
            if (!next_token(s, &r, is_first, &entry))
                return cn_segment_bad(s, err, damaged);
            int order = compare_prefix(entry.text, prefix);
            if (order > 0)
                return CN_OK;
            if (order < 0)
                continue;
            int rc = visit(context, &entry);
            if (rc)
                return rc;
        }
    }
    return CN_OK;
}

bool cn_token_postings(const cn_segment *s, const cn_token_entry *e, uint64_t *bits,
                       uint64_t n_bits)
{
    if (e->count == 1) {
        if (e->single >= n_bits)
            return false;
        cn_bit_set(bits, e->single);
        return true;
    }
    cn_extent all = s->footer.sections[CN_SECTION_POSTINGS];
    uint64_t from = (uint64_t) (e->postings.p - s->map) - all.offset;
    cn_span bytes;
    if (!cn_segment_part(s, all, from, e->postings.len, &bytes))
        return false;
    if (e->is_bitmap) {
        if (e->of_values || bytes.len != cn_bit_words(n_bits) * 8)
            return false;
        for (size_t w = 0; w < bytes.len / 8; w++)
            bits[w] |= cn_load64(bytes.p + w * 8);
        if (n_bits % 64)
            bits[n_bits / 64] &= (UINT64_C(1) << n_bits % 64) - 1;
        return true;
    }
    const uint8_t *p = bytes.p, *end = p + bytes.len;
    uint64_t row = 0;
    while (p < end) {
        uint64_t delta = *p++;
        if (delta >= 128) {
            p--;
            if (!cn_varint_get(&p, end, &delta))
                return false;
        }
        if (delta >= n_bits || (row += delta) >= n_bits)
            return false;
        cn_bit_set(bits, row);
    }
    return true;
}
