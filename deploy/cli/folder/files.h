/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The files that come with a function: found by patterns, hashed, and sent if the server lacks what
 * is in them. Only plain files are taken, and of hidden ones (`.git`, `.env`) only what a pattern
 * names with its dot.
 */
#ifndef SKERRY_DEPLOY_CLI_FOLDER_FILES_H
#define SKERRY_DEPLOY_CLI_FOLDER_FILES_H

#include "deploy/cli/cli.h"
#include "deploy/files.h"
#include "deploy/manifest/manifest.h"

#define CLI_FILES_TYPE "application/vnd.skerry.files+json"

struct cli_file {
    char *path; /* owned: as it is opened */
    char *name; /* in `path`: below the folder */
    uint8_t sha256[DEPLOY_FILE_SHA256_BYTES];
    uint64_t size;
};

struct cli_files {
    struct cli_file *rows; /* owned */
    size_t count;
    size_t capacity;
};

/* Adds the files below `folder` that match one of the patterns. A pattern without any is an error.
 * cli_files_done is due either way. */
NODISCARD enum cli_exit cli_files_collect(const struct cli *cli,
                                          const char *folder,
                                          const struct deploy_texts *patterns,
                                          struct cli_files *files);
/* Sends to the tenant of the options what it does not have yet. */
NODISCARD enum cli_exit cli_files_send(const struct cli *cli, const struct cli_files *files);
/* Appends the third part of an upload, in JSON. */
NODISCARD enum status
cli_files_write(const struct cli_files *files, const struct cli_files *assets, struct buffer *out);
bool cli_files_has(const struct cli_files *files, struct bytes name);
/* Moves what is only in `more` over, by name; false: out of memory. */
NODISCARD bool cli_files_join(struct cli_files *files, struct cli_files *more);
void cli_files_done(struct cli_files *files);

/* Does the name match? A segment `**` stands for any number of folders. */
bool cli_files_match(const char *pattern, const char *name);

#endif
