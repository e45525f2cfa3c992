#include "parse/years.h"

#include "base/timestamp.h"

#include <stdlib.h>

enum {
    DAYS = 366,         /* February 29 always counts here */
    WRONG_CLOCK = 2000, /* lines a machine may write before its clock is set right */
    TOLERANCE_S = 86400 /* the written time may be of another zone */
};

static unsigned day_of_year(unsigned month, unsigned day)
{
    static const uint16_t before[] = {0, 31, 60, 91, 121, 152, 182, 213, 244, 274, 305, 335};
    return before[month - 1] + day - 1;
}

static bool change(cn_years *y, uint64_t offset)
{
    if (y->n_changes == CN_YEARS_CHANGES_MAX)
        return true; /* no log is that old: its clock is broken, the last year stays */
    if (y->n_changes == y->capacity) {
        size_t capacity = y->capacity ? y->capacity * 2 : 8;
        void *p = realloc(y->changes, capacity * sizeof *y->changes);
        if (!p)
            return false;
        y->changes = p;
        y->capacity = capacity;
    }
    y->changes[y->n_changes].offset = offset;
    y->changes[y->n_changes].year = y->year;
    y->n_changes++;
    return true;
}

static void note_leap_day(cn_years *y)
{
    for (size_t i = 0; i < y->n_leap_years; i++)
        if (y->leap_years[i] == y->year)
            return;
    if (y->n_leap_years < CN_YEARS_LEAP_MAX)
        y->leap_years[y->n_leap_years++] = y->year;
}

/* A machine that starts with its clock at a default date writes some lines of, say, January 1, then
 * goes on where it was: no year has passed. */
static bool was_wrong_clock(const cn_years *y, unsigned day)
{
    return y->leapt && y->since_leap < WRONG_CLOCK && y->n_changes > 1 &&
           y->day_of_year <= y->after_leap + 1 && day > y->after_leap + 1 &&
           day + CN_YEARS_OUT_OF_ORDER_DAYS >= y->before_leap &&
           day <= y->before_leap + CN_YEARS_OUT_OF_ORDER_DAYS &&
           y->before_leap < y->after_leap + DAYS - CN_YEARS_OUT_OF_ORDER_DAYS;
}

static bool place(cn_years *y, unsigned day, uint64_t offset)
{
    int step = (int) day - (int) y->day_of_year;
    if (was_wrong_clock(y, day)) {
        y->n_changes--;
        y->year--;
        y->last = y->last_before_leap;
        y->leapt = false;
        return true;
    }
    if (step < -CN_YEARS_OUT_OF_ORDER_DAYS) {
        y->leapt = true;
        y->before_leap = y->day_of_year;
        y->after_leap = day;
        y->since_leap = 0;
        y->last_before_leap = y->last;
        y->year++;
        return change(y, offset);
    }
    if (step > DAYS - CN_YEARS_OUT_OF_ORDER_DAYS) { /* a late line of the old year */
        y->leapt = false;
        y->year--;
        return change(y, offset);
    }
    return true;
}

bool cn_years_line(cn_years *y, unsigned month, unsigned day, uint32_t second, uint64_t offset)
{
    unsigned n = day_of_year(month, day);
    if (!y->any) {
        y->any = true;
        if (!change(y, offset))
            return false;
    } else if (n != y->day_of_year && !place(y, n, offset)) {
        return false;
    }
    y->since_leap++;
    y->day_of_year = n;
    if (month == 2 && day == 29)
        note_leap_day(y);
    if (y->last.month == 0 || y->year > y->last.year ||
        (y->year == y->last.year && n >= y->last.day_of_year))
        y->last = (cn_years_line_at){y->year, n, month, day, second};
    y->has_next = false;
    return true;
}

void cn_years_full_line(cn_years *y, int64_t local_s)
{
    if (y->any && !y->has_next) {
        y->has_next = true;
        y->next_local_s = local_s;
    }
}

static bool is_leap(int64_t y) { return y % 4 == 0 && (y % 100 != 0 || y % 400 == 0); }

/* True where the last line in `year` is not after the limit, and every February 29 exists. */
static bool fits(const cn_years *y, int64_t year, int64_t limit_s)
{
    for (size_t i = 0; i < y->n_leap_years; i++)
        if (!is_leap(year + y->leap_years[i] - y->last.year))
            return false;
    return cn_days_from_civil(year, y->last.month, y->last.day) * 86400 + y->last.second <= limit_s;
}

void cn_years_anchor(cn_years *y, bool has_written, int64_t written_s)
{
    int64_t limit = 0;
    y->anchored = y->any && (has_written || y->has_next);
    if (!y->anchored)
        return;
    if (y->has_next && (!has_written || y->next_local_s < written_s))
        limit = y->next_local_s + TOLERANCE_S;
    else
        limit = written_s + TOLERANCE_S;
    int64_t year = 1970 + limit / 31556952 + 1, latest = year;
    while (year > latest - 12 && !fits(y, year, limit))
        year--;
    if (!fits(y, year, limit)) {
        /* Two February 29 that cannot both be: the dates decide alone. */
        y->n_leap_years = 0;
        for (year = latest; year > latest - 12 && !fits(y, year, limit);)
            year--;
    }
    y->first_year = (int32_t) (year - y->last.year);
}

bool cn_years_at(cn_years *y, uint64_t offset, int32_t *out_year)
{
    if (!y->anchored || y->n_changes == 0)
        return false;
    if (y->at >= y->n_changes || y->changes[y->at].offset > offset)
        y->at = 0;
    while (y->at + 1 < y->n_changes && y->changes[y->at + 1].offset <= offset)
        y->at++;
    *out_year = y->first_year + y->changes[y->at].year;
    return true;
}

void cn_years_free(cn_years *y)
{
    free(y->changes);
    y->changes = NULL;
}
