/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The start of a server: descriptors, and the lines for a terminal.
 */
#include "server/control/life/threshold.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

/* Descriptors: of control itself, with a few clients of the admin API; of one worker in control,
 * beside its listeners; twice, since its successor starts while it still runs. */
#define DESCRIPTORS_OWN        96
#define DESCRIPTORS_PER_WORKER 10

/* Without enough of them nothing works, and everything that fails says something else. */
enum status threshold_check_descriptors(const struct config *config, struct report *report)
{
    struct rlimit limit;
    rlim_t want = DESCRIPTORS_OWN +
                  (rlim_t)config->workers * (config->listen_count + 2 * DESCRIPTORS_PER_WORKER);
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return report_errno(report, "cannot read the limit of descriptors");
    if (limit.rlim_max < want)
        return report_fail(report, STATUS_LIMIT, REPORT_OFFSET_NONE,
                           "%llu descriptors are too few for %u worker%s, which want %llu: raise "
                           "`ulimit -n`",
                           (unsigned long long)limit.rlim_max, config->workers,
                           config->workers == 1 ? "" : "s", (unsigned long long)want);
    if (limit.rlim_cur < want) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
    return STATUS_OK;
}

void threshold_leave(void *context)
{
    (void)context;
    (void)kill(getpid(), SIGTERM);
}

void threshold_announce(const struct config *config, const struct listeners *listeners)
{
    (void)printf("skerry %s: %u worker%s, data in %s\n", SKERRY_VERSION, config->workers,
                 config->workers == 1 ? "" : "s", config->data_dir);
    for (uint32_t i = 0; i < listeners->count; i++) {
        const char *address = listeners->addresses[i];
        const char *colon = strrchr(address, ':');
        const char *scheme = listeners->is_tls[i] ? "https" : "http";
        struct bytes owner = config_listen_tenant(config, i);
        struct bytes tenant = owner.count > 0 ? owner : bytes_of_text("{tenant}");
        (void)printf(
            "functions %s://%s  (%s://{function}.%.*s.%s%s/, %s://%s/f/%.*s/{function}/)\n", scheme,
            address, scheme, (int)tenant.count, (const char *)tenant.data, config->domain, colon,
            scheme, address, (int)tenant.count, (const char *)tenant.data);
    }
    if (config->admin_socket[0] != '\0')
        (void)printf("admin     unix:%s\n", config->admin_socket);
    if (config->admin_listen[0] != '\0')
        (void)printf("admin     %s://%s\n", config->admin_certificate[0] == '\0' ? "http" : "https",
                     config->admin_listen);
    (void)fflush(stdout);
}
