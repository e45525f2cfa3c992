#include "http/selection.h"

#include "base/text.h"

#include <stdio.h>

size_t cn_selection_utf16(cn_span text, size_t byte)
{
    size_t n = 0;
    for (size_t i = 0; i < byte && i < text.len; i++)
        n += (text.p[i] & 0xc0) != 0x80 ? (text.p[i] >= 0xf0 ? 2 : 1) : 0;
    return n;
}

size_t cn_selection_token_length(cn_span query, size_t byte)
{
    cn_query_token tokens[256];
    size_t n = cn_query_tokens(query, tokens, CN_LEN(tokens));
    for (size_t i = 0; i < n && i < CN_LEN(tokens); i++)
        if (byte >= tokens[i].begin && byte < tokens[i].end)
            return tokens[i].end - byte;
    return byte < query.len ? 1 : 0;
}

int cn_selection_bad_query(cn_call *call, const char *field, cn_span query, const cn_err *err)
{
    size_t at = err->offset == CN_NO_OFFSET ? 0 : CN_MIN((size_t) err->offset, query.len);
    size_t begin = cn_selection_utf16(query, at);
    size_t end = cn_selection_utf16(query, at + cn_selection_token_length(query, at));
    cn_call_refuse(call, "bad_query", field, NULL, "%s", err->text);
    if (call->out.len == 0)
        return 1;
    call->out.len--; /* the closing brace */
    cn_json_out j = cn_json_of(&call->out);
    j.comma = true;
    cn_json_put_u64(&j, "position", begin);
    cn_json_put_u64(&j, "length", end - begin);
    cn_json_close(&j, '}');
    return 1;
}

bool cn_selection_time(cn_call *call, const char *field, cn_span text, int64_t *out_first,
                       int64_t *out_last)
{
    if (cn_time_parse(text, out_first, out_last))
        return true;
    cn_call_refuse(call, "bad_time", field, "Write it as in 2026-11-18T08:00:00Z.",
                   "'%.*s' is no time.", (int) CN_MIN(text.len, 64), (const char *) text.p);
    return false;
}

/* ---- chips: each becomes a piece of query text ---- */

typedef struct chips {
    cn_call *call;
    const cn_timeline *timelines;
    size_t n_timelines;
    cn_buf text;
} chips;

static int refuse_chip(chips *c, size_t index, const char *member, const char *text)
{
    char field[64];
    snprintf(field, sizeof field, "chips[%zu]%s%s", index, *member ? "." : "", member);
    cn_call_refuse(c->call, "bad_request", field, NULL, "%s %s", field, text);
    return 1;
}

static bool is_field_name(cn_span name)
{
    for (size_t i = 0; i < name.len; i++)
        if (!cn_is_digit(name.p[i]) && !(name.p[i] >= 'a' && name.p[i] <= 'z') && name.p[i] != '_')
            return false;
    return name.len > 0;
}

static void put_value(chips *c, cn_span field, const cn_api_value *value)
{
    char number[40];
    cn_span text = value->text;
    if (value->type == CN_API_TRUTH)
        text = value->num ? CN_SPAN_LIT("true") : CN_SPAN_LIT("false");
    else if (value->type == CN_API_NUMBER)
        text = cn_span_of(number,
                          (size_t) snprintf(number, sizeof number, "%lld", (long long) value->num));
    else if (value->type == CN_API_REAL)
        text = cn_span_of(number, (size_t) snprintf(number, sizeof number, "%.17g", value->real));
    if (cn_span_is(field, "timeline") && value->type == CN_API_NUMBER)
        for (size_t i = 0; i < c->n_timelines; i++)
            if (c->timelines[i].id == value->num)
                text = cn_span_str(c->timelines[i].name);
    if (value->type == CN_API_NULL) {
        cn_buf_str(&c->text, "(NOT _exists_:");
        cn_buf_bytes(&c->text, field);
        cn_buf_char(&c->text, ')');
    } else if (cn_span_is(field, "starred")) {
        cn_buf_str(&c->text, value->type == CN_API_TRUTH && !value->num ? "(NOT starred:true)"
                                                                        : "starred:true");
    } else {
        cn_query_put_filter(&c->text, field, text);
    }
}

static int put_range(chips *c, const cn_api_chip *chip, size_t index)
{
    char field[64];
    int64_t first = 0, last = 0, ignored;
    snprintf(field, sizeof field, "chips[%zu].from", index);
    if (chip->from.p && !cn_selection_time(c->call, field, chip->from, &first, &ignored))
        return 1;
    snprintf(field, sizeof field, "chips[%zu].until", index);
    if (chip->until.p && !cn_selection_time(c->call, field, chip->until, &ignored, &last))
        return 1;
    cn_buf_str(&c->text, "datetime:[");
    if (chip->from.p)
        cn_time_format(&c->text, first, 9);
    else
        cn_buf_char(&c->text, '*');
    cn_buf_str(&c->text, " TO ");
    if (chip->until.p)
        cn_time_format(&c->text, last, 9);
    else
        cn_buf_char(&c->text, '*');
    cn_buf_char(&c->text, ']');
    return CN_OK;
}

static int put_query(chips *c, cn_span query, const char *field)
{
    CN_CLEANUP(cn_query_free_p) cn_query *parsed = NULL;
    cn_err err = CN_ERR_INIT;
    if (cn_query_parse(query, &parsed, &err))
        return cn_selection_bad_query(c->call, field, query, &err);
    if (cn_text_trim(query).len == 0)
        query = CN_SPAN_LIT("*");
    cn_buf_char(&c->text, '(');
    cn_buf_bytes(&c->text, query);
    cn_buf_char(&c->text, ')');
    return CN_OK;
}

static int put_chip(chips *c, const cn_api_chip *chip, size_t index)
{
    char field[64];
    bool range = chip->from.p || chip->until.p;
    if ((chip->field.p != NULL) + range + (chip->query.p != NULL) != 1)
        return refuse_chip(c, index, "", "needs one of: field and value, from or until, query");
    if ((chip->field.p != NULL) != (chip->value.type != CN_API_ABSENT))
        return refuse_chip(c, index, "", "needs field and value together");
    if (range)
        return put_range(c, chip, index);
    snprintf(field, sizeof field, "chips[%zu].query", index);
    if (chip->query.p)
        return put_query(c, chip->query, field);
    if (!is_field_name(chip->field))
        return refuse_chip(c, index, "field", "is no field name");
    put_value(c, chip->field, &chip->value);
    return CN_OK;
}

/* Chips that include the same field, or times, are alternatives. */
static bool same_kind(const cn_api_chip *a, const cn_api_chip *b)
{
    if (a->exclude || b->exclude || a->query.p || b->query.p)
        return false;
    return a->field.p ? b->field.p && cn_span_eq(a->field, b->field) : !b->field.p;
}

static int put_chips(chips *c, const cn_api_chip *list, size_t n)
{
    int rc = CN_OK;
    for (size_t i = 0; i < n && rc == CN_OK; i++) {
        bool told = false;
        for (size_t k = 0; k < i; k++)
            told = told || (list[k].active && same_kind(&list[k], &list[i]));
        if (!list[i].active || told)
            continue;
        cn_buf_str(&c->text, list[i].exclude ? " AND NOT (" : " AND (");
        rc = put_chip(c, &list[i], i);
        for (size_t k = i + 1; k < n && rc == CN_OK; k++) {
            if (!list[k].active || !same_kind(&list[i], &list[k]))
                continue;
            cn_buf_str(&c->text, " OR ");
            rc = put_chip(c, &list[k], k);
        }
        cn_buf_char(&c->text, ')');
    }
    return rc;
}

/* ---- timelines ---- */

static const cn_timeline *find(const cn_selected *s, int64_t id)
{
    for (size_t i = 0; i < s->n_all; i++)
        if (s->all[i].id == id)
            return &s->all[i];
    return NULL;
}

static int choose(cn_call *call, const cn_api_selection *selection, cn_selected *s)
{
    size_t room = CN_MAX(s->n_all, selection->timelines.n) + 1;
    s->timelines = cn_arena_alloc(&call->arena, room * sizeof *s->timelines);
    if (!s->timelines)
        return cn_fail(&call->err, CN_E_NO_MEMORY, CN_NO_OFFSET, "no memory for this call");
    for (size_t i = 0; i < selection->timelines.n; i++) {
        const cn_timeline *t = find(s, selection->timelines.p[i]);
        bool twice = false;
        for (size_t k = 0; k < s->n_timelines; k++)
            twice = twice || s->timelines[k] == (uint64_t) selection->timelines.p[i];
        if (!t || twice)
            continue; /* one that has gone is no error: links outlive timelines */
        s->timelines[s->n_timelines++] = (uint64_t) t->id;
        s->of += t->events;
    }
    for (size_t i = 0; i < s->n_all && !selection->has_timelines; i++) {
        if (!s->all[i].visible)
            continue;
        s->timelines[s->n_timelines++] = (uint64_t) s->all[i].id;
        s->of += s->all[i].events;
    }
    s->none = s->n_timelines == 0;
    return CN_OK;
}

int cn_selection_timelines(cn_call *call, cn_span text, cn_api_selection *selection)
{
    size_t n = 0;
    if (!text.p)
        return CN_OK;
    int64_t *ids = cn_arena_alloc(&call->arena, (text.len + 1) * sizeof *ids);
    if (!ids)
        return cn_fail(&call->err, CN_E_NO_MEMORY, CN_NO_OFFSET, "no memory for this call");
    while (text.len) {
        if (!cn_text_i64(cn_text_until(&text, ','), &ids[n]) || ids[n] < 1) {
            cn_call_refuse(call, "bad_request", "timelines", NULL,
                           "timelines are numbers, separated by commas");
            return 1;
        }
        n++;
    }
    selection->has_timelines = true;
    selection->timelines.p = ids;
    selection->timelines.n = n;
    return CN_OK;
}

int cn_selection_read(cn_call *call, const cn_api_selection *selection, cn_selected *out)
{
    int64_t ignored;
    *out = (cn_selected){.has_from = selection->from.p, .has_until = selection->until.p};
    if (out->has_from && !cn_selection_time(call, "from", selection->from, &out->from_ns, &ignored))
        return 1;
    if (out->has_until &&
        !cn_selection_time(call, "until", selection->until, &ignored, &out->until_ns))
        return 1;
    cn_catalog *catalog = cn_library_take(call->library);
    int rc = cn_catalog_timelines(catalog, &call->arena, &out->all, &out->n_all, &call->err);
    cn_library_give(call->library);
    if (rc == CN_OK)
        rc = choose(call, selection, out);
    if (rc)
        return rc;
    chips c = {.call = call,
               .timelines = out->all,
               .n_timelines = out->n_all,
               .text = cn_buf_of(CN_QUERY_TEXT_MAX)};
    rc = put_query(&c, selection->query, "query");
    if (rc == CN_OK)
        rc = put_chips(&c, selection->chips.p, selection->chips.n);
    if (rc == CN_OK && c.text.failed) {
        cn_call_refuse(call, "bad_request", "chips", NULL,
                       "Query and chips are too long together.");
        rc = 1;
    }
    if (rc == CN_OK && cn_query_parse(cn_buf_span(&c.text), &out->query, &call->err)) {
        cn_call_refuse(call, "bad_query", "chips", NULL, "Query and chips cannot be joined: %s",
                       call->err.text);
        rc = 1;
    }
    cn_buf_free(&c.text);
    return rc;
}
