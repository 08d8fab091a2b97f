/* SPDX-License-Identifier: Apache-2.0 */
/*
 * skerry run: the engine without a server. A WASI command by default, or one exported
 * function, for both of which WASI's imports are there, or one request to a function of any kind
 * (run_request.c).
 *
 *   read -> compile -> open -> instantiate -> start function -> _start / the function / the request
 *
 * Exit status: the guest's; 134 for a trap; otherwise the status's own.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "deploy/deploy.h"
#include "deploy/source.h"
#include "engine/native.h"
#include "hostapi/javascript/module.h"
#include "server/cli/run.h"
#include "server/cli/values.h"
#include "server/cli/verbs_engine.h"

#define RUN_FRAMES_MAX 32
#define RUN_PARAMS_MAX 1000
#define RUN_FUEL_NONE  INT64_MAX
/* Short enough that clocks which count fuel move on. */
#define RUN_SLICE ((int64_t)10000000)

static uint64_t now_ns(void)
{
    return clock_monotonic_ns(&clock_system);
}

static uint64_t now_cpu_ns(void)
{
    struct timespec now = {0};
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * CLOCK_NS_PER_S + (uint64_t)now.tv_nsec;
}

/* ---- options --------------------------------------------------------------------------------- */

static int read_fuel(struct run *run, const char *value)
{
    char *end;
    errno = 0;
    run->fuel = strtoll(value, &end, 10);
    if (errno != 0 || end == value || *end != '\0' || run->fuel <= 0)
        return verb_usage("run", "--fuel %s: a number from 1 to %lld is wanted", value,
                          (long long)INT64_MAX);
    return 0;
}

static int read_size(struct run *run, const char *value)
{
    if (!verb_read_size(value, &run->limits.module_bytes))
        return verb_usage("run", "--max-module %s: a size like 100MiB is wanted", value);
    return 0;
}

static int read_header(struct run *run, const char *value)
{
    if (strchr(value, ':') == NULL)
        return verb_usage("run", "-H %s: 'Name: value' is wanted", value);
    if (run->request.header_count == RUN_HEADERS_MAX)
        return verb_usage("run", "more than %d times -H", RUN_HEADERS_MAX);
    run->request.headers[run->request.header_count++] = value;
    return 0;
}

static int read_variable(struct run *run, const char *value)
{
    if (strchr(value, '=') == NULL)
        return verb_usage("run", "--env %s: NAME=VALUE is wanted", value);
    if (run->environment_count == RUN_ENVIRONMENT_MAX)
        return verb_usage("run", "more than %d times --env", RUN_ENVIRONMENT_MAX);
    run->environment[run->environment_count++] = value;
    return 0;
}

static int read_dir(struct run *run, const char *value)
{
    if (run->dir_count == HOSTAPI_DIRS_MAX)
        return verb_usage("run", "more than %d times --dir", HOSTAPI_DIRS_MAX);
    run->dirs[run->dir_count++] = value;
    return 0;
}

static int read_invoke(struct run *run, const char *value)
{
    run->invoke = value;
    return 0;
}

static int read_request(struct run *run, const char *value)
{
    run->request.line = value;
    return 0;
}

static int read_body(struct run *run, const char *value)
{
    run->request.body = value;
    return 0;
}

/* One option at argv[*at]; advances over its value. Returns 0, or the exit status of a usage
 * error. */
static int read_option(struct run *run, int argc, char **argv, int *at)
{
    const char *name = argv[*at];
    const struct {
        const char *name;
        bool *is_given;
    } flags[] = {
        {"--stats", &run->stats},
        {"--perf", &run->perf},
        {"--deterministic", &run->options.deterministic},
        {"--allow-missing", &run->request.allow_missing},
    };
    for (size_t i = 0; i < COUNT_OF(flags); i++) {
        if (strcmp(name, flags[i].name) == 0) {
            *flags[i].is_given = true;
            return 0;
        }
    }
    if (verb_read_native(name, &run->options))
        return 0;
    static const struct {
        const char *name;
        int (*read)(struct run *run, const char *value);
    } options[] = {
        {"--invoke", read_invoke},   {"--fuel", read_fuel},       {"--env", read_variable},
        {"--max-module", read_size}, {"--request", read_request}, {"-H", read_header},
        {"-d", read_body},           {"--dir", read_dir},
    };
    for (size_t i = 0; i < COUNT_OF(options); i++) {
        if (strcmp(name, options[i].name) != 0)
            continue;
        if (*at + 1 >= argc)
            return verb_usage("run", "%s wants a value", name);
        return options[i].read(run, argv[++*at]);
    }
    return verb_usage("run", "unknown option %s (what the guest is to get comes after --)", name);
}

static bool is_option(const char *word)
{
    return word[0] == '-' && (word[1] == '-' || strcmp(word, "-H") == 0 || strcmp(word, "-d") == 0);
}

/* Returns 0, or the exit status of a usage error. */
static int read_options(struct run *run, int argc, char **argv)
{
    int at = 0;
    for (; at < argc && strcmp(argv[at], "--") != 0; at++) {
        if (is_option(argv[at])) {
            int exit_status = read_option(run, argc, argv, &at);
            if (exit_status != 0)
                return exit_status;
        } else if (run->file == NULL) {
            run->file = argv[at];
            run->arguments[run->argument_count++] = argv[at];
        } else {
            run->arguments[run->argument_count++] = argv[at];
        }
    }
    for (at++; at < argc; at++)
        run->arguments[run->argument_count++] = argv[at];
    if (run->file == NULL)
        return verb_usage("run", "which file?");
    const struct run_request *request = &run->request;
    if (request->line == NULL && (request->header_count > 0 || request->body != NULL))
        return verb_usage("run", "-H and -d belong to --request");
    if (run->perf && run->options.native == ENGINE_NATIVE_OFF)
        return verb_usage("run", "--perf belongs to --native=on and --native=mixed");
    if (request->line != NULL && (run->invoke != NULL || run->argument_count > 1))
        return verb_usage("run", "--request goes with neither --invoke nor ARGS");
    return 0;
}

/* ---- loading --------------------------------------------------------------------------------- */

/* The module of what was read; that of a script is the engine that will evaluate it. */
static enum status choose_module(struct run *run, struct report *report, struct bytes *ret_wasm)
{
    size_t stem_bytes;
    const char *type = source_type_of_file(run->file, &stem_bytes);
    *ret_wasm = buffer_bytes(&run->file_data);
    if (source_of(bytes_of_text(type), *ret_wasm) != DEPLOY_SOURCE_JAVASCRIPT)
        return STATUS_OK;
    if (run->request.line == NULL)
        return report_fail(report, STATUS_USAGE, REPORT_OFFSET_NONE,
                           "a script answers requests: add --request 'GET /'");
    run->request.config = *ret_wasm;
    *ret_wasm = javascript_module();
    if (ret_wasm->count > 0)
        return STATUS_OK;
    return report_fail(report, STATUS_UNSUPPORTED, REPORT_OFFSET_NONE,
                       "this program was built without JavaScript: `skerry doctor` says what the "
                       "build lacked");
}

static enum status load(struct run *run, struct report *report)
{
    struct bytes wasm;
    uint64_t start_ns = now_ns();
    enum status status =
        verb_read_file(run->file, run->limits.module_bytes, report, &run->file_data);
    if (status == STATUS_OK)
        status = choose_module(run, report, &wasm);
    if (status == STATUS_OK)
        status =
            engine_compile(wasm, &run->limits, &run->options, report, &run->timings, &run->image);
    if (status == STATUS_OK)
        status = engine_module_open(bytes_make(run->image.data, run->image.count), false, report,
                                    &run->module);
    if (status == STATUS_OK)
        status = engine_module_map_native(run->module, -1, report);
    if (status == STATUS_OK && run->perf)
        status = run_write_perf_map(run->module, report);
    run->load_ns = now_ns() - start_ns;
    return status;
}

/* HOST::GUEST, or one name for both. */
static enum status open_dirs(struct run *run, struct report *report)
{
    for (; run->open_dir_count < run->dir_count; run->open_dir_count++) {
        char path[PATH_MAX];
        const char *value = run->dirs[run->open_dir_count];
        const char *mark = strstr(value, "::");
        int count = snprintf(path, sizeof(path), "%.*s",
                             (int)(mark == NULL ? strlen(value) : (size_t)(mark - value)), value);
        struct hostapi_dir *dir = &run->open_dirs[run->open_dir_count];
        dir->name = mark == NULL ? value : mark + 2;
        dir->fd = count < 0 || (size_t)count >= sizeof(path)
                      ? -1
                      : open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (dir->fd < 0)
            return report_errno(report, "--dir %s: cannot open the directory", value);
        if (dir->name[0] == '\0')
            return report_fail(report, STATUS_USAGE, REPORT_OFFSET_NONE,
                               "--dir %s: it has no name for the guest: write HOST::GUEST", value);
    }
    return STATUS_OK;
}

static enum status make_command(struct run *run, struct report *report)
{
    struct hostapi_command command = {
        .arguments = run->arguments,
        .argument_count = run->argument_count,
        .environment = run->environment,
        .environment_count = run->environment_count,
        .dirs = {.rows = run->open_dirs, .count = run->dir_count},
        .clock = &clock_system,
    };
    enum status status = hostapi_command_create(&command, &run->host);
    if (status != STATUS_OK)
        return report_fail(report, status, REPORT_OFFSET_NONE, "no memory for the WASI host");
    return STATUS_OK;
}

static enum status instantiate(struct run *run, struct report *report)
{
    uint64_t start_ns = now_ns();
    enum status status = open_dirs(run, report);
    if (status == STATUS_OK)
        status = run->request.line != NULL ? run_request_prepare(run, report)
                                           : make_command(run, report);
    if (status != STATUS_OK)
        return status;
    status = engine_machine_create(&run->limits, report, &run->machine);
    if (status != STATUS_OK)
        return status;
    struct engine_linker linker = hostapi_linker(run->host);
    linker.missing_funcs_trap = true;
    status = engine_instantiate(run->machine, run->module, &linker, report, &run->instance);
    run->instantiate_ns = now_ns() - start_ns;
    return status;
}

/* ---- running --------------------------------------------------------------------------------- */

static void wait_until(uint64_t until_ns)
{
    struct timespec until = {.tv_sec = (time_t)(until_ns / CLOCK_NS_PER_S),
                             .tv_nsec = (long)(until_ns % CLOCK_NS_PER_S)};
    (void)clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
}

enum engine_outcome run_finish_call(struct run *run)
{
    for (;;) {
        uint64_t used = engine_machine_fuel_used(run->machine);
        if (used >= (uint64_t)run->fuel)
            return ENGINE_OUT_OF_FUEL;
        int64_t left = run->fuel - (int64_t)used;
        /* As in a server, clocks stand still in a slice; a command's go on. */
        if (run->request.line != NULL)
            hostapi_run_begins(run->host);
        enum engine_outcome outcome = engine_run(run->machine, MIN(left, RUN_SLICE));
        if (outcome == ENGINE_DONE || outcome == ENGINE_TRAPPED)
            return outcome;
        if (outcome == ENGINE_PENDING)
            wait_until(hostapi_waits_until_ns(hostapi_waits(run->host)));
    }
}

static void print_backtrace(const struct run *run)
{
    char text[ENGINE_DEMANGLE_BYTES];
    struct engine_frame_info frames[RUN_FRAMES_MAX];
    uint32_t count = engine_backtrace(run->machine, frames, RUN_FRAMES_MAX);
    for (uint32_t i = 0; i < count; i++) {
        (void)fprintf(stderr, "  at func %u", frames[i].func_index);
        if (frames[i].func_name.count > 0)
            (void)fputc(' ', stderr);
        verb_print_name(stderr, engine_demangle(frames[i].func_name, text));
        (void)fprintf(stderr, " offset 0x%x\n", frames[i].offset);
    }
    if (count == RUN_FRAMES_MAX)
        (void)fprintf(stderr, "  ... and what called it\n");
}

int run_ended_early(const struct run *run, enum engine_outcome outcome)
{
    struct engine_trap_info trap = engine_machine_trap(run->machine);
    if (outcome == ENGINE_OUT_OF_FUEL) {
        (void)fprintf(stderr, "trap: all %" PRId64 " units of fuel used; raise --fuel\n",
                      run->fuel);
        return RUN_EXIT_TRAP;
    }
    if (trap.trap == TRAP_EXIT)
        return trap.exit_code & 0xff;
    (void)fprintf(stderr, "trap: %s\n", trap.text);
    print_backtrace(run);
    return RUN_EXIT_TRAP;
}

/* Calls an exported function without parameters if there is one. True: it returned. */
static bool call_export(struct run *run, const char *name, int *ret_exit)
{
    struct engine_export_desc export;
    if (!engine_module_find_export(run->module, name, ENGINE_EXTERN_FUNC, &export) ||
        export.type.param_count != 0)
        return true;
    engine_call_begin(run->machine, run->instance, export.index, NULL, 0);
    enum engine_outcome outcome = run_finish_call(run);
    if (outcome == ENGINE_DONE)
        return true;
    *ret_exit = run_ended_early(run, outcome);
    return false;
}

/* "FILE: WHAT; it exports these functions: ...; name one with --invoke" */
static int list_exports(const struct run *run, const char *what)
{
    uint32_t funcs = 0;
    (void)fprintf(stderr, "skerry run: %s: %s", run->file, what);
    for (uint32_t i = 0; i < engine_module_export_count(run->module); i++) {
        struct engine_export_desc export = engine_module_export(run->module, i);
        if (export.kind != ENGINE_EXTERN_FUNC)
            continue;
        (void)fputs(funcs++ == 0 ? "; it exports these functions: '" : " '", stderr);
        verb_print_name(stderr, export.name);
        (void)fputc('\'', stderr);
    }
    (void)fputs(funcs == 0 ? "; it exports no function\n" : "; name one with --invoke\n", stderr);
    return status_exit_code(STATUS_NOT_FOUND);
}

/* --invoke of a name that no function has. */
static int no_such_function(const struct run *run)
{
    static const struct {
        enum engine_extern_kind kind;
        const char *text;
    } others[] = {
        {ENGINE_EXTERN_MEMORY, "a memory"},
        {ENGINE_EXTERN_TABLE, "a table"},
        {ENGINE_EXTERN_GLOBAL, "a global"},
        {ENGINE_EXTERN_TAG, "a tag"},
    };
    char what[REPORT_TEXT_BYTES];
    struct engine_export_desc export;
    for (size_t i = 0; i < COUNT_OF(others); i++) {
        if (engine_module_find_export(run->module, run->invoke, others[i].kind, &export)) {
            (void)snprintf(what, sizeof(what), "'%.200s' is %s, not a function", run->invoke,
                           others[i].text);
            return list_exports(run, what);
        }
    }
    (void)snprintf(what, sizeof(what), "no function '%.200s'", run->invoke);
    return list_exports(run, what);
}

/* "add takes 2 arguments (i32 i32), not 1" */
static int wrong_count(const struct run *run, const struct engine_functype *type, uint32_t count)
{
    struct buffer types;
    buffer_init(&types, REPORT_TEXT_BYTES);
    enum status status = STATUS_OK;
    for (uint32_t i = 0; status == STATUS_OK && i < type->param_count; i++)
        status = buffer_printf(&types, "%s%s", i == 0 ? " (" : " ",
                               engine_type_text(type->params[i]).text);
    if (status == STATUS_OK && type->param_count > 0)
        status = buffer_append(&types, ")", 1);
    int exit_status =
        verb_fail("run", STATUS_USAGE, "%s takes %u argument%s%.*s, not %u", run->invoke,
                  type->param_count, type->param_count == 1 ? "" : "s",
                  status == STATUS_OK ? (int)types.count : 0, (const char *)types.data, count);
    buffer_done(&types);
    return exit_status;
}

/* --invoke: typed arguments in, results out, one a line. */
static int invoke(struct run *run)
{
    struct engine_export_desc export;
    if (!engine_module_find_export(run->module, run->invoke, ENGINE_EXTERN_FUNC, &export))
        return no_such_function(run);
    uint32_t count = run->argument_count - 1;
    if (count != export.type.param_count)
        return wrong_count(run, &export.type, count);
    union engine_value arguments[2 * RUN_PARAMS_MAX];
    uint32_t slots = 0;
    ASSERT(count <= RUN_PARAMS_MAX);
    for (uint32_t i = 0; i < count; i++) {
        if (!values_parse(run->arguments[i + 1], export.type.params[i], &arguments[slots]))
            return verb_fail("run", STATUS_USAGE, "argument %u of %s: '%s' is no %s: write %s",
                             i + 1, run->invoke, run->arguments[i + 1],
                             engine_type_text(export.type.params[i]).text,
                             values_form(export.type.params[i]));
        slots += engine_slot_count(&export.type.params[i], 1);
    }
    engine_call_begin(run->machine, run->instance, export.index, arguments, slots);
    enum engine_outcome outcome = run_finish_call(run);
    if (outcome != ENGINE_DONE)
        return run_ended_early(run, outcome);
    const union engine_value *results = engine_call_results(run->machine);
    for (uint32_t i = 0; i < export.type.result_count; i++) {
        char text[VALUES_TEXT_BYTES];
        values_print(text, export.type.results[i], results);
        results += engine_slot_count(&export.type.results[i], 1);
        (void)puts(text);
    }
    return 0;
}

/* Start function, then what was asked for. */
static int execute(struct run *run)
{
    int exit_status = 0;
    if (engine_instance_begin_start(run->instance)) {
        enum engine_outcome outcome = run_finish_call(run);
        if (outcome != ENGINE_DONE)
            return run_ended_early(run, outcome);
    }
    if (run->request.line != NULL)
        return run_request_execute(run);
    if (run->invoke != NULL)
        return call_export(run, "_initialize", &exit_status) ? invoke(run) : exit_status;
    struct engine_export_desc export;
    if (!engine_module_find_export(run->module, "_start", ENGINE_EXTERN_FUNC, &export))
        return list_exports(run, "not a WASI command: it exports no _start");
    if (export.type.param_count != 0)
        return list_exports(run, "not a WASI command: its _start takes arguments");
    (void)call_export(run, "_start", &exit_status);
    return exit_status;
}

/* Of 64 KiB, in all memories. */
static uint64_t memory_pages(const struct run *run)
{
    uint64_t pages = 0;
    uint32_t count = run->instance == NULL ? 0 : engine_memory_count(run->instance);
    for (uint32_t i = 0; i < count; i++)
        pages += engine_memory_view(run->instance, i).bytes >> 16;
    return pages;
}

static void print_stats(const struct run *run)
{
    uint64_t pages = memory_pages(run);
    uint64_t fuel = run->machine == NULL ? 0 : engine_machine_fuel_used(run->machine);
    uint64_t instructions = run->machine == NULL ? 0 : engine_machine_instructions(run->machine);
    uint64_t native_fuel = run->machine == NULL ? 0 : engine_machine_native_fuel(run->machine);
    uint64_t native = run->module == NULL ? 0 : engine_module_native_bytes(run->module);
    uint64_t code = run->timings.code_bytes;
    (void)fprintf(stderr,
                  "{\"fuel\":%" PRIu64 ",\"native_fuel\":%" PRIu64
                  ",\"native_fuel_share\":%.3f,\"instructions\":%" PRIu64 ",\"load_us\":%" PRIu64
                  ",\"validate_us\":%" PRIu64 ",\"translate_us\":%" PRIu64
                  ",\"instantiate_us\":%" PRIu64 ",\"run_us\":%" PRIu64 ",\"run_cpu_us\":%" PRIu64
                  ",\"code_bytes\":%" PRIu64 ",\"native\":%s,\"native_bytes\":%" PRIu64
                  ",\"native_share\":%.2f,\"memory_pages\":%" PRIu64 "}\n",
                  fuel, native_fuel, fuel > 0 ? (double)native_fuel / (double)fuel : 0.0,
                  instructions, run->load_ns / 1000, run->timings.validate_ns / 1000,
                  run->timings.translate_ns / 1000, run->instantiate_ns / 1000, run->run_ns / 1000,
                  run->run_cpu_ns / 1000, code, native > 0 ? "true" : "false", native,
                  code > 0 ? (double)native / (double)code : 0.0, pages);
}

static void run_done(struct run *run)
{
    engine_machine_free(run->machine);
    engine_module_close(run->module);
    engine_image_free(&run->image);
    hostapi_host_free(run->host);
    for (uint32_t i = 0; i < run->open_dir_count; i++)
        (void)close(run->open_dirs[i].fd);
    buffer_done(&run->file_data);
    buffer_done(&run->request.said);
    arena_done(&run->folder);
    free(run->arguments);
}

int verb_run(int argc, char **argv)
{
    struct report report = REPORT_INIT;
    struct run run = {.fuel = RUN_FUEL_NONE, .limits = engine_limits_default};
    buffer_init(&run.request.said, RUN_SAID_BYTES);
    arena_init(&run.folder, DEPLOY_MANIFEST_ARENA_BYTES);
    run.arguments = calloc((size_t)argc + 1, sizeof(*run.arguments));
    if (run.arguments == NULL)
        return verb_fail("run", STATUS_NO_MEMORY, "out of memory");
    int exit_status = read_options(&run, argc, argv);
    /* Head and log go there character by character. */
    if (run.request.line != NULL)
        (void)setvbuf(stderr, NULL, _IOLBF, BUFSIZ);
    if (exit_status == 0) {
        enum status status = engine_init(&report);
        if (status == STATUS_OK)
            status = run_open_folder(&run, &report);
        if (status == STATUS_OK)
            status = load(&run, &report);
        if (status == STATUS_OK)
            status = instantiate(&run, &report);
        if (status == STATUS_OK) {
            uint64_t start_ns = now_ns();
            uint64_t start_cpu_ns = now_cpu_ns();
            exit_status = execute(&run);
            run.run_cpu_ns = now_cpu_ns() - start_cpu_ns;
            run.run_ns = now_ns() - start_ns;
            (void)fflush(stdout);
        } else {
            exit_status = verb_fail_report("run", run.file, &report);
        }
        if (status == STATUS_TRAPPED) {
            (void)fprintf(stderr, "trap: %s\n", engine_machine_trap(run.machine).text);
            exit_status = RUN_EXIT_TRAP;
        }
        if (run.stats)
            print_stats(&run);
    }
    run_done(&run);
    return exit_status;
}
