#include "query/lex.h"

#include "base/text.h"

static bool is_blank(uint8_t c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

static bool is_special(uint8_t c) { return c != 0 && strchr("\"\\*?()[]{}:/+-!&|^~<>= ", c); }

static uint8_t at_or_0(cn_span t, size_t i) { return i < t.len ? t.p[i] : 0; }

void cn_lex_unescape(cn_buf *out, cn_span text, bool wildcards, bool *out_wild)
{
    bool wild = false;
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.p[i];
        /* A backslash before anything else is itself: Windows paths are written as they are. */
        if (c == '\\' && is_special(at_or_0(text, i + 1))) {
            cn_buf_char(out, (char) text.p[++i]);
        } else if (wildcards && (c == '*' || c == '?')) {
            cn_buf_char(out, (char) (c == '*' ? CN_GLOB_ANY : CN_GLOB_ONE));
            wild = true;
        } else {
            cn_buf_char(out, (char) c);
        }
    }
    if (out_wild)
        *out_wild = wild;
}

/* Where the slash at `at` closes as a regular expression, SIZE_MAX where it does not: the next bare
 * slash must end the term. So /var/log is a path and /a.*b/ is not. */
static size_t regex_end(cn_span t, size_t at)
{
    bool in_class = false;
    for (size_t i = at + 1; i < t.len; i++) {
        uint8_t c = t.p[i];
        if (c == '\\')
            i++;
        else if (c == '[')
            in_class = true;
        else if (c == ']')
            in_class = false;
        else if (c == '/' && !in_class) {
            uint8_t next = at_or_0(t, i + 1);
            return i > at + 1 && (next == 0 || next == ')' || is_blank(next)) ? i : SIZE_MAX;
        }
    }
    return SIZE_MAX;
}

static bool is_name_start(uint8_t c) { return cn_is_alpha(c) || c == '_'; }

/* NAME: or NAME:= ..., but neither C::D nor http://. */
static bool field(cn_span t, size_t at, cn_lex *out)
{
    size_t i = at;
    if (!is_name_start(at_or_0(t, i)))
        return false;
    while (i < t.len && (is_name_start(t.p[i]) || cn_is_digit(t.p[i]) || t.p[i] == '.' ||
                         t.p[i] == '-' || t.p[i] == '@'))
        i++;
    if (at_or_0(t, i) != ':')
        return false;
    uint8_t next = at_or_0(t, i + 1);
    if (next == ':' || (next == '/' && at_or_0(t, i + 2) == '/'))
        return false;
    *out = (cn_lex){.kind = CN_LEX_FIELD,
                    .begin = at,
                    .inner = cn_span_sub(t, at, i - at),
                    .colon = i,
                    .compare = CN_COMPARE_HAS};
    i++;
    bool equal = at_or_0(t, i + 1) == '=';
    if (next == '=') {
        out->compare = CN_COMPARE_IS;
        i++;
    } else if (next == '>') {
        out->compare = equal ? CN_COMPARE_GREATER_EQUAL : CN_COMPARE_GREATER;
        i += equal ? 2 : 1;
    } else if (next == '<') {
        out->compare = equal ? CN_COMPARE_LESS_EQUAL : CN_COMPARE_LESS;
        i += equal ? 2 : 1;
    }
    out->end = i;
    return true;
}

static cn_lex bad(size_t begin, size_t end, const char *problem)
{
    return (cn_lex){.kind = CN_LEX_BAD, .begin = begin, .end = end, .problem = problem};
}

static cn_lex quoted(cn_span t, size_t at)
{
    for (size_t i = at + 1; i < t.len; i++) {
        if (t.p[i] == '\\' && (at_or_0(t, i + 1) == '"' || at_or_0(t, i + 1) == '\\'))
            i++;
        else if (t.p[i] == '"')
            return (cn_lex){.kind = CN_LEX_QUOTED,
                            .begin = at,
                            .end = i + 1,
                            .inner = cn_span_sub(t, at + 1, i - at - 1)};
    }
    return bad(at, t.len, "a quote is opened and not closed");
}

static size_t skip_blanks(cn_span t, size_t i)
{
    while (i < t.len && is_blank(t.p[i]))
        i++;
    return i;
}

/* One bound: to the next blank or closing bracket, or a quoted text. */
static size_t bound(cn_span t, size_t at, cn_span *out)
{
    size_t i = at;
    if (at_or_0(t, i) == '"') {
        cn_lex q = quoted(t, i);
        i = q.kind == CN_LEX_BAD ? at : q.end;
    } else {
        while (i < t.len && !is_blank(t.p[i]) && t.p[i] != ']' && t.p[i] != '}')
            i++;
    }
    *out = cn_span_sub(t, at, i - at);
    return i;
}

static cn_lex range(cn_span t, size_t at)
{
    static const char shape[] = "a range is written [LOW TO HIGH] or {LOW TO HIGH}; it is not";
    cn_lex out = {.kind = CN_LEX_RANGE, .begin = at, .low_in = t.p[at] == '['};
    size_t i = bound(t, skip_blanks(t, at + 1), &out.low);
    out.to = skip_blanks(t, i);
    if (out.low.len == 0 || out.to == i || at_or_0(t, out.to) != 'T' ||
        at_or_0(t, out.to + 1) != 'O' || !is_blank(at_or_0(t, out.to + 2)))
        return bad(at, CN_MAX(i, at + 1), shape);
    i = skip_blanks(t, bound(t, skip_blanks(t, out.to + 2), &out.high));
    if (out.high.len == 0 || (at_or_0(t, i) != ']' && at_or_0(t, i) != '}'))
        return bad(at, CN_MAX(CN_MIN(i, t.len), at + 1), shape);
    out.high_in = t.p[i] == ']';
    out.end = i + 1;
    return out;
}

/* To a blank, a parenthesis or a quote. */
static cn_lex word(cn_span t, size_t at)
{
    size_t i = at;
    while (i < t.len && !is_blank(t.p[i]) && t.p[i] != '(' && t.p[i] != ')' && t.p[i] != '"')
        i += t.p[i] == '\\' && is_special(at_or_0(t, i + 1)) ? 2 : 1;
    i = CN_MIN(i, t.len);
    cn_lex out = {.kind = CN_LEX_WORD, .begin = at, .end = i, .inner = cn_span_sub(t, at, i - at)};
    if (cn_span_is(out.inner, "AND") || cn_span_is(out.inner, "&&"))
        out.kind = CN_LEX_AND;
    else if (cn_span_is(out.inner, "OR") || cn_span_is(out.inner, "||"))
        out.kind = CN_LEX_OR;
    else if (cn_span_is(out.inner, "NOT"))
        out.kind = CN_LEX_NOT;
    return out;
}

cn_lex cn_lex_next(cn_span t, size_t at, bool in_field)
{
    cn_lex out;
    at = skip_blanks(t, at);
    /* Lucene's `+` says what is so anyway. */
    while (!in_field && at_or_0(t, at) == '+' && at_or_0(t, at + 1) &&
           !is_blank(at_or_0(t, at + 1)) && at_or_0(t, at + 1) != ')')
        at++;
    uint8_t c = at_or_0(t, at), next = at_or_0(t, at + 1);
    if (at >= t.len)
        return (cn_lex){.kind = CN_LEX_END, .begin = t.len, .end = t.len};
    if (c == '(' || c == ')')
        return (cn_lex){.kind = c == '(' ? CN_LEX_OPEN : CN_LEX_CLOSE, .begin = at, .end = at + 1};
    if (c == '"')
        return quoted(t, at);
    if (c == '/') {
        size_t end = regex_end(t, at);
        if (end != SIZE_MAX)
            return (cn_lex){.kind = CN_LEX_REGEX,
                            .begin = at,
                            .end = end + 1,
                            .inner = cn_span_sub(t, at + 1, end - at - 1)};
    }
    if (c == '[' || c == '{') {
        if (in_field)
            return range(t, at);
        return bad(at, at + 1,
                   "a range needs a field, and text with brackets needs quotes; "
                   "there is neither");
    }
    if (!in_field && (c == '!' || c == '-') && next && !is_blank(next) && next != ')')
        return (cn_lex){.kind = CN_LEX_NOT, .begin = at, .end = at + 1};
    if (!in_field && field(t, at, &out))
        return out;
    return word(t, at);
}

static size_t put(cn_query_token *out, size_t max, size_t n, cn_query_token_kind kind, size_t begin,
                  size_t end)
{
    if (end > begin) {
        if (n < max)
            out[n] = (cn_query_token){kind, (uint32_t) begin, (uint32_t) end};
        n++;
    }
    return n;
}

static size_t put_range(cn_span t, const cn_lex *l, cn_query_token *out, size_t max, size_t n)
{
    size_t low = (size_t) (l->low.p - t.p), high = (size_t) (l->high.p - t.p);
    n = put(out, max, n, CN_QT_RANGE, l->begin, l->begin + 1);
    n = put(out, max, n, CN_QT_BOUND, low, low + l->low.len);
    n = put(out, max, n, CN_QT_RANGE, l->to, l->to + 2);
    n = put(out, max, n, CN_QT_BOUND, high, high + l->high.len);
    return put(out, max, n, CN_QT_RANGE, l->end - 1, l->end);
}

size_t cn_query_tokens(cn_span text, cn_query_token *out, size_t max)
{
    static const cn_query_token_kind kinds[] = {
        [CN_LEX_OPEN] = CN_QT_PAREN,  [CN_LEX_CLOSE] = CN_QT_PAREN,  [CN_LEX_AND] = CN_QT_OPERATOR,
        [CN_LEX_OR] = CN_QT_OPERATOR, [CN_LEX_NOT] = CN_QT_OPERATOR, [CN_LEX_QUOTED] = CN_QT_PHRASE,
        [CN_LEX_REGEX] = CN_QT_REGEX, [CN_LEX_BAD] = CN_QT_ERROR,
    };
    size_t n = 0;
    bool in_field = false;
    text.len = CN_MIN(text.len, (size_t) CN_QUERY_TEXT_MAX);
    for (cn_lex l = cn_lex_next(text, 0, false); l.kind != CN_LEX_END;
         l = cn_lex_next(text, l.end, in_field)) {
        in_field = l.kind == CN_LEX_FIELD;
        if (l.kind == CN_LEX_FIELD) {
            n = put(out, max, n, CN_QT_FIELD, l.begin, l.colon);
            n = put(out, max, n, CN_QT_COLON, l.colon, l.end);
        } else if (l.kind == CN_LEX_RANGE) {
            n = put_range(text, &l, out, max, n);
        } else if (l.kind == CN_LEX_WORD) {
            bool wild = false;
            for (size_t i = 0; i < l.inner.len && !wild; i++) {
                wild = l.inner.p[i] == '*' || l.inner.p[i] == '?';
                i += l.inner.p[i] == '\\';
            }
            n = put(out, max, n, wild ? CN_QT_WILD : CN_QT_WORD, l.begin, l.end);
        } else {
            n = put(out, max, n, kinds[l.kind], l.begin, l.end);
        }
    }
    return n;
}
