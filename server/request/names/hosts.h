/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to server/: hosts that tenants have routes on. A cache of catalog lookups, of hosts
 * without routes too, because every request by /f/ asks for one; like the directory's, what was
 * read in an older generation is read again.
 */
#ifndef SKERRY_SERVER_REQUEST_NAMES_HOSTS_H
#define SKERRY_SERVER_REQUEST_NAMES_HOSTS_H

#include "deploy/deploy.h"
#include "server/request/names/route.h"

struct hosts;

/* The catalog is borrowed and outlives it. */
NODISCARD enum status hosts_create(struct deploy_catalog *catalog, struct hosts **ret_hosts);
void hosts_free(struct hosts *hosts);
/* The host that `authority` names, in any case and with or without a port; lent until the next
 * call. NOT_FOUND, without a report, if it has no routes. */
NODISCARD enum status hosts_find(struct hosts *hosts,
                                 struct bytes authority,
                                 struct report *report,
                                 const struct deploy_host **ret_host);
/* Where its longest prefix of `path` leads that takes the method; false: nowhere. */
NODISCARD bool hosts_match(const struct deploy_host *host,
                           struct bytes path,
                           struct bytes method,
                           struct route_target *ret_target);

#endif
