/* A file system as Cairn sees it: names with all their metadata, and contents. One owner, one
 * thread. */
#pragma once

#include "base/arena.h"
#include "event/event.h"
#include "img/source.h"

typedef struct cn_fs cn_fs;

enum cn_file_time { CN_FT_M, CN_FT_A, CN_FT_C, CN_FT_B, CN_FT_D, CN_FT_COUNT }; /* D: deletion */

typedef enum cn_file_type {
    CN_FILE_REGULAR,
    CN_FILE_DIRECTORY,
    CN_FILE_LINK,
    CN_FILE_BLOCK,
    CN_FILE_CHAR,
    CN_FILE_FIFO,
    CN_FILE_SOCKET,
    CN_FILE_OTHER
} cn_file_type;

typedef struct cn_file_meta {
    uint64_t inode;
    uint64_t inode_offset; /* of the inode's bytes in the file system, CN_NO_OFFSET where unknown */
    cn_file_type type;
    uint32_t mode; /* with the type bits, as in stat(2) */
    uint32_t uid, gid, links;
    uint64_t size;
    bool has_time[CN_FT_COUNT];
    int64_t time_ns[CN_FT_COUNT];
    /* 0 where the time fits; else its value in seconds as the file system stores it, kept for the
     * event's time_note. */
    int64_t odd_time_s[CN_FT_COUNT];
    uint32_t device_major, device_minor;
    bool deleted;            /* not allocated, or a name whose inode is gone */
    bool orphan;             /* allocated or recently deleted, but no name leads to it */
    cn_span link_target;     /* of a symbolic link; borrowed for the call */
    cn_span attribute_names; /* extended attributes, comma-separated; borrowed */
} cn_file_meta;

typedef struct cn_fs_entry {
    cn_span path; /* absolute, "/" for the root, bytes as stored; "/$OrphanFiles/NAME" where no name
                     leads to it */
    const cn_file_meta *meta;
} cn_fs_entry;

/* A finding that costs less than the file system: bad checksum, loop, damaged directory. */
typedef struct cn_fs_warning {
    int code;        /* CN_E_* */
    uint64_t offset; /* in the file system's bytes, CN_NO_OFFSET where unknown */
    uint64_t inode;  /* 0 where unknown */
    const char *text;
} cn_fs_warning;

typedef struct cn_fs_visit {
    /* Negative stops the walk and is returned. */
    int (*entry)(void *context, const cn_fs_entry *entry);
    void (*warning)(void *context, const cn_fs_warning *warning); /* may be NULL */
    void *context;
} cn_fs_visit;

/* The content of one file: random access, holes as zeros. A cn_src of format "file", sized as the
 * inode says. It must be closed before its file system. The content of a name that is deleted is
 * what its inode still leads to. */

/* name is borrowed for the call, during which fs must not be asked for anything. Negative stops and is
 * returned. */
typedef int (*cn_fs_name_fn)(void *context, cn_span name, uint64_t inode);

typedef struct cn_fs_ops {
    const char *name; /* "ext", "xfs", ... */
    /* Bits of certainty (a 2-byte magic gives 16), 0: not mine. Reads what it needs from src; never
     * fails loudly. */
    unsigned (*probe)(cn_src *src);
    int (*open)(cn_src *src, cn_fs **out, cn_err *err);
    /* Every name once (hard links at each), the root included, then orphans. What is damaged is
     * reported and passed over; an error only where nothing more can be read. A name that was
     * deleted and whose inode now belongs to another one comes with its inode, its type and no
     * times. The callback makes no other call on fs. */
    int (*walk)(cn_fs *fs, const cn_fs_visit *visit, cn_err *err);
    int (*open_file)(cn_fs *fs, uint64_t inode, cn_src **out, cn_err *err);
    /* Metadata of one inode; the spans in it are borrowed until the next call on fs. */
    int (*stat)(cn_fs *fs, uint64_t inode, cn_file_meta *out, cn_err *err);
    /* The inode that a path leads to; symbolic links are not followed. CN_E_NOT_FOUND. */
    int (*lookup)(cn_fs *fs, cn_span path, uint64_t *out_inode, cn_err *err);
    /* Optional: every name of a directory but "." and "..", as cn_fs_list() gives them. */
    int (*list)(cn_fs *fs, uint64_t directory, cn_fs_name_fn name, void *context, cn_err *err);
    void (*close)(cn_fs *fs);
} cn_fs_ops;

/* An implementation embeds this as its first member. src is borrowed and must outlive it. */
struct cn_fs {
    const cn_fs_ops *ops;
    cn_src *src; /* NULL where there is no disk beneath: a folder, an archive, a lone file */
    /* Takes findings that come up outside of a walk, in reading files. Set by the caller; may be
     * NULL. */
    void (*warn)(void *context, const cn_fs_warning *warning);
    void *warn_context;
    char type[16];  /* "ext4", "xfs", "ntfs", ... */
    char label[64]; /* UTF-8, "" where there is none */
    char uuid[40];  /* text, "" where there is none */
    uint32_t block_size;
    uint64_t size; /* bytes, as the file system says */
};

/* Opens with the reader of filesystems.def that is surest, and where it fails with the next one.
 * CN_E_UNSUPPORTED where none knows it. Folders, archives and lone files have their own:
 * fs/dir/fs_dir.h, fs/archive/fs_archive.h, fs/single/fs_single.h. */
int cn_fs_open(cn_src *src, cn_fs **out, cn_err *err) CN_MUST_USE;
int cn_fs_walk(cn_fs *fs, const cn_fs_visit *visit, cn_err *err) CN_MUST_USE;
int cn_fs_open_file(cn_fs *fs, uint64_t inode, cn_src **out, cn_err *err) CN_MUST_USE;
int cn_fs_stat(cn_fs *fs, uint64_t inode, cn_file_meta *out, cn_err *err) CN_MUST_USE;
/* Follows symbolic links (at most 40, inside the file system) when `follow`. */
int cn_fs_lookup(cn_fs *fs, cn_span path, bool follow, uint64_t *out_inode,
                 cn_err *err) CN_MUST_USE;
/* The names of one directory, without "." and "..". CN_E_UNSUPPORTED where this file system can only
 * be walked; CN_E_NOT_FOUND where it is no directory. */
int cn_fs_list(cn_fs *fs, uint64_t directory, cn_fs_name_fn name, void *context,
               cn_err *err) CN_MUST_USE;
cn_fs *cn_fs_close(cn_fs *fs);
CN_DEFINE_CLEANUP(cn_fs, cn_fs_close)
