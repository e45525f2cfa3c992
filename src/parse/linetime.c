#include "parse/linetime.h"

#include "base/text.h"
#include "base/timestamp.h"

typedef const uint8_t *bytes;

static inline bool two(bytes p, unsigned *out)
{
    unsigned a = p[0] - '0', b = p[1] - '0';
    if (a > 9 || b > 9)
        return false;
    *out = a * 10 + b;
    return true;
}

/* 1 to 12 from three letters, 0 where they are no month's. */
static unsigned month_of(bytes p)
{
    static const char names[] = "janfebmaraprmayjunjulaugsepoctnovdec";
    uint8_t a = p[0] | 32, b = p[1] | 32, c = p[2] | 32;
    for (unsigned i = 0; i < 12; i++)
        if (a == (uint8_t) names[3 * i] && b == (uint8_t) names[3 * i + 1] &&
            c == (uint8_t) names[3 * i + 2])
            return i + 1;
    return 0;
}

static bool is_weekday(bytes p)
{
    static const char names[] = "MonTueWedThuFriSatSun";
    for (unsigned i = 0; i < 7; i++)
        if (memcmp(p, names + 3 * i, 3) == 0)
            return true;
    return false;
}

static bool set_date(cn_linetime *t, unsigned year, unsigned month, unsigned day)
{
    cn_civil c = {.year = (int32_t) year, .month = (uint8_t) month, .day = (uint8_t) day};
    if (month > 12 || day > 31 || !cn_civil_valid(&c))
        return false;
    t->has_year = true;
    t->days = cn_days_from_civil(year, month, day);
    t->month = (uint8_t) month;
    t->day = (uint8_t) day;
    return true;
}

/* Date text of n bytes that is the same as the last one. */
static inline bool cached(const cn_linetime_cache *c, bytes p, size_t n)
{
    return c->date_len == n && memcmp(c->date, p, n) == 0;
}

static void use_cached(const cn_linetime_cache *c, cn_linetime *t)
{
    t->days = c->days;
    t->month = c->month;
    t->day = c->day;
}

static void remember(cn_linetime_cache *c, bytes p, size_t n, const cn_linetime *t)
{
    memcpy(c->date, p, n);
    c->date_len = (uint8_t) n;
    c->days = t->days;
    c->month = t->month;
    c->day = t->day;
}

/* The fraction behind the seconds: any number of digits after a point; after a comma, which may
 * also end a column, 3, 6 or 9. */
static size_t read_fraction(cn_span s, size_t at, cn_linetime *t)
{
    if (at + 1 >= s.len || (s.p[at] != '.' && s.p[at] != ',') || !cn_is_digit(s.p[at + 1]))
        return at;
    size_t i = at + 1;
    uint32_t ns = 0, step = 100000000;
    for (; i < s.len && cn_is_digit(s.p[i]); i++) {
        ns += (s.p[i] - '0') * step;
        step /= 10;
    }
    if (s.p[at] == ',') {
        if ((i - at - 1) % 3 != 0 || i - at > 10)
            return at;
        t->comma = true;
    }
    t->nanosecond = ns;
    return i;
}

/* hh:mm:ss and its fraction. 0 where there is none. */
static size_t read_clock(cn_span s, size_t at, cn_linetime *t)
{
    unsigned h, m, sec;
    bytes p = s.p + at;
    if (s.len < at + 8 || p[2] != ':' || p[5] != ':' || !two(p, &h) || !two(p + 3, &m) ||
        !two(p + 6, &sec) || h > 23 || m > 59 || sec > 60)
        return 0;
    t->second = h * 3600 + m * 60 + sec;
    if (s.len > at + 8 && cn_is_digit(p[8]))
        return 0;
    return read_fraction(s, at + 8, t);
}

static bool name_offset(cn_linetime_cache *c, cn_span name, int32_t *out)
{
    if (c->name_len != name.len || memcmp(c->name, name.p, name.len) != 0) {
        int64_t s = 0;
        c->name_known = cn_zone_abbreviation_in(c->zone, name, &s);
        c->name_s = (int32_t) s;
        c->name_len = (uint8_t) name.len;
        memcpy(c->name, name.p, name.len);
    }
    *out = c->name_s;
    return c->name_known;
}

/* Z, +hh:mm, +hhmm, +hh, or after a blank one of these or an abbreviation. */
static size_t read_zone(cn_linetime_cache *c, cn_span s, size_t at, cn_linetime *t)
{
    size_t i = at;
    if (i < s.len && s.p[i] == ' ')
        i++;
    if (i >= s.len)
        return at;
    uint8_t first = s.p[i];
    if (first == '+' || first == '-') {
        unsigned h, m = 0;
        if (s.len < i + 3 || !two(s.p + i + 1, &h) || h > 23)
            return at;
        size_t end = i + 3, colon = end < s.len && s.p[end] == ':';
        if (s.len >= end + colon + 2 && two(s.p + end + colon, &m)) {
            if (m > 59)
                return at;
            end += colon + 2;
        }
        if (end < s.len && (cn_is_digit(s.p[end]) || cn_is_alpha(s.p[end])))
            return at;
        t->has_zone = true;
        t->zone_s = (int32_t) (h * 3600 + m * 60) * (first == '-' ? -1 : 1);
        return end;
    }
    if (first < 'A' || first > 'Z')
        return at;
    size_t n = 0;
    while (i + n < s.len && n < 6 && s.p[i + n] >= 'A' && s.p[i + n] <= 'Z')
        n++;
    bool ends = i + n >= s.len || !(cn_is_alpha(s.p[i + n]) || cn_is_digit(s.p[i + n]) ||
                                    s.p[i + n] == '_' || s.p[i + n] == '-');
    if (n > 5 || !ends || (i == at && !(n == 1 && first == 'Z')) ||
        !name_offset(c, cn_span_of(s.p + i, n), &t->zone_s))
        return at;
    t->has_zone = true;
    return i + n;
}

/* yyyy-mm-dd, with '/' or '.' too, then 'T' or blanks */
static bool read_iso(cn_linetime_cache *c, cn_span s, cn_linetime *t)
{
    bytes p = s.p;
    if (s.len < 19 || (p[10] != 'T' && p[10] != ' ' && p[10] != '_' && p[10] != 't'))
        return false;
    if (cached(c, p, 10)) {
        use_cached(c, t);
        t->has_year = true;
    } else {
        unsigned y1, y2, m, d;
        if (p[4] != p[7] || (p[4] != '-' && p[4] != '/' && p[4] != '.') || !two(p, &y1) ||
            !two(p + 2, &y2) || !two(p + 5, &m) || !two(p + 8, &d) ||
            !set_date(t, y1 * 100 + y2, m, d))
            return false;
        remember(c, p, 10, t);
    }
    t->kind = CN_TIME_ISO;
    t->blank = p[10] == ' ';
    size_t at = 11;
    if (t->blank && p[11] == ' ')
        at++;
    at = read_clock(s, at, t);
    if (at == 0)
        return false;
    t->length = read_zone(c, s, at, t);
    return true;
}

/* yyyymmddThhmmss */
static bool read_basic(cn_linetime_cache *c, cn_span s, cn_linetime *t)
{
    unsigned y1, y2, m, d, h, min, sec;
    bytes p = s.p;
    if (s.len < 15 || (p[8] != 'T' && p[8] != '-') || !two(p, &y1) || !two(p + 2, &y2) ||
        !two(p + 4, &m) || !two(p + 6, &d) || !two(p + 9, &h) || !two(p + 11, &min) ||
        !two(p + 13, &sec) || h > 23 || min > 59 || sec > 60 || y1 < 19 || y1 > 21 ||
        !set_date(t, y1 * 100 + y2, m, d) || (s.len > 15 && cn_is_digit(p[15])))
        return false;
    t->kind = CN_TIME_BASIC;
    t->second = h * 3600 + min * 60 + sec;
    t->length = read_zone(c, s, read_fraction(s, 15, t), t);
    return true;
}

/* A year of four digits at `at`; 0 where there is none. */
static unsigned year_at(cn_span s, size_t at)
{
    unsigned a, b;
    if (s.len < at + 4 || !two(s.p + at, &a) || !two(s.p + at + 2, &b) ||
        (s.len > at + 4 && cn_is_digit(s.p[at + 4])) || a < 16 || a > 99)
        return 0;
    return a * 100 + b;
}

/* "Mmm dd" or "Mmm d": *out_at is behind it. */
static bool read_month_day(cn_linetime_cache *c, cn_span s, cn_linetime *t, size_t *out_at)
{
    bytes p = s.p;
    if (s.len < 15 || p[3] != ' ')
        return false;
    if (p[6] == ' ' && cached(c, p, 6)) {
        use_cached(c, t);
        *out_at = 6;
        return true;
    }
    unsigned month = month_of(p), day = 0;
    if (month == 0)
        return false;
    size_t at = 6;
    if (two(p + 4, &day)) {
        /* "18" */
    } else if ((p[4] == ' ' || p[4] == '0') && cn_is_digit(p[5])) {
        day = p[5] - '0';
    } else if (cn_is_digit(p[4]) && p[5] == ' ') {
        day = p[4] - '0';
        at = 5;
    } else {
        return false;
    }
    cn_civil leap = {.year = 2000, .month = (uint8_t) month, .day = (uint8_t) day};
    if (day > 31 || !cn_civil_valid(&leap))
        return false;
    t->month = (uint8_t) month;
    t->day = (uint8_t) day;
    t->days = 0;
    if (at == 6)
        remember(c, p, 6, t);
    *out_at = at;
    return true;
}

/* Mmm dd hh:mm:ss, with a year before or behind the time of day; `weekday` bytes precede the month.
 */
static bool read_month_first(cn_linetime_cache *c, cn_span s, size_t weekday, cn_linetime *t)
{
    size_t at;
    if (!read_month_day(c, cn_span_sub(s, weekday, s.len), t, &at))
        return false;
    at += weekday;
    t->kind = weekday ? CN_TIME_ASCTIME : CN_TIME_BSD;
    if (at >= s.len || s.p[at] != ' ')
        return false;
    unsigned year = year_at(s, at + 1);
    if (year)
        at += 5;
    if (at >= s.len || s.p[at] != ' ')
        return false;
    at = read_clock(s, at + 1, t);
    if (at == 0)
        return false;
    size_t zone_end = read_zone(c, s, at, t);
    /* a year behind the time: "01:02:03 2026", "01:02:03 UTC 2026" */
    if (!year && zone_end < s.len && s.p[zone_end] == ' ' && weekday &&
        (year = year_at(s, zone_end + 1)) != 0) {
        zone_end += 5;
        if (!t->has_zone)
            zone_end = read_zone(c, s, zone_end, t);
    }
    t->length = zone_end;
    return !year || set_date(t, year, t->month, t->day);
}

/* [d]d Mmm yyyy hh:mm:ss with '/', '-' or ' ' between; a ':' may stand before the hour */
static bool read_day_first(cn_linetime_cache *c, cn_span s, size_t from, cn_linetime *t)
{
    cn_span r = cn_span_sub(s, from, s.len);
    if (r.len < 19)
        return false;
    bytes p = r.p;
    size_t digits = cn_is_digit(p[1]) ? 2 : 1;
    uint8_t between = p[digits];
    size_t date_len = digits + 9;
    if ((between != '/' && between != '-' && between != ' ') || p[digits + 4] != between)
        return false;
    if (cached(c, p, date_len)) {
        use_cached(c, t);
        t->has_year = true;
    } else {
        unsigned day = p[0] - '0', month = month_of(p + digits + 1);
        if (digits == 2 && !two(p, &day))
            return false;
        unsigned year = year_at(r, digits + 5);
        if (!cn_is_digit(p[0]) || !month || !year || !set_date(t, year, month, day))
            return false;
        remember(c, p, date_len, t);
    }
    t->kind = between == '/' ? CN_TIME_CLF : CN_TIME_DAY_NAME;
    t->blank = p[date_len] == ' ';
    if (p[date_len] != ':' && p[date_len] != ' ')
        return false;
    size_t at = read_clock(r, date_len + 1, t);
    if (at == 0)
        return false;
    t->length = from + read_zone(c, r, at, t);
    return true;
}

/* Seconds, milliseconds, microseconds or nanoseconds since 1970, from 2001 to 2096 */
static bool read_epoch(cn_span s, cn_linetime *t)
{
    uint64_t v = 0;
    size_t n = 0;
    while (n < s.len && n < 20 && cn_is_digit(s.p[n]))
        v = v * 10 + (s.p[n++] - '0');
    if ((n != 10 && n != 13 && n != 16 && n != 19) || s.p[0] == '0' || s.p[0] > '3')
        return false;
    uint64_t unit = n == 10 ? 1 : n == 13 ? 1000 : n == 16 ? 1000000 : 1000000000;
    uint64_t seconds = v / unit;
    t->kind = CN_TIME_EPOCH;
    t->has_year = t->has_zone = true;
    t->days = (int64_t) (seconds / 86400);
    t->second = (uint32_t) (seconds % 86400);
    t->nanosecond = (uint32_t) (v % unit * (1000000000 / unit));
    t->length = n == 10 ? read_fraction(s, n, t) : n;
    if (t->comma) { /* 1795132816,5 is a column */
        t->comma = false;
        t->nanosecond = 0;
        t->length = n;
    }
    return t->length >= s.len || !cn_is_alpha(s.p[t->length]);
}

bool cn_linetime_read(cn_linetime_cache *cache, cn_span s, cn_linetime *out)
{
    if (s.len < 10)
        return false;
    bytes p = s.p;
    *out = (cn_linetime){0};
    if (cn_is_digit(p[0])) {
        if (!cn_is_digit(p[1]) || !cn_is_digit(p[2]))
            return read_day_first(cache, s, 0, out);
        if (p[4] == '-' || p[4] == '/' || p[4] == '.')
            return read_iso(cache, s, out);
        return s.len > 8 && (p[8] == 'T' || p[8] == '-') ? read_basic(cache, s, out)
                                                         : read_epoch(s, out);
    }
    if (p[0] < 'A' || p[0] > 'Z')
        return false;
    if (p[3] == ' ' && month_of(p))
        return read_month_first(cache, s, 0, out);
    if (!is_weekday(p))
        return false;
    if (p[3] == ' ')
        return read_month_first(cache, s, 4, out);
    return p[3] == ',' && p[4] == ' ' && read_day_first(cache, s, 5, out);
}
