/* TZif (RFC 8536, section 3): a header, then a data block with 32-bit times; from version 2 on a
 * second header and block with 64-bit times, then a footer.
 *
 *   header  0 "TZif"  4 version  5 reserved (15)  20 isutcnt  24 isstdcnt  28 leapcnt  32 timecnt
 *           36 typecnt  40 charcnt, all big-endian; 44 bytes
 *   block   timecnt times, timecnt type numbers, typecnt * (utoff 4, isdst 1, desigidx 1), charcnt
 *           bytes of designations, leapcnt * (time + 4), isstdcnt, isutcnt bytes
 *   footer  newline, rule, newline
 */
#include "parse/zone.h"

#include "base/cur.h"
#include "base/text.h"
#include "parse/zone_rule.h"

#include <stdlib.h>

typedef struct zone_type {
    int32_t offset_s;
    uint8_t name_at;
} zone_type;

struct cn_zone {
    char name[64];
    size_t n_times, n_types;
    int64_t *times; /* sorted */
    uint8_t *kinds; /* type from times[i] on */
    zone_type *types;
    char names[256]; /* designations, NUL-terminated */
    char rule_text[128];
    bool has_rule;
    cn_zone_rule rule;
};

enum { TIMES_MAX = 4096, TYPES_MAX = 256 }; /* real zones stay below 300 and 20 */

const cn_zone *cn_zone_utc(void)
{
    static const zone_type utc_type = {0, 0};
    /* Never written through: zone_free() does not free it. */
    static const cn_zone utc = {
        .name = "UTC", .n_types = 1, .types = (zone_type *) (uintptr_t) &utc_type, .names = "UTC"};
    return &utc;
}

const char *cn_zone_name(const cn_zone *zone) { return zone->name; }

cn_zone *cn_zone_free(cn_zone *zone)
{
    if (zone && zone != cn_zone_utc()) {
        free(zone->times);
        free(zone->kinds);
        free(zone->types);
        free(zone);
    }
    return NULL;
}

typedef struct counts {
    uint8_t version;
    uint32_t isut, isstd, leap, time, type, chars;
} counts;

static counts read_header(cn_cur *c)
{
    counts n = {0};
    cn_span magic = cn_cur_span(c, 4);
    if (!cn_span_is(magic, "TZif"))
        cn_cur_fail(c, CN_E_CORRUPT);
    n.version = cn_cur_u8(c);
    cn_cur_skip(c, 15);
    n.isut = cn_cur_be32(c);
    n.isstd = cn_cur_be32(c);
    n.leap = cn_cur_be32(c);
    n.time = cn_cur_be32(c);
    n.type = cn_cur_be32(c);
    n.chars = cn_cur_be32(c);
    if (n.time > TIMES_MAX || n.type > TYPES_MAX || n.chars >= sizeof((cn_zone *) 0)->names ||
        n.leap > TIMES_MAX || n.isut > TYPES_MAX || n.isstd > TYPES_MAX)
        cn_cur_fail(c, CN_E_CORRUPT);
    return n;
}

static size_t block_bytes(const counts *n, size_t time_bytes)
{
    return n->time * (time_bytes + 1) + n->type * 6u + n->chars + n->leap * (time_bytes + 4) +
           n->isstd + n->isut;
}

static int read_block(cn_zone *z, cn_cur *c, const counts *n, bool wide, cn_err *err)
{
    z->times = calloc(n->time + 1u, sizeof *z->times);
    z->kinds = calloc(n->time + 1u, 1);
    z->types = calloc(n->type + 1u, sizeof *z->types);
    if (!z->times || !z->kinds || !z->types)
        return cn_fail(err, CN_E_NO_MEMORY, CN_NO_OFFSET, "no memory for a time zone");
    z->n_times = n->time;
    z->n_types = n->type;
    for (size_t i = 0; i < n->time; i++) {
        z->times[i] = wide ? (int64_t) cn_cur_be64(c) : (int32_t) cn_cur_be32(c);
        if (i && z->times[i] <= z->times[i - 1])
            cn_cur_fail(c, CN_E_CORRUPT);
    }
    for (size_t i = 0; i < n->time; i++) {
        z->kinds[i] = cn_cur_u8(c);
        if (z->kinds[i] >= n->type)
            cn_cur_fail(c, CN_E_CORRUPT);
    }
    for (size_t i = 0; i < n->type; i++) {
        z->types[i].offset_s = (int32_t) cn_cur_be32(c);
        cn_cur_skip(c, 1);
        z->types[i].name_at = cn_cur_u8(c);
        /* RFC 8536 bounds real offsets at -25 and +26 hours. */
        if (z->types[i].offset_s < -90000 || z->types[i].offset_s > 93600 ||
            z->types[i].name_at >= n->chars)
            cn_cur_fail(c, CN_E_CORRUPT);
    }
    cn_span names = cn_cur_span(c, n->chars);
    if (names.len)
        memcpy(z->names, names.p, names.len);
    cn_cur_skip(c, n->leap * ((wide ? 8u : 4u) + 4u) + n->isstd + n->isut);
    if (n->type == 0)
        cn_cur_fail(c, CN_E_CORRUPT);
    return cn_cur_check(c, err, "time zone");
}

static int read_zone(cn_zone *z, cn_cur *c, cn_err *err)
{
    counts n = read_header(c);
    if (n.version < '2')
        return read_block(z, c, &n, false, err);
    cn_cur_skip(c, block_bytes(&n, 4));
    n = read_header(c);
    int code = cn_cur_check(c, err, "time zone");
    if (code == CN_OK)
        code = read_block(z, c, &n, true, err);
    if (code < 0)
        return code;
    cn_span footer = cn_cur_span(c, cn_cur_left(c));
    if (cn_span_starts(footer, "\n")) {
        footer = cn_span_sub(footer, 1, footer.len);
        cn_span rule = cn_text_until(&footer, '\n');
        if (rule.len && rule.len < sizeof z->rule_text) {
            memcpy(z->rule_text, rule.p, rule.len);
            z->has_rule = cn_zone_rule_parse(cn_span_of(z->rule_text, rule.len), &z->rule);
        }
    }
    return CN_OK;
}

int cn_zone_from_tzif(cn_span tzif, const char *name, cn_zone **out, cn_err *err)
{
    cn_zone *z = calloc(1, sizeof *z);
    if (!z)
        return cn_fail(err, CN_E_NO_MEMORY, CN_NO_OFFSET, "no memory for a time zone");
    snprintf(z->name, sizeof z->name, "%s", name ? name : "");
    cn_cur c = cn_cur_of(tzif, 0);
    int code = read_zone(z, &c, err);
    if (code < 0) {
        cn_zone_free(z);
        return code;
    }
    *out = z;
    return CN_OK;
}

/* Seconds east of UTC at a time of UTC. */
static int32_t offset_at(const cn_zone *z, int64_t utc_s)
{
    size_t low = 0, high = z->n_times;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (z->times[middle] <= utc_s)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == z->n_times && z->has_rule)
        return cn_zone_rule_offset(&z->rule, utc_s);
    /* Before the first time the first type holds (RFC 8536, section 3.2). */
    return z->types[low ? z->kinds[low - 1] : 0].offset_s;
}

int64_t cn_zone_to_utc(const cn_zone *zone, int64_t local_seconds)
{
    if (zone->n_times == 0 && !zone->has_rule)
        return local_seconds - zone->types[0].offset_s;
    /* No zone is moved twice within two days: the offset a day before and the one a day after are
     * all that can hold. */
    int32_t before = offset_at(zone, local_seconds - 86400);
    int64_t utc = local_seconds - before;
    if (offset_at(zone, utc) == before)
        return utc;
    int32_t after = offset_at(zone, local_seconds + 86400);
    if (offset_at(zone, local_seconds - after) == after)
        return local_seconds - after;
    return utc;
}

bool cn_zone_abbreviation_in(const cn_zone *zone, cn_span text, int64_t *out_offset_seconds)
{
    if (zone && text.len) {
        /* The latest meaning first: an abbreviation may have changed its offset. */
        for (size_t i = zone->n_types; i-- > 0;)
            if (cn_span_is(text, zone->names + zone->types[i].name_at)) {
                *out_offset_seconds = zone->types[i].offset_s;
                return true;
            }
        if (zone->has_rule && cn_span_eq(text, zone->rule.standard_name)) {
            *out_offset_seconds = zone->rule.standard_s;
            return true;
        }
        if (zone->has_rule && zone->rule.has_summer && cn_span_eq(text, zone->rule.summer_name)) {
            *out_offset_seconds = zone->rule.summer_s;
            return true;
        }
    }
    return cn_zone_abbreviation(text, out_offset_seconds);
}
