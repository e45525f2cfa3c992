/* What the files of the worker share. One thread. */
#pragma once

#include "job/worker.h"
#include "store/store.h"

typedef struct cn_worker {
    cn_sink sink; /* first: the sink that parsers see counts and passes on to the spool's */
    cn_sink *inner;
    const cn_worker_setup *setup;
    const cn_process_options *options;
    cn_control *control;
    cn_channel channel;
    cn_spool *spool;
    cn_segment_writer *writer;
    cn_encoder *encoders[CN_OUTPUTS_MAX];
    int output_fds[CN_OUTPUTS_MAX];
    cn_evidence *evidence;
    const cn_mount *mounts;
    size_t n_mounts;
    cn_zone *zone; /* NULL: unknown */
    char hostname[256];
    cn_arena arena;    /* of one file */
    cn_buf tail;       /* of the message that is being made */
    cn_buf batch;      /* copy of a FILES message */
    uint32_t item;     /* the one at hand, where item_open */
    bool item_open;    /* it has not come to its end */
    uint64_t skip;     /* events of the item at hand still to be skipped */
    uint32_t warnings; /* about the file at hand */
    uint32_t written;  /* what the dead predecessor has written of the spool (CN_WRITTEN_SEGMENT) */
    bool write_failed; /* err says why */
    cn_err err;
} cn_worker;

/* Sends, and ends the process where the broker is gone. tail: w->tail's bytes or none. */
void cn_worker_send(cn_worker *w, cn_message_type type, const void *fixed, bool with_tail);
/* Opens the evidence where it is not open yet. */
int cn_worker_open(cn_worker *w) CN_MUST_USE;
/* mount UINT32_MAX: of no volume; offset CN_NO_OFFSET and inode 0: none. At most some hundred per
 * file or walk; the rest is counted in one line by cn_worker_warnings_end(). */
void cn_worker_warn(cn_worker *w, uint32_t mount, const char *kind, cn_span path, uint64_t inode,
                    const char *parser, uint64_t offset, const char *text);
void cn_worker_warnings_end(cn_worker *w, uint32_t mount, cn_span path, uint64_t inode);
void cn_worker_begin_item(cn_worker *w, uint32_t item, uint64_t skip);
/* Writes the spool out and empties it. */
int cn_worker_flush(cn_worker *w) CN_MUST_USE;
/* Ends the process after a failed flush or for want of memory. */
void cn_worker_check(cn_worker *w, int r);

void cn_worker_open_evidence(cn_worker *w);
void cn_worker_facts(cn_worker *w, const cn_msg_facts *ask);
void cn_worker_walk(cn_worker *w, const cn_msg_walk *ask);
void cn_worker_files(cn_worker *w, const cn_msg_files *ask);
void cn_worker_hash(cn_worker *w);
