/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TOML 1.0 as a tree of JSON, for the configuration of projects that others' tools wrote; Debian
 * has no library of it for C. Dates stay texts.
 */
#ifndef SKERRY_DEPLOY_CLI_FOLDER_TOML_H
#define SKERRY_DEPLOY_CLI_FOLDER_TOML_H

#include <jansson.h>

#include "engine/base/bytes.h"
#include "engine/base/status.h"

/* Brackets within brackets. */
#define CLI_TOML_DEPTH_MAX 16

/* An object, owned by the caller; NULL: CONFIG, and `report` begins with the line. */
json_t *cli_toml_parse(struct bytes text, struct report *report);
/* The same of JSON with comments and commas behind the last of a list. */
json_t *cli_jsonc_parse(struct bytes text, struct report *report);

#endif
