#include "query/regex.h"

#include "base/text.h"

#include <stdlib.h>
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

enum {
    POOL = 16,             /* threads that keep their match memory between calls */
    MATCH_LIMIT = 1000000, /* steps of one match: milliseconds */
    NEST_LIMIT = 100,
    JIT_STACK_BYTES = 1 << 20,
    HEAP_LIMIT_KIB = 20000, /* of the interpreter, where there is no JIT */
};

/* The memory of one match at a time. */
typedef struct cn_regex_memory {
    pcre2_match_data *data;
    pcre2_match_context *context;
    pcre2_jit_stack *stack;
} regex_memory;

struct cn_regex {
    pcre2_code *code;
    /* For values of ASCII alone, where it means the same and runs up to five times as fast: without
     * UTF, [a-z] need not think of the Kelvin sign. NULL where the expression is not ASCII. */
    pcre2_code *ascii;
    bool jit;
    char literal[64];
    regex_memory *pool[POOL]; /* atomic */
};

static regex_memory *memory_free(regex_memory *m)
{
    if (m) {
        pcre2_match_data_free(m->data);
        pcre2_match_context_free(m->context);
        pcre2_jit_stack_free(m->stack);
        free(m);
    }
    return NULL;
}

static regex_memory *memory_new(const cn_regex *re)
{
    regex_memory *m = calloc(1, sizeof *m);
    if (!m)
        return NULL;
    m->data = pcre2_match_data_create(1, NULL);
    m->context = pcre2_match_context_create(NULL);
    if (re->jit)
        m->stack = pcre2_jit_stack_create(32 * 1024, JIT_STACK_BYTES, NULL);
    if (!m->data || !m->context || (re->jit && !m->stack))
        return memory_free(m);
    pcre2_set_match_limit(m->context, MATCH_LIMIT);
    pcre2_set_depth_limit(m->context, MATCH_LIMIT);
    pcre2_set_heap_limit(m->context, HEAP_LIMIT_KIB);
    if (re->jit)
        pcre2_jit_stack_assign(m->context, NULL, m->stack);
    return m;
}

/* Where group at p (a `(`) ends: behind its `)`. Classes and escapes in it are passed over. */
static size_t after_class(cn_span p, size_t i)
{
    i++;
    if (i < p.len && p.p[i] == '^')
        i++;
    if (i < p.len && p.p[i] == ']')
        i++;
    while (i < p.len && p.p[i] != ']')
        i += p.p[i] == '\\' ? 2 : p.p[i] == '[' && i + 1 < p.len && p.p[i + 1] == ':' ? 2 : 1;
    return i + 1;
}

static size_t after_group(cn_span p, size_t i)
{
    size_t depth = 0;
    while (i < p.len) {
        if (p.p[i] == '\\') {
            i += 2;
        } else if (p.p[i] == '[') {
            i = after_class(p, i);
        } else {
            depth += p.p[i] == '(';
            depth -= p.p[i] == ')';
            i++;
            if (depth == 0)
                return i;
        }
    }
    return p.len;
}

typedef struct cn_literal_run {
    char best[64], run[64];
    size_t best_len, len;
} literal_run;

static void end_run(literal_run *r)
{
    if (r->len > r->best_len) {
        memcpy(r->best, r->run, r->len);
        r->best_len = r->len;
    }
    r->len = 0;
}

/* Finds a text that every match holds. Knows the plain things only, and gives up on the rest: then
 * there is no literal. */
static void find_literal(cn_regex *re, cn_span p)
{
    literal_run r = {.len = 0};
    for (size_t i = 0; i < p.len;) {
        uint8_t c = p.p[i];
        uint8_t literal = 0;
        if (c == '|' || c == '#' || c >= 0x80 || (c == '(' && i + 1 < p.len && p.p[i + 1] == '*'))
            return;
        if (c == '(') {
            if (i + 2 < p.len && p.p[i + 1] == '?' && p.p[i + 2] != ':')
                return;
            end_run(&r);
            i = after_group(p, i);
            continue;
        }
        if (c == '[') {
            end_run(&r);
            i = after_class(p, i);
            continue;
        }
        if (c == '\\') {
            uint8_t e = i + 1 < p.len ? p.p[i + 1] : 0;
            if (e < 0x80 && !cn_is_alpha(e) && !cn_is_digit(e) && e > ' ')
                literal = e;
            else if (memchr("dDwWsSbB", e, 8) == NULL)
                return;
            i += 2;
        } else if (c == '*' || c == '?' || c == '+' || c == '{') {
            /* A `{` that opens no quantifier is taken for one: that only shortens. */
            if (c != '+' && r.len)
                r.len--;
            end_run(&r);
            i++;
            if (c == '{')
                while (i < p.len && p.p[i - 1] != '}')
                    i++;
            continue;
        } else {
            if (c != '.' && c != '^' && c != '$')
                literal = cn_lower(c);
            i++;
        }
        if (literal == 0) {
            end_run(&r);
        } else {
            if (r.len == sizeof r.run - 1)
                end_run(&r);
            r.run[r.len++] = (char) literal;
        }
    }
    end_run(&r);
    if (r.best_len)
        memcpy(re->literal, r.best, r.best_len);
}

static bool is_ascii(cn_span text)
{
    uint64_t all = 0, word;
    size_t i = 0;
    for (; i + sizeof word <= text.len; i += sizeof word) {
        memcpy(&word, text.p + i, sizeof word);
        all |= word;
    }
    for (; i < text.len; i++)
        all |= text.p[i];
    return (all & UINT64_C(0x8080808080808080)) == 0;
}

/* NULL where it cannot be without UTF. */
static pcre2_code *compile_ascii(cn_span pattern)
{
    int code;
    PCRE2_SIZE at;
    pcre2_code *re =
        pcre2_compile(pattern.p ? pattern.p : (PCRE2_SPTR) "", pattern.len,
                      PCRE2_CASELESS | PCRE2_NEVER_BACKSLASH_C | PCRE2_NEVER_UTF, &code, &at, NULL);
    if (re && pcre2_jit_compile(re, PCRE2_JIT_COMPLETE) != 0) {
        pcre2_code_free(re);
        return NULL;
    }
    return re;
}

int cn_regex_compile(cn_span pattern, cn_regex **out, cn_err *err)
{
    if (pattern.len > CN_REGEX_TEXT_MAX)
        return cn_fail(err, CN_E_ARG, 0, "a regular expression of more than %u bytes",
                       CN_REGEX_TEXT_MAX);
    pcre2_compile_context *context = pcre2_compile_context_create(NULL);
    cn_regex *re = calloc(1, sizeof *re);
    if (!re || !context) {
        free(re);
        pcre2_compile_context_free(context);
        return cn_fail(err, CN_E_NO_MEMORY, CN_NO_OFFSET, "no memory for a regular expression");
    }
    pcre2_set_parens_nest_limit(context, NEST_LIMIT);
    int code;
    PCRE2_SIZE at;
    re->code = pcre2_compile(pattern.p ? pattern.p : (PCRE2_SPTR) "", pattern.len,
                             PCRE2_CASELESS | PCRE2_UTF | PCRE2_MATCH_INVALID_UTF |
                                 PCRE2_NEVER_BACKSLASH_C,
                             &code, &at, context);
    pcre2_compile_context_free(context);
    if (!re->code) {
        PCRE2_UCHAR text[160];
        pcre2_get_error_message(code, text, sizeof text);
        free(re);
        return cn_fail(err, CN_E_ARG, at, "%s", (const char *) text);
    }
    re->jit = pcre2_jit_compile(re->code, PCRE2_JIT_COMPLETE) == 0;
    if (re->jit && is_ascii(pattern))
        re->ascii = compile_ascii(pattern);
    find_literal(re, pattern);
    *out = re;
    return CN_OK;
}

cn_regex *cn_regex_free(cn_regex *re)
{
    if (re) {
        for (size_t i = 0; i < POOL; i++)
            memory_free(re->pool[i]);
        pcre2_code_free(re->code);
        pcre2_code_free(re->ascii);
        free(re);
    }
    return NULL;
}

/* The pool is the one thing that changes behind a shared regex; its slots are swapped atomically.
 */
static regex_memory *take(const cn_regex *re)
{
    cn_regex *shared = (cn_regex *) (uintptr_t) re;
    for (size_t i = 0; i < POOL; i++) {
        regex_memory *m = __atomic_exchange_n(&shared->pool[i], NULL, __ATOMIC_ACQ_REL);
        if (m)
            return m;
    }
    return memory_new(re);
}

static void give_back(const cn_regex *re, regex_memory *m)
{
    cn_regex *shared = (cn_regex *) (uintptr_t) re;
    for (size_t i = 0; i < POOL && m; i++) {
        regex_memory *none = NULL;
        if (__atomic_compare_exchange_n(&shared->pool[i], &none, m, false, __ATOMIC_ACQ_REL,
                                        __ATOMIC_RELAXED))
            m = NULL;
    }
    memory_free(m);
}

int cn_regex_search(const cn_regex *re, cn_span value, cn_err *err)
{
    PCRE2_SPTR text = value.p ? value.p : (PCRE2_SPTR) "";
    regex_memory *m = take(re);
    if (!m)
        return cn_fail(err, CN_E_NO_MEMORY, CN_NO_OFFSET, "no memory for a regular expression");
    const pcre2_code *code = re->ascii && is_ascii(value) ? re->ascii : re->code;
    int rc = re->jit ? pcre2_jit_match(code, text, value.len, 0, 0, m->data, m->context)
                     : pcre2_match(re->code, text, value.len, 0, 0, m->data, m->context);
    give_back(re, m);
    if (rc >= 0)
        return 1;
    if (rc == PCRE2_ERROR_NOMATCH)
        return 0;
    return cn_fail(err, CN_E_LIMIT, CN_NO_OFFSET,
                   "the regular expression needs too many steps on a value of %zu bytes; "
                   "make its repeats less nested",
                   value.len);
}

cn_span cn_regex_literal(const cn_regex *re) { return cn_span_str(re->literal); }
