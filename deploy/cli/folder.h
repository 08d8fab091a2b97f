/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A function's folder for `skerry deploy`: its function.yaml, and with the module as one body.
 */
#ifndef SKERRY_DEPLOY_CLI_FOLDER_H
#define SKERRY_DEPLOY_CLI_FOLDER_H

#include "deploy/cli/cli.h"
#include "deploy/manifest/manifest.h"

struct cli_folder {
    struct arena arena;
    struct deploy_manifest manifest;
    char module[CLI_PATH_BYTES]; /* path of `main` */
    struct buffer body;          /* multipart/related, when it was made */
    char type[128];              /* of the body */
};

/* Is it a folder, or the manifest in one? */
bool cli_is_folder(const char *path);
/* Reads the manifest; cli_folder_done is due either way. */
NODISCARD enum cli_exit
cli_folder_read(const struct cli *cli, const char *path, struct cli_folder *folder);
/* Makes the body: the manifest, under that name, and the module. */
NODISCARD enum cli_exit
cli_folder_pack(const struct cli *cli, const char *name, struct cli_folder *folder);
void cli_folder_done(struct cli_folder *folder);

#endif
