/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `skerry doctor`: does this machine have what a server needs, with the configuration that it
 * would have? One line a check, or all of them as JSON; exit status 1 if one failed. Nothing is
 * changed.
 */
#include <errno.h>
#include <getopt.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "config/config.h"
#include "engine/engine.h"
#include "hostapi/javascript/module.h"
#include "server/front/h2o_listen.h"
#include "server/serve.h"
#include "server/walls/walls.h"

#define DOCTOR_SLOT_BYTES  ((size_t)8 << 30)
#define DOCTOR_DESCRIPTORS 4096
/* Mappings of the kernel that a warm isolate takes, its artifact's included, and a worker's own. */
#define DOCTOR_ISOLATE_MAPPINGS 8
#define DOCTOR_WORKER_MAPPINGS  512

enum doctor_verdict { DOCTOR_OK, DOCTOR_WARN, DOCTOR_FAIL };

struct doctor {
    const char *config; /* flags; NULL: none */
    const char *data;
    json_t *json; /* rows so far; NULL: they are printed */
    uint32_t failed;
};

static void
doctor_say(struct doctor *doctor, enum doctor_verdict verdict, const char *what, const char *detail)
{
    static const char *const words[] = {"ok", "warn", "FAIL"};
    static const char *const codes[] = {"ok", "warn", "fail"};
    doctor->failed += verdict == DOCTOR_FAIL;
    if (doctor->json == NULL)
        (void)printf("%-4s  %s: %s\n", words[verdict], what, detail);
    else
        (void)json_array_append_new(doctor->json,
                                    json_pack("{s:s, s:s, s:s}", "check", what, "verdict",
                                              codes[verdict], "detail", detail));
}

static void doctor_kernel(struct doctor *doctor)
{
    struct utsname name;
    if (uname(&name) != 0) {
        doctor_say(doctor, DOCTOR_FAIL, "kernel", strerror(errno));
        return;
    }
    doctor_say(doctor, DOCTOR_OK, "kernel", name.release);
}

/* Requests are refused by functions of ours that libh2o must call in place of its own. */
static void doctor_libh2o(struct doctor *doctor)
{
    struct report report = REPORT_INIT;
    if (h2o_listen_check(&report) != STATUS_OK) {
        doctor_say(doctor, DOCTOR_FAIL, "libh2o", report.text);
        return;
    }
    doctor_say(doctor, DOCTOR_OK, "libh2o", "parses requests as we want it to");
}

/* Each isolate reserves so much address space; a limit on it is fatal. */
static void doctor_address_space(struct doctor *doctor)
{
    void *slot = mmap(NULL, DOCTOR_SLOT_BYTES, PROT_NONE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (slot == MAP_FAILED) {
        doctor_say(doctor, DOCTOR_FAIL, "address space",
                   "cannot reserve 8 GiB: lift `ulimit -v` and vm.overcommit_memory=2");
        return;
    }
    (void)munmap(slot, DOCTOR_SLOT_BYTES);
    doctor_say(doctor, DOCTOR_OK, "address space", "8 GiB can be reserved");
}

/* Without enough of them functions are given up that would have stayed warm. */
static void doctor_descriptors(struct doctor *doctor, const struct config *config)
{
    struct rlimit limit;
    char detail[256];
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) {
        doctor_say(doctor, DOCTOR_FAIL, "descriptors", strerror(errno));
        return;
    }
    struct config_descriptors share = config_share_descriptors(config, limit.rlim_max);
    bool few = limit.rlim_max < DOCTOR_DESCRIPTORS;
    (void)snprintf(detail, sizeof(detail),
                   "%llu, so that a worker takes %u connections and %u functions at once%s",
                   (unsigned long long)limit.rlim_max, share.connections, share.artifacts,
                   few ? ": few; raise `ulimit -n`" : "");
    doctor_say(doctor, few ? DOCTOR_WARN : DOCTOR_OK, "descriptors", detail);
}

/* Without enough of them a worker refuses requests long before its memory is full. */
static void doctor_mappings(struct doctor *doctor, const struct config *config)
{
    char detail[256];
    unsigned long long have = 0;
    FILE *file = fopen("/proc/sys/vm/max_map_count", "re");
    bool known = file != NULL && fscanf(file, "%llu", &have) == 1;
    if (file != NULL)
        (void)fclose(file);
    if (!known) {
        doctor_say(doctor, DOCTOR_WARN, "mappings", "vm.max_map_count cannot be read");
        return;
    }
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
    doctor_say(doctor, have >= want ? DOCTOR_OK : DOCTOR_WARN, "mappings", detail);
}

/* One isolate that may reach more than its tenant may use is ended before it gets there. */
static void doctor_memory(struct doctor *doctor, const struct config *config)
{
    char worker[CONFIG_QUANTITY_BYTES], tenant[CONFIG_QUANTITY_BYTES], detail[256];
    uint64_t tenant_bytes = config_tenant_memory_bytes(config);
    bool enough = config->limits.memory <= tenant_bytes;
    config_format_quantity(config_worker_memory_bytes(config) >> 20 << 20, CONFIG_UNIT_BYTES,
                           worker);
    config_format_quantity(tenant_bytes >> 20 << 20, CONFIG_UNIT_BYTES, tenant);
    (void)snprintf(detail, sizeof(detail), "%s for a worker, %s for a tenant in it%s", worker,
                   tenant, enough ? "" : ": less than limits.memory of one isolate");
    doctor_say(doctor, enough ? DOCTOR_OK : DOCTOR_WARN, "memory", detail);
}

static void
doctor_wall(struct doctor *doctor, const struct config *config, const char *name, const char *lack)
{
    enum doctor_verdict missing = config->walls == CONFIG_WALLS_REQUIRE ? DOCTOR_FAIL : DOCTOR_WARN;
    doctor_say(doctor, lack[0] == '\0' ? DOCTOR_OK : missing, name,
               lack[0] == '\0' ? "can be used" : lack);
}

/* Goes into namespaces of its own: the last of all checks. */
static void doctor_walls(struct doctor *doctor, const struct config *config)
{
    struct walls_found found = walls_look();
    if (config->walls == CONFIG_WALLS_OFF) {
        doctor_say(doctor, DOCTOR_WARN, "walls", "off: a worker that is taken over is the server");
        return;
    }
    if (walls_are_impossible()) {
        doctor_wall(doctor, config, "walls", "none, since this program was made with a sanitizer");
        return;
    }
    doctor_wall(doctor, config, "seccomp",
                found.seccomp ? "" : "this kernel has none (CONFIG_SECCOMP_FILTER)");
    doctor_wall(
        doctor, config, "landlock",
        found.landlock > 0 ? "" : "this kernel has none: 5.13 or later, with `landlock` in lsm=");
    doctor_wall(doctor, config, "namespaces",
                walls_try_namespaces()
                    ? ""
                    : "this user may make none: see user.max_user_namespaces, "
                      "kernel.unprivileged_userns_clone, apparmor, the container");
}

/* No part of a server that runs modules only. */
static void doctor_javascript(struct doctor *doctor)
{
    bool has = javascript_module().count > 0;
    doctor_say(doctor, DOCTOR_OK, "JavaScript",
               has ? "functions can be scripts"
                   : "this build runs no scripts: where it was made, cargo, wasi-libc or "
                     "libclang-rt-19-dev-wasm32 was missing");
}

/* False: there is none that the other checks could look at. */
static bool doctor_config(struct doctor *doctor, struct config *config)
{
    struct report report = REPORT_INIT;
    char file[CONFIG_PATH_BYTES] = "";
    enum status status = config_defaults(config, &report);
    config_default_file(file);
    const char *path = doctor->config != NULL ? doctor->config : file;
    if (status == STATUS_OK && path[0] != '\0')
        status = config_load_file(config, path, &report);
    const char *data = doctor->data != NULL ? doctor->data : getenv("SKERRY_DATA_DIR");
    if (status == STATUS_OK && data != NULL && data[0] != '\0' &&
        (size_t)snprintf(config->data_dir, sizeof(config->data_dir), "%s", data) >=
            sizeof(config->data_dir))
        status = report_fail(&report, STATUS_CONFIG, REPORT_OFFSET_NONE,
                             "the data directory's path is too long");
    if (status == STATUS_OK)
        status = config_check(config, &report);
    if (status == STATUS_OK)
        doctor_say(doctor, DOCTOR_OK, "configuration", path[0] != '\0' ? path : "built-in values");
    else
        doctor_say(doctor, DOCTOR_FAIL, "configuration",
                   report.text[0] != '\0' ? report.text : status_text(status));
    return status == STATUS_OK;
}

/* What URLs are printed with, beside what functions are found below. */
static void doctor_public_url(struct doctor *doctor, const struct config *config)
{
    char detail[2 * CONFIG_DOMAIN_BYTES + 128];
    const char *host = strstr(config->public_url, "://");
    if (host == NULL)
        return;
    host += strlen("://");
    size_t count = strcspn(host, ":");
    bool same = strlen(config->domain) == count && memcmp(host, config->domain, count) == 0;
    (void)snprintf(
        detail, sizeof(detail),
        same ? "%.*s, the domain of functions"
             : "%.*s, but functions are found below `domain` (%s): who is in front has to "
               "rewrite Host",
        (int)count, host, config->domain);
    doctor_say(doctor, same ? DOCTOR_OK : DOCTOR_WARN, "public_url", detail);
}

static void doctor_data_dir(struct doctor *doctor, const struct config *config)
{
    if (access(config->data_dir, F_OK) != 0)
        doctor_say(doctor, DOCTOR_OK, "data directory", "not there yet; `skerry serve` makes it");
    else if (access(config->data_dir, R_OK | W_OK | X_OK) != 0)
        doctor_say(doctor, DOCTOR_FAIL, "data directory",
                   "not writable by this user; choose another with --data");
    else
        doctor_say(doctor, DOCTOR_OK, "data directory", config->data_dir);
}

static bool doctor_parse(struct doctor *doctor, int argc, char **argv, bool *ret_json)
{
    static const struct option options[] = {{"config", required_argument, NULL, 'c'},
                                            {"data", required_argument, NULL, 'd'},
                                            {"json", no_argument, NULL, 'j'},
                                            {0}};
    int option;
    *ret_json = false;
    optind = 1;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option == 'c')
            doctor->config = optarg;
        else if (option == 'd')
            doctor->data = optarg;
        else if (option == 'j')
            *ret_json = true;
        else
            return false;
    }
    if (optind < argc)
        (void)fprintf(stderr, "skerry doctor: what is `%s`?\n", argv[optind]);
    return optind == argc;
}

static void doctor_close(struct doctor *doctor)
{
    if (doctor->json == NULL) {
        (void)printf("%s\n", doctor->failed > 0 ? "mend what FAILed, then run `skerry doctor` again"
                                                : "all well: run `skerry serve`");
        return;
    }
    json_t *root = json_pack("{s:o, s:i}", "checks", doctor->json, "failed", (int)doctor->failed);
    (void)json_dumpf(root, stdout, JSON_COMPACT);
    (void)fputc('\n', stdout);
    json_decref(root);
}

int doctor_main(int argc, char **argv)
{
    struct config config;
    struct doctor doctor = {0};
    bool json;
    if (!doctor_parse(&doctor, argc, argv, &json)) {
        (void)fputs("usage: skerry doctor [--config FILE] [--data DIR] [--json]\n", stderr);
        return status_exit_code(STATUS_USAGE);
    }
    doctor.json = json ? json_array() : NULL;
    doctor_kernel(&doctor);
    doctor_address_space(&doctor);
    doctor_libh2o(&doctor);
    doctor_say(&doctor, DOCTOR_OK, "engine", engine_dispatch_name());
    doctor_javascript(&doctor);
    if (doctor_config(&doctor, &config)) {
        doctor_public_url(&doctor, &config);
        doctor_data_dir(&doctor, &config);
        doctor_descriptors(&doctor, &config);
        doctor_mappings(&doctor, &config);
        doctor_memory(&doctor, &config);
        doctor_walls(&doctor, &config);
    }
    doctor_close(&doctor);
    return doctor.failed > 0 ? 1 : 0;
}
