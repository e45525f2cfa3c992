/* The content of a file as a byte source: runs of blocks, or what stands in the inode itself. */
#include "fs/ext/ext.h"

#include <stdlib.h>

typedef struct ext_file {
    cn_src base;
    cn_ext_map map;
    bool inlined;
    uint8_t *bytes; /* of inline data, zeros where it ends early */
} ext_file;

static int read_run(ext_file *f, const cn_ext_run *run, uint64_t skip, uint8_t *out, size_t n,
                    cn_err *err)
{
    cn_ext *ext = f->map.ext;
    if (run->kind != CN_EXT_DATA) {
        memset(out, 0, n);
        return CN_OK;
    }
    uint64_t at;
    if (!cn_mul(run->physical, ext->super.block_size, &at) || !cn_add(at, skip, &at)) {
        memset(out, 0, n);
        return cn_fail(err, CN_E_CORRUPT, CN_NO_OFFSET, "a block number is out of range");
    }
    size_t got = 0;
    int rc = cn_src_read_some(ext->fs.src, at, out, n, &got, err);
    if (rc != CN_OK)
        return rc; /* the source has filled what it could and put zeros behind */
    if (got == n)
        return CN_OK;
    memset(out + got, 0, n - got);
    return cn_fail(err, CN_E_TRUNCATED, at + got, "the image ends inside the file's content");
}

/* What can be read is read, whatever lies damaged between; the first fault is returned. */
static int file_read(cn_src *src, uint64_t offset, void *out, size_t n, cn_err *err)
{
    ext_file *f = (ext_file *) src;
    if (f->inlined) {
        memcpy(out, f->bytes + offset, n);
        return CN_OK;
    }
    uint32_t block_size = f->map.ext->super.block_size;
    uint8_t *to = out;
    int first = CN_OK;
    while (n) {
        cn_ext_run run;
        uint64_t skip = offset % block_size;
        cn_err *tell = first == CN_OK ? err : NULL;
        int rc = cn_ext_map_at(&f->map, offset / block_size, &run, tell);
        uint64_t bytes =
            run.blocks > UINT64_MAX / block_size ? UINT64_MAX : run.blocks * block_size;
        size_t step = (size_t) CN_MIN(bytes - skip, (uint64_t) n);
        if (rc == CN_OK)
            rc = read_run(f, &run, skip, to, step, tell);
        else
            memset(to, 0, step);
        if (first == CN_OK)
            first = rc;
        to += step;
        offset += step;
        n -= step;
    }
    return first;
}

static uint64_t file_next_data(cn_src *src, uint64_t offset)
{
    ext_file *f = (ext_file *) src;
    uint32_t block_size = f->map.ext->super.block_size;
    while (!f->inlined && offset < src->size) {
        cn_ext_run run;
        uint64_t block = offset / block_size;
        if (cn_ext_map_at(&f->map, block, &run, NULL) != CN_OK || run.kind == CN_EXT_DATA)
            return offset;
        uint64_t next;
        if (!cn_add(block, run.blocks, &next) || !cn_mul(next, block_size, &next))
            return src->size;
        offset = next;
    }
    return CN_MIN(offset, src->size);
}

static void file_close(cn_src *src)
{
    ext_file *f = (ext_file *) src;
    cn_ext_map_free(&f->map);
    free(f->bytes);
    free(f);
}

static const cn_src_ops file_ops = {file_read, file_next_data, file_close};

/* Copies i_block and the attribute behind it. */
static int take_inline(ext_file *f, const cn_ext_inode *inode, cn_err *err)
{
    size_t size = (size_t) CN_MIN(f->base.size, CN_EXT_INLINE_MAX);
    f->bytes = calloc(1, size + 1);
    if (!f->bytes)
        return cn_fail(err, CN_E_NO_MEMORY, CN_NO_OFFSET, "no memory for a file");
    f->base.size = size;
    f->inlined = true;
    cn_span head = cn_span_sub(inode->block, 0, size);
    if (head.len)
        memcpy(f->bytes, head.p, head.len);
    cn_span tail = cn_span_sub(cn_ext_xattr_inline(inode), 0, size - head.len);
    if (tail.len)
        memcpy(f->bytes + head.len, tail.p, tail.len);
    return CN_OK;
}

int cn_ext_file_open(cn_ext *ext, const cn_ext_inode *inode, cn_src **out, cn_err *err)
{
    ext_file *f = calloc(1, sizeof *f);
    if (!f)
        return cn_fail(err, CN_E_NO_MEMORY, CN_NO_OFFSET, "no memory for a file");
    f->base = (cn_src){&file_ops, inode->size, 512, "file"};
    cn_ext_map_init(&f->map, ext, inode);
    cn_file_type type = cn_ext_type_of_mode(inode->mode);
    bool fast_link = type == CN_FILE_LINK && !(inode->flags & CN_EXT_FL_EXTENTS) &&
                     inode->size < CN_EXT_I_BLOCK_BYTES;
    if (type != CN_FILE_REGULAR && type != CN_FILE_DIRECTORY && type != CN_FILE_LINK)
        f->base.size = 0; /* devices and the like have no content: i_block is something else */
    int rc =
        (inode->flags & CN_EXT_FL_INLINE_DATA) || fast_link ? take_inline(f, inode, err) : CN_OK;
    if (rc != CN_OK)
        return file_close(&f->base), rc;
    *out = &f->base;
    return CN_OK;
}
