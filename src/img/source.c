#include "img/source.h"

#include "img/image.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

int cn_src_read(cn_src *src, uint64_t offset, void *out, size_t n, cn_err *err)
{
    if (offset > src->size || n > src->size - offset)
        return cn_fail(err, CN_E_TRUNCATED, offset, "the data ends at %llu",
                       (unsigned long long) src->size);
    return n ? src->ops->read(src, offset, out, n, err) : CN_OK;
}

int cn_src_read_some(cn_src *src, uint64_t offset, void *out, size_t n, size_t *out_n, cn_err *err)
{
    uint64_t left = offset < src->size ? src->size - offset : 0;
    size_t want = (size_t) CN_MIN(left, (uint64_t) n);
    int r = want ? src->ops->read(src, offset, out, want, err) : CN_OK;
    if (r == CN_OK)
        *out_n = want;
    return r;
}

uint64_t cn_src_next_data(cn_src *src, uint64_t offset)
{
    if (offset >= src->size)
        return src->size;
    return src->ops->next_data ? src->ops->next_data(src, offset) : offset;
}

cn_src *cn_src_close(cn_src *src)
{
    if (src)
        src->ops->close(src);
    return NULL;
}

/* --- A file or block device. */

typedef struct raw_src {
    cn_src base;
    int fd;
    bool owned;
} raw_src;

static int raw_read(cn_src *src, uint64_t offset, void *out, size_t n, cn_err *err)
{
    const raw_src *raw = (const raw_src *) src;
    size_t done = 0;
    while (done < n) {
        ssize_t r = pread(raw->fd, (char *) out + done, n - done, (off_t) (offset + done));
        if (r > 0) {
            done += (size_t) r;
            continue;
        }
        if (r < 0 && errno == EINTR)
            continue;
        memset((char *) out + done, 0, n - done);
        if (r == 0)
            return cn_fail(err, CN_E_TRUNCATED, offset + done, "the file has become shorter");
        int code = cn_fail_errno(err, "read");
        if (err)
            err->offset = offset + done;
        return code;
    }
    return CN_OK;
}

static uint64_t raw_next_data(cn_src *src, uint64_t offset)
{
    const raw_src *raw = (const raw_src *) src;
    off_t at = lseek(raw->fd, (off_t) offset, SEEK_DATA);
    if (at >= 0)
        return CN_MIN((uint64_t) at, src->size);
    return errno == ENXIO ? src->size : offset; /* a block device knows no holes: EINVAL */
}

static void raw_close(cn_src *src)
{
    raw_src *raw = (raw_src *) src;
    if (raw->owned)
        close(raw->fd);
    free(raw);
}

static const cn_src_ops raw_ops = {raw_read, raw_next_data, raw_close};

static int open_raw(int fd, bool owned, uint32_t sector_size, cn_src **out, cn_err *err)
{
    /* Of a block device fstat says 0; where its end is, lseek says of both. */
    off_t end = lseek(fd, 0, SEEK_END);
    if (end < 0)
        return cn_fail_errno(err, "the size cannot be found out");
    raw_src *raw = calloc(1, sizeof *raw);
    if (!raw)
        return cn_fail(err, CN_E_NO_MEMORY, CN_NO_OFFSET, "no memory");
    raw->base = (cn_src){&raw_ops, (uint64_t) end, sector_size ? sector_size : 512, "raw"};
    raw->fd = fd;
    raw->owned = owned;
    *out = &raw->base;
    return CN_OK;
}

int cn_src_raw(int fd, cn_src **out, cn_err *err) { return open_raw(fd, true, 0, out, err); }

int cn_src_borrow_fd(int fd, uint32_t sector_size, cn_src **out, cn_err *err)
{
    return open_raw(fd, false, sector_size, out, err);
}

/* --- A window of another source. */

typedef struct window_src {
    cn_src base;
    cn_src *parent;
    uint64_t offset;
} window_src;

static int window_read(cn_src *src, uint64_t offset, void *out, size_t n, cn_err *err)
{
    const window_src *w = (const window_src *) src;
    int r = w->parent->ops->read(w->parent, w->offset + offset, out, n, err);
    if (r != CN_OK && err && err->offset != CN_NO_OFFSET && err->offset >= w->offset)
        err->offset -= w->offset;
    return r;
}

static uint64_t window_next_data(cn_src *src, uint64_t offset)
{
    const window_src *w = (const window_src *) src;
    uint64_t at = cn_src_next_data(w->parent, w->offset + offset) - w->offset;
    return CN_MIN(at, src->size);
}

static void window_close(cn_src *src) { free(src); }

static const cn_src_ops window_ops = {window_read, window_next_data, window_close};

cn_src *cn_src_window(cn_src *parent, uint64_t offset, uint64_t size)
{
    window_src *w = calloc(1, sizeof *w);
    if (!w)
        return NULL;
    uint64_t from = CN_MIN(offset, parent->size);
    w->base = (cn_src){&window_ops, CN_MIN(size, parent->size - from), parent->sector_size,
                       parent->format};
    w->parent = parent;
    w->offset = from;
    return &w->base;
}

/* --- Memory. */

typedef struct memory_src {
    cn_src base;
    const uint8_t *bytes;
} memory_src;

static int memory_read(cn_src *src, uint64_t offset, void *out, size_t n, cn_err *err)
{
    (void) err;
    memcpy(out, ((const memory_src *) src)->bytes + offset, n);
    return CN_OK;
}

static void memory_close(cn_src *src) { free(src); }

static const cn_src_ops memory_ops = {memory_read, NULL, memory_close};

cn_src *cn_src_memory(cn_span bytes)
{
    memory_src *m = calloc(1, sizeof *m);
    if (!m)
        return NULL;
    m->base = (cn_src){&memory_ops, bytes.len, 512, "memory"};
    m->bytes = bytes.p;
    return &m->base;
}
