/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A server's lines as a person wants them who works on one function.
 */
#include <stdio.h>

#include "deploy/cli/project/dev.h"

#define DEV_US_PER_MS 1000.0

static void dev_show_access(const json_t *line)
{
    const char *code = cli_text(line, "code");
    const char *path = cli_text(line, "path");
    (void)fputs("  ", stdout);
    cli_print_plain(cli_text(line, "method"));
    (void)fputc(' ', stdout);
    /* As the function sees it: "/f/default/hello/x" is "/x". */
    for (int slashes = 0; strncmp(path, "/f/", 3) == 0 || slashes > 0; slashes++) {
        const char *slash = strchr(path + 1, '/');
        if (slashes == 3 || slash == NULL)
            break;
        path = slash;
    }
    cli_print_plain(path);
    (void)printf("  %" JSON_INTEGER_FORMAT "%s%s  %" JSON_INTEGER_FORMAT
                 " bytes  start %s %.2f ms  run %.2f ms  fuel %" JSON_INTEGER_FORMAT "\n",
                 cli_number(line, "status"), strcmp(code, "-") == 0 ? "" : " ",
                 strcmp(code, "-") == 0 ? "" : code, cli_number(line, "bytes"),
                 cli_text(line, "start"), (double)cli_number(line, "start_us") / DEV_US_PER_MS,
                 (double)cli_number(line, "run_us") / DEV_US_PER_MS, cli_number(line, "fuel"));
}

static void dev_show_guest(const json_t *line, bool fault)
{
    (void)printf("  %s: ", fault ? cli_text(line, "code") : cli_text(line, "level"));
    cli_print_plain(cli_text(line, "message"));
    cli_print_fields(line);
    (void)fputc('\n', stdout);
    cli_print_frames(line);
}

/* A server that cannot start says so in plain words. */
static bool dev_is_complaint(struct bytes line)
{
    static const char *const starts[] = {"skerry: ", "skerry serve: "};
    for (size_t i = 0; i < COUNT_OF(starts); i++) {
        size_t count = strlen(starts[i]);
        if (line.count > count && memcmp(line.data, starts[i], count) == 0)
            return true;
    }
    return false;
}

bool cli_dev_show(struct bytes line, bool stopping)
{
    json_t *said = json_loadb((const char *)line.data, line.count, 0, NULL);
    bool ready = bytes_equal_text(line, "ready");
    const char *event = cli_text(said, "event");
    const char *level = cli_text(said, "level");
    bool serious = strcmp(level, "error") == 0 || strcmp(level, "warn") == 0;
    if (dev_is_complaint(line))
        (void)printf("%.*s\n", (int)line.count, (const char *)line.data);
    else if (strcmp(event, "access") == 0)
        dev_show_access(said);
    else if (strcmp(event, "guest") == 0)
        dev_show_guest(said, false);
    else if (strcmp(event, "guest_fault") == 0)
        dev_show_guest(said, true);
    else if (serious && !stopping)
        (void)printf("server: %s: %s\n", event, cli_text(said, "message"));
    (void)fflush(stdout);
    json_decref(said);
    return ready;
}
