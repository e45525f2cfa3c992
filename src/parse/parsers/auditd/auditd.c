/* The log of the Linux audit daemon:
 *
 *   [node=NAME ]type=TYPE msg=audit(SECONDS.MILLISECONDS:SERIAL): KEY=VALUE ...[0x1d ENRICHED...]
 *
 * Sources: audit-userspace's auditd.conf(5) (log_format RAW and ENRICHED) and its field dictionary,
 * the kernel's audit.c (audit_log_untrustedstring). Programs put their own pairs into msg='...'. What
 * follows the byte 0x1d are the names that the daemon found for ids: KEY of them becomes key_name.
 *
 * A pair becomes a field: the vocabulary's where it has one, else one of the pair's own name. The
 * message is TYPE and the pairs as they stand, with decoded values where they were in hexadecimal. */
#include "base/text.h"
#include "parse/parsers/auditd/audit_value.h"
#include "parse/textlog.h"

enum { DEPTH_MAX = 2 /* msg='...' inside the line */ };

typedef struct audit_record {
    cn_span type;
    cn_record *r;
    cn_span prefix;                    /* "old" or "new" before a key, as older kernels write */
    cn_span command;                   /* of EXECVE, put together from its arguments */
    cn_span decoded;                   /* a socket address in words */
    uint64_t has[CN_F_COUNT / 64 + 1]; /* fields of the vocabulary that are there */
} audit_record;

static bool is_name(cn_span key)
{
    for (size_t i = 0; i < key.len; i++)
        if (!cn_is_digit(key.p[i]) && !(key.p[i] >= 'a' && key.p[i] <= 'z') && key.p[i] != '_')
            return false;
    return key.len > 0 && key.len <= 64;
}

/* A key as a field's name: lower-case letters, digits and '_'. */
static cn_span field_name(cn_arena *arena, cn_span prefix, cn_span key, const char *suffix)
{
    if (prefix.len == 0 && !*suffix && is_name(key))
        return key;
    char *name = cn_arena_printf(arena, "%.*s%s%.*s%s", (int) CN_MIN(prefix.len, 32u),
                                 (const char *) prefix.p, prefix.len ? "_" : "",
                                 (int) CN_MIN(key.len, 64u), (const char *) key.p, suffix);
    if (!name)
        return (cn_span){NULL, 0};
    for (char *p = name; *p; p++) {
        uint8_t c = cn_lower((uint8_t) *p);
        *p = cn_is_digit(c) || (c >= 'a' && c <= 'z') ? (char) c : '_';
    }
    return cn_span_str(name);
}

static void put_known(audit_record *a, cn_field_id id, cn_span value)
{
    cn_record *r = a->r;
    if (a->has[id / 64] >> id % 64 & 1) /* "terminal=" of msg='...' after "tty=" */
        return;
    a->has[id / 64] |= UINT64_C(1) << id % 64;
    if (cn_vocabulary[id].type == CN_INT)
        cn_record_digits(r, id, value);
    else
        cn_record_text(r, id, value);
}

/* False where the value is neither. */
static bool put_outcome(audit_record *a, cn_span value)
{
    bool good = cn_span_is(value, "yes") || cn_span_is(value, "success") || cn_span_is(value, "1");
    if (!good && !cn_span_is(value, "no") && !cn_span_is(value, "failed") &&
        !cn_span_is(value, "0"))
        return false;
    put_known(a, CN_F_outcome, cn_span_str(good ? "success" : "failure"));
    return true;
}

static void put_socket(audit_record *a, cn_span value)
{
    cn_span address, port;
    cn_audit_socket(&a->r->arena, value, &address, &port);
    cn_record_named(a->r, CN_SPAN_LIT("saddr"), value);
    cn_record_named(a->r, CN_SPAN_LIT("saddr_address"), address);
    cn_record_named(a->r, CN_SPAN_LIT("saddr_port"), port);
    char *text = address.len ? cn_arena_printf(&a->r->arena, "%s%s%s", (const char *) address.p,
                                               port.len ? " port " : "",
                                               port.len ? (const char *) port.p : "")
                             : NULL;
    a->decoded = cn_span_str(text);
}

/* A pair under a name of its own. */
static void put_named(audit_record *a, cn_span key, cn_span value, const char *suffix)
{
    cn_span name = field_name(&a->r->arena, a->prefix, key, suffix);
    cn_record_named(a->r, name, name.len ? value : name);
}

static void put_pair(audit_record *a, const cn_audit_key *info, cn_span key, cn_span value)
{
    if (cn_audit_is_unset(key, value))
        return;
    if (!info || a->prefix.len) {
        put_named(a, key, value, "");
        return;
    }
    switch (info->kind) {
    case CN_AUDIT_ADDRESS:
        cn_record_peer(a->r, CN_F_source_ip, CN_F_source_host, value);
        return;
    case CN_AUDIT_HOST:
        cn_record_text(a->r, CN_F_source_host, value);
        return;
    case CN_AUDIT_SOCKET:
        put_socket(a, value);
        return;
    case CN_AUDIT_OUTCOME:
        if (!put_outcome(a, value))
            put_named(a, key, value, "");
        return;
    default:
        if (info->field == CN_F_DYNAMIC)
            put_named(a, key, value, "");
        else
            put_known(a, info->field, value);
    }
}

/* The arguments of EXECVE come one by one. */
static void put_argument(audit_record *a, cn_span value)
{
    char *joined = cn_arena_printf(&a->r->arena, "%.*s%s%.*s", (int) a->command.len,
                                   (const char *) a->command.p, a->command.len ? " " : "",
                                   (int) value.len, (const char *) value.p);
    if (joined)
        a->command = cn_span_str(joined);
}

/* "avc:  denied  { getattr } for": words without '=' */
static void put_word(audit_record *a, cn_span word, bool braces)
{
    a->prefix = (cn_span){NULL, 0};
    if (cn_span_is(word, "old") || cn_span_is(word, "new"))
        a->prefix = word;
    else if (braces)
        cn_record_named(a->r, CN_SPAN_LIT("permissions"), cn_text_trim(word));
    else if (cn_span_is(word, "denied"))
        put_known(a, CN_F_outcome, CN_SPAN_LIT("failure"));
    else if (cn_span_is(word, "granted"))
        put_known(a, CN_F_outcome, CN_SPAN_LIT("success"));
}

static bool is_argument(cn_span key)
{
    return key.len > 1 && *key.p == 'a' && cn_is_digit(key.p[1]);
}

/* True where a value was decoded, so that the message differs from the line. */
static bool read_pairs(audit_record *a, cn_span s, int depth)
{
    cn_span key, value;
    bool quoted, decoded = false, execve = cn_span_is(a->type, "EXECVE");
    const uint8_t *separator = s.len ? memchr(s.p, 0x1d, s.len) : NULL;
    while (cn_audit_next(&s, &key, &value, &quoted)) {
        if (key.len == 0) {
            put_word(a, value, value.len && value.p[-1] == '{');
            continue;
        }
        if (separator && key.p > separator) {
            if (!cn_audit_is_unset(key, value))
                put_named(a, key, value, "_name");
            continue;
        }
        const cn_audit_key *info = cn_audit_find_key(key);
        bool argument = execve && is_argument(key);
        if (depth < DEPTH_MAX && quoted && info && info->kind == CN_AUDIT_PAIRS) {
            decoded |= read_pairs(a, value, depth + 1);
            continue;
        }
        if (!quoted && (argument || (info && info->kind == CN_AUDIT_UNTRUSTED))) {
            cn_span plain = cn_audit_decode(&a->r->arena, value);
            decoded |= plain.p != value.p;
            value = plain;
        }
        if (argument)
            put_argument(a, value);
        else
            put_pair(a, info, key, value);
        a->prefix = (cn_span){NULL, 0};
    }
    return decoded;
}

/* "SECONDS.MILLISECONDS:SERIAL)" behind "audit("; *s moves behind the "): ". */
static bool take_stamp(cn_span *s, int64_t *out_s, uint32_t *out_ns, cn_span *out_text,
                       cn_span *out_serial)
{
    cn_span rest = *s, stamp = cn_text_until(&rest, ')');
    *out_text = stamp;
    cn_span seconds = cn_text_until(&stamp, '.'), fraction = cn_text_until(&stamp, ':');
    uint64_t v, f;
    if (!cn_text_i64(seconds, out_s) || !cn_text_u64(fraction, &f) || fraction.len > 3 ||
        !cn_text_u64(stamp, &v))
        return false;
    for (size_t i = fraction.len; i < 9; i++)
        f *= 10;
    *out_ns = (uint32_t) f;
    *out_serial = stamp;
    if (rest.len && *rest.p == ':')
        rest = cn_span_sub(rest, 1, rest.len);
    if (rest.len && *rest.p == ' ')
        rest = cn_span_sub(rest, 1, rest.len);
    *s = rest;
    return true;
}

/* TYPE and the pairs, 0x1d as a blank; where values were decoded, those behind it. */
static void put_message(const audit_record *a, cn_span pairs, bool decoded)
{
    cn_record *r = a->r;
    cn_span more = a->command.len ? a->command : a->decoded;
    for (size_t i = 0; decoded && !more.len && i < r->event.n_fields; i++)
        if (r->fields[i].id == CN_F_command)
            more = r->fields[i].text;
    size_t total = a->type.len + 1 + pairs.len + (more.len ? more.len + 3 : 0);
    uint8_t *p = cn_arena_alloc(&r->arena, total + 1);
    if (!p) {
        r->event.message = pairs;
        return;
    }
    r->event.message = cn_span_of(p, total);
    memcpy(p, a->type.p, a->type.len);
    p += a->type.len;
    *p++ = ' ';
    if (pairs.len) {
        memcpy(p, pairs.p, pairs.len);
        uint8_t *mark = memchr(p, 0x1d, pairs.len);
        if (mark)
            *mark = ' ';
        p += pairs.len;
    }
    if (more.len) {
        memcpy(p, " (", 2);
        memcpy(p + 2, more.p, more.len);
        p[2 + more.len] = ')';
    }
}

static cn_match audit_line(cn_textlog *log, cn_span text, cn_record *r)
{
    cn_span s = text, node = {NULL, 0}, stamp_text, serial;
    if (cn_span_starts(s, "node=")) {
        s = cn_span_sub(s, 5, s.len);
        node = cn_text_until(&s, ' ');
    }
    if (!cn_span_starts(s, "type="))
        return CN_LINE_NONE;
    s = cn_span_sub(s, 5, s.len);
    audit_record a = {.type = cn_text_until(&s, ' '), .r = r};
    int64_t seconds;
    uint32_t ns;
    if (a.type.len == 0 || !cn_span_starts(s, "msg=audit("))
        return CN_LINE_NONE;
    s = cn_span_sub(s, 10, s.len);
    if (!take_stamp(&s, &seconds, &ns, &stamp_text, &serial))
        return CN_LINE_NONE;
    r->event.data_type = "selinux:line";
    r->event.desc = CN_DESC_MODIFICATION;
    cn_textlog_set_utc(log, seconds, ns, stamp_text, r);
    cn_record_text(r, CN_F_hostname, node.len ? node : cn_textlog_hostname(log));
    cn_record_text(r, CN_F_audit_type, a.type);
    cn_record_digits(r, CN_F_serial, serial);
    bool decoded = read_pairs(&a, s, 0);
    cn_record_text(r, CN_F_command, a.command);
    put_message(&a, s, decoded);
    return CN_LINE_SURE;
}

static const cn_textlog_format format = {.line = audit_line, .sure_percent = 100, .bits = 40};

static unsigned probe(const cn_probe *p)
{
    bool may_be = cn_text_find(p->head, "msg=audit(") != SIZE_MAX;
    return may_be ? cn_textlog_probe(p, &format, NULL) : 0;
}
static int parse(cn_parse_job *job) { return cn_textlog_run(job, &format, NULL); }

const cn_parser cn_parser_auditd = {
    .name = "auditd",
    .title = "Linux audit log",
    .probe = probe,
    .parse = parse,
};
