/* Partition table of the Master Boot Record, with extended partitions.
 *
 *   offset size field
 *      440    4 disk signature
 *      446 4x16 entries: status(1: 0 or 0x80) CHS(3) type(1) CHS(3) first sector(4) sectors(4)
 *      510    2 0x55 0xaa
 *
 * An extended partition begins with a record of the same form: entry 0 is a logical partition, its
 * first sector counted from this record; entry 1 leads to the next record, counted from the
 * extended partition's start. */
#include "base/cur.h"
#include "vol/partition.h"

#include <stdio.h>

#define LOGICAL_MAX 512u /* records of a chain; Linux stops at 256 */

typedef struct entry {
    uint8_t status, type;
    uint32_t first, count; /* sectors */
} entry;

typedef struct record {
    uint32_t signature;
    entry entries[4];
} record;

static int read_record(cn_src *src, uint64_t offset, record *out, cn_err *err)
{
    uint8_t bytes[512];
    int r = cn_src_read(src, offset, bytes, sizeof bytes, err);
    if (r != CN_OK)
        return r;
    cn_cur c = cn_cur_of(cn_span_of(bytes, sizeof bytes), offset);
    cn_cur_seek(&c, 440);
    out->signature = cn_cur_le32(&c);
    cn_cur_skip(&c, 2);
    for (size_t i = 0; i < 4; i++) {
        entry *e = &out->entries[i];
        e->status = cn_cur_u8(&c);
        cn_cur_skip(&c, 3);
        e->type = cn_cur_u8(&c);
        cn_cur_skip(&c, 3);
        e->first = cn_cur_le32(&c);
        e->count = cn_cur_le32(&c);
    }
    if (cn_cur_le16(&c) != 0xaa55)
        return cn_fail(err, CN_E_CORRUPT, offset + 510, "a partition record without its signature");
    return cn_cur_check(&c, err, "partition record");
}

/* The boot sector of a file system has the same signature, and code or text where the table would
 * be. */
static bool is_boot_sector(cn_src *src)
{
    uint8_t b[96];
    if (cn_src_read(src, 0, b, sizeof b, NULL) != CN_OK)
        return true;
    return memcmp(b + 3, "NTFS    ", 8) == 0 || memcmp(b + 3, "EXFAT   ", 8) == 0 ||
           memcmp(b + 3, "-FVE-FS-", 8) == 0 || memcmp(b + 54, "FAT", 3) == 0 ||
           memcmp(b + 82, "FAT32", 5) == 0;
}

static unsigned probe(cn_src *src)
{
    record rec;
    unsigned used = 0;
    if (src->size < 1024 || read_record(src, 0, &rec, NULL) != CN_OK || is_boot_sector(src))
        return 0;
    for (size_t i = 0; i < 4; i++) {
        const entry *e = &rec.entries[i];
        if (e->status & 0x7f)
            return 0;
        if (e->type == 0)
            continue;
        if (e->first == 0 || e->count == 0 || e->first >= src->size / 512)
            return 0;
        used++;
    }
    return used ? 16 + 4 * used : 0;
}

static bool is_extended(uint8_t type) { return type == 0x05 || type == 0x0f || type == 0x85; }

static const char *type_name(uint8_t type)
{
    static const struct {
        uint8_t type;
        const char *name;
    } names[] = {
        {0x01, "FAT12"},
        {0x04, "FAT16"},
        {0x05, "extended"},
        {0x06, "FAT16"},
        {0x07, "NTFS or exFAT"},
        {0x0b, "FAT32"},
        {0x0c, "FAT32"},
        {0x0e, "FAT16"},
        {0x0f, "extended"},
        {0x11, "hidden FAT12"},
        {0x17, "hidden NTFS"},
        {0x1b, "hidden FAT32"},
        {0x27, "Windows recovery"},
        {0x39, "Plan 9"},
        {0x41, "PReP boot"},
        {0x42, "Windows dynamic disk"},
        {0x63, "Unix"},
        {0x82, "Linux swap"},
        {0x83, "Linux"},
        {0x85, "Linux extended"},
        {0x8e, "Linux LVM"},
        {0xa5, "FreeBSD"},
        {0xa6, "OpenBSD"},
        {0xa8, "macOS UFS"},
        {0xa9, "NetBSD"},
        {0xaf, "HFS+"},
        {0xbf, "Solaris"},
        {0xda, "no file system"},
        {0xee, "GPT protective"},
        {0xef, "EFI system"},
        {0xfb, "VMware VMFS"},
        {0xfd, "Linux RAID"},
    };
    for (size_t i = 0; i < CN_LEN(names); i++)
        if (names[i].type == type)
            return names[i].name;
    return "unknown";
}

static int add(cn_volumes *v, cn_src *src, uint32_t number, uint64_t base, const entry *e,
               cn_err *err)
{
    cn_volume *part;
    int r = cn_partition_add(v, src, number, (base + e->first) * v->sector_size,
                             (uint64_t) e->count * v->sector_size, &part, err);
    if (r == CN_OK)
        snprintf(part->type, sizeof part->type, "0x%02x %s", e->type, type_name(e->type));
    return r;
}

/* The chain of one extended partition. What is wrong ends the chain and is a warning: what came
 * before stays. */
static int read_chain(cn_volumes *v, cn_src *src, const entry *extended, uint32_t *number,
                      cn_err *err)
{
    uint64_t seen[LOGICAL_MAX], at = extended->first;
    cn_err warning = CN_ERR_INIT;
    for (size_t n = 0;; n++) {
        for (size_t i = 0; i < n; i++)
            if (seen[i] == at)
                cn_fail(&warning, CN_E_CORRUPT, at * v->sector_size,
                        "the chain of logical partitions comes back to where it was");
        if (warning.code == CN_OK && n == LOGICAL_MAX)
            cn_fail(&warning, CN_E_LIMIT, at * v->sector_size, "more than %u logical partitions",
                    LOGICAL_MAX);
        record rec;
        if (warning.code != CN_OK || read_record(src, at * v->sector_size, &rec, &warning) != CN_OK)
            break;
        seen[n] = at;
        const entry *logical = &rec.entries[0], *next = &rec.entries[1];
        if (logical->type && logical->count) {
            int r = add(v, src, (*number)++, at, logical, err);
            if (r != CN_OK)
                return r;
        }
        if (!is_extended(next->type) || next->count == 0)
            return CN_OK;
        at = (uint64_t) extended->first + next->first;
    }
    cn_while(&warning, "extended partition");
    cn_volumes_warn(v, &warning);
    return CN_OK;
}

static int open_mbr(cn_src *src, const cn_volume_keys *keys, cn_volumes **out, cn_err *err)
{
    (void) keys;
    record rec;
    int r = read_record(src, 0, &rec, err);
    if (r != CN_OK)
        return r;
    CN_CLEANUP(cn_volumes_close_p) cn_volumes *v = cn_volumes_new("mbr");
    if (!v)
        return cn_fail(err, CN_E_NO_MEMORY, CN_NO_OFFSET, "no memory");
    v->sector_size = src->sector_size == 4096 ? 4096 : 512;
    snprintf(v->guid, sizeof v->guid, "%08x", rec.signature);
    uint32_t logical = 5;
    for (uint32_t i = 0; r == CN_OK && i < 4; i++) {
        const entry *e = &rec.entries[i];
        if (e->type == 0 || e->count == 0)
            continue;
        r = is_extended(e->type) ? read_chain(v, src, e, &logical, err)
                                 : add(v, src, i + 1, 0, e, err);
    }
    if (r != CN_OK)
        return r;
    cn_partition_check_overlap(v);
    *out = CN_TAKE(v);
    return CN_OK;
}

const cn_volume_ops cn_volume_mbr_ops = {"mbr", probe, open_mbr};
