#include "cli/verb.h"

#include "base/log.h"

#include <stdio.h>

#include <stdarg.h>

int cn_verb_failed(const cn_err *err)
{
    if (err->offset == CN_NO_OFFSET)
        cn_log_error("%s", err->text);
    else
        cn_log_error("%s (at offset %llu)", err->text, (unsigned long long) err->offset);
    return err->code == CN_E_ARG ? CN_EXIT_USAGE : CN_EXIT_FAILED;
}

int cn_verb_usage(const char *verb, const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    cn_log_error("%s: %s; see: cairn help %s", verb, text, verb);
    return CN_EXIT_USAGE;
}
