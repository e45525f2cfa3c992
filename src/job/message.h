/* The fixed parts of the messages, and the memory that a worker shares with its broker. Both sides
 * are the same program; numbers of 64 bits come first so that nothing is padded. Texts in tails: a
 * 16-bit length and the bytes. */
#pragma once

#include "base/buf.h"
#include "base/cur.h"
#include "job/channel.h"
#include "job/sandbox.h"

#include <stdatomic.h>

/* ---- broker to worker ---- */

#define CN_WRITTEN_SEGMENT (1u << 31) /* in `written`; output i is bit i */
typedef struct cn_msg_start {
    uint32_t attach;  /* the spool holds events of a dead worker */
    uint32_t written; /* where they have been written to already */
} cn_msg_start;
typedef struct cn_msg_open {
    uint32_t reserved[2];
} cn_msg_open;
typedef struct cn_msg_facts {
    uint32_t mount, reserved;
} cn_msg_facts;
typedef struct cn_msg_walk {
    uint64_t skip; /* events that are committed */
    uint32_t mount, item;
    uint32_t emit, files; /* emit fs:stat events; report files */
} cn_msg_walk;
/* tail: host name, zone name, TZif bytes (each a text; empty: unknown) */
typedef struct cn_msg_zone {
    uint32_t known, reserved;
} cn_msg_zone;
/* tail: `n` file records (below), those before `from` are done */
typedef struct cn_msg_files {
    uint32_t mount, first_item, n, from;
} cn_msg_files;
typedef struct cn_msg_hash {
    uint32_t reserved[2];
} cn_msg_hash;
typedef struct cn_msg_flush {
    uint32_t reserved[2];
} cn_msg_flush;
/* answers ASK: a descriptor for a segment, or the turn for an output */
typedef struct cn_msg_grant {
    uint32_t reserved[2];
} cn_msg_grant;

/* ---- worker to broker ---- */

/* tail: why the sandbox could not be entered (a text, empty: it was) */
typedef struct cn_msg_hello {
    cn_sandbox_report sandbox;
} cn_msg_hello;
/* tail: image, volume, fs type, label (texts) */
typedef struct cn_msg_mount {
    uint64_t size;
    uint32_t index, lone;
} cn_msg_mount;
/* tail: why nothing could be opened (a text, empty: something was) */
typedef struct cn_msg_opened {
    uint64_t image_id, size;
    uint32_t mounts, elsewhere; /* 1: a part of a volume group that is read with another source */
} cn_msg_opened;
/* tail: name, value, path (texts) */
typedef struct cn_msg_fact {
    uint64_t inode;
    uint32_t mount, reserved;
} cn_msg_fact;
/* tail: zone name, TZif bytes (texts) */
typedef struct cn_msg_zone_found {
    uint32_t mount, reserved;
} cn_msg_zone_found;
/* files found by a walk; tail: `n` file records */
typedef struct cn_msg_batch {
    uint64_t bytes; /* sum of their sizes */
    uint32_t mount, n;
} cn_msg_batch;
/* tail: kind, path, parser, text (texts) */
typedef struct cn_msg_warning {
    uint64_t offset, inode;
    uint32_t mount, reserved; /* UINT32_MAX: of no volume */
} cn_msg_warning;
/* asks for a segment's descriptor (output UINT32_MAX) or for the turn to write output i */
typedef struct cn_msg_ask {
    uint32_t output, reserved;
} cn_msg_ask;
/* how far the items in the spool have come; tail: `n` items. Several before a SEGMENT. */
typedef struct cn_msg_items {
    uint32_t n, reserved;
} cn_msg_items;
#define CN_MSG_ITEM_SIZE 16 /* events 64, item 32, done 32 bits */
/* the segment is written */
typedef struct cn_msg_segment {
    uint64_t events, untimed, bytes, checksum;
    int64_t first_ns, last_ns;
} cn_msg_segment;
/* the turn at an output is over */
typedef struct cn_msg_written {
    uint64_t events;
    uint32_t output, reserved;
} cn_msg_written;
/* the spool is empty again */
typedef struct cn_msg_cleared {
    uint32_t reserved[2];
} cn_msg_cleared;
/* a segment or an output could not be written; tail: the words */
typedef struct cn_msg_failed {
    int64_t code;
} cn_msg_failed;
typedef struct cn_msg_hashed {
    uint64_t bytes;
    uint8_t sha256[32];
} cn_msg_hashed;
/* what was asked is done; spool_events are still in the spool */
typedef struct cn_msg_done {
    uint64_t spool_events;
} cn_msg_done;

/* ---- records and texts in tails ---- */

typedef struct cn_file_record {
    uint64_t inode, size, skip; /* skip: events that are committed */
    int64_t mtime_ns;
    uint32_t has_mtime;
    bool done; /* by an earlier run */
    cn_span path;
} cn_file_record;

void cn_put_text(cn_buf *out, cn_span text); /* cut at 65,535 bytes */
cn_span cn_get_text(cn_cur *c);
/* A text as a C string in out, cut to its size; controls and what is no UTF-8 are mended. */
void cn_get_string(cn_cur *c, char *out, size_t size);
void cn_put_file(cn_buf *out, const cn_file_record *file);
cn_file_record cn_get_file(cn_cur *c);
/* Names the item in the catalog: the same in every run over the same evidence. The walk of a volume
 * has no path and inode 0. */
uint64_t cn_item_key(cn_span volume, uint64_t inode, cn_span path);

/* ---- shared memory ---- */

typedef enum cn_phase {
    CN_PHASE_IDLE,
    CN_PHASE_OPEN,
    CN_PHASE_FACTS,
    CN_PHASE_WALK,
    CN_PHASE_FILE,
    CN_PHASE_WRITE, /* a segment or an output */
    CN_PHASE_HASH,
} cn_phase;

#define CN_PARSERS_MAX                                                                             \
    256u /* that are counted; checked against parsers.def when the program starts */

/* What a worker is at, written by it and only read by the broker, apart from `cancel`. It outlives
 * the worker. */
typedef struct cn_control {
    _Atomic uint32_t cancel;      /* written by the broker */
    _Atomic uint32_t phase;       /* cn_phase */
    _Atomic uint32_t item;        /* within the FILES message: the index of the file at hand */
    _Atomic uint32_t parser;      /* 1 + index in cn_parsers, 0 for none */
    _Atomic uint64_t beat;        /* counts reads, steps and events */
    _Atomic uint64_t offset;      /* of the last record emitted, in its stream */
    _Atomic uint64_t item_events; /* emitted by the item at hand, skipped ones included */
    _Atomic uint64_t bytes_read;  /* of files, by all items */
    _Atomic uint64_t events;      /* emitted and kept, by all items */
    _Atomic uint64_t files;       /* names seen by walks */
    _Atomic uint64_t parser_files[CN_PARSERS_MAX + 1], parser_events[CN_PARSERS_MAX + 1];
} cn_control;

/* Only one process writes a counter, so that no locked instruction is needed. */
#define CN_CONTROL_ADD(counter, n)                                                                 \
    atomic_store_explicit(&(counter),                                                              \
                          atomic_load_explicit(&(counter), memory_order_relaxed) + (n),            \
                          memory_order_relaxed)
#define CN_CONTROL_SET(counter, v) atomic_store_explicit(&(counter), (v), memory_order_relaxed)
#define CN_CONTROL_GET(counter)    atomic_load_explicit(&(counter), memory_order_relaxed)
