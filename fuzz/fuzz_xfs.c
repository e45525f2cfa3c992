/* Walks a mutated XFS image and reads the first bytes of its files. */
#include "fs/fs.h"
#include "sparse_source.h"

extern const cn_fs_ops cn_fs_xfs_ops;
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ENTRIES_MAX = 20000, FILES_MAX = 64 };

typedef struct reading {
    cn_fs *fs;
    unsigned entries, files;
} reading;

static int entry(void *context, const cn_fs_entry *e)
{
    reading *r = context;
    if (++r->entries > ENTRIES_MAX)
        return CN_E_LIMIT;
    cn_src *content = NULL;
    if (e->meta->type != CN_FILE_REGULAR || ++r->files > FILES_MAX ||
        cn_fs_open_file(r->fs, e->meta->inode, &content, NULL) < 0)
        return CN_OK;
    uint8_t bytes[5000];
    size_t n;
    (void) !cn_src_read_some(content, 0, bytes, sizeof bytes, &n, NULL);
    (void) !cn_src_read_some(content, content->size / 2, bytes, sizeof bytes, &n, NULL);
    cn_src_close(content);
    return CN_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    cn_src *src = sparse_open(cn_span_of(data, size));
    cn_fs *fs = NULL;
    if (src && cn_fs_xfs_ops.probe(src) && cn_fs_xfs_ops.open(src, &fs, NULL) == CN_OK) {
        reading r = {.fs = fs};
        cn_fs_visit visit = {entry, NULL, &r};
        (void) !cn_fs_walk(fs, &visit, NULL);
        cn_fs_close(fs);
    }
    cn_src_close(src);
    return 0;
}
