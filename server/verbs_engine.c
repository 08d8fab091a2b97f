/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of verbs that need no server, and their two shared helpers: reading a file and
 * telling what went wrong (one line: what, where, what to do).
 */
#include "server/verbs_engine.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *usage;
    const char *text;
} verbs[] = {
    {"run", verb_run, "FILE.wasm [--invoke NAME] [--fuel N] [--env K=V] [--stats] [-- ARGS]",
     "run a WASI program or one exported function, without a server"},
    {"validate", verb_validate, "FILE.wasm...", "check modules; exit 1 with offset and reason"},
    {"inspect", verb_inspect, "FILE.wasm [--code FUNC | --stats]",
     "show sections, imports, exports and kind, or the threaded code of one function"},
    {"wast", verb_wast, "[--skip FILE] [--slice FUEL] [--deterministic] FILE.json|FOLDER...",
     "run scripts of the official test suite"},
};

bool server_engine_verb(int argc, char **argv, int *ret_exit)
{
    if (argc < 2)
        return false;
    for (size_t i = 0; i < COUNT_OF(verbs); i++) {
        if (strcmp(argv[1], verbs[i].name) == 0) {
            *ret_exit = verbs[i].run(argc - 2, argv + 2);
            return true;
        }
    }
    return false;
}

void server_engine_help(struct buffer *out)
{
    for (size_t i = 0; i < COUNT_OF(verbs); i++) {
        if (buffer_printf(out, "  %-9s %s\n            %s\n", verbs[i].name, verbs[i].usage,
                          verbs[i].text) != STATUS_OK)
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

static enum status read_all(int fd, uint64_t bytes, struct report *report, struct buffer *file)
{
    enum status status = buffer_reserve(file, bytes);
    if (status != STATUS_OK)
        return report_fail(report, status, REPORT_OFFSET_NONE, "no memory to read it");
    while (file->count < bytes) {
        ssize_t got = read(fd, file->data + file->count, bytes - file->count);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return report_errno(report, "cannot read");
        if (got == 0)
            return report_fail(report, STATUS_IO, REPORT_OFFSET_NONE, "it became shorter");
        file->count += (size_t)got;
    }
    return STATUS_OK;
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
        return report_fail(report, STATUS_USAGE, REPORT_OFFSET_NONE, "not a file");
    if ((uint64_t)facts.st_size > max_bytes)
        return report_fail(report, STATUS_LIMIT, REPORT_OFFSET_NONE,
                           "it has %llu bytes, the limit is %llu",
                           (unsigned long long)facts.st_size, (unsigned long long)max_bytes);
    struct buffer file;
    buffer_init(&file, max_bytes);
    enum status status = read_all(fd, (uint64_t)facts.st_size, report, &file);
    if (status != STATUS_OK) {
        buffer_done(&file);
        return status;
    }
    *ret_file = file;
    return STATUS_OK;
}
