/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TOML and JSON with comments, as JSON; what is neither is refused with its line.
 */
#include <stdlib.h>

#include "deploy/cli/folder/toml.h"
#include "tests/support/unit.h"

typedef json_t *parser(struct bytes text, struct report *report);

static void expect(parser *parse, const char *text, const char *json)
{
    struct report report = REPORT_INIT;
    json_t *root = parse(bytes_of_text(text), &report);
    assert_string_equal(report.text, "");
    assert_non_null(root);
    char *found = json_dumps(root, JSON_COMPACT);
    assert_string_equal(found, json);
    free(found);
    json_decref(root);
}

static void expect_refusal(parser *parse, const char *text, const char *why)
{
    struct report report = REPORT_INIT;
    assert_null(parse(bytes_of_text(text), &report));
    assert_string_equal(report.text, why);
}

static void tables_and_lists_of_tables_are_one_tree(void **state)
{
    (void)state;
    expect(cli_toml_parse,
           "name = \"a\" # comment\r\n\n[vars]\nA = 'x'\nb.c = 1\n[[kv]]\nid = \"1\"\n[[kv]]\n"
           "id = \"2\"\n[kv.more]\nx = true\n[a.\"b c\"]\n",
           "{\"name\":\"a\",\"vars\":{\"A\":\"x\",\"b\":{\"c\":1}},\"kv\":[{\"id\":\"1\"},"
           "{\"id\":\"2\",\"more\":{\"x\":true}}],\"a\":{\"b c\":{}}}");
    expect(cli_toml_parse, "", "{}");
}

static void values_are_what_they_say(void **state)
{
    (void)state;
    expect(cli_toml_parse,
           "a = [ 1, -2_000,\n 0x1f, 1.5, # more\n ]\nb = { c = 'd', e = [{}] }\nd = 2024-01-01\n"
           "t = \"\"\"\none\\\n   two \\u00e9 \\t\"\"\"\nl = '''\\n'''\nf = false\ne = \"\"",
           "{\"a\":[1,-2000,31,1.5],\"b\":{\"c\":\"d\",\"e\":[{}]},\"d\":\"2024-01-01\","
           "\"t\":\"onetwo \xc3\xa9 \\t\",\"l\":\"\\\\n\",\"f\":false,\"e\":\"\"}");
}

static void what_is_wrong_has_its_line(void **state)
{
    (void)state;
    expect_refusal(cli_toml_parse, "a = 1\nb 2", "2: `=` was expected");
    expect_refusal(cli_toml_parse, "a = 1\na = 2", "2: a key that is there already");
    expect_refusal(cli_toml_parse, "a = \"x\n\"", "1: a text that does not end");
    expect_refusal(cli_toml_parse, "a = 1 b = 2", "1: the line goes on");
    expect_refusal(cli_toml_parse, "a = 1\n[a.b]", "2: a key that is no table");
    expect_refusal(cli_toml_parse, "[a", "1: `]` was expected");
    expect_refusal(cli_toml_parse, "a = \"\\q\"", "1: an escape that is none");
    expect_refusal(cli_toml_parse, "a = [1 2]", "1: `,` or `]` was expected");
    expect_refusal(cli_toml_parse, "a =", "1: a value was expected");
    expect_refusal(cli_toml_parse, "= 1", "1: a key was expected");
    expect_refusal(cli_toml_parse, "a = [[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]",
                   "1: too many brackets in brackets");
    expect_refusal(cli_toml_parse, "a = '\xff'", "1: a text that is no UTF-8");
}

static void comments_and_last_commas_are_no_json(void **state)
{
    (void)state;
    expect(cli_jsonc_parse,
           "// one\n{ \"a\": \"// no /* , ] \\\" \", /* two\n */ \"b\": [1, 2, // three\n ], }\n",
           "{\"a\":\"// no /* , ] \\\" \",\"b\":[1,2]}");
    expect_refusal(cli_jsonc_parse, "[]", "1: an object was expected");
    struct report report = REPORT_INIT;
    assert_null(cli_jsonc_parse(bytes_of_text("{\n\"a\": }"), &report));
    assert_int_equal(strncmp(report.text, "2: ", 3), 0);
    assert_null(cli_jsonc_parse(bytes_of_text("/*"), &report));
    assert_null(cli_jsonc_parse(bytes_of_text("{\"a\": \"\\"), &report));
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tables_and_lists_of_tables_are_one_tree),
        cmocka_unit_test(values_are_what_they_say),
        cmocka_unit_test(what_is_wrong_has_its_line),
        cmocka_unit_test(comments_and_last_commas_are_no_json),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
