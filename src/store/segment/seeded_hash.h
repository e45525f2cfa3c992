/* A fast hash of short texts, keyed by random seeds so that evidence cannot choose texts of one hash:
 * equal hashes of 64 bits are taken for equal texts. Among a million texts of a segment the chance
 * of two that share one is about 1 in 10^7. For the files of store/ only. */
#pragma once

#include "base/hash.h"

/* 16 bytes behind the text must be readable. */
static inline uint64_t cn_seeded_hash(const uint64_t seeds[2], const uint8_t *p, size_t len)
{
    uint64_t a, b = 0;
    if (len > 16) {
        a = cn_hash64_seed(cn_span_of(p, len), seeds[0]);
    } else {
        memcpy(&a, p, 8);
        if (len <= 8) {
            a = len == 8 ? a : a & ((UINT64_C(1) << 8 * len) - 1);
        } else {
            memcpy(&b, p + 8, 8);
            b = len == 16 ? b : b & ((UINT64_C(1) << 8 * (len - 8)) - 1);
        }
    }
    unsigned __int128 m = (unsigned __int128) (a ^ seeds[0]) * (b ^ seeds[1] ^ len);
    uint64_t h = (uint64_t) m ^ (uint64_t) (m >> 64);
    m = (unsigned __int128) (h ^ seeds[1]) * UINT64_C(0x9e3779b97f4a7c15);
    return ((uint64_t) m ^ (uint64_t) (m >> 64)) | 1;
}
