/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Recipients: one text each, and one passphrase.
 */
#include <stdio.h>
#include <string.h>

#include "deploy/recipient.h"
#include "tests/support/cheap_recipient.h"

#define SALT "31323334353637383930313233343500"

static void a_text_is_read_back_as_it_was_written(void **state)
{
    (void)state;
    char text[RECIPIENT_TEXT_BYTES];
    char again[RECIPIENT_TEXT_BYTES];
    struct recipient read;
    const struct recipient made = cheap_recipient("correct horse");
    recipient_print(&made, text);
    assert_memory_equal(text, "argon2id:1:8:" SALT ":", 46);
    assert_true(recipient_parse(bytes_of_text(text), &read));
    recipient_print(&read, again);
    assert_string_equal(text, again);
}

static void what_is_no_recipient_is_refused(void **state)
{
    (void)state;
    char text[2 * RECIPIENT_TEXT_BYTES];
    struct recipient read;
    static const char key[] = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    static const struct {
        const char *head;
        const char *tail;
        bool good;
    } rows[] = {
        {"argon2id:1:8:" SALT, "", true},
        {"argon2id:16:1048576:" SALT, "", true},
        {"argon2id:17:8:" SALT, "", false},
        {"argon2id:0:8:" SALT, "", false},
        {"argon2id:1:7:" SALT, "", false},
        {"argon2id:1:1048577:" SALT, "", false},
        {"argon2id:1:4294967304:" SALT, "", false},
        {"argon2id:01:8:" SALT, "", false},
        {"argon2id:-1:8:" SALT, "", false},
        {"argon2id: 1:8:" SALT, "", false},
        {"scrypt:1:8:" SALT, "", false},
        {"argon2id:1:8:" SALT "00", "", false},
        {"argon2id:1:8:00", "", false},
        {"argon2id:1:8:" SALT, "0", false},
        {"argon2id:1:8:" SALT, "\n", false},
        {"argon2id:1:8:", SALT, false},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        (void)snprintf(text, sizeof(text), "%s:%s%s", rows[i].head, key, rows[i].tail);
        assert_int_equal(recipient_parse(bytes_of_text(text), &read), rows[i].good);
    }
    memset(text, 'a', sizeof(text));
    assert_false(recipient_parse(bytes_make(text, sizeof(text)), &read));
    assert_false(recipient_parse(bytes_make(text, 0), &read));
}

static void one_passphrase_opens_it(void **state)
{
    (void)state;
    struct report report = REPORT_INIT;
    uint8_t secret[RECIPIENT_KEY_BYTES] = {0};
    uint8_t public[RECIPIENT_KEY_BYTES];
    const struct recipient made = cheap_recipient("correct horse");
    assert_int_equal(recipient_open(&made, bytes_of_text("correct horsf"), &report, secret),
                     STATUS_DENIED);
    assert_true(sodium_is_zero(secret, sizeof(secret)));
    assert_int_equal(recipient_open(&made, bytes_of_text("correct horse"), &report, secret),
                     STATUS_OK);
    assert_int_equal(crypto_scalarmult_base(public, secret), 0);
    assert_memory_equal(public, made.key, sizeof(public));
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_text_is_read_back_as_it_was_written),
        cmocka_unit_test(what_is_no_recipient_is_refused),
        cmocka_unit_test(one_passphrase_opens_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
