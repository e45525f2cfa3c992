/* GET /fields and the values of one: for completion and for the choice of facets and columns. */
#include "http/hits.h"
#include "http/selection.h"

#include <stdio.h>

/* Fields that every event has, or that are kept beside events. */
static const struct {
    const char *name, *type, *meaning;
} built_in[] = {
    {"message", "text", "one readable line of the record"},
    {"data_type", "text", "what kind of record it is, as in syslog:line"},
    {"timestamp_desc", "text", "what the time means, as in Creation Time"},
    {"datetime", "time", "when, in ISO 8601 of any precision, UTC"},
    {"timestamp", "int", "when, in microseconds since 1970"},
    {"path", "text", "file that the record was read from"},
    {"inode", "int", "number of that file in its file system"},
    {"stream", "text", "how it was compressed; not set for a file as it is"},
    {"volume", "text", "volume of the image that holds it"},
    {"image", "text", "image that holds it"},
    {"parser", "text", "parser that read it"},
    {"offset", "int", "where the record begins, in bytes"},
    {"length", "int", "bytes of the record"},
    {"event_id", "text", "names the event whenever its image is read"},
    {"timeline", "text", "name of its timeline"},
    {"system", "text", "name of the system the timeline belongs to"},
    {"tag", "text", "tags that people gave it"},
    {"label", "text", "labels that analyzers gave it"},
    {"starred", "bool", "true where somebody starred it"},
    {"comment", "text", "words of comments on it"},
};

static const char *type_name(cn_type type)
{
    return type == CN_INT ? "int" : type == CN_BOOL ? "bool" : type == CN_ADDR ? "addr" : "text";
}

static const char *about(cn_span name, cn_type type, const char **out_type)
{
    *out_type = type_name(type);
    for (size_t i = 0; i < CN_LEN(built_in); i++) {
        if (!cn_span_is(name, built_in[i].name))
            continue;
        *out_type = built_in[i].type;
        return built_in[i].meaning;
    }
    cn_field_id id = cn_field_by_name(name);
    return id == CN_F_DYNAMIC ? "" : cn_vocabulary[id].meaning;
}

typedef struct per_timeline {
    uint64_t id;
    const cn_store_field *fields;
    size_t n;
} per_timeline;

static const cn_store_field *find(const cn_store_field *fields, size_t n, cn_span name)
{
    for (size_t i = 0; i < n; i++)
        if (cn_span_eq(fields[i].name, name))
            return &fields[i];
    return NULL;
}

static void put_field(cn_json_out *j, cn_span name, cn_type type, uint64_t events,
                      const per_timeline *timelines, size_t n)
{
    const char *type_text, *meaning = about(name, type, &type_text);
    cn_json_open(j, '{');
    cn_json_put_text(j, "name", name);
    cn_json_put_str(j, "type", type_text);
    cn_json_put_set(j, "meaning", meaning);
    cn_json_put_u64(j, "events", events);
    cn_json_begin(j, "timelines", '[');
    for (size_t i = 0; i < n; i++)
        if (find(timelines[i].fields, timelines[i].n, name))
            cn_json_int(j, (int64_t) timelines[i].id);
    cn_json_close(j, ']');
    cn_json_close(j, '}');
}

int cn_http_list_fields(cn_call *call)
{
    cn_store *store = cn_library_store(call->library);
    cn_timeline *all = NULL;
    const cn_store_field *fields = NULL;
    size_t n_all = 0, n_fields = 0;
    cn_catalog *catalog = cn_library_take(call->library);
    int rc = cn_catalog_timelines(catalog, &call->arena, &all, &n_all, &call->err);
    cn_library_give(call->library);
    per_timeline *timelines = cn_arena_alloc(&call->arena, (n_all + 1) * sizeof *timelines);
    if (rc == CN_OK && !timelines)
        rc = cn_fail(&call->err, CN_E_NO_MEMORY, CN_NO_OFFSET, "no memory for this call");
    for (size_t i = 0; i < n_all && rc == CN_OK; i++) {
        timelines[i].id = (uint64_t) all[i].id;
        rc = cn_store_fields(store, &timelines[i].id, 1, &call->arena, &timelines[i].fields,
                             &timelines[i].n, &call->err);
    }
    if (rc == CN_OK)
        rc = cn_store_fields(store, NULL, 0, &call->arena, &fields, &n_fields, &call->err);
    if (rc)
        return rc;
    cn_json_out j = cn_call_json(call);
    cn_json_open(&j, '{');
    cn_json_begin(&j, "fields", '[');
    for (size_t i = 0; i < CN_LEN(built_in); i++)
        if (!find(fields, n_fields, cn_span_str(built_in[i].name)))
            put_field(&j, cn_span_str(built_in[i].name), CN_TEXT, 0, timelines, n_all);
    for (size_t i = 0; i < n_fields; i++)
        put_field(&j, fields[i].name, fields[i].type, fields[i].events, timelines, n_all);
    cn_json_close(&j, ']');
    cn_json_close(&j, '}');
    return CN_OK;
}

static void put_values(cn_call *call, const cn_top *top)
{
    cn_json_out j = cn_call_json(call);
    cn_json_open(&j, '{');
    cn_json_begin(&j, "values", '[');
    for (size_t i = 0; i < top->n_values; i++) {
        cn_json_open(&j, '{');
        cn_json_key(&j, "value");
        if (top->type == CN_INT || top->type == CN_BOOL) {
            cn_json_next(&j);
            cn_buf_bytes(j.buf, top->values[i].value);
        } else {
            cn_json_text(&j, top->values[i].value);
        }
        cn_json_put_u64(&j, "count", top->values[i].count);
        cn_json_close(&j, '}');
    }
    cn_json_close(&j, ']');
    cn_json_close(&j, '}');
}

static void put_counts(cn_call *call, const cn_count *counts, size_t n, cn_span prefix)
{
    cn_json_out j = cn_call_json(call);
    cn_json_open(&j, '{');
    cn_json_begin(&j, "values", '[');
    for (size_t i = 0; i < n; i++) {
        if (strncasecmp(counts[i].name, (const char *) prefix.p, prefix.len) != 0)
            continue;
        cn_json_open(&j, '{');
        cn_json_put_str(&j, "value", counts[i].name);
        cn_json_put_u64(&j, "count", counts[i].n);
        cn_json_close(&j, '}');
    }
    cn_json_close(&j, ']');
    cn_json_close(&j, '}');
}

static int list_notes(cn_call *call, cn_annotation_kind kind, cn_span prefix)
{
    cn_count *counts = NULL;
    size_t n = 0;
    cn_catalog *catalog = cn_library_take(call->library);
    int rc = cn_catalog_annotation_texts(catalog, kind, &call->arena, &counts, &n, &call->err);
    cn_library_give(call->library);
    if (rc == CN_OK)
        put_counts(call, counts, n, prefix);
    return rc;
}

int cn_http_list_tags(cn_call *call) { return list_notes(call, CN_NOTE_TAG, CN_SPAN_LIT("")); }

int cn_http_list_field_values(cn_call *call, const cn_api_list_field_values_params *params)
{
    cn_api_selection selection = {.query = CN_SPAN_LIT("")};
    cn_held_hits held;
    cn_top top = {0};
    if (cn_span_is(params->name, "tag"))
        return list_notes(call, CN_NOTE_TAG, params->prefix);
    if (cn_span_is(params->name, "label"))
        return list_notes(call, CN_NOTE_LABEL, params->prefix);
    int rc = cn_selection_timelines(call, params->timelines, &selection);
    if (rc == CN_OK)
        rc = cn_hits_take(call, &selection, &held);
    if (rc)
        return rc < 0 ? rc : CN_OK;
    const cn_top_ask ask = {
        .field = params->name, .n = (uint32_t) params->limit, .prefix = params->prefix};
    rc = cn_hits_top(held.hits, &ask, &call->arena, &top, &call->err);
    if (rc == CN_E_UNSUPPORTED) { /* nothing to choose from */
        top = (cn_top){.values = NULL};
        rc = CN_OK;
    }
    if (rc == CN_OK)
        put_values(call, &top);
    cn_hits_give(&held);
    return rc;
}
