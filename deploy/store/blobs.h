/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Blobs: what is in the files that versions bring, by SHA-256, below the data directory.
 *
 *   blobs/<tenant>/<sha256>        complete, on disk, never changed again
 *   blobs/<tenant>/<sha256>.tmp    while it is written; nobody looks at it
 *
 * A blob is its tenant's alone: whoever could name another tenant's by a hash could read it, and
 * whoever could ask for one would learn what others have. It is sent before the version that has
 * it, so one that no version has is let be for BLOBS_GRACE_NS after somebody asked for it last.
 * Control writes and removes; workers open.
 */
#ifndef SKERRY_DEPLOY_STORE_BLOBS_H
#define SKERRY_DEPLOY_STORE_BLOBS_H

#include "deploy/deploy.h"

#define BLOBS_FOLDER     "blobs"
#define BLOBS_NAME_BYTES (2 * DEPLOY_SHA256_BYTES + 1)
#define BLOBS_GRACE_NS   (3600 * CLOCK_NS_PER_S)

struct blobs;

struct store;

NODISCARD enum status blobs_open(const char *data_dir,
                                 const struct clock *clock,
                                 struct report *report,
                                 struct blobs **ret_blobs);
void blobs_close(struct blobs *blobs); /* accepts NULL */

/* Is it there? Then it stays for BLOBS_GRACE_NS, whoever has it. `tenant` is a valid name, here and
 * below; `ret_bytes` may be NULL. */
bool blobs_touch(const struct blobs *blobs,
                 struct bytes tenant,
                 const uint8_t sha256[DEPLOY_SHA256_BYTES],
                 uint64_t *ret_bytes);
/* Keeps bytes whose SHA-256 that is, unless they are there. LIMIT, without a report: the tenant
 * would have more than `bytes_max`; FULL, IO. */
NODISCARD enum status blobs_put(struct blobs *blobs,
                                struct bytes tenant,
                                const uint8_t sha256[DEPLOY_SHA256_BYTES],
                                struct bytes data,
                                uint64_t bytes_max,
                                struct report *report);
void blobs_remove(struct blobs *blobs,
                  struct bytes tenant,
                  const uint8_t sha256[DEPLOY_SHA256_BYTES]);
/* Bytes of all blobs of a tenant. */
uint64_t blobs_tenant_bytes(struct blobs *blobs, struct bytes tenant);
/* Looks at the next few files, and removes what no version in the store has any more; false at the
 * end of a walk. */
bool blobs_sweep_step(struct blobs *blobs, struct store *store);

#endif
