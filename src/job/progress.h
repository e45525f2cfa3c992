/* The progress line on standard error, only where that is a terminal. */
#pragma once

#include "db/catalog.h"

typedef struct cn_progress cn_progress;

typedef struct cn_progress_state {
    const char *image;
    const char *doing;                /* instead of figures; NULL: the figures */
    uint64_t bytes_done, bytes_total; /* total 0: not known yet */
    uint64_t files, events;
    uint64_t elapsed_ns;
} cn_progress_state;

/* Owned; NULL (which all functions take) where standard error is no terminal or `quiet`. */
cn_progress *cn_progress_new(bool quiet);
/* Redraws the line, at most some times a second. */
void cn_progress_show(cn_progress *progress, const cn_progress_state *state);
/* A warning that cost a file is shown at once. */
void cn_progress_warning(cn_progress *progress, const cn_warning *warning);
/* Takes the line away. */
cn_progress *cn_progress_end(cn_progress *progress);
