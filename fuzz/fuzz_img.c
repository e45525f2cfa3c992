/* Opens mutated image files and reads from them. The first half of the input is an image, the second the file that it
 * names, if it names one. The libyal libraries are not fuzzed here: they are not ours, and run in the sandbox. */
#include "img/image.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int file_of(const uint8_t *data, size_t size)
{
    int fd = memfd_create("image", MFD_CLOEXEC);
    if (fd < 0 || write(fd, data, size) != (ssize_t) size)
        abort();
    return fd;
}

static void read_some(cn_src *src)
{
    uint8_t bytes[70000];
    size_t n;
    (void) !cn_src_read_some(src, 0, bytes, sizeof bytes, &n, NULL);
    (void) !cn_src_read_some(src, src->size / 2, bytes, 5000, &n, NULL);
    (void) !cn_src_read_some(src, src->size - CN_MIN(src->size, 5000u), bytes, sizeof bytes, &n,
                             NULL);
    uint64_t at = 0;
    for (int i = 0; i < 8 && at < src->size; i++)
        at = cn_src_next_data(src, at + 511) + 1;
}

/* True where a libyal library would read it. */
static bool is_foreign(const uint8_t *data, size_t size)
{
    static const char *const magics[] = {"QFI\xfb\0\0\0\1", "EVF",      "LVF",     "KDMV", "COWD",
                                         "# Disk",          "vhdxfile", "conectix"};
    for (size_t i = 0; i < CN_LEN(magics); i++) {
        size_t n = i == 0 ? 8 : strlen(magics[i]);
        if (size >= n && memcmp(data, magics[i], n) == 0)
            return true;
    }
    return size >= 512 && memcmp(data + size - 512, "conectix", 8) == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t half = size / 2;
    if (is_foreign(data, half) || is_foreign(data + half, size - half))
        return 0;
    cn_media_file list[2] = {
        {.name = "first", .asked_by = SIZE_MAX, .image = true, .fd = file_of(data, half)},
        {.name = "second", .asked_by = 0, .image = true, .fd = file_of(data + half, size - half)}};
    cn_files files = {.list = list, .n = 2, .siblings = 1, .scratch = -1};
    cn_names names = {0};
    cn_err err = CN_ERR_INIT;
    if (cn_image_names(&files, 0, &names, &err) != CN_OK && err.code == CN_OK)
        __builtin_trap();
    if (names.n)
        list[1].asked = names.list[0].text;
    cn_src *src = NULL;
    if (cn_image_open(&files, &src, &err) == CN_OK)
        read_some(src);
    else if (err.code == CN_OK)
        __builtin_trap();
    cn_src_close(src);
    cn_names_free(&names);
    close(list[0].fd);
    close(list[1].fd);
    return 0;
}
