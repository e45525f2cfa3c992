/* db.h on SQLite. Statements are prepared once and kept by the address of their text, which is a
 * constant. */
#include "db/db.h"

#include <sqlite3.h>

#include <assert.h>
#include <stdio.h>
#include <unistd.h>

#define BUSY_TIMEOUT_MS 30000
#define STATEMENTS_MAX  96

struct cn_rows {
    cn_db *db;
    const char *sql;
    sqlite3_stmt *stmt;
    bool in_use;
};

struct cn_db {
    sqlite3 *handle;
    struct cn_rows statements[STATEMENTS_MAX];
    size_t n_statements;
    char path[4096];
};

static int failed(cn_db *db, const char *what, cn_err *err)
{
    int rc = sqlite3_extended_errcode(db->handle);
    const char *words = sqlite3_errmsg(db->handle);
    int code = CN_E_IO;
    switch (rc & 0xff) {
    case SQLITE_NOMEM:
        code = CN_E_NO_MEMORY;
        break;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        code = CN_E_LOCKED;
        break;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        code = CN_E_CORRUPT;
        break;
    case SQLITE_PERM:
    case SQLITE_AUTH:
    case SQLITE_READONLY:
        code = CN_E_DENIED;
        break;
    case SQLITE_FULL:
        words = "the disk is full";
        break;
    default:
        break;
    }
    return cn_fail(err, code, CN_NO_OFFSET, "%s: %s: %s", db->path, what, words);
}

int cn_db_open(const char *path, cn_db_mode mode, cn_db **out, cn_err *err)
{
    static const int flags[] = {
        [CN_DB_READ] = SQLITE_OPEN_READWRITE, /* WAL needs its shared memory even for readers */
        [CN_DB_WRITE] = SQLITE_OPEN_READWRITE,
        [CN_DB_CREATE] = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE,
    };
    if (mode != CN_DB_CREATE && access(path, F_OK) != 0)
        return cn_fail_errno(err, "%s", path);
    CN_CLEANUP(cn_db_close_p) cn_db *db = calloc(1, sizeof *db);
    if (!db)
        return cn_fail(err, CN_E_NO_MEMORY, CN_NO_OFFSET, "%s: no memory", path);
    snprintf(db->path, sizeof db->path, "%s", path);
    int rc = sqlite3_open_v2(path, &db->handle, flags[mode] | SQLITE_OPEN_NOMUTEX, NULL);
    if (!db->handle)
        return cn_fail(err, CN_E_NO_MEMORY, CN_NO_OFFSET, "%s: no memory", path);
    if (mode == CN_DB_READ && rc == SQLITE_CANTOPEN) {
        sqlite3_close(db->handle);
        db->handle = NULL;
        rc = sqlite3_open_v2(path, &db->handle, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL);
        if (!db->handle)
            return cn_fail(err, CN_E_NO_MEMORY, CN_NO_OFFSET, "%s: no memory", path);
    }
    if (rc != SQLITE_OK)
        return failed(db, "cannot be opened", err);
    sqlite3_busy_timeout(db->handle, BUSY_TIMEOUT_MS);
    static const char setup[] = "PRAGMA foreign_keys = ON;"
                                "PRAGMA trusted_schema = OFF;"
                                "PRAGMA cell_size_check = ON;";
    if (sqlite3_exec(db->handle, setup, NULL, NULL, NULL) != SQLITE_OK)
        return failed(db, "cannot be set up", err);
    if (mode != CN_DB_READ &&
        sqlite3_exec(db->handle, "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;", NULL,
                     NULL, NULL) != SQLITE_OK)
        return failed(db, "cannot be set to write-ahead logging", err);
    *out = CN_TAKE(db);
    return CN_OK;
}

cn_db *cn_db_close(cn_db *db)
{
    if (!db)
        return NULL;
    for (size_t i = 0; i < db->n_statements; i++)
        sqlite3_finalize(db->statements[i].stmt);
    sqlite3_close(db->handle);
    free(db);
    return NULL;
}

static int prepare(cn_db *db, const char *sql, cn_rows **out, cn_err *err)
{
    size_t i = 0;
    while (i < db->n_statements && (db->statements[i].sql != sql || db->statements[i].in_use))
        i++;
    if (i == db->n_statements) {
        assert(i < STATEMENTS_MAX);
        cn_rows *rows = &db->statements[i];
        *rows = (cn_rows){.db = db, .sql = sql};
        if (sqlite3_prepare_v3(db->handle, sql, -1, SQLITE_PREPARE_PERSISTENT, &rows->stmt, NULL))
            return failed(db, "statement", err);
        db->n_statements++;
    }
    db->statements[i].in_use = true;
    *out = &db->statements[i];
    return CN_OK;
}

static int bind(cn_rows *rows, const cn_db_value *values, size_t n)
{
    int rc = SQLITE_OK;
    for (size_t i = 0; i < n && rc == SQLITE_OK; i++) {
        const cn_db_value *v = &values[i];
        int at = (int) i + 1;
        const void *p = v->text.p ? (const void *) v->text.p : "";
        switch (v->type) {
        case CN_DB_NULL_VALUE:
            rc = sqlite3_bind_null(rows->stmt, at);
            break;
        case CN_DB_INT_VALUE:
            rc = sqlite3_bind_int64(rows->stmt, at, v->num);
            break;
        case CN_DB_TEXT_VALUE:
            rc = sqlite3_bind_text64(rows->stmt, at, p, v->text.len, SQLITE_STATIC, SQLITE_UTF8);
            break;
        case CN_DB_BLOB_VALUE:
            rc = sqlite3_bind_blob64(rows->stmt, at, p, v->text.len, SQLITE_STATIC);
            break;
        }
    }
    return rc;
}

int cn_db_query(cn_db *db, const char *sql, const cn_db_value *values, size_t n, cn_rows **out,
                cn_err *err)
{
    CN_CLEANUP(cn_rows_end_p) cn_rows *rows = NULL;
    int r = prepare(db, sql, &rows, err);
    if (r < 0 || !rows)
        return r;
    if (bind(rows, values, n) != SQLITE_OK)
        return failed(db, "parameter", err);
    *out = CN_TAKE(rows);
    return CN_OK;
}

int cn_rows_next(cn_rows *rows, cn_err *err)
{
    switch (sqlite3_step(rows->stmt)) {
    case SQLITE_ROW:
        return 1;
    case SQLITE_DONE:
        return 0;
    default:
        return failed(rows->db, "query", err);
    }
}

bool cn_rows_is_null(const cn_rows *rows, int column)
{
    return sqlite3_column_type(rows->stmt, column) == SQLITE_NULL;
}

int64_t cn_rows_int(const cn_rows *rows, int column)
{
    return sqlite3_column_int64(rows->stmt, column);
}

cn_span cn_rows_text(const cn_rows *rows, int column)
{
    const void *p = sqlite3_column_blob(rows->stmt, column);
    return cn_span_of(p, p ? (size_t) sqlite3_column_bytes(rows->stmt, column) : 0);
}

cn_rows *cn_rows_end(cn_rows *rows)
{
    if (rows) {
        sqlite3_reset(rows->stmt);
        sqlite3_clear_bindings(rows->stmt);
        rows->in_use = false;
    }
    return NULL;
}

int cn_db_do(cn_db *db, const char *sql, const cn_db_value *values, size_t n, cn_err *err)
{
    CN_CLEANUP(cn_rows_end_p) cn_rows *rows = NULL;
    int r = cn_db_query(db, sql, values, n, &rows, err);
    while (rows && r >= 0 && (r = cn_rows_next(rows, err)) > 0)
        ;
    return r;
}

int64_t cn_db_changes(const cn_db *db) { return sqlite3_changes64(db->handle); }
int64_t cn_db_last_id(const cn_db *db) { return sqlite3_last_insert_rowid(db->handle); }

int cn_db_begin(cn_db *db, cn_err *err) { return cn_db_do(db, "BEGIN IMMEDIATE", NULL, 0, err); }

int cn_db_commit(cn_db *db, cn_err *err) { return cn_db_do(db, "COMMIT", NULL, 0, err); }

void cn_db_rollback(cn_db *db)
{
    if (!sqlite3_get_autocommit(db->handle))
        sqlite3_exec(db->handle, "ROLLBACK", NULL, NULL, NULL);
}

static int one_number(cn_db *db, const char *sql, int64_t *out, cn_err *err)
{
    CN_CLEANUP(cn_rows_end_p) cn_rows *rows = NULL;
    int r = cn_db_query(db, sql, NULL, 0, &rows, err);
    if (r < 0 || (r = cn_rows_next(rows, err)) < 0)
        return r;
    *out = r ? cn_rows_int(rows, 0) : 0;
    return CN_OK;
}

int cn_db_version(cn_db *db, int64_t *out, cn_err *err)
{
    return one_number(db, "PRAGMA data_version", out, err);
}

static int migrate_one(cn_db *db, const char *migration, size_t number, cn_err *err)
{
    int r = cn_db_begin(db, err);
    if (r < 0)
        return r;
    int64_t now = 0; /* another process may have been quicker */
    if ((r = one_number(db, "PRAGMA user_version", &now, err)) < 0 || now >= (int64_t) number) {
        cn_db_rollback(db);
        return r;
    }
    char stamp[64];
    snprintf(stamp, sizeof stamp, "PRAGMA user_version = %zu", number);
    if (sqlite3_exec(db->handle, migration, NULL, NULL, NULL) != SQLITE_OK ||
        sqlite3_exec(db->handle, stamp, NULL, NULL, NULL) != SQLITE_OK) {
        r = failed(db, "migration", err);
        cn_db_rollback(db);
        return r;
    }
    if ((r = cn_db_commit(db, err)) < 0)
        cn_db_rollback(db);
    return r;
}

int cn_db_migrate(cn_db *db, const char *const *migrations, size_t n, cn_err *err)
{
    int64_t now = 0;
    int r = one_number(db, "PRAGMA user_version", &now, err);
    if (r < 0)
        return r;
    if (now < 0 || (uint64_t) now > n)
        return cn_fail(err, CN_E_UNSUPPORTED, CN_NO_OFFSET,
                       "%s: made by a newer cairn (schema %lld, this one knows %zu)", db->path,
                       (long long) now, n);
    for (size_t i = (size_t) now; i < n && r >= 0; i++)
        r = migrate_one(db, migrations[i], i + 1, err);
    return r;
}
