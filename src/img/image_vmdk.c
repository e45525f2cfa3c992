/* VMDK by libvmdk: monolithic and split, flat and sparse, stream-optimised, with parents
 * (snapshots). A file that begins with a sparse header holds its own descriptor and extent; a text
 * descriptor names its extents. */
#include "img/image.h"
#include "img/libyal.h"

#include <libvmdk.h>
#include <stdlib.h>

#define DESCRIPTOR "# Disk DescriptorFile"

static bool is_sparse(cn_src *raw)
{
    char head[4];
    return raw->size >= 512 && cn_src_read(raw, 0, head, sizeof head, NULL) == CN_OK &&
           (memcmp(head, "KDMV", 4) == 0 || memcmp(head, "COWD", 4) == 0);
}

static unsigned probe(const cn_files *files, size_t i, cn_src *raw)
{
    (void) files, (void) i;
    char head[sizeof DESCRIPTOR - 1];
    if (is_sparse(raw))
        return 32;
    return raw->size >= sizeof head && cn_src_read(raw, 0, head, sizeof head, NULL) == CN_OK &&
                   memcmp(head, DESCRIPTOR, sizeof head) == 0
               ? 168
               : 0;
}

static const cn_yal vmdk = {
    .format = "vmdk",
    .read = libvmdk_handle_read_buffer_at_offset,
    .free = libvmdk_handle_free,
    .explain = libvmdk_error_backtrace_sprint,
    .free_error = libvmdk_error_free,
    .grain = 65536, /* the usual grain */
};

/* The descriptor alone; the extents are not looked at. *out_handle is the caller's. */
static int open_descriptor(cn_yal_input *input, libvmdk_handle_t **out, cn_err *err)
{
    libbfio_handle_t *bytes;
    libvmdk_handle_t *handle = NULL;
    intptr_t *error = NULL;
    int r = cn_yal_input_handle(input, 0, &bytes, err);
    if (r != CN_OK)
        return r;
    if (libvmdk_handle_initialize(&handle, NULL) != 1)
        return cn_fail(err, CN_E_NO_MEMORY, CN_NO_OFFSET, "no memory");
    if (libvmdk_handle_open_file_io_handle(handle, bytes, LIBVMDK_OPEN_READ, &error) != 1) {
        r = cn_yal_fail(&vmdk, input, &error, err, CN_E_CORRUPT, "the VMDK cannot be opened");
        libvmdk_handle_free(&handle, NULL);
        return r;
    }
    *out = handle;
    return CN_OK;
}

static int add_name(cn_names *out, const uint8_t *name, size_t size, bool image, cn_err *err)
{
    return cn_names_add(out, cn_span_of(name, strnlen((const char *) name, size)), image, err);
}

/* The name of an extent's file; nothing for extents of zeros. */
static int extent_name(libvmdk_handle_t *handle, int i, cn_names *out, cn_err *err)
{
    libvmdk_extent_descriptor_t *extent = NULL;
    uint8_t name[CN_NAMES_MAX];
    size_t size = 0;
    int type = 0, r = CN_OK;
    intptr_t *error = NULL;
    if (libvmdk_handle_get_extent_descriptor(handle, i, &extent, &error) != 1 ||
        libvmdk_extent_descriptor_get_type(extent, &type, &error) != 1)
        r = cn_yal_fail(&vmdk, NULL, &error, err, CN_E_CORRUPT, "an extent of the VMDK");
    else if (type != LIBVMDK_EXTENT_TYPE_ZERO) {
        if (libvmdk_extent_descriptor_get_utf8_filename_size(extent, &size, &error) != 1 ||
            size > sizeof name ||
            libvmdk_extent_descriptor_get_utf8_filename(extent, name, sizeof name, &error) != 1)
            r = cn_yal_fail(&vmdk, NULL, &error, err, CN_E_CORRUPT,
                            "the name of a VMDK extent's file");
        else
            r = add_name(out, name, size, false, err);
    }
    if (extent)
        libvmdk_extent_descriptor_free(&extent, NULL);
    return r;
}

static int extent_names(libvmdk_handle_t *handle, cn_names *out, cn_err *err)
{
    int n = 0, r = CN_OK;
    intptr_t *error = NULL;
    if (libvmdk_handle_get_number_of_extents(handle, &n, &error) != 1)
        return cn_yal_fail(&vmdk, NULL, &error, err, CN_E_CORRUPT, "the extents of the VMDK");
    for (int i = 0; r == CN_OK && i < n; i++)
        r = extent_name(handle, i, out, err);
    return r;
}

/* The parent's name, where there is one: a VMDK whose parent content id is set. */
static int parent_name(libvmdk_handle_t *handle, cn_names *out, cn_err *err)
{
    uint32_t id = UINT32_MAX;
    size_t size = 0;
    uint8_t name[CN_NAMES_MAX];
    intptr_t *error = NULL;
    if (libvmdk_handle_get_parent_content_identifier(handle, &id, NULL) != 1 || id == UINT32_MAX)
        return CN_OK;
    if (libvmdk_handle_get_utf8_parent_filename_size(handle, &size, &error) != 1 ||
        size > sizeof name ||
        libvmdk_handle_get_utf8_parent_filename(handle, name, sizeof name, &error) != 1)
        return cn_yal_fail(&vmdk, NULL, &error, err, CN_E_CORRUPT,
                           "the VMDK has a parent, but not its name");
    return add_name(out, name, size, true, err);
}

static int open_input(cn_src *raw, cn_yal_input **out, cn_err *err)
{
    cn_src *whole = cn_src_window(raw, 0, raw->size);
    if (!whole)
        return cn_fail(err, CN_E_NO_MEMORY, CN_NO_OFFSET, "no memory");
    return cn_yal_input_new(&whole, 1, out, err);
}

static int names(cn_src *raw, cn_names *out, cn_err *err)
{
    CN_CLEANUP(cn_yal_input_free_p) cn_yal_input *input = NULL;
    libvmdk_handle_t *handle = NULL;
    int r = open_input(raw, &input, err);
    if (r == CN_OK)
        r = open_descriptor(input, &handle, err);
    if (r == CN_OK && !is_sparse(raw))
        r = extent_names(handle, out, err);
    if (r == CN_OK)
        r = parent_name(handle, out, err);
    if (handle)
        libvmdk_handle_free(&handle, NULL);
    return r;
}

/* Input 0 is the descriptor; behind it come the extents in their order, for the pool. */
static int open_extents(const cn_files *files, size_t i, const cn_names *extents,
                        cn_yal_input **out, cn_err *err)
{
    size_t n = CN_MAX(extents->n, (size_t) 1), opened = 0;
    cn_src **sources = calloc(n, sizeof(cn_src *));
    if (!sources)
        return cn_fail(err, CN_E_NO_MEMORY, CN_NO_OFFSET, "no memory");
    int r = CN_OK;
    while (r == CN_OK && opened < n) {
        const char *name = extents->n ? extents->list[opened].text : NULL;
        size_t at = name ? cn_files_find(files, i, name) : i;
        if (at == SIZE_MAX)
            r = cn_fail(err, CN_E_NOT_FOUND, CN_NO_OFFSET, "its extent '%s' is not there",
                        name ? name : "");
        else
            r = cn_image_bytes(files, at, &sources[opened], err);
        opened += r == CN_OK;
    }
    if (r == CN_OK)
        r = cn_yal_input_new(sources, n, out, err);
    else
        while (opened)
            cn_src_close(sources[--opened]);
    free(sources);
    return r;
}

/* The descriptor's input and the extents' live as long as the source: the one is kept as the
 * "parent" of the other. */
typedef struct vmdk_src {
    cn_src base;
    cn_src *disk;             /* by libvmdk; owns the extents' input and the parent */
    cn_yal_input *descriptor; /* owned */
} vmdk_src;

static int vmdk_read(cn_src *src, uint64_t offset, void *out, size_t n, cn_err *err)
{
    cn_src *disk = ((vmdk_src *) src)->disk;
    return disk->ops->read(disk, offset, out, n, err);
}

static void vmdk_close(cn_src *src)
{
    vmdk_src *s = (vmdk_src *) src;
    cn_src_close(s->disk);
    cn_yal_input_free(s->descriptor);
    free(s);
}

static const cn_src_ops vmdk_ops = {vmdk_read, NULL, vmdk_close};

static int open_parent(const cn_files *files, size_t i, unsigned depth, libvmdk_handle_t *handle,
                       cn_src **out, cn_err *err)
{
    CN_CLEANUP(cn_names_free) cn_names name = {0};
    CN_CLEANUP(cn_src_close_p) cn_src *parent = NULL;
    intptr_t *error = NULL;
    int r = parent_name(handle, &name, err);
    if (r != CN_OK || name.n == 0)
        return r;
    size_t at = cn_files_find(files, i, name.list[0].text);
    if (at == SIZE_MAX)
        return cn_fail(err, CN_E_NOT_FOUND, CN_NO_OFFSET, "its parent '%s' is not there",
                       name.list[0].text);
    if ((r = cn_image_open_at(files, at, depth + 1, &parent, err)) != CN_OK)
        return r;
    intptr_t *below =
        parent->ops == &vmdk_ops ? cn_yal_handle(((vmdk_src *) parent)->disk, &vmdk) : NULL;
    if (!below)
        return cn_fail(err, CN_E_UNSUPPORTED, CN_NO_OFFSET, "its parent '%s' is no VMDK",
                       name.list[0].text);
    if (libvmdk_handle_set_parent_handle(handle, below, &error) != 1)
        return cn_yal_fail(&vmdk, NULL, &error, err, CN_E_CORRUPT, "the parent does not fit");
    *out = CN_TAKE(parent);
    return CN_OK;
}

static int open_disk(const cn_files *files, size_t i, unsigned depth, bool sparse,
                     libvmdk_handle_t *handle, cn_src **out, cn_err *err)
{
    CN_CLEANUP(cn_names_free) cn_names extents = {0};
    CN_CLEANUP(cn_yal_input_free_p) cn_yal_input *input = NULL;
    CN_CLEANUP(cn_src_close_p) cn_src *parent = NULL;
    libbfio_pool_t *pool;
    size64_t size = 0;
    intptr_t *error = NULL;
    int r = sparse ? CN_OK : extent_names(handle, &extents, err);
    if (r == CN_OK)
        r = open_parent(files, i, depth, handle, &parent, err);
    if (r == CN_OK)
        r = open_extents(files, i, &extents, &input, err);
    if (r == CN_OK)
        r = cn_yal_input_pool(input, &pool, err);
    if (r == CN_OK &&
        (libvmdk_handle_open_extent_data_files_file_io_pool(handle, pool, &error) != 1 ||
         libvmdk_handle_get_media_size(handle, &size, &error) != 1 || size > INT64_MAX))
        r = cn_yal_fail(&vmdk, input, &error, err, CN_E_CORRUPT,
                        "the extents of the VMDK cannot be opened");
    if (r != CN_OK) {
        libvmdk_handle_free(&handle, NULL);
        return r;
    }
    return cn_yal_source(&vmdk, handle, CN_TAKE(input), CN_TAKE(parent), size, 512, out, err);
}

static int open_vmdk(const cn_files *files, size_t i, unsigned depth, cn_src **out, cn_err *err)
{
    CN_CLEANUP(cn_src_close_p) cn_src *raw = NULL;
    CN_CLEANUP(cn_yal_input_free_p) cn_yal_input *input = NULL;
    libvmdk_handle_t *handle = NULL;
    cn_src *disk = NULL;
    int r = cn_image_bytes(files, i, &raw, err);
    if (r != CN_OK)
        return r;
    bool sparse = is_sparse(raw);
    cn_src *bytes = CN_TAKE(raw);
    if ((r = cn_yal_input_new(&bytes, 1, &input, err)) != CN_OK ||
        (r = open_descriptor(input, &handle, err)) != CN_OK ||
        (r = open_disk(files, i, depth, sparse, handle, &disk, err)) != CN_OK)
        return r;
    vmdk_src *s = calloc(1, sizeof *s);
    if (!s) {
        cn_src_close(disk);
        return cn_fail(err, CN_E_NO_MEMORY, CN_NO_OFFSET, "no memory");
    }
    s->base = (cn_src){&vmdk_ops, disk->size, 512, "vmdk"};
    s->disk = disk;
    s->descriptor = CN_TAKE(input);
    *out = &s->base;
    return CN_OK;
}

const cn_image_reader cn_image_vmdk = {
    .name = "vmdk", .probe = probe, .names = names, .open = open_vmdk};
