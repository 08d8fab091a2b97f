/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Uploads with a manifest: what is kept of it, and what is refused.
 */
#include "rig.h"

static void a_manifest_belongs_to_its_version(void **state)
{
    (void)state;
    rig_put_manifest(&hello_rig, HELLO, "{\"limits\":{\"fuel\":\"5000\"},\"env\":{\"A\":1}}");
    assert_status(&hello_rig, 201);
    assert_string_equal(text_of(&hello_rig, "version"), "v2");
    assert_int_equal(number_of(&hello_rig, "module_bytes"), 2);
    rig_get(&hello_rig, HELLO);
    json_t *manifest = json_object_get(hello_rig.json, "manifest");
    assert_string_equal(
        json_string_value(json_object_get(json_object_get(manifest, "limits"), "fuel")), "5k");
    rig_get(&hello_rig, HELLO "/versions/v1");
    assert_true(json_is_null(json_object_get(hello_rig.json, "manifest")));
}

static void the_same_manifest_changes_nothing_and_another_is_another_version(void **state)
{
    (void)state;
    rig_put_manifest(&hello_rig, HELLO, "{\"env\":{\"A\":\"1\",\"B\":\"2\"}}");
    assert_string_equal(text_of(&hello_rig, "version"), "v2");
    rig_put_manifest(&hello_rig, HELLO, "{\"name\":null,\"env\":{\"B\":2,\"A\":1}}");
    assert_string_equal(text_of(&hello_rig, "status"), "unchanged");
    rig_put_manifest(&hello_rig, HELLO, "{\"env\":{\"A\":\"2\"}}");
    assert_string_equal(text_of(&hello_rig, "version"), "v3");
    rig_put(&hello_rig, HELLO, "m1");
    assert_string_equal(text_of(&hello_rig, "version"), "v4");
}

static void what_a_flag_says_goes_before_the_file(void **state)
{
    (void)state;
    rig_put_manifest(&hello_rig, HELLO, "{\"reuse\":{\"requests\":5,\"for\":\"3s\"}}");
    assert_int_equal(number_of(&hello_rig, "reuse_requests"), 5);
    assert_int_equal(number_of(&hello_rig, "reuse_us"), 3000000);
    rig_put_manifest(&hello_rig, HELLO "?reuse_requests=7",
                     "{\"reuse\":{\"requests\":5,\"for\":\"3s\"}}");
    assert_int_equal(number_of(&hello_rig, "reuse_requests"), 7);
    assert_int_equal(number_of(&hello_rig, "reuse_us"), 3000000);
}

static void a_manifest_that_cannot_be_is_refused_with_its_place(void **state)
{
    (void)state;
    static const struct {
        const char *manifest;
        const char *part;
    } rows[] = {
        {"{", "not JSON"},
        {"{\"native\":[]}", "native: must be one plain value"},
        {"{\"name\":\"other\"}", "another function than the path"},
        {"{\"limits\":{\"fuel\":\"2G\"}}", "limits.fuel: 2G is above the server's 1G"},
        {"{\"limits\":{\"memory\":\"1GiB\"}}", "limits.memory: 1GiB is above the server's 128MiB"},
        {"{\"limits\":{\"wall\":\"1h\"}}", "limits.wall: 1h is above the server's 10s"},
        {"{\"routes\":[{\"host\":\"a.b\"},{\"host\":\"x.y.LOCALHOST\"}]}",
         "routes[1].host: x.y.localhost is the server's own"},
        {"{\"steps\":[\"A\"]}", "steps[0]: `A` is no function's name"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        rig_put_manifest(&hello_rig, HELLO, rows[i].manifest);
        assert_problem(&hello_rig, 422, "manifest");
        if (strstr(text_of(&hello_rig, "detail"), rows[i].part) == NULL)
            fail_msg("%s", text_of(&hello_rig, "detail"));
    }
    rig_get(&hello_rig, HELLO);
    assert_string_equal(text_of(&hello_rig, "version"), "v1");
}

static void a_body_that_is_no_manifest_and_module_is_refused(void **state)
{
    (void)state;
    static const char *const bodies[] = {
        "", "--b\r\n\r\n{}\r\n--b\r\n\r\nm\r\n--b--",
        ("--b\r\nContent-Type: application/json\r\n\r\n{}\r\n--b\r\nContent-Type: text/plain\r\n"
         "\r\nm\r\n--b--")};
    hello_rig.content_type = bytes_of_text("multipart/related; boundary=b");
    for (size_t i = 0; i < COUNT_OF(bodies); i++) {
        rig_send(&hello_rig, API_PUT, HELLO, bytes_of_text(bodies[i]));
        assert_problem(&hello_rig, 400, "bad_multipart");
    }
    char large[1200];
    size_t count = (size_t)snprintf(
        large, sizeof(large),
        "--b\r\nContent-Type: application/json\r\n\r\n{}\r\n--b\r\n\r\n%01001d\r\n--b--", 0);
    rig_send(&hello_rig, API_PUT, HELLO, bytes_make(large, count));
    assert_problem(&hello_rig, 413, "module_too_large");
    hello_rig.content_type = bytes_of_text("multipart/mixed; boundary=b");
    rig_send(&hello_rig, API_PUT, HELLO, bytes_of_text(bodies[0]));
    assert_problem(&hello_rig, 415, "unsupported_media_type");
}

static void a_taken_route_keeps_the_version_from_becoming_live(void **state)
{
    (void)state;
    rig_put_manifest(&hello_rig, "/v1/tenants/acme/functions/hello",
                     "{\"routes\":[{\"host\":\"a.b\"}]}");
    assert_status(&hello_rig, 201);
    rig_put_manifest(&hello_rig, HELLO, "{\"routes\":[{\"host\":\"a.b\",\"path\":\"/x\"}]}");
    assert_problem(&hello_rig, 409, "conflict");
    rig_put_manifest(&hello_rig, HELLO "?activate=0",
                     "{\"routes\":[{\"host\":\"a.b\",\"path\":\"/x\"}]}");
    assert_status(&hello_rig, 201);
    rig_send(&hello_rig, API_POST, HELLO "/rollback", bytes_of_text("{\"to\":\"v2\"}"));
    assert_problem(&hello_rig, 409, "conflict");
}

UNIT
{
    const struct CMUnitTest tests[] = {
        HELLO_TEST(a_manifest_belongs_to_its_version),
        HELLO_TEST(the_same_manifest_changes_nothing_and_another_is_another_version),
        HELLO_TEST(what_a_flag_says_goes_before_the_file),
        HELLO_TEST(a_manifest_that_cannot_be_is_refused_with_its_place),
        HELLO_TEST(a_body_that_is_no_manifest_and_module_is_refused),
        HELLO_TEST(a_taken_route_keeps_the_version_from_becoming_live),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
