/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to server/: requests that control has this worker make, of nobody's connection: a cron
 * trigger's run, and what a new version is asked before clients get it.
 *
 *   ERRAND --> a request of the function's tenant, admitted, run and bounded like any other
 *          --> its status and what it took go back (ERRAND_DONE); its body goes nowhere
 *
 * Its head has what control said, and `host`. Names that begin with "x-skerry-" are the server's:
 * no client's request brings one (h2o_exchange.c), nor does a sibling's, so a guest may trust them.
 */
#ifndef SKERRY_SERVER_REQUEST_ERRANDS_ERRAND_H
#define SKERRY_SERVER_REQUEST_ERRANDS_ERRAND_H

#include "engine/base/bytes.h"

struct request_service;

/* What is for the server alone to say in a request's head; in any case. */
#define ERRAND_FIELD_PREFIX "x-skerry-"
static inline bool errand_owns_field(struct bytes name)
{
    size_t count = sizeof(ERRAND_FIELD_PREFIX) - 1;
    if (LIKELY(name.count < count || bytes_lower(name.data[0]) != 'x'))
        return false;
    for (size_t i = 0; i < count; i++) {
        if (bytes_lower(name.data[i]) != (uint8_t)ERRAND_FIELD_PREFIX[i])
            return false;
    }
    return true;
}
/* Takes them from control's channel. */
void errand_open(struct request_service *service);

#endif
