/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to server/: a line of the log for whoever looks at a terminal.
 */
#ifndef SKERRY_SERVER_TELEMETRY_LOG_TERMINAL_H
#define SKERRY_SERVER_TELEMETRY_LOG_TERMINAL_H

#include "engine/base/bytes.h"

/* Lets the log be written so where stderr is a terminal, and painted if it may be (NO_COLOR). For
 * the process whose stderr it is; that of others is a pipe to it. */
void log_terminal_watch(void);
/* `line` is an object as log.h writes it, with its newline: becomes time, level, event, message,
 * and what else there is as key=value. Writes at most `room` bytes and returns how many, with the
 * newline; 0: it is no such line, or has no room. */
size_t log_terminal_line(struct bytes line, bool colour, char *out, size_t room);

#endif
