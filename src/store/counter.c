/* Counting values over segments. */
#include "base/hash.h"
#include "store/hit_set.h"

#include <stdio.h>
#include <stdlib.h>

void cn_counter_free(cn_counter *c)
{
    free(c->values);
    free(c->slots);
    cn_buf_free(&c->texts);
    *c = (cn_counter){0};
}

static bool grow(cn_counter *c)
{
    size_t n = c->n_slots ? c->n_slots * 2 : 256;
    uint32_t *slots = calloc(n, sizeof *slots);
    if (!slots)
        return false;
    for (size_t v = 0; v < c->n; v++) {
        size_t i = c->values[v].hash & (n - 1);
        while (slots[i])
            i = (i + 1) & (n - 1);
        slots[i] = (uint32_t) (v + 1);
    }
    free(c->slots);
    c->slots = slots;
    c->n_slots = n;
    return true;
}

/* The slot of a value, or the empty one for it. */
static size_t slot_of(const cn_counter *c, cn_span value, uint64_t hash)
{
    size_t i = hash & (c->n_slots - 1);
    for (; c->slots[i]; i = (i + 1) & (c->n_slots - 1)) {
        const struct cn_counted *v = &c->values[c->slots[i] - 1];
        if (v->hash == hash && cn_span_eq(cn_span_of(c->texts.p + v->at, v->len), value))
            break;
    }
    return i;
}

size_t cn_counter_find(const cn_counter *c, cn_span value)
{
    if (!c->n_slots)
        return SIZE_MAX;
    uint32_t slot = c->slots[slot_of(c, value, cn_hash64(value))];
    return slot ? slot - 1u : SIZE_MAX;
}

bool cn_counter_add(cn_counter *c, cn_span value, uint64_t count)
{
    if (c->texts.max == 0)
        c->texts = cn_buf_of(CN_GIB(4));
    if ((c->n + 1) * 4 > c->n_slots * 3 && !grow(c))
        return false;
    uint64_t hash = cn_hash64(value);
    size_t i = slot_of(c, value, hash);
    if (c->slots[i]) {
        c->values[c->slots[i] - 1].count += count;
        return true;
    }
    if (c->n == c->capacity) {
        size_t capacity = c->capacity ? c->capacity * 2 : 256;
        void *values = realloc(c->values, capacity * sizeof *c->values);
        if (!values)
            return false;
        c->values = values;
        c->capacity = capacity;
    }
    c->values[c->n++] = (struct cn_counted){c->texts.len, (uint32_t) value.len, count, hash};
    c->slots[i] = (uint32_t) c->n;
    cn_buf_bytes(&c->texts, value);
    /* so that an empty text has a place, too */
    return !c->texts.failed && (c->texts.p || cn_buf_room(&c->texts, 1));
}

int cn_count_codes(const cn_segment *s, const cn_column *c, const uint64_t *rows, bool all,
                   uint64_t *counts, cn_err *err)
{
    cn_codes codes;
    cn_span stored;
    if (all && c->counts.length && cn_segment_all(s, c->counts, &stored)) {
        for (uint32_t i = 0; i < c->n_values; i++)
            counts[i] += cn_load32(stored.p + (size_t) i * 4);
        return CN_OK;
    }
    if (!cn_codes_open(s, c, &codes))
        return cn_segment_bad(s, err, "a column is damaged");
    return cn_codes_count(&codes, rows, counts) ? CN_OK
                                                : cn_segment_bad(s, err, "a column is damaged");
}

cn_span cn_number_text(cn_type type, int64_t value, char out[24])
{
    if (type == CN_BOOL)
        return cn_span_str(value ? "true" : "false");
    return cn_span_of(out, (size_t) snprintf(out, 24, "%lld", (long long) value));
}
