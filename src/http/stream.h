/* The event stream: what is published goes to every page that listens, as server-sent events (WHATWG
 * HTML, section 9.2). The last CN_STREAM_KEPT messages are kept for those that come back with
 * Last-Event-ID; a reader that falls further behind is dropped. Threads may share it. */
#pragma once

#include "http/call.h"

#define CN_STREAM_KEPT         1024
#define CN_STREAM_HEARTBEAT_NS (15 * CN_NS_PER_S)
#define CN_STREAM_READERS_MAX  64

typedef struct cn_stream cn_stream;

/* Owned; NULL without memory. */
cn_stream *cn_stream_new(void);
/* Only when no reader is open any more. */
cn_stream *cn_stream_free(cn_stream *stream);
/* data: one line of JSON. What there is no memory for makes readers load anew (`reset`). */
void cn_stream_publish(cn_stream *stream, const char *event, cn_span data);
/* Sends a heartbeat to those that have heard nothing for long. Call it every second or so. */
void cn_stream_tick(cn_stream *stream);
/* Ends all readers. */
void cn_stream_stop(cn_stream *stream);
/* A new reader, which first gets `hello` (one line of JSON), then what was missed since last_id
 * (empty: nothing). NULL where there are too many or there is no memory. */
cn_body_source *cn_stream_open(cn_stream *stream, cn_span last_id, cn_span hello);
