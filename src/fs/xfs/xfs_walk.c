/* All names of an XFS file system, then the allocated inodes that no name leads to.
 *
 * The inode B+tree of each group (chapter "Inode B+tree") says which inodes are allocated:
 * short-form blocks "IABT" (v4, header 16) or "IAB3" (v5, header 56), records of 16 bytes for 64
 * inodes: first inode (4), hole mask (2), count (1), free (1) where inodes are sparse, else free
 * (4); then a bit for each free inode (8). The group's header (AGI, sector 2) has the tree's root
 * at 20 and its level at 24. */
#include "fs/xfs/xfs_internal.h"

enum {
    AGI_MAGIC = 0x58414749,
    HEADER_V4 = 16,
    HEADER_V5 = 56,
    CRC_AT = 52,
    RECORD = 16,
    CHUNK_INODES = 64
};

/* Which inodes have been visited: open addressing, a power of two, at most half full. */
typedef struct inode_set {
    uint64_t *slots; /* 0: empty */
    size_t n, capacity;
} inode_set;

static size_t slot_of(const inode_set *set, uint64_t inode)
{
    size_t i = (size_t) (inode * UINT64_C(0x9e3779b97f4a7c15) >> 20) & (set->capacity - 1);
    while (set->slots[i] && set->slots[i] != inode)
        i = (i + 1) & (set->capacity - 1);
    return i;
}

static bool has_inode(const inode_set *set, uint64_t inode)
{
    return set->n && set->slots[slot_of(set, inode)] == inode;
}

static bool add_inode(inode_set *set, uint64_t inode)
{
    if (set->n * 2 >= set->capacity) {
        inode_set grown = {NULL, set->n, set->capacity ? set->capacity * 2 : 1024};
        grown.slots = calloc(grown.capacity, sizeof *grown.slots);
        if (!grown.slots)
            return false;
        for (size_t i = 0; i < set->capacity; i++)
            if (set->slots[i])
                grown.slots[slot_of(&grown, set->slots[i])] = set->slots[i];
        free(set->slots);
        *set = grown;
    }
    size_t i = slot_of(set, inode);
    set->n += !set->slots[i];
    set->slots[i] = inode;
    return true;
}

typedef struct walker {
    xfs *fs;
    const cn_fs_visit *visit;
    cn_err *err;
    inode_set seen;
    cn_buf path;
    unsigned depth;
} walker;

static int directory(walker *w, const xfs_inode *dir);

/* Tells one inode under the path at hand; a directory that was there before is not entered again.
 */
static int entry(walker *w, uint64_t number, bool orphan)
{
    xfs_inode *inode = malloc(sizeof *inode);
    if (!inode)
        return cn_fail(w->err, CN_E_NO_MEMORY, CN_NO_OFFSET, "walk: no memory");
    cn_err one = CN_ERR_INIT;
    int r = xfs_inode_read(w->fs, number, inode, &one);
    if (r == CN_E_NO_MEMORY) {
        *w->err = one;
    } else if (r < 0) {
        /* The name is evidence even where its inode is not. */
        cn_file_meta meta = {.inode = number,
                             .inode_offset = CN_NO_OFFSET,
                             .type = CN_FILE_OTHER,
                             .deleted = r == CN_E_NOT_FOUND};
        xfs_warn(w->visit, r, one.offset, number, one.text);
        r = orphan
                ? CN_OK
                : w->visit->entry(w->visit->context, &(cn_fs_entry){cn_buf_span(&w->path), &meta});
    } else {
        cn_file_meta meta;
        bool again = has_inode(&w->seen, number);
        xfs_inode_meta(w->fs, inode, &meta, again ? NULL : w->visit);
        meta.orphan = orphan;
        meta.deleted = orphan && meta.links == 0;
        r = w->visit->entry(w->visit->context, &(cn_fs_entry){cn_buf_span(&w->path), &meta});
        if (r == CN_OK && !add_inode(&w->seen, number))
            r = cn_fail(w->err, CN_E_NO_MEMORY, CN_NO_OFFSET, "walk: no memory");
        if (r == CN_OK && meta.type == CN_FILE_DIRECTORY) {
            if (again)
                xfs_warn(w->visit, CN_E_CORRUPT, inode->at, number,
                         "a directory that is reached twice is not entered again");
            else
                r = directory(w, inode);
        }
    }
    free(inode);
    return r;
}

static int named_entry(void *context, uint64_t number, cn_span name)
{
    walker *w = context;
    size_t length = w->path.len;
    if (length == 0 || w->path.p[length - 1] != '/')
        cn_buf_char(&w->path, '/');
    cn_buf_bytes(&w->path, name);
    int r = CN_OK;
    if (w->path.failed)
        xfs_warn(w->visit, CN_E_LIMIT, CN_NO_OFFSET, number,
                 "a path longer than 64 KiB is passed over");
    else
        r = entry(w, number, false);
    w->path.len = length;
    w->path.failed = false;
    return r;
}

static int directory(walker *w, const xfs_inode *dir)
{
    if (w->depth >= XFS_DEPTH_MAX) {
        xfs_warn(w->visit, CN_E_LIMIT, dir->at, dir->number,
                 "directories nest deeper than 4096: not entered");
        return CN_OK;
    }
    w->depth++;
    int r = xfs_dir_each(w->fs, dir, named_entry, w, w->visit, w->err);
    w->depth--;
    return r;
}

static bool is_internal(const xfs *fs, uint64_t number)
{
    for (size_t i = 0; i < CN_LEN(fs->internal); i++)
        if (fs->internal[i] == number)
            return true;
    return false;
}

static int orphan_entry(walker *w, uint64_t number)
{
    if (number == 0 || has_inode(&w->seen, number) || is_internal(w->fs, number))
        return CN_OK;
    w->path.len = 0;
    cn_buf_printf(&w->path, "/$OrphanFiles/OrphanFile-%llu", (unsigned long long) number);
    return entry(w, number, true);
}

static int chunk_record(walker *w, uint32_t group, cn_cur *c)
{
    uint32_t first = cn_cur_be32(c);
    uint16_t holes = 0;
    if (w->fs->sparse) {
        holes = cn_cur_be16(c);
        cn_cur_skip(c, 2);
    } else {
        cn_cur_skip(c, 4);
    }
    uint64_t is_free = cn_cur_be64(c);
    int r = cn_cur_check(c, w->err, "inode tree");
    unsigned per_hole = CHUNK_INODES / 16; /* a bit of the mask stands for 4 inodes */
    for (unsigned i = 0; r == CN_OK && i < CHUNK_INODES; i++)
        if (!(is_free >> i & 1) && !(holes >> i / per_hole & 1))
            r = orphan_entry(w, (uint64_t) group << (w->fs->agblk_log + w->fs->inopb_log) |
                                    (first + i));
    return r;
}

/* Levels fall, so depth is bounded; `budget` bounds the blocks of a tree that leads back into
 * itself. */
static int inode_tree(walker *w, uint32_t group, uint32_t block, unsigned level, uint64_t *budget)
{
    xfs *fs = w->fs;
    uint64_t at = ((uint64_t) group * fs->agblocks + block) << fs->block_log;
    if (block >= fs->agblocks || *budget == 0)
        return cn_fail(w->err, CN_E_CORRUPT, at, "inode tree: block %u", block);
    --*budget;
    uint8_t *bytes = malloc(fs->block_size);
    if (!bytes)
        return cn_fail(w->err, CN_E_NO_MEMORY, at, "inode tree: no memory");
    int r = cn_src_read(fs->base.src, at, bytes, fs->block_size, w->err);
    cn_span span = cn_span_of(bytes, fs->block_size);
    cn_cur c = cn_cur_of(span, at);
    size_t header = fs->v5 ? HEADER_V5 : HEADER_V4,
           most = (fs->block_size - header) / (level ? 8 : RECORD);
    uint32_t magic = cn_cur_be32(&c);
    unsigned found_level = cn_cur_be16(&c), n = cn_cur_be16(&c);
    if (r == CN_OK &&
        (magic != (fs->v5 ? 0x49414233u : 0x49414254u) || found_level != level || n > most))
        r = cn_fail(w->err, CN_E_CORRUPT, at, "inode tree: block %u is none of level %u", block,
                    level);
    if (r == CN_OK && fs->v5 && !xfs_crc_holds(span, CRC_AT))
        xfs_warn(w->visit, CN_E_CORRUPT, at + CRC_AT, 0, "the inode tree's checksum does not hold");
    cn_cur_seek(&c, header + (level ? most * 4 : 0));
    for (unsigned i = 0; r == CN_OK && i < n; i++)
        r = level ? inode_tree(w, group, cn_cur_be32(&c), level - 1, budget)
                  : chunk_record(w, group, &c);
    free(bytes);
    return r;
}

static int group_orphans(walker *w, uint32_t group)
{
    xfs *fs = w->fs;
    uint8_t agi[64];
    uint64_t at =
        (((uint64_t) group * fs->agblocks) << fs->block_log) + (UINT64_C(2) << fs->sector_log);
    int r = cn_src_read(fs->base.src, at, agi, sizeof agi, w->err);
    cn_cur c = cn_cur_of(cn_span_of(agi, sizeof agi), at);
    uint32_t magic = cn_cur_be32(&c);
    cn_cur_seek(&c, 20);
    uint32_t root = cn_cur_be32(&c), levels = cn_cur_be32(&c);
    if (r == CN_OK && (magic != AGI_MAGIC || levels == 0 || levels > XFS_BTREE_DEPTH))
        r = cn_fail(w->err, CN_E_CORRUPT, at, "group %u has no inode header", group);
    uint64_t budget = fs->agblocks;
    return r == CN_OK ? inode_tree(w, group, root, levels - 1, &budget) : r;
}

int xfs_walk(cn_fs *base, const cn_fs_visit *visit, cn_err *err)
{
    cn_err local = CN_ERR_INIT;
    walker w = {.fs = (xfs *) base,
                .visit = visit,
                .err = err ? err : &local,
                .path = cn_buf_of(XFS_PATH_MAX)};
    if (w.fs->superblock_crc_bad)
        xfs_warn(visit, CN_E_CORRUPT, 224, 0, "the superblock's checksum does not hold");
    cn_buf_char(&w.path, '/');
    int r = entry(&w, w.fs->root, false);
    for (uint32_t group = 0; r == CN_OK && group < w.fs->agcount; group++) {
        if ((uint64_t) group * w.fs->agblocks << w.fs->block_log >= base->src->size) {
            xfs_warn(visit, CN_E_TRUNCATED, base->src->size, 0,
                     "the image ends before the last group");
            break;
        }
        r = group_orphans(&w, group);
        if (r == CN_E_CORRUPT || r == CN_E_TRUNCATED || r == CN_E_IO) {
            xfs_warn(visit, r, w.err->offset, 0, w.err->text);
            *w.err = CN_ERR_INIT;
            r = CN_OK;
        }
    }
    free(w.seen.slots);
    cn_buf_free(&w.path);
    return r;
}
