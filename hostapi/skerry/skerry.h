/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The native API, import module `skerry`: what its files share. docs/abi-skerry.md specifies it.
 *
 * A call answers at least 0, or an error of errors.def. A pointer or length outside memory ends the
 * guest, as in http-wasm; on an error nothing was written. What takes its time has a handle:
 *
 *   ..._start_v1 --> handle --> wait_v1 --> ..._finish_v1 --> result       (handles.c)
 *                           --> handle_close_v1
 *
 * A handle is a row of the request's table, which names an operation of the world by its ticket.
 * The table is made when the first handle is, so that a request without any pays nothing.
 */
#ifndef SKERRY_HOSTAPI_SKERRY_SKERRY_H
#define SKERRY_HOSTAPI_SKERRY_SKERRY_H

#include "hostapi/crypto/crypto.h"
#include "hostapi/guest_mem.h"
#include "hostapi/hostcalls.h"

enum skerry_error {
#define ERROR(NAME, number, text) SKERRY_##NAME = (number),
#include "hostapi/skerry/errors.def"
};

/* What was started, and so who may finish it. */
enum skerry_handle_kind {
    SKERRY_HANDLE_FREE,
    SKERRY_HANDLE_KV,
    SKERRY_HANDLE_FETCH,
    SKERRY_HANDLE_SECRET,
    SKERRY_HANDLE_SIBLING,
};
struct skerry_handle {
    enum skerry_handle_kind kind;
    uint32_t number; /* what the guest calls it */
    uint64_t ticket;
};
struct skerry_handles {
    uint32_t opened; /* ever */
    struct skerry_handle rows[HOSTAPI_OPERATIONS_MAX];
};

/* What one request has of it. */
struct skerry_state {
    struct skerry_handles *handles; /* in the exchange's arena; NULL: there was none yet */
    uint64_t wait_until_ns;         /* of the wait_v1 that is parked */
    uint64_t kv_ticket;             /* of the kv_..._v1 that is parked */
    uint8_t *list_after;            /* in the arena: where a kv_list_v1 that is parked goes on */
    uint32_t list_after_count;      /* 0: where it was told */
    uint32_t fetch;                 /* the handle of the fetch_v1 that is parked */
    uint32_t fetches;               /* begun */
    uint64_t fetched_bytes;         /* of their answers */
    uint64_t secret_ticket;         /* of the secret_get_v1 that is parked */
    struct crypto_stream crypto;
};

extern const struct hostapi_family skerry_family;

static inline struct skerry_state *skerry_state(const struct hostapi_host *host)
{
    return host_state(host, HOSTAPI_KIND_SKERRY);
}

/* The world of the request; NULL: there is none. */
static inline const struct hostapi_world *skerry_world(const struct hostapi_host *host)
{
    const struct http_exchange *exchange = host->request.exchange;
    return exchange == NULL ? NULL : exchange->world;
}

/* ---- answers --------------------------------------------------------------------------------- */

/* At least 0, or one of enum skerry_error. */
static inline enum engine_outcome skerry_answer(struct engine_host_call *call, int32_t result)
{
    call->slots[0].bits = (uint32_t)result;
    return ENGINE_DONE;
}
static inline enum engine_outcome skerry_answer_long(struct engine_host_call *call, int64_t result)
{
    call->slots[0].bits = (uint64_t)result;
    return ENGINE_DONE;
}
/* What a service's status is to a guest; not OK. */
enum skerry_error skerry_error(enum status status);
/* Arguments `first` and the next one as bytes of the guest's; false: the guest was ended, because
 * they are not all in its memory. */
NODISCARD bool skerry_take(struct engine_host_call *call, uint32_t first, struct bytes *ret_bytes);
/* The same as a buffer that will be written. */
NODISCARD bool
skerry_take_space(struct engine_host_call *call, uint32_t first, uint8_t **ret_space);
/* Writes `bytes` to the buffer that arguments `first` and the next one are, if it is large enough,
 * and answers how many there are. */
enum engine_outcome skerry_give(struct engine_host_call *call, uint32_t first, struct bytes bytes);

/* ---- handles --------------------------------------------------------------------------------- */

/* A handle for the ticket, or an error: then the operation was ended. */
int32_t
skerry_handle_open(struct hostapi_host *host, enum skerry_handle_kind kind, uint64_t ticket);
/* NULL: it is not open, or of another kind. FREE: of any. */
struct skerry_handle *
skerry_handle_find(const struct hostapi_host *host, enum skerry_handle_kind kind, uint32_t number);
/* Ends its operation too. */
void skerry_handle_free(struct hostapi_host *host, struct skerry_handle *handle);

typedef enum engine_outcome skerry_handler(struct hostapi_host *host,
                                           struct engine_host_call *call);
/* plain.c */
skerry_handler skerry_checkpoint, skerry_counter_add, skerry_env_get, skerry_log, skerry_random,
    skerry_request_info, skerry_response_flush, skerry_time_now;
skerry_handler skerry_handle_close, skerry_wait; /* handles.c */
skerry_handler skerry_kv_add, skerry_kv_add_start, skerry_kv_delete, skerry_kv_delete_start,
    skerry_kv_finish, skerry_kv_get, skerry_kv_list, skerry_kv_list_heads, skerry_kv_put,
    skerry_kv_put_start; /* kv.c */
/* fetch.c */
skerry_handler skerry_fetch, skerry_fetch_start, skerry_fetch_status, skerry_fetch_header,
    skerry_fetch_headers, skerry_fetch_url, skerry_fetch_error, skerry_fetch_read,
    skerry_fetch_body_write, skerry_fetch_body_end;
skerry_handler skerry_crypto;                  /* crypto.c */
skerry_handler skerry_secret_get;              /* secrets.c */
skerry_handler skerry_rate_limit;              /* rate.c */
skerry_handler skerry_call, skerry_call_start; /* call.c */
/* A call that begins and waits in one: `begin` answers with a handle or an error; then waits for
 * its head, and answers with the handle, or an error. */
enum engine_outcome
skerry_fetch_whole(struct hostapi_host *host, struct engine_host_call *call, skerry_handler *begin);

#endif
