#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum rc err_set(struct err *err, enum rc code, const char *format, ...)
{
    if (err) {
        va_list args;
        va_start(args, format);
        err->code = code;
        err->offset = 0;
        vsnprintf(err->text, sizeof err->text, format, args);
        va_end(args);
    }
    return code;
}

enum rc err_errno(struct err *err, int errnum, const char *format, ...)
{
    if (err) {
        va_list args;
        va_start(args, format);
        int n = vsnprintf(err->text, sizeof err->text, format, args);
        va_end(args);
        char words[128];
        const char *reason = strerror_r(errnum, words, sizeof words);
        if (n >= 0 && (size_t)n < sizeof err->text)
            snprintf(err->text + n, sizeof err->text - (size_t)n, ": %s", reason);
        err->code = RC_IO;
        err->offset = 0;
    }
    return RC_IO;
}

enum rc err_wrap(struct err *err, const char *format, ...)
{
    if (!err)
        return RC_INVALID;
    char old[ERR_TEXT_MAX];
    memcpy(old, err->text, sizeof old);
    va_list args;
    va_start(args, format);
    int n = vsnprintf(err->text, sizeof err->text, format, args);
    va_end(args);
    if (n >= 0 && (size_t)n < sizeof err->text)
        snprintf(err->text + n, sizeof err->text - (size_t)n, ": %.*s", ERR_TEXT_MAX - 3, old);
    return err->code;
}

const char *rc_name(enum rc code)
{
    static const char *const names[] = {
        [RC_OK] = "ok",       [RC_AGAIN] = "again",         [RC_END] = "end",       [RC_INVALID] = "invalid",
        [RC_LIMIT] = "limit", [RC_NOT_FOUND] = "not found", [RC_EXISTS] = "exists", [RC_DENIED] = "denied",
        [RC_IO] = "io",       [RC_CORRUPT] = "corrupt",
    };
    return (size_t)code < ARRAY_LEN(names) ? names[code] : "?";
}
