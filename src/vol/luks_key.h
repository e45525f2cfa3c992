/* Keys and sectors of LUKS: derivation (PBKDF2, Argon2), anti-forensic merging, AES in XTS and CBC. */
#pragma once

#include "vol/luks_header.h"

/* Decrypts sectors with one key. One owner. */
typedef struct cn_luks_cipher cn_luks_cipher;
/* name as dm-crypt writes it: "aes-xts-plain64", "aes-cbc-essiv:sha256". CN_E_UNSUPPORTED for others. */
int cn_luks_cipher_new(const char *name, cn_span key, cn_luks_cipher **out,
                       cn_err *err) CN_MUST_USE;
/* In place; `sector` (of 512 bytes) is what the IV is made from. n is a multiple of 16. */
int cn_luks_decrypt(cn_luks_cipher *cipher, uint64_t sector, uint8_t *bytes, size_t n,
                    cn_err *err) CN_MUST_USE;
cn_luks_cipher *cn_luks_cipher_free(cn_luks_cipher *cipher);
CN_DEFINE_CLEANUP(cn_luks_cipher, cn_luks_cipher_free)

/* True where key is the volume's, by its digest. */
CN_MUST_USE bool cn_luks_key_fits(const cn_luks_header *header, cn_span key);
/* Tries the passphrase on every slot. CN_E_LOCKED: it opens none. Derivation costs seconds, and as much memory as the
 * slot says: CN_E_LIMIT over 4 GiB. */
int cn_luks_unlock(cn_src *src, const cn_luks_header *header, cn_span passphrase,
                   uint8_t key[CN_LUKS_KEY_MAX], size_t *out_n, cn_err *err) CN_MUST_USE;
