/* l2tcsv: 17 columns, one row for the times of one record that are equal.
 *
 * date,time,timezone,MACB,source,sourcetype,type,user,host,short,desc,version,filename,inode,notes,
 * format,extra. Times are cut to seconds by the format; `extra` has the whole datetime. Quoted by
 * RFC 4180 (where Plaso puts blanks for commas), so that nothing of the evidence is lost. */
#include "base/text.h"
#include "event/encoder.h"

#include <stdlib.h>

#define SHORT_MAX 80 /* bytes of the short description */

struct cn_l2t_row {
    bool filled;
    bool has_time;
    int64_t time_ns;
    uint64_t origin_key, offset;
    uint8_t macb; /* bits 0..3 */
    /* The columns between MACB and type, the descriptions, and all that follows. */
    cn_buf before, descs, after;
};

struct cn_l2t_row *cn_l2t_free(struct cn_l2t_row *row)
{
    if (!row)
        return NULL;
    cn_buf_free(&row->before);
    cn_buf_free(&row->descs);
    cn_buf_free(&row->after);
    free(row);
    return NULL;
}

void cn_l2t_head(cn_buf *out)
{
    cn_buf_str(out, "date,time,timezone,MACB,source,sourcetype,type,user,host,short,desc,version,"
                    "filename,inode,notes,format,extra\r\n");
}

static uint8_t macb_of(cn_span desc)
{
    static const char *const texts[] = {"Content Modification Time", "Last Access Time",
                                        "Metadata Modification Time", "Creation Time"};
    for (size_t i = 0; i < CN_LEN(texts); i++)
        if (cn_span_is(desc, texts[i]))
            return (uint8_t) (1u << i);
    return 0;
}

static void put_time(cn_buf *out, const struct cn_l2t_row *row)
{
    if (!row->has_time) {
        cn_buf_str(out, "00/00/0000,--:--:--,UTC,");
        return;
    }
    cn_civil c = cn_civil_from_time(row->time_ns);
    cn_buf_printf(out, "%02u/%02u/%04d,%02u:%02u:%02u,UTC,", c.month, c.day, c.year, c.hour,
                  c.minute, c.second);
}

void cn_l2t_end_row(cn_encoder *e)
{
    struct cn_l2t_row *row = e->l2t;
    if (!row || !row->filled)
        return;
    put_time(&e->buf, row);
    for (size_t i = 0; i < 4; i++)
        cn_buf_char(&e->buf, row->macb & 1u << i ? "MACB"[i] : '.');
    cn_buf_bytes(&e->buf, cn_buf_span(&row->before));
    cn_csv_put(&e->buf, cn_buf_span(&row->descs));
    cn_buf_bytes(&e->buf, cn_buf_span(&row->after));
    e->buf.failed |= row->before.failed || row->descs.failed || row->after.failed;
    row->filled = false;
}

static void put_plain(cn_buf *out, const cn_field *field)
{
    if (field->type == CN_INT)
        cn_buf_i64(out, field->num);
    else if (field->type == CN_BOOL)
        cn_buf_str(out, field->num ? "true" : "false");
    else
        cn_buf_bytes(out, field->text);
}

/* `key: value; ` of every field that has no column, then what says where the record stands. */
static void put_extra(cn_buf *out, const cn_event_view *event)
{
    char id[CN_EVENT_ID_TEXT];
    cn_field_names names = {{0}};
    CN_CLEANUP(cn_buf_free) cn_buf text = cn_buf_of(CN_ENCODER_MAX);
    cn_buf_str(&text, "datetime: ");
    if (event->has_time)
        cn_encode_datetime(&text, event->time_ns);
    else
        cn_buf_str(&text, "none");
    for (size_t i = 0; i < event->n_fields; i++) {
        cn_buf_str(&text, "; ");
        cn_field_put_name(&text, &names, event, i);
        cn_buf_str(&text, ": ");
        put_plain(&text, &event->fields[i]);
    }
    cn_event_id_format(event->id, id);
    cn_buf_printf(&text, "; data_type: %.*s; offset: %llu; length: %llu; event_id: %s",
                  (int) event->data_type.len, (const char *) event->data_type.p,
                  (unsigned long long) event->offset, (unsigned long long) event->length, id);
    const struct {
        const char *key;
        cn_span text;
    } more[] = {{"image", event->origin->image},
                {"volume", event->origin->volume},
                {"stream", event->origin->stream}};
    for (size_t i = 0; i < CN_LEN(more); i++) {
        if (more[i].text.len == 0)
            continue;
        cn_buf_printf(&text, "; %s: ", more[i].key);
        cn_buf_bytes(&text, more[i].text);
    }
    cn_csv_put(out, cn_buf_span(&text));
    out->failed |= text.failed;
}

static void put_named(cn_buf *out, const cn_event_view *event, cn_field_id id)
{
    const cn_field *field = cn_view_field(event, id);
    if (field && field->type != CN_INT && field->type != CN_BOOL)
        cn_csv_put(out, field->text);
    cn_buf_char(out, ',');
}

static void begin_row(struct cn_l2t_row *row, const cn_event_view *event)
{
    cn_buf_clear(&row->before);
    cn_buf_clear(&row->descs);
    cn_buf_clear(&row->after);
    row->filled = true;
    row->has_time = event->has_time;
    row->time_ns = event->time_ns;
    row->origin_key = event->id.origin_key;
    row->offset = event->offset;
    row->macb = 0;
    cn_buf_str(&row->before, cn_span_starts(event->data_type, "fs:") ? ",FILE," : ",LOG,");
    cn_csv_put(&row->before, event->data_type);
    cn_buf_char(&row->before, ',');
    cn_buf_char(&row->after, ',');
    put_named(&row->after, event, CN_F_username);
    put_named(&row->after, event, CN_F_hostname);
    cn_csv_put(&row->after, cn_span_sub(event->message, 0, SHORT_MAX));
    cn_buf_char(&row->after, ',');
    cn_csv_put(&row->after, event->message);
    cn_buf_str(&row->after, ",2,");
    cn_csv_put(&row->after, event->origin->path);
    cn_buf_char(&row->after, ',');
    if (event->origin->inode)
        cn_buf_u64(&row->after, event->origin->inode);
    cn_buf_char(&row->after, ',');
    put_named(&row->after, event, CN_F_evidence_note);
    cn_csv_put(&row->after, event->origin->parser);
    cn_buf_char(&row->after, ',');
    put_extra(&row->after, event);
    cn_buf_str(&row->after, "\r\n");
}

/* The same record and the same time, of which another description is to be told. Only records of
 * which all times are there may be merged: those of a file system. */
static bool continues(const struct cn_l2t_row *row, const cn_event_view *event)
{
    return row->filled && row->has_time && event->has_time && row->time_ns == event->time_ns &&
           row->origin_key == event->id.origin_key && row->offset == event->offset &&
           cn_span_is(event->data_type, "fs:stat") && !(row->macb & macb_of(event->desc));
}

int cn_l2t_add(cn_encoder *e, const cn_event_view *event, cn_err *err)
{
    if (!e->l2t) {
        e->l2t = calloc(1, sizeof *e->l2t);
        if (!e->l2t)
            return cn_fail(err, CN_E_NO_MEMORY, CN_NO_OFFSET, "no memory to write l2tcsv");
        e->l2t->before = e->l2t->descs = e->l2t->after = cn_buf_of(CN_ENCODER_MAX);
    }
    if (continues(e->l2t, event)) {
        cn_buf_str(&e->l2t->descs, "; ");
    } else {
        cn_l2t_end_row(e);
        begin_row(e->l2t, event);
    }
    cn_buf_bytes(&e->l2t->descs, event->desc);
    e->l2t->macb |= macb_of(event->desc);
    return CN_OK;
}
