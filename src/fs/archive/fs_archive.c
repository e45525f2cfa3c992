#include "fs/archive/unpack.h"

#include "base/cur.h"
#include "base/hash.h"
#include "img/image.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define NONE UINT32_MAX
enum { ROOT = 1 };

/* A name: of a record of the index, or of a folder that none is about but others lie in. */
typedef struct name {
    cn_span path;
    uint64_t record; /* offset in the index; UINT64_MAX of a folder without one */
    uint32_t same;   /* the name whose inode it shares: itself, but of a hard link */
} name;

typedef struct unpacked {
    cn_fs fs;
    cn_src *file;
    uint8_t *index;
    size_t index_bytes;
    name *names; /* 0 is the root; inode numbers are one more */
    uint32_t n_names, room;
    uint32_t *by_path; /* a table of a power of two */
    size_t by_path_mask;
} unpacked;

typedef struct record {
    uint8_t kind, times, type;
    cn_file_meta meta;
    uint64_t content;
    cn_span path, link;
} record;

/* --- Records. */

static int read_record(const unpacked *u, uint64_t offset, record *out, uint64_t *out_next)
{
    cn_cur whole = cn_cur_of(cn_span_of(u->index, u->index_bytes), 0);
    cn_cur_seek(&whole, offset);
    cn_cur peek = whole;
    cn_cur c = cn_cur_sub(&whole, cn_cur_le32(&peek));
    *out = (record){0};
    cn_file_meta *m = &out->meta;
    cn_cur_skip(&c, 4);
    out->kind = cn_cur_u8(&c);
    out->times = cn_cur_u8(&c);
    out->type = cn_cur_u8(&c);
    cn_cur_skip(&c, 1);
    m->mode = cn_cur_le32(&c);
    m->uid = cn_cur_le32(&c);
    m->gid = cn_cur_le32(&c);
    m->device_major = cn_cur_le32(&c);
    m->device_minor = cn_cur_le32(&c);
    uint32_t path = cn_cur_le32(&c), link = cn_cur_le32(&c), attributes = cn_cur_le32(&c);
    m->size = cn_cur_le64(&c);
    out->content = cn_cur_le64(&c);
    m->inode_offset = cn_cur_le64(&c);
    static const uint8_t order[] = {CN_FT_M, CN_FT_A, CN_FT_C, CN_FT_B};
    for (unsigned i = 0; i < CN_LEN(order); i++) {
        m->time_ns[order[i]] = (int64_t) cn_cur_le64(&c);
        m->has_time[order[i]] = out->times >> i & 1;
    }
    out->path = cn_cur_span(&c, path);
    out->link = cn_cur_span(&c, link);
    m->attribute_names = cn_cur_span(&c, attributes);
    m->type = out->type <= CN_FILE_OTHER ? (cn_file_type) out->type : CN_FILE_OTHER;
    m->links = 1;
    if (m->type == CN_FILE_LINK && out->kind == CN_UNPACK_ENTRY)
        m->link_target = out->link;
    if (c.fail || out->path.len == 0)
        return CN_E_CORRUPT;
    *out_next = whole.pos;
    return CN_OK;
}

/* --- Names. */

static uint32_t *slot_of(const unpacked *u, cn_span path)
{
    size_t i = (size_t) cn_hash64(path) & u->by_path_mask;
    while (u->by_path[i] != NONE && !cn_span_eq(u->names[u->by_path[i]].path, path))
        i = (i + 1) & u->by_path_mask;
    return &u->by_path[i];
}

static bool grow(unpacked *u)
{
    uint32_t room = u->room ? u->room * 2 : 1024;
    name *names = room > u->room ? realloc(u->names, room * sizeof *names) : NULL;
    if (!names)
        return false;
    u->names = names;
    uint32_t *table = malloc((size_t) room * 2 * sizeof *table);
    if (!table)
        return false;
    memset(table, 0xff, (size_t) room * 2 * sizeof *table);
    free(u->by_path);
    u->by_path = table;
    u->by_path_mask = (size_t) room * 2 - 1;
    u->room = room;
    for (uint32_t i = 0; i < u->n_names; i++)
        *slot_of(u, names[i].path) = i;
    return true;
}

/* A path that comes twice leads to the later one, as when the archive is unpacked. */
static bool add_name(unpacked *u, cn_span path, uint64_t at, uint32_t same)
{
    if (u->n_names == u->room && !grow(u))
        return false;
    u->names[u->n_names] = (name){path, at, same == NONE ? u->n_names : same};
    *slot_of(u, path) = u->n_names++;
    return true;
}

static cn_span parent_of(cn_span path)
{
    while (path.len && path.p[path.len - 1] != '/')
        path.len--;
    return cn_span_sub(path, 0, path.len > 1 ? path.len - 1 : path.len);
}

/* Folders that only the paths of others speak of. */
static bool add_parents(unpacked *u)
{
    uint32_t recorded = u->n_names;
    for (uint32_t i = 0; i < recorded; i++)
        for (cn_span p = parent_of(u->names[i].path); p.len > 1; p = parent_of(p)) {
            if (*slot_of(u, p) != NONE)
                break;
            if (!add_name(u, p, UINT64_MAX, NONE))
                return false;
        }
    return true;
}

static int load_names(unpacked *u, cn_err *err)
{
    uint64_t next;
    bool room = add_name(u, CN_SPAN_LIT("/"), UINT64_MAX, NONE);
    for (uint64_t at = 0; room && at < u->index_bytes; at = next) {
        record r;
        if (read_record(u, at, &r, &next) != CN_OK)
            return cn_fail(err, CN_E_CORRUPT, CN_NO_OFFSET, "the unpacked archive is damaged");
        if (r.kind == CN_UNPACK_WARNING)
            continue;
        if (cn_span_is(r.path, "/")) {
            u->names[0].record = at;
            continue;
        }
        uint32_t same = NONE;
        if (r.kind == CN_UNPACK_HARD_LINK && (same = *slot_of(u, r.link)) != NONE)
            same = u->names[same].same;
        room = add_name(u, r.path, at, same);
    }
    if (!room || !add_parents(u))
        return cn_fail(err, CN_E_NO_MEMORY, CN_NO_OFFSET, "no memory for an archive's names");
    return CN_OK;
}

/* --- The file system. */

/* Metadata of a name; the content's offset is 0 where there is none. */
static int meta_of(const unpacked *u, uint32_t i, cn_file_meta *out, uint64_t *out_content)
{
    uint64_t next, at = u->names[u->names[i].same].record;
    if (at == UINT64_MAX) {
        *out = (cn_file_meta){.inode_offset = CN_NO_OFFSET,
                              .type = CN_FILE_DIRECTORY,
                              .mode = S_IFDIR | 0555,
                              .links = 1};
        *out_content = 0;
    } else {
        record r;
        if (read_record(u, at, &r, &next) != CN_OK)
            return CN_E_CORRUPT;
        *out = r.meta;
        *out_content = r.content;
    }
    out->inode = (uint64_t) u->names[i].same + ROOT;
    return CN_OK;
}

static int archive_walk(cn_fs *fs, const cn_fs_visit *visit, cn_err *err)
{
    const unpacked *u = (const unpacked *) fs;
    int rc = CN_OK;
    uint64_t next;
    for (uint32_t i = 0; rc == CN_OK && i < u->n_names; i++) {
        cn_file_meta meta;
        uint64_t content;
        if (meta_of(u, i, &meta, &content) != CN_OK)
            return cn_fail(err, CN_E_CORRUPT, CN_NO_OFFSET, "the unpacked archive is damaged");
        cn_fs_entry entry = {u->names[i].path, &meta};
        rc = visit->entry(visit->context, &entry);
    }
    for (uint64_t at = 0; rc == CN_OK && visit->warning && at < u->index_bytes; at = next) {
        record r;
        if (read_record(u, at, &r, &next) != CN_OK)
            break;
        if (r.kind != CN_UNPACK_WARNING)
            continue;
        CN_CLEANUP(cn_buf_free) cn_buf text = cn_buf_of(CN_KIB(4));
        cn_buf_bytes(&text, cn_span_sub(r.path, 0, CN_KIB(3)));
        cn_fs_warning w = {-(int) CN_MIN(r.meta.mode, 100u), r.meta.inode_offset, 0,
                           cn_buf_cstr(&text)};
        visit->warning(visit->context, &w);
    }
    return rc;
}

static int archive_find(const unpacked *u, uint64_t inode, cn_file_meta *out, uint64_t *out_content,
                        cn_err *err)
{
    if (inode < ROOT || inode - ROOT >= u->n_names ||
        meta_of(u, (uint32_t) (inode - ROOT), out, out_content) != CN_OK)
        return cn_fail(err, CN_E_NOT_FOUND, CN_NO_OFFSET, "there is no inode %llu",
                       (unsigned long long) inode);
    return CN_OK;
}

static int archive_stat(cn_fs *fs, uint64_t inode, cn_file_meta *out, cn_err *err)
{
    uint64_t content;
    return archive_find((const unpacked *) fs, inode, out, &content, err);
}

static int archive_open_file(cn_fs *fs, uint64_t inode, cn_src **out, cn_err *err)
{
    unpacked *u = (unpacked *) fs;
    cn_file_meta meta;
    uint64_t content, end;
    int rc = archive_find(u, inode, &meta, &content, err);
    if (rc != CN_OK)
        return rc;
    if (content == 0)
        meta.size = 0;
    if (!cn_add(content, meta.size, &end) || end > u->file->size)
        return cn_fail(err, CN_E_CORRUPT, CN_NO_OFFSET, "the unpacked archive is damaged");
    cn_src *window = cn_src_window(u->file, content, meta.size);
    if (!window)
        return cn_fail(err, CN_E_NO_MEMORY, CN_NO_OFFSET, "no memory for a file");
    window->format = "file";
    *out = window;
    return CN_OK;
}

static int archive_lookup(cn_fs *fs, cn_span path, uint64_t *out_inode, cn_err *err)
{
    const unpacked *u = (const unpacked *) fs;
    while (path.len > 1 && path.p[path.len - 1] == '/')
        path.len--;
    uint32_t i = path.len == 0 ? 0 : *slot_of(u, path);
    if (i == NONE)
        return cn_fail(err, CN_E_NOT_FOUND, CN_NO_OFFSET, "no such name");
    *out_inode = (uint64_t) u->names[i].same + ROOT;
    return CN_OK;
}

static int archive_list(cn_fs *fs, uint64_t directory, cn_fs_name_fn tell, void *context,
                        cn_err *err)
{
    const unpacked *u = (const unpacked *) fs;
    cn_file_meta meta;
    uint64_t content;
    int rc = archive_find(u, directory, &meta, &content, err);
    if (rc == CN_OK && meta.type != CN_FILE_DIRECTORY)
        return cn_fail(err, CN_E_NOT_FOUND, CN_NO_OFFSET, "inode %llu is no directory",
                       (unsigned long long) directory);
    if (rc != CN_OK)
        return rc;
    cn_span of = u->names[directory - ROOT].path;
    for (uint32_t i = 1; rc == CN_OK && i < u->n_names; i++) {
        cn_span path = u->names[i].path, parent = parent_of(path);
        /* Of a path that comes twice the later counts. */
        if (!cn_span_eq(parent, of) || *slot_of(u, path) != i)
            continue;
        size_t from = parent.len > 1 ? parent.len + 1 : 1;
        rc = tell(context, cn_span_sub(path, from, path.len), (uint64_t) u->names[i].same + ROOT);
    }
    return rc;
}

static void archive_close(cn_fs *fs)
{
    unpacked *u = (unpacked *) fs;
    cn_src_close(u->file);
    free(u->index);
    free(u->names);
    free(u->by_path);
    free(u);
}

static const cn_fs_ops archive_ops = {
    .name = "archive",
    .walk = archive_walk,
    .open_file = archive_open_file,
    .stat = archive_stat,
    .lookup = archive_lookup,
    .list = archive_list,
    .close = archive_close,
};

/* --- Opening. */

/* CN_E_NOT_FOUND where the archive has not been unpacked into the file. */
static int read_head(int fd, uint64_t key, uint64_t *out_at, uint64_t *out_bytes,
                     uint64_t *out_hash)
{
    uint8_t head[CN_UNPACK_HEAD_BYTES] = {0};
    if (pread(fd, head, sizeof head, 0) < (ssize_t) sizeof head)
        return CN_E_NOT_FOUND;
    cn_cur c = cn_cur_of(cn_span_of(head, sizeof head), 0);
    bool ours = cn_span_is(cn_cur_span(&c, 8), "CNUNPAK1");
    bool same = cn_cur_le64(&c) == key;
    *out_at = cn_cur_le64(&c);
    *out_bytes = cn_cur_le64(&c);
    *out_hash = cn_cur_le64(&c);
    return ours && same && *out_bytes <= CN_UNPACK_INDEX_MAX ? CN_OK : CN_E_NOT_FOUND;
}

/* One process at a time: the second finds the work done. A file that cannot be locked is the
 * caller's alone. */
static void set_lock(int fd, short type)
{
    struct flock lock = {.l_type = type, .l_whence = SEEK_SET, .l_start = 0, .l_len = 1};
    while (fcntl(fd, F_SETLKW, &lock) != 0 && errno == EINTR)
        continue;
}

static int load(unpacked *u, int fd, uint64_t key, cn_err *err)
{
    uint64_t at, bytes, hash;
    if (read_head(fd, key, &at, &bytes, &hash) != CN_OK)
        return cn_fail(err, CN_E_CORRUPT, CN_NO_OFFSET, "the unpacked archive is damaged");
    int rc = cn_src_borrow_fd(fd, 512, &u->file, err);
    if (rc != CN_OK)
        return rc;
    u->index = malloc((size_t) bytes + 1);
    u->index_bytes = (size_t) bytes;
    if (!u->index)
        return cn_fail(err, CN_E_NO_MEMORY, CN_NO_OFFSET, "no memory for an archive's names");
    rc = cn_src_read(u->file, at, u->index, u->index_bytes, err);
    if (rc != CN_OK)
        return rc;
    if (cn_hash64(cn_span_of(u->index, u->index_bytes)) != hash)
        return cn_fail(err, CN_E_CORRUPT, CN_NO_OFFSET, "the unpacked archive is damaged");
    return load_names(u, err);
}

int cn_fs_open_archive(cn_src *src, int unpacked_fd, const cn_archive_limits *limits, cn_fs **out,
                       cn_err *err)
{
    uint64_t key, at, bytes, hash;
    int rc = cn_unpack_key(src, &key, err);
    if (rc != CN_OK)
        return rc;
    set_lock(unpacked_fd, F_WRLCK);
    if (read_head(unpacked_fd, key, &at, &bytes, &hash) != CN_OK)
        rc = cn_unpack(src, unpacked_fd, key, limits, err);
    set_lock(unpacked_fd, F_UNLCK);
    if (rc != CN_OK)
        return rc;
    unpacked *u = calloc(1, sizeof *u);
    if (!u)
        return cn_fail(err, CN_E_NO_MEMORY, CN_NO_OFFSET, "no memory for an archive");
    u->fs = (cn_fs){.ops = &archive_ops, .type = "archive", .size = src->size};
    rc = load(u, unpacked_fd, key, err);
    if (rc != CN_OK) {
        archive_close(&u->fs);
        return rc;
    }
    *out = &u->fs;
    return CN_OK;
}
