/* Query texts: parsed, printed, coloured, asked of values; what was found as a filter finds again. */
#include "query/match.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void ask(const cn_query_node *root, cn_span value)
{
    const cn_field fields[] = {cn_field_text(CN_F_username, value),
                               cn_field_int(CN_F_pid, (int64_t) value.len),
                               cn_field_named(CN_SPAN_LIT("k1"), value)};
    const cn_origin origin = {.path = value, .volume = CN_SPAN_LIT("p1"), .inode = 7};
    const cn_spooled event = {.event = {.time_ns = (int64_t) value.len * CN_NS_PER_S,
                                        .has_time = true,
                                        .data_type = "syslog:line",
                                        .message = value,
                                        .fields = fields,
                                        .n_fields = CN_LEN(fields)},
                              .origin = &origin};
    (void) cn_scan_matches(NULL, root, &event, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    cn_query *query = NULL;
    cn_err err = CN_ERR_INIT;
    cn_span text = cn_span_of(data, size);
    cn_query_token tokens[64];
    cn_buf b = cn_buf_of(CN_MIB(4));
    size_t n = cn_query_tokens(text, tokens, CN_LEN(tokens));
    for (size_t i = 0; i < CN_MIN(n, CN_LEN(tokens)); i++)
        if (tokens[i].begin >= tokens[i].end || tokens[i].end > size ||
            (i && tokens[i].begin < tokens[i - 1].end))
            abort();
    if (cn_query_parse(text, &query, &err) == CN_OK) {
        cn_query_dump(&b, cn_query_root(query));
        ask(cn_query_root(query), text);
        ask(cn_query_root(query), CN_SPAN_LIT("Failed password for root from 10.0.0.1 port 22"));
        cn_query_free(query);
    } else if (err.code != CN_E_ARG || (err.offset != CN_NO_OFFSET && err.offset > size)) {
        abort();
    }
    cn_buf_clear(&b);
    cn_query_put_filter(&b, CN_SPAN_LIT("command"), cn_span_sub(text, 0, 4096));
    if (cn_query_parse(cn_buf_span(&b), &query, NULL) < 0 ||
        cn_query_matches_text(cn_query_root(query), cn_span_sub(text, 0, 4096), NULL) != 1)
        abort();
    cn_query_free(query);
    cn_buf_free(&b);
    return 0;
}
