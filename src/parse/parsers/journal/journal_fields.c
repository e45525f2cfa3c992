#include "journal_fields.h"

#include "base/text.h"

#include "base/hash.h"

#include <stdlib.h>

enum {
    NAME_MAX_BYTES = 128, /* journald itself writes at most 64 */
    NAMES = 1024,
    NAMES_USED_MAX = 512 /* of a usual file: 20 to 60; others are looked up each time */
};

typedef struct known {
    const char *name;
    cn_field_id id;
} known;

/* Source: systemd.journal-fields(7). */
static const known known_fields[] = {
    {"MESSAGE", CN_F_DYNAMIC}, /* the event's message */
    {"MESSAGE_ID", CN_F_message_id},
    {"PRIORITY", CN_F_severity},
    {"SYSLOG_FACILITY", CN_F_facility},
    {"SYSLOG_IDENTIFIER", CN_F_reporter},
    {"TID", CN_F_tid},
    {"_PID", CN_F_pid},
    {"_UID", CN_F_uid},
    {"_GID", CN_F_gid},
    {"_COMM", CN_F_comm},
    {"_EXE", CN_F_executable},
    {"_CMDLINE", CN_F_command},
    {"_SYSTEMD_UNIT", CN_F_unit},
    {"_SYSTEMD_SESSION", CN_F_session_id},
    {"_AUDIT_LOGINUID", CN_F_auid},
    {"_HOSTNAME", CN_F_hostname},
    {"_BOOT_ID", CN_F_boot_id},
    {"_MACHINE_ID", CN_F_machine_id},
};

/* Numbers of syslog(3) and RFC 5424, as journalctl and syslog name them. */
static const char *const severities[] = {"emerg",   "alert",  "crit", "err",
                                         "warning", "notice", "info", "debug"};
static const char *const facilities[] = {
    "kern",   "user",   "mail",     "daemon", "auth",   "syslog", "lpr",    "news",
    "uucp",   "cron",   "authpriv", "ftp",    "ntp",    "audit",  "alert",  "clock",
    "local0", "local1", "local2",   "local3", "local4", "local5", "local6", "local7",
};

static cn_span named_number(cn_span value, const char *const *names, size_t count)
{
    uint64_t n;
    return cn_text_u64(value, &n) && n < count ? cn_span_str(names[n]) : value;
}

static bool has_controls(cn_span s)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.p[i] < 0x20 && s.p[i] != '\n' && s.p[i] != '\t' && s.p[i] != '\r' && s.p[i] != 0x1b)
            return true;
    return false;
}

/* What a name stands for: a known field, or its own lower-case name, or nothing. */
typedef struct journal_name {
    cn_span raw; /* empty: a free slot */
    const known *known;
    cn_span lower;
} journal_name;

bool journal_names_open(journal_names *n)
{
    *n = (journal_names){.arena = cn_arena_of(CN_MIB(1))};
    n->slots = calloc(NAMES, sizeof *n->slots);
    return n->slots != NULL;
}

void journal_names_close(journal_names *n)
{
    free(n->slots);
    cn_arena_free(&n->arena);
}

static cn_span lower_name(cn_span name, const char *prefix, cn_arena *arena)
{
    size_t at = strlen(prefix);
    char *p = cn_arena_alloc(arena, at + name.len + 1);
    if (!p)
        return (cn_span){NULL, 0};
    memcpy(p, prefix, at);
    for (size_t i = 0; i < name.len; i++) {
        uint8_t c = cn_lower(name.p[i]);
        p[at + i] = cn_is_digit(c) || cn_is_alpha(c) ? (char) c : '_';
    }
    return cn_span_of(p, at + name.len);
}

static const known *find_known(cn_span name)
{
    for (size_t i = 0; i < CN_LEN(known_fields); i++)
        if (cn_span_is(name, known_fields[i].name))
            return &known_fields[i];
    return NULL;
}

/* False without memory. A name that is none has neither known nor lower. */
static bool look_up(cn_span raw, cn_arena *arena, journal_name *out)
{
    cn_span name = raw;
    *out = (journal_name){.raw = raw, .known = find_known(raw)};
    if (name.len == 0 || name.len > NAME_MAX_BYTES)
        return true;
    while (name.len && *name.p == '_')
        name = cn_span_sub(name, 1, SIZE_MAX);
    out->lower = name.len ? lower_name(name, "", arena) : lower_name(raw, "journal", arena);
    if (out->lower.p && cn_field_by_name(out->lower) != CN_F_DYNAMIC)
        out->lower = lower_name(name, "journal_", arena);
    return out->lower.p != NULL;
}

static bool find_name(journal_names *n, cn_span raw, cn_arena *arena, journal_name *out)
{
    size_t i = (size_t) (cn_hash64(raw) % NAMES);
    for (; n->slots[i].raw.len; i = (i + 1) % NAMES)
        if (cn_span_eq(n->slots[i].raw, raw)) {
            *out = n->slots[i];
            return true;
        }
    if (raw.len == 0 || raw.len > NAME_MAX_BYTES || n->used >= NAMES_USED_MAX)
        return look_up(raw, arena, out);
    char *kept = cn_arena_copy(&n->arena, raw);
    if (!kept || !look_up(cn_span_of(kept, raw.len), &n->arena, out))
        return look_up(raw, arena, out);
    n->slots[i] = *out;
    n->used++;
    return true;
}

static void own_name(const journal_name *name, cn_span value, journal_value *out)
{
    out->kind = name->lower.len ? JOURNAL_FIELD : JOURNAL_NOTHING;
    if (out->kind == JOURNAL_NOTHING)
        out->notes |= JOURNAL_UNREADABLE;
    out->field = cn_field_named(name->lower, value);
}

static void known_name(const journal_name *name, cn_span value, journal_value *out)
{
    int64_t number;
    cn_field_id id = name->known->id;
    out->kind = id == CN_F_DYNAMIC ? JOURNAL_MESSAGE : JOURNAL_FIELD;
    if (id == CN_F_DYNAMIC)
        out->field = (cn_field){.type = CN_TEXT, .text = value};
    else if (cn_vocabulary[id].type != CN_INT && value.len == 0)
        out->kind = JOURNAL_NOTHING;
    else if (cn_vocabulary[id].type != CN_INT)
        out->field = cn_field_text(id, value);
    else if (cn_text_i64(value, &number))
        out->field = cn_field_int(id, number);
    else
        own_name(name, value, out);
    if (id == CN_F_severity)
        out->field.text = named_number(value, severities, CN_LEN(severities));
    if (id == CN_F_facility)
        out->field.text = named_number(value, facilities, CN_LEN(facilities));
}

bool journal_value_read(journal_names *names, cn_span payload, bool copy, cn_arena *arena,
                        journal_value *out)
{
    journal_name name;
    const uint8_t *equals = payload.len ? memchr(payload.p, '=', payload.len) : NULL;
    *out = (journal_value){.kind = JOURNAL_NOTHING, .notes = JOURNAL_UNREADABLE};
    if (!equals)
        return true;
    out->notes = 0;
    size_t name_len = (size_t) (equals - payload.p);
    cn_span value = cn_span_sub(payload, name_len + 1, SIZE_MAX);
    if (!find_name(names, cn_span_sub(payload, 0, name_len), arena, &name))
        return false;
    if (!cn_text_is_plain(value) && (has_controls(value) || !cn_text_is_utf8(value)))
        out->notes |= JOURNAL_BINARY;
    if (copy && value.len) {
        char *p = cn_arena_copy(arena, value);
        if (!p)
            return false;
        value.p = (const uint8_t *) p;
    }
    if (name.known)
        known_name(&name, value, out);
    else
        own_name(&name, value, out);
    return true;
}
