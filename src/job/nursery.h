/* The nursery: a small process, forked before the broker opens its database or grows, that forks
 * the workers. So a worker inherits nothing of the broker's but what it needs, and starting one
 * costs the same at any time. It ends with the broker, and the workers end with it. */
#pragma once

#include "base/err.h"

#include <sys/types.h>

typedef struct cn_nursery cn_nursery;

/* What a child does with its end of the channel (owned); its return is the exit status. The signals
 * of the terminal are ignored in it. */
typedef int (*cn_nursery_child)(void *context, uint32_t slot, int channel_fd, pid_t nursery);

int cn_nursery_start(cn_nursery_child child, void *context, cn_nursery **out,
                     cn_err *err) CN_MUST_USE;
/* Forks a child for a slot. channel_fd is handed over (it stays open here too). */
int cn_nursery_spawn(cn_nursery *nursery, uint32_t slot, int channel_fd, cn_err *err) CN_MUST_USE;
/* Ends a slot's child by SIGKILL; nothing where there is none, or where nursery is NULL. */
int cn_nursery_kill(cn_nursery *nursery, uint32_t slot, cn_err *err) CN_MUST_USE;

typedef struct cn_nursery_event {
    uint32_t slot;
    pid_t pid;
    bool ended;
    int status; /* of waitpid(), where it ended */
} cn_nursery_event;
/* To poll for reading. */
int cn_nursery_fd(const cn_nursery *nursery);
/* 1: one event; 0: none is there; negative: the nursery is gone. */
int cn_nursery_next(cn_nursery *nursery, cn_nursery_event *out, cn_err *err) CN_MUST_USE;

/* Ends the nursery and all its children: waits so long for those whose channels are closed to end by
 * themselves, then by SIGKILL. */
cn_nursery *cn_nursery_end(cn_nursery *nursery, unsigned wait_ms);
