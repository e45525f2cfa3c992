/* Runs: the lock that says that a process lives, its folder of unfinished files, and the removal of
 * what dead ones have left. DIR/lock is held for moments only: while a run's folder and lock come
 * into being, and while leftovers are looked for. */
#include "db/catalog_internal.h"

#include "base/timestamp.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

struct cn_run {
    int catalog_fd, folder_fd, lock_fd;
    char name[CN_RUN_NAME_MAX];
};

static void close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
}

bool cn_run_alive(const cn_catalog *catalog, const char *run)
{
    char path[CN_RUN_NAME_MAX + 16];
    if (!*run || strchr(run, '/') ||
        (size_t) snprintf(path, sizeof path, "tmp/%s/lock", run) >= sizeof path)
        return false;
    CN_CLEANUP(close_fd)
    int fd = openat(catalog->folder_fd, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    return fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
}

/* Removes a folder of plain files. */
static void remove_folder(int parent, const char *name)
{
    int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    if (!dir) {
        close_fd(&fd);
        return;
    }
    for (struct dirent *e; (e = readdir(dir));)
        (void) unlinkat(dirfd(dir), e->d_name, 0); /* "." and ".." are refused */
    closedir(dir);
    (void) unlinkat(parent, name, AT_REMOVEDIR);
}

typedef int (*entry_fn)(cn_catalog *catalog, int folder, const char *name, cn_err *err);

/* Calls visit for each name in a folder below the data folder; a folder that is not there has none.
 */
static int each_name(cn_catalog *catalog, const char *folder, entry_fn visit, cn_err *err)
{
    int fd = openat(catalog->folder_fd, folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? CN_OK : cn_fail_errno(err, "%s/%s", catalog->folder, folder);
    DIR *dir = fdopendir(fd);
    if (!dir) {
        close(fd);
        return cn_catalog_no_memory(err);
    }
    int r = CN_OK;
    for (struct dirent *e; r >= 0 && (e = readdir(dir));)
        if (e->d_name[0] != '.')
            r = visit(catalog, dirfd(dir), e->d_name, err);
    closedir(dir);
    return r;
}

static int sweep_run(cn_catalog *catalog, int folder, const char *name, cn_err *err)
{
    (void) err;
    if (!cn_run_alive(catalog, name))
        remove_folder(folder, name);
    return CN_OK;
}

static int sweep_segments(cn_catalog *catalog, int folder, const char *name, cn_err *err)
{
    char path[512];
    if ((size_t) snprintf(path, sizeof path, "segments/%s", name) >= sizeof path)
        return CN_OK;
    int fd = openat(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    if (!dir) {
        close_fd(&fd);
        return CN_OK;
    }
    int r = CN_OK;
    for (struct dirent *e; r >= 0 && (e = readdir(dir));) {
        const char *dash = strrchr(e->d_name, '-');
        char run[CN_RUN_NAME_MAX];
        if (!dash || !cn_span_ends(cn_span_str(e->d_name), ".seg"))
            continue;
        snprintf(run, sizeof run, "%.*s", (int) (dash - e->d_name), e->d_name);
        if (cn_run_alive(catalog, run)) /* asked first: a dead one enters nothing any more */
            continue;
        snprintf(path, sizeof path, "segments/%s/%s", name, e->d_name);
        CN_CLEANUP(cn_rows_end_p) cn_rows *rows = NULL;
        r = CN_DB_QUERY(catalog->db, &rows, err, "SELECT 1 FROM segments WHERE path = ?",
                        CN_DB_STR(path));
        if (r < 0 || (r = cn_rows_next(rows, err)) != 0)
            continue;
        (void) unlinkat(dirfd(dir), e->d_name, 0);
    }
    closedir(dir);
    (void) unlinkat(folder, name, AT_REMOVEDIR); /* only where it is empty */
    return r < 0 ? r : CN_OK;
}

static int lock_folder(cn_catalog *catalog, int *out, cn_err *err)
{
    int fd = openat(catalog->folder_fd, "lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return cn_fail_errno(err, "%s/lock", catalog->folder);
    int r;
    while ((r = flock(fd, LOCK_EX)) != 0 && errno == EINTR)
        ;
    if (r != 0) {
        r = cn_fail_errno(err, "%s/lock", catalog->folder);
        close(fd);
        return r;
    }
    *out = fd;
    return CN_OK;
}

static int sweep(cn_catalog *catalog, cn_err *err)
{
    int r = each_name(catalog, "segments", sweep_segments, err);
    return r < 0 ? r : each_name(catalog, "tmp", sweep_run, err);
}

int cn_catalog_sweep(cn_catalog *catalog, cn_err *err)
{
    CN_CLEANUP(close_fd) int lock = -1;
    int r = lock_folder(catalog, &lock, err);
    return r < 0 ? r : sweep(catalog, err);
}

static int begin(cn_catalog *catalog, cn_run *run, cn_err *err)
{
    char path[CN_RUN_NAME_MAX + 16];
    snprintf(run->name, sizeof run->name, "%llx.%d", (unsigned long long) cn_time_now() / 1000,
             (int) getpid());
    snprintf(path, sizeof path, "tmp/%s", run->name);
    if (mkdirat(catalog->folder_fd, path, 0700) != 0)
        return cn_fail_errno(err, "%s/%s", catalog->folder, path);
    run->folder_fd = openat(catalog->folder_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (run->folder_fd >= 0)
        run->lock_fd = openat(run->folder_fd, "lock", O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (run->lock_fd < 0 || flock(run->lock_fd, LOCK_EX | LOCK_NB) != 0)
        return cn_fail_errno(err, "%s/%s", catalog->folder, path);
    return CN_OK;
}

int cn_run_begin(cn_catalog *catalog, cn_run **out, cn_err *err)
{
    CN_CLEANUP(cn_run_end_p) cn_run *run = calloc(1, sizeof *run);
    if (!run)
        return cn_catalog_no_memory(err);
    run->folder_fd = run->lock_fd = -1;
    run->catalog_fd = fcntl(catalog->folder_fd, F_DUPFD_CLOEXEC, 3);
    CN_CLEANUP(close_fd) int lock = -1;
    int r = lock_folder(catalog, &lock, err);
    if (r >= 0 && (r = sweep(catalog, err)) >= 0)
        r = begin(catalog, run, err);
    if (r < 0)
        return r;
    *out = CN_TAKE(run);
    return CN_OK;
}

const char *cn_run_name(const cn_run *run) { return run->name; }
int cn_run_folder(const cn_run *run) { return run->folder_fd; }

cn_run *cn_run_end(cn_run *run)
{
    if (!run)
        return NULL;
    if (run->folder_fd >= 0) {
        int tmp = openat(run->catalog_fd, "tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (tmp >= 0)
            remove_folder(tmp, run->name);
        close_fd(&tmp);
        close(run->folder_fd);
    }
    close_fd(&run->lock_fd);
    close_fd(&run->catalog_fd);
    free(run);
    return NULL;
}
