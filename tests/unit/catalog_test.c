/* The catalog: schema, timelines from making to replaced, commits, runs and what dead ones leave.
 */
#include "db/catalog.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define ID_1 "00000000000000010000000000000002000000ab"
#define ID_2 "00000000000000010000000000000003000000ab"

typedef struct world {
    char folder[64];
    cn_catalog *catalog;
    cn_arena arena;
} world;

static int set_up(void **state)
{
    world *w = calloc(1, sizeof *w);
    snprintf(w->folder, sizeof w->folder, "/tmp/cairn-catalog-XXXXXX");
    w->arena = cn_arena_of(CN_MIB(16));
    *state = w;
    return w && mkdtemp(w->folder) && !cn_catalog_open(w->folder, CN_DB_CREATE, &w->catalog, NULL)
               ? 0
               : -1;
}

static int tear_down(void **state)
{
    world *w = *state;
    char command[128];
    cn_catalog_close(w->catalog);
    cn_arena_free(&w->arena);
    snprintf(command, sizeof command, "rm -r '%s'", w->folder);
    int r = system(command);
    free(w);
    return r;
}

static int64_t make(world *w, cn_run *run, uint64_t image_id, const char *scope)
{
    int64_t id = 0;
    const cn_timeline_new what = {.source = "/evidence/web01.raw",
                                  .image = "web01.raw",
                                  .case_name = "",
                                  .system_name = "",
                                  .options = scope,
                                  .scope = scope,
                                  .run = cn_run_name(run),
                                  .image_id = image_id,
                                  .name = "web01"};
    assert_int_equal(cn_catalog_create(w->catalog, &what, &id, NULL), CN_OK);
    return id;
}

static void touch(world *w, const char *path)
{
    char whole[256];
    snprintf(whole, sizeof whole, "%s/%s", w->folder, path);
    char *slash = strrchr(whole, '/');
    *slash = '\0';
    (void) mkdir(whole, 0700);
    *slash = '/';
    int fd = open(whole, O_WRONLY | O_CREAT, 0600);
    assert_true(fd >= 0);
    close(fd);
}

static bool there(const world *w, const char *path)
{
    char whole[256];
    snprintf(whole, sizeof whole, "%s/%s", w->folder, path);
    return access(whole, F_OK) == 0;
}

static void commit(world *w, int64_t timeline, const char *path, uint64_t key, uint64_t events,
                   bool done)
{
    touch(w, path);
    const cn_segment_row segment = {.timeline = timeline,
                                    .path = path,
                                    .events = events,
                                    .bytes = 100,
                                    .has_times = true,
                                    .first_ns = -5,
                                    .last_ns = 7};
    const cn_work_item item = {.key = key, .events = events, .done = done};
    assert_int_equal(cn_catalog_commit(w->catalog, &segment, &item, 1, NULL), CN_OK);
}

static cn_timeline timeline(world *w, int64_t id)
{
    cn_timeline t;
    assert_int_equal(cn_catalog_timeline(w->catalog, id, &w->arena, &t, NULL), CN_OK);
    return t;
}

static void a_second_run_takes_the_place_of_the_first(void **state)
{
    world *w = *state;
    cn_run *run = NULL;
    assert_int_equal(cn_run_begin(w->catalog, &run, NULL), CN_OK);
    int64_t first = make(w, run, UINT64_MAX, "");
    commit(w, first, "segments/1/a-1.seg", UINT64_MAX - 1, 10, true);
    assert_int_equal(timeline(w, first).status, CN_TIMELINE_MAKING);
    assert_true(timeline(w, first).visible);
    assert_int_equal(cn_catalog_finish(w->catalog, first, CN_TIMELINE_READY, NULL, NULL), CN_OK);
    assert_int_equal(timeline(w, first).events, 10);
    assert_int_equal(timeline(w, first).first_ns, -5);

    int64_t second = make(w, run, UINT64_MAX, "");
    int64_t other = make(w, run, 5, ""), part = make(w, run, UINT64_MAX, "parsers=utmp");
    assert_false(timeline(w, second).visible);
    assert_true(timeline(w, other).visible);
    assert_true(timeline(w, part).visible);
    assert_string_equal(timeline(w, second).name, "web01 (2)");
    commit(w, second, "segments/2/a-1.seg", 1, 20, true);
    cn_segment_row *rows;
    size_t n;
    assert_int_equal(cn_catalog_segments(w->catalog, 0, &w->arena, &rows, &n, NULL), CN_OK);
    assert_int_equal(n, 1); /* the first alone is searched */
    assert_int_equal(cn_catalog_finish(w->catalog, part, CN_TIMELINE_READY, NULL, NULL), CN_OK);
    assert_int_equal(timeline(w, first).status, CN_TIMELINE_READY); /* a part replaces no whole */
    assert_int_equal(cn_catalog_finish(w->catalog, second, CN_TIMELINE_READY, NULL, NULL), CN_OK);
    cn_timeline *all;
    assert_int_equal(cn_catalog_timelines(w->catalog, &w->arena, &all, &n, NULL), CN_OK);
    assert_int_equal(n, 2);
    assert_int_equal(all[0].id, second);
    assert_string_equal(all[0].name, "web01");
    assert_int_equal(all[1].id, other);
    assert_false(there(w, "segments/1/a-1.seg"));
    assert_true(there(w, "segments/2/a-1.seg"));
    run = cn_run_end(run);
}

static void work_that_is_committed_is_known_to_the_next_run(void **state)
{
    world *w = *state;
    cn_run *run = NULL;
    assert_int_equal(cn_run_begin(w->catalog, &run, NULL), CN_OK);
    int64_t id = make(w, run, 9, ""), found = 0;
    commit(w, id, "segments/1/a-1.seg", 7, 10, false);
    commit(w, id, "segments/1/a-2.seg", 7, 25, true);
    commit(w, id, "segments/1/a-3.seg", UINT64_MAX, 3, false);
    cn_timeline_status status;
    assert_int_equal(cn_catalog_find(w->catalog, 9, "", &found, &status, NULL), CN_OK);
    assert_int_equal(found, id);
    assert_int_equal(status, CN_TIMELINE_MAKING);
    assert_int_equal(cn_catalog_take_over(w->catalog, id, "x", NULL), CN_E_LOCKED);
    run = cn_run_end(run);
    assert_int_equal(cn_catalog_find(w->catalog, 9, "", &found, &status, NULL), CN_OK);
    assert_int_equal(status, CN_TIMELINE_INTERRUPTED);
    assert_int_equal(cn_catalog_find(w->catalog, 9, "other", &found, &status, NULL), CN_OK);
    assert_int_equal(found, 0);
    assert_int_equal(cn_run_begin(w->catalog, &run, NULL), CN_OK);
    assert_int_equal(cn_catalog_take_over(w->catalog, id, cn_run_name(run), NULL), CN_OK);
    cn_work_item *items;
    size_t n;
    assert_int_equal(cn_catalog_work(w->catalog, id, &w->arena, &items, &n, NULL), CN_OK);
    assert_int_equal(n, 2);
    assert_true(items[1].key == UINT64_MAX && items[1].events == 3 && !items[1].done);
    assert_true(items[0].key == 7 && items[0].events == 25 && items[0].done);
    run = cn_run_end(run);
}

static void what_dead_runs_leave_is_removed_and_the_rest_stays(void **state)
{
    world *w = *state;
    cn_run *run = NULL;
    assert_int_equal(cn_run_begin(w->catalog, &run, NULL), CN_OK);
    int64_t id = make(w, run, 9, "");
    char live[128], dead[] = "segments/1/123.4-1.seg";
    snprintf(live, sizeof live, "segments/1/%s-9.seg", cn_run_name(run));
    commit(w, id, "segments/1/gone-1.seg", 1, 1, true);
    touch(w, live);
    touch(w, dead);
    touch(w, "tmp/123.4/1.seg");
    assert_int_equal(cn_catalog_sweep(w->catalog, NULL), CN_OK);
    assert_true(there(w, "segments/1/gone-1.seg")); /* a row names it */
    assert_true(there(w, live));                    /* its run lives */
    assert_false(there(w, dead));
    assert_false(there(w, "tmp/123.4"));
    run = cn_run_end(run);
    assert_int_equal(cn_catalog_sweep(w->catalog, NULL), CN_OK);
    assert_false(there(w, live));
}

static void annotations_are_kept_once(void **state)
{
    world *w = *state;
    int64_t star = 0, again = 0, comment = 0, second = 0;
    cn_catalog *c = w->catalog;
    assert_int_equal(cn_catalog_annotate(c, ID_1, CN_NOTE_STAR, "", "ann", &star, NULL), CN_OK);
    assert_int_equal(cn_catalog_annotate(c, ID_1, CN_NOTE_STAR, "", "bob", &again, NULL), CN_OK);
    assert_int_equal(star, again);
    assert_int_equal(cn_catalog_annotate(c, ID_2, CN_NOTE_COMMENT, "same", "", &comment, NULL),
                     CN_OK);
    assert_int_equal(cn_catalog_annotate(c, ID_2, CN_NOTE_COMMENT, "same", "", &second, NULL),
                     CN_OK);
    assert_int_not_equal(comment, second);
    assert_int_equal(cn_catalog_annotate(c, "xyz", CN_NOTE_STAR, "", "", &again, NULL), CN_E_ARG);
    assert_int_equal(cn_catalog_annotate(c, ID_1, CN_NOTE_TAG, " ", "", &again, NULL), CN_E_ARG);
    assert_int_equal(cn_catalog_annotate(c, ID_1, CN_NOTE_TAG, "\xff", "", &again, NULL), CN_E_ARG);
    assert_int_equal(cn_catalog_reword(c, comment, "other", NULL), CN_OK);
    assert_int_equal(cn_catalog_reword(c, star, "other", NULL), CN_E_NOT_FOUND);
    cn_annotation *all;
    size_t n;
    assert_int_equal(cn_catalog_annotated(c, true, CN_NOTE_STAR, &w->arena, &all, &n, NULL), CN_OK);
    assert_int_equal(n, 3);
    assert_string_equal(all[1].text, "other");
    const char *const ids[] = {ID_2};
    assert_int_equal(cn_catalog_annotations(c, ids, 1, &w->arena, &all, &n, NULL), CN_OK);
    assert_int_equal(n, 2);
    assert_int_equal(cn_catalog_unannotate_text(c, ID_1, CN_NOTE_STAR, "", NULL), CN_OK);
    assert_int_equal(cn_catalog_unannotate(c, star, NULL), CN_E_NOT_FOUND);
}

static void warnings_of_a_resumed_run_are_not_doubled(void **state)
{
    world *w = *state;
    cn_run *run = NULL;
    assert_int_equal(cn_run_begin(w->catalog, &run, NULL), CN_OK);
    int64_t id = make(w, run, 9, "");
    const cn_warning warning = {.kind = "crash",
                                .volume = "p2",
                                .path = "/var/log/x",
                                .parser = "syslog",
                                .offset = CN_NO_OFFSET,
                                .text = "signal 11"};
    const cn_fact fact = {
        .name = "hostname", .value = "web01", .volume = "p2", .path = "/etc/hostname"};
    for (int i = 0; i < 2; i++) {
        assert_int_equal(cn_catalog_warn(w->catalog, id, &warning, NULL), CN_OK);
        assert_int_equal(cn_catalog_add_fact(w->catalog, id, &fact, NULL), CN_OK);
    }
    cn_warning *warnings;
    cn_fact *facts;
    cn_count *kinds;
    size_t n;
    assert_int_equal(cn_catalog_warnings(w->catalog, id, 0, 9, &w->arena, &warnings, &n, NULL),
                     CN_OK);
    assert_int_equal(n, 1);
    assert_true(warnings[0].offset == CN_NO_OFFSET);
    assert_int_equal(cn_catalog_warning_kinds(w->catalog, id, &w->arena, &kinds, &n, NULL), CN_OK);
    assert_true(n == 1 && kinds[0].n == 1 && strcmp(kinds[0].name, "crash") == 0);
    assert_int_equal(cn_catalog_facts(w->catalog, id, &w->arena, &facts, &n, NULL), CN_OK);
    assert_true(n == 1 && strcmp(facts[0].value, "web01") == 0);
    run = cn_run_end(run);
}

static void a_folder_that_is_not_there(void **state)
{
    (void) state;
    cn_catalog *catalog = NULL;
    cn_err err = CN_ERR_INIT;
    assert_int_equal(cn_catalog_open("/nonexistent/x", CN_DB_READ, &catalog, &err), CN_E_NOT_FOUND);
    assert_null(catalog);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_second_run_takes_the_place_of_the_first),
        CASE(work_that_is_committed_is_known_to_the_next_run),
        CASE(what_dead_runs_leave_is_removed_and_the_rest_stays),
        CASE(annotations_are_kept_once),
        CASE(warnings_of_a_resumed_run_are_not_doubled),
        cmocka_unit_test(a_folder_that_is_not_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
