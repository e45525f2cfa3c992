/* PostgreSQL's server log on standard error, with the log_line_prefix of Debian ('%m [%p] %q%u@%d ')
 * and those like it:
 *
 *   yyyy-mm-dd hh:mm:ss[.mmm] ZONE [PID[-LINE]] [USER@DATABASE ]SEVERITY:  TEXT
 *
 * Source: PostgreSQL's documentation, section 20.8.3 (log_line_prefix) and elog.c. Users and
 * databases may be named anything; unknown ones are "[unknown]". Lines that follow (DETAIL, STATEMENT)
 * carry the prefix too; the rest of a statement of several lines does not and stays with its record.
 * The message is the line without its time. */
#include "base/text.h"
#include "parse/textlog.h"

static bool is_severity(cn_span s)
{
    static const char *const words[] = {"LOG",     "ERROR",    "FATAL",  "PANIC",    "WARNING",
                                        "NOTICE",  "INFO",     "DETAIL", "HINT",     "STATEMENT",
                                        "CONTEXT", "LOCATION", "QUERY",  "BACKTRACE"};
    if (cn_span_starts(s, "DEBUG"))
        return s.len <= 6;
    for (size_t i = 0; i < CN_LEN(words); i++)
        if (cn_span_is(s, words[i]))
            return true;
    return false;
}

/* "[7755]", "[203851-1]" */
static bool take_pid(cn_span *s, cn_span *out)
{
    const uint8_t *close;
    if (s->len < 4 || *s->p != '[' || !(close = memchr(s->p, ']', CN_MIN(s->len, 32u))))
        return false;
    cn_span inside = cn_span_of(s->p + 1, (size_t) (close - s->p) - 1);
    *s = cn_span_sub(*s, inside.len + 2, s->len);
    cn_span pid = cn_text_until(&inside, '-');
    uint64_t number;
    *out = pid;
    return cn_text_u64(pid, &number) && (!inside.len || cn_text_u64(inside, &number));
}

/* [USER@DATABASE ]SEVERITY: at the beginning of s */
static bool read_prefix(cn_span s, cn_record *r)
{
    size_t colon = cn_text_find(s, ":  ");
    if (colon == SIZE_MAX)
        return false;
    size_t from = colon;
    while (from > 0 && s.p[from - 1] != ' ')
        from--;
    cn_span severity = cn_span_sub(s, from, colon - from);
    if (!is_severity(severity))
        return false;
    cn_record_text(r, CN_F_severity, severity);
    cn_span who = cn_text_trim(cn_span_sub(s, 0, from));
    size_t at = cn_text_find(who, "@");
    if (at == SIZE_MAX)
        return who.len == 0;
    cn_span user = cn_span_sub(who, 0, at), database = cn_span_sub(who, at + 1, who.len);
    if (!cn_span_is(user, "[unknown]"))
        cn_record_text(r, CN_F_username, user);
    if (!cn_span_is(database, "[unknown]"))
        cn_record_named(r, CN_SPAN_LIT("database"), database);
    return true;
}

/* What the server says about a client: "connection received: host=A port=N", 'for user "U"' */
static void read_body(cn_span s, cn_record *r)
{
    size_t at = cn_text_find(s, "connection received: host=");
    if (at != SIZE_MAX) {
        cn_span rest = cn_span_sub(s, at + 26, s.len);
        cn_record_peer(r, CN_F_source_ip, CN_F_source_host, cn_text_until(&rest, ' '));
        if (cn_span_starts(rest, "port="))
            cn_record_digits(r, CN_F_source_port, cn_text_trim(cn_span_sub(rest, 5, rest.len)));
    }
    if (cn_text_find(s, "authentication failed for user ") != SIZE_MAX)
        cn_record_text(r, CN_F_outcome, CN_SPAN_LIT("failure"));
    else if (cn_text_find(s, "connection authorized: ") != SIZE_MAX)
        cn_record_text(r, CN_F_outcome, CN_SPAN_LIT("success"));
}

static cn_match postgresql_line(cn_textlog *log, cn_span text, cn_record *r)
{
    cn_linetime t;
    cn_span s = text, pid;
    if (!cn_textlog_time(log, &s, &t) || t.kind != CN_TIME_ISO || !t.blank || !t.has_zone ||
        !cn_span_starts(s, " ["))
        return CN_LINE_NONE;
    s = cn_span_sub(s, 1, s.len);
    cn_span message = s;
    if (!take_pid(&s, &pid))
        return CN_LINE_NONE;
    cn_record_digits(r, CN_F_pid, pid);
    if (!read_prefix(cn_text_trim(s), r))
        return CN_LINE_NONE;
    read_body(s, r);
    r->event.data_type = "postgresql:application_log:entry";
    r->event.desc = CN_DESC_RECORDED;
    r->event.message = message;
    cn_textlog_set_time(log, &t, cn_span_sub(text, 0, t.length), r);
    cn_record_text(r, CN_F_hostname, cn_textlog_hostname(log));
    return CN_LINE_SURE;
}

static const cn_textlog_format format = {
    .line = postgresql_line, .sure_percent = 100, .bits = 32, .needs_clock = true};

static unsigned probe(const cn_probe *p) { return cn_textlog_probe(p, &format, NULL); }
static int parse(cn_parse_job *job) { return cn_textlog_run(job, &format, NULL); }

const cn_parser cn_parser_postgresql = {
    .name = "postgresql",
    .title = "PostgreSQL server log",
    .probe = probe,
    .parse = parse,
};
