/* The superblock of ext2, ext3 and ext4: 1024 bytes at offset 1024, with copies at the start of
 * some block groups (docs/formats/ext.md, section 1).
 *
 *   offset size field                     offset size field
 *      0    4   inodes                       88   2   bytes of an inode
 *      4    4   blocks, low half             90   2   block group of this copy
 *     20    4   first data block             92  12   features: compatible, incompatible, read-only
 *     24    4   log2(block size) - 10       104  16   UUID
 *     32    4   blocks of a group           120  16   label
 *     40    4   inodes of a group           224   4   inode of the journal
 *     56    2   0xEF53                      232   4   first orphaned inode
 *     58    2   state                       254   2   bytes of a group descriptor
 *     76    4   revision                    260   4   first meta block group
 *     84    4   first free inode            336   4   blocks, high half
 *    576    8   inodes of the quotas        588   8   groups of the two backups (sparse_super2)
 *    620    4   inode of project quota      624   4   seed of the checksums
 *    640    4   inode of the orphan file   1020   4   CRC-32C of what stands before
 */
#include "base/crc32c.h"
#include "fs/ext/ext.h"

#define SUPER_BYTES  1024u
#define SUPER_OFFSET 1024u
#define MAGIC        0xEF53u

/* mke2fs takes 256 and more. */
#define BLOCKS_PER_GROUP_MIN 64u

/* A primary superblock has the magic and a dozen fields that must agree. A backup alone says less:
 * one of an earlier file system stays behind when the volume is formatted with another. */
#define BITS_PRIMARY 44u
#define BITS_BACKUP  10u

static void read_fields(cn_cur *c, cn_ext_super *s)
{
    uint32_t log_block;
    s->inodes_count = cn_cur_le32(c);
    s->blocks_count = cn_cur_le32(c);
    cn_cur_seek(c, 20);
    s->first_data_block = cn_cur_le32(c);
    log_block = cn_cur_le32(c);
    s->block_size = log_block <= 6 ? 1024u << log_block : 0;
    cn_cur_seek(c, 32);
    s->blocks_per_group = cn_cur_le32(c);
    cn_cur_seek(c, 40);
    s->inodes_per_group = cn_cur_le32(c);
    cn_cur_seek(c, 58);
    s->state = cn_cur_le16(c);
    cn_cur_seek(c, 76);
    s->revision = cn_cur_le32(c);
    cn_cur_seek(c, 84);
    s->first_inode = cn_cur_le32(c);
    s->inode_size = cn_cur_le16(c);
    s->block_group = cn_cur_le16(c);
    s->compat = cn_cur_le32(c);
    s->incompat = cn_cur_le32(c);
    s->ro_compat = cn_cur_le32(c);
    const uint8_t *uuid = cn_cur_bytes(c, sizeof s->uuid);
    const uint8_t *label = cn_cur_bytes(c, sizeof s->label);
    if (uuid && label) {
        memcpy(s->uuid, uuid, sizeof s->uuid);
        memcpy(s->label, label, sizeof s->label);
    }
    cn_cur_seek(c, 224);
    s->journal_inode = cn_cur_le32(c);
    cn_cur_seek(c, 232);
    s->last_orphan = cn_cur_le32(c);
    cn_cur_seek(c, 254);
    s->desc_size = cn_cur_le16(c);
    cn_cur_seek(c, 260);
    s->first_meta_bg = cn_cur_le32(c);
    cn_cur_seek(c, 336);
    uint64_t high = cn_cur_le32(c);
    cn_cur_seek(c, 576);
    s->quota_inodes[0] = cn_cur_le32(c);
    s->quota_inodes[1] = cn_cur_le32(c);
    cn_cur_seek(c, 588);
    s->backup_groups[0] = cn_cur_le32(c);
    s->backup_groups[1] = cn_cur_le32(c);
    cn_cur_seek(c, 620);
    s->quota_inodes[2] = cn_cur_le32(c);
    s->checksum_seed = cn_cur_le32(c);
    cn_cur_seek(c, 640);
    s->orphan_file_inode = cn_cur_le32(c);
    if (s->incompat & CN_EXT_INCOMPAT_64BIT)
        s->blocks_count |= high << 32;
}

/* What older revisions do not store, and what follows from the fields. False where they contradict
 * each other. */
static bool complete(cn_ext_super *s)
{
    if (s->revision == 0) {
        s->first_inode = 11;
        s->inode_size = 128;
    }
    if (!(s->incompat & CN_EXT_INCOMPAT_64BIT))
        s->desc_size = 32;
    if (s->incompat & CN_EXT_INCOMPAT_JOURNAL_DEV)
        return s->block_size != 0;
    bool power = (s->inode_size & (s->inode_size - 1)) == 0;
    bool desc_power = (s->desc_size & (s->desc_size - 1)) == 0;
    if (!s->block_size || s->inode_size < 128 || s->inode_size > s->block_size || !power ||
        s->desc_size < 32 || s->desc_size > 1024 || !desc_power ||
        s->blocks_per_group < BLOCKS_PER_GROUP_MIN ||
        s->inodes_per_group < s->block_size / s->inode_size ||
        s->inodes_per_group > s->block_size * 8 || s->first_data_block > 1 ||
        s->blocks_count <= s->first_data_block || !s->inodes_count)
        return false;
    uint64_t by_blocks =
        (s->blocks_count - s->first_data_block + s->blocks_per_group - 1) / s->blocks_per_group;
    uint64_t by_inodes =
        ((uint64_t) s->inodes_count + s->inodes_per_group - 1) / s->inodes_per_group;
    s->groups = (uint32_t) CN_MIN(by_blocks, by_inodes);
    /* Tables hold whole groups: a damaged count shows itself here. */
    return by_blocks == by_inodes && s->inodes_count % s->inodes_per_group == 0;
}

/* CN_E_NOT_FOUND: there is none at all. CN_E_CORRUPT: there is one that cannot be used. */
static int super_at(cn_src *src, uint64_t offset, cn_ext_super *out)
{
    uint8_t bytes[SUPER_BYTES];
    if (cn_src_read(src, offset, bytes, sizeof bytes, NULL) != CN_OK)
        return CN_E_NOT_FOUND;
    cn_cur c = cn_cur_of(cn_span_of(bytes, sizeof bytes), offset);
    cn_cur_seek(&c, 56);
    if (cn_cur_le16(&c) != MAGIC)
        return CN_E_NOT_FOUND;
    cn_ext_super s = {.offset = offset};
    cn_cur_seek(&c, 0);
    read_fields(&c, &s);
    cn_cur_seek(&c, SUPER_BYTES - 4);
    uint32_t stored = cn_cur_le32(&c);
    if (c.fail || !complete(&s))
        return CN_E_CORRUPT;
    if (!(s.incompat & CN_EXT_INCOMPAT_CSUM_SEED))
        s.checksum_seed = cn_crc32c(UINT32_MAX, cn_span_of(s.uuid, sizeof s.uuid));
    s.checksum_wrong = (s.ro_compat & CN_EXT_RO_METADATA_CSUM) &&
                       cn_crc32c(UINT32_MAX, cn_span_of(bytes, SUPER_BYTES - 4)) != stored;
    *out = s;
    return CN_OK;
}

/* The first backup that can be used: of block group 1, or 3, 5, 7 where that is gone, for each
 * block size that there is. mke2fs gives a group as many blocks as one block of bitmap has bits. */
static bool backup_find(cn_src *src, cn_ext_super *out)
{
    static const uint16_t groups[] = {1, 3, 5, 7, 9, 25, 27, 49, 81, 125, 243, 343};
    for (size_t i = 0; i < CN_LEN(groups); i++)
        for (uint32_t log = 0; log <= 6; log++) {
            uint64_t block_size = 1024u << log;
            uint64_t block = groups[i] * block_size * 8 + (log == 0 ? 1 : 0);
            cn_ext_super s;
            if (super_at(src, block * block_size, &s) == CN_OK && s.block_size == block_size &&
                s.block_group == groups[i] && !s.checksum_wrong)
                return *out = s, true;
        }
    return false;
}

unsigned cn_ext_super_probe(cn_src *src)
{
    cn_ext_super s;
    if (super_at(src, SUPER_OFFSET, &s) == CN_OK)
        return BITS_PRIMARY;
    return backup_find(src, &s) ? BITS_BACKUP : 0;
}

int cn_ext_super_find(cn_src *src, cn_ext_super *out, cn_err *err)
{
    cn_ext_super first, backup;
    int rc = super_at(src, SUPER_OFFSET, &first);
    if (rc == CN_OK && !first.checksum_wrong)
        return *out = first, CN_OK;
    /* A backup whose checksum holds is better than a first one whose does not. */
    if (backup_find(src, &backup) && (rc != CN_OK || (backup.ro_compat & CN_EXT_RO_METADATA_CSUM)))
        return *out = backup, CN_OK;
    if (rc == CN_OK)
        return *out = first, CN_OK;
    return cn_fail(err, rc == CN_E_NOT_FOUND ? CN_E_UNSUPPORTED : rc, SUPER_OFFSET,
                   rc == CN_E_NOT_FOUND
                       ? "no ext superblock"
                       : "the ext superblock contradicts itself, and there is no backup of it");
}
