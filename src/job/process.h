/* Processing one source of evidence into a timeline or into outputs: the broker, which is trusted
 * and interprets nothing, and the sandboxed workers that do (docs/pipeline.md). */
#pragma once

#include "db/catalog.h"
#include "job/filter.h"
#include "job/output.h"
#include "parse/parser.h"

typedef struct cn_process_options {
    const char *source;        /* as the user wrote it */
    const char *const *others; /* the call's other sources: volume groups may stand on several */
    size_t n_others;
    const char *folder; /* the data folder; NULL: outputs only, nothing is kept */
    const char *case_name, *system_name, *name; /* "" where not given */
    const char *volume;                         /* --partition: NULL for all */
    bool filestat;                              /* emit fs:stat events */
    bool *parsers;           /* indexed as cn_parsers: which may run; NULL: all */
    const cn_filter *filter; /* NULL: every path */
    const char *scope;       /* what of the above leaves evidence out, in words; "" for nothing */
    const char *options;     /* all that bears on the result, in words */
    const char *zone_name;   /* --timezone; NULL: what the machine says */
    cn_span zone_tzif;
    cn_outputs *outputs; /* may be empty */
    unsigned workers;
    unsigned file_timeout_s; /* of CPU time without progress */
    bool hash, resume, best_effort, quiet;
    bool has_passphrase;
    cn_span passphrase;
} cn_process_options;

#define CN_WORKERS_MAX       64u
#define CN_FILE_TIMEOUT_S    60u
#define CN_PROCESS_KINDS_MAX 32u

/* What came of it, beside what the catalog says. */
typedef struct cn_process_result {
    int64_t timeline;  /* 0: none */
    bool was_complete; /* --resume of a timeline that is whole: nothing was done */
    bool interrupted;  /* by the user */
    bool elsewhere;    /* nothing was read: the source is a part of what is read with another */
    uint64_t events, warnings, files;
    uint64_t duration_ns;
    char image[256];
    char sha256[65]; /* "" where it was not asked for */
    struct {
        char kind[32];
        uint64_t n;
    } kinds[CN_PROCESS_KINDS_MAX]; /* warnings by kind */
    size_t n_kinds;
} cn_process_result;

/* Runs to the end, to an error, or until SIGINT or SIGTERM (CN_E_CANCELLED; the timeline can be
 * searched and resumed). Forks; call it from a process with one thread. *out is set in any case. */
int cn_process_run(const cn_process_options *options, cn_process_result *out,
                   cn_err *err) CN_MUST_USE;
