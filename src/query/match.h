/* Does one value satisfy a leaf? The meaning of the language over single values: the plain scan is
 * made of it, and the segment store asks it of each distinct value that its index does not decide.
 */
#pragma once

#include "event/spool.h"
#include "query/query.h"

/* A text value of the leaf's field (of a text field where the leaf names none). Invalid UTF-8 is
 * taken as it is: a byte that is part of no character separates tokens. CN_E_LIMIT where a regular
 * expression needs too long (err is set), otherwise 0 or 1. */
int cn_query_matches_text(const cn_query_node *leaf, cn_span value, cn_err *err) CN_MUST_USE;
/* An integer (boolean: 0 or 1) value. */
int cn_query_matches_number(const cn_query_node *leaf, cn_type type, int64_t value,
                            cn_err *err) CN_MUST_USE;

/* The plain scan: whether one event matches, without any index. Leaves over timeline, system and
 * annotations are asked of `other` (NULL: they match nothing). 0, 1 or negative. */
typedef struct cn_scan {
    int (*other)(void *context, const cn_query_node *leaf, const cn_spooled *event, cn_err *err);
    void *context;
} cn_scan;
int cn_scan_matches(const cn_scan *scan, const cn_query_node *node, const cn_spooled *event,
                    cn_err *err) CN_MUST_USE;
