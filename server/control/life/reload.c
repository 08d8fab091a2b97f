/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The configuration's way from its sources to the workers.
 */
#include "server/control/life/reload.h"

#include "server/telemetry/log.h"

enum status reload_begin(struct reload *reload,
                         struct workers *workers,
                         struct deploy_reload *ret_reload,
                         struct report *report)
{
    struct config asked;
    struct config next = reload->config;
    *ret_reload = (struct deploy_reload){.changed = ""};
    enum status status = reload->configure(reload->context, &asked, report);
    if (status != STATUS_OK)
        return status;
    config_take_live(&asked, &next);
    config_list_changes(&reload->config, &next, ret_reload->changed, sizeof(ret_reload->changed));
    config_list_changes(&next, &asked, ret_reload->restart, sizeof(ret_reload->restart));
    if (ret_reload->changed[0] == '\0')
        return STATUS_OK;
    status = workers_roll(workers, &next, report);
    if (status == STATUS_OK)
        reload->next = next;
    return status;
}

enum status reload_renew(struct reload *reload, struct workers *workers)
{
    enum status status = workers_roll(workers, &reload->config, NULL);
    if (status == STATUS_OK)
        reload->next = reload->config;
    return status;
}

void reload_end(struct reload *reload, bool done)
{
    if (done) {
        reload->config = reload->next;
        log_message("info", "reloaded", "new workers serve with the new configuration");
    } else {
        log_message("error", "reload",
                    "workers cannot start with the new configuration: it stays as it is");
    }
}

void reload_by_signal(enum status (*begin)(void *context,
                                           struct deploy_reload *ret_reload,
                                           struct report *report),
                      void *context)
{
    struct deploy_reload reload;
    struct report report = REPORT_INIT;
    enum status status = begin(context, &reload, &report);
    if (status != STATUS_OK)
        log_message("error", "reload", "%s: the configuration stays as it is",
                    report.text[0] != '\0' ? report.text : status_text(status));
    else if (reload.changed[0] != '\0')
        log_message("info", "reload", "these keys changed, new workers start: %s", reload.changed);
    else
        log_message("info", "reload", "the configuration is as it was");
    if (status == STATUS_OK && reload.restart[0] != '\0')
        log_message("warn", "reload", "these keys changed and need a restart: %s", reload.restart);
}
