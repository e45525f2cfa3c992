/* What the files of the XFS reader share. Format: "XFS Algorithms & Data Structures", 3rd edition;
 * its chapters are named where a structure is read. All of XFS is big-endian but for the CRCs. */
#pragma once

#include "base/buf.h"
#include "base/cur.h"
#include "base/text.h"
#include "fs/fs.h"

#include <stdio.h>
#include <stdlib.h>

/* Limits. A file of more extents than this is cut there: 2 Mi extents of one block are 8 GiB in 4
 * KiB pieces. */
#define XFS_EXTENTS_MAX  (2u << 20)
#define XFS_BTREE_DEPTH  10u /* XFS_BTREE_MAXLEVELS is 9 */
#define XFS_PATH_MAX     CN_KIB(64)
#define XFS_DEPTH_MAX    2048u /* of directories; a level takes about 1 KiB of stack */
#define XFS_ATTR_BLOCKS  4096u
#define XFS_NAMES_MAX    CN_KIB(64)
#define XFS_LINK_MAX     1024u /* XFS_SYMLINK_MAXLEN */
#define XFS_CACHE_CHUNKS 64u
#define XFS_CHUNK_BYTES  CN_KIB(32)
#define XFS_INODE_MAX    2048u

extern const cn_fs_ops cn_fs_xfs_ops;

enum { XFS_FMT_DEV, XFS_FMT_LOCAL, XFS_FMT_EXTENTS, XFS_FMT_BTREE };

typedef struct xfs_chunk {
    uint64_t at; /* byte offset in the file system; UINT64_MAX: empty */
    uint32_t len;
    uint8_t *bytes; /* XFS_CHUNK_BYTES */
} xfs_chunk;

typedef struct xfs {
    cn_fs base;
    uint32_t block_size, agblocks, agcount, inode_size, dir_block_size;
    uint64_t root;
    uint64_t internal[5]; /* inodes of the file system itself: bitmap, summary, quotas */
    uint8_t block_log, inode_log, inopb_log, agblk_log, sector_log;
    bool v5, ftype, sparse;
    bool superblock_crc_bad; /* or the first one could not be used at all */
    uint8_t uuid[16];        /* that v5 metadata carries */
    xfs_chunk cache[XFS_CACHE_CHUNKS];
    cn_buf link, names; /* of the last stat */
} xfs;

typedef struct xfs_extent {
    uint64_t offset, start, count; /* file block, file-system block, blocks */
    bool unwritten;
} xfs_extent;

typedef struct xfs_map {
    xfs_extent *extents; /* owned; by offset, without overlap */
    size_t n, capacity;
} xfs_map;

typedef struct xfs_inode {
    uint64_t number, at; /* at: byte offset in the file system */
    uint16_t mode, flags2_low;
    uint8_t version, format, attr_format;
    uint32_t uid, gid, links;
    uint64_t size, extents, attr_extents, flags2;
    struct {
        uint64_t raw;
        bool has;
    } times[CN_FT_COUNT];
    bool crc_bad;
    uint8_t raw[XFS_INODE_MAX];
    cn_span data_fork, attr_fork; /* into raw */
} xfs_inode;

/* xfs_inode.c */
/* Byte offset of an inode number; CN_E_CORRUPT where no group or block can hold it. */
int xfs_inode_at(const xfs *fs, uint64_t number, uint64_t *out_at, cn_err *err) CN_MUST_USE;
/* Reads and decodes one inode. CN_E_NOT_FOUND where it is free (mode 0). */
int xfs_inode_read(xfs *fs, uint64_t number, xfs_inode *out, cn_err *err) CN_MUST_USE;
/* Fills in meta, with link target and attribute names in the file system's own buffers. Damage in
 * these two is told to `warn` (may be NULL) and costs only them. */
void xfs_inode_meta(xfs *fs, const xfs_inode *inode, cn_file_meta *out, const cn_fs_visit *warn);

/* xfs_map.c */
/* Byte range of file-system blocks, checked against the groups. */
int xfs_block_at(const xfs *fs, uint64_t block, uint64_t count, uint64_t *out_at,
                 cn_err *err) CN_MUST_USE;
/* The extents of a fork. What was read before a fault is in *out, which is the caller's to free
 * either way. */
int xfs_map_read(xfs *fs, const xfs_inode *inode, bool attr_fork, xfs_map *out,
                 cn_err *err) CN_MUST_USE;
void xfs_map_free(xfs_map *map);
/* The content of a file as a cn_src of `size` bytes, which owns its map. A fault of the extents is
 * told where the bytes behind it are read. */
int xfs_map_source(xfs *fs, const xfs_inode *inode, uint64_t size, cn_src **out,
                   cn_err *err) CN_MUST_USE;
/* The map of such a source, and the fault that ended it (code CN_OK: none); both borrowed. */
const xfs_map *xfs_source_map(cn_src *src, const cn_err **out_fault);

/* xfs_dir.c */
typedef int (*xfs_name_fn)(void *context, uint64_t inode, cn_span name);
/* Every name of a directory but "." and "..". Damaged blocks are told to `warn` and passed over. */
int xfs_dir_each(xfs *fs, const xfs_inode *dir, xfs_name_fn each, void *context,
                 const cn_fs_visit *warn, cn_err *err) CN_MUST_USE;

/* xfs_attr.c */
/* Names of the extended attributes as listxattr(2) gives them, comma-separated, appended to out. */
int xfs_attr_names(xfs *fs, const xfs_inode *inode, cn_buf *out, cn_err *err) CN_MUST_USE;

/* xfs_walk.c */
int xfs_walk(cn_fs *fs, const cn_fs_visit *visit, cn_err *err) CN_MUST_USE;

/* A warning with printf text; visit and its warning may be NULL. */
void xfs_warn(const cn_fs_visit *visit, int code, uint64_t offset, uint64_t inode,
              const char *text);
/* True where the CRC-32C (little-endian at crc_at, counted as zero) of a v5 structure holds. */
bool xfs_crc_holds(cn_span bytes, size_t crc_at);
