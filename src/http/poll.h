/* Looks at the catalog every now and then, opens what has been added, and tells the event stream. */
#pragma once

#include "http/stream.h"

typedef struct cn_poll cn_poll;

/* Takes in what is there, then starts its thread. Both are borrowed. */
int cn_poll_new(cn_library *library, cn_stream *stream, cn_poll **out, cn_err *err) CN_MUST_USE;
void cn_poll_stop(cn_poll *poll);
/* Stops it, too. Accepts NULL. */
cn_poll *cn_poll_free(cn_poll *poll);
