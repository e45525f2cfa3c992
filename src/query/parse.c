/* The grammar, by recursive descent:
 *   or     = and { OR and }
 *   and    = not { [AND] not }
 *   not    = { NOT } term
 *   term   = "(" or ")" | FIELD "(" or ")" | [FIELD] (word | quoted | regex | range) */
#include "query/leaf.h"

#include <stdlib.h>

#define MEMORY_MAX CN_MIB(16) /* of one query's tree */

typedef struct cn_parser_state {
    cn_query *q;
    cn_lex token;
    unsigned depth;
    cn_leaf_field field; /* that of FIELD:( ... ) around, or ANY */
    cn_lex_compare compare;
    cn_err *err;
} state;

static int parse_or(state *s, const cn_query_node **out);

static void next(state *s, bool in_field)
{
    s->token = cn_lex_next(s->q->text, s->token.end, in_field);
}

static int unexpected(state *s)
{
    const cn_lex *t = &s->token;
    size_t at = t->begin;
    switch (t->kind) {
    case CN_LEX_BAD:
        return cn_fail(s->err, CN_E_ARG, at, "%s at %zu", t->problem, at);
    case CN_LEX_END:
        return cn_fail(s->err, CN_E_ARG, at, "the query ends at %zu where a term is expected", at);
    case CN_LEX_AND:
    case CN_LEX_OR:
        return cn_fail(s->err, CN_E_ARG, at,
                       "unexpected '%.*s' at %zu; it joins two terms, and in quotes it is a word",
                       (int) (t->end - t->begin), s->q->text.p + at, at);
    default:
        return cn_fail(s->err, CN_E_ARG, at, "unexpected '%.*s' at %zu",
                       (int) CN_MIN(t->end - t->begin, 40u), s->q->text.p + at, at);
    }
}

static int enter(state *s)
{
    if (++s->depth <= CN_QUERY_DEPTH_MAX)
        return CN_OK;
    return cn_fail(s->err, CN_E_ARG, s->token.begin,
                   "more than %d nested parentheses or NOTs at %zu", CN_QUERY_DEPTH_MAX,
                   s->token.begin);
}

/* The `(` is at hand. */
static int parse_group(state *s, const cn_query_node **out)
{
    size_t opened = s->token.begin;
    int rc = enter(s);
    if (rc < 0)
        return rc;
    next(s, false);
    rc = parse_or(s, out);
    if (rc < 0)
        return rc;
    if (s->token.kind == CN_LEX_END)
        return cn_fail(s->err, CN_E_ARG, opened, "the '(' at %zu is not closed", opened);
    if (s->token.kind != CN_LEX_CLOSE)
        return unexpected(s);
    next(s, false);
    s->depth--;
    return CN_OK;
}

static int parse_exists(state *s, size_t begin, const cn_query_node **out)
{
    const cn_lex *t = &s->token;
    if (t->kind != CN_LEX_WORD && t->kind != CN_LEX_QUOTED)
        return unexpected(s);
    cn_query_node *n;
    cn_leaf_field f;
    int rc = cn_leaf_field_of(s->q, t->inner, &f, s->err);
    if (rc == CN_OK)
        rc = cn_leaf_node(s->q, begin, t->end, &n, s->err);
    if (rc < 0)
        return rc;
    n->kind = CN_Q_EXISTS;
    n->field = f.field;
    n->name = f.name;
    s->q->has_annotations |= f.field >= CN_QF_tag && f.field <= CN_QF_comment;
    *out = n;
    next(s, false);
    return CN_OK;
}

/* What stands behind a field name. */
static int parse_value(state *s, size_t begin, const cn_query_node **out)
{
    switch (s->token.kind) {
    case CN_LEX_OPEN:
        return parse_group(s, out);
    case CN_LEX_AND:
    case CN_LEX_OR:
    case CN_LEX_NOT:
        s->token.kind = CN_LEX_WORD;
        s->token.inner = cn_span_sub(s->q->text, s->token.begin, s->token.end - s->token.begin);
        break;
    case CN_LEX_WORD:
    case CN_LEX_QUOTED:
    case CN_LEX_REGEX:
    case CN_LEX_RANGE:
        break;
    default:
        return unexpected(s);
    }
    int rc = cn_leaf_make(s->q, &s->field, s->compare, &s->token, begin, out, s->err);
    if (rc == CN_OK)
        next(s, false);
    return rc;
}

static int parse_field(state *s, const cn_query_node **out)
{
    cn_lex field = s->token;
    cn_leaf_field outer = s->field;
    cn_lex_compare outer_compare = s->compare;
    next(s, true);
    if (s->token.kind == CN_LEX_END || s->token.kind == CN_LEX_CLOSE)
        return cn_fail(s->err, CN_E_ARG, s->token.begin,
                       "the field '%.*s' needs a value at %zu; with a quoted colon it is a word",
                       (int) CN_MIN(field.inner.len, 60u), (const char *) field.inner.p,
                       s->token.begin);
    if (cn_span_is(field.inner, "_exists_"))
        return parse_exists(s, field.begin, out);
    int rc = cn_leaf_field_of(s->q, field.inner, &s->field, s->err);
    s->compare = field.compare;
    if (rc == CN_OK)
        rc = parse_value(s, field.begin, out);
    s->field = outer;
    s->compare = outer_compare;
    return rc;
}

static int parse_term(state *s, const cn_query_node **out)
{
    switch (s->token.kind) {
    case CN_LEX_OPEN:
        return parse_group(s, out);
    case CN_LEX_FIELD:
        return parse_field(s, out);
    case CN_LEX_WORD:
    case CN_LEX_QUOTED:
    case CN_LEX_REGEX:
        return parse_value(s, s->token.begin, out);
    default:
        return unexpected(s);
    }
}

/* starred:false is NOT starred:true: what has no star is nowhere noted. */
static int mean_unstarred(state *s, const cn_query_node **node)
{
    const cn_query_node *leaf = *node;
    if (leaf->field != CN_QF_starred || !leaf->folded.len ||
        (!cn_span_is(leaf->folded, "false") && !cn_span_is(leaf->folded, "0")))
        return CN_OK;
    cn_query_node *n = NULL, *yes = NULL;
    const cn_query_node **child = cn_arena_alloc(&s->q->arena, sizeof(void *));
    if (!child)
        return cn_fail(s->err, CN_E_NO_MEMORY, CN_NO_OFFSET, "no memory for the query");
    int rc = cn_leaf_node(s->q, leaf->begin, leaf->end, &n, s->err);
    if (rc == CN_OK)
        rc = cn_leaf_node(s->q, leaf->begin, leaf->end, &yes, s->err);
    if (rc < 0 || !n || !yes)
        return rc;
    *yes = *leaf;
    yes->kind = CN_Q_VALUE;
    yes->text = yes->folded = CN_SPAN_LIT("true");
    n->kind = CN_Q_NOT;
    *child = yes;
    n->children = child;
    n->n_children = 1;
    *node = n;
    return CN_OK;
}

static int parse_not(state *s, const cn_query_node **out)
{
    if (s->token.kind != CN_LEX_NOT) {
        int rc = parse_term(s, out);
        return rc < 0 ? rc : mean_unstarred(s, out);
    }
    size_t begin = s->token.begin;
    int rc = enter(s);
    if (rc < 0)
        return rc;
    next(s, false);
    const cn_query_node **child = cn_arena_alloc(&s->q->arena, sizeof *child);
    cn_query_node *n;
    if (!child)
        return cn_fail(s->err, CN_E_NO_MEMORY, CN_NO_OFFSET, "no memory for the query");
    rc = parse_not(s, child);
    if (rc == CN_OK)
        rc = cn_leaf_node(s->q, begin, (*child)->end, &n, s->err);
    if (rc < 0)
        return rc;
    s->depth--;
    n->kind = CN_Q_NOT;
    n->children = child;
    n->n_children = 1;
    *out = n;
    return CN_OK;
}

/* Children in the making: at most CN_QUERY_NODES_MAX. */
typedef struct cn_node_list {
    const cn_query_node **nodes;
    size_t n, capacity;
} node_list;

static int append(state *s, node_list *list, const cn_query_node *node)
{
    if (list->n == list->capacity) {
        size_t capacity = list->capacity ? list->capacity * 2 : 4;
        const cn_query_node **more = cn_arena_alloc(&s->q->arena, capacity * sizeof *more);
        if (!more)
            return cn_fail(s->err, CN_E_NO_MEMORY, CN_NO_OFFSET, "no memory for the query");
        if (list->n)
            memcpy(more, list->nodes, list->n * sizeof *more);
        list->nodes = more;
        list->capacity = capacity;
    }
    list->nodes[list->n++] = node;
    return CN_OK;
}

/* One node for several, itself where it is one. */
static int join(state *s, const node_list *list, cn_query_kind kind, const cn_query_node **out)
{
    if (list->n == 1) {
        *out = list->nodes[0];
        return CN_OK;
    }
    cn_query_node *n;
    int rc = cn_leaf_node(s->q, list->nodes[0]->begin, list->nodes[list->n - 1]->end, &n, s->err);
    if (rc < 0)
        return rc;
    n->kind = kind;
    n->children = list->nodes;
    n->n_children = list->n;
    *out = n;
    return CN_OK;
}

static int parse_and(state *s, const cn_query_node **out)
{
    node_list list = {0};
    for (;;) {
        const cn_query_node *node;
        int rc = parse_not(s, &node);
        if (rc == CN_OK)
            rc = append(s, &list, node);
        if (rc < 0)
            return rc;
        if (s->token.kind == CN_LEX_AND)
            next(s, false);
        else if (s->token.kind == CN_LEX_END || s->token.kind == CN_LEX_OR ||
                 s->token.kind == CN_LEX_CLOSE)
            return join(s, &list, CN_Q_AND, out);
    }
}

static int parse_or(state *s, const cn_query_node **out)
{
    node_list list = {0};
    for (;;) {
        const cn_query_node *node;
        int rc = parse_and(s, &node);
        if (rc == CN_OK)
            rc = append(s, &list, node);
        if (rc < 0)
            return rc;
        if (s->token.kind != CN_LEX_OR)
            return join(s, &list, CN_Q_OR, out);
        next(s, false);
    }
}

int cn_query_parse(cn_span text, cn_query **out, cn_err *err)
{
    if (text.len > CN_QUERY_TEXT_MAX)
        return cn_fail(err, CN_E_ARG, CN_QUERY_TEXT_MAX, "the query has more than %d bytes",
                       (int) CN_QUERY_TEXT_MAX);
    CN_CLEANUP(cn_query_free_p) cn_query *q = calloc(1, sizeof *q);
    if (!q)
        return cn_fail(err, CN_E_NO_MEMORY, CN_NO_OFFSET, "no memory for the query");
    q->arena = cn_arena_of(MEMORY_MAX);
    char *copy = cn_arena_copy(&q->arena, text);
    if (!copy)
        return cn_fail(err, CN_E_NO_MEMORY, CN_NO_OFFSET, "no memory for the query");
    q->text = cn_span_of(copy, text.len);
    state s = {.q = q, .err = err};
    next(&s, false);
    int rc;
    if (s.token.kind == CN_LEX_END) {
        cn_query_node *all;
        rc = cn_leaf_node(q, 0, text.len, &all, err);
        if (rc < 0)
            return rc;
        all->kind = CN_Q_ALL;
        q->root = all;
    } else {
        rc = parse_or(&s, &q->root);
        if (rc < 0)
            return rc;
        if (s.token.kind != CN_LEX_END)
            return unexpected(&s);
    }
    cn_tokens_free(&q->tokens);
    *out = CN_TAKE(q);
    return CN_OK;
}

cn_query *cn_query_free(cn_query *q)
{
    if (q) {
        for (size_t i = 0; i < q->n_regexes; i++)
            cn_regex_free(q->regexes[i]);
        cn_tokens_free(&q->tokens);
        cn_arena_free(&q->arena);
        free(q);
    }
    return NULL;
}

const cn_query_node *cn_query_root(const cn_query *q) { return q->root; }
cn_span cn_query_text(const cn_query *q) { return q->text; }
bool cn_query_has_annotations(const cn_query *q) { return q->has_annotations; }
