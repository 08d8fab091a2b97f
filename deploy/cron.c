/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A walk over all triggers when the next one is due, and a list of what runs.
 */
#include "deploy/cron.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "deploy/manifest/schedule.h"

#define CRON_AT_ONCE   256 /* found due in one walk; more in the next second */
#define CRON_RUNS_MAX  512 /* under way */
#define CRON_LATE_S    90  /* what was due longer ago was missed */
#define CRON_COUNT_MAX 100000

struct cron_run {
    struct list_link link;
    struct errand_call errand;
    struct cron *cron;
    struct store_cron_moment who;
    bool allows_overlap;
    uint64_t due_s;
    char schedule[STORE_CRON_TEXT_BYTES + 1];
    char path[STORE_CRON_TEXT_BYTES + 1];
};

struct cron {
    struct cron_options options;
    struct list runs;
    uint32_t run_count;
    uint64_t next_s; /* nothing is due before */
    uint64_t now_s;  /* of the walk */
    uint32_t due_count;
    struct cron_run *due[CRON_AT_ONCE]; /* owned until they run */
};

/* ---- the log --------------------------------------------------------------------------------- */

static void cron_format_time(uint64_t time_s, char ret_text[32])
{
    struct tm parts;
    time_t seconds = (time_t)time_s;
    if (gmtime_r(&seconds, &parts) == NULL ||
        strftime(ret_text, 32, "%Y-%m-%dT%H:%M:%SZ", &parts) == 0)
        ret_text[0] = '\0';
}

/* `members` is taken over. */
static void cron_log(const struct cron_run *run,
                     enum deploy_log_level level,
                     const char *event,
                     const char *message,
                     json_t *members)
{
    const struct cron_options *options = &run->cron->options;
    char now[32];
    char due[32];
    const struct store_target target = {.tenant = bytes_of_text(run->who.tenant),
                                        .function = bytes_of_text(run->who.function)};
    cron_format_time(clock_realtime_ns(options->clock) / CLOCK_NS_PER_S, now);
    cron_format_time(run->due_s, due);
    json_t *line = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "ts", now,
                             "level", level == DEPLOY_LOG_INFO ? "info" : "error", "event", event,
                             "tenant", run->who.tenant, "function", run->who.function, "trigger",
                             run->who.id, "schedule", run->schedule, "path", run->path, "scheduled",
                             due, "message", message);
    if (line != NULL && members != NULL)
        (void)json_object_update(line, members);
    json_decref(members);
    char *text = line == NULL ? NULL : json_dumps(line, JSON_COMPACT | JSON_PRESERVE_ORDER);
    json_decref(line);
    if (text != NULL)
        options->line(options->context, &target, level, bytes_of_text(text));
    free(text);
}

/* ---- one run --------------------------------------------------------------------------------- */

static void cron_on_done(struct errand_call *call, const struct deploy_errand_end *end)
{
    struct cron_run *run = CONTAINER_OF(call, struct cron_run, errand);
    char message[STORE_CRON_TEXT_BYTES + 128];
    char version[16];
    bool good = end->status >= 100 && end->status < 500;
    if (end->status == 0)
        (void)snprintf(message, sizeof(message), "cron %s: nobody answered", run->path);
    else
        (void)snprintf(message, sizeof(message), "cron %s: %" PRIu32 "%s%.*s in %" PRIu64 " ms",
                       run->path, end->status, end->code.count > 0 ? " " : "", (int)end->code.count,
                       (const char *)end->code.data, end->elapsed_us / 1000);
    (void)snprintf(version, sizeof(version), "v%" PRIu32, end->version);
    cron_log(run, good ? DEPLOY_LOG_INFO : DEPLOY_LOG_ERROR, "cron_run", message,
             json_pack("{s:i, s:s, s:I, s:I}", "status", (int)end->status, "version",
                       end->version == 0 ? "-" : version, "elapsed_us", (json_int_t)end->elapsed_us,
                       "fuel", (json_int_t)end->fuel));
    list_remove(&run->link);
    run->cron->run_count--;
    free(run);
}

static bool cron_is_running(const struct cron *cron, const struct store_cron_moment *who)
{
    LIST_FOREACH(run, &cron->runs, struct cron_run, link) {
        if (strcmp(run->who.id, who->id) == 0 && strcmp(run->who.function, who->function) == 0 &&
            strcmp(run->who.tenant, who->tenant) == 0)
            return true;
    }
    return false;
}

/* Takes the run over. */
static void cron_begin(struct cron *cron, struct cron_run *run)
{
    static const struct deploy_errand_end nobody = {.status = 0};
    char fields[STORE_CRON_TEXT_BYTES + 96];
    /* Each text with its NUL. */
    int count = snprintf(fields, sizeof(fields),
                         "x-skerry-cron%c%s%cx-skerry-scheduled-time%c%" PRIu64 "000", '\0',
                         run->schedule, '\0', '\0', run->due_s);
    const struct deploy_errand errand = {.tenant = bytes_of_text(run->who.tenant),
                                         .function = bytes_of_text(run->who.function),
                                         .method = bytes_of_text("POST"),
                                         .path = bytes_of_text(run->path),
                                         .fields = bytes_make(fields, (size_t)count + 1)};
    list_append(&cron->runs, &run->link);
    cron->run_count++;
    run->errand.done = cron_on_done;
    if (cron->run_count > CRON_RUNS_MAX ||
        !errand_desk_send(cron->options.errands, &errand, &run->errand))
        cron_on_done(&run->errand, &nobody);
}

/* ---- which are due --------------------------------------------------------------------------- */

/* Of those after `last_s`, the latest that is not after now; 0: none. */
static uint64_t
cron_latest(const struct schedule *schedule, uint64_t last_s, uint64_t now_s, uint64_t *ret_next_s)
{
    uint64_t due_s = 0;
    uint64_t next_s = schedule_next(schedule, last_s);
    for (uint32_t i = 0; next_s <= now_s; i++) {
        /* After years, what was missed is not counted. */
        due_s = i < CRON_COUNT_MAX ? next_s : now_s;
        next_s = schedule_next(schedule, due_s);
    }
    *ret_next_s = next_s;
    return due_s;
}

static struct cron_run *cron_make(struct cron *cron, const struct store_cron *found, uint64_t due_s)
{
    struct cron_run *run = calloc(1, sizeof(*run));
    if (run == NULL)
        return NULL;
    run->cron = cron;
    run->due_s = due_s;
    run->allows_overlap = found->record.allows_overlap != 0;
    run->who.last_ns = cron->now_s * CLOCK_NS_PER_S;
    memcpy(run->who.tenant, found->target.tenant.data, found->target.tenant.count);
    memcpy(run->who.function, found->target.function.data, found->target.function.count);
    memcpy(run->who.id, found->id.data, found->id.count);
    memcpy(run->schedule, found->schedule.data, found->schedule.count);
    if (found->path.count > 0)
        memcpy(run->path, found->path.data, found->path.count);
    else
        run->path[0] = '/';
    return run;
}

static bool cron_visit(void *context, const struct store_cron *found)
{
    struct cron *cron = context;
    struct schedule schedule;
    uint64_t next_s;
    if (schedule_parse(found->schedule, NULL, &schedule) != STATUS_OK)
        return true;
    uint64_t due_s =
        cron_latest(&schedule, found->record.last_ns / CLOCK_NS_PER_S, cron->now_s, &next_s);
    if (due_s == 0) {
        cron->next_s = MIN(cron->next_s, next_s);
        return true;
    }
    struct cron_run *run = cron_make(cron, found, due_s);
    if (run != NULL) {
        /* Too late, unless it is to be made up for: told and not run. */
        if (cron->now_s - due_s > CRON_LATE_S && found->record.runs_missed == 0)
            run->path[0] = '\0';
        cron->due[cron->due_count++] = run;
    }
    cron->next_s = MIN(cron->next_s, next_s);
    return cron->due_count < CRON_AT_ONCE;
}

static void cron_run_due(struct cron *cron, struct cron_run *run)
{
    const char *skipped = NULL;
    if (run->path[0] == '\0')
        skipped = "cron: left out, it was due while the server was down";
    else if (!run->allows_overlap && cron_is_running(cron, &run->who))
        skipped = "cron: left out, the run before is still under way";
    if (skipped == NULL) {
        cron_begin(cron, run);
        return;
    }
    cron_log(run, DEPLOY_LOG_ERROR, "cron_skipped", skipped, NULL);
    free(run);
}

void cron_tick(struct cron *cron)
{
    struct store_cron_moment moments[CRON_AT_ONCE];
    cron->now_s = clock_realtime_ns(cron->options.clock) / CLOCK_NS_PER_S;
    if (cron->now_s < cron->next_s)
        return;
    cron->next_s = UINT64_MAX;
    cron->due_count = 0;
    enum status status = store_list_crons(cron->options.store, NULL, cron_visit, cron, NULL);
    if (cron->due_count == CRON_AT_ONCE || status != STATUS_OK)
        cron->next_s = 0;
    for (uint32_t i = 0; i < cron->due_count; i++)
        moments[i] = cron->due[i]->who;
    if (cron->due_count > 0)
        status = store_cron_ran(cron->options.store, moments, cron->due_count, NULL);
    for (uint32_t i = 0; i < cron->due_count; i++) {
        /* What cannot be written down is tried again in a second, rather than run twice. */
        if (status == STATUS_OK)
            cron_run_due(cron, cron->due[i]);
        else
            free(cron->due[i]);
    }
    if (status != STATUS_OK)
        cron->next_s = 0;
}

void cron_changed(struct cron *cron)
{
    cron->next_s = 0;
}

/* ---- now ------------------------------------------------------------------------------------- */

struct cron_search {
    struct cron *cron;
    struct bytes id;
    struct cron_run *found;
};

static bool cron_visit_id(void *context, const struct store_cron *found)
{
    struct cron_search *search = context;
    if (!bytes_equal(found->id, search->id))
        return true;
    search->found = cron_make(search->cron, found, search->cron->now_s);
    return false;
}

enum status cron_run_now(struct cron *cron,
                         const struct store_target *target,
                         struct bytes id,
                         struct report *report)
{
    struct cron_search search = {.cron = cron, .id = id};
    cron->now_s = clock_realtime_ns(cron->options.clock) / CLOCK_NS_PER_S;
    enum status status =
        store_list_crons(cron->options.store, target, cron_visit_id, &search, report);
    if (status != STATUS_OK)
        return status;
    if (search.found == NULL)
        return report_fail(report, STATUS_NOT_FOUND, REPORT_OFFSET_NONE,
                           "the function has no trigger `%.*s`", (int)id.count,
                           (const char *)id.data);
    if (!search.found->allows_overlap && cron_is_running(cron, &search.found->who)) {
        free(search.found);
        return report_fail(report, STATUS_BUSY, REPORT_OFFSET_NONE, "it runs already");
    }
    cron_begin(cron, search.found);
    return STATUS_OK;
}

/* ---- life ------------------------------------------------------------------------------------ */

enum status cron_create(const struct cron_options *options, struct cron **ret_cron)
{
    struct cron *cron = calloc(1, sizeof(*cron));
    if (cron == NULL)
        return STATUS_NO_MEMORY;
    cron->options = *options;
    *ret_cron = cron;
    return STATUS_OK;
}

void cron_free(struct cron *cron)
{
    free(cron);
}
