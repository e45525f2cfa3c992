#include "parse/parsers/syslog/syslog_pattern.h"

#include "base/text.h"

enum { CAPTURES_MAX = 12 };

typedef struct capture {
    char key;
    cn_span text;
} capture;

static const uint8_t *last_of(cn_span s, const char *needle, size_t n)
{
    for (size_t i = s.len + 1; i-- > 0;)
        if (i + n <= s.len && s.p[i] == (uint8_t) needle[0] && memcmp(s.p + i, needle, n) == 0)
            return s.p + i;
    return NULL;
}

static bool takes_last(char key) { return key == 'u' || key == 'v' || key == 'c'; }

static bool may_hold_blanks(char key)
{
    switch (key) {
    case 'u':
    case 'v':
    case 'c':
    case 'n':
    case 'U':
    case 'b':
    case 'G':
    case 'h':
    case 'H':
    case 'r':
    case '*':
        return true;
    default:
        return false;
    }
}

/* Where the text taken by `key` ends: at the literal that follows it in the pattern. */
static bool take(char key, const char *literal, size_t literal_len, cn_span *s, cn_span *out)
{
    if (literal_len == 0) {
        *out = *s;
        *s = cn_span_sub(*s, s->len, 0);
    } else {
        const uint8_t *at = NULL;
        if (s->len && *literal == ' ' && !may_hold_blanks(key)) {
            at = memchr(s->p, ' ', s->len);
            size_t left = at ? s->len - (size_t) (at - s->p) : 0;
            if (left < literal_len || memcmp(at, literal, literal_len) != 0)
                return false;
        } else if (s->len) {
            at = takes_last(key) ? last_of(*s, literal, literal_len)
                                 : memmem(s->p, s->len, literal, literal_len);
        }
        if (!at)
            return false;
        *out = cn_span_of(s->p, (size_t) (at - s->p));
        *s = cn_span_sub(*s, out->len, s->len);
    }
    return may_hold_blanks(key) || !out->len || !memchr(out->p, ' ', out->len);
}

static bool match_one(const char *p, cn_span s, capture *found, size_t *out_n)
{
    size_t n = 0;
    while (*p) {
        if (*p == '{') {
            char key = p[1];
            p += 3;
            cn_span text;
            if (n == CAPTURES_MAX || !take(key, p, strcspn(p, "{"), &s, &text))
                return false;
            found[n++] = (capture){key, text};
        } else {
            size_t len = strcspn(p, "{");
            if (len == 0 || s.len < len || memcmp(s.p, p, len) != 0)
                return false;
            s = cn_span_sub(s, len, s.len);
            p += len;
        }
    }
    *out_n = n;
    return s.len == 0;
}

static void keep_named(cn_record *r, const char *name, cn_span value)
{
    cn_record_named(r, cn_span_str(name), value);
}

static void keep(cn_record *r, char key, cn_span v)
{
    switch (key) {
    case 'u':
    case 'n':
        cn_record_text(r, CN_F_username, v);
        break;
    case 'U':
        cn_record_text(r, CN_F_target_username, v);
        break;
    case 'b':
        keep_named(r, "by_username", v);
        break;
    case 'v': {
        size_t i = v.len;
        while (i > 0 && v.p[i - 1] != ' ')
            i--;
        cn_record_text(r, CN_F_username, cn_span_sub(v, 0, i ? i - 1 : 0));
        cn_record_peer(r, CN_F_source_ip, CN_F_source_host, cn_span_sub(v, i, v.len));
        break;
    }
    case 'p':
        cn_record_peer(r, CN_F_source_ip, CN_F_source_host, v);
        break;
    case 'o':
        cn_record_digits(r, CN_F_source_port, v);
        break;
    case 'd':
        cn_record_text(r, CN_F_destination_ip, v);
        break;
    case 'O':
        cn_record_digits(r, CN_F_destination_port, v);
        break;
    case 'm':
        cn_record_text(r, CN_F_authentication_method, v);
        break;
    case 'P':
        cn_record_text(r, CN_F_protocol, v);
        break;
    case 'k':
        keep_named(r, "key_type", v);
        break;
    case 'f':
        cn_record_text(r, CN_F_fingerprint, v);
        break;
    case 'c':
        cn_record_text(r, CN_F_command, cn_text_trim(v));
        break;
    case 't':
        cn_record_text(r, CN_F_terminal, v);
        break;
    case 's':
        cn_record_text(r, CN_F_session_id, v);
        break;
    case 'i':
        cn_record_digits(r, CN_F_uid, v);
        break;
    case 'g':
        cn_record_digits(r, CN_F_gid, v);
        break;
    case 'G':
        cn_record_text(r, CN_F_group_name, v);
        break;
    case 'h':
        keep_named(r, "home", v);
        break;
    case 'H':
        keep_named(r, "shell", v);
        break;
    case 'r':
        keep_named(r, "reason", v);
        break;
    case 'V':
        cn_record_text(r, CN_F_kernel_version, v);
        break;
    case 'C':
        cn_record_text(r, CN_F_comm, v);
        break;
    default:
        break;
    }
}

bool cn_syslog_match(const cn_syslog_pattern *list, cn_span body, cn_record *r)
{
    if (body.len == 0)
        return false;
    for (; list->pattern; list++) {
        char first = list->pattern[0];
        capture found[CAPTURES_MAX];
        size_t n;
        if ((first != '{' && (uint8_t) first != body.p[0]) ||
            !match_one(list->pattern, body, found, &n))
            continue;
        r->event.data_type = list->data_type;
        for (size_t i = 0; i < n; i++)
            keep(r, found[i].key, found[i].text);
        cn_record_text(r, CN_F_outcome, cn_span_str(list->outcome));
        cn_record_text(r, CN_F_action, cn_span_str(list->action));
        return true;
    }
    return false;
}
