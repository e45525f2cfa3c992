/* Blocks of known size inside containers. */
#pragma once

#include "base/base.h"

/* Raw deflate (RFC 1951) and a zstd frame (RFC 8878) into exactly n bytes; what stands behind the
 * compressed data is not looked at. False where it is damaged or gives fewer or more bytes. */
CN_MUST_USE bool cn_inflate(cn_span packed, void *out, size_t n);
CN_MUST_USE bool cn_unzstd(cn_span packed, void *out, size_t n);
