/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A recipient of a backup's secrets that takes no time to make: what it costs to try passphrases
 * is not what tests are about.
 */
#ifndef SKERRY_TESTS_SUPPORT_CHEAP_RECIPIENT_H
#define SKERRY_TESTS_SUPPORT_CHEAP_RECIPIENT_H

#include <sodium.h>
#include <string.h>

#include "deploy/recipient.h"
#include "tests/support/unit.h"

static inline struct recipient cheap_recipient(const char *passphrase)
{
    uint8_t seed[crypto_box_SEEDBYTES];
    uint8_t secret[crypto_box_SECRETKEYBYTES];
    struct recipient made = {.passes = 1, .memory_kib = 8, .salt = "123456789012345"};
    assert_true(sodium_init() >= 0);
    assert_int_equal(crypto_pwhash(seed, sizeof(seed), passphrase, strlen(passphrase), made.salt, 1,
                                   8192, crypto_pwhash_ALG_ARGON2ID13),
                     0);
    assert_int_equal(crypto_box_seed_keypair(made.key, secret, seed), 0);
    return made;
}

#endif
