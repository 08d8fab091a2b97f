/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of verbs that need no server, and what they share: files, sizes, names, failures.
 */
#include <fcntl.h>

#include "server/cli/verbs_engine.h"
#include "tests/unit/server/cli/bench.h"

static int run_verb(int argc, char **argv)
{
    int exit_status = 0;
    return server_engine_verb(argc, argv, &exit_status) ? exit_status : 99;
}

static void a_verb_is_found_by_its_whole_name(void **state)
{
    struct bench *bench = *state;
    struct capture *shown = &bench->shown;
    CAPTURE(shown, run_verb, "skerry", "validate", bench->module);
    assert_int_equal(shown->exit_status, 0);
    CAPTURE(shown, run_verb, "skerry", "valid", bench->module);
    assert_int_equal(shown->exit_status, 99);
    CAPTURE(shown, run_verb, "skerry");
    assert_int_equal(shown->exit_status, 99);
}

static void every_verb_explains_itself(void **state)
{
    struct bench *bench = *state;
    struct capture *shown = &bench->shown;
    static const char *const names[] = {"run", "validate", "inspect", "wast"};
    struct buffer help;
    buffer_init(&help, 65536);
    server_engine_help(&help);
    assert_int_equal(buffer_append(&help, "", 1), STATUS_OK);
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        char usage[64];
        CAPTURE(shown, run_verb, "skerry", names[i], "--help");
        (void)snprintf(usage, sizeof(usage), "usage: skerry %s ", names[i]);
        assert_int_equal(shown->exit_status, 0);
        assert_memory_equal(shown->out, usage, strlen(usage));
        assert_says((const char *)help.data, names[i]);
    }
    buffer_done(&help);
}

static void what_is_no_file_is_not_read(void **state)
{
    struct bench *bench = *state;
    struct buffer file = {.count = 77};
    struct report report = REPORT_INIT;
    assert_int_equal(verb_read_file(bench->absent, 100, &report, &file), STATUS_NOT_FOUND);
    report_clear(&report);
    assert_int_equal(verb_read_file(bench->folder, 100, &report, &file), STATUS_USAGE);
    assert_says(report.text, "it is a directory");
    report_clear(&report);
    assert_int_equal(verb_read_file("/dev/null", 100, &report, &file), STATUS_USAGE);
    assert_int_equal(file.count, 77);
}

static void a_file_may_have_as_many_bytes_as_allowed_and_no_more(void **state)
{
    struct bench *bench = *state;
    struct buffer file;
    struct report report = REPORT_INIT;
    assert_int_equal(verb_read_file(bench->script, 1 << 20, &report, &file), STATUS_OK);
    size_t bytes = file.count;
    buffer_done(&file);
    assert_int_equal(verb_read_file(bench->script, bytes, &report, &file), STATUS_OK);
    assert_int_equal(file.count, bytes);
    buffer_done(&file);
    assert_int_equal(verb_read_file(bench->script, bytes - 1, &report, &file), STATUS_LIMIT);
}

static void sizes_have_units_and_are_not_zero(void **state)
{
    (void)state;
    uint64_t bytes = 5;
    assert_true(verb_read_size("2KiB", &bytes));
    assert_int_equal(bytes, 2048);
    assert_false(verb_read_size("0", &bytes));
    assert_false(verb_read_size("2 potatoes", &bytes));
    assert_false(verb_read_size("", &bytes));
    assert_int_equal(bytes, 2048);
}

static void names_that_guests_chose_do_not_command_a_terminal(void **state)
{
    (void)state;
    char text[64] = "";
    FILE *file = fmemopen(text, sizeof(text), "w");
    assert_non_null(file);
    verb_print_name(file, bytes_of_text("a\x1b[2J\n\x7f\xc3\xbc"));
    assert_int_equal(fclose(file), 0);
    assert_string_equal(text, "a?[2J??\xc3\xbc");
}

static int fail_with_an_offset(int argc, char **argv)
{
    struct report report = REPORT_INIT;
    (void)argc;
    (void)report_fail(&report, STATUS_LIMIT, 0x1f, "too many types");
    return verb_fail_report("inspect", argv[0], &report);
}

static int fail_without_words(int argc, char **argv)
{
    struct report report = REPORT_INIT;
    (void)argc;
    report.status = STATUS_NO_MEMORY;
    return verb_fail_report("inspect", argv[0], &report);
}

static void failures_are_one_line_and_end_in_the_statuss_code(void **state)
{
    struct bench *bench = *state;
    struct capture *shown = &bench->shown;
    CAPTURE(shown, fail_with_an_offset, "x.wasm");
    assert_int_equal(shown->exit_status, 7);
    assert_string_equal(shown->err, "skerry inspect: x.wasm: offset 0x1f: too many types\n");
    CAPTURE(shown, fail_without_words, "x.wasm");
    assert_int_equal(shown->exit_status, 7);
    assert_string_equal(shown->err, "skerry inspect: x.wasm: out of memory\n");
    assert_string_equal(shown->out, "");
}

UNIT
{
    const struct CMUnitTest tests[] = {
        TEST_BENCH(a_verb_is_found_by_its_whole_name),
        TEST_BENCH(every_verb_explains_itself),
        TEST_BENCH(what_is_no_file_is_not_read),
        TEST_BENCH(a_file_may_have_as_many_bytes_as_allowed_and_no_more),
        cmocka_unit_test(sizes_have_units_and_are_not_zero),
        cmocka_unit_test(names_that_guests_chose_do_not_command_a_terminal),
        TEST_BENCH(failures_are_one_line_and_end_in_the_statuss_code),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
