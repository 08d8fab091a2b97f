/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store: what was acknowledged is there after any end of the process, what failed
 * left nothing, and a full store can be emptied again.
 */
#include "fixture.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "deploy/build/digest.h"

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

static void missing_things_are_told_apart(void **state)
{
    (void)state;
    struct fixture fixture;
    struct store_function function;
    struct store_version version;
    uint32_t number;
    fixture_init(&fixture);
    fixture_open_store(&fixture, MAP_BYTES);
    assert_int_equal(fixture_add(&fixture, "acme", "hello", text("one"), &number), STATUS_OK);
    struct report report = REPORT_INIT;
    struct store_target target = fixture_target("nobody", "hello");
    assert_int_equal(store_get_function(fixture.store, &target, &report, &function),
                     STATUS_NOT_FOUND);
    assert_string_equal(report.text, "there is no tenant `nobody`");
    report = (struct report)REPORT_INIT;
    target = fixture_target("acme", "none");
    assert_int_equal(store_get_function(fixture.store, &target, &report, &function),
                     STATUS_NOT_FOUND);
    assert_string_equal(report.text, "tenant `acme` has no function `none`");
    report = (struct report)REPORT_INIT;
    target = fixture_target("acme", "hello");
    assert_int_equal(store_get_version(fixture.store, &target, 9, &report, &version),
                     STATUS_NOT_FOUND);
    assert_string_equal(report.text, "the function has no version v9");
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
    assert_int_equal(store_activate(fixture.store, &target, 7, NULL), STATUS_NOT_FOUND);
    assert_int_equal(store_get_function(fixture.store, &target, NULL, &function), STATUS_OK);
    assert_int_equal(function.record.active_version, 1);
    uint8_t sha256[DEPLOY_SHA256_BYTES];
    digest_sha256(text("one"), sha256);
    assert_memory_equal(function.record.active.sha256, sha256, sizeof(sha256));
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

/* Ends like a process that is killed: no close, no flush, in the middle of the next change. */
static void child_adds_and_is_killed(struct fixture *fixture)
{
    uint32_t number;
    fixture_open_store(fixture, MAP_BYTES);
    for (int i = 0; i < 3; i++) {
        char module[8];
        (void)snprintf(module, sizeof(module), "m%d", i);
        if (fixture_add(fixture, "acme", "hello", text(module), &number) != STATUS_OK)
            _exit(1);
    }
    (void)kill(getpid(), SIGKILL);
}

static void acknowledged_versions_survive_a_killed_process(void **state)
{
    (void)state;
    struct fixture fixture;
    struct store_function function;
    int wait_status;
    fixture_init(&fixture);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        child_adds_and_is_killed(&fixture);
        _exit(2);
    }
    assert_int_equal(waitpid(pid, &wait_status, 0), pid);
    assert_true(WIFSIGNALED(wait_status));
    fixture_open_store(&fixture, MAP_BYTES);
    struct store_target target = fixture_target("acme", "hello");
    assert_int_equal(store_get_function(fixture.store, &target, NULL, &function), STATUS_OK);
    assert_int_equal(function.record.active_version, 3);
    uint32_t number;
    assert_int_equal(fixture_add(&fixture, "acme", "hello", text("after"), &number), STATUS_OK);
    assert_int_equal(number, 4);
    fixture_done(&fixture);
}

static void full_map_refuses_the_deploy_changes_nothing_and_lets_delete(void **state)
{
    (void)state;
    struct fixture fixture;
    struct store_function function;
    struct store_stats stats;
    uint32_t number;
    char name[16];
    fixture_init(&fixture);
    fixture_open_store(&fixture, 1 << 20);
    char *module = test_calloc(1, 40000);
    uint32_t count = 0;
    enum status status = STATUS_OK;
    /* Ever smaller ones, so that hardly a page is left at the end. */
    for (size_t bytes = 40000; bytes > 10; bytes /= 2) {
        for (status = STATUS_OK; status == STATUS_OK; count += status == STATUS_OK) {
            (void)snprintf(module, bytes, "%u", count);
            (void)snprintf(name, sizeof(name), "f%u", count);
            uint32_t before = fixture.committed_count;
            status = fixture_add(&fixture, "acme", name, bytes_make(module, bytes), &number);
            assert_int_equal(fixture.committed_count, before + (status == STATUS_OK));
            assert_true(count < 10000);
        }
        assert_int_equal(status, STATUS_FULL);
    }
    struct store_target missing = fixture_target("acme", name);
    assert_int_equal(store_get_function(fixture.store, &missing, NULL, &function),
                     STATUS_NOT_FOUND);
    assert_int_equal(store_stats(fixture.store, NULL, &stats), STATUS_OK);
    assert_int_equal(stats.entries[RECORDS_FUNCTION], count);
    assert_int_equal(stats.entries[RECORDS_MODULE], count);
    for (uint32_t i = 0; i < count; i++) {
        struct report report = REPORT_INIT;
        (void)snprintf(name, sizeof(name), "f%u", i);
        struct store_target target = fixture_target("acme", name);
        if (store_delete_function(fixture.store, &target, &report, &number) != STATUS_OK)
            fail_msg("%s", report.text);
    }
    (void)snprintf(module, 100, "again");
    assert_int_equal(fixture_add(&fixture, "acme", "f0", bytes_make(module, 40000), &number),
                     STATUS_OK);
    test_free(module);
    fixture_done(&fixture);
}

static bool visit_count(void *context, const struct store_function *function)
{
    uint32_t *count = context;
    assert_string_equal(function->tenant, "acme");
    return ++*count < 2;
}

static bool visit_tenant_count(void *context, const struct store_tenant *tenant)
{
    uint32_t *count = context;
    assert_int_equal(tenant->record.function_count, *count == 0 ? 3 : 1);
    ++*count;
    return true;
}

static void lists_hold_one_tenant_in_order_and_page_on(void **state)
{
    (void)state;
    struct fixture fixture;
    uint32_t number;
    uint32_t count = 0;
    fixture_init(&fixture);
    fixture_open_store(&fixture, MAP_BYTES);
    static const char *const names[] = {"a", "b", "c"};
    for (size_t i = 0; i < COUNT_OF(names); i++)
        assert_int_equal(fixture_add(&fixture, "acme", names[i], text("x"), &number), STATUS_OK);
    /* Sorts right behind, and starts with the same letters. */
    assert_int_equal(fixture_add(&fixture, "acme-2", "a", text("x"), &number), STATUS_OK);
    struct store_target after = fixture_target("acme", "");
    assert_int_equal(store_list_functions(fixture.store, &after, visit_count, &count, NULL),
                     STATUS_OK);
    assert_int_equal(count, 2);
    count = 0;
    after = fixture_target("acme", "b");
    assert_int_equal(store_list_functions(fixture.store, &after, visit_count, &count, NULL),
                     STATUS_OK);
    assert_int_equal(count, 1);
    after = fixture_target("nobody", "");
    assert_int_equal(store_list_functions(fixture.store, &after, visit_count, &count, NULL),
                     STATUS_NOT_FOUND);
    count = 0;
    assert_int_equal(
        store_list_tenants(fixture.store, bytes_of_text(""), visit_tenant_count, &count, NULL),
        STATUS_OK);
    assert_int_equal(count, 2);
    fixture_done(&fixture);
}

static void visit_change(void *context, struct bytes json)
{
    struct buffer *out = context;
    assert_int_equal(buffer_append(out, json.data, json.count), STATUS_OK);
    assert_int_equal(buffer_append(out, "\n", 1), STATUS_OK);
}

static void every_change_leaves_its_record_in_the_changelog(void **state)
{
    (void)state;
    struct fixture fixture;
    uint32_t number;
    struct buffer out;
    fixture_init(&fixture);
    fixture_open_store(&fixture, MAP_BYTES);
    buffer_init(&out, 1 << 16);
    struct store_target target = fixture_target("acme", "hello");
    assert_int_equal(fixture_add(&fixture, "acme", "hello", text("one"), &number), STATUS_OK);
    assert_int_equal(store_activate(fixture.store, &target, 1, NULL), STATUS_OK);
    assert_int_equal(store_activate(fixture.store, &target, 8, NULL), STATUS_NOT_FOUND);
    assert_int_equal(store_delete_function(fixture.store, &target, NULL, &number), STATUS_OK);
    assert_int_equal(store_list_changes(fixture.store, 10, visit_change, &out, NULL), STATUS_OK);
    assert_int_equal(buffer_append(&out, "", 1), STATUS_OK);
    const char *log = (const char *)out.data;
    const char *delete = strstr(log, "\"serial\":3,\"time_ns\":1700000000000000000,"
                                     "\"action\":\"delete\"");
    const char *activate = strstr(log, "\"serial\":2,\"time_ns\":1700000000000000000,"
                                       "\"action\":\"activate\"");
    const char *deploy = strstr(log, "\"serial\":1,\"time_ns\":1700000000000000000,"
                                     "\"action\":\"deploy\"");
    assert_true(delete != NULL && activate != NULL && deploy != NULL);
    assert_true(delete < activate && activate < deploy);
    assert_null(strstr(log, "\"serial\":4"));
    buffer_done(&out);
    fixture_done(&fixture);
}

static void limits_of_a_tenant_are_kept_with_their_record_in_the_changelog(void **state)
{
    (void)state;
    struct fixture fixture;
    struct store_tenant tenant;
    uint32_t number;
    struct buffer out;
    const struct deploy_tenant_limits limits = {.cpu_share = 4, .queue = 9};
    fixture_init(&fixture);
    fixture_open_store(&fixture, MAP_BYTES);
    buffer_init(&out, 1 << 16);
    assert_int_equal(store_set_limits(fixture.store, text("acme"), &limits, NULL), STATUS_OK);
    assert_int_equal(fixture.committed_count, 1);
    assert_int_equal(fixture_add(&fixture, "acme", "hello", text("one"), &number), STATUS_OK);
    fixture_close_store(&fixture);
    fixture_open_store(&fixture, MAP_BYTES);
    assert_int_equal(store_get_tenant(fixture.store, text("acme"), NULL, &tenant), STATUS_OK);
    assert_memory_equal(&tenant.record.limits, &limits, sizeof(limits));
    assert_int_equal(tenant.record.function_count, 1);
    assert_int_equal(store_list_changes(fixture.store, 10, visit_change, &out, NULL), STATUS_OK);
    assert_int_equal(buffer_append(&out, "", 1), STATUS_OK);
    assert_non_null(strstr((const char *)out.data,
                           "\"action\":\"limits\",\"tenant\":\"acme\",\"limits\":{"
                           "\"cpu_share\":4,\"concurrency\":null,\"queue\":9,\"pool\":null}}\n"));
    buffer_done(&out);
    fixture_done(&fixture);
}

static void store_leaves_no_descriptor_to_children(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_init(&fixture);
    fixture_open_store(&fixture, MAP_BYTES);
    char command[256];
    (void)snprintf(command, sizeof(command), "! ls -l /proc/self/fd 2>/dev/null | grep -q '%s' ",
                   fixture.dir);
    assert_int_equal(system(command), 0);
    fixture_done(&fixture);
}

/* Opens what is left of the store when its file ends after so many bytes. */
static enum status open_cut(struct fixture *fixture, off_t bytes, struct report *report)
{
    char dir[96];
    char path[128];
    (void)snprintf(dir, sizeof(dir), "%s/store", fixture->dir);
    (void)snprintf(path, sizeof(path), "%s/data.mdb", dir);
    assert_int_equal(truncate(path, bytes), 0);
    const struct store_options options = {
        .dir = dir, .map_bytes = MAP_BYTES, .clock = &fixture->clock};
    enum status status = store_open(&options, report, &fixture->store);
    if (status == STATUS_OK)
        fixture_close_store(fixture);
    return status;
}

static void store_that_was_cut_short_is_refused_and_one_that_is_only_short_is_not(void **state)
{
    (void)state;
    struct fixture fixture;
    struct report report = REPORT_INIT;
    struct stat facts;
    char path[128];
    uint32_t number;
    uint8_t *module = calloc(1, 1 << 20);
    assert_non_null(module);
    fixture_init(&fixture);
    fixture_open_store(&fixture, MAP_BYTES);
    assert_int_equal(fixture_add(&fixture, "acme", "hello", bytes_make(module, 1 << 20), &number),
                     STATUS_OK);
    struct store_target target = fixture_target("acme", "hello");
    assert_int_equal(store_delete_function(fixture.store, &target, NULL, &number), STATUS_OK);
    /* What is written now lies where the module was: the end of the file is nobody's. */
    for (int i = 0; i < 10; i++)
        assert_int_equal(fixture_add(&fixture, "acme", "small", bytes_make(module, 1 + i), &number),
                         STATUS_OK);
    fixture_close_store(&fixture);
    (void)snprintf(path, sizeof(path), "%s/store/data.mdb", fixture.dir);
    assert_int_equal(stat(path, &facts), 0);
    assert_int_equal(open_cut(&fixture, facts.st_size, &report), STATUS_OK);
    assert_int_equal(open_cut(&fixture, facts.st_size - 4096, &report), STATUS_OK);
    assert_int_equal(open_cut(&fixture, 8192, &report), STATUS_CORRUPT);
    assert_non_null(strstr(report.text, "cut short"));
    fixture_done(&fixture);
    free(module);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(versions_count_up_and_the_newest_is_active),
        cmocka_unit_test(missing_things_are_told_apart),
        cmocka_unit_test(rollback_goes_to_the_previous_or_a_named_version),
        cmocka_unit_test(module_stays_until_its_last_version_goes),
        cmocka_unit_test(module_with_another_configuration_is_another_artifact),
        cmocka_unit_test(the_newest_versions_and_those_in_use_are_kept),
        cmocka_unit_test(deploy_beyond_the_version_limit_drops_the_oldest_unused),
        cmocka_unit_test(acknowledged_versions_survive_a_killed_process),
        cmocka_unit_test(full_map_refuses_the_deploy_changes_nothing_and_lets_delete),
        cmocka_unit_test(lists_hold_one_tenant_in_order_and_page_on),
        cmocka_unit_test(limits_of_a_tenant_are_kept_with_their_record_in_the_changelog),
        cmocka_unit_test(every_change_leaves_its_record_in_the_changelog),
        cmocka_unit_test(store_that_was_cut_short_is_refused_and_one_that_is_only_short_is_not),
        cmocka_unit_test(store_leaves_no_descriptor_to_children),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
