/* Bodyfile of The Sleuth Kit 3.x: MD5|name|inode|mode|UID|GID|size|atime|mtime|ctime|crtime, one
 * row per name, made from the fs:stat events of that name. As `fls -m /` writes it: ` -> target`
 * behind a link, ` (deleted)` behind what is not allocated, controls in names as '^', an unset time
 * as 0. Times are seconds, with nine digits of fraction where there are any (mactime reads both).
 * The format has no place for a deletion time. */
#include "base/hash.h"
#include "event/encoder.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#define TABLE_MAX CN_GIB(1)

enum slot { ACCESS, MODIFICATION, CHANGE, CREATION, SLOTS };

typedef struct body_row {
    uint64_t key; /* of its name */
    bool has[SLOTS];
    int64_t time_ns[SLOTS];
    uint32_t len; /* of the text before the times */
    char *text;   /* owned */
} body_row;

struct cn_body_table {
    body_row *rows;
    size_t n, capacity;
    uint32_t *slots; /* 1 + index of the newest row of a name; a power of two, at most half full */
    size_t n_slots;
    uint64_t bytes;
};

struct cn_body_table *cn_body_free(struct cn_body_table *table)
{
    if (!table)
        return NULL;
    for (size_t i = 0; i < table->n; i++)
        free(table->rows[i].text);
    free(table->rows);
    free(table->slots);
    free(table);
    return NULL;
}

static enum slot slot_of(cn_span desc)
{
    return cn_span_is(desc, "Last Access Time")             ? ACCESS
           : cn_span_is(desc, "Content Modification Time")  ? MODIFICATION
           : cn_span_is(desc, "Metadata Modification Time") ? CHANGE
           : cn_span_is(desc, "Creation Time")              ? CREATION
                                                            : SLOTS;
}

static void put_name(cn_buf *out, cn_span name)
{
    uint8_t *p = cn_buf_room(out, name.len);
    if (!p)
        return;
    for (size_t i = 0; i < name.len; i++)
        p[i] = name.p[i] < 0x20 || name.p[i] == 0x7f ? '^' : name.p[i];
    out->len += name.len;
}

static char type_letter(const cn_event_view *event)
{
    static const struct {
        const char *name;
        char letter;
    } types[] = {{"file", 'r'},   {"directory", 'd'}, {"link", 'l'},
                 {"device", 'c'}, {"pipe", 'p'},      {"socket", 'h'}};
    const cn_field *device = cn_view_field(event, CN_F_device);
    if (device && cn_span_starts(device->text, "block"))
        return 'b';
    const cn_field *type = cn_view_field(event, CN_F_file_entry_type);
    for (size_t i = 0; type && i < CN_LEN(types); i++)
        if (cn_span_is(type->text, types[i].name))
            return types[i].letter;
    return '-';
}

static void put_mode(cn_buf *out, const cn_event_view *event)
{
    const cn_field *field = cn_view_field(event, CN_F_mode);
    int64_t mode = field ? field->num : 0;
    char letter = type_letter(event);
    char text[] = "-/----------";
    text[0] = letter;
    text[2] = letter == 'h' ? 's' : letter;
    for (unsigned i = 0; i < 9; i++)
        if (mode & (0400 >> i))
            text[3 + i] = "rwx"[i % 3];
    if (mode & S_ISUID)
        text[5] = mode & S_IXUSR ? 's' : 'S';
    if (mode & S_ISGID)
        text[8] = mode & S_IXGRP ? 's' : 'S';
    if (mode & S_ISVTX)
        text[11] = mode & S_IXOTH ? 't' : 'T';
    cn_buf_str(out, text);
}

static void put_number(cn_buf *out, const cn_event_view *event, cn_field_id id)
{
    const cn_field *field = cn_view_field(event, id);
    cn_buf_char(out, '|');
    cn_buf_i64(out, field ? field->num : 0);
}

/* Everything before the times. */
static void put_head(cn_buf *out, const cn_event_view *event)
{
    const cn_field *target = cn_view_field(event, CN_F_link_target);
    const cn_field *allocated = cn_view_field(event, CN_F_is_allocated);
    cn_buf_str(out, "0|");
    put_name(out, event->origin->path);
    if (target && target->text.len) {
        cn_buf_str(out, " -> ");
        put_name(out, target->text);
    }
    if (allocated && !allocated->num)
        cn_buf_str(out, " (deleted)");
    cn_buf_char(out, '|');
    cn_buf_u64(out, event->origin->inode);
    cn_buf_char(out, '|');
    put_mode(out, event);
    put_number(out, event, CN_F_uid);
    put_number(out, event, CN_F_gid);
    put_number(out, event, CN_F_file_size);
}

static void put_times(cn_buf *out, const body_row *row)
{
    for (size_t i = 0; i < SLOTS; i++) {
        cn_buf_char(out, '|');
        int64_t seconds = row->time_ns[i] / CN_NS_PER_S, rest = row->time_ns[i] % CN_NS_PER_S;
        if (!row->has[i])
            cn_buf_char(out, '0');
        else if (rest < 0) /* a fraction would count away from 1970 */
            cn_buf_i64(out, seconds - 1);
        else if (rest)
            cn_buf_printf(out, "%" PRId64 ".%09" PRId64, seconds, rest);
        else
            cn_buf_i64(out, seconds);
    }
    cn_buf_char(out, '\n');
}

static int no_memory(cn_err *err)
{
    return cn_fail(err, CN_E_NO_MEMORY, CN_NO_OFFSET, "no memory to write a bodyfile");
}

/* Grows the rows, and the slots to twice as many. */
static int make_room(struct cn_body_table *t, cn_err *err)
{
    if (t->n < t->capacity)
        return CN_OK;
    size_t capacity = t->capacity ? t->capacity * 2 : 16, n_slots = capacity * 2;
    body_row *rows = realloc(t->rows, capacity * sizeof *rows);
    if (!rows)
        return no_memory(err);
    t->rows = rows;
    uint32_t *slots = calloc(n_slots, sizeof *slots);
    if (!slots)
        return no_memory(err);
    for (size_t i = 0; i < t->n; i++) {
        size_t at = rows[i].key & (n_slots - 1);
        while (slots[at] && rows[slots[at] - 1].key != rows[i].key)
            at = (at + 1) & (n_slots - 1);
        slots[at] = (uint32_t) i + 1;
    }
    free(t->slots);
    t->slots = slots;
    t->n_slots = n_slots;
    t->capacity = capacity;
    return CN_OK;
}

static uint32_t *find_slot(struct cn_body_table *t, uint64_t key)
{
    size_t at = key & (t->n_slots - 1);
    while (t->slots[at] && t->rows[t->slots[at] - 1].key != key)
        at = (at + 1) & (t->n_slots - 1);
    return &t->slots[at];
}

static int add_row(struct cn_body_table *t, uint32_t *slot, const cn_event_view *event,
                   uint64_t key, cn_err *err)
{
    CN_CLEANUP(cn_buf_free) cn_buf head = cn_buf_of(CN_ENCODER_MAX);
    put_head(&head, event);
    if (head.failed)
        return no_memory(err);
    t->bytes += sizeof(body_row) + head.len;
    if (t->bytes > TABLE_MAX)
        return cn_fail(err, CN_E_LIMIT, CN_NO_OFFSET,
                       "too many names to gather for a bodyfile; narrow the query, or use: cairn "
                       "process SOURCE --parsers filestat --to bodyfile:FILE");
    t->rows[t->n++] = (body_row){.key = key, .len = (uint32_t) head.len, .text = (char *) head.p};
    head.p = NULL;
    *slot = (uint32_t) t->n;
    return CN_OK;
}

static void clear(struct cn_body_table *t)
{
    for (size_t i = 0; i < t->n; i++)
        free(t->rows[i].text);
    t->n = 0;
    t->bytes = 0;
    if (t->slots)
        memset(t->slots, 0, t->n_slots * sizeof *t->slots);
}

int cn_body_end_rows(cn_encoder *e, cn_err *err)
{
    struct cn_body_table *t = e->body;
    if (!t)
        return CN_OK;
    for (size_t i = 0; i < t->n; i++) {
        cn_buf_bytes(&e->buf, cn_span_of(t->rows[i].text, t->rows[i].len));
        put_times(&e->buf, &t->rows[i]);
        int rc = cn_encoder_drain(e, false, err);
        if (rc)
            return rc;
    }
    clear(t);
    return CN_OK;
}

int cn_body_add(cn_encoder *e, const cn_event_view *event, cn_err *err)
{
    if (!cn_span_is(event->data_type, "fs:stat"))
        return CN_OK;
    if (!e->body && !(e->body = calloc(1, sizeof *e->body)))
        return no_memory(err);
    struct cn_body_table *t = e->body;
    uint64_t key = cn_hash64_seed(cn_span_of(&event->id.offset, sizeof event->id.offset),
                                  event->id.origin_key);
    int rc = CN_OK;
    if (!e->gather && t->n && t->rows[t->n - 1].key != key)
        rc = cn_body_end_rows(e, err);
    if (rc == CN_OK)
        rc = make_room(t, err);
    if (rc)
        return rc;
    enum slot slot = event->has_time ? slot_of(event->desc) : SLOTS;
    uint32_t *at = find_slot(t, key);
    /* A time that the row has already: the name stands twice in the directory. */
    if (!*at || (slot != SLOTS && t->rows[*at - 1].has[slot]))
        rc = add_row(t, at, event, key, err);
    if (rc || slot == SLOTS)
        return rc;
    t->rows[*at - 1].has[slot] = true;
    t->rows[*at - 1].time_ns[slot] = event->time_ns;
    return CN_OK;
}
