/* A lastlog of a terabyte, as an account with a high user id makes it, is read at its data only. */
#include "parse/parser.h"

#include <setjmp.h>
#include <stdarg.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

typedef struct counter {
    cn_sink sink;
    uint64_t events, uids[8], steps;
} counter;

static int count(cn_sink *sink, const cn_event *event)
{
    counter *c = (counter *) sink;
    assert_true(c->events < CN_LEN(c->uids));
    assert_int_equal(event->fields[0].id, CN_F_uid);
    c->uids[c->events++] = (uint64_t) event->fields[0].num;
    return CN_OK;
}

static int step(cn_parse_job *job) { return ((counter *) job->context)->steps++ > 100000 ? -1 : 0; }

static void put(int fd, uint64_t uid)
{
    uint8_t record[292] = {0x40, 0xcf, 0xf9, 0x6a, 'p', 't', 's', '/', '0'};
    assert_int_equal(pwrite(fd, record, sizeof record, (off_t) (uid * sizeof record)),
                     sizeof record);
}

static void holes_are_skipped(void **state)
{
    (void) state;
    const uint64_t uids[] = {0, 1000, 1001, 65534, 4294967294};
    int fd = memfd_create("lastlog", 0);
    assert_true(fd >= 0);
    for (size_t i = 0; i < CN_LEN(uids); i++)
        put(fd, uids[i]);
    cn_src *src;
    cn_input *in;
    cn_err err = CN_ERR_INIT;
    assert_int_equal(cn_src_raw(fd, &src, &err), CN_OK);
    assert_int_equal(cn_input_open(src, &in, &err), CN_OK);
    counter c = {.sink = {.emit = count}};
    cn_file_info file = {.name = CN_SPAN_LIT("lastlog"), .size = src->size, .zone = cn_zone_utc()};
    cn_parse_job job = {.file = &file, .in = in, .sink = &c.sink, .err = &err, .step = step};
    job.context = &c;
    assert_int_equal(cn_parser_by_name(CN_SPAN_LIT("lastlog"))->parse(&job), CN_OK);
    assert_int_equal(c.events, CN_LEN(uids));
    for (size_t i = 0; i < CN_LEN(uids); i++)
        assert_true(c.uids[i] == uids[i]);
    cn_input_close(in);
    cn_src_close(src);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(holes_are_skipped)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
