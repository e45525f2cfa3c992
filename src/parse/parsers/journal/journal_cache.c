#include "journal_cache.h"

#include <assert.h>
#include <stdlib.h>

/* Enough for the fields that recur in a file of 128 MiB, journald's largest by default. */
#define SLOTS      (1u << 16)
#define USED_MAX   (SLOTS / 4 * 3)
#define ARENA_MAX  CN_MIB(24)
#define ARENA_TRIM CN_MIB(20)

bool journal_cache_open(journal_cache *c)
{
    *c = (journal_cache){.arena = cn_arena_of(ARENA_MAX)};
    static_assert(SLOTS == 1u << (64 - 48) && JOURNAL_NEAR == 1u << (64 - 55), "bits of mixed()");
    c->slots = calloc(SLOTS, sizeof *c->slots);
    return c->slots != NULL;
}

static uint64_t mixed(uint64_t offset) { return (offset >> 3) * UINT64_C(0x9e3779b97f4a7c15); }
static size_t first_slot(uint64_t offset) { return (size_t) (mixed(offset) >> 48); }

const journal_value *journal_cache_find(journal_cache *c, uint64_t offset)
{
    journal_slot *near = &c->near[mixed(offset) >> 55];
    if (near->offset == offset)
        return near->value;
    for (size_t i = first_slot(offset); c->slots[i].offset != 0; i = (i + 1) % SLOTS)
        if (c->slots[i].offset == offset) {
            *near = c->slots[i];
            return near->value;
        }
    return NULL;
}

void journal_cache_expect(const journal_cache *c, uint64_t offset)
{
    if (c->near[mixed(offset) >> 55].offset != offset)
        __builtin_prefetch(&c->slots[first_slot(offset)]);
}

void journal_cache_put(journal_cache *c, uint64_t offset, const journal_value *value)
{
    journal_value *kept = c->used < USED_MAX ? cn_arena_alloc(&c->arena, sizeof *kept) : NULL;
    if (!kept || offset == 0)
        return;
    *kept = *value;
    size_t i = first_slot(offset);
    while (c->slots[i].offset != 0)
        i = (i + 1) % SLOTS;
    c->slots[i] = (journal_slot){offset, kept};
    c->used++;
}

void journal_cache_trim(journal_cache *c)
{
    if (c->used < USED_MAX - CN_KIB(4) && c->arena.used_bytes < ARENA_TRIM)
        return;
    memset(c->near, 0, sizeof c->near);
    memset(c->slots, 0, SLOTS * sizeof *c->slots);
    c->used = 0;
    cn_arena_reset(&c->arena);
}

void journal_cache_close(journal_cache *c)
{
    free(c->slots);
    cn_arena_free(&c->arena);
}
