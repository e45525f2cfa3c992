/* Lines of the kernel and of sudo. */
#include "base/text.h"
#include "parse/parsers/syslog/syslog_pattern.h"

static const cn_syslog_pattern kernel[] = {
    {"Linux version {V} {*}", "syslog:kernel:boot", NULL, NULL},
    {"Command line: {c}", "syslog:kernel:command_line", NULL, NULL},
    {"Out of memory: Killed process {N} ({C}) {*}", "syslog:kernel:out_of_memory", NULL, NULL},
    {"Out of memory: Kill process {N} ({C}) {*}", "syslog:kernel:out_of_memory", NULL, NULL},
    {"device {*} entered promiscuous mode", "syslog:kernel:promiscuous", NULL, "entered"},
    {"device {*} left promiscuous mode", "syslog:kernel:promiscuous", NULL, "left"},
    {"usb {*}: New USB device found, {r}", "syslog:kernel:usb_device", NULL, "found"},
    {"usb {*}: Product: {r}", "syslog:kernel:usb_device", NULL, "product"},
    {"usb {*}: SerialNumber: {r}", "syslog:kernel:usb_device", NULL, "serial number"},
    {"usb {*}: USB disconnect, {r}", "syslog:kernel:usb_device", NULL, "disconnected"},
    {"{C}: loading out-of-tree module taints kernel.", "syslog:kernel:module", NULL, NULL},
    {"{C}: module verification failed: {r}", "syslog:kernel:module", NULL, NULL},
    {"{C}[{N}]: segfault at {*}", "syslog:kernel:segfault", NULL, NULL},
    {NULL, NULL, NULL, NULL}};

/* What the rule's prefix says: "[UFW BLOCK] IN=", "DROP: IN=" */
static cn_span prefix_of(cn_span p)
{
    p = cn_text_trim(p);
    while (p.len && (p.p[p.len - 1] == ':' || p.p[p.len - 1] == ']'))
        p.len--;
    if (p.len && *p.p == '[')
        p = cn_span_sub(p, 1, p.len);
    return p;
}

typedef struct filter_line {
    cn_span in, out, source, destination, source_port, destination_port, protocol;
} filter_line;

static cn_span *slot_of(filter_line *f, cn_span key)
{
    switch (key.len) {
    case 2:
        return cn_span_is(key, "IN") ? &f->in : NULL;
    case 3:
        if (key.p[0] == 'S')
            return cn_span_is(key, "SRC")   ? &f->source
                   : cn_span_is(key, "SPT") ? &f->source_port
                                            : NULL;
        if (key.p[0] == 'D')
            return cn_span_is(key, "DST")   ? &f->destination
                   : cn_span_is(key, "DPT") ? &f->destination_port
                                            : NULL;
        return cn_span_is(key, "OUT") ? &f->out : NULL;
    case 5:
        return cn_span_is(key, "PROTO") ? &f->protocol : NULL;
    default:
        return NULL;
    }
}

/* A line of the packet filter, from its "IN=" on. An ICMP error quotes another packet in brackets,
 * whose values are not this one's. */
static bool firewall(cn_span prefix, cn_span rest, cn_record *r)
{
    filter_line f = {.in = {NULL, 0}};
    while (rest.len && *rest.p != '[') {
        cn_span value = cn_text_until(&rest, ' ');
        const uint8_t *equals = value.len ? memchr(value.p, '=', CN_MIN(value.len, 8u)) : NULL;
        if (!equals)
            continue;
        size_t n = (size_t) (equals - value.p);
        cn_span *slot = slot_of(&f, cn_span_of(value.p, n));
        if (slot)
            *slot = cn_span_sub(value, n + 1, value.len);
    }
    if (!f.source.len || !f.destination.len)
        return false;
    r->event.data_type = "syslog:kernel:firewall";
    cn_record_text(r, CN_F_action, prefix_of(prefix));
    cn_record_named(r, CN_SPAN_LIT("interface_in"), f.in);
    cn_record_named(r, CN_SPAN_LIT("interface_out"), f.out);
    cn_record_text(r, CN_F_source_ip, f.source);
    cn_record_text(r, CN_F_destination_ip, f.destination);
    cn_record_digits(r, CN_F_source_port, f.source_port);
    cn_record_digits(r, CN_F_destination_port, f.destination_port);
    cn_record_text(r, CN_F_protocol, f.protocol);
    return true;
}

bool cn_syslog_kernel(cn_span body, cn_record *r)
{
    /* the time since the start: "[  316.559919] " */
    if (*body.p == '[' && body.len > 2 && (body.p[1] == ' ' || cn_is_digit(body.p[1]))) {
        const uint8_t *close = memchr(body.p, ']', CN_MIN(body.len, 32u));
        if (close)
            body = cn_span_sub(body, (size_t) (close - body.p) + 2, body.len);
    }
    size_t in = cn_text_find(cn_span_sub(body, 0, 128), "IN=");
    if (in != SIZE_MAX && firewall(cn_span_sub(body, 0, in), cn_span_sub(body, in, body.len), r))
        return true;
    return cn_syslog_match(kernel, body, r);
}

bool cn_syslog_sudo(cn_span body, cn_record *r)
{
    size_t colon = cn_text_find(body, " : ");
    cn_span user = cn_text_trim(cn_span_sub(body, 0, colon));
    if (colon == SIZE_MAX || user.len == 0)
        return false;
    cn_span rest = cn_span_sub(body, colon + 3, body.len), reason = {NULL, 0}, command = {NULL, 0},
            tty = {NULL, 0}, pwd = {NULL, 0}, as = {NULL, 0}, group = {NULL, 0};
    while (rest.len) {
        if (cn_span_starts(rest, "COMMAND=")) {
            command = cn_span_sub(rest, 8, rest.len);
            break;
        }
        size_t end = cn_text_find(rest, " ; ");
        cn_span part = cn_text_trim(cn_span_sub(rest, 0, end));
        rest = end == SIZE_MAX ? (cn_span){NULL, 0} : cn_span_sub(rest, end + 3, rest.len);
        if (cn_span_starts(part, "TTY="))
            tty = cn_span_sub(part, 4, part.len);
        else if (cn_span_starts(part, "PWD="))
            pwd = cn_span_sub(part, 4, part.len);
        else if (cn_span_starts(part, "USER="))
            as = cn_span_sub(part, 5, part.len);
        else if (cn_span_starts(part, "GROUP="))
            group = cn_span_sub(part, 6, part.len);
        else if (reason.len == 0 && !memchr(part.p, '=', part.len))
            reason = part;
    }
    if (tty.len == 0 && command.len == 0)
        return false;
    r->event.data_type = "syslog:sudo:command";
    cn_record_text(r, CN_F_username, user);
    cn_record_text(r, CN_F_target_username, as);
    cn_record_text(r, CN_F_group_name, group);
    cn_record_text(r, CN_F_terminal, tty);
    cn_record_text(r, CN_F_working_directory, pwd);
    cn_record_text(r, CN_F_command, command);
    cn_record_text(r, CN_F_outcome, cn_span_str(reason.len ? "failure" : "success"));
    cn_record_named(r, CN_SPAN_LIT("reason"), reason);
    return true;
}
