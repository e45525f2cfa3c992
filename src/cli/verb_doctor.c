/* cairn doctor: whether the sandbox holds here, and whether the data folder is whole. */
#include "cli/verb.h"

#include "cli/options.h"
#include "db/catalog.h"
#include "job/sandbox.h"
#include "parse/parser.h"
#include "store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <seccomp.h>
#include <sqlite3.h>
#include <stdio.h>
#include <sys/statvfs.h>
#include <sys/utsname.h>
#include <unistd.h>
#include <zstd.h>

typedef struct doctor {
    unsigned problems;
} doctor;

static void print_versions(void)
{
    struct utsname u;
    printf("cairn        %s, %zu parsers and filestat\n", CN_VERSION, cn_parsers_count);
    if (uname(&u) == 0)
        printf("kernel       %s %s %s\n", u.sysname, u.release, u.machine);
    const struct scmp_version *s = seccomp_version();
    printf("libraries    SQLite %s, zstd %s, libseccomp %u.%u.%u\n", sqlite3_libversion(),
           ZSTD_versionString(), s ? s->major : 0, s ? s->minor : 0, s ? s->micro : 0);
}

static void print_sandbox(doctor *d)
{
    cn_sandbox_report report;
    cn_err err = CN_ERR_INIT;
    if (cn_sandbox_try(&report, &err) < 0) {
        printf("sandbox      %s\n", err.text);
        d->problems++;
        return;
    }
    for (int i = 0; i < CN_SANDBOX_LAYERS; i++) {
        const char *name = cn_sandbox_layer_name((cn_sandbox_layer) i);
        printf("%-12s %-13s ", i ? "" : "sandbox", name);
        if (report.holds[i] && i == CN_SANDBOX_LANDLOCK)
            printf("holds (ABI %d)\n", report.landlock_abi);
        else if (report.holds[i])
            printf("holds\n");
        else if (report.refused[i] == ENOSYS && i == CN_SANDBOX_LANDLOCK)
            printf("not in this kernel; seccomp closes the file system all the same, except for "
                   "folders as evidence\n");
        else
            printf("REFUSED: %s; cairn process needs --sandbox=best-effort\n",
                   strerror(report.refused[i]));
        d->problems += !report.holds[i] && report.refused[i] != ENOSYS;
    }
}

static void check_segment(doctor *d, const cn_segment_row *row)
{
    cn_err err = CN_ERR_INIT;
    cn_segment_summary is = {0};
    int fd = open(row->path, O_RDONLY | O_CLOEXEC);
    int r = fd < 0 ? cn_fail_errno(&err, "it cannot be opened") : cn_segment_check(fd, &is, &err);
    if (r >= 0 && (is.checksum != row->checksum || is.events != row->events))
        r = cn_fail(&err, CN_E_CORRUPT, CN_NO_OFFSET, "it is not the file that was committed");
    if (fd >= 0)
        close(fd);
    if (r >= 0)
        return;
    printf("             DAMAGED %s: %s\n", row->path, err.text);
    d->problems++;
}

static void check_timeline(doctor *d, cn_catalog *catalog, const cn_timeline *t)
{
    CN_CLEANUP(cn_arena_free) cn_arena arena = cn_arena_of(CN_MIB(256));
    cn_segment_row *rows = NULL;
    size_t n = 0;
    unsigned before = d->problems;
    cn_err err = CN_ERR_INIT;
    printf("timeline %-3" PRId64 " %s: %s, %" PRIu64 " events in %u segments, %.1f MB\n", t->id,
           t->name, cn_timeline_status_name(t->status), t->events, t->segments,
           (double) t->bytes / 1e6);
    if (*t->error)
        printf("             %s\n", t->error);
    if (cn_catalog_segments(catalog, t->id, &arena, &rows, &n, &err) < 0) {
        printf("             %s\n", err.text);
        d->problems++;
    }
    for (size_t i = 0; i < n; i++)
        check_segment(d, &rows[i]);
    if (n && d->problems == before)
        printf("             all segments agree with their checksums\n");
}

static void check_database(doctor *d, cn_catalog *catalog)
{
    CN_CLEANUP(cn_rows_end_p) cn_rows *rows = NULL;
    cn_err err = CN_ERR_INIT;
    int r = cn_db_query(cn_catalog_db(catalog), "PRAGMA integrity_check", NULL, 0, &rows, &err);
    while (r >= 0 && (r = cn_rows_next(rows, &err)) > 0) {
        cn_span text = cn_rows_text(rows, 0);
        if (!cn_span_is(text, "ok")) {
            printf("             cairn.db: %.*s\n", (int) text.len, text.p);
            d->problems++;
        }
    }
    if (r < 0) {
        printf("             %s\n", err.text);
        d->problems++;
    }
}

static void check_folder(doctor *d, const char *folder)
{
    CN_CLEANUP(cn_catalog_close_p) cn_catalog *catalog = NULL;
    CN_CLEANUP(cn_arena_free) cn_arena arena = cn_arena_of(CN_MIB(256));
    cn_err err = CN_ERR_INIT;
    cn_timeline *timelines = NULL;
    size_t n = 0;
    struct statvfs fs;
    int r = cn_catalog_open(folder, CN_DB_READ, &catalog, &err);
    if (r == CN_E_NOT_FOUND) {
        printf("data folder  %s: not there yet\n", folder);
        return;
    }
    printf("data folder  %s", folder);
    if (statvfs(folder, &fs) == 0)
        printf(", %.1f GB free", (double) fs.f_bavail * (double) fs.f_frsize / 1e9);
    printf("\n");
    if (r >= 0)
        r = cn_catalog_timelines(catalog, &arena, &timelines, &n, &err);
    if (r < 0) {
        printf("             %s\n", err.text);
        d->problems++;
        return;
    }
    check_database(d, catalog);
    for (size_t i = 0; i < n; i++)
        check_timeline(d, catalog, &timelines[i]);
}

int cn_verb_doctor(int argc, char **argv)
{
    CN_CLEANUP(cn_buf_free) cn_buf folder = cn_buf_of(CN_KIB(4));
    cn_args args = cn_args_of(argc, argv);
    const char *data = NULL;
    cn_err err = CN_ERR_INIT;
    while (cn_args_next(&args, &err) > 0) {
        if (args.positional)
            return cn_verb_usage("doctor", "it takes no '%.60s'", args.positional);
        if (!cn_args_text(&args, "--data", &data))
            return cn_args_unknown(&args, &err), cn_verb_failed(&err);
        if (args.failed)
            return cn_args_failed(&args, &err), cn_verb_failed(&err);
    }
    if (cn_data_folder(data, &folder, &err) < 0)
        return cn_verb_failed(&err);
    doctor d = {0};
    print_versions();
    print_sandbox(&d);
    check_folder(&d, cn_buf_cstr(&folder));
    if (d.problems == 0)
        return printf("all is well\n"), CN_EXIT_OK;
    printf("%u problem%s\n", d.problems, d.problems == 1 ? "" : "s");
    return CN_EXIT_FAILED;
}
