/* Accounts: passwd(5), shadow(5), group(5). Password hashes are not kept, only whether there is one. */
#include "job/hostfacts_internal.h"

enum { COLUMNS_MAX = 7 };

/* The columns of a line, at most n of them; how many there are. */
static size_t split(cn_span line, cn_span *columns, size_t n)
{
    size_t i = 0;
    while (i < n) {
        const uint8_t *colon = line.len ? memchr(line.p, ':', line.len) : NULL;
        columns[i++] = cn_text_until(&line, ':');
        if (!colon)
            break;
    }
    return i;
}

/* A hash that is none: "*", "!", "!!" (never set) and those with "!" in front (locked). */
static const char *password_state(cn_span hash)
{
    if (hash.len == 0)
        return "empty";
    return *hash.p == '!' || *hash.p == '*' ? "locked" : "set";
}

/* The state of a user's password by a copy of the shadow file; NULL where it does not say. */
static const char *shadow_state(cn_span shadow, cn_span user)
{
    cn_span line, columns[2];
    while (cn_hf_line(&shadow, &line))
        if (split(line, columns, 2) == 2 && cn_span_eq(columns[0], user))
            return password_state(columns[1]);
    return NULL;
}

static bool can_log_in(cn_span shell)
{
    return !cn_span_ends(shell, "/nologin") && !cn_span_ends(shell, "/false") &&
           !cn_span_ends(shell, "/sync") && !cn_span_ends(shell, "/halt") &&
           !cn_span_ends(shell, "/shutdown");
}

static void add_user(cn_hf *hf, const cn_span *column, cn_span shadow, const cn_hf_file *source)
{
    uint64_t uid;
    cn_span user = column[0], shell = cn_text_trim(column[6]);
    if (!cn_text_u64(column[2], &uid) || user.len == 0)
        return;
    const char *state = shadow.len ? shadow_state(shadow, user) : NULL;
    if (!state && !cn_span_is(column[1], "x"))
        state = password_state(column[1]);
    CN_CLEANUP(cn_buf_free) cn_buf b = cn_buf_of(CN_KIB(64));
    cn_buf_bytes(&b, user);
    cn_buf_printf(&b, " uid=%llu gid=", (unsigned long long) uid);
    cn_buf_bytes(&b, column[3]);
    cn_buf_str(&b, " home=");
    cn_buf_bytes(&b, column[5]);
    cn_buf_str(&b, " shell=");
    cn_buf_bytes(&b, shell.len ? shell : CN_SPAN_LIT("/bin/sh"));
    if (state)
        cn_buf_printf(&b, " password=%s", state);
    cn_hf_add(hf, can_log_in(shell) ? "user" : "system_account", cn_buf_span(&b), source);
}

static void add_admins(cn_hf *hf)
{
    cn_hf_file f;
    cn_span line, columns[4];
    if (!cn_hf_read(hf, "/etc/group", CN_HF_TEXT_BYTES, &f))
        return;
    for (cn_span text = f.bytes; cn_hf_line(&text, &line);) {
        if (split(cn_text_trim(line), columns, 4) < 4 ||
            (!cn_span_is(columns[0], "sudo") && !cn_span_is(columns[0], "wheel") &&
             !cn_span_is(columns[0], "admin")))
            continue;
        while (columns[3].len)
            cn_hf_add(hf, "admin", cn_text_until(&columns[3], ','), &f);
    }
}

void cn_hf_users(cn_hf *hf)
{
    cn_hf_file f;
    CN_CLEANUP(cn_buf_free) cn_buf shadow = cn_buf_of(CN_HF_TEXT_BYTES);
    cn_span line, columns[COLUMNS_MAX];
    if (cn_hf_read(hf, "/etc/shadow", CN_HF_TEXT_BYTES, &f))
        cn_buf_bytes(&shadow, f.bytes);
    if (cn_hf_read(hf, "/etc/passwd", CN_HF_TEXT_BYTES, &f))
        for (cn_span text = f.bytes; cn_hf_line(&text, &line) && cn_hf_goes_on(hf);)
            if (split(line, columns, COLUMNS_MAX) == COLUMNS_MAX)
                add_user(hf, columns, cn_buf_span(&shadow), &f);
    add_admins(hf);
}
