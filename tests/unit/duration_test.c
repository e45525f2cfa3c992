/* Lengths of time: read and written. */
#include "base/duration.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void reads(void **state)
{
    (void) state;
    static const struct {
        const char *text;
        int64_t ns;
    } good[] = {{"1ns", 1},
                {"500us", 500000},
                {"10ms", 10000000},
                {"90s", 90000000000},
                {"5m", 300000000000},
                {"1h", 3600000000000},
                {"1d", 86400000000000},
                {"2w", 1209600000000000}};
    static const char *const bad[] = {
        "", "5", "h", "0s", "-1s", "1y", "1 h", "99999999999999999999s", "99999999999w"};
    int64_t ns;
    for (size_t i = 0; i < CN_LEN(good); i++) {
        assert_true(cn_duration_parse(cn_span_str(good[i].text), &ns));
        assert_int_equal(ns, good[i].ns);
    }
    for (size_t i = 0; i < CN_LEN(bad); i++)
        assert_false(cn_duration_parse(cn_span_str(bad[i]), &ns));
}

static void writes(void **state)
{
    (void) state;
    CN_CLEANUP(cn_buf_free) cn_buf out = cn_buf_of(1000);
    static const int64_t ns[] = {0, 1, 1000, 300000000000, 90000000000, 86400000000000};
    for (size_t i = 0; i < CN_LEN(ns); i++) {
        cn_duration_format(&out, ns[i]);
        cn_buf_char(&out, ';');
    }
    assert_string_equal(cn_buf_cstr(&out),
                        "0 nanoseconds;1 nanosecond;1 microsecond;5 minutes;90 seconds;1 day;");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(reads), cmocka_unit_test(writes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
