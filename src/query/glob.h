/* Patterns with wildcards over folded text. In a pattern CN_GLOB_ANY and CN_GLOB_ONE (query.h) are
 * the wildcards and all other bytes themselves. */
#pragma once

#include "query/query.h"

/* The whole text. Time: at most pattern times text. */
bool cn_glob_matches(cn_span pattern, cn_span text);
/* The bytes before the first wildcard. */
cn_span cn_glob_prefix(cn_span pattern);
/* The longest run without a wildcard. */
cn_span cn_glob_literal(cn_span pattern);
/* Only `prefix*`. */
bool cn_glob_is_prefix(cn_span pattern);
