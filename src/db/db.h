/* A thin interface to a SQL database: bound parameters only, statements are constants, numbered
 * migrations that go forward only. SQLite today (sqlite.c). A handle has one owner and one thread;
 * each thread or process opens its own. */
#pragma once

#include "base/err.h"

typedef struct cn_db cn_db;
typedef struct cn_rows cn_rows;

/* A parameter: number, text, bytes or NULL. Text and bytes are borrowed for the call, of a query
 * until its rows end. */
typedef struct cn_db_value {
    enum { CN_DB_NULL_VALUE, CN_DB_INT_VALUE, CN_DB_TEXT_VALUE, CN_DB_BLOB_VALUE } type;
    int64_t num;
    cn_span text;
} cn_db_value;

#define CN_DB_NULL    ((cn_db_value){.type = CN_DB_NULL_VALUE})
#define CN_DB_INT(v)  ((cn_db_value){.type = CN_DB_INT_VALUE, .num = (int64_t) (v)})
#define CN_DB_TEXT(s) ((cn_db_value){.type = CN_DB_TEXT_VALUE, .text = (s)})
#define CN_DB_STR(s)  CN_DB_TEXT(cn_span_str(s))
#define CN_DB_BLOB(s) ((cn_db_value){.type = CN_DB_BLOB_VALUE, .text = (s)})
/* The value or NULL. */
#define CN_DB_OPT_INT(has, v) ((has) ? CN_DB_INT(v) : CN_DB_NULL)

typedef enum cn_db_mode { CN_DB_READ, CN_DB_WRITE, CN_DB_CREATE } cn_db_mode;

/* Opens a database file: WAL, foreign keys on, a busy timeout of some seconds. CN_DB_CREATE makes
 * it where it is not there. CN_E_NOT_FOUND, CN_E_DENIED, CN_E_CORRUPT (no database), CN_E_IO. The
 * handle is owned. */
int cn_db_open(const char *path, cn_db_mode mode, cn_db **out, cn_err *err) CN_MUST_USE;
cn_db *cn_db_close(cn_db *db);
CN_DEFINE_CLEANUP(cn_db, cn_db_close)

/* Brings the schema to the last of n migrations, each in a transaction of its own. A database that
 * is newer than that is CN_E_UNSUPPORTED. */
int cn_db_migrate(cn_db *db, const char *const *migrations, size_t n, cn_err *err) CN_MUST_USE;

/* Runs a statement that gives no rows. CN_DB_DO() counts the values. */
int cn_db_do(cn_db *db, const char *sql, const cn_db_value *values, size_t n,
             cn_err *err) CN_MUST_USE;
#define CN_DB_DO(db, err, sql, ...)                                                                \
    cn_db_do(db, sql, (const cn_db_value[]){__VA_ARGS__},                                          \
             sizeof((const cn_db_value[]){__VA_ARGS__}) / sizeof(cn_db_value), err)
/* Rows that the last statement changed; the id of the last row inserted. */
int64_t cn_db_changes(const cn_db *db);
int64_t cn_db_last_id(const cn_db *db);

/* Starts a query. The rows are owned; sql must stay (it is a constant). */
int cn_db_query(cn_db *db, const char *sql, const cn_db_value *values, size_t n, cn_rows **out,
                cn_err *err) CN_MUST_USE;
#define CN_DB_QUERY(db, out, err, sql, ...)                                                        \
    cn_db_query(db, sql, (const cn_db_value[]){__VA_ARGS__},                                       \
                sizeof((const cn_db_value[]){__VA_ARGS__}) / sizeof(cn_db_value), out, err)
/* 1: there is a row; 0: no more; negative: failed. */
int cn_rows_next(cn_rows *rows, cn_err *err) CN_MUST_USE;
/* Columns from 0. Text is borrowed until the next row; NULL reads as 0 and as empty. */
bool cn_rows_is_null(const cn_rows *rows, int column);
int64_t cn_rows_int(const cn_rows *rows, int column);
cn_span cn_rows_text(const cn_rows *rows, int column);
cn_rows *cn_rows_end(cn_rows *rows);
CN_DEFINE_CLEANUP(cn_rows, cn_rows_end)

/* A write transaction; a second begin without an end is a mistake of ours. */
int cn_db_begin(cn_db *db, cn_err *err) CN_MUST_USE;
int cn_db_commit(cn_db *db, cn_err *err) CN_MUST_USE;
/* Does nothing outside a transaction, so that it can stand in any way out. */
void cn_db_rollback(cn_db *db);
/* A number that changes when another connection has changed the database. */
int cn_db_version(cn_db *db, int64_t *out, cn_err *err) CN_MUST_USE;
