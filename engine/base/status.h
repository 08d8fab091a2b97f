/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `enum status`: how a call that depends on the world ended, and `struct report`:
 * the details for whoever has to read about it.
 *
 * A function returns a status; the detail (where, what, what to do) goes into the
 * caller's report, if it passed one. The first failure wins: a report that is
 * already filled is not overwritten on the way up. Layers below `server` never log.
 */
#ifndef SKERRY_ENGINE_BASE_STATUS_H
#define SKERRY_ENGINE_BASE_STATUS_H

#include <stdint.h>

#include "engine/base/macros.h"

enum status {
#define STATUS(name, code, exit_code, text) STATUS_##name,
#include "engine/base/status.def"
    STATUS_COUNT
};

/* Text of status.def; never NULL. */
const char *status_text(enum status status);
/* Column `code` of status.def, e.g. "not_found". */
const char *status_code(enum status status);
/* Exit code of a command that ends with this status. */
int status_exit_code(enum status status);

#define REPORT_OFFSET_NONE UINT64_MAX
#define REPORT_TEXT_BYTES  512

struct report {
    enum status status;           /* STATUS_OK while nothing was reported */
    uint64_t offset;              /* byte offset in the input, or REPORT_OFFSET_NONE */
    char text[REPORT_TEXT_BYTES]; /* one line: what, where, what to do; NUL-terminated */
};

#define REPORT_INIT                                                                                \
    {                                                                                              \
        .status = STATUS_OK, .offset = REPORT_OFFSET_NONE, .text = ""                              \
    }

/* The same in place, without clearing the text: for paths that are walked often. */
static inline void report_clear(struct report *report)
{
    report->status = STATUS_OK;
    report->offset = REPORT_OFFSET_NONE;
    report->text[0] = '\0';
}

/*
 * Files the first failure into `report` (which may be NULL) and returns `status`,
 * so that `return report_fail(report, STATUS_INVALID, offset, "...")` reads well.
 */
enum status
report_fail(struct report *report, enum status status, uint64_t offset, const char *format, ...)
    PRINTF_LIKE(4, 5);
/* The same for a failed system call: appends strerror(errno) and maps ENOSPC to FULL etc. */
enum status report_errno(struct report *report, const char *format, ...) PRINTF_LIKE(2, 3);

#endif
