#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

/* Evidence may hold control characters: an error is one printable line. */
static void make_printable(char *text)
{
    for (char *p = text; *p; p++)
        if ((unsigned char) *p < 0x20 || *p == 0x7f)
            *p = '?';
}

void cn_err_set(cn_err *err, int code, uint64_t offset, const char *format, ...)
{
    if (!err)
        return;
    va_list args;
    va_start(args, format);
    err->code = code;
    err->offset = offset;
    vsnprintf(err->text, sizeof err->text, format, args);
    va_end(args);
    make_printable(err->text);
}

int cn_fail_errno(cn_err *err, const char *format, ...)
{
    int saved = errno;
    int code = saved == ENOMEM                     ? CN_E_NO_MEMORY
               : saved == ENOENT                   ? CN_E_NOT_FOUND
               : saved == EACCES || saved == EPERM ? CN_E_DENIED
                                                   : CN_E_IO;
    if (!err)
        return code;
    va_list args;
    va_start(args, format);
    err->code = code;
    err->offset = CN_NO_OFFSET;
    int n = vsnprintf(err->text, sizeof err->text, format, args);
    va_end(args);
    if (n >= 0 && (size_t) n < sizeof err->text)
        snprintf(err->text + n, sizeof err->text - (size_t) n, ": %s", strerror(saved));
    make_printable(err->text);
    return code;
}

void cn_while(cn_err *err, const char *format, ...)
{
    if (!err || err->code == CN_OK)
        return;
    char inner[sizeof err->text];
    memcpy(inner, err->text, sizeof inner);
    va_list args;
    va_start(args, format);
    int n = vsnprintf(err->text, sizeof err->text, format, args);
    va_end(args);
    if (n >= 0 && (size_t) n < sizeof err->text)
        snprintf(err->text + n, sizeof err->text - (size_t) n, ": %s", inner);
    make_printable(err->text);
}

const char *cn_code_name(int code)
{
    switch (code) {
    case CN_OK:
        return "ok";
    case CN_E_TRUNCATED:
        return "truncated";
    case CN_E_CORRUPT:
        return "corrupt";
    case CN_E_UNSUPPORTED:
        return "unsupported";
    case CN_E_LIMIT:
        return "limit";
    case CN_E_IO:
        return "io";
    case CN_E_NO_MEMORY:
        return "memory";
    case CN_E_ARG:
        return "usage";
    case CN_E_NOT_FOUND:
        return "not found";
    case CN_E_CANCELLED:
        return "cancelled";
    case CN_E_LOCKED:
        return "locked";
    case CN_E_DENIED:
        return "denied";
    default:
        return "error";
    }
}
