/* Random access to plain content through reserved address space: pieces become readable when they
 * are asked for and are given back by relax. One owner, one thread. */
#pragma once

#include "img/source.h"

typedef struct cn_pages cn_pages;

/* The first `size` bytes of content, which is borrowed. */
int cn_pages_open(cn_src *content, uint64_t size, cn_pages **out, cn_err *err) CN_MUST_USE;
/* Exactly [offset, offset + len), which lies within size; good until cn_pages_relax(). */
int cn_pages_span(cn_pages *p, uint64_t offset, size_t len, cn_span *out, cn_err *err) CN_MUST_USE;
/* Gives memory back where much of it is in use: spans end to be good. */
void cn_pages_relax(cn_pages *p);
cn_pages *cn_pages_close(cn_pages *p);
