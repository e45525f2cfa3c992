/* QCOW version 1 by libqcow. Versions 2 and 3 are read by image_qcow2.c, and docs/adr says why. */
#include "img/image.h"
#include "img/libyal.h"

#include <libqcow.h>

static unsigned probe(const cn_files *files, size_t i, cn_src *raw)
{
    (void) files, (void) i;
    uint8_t head[8];
    if (raw->size < sizeof head || cn_src_read(raw, 0, head, sizeof head, NULL) != CN_OK)
        return 0;
    return memcmp(head, "QFI\xfb\0\0\0\1", sizeof head) == 0 ? 64 : 0;
}

static const cn_yal qcow = {
    .format = "qcow",
    .read = libqcow_file_read_buffer_at_offset,
    .free = libqcow_file_free,
    .explain = libqcow_error_backtrace_sprint,
    .free_error = libqcow_error_free,
    .grain = 4096, /* the usual cluster */
};

static int open_handle(cn_yal_input *input, libqcow_file_t *handle, uint64_t *out_size, cn_err *err)
{
    libbfio_handle_t *bytes;
    intptr_t *error = NULL;
    uint32_t encryption = 0;
    size_t backing = 0;
    int r = cn_yal_input_handle(input, 0, &bytes, err);
    if (r != CN_OK)
        return r;
    if (libqcow_file_open_file_io_handle(handle, bytes, LIBQCOW_OPEN_READ, &error) != 1 ||
        libqcow_file_get_media_size(handle, out_size, &error) != 1 || *out_size > INT64_MAX)
        return cn_yal_fail(&qcow, input, &error, err, CN_E_CORRUPT,
                           "the QCOW image cannot be opened");
    if (libqcow_file_get_encryption_method(handle, &encryption, NULL) == 1 && encryption != 0)
        return cn_fail(err, CN_E_LOCKED, CN_NO_OFFSET, "the QCOW image is encrypted");
    /* libqcow takes no raw file as a parent, and version 1 has not been written for 15 years. */
    if (libqcow_file_get_utf8_backing_filename_size(handle, &backing, NULL) == 1 && backing > 1)
        return cn_fail(err, CN_E_UNSUPPORTED, CN_NO_OFFSET,
                       "a version 1 QCOW image with a backing file; turn it into version 2 with "
                       "qemu-img convert");
    return CN_OK;
}

static int open_qcow(const cn_files *files, size_t i, unsigned depth, cn_src **out, cn_err *err)
{
    (void) depth;
    CN_CLEANUP(cn_yal_input_free_p) cn_yal_input *input = NULL;
    cn_src *raw = NULL;
    libqcow_file_t *handle = NULL;
    uint64_t size = 0;
    int r = cn_image_bytes(files, i, &raw, err);
    if (r != CN_OK || (r = cn_yal_input_new(&raw, 1, &input, err)) != CN_OK)
        return r;
    if (libqcow_file_initialize(&handle, NULL) != 1)
        return cn_fail(err, CN_E_NO_MEMORY, CN_NO_OFFSET, "no memory");
    if ((r = open_handle(input, handle, &size, err)) != CN_OK) {
        libqcow_file_free(&handle, NULL);
        return r;
    }
    return cn_yal_source(&qcow, handle, CN_TAKE(input), NULL, size, 512, out, err);
}

const cn_image_reader cn_image_qcow = {.name = "qcow", .probe = probe, .open = open_qcow};
