/* The base layer by itself: cursor, buffers, arenas, time, text, errors. */
#include "base/arena.h"
#include "base/crc32c.h"
#include "base/cur.h"
#include "base/hash.h"
#include "base/text.h"
#include "base/timestamp.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static void cursor_reads_and_sticks(void **state)
{
    (void) state;
    const uint8_t bytes[] = {1, 2, 3, 4, 5, 6, 7, 8, 9};
    cn_cur c = cn_cur_of(cn_span_of(bytes, sizeof bytes), 100);
    assert_int_equal(cn_cur_u8(&c), 1);
    assert_int_equal(cn_cur_le16(&c), 0x0302);
    assert_int_equal(cn_cur_be32(&c), 0x04050607);
    assert_int_equal(cn_cur_offset(&c), 107);
    assert_int_equal(cn_cur_le64(&c), 0);
    assert_int_equal(cn_cur_u8(&c), 0);
    cn_err err = CN_ERR_INIT;
    assert_int_equal(cn_cur_check(&c, &err, "header"), CN_E_TRUNCATED);
    assert_int_equal(err.offset, 107);
    assert_string_equal(err.text, "header: the data ends here");
}

static void cursor_of_nothing(void **state)
{
    (void) state;
    cn_cur c = cn_cur_of((cn_span){NULL, 0}, 0);
    assert_int_equal(cn_cur_span(&c, 0).len, 0);
    assert_int_equal(c.fail, CN_OK);
    assert_null(cn_cur_bytes(&c, 1));
    assert_int_equal(c.fail, CN_E_TRUNCATED);
}

static void sub_cursor_calls_an_overrun_corrupt(void **state)
{
    (void) state;
    const uint8_t bytes[8] = {'a', 'b', 0, 'd'};
    cn_cur c = cn_cur_of(cn_span_of(bytes, sizeof bytes), 0);
    cn_cur sub = cn_cur_sub(&c, 4);
    assert_int_equal(cn_cur_text(&sub, 4).len, 2);
    cn_cur_u8(&sub);
    assert_int_equal(sub.fail, CN_E_CORRUPT);
    assert_int_equal(c.fail, CN_OK);
    cn_cur beyond = cn_cur_sub(&c, 5);
    assert_int_equal(beyond.fail, CN_E_TRUNCATED);
}

static void buffer_keeps_its_maximum(void **state)
{
    (void) state;
    CN_CLEANUP(cn_buf_free) cn_buf b = cn_buf_of(8);
    cn_buf_str(&b, "1234");
    cn_buf_str(&b, "56789");
    assert_true(b.failed);
    assert_int_equal(b.len, 4);
    cn_buf_clear(&b);
    cn_buf_i64(&b, INT64_MIN);
    assert_true(b.failed);
    cn_buf_clear(&b);
    cn_buf_u64(&b, 1234567);
    assert_string_equal(cn_buf_cstr(&b), "1234567");
}

static void arena_keeps_its_cap(void **state)
{
    (void) state;
    CN_CLEANUP(cn_arena_free) cn_arena a = cn_arena_of(100000);
    char *p = cn_arena_alloc(&a, 99000);
    assert_non_null(p);
    assert_null(cn_arena_alloc(&a, 2000));
    cn_arena_reset(&a);
    assert_string_equal(cn_arena_printf(&a, "%d-%s", 7, "x"), "7-x");
    assert_string_equal(cn_arena_copy(&a, CN_SPAN_LIT("abc")), "abc");
}

static void time_goes_there_and_back(void **state)
{
    (void) state;
    const struct {
        const char *text;
        int64_t ns;
    } cases[] = {
        {"1970-01-01T00:00:00.000000000+00:00", 0},
        {"1969-12-31T23:59:59.999999999+00:00", -1},
        {"2000-02-29T12:00:00.000000000+00:00", INT64_C(951825600000000000)},
        {"1677-09-21T00:12:43.145224192+00:00", INT64_MIN},
        {"2262-04-11T23:47:16.854775807+00:00", INT64_MAX},
        {"2026-11-18T01:12:19.660431000+00:00", INT64_C(1794964339660431000)},
    };
    for (size_t i = 0; i < CN_LEN(cases); i++) {
        CN_CLEANUP(cn_buf_free) cn_buf b = cn_buf_of(64);
        cn_time_format(&b, cases[i].ns, 9);
        assert_string_equal(cn_buf_cstr(&b), cases[i].text);
        int64_t first, last;
        assert_true(cn_time_parse(cn_span_str(cases[i].text), &first, &last));
        assert_true(first == cases[i].ns && last == cases[i].ns);
    }
}

static void time_covers_its_precision(void **state)
{
    (void) state;
    int64_t first, last;
    assert_true(cn_time_parse(CN_SPAN_LIT("2024-02"), &first, &last));
    assert_true(last - first == 29 * INT64_C(86400) * CN_NS_PER_S - 1);
    assert_true(cn_time_parse(CN_SPAN_LIT("2026-11-18T01:12+01:00"), &first, &last));
    assert_true(first == INT64_C(1794960720) * CN_NS_PER_S && last == first + 60 * CN_NS_PER_S - 1);
    const char *bad[] = {"",
                         "20",
                         "2023-02-29",
                         "2026-13",
                         "2026-11-18T24",
                         "2026-11-18T01:12:19.",
                         "2026-11-18x",
                         "9999-01-01",
                         "2026-11-18T01:60"};
    for (size_t i = 0; i < CN_LEN(bad); i++)
        assert_false(cn_time_parse(cn_span_str(bad[i]), &first, &last));
}

static void text_is_mended(void **state)
{
    (void) state;
    CN_CLEANUP(cn_buf_free) cn_buf b = cn_buf_of(256);
    cn_text_put_json(&b, CN_SPAN_LIT("a\"\\\n\x01\xff\xc3\xa4\xed\xa0\x80"));
    assert_string_equal(cn_buf_cstr(&b), "a\\\"\\\\\\n\\u0001\\ufffd\xc3\xa4\\ufffd\\ufffd\\ufffd");
    assert_true(cn_text_is_utf8(CN_SPAN_LIT("\xf0\x9f\x94\xa5")));
    assert_false(cn_text_is_utf8(CN_SPAN_LIT("\xc0\x80")));
    int64_t v;
    assert_true(cn_text_i64(CN_SPAN_LIT("-9223372036854775808"), &v) && v == INT64_MIN);
    assert_false(cn_text_i64(CN_SPAN_LIT("9223372036854775808"), &v));
    assert_true(cn_text_glob("/var/log/*.log", CN_SPAN_LIT("/var/log/a/b.log")));
    assert_false(cn_text_glob("a?c", CN_SPAN_LIT("ac")));
}

static void text_is_told_apart(void **state)
{
    (void) state;
    for (unsigned c = 0; c < 256; c++)
        for (size_t at = 0; at < 19; at++) {
            uint8_t text[19];
            memset(text, 'x', sizeof text);
            text[at] = (uint8_t) c;
            assert_int_equal(cn_text_is_plain(cn_span_of(text, sizeof text)),
                             c >= 0x20 && c < 0x80);
            assert_int_equal(cn_text_is_utf8(cn_span_of(text, sizeof text)), c < 0x80);
        }
    assert_true(cn_text_is_address(CN_SPAN_LIT("192.0.2.1")));
    assert_true(cn_text_is_address(CN_SPAN_LIT("2001:db8::1")));
    assert_false(cn_text_is_address(CN_SPAN_LIT("192.0.2.256")));
    assert_false(cn_text_is_address(CN_SPAN_LIT("192.0.2.1\0")));
    assert_false(cn_text_is_address(CN_SPAN_LIT("")));
}

static void errors_gather_context(void **state)
{
    (void) state;
    cn_err err = CN_ERR_INIT;
    assert_int_equal(cn_fail(&err, CN_E_CORRUPT, 12, "bad\n%s", "magic"), CN_E_CORRUPT);
    cn_while(&err, "reading %s", "x");
    assert_string_equal(err.text, "reading x: bad?magic");
    errno = ENOENT;
    assert_int_equal(cn_fail_errno(&err, "open"), CN_E_NOT_FOUND);
}

static void sha256_of_abc(void **state)
{
    (void) state;
    cn_sha256 *h = cn_sha256_new();
    uint8_t sum[32];
    cn_sha256_add(h, CN_SPAN_LIT("abc"));
    cn_sha256_end(h, sum);
    h = cn_sha256_free(h);
    assert_int_equal(sum[0], 0xba);
    assert_int_equal(sum[31], 0xad);
}

static void crc32c_of_the_standard(void **state)
{
    (void) state;
    uint8_t zeros[32] = {0}, ones[32];
    memset(ones, 0xff, sizeof ones);
    assert_int_equal(~cn_crc32c(UINT32_MAX, cn_span_of(zeros, 32)), 0x8a9136aa);
    assert_int_equal(~cn_crc32c(UINT32_MAX, cn_span_of(ones, 32)), 0x62a8ab43);
    assert_int_equal(~cn_crc32c(UINT32_MAX, CN_SPAN_LIT("123456789")), 0xe3069283);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cursor_reads_and_sticks),
        cmocka_unit_test(cursor_of_nothing),
        cmocka_unit_test(sub_cursor_calls_an_overrun_corrupt),
        cmocka_unit_test(buffer_keeps_its_maximum),
        cmocka_unit_test(arena_keeps_its_cap),
        cmocka_unit_test(time_goes_there_and_back),
        cmocka_unit_test(time_covers_its_precision),
        cmocka_unit_test(text_is_mended),
        cmocka_unit_test(text_is_told_apart),
        cmocka_unit_test(errors_gather_context),
        cmocka_unit_test(sha256_of_abc),
        cmocka_unit_test(crc32c_of_the_standard),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
