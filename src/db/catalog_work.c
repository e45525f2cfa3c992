/* Segments, and how far the work items have come: the commit point of a run. */
#include "db/catalog_internal.h"

#include <stdio.h>

int cn_catalog_work(cn_catalog *catalog, int64_t timeline, cn_arena *arena, cn_work_item **out,
                    size_t *out_n, cn_err *err)
{
    CN_CLEANUP(cn_rows_end_p) cn_rows *rows = NULL;
    int r = CN_DB_QUERY(catalog->db, &rows, err,
                        "SELECT key, events, done FROM work WHERE timeline = ?"
                        " ORDER BY key < 0, key", /* as unsigned numbers */
                        CN_DB_INT(timeline));
    void *list = NULL;
    size_t n = 0, capacity = 0;
    while (r >= 0 && (r = cn_rows_next(rows, err)) > 0) {
        cn_work_item *item = cn_catalog_row(arena, &list, &n, &capacity, sizeof *item);
        if (!item)
            return cn_catalog_no_memory(err);
        *item = (cn_work_item){.key = (uint64_t) cn_rows_int(rows, 0),
                               .events = (uint64_t) cn_rows_int(rows, 1),
                               .done = cn_rows_int(rows, 2) != 0};
    }
    if (r < 0)
        return r;
    *out = list;
    *out_n = n;
    return CN_OK;
}

static int enter(cn_catalog *catalog, const cn_segment_row *s, const cn_work_item *items, size_t n,
                 cn_err *err)
{
    int r = CN_OK;
    if (s->path)
        r = CN_DB_DO(catalog->db, err,
                     "INSERT INTO segments (timeline, path, events, bytes, checksum, first_ns,"
                     " last_ns) VALUES (?, ?, ?, ?, ?, ?, ?)",
                     CN_DB_INT(s->timeline), CN_DB_STR(s->path), CN_DB_INT(s->events),
                     CN_DB_INT(s->bytes), CN_DB_INT(s->checksum),
                     CN_DB_OPT_INT(s->has_times, s->first_ns),
                     CN_DB_OPT_INT(s->has_times, s->last_ns));
    for (size_t i = 0; i < n && r >= 0; i++)
        r = CN_DB_DO(catalog->db, err,
                     "INSERT INTO work (timeline, key, events, done) VALUES (?, ?, ?, ?)"
                     " ON CONFLICT (timeline, key) DO UPDATE SET"
                     " events = max(events, excluded.events), done = max(done, excluded.done)",
                     CN_DB_INT(s->timeline), CN_DB_INT(items[i].key), CN_DB_INT(items[i].events),
                     CN_DB_INT(items[i].done));
    return r;
}

int cn_catalog_commit(cn_catalog *catalog, const cn_segment_row *segment, const cn_work_item *items,
                      size_t n_items, cn_err *err)
{
    int r = cn_db_begin(catalog->db, err);
    if (r >= 0 && (r = enter(catalog, segment, items, n_items, err)) >= 0)
        r = cn_db_commit(catalog->db, err);
    if (r < 0)
        cn_db_rollback(catalog->db);
    return r;
}

int cn_catalog_segments(cn_catalog *catalog, int64_t timeline, cn_arena *arena,
                        cn_segment_row **out, size_t *out_n, cn_err *err)
{
    CN_CLEANUP(cn_rows_end_p) cn_rows *rows = NULL;
    int r = CN_DB_QUERY(catalog->db, &rows, err,
                        "SELECT s.id, s.timeline, s.path, s.events, s.bytes, s.checksum,"
                        " s.first_ns, s.last_ns FROM segments s JOIN timelines t"
                        " ON t.id = s.timeline WHERE s.timeline = ?1 OR (?1 = 0 AND t.visible)"
                        " ORDER BY s.id",
                        CN_DB_INT(timeline));
    void *list = NULL;
    size_t n = 0, capacity = 0;
    while (r >= 0 && (r = cn_rows_next(rows, err)) > 0) {
        cn_segment_row *s = cn_catalog_row(arena, &list, &n, &capacity, sizeof *s);
        if (!s)
            return cn_catalog_no_memory(err);
        cn_span path = cn_rows_text(rows, 2);
        *s = (cn_segment_row){
            .id = cn_rows_int(rows, 0),
            .timeline = cn_rows_int(rows, 1),
            .path = cn_arena_printf(arena, "%s/%.*s", catalog->folder, (int) path.len, path.p),
            .events = (uint64_t) cn_rows_int(rows, 3),
            .bytes = (uint64_t) cn_rows_int(rows, 4),
            .checksum = (uint64_t) cn_rows_int(rows, 5),
            .has_times = !cn_rows_is_null(rows, 6),
            .first_ns = cn_rows_int(rows, 6),
            .last_ns = cn_rows_int(rows, 7),
        };
        if (!s->path)
            return cn_catalog_no_memory(err);
    }
    if (r < 0)
        return r;
    *out = list;
    *out_n = n;
    return CN_OK;
}
