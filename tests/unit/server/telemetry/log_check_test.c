/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What passes for a line of the log, and all that does not.
 */
#include <stdio.h>

#include "server/telemetry/log.h"
#include "server/telemetry/log_check.h"
#include "tests/support/unit.h"

static bool passes(const char *line)
{
    return log_check_line(bytes_of_text(line), "process");
}

static void whatever_the_log_writes_passes(void **state)
{
    (void)state;
    static char text[2 * LOG_LINE_BYTES];
    for (size_t i = 0; i < sizeof(text); i++)
        text[i] = (char)(i * 37 % 256);
    for (size_t count = 0; count < sizeof(text); count += 61) {
        struct log_line line;
        log_begin(&line, "info", "event");
        log_text(&line, "text", bytes_make(text + count % 256, count));
        log_text(&line, "utf", bytes_of_text("\xc2\x80 \xc3\xa4 \xf0\x9f\x8c\x8a \"\\\x1b"));
        log_number(&line, "number", UINT64_MAX);
        log_number(&line, "none", 0);
        log_close(&line);
        assert_true(log_check_line(bytes_make(line.text, line.count - 1), "process"));
    }
}

static void what_is_no_flat_object_on_one_line_does_not(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "",
        "{",
        "}",
        "{}",
        "{\"a\":1",
        "{\"a\":1}}",
        "{\"a\":1} ",
        " {\"a\":1}",
        "{\"a\": 1}",
        "{\"a\":1,}",
        "{,\"a\":1}",
        "{\"a\":1 }",
        "{\"a\":}",
        "{\"a\"}",
        "{\"a\":1}{\"b\":2}",
        "{\"a\":{\"b\":1}}",
        "{\"a\":[1]}",
        "{\"a\":null}",
        "{\"a\":-1}",
        "{\"a\":1.5}",
        "{\"a\":01}",
        "{\"a\":123456789012345678901}",
        "{\"a\":truer}",
        "{a:1}",
        "[\"a\"]",
        "{\"\":1}",
        "{\"A\":1}",
        "{\"a b\":1}",
        "{\"\\u0061\":1}",
        "{'a':1}",
    };
    assert_true(passes("{\"a\":1}"));
    for (size_t i = 0; i < COUNT_OF(wrong); i++)
        assert_false(passes(wrong[i]));
}

static void a_text_has_nothing_that_breaks_a_line_or_paints_a_terminal(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "{\"a\":\"\n\"}",    "{\"a\":\"\r\"}",    "{\"a\":\"\x1b[2J\"}",  "{\"a\":\"\x7f\"}",
        "{\"a\":\"\t\"}",    "{\"a\":\"\xff\"}",  "{\"a\":\"\xc2\x9b\"}", "{\"a\":\"\xc0\xaf\"}",
        "{\"a\":\"\\n\"}",   "{\"a\":\"\\u12\"}", "{\"a\":\"\\uD800\"}",  "{\"a\":\"\\\"}",
        "{\"a\":\"\xe2\x82", "{\"a\":\"",         "{\"a\":\"x",
    };
    assert_true(passes("{\"a\":\"\\u001b \\\" \\\\ \xc3\xa4\"}"));
    for (size_t i = 0; i < COUNT_OF(wrong); i++)
        assert_false(passes(wrong[i]));
}

static void no_key_is_there_twice_and_none_that_is_the_readers(void **state)
{
    (void)state;
    assert_false(passes("{\"a\":1,\"b\":2,\"a\":3}"));
    assert_false(passes("{\"ts\":\"x\",\"process\":\"worker 1\"}"));
    assert_true(passes("{\"a\":\"process\",\"processes\":1,\"proces\":2}"));
    char text[LOG_LINE_BYTES] = "{\"a\":1";
    for (uint32_t keys = 1; keys <= LOG_CHECK_KEYS_MAX; keys++) {
        size_t count = strlen(text);
        (void)snprintf(text + count, sizeof(text) - count, "}");
        assert_true(passes(text));
        (void)snprintf(text + count, sizeof(text) - count, ",\"k%u\":1", keys);
    }
    (void)snprintf(text + strlen(text), 2, "}");
    assert_false(passes(text));
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whatever_the_log_writes_passes),
        cmocka_unit_test(what_is_no_flat_object_on_one_line_does_not),
        cmocka_unit_test(a_text_has_nothing_that_breaks_a_line_or_paints_a_terminal),
        cmocka_unit_test(no_key_is_there_twice_and_none_that_is_the_readers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
