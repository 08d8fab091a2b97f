/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Status names and reports; the last words of a failed assertion; AUTO_* clean-up.
 */
#include "engine/base/status.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct {
    const char *code;
    const char *text;
    int exit_code;
} status_rows[STATUS_COUNT] = {
#define STATUS(name, code_, exit_code_, text_)                                                     \
    [STATUS_##name] = {.code = (code_), .text = (text_), .exit_code = (exit_code_)},
#include "engine/base/status.def"
};

const char *status_text(enum status status)
{
    ASSERT(status < STATUS_COUNT);
    return status_rows[status].text;
}

const char *status_code(enum status status)
{
    ASSERT(status < STATUS_COUNT);
    return status_rows[status].code;
}

int status_exit_code(enum status status)
{
    ASSERT(status < STATUS_COUNT);
    return status_rows[status].exit_code;
}

enum status
report_fail(struct report *report, enum status status, uint64_t offset, const char *format, ...)
{
    ASSERT(status != STATUS_OK);
    if (report == NULL || report->status != STATUS_OK)
        return status;
    report->status = status;
    report->offset = offset;
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(report->text, sizeof(report->text), format, arguments);
    va_end(arguments);
    return status;
}

static enum status status_of_errno(int error)
{
    switch (error) {
    case ENOSPC:
    case EDQUOT:
        return STATUS_FULL;
    case ENOMEM:
        return STATUS_NO_MEMORY;
    case ENOENT:
        return STATUS_NOT_FOUND;
    case EACCES:
    case EPERM:
        return STATUS_DENIED;
    case EADDRINUSE:
    case EBUSY:
        return STATUS_BUSY;
    default:
        return STATUS_IO;
    }
}

enum status report_errno(struct report *report, const char *format, ...)
{
    int error = errno;
    char what[REPORT_TEXT_BYTES / 2];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(what, sizeof(what), format, arguments);
    va_end(arguments);
    char reason[128];
    const char *text = strerror_r(error, reason, sizeof(reason));
    return report_fail(report, status_of_errno(error), REPORT_OFFSET_NONE, "%s: %s", what, text);
}

void base_assert_failed(const char *expression, const char *file, int line)
{
    (void)fprintf(stderr, "skerry: assertion failed: %s at %s:%d\n", expression, file, line);
    abort();
}

void base_auto_free(void *pointer_to_pointer)
{
    void *pointer;
    memcpy(&pointer, pointer_to_pointer, sizeof(pointer));
    free(pointer);
}

void base_auto_close(const int *fd)
{
    if (*fd >= 0)
        (void)close(*fd);
}
