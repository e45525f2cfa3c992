/* Image readers: containers of a disk's bytes, recognised by content. One line each in images.def.
 */
#pragma once

#include "img/files.h"
#include "img/source.h"

typedef struct cn_image_reader {
    const char *name; /* "ewf", "qcow2", ...: also the format of the sources that it opens */
    /* Bits of certainty that file i begins such an image, 0: not mine. raw is its content. */
    unsigned (*probe)(const cn_files *files, size_t i, cn_src *raw);
    /* Optional: the names that stand in file i and that open() will look for with cn_files_find().
     */
    int (*names)(cn_src *raw, cn_names *out, cn_err *err);
    /* Opens the image that file i begins. files must outlive the source. depth counts the images
     * that stand behind others (backing files): pass depth + 1 to cn_image_open_at(). */
    int (*open)(const cn_files *files, size_t i, unsigned depth, cn_src **out, cn_err *err);
    /* Optional: what is missing from an image that could be opened all the same; CN_OK where nothing
     * is. */
    int (*check)(const cn_files *files, size_t i, cn_err *err);
} cn_image_reader;

#define CN_IMAGE_DEPTH_MAX                                                                         \
    32u /* of a chain of backing files; hypervisors allow 30 snapshots and fewer */

/* Opens the image whose first file is list[0] by the surest reader; a file that no reader claims is
 * raw. */
int cn_image_open(const cn_files *files, cn_src **out, cn_err *err) CN_MUST_USE;
/* The same for file i, which another names. CN_E_LIMIT at CN_IMAGE_DEPTH_MAX. */
int cn_image_open_at(const cn_files *files, size_t i, unsigned depth, cn_src **out,
                     cn_err *err) CN_MUST_USE;
/* The names that stand in file i (none for most). Interprets evidence: for a sandboxed child. */
int cn_image_names(const cn_files *files, size_t i, cn_names *out, cn_err *err) CN_MUST_USE;

/* What is missing from the image at list[0], though it could be opened: a later segment. CN_OK where
 * nothing is. */
int cn_image_check(const cn_files *files, cn_err *err) CN_MUST_USE;

/* The bytes of file i as they are, one source over all parts where it begins a split raw image
 * (format "split"). The descriptors stay the files'. */
int cn_image_bytes(const cn_files *files, size_t i, cn_src **out, cn_err *err) CN_MUST_USE;

/* A source over a descriptor that stays the caller's. */
int cn_src_borrow_fd(int fd, uint32_t sector_size, cn_src **out, cn_err *err) CN_MUST_USE;
