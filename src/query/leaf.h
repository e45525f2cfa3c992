/* Makes the leaves of a query's tree; for the files of query/ only. */
#pragma once

#include "query/lex.h"
#include "query/regex.h"
#include "query/token.h"

struct cn_query {
    cn_arena arena;
    cn_span text;
    const cn_query_node *root;
    bool has_annotations;
    size_t n_nodes;
    cn_regex **regexes;
    size_t n_regexes;
    cn_tokens tokens; /* of parsing only */
};

/* The field that a term stands after. */
typedef struct cn_leaf_field {
    cn_query_field field;
    cn_span name; /* RECORD: folded as the spool folds names */
    bool whole;   /* .keyword */
} cn_leaf_field;

int cn_leaf_field_of(cn_query *q, cn_span written, cn_leaf_field *out, cn_err *err) CN_MUST_USE;
/* A term (WORD, QUOTED, REGEX or RANGE) after `compare`. begin: where its field or itself begins.
 */
int cn_leaf_make(cn_query *q, const cn_leaf_field *field, cn_lex_compare compare,
                 const cn_lex *term, size_t begin, const cn_query_node **out,
                 cn_err *err) CN_MUST_USE;
/* Zeroed; counts against CN_QUERY_NODES_MAX. */
int cn_leaf_node(cn_query *q, size_t begin, size_t end, cn_query_node **out,
                 cn_err *err) CN_MUST_USE;
