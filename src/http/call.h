/* One call of the API, from the decoded request to the answer. A worker thread owns it while it
 * runs; the server's I/O thread before and after. */
#pragma once

#include "http/api_generated.h"
#include "http/json_out.h"
#include "job/library.h"

typedef struct cn_server cn_server;

#define CN_CALL_ARENA_MAX  CN_MIB(256)
#define CN_CALL_ANSWER_MAX CN_MIB(256)

/* Hands out a body piece by piece (export, event stream). All but free run on I/O threads. */
typedef struct cn_body_source {
    /* At most max bytes; 0: none now (`wake` was kept and will be called), -1: the end, -2: broken.
     */
    int64_t (*read)(struct cn_body_source *source, char *out, size_t max);
    void (*free)(struct cn_body_source *source);
    /* Set by the server: lets the connection wait until wake() is called. Both may be called with
     * the source's own lock held. */
    void (*wait)(struct cn_body_source *source);
    void (*wake)(struct cn_body_source *source);
    void *connection;
    cn_server *server;
} cn_body_source;

typedef struct cn_call_header {
    const char *name, *value;
} cn_call_header;

struct cn_call {
    cn_server *server;
    cn_library *library;
    const cn_api_route *route;
    cn_arena arena;
    cn_err err;
    cn_buf out; /* the answer's body */
    int status;
    const char *media_type;
    cn_body_source *source; /* instead of out; owned until the answer is given */
    cn_call_header headers[4];
    size_t n_headers;
    uint64_t started_ns;
    int socket; /* -1 where it is unknown */
    _Atomic uint64_t looked_ns;
    _Atomic bool gone;
};

/* Answers with a problem: `code` is a word for programs, the text for people. Returns CN_OK, so
 * that a handler can `return cn_call_problem(...)`. */
int cn_call_problem(cn_call *call, int status, const char *code, const char *format, ...)
    CN_PRINTF(4, 5);
/* The same with the part of the request that is wrong and what to do about it; both may be NULL. */
int cn_call_refuse(cn_call *call, const char *code, const char *field, const char *hint,
                   const char *format, ...) CN_PRINTF(5, 6);
/* The problem that fits an error of ours: NOT_FOUND 404, ARG 400, LIMIT 422, CANCELLED 503, DENIED
 * and the like 503. Never 500 for what a request can cause. */
int cn_call_failed(cn_call *call);
/* Begins the JSON answer (status 200). */
cn_json_out cn_call_json(cn_call *call);
/* For cn_search.cancelled: the client has gone, the time is over, or the server ends. */
bool cn_call_cancelled(void *context);
/* Milliseconds since the call began, with three digits. */
void cn_call_put_took(cn_call *call, cn_json_out *json);
void cn_call_add_header(cn_call *call, const char *name, const char *value);
void cn_call_release(cn_call *call);
/* For cn_search.annotations, with the call as its context. */
int cn_call_annotations(void *context, const cn_query_node *leaf, cn_id_list *list, cn_err *err);
