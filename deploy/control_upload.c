/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Uploads that wait for their build: from api_handle, which says that one is wanted, to
 * api_upload_built, which makes the answer of what came of it.
 */
#include <inttypes.h>
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
    /* Of a version that is asked how it is before it gets clients, by an errand: */
    struct errand_call errand;
    struct deploy_build_result result;
    uint32_t version;
};

/* ---- how it is ------------------------------------------------------------------------------- */

static void control_answer_health(struct control_upload *waiting,
                                  const struct deploy_errand_end *end)
{
    struct api_response response;
    const struct api_checked checked = {
        .result = &waiting->result, .version = waiting->version, .end = end};
    api_response_init(&response);
    api_upload_checked(&waiting->control->api, admin_http_request(waiting->call), &waiting->upload,
                       &checked, &response);
    admin_http_reply(waiting->call, &response);
    api_response_done(&response);
    api_upload_done(&waiting->upload);
    free(waiting);
}

static void control_on_health(struct errand_call *call, const struct deploy_errand_end *end)
{
    control_answer_health(CONTAINER_OF(call, struct control_upload, errand), end);
}

/* Under the version's own name: it has no clients yet. */
static void control_check_health(struct control_upload *waiting,
                                 const struct deploy_build_result *result,
                                 uint32_t version)
{
    static const struct deploy_errand_end nobody = {.status = 0};
    static const char mark[] = "x-skerry-health\0check"; /* with its end */
    char function[DEPLOY_NAME_BYTES + 16];
    waiting->result = *result;
    waiting->version = version;
    waiting->errand.done = control_on_health;
    (void)snprintf(function, sizeof(function), "v%" PRIu32 "--%s", version,
                   waiting->upload.function);
    const struct deploy_errand errand = {.tenant = bytes_of_text(waiting->upload.tenant),
                                         .function = bytes_of_text(function),
                                         .method = bytes_of_text("GET"),
                                         .path = bytes_of_text(waiting->upload.health),
                                         .fields = bytes_make(mark, sizeof(mark)),
                                         .wall_ms = (uint32_t)(waiting->upload.health_us / 1000)};
    if (!errand_desk_send(&waiting->control->errands, &errand, &waiting->errand))
        control_answer_health(waiting, &nobody);
}

/* ---- the build ------------------------------------------------------------------------------- */

static void control_built(void *context, const struct builder_job_outcome *outcome)
{
    struct control_upload *waiting = context;
    struct api_response response;
    api_response_init(&response);
    api_upload_built(&waiting->control->api, admin_http_request(waiting->call), &waiting->upload,
                     outcome, &response);
    admin_http_on_gone(waiting->call, NULL, NULL);
    if (response.checked != 0) {
        control_check_health(waiting, &outcome->result, response.checked);
        api_response_done(&response);
        return;
    }
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
