/* Sorting of many byte strings; for the files of store/ only. */
#pragma once

#include "base/base.h"

typedef struct cn_sort_item {
    uint64_t key; /* the 8 bytes at the present depth, big-endian, 0 behind the end */
    uint32_t id;
} cn_sort_item;

typedef struct cn_sort {
    cn_sort_item *items, *spare; /* room for all of them; items hold the ids on entry */
    cn_span (*text)(const void *context, uint32_t id);
    const void *context;
    bool has_keys; /* items hold the keys at depth 0 as well */
} cn_sort;

/* The key of a text at depth 0. */
uint64_t cn_sort_key(cn_span text);

/* Sorts n items by bytes; those of equal text by id. */
void cn_sort_texts(cn_sort *sort, size_t n);
/* Sorts by key, keeping the order of equal ones. Returns where the result is: items or spare. */
cn_sort_item *cn_sort_keys(cn_sort_item *items, cn_sort_item *spare, size_t n);
