/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines of the log as a terminal shows them.
 */
#include <string.h>

#include "engine/base/macros.h"
#include "server/telemetry/log.h"
#include "server/telemetry/log_terminal.h"
#include "tests/support/unit.h"

#define HEAD "{\"ts\":\"2026-11-29T11:18:51.972323Z\",\"level\":\"info\",\"event\":\"start\""

static void shows(const char *line, bool colour, const char *wanted)
{
    char out[LOG_LINE_BYTES];
    size_t count = log_terminal_line(bytes_of_text(line), colour, out, sizeof(out));
    assert_true(bytes_equal_text(bytes_make(out, count), wanted));
}

static void a_line_is_time_level_event_message_and_the_rest(void **state)
{
    (void)state;
    shows(HEAD ",\"message\":\"it is \\\"here\\\" \\\\\"}\n", false,
          "11:18:51.972 info  start: it is \"here\" \\\n");
    shows(HEAD ",\"process\":\"worker 0\",\"path\":\"/a\",\"status\":200,\"cut\":true}\n", false,
          "11:18:51.972 info  start process=\"worker 0\" path=/a status=200 cut=true\n");
    shows(HEAD ",\"path\":\"\"}\n", false, "11:18:51.972 info  start path=\"\"\n");
    shows("{\"ts\":\"soon\"}\n", false, "soon\n");
}

static void only_the_level_is_painted(void **state)
{
    (void)state;
    shows(HEAD "}\n", true, "11:18:51.972 \x1b[2minfo \x1b[0m start\n");
    shows("{\"level\":\"warn\"}\n", true, " \x1b[33mwarn \x1b[0m\n");
    shows("{\"level\":\"error\"}\n", true, " \x1b[31merror\x1b[0m\n");
    /* What others wrote stays as it was escaped. */
    shows("{\"message\":\"\\u001b[2J\"}\n", true, ": \\u001b[2J\n");
}

static void what_is_no_line_of_the_log_is_left_alone(void **state)
{
    (void)state;
    shows(HEAD "}", false, "");
    shows("", false, "");
    shows("a line\n", false, "");
    shows("{\"a\":[1]}\n", false, "");
    shows("{\"a\":\"\x1b\"}\n", false, "");
}

static void what_has_no_room_is_not_shown(void **state)
{
    (void)state;
    static const char line[] = HEAD ",\"message\":\"x\"}\n";
    char out[sizeof("11:18:51.972 info  start: x\n")];
    for (size_t room = 0; room < sizeof(out) - 1; room++)
        assert_int_equal(log_terminal_line(bytes_of_text(line), false, out, room), 0);
    assert_int_equal(log_terminal_line(bytes_of_text(line), false, out, sizeof(out) - 1),
                     sizeof(out) - 1);
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_is_time_level_event_message_and_the_rest),
        cmocka_unit_test(only_the_level_is_painted),
        cmocka_unit_test(what_is_no_line_of_the_log_is_left_alone),
        cmocka_unit_test(what_has_no_room_is_not_shown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
