#include "img/inflate.h"

#include <libdeflate.h>
#include <zstd.h>

bool cn_inflate(cn_span packed, void *out, size_t n)
{
    struct libdeflate_decompressor *d = libdeflate_alloc_decompressor();
    size_t used, got = 0;
    bool good = d &&
                libdeflate_deflate_decompress_ex(d, packed.p, packed.len, out, n, &used, &got) ==
                    LIBDEFLATE_SUCCESS &&
                got == n;
    libdeflate_free_decompressor(d);
    return good;
}

bool cn_unzstd(cn_span packed, void *out, size_t n)
{
    ZSTD_DStream *d = ZSTD_createDStream();
    ZSTD_inBuffer in = {packed.p, packed.len, 0};
    ZSTD_outBuffer to = {out, n, 0};
    size_t r = d ? 1 : 0;
    while (d && to.pos < n && in.pos < in.size) {
        size_t before = in.pos + to.pos;
        r = ZSTD_decompressStream(d, &to, &in);
        if (ZSTD_isError(r) || r == 0 || in.pos + to.pos == before)
            break;
    }
    ZSTD_freeDStream(d);
    return d && !ZSTD_isError(r) && to.pos == n;
}
