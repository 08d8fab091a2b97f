/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tokens: made once, told once, good for what they say and no longer.
 */
#include "rig.h"

static char token[256]; /* of the last answer */

static int prepare(void **state)
{
    struct rig *rig = malloc(sizeof(*rig));
    rig_init(rig);
    rig_put(rig, HELLO, "abc");
    rig_put(rig, "/v1/tenants/acme/functions/f", "abc");
    *state = rig;
    return 0;
}

static int finish(void **state)
{
    rig_done(*state);
    free(*state);
    return 0;
}

static void make(struct rig *rig, const char *body)
{
    rig_send(rig, API_POST, "/v1/tokens", bytes_of_text(body));
    (void)snprintf(token, sizeof(token), "%s", text_of(rig, "token"));
}

/* Who the last token makes its holder. */
static struct api_caller identify(const struct rig *rig, const char *text)
{
    struct api_caller caller = {0};
    api_identify(&rig->api, bytes_of_text(text), &caller);
    return caller;
}

static void a_token_is_good_for_what_it_was_made_for(void **state)
{
    struct rig *rig = *state;
    make(rig, "{\"tenant\":\"acme\",\"verbs\":[\"deploy\",\"read\"],\"functions\":[\"f\",\"g\"],"
              "\"note\":\"CI\"}");
    assert_status(rig, 201);
    assert_int_equal(strlen(token), 85);
    assert_string_equal(text_of(rig, "note"), "CI");
    const struct api_caller caller = identify(rig, token);
    assert_int_equal(caller.verbs, API_BIT(READ) | API_BIT(DEPLOY));
    assert_string_equal(caller.tenant, "acme");
    assert_memory_equal(caller.functions, "f\0g", 4);
    assert_int_equal(caller.functions_bytes, 4);
    assert_memory_equal(caller.who, "token ", 6);
    assert_true(api_caller_holds(&rig->api, &caller));
    /* What it is, is told no more. */
    rig_get(rig, "/v1/tokens");
    assert_status(rig, 200);
    const struct buffer *body = &rig->response.body;
    assert_null(memmem(body->data, body->count, token + 21, strlen(token + 21)));
    make(rig, "{\"verbs\":[\"admin\"]}");
    assert_int_equal(identify(rig, token).verbs, API_BIT(ADMIN) | API_BIT(OPERATOR));
    make(rig, "{\"verbs\":[\"admin\"],\"tenant\":\"acme\"}");
    assert_int_equal(identify(rig, token).verbs, API_BIT(ADMIN));
}

static void what_is_like_a_token_is_none(void **state)
{
    struct rig *rig = *state;
    static const char *const texts[] = {"", "skt_", "x", "skt_0123456789abcdef_"};
    make(rig, "{\"verbs\":[\"read\"]}");
    for (size_t i = 0; i < COUNT_OF(texts); i++)
        assert_int_equal(identify(rig, texts[i]).verbs, 0);
    for (size_t at = 0; token[at] != '\0'; at += 7) {
        char before = token[at];
        token[at] = before == '0' ? '1' : '0';
        assert_int_equal(identify(rig, token).verbs, 0);
        assert_int_equal(identify(rig, token).stranger, API_STRANGER_UNKNOWN);
        token[at] = before;
    }
    assert_int_equal(identify(rig, token).verbs, API_BIT(READ));
    token[84] = '\0';
    assert_int_equal(identify(rig, token).verbs, 0);
}

static void a_revoked_token_and_one_whose_time_is_over_are_nobodys(void **state)
{
    struct rig *rig = *state;
    char path[64];
    make(rig, "{\"verbs\":[\"read\"],\"expires\":\"10s\"}");
    const struct api_caller caller = identify(rig, token);
    assert_int_not_equal(caller.verbs, 0);
    rig->fixture.now_ns += 10 * CLOCK_NS_PER_S;
    assert_int_equal(identify(rig, token).verbs, 0);
    assert_int_equal(identify(rig, token).stranger, API_STRANGER_EXPIRED);
    assert_false(api_caller_holds(&rig->api, &caller));
    make(rig, "{\"verbs\":[\"read\"],\"expires\":\"2033-05-18T03:33:20Z\"}");
    assert_string_equal(text_of(rig, "expires"), "2033-05-18T03:33:20Z");
    const struct api_caller other = identify(rig, token);
    (void)snprintf(path, sizeof(path), "/v1/tokens/%s", other.token);
    rig_send(rig, API_DELETE, path, bytes_make(NULL, 0));
    assert_status(rig, 200);
    assert_int_equal(identify(rig, token).stranger, API_STRANGER_UNKNOWN);
    assert_false(api_caller_holds(&rig->api, &other));
    rig_send(rig, API_DELETE, path, bytes_make(NULL, 0));
    assert_problem(rig, 404, "not_found");
}

static void what_cannot_be_a_token_is_refused(void **state)
{
    struct rig *rig = *state;
    static const struct {
        const char *body;
        int status;
        const char *code;
    } rows[] = {
        {"", 400, "bad_token"},
        {"[]", 400, "bad_token"},
        {"{}", 400, "bad_token"},
        {"{\"verbs\":[]}", 400, "bad_token"},
        {"{\"verbs\":\"read\"}", 400, "bad_token"},
        {"{\"verbs\":[\"write\"]}", 400, "bad_token"},
        {"{\"verbs\":[\"none\"]}", 400, "bad_token"},
        {"{\"verbs\":[\"operator\"]}", 400, "bad_token"},
        {"{\"verbs\":[7]}", 400, "bad_token"},
        {"{\"verbs\":[\"read\"],\"verbs\":[\"admin\"]}", 400, "bad_json"},
        {"{\"verbs\":[\"read\"],\"verb\":1}", 400, "bad_token"},
        {"{\"verbs\":[\"read\"],\"tenant\":\"No\"}", 400, "bad_token"},
        {"{\"verbs\":[\"read\"],\"tenant\":7}", 400, "bad_token"},
        {"{\"verbs\":[\"read\"],\"tenant\":\"nobody\"}", 404, "not_found"},
        {"{\"verbs\":[\"read\"],\"functions\":[\"f\"]}", 400, "bad_token"},
        {"{\"verbs\":[\"read\"],\"tenant\":\"acme\",\"functions\":[]}", 400, "bad_token"},
        {"{\"verbs\":[\"read\"],\"tenant\":\"acme\",\"functions\":[\"F\"]}", 400, "bad_token"},
        {"{\"verbs\":[\"kv\"],\"tenant\":\"acme\",\"functions\":[\"f\"]}", 400, "bad_token"},
        {"{\"verbs\":[\"read\"],\"expires\":\"tomorrow\"}", 400, "bad_token"},
        {"{\"verbs\":[\"read\"],\"expires\":\"2001-01-01T00:00:00Z\"}", 400, "bad_token"},
        {"{\"verbs\":[\"read\"],\"expires\":\"2033-05-18T03:33:20+01:00\"}", 400, "bad_token"},
        {"{\"verbs\":[\"read\"],\"expires\":0}", 400, "bad_token"},
        {"{\"verbs\":[\"read\"],\"note\":\"a\\nb\"}", 400, "bad_token"},
    };
    uint32_t before = rig->fixture.committed_count;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        make(rig, rows[i].body);
        if (rig->response.status != rows[i].status)
            fail_msg("%s: %d", rows[i].body, rig->response.status);
        assert_problem(rig, rows[i].status, rows[i].code);
    }
    assert_int_equal(rig->fixture.committed_count, before);
}

static void a_tenants_admin_makes_no_token_that_may_more_than_its_own(void **state)
{
    struct rig *rig = *state;
    char path[64];
    make(rig, "{\"verbs\":[\"read\"],\"tenant\":\"default\"}");
    (void)snprintf(path, sizeof(path), "/v1/tokens/%s", text_of(rig, "id"));
    rig->caller.verbs = API_BIT(ADMIN) | API_BIT(READ);
    memcpy(rig->caller.tenant, "acme", 5);
    make(rig, "{\"verbs\":[\"read\"]}");
    assert_status(rig, 201);
    assert_string_equal(text_of(rig, "tenant"), "acme");
    make(rig, "{\"verbs\":[\"deploy\"]}");
    assert_problem(rig, 403, "forbidden");
    make(rig, "{\"verbs\":[\"read\"],\"tenant\":\"default\"}");
    assert_problem(rig, 404, "not_found");
    rig_get(rig, "/v1/tokens");
    assert_int_equal(json_array_size(json_object_get(rig->json, "tokens")), 1);
    rig_get(rig, "/v1/tokens?tenant=default");
    assert_problem(rig, 404, "not_found");
    rig_send(rig, API_DELETE, path, bytes_make(NULL, 0));
    assert_problem(rig, 404, "not_found");
}

static void an_operator_may_list_one_tenants_tokens(void **state)
{
    struct rig *rig = *state;
    make(rig, "{\"verbs\":[\"read\"],\"tenant\":\"default\"}");
    make(rig, "{\"verbs\":[\"read\"],\"tenant\":\"acme\"}");
    make(rig, "{\"verbs\":[\"read\"]}");
    rig_get(rig, "/v1/tokens");
    assert_int_equal(json_array_size(json_object_get(rig->json, "tokens")), 3);
    rig_get(rig, "/v1/tokens?tenant=acme");
    const json_t *tokens = json_object_get(rig->json, "tokens");
    assert_int_equal(json_array_size(tokens), 1);
    assert_string_equal(json_string_value(json_object_get(json_array_get(tokens, 0), "tenant")),
                        "acme");
    rig_get(rig, "/v1/tokens?tenant=A!");
    assert_problem(rig, 404, "not_found");
}

static void who_operates_nothing_makes_no_tenant_by_deploying(void **state)
{
    struct rig *rig = *state;
    rig->caller.verbs = RIG_DEPLOYER;
    rig_put(rig, "/v1/tenants/fresh/functions/f", "abc");
    assert_problem(rig, 404, "not_found");
    rig_put(rig, "/v1/tenants/acme/functions/g", "abc");
    assert_status(rig, 201);
}

static void a_caller_is_told_who_it_is(void **state)
{
    struct rig *rig = *state;
    rig_get(rig, "/v1/caller");
    assert_string_equal(text_of(rig, "who"), "uid 7");
    assert_int_equal(json_array_size(json_object_get(rig->json, "verbs")), 6);
    rig->caller = (struct api_caller){.verbs = API_BIT(KV)};
    rig_get(rig, "/v1/caller");
    assert_int_equal(json_array_size(json_object_get(rig->json, "verbs")), 1);
    rig->caller = (struct api_caller){.stranger = API_STRANGER_EXPIRED};
    rig_get(rig, "/v1/caller");
    assert_problem(rig, 401, "token_expired");
    rig->caller.stranger = API_STRANGER_TOO_OFTEN;
    rig_get(rig, "/v1/caller");
    assert_problem(rig, 429, "too_many_failures");
    assert_int_equal(rig->response.retry_after_s, 60);
}

#define WITH_RIG(test) cmocka_unit_test_setup_teardown(test, prepare, finish)

UNIT
{
    const struct CMUnitTest tests[] = {
        WITH_RIG(a_token_is_good_for_what_it_was_made_for),
        WITH_RIG(what_is_like_a_token_is_none),
        WITH_RIG(a_revoked_token_and_one_whose_time_is_over_are_nobodys),
        WITH_RIG(what_cannot_be_a_token_is_refused),
        WITH_RIG(a_tenants_admin_makes_no_token_that_may_more_than_its_own),
        WITH_RIG(an_operator_may_list_one_tenants_tokens),
        WITH_RIG(who_operates_nothing_makes_no_tenant_by_deploying),
        WITH_RIG(a_caller_is_told_who_it_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
