/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A tenant's domains through the API.
 */
#include "rig.h"

#include "deploy/api/api_private.h"

#define DOMAINS "/v1/tenants/default/domains"

static void an_operators_word_is_proof(void **state)
{
    (void)state;
    rig_put(&hello_rig, DOMAINS "/WWW.Example.com.", "{\"function\":\"hello\",\"tls\":\"acme\"}");
    assert_status(&hello_rig, 200);
    assert_string_equal(text_of(&hello_rig, "host"), "www.example.com");
    assert_string_equal(text_of(&hello_rig, "function"), "hello");
    assert_string_equal(text_of(&hello_rig, "tls"), "acme");
    assert_string_equal(text_of(&hello_rig, "proof"), "operator");
    assert_true(json_is_null(json_object_get(hello_rig.json, "challenge")));
    rig_put(&hello_rig, DOMAINS "/b%C3%BCcher.example", "");
    assert_status(&hello_rig, 200);
    assert_string_equal(text_of(&hello_rig, "host"), "xn--bcher-kva.example");
    rig_get(&hello_rig, DOMAINS);
    assert_int_equal(json_array_size(json_object_get(hello_rig.json, "domains")), 2);
    rig_get(&hello_rig, DOMAINS "?after=www.example.com");
    assert_int_equal(json_array_size(json_object_get(hello_rig.json, "domains")), 1);
    rig_send(&hello_rig, API_DELETE, DOMAINS "/www.example.com", bytes_make(NULL, 0));
    assert_status(&hello_rig, 200);
    rig_get(&hello_rig, DOMAINS "/www.example.com");
    assert_problem(&hello_rig, 404, "not_found");
    rig_send(&hello_rig, API_DELETE, DOMAINS "/www.example.com", bytes_make(NULL, 0));
    assert_problem(&hello_rig, 404, "not_found");
}

static void anybody_else_is_told_what_to_prove_it_with(void **state)
{
    (void)state;
    hello_rig.caller.verbs = RIG_DEPLOYER;
    rig_put(&hello_rig, DOMAINS "/*.example.com", "{\"function\":\"hello\"}");
    assert_status(&hello_rig, 202);
    assert_string_equal(text_of(&hello_rig, "proof"), "pending");
    const json_t *challenge = json_object_get(hello_rig.json, "challenge");
    assert_string_equal(json_string_value(json_object_get(challenge, "name")),
                        "_skerry.example.com");
    const char *value = json_string_value(json_object_get(challenge, "value"));
    assert_memory_equal(value, "skerry-domain=", 14);
    assert_int_equal(strlen(value), 14 + 32);
    rig_get(&hello_rig, DOMAINS "/*.example.com");
    assert_status(&hello_rig, 200);
    hello_rig.caller.verbs = API_VERBS_ALL;
    rig_put(&hello_rig, "/v1/tenants/acme/functions/f", "m1");
    rig_put(&hello_rig, "/v1/tenants/acme/domains/*.example.com", "{\"function\":\"f\"}");
    assert_status(&hello_rig, 200);
    rig_put(&hello_rig, DOMAINS "/*.example.com", "{}");
    assert_problem(&hello_rig, 409, "conflict");
    assert_string_equal(text_of(&hello_rig, "hint"), "it is tenant acme's");
    hello_rig.caller.verbs = RIG_DEPLOYER;
    rig_put(&hello_rig, DOMAINS "/*.example.com", "{}");
    assert_problem(&hello_rig, 409, "conflict");
    assert_string_equal(text_of(&hello_rig, "hint"), "");
}

static void hosts_that_are_nobodys_are_the_operators_to_give(void **state)
{
    (void)state;
    rig_put(&hello_rig, DOMAINS "/*", "{\"function\":\"hello\"}");
    assert_status(&hello_rig, 200);
    assert_string_equal(text_of(&hello_rig, "host"), "*");
    rig_put(&hello_rig, DOMAINS "/a.b", "{}");
    rig_get(&hello_rig, DOMAINS "?after=*");
    assert_int_equal(json_array_size(json_object_get(hello_rig.json, "domains")), 1);
    rig_put(&hello_rig, DOMAINS "/*", "{\"tls\":\"acme\"}");
    assert_problem(&hello_rig, 400, "bad_domain");
    hello_rig.caller.verbs = RIG_DEPLOYER;
    rig_put(&hello_rig, DOMAINS "/*", "{\"function\":\"hello\"}");
    assert_problem(&hello_rig, 403, "forbidden");
}

static void what_is_no_domain_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *path;
        const char *body;
        int status;
        const char *code;
    } rows[] = {
        {DOMAINS "/127.0.0.1", "{}", 400, "bad_host"},
        {DOMAINS "/a%2fb", "{}", 400, "bad_host"},
        {DOMAINS "/a%zz", "{}", 400, "bad_host"},
        {DOMAINS "/a%00b.c", "{}", 400, "bad_host"},
        {DOMAINS "/", "{}", 400, "bad_host"},
        {DOMAINS "/*.com", "{}", 400, "bad_host"},
        {DOMAINS "/localhost", "{}", 409, "conflict"},
        {DOMAINS "/*.acme.localhost", "{}", 409, "conflict"},
        {DOMAINS "/a.b", "[]", 400, "bad_domain"},
        {DOMAINS "/a.b", "{", 400, "bad_json"},
        {DOMAINS "/a.b", "{\"function\":1}", 400, "bad_domain"},
        {DOMAINS "/a.b", "{\"function\":\"No\"}", 400, "bad_domain"},
        {DOMAINS "/a.b", "{\"tls\":\"yes\"}", 400, "bad_domain"},
        {DOMAINS "/a.b", "{\"funktion\":\"hello\"}", 400, "bad_domain"},
        {DOMAINS "/a.b", "{\"function\":\"none\"}", 404, "not_found"},
        {DOMAINS "/a.b?x=1", "{}", 400, "bad_query"},
        {"/v1/tenants/none/domains/a.b", "{}", 404, "not_found"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        rig_put(&hello_rig, rows[i].path, rows[i].body);
        assert_problem(&hello_rig, rows[i].status, rows[i].code);
    }
    rig_get(&hello_rig, DOMAINS);
    assert_int_equal(json_array_size(json_object_get(hello_rig.json, "domains")), 0);
    rig_get(&hello_rig, DOMAINS "?after=-");
    assert_problem(&hello_rig, 400, "bad_query");
}

UNIT
{
    const struct CMUnitTest tests[] = {
        HELLO_TEST(an_operators_word_is_proof),
        HELLO_TEST(anybody_else_is_told_what_to_prove_it_with),
        HELLO_TEST(hosts_that_are_nobodys_are_the_operators_to_give),
        HELLO_TEST(what_is_no_domain_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
