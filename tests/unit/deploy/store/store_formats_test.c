/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stores as servers of other times wrote them, opened by this one. formats/N.dump has what a store
 * of FORMAT N has: the name of each database, then "  KEY VALUE" for each record, in hexadecimal
 * digits; an empty value is "-".
 *
 * The server of then had deployed hello with a manifest, and plain twice, with a configuration, a
 * variable and a route, and had given tenant acme limits.
 */
#include "fixture.h"

#include <lmdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "engine/base/hex.h"

#define MAP_BYTES  (16ULL << 20)
#define LINE_BYTES 16384

/* Those that FORMAT 2 did not have yet. */
static bool is_newer_than_2(const char *db)
{
    static const char *const names[] = {"manifest", "env", "route", "route_of"};
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        if (strcmp(db, names[i]) == 0)
            return true;
    }
    return false;
}

static MDB_val value_of(const char *text, uint8_t data[LINE_BYTES])
{
    size_t count = strcmp(text, "-") == 0 ? 0 : strlen(text) / 2;
    assert_true(hex_decode(text, count, data));
    return (MDB_val){.mv_size = count, .mv_data = data};
}

static void fill(MDB_txn *txn, FILE *dump, int format)
{
    static char line[LINE_BYTES];
    static char key_text[LINE_BYTES];
    static char value_text[LINE_BYTES];
    static uint8_t key_data[LINE_BYTES];
    static uint8_t value_data[LINE_BYTES];
    MDB_dbi dbi = 0;
    bool skips = false;
    while (fgets(line, sizeof(line), dump) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        if (line[0] != ' ') {
            skips = format == 2 && is_newer_than_2(line);
            if (!skips)
                assert_int_equal(mdb_dbi_open(txn, line, MDB_CREATE, &dbi), 0);
            continue;
        }
        assert_int_equal(sscanf(line, "  %16383s %16383s", key_text, value_text), 2);
        MDB_val key = value_of(key_text, key_data);
        MDB_val value = value_of(value_text, value_data);
        if (!skips)
            assert_int_equal(mdb_put(txn, dbi, &key, &value, 0), 0);
    }
}

static void make(const struct fixture *fixture, int format)
{
    char path[160];
    MDB_env *env;
    MDB_txn *txn;
    FILE *dump = fopen(FORMATS "/3.dump", "re");
    assert_non_null(dump);
    (void)snprintf(path, sizeof(path), "%s/store", fixture->dir);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(mdb_env_create(&env), 0);
    assert_int_equal(mdb_env_set_maxdbs(env, 64), 0);
    assert_int_equal(mdb_env_open(env, path, 0, 0600), 0);
    assert_int_equal(mdb_txn_begin(env, NULL, 0, &txn), 0);
    fill(txn, dump, format);
    assert_int_equal(mdb_txn_commit(txn), 0);
    mdb_env_close(env);
    assert_int_equal(fclose(dump), 0);
}

static bool count_change(void *context, struct bytes json)
{
    uint32_t *count = context;
    assert_true(json.count > 0);
    (*count)++;
    return true;
}

static void check(struct fixture *fixture)
{
    struct store_function function;
    struct store_tenant tenant;
    struct buffer config;
    uint32_t changes = 0;
    const struct store_target plain = fixture_target("acme", "plain");
    const struct store_target hello = fixture_target("acme", "hello");
    assert_int_equal(store_get_function(fixture->store, &plain, NULL, &function), STATUS_OK);
    assert_int_equal(function.record.active_version, 2);
    assert_int_equal(function.record.version_count, 2);
    assert_string_equal(function.record.active.kind, "http-wasm");
    buffer_init(&config, 100);
    assert_int_equal(
        store_get_config(fixture->store, function.record.active.artifact_key, NULL, &config),
        STATUS_OK);
    assert_true(bytes_equal_text(buffer_bytes(&config), "other"));
    buffer_done(&config);
    assert_int_equal(store_get_function(fixture->store, &hello, NULL, &function), STATUS_OK);
    assert_int_equal(store_get_tenant(fixture->store, bytes_of_text("acme"), NULL, &tenant),
                     STATUS_OK);
    assert_int_equal(tenant.record.function_count, 2);
    assert_int_equal(tenant.limits.concurrency, 5);
    assert_int_equal(tenant.limits.queue, 7);
    assert_int_equal(tenant.limits.stored, 0);
    assert_false(tenant.suspended);
    assert_true(tenant.stored_bytes >= 3 * 123);
    assert_int_equal(store_list_changes(fixture->store, 0, count_change, &changes, NULL),
                     STATUS_OK);
    assert_int_equal(changes, 6);
}

/* What was there is there, and the chain of the audit begins behind it. */
static void go_on(struct fixture *fixture)
{
    struct store_audit audit;
    uint32_t number;
    const struct store_target plain = fixture_target("acme", "plain");
    assert_int_equal(store_check_audit(fixture->store, NULL, &audit), STATUS_OK);
    assert_int_equal(audit.checked, 0);
    assert_int_equal(store_activate(fixture->store, &plain, 1, NULL), STATUS_OK);
    assert_int_equal(fixture_add(fixture, "acme", "plain", bytes_of_text("new"), &number),
                     STATUS_OK);
    assert_int_equal(number, 3);
    assert_int_equal(store_check_audit(fixture->store, NULL, &audit), STATUS_OK);
    assert_int_equal(audit.chain.first, 7);
    assert_int_equal(audit.checked, 2);
    assert_int_equal(audit.broken, 0);
    assert_int_equal(store_delete_function(fixture->store, &plain, NULL, &number), STATUS_OK);
    assert_int_equal(number, 3);
}

static void a_store_of_any_known_format_is_opened_and_goes_on(void **state)
{
    (void)state;
    for (int format = 2; format <= 3; format++) {
        struct fixture fixture;
        fixture_init(&fixture);
        make(&fixture, format);
        fixture_open_store(&fixture, MAP_BYTES);
        check(&fixture);
        go_on(&fixture);
        fixture_done(&fixture);
    }
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_store_of_any_known_format_is_opened_and_goes_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
