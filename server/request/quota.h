/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to server/: what all of a tenant's requests together may be, over all workers
 * (server/world/rates.h), and whether they may be at all.
 *
 * Only functions of tenants that have such bounds (`bounded`) are looked at here. Fuel is paid
 * after it was used, slice by slice: a guest that runs is not stopped, new requests are.
 */
#ifndef SKERRY_SERVER_REQUEST_QUOTA_H
#define SKERRY_SERVER_REQUEST_QUOTA_H

#include <stdbool.h>
#include <stdint.h>

struct request;

/* False: the request was refused. True: it is counted. */
bool quota_admit(struct request *request);
void quota_spend(struct request *request, uint64_t fuel);

#endif
