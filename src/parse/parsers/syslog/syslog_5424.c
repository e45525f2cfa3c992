/* RFC 5424, section 6: <PRI>1 TIMESTAMP HOSTNAME APP-NAME PROCID MSGID STRUCTURED-DATA [MSG],
 * fields that have no value are "-". */
#include "base/text.h"
#include "parse/parsers/syslog/syslog_pattern.h"

/* Bytes of the structured data: "-", or elements in brackets whose values escape '"', '\' and ']'.
 * 0 where it is none. */
static size_t structured_data(cn_span s)
{
    bool quoted = false, inside = false;
    if (s.len && *s.p == '-')
        return 1;
    for (size_t i = 0; i < s.len; i++) {
        uint8_t c = s.p[i];
        if (quoted && c == '\\') {
            i++;
        } else if (inside && c == '"') {
            quoted = !quoted;
        } else if (!quoted && c == '[') {
            if (inside)
                return 0;
            inside = true;
        } else if (!quoted && c == ']') {
            inside = false;
            if (i + 1 == s.len || s.p[i + 1] != '[')
                return i + 1;
        } else if (!inside) {
            return 0;
        }
    }
    return 0;
}

static cn_span given(cn_span value) { return cn_span_is(value, "-") ? (cn_span){NULL, 0} : value; }

cn_match cn_syslog_5424(cn_textlog *log, cn_span s, cn_record *r)
{
    cn_span time_text = s, whole = s;
    cn_linetime t;
    bool nil_time = cn_span_starts(s, "- ");
    if (nil_time)
        s = cn_span_sub(s, 1, s.len);
    else if (!cn_textlog_time(log, &s, &t) || t.kind != CN_TIME_ISO)
        return CN_LINE_NONE;
    time_text.len -= s.len;
    if (s.len == 0 || *s.p != ' ')
        return CN_LINE_NONE;
    s = cn_span_sub(s, 1, s.len);
    r->event.desc = CN_DESC_MODIFICATION;
    if (!nil_time)
        cn_textlog_set_time(log, &t, time_text, r);
    if (cn_textlog_scanning(log))
        return CN_LINE_SURE;

    cn_span host = given(cn_text_until(&s, ' ')), app = given(cn_text_until(&s, ' ')),
            pid = given(cn_text_until(&s, ' ')), id = given(cn_text_until(&s, ' '));
    size_t data_len = structured_data(s);
    cn_span data = given(cn_span_sub(s, 0, data_len));
    cn_span body = cn_span_sub(s, data_len, s.len);
    if (data_len && body.len && *body.p == ' ')
        body = cn_span_sub(body, 1, body.len);
    if (cn_span_starts(body, "\xef\xbb\xbf"))
        body = cn_span_sub(body, 3, body.len);

    r->event.data_type = "syslog:line";
    cn_record_text(r, CN_F_hostname, host.len ? host : cn_textlog_hostname(log));
    cn_record_text(r, CN_F_reporter, app);
    cn_record_digits(r, CN_F_pid, pid);
    cn_record_text(r, CN_F_message_id, id);
    cn_record_text(r, CN_F_structured_data, data);
    cn_span typed = body;
    while (typed.len && *typed.p == ' ')
        typed = cn_span_sub(typed, 1, typed.len);
    cn_syslog_type(app, typed, r);

    cn_span parts[] = {app,
                       pid.len ? CN_SPAN_LIT("[") : pid,
                       pid,
                       pid.len ? CN_SPAN_LIT("]") : pid,
                       app.len ? CN_SPAN_LIT(": ") : app,
                       body.len ? body : data};
    size_t total = 0;
    for (size_t i = 0; i < CN_LEN(parts); i++)
        total += parts[i].len;
    uint8_t *p = total ? cn_arena_alloc(&r->arena, total) : NULL;
    r->event.message = p ? cn_span_of(p, total) : whole;
    for (size_t i = 0; p && i < CN_LEN(parts); i++)
        if (parts[i].len) {
            memcpy(p, parts[i].p, parts[i].len);
            p += parts[i].len;
        }
    return CN_LINE_SURE;
}
