/* SPDX-License-Identifier: Apache-2.0 */
/*
 * login, logout: a token for each server, in ${XDG_CONFIG_HOME:-~/.config}/skerry/tokens.json,
 * mode 0600, {"http://HOST:PORT": "skt_..."}. A file that others can read is not used. It is
 * written whole, beside the old one, and takes its name.
 *
 * A token is asked of a terminal without showing it, or read from stdin or a file: never from the
 * command line, which everybody on the machine can read.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include "deploy/cli/cli.h"
#include "engine/base/io.h"

#define CLI_TOKENS_BYTES_MAX 65536

/* False: there is no place for it. */
static bool cli_tokens_path(char ret_folder[CLI_PATH_BYTES], char ret_path[CLI_PATH_BYTES + 16])
{
    const char *config = getenv("XDG_CONFIG_HOME");
    const char *home = getenv("HOME");
    int count = -1;
    if (config != NULL && config[0] == '/')
        count = snprintf(ret_folder, CLI_PATH_BYTES, "%s/skerry", config);
    else if (home != NULL && home[0] == '/')
        count = snprintf(ret_folder, CLI_PATH_BYTES, "%s/.config/skerry", home);
    if (count < 0 || count >= CLI_PATH_BYTES)
        return false;
    (void)snprintf(ret_path, CLI_PATH_BYTES + 16, "%s/tokens.json", ret_folder);
    return true;
}

/* An empty object if there is no file; NULL, and said, if it cannot be used. */
static json_t *cli_load_tokens(const struct cli *cli, const char *path)
{
    char text[CLI_TOKENS_BYTES_MAX];
    struct stat facts;
    AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
        return json_object();
    if (fd >= 0 && fstat(fd, &facts) == 0 &&
        (facts.st_uid != geteuid() || (facts.st_mode & 077) != 0)) {
        (void)cli_fail(cli, CLI_FAILED,
                       "others can read or write %s: chmod 600 it, and revoke what is in it", path);
        return NULL;
    }
    ssize_t count = fd < 0 ? -1 : read(fd, text, sizeof(text));
    json_t *tokens = count < 0 ? NULL : json_loadb(text, (size_t)count, 0, NULL);
    explicit_bzero(text, sizeof(text));
    if (json_is_object(tokens))
        return tokens;
    json_decref(tokens);
    (void)cli_fail(cli, CLI_FAILED, "%s cannot be read: remove it and log in again", path);
    return NULL;
}

static enum cli_exit
cli_keep_tokens(const struct cli *cli, json_t *tokens, const char *folder, const char *path)
{
    char temp[CLI_PATH_BYTES + 32];
    char parent[CLI_PATH_BYTES];
    (void)snprintf(temp, sizeof(temp), "%s.%d", path, (int)getpid());
    (void)snprintf(parent, sizeof(parent), "%s", folder);
    *strrchr(parent, '/') = '\0';
    (void)mkdir(parent, 0700);
    (void)mkdir(folder, 0700);
    char *text = json_dumps(tokens, JSON_INDENT(2) | JSON_SORT_KEYS);
    AUTO_CLOSE int fd = open(temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    bool kept = text != NULL && fd >= 0 && io_write_all(fd, bytes_of_text(text)) == STATUS_OK &&
                fsync(fd) == 0 && rename(temp, path) == 0;
    int error = errno;
    if (fd >= 0 && !kept)
        (void)unlink(temp);
    free(text);
    if (kept)
        return CLI_OK;
    char reason[128];
    return cli_fail(cli, CLI_FAILED, "cannot write %s: %s", path,
                    strerror_r(error, reason, sizeof(reason)));
}

bool cli_find_token(const struct cli *cli, char ret_token[CLI_TOKEN_BYTES])
{
    char folder[CLI_PATH_BYTES];
    char path[CLI_PATH_BYTES + 16];
    ret_token[0] = '\0';
    if (!cli_tokens_path(folder, path))
        return true;
    json_t *tokens = cli_load_tokens(cli, path);
    const char *token = json_string_value(json_object_get(tokens, cli->base));
    if (token != NULL && strlen(token) < CLI_TOKEN_BYTES)
        memcpy(ret_token, token, strlen(token) + 1);
    bool read = tokens != NULL;
    json_decref(tokens);
    return read;
}

/* ---- asking for it --------------------------------------------------------------------------- */

char *cli_read_line(FILE *file, const char *prompt, char ret_text[CLI_TOKEN_BYTES])
{
    struct termios before;
    bool terminal = isatty(fileno(file)) && tcgetattr(fileno(file), &before) == 0;
    if (terminal) {
        struct termios silent = before;
        silent.c_lflag &= ~(tcflag_t)ECHO;
        (void)fputs(prompt, stderr);
        (void)tcsetattr(fileno(file), TCSAFLUSH, &silent);
    }
    char *line = fgets(ret_text, CLI_TOKEN_BYTES, file);
    if (terminal) {
        (void)tcsetattr(fileno(file), TCSAFLUSH, &before);
        (void)fputc('\n', stderr);
    }
    return line;
}

static enum cli_exit cli_ask_token(const struct cli *cli, char ret_token[CLI_TOKEN_BYTES])
{
    const char *path = cli->options.file;
    char reason[128];
    FILE *file = path == NULL ? stdin : fopen(path, "re");
    if (file == NULL)
        return cli_fail(cli, CLI_FAILED, "cannot read %s: %s", path,
                        strerror_r(errno, reason, sizeof(reason)));
    char *line = cli_read_line(file, "token: ", ret_token);
    if (file != stdin)
        (void)fclose(file);
    if (line != NULL)
        line[strcspn(line, " \t\r\n")] = '\0';
    if (line == NULL || line[0] == '\0')
        return cli_fail(cli, CLI_USAGE,
                        "there is no token in %s: make one with skerry token create",
                        path == NULL ? "stdin" : path);
    return CLI_OK;
}

/* ---- the verbs ------------------------------------------------------------------------------- */

/* The server's place from the word after the verb; a socket needs no token. */
static enum cli_exit cli_take_place(struct cli *cli)
{
    const char *url = cli->options.positional[0];
    size_t count = strlen(url);
    if ((strncmp(url, "http://", 7) != 0 && strncmp(url, "https://", 8) != 0) ||
        count >= sizeof(cli->base))
        return cli_fail(
            cli, CLI_USAGE,
            "`%.200s` is no address of a server: write https://HOST:PORT or http://HOST:PORT", url);
    cli->socket[0] = '\0';
    memcpy(cli->base, url, count + 1);
    if (cli->base[count - 1] == '/')
        cli->base[count - 1] = '\0';
    return CLI_OK;
}

/* Changes what is kept for the server; token NULL: it is forgotten. */
static enum cli_exit cli_change_kept(const struct cli *cli, const char *token)
{
    char folder[CLI_PATH_BYTES];
    char path[CLI_PATH_BYTES + 16];
    if (!cli_tokens_path(folder, path))
        return cli_fail(cli, CLI_FAILED, "there is no place to keep it: set HOME");
    json_t *tokens = cli_load_tokens(cli, path);
    if (tokens == NULL)
        return CLI_FAILED;
    enum cli_exit code = CLI_OK;
    if (token != NULL)
        (void)json_object_set_new(tokens, cli->base, json_string(token));
    else if (json_object_del(tokens, cli->base) != 0)
        code = cli_fail(cli, CLI_NOT_FOUND, "no token is kept for %s", cli->base);
    if (code == CLI_OK)
        code = cli_keep_tokens(cli, tokens, folder, path);
    json_decref(tokens);
    return code;
}

enum cli_exit cli_login(struct cli *cli)
{
    struct cli_answer answer;
    const struct cli_request request = {.method = "GET", .path = "/v1/caller"};
    enum cli_exit code = cli_refuse_rehearsal(cli);
    if (code == CLI_OK)
        code = cli_take_place(cli);
    if (code == CLI_OK)
        code = cli_ask_token(cli, cli->token);
    if (code == CLI_OK)
        code = cli_call(cli, &request, &answer);
    if (code != CLI_OK)
        return code;
    const char *tenant = json_string_value(json_object_get(answer.json, "tenant"));
    code = cli_change_kept(cli, cli->token);
    if (code == CLI_OK && !cli_print_json(cli, &answer)) {
        (void)printf("logged in to %s as %s, for %s%s\n", cli->base, cli_text(answer.json, "who"),
                     tenant == NULL ? "all tenants" : "tenant ", tenant == NULL ? "" : tenant);
        cli_next(cli, "skerry list --url %s%s%s", cli->base, tenant == NULL ? "" : " -t ",
                 tenant == NULL ? "" : tenant);
    }
    cli_answer_done(&answer);
    return code;
}

enum cli_exit cli_logout(struct cli *cli)
{
    enum cli_exit code = cli_refuse_rehearsal(cli);
    if (code == CLI_OK)
        code = cli_take_place(cli);
    if (code == CLI_OK)
        code = cli_change_kept(cli, NULL);
    if (code != CLI_OK)
        return code;
    if (cli->options.json) {
        cli_print_value(json_pack("{s:s}", "forgotten", cli->base));
    } else {
        (void)printf("forgot the token for %s\n", cli->base);
        cli_next(cli, "skerry token rm ID, if nobody else uses it");
    }
    return CLI_OK;
}
