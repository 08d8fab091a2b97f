/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gzip and deflate for the streams of compression: zlib, in the guest, where its time is the
 * request's fuel and its memory the request's memory.
 */
#include <zlib.h>

#include "hostapi/javascript/guest/guest.h"

#define CODEC_STREAMS_MAX 16
#define CODEC_PIECE_BYTES 65536
#define CODEC_GZIP        16 /* added to the window's bits: with gzip's head */

struct codec {
    z_stream stream;
    bool compresses;
    bool ended; /* the data did, by what it says itself */
};

static struct codec codecs[CODEC_STREAMS_MAX];
static uint32_t codec_count;

/* (format: 0 gzip, 1 zlib's, 2 raw; compresses) -> its number */
static JSValue codec_open(JSContext *context, JSValueConst self, int argc, JSValueConst *argv)
{
    (void)self, (void)argc;
    static const int windows[] = {MAX_WBITS + CODEC_GZIP, MAX_WBITS, -MAX_WBITS};
    uint32_t format;
    if (JS_ToUint32(context, &format, argv[0]) != 0)
        return JS_EXCEPTION;
    if (codec_count == CODEC_STREAMS_MAX || format > 2)
        return JS_ThrowRangeError(context, "a request has at most %d streams of compression",
                                  CODEC_STREAMS_MAX);
    struct codec *codec = &codecs[codec_count];
    codec->compresses = JS_ToBool(context, argv[1]) > 0;
    int done = codec->compresses
                   ? deflateInit2(&codec->stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED,
                                  windows[format], MAX_MEM_LEVEL - 1, Z_DEFAULT_STRATEGY)
                   : inflateInit2(&codec->stream, windows[format]);
    return done == Z_OK ? JS_NewUint32(context, codec_count++) : JS_ThrowOutOfMemory(context);
}

/* The next piece of what is made; false with an exception. */
static bool codec_step(JSContext *context, struct codec *codec, bool is_last, bool *ret_more)
{
    z_stream *stream = &codec->stream;
    int done = codec->compresses ? deflate(stream, is_last ? Z_FINISH : Z_NO_FLUSH)
                                 : inflate(stream, Z_NO_FLUSH);
    codec->ended = done == Z_STREAM_END;
    if (done != Z_OK && done != Z_STREAM_END && done != Z_BUF_ERROR) {
        JS_ThrowTypeError(context, "the compressed data is damaged: %s",
                          stream->msg == NULL ? "it makes no sense" : stream->msg);
        return false;
    }
    *ret_more = !codec->ended && stream->avail_out == 0;
    return true;
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
        codec->stream.next_out = made + *ret_count;
        codec->stream.avail_out = (uInt)(room - *ret_count);
        if (!codec_step(context, codec, is_last, &more))
            return NULL;
        *ret_count = room - codec->stream.avail_out;
    }
    return made;
}

/* (number, bytes, is the last) -> Uint8Array */
static JSValue codec_write(JSContext *context, JSValueConst self, int argc, JSValueConst *argv)
{
    (void)self, (void)argc;
    uint32_t number;
    size_t count;
    bool is_last = JS_ToBool(context, argv[2]) > 0;
    const uint8_t *bytes = guest_bytes(context, argv[1], &count);
    if ((bytes == NULL && count > 0) || JS_ToUint32(context, &number, argv[0]) != 0 ||
        number >= codec_count)
        return JS_EXCEPTION;
    struct codec *codec = &codecs[number];
    if (codec->ended && count > 0)
        return JS_ThrowTypeError(context, "there is more behind the end of the compressed data");
    codec->stream.next_in = (uint8_t *)(uintptr_t)bytes;
    codec->stream.avail_in = (uInt)count;
    uint8_t *made = codec->ended ? NULL : codec_run(context, codec, is_last, &count);
    if (codec->ended && made == NULL)
        return JS_NewUint8ArrayCopy(context, NULL, 0);
    if (made == NULL)
        return JS_EXCEPTION;
    JSValue value = JS_NewUint8ArrayCopy(context, made, count);
    free(made);
    if (codec->ended && codec->stream.avail_in > 0)
        return JS_ThrowTypeError(context, "there is more behind the end of the compressed data");
    if (is_last && !codec->ended)
        return JS_ThrowTypeError(context, "the compressed data is not whole");
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
