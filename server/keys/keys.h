/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to server/: the key process. It alone will open the vault of secrets, so that neither a
 * worker, where guests run, nor control, which reads uploads, can be made to read what is not asked
 * for by its function.
 */
#ifndef SKERRY_SERVER_KEYS_KEYS_H
#define SKERRY_SERVER_KEYS_KEYS_H

#define KEYS_VERB "keys"

/* `skerry keys`; returns the exit status. */
int keys_main(void);

#endif
