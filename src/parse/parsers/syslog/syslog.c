/* syslog files. Sources: RFC 3164 section 4, RFC 5424 section 6, and what rsyslog, syslog-ng,
 * sysklogd and logger write:
 *
 *   [<PRI>] Mmm dd hh:mm:ss[.fraction] [HOST] TAG[PID]: BODY      traditional
 *   [<PRI>] yyyy-mm-ddThh:mm:ss[.fraction][zone] [HOST] TAG...    ISO, 'T' or a blank
 *   ... yyyy-mm-ddThh:mm:ss SEVERITY TAG[PID]: BODY               without a host, as ChromeOS
 * writes <PRI>1 ...                                                    RFC 5424
 *
 * All of them may occur in one file. The message is `TAG[PID]: BODY` as it stands in the line,
 * blanks at the body's beginning included. */
#include "base/text.h"
#include "parse/parsers/syslog/syslog_pattern.h"

enum { TAG_MAX = 256, PRI_MAX = 191 };

typedef struct header {
    cn_span host, severity, reporter, pid, message, body;
    bool tagged; /* "TAG:" or "TAG[...]" stands there */
} header;

/* <PRI>; false where there is none. */
static bool take_pri(cn_span *s, unsigned *out)
{
    unsigned v = 0;
    size_t i = 1;
    if (s->len < 3 || *s->p != '<')
        return false;
    for (; i < s->len && i < 4 && cn_is_digit(s->p[i]); i++)
        v = v * 10 + (s->p[i] - '0');
    if (i == 1 || i >= s->len || s->p[i] != '>' || v > PRI_MAX)
        return false;
    *s = cn_span_sub(*s, i + 1, s->len);
    *out = v;
    return true;
}

static void put_pri(cn_record *r, unsigned pri)
{
    static const char *const facilities[] = {
        "kern",   "user",   "mail",     "daemon", "auth",   "syslog", "lpr",    "news",
        "uucp",   "cron",   "authpriv", "ftp",    "ntp",    "audit",  "alert",  "clock",
        "local0", "local1", "local2",   "local3", "local4", "local5", "local6", "local7"};
    static const char *const severities[] = {"emerg",   "alert",  "crit", "err",
                                             "warning", "notice", "info", "debug"};
    cn_record_text(r, CN_F_facility, cn_span_str(facilities[pri / 8]));
    cn_record_text(r, CN_F_severity, cn_span_str(severities[pri % 8]));
}

static bool is_severity(cn_span s)
{
    static const char *const words[] = {"EMERG",   "ALERT",  "CRIT", "ERR",  "ERROR",
                                        "WARNING", "NOTICE", "INFO", "WARN", "CRITICAL",
                                        "FATAL",   "DEBUG",  "TRACE"};
    if (s.len < 3 || s.len > 8 || s.p[0] < 'A' || s.p[0] > 'Z' || s.p[1] < 'A' || s.p[1] > 'Z')
        return false;
    for (size_t i = 0; i < CN_LEN(words); i++)
        if (cn_span_is(s, words[i]))
            return true;
    return false;
}

/* TAG: or TAG[PID]: or TAG[PID] at the beginning of s. */
static bool take_tag(cn_span s, header *h)
{
    size_t i = 0, end = CN_MIN(s.len, (size_t) TAG_MAX);
    if (s.len == 0 || *s.p == '[' || *s.p == ':' || *s.p == '-')
        return false;
    for (; i < end; i++) {
        uint8_t c = s.p[i];
        if (c == ' ')
            return false;
        if (c == '[' || (c == ':' && (i + 1 == s.len || s.p[i + 1] == ' ')))
            break;
    }
    if (i == end)
        return false;
    h->reporter = cn_span_sub(s, 0, i);
    h->pid = (cn_span){NULL, 0};
    if (s.p[i] == '[') {
        const uint8_t *close = memchr(s.p + i, ']', CN_MIN(s.len - i, (size_t) TAG_MAX));
        if (!close)
            return false;
        h->pid = cn_span_of(s.p + i + 1, (size_t) (close - s.p) - i - 1);
        i = (size_t) (close - s.p) + 1;
        if (i < s.len && s.p[i] != ':' && s.p[i] != ' ')
            return false;
    }
    if (i < s.len && s.p[i] == ':')
        i++;
    if (i < s.len && s.p[i] == ' ')
        i++;
    h->message = s;
    h->body = cn_span_sub(s, i, s.len);
    h->tagged = true;
    return true;
}

static void read_header(cn_span s, header *h)
{
    *h = (header){.message = s, .body = s};
    if (s.len == 0 || take_tag(s, h) || *s.p == '[') /* no host: "kernel: ...", "[1234] ..." */
        return;
    cn_span rest = s, first = cn_text_until(&rest, ' ');
    while (rest.len && *rest.p == ' ')
        rest = cn_span_sub(rest, 1, rest.len);
    if (is_severity(first))
        h->severity = first;
    else
        h->host = first;
    h->message = h->body = rest;
    (void) take_tag(rest, h);
}

/* "message repeated N times: [ BODY]" and "last message repeated N times" */
static cn_span take_repetition(cn_span body, cn_record *r)
{
    size_t at = cn_text_find(cn_span_sub(body, 0, 40), "message repeated ");
    if (at == SIZE_MAX)
        return body;
    cn_span rest = cn_span_sub(body, at + 17, body.len);
    cn_record_digits(r, CN_F_repeat_count, cn_text_until(&rest, ' '));
    if (!cn_span_starts(rest, "times: [") || !cn_span_ends(rest, "]"))
        return body;
    return cn_text_trim(cn_span_sub(rest, 8, rest.len - 9));
}

static void fill(cn_textlog *log, const header *h, cn_record *r)
{
    r->event.data_type = "syslog:line";
    r->event.message = h->message;
    cn_record_text(r, CN_F_hostname, h->host.len ? h->host : cn_textlog_hostname(log));
    cn_record_text(r, CN_F_severity, h->severity);
    cn_span body = h->body;
    if (body.len > 20 && (*body.p == 'm' || *body.p == 'l' || *body.p == '-'))
        body = take_repetition(body, r);
    if (!h->tagged)
        return;
    cn_record_text(r, CN_F_reporter, h->reporter);
    cn_record_digits(r, CN_F_pid, h->pid);
    cn_syslog_type(h->reporter, body, r);
}

static cn_match syslog_line(cn_textlog *log, cn_span text, cn_record *r)
{
    cn_span s = text;
    unsigned pri = 0;
    bool has_pri = take_pri(&s, &pri);
    cn_match match = CN_LINE_NONE;
    if (has_pri && cn_span_starts(s, "1 ")) {
        match = cn_syslog_5424(log, cn_span_sub(s, 2, s.len), r);
        if (match != CN_LINE_NONE && !cn_textlog_scanning(log))
            put_pri(r, pri);
        return match;
    }
    cn_span time_text = s;
    cn_linetime t;
    if (!cn_textlog_time(log, &s, &t) || (t.kind != CN_TIME_ISO && t.kind != CN_TIME_BSD) ||
        (t.kind == CN_TIME_ISO && !cn_span_is(cn_span_sub(time_text, 4, 1), "-")) || s.len < 2 ||
        (*s.p != ' ' && *s.p != ':'))
        return CN_LINE_NONE;
    time_text.len -= s.len;
    r->event.desc = CN_DESC_MODIFICATION;
    cn_textlog_set_time(log, &t, time_text, r);
    if (cn_textlog_scanning(log))
        return CN_LINE_SURE;

    bool nobody = *s.p == ':';
    while (s.len && (*s.p == ' ' || *s.p == ':'))
        s = cn_span_sub(s, 1, s.len);
    header h;
    if (nobody)
        h = (header){.message = s, .body = s};
    else
        read_header(s, &h);
    if (h.message.len == 0)
        h.message = s.len ? s : text;
    fill(log, &h, r);
    if (has_pri)
        put_pri(r, pri);
    /* "2026-11-18 01:02:03,123 name: ..." and "... 01:02:03 ERROR name: ..." are what programs
     * write into logs of their own. */
    bool loose = t.kind == CN_TIME_ISO && (t.comma || (t.blank && !h.host.len));
    return h.tagged && !loose ? CN_LINE_SURE : CN_LINE_WEAK;
}

static const cn_textlog_format format = {
    .line = syslog_line, .sure_percent = 25, .bits = 24, .needs_clock = true};

static unsigned probe(const cn_probe *p) { return cn_textlog_probe(p, &format, NULL); }
static int parse(cn_parse_job *job) { return cn_textlog_run(job, &format, NULL); }

const cn_parser cn_parser_syslog = {
    .name = "syslog",
    .title = "syslog, traditional, ISO and RFC 5424",
    .probe = probe,
    .parse = parse,
};
