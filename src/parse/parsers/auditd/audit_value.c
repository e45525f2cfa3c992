#include "parse/parsers/auditd/audit_value.h"

#include "base/cur.h"
#include "base/text.h"

#include <arpa/inet.h>
#include <sys/socket.h>

static bool separates(uint8_t c) { return c == ' ' || c == 0x1d || c == '\n' || c == ','; }

/* The value at the beginning of s: quoted, in apostrophes, in braces, or up to a blank. */
static size_t value_length(cn_span s, cn_span *out, bool *out_quoted)
{
    *out_quoted = s.len && (*s.p == '"' || *s.p == '\'');
    if (*out_quoted || (s.len && *s.p == '{')) {
        uint8_t close = *s.p == '{' ? '}' : *s.p;
        const uint8_t *end = s.len > 1 ? memchr(s.p + 1, close, s.len - 1) : NULL;
        size_t n = end ? (size_t) (end - s.p) : s.len;
        *out = cn_span_sub(s, 1, n - 1);
        return CN_MIN(n + 1, s.len);
    }
    size_t n = 0;
    while (n < s.len && s.p[n] != ' ' && s.p[n] != 0x1d)
        n++;
    *out = cn_span_sub(s, 0, n);
    if (out->len && out->p[out->len - 1] == ',')
        out->len--;
    return n;
}

bool cn_audit_next(cn_span *s, cn_span *out_key, cn_span *out_value, bool *out_quoted)
{
    while (s->len && separates(*s->p))
        *s = cn_span_sub(*s, 1, s->len);
    if (s->len == 0)
        return false;
    size_t n = 0;
    while (n < s->len && s->p[n] != '=' && !separates(s->p[n]) && s->p[n] != '{')
        n++;
    if (n < s->len && s->p[n] == '=') {
        *out_key = cn_span_sub(*s, 0, n);
        *s = cn_span_sub(*s, n + 1, s->len);
        n = value_length(*s, out_value, out_quoted);
    } else {
        *out_key = (cn_span){NULL, 0};
        n = value_length(*s, out_value, out_quoted);
        if (n == 0)
            n = 1;
    }
    *s = cn_span_sub(*s, n, s->len);
    return true;
}

#define KEY(text, field, kind)                                                                     \
    {                                                                                              \
        sizeof(text) - 1, text, CN_F_##field, CN_AUDIT_##kind                                      \
    }
#define CN_F_none CN_F_DYNAMIC

const cn_audit_key *cn_audit_find_key(cn_span key)
{
    /* by length */
    static const cn_audit_key keys[] = {
        KEY("vm", none, UNTRUSTED),
        KEY("pid", pid, PLAIN),
        KEY("uid", uid, PLAIN),
        KEY("gid", gid, PLAIN),
        KEY("ses", session_id, PLAIN),
        KEY("exe", executable, UNTRUSTED),
        KEY("key", audit_key, UNTRUSTED),
        KEY("tty", terminal, PLAIN),
        KEY("cwd", working_directory, UNTRUSTED),
        KEY("cmd", command, UNTRUSTED),
        KEY("res", none, OUTCOME),
        KEY("msg", none, PAIRS),
        KEY("dir", none, UNTRUSTED),
        KEY("ppid", ppid, PLAIN),
        KEY("auid", auid, PLAIN),
        KEY("euid", euid, PLAIN),
        KEY("comm", comm, UNTRUSTED),
        KEY("acct", username, UNTRUSTED),
        KEY("unit", unit, PLAIN),
        KEY("addr", none, ADDRESS),
        KEY("name", none, UNTRUSTED),
        KEY("data", none, UNTRUSTED),
        KEY("path", none, UNTRUSTED),
        KEY("file", none, UNTRUSTED),
        KEY("saddr", none, SOCKET),
        KEY("ocomm", none, UNTRUSTED),
        KEY("watch", none, UNTRUSTED),
        KEY("result", none, OUTCOME),
        KEY("device", none, UNTRUSTED),
        KEY("success", none, OUTCOME),
        KEY("syscall", syscall, PLAIN),
        KEY("terminal", terminal, PLAIN),
        KEY("hostname", none, HOST),
        KEY("old-disk", none, UNTRUSTED),
        KEY("new-disk", none, UNTRUSTED),
        KEY("proctitle", command, UNTRUSTED),
    };
    for (size_t i = 0; i < CN_LEN(keys) && keys[i].len <= key.len; i++)
        if (key.len == keys[i].len && key.p[0] == (uint8_t) keys[i].text[0] &&
            memcmp(key.p, keys[i].text, key.len) == 0)
            return &keys[i];
    return NULL;
}

static int digit(uint8_t c)
{
    if (cn_is_digit(c))
        return c - '0';
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

cn_span cn_audit_decode(cn_arena *arena, cn_span value)
{
    if (value.len < 2 || value.len % 2)
        return value;
    for (size_t i = 0; i < value.len; i++)
        if (digit(value.p[i]) < 0)
            return value;
    uint8_t *p = cn_arena_alloc(arena, value.len / 2);
    if (!p)
        return value;
    for (size_t i = 0; i < value.len / 2; i++) {
        int c = digit(value.p[2 * i]) << 4 | digit(value.p[2 * i + 1]);
        p[i] = c ? (uint8_t) c : ' ';
    }
    return cn_span_of(p, value.len / 2);
}

void cn_audit_socket(cn_arena *arena, cn_span value, cn_span *out_address, cn_span *out_port)
{
    uint8_t bytes[110]; /* sizeof(struct sockaddr_un) */
    size_t n = CN_MIN(value.len / 2, sizeof bytes);
    *out_address = *out_port = (cn_span){NULL, 0};
    for (size_t i = 0; i < n; i++) {
        int high = digit(value.p[2 * i]), low = digit(value.p[2 * i + 1]);
        if (high < 0 || low < 0)
            return;
        bytes[i] = (uint8_t) (high << 4 | low);
    }
    cn_cur c = cn_cur_of(cn_span_of(bytes, n), 0);
    unsigned family = cn_cur_le16(&c);
    char text[INET6_ADDRSTRLEN] = "";
    if (family == AF_UNIX) {
        cn_span path = cn_cur_text(&c, cn_cur_left(&c));
        char *copy = cn_arena_copy(arena, path);
        if (copy)
            *out_address = cn_span_str(copy);
        return;
    }
    unsigned port = cn_cur_be16(&c);
    if (family == AF_INET6)
        cn_cur_skip(&c, 4); /* flow information */
    const uint8_t *address = cn_cur_bytes(&c, family == AF_INET6 ? 16 : 4);
    if (!address || (family != AF_INET && family != AF_INET6) ||
        !inet_ntop((int) family, address, text, sizeof text))
        return;
    char *copy = cn_arena_printf(arena, "%s", text), *number = cn_arena_printf(arena, "%u", port);
    if (copy && number) {
        *out_address = cn_span_str(copy);
        *out_port = cn_span_str(number);
    }
}

bool cn_audit_is_unset(cn_span key, cn_span value)
{
    if (value.len == 0)
        return true;
    switch (*value.p) {
    case '?':
        return value.len == 1;
    case '(':
        return cn_span_is(value, "(null)") || cn_span_is(value, "(none)");
    case 'u':
        return cn_span_is(value, "unset");
    case '4':
    case '-':
        return (cn_span_is(value, "4294967295") || cn_span_is(value, "-1")) &&
               (cn_span_ends(key, "uid") || cn_span_ends(key, "gid") || cn_span_ends(key, "ses"));
    default:
        return false;
    }
}
