/* SPDX-License-Identifier: Apache-2.0 */
/*
 * deploy of scripts: what they import goes with them, and what is no script goes through a bundler.
 */
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "deploy/cli/folder/script.h"
#include "tests/unit/deploy/cli/counter.h"

static const struct counter_answer deployed[] = {
    {200, "{\"function\":\"app\",\"version\":\"v1\",\"kind\":\"javascript\",\"active\":true}"}};

static const char *const made[] = {"lib/b.js", "lib/words.json", "lib",          "app.js",
                                   "app.ts",   "function.yaml",  "build/app.js", "build"};

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

static void a_script_alone_goes_as_it_is(void **state)
{
    struct counter *counter = *state;
    char path[160];
    make(counter, "app.js", "export default \"./none.js\";");
    (void)snprintf(path, sizeof(path), "%s/app.js", counter->folder);
    COUNTER_RUN(counter, deployed, "deploy", path);
    const struct counter_request *request = &counter->page->requests[0];
    assert_says(request->head, "Content-Type: text/javascript\r\n");
    assert_string_equal(request->body, "export default \"./none.js\";");
    remove_all(counter);
}

static void what_a_script_imports_goes_with_it(void **state)
{
    struct counter *counter = *state;
    char path[160];
    make(counter, "lib", NULL);
    make(counter, "app.js", "import { b } from './lib/b.js'; import '../outside.js';");
    make(counter, "lib/b.js", "import words from \"./../lib/words.json\"; import \"../app.js\";");
    make(counter, "lib/words.json", "{}");
    (void)snprintf(path, sizeof(path), "%s/app.js", counter->folder);
    COUNTER_RUN(counter, deployed, "deploy", path);
    const struct counter_request *request = &counter->page->requests[0];
    assert_says(request->head, "Content-Type: multipart/form-data; boundary=");
    assert_says(request->body, "name=\"app.js\"; filename=\"app.js\"\r\n\r\nimport { b }");
    assert_says(request->body, "name=\"lib/b.js\"");
    assert_says(request->body,
                "name=\"lib/words.json\"; filename=\"lib/words.json\"\r\n\r\n{}\r\n");
    assert_null(strstr(request->body, "outside.js\";\r\n\r\n"));
    char head[64];
    (void)snprintf(head, sizeof(head), "%.40s", request->body);
    COUNTER_RUN(counter, deployed, "deploy", path); /* the same upload, to the last byte */
    assert_int_equal(strncmp(counter->page->requests[0].body, head, 34), 0);
    remove_all(counter);
}

static void typescript_goes_through_esbuild(void **state)
{
    struct counter *counter = *state;
    make(counter, "function.yaml", "name: app\nmain: app.ts\n");
    make(counter, "app.ts", "export default 1 as number;");
    COUNTER_RUN_ALONE(counter, "deploy", counter->folder);
    assert_int_equal(counter->shown.exit_status, CLI_FAILED);
    assert_says(counter->shown.err, "esbuild app.ts --bundle --format=esm");
    make(counter, "function.yaml",
         "name: app\nmain: app.js\nbuild: echo 'export default 1' > app.js\n");
    COUNTER_RUN(counter, deployed, "deploy", counter->folder);
    assert_says(counter->page->requests[0].body, "\r\n\r\nexport default 1\n\r\n--");
    remove_all(counter);
}

UNIT
{
    const struct CMUnitTest tests[] = {
        TEST_COUNTER(a_script_alone_goes_as_it_is),
        TEST_COUNTER(what_a_script_imports_goes_with_it),
        TEST_COUNTER(typescript_goes_through_esbuild),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
