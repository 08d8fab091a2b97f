/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to deploy/backup: the vault in a backup (deploy/recipient.h has its form), and the folder
 * that is made of it.
 */
#ifndef SKERRY_DEPLOY_BACKUP_BACKUP_VAULT_H
#define SKERRY_DEPLOY_BACKUP_BACKUP_VAULT_H

#include "deploy/backup/backup.h"

/* Does this passphrase open it? CORRUPT: it is no vault; DENIED: another one does. */
NODISCARD enum status
backup_vault_check(struct bytes saved, struct bytes passphrase, struct report *report);
/* Makes the folder `path`, which is not there yet. */
NODISCARD enum status backup_vault_restore(struct bytes saved,
                                           struct bytes passphrase,
                                           const char *path,
                                           struct report *report);

#endif
