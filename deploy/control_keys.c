/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private keys that no certificate has any more: they leave the vault a while later, when
 * handshakes that began with them have ended. One that control forgets because it ended stays,
 * named by nothing.
 */
#include <stdlib.h>

#include "deploy/control_private.h"
#include "engine/base/hex.h"

#define KEYS_LINGER_NS (60 * CLOCK_NS_PER_S)

struct control_key {
    struct list_link link;
    uint64_t at_ns;
    uint8_t key[DEPLOY_SHA256_BYTES];
};

void control_key_gone(void *context, const uint8_t key[DEPLOY_SHA256_BYTES])
{
    struct deploy_control *control = context;
    struct control_key *gone = calloc(1, sizeof(*gone));
    if (gone == NULL)
        return;
    gone->at_ns = clock_monotonic_ns(control->options.clock) + KEYS_LINGER_NS;
    memcpy(gone->key, key, sizeof(gone->key));
    list_append(&control->gone_keys, &gone->link);
}

/* Nobody waits for the vault's answer. */
static void control_remove_key(const struct deploy_control *control, const struct control_key *gone)
{
    char name[2 * DEPLOY_SHA256_BYTES + 1];
    const struct deploy_control_options *options = &control->options;
    hex_encode(gone->key, DEPLOY_SHA256_BYTES, name);
    const struct deploy_vault_order order = {.verb = DEPLOY_VAULT_KEY_REMOVE,
                                             .name = bytes_of_text(name)};
    if (options->vault != NULL && !store_has_key(control->store, gone->key))
        (void)options->vault(options->context, &order, 0);
}

void control_tend_keys(struct deploy_control *control)
{
    uint64_t now_ns = clock_monotonic_ns(control->options.clock);
    LIST_FOREACH(gone, &control->gone_keys, struct control_key, link) {
        if (gone->at_ns > now_ns)
            continue;
        control_remove_key(control, gone);
        list_remove(&gone->link);
        free(gone);
    }
}

void control_forget_keys(struct deploy_control *control)
{
    LIST_FOREACH(gone, &control->gone_keys, struct control_key, link) {
        list_remove(&gone->link);
        free(gone);
    }
}
