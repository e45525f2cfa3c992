/* Lengths of time as people write them: 500us, 10ms, 90s, 5m, 1h, 1d, 2w. */
#pragma once

#include "base/buf.h"

/* A whole number above 0 and a unit (ns us ms s m h d w). False on anything else and on overflow.
 */
CN_MUST_USE bool cn_duration_parse(cn_span text, int64_t *out_ns);
/* For people, in the greatest unit that fits whole: "5 minutes", "1 day", "250 milliseconds". */
void cn_duration_format(cn_buf *out, int64_t ns);
