/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From Host and path to tenant and function, one row a case.
 */
#include <stdio.h>

#include "server/request/names/route.h"
#include "tests/support/unit.h"

struct row {
    const char *authority;
    const char *path;
    enum route_result result;
    const char *tenant;
    const char *function;
    const char *matched;
    const char *rest;
    bool slash_missing;
};

#define FOUND(authority, path, tenant, function, matched, rest, slash)                             \
    {                                                                                              \
        authority, path, ROUTE_FOUND, tenant, function, matched, rest, slash                       \
    }
#define UNKNOWN(authority, path)                                                                   \
    {                                                                                              \
        authority, path, ROUTE_UNKNOWN_HOST, NULL, NULL, NULL, NULL, false                         \
    }

static const struct row rows[] = {
    FOUND("hello.default.localhost", "/world", "default", "hello", "", "/world", false),
    FOUND("hello.default.localhost:8080", "/", "default", "hello", "", "/", false),
    FOUND("HELLO.Default.LocalHost:8080", "/A", "default", "hello", "", "/A", false),
    FOUND("hello.default.localhost.", "/", "default", "hello", "", "/", false),
    FOUND("hello.default.localhost.:80", "/", "default", "hello", "", "/", false),
    FOUND("hello.default.localhost", "/f/a/b/c", "default", "hello", "", "/f/a/b/c", false),
    FOUND("127.0.0.1:8080", "/f/default/hello", "default", "hello", "/f/default/hello", "", true),
    FOUND(
        "127.0.0.1:8080", "/f/default/hello/", "default", "hello", "/f/default/hello", "/", false),
    FOUND(
        "x", "/f/default/hello/a/b?c=d", "default", "hello", "/f/default/hello", "/a/b?c=d", false),
    FOUND("x", "/f/default/hello?c=/d", "default", "hello", "/f/default/hello", "?c=/d", true),
    FOUND("", "/f/a/b", "a", "b", "/f/a/b", "", true),
    FOUND("localhost", "/f/a/b", "a", "b", "/f/a/b", "", true),
    FOUND("default.localhost", "/f/a/b", "a", "b", "/f/a/b", "", true),
    FOUND("a.b.c.localhost", "/f/a/b", "a", "b", "/f/a/b", "", true),
    UNKNOWN("localhost", "/"),
    UNKNOWN("default.localhost", "/"),
    UNKNOWN(".default.localhost", "/"),
    UNKNOWN("hello..localhost", "/"),
    UNKNOWN("a.b.c.localhost", "/"),
    UNKNOWN("hello.defaultlocalhost", "/"),
    UNKNOWN("hello.default.remotehost", "/"),
    UNKNOWN("hello.default.localhoss", "/"),
    UNKNOWN("hello.default.localhost.evil", "/"),
    FOUND("hello.default.localhost:", "/f", "default", "hello", "", "/f", false),
    UNKNOWN("127.0.0.1", "/f/"),
    UNKNOWN("127.0.0.1", "/f/a"),
    UNKNOWN("127.0.0.1", "/f/a/"),
    UNKNOWN("127.0.0.1", "/f//b"),
    UNKNOWN("127.0.0.1", "/f/a?x/b"),
    UNKNOWN("127.0.0.1", "/F/a/b"),
    UNKNOWN("127.0.0.1", "/"),
    {"hello.default.localhost", "", ROUTE_BAD_PATH, NULL, NULL, NULL, NULL, false},
    {"hello.default.localhost", "*", ROUTE_SERVER, NULL, NULL, NULL, NULL, false},
    {"hello.default.localhost", "*/", ROUTE_BAD_PATH, NULL, NULL, NULL, NULL, false},
    {"hello.default.localhost", "f/a/b", ROUTE_BAD_PATH, NULL, NULL, NULL, NULL, false},
};

static enum route_result parse(const char *authority, const char *path, struct route_target *target)
{
    return route_parse(bytes_of_text(authority), bytes_of_text(path), bytes_of_text("localhost"),
                       target);
}

static void every_form_of_address_finds_its_function_or_nothing(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const struct row *row = &rows[i];
        struct route_target target;
        enum route_result result = parse(row->authority, row->path, &target);
        print_message("%s %s\n", row->authority, row->path);
        assert_int_equal(result, row->result);
        if (result != ROUTE_FOUND)
            continue;
        assert_string_equal(target.tenant.text, row->tenant);
        assert_string_equal(target.function.text, row->function);
        assert_true(bytes_equal_text(target.matched, row->matched));
        assert_true(bytes_equal_text(target.rest, row->rest));
        assert_int_equal(target.slash_missing, row->slash_missing);
    }
}

static void labels_longer_than_a_name_can_be_are_no_names(void **state)
{
    (void)state;
    char label[ROUTE_LABEL_BYTES + 1];
    char host[256];
    struct route_target target;
    for (int length = ROUTE_LABEL_BYTES - 1; length <= ROUTE_LABEL_BYTES; length++) {
        memset(label, 'a', (size_t)length);
        label[length] = '\0';
        enum route_result want = length < ROUTE_LABEL_BYTES ? ROUTE_FOUND : ROUTE_UNKNOWN_HOST;
        (void)snprintf(host, sizeof(host), "%s.t.localhost", label);
        assert_int_equal(parse(host, "/", &target), want);
        (void)snprintf(host, sizeof(host), "f.%s.localhost", label);
        assert_int_equal(parse(host, "/", &target), want);
        (void)snprintf(host, sizeof(host), "/f/t/%s/", label);
        assert_int_equal(parse("x", host, &target), want);
    }
}

static void an_absolute_form_counts_as_its_path_and_its_host(void **state)
{
    (void)state;
    static const char *const forms[][3] = {
        {"http://a.b.localhost/x?y", "/x?y", "a.b.localhost"},
        {"HTTPS://a.b.localhost:8080/", "/", "a.b.localhost:8080"},
        {"http://a.b.localhost", "/", "a.b.localhost"},
        {"http://a.b.localhost?y", "?y", "a.b.localhost"},
        {"http://", "/", ""},
        {"http:/x", "http:/x", "host"},
        {"/http://x/", "/http://x/", "host"},
        {"*", "*", "host"},
        {"", "", "host"},
    };
    for (size_t i = 0; i < COUNT_OF(forms); i++) {
        struct bytes path = bytes_of_text(forms[i][0]);
        struct bytes authority = bytes_of_text("host");
        route_take_absolute_form(&path, &authority);
        assert_true(bytes_equal_text(path, forms[i][1]));
        assert_true(bytes_equal_text(authority, forms[i][2]));
    }
}

static void what_stands_behind_a_path_is_not_read(void **state)
{
    (void)state;
    static const char text[] = "http://a.b.localhost/";
    for (size_t count = 0; count < sizeof("http://") - 1; count++) {
        struct bytes path = bytes_make(text, count);
        struct bytes authority = bytes_of_text("host");
        route_take_absolute_form(&path, &authority);
        assert_int_equal(path.count, count);
        assert_true(bytes_equal_text(authority, "host"));
    }
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_form_of_address_finds_its_function_or_nothing),
        cmocka_unit_test(labels_longer_than_a_name_can_be_are_no_names),
        cmocka_unit_test(an_absolute_form_counts_as_its_path_and_its_host),
        cmocka_unit_test(what_stands_behind_a_path_is_not_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
