/* SPDX-License-Identifier: Apache-2.0 */
/*
 * LISTEN_PID, LISTEN_FDS and NOTIFY_SOCKET. The socket that is spoken to is named by a path or,
 * with an @ before it, in the abstract namespace.
 */
#include "server/control/sockets/service_manager.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

/* ---- sockets --------------------------------------------------------------------------------- */

/* A number of the environment; 0: it is not there, or none. */
static unsigned long service_number(const char *name)
{
    const char *text = getenv(name);
    char *end;
    if (text == NULL || *text < '0' || *text > '9')
        return 0;
    errno = 0;
    unsigned long value = strtoul(text, &end, 10);
    return *end == '\0' && errno == 0 ? value : 0;
}

static bool service_socket_option(int fd, int option, int wanted)
{
    int value = -1;
    socklen_t length = sizeof(value);
    return getsockopt(fd, SOL_SOCKET, option, &value, &length) == 0 && value == wanted;
}

/* False: it is no TCP socket that listens. */
static bool service_socket_adopt(int fd, char ret_address[CONFIG_ADDRESS_BYTES])
{
    struct sockaddr_storage address = {0};
    socklen_t length = sizeof(address);
    int flags = fcntl(fd, F_GETFL);
    return flags >= 0 && fcntl(fd, F_SETFD, FD_CLOEXEC) == 0 &&
           fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0 &&
           service_socket_option(fd, SO_TYPE, SOCK_STREAM) &&
           service_socket_option(fd, SO_ACCEPTCONN, 1) &&
           getsockname(fd, (struct sockaddr *)&address, &length) == 0 &&
           config_address_print((const struct sockaddr *)&address, ret_address) > 0;
}

enum status
service_sockets_take(int first, struct report *report, struct service_sockets *ret_sockets)
{
    struct service_sockets sockets = {0};
    bool ours = service_number("LISTEN_PID") == (unsigned long)getpid();
    unsigned long count = ours ? service_number("LISTEN_FDS") : 0;
    (void)unsetenv("LISTEN_PID");
    (void)unsetenv("LISTEN_FDS");
    (void)unsetenv("LISTEN_FDNAMES");
    if (count > CONFIG_LISTEN_MAX)
        return report_fail(report, STATUS_CONFIG, REPORT_OFFSET_NONE,
                           "the service manager hands over %lu sockets, more than %d: remove "
                           "ListenStream= lines of the socket unit",
                           count, CONFIG_LISTEN_MAX);
    for (; sockets.count < count; sockets.count++) {
        int fd = first + (int)sockets.count;
        sockets.fds[sockets.count] = fd;
        if (service_socket_adopt(fd, sockets.addresses[sockets.count]))
            continue;
        service_sockets_close(&sockets);
        return report_fail(report, STATUS_CONFIG, REPORT_OFFSET_NONE,
                           "socket %u of the service manager is none that listens on TCP: "
                           "ListenStream= of the socket unit takes ADDR:PORT",
                           sockets.count + 1);
    }
    *ret_sockets = sockets;
    return STATUS_OK;
}

int service_sockets_pick(struct service_sockets *sockets, const char *address)
{
    for (uint32_t i = 0; i < sockets->count; i++) {
        int fd = sockets->fds[i];
        if (fd < 0 || strcmp(sockets->addresses[i], address) != 0)
            continue;
        sockets->fds[i] = -1;
        return fd;
    }
    return -1;
}

enum status service_sockets_check(const struct service_sockets *sockets, struct report *report)
{
    for (uint32_t i = 0; i < sockets->count; i++) {
        if (sockets->fds[i] >= 0)
            return report_fail(report, STATUS_CONFIG, REPORT_OFFSET_NONE,
                               "the service manager hands over a socket on %s, which `listen` of "
                               "skerry.yaml does not name: write it there, or change "
                               "ListenStream= of the socket unit",
                               sockets->addresses[i]);
    }
    return STATUS_OK;
}

void service_sockets_close(struct service_sockets *sockets)
{
    for (uint32_t i = 0; i < sockets->count; i++) {
        if (sockets->fds[i] >= 0)
            (void)close(sockets->fds[i]);
        sockets->fds[i] = -1;
    }
}

/* ---- words ----------------------------------------------------------------------------------- */

void service_manager_say(const char *state)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const char *path = getenv("NOTIFY_SOCKET");
    size_t count = path == NULL ? 0 : strlen(path);
    if (count < 2 || count >= sizeof(address.sun_path) || (path[0] != '/' && path[0] != '@'))
        return;
    memcpy(address.sun_path, path, count);
    if (path[0] == '@')
        address.sun_path[0] = '\0';
    AUTO_CLOSE int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return;
    (void)sendto(fd, state, strlen(state), MSG_NOSIGNAL, (const struct sockaddr *)&address,
                 (socklen_t)(offsetof(struct sockaddr_un, sun_path) + count));
}
