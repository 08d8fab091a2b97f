/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to server/: the vault as a backup has it, of one moment (deploy/recipient.h has its
 * form). Boxes go as they are; what opens them is sealed for who has the backup's passphrase. So
 * nobody on the way, control neither, can read a secret.
 */
#ifndef SKERRY_SERVER_KEYS_EXPORT_H
#define SKERRY_SERVER_KEYS_EXPORT_H

#include "server/keys/vault.h"

/* `fd` stays the caller's. INVALID: `recipient` is none. */
NODISCARD enum status
export_vault(struct vault *vault, struct bytes recipient, int fd, struct report *report);

#endif
