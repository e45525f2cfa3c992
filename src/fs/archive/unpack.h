/* What is between the two halves of fs/archive: the file that an archive is unpacked into. It may
 * have been written by another process that read hostile evidence, so it is read as evidence is.
 *
 *   0 8 "CNUNPAK1",  8 8 key of the archive,  16 8 offset of the index,  24 8 bytes of the index,
 *   32 8 hash of the index
 *   64 contents, one behind the other
 *   then the index, record by record:
 *     0 4 bytes of the record,  4 1 kind,  5 1 which times are set,  6 1 type,  7 1 zero,
 *     8 4 mode,  12 4 owner,  16 4 group,  20 4 and 24 4 device,  28 4 bytes of the path,
 *     32 4 bytes of the link,  36 4 bytes of the attribute names,  40 8 size,  48 8 offset of the
 *     content,  56 8 offset of the entry in the archive,  64 32 times m, a, c, b,
 *     96 path, link, attribute names
 * A record of the kind "warning" has its code where the mode is, negated, and its text as path. */
#pragma once

#include "fs/archive/fs_archive.h"

#define CN_UNPACK_HEAD_BYTES 64u
#define CN_UNPACK_RECORD     96u
#define CN_UNPACK_INDEX_MAX  CN_MIB(256)

enum cn_unpack_kind { CN_UNPACK_ENTRY = 1, CN_UNPACK_HARD_LINK, CN_UNPACK_WARNING };

/* Names the archive: of its size and its first bytes. */
int cn_unpack_key(cn_src *src, uint64_t *out, cn_err *err) CN_MUST_USE;
/* Unpacks into fd, which is empty. Damage becomes warnings in the index; an error where nothing at
 * all could be read or written. */
int cn_unpack(cn_src *src, int fd, uint64_t key, const cn_archive_limits *limits,
              cn_err *err) CN_MUST_USE;
