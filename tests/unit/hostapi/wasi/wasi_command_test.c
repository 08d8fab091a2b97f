/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Commands without a server: the programs of shared/wasi-testsuite that need no files, and
 * those of shared/modules, with the exit status and standard output that they must have.
 * Standard output is a file of memory's for as long as a program runs.
 */
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "hostapi/hostapi.h"
#include "tests/support/unit.h"
#include "tests/unit/hostapi/fixture.h"

#define TEXTS_MAX  8
#define OUTPUT_MAX 4096

struct program {
    const char *path;             /* below shared/ */
    const char *texts[TEXTS_MAX]; /* argv after argv[0] */
    const char *environment[TEXTS_MAX];
    int exit_code;
    const char *output; /* how stdout begins; NULL: whatever */
};

static const struct program programs[] = {
    {"wasi-testsuite/assemblyscript/args_get-multiple-arguments.wasm",
     {"first", "the \"second\" arg", "3"},
     {NULL},
     0,
     ""},
    {"wasi-testsuite/assemblyscript/args_sizes_get-multiple-arguments.wasm",
     {"first", "the \"second\" arg", "3"},
     {NULL},
     0,
     ""},
    {"wasi-testsuite/assemblyscript/args_sizes_get-no-arguments.wasm", {NULL}, {NULL}, 0, ""},
    {"wasi-testsuite/assemblyscript/environ_get-multiple-variables.wasm",
     {NULL},
     {"a=text", "b=escap \" ing", "c=new\nline"},
     0,
     ""},
    {"wasi-testsuite/assemblyscript/environ_sizes_get-multiple-variables.wasm",
     {NULL},
     {"a=b", "b=c", "c=d"},
     0,
     ""},
    {"wasi-testsuite/assemblyscript/environ_sizes_get-no-variables.wasm", {NULL}, {NULL}, 0, ""},
    {"wasi-testsuite/assemblyscript/fd_write-to-invalid-fd.wasm", {NULL}, {NULL}, 0, ""},
    {"wasi-testsuite/assemblyscript/fd_write-to-stdout.wasm", {NULL}, {NULL}, 0, "hello"},
    {"wasi-testsuite/assemblyscript/proc_exit-failure.wasm", {NULL}, {NULL}, 33, ""},
    {"wasi-testsuite/assemblyscript/proc_exit-success.wasm", {NULL}, {NULL}, 0, ""},
    {"wasi-testsuite/assemblyscript/random_get-non-zero-length.wasm", {NULL}, {NULL}, 0, ""},
    {"wasi-testsuite/assemblyscript/random_get-zero-length.wasm", {NULL}, {NULL}, 0, ""},
    {"wasi-testsuite/c/clock_getres-monotonic.wasm", {NULL}, {NULL}, 0, ""},
    {"wasi-testsuite/c/clock_getres-realtime.wasm", {NULL}, {NULL}, 0, ""},
    {"wasi-testsuite/c/clock_gettime-monotonic.wasm", {NULL}, {NULL}, 0, ""},
    {"wasi-testsuite/c/clock_gettime-realtime.wasm", {NULL}, {NULL}, 0, ""},
    {"wasi-testsuite/c/fopen-with-no-access.wasm", {NULL}, {NULL}, 0, ""},
    {"wasi-testsuite/c/sock_shutdown-invalid_fd.wasm", {NULL}, {NULL}, 0, ""},
    {"wasi-testsuite/c/sock_shutdown-not_sock.wasm", {NULL}, {NULL}, 0, ""},
    {"wasi-testsuite/rust/big_random_buf.wasm", {NULL}, {NULL}, 0, ""},
    {"wasi-testsuite/rust/clock_time_get.wasm", {NULL}, {NULL}, 0, ""},
    {"wasi-testsuite/rust/poll_oneoff_stdio.wasm", {NULL}, {NULL}, 0, ""},
    {"wasi-testsuite/rust/sched_yield.wasm", {NULL}, {NULL}, 0, ""},
    {"modules/wasi-p1/c-hello.wasm", {NULL}, {NULL}, 0, "Hello World!\n"},
    {"modules/wasi-p1/go-hello.wasm", {NULL}, {NULL}, 0, "Hello World!\n"},
    {"modules/wasi-p1/tinygo-hello.wasm", {NULL}, {NULL}, 0, "Hello World!\n"},
    {"modules/wasi-p1/test.wasm", {"cat", "dog"}, {NULL}, 0, "Hello world"},
    {"modules/wasi-p1/wz-exit_on_start.wasm", {NULL}, {NULL}, 2, ""},
    {"modules/wasi-p1/wz-exit_on_start_unstable.wasm", {NULL}, {NULL}, 2, ""},
    {"modules/wasi-p1/wz-print_args.wasm", {"a"}, {NULL}, 0, "program"},
};

static uint32_t count_of(const char *const *texts)
{
    uint32_t count = 0;
    while (count < TEXTS_MAX && texts[count] != NULL)
        count++;
    return count;
}

static void make_machine(struct fixture *fixture)
{
    struct engine_limits limits = engine_limits_default;
    struct engine_linker linker = hostapi_linker(fixture->host);
    struct engine_export_desc start;
    if (engine_machine_create(&limits, &fixture->report, &fixture->machine) != STATUS_OK ||
        engine_instantiate(fixture->machine, fixture->module, &linker, &fixture->report,
                           &fixture->instance) != STATUS_OK)
        fail_msg("%s", fixture->report.text);
    assert_true(engine_module_find_export(fixture->module, "_start", ENGINE_EXTERN_FUNC, &start));
    engine_call_begin(fixture->machine, fixture->instance, start.index, NULL, 0);
}

/* The exit status; -1 for a trap. Stdout goes to `output`, NUL-terminated. */
static int run(struct fixture *fixture, char output[OUTPUT_MAX])
{
    int file = memfd_create("stdout", 0);
    (void)fflush(stdout);
    int saved = dup(STDOUT_FILENO);
    assert_true(file >= 0 && saved >= 0);
    assert_int_equal(dup2(file, STDOUT_FILENO), STDOUT_FILENO);
    enum engine_outcome outcome = fixture_run(fixture);
    assert_int_equal(dup2(saved, STDOUT_FILENO), STDOUT_FILENO);
    ssize_t got = pread(file, output, OUTPUT_MAX - 1, 0);
    assert_true(got >= 0);
    output[got] = '\0';
    (void)close(file);
    (void)close(saved);
    if (outcome == ENGINE_DONE)
        return 0;
    struct engine_trap_info info = engine_machine_trap(fixture->machine);
    if (info.trap == TRAP_EXIT)
        return info.exit_code;
    print_message("trap: %s\n", info.text);
    return -1;
}

/* False: absent. */
static bool run_program(const struct program *program)
{
    struct bytes wasm = fixture_shared(program->path);
    if (wasm.data == NULL)
        return false;
    struct fixture fixture = {.now_ns = 0};
    const char *arguments[TEXTS_MAX + 1] = {"program"};
    uint32_t count = count_of(program->texts);
    memcpy(&arguments[1], program->texts, count * sizeof(arguments[0]));
    struct hostapi_command command = {
        .arguments = arguments,
        .argument_count = count + 1,
        .environment = program->environment,
        .environment_count = count_of(program->environment),
    };
    fixture_start_clock(&fixture);
    command.clock = &fixture.clock;
    fixture_open(&fixture, wasm);
    assert_int_equal(hostapi_command_create(&command, &fixture.host), STATUS_OK);
    make_machine(&fixture);
    char output[OUTPUT_MAX];
    int exit_code = run(&fixture, output);
    if (exit_code != program->exit_code)
        fail_msg("%s: exit status %d, want %d; stdout: %s", program->path, exit_code,
                 program->exit_code, output);
    if (program->output != NULL && strncmp(output, program->output, strlen(program->output)) != 0)
        fail_msg("%s: stdout: %s", program->path, output);
    fixture_end(&fixture);
    fixture_unload(wasm);
    return true;
}

static void programs_without_files_do_what_they_must(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(programs); i++) {
        if (!run_program(&programs[i]))
            skip();
    }
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(programs_without_files_do_what_they_must),
    };
    return cmocka_run_group_tests(tests, fixture_prepare, NULL);
}
