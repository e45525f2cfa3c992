/* From the parts of a selection (query, chips, times, timelines) to one search. */
#pragma once

#include "http/call.h"

typedef struct cn_selected {
    cn_query *query; /* owned; chips and all */
    bool has_from, has_until;
    int64_t from_ns, until_ns;
    uint64_t *timelines; /* chosen ones */
    size_t n_timelines;
    bool none;        /* no timeline at all: nothing can be found */
    uint64_t of;      /* their events */
    cn_timeline *all; /* of the catalog */
    size_t n_all;
} cn_selected;

/* CN_OK; 1 where the call has been answered with a problem; negative with call->err set. Everything
 * but the query lives in the call's arena. */
/* "1,2,3" into the timelines of a selection; absent text: none said. As cn_selection_read(). */
int cn_selection_timelines(cn_call *call, cn_span text, cn_api_selection *selection) CN_MUST_USE;
int cn_selection_read(cn_call *call, const cn_api_selection *selection,
                      cn_selected *out) CN_MUST_USE;
/* A time of a request. False, with the call answered, where it is none. */
CN_MUST_USE bool cn_selection_time(cn_call *call, const char *field, cn_span text,
                                   int64_t *out_first, int64_t *out_last);
/* Answers with what is wrong with a query and where. field: "query", "chips[1].query". */
int cn_selection_bad_query(cn_call *call, const char *field, cn_span query, const cn_err *err);
/* Where a byte stands in UTF-16 units. */
size_t cn_selection_utf16(cn_span text, size_t byte);
/* Length in bytes of what stands at a byte of a query. */
size_t cn_selection_token_length(cn_span query, size_t byte);
