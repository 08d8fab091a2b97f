/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to `skerry dev`: its server, and what it shows of what that says.
 */
#ifndef SKERRY_DEPLOY_CLI_PROJECT_DEV_H
#define SKERRY_DEPLOY_CLI_PROJECT_DEV_H

#include "deploy/cli/cli.h"
#include "deploy/project/process.h"

#define CLI_DEV_LINE_BYTES 65536

struct cli_dev_server {
    struct project_process process;
    int out_fd; /* what it prints, both ways */
    bool ready;
    bool stopping;
    struct buffer line; /* of which the end has not come */
    char folder[64];    /* what goes with it: configuration; a file's data */
    char config[96];    /* "": the user's */
    char listen[64];
    char socket[108]; /* in its data, where that path is not too long for one */
};

/* Starts `skerry serve`. `data` NULL: in a folder that goes with it. cli_dev_server_stop is due
 * either way. */
NODISCARD enum cli_exit
cli_dev_server_start(const struct cli *cli, const char *data, struct cli_dev_server *ret_server);
/* Takes what it printed and shows of it what a person wants to see. */
void cli_dev_server_read(struct cli_dev_server *server);
void cli_dev_server_stop(struct cli_dev_server *server);

/* Prints a line of the server's, without its newline: a request with its fuel and its start, what a
 * guest logged, how it failed, what the server warns of. True: it is ready. */
bool cli_dev_show(struct bytes line, bool stopping);

#endif
