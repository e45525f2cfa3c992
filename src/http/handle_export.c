/* GET /export: all hits as a file, streamed. A thread of its own encodes into a bounded queue, from
 * which the connection takes; whichever is faster waits for the other. */
#include "event/encode.h"
#include "http/selection.h"
#include "http/server.h"
#include "store/view.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#define QUEUE_MAX   CN_MIB(4)
#define EXPORTS_MAX 4
#define LOOK_MS     100 /* how often a waiting export looks whether it should end */

typedef struct export_run {
    cn_body_source source; /* first: the server sees this */
    cn_server *server;
    cn_library *library;
    cn_arena arena; /* holds what the selection points to */
    cn_selected selected;
    cn_encoder *encoder;
    cn_order order;
    uint64_t limit, done;
    pthread_mutex_t lock;
    pthread_cond_t room;
    cn_buf queue; /* bytes from `taken` on are to be sent */
    size_t taken;
    bool waiting, ended, failed;
    _Atomic bool left; /* the reader is gone */
    unsigned owners;   /* reader and thread */
    cn_err err;
} export_run;

static void release(export_run *x)
{
    pthread_mutex_lock(&x->lock);
    bool last = --x->owners == 0;
    pthread_mutex_unlock(&x->lock);
    if (!last)
        return;
    cn_server_count_export(x->server, -1);
    cn_query_free(x->selected.query);
    cn_encoder_free(x->encoder);
    cn_buf_free(&x->queue);
    cn_arena_free(&x->arena);
    pthread_mutex_destroy(&x->lock);
    pthread_cond_destroy(&x->room);
    free(x);
}

static void free_source(cn_body_source *source)
{
    export_run *x = (export_run *) source;
    x->left = true;
    release(x);
}

static int64_t read_some(cn_body_source *source, char *out, size_t max)
{
    export_run *x = (export_run *) source;
    pthread_mutex_lock(&x->lock);
    int64_t n = (int64_t) CN_MIN(max, x->queue.len - x->taken);
    if (n) {
        memcpy(out, x->queue.p + x->taken, (size_t) n);
        x->taken += (size_t) n;
        if (x->taken == x->queue.len) {
            cn_buf_clear(&x->queue);
            x->taken = 0;
        }
        pthread_cond_signal(&x->room);
    } else if (x->ended) {
        n = x->failed ? -2 : -1;
    } else {
        x->waiting = true;
        source->wait(source);
    }
    pthread_mutex_unlock(&x->lock);
    return n;
}

static bool should_end(void *context)
{
    export_run *x = context;
    return x->left || cn_server_stopping(x->server);
}

/* With the lock held. */
static void wake(export_run *x)
{
    if (!x->waiting)
        return;
    x->waiting = false;
    x->source.wake(&x->source);
}

static int put(void *context, cn_span bytes, cn_err *err)
{
    export_run *x = context;
    struct timespec until;
    pthread_mutex_lock(&x->lock);
    while (x->queue.len - x->taken > QUEUE_MAX / 2 && !should_end(x)) {
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_nsec += LOOK_MS * 1000000L;
        until.tv_sec += until.tv_nsec / CN_NS_PER_S;
        until.tv_nsec %= CN_NS_PER_S;
        pthread_cond_timedwait(&x->room, &x->lock, &until);
    }
    if (x->taken > QUEUE_MAX) {
        memmove(x->queue.p, x->queue.p + x->taken, x->queue.len - x->taken);
        x->queue.len -= x->taken;
        x->taken = 0;
    }
    cn_buf_bytes(&x->queue, bytes);
    bool failed = x->queue.failed;
    wake(x);
    pthread_mutex_unlock(&x->lock);
    if (failed)
        return cn_fail(err, CN_E_NO_MEMORY, CN_NO_OFFSET, "no memory for the export");
    return should_end(x) ? cn_fail(err, CN_E_CANCELLED, CN_NO_OFFSET, "the export was ended")
                         : CN_OK;
}

static int add_event(void *context, const cn_stored_event *event)
{
    export_run *x = context;
    cn_event_view view = cn_view_stored(event);
    if (x->done++ == x->limit)
        return CN_E_CANCELLED;
    return cn_encoder_add(x->encoder, &view, &x->err);
}

static int encode_all(export_run *x)
{
    const cn_search search = {
        .query = x->selected.query,
        .has_from = x->selected.has_from,
        .has_until = x->selected.has_until,
        .from_ns = x->selected.from_ns,
        .until_ns = x->selected.until_ns,
        .timelines = x->selected.timelines,
        .n_timelines = x->selected.n_timelines,
        .annotations = cn_library_annotations,
        .context = x->library,
    };
    int rc = cn_encoder_head(x->encoder, &x->err);
    if (rc == CN_OK && !x->selected.none)
        rc = cn_library_each(x->library, &search, x->order, add_event, x, &x->err);
    if (rc == CN_E_CANCELLED && x->done > x->limit && !should_end(x))
        rc = CN_OK;
    return rc ? rc : cn_encoder_flush(x->encoder, &x->err);
}

static void *run(void *context)
{
    export_run *x = context;
    int rc = encode_all(x);
    pthread_mutex_lock(&x->lock);
    x->ended = true;
    x->failed = rc != CN_OK;
    wake(x);
    pthread_mutex_unlock(&x->lock);
    release(x);
    return NULL;
}

static int start(cn_call *call, export_run *x)
{
    pthread_t thread;
    pthread_attr_t detached;
    x->arena = call->arena; /* the selection lives in it */
    call->arena = cn_arena_of(CN_CALL_ARENA_MAX);
    x->owners = 2;
    pthread_attr_init(&detached);
    pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
    int failed = pthread_create(&thread, &detached, run, x);
    pthread_attr_destroy(&detached);
    if (failed) {
        x->owners = 1;
        release(x);
        return cn_fail(&call->err, CN_E_NO_MEMORY, CN_NO_OFFSET, "no thread for the export");
    }
    call->source = &x->source;
    return CN_OK;
}

static export_run *make(cn_call *call, const cn_api_export_events_params *params,
                        cn_encoding encoding)
{
    export_run *x = calloc(1, sizeof *x);
    if (!x)
        return NULL;
    *x = (export_run){
        .source = {.read = read_some, .free = free_source},
        .server = call->server,
        .library = call->library,
        .order = params->order == CN_API_EXPORT_EVENTS_PARAMS_ORDER_DESC ? CN_NEWEST_FIRST
                                                                         : CN_OLDEST_FIRST,
        .limit = params->has_limit ? (uint64_t) params->limit : UINT64_MAX,
        .queue = cn_buf_of((size_t) QUEUE_MAX * 4 + CN_MIB(64)),
        .err = CN_ERR_INIT,
    };
    pthread_mutex_init(&x->lock, NULL);
    pthread_cond_init(&x->room, NULL);
    x->encoder = cn_encoder_new(encoding, put, x);
    if (x->encoder)
        cn_encoder_gather(x->encoder);
    return x;
}

int cn_http_export_events(cn_call *call, const cn_api_export_events_params *params)
{
    static const cn_encoding encodings[] = {CN_ENCODE_JSONL, CN_ENCODE_CSV, CN_ENCODE_L2TCSV,
                                            CN_ENCODE_BODYFILE};
    static const char *const names[] = {
        "attachment; filename=\"cairn.jsonl\"", "attachment; filename=\"cairn.csv\"",
        "attachment; filename=\"cairn.l2t.csv\"", "attachment; filename=\"cairn.body\""};
    cn_api_selection selection = {.query = params->query,
                                  .from = params->from,
                                  .until = params->until,
                                  .has_chips = params->has_chips};
    selection.chips.p = params->chips.p;
    selection.chips.n = params->chips.n;
    cn_selected selected = {0};
    int rc = cn_selection_timelines(call, params->timelines, &selection);
    if (rc == CN_OK)
        rc = cn_selection_read(call, &selection, &selected);
    if (rc) {
        cn_query_free(selected.query);
        return rc < 0 ? rc : CN_OK;
    }
    if (cn_server_count_export(call->server, 1) > EXPORTS_MAX) {
        cn_server_count_export(call->server, -1);
        cn_query_free(selected.query);
        return cn_call_problem(call, 503, "busy", "%d exports run already.", EXPORTS_MAX);
    }
    export_run *x = make(call, params, encodings[params->format]);
    if (!x || !x->encoder) {
        cn_query_free(selected.query);
        if (x) {
            x->owners = 1;
            release(x);
        } else {
            cn_server_count_export(call->server, -1);
        }
        return cn_fail(&call->err, CN_E_NO_MEMORY, CN_NO_OFFSET, "no memory for the export");
    }
    x->selected = selected;
    rc = start(call, x);
    if (rc)
        return rc;
    call->status = 200;
    call->media_type = cn_encoding_media_type(encodings[params->format]);
    cn_call_add_header(call, "Content-Disposition", names[params->format]);
    return CN_OK;
}
