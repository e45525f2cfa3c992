/* LUKS 1 and 2: the volume inside, decrypted as it is read. Our own code over GnuTLS and libargon2, because libluksde
 * (20200205) does not know version 2. */
#include "base/text.h"
#include "vol/luks_key.h"
#include "vol/volume.h"

#include <stdio.h>
#include <stdlib.h>

#define WINDOW CN_KIB(64) /* decrypted at once and kept; a multiple of all sector sizes */

/* One segment as a source. */
typedef struct crypt_src {
    cn_src base;
    cn_src *medium; /* borrowed */
    cn_luks_cipher *cipher;
    uint64_t offset, tweak;
    uint32_t sector_size;
    uint64_t window_at; /* what window holds; UINT64_MAX: nothing */
    uint8_t *window;
} crypt_src;

static int load(crypt_src *s, uint64_t at, cn_err *err)
{
    size_t n = (size_t) CN_MIN(WINDOW, s->base.size - at);
    s->window_at = UINT64_MAX;
    int fault = cn_src_read(s->medium, s->offset + at, s->window, n, err);
    for (size_t i = 0; i + s->sector_size <= n; i += s->sector_size) {
        int r = cn_luks_decrypt(s->cipher, s->tweak + (at + i) / 512, s->window + i, s->sector_size,
                                fault ? NULL : err);
        if (r != CN_OK && fault == CN_OK)
            fault = r;
    }
    /* What cannot be read is not kept, so that it is said again when it is asked for again. */
    if (fault == CN_OK)
        s->window_at = at;
    return fault;
}

static int crypt_read(cn_src *src, uint64_t offset, void *out, size_t n, cn_err *err)
{
    crypt_src *s = (crypt_src *) src;
    int first = CN_OK;
    for (size_t done = 0; done < n;) {
        uint64_t at = (offset + done) / WINDOW * WINDOW;
        size_t skip = (size_t) (offset + done - at),
               here = CN_MIN((size_t) WINDOW - skip, n - done);
        if (s->window_at != at) {
            int r = load(s, at, first ? NULL : err);
            if (r != CN_OK && first == CN_OK) {
                first = r;
                if (err && err->offset != CN_NO_OFFSET)
                    err->offset = offset + done;
            }
        }
        memcpy((char *) out + done, s->window + skip, here);
        done += here;
    }
    return first;
}

static void crypt_close(cn_src *src)
{
    crypt_src *s = (crypt_src *) src;
    cn_luks_cipher_free(s->cipher);
    free(s->window);
    free(s);
}

static const cn_src_ops crypt_ops = {crypt_read, NULL, crypt_close};

static int open_crypt(cn_src *medium, const cn_luks_segment *segment, uint64_t size, cn_span key,
                      cn_src **out, cn_err *err)
{
    crypt_src *s = calloc(1, sizeof *s);
    if (!s)
        return cn_fail(err, CN_E_NO_MEMORY, CN_NO_OFFSET, "no memory");
    s->base = (cn_src){&crypt_ops, size / segment->sector_size * segment->sector_size,
                       segment->sector_size, "luks"};
    CN_CLEANUP(cn_src_close_p) cn_src *owner = &s->base;
    s->medium = medium;
    s->offset = segment->offset;
    s->tweak = segment->iv_tweak;
    s->sector_size = segment->sector_size;
    s->window_at = UINT64_MAX;
    s->window = calloc(1, WINDOW);
    if (!s->window)
        return cn_fail(err, CN_E_NO_MEMORY, CN_NO_OFFSET, "no memory");
    int r = cn_luks_cipher_new(segment->cipher, key, &s->cipher, err);
    if (r == CN_OK)
        *out = CN_TAKE(owner);
    return r;
}

/* --- Segments, one behind the other. Nearly always one; more while a disk is being re-encrypted. */

typedef struct joined_src {
    cn_src base;
    cn_src *parts[CN_LUKS_SEGMENTS_MAX];
    size_t n;
} joined_src;

static int joined_read(cn_src *src, uint64_t offset, void *out, size_t n, cn_err *err)
{
    const joined_src *s = (const joined_src *) src;
    int first = CN_OK;
    for (size_t i = 0; i < s->n && n; i++) {
        uint64_t size = s->parts[i]->size;
        if (offset >= size) {
            offset -= size;
            continue;
        }
        size_t here = (size_t) CN_MIN((uint64_t) n, size - offset);
        int r = cn_src_read(s->parts[i], offset, out, here, first ? NULL : err);
        if (first == CN_OK)
            first = r;
        out = (char *) out + here;
        n -= here;
        offset = 0;
    }
    return first;
}

static void joined_close(cn_src *src)
{
    joined_src *s = (joined_src *) src;
    for (size_t i = 0; i < s->n; i++)
        cn_src_close(s->parts[i]);
    free(s);
}

static const cn_src_ops joined_ops = {joined_read, NULL, joined_close};

static int open_segment(cn_src *medium, const cn_luks_segment *segment, cn_span key, cn_src **out,
                        cn_err *err)
{
    if (segment->offset >= medium->size)
        return cn_fail(err, CN_E_TRUNCATED, medium->size,
                       "the image ends before the encrypted content");
    uint64_t size = CN_MIN(segment->size, medium->size - segment->offset);
    if (segment->encrypted)
        return open_crypt(medium, segment, size, key, out, err);
    *out = cn_src_window(medium, segment->offset, size);
    return *out ? CN_OK : cn_fail(err, CN_E_NO_MEMORY, CN_NO_OFFSET, "no memory");
}

static int open_content(cn_src *medium, const cn_luks_header *h, cn_span key, cn_src **out,
                        cn_err *err)
{
    if (h->n_segments == 1)
        return open_segment(medium, &h->segments[0], key, out, err);
    joined_src *s = calloc(1, sizeof *s);
    if (!s)
        return cn_fail(err, CN_E_NO_MEMORY, CN_NO_OFFSET, "no memory");
    s->base = (cn_src){&joined_ops, 0, 512, "luks"};
    CN_CLEANUP(cn_src_close_p) cn_src *owner = &s->base;
    for (size_t i = 0; i < h->n_segments; i++) {
        int r = open_segment(medium, &h->segments[i], key, &s->parts[i], err);
        if (r != CN_OK)
            return r;
        s->n++;
        s->base.size += s->parts[i]->size;
    }
    *out = CN_TAKE(owner);
    return CN_OK;
}

/* --- The volume system. */

static unsigned probe(cn_src *src) { return cn_luks_is_header(src) ? 64 : 0; }

static int find_key(cn_src *src, const cn_luks_header *h, const cn_volume_keys *keys,
                    cn_volume_key *out, cn_err *err)
{
    for (size_t i = 0; i < keys->n_known; i++)
        if (strcmp(keys->known[i].id, h->uuid) == 0 &&
            cn_luks_key_fits(h, cn_span_of(keys->known[i].bytes, keys->known[i].n))) {
            *out = keys->known[i];
            return CN_OK;
        }
    if (keys->known_only)
        return cn_fail(err, CN_E_LOCKED, CN_NO_OFFSET,
                       "encrypted (LUKS %u, %.60s), and the passphrase does not open it",
                       h->version, h->segments[0].cipher);
    if (!keys->has_passphrase)
        return cn_fail(
            err, CN_E_LOCKED, CN_NO_OFFSET,
            "encrypted (LUKS %u, %.60s) and no passphrase: --passphrase-file or CAIRN_PASSPHRASE",
            h->version, h->segments[0].cipher);
    snprintf(out->id, sizeof out->id, "%s", h->uuid);
    return cn_luks_unlock(src, h, keys->passphrase, out->bytes, &out->n, err);
}

static int open_luks(cn_src *src, const cn_volume_keys *keys, cn_volumes **out, cn_err *err)
{
    cn_luks_header h;
    int r = cn_luks_read_header(src, &h, err);
    if (r != CN_OK)
        return r;
    CN_CLEANUP(cn_volumes_close_p) cn_volumes *v = cn_volumes_new("luks");
    cn_volume *volume = v ? cn_volumes_add(v) : NULL;
    if (!volume)
        return cn_fail(err, CN_E_NO_MEMORY, CN_NO_OFFSET, "no memory");
    if ((r = find_key(src, &h, keys, &v->key, err)) != CN_OK)
        return r;
    if (h.warning.code != CN_OK) {
        cn_while(&h.warning, "the second LUKS header is used");
        cn_volumes_warn(v, &h.warning);
    }
    snprintf(v->guid, sizeof v->guid, "%s", h.uuid);
    snprintf(v->label, sizeof v->label, "%s", h.label);
    snprintf(volume->name, sizeof volume->name, "luks");
    snprintf(volume->type, sizeof volume->type, "LUKS %u, %.60s", h.version, h.segments[0].cipher);
    volume->offset = h.segments[0].offset;
    if ((r = open_content(src, &h, cn_span_of(v->key.bytes, v->key.n), &volume->src, err)) != CN_OK)
        return r;
    volume->size = volume->src->size;
    *out = CN_TAKE(v);
    return CN_OK;
}

const cn_volume_ops cn_volume_luks_ops = {"luks", probe, open_luks};
