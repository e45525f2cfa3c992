/* What programs say in their syslog lines, as patterns. sshd: OpenSSH's auth.c, packet.c, session.c
 * of versions 5 to 9.9 (which reports as sshd-session); PAM: Linux-PAM's pam_unix; the shadow
 * tools; su of util-linux and of shadow; cron and cronie; systemd-logind. */
#include "base/text.h"
#include "parse/parsers/syslog/syslog_pattern.h"

#define END                                                                                        \
    {                                                                                              \
        NULL, NULL, NULL, NULL                                                                     \
    }

static const cn_syslog_pattern sshd[] = {
    {"Failed {m} for invalid user {u} from {p} port {o} {P}", "syslog:ssh:failed_connection",
     "failure", NULL},
    {"Failed {m} for illegal user {u} from {p} port {o} {P}", "syslog:ssh:failed_connection",
     "failure", NULL},
    {"Failed {m} for invalid user {u} from {p} port {o} {P}: {k} {f}",
     "syslog:ssh:failed_connection", "failure", NULL},
    {"Failed {m} for {u} from {p} port {o} {P}", "syslog:ssh:failed_connection", "failure", NULL},
    {"Failed {m} for {u} from {p} port {o} {P}: {k} {f}", "syslog:ssh:failed_connection", "failure",
     NULL},
    {"Failed {m} for {u} from {p} port {o}", "syslog:ssh:failed_connection", "failure", NULL},
    {"Invalid user {u} from {p} port {o}", "syslog:ssh:invalid_user", "failure", NULL},
    {"Invalid user {u} from {p}", "syslog:ssh:invalid_user", "failure", NULL},
    {"Illegal user {u} from {p}", "syslog:ssh:invalid_user", "failure", NULL},
    {"Accepted {m} for {u} from {p} port {o} {P}", "syslog:ssh:login", "success", NULL},
    {"Accepted {m} for {u} from {p} port {o} {P}: {k} {f}", "syslog:ssh:login", "success", NULL},
    {"Accepted {m} for {u} from {p} port {o} {P}: {k} {f} ID {*}", "syslog:ssh:login", "success",
     NULL},
    {"Accepted {m} for {u} from {p} port {o} {P}: {k} ID {*}", "syslog:ssh:login", "success", NULL},
    {"Accepted {m} for {u} from {p} port {o}", "syslog:ssh:login", "success", NULL},
    {"Partial {m} for {u} from {p} port {o} {*}", "syslog:ssh:partial_authentication", NULL, NULL},
    {"Postponed {m} for {u} from {p} port {o} {*}", "syslog:ssh:postponed_authentication", NULL,
     NULL},
    {"Accepted key {k} {f} found at {*}", "syslog:ssh:accepted_key", NULL, NULL},
    {"Connection closed by authenticating user {v} port {o}", "syslog:ssh:disconnected", NULL,
     NULL},
    {"Connection closed by invalid user {v} port {o}", "syslog:ssh:disconnected", NULL, NULL},
    {"Connection closed by {p} port {o}", "syslog:ssh:disconnected", NULL, NULL},
    {"Connection closed by {p}", "syslog:ssh:disconnected", NULL, NULL},
    {"Connection reset by authenticating user {v} port {o}", "syslog:ssh:disconnected", NULL, NULL},
    {"Connection reset by invalid user {v} port {o}", "syslog:ssh:disconnected", NULL, NULL},
    {"Connection reset by {p} port {o}", "syslog:ssh:disconnected", NULL, NULL},
    {"Connection from {p} port {o} on {d} port {O}", "syslog:ssh:opened_connection", NULL, NULL},
    {"Connection from {p} port {o} on {d} port {O} rdomain {*}", "syslog:ssh:opened_connection",
     NULL, NULL},
    {"Connection from {p} port {o}", "syslog:ssh:opened_connection", NULL, NULL},
    {"Received disconnect from {p} port {o}:{*}: {r}", "syslog:ssh:disconnected", NULL, NULL},
    {"Received disconnect from {p}: {*}: {r}", "syslog:ssh:disconnected", NULL, NULL},
    {"Disconnected from user {v} port {o}", "syslog:ssh:disconnected", NULL, NULL},
    {"Disconnected from authenticating user {v} port {o}", "syslog:ssh:disconnected", NULL, NULL},
    {"Disconnected from invalid user {v} port {o}", "syslog:ssh:disconnected", NULL, NULL},
    {"Disconnected from {p} port {o}", "syslog:ssh:disconnected", NULL, NULL},
    {"Disconnecting invalid user {v} port {o}: {r}", "syslog:ssh:disconnected", NULL, NULL},
    {"Disconnecting authenticating user {v} port {o}: {r}", "syslog:ssh:disconnected", NULL, NULL},
    {"Disconnecting user {v} port {o}: {r}", "syslog:ssh:disconnected", NULL, NULL},
    {"Disconnecting: Too many authentication failures for invalid user {u} from {p} port {o} {P}",
     "syslog:ssh:too_many_attempts", "failure", NULL},
    {"Disconnecting: Too many authentication failures for {u}", "syslog:ssh:too_many_attempts",
     "failure", NULL},
    {"Disconnecting: {r}", "syslog:ssh:disconnected", NULL, NULL},
    {"maximum authentication attempts exceeded for invalid user {u} from {p} port {o} {P}",
     "syslog:ssh:too_many_attempts", "failure", NULL},
    {"maximum authentication attempts exceeded for {u} from {p} port {o} {P}",
     "syslog:ssh:too_many_attempts", "failure", NULL},
    {"User {u} from {p} not allowed because {r}", "syslog:ssh:refused_user", "failure", NULL},
    {"ROOT LOGIN REFUSED FROM {p} port {o}", "syslog:ssh:refused_user", "failure", NULL},
    {"PAM: Authentication failure for illegal user {u} from {p}", "syslog:ssh:failed_connection",
     "failure", NULL},
    {"PAM: Authentication failure for {u} from {p}", "syslog:ssh:failed_connection", "failure",
     NULL},
    {"PAM: {*} for {u} from {p}", "syslog:ssh:failed_connection", "failure", NULL},
    {"Did not receive identification string from {p} port {o}", "syslog:ssh:probe", NULL, NULL},
    {"Did not receive identification string from {p}", "syslog:ssh:probe", NULL, NULL},
    {"Bad protocol version identification {*} from {p} port {o}", "syslog:ssh:probe", NULL, NULL},
    {"banner exchange: Connection from {p} port {o}: {r}", "syslog:ssh:probe", NULL, NULL},
    {"Unable to negotiate with {p} port {o}: {r}", "syslog:ssh:probe", NULL, NULL},
    {"ssh_dispatch_run_fatal: Connection from {p} port {o}: {r}", "syslog:ssh:probe", NULL, NULL},
    {"Timeout before authentication for connection from {p} to {d}, pid = {N}",
     "syslog:ssh:timeout", NULL, NULL},
    {"Timeout before authentication for {p} port {o}", "syslog:ssh:timeout", NULL, NULL},
    {"drop connection {*} from [{p}]:{o} on {*}", "syslog:ssh:dropped", NULL, NULL},
    {"reverse mapping checking getaddrinfo for {*} [{p}] failed{*}", "syslog:ssh:reverse_mapping",
     NULL, NULL},
    {"Starting session: {r} for {u} from {p} port {o} id {s}", "syslog:ssh:session", NULL,
     "started"},
    {"Close session: user {u} from {p} port {o} id {s}", "syslog:ssh:session", NULL, "closed"},
    {"subsystem request for {r} by user {u}", "syslog:ssh:subsystem", NULL, NULL},
    {"Server listening on {d} port {O}.", "syslog:ssh:listening", NULL, NULL},
    {"Authentication refused: {r}", "syslog:ssh:refused_user", "failure", NULL},
    END};

static const cn_syslog_pattern pam[] = {
    {"authentication failure; logname={*} uid={i} euid={*} tty={t} ruser={*} rhost={p}  user={n}",
     "syslog:pam:auth_failure", "failure", NULL},
    {"authentication failure; logname={*} uid={i} euid={*} tty={t} ruser={*} rhost={p}",
     "syslog:pam:auth_failure", "failure", NULL},
    {"session opened for user {n}(uid={i}) by {b}(uid={*})", "syslog:pam:session_opened", "success",
     NULL},
    {"session opened for user {n} by {b}(uid={*})", "syslog:pam:session_opened", "success", NULL},
    {"session opened for user {n}", "syslog:pam:session_opened", "success", NULL},
    {"session closed for user {n}", "syslog:pam:session_closed", NULL, NULL},
    {"check pass; user unknown", "syslog:pam:auth_failure", "failure", NULL},
    {"password changed for {n}", "syslog:pam:password_changed", "success", NULL},
    {"account {n} has {r}", "syslog:pam:account", NULL, NULL},
    END};

static const cn_syslog_pattern pam_more[] = {
    {"PAM {*} more authentication failure; logname={*} uid={i} euid={*} tty={t} ruser={*} "
     "rhost={p}  user={n}",
     "syslog:pam:auth_failure", "failure", NULL},
    {"PAM {*} more authentication failures; logname={*} uid={i} euid={*} tty={t} ruser={*} "
     "rhost={p}  user={n}",
     "syslog:pam:auth_failure", "failure", NULL},
    {"PAM {*} more authentication failure{*} rhost={p}", "syslog:pam:auth_failure", "failure",
     NULL},
    END};

static const cn_syslog_pattern cron[] = {
    {"({n}) CMD ({c})", "syslog:cron:task_run", NULL, NULL},
    {"({n}) CMDEND ({c})", "syslog:cron:task_end", NULL, NULL},
    {"({n}) BEGIN EDIT ({U})", "syslog:cron:crontab", NULL, "begin edit"},
    {"({n}) END EDIT ({U})", "syslog:cron:crontab", NULL, "end edit"},
    {"({n}) REPLACE ({U})", "syslog:cron:crontab", NULL, "replace"},
    {"({n}) DELETE ({U})", "syslog:cron:crontab", NULL, "delete"},
    {"({n}) LIST ({U})", "syslog:cron:crontab", NULL, "list"},
    {"({n}) RELOAD ({*})", "syslog:cron:crontab", NULL, "reload"},
    END};

static const cn_syslog_pattern su[] = {
    {"Successful su for {U} by {n}", "syslog:su:switch", "success", NULL},
    {"FAILED su for {U} by {n}", "syslog:su:switch", "failure", NULL},
    {"(to {U}) {n} on {t}", "syslog:su:switch", "success", NULL},
    {"FAILED SU (to {U}) {n} on {t}", "syslog:su:switch", "failure", NULL},
    {"+ {t} {n}:{U}", "syslog:su:switch", "success", NULL},
    {"- {t} {n}:{U}", "syslog:su:switch", "failure", NULL},
    END};

static const cn_syslog_pattern accounts[] = {
    {"new user: name={n}, UID={i}, GID={g}, home={h}, shell={H}, from={t}",
     "syslog:useradd:new_user", NULL, NULL},
    {"new user: name={n}, UID={i}, GID={g}, home={h}, shell={H}", "syslog:useradd:new_user", NULL,
     NULL},
    {"failed adding user '{n}', {r}", "syslog:useradd:new_user", "failure", NULL},
    {"failed adding user '{n}'{*}", "syslog:useradd:new_user", "failure", NULL},
    {"new group: name={G}, GID={g}", "syslog:groupadd:new_group", NULL, NULL},
    {"group added to {*}: name={G}, GID={g}", "syslog:groupadd:new_group", NULL, NULL},
    {"group added to {*}: name={G}", "syslog:groupadd:new_group", NULL, NULL},
    {"add '{n}' to group '{G}'", "syslog:usermod:add_to_group", NULL, NULL},
    {"add '{n}' to shadow group '{G}'", "syslog:usermod:add_to_group", NULL, NULL},
    {"user {n} added by {b} to group {G}", "syslog:usermod:add_to_group", NULL, NULL},
    {"members of group {G} set by {b} to {n}", "syslog:usermod:add_to_group", NULL, NULL},
    {"user {n} removed by {b} from group {G}", "syslog:usermod:remove_from_group", NULL, NULL},
    {"delete '{n}' from group '{G}'", "syslog:usermod:remove_from_group", NULL, NULL},
    {"delete '{n}' from shadow group '{G}'", "syslog:usermod:remove_from_group", NULL, NULL},
    {"delete user '{n}'", "syslog:userdel:delete_user", NULL, NULL},
    {"removed group '{G}' owned by '{n}'", "syslog:groupdel:delete_group", NULL, NULL},
    {"removed shadow group '{G}' owned by '{n}'", "syslog:groupdel:delete_group", NULL, NULL},
    {"group '{G}' removed{*}", "syslog:groupdel:delete_group", NULL, NULL},
    {"change user name '{n}' to '{U}'", "syslog:usermod:change_user", NULL, "name"},
    {"change user '{n}' {r}", "syslog:usermod:change_user", NULL, NULL},
    {"lock user '{n}' password", "syslog:usermod:change_user", NULL, "lock"},
    {"unlock user '{n}' password", "syslog:usermod:change_user", NULL, "unlock"},
    {"password for '{n}' changed by '{b}'", "syslog:passwd:changed", NULL, NULL},
    {"password for {n} changed by {b}", "syslog:passwd:changed", NULL, NULL},
    {"changed password expiry for {n}", "syslog:chage:changed", NULL, NULL},
    {"changed user '{n}' {r}", "syslog:usermod:change_user", NULL, NULL},
    END};

static const cn_syslog_pattern logind[] = {
    {"New session {s} of user {n}.", "syslog:logind:new_session", NULL, NULL},
    {"New session '{s}' of user '{n}' with class {*}", "syslog:logind:new_session", NULL, NULL},
    {"Removed session {s}.", "syslog:logind:removed_session", NULL, NULL},
    {"Session {s} logged out. Waiting for processes to exit.", "syslog:logind:logged_out", NULL,
     NULL},
    {"System is {r}.", "syslog:logind:system", NULL, NULL},
    {"Power key pressed{*}", "syslog:logind:system", NULL, "power key"},
    {"The system will {r}", "syslog:logind:system", NULL, NULL},
    END};

#define REPORTER(text, list)                                                                       \
    {                                                                                              \
        sizeof(text) - 1, text, list                                                               \
    }
static const struct {
    size_t len;
    const char *reporter;
    const cn_syslog_pattern *patterns;
} reporters[] = {
    REPORTER("sshd", sshd),         REPORTER("sshd-session", sshd),
    REPORTER("sshd-auth", sshd),    REPORTER("CRON", cron),
    REPORTER("cron", cron),         REPORTER("crond", cron),
    REPORTER("crontab", cron),      REPORTER("su", su),
    REPORTER("useradd", accounts),  REPORTER("usermod", accounts),
    REPORTER("userdel", accounts),  REPORTER("groupadd", accounts),
    REPORTER("groupdel", accounts), REPORTER("groupmod", accounts),
    REPORTER("passwd", accounts),   REPORTER("chpasswd", accounts),
    REPORTER("gpasswd", accounts),  REPORTER("chage", accounts),
    REPORTER("adduser", accounts),  REPORTER("chsh", accounts),
    REPORTER("newusers", accounts), REPORTER("systemd-logind", logind),
};

/* pam_NAME(SERVICE:TYPE): REST */
static bool type_pam(cn_span body, cn_record *r)
{
    size_t open = cn_text_find(body, "("), close = cn_text_find(body, "): ");
    if (open == SIZE_MAX || close == SIZE_MAX || close < open)
        return false;
    cn_span service = cn_span_sub(body, open + 1, close - open - 1);
    if (!cn_syslog_match(pam, cn_span_sub(body, close + 3, body.len), r))
        return false;
    cn_record_named(r, CN_SPAN_LIT("pam_service"), cn_text_until(&service, ':'));
    return true;
}

static cn_span without(cn_span s, const char *prefix, const char *suffix)
{
    if (prefix && cn_span_starts(s, prefix))
        s = cn_span_sub(s, strlen(prefix), s.len);
    if (suffix && cn_span_ends(s, suffix))
        s.len -= strlen(suffix);
    return s;
}

void cn_syslog_type(cn_span reporter, cn_span body, cn_record *r)
{
    for (size_t i = reporter.len; i > 0; i--)
        if (reporter.p[i - 1] == '/') { /* /usr/sbin/cron */
            reporter = cn_span_sub(reporter, i, reporter.len);
            break;
        }
    if (reporter.len == 0 || body.len == 0)
        return;
    if (cn_span_starts(body, "pam_") && type_pam(body, r))
        return;
    if (cn_span_is(reporter, "kernel")) {
        (void) cn_syslog_kernel(body, r);
        return;
    }
    if (cn_span_is(reporter, "sudo")) {
        (void) cn_syslog_sudo(body, r);
        return;
    }
    for (size_t i = 0; i < CN_LEN(reporters); i++)
        if (reporter.len == reporters[i].len &&
            memcmp(reporter.p, reporters[i].reporter, reporter.len) == 0) {
            if (reporters[i].patterns == sshd) {
                body = without(without(body, "error: ", " [preauth]"), "fatal: ", NULL);
                if (cn_span_starts(body, "PAM ") && cn_syslog_match(pam_more, body, r))
                    return;
            }
            (void) cn_syslog_match(reporters[i].patterns, body, r);
            return;
        }
}
