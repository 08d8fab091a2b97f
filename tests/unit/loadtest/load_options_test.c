/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command line: defaults, every kind of value, and one clear line for each mistake.
 */
#include <stdlib.h>

#include "loadtest/load_options.h"
#include "tests/support/unit.h"

#define ARGUMENTS_MAX 160

/* Parses `verb` and the given words, up to NULL. */
static enum status
parse(const char *const *words, struct report *report, struct load_options *ret_options)
{
    static char verb[] = "loadtest";
    char *argv[ARGUMENTS_MAX] = {verb};
    int argc = 1;
    for (; *words != NULL; words++) {
        assert_true(argc < ARGUMENTS_MAX);
        argv[argc] = strdup(*words);
        assert_non_null(argv[argc++]);
    }
    *report = (struct report)REPORT_INIT;
    enum status status = load_options_parse(argc, argv, report, ret_options);
    ret_options->help = ret_options->help && status == STATUS_OK;
    while (argc > 1)
        free(argv[--argc]);
    return status;
}

#define PARSE(report, options, ...)                                                                \
    parse((const char *const[]){__VA_ARGS__, NULL}, (report), (options))

#define URL "--url", "http://localhost/"

static void a_url_and_a_rate_are_enough(void **state)
{
    (void)state;
    struct load_options options;
    struct report report;
    assert_int_equal(PARSE(&report, &options, URL, "--rate", "2000"), STATUS_OK);
    assert_int_equal(options.rate_millis, 2000000);
    assert_int_equal(options.duration_us, 10000000);
    assert_int_equal(options.connections, 50);
    assert_false(options.cold);
    assert_false(options.json);
}

static void values_may_be_attached_and_rates_may_have_fractions(void **state)
{
    (void)state;
    struct load_options options;
    struct report report;
    assert_int_equal(PARSE(&report, &options, "--url=http://localhost/?a=b", "--rate=0.5",
                           "--duration=2m", "--warmup=500ms", "--json"),
                     STATUS_OK);
    assert_int_equal(options.rate_millis, 500);
    assert_int_equal(options.duration_us, 120000000);
    assert_int_equal(options.warmup_us, 500000);
    assert_true(options.json);
}

static void rate_max_is_a_closed_loop(void **state)
{
    (void)state;
    struct load_options options;
    struct report report;
    assert_int_equal(PARSE(&report, &options, URL, "--rate", "max"), STATUS_OK);
    assert_int_equal(options.rate_millis, 0);
}

static void cold_needs_nothing_else(void **state)
{
    (void)state;
    struct load_options options;
    struct report report;
    assert_int_equal(PARSE(&report, &options, "--cold"), STATUS_OK);
    assert_int_equal(options.connections, 1);
    assert_int_equal(options.functions, 200);
    assert_int_equal(options.rate_millis, 0);
    assert_string_equal(options.url, "http://127.0.0.1:8080/");
}

static void help_is_given_without_a_url(void **state)
{
    (void)state;
    struct load_options options;
    struct report report;
    assert_int_equal(PARSE(&report, &options, "--help"), STATUS_OK);
    assert_true(options.help);
    struct buffer text;
    buffer_init(&text, 65536);
    assert_int_equal(load_options_print_help("bench", &text), STATUS_OK);
    assert_non_null(memmem(text.data, text.count, "skerry bench --url URL", 22));
    assert_non_null(memmem(text.data, text.count, "--functions N", 13));
    buffer_done(&text);
}

static void each_mistake_is_named_in_one_line(void **state)
{
    (void)state;
    static const struct {
        const char *words[8];
        const char *expected;
    } cases[] = {
        {{"--rate", "5"}, "--url is missing"},
        {{URL}, "--rate is missing"},
        {{URL, "--rate"}, "--rate needs a value"},
        {{URL, "--rat", "5"}, "'--rat' is not an option"},
        {{URL, "stray", "--rate", "5"}, "'stray' is not an option"},
        {{URL, "--rate", "0"}, "--rate: '0'"},
        {{URL, "--rate", "1000001"}, "--rate: '1000001'"},
        {{URL, "--rate", "nan"}, "--rate: 'nan'"},
        {{URL, "--rate", "1e3"}, "--rate: '1e3'"},
        {{URL, "--rate", "-1"}, "--rate: '-1'"},
        {{URL, "--rate", "5", "--duration", "10"}, "--duration: '10'"},
        {{URL, "--rate", "5", "--duration", "0s"}, "--duration: '0s'"},
        {{URL, "--rate", "5", "--duration", "61m"}, "--duration: '61m'"},
        {{URL, "--rate", "5", "--connections", "0"}, "from 1 to 10000"},
        {{URL, "--rate", "5", "--connections", "10001"}, "from 1 to 10000"},
        {{URL, "--rate", "5", "--connections", "5x"}, "from 1 to 10000"},
        {{URL, "--rate", "5", "--json=yes"}, "--json takes no value"},
        {{URL, "--rate", "5", "-H", "x"}, "-H: 'x'"},
        {{URL, "--rate", "5", "--method", "G T"}, "--method: 'G T'"},
        {{URL, "--rate", "5", "--keep"}, "go with --cold"},
        {{URL, "--rate", "max", "--poisson"}, "--poisson needs"},
        {{"--cold", "--functions", "0"}, "--functions: '0'"},
        {{"--cold", "--functions", "100001"}, "from 1 to 100000"},
        {{"--cold", "--tenant", "Big"}, "--tenant: 'Big'"},
        {{"--cold", "--tenant", "a/b"}, "--tenant: 'a/b'"},
        {{"--cold", "--tenant", "-a"}, "--tenant: '-a'"},
        {{"--cold", "-t", "a_b"}, "--tenant: 'a_b'"},
        {{"--cold", "--warmup", "1s"}, "do not go with --cold"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct load_options options;
        struct report report;
        assert_int_equal(parse(cases[i].words, &report, &options), STATUS_USAGE);
        if (strstr(report.text, cases[i].expected) == NULL)
            fail_msg("'%s' does not say '%s'", report.text, cases[i].expected);
        assert_null(strchr(report.text, '\n'));
    }
}

static void headers_add_up_to_their_cap(void **state)
{
    (void)state;
    const char *words[ARGUMENTS_MAX] = {URL, "--rate", "1"};
    size_t count = 4;
    for (int i = 0; i < LOADTEST_HEADERS_MAX; i++) {
        words[count++] = "-H";
        words[count++] = "X: y";
    }
    struct load_options options;
    struct report report;
    assert_int_equal(parse(words, &report, &options), STATUS_OK);
    assert_int_equal(options.header_count, LOADTEST_HEADERS_MAX);
    words[count++] = "-H";
    words[count++] = "X: y";
    assert_int_equal(parse(words, &report, &options), STATUS_USAGE);
}

static void a_body_makes_the_method_post(void **state)
{
    (void)state;
    struct load_options options;
    struct report report;
    assert_int_equal(PARSE(&report, &options, URL, "--rate", "1", "--body", "f"), STATUS_OK);
    assert_string_equal(options.method, "POST");
    assert_int_equal(PARSE(&report, &options, URL, "--rate", "1"), STATUS_OK);
    assert_string_equal(options.method, "GET");
}

static void the_environment_names_the_server_unless_a_flag_does(void **state)
{
    struct report report;
    struct load_options options;
    (void)state;
    assert_int_equal(setenv("SKERRY_URL", "unix:/run/a.sock", 1), 0);
    assert_int_equal(PARSE(&report, &options, "--cold"), STATUS_OK);
    assert_string_equal(options.admin_socket, "/run/a.sock");
    assert_int_equal(PARSE(&report, &options, "--cold", "--admin-socket", "b.sock"), STATUS_OK);
    assert_ptr_not_equal(options.admin_socket, strchr(getenv("SKERRY_URL"), '/'));
    assert_int_equal(PARSE(&report, &options, "--cold", "--data", "c"), STATUS_OK);
    assert_null(options.admin_socket);
    assert_int_equal(setenv("SKERRY_URL", "http://127.0.0.1:1", 1), 0);
    assert_int_equal(PARSE(&report, &options, "--cold"), STATUS_OK);
    assert_null(options.admin_socket);
    assert_int_equal(unsetenv("SKERRY_URL"), 0);
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_url_and_a_rate_are_enough),
        cmocka_unit_test(values_may_be_attached_and_rates_may_have_fractions),
        cmocka_unit_test(rate_max_is_a_closed_loop),
        cmocka_unit_test(cold_needs_nothing_else),
        cmocka_unit_test(help_is_given_without_a_url),
        cmocka_unit_test(each_mistake_is_named_in_one_line),
        cmocka_unit_test(headers_add_up_to_their_cap),
        cmocka_unit_test(a_body_makes_the_method_post),
        cmocka_unit_test(the_environment_names_the_server_unless_a_flag_does),
    };
    (void)unsetenv("SKERRY_TENANT");
    (void)unsetenv("SKERRY_URL");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
