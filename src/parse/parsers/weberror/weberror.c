/* Error logs of nginx and Apache.
 *
 *   yyyy/mm/dd hh:mm:ss [LEVEL] PID#TID: [*CONNECTION ]TEXT[, client: A, server: B, request: "R",
 *       upstream: "U", host: "H", referrer: "F"]                         nginx
 *   [Www Mmm dd hh:mm:ss[.us] yyyy] [[MODULE:]LEVEL] [pid P[:tid T]] [client A:PORT] TEXT   Apache
 *
 * Sources: nginx ngx_log.c and ngx_http_request.c (ngx_http_log_error_handler), Apache 2.2 and 2.4
 * core ErrorLogFormat's defaults. Their times have no zone. The message is the line without its time. */
#include "base/text.h"
#include "parse/textlog.h"

/* [...], which may hold another pair: "[client [2001:db8::9]:40222]" */
static bool take_bracket(cn_span *s, cn_span *out)
{
    size_t i = 0, depth = 0;
    if (s->len < 2 || *s->p != '[')
        return false;
    for (; i < s->len; i++)
        if (s->p[i] == '[')
            depth++;
        else if (s->p[i] == ']' && --depth == 0)
            break;
    if (i == s->len)
        return false;
    *out = cn_span_sub(*s, 1, i - 1);
    *s = cn_span_sub(*s, i + 1, s->len);
    while (s->len && *s->p == ' ')
        *s = cn_span_sub(*s, 1, s->len);
    return true;
}

static bool is_level(cn_span s)
{
    static const char *const levels[] = {"emerg",  "alert", "crit",  "error", "warn",
                                         "notice", "info",  "debug", "stderr"};
    if (cn_span_starts(s, "trace"))
        return s.len == 6;
    for (size_t i = 0; i < CN_LEN(levels); i++)
        if (cn_span_is(s, levels[i]))
            return true;
    return false;
}

/* ---- nginx */

/* The value of ", KEY: ", up to the next ", " outside quotes; without its quotes. */
static cn_span tail_value(cn_span text, const char *key)
{
    size_t at = cn_text_find(text, key);
    if (at == SIZE_MAX)
        return (cn_span){NULL, 0};
    cn_span s = cn_span_sub(text, at + strlen(key), text.len);
    if (s.len && *s.p == '"') {
        for (size_t i = 1; i < s.len; i++)
            if (s.p[i] == '"' && (i + 1 == s.len || s.p[i + 1] == ','))
                return cn_span_sub(s, 1, i - 1);
        return cn_span_sub(s, 1, s.len);
    }
    return cn_span_sub(s, 0, CN_MIN(cn_text_find(s, ", "), s.len));
}

static void read_request(cn_span request, cn_record *r)
{
    cn_span rest = request, method = cn_text_until(&rest, ' ');
    size_t i = rest.len;
    while (i > 0 && rest.p[i - 1] != ' ')
        i--;
    if (i < 2 || !cn_span_starts(cn_span_sub(rest, i, rest.len), "HTTP/")) {
        cn_record_text(r, CN_F_http_request, request);
        return;
    }
    cn_record_text(r, CN_F_http_method, method);
    cn_record_text(r, CN_F_url, cn_span_sub(rest, 0, i - 1));
    cn_record_text(r, CN_F_http_version, cn_span_sub(rest, i, rest.len));
}

static void read_context(cn_span text, cn_record *r)
{
    size_t from = cn_text_find(text, ", client: ");
    if (from == SIZE_MAX)
        return;
    cn_span tail = cn_span_sub(text, from, text.len);
    cn_record_peer(r, CN_F_source_ip, CN_F_source_host, tail_value(tail, ", client: "));
    cn_span server = tail_value(tail, ", server: ");
    cn_span host = tail_value(tail, ", host: ");
    if (cn_span_is(server, "_"))
        server = (cn_span){NULL, 0};
    cn_record_text(r, CN_F_server_name, host.len ? host : server);
    cn_span request = tail_value(tail, ", request: ");
    if (request.len)
        read_request(request, r);
    cn_record_text(r, CN_F_upstream, tail_value(tail, ", upstream: "));
    cn_record_text(r, CN_F_http_request_referer, tail_value(tail, ", referrer: "));
}

/* PID#TID: [*CONNECTION ] */
static bool read_nginx(cn_span s, cn_record *r)
{
    cn_span level, rest;
    if (!take_bracket(&s, &level) || !is_level(level))
        return false;
    rest = s;
    cn_span ids = cn_text_until(&rest, ':'), pid = cn_text_until(&ids, '#');
    uint64_t number;
    if (!cn_text_u64(pid, &number) || !cn_text_u64(ids, &number))
        return false;
    r->event.data_type = "nginx:error";
    cn_record_text(r, CN_F_severity, level);
    cn_record_digits(r, CN_F_pid, pid);
    cn_record_digits(r, CN_F_tid, ids);
    rest = cn_text_trim(rest);
    if (rest.len && *rest.p == '*') {
        rest = cn_span_sub(rest, 1, rest.len);
        cn_record_digits(r, CN_F_connection_id, cn_text_until(&rest, ' '));
    }
    read_context(rest, r);
    return true;
}

/* ---- Apache */

/* "pid 123", "pid 123:tid 140" */
static void read_pid(cn_span s, cn_record *r)
{
    s = cn_span_sub(s, 4, s.len);
    cn_record_digits(r, CN_F_pid, cn_text_until(&s, ':'));
    if (cn_span_starts(s, "tid "))
        cn_record_digits(r, CN_F_tid, cn_span_sub(s, 4, s.len));
}

/* "client 192.0.2.1", "client 192.0.2.1:5678", "client [2001:db8::1]:5678", "client 2001:db8::1:5678" */
static void read_client(cn_span s, cn_record *r)
{
    s = cn_span_sub(s, 7, s.len); /* "client " and "remote " are as long */
    size_t colons = 0, last = 0;
    for (size_t i = 0; i < s.len; i++)
        if (s.p[i] == ':') {
            colons++;
            last = i;
        }
    cn_span address = s, port = {NULL, 0};
    if (colons == 1 || (colons > 1 && last > 0 && (s.p[last - 1] == ']' || colons == 8))) {
        address = cn_span_sub(s, 0, last);
        port = cn_span_sub(s, last + 1, s.len);
    }
    if (address.len > 1 && *address.p == '[')
        address = cn_span_sub(address, 1, address.len - 2);
    cn_record_peer(r, CN_F_source_ip, CN_F_source_host, address);
    cn_record_digits(r, CN_F_source_port, port);
}

/* AH and five digits, which Apache 2.4 gives every message of its own */
static void read_message_id(cn_span s, cn_record *r)
{
    size_t at = cn_text_find(s, "AH");
    if (at == SIZE_MAX || s.len < at + 8 || s.p[at + 7] != ':')
        return;
    for (size_t i = at + 2; i < at + 7; i++)
        if (!cn_is_digit(s.p[i]))
            return;
    cn_record_text(r, CN_F_message_id, cn_span_sub(s, at, 7));
}

static bool read_apache(cn_span s, cn_record *r)
{
    cn_span part, module = {NULL, 0};
    if (!take_bracket(&s, &part))
        return false;
    size_t colon = cn_text_find(part, ":");
    if (colon != SIZE_MAX) {
        module = cn_span_sub(part, 0, colon);
        part = cn_span_sub(part, colon + 1, part.len);
    }
    if (!is_level(part))
        return false;
    r->event.data_type = "apache:error";
    cn_record_text(r, CN_F_severity, part);
    cn_record_named(r, CN_SPAN_LIT("module"), module);
    cn_span rest = s;
    while (rest.len) {
        /* "(13)Permission denied: [client ...": the client may stand behind an error's text */
        if (*rest.p == '(') {
            size_t at = cn_text_find(cn_span_sub(rest, 0, 128), ": [client ");
            if (at == SIZE_MAX)
                break;
            rest = cn_span_sub(rest, at + 2, rest.len);
        }
        if (!take_bracket(&rest, &part))
            break;
        if (cn_span_starts(part, "pid "))
            read_pid(part, r);
        else if (cn_span_starts(part, "client ") || cn_span_starts(part, "remote "))
            read_client(part, r);
    }
    read_message_id(rest.len ? cn_span_sub(rest, 0, 256) : rest, r);
    size_t referer = cn_text_find(rest, ", referer: ");
    if (referer != SIZE_MAX)
        cn_record_text(r, CN_F_http_request_referer, cn_span_sub(rest, referer + 11, rest.len));
    return true;
}

static cn_match error_line(cn_textlog *log, cn_span text, cn_record *r)
{
    cn_linetime t;
    bool apache = *text.p == '[';
    cn_span s = cn_span_sub(text, apache, text.len), time_text = s;
    if (!cn_textlog_time(log, &s, &t) ||
        (apache ? t.kind != CN_TIME_ASCTIME
                : (t.kind != CN_TIME_ISO || !cn_span_is(cn_span_sub(time_text, 4, 1), "/"))) ||
        !cn_span_starts(s, apache ? "] [" : " ["))
        return CN_LINE_NONE;
    time_text.len -= s.len;
    s = cn_span_sub(s, apache ? 2 : 1, s.len);
    if (!(apache ? read_apache(s, r) : read_nginx(s, r)))
        return CN_LINE_NONE;
    r->event.desc = CN_DESC_RECORDED;
    r->event.message = s;
    cn_textlog_set_time(log, &t, time_text, r);
    cn_record_text(r, CN_F_hostname, cn_textlog_hostname(log));
    return CN_LINE_SURE;
}

static const cn_textlog_format format = {
    .line = error_line, .sure_percent = 100, .bits = 32, .needs_clock = true};

static unsigned probe(const cn_probe *p) { return cn_textlog_probe(p, &format, NULL); }
static int parse(cn_parse_job *job) { return cn_textlog_run(job, &format, NULL); }

const cn_parser cn_parser_weberror = {
    .name = "weberror",
    .title = "nginx and Apache error log",
    .probe = probe,
    .parse = parse,
};
