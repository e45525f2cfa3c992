/* Headers of LUKS 1 and 2, brought into one form. Sources: LUKS1 On-Disk Format 1.2.3; LUKS2 On-Disk Format 1.1.4. */
#pragma once

#include "img/source.h"

#define CN_LUKS_SLOTS_MAX    32u
#define CN_LUKS_SEGMENTS_MAX 32u
#define CN_LUKS_KEY_MAX      64u /* bytes of a volume key; AES-256-XTS takes 64 */
#define CN_LUKS_SALT_MAX     64u

/* Derivation of a key from a passphrase. */
typedef struct cn_luks_kdf {
    char type[16];       /* "pbkdf2", "argon2i", "argon2id" */
    char hash[32];       /* of pbkdf2 */
    uint32_t iterations; /* of pbkdf2; passes of argon2 */
    uint32_t memory_kib, lanes;
    uint8_t salt[CN_LUKS_SALT_MAX];
    size_t salt_n;
} cn_luks_kdf;

typedef struct cn_luks_slot {
    unsigned number;
    cn_luks_kdf kdf;
    char cipher[64];         /* of the key material: "aes-xts-plain64" */
    uint32_t area_key_bytes; /* of the key that it is encrypted with */
    uint32_t key_bytes;      /* of the volume key in it */
    uint64_t offset;         /* of the key material, bytes */
    uint32_t stripes;
    char split_hash[32];
} cn_luks_slot;

/* One stretch of the volume. */
typedef struct cn_luks_segment {
    bool encrypted;
    uint64_t offset, size; /* in the medium, bytes; size UINT64_MAX: to its end */
    uint64_t iv_tweak;     /* sectors of 512 bytes */
    uint32_t sector_size;
    char cipher[64];
} cn_luks_segment;

typedef struct cn_luks_digest {
    cn_luks_kdf kdf;
    uint8_t bytes[64];
    size_t n;
} cn_luks_digest;

typedef struct cn_luks_header {
    uint16_t version;
    char uuid[40], label[49];
    cn_luks_slot slots[CN_LUKS_SLOTS_MAX];
    size_t n_slots;
    cn_luks_segment segments[CN_LUKS_SEGMENTS_MAX];
    size_t n_segments;
    cn_luks_digest digest; /* of the volume key */
    cn_err warning;        /* the first header was damaged and the second used */
} cn_luks_header;

CN_MUST_USE bool cn_luks_is_header(cn_src *src);
int cn_luks_read_header(cn_src *src, cn_luks_header *out, cn_err *err) CN_MUST_USE;
