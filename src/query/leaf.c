#include "query/leaf.h"

#include "base/text.h"
#include "query/address.h"
#include "query/fold.h"
#include "query/glob.h"
#include "query/timespan.h"

static int no_memory(cn_err *err)
{
    return cn_fail(err, CN_E_NO_MEMORY, CN_NO_OFFSET, "no memory for the query");
}

int cn_leaf_node(cn_query *q, size_t begin, size_t end, cn_query_node **out, cn_err *err)
{
    if (q->n_nodes++ >= CN_QUERY_NODES_MAX)
        return cn_fail(err, CN_E_ARG, begin, "the query has more than %d terms at %zu",
                       CN_QUERY_NODES_MAX, begin);
    *out = cn_arena_alloc(&q->arena, sizeof **out);
    if (!*out)
        return no_memory(err);
    (*out)->begin = (uint32_t) begin;
    (*out)->end = (uint32_t) end;
    return CN_OK;
}

cn_query_field cn_query_field_by_name(cn_span name)
{
    for (cn_query_field f = CN_QF_RECORD + 1; f < CN_QF_COUNT; f++)
        if (cn_span_is(name, cn_query_field_name(f)))
            return f;
    return cn_span_is(name, "_id") ? CN_QF_event_id : CN_QF_RECORD;
}

const char *cn_query_field_name(cn_query_field field)
{
    static const char *const names[CN_QF_COUNT] = {
#define CN_QF_NAME(name) [CN_QF_##name] = #name,
        CN_QUERY_FIELDS(CN_QF_NAME)
#undef CN_QF_NAME
    };
    return field < CN_QF_COUNT ? names[field] : NULL;
}

int cn_leaf_field_of(cn_query *q, cn_span written, cn_leaf_field *out, cn_err *err)
{
    static const char keyword[] = ".keyword";
    bool whole = cn_span_ends(written, keyword);
    if (whole)
        written.len -= sizeof keyword - 1;
    char *name = cn_arena_copy(&q->arena, written);
    if (!name)
        return no_memory(err);
    for (size_t i = 0; i < written.len; i++) {
        uint8_t c = cn_lower((uint8_t) name[i]);
        name[i] = (char) (cn_is_alpha(c) || cn_is_digit(c) ? c : '_');
    }
    cn_span n = cn_span_of(name, written.len);
    *out = (cn_leaf_field){cn_query_field_by_name(n), n, whole};
    return CN_OK;
}

/* Fields that Cairn itself fills, or that are names of things: a quoted value is the whole one. */
static bool is_label(cn_query_field f)
{
    switch (f) {
    case CN_QF_data_type:
    case CN_QF_timestamp_desc:
    case CN_QF_path:
    case CN_QF_volume:
    case CN_QF_image:
    case CN_QF_stream:
    case CN_QF_parser:
    case CN_QF_event_id:
    case CN_QF_timeline:
    case CN_QF_system:
    case CN_QF_tag:
    case CN_QF_label:
    case CN_QF_starred:
        return true;
    default:
        return false;
    }
}

static bool is_time(cn_query_field f) { return f == CN_QF_datetime || f == CN_QF_timestamp; }
static bool is_integer(cn_query_field f)
{
    return f == CN_QF_inode || f == CN_QF_offset || f == CN_QF_length;
}

static int fold(cn_query *q, cn_span text, cn_span *out, cn_err *err)
{
    CN_CLEANUP(cn_buf_free) cn_buf b = cn_buf_of(CN_QUERY_TEXT_MAX * 2);
    cn_fold_text(&b, text);
    char *p = b.failed ? NULL : cn_arena_copy(&q->arena, cn_buf_span(&b));
    if (!p)
        return no_memory(err);
    *out = cn_span_of(p, b.len);
    return CN_OK;
}

/* The folded text; wildcard bytes stay what they are, since they are no UTF-8. */
static int set_text(cn_query *q, cn_query_node *n, cn_span text, cn_err *err)
{
    char *p = cn_arena_copy(&q->arena, text);
    if (!p)
        return no_memory(err);
    n->text = cn_span_of(p, text.len);
    n->is_number = cn_text_i64(n->text, &n->number);
    /* An IPv4 address has one spelling, which is a token; networks and IPv6 have many. */
    n->is_network = n->field == CN_QF_RECORD && cn_network_parse(n->text, &n->network) &&
                    (n->network.bits < 128 || memchr(n->text.p, ':', n->text.len));
    return fold(q, n->text, &n->folded, err);
}

/* What has no letter or digit is looked for as it stands, anywhere. */
static void make_substring(cn_query_node *n)
{
    n->kind = CN_Q_GLOB;
    n->unanchored = true;
}

/* A word or a phrase, by how many tokens the text has. */
static int make_words(cn_query *q, cn_query_node *n, cn_err *err)
{
    cn_tokens *t = &q->tokens;
    if (!cn_tokens_cut(t, n->text))
        return no_memory(err);
    if (t->n == 0) {
        make_substring(n);
        return CN_OK;
    }
    size_t parts = 0, whole = SIZE_MAX;
    for (size_t i = 0; i < t->n; i++) {
        parts += t->tokens[i].kind == CN_TOKEN_PART;
        if (t->tokens[i].kind == CN_TOKEN_CHAIN)
            whole = whole == SIZE_MAX ? i : SIZE_MAX - 1;
    }
    /* One chain, and nothing beside it: one part more than it has joiners. */
    bool one = parts == 1;
    if (whole < t->n) {
        size_t in_chain = 0;
        for (size_t i = 0; i < whole; i++)
            in_chain +=
                t->tokens[i].kind == CN_TOKEN_PART && t->tokens[i].at >= t->tokens[whole].at;
        one = in_chain == parts && t->tokens[whole].kind == CN_TOKEN_CHAIN;
        /* a chain of more than CN_TOKEN_MAX bytes stands elsewhere */
        if (t->tokens[whole].len >= CN_TOKEN_MAX - 3)
            one = false;
    }
    n->kind = one ? CN_Q_WORD : CN_Q_PHRASE;
    size_t count = one ? 1 : parts, k = 0;
    cn_span *tokens = cn_arena_alloc(&q->arena, count * sizeof *tokens);
    if (!tokens)
        return no_memory(err);
    for (size_t i = 0; i < t->n; i++) {
        bool wanted = one ? i == (parts == 1 ? 0 : whole) : t->tokens[i].kind == CN_TOKEN_PART;
        if (!wanted)
            continue;
        char *p = cn_arena_copy(&q->arena, cn_tokens_span(t, i));
        if (!p)
            return no_memory(err);
        tokens[k++] = cn_span_of(p, t->tokens[i].len);
    }
    n->tokens = tokens;
    n->n_tokens = count;
    return CN_OK;
}

static bool is_stars(cn_span pattern)
{
    for (size_t i = 0; i < pattern.len; i++)
        if (pattern.p[i] != CN_GLOB_ANY)
            return false;
    return pattern.len > 0;
}

static void make_pattern(cn_query_node *n, bool whole)
{
    n->kind = CN_Q_GLOB;
    n->whole = whole;
    if (whole)
        return;
    for (size_t i = 0; i < n->folded.len; i++) {
        uint8_t c = n->folded.p[i];
        if (c < 0x80 && !cn_token_is_word(c) && !cn_token_is_joiner(c) && !is_label(n->field))
            n->unanchored = true;
    }
}

static int make_text(cn_query *q, cn_query_node *n, const cn_leaf_field *f, cn_lex_compare compare,
                     const cn_lex *term, cn_err *err)
{
    bool is_quoted = term->kind == CN_LEX_QUOTED, wild = false;
    bool whole = f->whole || compare == CN_COMPARE_IS || (is_quoted && is_label(f->field));
    CN_CLEANUP(cn_buf_free) cn_buf b = cn_buf_of(CN_QUERY_TEXT_MAX);
    cn_lex_unescape(&b, term->inner, whole || !is_quoted, &wild);
    if (b.failed)
        return no_memory(err);
    if (is_stars(cn_buf_span(&b))) {
        n->kind = f->field == CN_QF_ANY ? CN_Q_ALL : CN_Q_EXISTS;
        return CN_OK;
    }
    int rc = set_text(q, n, cn_buf_span(&b), err);
    if (rc < 0)
        return rc;
    if (wild) {
        make_pattern(n, whole);
    } else if (whole) {
        n->kind = CN_Q_VALUE;
    } else if (n->text.len == 0) {
        return cn_fail(err, CN_E_ARG, term->begin,
                       "empty quotes at %zu; write field:=\"\" for a value that is empty",
                       term->begin);
    } else {
        return make_words(q, n, err);
    }
    return CN_OK;
}

static int make_regex(cn_query *q, cn_query_node *n, const cn_lex *term, cn_err *err)
{
    /* Only the slash needs its backslash for us; all others are the expression's own. */
    CN_CLEANUP(cn_buf_free) cn_buf b = cn_buf_of(CN_QUERY_TEXT_MAX);
    for (size_t i = 0; i < term->inner.len; i++) {
        if (term->inner.p[i] == '\\' && i + 1 < term->inner.len) {
            if (term->inner.p[i + 1] != '/')
                cn_buf_char(&b, '\\');
            i++;
        }
        cn_buf_char(&b, (char) term->inner.p[i]);
    }
    int rc = set_text(q, n, cn_buf_span(&b), err);
    if (rc < 0)
        return rc;
    cn_regex **more = cn_arena_alloc(&q->arena, (q->n_regexes + 1) * sizeof *more);
    if (!more)
        return no_memory(err);
    if (q->n_regexes)
        memcpy(more, q->regexes, q->n_regexes * sizeof *more);
    q->regexes = more;
    cn_err inner = CN_ERR_INIT;
    rc = cn_regex_compile(n->text, &more[q->n_regexes], &inner);
    if (rc < 0) {
        size_t at = term->begin + 1 + (inner.offset == CN_NO_OFFSET ? 0 : (size_t) inner.offset);
        return cn_fail(err, rc, at, "regular expression at %zu: %s", at, inner.text);
    }
    n->regex = more[q->n_regexes++];
    n->kind = CN_Q_REGEX;
    return CN_OK;
}

static int set_bound(cn_query *q, cn_query_bound *b, cn_span written, bool inclusive, cn_err *err)
{
    *b = (cn_query_bound){.set = !cn_span_is(written, "*"), .inclusive = inclusive};
    if (!b->set)
        return CN_OK;
    if (written.len >= 2 && written.p[0] == '"')
        written = cn_span_sub(written, 1, written.len - 2);
    CN_CLEANUP(cn_buf_free) cn_buf text = cn_buf_of(CN_QUERY_TEXT_MAX);
    cn_lex_unescape(&text, written, false, NULL);
    b->is_number = cn_text_i64(cn_buf_span(&text), &b->number);
    b->is_address = cn_address_parse(cn_buf_span(&text), b->address);
    return text.failed ? no_memory(err) : fold(q, cn_buf_span(&text), &b->text, err);
}

static int fail_time(cn_query_field f, size_t at, cn_span text, cn_err *err)
{
    return cn_fail(err, CN_E_ARG, at,
                   f == CN_QF_datetime
                       ? "'%.*s' at %zu is no time; write it as 2026, 2026-11-18 or "
                         "2026-11-18T08:00:00.123"
                       : "'%.*s' at %zu is no timestamp; write microseconds since 1970, or "
                         "2026-11-18T08:00:00",
                   (int) CN_MIN(text.len, 60u), (const char *) text.p, at);
}

/* One end of a range over times, as the first and last nanosecond that it covers. */
static int read_time(cn_query_field f, cn_span text, size_t at, cn_timespan *out, cn_err *err)
{
    int64_t us;
    if (f == CN_QF_timestamp && cn_text_i64(text, &us)) {
        *out = cn_timespan_of_us(us);
        return CN_OK;
    }
    return cn_timespan_parse(text, out) ? CN_OK : fail_time(f, at, text, err);
}

static int make_time_range(cn_query_node *n, size_t low_at, size_t high_at, cn_err *err)
{
    cn_timespan low, high;
    n->time_first = CN_TIME_MIN;
    n->time_last = CN_TIME_MAX;
    if (n->low.set) {
        int rc = read_time(n->field, n->low.text, low_at, &low, err);
        if (rc < 0)
            return rc;
        n->time_empty |= !(n->low.inclusive ? cn_timespan_from(low, &n->time_first)
                                            : cn_timespan_after(low, &n->time_first));
    }
    if (n->high.set) {
        int rc = read_time(n->field, n->high.text, high_at, &high, err);
        if (rc < 0)
            return rc;
        n->time_empty |= !(n->high.inclusive ? cn_timespan_until(high, &n->time_last)
                                             : cn_timespan_before(high, &n->time_last));
    }
    n->time_empty |= n->time_first > n->time_last;
    return CN_OK;
}

static int make_range(cn_query *q, cn_query_node *n, cn_lex_compare compare, const cn_lex *term,
                      cn_err *err)
{
    bool is_range = term->kind == CN_LEX_RANGE;
    cn_span low = is_range ? term->low : CN_SPAN_LIT("*"), high = is_range ? term->high : low;
    bool low_in = is_range && term->low_in, high_in = is_range && term->high_in;
    size_t base = term->begin;
    size_t low_at = is_range ? base + 1 : base, high_at = is_range ? term->to + 3 : base;
    if (!is_range) {
        bool is_low = compare == CN_COMPARE_GREATER || compare == CN_COMPARE_GREATER_EQUAL;
        *(is_low ? &low : &high) = term->inner;
        *(is_low ? &low_in : &high_in) =
            compare == CN_COMPARE_GREATER_EQUAL || compare == CN_COMPARE_LESS_EQUAL;
    }
    n->kind = CN_Q_RANGE;
    int rc = set_bound(q, &n->low, low, low_in, err);
    if (rc == CN_OK)
        rc = set_bound(q, &n->high, high, high_in, err);
    if (rc < 0)
        return rc;
    if (is_time(n->field))
        return make_time_range(n, low_at, high_at, err);
    if (is_integer(n->field))
        for (size_t i = 0; i < 2; i++) {
            const cn_query_bound *b = i ? &n->high : &n->low;
            if (b->set && !b->is_number)
                return cn_fail(err, CN_E_ARG, i ? high_at : low_at, "'%.*s' at %zu is no number",
                               (int) CN_MIN(b->text.len, 60u), (const char *) b->text.p,
                               i ? high_at : low_at);
        }
    if (n->field == CN_QF_ANY)
        return cn_fail(err, CN_E_ARG, base, "the range at %zu needs a field: field:[LOW TO HIGH]",
                       base);
    return CN_OK;
}

/* One time, which covers its precision. A star at its end is taken: 2026-11*. */
static int make_time(cn_query *q, cn_query_node *n, const cn_lex *term, cn_err *err)
{
    CN_CLEANUP(cn_buf_free) cn_buf b = cn_buf_of(CN_QUERY_TEXT_MAX);
    bool wild;
    cn_lex_unescape(&b, term->inner, term->kind == CN_LEX_WORD, &wild);
    if (b.failed)
        return no_memory(err);
    if (is_stars(cn_buf_span(&b))) {
        n->kind = CN_Q_EXISTS;
        return CN_OK;
    }
    cn_span text = cn_buf_span(&b);
    if (text.len && text.p[text.len - 1] == CN_GLOB_ANY)
        text.len--;
    n->kind = CN_Q_RANGE;
    n->low = n->high = (cn_query_bound){.set = true, .inclusive = true};
    int rc = fold(q, text, &n->low.text, err);
    n->high.text = n->low.text;
    return rc < 0 ? rc : make_time_range(n, term->begin, term->begin, err);
}

int cn_leaf_make(cn_query *q, const cn_leaf_field *f, cn_lex_compare compare, const cn_lex *term,
                 size_t begin, const cn_query_node **out, cn_err *err)
{
    cn_query_node *n;
    int rc = cn_leaf_node(q, begin, term->end, &n, err);
    if (rc < 0)
        return rc;
    n->field = f->field;
    n->name = f->field == CN_QF_RECORD ? f->name : (cn_span){NULL, 0};
    q->has_annotations |= f->field >= CN_QF_tag && f->field <= CN_QF_comment;
    if (term->kind == CN_LEX_RANGE || compare > CN_COMPARE_IS) {
        if (term->kind == CN_LEX_REGEX)
            return cn_fail(err, CN_E_ARG, term->begin,
                           "a regular expression at %zu cannot be compared by size", term->begin);
        rc = make_range(q, n, compare, term, err);
    } else if (term->kind == CN_LEX_REGEX) {
        if (is_time(f->field))
            return cn_fail(err, CN_E_ARG, term->begin,
                           "a time takes no regular expression at %zu; look in the message, or "
                           "give a range",
                           term->begin);
        rc = make_regex(q, n, term, err);
    } else if (is_time(f->field)) {
        rc = make_time(q, n, term, err);
    } else {
        rc = make_text(q, n, f, compare, term, err);
        if (rc == CN_OK && is_integer(f->field) && n->kind != CN_Q_EXISTS && n->kind != CN_Q_GLOB &&
            !n->is_number)
            rc = cn_fail(err, CN_E_ARG, term->begin, "'%.*s' at %zu is no number",
                         (int) CN_MIN(n->text.len, 60u), (const char *) n->text.p, term->begin);
    }
    *out = n;
    return rc;
}
