/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a person sees of the lines of the server that `skerry dev` has.
 */
#include "deploy/cli/project/dev.h"
#include "tests/support/capture.h"

static int show(int argc, char **argv)
{
    return cli_dev_show(bytes_of_text(argv[0]), argc > 1);
}

static void assert_shown(const char *line, const char *wanted)
{
    struct capture shown;
    CAPTURE(&shown, show, line);
    assert_string_equal(shown.out, wanted);
    assert_int_equal(shown.exit_status, 0);
}

static void a_request_is_shown_with_its_start_and_its_fuel(void **state)
{
    (void)state;
    assert_shown("{\"event\":\"access\",\"method\":\"GET\",\"path\":\"/f/default/hello/x/y\","
                 "\"status\":200,\"bytes\":10,\"fuel\":429,\"start\":\"new_version\","
                 "\"start_us\":73,\"run_us\":1591}",
                 "  GET /x/y  200  10 bytes  start new_version 0.07 ms  run 1.59 ms  fuel 429\n");
    assert_shown("{\"event\":\"access\",\"method\":\"GET\",\"path\":\"/\",\"status\":500,"
                 "\"bytes\":1,\"fuel\":7,\"start\":\"warm\",\"start_us\":0,\"run_us\":0,"
                 "\"code\":\"trap\"}",
                 "  GET /  500 trap  1 bytes  start warm 0.00 ms  run 0.00 ms  fuel 7\n");
}

static void a_guest_is_heard_and_steers_no_terminal(void **state)
{
    (void)state;
    assert_shown("{\"event\":\"guest\",\"level\":\"warn\",\"message\":\"a\\u001b[31mb\"}",
                 "  warn: a?[31mb\n");
    assert_shown("{\"event\":\"guest_fault\",\"level\":\"error\",\"code\":\"trap\","
                 "\"message\":\"unreachable\",\"frame0\":\"func 2 at 0x9d inner\"}",
                 "  trap: unreachable\n    func 2 at 0x9d inner\n");
}

static void of_the_server_only_what_is_serious_is_told(void **state)
{
    (void)state;
    struct capture shown;
    static const char died[] = "{\"event\":\"keys_died\",\"level\":\"error\",\"message\":\"m\"}";
    assert_shown("{\"event\":\"start\",\"level\":\"info\",\"message\":\"m\"}", "");
    assert_shown("admin     unix:/tmp/x", "");
    assert_shown(died, "server: keys_died: m\n");
    CAPTURE(&shown, show, died, "stopping");
    assert_string_equal(shown.out, "");
    assert_shown("skerry 0.1.0: 1 worker", "");
    assert_shown("skerry serve: it is in use", "skerry serve: it is in use\n");
    assert_shown("skerry: cannot listen", "skerry: cannot listen\n");
}

static void one_line_says_that_it_is_ready(void **state)
{
    (void)state;
    struct capture shown;
    CAPTURE(&shown, show, "ready");
    assert_int_equal(shown.exit_status, 1);
    assert_string_equal(shown.out, "");
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_is_shown_with_its_start_and_its_fuel),
        cmocka_unit_test(a_guest_is_heard_and_steers_no_terminal),
        cmocka_unit_test(of_the_server_only_what_is_serious_is_told),
        cmocka_unit_test(one_line_says_that_it_is_ready),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
