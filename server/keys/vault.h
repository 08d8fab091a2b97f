/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to server/: the vault, where functions' secrets lie encrypted. Only the key process opens
 * it.
 *
 *   <data>/vault/key       the keys, mode 0600: the present one first, then those before it
 *   <data>/vault/data.mdb  "tenant NUL function NUL name" -> version, key id, nonce, box
 *
 * A box is XChaCha20-Poly1305 with the record's name as what is authenticated too, so that no
 * record can be put in another's place. Rotating: a new key is written before the old ones, every
 * box is made anew in one transaction, then the old keys are dropped: wherever that is cut short,
 * each box has its key.
 */
#ifndef SKERRY_SERVER_KEYS_VAULT_H
#define SKERRY_SERVER_KEYS_VAULT_H

#include "engine/base/bytes.h"
#include "engine/base/status.h"

#define VAULT_NAME_BYTES_MAX  128
#define VAULT_VALUE_BYTES_MAX 65536
#define VAULT_COUNT_MAX       64    /* secrets of one function */
#define VAULT_KEYS_MAX        32768 /* private keys of certificates */

struct vault;

struct vault_name {
    struct bytes tenant;   /* of a tenant's name's form, as the caller has checked; empty, as the
                              function: a private key of a certificate (signer.h) */
    struct bytes function; /* the same */
    struct bytes name;     /* vault_name_valid */
};

/* Is it a secret's name: letters, digits and `_`, no digit first, as an environment variable's? */
bool vault_name_valid(struct bytes name);

/* Makes what is not there. */
NODISCARD enum status
vault_open(const char *data_dir, struct report *report, struct vault **ret_vault);
void vault_close(struct vault *vault);
/* LIMIT: the function has VAULT_COUNT_MAX, or the value is too long. On disk when it returns. */
NODISCARD enum status vault_put(struct vault *vault,
                                const struct vault_name *name,
                                struct bytes value,
                                struct report *report);
/* NOT_FOUND. */
NODISCARD enum status
vault_remove(struct vault *vault, const struct vault_name *name, struct report *report);
/* All of a function, or of a tenant if the function is empty; there may be none. */
NODISCARD enum status
vault_forget(struct vault *vault, const struct vault_name *whose, struct report *report);
/* Appends the value, in the clear. NOT_FOUND; CORRUPT: its box does not open. */
NODISCARD enum status vault_get(struct vault *vault,
                                const struct vault_name *name,
                                struct report *report,
                                struct buffer *value);
/* Calls `take` with each of a function's names, in their order. */
NODISCARD enum status vault_list(struct vault *vault,
                                 const struct vault_name *whose,
                                 void (*take)(void *context, struct bytes name),
                                 void *context,
                                 struct report *report);
/* Calls `take` with each record's name and box, as they lie there, until it fails. */
NODISCARD enum status
vault_each_box(struct vault *vault,
               enum status (*take)(void *context, struct bytes name, struct bytes box),
               void *context,
               struct report *report);
/* What opens them, as it is in the key file. */
struct bytes vault_keys(const struct vault *vault);
/* Makes a new key and all boxes anew. */
NODISCARD enum status vault_rotate(struct vault *vault, struct report *report);

#endif
