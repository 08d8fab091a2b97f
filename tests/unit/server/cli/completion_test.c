/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Scripts of three shells from one help.
 */
#include "server/cli/completion.h"
#include "tests/support/unit.h"

static const char help[] = "usage: skerry VERB ...\n\nthe server:\n  serve       run it\n"
                           "\n  list        a tenant's \\ functions\n    not a verb\n  bare";

/* NULL: there is no such shell. */
static const char *script(const char *shell)
{
    static char text[8192];
    struct buffer out;
    buffer_init(&out, sizeof(text) - 1);
    enum status status = completion_write(shell, bytes_of_text(help), &out);
    memcpy(text, out.data == NULL ? (const uint8_t *)"" : out.data, out.count);
    text[out.count] = '\0';
    buffer_done(&out);
    return status == STATUS_OK ? text : NULL;
}

static void each_shell_knows_the_helps_verbs(void **state)
{
    (void)state;
    assert_non_null(strstr(script("bash"), "compgen -W \" serve list bare\" --"));
    assert_non_null(strstr(script("zsh"), "compgen -W \" serve list bare\" --"));
    assert_int_equal(strncmp(script("zsh"), "#compdef skerry\n", 16), 0);
    assert_non_null(strstr(script("fish"), "-a serve -d 'run it'\n"));
    assert_non_null(strstr(script("fish"), "-a list -d 'a tenant\\'s \\\\ functions'\n"));
    assert_non_null(strstr(script("fish"), "-a bare -d ''\n"));
    assert_null(strstr(script("fish"), "-a not"));
    assert_null(script("csh"));
    assert_null(script(""));
}

static void without_room_there_is_no_script(void **state)
{
    (void)state;
    static const char *const shells[] = {"bash", "zsh", "fish"};
    for (size_t i = 0; i < COUNT_OF(shells); i++) {
        for (size_t room = 0; room < 200; room += 10) {
            struct buffer out;
            buffer_init(&out, room);
            assert_int_equal(completion_write(shells[i], bytes_of_text(help), &out), STATUS_LIMIT);
            buffer_done(&out);
        }
    }
}

static void assert_nearest(const char *verb, const char *wanted)
{
    struct bytes near = completion_nearest(verb, bytes_of_text(help));
    assert_int_equal(near.count, strlen(wanted));
    assert_memory_equal(near.data == NULL ? (const void *)wanted : near.data, wanted, near.count);
}

static void a_verb_that_is_misspelled_is_found(void **state)
{
    (void)state;
    assert_nearest("serve", "serve");
    assert_nearest("srve", "serve");
    assert_nearest("sevre", "serve");
    assert_nearest("lits", "list");
    assert_nearest("not", "");
    assert_nearest("frobnicate", "");
    assert_nearest("", "");
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_shell_knows_the_helps_verbs),
        cmocka_unit_test(a_verb_that_is_misspelled_is_found),
        cmocka_unit_test(without_room_there_is_no_script),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
