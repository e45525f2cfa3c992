/* GUID Partition Table (UEFI 2.10, chapter 5). Sectors of 512 or 4096 bytes; a header stands in
 * sector 1 and, as a backup, in the last sector.
 *
 *   offset size header                      offset size entry
 *        0    8 "EFI PART"                       0   16 type
 *       12    4 size of this header             16   16 its own GUID
 *       16    4 CRC-32 of it, this as zeros     32    8 first sector
 *       24    8 its own sector                  40    8 last sector
 *       32    8 sector of the other header      48    8 attributes
 *       56   16 GUID of the disk                56   72 name, UTF-16
 *       72    8 sector of the entries
 *       80    4 entries  84 4 size of one  88 4 CRC-32 of them all */
#include "base/buf.h"
#include "base/cur.h"
#include "vol/partition.h"

#include <libdeflate.h>
#include <stdio.h>
#include <stdlib.h>

#define HEADER_SIZE 92u
#define ENTRY_SIZE  128u
#define TABLE_MAX   CN_MIB(4) /* bytes of entries; 16 KiB is usual */

typedef struct header {
    uint64_t at; /* bytes, where it stands */
    uint32_t sector;
    uint64_t own, other, entries;
    uint32_t n, entry_size, crc;
    uint8_t guid[16];
} header;

/* One of the two tables as it was found. */
typedef struct table {
    bool found;  /* its signature is there */
    bool good;   /* and it is whole */
    bool usable; /* or at least its header is, and its entries can be read */
    header h;
    uint8_t *bytes; /* the entries; owned */
    cn_err err;     /* why it is not good */
} table;

static bool has_signature(cn_src *src, uint64_t offset)
{
    char magic[8];
    return offset <= src->size && src->size - offset >= HEADER_SIZE &&
           cn_src_read(src, offset, magic, sizeof magic, NULL) == CN_OK &&
           memcmp(magic, "EFI PART", sizeof magic) == 0;
}

static bool is_protective(cn_src *src)
{
    uint8_t mbr[512];
    if (src->size < sizeof mbr || cn_src_read(src, 0, mbr, sizeof mbr, NULL) != CN_OK ||
        mbr[510] != 0x55 || mbr[511] != 0xaa)
        return false;
    for (size_t i = 0; i < 4; i++)
        if (mbr[446 + 16 * i + 4] == 0xee)
            return true;
    return false;
}

/* A backup alone may be what an earlier use of the disk has left: less sure than what else is
 * found. */
static unsigned probe(cn_src *src)
{
    if (has_signature(src, 512) || has_signature(src, 4096))
        return 64;
    if (is_protective(src))
        return 48;
    return (src->size >= 1024 && has_signature(src, src->size - 512)) ||
                   (src->size >= 8192 && has_signature(src, src->size - 4096))
               ? 16
               : 0;
}

static int read_header(cn_src *src, uint64_t at, uint32_t sector, header *h, cn_err *err)
{
    uint8_t bytes[4096];
    size_t n = 0;
    int r = cn_src_read_some(src, at, bytes, sector, &n, err);
    if (r != CN_OK)
        return r;
    cn_cur c = cn_cur_of(cn_span_of(bytes, n), at);
    *h = (header){.at = at, .sector = sector};
    cn_cur_skip(&c, 12);
    uint32_t size = cn_cur_le32(&c), crc = cn_cur_le32(&c);
    cn_cur_skip(&c, 4);
    h->own = cn_cur_le64(&c);
    h->other = cn_cur_le64(&c);
    cn_cur_skip(&c, 16);
    const uint8_t *guid = cn_cur_bytes(&c, 16);
    h->entries = cn_cur_le64(&c);
    h->n = cn_cur_le32(&c);
    h->entry_size = cn_cur_le32(&c);
    h->crc = cn_cur_le32(&c);
    if ((r = cn_cur_check(&c, err, "GPT header")) != CN_OK)
        return r;
    memcpy(h->guid, guid, 16);
    if (size < HEADER_SIZE || size > n)
        return cn_fail(err, CN_E_CORRUPT, at + 12, "a GPT header of %u bytes", size);
    memset(bytes + 16, 0, 4);
    if (!cn_sum_is_right(libdeflate_crc32(0, bytes, size) == crc))
        return cn_fail(err, CN_E_CORRUPT, at + 16, "the checksum of the GPT header is wrong");
    if (h->entry_size < ENTRY_SIZE || h->entry_size > 4096 || h->n == 0 ||
        h->n > TABLE_MAX / h->entry_size)
        return cn_fail(err, CN_E_CORRUPT, at + 80, "a GPT of %u entries of %u bytes", h->n,
                       h->entry_size);
    return CN_OK;
}

/* Reads the table whose header stands at `at`; the caller frees bytes. */
static table read_table(cn_src *src, uint64_t at, uint32_t sector)
{
    table t = {.found = has_signature(src, at), .err = CN_ERR_INIT};
    t.h.at = at;
    t.h.sector = sector;
    if (!t.found) {
        cn_fail(&t.err, CN_E_CORRUPT, at, "there is no GPT header");
        return t;
    }
    if (read_header(src, at, sector, &t.h, &t.err) != CN_OK)
        return t;
    size_t size = (size_t) t.h.n * t.h.entry_size;
    uint64_t from;
    t.bytes = malloc(size);
    if (!t.bytes) {
        cn_fail(&t.err, CN_E_NO_MEMORY, CN_NO_OFFSET, "no memory");
        return t;
    }
    if (!cn_mul(t.h.entries, sector, &from)) {
        cn_fail(&t.err, CN_E_CORRUPT, at + 72, "the entries of the GPT are nowhere");
        return t;
    }
    if (cn_src_read(src, from, t.bytes, size, &t.err) != CN_OK)
        return t;
    t.usable = true;
    if (!cn_sum_is_right(libdeflate_crc32(0, t.bytes, size) == t.h.crc))
        cn_fail(&t.err, CN_E_CORRUPT, from, "the checksum of the GPT's entries is wrong");
    else
        t.good = true;
    return t;
}

/* By where a header stands; else what the medium itself says. */
static uint32_t sector_size(cn_src *src)
{
    if (has_signature(src, 512))
        return 512;
    if (has_signature(src, 4096))
        return 4096;
    if (src->size >= 8192 && !has_signature(src, src->size - 512) &&
        has_signature(src, src->size - 4096))
        return 4096;
    return src->sector_size == 4096 ? 4096 : 512;
}

typedef struct known_type {
    const char *guid, *name;
} known_type;

static const known_type known_types[] = {
    {"c12a7328-f81f-11d2-ba4b-00a0c93ec93b", "EFI system"},
    {"21686148-6449-6e6f-744e-656564454649", "BIOS boot"},
    {"0fc63daf-8483-4772-8e79-3d69d8477de4", "Linux filesystem"},
    {"0657fd6d-a4ab-43c4-84e5-0933c84b4f4f", "Linux swap"},
    {"e6d6d379-f507-44c2-a23c-238f2a3df928", "Linux LVM"},
    {"a19d880f-05fc-4d3b-a006-743f0f84911e", "Linux RAID"},
    {"ca7d7ccb-63ed-4c53-861c-1742536059cc", "Linux LUKS"},
    {"4f68bce3-e8cd-4db1-96e7-fbcaf984b709", "Linux root x86-64"},
    {"b921b045-1df0-41c3-af44-4c6f280d3fae", "Linux root ARM64"},
    {"44479540-f297-41b2-9af7-d131d5f0458a", "Linux root x86"},
    {"69dad710-2ce4-4e3c-b16c-21a1d49abed3", "Linux root ARM"},
    {"bc13c2ff-59e6-4262-a352-b275fd6f7172", "Linux extended boot"},
    {"933ac7e1-2eb4-4f13-b844-0e14e2aef915", "Linux home"},
    {"3b8f8425-20e0-4f3b-907f-1a25a76f98e8", "Linux server data"},
    {"4d21b016-b534-45c2-a9fb-5c16e091fd2d", "Linux var"},
    {"8484680c-9521-48c6-9c11-b0720656f69e", "Linux usr x86-64"},
    {"9e1a2d38-c612-4316-aa26-8b49521e5a8b", "PReP boot"},
    {"ebd0a0a2-b9e5-4433-87c0-68b6b72699c7", "Microsoft basic data"},
    {"e3c9e316-0b5c-4db8-817d-f92df00215ae", "Microsoft reserved"},
    {"de94bba4-06d1-4d40-a16a-bfd50179d6ac", "Windows recovery"},
    {"5808c8aa-7e8f-42e0-85d2-e1e90434cfb3", "Windows LDM metadata"},
    {"af9b60a0-1431-4f62-bc68-3311714a69ad", "Windows LDM data"},
    {"48465300-0000-11aa-aa11-00306543ecac", "Apple HFS+"},
    {"7c3457ef-0000-11aa-aa11-00306543ecac", "Apple APFS"},
    {"516e7cb6-6ecf-11d6-8ff8-00022d09712b", "FreeBSD UFS"},
    {"516e7cba-6ecf-11d6-8ff8-00022d09712b", "FreeBSD ZFS"},
    {"6a898cc3-1dd2-11b2-99a6-080020736631", "Solaris usr or ZFS"},
};

static void put_type(cn_volume *part, const uint8_t guid[16])
{
    char text[40];
    cn_partition_guid(guid, text);
    const char *name = text;
    for (size_t i = 0; i < CN_LEN(known_types); i++)
        if (strcmp(known_types[i].guid, text) == 0)
            name = known_types[i].name;
    snprintf(part->type, sizeof part->type, "%s", name);
}

static void put_rune(cn_buf *out, uint32_t c)
{
    if (c < 0x80) {
        cn_buf_char(out, (char) c);
    } else if (c < 0x800) {
        cn_buf_char(out, (char) (0xc0 | c >> 6));
        cn_buf_char(out, (char) (0x80 | (c & 63)));
    } else if (c < 0x10000) {
        cn_buf_char(out, (char) (0xe0 | c >> 12));
        cn_buf_char(out, (char) (0x80 | (c >> 6 & 63)));
        cn_buf_char(out, (char) (0x80 | (c & 63)));
    } else {
        cn_buf_char(out, (char) (0xf0 | c >> 18));
        cn_buf_char(out, (char) (0x80 | (c >> 12 & 63)));
        cn_buf_char(out, (char) (0x80 | (c >> 6 & 63)));
        cn_buf_char(out, (char) (0x80 | (c & 63)));
    }
}

/* 36 units of UTF-16 at most, which is at most 108 bytes of UTF-8. */
static void put_label(cn_volume *part, cn_cur *c)
{
    CN_CLEANUP(cn_buf_free) cn_buf text = cn_buf_of(sizeof part->label);
    for (size_t i = 0; i < 36; i++) {
        uint32_t unit = cn_cur_le16(c);
        if (unit == 0)
            break;
        if (unit >= 0xd800 && unit < 0xdc00 && i + 1 < 36) {
            uint32_t low = cn_cur_le16(c);
            i++;
            unit = low >= 0xdc00 && low < 0xe000
                       ? 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00)
                       : 0xfffd;
        } else if (unit >= 0xd800 && unit < 0xe000) {
            unit = 0xfffd;
        }
        put_rune(&text, unit);
    }
    snprintf(part->label, sizeof part->label, "%s", cn_buf_cstr(&text));
}

static int add_entry(cn_volumes *v, cn_src *src, const table *t, uint32_t i, cn_err *err)
{
    static const uint8_t unused[16];
    uint64_t at = t->h.entries * t->h.sector + (uint64_t) i * t->h.entry_size, offset, end;
    cn_cur c = cn_cur_of(cn_span_of(t->bytes + (size_t) i * t->h.entry_size, t->h.entry_size), at);
    const uint8_t *type = cn_cur_bytes(&c, 16), *guid = cn_cur_bytes(&c, 16);
    uint64_t first = cn_cur_le64(&c), last = cn_cur_le64(&c);
    cn_cur_skip(&c, 8);
    int r = cn_cur_check(&c, err, "GPT entry");
    if (r != CN_OK || memcmp(type, unused, 16) == 0)
        return r;
    if (last < first || last == UINT64_MAX || !cn_mul(first, t->h.sector, &offset) ||
        !cn_mul(last + 1, t->h.sector, &end)) {
        cn_err warning = CN_ERR_INIT;
        cn_fail(&warning, CN_E_CORRUPT, at + 32, "partition %u goes from sector %llu to %llu",
                i + 1, (unsigned long long) first, (unsigned long long) last);
        cn_volumes_warn(v, &warning);
        return CN_OK;
    }
    cn_volume *part;
    if ((r = cn_partition_add(v, src, i + 1, offset, end - offset, &part, err)) != CN_OK)
        return r;
    put_type(part, type);
    cn_partition_guid(guid, part->guid);
    put_label(part, &c);
    return CN_OK;
}

static int add_entries(cn_volumes *v, cn_src *src, const table *t, cn_err *err)
{
    v->sector_size = t->h.sector;
    cn_partition_guid(t->h.guid, v->guid);
    int r = CN_OK;
    for (uint32_t i = 0; r == CN_OK && i < t->h.n; i++)
        r = add_entry(v, src, t, i, err);
    if (r == CN_OK)
        cn_partition_check_overlap(v);
    return r;
}

static void warn(cn_volumes *v, const table *t, const char *what)
{
    cn_err warning = t->err;
    cn_while(&warning, "%s", what);
    cn_volumes_warn(v, &warning);
}

/* A good table, the first before the backup; else one whose entries can be read at all. */
static int use_tables(cn_volumes *v, cn_src *src, const table *first, const table *backup,
                      cn_err *err)
{
    const table *use = first->good      ? first
                       : backup->good   ? backup
                       : first->usable  ? first
                       : backup->usable ? backup
                                        : NULL;
    if (!use)
        return cn_fail(err, CN_E_CORRUPT, first->err.offset,
                       "both GPTs are damaged: %.150s; at %llu, the backup: %.150s",
                       first->err.text, (unsigned long long) backup->h.at, backup->err.text);
    if (!first->good)
        warn(v, first, use == backup ? "the backup GPT is used" : "the damaged GPT is used");
    if (!backup->good)
        warn(v, backup, "the backup GPT");
    return add_entries(v, src, use, err);
}

static int open_gpt(cn_src *src, const cn_volume_keys *keys, cn_volumes **out, cn_err *err)
{
    (void) keys;
    uint32_t sector = sector_size(src);
    CN_CLEANUP(cn_volumes_close_p) cn_volumes *v = cn_volumes_new("gpt");
    if (!v)
        return cn_fail(err, CN_E_NO_MEMORY, CN_NO_OFFSET, "no memory");
    table first = read_table(src, sector, sector);
    /* The backup stands in the last sector, unless the disk was made larger: then where the first
     * says. */
    uint64_t last = src->size >= sector ? src->size / sector * sector - sector : 0, told;
    if (first.usable && !has_signature(src, last) && cn_mul(first.h.other, sector, &told) &&
        has_signature(src, told))
        last = told;
    table backup = read_table(src, last, sector);
    int r = use_tables(v, src, &first, &backup, err);
    free(first.bytes);
    free(backup.bytes);
    if (r == CN_OK)
        *out = CN_TAKE(v);
    return r;
}

const cn_volume_ops cn_volume_gpt_ops = {"gpt", probe, open_gpt};
