/* Opening the data folder, the schema, and what all files of the catalog use. */
#include "db/catalog_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static const char schema_1[] =
    "CREATE TABLE timelines ("
    " id INTEGER PRIMARY KEY,"
    " name TEXT NOT NULL UNIQUE,"
    " source TEXT NOT NULL,"
    " image TEXT NOT NULL,"
    " image_id INTEGER NOT NULL,"
    " case_name TEXT NOT NULL,"
    " system_name TEXT NOT NULL,"
    " options TEXT NOT NULL,"
    " scope TEXT NOT NULL,"
    " status INTEGER NOT NULL CHECK (status BETWEEN 0 AND 3),"
    " error TEXT NOT NULL DEFAULT '',"
    " visible INTEGER NOT NULL,"
    " run TEXT NOT NULL,"
    " started_ns INTEGER NOT NULL,"
    " finished_ns INTEGER,"
    " bytes_done INTEGER NOT NULL DEFAULT 0,"
    " bytes_total INTEGER NOT NULL DEFAULT 0,"
    " files_done INTEGER NOT NULL DEFAULT 0,"
    " files_total INTEGER NOT NULL DEFAULT 0,"
    " sha256 TEXT NOT NULL DEFAULT ''"
    ") STRICT;"
    "CREATE INDEX timelines_image ON timelines (image_id);"
    "CREATE TABLE segments ("
    " id INTEGER PRIMARY KEY,"
    " timeline INTEGER NOT NULL REFERENCES timelines ON DELETE CASCADE,"
    " path TEXT NOT NULL UNIQUE,"
    " events INTEGER NOT NULL,"
    " bytes INTEGER NOT NULL,"
    " checksum INTEGER NOT NULL,"
    " first_ns INTEGER,"
    " last_ns INTEGER"
    ") STRICT;"
    "CREATE INDEX segments_timeline ON segments (timeline);"
    "CREATE TABLE work ("
    " timeline INTEGER NOT NULL REFERENCES timelines ON DELETE CASCADE,"
    " key INTEGER NOT NULL,"
    " events INTEGER NOT NULL,"
    " done INTEGER NOT NULL,"
    " PRIMARY KEY (timeline, key)"
    ") STRICT, WITHOUT ROWID;"
    "CREATE TABLE warnings ("
    " id INTEGER PRIMARY KEY,"
    " timeline INTEGER NOT NULL REFERENCES timelines ON DELETE CASCADE,"
    " kind TEXT NOT NULL,"
    " volume TEXT NOT NULL,"
    " path TEXT NOT NULL,"
    " parser TEXT NOT NULL,"
    " inode INTEGER NOT NULL,"
    " offset INTEGER NOT NULL," /* -1: none, so that UNIQUE sees it */
    " text TEXT NOT NULL,"
    " UNIQUE (timeline, kind, volume, path, inode, offset, text)"
    ") STRICT;"
    "CREATE TABLE facts ("
    " id INTEGER PRIMARY KEY,"
    " timeline INTEGER NOT NULL REFERENCES timelines ON DELETE CASCADE,"
    " name TEXT NOT NULL,"
    " value TEXT NOT NULL,"
    " volume TEXT NOT NULL,"
    " path TEXT NOT NULL,"
    " inode INTEGER NOT NULL,"
    " UNIQUE (timeline, name, value, volume, path)"
    ") STRICT;"
    /* Not tied to a timeline: event ids are the same when an image is processed again. */
    "CREATE TABLE annotations ("
    " id INTEGER PRIMARY KEY,"
    " event_id TEXT NOT NULL CHECK (length(event_id) = 40),"
    " kind INTEGER NOT NULL CHECK (kind BETWEEN 0 AND 3),"
    " text TEXT NOT NULL,"
    " author TEXT NOT NULL,"
    " created_ns INTEGER NOT NULL"
    ") STRICT;"
    "CREATE INDEX annotations_event ON annotations (event_id);"
    "CREATE UNIQUE INDEX annotations_once ON annotations (event_id, kind, text) WHERE kind <> 3;";

static const char *const migrations[] = {schema_1};

int cn_data_folder(const char *option, cn_buf *out, cn_err *err)
{
    const char *named = option ? option : getenv("CAIRN_DATA");
    const char *base = getenv("XDG_DATA_HOME");
    const char *home = getenv("HOME");
    if (named && *named)
        cn_buf_str(out, named);
    else if (base && *base == '/')
        cn_buf_printf(out, "%s/cairn", base);
    else if (home && *home)
        cn_buf_printf(out, "%s/.local/share/cairn", home);
    else
        return cn_fail(err, CN_E_ARG, CN_NO_OFFSET,
                       "no data folder: give --data DIR or set CAIRN_DATA");
    if (out->failed)
        return cn_fail(err, CN_E_ARG, CN_NO_OFFSET, "the data folder's name is too long");
    return CN_OK;
}

/* mkdir -p. */
static int make_folder(const char *path, cn_err *err)
{
    char copy[3072];
    if ((size_t) snprintf(copy, sizeof copy, "%s", path) >= sizeof copy)
        return cn_fail(err, CN_E_ARG, CN_NO_OFFSET, "the data folder's name is too long");
    for (char *p = copy + 1;; p++) {
        if (*p != '/' && *p != '\0')
            continue;
        char at = *p;
        *p = '\0';
        if (mkdir(copy, 0700) != 0 && errno != EEXIST)
            return cn_fail_errno(err, "data folder %s", copy);
        if (at == '\0')
            return CN_OK;
        *p = at;
    }
}

static int open_folder(cn_catalog *catalog, cn_db_mode mode, cn_err *err)
{
    if (mode == CN_DB_CREATE) {
        int r = make_folder(catalog->folder, err);
        if (r < 0)
            return r;
    }
    catalog->folder_fd = open(catalog->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (catalog->folder_fd < 0)
        return cn_fail_errno(err, "data folder %s", catalog->folder);
    if (mode == CN_DB_CREATE)
        for (size_t i = 0; i < 2; i++)
            if (mkdirat(catalog->folder_fd, i ? "tmp" : "segments", 0700) != 0 && errno != EEXIST)
                return cn_fail_errno(err, "data folder %s", catalog->folder);
    return CN_OK;
}

int cn_catalog_open(const char *folder, cn_db_mode mode, cn_catalog **out, cn_err *err)
{
    CN_CLEANUP(cn_catalog_close_p) cn_catalog *catalog = calloc(1, sizeof *catalog);
    if (!catalog)
        return cn_catalog_no_memory(err);
    catalog->folder_fd = -1;
    if (!*folder || (size_t) snprintf(catalog->folder, sizeof catalog->folder, "%s", folder) >=
                        sizeof catalog->folder)
        return cn_fail(err, CN_E_ARG, CN_NO_OFFSET, "the data folder's name is empty or too long");
    int r = open_folder(catalog, mode, err);
    if (r < 0)
        return r;
    char path[sizeof catalog->folder + 16];
    snprintf(path, sizeof path, "%s/cairn.db", catalog->folder);
    if ((r = cn_db_open(path, mode, &catalog->db, err)) < 0 ||
        (r = cn_db_migrate(catalog->db, migrations, CN_LEN(migrations), err)) < 0)
        return r;
    *out = CN_TAKE(catalog);
    return CN_OK;
}

cn_catalog *cn_catalog_close(cn_catalog *catalog)
{
    if (!catalog)
        return NULL;
    cn_db_close(catalog->db);
    if (catalog->folder_fd >= 0)
        close(catalog->folder_fd);
    free(catalog);
    return NULL;
}

const char *cn_catalog_folder(const cn_catalog *catalog) { return catalog->folder; }
cn_db *cn_catalog_db(cn_catalog *catalog) { return catalog->db; }

int cn_catalog_version(cn_catalog *catalog, int64_t *out, cn_err *err)
{
    return cn_db_version(catalog->db, out, err);
}

int cn_catalog_no_memory(cn_err *err)
{
    return cn_fail(err, CN_E_NO_MEMORY, CN_NO_OFFSET, "catalog: no memory");
}

const char *cn_catalog_text(cn_arena *arena, const cn_rows *rows, int column)
{
    return cn_arena_copy(arena, cn_rows_text(rows, column));
}

void *cn_catalog_row(cn_arena *arena, void **array, size_t *n, size_t *capacity, size_t size)
{
    if (*n == *capacity) {
        size_t more = *capacity ? *capacity * 2 : 16;
        void *grown = cn_arena_alloc(arena, more * size);
        if (!grown)
            return NULL;
        if (*n)
            memcpy(grown, *array, *n * size);
        *array = grown;
        *capacity = more;
    }
    return (uint8_t *) *array + size * (*n)++;
}
