/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The catalog as a worker has it: another process that reads while control writes.
 *
 * LMDB wants an environment open once per process, so the reader is a forked child that
 * opens everything itself; it answers by its exit status.
 */
#include "fixture.h"

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "deploy/generation.h"
#include "deploy/lmdb/lmdb_reading.h"

#define MAP_BYTES     (4ULL << 20)
#define LOOKUP_COUNT  100000
#define LOOKUP_NS_MAX 20000 /* the goal is 2000; sanitizers and busy machines are slower */

/* Runs `child` in a process of its own; it must return 0. */
static pid_t start_reader(struct fixture *fixture, int (*child)(struct fixture *))
{
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0)
        _exit(child(fixture));
    return pid;
}

static void end_reader(pid_t pid)
{
    int wait_status;
    assert_int_equal(waitpid(pid, &wait_status, 0), pid);
    assert_true(WIFEXITED(wait_status));
    assert_int_equal(WEXITSTATUS(wait_status), 0);
}

/* Until the next one. */
static struct arena *fresh_arena(void)
{
    static struct arena arena;
    arena_done(&arena);
    arena_init(&arena, DEPLOY_ENTRY_ARENA_BYTES);
    return &arena;
}

static enum status look_up(struct deploy_catalog *catalog,
                           const char *tenant,
                           const char *function,
                           struct deploy_catalog_entry *ret_entry)
{
    const struct deploy_catalog_name name = {.tenant = bytes_of_text(tenant),
                                             .function = bytes_of_text(function)};
    return deploy_catalog_lookup(catalog, &name, fresh_arena(), NULL, ret_entry);
}

static struct lmdb_reading reading;

static struct deploy_catalog *open_catalog(const struct fixture *fixture)
{
    struct deploy_catalog *catalog = NULL;
    struct report report = REPORT_INIT;
    if (deploy_catalog_open(fixture->dir, MAP_BYTES, &reading, &report, &catalog) != STATUS_OK)
        (void)fprintf(stderr, "%s\n", report.text);
    return catalog;
}

/* In the same words, whichever of the two is not there. */
static bool is_missing(struct deploy_catalog *catalog,
                       const char *tenant,
                       const char *function,
                       const char *text)
{
    struct deploy_catalog_entry entry;
    struct report report = REPORT_INIT;
    const struct deploy_catalog_name name = {.tenant = bytes_of_text(tenant),
                                             .function = bytes_of_text(function)};
    return deploy_catalog_lookup(catalog, &name, fresh_arena(), &report, &entry) ==
               STATUS_NOT_FOUND &&
           strcmp(report.text, text) == 0;
}

static int read_one(struct fixture *fixture)
{
    struct deploy_catalog *catalog = open_catalog(fixture);
    struct deploy_catalog_entry entry;
    if (catalog == NULL || look_up(catalog, "acme", "hello", &entry) != STATUS_OK)
        return 1;
    if (strcmp(entry.tenant, "acme") != 0 || strcmp(entry.function, "hello") != 0 ||
        strcmp(entry.kind, "wagi") != 0 || entry.version != 2)
        return 2;
    if (!is_missing(catalog, "acme", "none", "there is no function `none` of a tenant `acme`") ||
        !is_missing(catalog, "none", "hello", "there is no function `hello` of a tenant `none`") ||
        !is_missing(catalog, "../..", "UP", "there is no function `UP` of a tenant `../..`"))
        return 3;
    deploy_catalog_close(catalog);
    return 0;
}

static bool config_is(struct deploy_catalog *catalog, const char *function, const char *config)
{
    struct deploy_catalog_entry entry;
    return look_up(catalog, "acme", function, &entry) == STATUS_OK &&
           bytes_equal_text(entry.config, config);
}

static int read_configs(struct fixture *fixture)
{
    struct deploy_catalog *catalog = open_catalog(fixture);
    if (catalog == NULL)
        return 1;
    if (!config_is(catalog, "one", "x=1") || !config_is(catalog, "none", "") ||
        !config_is(catalog, "two", "y=22"))
        return 2;
    struct deploy_catalog_entry one;
    struct deploy_catalog_entry none;
    if (look_up(catalog, "acme", "one", &one) != STATUS_OK || one.limits.concurrency != 6 ||
        one.limits.cpu_share != 0 || look_up(catalog, "acme", "none", &none) != STATUS_OK)
        return 3;
    /* The same module: its hash, and another artifact. */
    if (memcmp(one.sha256, none.sha256, sizeof(one.sha256)) != 0 ||
        memcmp(one.artifact_key, none.artifact_key, sizeof(one.artifact_key)) == 0 ||
        memcmp(none.sha256, none.artifact_key, sizeof(none.sha256)) != 0)
        return 4;
    deploy_catalog_close(catalog);
    return 0;
}

static void lookup_lends_the_configuration_and_tells_the_tenants_limits(void **state)
{
    (void)state;
    struct fixture fixture;
    struct generation generation;
    uint32_t number;
    fixture_init(&fixture);
    assert_int_equal(generation_create(fixture.dir, NULL, &generation), STATUS_OK);
    fixture_open_store(&fixture, MAP_BYTES);
    struct store_target one = fixture_target("acme", "one");
    struct store_target two = fixture_target("acme", "two");
    assert_int_equal(
        fixture_add_configured(&fixture, &one, bytes_of_text("m"), bytes_of_text("x=1"), &number),
        STATUS_OK);
    assert_int_equal(
        fixture_add_configured(&fixture, &two, bytes_of_text("m"), bytes_of_text("y=22"), &number),
        STATUS_OK);
    assert_int_equal(fixture_add(&fixture, "acme", "none", bytes_of_text("m"), &number), STATUS_OK);
    const struct deploy_tenant_limits limits = {.concurrency = 6};
    assert_int_equal(store_set_limits(fixture.store, bytes_of_text("acme"), &limits, NULL),
                     STATUS_OK);
    fixture_close_store(&fixture);
    end_reader(start_reader(&fixture, read_configs));
    generation_close(&generation);
    fixture_done(&fixture);
}

static void lookup_finds_the_active_version_only(void **state)
{
    (void)state;
    struct fixture fixture;
    struct generation generation;
    uint32_t number;
    fixture_init(&fixture);
    assert_int_equal(generation_create(fixture.dir, NULL, &generation), STATUS_OK);
    fixture_open_store(&fixture, MAP_BYTES);
    assert_int_equal(fixture_add(&fixture, "acme", "hello", bytes_of_text("1"), &number),
                     STATUS_OK);
    assert_int_equal(fixture_add(&fixture, "acme", "hello", bytes_of_text("2"), &number),
                     STATUS_OK);
    fixture_close_store(&fixture);
    end_reader(start_reader(&fixture, read_one));
    generation_close(&generation);
    fixture_done(&fixture);
}

/* Waits, without a limit of its own, until the generation is `number` at least. */
static void await(const struct deploy_catalog *catalog, uint64_t number)
{
    while (deploy_catalog_generation(catalog) < number)
        (void)sched_yield();
}

static int follow(struct fixture *fixture)
{
    struct deploy_catalog *catalog = open_catalog(fixture);
    struct deploy_catalog_entry entry;
    if (catalog == NULL)
        return 1;
    /* What the generation promises, the next lookup finds. */
    for (uint32_t version = 1; version <= 20; version++) {
        await(catalog, version);
        if (look_up(catalog, "acme", "hello", &entry) != STATUS_OK || entry.version < version)
            return 2;
    }
    /* Not to be removed before it was looked up. */
    if (write(fixture->pipe[1], "", 1) != 1)
        return 4;
    await(catalog, 21);
    if (look_up(catalog, "acme", "hello", &entry) != STATUS_NOT_FOUND)
        return 3;
    deploy_catalog_close(catalog);
    return 0;
}

static void reader_sees_every_change_once_the_generation_says_so(void **state)
{
    (void)state;
    struct fixture fixture;
    struct generation generation;
    uint32_t number;
    char module[8];
    fixture_init(&fixture);
    assert_int_equal(generation_create(fixture.dir, NULL, &generation), STATUS_OK);
    /* The database has to exist before a reader comes. */
    fixture_open_store(&fixture, MAP_BYTES);
    fixture_close_store(&fixture);
    assert_int_equal(pipe2(fixture.pipe, O_CLOEXEC), 0);
    pid_t pid = start_reader(&fixture, follow);
    fixture_open_store(&fixture, MAP_BYTES);
    for (int i = 1; i <= 20; i++) {
        (void)snprintf(module, sizeof(module), "m%d", i);
        assert_int_equal(fixture_add(&fixture, "acme", "hello", bytes_of_text(module), &number),
                         STATUS_OK);
        generation_increase(&generation);
    }
    assert_int_equal(close(fixture.pipe[1]), 0);
    assert_int_equal(read(fixture.pipe[0], module, 1), 1);
    assert_int_equal(close(fixture.pipe[0]), 0);
    struct store_target target = fixture_target("acme", "hello");
    assert_int_equal(store_delete_function(fixture.store, &target, NULL, &number), STATUS_OK);
    generation_increase(&generation);
    end_reader(pid);
    generation_close(&generation);
    fixture_done(&fixture);
}

static int measure(struct fixture *fixture)
{
    struct deploy_catalog *catalog = open_catalog(fixture);
    struct deploy_catalog_entry entry;
    if (catalog == NULL)
        return 1;
    uint64_t before_ns = clock_monotonic_ns(&clock_system);
    for (int i = 0; i < LOOKUP_COUNT; i++) {
        if (look_up(catalog, "acme", "f500", &entry) != STATUS_OK)
            return 2;
    }
    uint64_t each_ns = (clock_monotonic_ns(&clock_system) - before_ns) / LOOKUP_COUNT;
    (void)fprintf(stderr, "lookup: %u ns\n", (unsigned)each_ns);
    deploy_catalog_close(catalog);
    return each_ns < LOOKUP_NS_MAX ? 0 : 3;
}

static void lookup_among_many_functions_is_a_matter_of_microseconds(void **state)
{
    (void)state;
    struct fixture fixture;
    struct generation generation;
    uint32_t number;
    char name[16];
    fixture_init(&fixture);
    assert_int_equal(generation_create(fixture.dir, NULL, &generation), STATUS_OK);
    fixture_open_store(&fixture, MAP_BYTES);
    for (int i = 0; i < 1000; i++) {
        (void)snprintf(name, sizeof(name), "f%d", i);
        assert_int_equal(fixture_add(&fixture, "acme", name, bytes_of_text("x"), &number),
                         STATUS_OK);
    }
    fixture_close_store(&fixture);
    end_reader(start_reader(&fixture, measure));
    generation_close(&generation);
    fixture_done(&fixture);
}

static int read_damaged(struct fixture *fixture)
{
    struct deploy_catalog *catalog = open_catalog(fixture);
    struct deploy_catalog_entry entry;
    struct report report = REPORT_INIT;
    if (catalog == NULL)
        return 1;
    const struct deploy_catalog_name name = {.tenant = bytes_of_text("acme"),
                                             .function = bytes_of_text("hello")};
    if (deploy_catalog_lookup(catalog, &name, fresh_arena(), &report, &entry) != STATUS_CORRUPT)
        return 2;
    if (strstr(report.text, "the store is damaged") == NULL)
        return 3;
    deploy_catalog_close(catalog);
    return 0;
}

/* The same sizes with other bytes nobody can tell; another size is read as nothing else. */
static void a_record_of_another_size_is_damage(void **state)
{
    (void)state;
    static const char *const dbs[] = {"function", "tenant", "config", "manifest"};
    for (size_t i = 0; i < COUNT_OF(dbs); i++) {
        struct fixture fixture;
        struct generation generation;
        uint32_t number;
        fixture_init(&fixture);
        assert_int_equal(generation_create(fixture.dir, NULL, &generation), STATUS_OK);
        fixture_open_store(&fixture, MAP_BYTES);
        struct store_target target = fixture_target("acme", "hello");
        assert_int_equal(fixture_add_configured(&fixture, &target, bytes_of_text("m"),
                                                bytes_of_text("x=1"), &number),
                         STATUS_OK);
        struct store_version version;
        assert_int_equal(store_get_version(fixture.store, &target, 1, NULL, &version), STATUS_OK);
        const struct bytes keys[] = {
            bytes_of_text("acme/hello"), bytes_of_text("acme"),
            bytes_make(version.record.content.artifact_key, DEPLOY_SHA256_BYTES),
            bytes_make("acme/hello\0\0\0\0\1", 15)};
        fixture_put_raw(&fixture, dbs[i], keys[i], bytes_of_text("x"));
        end_reader(start_reader(&fixture, read_damaged));
        generation_close(&generation);
        fixture_done(&fixture);
    }
}

/* Each check that fails has its number. */
static int read_manifest(struct fixture *fixture)
{
    struct deploy_catalog_entry entry;
    struct deploy_host host;
    struct deploy_catalog *catalog = open_catalog(fixture);
    if (catalog == NULL || look_up(catalog, "acme", "plain", &entry) != STATUS_OK ||
        entry.manifest == NULL || entry.manifest->limits.fuel != 0 || entry.environment.count != 0)
        return 1;
    if (look_up(catalog, "acme", "api", &entry) != STATUS_OK)
        return 2;
    static const char *const variables[] = {"A=1", "B=own", "C=3", "D=own"};
    if (entry.manifest->limits.fuel != 5000 || entry.environment.count != COUNT_OF(variables))
        return 3;
    for (uint32_t i = 0; i < entry.environment.count; i++) {
        if (!bytes_equal_text(entry.environment.rows[i].text, variables[i]))
            return 4;
    }
    struct report report = REPORT_INIT;
    if (deploy_catalog_host(catalog, bytes_of_text("a.b"), fresh_arena(), &report, &host) !=
            STATUS_OK ||
        !bytes_equal_text(host.tenant, "acme") || host.route_count != 2)
        return 5;
    if (!bytes_equal_text(host.routes[0].path, "/v1/x") ||
        !bytes_equal_text(host.routes[0].function, "plain") || host.routes[0].methods != 0 ||
        !bytes_equal_text(host.routes[1].path, "/v1") || host.routes[1].methods != 1)
        return 6;
    if (deploy_catalog_host(catalog, bytes_of_text("a"), fresh_arena(), &report, &host) !=
        STATUS_NOT_FOUND)
        return 7;
    deploy_catalog_close(catalog);
    return 0;
}

static void lookup_has_the_manifest_and_the_functions_own_variables_over_it(void **state)
{
    (void)state;
    struct fixture fixture;
    struct generation generation;
    uint32_t number;
    fixture_init(&fixture);
    assert_int_equal(generation_create(fixture.dir, NULL, &generation), STATUS_OK);
    fixture_open_store(&fixture, MAP_BYTES);
    const struct store_target target = fixture_target("acme", "api");
    const struct records_content content = {.kind = "wagi", .sha256 = {7}, .artifact_key = {8}};
    const struct store_upload upload = {
        .target = target,
        .content = &content,
        .module = bytes_of_text("n"),
        .manifest = bytes_of_text("{\"env\":{\"C\":\"3\",\"B\":\"2\",\"A\":\"1\"},\"limits\":{"
                                  "\"fuel\":\"5k\"},\"routes\":[{\"host\":\"a.b\",\"path\":"
                                  "\"/v1\",\"methods\":[\"GET\"]}]}"),
        .activate = true};
    assert_int_equal(store_add_version(fixture.store, &upload, NULL, &number), STATUS_OK);
    assert_int_equal(fixture_add(&fixture, "acme", "plain", bytes_of_text("m"), &number),
                     STATUS_OK);
    const struct store_route route = {
        .target = fixture_target("acme", "plain"),
        .id = bytes_of_text("x"),
        .route = {.host = bytes_of_text("a.b"), .path = bytes_of_text("/v1/x")}};
    assert_int_equal(store_set_route(fixture.store, &route, NULL), STATUS_OK);
    assert_int_equal(
        store_set_variable(fixture.store, &target, bytes_of_text("D"), bytes_of_text("own"), NULL),
        STATUS_OK);
    assert_int_equal(
        store_set_variable(fixture.store, &target, bytes_of_text("B"), bytes_of_text("own"), NULL),
        STATUS_OK);
    fixture_close_store(&fixture);
    end_reader(start_reader(&fixture, read_manifest));
    generation_close(&generation);
    fixture_done(&fixture);
}

static enum status look_up_variant(struct deploy_catalog *catalog,
                                   const char *variant,
                                   struct deploy_catalog_entry *ret_entry)
{
    const struct deploy_catalog_name name = {.tenant = bytes_of_text("acme"),
                                             .function = bytes_of_text("hello"),
                                             .variant = bytes_of_text(variant)};
    return deploy_catalog_lookup(catalog, &name, fresh_arena(), NULL, ret_entry);
}

static int read_shares(struct fixture *fixture)
{
    struct deploy_catalog *catalog = open_catalog(fixture);
    struct deploy_catalog_entry entry;
    if (catalog == NULL || look_up(catalog, "acme", "hello", &entry) != STATUS_OK)
        return 1;
    if (entry.version != 1 || entry.share_count != 2 || entry.shares[0].version != 3 ||
        entry.shares[0].parts != 1000 || strcmp(entry.cookie, "id") != 0)
        return 2;
    static const char *const none[] = {"v4", "v0", "other", "Stage", "v01"};
    for (size_t i = 0; i < COUNT_OF(none); i++) {
        if (look_up_variant(catalog, none[i], &entry) != STATUS_NOT_FOUND)
            return 3;
    }
    if (look_up_variant(catalog, "v2", &entry) != STATUS_OK || entry.version != 2 ||
        entry.share_count != 0 || strcmp(entry.function, "hello") != 0)
        return 4;
    if (look_up_variant(catalog, "stage", &entry) != STATUS_OK || entry.version != 3)
        return 5;
    deploy_catalog_close(catalog);
    return 0;
}

static void lookup_has_shares_and_finds_versions_by_name(void **state)
{
    (void)state;
    struct fixture fixture;
    struct generation generation;
    uint32_t number;
    fixture_init(&fixture);
    assert_int_equal(generation_create(fixture.dir, NULL, &generation), STATUS_OK);
    fixture_open_store(&fixture, MAP_BYTES);
    const struct store_target target = fixture_target("acme", "hello");
    for (int i = 0; i < 3; i++)
        assert_int_equal(fixture_add(&fixture, "acme", "hello", bytes_of_text("m"), &number),
                         STATUS_OK);
    const struct records_deployment split = {
        .shares = {{1, 9000}, {3, 1000}}, .share_count = 2, .cookie = "id"};
    assert_int_equal(store_set_deployment(fixture.store, &target, &split, NULL), STATUS_OK);
    assert_int_equal(store_set_alias(fixture.store, &target, bytes_of_text("stage"), 3, NULL),
                     STATUS_OK);
    fixture_close_store(&fixture);
    end_reader(start_reader(&fixture, read_shares));
    generation_close(&generation);
    fixture_done(&fixture);
}

static void catalog_of_a_missing_store_is_an_error(void **state)
{
    (void)state;
    struct fixture fixture;
    struct deploy_catalog *catalog = NULL;
    struct report report = REPORT_INIT;
    fixture_init(&fixture);
    assert_int_equal(deploy_catalog_open(fixture.dir, MAP_BYTES, &reading, &report, &catalog),
                     STATUS_NOT_FOUND);
    assert_null(catalog);
    assert_non_null(strstr(report.text, fixture.dir));
    fixture_done(&fixture);
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lookup_finds_the_active_version_only),
        cmocka_unit_test(lookup_lends_the_configuration_and_tells_the_tenants_limits),
        cmocka_unit_test(lookup_has_shares_and_finds_versions_by_name),
        cmocka_unit_test(lookup_has_the_manifest_and_the_functions_own_variables_over_it),
        cmocka_unit_test(reader_sees_every_change_once_the_generation_says_so),
        cmocka_unit_test(lookup_among_many_functions_is_a_matter_of_microseconds),
        cmocka_unit_test(a_record_of_another_size_is_damage),
        cmocka_unit_test(catalog_of_a_missing_store_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
