/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The builder's main, in a child with the descriptors that control would hand on: what goes in
 * and what comes out.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "deploy/deploy.h"
#include "engine/base/io.h"
#include "server/builder.h"
#include "server/surface.h"
#include "tests/support/unit.h"

#define SPARE_FD 20 /* above those that the builder gets */

struct bench {
    struct deploy_build_order order;
    struct bytes config;
    struct deploy_build_result result;
    bool has_result;
    int wait_status;
    uint64_t artifact_bytes;
};

static void bench_init(struct bench *bench)
{
    *bench = (struct bench){0};
    config_limits_default(&bench->order.limits);
}

static int memory_file(const void *data, size_t count)
{
    int fd = memfd_create("bench", MFD_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, data, count), count);
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    return fd;
}

static void bench_build(struct bench *bench, const void *module, size_t count)
{
    uint8_t order[sizeof(bench->order) + DEPLOY_CONFIG_BYTES_MAX];
    bench->order.config_bytes = bench->config.count;
    memcpy(order, &bench->order, sizeof(bench->order));
    if (bench->config.count > 0)
        memcpy(order + sizeof(bench->order), bench->config.data, bench->config.count);
    const int fds[] = {memory_file(module, count), memory_file("", 0), memory_file("", 0),
                       memory_file(order, sizeof(bench->order) + bench->config.count)};
    pid_t pid = fork();
    if (pid == 0) {
        int raised[COUNT_OF(fds)];
        for (size_t i = 0; i < COUNT_OF(fds); i++)
            raised[i] = fcntl(fds[i], F_DUPFD, SPARE_FD);
        for (size_t i = 0; i < COUNT_OF(fds); i++)
            (void)dup2(raised[i], DEPLOY_BUILDER_MODULE_FD + (int)i);
        _exit(server_builder_main());
    }
    struct stat facts;
    size_t read_count = 0;
    assert_int_equal(waitpid(pid, &bench->wait_status, 0), pid);
    assert_int_equal(fstat(fds[1], &facts), 0);
    bench->artifact_bytes = (uint64_t)facts.st_size;
    assert_int_equal(lseek(fds[2], 0, SEEK_SET), 0);
    assert_int_equal(io_read(fds[2], &bench->result, sizeof(bench->result), &read_count),
                     STATUS_OK);
    bench->has_result = read_count == sizeof(bench->result);
    for (size_t i = 0; i < COUNT_OF(fds); i++)
        assert_int_equal(close(fds[i]), 0);
}

static void bench_build_guest(struct bench *bench, const char *name)
{
    char path[512];
    static uint8_t module[1 << 20];
    size_t count = 0;
    (void)snprintf(path, sizeof(path), "%s/%s.wasm", BUILDER_GUESTS, name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        fail_msg("no guest %s", path);
    assert_int_equal(io_read(fd, module, sizeof(module), &count), STATUS_OK);
    assert_int_equal(close(fd), 0);
    bench_build(bench, module, count);
}

static void a_module_becomes_an_artifact_of_its_kind(void **state)
{
    (void)state;
    struct bench bench;
    bench_init(&bench);
    bench_build_guest(&bench, "e2e_echo");
    assert_int_equal(bench.wait_status, 0);
    assert_true(bench.has_result);
    if (bench.result.status != STATUS_OK)
        fail_msg("%s", bench.result.text);
    assert_string_equal(bench.result.kind, "http-wasm");
    assert_int_equal(bench.result.keeps_memory, 1);
    assert_string_equal(bench.result.warnings, "");
    assert_non_null(strstr(bench.result.surface, "import http_handler."));
    assert_non_null(strstr(bench.result.surface, "\nexport handle_request\n"));
    assert_true(bench.artifact_bytes > 0);
    assert_int_equal(bench.artifact_bytes, bench.result.artifact_bytes);
    bench_build_guest(&bench, "e2e_wagi");
    assert_string_equal(bench.result.kind, "wagi");
    assert_int_equal(bench.result.keeps_memory, 0);
}

static void what_is_wrong_with_a_module_is_in_the_result(void **state)
{
    (void)state;
    struct bench bench;
    bench_init(&bench);
    bench_build(&bench, "", 0);
    assert_int_equal(bench.wait_status, 0);
    assert_int_equal(bench.result.status, STATUS_MALFORMED);
    assert_string_equal(bench.result.text, "the module is empty");
    bench_build(&bench, "no module at all", 16);
    assert_int_equal(bench.wait_status, 0);
    assert_int_equal(bench.result.status, STATUS_MALFORMED);
    assert_true(bench.result.text[0] != '\0');
    assert_int_equal(bench.artifact_bytes, 0);
    bench_build(&bench, "\0asm\1\0\0\0", 8);
    assert_int_not_equal(bench.result.status, STATUS_OK);
    assert_string_equal(bench.result.kind, "unknown");
}

static void a_configuration_that_is_read_early_makes_another_artifact(void **state)
{
    (void)state;
    struct bench bench;
    bench_init(&bench);
    bench.config = bytes_of_text("greeting=hello");
    bench_build_guest(&bench, "e2e_config");
    assert_int_equal(bench.wait_status, 0);
    assert_int_equal(bench.result.status, STATUS_OK);
}

static void an_initialiser_has_the_fuel_of_its_order(void **state)
{
    (void)state;
    struct bench bench;
    bench_init(&bench);
    bench.order.limits.init_fuel = 1000;
    bench_build_guest(&bench, "e2e_init_loop");
    assert_int_equal(bench.wait_status, 0);
    assert_int_equal(bench.result.status, STATUS_LIMIT);
    assert_non_null(strstr(bench.result.text, "fuel"));
    bench_init(&bench);
    bench_build_guest(&bench, "e2e_init_trap");
    assert_int_equal(bench.result.status, STATUS_TRAPPED);
    assert_non_null(strstr(bench.result.text, "initialiser"));
}

static void append_leb(struct buffer *module, uint32_t value)
{
    const uint8_t bytes[] = {(uint8_t)(0x80 | (value & 0x7f)),
                             (uint8_t)(0x80 | ((value >> 7) & 0x7f)), (uint8_t)(value >> 14)};
    assert_true(value < 1 << 21);
    assert_int_equal(buffer_append(module, bytes, sizeof(bytes)), STATUS_OK);
}

static void append_export(struct buffer *exports, const char *name)
{
    append_leb(exports, (uint32_t)strlen(name));
    assert_int_equal(buffer_append(exports, name, strlen(name)), STATUS_OK);
    assert_int_equal(buffer_append(exports, "\0\0", 2), STATUS_OK);
}

static void of_a_surface_too_large_the_beginning_is_told(void **state)
{
    (void)state;
    enum { EXPORT_COUNT = 99 };
    struct bench bench;
    struct buffer module;
    struct buffer exports;
    static const uint8_t head[] = "\0asm\1\0\0\0\1\4\1\x60\0\0\3\2\1\0\7";
    static const uint8_t code[] = "\x0a\4\1\2\0\x0b";
    bench_init(&bench);
    buffer_init(&module, SIZE_MAX);
    buffer_init(&exports, SIZE_MAX);
    append_leb(&exports, EXPORT_COUNT + 1);
    append_export(&exports, "_start");
    for (int i = 0; i < EXPORT_COUNT; i++) {
        char name[SURFACE_NAME_BYTES + 4];
        (void)snprintf(name, sizeof(name), "%d\n%0180d", i, 0);
        append_export(&exports, name);
    }
    assert_int_equal(buffer_append(&module, head, sizeof(head) - 1), STATUS_OK);
    append_leb(&module, (uint32_t)exports.count);
    assert_int_equal(buffer_append(&module, exports.data, exports.count), STATUS_OK);
    assert_int_equal(buffer_append(&module, code, sizeof(code) - 1), STATUS_OK);
    bench_build(&bench, module.data, module.count);
    if (bench.result.status != STATUS_OK)
        fail_msg("%s", bench.result.text);
    const char *surface = bench.result.surface;
    assert_int_equal(strncmp(surface, "export _start\nexport 0?000", 26), 0);
    size_t bytes = strlen(surface);
    assert_true(bytes > DEPLOY_SURFACE_BYTES - SURFACE_NAME_BYTES - 40);
    assert_string_equal(strrchr(surface, 'm'), "more 14\n");
    buffer_done(&exports);
    buffer_done(&module);
}

static void what_is_no_order_is_no_build(void **state)
{
    (void)state;
    struct bench bench;
    bench_init(&bench);
    bench.order.config_bytes = DEPLOY_CONFIG_BYTES_MAX + 1;
    const uint64_t huge = DEPLOY_CONFIG_BYTES_MAX + 1;
    struct deploy_build_order order = bench.order;
    order.config_bytes = huge;
    pid_t pid = fork();
    if (pid == 0) {
        int fd = memory_file(&order, sizeof(order));
        (void)dup2(open("/dev/null", O_WRONLY), STDERR_FILENO);
        (void)dup2(fd, DEPLOY_BUILDER_ORDER_FD);
        _exit(server_builder_main());
    }
    int wait_status;
    assert_int_equal(waitpid(pid, &wait_status, 0), pid);
    assert_true(WIFEXITED(wait_status));
    assert_int_equal(WEXITSTATUS(wait_status), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_module_becomes_an_artifact_of_its_kind),
        cmocka_unit_test(what_is_wrong_with_a_module_is_in_the_result),
        cmocka_unit_test(a_configuration_that_is_read_early_makes_another_artifact),
        cmocka_unit_test(an_initialiser_has_the_fuel_of_its_order),
        cmocka_unit_test(of_a_surface_too_large_the_beginning_is_told),
        cmocka_unit_test(what_is_no_order_is_no_build),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
