/* How many packages are installed, by the databases of dpkg, apk, pacman and rpm. */
#include "job/hostfacts_internal.h"

#include <sqlite3.h>
#include <stdio.h>

#define DATABASE_BYTES CN_MIB(64)

static void add_count(cn_hf *hf, uint64_t n, const char *manager, const cn_hf_file *f)
{
    char text[64];
    int len = snprintf(text, sizeof text, "%s%llu (%s)", f->cut ? "at least " : "",
                       (unsigned long long) n, manager);
    if (n > 0)
        cn_hf_add(hf, "packages", cn_span_of(text, (size_t) len), f);
}

static uint64_t count_lines(cn_span text, const char *start)
{
    cn_span line;
    uint64_t n = 0;
    while (cn_hf_line(&text, &line))
        n += cn_span_starts(line, start);
    return n;
}

/* rpm keeps one row per package in an SQLite file since 4.16; what went before (Berkeley DB, ndb) is
 * not read. */
static uint64_t count_rows(cn_span file)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *statement = NULL;
    uint64_t n = 0;
    unsigned char *copy = sqlite3_malloc64(file.len);
    if (copy && sqlite3_open(":memory:", &db) == SQLITE_OK) {
        memcpy(copy, file.p, file.len);
        /* The bytes of the header that ask for a write-ahead log, which is not there. */
        if (file.len > 100)
            copy[18] = copy[19] = 1;
        int r = sqlite3_deserialize(db, "main", copy, (sqlite3_int64) file.len,
                                    (sqlite3_int64) file.len,
                                    SQLITE_DESERIALIZE_FREEONCLOSE | SQLITE_DESERIALIZE_READONLY);
        copy = NULL; /* the database's, also where it fails */
        if (r == SQLITE_OK &&
            sqlite3_prepare_v2(db, "SELECT count(*) FROM Packages", -1, &statement, NULL) ==
                SQLITE_OK &&
            sqlite3_step(statement) == SQLITE_ROW)
            n = (uint64_t) sqlite3_column_int64(statement, 0);
    }
    sqlite3_finalize(statement);
    sqlite3_close(db);
    sqlite3_free(copy);
    return n;
}

void cn_hf_packages(cn_hf *hf)
{
    static const char *const rpm[] = {"/var/lib/rpm/rpmdb.sqlite",
                                      "/usr/lib/sysimage/rpm/rpmdb.sqlite"};
    cn_hf_file f;
    if (cn_hf_read(hf, "/var/lib/dpkg/status", DATABASE_BYTES, &f))
        add_count(hf, count_lines(f.bytes, "Status: install ok installed"), "dpkg", &f);
    if (cn_hf_read(hf, "/lib/apk/db/installed", DATABASE_BYTES, &f))
        add_count(hf, count_lines(f.bytes, "P:"), "apk", &f);
    for (size_t i = 0; i < CN_LEN(rpm); i++)
        if (cn_hf_read(hf, rpm[i], DATABASE_BYTES, &f) && !f.cut)
            add_count(hf, count_rows(f.bytes), "rpm", &f);
    uint64_t pacman = 0;
    for (cn_hf_name *n = cn_hf_list(hf, "/var/lib/pacman/local"); n; n = n->next)
        pacman += strcmp(n->name, "ALPM_DB_VERSION") != 0;
    f = (cn_hf_file){.path = "/var/lib/pacman/local"};
    if (pacman && cn_fs_lookup(hf->fs, cn_span_str(f.path), true, &f.inode, NULL) == CN_OK)
        add_count(hf, pacman, "pacman", &f);
}
