/* CSV that Timesketch imports: message, datetime, timestamp and timestamp_desc by name, what
 * responders look at most in columns of its own, the rest as a JSON object in `extra`. RFC 4180. */
#include "base/text.h"
#include "event/encoder.h"

static const cn_field_id columns[] = {CN_F_hostname, CN_F_username, CN_F_source_ip, CN_F_reporter,
                                      CN_F_pid};

/* Whether bytes can stand as they are: no quote, comma, control or what is not ASCII. */
static bool is_plain(cn_span text)
{
    bool plain = true;
    for (size_t i = 0; i < text.len; i++)
        plain &= text.p[i] >= 0x20 && text.p[i] < 0x80 && text.p[i] != '"' && text.p[i] != ',';
    return plain;
}

static bool needs_quotes(cn_span text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.p[i] == '"' || text.p[i] == ',' || text.p[i] == '\n' || text.p[i] == '\r')
            return true;
    return false;
}

void cn_csv_put(cn_buf *out, cn_span text)
{
    if (is_plain(text)) {
        cn_buf_bytes(out, text);
        return;
    }
    bool quote = needs_quotes(text);
    if (quote)
        cn_buf_char(out, '"');
    size_t from = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (text.p[i] != '"' && text.p[i] != 0)
            continue;
        cn_text_put_utf8(out, cn_span_sub(text, from, i - from));
        cn_buf_str(out, text.p[i] ? "\"\"" : "\xef\xbf\xbd");
        from = i + 1;
    }
    cn_text_put_utf8(out, cn_span_sub(text, from, text.len - from));
    if (quote)
        cn_buf_char(out, '"');
}

static void put_field(cn_buf *out, const cn_field *field)
{
    if (field && field->type == CN_INT)
        cn_buf_i64(out, field->num);
    else if (field && field->type == CN_BOOL)
        cn_buf_str(out, field->num ? "true" : "false");
    else if (field)
        cn_csv_put(out, field->text);
}

void cn_csv_head(cn_buf *out)
{
    cn_buf_str(out, "message,datetime,timestamp,timestamp_desc,data_type");
    for (size_t i = 0; i < CN_LEN(columns); i++) {
        cn_buf_char(out, ',');
        cn_buf_str(out, cn_vocabulary[columns[i]].name);
    }
    cn_buf_str(out, ",path,inode,stream,parser,image,volume,offset,length,event_id,extra\r\n");
}

static bool in_a_column(const cn_event_view *event, size_t index)
{
    const cn_field *field = &event->fields[index];
    for (size_t i = 0; i < CN_LEN(columns); i++)
        if (field->id == columns[i])
            return cn_view_field(event, field->id) == field;
    return false;
}

/* The fields without a column, as JSON in one quoted field. */
static void put_extra(cn_buf *out, const cn_event_view *event)
{
    cn_field_names names = {{0}};
    CN_CLEANUP(cn_buf_free) cn_buf json = cn_buf_of(CN_ENCODER_MAX);
    for (size_t i = 0; i < event->n_fields; i++) {
        if (in_a_column(event, i)) {
            names.seen[event->fields[i].id]++;
            continue;
        }
        cn_buf_str(&json, json.len ? ",\"" : "{\"");
        cn_field_put_name(&json, &names, event, i);
        cn_buf_str(&json, "\":");
        cn_field_put_value(&json, &event->fields[i]);
    }
    if (json.len == 0)
        return;
    cn_buf_char(&json, '}');
    cn_csv_put(out, cn_buf_span(&json));
    out->failed |= json.failed;
}

void cn_csv_row(cn_buf *out, const cn_event_view *event)
{
    const cn_origin *o = event->origin;
    char id[CN_EVENT_ID_TEXT];
    int64_t time_ns = event->has_time ? event->time_ns : 0;
    cn_csv_put(out, event->message);
    cn_buf_char(out, ',');
    cn_encode_datetime(out, time_ns);
    cn_buf_char(out, ',');
    cn_buf_i64(out, cn_encode_us(time_ns));
    cn_buf_char(out, ',');
    cn_csv_put(out, event->desc);
    cn_buf_char(out, ',');
    cn_csv_put(out, event->data_type);
    for (size_t i = 0; i < CN_LEN(columns); i++) {
        cn_buf_char(out, ',');
        put_field(out, cn_view_field(event, columns[i]));
    }
    cn_buf_char(out, ',');
    cn_csv_put(out, o->path);
    cn_buf_char(out, ',');
    if (o->inode)
        cn_buf_u64(out, o->inode);
    const cn_span texts[] = {o->stream, o->parser, o->image, o->volume};
    for (size_t i = 0; i < CN_LEN(texts); i++) {
        cn_buf_char(out, ',');
        cn_csv_put(out, texts[i]);
    }
    cn_event_id_format(event->id, id);
    cn_buf_printf(out, ",%llu,%llu,%s,", (unsigned long long) event->offset,
                  (unsigned long long) event->length, id);
    put_extra(out, event);
    cn_buf_str(out, "\r\n");
}
