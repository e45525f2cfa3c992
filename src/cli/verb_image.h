/* What the sub-verbs of `cairn image` share. */
#pragma once

#include "job/evidence.h"

typedef struct cn_image_args {
    const char *words[16]; /* what is not an option, in order */
    size_t n_words;
    const char *volume, *passphrase_file;
    bool json, recursive, times, decompress, raw, strict, best_effort;
    bool has_length;
    uint64_t offset, length;
} cn_image_args;

/* The sources, gathered and then opened in the sandbox: from here on the process can open no file. */
typedef struct cn_image_open {
    cn_files *files[16];
    size_t n;
    cn_evidence *evidence;
} cn_image_open;

/* Opens words[0 .. n). On failure nothing is left open. */
int cn_image_open_evidence(const cn_image_args *args, size_t n, cn_image_open *out,
                           cn_err *err) CN_MUST_USE;
void cn_image_close_evidence(cn_image_open *open);

/* The mount that --volume names, or the only one. CN_E_ARG lists them where it is not clear which. */
int cn_image_pick(const cn_image_open *open, const cn_image_args *args, const cn_mount **out,
                  cn_err *err) CN_MUST_USE;

int cn_image_info(const cn_image_args *args);
int cn_image_ls(const cn_image_args *args);
int cn_image_cat(const cn_image_args *args);
int cn_image_hash(const cn_image_args *args);
