#include "store/segment/sort.h"

#include <stdlib.h>

enum {
    RADIX_MIN = 96,  /* below, sorting by comparison is faster than counting */
    DEPTH_MAX = 256, /* bytes that are sorted 8 at a time; texts that agree so long are compared */
};

cn_sort_item *cn_sort_keys(cn_sort_item *a, cn_sort_item *b, size_t n)
{
    for (unsigned shift = 0; shift < 64; shift += 8) {
        size_t count[256] = {0};
        for (size_t i = 0; i < n; i++)
            count[a[i].key >> shift & 255]++;
        if (n && count[a[0].key >> shift & 255] == n)
            continue;
        size_t at = 0;
        for (size_t i = 0; i < 256; i++) {
            size_t c = count[i];
            count[i] = at;
            at += c;
        }
        for (size_t i = 0; i < n; i++)
            b[count[a[i].key >> shift & 255]++] = a[i];
        cn_sort_item *t = a;
        a = b;
        b = t;
    }
    return a;
}

static int compare_keys(const void *x, const void *y)
{
    const cn_sort_item *a = x, *b = y;
    if (a->key != b->key)
        return a->key < b->key ? -1 : 1;
    return (a->id > b->id) - (a->id < b->id);
}

static int compare_texts(const void *x, const void *y, void *context)
{
    const cn_sort *sort = context;
    const cn_sort_item *a = x, *b = y;
    cn_span s = sort->text(sort->context, a->id), t = sort->text(sort->context, b->id);
    size_t n = CN_MIN(s.len, t.len);
    int c = n ? memcmp(s.p, t.p, n) : 0;
    if (c == 0)
        c = (s.len > t.len) - (s.len < t.len);
    return c ? c : (a->id > b->id) - (a->id < b->id);
}

static uint64_t key_at(cn_span text, size_t depth)
{
    uint64_t key = 0;
    if (depth < text.len)
        memcpy(&key, text.p + depth, CN_MIN(text.len - depth, sizeof key));
    return __builtin_bswap64(key);
}

uint64_t cn_sort_key(cn_span text) { return key_at(text, 0); }

/* Sorts items[from, from + n), whose first `depth` bytes agree. */
static void sort_range(cn_sort *sort, size_t from, size_t n, size_t depth)
{
    cn_sort_item *items = sort->items + from;
    bool all_ended = true;
    for (size_t i = 0; i < n && !(sort->has_keys && depth == 0); i++) {
        cn_span text = sort->text(sort->context, items[i].id);
        items[i].key = key_at(text, depth);
        all_ended &= text.len <= depth;
    }
    if (all_ended && depth) {
        /* The texts agree up to their ends, but one may have NULs where another ends. */
        qsort_r(items, n, sizeof *items, compare_texts, sort);
        return;
    }
    if (n < RADIX_MIN) {
        qsort(items, n, sizeof *items, compare_keys);
    } else {
        cn_sort_item *sorted = cn_sort_keys(items, sort->spare + from, n);
        if (sorted != items)
            memcpy(items, sorted, n * sizeof *items);
    }
    for (size_t i = 0; i < n;) {
        size_t k = i + 1;
        while (k < n && items[k].key == items[i].key)
            k++;
        if (k - i > 1) {
            if (depth + 8 >= DEPTH_MAX || k - i < 8)
                qsort_r(items + i, k - i, sizeof *items, compare_texts, sort);
            else
                sort_range(sort, from + i, k - i, depth + 8);
        }
        i = k;
    }
}

void cn_sort_texts(cn_sort *sort, size_t n)
{
    if (n)
        sort_range(sort, 0, n, 0);
}
