#include "http/page.h"

bool cn_page_is_api(cn_span path)
{
    return cn_span_starts(path, "/api/") || cn_span_is(path, "/api");
}

bool cn_page_is_view(cn_span path)
{
    const uint8_t *slash = path.len ? memrchr(path.p, '/', path.len) : NULL;
    if (!slash || cn_span_is(path, "/index.html"))
        return slash != NULL;
    return memchr(slash, '.', (size_t) (path.p + path.len - slash)) == NULL;
}

void cn_page_no_token(cn_call *call)
{
    call->status = 401;
    call->media_type = "text/html; charset=utf-8";
    cn_buf_clear(&call->out);
    cn_buf_str(&call->out,
               "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>Cairn</title>"
               "</head><body><h1>Cairn</h1><p>This address needs its token. Open the whole address "
               "that <code>cairn serve</code> printed when it was started; it ends in "
               "<code>?token=</code> and 32 characters.</p></body></html>\n");
}
