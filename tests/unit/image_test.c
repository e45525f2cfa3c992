/* Sources, the names of split images, and the one libbfio that all libraries must share. */
#include "img/image.h"
#include "img/parts.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

/* libewf, libqcow and libvhdi call functions that libbfio.so lacks, on handles that libbfio_handle_initialize() made: both
 * must come from one library, or the handles are of two shapes. */
static void one_libbfio_serves_all(void **state)
{
    (void) state;
    /* Uses the readers, so that the libraries are linked at all. */
    int (*volatile open_image)(const cn_files *, cn_src **, cn_err *) = cn_image_open;
    assert_non_null(open_image);
    Dl_info a, b;
    void *make = dlsym(RTLD_DEFAULT, "libbfio_handle_initialize"),
         *use = dlsym(RTLD_DEFAULT, "libbfio_handle_read_buffer_at_offset");
    assert_non_null(make);
    assert_non_null(use);
    assert_true(dladdr(make, &a) && dladdr(use, &b));
    assert_string_equal(a.dli_fname, b.dli_fname);
}

static void window_keeps_inside(void **state)
{
    (void) state;
    cn_src *m = cn_src_memory(CN_SPAN_LIT("0123456789"));
    cn_src *w = cn_src_window(m, 3, 100), *none = cn_src_window(m, 50, 1);
    char out[10];
    size_t n;
    cn_err err = CN_ERR_INIT;
    assert_int_equal(w->size, 7);
    assert_int_equal(none->size, 0);
    assert_int_equal(cn_src_read(w, 2, out, 3, &err), CN_OK);
    assert_memory_equal(out, "567", 3);
    assert_int_equal(cn_src_read(w, 5, out, 3, &err), CN_E_TRUNCATED);
    assert_int_equal(cn_src_read(w, UINT64_MAX, out, 3, &err), CN_E_TRUNCATED);
    assert_int_equal(cn_src_read_some(w, 5, out, 10, &n, &err), CN_OK);
    assert_int_equal(n, 2);
    assert_int_equal(cn_src_read_some(w, UINT64_MAX, out, 10, &n, &err), CN_OK);
    assert_int_equal(n, 0);
    assert_int_equal(cn_src_next_data(w, 3), 3);
    assert_int_equal(cn_src_next_data(w, 30), 7);
    cn_src_close(none);
    cn_src_close(w);
    cn_src_close(m);
}

static char folder[] = "/tmp/cairn-parts-XXXXXX";

static void touch(const char *name)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    int fd = open(path, O_CREAT | O_WRONLY | O_TRUNC, 0600);
    assert_true(fd >= 0);
    close(fd);
}

static void check_parts(const char *first, size_t n, const char *last, const char *missing)
{
    char path[256];
    cn_parts parts = {0};
    cn_err err = CN_ERR_INIT;
    snprintf(path, sizeof path, "%s/%s", folder, first);
    assert_int_equal(cn_parts_find(path, &parts, &err), CN_OK);
    assert_int_equal(parts.n, n);
    assert_string_equal(strrchr(parts.paths[n - 1], '/') + 1, last);
    if (missing)
        assert_string_equal(strrchr(parts.missing, '/') + 1, missing);
    else
        assert_null(parts.missing);
    cn_parts_free(&parts);
}

static void parts_are_counted(void **state)
{
    (void) state;
    assert_non_null(mkdtemp(folder));
    const char *names[] = {"a.001", "a.002",  "a.003",  "a.005", "ab.002", "b.000", "b.001",
                           "c.aa",  "c.ab",   "d.raw",  "f.1",   "f.2",    "g.E01", "g.E02",
                           "g.e03", "h.Ex01", "h.Ex02", "i.s01", "i.s02"};
    for (size_t i = 0; i < CN_LEN(names); i++)
        touch(names[i]);
    check_parts("a.001", 3, "a.003", "a.004");
    check_parts("a.002", 1, "a.002", NULL);
    check_parts("b.000", 2, "b.001", NULL);
    check_parts("b.001", 1, "b.001", NULL);
    check_parts("c.aa", 2, "c.ab", NULL);
    check_parts("d.raw", 1, "d.raw", NULL);
    check_parts("f.1", 1, "f.1", NULL);
    check_parts("g.E01", 2, "g.E02", NULL);
    check_parts("h.Ex01", 2, "h.Ex02", NULL);
    check_parts("i.s01", 2, "i.s02", NULL);
    /* E01 to E99, EAA to EZZ, FAA ... */
    char name[32];
    for (int i = 1; i < 100; i++) {
        snprintf(name, sizeof name, "long.E%02d", i);
        touch(name);
    }
    for (int i = 0; i < 676 + 3; i++) {
        snprintf(name, sizeof name, "long.%c%c%c", 'E' + i / 676, 'A' + i / 26 % 26, 'A' + i % 26);
        touch(name);
    }
    check_parts("long.E01", 99 + 676 + 3, "long.FAC", NULL);
    snprintf(name, sizeof name, "%s/long.EBZ", folder);
    char path[64];
    snprintf(path, sizeof path, "%s/long.EBZ", folder);
    assert_int_equal(unlink(path), 0);
    check_parts("long.E01", 99 + 51, "long.EBY", "long.EBZ");
    char command[64];
    snprintf(command, sizeof command, "rm -r %s", folder);
    assert_int_equal(system(command), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_libbfio_serves_all),
        cmocka_unit_test(window_keeps_inside),
        cmocka_unit_test(parts_are_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
