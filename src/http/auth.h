/* Who may ask: the token, the Host header, the Origin. */
#pragma once

#include "base/err.h"

#define CN_TOKEN_TEXT 33 /* 128 bits in hexadecimal, and a NUL */

typedef struct cn_auth {
    char token[CN_TOKEN_TEXT];
    char cookie_name[24]; /* "cairn_PORT": cookies do not know ports */
} cn_auth;

/* Draws a token. */
int cn_auth_init(cn_auth *auth, uint16_t port, cn_err *err) CN_MUST_USE;
/* Compares in the same time whatever differs. */
bool cn_auth_is_token(const cn_auth *auth, cn_span token);
/* The values of the headers Authorization and Cookie; either may be NULL. */
bool cn_auth_allows(const cn_auth *auth, const char *authorization, const char *cookie);
/* Whether a Host header names this machine's loopback (any port: tunnels change it), so that a
 * foreign name that was made to lead here (DNS rebinding) does not get an answer. */
bool cn_auth_host_is_ours(const char *host);
/* Whether a request comes from our own page or from no page: Origin and Sec-Fetch-Site, which may
 * be NULL. */
bool cn_auth_origin_is_ours(const char *origin, const char *fetch_site, const char *host);
