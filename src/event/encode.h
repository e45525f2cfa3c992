/* Events as text for others: JSONL and CSV as Timesketch imports them, l2tcsv, bodyfile.
 *
 * An event without a time keeps its place in these formats, all of which demand one: 1970-01-01 and
 * `timestamp_desc` "Not a time", as Plaso writes it; Timesketch drops what has no datetime. In the
 * API's answers (cn_encode_event) such an event has neither `datetime` nor `timestamp`.
 *
 * Bytes that are no UTF-8 are written as U+FFFD in all but the bodyfile, whose names keep their
 * bytes; image, volume, path or inode, stream, offset and length say where the original stands. */
#pragma once

#include "base/buf.h"
#include "event/event.h"
#include "event/spool.h"

/* An event, wherever it lies: spool or store. All of it is borrowed. */
typedef struct cn_event_view {
    int64_t time_ns;
    bool has_time;
    cn_span desc, data_type, message;
    uint64_t offset, length;
    const cn_origin *origin;
    cn_event_id id;
    const cn_field *fields;
    size_t n_fields;
} cn_event_view;

/* An event of the spool, good as long as that one is. */
static inline cn_event_view cn_view_spooled(const cn_spooled *s)
{
    return (cn_event_view){
        .time_ns = s->event.time_ns,
        .has_time = s->event.has_time,
        .desc = cn_span_str(cn_desc_text(s->event.desc)),
        .data_type = cn_span_str(s->event.data_type),
        .message = s->event.message,
        .offset = s->event.offset,
        .length = s->event.length,
        .origin = s->origin,
        .id = s->id,
        .fields = s->event.fields,
        .n_fields = s->event.n_fields,
    };
}

typedef enum cn_encoding {
    CN_ENCODE_JSONL,
    CN_ENCODE_CSV,
    CN_ENCODE_L2TCSV,
    CN_ENCODE_BODYFILE,
    CN_ENCODE_COUNT
} cn_encoding;

/* "jsonl", "csv", "l2tcsv", "bodyfile". */
const char *cn_encoding_name(cn_encoding encoding);
CN_MUST_USE bool cn_encoding_by_name(cn_span name, cn_encoding *out);
/* Its media type for HTTP. */
const char *cn_encoding_media_type(cn_encoding encoding);

/* Takes encoded bytes. Negative, with err set, ends the encoding. */
typedef int (*cn_encode_out)(void *context, cn_span bytes, cn_err *err);

typedef struct cn_encoder cn_encoder;

/* Owned by the caller; NULL without memory. Nothing is written yet. */
cn_encoder *cn_encoder_new(cn_encoding encoding, cn_encode_out out, void *context);
/* For events that do not come in the order in which the evidence was walked (a search, sorted by
 * time): a bodyfile then gathers the times of each name in memory, about 200 bytes and the name for
 * each, and writes the rows at the end; CN_E_LIMIT above 1 GiB. Without it, it merges what comes
 * one after the other. l2tcsv merges the times of one record that come one after the other either
 * way, as those of equal time do. */
void cn_encoder_gather(cn_encoder *encoder);
/* The head row of the CSV formats; nothing for the others. Once per file, not per encoder. */
int cn_encoder_head(cn_encoder *encoder, cn_err *err) CN_MUST_USE;
/* bodyfile takes fs:stat events only and passes over others. */
int cn_encoder_add(cn_encoder *encoder, const cn_event_view *event, cn_err *err) CN_MUST_USE;
/* Ends the row at hand and hands everything out. Needed at the end; may be called between. */
int cn_encoder_flush(cn_encoder *encoder, cn_err *err) CN_MUST_USE;
cn_encoder *cn_encoder_free(cn_encoder *encoder);
CN_DEFINE_CLEANUP(cn_encoder, cn_encoder_free)

/* Which fields an event's JSON has, beside message, datetime, timestamp, timestamp_desc, data_type
 * and event_id. names NULL: all. */
typedef struct cn_encode_choice {
    const cn_span *names;
    size_t n;
} cn_encode_choice;

/* One event as a JSON object, without a newline. Keys: message, datetime (nanoseconds where they
 * matter, else microseconds), timestamp (microseconds, rounded down), timestamp_desc, data_type,
 * the event's fields, then path, inode, stream, parser, image, volume, offset, length, event_id.
 * What is unset is absent. A second value of one field is NAME_2 and so on; a name that evidence
 * gave and that is one of the keys here gets `evidence_` in front. */
void cn_encode_event(cn_buf *out, const cn_event_view *event, const cn_encode_choice *choice);
