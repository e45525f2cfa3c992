/* Lines, times and years of text logs; and what a log as a whole must survive. */
#include "base/text.h"
#include "parse/textlog.h"

// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include <stdio.h>
#include <stdlib.h>

/* ---- times */

static void times_as_logs_write_them(void **state)
{
    (void) state;
    static const struct {
        const char *text;
        cn_time_kind kind;
        const char *iso; /* read as UTC where no zone is written; NULL: without a year */
        size_t length;
    } good[] = {
        {"2026-11-18T01:02:03Z x", CN_TIME_ISO, "2026-11-18T01:02:03.000000000+00:00", 20},
        {"2026-11-18 01:02:03,123 x", CN_TIME_ISO, "2026-11-18T01:02:03.123000000+00:00", 23},
        {"2026-11-18 01:02:03,12,x", CN_TIME_ISO, "2026-11-18T01:02:03.000000000+00:00", 19},
        {"2026/11/18 01:02:03 [x]", CN_TIME_ISO, "2026-11-18T01:02:03.000000000+00:00", 19},
        {"2026-11-18T01:02:03.123456789123-07:30", CN_TIME_ISO,
         "2026-11-18T08:32:03.123456789+00:00", 38},
        {"2026-11-18 01:02:03 +03 x", CN_TIME_ISO, "2026-11-17T22:02:03.000000000+00:00", 23},
        {"2026-11-18 01:02:03 CEST x", CN_TIME_ISO, "2026-11-17T23:02:03.000000000+00:00", 24},
        {"2026-11-18 01:02:03 INFO x", CN_TIME_ISO, "2026-11-18T01:02:03.000000000+00:00", 19},
        {"2026-11-18 01:02:03 -0500", CN_TIME_ISO, "2026-11-18T06:02:03.000000000+00:00", 25},
        {"2026-11-18 01:02:03 - x", CN_TIME_ISO, "2026-11-18T01:02:03.000000000+00:00", 19},
        {"20261118T010203Z", CN_TIME_BASIC, "2026-11-18T01:02:03.000000000+00:00", 16},
        {"Nov 18 01:02:03 host", CN_TIME_BSD, NULL, 15},
        {"Nov  8 01:02:03.5 host", CN_TIME_BSD, NULL, 17},
        {"Nov  8 2026 01:02:03 host", CN_TIME_BSD, "2026-11-08T01:02:03.000000000+00:00", 20},
        {"Wed Nov 18 01:02:03 2026 x", CN_TIME_ASCTIME, "2026-11-18T01:02:03.000000000+00:00", 24},
        {"Wed Nov 18 01:02:03.123456 2026]", CN_TIME_ASCTIME, "2026-11-18T01:02:03.123456000+00:00",
         31},
        {"Wed Nov 18 01:02:03 PST 2026", CN_TIME_ASCTIME, "2026-11-18T09:02:03.000000000+00:00",
         28},
        {"18/Nov/2026:01:02:03 +0100]", CN_TIME_CLF, "2026-11-18T00:02:03.000000000+00:00", 26},
        {"8 Nov 2026 01:02:03.123 *", CN_TIME_DAY_NAME, "2026-11-08T01:02:03.123000000+00:00", 23},
        {"18-Nov-2026 01:02:03.123 INFO", CN_TIME_DAY_NAME, "2026-11-18T01:02:03.123000000+00:00",
         24},
        {"Wed, 18 Nov 2026 01:02:03 +0000", CN_TIME_DAY_NAME, "2026-11-18T01:02:03.000000000+00:00",
         31},
        {"1795132816.420    123", CN_TIME_EPOCH, "2026-11-20T00:00:16.420000000+00:00", 14},
        {"1795132816420 x", CN_TIME_EPOCH, "2026-11-20T00:00:16.420000000+00:00", 13},
        {"2026-06-30T23:59:60Z", CN_TIME_ISO, "2026-07-01T00:00:00.000000000+00:00", 20},
        {"2024-02-29 00:00:00", CN_TIME_ISO, "2024-02-29T00:00:00.000000000+00:00", 19},
    };
    cn_linetime_cache cache = {.zone = NULL};
    for (int round = 0; round < 2; round++) /* the second one meets its own cache */
        for (size_t i = 0; i < CN_LEN(good); i++) {
            cn_linetime t;
            if (!cn_linetime_read(&cache, cn_span_str(good[i].text), &t))
                fail_msg("not read: %s", good[i].text);
            assert_int_equal(t.kind, good[i].kind);
            if (t.length != good[i].length)
                fail_msg("%s: length %zu", good[i].text, t.length);
            assert_int_equal(t.has_year, good[i].iso != NULL);
            if (!good[i].iso)
                continue;
            cn_buf b = cn_buf_of(64);
            int64_t s = t.days * 86400 + t.second - (t.has_zone ? t.zone_s : 0);
            cn_time_format(&b, s * CN_NS_PER_S + t.nanosecond, 9);
            assert_string_equal(cn_buf_cstr(&b), good[i].iso);
            cn_buf_free(&b);
        }
    static const char *const bad[] = {
        "",
        "2026-11-18",
        "2026-13-18T01:02:03",
        "2026-02-29T01:02:03",
        "2026-11-18T24:02:03",
        "2026-11-18T01:60:03",
        "2026-11-18T01:02:0",
        "2026-11-18T01:02:033",
        "Nov 31 01:02:03 x",
        "Foo 18 01:02:03 x",
        "Nov 18 2026",
        "18/Nov/2026",
        "32/Nov/2026:01:02:03 +0000",
        "12345",
        "9795132816.420",
        "17951328164",
        "Wednesday Nov 18",
        "18 Nov 2026 x1:02:03",
    };
    for (size_t i = 0; i < CN_LEN(bad); i++) {
        cn_linetime t;
        if (cn_linetime_read(&cache, cn_span_str(bad[i]), &t))
            fail_msg("read: %s", bad[i]);
    }
}

/* A reader that looks one byte too far is found by the sanitizer: the text ends with its memory. */
static void times_cut_anywhere(void **state)
{
    (void) state;
    static const char *const texts[] = {"2026-11-18T01:02:03.123456789-07:30 x",
                                        "Wed Nov 18 01:02:03.123456 UTC 2026 ",
                                        "18/Nov/2026:01:02:03 +0100] x",
                                        "Nov  8 2026 01:02:03 UTC",
                                        "20261118T010203.5Z x",
                                        "1795132816420123456 x"};
    for (size_t i = 0; i < CN_LEN(texts); i++)
        for (size_t n = 0; n <= strlen(texts[i]); n++) {
            uint8_t *copy = malloc(n + 1);
            memcpy(copy, texts[i], n);
            uint8_t *exact = n ? realloc(copy, n) : copy;
            cn_linetime_cache cache = {.zone = NULL};
            cn_linetime t;
            if (cn_linetime_read(&cache, cn_span_of(exact, n), &t))
                assert_true(t.length <= n);
            free(exact);
        }
}

/* ---- years */

static int64_t day(int year, unsigned month, unsigned d)
{
    return cn_days_from_civil(year, month, d) * 86400;
}

static int32_t year_at(cn_years *y, uint64_t offset)
{
    int32_t year = 0;
    return cn_years_at(y, offset, &year) ? year : 0;
}

static void years_of_a_log(const char *dates, int64_t written_s, const int *want)
{
    cn_years y = {.changes = NULL};
    uint64_t n = 0;
    for (const char *p = dates; *p; p += 5, n++)
        assert_true(cn_years_line(&y, (unsigned) (p[0] - '0') * 10 + (unsigned) (p[1] - '0'),
                                  (unsigned) (p[2] - '0') * 10 + (unsigned) (p[3] - '0'), 3600, n));
    cn_years_anchor(&y, true, written_s);
    for (uint64_t i = 0; i < n; i++)
        if (year_at(&y, i) != want[i])
            fail_msg("%s: line %u is of %d, not %d", dates, (unsigned) i, year_at(&y, i), want[i]);
    cn_years_free(&y);
}

static void years_backwards(void **state)
{
    (void) state;
    /* three years, the turn of each seen */
    years_of_a_log("0301 1224 0101 0630 1231 0115 ", day(2026, 2, 1),
                   (int[]){2024, 2024, 2025, 2025, 2025, 2026});
    /* a copy, written later */
    years_of_a_log("1118 1224 ", day(2026, 11, 1), (int[]){2025, 2025});
    /* written at the very day, in a zone west of ours */
    years_of_a_log("1118 1119 ", day(2026, 11, 18) + 80000, (int[]){2026, 2026});
    /* a leap day needs a leap year */
    years_of_a_log("0228 0229 0301 ", day(2027, 6, 1), (int[]){2024, 2024, 2024});
    years_of_a_log("0229 1231 0101 ", day(2026, 6, 1), (int[]){2024, 2024, 2025});
    /* out of order by days, over a month's and over the year's end */
    years_of_a_log("0601 0531 0602 ", day(2026, 7, 1), (int[]){2026, 2026, 2026});
    years_of_a_log("1231 0101 1231 0102 ", day(2026, 7, 1), (int[]){2025, 2026, 2025, 2026});
    /* a clock that was not set yet */
    years_of_a_log("1118 0101 0101 1118 1119 ", day(2026, 11, 20),
                   (int[]){2026, 2026, 2026, 2026, 2026});
}

static void years_without_anything(void **state)
{
    (void) state;
    cn_years y = {.changes = NULL};
    assert_true(cn_years_line(&y, 11, 18, 0, 0));
    cn_years_anchor(&y, false, 0);
    assert_int_equal(year_at(&y, 0), 0);
    cn_years_free(&y);
    /* a line that has a year, behind those that have none, says it */
    y = (cn_years){.changes = NULL};
    assert_true(cn_years_line(&y, 12, 30, 0, 0));
    assert_true(cn_years_line(&y, 1, 2, 0, 1));
    cn_years_full_line(&y, day(2023, 1, 3));
    cn_years_anchor(&y, true, day(2026, 1, 1));
    assert_int_equal(year_at(&y, 0), 2022);
    assert_int_equal(year_at(&y, 1), 2023);
    cn_years_free(&y);
    /* more turns of the year than anybody believes: bounded */
    y = (cn_years){.changes = NULL};
    for (unsigned i = 0; i < 3 * CN_YEARS_CHANGES_MAX; i++)
        assert_true(cn_years_line(&y, i % 2 ? 1 : 9, 1, 0, i));
    assert_true(y.n_changes <= CN_YEARS_CHANGES_MAX);
    cn_years_free(&y);
}

/* ---- lines */

/* A source that repeats a piece of text without end. */
typedef struct endless {
    cn_src src;
    const char *head; /* then 'x', then a last line */
    const char *tail;
} endless;
static int endless_read(cn_src *src, uint64_t offset, void *out, size_t n, cn_err *err)
{
    (void) err;
    endless *e = (endless *) src;
    size_t head = strlen(e->head), tail = strlen(e->tail);
    uint8_t *p = out;
    memset(p, 'x', n);
    for (size_t i = 0; i < n && offset + i < head; i++)
        p[i] = (uint8_t) e->head[offset + i];
    for (size_t i = 0; i < n; i++)
        if (offset + i >= src->size - tail)
            p[i] = (uint8_t) e->tail[offset + i - (src->size - tail)];
    return CN_OK;
}
static void endless_close(cn_src *src) { (void) src; }

typedef struct watching_sink {
    cn_sink sink;
    uint64_t events, longest;
    bool noted;
    uint64_t last_offset;
    char last[64];
} watching_sink;
static int watch(cn_sink *sink, const cn_event *event)
{
    watching_sink *w = (watching_sink *) sink;
    w->events++;
    w->longest = CN_MAX(w->longest, event->message.len);
    w->last_offset = event->offset;
    snprintf(w->last, sizeof w->last, "%.*s", (int) CN_MIN(event->message.len, 60u),
             (const char *) event->message.p);
    for (size_t i = 0; i < event->n_fields; i++)
        w->noted |= event->fields[i].id == CN_F_evidence_note;
    return CN_OK;
}
static unsigned warnings;
static void count_warning(cn_parse_job *job, int code, uint64_t offset, const char *text)
{
    (void) job;
    (void) code;
    (void) offset;
    (void) text;
    warnings++;
}
static int go_on(cn_parse_job *job)
{
    (void) job;
    return CN_OK;
}

static int parse_source(cn_src *src, const char *parser, watching_sink *w)
{
    cn_input *in = NULL;
    cn_err err = CN_ERR_INIT;
    assert_int_equal(cn_input_open(src, &in, &err), CN_OK);
    cn_arena arena = cn_arena_of(CN_MIB(64));
    cn_file_info file = {.path = CN_SPAN_LIT("/var/log/x"),
                         .name = CN_SPAN_LIT("x"),
                         .has_mtime = true,
                         .mtime_ns = INT64_C(1795300000) * CN_NS_PER_S,
                         .zone = cn_zone_utc()};
    *w = (watching_sink){.sink = {.emit = watch}};
    warnings = 0;
    cn_parse_job job = {&file, in, &w->sink, &arena, &err, count_warning, go_on, NULL};
    int code = cn_parser_by_name(cn_span_str(parser))->parse(&job);
    cn_input_close(in);
    cn_arena_free(&arena);
    return code;
}

/* Ten gigabytes without a line feed: a mebibyte is kept, the line after it is read. */
static void line_of_ten_gigabytes(void **state)
{
    (void) state;
    static const cn_src_ops ops = {.read = endless_read, .close = endless_close};
    endless e = {{&ops, getenv("CAIRN_LONG_TESTS") ? 10000000000u : 300000000u, 512, "test"},
                 "2026-11-18T01:02:03Z h a: ",
                 "\n2026-11-18T01:02:04Z h a: next\n"};
    watching_sink w;
    assert_int_equal(parse_source(&e.src, "syslog", &w), CN_OK);
    assert_int_equal(w.events, 2);
    assert_true(w.longest <= CN_LINE_MAX && w.longest > CN_LINE_MAX - 64);
    assert_true(w.noted);
    assert_int_equal(warnings, 1);
    assert_string_equal(w.last, "a: next");
    assert_int_equal(w.last_offset, e.src.size - strlen(e.tail) + 1);
}

/* Lines that continue a record are kept up to a limit, however many and wherever pieces end. */
static void continuation_without_end(void **state)
{
    (void) state;
    cn_buf b = cn_buf_of(CN_MIB(64));
    cn_buf_str(&b, "2026-11-18T01:02:03Z h a: first\n");
    for (int i = 0; i < 60000; i++)
        cn_buf_printf(&b, "    at frame %d of a long trace\n", i);
    cn_buf_str(&b, "2026-11-18T01:02:04Z h a: next\n");
    cn_src *src = cn_src_memory(cn_buf_span(&b));
    watching_sink w;
    assert_int_equal(parse_source(src, "syslog", &w), CN_OK);
    assert_int_equal(w.events, 2);
    assert_true(w.longest <= CN_EVENT_MESSAGE_MAX && w.longest > CN_EVENT_MESSAGE_MAX - 64);
    assert_true(w.noted);
    assert_string_equal(w.last, "a: next");
    cn_src_close(src);
    cn_buf_free(&b);
}

/* Records keep their texts when their line ends one piece of the input and the next begins another. */
static void records_across_pieces(void **state)
{
    (void) state;
    cn_buf b = cn_buf_of(CN_MIB(64));
    for (int i = 0; i < 20000; i++)
        cn_buf_printf(
            &b,
            "2026-11-18T01:02:03Z h sshd[%d]: Failed password for u%d from 192.0.2.1 port "
            "%d ssh2\n",
            i, i, i % 60000);
    cn_buf_str(&b, "Nov 18 01:02:03 h a: the years are sought only now\n");
    cn_src *src = cn_src_memory(cn_buf_span(&b));
    watching_sink w;
    assert_int_equal(parse_source(src, "syslog", &w), CN_OK);
    assert_int_equal(w.events, 20001);
    assert_string_equal(w.last, "a: the years are sought only now");
    assert_int_equal(warnings, 0);
    cn_src_close(src);
    cn_buf_free(&b);
}

static void lines_and_their_places(void **state)
{
    (void) state;
    cn_lines l = cn_lines_of_memory(CN_SPAN_LIT("\xef\xbb\xbf"
                                                "a\r\n\nb\0c\n\0\0\0d"));
    static const struct {
        const char *text;
        size_t len;
        uint64_t offset, length;
    } want[] = {{"a", 1, 3, 3}, {"", 0, 6, 1}, {"b\0c", 3, 7, 4}, {"d", 1, 14, 1}};
    cn_line line;
    for (size_t i = 0; i < CN_LEN(want); i++) {
        assert_int_equal(cn_lines_next(&l, &line, NULL), 1);
        assert_int_equal(line.text.len, want[i].len);
        if (line.text.len)
            assert_memory_equal(line.text.p, want[i].text, want[i].len);
        assert_int_equal(line.offset, want[i].offset);
        assert_int_equal(line.length, want[i].length);
    }
    assert_int_equal(cn_lines_next(&l, &line, NULL), 0);
    assert_int_equal(l.nuls, 3);
    assert_int_equal(l.nuls_at, 11);
    cn_lines_free(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times_as_logs_write_them), cmocka_unit_test(times_cut_anywhere),
        cmocka_unit_test(years_backwards),          cmocka_unit_test(years_without_anything),
        cmocka_unit_test(lines_and_their_places),   cmocka_unit_test(line_of_ten_gigabytes),
        cmocka_unit_test(continuation_without_end), cmocka_unit_test(records_across_pieces),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
