/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Passphrases to keys, by libsodium.
 */
#include "deploy/recipient.h"

#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/hex.h"

/* libsodium's MODERATE; what is read may cost more, but not without end. */
#define RECIPIENT_PASSES         3
#define RECIPIENT_MEMORY_KIB     262144
#define RECIPIENT_PASSES_MAX     16
#define RECIPIENT_MEMORY_KIB_MAX 1048576

_Static_assert(RECIPIENT_KEY_BYTES == crypto_box_PUBLICKEYBYTES &&
                   RECIPIENT_KEY_BYTES == crypto_box_SECRETKEYBYTES &&
                   RECIPIENT_KEY_BYTES == crypto_box_SEEDBYTES &&
                   RECIPIENT_SALT_BYTES == crypto_pwhash_SALTBYTES,
               "libsodium's sizes");

bool recipient_parse(struct bytes text, struct recipient *ret_recipient)
{
    char copy[RECIPIENT_TEXT_BYTES];
    char salt[2 * RECIPIENT_SALT_BYTES + 1];
    char key[2 * RECIPIENT_KEY_BYTES + 1];
    char again[RECIPIENT_TEXT_BYTES];
    struct recipient found;
    if (text.count == 0 || text.count >= sizeof(copy))
        return false;
    memcpy(copy, text.data, text.count);
    copy[text.count] = '\0';
    if (sscanf(copy, "argon2id:%" SCNu32 ":%" SCNu32 ":%32[0-9a-f]:%64[0-9a-f]", &found.passes,
               &found.memory_kib, salt, key) != 4 ||
        !hex_decode(salt, sizeof(found.salt), found.salt) ||
        !hex_decode(key, sizeof(found.key), found.key) || found.passes < 1 ||
        found.passes > RECIPIENT_PASSES_MAX || found.memory_kib < 8 ||
        found.memory_kib > RECIPIENT_MEMORY_KIB_MAX)
        return false;
    /* There is one way to write it. */
    recipient_print(&found, again);
    if (!bytes_equal_text(text, again))
        return false;
    *ret_recipient = found;
    return true;
}

void recipient_print(const struct recipient *recipient, char ret_text[RECIPIENT_TEXT_BYTES])
{
    char salt[2 * RECIPIENT_SALT_BYTES + 1];
    char key[2 * RECIPIENT_KEY_BYTES + 1];
    hex_encode(recipient->salt, sizeof(recipient->salt), salt);
    hex_encode(recipient->key, sizeof(recipient->key), key);
    (void)snprintf(ret_text, RECIPIENT_TEXT_BYTES, "argon2id:%" PRIu32 ":%" PRIu32 ":%s:%s",
                   recipient->passes, recipient->memory_kib, salt, key);
}

static enum status recipient_derive(const struct recipient *recipient,
                                    struct bytes passphrase,
                                    struct report *report,
                                    uint8_t ret_key[RECIPIENT_KEY_BYTES],
                                    uint8_t ret_secret[RECIPIENT_KEY_BYTES])
{
    uint8_t seed[crypto_box_SEEDBYTES];
    if (sodium_init() < 0)
        return report_fail(report, STATUS_IO, REPORT_OFFSET_NONE, "libsodium does not start");
    if (crypto_pwhash(seed, sizeof(seed), (const char *)passphrase.data, passphrase.count,
                      recipient->salt, recipient->passes, (size_t)recipient->memory_kib << 10,
                      crypto_pwhash_ALG_ARGON2ID13) != 0)
        return report_fail(report, STATUS_NO_MEMORY, REPORT_OFFSET_NONE,
                           "out of memory: a passphrase takes %" PRIu32 " KiB to try",
                           recipient->memory_kib);
    (void)crypto_box_seed_keypair(ret_key, ret_secret, seed);
    sodium_memzero(seed, sizeof(seed));
    return STATUS_OK;
}

enum status
recipient_make(struct bytes passphrase, struct report *report, struct recipient *ret_recipient)
{
    uint8_t secret[RECIPIENT_KEY_BYTES];
    struct recipient made = {.passes = RECIPIENT_PASSES, .memory_kib = RECIPIENT_MEMORY_KIB};
    if (sodium_init() < 0)
        return report_fail(report, STATUS_IO, REPORT_OFFSET_NONE, "libsodium does not start");
    randombytes_buf(made.salt, sizeof(made.salt));
    enum status status = recipient_derive(&made, passphrase, report, made.key, secret);
    sodium_memzero(secret, sizeof(secret));
    if (status == STATUS_OK)
        *ret_recipient = made;
    return status;
}

enum status recipient_open(const struct recipient *recipient,
                           struct bytes passphrase,
                           struct report *report,
                           uint8_t ret_secret[RECIPIENT_KEY_BYTES])
{
    uint8_t key[RECIPIENT_KEY_BYTES];
    uint8_t secret[RECIPIENT_KEY_BYTES];
    enum status status = recipient_derive(recipient, passphrase, report, key, secret);
    if (status == STATUS_OK && sodium_memcmp(key, recipient->key, sizeof(key)) != 0)
        status = report_fail(report, STATUS_DENIED, REPORT_OFFSET_NONE,
                             "that is not the passphrase that the secrets were saved with");
    if (status == STATUS_OK)
        memcpy(ret_secret, secret, sizeof(secret));
    sodium_memzero(secret, sizeof(secret));
    return status;
}
