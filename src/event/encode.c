/* The encoder: a buffer in front of the caller's output, and what each encoding does with an event.
 */
#include "event/encoder.h"

#include <stdlib.h>

static const struct {
    const char *name, *media_type;
} encodings[CN_ENCODE_COUNT] = {
    [CN_ENCODE_JSONL] = {"jsonl", "application/x-ndjson"},
    [CN_ENCODE_CSV] = {"csv", "text/csv; charset=utf-8"},
    [CN_ENCODE_L2TCSV] = {"l2tcsv", "text/csv; charset=utf-8"},
    [CN_ENCODE_BODYFILE] = {"bodyfile", "text/plain"},
};

const char *cn_encoding_name(cn_encoding encoding)
{
    return encoding < CN_ENCODE_COUNT ? encodings[encoding].name : "";
}

const char *cn_encoding_media_type(cn_encoding encoding)
{
    return encoding < CN_ENCODE_COUNT ? encodings[encoding].media_type : "";
}

bool cn_encoding_by_name(cn_span name, cn_encoding *out)
{
    for (cn_encoding e = 0; e < CN_ENCODE_COUNT; e++) {
        if (cn_span_is(name, encodings[e].name)) {
            *out = e;
            return true;
        }
    }
    return false;
}

int64_t cn_encode_us(int64_t time_ns)
{
    int64_t us = time_ns / CN_NS_PER_US;
    return us - (time_ns % CN_NS_PER_US < 0);
}

void cn_encode_datetime(cn_buf *out, int64_t time_ns)
{
    cn_time_format(out, time_ns, time_ns % CN_NS_PER_US ? 9 : 6);
}

const cn_field *cn_view_field(const cn_event_view *event, cn_field_id id)
{
    for (size_t i = 0; i < event->n_fields; i++)
        if (event->fields[i].id == id)
            return &event->fields[i];
    return NULL;
}

cn_encoder *cn_encoder_new(cn_encoding encoding, cn_encode_out out, void *context)
{
    cn_encoder *e = calloc(1, sizeof *e);
    if (e)
        *e = (cn_encoder){
            .encoding = encoding, .out = out, .context = context, .buf = cn_buf_of(CN_ENCODER_MAX)};
    return e;
}

void cn_encoder_gather(cn_encoder *encoder) { encoder->gather = true; }

int cn_encoder_drain(cn_encoder *e, bool all, cn_err *err)
{
    if (e->buf.failed)
        return cn_fail(err, CN_E_NO_MEMORY, CN_NO_OFFSET, "no memory to write %s",
                       cn_encoding_name(e->encoding));
    if (e->buf.len == 0 || (!all && e->buf.len < CN_ENCODER_CHUNK))
        return CN_OK;
    int rc = e->out(e->context, cn_buf_span(&e->buf), err);
    cn_buf_clear(&e->buf);
    return rc;
}

int cn_encoder_head(cn_encoder *encoder, cn_err *err)
{
    if (encoder->encoding == CN_ENCODE_CSV)
        cn_csv_head(&encoder->buf);
    else if (encoder->encoding == CN_ENCODE_L2TCSV)
        cn_l2t_head(&encoder->buf);
    return cn_encoder_drain(encoder, false, err);
}

int cn_encoder_add(cn_encoder *encoder, const cn_event_view *event, cn_err *err)
{
    int rc = CN_OK;
    switch (encoder->encoding) {
    case CN_ENCODE_CSV:
        cn_csv_row(&encoder->buf, event);
        break;
    case CN_ENCODE_L2TCSV:
        rc = cn_l2t_add(encoder, event, err);
        break;
    case CN_ENCODE_BODYFILE:
        rc = cn_body_add(encoder, event, err);
        break;
    case CN_ENCODE_JSONL:
    case CN_ENCODE_COUNT:
        cn_encode_line(&encoder->buf, event);
    }
    return rc ? rc : cn_encoder_drain(encoder, false, err);
}

int cn_encoder_flush(cn_encoder *encoder, cn_err *err)
{
    int rc = CN_OK;
    if (encoder->encoding == CN_ENCODE_L2TCSV)
        cn_l2t_end_row(encoder);
    else if (encoder->encoding == CN_ENCODE_BODYFILE)
        rc = cn_body_end_rows(encoder, err);
    return rc ? rc : cn_encoder_drain(encoder, true, err);
}

cn_encoder *cn_encoder_free(cn_encoder *encoder)
{
    if (!encoder)
        return NULL;
    cn_l2t_free(encoder->l2t);
    cn_body_free(encoder->body);
    cn_buf_free(&encoder->buf);
    free(encoder);
    return NULL;
}
