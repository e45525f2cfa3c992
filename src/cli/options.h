/* The words of a verb's command line, flags in any order: --name VALUE or --name=VALUE. The words are
 * borrowed from argv. */
#pragma once

#include "base/err.h"

typedef struct cn_args {
    int argc, at;
    char **argv;
    const char *word;       /* the flag at hand */
    const char *positional; /* the word at hand where it is no flag, else NULL */
    const char *given;      /* behind its '=', NULL where there is none */
    bool flags_ended;       /* after "--" */
    bool failed;
    char problem[256];
} cn_args;

/* argv[0] is the verb and passed over. */
cn_args cn_args_of(int argc, char **argv);
/* 1: a word is at hand; 0: no more. */
int cn_args_next(cn_args *args, cn_err *err) CN_MUST_USE;

/* True where the word at hand is this flag: its value is taken. A value that is lacking or wrong sets
 * `failed`; the caller asks once per word. */
bool cn_args_text(cn_args *args, const char *name, const char **out);
bool cn_args_number(cn_args *args, const char *name, unsigned min, unsigned max, unsigned *out);
bool cn_args_flag(cn_args *args, const char *name, bool *out);

/* CN_E_ARG with what was wrong; for a flag that nobody has taken. */
int cn_args_failed(const cn_args *args, cn_err *err);
int cn_args_unknown(const cn_args *args, cn_err *err);
