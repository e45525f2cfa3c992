#include "http/auth.h"

#include "base/text.h"

#include <sodium.h>
#include <stdio.h>

int cn_auth_init(cn_auth *auth, uint16_t port, cn_err *err)
{
    uint8_t bytes[(CN_TOKEN_TEXT - 1) / 2];
    if (sodium_init() < 0)
        return cn_fail(err, CN_E_IO, CN_NO_OFFSET, "libsodium cannot be set up");
    randombytes_buf(bytes, sizeof bytes);
    sodium_bin2hex(auth->token, sizeof auth->token, bytes, sizeof bytes);
    snprintf(auth->cookie_name, sizeof auth->cookie_name, "cairn_%u", port);
    return CN_OK;
}

bool cn_auth_is_token(const cn_auth *auth, cn_span token)
{
    return token.len == CN_TOKEN_TEXT - 1 &&
           sodium_memcmp(token.p, auth->token, CN_TOKEN_TEXT - 1) == 0;
}

static bool cookie_allows(const cn_auth *auth, cn_span cookies)
{
    while (cookies.len) {
        cn_span value = cn_text_trim(cn_text_until(&cookies, ';'));
        cn_span name = cn_text_until(&value, '=');
        if (cn_span_is(name, auth->cookie_name) && cn_auth_is_token(auth, value))
            return true;
    }
    return false;
}

bool cn_auth_allows(const cn_auth *auth, const char *authorization, const char *cookie)
{
    cn_span bearer = cn_span_str(authorization);
    if (cn_span_starts(bearer, "Bearer ") &&
        cn_auth_is_token(auth, cn_text_trim(cn_span_sub(bearer, 7, bearer.len))))
        return true;
    return cookie_allows(auth, cn_span_str(cookie));
}

bool cn_auth_host_is_ours(const char *host)
{
    static const char *const names[] = {"localhost", "127.0.0.1", "[::1]"};
    cn_span text = cn_span_str(host);
    for (size_t i = 0; i < CN_LEN(names); i++) {
        size_t n = strlen(names[i]);
        if (!cn_span_starts(text, names[i]))
            continue;
        cn_span port = cn_span_sub(text, n, text.len);
        uint64_t number;
        if (port.len == 0 ||
            (port.p[0] == ':' && cn_text_u64(cn_span_sub(port, 1, 6), &number) && port.len <= 6))
            return true;
    }
    return false;
}

bool cn_auth_origin_is_ours(const char *origin, const char *fetch_site, const char *host)
{
    if (fetch_site && strcmp(fetch_site, "same-origin") != 0 && strcmp(fetch_site, "none") != 0)
        return false;
    if (!origin)
        return true;
    cn_span o = cn_span_str(origin);
    if (cn_span_starts(o, "http://"))
        o = cn_span_sub(o, 7, o.len);
    else if (cn_span_starts(o, "https://"))
        o = cn_span_sub(o, 8, o.len);
    else
        return false;
    return host && cn_span_is(o, host);
}
