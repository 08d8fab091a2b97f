/* SPDX-License-Identifier: Apache-2.0 */
/*
 * key: made once, shown, and used only while it is nobody else's; and what `deploy --sign` sends.
 */
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "deploy/cli/cli.h"
#include "tests/unit/deploy/cli/counter.h"

static char path[128];

static void make(struct counter *counter)
{
    (void)snprintf(path, sizeof(path), "%s/key.pem", counter->folder);
    COUNTER_RUN_ALONE(counter, "key", "create", path);
    assert_int_equal(counter->shown.exit_status, CLI_OK);
}

static void a_key_is_made_once_and_shown(void **state)
{
    struct counter *counter = *state;
    char shown[2 * SIGNATURE_KEY_BYTES + 1];
    struct stat facts;
    make(counter);
    (void)snprintf(shown, sizeof(shown), "%.64s", counter->shown.out);
    assert_int_equal(strspn(shown, "0123456789abcdef"), 2 * SIGNATURE_KEY_BYTES);
    assert_int_equal(stat(path, &facts), 0);
    assert_int_equal(facts.st_mode & 0777, 0600);
    COUNTER_RUN_ALONE(counter, "key", "create", path);
    assert_int_equal(counter->shown.exit_status, CLI_CONFLICT);
    COUNTER_RUN_ALONE(counter, "key", "show", path);
    assert_says(counter->shown.out, shown);
    assert_int_equal(unlink(path), 0);
    COUNTER_RUN_ALONE(counter, "key", "show", path);
    assert_int_equal(counter->shown.exit_status, CLI_NOT_FOUND);
    COUNTER_RUN_ALONE(counter, "key", "lose", path);
    assert_int_equal(counter->shown.exit_status, CLI_USAGE);
}

static void a_key_that_others_can_read_signs_nothing(void **state)
{
    struct counter *counter = *state;
    make(counter);
    assert_int_equal(chmod(path, 0604), 0);
    COUNTER_RUN_ALONE(counter, "deploy", counter->module, "--sign", path);
    assert_int_equal(counter->shown.exit_status, CLI_FAILED);
    assert_says(counter->shown.err, "others can read");
    assert_int_equal(chmod(path, 0600), 0);
    assert_int_equal(truncate(path, 20), 0);
    COUNTER_RUN_ALONE(counter, "deploy", counter->module, "--sign", path);
    assert_says(counter->shown.err, "no Ed25519 private key");
    assert_int_equal(unlink(path), 0);
}

static void a_signature_goes_with_the_upload(void **state)
{
    struct counter *counter = *state;
    static const struct counter_answer created[] = {
        {201, "{\"status\":\"created\",\"function\":\"hello\",\"version\":\"v1\"}"}};
    make(counter);
    COUNTER_RUN(counter, created, "deploy", counter->module, "--sign", path);
    assert_int_equal(counter->shown.exit_status, CLI_OK);
    const struct counter_request *request = &counter->page->requests[0];
    assert_string_equal(request->body, "module");
    assert_says(request->head, "Content-Type: application/wasm\r\n");
    const char *found = strstr(request->head, "Skerry-Signature: ");
    assert_non_null(found);
    assert_int_equal(strspn(found + strlen("Skerry-Signature: "), "0123456789abcdef"),
                     2 * SIGNATURE_BYTES);
    assert_int_equal(unlink(path), 0);
}

UNIT
{
    const struct CMUnitTest tests[] = {
        TEST_COUNTER(a_key_is_made_once_and_shown),
        TEST_COUNTER(a_key_that_others_can_read_signs_nothing),
        TEST_COUNTER(a_signature_goes_with_the_upload),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
