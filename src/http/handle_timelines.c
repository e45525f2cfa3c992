/* GET /timelines, /timelines/{id}, its warnings, /about and the description itself. */
#include "http/server.h"
#include "http/timeline_json.h"

int cn_http_list_timelines(cn_call *call)
{
    cn_timeline *timelines = NULL;
    size_t n = 0;
    cn_catalog *catalog = cn_library_take(call->library);
    int rc = cn_catalog_timelines(catalog, &call->arena, &timelines, &n, &call->err);
    cn_json_out j = cn_call_json(call);
    cn_json_open(&j, '{');
    cn_json_begin(&j, "timelines", '[');
    for (size_t i = 0; i < n && rc == CN_OK; i++) {
        cn_fact *facts = NULL;
        size_t n_facts = 0, names = 0;
        rc = cn_catalog_facts(catalog, timelines[i].id, &call->arena, &facts, &n_facts, &call->err);
        for (size_t k = 0; k < n_facts; k++) /* of many facts a list shows the name only */
            if (strcmp(facts[k].name, "hostname") == 0)
                facts[names++] = facts[k];
        if (rc == CN_OK)
            cn_timeline_put_brief(&j, &timelines[i], names ? facts[0].value : "", call->library);
    }
    cn_library_give(call->library);
    cn_json_close(&j, ']');
    cn_json_close(&j, '}');
    return rc;
}

int cn_http_get_timeline(cn_call *call, const cn_api_get_timeline_params *params)
{
    cn_timeline timeline;
    cn_fact *facts = NULL;
    size_t n_facts = 0;
    cn_catalog *catalog = cn_library_take(call->library);
    int rc = cn_catalog_timeline(catalog, params->id, &call->arena, &timeline, &call->err);
    if (rc == CN_OK)
        rc = cn_catalog_facts(catalog, params->id, &call->arena, &facts, &n_facts, &call->err);
    cn_library_give(call->library);
    if (rc)
        return rc;
    cn_json_out j = cn_call_json(call);
    cn_timeline_put(&j, &timeline, facts, n_facts, call->library);
    return CN_OK;
}

static void put_warning(cn_json_out *j, const cn_warning *w)
{
    cn_json_open(j, '{');
    cn_json_put_str(j, "kind", w->kind);
    cn_json_put_str(j, "text", w->text);
    cn_json_put_set(j, "parser", w->parser);
    cn_json_put_set(j, "volume", w->volume);
    cn_json_put_set(j, "path", w->path);
    if (w->inode)
        cn_json_put_u64(j, "inode", w->inode);
    if (w->offset != CN_NO_OFFSET)
        cn_json_put_u64(j, "offset", w->offset);
    cn_json_close(j, '}');
}

static void put_kinds(cn_json_out *j, const cn_count *kinds, size_t n)
{
    uint64_t total = 0;
    cn_json_begin(j, "kinds", '[');
    for (size_t i = 0; i < n; i++) {
        cn_json_open(j, '{');
        cn_json_put_str(j, "value", kinds[i].name);
        cn_json_put_u64(j, "count", kinds[i].n);
        cn_json_close(j, '}');
        total += kinds[i].n;
    }
    cn_json_close(j, ']');
    cn_json_put_u64(j, "total", total);
}

int cn_http_list_warnings(cn_call *call, const cn_api_list_warnings_params *params)
{
    cn_timeline timeline;
    cn_warning *warnings = NULL;
    cn_count *kinds = NULL;
    size_t n = 0, n_kinds = 0, limit = (size_t) params->limit;
    int64_t after = 0;
    if (params->cursor.p && !cn_text_i64(params->cursor, &after))
        return cn_call_refuse(call, "bad_request", "cursor", "Take `next` of an answer.",
                              "This is no cursor.");
    cn_catalog *catalog = cn_library_take(call->library);
    int rc = cn_catalog_timeline(catalog, params->id, &call->arena, &timeline, &call->err);
    if (rc == CN_OK)
        rc = cn_catalog_warnings(catalog, params->id, after, limit + 1, &call->arena, &warnings, &n,
                                 &call->err);
    if (rc == CN_OK)
        rc = cn_catalog_warning_kinds(catalog, params->id, &call->arena, &kinds, &n_kinds,
                                      &call->err);
    cn_library_give(call->library);
    if (rc)
        return rc;
    cn_json_out j = cn_call_json(call);
    cn_json_open(&j, '{');
    put_kinds(&j, kinds, n_kinds);
    cn_json_begin(&j, "warnings", '[');
    for (size_t i = 0; i < CN_MIN(n, limit); i++)
        put_warning(&j, &warnings[i]);
    cn_json_close(&j, ']');
    if (n > limit) {
        char next[24];
        cn_buf text = {.p = (uint8_t *) next, .capacity = sizeof next, .max = sizeof next};
        cn_buf_i64(&text, warnings[limit - 1].id);
        cn_json_put_text(&j, "next", cn_buf_span(&text));
    }
    cn_json_close(&j, '}');
    return CN_OK;
}

void cn_about_put(cn_call *call, cn_json_out *j, size_t n_timelines)
{
    cn_json_open(j, '{');
    cn_json_put_str(j, "version", CN_VERSION);
    cn_json_put_time(j, "started", cn_server_started(call->server));
    cn_json_put_u64(j, "timelines", n_timelines);
    cn_json_put_u64(j, "events", cn_store_events(cn_library_store(call->library)));
    cn_json_close(j, '}');
}

int cn_http_about(cn_call *call)
{
    cn_timeline *timelines = NULL;
    size_t n = 0;
    cn_catalog *catalog = cn_library_take(call->library);
    int rc = cn_catalog_timelines(catalog, &call->arena, &timelines, &n, &call->err);
    cn_library_give(call->library);
    cn_json_out j = cn_call_json(call);
    cn_about_put(call, &j, n);
    return rc;
}

int cn_http_get_openapi(cn_call *call)
{
    cn_json_out j = cn_call_json(call);
    cn_buf_str(j.buf, cn_api_openapi);
    return CN_OK;
}
