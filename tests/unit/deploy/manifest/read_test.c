/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the rows take and what they refuse, told by its place.
 */
#include <stdio.h>
#include <stdlib.h>

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

static void expect_refused(struct fixture *fixture, const char *yaml, const char *part)
{
    assert_int_equal(from_yaml(fixture, yaml), STATUS_CONFIG);
    if (strstr(fixture->report.text, part) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", fixture->report.text, part);
}

static void the_struct_has_what_was_said(void **state)
{
    struct fixture *fixture = *state;
    const struct deploy_manifest *manifest = &fixture->manifest;
    assert_int_equal(from_yaml(fixture, "routes: [{host: x.y, path: /a/b/, methods: [GET]}]\n"
                                        "env: {B: '2', A: '1'}\nlimits: {wall: 2s, fuel: 5k}\n"
                                        "steps: [x]\n"),
                     STATUS_OK);
    assert_true(bytes_equal_text(manifest->routes.rows[0].path, "/a/b"));
    assert_int_equal(manifest->routes.rows[0].methods, DEPLOY_METHOD_GET);
    assert_true(deploy_route_takes(DEPLOY_METHOD_GET, bytes_of_text("HEAD")));
    assert_false(deploy_route_takes(DEPLOY_METHOD_GET, bytes_of_text("POST")));
    assert_false(deploy_route_takes(DEPLOY_METHOD_GET, bytes_of_text("BREW")));
    assert_true(deploy_route_takes(0, bytes_of_text("BREW")));
    assert_int_equal(manifest->env.count, 2);
    assert_string_equal((const char *)manifest->env.rows[0].text.data, "A=1");
    assert_int_equal(manifest->env.rows[0].name_bytes, 1);
    assert_int_equal(manifest->limits.wall_us, 2000000);
    assert_int_equal(manifest->limits.fuel, 5000);
    assert_int_equal(manifest->limits.memory_bytes, 0);
    assert_true(bytes_equal_text(manifest->steps.rows[0], "x"));
}

static void steps_and_arguments_may_come_again(void **state)
{
    struct fixture *fixture = *state;
    const struct deploy_manifest *manifest = &fixture->manifest;
    assert_int_equal(from_yaml(fixture, "steps: [a, b, a]\n"), STATUS_OK);
    assert_int_equal(manifest->steps.count, 3);
    assert_int_equal(from_yaml(fixture, "arguments: [-d, a=1, -d, b=2]\n"), STATUS_OK);
    assert_int_equal(manifest->arguments.count, 4);
    assert_true(bytes_equal_text(manifest->arguments.rows[2], "-d"));
}

static void what_is_wrong_is_told_with_its_line_and_column(void **state)
{
    static const struct {
        const char *yaml;
        const char *part;
    } rows[] = {
        {"nmae: x", "function.yaml:1:1: unknown key `nmae`; did you mean `name`?"},
        {"limits:\n  feul: 1G\n", "function.yaml:2:3: limits: unknown key `feul`; did you mean "
                                  "`limits.fuel`?"},
        {"fuel: 1G", "did you mean `limits.fuel`?"},
        {"zzzzzz: 1", "`skerry help manifest` lists all"},
        {"limits:\n  fuel: 1MiB\n", "function.yaml:2:9: limits.fuel: `1MiB` is no whole number "
                                    "with a unit of k, M, G, T, like 100M (instructions one"},
        {"limits: {memory: 1KiB}", ":1:18: limits.memory: `1KiB` must lie between 64KiB and 4GiB"},
        {"limits: 5", "limits: must be a mapping"},
        {"name: API", "name: `API` is no function's name"},
        {"name: [a]", "function.yaml:1:7: name: must be one plain value, like api"},
        {"steps: a", "steps: must be a list, like [auth"},
        {"steps: [a, B]", "function.yaml:1:12: steps[1]: `B` is no function's name"},
        {"secrets: [A, A]", "secrets[1]: `A` is there twice"},
        {"secrets: [9A]", "is no variable's name"},
        {"secrets: [A]\nenv: {A: x}", "function.yaml:1:1: secrets: `A` is in `env` too"},
        {"env: {A-B: x}", "env: `A-B` is no variable's name"},
        {"env: {A: [x]}", "function.yaml:1:10: env: the value of a variable is a plain one"},
        {"env: {A: \"x\\0y\"}", "has a value with a NUL in it"},
        {"health: {wall: 1s}", "has no `path` to ask for"},
        {"health: {path: x}", "has a `path` that is none"},
        {"env: [A]", "must be a mapping, like { GREETING: hi }"},
        {"outbound: [api.example.com]", "`api.example.com` is no origin"},
        {"outbound: [\"https://a.b/c\"]", "is no origin"},
        {"origin: ftp://a.b", "is no origin"},
        {"routes: [{path: /a}]", "function.yaml:1:10: routes[0]: has no host"},
        {"routes: [{host: a.b, method: GET}]", "routes[0]: unknown key `method`; did you mean "
                                               "`routes.methods`?"},
        {"routes: [{host: a.b, methods: [BREW]}]", "routes[0].methods[0]: `BREW` is none of GET"},
        {"routes: [{host: a.b, methods: [[GET]]}]",
         "methods[0]: must be one plain value, like GET"},
        {"routes: [{host: a.b, methods: []}]", "names no method"},
        {"routes: [{host: a.b}, {host: a.b, path: /, methods: [PUT]}]",
         "is the same as an earlier"},
        {"routes: [{host: '127.0.0.1'}]", "is no host name"},
        {"main: ../x.wasm", "is no path from function.yaml's folder"},
        {"main: /x.wasm", "is no path from"},
        {"description: \"a\\x1b[31m\"", "`a?[31m` has a control character"},
        {"cron: [{schedule: x}]", "cron[0]: `x` is no schedule: its minute is wrong"},
        {"cron: [{path: /x}]", "cron[0]: has no schedule"},
        {"native: maybe", "native: `maybe` is none of auto, off, on (machine code"},
        {"assets: [a]", "assets: must be a mapping"},
        {"assets: {fallback: a}", "assets: has no `dir`"},
        {"assets: {dir: a}\nsteps: [b]", "assets: stands beside `steps`"},
        {"assets: {dir: a, headers: ['/b']}", "assets.headers[0]: `/b` is no header"},
        {"assets: {dir: a, redirects: ['/b /c', '/d e']}",
         "assets.redirects[1]: `/d e` leads to no path"},
        {"assets: {dir: a, redirects: ['/b /c', '/b /c']}", "is there twice"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        expect_refused(*state, rows[i].yaml, rows[i].part);
}

static void json_is_judged_by_the_same_rows(void **state)
{
    struct fixture *fixture = *state;
    static const struct {
        const char *json;
        const char *part;
    } rows[] = {
        {"", "not JSON"},
        {"[]", "must be a mapping"},
        {"{\"name\":\"a\",\"name\":\"b\"}", "not JSON: line 1: duplicate"},
        {"{\"limits\":{\"fuel\":1.5}}", "limits.fuel: must be one plain value"},
        {"{\"limits\":{\"fuel\":1}}", "limits.fuel: `1` must lie between"},
        {"{\"native\":\"x\"}", "native: `x` is none of auto, off, on"},
        {"{\"native\":\"auto\"}", NULL},
        {"{\"steps\":[true]}", NULL},
        {"{\"reuse\":{\"requests\":5},\"name\":null}", NULL},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        fixture->report = (struct report)REPORT_INIT;
        enum status status = deploy_manifest_from_json(bytes_of_text(rows[i].json), &fixture->arena,
                                                       &fixture->report, &fixture->manifest);
        assert_int_equal(status, rows[i].part == NULL ? STATUS_OK : STATUS_CONFIG);
        if (rows[i].part != NULL && strstr(fixture->report.text, rows[i].part) == NULL)
            fail_msg("\"%s\" does not say \"%s\"", fixture->report.text, rows[i].part);
    }
}

/* `count` entries between two texts. */
static char *many(const char *before, const char *entry, size_t count, const char *after)
{
    size_t bytes = strlen(before) + count * (strlen(entry) + 8) + strlen(after) + 1;
    char *text = malloc(bytes);
    assert_non_null(text);
    size_t used = (size_t)snprintf(text, bytes, "%s", before);
    for (size_t i = 0; i < count; i++)
        used += (size_t)snprintf(text + used, bytes - used, entry, i);
    (void)snprintf(text + used, bytes - used, "%s", after);
    return text;
}

static void counts_and_sizes_are_bounded(void **state)
{
    struct fixture *fixture = *state;
    static const struct {
        const char *before;
        const char *entry;
        size_t most;
        const char *part;
    } rows[] = {
        {"steps: [", "a%zu,", 8, "has 9 entries: 8 are allowed"},
        {"secrets: [", "A%zu,", 64, "has 65 entries"},
        {"outbound: [", "'http://a%zu.b',", 64, "has 65 entries"},
        {"routes: [", "{host: a%zu.b},", 32, "has 33 entries"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        char *most = many(rows[i].before, rows[i].entry, rows[i].most, "]\n");
        char *over = many(rows[i].before, rows[i].entry, rows[i].most + 1, "]\n");
        assert_int_equal(from_yaml(fixture, most), STATUS_OK);
        expect_refused(fixture, over, rows[i].part);
        free(most);
        free(over);
    }
    char *variables = many("env: {", "A%zu: x,", 129, "}\n");
    expect_refused(fixture, variables, "has 129 variables: 128 are allowed");
    free(variables);
    char *values = many("env: {A: '", "0123456789abcdef%zu", 512, "'}\n");
    expect_refused(fixture, values, "bytes: 8192 are allowed");
    free(values);
    char *nodes = many("steps: [", "a,", 5000, "]\n");
    expect_refused(fixture, nodes, "too much for a manifest");
    free(nodes);
    char *file = many("#", "0123456789abcdef%zu", 4096, "\n");
    expect_refused(fixture, file, "function.yaml has");
    free(file);
}

static void a_route_alone_is_read_by_the_same_rows(void **state)
{
    struct fixture *fixture = *state;
    struct deploy_route route;
    assert_int_equal(deploy_route_from_json(bytes_of_text("{\"host\":\"A.b\",\"path\":\"/x/*\"}"),
                                            &fixture->arena, &fixture->report, &route),
                     STATUS_OK);
    assert_true(bytes_equal_text(route.host, "a.b"));
    assert_true(bytes_equal_text(route.path, "/x"));
    assert_int_equal(route.methods, 0);
    assert_int_equal(deploy_route_from_json(bytes_of_text("{\"path\":\"/x\"}"), &fixture->arena,
                                            &fixture->report, &route),
                     STATUS_CONFIG);
    assert_non_null(strstr(fixture->report.text, "has no host"));
    assert_int_equal(deploy_route_from_json(bytes_of_text("5"), &fixture->arena, NULL, &route),
                     STATUS_CONFIG);
    assert_int_equal(deploy_route_from_json(bytes_make(NULL, 0), &fixture->arena, NULL, &route),
                     STATUS_CONFIG);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

UNIT
{
    const struct CMUnitTest tests[] = {
        TEST(the_struct_has_what_was_said),
        TEST(steps_and_arguments_may_come_again),
        TEST(what_is_wrong_is_told_with_its_line_and_column),
        TEST(json_is_judged_by_the_same_rows),
        TEST(counts_and_sizes_are_bounded),
        TEST(a_route_alone_is_read_by_the_same_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
