/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whose a request is that a proxy brings: one row a chain of proxies. 10.0.0.0/8 and
 * 2001:db8:1::/48 are trusted.
 */
#include <string.h>

#include "server/front/forwarded.h"
#include "tests/support/unit.h"

static struct config config_of_proxies(void)
{
    struct config config = {.trusted_proxy_count = 2};
    assert_true(config_net_parse("10.0.0.0/8", &config.trusted_proxies[0]));
    assert_true(config_net_parse("2001:db8:1::/48", &config.trusted_proxies[1]));
    return config;
}

static void the_client_is_the_last_that_is_no_proxy_of_ours(void **state)
{
    (void)state;
    static const struct {
        const char *list;
        const char *more; /* a second line, if any */
        const char *client;
    } rows[] = {
        {"192.0.2.1", NULL, "192.0.2.1:0"},
        {"192.0.2.1:4711", NULL, "192.0.2.1:0"},
        {" \t192.0.2.1 ", NULL, "192.0.2.1:0"},
        {"2001:db8::1", NULL, "[2001:db8::1]:0"},
        {"[2001:db8::1]", NULL, "[2001:db8::1]:0"},
        {"[2001:db8::1]:80", NULL, "[2001:db8::1]:0"},
        {"1.1.1.1, 192.0.2.1", NULL, "192.0.2.1:0"},
        {"1.1.1.1, 192.0.2.1, 10.1.2.3", NULL, "192.0.2.1:0"},
        {"1.1.1.1,192.0.2.1,10.1.2.3,2001:db8:1::9", NULL, "192.0.2.1:0"},
        {"1.1.1.1, 192.0.2.1", "10.1.2.3", "192.0.2.1:0"},
        {"1.1.1.1", "192.0.2.1", "192.0.2.1:0"},
        {"10.1.1.1, 10.2.2.2", NULL, "10.1.1.1:0"},
        {"nonsense, 10.2.2.2", NULL, "10.2.2.2:0"},
        {"192.0.2.1, nonsense", NULL, ""},
        {"192.0.2.1, ", NULL, ""},
        {"unknown", NULL, ""},
        {"", NULL, ""},
        {"[::1", NULL, ""},
        {"1111111111111111111111111111111111111111111111111111111111111111111", NULL, ""},
        {"192.0.2.256", NULL, ""},
        {"192.0.2.1.evil", NULL, ""},
    };
    struct config config = config_of_proxies();
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct http_header lines[] = {
            {bytes_of_text("a"), bytes_of_text("8.8.8.8")},
            {bytes_of_text("X-Forwarded-For"), bytes_of_text(rows[i].list)},
            {bytes_of_text("x-forwarded-for"),
             bytes_of_text(rows[i].more != NULL ? rows[i].more : "")},
        };
        struct http_headers headers = {.rows = lines, .count = rows[i].more != NULL ? 3 : 2};
        char client[CONFIG_ADDRESS_BYTES];
        size_t count = forwarded_client(&config, &headers, client);
        assert_true(bytes_equal_text(bytes_make(client, count), rows[i].client));
    }
}

static void a_list_without_an_end_is_not_followed(void **state)
{
    (void)state;
    char list[4096] = "";
    for (int i = 0; i < 400; i++)
        memcpy(list + i * 9, "10.0.0.1,", 10);
    list[400 * 9 - 1] = '\0';
    struct config config = config_of_proxies();
    struct http_header line = {bytes_of_text("x-forwarded-for"), bytes_of_text(list)};
    struct http_headers headers = {.rows = &line, .count = 1};
    char client[CONFIG_ADDRESS_BYTES];
    size_t count = forwarded_client(&config, &headers, client);
    assert_true(bytes_equal_text(bytes_make(client, count), "10.0.0.1:0"));
}

static void the_scheme_is_the_proxys_word_or_the_public_urls(void **state)
{
    (void)state;
    struct config config = config_of_proxies();
    struct http_header line = {bytes_of_text("X-Forwarded-Proto"), bytes_of_text("https")};
    struct http_headers headers = {.rows = &line, .count = 1};
    struct http_headers none = {0};
    assert_true(forwarded_is_https(&config, &headers, false));
    assert_false(forwarded_is_https(&config, &none, false));
    line.value = bytes_of_text("https, http");
    assert_false(forwarded_is_https(&config, &headers, false));
    strcpy(config.public_url, "https://example.org");
    assert_true(forwarded_is_https(&config, &none, false));
    line.value = bytes_of_text("http");
    assert_false(forwarded_is_https(&config, &headers, false));
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_client_is_the_last_that_is_no_proxy_of_ours),
        cmocka_unit_test(a_list_without_an_end_is_not_followed),
        cmocka_unit_test(the_scheme_is_the_proxys_word_or_the_public_urls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
