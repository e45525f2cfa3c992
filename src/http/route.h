/* From a request's method and path to a route of the API. */
#pragma once

#include "http/decode_request.h"

#define CN_API_BASE     "/api/v1"
#define CN_ROUTE_PARAMS 32

typedef struct cn_route_match {
    const cn_api_route *route; /* NULL: see allow */
    char allow[64];            /* methods that the path has; empty: there is no such path */
    cn_wire_parameter params[CN_ROUTE_PARAMS]; /* of the path and the query, decoded */
    size_t n_params;
} cn_route_match;

/* target: path and query as on the request line, beginning with CN_API_BASE. HEAD finds what GET
 * does. False where it cannot be decoded. Texts live in the arena. */
CN_MUST_USE bool cn_route_find(const char *method, cn_span target, cn_arena *arena,
                               cn_route_match *out);
/* The decoded value of a query's parameter; false where it is not there or broken. */
CN_MUST_USE bool cn_route_query(cn_span target, const char *name, cn_arena *arena, cn_span *out);
/* The target without its query. */
cn_span cn_route_path(cn_span target);
