/* One file as a file system: a lone log or journal that holds no file system itself. */
#pragma once

#include "fs/fs.h"

/* The root with one regular file in it, called `name`, as inode 2. src is borrowed; `name` and
 * `meta` (times and the like as the host has them; type, inode and size are set here) are copied.
 */
int cn_fs_open_single(cn_src *src, cn_span name, const cn_file_meta *meta, cn_fs **out,
                      cn_err *err) CN_MUST_USE;
