/* What is to be done, and who does it. Order: the evidence is opened by one worker; then facts and
 * walks; files as soon as the facts are in, large ones first and each by itself, small ones by the
 * hundred; at last each worker writes out what is left in its spool. */
#include "job/broker.h"

#include <stdlib.h>

bool cn_broker_stopping(const cn_broker *b) { return b->cancelled || b->failed || b->whole; }

/* ---- items ---- */

uint32_t cn_broker_item(cn_broker *b, uint64_t key)
{
    if (b->n_items == b->cap_items) {
        size_t capacity = b->cap_items ? b->cap_items * 2 : 4096;
        uint64_t *keys = capacity < CN_NO_ITEM ? realloc(b->keys, capacity * sizeof *keys) : NULL;
        if (!keys)
            return CN_NO_ITEM;
        b->keys = keys;
        b->cap_items = capacity;
    }
    b->keys[b->n_items] = key;
    return b->n_items++;
}

const cn_work_item *cn_broker_committed(const cn_broker *b, uint64_t key)
{
    size_t low = 0, high = b->n_committed;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (b->committed[middle].key < key)
            low = middle + 1;
        else
            high = middle;
    }
    return low < b->n_committed && b->committed[low].key == key ? &b->committed[low] : NULL;
}

/* ---- the queue ---- */

static bool push_large(cn_broker *b, cn_batch *batch)
{
    if (b->n_large == b->cap_large) {
        size_t capacity = b->cap_large ? b->cap_large * 2 : 256;
        cn_batch **heap = realloc(b->large, capacity * sizeof(cn_batch *));
        if (!heap)
            return false;
        b->large = heap;
        b->cap_large = capacity;
    }
    size_t at = b->n_large++;
    for (; at && b->large[(at - 1) / 2]->bytes < batch->bytes; at = (at - 1) / 2)
        b->large[at] = b->large[(at - 1) / 2];
    b->large[at] = batch;
    return true;
}

static cn_batch *pop_large(cn_broker *b)
{
    cn_batch *top = b->large[0], *last = b->large[--b->n_large];
    size_t at = 0;
    for (;;) {
        size_t child = at * 2 + 1;
        if (child >= b->n_large)
            break;
        if (child + 1 < b->n_large && b->large[child + 1]->bytes > b->large[child]->bytes)
            child++;
        if (b->large[child]->bytes <= last->bytes)
            break;
        b->large[at] = b->large[child];
        at = child;
    }
    if (b->n_large)
        b->large[at] = last;
    return top;
}

void cn_broker_queue(cn_broker *b, cn_batch *batch)
{
    if (batch->n == 1) {
        if (!push_large(b, batch)) {
            free(batch);
            cn_broker_fail(b, CN_E_NO_MEMORY, "no memory for the list of files");
        }
        return;
    }
    batch->next = NULL;
    *b->small_end = batch;
    b->small_end = &batch->next;
}

static cn_batch *next_batch(cn_broker *b)
{
    if (b->n_large)
        return pop_large(b);
    cn_batch *batch = b->small;
    if (batch && !(b->small = batch->next))
        b->small_end = &b->small;
    return batch;
}

void cn_broker_end_batch(cn_broker *b, cn_slot *s)
{
    b->files_done += s->batch->n;
    b->bytes_done += s->batch->bytes;
    free(s->batch);
    s->batch = NULL;
}

/* ---- handing out ---- */

static bool all_facts(const cn_broker *b)
{
    for (uint32_t i = 0; i < b->n_mounts; i++)
        if (!b->mounts[i].facts_done)
            return false;
    return true;
}

bool cn_broker_walked(const cn_broker *b)
{
    for (uint32_t i = 0; i < b->n_mounts; i++)
        if (!b->mounts[i].walk_done)
            return false;
    return true;
}

static void give(cn_broker *b, cn_slot *s, cn_job_kind job, cn_message_type type, const void *fixed,
                 cn_span tail)
{
    s->job = job;
    s->job_cpu_ns = 0;
    s->beat_wall_ns = 0; /* the watch begins anew */
    /* A worker that is gone is noticed by the nursery. */
    cn_channel_tell(&s->channel, type, fixed, tail, -1);
    (void) b;
}

/* False: --parsers names filestat alone, so that no file need be opened. */
static bool any_parser(const cn_process_options *o)
{
    bool any = o->parsers == NULL;
    for (size_t i = 0; i < cn_parsers_count && !any; i++)
        any = o->parsers[i];
    return any;
}

static void give_walk(cn_broker *b, cn_slot *s, uint32_t i)
{
    cn_broker_mount *m = &b->mounts[i];
    const cn_work_item *before = cn_broker_committed(b, b->keys[m->walk_item]);
    m->walk_given = true;
    s->mount = i;
    const cn_msg_walk walk = {.mount = i,
                              .item = m->walk_item,
                              .skip = before ? before->events : 0,
                              .emit = b->options->filestat,
                              .files = any_parser(b->options)};
    give(b, s, CN_JOB_WALK, CN_M_WALK, &walk, (cn_span){NULL, 0});
}

static void give_files(cn_broker *b, cn_slot *s, cn_batch *batch)
{
    if (s->zone_version != b->zone_version) {
        const cn_msg_zone zone = {.known = b->zone_known};
        cn_channel_tell(&s->channel, CN_M_ZONE, &zone, cn_buf_span(&b->zone), -1);
        s->zone_version = b->zone_version;
    }
    s->batch = batch;
    s->mount = batch->mount;
    const cn_msg_files files = {
        .mount = batch->mount, .first_item = batch->first_item, .n = batch->n, .from = batch->from};
    give(b, s, CN_JOB_FILES, CN_M_FILES, &files, cn_span_of(batch->records, batch->len));
}

static void flush(cn_broker *b, cn_slot *s)
{
    if (s->spool_events)
        give(b, s, CN_JOB_FLUSH, CN_M_FLUSH, &(cn_msg_flush){{0}}, (cn_span){NULL, 0});
}

static void assign_one(cn_broker *b, cn_slot *s)
{
    if (b->failed || b->whole)
        return;
    if (b->cancelled) {
        flush(b, s);
        return;
    }
    if (!b->opened) {
        if (!b->given_open)
            give(b, s, CN_JOB_OPEN, CN_M_OPEN, &(cn_msg_open){{0}}, (cn_span){NULL, 0});
        b->given_open = true;
        return;
    }
    for (uint32_t i = 0; i < b->n_mounts; i++)
        if (!b->mounts[i].facts_given) {
            b->mounts[i].facts_given = true;
            s->mount = i;
            give(b, s, CN_JOB_FACTS, CN_M_FACTS, &(cn_msg_facts){.mount = i}, (cn_span){NULL, 0});
            return;
        }
    for (uint32_t i = 0; i < b->n_mounts; i++)
        if (!b->mounts[i].walk_given) {
            give_walk(b, s, i);
            return;
        }
    cn_batch *batch = all_facts(b) ? next_batch(b) : NULL;
    if (batch)
        give_files(b, s, batch);
    else if (all_facts(b) && cn_broker_walked(b))
        flush(b, s);
}

void cn_broker_assign(cn_broker *b)
{
    for (uint32_t i = 0; i < b->n_workers; i++) {
        cn_slot *s = &b->slots[i];
        if (s->alive && s->job == CN_JOB_NONE)
            assign_one(b, s);
    }
    cn_slot *hasher = &b->slots[b->n_workers];
    if (hasher->alive && hasher->job == CN_JOB_NONE && b->opened && !b->hash_given &&
        !cn_broker_stopping(b)) {
        b->hash_given = true;
        give(b, hasher, CN_JOB_HASH, CN_M_HASH, &(cn_msg_hash){{0}}, (cn_span){NULL, 0});
    }
}

bool cn_broker_done(const cn_broker *b)
{
    if (b->failed || b->whole || b->gave_up)
        return true;
    for (uint32_t i = 0; i <= b->n_workers; i++) {
        const cn_slot *s = &b->slots[i];
        if (s->spawned && (s->job != CN_JOB_NONE || s->spool_events))
            return false;
    }
    return cn_broker_stopping(b) ||
           (b->opened && all_facts(b) && cn_broker_walked(b) && !b->n_large && !b->small &&
            (!b->options->hash || b->hash_done));
}
