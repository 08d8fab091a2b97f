/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A function's routes through the API.
 */
#include "rig.h"

#include "deploy/api/api_private.h"

static void a_route_is_made_shown_and_removed(void **state)
{
    (void)state;
    rig_put(&hello_rig, HELLO "/routes/main",
            "{\"host\":\"A.b\",\"path\":\"/v1\",\"methods\":[\"GET\",\"POST\"]}");
    assert_status(&hello_rig, 200);
    assert_string_equal(text_of(&hello_rig, "host"), "a.b");
    assert_string_equal(text_of(&hello_rig, "path"), "/v1/*");
    assert_int_equal(json_array_size(json_object_get(hello_rig.json, "methods")), 2);
    rig_get(&hello_rig, HELLO "/routes");
    assert_int_equal(json_array_size(json_object_get(hello_rig.json, "routes")), 1);
    rig_get(&hello_rig, HELLO "/routes/main");
    assert_string_equal(text_of(&hello_rig, "id"), "main");
    rig_send(&hello_rig, API_DELETE, HELLO "/routes/main", bytes_make(NULL, 0));
    assert_status(&hello_rig, 200);
    rig_get(&hello_rig, HELLO "/routes/main");
    assert_problem(&hello_rig, 404, "not_found");
    rig_send(&hello_rig, API_DELETE, HELLO "/routes/main", bytes_make(NULL, 0));
    assert_problem(&hello_rig, 404, "not_found");
}

static void a_manifests_route_is_shown_and_left_alone(void **state)
{
    (void)state;
    rig_put_manifest(&hello_rig, HELLO, "{\"routes\":[{\"host\":\"a.b\"}]}");
    rig_get(&hello_rig, HELLO "/routes/manifest-1");
    assert_string_equal(text_of(&hello_rig, "host"), "a.b");
    rig_send(&hello_rig, API_DELETE, HELLO "/routes/manifest-1", bytes_make(NULL, 0));
    assert_problem(&hello_rig, 409, "conflict");
    rig_put(&hello_rig, HELLO "/routes/manifest-2", "{\"host\":\"c.d\"}");
    assert_problem(&hello_rig, 409, "conflict");
}

static void whose_a_host_is_only_an_operator_is_told(void **state)
{
    (void)state;
    rig_put(&hello_rig, "/v1/tenants/acme/functions/f", "m1");
    rig_put(&hello_rig, "/v1/tenants/acme/functions/f/routes/main", "{\"host\":\"a.b\"}");
    rig_put(&hello_rig, HELLO "/routes/main", "{\"host\":\"a.b\",\"path\":\"/x\"}");
    assert_problem(&hello_rig, 409, "conflict");
    assert_string_equal(text_of(&hello_rig, "hint"), "it is tenant acme's");
    hello_rig.caller.verbs = RIG_DEPLOYER;
    rig_put(&hello_rig, HELLO "/routes/main", "{\"host\":\"a.b\",\"path\":\"/x\"}");
    assert_problem(&hello_rig, 409, "conflict");
    assert_string_equal(text_of(&hello_rig, "hint"), "");
    assert_null(strstr(text_of(&hello_rig, "detail"), "acme"));
}

static void what_is_no_route_is_refused(void **state)
{
    (void)state;
    static const char *const bodies[] = {"",
                                         "[]",
                                         "{}",
                                         "{\"host\":\"127.0.0.1\"}",
                                         "{\"host\":\"a.b\",\"path\":\"x\"}",
                                         "{\"host\":\"a.b\",\"method\":[\"GET\"]}"};
    for (size_t i = 0; i < COUNT_OF(bodies); i++) {
        rig_put(&hello_rig, HELLO "/routes/main", bodies[i]);
        assert_problem(&hello_rig, 400, "bad_route");
    }
    rig_put(&hello_rig, HELLO "/routes/Main", "{\"host\":\"a.b\"}");
    assert_problem(&hello_rig, 400, "bad_name");
    rig_get(&hello_rig, "/v1/tenants/default/functions/none/routes");
    assert_problem(&hello_rig, 404, "not_found");
}

static void the_servers_own_hosts_are_reserved(void **state)
{
    (void)state;
    struct config config = {.domain = "fn.example", .public_url = "https://edge.example:444"};
    static const char *const taken[] = {"fn.example",     "a.b.fn.example", "edge.example",
                                        "x.edge.example", "localhost",      "f.t.localhost"};
    static const char *const free_ones[] = {"example", "xfn.example", "fn.example.org"};
    for (size_t i = 0; i < COUNT_OF(taken); i++)
        assert_true(api_host_is_reserved(&config, bytes_of_text(taken[i])));
    for (size_t i = 0; i < COUNT_OF(free_ones); i++)
        assert_false(api_host_is_reserved(&config, bytes_of_text(free_ones[i])));
    rig_put(&hello_rig, HELLO "/routes/main", "{\"host\":\"hello.acme.localhost\"}");
    assert_problem(&hello_rig, 409, "conflict");
}

UNIT
{
    const struct CMUnitTest tests[] = {
        HELLO_TEST(a_route_is_made_shown_and_removed),
        HELLO_TEST(a_manifests_route_is_shown_and_left_alone),
        HELLO_TEST(whose_a_host_is_only_an_operator_is_told),
        HELLO_TEST(what_is_no_route_is_refused),
        HELLO_TEST(the_servers_own_hosts_are_reserved),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
