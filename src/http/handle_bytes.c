/* GET /events/{event_id}/bytes: the bytes of the evidence that an event was read from. A child of our
 * own program (cairn image cat), which closes itself into the sandbox, reads them; it gets a time and
 * a size, and nothing that it says is believed but the bytes. */
#include "base/log.h"
#include "http/find_event.h"
#include "http/server.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#define RECORD_MAX    CN_KIB(64)
#define CHILD_SECONDS 15
#define ERROR_MAX     2048

typedef struct child {
    pid_t pid;
    int out, err; /* our ends of its pipes */
} child;

static int start(cn_call *call, const char *const argv[], child *out)
{
    int data[2], words[2];
    posix_spawn_file_actions_t actions;
    if (pipe2(data, O_CLOEXEC))
        return cn_fail_errno(&call->err, "cannot make a pipe");
    if (pipe2(words, O_CLOEXEC)) {
        close(data[0]), close(data[1]);
        return cn_fail_errno(&call->err, "cannot make a pipe");
    }
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, data[1], STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions, words[1], STDERR_FILENO);
    errno = posix_spawn(&out->pid, "/proc/self/exe", &actions, NULL,
                        (char *const *) (uintptr_t) argv, environ);
    int failed = errno;
    posix_spawn_file_actions_destroy(&actions);
    close(data[1]), close(words[1]);
    out->out = data[0];
    out->err = words[0];
    if (failed) {
        close(data[0]), close(words[0]);
        return cn_fail_errno(&call->err, "cannot start cairn image cat");
    }
    return CN_OK;
}

/* Takes what is there into the buffer (at most its maximum; more is read and dropped). False at the
 * end. */
static bool take(int fd, cn_buf *into)
{
    uint8_t bytes[16384];
    ssize_t n = read(fd, bytes, sizeof bytes);
    if (n < 0)
        return errno == EINTR || errno == EAGAIN;
    cn_buf_bytes(into, cn_span_of(bytes, CN_MIN((size_t) n, into->max - into->len)));
    return n > 0;
}

/* Reads until both pipes end. False where the time is over. */
static bool read_all(cn_call *call, child *c, cn_buf *data, cn_buf *words)
{
    uint64_t end = cn_clock_ns() + (uint64_t) CHILD_SECONDS * CN_NS_PER_S;
    struct pollfd fds[] = {{c->out, POLLIN, 0}, {c->err, POLLIN, 0}};
    cn_buf *into[] = {data, words};
    while ((fds[0].fd >= 0 || fds[1].fd >= 0) && !cn_call_cancelled(call)) {
        if (cn_clock_ns() > end)
            return false;
        if (poll(fds, 2, 200) <= 0)
            continue;
        for (size_t i = 0; i < 2; i++)
            if (fds[i].fd >= 0 && fds[i].revents && !take(fds[i].fd, into[i]))
                fds[i].fd = -1;
    }
    return fds[0].fd < 0 && fds[1].fd < 0;
}

/* Runs `cairn image cat` for [offset, offset + length) of the event's stream. */
static int run(cn_call *call, const char *const argv[], cn_buf *data)
{
    CN_CLEANUP(cn_buf_free) cn_buf words = cn_buf_of(ERROR_MAX);
    child c = {.pid = -1, .out = -1, .err = -1};
    int status = 0, rc = start(call, argv, &c);
    if (rc)
        return rc;
    bool whole = read_all(call, &c, data, &words);
    close(c.out), close(c.err);
    if (!whole)
        kill(c.pid, SIGKILL);
    while (waitpid(c.pid, &status, 0) < 0 && errno == EINTR)
        ;
    if (!whole)
        return cn_fail(&call->err, CN_E_LIMIT, CN_NO_OFFSET,
                       "Reading the bytes took longer than %d s.", CHILD_SECONDS);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return CN_OK;
    cn_span text = cn_text_trim(cn_buf_span(&words));
    text = cn_text_until(&text, '\n');
    if (cn_span_starts(text, "cairn: "))
        text = cn_span_sub(text, 7, text.len);
    return cn_fail(&call->err, WIFEXITED(status) ? CN_E_NOT_FOUND : CN_E_IO, CN_NO_OFFSET,
                   "The bytes cannot be read: %.*s", (int) CN_MIN(text.len, 400),
                   text.len ? (const char *) text.p : "the reader crashed");
}

static void put_answer(cn_call *call, const cn_stored_event *e, uint64_t start, cn_span bytes)
{
    const cn_origin *o = e->s.origin;
    uint64_t offset = e->s.event.offset, length = e->s.event.length;
    cn_json_out j = cn_call_json(call);
    cn_json_open(&j, '{');
    cn_json_put_text(&j, "image", o->image);
    if (o->volume.len)
        cn_json_put_text(&j, "volume", o->volume);
    cn_json_put_text(&j, "path", o->path);
    if (o->inode)
        cn_json_put_u64(&j, "inode", o->inode);
    cn_json_put_text(&j, "stream", o->stream);
    cn_json_put_u64(&j, "offset", offset);
    cn_json_put_u64(&j, "length", length);
    cn_json_put_u64(&j, "start", start);
    cn_json_put_bool(&j, "cut", length > RECORD_MAX);
    cn_json_key(&j, "hex");
    cn_json_next(&j);
    cn_buf_char(j.buf, '"');
    cn_text_put_hex(j.buf, bytes);
    cn_buf_char(j.buf, '"');
    cn_json_put_text(&j, "text", bytes);
    cn_json_close(&j, '}');
}

static int find_source(cn_call *call, uint64_t timeline, cn_timeline *out)
{
    cn_catalog *catalog = cn_library_take(call->library);
    int rc = cn_catalog_timeline(catalog, (int64_t) timeline, &call->arena, out, &call->err);
    cn_library_give(call->library);
    return rc;
}

int cn_http_get_event_bytes(cn_call *call, const cn_api_get_event_bytes_params *params)
{
    CN_CLEANUP(cn_buf_free) cn_buf data = cn_buf_of(RECORD_MAX + 2 * 65536);
    cn_stored_event e;
    cn_timeline timeline;
    int rc = cn_find_event(call, params->event_id, params->timeline, &e);
    if (rc == CN_OK)
        rc = find_source(call, e.timeline_id, &timeline);
    if (rc)
        return rc;
    const cn_origin *o = e.s.origin;
    uint64_t offset = e.s.event.offset;
    uint64_t start = offset - CN_MIN(offset, (uint64_t) params->before);
    uint64_t length =
        offset - start + CN_MIN(e.s.event.length, RECORD_MAX) + (uint64_t) params->after;
    bool metadata = cn_span_is(o->parser, "filestat");
    const char *file = o->inode ? cn_arena_printf(&call->arena, "%" PRIu64, o->inode)
                                : cn_arena_copy(&call->arena, o->path);
    const char *argv[16] = {
        "cairn",
        "image",
        "cat",
        cn_arena_copy(&call->arena, cn_span_str(timeline.source)),
        metadata ? "--raw" : file,
        "--offset",
        cn_arena_printf(&call->arena, "%" PRIu64, start),
        "--length",
        cn_arena_printf(&call->arena, "%" PRIu64, length),
    };
    size_t n = 9;
    if (o->volume.len) {
        argv[n++] = "--volume";
        argv[n++] = cn_arena_copy(&call->arena, o->volume);
    }
    if (o->stream.len)
        argv[n++] = "--decompress";
    for (size_t i = 0; i < n; i++)
        if (!argv[i])
            return cn_fail(&call->err, CN_E_NO_MEMORY, CN_NO_OFFSET, "no memory for this call");
    rc = run(call, argv, &data);
    if (rc)
        return rc;
    put_answer(call, &e, start, cn_buf_span(&data));
    return CN_OK;
}
