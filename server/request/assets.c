/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a request and a file have to do with each other. Which file, and what of it, is decided in
 * server/assets.
 */
#include "server/request/assets.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "engine/base/hex.h"
#include "server/assets/conditions.h"
#include "server/assets/site.h"
#include "server/request/memory.h"
#include "server/request/request.h"
#include "server/request/service.h"
#include "server/telemetry/log.h"

#define ASSETS_PIECE_BYTES  ((size_t)256 << 10)
#define ASSETS_RETRY_NS     CLOCK_NS_PER_MS
#define ASSETS_TRIES_MAX    2000 /* of a piece that the disk has; then it is waited for */
#define ASSETS_ETAG_HALF    16   /* bytes of the hash */
#define ASSETS_NUMBER_BYTES 80
#define ASSETS_CACHE        "public, max-age=0, must-revalidate"

/* ---- heads ----------------------------------------------------------------------------------- */

static bool assets_set(struct request *request, const char *name, const char *value)
{
    struct http_exchange *http = &request->http;
    return http_headers_set(http, &http->response_headers, bytes_of_text(name),
                            bytes_of_text(value)) == STATUS_OK;
}

/* Has a rule before the one that ends at `end` set it? */
static bool
assets_is_ruled(const struct site *site, struct bytes path, uint32_t end, struct bytes name)
{
    struct deploy_site_header rule;
    bool is = false;
    uint32_t at = 0;
    while (site_next_header(site, path, &at, &rule) && at < end) {
        if (bytes_equal_nocase(rule.name, name))
            is = !rule.removes;
    }
    return is;
}

/* Rules replace what the server says; of several that set one header, each is a line. */
static bool assets_apply_rules(struct request *request, struct bytes path)
{
    const struct site *site = request->function->site;
    struct http_exchange *http = &request->http;
    struct http_headers *headers = &http->response_headers;
    struct deploy_site_header rule;
    uint32_t at = 0;
    while (site_next_header(site, path, &at, &rule)) {
        enum status status = STATUS_OK;
        if (rule.removes)
            http_headers_remove(headers, rule.name);
        else if (assets_is_ruled(site, path, at, rule.name))
            status = http_headers_add(http, headers, rule.name, rule.value);
        else
            status = http_headers_set(http, headers, rule.name, rule.value);
        if (status != STATUS_OK)
            return false;
    }
    return true;
}

static bool assets_describe(struct request *request,
                            const struct site_answer *answer,
                            const struct conditions_file *file)
{
    char date[CONDITIONS_DATE_BYTES];
    char etag[2 * ASSETS_ETAG_HALF + 3];
    (void)snprintf(etag, sizeof(etag), "%.*s", (int)file->etag.count,
                   (const char *)file->etag.data);
    return conditions_print_date(file->modified_s, date) > 0 &&
           assets_set(request, "content-type", content_type(answer->name)) &&
           assets_set(request, "cache-control", ASSETS_CACHE) &&
           assets_set(request, "x-content-type-options", "nosniff") &&
           assets_apply_rules(request, answer->path) && assets_set(request, "etag", etag) &&
           assets_set(request, "last-modified", date) &&
           (answer->status != 200 || assets_set(request, "accept-ranges", "bytes")) &&
           (!answer->varies || assets_set(request, "vary", "accept-encoding")) &&
           (answer->encoding == NULL ||
            assets_set(request, "content-encoding", answer->encoding->coding));
}

/* ---- bodies ---------------------------------------------------------------------------------- */

static void assets_fail(struct request *request, const char *what, const char *why)
{
    log_message("error", "asset_failed", "a file of %s cannot be %s: %s",
                request->function->key_text, what, why);
    request_refuse(request, FAULT_ASSET, NULL);
}

/* A piece more of the file in the body. OK; BUSY: the disk has it, and was asked; else it was
 * ended. */
static enum status assets_read(struct request *request, size_t count)
{
    struct request_file *file = &request->file;
    struct buffer *body = &request->http.response_body;
    if (buffer_reserve(body, count) != STATUS_OK) {
        request_refuse(request, FAULT_NO_MEMORY, NULL);
        return STATUS_NO_MEMORY;
    }
    const struct iovec piece = {.iov_base = body->data + body->count, .iov_len = count};
    int flags = file->tries < ASSETS_TRIES_MAX ? RWF_NOWAIT : 0;
    ssize_t got = preadv2(file->fd, &piece, 1, (off_t)file->at, flags);
    /* Not every file system can tell what it has. */
    if (got < 0 && errno == EOPNOTSUPP)
        got = preadv2(file->fd, &piece, 1, (off_t)file->at, 0);
    if (got < 0 && errno == EAGAIN) {
        if (file->tries++ == 0)
            (void)posix_fadvise(file->fd, (off_t)file->at, (off_t)count, POSIX_FADV_WILLNEED);
        return STATUS_BUSY;
    }
    if (got <= 0) {
        assets_fail(request, "read", got < 0 ? strerrordesc_np(errno) : "it is too short");
        return STATUS_IO;
    }
    file->tries = 0;
    file->at += (uint64_t)got;
    file->left -= (uint64_t)got;
    body->count += (size_t)got;
    return STATUS_OK;
}

/* Nobody takes its pieces, or it is one: it is answered whole. */
static bool assets_is_whole(const struct request *request, uint64_t bytes)
{
    return bytes <= ASSETS_PIECE_BYTES || !request->http.may_stream;
}

static void assets_wait(struct request *request)
{
    if (request->state == REQUEST_NEW)
        request_become(request, REQUEST_READING);
    request_set_timer(request, request_now(request) + ASSETS_RETRY_NS);
}

static void assets_send(struct request *request)
{
    bool is_last = request->file.left == 0;
    memory_count(request);
    if (is_last && !request->stream.begun) {
        request_answer(request, ISOLATE_DISCARDED);
        return;
    }
    if (request->state == REQUEST_NEW)
        request_become(request, REQUEST_READING);
    stream_send_piece(request, is_last);
    if (is_last)
        return;
    (void)request_now(request);
    request_set_timer(request, MIN(stream_idle_at_ns(request), request->deadline_ns));
}

/* Reads on, until there is a piece to send, or all that is to be sent at once. */
static void assets_go_on(struct request *request)
{
    struct request_file *file = &request->file;
    const struct buffer *body = &request->http.response_body;
    bool whole = !request->stream.begun && assets_is_whole(request, body->count + file->left);
    for (;;) {
        size_t room = whole ? SIZE_MAX : ASSETS_PIECE_BYTES - body->count;
        enum status status =
            assets_read(request, (size_t)MIN(file->left, MIN(room, ASSETS_PIECE_BYTES)));
        if (status == STATUS_BUSY && (whole || body->count == 0)) {
            assets_wait(request);
            return;
        }
        if (status != STATUS_OK && status != STATUS_BUSY)
            return;
        if (file->left == 0 || status == STATUS_BUSY ||
            (!whole && body->count == ASSETS_PIECE_BYTES)) {
            assets_send(request);
            return;
        }
    }
}

void assets_sent(struct request *request)
{
    if (request_now(request) >= request->deadline_ns)
        request_expire(request);
    else
        assets_go_on(request);
}

void assets_on_timer(struct request *request)
{
    if (request->stream.in_flight)
        stream_look_at_client(request);
    else
        assets_sent(request);
}

void assets_done(struct request *request)
{
    if (request->file.is_open)
        (void)close(request->file.fd);
    request->file.is_open = false;
}

/* ---- answers --------------------------------------------------------------------------------- */

/* Nothing but the head. */
static void assets_answer_bare(struct request *request, uint32_t status)
{
    request->http.status = status;
    request_answer(request, ISOLATE_DISCARDED);
}

static bool assets_open(struct request *request,
                        const struct deploy_file *file,
                        struct conditions_file *ret_file,
                        char ret_etag[2 * ASSETS_ETAG_HALF + 3])
{
    struct report report = REPORT_INIT;
    struct stat facts;
    const struct config *config = request->service->config;
    if (deploy_blob_open(config->data_dir, request->function->tenant->name, file->sha256, &report,
                         &request->file.fd) != STATUS_OK) {
        assets_fail(request, "opened", report.text);
        return false;
    }
    request->file.is_open = true;
    if (fstat(request->file.fd, &facts) != 0 || (uint64_t)facts.st_size != file->size) {
        assets_fail(request, "read", "it has another size than its version says");
        return false;
    }
    ret_etag[0] = '"';
    hex_encode(file->sha256, ASSETS_ETAG_HALF, ret_etag + 1);
    ret_etag[2 * ASSETS_ETAG_HALF + 1] = '"';
    ret_etag[2 * ASSETS_ETAG_HALF + 2] = '\0';
    *ret_file = (struct conditions_file){.etag = bytes_of_text(ret_etag),
                                         .modified_s = (int64_t)facts.st_mtim.tv_sec,
                                         .size = file->size};
    return true;
}

/* `count` bytes from `from` on. */
static void
assets_answer_body(struct request *request, uint32_t status, uint64_t from, uint64_t count)
{
    struct request_file *file = &request->file;
    request->http.status = status;
    request->http.head_length = count;
    file->at = from;
    file->left = request->is_head ? 0 : count;
    if (file->left == 0)
        request_answer(request, ISOLATE_DISCARDED);
    else if (count > request->http.response_body.max && !request->http.may_stream)
        request_refuse(request, FAULT_OUTPUT, "the file is larger than limits.response");
    else if (assets_is_whole(request, count) || request_may_answer(request, ASSETS_PIECE_BYTES))
        assets_go_on(request);
}

static void assets_answer_part(struct request *request,
                               enum conditions_verdict verdict,
                               uint64_t size,
                               uint64_t from,
                               uint64_t count)
{
    char range[ASSETS_NUMBER_BYTES];
    bool fits = verdict == CONDITIONS_PART;
    if (fits)
        (void)snprintf(range, sizeof(range), "bytes %llu-%llu/%llu", (unsigned long long)from,
                       (unsigned long long)(from + count - 1), (unsigned long long)size);
    else
        (void)snprintf(range, sizeof(range), "bytes */%llu", (unsigned long long)size);
    if (!assets_set(request, "content-range", range))
        request_refuse(request, FAULT_NO_MEMORY, NULL);
    else if (fits)
        assets_answer_body(request, 206, from, count);
    else
        assets_answer_bare(request, 416);
}

static void assets_answer_file(struct request *request, const struct site_answer *answer)
{
    struct conditions_file file;
    char etag[2 * ASSETS_ETAG_HALF + 3];
    uint64_t from = 0;
    uint64_t count = 0;
    if (!assets_open(request, &answer->file, &file, etag))
        return;
    bool is_get = !request->is_head && bytes_equal_text(request->http.method, "GET");
    enum conditions_verdict verdict =
        answer->status == 200
            ? conditions_judge(&request->http.request_headers, is_get, &file, &from, &count)
            : CONDITIONS_WHOLE;
    if (!assets_describe(request, answer, &file)) {
        request_refuse(request, FAULT_NO_MEMORY, NULL);
        return;
    }
    switch (verdict) {
    case CONDITIONS_NOT_MODIFIED:
        assets_answer_bare(request, 304);
        return;
    case CONDITIONS_FAILED:
        assets_answer_bare(request, 412);
        return;
    case CONDITIONS_PART:
    case CONDITIONS_NO_RANGE:
        assets_answer_part(request, verdict, file.size, from, count);
        return;
    case CONDITIONS_WHOLE:
        assets_answer_body(request, answer->status, 0, file.size);
        return;
    }
}

static void assets_redirect(struct request *request, const struct site_answer *answer)
{
    struct http_exchange *http = &request->http;
    if (http_headers_set(http, &http->response_headers, bytes_of_text("location"),
                         answer->location) == STATUS_OK)
        assets_answer_bare(request, answer->status);
    else
        request_refuse(request, FAULT_NO_MEMORY, NULL);
}

/* With what the path takes, which a problem alone would not say [RFC 9110 15.5.6]. */
static void assets_refuse_method(struct request *request)
{
    const struct problem problem = {.status = 405,
                                    .code = "method_not_allowed",
                                    .detail = "a file is only read: with GET or HEAD",
                                    .offset = REPORT_OFFSET_NONE,
                                    .request_id = request->id};
    size_t count = problem_write(&problem, request->problem, sizeof(request->problem));
    if (assets_set(request, "allow", "GET, HEAD") &&
        assets_set(request, "content-type", PROBLEM_CONTENT_TYPE) &&
        buffer_append(&request->http.response_body, request->problem, count) == STATUS_OK)
        assets_answer_bare(request, 405);
    else
        request_refuse(request, FAULT_NO_MEMORY, NULL);
}

bool assets_take(struct request *request)
{
    const struct site *site = request->function->site;
    struct http_exchange *http = &request->http;
    struct site_answer answer;
    if (LIKELY(site == NULL))
        return false;
    bool is_read = request->is_head || bytes_equal_text(http->method, "GET");
    const struct site_question question = {
        .uri = http->uri,
        .prefix = request->target.matched,
        .accept_encoding = http_headers_value(&request->http.request_headers, "accept-encoding"),
        .is_read = is_read,
        .opens_page =
            request->asks_assets ||
            bytes_equal_text(http_headers_value(&request->http.request_headers, "sec-fetch-mode"),
                             "navigate")};
    site_resolve(site, &question, &http->arena, &answer);
    if (answer.step == SITE_PASS)
        return false;
    request->service->metrics->assets++;
    if (UNLIKELY(!memory_begin(request))) {
        request_refuse(request, FAULT_MEMORY_BUSY, NULL);
        return true;
    }
    switch (answer.step) {
    case SITE_FILE:
        assets_answer_file(request, &answer);
        break;
    case SITE_REDIRECT:
        assets_redirect(request, &answer);
        break;
    case SITE_METHOD:
        assets_refuse_method(request);
        break;
    case SITE_NOT_FOUND:
        request_refuse(request, FAULT_NO_FILE, NULL);
        break;
    default:
        request_refuse(request, FAULT_NO_MEMORY, NULL);
        break;
    }
    return true;
}
