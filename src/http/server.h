/* The HTTP server: libmicrohttpd's threads do nothing but input and output (epoll); calls of the API
 * run on a pool of workers while their connection is suspended, so that a slow query holds up
 * nobody. */
#pragma once

#include "http/call.h"
#include "http/hits.h"
#include "http/stream.h"

#define CN_SERVER_CALL_SECONDS 30        /* a call of the API that takes longer is ended */
#define CN_SERVER_BODY_MAX     CN_MIB(2) /* bytes of a request's body: 10,000 event ids fit */
#define CN_SERVER_QUEUE_MAX    256       /* calls that wait for a worker */
#define CN_SERVER_CONNECTIONS  512
#define CN_SERVER_IDLE_SECONDS 60
#define CN_SERVER_HEADERS_MAX  CN_KIB(128) /* memory of a connection: request line and headers */
#define CN_SERVER_POLL_MS      400         /* how often the catalog is looked at */

/* Starts to listen on a loopback address ("127.0.0.1", "::1") and port (0: a free one). The library
 * is borrowed and must outlive the server. CN_E_ARG where the address is no loopback one. */
int cn_server_start(const char *text, uint16_t port, cn_library *library, cn_server **out,
                    cn_err *err) CN_MUST_USE;
/* With the token: "http://127.0.0.1:PORT/?token=...". */
const char *cn_server_url(const cn_server *server);
/* Ends all calls and closes. False where something did not end within two seconds: then nothing is
 * freed, and the process should exit. */
bool cn_server_stop(cn_server *server);

bool cn_server_stopping(const cn_server *server);
cn_hits_cache *cn_server_hits(cn_server *server);
cn_stream *cn_server_stream(cn_server *server);
int64_t cn_server_started(const cn_server *server);
/* Counts the exports that run, of which the server waits for the end. Gives how many there are. */
int cn_server_count_export(cn_server *server, int change);
/* The object About; for /about and the stream's hello. */
void cn_about_put(cn_call *call, cn_json_out *json, size_t n_timelines);
