/* Times as log lines write them: a hand-written scanner that recognises one at a given place. */
#pragma once

#include "parse/zone.h"

typedef enum cn_time_kind {
    CN_TIME_ISO,      /* 2026-11-18T01:02:03, 2026-11-18 01:02:03,123, 2026/11/18 01:02:03 */
    CN_TIME_BASIC,    /* 20261118T010203Z */
    CN_TIME_BSD,      /* Nov 18 01:02:03, Nov  8 2026 01:02:03 */
    CN_TIME_ASCTIME,  /* Wed Nov 18 01:02:03.123456 2026, Wed Nov 18 01:02:03 UTC 2026 */
    CN_TIME_CLF,      /* 18/Nov/2026:01:02:03 +0000 */
    CN_TIME_DAY_NAME, /* 18 Nov 2026 01:02:03, 18-Nov-2026 01:02:03.123, Wed, 18 Nov 2026 01:02:03
                       */
    CN_TIME_EPOCH,    /* 1795132816, 1795132816.420, 1795132816420 (ms), up to ns */
} cn_time_kind;

typedef struct cn_linetime {
    cn_time_kind kind;
    int64_t days;    /* since 1970 of the date as written; only where has_year */
    uint32_t second; /* of the day, up to 86400 for a leap second */
    uint32_t nanosecond;
    uint8_t month, day;
    bool has_year, has_zone;
    bool comma;     /* a comma stands before the fraction */
    bool blank;     /* a blank stands between date and time */
    int32_t zone_s; /* east of UTC; only where has_zone */
    size_t length;  /* bytes of text it takes */
} cn_linetime;

/* What the scanner remembers between lines: the date, which is the same for many, and a zone's
 * abbreviation. All zeros at first. */
typedef struct cn_linetime_cache {
    const cn_zone *zone; /* whose abbreviations go first; may be NULL */
    char date[12];
    uint8_t date_len, month, day;
    int64_t days;
    char name[8];
    uint8_t name_len;
    bool name_known;
    int32_t name_s;
} cn_linetime_cache;

/* True where a time of day with its date begins `s`. */
CN_MUST_USE bool cn_linetime_read(cn_linetime_cache *cache, cn_span s, cn_linetime *out);
