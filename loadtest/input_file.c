/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads until the end or the cap, whatever the file claims its size to be.
 */
#include "loadtest/input_file.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#define INPUT_FILE_CHUNK_BYTES 65536

enum status
input_file_read(const char *flag, const char *path, struct report *report, struct buffer *out)
{
    AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return report_errno(report, "%s: cannot open '%.150s'", flag, path);
    uint8_t chunk[INPUT_FILE_CHUNK_BYTES];
    for (;;) {
        ssize_t count = read(fd, chunk, sizeof(chunk));
        if (count == 0)
            return STATUS_OK;
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            return report_errno(report, "%s: cannot read '%.150s'", flag, path);
        enum status status = buffer_append(out, chunk, (size_t)count);
        if (status != STATUS_OK)
            return report_fail(report, status, REPORT_OFFSET_NONE,
                               "%s: '%.150s' is larger than %zu MiB", flag, path, out->max >> 20);
    }
}
