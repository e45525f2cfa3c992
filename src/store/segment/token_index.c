#include "store/segment/token_index.h"

#include "event/spool_record.h"
#include "store/segment/seeded_hash.h"

#include <stdlib.h>
#include <sys/mman.h>

enum {
    FIRST_SLOTS = 1 << 16,
    /* Distinct tokens of a segment: real logs have about one per event. What has more is searched
     * by reading it. With the chunks and the texts below: 300 MiB at the utmost. */
    MAX_TOKENS = 3000000,
    MAX_CHUNKS = 3 << 20,
    MAX_TEXTS = 64 << 20,
    FIRST_CHUNKS = 1 << 18,
    FIRST_TEXTS = 4 << 20,
    HUGE_PAGE = 2 << 20,
    SETTLE_AT = 96, /* pending tokens: as many cache misses are under way at a time */
    AHEAD = 8,      /* tokens between loading a posting chunk and writing to it */
};

static void *huge_alloc(size_t bytes)
{
    void *p = aligned_alloc(HUGE_PAGE, (bytes + HUGE_PAGE - 1) & ~(size_t) (HUGE_PAGE - 1));
    if (p)
        madvise(p, bytes, MADV_HUGEPAGE);
    return p;
}

int cn_token_index_new(cn_token_index *t, cn_err *err)
{
    *t = (cn_token_index){.n_slots = FIRST_SLOTS,
                          .cap_chunks = FIRST_CHUNKS,
                          .texts_cap = FIRST_TEXTS,
                          .max_tokens = MAX_TOKENS,
                          .sections = {.tokens = cn_buf_of(CN_GIB(1)),
                                       .index = cn_buf_of(CN_GIB(1)),
                                       .postings = cn_buf_of(CN_GIB(2)),
                                       .scratch = cn_buf_of(CN_GIB(1)),
                                       .bitmap = cn_buf_of(CN_GIB(1))}};
    t->slots = huge_alloc(FIRST_SLOTS * sizeof *t->slots);
    t->chunks = malloc(FIRST_CHUNKS * sizeof *t->chunks);
    t->texts = malloc(FIRST_TEXTS);
    if (!t->slots || !t->chunks || !t->texts) {
        cn_token_index_free(t);
        return cn_fail(err, CN_E_NO_MEMORY, CN_NO_OFFSET, "no memory to index tokens");
    }
    return CN_OK;
}

void cn_token_index_free(cn_token_index *t)
{
    free(t->slots);
    free(t->chunks);
    free(t->texts);
    for (size_t i = 0; i < CN_TOKEN_RING; i++)
        cn_tokens_free(&t->ring[i]);
    cn_buf *const buffers[] = {&t->sections.tokens, &t->sections.index, &t->sections.postings,
                               &t->sections.scratch, &t->sections.bitmap};
    for (size_t i = 0; i < CN_LEN(buffers); i++)
        cn_buf_free(buffers[i]);
    free(t->items);
    free(t->spare);
    t->items = t->spare = NULL;
    t->cap_items = 0;
    t->slots = NULL;
    t->chunks = NULL;
    t->texts = NULL;
}

void cn_token_index_clear(cn_token_index *t)
{
    if (!t->is_clear)
        memset(t->slots, 0, t->n_slots * sizeof *t->slots);
    t->is_clear = false;
    t->n_tokens = 0;
    t->texts_len = 0;
    t->n_chunks = 1; /* 0 is none */
    t->n_pending = 0;
    t->full = false;
}

static bool grow_slots(cn_token_index *t)
{
    size_t n = t->n_slots * 2;
    cn_token_slot *slots = huge_alloc(n * sizeof *slots);
    if (!slots)
        return false;
    memset(slots, 0, n * sizeof *slots);
    for (size_t i = 0; i < t->n_slots; i++) {
        if (!t->slots[i].hash)
            continue;
        size_t k = t->slots[i].hash >> 1 & (n - 1);
        while (slots[k].hash)
            k = (k + 1) & (n - 1);
        slots[k] = t->slots[i];
    }
    free(t->slots);
    t->slots = slots;
    t->n_slots = n;
    return true;
}

static bool reserve(cn_token_index *t, size_t tokens, size_t bytes)
{
    while ((t->n_tokens + tokens) * 4 > t->n_slots * 3)
        if (!grow_slots(t))
            return false;
    if (t->n_chunks + tokens > t->cap_chunks) {
        size_t capacity = CN_MAX(t->cap_chunks * 2, t->n_chunks + tokens);
        cn_posting_chunk *chunks = realloc(t->chunks, capacity * sizeof *chunks);
        if (!chunks)
            return false;
        t->chunks = chunks;
        t->cap_chunks = capacity;
    }
    if (t->texts_len + bytes > t->texts_cap) {
        size_t capacity = CN_MAX(t->texts_cap * 2, t->texts_len + bytes);
        uint8_t *texts = realloc(t->texts, capacity);
        if (!texts)
            return false;
        t->texts = texts;
        t->texts_cap = capacity;
    }
    return true;
}

static void put_byte(cn_token_index *t, cn_token_slot *s, uint8_t byte)
{
    if (s->fill == sizeof t->chunks->bytes || !s->tail) {
        uint32_t chunk = (uint32_t) t->n_chunks++;
        t->chunks[chunk].next = 0;
        if (s->tail)
            t->chunks[s->tail].next = chunk;
        else
            s->head = chunk;
        s->tail = chunk;
        s->fill = 0;
    }
    t->chunks[s->tail].bytes[s->fill++] = byte;
}

static void put_posting(cn_token_index *t, cn_token_slot *s, uint32_t delta)
{
    while (delta >= 128) {
        put_byte(t, s, (uint8_t) (delta | 128));
        delta >>= 7;
    }
    put_byte(t, s, (uint8_t) delta);
}

/* Equal hashes are taken for equal tokens (seeded_hash.h). */
static void take(cn_token_index *t, const cn_pending_token *p)
{
    size_t mask = t->n_slots - 1, i = p->hash >> 1 & mask;
    cn_token_slot *s = &t->slots[i];
    while (s->hash != p->hash) {
        if (!s->hash) {
            *s = (cn_token_slot){.hash = p->hash,
                                 .text = (uint32_t) t->texts_len,
                                 .last = p->number,
                                 .count = 1,
                                 .len = p->len,
                                 .kind = p->kind};
            memcpy(t->texts + t->texts_len, p->p, p->len);
            t->texts_len += p->len;
            t->n_tokens++;
            return;
        }
        i = (i + 1) & mask;
        s = &t->slots[i];
    }
    if (s->last == p->number)
        return;
    if (s->count == 1)
        put_posting(t, s, s->last);
    put_posting(t, s, p->number - s->last);
    s->last = p->number;
    s->count++;
}

static void settle(cn_token_index *t)
{
    size_t mask = t->n_slots - 1;
    for (size_t i = 0; i < t->n_pending; i++) {
        if (i + AHEAD < t->n_pending) {
            const cn_token_slot *s = &t->slots[t->pending[i + AHEAD].hash >> 1 & mask];
            if (s->hash == t->pending[i + AHEAD].hash && s->tail)
                __builtin_prefetch(&t->chunks[s->tail], 1);
        }
        take(t, &t->pending[i]);
    }
    t->n_pending = 0;
}

int cn_token_index_add(cn_token_index *t, cn_span text, uint32_t number, cn_posting_kind kind,
                       cn_err *err)
{
    if (t->full)
        return CN_OK;
    cn_tokens *cut = &t->ring[t->ring_at++ % CN_TOKEN_RING];
    if (t->ring_at % CN_TOKEN_RING == 0 || t->n_pending >= SETTLE_AT)
        settle(t);
    if (!cn_tokens_cut(cut, text))
        return cn_fail(err, CN_E_NO_MEMORY, CN_NO_OFFSET, "no memory to cut a text into tokens");
    size_t tokens = t->n_pending + cut->n;
    /* Pending tokens and these, each of at most CN_TOKEN_MAX bytes and three times the text. */
    size_t bytes = t->n_pending * CN_TOKEN_MAX + cut->text_len * 3;
    if (t->n_tokens + tokens > t->max_tokens || t->n_chunks + tokens > MAX_CHUNKS ||
        t->texts_len + bytes > MAX_TEXTS) {
        settle(t);
        t->full = true;
        return CN_OK;
    }
    if (!reserve(t, tokens, bytes))
        return cn_fail(err, CN_E_NO_MEMORY, CN_NO_OFFSET, "no memory to index tokens");
    size_t mask = t->n_slots - 1;
    uint64_t kind_bit = kind == CN_POSTING_VALUE ? UINT64_C(0x5bd1e9955bd1e994) : 0;
    for (size_t i = 0; i < cut->n; i++) {
        if (t->n_pending == CN_PENDING_MAX)
            settle(t);
        const uint8_t *p = cut->text + cut->tokens[i].at;
        uint8_t len = (uint8_t) cut->tokens[i].len;
        uint64_t hash = cn_seeded_hash(t->seeds, p, len) ^ kind_bit;
        __builtin_prefetch(&t->slots[hash >> 1 & mask], 1);
        t->pending[t->n_pending++] = (cn_pending_token){hash, p, number, len, (uint8_t) kind};
    }
    return CN_OK;
}

/* ---- writing --------------------------------------------------------------------------------- */

static cn_span slot_text(const void *context, uint32_t id)
{
    const cn_token_index *t = context;
    return cn_span_of(t->texts + t->slots[id].text, t->slots[id].len);
}

/* All postings of a token as one run of bytes, in `scratch`. */
static bool gather(const cn_token_index *t, const cn_token_slot *s, cn_buf *scratch)
{
    cn_buf_clear(scratch);
    for (uint32_t c = s->head; c; c = t->chunks[c].next) {
        size_t n = c == s->tail ? s->fill : sizeof t->chunks->bytes;
        cn_buf_bytes(scratch, cn_span_of(t->chunks[c].bytes, n));
    }
    return !scratch->failed;
}

/* Rows as a bitmap, in place of their differences. */
static bool to_bitmap(cn_buf *scratch, cn_buf *bitmap, uint32_t n_rows)
{
    size_t bytes = ((size_t) n_rows + 63) / 64 * 8;
    cn_buf_clear(bitmap);
    uint8_t *p = cn_buf_room(bitmap, bytes);
    if (!p)
        return false;
    memset(p, 0, bytes);
    const uint8_t *from = scratch->p, *end = from + scratch->len;
    uint64_t delta, row = 0;
    while (from < end && cn_varint_get(&from, end, &delta)) {
        row += delta;
        p[row / 8] |= (uint8_t) (1u << row % 8);
    }
    bitmap->len = bytes;
    return true;
}

static void put_index(cn_token_sections *s, cn_span first)
{
    uint64_t key = 0;
    if (first.len)
        memcpy(&key, first.p, CN_MIN(first.len, sizeof key));
    cn_buf_le64(&s->index, __builtin_bswap64(key));
    cn_buf_le32(&s->index, (uint32_t) s->tokens.len);
    cn_buf_le32(&s->index, (uint32_t) s->postings.len);
}

static size_t shared_bytes(cn_span a, cn_span b)
{
    size_t n = 0, max = CN_MIN(a.len, b.len);
    while (n < max && a.p[n] == b.p[n])
        n++;
    return n;
}

static bool put_token(const cn_token_index *t, const cn_token_slot *s, cn_span text, cn_span before,
                      uint32_t n_rows, cn_token_sections *out)
{
    size_t shared = shared_bytes(text, before);
    uint8_t *start = cn_buf_room(&out->tokens, 2 + text.len + 30), *p = start;
    if (!p)
        return false;
    *p++ = (uint8_t) shared;
    *p++ = (uint8_t) (text.len - shared);
    if (text.len > shared)
        memcpy(p, text.p + shared, text.len - shared);
    p += text.len - shared;
    p = cn_varint_put(p, (uint64_t) s->count * 2 + (s->kind == CN_POSTING_VALUE));
    if (s->count == 1) {
        p = cn_varint_put(p, s->last);
    } else {
        const cn_buf *postings = &out->scratch;
        bool dense = s->kind == CN_POSTING_ROW && s->count >= n_rows / 8;
        if (!gather(t, s, &out->scratch))
            return false;
        if (dense && out->scratch.len > ((size_t) n_rows + 63) / 64 * 8) {
            if (!to_bitmap(&out->scratch, &out->bitmap, n_rows))
                return false;
            postings = &out->bitmap;
        } else {
            dense = false;
        }
        p = cn_varint_put(p, postings->len * 2 + dense);
        cn_buf_bytes(&out->postings, cn_buf_span(postings));
    }
    out->tokens.len += (size_t) (p - start);
    return true;
}

static int no_memory(cn_err *err)
{
    return cn_fail(err, CN_E_NO_MEMORY, CN_NO_OFFSET, "no memory to write the index of tokens");
}

static int put_all(cn_token_index *t, const cn_sort *sort, uint32_t n_rows, cn_token_sections *out,
                   cn_err *err)
{
    cn_span before = {NULL, 0};
    enum { NEAR = 12 };
    for (size_t i = 0; i < t->n_tokens; i++) {
        if (i + 2 * NEAR < t->n_tokens)
            __builtin_prefetch(&t->slots[sort->items[i + 2 * NEAR].id]);
        if (i + NEAR < t->n_tokens) {
            const cn_token_slot *ahead = &t->slots[sort->items[i + NEAR].id];
            __builtin_prefetch(t->texts + ahead->text);
            if (ahead->head)
                __builtin_prefetch(&t->chunks[ahead->head]);
        }
        uint32_t id = sort->items[i].id;
        cn_span text = slot_text(t, id);
        if (i % CN_DICT_TOKENS == 0) {
            put_index(out, text);
            before.len = 0;
        }
        if (!put_token(t, &t->slots[id], text, before, n_rows, out))
            return no_memory(err);
        before = text;
    }
    put_index(out, (cn_span){NULL, 0});
    return out->tokens.failed || out->index.failed || out->postings.failed ? no_memory(err) : CN_OK;
}

/* All tokens in the order of the table, each with the first bytes of its text. */
static void list_tokens(const cn_token_index *t, cn_sort_item *items)
{
    enum { NEAR = 32 };
    size_t n = 0;
    for (size_t i = 0; i < t->n_slots; i++) {
        if (i + NEAR < t->n_slots && t->slots[i + NEAR].hash)
            __builtin_prefetch(t->texts + t->slots[i + NEAR].text);
        if (t->slots[i].hash)
            items[n++] = (cn_sort_item){cn_sort_key(slot_text(t, (uint32_t) i)), (uint32_t) i};
    }
}

static void put_section(cn_out *out, cn_footer *footer, cn_section section, const cn_buf *bytes)
{
    footer->sections[section] = cn_out_begin(out);
    cn_out_bytes(out, bytes->p, bytes->len);
    cn_out_end(out, &footer->sections[section]);
}

int cn_token_index_write(cn_token_index *t, cn_out *out, uint32_t n_rows, cn_footer *footer,
                         cn_err *err)
{
    settle(t);
    cn_token_sections *s = &t->sections;
    cn_buf_clear(&s->tokens);
    cn_buf_clear(&s->index);
    cn_buf_clear(&s->postings);
    if (t->n_tokens + 1 > t->cap_items) {
        free(t->items);
        free(t->spare);
        t->cap_items = t->n_tokens + t->n_tokens / 4 + 1;
        t->items = malloc(t->cap_items * sizeof *t->items);
        t->spare = malloc(t->cap_items * sizeof *t->spare);
        if (!t->items || !t->spare) {
            t->cap_items = 0;
            return no_memory(err);
        }
    }
    cn_sort sort = {
        .items = t->items, .spare = t->spare, .text = slot_text, .context = t, .has_keys = true};
    list_tokens(t, sort.items);
    cn_sort_texts(&sort, t->n_tokens);
    int rc = put_all(t, &sort, n_rows, s, err);
    if (rc < 0)
        return rc;
    /* A small segment clears what it used, not the whole table. */
    if (t->n_tokens < t->n_slots / 16) {
        for (size_t i = 0; i < t->n_tokens; i++)
            t->slots[sort.items[i].id] = (cn_token_slot){0};
        t->is_clear = true;
    }
    put_section(out, footer, CN_SECTION_TOKENS, &s->tokens);
    put_section(out, footer, CN_SECTION_TOKEN_INDEX, &s->index);
    put_section(out, footer, CN_SECTION_POSTINGS, &s->postings);
    return CN_OK;
}
