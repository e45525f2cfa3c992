/* The daemon: starts, stops, and what everybody may ask of it. */
#include "http/server_internal.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define IO_THREADS   3
#define STOP_WAIT_MS 2000

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
        MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, cn_request_handle,
        server, MHD_OPTION_LISTEN_SOCKET, server->socket, MHD_OPTION_THREAD_POOL_SIZE, IO_THREADS,
        MHD_OPTION_CONNECTION_LIMIT, CN_SERVER_CONNECTIONS, MHD_OPTION_CONNECTION_TIMEOUT,
        CN_SERVER_IDLE_SECONDS, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t) CN_SERVER_HEADERS_MAX,
        MHD_OPTION_URI_LOG_CALLBACK, cn_request_begin, server, MHD_OPTION_NOTIFY_COMPLETED,
        cn_request_end, server, MHD_OPTION_END);
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
    server->workers = cn_workers_new(cn_request_run, cn_request_done);
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
