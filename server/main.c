/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One program, many verbs. What runs in this process is in the table; the engine's verbs
 * and the clients of the admin API are asked in turn whether a verb is theirs.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "deploy/deploy.h"
#include "engine/engine.h"
#include "hostapi/javascript/module.h"
#include "loadtest/loadtest.h"
#include "server/builder.h"
#include "server/cli/completion.h"
#include "server/cli/verbs_engine.h"
#include "server/egress/egress.h"
#include "server/keys/keys.h"
#include "server/late/late.h"
#include "server/prepare.h"
#include "server/serve.h"
#include "server/worker.h"

#define MAIN_HELP_BYTES 65536

/*
 * jemalloc reads this. One thread needs one arena; pages of a burst go back after a while;
 * no helper thread: a process has one.
 */
__attribute__((visibility("default"))) const char *const malloc_conf =
    "narenas:1,background_thread:false,dirty_decay_ms:5000,muzzy_decay_ms:0";

struct main_verb {
    const char *name;
    int (*run)(int argc, char **argv); /* argv[0] is the verb */
    const char *help;                  /* NULL: hidden */
    const char *usage;                 /* what it takes; NULL: it answers --help itself */
    void (*load)(void);                /* libraries, before there are walls; NULL: as wanted */
};

static int main_worker(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    return worker_main();
}

static int main_egress(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    return egress_main();
}

static int main_keys(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    return keys_main();
}

static int main_prepare(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    return prepare_main();
}

static int main_builder(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    return server_builder_main();
}

/* True, and it is said: there are more words than the verb and `max` of its own. */
static bool main_is_too_much(int argc, char **argv, int max)
{
    if (argc <= 1 + max)
        return false;
    (void)fprintf(stderr, "skerry %s: `%s` is a word too many: see `skerry help`\n", argv[0],
                  argv[1 + max]);
    return true;
}

static int main_version(int argc, char **argv)
{
    if (main_is_too_much(argc, argv, 0))
        return status_exit_code(STATUS_USAGE);
    (void)printf("skerry %s (%s, %s)\n", SKERRY_VERSION, engine_dispatch_name(),
                 javascript_module().count > 0 ? "JavaScript" : "no JavaScript");
    return 0;
}

static int main_help(int argc, char **argv);
static int main_completion(int argc, char **argv);

static const struct main_verb main_verbs[] = {
    {"serve", serve_main, "run the server in the foreground", NULL, late_load_all},
    {"loadtest", loadtest_main, "generate load, measure latency and cold starts", NULL},
    {"bench", loadtest_main, "the same as loadtest", NULL},
    {"doctor", doctor_main, "check whether this machine can run a server",
     "[--config FILE] [--data DIR] [--json]", late_load_all},
    {"completion", main_completion, "print a completion script for a shell", COMPLETION_SHELLS},
    {"version", main_version, "print the version", ""},
    {"help", main_help,
     "print this, what a verb takes, or all keys of skerry.yaml or function.yaml",
     "[VERB | config | manifest]"},
    {WORKER_VERB, main_worker, NULL, NULL, late_load_all},
    {DEPLOY_BUILDER_VERB, main_builder, NULL, NULL, late_load_crypto},
    {PREPARE_VERB, main_prepare, NULL, NULL, late_load_all},
    {EGRESS_VERB, main_egress, NULL, NULL, late_load_all},
    {KEYS_VERB, main_keys, NULL, NULL, late_load_all},
};

static void main_write_help(struct buffer *out)
{
    enum status status =
        buffer_printf(out, "usage: skerry VERB ...\n\nthe server, and what it needs:\n");
    for (size_t i = 0; i < COUNT_OF(main_verbs) && status == STATUS_OK; i++) {
        if (main_verbs[i].help != NULL)
            status = buffer_printf(out, "  %-11s %s\n", main_verbs[i].name, main_verbs[i].help);
    }
    if (status == STATUS_OK)
        status = buffer_printf(out, "\na module, without a server:\n");
    server_engine_help(out);
    if (status == STATUS_OK)
        status = buffer_printf(out, "\na function's folder:\n");
    deploy_cli_help(true, out);
    if (status == STATUS_OK)
        status = buffer_printf(out, "\na running server:\n");
    deploy_cli_help(false, out);
    if (status != STATUS_OK)
        (void)fputs("skerry: out of memory\n", stderr);
}

static bool main_is_help(const char *word)
{
    return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0;
}

static int main_run(const struct main_verb *verb, int argc, char **argv)
{
    if (verb->load != NULL)
        verb->load();
    if (verb->usage == NULL || argc < 2 || !main_is_help(argv[1]))
        return verb->run(argc, argv);
    (void)printf("usage: skerry %s%s%s\n%s\n", verb->name, verb->usage[0] == '\0' ? "" : " ",
                 verb->usage, verb->help);
    return 0;
}

static bool main_try(int argc, char **argv, int *ret_exit)
{
    for (size_t i = 0; i < COUNT_OF(main_verbs); i++) {
        if (strcmp(argv[1], main_verbs[i].name) == 0) {
            *ret_exit = main_run(&main_verbs[i], argc - 1, argv + 1);
            return true;
        }
    }
    return server_engine_verb(argc, argv, ret_exit) || deploy_cli_run(argc - 1, argv + 1, ret_exit);
}

static int main_unknown(const char *verb)
{
    struct buffer help;
    buffer_init(&help, MAIN_HELP_BYTES);
    main_write_help(&help);
    struct bytes near = completion_nearest(verb, buffer_bytes(&help));
    (void)fprintf(stderr, "skerry: there is no verb `%s`: %s%.*s%s\n", verb,
                  near.count > 0 ? "did you mean `" : "see `", (int)near.count,
                  (const char *)near.data, near.count > 0 ? "`?" : "skerry help`");
    buffer_done(&help);
    return status_exit_code(STATUS_USAGE);
}

/* All keys of a file with their texts. */
static int main_print_keys(enum status (*print)(struct buffer *out))
{
    struct buffer out;
    buffer_init(&out, MAIN_HELP_BYTES);
    enum status status = print(&out);
    (void)fwrite(out.data, 1, out.count, stdout);
    buffer_done(&out);
    if (status != STATUS_OK)
        (void)fputs("skerry: out of memory\n", stderr);
    return status_exit_code(status);
}

static int main_help(int argc, char **argv)
{
    if (main_is_too_much(argc, argv, 1))
        return status_exit_code(STATUS_USAGE);
    if (argc > 1 && strcmp(argv[1], "config") == 0)
        return main_print_keys(config_print_reference);
    if (argc > 1 && strcmp(argv[1], "manifest") == 0)
        return main_print_keys(deploy_manifest_print_reference);
    if (argc > 1) {
        char flag[] = "--help";
        char *arguments[] = {argv[0], argv[1], flag, NULL};
        int status;
        if (strcmp(argv[1], "help") != 0)
            return main_try(3, arguments, &status) ? status : main_unknown(argv[1]);
    }
    struct buffer out;
    buffer_init(&out, MAIN_HELP_BYTES);
    main_write_help(&out);
    (void)fwrite(out.data, 1, out.count, stdout);
    buffer_done(&out);
    return 0;
}

static int main_completion(int argc, char **argv)
{
    struct buffer help;
    struct buffer script;
    buffer_init(&help, MAIN_HELP_BYTES);
    buffer_init(&script, MAIN_HELP_BYTES);
    main_write_help(&help);
    enum status status =
        argc == 2 ? completion_write(argv[1], buffer_bytes(&help), &script) : STATUS_INVALID;
    if (status == STATUS_OK)
        (void)fwrite(script.data, 1, script.count, stdout);
    else
        (void)fputs("usage: skerry completion " COMPLETION_SHELLS
                    "   (then: source <(skerry completion bash))\n",
                    stderr);
    buffer_done(&help);
    buffer_done(&script);
    return status == STATUS_OK ? 0 : status_exit_code(STATUS_USAGE);
}

int main(int argc, char **argv)
{
    int status;
    if (argc < 2) {
        struct buffer out;
        buffer_init(&out, MAIN_HELP_BYTES);
        main_write_help(&out);
        (void)fwrite(out.data, 1, out.count, stderr);
        buffer_done(&out);
        return status_exit_code(STATUS_USAGE);
    }
    if (main_try(argc, argv, &status))
        return status;
    if (main_is_help(argv[1]))
        return main_help(1, argv);
    if (strcmp(argv[1], "--version") == 0)
        return main_version(argc - 1, argv + 1);
    return main_unknown(argv[1]);
}
