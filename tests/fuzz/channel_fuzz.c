/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Property: what a channel takes for a frame is one of the table, lies within the bytes that came,
 * and is the same however they were cut; and what is read of its payload lies within it.
 *
 *   | which ends | how to read | frames |
 */
#include "engine/base/macros.h"
#include "server/channel/frames.h"
#include "tests/fuzz/run.h"

static void read_payload(struct bytes payload, uint8_t how)
{
    struct channel_reader reader = channel_reader(payload);
    for (uint8_t i = 0; i < 8; i++) {
        switch ((how >> i & 1) + (i % 3) * 2) {
        case 0:
            (void)channel_get_u8(&reader);
            break;
        case 1:
            (void)channel_get_u16(&reader);
            break;
        case 2:
            (void)channel_get_u32(&reader);
            break;
        case 3:
            (void)channel_get_u64(&reader);
            break;
        default: {
            struct bytes bytes = channel_get_bytes(&reader, (size_t)how * 4);
            ASSERT(bytes.count <= (size_t)how * 4);
            ASSERT(bytes.count == 0 || (bytes.data >= payload.data &&
                                        bytes.data + bytes.count <= payload.data + payload.count));
        }
        }
        ASSERT(!reader.bad || !channel_reader_ends(&reader));
    }
}

/* The same with each byte alone: at most the outcome comes sooner. */
static void parse_cut(struct bytes bytes,
                      enum channel_end own,
                      enum channel_end peer,
                      enum channel_parse whole,
                      size_t whole_bytes)
{
    for (size_t count = 0; count <= MIN(bytes.count, (size_t)64); count++) {
        struct channel_frame frame;
        size_t wanted;
        enum channel_parse cut =
            channel_parse(bytes_make(bytes.data, count), own, peer, &frame, &wanted);
        ASSERT(cut != CHANNEL_PARSE_FRAME ||
               (whole == CHANNEL_PARSE_FRAME && wanted == whole_bytes));
        ASSERT((cut == CHANNEL_PARSE_BROKEN) ==
               (whole == CHANNEL_PARSE_BROKEN && count >= CHANNEL_HEAD_BYTES));
        ASSERT(cut != CHANNEL_PARSE_MORE || wanted == 0 || wanted > count);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    enum channel_end own = data[0] % CHANNEL_END_COUNT;
    enum channel_end peer = data[0] / CHANNEL_END_COUNT % CHANNEL_END_COUNT;
    struct bytes bytes = bytes_make(data + 2, size - 2);
    size_t wanted;
    enum channel_parse parsed;
    do {
        struct channel_frame frame;
        parsed = channel_parse(bytes, own, peer, &frame, &wanted);
        parse_cut(bytes, own, peer, parsed, wanted);
        if (parsed != CHANNEL_PARSE_FRAME)
            continue;
        ASSERT(channel_may_send(frame.type, peer, own, frame.payload.count));
        ASSERT(wanted == CHANNEL_HEAD_BYTES + frame.payload.count && wanted <= bytes.count);
        ASSERT(wanted <= channel_frame_max_bytes(own, peer));
        ASSERT(frame.payload.data == bytes.data + CHANNEL_HEAD_BYTES);
        read_payload(frame.payload, data[1]);
        bytes = bytes_make(bytes.data + wanted, bytes.count - wanted);
    } while (parsed == CHANNEL_PARSE_FRAME);
    return 0;
}
