#include "fs/single/fs_single.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

enum { ROOT = 1, THE_FILE = 2 };

typedef struct single {
    cn_fs fs;
    cn_src *content;
    cn_file_meta meta;
    cn_buf path; /* with the slash before it */
} single;

static void root_meta(const single *s, cn_file_meta *out)
{
    *out = (cn_file_meta){.inode = ROOT,
                          .inode_offset = CN_NO_OFFSET,
                          .type = CN_FILE_DIRECTORY,
                          .mode = S_IFDIR | 0555,
                          .uid = s->meta.uid,
                          .gid = s->meta.gid,
                          .links = 2};
}

static int single_stat(cn_fs *fs, uint64_t inode, cn_file_meta *out, cn_err *err)
{
    const single *s = (const single *) fs;
    if (inode == ROOT)
        root_meta(s, out);
    else if (inode == THE_FILE)
        *out = s->meta;
    else
        return cn_fail(err, CN_E_NOT_FOUND, CN_NO_OFFSET, "there is no inode %llu",
                       (unsigned long long) inode);
    return CN_OK;
}

static int single_walk(cn_fs *fs, const cn_fs_visit *visit, cn_err *err)
{
    (void) err;
    single *s = (single *) fs;
    cn_file_meta meta;
    root_meta(s, &meta);
    cn_fs_entry root = {CN_SPAN_LIT("/"), &meta};
    cn_fs_entry file = {cn_buf_span(&s->path), &s->meta};
    int rc = visit->entry(visit->context, &root);
    return rc == CN_OK ? visit->entry(visit->context, &file) : rc;
}

static int single_open_file(cn_fs *fs, uint64_t inode, cn_src **out, cn_err *err)
{
    single *s = (single *) fs;
    if (inode != THE_FILE)
        return cn_fail(err, CN_E_NOT_FOUND, CN_NO_OFFSET, "there is no file of inode %llu",
                       (unsigned long long) inode);
    cn_src *window = cn_src_window(s->content, 0, s->content->size);
    if (!window)
        return cn_fail(err, CN_E_NO_MEMORY, CN_NO_OFFSET, "no memory for a file");
    window->format = "file";
    *out = window;
    return CN_OK;
}

static int single_lookup(cn_fs *fs, cn_span path, uint64_t *out_inode, cn_err *err)
{
    const single *s = (const single *) fs;
    if (path.len == 0 || cn_span_is(path, "/"))
        *out_inode = ROOT;
    else if (cn_span_eq(path, cn_buf_span(&s->path)))
        *out_inode = THE_FILE;
    else
        return cn_fail(err, CN_E_NOT_FOUND, CN_NO_OFFSET, "no such name");
    return CN_OK;
}

static int single_list(cn_fs *fs, uint64_t directory, cn_fs_name_fn name, void *context,
                       cn_err *err)
{
    const single *s = (const single *) fs;
    if (directory != ROOT)
        return cn_fail(err, CN_E_NOT_FOUND, CN_NO_OFFSET, "inode %llu is no directory",
                       (unsigned long long) directory);
    return name(context, cn_span_sub(cn_buf_span(&s->path), 1, s->path.len), THE_FILE);
}

static void single_close(cn_fs *fs)
{
    single *s = (single *) fs;
    cn_buf_free(&s->path);
    free(s);
}

static const cn_fs_ops single_ops = {
    .name = "single",
    .walk = single_walk,
    .open_file = single_open_file,
    .stat = single_stat,
    .lookup = single_lookup,
    .list = single_list,
    .close = single_close,
};

int cn_fs_open_single(cn_src *src, cn_span name, const cn_file_meta *meta, cn_fs **out, cn_err *err)
{
    single *s = calloc(1, sizeof *s);
    if (!s)
        return cn_fail(err, CN_E_NO_MEMORY, CN_NO_OFFSET, "no memory for a file");
    s->fs = (cn_fs){.ops = &single_ops, .src = src, .type = "file", .size = src->size};
    s->content = src;
    s->meta = *meta;
    s->meta.inode = THE_FILE;
    s->meta.inode_offset = CN_NO_OFFSET;
    s->meta.type = CN_FILE_REGULAR;
    s->meta.size = src->size;
    s->meta.link_target = s->meta.attribute_names = (cn_span){NULL, 0};
    s->path = cn_buf_of(CN_KIB(64));
    cn_buf_char(&s->path, '/');
    cn_buf_bytes(&s->path, name);
    if (s->path.failed) {
        single_close(&s->fs);
        return cn_fail(err, CN_E_ARG, CN_NO_OFFSET, "the file's name is too long");
    }
    *out = &s->fs;
    return CN_OK;
}
