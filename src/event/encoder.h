/* What the encodings share; for the files event/encode*.c only. */
#pragma once

#include "event/encode.h"

#define CN_ENCODER_CHUNK CN_KIB(256) /* bytes handed out at a time */
#define CN_ENCODER_MAX                                                                             \
    CN_MIB(64) /* of one event: a message and 128 fields at their limits, escaped */

struct cn_encoder {
    cn_encoding encoding;
    cn_encode_out out;
    void *context;
    cn_buf buf;
    bool gather;
    struct cn_l2t_row *l2t;     /* the record at hand */
    struct cn_body_table *body; /* the name at hand, or all of them */
};

/* The name that a field goes by in JSON; used[] remembers what has been seen. Appends to out. */
typedef struct cn_field_names {
    uint8_t seen[CN_F_COUNT];
} cn_field_names;
void cn_field_put_name(cn_buf *out, cn_field_names *names, const cn_event_view *event,
                       size_t index);

/* A field's value as JSON. */
void cn_field_put_value(cn_buf *out, const cn_field *field);
/* An event as a line of JSONL. */
void cn_encode_line(cn_buf *out, const cn_event_view *event);

/* Microseconds, rounded down. */
int64_t cn_encode_us(int64_t time_ns);
/* ISO 8601 with 6 digits, 9 where they matter. */
void cn_encode_datetime(cn_buf *out, int64_t time_ns);
/* One field of CSV, quoted where RFC 4180 asks for it; NUL and bad UTF-8 as U+FFFD. */
void cn_csv_put(cn_buf *out, cn_span text);
/* The first field of that id; NULL where there is none. */
const cn_field *cn_view_field(const cn_event_view *event, cn_field_id id);

void cn_csv_head(cn_buf *out);
void cn_csv_row(cn_buf *out, const cn_event_view *event);

void cn_l2t_head(cn_buf *out);
int cn_l2t_add(cn_encoder *e, const cn_event_view *event, cn_err *err) CN_MUST_USE;
void cn_l2t_end_row(cn_encoder *e);
struct cn_l2t_row *cn_l2t_free(struct cn_l2t_row *row);

int cn_body_add(cn_encoder *e, const cn_event_view *event, cn_err *err) CN_MUST_USE;
int cn_body_end_rows(cn_encoder *e, cn_err *err) CN_MUST_USE;
struct cn_body_table *cn_body_free(struct cn_body_table *table);

/* Hands out what is in the buffer where it is more than a chunk, or all of it. */
int cn_encoder_drain(cn_encoder *e, bool all, cn_err *err) CN_MUST_USE;
