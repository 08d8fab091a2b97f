/* SPDX-License-Identifier: Apache-2.0 */
/*
 * deploy FOLDER with assets: which files go, what becomes of the two that hold rules, and what is
 * wrong with either told before anything is sent.
 */
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "deploy/cli/folder/files.h"
#include "tests/unit/deploy/cli/counter.h"

#define ONE "7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed" /* "one" */

static const char *const made[] = {
    "public/.well-known/one", "public/.well-known", "public/.git", "public/index.html",
    "public/_headers",        "public/_redirects",  "public",      "function.yaml"};

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

static void a_folder_of_files_is_a_function(void **state)
{
    struct counter *counter = *state;
    static const struct counter_answer answers[] = {
        {200, "{\"missing\":[]}"},
        {201, "{\"function\":\"site\",\"version\":\"v1\",\"kind\":\"assets\",\"active\":true}"}};
    make(counter, "function.yaml", "name: site\nassets: { dir: public, fallback: index.html }\n");
    make(counter, "public", NULL);
    make(counter, "public/index.html", "one");
    make(counter, "public/.git", "one");
    make(counter, "public/.well-known", NULL);
    make(counter, "public/.well-known/one", "one");
    make(counter, "public/_headers", "/*\n  X-A: 1\n");
    make(counter, "public/_redirects", "/a /b\n");
    COUNTER_RUN(counter, answers, "deploy", counter->folder);
    assert_string_equal(counter->shown.err, "");
    assert_says(counter->shown.out, "deployed site v1 (assets, 2 files) in");
    const char *body = counter->page->requests[1].body;
    assert_says(body, "\"headers\":[\"/* X-A: 1\"],\"redirects\":[\"/a /b\"]");
    assert_says(body,
                "{\"files\":[],\"assets\":[{\"name\":\".well-known/one\",\"sha256\":\"" ONE
                "\",\"size\":3},{\"name\":\"index.html\",\"sha256\":\"" ONE "\",\"size\":3}]}");
    assert_null(strstr(body, "application/wasm"));
    assert_null(strstr(body, ".git"));
    remove_all(counter);
}

static void what_is_wrong_is_told_with_its_line(void **state)
{
    struct counter *counter = *state;
    make(counter, "function.yaml", "name: site\nassets: { dir: public, fallback: app.html }\n");
    make(counter, "public", NULL);
    make(counter, "public/index.html", "one");
    COUNTER_RUN_ALONE(counter, "deploy", counter->folder);
    assert_int_equal(counter->shown.exit_status, CLI_MANIFEST);
    assert_says(counter->shown.err, "assets.fallback: there is no app.html in ");
    make(counter, "public/_redirects", "/a /b\n\n/c /d 404\n");
    COUNTER_RUN_ALONE(counter, "deploy", counter->folder);
    assert_int_equal(counter->shown.exit_status, CLI_MANIFEST);
    assert_says(counter->shown.err, "public/_redirects:3: the rule has a status");
    make(counter, "public/_headers", "  X-A: 1\n");
    COUNTER_RUN_ALONE(counter, "deploy", counter->folder);
    assert_says(counter->shown.err, "public/_headers:1: the rule has no path above it");
    remove_all(counter);
}

UNIT
{
    const struct CMUnitTest tests[] = {
        TEST_COUNTER(a_folder_of_files_is_a_function),
        TEST_COUNTER(what_is_wrong_is_told_with_its_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
