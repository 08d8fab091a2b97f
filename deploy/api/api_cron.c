/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cron triggers of a function: those that these calls make, under ids of the caller's choice, and
 * those of the active version's manifest, which are shown, run and left alone.
 */
#include <stdio.h>

#include "deploy/api/api_private.h"
#include "deploy/manifest/schedule.h"

static const char *const api_no_parameters[] = {NULL};

static json_t *api_cron_json(const struct store_cron *cron, uint64_t now_ns)
{
    struct schedule schedule;
    json_t *next = json_null();
    if (schedule_parse(cron->schedule, NULL, &schedule) == STATUS_OK)
        next = api_time(schedule_next(&schedule, now_ns / CLOCK_NS_PER_S) * CLOCK_NS_PER_S);
    return json_pack("{s:s%, s:s%, s:s%, s:s, s:s, s:o}", "id", cron->id.data, cron->id.count,
                     "schedule", cron->schedule.data, cron->schedule.count, "path",
                     cron->path.count == 0 ? (const uint8_t *)"/" : cron->path.data,
                     MAX(cron->path.count, (size_t)1), "overlap",
                     cron->record.allows_overlap != 0 ? "allow" : "skip", "missed",
                     cron->record.runs_missed != 0 ? "once" : "skip", "next", next);
}

struct api_cron_search {
    struct bytes id; /* data NULL: all */
    json_t *rows;
    uint64_t now_ns;
};

static bool api_visit_cron(void *context, const struct store_cron *cron)
{
    struct api_cron_search *search = context;
    if (search->id.data == NULL || bytes_equal(search->id, cron->id))
        (void)json_array_append_new(search->rows, api_cron_json(cron, search->now_ns));
    return true;
}

/* NULL, and answered, if there is no such function. */
static json_t *api_find_crons(struct api_call *call, struct bytes id)
{
    struct report report = REPORT_INIT;
    struct api_cron_search search = {
        .id = id, .rows = json_array(), .now_ns = clock_realtime_ns(call->api->clock)};
    if (store_list_crons(call->api->store, &call->target, api_visit_cron, &search, &report) ==
        STATUS_OK)
        return search.rows;
    json_decref(search.rows);
    api_answer_report(call, &report);
    return NULL;
}

void api_list_crons(struct api_call *call)
{
    json_t *rows =
        api_query_check(call, api_no_parameters) ? api_find_crons(call, bytes_make(NULL, 0)) : NULL;
    if (rows != NULL)
        api_answer(call, 200, json_pack("{s:o}", "cron", rows));
}

static void api_answer_cron(struct api_call *call)
{
    json_t *rows = api_find_crons(call, call->key);
    if (rows == NULL)
        return;
    json_t *row = json_array_get(rows, 0);
    if (row == NULL)
        api_answer_error(call, 404, "not_found", "the function has no such trigger", NULL);
    else
        api_answer(call, 200, json_incref(row));
    json_decref(rows);
}

/* False, and answered, if the path's id is none, or not the caller's to change. */
static bool api_check_cron_id(struct api_call *call, bool changes)
{
    size_t count = strlen(STORE_MANIFEST_CRON);
    bool manifests =
        call->key.count >= count && memcmp(call->key.data, STORE_MANIFEST_CRON, count) == 0;
    if (!api_query_check(call, api_no_parameters))
        return false;
    if (!deploy_name_valid(call->key))
        api_answer_error(call, 400, "bad_name", "that cannot be a trigger's id",
                         "use 1 to 63 of a-z, 0-9 and -, not at the ends");
    else if (changes && manifests)
        api_answer_error(call, 409, "conflict", "that trigger is of the active version's manifest",
                         "change it in function.yaml and deploy");
    else
        return true;
    return false;
}

void api_show_cron(struct api_call *call)
{
    if (api_check_cron_id(call, false))
        api_answer_cron(call);
}

void api_put_cron(struct api_call *call)
{
    struct report report = REPORT_INIT;
    struct arena arena;
    struct deploy_cron cron;
    if (!api_check_cron_id(call, true))
        return;
    arena_init(&arena, 65536);
    if (deploy_cron_from_json(call->request->body, &arena, &report, &cron) != STATUS_OK)
        api_answer_error(call, 400, "bad_cron", report.text,
                         "send an object like {\"schedule\":\"*/5 * * * *\",\"path\":\"/tick\"}");
    else if (store_set_cron(call->api->store, &call->target, call->key, &cron, &report) !=
             STATUS_OK)
        api_answer_report(call, &report);
    else
        api_answer_cron(call);
    arena_done(&arena);
}

void api_delete_cron(struct api_call *call)
{
    struct report report = REPORT_INIT;
    if (!api_check_cron_id(call, true))
        return;
    if (store_set_cron(call->api->store, &call->target, call->key, NULL, &report) != STATUS_OK)
        api_answer_report(call, &report);
    else
        api_answer(call, 200,
                   json_pack("{s:s%, s:b}", "id", call->key.data, call->key.count, "deleted", 1));
}

void api_run_cron(struct api_call *call)
{
    struct report report = REPORT_INIT;
    if (!api_check_cron_id(call, false))
        return;
    if (call->api->run_cron(call->api->context, &call->target, call->key, &report) != STATUS_OK)
        api_answer_report(call, &report);
    else
        api_answer(
            call, 202,
            json_pack("{s:s%, s:s}", "id", call->key.data, call->key.count, "status", "running"));
}
