/* POST /search: a page of the hits. */
#include "http/hit_json.h"
#include "http/hits.h"
#include "http/selection.h"

#include <stdio.h>

#define DAMAGED_MAX 100 /* damaged segments that one call leaves out before it gives up */

/* A cursor: 'a' (after) or 'b' (before) and a place. */
static bool read_cursor(cn_span text, cn_page_ask *ask)
{
    if (text.len < 2 || (text.p[0] != 'a' && text.p[0] != 'b'))
        return false;
    ask->from = text.p[0] == 'a' ? CN_FROM_AFTER : CN_FROM_BEFORE;
    return cn_place_parse(cn_span_sub(text, 1, text.len), &ask->place);
}

static void put_cursor(cn_json_out *json, const char *name, char kind, cn_place place)
{
    char text[CN_PLACE_TEXT + 1];
    text[0] = kind;
    cn_place_format(place, text + 1);
    cn_json_put_str(json, name, text);
}

/* Where the page begins. CN_OK; 1 where the call has been answered with a problem. */
static int read_ask(cn_call *call, const cn_api_search_request *body, cn_page_ask *ask)
{
    int64_t ignored;
    *ask = (cn_page_ask){
        .order =
            body->order == CN_API_SEARCH_REQUEST_ORDER_DESC ? CN_NEWEST_FIRST : CN_OLDEST_FIRST,
        .n = (uint32_t) body->limit,
    };
    if ((body->cursor.p != NULL) + body->has_offset + (body->around.p != NULL) > 1) {
        cn_call_refuse(call, "bad_request", "cursor", NULL,
                       "Only one of cursor, offset and around says where the page begins.");
        return 1;
    }
    if (body->cursor.p && !read_cursor(body->cursor, ask)) {
        cn_call_refuse(call, "bad_request", "cursor", "Take `next` or `previous` of an answer.",
                       "This is no cursor.");
        return 1;
    }
    if (body->has_offset) {
        ask->from = CN_FROM_NUMBER;
        ask->number = (uint64_t) body->offset;
    }
    if (body->around.p) {
        ask->from = CN_FROM_TIME;
        if (!cn_selection_time(call, "around", body->around, &ask->time_ns, &ignored))
            return 1;
    }
    return CN_OK;
}

/* Around a time: half of the page stands before it. */
static int centre(cn_call *call, cn_hits *hits, cn_page_ask *ask)
{
    cn_page page = {0};
    cn_page_ask probe = *ask;
    probe.n = 1;
    int rc = cn_hits_page(hits, &probe, &call->arena, &page, &call->err);
    ask->from = CN_FROM_NUMBER;
    ask->number = page.first_number > ask->n / 2 ? page.first_number - ask->n / 2 : 0;
    return rc;
}

static int answer(cn_call *call, const cn_api_search_request *body, const cn_held_hits *held,
                  cn_page_ask ask)
{
    const cn_encode_choice choice = {body->fields.p, body->fields.n};
    uint64_t total = cn_hits_count(held->hits);
    cn_page page = {0};
    int rc = ask.from == CN_FROM_TIME ? centre(call, held->hits, &ask) : CN_OK;
    if (rc == CN_OK && ask.n)
        rc = cn_hits_page(held->hits, &ask, &call->arena, &page, &call->err);
    if (rc)
        return rc;
    cn_json_out j = cn_call_json(call);
    cn_json_open(&j, '{');
    cn_json_put_u64(&j, "total", total);
    cn_json_put_u64(&j, "of", CN_MAX(held->of, total));
    cn_json_put_u64(&j, "offset", page.first_number);
    if (page.n_events && page.first_number + page.n_events < total)
        put_cursor(&j, "next", 'a', page.events[page.n_events - 1].place);
    if (page.n_events && page.first_number > 0)
        put_cursor(&j, "previous", 'b', page.events[0].place);
    cn_json_key(&j, "hits");
    rc = cn_hits_put(call, &j, page.events, page.n_events, body->has_fields ? &choice : NULL);
    cn_call_put_took(call, &j);
    cn_json_close(&j, '}');
    return rc;
}

int cn_http_search(cn_call *call, const cn_api_search_request *body)
{
    cn_page_ask ask;
    int rc = read_ask(call, body, &ask);
    if (rc)
        return rc < 0 ? rc : CN_OK;
    rc = CN_E_CORRUPT;
    for (int i = 0; i < DAMAGED_MAX && rc == CN_E_CORRUPT; i++) {
        cn_held_hits held;
        rc = cn_hits_take(call, &body->selection, &held);
        if (rc)
            return rc < 0 ? rc : CN_OK;
        rc = answer(call, body, &held, ask);
        if (rc == CN_E_CORRUPT)
            cn_hits_forget(&held);
        else
            cn_hits_give(&held);
    }
    return rc;
}
