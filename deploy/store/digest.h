/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SHA-256 of a module, and the key of an artifact.
 */
#ifndef SKERRY_DEPLOY_STORE_DIGEST_H
#define SKERRY_DEPLOY_STORE_DIGEST_H

#include "deploy/deploy.h"

#define DIGEST_HEX_BYTES (2 * DEPLOY_SHA256_BYTES + 1)

void digest_sha256(struct bytes data, uint8_t ret_sha256[DEPLOY_SHA256_BYTES]);
/* Is that what a Content-Digest says of it [RFC 9530]? One that names no SHA-256 says nothing. */
bool digest_holds(struct bytes content_digest, struct bytes data);
#define DIGEST_DETERMINISTIC "deterministic"
#define DIGEST_CHECKPOINT    "checkpoint"
#define DIGEST_FILES         "files"
#define DIGEST_BASE          "base"
#define DIGEST_IS_BASE       "is a base"

/* All that an artifact is made of. */
struct digest_made_of {
    const uint8_t *sha256; /* of what was uploaded */
    struct bytes config;   /* a start function may freeze it into the snapshot */
    uint32_t choices;      /* enum deploy_choice; those that make no difference do not matter */
    struct bytes tenant;   /* of `files` */
    struct bytes files;    /* what it can read: a list as in deploy/files.h; empty: nothing */
    const uint8_t
        *base; /* SHA-256 of the module that it runs on; NULL: on none, it is one itself */
};

/*
 * What an artifact is known by: the upload's SHA-256; with a configuration SHA-256(that ||
 * SHA-256(config)); of deterministic code SHA-256(that || DIGEST_DETERMINISTIC), of a command that
 * is run to its checkpoint whatever it imports the same with DIGEST_CHECKPOINT; with files
 * SHA-256(that || DIGEST_FILES || SHA-256(tenant) || SHA-256(files)), a tenant's because the bytes
 * of files are; on a base module SHA-256(that || DIGEST_BASE || base). `ret_key` may be what
 * `sha256` points to.
 */
void digest_artifact_key(const struct digest_made_of *made_of,
                         uint8_t ret_key[DEPLOY_SHA256_BYTES]);

/* What a base module's artifact is known by: SHA-256(its SHA-256, of deterministic code extended as
 * above || DIGEST_IS_BASE). */
void digest_base_key(const uint8_t sha256[DEPLOY_SHA256_BYTES],
                     uint32_t choices,
                     uint8_t ret_key[DEPLOY_SHA256_BYTES]);

#endif
