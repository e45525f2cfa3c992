/* Where the blocks of a file are: a tree of extents, or the older pointers to blocks of pointers
 * (docs/formats/ext.md, section 4). Nothing is loaded ahead: a look-up goes down the tree and keeps
 * one block of each level, so it needs no more memory for a large file than for a small one, and
 * no chain in the evidence can make it run on.
 *
 *   extent node:  0 2 0xF30A,  2 2 entries,  4 2 room for entries,  6 2 depth,  8 4 generation
 *   inner entry:  0 4 first block of the file,  4 4 node, low half,  8 2 node, high half
 *   leaf entry:   0 4 first block of the file,  4 2 blocks (over 32768: less that, not written),
 *                 6 2 place, high half,  8 4 place, low half
 *   in a block, behind the room for entries:  CRC-32C of what stands before
 */
#include "base/crc32c.h"
#include "fs/ext/ext.h"

#include <stdlib.h>

#define MAGIC           0xF30Au
#define HEADER_BYTES    12u
#define ENTRY_BYTES     12u
#define WRITTEN_MAX     32768u
#define DIRECT          12u
#define EXTENT_FILE_END (UINT64_C(1) << 32) /* block numbers in extents have 32 bits */

void cn_ext_map_init(cn_ext_map *map, cn_ext *ext, const cn_ext_inode *inode)
{
    memset(map, 0, sizeof *map);
    map->ext = ext;
    map->inode = inode->number;
    map->generation = inode->generation;
    map->extents = inode->flags & CN_EXT_FL_EXTENTS;
    cn_cur c = cn_cur_of(inode->block, inode->offset);
    const uint8_t *root = cn_cur_bytes(&c, sizeof map->root);
    if (root)
        memcpy(map->root, root, sizeof map->root);
}

void cn_ext_map_free(cn_ext_map *map)
{
    for (size_t i = 0; i < CN_EXT_MAP_LEVELS; i++)
        free(map->levels[i].bytes);
}

uint64_t cn_ext_map_end(const cn_ext_map *map)
{
    if (map->extents)
        return EXTENT_FILE_END;
    uint64_t n = map->ext->super.block_size / 4;
    return DIRECT + n + n * n + n * n * n;
}

/* --- Extents. */

typedef struct node {
    cn_span bytes;
    uint64_t offset;
    uint16_t entries, room, depth;
} node;

static int read_node(const cn_ext_map *map, cn_span bytes, uint64_t offset, node *out, cn_err *err)
{
    cn_cur c = cn_cur_of(bytes, offset);
    uint16_t magic = cn_cur_le16(&c);
    *out = (node){.bytes = bytes, .offset = offset};
    out->entries = cn_cur_le16(&c);
    out->room = cn_cur_le16(&c);
    out->depth = cn_cur_le16(&c);
    if (c.fail || magic != MAGIC || out->entries > out->room ||
        HEADER_BYTES + (size_t) out->room * ENTRY_BYTES > bytes.len ||
        out->depth > CN_EXT_MAP_LEVELS)
        return cn_fail(err, CN_E_CORRUPT, offset, "inode %u: an extent node is damaged",
                       map->inode);
    return CN_OK;
}

/* The first block of the file that entry i is about. */
static uint32_t entry_first(const node *n, uint32_t i)
{
    cn_cur c = cn_cur_of(n->bytes, n->offset);
    cn_cur_seek(&c, HEADER_BYTES + (uint64_t) i * ENTRY_BYTES);
    return cn_cur_le32(&c);
}

/* How many entries begin at or before `logical`. */
static uint32_t entries_up_to(const node *n, uint64_t logical)
{
    uint32_t low = 0, high = n->entries;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (entry_first(n, middle) <= logical)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void check_node(cn_ext_map *map, const node *n)
{
    if (!cn_ext_has_checksums(map->ext))
        return;
    size_t tail = HEADER_BYTES + (size_t) n->room * ENTRY_BYTES;
    cn_cur c = cn_cur_of(n->bytes, n->offset);
    uint32_t crc =
        cn_crc32c(cn_ext_inode_seed(map->ext, map->inode, map->generation), cn_cur_span(&c, tail));
    uint32_t stored = cn_cur_le32(&c);
    if (c.fail || crc != stored)
        cn_ext_warn(map->ext, CN_E_CORRUPT, n->offset, map->inode,
                    "an extent block of inode %u has a wrong checksum", map->inode);
}

static int child_node(cn_ext_map *map, uint64_t block, uint16_t depth, node *out, cn_err *err)
{
    cn_ext *ext = map->ext;
    cn_ext_block *level = &map->levels[depth];
    bool fresh = level->number != block || block == 0;
    int rc = cn_ext_block_read(ext, level, block, err);
    if (rc == CN_OK)
        rc = read_node(map, cn_span_of(level->bytes, ext->super.block_size),
                       block * ext->super.block_size, out, err);
    if (rc != CN_OK)
        return rc;
    if (out->depth != depth)
        return cn_fail(err, CN_E_CORRUPT, out->offset,
                       "inode %u: an extent node is of depth %u where %u belongs", map->inode,
                       out->depth, depth);
    if (fresh)
        check_node(map, out);
    return CN_OK;
}

/* The leaf entry for `logical`, or the hole where it lies; `end` bounds what is said of it. */
static int leaf_at(const cn_ext_map *map, const node *n, uint64_t logical, uint64_t end,
                   cn_ext_run *out, cn_err *err)
{
    uint32_t i = entries_up_to(n, logical);
    if (i < n->entries)
        end = CN_MIN(end, CN_MAX((uint64_t) entry_first(n, i), logical + 1));
    *out = (cn_ext_run){CN_EXT_HOLE, 0, end - logical};
    if (i == 0)
        return CN_OK;
    cn_cur c = cn_cur_of(n->bytes, n->offset);
    cn_cur_seek(&c, HEADER_BYTES + (uint64_t) (i - 1) * ENTRY_BYTES);
    uint64_t at = cn_cur_offset(&c), first = cn_cur_le32(&c), blocks = cn_cur_le16(&c);
    uint64_t physical = (uint64_t) cn_cur_le16(&c) << 32;
    physical |= cn_cur_le32(&c);
    bool written = blocks <= WRITTEN_MAX;
    if (!written)
        blocks -= WRITTEN_MAX;
    if (logical >= first + blocks)
        return CN_OK;
    uint64_t left = first + blocks - logical;
    out->blocks = CN_MIN(left, end - logical);
    out->kind = written ? CN_EXT_DATA : CN_EXT_UNWRITTEN;
    out->physical = physical + (logical - first);
    uint64_t count = map->ext->super.blocks_count;
    if (physical == 0 || physical >= count || blocks > count - physical)
        return cn_fail(err, CN_E_CORRUPT, at, "inode %u: an extent leads outside the file system",
                       map->inode);
    return CN_OK;
}

static int extents_at(cn_ext_map *map, uint64_t logical, cn_ext_run *out, cn_err *err)
{
    uint64_t end = EXTENT_FILE_END;
    *out = (cn_ext_run){CN_EXT_HOLE, 0, end - logical};
    node n;
    int rc = read_node(map, cn_span_of(map->root, sizeof map->root), CN_NO_OFFSET, &n, err);
    /* Each step down lowers the depth by one: five at most. */
    while (rc == CN_OK && n.depth > 0) {
        uint32_t i = entries_up_to(&n, logical);
        if (i < n.entries)
            end = CN_MIN(end, CN_MAX((uint64_t) entry_first(&n, i), logical + 1));
        *out = (cn_ext_run){CN_EXT_HOLE, 0, end - logical};
        if (i == 0)
            return CN_OK;
        cn_cur c = cn_cur_of(n.bytes, n.offset);
        cn_cur_seek(&c, HEADER_BYTES + (uint64_t) (i - 1) * ENTRY_BYTES + 4);
        uint64_t block = cn_cur_le32(&c);
        block |= (uint64_t) cn_cur_le16(&c) << 32;
        rc = child_node(map, block, (uint16_t) (n.depth - 1), &n, err);
    }
    return rc == CN_OK ? leaf_at(map, &n, logical, end, out, err) : rc;
}

/* --- Blocks of pointers. */

/* A run of pointers that follow each other, from pointer i of a list on. */
static int pointers_at(const cn_ext_map *map, cn_span list, uint64_t offset, uint64_t i,
                       cn_ext_run *out, cn_err *err)
{
    cn_cur c = cn_cur_of(list, offset);
    cn_cur_seek(&c, i * 4);
    uint64_t at = cn_cur_offset(&c);
    uint32_t first = cn_cur_le32(&c);
    uint64_t n = 1;
    while (cn_cur_left(&c) >= 4) {
        uint32_t next = cn_cur_le32(&c);
        if (first ? next != first + n : next != 0)
            break;
        n++;
    }
    *out = (cn_ext_run){first ? CN_EXT_DATA : CN_EXT_HOLE, first, n};
    if (first &&
        (first >= map->ext->super.blocks_count || n > map->ext->super.blocks_count - first)) {
        out->blocks = 1;
        if (first >= map->ext->super.blocks_count)
            return cn_fail(err, CN_E_CORRUPT, at,
                           "inode %u: a block pointer leads outside the file system", map->inode);
    }
    return CN_OK;
}

static int indirect_at(cn_ext_map *map, uint64_t logical, cn_ext_run *out, cn_err *err)
{
    cn_span root = cn_span_of(map->root, sizeof map->root);
    if (logical < DIRECT)
        return pointers_at(map, cn_span_sub(root, 0, (size_t) DIRECT * 4), CN_NO_OFFSET, logical,
                           out, err);
    uint64_t per_block = map->ext->super.block_size / 4, rest = logical - DIRECT;
    /* What one pointer of the level above covers. */
    uint64_t span = per_block;
    unsigned depth = 0;
    while (rest >= span && depth < 2) {
        rest -= span;
        span *= per_block;
        depth++;
    }
    if (rest >= span) {
        *out = (cn_ext_run){CN_EXT_HOLE, 0, UINT64_MAX - logical};
        return CN_OK;
    }
    cn_cur c = cn_cur_of(root, CN_NO_OFFSET);
    cn_cur_seek(&c, (DIRECT + (uint64_t) depth) * 4);
    uint32_t block = cn_cur_le32(&c);
    for (;; depth--) {
        *out = (cn_ext_run){CN_EXT_HOLE, 0, span - rest};
        if (block == 0)
            return CN_OK;
        cn_ext_block *level = &map->levels[depth];
        int rc = cn_ext_block_read(map->ext, level, block, err);
        if (rc != CN_OK)
            return rc;
        cn_span list = cn_span_of(level->bytes, map->ext->super.block_size);
        uint64_t offset = (uint64_t) block * map->ext->super.block_size;
        span /= per_block;
        if (depth == 0)
            return pointers_at(map, list, offset, rest, out, err);
        c = cn_cur_of(list, offset);
        cn_cur_seek(&c, rest / span * 4);
        block = cn_cur_le32(&c);
        rest %= span;
    }
}

int cn_ext_map_at(cn_ext_map *map, uint64_t logical, cn_ext_run *out, cn_err *err)
{
    uint64_t end = cn_ext_map_end(map);
    if (logical >= end) {
        *out = (cn_ext_run){CN_EXT_HOLE, 0, UINT64_MAX - logical};
        return CN_OK;
    }
    return map->extents ? extents_at(map, logical, out, err) : indirect_at(map, logical, out, err);
}
