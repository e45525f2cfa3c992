/* systemd journal: one event per entry, with every field of it. The container is read by
 * format/journal. */
#include "format/journal/journal_file.h"
#include "journal_cache.h"
#include "journal_fields.h"
#include "parse/parsers/syslog/syslog_pattern.h"

#include <inttypes.h>
#include <stdio.h>

enum {
    FIELDS_MAX = 2048, /* per entry; journald writes at most 1024 */
    WARNINGS_MAX = 500
};
#define ENTRY_BYTES_MAX CN_MIB(32)  /* texts of one entry that are copied */
#define TYPED_BYTES_MAX CN_KIB(256) /* texts that typing its message makes */

typedef struct reader {
    cn_parse_job *job;
    cn_journal *journal;
    journal_cache cache;
    journal_names names;
    cn_arena entry;   /* texts of the entry at hand */
    cn_field *fields; /* FIELDS_MAX of them */
    size_t n_fields;
    cn_span message;
    bool has_message;
    cn_buf note;
    unsigned warnings;
    /* Which fields the entry has, for those that are made up for where they lack. */
    bool has[CN_F_COUNT];
    cn_span comm, reporter;
    cn_record typed; /* what the message says, read as syslog's would be */
    char monotonic[24], boot_id[33];
} reader;

static unsigned probe(const cn_probe *probe) { return cn_journal_is(probe->head) ? 64 : 0; }

/* ---- what the container needs */

static int source_span(void *context, uint64_t offset, size_t len, cn_span *out, cn_err *err)
{
    return cn_input_span(((reader *) context)->job->in, offset, len, out, err);
}

static void source_relax(void *context) { cn_input_relax(((reader *) context)->job->in); }

static void source_warn(void *context, int code, uint64_t offset, const char *text)
{
    reader *r = context;
    if (++r->warnings < WARNINGS_MAX)
        r->job->warn(r->job, code, offset, text);
    else if (r->warnings == WARNINGS_MAX)
        r->job->warn(r->job, CN_E_LIMIT, offset,
                     "more faults in this file are not told one by one");
}

static int source_step(void *context)
{
    reader *r = context;
    return r->job->step(r->job);
}

/* ---- fields */

static void add_note(reader *r, const char *text, cn_span name)
{
    if (r->note.len)
        cn_buf_str(&r->note, "; ");
    cn_buf_bytes(&r->note, name);
    cn_buf_str(&r->note, text);
}

static void add_field(reader *r, const cn_field *field)
{
    if (r->n_fields >= FIELDS_MAX)
        return;
    r->fields[r->n_fields++] = *field;
    r->has[field->id] = true;
}

static void note_value(reader *r, const journal_value *value)
{
    if (value->notes & JOURNAL_UNREADABLE) {
        add_note(r, "a field cannot be read", (cn_span){NULL, 0});
        return;
    }
    cn_span name = value->kind == JOURNAL_MESSAGE ? CN_SPAN_LIT("message")
                   : value->field.id == CN_F_DYNAMIC
                       ? value->field.name
                       : cn_span_str(cn_vocabulary[value->field.id].name);
    if (value->notes & JOURNAL_CUT)
        add_note(r, " is cut", name);
    if (value->notes & JOURNAL_HASH_WRONG)
        add_note(r, " does not match its hash", name);
    if (value->notes & JOURNAL_BINARY)
        add_note(r, " is binary", name);
}

static void use_value(reader *r, const journal_value *value)
{
    if (value->notes)
        note_value(r, value);
    if (value->kind == JOURNAL_NOTHING)
        return;
    if (value->kind == JOURNAL_MESSAGE && !r->has_message) {
        r->message = value->field.text;
        r->has_message = true;
        return;
    }
    cn_field field = value->field;
    if (value->kind == JOURNAL_MESSAGE) /* a second one */
        field = cn_field_named(CN_SPAN_LIT("journal_message"), value->field.text);
    if (field.id == CN_F_comm)
        r->comm = field.text;
    if (field.id == CN_F_reporter)
        r->reporter = field.text;
    add_field(r, &field);
}

/* Reads a field that could be; told and noted where it could not. False: there was no memory for it. */
static bool read_value(reader *r, uint64_t offset, bool *out_share, journal_value *out)
{
    cn_journal_data data;
    cn_err err = CN_ERR_INIT;
    *out = (journal_value){.kind = JOURNAL_NOTHING, .notes = JOURNAL_UNREADABLE};
    *out_share = true;
    if (cn_journal_data_at(r->journal, offset, &data, &err) < 0) {
        source_warn(r, err.code, err.offset, err.text);
        return true;
    }
    *out_share = data.n_entries > 1 && data.payload.len < CN_KIB(64);
    bool copy = *out_share || !data.borrowed;
    if (!*out_share || !journal_value_read(&r->names, data.payload, true, &r->cache.arena, out)) {
        *out_share = false;
        if (!journal_value_read(&r->names, data.payload, copy, &r->entry, out))
            return false;
    }
    if (out->notes & JOURNAL_UNREADABLE)
        source_warn(r, CN_E_CORRUPT, offset, "a field has no name that could be one");
    if (data.hash_wrong)
        source_warn(r, CN_E_CORRUPT, offset, "a field does not match its hash");
    out->notes |= (data.cut ? JOURNAL_CUT : 0u) | (data.hash_wrong ? JOURNAL_HASH_WRONG : 0u);
    return true;
}

/* Uses the field at an offset; keeps it where others use it too. */
static void read_item(reader *r, uint64_t offset)
{
    journal_value value;
    bool share;
    if (!read_value(r, offset, &share, &value)) {
        add_note(r, "a field is left out: the entry is too large", (cn_span){NULL, 0});
        return;
    }
    if (share)
        journal_cache_put(&r->cache, offset, &value);
    use_value(r, &value);
}

static void put_hex(char *out, cn_span bytes)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < bytes.len; i++) {
        *out++ = digits[bytes.p[i] >> 4];
        *out++ = digits[bytes.p[i] & 15];
    }
}

static cn_span put_decimal(uint64_t value, char out[24])
{
    char *p = out + 24;
    do
        *--p = (char) ('0' + value % 10);
    while (value /= 10);
    return cn_span_of(p, (size_t) (out + 24 - p));
}

/* What the entry itself says, and what stands in where a field lacks. */
static void add_own(reader *r, const cn_journal_entry *entry)
{
    cn_field field = cn_field_int(CN_F_record_number, (int64_t) entry->seqnum);
    add_field(r, &field);
    field =
        cn_field_named(CN_SPAN_LIT("monotonic_us"), put_decimal(entry->monotonic_us, r->monotonic));
    add_field(r, &field);
    if (!r->has[CN_F_boot_id] && entry->boot_id.len == 16) {
        put_hex(r->boot_id, entry->boot_id);
        field = cn_field_text(CN_F_boot_id, cn_span_of(r->boot_id, 32));
        add_field(r, &field);
    }
    if (!r->has[CN_F_hostname] && r->job->file->hostname.len) {
        field = cn_field_text(CN_F_hostname, r->job->file->hostname);
        add_field(r, &field);
    }
    if (!r->has[CN_F_reporter] && r->comm.len) {
        field = cn_field_text(CN_F_reporter, r->comm);
        add_field(r, &field);
    }
}

static bool has_named(const reader *r, cn_span name)
{
    for (size_t i = 0; i < r->n_fields; i++)
        if (r->fields[i].id == CN_F_DYNAMIC && cn_span_eq(r->fields[i].name, name))
            return true;
    return false;
}

/* Who logged in from where, and the like, out of the message of a program that is known. What the
 * journal itself says of the same goes before it. */
static void add_typed(reader *r)
{
    cn_span reporter = r->reporter.len ? r->reporter : r->comm;
    if (!r->has_message || reporter.len == 0)
        return;
    cn_arena_reset(&r->typed.arena);
    r->typed.event = (cn_event){.message = r->message, .fields = r->typed.fields};
    cn_syslog_type(reporter, r->message, &r->typed);
    for (size_t i = 0; i < r->typed.event.n_fields; i++) {
        const cn_field *field = &r->typed.fields[i];
        bool there = field->id == CN_F_DYNAMIC ? has_named(r, field->name) : r->has[field->id];
        if (!there)
            add_field(r, field);
    }
}

static bool set_time(reader *r, const cn_journal_entry *entry, cn_event *event, char *note,
                     size_t note_size)
{
    cn_field field;
    int64_t seconds = (int64_t) (entry->realtime_us / 1000000);
    uint32_t ns = (uint32_t) (entry->realtime_us % 1000000) * 1000u;
    if (entry->realtime_us != 0 && cn_time_from_unix(seconds, ns, &event->time_ns))
        return true;
    if (entry->realtime_us == 0)
        return false;
    snprintf(note, note_size, "time out of range: %" PRIu64 " microseconds since 1970",
             entry->realtime_us);
    field = cn_field_text(CN_F_time_note, cn_span_str(note));
    add_field(r, &field);
    return false;
}

static int emit_entry(reader *r, const cn_journal_entry *entry)
{
    char note[80];
    r->n_fields = 0;
    r->has_message = false;
    r->message = r->comm = r->reporter = (cn_span){NULL, 0};
    memset(r->has, 0, sizeof r->has);
    cn_buf_clear(&r->note);
    cn_arena_reset(&r->entry);
    journal_cache_trim(&r->cache);
    for (size_t i = 0; i < entry->n_items; i++)
        journal_cache_expect(&r->cache, cn_journal_item(r->journal, entry, i));
    for (size_t i = 0; i < entry->n_items; i++) {
        uint64_t offset = cn_journal_item(r->journal, entry, i);
        const journal_value *known = journal_cache_find(&r->cache, offset);
        if (known)
            use_value(r, known);
        else
            read_item(r, offset);
    }
    add_own(r, entry);
    add_typed(r);
    cn_event event = {
        .desc = CN_DESC_MODIFICATION,
        .data_type = "systemd:journal",
        .message = r->has_message ? r->message : CN_SPAN_LIT("(entry without a message)"),
        .offset = entry->offset,
        .length = entry->length,
        .fields = r->fields,
    };
    event.has_time = set_time(r, entry, &event, note, sizeof note);
    if (!event.has_time)
        event.desc = CN_DESC_NOT_A_TIME;
    if (r->note.len) {
        cn_field field = cn_field_text(CN_F_evidence_note, cn_buf_span(&r->note));
        add_field(r, &field);
    }
    event.n_fields = r->n_fields;
    return cn_emit(r->job, &event);
}

static int read_entries(reader *r)
{
    for (;;) {
        cn_journal_entry entry;
        bool end;
        int code = cn_journal_next(r->journal, &entry, &end, r->job->err);
        if (code < 0 || end)
            return code;
        code = emit_entry(r, &entry);
        if (code < 0)
            return code;
    }
}

static int open_and_read(reader *r)
{
    cn_journal_source source = {
        .span = source_span,
        .relax = source_relax,
        .warn = source_warn,
        .step = source_step,
        .context = r,
    };
    int code = cn_input_size(r->job->in, &source.size, r->job->err);
    if (code < 0)
        return code;
    r->fields = cn_arena_alloc(r->job->arena, FIELDS_MAX * sizeof *r->fields);
    if (!r->fields || !journal_cache_open(&r->cache) || !journal_names_open(&r->names))
        return cn_fail(r->job->err, CN_E_NO_MEMORY, CN_NO_OFFSET, "no memory to read a journal");
    code = cn_journal_open(&source, &r->journal, r->job->err);
    return code < 0 ? code : read_entries(r);
}

static int parse(cn_parse_job *job)
{
    reader r = {
        .job = job,
        .entry = cn_arena_of(ENTRY_BYTES_MAX),
        .note = cn_buf_of(CN_KIB(4)),
        .typed = {.arena = cn_arena_of(TYPED_BYTES_MAX)},
    };
    int code = open_and_read(&r);
    cn_journal_close(r.journal);
    journal_cache_close(&r.cache);
    journal_names_close(&r.names);
    cn_arena_free(&r.entry);
    cn_arena_free(&r.typed.arena);
    cn_buf_free(&r.note);
    return code;
}

const cn_parser cn_parser_journal = {
    .name = "journal",
    .title = "systemd journal",
    .probe = probe,
    .parse = parse,
};
