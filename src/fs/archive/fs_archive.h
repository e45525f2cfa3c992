/* A collection in an archive as a file system: tar (also compressed with gzip, bzip2, xz, zstd,
 * lz4), zip, 7z and cpio, read by libarchive. It is unpacked once, in one pass, into a file that
 * is handed in; then its content is at hand in any order, and in several processes. */
#pragma once

#include "fs/fs.h"

typedef struct cn_archive_limits {
    uint64_t bytes;   /* of all contents together */
    uint64_t entries; /* names */
} cn_archive_limits;

#define CN_ARCHIVE_LIMITS ((cn_archive_limits){.bytes = CN_GIB(256), .entries = 20000000})

/* Bits of certainty that src is such an archive; 0: it is not. A single compressed file is none.
 */
unsigned cn_archive_probe(cn_src *src);

/* src and unpacked_fd are borrowed and must outlive the file system. unpacked_fd is an empty file
 * without a name, open for reading and writing (O_TMPFILE, memfd); where it holds the same archive
 * already because another process was here before, it is used as it is. What is damaged or beyond
 * a limit is told by cn_fs_walk(); an error only where nothing could be read. Inode numbers count
 * the archive's entries from 2; the root is 1. */
int cn_fs_open_archive(cn_src *src, int unpacked_fd, const cn_archive_limits *limits, cn_fs **out,
                       cn_err *err) CN_MUST_USE;
