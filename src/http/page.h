/* Which addresses are the page, which the API, and what stands in the page's place. */
#pragma once

#include "http/assets.h"
#include "http/call.h"

/* A view of the page: "/" and whatever has no dot in its last part; the page itself reads the rest
 * of the address. */
bool cn_page_is_view(cn_span path);
/* Below /api/. */
bool cn_page_is_api(cn_span path);
/* 401 as a page for people. */
void cn_page_no_token(cn_call *call);
