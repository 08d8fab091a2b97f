/* SPDX-License-Identifier: Apache-2.0 */
/*
 * .dev.vars, as JSON; what is none is told by its line.
 */
#include <stdlib.h>

#include "deploy/cli/folder/dev_vars.h"
#include "tests/support/unit.h"

static uint32_t parse(const char *text, const char *json)
{
    json_t *environment = json_pack("{s:s}", "KEPT", "yes");
    uint32_t line = cli_dev_vars_parse(bytes_of_text(text), environment);
    char *found = json_dumps(environment, JSON_COMPACT | JSON_SORT_KEYS);
    if (json != NULL)
        assert_string_equal(found, json);
    free(found);
    json_decref(environment);
    return line;
}

static void lines_set_variables_and_go_before_what_was_there(void **state)
{
    (void)state;
    assert_int_equal(parse("", "{\"KEPT\":\"yes\"}"), 0);
    assert_int_equal(
        parse("# a comment\r\n\n A = 1 \r\nexport KEPT=no", "{\"A\":\"1\",\"KEPT\":\"no\"}"), 0);
    assert_int_equal(parse("A=\"a b\\nc\"\nB='a\\nb'\nC=x=y#z\nD=\n",
                           "{\"A\":\"a b\\nc\",\"B\":\"a\\\\nb\",\"C\":\"x=y#z\","
                           "\"D\":\"\",\"KEPT\":\"yes\"}"),
                     0);
}

static void what_is_no_line_of_it_is_told_by_its_number(void **state)
{
    (void)state;
    assert_int_equal(parse("A=1\n\nnothing\n", NULL), 3);
    assert_int_equal(parse("a b=1", NULL), 1);
    assert_int_equal(parse("=1", NULL), 1);
    assert_int_equal(parse("A=\xff", NULL), 1);
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_set_variables_and_go_before_what_was_there),
        cmocka_unit_test(what_is_no_line_of_it_is_told_by_its_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
