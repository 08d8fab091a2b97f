/* SPDX-License-Identifier: Apache-2.0 */
/*
 * deploy FOLDER: function.yaml and its module.
 */
#include <stdio.h>

#include "deploy/cli/cli.h"
#include "tests/unit/deploy/cli/counter.h"

static const struct counter_answer deployed[] = {
    {200, "{\"function\":\"api\",\"version\":\"v1\",\"kind\":\"wagi\",\"active\":true}"}};

static void write_manifest(const struct counter *counter, const char *text)
{
    char path[128];
    (void)snprintf(path, sizeof(path), "%s/function.yaml", counter->folder);
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void remove_manifest(const struct counter *counter)
{
    char path[128];
    (void)snprintf(path, sizeof(path), "%s/function.yaml", counter->folder);
    assert_int_equal(remove(path), 0);
}

static void a_folder_goes_as_manifest_and_module(void **state)
{
    struct counter *counter = *state;
    char path[160];
    write_manifest(counter, "name: api\nmain: hello.wasm\nenv: {A: 1}\n");
    const char *const places[] = {"", "/", "/function.yaml"};
    for (size_t i = 0; i < COUNT_OF(places); i++) {
        (void)snprintf(path, sizeof(path), "%s%s", counter->folder, places[i]);
        COUNTER_RUN(counter, deployed, "deploy", path);
        assert_string_equal(counter->shown.err, "");
        const struct counter_request *request = &counter->page->requests[0];
        counter_assert_asked(counter, 0,
                             "PUT /v1/tenants/default/functions/api?activate=1&dry_run=0");
        assert_says(request->head, "Content-Type: multipart/related; boundary=");
        assert_says(request->body, "\r\n\r\n{\"name\":\"api\",\"main\":\"hello.wasm\",\"env\":"
                                   "{\"A\":\"1\"}}\r\n--");
        assert_says(request->body, "Content-Type: application/wasm\r\n\r\nmodule\r\n--");
    }
    remove_manifest(counter);
}

static void a_flag_names_it_otherwise(void **state)
{
    struct counter *counter = *state;
    write_manifest(counter, "name: api\nmain: hello.wasm\n");
    COUNTER_RUN(counter, deployed, "deploy", counter->folder, "-n", "other");
    counter_assert_asked(counter, 0,
                         "PUT /v1/tenants/default/functions/other?activate=1&dry_run=0");
    assert_says(counter->page->requests[0].body, "{\"name\":\"other\"");
    remove_manifest(counter);
}

static void what_is_wrong_is_told_before_anything_is_sent(void **state)
{
    struct counter *counter = *state;
    static const struct {
        const char *manifest;
        int exit_status;
        const char *part;
    } rows[] = {
        {"nmae: x\n", CLI_MANIFEST, "function.yaml:1:1: unknown key `nmae`; did you mean `name`?"},
        {"name: x\n", CLI_MANIFEST,
         "function.yaml: it names no module and no assets: add `main: FILE.wasm`"},
        {"main: hello.wasm\n", CLI_USAGE, "function.yaml names no function"},
        {"name: x\nmain: none.wasm\n", CLI_NOT_FOUND, "/none.wasm: No such file"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        write_manifest(counter, rows[i].manifest);
        COUNTER_RUN_ALONE(counter, "deploy", counter->folder);
        assert_int_equal(counter->shown.exit_status, rows[i].exit_status);
        assert_says(counter->shown.err, rows[i].part);
    }
    remove_manifest(counter);
    COUNTER_RUN_ALONE(counter, "deploy", counter->folder);
    assert_int_equal(counter->shown.exit_status, CLI_NOT_FOUND);
    assert_says(counter->shown.err, "/function.yaml: No such file");
}

static void a_manifest_that_the_server_refuses_is_one_too(void **state)
{
    struct counter *counter = *state;
    static const struct counter_answer refused[] = {
        {422, "{\"code\":\"manifest\",\"detail\":\"limits.fuel: too much\"}"}};
    write_manifest(counter, "name: api\nmain: hello.wasm\n");
    COUNTER_RUN(counter, refused, "deploy", counter->folder);
    assert_int_equal(counter->shown.exit_status, CLI_MANIFEST);
    remove_manifest(counter);
}

UNIT
{
    const struct CMUnitTest tests[] = {
        TEST_COUNTER(a_folder_goes_as_manifest_and_module),
        TEST_COUNTER(a_flag_names_it_otherwise),
        TEST_COUNTER(what_is_wrong_is_told_before_anything_is_sent),
        TEST_COUNTER(a_manifest_that_the_server_refuses_is_one_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
