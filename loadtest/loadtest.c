/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The verb: options in, one scenario, report and exit status out.
 */
#include "loadtest/loadtest.h"

#include "loadtest/cold_start.h"
#include "loadtest/input_file.h"
#include "loadtest/load_report.h"

#define LOADTEST_EXIT_OK          0
#define LOADTEST_EXIT_FAILED      1
#define LOADTEST_EXIT_INTERRUPTED 130
#define LOADTEST_HELP_BYTES       16384

struct loadtest_plain {
    struct bytes request; /* the same each time */
    struct load_results *results;
};

static struct bytes loadtest_same_request(void *context, uint64_t index, struct buffer *scratch)
{
    (void)index;
    (void)scratch;
    const struct loadtest_plain *plain = context;
    return plain->request;
}

static bool loadtest_count(void *context, const struct load_run_sample *sample)
{
    struct loadtest_plain *plain = context;
    load_results_add(plain->results, sample);
    return true;
}

static int loadtest_fail(const char *verb, enum status status, const struct report *report)
{
    (void)fprintf(stderr, "skerry %s: %s\n", verb,
                  report->text[0] != '\0' ? report->text : status_text(status));
    return status_exit_code(status);
}

static bool loadtest_sends_body(const struct load_options *options)
{
    return options->body_file != NULL || strcmp(options->method, "POST") == 0 ||
           strcmp(options->method, "PUT") == 0 || strcmp(options->method, "PATCH") == 0;
}

/* Reads --body and writes the request's bytes. */
static enum status loadtest_make_request(const struct load_options *options,
                                         const struct target *target,
                                         struct report *report,
                                         struct buffer *out)
{
    struct buffer body;
    buffer_init(&body, LOADTEST_BODY_BYTES);
    enum status status = STATUS_OK;
    if (options->body_file != NULL)
        status = input_file_read("--body", options->body_file, report, &body);
    const struct target_request request = {
        .method = options->method,
        .path = target->path,
        .headers = options->headers,
        .header_count = options->header_count,
        .has_body = loadtest_sends_body(options),
        .content_type = "application/octet-stream",
        .body = buffer_bytes(&body),
    };
    if (status == STATUS_OK)
        status = target_format_request(target, &request, out);
    buffer_done(&body);
    return status;
}

static enum status loadtest_run_plain(const struct load_options *options,
                                      const struct target *target,
                                      struct load_results *results,
                                      struct report *report,
                                      struct load_run_result *ret_result)
{
    struct buffer request;
    buffer_init(&request, LOADTEST_REQUEST_BYTES);
    enum status status = loadtest_make_request(options, target, report, &request);
    struct loadtest_plain plain = {.request = buffer_bytes(&request), .results = results};
    const struct load_run_options run = {
        .target = target,
        .clock = &clock_system,
        .connections = (uint32_t)options->connections,
        .rate_millis = options->rate_millis,
        .poisson = options->poisson,
        .seed = options->seed,
        .warmup_ns = options->warmup_us * 1000,
        .duration_ns = options->duration_us * 1000,
        .timeout_ns = options->timeout_us * 1000,
        .to_head = strcmp(options->method, "HEAD") == 0,
        .request = loadtest_same_request,
        .finished = loadtest_count,
        .context = &plain,
    };
    if (status == STATUS_OK)
        status = load_run(&run, report, ret_result);
    buffer_done(&request);
    return status;
}

static enum status loadtest_print(const struct load_report *load_report)
{
    if (load_report->options->json)
        return load_report_json(load_report, stdout);
    load_report_text(load_report, stdout);
    return STATUS_OK;
}

/* Measures, prints what there is, and says how it ended. */
static int
loadtest_measure(const char *verb, const struct load_options *options, struct load_results *results)
{
    struct report report = REPORT_INIT;
    struct target target;
    struct cold_start_result cold = {.measured = false};
    enum status status = target_from_url(options->url, &report, &target);
    if (status != STATUS_OK)
        return loadtest_fail(verb, status, &report);
    if (options->cold) {
        status = cold_start_run(options, &target, results, &report, &cold);
    } else {
        status = loadtest_run_plain(options, &target, results, &report, &cold.requests);
        cold.measured = status == STATUS_OK;
        cold.interrupted = cold.measured && cold.requests.interrupted;
    }
    const struct load_report load_report = {
        .options = options,
        .target = &target,
        .results = results,
        .run = &cold.requests,
        .uploads = options->cold ? &cold.uploads : NULL,
    };
    enum status printed = cold.measured ? loadtest_print(&load_report) : STATUS_OK;
    if (status != STATUS_OK || printed != STATUS_OK)
        return loadtest_fail(verb, status != STATUS_OK ? status : printed, &report);
    if (fflush(stdout) != 0)
        return LOADTEST_EXIT_FAILED;
    if (cold.interrupted)
        return LOADTEST_EXIT_INTERRUPTED;
    return results->succeeded_count > 0 ? LOADTEST_EXIT_OK : LOADTEST_EXIT_FAILED;
}

static int loadtest_help(const char *verb)
{
    struct buffer text;
    buffer_init(&text, LOADTEST_HELP_BYTES);
    enum status status = load_options_print_help(verb, &text);
    if (status == STATUS_OK && fwrite(text.data, 1, text.count, stdout) != text.count)
        status = STATUS_IO;
    buffer_done(&text);
    return status_exit_code(status);
}

int loadtest_main(int argc, char **argv)
{
    const char *verb = argc > 0 ? argv[0] : "loadtest";
    struct report report = REPORT_INIT;
    struct load_options options;
    enum status status = load_options_parse(argc, argv, &report, &options);
    if (status != STATUS_OK)
        return loadtest_fail(verb, status, &report);
    if (options.help)
        return loadtest_help(verb);
    struct load_results *results = load_results_create();
    if (results == NULL)
        return loadtest_fail(verb, STATUS_NO_MEMORY, &report);
    int code = loadtest_measure(verb, &options, results);
    load_results_free(results);
    return code;
}
