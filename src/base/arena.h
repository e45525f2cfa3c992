/* Memory of a job, record or request: allocated piece by piece, freed at once, capped in bytes. One
 * owner. */
#pragma once

#include "base/base.h"

typedef struct cn_arena {
    struct cn_arena_chunk *chunks; /* newest first */
    size_t used_bytes;             /* handed out since the last reset */
    size_t max_bytes;
} cn_arena;

/* An arena that hands out at most max_bytes between resets. Allocates nothing yet. */
static inline cn_arena cn_arena_of(size_t max_bytes) { return (cn_arena){NULL, 0, max_bytes}; }

/* Zeroed memory aligned to 16 bytes, valid until reset or free. NULL at the cap or without memory.
 */
void *cn_arena_alloc(cn_arena *arena, size_t size) CN_MUST_USE;
/* A copy of the bytes with a NUL behind them. NULL as above. */
char *cn_arena_copy(cn_arena *arena, cn_span bytes) CN_MUST_USE;
/* printf into the arena. NULL as above. */
char *cn_arena_printf(cn_arena *arena, const char *format, ...) CN_PRINTF(2, 3) CN_MUST_USE;
/* Gives back everything but one chunk. */
void cn_arena_reset(cn_arena *arena);
void cn_arena_free(cn_arena *arena);
