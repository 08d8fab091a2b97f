/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stats: the server about itself on one screen. What the workers count is added up over them
 * and shown if it is not zero; --json has all of it, worker by worker.
 */
#include <stdio.h>

#include "deploy/cli/cli.h"

#define CLI_FAMILY_PREFIX "skerry_"

static void cli_print_members(const char *title, json_t *object)
{
    const char *name;
    json_t *value;
    const char *before = "";
    (void)printf("%-26s ", title);
    json_object_foreach(object, name, value)
    {
        (void)printf("%s%" JSON_INTEGER_FORMAT " %s", before, json_integer_value(value), name);
        before = ", ";
    }
    (void)fputc('\n', stdout);
}

static void cli_print_store(const json_t *stats)
{
    char used[32];
    char most[32];
    const json_t *store = json_object_get(stats, "store");
    cli_format_bytes((uint64_t)cli_number(store, "used_bytes"), used);
    cli_format_bytes((uint64_t)cli_number(store, "map_bytes"), most);
    (void)printf("%-26s %s, generation %" JSON_INTEGER_FORMAT "\n", "server",
                 cli_text(stats, "server"), cli_number(stats, "generation"));
    (void)printf("%-26s %" JSON_INTEGER_FORMAT " tenants, %" JSON_INTEGER_FORMAT
                 " functions, %" JSON_INTEGER_FORMAT " versions, %" JSON_INTEGER_FORMAT
                 " modules\n",
                 "store", cli_number(stats, "tenants"), cli_number(stats, "functions"),
                 cli_number(stats, "versions"), cli_number(stats, "modules"));
    (void)printf("%-26s %s of %s\n", "", used, most);
    cli_print_members("builds", json_object_get(stats, "builds"));
}

/* Buckets of histograms, and what goes with them, are for machines. */
static bool cli_is_histogram(const char *name)
{
    static const char *const endings[] = {"_bucket", "_sum", "_count"};
    size_t bytes = strlen(name);
    for (size_t i = 0; i < COUNT_OF(endings); i++) {
        size_t count = strlen(endings[i]);
        if (bytes > count && strcmp(name + bytes - count, endings[i]) == 0)
            return true;
    }
    return false;
}

/* Adds to `object[name]`, which may not be there yet. */
static void cli_add(json_t *object, const char *name, double value)
{
    double sum = json_number_value(json_object_get(object, name)) + value;
    (void)json_object_set_new(object, name, json_real(sum));
}

/* The values of all labels but the worker's, "2xx" or "POST 2xx"; "" without any. */
static void cli_label_text(json_t *labels, char *ret_text, size_t bytes)
{
    const char *name;
    json_t *value;
    size_t used = 0;
    ret_text[0] = '\0';
    json_object_foreach(labels, name, value)
    {
        if (strcmp(name, "worker") == 0 || used >= bytes)
            continue;
        used += (size_t)snprintf(ret_text + used, bytes - used, "%s%.40s", used > 0 ? " " : "",
                                 json_string_value(value));
    }
}

/* {"family": {"": sum of all, "label": its part ...}} in the order of the rows. */
static json_t *cli_sum_families(const json_t *rows)
{
    json_t *families = json_object();
    size_t i;
    json_t *row;
    json_array_foreach(rows, i, row)
    {
        char label[96];
        const char *name = cli_text(row, "name");
        double value = json_number_value(json_object_get(row, "value"));
        if (cli_is_histogram(name))
            continue;
        json_t *family = json_object_get(families, name);
        if (family == NULL) {
            family = json_object();
            (void)json_object_set_new(families, name, family);
        }
        cli_label_text(json_object_get(row, "labels"), label, sizeof(label));
        cli_add(family, "", value);
        if (label[0] != '\0')
            cli_add(family, label, value);
    }
    return families;
}

static void cli_print_families(json_t *families)
{
    const char *name;
    const char *label;
    json_t *family;
    json_t *value;
    size_t skip = strlen(CLI_FAMILY_PREFIX);
    json_object_foreach(families, name, family)
    {
        double sum = json_number_value(json_object_get(family, ""));
        const char *before = " (";
        if (sum == 0)
            continue;
        (void)printf("%-26s %.10g",
                     strncmp(name, CLI_FAMILY_PREFIX, skip) == 0 ? name + skip : name, sum);
        json_object_foreach(family, label, value)
        {
            if (label[0] == '\0' || json_number_value(value) == 0)
                continue;
            (void)printf("%s%.10g %s", before, json_number_value(value), label);
            before = ", ";
        }
        (void)printf("%s\n", before[0] == ',' ? ")" : "");
    }
}

/* Of one tenant there is what the store has; its functions' starts are `skerry starts`. */
static enum cli_exit cli_tenant_stats(const struct cli *cli)
{
    struct cli_answer answer;
    char path[CLI_PATH_BYTES];
    char flags[CLI_FLAGS_BYTES];
    cli_tenant_path(cli, "", path);
    const struct cli_request request = {.method = "GET", .path = path};
    enum cli_exit code = cli_call(cli, &request, &answer);
    if (code != CLI_OK)
        return code;
    if (!cli_print_json(cli, &answer)) {
        (void)printf("%-26s %s\n%-26s %" JSON_INTEGER_FORMAT "\n%-26s %s\n", "tenant",
                     cli_text(answer.json, "tenant"), "functions",
                     cli_number(answer.json, "function_count"), "created",
                     cli_text(answer.json, "created"));
        cli_next(cli, "skerry list%s   or   skerry limits%s", cli_flags(cli, flags), flags);
    }
    cli_answer_done(&answer);
    return CLI_OK;
}

enum cli_exit cli_stats(struct cli *cli)
{
    struct cli_answer answer;
    char flags[CLI_FLAGS_BYTES];
    const struct cli_request request = {.method = "GET", .path = "/v1/stats"};
    if (!cli->options.tenant_is_default)
        return cli_tenant_stats(cli);
    enum cli_exit code = cli_call(cli, &request, &answer);
    if (code != CLI_OK)
        return code;
    if (!cli_print_json(cli, &answer)) {
        json_t *families = cli_sum_families(json_object_get(answer.json, "workers"));
        cli_print_store(answer.json);
        cli_print_families(families);
        json_decref(families);
        cli_next(cli, "skerry limits%s", cli_flags(cli, flags));
    }
    cli_answer_done(&answer);
    return CLI_OK;
}
