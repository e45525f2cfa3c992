/* A disk image small enough to be a fuzz seed: the sectors that are not zero. tools/pack_image.py
 * makes it.
 *
 *   offset  size  field
 *        0     8  size of the image in bytes, little-endian
 *        8   516  times n: sector number (4, little-endian), its 512 bytes; by ascending number
 */
#pragma once

#include "base/cur.h"
#include "img/source.h"

#include <stdlib.h>

typedef struct sparse_source {
    cn_src base;
    cn_span sectors;
} sparse_source;

static uint64_t sparse_number(cn_span sectors, size_t i)
{
    cn_cur c = cn_cur_of(cn_span_sub(sectors, i * 516, 4), 0);
    return cn_cur_le32(&c);
}

static int sparse_read(cn_src *src, uint64_t offset, void *out, size_t n, cn_err *err)
{
    (void) err;
    const sparse_source *s = (const sparse_source *) src;
    uint8_t *to = out;
    memset(to, 0, n);
    size_t low = 0, count = s->sectors.len / 516, high = count;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (sparse_number(s->sectors, mid) < offset / 512)
            low = mid + 1;
        else
            high = mid;
    }
    /* A mutated list may be out of order: what a search does not find is zero. */
    for (size_t i = low; i < count; i++) {
        uint64_t at = sparse_number(s->sectors, i) * 512;
        if (at >= offset + n)
            break;
        uint64_t from = CN_MAX(at, offset), until = CN_MIN(at + 512, offset + n);
        if (from < until)
            memcpy(to + (from - offset), s->sectors.p + i * 516 + 4 + (from - at),
                   (size_t) (until - from));
    }
    return CN_OK;
}

static void sparse_close(cn_src *src) { free(src); }

/* Owned by the caller, who keeps the bytes; NULL where they are too few. */
static cn_src *sparse_open(cn_span bytes)
{
    static const cn_src_ops ops = {.read = sparse_read, .close = sparse_close};
    cn_cur c = cn_cur_of(bytes, 0);
    uint64_t size = cn_cur_le64(&c);
    sparse_source *s = c.fail ? NULL : calloc(1, sizeof *s);
    if (!s)
        return NULL;
    s->base = (cn_src){.ops = &ops,
                       .size = size & ((UINT64_C(1) << 48) - 1),
                       .sector_size = 512,
                       .format = "sparse"};
    s->sectors = cn_span_sub(bytes, 8, bytes.len);
    return &s->base;
}
