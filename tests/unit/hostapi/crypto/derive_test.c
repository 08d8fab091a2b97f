/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PBKDF2 in rounds (RFC 6070) and HKDF (RFC 5869).
 */
#include <stdio.h>

#include "tests/unit/hostapi/crypto/ask.h"

static const uint8_t salt[] = {'s', 'a', 'l', 't', 0, 0, 0, 1};

static void rounds_go_on_where_they_stopped(void **state)
{
    (void)state;
    struct ask ask = {0};
    struct bytes u = bytes_make(salt, sizeof(salt));
    struct bytes t = TEXT("");
    uint8_t kept[40];
    for (uint32_t done = 0; done < 4096;) {
        char rounds[8];
        (void)snprintf(rounds, sizeof(rounds), "%u", MIN(500u, 4096 - done));
        assert_int_equal(ASK(&ask, PBKDF2, TEXT("SHA-1"), TEXT("password"), u, t, TEXT(rounds)),
                         STATUS_OK);
        assert_int_equal(ask.count, 40);
        memcpy(kept, ask.out, sizeof(kept));
        u = bytes_make(kept, 20);
        t = bytes_make(kept + 20, 20);
        done += MIN(500u, 4096 - done);
    }
    memcpy(ask.out, kept + 20, 20);
    assert_string_equal(ask_hex(&ask, 20), "4b007901b765489abead49d926f721d065a429c1");
}

static void more_rounds_than_a_call_has_are_refused(void **state)
{
    (void)state;
    struct ask ask = {0};
    struct bytes u = bytes_make(salt, sizeof(salt));
    const char *const rounds[] = {"501", "0", "", "x", "99999999999"};
    for (size_t i = 0; i < COUNT_OF(rounds); i++)
        assert_int_equal(ASK(&ask, PBKDF2, TEXT("SHA-1"), TEXT("p"), u, TEXT(""), TEXT(rounds[i])),
                         STATUS_LIMIT);
    assert_int_equal(ASK(&ask, PBKDF2, TEXT("SHA-1"), TEXT("p"), u, u, TEXT("1")), STATUS_INVALID);
    assert_int_equal(ASK(&ask, PBKDF2, TEXT("no"), TEXT("p"), u, u, TEXT("1")), STATUS_UNSUPPORTED);
}

static void hkdf_makes_as_many_bytes_as_are_asked_for(void **state)
{
    (void)state;
    struct ask ask = {0};
    struct bytes key = ask_bytes("0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", 0);
    assert_int_equal(ASK(&ask, HKDF, TEXT("SHA-256"), key,
                         ask_bytes("000102030405060708090a0b0c", 1),
                         ask_bytes("f0f1f2f3f4f5f6f7f8f9", 2), TEXT("42")),
                     STATUS_OK);
    assert_string_equal(ask_hex(&ask, 8), "3cb25f25faacd57a");
    assert_int_equal(ask.count, 42);
    assert_int_equal(ASK(&ask, HKDF, TEXT("SHA-256"), TEXT(""), TEXT(""), TEXT(""), TEXT("1")),
                     STATUS_OK);
    assert_int_equal(ASK(&ask, HKDF, TEXT("SHA-256"), key, TEXT(""), TEXT(""), TEXT("0")),
                     STATUS_OK);
    assert_int_equal(ask.count, 0);
    assert_int_equal(ASK(&ask, HKDF, TEXT("SHA-256"), key, key, key, TEXT("5000")), STATUS_LIMIT);
    assert_int_equal(ASK(&ask, HKDF, TEXT("no"), key, key, key, TEXT("5")), STATUS_UNSUPPORTED);
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rounds_go_on_where_they_stopped),
        cmocka_unit_test(more_rounds_than_a_call_has_are_refused),
        cmocka_unit_test(hkdf_makes_as_many_bytes_as_are_asked_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
