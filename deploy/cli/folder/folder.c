/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A folder: function.yaml is read here, where its lines can be told, and travels as JSON in front
 * of the module.
 */
#include "deploy/cli/folder/folder.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "deploy/cli/folder/runtime.h"
#include "deploy/cli/folder/script.h"
#include "deploy/cli/folder/site.h"
#include "deploy/cli/folder/wrangler.h"
#include "deploy/source.h"
#include "engine/base/hex.h"

#define CLI_FOLDER_BODY_MAX  ((size_t)2 << 30)
#define CLI_FOLDER_BUNDLER   "node_modules/.bin/esbuild"
#define CLI_FOLDER_MARK_HALF 16 /* random bytes of the boundary */

static bool cli_ends_with_manifest(const char *path)
{
    const char *slash = strrchr(path, '/');
    return strcmp(slash == NULL ? path : slash + 1, DEPLOY_MANIFEST_FILE) == 0;
}

bool cli_is_folder(const char *path)
{
    struct stat facts;
    return cli_ends_with_manifest(path) || (stat(path, &facts) == 0 && S_ISDIR(facts.st_mode));
}

static bool cli_read_stream(FILE *file, struct buffer *out)
{
    char chunk[65536];
    enum status status = STATUS_OK;
    while (status == STATUS_OK && !feof(file) && !ferror(file))
        status = buffer_append(out, chunk, fread(chunk, 1, sizeof(chunk), file));
    errno = ferror(file) ? errno : status != STATUS_OK ? EFBIG : 0;
    return errno == 0;
}

bool cli_read_all(const char *path, struct buffer *out)
{
    FILE *file = fopen(path, "rbe");
    if (file == NULL)
        return false;
    bool read = cli_read_stream(file, out);
    int error = errno;
    (void)fclose(file);
    errno = error;
    return read;
}

bool cli_read_stdin(struct buffer *out)
{
    return cli_read_stream(stdin, out);
}

static enum cli_exit cli_cannot_read(const struct cli *cli, const char *path)
{
    return cli_fail(cli, errno == ENOENT ? CLI_NOT_FOUND : CLI_FAILED, "cannot read %s: %s", path,
                    strerrordesc_np(errno));
}

/* (module (memory (export "memory") 1 1)
 *   (func (export "handle_request") (result i64) (i64.const 1)) ;; next
 *   (func (export "handle_response") (param i32 i32))) */
static const uint8_t cli_folder_passer[] = {
    0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00, 0x01, 0x0a, 0x02, 0x60, 0x00, 0x01, 0x7e,
    0x60, 0x02, 0x7f, 0x7f, 0x00, 0x03, 0x03, 0x02, 0x00, 0x01, 0x05, 0x04, 0x01, 0x01, 0x01,
    0x01, 0x07, 0x2d, 0x03, 0x06, 0x6d, 0x65, 0x6d, 0x6f, 0x72, 0x79, 0x02, 0x00, 0x0e, 0x68,
    0x61, 0x6e, 0x64, 0x6c, 0x65, 0x5f, 0x72, 0x65, 0x71, 0x75, 0x65, 0x73, 0x74, 0x00, 0x00,
    0x0f, 0x68, 0x61, 0x6e, 0x64, 0x6c, 0x65, 0x5f, 0x72, 0x65, 0x73, 0x70, 0x6f, 0x6e, 0x73,
    0x65, 0x00, 0x01, 0x0a, 0x09, 0x02, 0x04, 0x00, 0x42, 0x01, 0x0b, 0x02, 0x00, 0x0b};

/* It names one. */
static bool cli_folder_names_module(const struct cli_folder *folder)
{
    return folder->is_module || folder->manifest.main.count > 0 ||
           folder->manifest.runtime.count > 0;
}

bool cli_folder_has_module(const struct cli_folder *folder)
{
    return cli_folder_names_module(folder) || folder->manifest.origin.count > 0;
}

static enum cli_exit
cli_folder_parse(const struct cli *cli, const char *path, struct cli_folder *folder)
{
    struct report report = REPORT_INIT;
    struct buffer text;
    enum cli_exit code = CLI_OK;
    buffer_init(&text, DEPLOY_MANIFEST_BYTES_MAX + 1);
    bool got = cli_read_all(path, &text) || errno == EFBIG; /* the reader says what is allowed */
    if (!got)
        code = cli_cannot_read(cli, path);
    else if (deploy_manifest_from_yaml(buffer_bytes(&text), path, &folder->arena, &report,
                                       &folder->manifest) != STATUS_OK)
        code = cli_fail(cli, (enum cli_exit)status_exit_code(report.status), "%s", report.text);
    if (code == CLI_OK && cli->options.runtime != NULL)
        folder->manifest.runtime = bytes_of_text(cli->options.runtime);
    if (code == CLI_OK && folder->manifest.main.count > 0 && folder->manifest.runtime.count > 0)
        code = cli_fail(cli, CLI_MANIFEST,
                        "%s: it has a `main`, and a `runtime` in its place: leave one out", path);
    buffer_done(&text);
    return code;
}

/* A script that a bundler has to make, or could since the project has one, is built by it unless
 * the manifest says how. */
static enum cli_exit cli_folder_bundle(const struct cli *cli, struct cli_folder *folder)
{
    char bundler[CLI_PATH_BYTES + sizeof(CLI_FOLDER_BUNDLER)];
    const char *main = (const char *)folder->manifest.main.data;
    if (folder->manifest.main.count == 0 || folder->manifest.build.count > 0)
        return CLI_OK;
    (void)snprintf(bundler, sizeof(bundler), "%s/" CLI_FOLDER_BUNDLER, folder->path);
    if (!cli_script_needs_bundler(main) && !(cli_script_is(main) && access(bundler, X_OK) == 0))
        return CLI_OK;
    const char *slash = strrchr(main, '/');
    const char *stem = slash == NULL ? main : slash + 1;
    size_t room = strlen(main) + sizeof("build/.js");
    char *made = arena_alloc(&folder->arena, room, 1);
    if (made != NULL)
        (void)snprintf(made, room, "build/%.*s.js", (int)strcspn(stem, "."), stem);
    const char *command =
        made == NULL ? NULL : cli_script_bundle_command(&folder->arena, main, made);
    if (command == NULL)
        return cli_fail(cli, CLI_FAILED, "out of memory");
    folder->manifest.main = bytes_of_text(made);
    folder->manifest.build = bytes_of_text(command);
    folder->is_bundled = true;
    return CLI_OK;
}

enum cli_exit cli_folder_read(const struct cli *cli, const char *path, struct cli_folder *folder)
{
    char manifest[CLI_PATH_BYTES];
    char foreign[CLI_PATH_BYTES];
    size_t count = strlen(path);
    *folder = (struct cli_folder){0};
    arena_init(&folder->arena, DEPLOY_MANIFEST_ARENA_BYTES);
    buffer_init(&folder->body, CLI_FOLDER_BODY_MAX);
    if (cli_ends_with_manifest(path))
        count -= strlen(DEPLOY_MANIFEST_FILE);
    if (count > CLI_PATH_BYTES - 300)
        return cli_fail(cli, CLI_USAGE, "the folder's path is too long");
    const char *between = count == 0 || path[count - 1] == '/' ? "" : "/";
    (void)snprintf(manifest, sizeof(manifest), "%.*s%s" DEPLOY_MANIFEST_FILE, (int)count, path,
                   between);
    (void)snprintf(folder->path, sizeof(folder->path), "%.*s", count == 0 ? 1 : (int)count,
                   count == 0 ? "." : path);
    bool is_foreign =
        access(manifest, F_OK) != 0 && cli_wrangler_find(folder->path, foreign) != NULL;
    enum cli_exit code = is_foreign ? cli_wrangler_read(cli, foreign, &folder->arena,
                                                        &folder->manifest, &folder->bindings)
                                    : cli_folder_parse(cli, manifest, folder);
    if (code == CLI_OK && !cli_folder_has_module(folder) && folder->manifest.assets.dir.count == 0)
        code = cli_fail(cli, CLI_MANIFEST,
                        "%s: it names no module and no assets: add `main: FILE.wasm`, `runtime: "
                        "NAME`, `origin: https://HOST`, or `assets: { dir: FOLDER }`",
                        is_foreign ? foreign : manifest);
    if (code == CLI_OK)
        code = cli_folder_bundle(cli, folder);
    if (code == CLI_OK && folder->manifest.runtime.count > 0)
        return cli_runtime_find(cli, (const char *)folder->manifest.runtime.data, folder->path,
                                folder->module);
    if (code == CLI_OK)
        (void)snprintf(folder->module, sizeof(folder->module), "%.*s%s%s", (int)count, path,
                       between, (const char *)folder->manifest.main.data);
    return code;
}

void cli_folder_of_module(const char *path, struct cli_folder *folder)
{
    *folder = (struct cli_folder){.is_module = true};
    arena_init(&folder->arena, DEPLOY_MANIFEST_ARENA_BYTES);
    buffer_init(&folder->body, CLI_FOLDER_BODY_MAX);
    (void)snprintf(folder->module, sizeof(folder->module), "%s", path);
    size_t stem;
    (void)snprintf(folder->type, sizeof(folder->type), "%s", source_type_of_file(path, &stem));
}

enum cli_exit
cli_folder_of_source(const struct cli *cli, const char *path, struct cli_folder *folder)
{
    const char *slash = strrchr(path, '/');
    *folder = (struct cli_folder){0};
    arena_init(&folder->arena, DEPLOY_MANIFEST_ARENA_BYTES);
    buffer_init(&folder->body, CLI_FOLDER_BODY_MAX);
    if (strlen(path) > CLI_PATH_BYTES - 300)
        return cli_fail(cli, CLI_USAGE, "the file's path is too long");
    if (access(path, R_OK) != 0)
        return cli_cannot_read(cli, path);
    (void)snprintf(folder->path, sizeof(folder->path), "%.*s",
                   slash == NULL ? 1 : MAX((int)(slash - path), 1), slash == NULL ? "." : path);
    folder->manifest.main = bytes_of_text(slash == NULL ? path : slash + 1);
    enum cli_exit code = cli_folder_bundle(cli, folder);
    if (code == CLI_OK)
        (void)snprintf(folder->module, sizeof(folder->module), "%s/%s", folder->path,
                       (const char *)folder->manifest.main.data);
    return code;
}

/* The head of a part, with a boundary that nobody can have put into one. */
static enum status cli_folder_part(struct buffer *body, const char *mark, const char *type)
{
    return buffer_printf(body, "%s--%s\r\nContent-Type: %s\r\n\r\n", body->count == 0 ? "" : "\r\n",
                         mark, type);
}

/* Manifest, module and list of files, as far as they are there; `script` is the module if that is
 * one, and then the folder's type is its. */
static enum cli_exit cli_folder_write(const struct cli *cli,
                                      struct cli_folder *folder,
                                      const struct buffer *script,
                                      const char *mark)
{
    size_t stem;
    struct buffer *body = &folder->body;
    enum status status = cli_folder_part(body, mark, "application/json");
    if (status == STATUS_OK)
        status = deploy_manifest_to_json(&folder->manifest, body);
    if (status == STATUS_OK && script->count > 0) {
        status = cli_folder_part(body, mark, folder->type);
        if (status == STATUS_OK)
            status = buffer_append(body, script->data, script->count);
    } else if (status == STATUS_OK && cli_folder_names_module(folder)) {
        status = cli_folder_part(body, mark, source_type_of_file(folder->module, &stem));
        if (status == STATUS_OK && !cli_read_all(folder->module, body))
            return cli_cannot_read(cli, folder->module);
    } else if (status == STATUS_OK && cli_folder_has_module(folder)) {
        status = cli_folder_part(body, mark, "application/wasm");
        if (status == STATUS_OK)
            status = buffer_append(body, cli_folder_passer, sizeof(cli_folder_passer));
    }
    if (status == STATUS_OK && folder->files.count + folder->assets.count > 0) {
        status = cli_folder_part(body, mark, CLI_FILES_TYPE);
        if (status == STATUS_OK)
            status = cli_files_write(&folder->files, &folder->assets, body);
    }
    if (status == STATUS_OK)
        status = buffer_printf(body, "\r\n--%s--\r\n", mark);
    return status == STATUS_OK ? CLI_OK : cli_fail(cli, CLI_FAILED, "out of memory");
}

/* What goes with the script and is in no manifest, as JSON; "": nothing. NULL: out of memory. */
static char *cli_folder_metadata(const struct cli *cli, const struct cli_folder *folder)
{
    const struct deploy_texts *warm = &folder->manifest.warm;
    const struct bytes *adapter = &folder->manifest.adapter;
    const char *more = cli->options.warm;
    if (json_array_size(folder->bindings) == 0 && warm->count == 0 && more == NULL &&
        adapter->count == 0)
        return strdup("");
    json_t *paths = json_array();
    for (uint32_t i = 0; i < warm->count; i++)
        (void)json_array_append_new(paths, json_string((const char *)warm->rows[i].data));
    while (more != NULL && *more != '\0') {
        size_t count = strcspn(more, ",");
        (void)json_array_append_new(paths, json_stringn(more, count));
        more += count + (more[count] == ',' ? 1 : 0);
    }
    json_t *metadata = json_pack("{s:o, s:O*, s:s*}", "warm", paths, "bindings", folder->bindings,
                                 "adapter", (const char *)adapter->data);
    char *text = metadata == NULL ? NULL : json_dumps(metadata, JSON_COMPACT);
    json_decref(metadata);
    return text;
}

/* The body is the module alone. */
static enum cli_exit cli_folder_pack_module(const struct cli *cli, struct cli_folder *folder)
{
    const char *slash = strrchr(folder->module, '/');
    if (!cli_script_is(folder->module))
        return cli_read_all(folder->module, &folder->body) ? CLI_OK
                                                           : cli_cannot_read(cli, folder->module);
    (void)snprintf(folder->path, sizeof(folder->path), "%.*s",
                   slash == NULL ? 0 : MAX((int)(slash - folder->module), 1), folder->module);
    char *metadata = cli_folder_metadata(cli, folder);
    if (metadata == NULL)
        return cli_fail(cli, CLI_FAILED, "out of memory");
    const struct cli_script script = {.folder = folder->path,
                                      .main = slash == NULL ? folder->module : slash + 1,
                                      .metadata = bytes_of_text(metadata)};
    enum cli_exit code = cli_script_pack(cli, &script, &folder->body, folder->type);
    free(metadata);
    return code;
}

/* The same with what is beside it. */
static enum cli_exit cli_folder_pack_all(const struct cli *cli, struct cli_folder *folder)
{
    uint8_t random[CLI_FOLDER_MARK_HALF];
    char mark[2 * CLI_FOLDER_MARK_HALF + 1];
    struct cli_script script = {.folder = folder->path,
                                .main = (const char *)folder->manifest.main.data};
    struct buffer packed;
    enum cli_exit code = CLI_OK;
    char *metadata = cli_folder_metadata(cli, folder);
    if (metadata == NULL)
        return cli_fail(cli, CLI_FAILED, "out of memory");
    script.metadata = bytes_of_text(metadata);
    if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random))
        code = cli_fail(cli, CLI_FAILED, "no random numbers: %s", strerrordesc_np(errno));
    hex_encode(random, sizeof(random), mark);
    buffer_init(&packed, CLI_FOLDER_BODY_MAX);
    if (code == CLI_OK && cli_script_is(folder->module))
        code = cli_script_pack(cli, &script, &packed, folder->type);
    if (code == CLI_OK)
        code = cli_folder_write(cli, folder, &packed, mark);
    buffer_done(&packed);
    free(metadata);
    (void)snprintf(folder->type, sizeof(folder->type), "multipart/related; boundary=%s", mark);
    return code;
}

enum cli_exit cli_folder_pack(const struct cli *cli, const char *name, struct cli_folder *folder)
{
    if (folder->is_module)
        return cli_folder_pack_module(cli, folder);
    enum cli_exit code =
        cli_files_collect(cli, folder->path, &folder->manifest.files, &folder->files);
    if (code == CLI_OK && folder->manifest.runtime.count > 0)
        code = cli_runtime_collect(cli, (const char *)folder->manifest.runtime.data, folder->module,
                                   &folder->files);
    if (code == CLI_OK)
        code = cli_site_collect(cli, folder->path, &folder->arena, &folder->manifest.assets,
                                &folder->assets);
    if (code == CLI_OK)
        code = cli_files_send(cli, &folder->files);
    if (code == CLI_OK)
        code = cli_files_send(cli, &folder->assets);
    if (code != CLI_OK)
        return code;
    folder->manifest.name = bytes_of_text(name);
    if (folder->is_bundled)
        folder->manifest.build = bytes_of_text("");
    return cli_folder_pack_all(cli, folder);
}

void cli_folder_done(struct cli_folder *folder)
{
    json_decref(folder->bindings);
    cli_files_done(&folder->files);
    cli_files_done(&folder->assets);
    arena_done(&folder->arena);
    buffer_done(&folder->body);
}
