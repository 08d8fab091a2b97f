/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of verbs that need no server, their help, and their two shared helpers: reading
 * a file and telling what went wrong (one line: what, where, what to do).
 */
#include "server/cli/verbs_engine.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "config/config.h"
#include "engine/base/io.h"

static const struct verb {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *usage;
    const char *text;
    const char *options; /* lines for --help, each with its end */
} verbs[] = {
    {"run", verb_run, "FILE [--invoke NAME | --request 'GET /path'] [OPTION]... [-- ARGS]",
     "run a WASI program, one exported function, or one request, without a server",
     "  FILE                   a module, or a script (.js, .mjs), which takes --request; or a\n"
     "                         function's folder: its `main`, with the variables of its `env`\n"
     "  --invoke NAME          call this exported function with ARGS instead of _start; results\n"
     "                         are printed one a line, as i32:3\n"
     "  --request 'GET /path'  send this request to a function of any kind: its body goes to\n"
     "                         stdout, the head and what it logs to stderr\n"
     "  -H 'NAME: VALUE'       a header of the request; may be repeated\n"
     "  -d BODY                the body of the request; @FILE: what is in that file\n"
     "  --allow-missing        with --request: imports that nothing provides do not matter until\n"
     "                         they are called\n"
     "  --fuel N               stop after N units of fuel; without it there is no end\n"
     "  --env K=V              a variable of the guest's environment; may be repeated\n"
     "  --dir HOST::GUEST      let the guest see the directory HOST as GUEST, and write to it;\n"
     "                         nothing that it does leads out of it; may be repeated\n"
     "  --max-module SIZE      take a module of so many bytes, like 100MiB; 50MiB without it\n"
     "  --stats                print fuel, times, code and pages of memory as JSON on stderr\n"
     "  --deterministic        give the same bytes on every machine: slower floats\n"
     "  --native=off|on|mixed  run threaded code, native code, or both at random\n"
     "  --perf                 with --native: tell perf which function is where, in\n"
     "                         /tmp/perf-PID.map\n"
     "\n"
     "  ARGS of --invoke: integers in decimal or 0x, floats also as inf, nan or nan:0x<bits>,\n"
     "  vectors as i32x4:1,2,3,4 (or another shape), references as null\n"
     "\n"
     "exit status: the guest's; 134 after a trap; 0 for a function that returned, and for a\n"
     "request that was answered\n"},
    {"validate", verb_validate, "[--max-module SIZE] FILE.wasm...",
     "check modules; exit 1 with offset and reason",
     "  --max-module SIZE      take a module of so many bytes, like 100MiB; 50MiB without it\n"},
    {"inspect", verb_inspect, "FILE.wasm [--code FUNC [--native] | --stats] [--max-module SIZE]",
     "show sections, imports, exports and kind, or the threaded code of one function",
     "  --code FUNC            Wasm beside threaded code of a function: index or exported name\n"
     "  --native               with --code: and each cell's machine code, as bytes\n"
     "  --stats                print sizes and times of loading as JSON\n"
     "  --max-module SIZE      take a module of so many bytes, like 100MiB; 50MiB without it\n"},
    {"wast", verb_wast,
     "[--skip FILE] [--slice FUEL] [--deterministic] [--native=MODE] [--totals] [--verbose] "
     "FILE.json|FOLDER...",
     "run scripts of the official test suite",
     "  --skip FILE            what not to run, a line each: PATH[:LINE[-LINE]] REASON\n"
     "  --slice FUEL           suspend every call after so much fuel and go on\n"
     "  --deterministic        as in `skerry run`\n"
     "  --native=MODE          as in `skerry run`; mixed:SEED for another choice\n"
     "  --totals               one line a script: fuel, and a hash of how its calls ended\n"
     "  --verbose              one line a script\n"},
};

static const struct verb *verb_find(const char *name)
{
    for (size_t i = 0; i < COUNT_OF(verbs); i++) {
        if (strcmp(name, verbs[i].name) == 0)
            return &verbs[i];
    }
    return NULL;
}

bool server_engine_verb(int argc, char **argv, int *ret_exit)
{
    if (argc < 2)
        return false;
    const struct verb *verb = verb_find(argv[1]);
    if (verb == NULL)
        return false;
    bool help = argc > 2 && (strcmp(argv[2], "--help") == 0 || strcmp(argv[2], "-h") == 0);
    if (help) {
        (void)printf("usage: skerry %s %s\n%s\n%s%s", verb->name, verb->usage, verb->text,
                     verb->options[0] == '\0' ? "" : "\n", verb->options);
        *ret_exit = 0;
    } else {
        *ret_exit = verb->run(argc - 2, argv + 2);
    }
    return true;
}

void server_engine_help(struct buffer *out)
{
    for (size_t i = 0; i < COUNT_OF(verbs); i++) {
        if (buffer_printf(out, "  %-11s %s\n", verbs[i].name, verbs[i].text) != STATUS_OK)
            return;
    }
}

int verb_fail(const char *verb, enum status status, const char *format, ...)
{
    char text[REPORT_TEXT_BYTES];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    (void)fprintf(stderr, "skerry %s: %s\n", verb, text);
    return status_exit_code(status);
}

int verb_usage(const char *name, const char *format, ...)
{
    char what[REPORT_TEXT_BYTES];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(what, sizeof(what), format, arguments);
    va_end(arguments);
    const struct verb *verb = verb_find(name);
    ASSERT(verb != NULL);
    return verb_fail(name, STATUS_USAGE, "%s; usage: skerry %s %s", what, name, verb->usage);
}

int verb_fail_report(const char *verb, const char *file, const struct report *report)
{
    const char *text = report->text[0] != '\0' ? report->text : status_text(report->status);
    if (report->offset == REPORT_OFFSET_NONE)
        return verb_fail(verb, report->status, "%s: %s", file, text);
    return verb_fail(verb, report->status, "%s: offset 0x%llx: %s", file,
                     (unsigned long long)report->offset, text);
}

void verb_print_name(FILE *file, struct bytes name)
{
    for (size_t i = 0; i < name.count; i++) {
        bool is_control = name.data[i] < 0x20 || name.data[i] == 0x7f;
        (void)fputc(is_control ? '?' : name.data[i], file);
    }
}

static enum status verb_read_all(int fd, uint64_t bytes, struct report *report, struct buffer *file)
{
    enum status status = buffer_reserve(file, bytes);
    if (status != STATUS_OK)
        return report_fail(report, status, REPORT_OFFSET_NONE, "no memory to read it");
    size_t count;
    if (io_read(fd, file->data, bytes, &count) != STATUS_OK)
        return report_errno(report, "cannot read");
    if (count < bytes)
        return report_fail(report, STATUS_IO, REPORT_OFFSET_NONE, "it became shorter");
    file->count = count;
    return STATUS_OK;
}

bool verb_read_native(const char *option, struct engine_options *options)
{
    static const char *const modes[] = {[ENGINE_NATIVE_OFF] = "--native=off",
                                        [ENGINE_NATIVE_ON] = "--native=on",
                                        [ENGINE_NATIVE_MIXED] = "--native=mixed"};
    for (size_t i = 0; i < COUNT_OF(modes); i++) {
        size_t count = strlen(modes[i]);
        if (strncmp(option, modes[i], count) != 0)
            continue;
        options->native = (enum engine_native)i;
        if (option[count] == '\0')
            return true;
        char *end;
        options->native_seed = (uint32_t)strtoul(option + count + 1, &end, 10);
        return i == ENGINE_NATIVE_MIXED && option[count] == ':' && *end == '\0';
    }
    return false;
}

bool verb_read_size(const char *text, uint64_t *ret_bytes)
{
    uint64_t bytes;
    if (!config_parse_quantity(text, CONFIG_UNIT_BYTES, &bytes) || bytes == 0)
        return false;
    *ret_bytes = bytes;
    return true;
}

enum status
verb_read_file(const char *path, uint64_t max_bytes, struct report *report, struct buffer *ret_file)
{
    AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return report_errno(report, "cannot open");
    struct stat facts;
    if (fstat(fd, &facts) != 0)
        return report_errno(report, "cannot stat");
    if (!S_ISREG(facts.st_mode))
        return report_fail(report, STATUS_USAGE, REPORT_OFFSET_NONE,
                           S_ISDIR(facts.st_mode) ? "it is a directory: name a file in it"
                                                  : "not a regular file");
    if ((uint64_t)facts.st_size > max_bytes)
        return report_fail(report, STATUS_LIMIT, REPORT_OFFSET_NONE,
                           "it has %llu bytes, the limit is %llu: see --max-module",
                           (unsigned long long)facts.st_size, (unsigned long long)max_bytes);
    struct buffer file;
    buffer_init(&file, max_bytes);
    enum status status = verb_read_all(fd, (uint64_t)facts.st_size, report, &file);
    if (status != STATUS_OK) {
        buffer_done(&file);
        return status;
    }
    *ret_file = file;
    return STATUS_OK;
}
