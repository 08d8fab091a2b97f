/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where runtimes are looked for, and what comes with them.
 */
#include "deploy/cli/folder/runtime.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "deploy/name.h"

#define RUNTIME_ENDING   ".wasm"
#define RUNTIME_VARIABLE "SKERRY_RUNTIMES"

static bool runtime_ends(const char *text)
{
    size_t count = strlen(text);
    size_t ending = strlen(RUNTIME_ENDING);
    return count > ending && strcmp(text + count - ending, RUNTIME_ENDING) == 0;
}

static bool runtime_is_in(const char *folder, const char *name, char ret_path[CLI_PATH_BYTES])
{
    int count = snprintf(ret_path, CLI_PATH_BYTES, "%s/%s" RUNTIME_ENDING, folder, name);
    return count > 0 && count < CLI_PATH_BYTES && access(ret_path, R_OK) == 0;
}

/* The user's own folder of them; "" if nothing says where that is. */
static void runtime_own_folder(char ret_folder[CLI_PATH_BYTES])
{
    const char *data = getenv("XDG_DATA_HOME");
    const char *home = getenv("HOME");
    ret_folder[0] = '\0';
    if (data != NULL && data[0] == '/')
        (void)snprintf(ret_folder, CLI_PATH_BYTES, "%s/skerry/runtimes", data);
    else if (home != NULL)
        (void)snprintf(ret_folder, CLI_PATH_BYTES, "%s/.local/share/skerry/runtimes", home);
}

static enum cli_exit
runtime_find_name(const struct cli *cli, const char *name, char ret_path[CLI_PATH_BYTES])
{
    static const char *const shared[] = {"/usr/local/share/skerry/runtimes",
                                         "/usr/share/skerry/runtimes"};
    char own[CLI_PATH_BYTES];
    const char *only = getenv(RUNTIME_VARIABLE);
    runtime_own_folder(own);
    const char *first = only != NULL ? only : own;
    if (!deploy_name_valid(bytes_of_text(name)))
        return cli_fail(cli, CLI_MANIFEST,
                        "`runtime: %.64s` is neither a name nor a file that ends in .wasm", name);
    if (runtime_is_in(first, name, ret_path))
        return CLI_OK;
    for (size_t i = 0; only == NULL && i < COUNT_OF(shared); i++) {
        if (runtime_is_in(shared[i], name, ret_path))
            return CLI_OK;
    }
    return cli_fail(cli, CLI_NOT_FOUND,
                    "there is no runtime `%s`: put %s.wasm into %s, or name a file "
                    "(docs/runtimes.md says which there are)",
                    name, name, first);
}

enum cli_exit cli_runtime_find(const struct cli *cli,
                               const char *runtime,
                               const char *folder,
                               char ret_path[CLI_PATH_BYTES])
{
    if (!runtime_ends(runtime))
        return runtime_find_name(cli, runtime, ret_path);
    bool as_given = runtime[0] == '/' || cli->options.runtime != NULL;
    int count = snprintf(ret_path, CLI_PATH_BYTES, "%s%s%s", as_given ? "" : folder,
                         as_given || folder[strlen(folder) - 1] == '/' ? "" : "/", runtime);
    if (count < 0 || count >= CLI_PATH_BYTES)
        return cli_fail(cli, CLI_USAGE, "the path of the runtime is too long");
    return CLI_OK;
}

enum cli_exit cli_runtime_collect(const struct cli *cli,
                                  const char *runtime,
                                  const char *module,
                                  struct cli_files *files)
{
    struct bytes all[] = {bytes_of_text("**")};
    const struct deploy_texts patterns = {.rows = all, .count = COUNT_OF(all)};
    struct cli_files own = {0};
    struct stat facts;
    char folder[CLI_PATH_BYTES];
    if (runtime[0] == '\0' || runtime_ends(runtime))
        return CLI_OK;
    (void)snprintf(folder, sizeof(folder), "%.*s", (int)(strlen(module) - strlen(RUNTIME_ENDING)),
                   module);
    if (stat(folder, &facts) != 0 || !S_ISDIR(facts.st_mode))
        return CLI_OK;
    enum cli_exit code = cli_files_collect(cli, folder, &patterns, &own);
    if (code == CLI_OK && !cli_files_join(files, &own))
        code = cli_fail(cli, CLI_FAILED, "out of memory");
    cli_files_done(&own);
    return code;
}
