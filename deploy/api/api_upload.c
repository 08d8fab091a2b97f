/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Uploads. What can be refused by looking is refused at once; the rest goes through a
 * builder and comes back to api_upload_built. The order there is what makes a deploy
 * durable and atomic: artifact in place, then one commit, then the answer. If anything
 * fails, nothing of the upload is left.
 */
#include <inttypes.h>
#include <stdio.h>

#include "deploy/api/api_private.h"
#include "deploy/api/multipart.h"
#include "deploy/source.h"

#define API_COMMAND_KIND "wagi"

static const char *const api_upload_parameters[] = {
    "activate", "dry_run", "percent", "health", "config", "reuse_requests", "reuse_for",
#define CHOICE(NAME, bit, name, flag, text) #name,
#include "deploy/choices.def"
    NULL};

/* The answer of an upload, without its ending, which depends on how it went. */
static json_t *api_upload_json(const struct api_call *call, uint32_t version, bool active)
{
    const struct api_upload *upload = call->upload;
    json_t *body = json_pack("{s:s, s:s, s:o, s:o, s:b}", "tenant", upload->tenant, "function",
                             upload->function, "version", api_version_text(version), "url",
                             api_url(call, &call->target), "active", active);
    if (body != NULL)
        api_add_content(body, &upload->content);
    return body;
}

struct api_same {
    struct records_content *content; /* of the upload; gets its kind from the same one */
    uint32_t version;                /* newest with the same content; 0: none */
};

/* Is it what the upload would become? The key stands for module, configuration and code. */
static bool
api_take_same(struct api_same *same, uint32_t version, const struct records_content *content)
{
    if (memcmp(content->artifact_key, same->content->artifact_key, DEPLOY_SHA256_BYTES) != 0 ||
        content->choices != same->content->choices ||
        content->reuse_requests != same->content->reuse_requests ||
        content->reuse_us != same->content->reuse_us)
        return false;
    same->version = version;
    memcpy(same->content->kind, content->kind, sizeof(content->kind));
    return true;
}

static bool api_visit_same(void *context, const struct store_version *version)
{
    (void)api_take_same(context, version->version, &version->record.content);
    return true;
}

/* Are the version's manifest and assets those that came? Its files are, with its artifact. */
static bool api_has_the_same(const struct api_call *call, uint32_t version)
{
    struct store *store = call->api->store;
    const struct api_upload *upload = call->upload;
    struct buffer manifest;
    struct buffer assets;
    buffer_init(&manifest, DEPLOY_MANIFEST_BYTES_MAX);
    buffer_init(&assets, DEPLOY_FILES_BYTES_MAX);
    bool is = store_get_manifest(store, &call->target, version, NULL, &manifest) == STATUS_OK &&
              bytes_equal(buffer_bytes(&manifest), buffer_bytes(&upload->manifest)) &&
              store_get_assets(store, &call->target, version, NULL, &assets) == STATUS_OK &&
              bytes_equal(buffer_bytes(&assets), buffer_bytes(&upload->assets));
    buffer_done(&manifest);
    buffer_done(&assets);
    return is;
}

/* True, and answered, if this upload would change nothing: it is the active version or, when
 * it is not to be activated, any version. */
static bool api_answer_unchanged(struct api_call *call)
{
    struct api_upload *upload = call->upload;
    struct store_function function;
    struct api_same same = {.content = &upload->content};
    if (store_get_function(call->api->store, &call->target, NULL, &function) != STATUS_OK)
        return false;
    const struct records_function *record = &function.record;
    bool active = record->active_version != 0 &&
                  api_take_same(&same, record->active_version, &record->active);
    if (!active && !upload->activate) {
        if (store_list_versions(call->api->store, &call->target, api_visit_same, &same, NULL) !=
            STATUS_OK)
            return false;
    }
    if (same.version == 0 || !api_has_the_same(call, same.version))
        return false;
    json_t *body = api_upload_json(call, same.version, active);
    if (body != NULL)
        (void)json_object_set_new(body, "status", json_string("unchanged"));
    api_set_etag(call->response, upload->content.artifact_key);
    api_answer(call, 200, body);
    return true;
}

/* False, and answered, if there is a configuration that cannot be taken. */
static bool api_take_config(struct api_call *call)
{
    uint64_t bytes_max = call->api->config->limits.guest_config;
    struct buffer *config = &call->upload->config;
    char detail[128];
    buffer_init(config, MIN(bytes_max, DEPLOY_CONFIG_BYTES_MAX));
    switch (api_query_decode(call, "config", config)) {
    case STATUS_OK:
        return true;
    case STATUS_LIMIT:
        (void)snprintf(detail, sizeof(detail),
                       "the configuration has more bytes than limits.guest_config (%" PRIu64
                       ") allows",
                       bytes_max);
        api_answer_error(call, 413, "config_too_large", detail,
                         "shorten it, or ask the operator for a higher limit");
        return false;
    case STATUS_MALFORMED:
        api_answer_error(call, 400, "bad_query", "parameter `config` is not well percent-encoded",
                         "write each byte but a-z A-Z 0-9 - . _ ~ as % and two hexadecimal digits");
        return false;
    default:
        api_answer_error(call, 503, "no_memory", "the server is out of memory", NULL);
        return false;
    }
}

/* The parameter that a limit bounds and gives its name: from 1 to the limit; `otherwise` without
 * it. False, and answered, if it is none. */
static bool api_take_quantity(struct api_call *call,
                              enum config_limit limit_at,
                              uint64_t otherwise,
                              uint64_t *ret_value)
{
    const struct config_limit_row *row = &config_limit_rows[limit_at];
    const char *name = row->name;
    uint64_t maximum;
    char limit[CONFIG_QUANTITY_BYTES];
    char detail[160];
    struct bytes value;
    struct buffer text;
    memcpy(&maximum, (const char *)&call->api->config->limits + row->offset, sizeof(maximum));
    *ret_value = MIN(otherwise, maximum);
    if (!api_query_find(call, name, &value))
        return true;
    buffer_init(&text, CONFIG_QUANTITY_BYTES);
    bool good = api_query_decode(call, name, &text) == STATUS_OK &&
                buffer_append(&text, "", 1) == STATUS_OK &&
                config_parse_quantity((const char *)text.data, row->unit, ret_value) &&
                *ret_value >= 1 && *ret_value <= maximum;
    buffer_done(&text);
    if (good)
        return true;
    config_format_quantity(maximum, row->unit, limit);
    (void)snprintf(detail, sizeof(detail),
                   "parameter `%s` is no quantity above 0 and up to limits.%s (%s)", name, name,
                   limit);
    api_answer_error(call, 400, "bad_query", detail,
                     row->unit == CONFIG_UNIT_MICROSECONDS ? "write it like 10s"
                                                           : "write a number");
    return false;
}

/* What is left out is bounded by its limit; one request is what there is without a choice. */
static bool api_take_reuse(struct api_call *call, const struct deploy_manifest_reuse *manifests)
{
    const struct config_limits *limits = &call->api->config->limits;
    struct records_content *content = &call->upload->content;
    uint64_t requests;
    uint64_t time_us;
    /* A flag goes before the file. */
    if (!api_take_quantity(call, CONFIG_LIMIT_reuse_requests, manifests->requests, &requests) ||
        !api_take_quantity(call, CONFIG_LIMIT_reuse_for, manifests->for_us, &time_us))
        return false;
    if (requests == 1 || (requests == 0 && time_us == 0))
        return true;
    content->reuse_requests = (uint32_t)(requests == 0 ? limits->reuse_requests : requests);
    content->reuse_us = time_us == 0 ? limits->reuse_for : time_us;
    return true;
}

/* False, and answered: the only module that is wrong by its size, once it was admitted alone. */
static bool api_check_size(struct api_call *call)
{
    size_t count = call->upload->module.count;
    char detail[128];
    uint64_t module_max = call->api->config->limits.module;
    if (count > 0 && count <= module_max)
        return true;
    struct problem problem = {
        .status = 422,
        .code = "malformed",
        .detail = "the upload is empty: not a WebAssembly module (no magic at offset 0)",
        .hint = "send the .wasm file as the body",
        .request_id = call->request->id};
    if (count > module_max) {
        (void)snprintf(detail, sizeof(detail),
                       "the module has %zu bytes, limits.module allows %" PRIu64, count,
                       module_max);
        problem.status = 413;
        problem.code = "module_too_large";
        problem.detail = detail;
        problem.hint = "strip the module, or ask the operator for a higher limit";
        problem.offset = REPORT_OFFSET_NONE;
    }
    api_answer_problem(call->response, &problem);
    return false;
}

/* The module, and the manifest where there is one. False, and answered, if they cannot be taken. */
static bool api_take_body(struct api_call *call,
                          struct bytes *ret_type,
                          struct arena *arena,
                          struct deploy_manifest *ret_manifest)
{
    const struct api_request *request = call->request;
    struct multipart_part parts[3];
    size_t count = 0;
    struct report report = REPORT_INIT;
    *ret_type = request->content_type;
    call->upload->module = request->body;
    if (!source_type_is(request->content_type, MULTIPART_TYPE))
        return true;
    enum status status = multipart_parse(request->content_type, request->body, &report,
                                         COUNT_OF(parts), parts, &count);
    /* Assets need no module of their own. */
    bool only_assets =
        status == STATUS_OK && count == 2 && source_type_is(parts[1].content_type, API_FILES_TYPE);
    if (only_assets) {
        parts[2] = parts[1];
        parts[1] = (struct multipart_part){.content_type = bytes_of_text("application/wasm"),
                                           .data = api_site_module()};
        count = 3;
    }
    if (status == STATUS_OK &&
        (count < 2 || !source_type_is(parts[0].content_type, "application/json") ||
         !source_type_is_known(parts[1].content_type) ||
         (count > 2 && !source_type_is(parts[2].content_type, API_FILES_TYPE))))
        status = report_fail(&report, STATUS_MALFORMED, REPORT_OFFSET_NONE,
                             "the parts are not a manifest, a module and a list of files");
    if (status != STATUS_OK) {
        api_answer_error(call, 400, "bad_multipart", report.text,
                         "send application/json with the manifest, then application/wasm with the "
                         "module, then " API_FILES_TYPE " if there are files");
        return false;
    }
    *ret_type = parts[1].content_type;
    call->upload->module = parts[1].data;
    call->upload->only_assets = only_assets;
    return api_take_manifest(call, parts[0].data, arena, ret_manifest) &&
           (count < 3 || api_take_files(call, parts[2].data)) &&
           api_check_site(call, &ret_manifest->assets);
}

/* The share of the clients that gets it. */
static bool api_take_percent(struct api_call *call)
{
    struct bytes value;
    struct buffer text;
    if (!api_query_find(call, "percent", &value))
        return true;
    buffer_init(&text, 16);
    bool good = api_query_decode(call, "percent", &text) == STATUS_OK &&
                api_parse_percent_text(buffer_bytes(&text), &call->upload->parts);
    buffer_done(&text);
    if (!call->upload->activate)
        api_answer_error(call, 400, "bad_query", "`percent` of a version that is not put live",
                         "leave one of `activate` and `percent` away");
    else if (!good)
        api_answer_error(call, 400, "bad_query",
                         "parameter `percent` is no share from 0.01 to 100, with up to two digits "
                         "after the point",
                         "write it like 10 or 0.5");
    else
        return true;
    return false;
}

static bool api_take_choices(struct api_call *call)
{
    uint32_t *choices = &call->upload->content.choices;
    bool yes;
#define CHOICE(NAME, bit, name, flag, text)                                                        \
    if (!api_query_flag(call, #name, false, &yes))                                                 \
        return false;                                                                              \
    *choices |= yes ? DEPLOY_##NAME : 0u;
#include "deploy/choices.def"
    if ((*choices & DEPLOY_STRICT) == 0 || (*choices & DEPLOY_ALLOW_MISSING) == 0)
        return true;
    api_answer_error(call, 400, "bad_query", "`strict` and `allow_missing` exclude each other",
                     "leave one of them out");
    return false;
}

static void api_prepare_build(struct api_call *call, struct bytes content_type)
{
    struct api_upload *upload = call->upload;
    memcpy(upload->tenant, call->target.tenant.data, call->target.tenant.count);
    memcpy(upload->function, call->target.function.data, call->target.function.count);
    struct records_content *content = &upload->content;
    content->config_bytes = (uint32_t)upload->config.count;
    digest_sha256(upload->module, content->sha256);
    content->source = source_of(content_type, upload->module);
    api_find_base(call);
    const struct digest_made_of made_of = {.sha256 = content->sha256,
                                           .config = buffer_bytes(&upload->config),
                                           .tenant = call->target.tenant,
                                           .files = buffer_bytes(&upload->files),
                                           .base = upload->has_base ? upload->base_sha256 : NULL,
                                           .choices = content->choices};
    digest_artifact_key(&made_of, content->artifact_key);
    if (api_check_blobs(call) && (upload->dry_run || !api_answer_unchanged(call)))
        call->step = API_BUILD;
}

static void api_begin_upload(struct api_call *call, bool activate)
{
    struct api_upload *upload = call->upload;
    struct deploy_manifest manifest = {0};
    struct bytes content_type;
    struct arena arena;
    arena_init(&arena, DEPLOY_MANIFEST_ARENA_BYTES);
    if (api_check_tenant(call) && api_check_signature(call) &&
        api_query_check(call, api_upload_parameters) &&
        api_query_flag(call, "activate", activate, &upload->activate) &&
        api_query_flag(call, "dry_run", false, &upload->dry_run) && api_take_percent(call) &&
        api_take_choices(call) && api_take_config(call) &&
        api_take_body(call, &content_type, &arena, &manifest) &&
        api_take_runtime(call, &manifest) && api_take_arguments(call, &manifest.arguments) &&
        api_take_reuse(call, &manifest.reuse) && api_take_health(call, &manifest.health) &&
        api_check_size(call)) {
        upload->content.choices |= (manifest.reseeds ? DEPLOY_RESEEDS : 0u) |
                                   (manifest.compress ? DEPLOY_COMPRESS : 0u) |
                                   (manifest.checkpoint ? DEPLOY_CHECKPOINT : 0u);
        api_prepare_build(call, content_type);
    }
    arena_done(&arena);
}

void api_upload_done(struct api_upload *upload)
{
    buffer_done(&upload->config);
    buffer_done(&upload->manifest);
    buffer_done(&upload->files);
    buffer_done(&upload->assets);
}

void api_put_function(struct api_call *call)
{
    api_begin_upload(call, true);
}

void api_post_version(struct api_call *call)
{
    api_begin_upload(call, false);
}

/* ---- after the builder ----------------------------------------------------------------------- */

static void api_answer_refused(struct api_call *call, const struct builder_job_outcome *outcome)
{
    const struct deploy_build_result *result = &outcome->result;
    struct problem problem = {.status = 422,
                              .code = status_code(result->status),
                              .detail = result->text,
                              .offset = result->offset,
                              .request_id = call->request->id};
    switch (result->status) {
    case STATUS_FOREIGN_IMPORT:
        problem.hint = "with --allow-missing (?allow_missing=1) it is deployed all the same, and "
                       "such imports trap when they are called";
        break;
    case STATUS_UNSUPPORTED:
        problem.hint = "run `skerry inspect` on the file to see its imports and exports";
        if (strcmp(result->kind, "unknown") == 0)
            problem.code = "unknown_kind";
        break;
    case STATUS_CONFIG:
        problem.hint =
            "write a NAME=value a line; blank lines and those that begin with # are free";
        break;
    case STATUS_FULL:
        problem.status = 507;
        problem.code = "storage_full";
        break;
    case STATUS_IO:
    case STATUS_CORRUPT:
    case STATUS_STALE:
        problem.status = 500;
        break;
    default:
        break;
    }
    if (problem.detail[0] == '\0')
        problem.detail = status_text(result->status);
    api_answer_problem(call->response, &problem);
}

static void api_answer_not_built(struct api_call *call, const struct builder_job_outcome *outcome)
{
    const struct deploy_build_result *result = &outcome->result;
    struct report report = {.status = result->status, .offset = REPORT_OFFSET_NONE};
    switch (outcome->end) {
    case BUILDER_JOB_REFUSED:
        api_answer_refused(call, outcome);
        break;
    case BUILDER_JOB_CRASHED:
        api_answer_error(call, 422, "builder_crashed", result->text,
                         "the module is at fault, or uses too much memory to build; nothing was "
                         "stored");
        break;
    case BUILDER_JOB_TIMEOUT:
        api_answer_error(call, 422, "build_timeout", result->text,
                         "make the initialiser shorter, or raise limits.build_wall");
        break;
    default:
        (void)snprintf(report.text, sizeof(report.text), "%s", result->text);
        api_answer_report(call, &report);
        break;
    }
}

static json_t *api_warnings(const char *text)
{
    json_t *lines = json_array();
    char line[DEPLOY_BUILD_WARNINGS_BYTES];
    while (*text != '\0') {
        size_t count = strcspn(text, "\n");
        memcpy(line, text, count);
        line[count] = '\0';
        if (count > 0)
            (void)json_array_append_new(lines, api_text(line));
        text += text[count] == '\n' ? count + 1 : count;
    }
    return lines;
}

/* null: the version has none. */
static json_t *api_checkpoint(const struct deploy_build_checkpoint *made)
{
    if (!made->is_made)
        return json_null();
    return json_pack("{s:I, s:I, s:I, s:I, s:I}", "fuel", (json_int_t)made->fuel, "clock_reads",
                     (json_int_t)made->clock_reads, "random_bytes", (json_int_t)made->random_bytes,
                     "argument_reads", (json_int_t)made->argument_reads, "environment_reads",
                     (json_int_t)made->environment_reads);
}

void api_answer_built(struct api_call *call,
                      const struct deploy_build_result *result,
                      uint32_t version,
                      uint64_t commit_us)
{
    const struct api_upload *upload = call->upload;
    json_t *body = api_upload_json(call, version, upload->activate && !upload->dry_run);
    json_t *rest = json_pack(
        "{s:s, s:o, s:I, s:I, s:{s:I, s:I, s:I, s:I}}", "status",
        upload->dry_run ? "dry_run" : "created", "warnings", api_warnings(result->warnings),
        "module_bytes", (json_int_t)upload->module.count, "artifact_bytes",
        (json_int_t)result->artifact_bytes, "timings", "validate_us",
        (json_int_t)result->validate_us, "translate_us", (json_int_t)result->translate_us,
        "snapshot_us", (json_int_t)result->snapshot_us, "commit_us", (json_int_t)commit_us);
    if (body != NULL && json_object_update(body, rest) != 0) {
        json_decref(body);
        body = NULL;
    }
    json_decref(rest);
    if (body != NULL)
        (void)json_object_set_new(body, "checkpoint", api_checkpoint(&result->checkpoint));
    api_set_etag(call->response, upload->content.artifact_key);
    api_answer(call, upload->dry_run ? 200 : 201, body);
}

static enum status api_commit(struct api_call *call,
                              const struct builder_job_outcome *outcome,
                              struct report *report,
                              uint32_t *ret_version)
{
    const struct api *api = call->api;
    const struct api_upload *upload = call->upload;
    const struct store_base base = {.key = upload->base_key,
                                    .sha256 = upload->base_sha256,
                                    .module = upload->base_module,
                                    .choices = upload->content.choices};
    const struct store_upload stored = {.target = call->target,
                                        .content = &upload->content,
                                        .module = upload->module,
                                        .base = upload->has_base ? &base : NULL,
                                        .config = buffer_bytes(&upload->config),
                                        .surface = bytes_of_text(outcome->result.surface),
                                        .manifest = buffer_bytes(&upload->manifest),
                                        .files = buffer_bytes(&upload->files),
                                        .assets = buffer_bytes(&upload->assets),
                                        .activate = upload->activate && upload->health[0] == '\0',
                                        .parts = upload->parts,
                                        .signer = upload->is_signed ? upload->signer : NULL};
    enum status status =
        api->publish(api->context, outcome->artifact_temp, upload->content.artifact_key, report);
    if (status != STATUS_OK)
        return status;
    status = store_add_version(api->store, &stored, report, ret_version);
    if (status != STATUS_OK && !store_has_artifact(api->store, upload->content.artifact_key))
        api->withdraw(api->context, upload->content.artifact_key);
    return status;
}

void api_upload_built(const struct api *api,
                      const struct api_request *request,
                      const struct api_upload *upload,
                      const struct builder_job_outcome *outcome,
                      struct api_response *response)
{
    struct api_upload copy = *upload;
    struct api_call call = {.api = api,
                            .request = request,
                            .response = response,
                            .upload = &copy,
                            .target = {.tenant = bytes_of_text(upload->tenant),
                                       .function = bytes_of_text(upload->function)}};
    struct report report = REPORT_INIT;
    uint32_t version = 0;
    const struct store_actor actor = api_actor(request);
    if (outcome->end != BUILDER_JOB_BUILT) {
        api_answer_not_built(&call, outcome);
        return;
    }
    /* Whose signature it takes may be another matter by now. */
    if (!api_check_signature(&call) || !api_check_match(&call))
        return;
    memcpy(copy.content.kind, outcome->result.kind, sizeof(copy.content.kind));
    if (upload->only_assets)
        (void)snprintf(copy.content.kind, sizeof(copy.content.kind), API_SITE_KIND);
    if (upload->content.reuse_requests > 0 && outcome->result.keeps_memory == 0) {
        api_answer_error(&call, 422, "reuse_unsupported",
                         "a function of this kind begins anew with every request: its memory "
                         "cannot be kept",
                         "deploy it without reuse_requests and reuse_for");
        return;
    }
    if (upload->has_arguments && strcmp(copy.content.kind, API_COMMAND_KIND) != 0) {
        api_answer_error(&call, 422, "arguments_unsupported",
                         "only a command is called with arguments",
                         "leave `arguments` out of function.yaml");
        return;
    }
    if (upload->dry_run) {
        api_answer_built(&call, &outcome->result, 0, 0);
        return;
    }
    /* Somebody else may have sent the same bytes meanwhile, or removed the last version that had
     * the same files. */
    if (!api_check_blobs(&call) || api_answer_unchanged(&call))
        return;
    uint64_t before_us = clock_monotonic_us(api->clock);
    store_act_as(api->store, &actor);
    enum status status = api_commit(&call, outcome, &report, &version);
    store_act_as(api->store, NULL);
    uint64_t commit_us = clock_monotonic_us(api->clock) - before_us;
    if (status != STATUS_OK)
        api_answer_report(&call, &report);
    else if (copy.activate && copy.health[0] != '\0')
        response->checked = version;
    else
        api_answer_built(&call, &outcome->result, version, commit_us);
}
