/* POST /query/check: verdict and colours for the query line. */
#include "http/selection.h"

#define TOKENS_MAX 4096

static const char *class_of(cn_query_token_kind kind)
{
    switch (kind) {
    case CN_QT_FIELD:
        return "field";
    case CN_QT_OPERATOR:
        return "operator";
    case CN_QT_PHRASE:
        return "phrase";
    case CN_QT_REGEX:
        return "regex";
    case CN_QT_COLON:
    case CN_QT_PAREN:
    case CN_QT_RANGE:
        return "punctuation";
    case CN_QT_ERROR:
        return "error";
    case CN_QT_WORD:
    case CN_QT_BOUND:
    case CN_QT_WILD:
        break;
    }
    return "word";
}

static void put_place(cn_json_out *j, cn_span query, size_t begin, size_t end)
{
    size_t first = cn_selection_utf16(query, begin);
    cn_json_put_u64(j, "position", first);
    cn_json_put_u64(j, "length", cn_selection_utf16(query, end) - first);
}

static void put_tokens(cn_call *call, cn_json_out *j, cn_span query)
{
    cn_query_token *tokens = cn_arena_alloc(&call->arena, TOKENS_MAX * sizeof *tokens);
    size_t n = tokens ? cn_query_tokens(query, tokens, TOKENS_MAX) : 0;
    cn_json_begin(j, "tokens", '[');
    for (size_t i = 0; i < CN_MIN(n, TOKENS_MAX); i++) {
        cn_json_open(j, '{');
        put_place(j, query, tokens[i].begin, tokens[i].end);
        cn_json_put_str(j, "class", class_of(tokens[i].kind));
        cn_json_close(j, '}');
    }
    cn_json_close(j, ']');
}

int cn_http_check_query(cn_call *call, const cn_api_check_request *body)
{
    CN_CLEANUP(cn_query_free_p) cn_query *query = NULL;
    cn_err err = CN_ERR_INIT;
    int rc = cn_query_parse(body->query, &query, &err);
    if (rc && rc != CN_E_ARG && rc != CN_E_LIMIT) {
        call->err = err;
        return rc;
    }
    cn_json_out j = cn_call_json(call);
    cn_json_open(&j, '{');
    cn_json_put_bool(&j, "ok", rc == CN_OK);
    if (rc) {
        size_t at = err.offset == CN_NO_OFFSET ? 0 : CN_MIN((size_t) err.offset, body->query.len);
        cn_json_begin(&j, "error", '{');
        put_place(&j, body->query, at, at + cn_selection_token_length(body->query, at));
        cn_json_put_str(&j, "message", err.text);
        cn_json_close(&j, '}');
    }
    put_tokens(call, &j, body->query);
    cn_json_close(&j, '}');
    return CN_OK;
}
