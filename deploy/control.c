/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Control's side of deploy, put together: data directory, store, generation, builder jobs,
 * API and its door. Everything here runs on control's one event loop.
 *
 * An upload's way: admin_http -> api_handle -> build -> api_upload_built -> generation + 1.
 */
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <unistd.h>

#include "deploy/backup/backup_stream.h"
#include "deploy/build/rebuild.h"
#include "deploy/build/scrub.h"
#include "deploy/canary.h"
#include "deploy/control_private.h"
#include "deploy/cron.h"
#include "deploy/door/admin_follow.h"
#include "deploy/door/admin_http.h"
#include "deploy/first_token.h"
#include "deploy/kv/kv_queue.h"
#include "deploy/logs/log_store.h"

#define CONTROL_BUILDERS_MAX       4
#define CONTROL_READERS_INTERVAL_S 1
#define CONTROL_TEND_TICKS         10   /* of those intervals */
#define CONTROL_LOGS_TICKS         3600 /* an hour of them */

/* ---- requests -------------------------------------------------------------------------------- */

static void control_begin_backup(struct deploy_control *control,
                                 struct admin_http_call *call,
                                 const struct api_response *response)
{
    const struct backup_stream_options options = {.base = control->options.base,
                                                  .data_dir = control->dir.path,
                                                  .store = control->store,
                                                  .kv = control->kv,
                                                  .clock = control->options.clock,
                                                  .recipient = response->recipient,
                                                  .number = BACKUP_STREAM_NUMBER |
                                                            ++control->backup_count,
                                                  .ask = control->options.vault,
                                                  .context = control->options.context};
    backup_stream_start(&options, call, &control->backup);
}

static void control_handle(void *context, struct admin_http_call *call)
{
    struct deploy_control *control = context;
    struct api_upload upload;
    struct api_response response;
    api_response_init(&response);
    if (api_handle(&control->api, admin_http_request(call), &upload, &response) == API_BUILD)
        control_begin_upload(control, call, &upload, &response);
    else if (response.vault.verb != DEPLOY_VAULT_NONE)
        admin_vault_ask(&control->vault, call, &response.vault);
    else if (response.backup)
        control_begin_backup(control, call, &response);
    else if (response.follow.wanted)
        admin_follow_start(control->options.base, control->logs, call, &response);
    else
        admin_http_reply(call, &response);
    api_response_done(&response);
}

static void control_identify(void *context, struct bytes token, struct api_caller *caller)
{
    const struct deploy_control *control = context;
    api_identify(&control->api, token, caller);
}

static bool control_holds(void *context, const struct api_caller *caller)
{
    const struct deploy_control *control = context;
    return api_caller_holds(&control->api, caller);
}

static bool control_admit(void *context,
                          const struct api_request *request,
                          uint64_t body_bytes,
                          struct api_response *response,
                          uint64_t *ret_body_max)
{
    const struct deploy_control *control = context;
    return api_admit(&control->api, request, body_bytes, response, ret_body_max);
}

static void control_refused(void *context, uint32_t count, const char *peer)
{
    const struct deploy_control *control = context;
    if (control->options.admin_refused != NULL)
        control->options.admin_refused(control->options.context, count, peer);
}

/* ---- what the API and the store call back for ------------------------------------------------ */

static enum status control_publish(void *context,
                                   const char *artifact_temp,
                                   const uint8_t key[DEPLOY_SHA256_BYTES],
                                   struct report *report)
{
    const struct deploy_control *control = context;
    return artifacts_publish(control->dir.artifacts_fd, artifact_temp, key, report);
}

static void control_withdraw(void *context, const uint8_t key[DEPLOY_SHA256_BYTES])
{
    const struct deploy_control *control = context;
    if (!bases_has(control->bases, key))
        artifacts_remove(control->dir.artifacts_fd, key);
}

static struct builder_jobs_stats control_builds(void *context)
{
    const struct deploy_control *control = context;
    return builder_jobs_stats(control->jobs);
}

static struct api_artifact_stats control_artifacts(void *context)
{
    const struct deploy_control *control = context;
    return control->artifacts;
}

static uint64_t control_generation(void *context)
{
    const struct deploy_control *control = context;
    return generation_read(&control->generation);
}

static bool control_ready(void *context)
{
    const struct deploy_control *control = context;
    return control->options.ready == NULL || control->options.ready(control->options.context);
}

static void control_print_worker_metrics(void *context, struct buffer *out)
{
    const struct deploy_control *control = context;
    if (control->options.print_worker_metrics != NULL)
        control->options.print_worker_metrics(control->options.context, out);
}

static void control_print_function_metrics(void *context, struct buffer *out)
{
    const struct deploy_control *control = context;
    if (control->options.print_function_metrics != NULL)
        control->options.print_function_metrics(control->options.context, out);
}

static bool
control_print_starts(void *context, const struct deploy_function_key *key, struct buffer *out)
{
    const struct deploy_control *control = context;
    if (control->options.print_starts != NULL)
        return control->options.print_starts(control->options.context, key, out);
    return buffer_printf(out, "{}\n") == STATUS_OK;
}

static uint64_t
control_quarantine_us(void *context, const struct deploy_function_key *key, uint32_t version)
{
    const struct deploy_control_options *options = &((struct deploy_control *)context)->options;
    if (options->quarantine_us == NULL)
        return 0;
    return options->quarantine_us(options->context, key, version);
}

static void control_committed(void *context, const struct store_changed *changed)
{
    struct deploy_control *control = context;
    const struct deploy_control_options *options = &control->options;
    generation_increase(&control->generation);
    if (control->cron != NULL)
        cron_changed(control->cron);
    const struct deploy_change change = {.action = changed->action,
                                         .tenant = changed->target.tenant,
                                         .function = changed->target.function,
                                         .version = changed->version};
    /* Who lost a token hears no more. */
    if (control->http != NULL)
        admin_http_end_streams(control->http, control_holds);
    if (options->changed != NULL)
        options->changed(options->context, &change);
    if (control->acme != NULL && strncmp(changed->action, "domain", strlen("domain")) == 0)
        acme_look(control->acme);
    if (control->proofs != NULL && strcmp(changed->action, "domain") == 0)
        proofs_look(control->proofs, changed->target.tenant);
}

static bool control_has(void *context, const uint8_t key[DEPLOY_SHA256_BYTES])
{
    const struct deploy_control *control = context;
    return store_has_artifact(control->store, key);
}

static bool control_keeps(void *context, const uint8_t key[DEPLOY_SHA256_BYTES])
{
    return control_has(context, key) ||
           bases_has(((const struct deploy_control *)context)->bases, key);
}

static void control_tell_trouble(const struct deploy_control *control,
                                 const uint8_t key[DEPLOY_SHA256_BYTES],
                                 const char *event,
                                 const char *text)
{
    const struct deploy_control_options *options = &control->options;
    if (options->artifact_trouble != NULL)
        options->artifact_trouble(options->context, key, event, text);
}

/* Whoever has the old file open sees by the new generation that it is gone. */
static void control_rebuilt(void *context, const uint8_t key[DEPLOY_SHA256_BYTES])
{
    (void)key;
    struct deploy_control *control = context;
    control->artifacts.rebuilt++;
    generation_increase(&control->generation);
}

static void
control_rebuild_failed(void *context, const uint8_t key[DEPLOY_SHA256_BYTES], const char *text)
{
    struct deploy_control *control = context;
    control->artifacts.failed++;
    control_tell_trouble(control, key, "artifact_rebuild_failed", text);
}

static void
control_damaged(void *context, const uint8_t key[DEPLOY_SHA256_BYTES], const struct report *found)
{
    struct deploy_control *control = context;
    control->artifacts.damaged++;
    control_tell_trouble(control, key, "artifact_damaged", found->text);
    artifacts_remove(control->dir.artifacts_fd, key);
    generation_increase(&control->generation);
    rebuild_request(control->rebuild, key);
}

static enum status control_keep_artifacts(void *context, struct report *report)
{
    const struct deploy_control *control = context;
    bool made;
    enum status status = data_dir_keep_artifacts(&control->dir, report, &made);
    if (made && control->options.artifacts_made != NULL)
        control->options.artifacts_made(control->options.context);
    return status;
}

static void
control_end_stuck(const struct deploy_control *control, enum lmdb_store store, uint64_t before)
{
    if (before != 0)
        control->options.reader_stuck(control->options.context, store, before);
}

static void control_check_readers(evutil_socket_t fd, short what, void *context)
{
    (void)fd;
    (void)what;
    struct deploy_control *control = context;
    control_end_stuck(control, LMDB_STORE_CATALOG, store_stuck_reader(control->store));
    control_end_stuck(control, LMDB_STORE_KV, kv_store_stuck_reader(control->kv));
    if (!control->is_paused && control_ready(control))
        cron_tick(control->cron);
    if (++control->ticks % CONTROL_TEND_TICKS == 0) {
        store_tend(control->store);
        store_keep_token_uses(control->store);
        control_tend_keys(control);
        admin_http_end_streams(control->http, control_holds);
    }
    if (control->ticks % CONTROL_LOGS_TICKS == 0)
        log_store_sweep(control->logs);
}

/* ---- start and stop -------------------------------------------------------------------------- */

static enum status control_open_store(struct deploy_control *control, struct report *report)
{
    char dir[CONFIG_PATH_BYTES + 16];
    (void)snprintf(dir, sizeof(dir), "%s/" DATA_DIR_STORE, control->dir.path);
    const struct store_options options = {.dir = dir,
                                          .map_bytes = control->options.config->store_map_bytes,
                                          .versions = control->options.config->store_versions,
                                          .clock = control->options.clock,
                                          .committed = control_committed,
                                          .artifact_gone = control_withdraw,
                                          .key_gone = control_key_gone,
                                          .data_dir = control->dir.path,
                                          .readers = control->options.readers,
                                          .context = control};
    return store_open(&options, report, &control->store);
}

static void control_kv_failed(void *context, const struct report *report)
{
    const struct deploy_control_options *options = &((struct deploy_control *)context)->options;
    if (options->kv_failed != NULL)
        options->kv_failed(options->context, report->text);
}

static enum status control_open_kv(struct deploy_control *control, struct report *report)
{
    const struct deploy_control_options *options = &control->options;
    const struct kv_store_options store = {.data_dir = control->dir.path,
                                           .map_bytes = options->config->kv_map_bytes,
                                           .tenant_bytes_max = options->config->limits.kv,
                                           .clock = options->clock,
                                           .readers = options->readers};
    enum status status = kv_store_open(&store, report, &control->kv);
    if (status != STATUS_OK)
        return status;
    const struct kv_queue_options queue = {.base = options->base,
                                           .store = control->kv,
                                           .clock = options->clock,
                                           .failed = control_kv_failed,
                                           .context = control};
    return kv_queue_create(&queue, report, &control->kv_queue);
}

static enum status control_open_logs(struct deploy_control *control, struct report *report)
{
    const struct config *config = control->options.config;
    const struct log_store_options options = {.data_dir = control->dir.path,
                                              .file_bytes_max = config->logs_size,
                                              .files_max = config->logs_files,
                                              .age_ns_max = config->logs_age_us * CLOCK_NS_PER_US,
                                              .clock = control->options.clock};
    enum status status = log_store_open(&options, report, &control->logs);
    if (status == STATUS_OK)
        log_store_sweep(control->logs);
    return status;
}

void deploy_control_log(struct deploy_control *control,
                        struct bytes tenant,
                        struct bytes function,
                        enum deploy_log_level level,
                        struct bytes line)
{
    const struct log_name name = {.tenant = tenant, .function = function};
    log_store_append(control->logs, &name, level, line);
}

bool deploy_control_answers(struct deploy_control *control,
                            const struct deploy_answers *answers,
                            struct deploy_undone *ret_undone)
{
    return canaries_count(control->canaries, answers, ret_undone);
}

void deploy_control_flush_logs(struct deploy_control *control)
{
    log_store_flush(control->logs);
}

static enum status control_start_jobs(struct deploy_control *control, struct report *report)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    const struct builder_job_options options = {
        .base = control->options.base,
        .role = control->options.builder,
        .prepare = control_keep_artifacts,
        .context = control,
        .error_fd = control->options.builder_error_fd,
        .limits = &control->options.config->limits,
        .walls = control->options.config->walls,
        .data_dir = control->dir.path,
        .artifacts_fd = control->dir.artifacts_fd,
        .run = control->run,
        .running_max = (uint32_t)MIN(MAX(cores, 1), CONTROL_BUILDERS_MAX)};
    enum status status = builder_jobs_create(&options, report, &control->jobs);
    if (status != STATUS_OK)
        return status;
    const struct bases_options bases = {.artifacts_fd = control->dir.artifacts_fd,
                                        .jobs = control->jobs,
                                        .keeps = control_has,
                                        .context = control};
    status = bases_create(&bases, report, &control->bases);
    if (status != STATUS_OK)
        return status;
    const struct rebuild_options rebuild = {.artifacts_fd = control->dir.artifacts_fd,
                                            .clock = control->options.clock,
                                            .store = control->store,
                                            .bases = control->bases,
                                            .rebuilt = control_rebuilt,
                                            .failed = control_rebuild_failed,
                                            .context = control};
    status = rebuild_start(&rebuild, report, &control->rebuild);
    if (status != STATUS_OK)
        return status;
    const struct scrub_options scrub = {.base = control->options.base,
                                        .artifacts_fd = control->dir.artifacts_fd,
                                        .run = control->run,
                                        .keeps = control_keeps,
                                        .damaged = control_damaged,
                                        .context = control};
    return scrub_start(&scrub, report, &control->scrub);
}

static enum status control_start_http(struct deploy_control *control, struct report *report)
{
    char token[ADMIN_HTTP_TOKEN_BYTES] = "";
    const struct deploy_handover *handover = control->options.handover;
    enum status status = STATUS_OK;
    if (control->options.config->admin_listen[0] != '\0')
        status = first_token_load(&control->dir, report, token);
    if (status != STATUS_OK)
        return status;
    const struct admin_http_options options = {.base = control->options.base,
                                               .config = control->options.config,
                                               .clock = control->options.clock,
                                               .token = token,
                                               .identify = control_identify,
                                               .admit = control_admit,
                                               .handle = control_handle,
                                               .refused = control_refused,
                                               .adopted =
                                                   handover == NULL ? NULL : handover->admin_fds,
                                               .context = control};
    return admin_http_start(&options, report, &control->http);
}

static enum status control_start_timer(struct deploy_control *control, struct report *report)
{
    const struct timeval interval = {.tv_sec = CONTROL_READERS_INTERVAL_S};
    control->readers_timer =
        event_new(control->options.base, -1, EV_PERSIST, control_check_readers, control);
    if (control->readers_timer == NULL || event_add(control->readers_timer, &interval) != 0)
        return report_fail(report, STATUS_NO_MEMORY, REPORT_OFFSET_NONE, "out of memory");
    return STATUS_OK;
}

static void control_cron_line(void *context,
                              const struct store_target *target,
                              enum deploy_log_level level,
                              struct bytes line)
{
    deploy_control_log(context, target->tenant, target->function, level, line);
}

static enum status control_open_cron(struct deploy_control *control)
{
    const struct cron_options options = {.store = control->store,
                                         .errands = &control->errands,
                                         .clock = control->options.clock,
                                         .line = control_cron_line,
                                         .context = control};
    return cron_create(&options, &control->cron);
}

static enum status control_run_cron(void *context,
                                    const struct store_target *target,
                                    struct bytes id,
                                    struct report *report)
{
    const struct deploy_control *control = context;
    return cron_run_now(control->cron, target, id, report);
}

static void control_fill_api(struct deploy_control *control)
{
    control->api = (struct api){.store = control->store,
                                .kv = control->kv,
                                .logs = control->logs,
                                .config = control->options.config,
                                .clock = control->options.clock,
                                .publish = control_publish,
                                .withdraw = control_withdraw,
                                .builds = control_builds,
                                .artifacts = control_artifacts,
                                .generation = control_generation,
                                .ready = control_ready,
                                .print_worker_metrics = control_print_worker_metrics,
                                .print_function_metrics = control_print_function_metrics,
                                .print_starts = control_print_starts,
                                .quarantine_us = control_quarantine_us,
                                .reload = control->options.reload,
                                .drain = control->options.drain,
                                .run_cron = control_run_cron,
                                .upgrade = control->options.upgrade,
                                .upgrade_state = control->options.upgrade_state,
                                .server = control->options.context,
                                .javascript = control->options.javascript,
                                .context = control};
    digest_sha256(control->api.javascript, control->api.javascript_sha256);
}

enum status deploy_control_start(const struct deploy_control_options *options,
                                 struct report *report,
                                 struct deploy_control **ret_control)
{
    struct deploy_control *control = calloc(1, sizeof(*control));
    if (control == NULL)
        return report_fail(report, STATUS_NO_MEMORY, REPORT_OFFSET_NONE, "out of memory");
    control->options = *options;
    certificate_files_init(&control->certificates, &control->api, options);
    admin_vault_init(&control->vault, &control->api, options->vault, options->context);
    control->errands = (struct errand_desk){.ask = options->errand, .context = options->context};
    control->dir.fd = control->dir.lock_fd = control->dir.artifacts_fd = -1;
    if (getrandom(&control->run, sizeof(control->run), GRND_NONBLOCK) < 0)
        control->run = clock_realtime_ns(options->clock);
    /* A client that went away is an error of its connection, not the end of control. */
    (void)signal(SIGPIPE, SIG_IGN);
    const struct deploy_handover *handover = options->handover;
    enum status status =
        data_dir_adopt(options->config->data_dir, handover == NULL ? -1 : handover->lock_fd, report,
                       &control->dir);
    if (status == STATUS_OK)
        status = generation_create(control->dir.path, report, &control->generation);
    if (status == STATUS_OK)
        status = control_open_store(control, report);
    if (status == STATUS_OK)
        status = control_open_kv(control, report);
    if (status == STATUS_OK)
        status = control_open_logs(control, report);
    if (status == STATUS_OK)
        status = canaries_create(control->store, &control->canaries);
    if (status == STATUS_OK)
        status = control_open_cron(control);
    if (status == STATUS_OK)
        status = control_open_acme(control, report);
    if (status == STATUS_OK)
        status = control_open_proofs(control, report);
    if (status == STATUS_OK)
        status = control_start_jobs(control, report);
    if (status == STATUS_OK) {
        control_fill_api(control);
        status = control_start_timer(control, report);
    }
    if (status == STATUS_OK)
        status = control_start_http(control, report);
    if (status == STATUS_OK)
        *ret_control = control;
    else
        deploy_control_stop(control);
    return status;
}

void deploy_control_stop(struct deploy_control *control)
{
    if (control == NULL)
        return;
    scrub_stop(control->scrub);
    /* Ends all jobs, so that no request is held and nothing is rebuilt any more. */
    builder_jobs_free(control->jobs);
    rebuild_stop(control->rebuild);
    bases_free(control->bases);
    deploy_control_vault_lost(control);
    errand_desk_close(&control->errands);
    admin_http_stop(control->http);
    if (control->readers_timer != NULL)
        event_free(control->readers_timer);
    if (control->store != NULL)
        store_keep_token_uses(control->store);
    canaries_free(control->canaries);
    cron_free(control->cron);
    acme_free(control->acme);
    proofs_free(control->proofs);
    control_forget_keys(control);
    log_store_close(control->logs);
    kv_queue_free(control->kv_queue);
    kv_store_close(control->kv);
    store_close(control->store);
    generation_close(&control->generation);
    data_dir_close(&control->dir);
    free(control);
}

void deploy_control_errand_done(struct deploy_control *control,
                                uint64_t number,
                                const struct deploy_errand_end *end)
{
    errand_desk_done(&control->errands, number, end);
}

struct kv_queue *deploy_control_kv(struct deploy_control *control)
{
    return control->kv_queue;
}

bool deploy_control_child_exited(struct deploy_control *control, int pid, int wait_status)
{
    return builder_jobs_child_exited(control->jobs, pid, wait_status);
}
