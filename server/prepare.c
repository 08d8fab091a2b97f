/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the words of `serve` to artifacts.
 */
#include "server/prepare.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/io.h"
#include "server/control/life/handover.h"
#include "server/control/roles.h"
#include "server/serve.h"

static void prepare_tell(const char *format, ...) PRINTF_LIKE(1, 2);

/* One line, whatever is in it. Whoever is to hear it may be gone: then so are we, soon. */
static void prepare_tell(const char *format, ...)
{
    char line[PREPARE_LINE_BYTES];
    va_list arguments;
    va_start(arguments, format);
    int count = vsnprintf(line, sizeof(line) - 1, format, arguments);
    va_end(arguments);
    size_t length = MIN((size_t)MAX(count, 0), sizeof(line) - 2);
    for (size_t i = 0; i < length; i++)
        line[i] = line[i] == '\n' ? ' ' : line[i];
    line[length] = '\n';
    (void)!io_write_all(PREPARE_TELL_FD, bytes_make(line, length + 1));
}

/* The words, with "serve" as the first. 0: it was started by hand. */
static int prepare_read_words(char *text, char *words[PREPARE_WORDS_MAX])
{
    ssize_t count = pread(PREPARE_ORDER_FD, text, PREPARE_BYTES_MAX, 0);
    int word_count = 0;
    if (count <= 0 || text[count - 1] != '\0')
        return 0;
    for (const char *end = text + count; text < end && word_count < PREPARE_WORDS_MAX - 1;
         text += strlen(text) + 1)
        words[word_count++] = text;
    words[word_count] = NULL;
    return word_count;
}

static void prepare_progress(void *context, uint32_t built, uint32_t total)
{
    (void)context;
    prepare_tell("progress %" PRIu32 " %" PRIu32, built, total);
}

static enum status prepare_all(int word_count, char **words, struct report *report)
{
    struct config config;
    enum status status = serve_read(word_count, words, &config, report);
    if (status == STATUS_OK)
        status = engine_init(report);
    if (status != STATUS_OK)
        return status;
    const struct deploy_prepare_options options = {.config = &config,
                                                   .builder = &roles[ROLE_BUILDER].spawn,
                                                   .error_fd = -1,
                                                   .clock = &clock_system,
                                                   .progress = prepare_progress};
    return deploy_prepare(&options, report);
}

int prepare_main(void)
{
    static char text[PREPARE_BYTES_MAX];
    char *words[PREPARE_WORDS_MAX];
    struct report report = REPORT_INIT;
    spawn_settle();
    int word_count = prepare_read_words(text, words);
    if (word_count == 0) {
        (void)fputs("skerry prepare: started by hand; use `skerry upgrade`\n", stderr);
        return status_exit_code(STATUS_USAGE);
    }
    prepare_tell("hello %016" PRIx64 " %s", handover_fingerprint(), SKERRY_VERSION);
    enum status status = prepare_all(word_count, words, &report);
    if (status == STATUS_OK)
        prepare_tell("ready");
    else
        prepare_tell("failed %s", report.text[0] != '\0' ? report.text : status_text(status));
    return status_exit_code(status);
}
