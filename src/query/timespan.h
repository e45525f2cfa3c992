/* Times as a query writes them: of any precision, and also beyond what a cn_time can be. */
#pragma once

#include "base/timestamp.h"

/* All nanoseconds that a written time covers, both inclusive. */
typedef struct cn_timespan {
    __int128 first, last;
} cn_timespan;

/* As cn_time_parse(), for the years 0000 to 9999. */
CN_MUST_USE bool cn_timespan_parse(cn_span text, cn_timespan *out);
cn_timespan cn_timespan_of_us(int64_t us);
/* The bound that it sets to a cn_time: from its beginning, after its end, until its end, before its
 * beginning. False where no cn_time keeps it. */
CN_MUST_USE bool cn_timespan_from(cn_timespan t, int64_t *out);
CN_MUST_USE bool cn_timespan_after(cn_timespan t, int64_t *out);
CN_MUST_USE bool cn_timespan_until(cn_timespan t, int64_t *out);
CN_MUST_USE bool cn_timespan_before(cn_timespan t, int64_t *out);
