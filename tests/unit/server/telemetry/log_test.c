/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines of the log: whole, of bounded length, and never waited for.
 */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "server/telemetry/log.h"
#include "tests/unit/server/request/stage.h"

static void a_line_is_one_object_with_its_values_in_order(void **state)
{
    (void)state;
    stage_log_begin();
    struct log_line line;
    log_begin(&line, "info", "event");
    log_text(&line, "text", bytes_of_text("a\"b\n"));
    log_number(&line, "number", UINT64_MAX);
    assert_true(log_end(&line));
    const char *log = stage_log_take();
    assert_memory_equal(log, "{\"ts\":\"2", 8);
    assert_non_null(strstr(log,
                           "Z\",\"level\":\"info\",\"event\":\"event\",\"text\":\"a\\\"b\\u000a\","
                           "\"number\":18446744073709551615}\n"));
    assert_int_equal(stage_log_count(log, "event"), 1);
}

static void what_does_not_fit_is_cut_and_says_so(void **state)
{
    (void)state;
    static char text[2 * LOG_LINE_BYTES];
    memset(text, 'x', sizeof(text) - 1);
    for (size_t count = LOG_LINE_BYTES - 200; count < LOG_LINE_BYTES + 20; count++) {
        struct log_line line;
        log_begin(&line, "warn", "long");
        log_text(&line, "text", bytes_make(text, count));
        log_text(&line, "more", bytes_of_text("y"));
        log_close(&line);
        assert_true(line.count <= LOG_LINE_BYTES);
        assert_memory_equal(line.text + line.count - 2, "}\n", 2);
        bool whole = memmem(line.text, line.count, "\"more\":\"y\"}", 11) != NULL;
        bool cut = memmem(line.text, line.count, "\"cut\":true}", 11) != NULL;
        assert_true(whole != cut);
    }
}

static void a_message_is_cut_like_a_report(void **state)
{
    (void)state;
    stage_log_begin();
    log_message("error", "broken", "%0*d", 2000, 7);
    const char *log = stage_log_take();
    assert_int_equal(stage_log_count(log, "\"event\":\"broken\",\"message\":\"000"), 1);
    assert_true(strlen(log) < REPORT_TEXT_BYTES + 150);
}

static void a_pipe_that_is_full_is_not_waited_for(void **state)
{
    (void)state;
    stage_log_begin();
    uint32_t written = 0;
    struct log_line line;
    do {
        log_begin(&line, "info", "flood");
    } while (log_end(&line) && ++written < 100000);
    assert_true(written < 100000);
    assert_int_equal(stage_log_count(stage_log_take(), "\"flood\""), written);
}

/* The same pipe, opened once more: whoever started us finds no flag on his. */
static void a_process_that_never_waits_leaves_the_flags_of_others_alone(void **state)
{
    (void)state;
    int ends[2];
    int kept = dup(STDERR_FILENO);
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(dup2(ends[1], STDERR_FILENO), STDERR_FILENO);
    log_never_wait();
    int own = fcntl(STDERR_FILENO, F_GETFL);
    int of_others = fcntl(ends[1], F_GETFL);
    static const char text[4096] = "{";
    ssize_t written;
    do
        written = write(STDERR_FILENO, text, sizeof(text));
    while (written == (ssize_t)sizeof(text));
    int error = errno;
    assert_int_equal(dup2(kept, STDERR_FILENO), STDERR_FILENO);
    assert_int_equal(own & O_NONBLOCK, O_NONBLOCK);
    assert_int_equal(of_others & O_NONBLOCK, 0);
    assert_int_equal(written, -1);
    assert_int_equal(error, EAGAIN);
    assert_int_equal(close(kept) | close(ends[0]) | close(ends[1]), 0);
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_is_one_object_with_its_values_in_order),
        cmocka_unit_test(what_does_not_fit_is_cut_and_says_so),
        cmocka_unit_test(a_message_is_cut_like_a_report),
        cmocka_unit_test(a_pipe_that_is_full_is_not_waited_for),
        cmocka_unit_test(a_process_that_never_waits_leaves_the_flags_of_others_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
