/* Logins, logouts, boots and failed logins: utmp, wtmp and btmp (layouts in utmp_record.h). A
 * record is its own; what is damaged or wiped between the good ones is passed over and told. */
#include "utmp_event.h"
#include "utmp_record.h"

#include "parse/parser.h"

#include <inttypes.h>
#include <stdio.h>

enum {
    WARNINGS_MAX = 200, /* a file of garbage is told once, not a million times */
    /* A record and the one after it, of which a search for the next good one needs all. */
    JOIN_BYTES = 4 * UTMP_SIZE_MAX
};

/* What the files are named; rotation adds ".1", "-20261118" and the like. */
static bool is_named(const cn_file_info *file, const char *name)
{
    return cn_span_starts(file->name, name);
}
static bool is_named_any(const cn_file_info *file)
{
    return is_named(file, "wtmp") || is_named(file, "btmp") || is_named(file, "utmp");
}

/* How the records of the file's head look in one layout, the first of them `shift` bytes in. */
typedef struct fit {
    const utmp_layout *layout;
    size_t shift;
    unsigned certain, possible, blank, wrong;
} fit;

static fit measure(cn_span head, const utmp_layout *layout, size_t shift)
{
    fit f = {.layout = layout, .shift = shift};
    for (size_t at = shift; head.len >= layout->size && at <= head.len - layout->size;
         at += layout->size) {
        cn_span bytes = cn_span_sub(head, at, layout->size);
        utmp_record r;
        utmp_record_read(layout, bytes, &r);
        if (utmp_record_blank(bytes))
            f.blank++;
        else if (utmp_record_certain(layout, bytes))
            f.certain++;
        else if (utmp_record_possible(&r) && r.padding == 0 && r.microseconds < 1000000)
            f.possible++;
        else
            f.wrong++;
    }
    return f;
}

static bool better(const fit *a, const fit *b)
{
    if (a->certain != b->certain)
        return a->certain > b->certain;
    return a->possible > b->possible;
}

/* The layout that fits best. `searching`: the file may begin within a record, as one that was cut
 * or carved does; its records stay on multiples of 4. The
 * first of them must be sound. */
static fit find_fit(cn_span head, bool searching)
{
    fit best = measure(head, &utmp_layouts[0], 0);
    for (size_t i = 1; i < UTMP_LAYOUTS; i++) {
        fit f = measure(head, &utmp_layouts[i], 0);
        if (better(&f, &best))
            best = f;
    }
    for (size_t i = 0; searching && best.certain == 0 && i < UTMP_LAYOUTS; i++)
        for (size_t shift = 4; shift < utmp_layouts[i].size; shift += 4)
            if (utmp_record_certain(&utmp_layouts[i],
                                    cn_span_sub(head, shift, utmp_layouts[i].size))) {
                fit f = measure(head, &utmp_layouts[i], shift);
                if (f.certain > best.certain)
                    best = f;
            }
    return best;
}

static unsigned probe(const cn_probe *probe)
{
    bool named = is_named_any(probe->file);
    fit f = find_fit(probe->head, named);
    /* Hardly anything else has even one: a quarter of them will do. */
    if (f.certain > 0 && (named || 4 * f.certain >= f.wrong + f.possible))
        return CN_MIN(40 + 8 * f.certain, 120u);
    if (!named)
        return 0;
    if (f.possible > 0 && f.possible >= f.wrong)
        return 24;
    return f.blank > 0 && f.wrong == 0 ? 8 : 0; /* wiped, or allocated and never written */
}

typedef enum gap_kind { GAP_NONE, GAP_BLANK, GAP_WRONG, GAP_BYTES } gap_kind;

/* A row of records, or of bytes, that are none. */
typedef struct gap {
    gap_kind kind;
    uint64_t offset, count;
    uint16_t type;
} gap;

typedef struct reader {
    cn_parse_job *job;
    const utmp_layout *layout;
    utmp_writer writer;
    gap gap;
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

static void end_gap(reader *r)
{
    char text[128];
    const gap *g = &r->gap;
    if (g->kind == GAP_NONE)
        return;
    if (g->kind == GAP_BLANK)
        snprintf(text, sizeof text, "%" PRIu64 " zeroed record%s", g->count,
                 g->count > 1 ? "s" : "");
    else if (g->kind == GAP_WRONG)
        snprintf(text, sizeof text, "%" PRIu64 " damaged record%s (the first has type %u)",
                 g->count, g->count > 1 ? "s" : "", g->type);
    else
        snprintf(text, sizeof text, "%" PRIu64 " bytes between records", g->count);
    tell(r, CN_E_CORRUPT, g->offset, text);
    r->gap.kind = GAP_NONE;
}

static void add_gap(reader *r, gap_kind kind, uint64_t offset, uint64_t count, uint16_t type)
{
    if (r->gap.kind != kind) {
        end_gap(r);
        r->gap = (gap){.kind = kind, .offset = offset, .type = type};
    }
    r->gap.count += count;
}

/* Where, after the bad record at `at`, the next certain one begins, if it is not where it should
 * be. */
static size_t find_next(const reader *r, cn_span block, size_t at)
{
    size_t size = r->layout->size;
    if (block.len - at < 2 * size ||
        utmp_record_certain(r->layout, cn_span_sub(block, at + size, size)))
        return at + size;
    for (size_t next = at + 4; next < at + size; next += 4)
        if (utmp_record_certain(r->layout, cn_span_sub(block, next, size)))
            return next;
    return at + size;
}

/* Reads the records that lie whole in the block, of which `keep` bytes are left unread for the
 * search above. *out_used says how far it came. */
static int read_block(reader *r, cn_span block, uint64_t origin, size_t keep, size_t *out_used)
{
    size_t size = r->layout->size, at = 0;
    int code = CN_OK;
    while (code == CN_OK && block.len - at >= size + keep) {
        cn_span bytes = cn_span_sub(block, at, size);
        utmp_record rec;
        size_t next = at + size;
        utmp_record_read(r->layout, bytes, &rec);
        if (utmp_record_possible(&rec)) {
            if (r->gap.kind)
                end_gap(r);
            code = utmp_writer_emit(&r->writer, &rec, origin + at, r->layout->size);
        } else if (utmp_record_blank(bytes)) {
            add_gap(r, GAP_BLANK, origin + at, 1, 0);
            code = r->job->step(r->job);
        } else {
            next = find_next(r, block, at);
            if (next == at + size)
                add_gap(r, GAP_WRONG, origin + at, 1, rec.type);
            else
                add_gap(r, GAP_BYTES, origin + at, next - at, 0);
            code = r->job->step(r->job);
        }
        at = next;
    }
    *out_used = at;
    return code;
}

static void tell_rest(reader *r, cn_span rest, uint64_t offset)
{
    char text[96];
    end_gap(r);
    if (rest.len == 0)
        return;
    snprintf(text, sizeof text, "the last record is cut: %zu of %u bytes", rest.len,
             r->layout->size);
    tell(r, CN_E_TRUNCATED, offset, text);
}

/* Reads the stream block by block; what a block leaves over is joined with the start of the next.
 */
static int read_stream(reader *r, size_t shift)
{
    CN_CLEANUP(cn_buf_free) cn_buf join = cn_buf_of(JOIN_BYTES);
    uint64_t offset = 0; /* of the join's first byte */
    size_t keep = r->layout->size, used = 0;
    if (shift)
        add_gap(r, GAP_BYTES, 0, shift, 0);
    for (;;) {
        cn_span block;
        int end = cn_input_next(r->job->in, &block, r->job->err);
        size_t skip = CN_MIN(shift, end < 0 ? 0 : block.len), old = join.len;
        if (end < 0 || block.len == 0) {
            int code = read_block(r, cn_buf_span(&join), offset, 0, &used);
            if (code == CN_OK)
                tell_rest(r, cn_span_sub(cn_buf_span(&join), used, SIZE_MAX), offset + used);
            return code < 0 ? code : end;
        }
        shift -= skip;
        block = cn_span_sub(block, skip, SIZE_MAX);
        offset += skip;
        cn_buf_bytes(&join, cn_span_sub(block, 0, JOIN_BYTES - join.len));
        int code = read_block(r, cn_buf_span(&join), offset, keep, &used);
        if (code == CN_OK && used >= old) { /* on in the block itself, without copying */
            size_t from = used - old, more = 0;
            cn_span rest = cn_span_sub(block, from, SIZE_MAX);
            offset += used;
            code = read_block(r, rest, offset, keep, &more);
            rest = cn_span_sub(rest, more, SIZE_MAX);
            offset += more;
            cn_buf_clear(&join);
            cn_buf_bytes(&join, rest);
        } else { /* the block was small and lies in the join whole */
            cn_span rest = cn_span_sub(cn_buf_span(&join), used, SIZE_MAX);
            if (used && rest.len)
                memmove(join.p, rest.p, rest.len);
            join.len = rest.len;
            offset += used;
        }
        if (code < 0)
            return code;
    }
}

static int parse(cn_parse_job *job)
{
    cn_span head;
    bool whole;
    int code = cn_input_head(job->in, &head, &whole, job->err);
    if (code < 0)
        return code;
    fit f = find_fit(head, true);
    reader r = {
        .job = job,
        .layout = f.layout,
    };
    utmp_writer_open(&r.writer, job);
    code = read_stream(&r, f.certain ? f.shift : 0);
    utmp_writer_close(&r.writer);
    return code;
}

const cn_parser cn_parser_utmp = {
    .name = "utmp",
    .title = "Linux logins (utmp, wtmp, btmp)",
    .probe = probe,
    .parse = parse,
};
