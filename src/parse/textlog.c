#include "parse/textlog.h"

#include "base/text.h"

#include <stdlib.h>

#define RECORD_ARENA_MAX CN_MIB(8)
#define BLOCK_S          900 /* zones change at quarters of an hour */

/* ---- records */

void cn_record_begin(cn_record *r, uint64_t offset, uint64_t length)
{
    if (r->arena.used_bytes)
        cn_arena_reset(&r->arena);
    r->event = (cn_event){.desc = CN_DESC_NOT_A_TIME,
                          .offset = offset,
                          .length = length,
                          .fields = r->fields,
                          .n_fields = 0};
    r->continued = 0;
    r->full = r->detached = false;
}

void cn_record_digits(cn_record *r, cn_field_id id, cn_span digits)
{
    int64_t v = 0;
    if (digits.len == 0 || digits.len > 18)
        return;
    for (size_t i = 0; i < digits.len; i++) {
        if (!cn_is_digit(digits.p[i]))
            return;
        v = v * 10 + (digits.p[i] - '0');
    }
    cn_record_int(r, id, v);
}

/* Shape of an address, IPv4 or IPv6, with a zone or port left to the caller. */
static bool is_address(cn_span s)
{
    size_t dots = 0, colons = 0, digits = 0;
    if (s.len < 2 || s.len > 45)
        return false;
    for (size_t i = 0; i < s.len; i++) {
        uint8_t c = s.p[i];
        if (c == '.')
            dots++;
        else if (c == ':')
            colons++;
        else if (cn_is_digit(c))
            digits++;
        else if (c == '%' && colons >= 2)
            break;
        else if (!((c | 32) >= 'a' && (c | 32) <= 'f'))
            return false;
    }
    if (colons >= 2)
        return true;
    return colons == 0 && dots == 3 && digits + dots == s.len && cn_is_digit(s.p[0]) &&
           cn_is_digit(s.p[s.len - 1]);
}

void cn_record_peer(cn_record *r, cn_field_id ip, cn_field_id host, cn_span value)
{
    if (value.len == 0 || (value.len == 1 && (*value.p == '?' || *value.p == '-')) ||
        cn_span_is(value, "UNKNOWN"))
        return;
    cn_record_text(r, is_address(value) ? ip : host, value);
}

/* ---- times */

bool cn_textlog_time(cn_textlog *log, cn_span *s, cn_linetime *out)
{
    if (!cn_linetime_read(&log->dates, *s, out))
        return false;
    *s = (cn_span){s->p + out->length, s->len - out->length};
    return true;
}

static void note(cn_record *r, const char *text)
{
    cn_record_text(r, CN_F_time_note, cn_span_str(text));
}

static void no_time(cn_textlog *log, cn_record *r, const char *why, cn_span text)
{
    char *said = cn_arena_printf(&r->arena, "%s: %.*s", why, (int) CN_MIN(text.len, 80u),
                                 (const char *) text.p);
    note(r, said ? said : why);
    if (log->timeless++ == 0)
        log->first_timeless = r->event.offset;
    r->event.has_time = false;
    r->event.desc = CN_DESC_NOT_A_TIME;
}

void cn_textlog_set_utc(cn_textlog *log, int64_t seconds, uint32_t nanosecond, cn_span text,
                        cn_record *r)
{
    if (cn_time_from_unix(seconds, nanosecond, &r->event.time_ns))
        r->event.has_time = true;
    else
        no_time(log, r, "out of range", text);
}

static int64_t to_utc(cn_textlog *log, int64_t local_s)
{
    int64_t block = (local_s >= 0 ? local_s : local_s - BLOCK_S + 1) / BLOCK_S;
    if (block != log->zone_block) {
        int64_t from = block * BLOCK_S, to = from + BLOCK_S - 1;
        int64_t shift = cn_zone_to_utc(log->file->zone, from) - from;
        if (cn_zone_to_utc(log->file->zone, to) - to != shift)
            return cn_zone_to_utc(log->file->zone, local_s);
        log->zone_block = block;
        log->zone_shift = shift;
    }
    return local_s + log->zone_shift;
}

/* The year of a line that has none. False: there is none, and the record says so. */
static bool infer_year(cn_textlog *log, const cn_linetime *t, cn_span text, cn_record *r,
                       int64_t *out_days)
{
    int32_t year = 2000; /* while probing: a leap year */
    switch (log->years_state) {
    case CN_YEARS_UNKNOWN:
        log->wants_years = true;
        return false;
    case CN_YEARS_SCAN:
        log->wants_years =
            !cn_years_line(&log->years, t->month, t->day, t->second, log->line_offset);
        return false;
    case CN_YEARS_KNOWN:
        if (!cn_years_at(&log->years, log->line_offset, &year)) {
            no_time(log, r, "no year, and no modification time to infer it from", text);
            return false;
        }
        break;
    case CN_YEARS_PROBE:
        break;
    }
    cn_civil c = {.year = year, .month = t->month, .day = t->day};
    if (!cn_civil_valid(&c)) {
        no_time(log, r, "no such day in the year inferred", text);
        return false;
    }
    *out_days = cn_days_from_civil(year, t->month, t->day);
    return true;
}

void cn_textlog_set_time(cn_textlog *log, const cn_linetime *t, cn_span text, cn_record *r)
{
    int64_t days = t->days;
    log->guessed_year = !t->has_year;
    if (!t->has_year && !infer_year(log, t, text, r, &days))
        return;
    int64_t s = days * 86400 + t->second;
    if (cn_textlog_scanning(log)) {
        cn_years_full_line(&log->years, s);
        return;
    }
    if (t->has_zone)
        s -= t->zone_s;
    else
        s = to_utc(log, s);
    if (!t->has_year || !t->has_zone)
        note(r, t->has_year ? log->note_zone : t->has_zone ? log->note_year : log->note_both);
    cn_textlog_set_utc(log, s, t->nanosecond, text, r);
}

static void prepare_notes(cn_textlog *log)
{
    const char *zone = cn_zone_name(log->file->zone);
    if (log->file->zone_known)
        snprintf(log->note_zone, sizeof log->note_zone, "zone of the machine: %.64s", zone);
    else
        snprintf(log->note_zone, sizeof log->note_zone, "zone unknown, taken as UTC");
    snprintf(log->note_year, sizeof log->note_year, "year inferred from the file's time");
    snprintf(log->note_both, sizeof log->note_both, "%s; %s", log->note_year, log->note_zone);
}

/* Reads the log through for its years, then goes back to the line at `resume`. */
static int find_years(cn_textlog *log, uint64_t resume, cn_line *out_line)
{
    cn_parse_job *job = log->job;
    cn_line line;
    int64_t written = 0, header = 0;
    bool has_written = log->file->has_mtime && log->file->mtime_ns > 0;
    if (has_written)
        written = log->file->mtime_ns;
    if (cn_input_written(job->in, &header) && (!has_written || header < written)) {
        has_written = true;
        written = header;
    }
    log->wants_years = false;
    log->years_state = CN_YEARS_SCAN;
    uint64_t nuls = log->lines.nuls, nuls_at = log->lines.nuls_at;
    for (int pass = 0; pass < 2; pass++) {
        int got = cn_input_rewind(job->in, job->err);
        if (got < 0)
            return got;
        cn_lines_free(&log->lines);
        log->lines = cn_lines_of(job->in);
        while ((got = cn_lines_next(&log->lines, &line, job->err)) > 0) {
            if (pass == 1 && line.offset >= resume)
                break;
            if (pass == 1 || line.text.len == 0)
                continue;
            log->line_offset = line.offset;
            cn_record *r = &log->records[log->current];
            cn_record_begin(r, line.offset, line.length);
            (void) log->format->line(log, line.text, r);
            if (log->wants_years)
                return cn_fail(job->err, CN_E_NO_MEMORY, line.offset, "no memory for years");
        }
        if (pass == 0) {
            log->years_state = CN_YEARS_KNOWN;
            /* local time of the writing: the tolerance covers what the zone is off */
            cn_years_anchor(&log->years, has_written, written / CN_NS_PER_S);
        } else {
            log->lines.nuls = nuls;
            log->lines.nuls_at = nuls_at;
            *out_line = line;
            return got; /* a fault is met again by the caller */
        }
        int code = job->step(job);
        if (code < 0)
            return code;
    }
    return CN_OK;
}

/* ---- emitting */

int cn_textlog_emit(cn_textlog *log, cn_record *r)
{
    if (!r->event.has_time)
        r->event.desc = CN_DESC_NOT_A_TIME;
    return cn_emit(log->job, &r->event);
}

/* What is odd about a line. */
static void line_note(cn_textlog *log, const cn_line *line, cn_record *r)
{
    if (line->torn)
        cn_record_text(r, CN_F_evidence_note, CN_SPAN_LIT("the data breaks off in this line"));
    if (!line->cut)
        return;
    cn_record_text(r, CN_F_evidence_note, CN_SPAN_LIT("line longer than 1 MiB, cut"));
    if (!log->cut_told) {
        log->cut_told = true;
        log->job->warn(log->job, CN_E_LIMIT, line->offset,
                       "a line is longer than 1 MiB: its first MiB is kept");
    }
}

static int flush(cn_textlog *log)
{
    if (!log->has_pending)
        return CN_OK;
    cn_record *r = &log->records[log->current ^ 1];
    log->has_pending = false;
    if (r->continued) {
        r->event.message = cn_buf_span(&r->joined);
        if (r->full)
            cn_record_text(r, CN_F_evidence_note, CN_SPAN_LIT("more than 1 MiB of lines, cut"));
    }
    return cn_textlog_emit(log, r);
}

/* Moves what the waiting record borrows from the line into its arena: the line's bytes go away. */
static void detach(void *context)
{
    cn_textlog *log = context;
    cn_record *r = &log->records[log->current ^ 1];
    if (!log->has_pending || r->detached)
        return;
    r->detached = true;
    size_t total = r->event.message.len;
    for (size_t i = 0; i < r->event.n_fields; i++)
        total += r->fields[i].name.len + r->fields[i].text.len;
    uint8_t *p = cn_arena_alloc(&r->arena, total + 1);
    cn_span *spans[1 + 2 * CN_EVENT_FIELDS_MAX];
    size_t n = 0;
    spans[n++] = &r->event.message;
    for (size_t i = 0; i < r->event.n_fields; i++) {
        spans[n++] = &r->fields[i].name;
        spans[n++] = &r->fields[i].text;
    }
    for (size_t i = 0; i < n; i++) {
        if (!p) { /* the arena's cap: an event without texts is better than none */
            *spans[i] = (cn_span){NULL, 0};
        } else if (spans[i]->len) {
            memcpy(p, spans[i]->p, spans[i]->len);
            spans[i]->p = p;
            p += spans[i]->len;
        }
    }
}

static void append(cn_record *r, cn_span text)
{
    if (r->continued == 0) {
        cn_buf_clear(&r->joined);
        cn_buf_bytes(&r->joined, cn_span_sub(r->event.message, 0, CN_EVENT_MESSAGE_MAX - 1));
    }
    r->continued++;
    size_t room = CN_EVENT_MESSAGE_MAX - r->joined.len;
    if (room < 2 || r->full) {
        r->full = true;
        return;
    }
    cn_buf_char(&r->joined, '\n');
    r->full = text.len > room - 1;
    cn_buf_bytes(&r->joined, cn_span_sub(text, 0, room - 1));
}

/* A line that matches nothing. */
static int unmatched(cn_textlog *log, const cn_line *line)
{
    bool indented = *line->text.p == ' ' || *line->text.p == '\t';
    if (!indented && log->unmatched++ == 0)
        log->first_unmatched = line->offset;
    if (log->has_pending) {
        cn_record *r = &log->records[log->current ^ 1];
        if (!indented)
            log->joined_lines++;
        append(r, line->text);
        r->event.length = line->offset + line->length - r->event.offset;
        return CN_OK;
    }
    cn_record *r = &log->records[log->current];
    cn_record_begin(r, line->offset, line->length);
    r->event.data_type = "text:line";
    r->event.message = line->text;
    cn_record_text(r, CN_F_hostname, cn_textlog_hostname(log));
    if (line->cut || line->torn)
        line_note(log, line, r);
    return cn_textlog_emit(log, r);
}

static int take_line(cn_textlog *log, cn_line *line)
{
    cn_record *r = &log->records[log->current];
    cn_record_begin(r, line->offset, line->length);
    log->line_offset = line->offset;
    cn_match match = log->format->line(log, line->text, r);
    if (match != CN_LINE_NONE && log->wants_years) {
        detach(log);
        int got = find_years(log, line->offset, line);
        if (got <= 0)
            return got;
        log->line_offset = line->offset;
        cn_record_begin(r, line->offset, line->length);
        match = log->format->line(log, line->text, r);
    }
    if (match == CN_LINE_NONE)
        return unmatched(log, line);
    if (line->cut || line->torn)
        line_note(log, line, r);
    int code = flush(log);
    log->has_pending = true;
    log->current ^= 1;
    return code;
}

void cn_textlog_report(cn_textlog *log)
{
    char text[160];
    if (log->unmatched) {
        snprintf(text, sizeof text,
                 "%llu lines match no form of this log: %llu kept with the line before, %llu as "
                 "lines without a time",
                 (unsigned long long) log->unmatched, (unsigned long long) log->joined_lines,
                 (unsigned long long) (log->unmatched - log->joined_lines));
        log->job->warn(log->job, CN_E_UNSUPPORTED, log->first_unmatched, text);
    }
    if (log->timeless) {
        snprintf(text, sizeof text, "%llu lines have a time that is no time of ours",
                 (unsigned long long) log->timeless);
        log->job->warn(log->job, CN_E_UNSUPPORTED, log->first_timeless, text);
    }
    if (log->lines.nuls) {
        snprintf(text, sizeof text, "%llu NUL bytes before lines passed over",
                 (unsigned long long) log->lines.nuls);
        log->job->warn(log->job, CN_E_CORRUPT, log->lines.nuls_at, text);
    }
}

int cn_textlog_begin(cn_textlog *log, cn_parse_job *job)
{
    *log = (cn_textlog){.job = job, .file = job->file, .zone_block = INT64_MIN};
    log->dates.zone = job->file->zone_known ? job->file->zone : NULL;
    prepare_notes(log);
    log->lines = cn_lines_of(job->in);
    log->records = calloc(2, sizeof *log->records);
    if (!log->records)
        return cn_fail(job->err, CN_E_NO_MEMORY, CN_NO_OFFSET, "no memory for records");
    for (int i = 0; i < 2; i++) {
        log->records[i].arena = cn_arena_of(RECORD_ARENA_MAX);
        log->records[i].joined = cn_buf_of(CN_EVENT_MESSAGE_MAX);
    }
    return CN_OK;
}

void cn_textlog_end(cn_textlog *log)
{
    for (int i = 0; log->records && i < 2; i++) {
        cn_arena_free(&log->records[i].arena);
        cn_buf_free(&log->records[i].joined);
    }
    free(log->records);
    cn_lines_free(&log->lines);
    cn_years_free(&log->years);
}

static int run(cn_textlog *log)
{
    cn_line line;
    int got, code = CN_OK;
    uint64_t since_step = 0;
    log->lines.before_refill = detach;
    log->lines.context = log;
    while ((got = cn_lines_next(&log->lines, &line, log->job->err)) > 0) {
        if (line.text.len == 0)
            continue;
        code = take_line(log, &line);
        if (code == CN_OK && ++since_step % 4096 == 0)
            code = log->job->step(log->job);
        if (code < 0)
            return code;
        log->lines.before_refill = detach;
        log->lines.context = log;
    }
    code = flush(log);
    return got < 0 ? got : code;
}

int cn_textlog_run(cn_parse_job *job, const cn_textlog_format *format, void *state)
{
    cn_textlog log;
    int code = cn_textlog_begin(&log, job);
    log.format = format;
    log.state = state;
    if (code == CN_OK) {
        code = run(&log);
        cn_textlog_report(&log);
    }
    cn_textlog_end(&log);
    return code;
}
