/* Fields of a journal that many entries share, read once: a table by offset, emptied when it is full.
 * One owner. */
#pragma once

#include "journal_fields.h"

typedef struct journal_slot {
    uint64_t offset; /* 0: free; the file's header lies there */
    const journal_value *value;
} journal_slot;

enum { JOURNAL_NEAR = 512 };

typedef struct journal_cache {
    journal_slot near[JOURNAL_NEAR]; /* those used last: few enough for the processor's own cache */
    journal_slot *slots;
    size_t used;
    cn_arena arena;
} journal_cache;

/* False without memory. */
CN_MUST_USE bool journal_cache_open(journal_cache *c);
/* NULL where the table lacks it; good until journal_cache_trim(). */
const journal_value *journal_cache_find(journal_cache *c, uint64_t offset);
/* Says that an offset will be looked for soon, so that the memory may be on its way. */
void journal_cache_expect(const journal_cache *c, uint64_t offset);
/* Copies *value, whose texts lie in c->arena already. Without memory: nothing. */
void journal_cache_put(journal_cache *c, uint64_t offset, const journal_value *value);
/* Empties the table where it is nearly full. Between entries. */
void journal_cache_trim(journal_cache *c);
void journal_cache_close(journal_cache *c);
