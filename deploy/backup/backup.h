/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A backup: one stream of frames, from a server that goes on serving.
 *
 *   "skerry backup 1\n"
 *   frame*   u32 kind, u32 bytes of the key, u64 bytes of the value; key; value   (little-endian)
 *
 *   ABOUT    value: one JSON object, first of all: what made it, when, what is in it
 *   DB       key: "store/<database>" or "kv/<database>"
 *   RECORD   key and value, of the last DB
 *   FILE     key: "<tenant>/<SHA-256>", value: a blob
 *   VAULT    value: secrets and private keys, sealed (deploy/recipient.h); only if asked for
 *   END      value: SHA-256 of all bytes before this frame
 *
 * Records are what the databases of records.h have, in the order of their keys, of one transaction
 * for each environment; so a backup is as portable as they are (one byte order), compact, and made
 * without stopping anybody. One without END broke off. What is not in it: artifacts, which are
 * built again; logs; admin.token.
 */
#ifndef SKERRY_DEPLOY_BACKUP_BACKUP_H
#define SKERRY_DEPLOY_BACKUP_BACKUP_H

#include <stdio.h>

#include "deploy/deploy.h"

#define BACKUP_MAGIC           "skerry backup 1\n"
#define BACKUP_HEAD_BYTES      16
#define BACKUP_KEY_BYTES_MAX   1024
#define BACKUP_VALUE_BYTES_MAX (UINT64_C(1) << 31)

enum backup_kind {
    BACKUP_ABOUT = 1,
    BACKUP_DB,
    BACKUP_RECORD,
    BACKUP_FILE,
    BACKUP_END,
    BACKUP_VAULT,
    BACKUP_KIND_END, /* behind the last */
};

/* ---- reading (backup_read.c) ----------------------------------------------------------------- */

struct backup_frame {
    enum backup_kind kind;
    struct bytes key;
    struct bytes value; /* lent until the next frame, as the key */
};

struct backup_counts {
    uint64_t bytes;
    uint64_t records;
    uint64_t files;
    bool vault; /* there is one */
};

/* Gives each frame but END to `take` (NULL: nobody) and checks the whole. CORRUPT: it is no backup,
 * or not as it was made. */
NODISCARD enum status backup_read(FILE *file,
                                  enum status (*take)(void *context,
                                                      const struct backup_frame *frame),
                                  void *context,
                                  struct report *report,
                                  struct backup_counts *ret_counts);

/* ---- restoring (backup_restore.c) ------------------------------------------------------------ */

/* Reads it all, and whether the passphrase (NULL: none) opens its secrets, if it has some: DENIED.
 */
NODISCARD enum status backup_check(FILE *file,
                                   const char *passphrase,
                                   struct report *report,
                                   struct backup_counts *ret_counts);
/*
 * Makes the data directory `dir`, an absolute path, of a backup that has been read once and found
 * whole. There is none yet, or it is empty: CONFLICT. It appears at once and complete, or not at
 * all. Without a passphrase (NULL) secrets are left out.
 */
NODISCARD enum status backup_restore(FILE *file,
                                     const char *dir,
                                     const struct config *config,
                                     const char *passphrase,
                                     struct report *report,
                                     struct backup_counts *ret_counts);

#endif
