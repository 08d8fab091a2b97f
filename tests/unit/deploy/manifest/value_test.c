/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Values one by one: many forms that are taken, and many that are not.
 */
#include "deploy/manifest/value.h"
#include "tests/support/unit.h"

/* The canonical form; NULL if it is refused. */
static const char *take(const char *section, const char *key, const char *text)
{
    static struct arena arena;
    struct bytes value;
    const struct manifest_row *row = manifest_find(section, key);
    assert_non_null(row);
    arena_done(&arena);
    arena_init(&arena, 65536);
    struct report report = REPORT_INIT;
    if (manifest_value_text(row, row->type, bytes_of_text(text), &arena, &report, &value) !=
        STATUS_OK) {
        assert_int_equal(report.status, STATUS_CONFIG);
        assert_true(report.text[0] != '\0');
        return NULL;
    }
    assert_int_equal(strlen((const char *)value.data), value.count);
    return (const char *)value.data;
}

struct pair {
    const char *text;
    const char *canonical; /* NULL: refused */
};

static void take_all(const char *section, const char *key, const struct pair *pairs, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const char *taken = take(section, key, pairs[i].text);
        if ((taken == NULL) != (pairs[i].canonical == NULL) ||
            (taken != NULL && strcmp(taken, pairs[i].canonical) != 0))
            fail_msg("`%s` became %s", pairs[i].text, taken == NULL ? "nothing" : taken);
    }
}

static void arguments_are_on_one_line(void **state)
{
    (void)state;
    static const struct pair pairs[] = {
        {"/app.py", "/app.py"}, {"-x y", "-x y"}, {"", NULL}, {"a\nb", NULL}, {"a\tb", NULL},
    };
    take_all("", "arguments", pairs, COUNT_OF(pairs));
}

static void origins_have_one_form(void **state)
{
    (void)state;
    static const struct pair pairs[] = {
        {"https://api.example.com", "https://api.example.com"},
        {"HTTPS://API.Example.COM:443", "https://api.example.com"},
        {"http://a:80", "http://a"},
        {"http://a:443", "http://a:443"},
        {"https://a:80", "https://a:80"},
        {"http://10.0.0.1:8080", "http://10.0.0.1:8080"},
        {"http://[::1]", "http://[::1]"},
        {"http://[::1]:80", "http://[::1]"},
        {"http://[2001:DB8::1]:65535", "http://[2001:db8::1]:65535"},
        {"", NULL},
        {"https://", NULL},
        {"https://a/", NULL},
        {"https://a?x", NULL},
        {"https://u@a", NULL},
        {"https://a:", NULL},
        {"https://a:0", NULL},
        {"https://a:080", NULL},
        {"https://a:65536", NULL},
        {"https://a:99999", NULL},
        {"https://a:8a", NULL},
        {"https://a b", NULL},
        {"https://a..b", NULL},
        {"https://*.a", NULL},
        {"https://10.0.0.256", NULL},
        {"https://2130706433", NULL},
        {"https://0x7f.1", NULL},
        {"http://[::1", NULL},
        {"http://::1", NULL},
        {"http://[fe80::1%25eth0]", NULL},
        {"gopher://a", NULL},
        {"//a", NULL},
    };
    take_all("", "origin", pairs, COUNT_OF(pairs));
    static const struct pair rules[] = {
        {"https://*.Example.com:443", "https://*.example.com"},
        {"https://*", "https://*"},
        {"http://*.a:8080", "http://*.a:8080"},
        {"http://10.0.0.7:8080", "http://10.0.0.7:8080"},
        {"https://a*.b", NULL},
        {"https://a.b/c", NULL},
        {"*", NULL},
    };
    take_all("", "outbound", rules, COUNT_OF(rules));
}

static void hosts_are_names(void **state)
{
    (void)state;
    char label[65];
    memset(label, 'a', 64);
    label[64] = '\0';
    static const struct pair pairs[] = {
        {"api.example.com", "api.example.com"},
        {"API.Example.com", "api.example.com"},
        {"a_b.c-d.e1", "a_b.c-d.e1"},
        {"localhost", "localhost"},
        {"1a.b", "1a.b"},
        {"a.b:80", NULL},
        {"a.b.", "a.b"},
        {"*.a.b", "*.a.b"},
        {".a", NULL},
        {"-a.b", NULL},
        {"a-.b", NULL},
        {"a.b-", NULL},
        {"127.0.0.1", NULL},
        {"127.1", NULL},
        {"a.1", NULL},
        {"[::1]", NULL},
        {"a b", NULL},
        {"\xc3\xa4.de", "xn--4ca.de"},
        {"*.b", NULL},
        {"a/b", NULL},
    };
    take_all("routes", "host", pairs, COUNT_OF(pairs));
    assert_null(take("routes", "host", label));
    assert_non_null(take("routes", "host", label + 1));
}

static void prefixes_are_whole_segments(void **state)
{
    (void)state;
    static const struct pair pairs[] = {
        {"/", ""},
        {"/*", ""},
        {"/v1", "/v1"},
        {"/v1/", "/v1"},
        {"/v1/*", "/v1"},
        {"/a/b%20c", "/a/b%20c"},
        {"/~x/@y:z", "/~x/@y:z"},
        {"v1", NULL},
        {"/v1*", NULL},
        {"/*/a", NULL},
        {"//", NULL},
        {"/a//b", NULL},
        {"/a/../b", NULL},
        {"/./a", NULL},
        {"/a?b", NULL},
        {"/a#b", NULL},
        {"/a b", NULL},
        {"/\xc3\xa4", NULL},
        {"/a\\b", NULL},
        {"/a/**", NULL},
    };
    take_all("routes", "path", pairs, COUNT_OF(pairs));
    /* 256 bytes as it is kept, with the star. */
    char longest[256];
    memset(longest, 'a', sizeof(longest));
    longest[0] = '/';
    longest[255] = '\0';
    assert_null(take("routes", "path", longest));
    longest[254] = '\0';
    assert_non_null(take("routes", "path", longest));
}

static void files_stay_below_their_folder(void **state)
{
    (void)state;
    static const struct pair pairs[] = {
        {"a.wasm", "a.wasm"}, {"build/a b.wasm", "build/a b.wasm"},
        {"/a", NULL},         {"../a", NULL},
        {"a/../../b", NULL},  {"a//b", NULL},
        {"./a", NULL},        {"a/", NULL},
        {"a\nb", NULL},
    };
    take_all("", "main", pairs, COUNT_OF(pairs));
}

static void variables_have_plain_names_and_bounded_values(void **state)
{
    (void)state;
    char value[DEPLOY_VARIABLE_VALUE_BYTES_MAX + 1];
    memset(value, 'x', sizeof(value));
    struct bytes most = bytes_make(value, sizeof(value) - 1);
    assert_int_equal(deploy_variable_check(bytes_of_text("_a9"), most, NULL), STATUS_OK);
    assert_int_equal(deploy_variable_check(bytes_of_text("A"), bytes_make(NULL, 0), NULL),
                     STATUS_OK);
    assert_int_equal(
        deploy_variable_check(bytes_of_text("A"), bytes_make(value, sizeof(value)), NULL),
        STATUS_CONFIG);
    assert_int_equal(deploy_variable_check(bytes_of_text("A"), bytes_make("\0", 1), NULL),
                     STATUS_CONFIG);
    static const char *const names[] = {"", "9", "a-b", "a=b", "a b", "\xc3\xa4"};
    for (size_t i = 0; i < COUNT_OF(names); i++)
        assert_false(deploy_variable_name_valid(bytes_of_text(names[i])));
    assert_true(deploy_variable_name_valid(bytes_make(value, DEPLOY_VARIABLE_NAME_BYTES_MAX)));
    assert_false(deploy_variable_name_valid(bytes_make(value, DEPLOY_VARIABLE_NAME_BYTES_MAX + 1)));
}

static void routes_meet_in_a_method(void **state)
{
    (void)state;
    const struct deploy_route all = {.host = bytes_of_text("a"), .path = bytes_of_text("/x")};
    struct deploy_route other = all;
    assert_true(manifest_routes_meet(&all, &other));
    other.methods = DEPLOY_METHOD_GET;
    assert_true(manifest_routes_meet(&all, &other));
    struct deploy_route put = all;
    put.methods = DEPLOY_METHOD_PUT | DEPLOY_METHOD_POST;
    assert_false(manifest_routes_meet(&put, &other));
    other.path = bytes_of_text("/x/y");
    assert_false(manifest_routes_meet(&all, &other));
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arguments_are_on_one_line),
        cmocka_unit_test(origins_have_one_form),
        cmocka_unit_test(hosts_are_names),
        cmocka_unit_test(prefixes_are_whole_segments),
        cmocka_unit_test(files_stay_below_their_folder),
        cmocka_unit_test(variables_have_plain_names_and_bounded_values),
        cmocka_unit_test(routes_meet_in_a_method),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
