#include "base/arena.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { CHUNK_BYTES = 1 << 16, ALIGN = 16 };

typedef struct cn_arena_chunk {
    struct cn_arena_chunk *next;
    size_t size, used;
    _Alignas(ALIGN) uint8_t bytes[];
} chunk;

void *cn_arena_alloc(cn_arena *arena, size_t size)
{
    if (size > arena->max_bytes || arena->used_bytes > arena->max_bytes - size)
        return NULL;
    size_t rounded = (size + ALIGN - 1) & ~(size_t) (ALIGN - 1);
    chunk *c = arena->chunks;
    if (!c || rounded > c->size - c->used) {
        size_t want = CN_MAX(rounded, (size_t) CHUNK_BYTES);
        c = malloc(sizeof *c + want);
        if (!c)
            return NULL;
        *c = (chunk){arena->chunks, want, 0};
        arena->chunks = c;
    }
    void *p = c->bytes + c->used;
    c->used += rounded;
    arena->used_bytes += rounded;
    memset(p, 0, rounded);
    return p;
}

char *cn_arena_copy(cn_arena *arena, cn_span bytes)
{
    char *p = bytes.len < SIZE_MAX ? cn_arena_alloc(arena, bytes.len + 1) : NULL;
    if (p && bytes.len)
        memcpy(p, bytes.p, bytes.len);
    return p;
}

char *cn_arena_printf(cn_arena *arena, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, format, args);
    char *p = n < 0 ? NULL : cn_arena_alloc(arena, (size_t) n + 1);
    if (p)
        vsnprintf(p, (size_t) n + 1, format, again);
    va_end(args);
    va_end(again);
    return p;
}

void cn_arena_reset(cn_arena *arena)
{
    chunk *keep = NULL;
    while (arena->chunks) {
        chunk *c = arena->chunks;
        arena->chunks = c->next;
        if (!keep && c->size == CHUNK_BYTES)
            keep = c;
        else
            free(c);
    }
    if (keep) {
        keep->next = NULL;
        keep->used = 0;
    }
    arena->chunks = keep;
    arena->used_bytes = 0;
}

void cn_arena_free(cn_arena *arena)
{
    while (arena->chunks) {
        chunk *c = arena->chunks;
        arena->chunks = c->next;
        free(c);
    }
    arena->used_bytes = 0;
}
