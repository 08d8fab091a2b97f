/* SPDX-License-Identifier: Apache-2.0 */
/*
 * function.yaml as canonical JSON: what goes in comes out, and says the same once more.
 */
#include <stdio.h>

#include "config/limits.h"
#include "deploy/manifest/manifest.h"
#include "tests/support/unit.h"

struct fixture {
    struct arena arena;
    struct buffer json;
    struct report report;
    struct deploy_manifest manifest;
};

static int setup(void **state)
{
    static struct fixture fixture;
    fixture = (struct fixture){.report = REPORT_INIT};
    arena_init(&fixture.arena, DEPLOY_MANIFEST_ARENA_BYTES);
    buffer_init(&fixture.json, DEPLOY_MANIFEST_BYTES_MAX * 8);
    *state = &fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    arena_done(&fixture->arena);
    buffer_done(&fixture->json);
    return 0;
}

static enum status from_yaml(struct fixture *fixture, const char *text)
{
    fixture->report = (struct report)REPORT_INIT;
    return deploy_manifest_from_yaml(bytes_of_text(text), "function.yaml", &fixture->arena,
                                     &fixture->report, &fixture->manifest);
}

static void expect_yaml_json(struct fixture *fixture, const char *yaml, const char *json)
{
    if (from_yaml(fixture, yaml) != STATUS_OK)
        fail_msg("%s", fixture->report.text);
    fixture->json.count = 0;
    assert_int_equal(deploy_manifest_to_json(&fixture->manifest, &fixture->json), STATUS_OK);
    assert_int_equal(buffer_append(&fixture->json, "", 1), STATUS_OK);
    assert_string_equal((const char *)fixture->json.data, json);
    /* What it became says the same once more. */
    struct bytes text = bytes_make(fixture->json.data, fixture->json.count - 1);
    struct buffer again;
    buffer_init(&again, DEPLOY_MANIFEST_BYTES_MAX * 8);
    if (deploy_manifest_from_json(text, &fixture->arena, &fixture->report, &fixture->manifest) !=
        STATUS_OK)
        fail_msg("%s", fixture->report.text);
    assert_int_equal(deploy_manifest_to_json(&fixture->manifest, &again), STATUS_OK);
    assert_true(bytes_equal(buffer_bytes(&again), text));
    buffer_done(&again);
}

static void every_key_goes_through_both_languages(void **state)
{
    expect_yaml_json(
        *state,
        "name: api                      # function\n"
        "main: build/api.wasm\n"
        "description: \"...\"\n"
        "routes: [{ host: API.example.com, path: /v1/*, methods: [GET, POST] }, {host: b.c}]\n"
        "steps: [auth, rewrite, api]\n"
        "origin: HTTPS://backend.example.com:443\n"
        "env: { GREETING: hi, A: 'a: \"b\"', NUMBER: 5 }\n"
        "secrets: [API_KEY]\n"
        "outbound: [\"https://api.example.com\", 'http://[::1]:8080']\n"
        "limits: { fuel: 100M, memory: 64MiB, wall: 5000ms }\n"
        "reuse: { requests: 1, for: 0s }\n",
        "{\"name\":\"api\",\"main\":\"build/api.wasm\",\"description\":\"...\",\"routes\":[{"
        "\"host\":\"api.example.com\",\"path\":\"/v1/*\",\"methods\":[\"GET\",\"POST\"]},{\"host\":"
        "\"b.c\",\"path\":\"/*\"}],\"steps\":[\"auth\",\"rewrite\",\"api\"],\"origin\":"
        "\"https://backend.example.com\",\"env\":{\"A\":\"a: \\\"b\\\"\",\"GREETING\":\"hi\","
        "\"NUMBER\":\"5\"},\"secrets\":[\"API_KEY\"],\"outbound\":[\"https://api.example.com\","
        "\"http://[::1]:8080\"],\"limits\":{\"fuel\":\"100M\",\"memory\":\"64MiB\",\"wall\":\"5s\"}"
        ",\"reuse\":{\"requests\":\"1\"}}");
}

static void what_says_nothing_is_nothing(void **state)
{
    expect_yaml_json(*state, "", "{}");
    expect_yaml_json(*state, "# nothing\n", "{}");
    expect_yaml_json(*state, "limits:\nenv: ~\nroutes: []\nname: null\n", "{}");
    expect_yaml_json(*state, "env: {EMPTY: , TILDE: ~}",
                     "{\"env\":{\"EMPTY\":\"\",\"TILDE\":\"\"}}");
}

static void the_reference_is_a_manifest_with_every_key(void **state)
{
    struct fixture *fixture = *state;
    struct buffer text;
    buffer_init(&text, DEPLOY_MANIFEST_BYTES_MAX);
    assert_int_equal(deploy_manifest_print_reference(&text), STATUS_OK);
    assert_int_equal(buffer_append(&text, "", 1), STATUS_OK);
    /* Of these two one manifest can have but one. */
    char *steps = strstr((char *)text.data, "\nsteps:");
    assert_non_null(steps);
    steps[1] = '#';
    if (from_yaml(fixture, (const char *)text.data) != STATUS_OK)
        fail_msg("%s", fixture->report.text);
    assert_int_equal(fixture->manifest.reuse.for_us, 10000000);
    assert_int_equal(fixture->manifest.native, CONFIG_CHOICE_OFF);
    buffer_done(&text);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

UNIT
{
    const struct CMUnitTest tests[] = {
        TEST(every_key_goes_through_both_languages),
        TEST(what_says_nothing_is_nothing),
        TEST(the_reference_is_a_manifest_with_every_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
