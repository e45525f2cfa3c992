/* The segment file (docs/formats/segment.md), as its writer and its reader share it; for the files
 * of store/ only. All integers are little-endian.
 *
 *   0   8  "CAIRNSEG"     8  4  version     12  52  0
 *   sections, each at a multiple of 8
 *   footer (below)
 *   -32 8  footer offset  -24 8 footer length  -16 8 XXH3 of the footer  -8 8 "CAIRNEND"
 *
 * Rows are events, sorted by time; those without a time come first. What stands before the footer
 * is checked in blocks of 64 KiB, whose XXH3 sums stand in the footer.
 *
 * Footer: 4 rows, 4 of them untimed, 8 first time, 8 last time, 4 origins, 4 rows whose messages are
 * in the index, 8 value numbers that are in the index, 8 value numbers in all; CN_SECTION_COUNT
 * times 8 offset, 8 length; 4 columns, the columns; 4 data types, for each 4 columns and their
 * numbers, 4 each; 4 blocks, their sums, 8 each. */
#pragma once

#include "base/buf.h"
#include "base/cur.h"
#include "event/event.h"

#define CN_SEGMENT_MAGIC   "CAIRNSEG"
#define CN_SEGMENT_END     "CAIRNEND"
#define CN_SEGMENT_VERSION 1u

enum {
    CN_SEGMENT_HEAD = 64,
    CN_SEGMENT_TAIL = 32,
    CN_BLOCK_BITS = 16, /* of the checksums */
    CN_BLOCK_BYTES = 1 << CN_BLOCK_BITS,
    CN_TIME_ROWS = 128,       /* per block of times */
    CN_PLACE_ROWS = 1024,     /* per block of offsets */
    CN_MESSAGE_BYTES = 16384, /* of texts, where a block of messages ends */
    CN_SAMPLE_BYTES = 65536,  /* of messages that blocks of messages are packed against */
    CN_DICT_TOKENS = 32,      /* per block of the token dictionary */
    CN_VALUE_GROUP = 16,      /* values per group of a value dictionary */
    CN_RANK_ROWS = 512,       /* per entry of a presence bitmap's rank table */
    CN_ROWS_MAX = 1 << 26,    /* that a reader takes: three times what fits the largest spool */
    CN_COUNTS_MAX = 4096,     /* values of a column up to which their counts are stored */
};

/* 16 bytes per block of times: 8 first time, 4 offset in TIMES, 1 unit (power of ten), 1 bits, 2 0.
 * The block: the differences to the row before, in units, packed from the lowest bit.
 *
 * 16 bytes per block of messages, and one more at the end: 4 first row, 4 bytes when unpacked,
 * 8 offset in MESSAGES. The block, by zstd with SAMPLE as its raw dictionary (where that is not empty):
 * the lengths as varints, then the texts.
 *
 * 12 bytes per block of places: 4 offset in PLACES, 4 packed, 4 unpacked bytes (equal: not packed).
 * The block: 4 length of offsets, 4 length of lengths, then varints for each row: the zigzag
 * difference of the offset to where the last record of the same origin in this block ended (0 for
 * the first); the length; the ordinal.
 *
 * 16 bytes per block of tokens: 8 first 8 bytes of its first token, big-endian, 4 offset in TOKENS,
 * 4 offset of its first postings in POSTINGS; and one more at the end. The block, per token: 1 bytes
 * shared with the token before (0 for the first), 1 length of the rest, the rest; varint: number of
 * postings times 2, plus 1 where they are numbers of values and not rows; then, for one posting, the
 * posting as varint, for more the varint length of its postings times 2, plus 1 where they are a
 * bitmap of all rows. Postings: varint differences, the first to 0. */
typedef enum cn_section {
    CN_SECTION_TIMES,
    CN_SECTION_TIME_INDEX,
    CN_SECTION_MESSAGES,
    CN_SECTION_MESSAGE_INDEX,
    CN_SECTION_SAMPLE,
    CN_SECTION_PLACES,
    CN_SECTION_PLACE_INDEX,
    CN_SECTION_ORIGIN_KEYS, /* 8 each */
    CN_SECTION_TOKENS,
    CN_SECTION_TOKEN_INDEX,
    CN_SECTION_POSTINGS,
    CN_SECTION_COUNT,
} cn_section;

typedef struct cn_extent {
    uint64_t offset, length;
} cn_extent;

/* A column has a value for each row, or for each origin. Several columns may have one name: further
 * values of a field in one event, or values of another type. */
typedef enum cn_domain { CN_OF_ROWS, CN_OF_ORIGINS } cn_domain;
typedef enum cn_presence {
    CN_PRESENT_ALL,
    CN_PRESENT_BITMAP, /* one bit per row; a rank table of 4 bytes per CN_RANK_ROWS: set bits before */
    CN_PRESENT_LIST, /* the rows, 4 bytes each, ascending */
} cn_presence;
typedef enum cn_coding {
    CN_CODE_TEXT, /* codes number the sorted values of the dictionary */
    CN_CODE_INT,  /* the same, values 8 bytes each */
    CN_CODE_RAW,  /* codes are the integers themselves, less `base` */
} cn_coding;

/* In the footer: 1 length of the name, the name, then 1 each: type, domain, built-in, presence,
 * coding, bits; 4 present, 4 values, 8 first value number, 8 base, then the extents.
 *
 * codes: `bits` per value present: 0, 1, 2, 4, 8, 16, 24, 32 or 64.
 * values: TEXT: groups of CN_VALUE_GROUP, each value as varint bytes shared with the value before
 * (0 for a group's first), varint length of the rest, the rest. value_index: 4 offset of each group,
 * and the end. counts: 4 per value, or empty. */
typedef struct cn_column {
    cn_span name;
    cn_type type;
    cn_domain domain;
    bool is_builtin; /* path, data_type ...: no field of the record */
    cn_presence presence;
    cn_coding coding;
    uint8_t bits;
    uint32_t n_present, n_values;
    uint64_t first_value; /* TEXT: its values are numbered through all columns */
    int64_t base;
    cn_extent present, ranks, codes, values, value_index, counts;
} cn_column;

/* The origin of each row is a built-in RAW column of this name. */
#define CN_COLUMN_ORIGIN "origin"

typedef struct cn_type_columns {
    uint32_t n;
    const uint8_t *columns; /* 4 bytes each, not aligned */
} cn_type_columns;

typedef struct cn_footer {
    uint32_t n_rows, n_untimed, n_origins, indexed_rows;
    int64_t first_ns, last_ns;
    uint64_t indexed_values, n_text_values;
    cn_extent sections[CN_SECTION_COUNT];
    uint32_t n_columns, n_types, n_blocks;
    cn_column *columns;
    cn_type_columns *types; /* by code of data_type */
    const uint8_t *sums;    /* 8 bytes each, not aligned */
} cn_footer;

void cn_footer_put(cn_buf *out, const cn_footer *footer);
/* Reads what stands in `bytes`, which the result borrows; columns and types are allocated. No
 * extent reaches over `limit`, no count is larger than its bytes, all enumerations are in range. */
int cn_footer_get(cn_span bytes, uint64_t limit, cn_footer *out, cn_err *err) CN_MUST_USE;
void cn_footer_free(cn_footer *footer);

/* Bytes that n codes take. */
CN_MUST_USE bool cn_codes_bytes(uint64_t n, uint8_t bits, uint64_t *out);
/* The narrowest width that holds `max`. */
uint8_t cn_codes_bits(uint64_t max);
