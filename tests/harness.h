/* Runs one parser over bytes in memory, for the golden, torture and fuzz drivers. Every event is
 * read whole and held against the rules of event.h; a rule that is broken is a fault of the parser
 * and counted in `broken`. One owner. */
#pragma once

#include "parse/parser.h"

CN_DEFINE_CLEANUP(cn_zone, cn_zone_free)

/* A seed yields some; a mutation must not yield without end. */
#define HARNESS_EVENTS_MAX 2000000u

typedef struct harness {
    const cn_parser *parser;
    cn_file_info file; /* spans borrowed from the caller */
    cn_buf *text;      /* where all is written in readable form; NULL: it is only read */
    uint64_t events, warnings, steps;
    uint64_t digest; /* over every byte of every event: they are read, not only counted */
    unsigned broken; /* rules broken; each is told on standard error */
} harness;

/* A harness with neutral facts: path "/seed", UTC, no modification time, no host name. */
harness harness_of(const cn_parser *parser);
/* Takes path=, mtime=, zone= and hostname= from the lines of a seed's .meta. The text must outlive
 * the harness; *out_zone, where zone= names one, is owned by the caller. False, told on standard
 * error, where a line is not understood. */
CN_MUST_USE bool harness_facts(harness *h, cn_span meta, cn_zone **out_zone);
/* Sets path and, from it, the name without compression suffix. */
void harness_path(harness *h, cn_span path);
/* Probes and parses. `always`: parses also where the probe says 0. Returns the probe's bits. */
unsigned harness_run(harness *h, cn_span bytes, bool always);

/* The whole of a file, at most 64 MiB. False where it cannot be read. */
CN_MUST_USE bool harness_read_file(const char *path, cn_buf *out);
