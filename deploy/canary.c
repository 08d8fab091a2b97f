/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A table of what was counted, one row a deployment that has a canary. The deployment is read anew
 * with each count, ten a second for each worker at most: what was changed meanwhile is seen, and a
 * row of another deployment begins anew.
 */
#include "deploy/canary.h"

#include <stdlib.h>

#define CANARIES_MAX 256 /* the one that was heard of the longest time ago makes room */

struct canary_row {
    char tenant[DEPLOY_NAME_BYTES];
    char function[DEPLOY_NAME_BYTES];
    uint64_t created_ns;
    uint32_t number; /* of the deployment; 0: the row is free */
    uint64_t used;
    uint64_t newest[2]; /* answered, failed */
    uint64_t others[2];
};

struct canaries {
    struct store *store;
    uint64_t uses;
    struct canary_row rows[CANARIES_MAX];
};

enum status canaries_create(struct store *store, struct canaries **ret_canaries)
{
    struct canaries *canaries = calloc(1, sizeof(*canaries));
    if (canaries == NULL)
        return STATUS_NO_MEMORY;
    canaries->store = store;
    *ret_canaries = canaries;
    return STATUS_OK;
}

void canaries_free(struct canaries *canaries)
{
    free(canaries);
}

/* Its row, which is empty if the deployment is another one. */
static struct canary_row *
canaries_row(struct canaries *canaries, const struct deploy_answers *counts, uint32_t number)
{
    struct canary_row *oldest = &canaries->rows[0];
    struct canary_row *found = NULL;
    for (size_t i = 0; i < CANARIES_MAX && found == NULL; i++) {
        struct canary_row *row = &canaries->rows[i];
        if (row->used < oldest->used)
            oldest = row;
        if (row->number != 0 && row->created_ns == counts->created_ns &&
            bytes_equal_text(counts->tenant, row->tenant) &&
            bytes_equal_text(counts->function, row->function))
            found = row;
    }
    struct canary_row *row = found == NULL ? oldest : found;
    if (found == NULL || row->number != number) {
        *row = (struct canary_row){.created_ns = counts->created_ns, .number = number};
        memcpy(row->tenant, counts->tenant.data, counts->tenant.count);
        memcpy(row->function, counts->function.data, counts->function.count);
    }
    row->used = ++canaries->uses;
    return row;
}

/* Has enough been seen of the newest, and does it fail too often? */
static bool canaries_fails(const struct canary_row *row, const struct records_deployment *current)
{
    if (row->newest[0] < current->canary_requests || row->newest[1] < CANARY_FAILURES_MIN)
        return false;
    double own = (double)row->newest[1] / (double)row->newest[0];
    double others = (double)(row->others[1] + 1) / (double)(row->others[0] + 1);
    return own * 100 > others * current->canary_factor;
}

/* The deployment without its newest version, whose clients go to the one with most. */
static struct records_deployment canaries_without(const struct records_deployment *current)
{
    struct records_deployment rest = {.share_count = current->share_count - 1};
    struct deploy_share *most = &rest.shares[0];
    memcpy(rest.shares, current->shares + 1, rest.share_count * sizeof(rest.shares[0]));
    memcpy(rest.cookie, current->cookie, sizeof(rest.cookie));
    for (uint32_t i = 1; i < rest.share_count; i++) {
        if (rest.shares[i].parts > most->parts)
            most = &rest.shares[i];
    }
    most->parts += current->shares[0].parts;
    return rest;
}

bool canaries_count(struct canaries *canaries,
                    const struct deploy_answers *counts,
                    struct deploy_undone *ret_undone)
{
    struct store_function function;
    struct records_deployments deployments;
    const struct records_deployment *current = &deployments.current;
    const struct store_target target = {.tenant = counts->tenant, .function = counts->function};
    if (store_get_function(canaries->store, &target, NULL, &function) != STATUS_OK ||
        function.record.created_ns != counts->created_ns ||
        store_get_deployments(canaries->store, &target, NULL, &deployments) != STATUS_OK ||
        current->canary_factor == 0 || current->share_count < 2)
        return false;
    struct canary_row *row = canaries_row(canaries, counts, current->number);
    uint64_t *sums = counts->version == current->shares[0].version ? row->newest : row->others;
    sums[0] += counts->answered;
    sums[1] += counts->failed;
    if (!canaries_fails(row, current))
        return false;
    const struct deploy_undone undone = {.version = current->shares[0].version,
                                         .answered = row->newest[0],
                                         .failed = row->newest[1],
                                         .others_answered = row->others[0],
                                         .others_failed = row->others[1]};
    const struct records_deployment rest = canaries_without(current);
    /* If it cannot be written, the next count tries again. */
    if (store_set_deployment(canaries->store, &target, &rest, NULL) != STATUS_OK)
        return false;
    row->number = 0;
    *ret_undone = undone;
    return true;
}
