#include "cli/options.h"

#include "base/text.h"

#include <stdio.h>

cn_args cn_args_of(int argc, char **argv) { return (cn_args){.argc = argc, .argv = argv}; }

int cn_args_next(cn_args *args, cn_err *err)
{
    (void) err;
    args->word = args->positional = args->given = NULL;
    if (++args->at >= args->argc)
        return 0;
    const char *word = args->argv[args->at];
    if (!args->flags_ended && strcmp(word, "--") == 0) {
        args->flags_ended = true;
        return cn_args_next(args, err);
    }
    if (args->flags_ended || word[0] != '-' || word[1] == '\0') {
        args->positional = word;
        return 1;
    }
    args->word = word;
    const char *equals = strchr(word, '=');
    args->given = equals ? equals + 1 : NULL;
    return 1;
}

static bool is(const cn_args *args, const char *name)
{
    size_t n = strlen(name);
    return args->word && strncmp(args->word, name, n) == 0 &&
           (args->word[n] == '\0' || args->word[n] == '=');
}

bool cn_args_text(cn_args *args, const char *name, const char **out)
{
    if (!is(args, name))
        return false;
    const char *value = args->given;
    if (!value && args->at + 1 < args->argc)
        value = args->argv[++args->at];
    if (value) {
        *out = value;
    } else {
        args->failed = true;
        snprintf(args->problem, sizeof args->problem, "%s needs a value", name);
    }
    return true;
}

bool cn_args_number(cn_args *args, const char *name, unsigned min, unsigned max, unsigned *out)
{
    const char *text = NULL;
    uint64_t value = 0;
    if (!cn_args_text(args, name, &text))
        return false;
    if (!text)
        return true;
    if (cn_text_u64(cn_span_str(text), &value) && value >= min && value <= max) {
        *out = (unsigned) value;
    } else {
        args->failed = true;
        snprintf(args->problem, sizeof args->problem, "%s %.60s: a number from %u to %u", name,
                 text, min, max);
    }
    return true;
}

bool cn_args_flag(cn_args *args, const char *name, bool *out)
{
    if (!is(args, name))
        return false;
    *out = true;
    if (args->given) {
        args->failed = true;
        snprintf(args->problem, sizeof args->problem, "%s takes no value", name);
    }
    return true;
}

int cn_args_failed(const cn_args *args, cn_err *err)
{
    return cn_fail(err, CN_E_ARG, CN_NO_OFFSET, "%s", args->problem);
}

int cn_args_unknown(const cn_args *args, cn_err *err)
{
    return cn_fail(err, CN_E_ARG, CN_NO_OFFSET, "there is no option %.60s", args->word);
}
