/* Answers: what a call has made, the page and its parts, refusals. */
#include "http/server_internal.h"

#include <stdio.h>
#include <stdlib.h>

#define STREAM_BLOCK CN_KIB(64)

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
    cn_server_count_suspended(source->server, 1);
    MHD_suspend_connection(source->connection);
}

static void resume_source(cn_body_source *source)
{
    cn_server_count_suspended(source->server, -1);
    MHD_resume_connection(source->connection);
}

static struct MHD_Response *make_response(cn_request *r)
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

enum MHD_Result cn_answer(cn_request *r)
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

static enum MHD_Result answer_asset(cn_request *r, const cn_asset *asset, const char *cookie)
{
    const char *accept = cn_request_header(r, "Accept-Encoding");
    const char *known = cn_request_header(r, "If-None-Match");
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

enum MHD_Result cn_answer_page(cn_request *r, const char *method)
{
    cn_server *server = r->call.server;
    cn_span target = cn_span_str(r->target), path = cn_route_path(target), token;
    char cookie[160];
    if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0) {
        cn_call_problem(&r->call, 405, "method_not_allowed", "Only GET is answered here.");
        cn_call_add_header(&r->call, "Allow", "GET, HEAD");
        return cn_answer(r);
    }
    const cn_asset *asset = cn_asset_find(path);
    if (asset && strcmp(asset->path, "/index.html") != 0)
        return answer_asset(r, asset, NULL);
    if (!cn_page_is_view(path)) {
        cn_call_problem(&r->call, 404, "not_found", "There is nothing here.");
        return cn_answer(r);
    }
    bool by_token = cn_route_query(target, "token", &r->call.arena, &token) &&
                    cn_auth_is_token(&server->auth, token);
    if (!by_token && !cn_request_is_allowed(r)) {
        cn_page_no_token(&r->call);
        return cn_answer(r);
    }
    snprintf(cookie, sizeof cookie, "%s=%s; Path=/; HttpOnly; SameSite=Strict",
             server->auth.cookie_name, server->auth.token);
    return answer_asset(r, cn_asset_find(CN_SPAN_LIT("/index.html")), by_token ? cookie : NULL);
}
