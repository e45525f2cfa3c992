/* Hashes: xxHash for ids and checksums of our own data, SHA-256 for evidence. */
#pragma once

#include "base/err.h"

uint64_t cn_hash64(cn_span bytes);
uint64_t cn_hash64_seed(cn_span bytes, uint64_t seed);

typedef struct cn_sha256 cn_sha256;
/* Owned by the caller; NULL without memory. */
cn_sha256 *cn_sha256_new(void);
void cn_sha256_add(cn_sha256 *h, cn_span bytes);
/* Writes the 32 bytes of what was added and starts anew. */
void cn_sha256_end(cn_sha256 *h, uint8_t out[32]);
cn_sha256 *cn_sha256_free(cn_sha256 *h);
