/* What cairn search prints. All of it goes to standard output. */
#pragma once

#include "event/encode.h"
#include "job/library.h"

typedef enum cn_search_form {
    CN_FORM_TABLE,
    CN_FORM_JSONL,
    CN_FORM_CSV,
    CN_FORM_L2TCSV,
    CN_FORM_BODYFILE
} cn_search_form;
CN_MUST_USE bool cn_search_form_by_name(const char *name, cn_search_form *out);

typedef struct cn_search_events {
    cn_search_form form;
    bool terminal; /* rows are cut to its width */
    cn_order order;
    uint64_t limit;     /* events; UINT64_MAX: all */
    bool with_timeline; /* a column that names it */
} cn_search_events;

int cn_search_print_events(cn_library *library, const cn_search *search,
                           const cn_search_events *ask, cn_err *err) CN_MUST_USE;
int cn_search_print_count(uint64_t count, cn_err *err) CN_MUST_USE;
/* interval_ns 0: chosen. */
int cn_search_print_histogram(cn_hits *hits, int64_t interval_ns, cn_search_form form,
                              bool terminal, cn_err *err) CN_MUST_USE;
int cn_search_print_top(cn_hits *hits, const cn_top_ask *ask, cn_search_form form,
                        cn_err *err) CN_MUST_USE;
