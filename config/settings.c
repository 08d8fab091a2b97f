/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rows of settings.def and limits.def, finding one by name, and storing a text in
 * the field that its row names.
 */
#include "config/settings.h"

#include <inttypes.h>
#include <sched.h>
#include <stdio.h>

#define SETTINGS_NAME_BYTES 64

const struct setting settings_rows[] = {
#define SETTING(section_, key_, type_, unit_, field_, minimum_, maximum_, default_, text_)         \
    {.section = (section_),                                                                        \
     .key = (key_),                                                                                \
     .type = SETTING_##type_,                                                                      \
     .unit = CONFIG_UNIT_##unit_,                                                                  \
     .offset = offsetof(struct config, field_),                                                    \
     .bytes = sizeof(((struct config *)NULL)->field_),                                             \
     .minimum = (minimum_),                                                                        \
     .maximum = (maximum_),                                                                        \
     .default_text = (default_),                                                                   \
     .text = (text_)},
#include "config/settings.def"
#define LIMIT(name_, unit_, minimum_, maximum_, default_, text_)                                   \
    {.section = "limits",                                                                          \
     .key = #name_,                                                                                \
     .type = SETTING_U64,                                                                          \
     .unit = CONFIG_UNIT_##unit_,                                                                  \
     .offset = offsetof(struct config, limits.name_),                                              \
     .bytes = sizeof(uint64_t),                                                                    \
     .minimum = (minimum_),                                                                        \
     .maximum = (maximum_),                                                                        \
     .text = (text_)},
#include "config/limits.def"
};

const size_t settings_row_count = COUNT_OF(settings_rows);

const struct setting *settings_find(const char *section, const char *key)
{
    for (size_t i = 0; i < settings_row_count; i++) {
        const struct setting *row = &settings_rows[i];
        if (strcmp(row->section, section) == 0 && strcmp(row->key, key) == 0)
            return row;
    }
    return NULL;
}

bool settings_is_section(const char *name)
{
    for (size_t i = 0; i < settings_row_count; i++) {
        if (name[0] != '\0' && strcmp(settings_rows[i].section, name) == 0)
            return true;
    }
    return false;
}

/* Edit distance, in which two neighbours the wrong way round are one; both names are cut at
 * SETTINGS_NAME_BYTES. */
size_t config_name_distance(const char *a, const char *b)
{
    size_t row[SETTINGS_NAME_BYTES + 1];
    size_t above[SETTINGS_NAME_BYTES + 1] = {0}; /* the row before the last one */
    size_t a_count = MIN(strlen(a), (size_t)SETTINGS_NAME_BYTES);
    size_t b_count = MIN(strlen(b), (size_t)SETTINGS_NAME_BYTES);
    for (size_t j = 0; j <= b_count; j++)
        row[j] = j;
    for (size_t i = 1; i <= a_count; i++) {
        size_t diagonal = row[0];
        size_t swapped = 0; /* two rows above, two places before */
        row[0] = i;
        for (size_t j = 1; j <= b_count; j++) {
            size_t change = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                change = MIN(change, swapped + 1);
            swapped = above[j - 1];
            above[j - 1] = diagonal;
            diagonal = row[j];
            row[j] = MIN(change, MIN(row[j], row[j - 1]) + 1);
        }
    }
    return row[b_count];
}

bool config_name_is_near(const char *a, const char *b)
{
    size_t longer = MIN(MAX(strlen(a), strlen(b)), (size_t)SETTINGS_NAME_BYTES);
    return config_name_distance(a, b) <= MAX(longer / 3, (size_t)1);
}

void settings_nearest(const char *section, const char *key, char *ret_name, size_t name_bytes)
{
    const struct setting *best = NULL;
    size_t best_distance = SIZE_MAX;
    for (size_t i = 0; i < settings_row_count; i++) {
        const struct setting *row = &settings_rows[i];
        /* A key in the wrong section is nearer than any misspelling. */
        size_t distance =
            2 * config_name_distance(key, row->key) + (strcmp(row->section, section) == 0 ? 0 : 1);
        /* At the top level a section's own name may have been meant. */
        if (section[0] == '\0' && row->section[0] != '\0')
            distance = MIN(distance, 2 * config_name_distance(key, row->section) + 1);
        if (distance < best_distance) {
            best_distance = distance;
            best = row;
        }
    }
    bool is_section =
        section[0] == '\0' && best->section[0] != '\0' &&
        config_name_distance(key, best->section) < config_name_distance(key, best->key);
    if (!config_name_is_near(key, is_section ? best->section : best->key))
        (void)snprintf(ret_name, name_bytes, "%s", "");
    else if (is_section || best->section[0] == '\0')
        (void)snprintf(ret_name, name_bytes, "%s", is_section ? best->section : best->key);
    else
        (void)snprintf(ret_name, name_bytes, "%s.%s", best->section, best->key);
}

static enum status settings_range_error(const struct setting *setting, struct report *report)
{
    char minimum[CONFIG_QUANTITY_BYTES];
    char maximum[CONFIG_QUANTITY_BYTES];
    config_format_quantity(setting->minimum, setting->unit, minimum);
    config_format_quantity(setting->maximum, setting->unit, maximum);
    return report_fail(report, STATUS_INVALID, REPORT_OFFSET_NONE,
                       "must lie between %s and %s (%s)", minimum, maximum, setting->text);
}

static uint64_t settings_core_count(void)
{
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof(set), &set) != 0)
        return 1;
    return (uint64_t)MAX(CPU_COUNT(&set), 1);
}

static enum status settings_set_number(void *field,
                                       const struct setting *setting,
                                       const char *text,
                                       struct report *report)
{
    uint64_t value;
    if (setting->type == SETTING_WORKERS && strcmp(text, "auto") == 0) {
        value = MIN(settings_core_count(), setting->maximum);
    } else if (!config_parse_quantity(text, setting->unit, &value)) {
        char example[CONFIG_QUANTITY_BYTES];
        config_format_quantity(setting->maximum, setting->unit, example);
        return report_fail(report, STATUS_INVALID, REPORT_OFFSET_NONE,
                           "is no whole number with a unit of %s, like %s (%s)",
                           config_unit_words(setting->unit), example, setting->text);
    }
    if (value < setting->minimum || value > setting->maximum)
        return settings_range_error(setting, report);
    if (setting->bytes == sizeof(uint32_t)) {
        uint32_t narrow = (uint32_t)value;
        memcpy(field, &narrow, sizeof(narrow));
    } else {
        ASSERT(setting->bytes == sizeof(uint64_t));
        memcpy(field, &value, sizeof(value));
    }
    return STATUS_OK;
}

static const struct {
    size_t offset; /* of the list */
    size_t count;  /* of the field that counts its rows */
    size_t row_bytes;
} settings_lists[] = {
#define LIST(field, count_field)                                                                   \
    {                                                                                              \
        offsetof(struct config, field), offsetof(struct config, count_field),                      \
            sizeof(((struct config *)NULL)->field[0])                                              \
    }
    LIST(listen, listen_count),
    LIST(trusted_proxies, trusted_proxy_count),
    LIST(proxy_protocol, proxy_protocol_count),
    LIST(tls_certificates, tls_certificate_count),
    LIST(isolation, isolation_count),
#undef LIST
};

static size_t settings_find_list(const struct setting *setting)
{
    for (size_t i = 0; i < COUNT_OF(settings_lists); i++) {
        if (settings_lists[i].offset == setting->offset)
            return i;
    }
    ASSERT(!"a list without a count");
    return 0;
}

uint32_t *settings_list_count(struct config *config, const struct setting *setting)
{
    size_t offset = settings_lists[settings_find_list(setting)].count;
    return (uint32_t *)(void *)((char *)config + offset);
}

size_t settings_row_bytes(const struct setting *setting)
{
    return settings_lists[settings_find_list(setting)].row_bytes;
}

static enum status
settings_add_listen(struct config *config, const char *text, struct report *report)
{
    if (config->listen_count == CONFIG_LISTEN_MAX)
        return report_fail(report, STATUS_INVALID, REPORT_OFFSET_NONE, "has more than %d addresses",
                           CONFIG_LISTEN_MAX);
    if (!config_listen_normalise(text, config->listen[config->listen_count]))
        return report_fail(report, STATUS_INVALID, REPORT_OFFSET_NONE,
                           "is no numeric address, like http://127.0.0.1:8080 or "
                           "https://[::]:443");
    config->listen_count++;
    return STATUS_OK;
}

static enum status settings_add_net(struct config *config,
                                    const struct setting *setting,
                                    const char *text,
                                    struct report *report)
{
    uint32_t *count = settings_list_count(config, setting);
    struct config_net *nets = (struct config_net *)(void *)((char *)config + setting->offset);
    if (text[0] == '\0')
        return STATUS_OK;
    if (*count == CONFIG_PROXIES_MAX)
        return report_fail(report, STATUS_INVALID, REPORT_OFFSET_NONE, "has more than %d networks",
                           CONFIG_PROXIES_MAX);
    if (!config_net_parse(text, &nets[*count]))
        return report_fail(report, STATUS_INVALID, REPORT_OFFSET_NONE,
                           "is no network, like 10.0.0.0/8 or 2001:db8::/32, or has bits behind "
                           "its prefix");
    (*count)++;
    return STATUS_OK;
}

/* Absolute, so that it does not matter who opens them. */
static enum status settings_add_files(struct config *config,
                                      const struct setting *setting,
                                      const char *text,
                                      struct report *report)
{
    uint32_t *count = settings_list_count(config, setting);
    if (text[0] == '\0')
        return STATUS_OK;
    if (*count == CONFIG_CERTIFICATES_MAX)
        return report_fail(report, STATUS_INVALID, REPORT_OFFSET_NONE, "has more than %d rows",
                           CONFIG_CERTIFICATES_MAX);
    if (!config_certificate_valid(text))
        return report_fail(report, STATUS_INVALID, REPORT_OFFSET_NONE,
                           "is no absolute path of less than %d bytes, nor two with a blank "
                           "between",
                           CONFIG_CERTIFICATE_BYTES);
    (void)snprintf(config->tls_certificates[(*count)++], CONFIG_CERTIFICATE_BYTES, "%s", text);
    return STATUS_OK;
}

static enum status
settings_add_tenant(struct config *config, const char *text, struct report *report)
{
    if (text[0] == '\0')
        return STATUS_OK;
    if (config->isolation_count == CONFIG_LISTEN_MAX)
        return report_fail(report, STATUS_INVALID, REPORT_OFFSET_NONE, "has more than %d rows",
                           CONFIG_LISTEN_MAX);
    if (!config_isolation_normalise(text, config->isolation[config->isolation_count]))
        return report_fail(report, STATUS_INVALID, REPORT_OFFSET_NONE,
                           "is no tenant with an address behind a blank, like "
                           "`acme http://127.0.0.1:8081`");
    config->isolation_count++;
    return STATUS_OK;
}

bool settings_is_list(const struct setting *setting)
{
    return setting->type == SETTING_LISTEN || setting->type == SETTING_NETS ||
           setting->type == SETTING_FILES || setting->type == SETTING_TENANTS;
}

void settings_clear_list(struct config *config, const struct setting *setting)
{
    *settings_list_count(config, setting) = 0;
}

static enum status settings_set_walls(void *field, const char *text, struct report *report)
{
    static const char *const words[] = {[CONFIG_WALLS_AUTO] = "auto",
                                        [CONFIG_WALLS_REQUIRE] = "require",
                                        [CONFIG_WALLS_OFF] = "off"};
    for (uint32_t i = 0; i < COUNT_OF(words); i++) {
        if (strcmp(words[i], text) != 0)
            continue;
        memcpy(field, &i, sizeof(i));
        return STATUS_OK;
    }
    return report_fail(report, STATUS_INVALID, REPORT_OFFSET_NONE,
                       "is none of auto, require and off");
}

static enum status settings_set_flag(bool *field, const char *text, struct report *report)
{
    bool yes = strcmp(text, "true") == 0;
    if (!yes && strcmp(text, "false") != 0)
        return report_fail(report, STATUS_INVALID, REPORT_OFFSET_NONE, "is neither true nor false");
    *field = yes;
    return STATUS_OK;
}

enum status settings_set(struct config *config,
                         const struct setting *setting,
                         const char *text,
                         struct report *report)
{
    char *field = (char *)config + setting->offset;
    switch (setting->type) {
    case SETTING_U64:
    case SETTING_U32:
    case SETTING_WORKERS:
        return settings_set_number(field, setting, text, report);
    case SETTING_LISTEN:
        return settings_add_listen(config, text, report);
    case SETTING_NETS:
        return settings_add_net(config, setting, text, report);
    case SETTING_FILES:
        return settings_add_files(config, setting, text, report);
    case SETTING_TENANTS:
        return settings_add_tenant(config, text, report);
    case SETTING_FLAG:
        return settings_set_flag((bool *)field, text, report);
    case SETTING_WALLS:
        return settings_set_walls(field, text, report);
    case SETTING_ADDRESS:
        if (text[0] == '\0')
            field[0] = '\0';
        else if (!config_address_normalise(text, field))
            return report_fail(report, STATUS_INVALID, REPORT_OFFSET_NONE,
                               "is no numeric address, like 127.0.0.1:8090");
        return STATUS_OK;
    case SETTING_TEXT:
        break;
    }
    size_t count = strlen(text);
    if (count >= setting->bytes)
        return report_fail(report, STATUS_INVALID, REPORT_OFFSET_NONE, "is longer than %zu bytes",
                           setting->bytes - 1);
    memcpy(field, text, count + 1);
    return STATUS_OK;
}
