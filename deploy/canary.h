/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Canaries: deployments that are undone when their newest version fails more often than the others.
 *
 *   workers' counts --canary_count--> of the deployment that is now --enough seen?--> rates
 * compared
 *                                                                                       |
 *                                         all clients of the newest go to the others <--+
 *
 * Rates are (failures + 1) / (answers + 1) of the others against failures / answers of the newest,
 * so that one failure of a version is worse than none of another only by what was seen of that.
 */
#ifndef SKERRY_DEPLOY_CANARY_H
#define SKERRY_DEPLOY_CANARY_H

#include "deploy/store/store.h"

#define CANARY_FAILURES_MIN 3 /* less are no rate */

struct canaries;

/* The store is borrowed. */
NODISCARD enum status canaries_create(struct store *store, struct canaries **ret_canaries);
void canaries_free(struct canaries *canaries);
/* True: the deployment was undone, for that. */
bool canaries_count(struct canaries *canaries,
                    const struct deploy_answers *counts,
                    struct deploy_undone *ret_undone);

#endif
