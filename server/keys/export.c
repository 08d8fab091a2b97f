/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Written in pieces, without a step in between that another message could come into.
 */
#include "server/keys/export.h"

#include <endian.h>
#include <sodium.h>
#include <stdlib.h>

#include "deploy/recipient.h"
#include "engine/base/io.h"

#define EXPORT_PIECE_BYTES 65536
#define EXPORT_ROOM_BYTES  (3 * EXPORT_PIECE_BYTES) /* a piece, and the largest record */

struct export
{
    int fd;
    struct buffer out;
    struct report *report;
};

static enum status export_flush(struct export *export)
{
    if (io_write_all(export->fd, buffer_bytes(&export->out)) != STATUS_OK)
        return report_errno(export->report, "cannot write the vault's copy");
    export->out.count = 0;
    return STATUS_OK;
}

static enum status export_put(struct export *export, struct bytes data)
{
    if (buffer_append(&export->out, data.data, data.count) != STATUS_OK)
        return report_fail(export->report, STATUS_NO_MEMORY, REPORT_OFFSET_NONE, "out of memory");
    return export->out.count < EXPORT_PIECE_BYTES ? STATUS_OK : export_flush(export);
}

static enum status export_put_u32(struct export *export, size_t value)
{
    const uint32_t little = htole32((uint32_t)value);
    return export_put(export, bytes_make(&little, sizeof(little)));
}

static enum status export_put_counted(struct export *export, struct bytes data)
{
    enum status status = export_put_u32(export, data.count);
    return status == STATUS_OK ? export_put(export, data) : status;
}

/* The keys, for the recipient's eyes. */
static enum status
export_put_keys(struct export *export, struct bytes keys, const struct recipient *recipient)
{
    size_t count = crypto_box_SEALBYTES + keys.count;
    uint8_t *sealed = malloc(count);
    if (sealed == NULL || crypto_box_seal(sealed, keys.data, keys.count, recipient->key) != 0) {
        free(sealed);
        return report_fail(export->report, STATUS_INVALID, REPORT_OFFSET_NONE,
                           "the keys cannot be sealed for that recipient");
    }
    enum status status = export_put_counted(export, bytes_make(sealed, count));
    free(sealed);
    return status;
}

static enum status export_take(void *context, struct bytes name, struct bytes box)
{
    struct export *export = context;
    enum status status = export_put_u32(export, name.count);
    if (status == STATUS_OK)
        status = export_put_u32(export, box.count);
    if (status == STATUS_OK)
        status = export_put(export, name);
    return status == STATUS_OK ? export_put(export, box) : status;
}

enum status export_vault(struct vault *vault, struct bytes recipient, int fd, struct report *report)
{
    struct recipient parsed;
    struct export export = {.fd = fd, .report = report};
    if (!recipient_parse(recipient, &parsed))
        return report_fail(report, STATUS_INVALID, REPORT_OFFSET_NONE,
                           "that is nobody to seal secrets for");
    buffer_init(&export.out, EXPORT_ROOM_BYTES);
    enum status status =
        export_put(&export, bytes_make(VAULT_EXPORT_MAGIC, VAULT_EXPORT_MAGIC_BYTES));
    if (status == STATUS_OK)
        status = export_put_counted(&export, recipient);
    if (status == STATUS_OK)
        status = export_put_keys(&export, vault_keys(vault), &parsed);
    if (status == STATUS_OK)
        status = vault_each_box(vault, export_take, &export, report);
    if (status == STATUS_OK)
        status = export_flush(&export);
    buffer_done(&export.out);
    return status;
}
