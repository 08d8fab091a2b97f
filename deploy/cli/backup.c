/* SPDX-License-Identifier: Apache-2.0 */
/*
 * backup: into a file of mode 0600 beside its name, which it gets when it was read once more and
 * found whole.
 */
#include "deploy/backup/backup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "deploy/cli/cli.h"
#include "deploy/recipient.h"

struct cli_backup {
    FILE *file;
    bool failed;
};

static void cli_backup_take(void *context, struct bytes data)
{
    struct cli_backup *backup = context;
    if (fwrite(data.data, 1, data.count, backup->file) != data.count)
        backup->failed = true;
}

static enum cli_exit cli_backup_errno(const struct cli *cli, const char *path)
{
    char reason[128];
    return cli_fail(cli, CLI_FAILED, "cannot write %s: %s", path,
                    strerror_r(errno, reason, sizeof(reason)));
}

/* The request's body: whom secrets are sealed for, or nothing. */
static enum cli_exit cli_backup_body(const struct cli *cli, char ret_body[CLI_PATH_BYTES])
{
    char passphrase[CLI_TOKEN_BYTES];
    char text[RECIPIENT_TEXT_BYTES];
    struct recipient recipient;
    struct report report = REPORT_INIT;
    ret_body[0] = '\0';
    if (!cli->options.secrets)
        return CLI_OK;
    enum cli_exit code = cli_ask_passphrase(cli, true, passphrase);
    if (code != CLI_OK)
        return code;
    enum status status = recipient_make(bytes_of_text(passphrase), &report, &recipient);
    explicit_bzero(passphrase, sizeof(passphrase));
    if (status != STATUS_OK)
        return cli_fail(cli, CLI_FAILED, "%s", report.text);
    recipient_print(&recipient, text);
    (void)snprintf(ret_body, CLI_PATH_BYTES, "{\"recipient\":\"%s\"}", text);
    return CLI_OK;
}

/* Asks for it and checks what came. */
static enum cli_exit cli_backup_fetch(const struct cli *cli,
                                      FILE *file,
                                      const char *path,
                                      struct backup_counts *ret_counts)
{
    struct cli_answer answer;
    struct report report = REPORT_INIT;
    char body[CLI_PATH_BYTES];
    struct cli_backup backup = {.file = file};
    enum cli_exit code = cli_backup_body(cli, body);
    if (code != CLI_OK)
        return code;
    const struct cli_request request = {.method = "POST",
                                        .path = "/v1/backup",
                                        .body = bytes_of_text(body),
                                        .any_bytes = true,
                                        .take = cli_backup_take,
                                        .context = &backup};
    code = cli_call(cli, &request, &answer);
    if (code != CLI_OK)
        return code;
    cli_answer_done(&answer);
    if (backup.failed || fflush(file) != 0 || fsync(fileno(file)) != 0)
        return cli_backup_errno(cli, path);
    rewind(file);
    if (backup_read(file, NULL, NULL, &report, ret_counts) != STATUS_OK)
        return cli_fail(cli, CLI_FAILED, "%s: the connection broke off, or the server gave up",
                        report.text);
    return CLI_OK;
}

enum cli_exit cli_backup(struct cli *cli)
{
    const char *path = cli->options.positional[0];
    char temp[CLI_PATH_BYTES + 32];
    char size[32];
    char quoted[CLI_PATH_BYTES];
    struct backup_counts counts = {0};
    enum cli_exit refused = cli_refuse_rehearsal(cli);
    if (refused != CLI_OK)
        return refused;
    if (strlen(path) >= CLI_PATH_BYTES)
        return cli_fail(cli, CLI_USAGE, "the file's name is too long");
    (void)snprintf(temp, sizeof(temp), "%s.%d", path, (int)getpid());
    int fd = open(temp, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    FILE *file = fd < 0 ? NULL : fdopen(fd, "w+");
    if (file == NULL)
        return cli_backup_errno(cli, temp);
    enum cli_exit code = cli_backup_fetch(cli, file, temp, &counts);
    if (fclose(file) != 0 && code == CLI_OK)
        code = cli_backup_errno(cli, temp);
    if (code == CLI_OK && rename(temp, path) != 0)
        code = cli_backup_errno(cli, path);
    if (code != CLI_OK) {
        (void)unlink(temp);
        return code;
    }
    cli_format_bytes(counts.bytes, size);
    if (cli->options.json)
        cli_print_value(json_pack("{s:s, s:I, s:I, s:I, s:b}", "file", path, "bytes",
                                  (json_int_t)counts.bytes, "records", (json_int_t)counts.records,
                                  "files", (json_int_t)counts.files, "secrets", counts.vault));
    else
        (void)printf("saved %s: %s, %llu records, %llu files, %s secrets and private keys\n", path,
                     size, (unsigned long long)counts.records, (unsigned long long)counts.files,
                     counts.vault ? "with" : "without");
    if (!cli->options.json)
        cli_next(cli, "skerry restore %s --data DIR", cli_quote(path, quoted));
    return CLI_OK;
}
