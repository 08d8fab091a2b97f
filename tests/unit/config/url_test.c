/* SPDX-License-Identifier: Apache-2.0 */
/*
 * URLs: one reading of each, and none of what two parsers could read differently.
 */
#include "config/url.h"
#include "tests/support/unit.h"

#define ANY_LONG_LABEL "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" /* 64 */

static void a_url_is_taken_apart_and_put_together(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *printed;
        enum config_url_host kind;
        uint16_t port;
    } rows[] = {
        {"http://example.com", "http://example.com/", CONFIG_URL_HOST_NAME, 80},
        {"HTTPS://API.Example.COM/A/b?C=d#e", "https://api.example.com/A/b?C=d",
         CONFIG_URL_HOST_NAME, 443},
        {"https://example.com:443/", "https://example.com/", CONFIG_URL_HOST_NAME, 443},
        {"http://example.com:443/", "http://example.com:443/", CONFIG_URL_HOST_NAME, 443},
        {"http://example.com?a=b", "http://example.com/?a=b", CONFIG_URL_HOST_NAME, 80},
        {"http://example.com#x", "http://example.com/", CONFIG_URL_HOST_NAME, 80},
        {"http://127.0.0.1:8080/x", "http://127.0.0.1:8080/x", CONFIG_URL_HOST_V4, 8080},
        {"http://[::1]:81/", "http://[::1]:81/", CONFIG_URL_HOST_V6, 81},
        {"http://[0:0:0:0:0:0:0:1]", "http://[::1]/", CONFIG_URL_HOST_V6, 80},
        {"http://[2001:DB8::1]/", "http://[2001:db8::1]/", CONFIG_URL_HOST_V6, 80},
        {"http://[::ffff:7f00:1]/", "http://[::ffff:127.0.0.1]/", CONFIG_URL_HOST_V6, 80},
        {"http://a_b.c-d.xn--p1ai/%41?q=[1]|2", "http://a_b.c-d.xn--p1ai/%41?q=[1]|2",
         CONFIG_URL_HOST_NAME, 80},
        {"http://1.2.3.4.example/", "http://1.2.3.4.example/", CONFIG_URL_HOST_NAME, 80},
        {"http://0x7f.1x/", "http://0x7f.1x/", CONFIG_URL_HOST_NAME, 80},
        {"http://h/a/../b/./c", "http://h/a/../b/./c", CONFIG_URL_HOST_NAME, 80},
        {"http://h//evil.example/", "http://h//evil.example/", CONFIG_URL_HOST_NAME, 80},
        {"http://h/@evil.example", "http://h/@evil.example", CONFIG_URL_HOST_NAME, 80},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct config_url url;
        struct config_url again;
        struct buffer out;
        buffer_init(&out, CONFIG_URL_BYTES_MAX);
        assert_int_equal(config_url_parse(bytes_of_text(rows[i].text), NULL, &url), STATUS_OK);
        assert_int_equal(url.kind, rows[i].kind);
        assert_int_equal(url.port, rows[i].port);
        assert_int_equal(config_url_print(&url, &out), STATUS_OK);
        assert_true(bytes_equal_text(buffer_bytes(&out), rows[i].printed));
        assert_int_equal(config_url_parse(buffer_bytes(&out), NULL, &again), STATUS_OK);
        assert_true(config_url_same_origin(&url, &again));
        buffer_done(&out);
    }
}

static const char *const no_urls[] = {
    /* schemes */
    "",
    "http",
    "http:",
    "http:/example.com",
    "http:example.com",
    "//example.com",
    "ftp://example.com",
    "file:///etc/passwd",
    "gopher://127.0.0.1:25/",
    "javascript:1",
    " http://example.com",
    "http ://example.com",
    "httpss://example.com",
    "/path",
    "http://",
    "https:///path",
    "http://?x",
    "http://#x",
    /* who is the host? */
    "http://user@example.com/",
    "http://user:pass@127.0.0.1/",
    "http://example.com@127.0.0.1/",
    "http://@example.com/",
    "http://a:80@b/",
    "http://example.com\\@127.0.0.1/",
    "http://127.0.0.1\\.example.com/",
    "http:\\\\example.com/",
    "http://example.com\\x",
    "http://exa mple.com/",
    "http://example.com\t/",
    "http://exam\nple.com/",
    "http://a%2eb/",
    "http://127.0.0.1%2f.example.com/",
    "http://%31%32%37.0.0.1/",
    "http://ex\xc3\xa4mple.com/",
    "http://\xe2\x91\xa0\xe2\x91\xa1\xe2\x91\xa7.0.0.1/",
    "http://127\xe3\x80\x82"
    "0.0.1/",
    "http://example.com,evil.example/",
    "http://example.com;x/",
    "http://a!b/",
    "http://<a>/",
    "http://a..b/",
    "http://.a/",
    "http://a./",
    "http://example.com./",
    "http://127.0.0.1./",
    "http://./",
    "http://-a.example/",
    "http://a-.example/",
    "http://" ANY_LONG_LABEL "/",
    /* numbers that other parsers take for addresses */
    "http://0x7f.1/",
    "http://0x7f000001/",
    "http://017700000001/",
    "http://2130706433/",
    "http://127.1/",
    "http://127.0.1/",
    "http://0177.0.0.1/",
    "http://0x7f.0.0.1/",
    "http://127.0.0.01/",
    "http://127.0.0.0x1/",
    "http://0/",
    "http://0.0/",
    "http://256.1.1.1/",
    "http://1.2.3.4.5/",
    "http://127.0.0.1.2/",
    "http://4294967296/",
    "http://0x/",
    "http://a.0x7f/",
    "http://a.1/",
    "http://00000000177.0.0.1/",
    "http://127.0.0.256/",
    "http://+127.0.0.1/",
    "http://127.0.0.1 /",
    /* IPv6 */
    "http://::1/",
    "http://[::1/",
    "http://[]/",
    "http://[::1]a/",
    "http://[::1]80/",
    "http://[fe80::1%25eth0]/",
    "http://[fe80::1%eth0]/",
    "http://[::1%0]/",
    "http://[v1.x]/",
    "http://[127.0.0.1]/",
    "http://[::127.1]/",
    "http://[1:2:3:4:5:6:7:8:9]/",
    "http://[::1]]/",
    "http://[[::1]]/",
    "http://[:]/",
    "http://[::ffff:0x7f.0.0.1]/",
    "http://[example.com]/",
    /* ports */
    "http://a:/",
    "http://a:0/",
    "http://a:65536/",
    "http://a:99999/",
    "http://a:080/",
    "http://a:-1/",
    "http://a:8 0/",
    "http://a:80x/",
    "http://a:80:81/",
    "http://a:1e3/",
    "http://a:000080/",
    "http://a: 80/",
    "http://[::1]:/",
    "http://[::1]:0/",
    /* the rest */
    "http://a/ b",
    "http://a/\x7f",
    "http://a/\xff",
    "http://a/%",
    "http://a/%4",
    "http://a/%zz",
    "http://a/\r\nX: y",
    "http://a/\"",
    "http://a/<",
    "http://a/`",
    "http://a/{",
    "http://a/^",
    "http://a/#\n",
};

static void what_could_be_read_in_two_ways_is_no_url(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(no_urls); i++) {
        struct config_url url;
        struct report report = REPORT_INIT;
        if (config_url_parse(bytes_of_text(no_urls[i]), &report, &url) != STATUS_INVALID)
            fail_msg("taken for a URL: %s", no_urls[i]);
        assert_true(report.text[0] != '\0');
    }
    struct config_url url;
    assert_int_equal(config_url_parse(bytes_make("http://a\0b/", 11), NULL, &url), STATUS_INVALID);
    assert_int_equal(config_url_parse(bytes_make("http://a/\0", 10), NULL, &url), STATUS_INVALID);
    assert_int_equal(config_url_parse(bytes_make("http://[::1\0]/", 14), NULL, &url),
                     STATUS_INVALID);
}

static void a_reference_means_what_rfc_3986_says(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        /* of RFC 3986 5.4, with http://a/b/c/d;p?q as the base */
        {"g", "http://a/b/c/g"},
        {"./g", "http://a/b/c/g"},
        {"g/", "http://a/b/c/g/"},
        {"/g", "http://a/g"},
        {"//g", "http://g"},
        {"?y", "http://a/b/c/d;p?y"},
        {"g?y", "http://a/b/c/g?y"},
        {"#s", "http://a/b/c/d;p?q"},
        {"", "http://a/b/c/d;p?q"},
        {";x", "http://a/b/c/;x"},
        {".", "http://a/b/c/"},
        {"./", "http://a/b/c/"},
        {"..", "http://a/b/"},
        {"../g", "http://a/b/g"},
        {"../..", "http://a/"},
        {"../../../g", "http://a/g"},
        {"g.", "http://a/b/c/g."},
        {"..g", "http://a/b/c/..g"},
        {"./../g", "http://a/b/g"},
        {"g/./h", "http://a/b/c/g/h"},
        {"g;x=1/../y", "http://a/b/c/y"},
        {"g?y/../x", "http://a/b/c/g?y/../x"},
        {"https://other/x", "https://other/x"},
        {"mailto:a", "mailto:a"},
        {"a/b:c", "http://a/b/c/a/b:c"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct config_url base;
        struct buffer out;
        buffer_init(&out, CONFIG_URL_BYTES_MAX);
        assert_int_equal(config_url_parse(bytes_of_text("http://a/b/c/d;p?q"), NULL, &base),
                         STATUS_OK);
        assert_int_equal(config_url_resolve(&base, bytes_of_text(rows[i][0]), &out), STATUS_OK);
        if (!bytes_equal_text(buffer_bytes(&out), rows[i][1]))
            fail_msg("%s: %.*s", rows[i][0], (int)out.count, (const char *)out.data);
        buffer_done(&out);
    }
}

static bool matches(const char *rule_text, const char *url_text)
{
    struct config_url_rule rule;
    struct config_url url;
    assert_int_equal(config_url_rule_parse(bytes_of_text(rule_text), NULL, &rule), STATUS_OK);
    assert_int_equal(config_url_parse(bytes_of_text(url_text), NULL, &url), STATUS_OK);
    return config_url_rule_matches(&rule, &url);
}

static void a_rule_allows_its_origin_and_nothing_else(void **state)
{
    (void)state;
    assert_true(matches("https://api.example.com", "https://api.example.com/v1?x"));
    assert_true(matches("https://API.example.com/", "https://api.example.com:443/"));
    assert_true(matches("http://a:8080", "http://a:8080/"));
    assert_true(matches("http://10.0.0.7:8080", "http://10.0.0.7:8080/"));
    assert_true(matches("http://[::1]", "http://[0::1]/"));
    assert_false(matches("https://api.example.com", "http://api.example.com/"));
    assert_false(matches("https://api.example.com", "https://api.example.com:8443/"));
    assert_false(matches("https://api.example.com", "https://xapi.example.com/"));
    assert_false(matches("https://api.example.com", "https://api.example.com.evil.example/"));
    assert_false(matches("https://example.com", "https://api.example.com/"));
    assert_true(matches("https://*.example.com", "https://a.example.com/"));
    assert_false(matches("https://*.example.com", "https://a.b.example.com/"));
    assert_false(matches("https://*.example.com", "https://example.com/"));
    assert_false(matches("https://*.example.com", "http://a.example.com/"));
    assert_false(matches("https://*.example.com", "https://aexample.com/"));
    assert_true(matches("https://*.example.com:8443", "https://a.example.com:8443/"));
    assert_true(matches("https://*", "https://any.thing.example/"));
    assert_false(matches("https://*", "https://any.thing.example:444/"));
    assert_false(matches("https://*", "http://a/"));
    assert_false(matches("http://*", "http://127.0.0.1/"));
    assert_false(matches("http://*", "http://[::1]/"));
    assert_true(matches("http://*:8080", "http://localhost:8080/"));
}

static void a_rule_is_an_origin(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "",
        "*",
        "https://a/b",
        "https://a?x",
        "https://a#x",
        "api.a.com",
        "https://a.*",
        "https://*a.b",
        "https://**.b",
        "https://*.*.b",
        "https://*.",
        "https://*.1",
        "https://*.0.0.1",
        "https://*:0",
        "https://*/x",
        "https://*@b",
        "https://a@b",
        "https://*.b/x",
        "ftp://*",
        "https://*.b#",
        "https://a..b",
        "https:// a",
        "https://*.b .c",
        "https://",
        "*://a",
    };
    struct config_url_rule rule;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct report report = REPORT_INIT;
        if (config_url_rule_parse(bytes_of_text(rows[i]), &report, &rule) != STATUS_INVALID)
            fail_msg("taken for a rule: %s", rows[i]);
        assert_true(report.text[0] != '\0');
    }
    assert_int_equal(config_url_rule_parse(bytes_make("https://*.exam\0ple", 18), NULL, &rule),
                     STATUS_INVALID);
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_url_is_taken_apart_and_put_together),
        cmocka_unit_test(what_could_be_read_in_two_ways_is_no_url),
        cmocka_unit_test(a_reference_means_what_rfc_3986_says),
        cmocka_unit_test(a_rule_allows_its_origin_and_nothing_else),
        cmocka_unit_test(a_rule_is_an_origin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
