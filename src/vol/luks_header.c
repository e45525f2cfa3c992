/* Both versions, big-endian:
 *
 *   LUKS 1: offset size field                     LUKS 2: offset size field
 *                0    6 "LUKS\xba\xbe"                         0    6 the same; "SKUL\xba\xbe": the second header
 *                6    2 1                                      6    2 2
 *                8   32 cipher, 40 32 mode                     8    8 bytes of header and JSON
 *               72   32 hash                                  24   48 label
 *              104    4 first sector of the content           72   32 checksum's hash
 *              108    4 bytes of the key                     168   40 UUID
 *              112   20 digest, 132 32 salt, 164 4 rounds    256    8 offset of this header
 *              168   40 UUID                                 448   64 checksum
 *              208 8x48 key slots: state(4) rounds(4)       4096      JSON, closed by NULs
 *                       salt(32) sector(4) stripes(4) */
#include "vol/luks_header.h"

#include "base/buf.h"
#include "base/cur.h"
#include "base/hash.h"
#include "base/text.h"
#include "vol/volume.h"

#include <jansson.h>
#include <sodium.h>
#include <stdio.h>

#define SLOT_ACTIVE 0x00ac71f3u
#define BINARY_SIZE 4096u
#define HEADER_MAX  CN_MIB(4) /* of LUKS 2, as its format says */
#define SECTOR      512u

static bool has_magic(cn_src *src, uint64_t offset, const char *magic, uint16_t *out_version)
{
    uint8_t b[8];
    if (cn_src_read(src, offset, b, sizeof b, NULL) != CN_OK || memcmp(b, magic, 4) != 0 ||
        b[4] != 0xba || b[5] != 0xbe)
        return false;
    *out_version = (uint16_t) (b[6] << 8 | b[7]);
    return true;
}

bool cn_luks_is_header(cn_src *src)
{
    uint16_t version;
    return has_magic(src, 0, "LUKS", &version);
}

static void put_text(char *out, size_t size, cn_span text)
{
    snprintf(out, size, "%.*s", (int) text.len, text.len ? (const char *) text.p : "");
}

/* --- LUKS 1 */

static int read_v1(cn_src *src, cn_luks_header *h, cn_err *err)
{
    uint8_t bytes[592];
    char name[33], mode[33];
    int r = cn_src_read(src, 0, bytes, sizeof bytes, err);
    if (r != CN_OK)
        return r;
    cn_cur c = cn_cur_of(cn_span_of(bytes, sizeof bytes), 0);
    cn_cur_skip(&c, 8);
    put_text(name, sizeof name, cn_cur_text(&c, 32));
    put_text(mode, sizeof mode, cn_cur_text(&c, 32));
    cn_luks_digest *d = &h->digest;
    snprintf(d->kdf.type, sizeof d->kdf.type, "pbkdf2");
    put_text(d->kdf.hash, sizeof d->kdf.hash, cn_cur_text(&c, 32));
    cn_luks_segment *s = &h->segments[0];
    *s = (cn_luks_segment){.encrypted = true, .size = UINT64_MAX, .sector_size = SECTOR};
    snprintf(s->cipher, sizeof s->cipher, "%.30s-%.30s", name, mode);
    s->offset = (uint64_t) cn_cur_be32(&c) * SECTOR;
    h->n_segments = 1;
    uint32_t key_bytes = cn_cur_be32(&c);
    memcpy(d->bytes, cn_cur_bytes(&c, 20), 20);
    d->n = 20;
    memcpy(d->kdf.salt, cn_cur_bytes(&c, 32), 32);
    d->kdf.salt_n = 32;
    d->kdf.iterations = cn_cur_be32(&c);
    put_text(h->uuid, sizeof h->uuid, cn_cur_text(&c, 40));
    for (unsigned i = 0; i < 8; i++) {
        cn_luks_slot slot = {
            .number = i, .area_key_bytes = key_bytes, .key_bytes = key_bytes, .kdf = d->kdf};
        uint32_t state = cn_cur_be32(&c);
        slot.kdf.iterations = cn_cur_be32(&c);
        memcpy(slot.kdf.salt, cn_cur_bytes(&c, 32), 32);
        slot.offset = (uint64_t) cn_cur_be32(&c) * SECTOR;
        slot.stripes = cn_cur_be32(&c);
        memcpy(slot.cipher, s->cipher, sizeof slot.cipher);
        memcpy(slot.split_hash, d->kdf.hash, sizeof slot.split_hash);
        if (state == SLOT_ACTIVE)
            h->slots[h->n_slots++] = slot;
    }
    return cn_cur_check(&c, err, "LUKS header");
}

/* --- LUKS 2 */

static bool get_text(const json_t *object, const char *key, char *out, size_t size)
{
    const char *text = json_string_value(json_object_get(object, key));
    if (!text || strlen(text) >= size)
        return false;
    put_text(out, size, cn_span_str(text));
    return true;
}

/* LUKS 2 writes numbers of 64 bits as texts. */
static bool get_u64(const json_t *object, const char *key, uint64_t *out)
{
    return cn_text_u64(cn_span_str(json_string_value(json_object_get(object, key))), out);
}

static bool get_u32(const json_t *object, const char *key, uint32_t *out)
{
    const json_t *value = json_object_get(object, key);
    json_int_t v = json_integer_value(value);
    if (!json_is_integer(value) || v < 0 || v > UINT32_MAX)
        return false;
    *out = (uint32_t) v;
    return true;
}

static bool get_base64(const json_t *object, const char *key, uint8_t *out, size_t size,
                       size_t *out_n)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text && sodium_base642bin(out, size, text, strlen(text), NULL, out_n, NULL,
                                     sodium_base64_VARIANT_ORIGINAL) == 0;
}

static bool get_kdf(const json_t *object, cn_luks_kdf *k)
{
    *k = (cn_luks_kdf){.iterations = 0};
    if (!get_text(object, "type", k->type, sizeof k->type) ||
        !get_base64(object, "salt", k->salt, sizeof k->salt, &k->salt_n))
        return false;
    if (strcmp(k->type, "pbkdf2") == 0)
        return get_text(object, "hash", k->hash, sizeof k->hash) &&
               get_u32(object, "iterations", &k->iterations);
    return get_u32(object, "time", &k->iterations) && get_u32(object, "memory", &k->memory_kib) &&
           get_u32(object, "cpus", &k->lanes);
}

static bool get_slot(const json_t *object, cn_luks_slot *s)
{
    const json_t *area = json_object_get(object, "area"), *af = json_object_get(object, "af");
    return get_u32(object, "key_size", &s->key_bytes) &&
           get_kdf(json_object_get(object, "kdf"), &s->kdf) &&
           get_text(area, "encryption", s->cipher, sizeof s->cipher) &&
           get_u32(area, "key_size", &s->area_key_bytes) && get_u64(area, "offset", &s->offset) &&
           get_u32(af, "stripes", &s->stripes) &&
           get_text(af, "hash", s->split_hash, sizeof s->split_hash);
}

static bool lists(const json_t *object, const char *key, const char *what)
{
    const json_t *list = json_object_get(object, key), *item;
    size_t i;
    json_array_foreach(list, i, item) if (json_string_value(item) &&
                                          strcmp(json_string_value(item), what) == 0) return true;
    return false;
}

static bool get_segment(const json_t *object, cn_luks_segment *s)
{
    char type[16], size[32];
    *s = (cn_luks_segment){.size = UINT64_MAX, .sector_size = SECTOR};
    if (!get_text(object, "type", type, sizeof type) || !get_u64(object, "offset", &s->offset) ||
        !get_text(object, "size", size, sizeof size) ||
        (strcmp(size, "dynamic") != 0 && !cn_text_u64(cn_span_str(size), &s->size)))
        return false;
    s->encrypted = strcmp(type, "crypt") == 0;
    if (!s->encrypted)
        return strcmp(type, "linear") == 0;
    return get_text(object, "encryption", s->cipher, sizeof s->cipher) &&
           get_u64(object, "iv_tweak", &s->iv_tweak) &&
           get_u32(object, "sector_size", &s->sector_size) && s->sector_size >= SECTOR &&
           s->sector_size <= 4096 && (s->sector_size & (s->sector_size - 1)) == 0;
}

/* Segments "0", "1", ... in their order; backups that a re-encryption leaves have a flag. */
static int get_segments(const json_t *root, cn_luks_header *h, cn_err *err)
{
    const json_t *list = json_object_get(root, "segments");
    for (unsigned i = 0; i < CN_LUKS_SEGMENTS_MAX; i++) {
        char key[16];
        snprintf(key, sizeof key, "%u", i);
        const json_t *segment = json_object_get(list, key);
        if (!segment || json_array_size(json_object_get(segment, "flags")))
            break;
        if (json_object_get(segment, "integrity"))
            return cn_fail(err, CN_E_UNSUPPORTED, BINARY_SIZE,
                           "LUKS with authenticated encryption");
        if (!get_segment(segment, &h->segments[h->n_segments]))
            return cn_fail(err, CN_E_CORRUPT, BINARY_SIZE, "LUKS: segment %u of the volume", i);
        h->n_segments++;
    }
    return h->n_segments
               ? CN_OK
               : cn_fail(err, CN_E_CORRUPT, BINARY_SIZE, "LUKS: a volume without segments");
}

/* The digest of segment 0's key, and the slots that hold that key. */
static int get_slots(const json_t *root, cn_luks_header *h, cn_err *err)
{
    const char *key;
    json_t *value, *digest = NULL;
    json_object_foreach(json_object_get(root, "digests"), key,
                        value) if (lists(value, "segments", "0")) digest = value;
    if (!digest || !get_kdf(digest, &h->digest.kdf) || strcmp(h->digest.kdf.type, "pbkdf2") != 0 ||
        !get_base64(digest, "digest", h->digest.bytes, sizeof h->digest.bytes, &h->digest.n))
        return cn_fail(err, CN_E_CORRUPT, BINARY_SIZE, "LUKS: the digest of the volume key");
    json_object_foreach(json_object_get(root, "keyslots"), key, value)
    {
        uint64_t number;
        cn_luks_slot slot = {.number = 0};
        if (h->n_slots == CN_LUKS_SLOTS_MAX)
            break;
        if (!lists(digest, "keyslots", key) || !cn_text_u64(cn_span_str(key), &number) ||
            !get_slot(value, &slot))
            continue;
        slot.number = (unsigned) number;
        h->slots[h->n_slots++] = slot;
    }
    return CN_OK;
}

static int parse_json(cn_span text, cn_luks_header *h, cn_err *err)
{
    json_error_t fault;
    const uint8_t *end = memchr(text.p, 0, text.len);
    json_t *root =
        json_loadb((const char *) text.p, end ? (size_t) (end - text.p) : text.len, 0, &fault);
    if (!root)
        return cn_fail(err, CN_E_CORRUPT, BINARY_SIZE + (uint64_t) CN_MAX(fault.position, 0),
                       "LUKS: its JSON: %.100s", fault.text);
    int r = get_segments(root, h, err);
    if (r == CN_OK)
        r = get_slots(root, h, err);
    json_decref(root);
    return r;
}

/* Fills the header from its copy at `at`; the checksum is right. */
static int read_v2_at(cn_src *src, uint64_t at, cn_luks_header *h, cn_err *err)
{
    CN_CLEANUP(cn_buf_free) cn_buf all = cn_buf_of(HEADER_MAX);
    uint8_t sum[32], told[64];
    uint8_t *p = cn_buf_room(&all, BINARY_SIZE);
    int r = p ? cn_src_read(src, at, p, BINARY_SIZE, err)
              : cn_fail(err, CN_E_NO_MEMORY, CN_NO_OFFSET, "no memory");
    if (r != CN_OK)
        return r;
    cn_cur c = cn_cur_of(cn_span_of(p, BINARY_SIZE), at);
    cn_cur_skip(&c, 8);
    uint64_t size = cn_cur_be64(&c);
    cn_cur_skip(&c, 8);
    put_text(h->label, sizeof h->label, cn_cur_text(&c, 48));
    bool sha256 = cn_span_is(cn_cur_text(&c, 32), "sha256");
    cn_cur_seek(&c, 168);
    put_text(h->uuid, sizeof h->uuid, cn_cur_text(&c, 40));
    if (size <= BINARY_SIZE || size > HEADER_MAX)
        return cn_fail(err, CN_E_CORRUPT, at + 8, "a LUKS header of %llu bytes",
                       (unsigned long long) size);
    if (!sha256)
        return cn_fail(err, CN_E_UNSUPPORTED, at + 72, "LUKS with a checksum other than SHA-256");
    all.len = BINARY_SIZE;
    p = cn_buf_room(&all, (size_t) size - BINARY_SIZE);
    if (!p)
        return cn_fail(err, CN_E_NO_MEMORY, CN_NO_OFFSET, "no memory");
    if ((r = cn_src_read(src, at + BINARY_SIZE, p, (size_t) size - BINARY_SIZE, err)) != CN_OK)
        return r;
    all.len = (size_t) size;
    memcpy(told, all.p + 448, sizeof told);
    memset(all.p + 448, 0, sizeof told);
    cn_sha256 *hash = cn_sha256_new();
    if (!hash)
        return cn_fail(err, CN_E_NO_MEMORY, CN_NO_OFFSET, "no memory");
    cn_sha256_add(hash, cn_buf_span(&all));
    cn_sha256_end(hash, sum);
    cn_sha256_free(hash);
    if (!cn_sum_is_right(memcmp(sum, told, sizeof sum) == 0))
        return cn_fail(err, CN_E_CORRUPT, at + 448, "the checksum of the LUKS header is wrong");
    return parse_json(cn_span_sub(cn_buf_span(&all), BINARY_SIZE, all.len), h, err);
}

/* The second header stands behind the first, whose size is one of nine. */
static int read_v2(cn_src *src, cn_luks_header *h, cn_err *err)
{
    const cn_luks_header empty = *h;
    cn_err first = CN_ERR_INIT;
    int r = read_v2_at(src, 0, h, &first);
    for (uint64_t at = CN_KIB(16); r == CN_E_CORRUPT && at <= HEADER_MAX; at *= 2) {
        uint16_t version;
        if (!has_magic(src, at, "SKUL", &version) || version != 2)
            continue;
        *h = empty;
        r = read_v2_at(src, at, h, NULL);
        if (r == CN_OK)
            h->warning = first;
    }
    if (r != CN_OK && err)
        *err = first;
    return r == CN_OK ? CN_OK : first.code;
}

int cn_luks_read_header(cn_src *src, cn_luks_header *out, cn_err *err)
{
    memset(out, 0, sizeof *out);
    out->warning = CN_ERR_INIT;
    if (!has_magic(src, 0, "LUKS", &out->version))
        return cn_fail(err, CN_E_CORRUPT, 0, "there is no LUKS header");
    if (out->version == 1)
        return read_v1(src, out, err);
    if (out->version == 2)
        return read_v2(src, out, err);
    return cn_fail(err, CN_E_UNSUPPORTED, 6, "LUKS version %u", out->version);
}
