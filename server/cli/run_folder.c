/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `skerry run DIR`: the module and the variables that a function's manifest names. Secrets, files
 * and steps are a server's to give; `skerry dev DIR` is one.
 */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "deploy/deploy.h"
#include "server/cli/run.h"
#include "server/cli/verbs_engine.h"

static const char *
folder_join(struct arena *arena, struct bytes first, const char *between, struct bytes second)
{
    size_t room = first.count + strlen(between) + second.count + 1;
    char *text = arena_alloc(arena, room, 1);
    if (text != NULL)
        (void)snprintf(text, room, "%.*s%s%.*s", (int)first.count, (const char *)first.data,
                       between, (int)second.count, (const char *)second.data);
    return text;
}

/* Before those of --env, of which the last counts. */
static enum status folder_take_environment(struct run *run, const struct deploy_variables *env)
{
    if (env->count > RUN_ENVIRONMENT_MAX - run->environment_count)
        return STATUS_LIMIT;
    memmove(run->environment + env->count, run->environment,
            run->environment_count * sizeof(run->environment[0]));
    run->environment_count += env->count;
    for (uint32_t i = 0; i < env->count; i++)
        run->environment[i] = (const char *)env->rows[i].text.data;
    return STATUS_OK;
}

enum status run_open_folder(struct run *run, struct report *report)
{
    struct stat facts;
    struct buffer text;
    struct deploy_manifest manifest;
    if (stat(run->file, &facts) != 0 || !S_ISDIR(facts.st_mode))
        return STATUS_OK;
    struct bytes folder = bytes_of_text(run->file);
    const char *path = folder_join(&run->folder, folder, "/", bytes_of_text(DEPLOY_MANIFEST_FILE));
    if (path == NULL)
        return STATUS_NO_MEMORY;
    if (stat(path, &facts) != 0)
        return report_fail(report, STATUS_USAGE, REPORT_OFFSET_NONE,
                           "a directory without " DEPLOY_MANIFEST_FILE ": name a file in it");
    enum status status = verb_read_file(path, DEPLOY_MANIFEST_BYTES_MAX, report, &text);
    if (status != STATUS_OK)
        return status;
    status = deploy_manifest_from_yaml(buffer_bytes(&text), DEPLOY_MANIFEST_FILE, &run->folder,
                                       report, &manifest);
    buffer_done(&text);
    if (status != STATUS_OK)
        return status;
    if (manifest.main.count == 0)
        return report_fail(report, STATUS_USAGE, REPORT_OFFSET_NONE,
                           DEPLOY_MANIFEST_FILE
                           " names no `main` that runs by itself: `skerry dev` serves the folder");
    run->file = folder_join(&run->folder, folder, "/", manifest.main);
    if (run->file == NULL)
        return STATUS_NO_MEMORY;
    run->arguments[0] = run->file;
    return folder_take_environment(run, &manifest.env);
}
