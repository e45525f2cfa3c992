/* Block group descriptors and inode bitmaps (docs/formats/ext.md, section 2).
 *
 *   offset size field                       offset size field (descriptors of 64 bytes)
 *      4    4   block of the inode bitmap      36   4   its high half
 *      8    4   block of the inode table       40   4   its high half
 *     18    2   flags                          50   2   high half of the count
 *     26    2   CRC-32C of the inode bitmap    58   2   its high half
 *     28    2   inodes that were never used
 *     30    2   checksum of the descriptor
 */
#include "base/crc32c.h"
#include "fs/ext/ext.h"

#include <stdlib.h>

#define MENDED_MAX 200000u /* descriptors looked for in backups: 25 TiB of groups of 128 MiB */

/* CRC-16 with the polynomial 0x8005, reflected: descriptors of gdt_csum file systems. */
static uint16_t crc16(uint16_t crc, cn_span s)
{
    for (size_t i = 0; i < s.len; i++) {
        crc ^= s.p[i];
        for (int bit = 0; bit < 8; bit++)
            crc = (uint16_t) (crc & 1 ? (crc >> 1) ^ 0xA001 : crc >> 1);
    }
    return crc;
}

/* The checksum that a descriptor should have; its own two bytes are left out or taken as zero. */
static uint16_t descriptor_sum(const cn_ext_super *s, uint32_t group, cn_span desc)
{
    uint8_t number[4] = {(uint8_t) group, (uint8_t) (group >> 8), (uint8_t) (group >> 16),
                         (uint8_t) (group >> 24)};
    if (s->ro_compat & CN_EXT_RO_METADATA_CSUM) {
        uint32_t crc = cn_crc32c(s->checksum_seed, cn_span_of(number, 4));
        crc = cn_crc32c(crc, cn_span_sub(desc, 0, 30));
        crc = cn_crc32c(crc, CN_SPAN_LIT("\0\0"));
        return (uint16_t) cn_crc32c(crc, cn_span_sub(desc, 32, desc.len));
    }
    uint16_t crc = crc16(UINT16_MAX, cn_span_of(s->uuid, sizeof s->uuid));
    crc = crc16(crc, cn_span_of(number, 4));
    crc = crc16(crc, cn_span_sub(desc, 0, 30));
    return crc16(crc, cn_span_sub(desc, 32, desc.len));
}

static bool is_power_of(uint32_t n, uint32_t base)
{
    while (n % base == 0)
        n /= base;
    return n == 1;
}

/* Whether a group begins with a copy of the superblock. */
static bool has_super(const cn_ext_super *s, uint32_t group)
{
    if (group == 0)
        return true;
    if (s->compat & CN_EXT_COMPAT_SPARSE_SUPER2)
        return group == s->backup_groups[0] || group == s->backup_groups[1];
    if (group == 1 || !(s->ro_compat & CN_EXT_RO_SPARSE_SUPER))
        return true;
    return is_power_of(group, 3) || is_power_of(group, 5) || is_power_of(group, 7);
}

/* Where the descriptor of a group stands: with copy 0 in the first place, with 1 and more in the
 * backups. */
static uint64_t descriptor_offset(const cn_ext_super *s, uint32_t group, unsigned copy)
{
    static const uint8_t backups[] = {0, 1, 3, 5, 7, 9};
    uint32_t per_block = s->block_size / s->desc_size;
    uint32_t number = group / per_block;
    uint64_t block;
    if ((s->incompat & CN_EXT_INCOMPAT_META_BG) && number >= s->first_meta_bg) {
        /* In the first group of the meta group; its copies are in the second and the last. */
        uint32_t first = number * per_block;
        uint32_t at = copy == 0 ? first : copy == 1 ? first + 1 : first + per_block - 1;
        if (copy > 2 || at >= s->groups || at < first)
            return CN_NO_OFFSET;
        block = s->first_data_block + (uint64_t) at * s->blocks_per_group + has_super(s, at);
        if (at == 0 && s->first_data_block == 0 && s->block_size == 1024)
            block++;
    } else {
        if (copy >= CN_LEN(backups))
            return CN_NO_OFFSET;
        uint32_t at = backups[copy];
        if ((s->compat & CN_EXT_COMPAT_SPARSE_SUPER2) && copy > 0)
            at = copy <= 2 ? s->backup_groups[copy - 1] : 0;
        if (copy > 0 && (at == 0 || at >= s->groups || !has_super(s, at)))
            return CN_NO_OFFSET;
        block = s->first_data_block + (uint64_t) at * s->blocks_per_group + 1 + number;
        /* With clusters, group 0 begins at block 0 even where blocks are of 1 KiB and the
         * superblock is block 1. */
        if (at == 0 && s->first_data_block == 0 && s->block_size == 1024)
            block = 2 + (uint64_t) number;
    }
    uint64_t offset;
    if (!cn_mul(block, s->block_size, &offset))
        return CN_NO_OFFSET;
    return offset + (uint64_t) (group % per_block) * s->desc_size;
}

/* Reads one descriptor. CN_E_CORRUPT where its checksum fails or it points outside. */
static int decode(cn_ext *ext, uint32_t group, cn_span desc, uint64_t offset, cn_ext_group *out)
{
    const cn_ext_super *s = &ext->super;
    cn_cur c = cn_cur_of(desc, offset);
    cn_ext_group g = {0};
    cn_cur_seek(&c, 4);
    g.inode_bitmap = cn_cur_le32(&c);
    g.inode_table = cn_cur_le32(&c);
    cn_cur_seek(&c, 18);
    uint16_t flags = cn_cur_le16(&c);
    cn_cur_seek(&c, 26);
    g.bitmap_checksum = cn_cur_le16(&c);
    g.never_used = cn_cur_le16(&c);
    uint16_t stored = cn_cur_le16(&c);
    if (s->desc_size >= 64) {
        cn_cur_seek(&c, 36);
        g.inode_bitmap |= (uint64_t) cn_cur_le32(&c) << 32;
        g.inode_table |= (uint64_t) cn_cur_le32(&c) << 32;
        cn_cur_seek(&c, 50);
        g.never_used |= (uint32_t) cn_cur_le16(&c) << 16;
        cn_cur_seek(&c, 58);
        g.bitmap_checksum |= (uint32_t) cn_cur_le16(&c) << 16;
    }
    uint64_t table_blocks =
        ((uint64_t) s->inodes_per_group * s->inode_size + s->block_size - 1) / s->block_size;
    g.valid = g.inode_table > s->first_data_block && g.inode_table < s->blocks_count &&
              table_blocks <= s->blocks_count - g.inode_table;
    bool summed = s->ro_compat & (CN_EXT_RO_METADATA_CSUM | CN_EXT_RO_GDT_CSUM);
    bool wrong = c.fail || (summed && descriptor_sum(s, group, desc) != stored);
    g.uninit = summed && !wrong && (flags & CN_EXT_BG_INODE_UNINIT);
    if (!summed || wrong || g.never_used > s->inodes_per_group)
        g.never_used = 0;
    *out = g;
    return wrong || !g.valid ? CN_E_CORRUPT : CN_OK;
}

/* Looks for a good copy of a descriptor among the backups, whose counts are old but whose addresses
 * are right. */
static bool decode_backup(cn_ext *ext, uint32_t group, cn_ext_group *out)
{
    uint8_t bytes[1024];
    size_t size = CN_MIN(ext->super.desc_size, sizeof bytes);
    if (ext->mended++ > MENDED_MAX)
        return false;
    for (unsigned copy = 1; copy < 6; copy++) {
        uint64_t at = descriptor_offset(&ext->super, group, copy);
        if (at == CN_NO_OFFSET || cn_src_read(ext->fs.src, at, bytes, size, NULL) != CN_OK)
            continue;
        cn_ext_group g;
        if (decode(ext, group, cn_span_of(bytes, size), at, &g) != CN_OK)
            continue;
        g.never_used = 0;
        g.uninit = false;
        g.bitmap_checked = true; /* its sum there is an old one */
        return *out = g, true;
    }
    return false;
}

static void decode_or_mend(cn_ext *ext, uint32_t group, cn_span desc, uint64_t offset,
                           cn_ext_group *out)
{
    if (decode(ext, group, desc, offset, out) == CN_OK)
        return;
    bool usable = out->valid;
    if (decode_backup(ext, group, out))
        cn_ext_warn(ext, CN_E_CORRUPT, offset, 0,
                    "the descriptor of block group %u is damaged; its backup is used", group);
    else
        cn_ext_warn(ext, CN_E_CORRUPT, offset, 0, "the descriptor of block group %u is damaged%s",
                    group, usable ? "" : "; its inodes cannot be read");
}

/* The descriptors of a page lie side by side within each block of them. */
static int page_fill(cn_ext *ext, cn_ext_group_page *page, uint32_t first, cn_err *err)
{
    const cn_ext_super *s = &ext->super;
    if (!page->groups)
        page->groups = calloc(CN_EXT_GROUP_PAGE, sizeof *page->groups);
    uint8_t *bytes = malloc(s->block_size);
    page->first = UINT32_MAX;
    if (!page->groups || !bytes) {
        free(bytes);
        return cn_fail(err, CN_E_NO_MEMORY, CN_NO_OFFSET, "no memory for block groups");
    }
    uint32_t end = CN_MIN(s->groups - first, CN_EXT_GROUP_PAGE), per_block;
    per_block = s->block_size / s->desc_size;
    for (uint32_t i = 0; i < end;) {
        uint32_t here = CN_MIN(per_block - (first + i) % per_block, end - i);
        uint64_t at = descriptor_offset(s, first + i, 0);
        size_t want = (size_t) here * s->desc_size;
        memset(bytes, 0, want);
        size_t got = 0;
        int rc = at == CN_NO_OFFSET ? CN_E_CORRUPT
                                    : cn_src_read_some(ext->fs.src, at, bytes, want, &got, NULL);
        if (rc != CN_OK || got < want)
            cn_ext_warn(ext, CN_E_TRUNCATED, at, 0, "descriptors of block groups %u to %u are cut",
                        first + i, first + i + here - 1);
        for (uint32_t k = 0; k < here; k++) {
            cn_span desc = cn_span_of(bytes + (size_t) k * s->desc_size, s->desc_size);
            page->groups[i + k] = (cn_ext_group){0};
            if ((size_t) (k + 1) * s->desc_size <= got)
                decode_or_mend(ext, first + i + k, desc, at + (uint64_t) k * s->desc_size,
                               &page->groups[i + k]);
            else
                (void) decode_backup(ext, first + i + k, &page->groups[i + k]);
        }
        i += here;
    }
    free(bytes);
    page->first = first;
    return CN_OK;
}

static int group_get(cn_ext *ext, uint32_t group, cn_ext_group **out, cn_err *err)
{
    if (group >= ext->super.groups)
        return cn_fail(err, CN_E_CORRUPT, CN_NO_OFFSET, "there is no block group %u", group);
    uint32_t number = group / CN_EXT_GROUP_PAGE;
    cn_ext_group_page *page = &ext->group_pages[number % CN_EXT_GROUP_PAGES];
    if (!page->groups || page->first != number * CN_EXT_GROUP_PAGE) {
        int rc = page_fill(ext, page, number * CN_EXT_GROUP_PAGE, err);
        if (rc != CN_OK)
            return rc;
    }
    cn_ext_group *g = &page->groups[group % CN_EXT_GROUP_PAGE];
    if (!g->valid)
        return cn_fail(err, CN_E_CORRUPT, CN_NO_OFFSET,
                       "the descriptor of block group %u cannot be used", group);
    *out = g;
    return CN_OK;
}

int cn_ext_group_get(cn_ext *ext, uint32_t group, const cn_ext_group **out, cn_err *err)
{
    cn_ext_group *g = NULL;
    int rc = group_get(ext, group, &g, err);
    if (rc == CN_OK)
        *out = g;
    return rc;
}

/* Told once, as long as the descriptor is at hand. */
static void check_bitmap(cn_ext *ext, uint32_t group, cn_ext_group *g, cn_span map)
{
    const cn_ext_super *s = &ext->super;
    if (g->bitmap_checked || !cn_ext_has_checksums(ext))
        return;
    g->bitmap_checked = true;
    uint32_t sum = cn_crc32c(s->checksum_seed, map);
    uint32_t mask = s->desc_size >= 64 ? UINT32_MAX : UINT16_MAX;
    if ((sum & mask) != g->bitmap_checksum)
        cn_ext_warn(ext, CN_E_CORRUPT, g->inode_bitmap * s->block_size, 0,
                    "the inode bitmap of block group %u has a wrong checksum", group);
}

bool cn_ext_allocated(cn_ext *ext, uint32_t inode, bool *known)
{
    *known = false;
    const cn_ext_super *s = &ext->super;
    if (inode == 0 || inode > s->inodes_count)
        return false;
    uint32_t group = (inode - 1) / s->inodes_per_group, bit = (inode - 1) % s->inodes_per_group;
    cn_ext_group *g;
    if (group_get(ext, group, &g, NULL) != CN_OK)
        return false;
    *known = true;
    if (g->uninit)
        return false;
    if (cn_ext_block_read(ext, &ext->inode_bitmap, g->inode_bitmap, NULL) != CN_OK)
        return *known = false;
    check_bitmap(ext, group, g, cn_span_of(ext->inode_bitmap.bytes, s->inodes_per_group / 8));
    cn_cur c = cn_cur_of(cn_span_of(ext->inode_bitmap.bytes, s->block_size), 0);
    cn_cur_seek(&c, bit / 8);
    return cn_cur_u8(&c) >> (bit % 8) & 1;
}

void cn_ext_groups_free(cn_ext *ext)
{
    for (size_t i = 0; i < CN_EXT_GROUP_PAGES; i++)
        free(ext->group_pages[i].groups);
}
