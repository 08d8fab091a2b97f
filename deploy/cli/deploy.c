/* SPDX-License-Identifier: Apache-2.0 */
/*
 * deploy: upload a file, print what it became. Without -n the file's name, made into a
 * DNS label, names the function. A configuration for the guest goes with the query: each
 * version has its own, and one that is deployed without has none.
 */
#include "deploy/deploy.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>

#include "deploy/cli/cli.h"
#include "deploy/cli/folder/folder.h"
#include "deploy/cli/folder/script.h"
#include "deploy/source.h"

#define CLI_CONTENT_BYTES    80
#define CLI_SIGNED_BYTES_MAX (1U << 30)
#define CLI_QUERY_BYTES_MAX  (3 * DEPLOY_CONFIG_BYTES_MAX + 4096)

/* "dir/hello.wasm" to "hello". False if the file's name would have to be changed to be one: a
 * guess would fall on another function sooner or later. Then `ret_name` is a proposal, or "". */
static bool cli_name_of_file(const char *path, char ret_name[DEPLOY_NAME_BYTES])
{
    const char *slash = strrchr(path, '/');
    const char *base = slash == NULL ? path : slash + 1;
    size_t bytes;
    size_t count = 0;
    (void)source_type_of_file(base, &bytes);
    for (size_t i = 0; i < bytes && count + 1 < DEPLOY_NAME_BYTES; i++) {
        int c = tolower((unsigned char)base[i]);
        bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        if (plain || count > 0)
            ret_name[count++] = plain ? (char)c : '-';
    }
    while (count > 0 && ret_name[count - 1] == '-')
        count--;
    ret_name[count] = '\0';
    return deploy_name_valid(bytes_of_text(ret_name)) && count == bytes &&
           memcmp(ret_name, base, count) == 0;
}

static enum cli_exit cli_name_module(const struct cli *cli,
                                     const char *path,
                                     char made[DEPLOY_NAME_BYTES],
                                     const char **ret_name)
{
    *ret_name = made;
    if (cli_name_of_file(path, made))
        return CLI_OK;
    return cli_fail(cli, CLI_USAGE,
                    "the file's name is no function's name as it is: pass one, like -n %s",
                    made[0] == '\0' ? "hello" : made);
}

static void cli_print_warnings(const json_t *answer)
{
    size_t i;
    json_t *warning;
    json_array_foreach(json_object_get(answer, "warnings"), i, warning)
    {
        (void)fprintf(stderr, "warning: %s\n", json_string_value(warning));
    }
}

/* What was done before the checkpoint, and so is done for all requests. */
static void cli_print_checkpoint(const json_t *made)
{
    if (!json_is_object(made))
        return;
    (void)printf("  goes on from its checkpoint, after %" JSON_INTEGER_FORMAT " fuel; before it "
                 "were read: the clock %" JSON_INTEGER_FORMAT " times, %" JSON_INTEGER_FORMAT
                 " random bytes, empty arguments %" JSON_INTEGER_FORMAT " times, an empty "
                 "environment %" JSON_INTEGER_FORMAT " times\n",
                 cli_number(made, "fuel"), cli_number(made, "clock_reads"),
                 cli_number(made, "random_bytes"), cli_number(made, "argument_reads"),
                 cli_number(made, "environment_reads"));
}

/* "1.2 KiB", "1.2 KiB, 9 files", or without a module "9 files": what was deployed. */
static void cli_describe_content(const struct cli_folder *folder,
                                 const json_t *answer,
                                 char ret_text[CLI_CONTENT_BYTES])
{
    char size[32];
    size_t count = folder == NULL ? 0 : folder->files.count + folder->assets.count;
    bool has_module = folder == NULL || cli_folder_has_module(folder);
    cli_format_bytes((uint64_t)cli_number(answer, "module_bytes"), size);
    int used = snprintf(ret_text, CLI_CONTENT_BYTES, "%s%s", has_module ? size : "",
                        has_module && count > 0 ? ", " : "");
    if (count > 0)
        (void)snprintf(ret_text + used, CLI_CONTENT_BYTES - (size_t)used, "%zu file%s", count,
                       count == 1 ? "" : "s");
}

static void
cli_print_deployed(const struct cli *cli, const struct cli_folder *folder, const json_t *answer)
{
    const json_t *timings = json_object_get(answer, "timings");
    const char *outcome = cli_text(answer, "status");
    char size[CLI_CONTENT_BYTES];
    cli_describe_content(folder, answer, size);
    if (strcmp(outcome, "unchanged") == 0) {
        (void)printf("%s is unchanged: %s (%s) has these bytes already\n",
                     cli_text(answer, "function"), cli_text(answer, "version"),
                     cli_text(answer, "kind"));
    } else if (strcmp(outcome, "dry_run") == 0) {
        (void)printf("%s would be deployed (%s, %s); nothing was changed\n",
                     cli_text(answer, "function"), cli_text(answer, "kind"), size);
    } else {
        double us =
            (double)(cli_number(timings, "validate_us") + cli_number(timings, "translate_us") +
                     cli_number(timings, "snapshot_us") + cli_number(timings, "commit_us"));
        (void)printf("%s %s %s (%s, %s) in %.1f ms\n",
                     cli->options.no_activate ? "uploaded" : "deployed",
                     cli_text(answer, "function"), cli_text(answer, "version"),
                     cli_text(answer, "kind"), size, us / 1000);
    }
    (void)printf("  %s\n", cli_text(answer, "url"));
    cli_print_checkpoint(json_object_get(answer, "checkpoint"));
}

/* Appends what --config or --config-file gives. */
static enum cli_exit cli_read_config(const struct cli *cli, struct buffer *config)
{
    const char *text = cli->options.config;
    const char *path = cli->options.config_file;
    char chunk[4096];
    if (text != NULL && path != NULL)
        return cli_fail(cli, CLI_USAGE, "pass either --config or --config-file");
    enum status status = text == NULL ? STATUS_OK : buffer_append(config, text, strlen(text));
    FILE *file = path == NULL ? NULL : fopen(path, "rbe");
    if (path != NULL && file == NULL)
        return cli_fail(cli, errno == ENOENT ? CLI_NOT_FOUND : CLI_FAILED, "cannot read %s: %s",
                        path, strerrordesc_np(errno));
    while (file != NULL && status == STATUS_OK && !feof(file) && !ferror(file))
        status = buffer_append(config, chunk, fread(chunk, 1, sizeof(chunk), file));
    bool failed = file != NULL && ferror(file);
    if (file != NULL)
        (void)fclose(file);
    if (failed)
        return cli_fail(cli, CLI_FAILED, "cannot read %s", path);
    if (status != STATUS_OK)
        return cli_fail(cli, CLI_LIMIT,
                        "a configuration can have %d bytes at most, see `skerry limits`",
                        DEPLOY_CONFIG_BYTES_MAX);
    return CLI_OK;
}

/* Nothing if `value` is empty. */
static enum status cli_add_parameter(struct buffer *query, const char *name, struct bytes value)
{
    enum status status = STATUS_OK;
    if (value.count > 0)
        status = buffer_printf(query, "&%s=", name);
    for (size_t i = 0; status == STATUS_OK && i < value.count; i++)
        status = buffer_printf(query, "%%%02x", value.data[i]);
    return status;
}

/* The upload's query, with a NUL at its end. */
static enum cli_exit cli_make_query(const struct cli *cli, struct buffer *query)
{
    const struct cli_options *options = &cli->options;
    struct buffer config;
    buffer_init(&config, DEPLOY_CONFIG_BYTES_MAX);
    enum cli_exit code = cli_read_config(cli, &config);
    enum status status =
        buffer_printf(query, "?activate=%d&dry_run=%d", !options->no_activate, options->dry_run);
    if (status == STATUS_OK)
        status = cli_add_parameter(query, "config", buffer_bytes(&config));
    if (status == STATUS_OK && options->reuse != NULL)
        status = cli_add_parameter(query, "reuse_requests", bytes_of_text(options->reuse));
    if (status == STATUS_OK && options->reuse_for != NULL)
        status = cli_add_parameter(query, "reuse_for", bytes_of_text(options->reuse_for));
    if (status == STATUS_OK && options->percent != NULL)
        status = cli_add_parameter(query, "percent", bytes_of_text(options->percent));
    if (status == STATUS_OK && options->health != NULL && options->health[0] == '\0')
        status = buffer_printf(query, "&health=");
    if (status == STATUS_OK && options->health != NULL)
        status = cli_add_parameter(query, "health", bytes_of_text(options->health));
#define CHOICE(NAME, bit, name, flag, text)                                                        \
    if (status == STATUS_OK && (options->choices & DEPLOY_##NAME) != 0)                            \
        status = buffer_append(query, "&" #name "=1", strlen("&" #name "=1"));
#include "deploy/choices.def"
    if (status == STATUS_OK)
        status = buffer_append(query, "", 1);
    buffer_done(&config);
    if (code == CLI_OK && status != STATUS_OK)
        code = cli_fail(cli, CLI_FAILED, "out of memory");
    return code;
}

/* A module alone has to be read, for all of it is signed. */
static enum cli_exit cli_sign_upload(const struct cli *cli,
                                     const char *name,
                                     struct cli_request *request,
                                     struct buffer *module,
                                     char ret_signature[CLI_SIGNATURE_BYTES])
{
    size_t stem;
    if (request->file != NULL) {
        if (!cli_read_all(request->file, module))
            return cli_fail(cli, errno == ENOENT ? CLI_NOT_FOUND : CLI_FAILED, "cannot read %s: %s",
                            request->file, strerrordesc_np(errno));
        request->type = source_type_of_file(request->file, &stem);
        request->body = buffer_bytes(module);
        request->file = NULL;
    }
    const struct signature_upload upload = {.tenant = bytes_of_text(cli->options.tenant),
                                            .function = bytes_of_text(name),
                                            .type = bytes_of_text(request->type),
                                            .query = bytes_of_text(request->query + 1),
                                            .body = request->body};
    if (!deploy_name_valid(upload.tenant) || !deploy_name_valid(upload.function))
        return cli_fail(cli, CLI_USAGE, "tenant and function have no names that can be signed");
    request->signature = ret_signature;
    return cli_sign(cli, &upload, ret_signature);
}

/* `folder` is NULL for a module alone. */
static enum cli_exit cli_upload(const struct cli *cli,
                                const char *file,
                                const char *name,
                                const struct cli_folder *folder,
                                struct cli_answer *ret_answer)
{
    char path[CLI_PATH_BYTES];
    char signature[CLI_SIGNATURE_BYTES];
    struct buffer query;
    struct buffer module;
    buffer_init(&query, CLI_QUERY_BYTES_MAX);
    buffer_init(&module, CLI_SIGNED_BYTES_MAX);
    enum cli_exit code = cli_make_query(cli, &query);
    cli_function_path(cli, name, "", path);
    struct cli_request request = {.method = "PUT", .path = path, .file = file};
    request.query = (const char *)query.data;
    if (folder != NULL) {
        request.file = NULL;
        request.body = buffer_bytes(&folder->body);
        request.type = folder->type;
    }
    if (code == CLI_OK && cli->options.sign != NULL)
        code = cli_sign_upload(cli, name, &request, &module, signature);
    if (code == CLI_OK)
        code = cli_call(cli, &request, ret_answer);
    buffer_done(&module);
    buffer_done(&query);
    return code;
}

/* The command once more, without --dry-run. */
static void cli_next_in_earnest(const struct cli *cli, const char *file, const char *name)
{
    const struct cli_options *options = &cli->options;
    const struct {
        const char *flag;
        const char *value;
    } rows[] = {{"-c", options->config},
                {"--config-file", options->config_file},
                {"--warm", options->warm},
                {"--reuse", options->reuse},
                {"--reuse-for", options->reuse_for},
                {"--percent", options->percent},
                {"--health", options->health},
                {"--sign", options->sign}};
    char flags[CLI_FLAGS_BYTES];
    char quoted[CLI_PATH_BYTES];
    char more[5 * CLI_PATH_BYTES];
    size_t used = 0;
    more[0] = '\0';
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        /* A text that is too long to be shown is not cut. */
        if (rows[i].value == NULL || strlen(rows[i].value) > CLI_PATH_BYTES / 4)
            continue;
        used += (size_t)snprintf(more + used, sizeof(more) - used, " %s %s", rows[i].flag,
                                 cli_quote(rows[i].value, quoted));
    }
#define CHOICE(NAME, bit, name, flag, text)                                                        \
    if ((options->choices & DEPLOY_##NAME) != 0)                                                   \
        used += (size_t)snprintf(more + used, sizeof(more) - used, " --%s", flag);
#include "deploy/choices.def"
    cli_next(cli, "skerry deploy %s -n %s%s%s", cli_quote(file, quoted), name, more,
             cli_flags(cli, flags));
}

static void
cli_next_deploy(const struct cli *cli, const char *file, const char *name, const json_t *answer)
{
    char flags[CLI_FLAGS_BYTES];
    if (cli->options.dry_run)
        cli_next_in_earnest(cli, file, name);
    else if (cli->options.percent != NULL)
        cli_next(cli, "skerry promote %s%s   or   skerry rollback %s%s", name,
                 cli_flags(cli, flags), name, flags);
    else if (!json_is_true(json_object_get(answer, "active")))
        cli_next(cli, "skerry activate %s %s%s", name, cli_text(answer, "version"),
                 cli_flags(cli, flags));
    else
        cli_next(cli, "curl %s   or   skerry versions %s%s", cli_text(answer, "url"), name,
                 cli_flags(cli, flags));
}

enum cli_exit
cli_deploy_as(struct cli *cli, const char *file, const char *name, const struct cli_folder *folder)
{
    struct cli_answer answer;
    enum cli_exit code = cli_upload(cli, file, name, folder, &answer);
    if (code != CLI_OK)
        return code;
    cli_print_warnings(answer.json);
    if (!cli_print_json(cli, &answer)) {
        cli_print_deployed(cli, folder, answer.json);
        cli_next_deploy(cli, file, name, answer.json);
    }
    cli_answer_done(&answer);
    return CLI_OK;
}

enum cli_exit
cli_folder_name(const struct cli *cli, struct cli_folder *folder, const char **ret_name)
{
    const char *name = cli->options.name;
    if (name == NULL && folder->manifest.name.count > 0)
        name = (const char *)folder->manifest.name.data;
    if (name == NULL && folder->is_module)
        return cli_name_module(cli, folder->module, folder->made, ret_name);
    if (name == NULL)
        return cli_fail(cli, CLI_USAGE,
                        DEPLOY_MANIFEST_FILE " names no function: add `name:`, or pass -n NAME");
    if (!deploy_name_valid(bytes_of_text(name)))
        return cli_fail(cli, CLI_USAGE, "`%.64s` cannot be a function's name", name);
    *ret_name = name;
    return CLI_OK;
}

/* Nothing but a script is warmed. */
static enum cli_exit cli_check_warm(const struct cli *cli, const char *module)
{
    if (cli->options.warm == NULL || cli_script_is(module))
        return CLI_OK;
    return cli_fail(cli, CLI_USAGE, "--warm is for scripts, and %s is none", module);
}

static enum cli_exit cli_deploy_folder(struct cli *cli, const char *path)
{
    struct cli_folder folder;
    const char *name;
    enum cli_exit code = cli_folder_read(cli, path, &folder);
    if (code == CLI_OK)
        code = cli_folder_name(cli, &folder, &name);
    if (code == CLI_OK)
        code = cli_check_warm(cli, folder.module);
    if (code == CLI_OK && !cli->options.no_build)
        code = cli_reach(cli);
    if (code == CLI_OK && !cli->options.no_build)
        code = cli_folder_build(cli, &folder);
    if (code == CLI_OK)
        code = cli_folder_pack(cli, name, &folder);
    if (code == CLI_OK)
        code = cli_deploy_as(cli, path, name, &folder);
    cli_folder_done(&folder);
    return code;
}

/* A script may have others beside it. */
static enum cli_exit cli_deploy_script(struct cli *cli, const char *file, const char *name)
{
    struct cli_folder folder;
    cli_folder_of_module(file, &folder);
    enum cli_exit code = cli_folder_pack(cli, name, &folder);
    if (code == CLI_OK)
        code = cli_deploy_as(cli, file, name, &folder);
    cli_folder_done(&folder);
    return code;
}

/* A script that a bundler makes first, as it would of the folder that it is in. */
static enum cli_exit cli_deploy_source(struct cli *cli, const char *file)
{
    struct cli_folder folder;
    char made[DEPLOY_NAME_BYTES];
    const char *name = cli->options.name;
    enum cli_exit code = cli_folder_of_source(cli, file, &folder);
    if (code == CLI_OK && name == NULL)
        code = cli_name_module(cli, folder.module, made, &name);
    if (code == CLI_OK && !cli->options.no_build)
        code = cli_folder_build(cli, &folder);
    if (code == CLI_OK)
        code = cli_folder_pack(cli, name, &folder);
    if (code == CLI_OK)
        code = cli_deploy_as(cli, file, name, &folder);
    cli_folder_done(&folder);
    return code;
}

enum cli_exit cli_deploy(struct cli *cli)
{
    char made[DEPLOY_NAME_BYTES];
    const char *file = cli->options.positional[0];
    const char *name = cli->options.name;
    enum cli_exit code = CLI_OK;
    if (cli_is_folder(file))
        return cli_deploy_folder(cli, file);
    if (cli_script_needs_bundler(file))
        return cli_deploy_source(cli, file);
    if (name == NULL)
        code = cli_name_module(cli, file, made, &name);
    if (code == CLI_OK && cli_script_is(file))
        return cli_deploy_script(cli, file, name);
    if (code == CLI_OK)
        code = cli_check_warm(cli, file);
    return code == CLI_OK ? cli_deploy_as(cli, file, name, NULL) : code;
}
