#include "base/hash.h"

#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <stdlib.h>
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#include <xxhash.h>
#pragma GCC diagnostic pop

uint64_t cn_hash64(cn_span bytes) { return XXH3_64bits(bytes.p, bytes.len); }
uint64_t cn_hash64_seed(cn_span bytes, uint64_t seed)
{
    return XXH3_64bits_withSeed(bytes.p, bytes.len, seed);
}

struct cn_sha256 {
    gnutls_hash_hd_t handle;
};

cn_sha256 *cn_sha256_new(void)
{
    cn_sha256 *h = malloc(sizeof *h);
    if (h && gnutls_hash_init(&h->handle, GNUTLS_DIG_SHA256) < 0) {
        free(h);
        return NULL;
    }
    return h;
}

void cn_sha256_add(cn_sha256 *h, cn_span bytes)
{
    if (bytes.len)
        gnutls_hash(h->handle, bytes.p, bytes.len);
}

void cn_sha256_end(cn_sha256 *h, uint8_t out[32]) { gnutls_hash_output(h->handle, out); }

cn_sha256 *cn_sha256_free(cn_sha256 *h)
{
    if (h) {
        gnutls_hash_deinit(h->handle, NULL);
        free(h);
    }
    return NULL;
}
