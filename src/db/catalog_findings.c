/* Warnings about evidence, and facts about its machine. */
#include "db/catalog_internal.h"

int cn_catalog_warn(cn_catalog *catalog, int64_t timeline, const cn_warning *w, cn_err *err)
{
    return CN_DB_DO(catalog->db, err,
                    "INSERT OR IGNORE INTO warnings (timeline, kind, volume, path, parser, inode,"
                    " offset, text) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                    CN_DB_INT(timeline), CN_DB_STR(w->kind), CN_DB_STR(w->volume),
                    CN_DB_STR(w->path), CN_DB_STR(w->parser), CN_DB_INT(w->inode),
                    CN_DB_INT(w->offset), CN_DB_STR(w->text));
}

int cn_catalog_warnings(cn_catalog *catalog, int64_t timeline, int64_t after, size_t limit,
                        cn_arena *arena, cn_warning **out, size_t *out_n, cn_err *err)
{
    CN_CLEANUP(cn_rows_end_p) cn_rows *rows = NULL;
    int r = CN_DB_QUERY(catalog->db, &rows, err,
                        "SELECT id, kind, volume, path, parser, inode, offset, text FROM warnings"
                        " WHERE timeline = ? AND id > ? ORDER BY id LIMIT ?",
                        CN_DB_INT(timeline), CN_DB_INT(after),
                        CN_DB_INT(CN_MIN(limit, (size_t) INT64_MAX)));
    void *list = NULL;
    size_t n = 0, capacity = 0;
    while (r >= 0 && (r = cn_rows_next(rows, err)) > 0) {
        cn_warning *w = cn_catalog_row(arena, &list, &n, &capacity, sizeof *w);
        if (!w)
            return cn_catalog_no_memory(err);
        *w = (cn_warning){
            .id = cn_rows_int(rows, 0),
            .kind = cn_catalog_text(arena, rows, 1),
            .volume = cn_catalog_text(arena, rows, 2),
            .path = cn_catalog_text(arena, rows, 3),
            .parser = cn_catalog_text(arena, rows, 4),
            .inode = (uint64_t) cn_rows_int(rows, 5),
            .offset = (uint64_t) cn_rows_int(rows, 6),
            .text = cn_catalog_text(arena, rows, 7),
        };
        if (!w->kind || !w->volume || !w->path || !w->parser || !w->text)
            return cn_catalog_no_memory(err);
    }
    if (r < 0)
        return r;
    *out = list;
    *out_n = n;
    return CN_OK;
}

static int counts(cn_rows *rows, cn_arena *arena, cn_count **out, size_t *out_n, cn_err *err)
{
    void *list = NULL;
    size_t n = 0, capacity = 0;
    int r;
    while ((r = cn_rows_next(rows, err)) > 0) {
        cn_count *c = cn_catalog_row(arena, &list, &n, &capacity, sizeof *c);
        if (!c || !(c->name = cn_catalog_text(arena, rows, 0)))
            return cn_catalog_no_memory(err);
        c->n = (uint64_t) cn_rows_int(rows, 1);
    }
    if (r < 0)
        return r;
    *out = list;
    *out_n = n;
    return CN_OK;
}

int cn_catalog_warning_kinds(cn_catalog *catalog, int64_t timeline, cn_arena *arena, cn_count **out,
                             size_t *out_n, cn_err *err)
{
    CN_CLEANUP(cn_rows_end_p) cn_rows *rows = NULL;
    int r = CN_DB_QUERY(catalog->db, &rows, err,
                        "SELECT kind, count(*) AS n FROM warnings WHERE timeline = ?"
                        " GROUP BY kind ORDER BY n DESC, kind",
                        CN_DB_INT(timeline));
    return r < 0 ? r : counts(rows, arena, out, out_n, err);
}

int cn_catalog_annotation_texts(cn_catalog *catalog, cn_annotation_kind kind, cn_arena *arena,
                                cn_count **out, size_t *out_n, cn_err *err)
{
    CN_CLEANUP(cn_rows_end_p) cn_rows *rows = NULL;
    int r = CN_DB_QUERY(catalog->db, &rows, err,
                        "SELECT text, count(*) AS n FROM annotations WHERE kind = ?"
                        " GROUP BY text ORDER BY n DESC, text",
                        CN_DB_INT(kind));
    return r < 0 ? r : counts(rows, arena, out, out_n, err);
}

int cn_catalog_add_fact(cn_catalog *catalog, int64_t timeline, const cn_fact *fact, cn_err *err)
{
    return CN_DB_DO(catalog->db, err,
                    "INSERT OR IGNORE INTO facts (timeline, name, value, volume, path, inode)"
                    " VALUES (?, ?, ?, ?, ?, ?)",
                    CN_DB_INT(timeline), CN_DB_STR(fact->name), CN_DB_STR(fact->value),
                    CN_DB_STR(fact->volume), CN_DB_STR(fact->path), CN_DB_INT(fact->inode));
}

int cn_catalog_facts(cn_catalog *catalog, int64_t timeline, cn_arena *arena, cn_fact **out,
                     size_t *out_n, cn_err *err)
{
    CN_CLEANUP(cn_rows_end_p) cn_rows *rows = NULL;
    int r = CN_DB_QUERY(catalog->db, &rows, err,
                        "SELECT name, value, volume, path, inode FROM facts WHERE timeline = ?"
                        " ORDER BY id",
                        CN_DB_INT(timeline));
    void *list = NULL;
    size_t n = 0, capacity = 0;
    while (r >= 0 && (r = cn_rows_next(rows, err)) > 0) {
        cn_fact *f = cn_catalog_row(arena, &list, &n, &capacity, sizeof *f);
        if (!f)
            return cn_catalog_no_memory(err);
        *f = (cn_fact){
            .name = cn_catalog_text(arena, rows, 0),
            .value = cn_catalog_text(arena, rows, 1),
            .volume = cn_catalog_text(arena, rows, 2),
            .path = cn_catalog_text(arena, rows, 3),
            .inode = (uint64_t) cn_rows_int(rows, 4),
        };
        if (!f->name || !f->value || !f->volume || !f->path)
            return cn_catalog_no_memory(err);
    }
    if (r < 0)
        return r;
    *out = list;
    *out_n = n;
    return CN_OK;
}
