#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>

CN_PRINTF(2, 0) static void put_line(const char *head, const char *format, va_list args)
{
    char text[1024];
    vsnprintf(text, sizeof text, format, args);
    for (char *p = text; *p; p++)
        if ((unsigned char) *p < 0x20 || *p == 0x7f)
            *p = '?';
    fprintf(stderr, "%s%s\n", head, text);
}

void cn_log_error(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    put_line("cairn: ", format, args);
    va_end(args);
}

void cn_log_note(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    put_line("", format, args);
    va_end(args);
}
