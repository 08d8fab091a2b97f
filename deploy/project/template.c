/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A project is written into a folder beside the one that it will be, which then gets its name in
 * one step, if nobody has it: whatever goes wrong, there is a whole project or none.
 */
#include "deploy/project/template.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/io.h"

#define TEMPLATE_PATH_BYTES  4096
#define TEMPLATE_FILE_BYTES  ((size_t)1 << 20)
#define TEMPLATE_NAME        "@NAME@"
#define TEMPLATE_DESCRIPTORS 8

const struct project_language project_languages[] = {
#define LANGUAGE(name_, alias_, title_, tools_, packages_)                                         \
    {.name = (name_),                                                                              \
     .alias = (alias_),                                                                            \
     .title = (title_),                                                                            \
     .tools = (tools_),                                                                            \
     .packages = (packages_)},
#include "deploy/project/languages.def"
};

const size_t project_language_count = COUNT_OF(project_languages);

const struct project_language *project_find_language(const char *name)
{
    for (size_t i = 0; i < project_language_count; i++) {
        const struct project_language *language = &project_languages[i];
        bool is_alias = language->alias[0] != '\0' && strcmp(language->alias, name) == 0;
        if (is_alias || strcmp(language->name, name) == 0)
            return language;
    }
    return NULL;
}

/* ---- tools ----------------------------------------------------------------------------------- */

static bool template_has_tool(const char *tool)
{
    const char *path = getenv("PATH");
    char file[TEMPLATE_PATH_BYTES];
    while (path != NULL && *path != '\0') {
        size_t count = strcspn(path, ":");
        (void)snprintf(file, sizeof(file), "%.*s/%s", (int)count, path, tool);
        if (access(file, X_OK) == 0)
            return true;
        path += count + (path[count] == ':');
    }
    return false;
}

bool project_missing_tool(const struct project_language *language,
                          char ret_tool[PROJECT_TOOL_BYTES])
{
    const char *at = language->tools;
    while (*at != '\0') {
        size_t count = strcspn(at, " ");
        ASSERT(count < PROJECT_TOOL_BYTES);
        memcpy(ret_tool, at, count);
        ret_tool[count] = '\0';
        if (!template_has_tool(ret_tool))
            return true;
        at += count + (at[count] == ' ');
    }
    return false;
}

/* ---- files ----------------------------------------------------------------------------------- */

/* Appends the file's text with the function's name in its places. */
static enum status
template_fill(const struct project_file *file, const char *name, struct buffer *out)
{
    const uint8_t *at = file->data;
    size_t left = file->count;
    const size_t mark = strlen(TEMPLATE_NAME);
    enum status status = STATUS_OK;
    while (status == STATUS_OK && left > 0) {
        const uint8_t *found = memmem(at, left, TEMPLATE_NAME, mark);
        size_t count = found == NULL ? left : (size_t)(found - at);
        status = buffer_append(out, at, count);
        if (status == STATUS_OK && found != NULL) {
            status = buffer_append(out, name, strlen(name));
            count += mark;
        }
        at += count;
        left -= count;
    }
    return status;
}

/* Makes the folders on the way to a file below `folder_fd`. */
static bool template_make_folders(int folder_fd, const char *path)
{
    char part[TEMPLATE_PATH_BYTES];
    for (const char *slash = strchr(path, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        (void)snprintf(part, sizeof(part), "%.*s", (int)(slash - path), path);
        if (mkdirat(folder_fd, part, 0777) != 0 && errno != EEXIST)
            return false;
    }
    return true;
}

static enum status template_write_file(int folder_fd,
                                       const struct project_file *file,
                                       const char *name,
                                       struct report *report)
{
    struct buffer text;
    buffer_init(&text, TEMPLATE_FILE_BYTES);
    enum status status = template_fill(file, name, &text);
    int fd = -1;
    if (status == STATUS_OK && template_make_folders(folder_fd, file->path))
        fd = openat(folder_fd, file->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
                    file->executable ? 0777 : 0666);
    if (status == STATUS_OK)
        status = fd < 0 ? STATUS_IO : io_write_all(fd, buffer_bytes(&text));
    if (status == STATUS_IO)
        status = report_errno(report, "cannot write %s", file->path);
    if (fd >= 0)
        (void)close(fd);
    buffer_done(&text);
    return status;
}

static int template_remove_one(const char *path, const struct stat *facts, int kind, struct FTW *at)
{
    (void)facts;
    (void)kind;
    (void)at;
    return remove(path);
}

static enum status template_write_all(const struct project_language *language,
                                      const char *folder,
                                      const char *name,
                                      struct report *report)
{
    AUTO_CLOSE int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    enum status status = fd < 0 ? report_errno(report, "cannot open %s", folder) : STATUS_OK;
    for (size_t i = 0; i < project_file_count && status == STATUS_OK; i++) {
        if (strcmp(project_files[i].language, language->name) == 0)
            status = template_write_file(fd, &project_files[i], name, report);
    }
    return status;
}

/* mkdtemp is for nobody else; a project is as its owner makes folders. */
static void template_open_up(const char *folder)
{
    mode_t mask = umask(0);
    (void)umask(mask);
    (void)chmod(folder, 0777 & ~mask);
}

enum status project_create(const struct project_language *language,
                           const char *path,
                           const char *name,
                           struct report *report)
{
    char folder[TEMPLATE_PATH_BYTES];
    int used = snprintf(folder, sizeof(folder), "%s.XXXXXX", path);
    if (used < 0 || (size_t)used >= sizeof(folder))
        return report_fail(report, STATUS_USAGE, REPORT_OFFSET_NONE, "the path is too long");
    if (access(path, F_OK) == 0)
        return report_fail(report, STATUS_CONFLICT, REPORT_OFFSET_NONE,
                           "%.300s is there already: choose another name, or remove it", path);
    if (mkdtemp(folder) == NULL)
        return report_errno(report, "cannot make the folder %.300s", path);
    template_open_up(folder);
    enum status status = template_write_all(language, folder, name, report);
    if (status == STATUS_OK && renameat2(AT_FDCWD, folder, AT_FDCWD, path, RENAME_NOREPLACE) != 0)
        status = report_errno(report, "cannot make the folder %.300s", path);
    if (status != STATUS_OK)
        (void)nftw(folder, template_remove_one, TEMPLATE_DESCRIPTORS, FTW_DEPTH | FTW_PHYS);
    return status;
}
