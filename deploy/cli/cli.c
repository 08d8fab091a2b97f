/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of client verbs, their help, and the way from argv to a verb's function.
 */
#include "deploy/cli/cli.h"

#include <stdio.h>

#include "deploy/deploy.h"

struct cli_row {
    const char *name;
    const char *usage;
    const char *text;
    const char *flags;
    cli_verb *run;
    uint32_t minimum;
    uint32_t maximum;
    bool alone; /* it needs no server that runs */
};

static const struct cli_row cli_rows[] = {
#define VERB(name_, minimum_, maximum_, usage_, text_, flags_)                                     \
    {.name = #name_,                                                                               \
     .usage = (usage_),                                                                            \
     .text = (text_),                                                                              \
     .flags = (flags_),                                                                            \
     .run = cli_##name_,                                                                           \
     .minimum = (minimum_),                                                                        \
     .maximum = (maximum_)},
#include "deploy/cli/verbs.def"
#define VERB(name_, minimum_, maximum_, usage_, text_, flags_)                                     \
    {.name = #name_,                                                                               \
     .usage = (usage_),                                                                            \
     .text = (text_),                                                                              \
     .flags = (flags_),                                                                            \
     .run = cli_##name_,                                                                           \
     .minimum = (minimum_),                                                                        \
     .maximum = (maximum_),                                                                        \
     .alone = true},
#include "deploy/cli/verbs_project.def"
};

static const char cli_flags_help[] =
    "  -t, --tenant TENANT    whose function (SKERRY_TENANT, or `default`)\n"
    "      --url URL          https://HOST:PORT, http:... or unix:PATH (SKERRY_URL); token: "
    "SKERRY_TOKEN\n"
    "      --ca FILE          who signed the server's certificate, as PEM (SKERRY_CA)\n"
    "      --client-cert FILE certificate and key to show the server, as PEM "
    "(SKERRY_CLIENT_CERT)\n"
    "      --data DIR         the server's data directory, for its admin.sock\n"
    "      --admin-socket PATH\n"
    "      --dry-run          say what a change would come to, and make none\n"
    "      --json             print what the server answered\n"
    "  -q, --quiet            print no hints\n";

static const char cli_quiet_help[] = "  -q, --quiet            print no hints\n";

void deploy_cli_help(bool alone, struct buffer *out)
{
    enum status status = STATUS_OK;
    for (size_t i = 0; status == STATUS_OK && i < COUNT_OF(cli_rows); i++)
        status = cli_rows[i].alone != alone
                     ? STATUS_OK
                     : buffer_printf(out, "  %-11s %s\n", cli_rows[i].name, cli_rows[i].text);
}

static enum cli_exit cli_print_help(const struct cli_row *row)
{
    (void)printf("usage: skerry %s %s%s[flags]\n%s\n\n%s%s", row->name, row->usage,
                 row->usage[0] == '\0' ? "" : " ", row->text, row->flags,
                 row->alone ? cli_quiet_help : cli_flags_help);
    return CLI_OK;
}

static enum cli_exit cli_run_row(const struct cli_row *row, int argc, char **argv)
{
    struct cli cli = {
        .verb = row->name,
        .takes = {row->usage, row->flags, row->alone ? cli_quiet_help : cli_flags_help},
    };
    (void)snprintf(cli.program, sizeof(cli.program), "skerry %s", row->name);
    enum cli_exit code = cli_options_parse(&cli, !row->alone, argc, argv);
    if (code != CLI_OK)
        return code;
    if (cli.options.help)
        return cli_print_help(row);
    uint32_t count = cli.options.positional_count;
    if (count > row->maximum)
        return cli_fail(&cli, CLI_USAGE, "`%.64s` is a word too many; usage: skerry %s%s%s",
                        cli.options.positional[row->maximum], row->name,
                        row->usage[0] == '\0' ? "" : " ", row->usage);
    if (count < row->minimum)
        return cli_fail(&cli, CLI_USAGE, "usage: skerry %s %s", row->name, row->usage);
    return row->run(&cli);
}

bool deploy_cli_run(int argc, char **argv, int *ret_exit)
{
    for (size_t i = 0; i < COUNT_OF(cli_rows); i++) {
        if (argc > 0 && strcmp(argv[0], cli_rows[i].name) == 0) {
            *ret_exit = (int)cli_run_row(&cli_rows[i], argc, argv);
            return true;
        }
    }
    return false;
}
