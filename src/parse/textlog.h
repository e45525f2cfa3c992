/* What every parser of line-wise logs shares: lines, records and their times, what becomes of lines
 * that match nothing, and claiming a file by what its lines look like.
 *
 * A format is one function that reads a line. It says SURE where the line can only be of this
 * format, WEAK where it has the shape but so have others; then the record holds its event. Lines
 * that match nothing belong to the record before them (joined by a line feed); before the first
 * record they become `text:line` events without a time. Either way they are counted and reported
 * once. */
#pragma once

#include "parse/lines.h"
#include "parse/linetime.h"
#include "parse/parser.h"
#include "parse/years.h"

typedef struct cn_textlog cn_textlog;

/* One event in the making. Spans point into the line, the record's arena or constants. */
typedef struct cn_record {
    cn_event event;
    cn_arena arena;     /* emptied before each line; capped */
    uint64_t continued; /* lines joined to it */
    cn_buf joined;      /* the message, where there are such lines */
    bool full;          /* joined has reached its limit */
    bool detached;      /* it borrows nothing from the line any more */
    cn_field fields[CN_EVENT_FIELDS_MAX];
} cn_record;

typedef enum cn_match { CN_LINE_NONE, CN_LINE_WEAK, CN_LINE_SURE } cn_match;

typedef struct cn_textlog_format {
    /* text: without its end, not empty. The record is blank but for offset and length. */
    cn_match (*line)(cn_textlog *log, cn_span text, cn_record *out);
    /* Of the lines that match, this many percent must be SURE for the file to be claimed. */
    unsigned sure_percent;
    unsigned bits;    /* of certainty, where every line matches */
    bool needs_clock; /* its lines hold hh:mm:ss */
} cn_textlog_format;

struct cn_textlog {
    cn_parse_job *job; /* NULL while probing */
    const cn_file_info *file;
    const cn_textlog_format *format;
    void *state; /* the format's */
    /* times */
    cn_linetime_cache dates;
    enum { CN_YEARS_UNKNOWN, CN_YEARS_SCAN, CN_YEARS_KNOWN, CN_YEARS_PROBE } years_state;
    bool wants_years; /* a line without a year has been met before the years were known */
    cn_years years;
    bool guessed_year; /* while probing: the last time had none */
    uint64_t line_offset;
    int64_t zone_block, zone_shift; /* local times of zone_block (900 s) are this far from UTC */
    char note_zone[96], note_year[48], note_both[144];
    /* the run */
    cn_lines lines;
    cn_record *records; /* two: the one in the making and the one that waits for its continuation */
    unsigned current;
    bool has_pending;
    uint64_t unmatched, joined_lines, first_unmatched;
    bool cut_told;
    uint64_t timeless, first_timeless; /* records whose time could not be made out */
};

/* Reads the whole input. CN_OK, or the fault that ended it. */
int cn_textlog_run(cn_parse_job *job, const cn_textlog_format *format, void *state) CN_MUST_USE;
/* Bits of certainty that the lines of the head are of this format, 0: they are not. */
unsigned cn_textlog_probe(const cn_probe *probe, const cn_textlog_format *format, void *state);
/* Percent of a file's lines that must match for it to be claimed, by where it lies. */
unsigned cn_textlog_needed_share(const cn_file_info *file);
/* True where the path is one of a log: below /var/log, or its name says so. */
bool cn_textlog_is_log_path(const cn_file_info *file);
/* True where a file that a package brought along holds few lines that match, or lines of another time
 * than it was written at. last_s: time of the last line since 1970, in any year where it has none. */
bool cn_textlog_is_sample(const cn_probe *probe, unsigned matched, bool has_year, int64_t last_s);

/* Reads a time at the beginning of s; s moves behind it. */
CN_MUST_USE bool cn_textlog_time(cn_textlog *log, cn_span *s, cn_linetime *out);
/* Gives the record this time, and notes what was inferred about it; `text` is how it is written,
 * kept where no time can be made of it. */
void cn_textlog_set_time(cn_textlog *log, const cn_linetime *t, cn_span text, cn_record *r);
/* A time in UTC. */
void cn_textlog_set_utc(cn_textlog *log, int64_t seconds, uint32_t nanosecond, cn_span text,
                        cn_record *r);
/* True while the log is only read through for its years: nothing but the time is needed. */
static inline bool cn_textlog_scanning(const cn_textlog *log)
{
    return log->years_state == CN_YEARS_SCAN;
}
/* The machine's name for records that do not say theirs. */
static inline cn_span cn_textlog_hostname(const cn_textlog *log) { return log->file->hostname; }

/* Room for a field; NULL where there are too many. Written member by member: this is the hottest
 * place of all. */
static inline cn_field *cn_record_field(cn_record *r, cn_field_id id)
{
    if (r->event.n_fields >= CN_EVENT_FIELDS_MAX)
        return NULL;
    cn_field *f = &r->fields[r->event.n_fields++];
    f->id = id;
    f->name.p = NULL;
    f->name.len = 0;
    f->num = 0;
    return f;
}
/* Adds a field; an empty text is no value. */
static inline void cn_record_text(cn_record *r, cn_field_id id, cn_span value)
{
    cn_field *f = value.len ? cn_record_field(r, id) : NULL;
    if (f) {
        f->type = cn_vocabulary[id].type;
        f->text = value;
    }
}
static inline void cn_record_int(cn_record *r, cn_field_id id, int64_t value)
{
    cn_field *f = cn_record_field(r, id);
    if (f) {
        f->type = CN_INT;
        f->text.p = NULL;
        f->text.len = 0;
        f->num = value;
    }
}
/* name: a constant, or in the record's arena. */
static inline void cn_record_named(cn_record *r, cn_span name, cn_span value)
{
    cn_field *f = value.len ? cn_record_field(r, CN_F_DYNAMIC) : NULL;
    if (f) {
        f->type = CN_TEXT;
        f->name = name;
        f->text = value;
    }
}
/* A field of whole numbers from its digits; anything else is no value. */
void cn_record_digits(cn_record *r, cn_field_id id, cn_span digits);
/* An address goes to `ip`, anything else, such as a name, to `host`; "?" , "-" and "" are no value.
 */
void cn_record_peer(cn_record *r, cn_field_id ip, cn_field_id host, cn_span value);

/* An emitter for parsers whose records are not lines: one event, with the notes of its time. */
int cn_textlog_emit(cn_textlog *log, cn_record *r) CN_MUST_USE;
/* A log for such parsers: lines and times are ready, no format. Freed by cn_textlog_end(). */
int cn_textlog_begin(cn_textlog *log, cn_parse_job *job) CN_MUST_USE;
void cn_textlog_end(cn_textlog *log);
/* Warns of what was odd: unmatched lines, times that are none, NULs. Once per file. */
void cn_textlog_report(cn_textlog *log);
/* Empties a record for the next line at `offset`. */
void cn_record_begin(cn_record *r, uint64_t offset, uint64_t length);
