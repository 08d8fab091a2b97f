/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runtimes: modules that run a function's files, installed by name where all folders find them, or
 * a file of the folder's own.
 */
#ifndef SKERRY_DEPLOY_CLI_FOLDER_RUNTIME_H
#define SKERRY_DEPLOY_CLI_FOLDER_RUNTIME_H

#include "deploy/cli/folder/files.h"

/* The path of `runtime`: FILE.wasm, from the folder or from --runtime as it is given; else the
 * first NAME.wasm in $SKERRY_RUNTIMES, or without that in the folders where programs have their
 * data. NOT_FOUND, and said where it should be. */
NODISCARD enum cli_exit cli_runtime_find(const struct cli *cli,
                                         const char *runtime,
                                         const char *folder,
                                         char ret_path[CLI_PATH_BYTES]);
/* What belongs to a runtime that was found by its name: the files of the folder NAME beside
 * `module`, if there is one, but those whose names the function has itself. */
NODISCARD enum cli_exit cli_runtime_collect(const struct cli *cli,
                                            const char *runtime,
                                            const char *module,
                                            struct cli_files *files);

#endif
