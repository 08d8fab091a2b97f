/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Orders as messages. Numbers with the highest bit are what has to be forgotten.
 */
#include "server/control/vault_line.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/hex.h"
#include "server/channel/tls_messages.h"

#define VAULT_LINE_HEAD_BYTES 512
#define VAULT_LINE_FORGET     (UINT64_C(1) << 63)

struct vault_line_forget {
    struct list_link link;
    uint64_t number;
    size_t tenant_count;
    size_t function_count;
    char tenant[DEPLOY_NAME_BYTES];
    char function[DEPLOY_NAME_BYTES];
};

/* Does it begin with the hash that names a key, or that is to be said? */
static bool vault_line_names_key(enum channel_type type)
{
    return type == CHANNEL_MESSAGE_TLS_KEY_PUT || type == CHANNEL_MESSAGE_TLS_KEY_REMOVE ||
           type == CHANNEL_MESSAGE_TLS_KEY_PROOF || type == CHANNEL_MESSAGE_ACME_ACCOUNT ||
           type == CHANNEL_MESSAGE_ACME_SIGN;
}

/* Does it begin with whose secret, and which? */
static bool vault_line_names_secret(enum channel_type type)
{
    return type == CHANNEL_MESSAGE_SECRET_PUT || type == CHANNEL_MESSAGE_SECRET_REMOVE ||
           type == CHANNEL_MESSAGE_SECRET_FORGET || type == CHANNEL_MESSAGE_SECRET_LIST;
}

static bool vault_line_send(struct vault_line *line,
                            enum channel_type type,
                            const struct deploy_vault_order *order,
                            uint64_t number)
{
    uint8_t room[VAULT_LINE_HEAD_BYTES];
    struct channel_writer writer = channel_writer(room, sizeof(room));
    if (vault_line_names_key(type)) {
        bool is_hex = order->name.count == 2 * TLS_KEY_DIGEST_BYTES &&
                      hex_decode((const char *)order->name.data, TLS_KEY_DIGEST_BYTES, room);
        ASSERT(is_hex);
        writer.count = TLS_KEY_DIGEST_BYTES;
    } else if (vault_line_names_secret(type)) {
        channel_put_bytes(&writer, order->tenant);
        channel_put_bytes(&writer, order->function);
        channel_put_bytes(&writer, order->name);
    }
    const struct channel_message message = {.type = type,
                                            .id = number,
                                            .head = channel_written(&writer),
                                            .body = order->value,
                                            .fd = order->fd};
    return helpers_send(line->helpers, CHANNEL_KEYS, &message);
}

bool vault_line_ask(struct vault_line *line,
                    const struct deploy_vault_order *order,
                    uint64_t number)
{
    static const enum channel_type types[] = {
        [DEPLOY_VAULT_LIST] = CHANNEL_MESSAGE_SECRET_LIST,
        [DEPLOY_VAULT_PUT] = CHANNEL_MESSAGE_SECRET_PUT,
        [DEPLOY_VAULT_REMOVE] = CHANNEL_MESSAGE_SECRET_REMOVE,
        [DEPLOY_VAULT_ROTATE] = CHANNEL_MESSAGE_SECRET_ROTATE,
        [DEPLOY_VAULT_KEY_PUT] = CHANNEL_MESSAGE_TLS_KEY_PUT,
        [DEPLOY_VAULT_KEY_REMOVE] = CHANNEL_MESSAGE_TLS_KEY_REMOVE,
        [DEPLOY_VAULT_KEY_REQUEST] = CHANNEL_MESSAGE_TLS_KEY_REQUEST,
        [DEPLOY_VAULT_KEY_PROOF] = CHANNEL_MESSAGE_TLS_KEY_PROOF,
        [DEPLOY_VAULT_ACCOUNT] = CHANNEL_MESSAGE_ACME_ACCOUNT,
        [DEPLOY_VAULT_ACCOUNT_SIGN] = CHANNEL_MESSAGE_ACME_SIGN,
        [DEPLOY_VAULT_KEYS] = CHANNEL_MESSAGE_TLS_KEYS_LIST,
        [DEPLOY_VAULT_EXPORT] = CHANNEL_MESSAGE_VAULT_EXPORT,
    };
    ASSERT(order->verb > DEPLOY_VAULT_NONE && order->verb < COUNT_OF(types));
    ASSERT((number & VAULT_LINE_FORGET) == 0);
    return vault_line_send(line, types[order->verb], order, number);
}

/* ---- forgetting ------------------------------------------------------------------------------ */

/* Not there now: when it is. */
static void vault_line_send_forget(struct vault_line *line, const struct vault_line_forget *forget)
{
    const struct deploy_vault_order order = {
        .tenant = bytes_make(forget->tenant, forget->tenant_count),
        .function = bytes_make(forget->function, forget->function_count)};
    (void)vault_line_send(line, CHANNEL_MESSAGE_SECRET_FORGET, &order, forget->number);
}

void vault_line_forget(struct vault_line *line, struct bytes tenant, struct bytes function)
{
    struct vault_line_forget *forget = calloc(1, sizeof(*forget));
    if (forget == NULL || tenant.count >= sizeof(forget->tenant) ||
        function.count >= sizeof(forget->function)) {
        free(forget);
        return;
    }
    forget->number = VAULT_LINE_FORGET | ++line->forgets;
    forget->tenant_count = tenant.count;
    forget->function_count = function.count;
    memcpy(forget->tenant, tenant.data, tenant.count);
    if (function.count > 0)
        memcpy(forget->function, function.data, function.count);
    list_append(&line->forgetting, &forget->link);
    vault_line_send_forget(line, forget);
}

void vault_line_started(struct vault_line *line)
{
    LIST_FOREACH(forget, &line->forgetting, struct vault_line_forget, link) {
        vault_line_send_forget(line, forget);
    }
}

void vault_line_lost(struct vault_line *line)
{
    deploy_control_vault_lost(line->deploy);
}

/* ---- answers --------------------------------------------------------------------------------- */

static struct vault_line_forget *vault_line_find(const struct vault_line *line, uint64_t number)
{
    LIST_FOREACH(forget, &line->forgetting, struct vault_line_forget, link) {
        if (forget->number == number)
            return forget;
    }
    return NULL;
}

/* It was removed, made anew and removed again: there is another answer to come. */
static bool vault_line_is_wanted(const struct vault_line *line,
                                 const struct vault_line_forget *forgotten)
{
    LIST_FOREACH(forget, &line->forgetting, struct vault_line_forget, link) {
        if (strcmp(forget->tenant, forgotten->tenant) == 0 &&
            strcmp(forget->function, forgotten->function) == 0)
            return true;
    }
    return false;
}

static void vault_line_forgot(struct vault_line *line, uint64_t number, enum status status)
{
    struct vault_line_forget *forget = vault_line_find(line, number);
    if (forget == NULL || status != STATUS_OK)
        return;
    list_remove(&forget->link);
    if (!vault_line_is_wanted(line, forget))
        deploy_control_forgot(line->deploy, bytes_of_text(forget->tenant),
                              bytes_of_text(forget->function));
    free(forget);
}

static bool vault_line_on_done(void *context, const struct channel_frame *frame)
{
    struct vault_line *line = context;
    struct channel_reader reader = channel_reader(frame->payload);
    enum status status = channel_get_u32(&reader);
    struct bytes text = channel_get_rest(&reader);
    if (!channel_reader_ends(&reader))
        return false;
    if ((frame->id & VAULT_LINE_FORGET) != 0)
        vault_line_forgot(line, frame->id, status);
    else
        deploy_control_vault_done(line->deploy, frame->id, status, text);
    return true;
}

static void vault_line_remember(void *context, struct bytes tenant, struct bytes function)
{
    vault_line_forget(context, tenant, function);
}

void vault_line_open(struct vault_line *line,
                     struct helpers *helpers,
                     struct deploy_control *deploy)
{
    *line = (struct vault_line){.helpers = helpers, .deploy = deploy};
    helpers_on(helpers, CHANNEL_MESSAGE_SECRET_DONE, vault_line_on_done, line);
    /* Of a control before this one, which the key process did not answer. */
    deploy_control_list_forgotten(deploy, vault_line_remember, line);
}

void vault_line_close(struct vault_line *line)
{
    LIST_FOREACH(forget, &line->forgetting, struct vault_line_forget, link) {
        list_remove(&forget->link);
        free(forget);
    }
}
