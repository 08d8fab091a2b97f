/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Buffers and the socket.
 *
 * A descriptor is sent with the first byte of its frame, in a message that begins there: the kernel
 * joins no other's bytes to it, so descriptors come in the order of their frames.
 */
#include "server/channel/channel.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "engine/base/macros.h"

#define CHANNEL_READ_BYTES 65536
#define CHANNEL_TURN_BYTES (4 * CHANNEL_READ_BYTES) /* handled in one call */
#define CHANNEL_KEPT_BYTES (2 * CHANNEL_READ_BYTES) /* of an empty buffer */

union channel_fd_room {
    struct cmsghdr head; /* for its alignment */
    char bytes[CMSG_SPACE(sizeof(int))];
};

enum status channel_pair(struct report *report, int ret_fds[2])
{
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ret_fds) != 0)
        return report_errno(report, "cannot make a channel");
    return STATUS_OK;
}

void channel_init(struct channel *channel, const struct channel_options *options)
{
    *channel = (struct channel){.options = *options};
    size_t frame_max = channel_frame_max_bytes(options->own, options->peer);
    buffer_init(&channel->in, frame_max + CHANNEL_READ_BYTES);
    buffer_init(&channel->out, 2 * options->out_max);
}

void channel_done(struct channel *channel)
{
    if (!channel_is_open(channel))
        return;
    for (uint32_t i = 0; i < channel->mark_count; i++)
        (void)close(channel->marks[i].fd);
    for (uint32_t i = 0; i < channel->fd_count; i++)
        (void)close(channel->fds[i]);
    (void)close(channel->options.fd);
    if (channel->options.wipes && channel->in.count > 0)
        explicit_bzero(channel->in.data, channel->in.count);
    buffer_done(&channel->in);
    buffer_done(&channel->out);
    *channel = (struct channel){.options.fd = -1};
}

/* ---- sending --------------------------------------------------------------------------------- */

bool channel_has_unsent(const struct channel *channel)
{
    return channel->out_at < channel->out.count;
}

/* Bytes that the socket took; with a descriptor unless it is -1. */
static size_t channel_write(struct channel *channel, struct bytes bytes, int fd)
{
    union channel_fd_room room = {0};
    struct iovec part = {.iov_base = (void *)(uintptr_t)bytes.data, .iov_len = bytes.count};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    if (fd >= 0) {
        message.msg_control = room.bytes;
        message.msg_controllen = sizeof(room.bytes);
        struct cmsghdr *head = CMSG_FIRSTHDR(&message);
        head->cmsg_level = SOL_SOCKET;
        head->cmsg_type = SCM_RIGHTS;
        head->cmsg_len = CMSG_LEN(sizeof(fd));
        memcpy(CMSG_DATA(head), &fd, sizeof(fd));
    }
    ssize_t sent = sendmsg(channel->options.fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent >= 0)
        return (size_t)sent;
    if (errno != EAGAIN && errno != EINTR)
        channel->broken = true;
    return 0;
}

static void channel_forget_mark(struct channel *channel)
{
    (void)close(channel->marks[0].fd);
    channel->mark_count--;
    memmove(channel->marks, channel->marks + 1, channel->mark_count * sizeof(channel->marks[0]));
}

/* What was sent makes room for what comes. */
static void channel_tidy_out(struct channel *channel)
{
    struct buffer *out = &channel->out;
    if (channel->out_at < out->count / 2)
        return;
    memmove(out->data, out->data + channel->out_at, out->count - channel->out_at);
    for (uint32_t i = 0; i < channel->mark_count; i++)
        channel->marks[i].at -= channel->out_at;
    out->count -= channel->out_at;
    channel->out_at = 0;
    if (out->count == 0 && out->capacity > CHANNEL_KEPT_BYTES) {
        size_t max = out->max;
        buffer_done(out);
        buffer_init(out, max);
    }
}

void channel_flush(struct channel *channel)
{
    size_t sent = 1;
    while (sent > 0 && channel_has_unsent(channel) && !channel->broken) {
        bool marked = channel->mark_count > 0 && channel->marks[0].at == channel->out_at;
        size_t end = channel->out.count;
        if (channel->mark_count > (marked ? 1 : 0))
            end = channel->marks[marked ? 1 : 0].at;
        struct bytes next = bytes_make(channel->out.data + channel->out_at, end - channel->out_at);
        sent = channel_write(channel, next, marked ? channel->marks[0].fd : -1);
        channel->out_at += sent;
        if (sent > 0 && marked)
            channel_forget_mark(channel);
    }
    if (channel->out_at > 0)
        channel_tidy_out(channel);
}

static bool channel_mark(struct channel *channel, int fd)
{
    if (channel->mark_count == CHANNEL_UNSENT_FDS)
        return false;
    int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (copy < 0)
        return false;
    channel->marks[channel->mark_count++] =
        (struct channel_fd_mark){.at = channel->out.count, .fd = copy};
    return true;
}

bool channel_send(struct channel *channel, const struct channel_message *message)
{
    size_t payload = message->head.count + message->body.count;
    if (!channel_is_open(channel) || channel->broken)
        return false;
    ASSERT(channel_may_send(message->type, channel->options.own, channel->options.peer, payload));
    size_t unsent = channel->out.count - channel->out_at;
    size_t bytes = CHANNEL_HEAD_BYTES + payload;
    if (unsent > 0 && bytes > channel->options.out_max - MIN(unsent, channel->options.out_max))
        return false;
    if (buffer_reserve(&channel->out, bytes) != STATUS_OK)
        return false;
    if (channel_type_has_fd(message->type) && !channel_mark(channel, message->fd))
        return false;
    uint8_t *to = channel->out.data + channel->out.count;
    channel_write_head(to, message->type, message->flags, message->id, payload);
    if (message->head.count > 0)
        memcpy(to + CHANNEL_HEAD_BYTES, message->head.data, message->head.count);
    if (message->body.count > 0)
        memcpy(to + CHANNEL_HEAD_BYTES + message->head.count, message->body.data,
               message->body.count);
    channel->out.count += bytes;
    if (unsent == 0 && !channel->options.gathers)
        channel_flush(channel);
    return true;
}

/* ---- receiving ------------------------------------------------------------------------------- */

/* False: there are too many, which then are closed. */
static bool channel_keep_fd(struct channel *channel, const struct msghdr *message)
{
    const struct cmsghdr *head = CMSG_FIRSTHDR(message);
    if (head == NULL || head->cmsg_level != SOL_SOCKET || head->cmsg_type != SCM_RIGHTS ||
        head->cmsg_len != CMSG_LEN(sizeof(int)))
        return head == NULL;
    int fd;
    memcpy(&fd, CMSG_DATA(head), sizeof(fd));
    if (channel->fd_count < CHANNEL_UNSENT_FDS) {
        channel->fds[channel->fd_count++] = fd;
        return true;
    }
    (void)close(fd);
    return false;
}

/* Bytes that came, and whether there may be more: what did not fill its room was all of it, or all
 * of it up to a descriptor. */
static enum status
channel_read(struct channel *channel, struct report *report, size_t *ret_count, bool *ret_more)
{
    struct buffer *in = &channel->in;
    union channel_fd_room room = {0};
    struct iovec part = {.iov_base = in->data + in->count,
                         .iov_len = MIN(in->capacity, in->max) - in->count};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    if (channel->options.takes_fds) {
        message.msg_control = room.bytes;
        message.msg_controllen = sizeof(room.bytes);
    }
    ssize_t count = recvmsg(channel->options.fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    *ret_count = 0;
    *ret_more = false;
    if (count < 0 && (errno == EAGAIN || errno == EINTR))
        return STATUS_OK;
    if (count <= 0)
        return report_fail(report, STATUS_UNREACHABLE, REPORT_OFFSET_NONE, "%s has closed it",
                           channel_end_name(channel->options.peer));
    *ret_count = (size_t)count;
    *ret_more = channel->options.takes_fds || (size_t)count == part.iov_len;
    in->count += (size_t)count;
    if (channel->options.takes_fds && !channel_keep_fd(channel, &message))
        return report_fail(report, STATUS_MALFORMED, REPORT_OFFSET_NONE,
                           "%s sent descriptors that nothing wants",
                           channel_end_name(channel->options.peer));
    return STATUS_OK;
}

static bool channel_handle(struct channel *channel, struct channel_frame *frame)
{
    if (channel_type_has_fd(frame->type)) {
        if (channel->fd_count == 0)
            return false;
        frame->fd = channel->fds[0];
        channel->fd_count--;
        memmove(channel->fds, channel->fds + 1, channel->fd_count * sizeof(channel->fds[0]));
    }
    return channel->options.frame(channel->options.context, frame);
}

/* All frames that are there. `ret_wanted`: the next one's length, if it is known. */
static enum status channel_take(struct channel *channel, struct report *report, size_t *ret_wanted)
{
    struct buffer *in = &channel->in;
    size_t at = 0;
    enum channel_parse parsed;
    struct channel_frame frame;
    while ((parsed = channel_parse(bytes_make(in->data + at, in->count - at), channel->options.own,
                                   channel->options.peer, &frame, ret_wanted)) ==
           CHANNEL_PARSE_FRAME) {
        at += *ret_wanted;
        if (!channel_handle(channel, &frame))
            return report_fail(report, STATUS_MALFORMED, REPORT_OFFSET_NONE,
                               "message %u of %s makes no sense", frame.type,
                               channel_end_name(channel->options.peer));
    }
    if (parsed == CHANNEL_PARSE_BROKEN)
        return report_fail(
            report, STATUS_MALFORMED, REPORT_OFFSET_NONE, "%s sent what is no message to %s",
            channel_end_name(channel->options.peer), channel_end_name(channel->options.own));
    size_t left = in->count - at;
    if (at > 0)
        memmove(in->data, in->data + at, left);
    if (at > 0 && channel->options.wipes)
        explicit_bzero(in->data + left, at);
    in->count = left;
    return STATUS_OK;
}

enum status channel_receive(struct channel *channel, struct report *report)
{
    struct buffer *in = &channel->in;
    size_t turn = 0;
    size_t count;
    size_t wanted = 0;
    bool more;
    if (channel->broken)
        return report_fail(report, STATUS_UNREACHABLE, REPORT_OFFSET_NONE,
                           "%s cannot be written to", channel_end_name(channel->options.peer));
    do {
        size_t room = MAX(wanted - MIN(wanted, in->count), (size_t)CHANNEL_READ_BYTES);
        room = MIN(room, in->max - in->count);
        /* All at once, since growing leaves copies behind. */
        if (channel->options.wipes)
            room = in->max - in->count;
        if (buffer_reserve(in, room) != STATUS_OK)
            return report_fail(report, STATUS_NO_MEMORY, REPORT_OFFSET_NONE, "out of memory");
        enum status status = channel_read(channel, report, &count, &more);
        if (status == STATUS_OK && count > 0)
            status = channel_take(channel, report, &wanted);
        if (status != STATUS_OK)
            return status;
        turn += count;
    } while (more && turn < CHANNEL_TURN_BYTES);
    if (in->count == 0 && in->capacity > CHANNEL_KEPT_BYTES && !channel->options.wipes) {
        size_t max = in->max;
        buffer_done(in);
        buffer_init(in, max);
    }
    return STATUS_OK;
}
