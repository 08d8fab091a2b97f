/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What opens a backup's secrets: the first line of a file, or asked of a terminal without showing
 * it; never from the command line, which everybody on the machine can read.
 */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "deploy/cli/cli.h"

#define CLI_PASSPHRASE_MIN 8

static enum cli_exit
cli_passphrase_of(const struct cli *cli, FILE *file, char ret_text[CLI_TOKEN_BYTES])
{
    char *line = cli_read_line(file, "passphrase: ", ret_text);
    if (line != NULL)
        line[strcspn(line, "\r\n")] = '\0';
    if (line != NULL && strlen(line) >= CLI_PASSPHRASE_MIN && strlen(line) + 1 < CLI_TOKEN_BYTES)
        return CLI_OK;
    return cli_fail(cli, CLI_USAGE,
                    "that is no passphrase of %d to %d bytes: put one into a file of its own, and "
                    "name it with --file",
                    CLI_PASSPHRASE_MIN, CLI_TOKEN_BYTES - 2);
}

enum cli_exit cli_ask_passphrase(const struct cli *cli, bool is_new, char ret_text[CLI_TOKEN_BYTES])
{
    const char *path = cli->options.file;
    char again[CLI_TOKEN_BYTES];
    char reason[128];
    FILE *file = path == NULL ? stdin : fopen(path, "re");
    if (file == NULL)
        return cli_fail(cli, CLI_FAILED, "cannot read %s: %s", path,
                        strerror_r(errno, reason, sizeof(reason)));
    enum cli_exit code = cli_passphrase_of(cli, file, ret_text);
    if (code == CLI_OK && is_new && isatty(fileno(file))) {
        (void)fputs("again, ", stderr);
        code = cli_passphrase_of(cli, file, again);
        if (code == CLI_OK && strcmp(ret_text, again) != 0)
            code = cli_fail(cli, CLI_USAGE, "these are two passphrases");
        explicit_bzero(again, sizeof(again));
    }
    if (file != stdin)
        (void)fclose(file);
    return code;
}
