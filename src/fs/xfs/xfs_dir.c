/* XFS directories (chapter "Directories").
 *
 * Short form, in the inode: count (1), count of 8-byte numbers (1), parent (4 or 8), then per name:
 * length (1), offset (2), name, type (1, where the file system has it), inode (4 or 8).
 *
 * Otherwise data blocks, of which the hash index behind 32 GiB needs not be read. A block begins
 * with "XD2B" or "XDB3" (the only block: its index stands at its end, with count and stale count in
 * the last 8 bytes), "XD2D" or "XDD3"; the header is 16 bytes, in v5 64. Then used entries: inode
 * (8), length (1), name, type (1), filled up to 8 with the entry's own offset in the last 2; and
 * free ones: 0xffff, length (2).
 */
#include "fs/xfs/xfs_internal.h"

/* Of one directory; more are not looked for: its map leads into something else. */
#define DAMAGED_BLOCKS_MAX 256u

enum { HEADER_V4 = 16, HEADER_V5 = 64, CRC_AT = 4, TAIL = 8, INDEX_ENTRY = 8, ENTRY_MIN = 12 };

#define INDEX_OFFSET_BYTES (UINT64_C(1) << 35)

static int short_form(const xfs *fs, const xfs_inode *dir, xfs_name_fn each, void *context,
                      cn_err *err)
{
    cn_cur c =
        cn_cur_of(cn_span_sub(dir->data_fork, 0, (size_t) CN_MIN(dir->size, dir->data_fork.len)),
                  dir->at + (size_t) (dir->data_fork.p - dir->raw));
    c.overrun = CN_E_CORRUPT;
    unsigned count = cn_cur_u8(&c);
    bool wide = cn_cur_u8(&c) > 0;
    cn_cur_skip(&c, wide ? 8 : 4);
    for (unsigned i = 0; i < count; i++) {
        size_t length = cn_cur_u8(&c);
        cn_cur_skip(&c, 2);
        cn_span name = cn_cur_span(&c, length);
        if (fs->ftype)
            cn_cur_skip(&c, 1);
        uint64_t inode = wide ? cn_cur_be64(&c) : cn_cur_be32(&c);
        int r = cn_cur_check(&c, err, "directory in the inode");
        if (r == CN_OK)
            r = each(context, inode, name);
        if (r < 0)
            return r;
    }
    return CN_OK;
}

static bool is_dot(cn_span name) { return cn_span_is(name, ".") || cn_span_is(name, ".."); }

/* The entries of one directory block. */
static int data_block(const xfs *fs, cn_span block, uint64_t at, xfs_name_fn each, void *context,
                      cn_err *err)
{
    cn_cur c = cn_cur_of(block, at);
    c.overrun = CN_E_CORRUPT;
    uint32_t magic = cn_cur_be32(&c);
    bool only = magic == (fs->v5 ? 0x58444233u : 0x58443242u);
    if (!only && magic != (fs->v5 ? 0x58444433u : 0x58443244u))
        return cn_fail(err, CN_E_CORRUPT, at, "directory block without magic");
    size_t end = block.len;
    if (only) {
        cn_cur_seek(&c, block.len - TAIL);
        uint64_t index = cn_cur_be32(&c) * (uint64_t) INDEX_ENTRY + TAIL;
        if (index > block.len - (fs->v5 ? HEADER_V5 : HEADER_V4))
            return cn_fail(err, CN_E_CORRUPT, at + block.len - TAIL,
                           "directory block: its index is larger than the block");
        end -= index;
    }
    cn_cur_seek(&c, fs->v5 ? HEADER_V5 : HEADER_V4);
    while (!c.fail && c.pos + ENTRY_MIN <= end) {
        size_t start = c.pos;
        uint64_t inode = cn_cur_be64(&c);
        size_t length;
        if (inode >> 48 == 0xffff) {
            length = inode >> 32 & 0xffff;
        } else {
            size_t name_length = cn_cur_u8(&c);
            cn_span name = cn_cur_span(&c, name_length);
            length = (8u + 1 + name_length + (fs->ftype ? 1 : 0) + 2 + 7) & ~(size_t) 7;
            if (c.fail || name_length == 0 || length > end - start)
                return cn_fail(err, CN_E_CORRUPT, at + start, "directory entry of %zu bytes",
                               name_length);
            int r = is_dot(name) ? CN_OK : each(context, inode, name);
            if (r < 0)
                return r;
        }
        if (length < 8 || length % 8 || length > end - start)
            return cn_fail(err, CN_E_CORRUPT, at + start, "free directory space of %zu bytes",
                           length);
        cn_cur_seek(&c, start + length);
    }
    return CN_OK;
}

/* One directory block, which may be several file-system blocks that lie apart. What is damaged in
 * it is told to `warn`; an error is the visitor's, or that reading cannot go on. */
static int one_block(xfs *fs, const xfs_inode *dir, cn_src *content, uint64_t offset, uint64_t at,
                     uint8_t *block, xfs_name_fn each, void *context, const cn_fs_visit *warn,
                     unsigned *damaged, cn_err *err)
{
    cn_err one = CN_ERR_INIT;
    cn_span bytes = cn_span_of(block, fs->dir_block_size);
    int r = cn_src_read(content, offset, block, fs->dir_block_size, &one);
    if (r == CN_OK && fs->v5 && !xfs_crc_holds(bytes, CRC_AT))
        xfs_warn(warn, CN_E_CORRUPT, at, dir->number,
                 "the directory block's checksum does not hold");
    if (r == CN_OK)
        r = data_block(fs, bytes, at, each, context, &one);
    if (r == CN_OK || one.code == CN_OK) /* done, or stopped by the visitor, who has said why */
        return r;
    if (r == CN_E_NO_MEMORY) {
        if (err)
            *err = one;
        return r;
    }
    xfs_warn(warn, r, one.offset, dir->number, one.text);
    ++*damaged;
    return CN_OK;
}

static int data_blocks(xfs *fs, const xfs_inode *dir, xfs_name_fn each, void *context,
                       const cn_fs_visit *warn, cn_err *err)
{
    cn_src *content = NULL;
    uint8_t *block = malloc(fs->dir_block_size);
    int r = block ? xfs_map_source(fs, dir, INDEX_OFFSET_BYTES, &content, err)
                  : cn_fail(err, CN_E_NO_MEMORY, dir->at, "directory: no memory");
    if (r < 0) {
        free(block);
        return r;
    }
    const cn_err *fault;
    const xfs_map *map = xfs_source_map(content, &fault);
    if (fault->code != CN_OK)
        xfs_warn(warn, fault->code, fault->offset, dir->number, fault->text);
    unsigned damaged = 0;
    uint64_t done =
        0; /* first byte not yet looked at: extents may begin within a directory block */
    for (size_t i = 0; r == CN_OK && i < map->n; i++) {
        const xfs_extent *e = &map->extents[i];
        uint64_t start = e->offset << fs->block_log,
                 end = CN_MIN(INDEX_OFFSET_BYTES, (e->offset + e->count) << fs->block_log);
        uint64_t from = CN_MAX(done, start / fs->dir_block_size * fs->dir_block_size);
        for (; r == CN_OK && from < end && damaged < DAMAGED_BLOCKS_MAX;
             from += fs->dir_block_size) {
            uint64_t at = CN_NO_OFFSET;
            if (from >= start && xfs_block_at(fs, e->start, e->count, &at, NULL) == CN_OK)
                at += from - start;
            r = one_block(fs, dir, content, from, at, block, each, context, warn, &damaged, err);
            done = from + fs->dir_block_size;
        }
    }
    cn_src_close(content);
    free(block);
    return r;
}

int xfs_dir_each(xfs *fs, const xfs_inode *dir, xfs_name_fn each, void *context,
                 const cn_fs_visit *warn, cn_err *err)
{
    if (dir->format != XFS_FMT_LOCAL)
        return data_blocks(fs, dir, each, context, warn, err);
    cn_err one = CN_ERR_INIT;
    int r = short_form(fs, dir, each, context, &one);
    if (r < 0 && one.code != CN_OK) {
        xfs_warn(warn, r, one.offset, dir->number, one.text);
        return CN_OK;
    }
    return r;
}
