/* Walks a mutated ext image, looks names up, and reads its files. */
#include "fs/fs.h"
#include "sparse_source.h"

extern const cn_fs_ops cn_fs_ext_ops;
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ENTRIES_MAX = 20000, FILES_MAX = 64 };
#define IMAGE_MAX CN_MIB(64)

typedef struct reading {
    uint64_t inodes[FILES_MAX];
    unsigned entries, files;
    char path[512];
    size_t path_len;
} reading;

static int entry(void *context, const cn_fs_entry *e)
{
    reading *r = context;
    if (++r->entries > ENTRIES_MAX)
        return CN_E_LIMIT;
    if (e->path.len <= sizeof r->path) {
        memcpy(r->path, e->path.p, e->path.len);
        r->path_len = e->path.len;
    }
    if (r->files < FILES_MAX)
        r->inodes[r->files++] = e->meta->inode;
    return CN_OK;
}

static void read_file(cn_fs *fs, uint64_t inode)
{
    cn_src *content = NULL;
    cn_file_meta meta;
    (void) !cn_fs_stat(fs, inode, &meta, NULL);
    if (cn_fs_open_file(fs, inode, &content, NULL) != CN_OK)
        return;
    uint8_t bytes[5000];
    size_t n;
    (void) !cn_src_read_some(content, 0, bytes, sizeof bytes, &n, NULL);
    (void) !cn_src_read_some(content, content->size / 2, bytes, sizeof bytes, &n, NULL);
    (void) cn_src_next_data(content, content->size / 3);
    cn_src_close(content);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    cn_src *src = sparse_open(cn_span_of(data, size));
    cn_fs *fs = NULL;
    if (src && src->size <= IMAGE_MAX && cn_fs_ext_ops.probe(src) &&
        cn_fs_ext_ops.open(src, &fs, NULL) == CN_OK) {
        reading r = {0};
        cn_fs_visit visit = {entry, NULL, &r};
        (void) !cn_fs_walk(fs, &visit, NULL);
        for (unsigned i = 0; i < r.files; i++)
            read_file(fs, r.inodes[i]);
        uint64_t inode;
        (void) !cn_fs_lookup(fs, cn_span_of(r.path, r.path_len), true, &inode, NULL);
        cn_fs_close(fs);
    }
    cn_src_close(src);
    return 0;
}
