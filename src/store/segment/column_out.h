/* Columns of a segment in the making; for the files of store/ only. One owner. */
#pragma once

#include "store/segment/token_index.h"

typedef struct cn_column_out {
    cn_column column; /* name, type, domain, is_builtin are set; the rest when written */
    bool is_text;
    size_t n, cap;
    uint32_t *rows;
    uint32_t *codes; /* of texts: in order of first appearance */
    int64_t *numbers;
    cn_span *values; /* borrowed */
    size_t n_values, cap_values;
    struct cn_value_slot {
        uint64_t hash; /* 0: empty */
        uint32_t code;
    } * table; /* open hash */
    size_t n_table;
    uint32_t next;     /* column of the same field, + 1; 0: none */
    uint32_t last_row; /* + 1 */
} cn_column_out;

/* Rows must ascend. Texts are borrowed until the column is reset, and 16 bytes behind them must be
 * readable. *out_code (may be NULL) is what cn_column_out_code() takes for the same text again.
 * False without memory. */
CN_MUST_USE bool cn_column_out_text(cn_column_out *c, uint32_t row, cn_span value,
                                    const uint64_t seeds[2], uint32_t *out_code);
CN_MUST_USE bool cn_column_out_code(cn_column_out *c, uint32_t row, uint32_t code);
CN_MUST_USE bool cn_column_out_number(cn_column_out *c, uint32_t row, int64_t value);
/* Sorts its values, writes it, and gives its values' tokens to the index, numbered from
 * *first_value, which moves on. `indexed`: moves with it as long as the index takes them. */
int cn_column_out_write(cn_column_out *c, cn_out *out, uint32_t n_rows, cn_token_index *index,
                        uint64_t *first_value, uint64_t *indexed, cn_err *err) CN_MUST_USE;
/* Empties it; keeps the memory where it is not large. */
void cn_column_out_reset(cn_column_out *c, bool keep);
