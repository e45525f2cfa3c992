/* Access logs of Apache and nginx, which are the same:
 *
 *   CLIENT IDENT USER [dd/Mmm/yyyy:hh:mm:ss zone] "REQUEST" STATUS BYTES ["REFERER" "AGENT" [...]]
 *   VHOST:PORT CLIENT IDENT USER [...                                     Apache's vhost_combined
 *
 * Sources: Apache 2.4 mod_log_config (LogFormat common, combined, vhost_combined, escaping of
 * "%r"), nginx ngx_http_log_module (log_format combined, escape=default). Both give
 * `apache:access_log:entry`, Plaso's name, which Timesketch's analyzers know.
 *
 * The message is the line without what the event says anyway: CLIENT [USER] "REQUEST" ... */
#include "base/text.h"
#include "parse/textlog.h"

/* Where the bracket of the time stands: a user may be anything, "[" included. */
static bool find_time(cn_textlog *log, cn_span text, size_t *out_at, cn_span *out_rest,
                      cn_linetime *out)
{
    for (size_t at = 0; at < text.len;) {
        const uint8_t *open = memchr(text.p + at, '[', text.len - at);
        if (!open)
            return false;
        at = (size_t) (open - text.p) + 1;
        cn_span s = cn_span_sub(text, at, text.len);
        if (s.len > 20 && cn_is_digit(*s.p) && cn_textlog_time(log, &s, out) &&
            out->kind == CN_TIME_CLF && cn_span_starts(s, "] \"")) {
            *out_at = at - 1;
            *out_rest = cn_span_sub(s, 2, s.len);
            return true;
        }
    }
    return false;
}

/* A quoted string at the beginning of s, which moves behind it and the blank that follows. Both
 * servers escape quotes inside; where a quote stands bare, the string ends at the one that a blank or
 * the end follows. */
static bool take_quoted(cn_span *s, cn_span *out)
{
    if (s->len < 2 || *s->p != '"')
        return false;
    size_t i = 1;
    for (; i < s->len; i++) {
        if (s->p[i] == '\\')
            i++;
        else if (s->p[i] == '"' && (i + 1 == s->len || s->p[i + 1] == ' '))
            break;
    }
    if (i >= s->len)
        return false;
    *out = cn_span_sub(*s, 1, i - 1);
    *s = cn_span_sub(*s, CN_MIN(i + 2, s->len), s->len);
    return true;
}

static cn_span given(cn_span v) { return v.len == 1 && *v.p == '-' ? (cn_span){NULL, 0} : v; }

/* "web01:443": a name or address with a port, and no address of IPv6 as a whole */
static bool is_vhost(cn_span s)
{
    size_t i = s.len;
    while (i > 0 && cn_is_digit(s.p[i - 1]))
        i--;
    if (i == s.len || i < 2 || s.p[i - 1] != ':')
        return false;
    cn_span name = cn_span_sub(s, 0, i - 1);
    return *name.p == '[' || !memchr(name.p, ':', name.len);
}

/* What stands before the time: CLIENT IDENT USER, after a virtual host or not. */
static bool read_client(cn_span s, cn_record *r, cn_span *out_client, cn_span *out_user)
{
    cn_span first = cn_text_until(&s, ' '), ident = cn_text_until(&s, ' ');
    if (first.len == 0 || ident.len == 0)
        return false;
    *out_client = first;
    if (is_vhost(first) && s.len && memchr(s.p, ' ', s.len)) {
        cn_span host = first;
        size_t i = host.len;
        while (host.p[i - 1] != ':')
            i--;
        cn_record_text(r, CN_F_server_name, cn_span_sub(host, 0, i - 1));
        cn_record_digits(r, CN_F_destination_port, cn_span_sub(host, i, host.len));
        *out_client = ident;
        (void) cn_text_until(&s, ' '); /* ident */
    }
    if (s.len && s.p[s.len - 1] == ' ')
        s.len--;
    *out_user = given(s);
    return true;
}

/* METHOD TARGET HTTP/x, blanks in the target allowed; anything else is kept as it is. */
static void read_request(cn_span request, cn_record *r)
{
    cn_span rest = request, method = cn_text_until(&rest, ' ');
    size_t i = rest.len;
    while (i > 0 && rest.p[i - 1] != ' ')
        i--;
    cn_span version = cn_span_sub(rest, i, rest.len);
    bool good = method.len > 0 && method.len < 32 && i > 1 && cn_span_starts(version, "HTTP/");
    for (size_t k = 0; good && k < method.len; k++)
        good = cn_is_alpha(method.p[k]) || method.p[k] == '-' || method.p[k] == '_';
    if (!good) {
        cn_record_text(r, CN_F_http_request, given(request));
        return;
    }
    cn_record_text(r, CN_F_http_method, method);
    cn_record_text(r, CN_F_url, cn_span_sub(rest, 0, i - 1));
    cn_record_text(r, CN_F_http_version, version);
}

static void put_message(cn_record *r, cn_span client, cn_span user, cn_span tail)
{
    size_t total = client.len + user.len + tail.len + 2;
    uint8_t *p = cn_arena_alloc(&r->arena, total);
    if (!p) {
        r->event.message = tail;
        return;
    }
    r->event.message = cn_span_of(p, total - (user.len ? 0 : 1));
    const cn_span parts[] = {client, user, tail};
    for (size_t i = 0; i < CN_LEN(parts); i++)
        if (parts[i].len) {
            memcpy(p, parts[i].p, parts[i].len);
            p += parts[i].len;
            *p = ' ';
            p += i < 2;
        }
}

static cn_match access_line(cn_textlog *log, cn_span text, cn_record *r)
{
    cn_linetime t;
    cn_span rest, request, status, bytes, referer = {NULL, 0}, agent = {NULL, 0}, client, user;
    size_t at;
    if (!find_time(log, text, &at, &rest, &t))
        return CN_LINE_NONE;
    cn_span tail = rest;
    if (!take_quoted(&rest, &request) || !read_client(cn_span_sub(text, 0, at), r, &client, &user))
        return CN_LINE_NONE;
    status = cn_text_until(&rest, ' ');
    bytes = cn_text_until(&rest, ' ');
    if (status.len != 3 && !cn_span_is(status, "-"))
        return CN_LINE_NONE;
    if (take_quoted(&rest, &referer) && !take_quoted(&rest, &agent))
        agent = rest.len ? cn_span_sub(rest, 1, rest.len) : rest; /* cut by who wrote it */

    r->event.data_type = "apache:access_log:entry";
    r->event.desc = CN_DESC_RECORDED;
    cn_textlog_set_time(log, &t, cn_span_sub(text, at + 1, t.length), r);
    cn_record_text(r, CN_F_hostname, cn_textlog_hostname(log));
    cn_record_peer(r, CN_F_source_ip, CN_F_source_host, client);
    cn_record_text(r, CN_F_username, user);
    read_request(request, r);
    cn_record_digits(r, CN_F_http_response_code, status);
    cn_record_digits(r, CN_F_http_response_bytes, bytes);
    cn_record_text(r, CN_F_http_request_referer, given(referer));
    cn_record_text(r, CN_F_http_request_user_agent, given(agent));
    put_message(r, client, user, tail);
    return CN_LINE_SURE;
}

static const cn_textlog_format format = {
    .line = access_line, .sure_percent = 100, .bits = 32, .needs_clock = true};

static unsigned probe(const cn_probe *p) { return cn_textlog_probe(p, &format, NULL); }
static int parse(cn_parse_job *job) { return cn_textlog_run(job, &format, NULL); }

const cn_parser cn_parser_webaccess = {
    .name = "webaccess",
    .title = "Apache and nginx access log",
    .probe = probe,
    .parse = parse,
};
