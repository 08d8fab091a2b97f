/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A function's folder for `skerry deploy`: its function.yaml, and with the module as one body.
 */
#ifndef SKERRY_DEPLOY_CLI_FOLDER_FOLDER_H
#define SKERRY_DEPLOY_CLI_FOLDER_FOLDER_H

#include "deploy/cli/cli.h"
#include "deploy/cli/folder/files.h"
#include "deploy/deploy.h"
#include "deploy/manifest/manifest.h"

struct cli_folder {
    struct arena arena;
    struct deploy_manifest manifest;
    json_t *bindings;            /* of a Workers' project, owned; NULL: there are none */
    char path[CLI_PATH_BYTES];   /* the folder */
    char module[CLI_PATH_BYTES]; /* path of `main` */
    struct cli_files files;
    struct cli_files assets;
    struct buffer body;           /* multipart/related, or a module alone, when it was made */
    char type[128];               /* of the body */
    bool is_module;               /* there is no manifest */
    bool is_bundled;              /* `build` is ours, and nobody else's business */
    char made[DEPLOY_NAME_BYTES]; /* then: its name */
};

/* Appends all of a file; nothing is said of what went wrong but by errno, or EFBIG. */
bool cli_read_all(const char *path, struct buffer *out);
bool cli_read_stdin(struct buffer *out);
/* Is it a folder, or the manifest in one? */
bool cli_is_folder(const char *path);
/* Does a module go with it, whichever way? With an origin and no module of its own goes one that
 * passes all requests on. */
bool cli_folder_has_module(const struct cli_folder *folder);
/* Reads the manifest; cli_folder_done is due either way. */
NODISCARD enum cli_exit
cli_folder_read(const struct cli *cli, const char *path, struct cli_folder *folder);
/* A module without a folder: only to be packed, and deployed. */
void cli_folder_of_module(const char *path, struct cli_folder *folder);
/* The same of a source that a bundler makes a script of, in the folder that it is in;
 * cli_folder_done is due either way. */
NODISCARD enum cli_exit
cli_folder_of_source(const struct cli *cli, const char *path, struct cli_folder *folder);
/* What the function is called: -n, or the manifest, or the module's name. It lives as long as both.
 */
NODISCARD enum cli_exit
cli_folder_name(const struct cli *cli, struct cli_folder *folder, const char **ret_name);
/* Runs what `build` in the manifest says, if it says something, and sees that the module is there.
 */
NODISCARD enum cli_exit cli_folder_build(const struct cli *cli, const struct cli_folder *folder);
/* The shell's words for it. */
const char *cli_folder_command(const struct cli_folder *folder);
/* What is said of a build that ended with this status of wait(2): CLI_OK if all is well. */
NODISCARD enum cli_exit
cli_folder_built(const struct cli *cli, const struct cli_folder *folder, int wait_status);
/* Makes the body: the manifest, under that name, the module, and the list of files, of which those
 * that the server lacks are sent now. */
NODISCARD enum cli_exit
cli_folder_pack(const struct cli *cli, const char *name, struct cli_folder *folder);
/* Uploads what was packed, or the module `file` if `folder` is NULL, and prints what came of it. */
enum cli_exit
cli_deploy_as(struct cli *cli, const char *file, const char *name, const struct cli_folder *folder);
void cli_folder_done(struct cli_folder *folder);

#endif
