#include "http/poll.h"

#include "base/log.h"
#include "http/server.h"
#include "http/timeline_json.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

struct cn_poll {
    cn_library *library;
    cn_stream *stream;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t now;
    bool running, stopping;
};

static void publish(cn_poll *p, const char *event, cn_buf *data)
{
    if (!data->failed)
        cn_stream_publish(p->stream, event, cn_buf_span(data));
}

static void on_timeline(void *context, const cn_timeline *timeline)
{
    CN_CLEANUP(cn_buf_free) cn_buf data = cn_buf_of(CN_KIB(256));
    cn_json_out j = cn_json_of(&data);
    cn_json_open(&j, '{');
    cn_json_put_int(&j, "id", timeline->id);
    cn_json_put_bool(&j, "gone", false);
    cn_json_key(&j, "timeline");
    cn_timeline_put_brief(&j, timeline, "", NULL);
    cn_json_close(&j, '}');
    publish(context, "timeline", &data);
}

static void on_gone(void *context, int64_t timeline)
{
    CN_CLEANUP(cn_buf_free) cn_buf data = cn_buf_of(CN_KIB(4));
    cn_json_out j = cn_json_of(&data);
    cn_json_open(&j, '{');
    cn_json_put_int(&j, "id", timeline);
    cn_json_put_bool(&j, "gone", true);
    cn_json_close(&j, '}');
    publish(context, "timeline", &data);
}

static void on_segment(void *context, const cn_segment_row *segment)
{
    CN_CLEANUP(cn_buf_free) cn_buf data = cn_buf_of(CN_KIB(4));
    cn_json_out j = cn_json_of(&data);
    cn_json_open(&j, '{');
    cn_json_put_int(&j, "timeline", segment->timeline);
    cn_json_put_u64(&j, "events", segment->events);
    if (segment->has_times) {
        cn_json_put_time(&j, "first", segment->first_ns);
        cn_json_put_time(&j, "last", segment->last_ns);
    }
    cn_json_close(&j, '}');
    publish(context, "segment", &data);
}

static void refresh(cn_poll *p)
{
    const cn_library_watch watch = {on_timeline, on_gone, on_segment, p};
    cn_err err = CN_ERR_INIT;
    if (cn_library_refresh(p->library, NULL, 0, &watch, &err))
        cn_log_error("the timelines cannot be read at the moment: %s", err.text);
}

static void *run(void *context)
{
    cn_poll *p = context;
    struct timespec until;
    pthread_mutex_lock(&p->lock);
    while (!p->stopping) {
        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_nsec += CN_SERVER_POLL_MS * 1000000L;
        until.tv_sec += until.tv_nsec / CN_NS_PER_S;
        until.tv_nsec %= CN_NS_PER_S;
        pthread_cond_timedwait(&p->now, &p->lock, &until);
        if (p->stopping)
            break;
        pthread_mutex_unlock(&p->lock);
        refresh(p);
        cn_stream_tick(p->stream);
        pthread_mutex_lock(&p->lock);
    }
    pthread_mutex_unlock(&p->lock);
    return NULL;
}

int cn_poll_new(cn_library *library, cn_stream *stream, cn_poll **out, cn_err *err)
{
    int rc = cn_library_refresh(library, NULL, 0, NULL, err);
    if (rc)
        return rc;
    cn_poll *p = calloc(1, sizeof *p);
    if (!p)
        return cn_fail(err, CN_E_NO_MEMORY, CN_NO_OFFSET, "no memory for the server");
    p->library = library;
    p->stream = stream;
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->now, &attributes);
    pthread_condattr_destroy(&attributes);
    p->running = pthread_create(&p->thread, NULL, run, p) == 0;
    if (!p->running) {
        cn_poll_free(p);
        return cn_fail(err, CN_E_NO_MEMORY, CN_NO_OFFSET, "no thread to watch the timelines");
    }
    *out = p;
    return CN_OK;
}

void cn_poll_stop(cn_poll *poll)
{
    if (!poll->running)
        return;
    pthread_mutex_lock(&poll->lock);
    poll->stopping = true;
    pthread_cond_signal(&poll->now);
    pthread_mutex_unlock(&poll->lock);
    pthread_join(poll->thread, NULL);
    poll->running = false;
}

cn_poll *cn_poll_free(cn_poll *poll)
{
    if (!poll)
        return NULL;
    cn_poll_stop(poll);
    pthread_mutex_destroy(&poll->lock);
    pthread_cond_destroy(&poll->now);
    free(poll);
    return NULL;
}
