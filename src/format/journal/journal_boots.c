/* The boots of a journal, by its index: the field _BOOT_ID leads to all its values, and each of these to
 * the first entry that has it. */
#include "format/journal/journal_object.h"

enum { BUCKETS_MAX = 100000, CHAIN_MAX = 10000 };

/* The 8-byte number at `at` of an object, behind its header. */
static bool number_of(cn_journal *j, const cn_journal_object *o, unsigned at, uint64_t *out)
{
    cn_span bytes;
    if (at + 8 > o->size || cn_journal_read(j, o->offset + at, 8, &bytes, NULL) < 0)
        return false;
    cn_cur c = cn_cur_of(bytes, o->offset + at);
    *out = cn_cur_le64(&c);
    return true;
}

static bool is_boot_field(cn_journal *j, const cn_journal_object *o)
{
    static const char name[] = "_BOOT_ID";
    cn_span bytes;
    return o->type == CN_JOURNAL_FIELD && o->size == CN_JOURNAL_FIELD_HEADER + sizeof name - 1 &&
           cn_journal_read(j, o->offset + CN_JOURNAL_FIELD_HEADER, sizeof name - 1, &bytes, NULL) ==
               CN_OK &&
           cn_span_is(bytes, name);
}

/* The first value of the field; 0 where the file has none. */
static uint64_t first_value(cn_journal *j)
{
    uint64_t n = j->info.field_hash_table_size / 16;
    for (uint64_t i = 0; i < CN_MIN(n, BUCKETS_MAX); i++) {
        uint64_t at, offset;
        cn_span bucket;
        cn_journal_object o;
        if (!cn_add(j->info.field_hash_table_offset, i * 16, &at) ||
            cn_journal_read(j, at, 8, &bucket, NULL) < 0)
            return 0;
        cn_cur c = cn_cur_of(bucket, at);
        offset = cn_cur_le64(&c);
        /* Objects are appended, so that a chain leads on through the file. */
        for (uint64_t last = 0; offset > last && cn_journal_object_at(j, offset, &o);) {
            uint64_t value;
            if (is_boot_field(j, &o) && number_of(j, &o, 32, &value))
                return value;
            last = offset;
            if (o.type != CN_JOURNAL_FIELD || !number_of(j, &o, 24, &offset))
                break;
        }
    }
    return 0;
}

static bool read_id(cn_span text, uint8_t out[16])
{
    if (text.len != 32)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.p[i];
        unsigned digit = c >= '0' && c <= '9' ? c - 48u : c >= 'a' && c <= 'f' ? c - 87u : 16u;
        if (digit > 15)
            return false;
        out[i / 2] = (uint8_t) (i % 2 ? out[i / 2] | digit : digit << 4);
    }
    return true;
}

static int tell(cn_journal *j, const cn_journal_object *value,
                int (*boot)(void *context, cn_span id, uint64_t first_entry_us), void *context)
{
    static const char start[] = "_BOOT_ID=";
    cn_journal_data data;
    cn_journal_object entry;
    uint64_t offset, time_us;
    uint8_t id[16];
    if (!number_of(j, value, 40, &offset) || !cn_journal_object_at(j, offset, &entry) ||
        entry.type != CN_JOURNAL_ENTRY || !number_of(j, &entry, 24, &time_us) ||
        cn_journal_data_at(j, value->offset, &data, NULL) < 0 ||
        !cn_span_starts(data.payload, start) ||
        !read_id(cn_span_sub(data.payload, sizeof start - 1, SIZE_MAX), id))
        return CN_OK;
    return boot(context, cn_span_of(id, sizeof id), time_us);
}

int cn_journal_boots(cn_journal *j, int (*boot)(void *context, cn_span id, uint64_t first_entry_us),
                     void *context, cn_err *err)
{
    uint64_t offset = first_value(j);
    /* Values lead from the newest to the oldest, or the other way round: the number of steps ends a
     * chain that leads into itself. */
    for (unsigned steps = 0; offset && steps < CHAIN_MAX; steps++) {
        cn_journal_object o;
        if (!cn_journal_object_at(j, offset, &o) || o.type != CN_JOURNAL_DATA)
            break;
        int code = tell(j, &o, boot, context);
        if (code == CN_OK && steps % 64 == 0)
            code = j->source.step(j->source.context);
        if (code < 0)
            return cn_fail(err, code, offset, "stopped while reading the boots of a journal");
        if (!number_of(j, &o, 32, &offset))
            break;
    }
    return CN_OK;
}
