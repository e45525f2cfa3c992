/* What the files of hostfacts share. One thread. */
#pragma once

#include "base/text.h"
#include "job/hostfacts.h"

/* A file at hand; bytes are borrowed until the next one is read. */
typedef struct cn_hf_file {
    cn_span bytes;
    const char *path; /* as asked for */
    uint64_t inode;
    bool cut; /* it is longer than was asked for */
} cn_hf_file;

typedef struct cn_hf_name {
    struct cn_hf_name *next;
    const char *directory, *name;
} cn_hf_name;

typedef struct cn_hf {
    cn_fs *fs;
    cn_arena *arena;
    cn_hostfacts_step_fn step;
    void *context;
    cn_hostfacts *out;
    size_t capacity;
    cn_buf bytes;       /* of the file at hand */
    cn_hf_name *walked; /* what a walk found in the directories of interest */
    bool has_walked;
    int stop; /* CN_OK, or why nothing more is to be done: no memory, cancelled */
} cn_hf;

#define CN_HF_TEXT_BYTES CN_MIB(1) /* of configuration files */

/* Reads at most `max` bytes of the regular file that the path leads to. False where there is none, or
 * it cannot be read. */
CN_MUST_USE bool cn_hf_read(cn_hf *hf, const char *path, size_t max, cn_hf_file *out);
/* The inode of the regular file that the path leads to. */
CN_MUST_USE bool cn_hf_find(cn_hf *hf, const char *path, uint64_t *out_inode);
/* The names of a directory, sorted, in the arena; NULL where there are none. */
cn_hf_name *cn_hf_list(cn_hf *hf, const char *directory);
/* DIRECTORY/NAME in the arena. NULL without memory. */
const char *cn_hf_path(cn_hf *hf, const cn_hf_name *name);
/* Adds a fact unless it is there already or its value is empty. */
void cn_hf_add(cn_hf *hf, const char *name, cn_span value, const cn_hf_file *source);
/* The next line without its end; false where there is none. */
CN_MUST_USE bool cn_hf_line(cn_span *rest, cn_span *line);
/* The value of KEY= in a file of shell assignments, without quotes, in the arena. Empty: not there. */
cn_span cn_hf_value(cn_hf *hf, cn_span text, const char *key);
/* False, and everything ends soon, where step says so. */
CN_MUST_USE bool cn_hf_goes_on(cn_hf *hf);

/* hostfacts_system.c, _network.c, _users.c, _boots.c */
void cn_hf_system(cn_hf *hf);
void cn_hf_zone(cn_hf *hf);
void cn_hf_network(cn_hf *hf);
void cn_hf_users(cn_hf *hf);
void cn_hf_kernels(cn_hf *hf);
void cn_hf_boots(cn_hf *hf);
void cn_hf_packages(cn_hf *hf);
