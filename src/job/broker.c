/* The broker's frame: shared memory, processes, the loop. */
#include "job/broker.h"

#include "base/text.h"
#include "base/timestamp.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <unistd.h>

#define END_MS            1000 /* for workers that have nothing left to do */
#define TICK_MS           200
#define CATALOG_EVERY_NS  (uint64_t) CN_NS_PER_S
#define CANCEL_TIMEOUT_NS (30 * (uint64_t) CN_NS_PER_S)

/* ---- shared memory ---- */

static void *shared(size_t bytes)
{
    void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE,
                   -1, 0);
    return p == MAP_FAILED ? NULL : p;
}

/* Builds for tests take a smaller one, so that there are many commits in a short run. */
static size_t spool_bytes(void)
{
#ifdef CN_TEST_PARSERS
    const char *text = getenv("CAIRN_TEST_SPOOL_MIB");
    uint64_t mib = 0;
    if (text && cn_text_u64(cn_span_str(text), &mib) && CN_MIB(mib) >= CN_SPOOL_MIN &&
        CN_MIB(mib) < CN_SPOOL_BYTES)
        return CN_MIB(mib);
#endif
    return CN_SPOOL_BYTES;
}

static int make_setup(cn_broker *b, cn_err *err)
{
    cn_worker_setup *s = &b->setup;
    s->options = b->options;
    s->slots = b->n_workers + 1;
    s->spool_bytes = spool_bytes();
    s->controls = shared(s->slots * sizeof *s->controls);
    s->spools = calloc(s->slots, sizeof *s->spools);
    s->scratch = calloc(s->slots, sizeof *s->scratch);
    for (uint32_t i = 0; s->scratch && i < s->slots; i++)
        s->scratch[i] = s->files->scratch >= 0 ? cn_files_scratch() : -1;
    if (!s->controls || !s->spools || !s->scratch)
        return cn_fail(err, CN_E_NO_MEMORY, CN_NO_OFFSET, "no memory for the workers");
    for (uint32_t i = 0; i < b->n_workers; i++)
        if (!(s->spools[i] = shared(s->spool_bytes)))
            return cn_fail(err, CN_E_NO_MEMORY, CN_NO_OFFSET, "no memory for the workers");
    return CN_OK;
}

static void free_setup(cn_worker_setup *s)
{
    for (uint32_t i = 0; s->spools && i < s->slots; i++)
        if (s->spools[i])
            munmap(s->spools[i], s->spool_bytes);
    for (uint32_t i = 0; s->scratch && i < s->slots; i++)
        if (s->scratch[i] >= 0)
            close(s->scratch[i]);
    free(s->scratch);
    free(s->spools);
    if (s->controls)
        munmap(s->controls, s->slots * sizeof *s->controls);
    if (s->volume_keys)
        explicit_bzero(s->volume_keys, s->n_volume_keys * sizeof *s->volume_keys);
    free(s->volume_keys);
    for (size_t i = 0; i < s->n_all; i++)
        cn_files_free(s->all[i]);
    free(s->all);
}

/* ---- the loop ---- */

static void interrupt(cn_broker *b)
{
    if (b->cancelled) {
        b->gave_up = true;
        return;
    }
    b->cancelled = true;
    b->cancel_deadline_ns = cn_clock_ns() + CANCEL_TIMEOUT_NS;
    for (uint32_t i = 0; i <= b->n_workers; i++)
        CN_CONTROL_SET(b->setup.controls[i].cancel, 1);
}

static void tell_progress(cn_broker *b, uint64_t *last_ns)
{
    uint64_t now = cn_clock_ns(), bytes = 0, files = 0, events = 0;
    for (uint32_t i = 0; i < b->n_workers; i++) {
        const cn_control *c = &b->setup.controls[i];
        bytes += CN_CONTROL_GET(c->bytes_read);
        files += CN_CONTROL_GET(c->files);
        events += CN_CONTROL_GET(c->events);
    }
    b->result->events = events;
    b->result->files = files;
    const cn_progress_state state = {
        .image = *b->result->image ? b->result->image : b->options->source,
        .doing = b->cancelled ? "writing what was found ..."
                 : !b->opened ? "opening"
                              : NULL,
        .bytes_done = CN_MIN(CN_MAX(b->bytes_done, bytes), b->bytes_total),
        .bytes_total = cn_broker_walked(b) ? b->bytes_total : 0, /* it still grows */
        .files = files,
        .events = events,
        .elapsed_ns = now - b->started_ns,
    };
    cn_progress_show(b->progress, &state);
    if (!b->catalog || !b->timeline || b->whole || now - *last_ns < CATALOG_EVERY_NS)
        return;
    *last_ns = now;
    cn_err err = CN_ERR_INIT;
    if (cn_catalog_progress(b->catalog, b->timeline, state.bytes_done, b->bytes_total,
                            b->files_done, b->files_total, &err) < 0)
        cn_broker_fail_err(b, &err);
}

static void nursery_news(cn_broker *b)
{
    cn_nursery_event event;
    cn_err err = CN_ERR_INIT;
    int r;
    while ((r = cn_nursery_next(b->nursery, &event, &err)) > 0)
        cn_broker_nursery_event(b, &event);
    if (r < 0)
        cn_broker_fail_err(b, &err);
}

static void loop(cn_broker *b, int signals)
{
    uint64_t told_ns = cn_clock_ns();
    while (cn_broker_assign(b), !cn_broker_done(b)) {
        struct pollfd fds[CN_WORKERS_MAX + 3];
        cn_slot *slots[CN_WORKERS_MAX + 3];
        size_t n = 0;
        fds[n++] = (struct pollfd){.fd = signals, .events = POLLIN};
        fds[n++] = (struct pollfd){.fd = cn_nursery_fd(b->nursery), .events = POLLIN};
        for (uint32_t i = 0; i <= b->n_workers; i++) {
            cn_slot *s = &b->slots[i];
            if (!s->spawned || s->closed || s->distrusted)
                continue;
            slots[n] = s;
            fds[n++] = (struct pollfd){.fd = s->channel.fd, .events = POLLIN};
        }
        if (poll(fds, n, TICK_MS) < 0 && errno != EINTR) {
            cn_broker_fail(b, CN_E_IO, "poll failed");
            return;
        }
        struct signalfd_siginfo info;
        if (read(signals, &info, sizeof info) == sizeof info)
            interrupt(b);
        for (size_t i = 2; i < n; i++)
            if (fds[i].revents)
                cn_broker_listen(b, slots[i]);
        nursery_news(b);
        cn_broker_watch(b);
        tell_progress(b, &told_ns);
    }
    told_ns = UINT64_MAX / 2; /* the catalog gets the last word elsewhere */
    tell_progress(b, &told_ns);
}

/* ---- begin and end ---- */

/* What is wrong with the other sources is told when their turn comes. */
static int gather(cn_broker *b, cn_err *err)
{
    const cn_process_options *o = b->options;
    cn_worker_setup *s = &b->setup;
    s->all = calloc(o->n_others + 1, sizeof(cn_files *));
    if (!s->all)
        return cn_fail(err, CN_E_NO_MEMORY, CN_NO_OFFSET, "no memory");
    int r = cn_evidence_gather(o->source, o->best_effort, &s->files, err);
    if (r < 0)
        return r;
    s->all[s->n_all++] = s->files;
    for (size_t i = 0; i < o->n_others; i++)
        if (cn_evidence_gather(o->others[i], o->best_effort, &s->all[s->n_all], NULL) >= 0)
            s->n_all++;
    return CN_OK;
}

static int begin(cn_broker *b, cn_err *err)
{
    const cn_process_options *o = b->options;
    int r = gather(b, err);
    const cn_evidence_options wanted = {.passphrase = o->passphrase,
                                        .has_passphrase = o->has_passphrase,
                                        .n_lent = b->setup.n_all ? b->setup.n_all - 1 : 0,
                                        .volume = o->volume};
    if (r < 0 ||
        (r = cn_evidence_unlock(b->setup.all, b->setup.n_all, &wanted, o->best_effort,
                                &b->setup.volume_keys, &b->setup.n_volume_keys, err)) < 0 ||
        (r = make_setup(b, err)) < 0 ||
        (r = cn_nursery_start(cn_worker_main, &b->setup, &b->nursery, err)) < 0)
        return r;
    if (o->folder && ((r = cn_catalog_open(o->folder, CN_DB_CREATE, &b->catalog, err)) < 0 ||
                      (r = cn_run_begin(b->catalog, &b->run, err)) < 0))
        return r;
    if (o->zone_name) {
        cn_broker_set_zone(b, cn_span_str(o->zone_name), o->zone_tzif);
    }
    for (uint32_t i = 0; i < b->n_workers + (o->hash ? 1 : 0) && r >= 0; i++)
        r = cn_broker_spawn(b, &b->slots[i], err);
    return r;
}

static void end(cn_broker *b)
{
    bool orderly = !b->failed && !b->gave_up;
    for (uint32_t i = 0; i <= b->n_workers; i++)
        cn_channel_close(&b->slots[i].channel);
    b->nursery = cn_nursery_end(b->nursery, orderly ? END_MS : 0); /* the workers with it */
    for (uint32_t i = 0; i <= b->n_workers; i++)
        cn_broker_take_back(b,
                            &b->slots[i]); /* on a full disk this makes room for the last words */
    cn_broker_end_timeline(b);
    for (uint32_t i = 0; i <= b->n_workers; i++) {
        cn_slot *s = &b->slots[i];
        free(s->items);
        free(s->batch);
    }
    while (b->n_large)
        free(b->large[--b->n_large]);
    free(b->large);
    for (cn_batch *next; b->small; b->small = next) {
        next = b->small->next;
        free(b->small);
    }
    free(b->keys);
    free(b->mounts);
    cn_buf_free(&b->zone);
    cn_buf_free(&b->zone_name);
    cn_buf_free(&b->zone_tzif);
    cn_buf_free(&b->tail);
    cn_arena_free(&b->arena);
    b->progress = cn_progress_end(b->progress);
    cn_run_end(b->run);
    cn_catalog_close(b->catalog);
    free_setup(&b->setup);
}

static int run(cn_broker *b, int signals, cn_err *err)
{
    int r = begin(b, err);
    if (r >= 0) {
        loop(b, signals);
        b->result->timeline = b->timeline;
        b->result->was_complete = b->whole;
        b->result->interrupted = b->cancelled;
    }
    end(b);
    b->result->duration_ns = cn_clock_ns() - b->started_ns;
    if (r < 0)
        return r;
    if (b->failed)
        return b->fail_code;
    if (b->cancelled)
        return cn_fail(err, CN_E_CANCELLED, CN_NO_OFFSET, "ended by the user");
    return CN_OK;
}

int cn_process_run(const cn_process_options *options, cn_process_result *out, cn_err *err)
{
    assert(cn_parsers_count <= CN_PARSERS_MAX);
    *out = (cn_process_result){0};
    cn_broker *b = calloc(1, sizeof *b);
    if (!b)
        return cn_fail(err, CN_E_NO_MEMORY, CN_NO_OFFSET, "no memory");
    cn_err own = CN_ERR_INIT;
    b->options = options;
    b->result = out;
    b->err = err ? err : &own;
    b->n_workers = CN_MAX(1, CN_MIN(options->workers, CN_WORKERS_MAX));
    b->small_end = &b->small;
    b->zone = b->zone_name = b->zone_tzif = cn_buf_of(CN_KIB(80));
    b->tail = cn_buf_of(CN_MESSAGE_MAX);
    b->arena = cn_arena_of(CN_GIB(4));
    b->progress = cn_progress_new(options->quiet);
    b->started_ns = cn_clock_ns();
    for (uint32_t i = 0; i <= CN_WORKERS_MAX; i++) {
        b->slots[i].grant = (cn_granted){.fd = -1, .output = -1};
        b->slots[i].channel.fd = -1;
    }
    sigset_t ours, before;
    sigemptyset(&ours);
    sigaddset(&ours, SIGINT);
    sigaddset(&ours, SIGTERM);
    sigprocmask(SIG_BLOCK, &ours, &before);
    int signals = signalfd(-1, &ours, SFD_CLOEXEC | SFD_NONBLOCK);
    int r = signals < 0 ? cn_fail_errno(b->err, "signals") : run(b, signals, b->err);
    if (signals >= 0)
        close(signals);
    sigprocmask(SIG_SETMASK, &before, NULL);
    free(b);
    return r;
}
