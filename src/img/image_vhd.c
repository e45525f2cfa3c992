/* Virtual Hard Disk by libvhdi: VHD fixed, dynamic and differencing, and VHDX. */
#include "img/image.h"
#include "img/libyal.h"

#include <libvhdi.h>

/* A VHD ends with a footer of 512 bytes; dynamic ones begin with a copy of it. */
#define FOOTER_SIZE 512u

static bool is_at(cn_src *raw, uint64_t offset, const char *magic)
{
    char head[8];
    return cn_src_read(raw, offset, head, sizeof head, NULL) == CN_OK &&
           memcmp(head, magic, sizeof head) == 0;
}

static unsigned probe(const cn_files *files, size_t i, cn_src *raw)
{
    (void) files, (void) i;
    if (raw->size < FOOTER_SIZE)
        return 0;
    if (is_at(raw, 0, "vhdxfile") || is_at(raw, 0, "conectix"))
        return 64;
    /* Less than what a fixed disk may begin with itself: a container within a container is not
     * meant. */
    return is_at(raw, raw->size - FOOTER_SIZE, "conectix") ? 63 : 0;
}

static const cn_yal vhd = {
    .format = "vhd",
    .read = libvhdi_file_read_buffer_at_offset,
    .free = libvhdi_file_free,
    .explain = libvhdi_error_backtrace_sprint,
    .free_error = libvhdi_error_free,
    .grain = 65536,
};

static const cn_yal vhdx = {
    .format = "vhdx",
    .read = libvhdi_file_read_buffer_at_offset,
    .free = libvhdi_file_free,
    .explain = libvhdi_error_backtrace_sprint,
    .free_error = libvhdi_error_free,
    .grain = 65536,
};

/* *out is the caller's. */
static int open_handle(cn_yal_input *input, libvhdi_file_t **out, cn_err *err)
{
    libbfio_handle_t *bytes;
    libvhdi_file_t *handle = NULL;
    intptr_t *error = NULL;
    int r = cn_yal_input_handle(input, 0, &bytes, err);
    if (r != CN_OK)
        return r;
    if (libvhdi_file_initialize(&handle, NULL) != 1)
        return cn_fail(err, CN_E_NO_MEMORY, CN_NO_OFFSET, "no memory");
    if (libvhdi_file_open_file_io_handle(handle, bytes, LIBVHDI_OPEN_READ, &error) != 1) {
        r = cn_yal_fail(&vhd, input, &error, err, CN_E_CORRUPT,
                        "the virtual hard disk cannot be opened");
        libvhdi_file_free(&handle, NULL);
        return r;
    }
    *out = handle;
    return CN_OK;
}

/* The parent's name, where there is one. */
static int parent_name(libvhdi_file_t *handle, cn_names *out, cn_err *err)
{
    uint32_t type = 0;
    size_t size = 0;
    uint8_t name[CN_NAMES_MAX];
    intptr_t *error = NULL;
    if (libvhdi_file_get_disk_type(handle, &type, &error) != 1)
        return cn_yal_fail(&vhd, NULL, &error, err, CN_E_CORRUPT, "the kind of the disk");
    if (type != LIBVHDI_DISK_TYPE_DIFFERENTIAL)
        return CN_OK;
    if (libvhdi_file_get_utf8_parent_filename_size(handle, &size, &error) != 1 || size == 0 ||
        size > sizeof name ||
        libvhdi_file_get_utf8_parent_filename(handle, name, sizeof name, &error) != 1)
        return cn_yal_fail(&vhd, NULL, &error, err, CN_E_CORRUPT,
                           "the disk has a parent, but not its name");
    return cn_names_add(out, cn_span_of(name, strnlen((const char *) name, size)), true, err);
}

static int names(cn_src *raw, cn_names *out, cn_err *err)
{
    CN_CLEANUP(cn_yal_input_free_p) cn_yal_input *input = NULL;
    libvhdi_file_t *handle = NULL;
    cn_src *whole = cn_src_window(raw, 0, raw->size);
    if (!whole)
        return cn_fail(err, CN_E_NO_MEMORY, CN_NO_OFFSET, "no memory");
    int r = cn_yal_input_new(&whole, 1, &input, err);
    if (r == CN_OK && (r = open_handle(input, &handle, err)) == CN_OK)
        r = parent_name(handle, out, err);
    if (handle)
        libvhdi_file_free(&handle, NULL);
    return r;
}

static int set_parent(const cn_files *files, size_t i, unsigned depth, libvhdi_file_t *handle,
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
    intptr_t *below = cn_yal_handle(parent, &vhd);
    if (!below)
        below = cn_yal_handle(parent, &vhdx);
    if (!below)
        return cn_fail(err, CN_E_UNSUPPORTED, CN_NO_OFFSET,
                       "its parent '%s' is no virtual hard disk", name.list[0].text);
    if (libvhdi_file_set_parent_file(handle, below, &error) != 1)
        return cn_yal_fail(&vhd, NULL, &error, err, CN_E_CORRUPT,
                           "its parent is another disk than it was made from");
    *out = CN_TAKE(parent);
    return CN_OK;
}

static int open_vhd(const cn_files *files, size_t i, unsigned depth, cn_src **out, cn_err *err)
{
    CN_CLEANUP(cn_yal_input_free_p) cn_yal_input *input = NULL;
    cn_src *raw = NULL, *parent = NULL;
    libvhdi_file_t *handle = NULL;
    intptr_t *error = NULL;
    size64_t size = 0;
    uint32_t sector = 512;
    int kind = 0;
    int r = cn_image_bytes(files, i, &raw, err);
    if (r != CN_OK || (r = cn_yal_input_new(&raw, 1, &input, err)) != CN_OK ||
        (r = open_handle(input, &handle, err)) != CN_OK)
        return r;
    if (libvhdi_file_get_media_size(handle, &size, &error) != 1 || size > INT64_MAX ||
        libvhdi_file_get_file_type(handle, &kind, &error) != 1)
        r = cn_yal_fail(&vhd, input, &error, err, CN_E_CORRUPT, "the size of the disk");
    if (r == CN_OK)
        r = set_parent(files, i, depth, handle, &parent, err);
    if (r != CN_OK) {
        libvhdi_file_free(&handle, NULL);
        return r;
    }
    if (libvhdi_file_get_bytes_per_sector(handle, &sector, NULL) != 1)
        sector = 512;
    return cn_yal_source(kind == LIBVHDI_FILE_TYPE_VHDX ? &vhdx : &vhd, handle, CN_TAKE(input),
                         parent, size, sector, out, err);
}

const cn_image_reader cn_image_vhd = {
    .name = "vhd", .probe = probe, .names = names, .open = open_vhd};
