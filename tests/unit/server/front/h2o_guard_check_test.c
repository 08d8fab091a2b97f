/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The installed libh2o calls this program's functions in place of its own: what a server asks
 * itself at its start, before it serves.
 */
#include "server/front/h2o_listen.h"
#include "tests/support/unit.h"

static void the_installed_library_asks_the_guard(void **state)
{
    (void)state;
    struct report report = REPORT_INIT;
    enum status status = h2o_listen_check(&report);
    if (status != STATUS_OK)
        print_error("%s\n", report.text);
    assert_int_equal(status, STATUS_OK);
}

static void it_can_be_asked_again(void **state)
{
    (void)state;
    struct report report = REPORT_INIT;
    for (int i = 0; i < 3; i++)
        assert_int_equal(h2o_listen_check(&report), STATUS_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_installed_library_asks_the_guard),
        cmocka_unit_test(it_can_be_asked_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
