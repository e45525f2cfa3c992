/* Regular expressions of queries: PCRE2 syntax, case-insensitive, found anywhere in the value.
 * A match has a limit of steps, so that no pattern hangs. Threads may share a cn_regex. */
#pragma once

#include "base/err.h"

#define CN_REGEX_TEXT_MAX 4096u /* bytes of a pattern */

typedef struct cn_regex cn_regex;

/* CN_E_ARG with what is wrong; err->offset is the place in the pattern. */
int cn_regex_compile(cn_span pattern, cn_regex **out, cn_err *err) CN_MUST_USE;
cn_regex *cn_regex_free(cn_regex *regex);
/* 1, 0, or CN_E_LIMIT where the pattern needs too many steps, CN_E_NO_MEMORY. */
int cn_regex_search(const cn_regex *regex, cn_span value, cn_err *err) CN_MUST_USE;
/* Lower-case ASCII text that stands in every match, as it is or in capitals, unless the value holds
 * bytes beyond ASCII; empty where none is known. */
cn_span cn_regex_literal(const cn_regex *regex);
