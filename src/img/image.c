#include "img/image.h"

#include <stdlib.h>

#define CN_IMAGE(name) extern const cn_image_reader cn_image_##name;
#include "img/images.def"
#undef CN_IMAGE

static const cn_image_reader *const readers[] = {
#define CN_IMAGE(name) &cn_image_##name,
#include "img/images.def"
#undef CN_IMAGE
};

/* --- The parts of a split raw image, one behind the other. */

typedef struct split_part {
    cn_src *src;
    uint64_t offset;
} split_part;

typedef struct split_src {
    cn_src base;
    split_part *parts;
    size_t n;
} split_src;

/* The part that holds an offset inside the source. */
static const split_part *part_at(const split_src *s, uint64_t offset)
{
    size_t low = 0, high = s->n;
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (s->parts[middle].offset <= offset)
            low = middle;
        else
            high = middle;
    }
    return &s->parts[low];
}

static int split_read(cn_src *src, uint64_t offset, void *out, size_t n, cn_err *err)
{
    const split_src *s = (const split_src *) src;
    int first = CN_OK;
    for (size_t done = 0; done < n;) {
        const split_part *part = part_at(s, offset + done);
        uint64_t at = offset + done - part->offset;
        size_t here = (size_t) CN_MIN(part->src->size - at, (uint64_t) (n - done));
        int r = cn_src_read(part->src, at, (char *) out + done, here, first ? NULL : err);
        if (r != CN_OK && first == CN_OK) {
            first = r;
            if (err && err->offset != CN_NO_OFFSET)
                err->offset += part->offset;
        }
        done += here;
    }
    return first;
}

static uint64_t split_next_data(cn_src *src, uint64_t offset)
{
    const split_src *s = (const split_src *) src;
    for (const split_part *part = part_at(s, offset); part < s->parts + s->n; part++) {
        uint64_t at = offset > part->offset ? offset - part->offset : 0;
        uint64_t data = cn_src_next_data(part->src, at);
        if (data < part->src->size)
            return part->offset + data;
    }
    return src->size;
}

static void split_close(cn_src *src)
{
    split_src *s = (split_src *) src;
    for (size_t i = 0; i < s->n; i++)
        cn_src_close(s->parts[i].src);
    free(s->parts);
    free(s);
}

static const cn_src_ops split_ops = {split_read, split_next_data, split_close};

static int open_split(const cn_files *files, cn_src **out, cn_err *err)
{
    split_src *s = calloc(1, sizeof *s);
    split_part *parts = calloc(files->siblings, sizeof *parts);
    if (!s || !parts) {
        free(s);
        free(parts);
        return cn_fail(err, CN_E_NO_MEMORY, CN_NO_OFFSET, "no memory");
    }
    s->base = (cn_src){&split_ops, 0, 512, "split"};
    s->parts = parts;
    CN_CLEANUP(cn_src_close_p) cn_src *owner = &s->base;
    for (size_t i = 0; i < files->siblings; i++) {
        int r = cn_src_borrow_fd(files->list[i].fd, 0, &parts[i].src, err);
        if (r != CN_OK)
            return r;
        s->n++;
        parts[i].offset = s->base.size;
        if (!cn_add(s->base.size, parts[i].src->size, &s->base.size))
            return cn_fail(err, CN_E_LIMIT, CN_NO_OFFSET, "the parts are larger than 2^64 bytes");
    }
    *out = CN_TAKE(owner);
    return CN_OK;
}

int cn_image_bytes(const cn_files *files, size_t i, cn_src **out, cn_err *err)
{
    if (i == 0 && files->split_raw && files->siblings > 1)
        return open_split(files, out, err);
    return cn_src_borrow_fd(files->list[i].fd, files->list[i].sector_size, out, err);
}

/* --- The registry. */

static const cn_image_reader *pick(const cn_files *files, size_t i, cn_src *raw)
{
    const cn_image_reader *best = NULL;
    unsigned most = 0;
    for (size_t k = 0; k < CN_LEN(readers); k++) {
        unsigned bits = readers[k]->probe(files, i, raw);
        if (bits > most) {
            most = bits;
            best = readers[k];
        }
    }
    return best;
}

int cn_image_open_at(const cn_files *files, size_t i, unsigned depth, cn_src **out, cn_err *err)
{
    if (depth > CN_IMAGE_DEPTH_MAX)
        return cn_fail(err, CN_E_LIMIT, CN_NO_OFFSET, "more than %u images stand on each other",
                       CN_IMAGE_DEPTH_MAX);
    CN_CLEANUP(cn_src_close_p) cn_src *raw = NULL;
    int r = cn_image_bytes(files, i, &raw, err);
    if (r != CN_OK)
        return r;
    if (raw->size == 0)
        return cn_fail(err, CN_E_TRUNCATED, 0, "%s is empty", files->list[i].name);
    const cn_image_reader *reader = pick(files, i, raw);
    if (!reader) {
        *out = CN_TAKE(raw);
        return CN_OK;
    }
    raw = cn_src_close(raw);
    r = reader->open(files, i, depth, out, err);
    if (r != CN_OK)
        cn_while(err, "%s", files->list[i].name);
    return r;
}

int cn_image_open(const cn_files *files, cn_src **out, cn_err *err)
{
    return cn_image_open_at(files, 0, 0, out, err);
}

int cn_image_names(const cn_files *files, size_t i, cn_names *out, cn_err *err)
{
    CN_CLEANUP(cn_src_close_p) cn_src *raw = NULL;
    int r = cn_image_bytes(files, i, &raw, err);
    if (r != CN_OK)
        return r;
    const cn_image_reader *reader = pick(files, i, raw);
    if (reader && reader->names && (r = reader->names(raw, out, err)) != CN_OK)
        cn_while(err, "%s", files->list[i].name);
    return r;
}

int cn_image_check(const cn_files *files, cn_err *err)
{
    CN_CLEANUP(cn_src_close_p) cn_src *raw = NULL;
    int r = cn_image_bytes(files, 0, &raw, err);
    if (r != CN_OK)
        return r;
    const cn_image_reader *reader = pick(files, 0, raw);
    if (files->missing)
        return cn_fail(err, CN_E_NOT_FOUND, reader ? CN_NO_OFFSET : raw->size,
                       "%s is missing, and what comes after it cannot be read", files->missing);
    return reader && reader->check ? reader->check(files, 0, err) : CN_OK;
}
