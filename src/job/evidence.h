/* Evidence as a tree: source, container, volumes (in volumes), file systems. What cannot be opened
 * is a node that says why; the rest is there all the same. One owner, one thread. */
#pragma once

#include "fs/fs.h"
#include "img/files.h"
#include "img/source.h"
#include "vol/volume.h"

/* --- Broker side: from the user's words to open descriptors. Interprets nothing itself. */

/* Opens SOURCE and all that belongs to it (cn_files_open). Names that stand in the evidence are
 * read by a child process in the sandbox. Call it before threads are started. */
int cn_evidence_gather(const char *source, bool best_effort, cn_files **out,
                       cn_err *err) CN_MUST_USE;
/* The passphrase: the first line of `file` where that is not NULL, else the environment's
 * CAIRN_PASSPHRASE, else none
 * (*out_has false). *out is owned by the caller (free). */
int cn_evidence_passphrase(const char *file, char **out, bool *out_has, cn_err *err) CN_MUST_USE;

struct cn_evidence_options;
/* Derives the keys of the encrypted volumes from options->passphrase, in a child process in the sandbox with as much
 * memory as that takes (LUKS 2: a gigabyte). Hand them to the workers as options->keys, with keys_only instead of the passphrase: they
 * need neither the time nor the memory. None without a passphrase. *out is the caller's (explicit_bzero, free). What
 * stays locked is told by cn_evidence_problems(). */
int cn_evidence_unlock(cn_files *const *files, size_t n, const struct cn_evidence_options *options,
                       bool best_effort, cn_volume_key **out, size_t *out_n,
                       cn_err *err) CN_MUST_USE;

/* --- Worker side: interprets evidence, in the sandbox. */

typedef enum cn_node_kind {
    CN_NODE_SOURCE, /* type: "raw", "split", "ewf", "qcow2", ..., "folder", "archive", "file" */
    CN_NODE_SYSTEM, /* volume system; type: "gpt", "mbr", "lvm", "luks" */
    CN_NODE_VOLUME, /* type: as the table says */
    CN_NODE_FS      /* type: "ext4", "xfs", ... */
} cn_node_kind;

typedef struct cn_node cn_node;
struct cn_node {
    cn_node_kind kind;
    cn_node *parent, *children, *next; /* children in the order of the medium */
    char type[80];
    char name[256];  /* source: as the user wrote it; volume: its whole name, "p2", "p3/luks",
                        "lvm/vg0/root" */
    char label[160]; /* UTF-8, "" where there is none; so are uuid and guid */
    char uuid[40];
    uint64_t offset; /* in its medium; CN_NO_OFFSET where it has none */
    uint64_t size;   /* bytes, as declared */
    uint32_t
        unit; /* sector size of a source or table, block size of a file system; 0 where unknown */
    cn_src *src; /* its bytes; NULL where there are none */
    cn_fs *fs;   /* of CN_NODE_FS */
    cn_err err;  /* why it could not be opened; code CN_OK where it could */
    cn_err *warnings;
    size_t n_warnings;
};

/* A file system of the evidence, ready to be read. Borrowed from the evidence. */
typedef struct cn_mount {
    size_t source;      /* index of its source */
    const char *image;  /* the source's last path part, for people: "web01.raw" */
    uint64_t image_id;  /* fingerprint of the medium (of a folder: of its canonical path) */
    const char *volume; /* "" for a bare file system, "p2", "lvm/vg0/root" */
    cn_fs *fs;
    cn_src *src; /* the bytes that the file system stands in; NULL for a folder */
    bool lone;   /* the source is no image but one file: its only name is "/NAME" */
    const cn_node *node;
} cn_mount;

typedef struct cn_evidence_options {
    cn_span passphrase;
    bool has_passphrase;
    const cn_volume_key *keys; /* as cn_evidence_unlock() gave them */
    size_t n_keys;
    bool keys_only; /* the passphrase was tried: what keys do not open stays locked */
    size_t n_lent;  /* the last n_lent sources are not opened for themselves: they lend what volume
                           groups of the others need of them */
    const char *volume; /* NULL or "all": every volume; "2": partition 2 and what is in it; or a
                           volume's name */
} cn_evidence_options;

typedef struct cn_evidence cn_evidence;

/* Opens n sources. Fails only where nothing at all can be told about them: what could not be opened
 * is in the tree. The files are borrowed and must outlive the evidence. */
int cn_evidence_open(cn_files *const *files, size_t n, const cn_evidence_options *options,
                     cn_evidence **out, cn_err *err) CN_MUST_USE;
/* The node of source i. */
const cn_node *cn_evidence_source(const cn_evidence *evidence, size_t i);
uint64_t cn_evidence_image_id(const cn_evidence *evidence, size_t i);
/* All file systems that could be opened, in the order of the sources and their media. */
size_t cn_evidence_mounts(const cn_evidence *evidence, const cn_mount **out);
/* True where source i is a part of a volume group that is read with another source. */
CN_MUST_USE bool cn_evidence_elsewhere(const cn_evidence *evidence, size_t i);
/* The keys that encrypted volumes were opened with. Borrowed. */
size_t cn_evidence_keys(const cn_evidence *evidence, const cn_volume_key **out);
/* Calls visit for every node that could not be opened and for every warning, with the name that
 * says where it is
 * ("web01.raw", "web01.raw p2"). */
void cn_evidence_problems(const cn_evidence *evidence,
                          void (*visit)(void *context, const char *where, const cn_err *problem),
                          void *context);
cn_evidence *cn_evidence_close(cn_evidence *evidence);
CN_DEFINE_CLEANUP(cn_evidence, cn_evidence_close)
