/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The forms that all verbs share: errors, hints that can be pasted, values of any answer.
 */
#include "deploy/cli/cli.h"
#include "tests/support/capture.h"

static void a_member_that_is_no_text_is_a_dash(void **state)
{
    (void)state;
    json_t *object = json_pack("{s:s, s:n, s:i}", "text", "t", "null", "number", 7);
    assert_string_equal(cli_text(object, "text"), "t");
    assert_string_equal(cli_text(object, "null"), "-");
    assert_string_equal(cli_text(object, "number"), "-");
    assert_string_equal(cli_text(object, "none"), "-");
    assert_string_equal(cli_text(NULL, "none"), "-");
    assert_int_equal(cli_number(object, "number"), 7);
    assert_int_equal(cli_number(object, "text"), 0);
    assert_int_equal(cli_number(NULL, "number"), 0);
    json_decref(object);
}

static void sizes_are_told_in_the_unit_they_fill(void **state)
{
    (void)state;
    static const struct {
        uint64_t bytes;
        const char *text;
    } rows[] = {{0, "0 B"},        {1023, "1023 B"},     {1024, "1.0 KiB"},
                {1536, "1.5 KiB"}, {1 << 20, "1.0 MiB"}, {UINT64_C(5) << 40, "5120.0 GiB"}};
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        char text[32];
        cli_format_bytes(rows[i].bytes, text);
        assert_string_equal(text, rows[i].text);
    }
}

static void words_are_quoted_as_a_shell_takes_them(void **state)
{
    (void)state;
    char quoted[CLI_PATH_BYTES];
    assert_string_equal(cli_quote("a/b-c.wasm", quoted), "a/b-c.wasm");
    assert_string_equal(cli_quote("a b", quoted), "'a b'");
    assert_string_equal(cli_quote("it's $x", quoted), "'it'\\''s $x'");
    assert_string_equal(cli_quote("", quoted), "''");
    assert_string_equal(cli_quote("`;&|", quoted), "'`;&|'");
}

static void a_word_too_long_for_a_hint_is_cut_and_still_closed(void **state)
{
    (void)state;
    char quoted[CLI_PATH_BYTES];
    char word[2 * CLI_PATH_BYTES];
    memset(word, '\'', sizeof(word));
    word[sizeof(word) - 1] = '\0';
    (void)cli_quote(word, quoted);
    size_t count = strlen(quoted);
    assert_true(count < sizeof(quoted) && count > sizeof(quoted) - 8);
    /* Whole quotes only: each is four characters. */
    assert_int_equal((count - 2) % 4, 0);
    assert_int_equal(quoted[count - 1], '\'');
}

static void hints_repeat_what_was_given_and_no_more(void **state)
{
    (void)state;
    char flags[CLI_FLAGS_BYTES];
    struct cli cli = {.options = {.tenant = "default", .tenant_is_default = true}};
    assert_string_equal(cli_flags(&cli, flags), "");
    cli.options = (struct cli_options){.tenant = "acme", .data = "/my data"};
    assert_string_equal(cli_flags(&cli, flags), " -t acme --data '/my data'");
    cli.options = (struct cli_options){.tenant = "acme", .url = "http://h", .admin_socket = "/s"};
    assert_string_equal(cli_flags(&cli, flags), " -t acme --url http://h --admin-socket /s");
}

static int fail_and_hint(int argc, char **argv)
{
    struct cli cli = {.program = "skerry test"};
    cli.options.quiet = argc > 0 && strcmp(argv[0], "quiet") == 0;
    cli_next(&cli, "skerry show %s", "hello");
    return (int)cli_fail(&cli, CLI_CONFLICT, "no %s", "way");
}

static void errors_are_a_line_beside_the_answer_and_hints_may_be_silenced(void **state)
{
    (void)state;
    static struct capture shown;
    CAPTURE(&shown, fail_and_hint, "loud");
    assert_int_equal(shown.exit_status, CLI_CONFLICT);
    assert_string_equal(shown.err, "skerry test: no way\n");
    assert_string_equal(shown.out, "next: skerry show hello\n");
    CAPTURE(&shown, fail_and_hint, "quiet");
    assert_string_equal(shown.err, "skerry test: no way\n");
    assert_string_equal(shown.out, "");
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_member_that_is_no_text_is_a_dash),
        cmocka_unit_test(sizes_are_told_in_the_unit_they_fill),
        cmocka_unit_test(words_are_quoted_as_a_shell_takes_them),
        cmocka_unit_test(a_word_too_long_for_a_hint_is_cut_and_still_closed),
        cmocka_unit_test(hints_repeat_what_was_given_and_no_more),
        cmocka_unit_test(errors_are_a_line_beside_the_answer_and_hints_may_be_silenced),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
