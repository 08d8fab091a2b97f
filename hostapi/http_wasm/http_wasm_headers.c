/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Header calls of http-wasm. Lists go to the guest as NUL-terminated texts, all or nothing,
 * and the answer is count << 32 | bytes either way.
 *
 * The Host header is a field of its own in an exchange (`authority`); guests read it as the
 * header "host" all the same. Trailers are not supported: reading finds none, and changing
 * them ends the guest, as the ABI wants.
 */
#include "engine/base/hash.h"
#include "hostapi/exchange.h"
#include "hostapi/guest_mem.h"
#include "hostapi/hostcalls.h"
#include "hostapi/http_wasm/http_wasm.h"
#include "hostapi/http_wasm/http_wasm_rules.h"

enum http_wasm_header_kind {
    HTTP_WASM_REQUEST_HEADERS,
    HTTP_WASM_RESPONSE_HEADERS,
    HTTP_WASM_REQUEST_TRAILERS,
    HTTP_WASM_RESPONSE_TRAILERS,
    HTTP_WASM_HEADER_KIND_COUNT,
};

/* Rows of a list: the largest limits.headers, of names of one letter, and "host". */
#define HTTP_WASM_ROWS_MAX   32768
#define HTTP_WASM_ROWS_FEW   16 /* in one chain they cost less than a seed */
#define HTTP_WASM_NAME_HEADS 1024
/* Names cost more than their copies: each byte is hashed. */
#define HTTP_WASM_NAME_PRICE 4

/* A list as the guest sees it: the rows, and perhaps "host" in front. */
struct http_wasm_list {
    const struct http_headers *headers; /* NULL: trailers */
    struct http_header host;            /* name.count 0: none */
};

static bool http_wasm_list_of(struct hostapi_host *host,
                              struct engine_host_call *call,
                              const char *name,
                              struct http_wasm_list *ret_list)
{
    const char *refusal = http_wasm_refusal(host, HTTP_WASM_READ_HEAD);
    uint32_t kind = call->slots[0].i32;
    if (refusal == NULL && kind >= HTTP_WASM_HEADER_KIND_COUNT)
        refusal = "there is no such kind of headers";
    if (refusal != NULL) {
        (void)host_trap(call, "%s: %s", name, refusal);
        return false;
    }
    struct http_exchange *exchange = host->request.exchange;
    *ret_list = (struct http_wasm_list){.headers = NULL};
    if (kind == HTTP_WASM_RESPONSE_HEADERS)
        ret_list->headers = &exchange->response_headers;
    if (kind != HTTP_WASM_REQUEST_HEADERS)
        return true;
    ret_list->headers = &exchange->request_headers;
    struct bytes host_name = bytes_of_text("host");
    if (exchange->authority.count > 0 && http_headers_find(ret_list->headers, host_name) == NULL)
        ret_list->host = (struct http_header){host_name, exchange->authority};
    return true;
}

static uint32_t http_wasm_list_count(const struct http_wasm_list *list)
{
    return list->headers == NULL ? 0 : list->headers->count + 1;
}

/* Row 0 is "host", which may be absent: an empty name. */
static struct http_header http_wasm_list_row(const struct http_wasm_list *list, uint32_t i)
{
    return i == 0 ? list->host : list->headers->rows[i - 1];
}

/* Counts texts and, once there is room for them, writes them. */
struct http_wasm_texts {
    uint8_t *space; /* NULL while counting */
    uint64_t count;
    uint64_t bytes;
};

static void http_wasm_text(struct http_wasm_texts *texts, struct bytes text, bool lower)
{
    if (texts->space != NULL) {
        uint8_t *to = texts->space + texts->bytes;
        for (size_t i = 0; i < text.count; i++)
            to[i] = lower ? bytes_lower(text.data[i]) : text.data[i];
        to[text.count] = '\0';
    }
    texts->count++;
    texts->bytes += text.count + 1;
}

/* Which texts of a list. */
struct http_wasm_choice {
    const struct bytes *name; /* the values of this one; NULL: names once each, in lower case */
    uint32_t count;           /* of names */
    uint16_t rows[HTTP_WASM_ROWS_MAX];
};

static void http_wasm_texts_of(struct http_wasm_texts *texts,
                               const struct http_wasm_list *list,
                               const struct http_wasm_choice *choice)
{
    if (choice->name == NULL) {
        for (uint32_t i = 0; i < choice->count; i++)
            http_wasm_text(texts, http_wasm_list_row(list, choice->rows[i]).name, true);
        return;
    }
    for (uint32_t i = 0; i < http_wasm_list_count(list); i++) {
        struct http_header row = http_wasm_list_row(list, i);
        if (row.name.count > 0 && bytes_equal_nocase(row.name, *choice->name))
            http_wasm_text(texts, row.value, false);
    }
}

static uint64_t http_wasm_name_hash(uint64_t seed, struct bytes name)
{
    for (size_t i = 0; i < name.count; i++)
        seed = hash_mix(seed, bytes_lower(name.data[i]));
    return seed;
}

/* Rows whose name no row before them has. A guest may make a list of tens of thousands, all in one
 * call: so they are chained by hash, from a seed that it does not know. */
static void http_wasm_choose_names(const struct hostapi_host *host,
                                   const struct http_wasm_list *list,
                                   struct http_wasm_choice *choice)
{
    uint16_t heads[HTTP_WASM_NAME_HEADS] = {0}; /* place in choice->rows, and 1 */
    uint16_t links[HTTP_WASM_ROWS_MAX];
    uint32_t count = http_wasm_list_count(list);
    ASSERT(count <= HTTP_WASM_ROWS_MAX);
    uint64_t seed = count > HTTP_WASM_ROWS_FEW ? hash_seed(host->options.clock) : 0;
    choice->name = NULL;
    choice->count = 0;
    for (uint32_t i = 0; i < count; i++) {
        struct bytes name = http_wasm_list_row(list, i).name;
        uint16_t *head = &heads[http_wasm_name_hash(seed, name) % HTTP_WASM_NAME_HEADS];
        uint16_t at = *head;
        while (at > 0 &&
               !bytes_equal_nocase(http_wasm_list_row(list, choice->rows[at - 1]).name, name))
            at = links[at - 1];
        if (at > 0 || name.count == 0)
            continue;
        links[choice->count] = *head;
        choice->rows[choice->count++] = (uint16_t)i;
        *head = (uint16_t)choice->count;
    }
}

static enum engine_outcome http_wasm_give_texts(struct engine_host_call *call,
                                                const struct http_wasm_list *list,
                                                const struct http_wasm_choice *choice,
                                                uint32_t buffer_slot)
{
    uint32_t address = call->slots[buffer_slot].i32;
    uint32_t limit = call->slots[buffer_slot + 1].i32;
    struct http_wasm_texts texts = {.space = NULL};
    http_wasm_texts_of(&texts, list, choice);
    if (texts.bytes > 0 && texts.bytes <= limit) {
        uint8_t *space;
        if (!guest_mem_space(call->instance, address, texts.bytes, &space))
            return host_trap(call, "buffer of %u bytes at %u is outside memory",
                             (uint32_t)texts.bytes, address);
        hostcalls_charge_bytes(call, texts.bytes);
        texts = (struct http_wasm_texts){.space = space};
        http_wasm_texts_of(&texts, list, choice);
    }
    call->slots[0].bits = texts.count << 32 | texts.bytes;
    return ENGINE_DONE;
}

enum engine_outcome http_wasm_get_header_names(struct hostapi_host *host,
                                               struct engine_host_call *call)
{
    struct http_wasm_list list;
    struct http_wasm_choice names;
    if (!http_wasm_list_of(host, call, "get_header_names", &list))
        return ENGINE_TRAPPED;
    if (list.headers != NULL)
        hostcalls_charge_bytes(call, list.headers->bytes * HTTP_WASM_NAME_PRICE);
    http_wasm_choose_names(host, &list, &names);
    return http_wasm_give_texts(call, &list, &names, 1);
}

/* Arguments 1 and 2 as a view. */
static bool http_wasm_name_of(struct hostapi_host *host,
                              struct engine_host_call *call,
                              const char *function,
                              struct bytes *ret_name)
{
    struct http_exchange *exchange = host->request.exchange;
    struct bytes view;
    if (!guest_mem_view(call->instance, call->slots[1].i32, call->slots[2].i32, &view)) {
        (void)host_trap(call, "%s: name of %u bytes at %u is outside memory", function,
                        call->slots[2].i32, call->slots[1].i32);
        return false;
    }
    if (view.count == 0 || view.count > exchange->limits->headers) {
        (void)host_trap(call, "%s: name of %zu bytes is empty or larger than limits.headers",
                        function, view.count);
        return false;
    }
    *ret_name = view;
    return true;
}

enum engine_outcome http_wasm_get_header_values(struct hostapi_host *host,
                                                struct engine_host_call *call)
{
    struct http_wasm_list list;
    struct bytes name;
    if (!http_wasm_list_of(host, call, "get_header_values", &list) ||
        !http_wasm_name_of(host, call, "get_header_values", &name))
        return ENGINE_TRAPPED;
    hostcalls_charge_rows(call, http_wasm_list_count(&list));
    /* The buffer may overlap the guest's name, so go on with an equal one of ours. */
    for (uint32_t i = 0; i < http_wasm_list_count(&list); i++) {
        struct http_header row = http_wasm_list_row(&list, i);
        if (bytes_equal_nocase(row.name, name)) {
            struct http_wasm_choice values;
            values.name = &row.name;
            return http_wasm_give_texts(call, &list, &values, 3);
        }
    }
    call->slots[0].bits = 0;
    return ENGINE_DONE;
}

/* ---- changing -------------------------------------------------------------------------------- */

static struct http_headers *
http_wasm_mutable(struct hostapi_host *host, struct engine_host_call *call, const char *function)
{
    uint32_t kind = call->slots[0].i32;
    const char *refusal;
    if (kind == HTTP_WASM_REQUEST_HEADERS)
        refusal = http_wasm_refusal(host, HTTP_WASM_CHANGE_REQUEST);
    else if (kind == HTTP_WASM_RESPONSE_HEADERS)
        refusal = http_wasm_refusal(host, HTTP_WASM_CHANGE_RESPONSE_HEAD);
    else if (kind < HTTP_WASM_HEADER_KIND_COUNT)
        refusal = "trailers are not supported";
    else
        refusal = "there is no such kind of headers";
    if (refusal != NULL) {
        (void)host_trap(call, "%s: %s", function, refusal);
        return NULL;
    }
    struct http_exchange *exchange = host->request.exchange;
    return kind == HTTP_WASM_REQUEST_HEADERS ? &exchange->request_headers
                                             : &exchange->response_headers;
}

typedef enum status http_wasm_put(struct http_exchange *exchange,
                                  struct http_headers *headers,
                                  struct bytes name,
                                  struct bytes value);

static enum engine_outcome http_wasm_change(struct hostapi_host *host,
                                            struct engine_host_call *call,
                                            const char *function,
                                            http_wasm_put *put)
{
    struct http_headers *headers = http_wasm_mutable(host, call, function);
    struct bytes name;
    struct bytes value;
    if (headers == NULL || !http_wasm_name_of(host, call, function, &name))
        return ENGINE_TRAPPED;
    if (!guest_mem_view(call->instance, call->slots[3].i32, call->slots[4].i32, &value))
        return host_trap(call, "%s: value of %u bytes at %u is outside memory", function,
                         call->slots[4].i32, call->slots[3].i32);
    hostcalls_charge_rows(call, headers->count);
    hostcalls_charge_bytes(call, name.count + value.count);
    switch (put(host->request.exchange, headers, name, value)) {
    case STATUS_OK:
        return ENGINE_DONE;
    case STATUS_INVALID:
        return host_trap(call, "%s: name is no token, or value has a control byte", function);
    default:
        return host_trap(call, "%s: headers are larger than limits.headers (%llu)", function,
                         (unsigned long long)host->request.exchange->limits->headers);
    }
}

enum engine_outcome http_wasm_set_header_value(struct hostapi_host *host,
                                               struct engine_host_call *call)
{
    return http_wasm_change(host, call, "set_header_value", http_headers_set);
}

enum engine_outcome http_wasm_add_header_value(struct hostapi_host *host,
                                               struct engine_host_call *call)
{
    return http_wasm_change(host, call, "add_header_value", http_headers_add);
}

enum engine_outcome http_wasm_remove_header(struct hostapi_host *host,
                                            struct engine_host_call *call)
{
    struct http_headers *headers = http_wasm_mutable(host, call, "remove_header");
    struct bytes name;
    if (headers == NULL || !http_wasm_name_of(host, call, "remove_header", &name))
        return ENGINE_TRAPPED;
    hostcalls_charge_rows(call, headers->count);
    http_headers_remove(headers, name);
    return ENGINE_DONE;
}
