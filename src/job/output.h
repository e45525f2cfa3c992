/* --to DEST: files and standard output that events go to beside or instead of the data folder. The
 * broker opens them and grants the turn to write; a worker encodes its spool straight into the
 * descriptor. The events of one output come in the order in which workers finish, not by time. */
#pragma once

#include "event/encode.h"

#define CN_OUTPUTS_MAX 16u

typedef struct cn_output {
    cn_encoding encoding;
    const char *path; /* borrowed; "-" for standard output */
    int fd;           /* -1 until it is opened */
    bool regular;     /* can be cut back when a worker dies in its turn */
    uint64_t events;  /* written */
} cn_output;

typedef struct cn_outputs {
    cn_output list[CN_OUTPUTS_MAX];
    size_t n;
    bool keep;      /* the data folder too: "data" was named, or nothing was */
    bool to_stdout; /* one of them is standard output */
} cn_outputs;

/* Takes one DEST: "data", or ENCODING:FILE. CN_E_ARG says what there is. */
int cn_outputs_add(cn_outputs *outputs, const char *dest, cn_err *err) CN_MUST_USE;
/* Opens all, empty, and writes their head rows. */
int cn_outputs_open(cn_outputs *outputs, cn_err *err) CN_MUST_USE;
/* Flushes to disk and closes. The first failure is told. */
int cn_outputs_close(cn_outputs *outputs, cn_err *err) CN_MUST_USE;

/* Writes all of it to a descriptor. For encoders: context points to the descriptor. */
int cn_output_write(void *fd, cn_span bytes, cn_err *err) CN_MUST_USE;
