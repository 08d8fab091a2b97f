/* SPDX-License-Identifier: Apache-2.0 */
/*
 * new: a function's folder from a template.
 */
#include <errno.h>
#include <stdio.h>

#include "deploy/cli/cli.h"
#include "deploy/deploy.h"
#include "deploy/project/template.h"

#define CLI_NEW_LIST_BYTES 256

static enum cli_exit cli_new_unknown(const struct cli *cli, const char *word)
{
    char list[CLI_NEW_LIST_BYTES];
    size_t used = 0;
    for (size_t i = 0; i < project_language_count; i++)
        used += (size_t)snprintf(list + used, sizeof(list) - used, "%s%s", i == 0 ? "" : ", ",
                                 project_languages[i].name);
    return cli_fail(cli, CLI_USAGE,
                    "there is no template for `%.64s`: choose one of %s; any other language that "
                    "compiles to WASI works too, see docs/wagi.md",
                    word, list);
}

enum cli_exit cli_new(struct cli *cli)
{
    const char *path = cli->options.positional[1];
    const char *slash = strrchr(path, '/');
    const char *name = slash == NULL ? path : slash + 1;
    const struct project_language *language = project_find_language(cli->options.positional[0]);
    struct report report = REPORT_INIT;
    char tool[PROJECT_TOOL_BYTES];
    char quoted[CLI_PATH_BYTES];
    if (language == NULL)
        return cli_new_unknown(cli, cli->options.positional[0]);
    if (!deploy_name_valid(bytes_of_text(name)))
        return cli_fail(cli, CLI_USAGE,
                        "`%.64s` cannot be a function's name: use 1 to 63 of a-z, 0-9 and `-`, "
                        "which is not first or last",
                        name);
    enum status status = project_create(language, path, name, &report);
    if (status != STATUS_OK)
        return cli_fail(cli, (enum cli_exit)status_exit_code(status), "%s", report.text);
    if (cli->options.json)
        cli_print_value(json_pack("{s:s, s:s}", "folder", path, "language", language->name));
    else
        (void)printf("made %s, a function in %s\n", path, language->title);
    if (project_missing_tool(language, tool))
        (void)fprintf(stderr, "warning: %s is not installed: %s\n", tool, language->packages);
    if (!cli->options.json)
        cli_next(cli, "skerry dev %s   or   %s/test.sh", cli_quote(path, quoted), quoted);
    return CLI_OK;
}
