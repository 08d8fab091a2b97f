/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the control plane asks of whoever runs the processes: their numbers, how they are, and what
 * only they can do.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/hex.h"
#include "server/control/life/supervisor_private.h"
#include "server/telemetry/log.h"

bool supervisor_is_ready(void *context)
{
    const struct supervisor *supervisor = context;
    return supervisor->state != SUPERVISOR_DRAINING && supervisor->workers != NULL &&
           workers_are_ready(supervisor->workers);
}

void supervisor_print_metrics(void *context, struct buffer *out)
{
    struct supervisor *supervisor = context;
    workers_print_metrics(supervisor->workers, out);
    records_collect(supervisor->records);
    struct starts_stats stats = starts_stats(supervisor->starts);
    const struct metrics_start_records records = {.lost = stats.lost,
                                                  .refused =
                                                      records_stats(supervisor->records).refused,
                                                  .histories = stats.functions,
                                                  .forgotten = stats.forgotten};
    metrics_print_start_records(&records, out);
    const struct metrics_control own = {
        .log_dropped = log_drain_dropped(supervisor->log),
        .quarantined =
            quarantine_count(deaths_page(supervisor->deaths), clock_monotonic_ns(&clock_system)),
        .quarantines = deaths_quarantined(supervisor->deaths),
        .connections_lent = workers_lent(supervisor->workers)};
    metrics_print_control(&own, out);
}

void supervisor_print_function_metrics(void *context, struct buffer *out)
{
    struct supervisor *supervisor = context;
    records_collect(supervisor->records);
    starts_print_metrics(supervisor->starts, out);
    records_print_metrics(supervisor->records, out);
}

bool supervisor_print_starts(void *context,
                             const struct deploy_function_key *key,
                             struct buffer *out)
{
    struct supervisor *supervisor = context;
    records_collect(supervisor->records);
    const struct starts_key which = {
        .tenant = key->tenant, .function = key->function, .created_ns = key->created_ns};
    return starts_print(supervisor->starts, &which, out) == STATUS_OK;
}

void supervisor_tell_admin_refused(void *context, uint32_t count, const char *peer)
{
    (void)context;
    log_message("warn", "admin_refused",
                "%" PRIu32
                " requests came to the admin address without its token, the last from %s",
                count, peer);
}

uint64_t
supervisor_quarantine_us(void *context, const struct deploy_function_key *key, uint32_t version)
{
    const struct supervisor *supervisor = context;
    struct deploy_catalog_entry entry = {.version = version, .created_ns = key->created_ns};
    (void)snprintf(entry.tenant, sizeof(entry.tenant), "%s", key->tenant);
    (void)snprintf(entry.function, sizeof(entry.function), "%s", key->function);
    uint64_t until_ns = quarantine_until_ns(deaths_page(supervisor->deaths), &entry, &clock_system);
    uint64_t now_ns = clock_monotonic_ns(&clock_system);
    return until_ns > now_ns ? (until_ns - now_ns) / CLOCK_NS_PER_US : 0;
}

/* Walls are around a folder and not around its name. */
void supervisor_artifacts_made(void *context)
{
    struct supervisor *supervisor = context;
    log_message("warn", "artifacts_made",
                "the folder of artifacts was removed and is made again: new workers start");
    supervisor->wants_new_workers = true;
}

uint64_t supervisor_oldest_reader(void *context, enum lmdb_store store)
{
    const struct supervisor *supervisor = context;
    return supervisor->workers == NULL ? UINT64_MAX
                                       : workers_oldest_reader(supervisor->workers, store);
}

void supervisor_reader_stuck(void *context, enum lmdb_store store, uint64_t before)
{
    const struct supervisor *supervisor = context;
    workers_end_readers(supervisor->workers, store, before);
}

void supervisor_kv_failed(void *context, const char *text)
{
    (void)context;
    log_message("error", "kv_failed", "%s", text);
}

void supervisor_tell_artifact_trouble(void *context,
                                      const uint8_t key[DEPLOY_SHA256_BYTES],
                                      const char *event,
                                      const char *text)
{
    (void)context;
    char hex[2 * DEPLOY_SHA256_BYTES + 1];
    hex_encode(key, DEPLOY_SHA256_BYTES, hex);
    log_message("error", event, "artifact %s: %s", hex, text);
}

bool supervisor_ask_vault(void *context, const struct deploy_vault_order *order, uint64_t number)
{
    struct supervisor *supervisor = context;
    return vault_line_ask(&supervisor->vault, order, number);
}

bool supervisor_on_wanted(void *context,
                          const struct workers_caller *worker,
                          const struct channel_frame *frame)
{
    const struct supervisor *supervisor = context;
    (void)worker;
    ASSERT(frame->payload.count == DEPLOY_SHA256_BYTES); /* by messages.def */
    deploy_control_rebuild(supervisor->deploy, frame->payload.data);
    return true;
}

void supervisor_changed(void *context, const struct deploy_change *change)
{
    struct supervisor *supervisor = context;
    struct log_line line;
    char version[16];
    log_begin(&line, "info", change->action);
    if (change->tenant.count > 0)
        log_text(&line, "tenant", change->tenant);
    if (change->function.count > 0)
        log_text(&line, "function", change->function);
    (void)snprintf(version, sizeof(version), "v%" PRIu32, change->version);
    if (change->version > 0)
        log_text(&line, "version", bytes_of_text(version));
    (void)log_end(&line);
    if (supervisor->helpers != NULL && strcmp(change->action, "delete") == 0)
        vault_line_forget(&supervisor->vault, change->tenant, change->function);
    if (supervisor->workers != NULL && change->function.count > 0)
        workers_tell(supervisor->workers, change->tenant, change->function);
}

bool supervisor_ask_errand(void *context, const struct deploy_errand *errand, uint64_t number)
{
    struct supervisor *supervisor = context;
    return supervisor->workers != NULL && errands_ask(&supervisor->errands, errand, number);
}

bool supervisor_ask_egress(void *context, const struct deploy_fetch *fetch, uint64_t number)
{
    struct supervisor *supervisor = context;
    return egress_line_fetch(&supervisor->egress, fetch, number);
}

void supervisor_tell_acme(void *context, bool failed, const char *host, const char *text)
{
    (void)context;
    log_message(failed ? "warn" : "info", failed ? "acme_failed" : "acme", "%s: %s", host, text);
}

bool supervisor_ask_texts(void *context, struct bytes name, uint64_t number)
{
    struct supervisor *supervisor = context;
    return egress_line_texts(&supervisor->egress, name, number);
}
