/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The query: names, values, flags, percent signs.
 */
#include "deploy/api/api_private.h"
#include "tests/support/unit.h"

struct query {
    struct api_request request;
    struct api_response response;
    struct api_call call;
};

static struct api_call *query_init(struct query *query, const char *text)
{
    *query = (struct query){.request = {.query = text, .id = "0123456789abcdef"}};
    api_response_init(&query->response);
    query->call = (struct api_call){.request = &query->request, .response = &query->response};
    return &query->call;
}

static void query_done(struct query *query)
{
    api_response_done(&query->response);
}

static void only_names_that_are_known_pass(void **state)
{
    (void)state;
    static const char *const names[] = {"a", "bc", NULL};
    static const struct {
        const char *text;
        bool good;
    } rows[] = {{NULL, true},   {"", true},       {"a", true},    {"a=1&bc=2", true}, {"a=b", true},
                {"b=1", false}, {"a=1&x", false}, {"A=1", false}, {"=1", false},      {"a&", true},
                {"&a", false},  {"%61=1", false}, {"abc", false}, {"bc", true}};
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct query query;
        assert_int_equal(api_query_check(query_init(&query, rows[i].text), names), rows[i].good);
        assert_int_equal(query.response.status, rows[i].good ? 500 : 400);
        query_done(&query);
    }
}

static void the_first_of_a_name_is_its_value(void **state)
{
    (void)state;
    struct query query;
    struct bytes value = bytes_of_text("untouched");
    struct api_call *call = query_init(&query, "a=1&a=2&b=&c&d=x=y");
    assert_true(api_query_find(call, "a", &value) && bytes_equal_text(value, "1"));
    assert_true(api_query_find(call, "b", &value) && value.count == 0 && value.data != NULL);
    assert_true(api_query_find(call, "c", &value) && value.data == NULL);
    assert_true(api_query_find(call, "d", &value) && bytes_equal_text(value, "x=y"));
    assert_false(api_query_find(call, "e", &value));
    assert_true(bytes_equal_text(value, "x=y"));
    query_done(&query);
}

static void flags_are_true_or_false_or_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int value; /* -1: refused */
    } rows[] = {{"f", 1},       {"f=1", 1}, {"f=true", 1}, {"f=0", 0},
                {"f=false", 0}, {"g", 1},   {"f=", -1},    {"f=yes", -1}};
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct query query;
        bool value = false;
        bool good = api_query_flag(query_init(&query, rows[i].text), "f", true, &value);
        assert_int_equal(good ? (int)value : -1, rows[i].value);
        query_done(&query);
    }
}

static void values_are_decoded_once_and_in_bounds(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum status status;
        const char *value;
    } rows[] = {
        {"v=a%20b%2525", STATUS_OK, "a b%25"}, {"x=1", STATUS_OK, ""},
        {"v=%", STATUS_MALFORMED, NULL},       {"v=%2", STATUS_MALFORMED, NULL},
        {"v=%zz", STATUS_MALFORMED, NULL},     {"v=%2&x=0", STATUS_MALFORMED, NULL},
        {"v=12345678", STATUS_OK, "12345678"}, {"v=123456789", STATUS_LIMIT, NULL},
        {"v=%C3%a9", STATUS_OK, "\xc3\xa9"},   {"v=a+b", STATUS_OK, "a+b"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct query query;
        struct buffer value;
        buffer_init(&value, 8);
        assert_int_equal(api_query_decode(query_init(&query, rows[i].text), "v", &value),
                         rows[i].status);
        if (rows[i].value != NULL)
            assert_true(bytes_equal_text(buffer_bytes(&value), rows[i].value));
        buffer_done(&value);
        query_done(&query);
    }
}

static void texts_for_messages_are_decoded_as_far_as_they_go(void **state)
{
    (void)state;
    char text[6];
    api_decode_text(bytes_of_text("a%21%00%"), text, sizeof(text));
    assert_string_equal(text, "a!?%");
    api_decode_text(bytes_of_text("%41%42%43%44%45%46"), text, sizeof(text));
    assert_string_equal(text, "ABCDE");
    api_decode_text(bytes_make(NULL, 0), text, sizeof(text));
    assert_string_equal(text, "");
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_names_that_are_known_pass),
        cmocka_unit_test(the_first_of_a_name_is_its_value),
        cmocka_unit_test(flags_are_true_or_false_or_refused),
        cmocka_unit_test(values_are_decoded_once_and_in_bounds),
        cmocka_unit_test(texts_for_messages_are_decoded_as_far_as_they_go),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
