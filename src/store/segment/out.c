#include "store/segment/out.h"

#include "base/hash.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

enum { BUFFER_BLOCKS = 16, BUFFER_BYTES = BUFFER_BLOCKS * CN_BLOCK_BYTES };

int cn_out_new(cn_out *out, cn_err *err)
{
    *out = (cn_out){.fd = -1, .buffer = malloc(BUFFER_BYTES)};
    if (!out->buffer)
        return cn_fail(err, CN_E_NO_MEMORY, CN_NO_OFFSET, "no memory to write a segment");
    return CN_OK;
}

void cn_out_free(cn_out *out)
{
    free(out->buffer);
    free(out->sums);
    *out = (cn_out){.fd = -1};
}

void cn_out_start(cn_out *out, int fd)
{
    out->fd = fd;
    out->len = 0;
    out->position = 0;
    out->n_sums = 0;
    out->code = CN_OK;
    out->err = CN_ERR_INIT;
}

void cn_out_raw(cn_out *out, cn_span bytes)
{
    while (bytes.len && !out->code) {
        ssize_t n = write(out->fd, bytes.p, bytes.len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            out->code = cn_fail_errno(&out->err, "writing a segment");
        else
            bytes = cn_span_sub(bytes, (size_t) n, bytes.len);
    }
}

static void flush(cn_out *out)
{
    for (size_t at = 0; at < out->len; at += CN_BLOCK_BYTES) {
        if (out->n_sums == out->cap_sums) {
            size_t capacity = out->cap_sums ? out->cap_sums * 2 : 1024;
            uint64_t *sums = realloc(out->sums, capacity * sizeof *sums);
            if (!sums) {
                out->code = cn_fail(&out->err, CN_E_NO_MEMORY, CN_NO_OFFSET,
                                    "no memory to write a segment");
                return;
            }
            out->sums = sums;
            out->cap_sums = capacity;
        }
        size_t len = CN_MIN((size_t) CN_BLOCK_BYTES, out->len - at);
        out->sums[out->n_sums++] = cn_hash64(cn_span_of(out->buffer + at, len));
    }
    cn_out_raw(out, cn_span_of(out->buffer, out->len));
    out->len = 0;
}

void cn_out_bytes(cn_out *out, const void *bytes, size_t len)
{
    const uint8_t *p = bytes;
    out->position += len;
    while (len && !out->code) {
        size_t part = CN_MIN(len, BUFFER_BYTES - out->len);
        memcpy(out->buffer + out->len, p, part);
        out->len += part;
        p += part;
        len -= part;
        if (out->len == BUFFER_BYTES)
            flush(out);
    }
}

uint64_t cn_out_align(cn_out *out)
{
    static const uint8_t zeros[8];
    cn_out_bytes(out, zeros, -out->position & 7);
    return out->position;
}

cn_extent cn_out_begin(cn_out *out) { return (cn_extent){cn_out_align(out), 0}; }
void cn_out_end(const cn_out *out, cn_extent *extent)
{
    extent->length = out->position - extent->offset;
}

void cn_out_finish(cn_out *out)
{
    if (!out->code)
        flush(out);
}
