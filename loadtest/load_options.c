/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One parser for the table of load_options.def, then the checks between options.
 */
#include "loadtest/load_options.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "config/config.h"
#include "loadtest/target.h"

#define LOAD_OPTIONS_RATE_BYTES 32

enum load_options_kind {
    LOAD_OPTIONS_SWITCH,
    LOAD_OPTIONS_TEXT,
    LOAD_OPTIONS_COUNT,
    LOAD_OPTIONS_DURATION,
    LOAD_OPTIONS_RATE,
    LOAD_OPTIONS_HEADER,
};

struct load_options_row {
    const char *flag;
    const char *value_name; /* "" for none */
    enum load_options_kind kind;
    size_t offset; /* in struct load_options */
    uint64_t minimum;
    uint64_t maximum;
    const char *text;
};

static const struct load_options_row load_options_rows[] = {
#define OPTION(flag_, value_, kind_, field_, minimum_, maximum_, text_)                            \
    {.flag = (flag_),                                                                              \
     .value_name = (value_),                                                                       \
     .kind = LOAD_OPTIONS_##kind_,                                                                 \
     .offset = offsetof(struct load_options, field_),                                              \
     .minimum = (minimum_),                                                                        \
     .maximum = (maximum_),                                                                        \
     .text = (text_)},
#include "loadtest/load_options.def"
};

static const struct load_options_row *load_options_find(const char *argument, size_t count)
{
    for (size_t i = 0; i < COUNT_OF(load_options_rows); i++) {
        const struct load_options_row *row = &load_options_rows[i];
        if (strlen(row->flag) == count && memcmp(row->flag, argument, count) == 0)
            return row;
    }
    return NULL;
}

/* "2000", "0.5" or "max". */
static bool load_options_parse_rate(const char *text, uint64_t *ret_millis)
{
    if (strcmp(text, "max") == 0) {
        *ret_millis = 0;
        return true;
    }
    if (text[0] < '0' || text[0] > '9' || strlen(text) >= LOAD_OPTIONS_RATE_BYTES ||
        strspn(text, "0123456789.") != strlen(text))
        return false;
    char *end;
    double rate = strtod(text, &end);
    if (*end != '\0' || !(rate >= 0.001 && rate <= LOADTEST_RATE_MAX))
        return false;
    *ret_millis = (uint64_t)(rate * 1000 + 0.5);
    return true;
}

static bool load_options_parse_number(const char *text, uint64_t *ret_number)
{
    if (text[0] < '0' || text[0] > '9')
        return false;
    char *end;
    errno = 0;
    unsigned long long number = strtoull(text, &end, 10);
    if (errno != 0 || *end != '\0')
        return false;
    *ret_number = number;
    return true;
}

static enum status load_options_set_number(const struct load_options_row *row,
                                           const char *text,
                                           struct report *report,
                                           uint64_t *field)
{
    bool duration = row->kind == LOAD_OPTIONS_DURATION;
    uint64_t number = 0;
    bool parsed = duration ? config_parse_quantity(text, CONFIG_UNIT_MICROSECONDS, &number)
                           : load_options_parse_number(text, &number);
    if (parsed && number >= row->minimum && number <= row->maximum) {
        *field = number;
        return STATUS_OK;
    }
    if (duration)
        return report_fail(report, STATUS_USAGE, REPORT_OFFSET_NONE,
                           "%s: '%.100s' is not a duration of %s to 1h, like 500ms, 10s or 2m",
                           row->flag, text, row->minimum > 0 ? "1ms" : "0s");
    return report_fail(report, STATUS_USAGE, REPORT_OFFSET_NONE,
                       "%s: '%.100s' is not a whole number from %llu to %llu", row->flag, text,
                       (unsigned long long)row->minimum, (unsigned long long)row->maximum);
}

static enum status
load_options_add_header(struct load_options *options, const char *text, struct report *report)
{
    if (options->header_count == LOADTEST_HEADERS_MAX)
        return report_fail(report, STATUS_USAGE, REPORT_OFFSET_NONE,
                           "-H: more than %d headers; drop some", LOADTEST_HEADERS_MAX);
    if (!target_header_valid(text))
        return report_fail(report, STATUS_USAGE, REPORT_OFFSET_NONE,
                           "-H: '%.100s' is not a header like 'Name: value' (lengths and "
                           "codings are set by the load generator)",
                           text);
    options->headers[options->header_count++] = text;
    return STATUS_OK;
}

static enum status load_options_set(struct load_options *options,
                                    const struct load_options_row *row,
                                    const char *text,
                                    struct report *report)
{
    void *field = (char *)options + row->offset;
    switch (row->kind) {
    case LOAD_OPTIONS_SWITCH:
        *(bool *)field = true;
        break;
    case LOAD_OPTIONS_TEXT:
        *(const char **)field = text;
        break;
    case LOAD_OPTIONS_COUNT:
    case LOAD_OPTIONS_DURATION:
        return load_options_set_number(row, text, report, field);
    case LOAD_OPTIONS_RATE:
        if (!load_options_parse_rate(text, field))
            return report_fail(report, STATUS_USAGE, REPORT_OFFSET_NONE,
                               "--rate: '%.100s' is not a number of requests per second from "
                               "0.001 to %d, or max",
                               text, LOADTEST_RATE_MAX);
        break;
    case LOAD_OPTIONS_HEADER:
        return load_options_add_header(options, text, report);
    }
    return STATUS_OK;
}

/* Takes the option at argv[*index] and its value, which may be the next argument. */
static enum status load_options_take(
    struct load_options *options, int argc, char **argv, int *index, struct report *report)
{
    const char *argument = argv[*index];
    const char *equals = strchr(argument, '=');
    bool attached = equals != NULL && strncmp(argument, "--", 2) == 0;
    size_t count = attached ? (size_t)(equals - argument) : strlen(argument);
    const struct load_options_row *row = load_options_find(argument, count);
    if (row == NULL)
        return report_fail(report, STATUS_USAGE, REPORT_OFFSET_NONE,
                           "'%.100s' is not an option; see `skerry %s --help`", argument, argv[0]);
    if (row->kind == LOAD_OPTIONS_SWITCH && attached)
        return report_fail(report, STATUS_USAGE, REPORT_OFFSET_NONE, "%s takes no value",
                           row->flag);
    const char *text = attached ? equals + 1 : "";
    if (row->kind != LOAD_OPTIONS_SWITCH && !attached) {
        if (*index + 1 == argc)
            return report_fail(report, STATUS_USAGE, REPORT_OFFSET_NONE, "%s needs a value: %s %s",
                               row->flag, row->flag, row->value_name);
        text = argv[++*index];
    }
    return load_options_set(options, row, text, report);
}

static bool load_options_is_name(const char *text)
{
    size_t count = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-");
    return count > 0 && count < LOADTEST_NAME_BYTES && text[count] == '\0' && text[0] != '-' &&
           text[count - 1] != '-';
}

/* What one option demands of another; fills in what was left open. */
static enum status
load_options_check(struct load_options *options, bool rate_given, struct report *report)
{
    options->url_is_default = options->url == NULL && options->cold;
    if (options->url_is_default)
        options->url = "http://127.0.0.1:8080/";
    if (options->url == NULL)
        return report_fail(report, STATUS_USAGE, REPORT_OFFSET_NONE,
                           "--url is missing: --url http://hello.default.localhost:8080/");
    if (!rate_given && !options->cold)
        return report_fail(report, STATUS_USAGE, REPORT_OFFSET_NONE,
                           "--rate is missing: --rate 2000, or --rate max for a closed loop");
    if (!options->cold && (options->keep || options->wasm_file != NULL))
        return report_fail(report, STATUS_USAGE, REPORT_OFFSET_NONE,
                           "--keep and --wasm go with --cold");
    if (options->cold && (options->body_file != NULL || options->warmup_us > 0))
        return report_fail(report, STATUS_USAGE, REPORT_OFFSET_NONE,
                           "--body and --warmup do not go with --cold");
    if (options->poisson && options->rate_millis == 0)
        return report_fail(report, STATUS_USAGE, REPORT_OFFSET_NONE,
                           "--poisson needs a --rate that is a number");
    if (options->connections == 0)
        options->connections = options->cold ? 1 : 50;
    if (options->method == NULL)
        options->method = options->body_file != NULL ? "POST" : "GET";
    if (!target_method_valid(options->method))
        return report_fail(report, STATUS_USAGE, REPORT_OFFSET_NONE,
                           "--method: '%.100s' is not a request method we can send",
                           options->method);
    if (!load_options_is_name(options->tenant))
        return report_fail(report, STATUS_USAGE, REPORT_OFFSET_NONE,
                           "--tenant: '%.100s' is not a name of a-z, 0-9 and -", options->tenant);
    return STATUS_OK;
}

/* As for all clients; one on TCP cannot be deployed to from here. */
static void load_options_from_environment(struct load_options *options)
{
    static const char prefix[] = "unix:";
    const char *url = getenv("SKERRY_URL");
    if (options->data_dir == NULL && options->admin_socket == NULL && url != NULL &&
        strncmp(url, prefix, strlen(prefix)) == 0)
        options->admin_socket = url + strlen(prefix);
}

enum status
load_options_parse(int argc, char **argv, struct report *report, struct load_options *ret_options)
{
    const char *tenant = getenv("SKERRY_TENANT");
    struct load_options options = {
        .rate_millis = UINT64_MAX, /* not given */
        .duration_us = 10000000,
        .timeout_us = 10000000,
        .functions = 200,
        .seed = 1,
        .tenant = tenant != NULL && tenant[0] != '\0' ? tenant : "default",
    };
    for (int i = 1; i < argc; i++) {
        enum status status = load_options_take(&options, argc, argv, &i, report);
        if (status != STATUS_OK)
            return status;
    }
    load_options_from_environment(&options);
    bool rate_given = options.rate_millis != UINT64_MAX;
    if (!rate_given)
        options.rate_millis = 0;
    enum status status =
        options.help ? STATUS_OK : load_options_check(&options, rate_given, report);
    if (status == STATUS_OK)
        *ret_options = options;
    return status;
}

enum status load_options_print_help(const char *verb, struct buffer *out)
{
    enum status status = buffer_printf(
        out,
        "usage: skerry %s --url URL --rate N|max [--duration D] [options]\n"
        "       skerry %s --cold [--functions N] [--url URL] [options]\n\n"
        "Measures latency from the time each request was due, or, with --cold, what the first\n"
        "request to a new function costs.\n\n",
        verb, verb);
    for (size_t i = 0; status == STATUS_OK && i < COUNT_OF(load_options_rows); i++) {
        const struct load_options_row *row = &load_options_rows[i];
        int width = 20 - (int)strlen(row->flag);
        status = buffer_printf(out, "  %s %-*s %s\n", row->flag, width, row->value_name, row->text);
    }
    if (status == STATUS_OK)
        status = buffer_printf(out, "\nexit status: 0 ok, 1 no request succeeded, 2 usage, "
                                    "8 unreachable, 130 interrupted\n");
    return status;
}
