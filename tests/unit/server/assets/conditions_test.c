/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a client gets of a file, by what it says that it has.
 */
#include "server/assets/conditions.h"
#include "tests/support/unit.h"

#define MODIFIED 1700000000 /* Tue, 14 Nov 2023 22:13:20 GMT */
#define BEFORE   "Tue, 14 Nov 2023 22:13:19 GMT"
#define AT       "Tue, 14 Nov 2023 22:13:20 GMT"
#define SIZE     1000

struct judged {
    enum conditions_verdict verdict;
    uint64_t from;
    uint64_t count;
};

/* "name: value" each, a NULL at the end. */
static struct judged judge(bool is_get, const char *const *lines)
{
    struct http_header rows[4];
    struct http_headers headers = {.rows = rows};
    const struct conditions_file file = {
        .etag = bytes_of_text("\"abc\""), .modified_s = MODIFIED, .size = SIZE};
    struct judged judged = {0};
    for (; *lines != NULL; lines++) {
        const char *colon = strchr(*lines, ':');
        rows[headers.count++] =
            (struct http_header){.name = bytes_make(*lines, (size_t)(colon - *lines)),
                                 .value = bytes_of_text(colon + 2)};
    }
    judged.verdict = conditions_judge(&headers, is_get, &file, &judged.from, &judged.count);
    return judged;
}

#define JUDGE(...) judge(true, (const char *const[]){__VA_ARGS__, NULL}).verdict

static void tags_go_before_dates(void **state)
{
    (void)state;
    assert_int_equal(judge(true, (const char *const[]){NULL}).verdict, CONDITIONS_WHOLE);
    assert_int_equal(JUDGE("if-none-match: \"abc\""), CONDITIONS_NOT_MODIFIED);
    assert_int_equal(JUDGE("if-none-match: W/\"abc\""), CONDITIONS_NOT_MODIFIED);
    assert_int_equal(JUDGE("if-none-match: *"), CONDITIONS_NOT_MODIFIED);
    assert_int_equal(JUDGE("if-none-match: \"x\", \"abc\""), CONDITIONS_NOT_MODIFIED);
    assert_int_equal(JUDGE("if-none-match: \"x\""), CONDITIONS_WHOLE);
    assert_int_equal(JUDGE("if-none-match: abc"), CONDITIONS_WHOLE);
    assert_int_equal(JUDGE("if-none-match: \""), CONDITIONS_WHOLE);
    assert_int_equal(JUDGE("if-none-match: \"x\"", "if-modified-since: " AT), CONDITIONS_WHOLE);
    assert_int_equal(JUDGE("if-modified-since: " AT), CONDITIONS_NOT_MODIFIED);
    assert_int_equal(JUDGE("if-modified-since: " BEFORE), CONDITIONS_WHOLE);
    assert_int_equal(JUDGE("if-modified-since: yesterday"), CONDITIONS_WHOLE);
    assert_int_equal(judge(false, (const char *const[]){"if-none-match: *", NULL}).verdict,
                     CONDITIONS_NOT_MODIFIED);
}

static void what_has_to_be_is_or_the_request_fails(void **state)
{
    (void)state;
    assert_int_equal(JUDGE("if-match: \"abc\""), CONDITIONS_WHOLE);
    assert_int_equal(JUDGE("if-match: *"), CONDITIONS_WHOLE);
    assert_int_equal(JUDGE("if-match: \"x\""), CONDITIONS_FAILED);
    assert_int_equal(JUDGE("if-match: W/\"abc\""), CONDITIONS_FAILED);
    assert_int_equal(JUDGE("if-match: \"x\"", "if-none-match: \"abc\""), CONDITIONS_FAILED);
    assert_int_equal(JUDGE("if-unmodified-since: " BEFORE), CONDITIONS_FAILED);
    assert_int_equal(JUDGE("if-unmodified-since: " AT), CONDITIONS_WHOLE);
    assert_int_equal(JUDGE("if-match: \"abc\"", "if-unmodified-since: " BEFORE), CONDITIONS_WHOLE);
}

static void one_range_is_a_part(void **state)
{
    (void)state;
    static const struct {
        const char *range;
        enum conditions_verdict verdict;
        uint64_t from;
        uint64_t count;
    } rows[] = {
        {"range: bytes=0-0", CONDITIONS_PART, 0, 1},
        {"range: bytes=0-", CONDITIONS_PART, 0, SIZE},
        {"range: bytes=999-", CONDITIONS_PART, 999, 1},
        {"range: bytes=10-19", CONDITIONS_PART, 10, 10},
        {"range: Bytes=10-5000", CONDITIONS_PART, 10, 990},
        {"range: bytes=-1", CONDITIONS_PART, 999, 1},
        {"range: bytes=-5000", CONDITIONS_PART, 0, SIZE},
        {"range: bytes=-0", CONDITIONS_NO_RANGE, 0, 0},
        {"range: bytes=1000-", CONDITIONS_NO_RANGE, 0, 0},
        {"range: bytes=1000-2000", CONDITIONS_NO_RANGE, 0, 0},
        {"range: bytes=5-4", CONDITIONS_WHOLE, 0, 0},
        {"range: bytes=0-1,5-6", CONDITIONS_WHOLE, 0, 0},
        {"range: bytes=-", CONDITIONS_WHOLE, 0, 0},
        {"range: bytes=", CONDITIONS_WHOLE, 0, 0},
        {"range: bytes", CONDITIONS_WHOLE, 0, 0},
        {"range: lines=0-1", CONDITIONS_WHOLE, 0, 0},
        {"range: bytes=a-b", CONDITIONS_WHOLE, 0, 0},
        {"range: bytes= 0-1", CONDITIONS_WHOLE, 0, 0},
        {"range: bytes=0-99999999999999999999", CONDITIONS_PART, 0, SIZE},
        {"range: bytes=18446744073709551616-", CONDITIONS_NO_RANGE, 0, 0},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct judged judged = judge(true, (const char *const[]){rows[i].range, NULL});
        if (judged.verdict != rows[i].verdict || judged.from != rows[i].from ||
            judged.count != rows[i].count)
            fail_msg("%s: %d %lu %lu", rows[i].range, judged.verdict, judged.from, judged.count);
    }
}

static void a_range_is_of_the_file_that_the_client_began_with(void **state)
{
    (void)state;
    assert_int_equal(JUDGE("range: bytes=0-1", "if-range: \"abc\""), CONDITIONS_PART);
    assert_int_equal(JUDGE("range: bytes=0-1", "if-range: \"x\""), CONDITIONS_WHOLE);
    assert_int_equal(JUDGE("range: bytes=0-1", "if-range: W/\"abc\""), CONDITIONS_WHOLE);
    assert_int_equal(JUDGE("range: bytes=0-1", "if-range: " AT), CONDITIONS_PART);
    assert_int_equal(JUDGE("range: bytes=0-1", "if-range: " BEFORE), CONDITIONS_WHOLE);
    assert_int_equal(judge(false, (const char *const[]){"range: bytes=0-1", NULL}).verdict,
                     CONDITIONS_WHOLE);
}

static void dates_have_three_forms_and_are_written_in_one(void **state)
{
    (void)state;
    char text[CONDITIONS_DATE_BYTES];
    int64_t seconds;
    assert_int_equal(conditions_print_date(MODIFIED, text), 29);
    assert_string_equal(text, AT);
    static const char *const forms[] = {AT, "Tuesday, 14-Nov-23 22:13:20 GMT",
                                        "Tue Nov 14 22:13:20 2023"};
    for (size_t i = 0; i < COUNT_OF(forms); i++) {
        assert_true(conditions_parse_date(bytes_of_text(forms[i]), &seconds));
        assert_int_equal(seconds, MODIFIED);
    }
    static const char *const none[] = {"", "now", AT "x",
                                       "Tue, 14 Nov 2023 22:13:20 GMT and much more than that",
                                       "Tue, 14 Nov 2023 22:13:20"};
    for (size_t i = 0; i < COUNT_OF(none); i++)
        assert_false(conditions_parse_date(bytes_of_text(none[i]), &seconds));
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tags_go_before_dates),
        cmocka_unit_test(what_has_to_be_is_or_the_request_fails),
        cmocka_unit_test(one_range_is_a_part),
        cmocka_unit_test(a_range_is_of_the_file_that_the_client_began_with),
        cmocka_unit_test(dates_have_three_forms_and_are_written_in_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
