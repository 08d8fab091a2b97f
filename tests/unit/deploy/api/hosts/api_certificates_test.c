/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Certificates through the API: the key goes to the vault first, and the certificate is stored when
 * the vault has said that it keeps it.
 */
#include "../rig.h"

#include "deploy/api/api_private.h"
#include "tests/support/pem.h"

#define CERTIFICATES "/v1/certificates"

static struct rig rig;
static struct pem pem;
static char room[16384];

static int setup(void **state)
{
    (void)state;
    rig_init(&rig);
    pem_make(&pem, "EC", "DNS:a.test,DNS:*.b.test", 30, NULL);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    pem_free(&pem);
    rig_done(&rig);
    return 0;
}

/* What the vault says to what was asked; the answer is the rig's. */
static void vault_says(const char *path, struct bytes body, enum status status, const char *text)
{
    const struct api_request request = {
        .method = API_PUT, .path = path, .body = body, .caller = &rig.caller};
    const struct api_vault asked = rig.response.vault;
    api_response_done(&rig.response);
    api_response_init(&rig.response);
    api_vault_done(&rig.api, &request, &asked, status, bytes_of_text(text), &rig.response);
}

static void a_certificate_is_stored_when_its_key_is_kept(void **state)
{
    (void)state;
    struct bytes body = pem_join(pem.text, pem.key_text, room, sizeof(room));
    rig_send(&rig, API_PUT, CERTIFICATES "/A.test.", body);
    assert_int_equal(rig.response.vault.verb, DEPLOY_VAULT_KEY_PUT);
    assert_int_equal(rig.response.vault.value.count + 1, strlen(pem.key_text));
    vault_says(CERTIFICATES "/A.test.", body, STATUS_OK, "");
    assert_int_equal(rig.response.status, 200);
    rig_get(&rig, CERTIFICATES "/a.test");
    assert_string_equal(text_of(&rig, "origin"), "api");
    rig_get(&rig, CERTIFICATES);
    assert_int_equal(json_array_size(json_object_get(rig.json, "certificates")), 1);
    rig_send(&rig, API_DELETE, CERTIFICATES "/a.test", bytes_make(NULL, 0));
    assert_int_equal(rig.response.status, 200);
    rig_get(&rig, CERTIFICATES "/a.test");
    assert_problem(&rig, 404, "not_found");
}

static void add_domain(bool by_operator)
{
    struct report report = REPORT_INIT;
    const struct store_domain_order order = {.tenant = bytes_of_text("acme"),
                                             .host = bytes_of_text("a.test"),
                                             .challenge = "c",
                                             .by_operator = by_operator};
    assert_int_equal(store_set_domain(rig.api.store, &order, &report), STATUS_OK);
}

static void a_tenant_serves_a_domain_that_is_proven_with_its_own(void **state)
{
    (void)state;
    static const char path[] = "/v1/tenants/acme/certificates/a.test";
    struct bytes body = pem_join(pem.text, pem.key_text, room, sizeof(room));
    rig_put(&rig, "/v1/tenants/acme/functions/web", "module");
    rig_send(&rig, API_PUT, path, body);
    assert_problem(&rig, 409, "not_proven");
    add_domain(false);
    rig_send(&rig, API_PUT, path, body);
    assert_problem(&rig, 409, "not_proven");
    add_domain(true);
    rig_send(&rig, API_PUT, path, body);
    assert_int_equal(rig.response.vault.verb, DEPLOY_VAULT_KEY_PUT);
    vault_says(path, body, STATUS_OK, "");
    assert_int_equal(rig.response.status, 200);
    rig_get(&rig, path);
    assert_string_equal(text_of(&rig, "tenant"), "acme");
    rig_get(&rig, "/v1/tenants/acme/certificates");
    assert_int_equal(json_array_size(json_object_get(rig.json, "certificates")), 1);
    rig_get(&rig, "/v1/tenants/beta/certificates/a.test");
    assert_problem(&rig, 404, "not_found");
    rig_get(&rig, "/v1/tenants/beta/certificates");
    assert_int_equal(json_array_size(json_object_get(rig.json, "certificates")), 0);
    rig_send(&rig, API_DELETE, "/v1/tenants/beta/certificates/a.test", bytes_make(NULL, 0));
    assert_problem(&rig, 404, "not_found");
    rig_send(&rig, API_DELETE, path, bytes_make(NULL, 0));
    assert_int_equal(rig.response.status, 200);
    rig_send(&rig, API_PUT, CERTIFICATES "/a.test", body);
    vault_says(CERTIFICATES "/a.test", body, STATUS_OK, "");
    rig_send(&rig, API_PUT, path, body);
    assert_problem(&rig, 409, "conflict");
}

static void nothing_is_stored_if_the_key_is_not(void **state)
{
    (void)state;
    struct bytes body = pem_join(pem.text, pem.key_text, room, sizeof(room));
    rig_send(&rig, API_PUT, CERTIFICATES "/x.b.test", body);
    vault_says(CERTIFICATES "/x.b.test", body, STATUS_INVALID, "the private key is another's");
    assert_int_equal(rig.response.status, 422);
    rig_send(&rig, API_PUT, CERTIFICATES "/x.b.test", body);
    vault_says(CERTIFICATES "/x.b.test", body, STATUS_UNREACHABLE, "");
    assert_int_equal(rig.response.status, 503);
    rig_get(&rig, CERTIFICATES "/x.b.test");
    assert_problem(&rig, 404, "not_found");
}

static void what_does_not_fit_is_refused_before_the_vault(void **state)
{
    (void)state;
    struct bytes body = pem_join(pem.text, pem.key_text, room, sizeof(room));
    rig_send(&rig, API_PUT, CERTIFICATES "/other.test", body);
    assert_problem(&rig, 422, "bad_certificate");
    rig_send(&rig, API_PUT, CERTIFICATES "/a.test", bytes_of_text(pem.text));
    assert_problem(&rig, 422, "bad_certificate");
    rig_send(&rig, API_PUT, CERTIFICATES "/a.test", bytes_of_text("junk"));
    assert_problem(&rig, 422, "bad_certificate");
    rig_send(&rig, API_PUT, CERTIFICATES "/127.0.0.1", body);
    assert_problem(&rig, 400, "bad_host");
    rig_get(&rig, CERTIFICATES "?after=..");
    assert_problem(&rig, 400, "bad_query");
    rig.content_type = bytes_of_text("text/plain");
    rig_send(&rig, API_PUT, CERTIFICATES "/a.test", body);
    assert_problem(&rig, 415, "unsupported_media_type");
    assert_int_equal(rig.response.vault.verb, DEPLOY_VAULT_NONE);
    rig.caller.verbs = RIG_DEPLOYER;
    rig_get(&rig, CERTIFICATES);
    assert_problem(&rig, 403, "forbidden");
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_certificate_is_stored_when_its_key_is_kept, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_tenant_serves_a_domain_that_is_proven_with_its_own, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(nothing_is_stored_if_the_key_is_not, setup, teardown),
        cmocka_unit_test_setup_teardown(what_does_not_fit_is_refused_before_the_vault, setup,
                                        teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
