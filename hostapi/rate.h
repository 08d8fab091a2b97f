/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rate limits as guests reach them: a service of hostapi/world.h.
 */
#ifndef SKERRY_HOSTAPI_RATE_H
#define SKERRY_HOSTAPI_RATE_H

#include "engine/base/bytes.h"

#define HOSTAPI_RATE_WINDOW_MIN_MS 100
#define HOSTAPI_RATE_WINDOW_MAX_MS 86400000

struct hostapi_rates {
    /* Counts one more for the tenant's key, unless there were `limit` in the window that ends now:
     * how many more there may be, or -1. */
    int64_t (*take)(
        void *owner, struct bytes tenant, struct bytes key, uint32_t limit, uint64_t window_ms);
};

#endif
