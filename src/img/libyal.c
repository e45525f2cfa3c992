#include "img/libyal.h"

#include <stdio.h>
#include <stdlib.h>

/* --- Input. */

/* What libbfio calls its io_handle: a position in a source. */
typedef struct position {
    cn_src *src;
    uint64_t at;
    bool open;
    cn_err *fault; /* the input's */
} position;

struct cn_yal_input {
    cn_src **sources;
    libbfio_handle_t **handles; /* NULL where not yet made, or in the pool */
    libbfio_pool_t *pool;
    size_t n;
    cn_err fault; /* the first failed read */
};

static int position_free(intptr_t **handle, intptr_t **error)
{
    (void) error;
    free(*handle);
    *handle = NULL;
    return 1;
}

static int position_clone(intptr_t **to, intptr_t *from, intptr_t **error)
{
    (void) error;
    position *copy = malloc(sizeof *copy);
    if (!copy)
        return -1;
    *copy = *(position *) from;
    *to = (intptr_t *) copy;
    return 1;
}

static int position_open(intptr_t *handle, int access, intptr_t **error)
{
    (void) error;
    position *p = (position *) handle;
    p->open = true;
    p->at = 0;
    return (access & LIBBFIO_ACCESS_FLAG_WRITE) ? -1 : 1;
}

static int position_close(intptr_t *handle, intptr_t **error)
{
    (void) error;
    ((position *) handle)->open = false;
    return 0;
}

static ssize_t position_read(intptr_t *handle, uint8_t *buffer, size_t n, intptr_t **error)
{
    (void) error;
    position *p = (position *) handle;
    cn_err err = CN_ERR_INIT;
    size_t got = 0;
    if (cn_src_read_some(p->src, p->at, buffer, n, &got, &err) != CN_OK) {
        if (p->fault->code == CN_OK)
            *p->fault = err;
        return -1;
    }
    p->at += got;
    return (ssize_t) got;
}

static ssize_t position_write(intptr_t *handle, const uint8_t *buffer, size_t n, intptr_t **error)
{
    (void) handle, (void) buffer, (void) n, (void) error;
    return -1;
}

static off64_t position_seek(intptr_t *handle, off64_t offset, int whence, intptr_t **error)
{
    (void) error;
    position *p = (position *) handle;
    int64_t from = whence == SEEK_SET ? 0 : (int64_t) (whence == SEEK_CUR ? p->at : p->src->size);
    int64_t to;
    if (__builtin_add_overflow(from, offset, &to) || to < 0)
        return -1;
    p->at = (uint64_t) to;
    return to;
}

static int position_exists(intptr_t *handle, intptr_t **error)
{
    (void) handle, (void) error;
    return 1;
}

static int position_is_open(intptr_t *handle, intptr_t **error)
{
    (void) error;
    return ((position *) handle)->open ? 1 : 0;
}

static int position_size(intptr_t *handle, size64_t *size, intptr_t **error)
{
    (void) error;
    *size = ((position *) handle)->src->size;
    return 1;
}

static int no_memory(cn_err *err)
{
    return cn_fail(err, CN_E_NO_MEMORY, CN_NO_OFFSET, "no memory");
}

int cn_yal_input_new(cn_src *const *sources, size_t n, cn_yal_input **out, cn_err *err)
{
    cn_yal_input *input = calloc(1, sizeof *input);
    cn_src **kept = calloc(n + 1, sizeof(cn_src *));
    libbfio_handle_t **handles = calloc(n + 1, sizeof(libbfio_handle_t *));
    if (!input || !kept || !handles) {
        for (size_t i = 0; i < n; i++)
            cn_src_close(sources[i]);
        free(input);
        free(kept);
        free(handles);
        return no_memory(err);
    }
    for (size_t i = 0; i < n; i++)
        kept[i] = sources[i];
    *input = (cn_yal_input){.sources = kept, .handles = handles, .n = n, .fault = CN_ERR_INIT};
    *out = input;
    return CN_OK;
}

int cn_yal_input_handle(cn_yal_input *input, size_t i, libbfio_handle_t **out, cn_err *err)
{
    if (!input->handles[i]) {
        position *p = calloc(1, sizeof *p);
        if (!p)
            return no_memory(err);
        *p = (position){.src = input->sources[i], .fault = &input->fault};
        if (libbfio_handle_initialize(
                &input->handles[i], (intptr_t *) p, position_free, position_clone, position_open,
                position_close, position_read, position_write, position_seek, position_exists,
                position_is_open, position_size, LIBBFIO_FLAG_IO_HANDLE_MANAGED, NULL) != 1) {
            free(p);
            return no_memory(err);
        }
    }
    *out = input->handles[i];
    return CN_OK;
}

int cn_yal_input_pool(cn_yal_input *input, libbfio_pool_t **out, cn_err *err)
{
    if (!input->pool &&
        libbfio_pool_initialize(&input->pool, 0, LIBBFIO_POOL_UNLIMITED_NUMBER_OF_OPEN_HANDLES,
                                NULL) != 1)
        return no_memory(err);
    for (size_t i = 0; i < input->n; i++) {
        libbfio_handle_t *handle;
        int entry;
        int r = cn_yal_input_handle(input, i, &handle, err);
        if (r != CN_OK)
            return r;
        if (libbfio_pool_append_handle(input->pool, &entry, handle, LIBBFIO_ACCESS_FLAG_READ,
                                       NULL) != 1)
            return no_memory(err);
        input->handles[i] = NULL; /* the pool's now */
    }
    *out = input->pool;
    return CN_OK;
}

cn_yal_input *cn_yal_input_free(cn_yal_input *input)
{
    if (!input)
        return NULL;
    if (input->pool)
        libbfio_pool_free(&input->pool, NULL);
    for (size_t i = 0; i < input->n; i++) {
        if (input->handles[i])
            libbfio_handle_free(&input->handles[i], NULL);
        cn_src_close(input->sources[i]);
    }
    free(input->handles);
    free(input->sources);
    free(input);
    return NULL;
}

/* --- Errors. */

/* The first line is the innermost: "libx_y_read: invalid header signature." Without the function's
 * name and stop. */
static void innermost(char *text)
{
    text[strcspn(text, "\n")] = 0;
    char *words = strstr(text, ": ");
    if (words && strncmp(text, "lib", 3) == 0)
        memmove(text, words + 2, strlen(words + 2) + 1);
    size_t n = strlen(text);
    if (n && text[n - 1] == '.')
        text[n - 1] = 0;
}

int cn_yal_fail(const cn_yal *yal, const cn_yal_input *input, intptr_t **error, cn_err *err,
                int code, const char *what)
{
    char text[4096] = "";
    if (error && *error) {
        if (yal->explain(*error, text, sizeof text) < 0)
            text[0] = 0;
        text[sizeof text - 1] = 0;
        yal->free_error(error);
    }
    if (input && input->fault.code != CN_OK)
        return cn_fail(err, input->fault.code, input->fault.offset, "%s: %s", what,
                       input->fault.text);
    innermost(text);
    return cn_fail(err, code, CN_NO_OFFSET, "%s%s%s", what, *text ? ": " : "", text);
}

/* --- Source. */

typedef struct yal_src {
    cn_src base;
    const cn_yal *yal;
    intptr_t *handle;
    cn_yal_input *input;
    cn_src *parent;
} yal_src;

/* All n bytes, in as many reads as the library takes for them. A library that gives nothing and no
 * error has come to the end of what it has: CN_E_TRUNCATED. */
static int read_whole(const yal_src *s, uint64_t offset, char *out, size_t n, intptr_t **error)
{
    while (n) {
        ssize_t got = s->yal->read(s->handle, out, n, (off64_t) offset, error);
        if (got <= 0 || (size_t) got > n)
            return got == 0 ? CN_E_TRUNCATED : CN_E_CORRUPT;
        out += got;
        offset += (uint64_t) got;
        n -= (size_t) got;
    }
    return CN_OK;
}

/* After a failure: piece by piece, zeros for what cannot be had, the first fault reported. */
static int read_pieces(const yal_src *s, uint64_t offset, char *out, size_t n, cn_err *err)
{
    int first = CN_OK;
    for (size_t done = 0; done < n;) {
        uint64_t at = offset + done;
        size_t piece = CN_MIN(s->yal->grain - (size_t) (at % s->yal->grain), n - done);
        intptr_t *error = NULL;
        if (s->input)
            s->input->fault.code = CN_OK;
        int r = read_whole(s, at, out + done, piece, &error);
        if (r != CN_OK) {
            memset(out + done, 0, piece);
            r = cn_yal_fail(s->yal, s->input, &error, first ? NULL : err, r,
                            r == CN_E_TRUNCATED ? "this part of the image is not there"
                                                : "this part of the image is damaged or missing");
            if (first == CN_OK) {
                first = r;
                if (err)
                    err->offset = at;
            }
        }
        done += piece;
    }
    return first;
}

static int yal_read(cn_src *src, uint64_t offset, void *out, size_t n, cn_err *err)
{
    const yal_src *s = (const yal_src *) src;
    intptr_t *error = NULL;
    if (read_whole(s, offset, out, n, &error) == CN_OK)
        return CN_OK;
    if (error)
        s->yal->free_error(&error);
    return read_pieces(s, offset, out, n, err);
}

static void release(const cn_yal *yal, intptr_t *handle, cn_yal_input *input, cn_src *parent)
{
    if (handle)
        yal->free(&handle, NULL);
    cn_yal_input_free(input);
    cn_src_close(parent);
}

static void yal_close(cn_src *src)
{
    yal_src *s = (yal_src *) src;
    release(s->yal, s->handle, s->input, s->parent);
    free(s);
}

static const cn_src_ops yal_ops = {yal_read, NULL, yal_close};

int cn_yal_source(const cn_yal *yal, intptr_t *handle, cn_yal_input *input, cn_src *parent,
                  uint64_t size, uint32_t sector_size, cn_src **out, cn_err *err)
{
    yal_src *s = calloc(1, sizeof *s);
    if (!s) {
        release(yal, handle, input, parent);
        return no_memory(err);
    }
    s->base = (cn_src){&yal_ops, size, sector_size ? sector_size : 512, yal->format};
    s->yal = yal;
    s->handle = handle;
    s->input = input;
    s->parent = parent;
    *out = &s->base;
    return CN_OK;
}

intptr_t *cn_yal_handle(cn_src *src, const cn_yal *yal)
{
    const yal_src *s = (const yal_src *) src;
    return src->ops == &yal_ops && s->yal == yal ? s->handle : NULL;
}
