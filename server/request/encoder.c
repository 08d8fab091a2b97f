/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Level 1 of both: of 64 KiB of HTML zstd takes 0.16 ms and leaves a quarter, gzip takes 0.53 ms
 * and leaves a third; higher levels take twice that for a tenth less. zstd's window is 64 KiB, so
 * that an encoder is not larger than gzip's.
 */
#include "server/request/encoder.h"

#include <stdlib.h>
#include <zlib.h>
#include <zstd.h>

#include "engine/base/macros.h"

#define ENCODER_LEVEL       1
#define ZSTD_WINDOW_LOG     16
#define GZIP_WINDOW_BITS    (15 + 16) /* + 16: gzip's head and end, not zlib's */
#define GZIP_MEMORY_LEVEL   8
#define GZIP_MEMORY_BYTES   (256 << 10) /* as zlib.h says of these two */
#define ENCODER_FRAME_BYTES 1024        /* heads, ends and flushes, generously */

struct encoder {
    enum encoder_method method;
    union {
        ZSTD_CCtx *zstd;
        z_stream gzip;
    };
};

/* ---- zstd ------------------------------------------------------------------------------------ */

static bool encoder_zstd_make(struct encoder *encoder)
{
    encoder->zstd = ZSTD_createCCtx();
    if (encoder->zstd == NULL)
        return false;
    ZSTD_outBuffer nowhere = {0};
    ZSTD_inBuffer nothing = {0};
    /* Its tables are allocated with the first call, and not later. */
    bool ok =
        !ZSTD_isError(
            ZSTD_CCtx_setParameter(encoder->zstd, ZSTD_c_compressionLevel, ENCODER_LEVEL)) &&
        !ZSTD_isError(ZSTD_CCtx_setParameter(encoder->zstd, ZSTD_c_windowLog, ZSTD_WINDOW_LOG)) &&
        !ZSTD_isError(ZSTD_compressStream2(encoder->zstd, &nowhere, &nothing, ZSTD_e_continue));
    if (!ok)
        (void)ZSTD_freeCCtx(encoder->zstd);
    return ok;
}

static void encoder_zstd_reset(struct encoder *encoder)
{
    (void)ZSTD_CCtx_reset(encoder->zstd, ZSTD_reset_session_only);
}

static void encoder_zstd_free(struct encoder *encoder)
{
    (void)ZSTD_freeCCtx(encoder->zstd);
}

static uint64_t encoder_zstd_bytes(const struct encoder *encoder)
{
    return ZSTD_sizeof_CCtx(encoder->zstd);
}

static size_t
encoder_zstd_piece(struct encoder *encoder, struct bytes piece, bool is_last, uint8_t *ret_data)
{
    ZSTD_outBuffer out = {.dst = ret_data, .size = encoder_room(piece.count)};
    ZSTD_inBuffer in = {.src = piece.data, .size = piece.count};
    size_t left =
        ZSTD_compressStream2(encoder->zstd, &out, &in, is_last ? ZSTD_e_end : ZSTD_e_flush);
    ASSERT(left == 0 && in.pos == in.size);
    return out.pos;
}

/* ---- gzip ------------------------------------------------------------------------------------ */

static bool encoder_gzip_make(struct encoder *encoder)
{
    return deflateInit2(&encoder->gzip, ENCODER_LEVEL, Z_DEFLATED, GZIP_WINDOW_BITS,
                        GZIP_MEMORY_LEVEL, Z_DEFAULT_STRATEGY) == Z_OK;
}

static void encoder_gzip_reset(struct encoder *encoder)
{
    (void)deflateReset(&encoder->gzip);
}

static void encoder_gzip_free(struct encoder *encoder)
{
    (void)deflateEnd(&encoder->gzip);
}

static uint64_t encoder_gzip_bytes(const struct encoder *encoder)
{
    (void)encoder;
    return GZIP_MEMORY_BYTES;
}

static size_t
encoder_gzip_piece(struct encoder *encoder, struct bytes piece, bool is_last, uint8_t *ret_data)
{
    z_stream *stream = &encoder->gzip;
    size_t room = encoder_room(piece.count);
    /* zlib writes through neither, but its fields say that it may. */
    stream->next_in = (Bytef *)(uintptr_t)piece.data;
    stream->avail_in = (uInt)piece.count;
    stream->next_out = ret_data;
    stream->avail_out = (uInt)room;
    int result = deflate(stream, is_last ? Z_FINISH : Z_SYNC_FLUSH);
    /* BUF_ERROR: a piece of nothing, right behind another. */
    ASSERT(is_last ? result == Z_STREAM_END : (result == Z_OK || result == Z_BUF_ERROR));
    ASSERT(stream->avail_in == 0 && stream->avail_out > 0);
    return room - stream->avail_out;
}

/* ---- either ---------------------------------------------------------------------------------- */

static const struct encoder_row {
    const char *name;
    bool (*make)(struct encoder *encoder);
    void (*reset)(struct encoder *encoder);
    void (*free)(struct encoder *encoder);
    uint64_t (*bytes)(const struct encoder *encoder);
    size_t (*piece)(struct encoder *encoder, struct bytes piece, bool is_last, uint8_t *ret_data);
} encoder_rows[ENCODER_METHODS] = {
    [ENCODER_ZSTD] = {"zstd", encoder_zstd_make, encoder_zstd_reset, encoder_zstd_free,
                      encoder_zstd_bytes, encoder_zstd_piece},
    [ENCODER_GZIP] = {"gzip", encoder_gzip_make, encoder_gzip_reset, encoder_gzip_free,
                      encoder_gzip_bytes, encoder_gzip_piece},
};

const char *encoder_name(enum encoder_method method)
{
    return encoder_rows[method].name;
}

static struct encoder *encoder_make(enum encoder_method method)
{
    struct encoder *encoder = calloc(1, sizeof(*encoder));
    if (encoder == NULL)
        return NULL;
    encoder->method = method;
    if (encoder_rows[method].make(encoder))
        return encoder;
    free(encoder);
    return NULL;
}

static void encoder_free(struct encoder *encoder)
{
    encoder_rows[encoder->method].free(encoder);
    free(encoder);
}

struct encoder *encoders_take(struct encoders *encoders, enum encoder_method method)
{
    if (encoders->in_use == ENCODERS_MAX)
        return NULL;
    struct encoder *encoder = encoders->idle[method];
    if (encoder == NULL)
        encoder = encoder_make(method);
    if (encoder == NULL)
        return NULL;
    encoders->idle[method] = NULL;
    encoders->in_use++;
    return encoder;
}

void encoders_give_back(struct encoders *encoders, struct encoder *encoder)
{
    ASSERT(encoders->in_use > 0);
    encoders->in_use--;
    if (encoders->idle[encoder->method] != NULL) {
        encoder_free(encoder);
        return;
    }
    encoder_rows[encoder->method].reset(encoder);
    encoders->idle[encoder->method] = encoder;
}

void encoders_done(struct encoders *encoders)
{
    ASSERT(encoders->in_use == 0);
    for (size_t i = 0; i < ENCODER_METHODS; i++) {
        if (encoders->idle[i] != NULL)
            encoder_free(encoders->idle[i]);
        encoders->idle[i] = NULL;
    }
}

uint64_t encoder_memory_bytes(const struct encoder *encoder)
{
    return encoder_rows[encoder->method].bytes(encoder);
}

size_t encoder_room(size_t count)
{
    return count + count / 64 + ENCODER_FRAME_BYTES;
}

size_t encoder_piece(struct encoder *encoder, struct bytes piece, bool is_last, uint8_t *ret_data)
{
    return encoder_rows[encoder->method].piece(encoder, piece, is_last, ret_data);
}
