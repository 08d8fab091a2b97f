/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SHA-256 of a module, which is its name on disk, and bytes as hexadecimal text.
 */
#ifndef SKERRY_DEPLOY_DIGEST_H
#define SKERRY_DEPLOY_DIGEST_H

#include "deploy/deploy.h"

#define DIGEST_HEX_BYTES (2 * DEPLOY_SHA256_BYTES + 1)

void digest_sha256(struct bytes data, uint8_t ret_sha256[DEPLOY_SHA256_BYTES]);
/* Writes 2 * count digits and a NUL. */
void digest_hex(const uint8_t *data, size_t count, char *ret_text);
/* Reads exactly 2 * count lower-case digits; what follows them is not looked at. */
bool digest_parse_hex(const char *text, size_t count, uint8_t *ret_data);

#endif
