/* The spool: events on their way from parsers to a segment or an output. An append-only log of
 * position-independent records in one fixed piece of memory, which may be shared between processes:
 * when the worker that filled it dies, another attaches, checks every record, and carries on with
 * what the dead one had emitted whole. One owner at a time.
 *
 * An event is published by advancing the header's `used` as the last step, so that a half-written
 * one is not there. */
#pragma once

#include "event/event.h"

typedef struct cn_spool cn_spool;

#define CN_SPOOL_MIN CN_MIB(4)

/* Formats `memory` (aligned to 8) as an empty spool. The handle is owned by the caller; the memory
 * stays the caller's. */
int cn_spool_create(void *memory, size_t bytes, cn_spool **out, cn_err *err) CN_MUST_USE;
/* Takes over a spool that another process filled. Nothing in it is believed: lengths, ids and types
 * are checked record by record; the first bad one ends it (what precedes is kept; *out_dropped says
 * whether anything was cut). */
int cn_spool_attach(void *memory, size_t bytes, cn_spool **out, bool *out_dropped,
                    cn_err *err) CN_MUST_USE;
cn_spool *cn_spool_free(cn_spool *spool);

/* Called from emit when the next event does not fit: it must take all events out (write a segment,
 * encode them) and call cn_spool_clear(). Negative: emit returns it. */
typedef int (*cn_spool_full_fn)(void *context, cn_spool *spool);
void cn_spool_on_full(cn_spool *spool, cn_spool_full_fn full, void *context);
/* Also "full" at this many events (a segment's limit). */
void cn_spool_limit(cn_spool *spool, uint32_t max_events);

/* The sink that parsers emit into. Skips the first `skip` events after each cn_spool_begin_item():
 * work that a resumed run has already committed. Cuts what is over the limits of event.h and says
 * so in evidence_note. */
cn_sink *cn_spool_sink(cn_spool *spool);
/* A new work item (a file, the walk of a volume) begins: `item` is the broker's number for it. */
void cn_spool_begin_item(cn_spool *spool, uint32_t item, uint64_t skip);

/* How many events of which items are in the spool, for the commit: item, the number of events of
 * the item that were emitted before this spool was last cleared (skipped ones included), and how
 * many are in it now. */
typedef struct cn_spool_item {
    uint32_t item;
    uint64_t before, here;
} cn_spool_item;
size_t cn_spool_items(const cn_spool *spool, const cn_spool_item **out);

uint32_t cn_spool_events(const cn_spool *spool);
uint64_t cn_spool_bytes(const cn_spool *spool);
void cn_spool_clear(cn_spool *spool);

/* An event as the spool holds it; spans point into the spool's memory. `fields` is borrowed until
 * the next call. */
typedef struct cn_spooled {
    cn_event event;
    const cn_origin *origin;
    uint32_t origin_index; /* dense, from 0, in order of first use since the last clear */
    cn_event_id id;
} cn_spooled;
/* Visits all events in the order they were emitted. Negative from the callback stops and is
 * returned. */
int cn_spool_each(cn_spool *spool, int (*visit)(void *context, const cn_spooled *event),
                  void *context);
