/* An event by the id that a request names. */
#pragma once

#include "http/call.h"

/* timeline 0: in any. CN_E_NOT_FOUND, in words for people. Lives in the call's arena. */
int cn_find_event(cn_call *call, cn_span id, int64_t timeline, cn_stored_event *out) CN_MUST_USE;
