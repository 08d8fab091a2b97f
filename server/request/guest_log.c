/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A bucket drains: what was written flows out of it at the tenant's rate, and it holds one
 * second's worth. So no timer is needed, and a tenant that was silent owes nothing.
 */
#include "server/request/guest_log.h"

#include <stdio.h>
#include <stdlib.h>

#include "server/request/account.h"
#include "server/request/service.h"
#include "server/telemetry/log_record.h"

#define GUEST_LOG_TURN_BYTES 8192 /* written in one turn: some 50 lines */
#define GUEST_LOG_TURN_LINES 64   /* looked at in one turn */
#define GUEST_LOG_HELD_MAX   (UINT64_C(4) << 20)
#define GUEST_LOG_TOLD_BYTES 512 /* a line about what was lost is shorter */
#define GUEST_LOG_KEY_BYTES  48  /* of a field that a guest gave a line */

struct guest_log_entry {
    struct list_link link;
    struct directory_function *function; /* a reference */
    struct buffer text;                  /* lines of "level text" */
    uint64_t at_ns;                      /* when it was taken: what its lines say */
    char *last;                          /* a whole line that follows them; NULL: none */
    size_t last_count;
    size_t at; /* so much of it was looked at */
    uint64_t written_bytes;
    uint64_t lost_bytes;
    char id[REQUEST_ID_BYTES + 1];
};

/* ---- coming in ------------------------------------------------------------------------------- */

/* To control, where the function's log is kept. */
static void guest_log_tell(struct request_service *service,
                           const struct directory_function *function,
                           const char *level,
                           struct bytes line)
{
    enum deploy_log_level known;
    /* What a guest calls its levels is its family's; the host's own are among ours. */
    if (!deploy_log_level_parse(bytes_of_text(level), &known))
        known = DEPLOY_LOG_INFO;
    log_record_write(service->records, &function->entry, known, line);
}

static void guest_log_tell_last(struct request_service *service,
                                const struct directory_function *function,
                                const char *text,
                                size_t count)
{
    guest_log_tell(service, function, "error", bytes_make(text, count));
}

/* NULL: there is no room for it. */
static struct guest_log_entry *guest_log_entry_create(const struct request *request,
                                                      const struct log_line *last)
{
    const struct guest_log *log = &request->service->guest_log;
    if (GUEST_LOG_HELD_MAX - log->held_bytes < request->http.log.count)
        return NULL;
    struct guest_log_entry *entry = calloc(1, sizeof(*entry));
    if (entry == NULL || last == NULL)
        return entry;
    entry->last = malloc(last->count);
    if (entry->last == NULL) {
        free(entry);
        return NULL;
    }
    memcpy(entry->last, last->text, last->count);
    entry->last_count = last->count;
    return entry;
}

void guest_log_take(struct request *request, uint64_t at_ns, const struct log_line *last)
{
    struct request_service *service = request->service;
    struct guest_log *log = &service->guest_log;
    struct http_exchange *http = &request->http;
    uint64_t count = http->log.count;
    struct guest_log_entry *entry = count > 0 ? guest_log_entry_create(request, last) : NULL;
    if (entry == NULL && last != NULL)
        guest_log_tell_last(service, request->function, last->text, last->count);
    if (count == 0)
        return;
    if (entry == NULL) {
        service->metrics->guest_log_lost_bytes += count + http->log_dropped_bytes;
        request->function->tenant->log.lost_bytes += count + http->log_dropped_bytes;
        buffer_done(&http->log);
    } else {
        service->names.retain(request->function);
        entry->function = request->function;
        entry->text = http->log;
        entry->at_ns = at_ns;
        entry->lost_bytes = http->log_dropped_bytes;
        memcpy(entry->id, request->id, sizeof(entry->id));
        log->held_bytes += count;
        list_append(&log->entries, &entry->link);
    }
    buffer_init(&http->log, http->limits->log);
    http->log_dropped_bytes = 0;
}

void guest_log_take_rest(struct request *request)
{
    if (request->http.log.count > 0)
        guest_log_take(request, clock_realtime_ns(request->service->clock), NULL);
}

void guest_log_take_lines(struct request *request)
{
    const struct buffer *log = &request->http.log;
    if (log->count > 0 && log->data[log->count - 1] == '\n')
        guest_log_take_rest(request);
}

static void guest_log_free(struct request_service *service, struct guest_log_entry *entry)
{
    service->guest_log.held_bytes -= entry->text.count;
    service->names.release(entry->function);
    list_remove(&entry->link);
    buffer_done(&entry->text);
    free(entry->last);
    free(entry);
}

/* ---- budgets --------------------------------------------------------------------------------- */

/* Takes so many bytes, or none if there are not so many left. */
static bool
guest_log_spend(struct request_service *service, struct guest_log_bucket *bucket, uint64_t count)
{
    uint64_t rate = service->config->limits.log_rate;
    uint64_t now_ns = clock_monotonic_ns(service->clock);
    uint64_t away_ns = MIN(now_ns - bucket->drained_ns, CLOCK_NS_PER_S);
    uint64_t drained = away_ns * rate / CLOCK_NS_PER_S;
    bucket->used_bytes -= MIN(bucket->used_bytes, drained);
    bucket->drained_ns = now_ns;
    if (count > rate || bucket->used_bytes > rate - count)
        return false;
    bucket->used_bytes += count;
    return true;
}

/* How many bytes it became; 0: there was no room for it. */
static size_t guest_log_write(struct request_service *service,
                              struct guest_log_entry *entry,
                              const char *level,
                              struct log_line *line,
                              uint64_t room)
{
    log_close(line);
    size_t count = line->count + LOG_STAMP_BYTES; /* as control passes it on */
    if (count > room || !guest_log_spend(service, &entry->function->tenant->log, count))
        return 0;
    guest_log_tell(service, entry->function, level, bytes_make(line->text, line->count));
    return count;
}

/* ---- going out ------------------------------------------------------------------------------- */

/* The next line, without its newline. */
static struct bytes guest_log_next(struct guest_log_entry *entry)
{
    const uint8_t *from = entry->text.data + entry->at;
    size_t left = entry->text.count - entry->at;
    const uint8_t *newline = memchr(from, '\n', left);
    size_t count = newline != NULL ? (size_t)(newline - from) : left;
    entry->at += MIN(count + 1, left);
    return bytes_make(from, count);
}

/* Up to the next mark, and no longer in `rest`. */
static struct bytes guest_log_piece(struct bytes *rest)
{
    const uint8_t *mark = memchr(rest->data, HTTP_LOG_FIELD, rest->count);
    size_t count = mark != NULL ? (size_t)(mark - rest->data) : rest->count;
    struct bytes piece = bytes_make(rest->data, count);
    size_t taken = MIN(count + 1, rest->count);
    *rest = bytes_make(rest->data + taken, rest->count - taken);
    return piece;
}

/* The message, and its fields under names that no other field has. */
static void guest_log_text(struct log_line *line, struct bytes text)
{
    log_text(line, "message", guest_log_piece(&text));
    for (uint32_t i = 0; i < HTTP_LOG_FIELDS_MAX && text.count > 0; i++) {
        struct bytes field = guest_log_piece(&text);
        const uint8_t *sign = memchr(field.data, '=', field.count);
        if (sign == NULL)
            continue; /* cut */
        size_t name_count = (size_t)(sign - field.data);
        char key[GUEST_LOG_KEY_BYTES];
        (void)snprintf(key, sizeof(key), "field_%.*s", (int)name_count, (const char *)field.data);
        log_text(line, key, bytes_make(sign + 1, field.count - name_count - 1));
    }
}

static size_t guest_log_write_line(struct request_service *service, struct guest_log_entry *entry)
{
    struct bytes text = guest_log_next(entry);
    const uint8_t *space = memchr(text.data, ' ', text.count);
    size_t level_count = space != NULL ? (size_t)(space - text.data) : text.count;
    size_t skip = MIN(level_count + 1, text.count);
    if (skip == text.count)
        return 0;
    char level[8] = "";
    memcpy(level, text.data, MIN(level_count, sizeof(level) - 1));
    struct log_line line;
    log_begin_at(&line, entry->at_ns, level, "guest");
    access_log_names(&line, entry->id, entry->function);
    guest_log_text(&line, bytes_make(text.data + skip, text.count - skip));
    uint64_t limit = service->config->limits.log;
    size_t written = guest_log_write(service, entry, level, &line, limit - entry->written_bytes);
    entry->written_bytes += written;
    if (written == 0)
        entry->lost_bytes += text.count;
    return written;
}

/* What is lost of the entry, and what the tenant was not told of before. */
static void guest_log_tell_lost(struct request_service *service, struct guest_log_entry *entry)
{
    struct guest_log_bucket *bucket = &entry->function->tenant->log;
    uint64_t lost = bucket->lost_bytes + entry->lost_bytes;
    service->metrics->guest_log_lost_bytes += entry->lost_bytes;
    bucket->lost_bytes = lost;
    if (lost == 0)
        return;
    struct log_line line;
    log_begin_at(&line, entry->at_ns, "warn", "guest_log_cut");
    access_log_names(&line, entry->id, entry->function);
    log_number(&line, "dropped_bytes", lost);
    if (guest_log_write(service, entry, "warn", &line, GUEST_LOG_TOLD_BYTES) != 0)
        bucket->lost_bytes = 0;
}

bool guest_log_turn(struct request_service *service)
{
    struct list *entries = &service->guest_log.entries;
    size_t written = 0;
    for (uint32_t lines = 0; lines < GUEST_LOG_TURN_LINES && written < GUEST_LOG_TURN_BYTES;
         lines++) {
        struct guest_log_entry *entry = LIST_FIRST(entries, struct guest_log_entry, link);
        if (entry == NULL)
            return false;
        if (entry->at < entry->text.count) {
            written += guest_log_write_line(service, entry);
            continue;
        }
        guest_log_tell_lost(service, entry);
        if (entry->last != NULL)
            guest_log_tell_last(service, entry->function, entry->last, entry->last_count);
        guest_log_free(service, entry);
    }
    return !list_is_empty(entries);
}
