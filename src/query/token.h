/* Tokens, as docs/query-language.md defines them. A part is a run of letters, digits and `_`,
 * case-folded. Parts that single dots, dashes, colons or at-signs join are a chain, which is a
 * token too, and so are the pieces of a chain between its colons and at-signs, so that 10.0.0.1:22
 * is found by 10.0.0.1. Whatever is part of no UTF-8 character separates. */
#pragma once

#include "base/buf.h"

/* A token of more bytes is known by its first ones and the hash of all: exactly this many bytes or
 * up to three fewer. */
#define CN_TOKEN_MAX 255u

typedef enum cn_token_kind { CN_TOKEN_PART, CN_TOKEN_PIECE, CN_TOKEN_CHAIN } cn_token_kind;

typedef struct cn_token {
    uint32_t at, len; /* in cn_tokens.text */
    cn_token_kind kind;
} cn_token;

/* Working memory and result; start with {0}. One owner. */
typedef struct cn_tokens {
    uint8_t *text; /* folded */
    size_t text_len, text_cap;
    uint64_t *mask;
    size_t mask_cap;
    cn_token *tokens;
    size_t n, cap;
} cn_tokens;

/* Cuts a text of at most UINT32_MAX / 4 bytes. Parts come in order; a chain and its pieces come
 * after its parts. False without memory. */
CN_MUST_USE bool cn_tokens_cut(cn_tokens *t, cn_span text);
void cn_tokens_free(cn_tokens *t);

static inline cn_span cn_tokens_span(const cn_tokens *t, size_t i)
{
    return (cn_span){t->text + t->tokens[i].at, t->tokens[i].len};
}
/* `.`, `-`, `:` or `@`. */
static inline bool cn_token_is_joiner(uint8_t c)
{
    return c == '.' || c == '-' || c == ':' || c == '@';
}
/* An ASCII byte of a part. */
static inline bool cn_token_is_word(uint8_t c)
{
    return (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z') || c == '_';
}
