/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines of log files: their ids, their levels, and where they end.
 */
#include "deploy/logs/log_file.h"
#include "tests/support/unit.h"

static void an_id_is_a_number_at_the_beginning(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        uint64_t id;
    } rows[] = {
        {"{\"id\":\"1764364823123456789\",\"a\":1}\n", 1764364823123456789},
        {"{\"id\":\"7\",\"and\":\"something more\"}\n", 7},
        {"{\"id\":\"17643648231234567891\",\"a\":1}\n", 0},
        {"{\"id\":7,\"and\":\"something much longer\"}\n", 0},
        {"{\"ts\":\"1764364823123456789\",\"a\":1}\n", 0},
        {"{\"id\":\"\",\"and\":\"something much longer\"}\n", 0},
        {"{\"id\":\"1", 0},
        {"", 0},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        assert_int_equal(log_line_id(bytes_of_text(rows[i].line)), rows[i].id);
}

static void a_level_is_the_member_and_not_a_word_in_a_text(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        enum deploy_log_level level;
    } rows[] = {
        {"{\"level\":\"debug\"}", DEPLOY_LOG_DEBUG},
        {"{\"a\":\"\\\"level\\\":\\\"error\\\"\",\"level\":\"info\"}", DEPLOY_LOG_INFO},
        {"{\"level\":\"warn\",\"b\":1}", DEPLOY_LOG_WARN},
        {"{\"level\":\"loud\"}", DEPLOY_LOG_ERROR},
        {"{\"level\":\"info", DEPLOY_LOG_ERROR},
        {"{}", DEPLOY_LOG_ERROR},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        assert_int_equal(log_line_level(bytes_of_text(rows[i].line)), rows[i].level);
}

static void lines_come_off_the_end_and_a_part_of_one_does_not(void **state)
{
    (void)state;
    struct bytes text = bytes_of_text("one\n\ntwo\npart");
    struct bytes line;
    assert_true(log_text_last(&text, &line));
    assert_true(bytes_equal_text(line, "two\n"));
    assert_true(log_text_last(&text, &line));
    assert_true(bytes_equal_text(line, "\n"));
    assert_true(log_text_last(&text, &line));
    assert_true(bytes_equal_text(line, "one\n"));
    assert_false(log_text_last(&text, &line));
}

static void generations_have_numbers(void **state)
{
    (void)state;
    char path[LOG_FILE_PATH_BYTES];
    const struct log_name name = {.tenant = bytes_of_text("acme"), .function = bytes_of_text("f")};
    log_file_path(&name, 0, path);
    assert_string_equal(path, "acme/f.ndjson");
    log_file_path(&name, 3, path);
    assert_string_equal(path, "acme/f.ndjson.3");
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_id_is_a_number_at_the_beginning),
        cmocka_unit_test(a_level_is_the_member_and_not_a_word_in_a_text),
        cmocka_unit_test(lines_come_off_the_end_and_a_part_of_one_does_not),
        cmocka_unit_test(generations_have_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
