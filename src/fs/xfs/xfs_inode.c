/* XFS inodes (chapter "On-disk Inode").
 *
 *   offset  size  field                              offset  size  field (v3 inodes)
 *        0     2  magic "IN"                            100     4  CRC-32C, little-endian
 *        2     2  mode                                  120     8  flags2: 8 bigtime, 16 wide
 * extent counts 4     1  version 1-3                           144     8  creation time 5     1
 * format of the data fork               152     8  own number 6     2  links (version 1) 176 data
 * fork 8     8  uid, gid                              100        data fork (versions 1 and 2) 16 4
 * links (version 2, 3) 24     8  extents of the data fork, where counts are wide 32    24  access,
 * modification, change time 56     8  size 76     4  extents of the data fork; wide: of the
 * attribute fork 80     2  extents of the attribute fork 82     1  offset of the attribute fork in
 * 8 bytes, 0: none 83     1  format of the attribute fork
 */
#include "fs/xfs/xfs_internal.h"

enum {
    CORE_V2 = 100,
    CORE_V3 = 176,
    CRC_AT = 100,
    FLAG2_BIGTIME = 8,
    FLAG2_WIDE = 16,
    SYMLINK_HEADER = 56
};

#define BIGTIME_EPOCH_S                                                                            \
    INT64_C(-2147483648) /* bigtime counts nanoseconds from 1901-12-13T20:45:52 */

int xfs_inode_at(const xfs *fs, uint64_t number, uint64_t *out_at, cn_err *err)
{
    unsigned ag_bits = fs->agblk_log + fs->inopb_log;
    uint64_t group = number >> ag_bits;
    uint64_t block = number >> fs->inopb_log & ((UINT64_C(1) << fs->agblk_log) - 1);
    uint64_t slot = number & ((UINT64_C(1) << fs->inopb_log) - 1);
    if (number == 0 || group >= fs->agcount || block >= fs->agblocks)
        return cn_fail(err, CN_E_CORRUPT, CN_NO_OFFSET, "inode %llu lies outside the groups",
                       (unsigned long long) number);
    *out_at = ((group * fs->agblocks + block) << fs->block_log) + (slot << fs->inode_log);
    return CN_OK;
}

/* The inode's bytes, out of a chunk that is kept: names that lie together have inodes that lie
 * together. */
static int raw_inode(xfs *fs, uint64_t at, uint8_t *out, cn_err *err)
{
    uint64_t start = at & ~(XFS_CHUNK_BYTES - 1);
    xfs_chunk *chunk = &fs->cache[start / XFS_CHUNK_BYTES % XFS_CACHE_CHUNKS];
    if (chunk->at != start) {
        if (!chunk->bytes && !(chunk->bytes = malloc(XFS_CHUNK_BYTES)))
            return cn_fail(err, CN_E_NO_MEMORY, at, "inode: no memory");
        size_t n = 0;
        chunk->at = UINT64_MAX;
        int r = cn_src_read_some(fs->base.src, start, chunk->bytes, XFS_CHUNK_BYTES, &n, err);
        if (r < 0)
            return r;
        chunk->at = start;
        chunk->len = (uint32_t) n;
    }
    if (at - start + fs->inode_size > chunk->len)
        return cn_fail(err, CN_E_TRUNCATED, at, "inode: the data ends here");
    memcpy(out, chunk->bytes + (at - start), fs->inode_size);
    return CN_OK;
}

static int decode(const xfs *fs, xfs_inode *in, cn_err *err)
{
    cn_span bytes = cn_span_of(in->raw, fs->inode_size);
    cn_cur c = cn_cur_of(bytes, in->at);
    uint16_t magic = cn_cur_be16(&c);
    in->mode = cn_cur_be16(&c);
    in->version = cn_cur_u8(&c);
    in->format = cn_cur_u8(&c);
    uint16_t links_v1 = cn_cur_be16(&c);
    in->uid = cn_cur_be32(&c);
    in->gid = cn_cur_be32(&c);
    in->links = cn_cur_be32(&c);
    cn_cur_seek(&c, 24);
    uint64_t wide_extents = cn_cur_be64(&c);
    static const uint8_t order[] = {CN_FT_A, CN_FT_M, CN_FT_C};
    for (size_t i = 0; i < CN_LEN(order); i++) {
        in->times[order[i]].raw = cn_cur_be64(&c);
        in->times[order[i]].has = true;
    }
    in->size = cn_cur_be64(&c);
    cn_cur_seek(&c, 76);
    in->extents = cn_cur_be32(&c);
    in->attr_extents = cn_cur_be16(&c);
    size_t fork_offset = cn_cur_u8(&c) * 8u;
    in->attr_format = cn_cur_u8(&c);
    size_t core = CORE_V2;
    if (in->version == 3) {
        core = CORE_V3;
        cn_cur_seek(&c, 120);
        in->flags2 = cn_cur_be64(&c);
        cn_cur_seek(&c, 144);
        in->times[CN_FT_B].raw = cn_cur_be64(&c);
        in->times[CN_FT_B].has = in->times[CN_FT_B].raw != 0;
        in->crc_bad = !xfs_crc_holds(bytes, CRC_AT);
    } else if (in->version == 1) {
        in->links = links_v1;
    }
    if (in->flags2 & FLAG2_WIDE) {
        in->attr_extents = in->extents;
        in->extents = wide_extents;
    }
    int r = cn_cur_check(&c, err, "inode");
    if (r < 0)
        return r;
    if (magic != 0x494e)
        return cn_fail(err, CN_E_CORRUPT, in->at, "inode %llu: no magic",
                       (unsigned long long) in->number);
    if (in->mode == 0)
        return cn_fail(err, CN_E_NOT_FOUND, in->at, "inode %llu is free",
                       (unsigned long long) in->number);
    if (in->version < 1 || in->version > 3 || (in->version == 3) != fs->v5)
        return cn_fail(err, CN_E_CORRUPT, in->at, "inode %llu: version %u",
                       (unsigned long long) in->number, in->version);
    size_t room = fs->inode_size - core;
    if (fork_offset >= room && fork_offset != 0)
        return cn_fail(err, CN_E_CORRUPT, in->at + 82, "inode %llu: attribute fork at %zu",
                       (unsigned long long) in->number, fork_offset);
    in->data_fork = cn_span_sub(bytes, core, fork_offset ? fork_offset : room);
    in->attr_fork = fork_offset ? cn_span_sub(bytes, core + fork_offset, room) : (cn_span){NULL, 0};
    return CN_OK;
}

int xfs_inode_read(xfs *fs, uint64_t number, xfs_inode *out, cn_err *err)
{
    memset(out, 0, offsetof(xfs_inode, raw));
    out->data_fork = out->attr_fork = (cn_span){NULL, 0};
    out->number = number;
    int r = xfs_inode_at(fs, number, &out->at, err);
    if (r == CN_OK)
        r = raw_inode(fs, out->at, out->raw, err);
    if (r == CN_OK)
        r = decode(fs, out, err);
    return r;
}

static void put_time(const xfs_inode *in, int which, cn_file_meta *out)
{
    if (!in->times[which].has)
        return;
    uint64_t raw = in->times[which].raw;
    int64_t seconds;
    uint32_t ns;
    if (in->flags2 & FLAG2_BIGTIME) {
        seconds = (int64_t) (raw / CN_NS_PER_S) + BIGTIME_EPOCH_S;
        ns = (uint32_t) (raw % CN_NS_PER_S);
    } else {
        seconds = (int32_t) (raw >> 32);
        ns = (uint32_t) raw;
        if (ns >= CN_NS_PER_S)
            ns = 0;
    }
    out->has_time[which] = cn_time_from_unix(seconds, ns, &out->time_ns[which]);
    if (!out->has_time[which])
        out->odd_time_s[which] = seconds;
}

static cn_file_type type_of(uint16_t mode)
{
    switch (mode & 0170000) {
    case 0100000:
        return CN_FILE_REGULAR;
    case 0040000:
        return CN_FILE_DIRECTORY;
    case 0120000:
        return CN_FILE_LINK;
    case 0060000:
        return CN_FILE_BLOCK;
    case 0020000:
        return CN_FILE_CHAR;
    case 0010000:
        return CN_FILE_FIFO;
    case 0140000:
        return CN_FILE_SOCKET;
    default:
        return CN_FILE_OTHER;
    }
}

/* A long target lies in blocks, each with a header of its own in v5 ("XSLM", chapter "Symbolic
 * Links"). */
static int link_target(xfs *fs, const xfs_inode *in, cn_err *err)
{
    cn_buf_clear(&fs->link);
    if (in->size > XFS_LINK_MAX)
        return cn_fail(err, CN_E_CORRUPT, in->at + 56, "symbolic link of %llu bytes",
                       (unsigned long long) in->size);
    if (in->format == XFS_FMT_LOCAL) {
        cn_buf_bytes(&fs->link, cn_span_sub(in->data_fork, 0, (size_t) in->size));
        return CN_OK;
    }
    xfs_map map;
    int r = xfs_map_read(fs, in, false, &map, err);
    size_t header = fs->v5 ? SYMLINK_HEADER : 0;
    for (size_t e = 0; r == CN_OK && e < map.n; e++)
        for (uint64_t b = 0; r == CN_OK && b < map.extents[e].count && fs->link.len < in->size;
             b++) {
            uint8_t block[XFS_LINK_MAX + SYMLINK_HEADER];
            uint64_t at;
            size_t n = CN_MIN(fs->block_size, sizeof block);
            r = xfs_block_at(fs, map.extents[e].start + b, 1, &at, err);
            if (r == CN_OK)
                r = cn_src_read(fs->base.src, at, block, n, err);
            if (r == CN_OK)
                cn_buf_bytes(&fs->link, cn_span_sub(cn_span_of(block, n), header,
                                                    (size_t) in->size - fs->link.len));
        }
    xfs_map_free(&map);
    return r;
}

void xfs_inode_meta(xfs *fs, const xfs_inode *in, cn_file_meta *out, const cn_fs_visit *warn)
{
    *out = (cn_file_meta){
        .inode = in->number,
        .inode_offset = in->at,
        .type = type_of(in->mode),
        .mode = in->mode,
        .uid = in->uid,
        .gid = in->gid,
        .links = in->links,
        .size = in->size,
    };
    for (int t = 0; t < CN_FT_COUNT; t++)
        put_time(in, t, out);
    if (in->crc_bad)
        xfs_warn(warn, CN_E_CORRUPT, in->at + CRC_AT, in->number,
                 "the inode's checksum does not hold");
    if (out->type == CN_FILE_BLOCK || out->type == CN_FILE_CHAR) {
        /* Format "dev": 14 bits of major, 18 of minor. */
        cn_cur c = cn_cur_of(in->data_fork, in->at);
        uint32_t dev = cn_cur_be32(&c);
        out->device_major = dev >> 18 & 0x3fff;
        out->device_minor = dev & 0x3ffff;
    }
    cn_err err = CN_ERR_INIT;
    if (out->type == CN_FILE_LINK) {
        if (link_target(fs, in, &err) < 0)
            xfs_warn(warn, err.code, err.offset, in->number, err.text);
        out->link_target = cn_buf_span(&fs->link);
    }
    cn_buf_clear(&fs->names);
    if (in->attr_fork.len && xfs_attr_names(fs, in, &fs->names, &err) < 0)
        xfs_warn(warn, err.code, err.offset, in->number, err.text);
    out->attribute_names = cn_buf_span(&fs->names);
}
