/* Segments and outputs: what a worker asks to write, and the commit point. A segment is written to
 * the run's folder by a worker that has nothing but the descriptor; the broker then reads it
 * through, syncs it, moves it to its place and enters it into the catalog together with how far its
 * items have come. */
#include "job/broker.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define NO_TURN   (-1)
#define ITEMS_MAX (CN_SPOOL_BYTES / 16) /* of one spool: each has an event in it */

static void distrust(cn_broker *b, cn_slot *s, const char *why)
{
    s->why = why;
    s->distrusted = true;
    if (!s->killed && cn_nursery_kill(b->nursery, (uint32_t) (s - b->slots), NULL) >= 0)
        s->killed = true;
}

static void answer(cn_slot *s, int fd)
{
    cn_channel_tell(&s->channel, CN_M_GRANT, &(cn_msg_grant){{0}}, (cn_span){NULL, 0}, fd);
}

static void grant_segment(cn_broker *b, cn_slot *s)
{
    cn_granted *g = &s->grant;
    snprintf(g->name, sizeof g->name, "%s-%" PRIu32 ".seg", cn_run_name(b->run), ++b->next_segment);
    g->fd = openat(cn_run_folder(b->run), g->name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (g->fd < 0) {
        cn_err err = CN_ERR_INIT;
        (void) cn_fail_errno(&err, "%s: a segment cannot be made", b->options->folder);
        cn_broker_fail_err(b, &err);
        return;
    }
    g->granted = true;
    answer(s, g->fd);
}

static bool turn_is_taken(const cn_broker *b, uint32_t output)
{
    for (uint32_t i = 0; i < b->n_workers; i++)
        if (b->slots[i].grant.granted && b->slots[i].grant.output == (int64_t) output)
            return true;
    return false;
}

static void grant_output(cn_broker *b, cn_slot *s, uint32_t output)
{
    const cn_output *o = &b->options->outputs->list[output];
    s->asks = false;
    s->grant.granted = true;
    s->grant.output = output;
    s->grant.output_start = o->regular ? lseek(o->fd, 0, SEEK_CUR) : NO_TURN;
    answer(s, -1);
}

void cn_broker_ask(cn_broker *b, cn_slot *s, uint32_t output)
{
    bool to_segment = output == UINT32_MAX;
    if (s->grant.granted || s->asks || s - b->slots >= (ptrdiff_t) b->n_workers ||
        (to_segment ? b->catalog == NULL : output >= b->options->outputs->n)) {
        distrust(b, s, "a request to write that cannot be");
        return;
    }
    if (b->failed)
        return; /* it waits until it is ended */
    if (to_segment)
        grant_segment(b, s);
    else if (turn_is_taken(b, output))
        s->asks = true, s->asked_output = output;
    else
        grant_output(b, s, output);
}

/* Whoever waits for an output that has become free. */
static void next_turn(cn_broker *b, uint32_t output)
{
    for (uint32_t i = 0; i < b->n_workers; i++) {
        cn_slot *s = &b->slots[i];
        if (s->asks && s->asked_output == output && !s->killed) {
            grant_output(b, s, output);
            return;
        }
    }
}

static void end_grant(cn_slot *s)
{
    if (s->grant.fd >= 0)
        close(s->grant.fd);
    s->grant = (cn_granted){.fd = -1, .output = NO_TURN};
    s->n_items = 0;
}

void cn_broker_written(cn_broker *b, cn_slot *s, const cn_msg_written *said)
{
    if (!s->grant.granted || s->grant.output != (int64_t) said->output) {
        distrust(b, s, "the end of a turn that it has not");
        return;
    }
    b->options->outputs->list[said->output].events += said->events;
    if (!b->catalog && said->output == 0)
        b->output_events += said->events;
    s->written |= 1u << said->output;
    end_grant(s);
    next_turn(b, said->output);
}

void cn_broker_items(cn_broker *b, cn_slot *s, const cn_msg_items *fixed, cn_span tail)
{
    if (s->grant.fd < 0 || tail.len != (uint64_t) fixed->n * CN_MSG_ITEM_SIZE ||
        s->n_items + fixed->n > ITEMS_MAX) {
        distrust(b, s, "items of no segment");
        return;
    }
    if (s->n_items + fixed->n > s->cap_items) {
        size_t capacity = (s->n_items + fixed->n) * 2;
        cn_work_item *items = realloc(s->items, capacity * sizeof *items);
        if (!items) {
            cn_broker_fail(b, CN_E_NO_MEMORY, "no memory for the items of a segment");
            return;
        }
        s->items = items;
        s->cap_items = capacity;
    }
    cn_cur c = cn_cur_of(tail, 0);
    for (uint32_t i = 0; i < fixed->n; i++) {
        uint64_t events = cn_cur_le64(&c);
        uint32_t item = cn_cur_le32(&c);
        bool done = cn_cur_le32(&c) != 0;
        if (item >= b->n_items || events > INT64_MAX) {
            distrust(b, s, "an item that is none");
            return;
        }
        s->items[s->n_items++] =
            (cn_work_item){.key = b->keys[item], .events = events, .done = done};
    }
}

/* Moves the file to its place and makes that last. */
static int place(cn_broker *b, cn_slot *s, char *path, size_t size, cn_err *err)
{
    char folder[96], whole[4096];
    snprintf(folder, sizeof folder, "segments/%" PRId64, b->timeline);
    snprintf(path, size, "%s/%s", folder, s->grant.name);
    const char *data = cn_catalog_folder(b->catalog);
    snprintf(whole, sizeof whole, "%s/%s", data, folder);
    if (mkdir(whole, 0700) != 0 && errno != EEXIST)
        return cn_fail_errno(err, "%s", whole);
    int fd = open(whole, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return cn_fail_errno(err, "%s", whole);
    int r = CN_OK;
    if (fdatasync(s->grant.fd) != 0 ||
        renameat(cn_run_folder(b->run), s->grant.name, fd, s->grant.name) != 0 || fsync(fd) != 0)
        r = cn_fail_errno(err, "%s/%s", data, path);
    close(fd);
    return r;
}

static int commit(cn_broker *b, cn_slot *s, const cn_msg_segment *said, cn_err *err)
{
    cn_segment_summary is;
    int r = cn_segment_check(s->grant.fd, &is, err);
    if (r < 0)
        return r;
    if (is.events != said->events || is.bytes != said->bytes || is.checksum != said->checksum)
        return cn_fail(err, CN_E_CORRUPT, CN_NO_OFFSET, "it is not what the worker said");
    char path[160];
    if ((r = place(b, s, path, sizeof path, err)) < 0)
        return r;
    const cn_segment_row row = {
        .timeline = b->timeline,
        .path = path,
        .events = is.events,
        .bytes = is.bytes,
        .checksum = is.checksum,
        .has_times = is.events > is.untimed,
        .first_ns = is.first_ns,
        .last_ns = is.last_ns,
    };
    return cn_catalog_commit(b->catalog, &row, s->items, s->n_items, err);
}

void cn_broker_segment(cn_broker *b, cn_slot *s, const cn_msg_segment *said)
{
    if (!s->grant.granted || s->grant.fd < 0) {
        distrust(b, s, "a segment that it was not asked for");
        return;
    }
    cn_err err = CN_ERR_INIT;
    int r = commit(b, s, said, &err);
    if (r == CN_E_CORRUPT) { /* the worker's doing: its spool is read again by the next one */
        (void) unlinkat(cn_run_folder(b->run), s->grant.name, 0);
        distrust(b, s, "a segment that is damaged");
    } else if (r < 0) {
        cn_while(&err, "%s: a segment could not be kept", b->options->folder);
        cn_broker_fail_err(b, &err);
    }
    if (r >= 0)
        s->written |= CN_WRITTEN_SEGMENT;
    end_grant(s);
}

void cn_broker_take_back(cn_broker *b, cn_slot *s)
{
    cn_granted *g = &s->grant;
    int64_t output = g->granted ? g->output : NO_TURN;
    if (g->granted && g->fd >= 0)
        (void) unlinkat(cn_run_folder(b->run), g->name, 0);
    if (output >= 0 && g->output_start >= 0) {
        const cn_output *o = &b->options->outputs->list[output];
        if (ftruncate(o->fd, g->output_start) != 0 || lseek(o->fd, g->output_start, SEEK_SET) < 0) {
            cn_err err = CN_ERR_INIT;
            (void) cn_fail_errno(&err, "%s", o->path);
            cn_broker_fail_err(b, &err);
        }
    }
    end_grant(s);
    s->asks = false;
    if (output >= 0)
        next_turn(b, (uint32_t) output);
}
