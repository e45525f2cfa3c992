/* Values of the audit log. */
#pragma once

#include "base/arena.h"
#include "event/event.h"

/* KEY=VALUE at the beginning of *s, which moves behind it and what separates it from the next. Quotes
 * and apostrophes around a value are taken off; *out_quoted says whether there were some. A word
 * without '=' gives an empty key and the word as value. False at the end. */
bool cn_audit_next(cn_span *s, cn_span *out_key, cn_span *out_value, bool *out_quoted);
/* What is known of a key. */
typedef struct cn_audit_key {
    uint8_t len;
    const char *text;
    cn_field_id field; /* the vocabulary's; CN_F_DYNAMIC: named by the key itself */
    enum {
        CN_AUDIT_PLAIN,
        CN_AUDIT_UNTRUSTED, /* in hexadecimal where it holds blanks, quotes or controls
                               (audit_log_untrustedstring) */
        CN_AUDIT_OUTCOME,
        CN_AUDIT_ADDRESS,
        CN_AUDIT_HOST,
        CN_AUDIT_SOCKET,
        CN_AUDIT_PAIRS /* msg='...' */
    } kind;
} cn_audit_key;

/* NULL where nothing is. */
const cn_audit_key *cn_audit_find_key(cn_span key);
/* The bytes of a value in hexadecimal, NULs as blanks, in the arena; the value itself where it is none.
 */
cn_span cn_audit_decode(cn_arena *arena, cn_span value);
/* The address and port (or path) of a socket address in hexadecimal, as a sockaddr of Linux: family
 * 1 unix, 2 IPv4, 10 IPv6. Empty where it is another. */
void cn_audit_socket(cn_arena *arena, cn_span value, cn_span *out_address, cn_span *out_port);
/* "?", "(null)", "(none)", "4294967295" of ids and sessions, "unset": no value. */
bool cn_audit_is_unset(cn_span key, cn_span value);
