/* What workers say. Every number is checked against what the worker was asked for. */
#include "job/broker.h"

#include "base/text.h"
#include "job/zonefile.h"

#include <stdio.h>
#include <stdlib.h>

#define WARNINGS_STORED_MAX 20000u /* of one run; more are only counted */
#define FACTS_MAX           10000u

static void count_warning(cn_broker *b, const char *kind)
{
    cn_process_result *r = b->result;
    r->warnings++;
    size_t i = 0;
    while (i < r->n_kinds && strcmp(r->kinds[i].kind, kind) != 0)
        i++;
    if (i == r->n_kinds && i < CN_PROCESS_KINDS_MAX) {
        snprintf(r->kinds[i].kind, sizeof r->kinds[i].kind, "%s", kind);
        r->n_kinds++;
    }
    if (i < r->n_kinds)
        r->kinds[i].n++;
}

void cn_broker_warn(cn_broker *b, uint32_t mount, const char *kind, const char *path,
                    uint64_t inode, const char *parser, uint64_t offset, const char *text)
{
    count_warning(b, kind);
    const cn_warning warning = {
        .kind = kind,
        .volume = mount < b->n_mounts ? b->mounts[mount].volume : "",
        .path = path,
        .parser = parser,
        .inode = inode,
        .offset = offset,
        .text = text,
    };
    cn_progress_warning(b->progress, &warning);
    if (!b->catalog || b->warnings_stored >= WARNINGS_STORED_MAX)
        return;
    b->warnings_stored++;
    if (!b->timeline) { /* before the timeline is known */
        cn_broker_keep_warning(b, &warning);
        return;
    }
    cn_err err = CN_ERR_INIT;
    if (cn_catalog_warn(b->catalog, b->timeline, &warning, &err) < 0)
        cn_broker_fail_err(b, &err);
}

static void bad_message(cn_broker *b, cn_slot *s, const char *what)
{
    s->why = what;
    s->distrusted = true;
    if (!s->killed && cn_nursery_kill(b->nursery, (uint32_t) (s - b->slots), NULL) >= 0)
        s->killed = true;
}

static void hello(cn_broker *b, cn_slot *s, const cn_message *m)
{
    cn_cur c = cn_cur_of(m->tail, 0);
    char text[512];
    cn_get_string(&c, text, sizeof text);
    if (s->job != CN_JOB_START) {
        bad_message(b, s, "a second beginning");
        return;
    }
    if (*text) {
        cn_broker_fail(b, CN_E_DENIED, text);
        return;
    }
    const cn_msg_start start = {.attach = s->remains, .written = s->written};
    if (s - b->slots == (ptrdiff_t) b->n_workers)
        s->job = CN_JOB_NONE; /* the hashing one has no spool */
    else
        cn_channel_tell(&s->channel, CN_M_START, &start, (cn_span){NULL, 0}, -1);
    s->remains = true; /* whoever comes next finds this one's spool */
}

static void mount(cn_broker *b, cn_slot *s, const cn_message *m)
{
    const cn_msg_mount *fixed = (const cn_msg_mount *) m->fixed.p;
    if (s->job != CN_JOB_OPEN || b->opened || fixed->index != b->n_mounts ||
        b->n_mounts == CN_MOUNTS_MAX) {
        bad_message(b, s, "a volume out of order");
        return;
    }
    cn_broker_mount *mounts = realloc(b->mounts, (b->n_mounts + 1) * sizeof *mounts);
    if (!mounts) {
        cn_broker_fail(b, CN_E_NO_MEMORY, "no memory for the list of volumes");
        return;
    }
    b->mounts = mounts;
    cn_broker_mount *new = &mounts[b->n_mounts];
    *new = (cn_broker_mount){.size = fixed->size, .lone = fixed->lone != 0};
    cn_cur c = cn_cur_of(m->tail, 0);
    cn_get_string(&c, new->image, sizeof new->image);
    cn_get_string(&c, new->volume, sizeof new->volume);
    cn_get_string(&c, new->type, sizeof new->type);
    cn_get_string(&c, new->label, sizeof new->label);
    new->facts_given = new->facts_done = new->lone;
    uint64_t key = cn_item_key(cn_span_str(new->volume), 0, (cn_span){NULL, 0});
    new->walk_item = cn_broker_item(b, key);
    b->n_mounts++;
}

static void opened(cn_broker *b, cn_slot *s, const cn_message *m)
{
    const cn_msg_opened *fixed = (const cn_msg_opened *) m->fixed.p;
    cn_cur c = cn_cur_of(m->tail, 0);
    char text[512];
    cn_get_string(&c, text, sizeof text);
    if (s->job != CN_JOB_OPEN || b->opened || fixed->mounts != b->n_mounts) {
        bad_message(b, s, "evidence out of order");
        return;
    }
    b->image_id = fixed->image_id;
    b->image_size = fixed->size;
    if (!*text && !b->n_mounts && fixed->elsewhere == 1) {
        b->result->elsewhere = true;
        cn_broker_fail(b, CN_E_NOT_FOUND,
                       "it is a physical volume of a group that is read with another source");
        return;
    }
    if (*text || !b->n_mounts) {
        cn_broker_nothing(b, text);
        return;
    }
    b->opened = true;
    snprintf(b->result->image, sizeof b->result->image, "%s", b->mounts[0].image);
    cn_broker_begin_timeline(b);
}

static void fact(cn_broker *b, cn_slot *s, const cn_message *m)
{
    const cn_msg_fact *fixed = (const cn_msg_fact *) m->fixed.p;
    char name[64], value[1024], path[1024];
    cn_cur c = cn_cur_of(m->tail, 0);
    cn_get_string(&c, name, sizeof name);
    cn_get_string(&c, value, sizeof value);
    cn_get_string(&c, path, sizeof path);
    if (s->job != CN_JOB_FACTS || fixed->mount != s->mount || c.fail || b->n_facts == FACTS_MAX) {
        bad_message(b, s, "a fact out of order");
        return;
    }
    b->n_facts++;
    if (strcmp(name, "hostname") == 0 && !*b->hostname) {
        snprintf(b->hostname, sizeof b->hostname, "%.255s", value);
        cn_broker_set_zone(b, (cn_span){NULL, 0}, (cn_span){NULL, 0});
    }
    const cn_fact row = {.name = name,
                         .value = value,
                         .volume = b->mounts[fixed->mount].volume,
                         .path = path,
                         .inode = fixed->inode};
    cn_err err = CN_ERR_INIT;
    if (b->catalog && cn_catalog_add_fact(b->catalog, b->timeline, &row, &err) < 0)
        cn_broker_fail_err(b, &err);
}

/* The user's zone stands against the machine's, and the first
 * volume that names one against later ones. */
void cn_broker_set_zone(cn_broker *b, cn_span name, cn_span tzif)
{
    if (tzif.len && !b->zone_known) {
        cn_buf_clear(&b->zone_name), cn_buf_clear(&b->zone_tzif);
        cn_buf_bytes(&b->zone_name, name);
        cn_buf_bytes(&b->zone_tzif, tzif);
        b->zone_known = true;
    }
    cn_buf_clear(&b->zone);
    cn_put_text(&b->zone, cn_span_str(b->hostname));
    cn_put_text(&b->zone, cn_buf_span(&b->zone_name));
    cn_put_text(&b->zone, cn_buf_span(&b->zone_tzif));
    b->zone_version++;
}

/* The machine's zone, with its rules where the disk has them; else those that the analyst's machine has
 * for that name. */
static void zone_found(cn_broker *b, cn_slot *s, const cn_message *m)
{
    cn_cur c = cn_cur_of(m->tail, 0), again = c;
    cn_span name = cn_get_text(&c), tzif = cn_get_text(&c);
    if (s->job != CN_JOB_FACTS || c.fail || name.len > 120 || tzif.len > CN_ZONEFILE_MAX) {
        bad_message(b, s, "a zone out of order");
        return;
    }
    CN_CLEANUP(cn_buf_free) cn_buf own = cn_buf_of(CN_KIB(64));
    char text[128];
    cn_get_string(&again, text, sizeof text);
    if (!tzif.len && cn_zonefile_read(text, &own, NULL) == CN_OK)
        tzif = cn_buf_span(&own);
    cn_broker_set_zone(b, name, tzif);
}

/* Goes over the records once: keys, and what an earlier run has committed. */
static bool number_files(cn_broker *b, cn_batch *batch, cn_span tail, cn_buf *out)
{
    cn_span volume = cn_span_str(b->mounts[batch->mount].volume);
    cn_cur c = cn_cur_of(tail, 0);
    batch->first_item = b->n_items;
    for (uint32_t i = 0; i < batch->n; i++) {
        cn_file_record file = cn_get_file(&c);
        if (c.fail || !file.path.len)
            return false;
        uint64_t key = cn_item_key(volume, file.inode, file.path);
        const cn_work_item *before = cn_broker_committed(b, key);
        file.skip = before ? before->events : 0;
        file.done = before && before->done;
        cn_put_file(out, &file);
        if (cn_broker_item(b, key) == CN_NO_ITEM) {
            cn_broker_fail(b, CN_E_LIMIT, "too many files");
            return false;
        }
    }
    return cn_cur_left(&c) == 0 && !out->failed;
}

static void batch(cn_broker *b, cn_slot *s, const cn_message *m)
{
    const cn_msg_batch *fixed = (const cn_msg_batch *) m->fixed.p;
    if (s->job != CN_JOB_WALK || fixed->mount != s->mount || !fixed->n || fixed->n > m->tail.len) {
        bad_message(b, s, "files out of order");
        return;
    }
    cn_batch *new = malloc(sizeof *new + m->tail.len);
    if (!new) {
        cn_broker_fail(b, CN_E_NO_MEMORY, "no memory for the list of files");
        return;
    }
    *new = (cn_batch){
        .bytes = fixed->bytes, .mount = fixed->mount, .n = fixed->n, .len = (uint32_t) m->tail.len};
    cn_buf_clear(&b->tail);
    if (!number_files(b, new, m->tail, &b->tail) || b->tail.len != m->tail.len) {
        free(new);
        bad_message(b, s, "a list of files that is none");
        return;
    }
    memcpy(new->records, b->tail.p, b->tail.len);
    b->files_total += new->n;
    b->bytes_total += new->bytes;
    cn_broker_queue(b, new);
}

static void warning(cn_broker *b, const cn_message *m)
{
    const cn_msg_warning *fixed = (const cn_msg_warning *) m->fixed.p;
    char kind[32], path[4096], parser[32], text[1024];
    cn_cur c = cn_cur_of(m->tail, 0);
    cn_get_string(&c, kind, sizeof kind);
    cn_get_string(&c, path, sizeof path);
    cn_get_string(&c, parser, sizeof parser);
    cn_get_string(&c, text, sizeof text);
    cn_broker_warn(b, fixed->mount, kind, path, fixed->inode, parser, fixed->offset, text);
}

static void hashed(cn_broker *b, cn_slot *s, const cn_msg_hashed *said)
{
    if (s->job != CN_JOB_HASH) {
        bad_message(b, s, "a hash out of order");
        return;
    }
    CN_CLEANUP(cn_buf_free) cn_buf hex = cn_buf_of(128);
    cn_text_put_hex(&hex, cn_span_of(said->sha256, sizeof said->sha256));
    snprintf(b->result->sha256, sizeof b->result->sha256, "%s", cn_buf_cstr(&hex));
    cn_err err = CN_ERR_INIT;
    if (b->catalog && cn_catalog_set_sha256(b->catalog, b->timeline, b->result->sha256, &err) < 0)
        cn_broker_fail_err(b, &err);
}

static void failed(cn_broker *b, cn_slot *s, const cn_message *m)
{
    const cn_msg_failed *fixed = (const cn_msg_failed *) m->fixed.p;
    CN_CLEANUP(cn_buf_free) cn_buf text = cn_buf_of(2048);
    if (s->grant.fd >= 0)
        cn_buf_printf(&text, "%s: ", b->options->folder);
    cn_text_put_utf8(&text, cn_span_sub(m->tail, 0, 500));
    int code = fixed->code < 0 && fixed->code >= CN_E_DENIED ? (int) fixed->code : CN_E_IO;
    cn_broker_fail(b, code, cn_buf_cstr(&text));
}

static void done(cn_broker *b, cn_slot *s, const cn_msg_done *said)
{
    if (s->job == CN_JOB_NONE || (s->job == CN_JOB_FLUSH && said->spool_events)) {
        bad_message(b, s, "the end of work that was not asked for");
        return;
    }
    s->spool_events = said->spool_events;
    switch (s->job) {
    case CN_JOB_FACTS:
        b->mounts[s->mount].facts_done = true;
        break;
    case CN_JOB_WALK:
        b->mounts[s->mount].walk_done = true;
        break;
    case CN_JOB_FILES:
        cn_broker_end_batch(b, s);
        break;
    case CN_JOB_HASH:
        b->hash_done = true;
        break;
    default:
        break;
    }
    s->job = CN_JOB_NONE;
    s->write_faults = s->open_faults = 0;
    s->written = 0;
}

static void take(cn_broker *b, cn_slot *s, const cn_message *m)
{
    switch (m->type) {
    case CN_M_HELLO:
        hello(b, s, m);
        return;
    case CN_M_MOUNT:
        mount(b, s, m);
        return;
    case CN_M_OPENED:
        opened(b, s, m);
        return;
    case CN_M_FACT:
        fact(b, s, m);
        return;
    case CN_M_ZONE_FOUND:
        zone_found(b, s, m);
        return;
    case CN_M_BATCH:
        batch(b, s, m);
        return;
    case CN_M_WARNING:
        warning(b, m);
        return;
    case CN_M_ASK:
        cn_broker_ask(b, s, ((const cn_msg_ask *) m->fixed.p)->output);
        return;
    case CN_M_ITEMS:
        cn_broker_items(b, s, (const cn_msg_items *) m->fixed.p, m->tail);
        return;
    case CN_M_SEGMENT:
        cn_broker_segment(b, s, (const cn_msg_segment *) m->fixed.p);
        return;
    case CN_M_WRITTEN:
        cn_broker_written(b, s, (const cn_msg_written *) m->fixed.p);
        return;
    case CN_M_CLEARED:
        s->written = 0;
        return;
    case CN_M_FAILED:
        failed(b, s, m);
        return;
    case CN_M_HASHED:
        hashed(b, s, (const cn_msg_hashed *) m->fixed.p);
        return;
    case CN_M_DONE:
        done(b, s, (const cn_msg_done *) m->fixed.p);
        return;
    default:
        bad_message(b, s, "an unknown message");
    }
}

void cn_broker_listen(cn_broker *b, cn_slot *s)
{
    for (unsigned i = 0; i < 1000 && !s->distrusted && !s->closed; i++) { /* then the others */
        cn_message m;
        cn_err err = CN_ERR_INIT;
        int r = cn_channel_receive(&s->channel, true, false, &m, &err);
        if (r == CN_E_CORRUPT)
            bad_message(b, s, "a message that is none");
        s->closed = r == 0 || r == CN_E_IO;
        if (r <= 0)
            return;
        take(b, s, &m);
    }
}
