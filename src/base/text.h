/* Small questions about text in evidence. All of it is bytes: nothing here needs or adds a NUL. */
#pragma once

#include "base/buf.h"

static inline bool cn_is_digit(uint8_t c) { return c >= '0' && c <= '9'; }
static inline bool cn_is_alpha(uint8_t c) { return (c | 32) >= 'a' && (c | 32) <= 'z'; }
static inline uint8_t cn_lower(uint8_t c) { return c >= 'A' && c <= 'Z' ? (uint8_t) (c + 32) : c; }

/* Without blanks, tabs, CR, LF and NUL at both ends. */
cn_span cn_text_trim(cn_span s);
/* The whole span as a decimal number; false on anything else, empty or overflow. */
CN_MUST_USE bool cn_text_u64(cn_span s, uint64_t *out);
CN_MUST_USE bool cn_text_i64(cn_span s, int64_t *out);
/* The part before the first `c`, which with it is taken off *s. Without `c`: all of it, and *s
 * becomes empty. */
cn_span cn_text_until(cn_span *s, char c);
/* Where `needle` begins in `s`; SIZE_MAX where it is not in it. */
size_t cn_text_find(cn_span s, const char *needle);
/* True where all of it is ASCII without controls (DEL counts as none). */
bool cn_text_is_plain(cn_span s);
/* True where all of it is an IPv4 or IPv6 address, as inet_pton(3) takes it. */
bool cn_text_is_address(cn_span s);
/* True where all of it is well-formed UTF-8 (no surrogates, no overlong forms, up to U+10FFFF). */
bool cn_text_is_utf8(cn_span s);
/* Appends s as well-formed UTF-8: each byte that is not part of such a sequence becomes U+FFFD. */
void cn_text_put_utf8(cn_buf *out, cn_span s);
/* Appends s as the inside of a JSON string (no quotes): escapes `"`, `\` and controls, mends UTF-8
 * as above. */
void cn_text_put_json(cn_buf *out, cn_span s);
/* Lower-case hexadecimal. */
void cn_text_put_hex(cn_buf *out, cn_span s);
/* `*` any run, `?` any byte, `/` is nothing special; compares bytes. For path patterns of ours, not
 * of evidence. */
bool cn_text_glob(const char *pattern, cn_span s);
