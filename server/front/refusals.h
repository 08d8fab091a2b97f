/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to server/: the reasons for which the front refuses a request by itself. The table is
 * refusals.def; answer, access log and metrics all take their words from it.
 */
#ifndef SKERRY_SERVER_FRONT_REFUSALS_H
#define SKERRY_SERVER_FRONT_REFUSALS_H

#include <stdint.h>

enum refusal_reason {
    REFUSAL_NONE,
#define REFUSAL(name, label, status, code, detail) REFUSAL_##name,
#include "server/front/refusals.def"
    REFUSAL_COUNT,
};

struct refusal_row {
    uint32_t status;
    const char *code;
    const char *detail;
};

extern const struct refusal_row refusal_rows[REFUSAL_COUNT];

#endif
