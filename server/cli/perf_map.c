/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A map of native code for perf, which looks for `/tmp/perf-PID.map` of a process whose samples
 * fall where no file tells it names: a line for each function, address and size in hexadecimal.
 *
 *   7f21c0401010 1a0 fib [wasm 12]
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "engine/native.h"
#include "server/cli/run.h"

/* Blanks and control characters would end a name or a line; those that perf shows do no harm. */
static void perf_write_name(FILE *file, struct bytes name)
{
    char text[ENGINE_DEMANGLE_BYTES];
    struct bytes plain = engine_demangle(name, text);
    for (size_t i = 0; i < plain.count; i++)
        (void)fputc(plain.data[i] <= ' ' || plain.data[i] == 0x7f ? '_' : plain.data[i], file);
}

enum status run_write_perf_map(const struct engine_module *module, struct report *report)
{
    char path[64];
    (void)snprintf(path, sizeof(path), "/tmp/perf-%jd.map", (intmax_t)getpid());
    /* One that a process of the same number left; everybody may write there, so that no link is
     * followed and nobody else's file is written to. */
    (void)unlink(path);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    FILE *file = fd < 0 ? NULL : fdopen(fd, "w");
    if (file == NULL) {
        enum status status = report_errno(report, "cannot make %s", path);
        if (fd >= 0)
            (void)close(fd);
        return status;
    }
    struct engine_native_func func;
    uint32_t count = engine_module_func_count(module);
    for (uint32_t i = 0; i < count; i++) {
        if (!engine_module_native_func(module, i, &func))
            continue;
        (void)fprintf(file, "%" PRIxPTR " %zx ", (uintptr_t)func.code.data, func.code.count);
        perf_write_name(file, func.name);
        (void)fprintf(file, "%s[wasm %" PRIu32 "]\n", func.name.count > 0 ? " " : "", i);
    }
    if (fclose(file) != 0)
        return report_errno(report, "cannot write %s", path);
    return STATUS_OK;
}
