#include "parse/zone_rule.h"

#include "base/text.h"
#include "base/timestamp.h"

static bool take(cn_span *s, char c)
{
    if (s->len == 0 || *s->p != (uint8_t) c)
        return false;
    *s = cn_span_sub(*s, 1, s->len);
    return true;
}

static bool take_number(cn_span *s, int max, int *out)
{
    int v = 0;
    size_t n = 0;
    for (; n < s->len && n < 4 && cn_is_digit(s->p[n]); n++)
        v = v * 10 + (s->p[n] - '0');
    if (n == 0 || v > max)
        return false;
    *s = cn_span_sub(*s, n, s->len);
    *out = v;
    return true;
}

/* [+-]hh[:mm[:ss]] */
static bool take_time(cn_span *s, int32_t *out)
{
    bool negative = take(s, '-');
    int h, m = 0, sec = 0;
    if (!negative)
        (void) take(s, '+');
    if (!take_number(s, 167, &h))
        return false;
    if (take(s, ':') && !take_number(s, 59, &m))
        return false;
    if (take(s, ':') && !take_number(s, 59, &sec))
        return false;
    *out = (h * 3600 + m * 60 + sec) * (negative ? -1 : 1);
    return true;
}

/* Three or more letters, or anything in < >. */
static bool take_name(cn_span *s, cn_span *out)
{
    size_t n = 0;
    if (take(s, '<')) {
        *out = cn_text_until(s, '>');
        return out->len > 0;
    }
    while (n < s->len && cn_is_alpha(s->p[n]))
        n++;
    *out = cn_span_sub(*s, 0, n);
    *s = cn_span_sub(*s, n, s->len);
    return n >= 3;
}

static bool take_day(cn_span *s, cn_zone_day *out)
{
    *out = (cn_zone_day){.time_s = 7200};
    bool good;
    if (take(s, 'M')) {
        out->kind = CN_ZONE_WEEKDAY;
        good = take_number(s, 12, &out->month) && take(s, '.') && take_number(s, 5, &out->week) &&
               take(s, '.') && take_number(s, 6, &out->day) && out->month >= 1 && out->week >= 1;
    } else if (take(s, 'J')) {
        out->kind = CN_ZONE_JULIAN;
        good = take_number(s, 365, &out->day) && out->day >= 1;
    } else {
        out->kind = CN_ZONE_DAY;
        good = take_number(s, 365, &out->day);
    }
    return good && (!take(s, '/') || take_time(s, &out->time_s));
}

bool cn_zone_rule_parse(cn_span text, cn_zone_rule *out)
{
    cn_zone_rule r = {0};
    cn_span s = text;
    int32_t west;
    if (!take_name(&s, &r.standard_name) || !take_time(&s, &west))
        return false;
    r.standard_s = -west;
    if (s.len) {
        r.has_summer = true;
        r.summer_s = r.standard_s + 3600;
        if (!take_name(&s, &r.summer_name))
            return false;
        if (s.len && *s.p != ',') {
            if (!take_time(&s, &west))
                return false;
            r.summer_s = -west;
        }
        if (!take(&s, ',') || !take_day(&s, &r.begin) || !take(&s, ',') || !take_day(&s, &r.end))
            return false;
    }
    if (s.len)
        return false;
    *out = r;
    return true;
}

static bool is_leap(int64_t y) { return y % 4 == 0 && (y % 100 != 0 || y % 400 == 0); }

/* Local seconds since 1970 of the rule's day and time in a year. */
static int64_t moment(const cn_zone_day *d, int64_t year)
{
    int64_t days;
    if (d->kind == CN_ZONE_WEEKDAY) {
        int64_t first = cn_days_from_civil(year, (unsigned) d->month, 1);
        int64_t next = d->month == 12 ? cn_days_from_civil(year + 1, 1, 1)
                                      : cn_days_from_civil(year, (unsigned) d->month + 1, 1);
        int64_t weekday = ((first + 4) % 7 + 7) % 7; /* 1970-01-01 was a Thursday */
        days = first + (d->day - weekday + 7) % 7 + (int64_t) (d->week - 1) * 7;
        while (days >= next) /* week 5 is the last one */
            days -= 7;
    } else {
        days = cn_days_from_civil(year, 1, 1) + d->day;
        /* Jn counts from 1 and never February 29; n counts from 0 and does. */
        if (d->kind == CN_ZONE_JULIAN)
            days += (is_leap(year) && d->day >= 60) - 1;
    }
    return days * 86400 + d->time_s;
}

int32_t cn_zone_rule_offset(const cn_zone_rule *rule, int64_t utc_s)
{
    if (!rule->has_summer)
        return rule->standard_s;
    int64_t local = utc_s + rule->standard_s;
    /* The year of the local clock; a civil year is enough, the rules keep away from its ends. */
    int64_t days = (local >= 0 ? local : local - 86399) / 86400;
    int64_t year = 1970 + days / 366;
    while (cn_days_from_civil(year + 1, 1, 1) <= days)
        year++;
    while (cn_days_from_civil(year, 1, 1) > days)
        year--;
    int64_t begin = moment(&rule->begin, year) - rule->standard_s;
    int64_t end = moment(&rule->end, year) - rule->summer_s;
    bool summer = begin < end ? utc_s >= begin && utc_s < end : utc_s >= begin || utc_s < end;
    return summer ? rule->summer_s : rule->standard_s;
}
