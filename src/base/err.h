/* Errors: a code, a text that grows outwards with context, and the place in the evidence.
 * The frame that finds a fault writes `return cn_fail(err, CN_E_..., offset, ...)`; a caller adds
 * where it was with cn_while() and passes the code on unchanged. One cn_err belongs to one thread.
 */
#pragma once

#include "base/base.h"

#define CN_NO_OFFSET UINT64_MAX

enum cn_code {
    CN_OK = 0,
    CN_E_TRUNCATED = -1,   /* evidence ends before what it declares */
    CN_E_CORRUPT = -2,     /* evidence contradicts itself */
    CN_E_UNSUPPORTED = -3, /* valid, but unknown to us */
    CN_E_LIMIT = -4,       /* we stopped: a limit of ours was reached */
    CN_E_IO = -5,          /* the operating system refused */
    CN_E_NO_MEMORY = -6,
    CN_E_ARG = -7, /* the user's words are wrong */
    CN_E_NOT_FOUND = -8,
    CN_E_CANCELLED = -9,
    CN_E_LOCKED = -10, /* encrypted and no key, or held by another process */
    CN_E_DENIED = -11,
};

typedef struct cn_err {
    int code;
    uint64_t offset; /* in the evidence at hand, CN_NO_OFFSET where there is none */
    char text[512];  /* one line, no newline, UTF-8 */
} cn_err;

#define CN_ERR_INIT ((cn_err){.code = CN_OK, .offset = CN_NO_OFFSET})

/* Sets the error and gives `code`. err may be NULL. A macro, so that compilers and analyzers see which code comes out. */
#define cn_fail(err, code, offset, ...)                                                            \
    ({                                                                                             \
        int cn_fail_code = (code);                                                                 \
        cn_err_set((err), cn_fail_code, (offset), __VA_ARGS__);                                    \
        cn_fail_code;                                                                              \
    })
void cn_err_set(cn_err *err, int code, uint64_t offset, const char *format, ...) CN_PRINTF(4, 5);

/* The same for a failed system call: the text gets `: ` and the words of errno. Code CN_E_IO, or
 * CN_E_NO_MEMORY for ENOMEM, CN_E_NOT_FOUND for ENOENT, CN_E_DENIED for EACCES and EPERM. */
int cn_fail_errno(cn_err *err, const char *format, ...) CN_PRINTF(2, 3);

/* Puts "CONTEXT: " in front of the text. Does nothing when err is NULL or holds no error. */
void cn_while(cn_err *err, const char *format, ...) CN_PRINTF(2, 3);

/* A short word for the code: "truncated", "corrupt", ... Never NULL. */
const char *cn_code_name(int code);
