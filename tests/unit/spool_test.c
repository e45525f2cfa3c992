/* The spool: what goes in comes out, also after the process that filled it has died, and whatever
 * its memory holds. */
#include "event/spool_record.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

typedef struct seen {
    uint32_t n;
    char text[64][256];
    cn_event_id id[64];
} seen;

static int see(void *context, const cn_spooled *e)
{
    seen *s = context;
    if (s->n < CN_LEN(s->text)) {
        CN_CLEANUP(cn_buf_free) cn_buf b = cn_buf_of(4096);
        cn_buf_printf(&b, "%s %s %.*s @%llu+%llu", e->event.data_type, cn_desc_text(e->event.desc),
                      (int) CN_MIN(e->event.message.len, 60u), e->event.message.p,
                      (unsigned long long) e->event.offset, (unsigned long long) e->event.length);
        for (size_t i = 0; i < e->event.n_fields; i++) {
            const cn_field *f = &e->event.fields[i];
            cn_buf_char(&b, ' ');
            if (f->id)
                cn_buf_str(&b, cn_vocabulary[f->id].name);
            cn_buf_bytes(&b, f->name);
            cn_buf_char(&b, '=');
            if (f->type == CN_INT || f->type == CN_BOOL)
                cn_buf_i64(&b, f->num);
            else
                cn_buf_bytes(&b, cn_span_sub(f->text, 0, 60));
        }
        cn_buf_str(&b, " in ");
        cn_buf_bytes(&b, e->origin->path);
        snprintf(s->text[s->n], sizeof s->text[0], "%s", cn_buf_cstr(&b));
        s->id[s->n] = e->id;
    }
    s->n++;
    return 0;
}

static const cn_origin origin = {.image = {(const uint8_t *) "web01.raw", 9},
                                 .image_id = 77,
                                 .volume = {(const uint8_t *) "p2", 2},
                                 .path = {(const uint8_t *) "/var/log/auth.log", 17},
                                 .inode = 12,
                                 .parser = {(const uint8_t *) "syslog", 6}};

static int emit(cn_spool *s, uint64_t offset, const char *message)
{
    const cn_field fields[] = {
        cn_field_text(CN_F_username, CN_SPAN_LIT("root")),
        cn_field_int(CN_F_pid, -7),
        cn_field_named(CN_SPAN_LIT("_Systemd-Unit"), CN_SPAN_LIT("ssh.service")),
        cn_field_named(CN_SPAN_LIT("path"), CN_SPAN_LIT("x")),
        cn_field_named(CN_SPAN_LIT("hostname"), CN_SPAN_LIT("web01")),
    };
    const cn_event e = {.time_ns = -5,
                        .has_time = true,
                        .desc = CN_DESC_RECORDED,
                        .data_type = "syslog:line",
                        .message = cn_span_str(message),
                        .offset = offset,
                        .length = 9,
                        .fields = fields,
                        .n_fields = CN_LEN(fields)};
    return cn_spool_sink(s)->emit(cn_spool_sink(s), &e);
}

static void what_goes_in_comes_out(void **state)
{
    (void) state;
    void *memory = calloc(1, CN_SPOOL_MIN);
    cn_spool *s;
    assert_int_equal(cn_spool_create(memory, CN_SPOOL_MIN, &s, NULL), CN_OK);
    cn_spool_begin_item(s, 3, 1);
    assert_int_equal(cn_spool_sink(s)->origin(cn_spool_sink(s), &origin), CN_OK);
    for (uint64_t i = 0; i < 4; i++)
        assert_int_equal(emit(s, i < 2 ? 100 : 200 - i, i ? "later" : "skipped"), CN_OK);
    assert_int_equal(emit(s, 100, "back again"), CN_OK);
    seen got = {0};
    assert_int_equal(cn_spool_each(s, see, &got), CN_OK);
    assert_int_equal(got.n, 4);
    assert_string_equal(
        got.text[0],
        "syslog:line Recorded Time later @100+9 username=root pid=-7 "
        "_systemd_unit=ssh.service evidence_path=x hostname=web01 in /var/log/auth.log");
    assert_int_equal(got.id[0].ordinal, 1);
    assert_int_equal(got.id[1].ordinal, 0);
    assert_true(got.id[0].origin_key == cn_origin_key(&origin));
    for (uint32_t i = 0; i < got.n; i++)
        for (uint32_t k = 0; k < i; k++)
            assert_false(got.id[i].offset == got.id[k].offset &&
                         got.id[i].ordinal == got.id[k].ordinal);
    const cn_spool_item *items;
    assert_int_equal(cn_spool_items(s, &items), 1);
    assert_true(items[0].item == 3 && items[0].before == 1 && items[0].here == 4);

    /* Another process takes it over. */
    cn_spool *t;
    bool dropped = true;
    assert_int_equal(cn_spool_attach(memory, CN_SPOOL_MIN, &t, &dropped, NULL), CN_OK);
    assert_false(dropped);
    seen again = {0};
    assert_int_equal(cn_spool_each(t, see, &again), CN_OK);
    assert_memory_equal(&got, &again, sizeof got);
    assert_int_equal(cn_spool_items(t, &items), 1);
    assert_true(items[0].before == 1 && items[0].here == 4);
    cn_spool_free(t);
    cn_spool_free(s);
    free(memory);
}

typedef struct full {
    uint32_t times, events;
    uint64_t before;
} full;

static int empty_it(void *context, cn_spool *s)
{
    full *f = context;
    const cn_spool_item *items;
    assert_int_equal(cn_spool_items(s, &items), 1);
    assert_true(items[0].before == f->before);
    f->times++;
    f->events += cn_spool_events(s);
    f->before += cn_spool_events(s);
    cn_spool_clear(s);
    return 0;
}

static void a_full_spool_is_emptied_and_goes_on(void **state)
{
    (void) state;
    void *memory = calloc(1, CN_SPOOL_MIN);
    cn_spool *s;
    full f = {0};
    assert_int_equal(cn_spool_create(memory, CN_SPOOL_MIN, &s, NULL), CN_OK);
    cn_spool_on_full(s, empty_it, &f);
    cn_spool_begin_item(s, 1, 0);
    assert_int_equal(cn_spool_sink(s)->origin(cn_spool_sink(s), &origin), CN_OK);
    for (uint32_t i = 0; i < 100000; i++)
        assert_int_equal(emit(s, i, "some message of some length, so that it fills"), CN_OK);
    assert_true(f.times > 1);
    assert_int_equal(f.events + cn_spool_events(s), 100000);
    cn_spool_clear(s);
    f = (full){.before = 100000};
    cn_spool_limit(s, 10);
    for (uint32_t i = 0; i < 25; i++)
        assert_int_equal(emit(s, 100000 + i, "x"), CN_OK);
    assert_int_equal(f.times, 2);
    assert_int_equal(cn_spool_events(s), 5);
    cn_spool_on_full(s, NULL, NULL);
    for (uint32_t i = 0; i < 5; i++)
        assert_int_equal(emit(s, 160000 + i, "x"), CN_OK);
    assert_int_equal(emit(s, 170000, "x"), CN_E_LIMIT);
    cn_spool_free(s);
    free(memory);
}

static void limits_are_kept_and_noted(void **state)
{
    (void) state;
    void *memory = calloc(1, CN_SPOOL_MIN);
    uint8_t *big = malloc(3 << 20);
    memset(big, 'x', 3 << 20);
    cn_spool *s;
    assert_int_equal(cn_spool_create(memory, CN_SPOOL_MIN, &s, NULL), CN_OK);
    cn_spool_begin_item(s, 1, 0);
    assert_int_equal(cn_spool_sink(s)->origin(cn_spool_sink(s), &origin), CN_OK);
    cn_field fields[200];
    for (size_t i = 0; i < 200; i++)
        fields[i] = cn_field_named(CN_SPAN_LIT("same"), cn_span_of(big, CN_KIB(300)));
    cn_event e = {
        .data_type = "x:y", .message = cn_span_of(big, 3 << 20), .fields = fields, .n_fields = 200};
    assert_int_equal(cn_spool_sink(s)->emit(cn_spool_sink(s), &e), CN_OK);
    uint32_t pos = 0, at;
    cn_spool_event got;
    assert_true(cn_spool_event_next(s, &pos, &at) && cn_spool_event_at(s, at, &got));
    assert_int_equal(got.message.len, CN_EVENT_MESSAGE_MAX);
    assert_int_equal(got.n_fields, CN_EVENT_FIELDS_MAX - 1);
    cn_spool_field f = {0};
    while (cn_spool_field_next(&got.fields, &f))
        if (f.field == CN_F_evidence_note)
            break;
    assert_int_equal(f.field, CN_F_evidence_note);
    assert_non_null(memmem(f.text.p, f.text.len, "message cut, it had 3145728 bytes", 33));
    assert_non_null(memmem(f.text.p, f.text.len, "74 more fields are cut", 22));

    /* More names than are kept apart. */
    cn_spool_clear(s);
    for (unsigned i = 0; i < 3000; i++) {
        char name[32];
        snprintf(name, sizeof name, "name_%u", i);
        fields[0] = cn_field_named(cn_span_str(name), CN_SPAN_LIT("v"));
        e = (cn_event){.data_type = "x:y", .fields = fields, .n_fields = 1, .offset = i};
        assert_int_equal(cn_spool_sink(s)->emit(cn_spool_sink(s), &e), CN_OK);
    }
    seen last = {0};
    assert_int_equal(cn_spool_events(s), 3000);
    assert_true(cn_spool_names(s) < 2130);
    pos = 0;
    while (cn_spool_event_next(s, &pos, &at))
        ;
    assert_true(cn_spool_event_at(s, at, &got) && cn_spool_field_next(&got.fields, &f));
    assert_true(cn_span_is(cn_spool_name(s, f.field - CN_F_COUNT), "other_fields"));
    assert_true(cn_span_is(f.text, "name_2999=v"));
    (void) last;
    cn_spool_free(s);
    free(big);
    free(memory);
}

/* Whatever stands in the memory, what is taken over is whole. */
static void damaged_memory_is_cut_where_it_is_bad(void **state)
{
    (void) state;
    uint8_t *good = calloc(1, CN_SPOOL_MIN), *bad = malloc(CN_SPOOL_MIN);
    cn_spool *s;
    assert_int_equal(cn_spool_create(good, CN_SPOOL_MIN, &s, NULL), CN_OK);
    cn_spool_begin_item(s, 1, 0);
    assert_int_equal(cn_spool_sink(s)->origin(cn_spool_sink(s), &origin), CN_OK);
    for (uint32_t i = 0; i < 20; i++)
        assert_int_equal(emit(s, i, "hello"), CN_OK);
    size_t used = (size_t) cn_spool_bytes(s) + 64;
    cn_spool_free(s);
    uint32_t random = 1, cut = 0;
    for (size_t i = 0; i < 30000; i++) {
        memcpy(bad, good, used + 64);
        for (size_t flips = 1 + i % 3; flips; flips--) {
            random = random * 1664525u + 1013904223u;
            bad[(random >> 8) % used] ^= (uint8_t) (1u << (random >> 5 & 7));
        }
        cn_spool *t;
        bool dropped;
        assert_int_equal(cn_spool_attach(bad, CN_SPOOL_MIN, &t, &dropped, NULL), CN_OK);
        seen got = {0};
        assert_int_equal(cn_spool_each(t, see, &got), CN_OK);
        assert_int_equal(got.n, cn_spool_events(t));
        assert_true(got.n <= 20);
        cut += dropped;
        assert_int_equal(cn_spool_sink(t)->origin(cn_spool_sink(t), &origin), CN_OK);
        assert_int_equal(emit(t, 99, "after"), CN_OK);
        cn_spool_free(t);
    }
    assert_true(cut > 1000);
    free(good);
    free(bad);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_goes_in_comes_out),
        cmocka_unit_test(a_full_spool_is_emptied_and_goes_on),
        cmocka_unit_test(limits_are_kept_and_noted),
        cmocka_unit_test(damaged_memory_is_cut_where_it_is_bad),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
