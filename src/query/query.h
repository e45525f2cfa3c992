/* The query language: text to a tree that knows no store (docs/query-language.md). The segment
 * store and the plain scan run the same tree. A query is immutable once parsed; threads may share
 * it. */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "event/event.h"

#define CN_QUERY_TEXT_MAX  CN_KIB(64) /* bytes of a query */
#define CN_QUERY_DEPTH_MAX 100        /* nested parentheses and NOTs */
#define CN_QUERY_NODES_MAX 4096

/* What a leaf looks at: CN_QF(name). RECORD is a field of the record, by name. */
#define CN_QUERY_FIELDS(X)                                                                         \
    X(message)                                                                                     \
    X(data_type)                                                                                   \
    X(timestamp_desc)                                                                              \
    X(path)                                                                                        \
    X(inode)                                                                                       \
    X(volume)                                                                                      \
    X(image)                                                                                       \
    X(stream)                                                                                      \
    X(parser)                                                                                      \
    X(datetime)                                                                                    \
    X(timestamp)                                                                                   \
    X(offset)                                                                                      \
    X(length)                                                                                      \
    X(event_id)                                                                                    \
    X(timeline)                                                                                    \
    X(system)                                                                                      \
    X(tag)                                                                                         \
    X(label)                                                                                       \
    X(starred)                                                                                     \
    X(comment)
typedef enum cn_query_field {
    CN_QF_ANY,    /* no field named: the message, every text field of the record, and the path */
    CN_QF_RECORD, /* node->name */
#define CN_QF_ID(name) CN_QF_##name,
    CN_QUERY_FIELDS(CN_QF_ID)
#undef CN_QF_ID
        CN_QF_COUNT
} cn_query_field;

/* Of a built-in name, CN_QF_RECORD for any other. */
cn_query_field cn_query_field_by_name(cn_span name);
/* NULL for ANY and RECORD. */
const char *cn_query_field_name(cn_query_field field);

typedef enum cn_query_kind {
    CN_Q_ALL, /* `*` */
    CN_Q_AND,
    CN_Q_OR,
    CN_Q_NOT,
    CN_Q_WORD,   /* tokens[0], one whole token */
    CN_Q_PHRASE, /* tokens, the part tokens in a row */
    CN_Q_VALUE,  /* the whole value equals `folded` */
    CN_Q_GLOB, /* `folded` with * and ? (CN_GLOB_*): a token, the whole value, or, see `unanchored`
                */
    CN_Q_RANGE,
    CN_Q_REGEX,
    CN_Q_EXISTS,
} cn_query_kind;

/* In `folded` of a GLOB the wildcards are these bytes, which are not in UTF-8. */
#define CN_GLOB_ANY 0xffu /* any run of characters */
#define CN_GLOB_ONE 0xfeu /* any one character */

/* An address with its prefix length, IPv4 as ::ffff:a.b.c.d. */
typedef struct cn_network {
    uint8_t address[16];
    uint8_t bits;
} cn_network;

typedef struct cn_query_bound {
    bool set, inclusive;
    cn_span text; /* folded */
    bool is_number;
    int64_t number;
    bool is_address;
    uint8_t address[16];
} cn_query_bound;

typedef struct cn_query_node {
    cn_query_kind kind;
    uint32_t begin, end; /* bytes of the query text it was made from */
    /* AND, OR: two or more; NOT: one */
    const struct cn_query_node *const *children;
    size_t n_children;
    /* of leaves */
    cn_query_field field;
    cn_span name;   /* of a RECORD field */
    cn_span text;   /* as meant: escapes resolved */
    cn_span folded; /* the same, case-folded */
    const cn_span *tokens;
    size_t n_tokens;
    bool whole;      /* GLOB: the whole value only, not a token (`:=`, `.keyword`, quotes) */
    bool unanchored; /* GLOB: holds what no token holds, so is looked for anywhere in a text */
    bool is_number;  /* the text is an integer: an integer field equals it */
    int64_t number;
    bool is_network; /* the text is an address or a CIDR network */
    cn_network network;
    cn_query_bound low, high;      /* RANGE; of numbers, addresses and texts */
    bool time_empty;               /* RANGE over times: nothing can be in it */
    int64_t time_first, time_last; /* datetime, timestamp: inclusive nanoseconds */
    const struct cn_regex *regex;  /* REGEX: query/regex.h */
} cn_query_node;

typedef struct cn_query cn_query;

/* Parses. An empty text is ALL. On failure CN_E_ARG: err->text says what is wrong and what to do
 * ("unexpected ')' at 14"), err->offset is the byte position in the text. *out is owned. */
int cn_query_parse(cn_span text, cn_query **out, cn_err *err) CN_MUST_USE;
cn_query *cn_query_free(cn_query *query);
CN_DEFINE_CLEANUP(cn_query, cn_query_free)
const cn_query_node *cn_query_root(const cn_query *query);
cn_span cn_query_text(const cn_query *query);
/* True where a leaf looks at tag, label, starred or comment. */
bool cn_query_has_annotations(const cn_query *query);
/* The tree on one line, for tests and `--explain`: (AND message:word(sshd) (NOT ...)). */
void cn_query_dump(cn_buf *out, const cn_query_node *node);

/* Appends `field:="value"`, which finds exactly the events whose field has this value, as a facet
 * shows it. */
void cn_query_put_filter(cn_buf *out, cn_span field, cn_span value);

/* For syntax colours and completion: the text cut into tokens, blanks left out. Never fails: what
 * cannot be is ERROR. */
typedef enum cn_query_token_kind {
    CN_QT_WORD,
    CN_QT_FIELD,    /* name before its colon, the colon (`:`, `:=`, `:>=` ...) not included */
    CN_QT_COLON,    /* `:` `:=` `:>` `:>=` `:<` `:<=` */
    CN_QT_OPERATOR, /* AND OR NOT && || ! - */
    CN_QT_PAREN,
    CN_QT_PHRASE, /* with its quotes */
    CN_QT_REGEX,  /* with its slashes */
    CN_QT_RANGE,  /* [ ] { } and TO */
    CN_QT_BOUND,
    CN_QT_WILD, /* a word that holds * or ? */
    CN_QT_ERROR,
} cn_query_token_kind;
typedef struct cn_query_token {
    cn_query_token_kind kind;
    uint32_t begin, end; /* bytes */
} cn_query_token;
/* Writes at most max tokens, returns how many there are. */
size_t cn_query_tokens(cn_span text, cn_query_token *out, size_t max);
