/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files through the API: contents first, then the version that names them.
 */
#include "tests/unit/deploy/api/rig.h"

#define ONE   "7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed" /* "one" */
#define OTHER "0000000000000000000000000000000000000000000000000000000000000000"
#define BLOBS "/v1/tenants/default/blobs/"
#define FILE_ROW(name, sha256, size)                                                               \
    "{\"name\":\"" name "\",\"sha256\":\"" sha256 "\",\"size\":" size "}"

static struct rig rig;

static int setup(void **state)
{
    (void)state;
    rig_init(&rig);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    rig_done(&rig);
    return 0;
}

static void put_one(void)
{
    rig_send(&rig, API_PUT, BLOBS ONE, bytes_of_text("one"));
    assert_status(&rig, 201);
}

static void what_is_missing_is_sent_and_then_is_not(void **state)
{
    (void)state;
    const struct bytes question = bytes_of_text("{\"sha256\":[\"" ONE "\"]}");
    rig_send(&rig, API_POST, BLOBS "missing", question);
    assert_status(&rig, 200);
    assert_int_equal(json_array_size(json_object_get(rig.json, "missing")), 1);
    put_one();
    assert_int_equal(number_of(&rig, "bytes"), 3);
    rig_send(&rig, API_POST, BLOBS "missing", question);
    assert_int_equal(json_array_size(json_object_get(rig.json, "missing")), 0);
}

static void a_version_has_the_files_that_were_sent(void **state)
{
    (void)state;
    const char *files = "{\"files\":[" FILE_ROW("a/b", ONE, "3") "]}";
    rig_put_files(&rig, HELLO, files);
    assert_problem(&rig, 409, "files_missing");
    put_one();
    rig_put_files(&rig, HELLO, files);
    assert_status(&rig, 201);
    rig_put_files(&rig, HELLO, files);
    assert_status(&rig, 200);
    assert_string_equal(text_of(&rig, "status"), "unchanged");
    rig_put_files(&rig, HELLO, "{\"files\":[" FILE_ROW("a/c", ONE, "3") "]}");
    assert_status(&rig, 201);
    rig_put_files(
        &rig, HELLO,
        "{\"files\":[" FILE_ROW("a/c", ONE, "3") "],\"assets\":[" FILE_ROW("x", ONE, "3") "]}");
    assert_status(&rig, 201);
}

static void lists_that_cannot_be_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *files;
        const char *part;
    } rows[] = {
        {"[]", "no JSON object"},
        {"{\"files\":{}}", "no list"},
        {"{\"files\":[{}]}", "has no `size` or no `sha256`"},
        {"{\"files\":[" FILE_ROW("../a", ONE, "3") "]}", "files[0]: the name `../a` has a segment"},
        {"{\"files\":[" FILE_ROW("/a", ONE, "3") "]}", "empty segment"},
        {"{\"files\":[" FILE_ROW("a\\u0001", ONE, "3") "]}", "control character"},
        {"{\"files\":[" FILE_ROW("a\\u0000b", ONE, "3") "]}", "no JSON object"},
        {"{\"files\":[" FILE_ROW("a", ONE, "-3") "]}", "has no `size`"},
        {"{\"files\":[" FILE_ROW("a", "12", "3") "]}", "no `sha256`"},
        {"{\"files\":[" FILE_ROW("a", ONE, "4") "]}", "another size"},
        {"{\"files\":[" FILE_ROW("a", ONE, "3") "," FILE_ROW("a", ONE, "3") "]}", "twice"},
        {"{\"assets\":[" FILE_ROW("a", ONE, "3") "," FILE_ROW("a/b", ONE, "3") "]}", "a folder"},
    };
    put_one();
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        rig_put_files(&rig, HELLO, rows[i].files);
        assert_problem(&rig, 422, "files");
        if (strstr(text_of(&rig, "detail"), rows[i].part) == NULL)
            fail_msg("%zu: %s", i, text_of(&rig, "detail"));
    }
}

static void limits_bound_files(void **state)
{
    (void)state;
    put_one();
    rig.config.limits.file_count = 1;
    rig_put_files(&rig, HELLO,
                  "{\"files\":[" FILE_ROW("a", ONE, "3") "," FILE_ROW("b", ONE, "3") "]}");
    assert_problem(&rig, 413, "too_many_files");
    rig_put_files(
        &rig, HELLO,
        "{\"files\":[" FILE_ROW("a", ONE, "3") "],\"assets\":[" FILE_ROW("b", ONE, "3") "]}");
    assert_problem(&rig, 413, "files_too_large");
    rig.config.limits.files_bytes = 2;
    rig_put_files(&rig, HELLO, "{\"files\":[" FILE_ROW("a", ONE, "3") "]}");
    assert_problem(&rig, 413, "files_too_large");
    rig.config.limits.tenant_files = 3;
    rig_send(&rig, API_PUT,
             BLOBS "3fc4ccfe745870e2c0d99f71f30ff0656c8dedd41cc1d7d3d376b0dbe685e2f3",
             bytes_of_text("two"));
    assert_problem(&rig, 413, "files_too_large");
    rig.config.limits.file = 2;
    rig_send(&rig, API_PUT, BLOBS ONE, bytes_of_text("one"));
    assert_problem(&rig, 413, "body_too_large");
}

static void a_blob_is_what_its_name_says(void **state)
{
    (void)state;
    rig_send(&rig, API_PUT, BLOBS OTHER, bytes_of_text("one"));
    assert_problem(&rig, 422, "blob_mismatch");
    rig_send(&rig, API_PUT, BLOBS "7692", bytes_of_text("one"));
    assert_problem(&rig, 400, "bad_name");
    rig_send(&rig, API_POST, BLOBS "missing", bytes_of_text("{\"sha256\":[\"12\"]}"));
    assert_problem(&rig, 400, "bad_request");
    rig_send(&rig, API_POST, BLOBS "missing", bytes_of_text("[1"));
    assert_problem(&rig, 400, "bad_json");
}

static void assets_fit_their_manifest(void **state)
{
    (void)state;
    put_one();
    rig_put_files(&rig, HELLO, "{\"assets\":[" FILE_ROW("_headers", ONE, "3") "]}");
    assert_problem(&rig, 422, "assets");
    rig_put_files(&rig, HELLO, "{\"assets\":[]}");
    assert_problem(&rig, 422, "assets");
    rig_put_files(&rig, HELLO, "{\"assets\":[" FILE_ROW("a", ONE, "3") "]}");
    assert_status(&rig, 201);
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_missing_is_sent_and_then_is_not, setup, teardown),
        cmocka_unit_test_setup_teardown(a_version_has_the_files_that_were_sent, setup, teardown),
        cmocka_unit_test_setup_teardown(lists_that_cannot_be_are_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(limits_bound_files, setup, teardown),
        cmocka_unit_test_setup_teardown(a_blob_is_what_its_name_says, setup, teardown),
        cmocka_unit_test_setup_teardown(assets_fit_their_manifest, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
