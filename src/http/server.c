/* The daemon, what happens to one request, and the two kinds of threads behind it.
 *
 * A request of the API: its body is gathered, then its connection is suspended and the call put into
 * the queue; a worker runs the handler and resumes the connection; the answer is given. Everything
 * else (the page and its parts, refusals) is answered at once. */
#include "http/server.h"

#include "base/log.h"
#include "http/auth.h"
#include "http/page.h"
#include "http/poll.h"
#include "http/route.h"
#include "http/workers.h"

#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define IO_THREADS       3
#define BODY_DROPPED_MAX CN_MIB(64)
#define STREAM_BLOCK     CN_KIB(64)
#define STOP_WAIT_MS     2000
#define TARGET_MAX       CN_KIB(96)

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

typedef struct request {
    cn_call call; /* first: a worker gets a pointer to it */
    char *target; /* path and query, owned */
    cn_buf body;
    cn_route_match match;
    struct MHD_Connection *connection;
    bool seen, admitted, too_large, counted;
    enum { WAITING, QUEUED, DONE } state;
} request;

bool cn_server_stopping(const cn_server *server) { return server->stopping; }
cn_hits_cache *cn_server_hits(cn_server *server) { return server->hits; }
cn_stream *cn_server_stream(cn_server *server) { return server->stream; }
int64_t cn_server_started(const cn_server *server) { return server->started_ns; }
const char *cn_server_url(const cn_server *server) { return server->url; }

int cn_server_count_export(cn_server *server, int change)
{
    server->exports += change;
    return server->exports;
}

static void count_suspended(cn_server *server, int change) { server->suspended += change; }

/* ---- answers ---- */

static void add_headers(struct MHD_Response *response, bool cacheable)
{
    static const char *const headers[][2] = {
        {"X-Content-Type-Options", "nosniff"},
        {"Referrer-Policy", "no-referrer"},
        {"X-Frame-Options", "DENY"},
        {"Cross-Origin-Opener-Policy", "same-origin"},
        {"Cross-Origin-Resource-Policy", "same-origin"},
        {"Content-Security-Policy",
         "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src "
         "'self'; "
         "connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; "
         "frame-ancestors 'none'"},
    };
    for (size_t i = 0; i < CN_LEN(headers); i++)
        MHD_add_response_header(response, headers[i][0], headers[i][1]);
    if (!cacheable)
        MHD_add_response_header(response, "Cache-Control", "no-store");
}

static ssize_t read_source(void *cls, uint64_t position, char *out, size_t max)
{
    (void) position;
    cn_body_source *source = cls;
    int64_t n = source->read(source, out, max);
    return n == -1 ? MHD_CONTENT_READER_END_OF_STREAM
           : n < 0 ? MHD_CONTENT_READER_END_WITH_ERROR
                   : (ssize_t) n;
}

static void free_source(void *cls)
{
    cn_body_source *source = cls;
    source->free(source);
}

static void suspend_source(cn_body_source *source)
{
    count_suspended(source->server, 1);
    MHD_suspend_connection(source->connection);
}

static void resume_source(cn_body_source *source)
{
    count_suspended(source->server, -1);
    MHD_resume_connection(source->connection);
}

static struct MHD_Response *make_response(request *r)
{
    cn_call *call = &r->call;
    if (call->source) {
        cn_body_source *source = CN_TAKE(call->source);
        source->connection = r->connection;
        source->server = call->server;
        source->wait = suspend_source;
        source->wake = resume_source;
        struct MHD_Response *response = MHD_create_response_from_callback(
            MHD_SIZE_UNKNOWN, STREAM_BLOCK, read_source, source, free_source);
        if (!response)
            source->free(source);
        return response;
    }
    if (call->out.failed)
        cn_call_problem(call, 422, "too_long", "The answer is larger than %llu MiB; ask for less.",
                        (unsigned long long) (CN_CALL_ANSWER_MAX >> 20));
    if (call->out.len == 0)
        return MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);
    struct MHD_Response *response =
        MHD_create_response_from_buffer(call->out.len, call->out.p, MHD_RESPMEM_MUST_FREE);
    if (response)
        call->out = cn_buf_of(CN_CALL_ANSWER_MAX);
    return response;
}

static enum MHD_Result answer(request *r)
{
    cn_call *call = &r->call;
    struct MHD_Response *response = make_response(r);
    if (!response)
        return MHD_NO;
    add_headers(response, false);
    if (call->media_type)
        MHD_add_response_header(response, "Content-Type", call->media_type);
    for (size_t i = 0; i < call->n_headers; i++)
        MHD_add_response_header(response, call->headers[i].name, call->headers[i].value);
    enum MHD_Result result = MHD_queue_response(r->connection, (unsigned) call->status, response);
    MHD_destroy_response(response);
    return result;
}

/* ---- the page and its parts ---- */

static enum MHD_Result answer_asset(request *r, const cn_asset *asset, const char *cookie)
{
    const char *accept =
        MHD_lookup_connection_value(r->connection, MHD_HEADER_KIND, "Accept-Encoding");
    const char *known =
        MHD_lookup_connection_value(r->connection, MHD_HEADER_KIND, "If-None-Match");
    bool page = strcmp(asset->path, "/index.html") == 0;
    bool same = !page && known && strstr(known, asset->etag);
    bool packed = accept && strstr(accept, "gzip");
    struct MHD_Response *response;
    if (same) {
        response = MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);
    } else if (packed) {
        response = MHD_create_response_from_buffer(
            asset->gzip_len, (void *) (uintptr_t) asset->gzip, MHD_RESPMEM_PERSISTENT);
    } else {
        uint8_t *plain = cn_asset_inflate(asset);
        if (!plain)
            return MHD_NO;
        response = MHD_create_response_from_buffer(asset->plain_len, plain, MHD_RESPMEM_MUST_FREE);
    }
    if (!response)
        return MHD_NO;
    add_headers(response, !page);
    MHD_add_response_header(response, "Content-Type", asset->type);
    MHD_add_response_header(response, "Vary", "Accept-Encoding");
    if (packed && !same)
        MHD_add_response_header(response, "Content-Encoding", "gzip");
    if (!page) {
        MHD_add_response_header(response, "ETag", asset->etag);
        MHD_add_response_header(response, "Cache-Control",
                                asset->immutable ? "public, max-age=31536000, immutable"
                                                 : "no-cache");
    }
    if (cookie)
        MHD_add_response_header(response, "Set-Cookie", cookie);
    enum MHD_Result result = MHD_queue_response(r->connection, same ? 304 : 200, response);
    MHD_destroy_response(response);
    return result;
}

static bool is_allowed(request *r)
{
    return cn_auth_allows(
        &r->call.server->auth,
        MHD_lookup_connection_value(r->connection, MHD_HEADER_KIND, "Authorization"),
        MHD_lookup_connection_value(r->connection, MHD_HEADER_KIND, "Cookie"));
}

static enum MHD_Result answer_page(request *r, const char *method)
{
    cn_server *server = r->call.server;
    cn_span target = cn_span_str(r->target), path = cn_route_path(target), token;
    char cookie[160];
    if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0) {
        cn_call_problem(&r->call, 405, "method_not_allowed", "Only GET is answered here.");
        cn_call_add_header(&r->call, "Allow", "GET, HEAD");
        return answer(r);
    }
    const cn_asset *asset = cn_asset_find(path);
    if (asset && strcmp(asset->path, "/index.html") != 0)
        return answer_asset(r, asset, NULL);
    if (!cn_page_is_view(path)) {
        cn_call_problem(&r->call, 404, "not_found", "There is nothing here.");
        return answer(r);
    }
    bool by_token = cn_route_query(target, "token", &r->call.arena, &token) &&
                    cn_auth_is_token(&server->auth, token);
    if (!by_token && !is_allowed(r)) {
        cn_page_no_token(&r->call);
        return answer(r);
    }
    snprintf(cookie, sizeof cookie, "%s=%s; Path=/; HttpOnly; SameSite=Strict",
             server->auth.cookie_name, server->auth.token);
    return answer_asset(r, cn_asset_find(CN_SPAN_LIT("/index.html")), by_token ? cookie : NULL);
}

/* ---- the API ---- */

static void take_last_event_id(request *r)
{
    const char *id = MHD_lookup_connection_value(r->connection, MHD_HEADER_KIND, "Last-Event-ID");
    char *copy = id ? cn_arena_copy(&r->call.arena, cn_span_str(id)) : NULL;
    if (copy && r->match.n_params < CN_ROUTE_PARAMS)
        r->match.params[r->match.n_params++] =
            (cn_wire_parameter){CN_API_HEADER, CN_SPAN_LIT("Last-Event-ID"), cn_span_str(copy)};
}

/* Looks at everything but the body. True where the call may go on. */
static bool admit(request *r, const char *method)
{
    cn_call *call = &r->call;
    const char *host = MHD_lookup_connection_value(r->connection, MHD_HEADER_KIND, "Host");
    if (!is_allowed(r)) {
        cn_call_problem(call, 401, "no_token",
                        "A token is needed. Open the address that cairn serve printed, or send "
                        "Authorization: Bearer TOKEN.");
        cn_call_add_header(call, "WWW-Authenticate", "Bearer");
        return false;
    }
    if (!cn_auth_origin_is_ours(
            MHD_lookup_connection_value(r->connection, MHD_HEADER_KIND, "Origin"),
            MHD_lookup_connection_value(r->connection, MHD_HEADER_KIND, "Sec-Fetch-Site"), host)) {
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

static bool too_large(request *r)
{
    if (r->too_large)
        cn_call_problem(&r->call, 413, "too_large", "A body may have %llu bytes at most.",
                        (unsigned long long) CN_SERVER_BODY_MAX);
    return r->too_large;
}

static bool admit_body(request *r)
{
    const char *type = MHD_lookup_connection_value(r->connection, MHD_HEADER_KIND, "Content-Type");
    const char *length =
        MHD_lookup_connection_value(r->connection, MHD_HEADER_KIND, "Content-Length");
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
static void run_call(cn_call *call)
{
    request *r = (request *) call;
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
static void call_done(cn_call *call)
{
    request *r = (request *) call;
    r->state = DONE;
    MHD_resume_connection(r->connection);
}

static void uncount(request *r)
{
    if (r->counted)
        count_suspended(r->call.server, -1);
    r->counted = false;
}

static enum MHD_Result enqueue(request *r)
{
    cn_server *server = r->call.server;
    r->state = QUEUED;
    r->counted = true;
    count_suspended(server, 1);
    MHD_suspend_connection(r->connection);
    if (!server->stopping && cn_workers_add(server->workers, &r->call))
        return MHD_YES;
    cn_call_problem(&r->call, 503, "busy", "Too many calls wait already. Try again in a moment.");
    cn_call_add_header(&r->call, "Retry-After", "1");
    call_done(&r->call);
    return MHD_YES;
}

/* ---- one request, as libmicrohttpd tells it ---- */

static void *begin_request(void *cls, const char *uri, struct MHD_Connection *connection)
{
    cn_server *server = cls;
    request *r = calloc(1, sizeof *r);
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

static enum MHD_Result first_look(request *r, const char *method)
{
    const char *host = MHD_lookup_connection_value(r->connection, MHD_HEADER_KIND, "Host");
    if (!cn_auth_host_is_ours(host)) {
        cn_call_problem(&r->call, 421, "wrong_host",
                        "This server answers as 127.0.0.1, [::1] and localhost only.");
        return answer(r);
    }
    if (!cn_page_is_api(cn_route_path(cn_span_str(r->target))))
        return answer_page(r, method);
    if (!admit(r, method) || !admit_body(r))
        return answer(r);
    r->admitted = true;
    return MHD_YES;
}

static bool has_body(request *r)
{
    const char *length =
        MHD_lookup_connection_value(r->connection, MHD_HEADER_KIND, "Content-Length");
    return (length && strcmp(length, "0") != 0) ||
           MHD_lookup_connection_value(r->connection, MHD_HEADER_KIND, "Transfer-Encoding");
}

static enum MHD_Result handle(void *cls, struct MHD_Connection *connection, const char *url,
                              const char *method, const char *version, const char *data,
                              size_t *data_size, void **con_cls)
{
    request *r = *con_cls;
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
    return answer(r);
}

static void end_request(void *cls, struct MHD_Connection *connection, void **con_cls,
                        enum MHD_RequestTerminationCode why)
{
    request *r = *con_cls;
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

/* ---- start and stop ---- */

typedef union address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
} address;

/* Loopback addresses only. */
static int read_address(const char *text, uint16_t port, address *out, cn_err *err)
{
    *out = (address){.v4 = {.sin_family = AF_INET, .sin_port = htons(port)}};
    bool loopback = false, known = inet_pton(AF_INET, text, &out->v4.sin_addr) == 1;
    if (known)
        loopback = ntohl(out->v4.sin_addr.s_addr) >> 24 == 127;
    if (!known) {
        *out = (address){.v6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)}};
        known = inet_pton(AF_INET6, text, &out->v6.sin6_addr) == 1;
        loopback = known && IN6_IS_ADDR_LOOPBACK(&out->v6.sin6_addr);
    }
    if (!known)
        return cn_fail(err, CN_E_ARG, CN_NO_OFFSET, "'%s' is no address; as in 127.0.0.1:8080",
                       text);
    if (!loopback)
        return cn_fail(err, CN_E_ARG, CN_NO_OFFSET,
                       "'%s' can be reached from other machines, and there is no sign-in yet: only "
                       "127.0.0.1 and ::1 are served; from elsewhere use ssh -L",
                       text);
    return CN_OK;
}

static int listen_on(cn_server *server, const char *text, uint16_t port, uint16_t *out_port,
                     cn_err *err)
{
    address a;
    int rc = read_address(text, port, &a, err);
    if (rc)
        return rc;
    socklen_t length = sizeof a;
    server->socket = socket(a.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (server->socket < 0)
        return cn_fail_errno(err, "cannot make a socket");
    setsockopt(server->socket, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
    if (bind(server->socket, &a.any, a.any.sa_family == AF_INET ? sizeof a.v4 : sizeof a.v6) ||
        listen(server->socket, SOMAXCONN))
        return cn_fail_errno(err, "cannot listen on %s port %u", text, port);
    if (getsockname(server->socket, &a.any, &length))
        return cn_fail_errno(err, "cannot ask for the port");
    *out_port = ntohs(a.any.sa_family == AF_INET ? a.v4.sin_port : a.v6.sin6_port);
    return CN_OK;
}

static void free_server(cn_server *server)
{
    cn_poll_free(server->poll);
    cn_workers_free(server->workers);
    cn_hits_cache_free(server->hits);
    cn_stream_free(server->stream);
    if (server->socket >= 0 && !server->daemon)
        close(server->socket);
    free(server);
}

static int start_daemon(cn_server *server, cn_err *err)
{
    server->daemon = MHD_start_daemon(
        MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, handle, server,
        MHD_OPTION_LISTEN_SOCKET, server->socket, MHD_OPTION_THREAD_POOL_SIZE, IO_THREADS,
        MHD_OPTION_CONNECTION_LIMIT, CN_SERVER_CONNECTIONS, MHD_OPTION_CONNECTION_TIMEOUT,
        CN_SERVER_IDLE_SECONDS, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t) CN_SERVER_HEADERS_MAX,
        MHD_OPTION_URI_LOG_CALLBACK, begin_request, server, MHD_OPTION_NOTIFY_COMPLETED,
        end_request, server, MHD_OPTION_END);
    return server->daemon ? CN_OK : cn_fail(err, CN_E_IO, CN_NO_OFFSET, "cannot start the server");
}

int cn_server_start(const char *text, uint16_t port, cn_library *library, cn_server **out,
                    cn_err *err)
{
    cn_server *server = calloc(1, sizeof *server);
    uint16_t bound = 0;
    if (!server)
        return cn_fail(err, CN_E_NO_MEMORY, CN_NO_OFFSET, "no memory for the server");
    server->socket = -1;
    server->library = library;
    server->started_ns = cn_time_now();
    server->stream = cn_stream_new();
    server->hits = cn_hits_cache_new(library);
    server->workers = cn_workers_new(run_call, call_done);
    int rc = server->stream && server->hits && server->workers
                 ? CN_OK
                 : cn_fail(err, CN_E_NO_MEMORY, CN_NO_OFFSET, "no memory for the server");
    if (rc == CN_OK)
        rc = listen_on(server, text, port, &bound, err);
    if (rc == CN_OK)
        rc = cn_auth_init(&server->auth, bound, err);
    if (rc == CN_OK)
        rc = cn_poll_new(library, server->stream, &server->poll, err);
    if (rc == CN_OK)
        rc = start_daemon(server, err);
    if (rc) {
        free_server(server);
        return rc;
    }
    bool v6 = strchr(text, ':') != NULL;
    snprintf(server->url, sizeof server->url, "http://%s%s%s:%u/?token=%s", v6 ? "[" : "", text,
             v6 ? "]" : "", bound, server->auth.token);
    *out = server;
    return CN_OK;
}

bool cn_server_stop(cn_server *server)
{
    server->stopping = true;
    MHD_quiesce_daemon(server->daemon);
    cn_poll_stop(server->poll);
    cn_stream_stop(server->stream);
    for (int i = 0; i < STOP_WAIT_MS && (server->suspended || server->exports); i++)
        usleep(1000);
    if (server->suspended || server->exports)
        return false;
    usleep(20000); /* readers that were woken leave the list of the suspended */
    MHD_stop_daemon(server->daemon);
    free_server(server);
    return true;
}
