/* Time: signed 64-bit nanoseconds since 1970-01-01T00:00:00 UTC (1677-09-21 to 2262-04-11),
 * proleptic Gregorian calendar, no leap seconds. A time outside that range is no cn_time and is
 * kept as text by who finds it. */
#pragma once

#include "base/buf.h"

#define CN_NS_PER_S  INT64_C(1000000000)
#define CN_NS_PER_US INT64_C(1000)
#define CN_TIME_MIN  INT64_MIN
#define CN_TIME_MAX  INT64_MAX

typedef struct cn_civil {
    int32_t year;
    uint8_t month, day, hour, minute, second; /* month and day from 1; second up to 60 */
    uint32_t nanosecond;
} cn_civil;

/* Days since 1970-01-01 of a civil date; any year, month 1-12. */
int64_t cn_days_from_civil(int64_t year, unsigned month, unsigned day);
/* True where the date exists and the time of day is in range (second 60 is taken as the next
 * minute's 0). */
bool cn_civil_valid(const cn_civil *c);
/* Seconds since 1970 of a valid civil time read as UTC. */
int64_t cn_civil_seconds(const cn_civil *c);
/* seconds + nanoseconds to a cn_time; false when it does not fit. nanoseconds in 0..999999999. */
CN_MUST_USE bool cn_time_from_unix(int64_t seconds, uint32_t nanoseconds, int64_t *out_ns);
cn_civil cn_civil_from_time(int64_t time_ns);
/* "2026-11-18T01:12:19.660431000+00:00" with `digits` (0, 3, 6 or 9) of fraction, cut, not rounded.
 */
void cn_time_format(cn_buf *out, int64_t time_ns, int digits);
/* Reads ISO 8601 of any precision: "2026", "2026-11", "2026-11-18", "...T08", "...T08:00",
 * "...:00.123456789", each with an optional "Z" or "+hh:mm" after the time of day; ' ' for 'T' is
 * taken too. *out_first is its first nanosecond, *out_last the last one that it covers. False when
 * it is no time or does not fit. */
CN_MUST_USE bool cn_time_parse(cn_span text, int64_t *out_first, int64_t *out_last);
/* Monotonic clock for measuring, nanoseconds. */
uint64_t cn_clock_ns(void);
/* Now, UTC. */
int64_t cn_time_now(void);
