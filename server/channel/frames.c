/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of messages, and numbers in bytes.
 */
#include "server/channel/frames.h"

#include <string.h>

#include "engine/base/macros.h"

#define FRAME_LENGTH_BYTES sizeof(uint32_t)

struct frames_row {
    enum channel_end from;
    enum channel_end to;
    uint32_t min_bytes;
    uint32_t max_bytes;
    bool fds;
};

static const struct frames_row frames_rows[CHANNEL_TYPE_COUNT] = {
#define MESSAGE(NAME, FROM, TO, min_bytes_, max_bytes_, fds_, text)                                \
    [CHANNEL_MESSAGE_##NAME] = {.from = CHANNEL_##FROM,                                            \
                                .to = CHANNEL_##TO,                                                \
                                .min_bytes = (min_bytes_),                                         \
                                .max_bytes = (max_bytes_),                                         \
                                .fds = (fds_)},
#include "server/channel/messages.def"
};

const char *channel_end_name(enum channel_end end)
{
    static const char *const names[CHANNEL_END_COUNT] = {
#define END(NAME, name) [CHANNEL_##NAME] = (name),
#include "server/channel/ends.def"
    };
    ASSERT(end < CHANNEL_END_COUNT);
    return names[end];
}

static bool
frames_is_between(const struct frames_row *row, enum channel_end from, enum channel_end to)
{
    return (row->from == from || row->from == CHANNEL_ANY) &&
           (row->to == to || row->to == CHANNEL_ANY);
}

size_t channel_frame_max_bytes(enum channel_end own, enum channel_end peer)
{
    size_t max = 0;
    for (uint32_t i = 0; i < CHANNEL_TYPE_COUNT; i++) {
        if (frames_is_between(&frames_rows[i], peer, own))
            max = MAX(max, frames_rows[i].max_bytes);
    }
    return CHANNEL_HEAD_BYTES + max;
}

bool channel_type_has_fd(enum channel_type type)
{
    return frames_rows[type].fds;
}

bool channel_may_send(enum channel_type type,
                      enum channel_end own,
                      enum channel_end peer,
                      size_t payload_bytes)
{
    if (type >= CHANNEL_TYPE_COUNT)
        return false;
    const struct frames_row *row = &frames_rows[type];
    return frames_is_between(row, own, peer) && payload_bytes >= row->min_bytes &&
           payload_bytes <= row->max_bytes;
}

void channel_write_head(uint8_t ret_head[CHANNEL_HEAD_BYTES],
                        enum channel_type type,
                        uint16_t flags,
                        uint64_t id,
                        size_t payload_bytes)
{
    struct channel_writer writer = channel_writer(ret_head, CHANNEL_HEAD_BYTES);
    channel_put_u32(&writer, (uint32_t)(CHANNEL_HEAD_BYTES - FRAME_LENGTH_BYTES + payload_bytes));
    channel_put_u16(&writer, (uint16_t)type);
    channel_put_u16(&writer, flags);
    channel_put_u64(&writer, id);
}

enum channel_parse channel_parse(struct bytes bytes,
                                 enum channel_end own,
                                 enum channel_end peer,
                                 struct channel_frame *ret_frame,
                                 size_t *ret_bytes)
{
    *ret_bytes = 0;
    if (bytes.count < CHANNEL_HEAD_BYTES)
        return CHANNEL_PARSE_MORE;
    struct channel_reader reader = channel_reader(bytes);
    size_t rest = channel_get_u32(&reader);
    uint16_t type = channel_get_u16(&reader);
    uint16_t flags = channel_get_u16(&reader);
    uint64_t id = channel_get_u64(&reader);
    size_t least = CHANNEL_HEAD_BYTES - FRAME_LENGTH_BYTES;
    if (rest < least || !channel_may_send(type, peer, own, rest - least))
        return CHANNEL_PARSE_BROKEN;
    *ret_bytes = FRAME_LENGTH_BYTES + rest;
    if (bytes.count < *ret_bytes)
        return CHANNEL_PARSE_MORE;
    *ret_frame = (struct channel_frame){
        .type = type,
        .flags = flags,
        .id = id,
        .payload = bytes_make(bytes.data + CHANNEL_HEAD_BYTES, rest - least),
        .fd = -1,
    };
    return CHANNEL_PARSE_FRAME;
}

/* ---- reading --------------------------------------------------------------------------------- */

/* Little-endian; 0 if it is not there. */
static uint64_t frames_get(struct channel_reader *reader, size_t count)
{
    if (reader->bad || reader->left.count < count) {
        reader->bad = true;
        return 0;
    }
    uint64_t value = 0;
    for (size_t i = 0; i < count; i++)
        value |= (uint64_t)reader->left.data[i] << (8 * i);
    reader->left = bytes_make(reader->left.data + count, reader->left.count - count);
    return value;
}

uint8_t channel_get_u8(struct channel_reader *reader)
{
    return (uint8_t)frames_get(reader, sizeof(uint8_t));
}

uint16_t channel_get_u16(struct channel_reader *reader)
{
    return (uint16_t)frames_get(reader, sizeof(uint16_t));
}

uint32_t channel_get_u32(struct channel_reader *reader)
{
    return (uint32_t)frames_get(reader, sizeof(uint32_t));
}

uint64_t channel_get_u64(struct channel_reader *reader)
{
    return frames_get(reader, sizeof(uint64_t));
}

struct bytes channel_get_raw(struct channel_reader *reader, size_t count)
{
    if (reader->bad || count > reader->left.count) {
        reader->bad = true;
        return bytes_make(NULL, 0);
    }
    struct bytes bytes = bytes_make(reader->left.data, count);
    reader->left = bytes_make(reader->left.data + count, reader->left.count - count);
    return bytes;
}

struct bytes channel_get_bytes(struct channel_reader *reader, size_t max)
{
    size_t count = channel_get_u32(reader);
    if (count > max)
        reader->bad = true;
    return channel_get_raw(reader, count);
}

struct bytes channel_get_rest(struct channel_reader *reader)
{
    struct bytes rest = reader->bad ? bytes_make(NULL, 0) : reader->left;
    reader->left = bytes_make(NULL, 0);
    return rest;
}

bool channel_reader_ends(const struct channel_reader *reader)
{
    return !reader->bad && reader->left.count == 0;
}

/* ---- writing --------------------------------------------------------------------------------- */

static void frames_put(struct channel_writer *writer, uint64_t value, size_t count)
{
    if (writer->bad || writer->max - writer->count < count) {
        writer->bad = true;
        return;
    }
    for (size_t i = 0; i < count; i++)
        writer->data[writer->count++] = (uint8_t)(value >> (8 * i));
}

void channel_put_u8(struct channel_writer *writer, uint8_t value)
{
    frames_put(writer, value, sizeof(value));
}

void channel_put_u16(struct channel_writer *writer, uint16_t value)
{
    frames_put(writer, value, sizeof(value));
}

void channel_put_u32(struct channel_writer *writer, uint32_t value)
{
    frames_put(writer, value, sizeof(value));
}

void channel_put_u64(struct channel_writer *writer, uint64_t value)
{
    frames_put(writer, value, sizeof(value));
}

void channel_put_bytes(struct channel_writer *writer, struct bytes bytes)
{
    frames_put(writer, bytes.count, sizeof(uint32_t));
    if (writer->bad || bytes.count > UINT32_MAX || writer->max - writer->count < bytes.count) {
        writer->bad = true;
        return;
    }
    if (bytes.count > 0)
        memcpy(writer->data + writer->count, bytes.data, bytes.count);
    writer->count += bytes.count;
}

struct bytes channel_written(const struct channel_writer *writer)
{
    ASSERT(!writer->bad);
    return bytes_make(writer->data, writer->count);
}
