/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A worker's reading: what it finds, and that what it finds is of one commit while another process
 * writes without a lock.
 */
#include "kv_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define GROUPS 400
#define KEYS   40

struct shared {
    struct kv_reader_slot slot;
    _Atomic bool done;
};

static struct shared *share(void)
{
    struct shared *shared =
        mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(shared != MAP_FAILED);
    return shared;
}

static struct kv_reader *open_reader(const struct kv_fixture *fixture, struct shared *shared)
{
    struct report report = REPORT_INIT;
    struct kv_reader *reader = NULL;
    if (kv_reader_open(fixture->base.dir, KV_FIXTURE_MAP, &shared->slot, &fixture->base.clock,
                       &report, &reader) != STATUS_OK)
        fail_msg("%s", report.text);
    return reader;
}

static bool take_name(void *context, const struct kv_item *item)
{
    struct buffer *names = context;
    assert_int_equal(buffer_append(names, item->key.data, item->key.count), STATUS_OK);
    assert_int_equal(buffer_append(names, " ", 1), STATUS_OK);
    return names->count < 64;
}

static void
assert_list(struct kv_reader *reader, const char *prefix, const char *after, const char *expected)
{
    struct buffer names;
    buffer_init(&names, 1024);
    const struct kv_range range = {.tenant = bytes_of_text("acme"),
                                   .prefix = bytes_of_text(prefix),
                                   .after = bytes_of_text(after)};
    assert_int_equal(kv_reader_list(reader, &range, take_name, &names), STATUS_OK);
    assert_int_equal(names.count, strlen(expected));
    assert_memory_equal(names.data == NULL ? (const uint8_t *)"" : names.data, expected,
                        names.count);
    buffer_done(&names);
}

/* In a process of its own, as a worker is: LMDB knows an environment once in each. */
static void in_a_child(struct kv_fixture *fixture,
                       struct shared *shared,
                       void (*body)(struct kv_reader *reader))
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct kv_reader *reader = open_reader(fixture, shared);
        struct report report = REPORT_INIT;
        assert_int_equal(kv_reader_begin(reader, &report), STATUS_OK);
        assert_true(shared->slot.reading > 0);
        body(reader);
        kv_reader_end(reader);
        assert_int_equal(shared->slot.reading, 0);
        kv_reader_close(reader);
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void look_at_all(struct kv_reader *reader)
{
    struct kv_item item;
    const struct bytes acme = bytes_of_text("acme");
    assert_int_equal(kv_reader_get(reader, acme, bytes_of_text("a/1"), &item), STATUS_OK);
    assert_true(bytes_equal_text(item.value, "one"));
    assert_true(item.version > 0 && item.expires_ns == 0);
    assert_int_equal(kv_reader_get(reader, acme, bytes_of_text("a"), &item), STATUS_NOT_FOUND);
    assert_int_equal(kv_reader_get(reader, acme, bytes_of_text("old"), &item), STATUS_NOT_FOUND);
    assert_int_equal(kv_reader_get(reader, bytes_of_text("acm"), bytes_of_text("a/1"), &item),
                     STATUS_NOT_FOUND);
    assert_list(reader, "", "", "a/1 a/2 b ");
    assert_list(reader, "a/", "", "a/1 a/2 ");
    assert_list(reader, "a/", "a/1", "a/2 ");
    assert_list(reader, "a/", "a/2", "");
    assert_list(reader, "a/2", "a/1", "a/2 ");
    assert_list(reader, "b", "a/1", "b ");
    assert_list(reader, "c", "", "");
}

static void a_reader_finds_what_is_there(void **state)
{
    (void)state;
    struct kv_fixture fixture;
    struct shared *shared = share();
    kv_fixture_init(&fixture, 100000);
    (void)kv_fixture_put(&fixture, "a/2", "two");
    (void)kv_fixture_put(&fixture, "b", "three");
    (void)kv_fixture_put(&fixture, "a/1", "one");
    struct kv_change old = kv_put_of("old", "x");
    old.expires_ns = 1;
    assert_int_equal(kv_fixture_apply(&fixture, &old), STATUS_OK);
    struct kv_change other = kv_put_of("a/3", "theirs");
    other.tenant = bytes_of_text("acmf");
    assert_int_equal(kv_fixture_apply(&fixture, &other), STATUS_OK);
    in_a_child(&fixture, shared, look_at_all);
    kv_fixture_done(&fixture);
    (void)munmap(shared, sizeof(*shared));
}

static uint64_t oldest_of(void *context)
{
    const struct shared *shared = context;
    uint64_t reading = atomic_load(&shared->slot.reading);
    return reading == 0 ? UINT64_MAX : reading - 1;
}

static bool check_value(void *context, const struct kv_item *item)
{
    struct bytes *first = context;
    if (first->data == NULL)
        *first = item->value;
    /* Not assert: a child has no cmocka to tell. */
    if (!bytes_equal(*first, item->value))
        _exit(1);
    first->count = item->value.count;
    return true;
}

static void read_on(struct kv_fixture *fixture, struct shared *shared)
{
    struct kv_reader *reader = open_reader(fixture, shared);
    struct report report = REPORT_INIT;
    const struct kv_range range = {.tenant = bytes_of_text("acme")};
    while (!atomic_load(&shared->done)) {
        struct bytes first = {0};
        if (kv_reader_begin(reader, &report) != STATUS_OK ||
            kv_reader_list(reader, &range, check_value, &first) != STATUS_OK)
            _exit(2);
        kv_reader_end(reader);
    }
    _exit(0);
}

static void write_group(struct kv_store *store, int number)
{
    static char value[3000]; /* overflow pages, which are used again soon */
    char names[KEYS][8];
    struct kv_change changes[KEYS];
    struct kv_change *group[KEYS];
    (void)memset(value, 'a' + number % 26, sizeof(value) - 1);
    (void)snprintf(value, 8, "%07d", number);
    for (int i = 0; i < KEYS; i++) {
        (void)snprintf(names[i], sizeof(names[i]), "k%d", i);
        changes[i] = kv_put_of(names[i], "");
        changes[i].value = bytes_make(value, sizeof(value));
        group[i] = &changes[i];
    }
    struct report report;
    enum status status;
    do {
        report_clear(&report);
        status = kv_store_apply(store, group, KEYS, &report);
    } while (status == STATUS_BUSY);
    assert_int_equal(status, STATUS_OK);
}

/* All values of a group are alike: a reader that saw pages of two commits would see two. */
static void a_reader_sees_one_commit_while_others_are_made(void **state)
{
    (void)state;
    struct kv_fixture fixture;
    struct shared *shared = share();
    struct report report = REPORT_INIT;
    struct kv_store *store = NULL;
    kv_fixture_init(&fixture, 1 << 30);
    kv_store_close(fixture.store);
    fixture.store = NULL;
    const struct kv_store_options options = {.data_dir = fixture.base.dir,
                                             .map_bytes = KV_FIXTURE_MAP,
                                             .tenant_bytes_max = 1 << 30,
                                             .clock = &fixture.base.clock,
                                             .oldest_reader = oldest_of,
                                             .context = shared};
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        read_on(&fixture, shared);
    assert_int_equal(kv_store_open(&options, &report, &store), STATUS_OK);
    for (int i = 0; i < GROUPS; i++)
        write_group(store, i);
    atomic_store(&shared->done, true);
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    kv_store_close(store);
    kv_fixture_done(&fixture);
    (void)munmap(shared, sizeof(*shared));
}

static void a_reader_of_nothing_is_refused(void **state)
{
    (void)state;
    struct fixture fixture;
    struct kv_reader_slot slot;
    struct report report = REPORT_INIT;
    struct kv_reader *reader = NULL;
    slot.reading = 7;
    fixture_init(&fixture);
    assert_int_not_equal(
        kv_reader_open(fixture.dir, KV_FIXTURE_MAP, &slot, &fixture.clock, &report, &reader),
        STATUS_OK);
    assert_null(reader);
    assert_int_equal(slot.reading, 0);
    assert_non_null(strstr(report.text, "key-value store"));
    fixture_done(&fixture);
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_reader_finds_what_is_there),
        cmocka_unit_test(a_reader_sees_one_commit_while_others_are_made),
        cmocka_unit_test(a_reader_of_nothing_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
