/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files of skerry.yaml on their way into the store, with a vault that answers when the test does.
 */
#include "deploy/certificate_files.h"
#include "tests/support/pem.h"
#include "tests/unit/deploy/fixture.h"

#define MAP_BYTES (4ULL << 20)

static struct fixture fixture;
static struct config config;
static struct api api;
static struct certificate_files files;
static struct pem pem;
static uint64_t asked; /* the last order's number; 0: none */
static uint32_t failures;

static bool ask(void *context, const struct deploy_vault_order *order, uint64_t number)
{
    (void)context;
    assert_int_equal(order->verb, DEPLOY_VAULT_KEY_PUT);
    asked = number;
    return true;
}

static void tell(void *context, bool failed, const char *text)
{
    (void)context;
    failures += failed && text != NULL;
}

static void name_file(const char *chain, const char *key)
{
    config.tls_certificate_count = 1;
    (void)snprintf(config.tls_certificates[0], CONFIG_CERTIFICATE_BYTES, "%s/%s%s%s%s", fixture.dir,
                   chain, key == NULL ? "" : " ", key == NULL ? "" : fixture.dir,
                   key == NULL ? "" : key);
}

static int setup(void **state)
{
    (void)state;
    fixture_init(&fixture);
    fixture_open_store(&fixture, MAP_BYTES);
    memset(&config, 0, sizeof(config));
    api = (struct api){.store = fixture.store, .config = &config, .clock = &fixture.clock};
    files = (struct certificate_files){.api = &api, .ask = ask, .tell = tell};
    asked = failures = 0;
    pem_make(&pem, "EC", "DNS:a.test,DNS:*.b.test", 30, NULL);
    fixture_write_file(&fixture, "chain.pem", pem.text, 0600);
    fixture_write_file(&fixture, "key.pem", pem.key_text, 0600);
    name_file("chain.pem", "/key.pem");
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    certificate_files_free(&files);
    pem_free(&pem);
    fixture_done(&fixture);
    return 0;
}

static bool count(void *context, const struct store_certificate *found)
{
    (void)found;
    ++*(uint32_t *)context;
    return true;
}

static uint32_t stored(void)
{
    uint32_t found = 0;
    struct report report = REPORT_INIT;
    assert_int_equal(
        store_list_certificates(fixture.store, bytes_make(NULL, 0), count, &found, &report),
        STATUS_OK);
    return found;
}

static void load_and_keep(void)
{
    certificate_files_load(&files);
    assert_false(certificate_files_are_done(&files));
    (void)certificate_files_done(&files, asked, STATUS_OK, bytes_make(NULL, 0));
    assert_true(certificate_files_are_done(&files));
}

static void each_name_is_stored_when_the_key_is_kept(void **state)
{
    (void)state;
    load_and_keep();
    assert_int_equal(stored(), 2);
    uint32_t committed = fixture.committed_count;
    load_and_keep();
    assert_int_equal(fixture.committed_count, committed); /* they are the same */
    assert_int_equal(failures, 0);
}

static void what_has_no_file_any_more_goes(void **state)
{
    (void)state;
    load_and_keep();
    config.tls_certificate_count = 0;
    certificate_files_load(&files);
    assert_int_equal(stored(), 0);
}

static void a_file_that_cannot_be_taken_leaves_what_was_there(void **state)
{
    (void)state;
    load_and_keep();
    name_file("nothing.pem", NULL);
    certificate_files_load(&files);
    assert_int_equal(failures, 1);
    name_file("chain.pem", NULL); /* no key */
    certificate_files_load(&files);
    assert_int_equal(failures, 2);
    name_file("chain.pem", "/key.pem");
    certificate_files_load(&files);
    (void)certificate_files_done(&files, asked, STATUS_INVALID, bytes_of_text("another's"));
    assert_int_equal(failures, 3);
    certificate_files_load(&files);
    certificate_files_lost(&files);
    assert_int_equal(failures, 4);
    assert_true(certificate_files_are_done(&files));
    assert_int_equal(stored(), 2);
    (void)certificate_files_done(&files, asked, STATUS_OK, bytes_make(NULL, 0)); /* too late */
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(each_name_is_stored_when_the_key_is_kept, setup, teardown),
        cmocka_unit_test_setup_teardown(what_has_no_file_any_more_goes, setup, teardown),
        cmocka_unit_test_setup_teardown(a_file_that_cannot_be_taken_leaves_what_was_there, setup,
                                        teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
