/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See backup_stream.h.
 */
#include "deploy/backup/backup_stream.h"

#include <event2/event.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#include "deploy/backup/backup_source.h"
#include "deploy/data_dir.h"
#include "deploy/recipient.h"

#define STREAM_PIECE_BYTES ((size_t)1 << 20)
#define STREAM_SILENT_S    60
#define STREAM_ABOUT_BYTES 512

struct backup_stream {
    struct backup_stream_options options;
    struct admin_http_call *call;
    struct backup_stream **running;
    struct backup_source *source;
    struct event *timer;
    char about[STREAM_ABOUT_BYTES];
    char recipient[RECIPIENT_TEXT_BYTES]; /* "": without secrets */
    int vault_fd;                         /* what the vault is written into; -1: nothing */
    bool begun;                           /* both snapshots */
    bool waits;                           /* for the vault */
};

static MDB_txn *stream_txn(void *context, enum backup_part part)
{
    const struct backup_stream *stream = context;
    return part == BACKUP_STORE ? store_snapshot(stream->options.store)
                                : kv_store_snapshot(stream->options.kv);
}

static void stream_free(struct backup_stream *stream)
{
    if (stream->begun) {
        store_snapshot_end(stream->options.store);
        kv_store_snapshot_end(stream->options.kv);
    }
    if (stream->timer != NULL)
        event_free(stream->timer);
    backup_source_free(stream->source);
    base_auto_close(&stream->vault_fd);
    *stream->running = NULL;
    free(stream);
}

/* However it ends: what its client has is whole only if its last frame is there. */
static void stream_end(void *context)
{
    struct backup_stream *stream = context;
    struct admin_http_call *call = stream->call;
    stream_free(stream);
    admin_http_stream_end(call);
}

static void stream_silent(evutil_socket_t fd, short what, void *context)
{
    (void)fd;
    (void)what;
    stream_end(context);
}

static void stream_on_drained(void *context)
{
    static const struct timeval silent = {.tv_sec = STREAM_SILENT_S};
    struct backup_stream *stream = context;
    struct report report = REPORT_INIT;
    struct buffer piece;
    bool done = false;
    buffer_init(&piece, 2 * STREAM_PIECE_BYTES);
    (void)event_add(stream->timer, &silent);
    bool sent = backup_source_more(stream->source, STREAM_PIECE_BYTES, &piece, &done, &report) ==
                    STATUS_OK &&
                admin_http_stream_write(stream->call, buffer_bytes(&piece));
    buffer_done(&piece);
    if (!sent || done)
        stream_end(stream);
}

static void
stream_refuse(struct admin_http_call *call, uint32_t status, const char *code, const char *detail)
{
    struct api_response response;
    const struct problem problem = {.status = status,
                                    .code = code,
                                    .detail = detail,
                                    .hint = "try again in a moment",
                                    .offset = REPORT_OFFSET_NONE,
                                    .request_id = admin_http_request(call)->id};
    api_response_init(&response);
    api_answer_problem(&response, &problem);
    admin_http_reply(call, &response);
    api_response_done(&response);
}

static bool stream_open(struct backup_stream *stream)
{
    const struct backup_stream_options *options = &stream->options;
    struct report report = REPORT_INIT;
    uint64_t made_s = clock_realtime_ns(options->clock) / CLOCK_NS_PER_S;
    (void)snprintf(stream->about, sizeof(stream->about),
                   "{\"server\":\"%s\",\"format\":\"%.*s\",\"made_s\":%" PRIu64
                   ",\"secrets\":\"%s\"}",
                   SKERRY_VERSION, (int)strlen(DATA_DIR_FORMAT) - 1, DATA_DIR_FORMAT, made_s,
                   stream->recipient[0] == '\0' ? "left out" : "sealed");
    if (stream->recipient[0] != '\0')
        stream->vault_fd = open(options->data_dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (stream->recipient[0] != '\0' && stream->vault_fd < 0)
        return false;
    const struct backup_source_options source = {.data_dir = options->data_dir,
                                                 .about = stream->about,
                                                 .vault_fd = stream->vault_fd,
                                                 .txn = stream_txn,
                                                 .context = stream};
    stream->source = backup_source_create(&source);
    stream->timer = evtimer_new(options->base, stream_silent, stream);
    if (stream->source == NULL || stream->timer == NULL ||
        store_snapshot_begin(options->store, &report) != STATUS_OK)
        return false;
    if (kv_store_snapshot_begin(options->kv, &report) != STATUS_OK) {
        store_snapshot_end(options->store);
        return false;
    }
    stream->begun = true;
    return true;
}

/* ---- beginning ------------------------------------------------------------------------------- */

static void stream_go(struct backup_stream *stream)
{
    struct admin_http_call *call = stream->call;
    struct api_response response;
    stream->waits = false;
    api_response_init(&response);
    response.status = 200;
    response.content_type = "application/octet-stream";
    admin_http_on_gone(call, stream_end, stream);
    admin_http_stream_begin(call, &response);
    api_response_done(&response);
    /* From here on it may be over at any time. */
    admin_http_on_drained(call, stream_on_drained);
    stream_on_drained(stream);
}

/* Nothing of it was sent yet. */
static void stream_give_up(struct backup_stream *stream, const char *code, const char *detail)
{
    struct admin_http_call *call = stream->call;
    stream_free(stream);
    stream_refuse(call, 503, code, detail);
}

static void stream_gone(void *context)
{
    stream_give_up(context, "gone", "the client left");
}

static void stream_ask_vault(struct backup_stream *stream)
{
    const struct backup_stream_options *options = &stream->options;
    const struct deploy_vault_order order = {.verb = DEPLOY_VAULT_EXPORT,
                                             .value = bytes_of_text(stream->recipient),
                                             .fd = stream->vault_fd};
    stream->waits = true;
    admin_http_on_gone(stream->call, stream_gone, stream);
    if (options->ask == NULL || !options->ask(options->context, &order, options->number))
        stream_give_up(stream, "no_vault", "the key process is not there now");
}

void backup_stream_start(const struct backup_stream_options *options,
                         struct admin_http_call *call,
                         struct backup_stream **running)
{
    if (*running != NULL) {
        stream_refuse(call, 503, "busy", "a backup is under way");
        return;
    }
    struct backup_stream *stream = calloc(1, sizeof(*stream));
    if (stream == NULL) {
        stream_refuse(call, 503, "no_memory", "the server is out of memory");
        return;
    }
    *stream = (struct backup_stream){
        .options = *options, .call = call, .running = running, .vault_fd = -1};
    (void)snprintf(stream->recipient, sizeof(stream->recipient), "%s", options->recipient);
    *running = stream;
    if (!stream_open(stream)) {
        stream_free(stream);
        stream_refuse(call, 503, "no_memory", "the stores cannot be read, or memory ran out");
        return;
    }
    if (stream->recipient[0] == '\0')
        stream_go(stream);
    else
        stream_ask_vault(stream);
}

bool backup_stream_vault_done(struct backup_stream *running,
                              uint64_t number,
                              enum status status,
                              struct bytes text)
{
    char why[REPORT_TEXT_BYTES];
    if ((number & BACKUP_STREAM_NUMBER) == 0)
        return false;
    if (running == NULL || !running->waits || running->options.number != number)
        return true; /* its client left */
    (void)snprintf(why, sizeof(why), "%.*s", (int)MIN(text.count, sizeof(why) - 1),
                   text.count == 0 ? "" : (const char *)text.data);
    if (status == STATUS_OK)
        stream_go(running);
    else
        stream_give_up(running, "vault_failed", why[0] == '\0' ? status_text(status) : why);
    return true;
}

void backup_stream_vault_lost(struct backup_stream *running)
{
    if (running != NULL && running->waits)
        stream_give_up(running, "no_vault", "the key process ended");
}
