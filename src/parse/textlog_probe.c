/* Claiming a text file by what its lines look like.
 *
 * Of the head's lines those that are blank or indented say nothing. A file is claimed when at least
 * 60 % of the others match; where its path is that of a log, 20 % are enough. One cut line at the start,
 * a byte that is no UTF-8, a banner or some NULs do not lose a file.
 *
 * What packages bring along (below /usr but for /usr/local, documentation, tests) holds samples of logs
 * that never happened on this machine. 90 % of their lines
 * and ten of them must match, and the file must have been
 * written when its last line was: a sample was written when its package was built. */
#include "parse/textlog.h"

#include "base/text.h"

enum {
    SAMPLE_LINES = 150,
    BARREN_LINES = 30, /* this many lines without a match: not ours */
    SHARE = 60,
    SHARE_LOG = 20,
    SHARE_PACKAGE = 90,
    PACKAGE_LINES = 10,
    NEAR_S = 3 * 86400,          /* zones, and a leap year's day */
    YEAR_S = 365 * 86400 + 20926 /* of the Gregorian calendar on average */
};

static bool is_package_path(cn_span path)
{
    static const char *const parts[] = {"/site-packages/", "/dist-packages/", "/node_modules/",
                                        "/tests/",         "/doc/",           "/examples/"};
    if ((cn_span_starts(path, "/usr/") && !cn_span_starts(path, "/usr/local/")) ||
        cn_span_starts(path, "/lib/") || cn_span_starts(path, "/etc/"))
        return true;
    for (size_t i = 0; i < CN_LEN(parts); i++)
        if (cn_text_find(path, parts[i]) != SIZE_MAX)
            return true;
    return false;
}

bool cn_textlog_is_sample(const cn_probe *probe, unsigned matched, bool has_year, int64_t last_s)
{
    if (!is_package_path(probe->file->path))
        return false;
    if (matched < PACKAGE_LINES || !probe->file->has_mtime)
        return true;
    if (!probe->whole) /* the last line is not known */
        return false;
    int64_t away_s = probe->file->mtime_ns / CN_NS_PER_S - last_s;
    if (!has_year) /* within a year, which is all that is known */
        away_s %= YEAR_S;
    if (away_s < 0)
        away_s = -away_s;
    return away_s > NEAR_S && (has_year || away_s < YEAR_S - NEAR_S);
}

bool cn_textlog_is_log_path(const cn_file_info *file)
{
    static const char *const names[] = {"syslog", "messages", "secure", "maillog", "debug",
                                        "kern",   "auth",     "cron",   "daemon",  "mail"};
    if (cn_text_find(file->path, "/var/log/") != SIZE_MAX ||
        cn_text_find(file->name, ".log") != SIZE_MAX)
        return true;
    for (size_t i = 0; i < CN_LEN(names); i++)
        if (cn_span_starts(file->name, names[i]))
            return true;
    return false;
}

unsigned cn_textlog_needed_share(const cn_file_info *file)
{
    if (is_package_path(file->path))
        return SHARE_PACKAGE;
    return cn_textlog_is_log_path(file) ? SHARE_LOG : SHARE;
}

typedef struct sample {
    unsigned lines, sure, weak;
    bool has_year; /* of the last line that matches and has a time */
    int64_t last_s;
} sample;

static sample take_sample(cn_textlog *log, const cn_probe *probe, cn_record *record)
{
    sample n = {0};
    cn_line line;
    bool first = true;
    while (n.lines < SAMPLE_LINES && cn_lines_next(&log->lines, &line, NULL) > 0) {
        bool last = log->lines.p == log->lines.end && !probe->whole;
        if (line.text.len == 0 || (last && n.lines > 0))
            continue;
        cn_record_begin(record, line.offset, line.length);
        log->line_offset = line.offset;
        cn_match match = log->format->line(log, line.text, record);
        n.sure += match == CN_LINE_SURE;
        n.weak += match == CN_LINE_WEAK;
        if (match != CN_LINE_NONE && record->event.has_time) {
            n.has_year = !log->guessed_year;
            n.last_s = record->event.time_ns / CN_NS_PER_S;
        }
        /* A continuation says nothing, nor does a first line, which rotation may have cut. */
        if (match != CN_LINE_NONE || (*line.text.p != ' ' && *line.text.p != '\t' && !first))
            n.lines++;
        first = false;
        if (n.lines >= BARREN_LINES && n.sure + n.weak == 0)
            break;
    }
    return n;
}

unsigned cn_textlog_probe(const cn_probe *probe, const cn_textlog_format *format, void *state)
{
    if (!(cn_probe_look(probe) & CN_LOOK_TEXT) ||
        (format->needs_clock && !(cn_probe_look(probe) & CN_LOOK_CLOCK)))
        return 0;
    cn_textlog log = {.file = probe->file,
                      .format = format,
                      .state = state,
                      .years_state = CN_YEARS_PROBE,
                      .zone_block = INT64_MIN,
                      .lines = cn_lines_of_memory(probe->head)};
    cn_record record;
    record.arena = cn_arena_of(CN_MIB(1));
    sample n = take_sample(&log, probe, &record);
    cn_arena_free(&record.arena);
    cn_lines_free(&log.lines);

    unsigned matched = n.sure + n.weak;
    if (matched == 0 || n.sure * 100 < matched * format->sure_percent ||
        matched * 100 < n.lines * cn_textlog_needed_share(probe->file) ||
        cn_textlog_is_sample(probe, matched, n.has_year, n.last_s))
        return 0;
    return CN_MAX(1u, format->bits * matched / n.lines);
}
