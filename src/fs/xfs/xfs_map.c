/* Where a file's blocks lie (chapter "Data Extents").
 *
 * An extent is 128 bits: 1 unwritten, 54 file block, 52 file-system block, 21 blocks. Many extents
 * stand in a B+tree: a root of half the form in the inode (level, records, keys, pointers), then
 * long-form blocks
 *
 *   offset  size  field
 *        0     4  magic "BMAP" (v4) or "BMA3" (v5)
 *        4     4  level, records
 *        8    16  left and right sibling
 *       24    48  v5: block, lsn, uuid, owner, CRC (at 64)
 *   24 or 72      records (level 0), or keys and then pointers
 */
#include "fs/xfs/xfs_internal.h"

enum { HEADER_V4 = 24, HEADER_V5 = 72, CRC_AT = 64, RECORD = 16 };

int xfs_block_at(const xfs *fs, uint64_t block, uint64_t count, uint64_t *out_at, cn_err *err)
{
    uint64_t group = block >> fs->agblk_log,
             in_group = block & ((UINT64_C(1) << fs->agblk_log) - 1);
    if (group >= fs->agcount || in_group >= fs->agblocks || count > fs->agblocks - in_group)
        return cn_fail(err, CN_E_CORRUPT, CN_NO_OFFSET, "block %llu lies outside the groups",
                       (unsigned long long) block);
    *out_at = (group * fs->agblocks + in_group) << fs->block_log;
    return CN_OK;
}

void xfs_map_free(xfs_map *map)
{
    free(map->extents);
    *map = (xfs_map){NULL, 0, 0};
}

static int add_extent(xfs *fs, xfs_map *map, uint64_t high, uint64_t low, uint64_t at, cn_err *err)
{
    xfs_extent e = {
        .offset = high >> 9 & ((UINT64_C(1) << 54) - 1),
        .start = (high & 0x1ff) << 43 | low >> 21,
        .count = low & 0x1fffff,
        .unwritten = high >> 63,
    };
    uint64_t ignored;
    const xfs_extent *last = map->n ? &map->extents[map->n - 1] : NULL;
    if (e.count == 0 || (last && e.offset < last->offset + last->count))
        return cn_fail(err, CN_E_CORRUPT, at, "extents out of order");
    int r = xfs_block_at(fs, e.start, e.count, &ignored, err);
    if (r < 0) {
        if (err)
            err->offset = at;
        return r;
    }
    if (map->n >= XFS_EXTENTS_MAX)
        return cn_fail(err, CN_E_LIMIT, at, "more than %u extents", XFS_EXTENTS_MAX);
    if (!map->extents || map->n == map->capacity) {
        size_t capacity = map->capacity ? map->capacity * 2 : 16;
        xfs_extent *grown = realloc(map->extents, capacity * sizeof *grown);
        if (!grown)
            return cn_fail(err, CN_E_NO_MEMORY, at, "extents: no memory");
        map->extents = grown;
        map->capacity = capacity;
    }
    map->extents[map->n++] = e;
    return CN_OK;
}

static int add_records(xfs *fs, xfs_map *map, cn_cur *c, uint64_t n, cn_err *err)
{
    for (uint64_t i = 0; i < n; i++) {
        uint64_t at = cn_cur_offset(c), high = cn_cur_be64(c), low = cn_cur_be64(c);
        int r = cn_cur_check(c, err, "extent list");
        if (r == CN_OK)
            r = add_extent(fs, map, high, low, at, err);
        if (r < 0)
            return r;
    }
    return CN_OK;
}

/* One block of the tree. Levels fall towards the leaves, so that no chain of pointers can be
 * endless; and each leaf must bring extents behind those that are there, so that no leaf can be
 * visited twice. */
static int tree_block(xfs *fs, xfs_map *map, uint64_t block, unsigned level, cn_err *err)
{
    uint64_t at;
    int r = xfs_block_at(fs, block, 1, &at, err);
    if (r < 0)
        return r;
    uint8_t *bytes = malloc(fs->block_size);
    if (!bytes)
        return cn_fail(err, CN_E_NO_MEMORY, at, "extent tree: no memory");
    r = cn_src_read(fs->base.src, at, bytes, fs->block_size, err);
    cn_span span = cn_span_of(bytes, fs->block_size);
    cn_cur c = cn_cur_of(span, at);
    size_t header = fs->v5 ? HEADER_V5 : HEADER_V4;
    uint32_t magic = cn_cur_be32(&c);
    unsigned found_level = cn_cur_be16(&c), n = cn_cur_be16(&c);
    size_t most = (fs->block_size - header) / RECORD;
    if (r == CN_OK && (magic != (fs->v5 ? 0x424d4133u : 0x424d4150u) || found_level != level ||
                       n == 0 || n > most))
        r = cn_fail(err, CN_E_CORRUPT, at, "extent tree: block %llu is none of level %u",
                    (unsigned long long) block, level);
    if (r == CN_OK && fs->v5 && !xfs_crc_holds(span, CRC_AT))
        r = cn_fail(err, CN_E_CORRUPT, at + CRC_AT,
                    "extent tree: the checksum of block %llu does not hold",
                    (unsigned long long) block);
    if (r == CN_OK && level == 0) {
        cn_cur_seek(&c, header);
        r = add_records(fs, map, &c, n, err);
    } else if (r == CN_OK) {
        cn_cur_seek(&c, header + most * 8);
        for (unsigned i = 0; r == CN_OK && i < n; i++)
            r = tree_block(fs, map, cn_cur_be64(&c), level - 1, err);
    }
    free(bytes);
    return r;
}

static int tree_root(xfs *fs, xfs_map *map, cn_span fork, uint64_t at, cn_err *err)
{
    cn_cur c = cn_cur_of(fork, at);
    unsigned level = cn_cur_be16(&c), n = cn_cur_be16(&c);
    size_t most = fork.len >= 4 ? (fork.len - 4) / RECORD : 0;
    if (c.fail || level == 0 || level > XFS_BTREE_DEPTH || n > most)
        return cn_fail(err, CN_E_CORRUPT, at, "extent tree: root of level %u with %u records",
                       level, n);
    cn_cur_seek(&c, 4 + most * 8);
    for (unsigned i = 0; i < n; i++) {
        int r = tree_block(fs, map, cn_cur_be64(&c), level - 1, err);
        if (r < 0)
            return r;
    }
    return CN_OK;
}

int xfs_map_read(xfs *fs, const xfs_inode *inode, bool attr_fork, xfs_map *out, cn_err *err)
{
    *out = (xfs_map){NULL, 0, 0};
    cn_span fork = attr_fork ? inode->attr_fork : inode->data_fork;
    unsigned format = attr_fork ? inode->attr_format : inode->format;
    uint64_t at = inode->at + (fork.len ? (size_t) (fork.p - inode->raw) : 0);
    int r = CN_OK;
    if (format == XFS_FMT_EXTENTS) {
        cn_cur c = cn_cur_of(fork, at);
        c.overrun = CN_E_CORRUPT;
        r = add_records(fs, out, &c, attr_fork ? inode->attr_extents : inode->extents, err);
    } else if (format == XFS_FMT_BTREE) {
        r = tree_root(fs, out, fork, at, err);
    } else {
        r = cn_fail(err, CN_E_CORRUPT, at, "a fork of format %u has no extents", format);
    }
    if (r < 0)
        cn_while(err, "inode %llu", (unsigned long long) inode->number);
    return r;
}

typedef struct file_source {
    cn_src base;
    xfs *fs;
    xfs_map map;
    uint8_t *local; /* content that stands in the inode, owned */
    size_t local_bytes;
    cn_err fault; /* where the extents could not be read whole: what lies behind the last one is
                     lost */
    size_t hint;  /* the extent of the last read: reads run on */
} file_source;

/* The first extent that ends behind `block`; map.n where none does. */
static size_t extent_after(file_source *f, uint64_t block)
{
    const xfs_map *m = &f->map;
    if (f->hint < m->n &&
        (f->hint == 0 || m->extents[f->hint - 1].offset + m->extents[f->hint - 1].count <= block) &&
        block < m->extents[f->hint].offset + m->extents[f->hint].count)
        return f->hint;
    size_t low = 0, high = m->n;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (m->extents[mid].offset + m->extents[mid].count <= block)
            low = mid + 1;
        else
            high = mid;
    }
    return f->hint = low;
}

static int read_file(cn_src *src, uint64_t offset, void *out, size_t n, cn_err *err)
{
    file_source *f = (file_source *) src;
    uint8_t *to = out;
    if (f->local) {
        memcpy(to, f->local + offset, n);
        return CN_OK;
    }
    unsigned shift = f->fs->block_log;
    while (n) {
        size_t i = extent_after(f, offset >> shift);
        const xfs_extent *e = i < f->map.n ? &f->map.extents[i] : NULL;
        if (!e) {
            memset(to, 0, n);
            if (f->fault.code != CN_OK && err)
                *err = f->fault;
            return f->fault.code;
        }
        uint64_t start = e->offset << shift, end = (e->offset + e->count) << shift;
        if (offset < start) {
            size_t hole = (size_t) CN_MIN(n, start - offset);
            memset(to, 0, hole);
            to += hole, offset += hole, n -= hole;
            continue;
        }
        size_t part = (size_t) CN_MIN(n, end - offset);
        if (e->unwritten) {
            memset(to, 0, part);
        } else {
            uint64_t at;
            int r = xfs_block_at(f->fs, e->start, e->count, &at, err);
            if (r == CN_OK)
                r = cn_src_read(f->fs->base.src, at + (offset - start), to, part, err);
            if (r < 0)
                return r;
        }
        to += part, offset += part, n -= part;
    }
    return CN_OK;
}

static uint64_t next_data(cn_src *src, uint64_t offset)
{
    file_source *f = (file_source *) src;
    if (f->local || f->fault.code != CN_OK)
        return offset;
    size_t i = extent_after(f, offset >> f->fs->block_log);
    while (i < f->map.n && f->map.extents[i].unwritten)
        i++;
    if (i == f->map.n)
        return src->size;
    return CN_MIN(src->size, CN_MAX(offset, f->map.extents[i].offset << f->fs->block_log));
}

static void close_file(cn_src *src)
{
    file_source *f = (file_source *) src;
    xfs_map_free(&f->map);
    free(f->local);
    free(f);
}

static const cn_src_ops file_ops = {.read = read_file, .next_data = next_data, .close = close_file};

const xfs_map *xfs_source_map(cn_src *src, const cn_err **out_fault)
{
    const file_source *f = (const file_source *) src;
    *out_fault = &f->fault;
    return &f->map;
}

int xfs_map_source(xfs *fs, const xfs_inode *inode, uint64_t size, cn_src **out, cn_err *err)
{
    if (inode->format != XFS_FMT_LOCAL && inode->format != XFS_FMT_EXTENTS &&
        inode->format != XFS_FMT_BTREE)
        return cn_fail(err, CN_E_NOT_FOUND, inode->at, "inode %llu has no content",
                       (unsigned long long) inode->number);
    file_source *f = calloc(1, sizeof *f);
    if (!f)
        return cn_fail(err, CN_E_NO_MEMORY, inode->at, "file: no memory");
    f->base = (cn_src){.ops = &file_ops, .size = size, .sector_size = 512, .format = "file"};
    f->fs = fs;
    f->fault = CN_ERR_INIT;
    if (inode->format == XFS_FMT_LOCAL) {
        f->local_bytes = inode->data_fork.len;
        f->local = malloc(f->local_bytes + 1);
        if (!f->local || size > f->local_bytes) {
            int code = f->local ? CN_E_CORRUPT : CN_E_NO_MEMORY;
            close_file(&f->base);
            return cn_fail(err, code, inode->at, "inode %llu: content in the inode",
                           (unsigned long long) inode->number);
        }
        memcpy(f->local, inode->data_fork.p, f->local_bytes);
    } else {
        f->fault.code = xfs_map_read(fs, inode, false, &f->map, &f->fault);
    }
    *out = &f->base;
    return CN_OK;
}
