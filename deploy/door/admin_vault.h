/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests of the admin API that wait for the vault, which is another process's: asked by number,
 * answered by number, and all of them refused when nobody keeps it.
 */
#ifndef SKERRY_DEPLOY_DOOR_ADMIN_VAULT_H
#define SKERRY_DEPLOY_DOOR_ADMIN_VAULT_H

#include "deploy/door/admin_http.h"
#include "engine/base/list.h"

struct admin_vault {
    const struct api *api; /* makes the answers */
    struct list calls;
    uint64_t number; /* of the last one */
    /* As in deploy_control_options. */
    bool (*ask)(void *context, const struct deploy_vault_order *order, uint64_t number);
    void *context;
};

void admin_vault_init(struct admin_vault *vault,
                      const struct api *api,
                      bool (*ask)(void *, const struct deploy_vault_order *, uint64_t),
                      void *context);
/* The request is replied to, now or later. `wanted` is copied; its texts are the request's. */
void admin_vault_ask(struct admin_vault *vault,
                     struct admin_http_call *call,
                     const struct api_vault *wanted);
/* As deploy_control_vault_done, deploy_control_vault_lost. */
void admin_vault_done(struct admin_vault *vault,
                      uint64_t number,
                      enum status status,
                      struct bytes text);
void admin_vault_lost(struct admin_vault *vault);

#endif
