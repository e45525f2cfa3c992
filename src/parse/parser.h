/* What an artifact parser is. It gets bytes, never a disk: a cn_input and what is known about the
 * file. */
#pragma once

#include "base/arena.h"
#include "base/cur.h"
#include "event/event.h"
#include "parse/input.h"
#include "parse/zone.h"

/* What is known about the file at hand. Borrowed for the parser's run. */
typedef struct cn_file_info {
    cn_span path;  /* absolute, bytes */
    cn_span name;  /* last part, without compression suffixes such as .gz */
    uint64_t size; /* bytes as stored, before decompression */
    bool has_mtime;
    int64_t mtime_ns;
    const cn_zone *zone; /* of the machine; never NULL (UTC where unknown) */
    bool zone_known;     /* found on the machine or given by the user */
    cn_span hostname;    /* of the machine, empty where unknown; for records that do not say */
} cn_file_info;

/* What probe() may look at: the first bytes (decompressed), at most CN_PROBE_HEAD of them. */
typedef struct cn_probe {
    const cn_file_info *file;
    cn_span head;
    bool whole;    /* head is all there is */
    unsigned look; /* what cn_probe_look() found, for all parsers at once; 0: not looked yet */
} cn_probe;

/* What a head looks like, so that parsers of text need not look at every binary. */
enum {
    CN_LOOK_DONE = 1,
    CN_LOOK_TEXT = 2,  /* it can be text */
    CN_LOOK_CLOCK = 4, /* it is, and holds dd:dd:dd somewhere, or is UTF-16 */
};
unsigned cn_probe_look(const cn_probe *probe);
#define CN_PROBE_HEAD CN_KIB(16)

typedef struct cn_parse_job {
    const cn_file_info *file;
    cn_input *in;
    cn_sink *sink;
    cn_arena *arena; /* for the parser's work, capped at CN_MIB(64); the caller frees it */
    cn_err *err;
    /* Findings that cost less than the file: code, offset in the stream, text. Never NULL. */
    void (*warn)(struct cn_parse_job *job, int code, uint64_t offset, const char *text);
    /* Called in loops that could be long without emitting; CN_E_CANCELLED or CN_E_LIMIT: stop.
     * Never NULL. */
    int (*step)(struct cn_parse_job *job);
    void *context; /* the caller's */
} cn_parse_job;

static inline int cn_emit(cn_parse_job *job, const cn_event *event)
{
    return job->sink->emit(job->sink, event);
}

typedef struct cn_parser {
    const char *name;  /* the folder's */
    const char *title; /* "systemd journal" */
    /* Bits of certainty that this file is the parser's, 0: not mine. For text: see parse/textlog.h.
     */
    unsigned (*probe)(const cn_probe *probe);
    /* CN_OK, or the fault that ended it (job->err set); what was emitted before stays. */
    int (*parse)(cn_parse_job *job);
    uint64_t max_size; /* bytes of the decompressed content; 0: any */
} cn_parser;

/* All of parsers.def, in its order. */
extern const cn_parser *const cn_parsers[];
extern const size_t cn_parsers_count;
/* NULL where there is none of that name. */
const cn_parser *cn_parser_by_name(cn_span name);
/* The parser whose probe is surest, the first in order between equals; NULL where all say 0.
 * `allow` (may be NULL) is indexed like cn_parsers. */
const cn_parser *cn_parser_pick(const cn_probe *probe, const bool *allow);
