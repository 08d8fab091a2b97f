/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a running server takes of a new configuration, and what only its next start does.
 */
#include <string.h>

#include "config/settings.h"

/* Whole sections have no key. What workers do, and what control reads each time that it needs it:
 * workers get successors. All else was used up when the server started. */
static const struct {
    const char *section;
    const char *key;
} reload_live[] = {
    {"limits", NULL}, {"pool", NULL},     {"", "domain"},
    {"", "node"},     {"", "public_url"}, {"", "trusted_proxies"},
    {"", "h2c"},      {"", "access_log"}, {"logs", "stdout"},
};

bool config_is_live(const struct setting *row)
{
    /* A tenant's share of the key-value store is the store's own. */
    if (strcmp(row->section, "limits") == 0 && strcmp(row->key, "kv") == 0)
        return false;
    for (size_t i = 0; i < COUNT_OF(reload_live); i++) {
        if (strcmp(reload_live[i].section, row->section) == 0 &&
            (reload_live[i].key == NULL || strcmp(reload_live[i].key, row->key) == 0))
            return true;
    }
    return false;
}

static void reload_copy(struct config *to, const struct config *from, const struct setting *row)
{
    memcpy((char *)to + row->offset, (const char *)from + row->offset, row->bytes);
    if (row->type == SETTING_NETS)
        to->trusted_proxy_count = from->trusted_proxy_count;
}

void config_take_live(const struct config *from, struct config *config)
{
    for (size_t i = 0; i < settings_row_count; i++) {
        if (config_is_live(&settings_rows[i]))
            reload_copy(config, from, &settings_rows[i]);
    }
}
