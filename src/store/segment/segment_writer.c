/* A spool becomes a segment: rows in order of time, columns, texts in blocks, the token index. */
#include "event/spool_record.h"
#include "store/segment/column_out.h"
#include "store/store.h"

#include "base/hash.h"

#include <stdlib.h>
#include <sys/random.h>
#include <zstd.h>

enum {
    ZSTD_LEVEL = 1, /* packs logs as well as 3 does, in half the time */
    AHEAD = 12,     /* rows that are loaded before they are read */
    SAME_MAX = 16,  /* values of one field in an event that have columns of their own */
    COLUMNS_MAX = 8192,
    COLUMNS_KEPT = 256, /* whose memory is kept for the next segment */
};

/* Columns that every segment has, in this order. */
enum {
    COL_ORIGIN,
    COL_TYPE,
    COL_DESC,
    COL_PATH,
    COL_VOLUME,
    COL_IMAGE,
    COL_STREAM,
    COL_PARSER,
    COL_INODE,
    COL_IMAGE_ID,
    COL_OWN
};

typedef struct cn_type_seen {
    uint8_t *columns; /* one byte per column */
    size_t n;
    uint32_t code; /* in the column of types, + 1; 0: not yet */
} type_seen;

struct cn_segment_writer {
    cn_out out;
    cn_token_index index;
    uint64_t seeds[2];
    ZSTD_CCtx *zstd;
    cn_buf sample;
    ZSTD_CDict *sample_dict;
    cn_column_out *columns;
    size_t n_columns, cap_columns;
    uint32_t *field_column; /* of each of the spool's fields: its first column + 1 */
    size_t n_fields, cap_fields;
    type_seen *types;
    uint32_t descs[CN_DESC_COUNT]; /* as type_seen.code */
    size_t n_types, cap_types;
    cn_sort_item *rows, *spare;
    size_t cap_rows;
    cn_buf lengths, texts, block, packed, message_index;
    cn_buf offsets, sizes, ordinals, places, place_index;
    uint64_t *record_end;   /* per origin: where its last record in the block of places ended */
    uint32_t *record_block; /* the block that it was in, + 1 */
    size_t cap_origins;
    cn_buf times, time_index, footer_bytes, type_columns;
    cn_arena overflow;
    cn_err *err;
};

int cn_segment_writer_new(cn_segment_writer **out, cn_err *err)
{
    CN_CLEANUP(cn_segment_writer_free_p) cn_segment_writer *w = calloc(1, sizeof *w);
    if (!w)
        return cn_fail(err, CN_E_NO_MEMORY, CN_NO_OFFSET, "no memory to write segments");
    w->zstd = ZSTD_createCCtx();
    int rc = cn_out_new(&w->out, err);
    if (rc == CN_OK)
        rc = cn_token_index_new(&w->index, err);
    if (rc < 0)
        return rc;
    if (!w->zstd ||
        ZSTD_isError(ZSTD_CCtx_setParameter(w->zstd, ZSTD_c_compressionLevel, ZSTD_LEVEL)))
        return cn_fail(err, CN_E_NO_MEMORY, CN_NO_OFFSET, "no memory to write segments");
    uint64_t random[2];
    if (getrandom(random, sizeof random, 0) != sizeof random)
        return cn_fail_errno(err, "reading random bytes");
    memcpy(w->seeds, random, sizeof random);
    memcpy(w->index.seeds, random, sizeof random);
    cn_buf *const buffers[] = {&w->lengths,      &w->texts,         &w->block, &w->packed,
                               &w->offsets,      &w->message_index, &w->sizes, &w->ordinals,
                               &w->places,       &w->place_index,   &w->times, &w->time_index,
                               &w->footer_bytes, &w->type_columns,  &w->sample};
    for (size_t i = 0; i < CN_LEN(buffers); i++)
        *buffers[i] = cn_buf_of(CN_MIB(512));
    w->overflow = cn_arena_of(CN_MIB(64)); /* of what is neither in the spool nor long */
    *out = CN_TAKE(w);
    return CN_OK;
}

cn_segment_writer *cn_segment_writer_free(cn_segment_writer *w)
{
    if (!w)
        return NULL;
    cn_buf *const buffers[] = {&w->lengths,      &w->texts,         &w->block, &w->packed,
                               &w->offsets,      &w->message_index, &w->sizes, &w->ordinals,
                               &w->places,       &w->place_index,   &w->times, &w->time_index,
                               &w->footer_bytes, &w->type_columns,  &w->sample};
    for (size_t i = 0; i < CN_LEN(buffers); i++)
        cn_buf_free(buffers[i]);
    for (size_t i = 0; i < w->cap_columns; i++)
        cn_column_out_reset(&w->columns[i], false);
    for (size_t i = 0; i < w->cap_types; i++)
        free(w->types[i].columns);
    cn_out_free(&w->out);
    cn_token_index_free(&w->index);
    ZSTD_freeCDict(w->sample_dict);
    ZSTD_freeCCtx(w->zstd);
    cn_arena_free(&w->overflow);
    free(w->columns);
    free(w->field_column);
    free(w->types);
    free(w->rows);
    free(w->spare);
    free(w->record_end);
    free(w->record_block);
    free(w);
    return NULL;
}

void cn_segment_writer_limit(cn_segment_writer *w, size_t max_tokens)
{
    w->index.max_tokens = max_tokens;
}

static int no_memory(const cn_segment_writer *w)
{
    return cn_fail(w->err, CN_E_NO_MEMORY, CN_NO_OFFSET, "no memory to write a segment");
}

/* Room for n items, the new ones zeroed. */
static bool reserve(void **p, size_t *capacity, size_t n, size_t item)
{
    if (n <= *capacity)
        return true;
    size_t more = CN_MAX(n, *capacity + *capacity / 2);
    uint8_t *grown = realloc(*p, more * item);
    if (!grown)
        return false;
    memset(grown + *capacity * item, 0, (more - *capacity) * item);
    *p = grown;
    *capacity = more;
    return true;
}

/* ---- columns --------------------------------------------------------------------------------- */

static cn_column_out *add_column(cn_segment_writer *w, cn_span name, cn_type type)
{
    if (w->n_columns == COLUMNS_MAX ||
        !reserve((void **) &w->columns, &w->cap_columns, w->n_columns + 1, sizeof *w->columns))
        return NULL;
    cn_column_out *c = &w->columns[w->n_columns++];
    bool is_text = type == CN_TEXT || type == CN_ADDR;
    /* Memory from an earlier segment serves a column of the other kind, too, but not by halves. */
    if (c->is_text != is_text)
        cn_column_out_reset(c, false);
    c->is_text = is_text;
    c->column = (cn_column){.name = name, .type = type, .domain = CN_OF_ROWS};
    return c;
}

static int add_own_columns(cn_segment_writer *w)
{
    static const struct {
        const char *name;
        cn_type type;
        cn_domain domain;
    } own[COL_OWN] = {
        [COL_ORIGIN] = {CN_COLUMN_ORIGIN, CN_INT, CN_OF_ROWS},
        [COL_TYPE] = {"data_type", CN_TEXT, CN_OF_ROWS},
        [COL_DESC] = {"timestamp_desc", CN_TEXT, CN_OF_ROWS},
        [COL_PATH] = {"path", CN_TEXT, CN_OF_ORIGINS},
        [COL_VOLUME] = {"volume", CN_TEXT, CN_OF_ORIGINS},
        [COL_IMAGE] = {"image", CN_TEXT, CN_OF_ORIGINS},
        [COL_STREAM] = {"stream", CN_TEXT, CN_OF_ORIGINS},
        [COL_PARSER] = {"parser", CN_TEXT, CN_OF_ORIGINS},
        [COL_INODE] = {"inode", CN_INT, CN_OF_ORIGINS},
        [COL_IMAGE_ID] = {"image_id", CN_INT, CN_OF_ORIGINS},
    };
    for (size_t i = 0; i < COL_OWN; i++) {
        cn_column_out *c = add_column(w, cn_span_str(own[i].name), own[i].type);
        if (!c)
            return no_memory(w);
        c->column.domain = own[i].domain;
        c->column.is_builtin = true;
    }
    return CN_OK;
}

/* The column that takes one more value of a field in this row; NULL where it has too many. */
static cn_column_out *column_for(cn_segment_writer *w, const cn_spool *spool, uint16_t field,
                                 cn_type type, uint32_t row)
{
    uint32_t *link = &w->field_column[field];
    for (unsigned same = 0; *link; same++) {
        cn_column_out *c = &w->columns[*link - 1];
        if (c->column.type == type && c->last_row != row + 1)
            return c;
        if (same == SAME_MAX)
            return NULL;
        link = &c->next;
    }
    /* Adding may move the columns: the link is found again after it. */
    size_t from = link == &w->field_column[field]
                      ? SIZE_MAX
                      : (size_t) ((uint8_t *) link - (uint8_t *) w->columns) / sizeof *w->columns;
    cn_span name = field < CN_F_COUNT ? cn_span_str(cn_vocabulary[field].name)
                                      : cn_spool_name(spool, field - CN_F_COUNT);
    cn_column_out *c = add_column(w, name, type);
    if (!c)
        return NULL;
    uint32_t number = (uint32_t) w->n_columns;
    if (from == SIZE_MAX)
        w->field_column[field] = number;
    else
        w->columns[from].next = number;
    return c;
}

static bool mark_seen(cn_segment_writer *w, uint16_t type, const cn_column_out *c)
{
    size_t number = (size_t) (c - w->columns);
    type_seen *seen = &w->types[type];
    if (!reserve((void **) &seen->columns, &seen->n, number + 1, 1))
        return false;
    seen->columns[number] = 1;
    return true;
}

static int add_field(cn_segment_writer *w, const cn_spool *spool, const cn_spool_field *f,
                     uint16_t data_type, uint32_t row, cn_buf *overflow)
{
    cn_column_out *c = column_for(w, spool, f->field, f->type, row);
    bool is_text = f->type == CN_TEXT || f->type == CN_ADDR;
    if (!c) {
        cn_buf_bytes(overflow, f->field < CN_F_COUNT ? cn_span_str(cn_vocabulary[f->field].name)
                                                     : cn_spool_name(spool, f->field - CN_F_COUNT));
        cn_buf_char(overflow, '=');
        if (is_text)
            cn_buf_bytes(overflow, f->text);
        else
            cn_buf_i64(overflow, f->num);
        cn_buf_char(overflow, ' ');
        return CN_OK;
    }
    c->last_row = row + 1;
    bool done = is_text ? cn_column_out_text(c, row, f->text, w->seeds, NULL)
                        : cn_column_out_number(c, row, f->num);
    return done && mark_seen(w, data_type, c) ? CN_OK : no_memory(w);
}

/* What had no column stands in evidence_note. */
static int add_overflow(cn_segment_writer *w, const cn_spool *spool, cn_buf *overflow,
                        uint16_t data_type, uint32_t row)
{
    /* with what may be read behind a text */
    size_t len = overflow->len;
    for (unsigned i = 0; i < 16; i++)
        cn_buf_char(overflow, 0);
    char *copy = overflow->failed ? NULL : cn_arena_copy(&w->overflow, cn_buf_span(overflow));
    cn_column_out *c = column_for(w, spool, CN_F_evidence_note, CN_TEXT, row);
    if (!copy || !c)
        return cn_fail(w->err, CN_E_LIMIT, CN_NO_OFFSET,
                       "the events of a segment have too many "
                       "different fields");
    c->last_row = row + 1;
    bool done = cn_column_out_text(c, row, cn_span_of(copy, len), w->seeds, NULL);
    return done && mark_seen(w, data_type, c) ? CN_OK : no_memory(w);
}

/* ---- blocks ---------------------------------------------------------------------------------- */

static bool pack_block(cn_segment_writer *w, cn_span bytes, const ZSTD_CDict *sample)
{
    cn_buf_clear(&w->packed);
    size_t bound = ZSTD_compressBound(bytes.len);
    uint8_t *p = cn_buf_room(&w->packed, bound);
    if (!p)
        return false;
    /* A dictionary of NULL is none. */
    if (ZSTD_isError(ZSTD_CCtx_refCDict(w->zstd, sample)))
        return false;
    size_t n = ZSTD_compress2(w->zstd, p, bound, bytes.p, bytes.len);
    if (ZSTD_isError(n))
        return false;
    w->packed.len = n;
    return true;
}

static int end_messages(cn_segment_writer *w, uint32_t first_row, uint64_t section)
{
    if (!w->lengths.len)
        return CN_OK;
    cn_buf_clear(&w->block);
    cn_buf_bytes(&w->block, cn_buf_span(&w->lengths));
    cn_buf_bytes(&w->block, cn_buf_span(&w->texts));
    if (w->block.failed || w->texts.failed ||
        !pack_block(w, cn_buf_span(&w->block), w->sample_dict))
        return no_memory(w);
    cn_buf_le32(&w->message_index, first_row);
    cn_buf_le32(&w->message_index, (uint32_t) w->block.len);
    cn_buf_le64(&w->message_index, w->out.position - section);
    cn_out_bytes(&w->out, w->packed.p, w->packed.len);
    cn_buf_clear(&w->lengths);
    cn_buf_clear(&w->texts);
    return w->message_index.failed ? no_memory(w) : CN_OK;
}

static void put_varint(cn_buf *b, uint64_t v)
{
    uint8_t *p = cn_buf_room(b, 10);
    if (p)
        b->len += (size_t) (cn_varint_put(p, v) - p);
}

static int end_places(cn_segment_writer *w)
{
    if (!w->sizes.len)
        return CN_OK;
    cn_buf_clear(&w->block);
    cn_buf_le32(&w->block, (uint32_t) w->offsets.len);
    cn_buf_le32(&w->block, (uint32_t) w->sizes.len);
    cn_buf_bytes(&w->block, cn_buf_span(&w->offsets));
    cn_buf_bytes(&w->block, cn_buf_span(&w->sizes));
    cn_buf_bytes(&w->block, cn_buf_span(&w->ordinals));
    if (w->block.failed || !pack_block(w, cn_buf_span(&w->block), NULL))
        return no_memory(w);
    bool smaller = w->packed.len < w->block.len;
    const cn_buf *stored = smaller ? &w->packed : &w->block;
    cn_buf_le32(&w->place_index, (uint32_t) w->places.len);
    cn_buf_le32(&w->place_index, (uint32_t) stored->len);
    cn_buf_le32(&w->place_index, (uint32_t) w->block.len);
    cn_buf_bytes(&w->places, cn_buf_span(stored));
    cn_buf_clear(&w->offsets);
    cn_buf_clear(&w->sizes);
    cn_buf_clear(&w->ordinals);
    return w->places.failed || w->place_index.failed ? no_memory(w) : CN_OK;
}

static void add_place(cn_segment_writer *w, const cn_spool_event *e, uint32_t row)
{
    uint32_t block = row / CN_PLACE_ROWS + 1;
    uint64_t expected = w->record_block[e->origin] == block ? w->record_end[e->origin] : 0;
    put_varint(&w->offsets, cn_zigzag((int64_t) (e->offset - expected)));
    put_varint(&w->sizes, e->length);
    put_varint(&w->ordinals, e->ordinal);
    w->record_block[e->origin] = block;
    w->record_end[e->origin] = e->offset + e->length;
}

/* One block of times: rows[0, n). */
static void add_times(cn_segment_writer *w, const cn_sort_item *rows, size_t n)
{
    static const uint64_t units[] = {1000000000, 1000000, 1000, 1};
    static const uint8_t powers[] = {9, 6, 3, 0};
    uint64_t max = 0;
    unsigned unit = 0;
    for (size_t i = 1; i < n; i++) {
        uint64_t delta = rows[i].key - rows[i - 1].key;
        max = CN_MAX(max, delta);
        while (delta % units[unit])
            unit++;
    }
    uint8_t bits = max ? (uint8_t) (64 - __builtin_clzll(max / units[unit])) : 0;
    cn_buf_le64(&w->time_index, rows[0].key ^ UINT64_C(1) << 63);
    cn_buf_le32(&w->time_index, (uint32_t) w->times.len);
    cn_buf_char(&w->time_index, (char) powers[unit]);
    cn_buf_char(&w->time_index, (char) bits);
    cn_buf_le16(&w->time_index, 0);
    unsigned __int128 word = 0;
    unsigned used = 0;
    for (size_t i = 1; i < n; i++) {
        word |= (unsigned __int128) ((rows[i].key - rows[i - 1].key) / units[unit]) << used;
        used += bits;
        for (; used >= 8; used -= 8, word >>= 8)
            cn_buf_char(&w->times, (char) (uint8_t) word);
    }
    if (used)
        cn_buf_char(&w->times, (char) (uint8_t) word);
}

/* ---- the whole ------------------------------------------------------------------------------- */

/* Rows in the order of the segment: ids are positions in the spool over 8, keys times moved so that
 * they sort as unsigned. Those without a time come first. */
static int order_rows(cn_segment_writer *w, const cn_spool *spool, uint32_t *out_n,
                      uint32_t *out_untimed)
{
    size_t n = cn_spool_events(spool), cap = w->cap_rows, timed = 0, untimed = 0;
    if (!reserve((void **) &w->rows, &cap, n + 1, sizeof *w->rows) ||
        !reserve((void **) &w->spare, &w->cap_rows, n + 1, sizeof *w->spare))
        return no_memory(w);
    uint32_t pos = 0, at;
    cn_spool_event e;
    /* Timed ones from the front, the others from the back. */
    while (timed + untimed < n && cn_spool_event_next(spool, &pos, &at)) {
        if (!cn_spool_event_at(spool, at, &e))
            return cn_fail(w->err, CN_E_CORRUPT, at, "the spool holds a damaged event");
        uint64_t key = (uint64_t) e.time_ns ^ UINT64_C(1) << 63;
        if (e.has_time)
            w->spare[timed++] = (cn_sort_item){key, at / 8};
        else
            w->spare[n - ++untimed] = (cn_sort_item){0, at / 8};
    }
    for (size_t i = 0; i < untimed; i++)
        w->rows[i] = w->spare[n - 1 - i];
    cn_sort_item *sorted = cn_sort_keys(w->spare, w->rows + untimed, timed);
    if (sorted == w->spare)
        memcpy(w->rows + untimed, w->spare, timed * sizeof *w->rows);
    *out_n = (uint32_t) (timed + untimed);
    *out_untimed = (uint32_t) untimed;
    return CN_OK;
}

static int reset(cn_segment_writer *w, const cn_spool *spool, int fd)
{
    for (size_t i = 0; i < w->n_columns; i++)
        cn_column_out_reset(&w->columns[i], i < COLUMNS_KEPT);
    w->n_columns = 0;
    cn_arena_reset(&w->overflow);
    cn_buf *const buffers[] = {&w->lengths, &w->texts,      &w->message_index, &w->offsets,
                               &w->sizes,   &w->ordinals,   &w->places,        &w->place_index,
                               &w->times,   &w->time_index, &w->footer_bytes,  &w->type_columns,
                               &w->sample};
    for (size_t i = 0; i < CN_LEN(buffers); i++)
        cn_buf_clear(buffers[i]);
    size_t fields = CN_F_COUNT + cn_spool_names(spool), origins = cn_spool_origins(spool);
    size_t same = w->cap_origins;
    if (!reserve((void **) &w->field_column, &w->cap_fields, fields, sizeof *w->field_column) ||
        !reserve((void **) &w->types, &w->cap_types, cn_spool_types(spool), sizeof *w->types) ||
        !reserve((void **) &w->record_end, &same, origins, sizeof *w->record_end) ||
        !reserve((void **) &w->record_block, &w->cap_origins, origins, sizeof *w->record_block))
        return no_memory(w);
    memset(w->field_column, 0, fields * sizeof *w->field_column);
    if (origins)
        memset(w->record_block, 0, origins * sizeof *w->record_block);
    for (size_t i = 0; i < w->cap_types; i++) {
        w->types[i].code = 0;
        if (w->types[i].n)
            memset(w->types[i].columns, 0, w->types[i].n);
    }
    memset(w->descs, 0, sizeof w->descs);
    w->n_types = cn_spool_types(spool);
    cn_token_index_clear(&w->index);
    cn_out_start(&w->out, fd);
    return add_own_columns(w);
}

/* One of few texts: *code is its code + 1, once it has one. */
static bool add_own_text(cn_segment_writer *w, unsigned column, uint32_t row, uint32_t *code,
                         const char *text)
{
    cn_column_out *c = &w->columns[column];
    if (*code)
        return cn_column_out_code(c, row, *code - 1);
    size_t len = strlen(text);
    /* A constant has nothing behind it that may be read. */
    char *copy = cn_arena_alloc(&w->overflow, len + 16);
    if (!copy)
        return false;
    memcpy(copy, text, len);
    bool done = cn_column_out_text(c, row, cn_span_of(copy, len), w->seeds, code);
    ++*code;
    return done;
}

static int add_row(cn_segment_writer *w, const cn_spool *spool, const cn_spool_event *e,
                   uint32_t row, cn_footer *footer)
{
    int rc = cn_token_index_add(&w->index, e->message, row, CN_POSTING_ROW, w->err);
    if (rc < 0)
        return rc;
    if (!w->index.full)
        footer->indexed_rows = row + 1;
    put_varint(&w->lengths, e->message.len);
    cn_buf_bytes(&w->texts, e->message);
    add_place(w, e, row);
    if (!cn_column_out_number(&w->columns[COL_ORIGIN], row, e->origin) ||
        !add_own_text(w, COL_TYPE, row, &w->types[e->data_type].code,
                      cn_spool_type(spool, e->data_type)) ||
        !add_own_text(w, COL_DESC, row, &w->descs[e->desc], cn_desc_text(e->desc)))
        return no_memory(w);
    cn_span fields = e->fields;
    cn_spool_field f;
    CN_CLEANUP(cn_buf_free) cn_buf overflow = cn_buf_of(CN_MIB(2));
    for (unsigned i = 0; i < e->n_fields && cn_spool_field_next(&fields, &f); i++) {
        rc = add_field(w, spool, &f, e->data_type, row, &overflow);
        if (rc < 0)
            return rc;
    }
    return overflow.len ? add_overflow(w, spool, &overflow, e->data_type, row) : CN_OK;
}

/* Messages from all over the segment, against which each block of them is packed: small blocks are
 * packed as well as large ones then, and a page reads less. */
static int take_sample(cn_segment_writer *w, const cn_spool *spool, const cn_footer *f)
{
    enum { PARTS = 1024, PART_MAX = 1024 };
    uint32_t step = CN_MAX(f->n_rows / PARTS, 1u);
    ZSTD_freeCDict(w->sample_dict);
    w->sample_dict = NULL;
    /* Not where the blocks that it makes smaller are few. */
    if (cn_spool_bytes(spool) < (uint64_t) CN_SAMPLE_BYTES * 16)
        return CN_OK;
    for (uint32_t row = 0; row < f->n_rows; row += step) {
        cn_spool_event e;
        if (!cn_spool_event_at(spool, w->rows[row].id * 8, &e))
            break;
        size_t left = CN_SAMPLE_BYTES - w->sample.len;
        cn_buf_bytes(&w->sample, cn_span_sub(e.message, 0, CN_MIN((size_t) PART_MAX, left)));
    }
    if (!w->sample.len)
        return CN_OK;
    w->sample_dict = ZSTD_createCDict(w->sample.p, w->sample.len, ZSTD_LEVEL);
    return w->sample_dict ? CN_OK : no_memory(w);
}

static int add_rows(cn_segment_writer *w, const cn_spool *spool, cn_footer *f)
{
    cn_extent *messages = &f->sections[CN_SECTION_MESSAGES];
    uint32_t block_row = 0;
    *messages = cn_out_begin(&w->out);
    for (uint32_t row = 0; row < f->n_rows; row++) {
        if (row + AHEAD < f->n_rows)
            cn_spool_prefetch(spool, w->rows[row + AHEAD].id * 8);
        cn_spool_event e;
        if (!cn_spool_event_at(spool, w->rows[row].id * 8, &e))
            return cn_fail(w->err, CN_E_CORRUPT, w->rows[row].id * 8,
                           "the spool holds a damaged event");
        if (w->lengths.len >= CN_MESSAGE_BYTES ||
            (w->texts.len && w->texts.len + e.message.len > CN_MESSAGE_BYTES)) {
            int rc = end_messages(w, block_row, messages->offset);
            if (rc < 0)
                return rc;
            block_row = row;
        }
        int rc = add_row(w, spool, &e, row, f);
        if (rc == CN_OK && row % CN_PLACE_ROWS == CN_PLACE_ROWS - 1)
            rc = end_places(w);
        if (rc < 0)
            return rc;
        if (w->out.code)
            break;
    }
    int rc = end_messages(w, block_row, messages->offset);
    if (rc == CN_OK)
        rc = end_places(w);
    if (rc < 0)
        return rc;
    cn_out_end(&w->out, messages);
    cn_buf_le32(&w->message_index, f->n_rows);
    cn_buf_le32(&w->message_index, 0);
    cn_buf_le64(&w->message_index, messages->length);
    for (uint32_t row = f->n_untimed; row < f->n_rows; row += CN_TIME_ROWS)
        add_times(w, w->rows + row, CN_MIN((uint32_t) CN_TIME_ROWS, f->n_rows - row));
    /* so that eight bytes may be read from anywhere in the block */
    cn_buf_le64(&w->times, 0);
    cn_buf_le64(&w->times, 0);
    return CN_OK;
}

static int add_origins(cn_segment_writer *w, const cn_spool *spool, cn_footer *f)
{
    f->n_origins = (uint32_t) cn_spool_origins(spool);
    cn_buf_clear(&w->block);
    for (uint32_t i = 0; i < f->n_origins; i++) {
        const cn_origin *o = cn_spool_origin(spool, i);
        const struct {
            unsigned column;
            cn_span text;
        } texts[] = {{COL_PATH, o->path},
                     {COL_VOLUME, o->volume},
                     {COL_IMAGE, o->image},
                     {COL_STREAM, o->stream},
                     {COL_PARSER, o->parser}};
        for (size_t k = 0; k < CN_LEN(texts); k++)
            if (texts[k].text.len &&
                !cn_column_out_text(&w->columns[texts[k].column], i, texts[k].text, w->seeds, NULL))
                return no_memory(w);
        if ((o->inode && !cn_column_out_number(&w->columns[COL_INODE], i, (int64_t) o->inode)) ||
            !cn_column_out_number(&w->columns[COL_IMAGE_ID], i, (int64_t) o->image_id))
            return no_memory(w);
        cn_buf_le64(&w->block, cn_spool_origin_key(spool, i));
    }
    f->sections[CN_SECTION_ORIGIN_KEYS] = cn_out_begin(&w->out);
    cn_out_bytes(&w->out, w->block.p, w->block.len);
    cn_out_end(&w->out, &f->sections[CN_SECTION_ORIGIN_KEYS]);
    return w->block.failed ? no_memory(w) : CN_OK;
}

static void put_section(cn_segment_writer *w, cn_footer *f, cn_section section, const cn_buf *b)
{
    f->sections[section] = cn_out_begin(&w->out);
    cn_out_bytes(&w->out, b->p, b->len);
    cn_out_end(&w->out, &f->sections[section]);
}

static int write_columns(cn_segment_writer *w, cn_footer *f)
{
    for (size_t i = 0; i < w->n_columns; i++) {
        cn_column_out *c = &w->columns[i];
        uint32_t n = c->column.domain == CN_OF_ROWS ? f->n_rows : f->n_origins;
        int rc = cn_column_out_write(c, &w->out, n, &w->index, &f->n_text_values,
                                     &f->indexed_values, w->err);
        if (rc < 0)
            return rc;
        f->columns[i] = c->column;
    }
    f->n_columns = (uint32_t) w->n_columns;
    return CN_OK;
}

/* Which columns the events of each data type have, in the order of the sorted types: the page of an
 * event needs only those. */
static int list_types(cn_segment_writer *w, const cn_spool *spool, cn_footer *f,
                      cn_type_columns *types)
{
    const cn_column_out *column = &w->columns[COL_TYPE];
    f->n_types = (uint32_t) column->n_values;
    size_t *starts = calloc(f->n_types + 1u, sizeof *starts);
    if (!starts)
        return no_memory(w);
    for (size_t t = 0; t < w->n_types; t++) {
        cn_span name = cn_span_str(cn_spool_type(spool, (uint32_t) t));
        size_t code = 0, known = 0;
        for (size_t v = 0; v < column->n_values; v++) {
            cn_span other = column->values[v];
            size_t n = CN_MIN(name.len, other.len);
            int c = n ? memcmp(other.p, name.p, n) : 0;
            code += c < 0 || (c == 0 && other.len < name.len);
            known += cn_span_eq(name, other);
        }
        if (!known)
            continue;
        starts[code] = w->type_columns.len;
        for (size_t i = 0; i < w->types[t].n; i++)
            if (w->types[t].columns[i])
                cn_buf_le32(&w->type_columns, (uint32_t) i);
        types[code].n = (uint32_t) ((w->type_columns.len - starts[code]) / 4);
    }
    for (uint32_t t = 0; t < f->n_types; t++)
        types[t].columns = w->type_columns.p ? w->type_columns.p + starts[t] : NULL;
    free(starts);
    f->types = types;
    return w->type_columns.failed ? no_memory(w) : CN_OK;
}

static int write_footer(cn_segment_writer *w, cn_footer *f, cn_segment_summary *out)
{
    cn_out_align(&w->out);
    cn_out_finish(&w->out);
    f->n_blocks = (uint32_t) w->out.n_sums;
    f->sums = (const uint8_t *) w->out.sums;
    cn_footer_put(&w->footer_bytes, f);
    cn_span footer = cn_buf_span(&w->footer_bytes);
    uint64_t sum = cn_hash64(footer), length = footer.len;
    cn_buf_le64(&w->footer_bytes, w->out.position);
    cn_buf_le64(&w->footer_bytes, length);
    cn_buf_le64(&w->footer_bytes, sum);
    cn_buf_str(&w->footer_bytes, CN_SEGMENT_END);
    if (w->footer_bytes.failed)
        return no_memory(w);
    cn_out_raw(&w->out, cn_buf_span(&w->footer_bytes));
    *out = (cn_segment_summary){.events = f->n_rows,
                                .untimed = f->n_untimed,
                                .first_ns = f->first_ns,
                                .last_ns = f->last_ns,
                                .bytes = w->out.position + w->footer_bytes.len,
                                .checksum = sum};
    return CN_OK;
}

static int write_all(cn_segment_writer *w, cn_spool *spool, int fd, cn_segment_summary *out)
{
    cn_footer f = {0};
    int rc = reset(w, spool, fd);
    if (rc == CN_OK)
        rc = order_rows(w, spool, &f.n_rows, &f.n_untimed);
    if (rc < 0)
        return rc;
    if (f.n_rows > f.n_untimed) {
        f.first_ns = (int64_t) (w->rows[f.n_untimed].key ^ UINT64_C(1) << 63);
        f.last_ns = (int64_t) (w->rows[f.n_rows - 1].key ^ UINT64_C(1) << 63);
    }
    uint8_t head[CN_SEGMENT_HEAD] = CN_SEGMENT_MAGIC;
    head[8] = CN_SEGMENT_VERSION;
    cn_out_bytes(&w->out, head, sizeof head);
    rc = take_sample(w, spool, &f);
    if (rc == CN_OK)
        rc = add_rows(w, spool, &f);
    if (rc == CN_OK)
        rc = add_origins(w, spool, &f);
    if (rc < 0)
        return rc;
    put_section(w, &f, CN_SECTION_MESSAGE_INDEX, &w->message_index);
    put_section(w, &f, CN_SECTION_SAMPLE, &w->sample);
    put_section(w, &f, CN_SECTION_PLACES, &w->places);
    put_section(w, &f, CN_SECTION_PLACE_INDEX, &w->place_index);
    put_section(w, &f, CN_SECTION_TIMES, &w->times);
    put_section(w, &f, CN_SECTION_TIME_INDEX, &w->time_index);
    if (w->times.failed || w->time_index.failed || w->places.failed || w->message_index.failed)
        return no_memory(w);
    cn_type_columns *types = calloc(w->columns[COL_TYPE].n_values + 1, sizeof *types);
    f.columns = calloc(w->n_columns + 1, sizeof *f.columns);
    rc = types && f.columns ? write_columns(w, &f) : no_memory(w);
    if (rc == CN_OK)
        rc = cn_token_index_write(&w->index, &w->out, f.n_rows, &f, w->err);
    if (rc == CN_OK)
        rc = list_types(w, spool, &f, types);
    if (rc == CN_OK)
        rc = write_footer(w, &f, out);
    free(types);
    free(f.columns);
    return rc;
}

int cn_segment_write(cn_segment_writer *w, cn_spool *spool, int fd, cn_segment_summary *out,
                     cn_err *err)
{
    w->err = err;
    int rc = write_all(w, spool, fd, out);
    if (w->out.code && (rc == CN_OK || rc == w->out.code)) {
        if (err)
            *err = w->out.err;
        rc = w->out.code;
    }
    w->err = NULL;
    return rc;
}
