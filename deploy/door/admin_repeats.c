/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A list, and what it is searched by: the SHA-256 of who asks and the key. What was asked is
 * another one.
 */
#include "deploy/door/admin_repeats.h"

#include <openssl/evp.h>
#include <stdlib.h>

#define REPEAT_DIGEST_BYTES 32

struct admin_repeat {
    struct list_link link;
    uint8_t name[REPEAT_DIGEST_BYTES];
    uint8_t asked[REPEAT_DIGEST_BYTES];
    bool under_way;
    uint64_t began_ns;
    int status;
    const char *content_type;
    char etag[API_ETAG_BYTES];
    struct buffer body; /* owned */
};

/* Of parts, each with its length before it; false: no memory. */
static bool repeats_digest(const struct bytes *parts, size_t count, uint8_t *ret_digest)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool done = context != NULL && EVP_DigestInit_ex(context, EVP_sha256(), NULL) == 1;
    for (size_t i = 0; done && i < count; i++) {
        uint64_t length = parts[i].count;
        done = EVP_DigestUpdate(context, &length, sizeof(length)) == 1 &&
               EVP_DigestUpdate(context, parts[i].data, parts[i].count) == 1;
    }
    done = done && EVP_DigestFinal_ex(context, ret_digest, NULL) == 1;
    EVP_MD_CTX_free(context);
    return done;
}

static bool repeats_name(const struct api_request *request, struct admin_repeat *repeat)
{
    const char *query = request->query == NULL ? "" : request->query;
    uint8_t method = (uint8_t)request->method;
    const struct bytes name[] = {bytes_of_text(request->caller->who), request->idempotency_key};
    const struct bytes asked[] = {bytes_make(&method, 1), bytes_of_text(request->path),
                                  bytes_of_text(query), request->body};
    return repeats_digest(name, COUNT_OF(name), repeat->name) &&
           repeats_digest(asked, COUNT_OF(asked), repeat->asked);
}

static void repeats_free(struct admin_repeats *repeats, struct admin_repeat *repeat)
{
    list_remove(&repeat->link);
    repeats->count--;
    repeats->bytes -= repeat->body.count;
    buffer_done(&repeat->body);
    free(repeat);
}

/* What is too old goes, and the oldest answers while there is no room. */
static void repeats_make_room(struct admin_repeats *repeats, uint64_t now_ns)
{
    LIST_FOREACH(repeat, &repeats->rows, struct admin_repeat, link) {
        bool old = now_ns - repeat->began_ns > ADMIN_REPEATS_AGE_NS;
        bool full = repeats->count >= ADMIN_REPEATS_MAX || repeats->bytes > ADMIN_REPEATS_BYTES_MAX;
        if (!old && !full)
            return;
        if (!repeat->under_way)
            repeats_free(repeats, repeat);
    }
}

static struct admin_repeat *repeats_find(const struct admin_repeats *repeats, const uint8_t *name)
{
    LIST_FOREACH(repeat, &repeats->rows, struct admin_repeat, link) {
        if (memcmp(repeat->name, name, REPEAT_DIGEST_BYTES) == 0)
            return repeat;
    }
    return NULL;
}

static void repeats_refuse(const struct api_request *request,
                           struct api_response *response,
                           uint32_t status,
                           const char *code,
                           const char *detail)
{
    const struct problem problem = {.status = status,
                                    .code = code,
                                    .detail = detail,
                                    .hint = "take another key for another request",
                                    .offset = REPORT_OFFSET_NONE,
                                    .request_id = request->id};
    api_answer_problem(response, &problem);
}

static void repeats_replay(const struct admin_repeat *repeat,
                           const struct api_request *request,
                           struct api_response *response)
{
    response->status = repeat->status;
    response->content_type = repeat->content_type;
    memcpy(response->etag, repeat->etag, sizeof(response->etag));
    if (buffer_append(&response->body, repeat->body.data, repeat->body.count) != STATUS_OK)
        api_answer_no_memory(response, request->id);
}

static void repeats_answer(const struct admin_repeat *known,
                           const struct admin_repeat *now,
                           const struct api_request *request,
                           struct api_response *response)
{
    if (memcmp(known->asked, now->asked, REPEAT_DIGEST_BYTES) != 0)
        repeats_refuse(request, response, 422, "idempotency_key_reused",
                       "another request was made under this Idempotency-Key");
    else if (known->under_way)
        repeats_refuse(request, response, 409, "idempotency_key_busy",
                       "the request of this Idempotency-Key is under way");
    else
        repeats_replay(known, request, response);
}

bool admin_repeats_begin(struct admin_repeats *repeats,
                         const struct api_request *request,
                         uint64_t now_ns,
                         struct api_response *response,
                         struct admin_repeat **ret_repeat)
{
    size_t key_count = request->idempotency_key.count;
    *ret_repeat = NULL;
    if (request->idempotency_key.data == NULL || request->method == API_GET)
        return true;
    if (key_count == 0 || key_count > ADMIN_REPEATS_KEY_MAX) {
        repeats_refuse(request, response, 400, "bad_idempotency_key",
                       "an Idempotency-Key has 1 to 255 bytes");
        return false;
    }
    struct admin_repeat *repeat = calloc(1, sizeof(*repeat));
    if (repeat == NULL || !repeats_name(request, repeat)) {
        free(repeat);
        api_answer_no_memory(response, request->id);
        return false;
    }
    repeats_make_room(repeats, now_ns);
    const struct admin_repeat *known = repeats_find(repeats, repeat->name);
    if (known != NULL || repeats->count >= ADMIN_REPEATS_MAX) {
        if (known != NULL)
            repeats_answer(known, repeat, request, response);
        else
            repeats_refuse(request, response, 503, "busy", "too many such requests are under way");
        free(repeat);
        return false;
    }
    repeat->under_way = true;
    repeat->began_ns = now_ns;
    buffer_init(&repeat->body, ADMIN_REPEATS_BODY_MAX);
    list_append(&repeats->rows, &repeat->link);
    repeats->count++;
    *ret_repeat = repeat;
    return true;
}

void admin_repeats_end(struct admin_repeats *repeats,
                       struct admin_repeat *repeat,
                       const struct api_response *response)
{
    if (repeat == NULL)
        return;
    repeat->under_way = false;
    if (response == NULL || response->status >= 500 || response->body.count == 0 ||
        buffer_append(&repeat->body, response->body.data, response->body.count) != STATUS_OK) {
        repeats_free(repeats, repeat);
        return;
    }
    repeats->bytes += repeat->body.count;
    repeat->status = response->status;
    repeat->content_type = response->content_type;
    memcpy(repeat->etag, response->etag, sizeof(repeat->etag));
}

void admin_repeats_done(struct admin_repeats *repeats)
{
    struct admin_repeat *repeat;
    while ((repeat = LIST_FIRST(&repeats->rows, struct admin_repeat, link)) != NULL)
        repeats_free(repeats, repeat);
}
