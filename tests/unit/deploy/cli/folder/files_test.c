/* SPDX-License-Identifier: Apache-2.0 */
/*
 * deploy FOLDER with files: which of them are taken, and which are sent.
 */
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "deploy/cli/folder/files.h"
#include "tests/unit/deploy/cli/counter.h"

#define ONE "7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed" /* "one" */

static void patterns_match_whole_names(void **state)
{
    (void)state;
    static const struct {
        const char *pattern;
        const char *name;
        bool matches;
    } rows[] = {
        {"a", "a", true},           {"a", "b", false},
        {"a", "a/b", false},        {"*", "a", true},
        {"*", ".a", false},         {".*", ".a", true},
        {"*", "a/b", false},        {"*/b", "a/b", true},
        {"**", "a", true},          {"**", "a/b/c", true},
        {"a/**", "a/b/c", true},    {"a/**", "a", false},
        {"a/**", "b/c", false},     {"**/c", "c", true},
        {"**/c", "a/b/c", true},    {"**/c", "a/b/d", false},
        {"a/**/c", "a/c", true},    {"a/**/c", "a/x/y/c", true},
        {"a/**/c", "a/x/y", false}, {"**/b/*.x", "b/b/c.x", true},
        {"**", ".git/x", false},    {"**", "a/.b", false},
        {"**/.b", "a/.b", true},    {".git/**", ".git/x", true},
        {"*.html", "a.html", true}, {"[ab]?", "bc", true},
        {"a/b", "a", false},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        if (cli_files_match(rows[i].pattern, rows[i].name) != rows[i].matches)
            fail_msg("%s %s", rows[i].pattern, rows[i].name);
    }
}

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
    static const char *const names[] = {"pages/one.html", "pages/link", "pages", "function.yaml"};
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        char path[160];
        (void)snprintf(path, sizeof(path), "%s/%s", counter->folder, names[i]);
        (void)remove(path);
    }
}

static void what_the_server_lacks_goes_before_the_version(void **state)
{
    struct counter *counter = *state;
    static const struct counter_answer answers[] = {
        {200, "{\"missing\":[\"" ONE "\"]}"},
        {201, "{}"},
        {201, "{\"function\":\"api\",\"version\":\"v1\",\"kind\":\"wagi\",\"active\":true}"}};
    make(counter, "function.yaml", "name: api\nmain: hello.wasm\nfiles: [pages/**]\n");
    make(counter, "pages", NULL);
    make(counter, "pages/one.html", "one");
    COUNTER_RUN(counter, answers, "deploy", counter->folder);
    assert_string_equal(counter->shown.err, "");
    counter_assert_asked(counter, 0, "POST /v1/tenants/default/blobs/missing");
    assert_string_equal(counter->page->requests[0].body, "{\"sha256\":[\"" ONE "\"]}");
    counter_assert_asked(counter, 1, "PUT /v1/tenants/default/blobs/" ONE);
    assert_string_equal(counter->page->requests[1].body, "one");
    counter_assert_asked(counter, 2, "PUT /v1/tenants/default/functions/api?activate=1&dry_run=0");
    assert_says(counter->page->requests[2].body,
                "Content-Type: application/vnd.skerry.files+json\r\n\r\n{\"files\":[{\"name\":"
                "\"pages/one.html\",\"sha256\":\"" ONE "\",\"size\":3}],\"assets\":[]}\r\n--");
    remove_all(counter);
}

static void what_cannot_be_sent_is_told_before_anything_is(void **state)
{
    struct counter *counter = *state;
    char path[160];
    make(counter, "function.yaml", "name: api\nmain: hello.wasm\nfiles: [pages/**]\n");
    COUNTER_RUN_ALONE(counter, "deploy", counter->folder);
    assert_int_equal(counter->shown.exit_status, CLI_MANIFEST);
    assert_says(counter->shown.err, "files: no file in ");
    assert_says(counter->shown.err, " matches `pages/**`");
    make(counter, "pages", NULL);
    (void)snprintf(path, sizeof(path), "%s/pages/link", counter->folder);
    assert_int_equal(symlink("/etc/passwd", path), 0);
    COUNTER_RUN_ALONE(counter, "deploy", counter->folder);
    assert_int_equal(counter->shown.exit_status, CLI_MANIFEST);
    assert_says(counter->shown.err, "pages/link is no plain file");
    remove_all(counter);
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(patterns_match_whole_names),
        TEST_COUNTER(what_the_server_lacks_goes_before_the_version),
        TEST_COUNTER(what_cannot_be_sent_is_told_before_anything_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
