/* Encodings of events: every column of made-up events, and what is hostile in them. */
#include "event/encode.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <stdio.h>

static int keep(void *context, cn_span bytes, cn_err *err)
{
    (void) err;
    cn_buf_bytes(context, bytes);
    return CN_OK;
}

static const cn_origin origin = {
    .image = {(const uint8_t *) "web01.raw", 9},
    .image_id = 7,
    .volume = {(const uint8_t *) "p2", 2},
    .path = {(const uint8_t *) "/var/log/a,b.log", 16},
    .inode = 12,
    .parser = {(const uint8_t *) "syslog", 6},
};

static cn_event_view view(int64_t time_ns, const char *desc, const cn_field *fields, size_t n)
{
    return (cn_event_view){
        .time_ns = time_ns,
        .has_time = true,
        .desc = cn_span_str(desc),
        .data_type = CN_SPAN_LIT("syslog:line"),
        .message = CN_SPAN_LIT("he said \"no\",\nthen left"),
        .offset = 100,
        .length = 20,
        .origin = &origin,
        .id = {0xabc, 100, 1},
        .fields = fields,
        .n_fields = n,
    };
}

static void check(cn_encoding encoding, bool gather, const cn_event_view *events, size_t n,
                  const char *expect)
{
    CN_CLEANUP(cn_buf_free) cn_buf out = cn_buf_of(CN_MIB(1));
    CN_CLEANUP(cn_encoder_free_p) cn_encoder *e = cn_encoder_new(encoding, keep, &out);
    cn_err err = CN_ERR_INIT;
    assert_non_null(e);
    if (gather)
        cn_encoder_gather(e);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(cn_encoder_add(e, &events[i], &err), CN_OK);
    assert_int_equal(cn_encoder_flush(e, &err), CN_OK);
    assert_string_equal(cn_buf_cstr(&out), expect);
}

static void jsonl(void **state)
{
    (void) state;
    const cn_field fields[] = {
        cn_field_text(CN_F_hostname, CN_SPAN_LIT("web\x01\xff")),
        cn_field_int(CN_F_pid, -3),
        cn_field_int(CN_F_is_allocated, 0),
        cn_field_named(CN_SPAN_LIT("path"), CN_SPAN_LIT("its own")),
        cn_field_named(CN_SPAN_LIT("thing"), CN_SPAN_LIT("1")),
        cn_field_named(CN_SPAN_LIT("thing"), CN_SPAN_LIT("2")),
    };
    cn_event_view e[] = {view(-1, "Content Modification Time", fields, CN_LEN(fields)),
                         view(1795132802319734000, "Not a time", NULL, 0)};
    e[1].has_time = false;
    check(CN_ENCODE_JSONL, false, e, 2,
          "{\"message\":\"he said \\\"no\\\",\\nthen left\","
          "\"datetime\":\"1969-12-31T23:59:59.999999999+00:00\",\"timestamp\":-1,"
          "\"timestamp_desc\":\"Content Modification Time\",\"data_type\":\"syslog:line\","
          "\"hostname\":\"web\\u0001\\ufffd\",\"pid\":-3,\"is_allocated\":false,"
          "\"evidence_path\":\"its own\",\"thing\":\"1\",\"thing_2\":\"2\","
          "\"path\":\"/var/log/a,b.log\",\"parser\":\"syslog\",\"image\":\"web01.raw\","
          "\"volume\":\"p2\",\"inode\":12,\"offset\":100,\"length\":20,"
          "\"event_id\":\"0000000000000abc000000000000006400000001\"}\n"
          "{\"message\":\"he said \\\"no\\\",\\nthen left\","
          "\"datetime\":\"1970-01-01T00:00:00.000000+00:00\",\"timestamp\":0,"
          "\"timestamp_desc\":\"Not a time\",\"data_type\":\"syslog:line\","
          "\"path\":\"/var/log/a,b.log\",\"parser\":\"syslog\",\"image\":\"web01.raw\","
          "\"volume\":\"p2\",\"inode\":12,\"offset\":100,\"length\":20,"
          "\"event_id\":\"0000000000000abc000000000000006400000001\"}\n");
}

static void json_of_the_api(void **state)
{
    (void) state;
    CN_CLEANUP(cn_buf_free) cn_buf out = cn_buf_of(CN_MIB(1));
    cn_event_view e = view(0, "Not a time", NULL, 0);
    const cn_span names[] = {CN_SPAN_LIT("parser")};
    const cn_encode_choice choice = {names, 1};
    e.has_time = false;
    cn_encode_event(&out, &e, &choice);
    assert_string_equal(
        cn_buf_cstr(&out),
        "{\"message\":\"he said \\\"no\\\",\\nthen left\",\"timestamp_desc\":\"Not a "
        "time\",\"data_type\":\"syslog:line\",\"parser\":\"syslog\","
        "\"event_id\":\"0000000000000abc000000000000006400000001\"}");
}

static void csv(void **state)
{
    (void) state;
    const cn_field fields[] = {
        cn_field_text(CN_F_hostname, CN_SPAN_LIT("web01")),
        cn_field_text(CN_F_hostname, CN_SPAN_LIT("other")),
        cn_field_int(CN_F_pid, 3),
        cn_field_text(CN_F_unit, cn_span_of("a\0b", 3)),
    };
    cn_event_view e[] = {
        view(1795132802319734000, "Content Modification Time", fields, CN_LEN(fields))};
    check(CN_ENCODE_CSV, false, e, 1,
          "\"he said \"\"no\"\",\nthen left\",2026-11-20T00:00:02.319734+00:00,1795132802319734,"
          "Content Modification Time,syslog:line,web01,,,,3,\"/var/log/a,b.log\",12,,syslog,"
          "web01.raw,p2,100,20,0000000000000abc000000000000006400000001,"
          "\"{\"\"hostname_2\"\":\"\"other\"\",\"\"unit\"\":\"\"a\\u0000b\"\"}\"\r\n");
}

static void l2tcsv_merges(void **state)
{
    (void) state;
    const cn_field fields[] = {cn_field_int(CN_F_file_size, 5)};
    cn_event_view e[] = {view(CN_NS_PER_S, "Content Modification Time", fields, 1),
                         view(CN_NS_PER_S, "Creation Time", fields, 1),
                         view(CN_NS_PER_S + 1, "Last Access Time", fields, 1)};
    for (size_t i = 0; i < CN_LEN(e); i++) {
        e[i].data_type = CN_SPAN_LIT("fs:stat");
        e[i].message = CN_SPAN_LIT("/a");
    }
    check(CN_ENCODE_L2TCSV, false, e, 3,
          "01/01/1970,00:00:01,UTC,M..B,FILE,fs:stat,Content Modification Time; Creation "
          "Time,,,/a,/a,2,\"/var/log/a,b.log\",12,,syslog,datetime: "
          "1970-01-01T00:00:01.000000+00:00; file_size: 5; data_type: fs:stat; offset: 100; "
          "length: 20; event_id: 0000000000000abc000000000000006400000001; image: web01.raw; "
          "volume: p2\r\n"
          "01/01/1970,00:00:01,UTC,.A..,FILE,fs:stat,Last Access "
          "Time,,,/a,/a,2,\"/var/log/a,b.log\",12,,syslog,datetime: "
          "1970-01-01T00:00:01.000000001+00:00; file_size: 5; data_type: fs:stat; offset: 100; "
          "length: 20; event_id: 0000000000000abc000000000000006400000001; image: web01.raw; "
          "volume: p2\r\n");
}

static void bodyfile_modes(void **state)
{
    (void) state;
    static const struct {
        const char *type, *device, *expect;
        int64_t mode;
    } cases[] = {
        {"directory", NULL, "d/drwxrwxrwt", 01777},
        {"directory", NULL, "d/drwxr-sr-T", 03754},
        {"device", "block 8:1", "b/brw-rw----", 0660},
        {"device", "character 1:3", "c/crw-rw-rw-", 0666},
        {"pipe", NULL, "p/p---------", 0},
        {"socket", NULL, "h/srwSr-xr-x", 04655},
        {"file", NULL, "r/r--x--s--x", 02111},
    };
    for (size_t i = 0; i < CN_LEN(cases); i++) {
        char expect[200];
        cn_field fields[3] = {cn_field_text(CN_F_file_entry_type, cn_span_str(cases[i].type)),
                              cn_field_int(CN_F_mode, cases[i].mode)};
        size_t n = 2;
        if (cases[i].device)
            fields[n++] = cn_field_text(CN_F_device, cn_span_str(cases[i].device));
        cn_event_view e = view(0, "Creation Time", fields, n);
        e.data_type = CN_SPAN_LIT("fs:stat");
        e.has_time = false;
        snprintf(expect, sizeof expect, "0|/var/log/a,b.log|12|%s|0|0|0|0|0|0|0\n",
                 cases[i].expect);
        check(CN_ENCODE_BODYFILE, false, &e, 1, expect);
    }
}

static void bodyfile(void **state)
{
    (void) state;
    static const cn_origin link = {.path = {(const uint8_t *) "/l\nk", 4}, .inode = 13};
    const cn_field file[] = {cn_field_text(CN_F_file_entry_type, CN_SPAN_LIT("file")),
                             cn_field_int(CN_F_mode, 04755), cn_field_int(CN_F_uid, 1),
                             cn_field_int(CN_F_gid, 2), cn_field_int(CN_F_file_size, 3)};
    const cn_field to[] = {
        cn_field_text(CN_F_file_entry_type, CN_SPAN_LIT("link")), cn_field_int(CN_F_mode, 0777),
        cn_field_text(CN_F_link_target, CN_SPAN_LIT("../x")), cn_field_int(CN_F_is_allocated, 0)};
    cn_event_view e[] = {view(1500000000, "Content Modification Time", file, CN_LEN(file)),
                         view(-1500000000, "Creation Time", file, CN_LEN(file)),
                         view(2000000000, "Last Access Time", to, CN_LEN(to)),
                         view(3000000000, "Last Access Time", file, CN_LEN(file)),
                         view(0, "Content Modification Time", file, CN_LEN(file))};
    for (size_t i = 0; i < CN_LEN(e); i++)
        e[i].data_type = CN_SPAN_LIT("fs:stat");
    e[2].origin = &link;
    e[2].id.origin_key = 99;
    e[4].data_type = CN_SPAN_LIT("syslog:line");
    const char *first = "0|/var/log/a,b.log|12|r/rrwsr-xr-x|1|2|3|";
    const char *second = "0|/l^k -> ../x (deleted)|13|l/lrwxrwxrwx|0|0|0|2|0|0|0\n";
    CN_CLEANUP(cn_buf_free) cn_buf expect = cn_buf_of(CN_KIB(4));
    cn_buf_printf(&expect, "%s0|1.500000000|0|-2\n%s%s3|0|0|0\n", first, second, first);
    check(CN_ENCODE_BODYFILE, false, e, CN_LEN(e), cn_buf_cstr(&expect));
    cn_buf_clear(&expect);
    cn_buf_printf(&expect, "%s3|1.500000000|0|-2\n%s", first, second);
    check(CN_ENCODE_BODYFILE, true, e, CN_LEN(e), cn_buf_cstr(&expect));
}

/* Many names, so that the table grows; one name twice, so that it gets two rows. */
static void bodyfile_gathers_many(void **state)
{
    (void) state;
    enum { NAMES = 5000 };
    static const cn_origin any = {.path = {(const uint8_t *) "/x", 2}};
    CN_CLEANUP(cn_buf_free) cn_buf out = cn_buf_of(CN_MIB(4));
    CN_CLEANUP(cn_encoder_free_p) cn_encoder *e = cn_encoder_new(CN_ENCODE_BODYFILE, keep, &out);
    cn_encoder_gather(e);
    for (size_t round = 0; round < 2; round++) {
        for (uint64_t i = 0; i < NAMES; i++) {
            cn_event_view v =
                view(CN_NS_PER_S, round ? "Creation Time" : "Last Access Time", NULL, 0);
            v.data_type = CN_SPAN_LIT("fs:stat");
            v.origin = &any;
            v.id.origin_key = i;
            assert_int_equal(cn_encoder_add(e, &v, NULL), CN_OK);
            if (round == 1 && i == 7)
                assert_int_equal(cn_encoder_add(e, &v, NULL), CN_OK);
        }
    }
    assert_int_equal(cn_encoder_flush(e, NULL), CN_OK);
    size_t whole = 0, rows = 0;
    for (const char *p = cn_buf_cstr(&out); *p; p = strchr(p, '\n') + 1, rows++)
        whole += strncmp(p, "0|/x|0|-/----------|0|0|0|1|0|0|1\n", 34) == 0;
    assert_int_equal(rows, NAMES + 1);
    assert_int_equal(whole, NAMES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(jsonl),
        cmocka_unit_test(json_of_the_api),
        cmocka_unit_test(csv),
        cmocka_unit_test(l2tcsv_merges),
        cmocka_unit_test(bodyfile),
        cmocka_unit_test(bodyfile_modes),
        cmocka_unit_test(bodyfile_gathers_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
