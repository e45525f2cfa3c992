#include "format/journal/journal_file.h"

#include "format/journal/journal_object.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define SIGNATURE       "LPKSHHRH"
#define HEADER_SIZE_MIN 208u        /* before systemd 187 */
#define WINDOW          CN_KIB(512) /* read ahead while going through the objects */
#define BAD_STEP        CN_KIB(4)   /* passed over where the file cannot be read */

enum {
    FLAG_XZ = 1,
    FLAG_LZ4 = 2,
    FLAG_KEYED_HASH = 4,
    FLAG_ZSTD = 8,
    FLAG_COMPACT = 16,
    FLAGS_KNOWN = 31
};

bool cn_journal_is(cn_span head) { return cn_span_starts(head, SIGNATURE); }

static int read_header(cn_journal *j, cn_err *err)
{
    cn_span bytes;
    cn_journal_info *info = &j->info;
    if (j->source.size < HEADER_SIZE_MIN)
        return cn_fail(err, CN_E_TRUNCATED, j->source.size, "the journal ends in its header");
    int code = cn_journal_read(j, 0, HEADER_SIZE_MIN, &bytes, err);
    if (code < 0)
        return code;
    cn_cur c = cn_cur_of(bytes, 0);
    cn_span signature = cn_cur_span(&c, 8);
    info->compatible_flags = cn_cur_le32(&c);
    info->incompatible_flags = cn_cur_le32(&c);
    info->state = cn_cur_u8(&c);
    cn_cur_skip(&c, 7);
    const uint8_t *ids = cn_cur_bytes(&c, sizeof j->ids);
    info->header_size = cn_cur_le64(&c);
    info->arena_size = cn_cur_le64(&c);
    cn_cur_skip(&c, 16); /* data hash table */
    info->field_hash_table_offset = cn_cur_le64(&c);
    info->field_hash_table_size = cn_cur_le64(&c);
    info->tail_object_offset = cn_cur_le64(&c);
    cn_cur_skip(&c, 8); /* number of objects */
    info->n_entries = cn_cur_le64(&c);
    code = cn_cur_check(&c, err, "journal header");
    if (code < 0)
        return code;
    if (!cn_span_is(signature, SIGNATURE))
        return cn_fail(err, CN_E_CORRUPT, 0, "no journal signature");
    memcpy(j->ids, ids, sizeof j->ids);
    info->file_id = cn_span_of(j->ids, 16);
    info->machine_id = cn_span_of(j->ids + 16, 16);
    info->boot_id = cn_span_of(j->ids + 32, 16);
    info->seqnum_id = cn_span_of(j->ids + 48, 16);
    info->compact = info->incompatible_flags & FLAG_COMPACT;
    info->keyed_hash = info->incompatible_flags & FLAG_KEYED_HASH;
    if (info->incompatible_flags & ~(uint32_t) FLAGS_KNOWN)
        return cn_fail(err, CN_E_UNSUPPORTED, 12, "journal flags 0x%x, of which 0x%x are known",
                       info->incompatible_flags, FLAGS_KNOWN);
    return CN_OK;
}

static void begin(cn_journal *j)
{
    char text[128];
    uint64_t end;
    const cn_journal_info *info = &j->info;
    j->at = info->header_size;
    if (info->header_size < HEADER_SIZE_MIN || info->header_size > j->source.size ||
        info->header_size % 8 != 0) {
        snprintf(text, sizeof text, "header size %" PRIu64, info->header_size);
        j->source.warn(j->source.context, CN_E_CORRUPT, 88, text);
        j->at = HEADER_SIZE_MIN;
        return;
    }
    if (!cn_add(info->header_size, info->arena_size, &end) || end > j->source.size) {
        snprintf(text, sizeof text,
                 "the file ends here, its header says that it has %" PRIu64 " bytes behind itself",
                 info->arena_size);
        j->source.warn(j->source.context, CN_E_TRUNCATED, j->source.size, text);
    }
}

int cn_journal_open(const cn_journal_source *source, cn_journal **out, cn_err *err)
{
    cn_journal *j = calloc(1, sizeof *j);
    if (!j)
        return cn_fail(err, CN_E_NO_MEMORY, CN_NO_OFFSET, "no memory to read a journal");
    j->source = *source;
    j->field = cn_buf_of(CN_JOURNAL_FIELD_MAX);
    int code = read_header(j, err);
    if (code < 0) {
        cn_journal_close(j);
        return code;
    }
    begin(j);
    *out = j;
    return CN_OK;
}

cn_journal *cn_journal_close(cn_journal *j)
{
    if (j) {
        cn_buf_free(&j->field);
        ZSTD_freeDCtx(j->zstd);
        free(j);
    }
    return NULL;
}

const cn_journal_info *cn_journal_about(const cn_journal *j) { return &j->info; }

int cn_journal_read(cn_journal *j, uint64_t offset, size_t len, cn_span *out, cn_err *err)
{
    uint64_t end;
    if (j->window.len && offset >= j->window_at && offset - j->window_at <= j->window.len &&
        len <= j->window.len - (size_t) (offset - j->window_at)) {
        *out = (cn_span){j->window.p + (offset - j->window_at), len};
        return CN_OK;
    }
    if (!cn_add(offset, len, &end) || end > j->source.size)
        return cn_fail(err, CN_E_TRUNCATED, offset, "the journal ends before this");
    return j->source.span(j->source.context, offset, len, out, err);
}

/* Moves the window so that it holds `offset`; what was borrowed before is gone. */
static bool move_window(cn_journal *j, uint64_t offset)
{
    uint64_t left = j->source.size - offset;
    if (offset >= j->window_at && offset - j->window_at + CN_MIN(left, CN_KIB(4)) <= j->window.len)
        return true;
    j->window = (cn_span){NULL, 0};
    j->source.relax(j->source.context);
    for (uint64_t want = CN_MIN(left, WINDOW); want > 0; want = want > BAD_STEP ? BAD_STEP : 0) {
        cn_span bytes;
        want = CN_MIN(want, left);
        if (j->source.span(j->source.context, offset, (size_t) want, &bytes, NULL) == CN_OK) {
            j->window = bytes;
            j->window_at = offset;
            return true;
        }
    }
    return false;
}

static uint64_t size_min(const cn_journal *j, cn_journal_type type)
{
    switch (type) {
    case CN_JOURNAL_DATA:
        return CN_JOURNAL_DATA_HEADER + (j->info.compact ? 8u : 0u) + 1u;
    case CN_JOURNAL_FIELD:
        return CN_JOURNAL_FIELD_HEADER + 1u;
    case CN_JOURNAL_ENTRY:
        return CN_JOURNAL_ENTRY_HEADER;
    case CN_JOURNAL_ENTRY_ARRAY:
        return CN_JOURNAL_ARRAY_HEADER;
    case CN_JOURNAL_TAG:
        return CN_JOURNAL_TAG_SIZE;
    default:
        return CN_JOURNAL_OBJECT_HEADER;
    }
}

/* Whether the rest of an object of that size is whole items. */
static bool is_whole(const cn_journal *j, const cn_journal_object *o)
{
    unsigned item = j->info.compact ? 4 : 8;
    switch (o->type) {
    case CN_JOURNAL_ENTRY:
        return (o->size - CN_JOURNAL_ENTRY_HEADER) % (j->info.compact ? 4u : 16u) == 0;
    case CN_JOURNAL_ENTRY_ARRAY:
        return (o->size - CN_JOURNAL_ARRAY_HEADER) % item == 0;
    case CN_JOURNAL_DATA_HASH_TABLE:
    case CN_JOURNAL_FIELD_HASH_TABLE:
        return o->size % 16 == 0;
    case CN_JOURNAL_TAG:
        return o->size == CN_JOURNAL_TAG_SIZE;
    default:
        return true;
    }
}

bool cn_journal_object_at(cn_journal *j, uint64_t offset, cn_journal_object *out)
{
    cn_span bytes;
    uint64_t end;
    if (offset % 8 != 0 || cn_journal_read(j, offset, CN_JOURNAL_OBJECT_HEADER, &bytes, NULL) < 0)
        return false;
    cn_cur c = cn_cur_of(bytes, offset);
    uint8_t type = cn_cur_u8(&c);
    out->flags = cn_cur_u8(&c);
    unsigned reserved = cn_cur_le16(&c) | cn_cur_le32(&c);
    out->size = cn_cur_le64(&c);
    out->offset = offset;
    if (type == CN_JOURNAL_UNUSED || type >= CN_JOURNAL_TYPES || reserved)
        return false;
    out->type = (cn_journal_type) type;
    bool flags_good =
        out->flags == 0 ||
        (type == CN_JOURNAL_DATA && (out->flags == CN_JOURNAL_XZ || out->flags == CN_JOURNAL_LZ4 ||
                                     out->flags == CN_JOURNAL_ZSTD));
    return flags_good && out->size >= size_min(j, out->type) && is_whole(j, out) &&
           cn_add(offset, out->size, &end) && end <= j->source.size;
}

/* Where the object behind this one begins. Does not overflow: the object lies in the file. */
static uint64_t behind(const cn_journal_object *o) { return (o->offset + o->size + 7) / 8 * 8; }

static bool is_blank(cn_span s)
{
    return s.len == 0 || (*s.p == 0 && memcmp(s.p, s.p + 1, s.len - 1) == 0);
}

/* The end of the file, or zeros: the file's unused rest. */
static bool is_rest(cn_journal *j, uint64_t offset)
{
    cn_span bytes;
    if (offset >= j->source.size || j->source.size - offset < CN_JOURNAL_OBJECT_HEADER)
        return true;
    return cn_journal_read(j, offset, CN_JOURNAL_OBJECT_HEADER, &bytes, NULL) == CN_OK &&
           is_blank(bytes);
}

/* An object that is followed by another or by the unused rest. */
static bool holds_together(cn_journal *j, uint64_t offset, cn_journal_object *out)
{
    cn_journal_object next;
    return cn_journal_object_at(j, offset, out) &&
           (is_rest(j, behind(out)) || cn_journal_object_at(j, behind(out), &next));
}

/* From `offset` on, the first place with something else than zeros; the size where there is none. */
static int skip_zeros(cn_journal *j, uint64_t *offset)
{
    uint64_t at = *offset;
    while (at < j->source.size) {
        if (!move_window(j, at)) {
            at += BAD_STEP;
            continue;
        }
        cn_span rest = cn_span_sub(j->window, (size_t) (at - j->window_at), SIZE_MAX);
        if (!is_blank(rest)) {
            size_t n = 0;
            while (n < rest.len && rest.p[n] == 0)
                n++;
            *offset = CN_MIN(at + n / 8 * 8, j->source.size);
            return CN_OK;
        }
        at += rest.len;
        int code = j->source.step(j->source.context);
        if (code < 0)
            return code;
    }
    *offset = j->source.size;
    return CN_OK;
}

/* From `offset` on, the first object that holds together; the size where there is none. */
static int find_object(cn_journal *j, uint64_t *offset)
{
    cn_journal_object o;
    for (uint64_t at = *offset; at < j->source.size; at += 8) {
        if (at % CN_KIB(64) == 0) {
            int code = j->source.step(j->source.context);
            if (code < 0)
                return code;
        }
        if (!move_window(j, at)) {
            at += BAD_STEP - 8;
            continue;
        }
        if (holds_together(j, at, &o)) {
            *offset = at;
            return CN_OK;
        }
    }
    *offset = j->source.size;
    return CN_OK;
}

/* Something that is no object, at j->at: tells it and goes to the next object. */
static int pass_damage(cn_journal *j)
{
    char text[128];
    uint64_t from = j->at;
    int code = find_object(j, &j->at);
    snprintf(text, sizeof text, "damaged: %" PRIu64 " bytes without an object that holds together",
             j->at - from);
    /* A file that is cut has its last object cut, which has been told at its start. */
    if (j->at < j->source.size || j->info.header_size + j->info.arena_size <= j->source.size)
        j->source.warn(j->source.context, CN_E_CORRUPT, from, text);
    return code;
}

/* The next object; *out_end where there is none. */
static int next_object(cn_journal *j, cn_journal_object *out, bool *out_end)
{
    while (j->at < j->source.size && j->source.size - j->at >= CN_JOURNAL_OBJECT_HEADER) {
        int code = j->objects++ % 256 == 0 ? j->source.step(j->source.context) : CN_OK;
        if (code < 0)
            return code;
        bool readable = move_window(j, j->at);
        if (readable && cn_journal_object_at(j, j->at, out)) {
            cn_journal_object next;
            uint64_t end = behind(out);
            /* Where nothing sensible follows, this object's size is in doubt. */
            bool sound = cn_journal_object_at(j, end, &next) || is_rest(j, end);
            j->at = sound ? end : out->offset + 8;
            *out_end = false;
            if (!sound) {
                code = find_object(j, &j->at);
                if (code == CN_OK && j->at != end)
                    j->source.warn(j->source.context, CN_E_CORRUPT, out->offset,
                                   "this object or what follows it is damaged");
            }
            return code;
        }
        code = readable && is_rest(j, j->at) ? skip_zeros(j, &j->at) : pass_damage(j);
        if (code < 0)
            return code;
    }
    *out_end = true;
    return CN_OK;
}

static int read_entry(cn_journal *j, const cn_journal_object *o, cn_journal_entry *out, cn_err *err)
{
    cn_span bytes;
    size_t item = j->info.compact ? 4 : 16;
    uint64_t items = (o->size - CN_JOURNAL_ENTRY_HEADER) / item;
    size_t n = (size_t) CN_MIN(items, CN_JOURNAL_ITEMS_MAX);
    int code = cn_journal_read(j, o->offset, CN_JOURNAL_ENTRY_HEADER + n * item, &bytes, err);
    if (code < 0)
        return code;
    cn_cur c = cn_cur_of(bytes, o->offset);
    cn_cur_skip(&c, CN_JOURNAL_OBJECT_HEADER);
    out->offset = o->offset;
    out->length = o->size;
    out->seqnum = cn_cur_le64(&c);
    out->realtime_us = cn_cur_le64(&c);
    out->monotonic_us = cn_cur_le64(&c);
    out->boot_id = cn_cur_span(&c, 16);
    cn_cur_skip(&c, 8); /* xor of the hashes */
    out->n_items = n;
    out->items = cn_cur_span(&c, n * item);
    if (n < items)
        j->source.warn(j->source.context, CN_E_LIMIT, o->offset,
                       "an entry of more than 4096 fields is cut");
    return cn_cur_check(&c, err, "journal entry");
}

static void end(cn_journal *j)
{
    char text[128];
    if (j->ended)
        return;
    j->ended = true;
    if (j->entries >= j->info.n_entries)
        return;
    snprintf(text, sizeof text, "the header counts %" PRIu64 " entries, %" PRIu64 " are there",
             j->info.n_entries, j->entries);
    j->source.warn(j->source.context, CN_E_CORRUPT, 152, text);
}

int cn_journal_next(cn_journal *j, cn_journal_entry *out, bool *out_end, cn_err *err)
{
    for (;;) {
        cn_journal_object o;
        int code = next_object(j, &o, out_end);
        if (code < 0 || *out_end) {
            if (code == CN_OK)
                end(j);
            return code < 0 ? cn_fail(err, code, j->at, "stopped while reading a journal") : CN_OK;
        }
        if (o.type != CN_JOURNAL_ENTRY)
            continue;
        cn_err entry_err = CN_ERR_INIT;
        if (read_entry(j, &o, out, &entry_err) == CN_OK) {
            j->entries++;
            return CN_OK;
        }
        j->source.warn(j->source.context, entry_err.code, o.offset, entry_err.text);
    }
}

uint64_t cn_journal_item(const cn_journal *j, const cn_journal_entry *entry, size_t i)
{
    size_t item = j->info.compact ? 4 : 16;
    cn_cur c = cn_cur_of(entry->items, entry->offset + CN_JOURNAL_ENTRY_HEADER);
    cn_cur_skip(&c, i * item);
    return j->info.compact ? cn_cur_le32(&c) : cn_cur_le64(&c);
}
