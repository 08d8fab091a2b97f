/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to server/: is a line of another process what log.c writes?
 *
 *   {"key":"text","other":7,"last":true}
 *
 * One flat object, no blank outside of texts, no key twice, nothing in a text that log.c would have
 * escaped. A process that guests broke out into can write what it likes to its log: what passes
 * here is one line for every reader, and has the keys that every reader sees.
 */
#ifndef SKERRY_SERVER_TELEMETRY_LOG_CHECK_H
#define SKERRY_SERVER_TELEMETRY_LOG_CHECK_H

#include "engine/base/bytes.h"

#define LOG_CHECK_KEYS_MAX 64

/* `line` is without its newline; `own` is a key that it may not have. */
bool log_check_line(struct bytes line, const char *own);

#endif
