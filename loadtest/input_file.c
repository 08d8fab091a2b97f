/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads until the end or the cap, whatever the file claims its size to be.
 */
#include "loadtest/input_file.h"

#include <fcntl.h>

#include "engine/base/io.h"

enum status
input_file_read(const char *flag, const char *path, struct report *report, struct buffer *out)
{
    AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return report_errno(report, "%s: cannot open '%.150s'", flag, path);
    enum status status = io_read_to_end(fd, out);
    if (status == STATUS_IO)
        return report_errno(report, "%s: cannot read '%.150s'", flag, path);
    if (status != STATUS_OK)
        return report_fail(report, status, REPORT_OFFSET_NONE,
                           "%s: '%.150s' is larger than %zu MiB", flag, path, out->max >> 20);
    return STATUS_OK;
}
