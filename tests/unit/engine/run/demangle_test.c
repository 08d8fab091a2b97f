/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rust's names become paths; all others, and whatever only looks like one, stay as they are.
 */
#include <stdlib.h>
#include <string.h>

#include "engine/engine.h"
#include "tests/support/unit.h"

#define HASH "17h0123456789abcdefE"

static void assert_shown(const char *name, const char *wanted)
{
    /* As long as it is, so that a sanitizer sees a read behind it. */
    size_t count = strlen(name);
    uint8_t *exact = malloc(count + 1);
    char text[ENGINE_DEMANGLE_BYTES];
    assert_non_null(exact);
    memcpy(exact, name, count);
    struct bytes shown = engine_demangle(bytes_make(exact, count), text);
    assert_int_equal(shown.count, strlen(wanted));
    assert_memory_equal(shown.data, wanted, shown.count);
    free(exact);
}

static void a_path_of_rust_is_shown_without_its_hash(void **state)
{
    (void)state;
    assert_shown("_ZN4core9panicking5panic" HASH, "core::panicking::panic");
    assert_shown("_ZN3foo" HASH ".llvm.1234", "foo");
    assert_shown("core::panicking::panic::h0123456789abcdef", "core::panicking::panic");
    assert_shown(
        "_ZN71_$LT$Test$u20$$u2b$$u20$$u27$static$u20$as$u20$foo..Bar$LT$Test$GT$$GT$3bar" HASH,
        "<Test + 'static as foo::Bar<Test>>::bar");
    assert_shown("_ZN9$RF$a$C$b2.c" HASH, "&a,b::.c");
    assert_shown("_ZN7$LP$$RP$" HASH, "_ZN7$LP$$RP$" HASH); /* its length is one too short */
    assert_shown("_ZN8$LP$$RP$" HASH, "()");
    assert_shown("_ZN8$SP$$BP$" HASH, "@*");
}

static void what_is_none_stays_as_it_is(void **state)
{
    (void)state;
    static const char *const names[] = {
        "",
        "_start",
        "main",
        "_ZN",
        "_ZNE",
        "_ZN3fooE",
        "_ZN3foo3barEv",
        "_ZNK3foo3bar" HASH,
        "_ZN" HASH,
        "_ZN3foo17h0123456789abcdeE",
        "_ZN3foo17h0123456789abcdef",
        "_ZN3foo17h0123456789abcdegE",
        "_ZN3foo17x0123456789abcdefE",
        "_ZN99999999999999999999999999foo" HASH,
        "_ZN0" HASH,
        "_ZN3fo",
        "::h0123456789abcdef",
        "foo:h0123456789abcdef",
        "foo::h0123456789abcdeg",
        "foo::bar(int)",
    };
    for (size_t i = 0; i < COUNT_OF(names); i++)
        assert_shown(names[i], names[i]);
}

static void escapes_that_are_none_are_shown(void **state)
{
    (void)state;
    assert_shown("_ZN4$XX$" HASH, "$XX$");
    assert_shown("_ZN5$u0a$" HASH, "$u0a$"); /* no control bytes */
    assert_shown("_ZN5$u7f$" HASH, "$u7f$");
    assert_shown("_ZN1$" HASH, "$");
    assert_shown("_ZN2a$" HASH, "a$");
    assert_shown("_ZN2$$" HASH, "$$");
}

static void a_long_name_is_cut(void **state)
{
    (void)state;
    char name[1200] = "_ZN";
    char wanted[ENGINE_DEMANGLE_BYTES + 1] = "";
    for (int i = 0; i < 150; i++)
        strcat(name, "5ab..c"); /* NOLINT(clang-analyzer-security.insecureAPI.strcpy) */
    strcat(name, HASH);         /* NOLINT(clang-analyzer-security.insecureAPI.strcpy) */
    for (size_t i = 0; i < ENGINE_DEMANGLE_BYTES; i++)
        wanted[i] = "ab::c::"[i % 7];
    assert_shown(name, wanted);
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_path_of_rust_is_shown_without_its_hash),
        cmocka_unit_test(what_is_none_stays_as_it_is),
        cmocka_unit_test(escapes_that_are_none_are_shown),
        cmocka_unit_test(a_long_name_is_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
