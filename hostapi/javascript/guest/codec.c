/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gzip, deflate and brotli for the streams of compression: zlib and libbrotli, in the guest, where
 * their time is the request's fuel and their memory the request's memory.
 *
 *   codec_open --> codec_write ... --> codec_write, the last, which closes; so does a failure
 *                     '--> codec_run: pieces of what is made, by the format's step
 */
#include <brotli/decode.h>
#include <brotli/encode.h>
#include <zlib.h>

#include "hostapi/javascript/guest/guest.h"

#define CODEC_PIECE_BYTES 65536
#define CODEC_GZIP        16 /* added to the window's bits: with gzip's head */
/* Smaller than gzip at its usual level, and sooner done; the levels above take several times as
 * long. A window of 256 KiB bounds what a stream's encoder needs. */
#define CODEC_BROTLI_QUALITY 5
#define CODEC_BROTLI_WINDOW  18

struct codec {
    const struct codec_format *format;
    bool compresses;
    bool ended; /* the data did, by what it says itself */
    const uint8_t *in;
    size_t in_count;
    uint8_t *out;
    size_t out_count; /* of room */
    z_stream zlib;
    BrotliEncoderState *encoder;
    BrotliDecoderState *decoder;
};

struct codec_format {
    int window; /* what zlib is told */
    bool (*open)(struct codec *codec);
    /* Makes what there is room for. NULL, or what is wrong with the data. */
    const char *(*step)(struct codec *codec, bool is_last, bool *ret_more);
    void (*close)(struct codec *codec);
};

static struct codec **codecs; /* by their numbers; NULL: closed */
static uint32_t codec_count;

/* ---- zlib ------------------------------------------------------------------------------------ */

static bool codec_zlib_open(struct codec *codec)
{
    int window = codec->format->window;
    return Z_OK == (codec->compresses
                        ? deflateInit2(&codec->zlib, Z_DEFAULT_COMPRESSION, Z_DEFLATED, window,
                                       MAX_MEM_LEVEL - 1, Z_DEFAULT_STRATEGY)
                        : inflateInit2(&codec->zlib, window));
}

static const char *codec_zlib_step(struct codec *codec, bool is_last, bool *ret_more)
{
    z_stream *stream = &codec->zlib;
    stream->next_in = (uint8_t *)(uintptr_t)codec->in;
    stream->avail_in = (uInt)codec->in_count;
    stream->next_out = codec->out;
    stream->avail_out = (uInt)codec->out_count;
    int done = codec->compresses ? deflate(stream, is_last ? Z_FINISH : Z_NO_FLUSH)
                                 : inflate(stream, Z_NO_FLUSH);
    codec->in = stream->next_in;
    codec->in_count = stream->avail_in;
    codec->out_count = stream->avail_out;
    codec->ended = done == Z_STREAM_END;
    *ret_more = !codec->ended && codec->out_count == 0;
    if (done == Z_OK || done == Z_STREAM_END || done == Z_BUF_ERROR)
        return NULL;
    return stream->msg == NULL ? "it makes no sense" : stream->msg;
}

static void codec_zlib_close(struct codec *codec)
{
    (void)(codec->compresses ? deflateEnd(&codec->zlib) : inflateEnd(&codec->zlib));
}

/* ---- brotli ---------------------------------------------------------------------------------- */

static bool codec_brotli_open(struct codec *codec)
{
    if (!codec->compresses) {
        codec->decoder = BrotliDecoderCreateInstance(NULL, NULL, NULL);
        return codec->decoder != NULL;
    }
    codec->encoder = BrotliEncoderCreateInstance(NULL, NULL, NULL);
    return codec->encoder != NULL &&
           BrotliEncoderSetParameter(codec->encoder, BROTLI_PARAM_QUALITY, CODEC_BROTLI_QUALITY) &&
           BrotliEncoderSetParameter(codec->encoder, BROTLI_PARAM_LGWIN, CODEC_BROTLI_WINDOW);
}

static const char *codec_brotli_encode(struct codec *codec, bool is_last, bool *ret_more)
{
    BrotliEncoderOperation operation = is_last ? BROTLI_OPERATION_FINISH : BROTLI_OPERATION_PROCESS;
    if (!BrotliEncoderCompressStream(codec->encoder, operation, &codec->in_count, &codec->in,
                                     &codec->out_count, &codec->out, NULL))
        return "it cannot be encoded";
    codec->ended = BrotliEncoderIsFinished(codec->encoder);
    *ret_more = codec->in_count > 0 || BrotliEncoderHasMoreOutput(codec->encoder);
    return NULL;
}

static const char *codec_brotli_step(struct codec *codec, bool is_last, bool *ret_more)
{
    if (codec->compresses)
        return codec_brotli_encode(codec, is_last, ret_more);
    BrotliDecoderResult done = BrotliDecoderDecompressStream(
        codec->decoder, &codec->in_count, &codec->in, &codec->out_count, &codec->out, NULL);
    codec->ended = done == BROTLI_DECODER_RESULT_SUCCESS;
    *ret_more = done == BROTLI_DECODER_RESULT_NEEDS_MORE_OUTPUT;
    return done == BROTLI_DECODER_RESULT_ERROR
               ? BrotliDecoderErrorString(BrotliDecoderGetErrorCode(codec->decoder))
               : NULL;
}

static void codec_brotli_close(struct codec *codec)
{
    BrotliEncoderDestroyInstance(codec->encoder);
    BrotliDecoderDestroyInstance(codec->decoder);
}

/* ---- streams --------------------------------------------------------------------------------- */

/* In the order of codec.js. */
static const struct codec_format codec_formats[] = {
    {MAX_WBITS + CODEC_GZIP, codec_zlib_open, codec_zlib_step, codec_zlib_close}, /* gzip */
    {MAX_WBITS, codec_zlib_open, codec_zlib_step, codec_zlib_close},              /* deflate */
    {-MAX_WBITS, codec_zlib_open, codec_zlib_step, codec_zlib_close},             /* deflate-raw */
    {0, codec_brotli_open, codec_brotli_step, codec_brotli_close},                /* brotli */
};

/* A number that is free; false: there is no memory for one more. */
static bool codec_find_place(uint32_t *ret_number)
{
    uint32_t number = 0;
    while (number < codec_count && codecs[number] != NULL)
        number++;
    if (number == codec_count) {
        struct codec **grown = realloc(codecs, (codec_count + 1) * sizeof(*codecs));
        if (grown == NULL)
            return false;
        codecs = grown;
        codecs[codec_count++] = NULL;
    }
    *ret_number = number;
    return true;
}

/* (format, compresses) -> its number */
static JSValue codec_open(JSContext *context, JSValueConst self, int argc, JSValueConst *argv)
{
    (void)self, (void)argc;
    uint32_t format;
    uint32_t number;
    if (JS_ToUint32(context, &format, argv[0]) != 0)
        return JS_EXCEPTION;
    struct codec *codec = calloc(1, sizeof(*codec));
    if (codec == NULL || !codec_find_place(&number))
        return JS_ThrowOutOfMemory(context);
    codec->format = &codec_formats[format];
    codec->compresses = JS_ToBool(context, argv[1]) > 0;
    if (!codec->format->open(codec))
        return JS_ThrowOutOfMemory(context);
    codecs[number] = codec;
    return JS_NewUint32(context, number);
}

/* All that comes of the input, malloc's; NULL with an exception. */
static uint8_t *codec_run(JSContext *context, struct codec *codec, bool is_last, size_t *ret_count)
{
    uint8_t *made = NULL;
    size_t room = 0;
    bool more = true;
    *ret_count = 0;
    while (more) {
        room += CODEC_PIECE_BYTES;
        uint8_t *grown = realloc(made, room);
        if (grown == NULL) {
            JS_ThrowOutOfMemory(context);
            return NULL;
        }
        made = grown;
        codec->out = made + *ret_count;
        codec->out_count = room - *ret_count;
        const char *wrong = codec->format->step(codec, is_last, &more);
        if (wrong != NULL) {
            JS_ThrowTypeError(context, "the compressed data is damaged: %s", wrong);
            return NULL;
        }
        *ret_count = room - codec->out_count;
    }
    return made;
}

static JSValue codec_feed(JSContext *context, struct codec *codec, JSValueConst piece, bool is_last)
{
    size_t count;
    codec->in = guest_bytes(context, piece, &codec->in_count);
    if (codec->in == NULL && codec->in_count > 0)
        return JS_EXCEPTION;
    uint8_t *made = NULL;
    if (!codec->ended && (made = codec_run(context, codec, is_last, &count)) == NULL)
        return JS_EXCEPTION;
    JSValue value = JS_NewUint8ArrayCopy(context, made, made == NULL ? 0 : count);
    free(made);
    if (codec->ended && codec->in_count > 0)
        return JS_ThrowTypeError(context, "there is more behind the end of the compressed data");
    if (is_last && !codec->ended)
        return JS_ThrowTypeError(context, "the compressed data is not whole");
    return value;
}

/* (number, bytes, is the last) -> Uint8Array */
static JSValue codec_write(JSContext *context, JSValueConst self, int argc, JSValueConst *argv)
{
    (void)self, (void)argc;
    uint32_t number;
    bool is_last = JS_ToBool(context, argv[2]) > 0;
    if (JS_ToUint32(context, &number, argv[0]) != 0 || number >= codec_count ||
        codecs[number] == NULL)
        return JS_EXCEPTION;
    struct codec *codec = codecs[number];
    JSValue value = codec_feed(context, codec, argv[1], is_last);
    if (is_last || JS_IsException(value)) {
        codec->format->close(codec);
        free(codec);
        codecs[number] = NULL;
    }
    return value;
}

void codec_add(void)
{
    static const JSCFunctionListEntry functions[] = {
        GUEST_FUNCTION("codecOpen", 2, codec_open),
        GUEST_FUNCTION("codecWrite", 3, codec_write),
    };
    guest_add(functions, sizeof(functions) / sizeof(functions[0]));
}
