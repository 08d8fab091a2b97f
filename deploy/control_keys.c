/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private keys that no certificate has any more: they leave the vault a while later, when
 * handshakes that began with them have ended. What control could not remove because it ended, or
 * whose certificate it could not store, is found by the control after it, which looks through the
 * vault once.
 */
#include <stdlib.h>

#include "deploy/control_private.h"
#include "engine/base/hex.h"

#define KEYS_LINGER_NS (60 * CLOCK_NS_PER_S)
#define KEYS_NUMBER    (UINT64_C(1) << 58) /* of the order; one is enough */

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

/* ---- those that nobody removed --------------------------------------------------------------- */

void control_sweep_keys(struct deploy_control *control)
{
    const struct deploy_control_options *options = &control->options;
    const struct deploy_vault_order order = {.verb = DEPLOY_VAULT_KEYS};
    if (control->keys_swept || options->vault == NULL)
        return;
    control->keys_swept = options->vault(options->context, &order, KEYS_NUMBER);
}

static bool control_note_key(void *context, const struct store_certificate *certificate)
{
    struct buffer *used = context;
    return buffer_append(used, certificate->record.key, DEPLOY_SHA256_BYTES) == STATUS_OK;
}

static int control_compare_keys(const void *a, const void *b)
{
    return memcmp(a, b, DEPLOY_SHA256_BYTES);
}

/* What is asked for after this is not in `digests`: nothing of an order of ACME that is under way.
 */
bool control_keys_done(struct deploy_control *control,
                       uint64_t number,
                       enum status status,
                       struct bytes digests)
{
    struct buffer used;
    struct report report = REPORT_INIT;
    if (number != KEYS_NUMBER)
        return false;
    buffer_init(&used, SIZE_MAX);
    if (status == STATUS_OK && digests.count > 0)
        status = store_list_certificates(control->store, bytes_make(NULL, 0), control_note_key,
                                         &used, &report);
    size_t count = used.count / DEPLOY_SHA256_BYTES;
    if (count > 0)
        qsort(used.data, count, DEPLOY_SHA256_BYTES, control_compare_keys);
    for (size_t at = 0; status == STATUS_OK && at + DEPLOY_SHA256_BYTES <= digests.count;
         at += DEPLOY_SHA256_BYTES) {
        const uint8_t *key = digests.data + at;
        if (count == 0 ||
            bsearch(key, used.data, count, DEPLOY_SHA256_BYTES, control_compare_keys) == NULL)
            control_key_gone(control, key);
    }
    buffer_done(&used);
    return true;
}

/* ---- those whose time has come --------------------------------------------------------------- */

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
