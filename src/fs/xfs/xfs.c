/* XFS, versions 4 and 5: superblock and the table of operations.
 *
 *   offset  size  field (chapter "Superblocks")
 *        0     4  magic "XFSB"            100  2  version in the low 4 bits
 *        4     4  block size              102  2  sector size
 *        8     8  blocks                  104  2  inode size
 *       32    16  UUID                    108 12  label
 *       56     8  root inode              120  1  log2 of the block size, then sector, inode,
 * inodes per block, ag blocks 64    16  bitmap, summary inode   160 16  user, group quota inode 84
 * 4  blocks of a group       192  1  log2 of directory block in blocks 88     4  groups 200  4
 * features2 208    16  compat, ro, incompat, log features (v5)      224  4  CRC-32C (v5) 232     8
 * project quota inode     248 16  metadata UUID (v5, with its feature)
 */
#include "base/crc32c.h"
#include "fs/xfs/xfs_internal.h"

enum {
    SB_BYTES = 512,
    SB_CRC_AT = 224,
    V4_FTYPE = 0x200, /* in features2 */
    INCOMPAT_FTYPE = 1,
    INCOMPAT_SPARSE = 2,
    INCOMPAT_META_UUID = 4,
    /* ftype, sparse, metauuid, bigtime, needsrepair, nrext64, exchrange, parent pointers */
    INCOMPAT_KNOWN = 0xff,
};

void xfs_warn(const cn_fs_visit *visit, int code, uint64_t offset, uint64_t inode, const char *text)
{
    if (visit && visit->warning)
        visit->warning(visit->context, &(cn_fs_warning){code, offset, inode, text});
}

bool xfs_crc_holds(cn_span bytes, size_t crc_at)
{
    static const uint8_t zeros[4];
    if (bytes.len < crc_at + 4)
        return false;
#ifdef CN_FUZZING
    return true; /* what lies behind a checksum is what wants finding */
#endif
    uint32_t crc = cn_crc32c(UINT32_MAX, cn_span_sub(bytes, 0, crc_at));
    crc = cn_crc32c(crc, cn_span_of(zeros, 4));
    crc = ~cn_crc32c(crc, cn_span_sub(bytes, crc_at + 4, bytes.len));
    cn_cur c = cn_cur_of(cn_span_sub(bytes, crc_at, 4), 0);
    return cn_cur_le32(&c) == crc;
}

static unsigned probe(cn_src *src)
{
    uint8_t magic[4];
    return src->size >= SB_BYTES && cn_src_read(src, 0, magic, 4, NULL) == CN_OK &&
                   memcmp(magic, "XFSB", 4) == 0
               ? 32
               : 0;
}

static void put_uuid(const uint8_t *u, char out[40])
{
    char *p = out;
    for (int i = 0; i < 16; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            *p++ = '-';
        *p++ = "0123456789abcdef"[u[i] >> 4];
        *p++ = "0123456789abcdef"[u[i] & 15];
    }
    *p = 0;
}

/* Decodes and checks one superblock. */
static int superblock(xfs *fs, cn_span sb, cn_err *err)
{
    cn_cur c = cn_cur_of(sb, 0);
    cn_cur_skip(&c, 4);
    fs->block_size = cn_cur_be32(&c);
    uint64_t blocks = cn_cur_be64(&c);
    cn_cur_seek(&c, 32);
    cn_span uuid = cn_cur_span(&c, 16);
    cn_cur_seek(&c, 56);
    fs->root = cn_cur_be64(&c);
    fs->internal[0] = cn_cur_be64(&c);
    fs->internal[1] = cn_cur_be64(&c);
    cn_cur_skip(&c, 4);
    fs->agblocks = cn_cur_be32(&c);
    fs->agcount = cn_cur_be32(&c);
    cn_cur_seek(&c, 100);
    unsigned version = cn_cur_be16(&c) & 15;
    unsigned sector_size = cn_cur_be16(&c);
    fs->inode_size = cn_cur_be16(&c);
    cn_cur_skip(&c, 2);
    cn_span label = cn_cur_text(&c, 12);
    fs->block_log = cn_cur_u8(&c);
    fs->sector_log = cn_cur_u8(&c);
    fs->inode_log = cn_cur_u8(&c);
    fs->inopb_log = cn_cur_u8(&c);
    fs->agblk_log = cn_cur_u8(&c);
    cn_cur_seek(&c, 160);
    fs->internal[2] = cn_cur_be64(&c);
    fs->internal[3] = cn_cur_be64(&c);
    cn_cur_seek(&c, 192);
    unsigned dir_log = cn_cur_u8(&c);
    cn_cur_seek(&c, 200);
    uint32_t features2 = cn_cur_be32(&c);
    cn_cur_seek(&c, 216);
    uint32_t incompat = cn_cur_be32(&c);
    cn_cur_seek(&c, 232);
    fs->internal[4] = cn_cur_be64(&c);
    cn_cur_seek(&c, 248);
    cn_span meta_uuid = cn_cur_span(&c, 16);
    int r = cn_cur_check(&c, err, "XFS superblock");
    if (r < 0)
        return r;

    if (memcmp(sb.p, "XFSB", 4) != 0)
        return cn_fail(err, CN_E_CORRUPT, 0, "XFS superblock: no magic");
    if (version != 4 && version != 5)
        return cn_fail(err, CN_E_UNSUPPORTED, 100, "XFS superblock: version %u", version);
    fs->v5 = version == 5;
    if (fs->v5 && incompat & ~(uint32_t) INCOMPAT_KNOWN)
        return cn_fail(err, CN_E_UNSUPPORTED, 216,
                       "XFS superblock: unknown incompatible features 0x%x", incompat);
    if (fs->block_log < 9 || fs->block_log > 16 || fs->block_size != 1u << fs->block_log ||
        fs->sector_log < 9 || fs->sector_log > 15 || sector_size != 1u << fs->sector_log)
        return cn_fail(err, CN_E_CORRUPT, 4, "XFS superblock: block size %u, sector size %u",
                       fs->block_size, sector_size);
    if (fs->inode_log < 8 || fs->inode_log > 11 || fs->inode_size != 1u << fs->inode_log ||
        fs->inopb_log != fs->block_log - fs->inode_log)
        return cn_fail(err, CN_E_CORRUPT, 104, "XFS superblock: inode size %u", fs->inode_size);
    if (fs->agblocks == 0 || fs->agcount == 0 || fs->agblk_log > 31 ||
        fs->agblocks > 1u << fs->agblk_log)
        return cn_fail(err, CN_E_CORRUPT, 84, "XFS superblock: %u groups of %u blocks", fs->agcount,
                       fs->agblocks);
    if (dir_log > 7 || fs->block_log + dir_log > 16)
        return cn_fail(err, CN_E_CORRUPT, 192, "XFS superblock: directory blocks of 2^%u blocks",
                       dir_log);
    fs->dir_block_size = fs->block_size << dir_log;
    fs->ftype = fs->v5 ? incompat & INCOMPAT_FTYPE : features2 & V4_FTYPE;
    fs->sparse = fs->v5 && incompat & INCOMPAT_SPARSE;
    fs->superblock_crc_bad = fs->v5 && !xfs_crc_holds(sb, SB_CRC_AT);
    memcpy(fs->uuid, fs->v5 && incompat & INCOMPAT_META_UUID ? meta_uuid.p : uuid.p, 16);

    cn_fs *base = &fs->base;
    base->block_size = fs->block_size;
    if (!cn_mul(blocks, fs->block_size, &base->size))
        return cn_fail(err, CN_E_CORRUPT, 8, "XFS superblock: %llu blocks",
                       (unsigned long long) blocks);
    snprintf(base->type, sizeof base->type, "xfs");
    put_uuid(uuid.p, base->uuid);
    CN_CLEANUP(cn_buf_free) cn_buf text = cn_buf_of(sizeof base->label - 1);
    cn_text_put_utf8(&text, label);
    memcpy(base->label, cn_buf_cstr(&text), text.len + 1);
    return CN_OK;
}

/* Where the first superblock is damaged, the copy at the second group serves. Groups are as large
 * as each other, which only a superblock says: mkfs cuts the device into few equal ones, so these
 * cuts are tried. */
static int second_superblock(xfs *fs, cn_src *src)
{
    enum { GROUPS_MAX = 128, BLOCK = 4096 };
    uint64_t blocks = src->size / BLOCK;
    for (unsigned groups = 2; groups <= GROUPS_MAX; groups++) {
        uint8_t sb[SB_BYTES];
        uint64_t at = (blocks + groups - 1) / groups * BLOCK;
        if (cn_src_read(src, at, sb, sizeof sb, NULL) == CN_OK && memcmp(sb, "XFSB", 4) == 0 &&
            superblock(fs, cn_span_of(sb, sizeof sb), NULL) == CN_OK &&
            (uint64_t) fs->agblocks * fs->block_size == at)
            return CN_OK;
    }
    return CN_E_NOT_FOUND;
}

static int find_superblock(xfs *fs, cn_src *src, cn_err *err)
{
    uint8_t sb[SB_BYTES];
    int r = cn_src_read(src, 0, sb, sizeof sb, err);
    if (r < 0)
        return r;
    r = superblock(fs, cn_span_of(sb, sizeof sb), err);
    if (r == CN_E_CORRUPT && second_superblock(fs, src) == CN_OK) {
        fs->superblock_crc_bad = true;
        r = CN_OK;
    }
    return r;
}

static void close_xfs(cn_fs *base)
{
    xfs *fs = (xfs *) base;
    for (size_t i = 0; i < XFS_CACHE_CHUNKS; i++)
        free(fs->cache[i].bytes);
    cn_buf_free(&fs->link);
    cn_buf_free(&fs->names);
    free(fs);
}

static int open_xfs(cn_src *src, cn_fs **out, cn_err *err)
{
    xfs *fs = calloc(1, sizeof *fs);
    if (!fs)
        return cn_fail(err, CN_E_NO_MEMORY, CN_NO_OFFSET, "XFS: no memory");
    for (size_t i = 0; i < XFS_CACHE_CHUNKS; i++)
        fs->cache[i].at = UINT64_MAX;
    fs->link = cn_buf_of(XFS_LINK_MAX + 1);
    fs->names = cn_buf_of(XFS_NAMES_MAX);
    int r = find_superblock(fs, src, err);
    if (r < 0) {
        close_xfs(&fs->base);
        return r;
    }
    fs->base.ops = &cn_fs_xfs_ops;
    fs->base.src = src;
    *out = &fs->base;
    return CN_OK;
}

static int open_file(cn_fs *base, uint64_t number, cn_src **out, cn_err *err)
{
    xfs *fs = (xfs *) base;
    xfs_inode inode;
    int r = xfs_inode_read(fs, number, &inode, err);
    if (r < 0)
        return r;
    return xfs_map_source(fs, &inode, inode.size, out, err);
}

static int stat_inode(cn_fs *base, uint64_t number, cn_file_meta *out, cn_err *err)
{
    xfs *fs = (xfs *) base;
    xfs_inode inode;
    int r = xfs_inode_read(fs, number, &inode, err);
    if (r < 0)
        return r;
    xfs_inode_meta(fs, &inode, out, NULL);
    return CN_OK;
}

typedef struct listing {
    cn_fs_name_fn name;
    void *context;
} listing;

static int list_name(void *context, uint64_t inode, cn_span name)
{
    listing *l = context;
    return l->name(l->context, name, inode);
}

static int list(cn_fs *base, uint64_t directory, cn_fs_name_fn name, void *context, cn_err *err)
{
    xfs *fs = (xfs *) base;
    xfs_inode dir;
    listing l = {name, context};
    int r = xfs_inode_read(fs, directory, &dir, err);
    if (r == CN_OK && (dir.mode & 0170000) != 0040000)
        return cn_fail(err, CN_E_NOT_FOUND, CN_NO_OFFSET, "inode %llu is no directory",
                       (unsigned long long) directory);
    return r < 0 ? r : xfs_dir_each(fs, &dir, list_name, &l, NULL, err);
}

typedef struct search {
    cn_span name;
    uint64_t found;
} search;

static int compare_name(void *context, uint64_t inode, cn_span name)
{
    search *s = context;
    if (cn_span_eq(name, s->name))
        s->found = inode;
    return CN_OK;
}

static int lookup(cn_fs *base, cn_span path, uint64_t *out_inode, cn_err *err)
{
    xfs *fs = (xfs *) base;
    uint64_t number = fs->root;
    while (path.len) {
        search s = {cn_text_until(&path, '/'), 0};
        if (s.name.len == 0)
            continue;
        xfs_inode dir;
        int r = xfs_inode_read(fs, number, &dir, err);
        if (r == CN_OK && (dir.mode & 0170000) != 0040000)
            return cn_fail(err, CN_E_NOT_FOUND, CN_NO_OFFSET, "inode %llu is no directory",
                           (unsigned long long) number);
        if (r == CN_OK)
            r = xfs_dir_each(fs, &dir, compare_name, &s, NULL, err);
        if (r < 0)
            return r;
        if (!s.found)
            return cn_fail(err, CN_E_NOT_FOUND, CN_NO_OFFSET, "no such file: %.*s",
                           (int) CN_MIN(s.name.len, 200u), (const char *) s.name.p);
        number = s.found;
    }
    *out_inode = number;
    return CN_OK;
}

const cn_fs_ops cn_fs_xfs_ops = {
    .name = "xfs",
    .probe = probe,
    .open = open_xfs,
    .walk = xfs_walk,
    .open_file = open_file,
    .stat = stat_inode,
    .lookup = lookup,
    .list = list,
    .close = close_xfs,
};
