/* QCOW2, versions 2 and 3 (QEMU, docs/interop/qcow2.txt). All numbers are big-endian.
 *
 *   offset size field
 *        0    4 magic "QFI\xfb"          4   4 version
 *        8    8 backing file name at    16   4 its length
 *       20    4 cluster bits, 9 to 21   24   8 size of the disk
 *       32    4 encryption: 0 none, 1 AES, 2 LUKS
 *       36    4 entries of the L1 table 40   8 L1 table at
 *  v3:  72    8 incompatible features  100   4 length of this header   104 1 compression: 0
 * deflate, 1 zstd behind it: extensions, each type(4) length(4) data padded to 8; 0 ends them
 *
 * An L1 entry gives the cluster of an L2 table, an L2 entry that of the disk's content; 0: not
 * here, but in the backing file, or zeros without one. libqcow is not used because it hands out old
 * bytes for clusters that are marked as zeros, and knows neither raw backing files nor zstd,
 * subclusters and external data files. */
#include "base/cur.h"
#include "img/image.h"
#include "img/inflate.h"

#include <stdlib.h>

#define HEADER_MAX       4096u
#define L1_MAX           (CN_MIB(32) / 8) /* entries, as QEMU allows */
#define TABLES           64u              /* L2 tables kept: 32 GiB of disk at 64 KiB clusters */
#define EXTENSION_DATA   0x44415441u      /* name of the external data file */
#define FEATURE_DIRTY    1u
#define FEATURE_CORRUPT  2u
#define FEATURE_DATA     4u
#define FEATURE_COMPRESS 8u
#define FEATURE_L2       16u
#define ENTRY_OFFSET     0x00fffffffffffe00u
#define ENTRY_COMPRESSED (UINT64_C(1) << 62)
#define ENTRY_ZERO       1u
#define SUBCLUSTERS      32u

typedef struct header {
    uint32_t version, cluster_bits, crypt, l1_size, length;
    uint64_t size, l1_offset, features;
    bool zstd;
    char backing[1024], data[1024]; /* names; "" where there are none */
} header;

typedef struct table {
    uint64_t offset; /* in the file; 0: empty */
    uint64_t *entries;
} table;

typedef struct qcow2_src {
    cn_src base;
    header h;
    cn_src *file, *backing,
        *data; /* owned; backing NULL where there is none, data == file mostly */
    uint64_t *l1;
    size_t l1_n;
    uint64_t cluster_size, per_table;
    table tables[TABLES];
    uint8_t *cluster,
        *packed;            /* the last compressed cluster, decompressed; room for packed bytes */
    uint64_t cluster_entry; /* its L2 entry; 0: none */
} qcow2_src;

/* --- Header. */

static unsigned probe(const cn_files *files, size_t i, cn_src *raw)
{
    (void) files, (void) i;
    uint8_t head[8];
    if (raw->size < sizeof head || cn_src_read(raw, 0, head, sizeof head, NULL) != CN_OK)
        return 0;
    return memcmp(head, "QFI\xfb\0\0\0", 7) == 0 && head[7] >= 2 ? 64 : 0;
}

static int put_name(char out[1024], cn_span name, uint64_t offset, cn_err *err)
{
    if (name.len >= 1024 || (name.len && memchr(name.p, 0, name.len)))
        return cn_fail(err, CN_E_CORRUPT, offset, "QCOW2: the name of a file that it stands on");
    memcpy(out, name.p ? name.p : (const uint8_t *) "", name.len);
    out[name.len] = 0;
    return CN_OK;
}

static int read_extensions(cn_cur *c, header *h, cn_err *err)
{
    while (cn_cur_left(c) >= 8) {
        uint32_t type = cn_cur_be32(c), length = cn_cur_be32(c);
        if (type == 0)
            break;
        uint64_t at = cn_cur_offset(c);
        cn_span value = cn_cur_span(c, length);
        cn_cur_skip(c, (8 - length % 8) % 8);
        int r = cn_cur_check(c, err, "QCOW2 header extension");
        if (r == CN_OK && type == EXTENSION_DATA)
            r = put_name(h->data, value, at, err);
        if (r != CN_OK)
            return r;
    }
    return CN_OK;
}

static int check(const header *h, cn_err *err)
{
    if (h->version > 3)
        return cn_fail(err, CN_E_UNSUPPORTED, 4, "QCOW2 version %u", h->version);
    if (h->cluster_bits < 9 || h->cluster_bits > 21)
        return cn_fail(err, CN_E_CORRUPT, 20, "QCOW2: clusters of 2^%u bytes", h->cluster_bits);
    if (h->crypt)
        return cn_fail(err, CN_E_LOCKED, 32, "the QCOW2 image is encrypted (method %u)", h->crypt);
    if (h->features & ~(uint64_t) (FEATURE_DIRTY | FEATURE_CORRUPT | FEATURE_DATA |
                                   FEATURE_COMPRESS | FEATURE_L2))
        return cn_fail(err, CN_E_UNSUPPORTED, 72, "QCOW2 with features %llx that are not known",
                       (unsigned long long) h->features);
    if (h->size > INT64_MAX)
        return cn_fail(err, CN_E_CORRUPT, 24, "QCOW2: a disk of %llu bytes",
                       (unsigned long long) h->size);
    if ((h->features & FEATURE_L2) && h->cluster_bits < 14)
        return cn_fail(err, CN_E_CORRUPT, 20, "QCOW2: clusters too small for subclusters");
    return CN_OK;
}

static int read_header(cn_src *raw, header *h, cn_err *err)
{
    uint8_t bytes[HEADER_MAX];
    size_t n = 0;
    int r = cn_src_read_some(raw, 0, bytes, sizeof bytes, &n, err);
    if (r != CN_OK)
        return r;
    cn_cur c = cn_cur_of(cn_span_of(bytes, n), 0);
    *h = (header){.length = 72};
    cn_cur_skip(&c, 4);
    h->version = cn_cur_be32(&c);
    uint64_t backing_at = cn_cur_be64(&c);
    uint32_t backing_len = cn_cur_be32(&c);
    h->cluster_bits = cn_cur_be32(&c);
    h->size = cn_cur_be64(&c);
    h->crypt = cn_cur_be32(&c);
    h->l1_size = cn_cur_be32(&c);
    h->l1_offset = cn_cur_be64(&c);
    if (h->version >= 3) {
        cn_cur_seek(&c, 72);
        h->features = cn_cur_be64(&c);
        cn_cur_seek(&c, 100);
        h->length = cn_cur_be32(&c);
        if (h->length > 104)
            h->zstd = cn_cur_u8(&c) == 1;
    }
    cn_cur_seek(&c, h->length);
    if ((r = cn_cur_check(&c, err, "QCOW2 header")) != CN_OK || (r = check(h, err)) != CN_OK)
        return r;
    /* The extensions go as far as the backing file's name. */
    size_t from = c.pos, end = backing_at ? (size_t) CN_MIN(backing_at, (uint64_t) n) : n;
    cn_cur extensions = cn_cur_of(cn_span_of(bytes + from, end > from ? end - from : 0), from);
    if ((r = read_extensions(&extensions, h, err)) != CN_OK || backing_at == 0)
        return r;
    char name[1024];
    if (backing_len >= sizeof name)
        return cn_fail(err, CN_E_CORRUPT, 16, "QCOW2: a backing file's name of %u bytes",
                       backing_len);
    if ((r = cn_src_read(raw, backing_at, name, backing_len, err)) != CN_OK)
        return r;
    return put_name(h->backing, cn_span_of(name, backing_len), backing_at, err);
}

static int names(cn_src *raw, cn_names *out, cn_err *err)
{
    header h;
    int r = read_header(raw, &h, err);
    if (r == CN_OK && h.backing[0])
        r = cn_names_add(out, cn_span_str(h.backing), true, err);
    if (r == CN_OK && (h.features & FEATURE_DATA) && h.data[0])
        r = cn_names_add(out, cn_span_str(h.data), false, err);
    return r;
}

/* --- Tables. */

static int read_table(cn_src *file, uint64_t offset, uint64_t *out, size_t n, cn_err *err)
{
    int r = cn_src_read(file, offset, out, n * 8, err);
    for (size_t i = 0; r == CN_OK && i < n; i++)
        out[i] = __builtin_bswap64(out[i]);
    return r;
}

/* The L2 table at `offset`, from the cache or the file. Borrowed until the next call. */
static int find_table(qcow2_src *s, size_t l1_index, uint64_t offset, const uint64_t **out,
                      cn_err *err)
{
    table *t = &s->tables[l1_index % TABLES];
    if (t->offset != offset) {
        if (!t->entries && !(t->entries = malloc(s->cluster_size)))
            return cn_fail(err, CN_E_NO_MEMORY, CN_NO_OFFSET, "no memory");
        t->offset = 0;
        if (offset % s->cluster_size)
            return cn_fail(err, CN_E_CORRUPT, offset, "QCOW2: an L2 table that is not aligned");
        int r = read_table(s->file, offset, t->entries, s->cluster_size / 8, err);
        if (r != CN_OK) {
            cn_while(err, "QCOW2: L2 table %zu", l1_index);
            return r;
        }
        t->offset = offset;
    }
    *out = t->entries;
    return CN_OK;
}

/* Where a stretch of the disk is. */
typedef enum place { HERE, ZEROS, BELOW, PACKED } place;
typedef struct stretch {
    place place;
    uint64_t at;   /* HERE: offset in the data file; PACKED: the L2 entry */
    uint64_t left; /* bytes from the asked offset on that are known to be there */
} stretch;

/* Subclusters: bits 0 to 31 allocated, 32 to 63 zeros. */
static void locate_subcluster(const qcow2_src *s, uint64_t entry, uint64_t bitmap,
                              uint64_t in_cluster, stretch *out)
{
    uint64_t size = s->cluster_size / SUBCLUSTERS, i = in_cluster / size;
    out->left = size - in_cluster % size;
    bool zero = (bitmap >> (32 + i)) & 1, here = (bitmap >> i) & 1;
    out->place = zero ? ZEROS : here ? HERE : BELOW;
    out->at = (entry & ENTRY_OFFSET) + in_cluster;
}

static int locate(qcow2_src *s, uint64_t offset, stretch *out, cn_err *err)
{
    uint64_t cluster = offset / s->cluster_size, in_cluster = offset % s->cluster_size;
    uint64_t l1_index = cluster / s->per_table, l2_index = cluster % s->per_table;
    uint64_t at = s->l1[l1_index] & ENTRY_OFFSET;
    if (at == 0) {
        *out = (stretch){BELOW, 0, (s->per_table - l2_index) * s->cluster_size - in_cluster};
        return CN_OK;
    }
    const uint64_t *entries = NULL;
    int r = find_table(s, l1_index, at, &entries, err);
    if (r != CN_OK)
        return r;
    bool wide = s->h.features & FEATURE_L2;
    uint64_t entry = entries[wide ? l2_index * 2 : l2_index];
    *out = (stretch){BELOW, entry, s->cluster_size - in_cluster};
    if (entry & ENTRY_COMPRESSED)
        out->place = PACKED;
    else if (wide)
        locate_subcluster(s, entry, entries[l2_index * 2 + 1], in_cluster, out);
    else if (s->h.version >= 3 && (entry & ENTRY_ZERO))
        out->place = ZEROS;
    else if (entry & ENTRY_OFFSET || (s->data != s->file && (entry >> 63))) {
        out->place = HERE;
        out->at = (entry & ENTRY_OFFSET) + in_cluster;
    }
    return CN_OK;
}

/* --- Content. */

static int unpack(qcow2_src *s, uint64_t entry, cn_err *err)
{
    if (s->cluster_entry == entry)
        return CN_OK;
    uint32_t bits = 62 - (s->h.cluster_bits - 8);
    uint64_t at = entry & ((UINT64_C(1) << bits) - 1);
    uint64_t sectors = ((entry & (ENTRY_COMPRESSED - 1)) >> bits) + 1;
    size_t want = (size_t) (sectors * 512 - at % 512), n = 0;
    if (!s->packed) {
        /* The count of sectors has cluster_bits - 8 bits: at most twice a cluster. */
        s->packed = malloc(2 * s->cluster_size + 512);
        s->cluster = malloc(s->cluster_size);
        if (!s->packed || !s->cluster)
            return cn_fail(err, CN_E_NO_MEMORY, CN_NO_OFFSET, "no memory");
    }
    s->cluster_entry = 0;
    int r = cn_src_read_some(s->file, at, s->packed, want, &n, err);
    if (r != CN_OK)
        return r;
    size_t size = (size_t) s->cluster_size;
    bool good = s->h.zstd ? cn_unzstd(cn_span_of(s->packed, n), s->cluster, size)
                          : cn_inflate(cn_span_of(s->packed, n), s->cluster, size);
    if (!good)
        return cn_fail(err, n < want ? CN_E_TRUNCATED : CN_E_CORRUPT, at,
                       "QCOW2: a compressed cluster cannot be unpacked");
    s->cluster_entry = entry;
    return CN_OK;
}

static int read_below(qcow2_src *s, uint64_t offset, uint8_t *out, size_t n, cn_err *err)
{
    size_t got = 0;
    int r = s->backing ? cn_src_read_some(s->backing, offset, out, n, &got, err) : CN_OK;
    if (r != CN_OK)
        got = n; /* what could be read of them is there, the rest is zeros */
    memset(out + got, 0, n - got);
    return r;
}

static int read_stretch(qcow2_src *s, uint64_t offset, const stretch *where, uint8_t *out, size_t n,
                        cn_err *err)
{
    int r;
    switch (where->place) {
    case HERE:
        r = cn_src_read(s->data, where->at, out, n, err);
        if (r == CN_E_TRUNCATED && where->at >= s->data->size)
            memset(out, 0, n);
        else if (r == CN_E_TRUNCATED && n > s->data->size - where->at) {
            size_t there = (size_t) (s->data->size - where->at);
            memset(out + there, 0, n - there);
            if (cn_src_read(s->data, where->at, out, there, NULL) != CN_OK)
                memset(out, 0, there);
        }
        return r;
    case BELOW:
        return read_below(s, offset, out, n, err);
    case PACKED:
        r = unpack(s, where->at, err);
        if (r == CN_OK)
            memcpy(out, s->cluster + offset % s->cluster_size, n);
        else
            memset(out, 0, n);
        return r;
    default:
        memset(out, 0, n);
        return CN_OK;
    }
}

static int qcow2_read(cn_src *src, uint64_t offset, void *out, size_t n, cn_err *err)
{
    qcow2_src *s = (qcow2_src *) src;
    int first = CN_OK;
    for (size_t done = 0; done < n;) {
        stretch where;
        cn_err *to = first == CN_OK ? err : NULL;
        uint8_t *at = (uint8_t *) out + done;
        int r = locate(s, offset + done, &where, to);
        size_t here = n - done;
        if (r != CN_OK) {
            here = (size_t) CN_MIN(s->cluster_size - (offset + done) % s->cluster_size,
                                   (uint64_t) here);
            memset(at, 0, here);
        } else {
            here = (size_t) CN_MIN(where.left, (uint64_t) here);
            r = read_stretch(s, offset + done, &where, at, here, to);
        }
        if (r != CN_OK && first == CN_OK) {
            first = r;
            if (err) {
                cn_while(err, "at %llu of the image file", (unsigned long long) err->offset);
                err->offset = offset + done;
            }
        }
        done += here;
    }
    return first;
}

static uint64_t qcow2_next_data(cn_src *src, uint64_t offset)
{
    qcow2_src *s = (qcow2_src *) src;
    while (offset < src->size) {
        stretch where;
        if (locate(s, offset, &where, NULL) != CN_OK || where.place == HERE ||
            where.place == PACKED)
            return offset;
        if (where.place == BELOW && s->backing && offset < s->backing->size) {
            uint64_t below = cn_src_next_data(s->backing, offset);
            if (below < s->backing->size && below - offset < where.left)
                return below;
        }
        offset += where.left;
    }
    return src->size;
}

static void qcow2_close(cn_src *src)
{
    qcow2_src *s = (qcow2_src *) src;
    for (size_t i = 0; i < TABLES; i++)
        free(s->tables[i].entries);
    free(s->l1);
    free(s->cluster);
    free(s->packed);
    if (s->data != s->file)
        cn_src_close(s->data);
    cn_src_close(s->file);
    cn_src_close(s->backing);
    free(s);
}

static const cn_src_ops qcow2_ops = {qcow2_read, qcow2_next_data, qcow2_close};

/* --- Opening. */

static int open_other(const cn_files *files, size_t i, unsigned depth, const char *name, bool image,
                      cn_src **out, cn_err *err)
{
    size_t at = cn_files_find(files, i, name);
    if (at == SIZE_MAX)
        return cn_fail(err, CN_E_NOT_FOUND, CN_NO_OFFSET, "'%s', which it stands on, is not there",
                       name);
    return image ? cn_image_open_at(files, at, depth + 1, out, err)
                 : cn_image_bytes(files, at, out, err);
}

static int open_others(const cn_files *files, size_t i, unsigned depth, qcow2_src *s, cn_err *err)
{
    int r = CN_OK;
    if (s->h.backing[0])
        r = open_other(files, i, depth, s->h.backing, true, &s->backing, err);
    if (r == CN_OK && (s->h.features & FEATURE_DATA)) {
        if (!s->h.data[0])
            return cn_fail(err, CN_E_UNSUPPORTED, 72,
                           "QCOW2 with a data file that it does not name");
        cn_src *data = NULL;
        r = open_other(files, i, depth, s->h.data, false, &data, err);
        if (r == CN_OK)
            s->data = data;
    }
    return r;
}

static int read_l1(qcow2_src *s, cn_err *err)
{
    uint64_t need = s->h.size / s->cluster_size + (s->h.size % s->cluster_size != 0);
    need = need / s->per_table + (need % s->per_table != 0);
    if (need > L1_MAX)
        return cn_fail(err, CN_E_LIMIT, 24, "QCOW2: an L1 table of %llu entries",
                       (unsigned long long) need);
    if (s->h.l1_size < need)
        return cn_fail(err, CN_E_CORRUPT, 36, "QCOW2: the L1 table is too short for the disk");
    s->l1_n = (size_t) need;
    s->l1 = calloc(s->l1_n + 1, 8);
    if (!s->l1)
        return cn_fail(err, CN_E_NO_MEMORY, CN_NO_OFFSET, "no memory");
    int r = read_table(s->file, s->h.l1_offset, s->l1, s->l1_n, err);
    if (r != CN_OK)
        cn_while(err, "QCOW2: L1 table");
    return r;
}

static int open_qcow2(const cn_files *files, size_t i, unsigned depth, cn_src **out, cn_err *err)
{
    qcow2_src *s = calloc(1, sizeof *s);
    if (!s)
        return cn_fail(err, CN_E_NO_MEMORY, CN_NO_OFFSET, "no memory");
    s->base = (cn_src){&qcow2_ops, 0, 512, "qcow2"};
    CN_CLEANUP(cn_src_close_p) cn_src *owner = &s->base;
    int r = cn_image_bytes(files, i, &s->file, err);
    if (r != CN_OK)
        return r;
    s->data = s->file;
    if ((r = read_header(s->file, &s->h, err)) != CN_OK)
        return r;
    s->base.size = s->h.size;
    s->cluster_size = UINT64_C(1) << s->h.cluster_bits;
    s->per_table = s->cluster_size / ((s->h.features & FEATURE_L2) ? 16 : 8);
    if ((r = read_l1(s, err)) != CN_OK || (r = open_others(files, i, depth, s, err)) != CN_OK)
        return r;
    *out = CN_TAKE(owner);
    return CN_OK;
}

const cn_image_reader cn_image_qcow2 = {
    .name = "qcow2", .probe = probe, .names = names, .open = open_qcow2};
