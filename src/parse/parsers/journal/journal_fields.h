/* What a journal's field is in an event: its place in the vocabulary, or its own name. */
#pragma once

#include "parse/parser.h"

typedef enum journal_kind {
    JOURNAL_FIELD,   /* of the event */
    JOURNAL_MESSAGE, /* the event's message */
    JOURNAL_NOTHING, /* cannot be read, is no NAME=value, or known to be text and empty */
} journal_kind;

enum { JOURNAL_CUT = 1, JOURNAL_HASH_WRONG = 2, JOURNAL_BINARY = 4, JOURNAL_UNREADABLE = 8 };

typedef struct journal_value {
    journal_kind kind;
    unsigned notes; /* JOURNAL_CUT, ... */
    cn_field field; /* of a message: its text */
} journal_value;

/* The names that a file uses, each looked up once. One owner. */
typedef struct journal_names {
    struct journal_name *slots;
    size_t used;
    cn_arena arena;
} journal_names;

/* False without memory. */
CN_MUST_USE bool journal_names_open(journal_names *n);
void journal_names_close(journal_names *n);

/* Reads NAME=value. Known trusted names (_PID, ...) become the vocabulary's fields; all others keep
 * their name in lower case without leading underscores, with "journal_" in front where the vocabulary
 * means something else by it. The value is copied into the arena where `copy`; else it is the
 * payload's; the name lives as long as `names`, or in the arena. False without memory. */
CN_MUST_USE bool journal_value_read(journal_names *names, cn_span payload, bool copy,
                                    cn_arena *arena, journal_value *out);
