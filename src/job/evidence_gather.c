/* The broker's side of opening evidence. What stands in an image (the name of its backing file) is read by a child that
 * is closed into the sandbox first; its answer is not believed either: it is checked here, and a name only ever leads
 * to a file that img/files.h opens. */
#include "base/cur.h"
#include "img/image.h"
#include "job/evidence.h"
#include "job/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define ANSWER_MAX        CN_MIB(20) /* CN_FILES_MAX names of CN_NAMES_MAX bytes, and the error */
#define ANSWER_TIME_MS    60000
#define UNLOCK_TIME_MS    600000 /* Argon2 with gigabytes on a busy machine, several volumes */
#define CHILD_DATA_BYTES  CN_GIB(1)
#define UNLOCK_DATA_BYTES CN_GIB(5) /* Argon2 takes up to 4 */
#define KEYS_MAX          1024u
#define PASSPHRASE_MAX    8192u

/* --- The child: code(4) offset(8) text(2+n), then count(4) and names: image(1) length(2) bytes. */

static void put_text(cn_buf *out, const char *text)
{
    size_t n = strlen(text);
    cn_buf_le16(out, (uint16_t) n);
    cn_buf_bytes(out, cn_span_of(text, n));
}

static void put_result(cn_buf *out, int code, const cn_err *err)
{
    cn_buf_le32(out, (uint32_t) code);
    cn_buf_le64(out, err->offset);
    put_text(out, err->text);
}

typedef struct question {
    const cn_files *files;
    size_t i;
    bool best_effort;
} question;

static void answer_names(const void *context, cn_buf *out)
{
    const question *q = context;
    CN_CLEANUP(cn_names_free) cn_names names = {0};
    cn_err err = CN_ERR_INIT;
    cn_sandbox_options options = {.best_effort = q->best_effort, .data_bytes = CHILD_DATA_BYTES};
    int r = cn_sandbox_enter(&options, NULL, &err);
    if (r == CN_OK)
        r = cn_image_names(q->files, q->i, &names, &err);
    put_result(out, r, &err);
    cn_buf_le32(out, (uint32_t) names.n);
    for (size_t k = 0; k < names.n; k++) {
        cn_buf_char(out, names.list[k].image);
        put_text(out, names.list[k].text);
    }
}

static void write_all(int fd, cn_span bytes)
{
    while (bytes.len) {
        ssize_t n = write(fd, bytes.p, bytes.len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return;
        bytes = cn_span_sub(bytes, (size_t) n, bytes.len);
    }
}

/* --- The broker. */

static int read_answer(int fd, int time_ms, cn_buf *out, cn_err *err)
{
    for (;;) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        int ready = poll(&p, 1, time_ms);
        if (ready < 0 && errno == EINTR)
            continue;
        if (ready <= 0)
            return cn_fail(err, CN_E_LIMIT, CN_NO_OFFSET, "opening the image takes too long");
        uint8_t *room = cn_buf_room(out, 65536);
        if (!room)
            return cn_fail(err, CN_E_LIMIT, CN_NO_OFFSET, "the image names too many files");
        ssize_t n = read(fd, room, 65536);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return cn_fail_errno(err, "reading from the child process");
        if (n == 0)
            return CN_OK;
        out->len += (size_t) n;
    }
}

/* The child's result: its error as ours. The cursor stands behind it. */
static int take_result(cn_cur *c, cn_err *err)
{
    int32_t code = (int32_t) cn_cur_le32(c);
    uint64_t offset = cn_cur_le64(c);
    cn_span text = cn_cur_span(c, cn_cur_le16(c));
    if (c->fail)
        return cn_fail(err, CN_E_CORRUPT, CN_NO_OFFSET,
                       "the process that read the image's header died");
    if (code == CN_OK)
        return CN_OK;
    return cn_fail(err, code < 0 && code >= CN_E_DENIED ? code : CN_E_CORRUPT, offset, "%.*s",
                   (int) text.len, (const char *) text.p);
}

/* Runs work in a child; what it writes is the answer. */
static int run_child(void (*work)(const void *context, cn_buf *out), const void *context,
                     int time_ms, cn_buf *out, cn_err *err)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0)
        return cn_fail_errno(err, "pipe");
    pid_t child = fork();
    if (child < 0) {
        int r = cn_fail_errno(err, "fork");
        close(ends[0]);
        close(ends[1]);
        return r;
    }
    if (child == 0) {
        cn_buf answer = cn_buf_of(ANSWER_MAX);
        close(ends[0]);
        work(context, &answer);
        write_all(ends[1], cn_buf_span(&answer));
        _exit(0);
    }
    close(ends[1]);
    int r = read_answer(ends[0], time_ms, out, err);
    close(ends[0]);
    if (r != CN_OK)
        kill(child, SIGKILL);
    while (waitpid(child, NULL, 0) < 0 && errno == EINTR)
        ;
    return r;
}

static int ask(const cn_files *files, size_t i, bool best_effort, cn_names *names, cn_err *err)
{
    CN_CLEANUP(cn_buf_free) cn_buf bytes = cn_buf_of(ANSWER_MAX);
    question q = {files, i, best_effort};
    int r = run_child(answer_names, &q, ANSWER_TIME_MS, &bytes, err);
    if (r != CN_OK)
        return r;
    cn_cur c = cn_cur_of(cn_buf_span(&bytes), 0);
    r = take_result(&c, err);
    uint32_t n = cn_cur_le32(&c);
    for (uint32_t k = 0; r == CN_OK && k < n; k++) {
        bool image = cn_cur_u8(&c);
        cn_span name = cn_cur_span(&c, cn_cur_le16(&c));
        r = cn_cur_check(&c, err, "the child process");
        if (r == CN_OK)
            r = cn_names_add(names, name, image, err);
    }
    return r;
}

/* An image of many parts needs more descriptors than the usual 1024. */
static void allow_descriptors(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = CN_MIN(limit.rlim_max, (rlim_t) 2 * CN_FILES_MAX);
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

int cn_evidence_gather(const char *source, bool best_effort, cn_files **out, cn_err *err)
{
    CN_CLEANUP(cn_files_free_p) cn_files *files = NULL;
    allow_descriptors();
    int r = cn_files_open(source, &files, err);
    if (r != CN_OK)
        return r;
    for (size_t i = 0; files->kind == CN_FILES_MEDIA && i < files->n; i++) {
        CN_CLEANUP(cn_names_free) cn_names names = {0};
        if (!files->list[i].image)
            continue;
        r = ask(files, i, best_effort, &names, err);
        for (size_t k = 0; r == CN_OK && k < names.n; k++)
            r = cn_files_add(files, i, &names.list[k], err);
        if (r != CN_OK)
            return r;
    }
    *out = CN_TAKE(files);
    return CN_OK;
}

/* --- Keys. */

typedef struct unlock {
    cn_files *const *files;
    size_t n;
    const cn_evidence_options *options;
    bool best_effort;
} unlock;

static void answer_keys(const void *context, cn_buf *out)
{
    const unlock *u = context;
    cn_evidence *ev = NULL;
    const cn_volume_key *keys = NULL;
    size_t n = 0, n_folders = 0;
    int *folders = calloc(u->n + 1, sizeof *folders);
    cn_err err = CN_ERR_INIT;
    for (size_t i = 0; folders && i < u->n; i++)
        if (u->files[i]->kind == CN_FILES_FOLDER)
            folders[n_folders++] = u->files[i]->list[0].fd;
    cn_sandbox_options options = {.best_effort = u->best_effort,
                                  .read_folders = folders,
                                  .n_read_folders = n_folders,
                                  .data_bytes = UNLOCK_DATA_BYTES};
    int r = cn_sandbox_enter(&options, NULL, &err);
    if (r == CN_OK)
        r = cn_evidence_open(u->files, u->n, u->options, &ev, &err);
    if (r == CN_OK)
        n = CN_MIN(cn_evidence_keys(ev, &keys), (size_t) KEYS_MAX);
    put_result(out, r, &err);
    cn_buf_le32(out, (uint32_t) n);
    for (size_t i = 0; i < n; i++) {
        cn_buf_bytes(out, cn_span_of(keys[i].id, sizeof keys[i].id));
        cn_buf_char(out, (char) keys[i].n);
        cn_buf_bytes(out, cn_span_of(keys[i].bytes, sizeof keys[i].bytes));
    }
    cn_evidence_close(ev);
    free(folders);
}

static int take_keys(cn_span bytes, cn_volume_key **out, size_t *out_n, cn_err *err)
{
    cn_cur c = cn_cur_of(bytes, 0);
    int r = take_result(&c, err);
    uint32_t n = cn_cur_le32(&c);
    if (r == CN_OK)
        r = cn_cur_check(&c, err, "the child process");
    if (r != CN_OK)
        return r;
    if (n > KEYS_MAX)
        return cn_fail(err, CN_E_LIMIT, CN_NO_OFFSET, "too many encrypted volumes");
    cn_volume_key *keys = calloc((size_t) n + 1, sizeof *keys);
    if (!keys)
        return cn_fail(err, CN_E_NO_MEMORY, CN_NO_OFFSET, "no memory");
    for (uint32_t i = 0; i < n; i++) {
        cn_span id = cn_cur_text(&c, sizeof keys[i].id);
        size_t size = cn_cur_u8(&c);
        cn_span key = cn_cur_span(&c, sizeof keys[i].bytes);
        if (c.fail || !key.p || size > sizeof keys[i].bytes) {
            free(keys);
            return cn_fail(err, CN_E_CORRUPT, CN_NO_OFFSET,
                           "the process that opened the volumes died");
        }
        snprintf(keys[i].id, sizeof keys[i].id, "%.*s", (int) id.len, (const char *) id.p);
        memcpy(keys[i].bytes, key.p, sizeof keys[i].bytes);
        keys[i].n = size;
    }
    *out = keys;
    *out_n = n;
    return CN_OK;
}

int cn_evidence_unlock(cn_files *const *files, size_t n, const cn_evidence_options *options,
                       bool best_effort, cn_volume_key **out, size_t *out_n, cn_err *err)
{
    *out = NULL;
    *out_n = 0;
    if (!options->has_passphrase)
        return CN_OK;
    CN_CLEANUP(cn_buf_free) cn_buf bytes = cn_buf_of(ANSWER_MAX);
    unlock u = {files, n, options, best_effort};
    int r = run_child(answer_keys, &u, UNLOCK_TIME_MS, &bytes, err);
    if (r == CN_OK)
        r = take_keys(cn_buf_span(&bytes), out, out_n, err);
    if (bytes.p)
        explicit_bzero(bytes.p, bytes.len);
    return r;
}

int cn_evidence_passphrase(const char *file, char **out, bool *out_has, cn_err *err)
{
    const char *env = getenv("CAIRN_PASSPHRASE");
    char line[PASSPHRASE_MAX + 2];
    *out_has = false;
    *out = NULL;
    if (file) {
        FILE *f = fopen(file, "re");
        if (!f)
            return cn_fail_errno(err, "the passphrase file %s", file);
        bool got = fgets(line, sizeof line, f) != NULL;
        fclose(f);
        if (!got)
            return cn_fail(err, CN_E_ARG, CN_NO_OFFSET, "the passphrase file %s is empty", file);
        line[strcspn(line, "\r\n")] = 0;
        if (strlen(line) > PASSPHRASE_MAX)
            return cn_fail(err, CN_E_ARG, CN_NO_OFFSET, "the passphrase in %s is too long", file);
        env = line;
    }
    if (!env)
        return CN_OK;
    *out = strdup(env);
    explicit_bzero(line, sizeof line);
    if (!*out)
        return cn_fail(err, CN_E_NO_MEMORY, CN_NO_OFFSET, "no memory");
    *out_has = true;
    return CN_OK;
}
