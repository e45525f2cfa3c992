#include "http/call.h"

#include "http/server.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/socket.h>

#define LOOK_EVERY_NS 50000000 /* how often a call looks whether its client is still there */

static const char *title_of(int status)
{
    switch (status) {
    case 400:
        return "Bad request";
    case 401:
        return "No token";
    case 403:
        return "Not allowed";
    case 404:
        return "Not found";
    case 405:
        return "Method not allowed";
    case 413:
        return "Too large";
    case 415:
        return "Not JSON";
    case 421:
        return "Another server's name";
    case 422:
        return "Over a limit";
    case 500:
        return "Failed";
    default:
        return "Not now";
    }
}

static void put_problem(cn_call *call, int status, const char *code, const char *field,
                        const char *hint, const char *detail)
{
    cn_buf_clear(&call->out);
    call->status = status;
    call->media_type = "application/problem+json";
    cn_json_out j = cn_json_of(&call->out);
    cn_json_open(&j, '{');
    cn_json_put_str(&j, "type", "about:blank");
    cn_json_put_str(&j, "title", title_of(status));
    cn_json_put_int(&j, "status", status);
    cn_json_put_str(&j, "code", code);
    cn_json_put_str(&j, "detail", detail);
    cn_json_put_set(&j, "field", field);
    cn_json_put_set(&j, "hint", hint);
    cn_json_close(&j, '}');
}

int cn_call_problem(cn_call *call, int status, const char *code, const char *format, ...)
{
    char detail[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(detail, sizeof detail, format, args);
    va_end(args);
    put_problem(call, status, code, NULL, NULL, detail);
    return CN_OK;
}

int cn_call_refuse(cn_call *call, const char *code, const char *field, const char *hint,
                   const char *format, ...)
{
    char detail[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(detail, sizeof detail, format, args);
    va_end(args);
    put_problem(call, 400, code, field, hint, detail);
    return CN_OK;
}

int cn_call_failed(cn_call *call)
{
    const char *text = call->err.text;
    switch (call->err.code) {
    case CN_E_NOT_FOUND:
        return cn_call_problem(call, 404, "not_found", "%s", text);
    case CN_E_ARG:
        return cn_call_problem(call, 400, "bad_request", "%s", text);
    case CN_E_LIMIT:
        return cn_call_problem(call, 422, "too_long", "%s", text);
    case CN_E_UNSUPPORTED:
        return cn_call_problem(call, 422, "unsupported", "%s", text);
    case CN_E_CANCELLED:
        return cn_call_problem(call, 503, "too_long",
                               "This took longer than %d s and was ended. Narrow it down: a time "
                               "range, a timeline, a word beside the regular expression.",
                               CN_SERVER_CALL_SECONDS);
    case CN_E_NO_MEMORY:
        return cn_call_problem(call, 503, "no_memory", "%s", text);
    default:
        return cn_call_problem(call, 503, "failed", "%s",
                               *text ? text : cn_code_name(call->err.code));
    }
}

cn_json_out cn_call_json(cn_call *call)
{
    cn_buf_clear(&call->out);
    call->status = 200;
    call->media_type = "application/json";
    return cn_json_of(&call->out);
}

/* A closed connection reads as its end. */
static bool has_gone(cn_call *call)
{
    char byte;
    if (call->socket < 0)
        return false;
    ssize_t n = recv(call->socket, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    return n == 0 || (n < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR);
}

bool cn_call_cancelled(void *context)
{
    cn_call *call = context;
    uint64_t now = cn_clock_ns();
    if (call->gone || cn_server_stopping(call->server))
        return true;
    if (now - call->looked_ns < LOOK_EVERY_NS)
        return false;
    call->looked_ns = now;
    if (now - call->started_ns > (uint64_t) CN_SERVER_CALL_SECONDS * CN_NS_PER_S || has_gone(call))
        call->gone = true;
    return call->gone;
}

void cn_call_put_took(cn_call *call, cn_json_out *json)
{
    uint64_t us = (cn_clock_ns() - call->started_ns) / 1000;
    cn_json_key(json, "took_ms");
    cn_buf_printf(json->buf, "%llu.%03llu", (unsigned long long) us / 1000,
                  (unsigned long long) us % 1000);
    json->comma = true;
}

void cn_call_add_header(cn_call *call, const char *name, const char *value)
{
    if (call->n_headers < CN_LEN(call->headers))
        call->headers[call->n_headers++] = (cn_call_header){name, value};
}

void cn_call_release(cn_call *call)
{
    if (call->source)
        call->source->free(call->source);
    call->source = NULL;
    cn_buf_free(&call->out);
    cn_arena_free(&call->arena);
}

int cn_call_annotations(void *context, const cn_query_node *leaf, cn_id_list *list, cn_err *err)
{
    cn_call *call = context;
    return cn_library_annotations(call->library, leaf, list, err);
}
