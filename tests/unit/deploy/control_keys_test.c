/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private keys leave the vault a minute after their last certificate, and those that nobody removed
 * are found.
 */
#include "deploy/control_private.h"
#include "engine/base/hex.h"
#include "tests/unit/deploy/fixture.h"

static struct {
    struct fixture fixture;
    struct deploy_control control;
    uint32_t asked;
    bool is_there;
    enum deploy_vault_verb verb; /* of the last order */
    uint64_t number;
    uint8_t removed[DEPLOY_SHA256_BYTES];
} stage;

static bool vault(void *context, const struct deploy_vault_order *order, uint64_t number)
{
    assert_ptr_equal(context, &stage);
    stage.asked++;
    stage.verb = order->verb;
    stage.number = number;
    if (order->verb == DEPLOY_VAULT_KEY_REMOVE) {
        char text[2 * DEPLOY_SHA256_BYTES + 1] = "";
        memcpy(text, order->name.data, MIN(order->name.count, sizeof(text) - 1));
        assert_true(hex_decode(text, DEPLOY_SHA256_BYTES, stage.removed));
    }
    return stage.is_there;
}

static int setup(void **state)
{
    (void)state;
    memset(&stage, 0, sizeof(stage));
    fixture_init(&stage.fixture);
    fixture_open_store(&stage.fixture, 16 << 20);
    stage.control.options.clock = &stage.fixture.clock;
    stage.control.options.vault = vault;
    stage.control.options.context = &stage;
    stage.control.store = stage.fixture.store;
    stage.is_there = true;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    control_forget_keys(&stage.control);
    fixture_done(&stage.fixture);
    return 0;
}

static void certify(const char *host, uint8_t key)
{
    struct report report = REPORT_INIT;
    struct store_certificate certificate = {.host = bytes_of_text(host),
                                            .chain = bytes_of_text("chain")};
    memset(certificate.record.key, key, sizeof(certificate.record.key));
    assert_int_equal(store_set_certificate(stage.fixture.store, &certificate, &report), STATUS_OK);
}

static void wait_a_minute(void)
{
    stage.fixture.now_ns += 60 * CLOCK_NS_PER_S;
    control_tend_keys(&stage.control);
}

static void what_is_no_certificates_leaves_after_a_minute(void **state)
{
    (void)state;
    uint8_t digests[3 * DEPLOY_SHA256_BYTES];
    certify("a.test", 7);
    certify("b.test", 9);
    memset(digests, 7, 32);
    memset(digests + 32, 8, 32);
    memset(digests + 64, 9, 32);
    control_sweep_keys(&stage.control);
    assert_int_equal(stage.verb, DEPLOY_VAULT_KEYS);
    control_sweep_keys(&stage.control); /* once */
    assert_int_equal(stage.asked, 1);
    assert_false(control_keys_done(&stage.control, stage.number + 1, STATUS_OK,
                                   bytes_make(digests, sizeof(digests))));
    assert_true(control_keys_done(&stage.control, stage.number, STATUS_OK,
                                  bytes_make(digests, sizeof(digests))));
    control_tend_keys(&stage.control);
    assert_int_equal(stage.asked, 1);
    wait_a_minute();
    assert_int_equal(stage.asked, 2);
    assert_int_equal(stage.verb, DEPLOY_VAULT_KEY_REMOVE);
    assert_memory_equal(stage.removed, digests + 32, 32);
}

static void what_has_a_certificate_by_then_stays(void **state)
{
    (void)state;
    uint8_t key[DEPLOY_SHA256_BYTES];
    memset(key, 5, sizeof(key));
    control_sweep_keys(&stage.control);
    assert_true(
        control_keys_done(&stage.control, stage.number, STATUS_OK, bytes_make(key, sizeof(key))));
    certify("late.test", 5);
    wait_a_minute();
    assert_int_equal(stage.asked, 1);
}

static void a_vault_that_is_not_there_is_asked_again(void **state)
{
    (void)state;
    stage.is_there = false;
    control_sweep_keys(&stage.control);
    stage.is_there = true;
    control_sweep_keys(&stage.control);
    assert_int_equal(stage.asked, 2);
    assert_true(control_keys_done(&stage.control, stage.number, STATUS_IO,
                                  bytes_of_text("a text that is no list of digests: 32")));
    wait_a_minute();
    assert_int_equal(stage.asked, 2);
}

#define ON_STAGE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

UNIT
{
    const struct CMUnitTest tests[] = {
        ON_STAGE(what_is_no_certificates_leaves_after_a_minute),
        ON_STAGE(what_has_a_certificate_by_then_stays),
        ON_STAGE(a_vault_that_is_not_there_is_asked_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
