/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The helper that keeps secrets: control changes them, workers ask for one of them at a time, by
 * function and name. It keeps the private keys of certificates too, and signs with them. Control is
 * never given a value that it could read, and nobody is given a list of values.
 */
#include "server/keys/keys.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "deploy/deploy.h"
#include "engine/base/hex.h"
#include "server/helper/helper.h"
#include "server/keys/enroll.h"
#include "server/keys/export.h"
#include "server/keys/signer.h"
#include "server/keys/vault.h"
#include "server/telemetry/log.h"

#define KEYS_ANSWER_BYTES 65536

struct keys {
    struct helper *helper;
    struct vault *vault;
    struct signer *signer;
    struct buffer value;
};

static enum status keys_start(void *context, struct helper *helper, struct report *report)
{
    struct keys *keys = context;
    keys->helper = helper;
    buffer_init(&keys->value, VAULT_VALUE_BYTES_MAX + 1);
    enum status status = vault_open(helper_config(helper)->data_dir, report, &keys->vault);
    return status == STATUS_OK ? signer_create(keys->vault, report, &keys->signer) : status;
}

/* ---- what is asked --------------------------------------------------------------------------- */

static struct vault_name keys_whose(struct channel_reader *reader)
{
    struct vault_name whose = {.tenant = channel_get_bytes(reader, DEPLOY_NAME_BYTES - 1)};
    whose.function = channel_get_bytes(reader, DEPLOY_NAME_BYTES - 1);
    whose.name = channel_get_bytes(reader, VAULT_NAME_BYTES_MAX);
    return whose;
}

/* Whoever sends it has checked it, or should have. */
static bool keys_are_valid(const struct vault_name *whose, bool wants_function, bool wants_name)
{
    return deploy_name_valid(whose->tenant) &&
           (whose->function.count > 0 ? deploy_name_valid(whose->function) : !wants_function) &&
           (wants_name ? vault_name_valid(whose->name) : whose->name.count == 0);
}

/* ---- workers --------------------------------------------------------------------------------- */

static void
keys_answer(struct keys *keys, const struct helper_caller *caller, uint64_t id, enum status status)
{
    uint8_t room[sizeof(uint32_t)];
    struct channel_writer writer = channel_writer(room, sizeof(room));
    channel_put_u32(&writer, status);
    const struct channel_message message = {.type = CHANNEL_MESSAGE_SECRET_VALUE,
                                            .id = id,
                                            .head = channel_written(&writer),
                                            .body = status == STATUS_OK ? buffer_bytes(&keys->value)
                                                                        : bytes_make(NULL, 0)};
    bool sent = helper_send(keys->helper, caller, &message);
    (void)sent; /* a worker that does not read has its deadline */
}

/* ---- signatures ------------------------------------------------------------------------------ */

static bool
keys_sign(struct keys *keys, const struct helper_caller *caller, const struct channel_frame *frame)
{
    struct report report = REPORT_INIT;
    uint8_t room[sizeof(uint32_t)];
    uint8_t signature[TLS_SIGNATURE_BYTES_MAX];
    size_t count = 0;
    struct channel_reader reader = channel_reader(frame->payload);
    struct signer_order order = {.key = channel_get_raw(&reader, TLS_KEY_DIGEST_BYTES)};
    order.scheme = channel_get_u32(&reader);
    order.message = channel_get_rest(&reader);
    if (!channel_reader_ends(&reader))
        return false;
    enum status status = signer_sign(keys->signer, &order, &report, signature, &count);
    if (status != STATUS_OK)
        log_message("error", "signature_failed", "%s", report.text);
    struct channel_writer writer = channel_writer(room, sizeof(room));
    channel_put_u32(&writer, status);
    const struct channel_message message = {.type = CHANNEL_MESSAGE_TLS_SIGNED,
                                            .id = frame->id,
                                            .head = channel_written(&writer),
                                            .body = bytes_make(signature, count)};
    bool sent = helper_send(keys->helper, caller, &message);
    (void)sent; /* a worker that does not read has its deadline */
    return true;
}

static bool keys_secret(struct keys *keys,
                        const struct helper_caller *caller,
                        const struct channel_frame *frame)
{
    struct report report = REPORT_INIT;
    struct channel_reader reader = channel_reader(frame->payload);
    struct vault_name whose = keys_whose(&reader);
    if (!channel_reader_ends(&reader) || !keys_are_valid(&whose, true, true))
        return false;
    keys->value.count = 0;
    enum status status = vault_get(keys->vault, &whose, &report, &keys->value);
    if (status != STATUS_OK && status != STATUS_NOT_FOUND)
        log_message("error", "secret_failed", "%s", report.text);
    keys_answer(keys, caller, frame->id, status);
    if (keys->value.data != NULL)
        sodium_memzero(keys->value.data, keys->value.capacity);
    return true;
}

static bool
keys_frame(void *context, const struct helper_caller *caller, const struct channel_frame *frame)
{
    switch (frame->type) {
    case CHANNEL_MESSAGE_SECRET_GET:
        return keys_secret(context, caller, frame);
    case CHANNEL_MESSAGE_TLS_SIGN:
        return keys_sign(context, caller, frame);
    default:
        return false;
    }
}

static void keys_gone(void *context, const struct helper_caller *caller)
{
    (void)context;
    (void)caller;
}

/* ---- control --------------------------------------------------------------------------------- */

static void keys_add_name(void *context, struct bytes name)
{
    struct buffer *names = context;
    if (buffer_append(names, name.data, name.count) == STATUS_OK)
        (void)!buffer_append(names, "", 1);
}

static void keys_done(struct keys *keys, uint64_t id, enum status status, struct bytes text)
{
    uint8_t room[sizeof(uint32_t)];
    struct channel_writer writer = channel_writer(room, sizeof(room));
    channel_put_u32(&writer, status);
    const struct channel_message message = {.type = CHANNEL_MESSAGE_SECRET_DONE,
                                            .id = id,
                                            .head = channel_written(&writer),
                                            .body = text};
    bool told = helper_tell(keys->helper, &message);
    (void)told; /* without control we end */
}

static enum status keys_change(struct keys *keys,
                               const struct channel_frame *frame,
                               const struct vault_name *whose,
                               struct bytes value,
                               struct report *report)
{
    switch (frame->type) {
    case CHANNEL_MESSAGE_SECRET_PUT:
        return vault_put(keys->vault, whose, value, report);
    case CHANNEL_MESSAGE_SECRET_REMOVE:
        return vault_remove(keys->vault, whose, report);
    case CHANNEL_MESSAGE_SECRET_FORGET:
        return vault_forget(keys->vault, whose, report);
    default:
        return vault_rotate(keys->vault, report);
    }
}

static void keys_list(struct keys *keys, uint64_t id, const struct vault_name *whose)
{
    struct report report = REPORT_INIT;
    struct buffer names;
    buffer_init(&names, KEYS_ANSWER_BYTES - sizeof(uint32_t));
    enum status status = vault_list(keys->vault, whose, keys_add_name, &names, &report);
    keys_done(keys, id, status,
              status == STATUS_OK ? buffer_bytes(&names) : bytes_of_text(report.text));
    buffer_done(&names);
}

/* Of a name that a private key of a certificate has (signer.c), its digest. */
static void keys_add_digest(void *context, struct bytes name)
{
    char text[2 * TLS_KEY_DIGEST_BYTES + 1];
    uint8_t digest[TLS_KEY_DIGEST_BYTES];
    struct buffer *digests = context;
    if (name.count != sizeof(text) || name.data[0] != 'k')
        return;
    memcpy(text, name.data + 1, sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    if (hex_decode(text, sizeof(digest), digest))
        (void)!buffer_append(digests, digest, sizeof(digest));
}

static void keys_list_private(struct keys *keys, uint64_t id)
{
    struct report report = REPORT_INIT;
    struct buffer digests;
    const struct vault_name nobodys = {0};
    buffer_init(&digests, VAULT_KEYS_MAX * TLS_KEY_DIGEST_BYTES);
    enum status status = vault_list(keys->vault, &nobodys, keys_add_digest, &digests, &report);
    keys_done(keys, id, status,
              status == STATUS_OK ? buffer_bytes(&digests) : bytes_of_text(report.text));
    buffer_done(&digests);
}

/* A private key to keep or remove. */
static bool keys_private(struct keys *keys, const struct channel_frame *frame)
{
    struct report report = REPORT_INIT;
    struct channel_reader reader = channel_reader(frame->payload);
    struct bytes key = channel_get_raw(&reader, TLS_KEY_DIGEST_BYTES);
    struct bytes pem = channel_get_rest(&reader);
    if (!channel_reader_ends(&reader))
        return false;
    enum status status = frame->type == CHANNEL_MESSAGE_TLS_KEY_PUT
                             ? signer_put(keys->signer, key, pem, &report)
                             : signer_remove(keys->signer, key, &report);
    keys_done(keys, frame->id, status, bytes_of_text(status == STATUS_OK ? "" : report.text));
    return true;
}

static enum status keys_make(struct keys *keys,
                             const struct channel_frame *frame,
                             struct report *report,
                             struct buffer *made)
{
    struct bytes name = bytes_make(frame->payload.data, TLS_KEY_DIGEST_BYTES);
    struct bytes rest = frame->payload;
    if (frame->type == CHANNEL_MESSAGE_TLS_KEY_REQUEST)
        return enroll_request(keys->signer, rest, report, made);
    rest = bytes_make(rest.data + TLS_KEY_DIGEST_BYTES, rest.count - TLS_KEY_DIGEST_BYTES);
    switch (frame->type) {
    case CHANNEL_MESSAGE_TLS_KEY_PROOF:
        return enroll_proof(keys->signer, rest, name, report, made);
    case CHANNEL_MESSAGE_ACME_ACCOUNT:
        return enroll_account(keys->vault, name, report, made);
    default:
        return enroll_sign(keys->vault, name, rest, report, made);
    }
}

/* What ACME wants made with a private key. */
static void keys_enroll(struct keys *keys, const struct channel_frame *frame)
{
    struct report report = REPORT_INIT;
    struct buffer made;
    buffer_init(&made, KEYS_ANSWER_BYTES - sizeof(uint32_t));
    enum status status = keys_make(keys, frame, &report, &made);
    keys_done(keys, frame->id, status,
              status == STATUS_OK ? buffer_bytes(&made) : bytes_of_text(report.text));
    buffer_done(&made);
}

static bool keys_is_enrolling(enum channel_type type)
{
    return type == CHANNEL_MESSAGE_TLS_KEY_REQUEST || type == CHANNEL_MESSAGE_TLS_KEY_PROOF ||
           type == CHANNEL_MESSAGE_ACME_ACCOUNT || type == CHANNEL_MESSAGE_ACME_SIGN;
}

/* All of the vault, for a backup. */
static void keys_export(struct keys *keys, const struct channel_frame *frame)
{
    struct report report = REPORT_INIT;
    enum status status = export_vault(keys->vault, frame->payload, frame->fd, &report);
    (void)close(frame->fd);
    keys_done(keys, frame->id, status, bytes_of_text(status == STATUS_OK ? "" : report.text));
}

static bool keys_control(void *context, const struct channel_frame *frame)
{
    struct keys *keys = context;
    struct report report = REPORT_INIT;
    if (frame->type == CHANNEL_MESSAGE_VAULT_EXPORT) {
        keys_export(keys, frame);
        return true;
    }
    if (frame->type == CHANNEL_MESSAGE_TLS_KEY_PUT || frame->type == CHANNEL_MESSAGE_TLS_KEY_REMOVE)
        return keys_private(keys, frame);
    if (frame->type == CHANNEL_MESSAGE_TLS_KEYS_LIST) {
        keys_list_private(keys, frame->id);
        return true;
    }
    if (keys_is_enrolling(frame->type)) {
        keys_enroll(keys, frame);
        return true;
    }
    struct channel_reader reader = channel_reader(frame->payload);
    bool rotates = frame->type == CHANNEL_MESSAGE_SECRET_ROTATE;
    bool puts = frame->type == CHANNEL_MESSAGE_SECRET_PUT;
    struct vault_name whose = rotates ? (struct vault_name){0} : keys_whose(&reader);
    struct bytes value = puts ? channel_get_rest(&reader) : bytes_make(NULL, 0);
    bool one = puts || frame->type == CHANNEL_MESSAGE_SECRET_REMOVE;
    bool list = frame->type == CHANNEL_MESSAGE_SECRET_LIST;
    if (!channel_reader_ends(&reader) || (!rotates && !keys_are_valid(&whose, one || list, one)))
        return false;
    if (list) {
        keys_list(keys, frame->id, &whose);
        return true;
    }
    enum status status = keys_change(keys, frame, &whose, value, &report);
    keys_done(keys, frame->id, status, bytes_of_text(status == STATUS_OK ? "" : report.text));
    return true;
}

int keys_main(void)
{
    struct keys keys = {0};
    const struct helper_ops ops = {.end = CHANNEL_KEYS,
                                   .role = WALLS_KEYS,
                                   .start = keys_start,
                                   .frame = keys_frame,
                                   .gone = keys_gone,
                                   .control = keys_control,
                                   .context = &keys};
    return helper_main(&ops);
}
