/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How answers are written: JSON bodies, and problems in the words of a report.
 *
 * Whatever happens there is an answer: one that does not fit into memory becomes a problem,
 * and a problem that does not fit is a status without a body.
 */
#include "deploy/api/api_private.h"

#define API_PROBLEM_BYTES 4096

void api_response_init(struct api_response *response)
{
    *response = (struct api_response){.status = 500, .content_type = "application/json"};
    buffer_init(&response->body, API_RESPONSE_BYTES_MAX);
}

void api_response_done(struct api_response *response)
{
    buffer_done(&response->body);
}

static int api_write_json(const char *data, size_t count, void *context)
{
    return buffer_append(context, data, count) == STATUS_OK ? 0 : -1;
}

/* False if memory or the cap ran out; then the body is empty. */
static bool api_write_body(struct api_response *response, json_t *body)
{
    size_t flags = JSON_COMPACT | JSON_PRESERVE_ORDER;
    response->body.count = 0;
    bool done = body != NULL &&
                json_dump_callback(body, api_write_json, &response->body, flags) == 0 &&
                buffer_append(&response->body, "\n", 1) == STATUS_OK;
    json_decref(body);
    if (!done)
        response->body.count = 0;
    return done;
}

void api_answer(struct api_call *call, int status, json_t *body)
{
    call->response->status = status;
    call->response->content_type = "application/json";
    if (!api_write_body(call->response, body))
        api_answer_error(call, 500, "no_memory", "the answer does not fit into memory", NULL);
}

void api_answer_problem(struct api_response *response, const struct problem *problem)
{
    char text[API_PROBLEM_BYTES];
    size_t count = problem_write(problem, text, sizeof(text));
    response->status = (int)problem->status;
    response->content_type = PROBLEM_CONTENT_TYPE;
    if (problem->status == 503)
        response->retry_after_s = 1;
    response->body.count = 0;
    /* Without memory for it the status has to do. */
    (void)!buffer_append(&response->body, text, count);
}

void api_answer_no_memory(struct api_response *response, const char *request_id)
{
    const struct problem problem = {.status = 503,
                                    .code = "no_memory",
                                    .detail = "the server is out of memory",
                                    .offset = REPORT_OFFSET_NONE,
                                    .request_id = request_id};
    api_answer_problem(response, &problem);
}

void api_answer_error(
    struct api_call *call, int status, const char *code, const char *detail, const char *hint)
{
    const struct problem problem = {.status = (uint32_t)status,
                                    .code = code,
                                    .detail = detail,
                                    .hint = hint,
                                    .offset = REPORT_OFFSET_NONE,
                                    .request_id = call->request->id};
    api_answer_problem(call->response, &problem);
}

void api_answer_report(struct api_call *call, const struct report *report)
{
    static const struct {
        enum status status;
        int http;
        const char *code; /* NULL: the status's own */
    } rows[] = {
        {STATUS_NOT_FOUND, 404, NULL},
        {STATUS_CONFLICT, 409, NULL},
        {STATUS_LIMIT, 409, NULL},
        {STATUS_FULL, 507, "storage_full"},
        {STATUS_QUOTA, 507, NULL},
        {STATUS_BUSY, 503, NULL},
        {STATUS_UNREACHABLE, 503, "stopping"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        if (rows[i].status != report->status)
            continue;
        const char *code = rows[i].code == NULL ? status_code(report->status) : rows[i].code;
        api_answer_error(call, rows[i].http, code, report->text, NULL);
        return;
    }
    api_answer_error(call, 500, status_code(report->status), report->text, NULL);
}
