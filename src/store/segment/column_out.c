#include "store/segment/column_out.h"

#include "event/spool_record.h"
#include "store/segment/seeded_hash.h"

#include <stdlib.h>

enum {
    DISTINCT_MAX = 4096, /* distinct integers up to which a dictionary is tried */
    LIST_FACTOR = 32,    /* rows present in fewer than one of these are listed */
};

static bool grow(void **p, size_t *capacity, size_t item)
{
    size_t more = *capacity ? *capacity * 2 : 256;
    void *grown = realloc(*p, more * item);
    if (!grown)
        return false;
    *p = grown;
    *capacity = more;
    return true;
}

static bool room(cn_column_out *c)
{
    if (c->n < c->cap)
        return true;
    size_t cap = c->cap, same = c->cap;
    if (!grow((void **) &c->rows, &cap, sizeof *c->rows))
        return false;
    if (c->is_text ? !grow((void **) &c->codes, &same, sizeof *c->codes)
                   : !grow((void **) &c->numbers, &same, sizeof *c->numbers))
        return false;
    c->cap = cap;
    return true;
}

static bool grow_table(cn_column_out *c)
{
    size_t n = c->n_table ? c->n_table * 2 : 64;
    struct cn_value_slot *table = calloc(n, sizeof *table);
    if (!table)
        return false;
    for (size_t k = 0; k < c->n_table; k++) {
        if (!c->table[k].hash)
            continue;
        size_t i = c->table[k].hash >> 1 & (n - 1);
        while (table[i].hash)
            i = (i + 1) & (n - 1);
        table[i] = c->table[k];
    }
    free(c->table);
    c->table = table;
    c->n_table = n;
    return true;
}

/* Equal hashes are taken for equal values (seeded_hash.h). */
static bool code_of(cn_column_out *c, cn_span value, const uint64_t seeds[2], uint32_t *out)
{
    if ((c->n_values + 1) * 4 > c->n_table * 3 && !grow_table(c))
        return false;
    /* An empty text may have no address. */
    static const uint8_t none[16];
    uint64_t hash = cn_seeded_hash(seeds, value.len ? value.p : none, value.len);
    size_t mask = c->n_table - 1, i = hash >> 1 & mask;
    while (c->table[i].hash && c->table[i].hash != hash)
        i = (i + 1) & mask;
    if (!c->table[i].hash) {
        if (c->n_values == c->cap_values &&
            !grow((void **) &c->values, &c->cap_values, sizeof *c->values))
            return false;
        c->table[i].hash = hash;
        c->table[i].code = (uint32_t) c->n_values;
        c->values[c->n_values++] = value;
    }
    *out = c->table[i].code;
    return true;
}

bool cn_column_out_code(cn_column_out *c, uint32_t row, uint32_t code)
{
    if (!room(c))
        return false;
    c->rows[c->n] = row;
    c->codes[c->n++] = code;
    return true;
}

bool cn_column_out_text(cn_column_out *c, uint32_t row, cn_span value, const uint64_t seeds[2],
                        uint32_t *out_code)
{
    uint32_t code;
    if (!code_of(c, value, seeds, &code))
        return false;
    if (out_code)
        *out_code = code;
    return cn_column_out_code(c, row, code);
}

bool cn_column_out_number(cn_column_out *c, uint32_t row, int64_t value)
{
    if (!room(c))
        return false;
    c->rows[c->n] = row;
    c->numbers[c->n++] = value;
    return true;
}

void cn_column_out_reset(cn_column_out *c, bool keep)
{
    if (!keep) {
        free(c->rows);
        free(c->codes);
        free(c->numbers);
        free(c->values);
        free(c->table);
        *c = (cn_column_out){0};
        return;
    }
    if (c->n_table)
        memset(c->table, 0, c->n_table * sizeof *c->table);
    c->n = c->n_values = 0;
    c->next = c->last_row = 0;
}

/* ---- writing --------------------------------------------------------------------------------- */

static int no_memory(cn_err *err)
{
    return cn_fail(err, CN_E_NO_MEMORY, CN_NO_OFFSET, "no memory to write a column");
}

static void write_presence(cn_column_out *c, cn_out *out, uint32_t n_rows)
{
    cn_column *k = &c->column;
    k->n_present = (uint32_t) c->n;
    k->present = k->ranks = (cn_extent){0, 0};
    if (c->n == n_rows) {
        k->presence = CN_PRESENT_ALL;
        return;
    }
    if (c->n < n_rows / LIST_FACTOR) {
        k->presence = CN_PRESENT_LIST;
        k->present = cn_out_begin(out);
        cn_out_bytes(out, c->rows, c->n * sizeof *c->rows);
        cn_out_end(out, &k->present);
        return;
    }
    k->presence = CN_PRESENT_BITMAP;
    k->present = cn_out_begin(out);
    size_t words = ((size_t) n_rows + 63) / 64, at = 0;
    for (size_t w = 0; w < words; w++) {
        uint64_t word = 0;
        for (; at < c->n && c->rows[at] / 64 == w; at++)
            word |= UINT64_C(1) << c->rows[at] % 64;
        cn_out_bytes(out, &word, sizeof word);
    }
    cn_out_end(out, &k->present);
    k->ranks = cn_out_begin(out);
    at = 0;
    for (uint64_t row = 0; row <= n_rows; row += CN_RANK_ROWS) {
        while (at < c->n && c->rows[at] < row)
            at++;
        uint32_t rank = (uint32_t) at;
        cn_out_bytes(out, &rank, sizeof rank);
    }
    cn_out_end(out, &k->ranks);
}

typedef struct cn_code_packer {
    cn_out *out;
    uint8_t bits;
    uint64_t word; /* of codes below a byte */
    unsigned used;
    size_t n;
    uint8_t bytes[4096];
} code_packer;

static void packer_start(code_packer *p, cn_out *out, uint8_t bits)
{
    p->out = out;
    p->bits = bits;
    p->word = 0;
    p->used = 0;
    p->n = 0;
}

static void drain(code_packer *p)
{
    cn_out_bytes(p->out, p->bytes, p->n);
    p->n = 0;
}

static inline void pack(code_packer *p, uint64_t code)
{
    if (p->n + 8 > sizeof p->bytes)
        drain(p);
    if (p->bits >= 8) {
        memcpy(p->bytes + p->n, &code, 8);
        p->n += p->bits / 8;
        return;
    }
    p->word |= code << p->used;
    p->used += p->bits;
    if (p->used == 64) {
        memcpy(p->bytes + p->n, &p->word, 8);
        p->n += 8;
        p->word = 0;
        p->used = 0;
    }
}

static cn_extent pack_end(code_packer *p, cn_extent extent)
{
    static const uint8_t pad[8];
    drain(p);
    cn_out_bytes(p->out, &p->word, (p->used + 7) / 8);
    cn_out_bytes(p->out, pad, sizeof pad);
    cn_out_end(p->out, &extent);
    return extent;
}

static cn_span value_text(const void *context, uint32_t id)
{
    return ((const cn_column_out *) context)->values[id];
}

static void write_values(cn_column_out *c, cn_out *out, const cn_sort *sort, uint32_t *group_at)
{
    cn_column *k = &c->column;
    cn_span before = {NULL, 0};
    k->values = cn_out_begin(out);
    for (size_t i = 0; i < c->n_values; i++) {
        cn_span value = c->values[sort->items[i].id];
        size_t shared = 0;
        if (i % CN_VALUE_GROUP == 0)
            group_at[i / CN_VALUE_GROUP] = (uint32_t) (out->position - k->values.offset);
        else
            while (shared < value.len && shared < before.len && value.p[shared] == before.p[shared])
                shared++;
        uint8_t head[20], *p = cn_varint_put(head, shared);
        p = cn_varint_put(p, value.len - shared);
        cn_out_bytes(out, head, (size_t) (p - head));
        if (value.len > shared)
            cn_out_bytes(out, value.p + shared, value.len - shared);
        before = value;
    }
    cn_out_end(out, &k->values);
    size_t groups = (c->n_values + CN_VALUE_GROUP - 1) / CN_VALUE_GROUP;
    group_at[groups] = (uint32_t) k->values.length;
    k->value_index = cn_out_begin(out);
    cn_out_bytes(out, group_at, (groups + 1) * sizeof *group_at);
    cn_out_end(out, &k->value_index);
}

static int index_values(const cn_column_out *c, const cn_sort *sort, cn_token_index *index,
                        uint64_t *first_value, uint64_t *indexed, cn_err *err)
{
    for (size_t i = 0; i < c->n_values; i++) {
        if (*first_value >= UINT32_MAX)
            index->full = true;
        int rc = cn_token_index_add(index, c->values[sort->items[i].id], (uint32_t) *first_value,
                                    CN_POSTING_VALUE, err);
        if (rc < 0)
            return rc;
        if (!index->full)
            *indexed = *first_value + 1;
        ++*first_value;
    }
    return CN_OK;
}

static void write_text_codes(cn_column_out *c, cn_out *out, const uint32_t *rank, uint32_t *counts)
{
    cn_column *k = &c->column;
    k->bits = cn_codes_bits(c->n_values ? c->n_values - 1 : 0);
    code_packer p;
    packer_start(&p, out, k->bits);
    cn_extent codes = cn_out_begin(out);
    for (size_t i = 0; i < c->n; i++) {
        uint32_t code = rank[c->codes[i]];
        counts[code]++;
        pack(&p, code);
    }
    k->codes = pack_end(&p, codes);
    k->counts = (cn_extent){0, 0};
    if (c->n_values <= CN_COUNTS_MAX) {
        k->counts = cn_out_begin(out);
        cn_out_bytes(out, counts, c->n_values * sizeof *counts);
        cn_out_end(out, &k->counts);
    }
}

static int write_text(cn_column_out *c, cn_out *out, cn_token_index *index, uint64_t *first_value,
                      uint64_t *indexed, cn_err *err)
{
    cn_column *k = &c->column;
    size_t n = c->n_values;
    cn_sort sort = {.text = value_text, .context = c};
    uint32_t *room32 = calloc(n * 2 + n / CN_VALUE_GROUP + 4, sizeof *room32);
    sort.items = malloc((n + 1) * sizeof *sort.items);
    sort.spare = malloc((n + 1) * sizeof *sort.spare);
    int rc = room32 && sort.items && sort.spare ? CN_OK : no_memory(err);
    if (rc == CN_OK) {
        uint32_t *rank = room32, *counts = room32 + n, *groups = room32 + 2 * n;
        for (size_t i = 0; i < n; i++)
            sort.items[i].id = (uint32_t) i;
        cn_sort_texts(&sort, n);
        for (size_t i = 0; i < n; i++)
            rank[sort.items[i].id] = (uint32_t) i;
        k->coding = CN_CODE_TEXT;
        k->n_values = (uint32_t) n;
        k->first_value = *first_value;
        k->base = 0;
        write_values(c, out, &sort, groups);
        write_text_codes(c, out, rank, counts);
        rc = index_values(c, &sort, index, first_value, indexed, err);
        if (rc == CN_OK && k->values.length > UINT32_MAX)
            rc = cn_fail(err, CN_E_LIMIT, CN_NO_OFFSET, "the values of one field fill over 4 GiB");
    }
    free(room32);
    free(sort.items);
    free(sort.spare);
    return rc;
}

static int compare_numbers(const void *x, const void *y)
{
    int64_t a, b;
    memcpy(&a, x, sizeof a);
    memcpy(&b, y, sizeof b);
    return (a > b) - (a < b);
}

/* The distinct numbers, sorted; 0 where there are more than DISTINCT_MAX. */
static size_t distinct_numbers(const cn_column_out *c, int64_t out[DISTINCT_MAX])
{
    enum { SLOTS = DISTINCT_MAX * 4 };
    CN_CLEANUP(cn_buf_free) cn_buf room_for = cn_buf_of(SLOTS * sizeof(uint16_t));
    uint16_t *slots = (uint16_t *) (void *) cn_buf_room(&room_for, SLOTS * sizeof *slots);
    size_t n = 0;
    if (!slots)
        return 0;
    memset(slots, 0, SLOTS * sizeof *slots);
    for (size_t i = 0; i < c->n; i++) {
        uint64_t h = (uint64_t) c->numbers[i] * UINT64_C(0x9e3779b97f4a7c15) >> 50;
        while (slots[h % SLOTS] && out[slots[h % SLOTS] - 1] != c->numbers[i])
            h++;
        if (slots[h % SLOTS])
            continue;
        if (n == DISTINCT_MAX)
            return 0;
        out[n++] = c->numbers[i];
        slots[h % SLOTS] = (uint16_t) n;
    }
    qsort(out, n, sizeof *out, compare_numbers);
    return n;
}

static uint32_t number_code(const int64_t *values, size_t n, int64_t number)
{
    size_t low = 0, high = n;
    while (low < high) {
        size_t mid = (low + high) / 2;
        if (values[mid] < number)
            low = mid + 1;
        else
            high = mid;
    }
    return (uint32_t) low;
}

static void write_number_codes(cn_column_out *c, cn_out *out, const int64_t *values, size_t n)
{
    cn_column *k = &c->column;
    uint32_t counts[DISTINCT_MAX] = {0};
    k->coding = CN_CODE_INT;
    k->n_values = (uint32_t) n;
    k->bits = cn_codes_bits(n ? n - 1 : 0);
    k->values = cn_out_begin(out);
    cn_out_bytes(out, values, n * sizeof *values);
    cn_out_end(out, &k->values);
    code_packer p;
    packer_start(&p, out, k->bits);
    cn_extent codes = cn_out_begin(out);
    int64_t last = n ? values[0] : 0;
    uint32_t code = 0;
    for (size_t i = 0; i < c->n; i++) {
        if (c->numbers[i] != last) {
            last = c->numbers[i];
            code = number_code(values, n, last);
        }
        counts[code]++;
        pack(&p, code);
    }
    k->codes = pack_end(&p, codes);
    k->counts = cn_out_begin(out);
    cn_out_bytes(out, counts, n * sizeof *counts);
    cn_out_end(out, &k->counts);
}

static void write_numbers(cn_column_out *c, cn_out *out)
{
    cn_column *k = &c->column;
    int64_t values[DISTINCT_MAX], min = INT64_MAX, max = INT64_MIN;
    k->first_value = 0;
    k->value_index = k->counts = k->values = (cn_extent){0, 0};
    for (size_t i = 0; i < c->n; i++) {
        min = CN_MIN(min, c->numbers[i]);
        max = CN_MAX(max, c->numbers[i]);
    }
    if (!c->n)
        min = max = 0;
    uint64_t span = (uint64_t) max - (uint64_t) min;
    size_t n = distinct_numbers(c, values);
    k->base = min;
    /* Coded where that is smaller: 12 bytes for each value against the narrower codes. */
    if (n && (n <= 256 || n * 96 + c->n * cn_codes_bits(n - 1) < c->n * cn_codes_bits(span))) {
        write_number_codes(c, out, values, n);
        return;
    }
    k->coding = CN_CODE_RAW;
    k->n_values = 0;
    k->bits = cn_codes_bits(span);
    code_packer p;
    packer_start(&p, out, k->bits);
    cn_extent codes = cn_out_begin(out);
    for (size_t i = 0; i < c->n; i++)
        pack(&p, (uint64_t) c->numbers[i] - (uint64_t) min);
    k->codes = pack_end(&p, codes);
}

int cn_column_out_write(cn_column_out *c, cn_out *out, uint32_t n_rows, cn_token_index *index,
                        uint64_t *first_value, uint64_t *indexed, cn_err *err)
{
    write_presence(c, out, n_rows);
    if (c->is_text)
        return write_text(c, out, index, first_value, indexed, err);
    write_numbers(c, out);
    return CN_OK;
}
