/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signed uploads by the API: who says whose signature is wanted, and what is refused without.
 */
#include "rig.h"

#include <openssl/evp.h>

#include "engine/base/hex.h"

#define ACME    "/v1/tenants/acme"
#define SIGNERS ACME "/signers"
#define UPLOAD  ACME "/functions/f"

static struct rig rig;
static EVP_PKEY *key;
static char public[2 * SIGNATURE_KEY_BYTES + 1];
static char signature[2 * SIGNATURE_BYTES + 1];

static int setup(void **state)
{
    (void)state;
    uint8_t bytes[SIGNATURE_KEY_BYTES] = {7};
    size_t count = sizeof(bytes);
    memset(&rig, 0, sizeof(rig));
    rig_init(&rig);
    key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, bytes, count);
    assert_non_null(key);
    assert_int_equal(EVP_PKEY_get_raw_public_key(key, bytes, &count), 1);
    hex_encode(bytes, count, public);
    rig_send(&rig, API_PUT, ACME, bytes_of_text("{}"));
    assert_status(&rig, 201);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    EVP_PKEY_free(key);
    rig_done(&rig);
    return 0;
}

static void demand(void)
{
    char body[192];
    (void)snprintf(body, sizeof(body), "{\"keys\":[\"%s\",\"%s\"]}", public, public);
    rig_send(&rig, API_PUT, SIGNERS, bytes_of_text(body));
    assert_status(&rig, 200);
}

/* The body is signed, as acme's f. */
static void sign(const char *body)
{
    char text[SIGNATURE_STATEMENT_BYTES];
    uint8_t bytes[SIGNATURE_BYTES];
    size_t count = sizeof(bytes);
    const struct signature_upload upload = {.tenant = bytes_of_text("acme"),
                                            .function = bytes_of_text("f"),
                                            .type = rig.content_type,
                                            .body = bytes_of_text(body)};
    size_t text_count = signature_statement(&upload, text);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    assert_int_equal(EVP_DigestSignInit(context, NULL, NULL, NULL, key), 1);
    assert_int_equal(EVP_DigestSign(context, bytes, &count, (const uint8_t *)text, text_count), 1);
    EVP_MD_CTX_free(context);
    hex_encode(bytes, sizeof(bytes), signature);
    rig.signature = bytes_of_text(signature);
}

static void keys_are_shown_as_they_were_set(void **state)
{
    (void)state;
    rig_get(&rig, SIGNERS);
    assert_int_equal(json_array_size(json_object_get(rig.json, "keys")), 0);
    demand();
    rig_get(&rig, ACME);
    const json_t *rows = json_object_get(rig.json, "signers");
    assert_int_equal(json_array_size(rows), 1); /* once, though it was named twice */
    assert_string_equal(json_string_value(json_array_get(rows, 0)), public);
    rig_get(&rig, "/v1/tenants/nobody/signers");
    assert_problem(&rig, 404, "not_found");
    rig_send(&rig, API_PUT, "/v1/tenants/nobody/signers", bytes_of_text("{\"keys\":[]}"));
    assert_problem(&rig, 404, "not_found");
}

static void who_deploys_does_not_say_whose_signature_is_wanted(void **state)
{
    (void)state;
    demand();
    rig.caller.verbs = RIG_DEPLOYER;
    rig_send(&rig, API_PUT, SIGNERS, bytes_of_text("{\"keys\":[]}"));
    assert_problem(&rig, 403, "forbidden");
    rig.caller.verbs = RIG_DEPLOYER | API_BIT(ADMIN);
    rig_send(&rig, API_PUT, SIGNERS, bytes_of_text("{\"keys\":[]}"));
    assert_status(&rig, 200);
}

static void what_is_no_list_of_keys_is_refused(void **state)
{
    (void)state;
    static const char *const bodies[] = {
        "",
        "{}",
        "[]",
        "{\"keys\":1}",
        "{\"keys\":[1]}",
        "{\"keys\":[\"\"]}",
        "{\"keys\":[],\"more\":1}",
        "{\"keys\":[\"0123\"]}",
        "{\"keys\":[\"ABCDEF6789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\"]}"};
    for (size_t i = 0; i < COUNT_OF(bodies); i++) {
        rig_send(&rig, API_PUT, SIGNERS, bytes_of_text(bodies[i]));
        assert_problem(&rig, 400, "bad_json");
    }
}

static void only_what_is_signed_is_built(void **state)
{
    (void)state;
    demand();
    rig_put(&rig, UPLOAD, "m1");
    assert_problem(&rig, 403, "signature_required");
    assert_int_equal(rig.step, API_ANSWERED);
    sign("m1");
    rig_put(&rig, UPLOAD, "m2");
    assert_problem(&rig, 403, "bad_signature");
    rig_put(&rig, ACME "/functions/g", "m1");
    assert_problem(&rig, 403, "bad_signature");
    rig_put(&rig, UPLOAD "?activate=0", "m1");
    assert_problem(&rig, 403, "bad_signature");
    rig.signature.count--;
    rig_put(&rig, UPLOAD, "m1");
    assert_problem(&rig, 403, "bad_signature");
    rig.signature.count++;
    signature[5] = signature[5] == '0' ? '1' : '0';
    rig_put(&rig, UPLOAD, "m1");
    assert_problem(&rig, 403, "bad_signature");
    assert_int_equal(rig.published_count, 0);
    sign("m1");
    rig_put(&rig, UPLOAD, "m1");
    assert_status(&rig, 201);
    rig_get(&rig, "/v1/audit?tenant=acme&limit=1");
    const json_t *row = json_array_get(json_object_get(rig.json, "records"), 0);
    assert_string_equal(json_string_value(json_object_get(row, "signed_by")), public);
}

/* What was taken before stays, and can be live again. */
static void a_rollback_asks_for_no_signature(void **state)
{
    (void)state;
    rig_put(&rig, UPLOAD, "m1");
    assert_status(&rig, 201);
    demand();
    sign("m2");
    rig_put(&rig, UPLOAD, "m2");
    assert_status(&rig, 201);
    rig_send(&rig, API_POST, UPLOAD "/rollback", bytes_of_text("{}"));
    assert_status(&rig, 200);
    sign("m3");
    rig_send(&rig, API_PUT, SIGNERS, bytes_of_text("{\"keys\":[]}"));
    rig.signature = bytes_make(NULL, 0);
    rig_put(&rig, UPLOAD, "m3");
    assert_status(&rig, 201);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

UNIT
{
    const struct CMUnitTest tests[] = {
        TEST(keys_are_shown_as_they_were_set),
        TEST(who_deploys_does_not_say_whose_signature_is_wanted),
        TEST(what_is_no_list_of_keys_is_refused),
        TEST(only_what_is_signed_is_built),
        TEST(a_rollback_asks_for_no_signature),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
