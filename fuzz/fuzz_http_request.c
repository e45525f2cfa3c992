/* Everything of a request that is taken apart before a handler sees it: address, parameters, body,
 * token, host, origin. The first line is method and address, the rest the body. */
#include "http/auth.h"
#include "http/decode_request.h"
#include "http/page.h"
#include "http/route.h"

#include "base/text.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void decode(const cn_api_route *route, const cn_route_match *m, cn_span body,
                   cn_arena *arena)
{
    cn_decode_fault fault;
    void *params = route->params ? cn_arena_alloc(arena, route->params->size) : NULL;
    void *object = route->body ? cn_arena_alloc(arena, route->body->size) : NULL;
    if (cn_decode_params(route->params, m->params, m->n_params, arena, params, &fault) &&
        route->body)
        (void) !cn_decode_body(route->body, body, arena, object, &fault);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const methods[] = {"GET", "POST", "PUT", "DELETE", "HEAD", "PATCH"};
    static const cn_auth auth = {.token = "0123456789abcdef0123456789abcdef",
                                 .cookie_name = "cairn_8471"};
    CN_CLEANUP(cn_arena_free) cn_arena arena = cn_arena_of(CN_MIB(64));
    cn_span body = cn_span_of(data, size), target = cn_text_until(&body, '\n');
    cn_span method = cn_text_until(&target, ' '), token;
    cn_route_match match;
    for (size_t i = 0; i < CN_LEN(methods); i++)
        if (cn_span_is(method, methods[i]) && cn_route_find(methods[i], target, &arena, &match) &&
            match.route)
            decode(match.route, &match, body, &arena);
    char *text = cn_arena_copy(&arena, cn_span_sub(target, 0, 4096));
    if (text) {
        (void) cn_auth_allows(&auth, text, text);
        (void) cn_auth_host_is_ours(text);
        (void) cn_auth_origin_is_ours(text, NULL, text);
    }
    (void) cn_route_query(target, "token", &arena, &token);
    (void) cn_page_is_view(cn_route_path(target));
    return 0;
}
