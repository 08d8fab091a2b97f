/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What guests reach outside their request: a table of functions for each service.
 *
 * It hangs on the exchange with `owner`, which every function gets back: the request as the
 * services know it. In the builder and in a command there is no exchange, and so no world; where
 * one lacks a service, its pointer is NULL, and the guest's call answers UNAVAILABLE.
 */
#ifndef SKERRY_HOSTAPI_WORLD_H
#define SKERRY_HOSTAPI_WORLD_H

#include "hostapi/fetch.h"
#include "hostapi/kv.h"
#include "hostapi/operations.h"
#include "hostapi/rate.h"
#include "hostapi/secrets.h"

struct hostapi_world {
    const struct hostapi_operations *operations;
    const struct hostapi_fetches *fetches;
    const struct hostapi_kv *kv;
    const struct hostapi_rates *rates;
    const struct hostapi_secrets *secrets;
    const struct hostapi_fetches *siblings; /* other functions of the tenant */
};

#endif
