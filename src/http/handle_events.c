/* GET /events/{event_id}, the event stream, and what people say about events. */
#include "http/find_event.h"
#include "http/hit_json.h"
#include "http/server.h"

#define AUTHOR "" /* one local user, until there is sign-in */

int cn_find_event(cn_call *call, cn_span id, int64_t timeline, cn_stored_event *out)
{
    cn_event_id key;
    if (!cn_event_id_parse(id, &key))
        return cn_fail(&call->err, CN_E_ARG, CN_NO_OFFSET, "this is no event id");
    int rc = cn_store_event(cn_library_store(call->library), (uint64_t) timeline, key, &call->arena,
                            out, &call->err);
    if (rc == CN_E_NOT_FOUND)
        return cn_fail(&call->err, rc, CN_NO_OFFSET, "There is no such event in these timelines.");
    return rc;
}

int cn_http_get_event(cn_call *call, const cn_api_get_event_params *params)
{
    CN_CLEANUP(cn_buf_free) cn_buf list = cn_buf_of(CN_CALL_ANSWER_MAX);
    cn_stored_event event;
    int rc = cn_find_event(call, params->event_id, params->timeline, &event);
    cn_json_out inner = cn_json_of(&list);
    if (rc == CN_OK)
        rc = cn_hits_put(call, &inner, &event, 1, NULL);
    if (rc)
        return rc;
    cn_json_out j = cn_call_json(call);
    cn_buf_bytes(j.buf, cn_span_sub(cn_buf_span(&list), 1, list.len - 2)); /* out of its array */
    j.buf->failed |= list.failed;
    return CN_OK;
}

int cn_http_stream(cn_call *call, const cn_api_stream_params *params)
{
    cn_timeline *timelines = NULL;
    size_t n = 0;
    cn_catalog *catalog = cn_library_take(call->library);
    int rc = cn_catalog_timelines(catalog, &call->arena, &timelines, &n, &call->err);
    cn_library_give(call->library);
    if (rc)
        return rc;
    cn_json_out j = cn_call_json(call);
    cn_about_put(call, &j, n);
    cn_stream *stream = cn_server_stream(call->server);
    call->source = cn_stream_open(stream, params->last_event_id, cn_buf_span(&call->out));
    if (!call->source)
        return cn_call_problem(call, 503, "busy", "Too many pages listen already.");
    call->media_type = "text/event-stream";
    return CN_OK;
}

/* ---- annotations ---- */

/* Answers with what is said about an event now, and tells the pages. */
static int answer_notes(cn_call *call, const char *id)
{
    cn_annotation *notes = NULL;
    size_t n = 0;
    cn_catalog *catalog = cn_library_take(call->library);
    int rc = cn_catalog_annotations(catalog, &id, 1, &call->arena, &notes, &n, &call->err);
    cn_library_give(call->library);
    if (rc)
        return rc;
    cn_json_out j = cn_call_json(call);
    cn_json_open(&j, '{');
    cn_json_put_str(&j, "event_id", id);
    cn_notes_put(&j, notes, n);
    cn_json_close(&j, '}');
    return CN_OK;
}

static void tell(cn_call *call, const char *const *ids, size_t n)
{
    CN_CLEANUP(cn_buf_free) cn_buf data = cn_buf_of(CN_MIB(1));
    cn_json_out j = cn_json_of(&data);
    cn_library_touch(call->library);
    cn_json_open(&j, '{');
    cn_json_begin(&j, "events", '[');
    for (size_t i = 0; i < n; i++)
        cn_json_text(&j, cn_span_str(ids[i]));
    cn_json_close(&j, ']');
    cn_json_close(&j, '}');
    if (!data.failed)
        cn_stream_publish(cn_server_stream(call->server), "annotation", cn_buf_span(&data));
}

/* Adds (or takes away) one note. To take away what is not there is no error. */
static int change(cn_catalog *catalog, cn_call *call, const char *id, cn_annotation_kind kind,
                  const char *text, bool add)
{
    int64_t note;
    if (add)
        return cn_catalog_annotate(catalog, id, kind, text, AUTHOR, &note, &call->err);
    int rc = cn_catalog_unannotate_text(catalog, id, kind, text, &call->err);
    return rc == CN_E_NOT_FOUND ? CN_OK : rc;
}

static int change_one(cn_call *call, cn_span event_id, cn_annotation_kind kind, cn_span text,
                      bool add)
{
    const char *id = cn_arena_copy(&call->arena, event_id);
    const char *copy = cn_arena_copy(&call->arena, text);
    if (!id || !copy)
        return cn_fail(&call->err, CN_E_NO_MEMORY, CN_NO_OFFSET, "no memory for this call");
    cn_catalog *catalog = cn_library_take(call->library);
    int rc = change(catalog, call, id, kind, copy, add);
    cn_library_give(call->library);
    if (rc)
        return rc;
    tell(call, &id, 1);
    return answer_notes(call, id);
}

/* A tag is one line of text. */
static bool is_tag(cn_span tag)
{
    for (size_t i = 0; i < tag.len; i++)
        if (tag.p[i] < 0x20 || tag.p[i] == 0x7f)
            return false;
    return cn_text_trim(tag).len == tag.len && tag.len > 0;
}

static int refuse_tag(cn_call *call, const char *field)
{
    return cn_call_refuse(call, "bad_request", field, NULL,
                          "A tag is one line of text without blanks at its ends.");
}

int cn_http_star_event(cn_call *call, const cn_api_star_event_params *params)
{
    return change_one(call, params->event_id, CN_NOTE_STAR, CN_SPAN_LIT(""), true);
}

int cn_http_unstar_event(cn_call *call, const cn_api_unstar_event_params *params)
{
    return change_one(call, params->event_id, CN_NOTE_STAR, CN_SPAN_LIT(""), false);
}

int cn_http_tag_event(cn_call *call, const cn_api_tag_event_params *params)
{
    if (!is_tag(params->tag))
        return refuse_tag(call, "tag");
    return change_one(call, params->event_id, CN_NOTE_TAG, params->tag, true);
}

int cn_http_untag_event(cn_call *call, const cn_api_untag_event_params *params)
{
    return change_one(call, params->event_id, CN_NOTE_TAG, params->tag, false);
}

int cn_http_add_comment(cn_call *call, const cn_api_add_comment_params *params,
                        const cn_api_comment_request *body)
{
    if (cn_text_trim(body->text).len == 0)
        return cn_call_refuse(call, "bad_request", "text", NULL, "A comment needs words.");
    return change_one(call, params->event_id, CN_NOTE_COMMENT, body->text, true);
}

/* The comment must be one of that event. */
static int find_comment(cn_catalog *catalog, cn_call *call, const char *event_id, int64_t comment)
{
    cn_annotation *notes = NULL;
    size_t n = 0;
    int rc = cn_catalog_annotations(catalog, &event_id, 1, &call->arena, &notes, &n, &call->err);
    for (size_t i = 0; i < n && rc == CN_OK; i++)
        if (notes[i].id == comment && notes[i].kind == CN_NOTE_COMMENT)
            return CN_OK;
    return rc ? rc
              : cn_fail(&call->err, CN_E_NOT_FOUND, CN_NO_OFFSET,
                        "The event has no such comment (any more).");
}

/* text NULL: deletes. */
static int change_comment(cn_call *call, cn_span event_id, int64_t comment, const char *text)
{
    const char *id = cn_arena_copy(&call->arena, event_id);
    if (!id)
        return cn_fail(&call->err, CN_E_NO_MEMORY, CN_NO_OFFSET, "no memory for this call");
    cn_catalog *catalog = cn_library_take(call->library);
    int rc = find_comment(catalog, call, id, comment);
    if (rc == CN_OK)
        rc = text ? cn_catalog_reword(catalog, comment, text, &call->err)
                  : cn_catalog_unannotate(catalog, comment, &call->err);
    cn_library_give(call->library);
    if (rc)
        return rc;
    tell(call, &id, 1);
    return answer_notes(call, id);
}

int cn_http_change_comment(cn_call *call, const cn_api_change_comment_params *params,
                           const cn_api_comment_request *body)
{
    if (cn_text_trim(body->text).len == 0)
        return cn_call_refuse(call, "bad_request", "text", NULL, "A comment needs words.");
    const char *text = cn_arena_copy(&call->arena, body->text);
    if (!text)
        return cn_fail(&call->err, CN_E_NO_MEMORY, CN_NO_OFFSET, "no memory for this call");
    return change_comment(call, params->event_id, params->comment, text);
}

int cn_http_delete_comment(cn_call *call, const cn_api_delete_comment_params *params)
{
    return change_comment(call, params->event_id, params->comment, NULL);
}

static int change_many(cn_catalog *catalog, cn_call *call, const cn_api_annotate_request *body,
                       const char *const *ids)
{
    int rc = CN_OK;
    for (size_t i = 0; i < body->events.n && rc == CN_OK; i++) {
        if (body->has_star)
            rc = change(catalog, call, ids[i], CN_NOTE_STAR, "", body->star);
        for (size_t k = 0; k < body->add_tags.n && rc == CN_OK; k++)
            rc = change(catalog, call, ids[i], CN_NOTE_TAG, (const char *) body->add_tags.p[k].p,
                        true);
        for (size_t k = 0; k < body->remove_tags.n && rc == CN_OK; k++)
            rc = change(catalog, call, ids[i], CN_NOTE_TAG, (const char *) body->remove_tags.p[k].p,
                        false);
    }
    return rc;
}

int cn_http_annotate(cn_call *call, const cn_api_annotate_request *body)
{
    const char **ids = cn_arena_alloc(&call->arena, (body->events.n + 1) * sizeof *ids);
    if (!ids)
        return cn_fail(&call->err, CN_E_NO_MEMORY, CN_NO_OFFSET, "no memory for this call");
    for (size_t i = 0; i < body->events.n; i++)
        ids[i] = (const char *) body->events.p[i].p; /* decoded texts end in a NUL */
    for (size_t i = 0; i < body->add_tags.n; i++)
        if (!is_tag(body->add_tags.p[i]))
            return refuse_tag(call, "add_tags");
    cn_catalog *catalog = cn_library_take(call->library);
    cn_db *db = cn_catalog_db(catalog);
    int rc = cn_db_begin(db, &call->err);
    if (rc == CN_OK) {
        rc = change_many(catalog, call, body, ids);
        if (rc == CN_OK)
            rc = cn_db_commit(db, &call->err);
        cn_db_rollback(db);
    }
    cn_library_give(call->library);
    if (rc)
        return rc;
    tell(call, ids, body->events.n);
    cn_json_out j = cn_call_json(call);
    cn_json_open(&j, '{');
    cn_json_put_u64(&j, "events", body->events.n);
    cn_json_close(&j, '}');
    return CN_OK;
}
