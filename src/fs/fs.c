/* The list of file systems, and what is the same for all of them. */
#include "fs/fs.h"

#include "base/buf.h"

#define CN_FS(name) extern const cn_fs_ops cn_fs_##name##_ops;
#include "fs/filesystems.def"
#undef CN_FS

static const cn_fs_ops *const readers[] = {
#define CN_FS(name) &cn_fs_##name##_ops,
#include "fs/filesystems.def"
#undef CN_FS
    NULL,
};

#define LINKS_MAX      40          /* as Linux has it */
#define PATH_MAX_BYTES CN_KIB(256) /* of a path whose links are being put in */

int cn_fs_open(cn_src *src, cn_fs **out, cn_err *err)
{
    unsigned bits[CN_LEN(readers)] = {0};
    for (size_t i = 0; readers[i]; i++)
        bits[i] = readers[i]->probe(src);
    int code = CN_OK;
    for (;;) {
        size_t best = CN_LEN(readers) - 1;
        for (size_t i = 0; readers[i]; i++)
            if (bits[i] > bits[best])
                best = i;
        if (!readers[best])
            break;
        bits[best] = 0;
        /* The surest reader's fault is the one that is told. */
        cn_err *tell = code == CN_OK ? err : NULL;
        int rc = readers[best]->open(src, out, tell);
        if (rc == CN_OK)
            return CN_OK;
        code = code == CN_OK ? rc : code;
    }
    if (code != CN_OK)
        return code;
    return cn_fail(err, CN_E_UNSUPPORTED, CN_NO_OFFSET, "no file system that Cairn knows");
}

int cn_fs_walk(cn_fs *fs, const cn_fs_visit *visit, cn_err *err)
{
    return fs->ops->walk(fs, visit, err);
}

int cn_fs_open_file(cn_fs *fs, uint64_t inode, cn_src **out, cn_err *err)
{
    return fs->ops->open_file(fs, inode, out, err);
}

int cn_fs_stat(cn_fs *fs, uint64_t inode, cn_file_meta *out, cn_err *err)
{
    return fs->ops->stat(fs, inode, out, err);
}

int cn_fs_list(cn_fs *fs, uint64_t directory, cn_fs_name_fn name, void *context, cn_err *err)
{
    if (!fs->ops->list)
        return cn_fail(err, CN_E_UNSUPPORTED, CN_NO_OFFSET, "%s is not listed by directory",
                       fs->type);
    return fs->ops->list(fs, directory, name, context, err);
}

/* The next part of a path between slashes; empty at its end. */
static cn_span next_part(cn_span *path)
{
    while (path->len && path->p[0] == '/')
        *path = cn_span_sub(*path, 1, path->len);
    const uint8_t *slash = path->len ? memchr(path->p, '/', path->len) : NULL;
    cn_span part = cn_span_sub(*path, 0, slash ? (size_t) (slash - path->p) : path->len);
    *path = cn_span_sub(*path, part.len, path->len);
    return part;
}

/* Takes the last part off a path that has no slash at its end. */
static void drop_part(cn_buf *path)
{
    while (path->len && path->p[path->len - 1] != '/')
        path->len--;
    if (path->len)
        path->len--;
}

/* Part by part: `done` is what has been walked and holds no links, `rest` what is still to go. */
static int follow_parts(cn_fs *fs, cn_buf *done, cn_buf *rest, uint64_t *out_inode, cn_err *err)
{
    unsigned links = 0;
    int rc = fs->ops->lookup(fs, CN_SPAN_LIT("/"), out_inode, err);
    cn_span todo = cn_buf_span(rest);
    for (cn_span part = next_part(&todo); rc == CN_OK && part.len; part = next_part(&todo)) {
        if (cn_span_is(part, "."))
            continue;
        size_t before = done->len;
        if (cn_span_is(part, "..")) {
            drop_part(done);
            before = done->len;
        } else {
            cn_buf_char(done, '/');
            cn_buf_bytes(done, part);
        }
        if (done->failed)
            return cn_fail(err, CN_E_LIMIT, CN_NO_OFFSET, "a path grows too long");
        rc = fs->ops->lookup(fs, done->len ? cn_buf_span(done) : CN_SPAN_LIT("/"), out_inode, err);
        cn_file_meta meta;
        if (rc == CN_OK)
            rc = fs->ops->stat(fs, *out_inode, &meta, err);
        if (rc != CN_OK || meta.type != CN_FILE_LINK)
            continue;
        if (++links > LINKS_MAX)
            return cn_fail(err, CN_E_NOT_FOUND, CN_NO_OFFSET, "more than %d symbolic links",
                           LINKS_MAX);
        CN_CLEANUP(cn_buf_free) cn_buf next = cn_buf_of(PATH_MAX_BYTES);
        cn_buf_bytes(&next, meta.link_target);
        cn_buf_char(&next, '/');
        cn_buf_bytes(&next, todo);
        if (next.failed || !next.p)
            return cn_fail(err, CN_E_LIMIT, CN_NO_OFFSET, "a path grows too long");
        done->len = cn_span_starts(meta.link_target, "/") ? 0 : before;
        cn_buf_clear(rest);
        cn_buf_bytes(rest, cn_buf_span(&next));
        todo = cn_buf_span(rest);
    }
    return rc;
}

int cn_fs_lookup(cn_fs *fs, cn_span path, bool follow, uint64_t *out_inode, cn_err *err)
{
    if (!follow)
        return fs->ops->lookup(fs, path, out_inode, err);
    CN_CLEANUP(cn_buf_free) cn_buf done = cn_buf_of(PATH_MAX_BYTES);
    CN_CLEANUP(cn_buf_free) cn_buf rest = cn_buf_of(PATH_MAX_BYTES);
    cn_buf_bytes(&rest, path);
    if (rest.failed)
        return cn_fail(err, CN_E_LIMIT, CN_NO_OFFSET, "the path is too long");
    uint64_t inode = 0;
    int rc = follow_parts(fs, &done, &rest, &inode, err);
    if (rc == CN_OK)
        *out_inode = inode;
    return rc;
}

cn_fs *cn_fs_close(cn_fs *fs)
{
    if (fs)
        fs->ops->close(fs);
    return NULL;
}
