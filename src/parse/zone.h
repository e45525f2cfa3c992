/* Time zones: TZif (RFC 8536) as found on the machine under examination, or UTC. Read-only, may be
 * shared. */
#pragma once

#include "base/err.h"

typedef struct cn_zone cn_zone;

/* UTC; never freed. */
const cn_zone *cn_zone_utc(void);
/* From the content of a TZif file (versions 1 to 4, with the footer's rule for later years). */
int cn_zone_from_tzif(cn_span tzif, const char *name, cn_zone **out, cn_err *err) CN_MUST_USE;
const char *cn_zone_name(const cn_zone *zone);
/* Local civil seconds (cn_civil_seconds of what the clock showed) to seconds of UTC. A time that
 * occurs twice is taken as the first, one that does not occur as if the clock had not been moved
 * yet. */
int64_t cn_zone_to_utc(const cn_zone *zone, int64_t local_seconds);
/* Offset of a zone abbreviation as logs write it (UTC, GMT, Z, CET, CEST, EST, ...; "+03", "-0730",
 * "+05:30"); false where it is not known. */
CN_MUST_USE bool cn_zone_abbreviation(cn_span text, int64_t *out_offset_seconds);
/* The same, asking the zone's own abbreviations first: "IST" and "CST" name several. zone may be
 * NULL. */
CN_MUST_USE bool cn_zone_abbreviation_in(const cn_zone *zone, cn_span text,
                                         int64_t *out_offset_seconds);
cn_zone *cn_zone_free(cn_zone *zone);
