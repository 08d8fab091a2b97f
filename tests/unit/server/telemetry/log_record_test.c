/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A line of a function's log on its way to control, and what is no such line.
 */
#include <stdlib.h>

#include "server/telemetry/log_record.h"
#include "tests/support/unit.h"

static const struct deploy_catalog_entry entry = {.tenant = "acme", .function = "hello"};

static struct record through_a_ring(const char *line)
{
    struct record_ring *ring = calloc(1, sizeof(*ring));
    struct record_reader reader = {0};
    struct record record;
    uint64_t budget = UINT64_MAX;
    assert_non_null(ring);
    log_record_write(ring, &entry, DEPLOY_LOG_WARN, bytes_of_text(line));
    assert_true(record_ring_read(ring, &reader, &budget, &record));
    free(ring);
    return record;
}

static bool is_line(const struct record *record)
{
    struct log_record head;
    struct bytes line;
    return log_record_read(record, "id", &head, &line);
}

static void a_line_comes_with_whose_it_is(void **state)
{
    (void)state;
    struct log_record head;
    struct bytes line;
    struct record record = through_a_ring("{\"level\":\"warn\"}\n");
    assert_true(log_record_read(&record, "id", &head, &line));
    assert_string_equal(head.tenant, "acme");
    assert_string_equal(head.function, "hello");
    assert_int_equal(head.level, DEPLOY_LOG_WARN);
    assert_true(bytes_equal_text(line, "{\"level\":\"warn\"}"));
}

static void what_is_no_line_is_refused(void **state)
{
    (void)state;
    static const char *const lines[] = {"\n",
                                        "x",
                                        "{\"a\":1}",
                                        "{\"a\":1}\n\n",
                                        "{\"a\":\"\n\"}\n",
                                        "{\"id\":1}\n",
                                        "{\"a\":1,\"a\":2}\n",
                                        "not json\n"};
    for (size_t i = 0; i < COUNT_OF(lines); i++) {
        struct record record = through_a_ring(lines[i]);
        assert_false(is_line(&record));
    }
}

static void a_head_that_lies_is_refused(void **state)
{
    (void)state;
    const struct record good = through_a_ring("{\"a\":1}\n");
    assert_true(is_line(&good));
    struct record bad = good;
    bad.type = RECORD_START;
    assert_false(is_line(&bad));
    bad = good;
    bad.data[offsetof(struct log_record, level)] = DEPLOY_LOG_LEVEL_COUNT;
    assert_false(is_line(&bad));
    bad = good;
    bad.data[offsetof(struct log_record, count)]++;
    assert_false(is_line(&bad));
    bad = good;
    bad.data[offsetof(struct log_record, tenant)] = '/';
    assert_false(is_line(&bad));
    bad = good;
    memset(bad.data + offsetof(struct log_record, function), 'a', DEPLOY_NAME_BYTES);
    assert_false(is_line(&bad));
    bad = good;
    bad.count = sizeof(struct log_record);
    assert_false(is_line(&bad));
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_comes_with_whose_it_is),
        cmocka_unit_test(what_is_no_line_is_refused),
        cmocka_unit_test(a_head_that_lies_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
