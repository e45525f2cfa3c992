/* The query text cut into what the parser takes; for the files of query/ only. */
#pragma once

#include "query/query.h"

typedef enum cn_lex_kind {
    CN_LEX_END,
    CN_LEX_OPEN,
    CN_LEX_CLOSE,
    CN_LEX_AND,
    CN_LEX_OR,
    CN_LEX_NOT,   /* NOT, `!` or `-` before a term */
    CN_LEX_FIELD, /* inner: the name; end: behind what compares */
    CN_LEX_WORD,
    CN_LEX_QUOTED, /* inner: between the quotes */
    CN_LEX_REGEX,  /* inner: between the slashes */
    CN_LEX_RANGE,  /* low, high; with its brackets */
    CN_LEX_BAD,    /* problem says why */
} cn_lex_kind;

typedef enum cn_lex_compare {
    CN_COMPARE_HAS, /* : */
    CN_COMPARE_IS,  /* := */
    CN_COMPARE_GREATER,
    CN_COMPARE_GREATER_EQUAL,
    CN_COMPARE_LESS,
    CN_COMPARE_LESS_EQUAL,
} cn_lex_compare;

typedef struct cn_lex {
    cn_lex_kind kind;
    size_t begin, end; /* in the text */
    cn_span inner;
    cn_lex_compare compare; /* FIELD */
    size_t colon;           /* FIELD: where it stands */
    cn_span low, high;      /* RANGE: as written, quotes included */
    bool low_in, high_in;   /* RANGE: [ ] */
    size_t to;              /* RANGE: where TO stands */
    const char *problem;    /* BAD: continues "... at N" */
} cn_lex;

/* The token at or behind `at`. After a field (`in_field`), no field name is taken and ranges are.
 */
cn_lex cn_lex_next(cn_span text, size_t at, bool in_field);
/* Takes backslashes off what they protect. Wildcards become CN_GLOB_*, where wanted; then
 * *out_wild tells whether there was one. */
void cn_lex_unescape(cn_buf *out, cn_span text, bool wildcards, bool *out_wild);
