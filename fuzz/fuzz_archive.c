/* Unpacks a mutated archive and reads what came of it; then opens what is unpacked already. */
#include "fs/archive/fs_archive.h"

#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { FILES_MAX = 32 };

typedef struct reading {
    uint64_t inodes[FILES_MAX];
    unsigned files;
} reading;

static int entry(void *context, const cn_fs_entry *e)
{
    reading *r = context;
    if (r->files < FILES_MAX)
        r->inodes[r->files++] = e->meta->inode;
    return CN_OK;
}

static void warning(void *context, const cn_fs_warning *w)
{
    (void) context;
    (void) strlen(w->text);
}

static void read_all(cn_src *src, int fd)
{
    const cn_archive_limits limits = {.bytes = CN_MIB(4), .entries = 1000};
    CN_CLEANUP(cn_fs_close_p) cn_fs *fs = NULL;
    if (cn_fs_open_archive(src, fd, &limits, &fs, NULL) != CN_OK)
        return;
    reading r = {0};
    cn_fs_visit visit = {entry, warning, &r};
    (void) !cn_fs_walk(fs, &visit, NULL);
    for (unsigned i = 0; i < r.files; i++) {
        CN_CLEANUP(cn_src_close_p) cn_src *content = NULL;
        uint8_t bytes[1000];
        size_t n;
        if (cn_fs_open_file(fs, r.inodes[i], &content, NULL) == CN_OK)
            (void) !cn_src_read_some(content, content->size / 2, bytes, sizeof bytes, &n, NULL);
    }
    uint64_t inode;
    (void) !cn_fs_lookup(fs, CN_SPAN_LIT("/a/../b"), true, &inode, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CN_CLEANUP(cn_src_close_p) cn_src *src = cn_src_memory(cn_span_of(data, size));
    if (!src || !cn_archive_probe(src))
        return 0;
    int fd = memfd_create("unpacked", MFD_CLOEXEC);
    if (fd < 0)
        return 0;
    read_all(src, fd);
    read_all(src, fd);
    close(fd);
    return 0;
}
