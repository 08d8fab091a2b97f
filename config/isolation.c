/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tenants with a worker of their own: which worker is whose, and who listens where.
 *
 *   workers    0 .. n-1  everybody's     n .. n+i-1  one for each row of `isolation`
 *   addresses  each of `listen` is everybody's, or that of the one row that names it
 *
 * A row is "TENANT ADDRESS", the address as config_listen_normalise leaves it.
 */
#include <stdio.h>

#include "config/settings.h"
#include "engine/base/label.h"

static struct bytes isolation_tenant(const char *row)
{
    return bytes_make(row, strcspn(row, " "));
}

static const char *isolation_address(const char *row)
{
    return row + strcspn(row, " ") + 1;
}

bool config_isolation_normalise(const char *text, char ret_row[CONFIG_ISOLATION_BYTES])
{
    char address[CONFIG_ADDRESS_BYTES];
    struct bytes tenant = isolation_tenant(text);
    if (!label_is_valid(tenant) || text[tenant.count] != ' ' ||
        !config_listen_normalise(isolation_address(text), address))
        return false;
    (void)snprintf(ret_row, CONFIG_ISOLATION_BYTES, "%.*s %s", (int)tenant.count, text, address);
    return true;
}

/* Whose address it is: a row of `isolation`, or isolation_count if it is everybody's. */
static uint32_t isolation_owner(const struct config *config, uint32_t listen)
{
    uint32_t row = 0;
    while (row < config->isolation_count &&
           strcmp(isolation_address(config->isolation[row]), config->listen[listen]) != 0)
        row++;
    return row;
}

static bool isolation_is_repeated(const struct config *config, uint32_t row)
{
    for (uint32_t i = 0; i < row; i++) {
        if (strcmp(isolation_address(config->isolation[i]),
                   isolation_address(config->isolation[row])) == 0 ||
            bytes_equal(isolation_tenant(config->isolation[i]),
                        isolation_tenant(config->isolation[row])))
            return true;
    }
    return false;
}

enum status config_check_isolation(struct config *config, struct report *report)
{
    uint32_t own = 0;
    for (uint32_t i = 0; i < config->listen_count; i++)
        own += isolation_owner(config, i) < config->isolation_count;
    for (uint32_t i = 0; i < config->isolation_count; i++) {
        if (isolation_is_repeated(config, i))
            return report_fail(report, STATUS_CONFIG, REPORT_OFFSET_NONE,
                               "isolation: `%s` names a tenant or an address for the second time",
                               config->isolation[i]);
    }
    if (own != config->isolation_count)
        return report_fail(report, STATUS_CONFIG, REPORT_OFFSET_NONE,
                           "isolation names an address that is none of `listen`: add it there");
    if (own > 0 && own == config->listen_count)
        return report_fail(report, STATUS_CONFIG, REPORT_OFFSET_NONE,
                           "isolation takes all addresses of `listen`: leave one for the others");
    if (config->workers + own > CONFIG_WORKERS_MAX)
        return report_fail(report, STATUS_CONFIG, REPORT_OFFSET_NONE,
                           "isolation and workers make more than %d workers", CONFIG_WORKERS_MAX);
    config->workers += own;
    return STATUS_OK;
}

struct bytes config_worker_tenant(const struct config *config, uint32_t worker)
{
    uint32_t common = config->workers - config->isolation_count;
    return worker < common ? bytes_make(NULL, 0)
                           : isolation_tenant(config->isolation[worker - common]);
}

struct bytes config_listen_tenant(const struct config *config, uint32_t listen)
{
    uint32_t owner = isolation_owner(config, listen);
    return owner == config->isolation_count ? bytes_make(NULL, 0)
                                            : isolation_tenant(config->isolation[owner]);
}

uint32_t config_tenant_listen(const struct config *config, struct bytes tenant)
{
    uint32_t common = config->listen_count;
    for (uint32_t i = 0; i < config->listen_count; i++) {
        struct bytes owner = config_listen_tenant(config, i);
        if (owner.count > 0 && bytes_equal(owner, tenant))
            return i;
        if (owner.count == 0)
            common = MIN(common, i);
    }
    return common;
}

bool config_worker_listens(const struct config *config, uint32_t worker, uint32_t listen)
{
    uint32_t common = config->workers - config->isolation_count;
    uint32_t owner = isolation_owner(config, listen);
    return worker < common ? owner == config->isolation_count : owner == worker - common;
}

bool config_worker_serves(const struct config *config, uint32_t worker, struct bytes tenant)
{
    struct bytes own = config_worker_tenant(config, worker);
    if (own.count > 0)
        return bytes_equal(own, tenant);
    for (uint32_t i = 0; i < config->isolation_count; i++) {
        if (bytes_equal(isolation_tenant(config->isolation[i]), tenant))
            return false;
    }
    return true;
}
