/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SO_REUSEPORT would let a second server of the same user share our port without a word,
 * so each address is first bound once without it: that fails if anybody listens there.
 * Workers of a server that was just killed may still be dying: we give them a moment.
 *
 * A socket that a service manager holds is one, and all workers have it: another beside it would
 * have to be of the manager's user.
 */
#include "server/control/sockets/listeners.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "engine/base/clock.h"

#define LISTEN_BACKLOG 4096 /* the kernel clips it to somaxconn */
#define IN_USE_TRIES   50
#define IN_USE_WAIT_NS (10 * (long)CLOCK_NS_PER_MS)

static enum status listeners_fail(struct report *report, const char *address)
{
    if (errno == EADDRINUSE)
        return report_fail(report, STATUS_BUSY, REPORT_OFFSET_NONE,
                           "cannot listen on %s: the port is in use; stop what uses it, or "
                           "choose another with --listen",
                           address);
    return report_errno(report, "cannot listen on %s", address);
}

static int listeners_bind(const struct config_address *address, bool shared)
{
    int on = 1;
    int fd = socket(address->storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -1;
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0 &&
        (!shared || setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)) == 0) &&
        bind(fd, (const struct sockaddr *)&address->storage, address->length) == 0 &&
        listen(fd, LISTEN_BACKLOG) == 0)
        return fd;
    int error = errno;
    (void)close(fd);
    errno = error;
    return -1;
}

static int listeners_bind_alone(const struct config_address *address)
{
    int fd = listeners_bind(address, false);
    for (int i = 0; fd < 0 && errno == EADDRINUSE && i < IN_USE_TRIES; i++) {
        const struct timespec pause = {.tv_nsec = IN_USE_WAIT_NS};
        (void)nanosleep(&pause, NULL);
        fd = listeners_bind(address, false);
    }
    return fd;
}

/* The port that the kernel chose, when the operator said 0. */
static bool listeners_learn_port(int fd, struct config_address *address)
{
    address->length = sizeof(address->storage);
    return getsockname(fd, (struct sockaddr *)&address->storage, &address->length) == 0;
}

/* For every worker whose address it is: a copy of `handed`, or a socket of its own if that is -1.
 */
static enum status listeners_deal(struct listeners *listeners,
                                  const struct config *config,
                                  uint32_t index,
                                  const struct config_address *address,
                                  int handed)
{
    for (uint32_t set = 0; set < listeners->sets; set++) {
        if (!config_worker_listens(config, set, index))
            continue;
        listeners->fds[set][index] =
            handed < 0 ? listeners_bind(address, true) : fcntl(handed, F_DUPFD_CLOEXEC, 0);
        if (listeners->fds[set][index] < 0)
            return STATUS_IO;
    }
    return STATUS_OK;
}

static enum status listeners_open_address(struct listeners *listeners,
                                          const struct config *config,
                                          uint32_t index,
                                          struct service_sockets *sockets,
                                          struct report *report)
{
    struct config_address address;
    const char *text = config_listen_address(config->listen[index], &listeners->is_tls[index]);
    if (!config_address_parse(text, &address))
        return report_fail(report, STATUS_CONFIG, REPORT_OFFSET_NONE,
                           "cannot listen on `%s`: not an ADDR:PORT", text);
    (void)config_address_print((const struct sockaddr *)&address.storage,
                               listeners->addresses[index]);
    AUTO_CLOSE int handed =
        sockets == NULL ? -1 : service_sockets_pick(sockets, listeners->addresses[index]);
    if (handed >= 0)
        return listeners_deal(listeners, config, index, &address, handed) == STATUS_OK
                   ? STATUS_OK
                   : report_errno(report, "cannot share the socket on %s",
                                  listeners->addresses[index]);
    int alone = listeners_bind_alone(&address);
    if (alone < 0)
        return listeners_fail(report, text);
    bool known = listeners_learn_port(alone, &address);
    (void)close(alone);
    if (!known)
        return report_errno(report, "cannot listen on %s", text);
    if (listeners_deal(listeners, config, index, &address, -1) != STATUS_OK)
        return listeners_fail(report, text);
    (void)config_address_print((const struct sockaddr *)&address.storage,
                               listeners->addresses[index]);
    return STATUS_OK;
}

enum status listeners_open(const struct config *config,
                           struct service_sockets *sockets,
                           struct report *report,
                           struct listeners *ret_listeners)
{
    struct listeners listeners = {.count = config->listen_count, .sets = config->workers};
    listeners.fds = calloc(listeners.sets, sizeof(*listeners.fds));
    if (listeners.fds == NULL)
        return report_fail(report, STATUS_NO_MEMORY, REPORT_OFFSET_NONE, "out of memory");
    memset(listeners.fds, 0xff, listeners.sets * sizeof(*listeners.fds));
    enum status status = STATUS_OK;
    for (uint32_t i = 0; i < listeners.count && status == STATUS_OK; i++)
        status = listeners_open_address(&listeners, config, i, sockets, report);
    if (status == STATUS_OK && sockets != NULL)
        status = service_sockets_check(sockets, report);
    if (status == STATUS_OK)
        *ret_listeners = listeners;
    else
        listeners_close(&listeners);
    return status;
}

enum status listeners_open_service(const struct config *config,
                                   struct report *report,
                                   struct listeners *ret_listeners)
{
    struct service_sockets sockets;
    enum status status = service_sockets_take(SERVICE_SOCKETS_FIRST, report, &sockets);
    if (status != STATUS_OK)
        return status;
    status = listeners_open(config, &sockets, report, ret_listeners);
    service_sockets_close(&sockets);
    return status;
}

enum status listeners_adopt(const struct listeners *left,
                            struct report *report,
                            struct listeners *ret_listeners)
{
    struct listeners listeners = *left;
    listeners.fds = calloc(listeners.sets, sizeof(*listeners.fds));
    if (listeners.fds == NULL)
        return report_fail(report, STATUS_NO_MEMORY, REPORT_OFFSET_NONE, "out of memory");
    memset(listeners.fds, 0xff, listeners.sets * sizeof(*listeners.fds));
    enum status status = STATUS_OK;
    for (uint32_t i = 0; i < listeners.sets * listeners.count && status == STATUS_OK; i++) {
        int *fd = &listeners.fds[i / listeners.count][i % listeners.count];
        int from = left->fds[i / listeners.count][i % listeners.count];
        *fd = from < 0 ? -1 : fcntl(from, F_DUPFD_CLOEXEC, 0);
        if (*fd < 0 && from >= 0)
            status = report_errno(report, "cannot adopt the socket on %s",
                                  listeners.addresses[i % listeners.count]);
    }
    if (status == STATUS_OK)
        *ret_listeners = listeners;
    else
        listeners_close(&listeners);
    return status;
}

void listeners_close(struct listeners *listeners)
{
    for (uint32_t set = 0; listeners->fds != NULL && set < listeners->sets; set++) {
        for (uint32_t i = 0; i < listeners->count; i++) {
            if (listeners->fds[set][i] >= 0)
                (void)close(listeners->fds[set][i]);
        }
    }
    free(listeners->fds);
    listeners->fds = NULL;
}
