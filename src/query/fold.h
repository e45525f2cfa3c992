/* Case folding and characters, the same for indexing, for queries and for the plain scan. */
#pragma once

#include "base/buf.h"

/* One character at p (n > 0 bytes there): its code and length, or -1 and 1 for a byte that is part
 * of no well-formed UTF-8 character. */
int32_t cn_fold_decode(const uint8_t *p, size_t n, size_t *out_len);
/* Simple case folding of one character. */
uint32_t cn_fold_code(uint32_t code);
/* Letters, digits and marks beyond ASCII. */
bool cn_fold_is_word(uint32_t code);
/* Writes a character as UTF-8, at most 4 bytes; returns how many. */
size_t cn_fold_encode(uint32_t code, uint8_t out[4]);
/* Appends the text case-folded; bytes that are no UTF-8 stay. */
void cn_fold_text(cn_buf *out, cn_span text);
