/* SPDX-License-Identifier: Apache-2.0 */
/*
 * restore: a data directory of a backup, on any machine. No server is asked; none has the directory
 * yet. The backup is read twice: once whether it is whole, then into place.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "deploy/backup/backup.h"
#include "deploy/cli/cli.h"

static enum cli_exit cli_restore_file(const struct cli *cli,
                                      FILE *file,
                                      const char *dir,
                                      struct backup_counts *ret_counts)
{
    struct config config;
    struct report report = REPORT_INIT;
    char passphrase[CLI_TOKEN_BYTES] = "";
    const char *opens = NULL;
    enum cli_exit code = CLI_OK;
    enum status status = config_defaults(&config, &report);
    if (status == STATUS_OK)
        status = backup_check(file, NULL, &report, ret_counts);
    rewind(file);
    if (status == STATUS_OK && ret_counts->vault && !cli->options.no_secrets) {
        code = cli_ask_passphrase(cli, false, passphrase);
        opens = passphrase;
    }
    if (code != CLI_OK)
        return code;
    if (status == STATUS_OK && opens != NULL)
        status = backup_check(file, opens, &report, ret_counts);
    rewind(file);
    if (status == STATUS_OK)
        status = backup_restore(file, dir, &config, opens, &report, ret_counts);
    explicit_bzero(passphrase, sizeof(passphrase));
    ret_counts->vault = opens != NULL;
    return status == STATUS_OK
               ? CLI_OK
               : cli_fail(cli, (enum cli_exit)status_exit_code(status), "%s", report.text);
}

enum cli_exit cli_restore(struct cli *cli)
{
    const struct cli_options *options = &cli->options;
    const char *path = options->positional[0];
    char dir[PATH_MAX];
    char here[PATH_MAX];
    char quoted[CLI_PATH_BYTES];
    char reason[128];
    struct backup_counts counts = {0};
    enum cli_exit refused = cli_refuse_rehearsal(cli);
    if (refused != CLI_OK)
        return refused;
    if (options->data == NULL || options->data[0] == '\0')
        return cli_fail(cli, CLI_USAGE, "name the data directory to make with --data DIR");
    bool absolute = options->data[0] == '/';
    if (!absolute && getcwd(here, sizeof(here)) == NULL)
        return cli_fail(cli, CLI_FAILED, "there is no present directory");
    int count = absolute ? snprintf(dir, sizeof(dir), "%s", options->data)
                         : snprintf(dir, sizeof(dir), "%.2000s/%.2000s", here, options->data);
    if (count <= 1 || count >= CONFIG_PATH_BYTES)
        return cli_fail(cli, CLI_USAGE, "the directory's name is too long");
    while (count > 1 && dir[count - 1] == '/')
        dir[--count] = '\0';
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return cli_fail(cli, errno == ENOENT ? CLI_NOT_FOUND : CLI_FAILED, "cannot read %s: %s",
                        path, strerror_r(errno, reason, sizeof(reason)));
    enum cli_exit code = cli_restore_file(cli, file, dir, &counts);
    (void)fclose(file);
    if (code != CLI_OK)
        return code;
    if (options->json)
        cli_print_value(json_pack("{s:I, s:I, s:b}", "records", (json_int_t)counts.records, "files",
                                  (json_int_t)counts.files, "secrets", counts.vault));
    else
        (void)printf("restored %s: %llu records, %llu files%s\n", dir,
                     (unsigned long long)counts.records, (unsigned long long)counts.files,
                     counts.vault ? ", secrets and private keys"
                                  : "; secrets have to be put again");
    if (!options->json)
        cli_next(cli, "skerry serve --data %s   and   skerry audit --verify",
                 cli_quote(dir, quoted));
    return CLI_OK;
}
