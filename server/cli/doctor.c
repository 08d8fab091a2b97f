/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `skerry doctor`: does this machine have what a server needs? One line a check; exit
 * status 1 if one failed. Nothing is changed.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "config/config.h"
#include "engine/engine.h"
#include "server/front/h2o_listen.h"
#include "server/serve.h"

#define DOCTOR_SLOT_BYTES  ((size_t)8 << 30)
#define DOCTOR_DESCRIPTORS 4096
/* Mappings of the kernel that a warm isolate takes, its artifact's included, and a worker's own. */
#define DOCTOR_ISOLATE_MAPPINGS 8
#define DOCTOR_WORKER_MAPPINGS  512

enum doctor_verdict { DOCTOR_OK, DOCTOR_WARN, DOCTOR_FAIL };

static int doctor_say(enum doctor_verdict verdict, const char *what, const char *detail)
{
    static const char *const words[] = {"ok  ", "warn", "FAIL"};
    (void)printf("%s  %s: %s\n", words[verdict], what, detail);
    return verdict == DOCTOR_FAIL;
}

static int doctor_kernel(void)
{
    struct utsname name;
    if (uname(&name) != 0)
        return doctor_say(DOCTOR_FAIL, "kernel", strerror(errno));
    return doctor_say(DOCTOR_OK, "kernel", name.release);
}

/* Requests are refused by functions of ours that libh2o must call in place of its own. */
static int doctor_libh2o(void)
{
    struct report report = REPORT_INIT;
    if (h2o_listen_check(&report) != STATUS_OK)
        return doctor_say(DOCTOR_FAIL, "libh2o", report.text);
    return doctor_say(DOCTOR_OK, "libh2o", "parses requests as we want it to");
}

/* Each isolate reserves so much address space; a limit on it is fatal. */
static int doctor_address_space(void)
{
    void *slot = mmap(NULL, DOCTOR_SLOT_BYTES, PROT_NONE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (slot == MAP_FAILED)
        return doctor_say(DOCTOR_FAIL, "address space",
                          "cannot reserve 8 GiB: lift `ulimit -v` and vm.overcommit_memory=2");
    (void)munmap(slot, DOCTOR_SLOT_BYTES);
    return doctor_say(DOCTOR_OK, "address space", "8 GiB can be reserved");
}

static int doctor_descriptors(void)
{
    struct rlimit limit;
    char detail[128];
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return doctor_say(DOCTOR_FAIL, "descriptors", strerror(errno));
    (void)snprintf(detail, sizeof(detail), "at most %llu%s", (unsigned long long)limit.rlim_max,
                   limit.rlim_max < DOCTOR_DESCRIPTORS ? ": few; raise `ulimit -n`" : "");
    return doctor_say(limit.rlim_max < DOCTOR_DESCRIPTORS ? DOCTOR_WARN : DOCTOR_OK, "descriptors",
                      detail);
}

/* Without enough of them a worker refuses requests long before its memory is full. */
static int doctor_mappings(const struct config *config)
{
    char detail[256];
    unsigned long long have = 0;
    FILE *file = fopen("/proc/sys/vm/max_map_count", "re");
    bool known = file != NULL && fscanf(file, "%llu", &have) == 1;
    if (file != NULL)
        (void)fclose(file);
    if (!known)
        return doctor_say(DOCTOR_WARN, "mappings", "vm.max_map_count cannot be read");
    unsigned long long isolates = config->pool_total + config->limits.concurrency;
    unsigned long long want = isolates * DOCTOR_ISOLATE_MAPPINGS + DOCTOR_WORKER_MAPPINGS;
    if (have >= want)
        (void)snprintf(detail, sizeof(detail), "vm.max_map_count %llu is enough for %llu isolates",
                       have, isolates);
    else
        (void)snprintf(detail, sizeof(detail),
                       "vm.max_map_count is %llu, %llu isolates (pool.total and "
                       "limits.concurrency) want %llu: sysctl -w vm.max_map_count=%llu",
                       have, isolates, want, want);
    return doctor_say(have >= want ? DOCTOR_OK : DOCTOR_WARN, "mappings", detail);
}

static int doctor_config(struct config *config)
{
    struct report report = REPORT_INIT;
    char file[CONFIG_PATH_BYTES] = "";
    enum status status = config_defaults(config, &report);
    config_default_file(file);
    if (status == STATUS_OK && file[0] != '\0')
        status = config_load_file(config, file, &report);
    if (status == STATUS_OK)
        status = config_check(config, &report);
    if (status != STATUS_OK)
        return doctor_say(DOCTOR_FAIL, "configuration", report.text);
    return doctor_say(DOCTOR_OK, "configuration", file[0] != '\0' ? file : "built-in values");
}

static int doctor_data_dir(const struct config *config)
{
    if (access(config->data_dir, F_OK) != 0)
        return doctor_say(DOCTOR_OK, "data directory", "not there yet; `skerry serve` makes it");
    if (access(config->data_dir, R_OK | W_OK | X_OK) != 0)
        return doctor_say(DOCTOR_FAIL, "data directory",
                          "not writable by this user; choose another with --data");
    return doctor_say(DOCTOR_OK, "data directory", config->data_dir);
}

int doctor_main(int argc, char **argv)
{
    struct config config;
    if (argc > 1) {
        (void)fprintf(stderr, "skerry doctor: what is `%s`? It takes no arguments\n", argv[1]);
        return status_exit_code(STATUS_USAGE);
    }
    int failed = doctor_kernel() + doctor_address_space() + doctor_descriptors() + doctor_libh2o();
    (void)doctor_say(DOCTOR_OK, "engine", engine_dispatch_name());
    if (doctor_config(&config) != 0)
        failed++;
    else
        failed += doctor_data_dir(&config) + doctor_mappings(&config);
    (void)printf("%s\n", failed > 0 ? "mend what FAILed, then run `skerry doctor` again"
                                    : "all well: run `skerry serve`");
    return failed > 0 ? 1 : 0;
}
