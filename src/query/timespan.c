#include "query/timespan.h"

#include "base/text.h"

/* The calendar repeats every 400 years, which is a whole number of days: a year is read as one of
 * 1800 to 2199, and moved. */
bool cn_timespan_parse(cn_span text, cn_timespan *out)
{
    enum { CYCLE = 400, BASE = 1800, DAYS = 146097 };
    char moved[64];
    unsigned year = 0;
    if (text.len < 4 || text.len >= sizeof moved)
        return false;
    for (size_t i = 0; i < 4; i++) {
        if (!cn_is_digit(text.p[i]))
            return false;
        year = year * 10 + text.p[i] - '0';
    }
    unsigned read_as = BASE + (year + CYCLE - BASE % CYCLE) % CYCLE;
    memcpy(moved, text.p, text.len);
    for (unsigned i = 4, y = read_as; i > 0; i--, y /= 10)
        moved[i - 1] = (char) ('0' + y % 10);
    int64_t first, last;
    if (!cn_time_parse(cn_span_of(moved, text.len), &first, &last))
        return false;
    __int128 shift = (__int128) (((int) year - (int) read_as) / CYCLE) * DAYS * 86400 * CN_NS_PER_S;
    *out = (cn_timespan){first + shift, last + shift};
    return true;
}

cn_timespan cn_timespan_of_us(int64_t us)
{
    __int128 first = (__int128) us * CN_NS_PER_US;
    return (cn_timespan){first, first + CN_NS_PER_US - 1};
}

static bool low(__int128 v, int64_t *out)
{
    if (v > CN_TIME_MAX)
        return false;
    *out = v < CN_TIME_MIN ? CN_TIME_MIN : (int64_t) v;
    return true;
}

static bool high(__int128 v, int64_t *out)
{
    if (v < CN_TIME_MIN)
        return false;
    *out = v > CN_TIME_MAX ? CN_TIME_MAX : (int64_t) v;
    return true;
}

bool cn_timespan_from(cn_timespan t, int64_t *out) { return low(t.first, out); }
bool cn_timespan_after(cn_timespan t, int64_t *out) { return low(t.last + 1, out); }
bool cn_timespan_until(cn_timespan t, int64_t *out) { return high(t.last, out); }
bool cn_timespan_before(cn_timespan t, int64_t *out) { return high(t.first - 1, out); }
