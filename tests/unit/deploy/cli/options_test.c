/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Flags, environment, and where a client finds its server.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "deploy/cli/cli.h"
#include "tests/support/unit.h"

#define WORDS_MAX 40

/* Parses "show a -t b"; messages of wrong words go nowhere. */
static enum cli_exit parse(struct cli *cli, char *line)
{
    char *words[WORDS_MAX];
    int count = 0;
    for (char *at = strtok(line, " "); at != NULL; at = strtok(NULL, " "))
        words[count++] = at;
    words[count] = NULL;
    *cli = (struct cli){.verb = words[0], .program = "skerry test"};
    return cli_options_parse(cli, true, count, words);
}

static void clear_environment(void)
{
    assert_int_equal(unsetenv("SKERRY_URL"), 0);
    assert_int_equal(unsetenv("SKERRY_TENANT"), 0);
    assert_int_equal(setenv("SKERRY_DATA_DIR", "/nonexistent/data", 1), 0);
    assert_int_equal(setenv("XDG_CONFIG_HOME", "/nonexistent", 1), 0);
}

static void flags_may_stand_between_words(void **state)
{
    (void)state;
    struct cli cli;
    char line[] = "show -q a --tenant=t b --json -y";
    clear_environment();
    assert_int_equal(parse(&cli, line), CLI_OK);
    assert_int_equal(cli.options.positional_count, 2);
    assert_string_equal(cli.options.positional[0], "a");
    assert_string_equal(cli.options.positional[1], "b");
    assert_string_equal(cli.options.tenant, "t");
    assert_true(cli.options.quiet && cli.options.json && cli.options.yes);
    assert_false(cli.options.tenant_is_default);
}

static void the_server_is_where_the_nearest_word_says(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        const char *url; /* SKERRY_URL; NULL: not set */
        const char *base;
        const char *socket;
    } rows[] = {
        {"list", NULL, "http://localhost", "/nonexistent/data/admin.sock"},
        {"list", "unix:/a/b.sock", "http://localhost", "/a/b.sock"},
        {"list", "http://h:1/", "http://h:1", ""},
        {"list --url https://h", "unix:/a", "https://h", ""},
        {"list --data /other", "unix:/a", "http://localhost", "/other/admin.sock"},
        {"list --admin-socket /c.sock", "unix:/a", "http://localhost", "/c.sock"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct cli cli;
        char line[64];
        clear_environment();
        if (rows[i].url != NULL)
            assert_int_equal(setenv("SKERRY_URL", rows[i].url, 1), 0);
        (void)snprintf(line, sizeof(line), "%s", rows[i].line);
        assert_int_equal(parse(&cli, line), CLI_OK);
        assert_string_equal(cli.base, rows[i].base);
        assert_string_equal(cli.socket, rows[i].socket);
    }
}

static void wrong_flags_and_addresses_are_wrong_usage(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "list --nosuch", "list -t", "list --url ftp://h", "list --url unix:",
        "list 1 2 3 4 5 6 7 8 9 a b c d e f g h i j k l m n o p q r s t u v w x"};
    clear_environment();
    int before = dup(STDERR_FILENO);
    assert_true(before >= 0 && freopen("/dev/null", "we", stderr) != NULL);
    for (size_t i = 0; i < COUNT_OF(lines); i++) {
        struct cli cli;
        char line[128];
        (void)snprintf(line, sizeof(line), "%s", lines[i]);
        assert_int_equal(parse(&cli, line), CLI_USAGE);
    }
    (void)fflush(stderr);
    assert_true(dup2(before, STDERR_FILENO) >= 0);
    assert_int_equal(close(before), 0);
}

static void only_flags_of_its_help_are_a_verbs(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        enum cli_exit code;
    } cases[] = {
        {"logs -f --since 5m", CLI_OK},        {"logs --follow --help", CLI_OK},
        {"logs --since-when 5m", CLI_USAGE},   {"logs --reuse 5", CLI_USAGE},
        {"logs --reuse-for 5s", CLI_OK},       {"logs --percent 5", CLI_USAGE},
        {"logs --url unix:/x --json", CLI_OK}, {"logs --debug-log", CLI_USAGE},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char line[64];
        char *words[WORDS_MAX];
        int count = 0;
        (void)snprintf(line, sizeof(line), "%s", cases[i].line);
        for (char *at = strtok(line, " "); at != NULL; at = strtok(NULL, " "))
            words[count++] = at;
        words[count] = NULL;
        struct cli cli = {.verb = words[0],
                          .program = "skerry test",
                          .takes = {"NAME [-f] [--since T]",
                                    "  -f, --follow   go on\n --reuse-for T",
                                    "      --url URL\n      --json   it\n"}};
        clear_environment();
        assert_int_equal(cli_options_parse(&cli, false, count, words), cases[i].code);
    }
}

static void a_verb_without_a_rehearsal_says_so(void **state)
{
    (void)state;
    struct cli cli = {.program = "skerry test"};
    assert_int_equal(cli_refuse_rehearsal(&cli), CLI_OK);
    cli.options.dry_run = true;
    assert_int_equal(cli_refuse_rehearsal(&cli), CLI_USAGE);
}

static void hints_repeat_the_flags_that_were_given(void **state)
{
    (void)state;
    struct cli cli;
    char flags[CLI_FLAGS_BYTES];
    char line[] = "list -t acme --data /d";
    clear_environment();
    assert_int_equal(parse(&cli, line), CLI_OK);
    assert_string_equal(cli_flags(&cli, flags), " -t acme --data /d");
    char plain[] = "list";
    clear_environment();
    assert_int_equal(parse(&cli, plain), CLI_OK);
    assert_string_equal(cli_flags(&cli, flags), "");
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(flags_may_stand_between_words),
        cmocka_unit_test(the_server_is_where_the_nearest_word_says),
        cmocka_unit_test(wrong_flags_and_addresses_are_wrong_usage),
        cmocka_unit_test(only_flags_of_its_help_are_a_verbs),
        cmocka_unit_test(a_verb_without_a_rehearsal_says_so),
        cmocka_unit_test(hints_repeat_the_flags_that_were_given),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
