/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signatures of uploads: what is signed, and who did. Ed25519 [RFC 8032] over a few lines of text
 * (docs/tenants.md), in which what has no form of its own stands as its SHA-256, so that each text
 * is of one upload.
 */
#ifndef SKERRY_DEPLOY_SIGNATURE_H
#define SKERRY_DEPLOY_SIGNATURE_H

#include "deploy/deploy.h"

#define SIGNATURE_KEY_BYTES       32 /* a public key */
#define SIGNATURE_BYTES           64
#define SIGNATURE_STATEMENT_BYTES 512
#define SIGNATURE_KEYS_MAX        16 /* of a tenant */

struct signature_upload {
    struct bytes tenant; /* names, checked with deploy_name_valid */
    struct bytes function;
    struct bytes type;  /* Content-Type, as it is sent */
    struct bytes query; /* as it is sent, without its `?` */
    struct bytes body;
};

/* The text that is signed: so many bytes, and a NUL. */
size_t signature_statement(const struct signature_upload *upload,
                           char ret_text[SIGNATURE_STATEMENT_BYTES]);
/* Which of the keys, one after the other in `keys`, made the signature; NULL: none. */
const uint8_t *signature_find_key(const struct signature_upload *upload,
                                  const uint8_t signature[SIGNATURE_BYTES],
                                  struct bytes keys);

#endif
