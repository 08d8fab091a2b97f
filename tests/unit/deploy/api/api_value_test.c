/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Values in answers: texts of any origin, times, versions, digests, and where a function is.
 */
#include <stdio.h>

#include "deploy/api/api_private.h"
#include "tests/support/unit.h"

/* Of a value that is done with after this. NULL: it is no text. */
static const char *text_of(json_t *value)
{
    static char text[256];
    bool is_text = json_is_string(value);
    (void)snprintf(text, sizeof(text), "%s", is_text ? json_string_value(value) : "");
    json_decref(value);
    return is_text ? text : NULL;
}

static void text_that_is_no_utf8_becomes_plain(void **state)
{
    (void)state;
    assert_string_equal(text_of(api_text("gr\xc3\xbc\xc3\x9f")), "gr\xc3\xbc\xc3\x9f");
    assert_string_equal(text_of(api_text("a\xff\x1b[b\n")), "a??[b?");
    assert_string_equal(text_of(api_text("")), "");
}

static void bytes_of_a_guest_are_cut_to_fit(void **state)
{
    (void)state;
    char text[2 * DEPLOY_BUILD_WARNINGS_BYTES];
    memset(text, 0xff, sizeof(text));
    text[sizeof(text) - 1] = '\0';
    json_t *value = api_text(text);
    assert_int_equal(json_string_length(value), DEPLOY_BUILD_WARNINGS_BYTES - 1);
    json_decref(value);
}

static void times_are_in_seconds_and_in_utc(void **state)
{
    (void)state;
    assert_string_equal(text_of(api_time(0)), "1970-01-01T00:00:00Z");
    assert_string_equal(text_of(api_time(UINT64_C(1700000007999999999))), "2023-11-14T22:13:27Z");
}

static void no_version_is_null(void **state)
{
    (void)state;
    assert_null(text_of(api_version_text(0)));
    assert_string_equal(text_of(api_version_text(1)), "v1");
    assert_string_equal(text_of(api_version_text(UINT32_MAX)), "v4294967295");
}

static void content_has_all_its_members_even_if_there_is_none(void **state)
{
    (void)state;
    json_t *none = json_object();
    json_t *some = json_object();
    struct records_content content = {.kind = "wagi",
                                      .reuse_us = 7,
                                      .reuse_requests = 5,
                                      .config_bytes = 3,
                                      .choices = DEPLOY_DEBUG_LOG};
    content.sha256[0] = 0xab;
    api_add_content(none, NULL);
    api_add_content(some, &content);
    assert_int_equal(json_object_size(none), json_object_size(some));
    assert_true(json_is_null(json_object_get(none, "kind")));
    assert_true(json_is_null(json_object_get(none, "sha256")));
    assert_true(json_is_false(json_object_get(none, "debug_log")));
    assert_string_equal(json_string_value(json_object_get(some, "kind")), "wagi");
    assert_memory_equal(json_string_value(json_object_get(some, "sha256")), "ab000", 5);
    assert_int_equal(json_integer_value(json_object_get(some, "reuse_us")), 7);
    assert_int_equal(json_integer_value(json_object_get(some, "reuse_requests")), 5);
    assert_int_equal(json_integer_value(json_object_get(some, "config_bytes")), 3);
    assert_true(json_is_true(json_object_get(some, "debug_log")));
    assert_true(json_is_false(json_object_get(some, "deterministic")));
    json_decref(none);
    json_decref(some);
}

static void a_function_is_where_clients_reach_the_server(void **state)
{
    (void)state;
    static const struct {
        const char *public_url;
        const char *listen; /* NULL: nowhere */
        const char *url;
    } rows[] = {
        {"", "127.0.0.1:8080", "http://hello.acme.example.test:8080/"},
        {"", "0.0.0.0:80", "http://hello.acme.example.test/"},
        {"", "[::1]:8081", "http://hello.acme.example.test:8081/"},
        {"", NULL, "http://hello.acme.example.test/"},
        {"https://fn.example.org", "127.0.0.1:8080", "https://hello.acme.fn.example.org/"},
        {"http://fn.example.org:81", "127.0.0.1:8080", "http://hello.acme.fn.example.org:81/"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct config config = {.listen_count = rows[i].listen == NULL ? 0 : 1};
        const struct api api = {.config = &config};
        const struct api_call call = {.api = &api};
        const struct store_target target = {.tenant = bytes_of_text("acme"),
                                            .function = bytes_of_text("hello")};
        (void)snprintf(config.domain, sizeof(config.domain), "example.test");
        (void)snprintf(config.public_url, sizeof(config.public_url), "%s", rows[i].public_url);
        if (rows[i].listen != NULL)
            (void)snprintf(config.listen[0], sizeof(config.listen[0]), "%s", rows[i].listen);
        assert_string_equal(text_of(api_url(&call, &target)), rows[i].url);
    }
}

static void a_tag_is_all_of_the_artifacts_key_in_quotes(void **state)
{
    (void)state;
    struct api_response response;
    uint8_t key[DEPLOY_SHA256_BYTES] = {0x01, 0xfe};
    key[DEPLOY_SHA256_BYTES - 1] = 0x0a;
    api_response_init(&response);
    api_set_etag(&response, key);
    assert_int_equal(strlen(response.etag), 2 * DEPLOY_SHA256_BYTES + 2);
    assert_memory_equal(response.etag, "\"01fe00", 7);
    assert_string_equal(response.etag + 2 * DEPLOY_SHA256_BYTES - 1, "0a\"");
    api_response_done(&response);
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_that_is_no_utf8_becomes_plain),
        cmocka_unit_test(bytes_of_a_guest_are_cut_to_fit),
        cmocka_unit_test(times_are_in_seconds_and_in_utc),
        cmocka_unit_test(no_version_is_null),
        cmocka_unit_test(content_has_all_its_members_even_if_there_is_none),
        cmocka_unit_test(a_function_is_where_clients_reach_the_server),
        cmocka_unit_test(a_tag_is_all_of_the_artifacts_key_in_quotes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
