#include "http/stream.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#define PENDING_MAX CN_MIB(1)

typedef struct reader {
    cn_body_source source; /* first: the server sees this */
    struct cn_stream *stream;
    struct reader *next, *previous;
    uint64_t number; /* of the next message */
    cn_buf pending;  /* being sent */
    size_t sent;
    uint64_t sent_ns;
    bool waiting, heartbeat;
} reader;

struct cn_stream {
    pthread_mutex_t lock;
    uint64_t epoch;             /* tells this server's ids from an earlier one's */
    uint64_t number;            /* of the next message, from 1 */
    char *kept[CN_STREAM_KEPT]; /* message n at n % KEPT; owned; NULL: lost */
    reader *readers;
    size_t n_readers;
    bool stopping;
};

cn_stream *cn_stream_new(void)
{
    cn_stream *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    pthread_mutex_init(&s->lock, NULL);
    s->epoch = (uint64_t) cn_time_now();
    s->number = 1;
    return s;
}

cn_stream *cn_stream_free(cn_stream *stream)
{
    if (!stream)
        return NULL;
    for (size_t i = 0; i < CN_STREAM_KEPT; i++)
        free(stream->kept[i]);
    pthread_mutex_destroy(&stream->lock);
    free(stream);
    return NULL;
}

/* With the lock held. */
static void wake(reader *r)
{
    if (!r->waiting)
        return;
    r->waiting = false;
    r->source.wake(&r->source);
}

void cn_stream_publish(cn_stream *stream, const char *event, cn_span data)
{
    char *text = NULL;
    pthread_mutex_lock(&stream->lock);
    if (asprintf(&text, "id: %" PRIx64 "-%" PRIu64 "\nevent: %s\ndata: %.*s\n\n", stream->epoch,
                 stream->number, event, (int) data.len, (const char *) data.p) < 0)
        text = NULL;
    char **place = &stream->kept[stream->number % CN_STREAM_KEPT];
    free(*place);
    *place = text;
    stream->number++;
    for (reader *r = stream->readers; r; r = r->next)
        wake(r);
    pthread_mutex_unlock(&stream->lock);
}

void cn_stream_tick(cn_stream *stream)
{
    uint64_t now = cn_clock_ns();
    pthread_mutex_lock(&stream->lock);
    for (reader *r = stream->readers; r; r = r->next) {
        if (now - r->sent_ns < (uint64_t) CN_STREAM_HEARTBEAT_NS)
            continue;
        r->heartbeat = true;
        wake(r);
    }
    pthread_mutex_unlock(&stream->lock);
}

void cn_stream_stop(cn_stream *stream)
{
    pthread_mutex_lock(&stream->lock);
    stream->stopping = true;
    for (reader *r = stream->readers; r; r = r->next)
        wake(r);
    pthread_mutex_unlock(&stream->lock);
}

/* Fills `pending` with what is to be said; false where the reader is too far behind. */
static bool collect(reader *r)
{
    cn_stream *s = r->stream;
    cn_buf_clear(&r->pending);
    r->sent = 0;
    if (s->number - r->number > CN_STREAM_KEPT)
        return false;
    while (r->number < s->number && r->pending.len < PENDING_MAX / 2) {
        const char *text = s->kept[r->number % CN_STREAM_KEPT];
        cn_buf_str(&r->pending, text ? text : "event: reset\ndata: {}\n\n");
        r->number++;
    }
    if (r->pending.len == 0 && r->heartbeat)
        cn_buf_str(&r->pending, ":\n\n");
    r->heartbeat = false;
    return !r->pending.failed;
}

static int64_t read_some(cn_body_source *source, char *out, size_t max)
{
    reader *r = (reader *) source;
    int64_t n = 0;
    pthread_mutex_lock(&r->stream->lock);
    r->waiting = false;
    if (r->stream->stopping || (r->sent == r->pending.len && !collect(r)))
        n = -1;
    else if (r->sent < r->pending.len)
        n = (int64_t) CN_MIN(max, r->pending.len - r->sent);
    if (n > 0) {
        memcpy(out, r->pending.p + r->sent, (size_t) n);
        r->sent += (size_t) n;
        r->sent_ns = cn_clock_ns();
    } else if (n == 0) {
        r->waiting = true;
        source->wait(source);
    }
    pthread_mutex_unlock(&r->stream->lock);
    return n;
}

static void free_reader(cn_body_source *source)
{
    reader *r = (reader *) source;
    pthread_mutex_lock(&r->stream->lock);
    if (r->next)
        r->next->previous = r->previous;
    if (r->previous)
        r->previous->next = r->next;
    else
        r->stream->readers = r->next;
    r->stream->n_readers--;
    pthread_mutex_unlock(&r->stream->lock);
    cn_buf_free(&r->pending);
    free(r);
}

/* With the lock held: the number after last_id, which is of our making, or what says that it is
 * not; true where the reader has missed what is not kept. */
static bool missed(const cn_stream *s, cn_span last_id, uint64_t *out_number)
{
    char epoch[24];
    uint64_t number;
    *out_number = s->number;
    if (last_id.len == 0)
        return false;
    snprintf(epoch, sizeof epoch, "%" PRIx64, s->epoch);
    if (!cn_span_is(cn_text_until(&last_id, '-'), epoch) || !cn_text_u64(last_id, &number) ||
        number >= s->number || s->number - number > CN_STREAM_KEPT)
        return true;
    *out_number = number + 1;
    return false;
}

cn_body_source *cn_stream_open(cn_stream *stream, cn_span last_id, cn_span hello)
{
    reader *r = calloc(1, sizeof *r);
    if (!r)
        return NULL;
    *r = (reader){.source = {.read = read_some, .free = free_reader},
                  .stream = stream,
                  .pending = cn_buf_of(PENDING_MAX),
                  .sent_ns = cn_clock_ns()};
    pthread_mutex_lock(&stream->lock);
    bool full = stream->n_readers == CN_STREAM_READERS_MAX || stream->stopping;
    bool reset = missed(stream, last_id, &r->number);
    cn_buf_str(&r->pending, "retry: 2000\n");
    cn_buf_printf(&r->pending, "id: %" PRIx64 "-%" PRIu64 "\n", stream->epoch, r->number - 1);
    cn_buf_str(&r->pending, "event: hello\ndata: ");
    cn_buf_bytes(&r->pending, hello);
    cn_buf_str(&r->pending, reset ? "\n\nevent: reset\ndata: {}\n\n" : "\n\n");
    if (!full && !r->pending.failed) {
        r->next = stream->readers;
        if (r->next)
            r->next->previous = r;
        stream->readers = r;
        stream->n_readers++;
        pthread_mutex_unlock(&stream->lock);
        return &r->source;
    }
    pthread_mutex_unlock(&stream->lock);
    cn_buf_free(&r->pending);
    free(r);
    return NULL;
}
