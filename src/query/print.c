/* Queries as text: the tree for people who look into it, and filters that are put together. */
#include "query/query.h"

static void put_pattern(cn_buf *out, cn_span text)
{
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.p[i];
        cn_buf_char(out, (char) (c == CN_GLOB_ANY ? '*' : c == CN_GLOB_ONE ? '?' : c));
    }
}

static void put_bound(cn_buf *out, const cn_query_bound *b)
{
    if (b->set)
        cn_buf_bytes(out, b->text);
    else
        cn_buf_char(out, '*');
}

static void dump_leaf(cn_buf *out, const cn_query_node *n)
{
    static const char *const kinds[] = {
        [CN_Q_WORD] = "word",     [CN_Q_PHRASE] = "phrase", [CN_Q_VALUE] = "value",
        [CN_Q_GLOB] = "glob",     [CN_Q_RANGE] = "range",   [CN_Q_REGEX] = "regex",
        [CN_Q_EXISTS] = "exists",
    };
    const char *field = cn_query_field_name(n->field);
    if (n->field == CN_QF_RECORD)
        cn_buf_bytes(out, n->name);
    else
        cn_buf_str(out, field ? field : "*");
    cn_buf_printf(out, ":%s", kinds[n->kind]);
    if (n->kind == CN_Q_GLOB && (n->whole || n->unanchored))
        cn_buf_str(out, n->whole ? "-whole" : "-anywhere");
    if (n->kind == CN_Q_EXISTS)
        return;
    cn_buf_char(out, '(');
    if (n->kind == CN_Q_RANGE && (n->field == CN_QF_datetime || n->field == CN_QF_timestamp)) {
        if (n->time_empty)
            cn_buf_str(out, "none");
        else
            cn_buf_printf(out, "%lld %lld", (long long) n->time_first, (long long) n->time_last);
    } else if (n->kind == CN_Q_RANGE) {
        cn_buf_char(out, n->low.inclusive ? '[' : '{');
        put_bound(out, &n->low);
        cn_buf_char(out, ' ');
        put_bound(out, &n->high);
        cn_buf_char(out, n->high.inclusive ? ']' : '}');
    } else if (n->kind == CN_Q_WORD || n->kind == CN_Q_PHRASE) {
        for (size_t i = 0; i < n->n_tokens; i++) {
            if (i)
                cn_buf_char(out, ' ');
            cn_buf_bytes(out, n->tokens[i]);
        }
    } else {
        put_pattern(out, n->kind == CN_Q_REGEX ? n->text : n->folded);
    }
    cn_buf_char(out, ')');
}

void cn_query_dump(cn_buf *out, const cn_query_node *n)
{
    static const char *const joins[] = {
        [CN_Q_AND] = "(AND", [CN_Q_OR] = "(OR", [CN_Q_NOT] = "(NOT"};
    if (n->kind == CN_Q_ALL) {
        cn_buf_str(out, "*");
    } else if (n->n_children) {
        cn_buf_str(out, joins[n->kind]);
        for (size_t i = 0; i < n->n_children; i++) {
            cn_buf_char(out, ' ');
            cn_query_dump(out, n->children[i]);
        }
        cn_buf_char(out, ')');
    } else {
        dump_leaf(out, n);
    }
}

void cn_query_put_filter(cn_buf *out, cn_span field, cn_span value)
{
    cn_buf_bytes(out, field);
    cn_buf_str(out, ":=\"");
    for (size_t i = 0; i < value.len; i++) {
        if (memchr("\"\\*?", value.p[i], 4))
            cn_buf_char(out, '\\');
        cn_buf_char(out, (char) value.p[i]);
    }
    cn_buf_char(out, '"');
}
