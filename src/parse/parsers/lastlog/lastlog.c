/* The last login of each account: one record per user id, at the user id's place, in a sparse file.
 * Source: lastlog(8), glibc bits/utmp.h (struct lastlog).
 *
 *   offset  offset  size  field
 *      292     296        whole record: with a 32-bit time also on 64-bit machines (x86-64, i386, arm, powerpc);
 *                         with a 64-bit time on aarch64, s390x, riscv64
 *        0       0   4/8  seconds, 0 where the account never logged in
 *        4       8    32  line: terminal, without /dev/
 *       36      40   256  host
 */
#include "base/text.h"
#include "parse/parser.h"

#include <inttypes.h>
#include <stdio.h>

/* 1990-01-01 and 2106-02-07 (32 unsigned bits, as glibc reads the field since 2.40). */
#define SECONDS_MIN INT64_C(631152000)
#define SECONDS_MAX INT64_C(4294967295)

enum { SIZE_32 = 292, SIZE_64 = 296, LAYOUTS = 4, WARNINGS_MAX = 200, FIELDS_MAX = 8 };

typedef struct layout {
    uint32_t size;
    bool big_endian;
} layout;

static const layout layouts[LAYOUTS] = {
    {SIZE_32, false}, {SIZE_64, false}, {SIZE_32, true}, {SIZE_64, true}};

typedef struct record {
    int64_t seconds;
    cn_span line, host;
    bool clean; /* nothing behind the texts' ends */
} record;

static bool is_blank(cn_span s)
{
    return s.len == 0 || (*s.p == 0 && memcmp(s.p, s.p + 1, s.len - 1) == 0);
}

static bool is_printable(cn_span s)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.p[i] < 0x20 || s.p[i] == 0x7f)
            return false;
    return true;
}

static record read_record(const layout *l, cn_span bytes)
{
    record r;
    cn_cur c = cn_cur_of(bytes, 0);
    if (l->size == SIZE_32)
        r.seconds = l->big_endian ? cn_cur_be32(&c) : cn_cur_le32(&c);
    else
        r.seconds = (int64_t) (l->big_endian ? cn_cur_be64(&c) : cn_cur_le64(&c));
    cn_span line = cn_cur_span(&c, 32), host = cn_cur_span(&c, 256);
    cn_cur line_text = cn_cur_of(line, 0), host_text = cn_cur_of(host, 0);
    r.line = cn_cur_text(&line_text, line.len);
    r.host = cn_cur_text(&host_text, host.len);
    r.clean = is_blank(cn_span_sub(line, r.line.len, SIZE_MAX)) &&
              is_blank(cn_span_sub(host, r.host.len, SIZE_MAX));
    return r;
}

static bool is_possible(const record *r)
{
    return is_printable(r->line) && is_printable(r->host) &&
           (r->seconds == 0 ? r->line.len > 0
                            : r->seconds >= SECONDS_MIN && r->seconds <= SECONDS_MAX);
}

/* A record that other content hardly makes by chance: a time, and texts that end as strings do, the line in the words of
 * terminals. */
static bool is_certain(const record *r)
{
    if (!is_possible(r) || !r->clean || r->seconds == 0 || r->line.len == 0 || r->line.len == 32 ||
        r->host.len == 256)
        return false;
    for (size_t i = 0; i < r->line.len; i++) {
        uint8_t c = r->line.p[i];
        if (!cn_is_alpha(c) && !cn_is_digit(c) && !memchr("/:._-", c, 5))
            return false;
    }
    return true;
}

typedef struct fit {
    const layout *layout;
    unsigned certain, possible, wrong, blank; /* possible: the certain ones included */
} fit;

static fit find_fit(cn_span head)
{
    fit best = {.layout = &layouts[0]};
    for (size_t i = 0; i < LAYOUTS; i++) {
        fit f = {.layout = &layouts[i]};
        for (size_t at = 0; head.len - at >= f.layout->size; at += f.layout->size) {
            cn_span bytes = cn_span_sub(head, at, f.layout->size);
            record r = read_record(f.layout, bytes);
            if (is_blank(bytes))
                f.blank++;
            else if (is_possible(&r) && r.clean && r.line.len > 0)
                f.possible++, f.certain += is_certain(&r);
            else
                f.wrong++;
        }
        if (i == 0 || f.possible > best.possible)
            best = f;
    }
    return best;
}

/* By name, as most of the file is zeros; by its records alone where there are some and nothing
 * else. */
static unsigned probe(const cn_probe *probe)
{
    fit f = find_fit(probe->head);
    if (!cn_span_starts(probe->file->name, "lastlog"))
        return f.certain >= 2 && f.certain == f.possible && f.wrong == 0 ? 32 : 0;
    if (f.possible > f.wrong)
        return 64;
    return f.wrong == 0 && f.blank > 0 ? 12 : 0;
}

typedef struct reader {
    cn_parse_job *job;
    const layout *layout;
    unsigned warnings;
} reader;

static void tell(reader *r, int code, uint64_t offset, const char *text)
{
    if (++r->warnings < WARNINGS_MAX)
        r->job->warn(r->job, code, offset, text);
    else if (r->warnings == WARNINGS_MAX)
        r->job->warn(r->job, CN_E_LIMIT, offset,
                     "more faults in this file are not told one by one");
}

static int emit_record(reader *r, const record *rec, uint64_t offset)
{
    uint64_t uid = offset / r->layout->size;
    bool address = cn_text_is_address(rec->host);
    cn_field fields[FIELDS_MAX];
    size_t n = 0;
    fields[n++] = cn_field_int(CN_F_uid, (int64_t) uid);
    if (r->job->file->hostname.len)
        fields[n++] = cn_field_text(CN_F_hostname, r->job->file->hostname);
    if (rec->line.len)
        fields[n++] = cn_field_text(CN_F_terminal, rec->line);
    if (rec->host.len)
        fields[n++] = cn_field_text(address ? CN_F_source_ip : CN_F_source_host, rec->host);
    if (!rec->clean)
        fields[n++] = cn_field_text(CN_F_evidence_note,
                                    CN_SPAN_LIT("bytes behind the end of the line or host"));
    char message[400];
    snprintf(message, sizeof message, "Last login of uid %" PRIu64 "%s%.*s%s%.*s", uid,
             rec->line.len ? " on " : "", (int) rec->line.len, (const char *) rec->line.p,
             rec->host.len ? " from " : "", (int) rec->host.len, (const char *) rec->host.p);
    cn_event event = {
        .has_time = rec->seconds != 0,
        .time_ns = rec->seconds * CN_NS_PER_S,
        .desc = rec->seconds != 0 ? CN_DESC_LAST_LOGIN : CN_DESC_NOT_A_TIME,
        .data_type = "linux:lastlog:event",
        .message = cn_span_str(message),
        .offset = offset,
        .length = r->layout->size,
        .fields = fields,
        .n_fields = n,
    };
    return cn_emit(r->job, &event);
}

static int read_one(reader *r, cn_span bytes, uint64_t offset)
{
    if (is_blank(bytes))
        return r->job->step(r->job);
    record rec = read_record(r->layout, bytes);
    if (is_possible(&rec))
        return emit_record(r, &rec, offset);
    char text[96];
    snprintf(text, sizeof text, "the record of uid %" PRIu64 " is damaged",
             offset / r->layout->size);
    tell(r, CN_E_CORRUPT, offset, text);
    return r->job->step(r->job);
}

/* The sequence: what of the last record has been read, and where it begins. */
typedef struct place {
    uint8_t part[SIZE_64];
    size_t have;
    uint64_t offset;
} place;

static int read_block(reader *r, place *p, cn_span block)
{
    size_t size = r->layout->size, at = 0;
    int code = CN_OK;
    if (p->have) {
        cn_span more = cn_span_sub(block, 0, size - p->have);
        memcpy(p->part + p->have, more.p, more.len);
        p->have += more.len;
        at = more.len;
        if (p->have < size)
            return CN_OK;
        code = read_one(r, cn_span_of(p->part, size), p->offset);
        p->offset += size;
        p->have = 0;
    }
    for (; code == CN_OK && block.len - at >= size; at += size, p->offset += size)
        code = read_one(r, cn_span_sub(block, at, size), p->offset);
    cn_span rest = cn_span_sub(block, at, size);
    if (code == CN_OK && rest.len) {
        memcpy(p->part, rest.p, rest.len);
        p->have = rest.len;
    }
    return code;
}

/* Passes over a hole of at least one record behind what has been read; a record that runs into it
 * ends in zeros. */
static int skip_hole(reader *r, place *p)
{
    size_t size = r->layout->size;
    uint64_t here = p->offset + p->have, next = cn_input_next_data(r->job->in, here);
    if (next < here + 2 * size)
        return CN_OK;
    if (p->have) {
        memset(p->part + p->have, 0, size - p->have);
        int code = read_one(r, cn_span_of(p->part, size), p->offset);
        if (code < 0)
            return code;
    }
    p->offset = next / size * size;
    p->have = 0;
    return cn_input_seek(r->job->in, p->offset, r->job->err);
}

static int read_stream(reader *r)
{
    place p = {.have = 0};
    for (;;) {
        cn_span block;
        int code = skip_hole(r, &p);
        if (code < 0)
            return code;
        code = cn_input_next(r->job->in, &block, r->job->err);
        if (code < 0 || block.len == 0) {
            if (p.have && !is_blank(cn_span_of(p.part, p.have)))
                tell(r, CN_E_TRUNCATED, p.offset, "the last record is cut");
            return code;
        }
        code = read_block(r, &p, block);
        if (code < 0)
            return code;
    }
}

/* Where the first accounts never logged in, the head is all zeros and only the file's size tells.
 */
static const layout *choose_layout(cn_parse_job *job, const fit *f)
{
    if (f->certain > 0 || *cn_input_stream(job->in) || job->file->size % SIZE_32 == 0)
        return f->layout;
    return &layouts[job->file->size % SIZE_64 == 0 ? 1 : 0];
}

static int parse(cn_parse_job *job)
{
    cn_span head;
    bool whole;
    int code = cn_input_head(job->in, &head, &whole, job->err);
    if (code < 0)
        return code;
    fit f = find_fit(head);
    reader r = {.job = job, .layout = choose_layout(job, &f)};
    return read_stream(&r);
}

const cn_parser cn_parser_lastlog = {
    .name = "lastlog",
    .title = "Last login of each account (lastlog)",
    .probe = probe,
    .parse = parse,
};
