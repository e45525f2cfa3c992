/* What happens to one request. One of the API: its body is gathered, then its connection is suspended
 * and the call put into the queue; a worker runs the handler and resumes the connection; the answer
 * is given. Everything else (the page and its parts, refusals) is answered at once. */
#include "http/server_internal.h"

#include <stdlib.h>

#define BODY_DROPPED_MAX                                                                           \
    CN_MIB(64) /* a body up to this is read and dropped, a larger one cut off */
#define TARGET_MAX CN_KIB(96)

const char *cn_request_header(const cn_request *r, const char *name)
{
    return MHD_lookup_connection_value(r->connection, MHD_HEADER_KIND, name);
}

bool cn_request_is_allowed(const cn_request *r)
{
    return cn_auth_allows(&r->call.server->auth, cn_request_header(r, "Authorization"),
                          cn_request_header(r, "Cookie"));
}

/* ---- the API ---- */

static void take_last_event_id(cn_request *r)
{
    const char *id = cn_request_header(r, "Last-Event-ID");
    char *copy = id ? cn_arena_copy(&r->call.arena, cn_span_str(id)) : NULL;
    if (copy && r->match.n_params < CN_ROUTE_PARAMS)
        r->match.params[r->match.n_params++] =
            (cn_wire_parameter){CN_API_HEADER, CN_SPAN_LIT("Last-Event-ID"), cn_span_str(copy)};
}

/* Looks at everything but the body. True where the call may go on. */
static bool admit(cn_request *r, const char *method)
{
    cn_call *call = &r->call;
    const char *host = cn_request_header(r, "Host");
    if (!cn_request_is_allowed(r)) {
        cn_call_problem(call, 401, "no_token",
                        "A token is needed. Open the address that cairn serve printed, or send "
                        "Authorization: Bearer TOKEN.");
        cn_call_add_header(call, "WWW-Authenticate", "Bearer");
        return false;
    }
    if (!cn_auth_origin_is_ours(cn_request_header(r, "Origin"),
                                cn_request_header(r, "Sec-Fetch-Site"), host)) {
        cn_call_problem(call, 403, "other_origin", "Another page may not use this API.");
        return false;
    }
    if (!cn_route_find(method, cn_span_str(r->target), &call->arena, &r->match)) {
        cn_call_refuse(call, "bad_request", NULL, NULL,
                       "The address is not well encoded (percent signs, UTF-8).");
        return false;
    }
    call->route = r->match.route;
    if (!call->route && !*r->match.allow) {
        cn_call_problem(call, 404, "not_found", "The API has no such path.");
        return false;
    }
    if (!call->route) {
        char *allow = cn_arena_copy(&call->arena, cn_span_str(r->match.allow));
        cn_call_problem(call, 405, "method_not_allowed", "This path takes %s.", r->match.allow);
        cn_call_add_header(call, "Allow", allow ? allow : "GET");
        return false;
    }
    take_last_event_id(r);
    return true;
}

static bool too_large(cn_request *r)
{
    if (r->too_large)
        cn_call_problem(&r->call, 413, "too_large", "A body may have %llu bytes at most.",
                        (unsigned long long) CN_SERVER_BODY_MAX);
    return r->too_large;
}

static bool admit_body(cn_request *r)
{
    const char *type = cn_request_header(r, "Content-Type");
    const char *length = cn_request_header(r, "Content-Length");
    uint64_t n;
    if (r->call.route->body && (!type || strncasecmp(type, "application/json", 16) != 0)) {
        cn_call_problem(&r->call, 415, "not_json", "Send the body as application/json.");
        return false;
    }
    /* What is a little too large is read and dropped, so that the client hears why. */
    r->too_large = length && cn_text_u64(cn_span_str(length), &n) && n > BODY_DROPPED_MAX;
    return !too_large(r);
}

/* On a worker: decodes, and runs the handler. */
void cn_request_run(cn_call *call)
{
    cn_request *r = (cn_request *) call;
    cn_decode_fault fault = {.field = ""};
    const cn_api_route *route = call->route;
    void *params = route->params ? cn_arena_alloc(&call->arena, route->params->size) : NULL;
    void *body = route->body ? cn_arena_alloc(&call->arena, route->body->size) : NULL;
    call->started_ns = cn_clock_ns();
    if ((route->params && !params) || (route->body && !body))
        cn_call_problem(call, 503, "no_memory", "There is no memory for this call.");
    else if (!cn_decode_params(route->params, r->match.params, r->match.n_params, &call->arena,
                               params, &fault) ||
             (route->body &&
              !cn_decode_body(route->body, cn_buf_span(&r->body), &call->arena, body, &fault)))
        cn_call_refuse(call, "bad_request", fault.field, NULL, "%s%s%s", fault.field,
                       *fault.field ? " " : "", fault.text);
    else if (route->run(call, params, body))
        cn_call_failed(call);
}

/* On a worker, last of all: the connection may be gone the moment it is resumed. */
void cn_request_done(cn_call *call)
{
    cn_request *r = (cn_request *) call;
    r->state = DONE;
    MHD_resume_connection(r->connection);
}

static void uncount(cn_request *r)
{
    if (r->counted)
        cn_server_count_suspended(r->call.server, -1);
    r->counted = false;
}

static enum MHD_Result enqueue(cn_request *r)
{
    cn_server *server = r->call.server;
    r->state = QUEUED;
    r->counted = true;
    cn_server_count_suspended(server, 1);
    MHD_suspend_connection(r->connection);
    if (!server->stopping && cn_workers_add(server->workers, &r->call))
        return MHD_YES;
    cn_call_problem(&r->call, 503, "busy", "Too many calls wait already. Try again in a moment.");
    cn_call_add_header(&r->call, "Retry-After", "1");
    cn_request_done(&r->call);
    return MHD_YES;
}

/* ---- one request, as libmicrohttpd tells it ---- */

void *cn_request_begin(void *cls, const char *uri, struct MHD_Connection *connection)
{
    cn_server *server = cls;
    cn_request *r = calloc(1, sizeof *r);
    if (!r)
        return NULL;
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    r->connection = connection;
    r->body = cn_buf_of(CN_SERVER_BODY_MAX + 1);
    r->call = (cn_call){.server = server,
                        .library = server->library,
                        .arena = cn_arena_of(CN_CALL_ARENA_MAX),
                        .err = CN_ERR_INIT,
                        .out = cn_buf_of(CN_CALL_ANSWER_MAX),
                        .socket = info ? info->connect_fd : -1};
    r->target = strndup(uri, TARGET_MAX);
    return r;
}

static enum MHD_Result first_look(cn_request *r, const char *method)
{
    const char *host = cn_request_header(r, "Host");
    if (!cn_auth_host_is_ours(host)) {
        cn_call_problem(&r->call, 421, "wrong_host",
                        "This server answers as 127.0.0.1, [::1] and localhost only.");
        return cn_answer(r);
    }
    if (!cn_page_is_api(cn_route_path(cn_span_str(r->target))))
        return cn_answer_page(r, method);
    if (!admit(r, method) || !admit_body(r))
        return cn_answer(r);
    r->admitted = true;
    return MHD_YES;
}

static bool has_body(cn_request *r)
{
    const char *length = cn_request_header(r, "Content-Length");
    return (length && strcmp(length, "0") != 0) || cn_request_header(r, "Transfer-Encoding");
}

enum MHD_Result cn_request_handle(void *cls, struct MHD_Connection *connection, const char *url,
                                  const char *method, const char *version, const char *data,
                                  size_t *data_size, void **con_cls)
{
    cn_request *r = *con_cls;
    (void) cls, (void) connection, (void) url, (void) version;
    if (!r || !r->target)
        return MHD_NO;
    if (!r->seen) {
        /* What has no body is answered below: an answer here would close the connection. */
        r->seen = true;
        return has_body(r) ? first_look(r, method) : MHD_YES;
    }
    if (!r->admitted && *data_size == 0) {
        enum MHD_Result result = first_look(r, method);
        if (!r->admitted)
            return result;
    }
    if (*data_size) {
        if (r->body.len + *data_size > CN_SERVER_BODY_MAX)
            r->too_large = true;
        else
            cn_buf_bytes(&r->body, cn_span_of(data, *data_size));
        *data_size = 0;
        return MHD_YES;
    }
    if (r->state == WAITING && !too_large(r))
        return enqueue(r);
    uncount(r);
    return cn_answer(r);
}

void cn_request_end(void *cls, struct MHD_Connection *connection, void **con_cls,
                    enum MHD_RequestTerminationCode why)
{
    cn_request *r = *con_cls;
    (void) cls, (void) connection, (void) why;
    if (!r)
        return;
    uncount(r);
    cn_call_release(&r->call);
    cn_buf_free(&r->body);
    free(r->target);
    free(r);
    *con_cls = NULL;
}
