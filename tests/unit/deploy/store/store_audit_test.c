/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The chain: what shows when somebody writes in the changelog, and what it hangs on.
 */
#include "fixture.h"

#include "deploy/store/store_private.h"

#define MAP_BYTES (16ULL << 20)

static void fill(struct fixture *fixture, int count)
{
    const struct deploy_tenant_limits limits = {.queue = 9};
    for (int i = 0; i < count; i++)
        assert_int_equal(store_set_limits(fixture->store, bytes_of_text("acme"), &limits, NULL),
                         STATUS_OK);
}

static struct store_audit check(struct fixture *fixture)
{
    struct store_audit audit;
    assert_int_equal(store_check_audit(fixture->store, NULL, &audit), STATUS_OK);
    return audit;
}

static void the_chain_holds_through_a_restart(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_init(&fixture);
    fixture_open_store(&fixture, MAP_BYTES);
    assert_int_equal(check(&fixture).broken, 0);
    fill(&fixture, 3);
    const struct store_audit before = check(&fixture);
    assert_int_equal(before.checked, 3);
    assert_int_equal(before.broken, 0);
    fixture_close_store(&fixture);
    fixture_open_store(&fixture, MAP_BYTES);
    assert_memory_equal(check(&fixture).chain.head, before.chain.head, DEPLOY_SHA256_BYTES);
    fill(&fixture, 1);
    assert_int_equal(check(&fixture).checked, 4);
    assert_int_equal(check(&fixture).broken, 0);
    fixture_done(&fixture);
}

static void what_is_written_over_shows(void **state)
{
    (void)state;
    /* Which record changes, and which is the first that tells: the last one tells by itself. */
    static const struct {
        uint8_t serial;
        uint64_t broken;
    } rows[] = {{1, 2}, {3, 4}, {5, 5}, {6, 5}};
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct fixture fixture;
        const uint8_t key[8] = {[7] = rows[i].serial};
        fixture_init(&fixture);
        fixture_open_store(&fixture, MAP_BYTES);
        fill(&fixture, 5);
        /* Only its text: it hangs on the right one. Serial 1 hangs on zeros. */
        fixture_put_raw(&fixture, "changelog", bytes_make(key, sizeof(key)),
                        bytes_of_text(rows[i].serial == 1
                                          ? "{\"previous\":\"00000000000000000000000000000000"
                                            "00000000000000000000000000000000\"}"
                                          : "{}"));
        fixture_open_store(&fixture, MAP_BYTES);
        uint64_t broken =
            rows[i].serial == 3 || rows[i].serial == 5 ? rows[i].serial : rows[i].broken;
        assert_int_equal(check(&fixture).broken, broken);
        fixture_done(&fixture);
    }
}

static void older_records_are_what_the_chain_hangs_on(void **state)
{
    (void)state;
    struct fixture fixture;
    static const uint8_t key[8] = {[7] = 2};
    fixture_init(&fixture);
    fixture_open_store(&fixture, MAP_BYTES);
    fixture_put_raw(&fixture, "changelog", bytes_make(key, sizeof(key)),
                    bytes_of_text("{\"serial\":2}"));
    fixture_open_store(&fixture, MAP_BYTES);
    assert_int_equal(check(&fixture).checked, 0);
    assert_int_equal(check(&fixture).broken, 0);
    fill(&fixture, 2);
    const struct store_audit audit = check(&fixture);
    assert_int_equal(audit.chain.first, 3);
    assert_int_equal(audit.chain.last, 4);
    assert_int_equal(audit.checked, 2);
    assert_int_equal(audit.broken, 0);
    fixture_done(&fixture);
}

static enum status forget_first(struct store_txn *txn, void *context)
{
    struct records_audit audit;
    (void)context;
    enum status status = store_audit_begin(txn, &audit);
    return status == STATUS_OK ? store_audit_forget(txn, &audit, audit.first) : status;
}

static void what_is_forgotten_leaves_an_anchor(void **state)
{
    (void)state;
    struct fixture fixture;
    const struct store_target target = fixture_target("acme", "");
    fixture_init(&fixture);
    fixture_open_store(&fixture, MAP_BYTES);
    fill(&fixture, 4);
    const struct store_audit before = check(&fixture);
    for (int i = 0; i < 2; i++)
        assert_int_equal(store_write(fixture.store, &target, forget_first, NULL, false, NULL),
                         STATUS_OK);
    const struct store_audit audit = check(&fixture);
    assert_int_equal(audit.chain.first, 3);
    assert_int_equal(audit.checked, 2);
    assert_int_equal(audit.broken, 0);
    assert_memory_not_equal(audit.chain.anchor, before.chain.anchor, DEPLOY_SHA256_BYTES);
    assert_memory_equal(audit.chain.head, before.chain.head, DEPLOY_SHA256_BYTES);
    fixture_done(&fixture);
}

static void a_note_is_a_record_and_no_change(void **state)
{
    (void)state;
    struct fixture fixture;
    const struct store_target target = fixture_target("acme", "f");
    fixture_init(&fixture);
    fixture_open_store(&fixture, MAP_BYTES);
    assert_int_equal(store_note_change(fixture.store, &target, "kv_put", bytes_of_text("a"), NULL),
                     STATUS_OK);
    assert_int_equal(check(&fixture).checked, 1);
    assert_int_equal(fixture.committed_count, 0);
    fixture_done(&fixture);
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_chain_holds_through_a_restart),
        cmocka_unit_test(what_is_written_over_shows),
        cmocka_unit_test(older_records_are_what_the_chain_hangs_on),
        cmocka_unit_test(what_is_forgotten_leaves_an_anchor),
        cmocka_unit_test(a_note_is_a_record_and_no_change),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
