/* The files that make up one piece of evidence, as open descriptors. The broker gathers them;
 * whoever interprets them (a sandboxed worker) opens no file itself. Names that stand inside
 * evidence (a QCOW2's backing file, the extents of a VMDK, a VHD's parent) are read out by a
 * sandboxed child and opened here, by the broker. */
#pragma once

#include "base/err.h"

#include <sys/stat.h>

#define CN_FILES_MAX 4096u /* of one source: 8 TiB of 2 GiB extents */
#define CN_NAMES_MAX 4096u /* bytes of one name that stands in evidence, as PATH_MAX */

typedef enum cn_files_kind {
    CN_FILES_MEDIA, /* a file or block device that may hold an image: list[0] and what belongs to it
                     */
    CN_FILES_FOLDER /* a folder whose files are the evidence: list[0] is its descriptor */
} cn_files_kind;

typedef struct cn_media_file {
    char *path;       /* canonical, absolute; owned */
    const char *name; /* last part of it, for messages */
    char *asked;      /* the words by which file `asked_by` names it, owned; NULL: the user's own or
                         its sibling */
    size_t asked_by;  /* index in the list */
    bool image;     /* may itself be an image that stands on others; else bytes, whatever they look
                         like */
    struct stat st; /* as it was when it was opened */
    uint32_t sector_size; /* of a block device; 0 where unknown */
    int fd;               /* owned, O_RDONLY */
} cn_media_file;

typedef struct cn_files {
    char *source; /* as the user wrote it; owned */
    cn_files_kind kind;
    cn_media_file *list;
    size_t n;
    size_t siblings; /* list[0 .. siblings) are the parts of a split image, in order; else 1 */
    bool split_raw;  /* the parts' names count as those of a split raw image do (.001, .aa) */
    int scratch;     /* an empty file without a name, for reading and writing: where an archive is
                        unpacked; -1 for a folder or where none could be made; owned */
    char *missing;   /* the part that is not there although later ones are; NULL; owned */
} cn_files;

/* Names that stand in evidence. Owned; free with cn_names_free. */
typedef struct cn_name {
    char *text;
    bool image; /* as in cn_media_file */
} cn_name;
typedef struct cn_names {
    cn_name *list;
    size_t n;
} cn_names;
/* Adds a copy. CN_E_LIMIT over CN_FILES_MAX names or CN_NAMES_MAX bytes, CN_E_CORRUPT with a NUL or
 * nothing in it. */
int cn_names_add(cn_names *names, cn_span name, bool image, cn_err *err) CN_MUST_USE;
void cn_names_free(cn_names *names);

/* Opens the user's SOURCE: a folder, a regular file or a block device, and what by its name are the
 * further parts of a split image (.000/.001/.aa, .E01/.Ex01/.s01/.L01), up to the first that is
 * missing. Reads no byte of them. CN_E_ARG for anything that is no file, folder or block device. */
int cn_files_open(const char *source, cn_files **out, cn_err *err) CN_MUST_USE;
/* Opens what file `asked_by` names as `asked`, and adds it: by its last part in the asking file's
 * own folder (images are moved, and the machine at hand may hold another file at the old place),
 * else at the path that is given. Regular files only. CN_E_NOT_FOUND names what is missing and who
 * asks for it, CN_E_CORRUPT: the files ask for each other in a ring, CN_E_UNSUPPORTED: no path of a
 * file. */
int cn_files_add(cn_files *files, size_t asked_by, const cn_name *asked, cn_err *err) CN_MUST_USE;
/* The file that `asked_by` names as `asked`; SIZE_MAX where it is not there. */
size_t cn_files_find(const cn_files *files, size_t asked_by, const char *asked);
/* A scratch file more, for a process that is not to share the one of the list; -1 where none can be
 * made. The caller owns it. */
int cn_files_scratch(void);
/* Closes the descriptors and frees. Returns NULL. */
cn_files *cn_files_free(cn_files *files);
CN_DEFINE_CLEANUP(cn_files, cn_files_free)
