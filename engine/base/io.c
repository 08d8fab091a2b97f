/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The loops around read and write.
 */
#include "engine/base/io.h"

#include <errno.h>
#include <unistd.h>

#define IO_CHUNK_BYTES 65536

enum status io_read(int fd, void *data, size_t count, size_t *ret_count)
{
    size_t done = 0;
    while (done < count) {
        ssize_t step = read(fd, (char *)data + done, count - done);
        if (step < 0 && errno == EINTR)
            continue;
        if (step < 0)
            return STATUS_IO;
        if (step == 0)
            break;
        done += (size_t)step;
    }
    *ret_count = done;
    return STATUS_OK;
}

enum status io_read_all(int fd, void *data, size_t count)
{
    size_t done;
    enum status status = io_read(fd, data, count, &done);
    if (status == STATUS_OK && done < count) {
        errno = 0;
        status = STATUS_IO;
    }
    return status;
}

enum status io_read_to_end(int fd, struct buffer *out)
{
    uint8_t chunk[IO_CHUNK_BYTES];
    size_t count = sizeof(chunk);
    enum status status = STATUS_OK;
    while (status == STATUS_OK && count == sizeof(chunk)) {
        status = io_read(fd, chunk, sizeof(chunk), &count);
        if (status == STATUS_OK)
            status = buffer_append(out, chunk, count);
    }
    return status;
}

enum status io_write_all(int fd, struct bytes data)
{
    while (data.count > 0) {
        ssize_t step = write(fd, data.data, data.count);
        if (step < 0 && errno == EINTR)
            continue;
        if (step < 0)
            return STATUS_IO;
        data = bytes_make(data.data + step, data.count - (size_t)step);
    }
    return STATUS_OK;
}
