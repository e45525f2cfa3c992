/* Compressed content as a sequence of plain bytes: frame after frame, damage and bombs found on the
 * way. One owner, one thread. */
#pragma once

#include "img/source.h"
#include "parse/codec.h"

typedef struct cn_decode cn_decode;

/* content is borrowed. */
int cn_decode_open(cn_src *content, const cn_codec_ops *ops, cn_decode **out,
                   cn_err *err) CN_MUST_USE;
/* The next plain bytes, borrowed until the next call; empty at the end. Damage comes with the call
 * after the last good bytes and with every further one; its offset counts plain bytes. */
int cn_decode_next(cn_decode *d, cn_span *out, cn_err *err) CN_MUST_USE;
/* The first n plain bytes or fewer, borrowed until the next call; *out_whole when that is all.
 * Begins the sequence anew. */
int cn_decode_head(cn_decode *d, size_t n, cn_span *out, bool *out_whole, cn_err *err) CN_MUST_USE;
/* Begins the sequence anew. */
void cn_decode_rewind(cn_decode *d);
/* The damage met so far, or CN_OK. */
int cn_decode_fault(const cn_decode *d, cn_err *err) CN_MUST_USE;
cn_decode *cn_decode_close(cn_decode *d);
