/* A segment file in the making: bytes go out in order, and each block of 64 KiB is summed on its
 * way; for the files of store/ only. One owner. */
#pragma once

#include "store/segment/format.h"

typedef struct cn_out {
    int fd;
    uint8_t *buffer;
    size_t len;        /* in the buffer */
    uint64_t position; /* in the file, of what comes next */
    uint64_t *sums;
    size_t n_sums, cap_sums;
    int code; /* CN_OK, or the first failure, which is in err: append freely, look once */
    cn_err err;
} cn_out;

int cn_out_new(cn_out *out, cn_err *err) CN_MUST_USE;
void cn_out_free(cn_out *out);
void cn_out_start(cn_out *out, int fd);
void cn_out_bytes(cn_out *out, const void *bytes, size_t len);
/* Zeros up to a multiple of 8; returns the position. */
uint64_t cn_out_align(cn_out *out);
/* Begins and ends an extent: */
cn_extent cn_out_begin(cn_out *out);
void cn_out_end(const cn_out *out, cn_extent *extent);
/* Writes out all there is, the last block as far as it goes, and sums it. After it only
 * cn_out_raw() may follow. */
void cn_out_finish(cn_out *out);
/* Straight to the file, not summed. */
void cn_out_raw(cn_out *out, cn_span bytes);
