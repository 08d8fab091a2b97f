/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A handler that looks up which file was mapped at the address. Nothing here takes memory or
 * a lock.
 */
#include "server/telemetry/bus_error.h"

#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#define BUS_ERROR_LINE_BYTES 1024

/* "from-to rights offset device inode    path" */
const char *bus_error_path(const char *line, uintptr_t address)
{
    uintptr_t ends[2] = {0, 0};
    const char *at = line;
    for (int i = 0; i < 2; i++, at++) {
        for (; (*at >= '0' && *at <= '9') || (*at >= 'a' && *at <= 'f'); at++)
            ends[i] = ends[i] << 4 | (uintptr_t)(*at <= '9' ? *at - '0' : *at - 'a' + 10);
        if (*at != (i == 0 ? '-' : ' '))
            return NULL;
    }
    if (address < ends[0] || address >= ends[1])
        return NULL;
    const char *slash = strchr(at, '/');
    return slash;
}

static void bus_error_say(const char *text)
{
    ssize_t written = write(STDERR_FILENO, text, strlen(text));
    (void)written;
}

static void bus_error_tell(const char *path)
{
    bus_error_say("skerry: cannot read ");
    bus_error_say(path);
    bus_error_say(": the file was cut short or its disk fails; ");
    if (strstr(path, "/store/") != NULL)
        bus_error_say("stop the server and restore the store from a backup\n");
    else if (strstr(path, "/artifacts/") != NULL)
        bus_error_say("remove it, and it is built again\n");
    else
        bus_error_say("see to the file system\n");
}

/* One line at a time, in a buffer of its own. True: it was found and told of. */
static bool bus_error_search(int fd, uintptr_t address)
{
    char line[BUS_ERROR_LINE_BYTES];
    size_t used = 0;
    char byte;
    while (read(fd, &byte, 1) == 1) {
        if (byte != '\n') {
            if (used + 1 < sizeof(line))
                line[used++] = byte;
            continue;
        }
        line[used] = '\0';
        used = 0;
        const char *path = bus_error_path(line, address);
        if (path == NULL)
            continue;
        bus_error_tell(path);
        return true;
    }
    return false;
}

/* Of the handler, which may not be able to open anything any more. */
static int bus_error_maps = -1;

/* The handler is gone by now: on return the access happens again, and ends the process. */
static void bus_error_on_fault(int number, siginfo_t *info, void *context)
{
    (void)context;
    if (bus_error_maps < 0 || lseek(bus_error_maps, 0, SEEK_SET) != 0 ||
        !bus_error_search(bus_error_maps, (uintptr_t)info->si_addr))
        bus_error_say("skerry: a file that is mapped cannot be read\n");
    if (info->si_code <= 0)
        (void)raise(number);
}

void bus_error_watch(void)
{
    struct sigaction action = {.sa_sigaction = bus_error_on_fault,
                               .sa_flags = SA_SIGINFO | (int)SA_RESETHAND};
    (void)sigemptyset(&action.sa_mask);
    if (bus_error_maps < 0)
        bus_error_maps = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
    (void)sigaction(SIGBUS, &action, NULL);
}
