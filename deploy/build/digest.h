/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SHA-256 of a module, and the key of an artifact.
 */
#ifndef SKERRY_DEPLOY_BUILD_DIGEST_H
#define SKERRY_DEPLOY_BUILD_DIGEST_H

#include "deploy/deploy.h"

#define DIGEST_HEX_BYTES (2 * DEPLOY_SHA256_BYTES + 1)

void digest_sha256(struct bytes data, uint8_t ret_sha256[DEPLOY_SHA256_BYTES]);
/*
 * What an artifact is known by: the module's SHA-256, or, if there is a configuration,
 * SHA-256(that || SHA-256(config)), because a start function may freeze it into the snapshot.
 * Of deterministic code it is SHA-256 of that and DIGEST_DETERMINISTIC.
 */
#define DIGEST_DETERMINISTIC "deterministic"
void digest_artifact_key(const uint8_t sha256[DEPLOY_SHA256_BYTES],
                         struct bytes config,
                         bool deterministic,
                         uint8_t ret_key[DEPLOY_SHA256_BYTES]);

#endif
