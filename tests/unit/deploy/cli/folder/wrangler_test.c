/* SPDX-License-Identifier: Apache-2.0 */
/*
 * deploy of a Workers' project as it is: what its file says goes along, what is not here is named.
 */
#include <stdio.h>
#include <sys/stat.h>

#include "deploy/cli/cli.h"
#include "tests/unit/deploy/cli/counter.h"

static const struct counter_answer deployed[] = {
    {200, "{\"function\":\"shop\",\"version\":\"v1\",\"kind\":\"javascript\",\"active\":true}"}};

static const char *const made[] = {"src/index.js", "src", "wrangler.toml", "wrangler.jsonc"};

static void make(const struct counter *counter, const char *name, const char *text)
{
    char path[160];
    (void)snprintf(path, sizeof(path), "%s/%s", counter->folder, name);
    if (text == NULL) {
        assert_int_equal(mkdir(path, 0700), 0);
        return;
    }
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void remove_all(const struct counter *counter)
{
    for (size_t i = 0; i < COUNT_OF(made); i++) {
        char path[160];
        (void)snprintf(path, sizeof(path), "%s/%s", counter->folder, made[i]);
        (void)remove(path);
    }
}

static void a_project_goes_as_it_is(void **state)
{
    struct counter *counter = *state;
    make(counter, "src", NULL);
    make(counter, "src/index.js", "export default {};");
    make(counter, "wrangler.toml",
         "name = \"shop_one\"\nmain = \"./src/index.js\"\ncompatibility_date = \"2024-01-01\"\n"
         "routes = [\"a.example.com/*\", { pattern = \"b.example.com\", custom_domain = true },"
         " \"c.example.com/x/*\"]\n[vars]\nGREETING = \"hi\"\nLIST = [1]\n[[kv_namespaces]]\n"
         "binding = \"NAMES\"\nid = \"abc\"\n[[services]]\nbinding = \"AUTH\"\nservice = \"auth\"\n"
         "[[d1_databases]]\nbinding = \"DB\"\n[unheard_of]\n[skerry]\noutbound = "
         "[\"https://api.example.com\"]\nwarm = [\"/\"]\n");
    COUNTER_RUN(counter, deployed, "deploy", counter->folder);
    counter_assert_asked(counter, 0,
                         "PUT /v1/tenants/default/functions/shop-one?activate=1&dry_run=0");
    const char *body = counter->page->requests[0].body;
    assert_says(body, "{\"name\":\"shop-one\",\"main\":\"src/index.js\",\"routes\":[{\"host\":"
                      "\"a.example.com\",\"path\":\"/*\"},{\"host\":\"b.example.com\",\"path\":\"/"
                      "*\"}],\"env\":{\"GREETING\":"
                      "\"hi\"},\"outbound\":[\"https://api.example.com\"],\"warm\":[\"/\"]}");
    assert_says(body, "{\"warm\":[\"/\"],\"bindings\":[{\"type\":\"json\",\"name\":\"LIST\","
                      "\"json\":[1]},{\"type\":\"kv_namespace\",\"name\":\"NAMES\","
                      "\"namespace_id\":\"abc\"},{\"type\":\"service\",\"name\":\"AUTH\","
                      "\"service\":\"auth\"}]}");
    assert_says(counter->shown.err, "`d1_databases`: D1 is not here");
    assert_says(counter->shown.err, "`unheard_of`: is not known");
    assert_says(counter->shown.err, "a route with a path is not taken");
    assert_null(strstr(counter->shown.err, "compatibility_date"));
    remove_all(counter);
}

static void json_with_comments_is_taken_too(void **state)
{
    struct counter *counter = *state;
    make(counter, "src", NULL);
    make(counter, "src/index.js", "export default {};");
    make(counter, "wrangler.jsonc",
         "{ // a project\n \"name\": \"shop\", \"main\": \"src/index.js\",\n"
         " \"ratelimits\": [{ \"name\": \"LIMIT\", \"simple\": { \"limit\": 1, \"period\": 60 } "
         "}],\n"
         " \"triggers\": { \"crons\": [\"*/30 * * * *\"] },\n"
         " \"secrets\": { \"required\": [\"KEY\"] }, }\n");
    COUNTER_RUN(counter, deployed, "deploy", counter->folder);
    const char *body = counter->page->requests[0].body;
    assert_says(body, "\"secrets\":[\"KEY\"]");
    assert_says(body, "\"cron\":[{\"schedule\":\"*/30 * * * *\"");
    assert_says(body, "{\"type\":\"ratelimit\",\"name\":\"LIMIT\",\"simple\":{\"limit\":1,");
    assert_string_equal(counter->shown.err, "");
    remove_all(counter);
}

static void what_is_wrong_is_told_with_its_place(void **state)
{
    struct counter *counter = *state;
    static const struct {
        const char *text;
        const char *part;
    } rows[] = {
        {"name = 1\n", "wrangler.toml: `name` is no text"},
        {"name = \"a\"\nmain\n", "wrangler.toml:2: `=` was expected"},
        {"name = \"a\"\n", "wrangler.toml: it names no module"},
        {"name = \"A B\"\nmain = \"a.js\"\n", "wrangler.toml: "},
        {"[[services]]\nbinding = \"X\"\n", "`services` has a row without"},
        {"[[kv_namespaces]]\nid = \"X\"\n", "`kv_namespaces` has a row without"},
        {"[assets]\nbinding = \"X\"\n", "`assets` has no `directory`"},
        {"[triggers]\ncrons = [1]\n", "`triggers` has a schedule that is no text"},
        {"vars = 1\n", "`vars` is no table"},
        {"skerry = 1\n", "`skerry` is no table"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        make(counter, "wrangler.toml", rows[i].text);
        COUNTER_RUN_ALONE(counter, "deploy", counter->folder);
        assert_int_equal(counter->shown.exit_status, CLI_MANIFEST);
        assert_says(counter->shown.err, rows[i].part);
    }
    remove_all(counter);
}

UNIT
{
    const struct CMUnitTest tests[] = {
        TEST_COUNTER(a_project_goes_as_it_is),
        TEST_COUNTER(json_with_comments_is_taken_too),
        TEST_COUNTER(what_is_wrong_is_told_with_its_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
