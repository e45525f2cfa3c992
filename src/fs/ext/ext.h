/* ext2, ext3 and ext4 inside: what the files of this folder share. The format is described in the
 * Linux kernel's Documentation/filesystems/ext4 and in docs/formats/ext.md. Offsets are bytes in
 * the file system's source, blocks count from its start. */
#pragma once

#include "base/cur.h"
#include "fs/fs.h"

/* Features that change how things are read. */
enum cn_ext_feature {
    CN_EXT_COMPAT_JOURNAL = 0x4,
    CN_EXT_COMPAT_SPARSE_SUPER2 = 0x200,
    CN_EXT_INCOMPAT_COMPRESSION = 0x1,
    CN_EXT_INCOMPAT_FILETYPE = 0x2,
    CN_EXT_INCOMPAT_RECOVER = 0x4,
    CN_EXT_INCOMPAT_JOURNAL_DEV = 0x8,
    CN_EXT_INCOMPAT_META_BG = 0x10,
    CN_EXT_INCOMPAT_EXTENTS = 0x40,
    CN_EXT_INCOMPAT_64BIT = 0x80,
    CN_EXT_INCOMPAT_EA_INODE = 0x400,
    CN_EXT_INCOMPAT_CSUM_SEED = 0x2000,
    CN_EXT_INCOMPAT_INLINE_DATA = 0x8000,
    CN_EXT_RO_SPARSE_SUPER = 0x1,
    CN_EXT_RO_HUGE_FILE = 0x8,
    CN_EXT_RO_GDT_CSUM = 0x10,
    CN_EXT_RO_METADATA_CSUM = 0x400,
};

enum cn_ext_inode_flag {
    CN_EXT_FL_ENCRYPT = 0x800,
    CN_EXT_FL_INDEX = 0x1000,
    CN_EXT_FL_EXTENTS = 0x80000,
    CN_EXT_FL_EA_INODE = 0x200000,
    CN_EXT_FL_INLINE_DATA = 0x10000000,
    CN_EXT_FL_CASEFOLD = 0x40000000,
};

enum cn_ext_group_flag { CN_EXT_BG_INODE_UNINIT = 0x1 };

#define CN_EXT_ROOT_INODE 2u

/* The superblock, decoded and checked against itself. */
typedef struct cn_ext_super {
    uint64_t offset; /* where it was read */
    uint32_t inodes_count, first_data_block, block_size, blocks_per_group, inodes_per_group;
    uint64_t blocks_count;
    uint32_t inode_size, desc_size, first_inode, first_meta_bg, backup_groups[2];
    uint32_t compat, incompat, ro_compat;
    uint32_t revision, last_orphan, journal_inode, orphan_file_inode;
    uint32_t quota_inodes[3];
    uint32_t checksum_seed;
    uint16_t block_group, state;
    uint8_t uuid[16], label[16];
    uint32_t groups;
    bool checksum_wrong;
} cn_ext_super;

typedef struct cn_ext_group {
    uint64_t inode_bitmap, inode_table;
    uint32_t never_used; /* inodes at the table's end; 0 where that is not known */
    uint32_t bitmap_checksum;
    bool uninit; /* no inode of it was ever used */
    bool bitmap_checked;
    bool valid; /* the table lies inside the file system and does not overlap its start */
} cn_ext_group;

#define CN_EXT_GROUP_PAGE  1024u /* descriptors that are read and decoded together */
#define CN_EXT_GROUP_PAGES 16u

typedef struct cn_ext_group_page {
    uint32_t first; /* group; UINT32_MAX where the page is empty */
    cn_ext_group *groups;
} cn_ext_group_page;

#define CN_EXT_CHUNK_BYTES CN_KIB(64) /* of an inode table, read together */
#define CN_EXT_CHUNKS      1024u      /* kept: 64 MiB, which is 262,144 inodes of 256 bytes */

typedef struct cn_ext_chunk {
    uint32_t first_inode; /* 0 where the slot is empty */
    size_t valid_bytes;
    uint64_t offset;
    uint8_t *bytes;
} cn_ext_chunk;

/* A block that is kept as long as it is the last one of its kind. */
typedef struct cn_ext_block {
    uint64_t number; /* 0: none */
    uint8_t *bytes;
} cn_ext_block;

/* An inode as stored. `raw` is borrowed until the next inode is read. */
typedef struct cn_ext_inode {
    uint32_t number, generation, flags;
    uint64_t offset;
    uint16_t mode, links;
    uint32_t uid, gid, ctime, dtime;
    uint64_t size, xattr_block, blocks_512;
    uint16_t extra_size; /* bytes behind the first 128 that are fields, checked */
    cn_span raw;
    cn_span block; /* i_block: 60 bytes of raw */
} cn_ext_inode;

#define CN_EXT_I_BLOCK_BYTES 60u
#define CN_EXT_XATTR_CACHE   64u
#define CN_EXT_NAMES_MAX     CN_KIB(64) /* bytes of one inode's attribute names */

typedef struct cn_ext_dir_reader {
    uint8_t *bytes; /* CN_EXT_DIR_BYTES, or a block where that is more */
    uint64_t *plausible;
} cn_ext_dir_reader;

typedef struct cn_ext {
    cn_fs fs;
    cn_ext_super super;
    cn_ext_group_page group_pages[CN_EXT_GROUP_PAGES];
    cn_ext_chunk *chunks;
    cn_ext_block inode_bitmap, xattr_block, link_block;
    struct cn_ext_xattr_names {
        uint64_t block;
        cn_buf names;
    } xattr_names[CN_EXT_XATTR_CACHE];
    cn_buf names; /* attribute names of the inode at hand */
    cn_buf link;  /* target of the symbolic link at hand */
    cn_ext_dir_reader finder;
    const cn_fs_visit *visit; /* of the walk that is running */
    uint64_t warnings;
    uint64_t mended; /* descriptors that were looked for in backups */
} cn_ext;

/* --- ext_super.c */

/* The best superblock of src: the first, or a backup where the first is damaged. */
int cn_ext_super_find(cn_src *src, cn_ext_super *out, cn_err *err) CN_MUST_USE;
unsigned cn_ext_super_probe(cn_src *src);
static inline bool cn_ext_has_checksums(const cn_ext *ext)
{
    return ext->super.ro_compat & CN_EXT_RO_METADATA_CSUM;
}

/* --- ext_group.c */

/* Borrowed until the next call. CN_E_CORRUPT or CN_E_TRUNCATED where there is none to be had. */
int cn_ext_group_get(cn_ext *ext, uint32_t group, const cn_ext_group **out,
                     cn_err *err) CN_MUST_USE;
/* Whether the bitmap says that an inode is in use; false with *known false where it cannot be read.
 */
bool cn_ext_allocated(cn_ext *ext, uint32_t inode, bool *known);
void cn_ext_groups_free(cn_ext *ext);

/* --- ext_inode.c */

int cn_ext_inode_get(cn_ext *ext, uint64_t number, cn_ext_inode *out, cn_err *err) CN_MUST_USE;
/* A damaged checksum is told as a warning. */
void cn_ext_inode_check(cn_ext *ext, const cn_ext_inode *inode);
/* All that is known of it. The spans in *out are borrowed until the next call. */
void cn_ext_inode_meta(cn_ext *ext, const cn_ext_inode *inode, cn_file_meta *out);
/* The seed of all checksums that belong to an inode. */
uint32_t cn_ext_inode_seed(const cn_ext *ext, uint32_t number, uint32_t generation);
cn_file_type cn_ext_type_of_mode(uint16_t mode);
void cn_ext_inodes_free(cn_ext *ext);

/* --- ext_xattr.c */

/* The names of its extended attributes, comma-separated, borrowed until the next call. */
cn_span cn_ext_xattr_list(cn_ext *ext, const cn_ext_inode *inode);
/* What stands in the attribute system.data of an inode with inline data: a part of inode->raw,
 * empty where there is none. */
cn_span cn_ext_xattr_inline(const cn_ext_inode *inode);

/* --- ext_map.c */

typedef enum cn_ext_run_kind { CN_EXT_HOLE, CN_EXT_DATA, CN_EXT_UNWRITTEN } cn_ext_run_kind;

/* Blocks of a file that lie side by side. */
typedef struct cn_ext_run {
    cn_ext_run_kind kind;
    uint64_t physical; /* of CN_EXT_DATA */
    uint64_t blocks;   /* at least 1 */
} cn_ext_run;

#define CN_EXT_MAP_LEVELS 5

/* Where a file's blocks are. One owner; holds copies, so the inode may go. */
typedef struct cn_ext_map {
    cn_ext *ext;
    uint32_t inode, generation;
    bool extents;
    uint8_t root[CN_EXT_I_BLOCK_BYTES];
    cn_ext_block levels[CN_EXT_MAP_LEVELS];
} cn_ext_map;

void cn_ext_map_init(cn_ext_map *map, cn_ext *ext, const cn_ext_inode *inode);
/* The run that block `logical` of the file belongs to, from there on. On failure *out says how many
 * blocks the damage costs. */
int cn_ext_map_at(cn_ext_map *map, uint64_t logical, cn_ext_run *out, cn_err *err) CN_MUST_USE;
/* Blocks that a file can have at all. */
uint64_t cn_ext_map_end(const cn_ext_map *map);
void cn_ext_map_free(cn_ext_map *map);

/* --- ext_file.c */

int cn_ext_file_open(cn_ext *ext, const cn_ext_inode *inode, cn_src **out, cn_err *err) CN_MUST_USE;
/* Bytes of inline data: what i_block holds, and the attribute behind it. */
#define CN_EXT_INLINE_MAX CN_KIB(64)

/* --- ext_dir.c */

typedef struct cn_ext_dirent {
    uint32_t inode;
    uint8_t file_type; /* 0 where unknown */
    bool deleted;      /* found where no name is in use; inode may be 0 */
    uint64_t offset;
    cn_span name; /* borrowed for the call */
} cn_ext_dirent;

#define CN_EXT_DIR_BYTES CN_KIB(256) /* of a directory, read together */

typedef struct cn_ext_dir_job {
    cn_ext *ext;
    cn_ext_dir_reader *reader;
    bool deleted; /* look for deleted names too */
    uint64_t budget_bytes;
    uint64_t budget_damage; /* blocks that are damaged */
    /* Every name but "." and ".."; nonzero stops and is returned. */
    int (*name)(void *context, const cn_ext_dirent *entry);
    void *context;
} cn_ext_dir_job;

/* Reads a directory. Damage is told as a warning and passed over. CN_E_LIMIT where a budget is used
 * up: of bytes that are read, of blocks that are damaged. */
int cn_ext_dir_read(cn_ext_dir_job *job, const cn_ext_inode *dir) CN_MUST_USE;
cn_file_type cn_ext_type_of_dirent(uint8_t file_type);
void cn_ext_dir_reader_free(cn_ext_dir_reader *reader);

/* --- ext_walk.c */

int cn_ext_walk(cn_ext *ext, const cn_fs_visit *visit, cn_err *err) CN_MUST_USE;

/* --- ext.c */

extern const cn_fs_ops cn_fs_ext_ops;

/* Tells a finding to whoever walks or reads. At most CN_EXT_WARNINGS_MAX per file system are told;
 * the last one says that there were more. */
void cn_ext_warn(cn_ext *ext, int code, uint64_t offset, uint64_t inode, const char *format, ...)
    CN_PRINTF(5, 6);
#define CN_EXT_WARNINGS_MAX 10000u
/* Reads a whole block into *slot unless it is the one that is there. */
int cn_ext_block_read(cn_ext *ext, cn_ext_block *slot, uint64_t number, cn_err *err) CN_MUST_USE;
