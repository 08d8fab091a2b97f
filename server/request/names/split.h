/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to server/: which of a deployment's versions a request gets.
 *
 *   client: its cookie, or else its address --hash, with the function--> 0 .. DEPLOY_PARTS - 1
 *   newest version: the first parts | the next one: the following ones | ...
 *
 * The newest has the first parts, whatever its share: who got it goes on to get it while its share
 * grows. Each function has its own order of clients, and every worker, on every machine, the same.
 */
#ifndef SKERRY_SERVER_REQUEST_NAMES_SPLIT_H
#define SKERRY_SERVER_REQUEST_NAMES_SPLIT_H

#include "deploy/deploy.h"
#include "hostapi/hostapi.h"

/* The entry has shares. */
uint32_t split_choose(const struct deploy_catalog_entry *entry, const struct http_exchange *http);

#endif
