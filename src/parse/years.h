/* Years for a log whose lines have none, inferred backwards: the log is read through once, a year
 * begins where the date falls back, and the last line is put in the latest year in which it is not
 * after the file's last modification. One owner. */
#pragma once

#include "base/base.h"

#define CN_YEARS_OUT_OF_ORDER_DAYS                                                                 \
    14 /* lines may fall back this far without it being a new year                                 \
        */
#define CN_YEARS_CHANGES_MAX 4096
#define CN_YEARS_LEAP_MAX    64

typedef struct cn_years_line_at {
    int32_t year; /* relative */
    unsigned day_of_year, month, day;
    uint32_t second; /* of the day */
} cn_years_line_at;

typedef struct cn_years {
    struct {
        uint64_t offset;
        int32_t year;
    } * changes; /* relative years and the offset of the line from which each holds */
    size_t n_changes, capacity;
    int32_t leap_years[CN_YEARS_LEAP_MAX]; /* relative years that have a February 29 */
    size_t n_leap_years;
    /* while reading through */
    bool any;
    int32_t year; /* relative to the first line's */
    unsigned day_of_year;
    cn_years_line_at last, last_before_leap; /* the latest line, now and before a year began */
    bool leapt;                              /* a year began; it may have been a wrong clock */
    unsigned before_leap, after_leap;
    uint64_t since_leap;
    bool has_next; /* local time of the first line with a year that follows those without */
    int64_t next_local_s;
    /* the result */
    bool anchored;
    int32_t first_year; /* of the relative year 0 */
    size_t at;          /* change that held for the last question */
} cn_years;

/* A line without a year. Lines come in the order of the file. False without memory. */
CN_MUST_USE bool cn_years_line(cn_years *y, unsigned month, unsigned day, uint32_t second,
                               uint64_t offset);
/* A line with a year, by its local time. */
void cn_years_full_line(cn_years *y, int64_t local_s);
/* Ends the reading through. written_s: local time of the last modification. Without one, and
 * without lines that have a year, no year can be known. */
void cn_years_anchor(cn_years *y, bool has_written, int64_t written_s);
/* The year of the line at an offset; false where it is not known. */
CN_MUST_USE bool cn_years_at(cn_years *y, uint64_t offset, int32_t *out_year);
void cn_years_free(cn_years *y);
