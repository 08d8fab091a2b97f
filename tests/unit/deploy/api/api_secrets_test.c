/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Secrets over the API: what is wanted of the vault, and what is made of its answers.
 */
#include "rig.h"

#define SECRETS HELLO "/secrets"

static void what_is_wanted_has_names_and_verb(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig);
    rig_put(&rig, SECRETS "/API_KEY", "value");
    const struct api_vault *vault = &rig.response.vault;
    assert_int_equal(vault->verb, DEPLOY_VAULT_PUT);
    assert_true(bytes_equal_text(vault->tenant, "default"));
    assert_true(bytes_equal_text(vault->function, "hello"));
    assert_string_equal(vault->name, "API_KEY");
    rig_send(&rig, API_DELETE, SECRETS "/_a1", bytes_make(NULL, 0));
    assert_int_equal(vault->verb, DEPLOY_VAULT_REMOVE);
    assert_string_equal(vault->name, "_a1");
    rig_get(&rig, SECRETS);
    assert_int_equal(vault->verb, DEPLOY_VAULT_LIST);
    rig_send(&rig, API_POST, "/v1/secrets/rotate", bytes_make(NULL, 0));
    assert_int_equal(vault->verb, DEPLOY_VAULT_ROTATE);
    rig_done(&rig);
}

static void what_makes_no_sense_does_not_reach_the_vault(void **state)
{
    (void)state;
    struct rig rig;
    static char large[DEPLOY_SECRET_VALUE_BYTES_MAX + 2];
    static const char *const bad[] = {SECRETS "/1a", SECRETS "/a-b", SECRETS "/", SECRETS "/a%20"};
    rig_init(&rig);
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        rig_put(&rig, bad[i], "v");
        assert_problem(&rig, 400, "bad_name");
        assert_int_equal(rig.response.vault.verb, DEPLOY_VAULT_NONE);
    }
    memset(large, 'x', sizeof(large) - 1);
    rig_put(&rig, SECRETS "/A", large);
    assert_problem(&rig, 413, "body_too_large");
    rig_get(&rig, SECRETS "/A");
    assert_problem(&rig, 405, "method_not_allowed");
    rig_get(&rig, SECRETS "?x=1");
    assert_problem(&rig, 400, "bad_query");
    rig.caller.verbs = RIG_READER;
    rig_put(&rig, SECRETS "/A", "v");
    assert_problem(&rig, 403, "forbidden");
    rig.caller.verbs = RIG_DEPLOYER;
    rig_send(&rig, API_POST, "/v1/secrets/rotate", bytes_make(NULL, 0));
    assert_problem(&rig, 403, "forbidden");
    rig_done(&rig);
}

/* The body of the answer. */
static const char *
answer_of(enum deploy_vault_verb verb, enum status status, struct bytes text, int want)
{
    static char body[1024];
    const struct api_request request = {.id = "0123"};
    const struct api_vault vault = {.verb = verb, .name = "A"};
    struct api_response response;
    api_response_init(&response);
    api_vault_done(NULL, &request, &vault, status, text, &response);
    assert_int_equal(response.status, want);
    (void)snprintf(body, sizeof(body), "%.*s", (int)response.body.count,
                   (const char *)response.body.data);
    api_response_done(&response);
    return body;
}

static void what_the_vault_says_is_told_in_the_apis_words(void **state)
{
    (void)state;
    const struct bytes none = bytes_make(NULL, 0);
    const struct bytes names = bytes_make("A\0BC", 5);
    assert_non_null(strstr(answer_of(DEPLOY_VAULT_PUT, STATUS_OK, none, 200), "\"A\""));
    assert_non_null(strstr(answer_of(DEPLOY_VAULT_LIST, STATUS_OK, names, 200), "\"A\""));
    assert_non_null(strstr(answer_of(DEPLOY_VAULT_LIST, STATUS_OK, names, 200), "\"BC\""));
    assert_non_null(strstr(answer_of(DEPLOY_VAULT_LIST, STATUS_OK, none, 200), "[]"));
    assert_non_null(strstr(answer_of(DEPLOY_VAULT_ROTATE, STATUS_OK, none, 200), "true"));
    assert_non_null(
        strstr(answer_of(DEPLOY_VAULT_REMOVE, STATUS_NOT_FOUND, none, 404), "secret_not_found"));
    assert_non_null(
        strstr(answer_of(DEPLOY_VAULT_PUT, STATUS_UNREACHABLE, none, 503), "vault_unavailable"));
    assert_non_null(strstr(
        answer_of(DEPLOY_VAULT_PUT, STATUS_LIMIT, bytes_of_text("at most 64"), 409), "at most 64"));
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_wanted_has_names_and_verb),
        cmocka_unit_test(what_makes_no_sense_does_not_reach_the_vault),
        cmocka_unit_test(what_the_vault_says_is_told_in_the_apis_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
