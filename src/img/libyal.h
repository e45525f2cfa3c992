/* What the readers that stand on a libyal library (libewf, libqcow, libvmdk, libvhdi) share: input for
 * the library out of a byte source, its errors as ours, and its image as a byte source. */
#pragma once

#include "img/source.h"

/* Makes the libraries' headers declare what takes libbfio handles; the libraries have it in any
 * case. */
#define HAVE_LIBBFIO 1
#include <libbfio.h>

/* The functions of one library. Every handle and error of these libraries is an intptr_t behind a
 * name of its own. */
typedef struct cn_yal {
    const char *format; /* of the source that comes out of it */
    ssize_t (*read)(intptr_t *handle, void *buffer, size_t n, off64_t offset, intptr_t **error);
    int (*free)(intptr_t **handle, intptr_t **error);
    int (*explain)(intptr_t *error, char *text, size_t size); /* ..._error_backtrace_sprint */
    void (*free_error)(intptr_t **error);
    uint32_t grain; /* bytes: where a read fails, each aligned piece of this size is tried alone */
} cn_yal;

/* Input of the library, kept until its handle is gone. One owner. */
typedef struct cn_yal_input cn_yal_input;
/* Takes over the n sources, on failure too. */
int cn_yal_input_new(cn_src *const *sources, size_t n, cn_yal_input **out, cn_err *err) CN_MUST_USE;
/* Handle of source i, and all of them as a pool in their order. Borrowed; the library opens and
 * closes them. The pool owns the handles that stand in it: use one or the other. */
int cn_yal_input_handle(cn_yal_input *input, size_t i, libbfio_handle_t **out,
                        cn_err *err) CN_MUST_USE;
int cn_yal_input_pool(cn_yal_input *input, libbfio_pool_t **out, cn_err *err) CN_MUST_USE;
cn_yal_input *cn_yal_input_free(cn_yal_input *input);
CN_DEFINE_CLEANUP(cn_yal_input, cn_yal_input_free)

/* Puts the library's innermost words behind ours and frees *error. The code is that of the failed
 * read below it where there was one (input may be NULL), else `code`. */
int cn_yal_fail(const cn_yal *yal, const cn_yal_input *input, intptr_t **error, cn_err *err,
                int code, const char *what);

/* The handle as a source of `size` bytes. Takes over handle, input (may be NULL) and parent (a
 * source that the handle reads from too; may be NULL), also on failure. */
int cn_yal_source(const cn_yal *yal, intptr_t *handle, cn_yal_input *input, cn_src *parent,
                  uint64_t size, uint32_t sector_size, cn_src **out, cn_err *err) CN_MUST_USE;
/* The library's handle below a source that cn_yal_source() made with the same `yal`; NULL for any
 * other. Borrowed. */
intptr_t *cn_yal_handle(cn_src *src, const cn_yal *yal);
