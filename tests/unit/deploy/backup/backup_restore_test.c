/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A data directory from a backup: there as a whole, or not at all.
 */
#include "backup_fixture.h"

#include <sys/stat.h>
#include <unistd.h>

static enum status
restore(const struct saved *saved, struct bytes bytes, const char *name, char ret_dir[128])
{
    struct config config = {.store_map_bytes = 16 << 20, .kv_map_bytes = 16 << 20};
    struct report report = REPORT_INIT;
    struct backup_counts counts;
    FILE *file = saved_file(bytes);
    (void)snprintf(ret_dir, 128, "%s/%s", saved->fixture.dir, name);
    enum status status = backup_restore(file, ret_dir, &config, NULL, &report, &counts);
    assert_int_equal(fclose(file), 0);
    return status;
}

static bool there(const char *dir, const char *name)
{
    char path[192];
    (void)snprintf(path, sizeof(path), "%s%s", dir, name);
    return access(path, F_OK) == 0;
}

static void what_was_saved_is_in_its_place(void **state)
{
    struct saved *saved = *state;
    struct buffer whole;
    char dir[128];
    struct report report = REPORT_INIT;
    struct backup_source *source = saved_begin(saved);
    buffer_init(&whole, 1 << 20);
    saved_run(source, 1000, &whole);
    saved_end(saved, source);
    assert_int_equal(restore(saved, buffer_bytes(&whole), "new", dir), STATUS_OK);
    assert_true(there(dir, "/FORMAT") && there(dir, "/store/data.mdb") &&
                there(dir, "/kv/data.mdb"));
    assert_false(there(dir, ".restoring"));
    struct fixture copy = saved->fixture;
    copy.store = NULL;
    memcpy(copy.dir, dir, sizeof(copy.dir) - 1);
    fixture_open_store(&copy, 16 << 20);
    struct store_function function;
    const struct store_target target = fixture_target("acme", "f");
    assert_int_equal(store_get_function(copy.store, &target, &report, &function), STATUS_OK);
    struct store_audit audit;
    assert_int_equal(store_check_audit(copy.store, &report, &audit), STATUS_OK);
    assert_int_equal(audit.broken, 0);
    assert_int_equal(audit.checked, 1);
    fixture_close_store(&copy);
    /* Nothing is put over it. */
    assert_int_equal(restore(saved, buffer_bytes(&whole), "new", dir), STATUS_CONFLICT);
    assert_int_equal(restore(saved, buffer_bytes(&whole), "store", dir), STATUS_CONFLICT);
    buffer_done(&whole);
}

/* A frame of a stream made by hand. */
static void put(struct buffer *out, uint32_t kind, const char *key, const char *value)
{
    const uint32_t words[2] = {kind, (uint32_t)strlen(key)};
    uint64_t count = strlen(value);
    assert_int_equal(buffer_append(out, words, sizeof(words)), STATUS_OK);
    assert_int_equal(buffer_append(out, &count, sizeof(count)), STATUS_OK);
    assert_int_equal(buffer_append(out, key, strlen(key)), STATUS_OK);
    assert_int_equal(buffer_append(out, value, strlen(value)), STATUS_OK);
}

static void names_lead_nowhere_else_and_nothing_appears(void **state)
{
    struct saved *saved = *state;
    static const struct {
        uint32_t kind;
        const char *key;
    } rows[] = {
        {BACKUP_DB, "../x"},
        {BACKUP_DB, "logs/x"},
        {BACKUP_DB, "store"},
        {BACKUP_RECORD, "k"},
        {BACKUP_FILE, "../../x"},
        {BACKUP_FILE, "acme/x"},
        {BACKUP_FILE, "Acme"},
        {BACKUP_FILE, "acme/../0123456789abcdef0123456789abcdef0123456789abcdef0123456789ab"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct buffer bytes;
        char dir[128];
        char name[16];
        (void)snprintf(name, sizeof(name), "bad%zu", i);
        buffer_init(&bytes, 4096);
        assert_int_equal(buffer_append(&bytes, BACKUP_MAGIC, 16), STATUS_OK);
        put(&bytes, BACKUP_ABOUT, "", "{}");
        put(&bytes, rows[i].kind, rows[i].key, "v");
        assert_int_equal(restore(saved, buffer_bytes(&bytes), name, dir), STATUS_CORRUPT);
        assert_false(there(dir, ""));
        buffer_done(&bytes);
    }
}

#define SAVED(test) cmocka_unit_test_setup_teardown(test, saved_setup, saved_teardown)

UNIT
{
    const struct CMUnitTest tests[] = {
        SAVED(what_was_saved_is_in_its_place),
        SAVED(names_lead_nowhere_else_and_nothing_appears),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
