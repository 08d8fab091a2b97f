/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The builder: the process in which an upload is touched first. One module in, one
 * artifact and one result out, then it exits.
 *
 *   order (fd 6) -> upload (fd 3) -> front end -> compile -> recognise -> instantiate -> initialise
 *                 -> snapshot [-> checkpoint] -> artifact (fd 4), fsync -> result (fd 5)
 *
 * What is built on a base (fd 7) has it compiled, and begins with an instance of its snapshot.
 *
 * It begins when its order arrives.
 * Whatever is wrong with the module is in the result, and the exit status is 0; anything
 * else that goes wrong ends the process, and control takes that for a crash.
 */
#include "server/builder.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "config/limits.h"
#include "deploy/deploy.h"
#include "engine/base/clock.h"
#include "engine/base/hex.h"
#include "engine/base/io.h"
#include "engine/base/spawn.h"
#include "engine/engine.h"
#include "hostapi/hostapi.h"
#include "hostapi/javascript/module.h"
#include "server/surface.h"
#include "server/walls/walls.h"
#include "server/world/guest_files.h"

#define BUILDER_SLICE_FUEL     10000000
#define BUILDER_FRAMES_MAX     1
#define BUILDER_THREADS        4 /* of a large module; more would wait for memory */
#define BUILDER_PAGE_BYTES     65536
#define BUILDER_NOTE_BYTES_MAX 65536
#define BUILDER_IMPORT_BYTES   200 /* of an import's names in a warning */
#define BUILDER_SAID_BYTES     300

struct builder {
    struct config_limits limits;
    struct bytes config;
    struct engine_options options;
    bool allow_missing;        /* imports that nothing provides */
    bool is_strict;            /* nor those that a known family lacks */
    bool reseeds;              /* may read random bytes before its checkpoint */
    bool wants_checkpoint;     /* whatever it imports */
    const char *runs;          /* what of the module runs, for reports */
    enum deploy_source source; /* what `upload` is */
    struct bytes upload;
    uint64_t files_bytes; /* of the list behind it */
    char blobs[sizeof(((struct deploy_build_order *)NULL)->blobs)];
    enum config_walls walls;
    struct hostapi_files files; /* what it may read */
    struct arena files_arena;
    struct engine_limits engine_limits;
    struct bytes wasm; /* what a front end made of it, or it itself */
    struct engine_image compiled;
    bool has_base;
    uint8_t base_key[DEPLOY_SHA256_BYTES];
    struct engine_image snapshot;
    bool is_on_the_way; /* to a checkpoint */
    struct engine_module *module;
    struct engine_machine *machine;
    struct engine_instance *instance;
    struct hostapi_host *host;
    struct buffer said; /* by the guest, of what is wrong */
    struct report report;
    struct deploy_build_result result;
};

/* ---- the upload ------------------------------------------------------------------------------ */

static int builder_open_file(void *context, const struct hostapi_file *file)
{
    char name[2 * DEPLOY_SHA256_BYTES + 1];
    char path[sizeof(((struct builder *)NULL)->blobs) + sizeof(name) + 1];
    const struct builder *builder = context;
    hex_encode(file->sha256, DEPLOY_SHA256_BYTES, name);
    (void)snprintf(path, sizeof(path), "%s/%s", builder->blobs, name);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    return fd >= 0 ? fd : -errno;
}

static enum status builder_map_upload(struct builder *builder)
{
    struct stat facts;
    if (fstat(DEPLOY_BUILDER_MODULE_FD, &facts) != 0)
        return report_errno(&builder->report, "cannot read the module");
    size_t count = (size_t)facts.st_size;
    if (count <= builder->files_bytes)
        return report_fail(&builder->report, STATUS_MALFORMED, 0, "the module is empty");
    void *data = mmap(NULL, count, PROT_READ, MAP_PRIVATE, DEPLOY_BUILDER_MODULE_FD, 0);
    if (data == MAP_FAILED)
        return report_errno(&builder->report, "cannot map the module");
    builder->upload = bytes_make(data, count - builder->files_bytes);
    struct bytes list =
        bytes_make(builder->upload.data + builder->upload.count, builder->files_bytes);
    if (!guest_files_make(list, &builder->files_arena, &builder->files))
        return report_fail(&builder->report, STATUS_NO_MEMORY, REPORT_OFFSET_NONE,
                           "no room for the list of files");
    builder->files.open = builder_open_file;
    builder->files.context = builder;
    return STATUS_OK;
}

/* ---- front ends: from what was uploaded to a module ------------------------------------------ */

static enum status builder_front_wasm(struct builder *builder)
{
    builder->wasm = builder->upload;
    return STATUS_OK;
}

/* A script is the configuration of the engine that evaluates it. */
static enum status builder_front_javascript(struct builder *builder)
{
    builder->wasm = javascript_module();
    if (builder->wasm.count == 0 && !builder->has_base)
        return report_fail(
            &builder->report, STATUS_UNSUPPORTED, REPORT_OFFSET_NONE,
            "this server was built without JavaScript: `skerry doctor` on it says what "
            "the build lacked");
    if (builder->config.count > 0)
        return report_fail(
            &builder->report, STATUS_CONFIG, REPORT_OFFSET_NONE,
            "a JavaScript function has no configuration: give it variables, which it "
            "finds in `env`");
    builder->config = builder->upload;
    return STATUS_OK;
}

typedef enum status builder_front(struct builder *builder);

static builder_front *const builder_fronts[] = {
    [DEPLOY_SOURCE_WASM] = builder_front_wasm,
    [DEPLOY_SOURCE_JAVASCRIPT] = builder_front_javascript,
    [DEPLOY_SOURCE_BASE] = builder_front_wasm,
};

/* ---- the module ------------------------------------------------------------------------------ */

static void builder_set_engine_limits(struct builder *builder)
{
    const struct config_limits *limits = &builder->limits;
    builder->engine_limits = (struct engine_limits){
        .module_bytes = limits->module,
        .arena_bytes = limits->build_memory,
        .memory_pages = (uint32_t)(limits->memory / BUILDER_PAGE_BYTES),
        .table_entries = (uint32_t)limits->table,
        .stack_bytes = (uint32_t)limits->stack,
        .heap_bytes = limits->heap,
    };
}

/* Maps it, for as long as the process lives, and sees that all of it is as it was written. CORRUPT
 * and STALE are this file's, and nothing else's. */
static enum status builder_open_base(struct builder *builder)
{
    struct stat facts;
    if (fstat(DEPLOY_BUILDER_BASE_FD, &facts) != 0 || facts.st_size <= 0)
        return report_errno(&builder->report, "cannot read the base");
    size_t count = (size_t)facts.st_size;
    void *data = mmap(NULL, count, PROT_READ, MAP_PRIVATE, DEPLOY_BUILDER_BASE_FD, 0);
    if (data == MAP_FAILED)
        return report_errno(&builder->report, "cannot map the base");
    enum status status =
        engine_module_open(bytes_make(data, count), true, &builder->report, &builder->module);
    if (status == STATUS_OK)
        engine_module_name_base(builder->module, builder->base_key);
    return status;
}

static enum status builder_compile(struct builder *builder)
{
    struct engine_timings timings = {0};
    if (builder->has_base)
        return builder_open_base(builder);
    enum status status = engine_compile(builder->wasm, &builder->engine_limits, &builder->options,
                                        &builder->report, &timings, &builder->compiled);
    if (status != STATUS_OK)
        return status;
    builder->result.validate_us = timings.validate_ns / 1000;
    builder->result.translate_us = timings.translate_ns / 1000;
    return engine_module_open(bytes_make(builder->compiled.data, builder->compiled.count), false,
                              &builder->report, &builder->module);
}

static void builder_warn(struct builder *builder, const char *line)
{
    size_t used = strlen(builder->result.warnings);
    size_t count = strlen(line);
    /* A warning is there wholly or not at all. */
    if (count < sizeof(builder->result.warnings) - used)
        memcpy(builder->result.warnings + used, line, count + 1);
}

static void builder_warn_missing(void *context, const struct engine_import_desc *import)
{
    struct builder *builder = context;
    char names[BUILDER_IMPORT_BYTES] = "";
    char line[BUILDER_IMPORT_BYTES + 80];
    bytes_append_plain(names, sizeof(names), import->module_name);
    bytes_append_plain(names, sizeof(names), bytes_of_text("."));
    bytes_append_plain(names, sizeof(names), import->name);
    if (builder->is_strict && builder->report.status == STATUS_OK)
        (void)report_fail(
            &builder->report, STATUS_FOREIGN_IMPORT, REPORT_OFFSET_NONE,
            "import `%s` is not provided: `skerry dev` and --strict (?strict=1) refuse that",
            names);
    int count =
        snprintf(line, sizeof(line), "import `%s` is not provided: calling it will trap\n", names);
    if (count > 0)
        builder_warn(builder, line);
}

static enum status builder_recognise(struct builder *builder, enum hostapi_kind *ret_kind)
{
    enum hostapi_kind kind =
        hostapi_detect(builder->module, builder->allow_missing, &builder->report);
    const char *shown = deploy_source_kind(builder->source);
    (void)snprintf(builder->result.kind, sizeof(builder->result.kind), "%s",
                   shown[0] == '\0' ? hostapi_kind_id(kind) : shown);
    if (kind == HOSTAPI_KIND_UNKNOWN)
        return builder->report.status;
    enum status status = hostapi_check_config(kind, builder->config, &builder->report);
    if (status != STATUS_OK)
        return status;
    builder->result.keeps_memory = hostapi_kind_keeps_memory(kind) ? 1 : 0;
    hostapi_missing_imports(builder->module, kind, builder_warn_missing, builder);
    *ret_kind = kind;
    return builder->report.status;
}

/* ---- initialising ---------------------------------------------------------------------------- */

/* What the guest said of its failure, on one line, with `ret_text` wholly printable. */
static const char *builder_said(struct builder *builder, char ret_text[BUILDER_SAID_BYTES])
{
    struct bytes said = buffer_bytes(&builder->said);
    ret_text[0] = '\0';
    for (size_t at = 0; at < said.count;) {
        const uint8_t *end = memchr(said.data + at, '\n', said.count - at);
        size_t count = end == NULL ? said.count - at : (size_t)(end - said.data) - at;
        struct bytes line = bytes_trim(bytes_make(said.data + at, count));
        if (ret_text[0] != '\0' && line.count > 0)
            bytes_append_plain(ret_text, BUILDER_SAID_BYTES, bytes_of_text("; "));
        bytes_append_plain(ret_text, BUILDER_SAID_BYTES, line);
        at += count + 1;
    }
    return ret_text;
}

static enum status builder_exited(struct builder *builder, int status)
{
    char said[BUILDER_SAID_BYTES];
    if (builder_said(builder, said)[0] == '\0')
        return report_fail(&builder->report, STATUS_TRAPPED, REPORT_OFFSET_NONE,
                           "%s exited with status %d", builder->runs, status);
    return report_fail(&builder->report, STATUS_TRAPPED, REPORT_OFFSET_NONE, "%s gave up: %s",
                       builder->runs, said);
}

static enum status builder_trapped(struct builder *builder)
{
    struct engine_trap_info trap = engine_machine_trap(builder->machine);
    struct engine_frame_info frame;
    char name[BUILDER_IMPORT_BYTES] = "";
    char text[ENGINE_DEMANGLE_BYTES];
    if (trap.trap == TRAP_EXIT && trap.exit_code == 0) {
        /* A command's way of returning from `_start`. */
        engine_call_cancel(builder->machine);
        return STATUS_OK;
    }
    if (trap.trap == TRAP_EXIT)
        return builder_exited(builder, trap.exit_code);
    uint64_t offset = REPORT_OFFSET_NONE;
    if (engine_backtrace(builder->machine, &frame, BUILDER_FRAMES_MAX) == BUILDER_FRAMES_MAX) {
        offset = frame.offset == 0 ? REPORT_OFFSET_NONE : frame.offset;
        bytes_append_plain(name, sizeof(name), engine_demangle(frame.func_name, text));
        if (name[0] == '\0')
            (void)snprintf(name, sizeof(name), "func %" PRIu32, frame.func_index);
    }
    char said[BUILDER_SAID_BYTES];
    const char *more = builder_said(builder, said)[0] == '\0' ? "" : "; it said: ";
    return report_fail(&builder->report, STATUS_TRAPPED, offset, "%s trapped: %s%s%s%s%s",
                       builder->runs, trap.text, name[0] == '\0' ? "" : ", in ", name, more, said);
}

/* The guest waits. Only on the way to a checkpoint may it, for a time, which its parent bounds. */
static enum status builder_wait(struct builder *builder)
{
    const struct hostapi_waits *waits = hostapi_waits(builder->host);
    uint64_t until_ns = hostapi_waits_until_ns(waits);
    uint64_t now_ns = clock_monotonic_ns(&clock_system);
    if (hostapi_waits_for(waits, HOSTAPI_WAIT_TURN))
        return STATUS_OK;
    if (!builder->is_on_the_way || !hostapi_waits_for(waits, HOSTAPI_WAIT_TIME))
        return report_fail(&builder->report, STATUS_TRAPPED, REPORT_OFFSET_NONE,
                           "%s waits for something: it may only compute", builder->runs);
    if (until_ns > now_ns) {
        uint64_t left_ns = until_ns - now_ns;
        const struct timespec time = {.tv_sec = (time_t)(left_ns / CLOCK_NS_PER_S),
                                      .tv_nsec = (long)(left_ns % CLOCK_NS_PER_S)};
        (void)nanosleep(&time, NULL);
    }
    return STATUS_OK;
}

/* Runs the call under way to its end, or to its checkpoint. */
static enum status builder_run(struct builder *builder)
{
    uint64_t fuel_max = builder->limits.init_fuel;
    for (;;) {
        enum status status;
        hostapi_run_begins(builder->host);
        switch (engine_run(builder->machine, BUILDER_SLICE_FUEL)) {
        case ENGINE_DONE:
            return STATUS_OK;
        case ENGINE_TRAPPED:
            return builder_trapped(builder);
        case ENGINE_PENDING:
            status = hostapi_at_checkpoint(builder->host) ? STATUS_OK : builder_wait(builder);
            if (status != STATUS_OK || hostapi_at_checkpoint(builder->host))
                return status;
            break;
        case ENGINE_CALLING: /* never from engine_run */
        case ENGINE_OUT_OF_FUEL:
            break;
        }
        if (engine_machine_fuel_used(builder->machine) > fuel_max)
            return report_fail(&builder->report, STATUS_LIMIT, REPORT_OFFSET_NONE,
                               "%s used more than %" PRIu64 " fuel (limits.init_fuel)",
                               builder->runs, fuel_max);
    }
}

static enum status builder_instantiate(struct builder *builder, enum hostapi_kind kind)
{
    const struct hostapi_options options = {.kind = kind,
                                            .clock = &clock_system,
                                            .snapshotting = true,
                                            .wants_checkpoint = builder->wants_checkpoint,
                                            .on_base = builder->has_base,
                                            .config = builder->config,
                                            .said = &builder->said,
                                            .files = &builder->files};
    enum status status = hostapi_host_create(&options, &builder->host);
    if (status == STATUS_OK)
        status =
            engine_machine_create(&builder->engine_limits, &builder->report, &builder->machine);
    if (status != STATUS_OK)
        return status;
    struct engine_linker linker = hostapi_linker(builder->host);
    linker.missing_funcs_trap = true;
    if (builder->has_base)
        return engine_restore(builder->machine, builder->module, &linker, false, &builder->report,
                              &builder->instance);
    status = engine_instantiate(builder->machine, builder->module, &linker, &builder->report,
                                &builder->instance);
    /* A segment that does not fit: the engine's report, if it made one, says which. */
    if (status == STATUS_TRAPPED)
        (void)report_fail(&builder->report, status, REPORT_OFFSET_NONE,
                          "the module cannot be instantiated: %s",
                          engine_machine_trap(builder->machine).text);
    return status;
}

/* What is the same for all that are built on it. */
static enum status builder_make_base(struct builder *builder)
{
    enum status status = STATUS_OK;
    builder->runs = "the base";
    if (!hostapi_has_base_step(builder->host, builder->instance))
        return STATUS_OK;
    if (engine_instance_begin_start(builder->instance))
        status = builder_run(builder);
    if (status != STATUS_OK)
        return status;
    hostapi_begin_base_step(builder->host, builder->instance);
    return builder_run(builder);
}

static enum status builder_initialise(struct builder *builder)
{
    enum status status = STATUS_OK;
    if (builder->source == DEPLOY_SOURCE_BASE)
        return builder_make_base(builder);
    builder->runs =
        builder->source == DEPLOY_SOURCE_JAVASCRIPT ? "the script" : "the module's initialiser";
    bool has_started = builder->has_base && hostapi_has_base_step(builder->host, builder->instance);
    if (!has_started && engine_instance_begin_start(builder->instance))
        status = builder_run(builder);
    while (status == STATUS_OK && hostapi_begin_initialise(builder->host, builder->instance))
        status = builder_run(builder);
    return status;
}

/* ---- the checkpoint -------------------------------------------------------------------------- */

/* It is there: its image takes the place of the snapshot. */
static enum status builder_freeze(struct builder *builder)
{
    const struct hostapi_checkpoint asked = hostapi_checkpoint(builder->host);
    struct buffer note;
    struct engine_image image;
    if (asked.random_bytes > 0 && !builder->reseeds)
        return report_fail(&builder->report, STATUS_UNSUPPORTED, REPORT_OFFSET_NONE,
                           "the command read %" PRIu64 " random bytes before its checkpoint: they "
                           "would be the same in every request. Have it read new ones after it, "
                           "and say `reseeds: true` in function.yaml, or --reseeds",
                           asked.random_bytes);
    buffer_init(&note, BUILDER_NOTE_BYTES_MAX);
    enum status status = hostapi_checkpoint_note(builder->host, &note);
    if (status != STATUS_OK)
        (void)report_fail(&builder->report, status, REPORT_OFFSET_NONE,
                          "what the command has open takes too much room for a checkpoint");
    else
        status =
            engine_checkpoint(builder->instance, buffer_bytes(&note), &builder->report, &image);
    buffer_done(&note);
    if (status != STATUS_OK)
        return status;
    engine_image_free(&builder->snapshot);
    builder->snapshot = image;
    builder->result.checkpoint = (struct deploy_build_checkpoint){
        .is_made = 1,
        .clock_reads = asked.clock_reads,
        .random_bytes = asked.random_bytes,
        .argument_reads = asked.argument_reads,
        .environment_reads = asked.environment_reads,
    };
    return STATUS_OK;
}

/* A command that has a checkpoint is run up to it. */
static enum status builder_checkpoint(struct builder *builder)
{
    switch (hostapi_begin_checkpoint(builder->host, builder->instance, &builder->report)) {
    case HOSTAPI_RUN:
        break;
    case HOSTAPI_FAULT:
        return builder->report.status;
    case HOSTAPI_FINISHED:
    case HOSTAPI_NEXT: /* never from there */
        return STATUS_OK;
    }
    builder->runs = "the command, on the way to its checkpoint,";
    builder->is_on_the_way = true;
    uint64_t before = engine_machine_fuel_used(builder->machine);
    enum status status = builder_run(builder);
    if (status != STATUS_OK)
        return status;
    if (!hostapi_at_checkpoint(builder->host)) {
        builder_warn(builder, "the command ended without calling checkpoint_v1: each request "
                              "starts it from its beginning\n");
        return STATUS_OK;
    }
    status = builder_freeze(builder);
    builder->result.checkpoint.fuel = engine_machine_fuel_used(builder->machine) - before;
    return status;
}

/* ---- the artifact ---------------------------------------------------------------------------- */

static enum status builder_write_artifact(struct builder *builder)
{
    struct bytes artifact = bytes_make(builder->snapshot.data, builder->snapshot.count);
    if (io_write_all(DEPLOY_BUILDER_ARTIFACT_FD, artifact) != STATUS_OK ||
        fsync(DEPLOY_BUILDER_ARTIFACT_FD) != 0)
        return report_errno(&builder->report, "cannot write the artifact");
    builder->result.artifact_bytes = artifact.count;
    return STATUS_OK;
}

static enum status builder_build(struct builder *builder)
{
    enum hostapi_kind kind = HOSTAPI_KIND_UNKNOWN;
    enum status status = engine_init(&builder->report);
    if (status == STATUS_OK)
        status = builder_map_upload(builder);
    if (status == STATUS_OK)
        status = builder_fronts[builder->source](builder);
    if (status == STATUS_OK)
        status = builder_compile(builder);
    if (status == STATUS_OK)
        status = builder_recognise(builder, &kind);
    if (status != STATUS_OK)
        return status;
    server_surface_write(builder->module, sizeof(builder->result.surface), builder->result.surface);
    uint64_t before_us = clock_monotonic_us(&clock_system);
    status = builder_instantiate(builder, kind);
    if (status == STATUS_OK)
        status = builder_initialise(builder);
    if (status == STATUS_OK)
        status = engine_snapshot(builder->instance, &builder->report, &builder->snapshot);
    if (status == STATUS_OK && builder->source != DEPLOY_SOURCE_BASE)
        status = builder_checkpoint(builder);
    if (status == STATUS_OK)
        status = builder_write_artifact(builder);
    builder->result.snapshot_us = clock_monotonic_us(&clock_system) - before_us;
    return status;
}

static void builder_done(struct builder *builder)
{
    engine_image_free(&builder->snapshot);
    engine_machine_free(builder->machine);
    hostapi_host_free(builder->host);
    if (builder->module != NULL)
        engine_module_close(builder->module);
    engine_image_free(&builder->compiled);
    buffer_done(&builder->said);
    arena_done(&builder->files_arena);
}

/* False if it is no order; `config` is where the configuration goes. */
static bool builder_read_order(struct builder *builder, uint8_t config[DEPLOY_CONFIG_BYTES_MAX])
{
    struct deploy_build_order order;
    if (io_read_all(DEPLOY_BUILDER_ORDER_FD, &order, sizeof(order)) != STATUS_OK ||
        order.config_bytes > DEPLOY_CONFIG_BYTES_MAX || order.source >= COUNT_OF(builder_fronts) ||
        io_read_all(DEPLOY_BUILDER_ORDER_FD, config, order.config_bytes) != STATUS_OK)
        return false;
    builder->limits = order.limits;
    builder->options.native =
        order.limits.native == CONFIG_CHOICE_OFF ? ENGINE_NATIVE_OFF : ENGINE_NATIVE_ON;
    builder->options.threads = BUILDER_THREADS;
    builder->options.deterministic = (order.choices & DEPLOY_DETERMINISTIC) != 0;
    builder->allow_missing = (order.choices & DEPLOY_ALLOW_MISSING) != 0;
    builder->is_strict = (order.choices & DEPLOY_STRICT) != 0 && !builder->allow_missing;
    builder->wants_checkpoint = (order.choices & DEPLOY_CHECKPOINT) != 0;
    builder->reseeds = (order.choices & DEPLOY_RESEEDS) != 0;
    builder->source = (enum deploy_source)order.source;
    builder->has_base = order.has_base != 0;
    memcpy(builder->base_key, order.base_key, sizeof(builder->base_key));
    builder->config = bytes_make(config, order.config_bytes);
    builder->files_bytes = MIN(order.files_bytes, DEPLOY_FILES_BYTES_MAX);
    builder->walls = order.walls;
    memcpy(builder->blobs, order.blobs, sizeof(builder->blobs));
    builder->blobs[sizeof(builder->blobs) - 1] = '\0';
    return true;
}

/* Of all blobs it can open its tenant's, if there are any. */
static enum status builder_raise_walls(struct builder *builder)
{
    const struct walls_order walls = {.role = WALLS_BUILDER,
                                      .mode = builder->walls,
                                      .reads = builder->files_bytes > 0 ? builder->blobs : NULL};
    return walls_raise(&walls, &builder->report);
}

int server_builder_main(void)
{
    uint8_t config[DEPLOY_CONFIG_BYTES_MAX];
    struct builder builder = {.report = REPORT_INIT};
    buffer_init(&builder.said, BUILDER_SAID_BYTES);
    spawn_settle();
    /* A file that would grow too large is an error, not the end. */
    if (signal(SIGXFSZ, SIG_IGN) == SIG_ERR || !builder_read_order(&builder, config)) {
        (void)fprintf(stderr, "skerry: `builder` is run by `skerry serve` only\n");
        return 2;
    }
    builder_set_engine_limits(&builder);
    arena_init(&builder.files_arena, 4 * DEPLOY_FILES_BYTES_MAX);
    enum status status = builder_raise_walls(&builder);
    if (status == STATUS_OK)
        status = builder_build(&builder);
    struct deploy_build_result *result = &builder.result;
    result->status = status;
    result->offset = builder.report.offset;
    (void)snprintf(result->text, sizeof(result->text), "%s",
                   status == STATUS_OK || builder.report.text[0] != '\0' ? builder.report.text
                                                                         : status_text(status));
    builder_done(&builder);
    struct bytes bytes = bytes_make(result, sizeof(*result));
    return io_write_all(DEPLOY_BUILDER_RESULT_FD, bytes) == STATUS_OK ? 0 : 1;
}
