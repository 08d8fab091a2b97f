/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Encoders against the libraries' own decoders: each piece can be decoded when it has come.
 */
#include <zlib.h>
#include <zstd.h>

#include "server/request/encoder.h"
#include "tests/support/unit.h"

#define PIECE_BYTES 65536
#define PIECES      6
#define TEXT_BYTES  (PIECE_BYTES * PIECES)
#define CODED_BYTES (TEXT_BYTES + TEXT_BYTES / 64 + 1024 * (PIECES + 1))
#define LCG_FACTOR  1664525u
#define LCG_ADDEND  1013904223u

static uint8_t text[TEXT_BYTES];
static uint8_t coded[CODED_BYTES];
static uint8_t decoded[TEXT_BYTES + 1];

/* What is decoded of the first `count` bytes of `coded`. */
static size_t decode_gzip(size_t count)
{
    z_stream stream = {.next_in = coded,
                       .avail_in = (uInt)count,
                       .next_out = decoded,
                       .avail_out = sizeof(decoded)};
    assert_int_equal(inflateInit2(&stream, 31), Z_OK);
    int result = inflate(&stream, Z_SYNC_FLUSH);
    assert_true(result == Z_OK || result == Z_STREAM_END || result == Z_BUF_ERROR);
    size_t left = stream.avail_out;
    assert_int_equal(inflateEnd(&stream), Z_OK);
    return sizeof(decoded) - left;
}

static size_t decode_zstd(size_t count)
{
    ZSTD_DCtx *context = ZSTD_createDCtx();
    ZSTD_outBuffer out = {.dst = decoded, .size = sizeof(decoded)};
    ZSTD_inBuffer in = {.src = coded, .size = count};
    while (in.pos < in.size)
        assert_false(ZSTD_isError(ZSTD_decompressStream(context, &out, &in)));
    (void)ZSTD_freeDCtx(context);
    return out.pos;
}

static size_t (*const decoders[ENCODER_METHODS])(size_t count) = {
    [ENCODER_ZSTD] = decode_zstd,
    [ENCODER_GZIP] = decode_gzip,
};

/* Bytes that no coding makes smaller, if `is_noise`; else lines. */
static void fill_text(bool is_noise)
{
    uint32_t word = 1;
    for (size_t i = 0; i < TEXT_BYTES; i++) {
        word = word * LCG_FACTOR + LCG_ADDEND;
        text[i] = is_noise ? (uint8_t)(word >> 24) : (uint8_t)("<li>item</li>\n"[i % 14]);
    }
}

static void encode_in_pieces(struct encoder *encoder, size_t piece_bytes, size_t (*decode)(size_t))
{
    size_t count = 0;
    for (size_t at = 0; at < TEXT_BYTES; at += piece_bytes) {
        struct bytes piece = bytes_make(text + at, MIN(piece_bytes, TEXT_BYTES - at));
        size_t made = encoder_piece(encoder, piece, at + piece_bytes >= TEXT_BYTES, coded + count);
        assert_true(made <= encoder_room(piece.count));
        count += made;
        assert_int_equal(decode(count), at + piece.count);
    }
    assert_memory_equal(decoded, text, TEXT_BYTES);
}

static void each_piece_can_be_decoded_when_it_has_come(void **state)
{
    (void)state;
    struct encoders encoders = {0};
    for (int noise = 0; noise < 2; noise++) {
        fill_text(noise);
        for (int method = 0; method < ENCODER_METHODS; method++) {
            struct encoder *encoder = encoders_take(&encoders, (enum encoder_method)method);
            assert_non_null(encoder);
            encode_in_pieces(encoder, PIECE_BYTES, decoders[method]);
            encoders_give_back(&encoders, encoder);
        }
    }
    encoders_done(&encoders);
}

static void one_that_was_left_in_the_middle_begins_anew(void **state)
{
    (void)state;
    struct encoders encoders = {0};
    fill_text(false);
    for (int method = 0; method < ENCODER_METHODS; method++) {
        struct encoder *encoder = encoders_take(&encoders, (enum encoder_method)method);
        (void)encoder_piece(encoder, bytes_of_text("of another answer"), false, coded);
        encoders_give_back(&encoders, encoder);
        struct encoder *again = encoders_take(&encoders, (enum encoder_method)method);
        assert_ptr_equal(again, encoder); /* it was kept */
        encode_in_pieces(again, TEXT_BYTES, decoders[method]);
        encoders_give_back(&encoders, again);
    }
    encoders_done(&encoders);
}

static void nothing_has_a_beginning_and_an_end(void **state)
{
    (void)state;
    struct encoders encoders = {0};
    for (int method = 0; method < ENCODER_METHODS; method++) {
        struct encoder *encoder = encoders_take(&encoders, (enum encoder_method)method);
        size_t count = encoder_piece(encoder, bytes_make(NULL, 0), true, coded);
        assert_in_range(count, 1, 64);
        assert_int_equal(decoders[method](count), 0);
        encoders_give_back(&encoders, encoder);
    }
    encoders_done(&encoders);
}

static void there_are_so_many_and_each_says_what_it_holds(void **state)
{
    (void)state;
    struct encoders encoders = {0};
    struct encoder *taken[ENCODERS_MAX];
    for (size_t i = 0; i < ENCODERS_MAX; i++) {
        taken[i] = encoders_take(&encoders, (enum encoder_method)(i % ENCODER_METHODS));
        assert_non_null(taken[i]);
        assert_in_range(encoder_memory_bytes(taken[i]), 100 << 10, 1 << 20);
    }
    assert_null(encoders_take(&encoders, ENCODER_GZIP));
    for (size_t i = 0; i < ENCODERS_MAX; i++)
        encoders_give_back(&encoders, taken[i]);
    assert_int_equal(encoders.in_use, 0);
    encoders_done(&encoders);
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_piece_can_be_decoded_when_it_has_come),
        cmocka_unit_test(one_that_was_left_in_the_middle_begins_anew),
        cmocka_unit_test(nothing_has_a_beginning_and_an_end),
        cmocka_unit_test(there_are_so_many_and_each_says_what_it_holds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
