/* The threads that run calls of the API, one at a time each, in the order they came. */
#pragma once

#include "http/call.h"

typedef struct cn_workers cn_workers;

/* run does the work; done is told when it has ended, and may free the call. NULL without memory or
 * threads. */
cn_workers *cn_workers_new(void (*run)(cn_call *call), void (*done)(cn_call *call));
/* False where too many wait. */
CN_MUST_USE bool cn_workers_add(cn_workers *workers, cn_call *call);
/* Ends the threads once nothing waits any more. Accepts NULL. */
cn_workers *cn_workers_free(cn_workers *workers);
