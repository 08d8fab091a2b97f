/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How things are named in the API: versions are "v1", "v2", ...; tenants and functions
 * are DNS labels (deploy_name_valid, in deploy.h).
 */
#ifndef SKERRY_DEPLOY_NAME_H
#define SKERRY_DEPLOY_NAME_H

#include "deploy/deploy.h"

#define NAME_VERSION_BYTES 16

/* "v3" to 3; false for anything else, leading zeros and v0 included. */
bool name_parse_version(struct bytes text, uint32_t *ret_version);
void name_format_version(uint32_t version, char ret_text[NAME_VERSION_BYTES]);

#endif
