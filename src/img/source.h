/* A byte source: random access to evidence, whatever it is stored in. Read-only. One owner, one
 * thread. */
#pragma once

#include "base/err.h"

typedef struct cn_src cn_src;

typedef struct cn_src_ops {
    /* Reads exactly n bytes at `offset`; the range lies within `size`. Holes read as zeros.
     * CN_E_TRUNCATED where the evidence ends early, CN_E_CORRUPT where a checksum of the container
     * fails: what could be read is in out, the rest zeroed. */
    int (*read)(cn_src *src, uint64_t offset, void *out, size_t n, cn_err *err);
    /* Optional: the first offset >= `offset` that may hold data; `size` where only holes follow. */
    uint64_t (*next_data)(cn_src *src, uint64_t offset);
    void (*close)(cn_src *src);
} cn_src_ops;

/* A reader embeds this as its first member. */
struct cn_src {
    const cn_src_ops *ops;
    uint64_t size; /* bytes */
    uint32_t sector_size;
    const char *format; /* "raw", "ewf", "qcow2", ...: a string constant */
};

/* Checked read: CN_E_TRUNCATED, with offset, where the range does not lie in the source. Used by
 * all above img/. */
int cn_src_read(cn_src *src, uint64_t offset, void *out, size_t n, cn_err *err) CN_MUST_USE;
/* As many bytes as there are, up to n; *out_n says how many. An error only where reading itself
 * fails. */
int cn_src_read_some(cn_src *src, uint64_t offset, void *out, size_t n, size_t *out_n,
                     cn_err *err) CN_MUST_USE;
uint64_t cn_src_next_data(cn_src *src, uint64_t offset);
/* A window [offset, offset + size) of another source, which must outlive it and is not owned by it;
 * cut to what the parent has. NULL without memory. */
cn_src *cn_src_window(cn_src *parent, uint64_t offset, uint64_t size);
/* A source over memory that the caller keeps. For tests and fuzzing. */
cn_src *cn_src_memory(cn_span bytes);
/* A raw file or block device by its open descriptor, which the source then owns. */
int cn_src_raw(int fd, cn_src **out, cn_err *err) CN_MUST_USE;
cn_src *cn_src_close(cn_src *src);
CN_DEFINE_CLEANUP(cn_src, cn_src_close)
