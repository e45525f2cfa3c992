#include "http/route.h"

#include "base/text.h"

#include <stdio.h>

cn_span cn_route_path(cn_span target) { return cn_text_until(&target, '?'); }

static bool add(cn_route_match *m, cn_api_place in, cn_span name, cn_span value)
{
    if (m->n_params == CN_ROUTE_PARAMS)
        return false;
    m->params[m->n_params++] = (cn_wire_parameter){in, name, value};
    return true;
}

static bool split_query(cn_span query, cn_arena *arena, cn_route_match *m)
{
    while (query.len) {
        cn_span value = cn_text_until(&query, '&'), name = cn_text_until(&value, '=');
        if (name.len == 0 && value.len == 0)
            continue;
        if (!cn_decode_percent(name, true, arena, &name) ||
            !cn_decode_percent(value, true, arena, &value) || !add(m, CN_API_QUERY, name, value))
            return false;
    }
    return true;
}

bool cn_route_query(cn_span target, const char *name, cn_arena *arena, cn_span *out)
{
    cn_route_match m = {.n_params = 0};
    (void) cn_text_until(&target, '?');
    if (!split_query(target, arena, &m))
        return false;
    for (size_t i = 0; i < m.n_params; i++) {
        if (cn_span_is(m.params[i].name, name)) {
            *out = m.params[i].value;
            return true;
        }
    }
    return false;
}

/* Whether a path has the form of a template; its {parameters} are added to m. 1, 0, or -1 where one
 * cannot be decoded. */
static int fits(cn_span template, cn_span path, cn_arena *arena, cn_route_match *m)
{
    size_t before = m->n_params;
    while (template.len && path.len) {
        cn_span want = cn_text_until(&template, '/'), have = cn_text_until(&path, '/'), value;
        bool parameter = cn_span_starts(want, "{");
        bool more = template.len > 0, rest = path.p != NULL;
        if (more != rest || (!parameter && !cn_span_eq(want, have)) || (parameter && !have.len)) {
            m->n_params = before;
            return 0;
        }
        if (!parameter)
            continue;
        if (!cn_decode_percent(have, false, arena, &value) ||
            !add(m, CN_API_PATH, cn_span_sub(want, 1, want.len - 2), value))
            return -1;
    }
    if (template.len == 0 && path.len == 0)
        return 1;
    m->n_params = before;
    return 0;
}

static void allow(cn_route_match *m, const char *method)
{
    size_t n = strlen(m->allow);
    snprintf(m->allow + n, sizeof m->allow - n, "%s%s%s", n ? ", " : "", method,
             strcmp(method, "GET") == 0 ? ", HEAD" : "");
}

bool cn_route_find(const char *method, cn_span target, cn_arena *arena, cn_route_match *out)
{
    cn_span query = target, path = cn_text_until(&query, '?');
    const char *wanted = strcmp(method, "HEAD") == 0 ? "GET" : method;
    cn_span template = {NULL, 0};
    *out = (cn_route_match){.route = NULL};
    if (!cn_span_starts(path, CN_API_BASE "/"))
        return true;
    path = cn_span_sub(path, sizeof CN_API_BASE, path.len);
    for (size_t i = 0; i < cn_api_routes_count; i++) {
        const cn_api_route *r = &cn_api_routes[i];
        cn_route_match one = {.n_params = 0};
        int fit = fits(cn_span_str(r->path + 1), path, arena, &one);
        if (fit < 0)
            return false;
        /* Once a path fits, only routes of the same path count: literals come before parameters. */
        if (!fit || (template.p && !cn_span_is(template, r->path)))
            continue;
        template = cn_span_str(r->path);
        allow(out, r->method);
        if (strcmp(r->method, wanted) != 0)
            continue;
        out->route = r;
        memcpy(out->params, one.params, sizeof out->params);
        out->n_params = one.n_params;
    }
    return !out->route || split_query(query, arena, out);
}
