/* One event out of a segment's columns and blocks. */
#include "store/hit_set.h"

#include <stdlib.h>

void cn_reader_free(cn_reader *r)
{
    cn_message_block_free(&r->messages);
    cn_place_block_free(&r->places);
    cn_buf_free(&r->value);
    free(r->columns);
    r->columns = NULL;
}

static int bad(const cn_reader *r, cn_err *err)
{
    return cn_segment_bad(r->segment, err, "an event in it is damaged");
}

static int no_room(cn_err *err)
{
    return cn_fail(err, CN_E_LIMIT, CN_NO_OFFSET,
                   "the events do not fit the memory given for them");
}

/* The column, opened once. NULL where it is damaged. */
static cn_reader_column *open_column(cn_reader *r, const cn_column *c)
{
    cn_reader_column *k = &r->columns[c - r->segment->footer.columns];
    if (!k->opened) {
        if (!cn_codes_open(r->segment, c, &k->codes))
            return NULL;
        k->field = c->is_builtin ? CN_F_DYNAMIC : cn_field_by_name(c->name);
        k->opened = true;
    }
    return k;
}

static bool prepare(cn_reader *r)
{
    if (!r->columns)
        r->columns = calloc(r->segment->footer.n_columns + 1u, sizeof *r->columns);
    if (r->value.max == 0)
        r->value = cn_buf_of(CN_MIB(4));
    return r->columns != NULL;
}

/* The text of a column at a row or origin, copied; empty where there is none. Negative codes as
 * ever, 1 where it is absent. */
static int text_at(cn_reader *r, const cn_column *c, uint32_t row, cn_arena *arena, cn_span *out,
                   cn_err *err)
{
    cn_reader_column *k = open_column(r, c);
    uint32_t at;
    *out = (cn_span){NULL, 0};
    if (!k)
        return bad(r, err);
    if (!cn_codes_find(&k->codes, row, &at))
        return 1;
    if (!cn_values_text(r->segment, c, cn_codes_get(&k->codes, at), &r->value))
        return bad(r, err);
    char *copy = cn_arena_copy(arena, cn_buf_span(&r->value));
    if (!copy)
        return no_room(err);
    *out = cn_span_of(copy, r->value.len);
    return CN_OK;
}

static int number_at(cn_reader *r, const cn_column *c, uint32_t row, int64_t *out, cn_err *err)
{
    cn_reader_column *k = open_column(r, c);
    uint32_t at;
    if (!k)
        return bad(r, err);
    if (!cn_codes_find(&k->codes, row, &at))
        return 1;
    if (!cn_values_number(r->segment, c, cn_codes_get(&k->codes, at), out))
        return bad(r, err);
    return CN_OK;
}

static int read_origin(cn_reader *r, uint32_t origin, cn_arena *arena, cn_stored_event *out,
                       cn_err *err)
{
    const cn_segment *s = r->segment;
    cn_origin *o = cn_arena_alloc(arena, sizeof *o);
    if (!o)
        return no_room(err);
    const struct {
        const cn_column *column;
        cn_span *out;
    } texts[] = {{s->path_column, &o->path},
                 {s->volume, &o->volume},
                 {s->image, &o->image},
                 {s->stream, &o->stream},
                 {s->parser, &o->parser}};
    for (size_t i = 0; i < CN_LEN(texts); i++) {
        int rc = text_at(r, texts[i].column, origin, arena, texts[i].out, err);
        if (rc < 0)
            return rc;
    }
    int64_t inode = 0, image_id = 0;
    int rc = number_at(r, s->inode, origin, &inode, err);
    if (rc >= 0)
        rc = number_at(r, s->image_id, origin, &image_id, err);
    if (rc < 0)
        return rc;
    o->inode = (uint64_t) inode;
    o->image_id = (uint64_t) image_id;
    out->s.origin = o;
    out->s.origin_index = origin;
    return CN_OK;
}

static cn_desc desc_of(cn_span text)
{
    for (unsigned d = 0; d < CN_DESC_COUNT; d++)
        if (cn_span_is(text, cn_desc_text((cn_desc) d)))
            return (cn_desc) d;
    return CN_DESC_NOT_A_TIME;
}

static int read_field(cn_reader *r, const cn_column *c, uint32_t row, cn_arena *arena,
                      cn_field *out, cn_err *err)
{
    cn_reader_column *k = open_column(r, c);
    if (!k)
        return bad(r, err);
    *out = (cn_field){.id = k->field, .type = c->type};
    int rc = c->type == CN_INT || c->type == CN_BOOL ? number_at(r, c, row, &out->num, err)
                                                     : text_at(r, c, row, arena, &out->text, err);
    if (rc == CN_OK && k->field == CN_F_DYNAMIC) {
        char *name = cn_arena_copy(arena, c->name);
        if (!name)
            return no_room(err);
        out->name = cn_span_of(name, c->name.len);
    }
    return rc;
}

static int read_fields(cn_reader *r, uint32_t row, uint64_t type, cn_arena *arena, cn_event *event,
                       cn_err *err)
{
    const cn_footer *f = &r->segment->footer;
    if (type >= f->n_types)
        return bad(r, err);
    const cn_type_columns *columns = &f->types[type];
    cn_field fields[CN_EVENT_FIELDS_MAX];
    size_t n = 0;
    for (uint32_t i = 0; i < columns->n && n < CN_EVENT_FIELDS_MAX; i++) {
        const cn_column *c = &f->columns[cn_load32(columns->columns + (size_t) i * 4)];
        if (c->is_builtin || c->domain != CN_OF_ROWS)
            continue;
        int rc = read_field(r, c, row, arena, &fields[n], err);
        if (rc < 0)
            return rc;
        n += rc == CN_OK;
    }
    cn_field *kept = cn_arena_alloc(arena, (n + 1) * sizeof *kept);
    if (!kept)
        return no_room(err);
    if (n)
        memcpy(kept, fields, n * sizeof *kept);
    event->fields = kept;
    event->n_fields = n;
    return CN_OK;
}

int cn_reader_event(cn_reader *r, uint32_t row, cn_arena *arena, cn_stored_event *out, cn_err *err)
{
    const cn_segment *s = r->segment;
    if (!prepare(r))
        return cn_fail(err, CN_E_NO_MEMORY, CN_NO_OFFSET, "no memory to read events");
    if (row >= s->footer.n_rows)
        return bad(r, err);
    *out = (cn_stored_event){.timeline_id = s->timeline_id};
    cn_event *event = &out->s.event;
    event->has_time = row >= s->footer.n_untimed;
    cn_span message, type;
    if ((event->has_time && !cn_times_get(s, &r->times, row, &event->time_ns)) ||
        !cn_messages_get(s, &r->messages, row, &message) ||
        !cn_places_load(s, &r->places, row / CN_PLACE_ROWS))
        return bad(r, err);
    uint32_t i = row % CN_PLACE_ROWS, origin = r->places.origins[i];
    event->offset = r->places.offsets[i];
    event->length = r->places.lengths[i];
    out->s.id = (cn_event_id){.offset = event->offset, .ordinal = r->places.ordinals[i]};
    if (!cn_origins_key(s, origin, &out->s.id.origin_key))
        return bad(r, err);
    out->place = (cn_place){event->has_time, event->time_ns, s->segment_id, row};
    char *copy = cn_arena_copy(arena, message);
    if (!copy)
        return no_room(err);
    event->message = cn_span_of(copy, message.len);
    int rc = text_at(r, s->data_type, row, arena, &type, err);
    if (rc == CN_OK)
        rc = text_at(r, s->desc, row, arena, &out->desc, err);
    if (rc)
        return rc < 0 ? rc : bad(r, err);
    /* The arena's copies end in a NUL; one in the evidence's way ends the name there. */
    event->data_type = (const char *) type.p;
    event->desc = desc_of(out->desc);
    rc = read_origin(r, origin, arena, out, err);
    if (rc < 0)
        return rc;
    const cn_reader_column *types = open_column(r, s->data_type);
    return types ? read_fields(r, row, cn_codes_get(&types->codes, row), arena, event, err)
                 : bad(r, err);
}
