#include "parse/pages.h"

#include <stdlib.h>
#include <sys/mman.h>

#define PIECE      CN_KIB(128)
#define RELAX_OVER CN_MIB(24) /* bytes in use that relax leaves alone */

struct cn_pages {
    cn_src *content;
    uint64_t size;
    size_t mapped; /* size, rounded up to whole pieces */
    uint8_t *base;
    uint8_t *present; /* one bit per piece */
    size_t in_use;    /* bytes readable */
};

int cn_pages_open(cn_src *content, uint64_t size, cn_pages **out, cn_err *err)
{
    cn_pages *p = calloc(1, sizeof *p);
    if (!p)
        return cn_fail(err, CN_E_NO_MEMORY, CN_NO_OFFSET, "no memory for random access");
    size_t pieces = (size_t) ((size + PIECE - 1) / PIECE);
    p->content = content;
    p->size = size;
    p->mapped = pieces * PIECE;
    p->present = calloc(pieces / 8 + 1, 1);
    void *base =
        mmap(NULL, p->mapped, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (!p->present || base == MAP_FAILED) {
        int code = cn_fail_errno(err, "no address space for %llu bytes of random access",
                                 (unsigned long long) size);
        if (base != MAP_FAILED)
            munmap(base, p->mapped);
        free(p->present);
        free(p);
        return code;
    }
    p->base = base;
    *out = p;
    return CN_OK;
}

static bool has(const cn_pages *p, size_t piece) { return p->present[piece / 8] >> piece % 8 & 1; }

/* Reads a piece; where part of it cannot be read, at least what is wanted of it. */
static int load(cn_pages *p, size_t piece, uint64_t want_from, uint64_t want_to, cn_err *err)
{
    uint64_t from = piece * PIECE, to = CN_MIN(from + PIECE, p->size);
    if (mprotect(p->base + from, PIECE, PROT_READ | PROT_WRITE) != 0)
        return cn_fail_errno(err, "no memory for random access");
    int code = cn_src_read(p->content, from, p->base + from, (size_t) (to - from), err);
    if (code == CN_OK) {
        p->present[piece / 8] |= (uint8_t) (1u << piece % 8);
        p->in_use += PIECE;
        return CN_OK;
    }
    want_from = CN_MAX(want_from, from);
    want_to = CN_MIN(want_to, to);
    return cn_src_read(p->content, want_from, p->base + want_from, (size_t) (want_to - want_from),
                       err);
}

int cn_pages_span(cn_pages *p, uint64_t offset, size_t len, cn_span *out, cn_err *err)
{
    if (len)
        for (size_t i = (size_t) (offset / PIECE); i <= (offset + len - 1) / PIECE; i++)
            if (!has(p, i)) {
                int code = load(p, i, offset, offset + len, err);
                if (code < 0)
                    return code;
            }
    *out = cn_span_of(p->base + offset, len);
    return CN_OK;
}

void cn_pages_relax(cn_pages *p)
{
    if (p->in_use <= RELAX_OVER)
        return;
    for (size_t i = 0; i * PIECE < p->mapped; i++)
        if (has(p, i))
            (void) madvise(p->base + i * PIECE, PIECE, MADV_DONTNEED);
    memset(p->present, 0, p->mapped / PIECE / 8 + 1);
    p->in_use = 0;
}

cn_pages *cn_pages_close(cn_pages *p)
{
    if (p) {
        munmap(p->base, p->mapped);
        free(p->present);
        free(p);
    }
    return NULL;
}
