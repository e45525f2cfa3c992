/* JSON of an event: flat, one line, as Timesketch imports it. */
#include "base/text.h"
#include "event/encoder.h"

/* Keys that are not fields of the evidence. */
static const char *const fixed[] = {
    "message", "datetime", "timestamp", "timestamp_desc", "data_type", "path",   "inode",
    "stream",  "parser",   "image",     "volume",         "offset",    "length", "event_id",
};

static bool is_fixed(cn_span name)
{
    for (size_t i = 0; i < CN_LEN(fixed); i++)
        if (cn_span_is(name, fixed[i]))
            return true;
    return false;
}

static cn_span field_name(const cn_field *field)
{
    return field->id == CN_F_DYNAMIC ? field->name : cn_span_str(cn_vocabulary[field->id].name);
}

/* Whether a dynamic field's name may meet that of another field of the event. */
static unsigned times_before(const cn_event_view *event, size_t index)
{
    cn_span name = event->fields[index].name;
    unsigned n = 0;
    for (size_t i = 0; i < index; i++)
        n += cn_span_eq(field_name(&event->fields[i]), name);
    return n;
}

void cn_field_put_name(cn_buf *out, cn_field_names *names, const cn_event_view *event, size_t index)
{
    const cn_field *field = &event->fields[index];
    unsigned before;
    if (field->id == CN_F_DYNAMIC) {
        before = times_before(event, index);
        if (is_fixed(field->name))
            cn_buf_str(out, "evidence_");
        cn_text_put_json(out, field->name);
    } else {
        before = names->seen[field->id]++;
        cn_buf_str(out, cn_vocabulary[field->id].name);
    }
    if (before) {
        cn_buf_char(out, '_');
        cn_buf_u64(out, before + 1);
    }
}

static void put_text(cn_buf *out, const char *key, cn_span text)
{
    cn_buf_str(out, ",\"");
    cn_buf_str(out, key);
    cn_buf_str(out, "\":\"");
    cn_text_put_json(out, text);
    cn_buf_char(out, '"');
}

static void put_number(cn_buf *out, const char *key, uint64_t value)
{
    cn_buf_str(out, ",\"");
    cn_buf_str(out, key);
    cn_buf_str(out, "\":");
    cn_buf_u64(out, value);
}

void cn_field_put_value(cn_buf *out, const cn_field *field)
{
    if (field->type == CN_INT) {
        cn_buf_i64(out, field->num);
    } else if (field->type == CN_BOOL) {
        cn_buf_str(out, field->num ? "true" : "false");
    } else {
        cn_buf_char(out, '"');
        cn_text_put_json(out, field->text);
        cn_buf_char(out, '"');
    }
}

static bool chosen(const cn_encode_choice *choice, cn_span name)
{
    if (!choice || !choice->names)
        return true;
    for (size_t i = 0; i < choice->n; i++)
        if (cn_span_eq(choice->names[i], name))
            return true;
    return false;
}

static void put_time(cn_buf *out, int64_t time_ns)
{
    cn_buf_str(out, ",\"datetime\":\"");
    cn_encode_datetime(out, time_ns);
    cn_buf_str(out, "\",\"timestamp\":");
    cn_buf_i64(out, cn_encode_us(time_ns));
}

static void put_origin(cn_buf *out, const cn_event_view *event, const cn_encode_choice *choice)
{
    const cn_origin *o = event->origin;
    const struct {
        const char *key;
        cn_span text;
        bool always;
    } texts[] = {{"path", o->path, true},
                 {"stream", o->stream, false},
                 {"parser", o->parser, true},
                 {"image", o->image, false},
                 {"volume", o->volume, false}};
    for (size_t i = 0; i < CN_LEN(texts); i++)
        if ((texts[i].always || texts[i].text.len) && chosen(choice, cn_span_str(texts[i].key)))
            put_text(out, texts[i].key, texts[i].text);
    if (o->inode && chosen(choice, CN_SPAN_LIT("inode")))
        put_number(out, "inode", o->inode);
    if (chosen(choice, CN_SPAN_LIT("offset")))
        put_number(out, "offset", event->offset);
    if (chosen(choice, CN_SPAN_LIT("length")))
        put_number(out, "length", event->length);
}

static void put_event(cn_buf *out, const cn_event_view *event, const cn_encode_choice *choice,
                      bool epoch)
{
    char id[CN_EVENT_ID_TEXT];
    cn_field_names names = {{0}};
    cn_buf_str(out, "{\"message\":\"");
    cn_text_put_json(out, event->message);
    cn_buf_char(out, '"');
    if (event->has_time || epoch)
        put_time(out, event->has_time ? event->time_ns : 0);
    put_text(out, "timestamp_desc", event->desc);
    put_text(out, "data_type", event->data_type);
    for (size_t i = 0; i < event->n_fields; i++) {
        if (!chosen(choice, field_name(&event->fields[i])))
            continue;
        cn_buf_str(out, ",\"");
        cn_field_put_name(out, &names, event, i);
        cn_buf_str(out, "\":");
        cn_field_put_value(out, &event->fields[i]);
    }
    put_origin(out, event, choice);
    cn_event_id_format(event->id, id);
    put_text(out, "event_id", cn_span_str(id));
    cn_buf_char(out, '}');
}

void cn_encode_event(cn_buf *out, const cn_event_view *event, const cn_encode_choice *choice)
{
    put_event(out, event, choice, false);
}

void cn_encode_line(cn_buf *out, const cn_event_view *event)
{
    put_event(out, event, NULL, true);
    cn_buf_char(out, '\n');
}
