/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finds what a script imports by reading its quotes, and what is imported by that: a name that is
 * only a text costs a file that nobody asks for, and no parser has to know the language.
 */
#include "deploy/cli/folder/script.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "deploy/cli/folder/folder.h"
#include "engine/base/hex.h"

#define CLI_SCRIPT_MODULES_MAX 1024
#define CLI_SCRIPT_NAME_BYTES  256
#define CLI_SCRIPT_BYTES_MAX   ((size_t)64 << 20)
#define CLI_SCRIPT_MARK_HALF   16 /* bytes of a digest */
#define CLI_SCRIPT_METADATA    "metadata"

struct script_module {
    char name[CLI_SCRIPT_NAME_BYTES];
    struct buffer data;
};

struct script_set {
    const struct cli *cli;
    const struct cli_script *script;
    uint32_t count;
    struct script_module *rows; /* CLI_SCRIPT_MODULES_MAX */
};

static bool script_ends(const char *path, const char *const *endings)
{
    size_t count = strlen(path);
    for (; *endings != NULL; endings++) {
        size_t tail = strlen(*endings);
        if (count > tail && strcmp(path + count - tail, *endings) == 0)
            return true;
    }
    return false;
}

bool cli_script_is(const char *path)
{
    static const char *const endings[] = {".js", ".mjs", NULL};
    return script_ends(path, endings);
}

bool cli_script_needs_bundler(const char *path)
{
    static const char *const endings[] = {".ts", ".mts", ".tsx", ".jsx", NULL};
    return script_ends(path, endings);
}

const char *cli_script_bundle_command(struct arena *arena, const char *main, const char *made)
{
    static const char format[] =
        "PATH=\"$PWD/node_modules/.bin:$PATH\"; command -v esbuild >/dev/null || { echo 'esbuild "
        "is "
        "not installed: npm install --save-dev esbuild'; exit 127; }; esbuild %s --bundle "
        "--format=esm --target=es2024 --conditions=workerd,worker,browser --sourcemap=inline "
        "--sources-content=false --loader:.html=text --loader:.txt=text --loader:.sql=text "
        "--loader:.bin=binary --external:node:* --external:cloudflare:* --log-level=warning "
        "--outfile=%s";
    char quoted_main[CLI_PATH_BYTES];
    char quoted_made[CLI_PATH_BYTES];
    size_t room = sizeof(format) + 2 * CLI_PATH_BYTES;
    char *command = arena_alloc(arena, room, 1);
    if (command != NULL)
        (void)snprintf(command, room, format, cli_quote(main, quoted_main),
                       cli_quote(made, quoted_made));
    return command;
}

/* The name that `import` in the module `from` means, without `.` and `..`; false: it is outside the
 * folder, or too long. */
static bool script_resolve(const char *from, struct bytes import, char ret[CLI_SCRIPT_NAME_BYTES])
{
    const char *slash = strrchr(from, '/');
    size_t count = slash == NULL ? 0 : (size_t)(slash - from);
    memcpy(ret, from, count);
    for (size_t at = 0; at < import.count;) {
        const uint8_t *part = import.data + at;
        const uint8_t *end = memchr(part, '/', import.count - at);
        size_t bytes = end == NULL ? import.count - at : (size_t)(end - part);
        at += bytes + 1;
        if (bytes == 0 || (bytes == 1 && part[0] == '.'))
            continue;
        if (bytes == 2 && memcmp(part, "..", 2) == 0) {
            if (count == 0)
                return false;
            while (count > 0 && ret[--count] != '/')
                continue;
            continue;
        }
        if (count + bytes + 2 > CLI_SCRIPT_NAME_BYTES)
            return false;
        if (count > 0)
            ret[count++] = '/';
        memcpy(ret + count, part, bytes);
        count += bytes;
    }
    ret[count] = '\0';
    return count > 0;
}

static void script_path(const struct cli_script *script, const char *name, char ret[CLI_PATH_BYTES])
{
    (void)snprintf(ret, CLI_PATH_BYTES, "%s%s%s", script->folder,
                   script->folder[0] == '\0' ? "" : "/", name);
}

/* Adds the file of that name if it is one and new. */
static enum cli_exit script_add(struct script_set *set, const char *name)
{
    char path[CLI_PATH_BYTES];
    struct stat facts;
    script_path(set->script, name, path);
    for (uint32_t i = 0; i < set->count; i++) {
        if (strcmp(set->rows[i].name, name) == 0)
            return CLI_OK;
    }
    if (stat(path, &facts) != 0 || !S_ISREG(facts.st_mode))
        return CLI_OK; /* a text, and no import; or the server says what it lacks */
    if (strpbrk(name, "\"\r\n") != NULL)
        return cli_fail(set->cli, CLI_USAGE, "%s: a module's name has no quotes and no lines",
                        path);
    if (set->count == CLI_SCRIPT_MODULES_MAX)
        return cli_fail(
            set->cli, CLI_LIMIT,
            "the script imports more than %d files: bundle it, for example with esbuild",
            CLI_SCRIPT_MODULES_MAX);
    struct script_module *module = &set->rows[set->count++];
    (void)snprintf(module->name, sizeof(module->name), "%s", name);
    buffer_init(&module->data, CLI_SCRIPT_BYTES_MAX);
    if (!cli_read_all(path, &module->data))
        return cli_fail(set->cli, errno == ENOENT ? CLI_NOT_FOUND : CLI_FAILED,
                        "cannot read %s: %s", path, strerrordesc_np(errno));
    return CLI_OK;
}

/* What the module at `index` has in quotes. */
static enum cli_exit script_follow(struct script_set *set, uint32_t index)
{
    const struct script_module *module = &set->rows[index];
    struct bytes text = buffer_bytes(&module->data);
    for (size_t at = 0; at + 3 < text.count; at++) {
        const uint8_t *from = text.data + at + 1;
        char quote = (char)text.data[at];
        if ((quote != '"' && quote != '\'' && quote != '`') ||
            (memcmp(from, "./", 2) != 0 && memcmp(from, "../", 3) != 0))
            continue;
        const uint8_t *end = memchr(from, quote, text.count - at - 1);
        char name[CLI_SCRIPT_NAME_BYTES];
        if (end == NULL ||
            !script_resolve(module->name, bytes_make(from, (size_t)(end - from)), name))
            continue;
        enum cli_exit code = script_add(set, name);
        if (code != CLI_OK)
            return code;
    }
    return CLI_OK;
}

static enum cli_exit script_collect(struct script_set *set)
{
    char path[CLI_PATH_BYTES];
    enum cli_exit code = script_add(set, set->script->main);
    script_path(set->script, set->script->main, path);
    if (code == CLI_OK && set->count == 0)
        return cli_fail(set->cli, CLI_NOT_FOUND, "cannot read %s: there is no such file", path);
    for (uint32_t i = 0; i < set->count && code == CLI_OK; i++) {
        if (cli_script_is(set->rows[i].name))
            code = script_follow(set, i);
    }
    return code;
}

static enum status
script_part(struct buffer *body, const char *mark, const char *name, struct bytes data)
{
    enum status status = buffer_printf(
        body, "--%s\r\nContent-Disposition: form-data; name=\"%s\"; filename=\"%s\"\r\n\r\n", mark,
        name, name);
    if (status == STATUS_OK)
        status = buffer_append(body, data.data, data.count);
    return status == STATUS_OK ? buffer_append(body, "\r\n", 2) : status;
}

static enum status script_write(const struct script_set *set, const char *mark, struct buffer *body)
{
    enum status status = STATUS_OK;
    if (set->script->metadata.count > 0)
        status = script_part(body, mark, CLI_SCRIPT_METADATA, set->script->metadata);
    for (uint32_t i = 0; i < set->count && status == STATUS_OK; i++)
        status = script_part(body, mark, set->rows[i].name, buffer_bytes(&set->rows[i].data));
    return status == STATUS_OK ? buffer_printf(body, "--%s--\r\n", mark) : status;
}

/* A boundary that nobody can have put into a part, and the same for the same parts: what did not
 * change is the same upload. */
static enum status script_mark(const struct script_set *set,
                               char mark[2 * CLI_SCRIPT_MARK_HALF + 1])
{
    uint8_t digest[EVP_MAX_MD_SIZE];
    EVP_MD_CTX *hash = EVP_MD_CTX_new();
    bool good = hash != NULL && EVP_DigestInit_ex(hash, EVP_sha256(), NULL) == 1;
    for (uint32_t i = 0; i < set->count && good; i++)
        good = EVP_DigestUpdate(hash, set->rows[i].data.data, set->rows[i].data.count) == 1;
    good = good && EVP_DigestFinal_ex(hash, digest, NULL) == 1;
    EVP_MD_CTX_free(hash);
    if (good)
        hex_encode(digest, CLI_SCRIPT_MARK_HALF, mark);
    return good ? STATUS_OK : STATUS_NO_MEMORY;
}

/* One script is sent as it is, so that its digest is the file's. */
static enum cli_exit script_print(const struct script_set *set,
                                  struct buffer *body,
                                  char ret_type[CLI_SCRIPT_TYPE_BYTES])
{
    char mark[2 * CLI_SCRIPT_MARK_HALF + 1];
    struct bytes first = buffer_bytes(&set->rows[0].data);
    enum status status;
    if (set->count == 1 && set->script->metadata.count == 0) {
        (void)snprintf(ret_type, CLI_SCRIPT_TYPE_BYTES, "text/javascript");
        status = buffer_append(body, first.data, first.count);
    } else {
        status = script_mark(set, mark);
        (void)snprintf(ret_type, CLI_SCRIPT_TYPE_BYTES, "multipart/form-data; boundary=%s", mark);
        if (status == STATUS_OK)
            status = script_write(set, mark, body);
    }
    return status == STATUS_OK ? CLI_OK : cli_fail(set->cli, CLI_FAILED, "out of memory");
}

enum cli_exit cli_script_pack(const struct cli *cli,
                              const struct cli_script *script,
                              struct buffer *body,
                              char ret_type[CLI_SCRIPT_TYPE_BYTES])
{
    struct script_set set = {.cli = cli, .script = script};
    set.rows = calloc(CLI_SCRIPT_MODULES_MAX, sizeof(*set.rows));
    if (set.rows == NULL)
        return cli_fail(cli, CLI_FAILED, "out of memory");
    enum cli_exit code = script_collect(&set);
    if (code == CLI_OK)
        code = script_print(&set, body, ret_type);
    for (uint32_t i = 0; i < set.count; i++)
        buffer_done(&set.rows[i].data);
    free(set.rows);
    return code;
}
