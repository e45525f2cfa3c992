/* Annotations: stars, tags, labels and comments of events. */
#include "db/catalog_internal.h"

#include "base/text.h"
#include "base/timestamp.h"

#define TEXT_MAX CN_KIB(64)
#define ID_TEXT  40u

static int check_id(const char *event_id, cn_err *err)
{
    size_t n = strspn(event_id, "0123456789abcdef");
    if (n != ID_TEXT || event_id[n] != '\0')
        return cn_fail(err, CN_E_ARG, CN_NO_OFFSET, "'%.60s' is no event id", event_id);
    return CN_OK;
}

static int check_text(cn_annotation_kind kind, const char *text, cn_err *err)
{
    cn_span s = cn_span_str(text);
    if (kind == CN_NOTE_STAR ? s.len != 0 : cn_text_trim(s).len == 0)
        return cn_fail(err, CN_E_ARG, CN_NO_OFFSET, "%s",
                       kind == CN_NOTE_STAR ? "a star has no text" : "the text is empty");
    if (s.len > TEXT_MAX || !cn_text_is_utf8(s))
        return cn_fail(err, CN_E_ARG, CN_NO_OFFSET, "the text is %s",
                       s.len > TEXT_MAX ? "longer than 64 KiB" : "no UTF-8");
    return CN_OK;
}

static int find(cn_catalog *catalog, const char *event_id, cn_annotation_kind kind,
                const char *text, int64_t *out_id, cn_err *err)
{
    CN_CLEANUP(cn_rows_end_p) cn_rows *rows = NULL;
    int r = CN_DB_QUERY(catalog->db, &rows, err,
                        "SELECT id FROM annotations WHERE event_id = ? AND kind = ? AND text = ?",
                        CN_DB_STR(event_id), CN_DB_INT(kind), CN_DB_STR(text));
    if (r < 0 || (r = cn_rows_next(rows, err)) < 0)
        return r;
    if (r == 0)
        return cn_fail(err, CN_E_NOT_FOUND, CN_NO_OFFSET, "event %s has no such annotation",
                       event_id);
    *out_id = cn_rows_int(rows, 0);
    return CN_OK;
}

int cn_catalog_annotate(cn_catalog *catalog, const char *event_id, cn_annotation_kind kind,
                        const char *text, const char *author, int64_t *out_id, cn_err *err)
{
    int r = check_id(event_id, err);
    if (r < 0 || (r = check_text(kind, text, err)) < 0)
        return r;
    r = CN_DB_DO(catalog->db, err,
                 "INSERT OR IGNORE INTO annotations (event_id, kind, text, author, created_ns)"
                 " VALUES (?, ?, ?, ?, ?)",
                 CN_DB_STR(event_id), CN_DB_INT(kind), CN_DB_STR(text),
                 CN_DB_STR(author ? author : ""), CN_DB_INT(cn_time_now()));
    if (r < 0)
        return r;
    if (cn_db_changes(catalog->db) == 0)
        return find(catalog, event_id, kind, text, out_id, err);
    *out_id = cn_db_last_id(catalog->db);
    return CN_OK;
}

static int changed_one(cn_catalog *catalog, int64_t id, int r, cn_err *err)
{
    if (r >= 0 && cn_db_changes(catalog->db) == 0)
        return cn_fail(err, CN_E_NOT_FOUND, CN_NO_OFFSET, "there is no annotation %lld",
                       (long long) id);
    return r;
}

int cn_catalog_unannotate(cn_catalog *catalog, int64_t id, cn_err *err)
{
    int r = CN_DB_DO(catalog->db, err, "DELETE FROM annotations WHERE id = ?", CN_DB_INT(id));
    return changed_one(catalog, id, r, err);
}

int cn_catalog_unannotate_text(cn_catalog *catalog, const char *event_id, cn_annotation_kind kind,
                               const char *text, cn_err *err)
{
    int64_t id = 0;
    int r = find(catalog, event_id, kind, text, &id, err);
    return r < 0 ? r : cn_catalog_unannotate(catalog, id, err);
}

int cn_catalog_reword(cn_catalog *catalog, int64_t id, const char *text, cn_err *err)
{
    int r = check_text(CN_NOTE_COMMENT, text, err);
    if (r < 0)
        return r;
    r = CN_DB_DO(catalog->db, err, "UPDATE annotations SET text = ? WHERE id = ? AND kind = ?",
                 CN_DB_STR(text), CN_DB_INT(id), CN_DB_INT(CN_NOTE_COMMENT));
    return changed_one(catalog, id, r, err);
}

typedef struct list {
    void *rows;
    size_t n, capacity;
} list;

static int read_all(cn_rows *rows, cn_arena *arena, list *l, cn_err *err)
{
    int r;
    while ((r = cn_rows_next(rows, err)) > 0) {
        cn_annotation *a = cn_catalog_row(arena, &l->rows, &l->n, &l->capacity, sizeof *a);
        if (!a)
            return cn_catalog_no_memory(err);
        *a = (cn_annotation){
            .id = cn_rows_int(rows, 0),
            .event_id = cn_catalog_text(arena, rows, 1),
            .kind = (cn_annotation_kind) cn_rows_int(rows, 2),
            .text = cn_catalog_text(arena, rows, 3),
            .author = cn_catalog_text(arena, rows, 4),
            .created_ns = cn_rows_int(rows, 5),
        };
        if (!a->event_id || !a->text || !a->author)
            return cn_catalog_no_memory(err);
    }
    return r;
}

int cn_catalog_annotations(cn_catalog *catalog, const char *const *event_ids, size_t n,
                           cn_arena *arena, cn_annotation **out, size_t *out_n, cn_err *err)
{
    list l = {0};
    for (size_t i = 0; i < n; i++) {
        CN_CLEANUP(cn_rows_end_p) cn_rows *rows = NULL;
        int r = CN_DB_QUERY(catalog->db, &rows, err,
                            "SELECT id, event_id, kind, text, author, created_ns FROM annotations"
                            " WHERE event_id = ? ORDER BY id",
                            CN_DB_STR(event_ids[i]));
        if (r < 0 || (r = read_all(rows, arena, &l, err)) < 0)
            return r;
    }
    *out = l.rows;
    *out_n = l.n;
    return CN_OK;
}

int cn_catalog_annotated(cn_catalog *catalog, bool any_kind, cn_annotation_kind kind,
                         cn_arena *arena, cn_annotation **out, size_t *out_n, cn_err *err)
{
    list l = {0};
    CN_CLEANUP(cn_rows_end_p) cn_rows *rows = NULL;
    int r = CN_DB_QUERY(catalog->db, &rows, err,
                        "SELECT id, event_id, kind, text, author, created_ns FROM annotations"
                        " WHERE ?1 OR kind = ?2 ORDER BY event_id, id",
                        CN_DB_INT(any_kind), CN_DB_INT(kind));
    if (r < 0 || (r = read_all(rows, arena, &l, err)) < 0)
        return r;
    *out = l.rows;
    *out_n = l.n;
    return CN_OK;
}
