#include "img/files.h"

#include "img/parts.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static int no_memory(cn_err *err)
{
    return cn_fail(err, CN_E_NO_MEMORY, CN_NO_OFFSET, "no memory");
}

int cn_names_add(cn_names *names, cn_span name, bool image, cn_err *err)
{
    if (name.len == 0 || memchr(name.p, 0, name.len))
        return cn_fail(err, CN_E_CORRUPT, CN_NO_OFFSET, "a file name in it is empty or has a NUL");
    if (names->n >= CN_FILES_MAX || name.len >= CN_NAMES_MAX)
        return cn_fail(err, CN_E_LIMIT, CN_NO_OFFSET,
                       "it names too many files, or by too long names");
    cn_name *grown = realloc(names->list, (names->n + 1) * sizeof *grown);
    if (!grown)
        return no_memory(err);
    names->list = grown;
    grown[names->n] = (cn_name){strndup((const char *) name.p, name.len), image};
    if (!grown[names->n].text)
        return no_memory(err);
    names->n++;
    return CN_OK;
}

void cn_names_free(cn_names *names)
{
    for (size_t i = 0; i < names->n; i++)
        free(names->list[i].text);
    free(names->list);
    *names = (cn_names){NULL, 0};
}

cn_files *cn_files_free(cn_files *files)
{
    if (!files)
        return NULL;
    for (size_t i = 0; i < files->n; i++) {
        close(files->list[i].fd);
        free(files->list[i].path);
        free(files->list[i].asked);
    }
    if (files->scratch >= 0)
        close(files->scratch);
    free(files->list);
    free(files->missing);
    free(files->source);
    free(files);
    return NULL;
}

typedef enum allow { ALLOW_ANY, ALLOW_FILE_OR_DEVICE, ALLOW_FILE } allow;

/* Opens path and appends it. The type is looked at before it is opened: opening alone can wind a
 * tape. */
static int append(cn_files *files, const char *path, allow what, cn_err *err)
{
    struct stat st;
    if (stat(path, &st) < 0)
        return cn_fail_errno(err, "%s", path);
    bool good = S_ISREG(st.st_mode) || (S_ISBLK(st.st_mode) && what != ALLOW_FILE) ||
                (S_ISDIR(st.st_mode) && what == ALLOW_ANY);
    if (!good)
        return cn_fail(err, CN_E_ARG, CN_NO_OFFSET, "%s is no %s", path,
                       what == ALLOW_FILE             ? "regular file"
                       : what == ALLOW_FILE_OR_DEVICE ? "file or block device"
                                                      : "file, folder or block device");
    if (files->n >= CN_FILES_MAX)
        return cn_fail(err, CN_E_LIMIT, CN_NO_OFFSET, "%s has more than %u parts", files->source,
                       CN_FILES_MAX);
    cn_media_file *grown = realloc(files->list, (files->n + 1) * sizeof *grown);
    if (!grown)
        return no_memory(err);
    files->list = grown;
    char *canonical = realpath(path, NULL);
    if (!canonical)
        return cn_fail_errno(err, "%s", path);
    int fd = open(canonical, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    struct stat opened;
    if (fd < 0 || fstat(fd, &opened) < 0) {
        int code = cn_fail_errno(err, "%s", path);
        if (fd >= 0)
            close(fd);
        free(canonical);
        return code;
    }
    if (opened.st_dev != st.st_dev || opened.st_ino != st.st_ino) {
        close(fd);
        free(canonical);
        return cn_fail(err, CN_E_IO, CN_NO_OFFSET, "%s was replaced while it was opened", path);
    }
    int sector_size = 0;
    if (S_ISBLK(st.st_mode) && ioctl(fd, BLKSSZGET, &sector_size) < 0)
        sector_size = 0;
    cn_media_file *file = &files->list[files->n++];
    *file = (cn_media_file){.path = canonical,
                            .name = strrchr(canonical, '/') + 1,
                            .asked_by = SIZE_MAX,
                            .st = opened,
                            .sector_size = sector_size > 0 ? (uint32_t) sector_size : 0,
                            .fd = fd};
    if (S_ISDIR(st.st_mode))
        files->kind = CN_FILES_FOLDER;
    return CN_OK;
}

static int append_siblings(cn_files *files, cn_err *err)
{
    CN_CLEANUP(cn_parts_free) cn_parts parts = {0};
    int r = cn_parts_find(files->source, &parts, err);
    for (size_t i = 1; r == CN_OK && i < parts.n; i++)
        r = append(files, parts.paths[i], ALLOW_FILE_OR_DEVICE, err);
    if (r != CN_OK)
        return r;
    files->siblings = files->n;
    files->split_raw = parts.raw;
    files->missing = CN_TAKE(parts.missing);
    return CN_OK;
}

/* On a disk rather than in memory where there is a choice: archives are large. */
int cn_files_scratch(void)
{
    const char *folders[] = {getenv("TMPDIR"), "/var/tmp", "/tmp"};
    for (size_t i = 0; i < CN_LEN(folders); i++) {
        int fd = folders[i] ? open(folders[i], O_TMPFILE | O_RDWR | O_CLOEXEC, 0600) : -1;
        if (fd >= 0)
            return fd;
    }
    return memfd_create("unpacked", MFD_CLOEXEC);
}

int cn_files_open(const char *source, cn_files **out, cn_err *err)
{
    CN_CLEANUP(cn_files_free_p) cn_files *files = calloc(1, sizeof *files);
    if (!files)
        return no_memory(err);
    files->scratch = -1;
    files->source = strdup(source);
    if (!files->source)
        return no_memory(err);
    int r = append(files, source, ALLOW_ANY, err);
    if (r != CN_OK)
        return r;
    files->siblings = 1;
    files->list[0].image = true;
    if (files->kind == CN_FILES_MEDIA) {
        if ((r = append_siblings(files, err)) != CN_OK)
            return r;
        files->scratch = cn_files_scratch();
    }
    *out = CN_TAKE(files);
    return CN_OK;
}

/* The last part of a path of Unix or of Windows. */
static const char *last_part(const char *path)
{
    const char *last = path;
    for (const char *p = path; *p; p++)
        if (*p == '/' || *p == '\\')
            last = p + 1;
    return last;
}

/* "nbd:...", "json:...", "https://...": something that is fetched. A drive letter is no such word.
 */
static bool is_remote(const char *asked)
{
    size_t n = strspn(asked, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+-");
    return n > 1 && asked[n] == ':';
}

static bool in_ring(const cn_files *files, size_t asked_by, const cn_media_file *added)
{
    for (size_t i = asked_by; i != SIZE_MAX; i = files->list[i].asked_by)
        if (files->list[i].st.st_dev == added->st.st_dev &&
            files->list[i].st.st_ino == added->st.st_ino)
            return true;
    return false;
}

static int open_named(cn_files *files, size_t asked_by, const char *asked, cn_err *err)
{
    const char *name = last_part(asked), *by = files->list[asked_by].path;
    if (!*name || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
        return cn_fail(err, CN_E_CORRUPT, CN_NO_OFFSET, "'%s' is no name of a file", asked);
    if (strlen(name) > NAME_MAX)
        return cn_fail(err, CN_E_CORRUPT, CN_NO_OFFSET, "a name that is too long");
    char path[PATH_MAX];
    int folder = (int) (files->list[asked_by].name - by);
    int n = snprintf(path, sizeof path, "%.*s%s", folder, by, name);
    if (n < 0 || (size_t) n >= sizeof path)
        return cn_fail(err, CN_E_LIMIT, CN_NO_OFFSET, "a path that is too long");
    int r = append(files, path, ALLOW_FILE, err);
    if (r != CN_E_NOT_FOUND || name == asked || strchr(asked, '\\'))
        return r;
    n = asked[0] == '/' ? snprintf(path, sizeof path, "%s", asked)
                        : snprintf(path, sizeof path, "%.*s%s", folder, by, asked);
    if (n < 0 || (size_t) n >= sizeof path)
        return cn_fail(err, CN_E_LIMIT, CN_NO_OFFSET, "a path that is too long");
    return append(files, path, ALLOW_FILE, err);
}

int cn_files_add(cn_files *files, size_t asked_by, const cn_name *name, cn_err *err)
{
    const char *asked = name->text;
    char by[NAME_MAX + 1];
    snprintf(by, sizeof by, "%s", files->list[asked_by].name);
    const char *file = strncmp(asked, "file:", 5) == 0 ? asked + 5 : asked;
    if (is_remote(file))
        return cn_fail(err, CN_E_UNSUPPORTED, CN_NO_OFFSET,
                       "%s stands on '%.200s', which is no path of a file", by, asked);
    int r = open_named(files, asked_by, file, err);
    if (r == CN_E_NOT_FOUND)
        return cn_fail(err, r, CN_NO_OFFSET,
                       "%s stands on '%.200s', which is not there; put it into the same folder", by,
                       asked);
    if (r != CN_OK) {
        cn_while(err, "%s stands on '%.200s'", by, asked);
        return r;
    }
    cn_media_file *added = &files->list[files->n - 1];
    if (in_ring(files, asked_by, added))
        return cn_fail(err, CN_E_CORRUPT, CN_NO_OFFSET, "%s and '%.200s' stand on each other", by,
                       asked);
    added->asked_by = asked_by;
    added->image = name->image;
    added->asked = strdup(asked);
    return added->asked ? CN_OK : no_memory(err);
}

size_t cn_files_find(const cn_files *files, size_t asked_by, const char *asked)
{
    for (size_t i = 0; i < files->n; i++)
        if (files->list[i].asked && files->list[i].asked_by == asked_by &&
            strcmp(files->list[i].asked, asked) == 0)
            return i;
    return SIZE_MAX;
}
