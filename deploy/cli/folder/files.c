/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fts walks the folder, fnmatch judges a segment; between them is `**`. A file that changes after
 * it was hashed is refused by the server, which hashes what it gets.
 */
#include "deploy/cli/folder/files.h"

#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <fts.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "engine/base/hex.h"
#include "engine/base/io.h"

#define CLI_FILES_JSON_MAX  ((size_t)64 << 20)
#define CLI_FILES_HEX_BYTES (2 * DEPLOY_FILE_SHA256_BYTES + 1)

/* ---- patterns -------------------------------------------------------------------------------- */

/* Of the segments that `text` begins with: bytes of the first. */
static size_t cli_segment(const char *text)
{
    return strcspn(text, "/");
}

static bool cli_match_segment(const char *pattern, const char *name)
{
    char of_pattern[DEPLOY_PATTERN_BYTES_MAX + 1];
    char of_name[DEPLOY_FILE_NAME_BYTES_MAX + 1];
    (void)snprintf(of_pattern, sizeof(of_pattern), "%.*s", (int)cli_segment(pattern), pattern);
    (void)snprintf(of_name, sizeof(of_name), "%.*s", (int)cli_segment(name), name);
    return fnmatch(of_pattern, of_name, FNM_PERIOD) == 0;
}

static const char *cli_next_segment(const char *text)
{
    const char *end = text + cli_segment(text);
    return *end == '/' ? end + 1 : end;
}

static bool cli_is_stars(const char *pattern)
{
    return cli_segment(pattern) == 2 && memcmp(pattern, "**", 2) == 0;
}

/* The last `**` that was passed takes one segment more whenever what follows it does not fit. */
bool cli_files_match(const char *pattern, const char *name)
{
    const char *again_pattern = NULL;
    const char *again_name = NULL;
    while (*name != '\0') {
        if (cli_is_stars(pattern)) {
            again_pattern = cli_next_segment(pattern);
            again_name = name;
            pattern = again_pattern;
            if (*pattern == '\0')
                pattern = "*"; /* `**` at the end: the file itself */
            continue;
        }
        if (*pattern != '\0' && cli_match_segment(pattern, name)) {
            pattern = cli_next_segment(pattern);
            name = cli_next_segment(name);
            if (*pattern == '\0' && *name == '\0')
                return true;
            if (*pattern != '\0')
                continue;
        }
        if (again_pattern == NULL || *again_name == '.' || strchr(again_name, '/') == NULL)
            return false;
        again_name = cli_next_segment(again_name);
        name = again_name;
        pattern = *again_pattern == '\0' ? "*" : again_pattern;
    }
    return false;
}

/* The first that matches, or their number. */
static uint32_t cli_find_pattern(const struct deploy_texts *patterns, const char *name)
{
    uint32_t i = 0;
    while (i < patterns->count && !cli_files_match((const char *)patterns->rows[i].data, name))
        i++;
    return i;
}

/* ---- one file -------------------------------------------------------------------------------- */

static bool cli_hash(int fd, struct cli_file *file)
{
    uint8_t piece[65536];
    size_t count = sizeof(piece);
    EVP_MD_CTX *hash = EVP_MD_CTX_new();
    bool good = hash != NULL && EVP_DigestInit_ex(hash, EVP_sha256(), NULL) == 1;
    file->size = 0;
    while (good && count == sizeof(piece)) {
        good = io_read(fd, piece, sizeof(piece), &count) == STATUS_OK &&
               EVP_DigestUpdate(hash, piece, count) == 1;
        file->size += count;
    }
    good = good && EVP_DigestFinal_ex(hash, file->sha256, NULL) == 1;
    EVP_MD_CTX_free(hash);
    return good;
}

static bool cli_files_grow(struct cli_files *files, size_t count)
{
    size_t capacity = files->capacity;
    while (capacity - files->count < count)
        capacity = MAX((size_t)64, 2 * capacity);
    if (capacity == files->capacity)
        return true;
    struct cli_file *rows = reallocarray(files->rows, capacity, sizeof(*rows));
    if (rows == NULL)
        return false;
    files->rows = rows;
    files->capacity = capacity;
    return true;
}

static bool cli_add_file(struct cli_files *files, const char *path, size_t name_at)
{
    if (!cli_files_grow(files, 1))
        return false;
    struct cli_file *file = &files->rows[files->count];
    *file = (struct cli_file){.path = strdup(path)};
    if (file->path == NULL)
        return false;
    file->name = file->path + name_at;
    files->count++;
    return true;
}

static enum cli_exit
cli_take_file(const struct cli *cli, const FTSENT *entry, const char *name, struct cli_files *files)
{
    const char *path = entry->fts_path;
    const char *refusal = deploy_file_name_refusal(bytes_of_text(name));
    if (refusal != NULL)
        return cli_fail(cli, CLI_MANIFEST, "%s: the name %s: rename it, or leave it out", path,
                        refusal);
    if (entry->fts_info != FTS_F)
        return cli_fail(cli, CLI_MANIFEST,
                        "%s is no plain file: leave it out, or put the file itself there", path);
    AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return cli_fail(cli, CLI_FAILED, "cannot read %s: %s", path, strerrordesc_np(errno));
    if (!cli_add_file(files, path, (size_t)(name - path)))
        return cli_fail(cli, CLI_FAILED, "out of memory");
    if (!cli_hash(fd, &files->rows[files->count - 1]))
        return cli_fail(cli, CLI_FAILED, "cannot read %s", path);
    return CLI_OK;
}

/* ---- the walk -------------------------------------------------------------------------------- */

static int cli_compare_entries(const FTSENT **a, const FTSENT **b)
{
    return strcmp((*a)->fts_name, (*b)->fts_name);
}

static enum cli_exit cli_take_entry(const struct cli *cli,
                                    const FTSENT *entry,
                                    const struct deploy_texts *patterns,
                                    bool *found,
                                    struct cli_files *files)
{
    switch (entry->fts_info) {
    case FTS_D:
    case FTS_DP:
        return CLI_OK;
    case FTS_DNR:
    case FTS_ERR:
    case FTS_NS:
        return cli_fail(cli, CLI_FAILED, "cannot read %s: %s", entry->fts_path,
                        strerrordesc_np(entry->fts_errno));
    default:
        break;
    }
    const FTSENT *top = entry;
    while (top->fts_level > 0)
        top = top->fts_parent;
    const char *name = entry->fts_path + top->fts_pathlen + 1;
    uint32_t pattern = cli_find_pattern(patterns, name);
    if (pattern == patterns->count)
        return CLI_OK;
    for (uint32_t i = pattern; i < patterns->count; i++)
        found[i] = found[i] || cli_files_match((const char *)patterns->rows[i].data, name);
    return cli_take_file(cli, entry, name, files);
}

static enum cli_exit cli_walk(const struct cli *cli,
                              const char *folder,
                              const struct deploy_texts *patterns,
                              bool *found,
                              struct cli_files *files)
{
    char *const roots[] = {(char *)(uintptr_t)folder, NULL};
    FTS *walk = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, cli_compare_entries);
    enum cli_exit code = CLI_OK;
    if (walk == NULL)
        return cli_fail(cli, CLI_FAILED, "cannot read %s: %s", folder, strerrordesc_np(errno));
    for (const FTSENT *entry; code == CLI_OK && (entry = fts_read(walk)) != NULL;)
        code = cli_take_entry(cli, entry, patterns, found, files);
    (void)fts_close(walk);
    return code;
}

enum cli_exit cli_files_collect(const struct cli *cli,
                                const char *folder,
                                const struct deploy_texts *patterns,
                                struct cli_files *files)
{
    if (patterns->count == 0)
        return CLI_OK;
    bool *found = calloc(patterns->count, sizeof(*found));
    if (found == NULL)
        return cli_fail(cli, CLI_FAILED, "out of memory");
    enum cli_exit code = cli_walk(cli, folder, patterns, found, files);
    for (uint32_t i = 0; code == CLI_OK && i < patterns->count; i++) {
        if (!found[i])
            code = cli_fail(cli, CLI_MANIFEST, "files: no file in %s matches `%.*s`", folder,
                            (int)patterns->rows[i].count, (const char *)patterns->rows[i].data);
    }
    free(found);
    return code;
}

bool cli_files_has(const struct cli_files *files, struct bytes name)
{
    for (size_t i = 0; i < files->count; i++) {
        if (bytes_equal_text(name, files->rows[i].name))
            return true;
    }
    return false;
}

bool cli_files_join(struct cli_files *files, struct cli_files *more)
{
    if (!cli_files_grow(files, more->count))
        return false;
    for (size_t i = 0; i < more->count; i++) {
        if (cli_files_has(files, bytes_of_text(more->rows[i].name)))
            free(more->rows[i].path);
        else
            files->rows[files->count++] = more->rows[i];
    }
    more->count = 0;
    return true;
}

void cli_files_done(struct cli_files *files)
{
    for (size_t i = 0; i < files->count; i++)
        free(files->rows[i].path);
    free(files->rows);
    *files = (struct cli_files){0};
}

/* ---- to the server --------------------------------------------------------------------------- */

static json_t *cli_files_hash_text(const struct cli_file *file)
{
    char text[CLI_FILES_HEX_BYTES];
    hex_encode(file->sha256, sizeof(file->sha256), text);
    return json_string(text);
}

static int cli_files_append(const char *data, size_t count, void *context)
{
    return buffer_append(context, data, count) == STATUS_OK ? 0 : -1;
}

/* Takes over `tree`. */
static enum status cli_files_dump(json_t *tree, struct buffer *out)
{
    bool done = tree != NULL && json_dump_callback(tree, cli_files_append, out, JSON_COMPACT) == 0;
    json_decref(tree);
    return done ? STATUS_OK : STATUS_NO_MEMORY;
}

static json_t *cli_files_list(const struct cli_files *files)
{
    json_t *list = json_array();
    for (size_t i = 0; i < files->count; i++) {
        const struct cli_file *file = &files->rows[i];
        (void)json_array_append_new(list, json_pack("{s:s, s:o, s:I}", "name", file->name, "sha256",
                                                    cli_files_hash_text(file), "size",
                                                    (json_int_t)file->size));
    }
    return list;
}

enum status
cli_files_write(const struct cli_files *files, const struct cli_files *assets, struct buffer *out)
{
    return cli_files_dump(
        json_pack("{s:o, s:o}", "files", cli_files_list(files), "assets", cli_files_list(assets)),
        out);
}

static enum cli_exit
cli_files_ask(const struct cli *cli, const struct cli_files *files, struct cli_answer *ret_answer)
{
    char path[CLI_PATH_BYTES];
    struct buffer body;
    json_t *hashes = json_array();
    for (size_t i = 0; i < files->count; i++)
        (void)json_array_append_new(hashes, cli_files_hash_text(&files->rows[i]));
    buffer_init(&body, CLI_FILES_JSON_MAX);
    enum status status = cli_files_dump(json_pack("{s:o}", "sha256", hashes), &body);
    cli_tenant_path(cli, "/blobs/missing", path);
    const struct cli_request request = {
        .method = "POST", .path = path, .body = buffer_bytes(&body)};
    enum cli_exit code = status == STATUS_OK ? cli_call(cli, &request, ret_answer)
                                             : cli_fail(cli, CLI_FAILED, "out of memory");
    buffer_done(&body);
    return code;
}

static enum cli_exit cli_files_put(const struct cli *cli, const struct cli_file *file)
{
    char rest[CLI_FILES_HEX_BYTES + 16];
    char path[CLI_PATH_BYTES];
    char hex[CLI_FILES_HEX_BYTES];
    struct cli_answer answer;
    hex_encode(file->sha256, sizeof(file->sha256), hex);
    (void)snprintf(rest, sizeof(rest), "/blobs/%s", hex);
    cli_tenant_path(cli, rest, path);
    const struct cli_request request = {
        .method = "PUT", .path = path, .file = file->path, .type = "application/octet-stream"};
    enum cli_exit code = cli_call(cli, &request, &answer);
    if (code == CLI_OK)
        cli_answer_done(&answer);
    return code;
}

enum cli_exit cli_files_send(const struct cli *cli, const struct cli_files *files)
{
    struct cli_answer answer;
    if (files->count == 0)
        return CLI_OK;
    enum cli_exit code = cli_files_ask(cli, files, &answer);
    if (code != CLI_OK)
        return code;
    /* The answer has the order of the question, so one walk through both finds all. */
    size_t row = 0;
    const json_t *missing = json_object_get(answer.json, "missing");
    for (size_t i = 0; code == CLI_OK && i < files->count; i++) {
        char hex[CLI_FILES_HEX_BYTES];
        const char *wanted = json_string_value(json_array_get(missing, row));
        hex_encode(files->rows[i].sha256, sizeof(files->rows[i].sha256), hex);
        if (wanted == NULL || strcmp(hex, wanted) != 0)
            continue;
        code = cli_files_put(cli, &files->rows[i]);
        row++;
    }
    cli_answer_done(&answer);
    return code;
}
