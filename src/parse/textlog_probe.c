/* Claiming a text file by what its lines look like.
 *
 * Of the head's lines those that are blank or indented say nothing. A file is claimed when at least
 * 60 % of the others match; where its path is that of a log, 20 % are enough, and where it is that
 * of a package's own files (documentation, test data), 90 % are asked for. One cut line at the
 * start, a byte that is no UTF-8, a banner or some NULs do not lose a file. */
#include "parse/textlog.h"

#include "base/text.h"

enum {
    SAMPLE_LINES = 150,
    BARREN_LINES = 30, /* this many lines without a match: not ours */
    TEXT_SAMPLE = 512,
    SHARE = 60,
    SHARE_LOG = 20,
    SHARE_PACKAGE = 90
};

bool cn_textlog_is_text(cn_span head)
{
    if (cn_span_starts(head, "\xff\xfe") || cn_span_starts(head, "\xfe\xff"))
        return head.len > 4;
    while (head.len && *head.p == 0)
        head = (cn_span){head.p + 1, head.len - 1};
    size_t n = CN_MIN(head.len, (size_t) TEXT_SAMPLE), controls = 0;
    for (size_t i = 0; i < n; i++)
        controls += head.p[i] < 0x20 && head.p[i] != '\n' && head.p[i] != '\t' &&
                    head.p[i] != '\r' && head.p[i] != 0x1b && head.p[i] != 0x1d;
    return n > 0 && controls * 20 <= n;
}

static bool is_package_path(cn_span path)
{
    return cn_span_starts(path, "/usr/") || cn_span_starts(path, "/lib/") ||
           cn_span_starts(path, "/etc/") || cn_text_find(path, "/site-packages/") != SIZE_MAX ||
           cn_text_find(path, "/node_modules/") != SIZE_MAX ||
           cn_text_find(path, "/tests/") != SIZE_MAX || cn_text_find(path, "/doc/") != SIZE_MAX;
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
    if (is_package_path(file->path) && cn_text_find(file->path, "/log/") == SIZE_MAX &&
        cn_text_find(file->path, "/logs/") == SIZE_MAX)
        return SHARE_PACKAGE;
    return cn_textlog_is_log_path(file) ? SHARE_LOG : SHARE;
}

typedef struct sample {
    unsigned lines, sure, weak;
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
    if (!cn_textlog_is_text(probe->head))
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
        matched * 100 < n.lines * cn_textlog_needed_share(probe->file))
        return 0;
    return CN_MAX(1u, format->bits * matched / n.lines);
}
