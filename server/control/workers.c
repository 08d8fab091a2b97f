/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a worker gets from control, and what control keeps of it.
 *
 * There are two slots for each worker, in two halves: one half serves, and a successor with another
 * configuration starts in the other. They have the same listening sockets, and memory, channels and
 * a log each.
 *
 *   half 0   serving ---------------------- retired: ends its connections --> empty
 *   half 1   empty --roll--> starting --all ready--> serving
 *                                |
 *                                +--one cannot start--> killed; half 0 goes on
 *
 * The memory that they share outlives the worker: its successor goes on counting in it. Its size
 * is sealed, since a worker that cut it would end control by SIGBUS.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server/control/life/workers_private.h"
#include "server/request/isolates.h"
#include "server/telemetry/log.h"

static bool workers_serves(const struct workers_one *one)
{
    return workers_half_of(one) == one->workers->half;
}

/* Whose is it? Empty: everybody's. */
static struct bytes workers_tenant(const struct workers_one *one)
{
    return config_worker_tenant(one->workers->options.config, one->child.index);
}

static bool workers_gets_on(const struct workers_one *one)
{
    return one->child.ready && !one->child.stopped && one->pulse.state == PULSE_WELL;
}

/* ---- what they say --------------------------------------------------------------------------- */

void workers_on(struct workers *workers,
                enum channel_type type,
                workers_handler *handle,
                void *context)
{
    ASSERT(type < CHANNEL_TYPE_COUNT);
    workers->handlers[type].handle = handle;
    workers->handlers[type].context = context;
}

bool workers_send(struct workers *workers,
                  const struct workers_caller *to,
                  const struct channel_message *message)
{
    ASSERT(to->index < workers->count);
    struct workers_one *one = &workers->each[to->index];
    return one->run == to->run && wire_send(&one->wire, message);
}

bool workers_find(const struct workers *workers, uint32_t index, struct workers_caller *ret_worker)
{
    const struct workers_one *one = &workers->each[index];
    *ret_worker = (struct workers_caller){.index = index, .run = one->run};
    return channel_is_open(&one->wire.channel);
}

bool workers_serving(const struct workers *workers,
                     uint32_t index,
                     struct workers_caller *ret_worker)
{
    const struct workers_one *one = &workers->each[index];
    return workers_serves(one) && workers_gets_on(one) && workers_find(workers, index, ret_worker);
}

/* ---- one half after the other ---------------------------------------------------------------- */

/* The other half serves from now on; who served ends what it has begun. */
static void workers_switch(struct workers *workers)
{
    workers->rolling = false;
    workers->half = 1 - workers->half;
    for (uint32_t i = 0; i < workers->count; i++) {
        struct workers_one *one = &workers->each[i];
        if (workers_serves(one))
            continue;
        child_stop(&one->child);
        lending_end(&one->lending);
        child_kill(&one->child, WORKER_RETIRE_SIGNAL);
    }
    workers->options.rolled(workers->options.context, true);
}

static void workers_one_ready(void *context)
{
    struct workers *workers = ((struct workers_one *)context)->workers;
    if (workers->rolling) {
        for (uint32_t i = 0; i < workers->count; i++) {
            if (!workers_serves(&workers->each[i]) && !workers->each[i].child.ready)
                return;
        }
        workers_switch(workers);
        return;
    }
    if (workers_are_ready(workers))
        workers->options.ready(workers->options.context);
}

/* ---- those that stand still -------------------------------------------------------------------
 */

/* One after the other, of those that get on and are everybody's. */
static int workers_next_taker(void *context)
{
    struct workers *workers = context;
    for (uint32_t i = 0; i < workers->count; i++) {
        const struct workers_one *one = &workers->each[workers->next_taker];
        workers->next_taker = (workers->next_taker + 1) % workers->count;
        if (workers_gets_on(one) && workers_tenant(one).count == 0)
            return one->lent_fd;
    }
    return -1;
}

static void workers_tell_pulse(const struct workers_one *one)
{
    uint32_t index = one->child.index;
    switch (one->pulse.state) {
    case PULSE_WELL:
        log_message("info", "worker_recovered", "worker %u serves", index);
        return;
    case PULSE_STALLED:
        log_message("warn", "worker_stalled",
                    "worker %u gets nowhere: others take its new connections", index);
        return;
    case PULSE_HUNG:
        log_message("error", "worker_hung", "worker %u is stuck: it is killed and replaced", index);
        return;
    }
}

/* Of a process, for processors, ever; 0: the kernel does not say. */
static uint64_t workers_waited_ns(pid_t pid)
{
    char path[64];
    char text[128];
    char *rest;
    (void)snprintf(path, sizeof(path), "/proc/%d/schedstat", (int)pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return 0;
    ssize_t count = read(fd, text, sizeof(text) - 1);
    (void)close(fd);
    text[MAX(count, 0)] = '\0';
    (void)strtoull(text, &rest, 10); /* how long it ran */
    return strtoull(rest, NULL, 10);
}

static void workers_tick_one(struct workers_one *one, bool taker)
{
    const struct workers_options *options = &one->workers->options;
    uint64_t beats = __atomic_load_n(&one->shared->vitals.beats, __ATOMIC_RELAXED);
    enum pulse_state before = one->pulse.state;
    uint64_t waited_ns =
        beats == one->pulse.beats && one->child.ready ? workers_waited_ns(one->child.pid) : 0;
    if (pulse_tick(&one->pulse, one->child.ready, !taker, beats, waited_ns)) {
        if (before != PULSE_HUNG || one->pulse.state == PULSE_WELL)
            workers_tell_pulse(one);
        if (one->pulse.state == PULSE_HUNG)
            child_kill(&one->child, SIGKILL);
    }
    if (one->pulse.state != PULSE_WELL && taker)
        lending_begin(&one->lending, options->base, options->listeners->fds[one->child.index],
                      options->listeners->count);
    else
        lending_end(&one->lending);
}

void workers_tick(struct workers *workers)
{
    bool taker = workers_next_taker(workers) >= 0;
    for (uint32_t i = 0; i < workers->count; i++) {
        struct workers_one *one = &workers->each[i];
        if (!one->child.stopped)
            workers_tick_one(one, taker && workers_tenant(one).count == 0);
    }
}

uint64_t workers_lent(const struct workers *workers)
{
    uint64_t lent = 0;
    for (uint32_t i = 0; i < workers->count; i++)
        lent += workers->each[i].lending.lent;
    return lent;
}

/* ---- all of them ----------------------------------------------------------------------------- */

enum status workers_create(const struct workers_options *options,
                           struct report *report,
                           struct workers **ret_workers)
{
    uint32_t count = 2 * options->config->workers;
    struct workers *workers = calloc(1, sizeof(*workers) + count * sizeof(workers->each[0]));
    if (workers == NULL)
        return report_fail(report, STATUS_NO_MEMORY, REPORT_OFFSET_NONE, "out of memory");
    workers->options = *options;
    workers->configs[0] = *options->config;
    enum status status = STATUS_OK;
    for (uint32_t i = 0; i < count; i++) {
        struct workers_one *one = &workers->each[i];
        one->workers = workers;
        one->slot = i;
        one->news_fd = one->lent_fd = one->shared_fd = -1;
        one->lending = (struct lending){.next = workers_next_taker, .context = workers};
        one->child = (struct child){
            .role = &roles[ROLE_WORKER],
            .index = i % options->config->workers,
            .base = options->base,
            .clock = options->clock,
            .stopped = i >= options->config->workers,
            .ops = {.start = workers_start_one, .ready = workers_one_ready, .context = one}};
    }
    workers->count = count;
    for (uint32_t i = 0; i < options->config->workers && status == STATUS_OK; i++)
        status = options->handover == NULL ? workers_prepare(&workers->each[i], report) : STATUS_OK;
    if (status == STATUS_OK)
        *ret_workers = workers;
    else
        workers_free(workers);
    return status;
}

void workers_free(struct workers *workers)
{
    for (uint32_t i = 0; workers != NULL && i < workers->count; i++) {
        struct workers_one *one = &workers->each[i];
        child_done(&one->child);
        lending_end(&one->lending);
        workers_close_channels(one);
        base_auto_close(&one->shared_fd);
        if (one->shared != NULL)
            (void)munmap((void *)(uintptr_t)one->shared, one->shared_bytes);
    }
    free(workers);
}

void workers_start(struct workers *workers)
{
    for (uint32_t i = 0; i < workers->count; i++) {
        if (workers_serves(&workers->each[i]))
            child_start(&workers->each[i].child);
    }
}

/* Nobody is left of the half that does not serve. */
static void workers_end_roll(struct workers *workers)
{
    workers->rolling = false;
    for (uint32_t i = 0; i < workers->count; i++) {
        struct child *child = &workers->each[i].child;
        if (!workers_serves(&workers->each[i])) {
            child_stop(child);
            child_kill(child, SIGKILL);
        }
    }
}

enum status
workers_roll(struct workers *workers, const struct config *config, struct report *report)
{
    enum status status = STATUS_OK;
    if (workers->rolling)
        return report_fail(report, STATUS_BUSY, REPORT_OFFSET_NONE,
                           "new workers are starting already");
    for (uint32_t i = 0; i < workers->count; i++) {
        if (!workers_serves(&workers->each[i]) && workers->each[i].child.pid != 0)
            return report_fail(report, STATUS_BUSY, REPORT_OFFSET_NONE,
                               "workers from before the last reload still finish what they began");
    }
    workers->configs[1 - workers->half] = *config;
    workers->rolling = true;
    for (uint32_t i = 0; i < workers->count && status == STATUS_OK; i++) {
        struct workers_one *one = &workers->each[i];
        if (workers_serves(one))
            continue;
        one->pulse = (struct pulse){0};
        one->child.stopped = false;
        one->child.failures = 0;
        status = workers_prepare(one, report);
        if (status == STATUS_OK)
            child_start(&one->child);
    }
    if (status != STATUS_OK)
        workers_end_roll(workers);
    return status;
}

void workers_stop(struct workers *workers)
{
    for (uint32_t i = 0; i < workers->count; i++) {
        child_stop(&workers->each[i].child);
        lending_end(&workers->each[i].lending);
    }
}

void workers_kill(const struct workers *workers, int number)
{
    for (uint32_t i = 0; i < workers->count; i++)
        child_kill(&workers->each[i].child, number);
}

/* Which guest it ran, if it was not told to end. */
static void workers_ask_why(const struct workers_one *one)
{
    struct vitals_key key;
    if (one->child.stopped || !vitals_read(&one->shared->vitals, &key))
        return;
    log_message("error", "worker_died_running", "worker %u died while it ran %s/%s v%u",
                one->child.index, key.tenant, key.function, key.version);
    if (deaths_add(one->workers->options.deaths, &key))
        log_message("error", "quarantined",
                    "%s/%s v%u killed %d workers within %d s: it answers 503 for %d s, or until "
                    "another version is deployed",
                    key.tenant, key.function, key.version, DEATHS_MAX,
                    (int)(DEATHS_WITHIN_NS / CLOCK_NS_PER_S),
                    (int)(DEATHS_QUARANTINE_NS / CLOCK_NS_PER_S));
}

/* The next one counts as this program does. */
static void workers_let_go(struct workers_one *one)
{
    struct report report = REPORT_INIT;
    records_watch(one->workers->options.records, one->slot, NULL);
    (void)munmap((void *)(uintptr_t)one->shared, one->shared_bytes);
    base_auto_close(&one->shared_fd);
    one->shared = NULL;
    one->shared_fd = -1;
    one->is_foreign = false;
    if (!one->child.stopped && workers_prepare(one, &report) != STATUS_OK)
        log_message("error", "worker_memory", "%s", report.text);
}

bool workers_child_exited(struct workers *workers, pid_t pid, int wait_status)
{
    for (uint32_t i = 0; i < workers->count; i++) {
        struct workers_one *one = &workers->each[i];
        if (one->child.pid != pid)
            continue;
        workers_close_channels(one);
        log_drain_flush(one->log); /* its last words come before its death */
        workers_ask_why(one);
        const struct workers_caller ended = {.index = one->slot, .run = one->run};
        workers->options.ended(workers->options.context, &ended);
        one->is_adopted = false;
        if (one->is_foreign)
            workers_let_go(one);
        child_died(&one->child, wait_status);
        if (workers->rolling && !workers_serves(one) && child_is_hopeless(&one->child)) {
            workers_end_roll(workers);
            workers->options.rolled(workers->options.context, false);
        }
        return true;
    }
    return false;
}

uint32_t workers_running(const struct workers *workers)
{
    uint32_t running = 0;
    for (uint32_t i = 0; i < workers->count; i++)
        running += workers->each[i].child.pid != 0;
    return running;
}

bool workers_are_ready(const struct workers *workers)
{
    for (uint32_t i = 0; i < workers->count; i++) {
        if (workers_serves(&workers->each[i]) && !workers_gets_on(&workers->each[i]))
            return false;
    }
    return true;
}

bool workers_are_hopeless(const struct workers *workers)
{
    for (uint32_t i = 0; i < workers->count; i++) {
        if (workers_serves(&workers->each[i]) && child_is_hopeless(&workers->each[i].child))
            return true;
    }
    return false;
}

void workers_tell(const struct workers *workers, struct bytes tenant, struct bytes function)
{
    struct isolates_news news = {0};
    if (tenant.count >= sizeof(news.tenant) || function.count >= sizeof(news.function))
        return;
    memcpy(news.tenant, tenant.data, tenant.count);
    memcpy(news.function, function.data, function.count);
    for (uint32_t i = 0; i < workers->count; i++) {
        const struct workers_one *one = &workers->each[i];
        int fd = one->news_fd;
        if (fd >= 0 && config_worker_serves(workers->options.config, one->child.index, tenant))
            (void)send(fd, &news, sizeof(news), MSG_DONTWAIT | MSG_NOSIGNAL);
    }
}

/* What a worker that has ended said does not count: its successor begins anew. */
static uint64_t workers_reading(const struct workers_one *one, enum lmdb_store store)
{
    return one->child.pid == 0 ? LMDB_NO_COMMIT : lmdb_reading_commit(&one->shared->reading[store]);
}

uint64_t workers_oldest_reader(const struct workers *workers, enum lmdb_store store)
{
    uint64_t oldest = LMDB_NO_COMMIT;
    for (uint32_t i = 0; i < workers->count; i++)
        oldest = MIN(oldest, workers_reading(&workers->each[i], store));
    return oldest;
}

void workers_end_readers(const struct workers *workers, enum lmdb_store store, uint64_t before)
{
    static const char *const names[LMDB_STORE_COUNT] = {
        [LMDB_STORE_CATALOG] = "catalog", [LMDB_STORE_KV] = "key-value store"};
    for (uint32_t i = 0; i < workers->count; i++) {
        const struct workers_one *one = &workers->each[i];
        if (workers_reading(one, store) >= before)
            continue;
        log_message("error", "reader_stuck",
                    "worker %u has not ended a read of the %s: it is replaced", i, names[store]);
        child_kill(&one->child, SIGKILL);
    }
}

void workers_print_metrics(const struct workers *workers, struct buffer *out)
{
    const struct metrics *pages[CONFIG_WORKER_SLOTS_MAX];
    uint32_t count = 0;
    for (uint32_t i = 0; i < workers->count; i++) {
        if (workers->each[i].shared != NULL && !workers->each[i].is_foreign)
            pages[count++] = &workers->each[i].shared->metrics;
    }
    metrics_print(pages, count, out);
}
