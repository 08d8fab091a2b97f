/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Arguments and environment: two lists of texts, built when a guest first asks, by the setting.
 *
 * In the builder there is no request. A handler finds both empty there; a command is refused
 * them, because a request's would be others.
 */
#include "hostapi/hostcalls.h"
#include "hostapi/wasi/wasi.h"

bool wasi_texts_add(struct arena *arena, struct wasi_texts *texts, struct bytes text)
{
    if (texts->count == texts->capacity) {
        uint32_t capacity = texts->capacity == 0 ? 32 : texts->capacity * 2;
        struct bytes *rows = ARENA_ARRAY(arena, struct bytes, capacity);
        if (rows == NULL)
            return false;
        if (texts->count > 0)
            memcpy(rows, texts->rows, texts->count * sizeof(*rows));
        texts->rows = rows;
        texts->capacity = capacity;
    }
    texts->rows[texts->count++] = text;
    return true;
}

static bool wasi_args_are_frozen(const struct hostapi_host *host)
{
    return host_is_frozen(host) && host->family->setting->texts_are_requests;
}

const struct wasi_texts *wasi_args_texts(struct hostapi_host *host, bool environment)
{
    const struct wasi_setting *setting = host->family->setting;
    struct wasi_state *state = wasi_state(host);
    struct wasi_texts *texts = environment ? &state->environment : &state->arguments;
    if (!texts->ready && !(environment ? setting->environment : setting->arguments)(host, texts))
        return NULL;
    texts->ready = true;
    return texts;
}

static uint64_t wasi_args_bytes(const struct wasi_texts *texts)
{
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < texts->count; i++)
        bytes += texts->rows[i].count + 1;
    return bytes;
}

static enum engine_outcome
wasi_args_sizes(struct hostapi_host *host, struct engine_host_call *call, bool environment)
{
    if (wasi_args_are_frozen(host))
        return host_trap_frozen(call, environment ? "environ_sizes_get" : "args_sizes_get");
    const struct wasi_texts *texts = wasi_args_texts(host, environment);
    if (texts == NULL)
        return wasi_answer(call, WASI_NOMEM);
    if (environment)
        host->checkpoint.asked.environment_reads++;
    else if (texts->count == 0) /* those of the version are no request's */
        host->checkpoint.asked.argument_reads++;
    uint8_t *count;
    uint8_t *bytes;
    if (!guest_mem_space(call->instance, call->slots[0].i32, 4, &count) ||
        !guest_mem_space(call->instance, call->slots[1].i32, 4, &bytes))
        return wasi_answer(call, WASI_FAULT);
    guest_mem_store_u32(count, texts->count);
    guest_mem_store_u32(bytes, (uint32_t)wasi_args_bytes(texts));
    return wasi_answer(call, WASI_SUCCESS);
}

static enum engine_outcome
wasi_args_copy(struct hostapi_host *host, struct engine_host_call *call, bool environment)
{
    if (wasi_args_are_frozen(host))
        return host_trap_frozen(call, environment ? "environ_get" : "args_get");
    const struct wasi_texts *texts = wasi_args_texts(host, environment);
    if (texts == NULL)
        return wasi_answer(call, WASI_NOMEM);
    uint64_t bytes = wasi_args_bytes(texts);
    uint32_t address = call->slots[1].i32;
    uint8_t *pointers;
    uint8_t *text;
    if (!guest_mem_space(call->instance, call->slots[0].i32, (uint64_t)texts->count * 4,
                         &pointers) ||
        !guest_mem_space(call->instance, address, bytes, &text))
        return wasi_answer(call, WASI_FAULT);
    hostcalls_charge_bytes(call, bytes);
    for (uint32_t i = 0; i < texts->count; i++) {
        struct bytes row = texts->rows[i];
        guest_mem_store_u32(pointers + (size_t)i * 4, address);
        if (row.count > 0)
            memcpy(text, row.data, row.count);
        text[row.count] = '\0';
        text += row.count + 1;
        address += (uint32_t)row.count + 1;
    }
    return wasi_answer(call, WASI_SUCCESS);
}

enum engine_outcome wasi_args_sizes_get(struct hostapi_host *host, struct engine_host_call *call)
{
    return wasi_args_sizes(host, call, false);
}

enum engine_outcome wasi_args_get(struct hostapi_host *host, struct engine_host_call *call)
{
    return wasi_args_copy(host, call, false);
}

/* Once the function's secrets are in its environment. */
static enum engine_outcome wasi_environ(struct hostapi_host *host,
                                        struct engine_host_call *call,
                                        enum engine_outcome (*tell)(struct hostapi_host *,
                                                                    struct engine_host_call *,
                                                                    bool environment))
{
    static const struct hostapi_wait wait = {.kind = HOSTAPI_WAIT_EVENT};
    switch (wasi_secrets(host)) {
    case WASI_SECRETS_COME:
        return host_park(host, &wait, 1);
    case WASI_SECRETS_FAIL:
        return wasi_answer(call, WASI_IO);
    case WASI_SECRETS_THERE:
        break;
    }
    return tell(host, call, true);
}

enum engine_outcome wasi_environ_sizes_get(struct hostapi_host *host, struct engine_host_call *call)
{
    return wasi_environ(host, call, wasi_args_sizes);
}

enum engine_outcome wasi_environ_get(struct hostapi_host *host, struct engine_host_call *call)
{
    return wasi_environ(host, call, wasi_args_copy);
}
