/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The assets of a function's folder: what `assets` of its function.yaml means there, and the two
 * files of rules, which are read here, where their lines can be told.
 */
#ifndef SKERRY_DEPLOY_CLI_FOLDER_SITE_H
#define SKERRY_DEPLOY_CLI_FOLDER_SITE_H

#include "deploy/cli/folder/files.h"

/* Adds the files of `dir` below `folder`, and to the assets what `_headers` and `_redirects` say,
 * which are no files to serve. Nothing if the manifest has no assets. */
NODISCARD enum cli_exit cli_site_collect(const struct cli *cli,
                                         const char *folder,
                                         struct arena *arena,
                                         struct deploy_manifest_assets *assets,
                                         struct cli_files *files);

#endif
