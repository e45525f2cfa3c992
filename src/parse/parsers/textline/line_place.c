#include "parse/parsers/textline/line_place.h"

#include "base/text.h"

enum {
    TOKENS_MAX = 6,  /* words before the time */
    PREFIX_MAX = 96, /* bytes before it */
    JSON_MAX = 65536 /* bytes of an object that are looked at */
};

static bool opens(uint8_t c)
{
    return c == '[' || c == '(' || c == '"' || c == '\'' || c == '<' || c == '{' || c == '|';
}

/* A JSON object: the value of "time", "timestamp", "@timestamp", "ts", "datetime" or "date". */
static bool find_json(cn_textlog *log, cn_span text, cn_linetime *t, size_t *out_at)
{
    static const char *const keys[] = {"\"@timestamp\"", "\"timestamp\"", "\"time\"",
                                       "\"ts\"",         "\"datetime\"",  "\"date\"",
                                       "\"t\"",          "\"eventTime\""};
    cn_span head = cn_span_sub(text, 0, JSON_MAX);
    for (size_t i = 0; i < CN_LEN(keys); i++) {
        size_t at = cn_text_find(head, keys[i]);
        if (at == SIZE_MAX)
            continue;
        at += strlen(keys[i]);
        while (at < head.len && (head.p[at] == ' ' || head.p[at] == ':' || head.p[at] == '"'))
            at++;
        /* {"$date": "..."} of MongoDB */
        if (cn_span_starts(cn_span_sub(head, at, 8), "{\"$date\"")) {
            at += 8;
            while (at < head.len && (head.p[at] == ' ' || head.p[at] == ':' || head.p[at] == '"'))
                at++;
        }
        cn_span s = cn_span_sub(text, at, text.len);
        if (cn_textlog_time(log, &s, t)) {
            *out_at = at;
            return true;
        }
    }
    return false;
}

/* A time may stand in brackets or quotes and, as logfmt has it, behind "time=". */
static bool try_word(cn_textlog *log, cn_span text, size_t at, cn_linetime *t, size_t *out_at)
{
    for (int tries = 0; tries < 3; tries++) {
        while (at < text.len && opens(text.p[at]))
            at++;
        cn_span s = cn_span_sub(text, at, text.len);
        if (s.len && cn_textlog_time(log, &s, t)) {
            *out_at = at;
            return true;
        }
        size_t n = 0;
        while (n < s.len && n < 20 && (cn_is_alpha(s.p[n]) || s.p[n] == '_' || s.p[n] == '@'))
            n++;
        if (n == 0 || n >= s.len || s.p[n] != '=')
            return false;
        at += n + 1;
    }
    return false;
}

bool cn_line_place_find(cn_textlog *log, cn_span text, cn_line_place *out, cn_linetime *out_time,
                        size_t *out_at)
{
    if (text.len && *text.p == '{' && find_json(log, text, out_time, out_at)) {
        *out = (cn_line_place){CN_PLACE_JSON, out_time->kind};
        return true;
    }
    size_t at = 0;
    for (unsigned token = 0; token < TOKENS_MAX && at < text.len && at < PREFIX_MAX; token++) {
        if (try_word(log, text, at, out_time, out_at) &&
            (token == 0 || out_time->kind != CN_TIME_EPOCH)) {
            *out = (cn_line_place){token, out_time->kind};
            return true;
        }
        const uint8_t *blank = memchr(text.p + at, ' ', text.len - at);
        if (!blank)
            return false;
        at = (size_t) (blank - text.p);
        while (at < text.len && text.p[at] == ' ')
            at++;
    }
    return false;
}
