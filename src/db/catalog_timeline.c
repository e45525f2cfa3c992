/* Timelines: reading them, making one, ending it. */
#include "db/catalog_internal.h"

#include "base/text.h"
#include "base/timestamp.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

const char *cn_timeline_status_name(cn_timeline_status status)
{
    static const char *const names[] = {"making", "ready", "interrupted", "failed"};
    return names[status];
}

#define TIMELINE_COLUMNS                                                                           \
    "SELECT t.id, t.name, t.source, t.image, t.image_id, t.case_name, t.system_name, t.options,"   \
    " t.status, t.error, t.visible, t.run, t.started_ns, t.finished_ns, t.bytes_done,"             \
    " t.bytes_total, t.files_done, t.files_total, t.sha256,"                                       \
    " count(s.id), coalesce(sum(s.events), 0), coalesce(sum(s.bytes), 0), min(s.first_ns),"        \
    " max(s.last_ns),"                                                                             \
    " (SELECT count(*) FROM warnings w WHERE w.timeline = t.id)"                                   \
    " FROM timelines t LEFT JOIN segments s ON s.timeline = t.id"

/* Dead runs cannot say that they were interrupted: who reads sees it. */
static cn_timeline_status status_of(const cn_catalog *catalog, int64_t status, const char *run)
{
    if (status == CN_TIMELINE_MAKING && !cn_run_alive(catalog, run))
        return CN_TIMELINE_INTERRUPTED;
    return (cn_timeline_status) status;
}

static int read_timeline(const cn_catalog *catalog, const cn_rows *rows, cn_arena *arena,
                         cn_timeline *out, cn_err *err)
{
    const char *run = cn_catalog_text(arena, rows, 11);
    *out = (cn_timeline){
        .id = cn_rows_int(rows, 0),
        .name = cn_catalog_text(arena, rows, 1),
        .source = cn_catalog_text(arena, rows, 2),
        .image = cn_catalog_text(arena, rows, 3),
        .image_id = (uint64_t) cn_rows_int(rows, 4),
        .case_name = cn_catalog_text(arena, rows, 5),
        .system_name = cn_catalog_text(arena, rows, 6),
        .options = cn_catalog_text(arena, rows, 7),
        .error = cn_catalog_text(arena, rows, 9),
        .visible = cn_rows_int(rows, 10) != 0,
        .started_ns = cn_rows_int(rows, 12),
        .has_finished = !cn_rows_is_null(rows, 13),
        .finished_ns = cn_rows_int(rows, 13),
        .bytes_done = (uint64_t) cn_rows_int(rows, 14),
        .bytes_total = (uint64_t) cn_rows_int(rows, 15),
        .files_done = (uint64_t) cn_rows_int(rows, 16),
        .files_total = (uint64_t) cn_rows_int(rows, 17),
        .sha256 = cn_catalog_text(arena, rows, 18),
        .segments = (uint32_t) cn_rows_int(rows, 19),
        .events = (uint64_t) cn_rows_int(rows, 20),
        .bytes = (uint64_t) cn_rows_int(rows, 21),
        .has_times = !cn_rows_is_null(rows, 22),
        .first_ns = cn_rows_int(rows, 22),
        .last_ns = cn_rows_int(rows, 23),
        .warnings = (uint32_t) cn_rows_int(rows, 24),
    };
    if (!run || !out->name || !out->source || !out->image || !out->case_name || !out->system_name ||
        !out->options || !out->error || !out->sha256)
        return cn_catalog_no_memory(err);
    out->status = status_of(catalog, cn_rows_int(rows, 8), run);
    return CN_OK;
}

int cn_catalog_timelines(cn_catalog *catalog, cn_arena *arena, cn_timeline **out, size_t *out_n,
                         cn_err *err)
{
    CN_CLEANUP(cn_rows_end_p) cn_rows *rows = NULL;
    int r = cn_db_query(catalog->db, TIMELINE_COLUMNS " GROUP BY t.id ORDER BY t.id", NULL, 0,
                        &rows, err);
    void *list = NULL;
    size_t n = 0, capacity = 0;
    while (r >= 0 && (r = cn_rows_next(rows, err)) > 0) {
        cn_timeline *t = cn_catalog_row(arena, &list, &n, &capacity, sizeof *t);
        r = t ? read_timeline(catalog, rows, arena, t, err) : cn_catalog_no_memory(err);
    }
    if (r < 0)
        return r;
    *out = list;
    *out_n = n;
    return CN_OK;
}

int cn_catalog_timeline(cn_catalog *catalog, int64_t id, cn_arena *arena, cn_timeline *out,
                        cn_err *err)
{
    CN_CLEANUP(cn_rows_end_p) cn_rows *rows = NULL;
    int r = CN_DB_QUERY(catalog->db, &rows, err, TIMELINE_COLUMNS " WHERE t.id = ? GROUP BY t.id",
                        CN_DB_INT(id));
    if (r < 0 || (r = cn_rows_next(rows, err)) < 0)
        return r;
    if (r == 0)
        return cn_fail(err, CN_E_NOT_FOUND, CN_NO_OFFSET, "there is no timeline %lld",
                       (long long) id);
    return read_timeline(catalog, rows, arena, out, err);
}

int cn_catalog_timeline_by_name(cn_catalog *catalog, const char *name, int64_t *out, cn_err *err)
{
    CN_CLEANUP(cn_rows_end_p) cn_rows *rows = NULL;
    int r = CN_DB_QUERY(catalog->db, &rows, err,
                        "SELECT id FROM timelines WHERE name = ?1 OR CAST(id AS TEXT) = ?1"
                        " ORDER BY name = ?1 DESC LIMIT 1",
                        CN_DB_STR(name));
    if (r < 0 || (r = cn_rows_next(rows, err)) < 0)
        return r;
    if (r == 0)
        return cn_fail(err, CN_E_NOT_FOUND, CN_NO_OFFSET, "there is no timeline '%s'", name);
    *out = cn_rows_int(rows, 0);
    return CN_OK;
}

int cn_catalog_rename(cn_catalog *catalog, int64_t id, const char *name, cn_err *err)
{
    if (!*name)
        return cn_fail(err, CN_E_ARG, CN_NO_OFFSET, "a timeline needs a name");
    int64_t other = 0;
    if (cn_catalog_timeline_by_name(catalog, name, &other, NULL) == CN_OK && other != id)
        return cn_fail(err, CN_E_ARG, CN_NO_OFFSET, "the name '%s' is taken", name);
    int r = CN_DB_DO(catalog->db, err, "UPDATE timelines SET name = ? WHERE id = ?",
                     CN_DB_STR(name), CN_DB_INT(id));
    if (r >= 0 && cn_db_changes(catalog->db) == 0)
        return cn_fail(err, CN_E_NOT_FOUND, CN_NO_OFFSET, "there is no timeline %lld",
                       (long long) id);
    return r;
}

/* ---- removal: rows first, in one transaction; files after it, since a leftover file is harmless
 * ---- */

typedef struct doomed {
    cn_arena arena;
    void *paths; /* const char * each */
    size_t n, capacity;
} doomed;

static void doomed_free(doomed *d) { cn_arena_free(&d->arena); }

static int doom(cn_catalog *catalog, int64_t id, doomed *d, cn_err *err)
{
    CN_CLEANUP(cn_rows_end_p) cn_rows *rows = NULL;
    int r = CN_DB_QUERY(catalog->db, &rows, err, "SELECT path FROM segments WHERE timeline = ?",
                        CN_DB_INT(id));
    while (r >= 0 && (r = cn_rows_next(rows, err)) > 0) {
        const char **path = cn_catalog_row(&d->arena, &d->paths, &d->n, &d->capacity, sizeof *path);
        if (!path || !(*path = cn_catalog_text(&d->arena, rows, 0)))
            return cn_catalog_no_memory(err);
    }
    return r < 0 ? r
                 : CN_DB_DO(catalog->db, err, "DELETE FROM timelines WHERE id = ?", CN_DB_INT(id));
}

static void unlink_doomed(const cn_catalog *catalog, const doomed *d)
{
    for (size_t i = 0; i < d->n; i++) {
        const char *path = ((const char **) d->paths)[i];
        (void) unlinkat(catalog->folder_fd, path, 0);
        char folder[512];
        snprintf(folder, sizeof folder, "%s", path);
        char *slash = strrchr(folder, '/');
        if (slash) {
            *slash = '\0';
            (void) unlinkat(catalog->folder_fd, folder, AT_REMOVEDIR); /* when it is empty */
        }
    }
}

int cn_catalog_remove(cn_catalog *catalog, int64_t id, cn_err *err)
{
    CN_CLEANUP(doomed_free) doomed d = {.arena = cn_arena_of(CN_MIB(256))};
    int r = cn_db_begin(catalog->db, err);
    if (r >= 0 && (r = doom(catalog, id, &d, err)) >= 0 && cn_db_changes(catalog->db) == 0)
        r = cn_fail(err, CN_E_NOT_FOUND, CN_NO_OFFSET, "there is no timeline %lld", (long long) id);
    if (r >= 0)
        r = cn_db_commit(catalog->db, err);
    if (r < 0) {
        cn_db_rollback(catalog->db);
        return r;
    }
    unlink_doomed(catalog, &d);
    return CN_OK;
}

/* ---- making one ---- */

static int free_name(cn_catalog *catalog, const char *wished, cn_buf *out, cn_err *err)
{
    for (unsigned i = 1;; i++) {
        cn_buf_clear(out);
        cn_buf_str(out, wished);
        if (i > 1)
            cn_buf_printf(out, " (%u)", i);
        if (out->failed)
            return cn_catalog_no_memory(err);
        int64_t taken;
        int r = cn_catalog_timeline_by_name(catalog, cn_buf_cstr(out), &taken, err);
        if (r == CN_E_NOT_FOUND)
            return CN_OK;
        if (r < 0)
            return r;
    }
}

static int create(cn_catalog *catalog, const cn_timeline_new *what, int64_t *out_id, cn_err *err)
{
    CN_CLEANUP(cn_buf_free) cn_buf name = cn_buf_of(CN_KIB(64));
    int r = free_name(catalog, what->name, &name, err);
    if (r < 0)
        return r;
    r = CN_DB_DO(catalog->db, err,
                 "INSERT INTO timelines (name, source, image, image_id, case_name, system_name,"
                 " options, scope, status, visible, run, started_ns) VALUES"
                 " (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 0, NOT EXISTS (SELECT 1 FROM timelines WHERE"
                 " image_id = ?4 AND visible AND (?8 = '' OR scope = ?8)), ?9, ?10)",
                 CN_DB_TEXT(cn_buf_span(&name)), CN_DB_STR(what->source), CN_DB_STR(what->image),
                 CN_DB_INT(what->image_id), CN_DB_STR(what->case_name),
                 CN_DB_STR(what->system_name), CN_DB_STR(what->options), CN_DB_STR(what->scope),
                 CN_DB_STR(what->run), CN_DB_INT(cn_time_now()));
    if (r >= 0)
        *out_id = cn_db_last_id(catalog->db);
    return r;
}

int cn_catalog_create(cn_catalog *catalog, const cn_timeline_new *what, int64_t *out_id,
                      cn_err *err)
{
    int r = cn_db_begin(catalog->db, err);
    if (r >= 0 && (r = create(catalog, what, out_id, err)) >= 0)
        r = cn_db_commit(catalog->db, err);
    if (r < 0)
        cn_db_rollback(catalog->db);
    return r;
}

int cn_catalog_find(cn_catalog *catalog, uint64_t image_id, const char *options, int64_t *out_id,
                    cn_timeline_status *out_status, cn_err *err)
{
    CN_CLEANUP(cn_rows_end_p) cn_rows *rows = NULL;
    CN_CLEANUP(cn_arena_free) cn_arena arena = cn_arena_of(CN_MIB(16));
    int r = CN_DB_QUERY(catalog->db, &rows, err,
                        "SELECT id, status, run FROM timelines WHERE image_id = ? AND options = ?"
                        " ORDER BY status = 1, id DESC",
                        CN_DB_INT(image_id), CN_DB_STR(options));
    *out_id = 0;
    while (r >= 0 && (r = cn_rows_next(rows, err)) > 0) {
        const char *run = cn_catalog_text(&arena, rows, 2);
        if (!run)
            return cn_catalog_no_memory(err);
        cn_timeline_status status = status_of(catalog, cn_rows_int(rows, 1), run);
        if (*out_id && (*out_status != CN_TIMELINE_MAKING || status == CN_TIMELINE_MAKING))
            continue;
        *out_id = cn_rows_int(rows, 0);
        *out_status = status;
    }
    return r;
}

int cn_catalog_take_over(cn_catalog *catalog, int64_t id, const char *run, cn_err *err)
{
    CN_CLEANUP(cn_arena_free) cn_arena arena = cn_arena_of(CN_MIB(1));
    int r = cn_db_begin(catalog->db, err);
    cn_timeline t;
    if (r >= 0 && (r = cn_catalog_timeline(catalog, id, &arena, &t, err)) >= 0 &&
        t.status == CN_TIMELINE_MAKING)
        r = cn_fail(err, CN_E_LOCKED, CN_NO_OFFSET, "another process is making timeline %lld (%s)",
                    (long long) id, t.name);
    if (r >= 0)
        r = CN_DB_DO(catalog->db, err,
                     "UPDATE timelines SET status = 0, error = '', finished_ns = NULL, run = ?"
                     " WHERE id = ?",
                     CN_DB_STR(run), CN_DB_INT(id));
    if (r >= 0)
        r = cn_db_commit(catalog->db, err);
    if (r < 0)
        cn_db_rollback(catalog->db);
    return r;
}

int cn_catalog_progress(cn_catalog *catalog, int64_t id, uint64_t bytes_done, uint64_t bytes_total,
                        uint64_t files_done, uint64_t files_total, cn_err *err)
{
    return CN_DB_DO(catalog->db, err,
                    "UPDATE timelines SET bytes_done = ?, bytes_total = ?, files_done = ?,"
                    " files_total = ? WHERE id = ?",
                    CN_DB_INT(bytes_done), CN_DB_INT(bytes_total), CN_DB_INT(files_done),
                    CN_DB_INT(files_total), CN_DB_INT(id));
}

int cn_catalog_set_sha256(cn_catalog *catalog, int64_t id, const char *hex, cn_err *err)
{
    return CN_DB_DO(catalog->db, err, "UPDATE timelines SET sha256 = ? WHERE id = ?",
                    CN_DB_STR(hex), CN_DB_INT(id));
}

/* A name without the number that free_name() has put behind it. */
static cn_span without_number(const char *name)
{
    cn_span s = cn_span_str(name);
    size_t at = s.len;
    if (at < 4 || s.p[--at] != ')')
        return s;
    while (at && cn_is_digit(s.p[at - 1]))
        at--;
    bool numbered = at > 2 && at < s.len - 1 && s.p[at - 1] == '(' && s.p[at - 2] == ' ';
    return numbered ? cn_span_sub(s, 0, at - 2) : s;
}

/* "web01 (2)" becomes "web01" when it takes the place of that. */
static int take_name(cn_catalog *catalog, int64_t id, int64_t old, cn_err *err)
{
    CN_CLEANUP(cn_arena_free) cn_arena arena = cn_arena_of(CN_MIB(1));
    cn_timeline was, is;
    int r = cn_catalog_timeline(catalog, old, &arena, &was, err);
    if (r < 0 || (r = cn_catalog_timeline(catalog, id, &arena, &is, err)) < 0)
        return r;
    if (!cn_span_eq(without_number(is.name), without_number(was.name)))
        return CN_OK;
    r = CN_DB_DO(catalog->db, err,
                 "UPDATE timelines SET name = name || ' (replaced ' || id || ')' WHERE id = ?",
                 CN_DB_INT(old));
    return r < 0 ? r
                 : CN_DB_DO(catalog->db, err, "UPDATE timelines SET name = ? WHERE id = ?",
                            CN_DB_STR(was.name), CN_DB_INT(id));
}

/* Removes the timelines whose place `id` takes. */
static int replace_earlier(cn_catalog *catalog, int64_t id, doomed *d, cn_err *err)
{
    CN_CLEANUP(cn_rows_end_p) cn_rows *rows = NULL;
    CN_CLEANUP(cn_arena_free) cn_arena arena = cn_arena_of(CN_MIB(16));
    void *list = NULL;
    size_t n = 0, capacity = 0;
    int r = CN_DB_QUERY(catalog->db, &rows, err,
                        "SELECT o.id, o.status, o.run FROM timelines o, timelines t"
                        " WHERE t.id = ? AND o.id <> t.id AND o.image_id = t.image_id"
                        " AND (t.scope = '' OR o.scope = t.scope) ORDER BY o.id",
                        CN_DB_INT(id));
    while (r >= 0 && (r = cn_rows_next(rows, err)) > 0) {
        const char *run = cn_catalog_text(&arena, rows, 2);
        int64_t *old = cn_catalog_row(&arena, &list, &n, &capacity, sizeof *old);
        if (!run || !old)
            return cn_catalog_no_memory(err);
        *old = cn_rows_int(rows, 0);
        if (status_of(catalog, cn_rows_int(rows, 1), run) == CN_TIMELINE_MAKING)
            n--;
    }
    for (size_t i = 0; r >= 0 && i < n; i++) {
        const int64_t *old = (const int64_t *) list + i;
        r = i == 0 ? take_name(catalog, id, *old, err) : CN_OK; /* of the oldest */
        if (r >= 0)
            r = doom(catalog, *old, d, err);
    }
    if (r >= 0)
        r = CN_DB_DO(catalog->db, err, "DELETE FROM work WHERE timeline = ?", CN_DB_INT(id));
    return r >= 0 ? CN_DB_DO(catalog->db, err, "UPDATE timelines SET visible = 1 WHERE id = ?",
                             CN_DB_INT(id))
                  : r;
}

int cn_catalog_finish(cn_catalog *catalog, int64_t id, cn_timeline_status status, const char *error,
                      cn_err *err)
{
    CN_CLEANUP(doomed_free) doomed d = {.arena = cn_arena_of(CN_MIB(256))};
    int r = cn_db_begin(catalog->db, err);
    if (r >= 0)
        r = CN_DB_DO(catalog->db, err,
                     "UPDATE timelines SET status = ?, error = ?, finished_ns = ? WHERE id = ?",
                     CN_DB_INT(status), CN_DB_STR(error ? error : ""), CN_DB_INT(cn_time_now()),
                     CN_DB_INT(id));
    if (r >= 0 && status == CN_TIMELINE_READY)
        r = replace_earlier(catalog, id, &d, err);
    if (r >= 0)
        r = cn_db_commit(catalog->db, err);
    if (r < 0) {
        cn_db_rollback(catalog->db);
        return r;
    }
    unlink_doomed(catalog, &d);
    return CN_OK;
}
