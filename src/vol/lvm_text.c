#include "vol/lvm_text.h"

#include "base/text.h"

typedef struct reader {
    cn_span text;
    size_t pos;
    uint64_t origin;
    cn_arena *arena;
    uint32_t nodes;
    cn_err *err;
} reader;

static int fail(reader *r, const char *what)
{
    return cn_fail(r->err, CN_E_CORRUPT, r->origin + r->pos, "LVM metadata: %s", what);
}

/* The next byte that is neither blank nor comment; 0 at the end. */
static char peek(reader *r)
{
    while (r->pos < r->text.len) {
        char c = (char) r->text.p[r->pos];
        if (c == '#')
            while (r->pos < r->text.len && r->text.p[r->pos] != '\n')
                r->pos++;
        else if (c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == ',')
            r->pos++;
        else
            return c;
    }
    return 0;
}

static bool is_key(uint8_t c) { return cn_is_alpha(c) || cn_is_digit(c) || strchr("_.+-/", c); }

static int new_node(reader *r, cn_lvm_kind kind, const char *key, cn_lvm_node **out)
{
    cn_lvm_node *node =
        ++r->nodes <= CN_LVM_NODES_MAX ? cn_arena_alloc(r->arena, sizeof *node) : NULL;
    if (!node)
        return cn_fail(r->err, CN_E_LIMIT, r->origin + r->pos, "LVM metadata: too large");
    *node = (cn_lvm_node){.kind = kind, .key = key, .text = ""};
    *out = node;
    return CN_OK;
}

static int copy(reader *r, cn_span bytes, const char **out)
{
    *out = cn_arena_copy(r->arena, bytes);
    return *out ? CN_OK
                : cn_fail(r->err, CN_E_LIMIT, r->origin + r->pos, "LVM metadata: too large");
}

static int read_text(reader *r, const char *key, cn_lvm_node **out)
{
    size_t from = ++r->pos;
    while (r->pos < r->text.len && r->text.p[r->pos] != '"')
        r->pos += r->text.p[r->pos] == '\\' && r->pos + 1 < r->text.len ? 2 : 1;
    if (r->pos >= r->text.len)
        return fail(r, "a text without an end");
    int code = new_node(r, CN_LVM_TEXT, key, out);
    if (code == CN_OK)
        code = copy(r, cn_span_sub(r->text, from, r->pos - from), &(*out)->text);
    r->pos++;
    return code;
}

static int read_number(reader *r, const char *key, cn_lvm_node **out)
{
    size_t from = r->pos;
    while (r->pos < r->text.len && (cn_is_digit(r->text.p[r->pos]) || r->text.p[r->pos] == '-'))
        r->pos++;
    int code = new_node(r, CN_LVM_NUMBER, key, out);
    if (code != CN_OK)
        return code;
    /* Negative numbers stand nowhere that is read: they count as none. */
    if (!cn_text_u64(cn_span_sub(r->text, from, r->pos - from), &(*out)->number) &&
        r->text.p[from] != '-')
        return fail(r, "what should be a number");
    return CN_OK;
}

static int read_scalar(reader *r, const char *key, cn_lvm_node **out)
{
    char c = peek(r);
    if (c == '"')
        return read_text(r, key, out);
    if (cn_is_digit((uint8_t) c) || c == '-')
        return read_number(r, key, out);
    return fail(r, "a value that is none");
}

static int read_list(reader *r, const char *key, cn_lvm_node **out)
{
    int code = new_node(r, CN_LVM_LIST, key, out);
    if (code != CN_OK)
        return code;
    cn_lvm_node **end = &(*out)->first;
    r->pos++;
    for (char c; (c = peek(r)) != ']';) {
        if (!c)
            return fail(r, "a list without an end");
        if ((code = read_scalar(r, "", end)) != CN_OK)
            return code;
        end = &(*end)->next;
    }
    r->pos++;
    return CN_OK;
}

static int read_section(reader *r, const char *key, unsigned depth, cn_lvm_node **out);

static int read_item(reader *r, unsigned depth, cn_lvm_node **out)
{
    size_t from = r->pos;
    while (r->pos < r->text.len && is_key(r->text.p[r->pos]))
        r->pos++;
    if (r->pos == from)
        return fail(r, "a name that is none");
    const char *key;
    int code = copy(r, cn_span_sub(r->text, from, r->pos - from), &key);
    if (code != CN_OK)
        return code;
    char c = peek(r);
    if (c == '{') {
        r->pos++;
        return read_section(r, key, depth + 1, out);
    }
    if (c != '=')
        return fail(r, "a name without a value");
    r->pos++;
    return peek(r) == '[' ? read_list(r, key, out) : read_scalar(r, key, out);
}

/* Up to the closing brace; the outermost one up to the end of the text. */
static int read_section(reader *r, const char *key, unsigned depth, cn_lvm_node **out)
{
    if (depth > CN_LVM_DEPTH_MAX)
        return fail(r, "sections too deep in each other");
    int code = new_node(r, CN_LVM_SECTION, key, out);
    if (code != CN_OK)
        return code;
    cn_lvm_node **end = &(*out)->first;
    for (char c; (c = peek(r)) != '}';) {
        if (!c)
            return depth == 0 ? CN_OK : fail(r, "a section without an end");
        if ((code = read_item(r, depth, end)) != CN_OK)
            return code;
        end = &(*end)->next;
    }
    if (depth == 0)
        return fail(r, "a brace that closes nothing");
    r->pos++;
    return CN_OK;
}

int cn_lvm_parse(cn_span text, uint64_t origin, cn_arena *arena, const cn_lvm_node **out,
                 cn_err *err)
{
    const uint8_t *end = text.len ? memchr(text.p, 0, text.len) : NULL;
    if (end)
        text.len = (size_t) (end - text.p);
    reader r = {.text = text, .origin = origin, .arena = arena, .err = err};
    cn_lvm_node *root = NULL;
    int code = read_section(&r, "", 0, &root);
    if (code == CN_OK)
        *out = root;
    return code;
}

const cn_lvm_node *cn_lvm_get(const cn_lvm_node *section, const char *key, cn_lvm_kind kind)
{
    if (section && section->kind == CN_LVM_SECTION)
        for (const cn_lvm_node *n = section->first; n; n = n->next)
            if (n->kind == kind && strcmp(n->key, key) == 0)
                return n;
    return NULL;
}

const char *cn_lvm_get_text(const cn_lvm_node *section, const char *key)
{
    const cn_lvm_node *n = cn_lvm_get(section, key, CN_LVM_TEXT);
    return n ? n->text : "";
}

bool cn_lvm_get_number(const cn_lvm_node *section, const char *key, uint64_t *out)
{
    const cn_lvm_node *n = cn_lvm_get(section, key, CN_LVM_NUMBER);
    if (n)
        *out = n->number;
    return n != NULL;
}
