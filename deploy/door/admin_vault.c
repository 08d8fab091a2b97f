/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A list of who waits.
 */
#include "deploy/door/admin_vault.h"

#include <stdlib.h>

struct admin_vault_call {
    struct list_link link;
    uint64_t number;
    struct admin_http_call *call;
    struct api_vault wanted;
};

void admin_vault_init(struct admin_vault *vault,
                      const struct api *api,
                      bool (*ask)(void *, const struct deploy_vault_order *, uint64_t),
                      void *context)
{
    *vault = (struct admin_vault){.api = api, .ask = ask, .context = context};
}

static void admin_vault_reply(const struct admin_vault *vault,
                              struct admin_http_call *call,
                              const struct api_vault *wanted,
                              enum status status,
                              struct bytes text)
{
    struct api_response response;
    api_response_init(&response);
    api_vault_done(vault->api, admin_http_request(call), wanted, status, text, &response);
    admin_http_reply(call, &response);
    api_response_done(&response);
}

void admin_vault_ask(struct admin_vault *vault,
                     struct admin_http_call *call,
                     const struct api_vault *wanted)
{
    const struct deploy_vault_order order = {.verb = wanted->verb,
                                             .tenant = wanted->tenant,
                                             .function = wanted->function,
                                             .name = bytes_of_text(wanted->name),
                                             .value = wanted->value};
    struct admin_vault_call *waiting = calloc(1, sizeof(*waiting));
    if (waiting == NULL || vault->ask == NULL ||
        !vault->ask(vault->context, &order, vault->number + 1)) {
        free(waiting);
        admin_vault_reply(vault, call, wanted, STATUS_UNREACHABLE, bytes_make(NULL, 0));
        return;
    }
    *waiting =
        (struct admin_vault_call){.number = ++vault->number, .call = call, .wanted = *wanted};
    list_append(&vault->calls, &waiting->link);
}

static void admin_vault_end(const struct admin_vault *vault,
                            struct admin_vault_call *waiting,
                            enum status status,
                            struct bytes text)
{
    list_remove(&waiting->link);
    admin_vault_reply(vault, waiting->call, &waiting->wanted, status, text);
    free(waiting);
}

void admin_vault_done(struct admin_vault *vault,
                      uint64_t number,
                      enum status status,
                      struct bytes text)
{
    LIST_FOREACH(waiting, &vault->calls, struct admin_vault_call, link) {
        if (waiting->number == number) {
            admin_vault_end(vault, waiting, status, text);
            return;
        }
    }
}

void admin_vault_lost(struct admin_vault *vault)
{
    LIST_FOREACH(waiting, &vault->calls, struct admin_vault_call, link) {
        admin_vault_end(vault, waiting, STATUS_UNREACHABLE, bytes_make(NULL, 0));
    }
}
