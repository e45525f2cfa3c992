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

/* The value of " KEY=", up to the next blank. */
static cn_span value_of(cn_span body, const char *key)
{
    size_t at = cn_text_find(body, key);
    if (at == SIZE_MAX)
        return (cn_span){NULL, 0};
    cn_span rest = cn_span_sub(body, at + strlen(key), body.len);
    return cn_text_until(&rest, ' ');
}

/* What the rule's prefix says: "[UFW BLOCK] IN=", "DROP: IN=" */
static cn_span prefix_of(cn_span body)
{
    cn_span p = cn_text_trim(cn_span_sub(body, 0, cn_text_find(body, "IN=")));
    while (p.len && (p.p[p.len - 1] == ':' || p.p[p.len - 1] == ']'))
        p.len--;
    if (p.len && *p.p == '[')
        p = cn_span_sub(p, 1, p.len);
    return p;
}

static void firewall(cn_span body, cn_record *r)
{
    r->event.data_type = "syslog:kernel:firewall";
    cn_record_text(r, CN_F_action, prefix_of(body));
    cn_span rest = cn_span_sub(body, cn_text_find(body, "IN="), body.len);
    static const struct {
        const char *key;
        cn_field_id id;
        const char *name;
        bool number;
    } keys[] = {
        {"IN", CN_F_DYNAMIC, "interface_in", false}, {"OUT", CN_F_DYNAMIC, "interface_out", false},
        {"SRC", CN_F_source_ip, NULL, false},        {"DST", CN_F_destination_ip, NULL, false},
        {"SPT", CN_F_source_port, NULL, true},       {"DPT", CN_F_destination_port, NULL, true},
        {"PROTO", CN_F_protocol, NULL, false},
    };
    while (rest.len) {
        cn_span value = cn_text_until(&rest, ' '), key = cn_text_until(&value, '=');
        for (size_t i = 0; i < CN_LEN(keys) && value.len; i++)
            if (cn_span_is(key, keys[i].key)) {
                if (keys[i].name)
                    cn_record_named(r, cn_span_str(keys[i].name), value);
                else if (keys[i].number)
                    cn_record_digits(r, keys[i].id, value);
                else
                    cn_record_text(r, keys[i].id, value);
            }
    }
}

bool cn_syslog_kernel(cn_span body, cn_record *r)
{
    /* the time since the start: "[  316.559919] " */
    if (*body.p == '[') {
        size_t at = cn_text_find(cn_span_sub(body, 0, 32), "] ");
        if (at != SIZE_MAX)
            body = cn_span_sub(body, at + 2, body.len);
    }
    size_t in = cn_text_find(cn_span_sub(body, 0, 128), "IN=");
    if (in != SIZE_MAX && value_of(body, " SRC=").len && value_of(body, " DST=").len) {
        firewall(body, r);
        return true;
    }
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
