#include "utmp_event.h"

#include "base/text.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>

enum { FIELDS_MAX = 16 };

static void make_octets(utmp_octets *o)
{
    for (unsigned i = 0; i < 256; i++) {
        char text[8];
        o->len[i] = (uint8_t) snprintf(text, sizeof text, "%u.", i);
        memcpy(o->text[i], text, sizeof o->text[i]);
    }
}

/* At most 15 bytes, no NUL; writes up to 19. Most records have such an address, and printf would
 * take longer than all the rest of the record. */
static cn_span put_ipv4(const utmp_octets *o, uint32_t address, char *out)
{
    size_t n = 0;
    for (int shift = 24; shift >= 0; shift -= 8) {
        uint32_t octet = address >> shift & 255;
        memcpy(out + n, o->text[octet], sizeof o->text[octet]);
        n += o->len[octet];
    }
    return cn_span_of(out, n - 1);
}

/* The address as text: of the address field, else of a host that is one. */
static cn_span address_text(const utmp_octets *o, const utmp_record *rec, char *out,
                            size_t out_size)
{
    cn_cur c = cn_cur_of(rec->address, 0);
    uint64_t high = cn_cur_be64(&c), low = cn_cur_be64(&c);
    if (high == 0 && low == 0)
        return cn_text_is_address(rec->host) ? rec->host : (cn_span){NULL, 0};
    bool mapped = high == 0 && low >> 32 == 0xffff;
    uint32_t v4 = mapped ? (uint32_t) low : (uint32_t) (high >> 32);
    if (mapped || (low == 0 && (uint32_t) high == 0))
        return put_ipv4(o, v4, out);
    inet_ntop(AF_INET6, rec->address.p, out, (socklen_t) out_size);
    return cn_span_str(out);
}

static bool host_is_kernel(const utmp_record *rec)
{
    return (rec->type == UTMP_BOOT || rec->type == UTMP_RUN_LEVEL) && rec->host.len &&
           cn_is_digit(*rec->host.p) && !cn_text_is_address(rec->host);
}

static void put_part(cn_buf *b, cn_span before, cn_span value)
{
    if (value.len == 0)
        return;
    cn_buf_bytes(b, before);
    cn_buf_bytes(b, value);
}

static void put_run_level(cn_buf *b, const utmp_record *rec)
{
    unsigned level = (unsigned) rec->pid & 255, previous = (unsigned) rec->pid >> 8 & 255;
    if (cn_span_is(rec->user, "shutdown")) {
        cn_buf_bytes(b, CN_SPAN_LIT("System shutdown"));
        return;
    }
    cn_buf_bytes(b, CN_SPAN_LIT("Run level"));
    if (level >= '0' && level <= 'z') {
        cn_buf_bytes(b, CN_SPAN_LIT(" changed to "));
        cn_buf_char(b, (char) level);
    }
    if (previous >= '0' && previous <= 'z') {
        cn_buf_bytes(b, CN_SPAN_LIT(" from "));
        cn_buf_char(b, (char) previous);
    }
}

/* "alice logged in on pts/0 from 10.0.0.5", "System boot, kernel 6.1.0-26-amd64", ... */
static cn_span make_message(utmp_writer *w, const utmp_record *rec, cn_span host)
{
    static const cn_span of_nobody[UTMP_TYPES] = {
        CN_SPAN_LIT("Empty record"),
        CN_SPAN_LIT("Run level changed"),
        CN_SPAN_LIT("System boot"),
        CN_SPAN_LIT("Clock after it was set"),
        CN_SPAN_LIT("Clock before it was set"),
        CN_SPAN_LIT("Init process"),
        CN_SPAN_LIT("Login prompt"),
        CN_SPAN_LIT("Login"),
        CN_SPAN_LIT("Logout"),
        CN_SPAN_LIT("Accounting"),
    };
    cn_buf *b = &w->message;
    cn_buf_clear(b);
    if (w->failed_logins && rec->type >= UTMP_INIT) {
        cn_buf_bytes(b, CN_SPAN_LIT("Failed login"));
        put_part(b, CN_SPAN_LIT(" as "), rec->user);
    } else if (rec->type == UTMP_RUN_LEVEL) {
        put_run_level(b, rec);
    } else if ((rec->type == UTMP_USER || rec->type == UTMP_DEAD) && rec->user.len) {
        cn_buf_bytes(b, rec->user);
        cn_buf_bytes(b, rec->type == UTMP_USER ? CN_SPAN_LIT(" logged in")
                                               : CN_SPAN_LIT(" logged out"));
    } else {
        cn_buf_bytes(b, of_nobody[rec->type]);
    }
    bool at_terminal = rec->type != UTMP_BOOT && rec->type != UTMP_RUN_LEVEL;
    if (at_terminal && rec->line.len && cn_is_alpha(*rec->line.p))
        put_part(b, CN_SPAN_LIT(" on "), rec->line);
    put_part(b, host_is_kernel(rec) ? CN_SPAN_LIT(", kernel ") : CN_SPAN_LIT(" from "), host);
    return cn_buf_span(b);
}

typedef struct field_list {
    cn_field items[FIELDS_MAX];
    size_t n;
} field_list;

/* Fields are written where they stay: a copy of each would cost more than reading it. */
static inline cn_field *add(field_list *l, cn_field_id id, cn_type type)
{
    cn_field *f = &l->items[l->n++];
    f->id = id;
    f->type = type;
    f->name = (cn_span){NULL, 0};
    f->text = (cn_span){NULL, 0};
    f->num = 0;
    return f;
}

static inline void add_text(field_list *l, cn_field_id id, cn_span value)
{
    if (value.len)
        add(l, id, cn_vocabulary[id].type)->text = value;
}

static inline void add_int(field_list *l, cn_field_id id, int64_t value)
{
    add(l, id, cn_vocabulary[id].type)->num = value;
}

static inline void add_named(field_list *l, cn_span name, cn_span value)
{
    if (value.len == 0)
        return;
    cn_field *f = add(l, CN_F_DYNAMIC, CN_TEXT);
    f->name = name;
    f->text = value;
}

static cn_span put_decimal(uint64_t value, char out[24])
{
    char *end = out + 24, *p = end;
    do
        *--p = (char) ('0' + value % 10);
    while (value /= 10);
    return cn_span_of(p, (size_t) (end - p));
}

static void add_facts(utmp_writer *w, const utmp_record *rec, field_list *l)
{
    static const cn_span types[UTMP_TYPES] = {
        CN_SPAN_LIT("EMPTY"),         CN_SPAN_LIT("RUN_LVL"),      CN_SPAN_LIT("BOOT_TIME"),
        CN_SPAN_LIT("NEW_TIME"),      CN_SPAN_LIT("OLD_TIME"),     CN_SPAN_LIT("INIT_PROCESS"),
        CN_SPAN_LIT("LOGIN_PROCESS"), CN_SPAN_LIT("USER_PROCESS"), CN_SPAN_LIT("DEAD_PROCESS"),
        CN_SPAN_LIT("ACCOUNTING"),
    };
    add_text(l, CN_F_hostname, w->job->file->hostname);
    add_text(l, CN_F_username, rec->user);
    add_text(l, CN_F_terminal, rec->line);
    if (rec->pid > 0 && rec->type != UTMP_RUN_LEVEL)
        add_int(l, CN_F_pid, rec->pid);
    add_text(l, CN_F_login_type, types[rec->type]);
    if (rec->type == UTMP_DEAD) {
        add_int(l, CN_F_exit_status, rec->exit_status);
        if (rec->termination) {
            snprintf(w->termination, sizeof w->termination, "%d", rec->termination);
            add_named(l, CN_SPAN_LIT("termination_status"), cn_span_str(w->termination));
        }
    }
    if (rec->session > 0) {
        add_text(l, CN_F_session_id, put_decimal((uint64_t) rec->session, w->session));
    }
    add_named(l, CN_SPAN_LIT("terminal_id"), rec->id);
    if (w->failed_logins && rec->type >= UTMP_INIT)
        add_text(l, CN_F_outcome, CN_SPAN_LIT("failure"));
    else if (rec->type == UTMP_USER)
        add_text(l, CN_F_outcome, CN_SPAN_LIT("success"));
}

/* The record's time. Microseconds out of range leave the seconds as they are, and are noted; so is
 * a time that does not fit. */
static bool read_time(const utmp_record *rec, int64_t *out_ns, char *note, size_t note_size)
{
    bool micro = rec->microseconds >= 0 && rec->microseconds <= 999999;
    uint32_t ns = micro ? (uint32_t) rec->microseconds * 1000u : 0;
    if (!micro)
        snprintf(note, note_size, "microseconds out of range: %" PRId64, rec->microseconds);
    if (rec->seconds == 0)
        return false;
    if (cn_time_from_unix(rec->seconds, ns, out_ns))
        return true;
    snprintf(note, note_size, "time out of range: %" PRId64 " seconds since 1970", rec->seconds);
    return false;
}

int utmp_writer_emit(utmp_writer *w, const utmp_record *rec, uint64_t offset, uint32_t length)
{
    char address[INET6_ADDRSTRLEN], note[96];
    cn_span ip = address_text(&w->octets, rec, address, sizeof address);
    field_list l;
    l.n = 0;
    cn_event event = {.desc = CN_DESC_MODIFICATION, .data_type = "linux:utmp:event"};
    add_facts(w, rec, &l);
    if (host_is_kernel(rec))
        add_text(&l, CN_F_kernel_version, rec->host);
    else if (!cn_span_eq(rec->host, ip))
        add_text(&l, CN_F_source_host, rec->host);
    add_text(&l, CN_F_source_ip, ip);
    *note = '\0';
    event.has_time = read_time(rec, &event.time_ns, note, sizeof note);
    if (!event.has_time)
        event.desc = CN_DESC_NOT_A_TIME;
    if (*note)
        add_text(&l, CN_F_time_note, cn_span_str(note));
    if (rec->padding || rec->unused)
        add_text(&l, CN_F_evidence_note, CN_SPAN_LIT("damaged: bytes that are never used are set"));
    event.message = make_message(w, rec, rec->host.len ? rec->host : ip);
    event.offset = offset;
    event.length = length;
    event.fields = l.items;
    event.n_fields = l.n;
    return cn_emit(w->job, &event);
}

void utmp_writer_open(utmp_writer *w, cn_parse_job *job)
{
    w->job = job;
    w->failed_logins = cn_span_starts(job->file->name, "btmp");
    w->message = cn_buf_of(CN_KIB(4));
    make_octets(&w->octets);
}

void utmp_writer_close(utmp_writer *w) { cn_buf_free(&w->message); }
