/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A call lies on the stack of whoever waits: the worker's own, or an ASYNC job's, which stays while
 * the job is paused.
 */
#include "server/tls/signing.h"

#include <openssl/async.h>

#define SIGNING_HEAD_BYTES (TLS_KEY_DIGEST_BYTES + sizeof(uint32_t))

struct signing_call {
    struct peers_call call;
    struct list_link link;
    uint64_t id;
    struct signing_job *job; /* NULL: it is waited for here */
    bool is_done;
    size_t count; /* of the signature; 0: there is none */
    uint8_t *signature;
};

static void signing_end(struct signing_call *call, struct bytes signature)
{
    peers_call_end(&call->call);
    list_remove(&call->link);
    call->is_done = true;
    call->count = signature.count;
    if (signature.count > 0)
        memcpy(call->signature, signature.data, signature.count);
    struct signing_job *job = call->job;
    if (job == NULL)
        return;
    job->waits = false;
    job->wake(job);
}

static void signing_lost(struct peers_call *call)
{
    signing_end(CONTAINER_OF(call, struct signing_call, call), bytes_make(NULL, 0));
}

static bool signing_on_signed(void *context, const struct channel_frame *frame)
{
    struct signing *signing = context;
    struct channel_reader reader = channel_reader(frame->payload);
    enum status status = channel_get_u32(&reader);
    struct bytes signature = channel_get_rest(&reader);
    if (!channel_reader_ends(&reader) || signature.count > TLS_SIGNATURE_BYTES_MAX)
        return false;
    if (status != STATUS_OK)
        signature.count = 0;
    LIST_FOREACH(call, &signing->calls, struct signing_call, link) {
        if (call->id == frame->id) {
            signing_end(call, signature);
            return true;
        }
    }
    return true; /* nobody waits for it any more */
}

static bool signing_send(struct signing *signing,
                         const struct signing_call *call,
                         const uint8_t key[TLS_KEY_DIGEST_BYTES],
                         uint32_t scheme,
                         struct bytes message)
{
    uint8_t room[SIGNING_HEAD_BYTES];
    struct channel_writer writer = channel_writer(room, sizeof(room));
    memcpy(room, key, TLS_KEY_DIGEST_BYTES);
    writer.count = TLS_KEY_DIGEST_BYTES;
    channel_put_u32(&writer, scheme);
    const struct channel_message asked = {.type = CHANNEL_MESSAGE_TLS_SIGN,
                                          .id = call->id,
                                          .head = channel_written(&writer),
                                          .body = message};
    return peers_send(signing->peers, CHANNEL_KEYS, &asked);
}

/* Everything stands still: for a signature's time, or until the key process is given up. */
static void signing_wait_here(struct signing *signing, struct signing_call *call)
{
    uint64_t until_ns =
        clock_monotonic_ns(signing->clock) + SIGNING_WAIT_MS * (uint64_t)CLOCK_NS_PER_MS;
    while (!call->is_done) {
        uint64_t now_ns = clock_monotonic_ns(signing->clock);
        if (now_ns >= until_ns)
            signing_end(call, bytes_make(NULL, 0));
        else
            peers_wait(signing->peers, CHANNEL_KEYS,
                       (int)((until_ns - now_ns) / CLOCK_NS_PER_MS) + 1);
    }
}

static bool signing_sign(void *context,
                         const uint8_t key[TLS_KEY_DIGEST_BYTES],
                         uint32_t scheme,
                         struct bytes message,
                         uint8_t ret_signature[TLS_SIGNATURE_BYTES_MAX],
                         size_t *ret_count)
{
    struct signing *signing = context;
    uint64_t began_ns = clock_monotonic_ns(signing->clock);
    bool may_leave = signing->job != NULL && ASYNC_get_current_job() != NULL;
    struct signing_call call = {.call = {.lost = signing_lost},
                                .id = ++signing->last_id,
                                .job = may_leave ? signing->job : NULL,
                                .signature = ret_signature};
    signing->metrics->tls_signatures++;
    if (!signing_send(signing, &call, key, scheme, message)) {
        signing->metrics->tls_signatures_failed++;
        return false;
    }
    peers_call_begin(signing->peers, CHANNEL_KEYS, &call.call);
    list_append(&signing->calls, &call.link);
    if (may_leave) {
        call.job->waits = true;
        while (!call.is_done)
            (void)ASYNC_pause_job();
    } else {
        signing_wait_here(signing, &call);
    }
    signing->metrics->tls_signing_ns += clock_monotonic_ns(signing->clock) - began_ns;
    signing->metrics->tls_signatures_failed += call.count == 0;
    *ret_count = call.count;
    return call.count > 0;
}

void signing_give_up(struct signing *signing, struct signing_job *job)
{
    LIST_FOREACH(call, &signing->calls, struct signing_call, link) {
        if (call->job != job)
            continue;
        job->waits = false;
        call->job = NULL; /* who gives up calls SSL_accept itself */
        signing_end(call, bytes_make(NULL, 0));
        return;
    }
}

void signing_open(struct signing *signing,
                  struct peers *peers,
                  const struct clock *clock,
                  struct metrics *metrics)
{
    *signing = (struct signing){.signer = {.sign = signing_sign, .context = signing},
                                .peers = peers,
                                .clock = clock,
                                .metrics = metrics};
    peers_on(peers, CHANNEL_MESSAGE_TLS_SIGNED, signing_on_signed, signing);
}
