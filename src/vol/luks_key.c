#include "vol/luks_key.h"

#include "vol/volume.h"

#include <argon2.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <stdio.h>
#include <stdlib.h>

#ifdef CN_FUZZING /* work that is done, not time that is spent, is what a fuzzer looks for */
#define ROUNDS_MAX 100u
#define MEMORY_MAX 1024u
#define PASSES_MAX 2u
#define WORK_MAX   1024u
#else
#define ROUNDS_MAX 50000000u /* of PBKDF2: half a minute; cryptsetup chooses two seconds */
#define MEMORY_MAX CN_MIB(4) /* KiB of Argon2; cryptsetup takes at most 1 GiB, by its options 4 */
#define PASSES_MAX 256u
#define WORK_MAX   CN_MIB(64) /* KiB times passes */
#endif
#define LANES_MAX   64u
#define STRIPES_MAX 16384u /* all writers use 4000 */
#define BLOCK       16u

static int no_memory(cn_err *err)
{
    return cn_fail(err, CN_E_NO_MEMORY, CN_NO_OFFSET, "no memory");
}

/* --- Sectors. */

typedef enum iv_kind { IV_PLAIN, IV_PLAIN64, IV_ESSIV } iv_kind;

struct cn_luks_cipher {
    gnutls_cipher_hd_t data, essiv; /* essiv NULL where the IV is plain */
    iv_kind iv;
};

static gnutls_cipher_algorithm_t algorithm(const char *mode, size_t key_bytes)
{
    if (strcmp(mode, "xts") == 0)
        return key_bytes == 32   ? GNUTLS_CIPHER_AES_128_XTS
               : key_bytes == 64 ? GNUTLS_CIPHER_AES_256_XTS
                                 : GNUTLS_CIPHER_UNKNOWN;
    if (strcmp(mode, "cbc") == 0)
        return key_bytes == 16   ? GNUTLS_CIPHER_AES_128_CBC
               : key_bytes == 24 ? GNUTLS_CIPHER_AES_192_CBC
               : key_bytes == 32 ? GNUTLS_CIPHER_AES_256_CBC
                                 : GNUTLS_CIPHER_UNKNOWN;
    return GNUTLS_CIPHER_UNKNOWN;
}

static bool start(gnutls_cipher_hd_t *out, gnutls_cipher_algorithm_t algo, cn_span key)
{
    uint8_t zeros[BLOCK] = {0};
    gnutls_datum_t k = {(unsigned char *) key.p, (unsigned) key.len}, iv = {zeros, sizeof zeros};
    return algo != GNUTLS_CIPHER_UNKNOWN && gnutls_cipher_init(out, algo, &k, &iv) == 0;
}

static bool start_essiv(cn_luks_cipher *c, cn_span key)
{
    uint8_t hashed[32];
    return gnutls_hash_fast(GNUTLS_DIG_SHA256, key.p, key.len, hashed) == 0 &&
           start(&c->essiv, GNUTLS_CIPHER_AES_256_CBC, cn_span_of(hashed, sizeof hashed));
}

int cn_luks_cipher_new(const char *name, cn_span key, cn_luks_cipher **out, cn_err *err)
{
    CN_CLEANUP(cn_luks_cipher_free_p) cn_luks_cipher *c = calloc(1, sizeof *c);
    char mode[8] = "", iv[40] = "";
    if (!c)
        return no_memory(err);
    bool good = sscanf(name, "aes-%7[a-z]-%39[a-z0-9:]", mode, iv) == 2;
    if (good && strcmp(iv, "plain64") == 0)
        c->iv = IV_PLAIN64;
    else if (good && strcmp(iv, "plain") == 0)
        c->iv = IV_PLAIN;
    else if (good && strcmp(iv, "essiv:sha256") == 0 && start_essiv(c, key))
        c->iv = IV_ESSIV;
    else
        good = false;
    if (!good || !start(&c->data, algorithm(mode, key.len), key))
        return cn_fail(err, CN_E_UNSUPPORTED, CN_NO_OFFSET,
                       "LUKS: encryption '%.40s' with %zu bits of key", name, key.len * 8);
    *out = CN_TAKE(c);
    return CN_OK;
}

int cn_luks_decrypt(cn_luks_cipher *c, uint64_t sector, uint8_t *bytes, size_t n, cn_err *err)
{
    uint8_t iv[BLOCK] = {0}, zeros[BLOCK] = {0};
    uint64_t count = c->iv == IV_PLAIN ? (uint32_t) sector : sector;
    for (size_t i = 0; i < 8; i++)
        iv[i] = (uint8_t) (count >> (8 * i));
    int r = 0;
    if (c->essiv) {
        gnutls_cipher_set_iv(c->essiv, zeros, sizeof zeros);
        r = gnutls_cipher_encrypt2(c->essiv, iv, sizeof iv, iv, sizeof iv);
    }
    gnutls_cipher_set_iv(c->data, iv, sizeof iv);
    if (r == 0)
        r = gnutls_cipher_decrypt2(c->data, bytes, n, bytes, n);
    return r == 0 ? CN_OK
                  : cn_fail(err, CN_E_IO, CN_NO_OFFSET, "decryption: %s", gnutls_strerror(r));
}

cn_luks_cipher *cn_luks_cipher_free(cn_luks_cipher *cipher)
{
    if (cipher) {
        if (cipher->data)
            gnutls_cipher_deinit(cipher->data);
        if (cipher->essiv)
            gnutls_cipher_deinit(cipher->essiv);
        free(cipher);
    }
    return NULL;
}

/* --- Derivation. */

static gnutls_mac_algorithm_t mac_of(const char *hash)
{
    static const struct {
        const char *name;
        gnutls_mac_algorithm_t mac;
    } known[] = {{"sha1", GNUTLS_MAC_SHA1},     {"sha224", GNUTLS_MAC_SHA224},
                 {"sha256", GNUTLS_MAC_SHA256}, {"sha384", GNUTLS_MAC_SHA384},
                 {"sha512", GNUTLS_MAC_SHA512}, {"ripemd160", GNUTLS_MAC_RMD160}};
    for (size_t i = 0; i < CN_LEN(known); i++)
        if (strcmp(known[i].name, hash) == 0)
            return known[i].mac;
    return GNUTLS_MAC_UNKNOWN;
}

static int pbkdf2(const cn_luks_kdf *k, cn_span secret, uint8_t *out, size_t n, cn_err *err)
{
    gnutls_mac_algorithm_t mac = mac_of(k->hash);
    if (mac == GNUTLS_MAC_UNKNOWN)
        return cn_fail(err, CN_E_UNSUPPORTED, CN_NO_OFFSET, "LUKS: hash '%.31s'", k->hash);
    if (k->iterations == 0 || k->iterations > ROUNDS_MAX)
        return cn_fail(err, CN_E_LIMIT, CN_NO_OFFSET, "LUKS: %u rounds of PBKDF2", k->iterations);
    gnutls_datum_t key = {(unsigned char *) secret.p, (unsigned) secret.len};
    gnutls_datum_t salt = {(unsigned char *) k->salt, (unsigned) k->salt_n};
    int r = gnutls_pbkdf2(mac, &key, &salt, k->iterations, out, n);
    return r == 0 ? CN_OK
                  : cn_fail(err, CN_E_IO, CN_NO_OFFSET, "LUKS: PBKDF2: %s", gnutls_strerror(r));
}

/* The lanes are computed one after the other: a process that reads evidence starts no threads. */
static int argon2(const cn_luks_kdf *k, cn_span secret, uint8_t *out, size_t n, cn_err *err)
{
    if (k->memory_kib > MEMORY_MAX || k->iterations > PASSES_MAX || k->lanes > LANES_MAX ||
        (uint64_t) k->memory_kib * k->iterations > WORK_MAX)
        return cn_fail(err, CN_E_LIMIT, CN_NO_OFFSET, "LUKS: Argon2 with %u KiB and %u passes",
                       k->memory_kib, k->iterations);
    argon2_context c = {.out = out,
                        .outlen = (uint32_t) n,
                        .pwd = (uint8_t *) secret.p,
                        .pwdlen = (uint32_t) secret.len,
                        .salt = (uint8_t *) k->salt,
                        .saltlen = (uint32_t) k->salt_n,
                        .t_cost = k->iterations,
                        .m_cost = k->memory_kib,
                        .lanes = k->lanes,
                        .threads = 1,
                        .version = ARGON2_VERSION_13};
    int r = strcmp(k->type, "argon2id") == 0 ? argon2id_ctx(&c) : argon2i_ctx(&c);
    if (r == ARGON2_MEMORY_ALLOCATION_ERROR)
        return cn_fail(err, CN_E_LIMIT, CN_NO_OFFSET,
                       "LUKS: the passphrase takes %u MiB of memory to check",
                       k->memory_kib / 1024);
    return r == ARGON2_OK ? CN_OK
                          : cn_fail(err, CN_E_CORRUPT, CN_NO_OFFSET, "LUKS: Argon2: %s",
                                    argon2_error_message(r));
}

static int derive(const cn_luks_kdf *k, cn_span secret, uint8_t *out, size_t n, cn_err *err)
{
    if (strcmp(k->type, "pbkdf2") == 0)
        return pbkdf2(k, secret, out, n, err);
    if (strcmp(k->type, "argon2i") == 0 || strcmp(k->type, "argon2id") == 0)
        return argon2(k, secret, out, n, err);
    return cn_fail(err, CN_E_UNSUPPORTED, CN_NO_OFFSET, "LUKS: key derivation '%.15s'", k->type);
}

/* --- Key slots. */

/* Each run of a digest's size is replaced by the hash of its number and itself. */
static int diffuse(gnutls_digest_algorithm_t hash, uint8_t *block, size_t n, cn_err *err)
{
    size_t size = gnutls_hash_get_len(hash);
    for (uint32_t i = 0; i * size < n; i++) {
        uint8_t in[4 + CN_LUKS_KEY_MAX] = {(uint8_t) (i >> 24), (uint8_t) (i >> 16),
                                           (uint8_t) (i >> 8), (uint8_t) i},
                       out[64];
        size_t here = CN_MIN(size, n - i * size);
        memcpy(in + 4, block + i * size, here);
        int r = gnutls_hash_fast(hash, in, 4 + here, out);
        if (r != 0)
            return cn_fail(err, CN_E_IO, CN_NO_OFFSET, "LUKS: hash: %s", gnutls_strerror(r));
        memcpy(block + i * size, out, here);
    }
    return CN_OK;
}

/* Anti-forensic split: the stripes, each as long as the key, chained by XOR and diffusion. */
static int merge(const cn_luks_slot *slot, const uint8_t *material, uint8_t *key, cn_err *err)
{
    gnutls_digest_algorithm_t hash = (gnutls_digest_algorithm_t) mac_of(slot->split_hash);
    if (hash == GNUTLS_DIG_UNKNOWN)
        return cn_fail(err, CN_E_UNSUPPORTED, CN_NO_OFFSET, "LUKS: hash '%.31s'", slot->split_hash);
    memset(key, 0, slot->key_bytes);
    for (uint32_t s = 0; s < slot->stripes; s++) {
        for (size_t i = 0; i < slot->key_bytes; i++)
            key[i] ^= material[(size_t) s * slot->key_bytes + i];
        int r = s + 1 < slot->stripes ? diffuse(hash, key, slot->key_bytes, err) : CN_OK;
        if (r != CN_OK)
            return r;
    }
    return CN_OK;
}

static int read_material(cn_src *src, const cn_luks_slot *slot, cn_span key, uint8_t *out, size_t n,
                         cn_err *err)
{
    CN_CLEANUP(cn_luks_cipher_free_p) cn_luks_cipher *cipher = NULL;
    int r = cn_src_read(src, slot->offset, out, n, err);
    if (r == CN_OK)
        r = cn_luks_cipher_new(slot->cipher, key, &cipher, err);
    for (size_t at = 0; r == CN_OK && at < n; at += 512)
        r = cn_luks_decrypt(cipher, at / 512, out + at, 512, err);
    return r;
}

bool cn_luks_key_fits(const cn_luks_header *header, cn_span key)
{
    uint8_t sum[64];
    const cn_luks_digest *d = &header->digest;
    return d->n >= 16 && d->n <= sizeof sum && derive(&d->kdf, key, sum, d->n, NULL) == CN_OK &&
           cn_sum_is_right(memcmp(sum, d->bytes, d->n) == 0);
}

static int try_slot(cn_src *src, const cn_luks_slot *slot, cn_span passphrase, uint8_t *key,
                    cn_err *err)
{
    uint8_t slot_key[CN_LUKS_KEY_MAX];
    if (slot->key_bytes == 0 || slot->key_bytes > CN_LUKS_KEY_MAX || slot->area_key_bytes == 0 ||
        slot->area_key_bytes > CN_LUKS_KEY_MAX || slot->stripes == 0 || slot->stripes > STRIPES_MAX)
        return cn_fail(err, CN_E_CORRUPT, CN_NO_OFFSET, "LUKS: key slot %u", slot->number);
    int r = derive(&slot->kdf, passphrase, slot_key, slot->area_key_bytes, err);
    if (r != CN_OK)
        return r;
    size_t n = ((size_t) slot->key_bytes * slot->stripes + 511) / 512 * 512;
    uint8_t *material = malloc(n);
    if (!material)
        return no_memory(err);
    r = read_material(src, slot, cn_span_of(slot_key, slot->area_key_bytes), material, n, err);
    if (r == CN_OK)
        r = merge(slot, material, key, err);
    free(material);
    explicit_bzero(slot_key, sizeof slot_key);
    return r;
}

int cn_luks_unlock(cn_src *src, const cn_luks_header *header, cn_span passphrase,
                   uint8_t key[CN_LUKS_KEY_MAX], size_t *out_n, cn_err *err)
{
    cn_err fault = CN_ERR_INIT;
    for (size_t i = 0; i < header->n_slots; i++) {
        const cn_luks_slot *slot = &header->slots[i];
        cn_err why = CN_ERR_INIT;
        if (try_slot(src, slot, passphrase, key, &why) != CN_OK) {
            if (fault.code == CN_OK)
                fault = why;
        } else if (cn_luks_key_fits(header, cn_span_of(key, slot->key_bytes))) {
            *out_n = slot->key_bytes;
            return CN_OK;
        }
    }
    if (fault.code != CN_OK) {
        if (err)
            *err = fault;
        return fault.code;
    }
    return cn_fail(err, CN_E_LOCKED, CN_NO_OFFSET,
                   header->n_slots ? "the passphrase opens none of the key slots"
                                   : "there are no key slots");
}
