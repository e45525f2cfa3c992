#include "job/output.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

int cn_outputs_add(cn_outputs *outputs, const char *dest, cn_err *err)
{
    if (strcmp(dest, "data") == 0) {
        outputs->keep = true;
        return CN_OK;
    }
    cn_span name = cn_span_str(dest);
    const char *colon = strchr(dest, ':');
    cn_encoding encoding;
    if (!colon || !colon[1] ||
        !cn_encoding_by_name(cn_span_sub(name, 0, (size_t) (colon - dest)), &encoding))
        return cn_fail(err, CN_E_ARG, CN_NO_OFFSET,
                       "--to %s: there are data, jsonl:FILE, csv:FILE, l2tcsv:FILE and "
                       "bodyfile:FILE; - is standard output",
                       dest);
    if (outputs->n == CN_OUTPUTS_MAX)
        return cn_fail(err, CN_E_ARG, CN_NO_OFFSET, "--to: more than %u of them", CN_OUTPUTS_MAX);
    bool is_stdout = strcmp(colon + 1, "-") == 0;
    if (is_stdout && outputs->to_stdout)
        return cn_fail(err, CN_E_ARG, CN_NO_OFFSET, "--to %s: standard output is taken", dest);
    outputs->to_stdout = outputs->to_stdout || is_stdout;
    outputs->list[outputs->n++] = (cn_output){.encoding = encoding, .path = colon + 1, .fd = -1};
    return CN_OK;
}

static int open_one(cn_output *o, cn_err *err)
{
    bool is_stdout = strcmp(o->path, "-") == 0;
    o->fd = is_stdout ? fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3)
                      : open(o->path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    struct stat st;
    if (o->fd < 0 || fstat(o->fd, &st) != 0)
        return cn_fail_errno(err, "%s", is_stdout ? "standard output" : o->path);
    o->regular = S_ISREG(st.st_mode) && !is_stdout;
    CN_CLEANUP(cn_encoder_free_p)
    cn_encoder *head = cn_encoder_new(o->encoding, cn_output_write, &o->fd);
    if (!head)
        return cn_fail(err, CN_E_NO_MEMORY, CN_NO_OFFSET, "no memory to write events");
    int r = cn_encoder_head(head, err);
    return r < 0 ? r : cn_encoder_flush(head, err);
}

int cn_outputs_open(cn_outputs *outputs, cn_err *err)
{
    for (size_t i = 0; i < outputs->n; i++) {
        int r = open_one(&outputs->list[i], err);
        if (r < 0)
            return r;
    }
    return CN_OK;
}

int cn_outputs_close(cn_outputs *outputs, cn_err *err)
{
    int r = CN_OK;
    for (size_t i = 0; i < outputs->n; i++) {
        cn_output *o = &outputs->list[i];
        if (o->fd < 0)
            continue;
        bool bad = o->regular && fsync(o->fd) != 0;
        bad = close(o->fd) != 0 || bad;
        o->fd = -1;
        if (bad && r >= 0)
            r = cn_fail_errno(err, "%s", o->path);
    }
    return r;
}

int cn_output_write(void *fd, cn_span bytes, cn_err *err)
{
    const int *to = fd;
    while (bytes.len) {
        ssize_t n = write(*to, bytes.p, bytes.len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return cn_fail_errno(err, "writing events");
        bytes = cn_span_sub(bytes, (size_t) n, SIZE_MAX);
    }
    return CN_OK;
}
