/* A worker: the sandboxed process that interprets evidence. It does what the broker asks by
 * message, emits events into its spool, and writes the spool out where it is full. */
#pragma once

#include "job/evidence.h"
#include "job/message.h"
#include "job/process.h"

#define CN_SPOOL_BYTES CN_MIB(96)
/* With the spool (which is shared and not counted) a worker stays below 512 MiB. */
#define CN_WORKER_DATA_MAX    CN_MIB(400)
#define CN_WORKER_ADDRESS_MAX CN_GIB(64) /* random access to files reserves address space */

/* Why a worker ended by itself, as exit status. */
enum cn_worker_exit {
    CN_WORKER_ENDED = 0,
    CN_WORKER_MEMORY = 17, /* no memory: the file at hand is to blame */
    CN_WORKER_FAILED = 18, /* said so in a message */
};

/* All that a worker is born with. Made by the broker before the nursery forks. */
typedef struct cn_worker_setup {
    const cn_process_options *options;
    cn_files *files;
    cn_files **all; /* files, then the other sources, which lend parts of volume groups */
    size_t n_all;
    cn_volume_key *volume_keys; /* that the passphrase opens */
    size_t n_volume_keys;
    uint32_t slots;       /* the last one hashes the image and has no spool */
    cn_control *controls; /* shared, one per slot */
    void **spools;        /* shared, one per slot that has one */
    size_t spool_bytes;
    int *scratch; /* a file per slot for unpacking an archive; -1: none */
} cn_worker_setup;

/* For cn_nursery_start(); context is the cn_worker_setup. */
int cn_worker_main(void *setup, uint32_t slot, int channel_fd, pid_t nursery);
