/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A worker's reading: what it finds.
 */
#include "kv_fixture.h"

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

struct shared {
    struct lmdb_reading reading;
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
    if (kv_reader_open(fixture->base.dir, KV_FIXTURE_MAP, &shared->reading, &fixture->base.clock,
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
        assert_true(shared->reading.word > 0);
        body(reader);
        kv_reader_end(reader);
        assert_int_equal(shared->reading.word, 0);
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

static void a_reader_of_nothing_is_refused(void **state)
{
    (void)state;
    struct fixture fixture;
    struct lmdb_reading reading;
    struct report report = REPORT_INIT;
    struct kv_reader *reader = NULL;
    reading.word = 7;
    fixture_init(&fixture);
    assert_int_not_equal(
        kv_reader_open(fixture.dir, KV_FIXTURE_MAP, &reading, &fixture.clock, &report, &reader),
        STATUS_OK);
    assert_null(reader);
    assert_int_equal(reading.word, 0);
    assert_non_null(strstr(report.text, "key-value store"));
    fixture_done(&fixture);
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_reader_finds_what_is_there),
        cmocka_unit_test(a_reader_of_nothing_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
