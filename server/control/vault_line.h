/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to server/: control's line to the vault. The admin API's orders go over it, once; what is
 * to be forgotten, because its function or tenant is gone, is told again until the key process has
 * said that it did.
 */
#ifndef SKERRY_SERVER_CONTROL_VAULT_LINE_H
#define SKERRY_SERVER_CONTROL_VAULT_LINE_H

#include "deploy/deploy.h"
#include "engine/base/list.h"
#include "server/control/helpers.h"

struct vault_line {
    struct helpers *helpers;
    struct deploy_control *deploy; /* hears the answers */
    struct list forgetting;
    uint64_t forgets; /* ever */
};

/* Both are borrowed. */
void vault_line_open(struct vault_line *line,
                     struct helpers *helpers,
                     struct deploy_control *deploy);
void vault_line_close(struct vault_line *line);
/* For deploy_control_options.vault. */
bool vault_line_ask(struct vault_line *line,
                    const struct deploy_vault_order *order,
                    uint64_t number);
/* All of a function, or of a tenant if that is empty. */
void vault_line_forget(struct vault_line *line, struct bytes tenant, struct bytes function);
/* The key process was started, or is gone. */
void vault_line_started(struct vault_line *line);
void vault_line_lost(struct vault_line *line);

#endif
