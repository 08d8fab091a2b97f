/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store: what was acknowledged is there after any end of the process, what failed
 * left nothing, and a full store can be emptied again.
 */
#include "fixture.h"

#include <lmdb.h>
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

static void drop_database(const struct fixture *fixture, const char *name)
{
    char dir[96];
    MDB_env *env;
    MDB_txn *txn;
    MDB_dbi dbi;
    (void)snprintf(dir, sizeof(dir), "%s/store", fixture->dir);
    assert_int_equal(mdb_env_create(&env), 0);
    assert_int_equal(mdb_env_set_maxdbs(env, RECORDS_DB_COUNT), 0);
    assert_int_equal(mdb_env_open(env, dir, 0, 0600), 0);
    assert_int_equal(mdb_txn_begin(env, NULL, 0, &txn), 0);
    assert_int_equal(mdb_dbi_open(txn, name, 0, &dbi), 0);
    assert_int_equal(mdb_drop(txn, dbi, 1), 0);
    assert_int_equal(mdb_txn_commit(txn), 0);
    mdb_env_close(env);
}

static bool count_tenant(void *context, const struct store_tenant *tenant)
{
    (void)tenant;
    ++*(uint32_t *)context;
    return true;
}

static bool count_function(void *context, const struct store_function *function)
{
    (void)function;
    ++*(uint32_t *)context;
    return true;
}

/* What a program does that is about to take a server's place (deploy/prepare.c). */
static void prepare_beside(const struct fixture *fixture)
{
    char dir[96];
    struct store *store;
    struct store_version version;
    struct records_deployments deployments;
    struct report report = REPORT_INIT;
    uint32_t count = 0;
    (void)snprintf(dir, sizeof(dir), "%s/store", fixture->dir);
    const struct store_options options = {.dir = dir,
                                          .data_dir = fixture->dir,
                                          .map_bytes = MAP_BYTES,
                                          .versions = 10,
                                          .clock = &fixture->clock,
                                          .read_only = true};
    const struct store_target all = {.tenant = bytes_of_text("acme"),
                                     .function = bytes_make("", 0)};
    const struct store_target hello = fixture_target("acme", "hello");
    assert_int_equal(store_open(&options, &report, &store), STATUS_OK);
    assert_int_equal(store_list_tenants(store, bytes_make("", 0), count_tenant, &count, &report),
                     STATUS_OK);
    assert_int_equal(store_list_functions(store, &all, count_function, &count, &report), STATUS_OK);
    assert_int_equal(count, 2);
    assert_int_equal(store_get_deployments(store, &hello, NULL, &deployments), STATUS_OK);
    assert_int_equal(store_get_version(store, &hello, 1, NULL, &version), STATUS_OK);
    assert_true(store_has_artifact(store, version.record.content.artifact_key));
    store_close(store);
}

/* They come with a later version, and only its writer makes them: it is not that yet. */
static void who_prepares_an_upgrade_does_without_databases_that_are_not_there_yet(void **state)
{
    (void)state;
    struct fixture fixture;
    uint32_t number;
    const char *const *names = records_db_names();
    fixture_init(&fixture);
    fixture_open_store(&fixture, MAP_BYTES);
    assert_int_equal(fixture_add(&fixture, "acme", "hello", text("m"), &number), STATUS_OK);
    fixture_close_store(&fixture);
    for (uint32_t db = RECORDS_DB_COUNT; db-- > RECORDS_MODULE_USE;) {
        drop_database(&fixture, names[db]);
        prepare_beside(&fixture);
    }
    /* And its writer makes them. */
    fixture_open_store(&fixture, MAP_BYTES);
    assert_int_equal(fixture_add(&fixture, "acme", "hello", text("n"), &number), STATUS_OK);
    fixture_done(&fixture);
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(acknowledged_versions_survive_a_killed_process),
        cmocka_unit_test(full_map_refuses_the_deploy_changes_nothing_and_lets_delete),
        cmocka_unit_test(store_leaves_no_descriptor_to_children),
        cmocka_unit_test(who_prepares_an_upgrade_does_without_databases_that_are_not_there_yet),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
