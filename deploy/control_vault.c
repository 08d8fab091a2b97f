/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Control and the vault: answers to orders, certificates of files, and what was removed and is to
 * be forgotten there.
 */
#include "deploy/backup/backup_stream.h"
#include "deploy/control_private.h"
#include "deploy/door/admin_http.h"

void deploy_control_vault_done(struct deploy_control *control,
                               uint64_t number,
                               enum status status,
                               struct bytes text)
{
    if (!certificate_files_done(&control->certificates, number, status, text) &&
        !control_keys_done(control, number, status, text) &&
        !backup_stream_vault_done(control->backup, number, status, text) &&
        !acme_vault_done(control->acme, number, status, text))
        admin_vault_done(&control->vault, number, status, text);
}

void deploy_control_vault_lost(struct deploy_control *control)
{
    admin_vault_lost(&control->vault);
    certificate_files_lost(&control->certificates);
    backup_stream_vault_lost(control->backup);
    if (control->acme != NULL)
        acme_vault_lost(control->acme);
}

void deploy_control_load_certificates(struct deploy_control *control)
{
    struct report report = REPORT_INIT;
    const struct deploy_control_options *options = &control->options;
    certificate_files_load(&control->certificates);
    control_sweep_keys(control);
    if (admin_http_renew_tls(control->http, &report) != STATUS_OK &&
        options->certificates_told != NULL)
        options->certificates_told(options->context, true, report.text);
}

void deploy_control_list_forgotten(struct deploy_control *control,
                                   void (*visit)(void *context,
                                                 struct bytes tenant,
                                                 struct bytes function),
                                   void *context)
{
    (void)!store_list_forgotten(control->store, visit, context, NULL);
}

void deploy_control_forgot(struct deploy_control *control,
                           struct bytes tenant,
                           struct bytes function)
{
    /* If that fails it is forgotten again, no more. */
    (void)!store_forgot(control->store, &(struct store_target){tenant, function}, NULL);
}
