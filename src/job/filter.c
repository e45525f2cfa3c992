#include "job/filter.h"

#include "base/buf.h"
#include "base/hash.h"
#include "base/text.h"

#include <fcntl.h>
#include <unistd.h>

#define PATTERNS_MAX 10000u
#define FILE_MAX     CN_MIB(4)

typedef struct pattern {
    char *glob; /* owned */
    bool takes;
} pattern;

struct cn_filter {
    pattern *list;
    size_t n;
    bool any_takes;
    uint64_t hash;
};

static int add(cn_filter *f, bool takes, cn_span glob, cn_err *err)
{
    bool beneath = cn_span_ends(glob, "/");
    pattern *more = realloc(f->list, (f->n + 1) * sizeof *more);
    if (!more)
        return cn_fail(err, CN_E_NO_MEMORY, CN_NO_OFFSET, "no memory for the filter");
    f->list = more;
    char *copy = calloc(1, glob.len + 2);
    if (!copy)
        return cn_fail(err, CN_E_NO_MEMORY, CN_NO_OFFSET, "no memory for the filter");
    memcpy(copy, glob.p, glob.len);
    if (beneath)
        copy[glob.len] = '*';
    f->list[f->n++] = (pattern){copy, takes};
    f->any_takes = f->any_takes || takes;
    return CN_OK;
}

int cn_filter_parse(cn_span text, cn_filter **out, cn_err *err)
{
    CN_CLEANUP(cn_filter_free_p) cn_filter *f = calloc(1, sizeof *f);
    if (!f)
        return cn_fail(err, CN_E_NO_MEMORY, CN_NO_OFFSET, "no memory for the filter");
    f->hash = cn_hash64(text);
    for (unsigned number = 1; text.len; number++) {
        cn_span line = cn_text_trim(cn_text_until(&text, '\n'));
        if (!line.len || line.p[0] == '#')
            continue;
        bool takes = line.p[0] != '-';
        if (line.p[0] == '-' || line.p[0] == '+')
            line = cn_text_trim(cn_span_sub(line, 1, SIZE_MAX));
        if (!line.len || (line.p[0] != '/' && line.p[0] != '*') || memchr(line.p, 0, line.len))
            return cn_fail(err, CN_E_ARG, CN_NO_OFFSET,
                           "line %u: a pattern begins with / or *, as in /var/log/*", number);
        if (f->n == PATTERNS_MAX)
            return cn_fail(err, CN_E_ARG, CN_NO_OFFSET, "line %u: more than %u patterns", number,
                           PATTERNS_MAX);
        int r = add(f, takes, line, err);
        if (r < 0)
            return r;
    }
    if (!f->n)
        return cn_fail(err, CN_E_ARG, CN_NO_OFFSET, "there is no pattern in it");
    *out = CN_TAKE(f);
    return CN_OK;
}

int cn_filter_read(const char *path, cn_filter **out, cn_err *err)
{
    CN_CLEANUP(cn_buf_free) cn_buf text = cn_buf_of(FILE_MAX);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return cn_fail_errno(err, "%s", path);
    ssize_t n = 1;
    while (n > 0) {
        uint8_t *room = cn_buf_room(&text, CN_KIB(64));
        if (!room)
            break;
        if ((n = read(fd, room, CN_KIB(64))) > 0)
            text.len += (size_t) n;
    }
    int r = n < 0 ? cn_fail_errno(err, "%s", path) : CN_OK;
    close(fd);
    if (r >= 0 && text.failed)
        return cn_fail(err, CN_E_ARG, CN_NO_OFFSET, "%s: a filter has at most 4 MiB", path);
    if (r >= 0 && (r = cn_filter_parse(cn_buf_span(&text), out, err)) < 0)
        cn_while(err, "%s", path);
    return r;
}

bool cn_filter_takes(const cn_filter *filter, cn_span path)
{
    if (!filter)
        return true;
    bool taken = !filter->any_takes;
    for (size_t i = 0; i < filter->n; i++) {
        const pattern *p = &filter->list[i];
        if (p->takes && taken)
            continue;
        if (cn_text_glob(p->glob, path)) {
            if (!p->takes)
                return false;
            taken = true;
        }
    }
    return taken;
}

uint64_t cn_filter_hash(const cn_filter *filter) { return filter->hash; }

cn_filter *cn_filter_free(cn_filter *filter)
{
    if (!filter)
        return NULL;
    for (size_t i = 0; i < filter->n; i++)
        free(filter->list[i].glob);
    free(filter->list);
    free(filter);
    return NULL;
}
