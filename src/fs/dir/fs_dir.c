#include "fs/dir/fs_dir.h"

#include "base/hash.h"
#include "base/text.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#define NAMES_BYTES CN_GIB(1) /* of all names together */
#define NODES_MAX   50000000u
#define PATH_BYTES  CN_KIB(64)
#define LINK_BYTES  4096u
#define NONE        UINT32_MAX

/* A name that was met: enough to open it again. */
typedef struct node {
    uint64_t id;
    uint32_t parent, next; /* nodes; next: the one that waits behind this one */
    uint64_t name;         /* in names, with a NUL behind it */
} node;

typedef struct host_dir {
    cn_fs fs;
    int root;
    uint32_t root_major, root_minor;
    cn_buf names;
    node *nodes; /* 0 is the root */
    uint32_t n_nodes, room;
    uint32_t *by_id; /* a table of a power of two, NONE where empty */
    size_t by_id_mask;
    bool indexed;
    uint32_t at_node; /* the directory that at_fd is open on */
    int at_fd;
    cn_buf link;
    const cn_fs_visit *visit;
} host_dir;

static void warn(host_dir *d, int code, uint64_t inode, const char *what, cn_span path)
{
    char text[512];
    CN_CLEANUP(cn_buf_free) cn_buf shown = cn_buf_of(300);
    cn_text_put_utf8(&shown, cn_span_sub(path, 0, 250));
    (void) snprintf(text, sizeof text, "%s: %s", cn_buf_cstr(&shown), what);
    cn_fs_warning w = {code, CN_NO_OFFSET, inode, text};
    if (d->visit && d->visit->warning)
        d->visit->warning(d->visit->context, &w);
    else if (!d->visit && d->fs.warn)
        d->fs.warn(d->fs.warn_context, &w);
}

/* --- The index. */

static uint64_t id_of(const host_dir *d, const struct statx *x)
{
    if (x->stx_dev_major == d->root_major && x->stx_dev_minor == d->root_minor)
        return x->stx_ino;
    uint64_t both[2] = {(uint64_t) x->stx_dev_major << 32 | x->stx_dev_minor, x->stx_ino};
    return cn_hash64(cn_span_of(both, sizeof both)) >> 2 | UINT64_C(1) << 61;
}

static uint32_t *slot_of(const host_dir *d, uint64_t id)
{
    size_t i = (size_t) cn_hash64(cn_span_of(&id, sizeof id)) & d->by_id_mask;
    while (d->by_id[i] != NONE && d->nodes[d->by_id[i]].id != id)
        i = (i + 1) & d->by_id_mask;
    return &d->by_id[i];
}

static bool grow(host_dir *d)
{
    uint32_t room = d->room ? d->room * 2 : 1024;
    node *nodes = realloc(d->nodes, room * sizeof *nodes);
    if (!nodes)
        return false;
    d->nodes = nodes;
    uint32_t *table = malloc((size_t) room * 2 * sizeof *table);
    if (!table)
        return false;
    memset(table, 0xff, (size_t) room * 2 * sizeof *table);
    free(d->by_id);
    d->by_id = table;
    d->by_id_mask = (size_t) room * 2 - 1;
    d->room = room;
    for (uint32_t i = 0; i < d->n_nodes; i++)
        if (*slot_of(d, nodes[i].id) == NONE)
            *slot_of(d, nodes[i].id) = i;
    return true;
}

/* Adds a name; *out_new is false where its inode has one already. */
static int add_node(host_dir *d, uint64_t id, uint32_t parent, const char *name, uint32_t *out,
                    bool *out_new)
{
    if (d->n_nodes >= NODES_MAX)
        return CN_E_LIMIT;
    if (d->n_nodes == d->room && !grow(d))
        return CN_E_NO_MEMORY;
    uint64_t at = d->names.len;
    cn_buf_bytes(&d->names, cn_span_of(name, strlen(name) + 1));
    if (d->names.failed)
        return CN_E_LIMIT;
    d->nodes[d->n_nodes] = (node){id, parent, NONE, at};
    uint32_t *slot = slot_of(d, id);
    *out_new = *slot == NONE;
    if (*out_new)
        *slot = d->n_nodes;
    *out = d->n_nodes++;
    return CN_OK;
}

static void forget(host_dir *d)
{
    d->n_nodes = 0;
    cn_buf_clear(&d->names);
    if (d->by_id)
        memset(d->by_id, 0xff, (d->by_id_mask + 1) * sizeof *d->by_id);
    if (d->at_fd >= 0)
        close(d->at_fd);
    d->at_fd = -1;
    d->at_node = NONE;
    d->indexed = false;
}

/* --- Opening, part by part. */

static const char *name_of(const host_dir *d, uint32_t i)
{
    return (const char *) d->names.p + d->nodes[i].name;
}

/* The directory of a node, open with O_PATH; the caller closes it. -1 with errno. */
static int open_dir_node(host_dir *d, uint32_t i)
{
    uint32_t chain[PATH_BYTES / 2];
    size_t n = 0;
    for (; i != 0 && n < CN_LEN(chain); i = d->nodes[i].parent)
        chain[n++] = i;
    int fd = openat(d->root, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    while (fd >= 0 && n > 0) {
        int next =
            openat(fd, name_of(d, chain[--n]), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        int kept = errno;
        close(fd);
        errno = kept;
        fd = next;
    }
    return fd;
}

/* The directory that a node's name stands in; borrowed until the next call. -1 with errno. */
static int parent_fd(host_dir *d, uint32_t i)
{
    uint32_t parent = i == 0 ? 0 : d->nodes[i].parent;
    if (d->at_fd >= 0 && d->at_node == parent)
        return d->at_fd;
    if (d->at_fd >= 0)
        close(d->at_fd);
    d->at_node = parent;
    d->at_fd = open_dir_node(d, parent);
    return d->at_fd;
}

/* Without a new time of access, where this user may ask for that. */
static int open_quietly(int at, const char *name, int flags)
{
    int fd = openat(at, name, flags | O_NOATIME);
    return fd < 0 && errno == EPERM ? openat(at, name, flags) : fd;
}

/* --- Metadata. */

static void put_time(cn_file_meta *m, enum cn_file_time which, const struct statx_timestamp *t)
{
    if (cn_time_from_unix(t->tv_sec, t->tv_nsec, &m->time_ns[which]))
        m->has_time[which] = true;
    else
        m->odd_time_s[which] = t->tv_sec;
}

static cn_file_type type_of(uint16_t mode)
{
    switch (mode & S_IFMT) {
    case S_IFREG:
        return CN_FILE_REGULAR;
    case S_IFDIR:
        return CN_FILE_DIRECTORY;
    case S_IFLNK:
        return CN_FILE_LINK;
    case S_IFBLK:
        return CN_FILE_BLOCK;
    case S_IFCHR:
        return CN_FILE_CHAR;
    case S_IFIFO:
        return CN_FILE_FIFO;
    case S_IFSOCK:
        return CN_FILE_SOCKET;
    default:
        return CN_FILE_OTHER;
    }
}

static void put_meta(host_dir *d, int at, const char *name, const struct statx *x,
                     cn_file_meta *out)
{
    *out = (cn_file_meta){.inode = id_of(d, x),
                          .inode_offset = CN_NO_OFFSET,
                          .type = type_of(x->stx_mode),
                          .mode = x->stx_mode,
                          .uid = x->stx_uid,
                          .gid = x->stx_gid,
                          .links = x->stx_nlink,
                          .size = x->stx_size,
                          .device_major = x->stx_rdev_major,
                          .device_minor = x->stx_rdev_minor};
    put_time(out, CN_FT_M, &x->stx_mtime);
    put_time(out, CN_FT_A, &x->stx_atime);
    put_time(out, CN_FT_C, &x->stx_ctime);
    if (x->stx_mask & STATX_BTIME)
        put_time(out, CN_FT_B, &x->stx_btime);
    if (out->type != CN_FILE_LINK)
        return;
    cn_buf_clear(&d->link);
    char *room = (char *) cn_buf_room(&d->link, LINK_BYTES);
    ssize_t n = room ? readlinkat(at, name, room, LINK_BYTES) : -1;
    d->link.len = n > 0 ? (size_t) n : 0;
    out->link_target = cn_buf_span(&d->link);
}

static int stat_at(int at, const char *name, struct statx *out)
{
    return statx(at, name, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | (*name ? 0 : AT_EMPTY_PATH),
                 STATX_BASIC_STATS | STATX_BTIME, out);
}

/* --- The walk. */

/* File systems of the running kernel hold nothing of a disk, and some never end. */
static bool is_of_kernel(int fd)
{
    static const int64_t magics[] = {PROC_SUPER_MAGIC,    SYSFS_MAGIC,        CGROUP_SUPER_MAGIC,
                                     CGROUP2_SUPER_MAGIC, DEBUGFS_MAGIC,      TRACEFS_MAGIC,
                                     SECURITYFS_MAGIC,    DEVPTS_SUPER_MAGIC, BPF_FS_MAGIC,
                                     PSTOREFS_MAGIC,      EFIVARFS_MAGIC,     BINFMTFS_MAGIC};
    struct statfs s;
    if (fstatfs(fd, &s) != 0)
        return false;
    for (size_t i = 0; i < CN_LEN(magics); i++)
        if ((int64_t) s.f_type == magics[i])
            return true;
    return false;
}

static void put_path(const host_dir *d, uint32_t i, cn_buf *out)
{
    uint32_t chain[PATH_BYTES / 2];
    size_t n = 0;
    for (; i != 0 && n < CN_LEN(chain); i = d->nodes[i].parent)
        chain[n++] = i;
    cn_buf_clear(out);
    while (n > 0) {
        cn_buf_char(out, '/');
        cn_buf_str(out, name_of(d, chain[--n]));
    }
}

/* One name of a directory: told, indexed, and put before *waiting where it is a directory. */
static int read_name(host_dir *d, uint32_t parent, int at, const char *name, cn_buf *path,
                     uint32_t *waiting)
{
    size_t dir_len = path->len;
    cn_buf_char(path, '/');
    cn_buf_str(path, name);
    struct statx x;
    int rc = CN_OK;
    if (path->failed) {
        path->failed = false;
        path->len = dir_len;
        warn(d, CN_E_LIMIT, d->nodes[parent].id, "a path grows too long", cn_buf_span(path));
    } else if (stat_at(at, name, &x) != 0) {
        cn_err err = CN_ERR_INIT;
        rc = cn_fail_errno(&err, "cannot be read");
        warn(d, rc, 0, err.text, cn_buf_span(path));
        rc = CN_OK;
    } else {
        uint32_t i;
        bool fresh;
        cn_file_meta meta;
        put_meta(d, at, name, &x, &meta);
        rc = add_node(d, meta.inode, parent, name, &i, &fresh);
        cn_fs_entry entry = {cn_buf_span(path), &meta};
        if (rc == CN_OK && d->visit && d->visit->entry)
            rc = d->visit->entry(d->visit->context, &entry);
        if (rc == CN_OK && meta.type == CN_FILE_DIRECTORY && fresh) {
            d->nodes[i].next = *waiting;
            *waiting = i;
        } else if (meta.type == CN_FILE_DIRECTORY && !fresh) {
            warn(d, CN_E_CORRUPT, meta.inode, "this directory stands at two places",
                 cn_buf_span(path));
        }
    }
    path->len = dir_len;
    return rc;
}

/* A directory open for its names; NULL with errno. */
static DIR *open_names(host_dir *d, uint32_t i)
{
    int at = open_dir_node(d, i);
    if (at < 0)
        return NULL;
    int fd = open_quietly(at, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), kept = errno;
    close(at);
    errno = kept;
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    kept = errno;
    if (!dir && fd >= 0)
        close(fd);
    errno = kept;
    return dir;
}

static int read_dir(host_dir *d, uint32_t i, cn_buf *path, uint32_t *waiting)
{
    put_path(d, i, path);
    cn_err err = CN_ERR_INIT;
    DIR *dir = open_names(d, i);
    if (!dir) {
        int failed = cn_fail_errno(&err, "cannot be read");
        warn(d, failed, d->nodes[i].id, err.text, cn_buf_span(path));
        return CN_OK;
    }
    int fd = dirfd(dir);
    int rc = CN_OK;
    if (is_of_kernel(fd) && i != 0) {
        warn(d, CN_E_UNSUPPORTED, d->nodes[i].id, "belongs to the running kernel and is not read",
             cn_buf_span(path));
    } else {
        errno = 0;
        for (const struct dirent *e; rc == CN_OK && (e = readdir(dir)); errno = 0)
            if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
                rc = read_name(d, i, fd, e->d_name, path, waiting);
        if (rc == CN_OK && errno) {
            int code = cn_fail_errno(&err, "cannot be read to its end");
            warn(d, code, d->nodes[i].id, err.text, cn_buf_span(path));
        }
    }
    closedir(dir);
    return rc;
}

static int scan(host_dir *d, const cn_fs_visit *visit, cn_err *err)
{
    forget(d);
    struct statx x;
    if (stat_at(d->root, "", &x) != 0)
        return cn_fail_errno(err, "the folder cannot be read");
    d->root_major = x.stx_dev_major;
    d->root_minor = x.stx_dev_minor;
    d->visit = visit;
    CN_CLEANUP(cn_buf_free) cn_buf path = cn_buf_of(PATH_BYTES);
    uint32_t waiting = NONE;
    bool fresh;
    cn_file_meta meta;
    put_meta(d, d->root, "", &x, &meta);
    int rc = add_node(d, meta.inode, 0, "", &waiting, &fresh);
    cn_fs_entry entry = {CN_SPAN_LIT("/"), &meta};
    if (rc == CN_OK && visit)
        rc = visit->entry(visit->context, &entry);
    while (rc == CN_OK && waiting != NONE) {
        uint32_t next = waiting;
        waiting = d->nodes[next].next;
        rc = read_dir(d, next, &path, &waiting);
    }
    d->visit = NULL;
    d->indexed = rc == CN_OK;
    if (rc == CN_E_NO_MEMORY || rc == CN_E_LIMIT)
        return cn_fail(err, rc, CN_NO_OFFSET, "the folder holds too many names");
    return rc;
}

static int host_walk(cn_fs *fs, const cn_fs_visit *visit, cn_err *err)
{
    return scan((host_dir *) fs, visit, err);
}

static int find_node(host_dir *d, uint64_t id, uint32_t *out, cn_err *err)
{
    int rc = d->indexed ? CN_OK : scan(d, NULL, err);
    if (rc != CN_OK)
        return rc;
    *out = *slot_of(d, id);
    if (*out == NONE)
        return cn_fail(err, CN_E_NOT_FOUND, CN_NO_OFFSET, "there is no inode %llu",
                       (unsigned long long) id);
    return CN_OK;
}

/* Metadata of a node's file, which must still be the same one. */
static int node_stat(host_dir *d, uint32_t i, struct statx *x, int *out_at, cn_err *err)
{
    *out_at = parent_fd(d, i);
    if (*out_at < 0 || stat_at(*out_at, i == 0 ? "." : name_of(d, i), x) != 0)
        return cn_fail_errno(err, "%s", i == 0 ? "the folder" : name_of(d, i));
    if (id_of(d, x) != d->nodes[i].id)
        return cn_fail(err, CN_E_NOT_FOUND, CN_NO_OFFSET, "%s has become another file",
                       name_of(d, i));
    return CN_OK;
}

static int host_stat(cn_fs *fs, uint64_t inode, cn_file_meta *out, cn_err *err)
{
    host_dir *d = (host_dir *) fs;
    uint32_t i = 0;
    struct statx x = {0};
    int at = -1, rc = find_node(d, inode, &i, err);
    if (rc == CN_OK)
        rc = node_stat(d, i, &x, &at, err);
    if (rc == CN_OK)
        put_meta(d, at, i == 0 ? "." : name_of(d, i), &x, out);
    return rc;
}

static int host_open_file(cn_fs *fs, uint64_t inode, cn_src **out, cn_err *err)
{
    host_dir *d = (host_dir *) fs;
    uint32_t i = 0;
    struct statx x = {0};
    int at = -1, rc = find_node(d, inode, &i, err);
    if (rc == CN_OK)
        rc = node_stat(d, i, &x, &at, err);
    if (rc != CN_OK)
        return rc;
    /* Only a regular file: opening a device or a pipe can do things. */
    if (type_of(x.stx_mode) != CN_FILE_REGULAR)
        return cn_fail(err, CN_E_UNSUPPORTED, CN_NO_OFFSET, "%s is no regular file", name_of(d, i));
    int fd =
        open_quietly(at, name_of(d, i), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd < 0)
        return cn_fail_errno(err, "%s", name_of(d, i));
    rc = cn_src_raw(fd, out, err);
    if (rc == CN_OK)
        (*out)->format = "file";
    else
        close(fd);
    return rc;
}

static int host_lookup(cn_fs *fs, cn_span path, uint64_t *out_inode, cn_err *err)
{
    host_dir *d = (host_dir *) fs;
    int fd = openat(d->root, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    struct statx x;
    if (!d->indexed && d->n_nodes == 0 && stat_at(d->root, "", &x) == 0) {
        d->root_major = x.stx_dev_major;
        d->root_minor = x.stx_dev_minor;
    }
    while (fd >= 0 && path.len) {
        cn_span part = cn_text_until(&path, '/');
        char name[NAME_MAX + 1];
        if (part.len == 0 || cn_span_is(part, "."))
            continue;
        int next = -1;
        errno = ENOENT;
        if (part.len < sizeof name && !cn_span_is(part, "..")) {
            memcpy(name, part.p, part.len);
            name[part.len] = 0;
            next = openat(fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
        }
        int kept = errno == ENOTDIR ? ENOENT : errno;
        close(fd);
        errno = kept;
        fd = next;
    }
    if (fd < 0)
        return cn_fail_errno(err, "no such name");
    int failed = stat_at(fd, "", &x);
    close(fd);
    if (failed)
        return cn_fail_errno(err, "no such name");
    *out_inode = id_of(d, &x);
    return CN_OK;
}

static int host_list(cn_fs *fs, uint64_t directory, cn_fs_name_fn name, void *context, cn_err *err)
{
    host_dir *d = (host_dir *) fs;
    uint32_t i;
    int rc = find_node(d, directory, &i, err);
    if (rc != CN_OK)
        return rc;
    DIR *dir = open_names(d, i);
    if (!dir)
        return errno == ENOTDIR
                   ? cn_fail(err, CN_E_NOT_FOUND, CN_NO_OFFSET, "inode %llu is no directory",
                             (unsigned long long) directory)
                   : cn_fail_errno(err, "%s", name_of(d, i));
    struct statx x;
    for (const struct dirent *e; rc == CN_OK && (e = readdir(dir));)
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0 &&
            stat_at(dirfd(dir), e->d_name, &x) == 0)
            rc = name(context, cn_span_str(e->d_name), id_of(d, &x));
    closedir(dir);
    return rc;
}

static void host_close(cn_fs *fs)
{
    host_dir *d = (host_dir *) fs;
    forget(d);
    close(d->root);
    cn_buf_free(&d->names);
    cn_buf_free(&d->link);
    free(d->nodes);
    free(d->by_id);
    free(d);
}

static const cn_fs_ops dir_ops = {
    .name = "dir",
    .walk = host_walk,
    .open_file = host_open_file,
    .stat = host_stat,
    .lookup = host_lookup,
    .list = host_list,
    .close = host_close,
};

int cn_fs_open_dir(int dir_fd, cn_fs **out, cn_err *err)
{
    host_dir *d = calloc(1, sizeof *d);
    struct stat st;
    int rc = CN_OK;
    if (!d)
        rc = cn_fail(err, CN_E_NO_MEMORY, CN_NO_OFFSET, "no memory for a folder");
    else if (fstat(dir_fd, &st) != 0)
        rc = cn_fail_errno(err, "the folder cannot be read");
    else if (!S_ISDIR(st.st_mode))
        rc = cn_fail(err, CN_E_ARG, CN_NO_OFFSET, "not a folder");
    if (rc != CN_OK) {
        free(d);
        close(dir_fd);
        return rc;
    }
    d->fs = (cn_fs){.ops = &dir_ops, .type = "dir"};
    d->root = dir_fd;
    d->at_fd = -1;
    d->at_node = NONE;
    d->names = cn_buf_of(NAMES_BYTES);
    d->link = cn_buf_of(LINK_BYTES * 2);
    *out = &d->fs;
    return CN_OK;
}
