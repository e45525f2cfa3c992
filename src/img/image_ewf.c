/* Expert Witness Format (E01, s01, Ex01) by libewf, one segment file or many. A chunk whose
 * checksum is wrong reads as zeros and CN_E_CORRUPT; what lies in segments that are not there as
 * zeros and CN_E_TRUNCATED. */
#include "img/image.h"
#include "img/libyal.h"

#include <libewf.h>
#include <stdlib.h>

#define ERRORS_MAX 100000u /* chunks with a bad checksum that are told apart */

static unsigned probe(const cn_files *files, size_t i, cn_src *raw)
{
    (void) files, (void) i;
    uint8_t head[8];
    if (raw->size < sizeof head || cn_src_read(raw, 0, head, sizeof head, NULL) != CN_OK)
        return 0;
    return memcmp(head, "EVF\x09\x0d\x0a\xff", 8) == 0 || memcmp(head, "EVF2\r\n\x81", 8) == 0 ||
                   memcmp(head, "LVF\x09\x0d\x0a\xff", 8) == 0
               ? 64
               : 0;
}

/* libewf says with each read how many chunks had a wrong checksum so far, and hands out their
 * bytes. */
static bool has_bad_chunk(libewf_handle_t *handle, uint64_t offset, size_t n)
{
    uint32_t errors = 0, sector = 512;
    if (libewf_handle_get_number_of_checksum_errors(handle, &errors, NULL) != 1 || errors == 0)
        return false;
    libewf_handle_get_bytes_per_sector(handle, &sector, NULL);
    for (uint32_t i = 0; i < errors && i < ERRORS_MAX; i++) {
        uint64_t first = 0, count = 0, from, len;
        if (libewf_handle_get_checksum_error(handle, i, &first, &count, NULL) != 1 ||
            !cn_mul(first, sector, &from) || !cn_mul(count, sector, &len))
            return true;
        if (from < offset + n && offset < from + len)
            return true;
    }
    return false;
}

static ssize_t read_at(intptr_t *handle, void *buffer, size_t n, off64_t offset, intptr_t **error)
{
    ssize_t got = libewf_handle_read_random(handle, buffer, n, offset, error);
    return got > 0 && has_bad_chunk(handle, (uint64_t) offset, (size_t) got) ? -1 : got;
}

static const cn_yal ewf = {
    .format = "ewf",
    .read = read_at,
    .free = libewf_handle_free,
    .explain = libewf_error_backtrace_sprint,
    .free_error = libewf_error_free,
    .grain = 32768, /* 64 sectors, the usual chunk */
};

static int open_segments(const cn_files *files, size_t i, cn_yal_input **out, cn_err *err)
{
    size_t n = i == 0 ? files->siblings : 1;
    cn_src **sources = calloc(n, sizeof(cn_src *));
    if (!sources)
        return cn_fail(err, CN_E_NO_MEMORY, CN_NO_OFFSET, "no memory");
    int r = CN_OK;
    size_t opened = 0;
    while (r == CN_OK && opened < n) {
        r = cn_src_borrow_fd(files->list[i + opened].fd, 0, &sources[opened], err);
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

static int open_ewf(const cn_files *files, size_t i, unsigned depth, cn_src **out, cn_err *err)
{
    (void) depth;
    CN_CLEANUP(cn_yal_input_free_p) cn_yal_input *input = NULL;
    libbfio_pool_t *pool;
    libewf_handle_t *handle = NULL;
    intptr_t *error = NULL;
    int r = open_segments(files, i, &input, err);
    if (r != CN_OK || (r = cn_yal_input_pool(input, &pool, err)) != CN_OK)
        return r;
    if (libewf_handle_initialize(&handle, NULL) != 1)
        return cn_fail(err, CN_E_NO_MEMORY, CN_NO_OFFSET, "no memory");
    size64_t size = 0;
    uint32_t sector = 512;
    if (libewf_handle_open_file_io_pool(handle, pool, LIBEWF_OPEN_READ, &error) != 1 ||
        libewf_handle_get_media_size(handle, &size, &error) != 1) {
        r = cn_yal_fail(&ewf, input, &error, err, CN_E_CORRUPT,
                        "the E01 image cannot be opened (a segment may be missing or damaged)");
        libewf_handle_free(&handle, NULL);
        return r;
    }
    libewf_handle_get_bytes_per_sector(handle, &sector, NULL);
    if (size == 0 || size > INT64_MAX) {
        libewf_handle_free(&handle, NULL);
        return cn_fail(err, size ? CN_E_CORRUPT : CN_E_UNSUPPORTED, CN_NO_OFFSET,
                       "the E01 image holds no disk (logical evidence files are not read)");
    }
    return cn_yal_source(&ewf, handle, CN_TAKE(input), NULL, size, sector, out, err);
}

/* The last section of a segment file is its 76-byte header alone: "done", or "next" where another segment follows. */
static int check(const cn_files *files, size_t i, cn_err *err)
{
    char head[4], type[16] = "";
    size_t last = i == 0 ? files->siblings - 1 : i;
    CN_CLEANUP(cn_src_close_p) cn_src *raw = NULL;
    int r = cn_src_borrow_fd(files->list[last].fd, 0, &raw, err);
    if (r != CN_OK)
        return r;
    if (raw->size < 76 || (r = cn_src_read(raw, 0, head, sizeof head, err)) != CN_OK ||
        (r = cn_src_read(raw, raw->size - 76, type, sizeof type, err)) != CN_OK)
        return r;
    if (memcmp(head, "EVF\x09", 4) == 0 && memcmp(type, "next", 5) == 0)
        return cn_fail(err, CN_E_NOT_FOUND, CN_NO_OFFSET,
                       "the segment after %s is missing, and what is in it cannot be read",
                       files->list[last].name);
    if (memcmp(head, "EVF\x09", 4) == 0 && memcmp(type, "done", 5) != 0)
        return cn_fail(err, CN_E_TRUNCATED, CN_NO_OFFSET,
                       "%s is cut off: its last section is not there", files->list[last].name);
    return CN_OK;
}

const cn_image_reader cn_image_ewf = {
    .name = "ewf", .probe = probe, .open = open_ewf, .check = check};
