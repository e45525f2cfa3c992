/* Workers that die or stand still: what they were at is reported and costs that one file; their
 * spool is taken over by the next worker in the slot. */
#include "job/broker.h"

#include "base/timestamp.h"
#include "parse/parser.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define WRITE_FAULTS_MAX 2u /* of one spool; then its events are given up */
#define OPEN_FAULTS_MAX  8u
#define WALL_FACTOR      20u /* a worker that waits for a slow disk gets longer */
#define WRITE_FACTOR     5u
#define TOTAL_FACTOR     10u /* of CPU time for one file, and a second per MiB */

int cn_broker_spawn(cn_broker *b, cn_slot *s, cn_err *err)
{
    int ends[2];
    int r = cn_channel_pair(ends, err);
    if (r < 0)
        return r;
    cn_channel_close(&s->channel);
    r = cn_channel_open(ends[0], &s->channel, err);
    if (r >= 0)
        r = cn_nursery_spawn(b->nursery, (uint32_t) (s - b->slots), ends[1], err);
    else
        close(ends[0]);
    close(ends[1]);
    s->spawned = r >= 0;
    s->alive = s->killed = s->closed = s->distrusted = false;
    s->why = NULL;
    s->job = CN_JOB_START;
    s->zone_version = 0;
    s->pid = 0;
    s->beat_wall_ns = 0;
    return r;
}

static const cn_control *control_of(const cn_broker *b, const cn_slot *s)
{
    return &b->setup.controls[s - b->slots];
}

/* ---- what it died of ---- */

typedef struct cause {
    const char *kind;
    char text[160];
} cause;

static cause cause_of(const cn_slot *s, int status)
{
    cause c = {.kind = "crash"};
    if (s->killed) {
        c.kind = s->distrusted ? "crash" : "hang";
        snprintf(c.text, sizeof c.text, "%s", s->why);
    } else if (WIFSIGNALED(status)) {
        int signal = WTERMSIG(status);
        if (signal == SIGSYS)
            c.kind = "sandbox";
        snprintf(c.text, sizeof c.text, "signal %d (%s%s)", signal, strsignal(signal),
                 signal == SIGSYS ? ": a forbidden system call" : "");
    } else if (WEXITSTATUS(status) == CN_WORKER_MEMORY) {
        c.kind = "memory";
        snprintf(c.text, sizeof c.text, "the memory limit of a worker was reached");
    } else {
        snprintf(c.text, sizeof c.text, "it ended with status %d", WEXITSTATUS(status));
    }
    return c;
}

/* ---- what it costs ---- */

static bool record_at(const cn_batch *batch, uint32_t index, cn_file_record *out)
{
    cn_cur c = cn_cur_of(cn_span_of(batch->records, batch->len), 0);
    for (uint32_t i = 0; i <= index; i++)
        *out = cn_get_file(&c);
    return !c.fail;
}

/* Rewrites how many events of file `index` are to be skipped. */
static void set_skip(cn_batch *batch, uint32_t index, uint64_t skip)
{
    cn_cur c = cn_cur_of(cn_span_of(batch->records, batch->len), 0);
    for (uint32_t i = 0; i < index; i++)
        (void) cn_get_file(&c);
    if (!c.fail && batch->len - c.pos >= 24)
        memcpy(batch->records + c.pos + 16, &skip, sizeof skip);
}

static void lost_file(cn_broker *b, cn_slot *s, const cause *why)
{
    const cn_control *control = control_of(b, s);
    cn_batch *batch = s->batch;
    uint32_t at = CN_CONTROL_GET(control->item), parser = CN_CONTROL_GET(control->parser);
    cn_phase phase = (cn_phase) CN_CONTROL_GET(control->phase);
    cn_file_record file;
    s->batch = NULL;
    if (phase != CN_PHASE_FILE && phase != CN_PHASE_WRITE)
        at = batch->from; /* before it had begun with a file */
    if (at < batch->from || at >= batch->n || !record_at(batch, at, &file))
        at = batch->from, (void) record_at(batch, at, &file);
    if (phase == CN_PHASE_WRITE && batch->write_faults++ < WRITE_FAULTS_MAX) {
        batch->from = at; /* the file is not to blame: it goes on where it was */
        set_skip(batch, at, CN_CONTROL_GET(control->item_events));
        cn_broker_queue(b, batch);
        return;
    }
    CN_CLEANUP(cn_buf_free) cn_buf path = cn_buf_of(CN_KIB(256));
    cn_put_text(&path, file.path);
    cn_cur c = cn_cur_of(cn_buf_span(&path), 0);
    char words[4096], text[320];
    cn_get_string(&c, words, sizeof words);
    const char *name = parser && parser <= cn_parsers_count ? cn_parsers[parser - 1]->name : "";
    snprintf(text, sizeof text, "%s while %s%s read it; its %" PRIu64 " events until then are kept",
             why->text, *name ? "the parser " : "a worker", name,
             CN_CONTROL_GET(control->item_events));
    cn_broker_warn(b, batch->mount, why->kind, words, file.inode, name,
                   CN_CONTROL_GET(control->offset), text);
    batch->from = at + 1;
    if (batch->from < batch->n) {
        cn_broker_queue(b, batch);
        return;
    }
    s->batch = batch;
    cn_broker_end_batch(b, s);
}

static void lost_volume(cn_broker *b, cn_slot *s, const cause *why, const char *doing)
{
    char text[320];
    snprintf(text, sizeof text, "%s while %s; what was found until then is kept", why->text, doing);
    cn_broker_warn(b, s->mount, why->kind, "", 0, "", CN_CONTROL_GET(control_of(b, s)->offset),
                   text);
}

static void lost_job(cn_broker *b, cn_slot *s, const cause *why)
{
    char text[320];
    switch (s->job) {
    case CN_JOB_OPEN:
        snprintf(text, sizeof text, "%s while the evidence was opened", why->text);
        cn_broker_warn(b, UINT32_MAX, why->kind, "", 0, "", CN_NO_OFFSET, text);
        cn_broker_fail(b, CN_E_CORRUPT, text);
        break;
    case CN_JOB_FACTS:
        lost_volume(b, s, why, "the machine's facts were read");
        b->mounts[s->mount].facts_done = true;
        break;
    case CN_JOB_WALK:
        lost_volume(b, s, why, "the file system was walked");
        b->mounts[s->mount].walk_done = true;
        break;
    case CN_JOB_FILES:
        lost_file(b, s, why);
        break;
    case CN_JOB_HASH:
        lost_volume(b, s, why, "the image was hashed");
        b->hash_done = true;
        break;
    default:
        break;
    }
}

/* A spool that kills who writes it is given up; a worker that cannot begin ends the run. */
static void judge(cn_broker *b, cn_slot *s, const cause *why)
{
    cn_phase phase = (cn_phase) CN_CONTROL_GET(control_of(b, s)->phase);
    char text[320];
    if (phase == CN_PHASE_WRITE && ++s->write_faults >= WRITE_FAULTS_MAX) {
        snprintf(text, sizeof text, "%s while events were written, again; those are lost",
                 why->text);
        cn_broker_warn(b, UINT32_MAX, "lost", "", 0, "", CN_NO_OFFSET, text);
        s->remains = false;
        s->write_faults = 0;
        s->written = 0;
    }
    bool began = s->job != CN_JOB_START && phase != CN_PHASE_OPEN;
    s->open_faults = began ? 0 : s->open_faults + 1;
    if (s->open_faults >= OPEN_FAULTS_MAX) {
        snprintf(text, sizeof text, "workers end before they begin: %s", why->text);
        cn_broker_fail(b, CN_E_IO, text);
    }
}

static void ended(cn_broker *b, cn_slot *s, int status)
{
    while (!s->closed && !s->distrusted)
        cn_broker_listen(b, s); /* what it had said before */
    cause why = cause_of(s, status);
    s->alive = s->spawned = false;
    cn_broker_take_back(b, s);
    if (s->job != CN_JOB_NONE || s->spool_events) {
        judge(b, s, &why);
        lost_job(b, s, &why);
    }
    bool hasher = s - b->slots == (ptrdiff_t) b->n_workers;
    CN_CONTROL_SET(b->setup.controls[s - b->slots].phase, CN_PHASE_IDLE);
    s->job = CN_JOB_NONE;
    s->spool_events = 0;
    if (b->failed || b->whole || b->gave_up || hasher)
        return;
    cn_err err = CN_ERR_INIT;
    if (cn_broker_spawn(b, s, &err) < 0)
        cn_broker_fail_err(b, &err);
}

void cn_broker_nursery_event(cn_broker *b, const cn_nursery_event *event)
{
    if (event->slot > b->n_workers)
        return;
    cn_slot *s = &b->slots[event->slot];
    if (event->ended) {
        ended(b, s, event->status);
        return;
    }
    s->alive = true;
    s->pid = event->pid;
}

/* ---- workers that stand still ---- */

static bool cpu_time(pid_t pid, uint64_t *out_ns)
{
    clockid_t clock;
    struct timespec t;
    if (clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &t) != 0)
        return false;
    *out_ns = (uint64_t) t.tv_sec * (uint64_t) CN_NS_PER_S + (uint64_t) t.tv_nsec;
    return true;
}

static void end_standing(cn_broker *b, cn_slot *s, const char *why)
{
    s->why = why;
    if (cn_nursery_kill(b->nursery, (uint32_t) (s - b->slots), NULL) >= 0)
        s->killed = true;
}

static void watch_one(cn_broker *b, cn_slot *s, uint64_t now)
{
    const cn_control *control = control_of(b, s);
    uint64_t beat = CN_CONTROL_GET(control->beat), cpu = 0;
    uint32_t item = CN_CONTROL_GET(control->item);
    cn_phase phase = (cn_phase) CN_CONTROL_GET(control->phase);
    if (s->job == CN_JOB_NONE || s->killed || !cpu_time(s->pid, &cpu))
        return;
    bool new_work = !s->beat_wall_ns || item != s->watched_item || phase != s->watched_phase;
    if (new_work) {
        s->job_cpu_ns = cpu;
        s->watched_item = item;
        s->watched_phase = phase;
    }
    if (new_work || beat != s->beat || s->asks) {
        s->beat = beat;
        s->beat_cpu_ns = cpu;
        s->beat_wall_ns = now;
    }
    uint64_t limit = (uint64_t) b->options->file_timeout_s * (uint64_t) CN_NS_PER_S;
    uint64_t still = phase == CN_PHASE_WRITE ? limit * WRITE_FACTOR : limit;
    uint64_t total = limit * TOTAL_FACTOR;
    if (s->batch)
        total += s->batch->bytes / CN_MIB(1) * (uint64_t) CN_NS_PER_S;
    bool one_file = phase == CN_PHASE_FILE && s->job == CN_JOB_FILES;
    if (cpu - s->beat_cpu_ns > still || now - s->beat_wall_ns > still * WALL_FACTOR)
        end_standing(b, s, "no progress within the time limit (--file-timeout)");
    else if (one_file && cpu - s->job_cpu_ns > total)
        end_standing(b, s, "far more time than its size explains (--file-timeout)");
}

void cn_broker_watch(cn_broker *b)
{
    uint64_t now = cn_clock_ns();
    for (uint32_t i = 0; i <= b->n_workers; i++)
        if (b->slots[i].alive)
            watch_one(b, &b->slots[i], now);
    if (b->cancelled && now > b->cancel_deadline_ns)
        b->gave_up = true;
}
