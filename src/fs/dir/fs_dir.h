/* A folder of the analyst's machine as a file system: what was copied off a host, or a disk that
 * is mounted. Everything is opened relative to one descriptor, part by part, and no symbolic link
 * is ever followed, so nothing outside the folder is read. */
#pragma once

#include "fs/fs.h"

/* dir_fd is an open directory, which the file system owns from here on, on failure too. Inode
 * numbers are the host's; those of file systems that are mounted below are made of 62 bits of
 * device and inode. Nothing below /proc, /sys and their kin is read. cn_fs.src is NULL. Times of
 * access stay as they are where the host allows it. Attribute names are not read. */
int cn_fs_open_dir(int dir_fd, cn_fs **out, cn_err *err) CN_MUST_USE;
