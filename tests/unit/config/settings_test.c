/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rows of settings.def and limits.def: what a key takes, and what would break who reads it.
 */
#include <stdio.h>

#include "config/load.h"
#include "config/settings.h"
#include "tests/support/unit.h"
#include "tests/unit/config/fixture.h"

/* ---- texts and lists ------------------------------------------------------------------------- */

static void what_is_longer_than_its_field_is_refused(void **state)
{
    (void)state;
    char text[1024];
    char address[201];
    memset(address, '1', sizeof(address) - 1);
    address[sizeof(address) - 1] = '\0';
    (void)snprintf(text, sizeof(text), "listen: '%s:80'", address);
    assert_load_fails(text, "numeric address");
    (void)snprintf(text, sizeof(text), "admin: { listen: '%s:80' }", address);
    assert_load_fails(text, "numeric address");
    (void)snprintf(text, sizeof(text), "trusted_proxies: '%s/8'", address);
    assert_load_fails(text, "is no network");
    (void)snprintf(text, sizeof(text), "domain: '%s%s'", address, address);
    assert_load_fails(text, "is longer than 253 bytes");
}

/* A list of `count` rows that are all `row`. */
static void write_list(char *text, size_t text_bytes, const char *key, const char *row, int count)
{
    size_t at = (size_t)snprintf(text, text_bytes, "%s: [", key);
    for (int i = 0; i < count; i++)
        at += (size_t)snprintf(text + at, text_bytes - at, "'%s',", row);
    (void)snprintf(text + at, text_bytes - at, "]");
}

static void lists_have_an_end(void **state)
{
    (void)state;
    char text[1024];
    struct config config = config_made();
    struct report report = REPORT_INIT;
    write_list(text, sizeof(text), "listen", "127.0.0.1:1", CONFIG_LISTEN_MAX);
    assert_int_equal(load_text(&config, bytes_of_text(text), "x", &report), STATUS_OK);
    write_list(text, sizeof(text), "listen", "127.0.0.1:1", CONFIG_LISTEN_MAX + 1);
    assert_load_fails(text, "has more than 8 addresses");
    write_list(text, sizeof(text), "trusted_proxies", "10.0.0.0/8", CONFIG_PROXIES_MAX);
    assert_int_equal(load_text(&config, bytes_of_text(text), "x", &report), STATUS_OK);
    write_list(text, sizeof(text), "trusted_proxies", "10.0.0.0/8", CONFIG_PROXIES_MAX + 1);
    assert_load_fails(text, "has more than 16 networks");
}

/* ---- the tables ------------------------------------------------------------------------------ */

static bool is_number(const struct setting *row)
{
    return row->type == SETTING_U64 || row->type == SETTING_U32 || row->type == SETTING_WORKERS;
}

/* Is the row's key set by `number` and the smallest unit that it has? */
static bool takes(const struct setting *row, const char *number)
{
    char text[64];
    struct config config = config_made();
    struct report report = REPORT_INIT;
    (void)snprintf(text, sizeof(text), "%s%s", number,
                   row->unit == CONFIG_UNIT_MICROSECONDS ? "us" : "");
    return settings_set(&config, row, text, &report) == STATUS_OK;
}

static void no_two_keys_share_a_field(void **state)
{
    (void)state;
    for (size_t i = 0; i < settings_row_count; i++) {
        const struct setting *a = &settings_rows[i];
        for (size_t j = 0; j < i; j++) {
            const struct setting *b = &settings_rows[j];
            if (a->offset < b->offset + b->bytes && b->offset < a->offset + a->bytes)
                fail_msg("%s.%s and %s.%s", a->section, a->key, b->section, b->key);
        }
    }
}

static void nothing_is_allowed_only_where_it_means_something(void **state)
{
    (void)state;
    /* No configuration, no bodies, no keys, no files, nobody asked, no isolates made ahead; no
     * HSTS; and 0 is `auto`.
     */
    static const char *const keys[] = {
        "guest_config",  "body",          "kv",   "outbound", "prewarm",
        "tenant_memory", "worker_memory", "file", "scratch",  "file_count",
        "files_bytes",   "tenant_files",  "hsts"};
    for (size_t i = 0; i < settings_row_count; i++) {
        bool may = false;
        for (size_t k = 0; k < COUNT_OF(keys); k++)
            may |= strcmp(keys[k], settings_rows[i].key) == 0;
        if (is_number(&settings_rows[i]) && takes(&settings_rows[i], "0") != may)
            fail_msg("%s.%s", settings_rows[i].section, settings_rows[i].key);
    }
}

/* Times are turned into nanoseconds, JSON has numbers of 53 bits, and what fits in 32 is kept so.
 */
static void no_number_is_larger_than_what_is_made_of_it(void **state)
{
    (void)state;
    for (size_t i = 0; i < settings_row_count; i++) {
        const struct setting *row = &settings_rows[i];
        if (!is_number(row))
            continue;
        const char *more = row->unit == CONFIG_UNIT_MICROSECONDS ? "9223372036854776"
                           : row->bytes == sizeof(uint32_t)      ? "4294967296"
                                                                 : "9007199254740993";
        if (takes(row, more) || takes(row, "18446744073709551615"))
            fail_msg("%s.%s", row->section, row->key);
    }
}

/* Only so much of a name is compared. */
static void a_name_that_is_too_long_is_near_none(void **state)
{
    (void)state;
    char name[400];
    memset(name, 'a', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    assert_false(config_name_is_near(name, "validate"));
    assert_true(config_name_is_near("valdate", "validate"));
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_longer_than_its_field_is_refused),
        cmocka_unit_test(lists_have_an_end),
        cmocka_unit_test(no_two_keys_share_a_field),
        cmocka_unit_test(nothing_is_allowed_only_where_it_means_something),
        cmocka_unit_test(a_name_that_is_too_long_is_near_none),
        cmocka_unit_test(no_number_is_larger_than_what_is_made_of_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
