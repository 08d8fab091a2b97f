/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A script as it is sent: alone, or with the files that it imports, as multipart/form-data.
 */
#ifndef SKERRY_DEPLOY_CLI_FOLDER_SCRIPT_H
#define SKERRY_DEPLOY_CLI_FOLDER_SCRIPT_H

#include "deploy/cli/cli.h"
#include "engine/base/arena.h"

#define CLI_SCRIPT_TYPE_BYTES 128

struct cli_script {
    const char *folder;    /* that names are below; "" is the working one */
    const char *main;      /* the script, a name below it */
    struct bytes metadata; /* what is said besides (docs/javascript.md), as JSON; may be empty */
};

/* Is the file a script, by its name: .js or .mjs? */
bool cli_script_is(const char *path);
/* Does a bundler have to make a script of it: .ts, .tsx, .jsx, .mts? */
bool cli_script_needs_bundler(const char *path);
/* The command that makes `made` of `main` and what it imports with esbuild, the project's or else
 * the one on PATH, run in the folder; in the arena, NULL: there is no room. */
const char *cli_script_bundle_command(struct arena *arena, const char *main, const char *made);
/* Appends the upload, and says its media type. What is imported is every text in quotes that begins
 * with ./ or ../ and is the name of a file below the folder. */
NODISCARD enum cli_exit cli_script_pack(const struct cli *cli,
                                        const struct cli_script *script,
                                        struct buffer *body,
                                        char ret_type[CLI_SCRIPT_TYPE_BYTES]);

#endif
