/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a certifying server says, member by member, and what of it is not taken.
 */
#include <stdio.h>

#include "deploy/acme/acme_read.h"
#include "tests/support/unit.h"

static struct report report;

#define HOST "\"identifiers\":[{\"type\":\"dns\",\"value\":\"A.test\"}]"
#define URLS "\"authorizations\":[\"https://c/a\"],\"finalize\":\"https://c/f\""

static enum status read_order(const char *json, struct acme_order_view *ret_order)
{
    report = (struct report)REPORT_INIT;
    return acme_read_order(bytes_of_text(json), "a.test", &report, ret_order);
}

static void an_order_is_of_one_host_and_has_its_urls(void **state)
{
    (void)state;
    struct acme_order_view order;
    assert_int_equal(read_order("{\"status\":\"ready\"," HOST "," URLS "}", &order), STATUS_OK);
    assert_int_equal(order.state, ACME_READY);
    assert_string_equal(order.authorization, "https://c/a");
    assert_string_equal(order.finalize, "https://c/f");
    assert_string_equal(order.certificate, "");
    static const char *const bad[] = {
        "",
        "null",
        "{\"status\":1," HOST "," URLS "}",
        "{\"status\":\"ready\"," URLS "}",
        "{\"status\":\"ready\"," HOST "}",
        "{\"status\":\"ready\"," HOST ",\"authorizations\":[7],\"finalize\":\"https://c/f\"}",
        "{\"status\":\"ready\"," HOST ",\"authorizations\":[\"https://c/a\"]}",
        "{\"status\":\"ready\"," HOST "," URLS ",\"certificate\":\"ftp://c\"}",
        "{\"status\":\"ready\",\"status\":\"valid\"," HOST "," URLS "}",
    };
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        assert_int_equal(read_order(bad[i], &order), STATUS_MALFORMED);
}

static enum status read_authorization(const char *json, struct acme_authorization *ret)
{
    report = (struct report)REPORT_INIT;
    return acme_read_authorization(bytes_of_text(json), "a.test", ACME_CHALLENGE_HTTP, &report,
                                   ret);
}

#define IDENTIFIER "\"identifier\":{\"type\":\"dns\",\"value\":\"a.test\"}"

static void a_challenge_has_a_token_of_base64url(void **state)
{
    (void)state;
    struct acme_authorization found;
    assert_int_equal(
        read_authorization("{\"status\":\"pending\"," IDENTIFIER
                           ",\"challenges\":[7,{\"type\":\"dns-01\"},{\"type\":\"http-01\","
                           "\"token\":\"a-B_9\",\"url\":\"https://c/x\"}]}",
                           &found),
        STATUS_OK);
    assert_true(found.has_challenge);
    assert_string_equal(found.token, "a-B_9");
    static const char *const tokens[] = {"a/b", "a b", "../x", "", "a\\r\\nb", "a.b"};
    for (size_t i = 0; i < COUNT_OF(tokens); i++) {
        char json[512];
        (void)snprintf(
            json, sizeof(json),
            "{\"status\":\"pending\"," IDENTIFIER
            ",\"challenges\":[{\"type\":\"http-01\",\"token\":\"%s\",\"url\":\"https://c/x\"}]}",
            tokens[i]);
        assert_int_equal(read_authorization(json, &found), STATUS_MALFORMED);
    }
    assert_int_equal(
        read_authorization("{\"status\":\"pending\",\"identifier\":{\"type\":\"dns\","
                           "\"value\":\"b.test\"},\"challenges\":[{\"type\":\"http-01\","
                           "\"url\":\"https://c/h\",\"token\":\"abc\"}]}",
                           &found),
        STATUS_MALFORMED);
    assert_int_equal(read_authorization("{\"status\":\"valid\"," IDENTIFIER "}", &found),
                     STATUS_OK);
    assert_false(found.has_challenge);
}

static void a_problem_is_told_in_plain_text(void **state)
{
    (void)state;
    struct acme_problem problem;
    acme_read_problem(403,
                      bytes_of_text("{\"type\":\"urn:ietf:params:acme:error:unauthorized\","
                                    "\"detail\":\"no\\u001b[31m\\r\\nway\"}"),
                      &problem);
    assert_string_equal(problem.type, "unauthorized");
    assert_string_equal(problem.text, "unauthorized: no?[31m??way");
    acme_read_problem(502, bytes_of_text("<html>"), &problem);
    assert_string_equal(problem.text, "the ACME server answered with status 502");
    acme_read_problem(502, bytes_make(NULL, 0), &problem);
    assert_string_equal(problem.type, "");
}

static struct bytes fields_of(const char *name, const char *value)
{
    static char text[2048];
    int count = snprintf(text, sizeof(text), "x%cy%c%s%c%s%c", 0, 0, name, 0, value, 0);
    return bytes_make(text, (size_t)count);
}

static void fields_are_taken_if_they_are_of_their_form(void **state)
{
    (void)state;
    char nonce[ACME_NONCE_BYTES];
    char url[ACME_URL_BYTES];
    assert_true(acme_take_nonce(fields_of("replay-nonce", "a-b_C"), nonce));
    assert_string_equal(nonce, "a-b_C");
    assert_false(acme_take_nonce(fields_of("replay-nonce", "a=b"), nonce));
    assert_false(acme_take_nonce(fields_of("nonce", "ab"), nonce));
    assert_true(acme_take_location(fields_of("location", "https://c/x"), url));
    assert_string_equal(url, "https://c/x");
    assert_false(acme_take_location(fields_of("location", "/x"), url));
    assert_int_equal(acme_retry_after_s(fields_of("retry-after", "17")), 17);
    assert_int_equal(acme_retry_after_s(fields_of("retry-after", "99999999999999999999")),
                     ACME_RETRY_S_MAX);
    assert_int_equal(acme_retry_after_s(fields_of("retry-after", "Sun, 06 Nov 1994")), 0);
    assert_int_equal(acme_retry_after_s(bytes_make(NULL, 0)), 0);
}

static void a_directory_has_urls_and_perhaps_terms(void **state)
{
    (void)state;
    struct acme_directory directory;
    report = (struct report)REPORT_INIT;
    assert_int_equal(
        acme_read_directory(
            bytes_of_text("{\"newNonce\":\"https://c/n\",\"newAccount\":\"https://c/a\","
                          "\"newOrder\":\"https://c/o\",\"meta\":{}}"),
            &report, &directory),
        STATUS_OK);
    assert_false(directory.has_terms);
    assert_string_equal(directory.new_order, "https://c/o");
    assert_int_equal(
        acme_read_directory(bytes_of_text("{\"newNonce\":\"https://c/n\"}"), &report, &directory),
        STATUS_MALFORMED);
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_order_is_of_one_host_and_has_its_urls),
        cmocka_unit_test(a_challenge_has_a_token_of_base64url),
        cmocka_unit_test(a_problem_is_told_in_plain_text),
        cmocka_unit_test(fields_are_taken_if_they_are_of_their_form),
        cmocka_unit_test(a_directory_has_urls_and_perhaps_terms),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
