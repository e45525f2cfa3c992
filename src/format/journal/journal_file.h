/* systemd journal files: the container. Gives every entry with the places of its fields, and the
 * fields' contents. Source: systemd's JOURNAL_FILE_FORMAT document and journal-def.h; the tables stand
 * in docs/formats/journal.md.
 *
 * The file is read front to back, object by object: entries lie in the order they were written, each
 * behind the data it refers to, so that a file that is cut, was never closed, or whose entry arrays are
 * damaged gives all entries that are there. Where an object is damaged, reading goes on at the next
 * that holds together. One owner. */
#pragma once

#include "base/err.h"

/* What the reader needs from above. */
typedef struct cn_journal_source {
    uint64_t size; /* bytes */
    /* Exactly [offset, offset + len), which lies within size; good until `relax`. */
    int (*span)(void *context, uint64_t offset, size_t len, cn_span *out, cn_err *err);
    void (*relax)(void *context);
    /* Findings that cost less than the file. */
    void (*warn)(void *context, int code, uint64_t offset, const char *text);
    /* Called now and then; negative stops and is passed on. */
    int (*step)(void *context);
    void *context;
} cn_journal_source;

enum cn_journal_state { CN_JOURNAL_OFFLINE, CN_JOURNAL_ONLINE, CN_JOURNAL_ARCHIVED };

typedef struct cn_journal_info {
    uint32_t compatible_flags, incompatible_flags;
    uint8_t state; /* enum cn_journal_state, or what else is there */
    cn_span file_id, machine_id, boot_id, seqnum_id; /* 16 bytes each */
    uint64_t header_size, arena_size;
    uint64_t tail_object_offset, n_entries;
    uint64_t field_hash_table_offset, field_hash_table_size;
    bool compact, keyed_hash;
} cn_journal_info;

typedef struct cn_journal_entry {
    uint64_t offset, length; /* of the entry object */
    uint64_t seqnum;
    uint64_t realtime_us, monotonic_us;
    cn_span boot_id; /* 16 bytes */
    size_t n_items;
    cn_span items; /* as stored: see cn_journal_item() */
} cn_journal_entry;

#define CN_JOURNAL_ITEMS_MAX 4096u /* journald writes at most 1024 */
/* Bytes of one field that are read: enough for the longest message of an event. */
#define CN_JOURNAL_FIELD_MAX (CN_MIB(1) + CN_KIB(64))

typedef struct cn_journal_data {
    cn_span payload;    /* NAME=value */
    uint64_t n_entries; /* how many entries use it, as the file says */
    bool borrowed;   /* payload lies in the source (good until the next entry), else in the reader's
                           buffer (good until the next call) */
    bool cut;        /* it is longer than CN_JOURNAL_FIELD_MAX */
    bool hash_wrong; /* it is not what its stored hash was made of */
} cn_journal_data;

typedef struct cn_journal cn_journal;

/* True where these first bytes are a journal's. */
bool cn_journal_is(cn_span head);
/* Reads the header. source is copied. CN_E_UNSUPPORTED for flags that are not known. */
int cn_journal_open(const cn_journal_source *source, cn_journal **out, cn_err *err) CN_MUST_USE;
const cn_journal_info *cn_journal_about(const cn_journal *j);
/* The next entry; *out_end instead where there is none. Spans in it are good until the next call. */
int cn_journal_next(cn_journal *j, cn_journal_entry *out, bool *out_end, cn_err *err) CN_MUST_USE;
/* Where the i-th field of an entry lies. i < n_items. */
uint64_t cn_journal_item(const cn_journal *j, const cn_journal_entry *entry, size_t i);
/* The field at an offset, decompressed. CN_E_CORRUPT, CN_E_TRUNCATED where it cannot be read. */
int cn_journal_data_at(cn_journal *j, uint64_t offset, cn_journal_data *out,
                       cn_err *err) CN_MUST_USE;
/* The boots that the file's index knows: id (16 bytes) and time of the first entry. Reads little of the
 * file; what is damaged is passed over. Negative from the callback stops and is returned. */
int cn_journal_boots(cn_journal *j, int (*boot)(void *context, cn_span id, uint64_t first_entry_us),
                     void *context, cn_err *err) CN_MUST_USE;
cn_journal *cn_journal_close(cn_journal *j);
CN_DEFINE_CLEANUP(cn_journal, cn_journal_close)
