/* The page, as embedded into the program by tools/embed_assets.py. They are public code: only the
 * page itself (which is given with a token) and the API are not for everybody. */
#pragma once

#include "base/base.h"

typedef struct cn_asset {
    const char *path; /* "/assets/index-3f2a.js"; the page is "/index.html" */
    const char *type;
    const char *etag; /* with its quotes */
    bool immutable;   /* its name changes with its content */
    const uint8_t *gzip;
    size_t gzip_len, plain_len;
} cn_asset;

extern const cn_asset cn_assets[];
extern const size_t cn_assets_count;

/* NULL where there is none. */
const cn_asset *cn_asset_find(cn_span path);
/* The content without compression, owned by the caller (free); NULL without memory. */
uint8_t *cn_asset_inflate(const cn_asset *asset);
