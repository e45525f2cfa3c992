/* The walk of a file system: fs:stat events, and the files to be looked into, reported in batches.
 */
#include "job/filestat.h"
#include "job/worker_internal.h"

#include <stdlib.h>
#include <unistd.h>

#define BATCH_FILES  512u
#define BATCH_BYTES  CN_MIB(8)  /* of content, so that workers end together */
#define BATCH_TEXT   CN_KIB(72) /* of records: one message */
#define LARGE_FILE   CN_MIB(1)  /* a batch of its own */
#define SPOOL_MARGIN CN_KIB(64) /* room for all events of one name, beside its texts */

typedef struct found {
    uint64_t inode;
    uint32_t at, len; /* of the record in `records` */
} found;

/* Inodes that were reported, of those that may come again: hard links and deleted names. */
typedef struct seen {
    uint64_t *slots; /* inode + 1 */
    size_t n, capacity;
} seen;

typedef struct walk {
    cn_worker *w;
    cn_msg_walk ask;
    const cn_mount *mount;
    cn_filestat filestat;
    seen seen;
    found batch[BATCH_FILES];
    uint32_t n_batch;
    uint64_t batch_bytes;
    cn_buf records;
} walk;

static bool first_time(seen *s, uint64_t inode)
{
    if (s->n * 2 >= s->capacity) {
        size_t capacity = s->capacity ? s->capacity * 2 : 1024;
        uint64_t *slots = calloc(capacity, sizeof *slots);
        if (!slots)
            _exit(CN_WORKER_MEMORY);
        for (size_t i = 0; i < s->capacity; i++) {
            size_t at = s->slots[i] * UINT64_C(0x9e3779b97f4a7c15) >> 20 & (capacity - 1);
            while (s->slots[i] && slots[at])
                at = (at + 1) & (capacity - 1);
            if (s->slots[i])
                slots[at] = s->slots[i];
        }
        free(s->slots);
        s->slots = slots;
        s->capacity = capacity;
    }
    uint64_t key = inode + 1;
    size_t at = key * UINT64_C(0x9e3779b97f4a7c15) >> 20 & (s->capacity - 1);
    for (; s->slots[at]; at = (at + 1) & (s->capacity - 1))
        if (s->slots[at] == key)
            return false;
    s->slots[at] = key;
    s->n++;
    return true;
}

static void send_batch(walk *k, cn_span records, uint32_t n, uint64_t bytes)
{
    cn_buf_bytes(&k->w->tail, records);
    cn_worker_send(k->w, CN_M_BATCH, &(cn_msg_batch){.bytes = bytes, .mount = k->ask.mount, .n = n},
                   true);
}

static int by_inode(const void *a, const void *b)
{
    const found *x = a, *y = b;
    return x->inode < y->inode ? -1 : x->inode > y->inode ? 1 : x->at < y->at ? -1 : x->at > y->at;
}

/* Small files go in the order of their inodes, which is about that of the disk. */
static void send_small(walk *k)
{
    if (!k->n_batch)
        return;
    qsort(k->batch, k->n_batch, sizeof k->batch[0], by_inode);
    cn_span records = cn_buf_span(&k->records);
    for (uint32_t i = 0; i < k->n_batch; i++)
        cn_buf_bytes(&k->w->tail, cn_span_sub(records, k->batch[i].at, k->batch[i].len));
    send_batch(k, (cn_span){NULL, 0}, k->n_batch, k->batch_bytes);
    cn_buf_clear(&k->records);
    k->n_batch = 0;
    k->batch_bytes = 0;
}

static void report_file(walk *k, const cn_fs_entry *entry)
{
    const cn_file_meta *m = entry->meta;
    if (m->type != CN_FILE_REGULAR || m->size == 0)
        return;
    bool any_time = false;
    for (size_t i = 0; i < CN_FT_COUNT; i++)
        any_time = any_time || m->has_time[i] || m->odd_time_s[i];
    if (m->deleted && !any_time)
        return; /* its inode is another file's now */
    if ((m->deleted || m->links > 1) && !first_time(&k->seen, m->inode))
        return;
    const cn_file_record file = {.inode = m->inode,
                                 .size = m->size,
                                 .has_mtime = m->has_time[CN_FT_M],
                                 .mtime_ns = m->time_ns[CN_FT_M],
                                 .path = entry->path};
    bool large = m->size >= LARGE_FILE;
    if (!large && (k->n_batch == BATCH_FILES || k->records.len + entry->path.len > BATCH_TEXT ||
                   k->batch_bytes + m->size > BATCH_BYTES))
        send_small(k);
    size_t at = k->records.len;
    cn_put_file(&k->records, &file);
    if (k->records.failed)
        _exit(CN_WORKER_MEMORY);
    cn_span record = cn_span_sub(cn_buf_span(&k->records), at, SIZE_MAX);
    if (large) {
        send_batch(k, record, 1, m->size);
        k->records.len = at;
        return;
    }
    k->batch[k->n_batch++] = (found){m->inode, (uint32_t) at, (uint32_t) record.len};
    k->batch_bytes += m->size;
}

static int visit(void *context, const cn_fs_entry *entry)
{
    walk *k = context;
    cn_worker *w = k->w;
    CN_CONTROL_ADD(w->control->files, 1);
    CN_CONTROL_ADD(w->control->beat, 1);
    if (CN_CONTROL_GET(w->control->cancel))
        return CN_E_CANCELLED;
    if (!cn_filter_takes(w->options->filter, entry->path))
        return CN_OK;
    if (k->ask.emit) {
        /* The events of one name stay together, as the rows of a bodyfile need it. */
        uint64_t room = SPOOL_MARGIN + 16 * (entry->path.len + entry->meta->link_target.len +
                                             entry->meta->attribute_names.len);
        int r = CN_OK;
        if (cn_spool_bytes(w->spool) + room > w->setup->spool_bytes)
            r = cn_worker_flush(w);
        if (r < 0 || (r = cn_filestat_emit(&k->filestat, entry)) < 0)
            return r;
    }
    if (k->ask.files)
        report_file(k, entry);
    return CN_OK;
}

static void warning(void *context, const cn_fs_warning *finding)
{
    walk *k = context;
    CN_CONTROL_ADD(k->w->control->beat, 1);
    cn_worker_warn(k->w, k->ask.mount, cn_code_name(finding->code), (cn_span){NULL, 0},
                   finding->inode, "", finding->offset, finding->text);
}

void cn_worker_walk(cn_worker *w, const cn_msg_walk *ask)
{
    walk *k = calloc(1, sizeof *k);
    if (!k)
        _exit(CN_WORKER_MEMORY);
    int r = cn_worker_open(w);
    cn_worker_check(w, r);
    k->w = w;
    k->ask = *ask; /* the message is gone when another one comes */
    if (r < 0 || k->ask.mount >= w->n_mounts)
        _exit(CN_WORKER_FAILED);
    k->mount = &w->mounts[k->ask.mount];
    k->records = cn_buf_of(CN_MESSAGE_MAX);
    k->filestat = (cn_filestat){
        .sink = &w->sink,
        .origin = {.image = cn_span_str(k->mount->image),
                   .image_id = k->mount->image_id,
                   .volume = cn_span_str(k->mount->volume),
                   .parser = CN_SPAN_LIT("filestat")},
        .text = cn_buf_of(CN_MIB(1)),
    };
    CN_CONTROL_SET(w->control->phase, CN_PHASE_WALK);
    CN_CONTROL_SET(w->control->parser, 0);
    cn_worker_begin_item(w, k->ask.item, k->ask.skip);
    const cn_fs_visit visitor = {.entry = visit, .warning = warning, .context = k};
    w->err = CN_ERR_INIT;
    r = cn_fs_walk(k->mount->fs, &visitor, &w->err);
    cn_worker_check(w, r);
    w->item_open = r == CN_E_CANCELLED;
    if (r < 0 && r != CN_E_CANCELLED)
        cn_worker_warn(w, k->ask.mount, cn_code_name(r), (cn_span){NULL, 0}, 0, "filestat",
                       w->err.offset, w->err.text);
    cn_worker_warnings_end(w, k->ask.mount, (cn_span){NULL, 0}, 0);
    send_small(k);
    cn_buf_free(&k->records);
    cn_buf_free(&k->filestat.text);
    free(k->seen.slots);
    free(k);
}
