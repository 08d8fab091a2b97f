/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the table of roles promises of each kind of process, beside what the system enforces.
 */
#include <string.h>

#include "server/control/roles.h"
#include "tests/support/unit.h"

static bool sees(const struct role *role, const char *name)
{
    for (size_t i = 0; i < SPAWN_ENVIRONMENT_MAX && role->spawn.environment[i] != NULL; i++) {
        if (strcmp(role->spawn.environment[i], name) == 0)
            return true;
    }
    return false;
}

static size_t seen(const struct role *role)
{
    size_t count = 0;
    while (count < SPAWN_ENVIRONMENT_MAX && role->spawn.environment[count] != NULL)
        count++;
    return count;
}

static void who_serves_has_a_successor_and_who_builds_has_none(void **state)
{
    (void)state;
    for (enum role_id role = 0; role < ROLE_COUNT; role++)
        assert_int_equal(roles[role].restart, role == ROLE_BUILDER || role == ROLE_PREPARE
                                                  ? ROLE_RESTART_NEVER
                                                  : ROLE_RESTART_ALWAYS);
}

static void each_is_this_program_under_a_verb_of_its_own(void **state)
{
    (void)state;
    assert_string_equal(roles[ROLE_WORKER].spawn.verb, WORKER_VERB);
    assert_string_equal(roles[ROLE_BUILDER].spawn.verb, DEPLOY_BUILDER_VERB);
    assert_string_equal(roles[ROLE_KEYS].spawn.verb, KEYS_VERB);
    for (enum role_id role = 0; role < ROLE_COUNT; role++)
        assert_string_equal(roles[role].spawn.executable, SPAWN_EXECUTABLE);
}

static void its_descriptors_are_those_that_its_verb_reads(void **state)
{
    (void)state;
    assert_int_equal(WORKER_BOOT_FD + roles[ROLE_WORKER].fd_count, WORKER_LISTEN_FD);
    assert_int_equal(DEPLOY_BUILDER_MODULE_FD + roles[ROLE_BUILDER].fd_count - 1,
                     DEPLOY_BUILDER_ORDER_FD);
    assert_int_equal(PREPARE_ORDER_FD + roles[ROLE_PREPARE].fd_count, PREPARE_FD_END);
    assert_int_equal(HELPER_BOOT_FD + roles[ROLE_KEYS].fd_count, HELPER_FD_END);
}

static void without_memory_an_upload_goes_first_and_control_last(void **state)
{
    (void)state;
    assert_in_range(roles[ROLE_KEYS].spawn.oom_score, 1, roles[ROLE_WORKER].spawn.oom_score - 1);
    assert_in_range(roles[ROLE_BUILDER].spawn.oom_score, roles[ROLE_WORKER].spawn.oom_score + 1,
                    1000);
}

/* A token in the environment, or a library to load first, is not for who runs guests. */
static void of_the_environment_only_place_and_language_are_seen(void **state)
{
    (void)state;
    for (enum role_id role = 0; role < ROLE_COUNT; role++) {
        /* Who prepares reads the operator's configuration, as control does. */
        assert_int_equal(seen(&roles[role]), role == ROLE_PREPARE ? 7 : 3);
        assert_true(sees(&roles[role], "PATH") && sees(&roles[role], "TZ") &&
                    sees(&roles[role], "LANG"));
    }
}

/* Control alone writes the store; a builder has nothing but the artifact it makes, and who keeps
 * secrets nothing but those. */
static void nobody_but_control_may_write_the_store(void **state)
{
    (void)state;
    assert_non_null(strstr(roles[ROLE_WORKER].paths, "store/data.mdb:r "));
    assert_non_null(strstr(roles[ROLE_WORKER].paths, "artifacts:r "));
    assert_non_null(strstr(roles[ROLE_WORKER].paths, "generation:r"));
    assert_string_equal(roles[ROLE_BUILDER].paths, "artifacts:w blobs:r");
    assert_string_equal(roles[ROLE_KEYS].paths, "vault:rw");
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_serves_has_a_successor_and_who_builds_has_none),
        cmocka_unit_test(each_is_this_program_under_a_verb_of_its_own),
        cmocka_unit_test(its_descriptors_are_those_that_its_verb_reads),
        cmocka_unit_test(without_memory_an_upload_goes_first_and_control_last),
        cmocka_unit_test(of_the_environment_only_place_and_language_are_seen),
        cmocka_unit_test(nobody_but_control_may_write_the_store),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
