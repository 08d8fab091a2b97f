/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pool's index: entries are found by name, and are on the lists that their state allows.
 */
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "isolate/pool_index.h"
#include "tests/support/unit.h"
#include "tests/unit/isolate/pool_fakes.h"

static void many_functions_keep_their_isolates_apart(void **state)
{
    (void)state;
    struct isolate_pool *pool = fake_make_pool(4, 100000);
    static struct isolate *owners[3000];
    char name[16];
    for (int i = 0; i < 3000; i++) {
        (void)snprintf(name, sizeof(name), "t%d/f", i);
        owners[i] = fake_take(pool, name, "v1", ISOLATE_START_FIRST_REQUEST);
        fake_return(owners[i], ISOLATE_FINISHED);
    }
    for (int i = 0; i < 3000; i++) {
        (void)snprintf(name, sizeof(name), "t%d/f", i);
        struct isolate *isolate = fake_take(pool, name, "v1", ISOLATE_START_WARM);
        assert_ptr_equal(isolate, owners[i]);
        fake_return(isolate, ISOLATE_FINISHED);
    }
    fake_free_pool(pool);
}

static struct isolate_pool_entry *entry_of(struct isolate_pool *pool, const char *function)
{
    return pool_index_find(pool, bytes_of_text(function));
}

static void an_entry_is_found_by_its_name_alone(void **state)
{
    (void)state;
    struct isolate_pool *pool = fake_make_pool(4, 16);
    struct isolate_key key = fake_key("t/f", "v1");
    assert_null(entry_of(pool, "t/f"));
    struct isolate_pool_entry *entry = pool_index_entry(pool, &key);
    assert_ptr_equal(entry_of(pool, "t/f"), entry);
    key = fake_key("t/f", "v2");
    assert_ptr_equal(pool_index_entry(pool, &key), entry);
    assert_null(entry_of(pool, "t/ff"));
    assert_null(entry_of(pool, "t/"));
    assert_null(entry_of(pool, ""));
    assert_int_equal(isolate_pool_stats(pool).functions, 1);
    fake_free_pool(pool);
}

static void an_entry_is_on_the_lists_of_its_state(void **state)
{
    (void)state;
    struct isolate_pool *pool = fake_make_pool(4, 16);
    struct isolate_key key = fake_key("t/f", "v1");
    struct isolate_pool_entry *entry = pool_index_entry(pool, &key);
    assert_int_equal(entry->state, POOL_ENTRY_COLD);
    assert_ptr_equal(list_first(&pool->cold), &entry->by_use);
    assert_false(list_is_linked(&entry->by_tenant));

    struct isolate *isolate = fake_take(pool, "t/f", "v1", ISOLATE_START_FIRST_REQUEST);
    assert_int_equal(entry->state, POOL_ENTRY_LIVE);
    assert_true(list_is_empty(&pool->cold));
    assert_ptr_equal(list_first(&pool->live), &entry->by_use);
    assert_ptr_equal(list_first(&entry->tenant->live), &entry->by_tenant);

    fake_return(isolate, ISOLATE_FINISHED);
    assert_ptr_equal(list_first(&pool->untrimmed), &entry->untrimmed);
    assert_int_equal(entry->tenant->warm_count, 1);

    pool_index_evict_oldest(pool, entry);
    assert_int_equal(entry->state, POOL_ENTRY_COLD);
    assert_null(entry->artifact);
    assert_true(list_is_empty(&pool->live));
    assert_true(list_is_empty(&pool->untrimmed));
    assert_true(list_is_empty(&entry->tenant->live));
    assert_ptr_equal(list_first(&pool->cold), &entry->by_use);
    fake_free_pool(pool);
}

static void a_forgotten_entry_is_on_no_list_and_lives_while_in_use(void **state)
{
    (void)state;
    struct isolate_pool *pool = fake_make_pool(4, 16);
    struct isolate *isolate = fake_take(pool, "t/f", "v1", ISOLATE_START_FIRST_REQUEST);
    struct isolate_pool_entry *entry = entry_of(pool, "t/f");
    pool_index_remove(pool, entry);
    assert_null(entry_of(pool, "t/f"));
    assert_int_equal(entry->state, POOL_ENTRY_FORGOTTEN);
    assert_int_equal(entry->in_use_count, 1);
    assert_true(list_is_empty(&pool->live));
    assert_true(list_is_empty(&pool->cold));
    fake_return(isolate, ISOLATE_FINISHED);
    fake_free_pool(pool);
}

static void another_version_drops_what_is_warm_and_keeps_the_entrys_place(void **state)
{
    (void)state;
    struct isolate_pool *pool = fake_make_pool(4, 16);
    fake_return(fake_take(pool, "t/f", "v1", ISOLATE_START_FIRST_REQUEST), ISOLATE_FINISHED);
    struct isolate_key key = fake_key("t/f", "v2");
    struct isolate_pool_entry *entry = pool_index_entry(pool, &key);
    assert_int_equal(fake.isolates_alive, 0);
    assert_null(entry->artifact);
    assert_int_equal(entry->state, POOL_ENTRY_LIVE);
    assert_int_equal(entry->cold_reason, ISOLATE_START_NEW_VERSION);
    fake_free_pool(pool);
}

static void eviction_takes_the_oldest_and_walks_past_what_is_only_in_use_once(void **state)
{
    (void)state;
    struct isolate_pool *pool = fake_make_pool(4, 16);
    struct isolate *used = fake_take(pool, "t/used", "v1", ISOLATE_START_FIRST_REQUEST);
    fake_return(fake_take(pool, "t/old", "v1", ISOLATE_START_FIRST_REQUEST), ISOLATE_FINISHED);
    fake_return(fake_take(pool, "t/new", "v1", ISOLATE_START_FIRST_REQUEST), ISOLATE_FINISHED);
    pool_index_evict_one(pool);
    assert_int_equal(entry_of(pool, "t/old")->state, POOL_ENTRY_COLD);
    assert_int_equal(entry_of(pool, "t/new")->warm_count, 1);
    assert_ptr_equal(list_first(&pool->live), &entry_of(pool, "t/used")->by_use);
    pool_index_evict_of_tenant(pool, entry_of(pool, "t/new")->tenant);
    assert_int_equal(isolate_pool_stats(pool).warm, 0);
    assert_int_equal(isolate_pool_stats(pool).evicted, 2);
    fake_return(used, ISOLATE_FINISHED);
    fake_free_pool(pool);
}

static void evicting_where_nothing_is_warm_is_our_bug(void **state)
{
    (void)state;
    struct isolate_pool *pool = fake_make_pool(4, 16);
    struct isolate *used = fake_take(pool, "t/f", "v1", ISOLATE_START_FIRST_REQUEST);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        (void)signal(SIGABRT, SIG_DFL);
        (void)close(STDERR_FILENO);
        pool_index_evict_one(pool);
        _exit(0);
    }
    int how;
    assert_int_equal(waitpid(pid, &how, 0), pid);
    assert_true(WIFSIGNALED(how));
    assert_int_equal(WTERMSIG(how), SIGABRT);
    fake_return(used, ISOLATE_FINISHED);
    fake_free_pool(pool);
}

static void the_longest_cold_entry_makes_room_when_the_table_is_full(void **state)
{
    (void)state;
    struct isolate_pool *pool = fake_make_pool(4, 16);
    struct isolate *live = fake_take(pool, "t/live", "v1", ISOLATE_START_FIRST_REQUEST);
    for (int i = 0; i < POOL_ENTRIES_MAX; i++) {
        char name[16];
        (void)snprintf(name, sizeof(name), "t/f%d", i);
        struct isolate_key key = fake_key(name, "v1");
        assert_non_null(pool_index_entry(pool, &key));
    }
    assert_int_equal(isolate_pool_stats(pool).functions, POOL_ENTRIES_MAX);
    assert_null(entry_of(pool, "t/f0"));
    assert_non_null(entry_of(pool, "t/f1"));
    assert_non_null(entry_of(pool, "t/live"));
    fake_return(live, ISOLATE_FINISHED);
    fake_free_pool(pool);
}

/* ---- artifacts ------------------------------------------------------------------------------- */

static void the_longest_unused_function_makes_room_for_an_artifact(void **state)
{
    (void)state;
    struct isolate_pool *pool = fake_make_narrow_pool(3);
    struct isolate *busy = fake_take(pool, "t/busy", "v1", ISOLATE_START_FIRST_REQUEST);
    struct isolate *first = fake_take(pool, "t/idle", "v1", ISOLATE_START_FIRST_REQUEST);
    fake_return(fake_take(pool, "t/idle", "v1", ISOLATE_START_POOL_EMPTY), ISOLATE_FINISHED);
    fake_return(first, ISOLATE_FINISHED);
    for (int i = 0; i < 200; i++) {
        char name[16];
        (void)snprintf(name, sizeof(name), "u/f%d", i);
        /* One whose isolate was discarded has an artifact, and nothing warm. */
        fake_return(fake_take(pool, name, "v1", ISOLATE_START_FIRST_REQUEST),
                    i % 2 == 0 ? ISOLATE_FINISHED : ISOLATE_DISCARDED);
        assert_in_range(fake.artifacts_alive, 1, 3);
    }
    assert_int_equal(fake.artifacts_alive, 3);
    fake_return(busy, ISOLATE_FINISHED);
    fake_return(fake_take(pool, "t/busy", "v1", ISOLATE_START_WARM), ISOLATE_FINISHED);
    fake_return(fake_take(pool, "t/idle", "v1", ISOLATE_START_EVICTED), ISOLATE_FINISHED);
    assert_false(fake_renew(pool, "t/new", "v1")); /* nothing is made ahead at others' expense */
    fake_free_pool(pool);
}

static void with_all_artifacts_at_work_a_start_is_refused_and_says_why(void **state)
{
    (void)state;
    struct isolate_pool *pool = fake_make_narrow_pool(2);
    struct isolate *one = fake_take(pool, "t/one", "v1", ISOLATE_START_FIRST_REQUEST);
    struct isolate *two = fake_take(pool, "t/two", "v1", ISOLATE_START_FIRST_REQUEST);
    struct isolate_key key = fake_key("t/three", "v1");
    struct isolate_opener opener = {fake_open_artifact, NULL};
    struct isolate_start start;
    struct isolate *isolate;
    struct report report = REPORT_INIT;
    assert_int_equal(isolate_pool_checkout(pool, &key, opener, &report, &start, &isolate),
                     STATUS_LIMIT);
    assert_non_null(strstr(report.text, "ulimit -n"));
    /* Those that are there have as many as they want. */
    fake_return(fake_take(pool, "t/one", "v1", ISOLATE_START_POOL_EMPTY), ISOLATE_FINISHED);
    fake_return(two, ISOLATE_FINISHED);
    fake_return(fake_take(pool, "t/three", "v1", ISOLATE_START_FIRST_REQUEST), ISOLATE_FINISHED);
    fake_return(one, ISOLATE_FINISHED);
    fake_free_pool(pool);
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_entry_is_found_by_its_name_alone),
        cmocka_unit_test(an_entry_is_on_the_lists_of_its_state),
        cmocka_unit_test(a_forgotten_entry_is_on_no_list_and_lives_while_in_use),
        cmocka_unit_test(another_version_drops_what_is_warm_and_keeps_the_entrys_place),
        cmocka_unit_test(eviction_takes_the_oldest_and_walks_past_what_is_only_in_use_once),
        cmocka_unit_test(evicting_where_nothing_is_warm_is_our_bug),
        cmocka_unit_test(the_longest_cold_entry_makes_room_when_the_table_is_full),
        cmocka_unit_test(many_functions_keep_their_isolates_apart),
        cmocka_unit_test(the_longest_unused_function_makes_room_for_an_artifact),
        cmocka_unit_test(with_all_artifacts_at_work_a_start_is_refused_and_says_why),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
