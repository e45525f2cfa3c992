#include "job/nursery.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define SLOTS_MAX 128u

struct cn_nursery {
    int fd;
    pid_t pid;
};

typedef struct command {
    uint32_t slot, kill;
} command;

/* ---- in the nursery ---- */

typedef struct nurse {
    int fd;
    cn_nursery_child child;
    void *context;
    pid_t pids[SLOTS_MAX];
    sigset_t old_mask;
} nurse;

static void tell(const nurse *n, const cn_nursery_event *event)
{
    if (send(n->fd, event, sizeof *event, MSG_NOSIGNAL) != sizeof *event)
        _exit(1); /* the broker is gone */
}

static void spawn(nurse *n, uint32_t slot, int channel_fd)
{
    pid_t nursery = getpid(), pid = fork();
    if (pid == 0) {
        close(n->fd);
        (void) sigprocmask(SIG_SETMASK, &n->old_mask, NULL);
        _exit(n->child(n->context, slot, channel_fd, nursery));
    }
    close(channel_fd);
    cn_nursery_event event = {.slot = slot, .pid = pid};
    if (pid < 0) {
        event.ended = true;
        event.status = 1 << 8; /* as if it had exited with 1 */
    } else {
        n->pids[slot] = pid;
    }
    tell(n, &event);
}

static void reap(nurse *n)
{
    int status;
    for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;)
        for (uint32_t slot = 0; slot < SLOTS_MAX; slot++)
            if (n->pids[slot] == pid) {
                n->pids[slot] = 0;
                tell(n, &(cn_nursery_event){
                            .slot = slot, .pid = pid, .ended = true, .status = status});
            }
}

/* One command; false when the broker is gone. */
static bool obey(nurse *n)
{
    command c;
    union {
        struct cmsghdr align;
        uint8_t bytes[CMSG_SPACE(sizeof(int))];
    } control = {0};
    struct iovec part = {&c, sizeof c};
    struct msghdr message = {.msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = &control,
                             .msg_controllen = sizeof control};
    ssize_t got = recvmsg(n->fd, &message, MSG_CMSG_CLOEXEC);
    if (got < 0 && errno == EINTR)
        return true;
    if (got != sizeof c || c.slot >= SLOTS_MAX)
        return false;
    struct cmsghdr *rider = CMSG_FIRSTHDR(&message);
    int fd = -1;
    if (rider && rider->cmsg_type == SCM_RIGHTS)
        memcpy(&fd, CMSG_DATA(rider), sizeof fd);
    if (c.kill && n->pids[c.slot] > 0)
        kill(n->pids[c.slot], SIGKILL);
    else if (!c.kill && fd >= 0)
        spawn(n, c.slot, fd);
    return true;
}

static int nurse_main(nurse *n, pid_t broker)
{
    (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != broker)
        return 1;
    int nothing = open("/dev/null", O_RDWR | O_CLOEXEC); /* the terminal is not the workers' */
    if (nothing < 0 || dup2(nothing, STDIN_FILENO) < 0 || dup2(nothing, STDOUT_FILENO) < 0)
        return 1;
    close(nothing);
    static const int ignored[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE};
    for (size_t i = 0; i < CN_LEN(ignored); i++)
        (void) signal(ignored[i], SIG_IGN);
    sigset_t children;
    sigemptyset(&children);
    sigaddset(&children, SIGCHLD);
    sigprocmask(SIG_BLOCK, &children, &n->old_mask);
    sigdelset(&n->old_mask, SIGCHLD);
    sigdelset(&n->old_mask, SIGINT); /* blocked by the broker, which takes it from a descriptor */
    sigdelset(&n->old_mask, SIGTERM);
    int signals = signalfd(-1, &children, SFD_CLOEXEC | SFD_NONBLOCK);
    if (signals < 0)
        return 1;
    for (;;) {
        struct pollfd fds[] = {{.fd = n->fd, .events = POLLIN}, {.fd = signals, .events = POLLIN}};
        if (poll(fds, CN_LEN(fds), -1) < 0 && errno != EINTR)
            return 1;
        struct signalfd_siginfo info;
        while (read(signals, &info, sizeof info) > 0)
            ;
        reap(n);
        if (fds[0].revents && !obey(n))
            break;
    }
    /* The broker has closed its end: the workers end when it closes theirs, and are waited for, so that
     * their CPU time counts as its own. */
    close(n->fd);
    while (waitpid(-1, NULL, 0) > 0 || errno == EINTR)
        ;
    return 0;
}

/* ---- in the broker ---- */

int cn_nursery_start(cn_nursery_child child, void *context, cn_nursery **out, cn_err *err)
{
    cn_nursery *nursery = calloc(1, sizeof *nursery);
    if (!nursery)
        return cn_fail(err, CN_E_NO_MEMORY, CN_NO_OFFSET, "no memory for the workers");
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
        free(nursery);
        return cn_fail_errno(err, "socket pair");
    }
    pid_t broker = getpid();
    nursery->pid = fork();
    if (nursery->pid == 0) {
        close(ends[0]);
        nurse n = {.fd = ends[1], .child = child, .context = context};
        _exit(nurse_main(&n, broker));
    }
    close(ends[1]);
    nursery->fd = ends[0];
    if (nursery->pid < 0) {
        int r = cn_fail_errno(err, "workers cannot be started");
        close(ends[0]);
        free(nursery);
        return r;
    }
    *out = nursery;
    return CN_OK;
}

static int order(cn_nursery *nursery, command c, int fd, cn_err *err)
{
    union {
        struct cmsghdr align;
        uint8_t bytes[CMSG_SPACE(sizeof(int))];
    } control = {0};
    struct iovec part = {&c, sizeof c};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    if (fd >= 0) {
        message.msg_control = &control;
        message.msg_controllen = sizeof control;
        struct cmsghdr *rider = CMSG_FIRSTHDR(&message);
        rider->cmsg_level = SOL_SOCKET;
        rider->cmsg_type = SCM_RIGHTS;
        rider->cmsg_len = CMSG_LEN(sizeof fd);
        memcpy(CMSG_DATA(rider), &fd, sizeof fd);
    }
    ssize_t n;
    while ((n = sendmsg(nursery->fd, &message, MSG_NOSIGNAL)) < 0 && errno == EINTR)
        ;
    return n < 0 ? cn_fail_errno(err, "the process that starts workers is gone") : CN_OK;
}

int cn_nursery_spawn(cn_nursery *nursery, uint32_t slot, int channel_fd, cn_err *err)
{
    return order(nursery, (command){.slot = slot}, channel_fd, err);
}

int cn_nursery_kill(cn_nursery *nursery, uint32_t slot, cn_err *err)
{
    return nursery ? order(nursery, (command){.slot = slot, .kill = 1}, -1, err) : CN_OK;
}

int cn_nursery_fd(const cn_nursery *nursery) { return nursery->fd; }

int cn_nursery_next(cn_nursery *nursery, cn_nursery_event *out, cn_err *err)
{
    ssize_t n;
    while ((n = recv(nursery->fd, out, sizeof *out, MSG_DONTWAIT)) < 0 && errno == EINTR)
        ;
    if (n < 0 && errno == EAGAIN)
        return 0;
    if (n != sizeof *out)
        return cn_fail(err, CN_E_IO, CN_NO_OFFSET, "the process that starts workers is gone");
    return 1;
}

cn_nursery *cn_nursery_end(cn_nursery *nursery, unsigned wait_ms)
{
    if (!nursery)
        return NULL;
    close(nursery->fd);
    for (unsigned ms = 0; ms < wait_ms; ms += 2) {
        if (waitpid(nursery->pid, NULL, WNOHANG) == nursery->pid) {
            free(nursery);
            return NULL;
        }
        const struct timespec pause = {.tv_nsec = 2000000};
        nanosleep(&pause, NULL);
    }
    /* It may be about to fork; its children end with it by their parent-death signal. */
    kill(nursery->pid, SIGKILL);
    while (waitpid(nursery->pid, NULL, 0) < 0 && errno == EINTR)
        ;
    free(nursery);
    return NULL;
}
