/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Control and ACME: orders of certificates, and who does for them what control itself does not.
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

void deploy_control_acme_start(struct deploy_control *control)
{
    acme_start(control->acme);
}

void deploy_control_fetched(struct deploy_control *control,
                            uint64_t number,
                            const struct deploy_fetched *fetched)
{
    (void)acme_fetched(control->acme, number, fetched);
}
