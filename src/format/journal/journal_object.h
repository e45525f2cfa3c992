/* Objects of a journal file, for the files of this folder. */
#pragma once

#include "base/buf.h"
#include "base/cur.h"
#include "format/journal/journal_file.h"

#include <lzma.h>
#include <zstd.h>

enum {
    CN_JOURNAL_OBJECT_HEADER = 16,
    CN_JOURNAL_DATA_HEADER = 64, /* 72 in compact files */
    CN_JOURNAL_ENTRY_HEADER = 64,
    CN_JOURNAL_ARRAY_HEADER = 24,
    CN_JOURNAL_FIELD_HEADER = 40,
    CN_JOURNAL_TAG_SIZE = 64
};

typedef enum cn_journal_type {
    CN_JOURNAL_UNUSED,
    CN_JOURNAL_DATA,
    CN_JOURNAL_FIELD,
    CN_JOURNAL_ENTRY,
    CN_JOURNAL_DATA_HASH_TABLE,
    CN_JOURNAL_FIELD_HASH_TABLE,
    CN_JOURNAL_ENTRY_ARRAY,
    CN_JOURNAL_TAG,
    CN_JOURNAL_TYPES
} cn_journal_type;

enum cn_journal_compression { CN_JOURNAL_XZ = 1, CN_JOURNAL_LZ4 = 2, CN_JOURNAL_ZSTD = 4 };

typedef struct cn_journal_object {
    cn_journal_type type;
    uint8_t flags; /* enum cn_journal_compression, or 0 */
    uint64_t offset, size;
} cn_journal_object;

struct cn_journal {
    cn_journal_source source;
    cn_journal_info info;
    uint8_t ids[64];
    uint64_t at; /* where the next object should be */
    cn_span window;
    uint64_t window_at;
    uint64_t entries, objects;
    bool ended;
    cn_buf field; /* a decompressed field */
    ZSTD_DCtx *zstd;
};

/* The object's header; false where no object of a journal begins there. Nothing is believed but that it
 * lies in the file. */
CN_MUST_USE bool cn_journal_object_at(cn_journal *j, uint64_t offset, cn_journal_object *out);
/* Bytes of the file, from the window where they lie in it. */
int cn_journal_read(cn_journal *j, uint64_t offset, size_t len, cn_span *out,
                    cn_err *err) CN_MUST_USE;
