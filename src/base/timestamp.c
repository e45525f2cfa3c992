#include "base/timestamp.h"

#include <time.h>

/* Counts in eras of 400 years whose years begin in March, so that a leap day is the last of its
 * year. */
int64_t cn_days_from_civil(int64_t year, unsigned month, unsigned day)
{
    year -= month <= 2;
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    unsigned year_of_era = (unsigned) (year - era * 400);
    unsigned day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    unsigned day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + (int64_t) day_of_era - 719468;
}

static bool is_leap(int64_t year) { return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0); }

bool cn_civil_valid(const cn_civil *c)
{
    static const uint8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    if (c->month < 1 || c->month > 12 || c->day < 1)
        return false;
    if (c->day > days[c->month - 1] && !(c->month == 2 && c->day == 29 && is_leap(c->year)))
        return false;
    return c->hour < 24 && c->minute < 60 && c->second <= 60 && c->nanosecond < CN_NS_PER_S;
}

int64_t cn_civil_seconds(const cn_civil *c)
{
    return cn_days_from_civil(c->year, c->month, c->day) * 86400 + c->hour * 3600 + c->minute * 60 +
           c->second;
}

bool cn_time_from_unix(int64_t seconds, uint32_t nanoseconds, int64_t *out_ns)
{
    /* The product alone may lie just below the range of a time that is in it. */
    __int128 ns = (__int128) seconds * CN_NS_PER_S + nanoseconds;
    if (ns < INT64_MIN || ns > INT64_MAX)
        return false;
    *out_ns = (int64_t) ns;
    return true;
}

cn_civil cn_civil_from_time(int64_t time_ns)
{
    int64_t seconds = time_ns / CN_NS_PER_S, ns = time_ns % CN_NS_PER_S;
    if (ns < 0) {
        ns += CN_NS_PER_S;
        seconds--;
    }
    int64_t days = seconds / 86400, rest = seconds % 86400;
    if (rest < 0) {
        rest += 86400;
        days--;
    }
    days += 719468;
    int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    unsigned day_of_era = (unsigned) (days - era * 146097);
    unsigned year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    unsigned day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    unsigned shifted = (5 * day_of_year + 2) / 153;
    unsigned month = shifted < 10 ? shifted + 3 : shifted - 9;
    return (cn_civil){
        .year = (int32_t) ((int64_t) year_of_era + era * 400 + (month <= 2)),
        .month = (uint8_t) month,
        .day = (uint8_t) (day_of_year - (153 * shifted + 2) / 5 + 1),
        .hour = (uint8_t) (rest / 3600),
        .minute = (uint8_t) (rest / 60 % 60),
        .second = (uint8_t) (rest % 60),
        .nanosecond = (uint32_t) ns,
    };
}

static uint8_t *put_digits(uint8_t *p, uint32_t value, int n)
{
    for (int i = n - 1; i >= 0; i--, value /= 10)
        p[i] = (uint8_t) ('0' + value % 10);
    return p + n;
}

void cn_time_format(cn_buf *out, int64_t time_ns, int digits)
{
    cn_civil c = cn_civil_from_time(time_ns);
    uint8_t *start = cn_buf_room(out, 40), *p = start;
    if (!p)
        return;
    p = put_digits(p, (uint32_t) c.year, 4);
    *p++ = '-';
    p = put_digits(p, c.month, 2);
    *p++ = '-';
    p = put_digits(p, c.day, 2);
    *p++ = 'T';
    p = put_digits(p, c.hour, 2);
    *p++ = ':';
    p = put_digits(p, c.minute, 2);
    *p++ = ':';
    p = put_digits(p, c.second, 2);
    if (digits > 0) {
        uint32_t fraction = c.nanosecond;
        for (int i = digits; i < 9; i++)
            fraction /= 10;
        *p++ = '.';
        p = put_digits(p, fraction, digits);
    }
    memcpy(p, "+00:00", 6);
    out->len += (size_t) (p + 6 - start);
}

/* Reads exactly n digits. */
static bool take_digits(cn_span *s, size_t n, uint32_t *out)
{
    if (s->len < n)
        return false;
    uint32_t v = 0;
    for (size_t i = 0; i < n; i++) {
        if (s->p[i] < '0' || s->p[i] > '9')
            return false;
        v = v * 10 + (uint32_t) (s->p[i] - '0');
    }
    *s = (cn_span){s->p + n, s->len - n};
    *out = v;
    return true;
}

static bool take_char(cn_span *s, char c)
{
    if (s->len == 0 || *s->p != (uint8_t) c)
        return false;
    *s = (cn_span){s->p + 1, s->len - 1};
    return true;
}

static bool take_zone(cn_span *s, int64_t *out_seconds)
{
    *out_seconds = 0;
    if (s->len == 0 || take_char(s, 'Z') || take_char(s, 'z'))
        return true;
    bool west = *s->p == '-';
    uint32_t hours, minutes = 0;
    if (!take_char(s, west ? '-' : '+') || !take_digits(s, 2, &hours))
        return false;
    (void) take_char(s, ':');
    if (s->len && !take_digits(s, 2, &minutes))
        return false;
    *out_seconds = ((int64_t) hours * 3600 + minutes * 60) * (west ? -1 : 1);
    return hours < 24 && minutes < 60;
}

bool cn_time_parse(cn_span text, int64_t *out_first, int64_t *out_last)
{
    cn_span s = text;
    uint32_t year, month = 1, day = 1, hour = 0, minute = 0, second = 0, ns = 0;
    int64_t zone = 0, step_ns = 1;
    enum { YEAR, MONTH, DAY, HOUR, MINUTE, SECOND, FRACTION } precision = YEAR;

    if (!take_digits(&s, 4, &year))
        return false;
    if (take_char(&s, '-')) {
        if (!take_digits(&s, 2, &month))
            return false;
        precision = MONTH;
        if (take_char(&s, '-')) {
            if (!take_digits(&s, 2, &day))
                return false;
            precision = DAY;
            if (take_char(&s, 'T') || take_char(&s, 't') || take_char(&s, ' ')) {
                if (!take_digits(&s, 2, &hour))
                    return false;
                precision = HOUR;
                if (take_char(&s, ':')) {
                    if (!take_digits(&s, 2, &minute))
                        return false;
                    precision = MINUTE;
                    if (take_char(&s, ':')) {
                        if (!take_digits(&s, 2, &second))
                            return false;
                        precision = SECOND;
                        if (take_char(&s, '.') || take_char(&s, ',')) {
                            precision = FRACTION;
                            step_ns = CN_NS_PER_S;
                            uint32_t digit;
                            if (!s.len || *s.p < '0' || *s.p > '9')
                                return false;
                            while (take_digits(&s, 1, &digit))
                                if (step_ns > 1) {
                                    step_ns /= 10;
                                    ns += digit * (uint32_t) step_ns;
                                }
                        }
                    }
                }
                if (!take_zone(&s, &zone))
                    return false;
            }
        }
    }
    cn_civil c = {(int32_t) year,
                  (uint8_t) month,
                  (uint8_t) day,
                  (uint8_t) hour,
                  (uint8_t) minute,
                  (uint8_t) second,
                  ns};
    if (s.len || month > 12 || day > 31 || hour > 23 || !cn_civil_valid(&c))
        return false;
    int64_t first = cn_civil_seconds(&c) - zone, next = first;
    switch (precision) {
    case YEAR:
        next += cn_days_from_civil(year + 1, 1, 1) * 86400 - cn_days_from_civil(year, 1, 1) * 86400;
        break;
    case MONTH:
        next = (month == 12 ? cn_days_from_civil(year + 1, 1, 1)
                            : cn_days_from_civil(year, month + 1, 1)) *
               86400;
        break;
    case DAY:
        next += 86400;
        break;
    case HOUR:
        next += 3600;
        break;
    case MINUTE:
        next += 60;
        break;
    case SECOND:
        next += 1;
        break;
    case FRACTION:
        break;
    }
    if (!cn_time_from_unix(first, ns, out_first))
        return false;
    if (precision == FRACTION) {
        *out_last = *out_first + (step_ns - 1);
        return true;
    }
    if (!cn_time_from_unix(next, 0, out_last))
        *out_last = CN_TIME_MAX;
    else
        *out_last -= 1;
    return true;
}

uint64_t cn_clock_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t) t.tv_sec * CN_NS_PER_S + (uint64_t) t.tv_nsec;
}

int64_t cn_time_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t) t.tv_sec * CN_NS_PER_S + t.tv_nsec;
}
