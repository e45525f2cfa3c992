#include "http/hit_json.h"

#include "http/timeline_json.h"
#include "store/view.h"

void cn_notes_put(cn_json_out *json, const cn_annotation *notes, size_t n)
{
    bool starred = false;
    for (size_t i = 0; i < n; i++)
        starred = starred || notes[i].kind == CN_NOTE_STAR;
    cn_json_put_bool(json, "starred", starred);
    cn_json_begin(json, "tags", '[');
    for (size_t i = 0; i < n; i++)
        if (notes[i].kind == CN_NOTE_TAG)
            cn_json_text(json, cn_span_str(notes[i].text));
    cn_json_close(json, ']');
    cn_json_begin(json, "comments", '[');
    for (size_t i = 0; i < n; i++) {
        if (notes[i].kind != CN_NOTE_COMMENT)
            continue;
        cn_json_open(json, '{');
        cn_json_put_int(json, "id", notes[i].id);
        cn_json_put_str(json, "text", notes[i].text);
        cn_json_put_time(json, "created", notes[i].created_ns);
        cn_json_close(json, '}');
    }
    cn_json_close(json, ']');
}

/* Notes come sorted by event; those of `id` begin at *out_first. */
static size_t notes_of(const char *id, const cn_annotation *notes, size_t n, size_t *out_first)
{
    size_t count = 0;
    *out_first = 0;
    for (size_t i = 0; i < n; i++) {
        if (strcmp(notes[i].event_id, id) != 0)
            continue;
        if (count++ == 0)
            *out_first = i;
    }
    return count;
}

int cn_hits_put(cn_call *call, cn_json_out *json, const cn_stored_event *events, size_t n,
                const cn_encode_choice *choice)
{
    const char **ids = cn_arena_alloc(&call->arena, (n + 1) * sizeof *ids);
    char(*texts)[CN_EVENT_ID_TEXT] = cn_arena_alloc(&call->arena, (n + 1) * sizeof *texts);
    cn_annotation *notes = NULL;
    size_t n_notes = 0;
    if (!ids || !texts)
        return cn_fail(&call->err, CN_E_NO_MEMORY, CN_NO_OFFSET, "no memory for this call");
    for (size_t i = 0; i < n; i++) {
        cn_event_id_format(events[i].s.id, texts[i]);
        ids[i] = texts[i];
    }
    cn_catalog *catalog = cn_library_take(call->library);
    int rc = n ? cn_catalog_annotations(catalog, ids, n, &call->arena, &notes, &n_notes, &call->err)
               : CN_OK;
    cn_library_give(call->library);
    if (rc)
        return rc;
    cn_json_open(json, '[');
    for (size_t i = 0; i < n; i++) {
        size_t first, count = notes_of(ids[i], notes, n_notes, &first);
        cn_event_view view = cn_view_stored(&events[i]);
        cn_json_open(json, '{');
        cn_json_put_str(json, "id", ids[i]);
        cn_json_put_u64(json, "timeline", events[i].timeline_id);
        cn_notes_put(json, notes + first, count);
        cn_json_key(json, "event");
        cn_encode_event(json->buf, &view, choice);
        cn_json_close(json, '}');
    }
    cn_json_close(json, ']');
    return CN_OK;
}
