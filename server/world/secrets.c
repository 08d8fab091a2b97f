/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Questions and answers, each an operation whose ticket is the call's id.
 */
#include "server/world/secrets.h"

#include <stdlib.h>
#include <string.h>

#include "deploy/deploy.h"
#include "hostapi/hostapi.h"

#define SECRETS_QUESTION_BYTES 512
#define SECRETS_NAME_BYTES_MAX 128

/* An operation's data. */
struct secrets_one {
    struct peers_call call;
    struct operations *operations;
    uint64_t ticket;
    size_t name_count;
    size_t count;   /* of the name, a sign and the value */
    uint8_t *value; /* "NAME=value"; owned; NULL: it has not come */
    uint8_t name[SECRETS_NAME_BYTES_MAX];
};

static void secrets_ended(struct operation *operation)
{
    struct secrets_one *one = operation->data;
    if (one == NULL)
        return;
    peers_call_end(&one->call);
    if (one->value != NULL)
        explicit_bzero(one->value, one->count);
    free(one->value);
    free(one);
}

static void secrets_lost(struct peers_call *call)
{
    struct secrets_one *one = CONTAINER_OF(call, struct secrets_one, call);
    operations_complete(one->operations, one->ticket, STATUS_UNREACHABLE);
}

/* ---- asking ---------------------------------------------------------------------------------- */

static bool secrets_send(struct world *world,
                         const struct http_exchange *exchange,
                         struct bytes name,
                         uint64_t id)
{
    uint8_t room[SECRETS_QUESTION_BYTES];
    struct channel_writer writer = channel_writer(room, sizeof(room));
    channel_put_bytes(&writer, exchange->tenant);
    channel_put_bytes(&writer, exchange->function);
    channel_put_bytes(&writer, name);
    const struct channel_message message = {
        .type = CHANNEL_MESSAGE_SECRET_GET, .id = id, .head = channel_written(&writer)};
    return peers_send(&world->peers, CHANNEL_KEYS, &message);
}

static bool secrets_is_name(struct bytes name)
{
    return name.count <= SECRETS_NAME_BYTES_MAX && deploy_variable_name_valid(name);
}

/* A function whose manifest lists none may read all that it has. */
static bool secrets_is_listed(const struct http_exchange *exchange, struct bytes name)
{
    for (uint32_t i = 0; i < exchange->secret_count; i++) {
        if (bytes_equal(exchange->secrets[i], name))
            return true;
    }
    return exchange->secret_count == 0;
}

static enum status
secrets_start(const struct http_exchange *exchange, struct bytes name, uint64_t *ret_ticket)
{
    struct world *world = world_of(exchange->owner);
    struct operation *operation;
    if (!secrets_is_name(name))
        return STATUS_INVALID;
    if (!secrets_is_listed(exchange, name))
        return STATUS_DENIED;
    enum status status = operations_begin(exchange->owner, OPERATION_SECRET, &operation);
    if (status != STATUS_OK)
        return status;
    struct secrets_one *one = calloc(1, sizeof(*one));
    operation->data = one;
    uint64_t ticket = operation_ticket(operation);
    if (one == NULL || !secrets_send(world, exchange, name, ticket)) {
        operation_end(operation);
        return one == NULL ? STATUS_NO_MEMORY : STATUS_UNREACHABLE;
    }
    one->name_count = name.count;
    memcpy(one->name, name.data, name.count);
    one->operations = &world->operations;
    one->ticket = ticket;
    one->call.lost = secrets_lost;
    peers_call_begin(&world->peers, CHANNEL_KEYS, &one->call);
    *ret_ticket = ticket;
    return STATUS_OK;
}

static const struct secrets_one *secrets_find(void *owner, uint64_t ticket)
{
    const struct operation *operation = operations_find_own(owner, OPERATION_SECRET, ticket);
    ASSERT(operation != NULL && operation->ready && operation->result == STATUS_OK);
    return operation->data;
}

static struct bytes secrets_pair(void *owner, uint64_t ticket)
{
    const struct secrets_one *one = secrets_find(owner, ticket);
    return bytes_make(one->value, one->count);
}

static struct bytes secrets_value(void *owner, uint64_t ticket)
{
    const struct secrets_one *one = secrets_find(owner, ticket);
    size_t skip = one->name_count + 1;
    return bytes_make(one->value + skip, one->count - skip);
}

/* ---- the answer ------------------------------------------------------------------------------ */

/* OK: the operation has the value. */
static enum status secrets_keep(struct secrets_one *one, struct bytes value)
{
    if (one->value != NULL)
        return STATUS_OK;
    one->count = one->name_count + 1 + value.count;
    one->value = malloc(one->count);
    if (one->value == NULL)
        return STATUS_NO_MEMORY;
    memcpy(one->value, one->name, one->name_count);
    one->value[one->name_count] = '=';
    if (value.count > 0)
        memcpy(one->value + one->name_count + 1, value.data, value.count);
    return STATUS_OK;
}

static bool secrets_on_value(void *context, const struct channel_frame *frame)
{
    struct world *world = context;
    struct channel_reader reader = channel_reader(frame->payload);
    uint32_t status = channel_get_u32(&reader);
    struct bytes value = channel_get_rest(&reader);
    struct operation *operation = operations_find(&world->operations, frame->id);
    if (!channel_reader_ends(&reader))
        return false;
    /* Nobody waits for it any more. */
    if (operation == NULL || operation->kind != OPERATION_SECRET || operation->ready)
        return true;
    struct secrets_one *one = operation->data;
    peers_call_end(&one->call);
    if (status == STATUS_OK)
        status = secrets_keep(one, value);
    operations_complete(&world->operations, frame->id, status);
    return true;
}

void secrets_open(struct world *world)
{
    static const struct hostapi_secrets calls = {
        .start = secrets_start, .value = secrets_value, .pair = secrets_pair};
    world->operations.ended[OPERATION_SECRET] = secrets_ended;
    world->calls.secrets = &calls;
    peers_on(&world->peers, CHANNEL_MESSAGE_SECRET_VALUE, secrets_on_value, world);
}
