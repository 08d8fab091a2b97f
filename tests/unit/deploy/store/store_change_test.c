/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Changes: versions come, become active, and go with what only they had.
 */
#include "fixture.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "deploy/store/digest.h"

#define MAP_BYTES (16ULL << 20)

static struct bytes text(const char *module)
{
    return bytes_of_text(module);
}

static void versions_count_up_and_the_newest_is_active(void **state)
{
    (void)state;
    struct fixture fixture;
    struct store_function function;
    struct store_version version;
    uint32_t number = 0;
    fixture_init(&fixture);
    fixture_open_store(&fixture, MAP_BYTES);
    struct store_target target = fixture_target("acme", "hello");
    assert_int_equal(fixture_add(&fixture, "acme", "hello", text("one"), &number), STATUS_OK);
    assert_int_equal(number, 1);
    assert_int_equal(fixture_add(&fixture, "acme", "hello", text("two"), &number), STATUS_OK);
    assert_int_equal(number, 2);
    assert_int_equal(store_get_function(fixture.store, &target, NULL, &function), STATUS_OK);
    assert_int_equal(function.record.active_version, 2);
    assert_int_equal(function.record.previous_version, 1);
    assert_int_equal(function.record.version_count, 2);
    assert_string_equal(function.record.active.kind, "wagi");
    assert_int_equal(store_get_version(fixture.store, &target, 1, NULL, &version), STATUS_OK);
    assert_int_equal(version.record.module_bytes, 3);
    assert_int_equal(fixture.committed_count, 2);
    fixture_done(&fixture);
}

static void rollback_goes_to_the_previous_or_a_named_version(void **state)
{
    (void)state;
    struct fixture fixture;
    struct store_function function;
    uint32_t number;
    fixture_init(&fixture);
    fixture_open_store(&fixture, MAP_BYTES);
    struct store_target target = fixture_target("acme", "hello");
    assert_int_equal(fixture_add(&fixture, "acme", "hello", text("one"), &number), STATUS_OK);
    assert_int_equal(store_activate(fixture.store, &target, 0, NULL), STATUS_CONFLICT);
    assert_int_equal(fixture_add(&fixture, "acme", "hello", text("two"), &number), STATUS_OK);
    assert_int_equal(fixture_add(&fixture, "acme", "hello", text("three"), &number), STATUS_OK);
    assert_int_equal(store_activate(fixture.store, &target, 0, NULL), STATUS_OK);
    assert_int_equal(store_get_function(fixture.store, &target, NULL, &function), STATUS_OK);
    assert_int_equal(function.record.active_version, 2);
    assert_int_equal(store_activate(fixture.store, &target, 1, NULL), STATUS_OK);
    struct report report = REPORT_INIT;
    assert_int_equal(store_activate(fixture.store, &target, 7, &report), STATUS_NOT_FOUND);
    assert_string_equal(report.text, "the function has no version v7");
    assert_int_equal(store_get_function(fixture.store, &target, NULL, &function), STATUS_OK);
    assert_int_equal(function.record.active_version, 1);
    uint8_t sha256[DEPLOY_SHA256_BYTES];
    digest_sha256(text("one"), sha256);
    assert_memory_equal(function.record.active.sha256, sha256, sizeof(sha256));
    fixture_done(&fixture);
}

static void numbers_of_versions_are_used_up_not_used_again(void **state)
{
    (void)state;
    struct fixture fixture;
    uint32_t number = 7;
    struct report report = REPORT_INIT;
    fixture_init(&fixture);
    fixture_open_store(&fixture, MAP_BYTES);
    assert_int_equal(fixture_add(&fixture, "acme", "hello", text("one"), &number), STATUS_OK);
    struct store_function function;
    struct store_target target = fixture_target("acme", "hello");
    assert_int_equal(store_get_function(fixture.store, &target, NULL, &function), STATUS_OK);
    function.record.last_version = UINT32_MAX;
    fixture_put_raw(&fixture, "function", bytes_of_text("acme/hello"),
                    bytes_make(&function.record, sizeof(function.record)));
    fixture_open_store(&fixture, MAP_BYTES);
    assert_int_equal(fixture_add(&fixture, "acme", "hello", text("two"), &number), STATUS_LIMIT);
    assert_int_equal(store_delete_tenant(fixture.store, bytes_of_text("none"), &report),
                     STATUS_NOT_FOUND);
    assert_string_equal(report.text, "there is no tenant `none`");
    fixture_done(&fixture);
}

static void module_stays_until_its_last_version_goes(void **state)
{
    (void)state;
    struct fixture fixture;
    uint32_t number;
    uint8_t sha256[DEPLOY_SHA256_BYTES];
    fixture_init(&fixture);
    fixture_open_store(&fixture, MAP_BYTES);
    digest_sha256(text("shared"), sha256);
    struct store_target a = fixture_target("acme", "a");
    struct store_target b = fixture_target("acme", "b");
    assert_int_equal(fixture_add(&fixture, "acme", "a", text("shared"), &number), STATUS_OK);
    assert_int_equal(fixture_add(&fixture, "acme", "b", text("shared"), &number), STATUS_OK);
    assert_int_equal(store_delete_function(fixture.store, &a, NULL, &number), STATUS_OK);
    assert_int_equal(fixture.gone_count, 0);
    assert_true(store_has_artifact(fixture.store, sha256));
    assert_int_equal(store_delete_function(fixture.store, &b, NULL, &number), STATUS_OK);
    assert_int_equal(number, 1);
    assert_int_equal(fixture.gone_count, 1);
    assert_memory_equal(fixture.gone, sha256, sizeof(sha256));
    assert_false(store_has_artifact(fixture.store, sha256));
    assert_int_equal(store_delete_function(fixture.store, &b, NULL, &number), STATUS_NOT_FOUND);
    fixture_done(&fixture);
}

static enum status append_source(void *context, const struct store_source *found)
{
    struct bytes module = found->module;
    struct bytes config = found->config;
    return buffer_printf(context, "%.*s|%.*s", (int)module.count, (const char *)module.data,
                         (int)config.count, config.count == 0 ? "" : (const char *)config.data);
}

/* What the artifact of `module` and `config` is made of, as "module|config"; "" if none. */
static void
assert_source(struct fixture *fixture, const char *module, const char *config, const char *expected)
{
    uint8_t key[DEPLOY_SHA256_BYTES];
    struct buffer source;
    buffer_init(&source, 1000);
    digest_sha256(text(module), key);
    const struct digest_made_of made_of = {.sha256 = key, .config = text(config)};
    digest_artifact_key(&made_of, key);
    enum status status = store_use_source(fixture->store, key, append_source, &source, NULL);
    assert_int_equal(status, expected[0] == '\0' ? STATUS_NOT_FOUND : STATUS_OK);
    assert_int_equal(store_has_artifact(fixture->store, key), status == STATUS_OK);
    assert_true(bytes_equal_text(buffer_bytes(&source), expected));
    buffer_done(&source);
}

static void module_with_another_configuration_is_another_artifact(void **state)
{
    (void)state;
    struct fixture fixture;
    struct store_version version;
    struct store_stats stats;
    uint32_t number;
    fixture_init(&fixture);
    fixture_open_store(&fixture, MAP_BYTES);
    struct store_target a = fixture_target("acme", "a");
    struct store_target b = fixture_target("acme", "b");
    assert_int_equal(fixture_add(&fixture, "acme", "a", text("m"), &number), STATUS_OK);
    assert_int_equal(fixture_add_configured(&fixture, &a, text("m"), text("x=1"), &number),
                     STATUS_OK);
    assert_int_equal(fixture_add_configured(&fixture, &b, text("m"), text("x=1"), &number),
                     STATUS_OK);
    assert_source(&fixture, "m", "", "m|");
    assert_source(&fixture, "m", "x=1", "m|x=1");
    assert_source(&fixture, "m", "x=2", "");
    assert_int_equal(store_get_version(fixture.store, &a, 2, NULL, &version), STATUS_OK);
    assert_int_equal(version.record.content.config_bytes, 3);
    assert_int_equal(store_stats(fixture.store, NULL, &stats), STATUS_OK);
    assert_int_equal(stats.entries[RECORDS_MODULE], 1);
    assert_int_equal(stats.entries[RECORDS_ARTIFACT], 2);
    assert_int_equal(stats.entries[RECORDS_CONFIG], 1);
    /* Each goes with its own last version, the module with the last of all. */
    assert_int_equal(store_delete_function(fixture.store, &a, NULL, &number), STATUS_OK);
    assert_int_equal(fixture.gone_count, 1);
    assert_source(&fixture, "m", "", "");
    assert_source(&fixture, "m", "x=1", "m|x=1");
    assert_int_equal(store_delete_function(fixture.store, &b, NULL, &number), STATUS_OK);
    assert_int_equal(fixture.gone_count, 2);
    assert_int_equal(store_stats(fixture.store, NULL, &stats), STATUS_OK);
    assert_int_equal(stats.entries[RECORDS_MODULE] + stats.entries[RECORDS_ARTIFACT] +
                         stats.entries[RECORDS_CONFIG] + stats.entries[RECORDS_MODULE_USE],
                     0);
    fixture_done(&fixture);
}

/* A script on `module`; its artifact's key. */
static void add_on_base(struct fixture *fixture,
                        const char *function,
                        const char *script,
                        const char *module,
                        uint8_t ret_key[DEPLOY_SHA256_BYTES])
{
    struct records_content content = {.kind = "javascript", .source = DEPLOY_SOURCE_JAVASCRIPT};
    uint8_t sha256[DEPLOY_SHA256_BYTES];
    uint8_t base_key[DEPLOY_SHA256_BYTES];
    uint32_t number;
    digest_sha256(text(script), content.sha256);
    digest_sha256(text(module), sha256);
    digest_base_key(sha256, 0, base_key);
    const struct digest_made_of made_of = {.sha256 = content.sha256, .base = sha256};
    digest_artifact_key(&made_of, content.artifact_key);
    const struct store_base base = {.key = base_key, .sha256 = sha256, .module = text(module)};
    const struct store_upload upload = {.target = fixture_target("acme", function),
                                        .content = &content,
                                        .module = text(script),
                                        .base = &base,
                                        .activate = true};
    assert_int_equal(store_add_version(fixture->store, &upload, NULL, &number), STATUS_OK);
    memcpy(ret_key, content.artifact_key, sizeof(content.artifact_key));
}

static enum status append_base(void *context, const struct store_source *found)
{
    struct bytes module = found->base_module;
    assert_non_null(found->base_key);
    return buffer_printf(context, "%.*s", (int)module.count, (const char *)module.data);
}

static void a_base_stays_as_long_as_an_artifact_is_built_on_it(void **state)
{
    (void)state;
    struct fixture fixture;
    struct store_stats stats;
    uint8_t one[DEPLOY_SHA256_BYTES];
    uint8_t two[DEPLOY_SHA256_BYTES];
    uint8_t base[DEPLOY_SHA256_BYTES];
    uint32_t number;
    struct buffer found;
    buffer_init(&found, 100);
    fixture_init(&fixture);
    fixture_open_store(&fixture, MAP_BYTES);
    add_on_base(&fixture, "a", "one", "engine", one);
    add_on_base(&fixture, "a", "two", "engine", two);
    add_on_base(&fixture, "b", "two", "engine", two);
    digest_sha256(text("engine"), base);
    digest_base_key(base, 0, base);
    assert_true(store_has_artifact(fixture.store, base));
    assert_int_equal(store_use_source(fixture.store, two, append_base, &found, NULL), STATUS_OK);
    assert_true(bytes_equal_text(buffer_bytes(&found), "engine"));
    found.count = 0;
    assert_int_equal(store_use_source(fixture.store, base, append_source, &found, NULL), STATUS_OK);
    assert_true(bytes_equal_text(buffer_bytes(&found), "engine|"));
    assert_int_equal(store_stats(fixture.store, NULL, &stats), STATUS_OK);
    assert_int_equal(stats.entries[RECORDS_MODULE], 3);
    assert_int_equal(stats.entries[RECORDS_BASE], 2);
    const struct store_target a = fixture_target("acme", "a");
    const struct store_target b = fixture_target("acme", "b");
    assert_int_equal(store_delete_function(fixture.store, &a, NULL, &number), STATUS_OK);
    assert_int_equal(fixture.gone_count, 1);
    assert_true(store_has_artifact(fixture.store, base));
    assert_int_equal(store_delete_function(fixture.store, &b, NULL, &number), STATUS_OK);
    assert_int_equal(fixture.gone_count, 3);
    assert_false(store_has_artifact(fixture.store, base));
    assert_int_equal(store_stats(fixture.store, NULL, &stats), STATUS_OK);
    assert_int_equal(stats.entries[RECORDS_MODULE] + stats.entries[RECORDS_ARTIFACT] +
                         stats.entries[RECORDS_BASE] + stats.entries[RECORDS_MODULE_USE],
                     0);
    buffer_done(&found);
    fixture_done(&fixture);
}

static void deploy_beyond_the_version_limit_drops_the_oldest_unused(void **state)
{
    (void)state;
    struct fixture fixture;
    struct store_function function;
    struct store_version version;
    uint32_t number;
    fixture_init(&fixture);
    fixture_open_store(&fixture, MAP_BYTES);
    struct store_target target = fixture_target("acme", "hello");
    assert_int_equal(fixture_add(&fixture, "acme", "hello", text("first"), &number), STATUS_OK);
    for (uint32_t i = 0; i < STORE_VERSIONS_MAX; i++) {
        /* Version 1 is kept active throughout. */
        struct records_content content = {.kind = "wagi"};
        digest_sha256(bytes_make(&i, sizeof(i)), content.sha256);
        memcpy(content.artifact_key, content.sha256, sizeof(content.artifact_key));
        const struct store_upload upload = {
            .target = target, .content = &content, .module = bytes_make(&i, sizeof(i))};
        assert_int_equal(store_add_version(fixture.store, &upload, NULL, &number), STATUS_OK);
    }
    assert_int_equal(number, STORE_VERSIONS_MAX + 1);
    assert_int_equal(fixture.gone_count, 0);
    assert_int_equal(store_get_function(fixture.store, &target, NULL, &function), STATUS_OK);
    assert_int_equal(function.record.version_count, STORE_VERSIONS_MAX + 1);
    assert_int_equal(function.record.active_version, 1);
    assert_int_equal(store_get_version(fixture.store, &target, 1, NULL, &version), STATUS_OK);
    assert_int_equal(fixture_add(&fixture, "acme", "hello", text("last"), &number), STATUS_OK);
    assert_int_equal(store_get_version(fixture.store, &target, 1, NULL, &version), STATUS_OK);
    assert_int_equal(store_get_version(fixture.store, &target, 2, NULL, &version),
                     STATUS_NOT_FOUND);
    assert_int_equal(fixture.gone_count, 1);
    assert_int_equal(store_delete_function(fixture.store, &target, NULL, &number), STATUS_OK);
    assert_int_equal(number, STORE_VERSIONS_MAX + 1);
    assert_int_equal(fixture.gone_count, 2 + STORE_VERSIONS_MAX);
    fixture_done(&fixture);
}

static bool collect_version(void *context, const struct store_version *version)
{
    char *text = context;
    (void)snprintf(text + strlen(text), 8, "%u ", version->version);
    return true;
}

static void assert_versions(const struct fixture *fixture, const char *expected)
{
    char text[256] = "";
    const struct store_target target = fixture_target("acme", "hello");
    struct store_function function;
    uint32_t count = 0;
    assert_int_equal(store_list_versions(fixture->store, &target, collect_version, text, NULL),
                     STATUS_OK);
    assert_string_equal(text, expected);
    for (const char *at = text; (at = strchr(at, ' ')) != NULL; at++)
        count++;
    assert_int_equal(store_get_function(fixture->store, &target, NULL, &function), STATUS_OK);
    assert_int_equal(function.record.version_count, count);
}

static void the_newest_versions_and_those_in_use_are_kept(void **state)
{
    (void)state;
    struct fixture fixture;
    char module[16];
    uint32_t number;
    const struct store_target target = fixture_target("acme", "hello");
    fixture_init(&fixture);
    fixture.versions = 3;
    fixture_open_store(&fixture, MAP_BYTES);
    for (int i = 1; i <= 6; i++) {
        (void)snprintf(module, sizeof(module), "m%d", i);
        assert_int_equal(fixture_add(&fixture, "acme", "hello", text(module), &number), STATUS_OK);
    }
    assert_versions(&fixture, "4 5 6 ");
    /* Back to the oldest: it is active, and the newest is the one before. */
    assert_int_equal(store_activate(fixture.store, &target, 4, NULL), STATUS_OK);
    for (int i = 7; i <= 12; i++) {
        struct records_content content = {.kind = "wagi"};
        (void)snprintf(module, sizeof(module), "m%d", i);
        digest_sha256(text(module), content.sha256);
        memcpy(content.artifact_key, content.sha256, sizeof(content.artifact_key));
        const struct store_upload upload = {
            .target = target, .content = &content, .module = text(module)};
        assert_int_equal(store_add_version(fixture.store, &upload, NULL, &number), STATUS_OK);
    }
    assert_versions(&fixture, "4 6 10 11 12 ");
    /* What was the version before is not in use any more. */
    assert_int_equal(fixture_add(&fixture, "acme", "hello", text("m13"), &number), STATUS_OK);
    assert_versions(&fixture, "4 11 12 13 ");
    assert_int_equal(store_activate(fixture.store, &target, 0, NULL), STATUS_OK);
    /* A lower bound holds from the next version on, whatever is there. */
    fixture_close_store(&fixture);
    fixture.versions = 1;
    fixture_open_store(&fixture, MAP_BYTES);
    assert_versions(&fixture, "4 11 12 13 ");
    assert_int_equal(fixture_add(&fixture, "acme", "hello", text("m14"), &number), STATUS_OK);
    assert_versions(&fixture, "4 14 ");
    assert_int_equal(fixture.gone_count, 12);
    fixture_done(&fixture);
}

static void list_forgotten(void *context, struct bytes tenant, struct bytes function)
{
    char *text = context;
    (void)snprintf(text + strlen(text), 64 - strlen(text), "%.*s/%.*s ", (int)tenant.count,
                   (const char *)tenant.data, (int)function.count, (const char *)function.data);
}

static void what_is_removed_is_to_be_forgotten_until_it_was(void **state)
{
    (void)state;
    struct fixture fixture;
    uint32_t number;
    char text[64] = "";
    fixture_init(&fixture);
    fixture_open_store(&fixture, MAP_BYTES);
    const struct store_target f = fixture_target("acme", "f");
    const struct store_target acme = {.tenant = bytes_of_text("acme")};
    assert_int_equal(fixture_add(&fixture, "acme", "f", bytes_of_text("module"), &number),
                     STATUS_OK);
    assert_int_equal(store_delete_function(fixture.store, &f, NULL, &number), STATUS_OK);
    assert_int_equal(store_delete_tenant(fixture.store, acme.tenant, NULL), STATUS_OK);
    /* The next one of that name takes nothing away. */
    assert_int_equal(fixture_add(&fixture, "acme", "f", bytes_of_text("module"), &number),
                     STATUS_OK);
    fixture_close_store(&fixture);
    fixture_open_store(&fixture, MAP_BYTES);
    assert_int_equal(store_list_forgotten(fixture.store, list_forgotten, text, NULL), STATUS_OK);
    assert_string_equal(text, "acme/ acme/f ");
    assert_int_equal(store_forgot(fixture.store, &f, NULL), STATUS_OK);
    assert_int_equal(store_forgot(fixture.store, &f, NULL), STATUS_OK);
    text[0] = '\0';
    assert_int_equal(store_list_forgotten(fixture.store, list_forgotten, text, NULL), STATUS_OK);
    assert_string_equal(text, "acme/ ");
    fixture_done(&fixture);
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(versions_count_up_and_the_newest_is_active),
        cmocka_unit_test(rollback_goes_to_the_previous_or_a_named_version),
        cmocka_unit_test(numbers_of_versions_are_used_up_not_used_again),
        cmocka_unit_test(module_stays_until_its_last_version_goes),
        cmocka_unit_test(module_with_another_configuration_is_another_artifact),
        cmocka_unit_test(a_base_stays_as_long_as_an_artifact_is_built_on_it),
        cmocka_unit_test(deploy_beyond_the_version_limit_drops_the_oldest_unused),
        cmocka_unit_test(the_newest_versions_and_those_in_use_are_kept),
        cmocka_unit_test(what_is_removed_is_to_be_forgotten_until_it_was),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
