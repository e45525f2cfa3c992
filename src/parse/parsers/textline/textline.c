/* Any log whose lines carry a time and that no other parser knows: `text:line`, with the time and the
 * rest of the line as message.
 *
 * What is a log, and what is a document, source code or test data that mentions times:
 *  - the time is one of day, not only a date, and stands at one place: before it the same number of
 *    words, in the same notation; the two or three most frequent places of the head are the log's;
 *  - most lines have it there: 60 % of those that are not blank, indented or comments; 20 % where the
 *    path is that of a log (below /var/log, or named so); 90 % below the folders of packages;
 *  - the times run on: at most one in ten is earlier than the one before it by more than a minute;
 *  - where the path is not that of a log: at least three lines, not less than a third of those that are
 *    indented, times that differ, and that are not
 *    all midnight (a column of birthdays) */
#include "base/text.h"
#include "parse/parsers/textline/line_place.h"

enum {
    PLACES_MAX = 12,
    KEPT_MAX = 3,
    SAMPLE_LINES = 200,
    BARREN_LINES = 30,
    BACKWARDS_S = 60,
    NEW_YEAR_S = 300 * 86400
};

typedef struct places {
    struct {
        cn_line_place place;
        unsigned lines;
    } seen[PLACES_MAX];
    size_t n;
    unsigned lines, matched; /* sampled */
    unsigned quiet;          /* blank, indented or comments */
    int64_t last_s;
    bool has_year;                       /* of the last time */
    unsigned backwards, midnights, same; /* of the kept places' times */
} places;

static bool is_same(cn_line_place a, cn_line_place b)
{
    return a.token == b.token && a.kind == b.kind;
}

static void count(places *p, cn_line_place place)
{
    for (size_t i = 0; i < p->n; i++)
        if (is_same(p->seen[i].place, place)) {
            p->seen[i].lines++;
            return;
        }
    if (p->n < PLACES_MAX) {
        p->seen[p->n].place = place;
        p->seen[p->n++].lines = 1;
    }
}

/* Leaves the most frequent places, none that is rarer than a tenth of the first. */
static void keep_frequent(places *p)
{
    for (size_t i = 0; i < p->n; i++)
        for (size_t k = i + 1; k < p->n; k++)
            if (p->seen[k].lines > p->seen[i].lines) {
                __typeof__(p->seen[0]) swap = p->seen[i];
                p->seen[i] = p->seen[k];
                p->seen[k] = swap;
            }
    size_t keep = 0;
    while (keep < p->n && keep < KEPT_MAX && p->seen[keep].lines * 10 >= p->seen[0].lines)
        keep++;
    p->n = keep;
}

static bool is_kept(const places *p, cn_line_place place)
{
    for (size_t i = 0; i < p->n; i++)
        if (is_same(p->seen[i].place, place))
            return true;
    return false;
}

static bool is_comment(cn_span text) { return text.len && *text.p == '#'; }

static bool is_quiet(cn_span text)
{
    return text.len == 0 || *text.p == ' ' || *text.p == '\t' || *text.p == '#';
}

/* Seconds of a time for comparison: without a year, in a leap year; of any zone. */
static int64_t seconds_of(const cn_linetime *t)
{
    int64_t days = t->has_year ? t->days : cn_days_from_civil(2000, t->month, t->day);
    return days * 86400 + t->second - (t->has_zone ? t->zone_s : 0);
}

static void sample_places(cn_textlog *log, cn_span head, places *out)
{
    cn_line line;
    cn_line_place place;
    cn_linetime t;
    size_t at;
    cn_lines l = cn_lines_of_memory(head);
    for (unsigned i = 0; i < SAMPLE_LINES && cn_lines_next(&l, &line, NULL) > 0; i++) {
        if (!is_comment(line.text) && cn_line_place_find(log, line.text, &place, &t, &at))
            count(out, place);
        else if (i >= BARREN_LINES && out->n == 0)
            break;
    }
    cn_lines_free(&l);
    keep_frequent(out);
}

static void sample_times(cn_textlog *log, cn_span head, bool whole, places *out)
{
    cn_line line;
    cn_line_place place;
    cn_linetime t;
    size_t at;
    int64_t last = 0;
    bool first = true;
    cn_lines l = cn_lines_of_memory(head);
    for (unsigned i = 0; i < SAMPLE_LINES && cn_lines_next(&l, &line, NULL) > 0; i++) {
        bool cut = l.p == l.end && !whole;
        if (is_comment(line.text) || !cn_line_place_find(log, line.text, &place, &t, &at) ||
            !is_kept(out, place)) {
            out->lines += !first && !cut && !is_quiet(line.text);
            out->quiet += line.text.len && is_quiet(line.text);
            /* comments between the lines are what test data has */
            out->lines += is_comment(line.text) && i > 4;
            first = false;
            continue;
        }
        int64_t now = seconds_of(&t);
        out->lines++;
        out->midnights += t.second == 0 && t.nanosecond == 0;
        bool new_year = !t.has_year && now < last - NEW_YEAR_S;
        out->backwards += out->matched && now < last - BACKWARDS_S && !new_year;
        out->same += out->matched && now == last;
        out->matched++;
        last = out->last_s = now;
        out->has_year = t.has_year;
        first = false;
    }
    cn_lines_free(&l);
}

static bool is_log(const places *p, const cn_file_info *file)
{
    if (p->matched == 0 || p->matched * 100 < p->lines * cn_textlog_needed_share(file))
        return false;
    if (cn_textlog_needed_share(file) < 50) /* the path says it */
        return p->backwards * 2 <= p->matched;
    return p->matched >= 3 && p->matched * 3 >= p->quiet && p->backwards * 10 <= p->matched &&
           p->same + 1 < p->matched && p->midnights * 10 < p->matched * 9;
}

static cn_match text_line(cn_textlog *log, cn_span text, cn_record *r)
{
    const places *known = log->state;
    cn_line_place place;
    cn_linetime t;
    size_t at;
    if (*text.p == '#' || !cn_line_place_find(log, text, &place, &t, &at))
        return CN_LINE_NONE;
    bool at_head = place.token == 0 && place.kind != CN_TIME_EPOCH;
    if (!at_head && !is_kept(known, place))
        return CN_LINE_NONE;
    r->event.data_type = "text:line";
    r->event.desc = CN_DESC_MODIFICATION;
    r->event.message = text;
    cn_textlog_set_time(log, &t, cn_span_sub(text, at, t.length), r);
    cn_record_text(r, CN_F_hostname, cn_textlog_hostname(log));
    if (place.token == 0 && at <= 2) {
        cn_span rest = cn_span_sub(text, at + t.length, text.len);
        while (rest.len && (*rest.p == ' ' || *rest.p == ']' || *rest.p == ':' || *rest.p == ',' ||
                            *rest.p == ')' || *rest.p == '\t' || *rest.p == '"'))
            rest = cn_span_sub(rest, 1, rest.len);
        if (rest.len)
            r->event.message = rest;
    }
    return CN_LINE_SURE;
}

static unsigned probe(const cn_probe *p)
{
    if (!(cn_probe_look(p) & CN_LOOK_TEXT)) {
        /* A log that was emptied while it was written begins with a hole. */
        size_t n = 0;
        while (n < p->head.len && p->head.p[n] == 0)
            n++;
        return n == p->head.len && !p->whole && n && cn_textlog_is_log_path(p->file) &&
               cn_textlog_needed_share(p->file) < 50;
    }
    /* Without hh:mm:ss only a time in seconds at the head of a line is left. */
    if (!(cn_probe_look(p) & CN_LOOK_CLOCK) && !cn_is_digit(*p->head.p) && *p->head.p != '{')
        return 0;
    cn_textlog log = {.file = p->file, .zone_block = INT64_MIN};
    places known = {.n = 0};
    sample_places(&log, p->head, &known);
    if (known.n == 0)
        return 0;
    sample_times(&log, p->head, p->whole, &known);
    return is_log(&known, p->file) &&
                   !cn_textlog_is_sample(p, known.matched, known.has_year, known.last_s)
               ? CN_MAX(2u, 8 * known.matched / known.lines)
               : 0;
}

static const cn_textlog_format format = {.line = text_line};

static int parse(cn_parse_job *job)
{
    places known = {.n = 0};
    cn_textlog log = {.file = job->file, .zone_block = INT64_MIN};
    cn_span head;
    bool whole;
    int code = cn_input_head(job->in, &head, &whole, job->err);
    if (code < 0)
        return code;
    sample_places(&log, head, &known);
    return cn_textlog_run(job, &format, &known);
}

const cn_parser cn_parser_textline = {
    .name = "textline",
    .title = "any log whose lines carry a time",
    .probe = probe,
    .parse = parse,
};
