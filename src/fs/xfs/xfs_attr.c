/* Names of XFS extended attributes (chapter "Extended Attributes").
 *
 * In the inode: total size (2), count (1), 1 unused, then per attribute name length, value length,
 * flags (1 each), name, value. In blocks: leaves of magic 0xfbee (v4, header 32) or 0x3bee (v5,
 * header 80) at byte 8, with the count behind the 12- or 56-byte block info; entries of 8 bytes:
 * hash (4), offset of the name (2), flags (1). Local names begin with value length (2) and name
 * length (1); remote ones with value block (4), value length (4), name length (1). */
#include "fs/xfs/xfs_internal.h"

enum { FLAG_LOCAL = 1, FLAG_ROOT = 2, FLAG_SECURE = 4, FLAG_PARENT = 8, FLAG_INCOMPLETE = 0x80 };

static void put_name(cn_buf *out, unsigned flags, cn_span name)
{
    if (flags & (FLAG_INCOMPLETE | FLAG_PARENT) || name.len == 0)
        return;
    if (out->len)
        cn_buf_char(out, ',');
    /* Access control lists go by other names above the file system. */
    if (flags & FLAG_ROOT && cn_span_is(name, "SGI_ACL_FILE")) {
        cn_buf_str(out, "system.posix_acl_access");
    } else if (flags & FLAG_ROOT && cn_span_is(name, "SGI_ACL_DEFAULT")) {
        cn_buf_str(out, "system.posix_acl_default");
    } else {
        cn_buf_str(out, flags & FLAG_SECURE ? "security."
                        : flags & FLAG_ROOT ? "trusted."
                                            : "user.");
        cn_buf_bytes(out, name);
    }
}

static int short_form(const xfs_inode *in, cn_buf *out, cn_err *err)
{
    cn_cur c = cn_cur_of(in->attr_fork, in->at + (size_t) (in->attr_fork.p - in->raw));
    c.overrun = CN_E_CORRUPT;
    cn_cur_skip(&c, 2);
    unsigned count = cn_cur_u8(&c);
    cn_cur_skip(&c, 1);
    for (unsigned i = 0; i < count && !c.fail; i++) {
        size_t name_length = cn_cur_u8(&c), value_length = cn_cur_u8(&c);
        unsigned flags = cn_cur_u8(&c);
        cn_span name = cn_cur_span(&c, name_length);
        cn_cur_skip(&c, value_length);
        if (!c.fail)
            put_name(out, flags, name);
    }
    return cn_cur_check(&c, err, "extended attributes in the inode");
}

static int leaf(const xfs *fs, cn_span block, uint64_t at, cn_buf *out, cn_err *err)
{
    cn_cur c = cn_cur_of(block, at);
    c.overrun = CN_E_CORRUPT;
    cn_cur_seek(&c, 8);
    if (cn_cur_be16(&c) != (fs->v5 ? 0x3bee : 0xfbee))
        return CN_OK; /* a node, or the value of a large attribute */
    cn_cur_seek(&c, fs->v5 ? 56 : 12);
    unsigned count = cn_cur_be16(&c);
    size_t entries = fs->v5 ? 80 : 32;
    for (unsigned i = 0; i < count && !c.fail; i++) {
        cn_cur_seek(&c, entries + i * 8u + 4);
        size_t name_at = cn_cur_be16(&c);
        unsigned flags = cn_cur_u8(&c);
        cn_cur_seek(&c, name_at + (flags & FLAG_LOCAL ? 2u : 8u));
        size_t name_length = cn_cur_u8(&c);
        cn_span name = cn_cur_span(&c, name_length);
        if (!c.fail)
            put_name(out, flags, name);
    }
    return cn_cur_check(&c, err, "extended attribute leaf");
}

int xfs_attr_names(xfs *fs, const xfs_inode *in, cn_buf *out, cn_err *err)
{
    if (in->attr_format == XFS_FMT_LOCAL)
        return short_form(in, out, err);
    if (in->attr_format == XFS_FMT_EXTENTS && in->attr_extents == 0)
        return CN_OK;
    xfs_map map;
    int r = xfs_map_read(fs, in, true, &map, err);
    uint8_t *block = r == CN_OK ? malloc(fs->block_size) : NULL;
    unsigned budget = XFS_ATTR_BLOCKS;
    for (size_t e = 0; block && r == CN_OK && e < map.n; e++)
        for (uint64_t b = 0; r == CN_OK && b < map.extents[e].count && budget; b++, budget--) {
            uint64_t at;
            r = xfs_block_at(fs, map.extents[e].start + b, 1, &at, err);
            if (r == CN_OK)
                r = cn_src_read(fs->base.src, at, block, fs->block_size, err);
            if (r == CN_OK)
                r = leaf(fs, cn_span_of(block, fs->block_size), at, out, err);
        }
    free(block);
    xfs_map_free(&map);
    return r;
}
