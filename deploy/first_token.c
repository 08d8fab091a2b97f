/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See first_token.h.
 */
#include "deploy/first_token.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/random.h>
#include <unistd.h>

#include "engine/base/hex.h"

#define FIRST_TOKEN_NAME "admin.token"

static bool first_token_valid(const char *text, size_t count)
{
    uint8_t token[(ADMIN_HTTP_TOKEN_BYTES - 1) / 2];
    return count >= ADMIN_HTTP_TOKEN_BYTES - 1 && hex_decode(text, sizeof(token), token);
}

enum status first_token_load(const struct data_dir *dir,
                             struct report *report,
                             char ret_token[ADMIN_HTTP_TOKEN_BYTES])
{
    char text[ADMIN_HTTP_TOKEN_BYTES + 1] = "";
    uint8_t random[(ADMIN_HTTP_TOKEN_BYTES - 1) / 2];
    AUTO_CLOSE int fd = openat(dir->fd, FIRST_TOKEN_NAME, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0 && errno != ENOENT)
        return report_errno(report, "cannot read %s/" FIRST_TOKEN_NAME, dir->path);
    ssize_t count = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);
    if (count > 0 && first_token_valid(text, (size_t)count)) {
        memcpy(ret_token, text, ADMIN_HTTP_TOKEN_BYTES - 1);
        ret_token[ADMIN_HTTP_TOKEN_BYTES - 1] = '\0';
        return STATUS_OK;
    }
    if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random))
        return report_errno(report, "cannot make a token");
    hex_encode(random, sizeof(random), ret_token);
    (void)snprintf(text, sizeof(text), "%s\n", ret_token);
    return data_dir_write_file(dir, FIRST_TOKEN_NAME, bytes_of_text(text), report);
}
