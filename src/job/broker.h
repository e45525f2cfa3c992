/* The broker of one run: what its files share. It owns the database, the segment files and the
 * progress; it hands out work and believes nothing that a worker says. */
#pragma once

#include "job/nursery.h"
#include "job/progress.h"
#include "job/worker.h"
#include "store/store.h"

#define CN_MOUNTS_MAX 4096u

typedef enum cn_job_kind {
    CN_JOB_NONE,
    CN_JOB_START, /* entering the sandbox, taking the spool */
    CN_JOB_OPEN,
    CN_JOB_FACTS,
    CN_JOB_WALK,
    CN_JOB_FILES,
    CN_JOB_HASH,
    CN_JOB_FLUSH,
} cn_job_kind;

/* Files to be looked into, as a walk reported them. */
typedef struct cn_batch {
    struct cn_batch *next;
    uint64_t bytes; /* of their contents */
    uint32_t mount, first_item, n, from;
    uint32_t write_faults; /* workers that died while they wrote events of file `from` */
    uint32_t len;          /* of the records */
    uint8_t records[];
} cn_batch;

typedef struct cn_granted {
    bool granted;
    int fd;               /* of the segment that is being written, -1 where there is none */
    char name[48];        /* in the run's folder */
    int64_t output;       /* whose turn it is in, -1 for none */
    int64_t output_start; /* its length before the turn, -1 where it cannot be cut back */
} cn_granted;

typedef struct cn_slot {
    cn_channel channel;
    bool alive;      /* its process runs, as far as the nursery has said */
    bool spawned;    /* a process was asked for and has not ended */
    bool closed;     /* its end of the channel */
    bool killed;     /* by us; `why` says for what */
    bool distrusted; /* nothing it says is listened to any more */
    const char *why;
    cn_job_kind job;
    uint32_t mount; /* of the job */
    cn_batch *batch;
    pid_t pid;
    uint64_t spool_events; /* after the last job */
    bool remains;          /* the spool holds what a dead worker left */
    uint32_t written;      /* where the spool's events have been written to, until it is emptied */
    uint32_t zone_version;
    bool asks; /* waits for the turn at an output */
    uint32_t asked_output;
    cn_granted grant;
    cn_work_item *items; /* of the segment that is being written; owned */
    size_t n_items, cap_items;
    uint32_t write_faults, open_faults;
    /* for the deadline */
    uint64_t beat, beat_cpu_ns, beat_wall_ns, job_cpu_ns;
    uint32_t watched_item;
    cn_phase watched_phase;
} cn_slot;

typedef struct cn_broker_mount {
    char image[256], volume[256], type[32], label[160];
    uint64_t size;
    bool lone, facts_done, facts_given, walk_given, walk_done;
    uint32_t walk_item;
} cn_broker_mount;

typedef struct cn_work_key {
    uint64_t key;
    uint32_t mount;
} cn_work_key;

typedef struct cn_broker {
    const cn_process_options *options;
    cn_process_result *result;
    cn_worker_setup setup;
    cn_nursery *nursery;
    cn_catalog *catalog; /* NULL: outputs only */
    cn_run *run;
    int64_t timeline;
    uint32_t n_workers; /* slots[n_workers] hashes */
    cn_slot slots[CN_WORKERS_MAX + 1];

    bool opened, given_open;
    uint64_t image_id, image_size;
    cn_broker_mount *mounts;
    uint32_t n_mounts;

    uint64_t *keys; /* of items, by number */
    uint32_t n_items;
    size_t cap_items;
    cn_work_item *committed; /* by an earlier run, sorted by key; in `arena` */
    size_t n_committed;
    cn_arena arena;

    cn_batch **large; /* a heap, biggest first */
    size_t n_large, cap_large;
    cn_batch *small, **small_end;
    uint64_t files_total, files_done, bytes_total, bytes_done;

    cn_buf zone; /* tail of the ZONE message */
    cn_buf zone_name, zone_tzif;
    bool zone_known;
    char hostname[256];
    uint32_t zone_version; /* 0: nothing is known yet */

    bool hash_given, hash_done;
    bool cancelled; /* by the user: what is in the spools is still written */
    bool gave_up;   /* by the user, again, or that took too long */
    bool whole;     /* --resume of a timeline that is whole */
    uint64_t cancel_deadline_ns;
    bool failed; /* err says why; everything is being ended */
    int fail_code;
    cn_err *err;
    uint32_t next_segment;
    uint64_t output_events;
    uint64_t started_ns;
    uint64_t warnings_stored, n_facts;
    cn_warning *kept_warnings; /* in `arena`: from before the timeline is known */
    size_t n_kept, cap_kept;
    cn_buf tail;
    cn_progress *progress;
} cn_broker;

/* The run fails: the first reason stands in b->err, workers are told to end. */
void cn_broker_fail(cn_broker *b, int code, const char *text);
void cn_broker_fail_err(cn_broker *b, const cn_err *err);

/* ---- work: broker_work.c ---- */
/* Gives work to every worker that has none. */
void cn_broker_assign(cn_broker *b);
/* Nothing is left to be done. */
bool cn_broker_done(const cn_broker *b);
bool cn_broker_stopping(const cn_broker *b);
/* All files are known. */
bool cn_broker_walked(const cn_broker *b);
/* Takes a batch (owned) into the queue. */
void cn_broker_queue(cn_broker *b, cn_batch *batch);
/* A number for an item, NO_ITEM where there are too many; what is committed of it. */
#define CN_NO_ITEM UINT32_MAX
uint32_t cn_broker_item(cn_broker *b, uint64_t key);
const cn_work_item *cn_broker_committed(const cn_broker *b, uint64_t key);
void cn_broker_end_batch(cn_broker *b, cn_slot *s);

/* ---- messages: broker_messages.c ---- */
/* Reads what a worker has said, at most until it has nothing more to say. */
void cn_broker_listen(cn_broker *b, cn_slot *s);
void cn_broker_warn(cn_broker *b, uint32_t mount, const char *kind, const char *path,
                    uint64_t inode, const char *parser, uint64_t offset, const char *text);
/* tzif empty: only the host name has come. */
void cn_broker_set_zone(cn_broker *b, cn_span name, cn_span tzif);

/* ---- segments and outputs: broker_commit.c ---- */
void cn_broker_ask(cn_broker *b, cn_slot *s, uint32_t output);
void cn_broker_items(cn_broker *b, cn_slot *s, const cn_msg_items *fixed, cn_span tail);
void cn_broker_segment(cn_broker *b, cn_slot *s, const cn_msg_segment *said);
void cn_broker_written(cn_broker *b, cn_slot *s, const cn_msg_written *said);
/* A worker has died: what it was granted is taken back. */
void cn_broker_take_back(cn_broker *b, cn_slot *s);

/* ---- workers that die or hang: broker_faults.c ---- */
int cn_broker_spawn(cn_broker *b, cn_slot *s, cn_err *err) CN_MUST_USE;
void cn_broker_nursery_event(cn_broker *b, const cn_nursery_event *event);
void cn_broker_watch(cn_broker *b);

/* ---- begin and end of the timeline: broker_timeline.c ---- */
/* After OPENED: finds or makes the timeline. */
void cn_broker_begin_timeline(cn_broker *b);
/* Writes down how it ended. */
void cn_broker_end_timeline(cn_broker *b);
void cn_broker_keep_warning(cn_broker *b, const cn_warning *warning);
/* Nothing could be opened: text says why, or is empty. */
void cn_broker_nothing(cn_broker *b, const char *text);
