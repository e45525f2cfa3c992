/* What the files of the server share: the server itself, and one request. */
#pragma once

#include "http/auth.h"
#include "http/page.h"
#include "http/poll.h"
#include "http/route.h"
#include "http/server.h"
#include "http/workers.h"

#include <microhttpd.h>

struct cn_server {
    struct MHD_Daemon *daemon;
    int socket;
    char url[128];
    cn_auth auth;
    cn_library *library;
    cn_hits_cache *hits;
    cn_stream *stream;
    cn_workers *workers;
    cn_poll *poll;
    int64_t started_ns;
    _Atomic bool stopping;
    _Atomic int suspended; /* connections that wait for a call or for their source */
    _Atomic int exports;
};

typedef struct cn_request {
    cn_call call; /* first: a worker gets a pointer to it */
    char *target; /* path and query, owned */
    cn_buf body;
    cn_route_match match;
    struct MHD_Connection *connection;
    bool seen, admitted, too_large, counted;
    enum { WAITING, QUEUED, DONE } state;
} cn_request;

/* request.c: what libmicrohttpd calls for a request, from its first line to its end. */
void *cn_request_begin(void *cls, const char *uri, struct MHD_Connection *connection);
enum MHD_Result cn_request_handle(void *cls, struct MHD_Connection *connection, const char *url,
                                  const char *method, const char *version, const char *data,
                                  size_t *data_size, void **con_cls);
void cn_request_end(void *cls, struct MHD_Connection *connection, void **con_cls,
                    enum MHD_RequestTerminationCode why);
/* For the workers: decodes and runs the handler; gives the connection its answer, after which the
 * call may be gone. */
void cn_request_run(cn_call *call);
void cn_request_done(cn_call *call);
/* A header of the request, NULL where it is not there. */
const char *cn_request_header(const cn_request *r, const char *name);

/* Counts a connection that waits for a call or for its source. */
static inline void cn_server_count_suspended(cn_server *server, int change)
{
    server->suspended += change;
}

/* answer.c: gives the call's answer; the page and its parts. */
enum MHD_Result cn_answer(cn_request *r);
enum MHD_Result cn_answer_page(cn_request *r, const char *method);
/* By the token or the cookie. */
bool cn_request_is_allowed(const cn_request *r);
