/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to server/: what went wrong, from fault.def, and what is counted and logged of it.
 */
#ifndef SKERRY_SERVER_REQUEST_FAULT_H
#define SKERRY_SERVER_REQUEST_FAULT_H

#include "server/telemetry/metrics.h"

enum fault {
#define FAULT(name, status, code, metric, retry, trace, detail) FAULT_##name,
#include "server/request/fault.def"
    FAULT_COUNT
};

struct fault_row {
    uint16_t status;
    bool retry;
    bool trace;
    size_t metric; /* offset in struct metrics */
    const char *code;
    const char *detail;
};
extern const struct fault_row fault_rows[FAULT_COUNT];

struct request;

void fault_count(enum fault fault, struct metrics *metrics);
/* A line about a guest's fault: whose, what, and where in its code. It follows what the guest
 * logged. The request has its isolate still. */
void fault_log(struct request *request, enum fault fault, const char *detail);

#endif
