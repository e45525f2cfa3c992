#include "job/channel.h"

#include "job/message.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define SEND_TIMEOUT_S 5

typedef struct head {
    uint32_t type, size; /* of the fixed part */
} head;

/* Size of the fixed part, and who may send it. */
static const struct {
    uint32_t size;
    bool from_worker;
} kinds[CN_M_COUNT] = {
    [CN_M_START] = {sizeof(cn_msg_start), false},
    [CN_M_OPEN] = {sizeof(cn_msg_open), false},
    [CN_M_FACTS] = {sizeof(cn_msg_facts), false},
    [CN_M_WALK] = {sizeof(cn_msg_walk), false},
    [CN_M_ZONE] = {sizeof(cn_msg_zone), false},
    [CN_M_FILES] = {sizeof(cn_msg_files), false},
    [CN_M_HASH] = {sizeof(cn_msg_hash), false},
    [CN_M_FLUSH] = {sizeof(cn_msg_flush), false},
    [CN_M_GRANT] = {sizeof(cn_msg_grant), false},
    [CN_M_HELLO] = {sizeof(cn_msg_hello), true},
    [CN_M_MOUNT] = {sizeof(cn_msg_mount), true},
    [CN_M_OPENED] = {sizeof(cn_msg_opened), true},
    [CN_M_FACT] = {sizeof(cn_msg_fact), true},
    [CN_M_ZONE_FOUND] = {sizeof(cn_msg_zone_found), true},
    [CN_M_BATCH] = {sizeof(cn_msg_batch), true},
    [CN_M_WARNING] = {sizeof(cn_msg_warning), true},
    [CN_M_ASK] = {sizeof(cn_msg_ask), true},
    [CN_M_ITEMS] = {sizeof(cn_msg_items), true},
    [CN_M_SEGMENT] = {sizeof(cn_msg_segment), true},
    [CN_M_WRITTEN] = {sizeof(cn_msg_written), true},
    [CN_M_CLEARED] = {sizeof(cn_msg_cleared), true},
    [CN_M_FAILED] = {sizeof(cn_msg_failed), true},
    [CN_M_HASHED] = {sizeof(cn_msg_hashed), true},
    [CN_M_DONE] = {sizeof(cn_msg_done), true},
};

int cn_channel_pair(int out_fds[2], cn_err *err)
{
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, out_fds) != 0)
        return cn_fail_errno(err, "socket pair");
    /* Who does not read for so long has stopped to. The worker's end waits for its broker. */
    const struct timeval patience = {.tv_sec = SEND_TIMEOUT_S};
    (void) setsockopt(out_fds[0], SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    return CN_OK;
}

int cn_channel_open(int fd, cn_channel *out, cn_err *err)
{
    uint8_t *buffer = malloc(CN_MESSAGE_MAX);
    if (!buffer)
        return cn_fail(err, CN_E_NO_MEMORY, CN_NO_OFFSET, "no memory for messages");
    *out = (cn_channel){.fd = fd, .buffer = buffer};
    return CN_OK;
}

size_t cn_channel_fixed_size(cn_message_type type) { return kinds[type].size; }

void cn_channel_close(cn_channel *channel)
{
    if (channel->buffer)
        close(channel->fd);
    free(channel->buffer);
    *channel = (cn_channel){.fd = -1};
}

union fd_control {
    struct cmsghdr align;
    uint8_t bytes[CMSG_SPACE(sizeof(int))];
};

int cn_channel_send(cn_channel *channel, cn_message_type type, const void *fixed, cn_span tail,
                    int fd, cn_err *err)
{
    head h = {.type = type, .size = kinds[type].size};
    struct iovec parts[] = {{&h, sizeof h},
                            {(void *) (uintptr_t) fixed, h.size},
                            {(void *) (uintptr_t) tail.p, tail.len}};
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = CN_LEN(parts)};
    union fd_control control = {0};
    assert(sizeof h + h.size + tail.len <= CN_MESSAGE_MAX);
    if (fd >= 0) {
        message.msg_control = &control;
        message.msg_controllen = sizeof control;
        struct cmsghdr *c = CMSG_FIRSTHDR(&message);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(sizeof fd);
        memcpy(CMSG_DATA(c), &fd, sizeof fd);
    }
    ssize_t n;
    while ((n = sendmsg(channel->fd, &message, MSG_NOSIGNAL)) < 0 && errno == EINTR)
        ;
    return n < 0 ? cn_fail_errno(err, "message to the other process") : CN_OK;
}

void cn_channel_tell(cn_channel *channel, cn_message_type type, const void *fixed, cn_span tail,
                     int fd)
{
    if (cn_channel_send(channel, type, fixed, tail, fd, NULL) < 0)
        return;
}

/* The descriptor that came along; others than one are closed. */
static int received_fd(struct msghdr *message)
{
    int fd = -1;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c; c = CMSG_NXTHDR(message, c)) {
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
            continue;
        size_t n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < n; i++) {
            int one;
            memcpy(&one, CMSG_DATA(c) + i * sizeof one, sizeof one);
            if (fd >= 0)
                close(one);
            else
                fd = one;
        }
    }
    return fd;
}

int cn_channel_receive(cn_channel *channel, bool from_worker, bool wait, cn_message *out,
                       cn_err *err)
{
    struct iovec part = {channel->buffer, CN_MESSAGE_MAX};
    union fd_control control = {0};
    struct msghdr message = {.msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = &control,
                             .msg_controllen = sizeof control};
    ssize_t n;
    while ((n = recvmsg(channel->fd, &message, MSG_CMSG_CLOEXEC | (wait ? 0 : MSG_DONTWAIT))) < 0 &&
           errno == EINTR)
        ;
    if (n < 0 && errno == EAGAIN)
        return CN_E_NOT_FOUND;
    if (n < 0 && errno == ECONNRESET)
        return 0;
    if (n < 0)
        return cn_fail_errno(err, "message from the other process");
    if (n == 0)
        return 0;
    int fd = received_fd(&message);
    head h = {CN_M_COUNT, 0};
    if ((size_t) n >= sizeof h)
        memcpy(&h, channel->buffer, sizeof h);
    bool whole = !(message.msg_flags & MSG_TRUNC) && h.type < CN_M_COUNT &&
                 h.size == kinds[h.type].size && (size_t) n - sizeof h >= h.size &&
                 kinds[h.type].from_worker == from_worker && (!from_worker || fd < 0);
    if (!whole) {
        if (fd >= 0)
            close(fd);
        return cn_fail(err, CN_E_CORRUPT, CN_NO_OFFSET,
                       "a message that is none (type %u, %zd bytes)", h.type, n);
    }
    *out = (cn_message){
        .type = (cn_message_type) h.type,
        .fixed = cn_span_of(channel->buffer + sizeof h, h.size),
        .tail = cn_span_of(channel->buffer + sizeof h + h.size, (size_t) n - sizeof h - h.size),
        .fd = fd};
    return 1;
}
