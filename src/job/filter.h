/* --filter FILE: which paths of the evidence are looked at. One pattern per line: `GLOB` or `+
 * GLOB` takes what matches, `- GLOB` leaves it out; `*` matches any run of bytes, `/` too; a
 * pattern that ends with `/` means all beneath it; `#` begins a comment. Without a taking line
 * everything is taken that no other line leaves out. Read-only once read. */
#pragma once

#include "base/err.h"

typedef struct cn_filter cn_filter;

/* text is borrowed for the call. CN_E_ARG names the line. */
int cn_filter_parse(cn_span text, cn_filter **out, cn_err *err) CN_MUST_USE;
int cn_filter_read(const char *path, cn_filter **out, cn_err *err) CN_MUST_USE;
bool cn_filter_takes(const cn_filter *filter, cn_span path); /* NULL takes all */
uint64_t cn_filter_hash(const cn_filter *filter);
cn_filter *cn_filter_free(cn_filter *filter);
CN_DEFINE_CLEANUP(cn_filter, cn_filter_free)
