/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Deployments: which versions clients get, and in what shares.
 *
 *   set, activate, upload --> store_become:  current --> previous
 *                                            next    --> current, and the function's active version
 *   rollback             --> store_become(previous), so that the next one undoes it
 *
 * The active version is the one with the largest share, the oldest of equal ones: a canary is not
 * active until it has more than the rest.
 */
#include <inttypes.h>
#include <stdio.h>

#include "deploy/store/store_private.h"

/* ---- what there is --------------------------------------------------------------------------- */

static struct records_deployment store_of_one(uint32_t version)
{
    struct records_deployment one = {0};
    if (version != 0) {
        one.shares[0] = (struct deploy_share){.version = version, .parts = DEPLOY_PARTS};
        one.share_count = 1;
    }
    return one;
}

/* Newest first, so the last of equal ones is the oldest. */
static uint32_t store_main_version(const struct records_deployment *deployment)
{
    const struct deploy_share *most = &deployment->shares[0];
    for (uint32_t i = 1; i < deployment->share_count; i++) {
        if (deployment->shares[i].parts >= most->parts)
            most = &deployment->shares[i];
    }
    return most->version;
}

static enum status store_read_deployments(const struct store_txn *txn,
                                          const struct store_target *target,
                                          const struct records_function *function,
                                          struct records_deployments *ret_deployments)
{
    struct records_deployments found;
    struct records_key key = records_function_key(target->tenant, target->function);
    enum status status = store_get_record(txn, RECORDS_DEPLOYMENT, store_val(key.data, key.count),
                                          &found, sizeof(found));
    bool agrees =
        status == STATUS_OK && store_main_version(&found.current) == function->active_version;
    if (status != STATUS_OK && status != STATUS_NOT_FOUND)
        return status;
    if (!agrees) {
        uint32_t number = status == STATUS_OK ? found.current.number : 0;
        found = (struct records_deployments){.current = store_of_one(function->active_version),
                                             .previous = store_of_one(function->previous_version)};
        found.current.number = number;
        found.current.since_ns = function->updated_ns;
    }
    *ret_deployments = found;
    return STATUS_OK;
}

static bool store_same_deployment(const struct records_deployment *a,
                                  const struct records_deployment *b)
{
    return a->share_count == b->share_count &&
           memcmp(a->shares, b->shares, sizeof(a->shares)) == 0 &&
           memcmp(a->cookie, b->cookie, sizeof(a->cookie)) == 0 &&
           a->canary_factor == b->canary_factor && a->canary_requests == b->canary_requests;
}

enum status store_find_version(const struct store_txn *txn,
                               const struct store_target *target,
                               uint32_t version,
                               struct records_version *ret_record)
{
    struct records_key key = records_function_key(target->tenant, target->function);
    struct records_key version_key = records_version_key(&key, version);
    enum status status =
        store_get_record(txn, RECORDS_VERSION, store_val(version_key.data, version_key.count),
                         ret_record, sizeof(*ret_record));
    return status != STATUS_NOT_FOUND
               ? status
               : report_fail(txn->report, status, REPORT_OFFSET_NONE,
                             "the function has no version v%" PRIu32, version);
}

/* ---- what it becomes ------------------------------------------------------------------------- */

/* The routes of the version's manifest. */
static enum status store_activate_manifest(const struct store_txn *txn,
                                           const struct store_target *target,
                                           uint32_t version)
{
    struct bytes manifest = {0};
    struct records_key key = records_function_key(target->tenant, target->function);
    struct records_key version_key = records_version_key(&key, version);
    enum status status = store_view(txn, RECORDS_MANIFEST,
                                    store_val(version_key.data, version_key.count), &manifest);
    if (status != STATUS_OK && status != STATUS_NOT_FOUND)
        return status;
    return store_follow_manifest(txn, target, manifest);
}

static void store_sort_shares(struct records_deployment *deployment)
{
    struct deploy_share *shares = deployment->shares;
    for (uint32_t i = 1; i < deployment->share_count; i++) {
        struct deploy_share share = shares[i];
        uint32_t at = i;
        for (; at > 0 && shares[at - 1].version < share.version; at--)
            shares[at] = shares[at - 1];
        shares[at] = share;
    }
}

enum status store_become(const struct store_txn *txn,
                         const struct store_target *target,
                         struct records_function *function,
                         const struct records_deployment *next)
{
    struct records_deployments deployments;
    struct records_version version;
    struct records_key key = records_function_key(target->tenant, target->function);
    struct records_deployment current = *next;
    enum status status = store_read_deployments(txn, target, function, &deployments);
    if (status != STATUS_OK)
        return status;
    store_sort_shares(&current);
    if (!store_same_deployment(&current, &deployments.current))
        deployments.previous = deployments.current;
    current.number = deployments.current.number + 1;
    current.since_ns = txn->now_ns;
    deployments.current = current;
    uint32_t active = store_main_version(&current);
    status = store_find_version(txn, target, active, &version);
    if (status != STATUS_OK)
        return status;
    function->active_version = active;
    function->active = version.content;
    function->previous_version =
        deployments.previous.share_count == 0 ? 0 : store_main_version(&deployments.previous);
    function->updated_ns = txn->now_ns;
    status = store_put_record(txn, RECORDS_DEPLOYMENT, store_val(key.data, key.count), &deployments,
                              sizeof(deployments));
    if (status == STATUS_OK)
        status = store_put_record(txn, RECORDS_FUNCTION, store_val(key.data, key.count), function,
                                  sizeof(*function));
    return status == STATUS_OK ? store_activate_manifest(txn, target, active) : status;
}

enum status store_share_out(const struct store_txn *txn,
                            const struct store_target *target,
                            const struct records_function *function,
                            struct deploy_share share,
                            struct records_deployment *ret_next)
{
    struct records_deployments deployments;
    enum status status = store_read_deployments(txn, target, function, &deployments);
    if (status != STATUS_OK)
        return status;
    struct records_deployment next = store_of_one(share.version);
    uint32_t rest = deployments.current.share_count == 0 || share.parts == 0
                        ? 0
                        : store_main_version(&deployments.current);
    if (rest != 0 && rest != share.version && share.parts < DEPLOY_PARTS) {
        next.shares[0].parts = share.parts;
        next.shares[1] =
            (struct deploy_share){.version = rest, .parts = DEPLOY_PARTS - share.parts};
        next.share_count = 2;
        memcpy(next.cookie, deployments.current.cookie, sizeof(next.cookie));
    }
    *ret_next = next;
    return STATUS_OK;
}

/* ---- what is kept ---------------------------------------------------------------------------- */

struct store_using {
    uint32_t *versions;
    uint32_t count;
};

static void store_use(struct store_using *using, const struct records_deployment *deployment)
{
    for (uint32_t i = 0; i < deployment->share_count && i < DEPLOY_SHARES_MAX; i++)
        using->versions[using->count++] = deployment->shares[i].version;
}

static bool store_use_alias(void *context, struct bytes alias, uint32_t version)
{
    struct store_using *using = context;
    (void)alias;
    if (using->count == STORE_VERSIONS_IN_USE)
        return false;
    using->versions[using->count++] = version;
    return true;
}

enum status store_in_use(const struct store_txn *txn,
                         const struct store_target *target,
                         const struct records_function *function,
                         bool soon,
                         uint32_t *ret_versions,
                         uint32_t *ret_count)
{
    struct records_deployments deployments;
    struct store_using using = {.versions = ret_versions};
    enum status status = store_read_deployments(txn, target, function, &deployments);
    if (status != STATUS_OK)
        return status;
    store_use(&using, &deployments.current);
    if (!soon)
        store_use(&using, &deployments.previous);
    status = store_walk_aliases(txn, target, store_use_alias, &using);
    *ret_count = using.count;
    return status;
}

enum status store_drop_deployments(const struct store_txn *txn, const struct store_target *target)
{
    struct records_key key = records_function_key(target->tenant, target->function);
    enum status status =
        store_delete_record(txn, RECORDS_DEPLOYMENT, store_val(key.data, key.count));
    return status == STATUS_OK ? store_drop_aliases(txn, target) : status;
}

/* ---- changes by the API ---------------------------------------------------------------------- */

struct store_deploying {
    const struct store_target *target;
    uint32_t version;                            /* gets so many; 0: see below */
    uint32_t parts;                              /* of the clients; 0: all */
    const struct records_deployment *deployment; /* NULL: the one before */
};

static enum status store_next_deployment(const struct store_txn *txn,
                                         const struct store_deploying *deploying,
                                         const struct records_function *function,
                                         struct records_deployment *ret_next)
{
    struct records_deployments deployments;
    const struct deploy_share share = {.version = deploying->version, .parts = deploying->parts};
    if (share.parts != 0)
        return store_share_out(txn, deploying->target, function, share, ret_next);
    if (deploying->deployment != NULL || deploying->version != 0) {
        *ret_next =
            deploying->version != 0 ? store_of_one(deploying->version) : *deploying->deployment;
        return STATUS_OK;
    }
    enum status status = store_read_deployments(txn, deploying->target, function, &deployments);
    if (status != STATUS_OK)
        return status;
    if (deployments.previous.share_count == 0)
        return report_fail(txn->report, STATUS_CONFLICT, REPORT_OFFSET_NONE,
                           "no version was active before this one: name the version to go to");
    *ret_next = deployments.previous;
    return STATUS_OK;
}

static enum status store_check_shares(const struct store_txn *txn,
                                      const struct store_target *target,
                                      const struct records_deployment *deployment)
{
    struct records_version version;
    uint64_t parts = 0;
    for (uint32_t i = 0; i < deployment->share_count; i++) {
        const struct deploy_share *share = &deployment->shares[i];
        enum status status = store_find_version(txn, target, share->version, &version);
        if (status != STATUS_OK)
            return status;
        for (uint32_t other = 0; other < i; other++) {
            if (deployment->shares[other].version == share->version)
                return report_fail(txn->report, STATUS_INVALID, REPORT_OFFSET_NONE,
                                   "v%" PRIu32 " is named twice", share->version);
        }
        parts += share->parts;
    }
    return parts == DEPLOY_PARTS ? STATUS_OK
                                 : report_fail(txn->report, STATUS_INVALID, REPORT_OFFSET_NONE,
                                               "the shares are not 100 percent together");
}

/* How the change is called in the audit and in the log. */
static const char *store_deploying_action(const struct store_deploying *deploying,
                                          uint32_t active_version,
                                          const struct records_deployment *next)
{
    bool is_whole = deploying->deployment == NULL && deploying->parts == 0;
    if (is_whole && deploying->version < active_version) /* 0: to what was before */
        return "rollback";
    return next->share_count > 1 ? "split" : "activate";
}

static enum status store_change_deploy(struct store_txn *txn, void *context)
{
    const struct store_deploying *deploying = context;
    struct records_function function = {0};
    struct records_deployment next = {0};
    enum status status = store_find_function(txn, deploying->target, &function);
    uint32_t active_version = function.active_version;
    if (status == STATUS_OK)
        status = store_next_deployment(txn, deploying, &function, &next);
    if (status == STATUS_OK)
        status = store_check_shares(txn, deploying->target, &next);
    if (status == STATUS_OK)
        status = store_become(txn, deploying->target, &function, &next);
    const struct store_logged logged = {
        .action = store_deploying_action(deploying, active_version, &next),
        .target = deploying->target,
        .version = function.active_version,
        .content = &function.active,
        .deployment = &next};
    return status == STATUS_OK ? store_log(txn, &logged) : status;
}

enum status store_activate(struct store *store,
                           const struct store_target *target,
                           uint32_t version,
                           struct report *report)
{
    struct store_deploying deploying = {.target = target, .version = version};
    return store_write(store, target, store_change_deploy, &deploying, false, report);
}

enum status store_promote(struct store *store,
                          const struct store_target *target,
                          struct deploy_share share,
                          struct report *report)
{
    struct store_deploying deploying = {
        .target = target, .version = share.version, .parts = share.parts};
    return store_write(store, target, store_change_deploy, &deploying, false, report);
}

enum status store_set_deployment(struct store *store,
                                 const struct store_target *target,
                                 const struct records_deployment *deployment,
                                 struct report *report)
{
    struct store_deploying deploying = {.target = target, .deployment = deployment};
    if (deployment->share_count == 0 || deployment->share_count > DEPLOY_SHARES_MAX)
        return report_fail(report, STATUS_INVALID, REPORT_OFFSET_NONE,
                           "a deployment has 1 to %d versions", DEPLOY_SHARES_MAX);
    return store_write(store, target, store_change_deploy, &deploying, false, report);
}

enum status store_get_deployments(struct store *store,
                                  const struct store_target *target,
                                  struct report *report,
                                  struct records_deployments *ret_deployments)
{
    struct store_txn txn;
    struct records_function function;
    enum status status = store_begin_read(store, report, &txn);
    if (status != STATUS_OK)
        return status;
    status = store_find_function(&txn, target, &function);
    if (status == STATUS_OK)
        status = store_read_deployments(&txn, target, &function, ret_deployments);
    store_end_read(&txn);
    return status;
}
