/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The configuration of a Workers' project, wrangler.toml, .json or .jsonc, in place of
 * function.yaml.
 */
#ifndef SKERRY_DEPLOY_CLI_FOLDER_WRANGLER_H
#define SKERRY_DEPLOY_CLI_FOLDER_WRANGLER_H

#include "deploy/cli/cli.h"
#include "deploy/manifest/manifest.h"

/* The file's name in the folder, in which `ret_path` is its path; NULL: there is none. */
const char *cli_wrangler_find(const char *folder, char ret_path[CLI_PATH_BYTES]);
/* Reads it into the manifest; what else `env` binds is `ret_bindings`, an array that the caller
 * owns. What is not here is said on stderr. */
NODISCARD enum cli_exit cli_wrangler_read(const struct cli *cli,
                                          const char *path,
                                          struct arena *arena,
                                          struct deploy_manifest *ret_manifest,
                                          json_t **ret_bindings);

#endif
