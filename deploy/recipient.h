/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whom secrets in a backup are sealed for: a public key of X25519 that is made of a passphrase, by
 * Argon2id, where the passphrase is. Who seals needs no more than this text:
 *
 *   argon2id:<passes>:<KiB of memory>:<salt, hexadecimal>:<public key, hexadecimal>
 */
#ifndef SKERRY_DEPLOY_RECIPIENT_H
#define SKERRY_DEPLOY_RECIPIENT_H

#include "engine/base/bytes.h"
#include "engine/base/status.h"

#define RECIPIENT_KEY_BYTES  32
#define RECIPIENT_SALT_BYTES 16
#define RECIPIENT_TEXT_BYTES 160

struct recipient {
    uint32_t passes;
    uint32_t memory_kib;
    uint8_t salt[RECIPIENT_SALT_BYTES];
    uint8_t key[RECIPIENT_KEY_BYTES];
};

/* False: it is none, or one that takes too much to make. */
bool recipient_parse(struct bytes text, struct recipient *ret_recipient);
void recipient_print(const struct recipient *recipient, char ret_text[RECIPIENT_TEXT_BYTES]);
/* A new one, which takes about a second and 256 MiB. */
NODISCARD enum status
recipient_make(struct bytes passphrase, struct report *report, struct recipient *ret_recipient);
/* The secret key, which the caller wipes. DENIED: it was made of another passphrase. */
NODISCARD enum status recipient_open(const struct recipient *recipient,
                                     struct bytes passphrase,
                                     struct report *report,
                                     uint8_t ret_secret[RECIPIENT_KEY_BYTES]);

/*
 * What a vault is saved as (server/keys/export.c writes it, deploy/backup/backup_vault.c reads it),
 * numbers in little-endian order:
 *
 *   "skerry vault 1\n" NUL
 *   u32 count, the recipient's text
 *   u32 count, the file of the vault's keys, sealed for the recipient (crypto_box_seal)
 *   records: u32 count, u32 count; name, box as it lies in the vault                    ... to the
 * end
 */
#define VAULT_EXPORT_MAGIC       "skerry vault 1\n"
#define VAULT_EXPORT_MAGIC_BYTES sizeof(VAULT_EXPORT_MAGIC)

#endif
