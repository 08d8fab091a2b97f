/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A library comes when one of its functions is called, or all that are wanted at once.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/late/late.h"
#include "tests/support/unit.h"
#include "tests/unit/server/late/late_user.h"

static bool is_loaded(const char *name)
{
    char line[1024];
    bool found = false;
    FILE *maps = fopen("/proc/self/maps", "re");
    assert_non_null(maps);
    while (fgets(line, sizeof(line), maps) != NULL)
        found = found || strstr(line, name) != NULL;
    assert_int_equal(fclose(maps), 0);
    return found;
}

static void the_first_call_loads_and_gets_all_arguments(void **state)
{
    (void)state;
    assert_false(is_loaded("/libjansson.so"));
    for (int round = 0; round < 2; round++) {
        char *text = late_user_numbers();
        assert_string_equal(text, "[1,2,3,4,5,6,7,0.5,2.25]");
        free(text);
    }
    assert_true(is_loaded("/libjansson.so"));
    assert_false(is_loaded("/libh2o-evloop.so"));
}

static void a_librarys_data_is_the_programs(void **state)
{
    (void)state;
    assert_int_equal(late_user_token_bytes(), 0);
    late_load_all();
    assert_int_equal(late_user_token_bytes(), sizeof("content-length") - 1);
    assert_true(late_user_shares_tokens());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_call_loads_and_gets_all_arguments),
        cmocka_unit_test(a_librarys_data_is_the_programs),
    };
    return cmocka_run_group_tests_name("server/late/late", tests, NULL, NULL);
}
