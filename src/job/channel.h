/* Messages between broker and worker: one datagram of a SOCK_SEQPACKET pair each, a fixed head, the
 * fixed part that its type asks for, and a tail of bytes. A descriptor may ride along. What comes
 * out of cn_channel_receive() has a known type and at least its fixed part; the tail and every
 * number in it are the sender's word and are checked by who reads them. */
#pragma once

#include "base/buf.h"
#include "base/cur.h"

#define CN_MESSAGE_MAX CN_KIB(96) /* below the kernel's default for a datagram */

/* CN_MESSAGE(name, direction): W from worker to broker, B from broker to worker. The fixed parts
 * are in message.h. */
#define CN_MESSAGES(X)                                                                             \
    X(START, B)                                                                                    \
    X(OPEN, B)                                                                                     \
    X(FACTS, B)                                                                                    \
    X(WALK, B)                                                                                     \
    X(ZONE, B)                                                                                     \
    X(FILES, B)                                                                                    \
    X(HASH, B)                                                                                     \
    X(FLUSH, B)                                                                                    \
    X(GRANT, B)                                                                                    \
    X(HELLO, W)                                                                                    \
    X(MOUNT, W)                                                                                    \
    X(OPENED, W)                                                                                   \
    X(FACT, W)                                                                                     \
    X(ZONE_FOUND, W)                                                                               \
    X(BATCH, W)                                                                                    \
    X(WARNING, W)                                                                                  \
    X(ASK, W)                                                                                      \
    X(ITEMS, W)                                                                                    \
    X(SEGMENT, W)                                                                                  \
    X(WRITTEN, W)                                                                                  \
    X(CLEARED, W)                                                                                  \
    X(FAILED, W)                                                                                   \
    X(HASHED, W)                                                                                   \
    X(DONE, W)

typedef enum cn_message_type {
#define CN_MESSAGE_ID(name, direction) CN_M_##name,
    CN_MESSAGES(CN_MESSAGE_ID)
#undef CN_MESSAGE_ID
        CN_M_COUNT
} cn_message_type;

typedef struct cn_channel {
    int fd;          /* owned by whoever made the pair */
    uint8_t *buffer; /* CN_MESSAGE_MAX, owned */
} cn_channel;

typedef struct cn_message {
    cn_message_type type;
    cn_span fixed, tail; /* borrowed until the next receive */
    int fd;              /* owned by the receiver; -1 where none came along */
} cn_message;

/* A pair of sockets, both close-on-exec; [0] is the broker's. */
int cn_channel_pair(int out_fds[2], cn_err *err) CN_MUST_USE;
int cn_channel_open(int fd, cn_channel *out, cn_err *err) CN_MUST_USE;
/* Frees the buffer and closes the descriptor. */
void cn_channel_close(cn_channel *channel);

/* Bytes of the fixed part of a type. */
size_t cn_channel_fixed_size(cn_message_type type);

/* Sends; waits while the other side does not read. fixed is the struct of its type, fd -1 or a
 * descriptor to hand over (it stays open here). CN_E_IO where the other side is gone. */
int cn_channel_send(cn_channel *channel, cn_message_type type, const void *fixed, cn_span tail,
                    int fd, cn_err *err) CN_MUST_USE;
/* The same where the answer does not matter: a worker that is gone, or does not read for some seconds,
 * is noticed otherwise. */
void cn_channel_tell(cn_channel *channel, cn_message_type type, const void *fixed, cn_span tail,
                     int fd);
/* The next message. `from_worker` says which types may come. 1: there is one; 0: the other side has
 * closed; CN_E_CORRUPT: what came is no message. With `wait` false, CN_E_NOT_FOUND where none is
 * there. */
int cn_channel_receive(cn_channel *channel, bool from_worker, bool wait, cn_message *out,
                       cn_err *err) CN_MUST_USE;
