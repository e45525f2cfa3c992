#include "http/decode_request.h"

#include "base/text.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>

#define DEPTH_MAX 8 /* of our own shapes; jansson has its own limit for the text */

typedef struct decoding {
    cn_arena *arena;
    cn_decode_fault *fault;
    char path[160]; /* of the object at hand, "" or "chips[2]." */
    unsigned depth;
} decoding;

CN_PRINTF(3, 4)
static bool wrong(decoding *d, const char *name, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(d->fault->text, sizeof d->fault->text, format, args);
    va_end(args);
    snprintf(d->fault->field, sizeof d->fault->field, "%s%s", d->path, name);
    return false;
}

static void set_has(const cn_api_member *m, char *out)
{
    if (m->has_at != SIZE_MAX)
        memcpy(out + m->has_at, &(bool){true}, sizeof(bool));
}

/* ---- single values ---- */

static bool check_length(decoding *d, const cn_api_member *m, size_t length, const char *of)
{
    if (m->min && length < (uint64_t) m->min)
        return wrong(d, m->name, "is too short: at least %" PRId64 " %s", m->min, of);
    if (m->max && length > (uint64_t) m->max)
        return wrong(d, m->name, "is too long: at most %" PRId64 " %s", m->max, of);
    return true;
}

static bool check_hex(decoding *d, const cn_api_member *m, cn_span text)
{
    bool good = text.len == 40;
    for (size_t i = 0; i < text.len; i++)
        good = good && (cn_is_digit(text.p[i]) || (text.p[i] >= 'a' && text.p[i] <= 'f'));
    return good || wrong(d, m->name, "is no event id: 40 hexadecimal digits");
}

static bool put_text(decoding *d, const cn_api_member *m, cn_span text, char *out)
{
    char *copy = cn_arena_copy(d->arena, text);
    if (!copy)
        return wrong(d, m->name, "is more than there is memory for");
    memcpy(out + m->at, &(cn_span){(const uint8_t *) copy, text.len}, sizeof(cn_span));
    set_has(m, out);
    return check_length(d, m, text.len, "bytes") && (!m->hex || check_hex(d, m, text));
}

static bool put_int(decoding *d, const cn_api_member *m, int64_t value, char *out)
{
    if (value < m->min || (m->max && value > m->max))
        return wrong(d, m->name, "is %" PRId64 "; from %" PRId64 " to %" PRId64 " is taken", value,
                     m->min, m->max);
    memcpy(out + m->at, &value, sizeof value);
    set_has(m, out);
    return true;
}

static bool put_bool(const cn_api_member *m, bool value, char *out)
{
    memcpy(out + m->at, &value, sizeof value);
    set_has(m, out);
    return true;
}

static bool put_choice(decoding *d, const cn_api_member *m, cn_span text, char *out)
{
    char words[160] = "";
    size_t n = 0;
    for (int i = 0; m->choices[i]; i++) {
        if (cn_span_is(text, m->choices[i])) {
            memcpy(out + m->at, &i, sizeof i);
            set_has(m, out);
            return true;
        }
        if (n < sizeof words)
            n += (size_t) snprintf(words + n, sizeof words - n, "%s%s", i ? ", " : "",
                                   m->choices[i]);
    }
    return wrong(d, m->name, "is none of %s", words);
}

static void put_default(const cn_api_member *m, char *out)
{
    cn_span text = cn_span_str(m->text);
    int choice = (int) m->fallback;
    bool truth = m->fallback != 0;
    if (m->kind == CN_API_TEXT)
        memcpy(out + m->at, &text, sizeof text);
    else if (m->kind == CN_API_INT)
        memcpy(out + m->at, &m->fallback, sizeof m->fallback);
    else if (m->kind == CN_API_BOOL)
        memcpy(out + m->at, &truth, sizeof truth);
    else if (m->kind == CN_API_CHOICE)
        memcpy(out + m->at, &choice, sizeof choice);
}

/* ---- JSON ---- */

static bool decode_object(decoding *d, const cn_api_shape *shape, json_t *object, char *out);

static cn_span json_span(json_t *string)
{
    return cn_span_of(json_string_value(string), json_string_length(string));
}

static bool decode_value(decoding *d, const cn_api_member *m, json_t *json, char *out)
{
    cn_api_value value = {.type = CN_API_NULL};
    if (json_is_string(json)) {
        char *copy = cn_arena_copy(d->arena, json_span(json));
        if (!copy)
            return wrong(d, m->name, "is more than there is memory for");
        value.type = CN_API_STRING;
        value.text = cn_span_of(copy, json_string_length(json));
        if (!check_length(d, m, value.text.len, "bytes"))
            return false;
    } else if (json_is_integer(json)) {
        value.type = CN_API_NUMBER;
        value.num = json_integer_value(json);
    } else if (json_is_real(json)) {
        value.type = CN_API_REAL;
        value.real = json_real_value(json);
    } else if (json_is_boolean(json)) {
        value.type = CN_API_TRUTH;
        value.num = json_is_true(json);
    } else if (!json_is_null(json)) {
        return wrong(d, m->name, "is neither text, number, truth nor null");
    }
    memcpy(out + m->at, &value, sizeof value);
    return true;
}

/* What arrays decode to: struct { const T *p; size_t n; }. */
typedef struct array {
    const void *p;
    size_t n;
} array;

static bool decode_text_item(decoding *d, const cn_api_member *m, json_t *item, cn_span *out)
{
    if (!json_is_string(item))
        return wrong(d, m->name, "holds something that is no text");
    cn_span text = json_span(item);
    if (text.len < (uint64_t) m->item_min || (m->item_max && text.len > (uint64_t) m->item_max))
        return wrong(d, m->name, "holds a text of %zu bytes; %" PRId64 " to %" PRId64 " are taken",
                     text.len, m->item_min, m->item_max);
    char *copy = cn_arena_copy(d->arena, text);
    if (!copy)
        return wrong(d, m->name, "is more than there is memory for");
    *out = cn_span_of(copy, text.len);
    return !m->hex || check_hex(d, m, *out);
}

static bool decode_int_item(decoding *d, const cn_api_member *m, json_t *item, int64_t *out)
{
    if (!json_is_integer(item))
        return wrong(d, m->name, "holds something that is no whole number");
    *out = json_integer_value(item);
    if (*out < m->item_min || *out > m->item_max)
        return wrong(d, m->name, "holds %" PRId64 "; %" PRId64 " to %" PRId64 " are taken", *out,
                     m->item_min, m->item_max);
    return true;
}

static bool decode_object_item(decoding *d, const cn_api_member *m, size_t index, json_t *item,
                               char *out)
{
    char outer[sizeof d->path];
    if (!json_is_object(item) || d->depth == DEPTH_MAX)
        return wrong(d, m->name, "holds something that is no object");
    memcpy(outer, d->path, sizeof outer);
    size_t n = strlen(outer);
    snprintf(d->path + n, sizeof d->path - n, "%s[%zu].", m->name, index);
    d->depth++;
    bool good = decode_object(d, m->shape, item, out);
    d->depth--;
    memcpy(d->path, outer, sizeof outer);
    return good;
}

static bool decode_array(decoding *d, const cn_api_member *m, json_t *json, char *out)
{
    if (!json_is_array(json))
        return wrong(d, m->name, "is no array");
    size_t n = json_array_size(json);
    if (!check_length(d, m, n, "items"))
        return false;
    size_t size = m->kind == CN_API_TEXTS  ? sizeof(cn_span)
                  : m->kind == CN_API_INTS ? sizeof(int64_t)
                                           : m->shape->size;
    char *items = cn_arena_alloc(d->arena, (n + 1) * size);
    if (!items)
        return wrong(d, m->name, "is more than there is memory for");
    for (size_t i = 0; i < n; i++) {
        json_t *item = json_array_get(json, i);
        char *at = items + i * size;
        bool good = m->kind == CN_API_TEXTS  ? decode_text_item(d, m, item, (cn_span *) (void *) at)
                    : m->kind == CN_API_INTS ? decode_int_item(d, m, item, (int64_t *) (void *) at)
                                             : decode_object_item(d, m, i, item, at);
        if (!good)
            return false;
    }
    memcpy(out + m->at, &(array){items, n}, sizeof(array));
    set_has(m, out);
    return true;
}

static bool decode_member(decoding *d, const cn_api_member *m, json_t *json, char *out)
{
    switch (m->kind) {
    case CN_API_TEXT:
        return json_is_string(json) ? put_text(d, m, json_span(json), out)
                                    : wrong(d, m->name, "is no text");
    case CN_API_CHOICE:
        return json_is_string(json) ? put_choice(d, m, json_span(json), out)
                                    : wrong(d, m->name, "is no text");
    case CN_API_INT:
        return json_is_integer(json) ? put_int(d, m, json_integer_value(json), out)
                                     : wrong(d, m->name, "is no whole number");
    case CN_API_BOOL:
        return json_is_boolean(json) ? put_bool(m, json_is_true(json), out)
                                     : wrong(d, m->name, "is neither true nor false");
    case CN_API_VALUE:
        return decode_value(d, m, json, out);
    case CN_API_TEXTS:
    case CN_API_INTS:
    case CN_API_OBJECTS:
        break;
    }
    return decode_array(d, m, json, out);
}

static bool is_member(const cn_api_shape *shape, const char *name)
{
    for (size_t i = 0; i < shape->n_members; i++)
        if (strcmp(shape->members[i].name, name) == 0)
            return true;
    return false;
}

static bool decode_object(decoding *d, const cn_api_shape *shape, json_t *object, char *out)
{
    const char *name;
    json_t *ignored;
    json_object_foreach(object, name, ignored)
    {
        if (!is_member(shape, name))
            return wrong(d, name, "is not known here");
    }
    memset(out, 0, shape->size);
    for (size_t i = 0; i < shape->n_members; i++) {
        const cn_api_member *m = &shape->members[i];
        json_t *json = json_object_get(object, m->name);
        if (!json && m->required)
            return wrong(d, m->name, "is missing");
        if (!json)
            put_default(m, out);
        else if (!decode_member(d, m, json, out))
            return false;
    }
    return true;
}

static json_t *parse_json(decoding *d, const char *name, cn_span text)
{
    json_error_t error;
    json_t *json = json_loadb((const char *) text.p, text.len, JSON_REJECT_DUPLICATES, &error);
    if (!json)
        wrong(d, name, "is no JSON: %s (line %d, column %d)", error.text, error.line, error.column);
    return json;
}

bool cn_decode_body(const cn_api_shape *shape, cn_span json, cn_arena *arena, void *out,
                    cn_decode_fault *fault)
{
    decoding d = {.arena = arena, .fault = fault};
    json_t *root = parse_json(&d, "", json);
    bool good = root && (json_is_object(root) || wrong(&d, "", "the body is no JSON object")) &&
                decode_object(&d, shape, root, out);
    json_decref(root);
    return good;
}

/* ---- parameters ---- */

static bool decode_parameter(decoding *d, const cn_api_member *m, cn_span value, char *out)
{
    int64_t number;
    if (m->json) {
        json_t *json = parse_json(d, m->name, value);
        bool good = json && decode_member(d, m, json, out);
        json_decref(json);
        return good;
    }
    switch (m->kind) {
    case CN_API_INT:
        return cn_text_i64(value, &number) ? put_int(d, m, number, out)
                                           : wrong(d, m->name, "is no whole number");
    case CN_API_BOOL:
        if (cn_span_is(value, "true") || cn_span_is(value, "false"))
            return put_bool(m, cn_span_is(value, "true"), out);
        return wrong(d, m->name, "is neither true nor false");
    case CN_API_CHOICE:
        return put_choice(d, m, value, out);
    case CN_API_TEXT:
    case CN_API_VALUE:
    case CN_API_TEXTS:
    case CN_API_INTS:
    case CN_API_OBJECTS:
        break;
    }
    return put_text(d, m, value, out);
}

static const cn_wire_parameter *find_parameter(const cn_wire_parameter *params, size_t n,
                                               const cn_api_member *m)
{
    for (size_t i = 0; i < n; i++)
        if (params[i].in == m->in && cn_span_is(params[i].name, m->name))
            return &params[i];
    return NULL;
}

static bool check_known(decoding *d, const cn_api_shape *shape, const cn_wire_parameter *params,
                        size_t n)
{
    for (size_t i = 0; i < n; i++) {
        bool known = params[i].in != CN_API_QUERY;
        for (size_t k = 0; shape && k < shape->n_members; k++)
            known = known || (shape->members[k].in == params[i].in &&
                              cn_span_is(params[i].name, shape->members[k].name));
        char name[64];
        snprintf(name, sizeof name, "%.*s", (int) CN_MIN(params[i].name.len, 63),
                 (const char *) params[i].name.p);
        if (!known)
            return wrong(d, name, "is not known here");
        for (size_t k = 0; k < i; k++)
            if (params[i].in == CN_API_QUERY && params[k].in == CN_API_QUERY &&
                cn_span_eq(params[i].name, params[k].name))
                return wrong(d, name, "is given twice");
    }
    return true;
}

bool cn_decode_params(const cn_api_shape *shape, const cn_wire_parameter *params, size_t n,
                      cn_arena *arena, void *out, cn_decode_fault *fault)
{
    decoding d = {.arena = arena, .fault = fault};
    if (!check_known(&d, shape, params, n))
        return false;
    if (!shape)
        return true;
    memset(out, 0, shape->size);
    for (size_t i = 0; i < shape->n_members; i++) {
        const cn_api_member *m = &shape->members[i];
        const cn_wire_parameter *p = find_parameter(params, n, m);
        if (!p && m->required)
            return wrong(&d, m->name, "is missing");
        if (!p)
            put_default(m, out);
        else if (!decode_parameter(&d, m, p->value, out))
            return false;
    }
    return true;
}

static int hex_digit(uint8_t c)
{
    return cn_is_digit(c)                             ? c - '0'
           : cn_lower(c) >= 'a' && cn_lower(c) <= 'f' ? cn_lower(c) - 87
                                                      : -1;
}

bool cn_decode_percent(cn_span text, bool plus, cn_arena *arena, cn_span *out)
{
    uint8_t *p = cn_arena_alloc(arena, text.len + 1);
    size_t n = 0;
    for (size_t i = 0; p && i < text.len; i++) {
        uint8_t c = text.p[i];
        if (c == '+' && plus) {
            c = ' ';
        } else if (c == '%') {
            int high = text.len - i > 2 ? hex_digit(text.p[i + 1]) : -1;
            int low = text.len - i > 2 ? hex_digit(text.p[i + 2]) : -1;
            if (high < 0 || low < 0)
                return false;
            c = (uint8_t) (high << 4 | low);
            i += 2;
        }
        if (c == 0)
            return false;
        p[n++] = c;
    }
    *out = cn_span_of(p, n);
    return p && cn_text_is_utf8(*out);
}
