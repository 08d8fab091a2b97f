/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to server/: last words of a process that maps a file which is shorter than it was.
 *
 * Store and artifacts are mapped. Where the file behind a mapping was cut short, or its disk
 * fails, reading it is a SIGBUS, which by itself says neither what nor where.
 */
#ifndef SKERRY_SERVER_TELEMETRY_BUS_ERROR_H
#define SKERRY_SERVER_TELEMETRY_BUS_ERROR_H

#include <stddef.h>
#include <stdint.h>

/* From now on a SIGBUS names the file and what to do on stderr; then it ends the process. */
void bus_error_watch(void);
/* The path in the line of /proc/PID/maps that holds `address`, or NULL: for the handler and its
 * test. `line` ends with a NUL. */
const char *bus_error_path(const char *line, uintptr_t address);

#endif
