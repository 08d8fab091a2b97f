/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hosts' names in all forms that people write them.
 */
#include "deploy/manifest/host.h"
#include "engine/base/macros.h"
#include "tests/support/unit.h"

static void a_host_has_one_form(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *host; /* NULL: refused */
    } rows[] = {
        {"api.example.com", "api.example.com"},
        {"API.Example.COM.", "api.example.com"},
        {"*.Example.com.", "*.example.com"},
        {"b\xc3\xbc"
         "cher.example",
         "xn--bcher-kva.example"},
        {"B\xc3\x9c"
         "CHER.example.",
         "xn--bcher-kva.example"},
        {"*.b\xc3\xbc"
         "cher.example",
         "*.xn--bcher-kva.example"},
        {"xn--bcher-kva.example", "xn--bcher-kva.example"},
        {"fa\xc3\x9f.example", "xn--fa-hia.example"},
        {"_acme.example", "_acme.example"},
        {"one", "one"},
        {"", NULL},
        {".", NULL},
        {"..", NULL},
        {"a..b", NULL},
        {".a", NULL},
        {"a.b..", NULL},
        {"*", NULL},
        {"*.", NULL},
        {"*.com", NULL},
        {"*.com.", NULL},
        {"a.*.com", NULL},
        {"*.*.com", NULL},
        {"*a.com", NULL},
        {"-a.b", NULL},
        {"a-.b", NULL},
        {"a.b-", NULL},
        {"a b.c", NULL},
        {"a.b:80", NULL},
        {"a/b", NULL},
        {"127.0.0.1", NULL},
        {"1.2", NULL},
        {"[::1]", NULL},
        {"a\xff.example", NULL},
        {"\xe3\x80\x82", NULL},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        char host[DEPLOY_HOST_BYTES] = "untouched";
        bool taken = deploy_host_parse(bytes_of_text(rows[i].text), host);
        if (taken != (rows[i].host != NULL))
            fail_msg("`%s` was%s taken: %s", rows[i].text, taken ? "" : " not", host);
        assert_string_equal(host, taken ? rows[i].host : "untouched");
    }
}

static void a_host_is_as_long_as_names_may_be(void **state)
{
    (void)state;
    char text[300];
    char host[DEPLOY_HOST_BYTES];
    memset(text, 'a', sizeof(text));
    for (size_t i = 50; i < sizeof(text); i += 50)
        text[i] = '.';
    assert_true(deploy_host_parse(bytes_make(text, 253), host));
    assert_false(deploy_host_parse(bytes_make(text, 254), host));
    memcpy(text, "*.", 2);
    assert_true(deploy_host_parse(bytes_make(text, 253), host));
    assert_false(deploy_host_parse(bytes_make(text, 255), host));
    memset(text, 'a', sizeof(text));
    assert_false(deploy_host_parse(bytes_make("a.b\0c", 5), host));
    assert_true(deploy_host_parse(bytes_make(text, 63), host));
    assert_false(deploy_host_parse(bytes_make(text, 64), host));
}

static void a_star_stands_for_one_label(void **state)
{
    (void)state;
    char host[DEPLOY_HOST_BYTES];
    assert_true(deploy_host_widen(bytes_of_text("a.b.c"), host));
    assert_string_equal(host, "*.b.c");
    assert_true(deploy_host_widen(bytes_of_text("a.b"), host));
    assert_string_equal(host, "*.b");
    assert_false(deploy_host_widen(bytes_of_text("a"), host));
    assert_false(deploy_host_widen(bytes_of_text(""), host));
    assert_false(deploy_host_widen(bytes_of_text("a."), host));
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_host_has_one_form),
        cmocka_unit_test(a_host_is_as_long_as_names_may_be),
        cmocka_unit_test(a_star_stands_for_one_label),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
