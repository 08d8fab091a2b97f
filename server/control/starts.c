/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A hash table of histories and a list of them by last use, the oldest of which is taken when
 * a new one is needed and there are as many as may be.
 *
 * A worker chooses the names that come here, so it could drive out every history with names that
 * do not exist; it could not make control grow.
 */
#include "server/control/starts.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "config/config.h"
#include "engine/base/hash.h"
#include "engine/base/list.h"
#include "isolate/isolate.h"
#include "server/telemetry/log.h"

#define STARTS_BUCKETS  4096 /* power of two */
#define STARTS_NS_IN_US 1000.0

struct starts_cold {
    uint64_t ended_ns;
    struct start_times times;
    uint32_t version;
    uint32_t worker;
    uint32_t reason;
};

struct starts_history {
    struct starts_history *hash_next;
    struct list_link link; /* by last use, the newest first */
    uint64_t hash;
    uint64_t created_ns; /* of the function */
    uint64_t since_ns;   /* when the first request in it was answered */
    uint64_t reasons[ISOLATE_START_REASON_COUNT];
    struct start_histogram phases[START_PHASE_COUNT]; /* of cold starts */
    uint64_t phases_max_ns[START_PHASE_COUNT];
    struct starts_cold recent[STARTS_RECENT];
    uint64_t cold; /* ever; the last of them is at (cold - 1) % STARTS_RECENT */
    char tenant[DEPLOY_NAME_BYTES];
    char function[DEPLOY_NAME_BYTES];
};

struct starts {
    const struct clock *clock;
    uint64_t lost_before; /* on their way here */
    uint32_t functions_max;
    uint64_t hash_seed;
    struct list by_use;
    struct starts_stats stats;
    struct starts_history *buckets[STARTS_BUCKETS];
};

/* ---- finding --------------------------------------------------------------------------------- */

static uint64_t starts_hash(const struct starts *starts, const struct starts_key *key)
{
    uint64_t hash = hash_bytes(starts->hash_seed ^ key->created_ns, bytes_of_text(key->tenant));
    return hash_bytes(hash, bytes_of_text(key->function));
}

static struct starts_history **starts_bucket(struct starts *starts, uint64_t hash)
{
    return &starts->buckets[hash & (STARTS_BUCKETS - 1)];
}

static struct starts_history *starts_find(struct starts *starts, const struct starts_key *key)
{
    uint64_t hash = starts_hash(starts, key);
    struct starts_history *history = *starts_bucket(starts, hash);
    while (history != NULL && (history->hash != hash || history->created_ns != key->created_ns ||
                               strcmp(history->tenant, key->tenant) != 0 ||
                               strcmp(history->function, key->function) != 0))
        history = history->hash_next;
    return history;
}

static void starts_forget_oldest(struct starts *starts)
{
    struct starts_history *history = LIST_LAST(&starts->by_use, struct starts_history, link);
    struct starts_history **link = starts_bucket(starts, history->hash);
    while (*link != history)
        link = &(*link)->hash_next;
    *link = history->hash_next;
    list_remove(&history->link);
    starts->stats.functions--;
    starts->stats.forgotten++;
    free(history);
}

/* ---- life ------------------------------------------------------------------------------------ */

enum status
starts_create(uint32_t functions_max, const struct clock *clock, struct starts **ret_starts)
{
    struct starts *starts = calloc(1, sizeof(*starts));
    if (starts == NULL)
        return STATUS_NO_MEMORY;
    ASSERT(functions_max > 0);
    starts->clock = clock;
    starts->functions_max = functions_max;
    starts->hash_seed = hash_seed(clock);
    *ret_starts = starts;
    return STATUS_OK;
}

void starts_free(struct starts *starts)
{
    if (starts == NULL)
        return;
    while (!list_is_empty(&starts->by_use))
        starts_forget_oldest(starts);
    free(starts);
}

struct starts_stats starts_stats(const struct starts *starts)
{
    struct starts_stats stats = starts->stats;
    stats.lost += starts->lost_before;
    return stats;
}

/* ---- adding ---------------------------------------------------------------------------------- */

static struct starts_history *
starts_make(struct starts *starts, const struct starts_key *key, uint64_t now_ns)
{
    if (starts->stats.functions >= starts->functions_max)
        starts_forget_oldest(starts);
    struct starts_history *history = calloc(1, sizeof(*history));
    if (history == NULL)
        return NULL;
    (void)snprintf(history->tenant, sizeof(history->tenant), "%s", key->tenant);
    (void)snprintf(history->function, sizeof(history->function), "%s", key->function);
    history->created_ns = key->created_ns;
    history->since_ns = now_ns;
    history->hash = starts_hash(starts, key);
    struct starts_history **bucket = starts_bucket(starts, history->hash);
    history->hash_next = *bucket;
    *bucket = history;
    list_prepend(&starts->by_use, &history->link);
    starts->stats.functions++;
    return history;
}

static void starts_add_cold(struct starts_history *history,
                            uint32_t worker,
                            const struct start_record *record,
                            uint64_t ended_ns)
{
    for (uint32_t i = 0; i < START_PHASE_COUNT; i++) {
        uint64_t ns = record->times.ns[i];
        start_histogram_add(&history->phases[i], ns);
        history->phases_max_ns[i] = MAX(history->phases_max_ns[i], ns);
    }
    history->recent[history->cold++ % STARTS_RECENT] =
        (struct starts_cold){.ended_ns = ended_ns,
                             .times = record->times,
                             .version = record->version,
                             .worker = worker,
                             .reason = record->reason};
}

void starts_add(struct starts *starts,
                uint32_t worker,
                const struct start_record *record,
                uint64_t ended_ns)
{
    ASSERT(record->reason < ISOLATE_START_REASON_COUNT);
    const struct starts_key key = {
        .tenant = record->tenant, .function = record->function, .created_ns = record->created_ns};
    struct starts_history *history = starts_find(starts, &key);
    if (history == NULL)
        history = starts_make(starts, &key, ended_ns);
    if (history == NULL) {
        starts->stats.lost++;
        return;
    }
    list_remove(&history->link);
    list_prepend(&starts->by_use, &history->link);
    history->reasons[record->reason] += record->count;
    if (record->reason != ISOLATE_START_WARM)
        starts_add_cold(history, worker, record, ended_ns);
}

void starts_tell_lost(struct starts *starts, uint64_t lost)
{
    starts->lost_before = lost;
}

/* ---- printing -------------------------------------------------------------------------------- */

static json_t *starts_us(uint64_t ns)
{
    return ns == UINT64_MAX ? json_null() : json_real((double)ns / STARTS_NS_IN_US);
}

static json_t *starts_time(uint64_t time_ns)
{
    char text[64];
    char second[32];
    struct tm parts;
    time_t seconds = (time_t)(time_ns / CLOCK_NS_PER_S);
    if (gmtime_r(&seconds, &parts) == NULL ||
        strftime(second, sizeof(second), "%Y-%m-%dT%H:%M:%S", &parts) == 0)
        return json_null();
    (void)snprintf(text, sizeof(text), "%s.%06uZ", second,
                   (unsigned)(time_ns % CLOCK_NS_PER_S / CLOCK_NS_PER_US));
    return json_string(text);
}

static json_t *starts_reasons_json(const struct starts_history *history)
{
    json_t *reasons = json_object();
    for (uint32_t i = 0; i < ISOLATE_START_REASON_COUNT; i++) {
        if (i != ISOLATE_START_WARM)
            (void)json_object_set_new(reasons, isolate_start_reason_text(i),
                                      json_integer((json_int_t)history->reasons[i]));
    }
    return reasons;
}

/* The upper bounds of all buckets but the last, which has none. */
static json_t *starts_bounds_json(void)
{
    json_t *bounds = json_array();
    for (uint32_t i = 0; i + 1 < START_BUCKETS; i++)
        (void)json_array_append_new(bounds, starts_us((uint64_t)START_BUCKET_NS << i));
    return bounds;
}

static json_t *starts_phase_json(const struct starts_history *history, enum start_phase phase)
{
    const struct start_histogram *histogram = &history->phases[phase];
    uint64_t max_ns = history->phases_max_ns[phase];
    json_t *buckets = json_array();
    for (uint32_t i = 0; i < START_BUCKETS; i++)
        (void)json_array_append_new(buckets, json_integer((json_int_t)histogram->buckets[i]));
    /* A bucket's bound says no more than that; the largest is known exactly. */
    uint64_t p50_ns = start_histogram_quantile_ns(histogram, 500);
    uint64_t p99_ns = start_histogram_quantile_ns(histogram, 990);
    return json_pack("{s:I, s:o, s:o, s:o, s:o, s:o}", "count", (json_int_t)history->cold, "sum_us",
                     starts_us(histogram->sum_ns), "p50_us", starts_us(MIN(p50_ns, max_ns)),
                     "p99_us", starts_us(MIN(p99_ns, max_ns)), "max_us", starts_us(max_ns),
                     "buckets", buckets);
}

static json_t *starts_phases_json(const struct starts_history *history)
{
    json_t *phases = json_object();
    for (uint32_t i = 0; i < START_PHASE_COUNT; i++)
        (void)json_object_set_new(phases, start_phase_rows[i].text, starts_phase_json(history, i));
    return phases;
}

static json_t *starts_cold_json(const struct starts_cold *cold)
{
    char version[16];
    json_t *phases = json_object();
    for (uint32_t i = 0; i < START_PHASE_COUNT; i++)
        (void)json_object_set_new(phases, start_phase_rows[i].text, starts_us(cold->times.ns[i]));
    (void)snprintf(version, sizeof(version), "v%u", cold->version);
    return json_pack("{s:o, s:s, s:I, s:s, s:o}", "time", starts_time(cold->ended_ns), "version",
                     version, "worker", (json_int_t)cold->worker, "reason",
                     isolate_start_reason_text(cold->reason), "phases_us", phases);
}

/* Newest first. */
static json_t *starts_recent_json(const struct starts_history *history)
{
    json_t *recent = json_array();
    uint64_t count = MIN(history->cold, (uint64_t)STARTS_RECENT);
    for (uint64_t i = 1; i <= count; i++)
        (void)json_array_append_new(
            recent, starts_cold_json(&history->recent[(history->cold - i) % STARTS_RECENT]));
    return recent;
}

static int starts_write(const char *data, size_t count, void *context)
{
    return buffer_append(context, data, count) == STATUS_OK ? 0 : -1;
}

enum status starts_print(struct starts *starts, const struct starts_key *key, struct buffer *out)
{
    static const struct starts_history nothing;
    const struct starts_history *history = starts_find(starts, key);
    if (history == NULL)
        history = &nothing;
    json_t *since = history == &nothing ? json_null() : starts_time(history->since_ns);
    json_t *root = json_pack(
        "{s:s, s:s, s:o, s:I, s:I, s:o, s:o, s:o, s:o, s:I}", "tenant", key->tenant, "function",
        key->function, "since", since, "warm", (json_int_t)history->reasons[ISOLATE_START_WARM],
        "cold", (json_int_t)history->cold, "reasons", starts_reasons_json(history), "bucket_le_us",
        starts_bounds_json(), "phases", starts_phases_json(history), "recent",
        starts_recent_json(history), "lost", (json_int_t)starts_stats(starts).lost);
    bool done =
        root != NULL &&
        json_dump_callback(root, starts_write, out,
                           JSON_COMPACT | JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(12)) == 0 &&
        buffer_append(out, "\n", 1) == STATUS_OK;
    json_decref(root);
    return done ? STATUS_OK : STATUS_NO_MEMORY;
}

/* ---- metrics --------------------------------------------------------------------------------- */

struct starts_shown {
    const struct starts_history *histories[STARTS_METRICS];
    uint32_t count;
    uint64_t left_out;
};

/* A function made anew has two histories and one name; a series must not be there twice. */
static bool starts_show_newer(struct starts_shown *shown, const struct starts_history *history)
{
    for (uint32_t i = 0; i < shown->count; i++) {
        const struct starts_history *other = shown->histories[i];
        if (strcmp(other->function, history->function) != 0 ||
            strcmp(other->tenant, history->tenant) != 0)
            continue;
        if (history->created_ns > other->created_ns)
            shown->histories[i] = history;
        return true;
    }
    return false;
}

static void starts_choose(const struct starts *starts, struct starts_shown *shown)
{
    LIST_FOREACH(history, &starts->by_use, struct starts_history, link) {
        if (starts_show_newer(shown, history))
            continue;
        if (shown->count < COUNT_OF(shown->histories))
            shown->histories[shown->count++] = history;
        else
            shown->left_out++;
    }
}

static enum status starts_print_reasons(const struct starts_history *history, struct buffer *out)
{
    enum status status = STATUS_OK;
    for (uint32_t i = 0; i < ISOLATE_START_REASON_COUNT && status == STATUS_OK; i++)
        status = buffer_printf(out,
                               "skerry_function_starts_total{tenant=\"%s\",function=\"%s\","
                               "reason=\"%s\"} %llu\n",
                               history->tenant, history->function, isolate_start_reason_text(i),
                               (unsigned long long)history->reasons[i]);
    return status;
}

static enum status starts_print_cold(const struct starts_history *history, struct buffer *out)
{
    enum status status = STATUS_OK;
    for (uint32_t i = 0; i < START_PHASE_COUNT && status == STATUS_OK; i++) {
        uint64_t sum_ns = history->phases[i].sum_ns;
        status = buffer_printf(out,
                               "skerry_function_cold_seconds_total{tenant=\"%s\",function=\"%s\","
                               "phase=\"%s\"} %llu.%09llu\n",
                               history->tenant, history->function, start_phase_rows[i].text,
                               (unsigned long long)sum_ns / CLOCK_NS_PER_S,
                               (unsigned long long)sum_ns % CLOCK_NS_PER_S);
    }
    return status;
}

static const struct {
    const char *family;
    const char *help;
    enum status (*print)(const struct starts_history *history, struct buffer *out);
} starts_families[] = {
    {"skerry_function_starts_total", "requests started, by function and reason",
     starts_print_reasons},
    {"skerry_function_cold_seconds_total",
     "time of cold starts and the requests they were for, by function and phase",
     starts_print_cold},
};

void starts_print_metrics(const struct starts *starts, struct buffer *out)
{
    struct starts_shown shown = {0};
    enum status status = STATUS_OK;
    starts_choose(starts, &shown);
    for (size_t i = 0; i < COUNT_OF(starts_families) && status == STATUS_OK; i++) {
        const char *family = starts_families[i].family;
        status = buffer_printf(out, "# HELP %s %s\n# TYPE %s counter\n", family,
                               starts_families[i].help, family);
        for (uint32_t at = 0; at < shown.count && status == STATUS_OK; at++)
            status = starts_families[i].print(shown.histories[at], out);
    }
    if (status == STATUS_OK)
        status = buffer_printf(out,
                               "# HELP skerry_function_metrics_left_out functions with a history "
                               "that are not listed by name, because others were heard of later\n"
                               "# TYPE skerry_function_metrics_left_out gauge\n"
                               "skerry_function_metrics_left_out %llu\n",
                               (unsigned long long)shown.left_out);
    (void)status; /* what finds no room is left out */
}
