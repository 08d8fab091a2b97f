/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Items in a transaction: keys as they lie on disk, ranges at their edges, and values that are
 * none.
 */
#include "kv_fixture.h"

#include <stdio.h>

#include "deploy/kv/kv_items.h"

struct rig {
    struct fixture fixture;
    MDB_env *env;
    MDB_txn *txn;
    MDB_dbi item;
};

static void rig_init(struct rig *rig)
{
    fixture_init(&rig->fixture);
    assert_int_equal(mdb_env_create(&rig->env), 0);
    assert_int_equal(mdb_env_set_mapsize(rig->env, 8 << 20), 0);
    assert_int_equal(mdb_env_open(rig->env, rig->fixture.dir, MDB_NOLOCK, 0600), 0);
    assert_int_equal(mdb_txn_begin(rig->env, NULL, 0, &rig->txn), 0);
    assert_int_equal(mdb_dbi_open(rig->txn, NULL, 0, &rig->item), 0);
}

static void rig_done(struct rig *rig)
{
    mdb_txn_abort(rig->txn);
    mdb_env_close(rig->env);
    fixture_done(&rig->fixture);
}

static void rig_put(struct rig *rig, const char *tenant, struct bytes key, size_t value_count)
{
    static uint8_t value[sizeof(struct kv_head) + KV_VALUE_BYTES_MAX + 1];
    const struct kv_full_key full = kv_full_key_make(bytes_of_text(tenant), key);
    MDB_val at = kv_val(full.data, full.count);
    MDB_val data = kv_val(value, value_count);
    assert_int_equal(mdb_put(rig->txn, rig->item, &at, &data, 0), 0);
}

static void the_longest_names_make_the_longest_key(void **state)
{
    (void)state;
    char tenant[DEPLOY_NAME_BYTES];
    char key[KV_KEY_BYTES_MAX];
    memset(tenant, 't', sizeof(tenant));
    memset(key, 'k', sizeof(key));
    const struct kv_full_key full =
        kv_full_key_make(bytes_make(tenant, sizeof(tenant) - 1), bytes_make(key, sizeof(key)));
    assert_int_equal(full.count, sizeof(full.data));
    assert_true(full.count <= 511); /* LMDB's most */
    assert_int_equal(full.data[DEPLOY_NAME_BYTES - 1], '\0');
    assert_false(kv_key_valid(bytes_make(key, 0)));
    assert_true(kv_key_valid(bytes_make(key, sizeof(key))));
}

static void a_value_that_is_none_is_damage(void **state)
{
    (void)state;
    struct rig rig;
    struct kv_item item;
    rig_init(&rig);
    static const struct {
        const char *key;
        size_t count;
        enum status status;
    } rows[] = {
        {"short", sizeof(struct kv_head) - 1, STATUS_CORRUPT},
        {"empty", sizeof(struct kv_head), STATUS_OK},
        {"most", sizeof(struct kv_head) + KV_VALUE_BYTES_MAX, STATUS_OK},
        {"more", sizeof(struct kv_head) + KV_VALUE_BYTES_MAX + 1, STATUS_CORRUPT},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        rig_put(&rig, "acme", bytes_of_text(rows[i].key), rows[i].count);
        assert_int_equal(kv_items_get(rig.txn, rig.item, bytes_of_text("acme"),
                                      bytes_of_text(rows[i].key), NULL, &item),
                         rows[i].status);
    }
    rig_done(&rig);
}

static bool take_number(void *context, const struct kv_item *item)
{
    struct buffer *names = context;
    for (size_t i = 0; i < item->key.count; i++)
        assert_int_equal(buffer_printf(names, "%02x", item->key.data[i]), STATUS_OK);
    assert_int_equal(buffer_append(names, " ", 1), STATUS_OK);
    return true;
}

static void
assert_range(struct rig *rig, struct bytes prefix, struct bytes after, const char *expected)
{
    struct buffer names;
    buffer_init(&names, 4096);
    const struct kv_range range = {
        .tenant = bytes_of_text("acme"), .prefix = prefix, .after = after};
    const struct kv_walk walk = {
        .txn = rig->txn, .item = rig->item, .take = take_number, .context = &names};
    assert_int_equal(kv_items_list(&walk, &range), STATUS_OK);
    assert_int_equal(buffer_append(&names, "", 1), STATUS_OK);
    assert_string_equal((const char *)names.data, expected);
    buffer_done(&names);
}

static void a_range_ends_at_its_prefix_and_at_its_tenant(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig);
    static const uint8_t keys[][2] = {
        {0x00, 0x01}, {0x61, 0x00}, {0x61, 0xff}, {0x62, 0x00}, {0xff, 0xff}};
    for (size_t i = 0; i < COUNT_OF(keys); i++)
        rig_put(&rig, "acme", bytes_make(keys[i], 2), sizeof(struct kv_head));
    rig_put(&rig, "acmd", bytes_of_text("a"), sizeof(struct kv_head));
    rig_put(&rig, "acme-x", bytes_of_text("a"), sizeof(struct kv_head));
    const struct bytes none = {0};
    assert_range(&rig, none, none, "0001 6100 61ff 6200 ffff ");
    assert_range(&rig, bytes_of_text("a"), none, "6100 61ff ");
    assert_range(&rig, bytes_of_text("a"), bytes_of_text("a"), "6100 61ff ");
    assert_range(&rig, bytes_of_text("a"), bytes_make(keys[1], 2), "61ff ");
    assert_range(&rig, bytes_of_text("a"), bytes_make(keys[0], 2), "6100 61ff ");
    assert_range(&rig, bytes_of_text("a"), bytes_make(keys[3], 2), "");
    assert_range(&rig, none, bytes_make(keys[4], 2), "");
    assert_range(&rig, bytes_of_text("zz"), none, "");
    rig_done(&rig);
}

static bool take_over(void *context, const struct kv_item *item)
{
    uint32_t *taken = context;
    ++*taken;
    return item->is_over;
}

static void of_keys_that_expired_a_few_are_handed_to_a_list(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig);
    const struct kv_head head = {.expires_ns = 1};
    for (uint8_t i = 0; i < 2 * KV_OVER_STEP + 1; i++) {
        const struct kv_full_key full = kv_full_key_make(bytes_of_text("acme"), bytes_make(&i, 1));
        MDB_val at = kv_val(full.data, full.count);
        MDB_val data = kv_val(&head, sizeof(head));
        assert_int_equal(mdb_put(rig.txn, rig.item, &at, &data, 0), 0);
    }
    rig_put(&rig, "acme", bytes_of_text("\xf0"), sizeof(struct kv_head));
    rig_put(&rig, "acme", bytes_of_text("\xf1"), sizeof(struct kv_head));
    uint32_t taken = 0;
    const struct kv_range range = {.tenant = bytes_of_text("acme")};
    const struct kv_walk walk = {
        .txn = rig.txn, .item = rig.item, .now_ns = 2, .take = take_over, .context = &taken};
    assert_int_equal(kv_items_list(&walk, &range), STATUS_OK);
    assert_int_equal(taken, 3); /* two steps, and the first that has not expired */
    rig_done(&rig);
}

static void what_lmdb_says_is_told_apart(void **state)
{
    (void)state;
    static const struct {
        int rc;
        enum status status;
    } rows[] = {
        {0, STATUS_OK},          {MDB_NOTFOUND, STATUS_NOT_FOUND}, {MDB_MAP_FULL, STATUS_FULL},
        {28, STATUS_FULL},       {MDB_CORRUPTED, STATUS_CORRUPT},  {12, STATUS_NO_MEMORY},
        {MDB_BAD_TXN, STATUS_IO}};
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct report report = REPORT_INIT;
        assert_int_equal(kv_status(rows[i].rc, &report), rows[i].status);
        assert_true((report.text[0] != '\0') == (i > 1));
    }
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_longest_names_make_the_longest_key),
        cmocka_unit_test(a_value_that_is_none_is_damage),
        cmocka_unit_test(a_range_ends_at_its_prefix_and_at_its_tenant),
        cmocka_unit_test(of_keys_that_expired_a_few_are_handed_to_a_list),
        cmocka_unit_test(what_lmdb_says_is_told_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
