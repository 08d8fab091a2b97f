/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Control and what strangers have to be asked for: orders of certificates, and proofs of domains.
 * Who does it is not control itself.
 */
#include "deploy/control_private.h"

static bool
control_ask_vault(void *context, const struct deploy_vault_order *order, uint64_t number)
{
    const struct deploy_control_options *options = &((struct deploy_control *)context)->options;
    return options->vault != NULL && options->vault(options->context, order, number);
}

static bool control_fetch(void *context, const struct deploy_fetch *fetch, uint64_t number)
{
    const struct deploy_control_options *options = &((struct deploy_control *)context)->options;
    return options->fetch != NULL && options->fetch(options->context, fetch, number);
}

static void control_acme_told(void *context, bool failed, const char *host, const char *text)
{
    const struct deploy_control_options *options = &((struct deploy_control *)context)->options;
    if (options->acme_told != NULL)
        options->acme_told(options->context, failed, host, text);
}

enum status control_open_acme(struct deploy_control *control, struct report *report)
{
    const struct acme_options options = {.base = control->options.base,
                                         .clock = control->options.clock,
                                         .config = control->options.config,
                                         .store = control->store,
                                         .ask = control_ask_vault,
                                         .fetch = control_fetch,
                                         .tell = control_acme_told,
                                         .context = control};
    return acme_create(&options, report, &control->acme);
}

static bool control_ask_texts(void *context, struct bytes name, uint64_t number)
{
    const struct deploy_control_options *options = &((struct deploy_control *)context)->options;
    return options->texts != NULL && options->texts(options->context, name, number);
}

enum status control_open_proofs(struct deploy_control *control, struct report *report)
{
    const struct proofs_options options = {.base = control->options.base,
                                           .clock = control->options.clock,
                                           .store = control->store,
                                           .ask = control_ask_texts,
                                           .context = control};
    return proofs_create(&options, report, &control->proofs);
}

void deploy_control_serving(struct deploy_control *control)
{
    acme_start(control->acme);
    proofs_start(control->proofs);
}

void deploy_control_texts(struct deploy_control *control,
                          uint64_t number,
                          enum status status,
                          struct bytes list)
{
    proofs_texts(control->proofs, number, status == STATUS_OK ? list : bytes_make("", 0));
}

void deploy_control_fetched(struct deploy_control *control,
                            uint64_t number,
                            const struct deploy_fetched *fetched)
{
    (void)acme_fetched(control->acme, number, fetched);
}
