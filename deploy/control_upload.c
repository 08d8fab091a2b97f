/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Uploads that wait for their build: from api_handle, which says that one is wanted, to
 * api_upload_built, which makes the answer of what came of it.
 */
#include <stdio.h>
#include <stdlib.h>

#include "deploy/build/bases.h"
#include "deploy/control_private.h"
#include "deploy/door/admin_http.h"

struct control_upload {
    struct deploy_control *control;
    struct admin_http_call *call;
    struct bases_build *build;
    struct api_upload upload;
};

static void control_built(void *context, const struct builder_job_outcome *outcome)
{
    struct control_upload *waiting = context;
    struct api_response response;
    api_response_init(&response);
    api_upload_built(&waiting->control->api, admin_http_request(waiting->call), &waiting->upload,
                     outcome, &response);
    admin_http_reply(waiting->call, &response);
    api_response_done(&response);
    api_upload_done(&waiting->upload);
    free(waiting);
}

static void
control_not_begun(struct control_upload *waiting, enum status status, const struct report *report)
{
    struct builder_job_outcome outcome = {
        .end = BUILDER_JOB_FAILED, .result = {.status = status, .offset = REPORT_OFFSET_NONE}};
    (void)snprintf(outcome.result.text, sizeof(outcome.result.text), "%s", report->text);
    control_built(waiting, &outcome);
}

/* Nobody waits for the answer any more, so nobody wants the build. */
static void control_client_gone(void *context)
{
    const struct control_upload *waiting = context;
    bases_cancel(waiting->build);
}

void control_begin_upload(struct deploy_control *control,
                          struct admin_http_call *call,
                          struct api_upload *upload,
                          struct api_response *response)
{
    struct report report = REPORT_INIT;
    struct control_upload *held = calloc(1, sizeof(*held));
    if (held == NULL) {
        api_answer_no_memory(response, admin_http_request(call)->id);
        admin_http_reply(call, response);
        api_upload_done(upload);
        return;
    }
    *held = (struct control_upload){.control = control, .call = call, .upload = *upload};
    admin_http_on_gone(call, control_client_gone, held);
    const struct builder_job_request request = {.tenant = held->upload.tenant,
                                                .module = held->upload.module,
                                                .memory_max_bytes = held->upload.memory_max_bytes,
                                                .config = buffer_bytes(&held->upload.config),
                                                .files = buffer_bytes(&held->upload.files),
                                                .files_tenant = bytes_of_text(held->upload.tenant),
                                                .choices = held->upload.content.choices,
                                                .source = held->upload.content.source,
                                                .done = control_built,
                                                .context = held};
    const struct bases_need need = {.key = held->upload.has_base ? held->upload.base_key : NULL,
                                    .module = held->upload.base_module,
                                    .choices = held->upload.content.choices};
    enum status status = bases_build(control->bases, &need, &request, &report, &held->build);
    if (status != STATUS_OK)
        control_not_begun(held, status, &report);
}
