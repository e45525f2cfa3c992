#include "query/match.h"

#include "base/text.h"
#include "query/address.h"
#include "query/fold.h"
#include "query/glob.h"
#include "query/regex.h"
#include "query/token.h"

/* Folded texts of values: as large as a message can be, half as much again. */
#define FOLDED_MAX CN_MIB(4)

static int no_memory(cn_err *err)
{
    return cn_fail(err, CN_E_NO_MEMORY, CN_NO_OFFSET, "no memory to compare a value");
}

static int has_word(const cn_query_node *leaf, cn_span value, cn_err *err)
{
    CN_CLEANUP(cn_tokens_free) cn_tokens t = {0};
    if (!cn_tokens_cut(&t, value))
        return no_memory(err);
    for (size_t i = 0; i < t.n; i++)
        if (cn_span_eq(cn_tokens_span(&t, i), leaf->tokens[0]))
            return 1;
    return 0;
}

static int has_phrase(const cn_query_node *leaf, cn_span value, cn_err *err)
{
    CN_CLEANUP(cn_tokens_free) cn_tokens t = {0};
    if (!cn_tokens_cut(&t, value))
        return no_memory(err);
    size_t parts = 0;
    for (size_t i = 0; i < t.n; i++)
        if (t.tokens[i].kind == CN_TOKEN_PART)
            t.tokens[parts++] = t.tokens[i];
    for (size_t i = 0; i + leaf->n_tokens <= parts; i++) {
        size_t k = 0;
        while (k < leaf->n_tokens && cn_span_eq(cn_tokens_span(&t, i + k), leaf->tokens[k]))
            k++;
        if (k == leaf->n_tokens)
            return 1;
    }
    return 0;
}

static int has_token_like(const cn_query_node *leaf, cn_span value, cn_err *err)
{
    CN_CLEANUP(cn_tokens_free) cn_tokens t = {0};
    if (!cn_tokens_cut(&t, value))
        return no_memory(err);
    for (size_t i = 0; i < t.n; i++)
        if (cn_glob_matches(leaf->folded, cn_tokens_span(&t, i)))
            return 1;
    return 0;
}

static int is_whole(const cn_query_node *leaf, cn_span value, cn_err *err)
{
    CN_CLEANUP(cn_buf_free) cn_buf b = cn_buf_of(FOLDED_MAX);
    cn_fold_text(&b, value);
    if (b.failed)
        return no_memory(err);
    if (leaf->kind == CN_Q_VALUE)
        return cn_span_eq(cn_buf_span(&b), leaf->folded);
    if (!leaf->unanchored)
        return cn_glob_matches(leaf->folded, cn_buf_span(&b));
    /* Anywhere: between two stars. */
    uint8_t room[256];
    CN_CLEANUP(cn_buf_free) cn_buf large = cn_buf_of(FOLDED_MAX);
    size_t n = leaf->folded.len + 2;
    uint8_t *p = n <= sizeof room ? room : cn_buf_room(&large, n);
    if (!p)
        return no_memory(err);
    p[0] = p[n - 1] = CN_GLOB_ANY;
    if (leaf->folded.len)
        memcpy(p + 1, leaf->folded.p, leaf->folded.len);
    return cn_glob_matches(cn_span_of(p, n), cn_buf_span(&b));
}

static int is_glob(const cn_query_node *leaf, cn_span value, cn_err *err)
{
    bool is_text = leaf->field == CN_QF_ANY || leaf->field == CN_QF_message;
    if (is_text && !leaf->whole && !leaf->unanchored)
        return has_token_like(leaf, value, err);
    int rc = is_whole(leaf, value, err);
    return rc || leaf->whole || leaf->unanchored ? rc : has_token_like(leaf, value, err);
}

static bool keeps(const cn_query_bound *bound, int compared, bool is_low)
{
    return compared == 0 ? bound->inclusive : is_low ? compared > 0 : compared < 0;
}

static int compare_spans(cn_span a, cn_span b)
{
    int c = memcmp(a.p ? a.p : (const uint8_t *) "", b.p ? b.p : (const uint8_t *) "",
                   CN_MIN(a.len, b.len));
    return c ? c : (a.len > b.len) - (a.len < b.len);
}

/* Numbers where all bounds are numbers, else addresses where all are, else text in folded byte
 * order. */
static int in_range(const cn_query_node *leaf, cn_span value, cn_err *err)
{
    const cn_query_bound *bounds[] = {&leaf->low, &leaf->high};
    bool numbers = true, addresses = true;
    for (size_t i = 0; i < 2; i++) {
        numbers &= !bounds[i]->set || bounds[i]->is_number;
        addresses &= !bounds[i]->set || bounds[i]->is_address;
    }
    int64_t number = 0;
    uint8_t address[16];
    CN_CLEANUP(cn_buf_free) cn_buf folded = cn_buf_of(FOLDED_MAX);
    if (numbers) {
        if (!cn_text_i64(value, &number))
            return 0;
    } else if (addresses) {
        if (!cn_address_parse(value, address))
            return 0;
    } else {
        cn_fold_text(&folded, value);
        if (folded.failed)
            return no_memory(err);
    }
    for (size_t i = 0; i < 2; i++) {
        const cn_query_bound *b = bounds[i];
        if (!b->set)
            continue;
        int c = numbers     ? (number > b->number) - (number < b->number)
                : addresses ? memcmp(address, b->address, sizeof address)
                            : compare_spans(cn_buf_span(&folded), b->text);
        if (!keeps(b, c, i == 0))
            return 0;
    }
    return 1;
}

static bool is_in_network(const cn_query_node *leaf, cn_span value)
{
    uint8_t address[16];
    return leaf->is_network && cn_address_parse(value, address) &&
           cn_network_has(&leaf->network, address);
}

int cn_query_matches_text(const cn_query_node *leaf, cn_span value, cn_err *err)
{
    switch (leaf->kind) {
    case CN_Q_WORD:
        return is_in_network(leaf, value) || has_word(leaf, value, err);
    case CN_Q_PHRASE:
        return is_in_network(leaf, value) || has_phrase(leaf, value, err);
    case CN_Q_VALUE:
        return is_whole(leaf, value, err);
    case CN_Q_GLOB:
        return is_glob(leaf, value, err);
    case CN_Q_RANGE:
        return in_range(leaf, value, err);
    case CN_Q_REGEX:
        return cn_regex_search(leaf->regex, value, err);
    case CN_Q_EXISTS:
        return 1;
    case CN_Q_ALL:
    case CN_Q_AND:
    case CN_Q_OR:
    case CN_Q_NOT:
        break;
    }
    return 0;
}

static bool is_number_in_range(const cn_query_node *leaf, int64_t value)
{
    const cn_query_bound *bounds[] = {&leaf->low, &leaf->high};
    for (size_t i = 0; i < 2; i++) {
        const cn_query_bound *b = bounds[i];
        if (!b->set)
            continue;
        if (!b->is_number || !keeps(b, (value > b->number) - (value < b->number), i == 0))
            return false;
    }
    return true;
}

int cn_query_matches_number(const cn_query_node *leaf, cn_type type, int64_t value, cn_err *err)
{
    if (leaf->kind == CN_Q_EXISTS)
        return 1;
    if (leaf->kind == CN_Q_RANGE)
        return is_number_in_range(leaf, value);
    if (leaf->is_number && leaf->kind != CN_Q_REGEX && leaf->kind != CN_Q_GLOB)
        return leaf->number == value;
    CN_CLEANUP(cn_buf_free) cn_buf b = cn_buf_of(32);
    if (type == CN_BOOL)
        cn_buf_str(&b, value ? "true" : "false");
    else
        cn_buf_i64(&b, value);
    if (leaf->kind == CN_Q_WORD)
        return cn_span_eq(leaf->tokens[0], cn_buf_span(&b));
    if (leaf->kind == CN_Q_VALUE)
        return cn_span_eq(leaf->folded, cn_buf_span(&b));
    if (leaf->kind == CN_Q_GLOB)
        return cn_glob_matches(leaf->folded, cn_buf_span(&b));
    if (leaf->kind == CN_Q_REGEX)
        return cn_regex_search(leaf->regex, cn_buf_span(&b), err);
    return 0;
}
