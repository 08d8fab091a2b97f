/* SPDX-License-Identifier: Apache-2.0 */
/*
 * starts: of one function, why its starts were cold, what each phase of those took, and the last
 * of them one by one. Times are microseconds.
 */
#include <stdio.h>

#include "deploy/cli/cli.h"

static double cli_real(const json_t *object, const char *name)
{
    return json_number_value(json_object_get(object, name));
}

/* What is over the largest bucket's bound is not known. */
static void cli_print_us(const json_t *object, const char *name)
{
    const json_t *value = json_object_get(object, name);
    if (json_is_number(value))
        (void)printf(" %10.1f", json_number_value(value));
    else
        (void)printf(" %10s", "-");
}

static void cli_print_reasons(json_t *reasons)
{
    const char *name;
    json_t *count;
    (void)printf("\n%-14s %s\n", "COLD BECAUSE", "STARTS");
    json_object_foreach(reasons, name, count)
    {
        if (json_integer_value(count) > 0)
            (void)printf("%-14s %" JSON_INTEGER_FORMAT "\n", name, json_integer_value(count));
    }
}

static void cli_print_phases(json_t *phases, json_int_t cold)
{
    const char *name;
    json_t *phase;
    (void)printf("\n%-14s %10s %10s %10s %10s\n", "PHASE, us", "mean", "p50 <=", "p99 <=", "max");
    json_object_foreach(phases, name, phase)
    {
        (void)printf("%-14s %10.1f", name, cli_real(phase, "sum_us") / (double)cold);
        cli_print_us(phase, "p50_us");
        cli_print_us(phase, "p99_us");
        cli_print_us(phase, "max_us");
        (void)fputc('\n', stdout);
    }
}

static void cli_print_recent(json_t *recent, json_t *phases)
{
    size_t i;
    const char *name;
    json_t *row;
    json_t *phase;
    (void)printf("\n%-28s %-8s %6s  %-14s", "LAST COLD STARTS, us", "VERSION", "WORKER", "REASON");
    json_object_foreach(phases, name, phase)
    {
        (void)printf(" %10s", name);
    }
    (void)fputc('\n', stdout);
    json_array_foreach(recent, i, row)
    {
        (void)printf("%-28s %-8s %6" JSON_INTEGER_FORMAT "  %-14s", cli_text(row, "time"),
                     cli_text(row, "version"), cli_number(row, "worker"), cli_text(row, "reason"));
        json_object_foreach(phases, name, phase)
        {
            cli_print_us(json_object_get(row, "phases_us"), name);
        }
        (void)fputc('\n', stdout);
    }
}

static void cli_print_starts(const json_t *starts)
{
    json_int_t cold = cli_number(starts, "cold");
    json_int_t lost = cli_number(starts, "lost");
    json_t *phases = json_object_get(starts, "phases");
    (void)printf(
        "%s: %" JSON_INTEGER_FORMAT " warm and %" JSON_INTEGER_FORMAT " cold starts since %s\n",
        cli_text(starts, "function"), cli_number(starts, "warm"), cold, cli_text(starts, "since"));
    if (cold > 0) {
        cli_print_reasons(json_object_get(starts, "reasons"));
        cli_print_phases(phases, cold);
        cli_print_recent(json_object_get(starts, "recent"), phases);
    }
    if (lost > 0)
        (void)printf("\n%" JSON_INTEGER_FORMAT " records of starts, of all functions, were lost\n",
                     lost);
}

enum cli_exit cli_starts(struct cli *cli)
{
    struct cli_answer answer;
    char path[CLI_PATH_BYTES];
    char flags[CLI_FLAGS_BYTES];
    const char *name = cli->options.positional[0];
    cli_function_path(cli, name, "/starts", path);
    const struct cli_request request = {.method = "GET", .path = path};
    enum cli_exit code = cli_call(cli, &request, &answer);
    if (code != CLI_OK)
        return code;
    if (!cli_print_json(cli, &answer)) {
        cli_print_starts(answer.json);
        cli_next(cli, "skerry show %s%s", name, cli_flags(cli, flags));
    }
    cli_answer_done(&answer);
    return CLI_OK;
}
