/* What a selection of the API finds. The same selection is asked for several times in a row (a page
 * of events, the histogram, each facet, the next page): its hits are kept for a while and shared. */
#pragma once

#include "http/call.h"

typedef struct cn_hits_cache cn_hits_cache;

/* The library is borrowed. NULL without memory. */
cn_hits_cache *cn_hits_cache_new(cn_library *library);
cn_hits_cache *cn_hits_cache_free(cn_hits_cache *cache);

/* The hits of a selection, for this call alone until they are given back. */
typedef struct cn_held_hits {
    cn_hits *hits;
    struct cn_hits_entry *entry;
    cn_hits_cache *cache;
    const cn_timeline *timelines; /* of the library, all of them; in the call's arena */
    size_t n_timelines;
    uint64_t of; /* events of the chosen timelines */
} cn_held_hits;

/* CN_OK, with *out held; 1 where the call has been answered with a problem (a bad query); negative,
 * with call->err set. */
int cn_hits_take(cn_call *call, const cn_api_selection *selection, cn_held_hits *out) CN_MUST_USE;
void cn_hits_give(cn_held_hits *held);
/* Lets go of hits that were found wrong (a damaged segment), so that the next take searches anew. */
void cn_hits_forget(cn_held_hits *held);
