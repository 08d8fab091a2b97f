/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Others' lines on their way through control: whole, one object each, and never waited for.
 */
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <jansson.h>
#include <string.h>
#include <unistd.h>

#include "server/control/log_drain.h"
#include "tests/support/unit.h"

static struct bench {
    struct event_base *base;
    struct log_drain *drain;
    struct log_drain_pipe *pipe;
    uint64_t now_ns;
    bool stalled;
    uint32_t lines;
    char last[3 * LOG_LINE_BYTES];
} bench;

static uint64_t bench_now(void *context)
{
    (void)context;
    return bench.now_ns;
}

static const struct clock bench_clock = {.monotonic_ns = bench_now, .realtime_ns = bench_now};

static bool bench_write(const char *line, size_t count)
{
    assert_true(count > 0 && line[count - 1] == '\n');
    assert_true(count < sizeof(bench.last));
    if (bench.stalled)
        return false;
    bench.lines++;
    memcpy(bench.last, line, count);
    bench.last[count] = '\0';
    return true;
}

static int bench_init(void **state)
{
    (void)state;
    bench = (struct bench){.base = event_base_new(), .now_ns = CLOCK_NS_PER_S};
    const struct log_drain_options options = {
        .base = bench.base, .clock = &bench_clock, .write = bench_write};
    assert_int_equal(log_drain_create(&options, NULL, &bench.drain), STATUS_OK);
    assert_int_equal(log_drain_open(bench.drain, "worker 7", NULL, &bench.pipe), STATUS_OK);
    return 0;
}

static int bench_done(void **state)
{
    (void)state;
    log_drain_free(bench.drain);
    event_base_free(bench.base);
    return 0;
}

static void bench_say(const char *text)
{
    assert_int_equal(write(log_drain_fd(bench.pipe), text, strlen(text)), strlen(text));
    assert_true(event_base_loop(bench.base, EVLOOP_NONBLOCK) >= 0);
}

static void lines_of_the_log_pass_with_whose_they_are(void **state)
{
    (void)state;
    bench_say("{\"a\":1}\n{\"b\":2}\n");
    assert_int_equal(bench.lines, 2);
    assert_string_equal(bench.last, "{\"b\":2,\"process\":\"worker 7\"}\n");
    assert_int_equal(log_drain_dropped(bench.drain), 0);
}

/* What a worker writes that a guest broke out into. */
static void nobody_speaks_for_another(void **state)
{
    (void)state;
    static const char *const forged[] = {
        "{\"event\":\"stop\",\"process\":\"control\"}",
        "{\"event\":\"stop\",\"pro\\u0063ess\":\"control\"}",
        "{\"event\":\"stop\"}{\"event\":\"start\"}",
        "{\"event\":\"stop\",\"event\":\"start\"}",
        "{\"a\":\"\x1b[2J\"}",
        "{ \"a\":1}",
        "{garbage}",
    };
    for (size_t i = 0; i < COUNT_OF(forged); i++) {
        bench_say(forged[i]);
        bench_say("\n");
        json_t *root = json_loads(bench.last, JSON_REJECT_DUPLICATES, NULL);
        assert_non_null(root);
        assert_string_equal(json_string_value(json_object_get(root, "event")), "stderr");
        assert_string_equal(json_string_value(json_object_get(root, "process")), "worker 7");
        assert_string_equal(json_string_value(json_object_get(root, "message")), forged[i]);
        json_decref(root);
    }
    assert_int_equal(bench.lines, COUNT_OF(forged));
}

static void a_line_as_long_as_the_log_makes_them_is_passed_on_in_one_write(void **state)
{
    (void)state;
    static char text[2 * LOG_LINE_BYTES];
    memset(text, 'x', sizeof(text));
    struct log_line line;
    log_begin(&line, "info", "guest");
    log_text(&line, "message", bytes_make(text, sizeof(text)));
    log_close(&line);
    line.text[line.count] = '\0';
    bench_say(line.text);
    assert_int_equal(bench.lines, 1);
    assert_true(strlen(bench.last) <= LOG_LINE_BYTES);
    assert_non_null(strstr(bench.last, "\"cut\":true,\"process\":\"worker 7\"}\n"));
}

static void a_line_in_pieces_passes_when_it_is_whole(void **state)
{
    (void)state;
    bench_say("{\"a\":");
    assert_int_equal(bench.lines, 0);
    bench_say("1}\n{");
    assert_string_equal(bench.last, "{\"a\":1,\"process\":\"worker 7\"}\n");
    assert_int_equal(bench.lines, 1);
}

static void other_text_becomes_an_object_that_names_its_writer(void **state)
{
    (void)state;
    bench_say("skipping frame \"x\"\t254\n\n");
    assert_int_equal(bench.lines, 1);
    json_t *root = json_loads(bench.last, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(root);
    assert_string_equal(json_string_value(json_object_get(root, "process")), "worker 7");
    assert_string_equal(json_string_value(json_object_get(root, "message")),
                        "skipping frame \"x\"\t254");
    json_decref(root);
}

static void of_other_text_only_so_much_a_second_is_passed_on(void **state)
{
    (void)state;
    for (int i = 0; i < LOG_DRAIN_FOREIGN_PER_S + 5; i++)
        bench_say("noise\n");
    assert_int_equal(bench.lines, LOG_DRAIN_FOREIGN_PER_S);
    assert_int_equal(log_drain_dropped(bench.drain), 5);
    bench_say("{\"still\":1}\n");
    assert_string_equal(bench.last, "{\"still\":1,\"process\":\"worker 7\"}\n");
    bench.now_ns += CLOCK_NS_PER_S;
    uint32_t before = bench.lines;
    bench_say("noise\n");
    assert_int_equal(bench.lines, before + 1);
}

static void a_line_without_an_end_is_cut(void **state)
{
    (void)state;
    char text[LOG_LINE_BYTES];
    memset(text, 'x', sizeof(text));
    for (int i = 0; i < 3; i++) {
        assert_int_equal(write(log_drain_fd(bench.pipe), text, sizeof(text)), sizeof(text));
        assert_true(event_base_loop(bench.base, EVLOOP_NONBLOCK) >= 0);
    }
    assert_int_equal(bench.lines, 1);
    json_t *root = json_loads(bench.last, JSON_REJECT_DUPLICATES, NULL);
    assert_true(json_is_true(json_object_get(root, "cut")));
    json_decref(root);
}

static void last_words_without_an_end_are_heard(void **state)
{
    (void)state;
    bench_say("assertion failed");
    assert_int_equal(bench.lines, 0);
    log_drain_flush(bench.pipe);
    assert_non_null(strstr(bench.last, "assertion failed"));
}

static void what_cannot_be_written_on_is_counted(void **state)
{
    (void)state;
    bench.stalled = true;
    bench_say("{\"a\":1}\nnoise\n");
    assert_int_equal(log_drain_dropped(bench.drain), 2);
    bench.stalled = false;
    bench_say("{\"a\":2}\n");
    assert_string_equal(bench.last, "{\"a\":2,\"process\":\"worker 7\"}\n");
}

static void who_writes_to_a_pipe_that_nobody_reads_does_not_wait(void **state)
{
    (void)state;
    static const char line[1024] = "{";
    ssize_t written;
    do
        written = write(log_drain_fd(bench.pipe), line, sizeof(line));
    while (written == (ssize_t)sizeof(line));
    assert_int_equal(written, -1);
    assert_int_equal(errno, EAGAIN);
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(lines_of_the_log_pass_with_whose_they_are, bench_init,
                                        bench_done),
        cmocka_unit_test_setup_teardown(nobody_speaks_for_another, bench_init, bench_done),
        cmocka_unit_test_setup_teardown(
            a_line_as_long_as_the_log_makes_them_is_passed_on_in_one_write, bench_init, bench_done),
        cmocka_unit_test_setup_teardown(a_line_in_pieces_passes_when_it_is_whole, bench_init,
                                        bench_done),
        cmocka_unit_test_setup_teardown(other_text_becomes_an_object_that_names_its_writer,
                                        bench_init, bench_done),
        cmocka_unit_test_setup_teardown(of_other_text_only_so_much_a_second_is_passed_on,
                                        bench_init, bench_done),
        cmocka_unit_test_setup_teardown(a_line_without_an_end_is_cut, bench_init, bench_done),
        cmocka_unit_test_setup_teardown(last_words_without_an_end_are_heard, bench_init,
                                        bench_done),
        cmocka_unit_test_setup_teardown(what_cannot_be_written_on_is_counted, bench_init,
                                        bench_done),
        cmocka_unit_test_setup_teardown(who_writes_to_a_pipe_that_nobody_reads_does_not_wait,
                                        bench_init, bench_done),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
