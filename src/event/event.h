/* The event: one time of one record of evidence. A parser makes one on its stack and emits it;
 * nothing in it outlives the call. An unset value is absent, never 0. Where a record has no valid
 * time, one event is emitted without. */
#pragma once

#include "base/err.h"
#include "base/timestamp.h"

typedef enum cn_type { CN_TEXT, CN_INT, CN_BOOL, CN_ADDR } cn_type;

/* The vocabulary's ids: CN_F_hostname, ... CN_F_DYNAMIC marks a field whose name the evidence gave.
 */
typedef enum cn_field_id {
    CN_F_DYNAMIC = 0,
#define CN_FIELD(name, type, meaning) CN_F_##name,
#include "event/vocabulary.def"
#undef CN_FIELD
    CN_F_COUNT
} cn_field_id;

typedef struct cn_field_info {
    const char *name;
    cn_type type;
    const char *meaning;
} cn_field_info;

/* Indexed by cn_field_id; entry 0 has the name NULL. */
extern const cn_field_info cn_vocabulary[CN_F_COUNT];
/* The id of a name, CN_F_DYNAMIC where the vocabulary lacks it. */
cn_field_id cn_field_by_name(cn_span name);

/* What a time means, in Plaso's words: CN_DESC(id, text). */
#define CN_DESCS(X)                                                                                \
    X(MODIFICATION, "Content Modification Time")                                                   \
    X(ACCESS, "Last Access Time")                                                                  \
    X(CHANGE, "Metadata Modification Time")                                                        \
    X(CREATION, "Creation Time")                                                                   \
    X(DELETION, "Deletion Time")                                                                   \
    X(RECORDED, "Recorded Time")                                                                   \
    X(ADDED, "Added Time")                                                                         \
    X(LAST_LOGIN, "Last Login Time")                                                               \
    X(START, "Start Time")                                                                         \
    X(END, "End Time")                                                                             \
    X(NOT_A_TIME, "Not a time")
typedef enum cn_desc {
#define CN_DESC_ID(id, text) CN_DESC_##id,
    CN_DESCS(CN_DESC_ID)
#undef CN_DESC_ID
        CN_DESC_COUNT
} cn_desc;
const char *cn_desc_text(cn_desc desc);

typedef struct cn_field {
    cn_field_id id;
    cn_type type;
    cn_span name; /* of a dynamic field: lower-case letters, digits, `_`; empty otherwise */
    cn_span text; /* CN_TEXT, CN_ADDR: bytes as the evidence has them */
    int64_t num;  /* CN_INT, CN_BOOL */
} cn_field;

static inline cn_field cn_field_text(cn_field_id id, cn_span value)
{
    return (cn_field){.id = id, .type = cn_vocabulary[id].type, .text = value};
}
static inline cn_field cn_field_int(cn_field_id id, int64_t value)
{
    return (cn_field){.id = id, .type = cn_vocabulary[id].type, .num = value};
}
static inline cn_field cn_field_named(cn_span name, cn_span value)
{
    return (cn_field){.id = CN_F_DYNAMIC, .type = CN_TEXT, .name = name, .text = value};
}

#define CN_EVENT_FIELDS_MAX 128 /* per event; more are cut and noted */
#define CN_EVENT_MESSAGE_MAX                                                                       \
    CN_MIB(1) /* bytes; a longer message is cut and noted in evidence_note */
#define CN_EVENT_VALUE_MAX CN_KIB(256) /* bytes of one field's text */

typedef struct cn_event {
    int64_t time_ns;
    bool has_time;
    cn_desc desc;
    const char *data_type; /* a string constant such as "syslog:line" */
    cn_span message; /* one readable line, made by the parser; bytes, mended to UTF-8 on output */
    uint64_t offset; /* of the record in its stream (decompressed, where it was compressed) */
    uint64_t length; /* bytes of the record there */
    const cn_field *fields;
    size_t n_fields;
} cn_event;

/* Where events come from: set once per stream, kept by the sink for all that follow. All spans are
 * borrowed. */
typedef struct cn_origin {
    cn_span image;     /* name shown to people, such as "web01.raw" */
    uint64_t image_id; /* fingerprint of the media, the same wherever the image lies */
    cn_span volume;    /* "" for a bare file system, "p2", "lvm/vg0/root" */
    cn_span path;      /* absolute, bytes as in the file system */
    uint64_t inode;    /* 0 where there is none */
    cn_span stream; /* "" for the file's content as it is, "gzip", "bzip2", "xz", "zstd" for what is
                       inside */
    cn_span parser; /* folder name of the parser */
} cn_origin;

/* 64 bits that name an origin (image_id, volume, path, inode, stream, parser); part of every
 * event_id. */
uint64_t cn_origin_key(const cn_origin *origin);

/* event_id as text, 40 hexadecimal digits: origin key (16), offset (16), ordinal (8). The ordinal
 * counts the events that one origin yields at one offset. It needs no storage and is the same
 * whenever the image is read again. */
typedef struct cn_event_id {
    uint64_t origin_key, offset;
    uint32_t ordinal;
} cn_event_id;
#define CN_EVENT_ID_TEXT 41
void cn_event_id_format(cn_event_id id, char out[CN_EVENT_ID_TEXT]);
CN_MUST_USE bool cn_event_id_parse(cn_span text, cn_event_id *out);

/* Takes events. `emit` copies what it keeps. Negative: stop and pass it on (CANCELLED, LIMIT,
 * NO_MEMORY). */
typedef struct cn_sink {
    int (*emit)(struct cn_sink *sink, const cn_event *event);
    /* All later events come from here. */
    int (*origin)(struct cn_sink *sink, const cn_origin *origin);
} cn_sink;
