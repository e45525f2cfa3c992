/* Time zones: the machine's TZif files against what the C library makes of them. */
#include "parse/zone.h"

// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include "base/timestamp.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static cn_zone *load(const char *name)
{
    char path[128];
    snprintf(path, sizeof path, "/usr/share/zoneinfo/%s", name);
    FILE *f = fopen(path, "rb");
    if (!f)
        return NULL;
    static uint8_t bytes[65536];
    size_t n = fread(bytes, 1, sizeof bytes, f);
    fclose(f);
    cn_zone *z = NULL;
    cn_err err = CN_ERR_INIT;
    assert_int_equal(cn_zone_from_tzif(cn_span_of(bytes, n), name, &z, &err), CN_OK);
    return z;
}

static const char *const zones[] = {
    "Europe/Berlin",    "America/New_York",  "Australia/Lord_Howe", "Asia/Kolkata",
    "America/St_Johns", "Africa/Casablanca", "Pacific/Apia",        "UTC",
    "Asia/Tehran",      "America/Sao_Paulo", "Europe/Dublin"};

/* Every time of UTC, shown on the local clock, leads back to itself or, where the clock shows it
 * twice, to its first occurrence. */
static void agrees_with_libc(void **state)
{
    (void) state;
    size_t tried = 0;
    for (size_t i = 0; i < CN_LEN(zones); i++) {
        cn_zone *z = load(zones[i]);
        if (!z)
            continue;
        tried++;
        setenv("TZ", zones[i], 1);
        tzset();
        /* 1975 to 2075 in steps of about 7 hours: beyond the last transition the rule holds */
        for (int64_t utc = 157766400; utc < 3313526400; utc += 25013) {
            time_t t = (time_t) utc;
            struct tm tm;
            assert_non_null(localtime_r(&t, &tm));
            int64_t back = cn_zone_to_utc(z, utc + tm.tm_gmtoff);
            if (back == utc)
                continue;
            time_t b = (time_t) back;
            struct tm again;
            assert_non_null(localtime_r(&b, &again));
            assert_true(back < utc);
            assert_int_equal(back + again.tm_gmtoff, utc + tm.tm_gmtoff);
        }
        cn_zone_free(z);
    }
    if (tried == 0)
        skip(); /* no tzdata on this machine */
}

static int64_t local(int year, unsigned month, unsigned day, unsigned hour, unsigned minute)
{
    return cn_days_from_civil(year, month, day) * 86400 + hour * 3600 + minute * 60;
}

/* A minimal TZif of version 2: no transitions, only the footer's rule. */
static void rule_gap_and_overlap(void **state)
{
    (void) state;
    static const uint8_t tzif[] =
        "TZif2\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1\0\0\0\4"
        "\0\0\0\0\0\0CET\0"
        "TZif2\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1\0\0\0\4"
        "\0\0\x0e\x10\0\0CET\0\nCET-1CEST,M3.5.0,M10.5.0/3\n";
    cn_zone *z = NULL;
    cn_err err = CN_ERR_INIT;
    assert_int_equal(cn_zone_from_tzif(cn_span_of(tzif, sizeof tzif - 1), "x", &z, &err), CN_OK);
    assert_int_equal(cn_zone_to_utc(z, local(2026, 1, 15, 12, 0)), local(2026, 1, 15, 11, 0));
    assert_int_equal(cn_zone_to_utc(z, local(2026, 7, 15, 12, 0)), local(2026, 7, 15, 10, 0));
    /* 2026-03-29 02:30 does not occur; 2026-10-25 02:30 occurs twice */
    assert_int_equal(cn_zone_to_utc(z, local(2026, 3, 29, 2, 30)), local(2026, 3, 29, 1, 30));
    assert_int_equal(cn_zone_to_utc(z, local(2026, 10, 25, 2, 30)), local(2026, 10, 25, 0, 30));
    assert_int_equal(cn_zone_to_utc(z, local(2026, 10, 25, 3, 0)), local(2026, 10, 25, 2, 0));
    int64_t s;
    assert_true(cn_zone_abbreviation_in(z, CN_SPAN_LIT("CEST"), &s));
    assert_int_equal(s, 7200);
    cn_zone_free(z);
    /* cut anywhere it is refused, or read without its footer */
    for (size_t n = 0; n < sizeof tzif - 1; n++) {
        z = NULL;
        if (cn_zone_from_tzif(cn_span_of(tzif, n), "x", &z, &err) == CN_OK)
            assert_true(n >= 104);
        else
            assert_null(z);
        cn_zone_free(z);
    }
}

static void abbreviations(void **state)
{
    (void) state;
    static const struct {
        const char *text;
        int64_t offset;
    } good[] = {{"UTC", 0},        {"CEST", 7200},    {"+03", 10800},
                {"-0730", -27000}, {"+05:30", 19800}, {"PDT", -25200}};
    int64_t s;
    for (size_t i = 0; i < CN_LEN(good); i++) {
        assert_true(cn_zone_abbreviation(cn_span_str(good[i].text), &s));
        assert_int_equal(s, good[i].offset);
    }
    static const char *const bad[] = {"",    "X",     "+",      "+3",     "+0",
                                      "+99", "+05:6", "+05:61", "+05300", "LOG"};
    for (size_t i = 0; i < CN_LEN(bad); i++)
        assert_false(cn_zone_abbreviation(cn_span_str(bad[i]), &s));
    assert_int_equal(cn_zone_to_utc(cn_zone_utc(), 12345), 12345);
    assert_string_equal(cn_zone_name(cn_zone_utc()), "UTC");
    assert_null(cn_zone_free((cn_zone *) (uintptr_t) cn_zone_utc()));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_with_libc),
        cmocka_unit_test(rule_gap_and_overlap),
        cmocka_unit_test(abbreviations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
