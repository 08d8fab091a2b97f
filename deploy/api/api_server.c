/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The server about itself: limits, numbers, health.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "deploy/api/api_private.h"

#define API_METRICS_BYTES_MAX (4U << 20)

static const char *const api_no_parameters[] = {NULL};

/* {"recipient": ...}, of who is on this machine as the server's user: that one can read the vault's
 * files anyway, and whoever has a token cannot. False, and answered. */
static bool api_take_recipient(struct api_call *call, char ret_text[RECIPIENT_TEXT_BYTES])
{
    struct recipient parsed;
    struct bytes body = call->request->body;
    if (body.count == 0)
        return true;
    json_t *root = json_loadb((const char *)body.data, body.count, JSON_REJECT_DUPLICATES, NULL);
    const char *text = json_string_value(json_object_get(root, "recipient"));
    bool good = json_is_object(root) && json_object_size(root) == (text == NULL ? 0 : 1) &&
                (text == NULL || recipient_parse(bytes_of_text(text), &parsed));
    bool local = strcmp(call->request->caller->from, API_FROM_SOCKET) == 0;
    if (good && text != NULL && local)
        (void)snprintf(ret_text, RECIPIENT_TEXT_BYTES, "%s", text);
    if (!good)
        api_answer_error(call, 400, "bad_recipient",
                         "the body is no object with a `recipient` to seal secrets for",
                         "`skerry backup --secrets` makes one of a passphrase");
    else if (text != NULL && !local)
        api_answer_error(call, 403, "forbidden",
                         "a backup with secrets is for who is on the server's machine",
                         "run `skerry backup --secrets` there, by its Unix socket");
    json_decref(root);
    return good && (text == NULL || local);
}

/* That somebody took everything away is known before it goes. */
void api_post_backup(struct api_call *call)
{
    struct report report = REPORT_INIT;
    char *recipient = call->response->recipient;
    if (!api_query_check(call, api_no_parameters) || !api_take_recipient(call, recipient))
        return;
    struct bytes with = bytes_of_text(recipient[0] == '\0' ? "" : "secrets");
    if (store_note_change(call->api->store, &call->target, "backup", with, &report) != STATUS_OK)
        api_answer_report(call, &report);
    else
        call->response->backup = true;
}

static const char *const api_unit_names[] = {
    [CONFIG_UNIT_BYTES] = "bytes", [CONFIG_UNIT_BYTES_OR_AUTO] = "bytes",
    [CONFIG_UNIT_FUEL] = "fuel",   [CONFIG_UNIT_MICROSECONDS] = "microseconds",
    [CONFIG_UNIT_COUNT] = "count", [CONFIG_UNIT_CHOICE] = "choice",
};

void api_limits(struct api_call *call)
{
    const char *limits = (const char *)&call->api->config->limits;
    json_t *rows = json_object();
    if (!api_query_check(call, api_no_parameters)) {
        json_decref(rows);
        return;
    }
    for (size_t i = 0; i < config_limit_row_count; i++) {
        const struct config_limit_row *row = &config_limit_rows[i];
        char text[CONFIG_QUANTITY_BYTES];
        uint64_t value;
        memcpy(&value, limits + row->offset, sizeof(value));
        config_format_quantity(value, row->unit, text);
        (void)json_object_set_new(rows, row->name,
                                  json_pack("{s:I, s:s, s:s, s:s}", "value", (json_int_t)value,
                                            "text", text, "unit", api_unit_names[row->unit],
                                            "meaning", row->text));
    }
    api_answer(call, 200, json_pack("{s:o}", "limits", rows));
}

void api_healthz(struct api_call *call)
{
    api_answer(call, 200, json_pack("{s:s}", "status", "ok"));
}

void api_readyz(struct api_call *call)
{
    if (call->api->ready(call->api->context))
        api_answer(call, 200, json_pack("{s:s}", "status", "ready"));
    else
        api_answer_error(call, 503, "not_ready", "not all workers accept requests",
                         "ask again in a moment");
}

/* `a="1",b="2"` as an object: what we print ourselves, so no value has a quote in it. */
static json_t *api_metric_labels(const char *text, size_t count)
{
    json_t *labels = json_object();
    const char *end = text + count;
    while (text < end) {
        const char *equals = memchr(text, '=', (size_t)(end - text));
        const char *value = equals == NULL || end - equals < 3 ? NULL : equals + 2;
        const char *quote = value == NULL ? NULL : memchr(value, '"', (size_t)(end - value));
        if (quote == NULL)
            break;
        (void)json_object_setn_new(labels, text, (size_t)(equals - text),
                                   json_stringn(value, (size_t)(quote - value)));
        text = quote + 1 < end ? quote + 2 : end;
    }
    return labels;
}

/* One line of Prometheus text, `name{labels} value`, as an object; NULL if it is none. */
static json_t *api_metric(const char *line, size_t count)
{
    const char *space = memrchr(line, ' ', count);
    if (line[0] == '#' || space == NULL)
        return NULL;
    size_t name_count = (size_t)(space - line);
    const char *brace = memchr(line, '{', name_count);
    size_t plain_count = brace == NULL ? name_count : (size_t)(brace - line);
    char *end;
    double value = strtod(space + 1, &end);
    if (end == space + 1 || name_count == 0)
        return NULL;
    bool whole = value >= 0 && value < 9e15 && value == (double)(json_int_t)value;
    json_t *labels =
        brace == NULL ? json_object() : api_metric_labels(brace + 1, name_count - plain_count - 2);
    return json_pack("{s:s%, s:o, s:o}", "name", line, plain_count, "labels", labels, "value",
                     whole ? json_integer((json_int_t)value) : json_real(value));
}

static json_t *api_worker_metrics(const struct api_call *call)
{
    json_t *rows = json_array();
    struct buffer text;
    buffer_init(&text, API_METRICS_BYTES_MAX);
    call->api->print_worker_metrics(call->api->context, &text);
    if (buffer_append(&text, "", 1) == STATUS_OK) {
        for (const char *line = (const char *)text.data; *line != '\0';) {
            size_t count = strcspn(line, "\n");
            json_t *row = count > 0 ? api_metric(line, count) : NULL;
            if (row != NULL)
                (void)json_array_append_new(rows, row);
            line += line[count] == '\n' ? count + 1 : count;
        }
    }
    buffer_done(&text);
    return rows;
}

void api_stats(struct api_call *call)
{
    const struct api *api = call->api;
    struct report report = REPORT_INIT;
    struct store_stats store;
    if (!api_query_check(call, api_no_parameters))
        return;
    if (store_stats(api->store, &report, &store) != STATUS_OK) {
        api_answer_report(call, &report);
        return;
    }
    struct builder_jobs_stats builds = api->builds(api->context);
    const json_int_t entries[] = {
        (json_int_t)store.entries[RECORDS_TENANT], (json_int_t)store.entries[RECORDS_FUNCTION],
        (json_int_t)store.entries[RECORDS_VERSION], (json_int_t)store.entries[RECORDS_MODULE]};
    json_t *built = json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "built",
                              (json_int_t)builds.ended[BUILDER_JOB_BUILT], "refused",
                              (json_int_t)builds.ended[BUILDER_JOB_REFUSED], "crashed",
                              (json_int_t)builds.ended[BUILDER_JOB_CRASHED], "timeout",
                              (json_int_t)builds.ended[BUILDER_JOB_TIMEOUT], "failed",
                              (json_int_t)builds.ended[BUILDER_JOB_FAILED], "cancelled",
                              (json_int_t)builds.ended[BUILDER_JOB_CANCELLED], "running",
                              (json_int_t)builds.running, "queued", (json_int_t)builds.queued);
    api_answer(call, 200,
               json_pack("{s:s, s:I, s:I, s:I, s:I, s:I, s:{s:I, s:I}, s:o, s:o}", "server",
                         SKERRY_VERSION, "generation", (json_int_t)api->generation(api->context),
                         "tenants", entries[0], "functions", entries[1], "versions", entries[2],
                         "modules", entries[3], "store", "map_bytes", (json_int_t)store.map_bytes,
                         "used_bytes", (json_int_t)store.used_bytes, "builds", built, "workers",
                         api_worker_metrics(call)));
}

static enum status
api_print_metrics(const struct api_call *call, const struct store_stats *store, struct buffer *out)
{
    static const char *const ends[] = {"built",   "refused", "crashed",
                                       "timeout", "failed",  "cancelled"};
    _Static_assert(COUNT_OF(ends) == BUILDER_JOB_END_COUNT, "one name per end");
    struct builder_jobs_stats builds = call->api->builds(call->api->context);
    const struct {
        const char *name;
        const char *text;
        uint64_t value;
    } gauges[] = {
        {"skerry_tenants", "tenants known", store->entries[RECORDS_TENANT]},
        {"skerry_functions", "functions deployed", store->entries[RECORDS_FUNCTION]},
        {"skerry_versions", "versions kept", store->entries[RECORDS_VERSION]},
        {"skerry_store_map_bytes", "largest size of the store", store->map_bytes},
        {"skerry_store_used_bytes", "present size of the store", store->used_bytes},
        {"skerry_builds_running", "builder processes", builds.running},
        {"skerry_builds_queued", "modules waiting for a builder", builds.queued},
        {"skerry_catalog_generation", "changes of the catalog",
         call->api->generation(call->api->context)},
    };
    enum status status = STATUS_OK;
    for (size_t i = 0; status == STATUS_OK && i < COUNT_OF(gauges); i++)
        status =
            buffer_printf(out, "# HELP %s %s\n# TYPE %s gauge\n%s %" PRIu64 "\n", gauges[i].name,
                          gauges[i].text, gauges[i].name, gauges[i].name, gauges[i].value);
    if (status == STATUS_OK)
        status = buffer_printf(out, "# HELP skerry_builds_total builds by their end\n"
                                    "# TYPE skerry_builds_total counter\n");
    for (size_t i = 0; status == STATUS_OK && i < COUNT_OF(ends); i++)
        status = buffer_printf(out, "skerry_builds_total{end=\"%s\"} %" PRIu64 "\n", ends[i],
                               builds.ended[i]);
    if (status != STATUS_OK)
        return status;
    struct api_artifact_stats artifacts = call->api->artifacts(call->api->context);
    return buffer_printf(out,
                         "# HELP skerry_artifacts_total artifacts by what was done about them\n"
                         "# TYPE skerry_artifacts_total counter\n"
                         "skerry_artifacts_total{event=\"damaged\"} %" PRIu64 "\n"
                         "skerry_artifacts_total{event=\"rebuilt\"} %" PRIu64 "\n"
                         "skerry_artifacts_total{event=\"rebuild_failed\"} %" PRIu64 "\n",
                         artifacts.damaged, artifacts.rebuilt, artifacts.failed);
}

void api_metrics(struct api_call *call)
{
    struct report report = REPORT_INIT;
    struct store_stats store;
    if (store_stats(call->api->store, &report, &store) != STATUS_OK) {
        api_answer_report(call, &report);
        return;
    }
    call->response->status = 200;
    call->response->content_type = "text/plain; version=0.0.4; charset=utf-8";
    if (api_print_metrics(call, &store, &call->response->body) != STATUS_OK) {
        api_answer_error(call, 500, "no_memory", "out of memory", NULL);
        return;
    }
    call->api->print_worker_metrics(call->api->context, &call->response->body);
    /* Anybody may ask how the server is; who its tenants are is for who may list them. */
    const struct api_caller *caller = call->request->caller;
    if ((caller->verbs & API_BIT(READ)) != 0 && caller->tenant[0] == '\0')
        call->api->print_function_metrics(call->api->context, &call->response->body);
}

/* ---- its own life ---------------------------------------------------------------------------- */

/* "a.b, c" as an array. */
static json_t *api_names_json(const char *names)
{
    json_t *rows = json_array();
    while (*names != '\0') {
        size_t count = strcspn(names, ",");
        (void)json_array_append_new(rows, json_stringn(names, count));
        names += count;
        names += strspn(names, ", ");
    }
    return rows;
}

void api_reload(struct api_call *call)
{
    const struct api *api = call->api;
    struct deploy_reload reload;
    struct report report = REPORT_INIT;
    if (!api_query_check(call, api_no_parameters))
        return;
    enum status status = api->reload == NULL ? report_fail(&report, STATUS_BUSY, REPORT_OFFSET_NONE,
                                                           "nothing is reloaded here")
                                             : api->reload(api->server, &reload, &report);
    if (status == STATUS_BUSY) {
        api_answer_report(call, &report);
        return;
    }
    if (status != STATUS_OK) {
        api_answer_error(call, 422, "config",
                         report.text[0] != '\0' ? report.text : status_text(status),
                         "the configuration stays as it is");
        return;
    }
    bool rolls = reload.changed[0] != '\0';
    api_answer(call, rolls ? 202 : 200,
               json_pack("{s:s, s:o, s:o}", "status", rolls ? "reloading" : "unchanged", "changed",
                         api_names_json(reload.changed), "needs_restart",
                         api_names_json(reload.restart)));
}

void api_drain(struct api_call *call)
{
    if (!api_query_check(call, api_no_parameters))
        return;
    if (call->api->drain != NULL)
        call->api->drain(call->api->server);
    api_answer(call, 202, json_pack("{s:s}", "status", "draining"));
}

/* ---- another program ------------------------------------------------------------------------- */

static json_t *api_upgrade_json(const struct api *api)
{
    struct deploy_upgrade upgrade = {.state = "none"};
    if (api->upgrade_state != NULL)
        api->upgrade_state(api->server, &upgrade);
    return json_pack(
        "{s:s, s:o, s:o, s:o, s:I, s:I, s:s}", "state", upgrade.state, "program",
        upgrade.program[0] == '\0' ? json_null() : api_text(upgrade.program), "version",
        upgrade.version[0] == '\0' ? json_null() : api_text(upgrade.version), "text",
        upgrade.text[0] == '\0' ? json_null() : api_text(upgrade.text), "built",
        (json_int_t)upgrade.built, "total", (json_int_t)upgrade.total, "server", SKERRY_VERSION);
}

void api_show_upgrade(struct api_call *call)
{
    if (api_query_check(call, api_no_parameters))
        api_answer(call, 200, api_upgrade_json(call->api));
}

/* A program of the caller's choice would run as the server's user: who is that user may choose. */
static bool api_upgrade_is_allowed(struct api_call *call)
{
    if (strcmp(call->request->caller->from, "socket") == 0)
        return true;
    api_answer_error(call, 403, "forbidden", "an upgrade is asked for on the server's own socket",
                     "run `skerry upgrade` on the server's machine, as its user or root");
    return false;
}

void api_upgrade(struct api_call *call)
{
    static const char hint[] = "send {\"program\": \"/usr/bin/skerry\"}";
    struct bytes body = call->request->body;
    struct report report = REPORT_INIT;
    json_error_t error;
    const char *program = NULL;
    if (!api_query_check(call, api_no_parameters) || !api_upgrade_is_allowed(call))
        return;
    json_t *order = json_loadb(body.count == 0 ? "" : (const char *)body.data, body.count,
                               JSON_REJECT_DUPLICATES, &error);
    if (json_unpack(order, "{s:s !}", "program", &program) != 0)
        api_answer_error(call, 400, "bad_upgrade", "the body does not name a program", hint);
    else if (call->api->upgrade != NULL &&
             call->api->upgrade(call->api->server, program, &report) == STATUS_OK)
        api_answer(call, 202, api_upgrade_json(call->api));
    else if (report.status == STATUS_BUSY)
        api_answer_report(call, &report);
    else
        api_answer_error(call, 422, "bad_upgrade", report.text, "the server goes on as it was");
    json_decref(order);
}
