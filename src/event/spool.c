#include "event/spool.h"

#include "base/hash.h"
#include "base/text.h"
#include "event/spool_record.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

/* The memory: this head, then records (spool_record.h). `used` is written last. */
typedef struct cn_spool_head {
    uint64_t magic;
    uint64_t bytes; /* of the memory, with this head */
    uint64_t used;  /* end of the last whole event */
    uint64_t reserved[5];
} spool_head;

#define MAGIC UINT64_C(0x314c4f4f50534e43) /* "CNSPOOL1" */

enum {
    /* A record's position is kept in 32 bits, and a segment's working memory follows the spool's.
     */
    MAX_BYTES = 1 << 30,
    MAX_EVENT_FIELDS_BYTES = 1 << 20, /* texts of one event's fields; more are cut and noted */
    /* Fields of all events in the spool; each costs the segment writer 8 bytes and more. */
    MAX_FIELDS = 6000000,
    /* Names that evidence gave; each is a column of the segment. Later ones are put together in
     * the field other_fields. */
    MAX_NAMES = 2000,
    MAX_NAME_BYTES = 64,
    NAMES_ROOM = MAX_NAMES + CN_EVENT_FIELDS_MAX + 1, /* the last event's, and other_fields */
    NAME_SLOTS = 4096,
    KNOWN_SLOTS = 512,
    RESERVED = 0xffff, /* in known_slots: a key of the JSON that is no field */
    TYPE_SLOTS = 256,
    MAX_TYPES = 4096,
    MAX_TYPE_BYTES = 255,
    ORDINAL_BACK = 1 << 30, /* see next_ordinal() */
};

typedef struct cn_spool_text {
    const char *text;
    uint32_t len;
} spool_text;

struct cn_spool {
    spool_head *head;
    uint8_t *base; /* the memory */
    uint64_t size;

    cn_origin *origins;
    uint64_t *origin_keys;
    size_t n_origins, cap_origins;
    spool_text types[MAX_TYPES], names[NAMES_ROOM];
    size_t n_types, n_names;
    uint16_t name_slots[NAME_SLOTS]; /* index + 1 */
    uint16_t type_slots[TYPE_SLOTS]; /* index + 1, by address of the constant */
    struct {
        const char *name;
        uint16_t id; /* of the vocabulary, or RESERVED */
    } known_slots[KNOWN_SLOTS];
    cn_spool_item *items;
    size_t n_items, cap_items;
    uint32_t n_events;
    uint64_t n_fields;

    /* the sink */
    cn_sink sink;
    cn_spool_full_fn full;
    void *full_context;
    uint32_t max_events;
    bool has_origin, origin_written, item_written;
    cn_origin origin; /* texts in origin_text */
    cn_buf origin_text;
    uint64_t origin_key;
    uint32_t item;
    uint64_t skip, emitted; /* of the item */
    uint64_t last_offset, max_offset;
    uint32_t last_ordinal, back_ordinal;
    bool has_last;
};

/* ---- memory ---------------------------------------------------------------------------------- */

static void *grown(void *old, size_t *capacity, size_t item)
{
    size_t more = *capacity ? *capacity * 2 : 64;
    void *p = realloc(old, more * item);
    if (p)
        *capacity = more;
    return p;
}

static int add_origin(cn_spool *s, const cn_origin *origin, uint64_t key)
{
    if (s->n_origins == s->cap_origins) {
        size_t capacity = s->cap_origins;
        void *p = grown(s->origins, &capacity, sizeof *s->origins);
        if (!p)
            return CN_E_NO_MEMORY;
        s->origins = p;
        capacity = s->cap_origins;
        p = grown(s->origin_keys, &capacity, sizeof *s->origin_keys);
        if (!p)
            return CN_E_NO_MEMORY;
        s->origin_keys = p;
        s->cap_origins = capacity;
    }
    s->origins[s->n_origins] = *origin;
    s->origin_keys[s->n_origins++] = key;
    return CN_OK;
}

static int add_item(cn_spool *s, uint32_t item, uint64_t before)
{
    if (s->n_items == s->cap_items) {
        void *p = grown(s->items, &s->cap_items, sizeof *s->items);
        if (!p)
            return CN_E_NO_MEMORY;
        s->items = p;
    }
    s->items[s->n_items++] = (cn_spool_item){item, before, 0};
    return CN_OK;
}

static uint16_t *name_slot(cn_spool *s, cn_span name)
{
    for (uint64_t i = cn_hash64(name);; i++) {
        uint16_t *slot = &s->name_slots[i % NAME_SLOTS];
        if (!*slot)
            return slot;
        const spool_text *t = &s->names[*slot - 1];
        if (cn_span_eq(cn_span_of(t->text, t->len), name))
            return slot;
    }
}

/* The keys that an event's JSON has beside its fields. */
static const char *const reserved_keys[] = {
    "message",  "datetime", "timestamp", "timestamp_desc", "data_type", "path",    "inode",
    "stream",   "parser",   "image",     "volume",         "offset",    "length",  "event_id",
    "timeline", "system",   "tag",       "label",          "starred",   "comment",
};

static void know(cn_spool *s, const char *name, uint16_t id)
{
    uint64_t i = cn_hash64(cn_span_str(name));
    while (s->known_slots[i % KNOWN_SLOTS].name)
        i++;
    s->known_slots[i % KNOWN_SLOTS].name = name;
    s->known_slots[i % KNOWN_SLOTS].id = id;
}

static void know_all(cn_spool *s)
{
    static_assert(CN_F_COUNT + CN_LEN(reserved_keys) < KNOWN_SLOTS / 2, "room to probe");
    for (unsigned id = CN_F_DYNAMIC + 1; id < CN_F_COUNT; id++)
        know(s, cn_vocabulary[id].name, (uint16_t) id);
    for (size_t i = 0; i < CN_LEN(reserved_keys); i++)
        know(s, reserved_keys[i], RESERVED);
}

/* The vocabulary's id of a name, RESERVED, or CN_F_DYNAMIC. */
static uint16_t known_id(const cn_spool *s, cn_span name)
{
    for (uint64_t i = cn_hash64(name); s->known_slots[i % KNOWN_SLOTS].name; i++)
        if (cn_span_is(name, s->known_slots[i % KNOWN_SLOTS].name))
            return s->known_slots[i % KNOWN_SLOTS].id;
    return CN_F_DYNAMIC;
}

static void forget(cn_spool *s)
{
    s->n_origins = s->n_types = s->n_names = s->n_items = 0;
    s->n_events = 0;
    s->n_fields = 0;
    memset(s->name_slots, 0, sizeof s->name_slots);
    memset(s->type_slots, 0, sizeof s->type_slots);
    s->origin_written = s->item_written = false;
}

static void publish(cn_spool *s, uint64_t used)
{
    __atomic_store_n(&s->head->used, used, __ATOMIC_RELEASE);
}

static uint64_t round8(uint64_t n) { return (n + 7) & ~UINT64_C(7); }

/* ---- reading records ------------------------------------------------------------------------- */

static uint32_t le32(const uint8_t *p)
{
    uint32_t v;
    memcpy(&v, p, sizeof v);
    return v;
}
static uint64_t le64(const uint8_t *p)
{
    uint64_t v;
    memcpy(&v, p, sizeof v);
    return v;
}

/* The record at `at`, none of which is believed; an empty span where there is no whole one. */
static cn_span record_at(const cn_spool *s, uint64_t at, uint64_t used)
{
    if (at % 8 || at > used || used - at < 8)
        return (cn_span){NULL, 0};
    uint32_t size = le32(s->base + at);
    if (size < 16 || size % 8 || size > used - at)
        return (cn_span){NULL, 0};
    return cn_span_of(s->base + at, size);
}

bool cn_spool_event_at(const cn_spool *s, uint32_t at, cn_spool_event *out)
{
    cn_span r = record_at(s, at, s->head->used);
    if (r.len < CN_SPOOL_EVENT_HEAD || r.p[4] != CN_SPOOL_EVENT)
        return false;
    uint32_t message = le32(r.p + 40);
    if (message > r.len - CN_SPOOL_EVENT_HEAD)
        return false;
    *out = (cn_spool_event){
        .time_ns = (int64_t) le64(r.p + 8),
        .offset = le64(r.p + 16),
        .length = le64(r.p + 24),
        .ordinal = le32(r.p + 32),
        .origin = le32(r.p + 36),
        .data_type = (uint16_t) (r.p[44] | r.p[45] << 8),
        .desc = r.p[5],
        .n_fields = r.p[6],
        .has_time = r.p[7] & CN_SPOOL_HAS_TIME,
        .message = cn_span_of(r.p + CN_SPOOL_EVENT_HEAD, message),
        .fields =
            cn_span_of(r.p + CN_SPOOL_EVENT_HEAD + message, r.len - CN_SPOOL_EVENT_HEAD - message),
    };
    return out->origin < s->n_origins && out->data_type < s->n_types && out->desc < CN_DESC_COUNT;
}

bool cn_spool_event_next(const cn_spool *s, uint32_t *pos, uint32_t *out_at)
{
    uint64_t used = s->head->used, at = *pos ? *pos : sizeof(spool_head);
    for (;;) {
        cn_span r = record_at(s, at, used);
        if (!r.len)
            return false;
        if (r.p[4] == CN_SPOOL_EVENT) {
            *out_at = (uint32_t) at;
            *pos = (uint32_t) (at + r.len);
            return true;
        }
        at += r.len;
    }
}

void cn_spool_prefetch(const cn_spool *s, uint32_t at)
{
    for (uint32_t line = 0; line < 320; line += 64)
        __builtin_prefetch(s->base + at + line);
}

static bool check_event(cn_spool *s, uint64_t at)
{
    cn_spool_event e;
    if (!cn_spool_event_at(s, (uint32_t) at, &e) || s->n_items == 0 ||
        e.n_fields > CN_EVENT_FIELDS_MAX)
        return false;
    for (unsigned i = 0; i < e.n_fields; i++) {
        cn_spool_field f;
        if (!cn_spool_field_next(&e.fields, &f) || f.type > CN_ADDR || f.field == 0 ||
            f.field >= CN_F_COUNT + s->n_names)
            return false;
    }
    s->n_fields += e.n_fields;
    s->n_events++;
    s->items[s->n_items - 1].here++;
    return s->n_fields <= MAX_FIELDS + CN_EVENT_FIELDS_MAX;
}

static bool check_origin(cn_spool *s, cn_span r)
{
    cn_origin o = {.image_id = 0};
    cn_span *const parts[] = {&o.image, &o.volume, &o.path, &o.stream, &o.parser};
    if (r.len < 56)
        return false;
    o.image_id = le64(r.p + 8);
    o.inode = le64(r.p + 16);
    size_t at = 52;
    for (size_t i = 0; i < CN_LEN(parts); i++) {
        uint32_t len = le32(r.p + 32 + 4 * i);
        if (len > r.len - at)
            return false;
        *parts[i] = cn_span_of(r.p + at, len);
        at += len;
    }
    return add_origin(s, &o, cn_origin_key(&o)) == CN_OK;
}

static bool check_text(cn_spool *s, cn_span r, bool is_type)
{
    uint32_t len = le32(r.p + 8);
    if (len >= r.len - 12 || r.p[12 + len] != 0 || memchr(r.p + 12, 0, len))
        return false;
    spool_text t = {(const char *) r.p + 12, len};
    if (is_type) {
        if (s->n_types == MAX_TYPES)
            return false;
        s->types[s->n_types++] = t;
        return true;
    }
    cn_span name = cn_span_of(t.text, t.len);
    uint16_t *slot = name_slot(s, name);
    if (*slot || s->n_names == NAMES_ROOM || len > MAX_NAME_BYTES || len == 0)
        return false;
    for (size_t i = 0; i < len; i++)
        if (!cn_is_digit(name.p[i]) && !(name.p[i] >= 'a' && name.p[i] <= 'z') && name.p[i] != '_')
            return false;
    s->names[s->n_names++] = t;
    *slot = (uint16_t) s->n_names;
    return true;
}

static bool check_record(cn_spool *s, uint64_t at, cn_span r)
{
    switch (r.p[4]) {
    case CN_SPOOL_EVENT:
        return check_event(s, at);
    case CN_SPOOL_ORIGIN:
        return check_origin(s, r);
    case CN_SPOOL_TYPE:
    case CN_SPOOL_NAME:
        return check_text(s, r, r.p[4] == CN_SPOOL_TYPE);
    case CN_SPOOL_ITEM:
        return r.len >= 24 && add_item(s, le32(r.p + 8), le64(r.p + 16)) == CN_OK;
    default:
        return false;
    }
}

/* ---- making and taking over ------------------------------------------------------------------ */

static int sink_emit(cn_sink *sink, const cn_event *event);
static int sink_origin(cn_sink *sink, const cn_origin *origin);

static int make(void *memory, size_t bytes, cn_spool **out, cn_err *err)
{
    if (bytes < CN_SPOOL_MIN || bytes > MAX_BYTES || (uintptr_t) memory % 8)
        return cn_fail(err, CN_E_ARG, CN_NO_OFFSET, "a spool of %zu bytes cannot be", bytes);
    cn_spool *s = calloc(1, sizeof *s);
    if (!s)
        return cn_fail(err, CN_E_NO_MEMORY, CN_NO_OFFSET, "no memory for a spool");
    static_assert(sizeof(spool_head) == 64, "records begin at a cache line");
    s->head = memory;
    s->base = memory;
    s->size = (bytes & ~(size_t) 7) - CN_SPOOL_PAD;
    s->max_events = UINT32_MAX;
    s->sink = (cn_sink){sink_emit, sink_origin};
    s->origin_text = cn_buf_of(CN_MIB(1));
    know_all(s);
    *out = s;
    return CN_OK;
}

int cn_spool_create(void *memory, size_t bytes, cn_spool **out, cn_err *err)
{
    int rc = make(memory, bytes, out, err);
    if (rc < 0)
        return rc;
    *(*out)->head = (spool_head){.magic = MAGIC, .bytes = (*out)->size};
    publish(*out, sizeof(spool_head));
    return CN_OK;
}

int cn_spool_attach(void *memory, size_t bytes, cn_spool **out, bool *out_dropped, cn_err *err)
{
    cn_spool *s = NULL;
    int rc = make(memory, bytes, &s, err);
    if (rc < 0)
        return rc;
    uint64_t used = __atomic_load_n(&s->head->used, __ATOMIC_ACQUIRE);
    bool dropped = false;
    if (s->head->magic != MAGIC || s->head->bytes != s->size || used < sizeof(spool_head) ||
        used > s->size || used % 8) {
        *s->head = (spool_head){.magic = MAGIC, .bytes = s->size};
        used = sizeof(spool_head);
        dropped = true;
    }
    publish(s, used);
    uint64_t at = sizeof(spool_head), kept = at;
    while (at < used) {
        cn_span r = record_at(s, at, used);
        if (!r.len || !check_record(s, at, r)) {
            dropped = true;
            break;
        }
        at += r.len;
        kept = at;
    }
    publish(s, kept);
    *out = s;
    if (out_dropped)
        *out_dropped = dropped;
    return CN_OK;
}

cn_spool *cn_spool_free(cn_spool *s)
{
    if (s) {
        free(s->origins);
        free(s->origin_keys);
        free(s->items);
        cn_buf_free(&s->origin_text);
        free(s);
    }
    return NULL;
}

void cn_spool_clear(cn_spool *s)
{
    forget(s);
    publish(s, sizeof(spool_head));
}

/* ---- emitting -------------------------------------------------------------------------------- */

void cn_spool_on_full(cn_spool *s, cn_spool_full_fn full, void *context)
{
    s->full = full;
    s->full_context = context;
}

void cn_spool_limit(cn_spool *s, uint32_t max_events) { s->max_events = CN_MAX(max_events, 1u); }

cn_sink *cn_spool_sink(cn_spool *s) { return &s->sink; }

void cn_spool_begin_item(cn_spool *s, uint32_t item, uint64_t skip)
{
    s->item = item;
    s->skip = skip;
    s->emitted = 0;
    s->item_written = false;
    s->has_origin = s->origin_written = false;
}

static int sink_origin(cn_sink *sink, const cn_origin *origin)
{
    cn_spool *s = (cn_spool *) ((uint8_t *) sink - offsetof(cn_spool, sink));
    const cn_span from[] = {origin->image, origin->volume, origin->path, origin->stream,
                            origin->parser};
    cn_span *const to[] = {&s->origin.image, &s->origin.volume, &s->origin.path, &s->origin.stream,
                           &s->origin.parser};
    s->has_origin = s->origin_written = s->has_last = false;
    cn_buf_clear(&s->origin_text);
    size_t total = 0;
    for (size_t i = 0; i < CN_LEN(from); i++)
        total += from[i].len;
    uint8_t *p = cn_buf_room(&s->origin_text, total + 1);
    if (!p)
        return total < CN_MIB(1) ? CN_E_NO_MEMORY : CN_E_LIMIT;
    for (size_t i = 0; i < CN_LEN(from); i++) {
        if (from[i].len)
            memcpy(p, from[i].p, from[i].len);
        *to[i] = cn_span_of(p, from[i].len);
        p += from[i].len;
    }
    s->origin.image_id = origin->image_id;
    s->origin.inode = origin->inode;
    s->origin_key = cn_origin_key(&s->origin);
    s->has_origin = true;
    s->max_offset = 0;
    s->back_ordinal = 0;
    return CN_OK;
}

/* How many events of this origin came from this offset before. Records come in ascending order
 * nearly always; where one goes back, its ordinal counts all that went back, from a base of its
 * own, so that it stays the only one of its name and needs no table of what was seen. */
static uint32_t next_ordinal(cn_spool *s, uint64_t offset)
{
    if (s->has_last && offset == s->last_offset) {
        s->last_ordinal++;
        if (s->last_ordinal > ORDINAL_BACK)
            s->back_ordinal = s->last_ordinal - ORDINAL_BACK;
    } else {
        bool back = s->has_last && offset <= s->max_offset;
        s->last_ordinal = back ? ORDINAL_BACK + ++s->back_ordinal : 0;
        s->max_offset = CN_MAX(offset, s->has_last ? s->max_offset : 0);
    }
    s->last_offset = offset;
    s->has_last = true;
    return s->last_ordinal;
}

/* What an event becomes on its way into the spool: at most 128 fields, names in order. */
typedef struct cn_spool_draft {
    const cn_event *event;
    cn_span message;
    size_t n_fields;
    cn_field fields[CN_EVENT_FIELDS_MAX];
    uint8_t names[CN_EVENT_FIELDS_MAX][MAX_NAME_BYTES]; /* of those that had to be mended */
    char note[160];
    cn_buf other;
    size_t bytes; /* at most, as a record */
} draft;

static bool is_plain_name(cn_span name)
{
    if (name.len == 0 || name.len > MAX_NAME_BYTES)
        return false;
    for (size_t i = 0; i < name.len; i++)
        if (!cn_is_digit(name.p[i]) && !(name.p[i] >= 'a' && name.p[i] <= 'z') && name.p[i] != '_')
            return false;
    return true;
}

static cn_span mended_name(cn_span name, uint8_t out[MAX_NAME_BYTES])
{
    size_t n = 0;
    for (size_t i = 0; i < name.len && n < MAX_NAME_BYTES; i++) {
        uint8_t c = cn_lower(name.p[i]);
        out[n++] = cn_is_digit(c) || (c >= 'a' && c <= 'z') ? c : '_';
    }
    if (n == 0)
        out[n++] = '_';
    return cn_span_of(out, n);
}

/* Gives a dynamic field the name it goes by: that of a field of the vocabulary is one. */
static void settle_name(const cn_spool *s, cn_field *f, uint8_t room[MAX_NAME_BYTES])
{
    if (!is_plain_name(f->name))
        f->name = mended_name(f->name, room);
    uint16_t id = known_id(s, f->name);
    if (id == RESERVED) {
        cn_span name = f->name;
        memmove(room + 9, name.p, name.len);
        memcpy(room, "evidence_", 9);
        f->name = cn_span_of(room, name.len + 9);
    } else if (id != CN_F_DYNAMIC) {
        f->id = id;
    }
}

static void note(draft *d, const char *what)
{
    size_t len = strlen(d->note);
    snprintf(d->note + len, sizeof d->note - len, "%s%s", len ? "; " : "", what);
}

static void draft_field(cn_spool *s, draft *d, cn_field f, size_t *texts)
{
    bool is_text = f.type != CN_INT && f.type != CN_BOOL;
    if (f.type > CN_ADDR || f.id >= CN_F_COUNT)
        return;
    if (f.id == CN_F_DYNAMIC) {
        settle_name(s, &f, d->names[d->n_fields]);
        if (f.id == CN_F_DYNAMIC && s->n_names >= MAX_NAMES && !*name_slot(s, f.name)) {
            if (d->other.len)
                cn_buf_char(&d->other, ' ');
            cn_buf_bytes(&d->other, f.name);
            cn_buf_char(&d->other, '=');
            if (is_text)
                cn_buf_bytes(&d->other, f.text);
            else
                cn_buf_i64(&d->other, f.num);
            return;
        }
    }
    if (is_text) {
        size_t max = CN_MIN((size_t) CN_EVENT_VALUE_MAX, MAX_EVENT_FIELDS_BYTES - *texts);
        if (f.text.len > max) {
            f.text.len = max;
            if (!strstr(d->note, "field"))
                note(d, "a field's value is cut");
        }
        *texts += f.text.len;
    }
    d->fields[d->n_fields++] = f;
    d->bytes += 2 + 1 + 10 + (is_text ? f.text.len : 0);
}

static void draft_event(cn_spool *s, draft *d, const cn_event *event)
{
    enum { OWN = 2 }; /* fields that are added here */
    size_t texts = 0;
    d->event = event;
    d->message = event->message;
    d->n_fields = 0;
    d->note[0] = 0;
    d->other = cn_buf_of(CN_EVENT_VALUE_MAX);
    d->bytes = CN_SPOOL_EVENT_HEAD;
    if (d->message.len > CN_EVENT_MESSAGE_MAX) {
        char text[64];
        d->message.len = CN_EVENT_MESSAGE_MAX;
        snprintf(text, sizeof text, "message cut, it had %zu bytes", event->message.len);
        note(d, text);
    }
    d->bytes += d->message.len;
    for (size_t i = 0; i < event->n_fields; i++) {
        if (d->n_fields == CN_EVENT_FIELDS_MAX - OWN) {
            char text[64];
            snprintf(text, sizeof text, "%zu more fields are cut", event->n_fields - i);
            note(d, text);
            break;
        }
        draft_field(s, d, event->fields[i], &texts);
    }
    if (d->other.len) {
        cn_field f = cn_field_named(CN_SPAN_LIT("other_fields"), cn_buf_span(&d->other));
        d->fields[d->n_fields++] = f;
        d->bytes += 13 + f.text.len;
    }
    if (d->note[0]) {
        cn_field f = cn_field_text(CN_F_evidence_note, cn_span_str(d->note));
        d->fields[d->n_fields++] = f;
        d->bytes += 13 + f.text.len;
    }
}

static uint8_t *put_head(uint8_t *p, uint64_t size, enum cn_spool_kind kind)
{
    uint32_t size32 = (uint32_t) size;
    memcpy(p, &size32, 4);
    p[4] = (uint8_t) kind;
    p[5] = p[6] = p[7] = 0;
    return p;
}

/* The texts of types and names are in the table as soon as they are written; a record that is not
 * published is not taken back, since full spools are cleared. */
static uint8_t *put_text(cn_spool *s, uint8_t *p, enum cn_spool_kind kind, cn_span text)
{
    uint64_t size = round8(12 + text.len + 1);
    put_head(p, size, kind);
    uint32_t len = (uint32_t) text.len;
    memcpy(p + 8, &len, 4);
    if (len)
        memcpy(p + 12, text.p, len);
    memset(p + 12 + len, 0, size - 12 - len);
    spool_text t = {(const char *) p + 12, len};
    if (kind == CN_SPOOL_TYPE)
        s->types[s->n_types++] = t;
    else
        s->names[s->n_names++] = t;
    return p + size;
}

static size_t type_index(cn_spool *s, const char *data_type)
{
    uint16_t *slot =
        &s->type_slots[((uintptr_t) data_type >> 3 ^ (uintptr_t) data_type >> 11) % TYPE_SLOTS];
    if (*slot && strcmp(s->types[*slot - 1].text, data_type) == 0)
        return *slot - 1u;
    size_t i = 0;
    while (i < s->n_types && strcmp(s->types[i].text, data_type) != 0)
        i++;
    if (i < s->n_types)
        *slot = (uint16_t) (i + 1);
    return i;
}

static uint8_t *put_origin(cn_spool *s, uint8_t *p)
{
    const cn_span parts[] = {s->origin.image, s->origin.volume, s->origin.path, s->origin.stream,
                             s->origin.parser};
    cn_span *kept[] = {NULL, NULL, NULL, NULL, NULL};
    cn_origin o = s->origin;
    kept[0] = &o.image, kept[1] = &o.volume, kept[2] = &o.path, kept[3] = &o.stream;
    kept[4] = &o.parser;
    uint64_t size = round8(52 + s->origin_text.len), at = 52;
    for (size_t i = 0; i < CN_LEN(parts); i++)
        at += parts[i].len;
    size = round8(at);
    put_head(p, size, CN_SPOOL_ORIGIN);
    memcpy(p + 8, &o.image_id, 8);
    memcpy(p + 16, &o.inode, 8);
    memcpy(p + 24, &s->origin_key, 8);
    memset(p + size - 8, 0, 8);
    at = 52;
    for (size_t i = 0; i < CN_LEN(parts); i++) {
        uint32_t len = (uint32_t) parts[i].len;
        memcpy(p + 32 + 4 * i, &len, 4);
        if (len)
            memcpy(p + at, parts[i].p, len);
        *kept[i] = cn_span_of(p + at, len);
        at += len;
    }
    if (add_origin(s, &o, s->origin_key) < 0)
        return NULL;
    s->origin_written = true;
    return p + size;
}

static uint8_t *put_field(cn_spool *s, uint8_t *p, const cn_field *f)
{
    unsigned number = f->id;
    if (f->id == CN_F_DYNAMIC) {
        uint16_t *slot = name_slot(s, f->name);
        number = CN_F_COUNT + *slot - 1u;
    }
    *p++ = (uint8_t) number;
    *p++ = (uint8_t) (number >> 8);
    *p++ = (uint8_t) f->type;
    if (f->type == CN_INT || f->type == CN_BOOL)
        return cn_varint_put(p, cn_zigzag(f->num));
    p = cn_varint_put(p, f->text.len);
    if (f->text.len)
        memcpy(p, f->text.p, f->text.len);
    return p + f->text.len;
}

/* Bytes that the event and what must precede it may take. */
static uint64_t need(const cn_spool *s, const draft *d)
{
    uint64_t n = round8(d->bytes) + 24 /* ITEM */ + round8(12 + MAX_TYPE_BYTES + 1);
    if (!s->origin_written)
        n += 64 + s->origin.image.len + s->origin.volume.len + s->origin.path.len +
             s->origin.stream.len + s->origin.parser.len;
    for (size_t i = 0; i < d->n_fields; i++)
        if (d->fields[i].id == CN_F_DYNAMIC)
            n += round8(12 + MAX_NAME_BYTES + 1);
    return n;
}

static bool fits(const cn_spool *s, const draft *d)
{
    return need(s, d) <= s->size - s->head->used && s->n_events < s->max_events &&
           s->n_fields + d->n_fields <= MAX_FIELDS && s->n_types < MAX_TYPES;
}

static int store(cn_spool *s, const draft *d, uint32_t ordinal)
{
    uint8_t *p = s->base + s->head->used;
    if (!s->item_written) {
        put_head(p, 24, CN_SPOOL_ITEM);
        memcpy(p + 8, &s->item, 4);
        memset(p + 12, 0, 4);
        memcpy(p + 16, &s->emitted, 8);
        p += 24;
        if (add_item(s, s->item, s->emitted) < 0)
            return CN_E_NO_MEMORY;
        s->item_written = true;
    }
    if (!s->origin_written) {
        p = put_origin(s, p);
        if (!p)
            return CN_E_NO_MEMORY;
    }
    const char *given = d->event->data_type;
    const char *data_type = given && *given ? given : "unknown";
    size_t type = type_index(s, data_type);
    if (type == s->n_types)
        p = put_text(s, p, CN_SPOOL_TYPE,
                     cn_span_of(data_type, strnlen(data_type, MAX_TYPE_BYTES)));
    for (size_t i = 0; i < d->n_fields; i++) {
        if (d->fields[i].id != CN_F_DYNAMIC)
            continue;
        uint16_t *slot = name_slot(s, d->fields[i].name);
        if (!*slot) {
            p = put_text(s, p, CN_SPOOL_NAME, d->fields[i].name);
            *slot = (uint16_t) s->n_names;
        }
    }
    uint8_t *start = p;
    uint32_t message = (uint32_t) d->message.len;
    uint32_t origin = (uint32_t) (s->n_origins - 1);
    uint16_t type16 = (uint16_t) type;
    memcpy(start + 8, &d->event->time_ns, 8);
    memcpy(start + 16, &d->event->offset, 8);
    memcpy(start + 24, &d->event->length, 8);
    memcpy(start + 32, &ordinal, 4);
    memcpy(start + 36, &origin, 4);
    memcpy(start + 40, &message, 4);
    memcpy(start + 44, &type16, 2);
    memset(start + 46, 0, 2);
    p += CN_SPOOL_EVENT_HEAD;
    if (message)
        memcpy(p, d->message.p, message);
    p += message;
    for (size_t i = 0; i < d->n_fields; i++)
        p = put_field(s, p, &d->fields[i]);
    uint64_t size = round8((uint64_t) (p - start));
    memset(p, 0, size - (uint64_t) (p - start));
    put_head(start, size, CN_SPOOL_EVENT);
    start[5] = d->event->desc < CN_DESC_COUNT ? (uint8_t) d->event->desc : CN_DESC_NOT_A_TIME;
    start[6] = (uint8_t) d->n_fields;
    start[7] = d->event->has_time ? CN_SPOOL_HAS_TIME : 0;
    s->n_fields += d->n_fields;
    s->n_events++;
    s->items[s->n_items - 1].here++;
    publish(s, (uint64_t) (start + size - s->base));
    return CN_OK;
}

static int sink_emit(cn_sink *sink, const cn_event *event)
{
    cn_spool *s = (cn_spool *) ((uint8_t *) sink - offsetof(cn_spool, sink));
    if (!s->has_origin) {
        /* A caller that names no origin: our mistake, but the event is not lost for it. */
        int rc = sink_origin(sink, &(cn_origin){.image_id = 0});
        if (rc < 0)
            return rc;
    }
    uint32_t ordinal = next_ordinal(s, event->offset);
    if (s->emitted < s->skip) {
        s->emitted++;
        return CN_OK;
    }
    draft d;
    draft_event(s, &d, event);
    int rc = CN_OK;
    if (!fits(s, &d)) {
        rc = s->full && s->n_events ? s->full(s->full_context, s) : CN_E_LIMIT;
        if (rc >= 0 && !fits(s, &d))
            rc = CN_E_LIMIT;
    }
    if (rc >= 0)
        rc = store(s, &d, ordinal);
    cn_buf_free(&d.other);
    if (rc < 0)
        return rc;
    s->emitted++;
    return CN_OK;
}

/* ---- what is there --------------------------------------------------------------------------- */

size_t cn_spool_items(const cn_spool *s, const cn_spool_item **out)
{
    *out = s->items;
    return s->n_items;
}

uint32_t cn_spool_events(const cn_spool *s) { return s->n_events; }
uint64_t cn_spool_bytes(const cn_spool *s) { return s->head->used - sizeof(spool_head); }
size_t cn_spool_origins(const cn_spool *s) { return s->n_origins; }
const cn_origin *cn_spool_origin(const cn_spool *s, uint32_t i)
{
    return i < s->n_origins ? &s->origins[i] : NULL;
}
uint64_t cn_spool_origin_key(const cn_spool *s, uint32_t i)
{
    return i < s->n_origins ? s->origin_keys[i] : 0;
}
size_t cn_spool_types(const cn_spool *s) { return s->n_types; }
const char *cn_spool_type(const cn_spool *s, uint32_t i)
{
    return i < s->n_types ? s->types[i].text : "";
}
size_t cn_spool_names(const cn_spool *s) { return s->n_names; }
cn_span cn_spool_name(const cn_spool *s, uint32_t i)
{
    return i < s->n_names ? cn_span_of(s->names[i].text, s->names[i].len) : (cn_span){NULL, 0};
}
uint64_t cn_spool_fields(const cn_spool *s) { return s->n_fields; }

int cn_spool_each(cn_spool *s, int (*visit)(void *context, const cn_spooled *event), void *context)
{
    cn_field fields[CN_EVENT_FIELDS_MAX];
    uint32_t pos = 0, at;
    while (cn_spool_event_next(s, &pos, &at)) {
        cn_spool_event e;
        if (!cn_spool_event_at(s, at, &e))
            return CN_E_CORRUPT;
        size_t n = 0;
        cn_spool_field f;
        while (n < e.n_fields && n < CN_EVENT_FIELDS_MAX && cn_spool_field_next(&e.fields, &f)) {
            bool known = f.field < CN_F_COUNT;
            fields[n++] = (cn_field){
                .id = known ? f.field : CN_F_DYNAMIC,
                .type = f.type,
                .name = known ? (cn_span){NULL, 0} : cn_spool_name(s, f.field - CN_F_COUNT),
                .text = f.text,
                .num = f.num,
            };
        }
        cn_spooled out = {
            .event = {.time_ns = e.time_ns,
                      .has_time = e.has_time,
                      .desc = e.desc,
                      .data_type = s->types[e.data_type].text,
                      .message = e.message,
                      .offset = e.offset,
                      .length = e.length,
                      .fields = fields,
                      .n_fields = n},
            .origin = &s->origins[e.origin],
            .origin_index = e.origin,
            .id = {s->origin_keys[e.origin], e.offset, e.ordinal},
        };
        int rc = visit(context, &out);
        if (rc < 0)
            return rc;
    }
    return CN_OK;
}
