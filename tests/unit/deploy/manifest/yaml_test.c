/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What of YAML is taken, and what is more than a way to write a tree.
 */
#include <stdio.h>

#include "deploy/manifest/manifest.h"
#include "tests/support/unit.h"

struct fixture {
    struct arena arena;
    struct report report;
    struct deploy_manifest manifest;
};

static int setup(void **state)
{
    static struct fixture fixture;
    fixture = (struct fixture){.report = REPORT_INIT};
    arena_init(&fixture.arena, DEPLOY_MANIFEST_ARENA_BYTES);
    *state = &fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    arena_done(&fixture->arena);
    return 0;
}

static enum status from_yaml(struct fixture *fixture, const char *text)
{
    fixture->report = (struct report)REPORT_INIT;
    return deploy_manifest_from_yaml(bytes_of_text(text), "function.yaml", &fixture->arena,
                                     &fixture->report, &fixture->manifest);
}

static void what_is_more_than_a_tree_is_refused(void **state)
{
    struct fixture *fixture = *state;
    static const struct {
        const char *yaml;
        const char *part;
    } rows[] = {
        {"name: a\nname: b", "function.yaml:2:1: a key is there twice"},
        {"? [a]\n: b", "a key must be one word"},
        {"name: &x a\ndescription: *x", "aliases are not taken"},
        {"name: !!str a", "tags are not taken"},
        {"env: !x {}", "tags are not taken"},
        {"--- {}\n--- {}\n", "a second document"},
        {"[]", "must be a mapping"},
        {"a: [[[[[[[[[]]]]]]]]]", "too deep"},
        {"name: 'a", "not YAML"},
        {"name: \"\xff\"", "not YAML"},
        {"\t", "not YAML"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        assert_int_equal(from_yaml(fixture, rows[i].yaml), STATUS_CONFIG);
        if (strstr(fixture->report.text, rows[i].part) == NULL)
            fail_msg("\"%s\" does not say \"%s\"", fixture->report.text, rows[i].part);
    }
}

static void blocks_and_flows_and_quotes_are_the_same(void **state)
{
    struct fixture *fixture = *state;
    static const char *const texts[] = {
        "steps:\n- a\n- b\nenv:\n  X: one two\n",
        "{steps: [a, b], env: {X: 'one two'}}",
        "{\"steps\":[\"a\",\"b\"],\"env\":{\"X\":\"one two\"}}",
        "%YAML 1.1\n---\nsteps: [a, \"b\"]\nenv: {? X : one two}\n...\n",
        "env:\n  X: >-\n    one\n    two\nsteps: [a, b] # and so on\n",
    };
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        if (from_yaml(fixture, texts[i]) != STATUS_OK)
            fail_msg("%s: %s", texts[i], fixture->report.text);
        assert_int_equal(fixture->manifest.steps.count, 2);
        assert_true(bytes_equal_text(fixture->manifest.steps.rows[1], "b"));
        assert_int_equal(fixture->manifest.env.count, 1);
        assert_true(bytes_equal_text(fixture->manifest.env.rows[0].text, "X=one two"));
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

UNIT
{
    const struct CMUnitTest tests[] = {
        TEST(what_is_more_than_a_tree_is_refused),
        TEST(blocks_and_flows_and_quotes_are_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
