/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Changes of the key-value store: what each leaves, and what is refused.
 */
#include "kv_fixture.h"

#include <stdlib.h>

#include "tests/support/lmdb_fails.h"

#define QUOTA 1000

static void what_is_put_is_there_and_what_is_deleted_is_not(void **state)
{
    (void)state;
    struct kv_fixture fixture;
    kv_fixture_init(&fixture, QUOTA);
    uint64_t first = kv_fixture_put(&fixture, "a", "one");
    uint64_t second = kv_fixture_put(&fixture, "a", "two");
    assert_true(second > first);
    assert_string_equal(kv_fixture_get(&fixture, "a"), "two");
    assert_null(kv_fixture_get(&fixture, "b"));
    struct kv_change gone = {
        .verb = KV_DELETE, .tenant = bytes_of_text("acme"), .key = bytes_of_text("a")};
    assert_int_equal(kv_fixture_apply(&fixture, &gone), STATUS_OK);
    assert_int_equal(gone.version, 0);
    assert_null(kv_fixture_get(&fixture, "a"));
    assert_int_equal(kv_fixture_apply(&fixture, &gone), STATUS_NOT_FOUND);
    kv_fixture_done(&fixture);
}

static void tenants_do_not_see_each_other(void **state)
{
    (void)state;
    struct kv_fixture fixture;
    kv_fixture_init(&fixture, QUOTA);
    struct kv_change other = kv_put_of("a", "theirs");
    other.tenant = bytes_of_text("acme2");
    assert_int_equal(kv_fixture_apply(&fixture, &other), STATUS_OK);
    assert_null(kv_fixture_get(&fixture, "a"));
    (void)kv_fixture_put(&fixture, "a", "ours");
    assert_string_equal(kv_fixture_get(&fixture, "a"), "ours");
    kv_fixture_done(&fixture);
}

static void a_change_for_another_version_is_refused(void **state)
{
    (void)state;
    struct kv_fixture fixture;
    kv_fixture_init(&fixture, QUOTA);
    struct kv_change fresh = kv_put_of("a", "one");
    fresh.checks_version = true;
    assert_int_equal(kv_fixture_apply(&fixture, &fresh), STATUS_OK);
    uint64_t version = fresh.version;
    assert_int_equal(kv_fixture_apply(&fixture, &fresh), STATUS_CONFLICT);
    assert_int_equal(fresh.version, version);
    struct kv_change next = kv_put_of("a", "two");
    next.checks_version = true;
    next.if_version = version;
    assert_int_equal(kv_fixture_apply(&fixture, &next), STATUS_OK);
    next.if_version = version;
    assert_int_equal(kv_fixture_apply(&fixture, &next), STATUS_CONFLICT);
    assert_string_equal(kv_fixture_get(&fixture, "a"), "two");
    kv_fixture_done(&fixture);
}

/* Two changes of one key in one group: the second is for what the first left. */
static void changes_of_a_group_see_each_other(void **state)
{
    (void)state;
    struct kv_fixture fixture;
    struct report report = REPORT_INIT;
    kv_fixture_init(&fixture, QUOTA);
    struct kv_change first = kv_put_of("a", "one");
    struct kv_change second = kv_put_of("a", "two");
    second.checks_version = true;
    struct kv_change *const group[] = {&first, &second};
    assert_int_equal(kv_store_apply(fixture.store, group, 2, &report), STATUS_OK);
    assert_int_equal(first.status, STATUS_OK);
    assert_int_equal(second.status, STATUS_CONFLICT);
    assert_int_equal(second.version, first.version);
    second.if_version = first.version;
    assert_int_equal(kv_store_apply(fixture.store, group, 2, &report), STATUS_OK);
    assert_int_equal(second.status, STATUS_CONFLICT);
    assert_true(second.version == first.version && first.version > second.if_version);
    kv_fixture_done(&fixture);
}

static int64_t
add(struct kv_fixture *fixture, const char *key, int64_t number, enum status expected)
{
    struct kv_change change = {.verb = KV_ADD,
                               .tenant = bytes_of_text("acme"),
                               .key = bytes_of_text(key),
                               .number = number};
    assert_int_equal(kv_fixture_apply(fixture, &change), expected);
    return change.number;
}

static void numbers_are_added_to(void **state)
{
    (void)state;
    struct kv_fixture fixture;
    kv_fixture_init(&fixture, QUOTA);
    assert_int_equal(add(&fixture, "n", 5, STATUS_OK), 5);
    assert_int_equal(add(&fixture, "n", -7, STATUS_OK), -2);
    assert_string_equal(kv_fixture_get(&fixture, "n"), "-2");
    (void)add(&fixture, "n", INT64_MIN, STATUS_LIMIT);
    assert_string_equal(kv_fixture_get(&fixture, "n"), "-2");
    static const char *const bad[] = {"", "x", " 1", "1 ", "+1", "99999999999999999999"};
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        (void)kv_fixture_put(&fixture, "n", bad[i]);
        (void)add(&fixture, "n", 1, STATUS_INVALID);
    }
    kv_fixture_done(&fixture);
}

static void assert_usage(struct kv_fixture *fixture, uint64_t keys, uint64_t bytes)
{
    struct kv_usage usage;
    struct report report = REPORT_INIT;
    assert_int_equal(kv_store_usage(fixture->store, bytes_of_text("acme"), &report, &usage),
                     STATUS_OK);
    assert_int_equal(usage.keys, keys);
    assert_int_equal(usage.bytes, bytes);
}

static void a_tenant_has_so_much_and_no_more(void **state)
{
    (void)state;
    struct kv_fixture fixture;
    kv_fixture_init(&fixture, 2 * KV_ITEM_BYTES + 10);
    assert_usage(&fixture, 0, 0);
    (void)kv_fixture_put(&fixture, "a", "1234");
    (void)kv_fixture_put(&fixture, "b", "1234");
    assert_usage(&fixture, 2, 2 * KV_ITEM_BYTES + 10);
    struct kv_change more = kv_put_of("b", "12345");
    assert_int_equal(kv_fixture_apply(&fixture, &more), STATUS_LIMIT);
    more = kv_put_of("c", "");
    assert_int_equal(kv_fixture_apply(&fixture, &more), STATUS_LIMIT);
    /* What is not more is taken, and another tenant has its own. */
    (void)kv_fixture_put(&fixture, "b", "abcd");
    more.tenant = bytes_of_text("other");
    assert_int_equal(kv_fixture_apply(&fixture, &more), STATUS_OK);
    (void)kv_fixture_put(&fixture, "a", "");
    assert_usage(&fixture, 2, 2 * KV_ITEM_BYTES + 6);
    kv_fixture_done(&fixture);
}

static void what_expired_is_gone_and_swept_away(void **state)
{
    (void)state;
    struct kv_fixture fixture;
    kv_fixture_init(&fixture, QUOTA);
    uint64_t now_ns = fixture.base.now_ns;
    struct kv_change change = kv_put_of("short", "x");
    change.expires_ns = now_ns + 10;
    assert_int_equal(kv_fixture_apply(&fixture, &change), STATUS_OK);
    change = kv_put_of("long", "x");
    change.expires_ns = now_ns + 20;
    assert_int_equal(kv_fixture_apply(&fixture, &change), STATUS_OK);
    (void)kv_fixture_put(&fixture, "ever", "x");
    assert_false(kv_store_sweep(fixture.store));
    assert_string_equal(kv_fixture_get(&fixture, "short"), "x");

    fixture.base.now_ns = now_ns + 10;
    assert_null(kv_fixture_get(&fixture, "short"));
    assert_string_equal(kv_fixture_get(&fixture, "long"), "x");
    assert_false(kv_store_sweep(fixture.store));
    assert_usage(&fixture, 2, 2 * KV_ITEM_BYTES + 10);
    /* One that was written anew without an end does not go with its old row. */
    (void)kv_fixture_put(&fixture, "long", "y");
    fixture.base.now_ns = now_ns + 30;
    assert_false(kv_store_sweep(fixture.store));
    assert_string_equal(kv_fixture_get(&fixture, "long"), "y");
    kv_fixture_done(&fixture);
}

/* It is not there: a put that wants no version meets none, a sum begins with 0. */
static void what_expired_but_was_not_swept_counts_as_nothing(void **state)
{
    (void)state;
    struct kv_fixture fixture;
    kv_fixture_init(&fixture, QUOTA);
    struct kv_change change = kv_put_of("n", "41");
    change.expires_ns = fixture.base.now_ns + 1;
    assert_int_equal(kv_fixture_apply(&fixture, &change), STATUS_OK);
    fixture.base.now_ns++;
    assert_int_equal(add(&fixture, "n", 1, STATUS_OK), 1);
    fixture.base.now_ns += 1000;
    assert_string_equal(kv_fixture_get(&fixture, "n"), "1");
    assert_usage(&fixture, 1, KV_ITEM_BYTES + 2);
    kv_fixture_done(&fixture);
}

static void a_reader_of_an_old_commit_holds_nobody_up_and_is_found(void **state)
{
    (void)state;
    struct kv_fixture fixture;
    kv_fixture_init(&fixture, QUOTA);
    fixture.oldest = kv_fixture_put(&fixture, "a", "1") >> 20; /* the transaction */
    uint64_t next = kv_fixture_put(&fixture, "a", "2") >> 20;
    (void)kv_fixture_put(&fixture, "a", "3");
    assert_string_equal(kv_fixture_get(&fixture, "a"), "3");
    assert_int_equal(kv_store_stuck_reader(fixture.store), 0);
    assert_int_equal(kv_store_stuck_reader(fixture.store), next);
    fixture.oldest = LMDB_NO_COMMIT;
    assert_int_equal(kv_store_stuck_reader(fixture.store), 0);
    kv_fixture_done(&fixture);
}

/* One that does not fit into the file fails, and the others of its group do not. */
static void a_full_store_takes_what_fits(void **state)
{
    (void)state;
    struct kv_fixture fixture;
    struct report report = REPORT_INIT;
    kv_fixture_init(&fixture, 1ULL << 30);
    uint8_t *large = calloc(1, KV_VALUE_BYTES_MAX);
    assert_non_null(large);
    struct kv_change first = kv_put_of("first", "");
    first.value = bytes_make(large, KV_VALUE_BYTES_MAX);
    assert_int_equal(kv_fixture_apply(&fixture, &first), STATUS_OK);
    struct kv_change changes[6];
    struct kv_change *group[COUNT_OF(changes)];
    static const char *const names[] = {"b", "c", "d", "e", "f"};
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        changes[i] = kv_put_of(names[i], "");
        changes[i].value = bytes_make(large, KV_VALUE_BYTES_MAX);
    }
    changes[5] = kv_put_of("small", "fits");
    for (size_t i = 0; i < COUNT_OF(changes); i++)
        group[i] = &changes[i];
    assert_int_equal(kv_store_apply(fixture.store, group, COUNT_OF(changes), &report), STATUS_OK);
    assert_int_equal(changes[0].status, STATUS_OK);
    assert_int_equal(changes[4].status, STATUS_FULL);
    assert_int_equal(changes[5].status, STATUS_OK);
    assert_string_equal(kv_fixture_get(&fixture, "small"), "fits");
    free(large);
    kv_fixture_done(&fixture);
}

/* A group of every kind of change, on a store that has "a", "n" and "old". */
static enum status apply_all(struct kv_fixture *fixture, struct report *report)
{
    struct kv_change put = kv_put_of("a", "two");
    struct kv_change fresh = kv_put_of("b", "new");
    fresh.expires_ns = fixture->base.now_ns + 1;
    struct kv_change gone = kv_put_of("old", "");
    gone.verb = KV_DELETE;
    struct kv_change sum = kv_put_of("n", "");
    sum.verb = KV_ADD;
    sum.number = 5;
    struct kv_change *const group[] = {&put, &fresh, &gone, &sum};
    enum status status = kv_store_apply(fixture->store, group, COUNT_OF(group), report);
    for (size_t i = 0; status == STATUS_OK && i < COUNT_OF(group); i++)
        status = group[i]->status;
    return status;
}

static bool take_any(void *context, const struct kv_item *item)
{
    uint32_t *count = context;
    (*count)++;
    return item->key.count > 0;
}

static enum status ask_all(struct kv_fixture *fixture, struct report *report)
{
    struct kv_usage usage;
    struct kv_item item;
    uint32_t count = 0;
    const struct kv_range range = {.tenant = bytes_of_text("acme")};
    enum status status = kv_store_usage(fixture->store, range.tenant, report, &usage);
    if (status == STATUS_OK)
        status = kv_store_begin(fixture->store, report);
    if (status != STATUS_OK)
        return status;
    status = kv_store_get(fixture->store, range.tenant, bytes_of_text("a"), &item);
    if (status == STATUS_OK)
        status = kv_store_list(fixture->store, &range, take_any, &count);
    kv_store_end(fixture->store);
    return status;
}

static void whichever_call_fails_nothing_is_changed_or_answered(void **state)
{
    (void)state;
    struct kv_fixture fixture;
    bool failed = true;
    kv_fixture_init(&fixture, QUOTA);
    (void)kv_fixture_put(&fixture, "a", "one");
    (void)kv_fixture_put(&fixture, "n", "37");
    (void)kv_fixture_put(&fixture, "old", "it");
    for (uint32_t nth = 1; failed; nth++) {
        struct report report = REPORT_INIT;
        lmdb_fails_at(nth);
        enum status status = ask_all(&fixture, &report);
        failed = lmdb_fails_over();
        assert_int_equal(status, failed ? STATUS_IO : STATUS_OK);
    }
    failed = true;
    for (uint32_t nth = 1; failed; nth++) {
        struct report report = REPORT_INIT;
        lmdb_fails_at(nth);
        enum status status = apply_all(&fixture, &report);
        failed = lmdb_fails_over();
        assert_int_equal(status, failed ? STATUS_IO : STATUS_OK);
        assert_string_equal(kv_fixture_get(&fixture, "a"), failed ? "one" : "two");
        assert_string_equal(kv_fixture_get(&fixture, "n"), failed ? "37" : "42");
        assert_true((kv_fixture_get(&fixture, "old") != NULL) == failed);
        assert_true((kv_fixture_get(&fixture, "b") == NULL) == failed);
    }
    kv_fixture_done(&fixture);
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_put_is_there_and_what_is_deleted_is_not),
        cmocka_unit_test(tenants_do_not_see_each_other),
        cmocka_unit_test(a_change_for_another_version_is_refused),
        cmocka_unit_test(changes_of_a_group_see_each_other),
        cmocka_unit_test(numbers_are_added_to),
        cmocka_unit_test(a_tenant_has_so_much_and_no_more),
        cmocka_unit_test(what_expired_is_gone_and_swept_away),
        cmocka_unit_test(what_expired_but_was_not_swept_counts_as_nothing),
        cmocka_unit_test(a_reader_of_an_old_commit_holds_nobody_up_and_is_found),
        cmocka_unit_test(whichever_call_fails_nothing_is_changed_or_answered),
        cmocka_unit_test(a_full_store_takes_what_fits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
