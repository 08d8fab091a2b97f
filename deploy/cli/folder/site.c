/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hidden files are not served, but for those below `.well-known`, which is for servers to answer.
 */
#include "deploy/cli/folder/site.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "deploy/cli/folder/folder.h"
#include "deploy/manifest/site.h"

#define CLI_SITE_RULES_MAX ((size_t)1 << 20) /* bytes of a file of rules */
#define CLI_SITE_OPEN      ".well-known"

/* Takes the file off the list; NULL if it is not there. The path is the caller's. */
static char *cli_site_take(struct cli_files *files, const char *name)
{
    for (size_t i = 0; i < files->count; i++) {
        if (strcmp(files->rows[i].name, name) != 0)
            continue;
        char *path = files->rows[i].path;
        memmove(&files->rows[i], &files->rows[i + 1],
                (files->count - i - 1) * sizeof(*files->rows));
        files->count--;
        return path;
    }
    return NULL;
}

typedef enum status cli_site_reader(struct bytes text,
                                    const char *name,
                                    struct arena *arena,
                                    struct report *report,
                                    struct deploy_texts *texts);

static enum cli_exit cli_site_rules(const struct cli *cli,
                                    char *path,
                                    cli_site_reader *read,
                                    struct arena *arena,
                                    struct deploy_texts *texts)
{
    struct report report = REPORT_INIT;
    struct buffer text;
    enum cli_exit code = CLI_OK;
    if (path == NULL)
        return CLI_OK;
    buffer_init(&text, CLI_SITE_RULES_MAX);
    if (!cli_read_all(path, &text))
        code = cli_fail(cli, CLI_FAILED, "cannot read %s: %s", path, strerrordesc_np(errno));
    else if (read(buffer_bytes(&text), path, arena, &report, texts) != STATUS_OK)
        code = cli_fail(cli, (enum cli_exit)status_exit_code(report.status), "%s", report.text);
    buffer_done(&text);
    free(path);
    return code;
}

enum cli_exit cli_site_collect(const struct cli *cli,
                               const char *folder,
                               struct arena *arena,
                               struct deploy_manifest_assets *assets,
                               struct cli_files *files)
{
    struct bytes patterns[] = {bytes_of_text("**"), bytes_of_text(CLI_SITE_OPEN "/**")};
    struct stat facts;
    char root[2 * CLI_PATH_BYTES];
    char open[2 * CLI_PATH_BYTES + sizeof(CLI_SITE_OPEN)];
    if (assets->dir.count == 0)
        return CLI_OK;
    (void)snprintf(root, sizeof(root), "%s/%s", folder, (const char *)assets->dir.data);
    (void)snprintf(open, sizeof(open), "%s/" CLI_SITE_OPEN, root);
    const struct deploy_texts all = {.rows = patterns, .count = stat(open, &facts) == 0 ? 2u : 1u};
    enum cli_exit code = cli_files_collect(cli, root, &all, files);
    if (code == CLI_OK)
        code = cli_site_rules(cli, cli_site_take(files, DEPLOY_SITE_HEADERS_FILE),
                              deploy_site_read_headers, arena, &assets->headers);
    if (code == CLI_OK)
        code = cli_site_rules(cli, cli_site_take(files, DEPLOY_SITE_REDIRECTS_FILE),
                              deploy_site_read_redirects, arena, &assets->redirects);
    if (code == CLI_OK && assets->fallback.count > 0 && !cli_files_has(files, assets->fallback))
        code = cli_fail(cli, CLI_MANIFEST, "assets.fallback: there is no %s in %s",
                        (const char *)assets->fallback.data, root);
    return code;
}
