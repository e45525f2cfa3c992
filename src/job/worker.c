/* The worker's frame: sandbox, messages, evidence. */
#include "job/worker_internal.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#define WARNINGS_PER_FILE 100u

void cn_worker_send(cn_worker *w, cn_message_type type, const void *fixed, bool with_tail)
{
    cn_span tail = {NULL, 0};
    if (with_tail && w->tail.failed)
        _exit(CN_WORKER_MEMORY);
    if (with_tail)
        tail = cn_buf_span(&w->tail);
    if (cn_channel_send(&w->channel, type, fixed, tail, -1, NULL) < 0)
        _exit(CN_WORKER_FAILED);
    cn_buf_clear(&w->tail);
}

void cn_worker_warn(cn_worker *w, uint32_t mount, const char *kind, cn_span path, uint64_t inode,
                    const char *parser, uint64_t offset, const char *text)
{
    if (w->warnings++ >= WARNINGS_PER_FILE)
        return;
    cn_put_text(&w->tail, cn_span_str(kind));
    cn_put_text(&w->tail, path);
    cn_put_text(&w->tail, cn_span_str(parser));
    cn_put_text(&w->tail, cn_span_sub(cn_span_str(text), 0, 1000));
    cn_worker_send(w, CN_M_WARNING,
                   &(cn_msg_warning){.offset = offset, .inode = inode, .mount = mount}, true);
}

void cn_worker_warnings_end(cn_worker *w, uint32_t mount, cn_span path, uint64_t inode)
{
    uint32_t more = w->warnings > WARNINGS_PER_FILE ? w->warnings - WARNINGS_PER_FILE : 0;
    w->warnings = 0;
    if (!more)
        return;
    char text[64];
    snprintf(text, sizeof text, "%u further warnings are left out", more);
    cn_worker_warn(w, mount, cn_code_name(CN_E_LIMIT), path, inode, "", CN_NO_OFFSET, text);
    w->warnings = 0;
}

void cn_worker_check(cn_worker *w, int r)
{
    if (w->write_failed) {
        cn_buf_clear(&w->tail);
        cn_buf_str(&w->tail, w->err.text);
        cn_worker_send(w, CN_M_FAILED, &(cn_msg_failed){.code = w->err.code}, true);
        _exit(CN_WORKER_FAILED);
    }
    if (r == CN_E_NO_MEMORY)
        _exit(CN_WORKER_MEMORY);
}

/* ---- the sink ---- */

static int emit(cn_sink *sink, const cn_event *event)
{
    cn_worker *w = (cn_worker *) sink;
    cn_control *c = w->control;
    if (CN_CONTROL_GET(c->cancel))
        return CN_E_CANCELLED;
    CN_CONTROL_ADD(c->beat, 1);
    CN_CONTROL_SET(c->offset, event->offset);
    int r = w->inner->emit(w->inner, event);
    if (r < 0)
        return r;
    CN_CONTROL_ADD(c->item_events, 1);
    if (w->skip) {
        w->skip--;
        return r;
    }
    CN_CONTROL_ADD(c->events, 1);
    CN_CONTROL_ADD(c->parser_events[CN_CONTROL_GET(c->parser)], 1);
    return r;
}

static int set_origin(cn_sink *sink, const cn_origin *origin)
{
    cn_worker *w = (cn_worker *) sink;
    return w->inner->origin(w->inner, origin);
}

void cn_worker_begin_item(cn_worker *w, uint32_t item, uint64_t skip)
{
    w->item = item;
    w->item_open = true;
    w->skip = skip;
    CN_CONTROL_SET(w->control->offset, 0);
    CN_CONTROL_SET(w->control->item_events, 0);
    CN_CONTROL_ADD(w->control->beat, 1);
    cn_spool_begin_item(w->spool, item, skip);
}

/* ---- writing out ---- */

/* Asks for leave to write; *out_fd is the segment's descriptor (owned). */
static int ask(cn_worker *w, uint32_t output, int *out_fd)
{
    cn_worker_send(w, CN_M_ASK, &(cn_msg_ask){.output = output}, false);
    cn_message answer;
    int r = cn_channel_receive(&w->channel, false, true, &answer, &w->err);
    if (r == 0)
        _exit(CN_WORKER_ENDED);
    if (r < 0)
        return r;
    *out_fd = answer.fd;
    if (answer.type != CN_M_GRANT || (output == UINT32_MAX) != (answer.fd >= 0))
        return cn_fail(&w->err, CN_E_CORRUPT, CN_NO_OFFSET, "the broker's answer is none");
    return CN_OK;
}

static void send_items(cn_worker *w)
{
    const cn_spool_item *items;
    size_t n = cn_spool_items(w->spool, &items);
    for (size_t i = 0; i < n;) {
        cn_msg_items part = {0};
        for (; i < n && part.n < 2000; i++) {
            if (!items[i].here)
                continue;
            bool open = w->item_open && items[i].item == w->item;
            cn_buf_le64(&w->tail, items[i].before + items[i].here);
            cn_buf_le32(&w->tail, items[i].item);
            cn_buf_le32(&w->tail, !open);
            part.n++;
        }
        cn_worker_send(w, CN_M_ITEMS, &part, true);
    }
}

static int write_segment(cn_worker *w)
{
    int fd = -1;
    int r = ask(w, UINT32_MAX, &fd);
    cn_segment_summary s;
    if (r >= 0)
        r = cn_segment_write(w->writer, w->spool, fd, &s, &w->err);
    if (fd >= 0)
        close(fd);
    if (r < 0)
        return r;
    send_items(w);
    cn_worker_send(w, CN_M_SEGMENT,
                   &(cn_msg_segment){.events = s.events,
                                     .untimed = s.untimed,
                                     .bytes = s.bytes,
                                     .checksum = s.checksum,
                                     .first_ns = s.first_ns,
                                     .last_ns = s.last_ns},
                   false);
    return CN_OK;
}

typedef struct encoding {
    cn_worker *worker;
    uint32_t output;
    uint64_t events;
} encoding;

static int encode_one(void *context, const cn_spooled *event)
{
    encoding *e = context;
    cn_event_view view = cn_view_spooled(event);
    CN_CONTROL_ADD(e->worker->control->beat, 1);
    e->events++;
    return cn_encoder_add(e->worker->encoders[e->output], &view, &e->worker->err);
}

static int write_output(cn_worker *w, uint32_t output)
{
    int none = -1;
    int r = ask(w, output, &none);
    encoding e = {.worker = w, .output = output};
    if (r >= 0)
        r = cn_spool_each(w->spool, encode_one, &e);
    if (r >= 0)
        r = cn_encoder_flush(w->encoders[output], &w->err);
    if (r >= 0)
        cn_worker_send(w, CN_M_WRITTEN, &(cn_msg_written){.events = e.events, .output = output},
                       false);
    else
        cn_while(&w->err, "%s", w->options->outputs->list[output].path);
    return r;
}

int cn_worker_flush(cn_worker *w)
{
    if (!cn_spool_events(w->spool))
        return CN_OK;
    uint32_t phase = CN_CONTROL_GET(w->control->phase);
    CN_CONTROL_SET(w->control->phase, CN_PHASE_WRITE);
    int r = CN_OK;
    if (w->options->folder && !(w->written & CN_WRITTEN_SEGMENT))
        r = write_segment(w);
    for (uint32_t i = 0; i < w->options->outputs->n && r >= 0; i++)
        if (!(w->written & 1u << i))
            r = write_output(w, i);
    w->write_failed = r < 0;
    if (r < 0)
        return r;
    cn_spool_clear(w->spool);
    w->written = 0;
    cn_worker_send(w, CN_M_CLEARED, &(cn_msg_cleared){{0}}, false);
    CN_CONTROL_SET(w->control->phase, phase);
    return CN_OK;
}

static int spool_full(void *context, cn_spool *spool)
{
    (void) spool;
    return cn_worker_flush(context);
}

/* ---- evidence ---- */

int cn_worker_open(cn_worker *w)
{
    if (w->evidence)
        return CN_OK;
    uint32_t phase = CN_CONTROL_GET(w->control->phase);
    CN_CONTROL_SET(w->control->phase, CN_PHASE_OPEN);
    const cn_evidence_options options = {.keys = w->setup->volume_keys,
                                         .n_keys = w->setup->n_volume_keys,
                                         .keys_only = w->options->has_passphrase,
                                         .n_lent = w->setup->n_all - 1,
                                         .volume = w->options->volume};
    int r = cn_evidence_open(w->setup->all, w->setup->n_all, &options, &w->evidence, &w->err);
    if (r < 0)
        return r;
    w->n_mounts = cn_evidence_mounts(w->evidence, &w->mounts);
    CN_CONTROL_SET(w->control->phase, phase);
    return CN_OK;
}

static void report_problem(void *context, const char *where, const cn_err *problem)
{
    cn_worker *w = context;
    char text[768];
    snprintf(text, sizeof text, "%s: %s", where, problem->text);
    cn_worker_warn(w, UINT32_MAX, cn_code_name(problem->code), (cn_span){NULL, 0}, 0, "",
                   problem->offset, text);
}

void cn_worker_open_evidence(cn_worker *w)
{
    cn_msg_opened opened = {0};
    CN_CONTROL_SET(w->control->phase, CN_PHASE_OPEN);
    int r = cn_worker_open(w);
    cn_worker_check(w, r);
    if (r >= 0) {
        cn_evidence_problems(w->evidence, report_problem, w);
        cn_worker_warnings_end(w, UINT32_MAX, (cn_span){NULL, 0}, 0);
        const cn_node *source = cn_evidence_source(w->evidence, 0);
        opened.image_id = cn_evidence_image_id(w->evidence, 0);
        opened.size = source ? source->size : 0;
        opened.mounts = (uint32_t) w->n_mounts;
        opened.elsewhere = cn_evidence_elsewhere(w->evidence, 0);
    }
    for (uint32_t i = 0; i < w->n_mounts; i++) {
        const cn_mount *m = &w->mounts[i];
        cn_put_text(&w->tail, cn_span_str(m->image));
        cn_put_text(&w->tail, cn_span_str(m->volume));
        cn_put_text(&w->tail, cn_span_str(m->fs->type));
        cn_put_text(&w->tail, cn_span_str(m->fs->label));
        cn_worker_send(w, CN_M_MOUNT,
                       &(cn_msg_mount){.size = m->fs->size, .index = i, .lone = m->lone}, true);
    }
    cn_put_text(&w->tail, cn_span_str(r < 0 ? w->err.text : ""));
    cn_worker_send(w, CN_M_OPENED, &opened, true);
}

/* ---- the frame ---- */

static void take_zone(cn_worker *w, const cn_message *m, const cn_msg_zone *fixed)
{
    cn_cur c = cn_cur_of(m->tail, 0);
    char name[128];
    cn_get_string(&c, w->hostname, sizeof w->hostname);
    cn_get_string(&c, name, sizeof name);
    cn_span tzif = cn_get_text(&c);
    w->zone = cn_zone_free(w->zone);
    if (!c.fail && fixed->known && tzif.len &&
        cn_zone_from_tzif(tzif, name, &w->zone, &w->err) < 0) {
        cn_worker_warn(w, UINT32_MAX, "zone", (cn_span){NULL, 0}, 0, "", w->err.offset,
                       w->err.text);
        w->warnings = 0;
    }
}

static int start(cn_worker *w, uint32_t slot, const cn_msg_start *fixed)
{
    void *memory = w->setup->spools[slot];
    bool dropped = false;
    w->written = fixed->written;
    int r = fixed->attach
                ? cn_spool_attach(memory, w->setup->spool_bytes, &w->spool, &dropped, &w->err)
                : cn_spool_create(memory, w->setup->spool_bytes, &w->spool, &w->err);
    if (r < 0)
        return r;
    if (dropped)
        cn_worker_warn(w, UINT32_MAX, "crash", (cn_span){NULL, 0}, 0, "", CN_NO_OFFSET,
                       "the ended worker left damaged events behind, which are dropped");
    w->warnings = 0;
    cn_spool_on_full(w->spool, spool_full, w);
    w->inner = cn_spool_sink(w->spool);
    if (w->written) /* it died between writing and emptying */
        r = cn_worker_flush(w);
    w->written = 0;
    return r;
}

static void serve(cn_worker *w, uint32_t slot, const cn_message *m)
{
    int r = CN_OK;
    switch (m->type) {
    case CN_M_START:
        r = start(w, slot, (const cn_msg_start *) m->fixed.p);
        break;
    case CN_M_OPEN:
        cn_worker_open_evidence(w);
        break;
    case CN_M_FACTS:
        cn_worker_facts(w, (const cn_msg_facts *) m->fixed.p);
        break;
    case CN_M_WALK:
        cn_worker_walk(w, (const cn_msg_walk *) m->fixed.p);
        break;
    case CN_M_ZONE:
        take_zone(w, m, (const cn_msg_zone *) m->fixed.p);
        return;
    case CN_M_FILES: {
        cn_msg_files files;
        memcpy(&files, m->fixed.p, sizeof files);
        cn_buf_clear(&w->batch);
        cn_buf_bytes(&w->batch, m->tail); /* the message is gone when another one comes */
        if (w->batch.failed)
            _exit(CN_WORKER_MEMORY);
        cn_worker_files(w, &files);
        break;
    }
    case CN_M_HASH:
        cn_worker_hash(w);
        break;
    case CN_M_FLUSH:
        r = cn_worker_flush(w);
        break;
    default:
        _exit(CN_WORKER_FAILED);
    }
    w->write_failed = r < 0; /* START and FLUSH have nothing else to fail in */
    cn_worker_check(w, r);
    CN_CONTROL_SET(w->control->phase, CN_PHASE_IDLE);
    cn_worker_send(w, CN_M_DONE,
                   &(cn_msg_done){.spool_events = w->spool ? cn_spool_events(w->spool) : 0}, false);
}

static int enter_sandbox(cn_worker *w, pid_t nursery)
{
    const cn_files *files = w->setup->files;
    const cn_sandbox_options sandbox = {
        .best_effort = w->options->best_effort,
        .read_folders = files->kind == CN_FILES_FOLDER ? &files->list[0].fd : NULL,
        .n_read_folders = files->kind == CN_FILES_FOLDER,
        .data_bytes = CN_WORKER_DATA_MAX,
        .address_bytes = CN_WORKER_ADDRESS_MAX,
        .parent = nursery,
    };
    cn_msg_hello hello = {0};
    int r = cn_sandbox_enter(&sandbox, &hello.sandbox, &w->err);
    cn_put_text(&w->tail, cn_span_str(r < 0 ? w->err.text : ""));
    cn_worker_send(w, CN_M_HELLO, &hello, true);
    return r;
}

/* Gives up what is the other workers'. */
static void leave_others(const cn_worker_setup *setup, uint32_t slot)
{
    for (uint32_t i = 0; i < setup->slots; i++) {
        if (i != slot && setup->spools[i])
            (void) munmap(setup->spools[i], setup->spool_bytes);
        if (i != slot && setup->scratch[i] >= 0)
            close(setup->scratch[i]);
    }
    if (setup->files->scratch >= 0) {
        close(setup->files->scratch);
        setup->files->scratch = setup->scratch[slot]; /* this process's copy of the list */
    }
}

int cn_worker_main(void *context, uint32_t slot, int channel_fd, pid_t nursery)
{
    const cn_worker_setup *setup = context;
    cn_worker worker = {
        .sink = {emit, set_origin},
        .setup = setup,
        .options = setup->options,
        .control = &setup->controls[slot],
        .arena = cn_arena_of(CN_MIB(64)),
        .tail = cn_buf_of(CN_MESSAGE_MAX),
        .batch = cn_buf_of(CN_MESSAGE_MAX),
        .err = CN_ERR_INIT,
    };
    cn_worker *w = &worker;
    leave_others(setup, slot);
    if (cn_channel_open(channel_fd, &w->channel, &w->err) < 0 ||
        cn_segment_writer_new(&w->writer, &w->err) < 0)
        return CN_WORKER_MEMORY;
    for (size_t i = 0; i < w->options->outputs->n; i++) {
        const cn_output *o = &w->options->outputs->list[i];
        w->output_fds[i] = o->fd;
        w->encoders[i] = cn_encoder_new(o->encoding, cn_output_write, &w->output_fds[i]);
        if (!w->encoders[i])
            return CN_WORKER_MEMORY;
    }
    if (enter_sandbox(w, nursery) < 0)
        return CN_WORKER_FAILED;
    for (;;) {
        cn_message m;
        int r = cn_channel_receive(&w->channel, false, true, &m, &w->err);
        if (r <= 0)
            return r == 0 ? CN_WORKER_ENDED : CN_WORKER_FAILED;
        serve(w, slot, &m);
        cn_arena_reset(&w->arena);
    }
}
