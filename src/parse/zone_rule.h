/* The rule of a TZif footer: a POSIX TZ string (POSIX.1-2017, Base Definitions, section 8.3) with
 * the longer hours of RFC 8536, section 3.3.1. */
#pragma once

#include "base/base.h"

typedef struct cn_zone_day {
    enum { CN_ZONE_JULIAN, CN_ZONE_DAY, CN_ZONE_WEEKDAY } kind; /* Jn, n, Mm.w.d */
    int month, week, day;
    int32_t time_s; /* local seconds of that day */
} cn_zone_day;

typedef struct cn_zone_rule {
    int32_t standard_s, summer_s; /* seconds east of UTC */
    bool has_summer;
    cn_zone_day begin, end;
    cn_span standard_name, summer_name; /* borrowed from the text */
} cn_zone_rule;

CN_MUST_USE bool cn_zone_rule_parse(cn_span text, cn_zone_rule *out);
/* Seconds east of UTC at a time of UTC. */
int32_t cn_zone_rule_offset(const cn_zone_rule *rule, int64_t utc_s);
