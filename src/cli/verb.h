/* A verb of the command line. argv[0] is the verb's own name. Returns the exit status (cn_exit). */
#pragma once

#include "base/err.h"

enum cn_exit {
    CN_EXIT_OK = 0,
    CN_EXIT_WARNINGS = 1, /* done, with warnings about evidence; with --strict only */
    CN_EXIT_USAGE = 2,
    CN_EXIT_FAILED = 3,
};

#define CN_VERB(name, usage, what) int cn_verb_##name(int argc, char **argv);
#include "cli/verbs.def"
#undef CN_VERB

/* Prints the error as one line on standard error and gives the exit status that fits its code. */
int cn_verb_failed(const cn_err *err);
/* "cairn VERB: TEXT; see cairn help VERB" on standard error; CN_EXIT_USAGE. */
int cn_verb_usage(const char *verb, const char *format, ...) CN_PRINTF(2, 3);
