#include "http/assets.h"

#include <libdeflate.h>
#include <stdlib.h>

const cn_asset *cn_asset_find(cn_span path)
{
    for (size_t i = 0; i < cn_assets_count; i++)
        if (cn_span_is(path, cn_assets[i].path))
            return &cn_assets[i];
    return NULL;
}

uint8_t *cn_asset_inflate(const cn_asset *asset)
{
    struct libdeflate_decompressor *d = libdeflate_alloc_decompressor();
    uint8_t *out = malloc(asset->plain_len + 1);
    if (!d || !out ||
        libdeflate_gzip_decompress(d, asset->gzip, asset->gzip_len, out, asset->plain_len, NULL)) {
        free(out);
        out = NULL;
    }
    libdeflate_free_decompressor(d);
    return out;
}
