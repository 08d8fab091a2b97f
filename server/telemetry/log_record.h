/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to server/: a line of a function's log, from a worker to control (RECORD_LINE of
 * record_ring.h): whose it is, and the line as log.h makes them.
 */
#ifndef SKERRY_SERVER_TELEMETRY_LOG_RECORD_H
#define SKERRY_SERVER_TELEMETRY_LOG_RECORD_H

#include "deploy/deploy.h"
#include "server/telemetry/log.h"
#include "server/telemetry/record_ring.h"

struct log_record {
    uint32_t level; /* enum deploy_log_level */
    uint32_t count; /* of the line, with its newline */
    char tenant[DEPLOY_NAME_BYTES];
    char function[DEPLOY_NAME_BYTES];
};

_Static_assert(sizeof(struct log_record) + LOG_LINE_BYTES <= RECORD_BYTES_MAX, "every line fits");

/* `line` was closed. */
void log_record_write(struct record_ring *ring,
                      const struct deploy_catalog_entry *entry,
                      enum deploy_log_level level,
                      struct bytes line);
/* False: no worker writes such a thing. The line is without its newline, and valid as long as the
 * record is; it has no key `own`. */
NODISCARD bool log_record_read(const struct record *record,
                               const char *own,
                               struct log_record *ret_head,
                               struct bytes *ret_line);

#endif
