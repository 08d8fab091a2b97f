/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Control's side as a whole, with a shell script for a builder and the real command line
 * clients, in a process of their own, on the other end of the socket.
 */
#include "fixture.h"

#include <arpa/inet.h>
#include <event2/event.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "deploy/build/artifacts.h"

#define MODULE      "module"
#define CONFIG      "x=1 %&"
#define OUTPUT_NAME "output"

struct stage {
    struct fixture fixture;
    struct config config;
    char executable[128];
    struct spawn_role builder;
    char module[128]; /* path of a file that can be deployed */
    struct event_base *base;
    struct event *child;
    struct deploy_control *control;
    pid_t client;
    int client_status;
};

static void stage_child(evutil_socket_t number, short what, void *context)
{
    struct stage *stage = context;
    int wait_status;
    (void)number;
    (void)what;
    for (pid_t pid; (pid = waitpid(-1, &wait_status, WNOHANG)) > 0;) {
        if (deploy_control_child_exited(stage->control, pid, wait_status))
            continue;
        assert_int_equal(pid, stage->client);
        stage->client_status = wait_status;
        (void)event_base_loopbreak(stage->base);
    }
}

/* An address that nobody listens on; somebody could take it meanwhile, but nobody will. */
static void stage_free_address(char ret_address[CONFIG_ADDRESS_BYTES])
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t length = sizeof(address);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (const struct sockaddr *)&address, length), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &length), 0);
    assert_int_equal(close(fd), 0);
    (void)snprintf(ret_address, CONFIG_ADDRESS_BYTES, "127.0.0.1:%u", ntohs(address.sin_port));
}

static void stage_start(struct stage *stage)
{
    struct report report = REPORT_INIT;
    const struct deploy_control_options options = {.base = stage->base,
                                                   .config = &stage->config,
                                                   .clock = &clock_system,
                                                   .builder = &stage->builder,
                                                   .builder_error_fd = -1};
    if (deploy_control_start(&options, &report, &stage->control) != STATUS_OK)
        fail_msg("%s", report.text);
}

static void stage_init(struct stage *stage, const char *script)
{
    struct report report = REPORT_INIT;
    char data[96];
    *stage = (struct stage){0};
    fixture_init(&stage->fixture);
    (void)snprintf(data, sizeof(data), "%s/data", stage->fixture.dir);
    assert_int_equal(setenv("SKERRY_DATA_DIR", data, 1), 0);
    assert_int_equal(setenv("BENCH", stage->fixture.dir, 1), 0);
    assert_int_equal(unsetenv("SKERRY_URL"), 0);
    assert_int_equal(unsetenv("SKERRY_TOKEN"), 0);
    assert_int_equal(unsetenv("SKERRY_TENANT"), 0);
    assert_int_equal(config_defaults(&stage->config, &report), STATUS_OK);
    stage_free_address(stage->config.admin_listen);
    assert_int_equal(config_check(&stage->config, &report), STATUS_OK);
    fixture_write_file(&stage->fixture, "builder", script, 0700);
    fixture_write_file(&stage->fixture, "some-module.wasm", MODULE, 0600);
    (void)snprintf(stage->executable, sizeof(stage->executable), "%s/builder", stage->fixture.dir);
    stage->builder = (struct spawn_role){.verb = DEPLOY_BUILDER_VERB,
                                         .executable = stage->executable,
                                         .environment = {"PATH", "BENCH"}};
    (void)snprintf(stage->module, sizeof(stage->module), "%s/some-module.wasm", stage->fixture.dir);
    char path[128];
    (void)snprintf(path, sizeof(path), "%s/result", stage->fixture.dir);
    const struct deploy_build_result result = {.kind = "wagi", .artifact_bytes = strlen(MODULE)};
    FILE *file = fopen(path, "we");
    assert_int_equal(fwrite(&result, sizeof(result), 1, file), 1);
    assert_int_equal(fclose(file), 0);
    stage->base = event_base_new();
    stage->child = evsignal_new(stage->base, SIGCHLD, stage_child, stage);
    assert_int_equal(event_add(stage->child, NULL), 0);
    stage_start(stage);
}

static void stage_done(struct stage *stage)
{
    deploy_control_stop(stage->control);
    event_free(stage->child);
    event_base_free(stage->base);
    fixture_done(&stage->fixture);
}

/* Runs `client` in a child, control here, until the child ends; gives its exit status. */
static int stage_run(struct stage *stage, int (*client)(struct stage *))
{
    char path[128];
    (void)snprintf(path, sizeof(path), "%s/" OUTPUT_NAME, stage->fixture.dir);
    stage->client = fork();
    assert_true(stage->client >= 0);
    if (stage->client == 0) {
        if (freopen(path, "we", stdout) == NULL || dup2(fileno(stdout), STDERR_FILENO) < 0)
            _exit(99);
        int status = client(stage);
        (void)fflush(stdout);
        _exit(status);
    }
    assert_true(event_base_dispatch(stage->base) >= 0);
    assert_true(WIFEXITED(stage->client_status));
    return WEXITSTATUS(stage->client_status);
}

static int run_verb(const char *verb, const char *first, const char *second, const char *third)
{
    char words[4][160];
    char *arguments[5] = {NULL};
    const char *given[4] = {verb, first, second, third};
    int count = 0;
    for (; count < 4 && given[count] != NULL; count++) {
        (void)snprintf(words[count], sizeof(words[count]), "%s", given[count]);
        arguments[count] = words[count];
    }
    int status = 99;
    return deploy_cli_run(count, arguments, &status) ? status : 98;
}

static void stage_output(const struct stage *stage, char *ret_text, size_t bytes)
{
    char path[128];
    (void)snprintf(path, sizeof(path), "%s/" OUTPUT_NAME, stage->fixture.dir);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t count = read(fd, ret_text, bytes - 1);
    assert_true(count >= 0);
    ret_text[count] = '\0';
    assert_int_equal(close(fd), 0);
}

static void assert_output(const struct stage *stage, const char *text)
{
    char output[4096];
    stage_output(stage, output, sizeof(output));
    if (strstr(output, text) == NULL)
        fail_msg("`%s` does not contain `%s`", output, text);
}

#define BUILD_OK "#!/bin/sh\ncat <&3 >&4\ncat $BENCH/result >&5\n"

static int client_deploy(struct stage *stage)
{
    return run_verb("deploy", stage->module, NULL, NULL);
}

static int client_deploy_configured(struct stage *stage)
{
    return run_verb("deploy", stage->module, "-c", CONFIG);
}

static int client_deploy_file(struct stage *stage)
{
    return run_verb("deploy", stage->module, "--config-file", stage->executable);
}

static int client_list(struct stage *stage)
{
    (void)stage;
    return run_verb("list", NULL, NULL, NULL);
}

static int client_show(struct stage *stage)
{
    (void)stage;
    return run_verb("show", "some-module", "--json", NULL);
}

static int client_rm(struct stage *stage)
{
    (void)stage;
    return run_verb("rm", "some-module", "--yes", NULL);
}

static void artifact_key(const char *module, const char *config, uint8_t *ret_key)
{
    digest_sha256(bytes_of_text(module), ret_key);
    const struct digest_made_of made_of = {.sha256 = ret_key, .config = bytes_of_text(config)};
    digest_artifact_key(&made_of, ret_key);
}

static bool configured_is_there(const struct stage *stage, const char *module, const char *config)
{
    uint8_t key[DEPLOY_SHA256_BYTES];
    artifact_key(module, config, key);
    AUTO_CLOSE int fd = -1;
    return deploy_artifact_open(stage->config.data_dir, key, NULL, &fd) == STATUS_OK;
}

static bool artifact_is_there(const struct stage *stage, const char *module)
{
    return configured_is_there(stage, module, "");
}

static void function_lives_from_deploy_to_removal(void **state)
{
    (void)state;
    struct stage stage;
    stage_init(&stage, BUILD_OK);
    assert_int_equal(stage_run(&stage, client_list), 0);
    assert_output(&stage, "tenant default has no functions");
    assert_int_equal(stage_run(&stage, client_deploy), 0);
    assert_output(&stage, "deployed some-module v1 (wagi, 6 B)");
    assert_output(&stage, "http://some-module.default.localhost:8080/");
    assert_output(&stage, "next: ");
    assert_true(artifact_is_there(&stage, MODULE));
    assert_int_equal(stage_run(&stage, client_deploy), 0);
    assert_output(&stage, "unchanged");
    assert_int_equal(stage_run(&stage, client_list), 0);
    assert_output(&stage, "some-module              v1       wagi");
    assert_int_equal(stage_run(&stage, client_show), 0);
    assert_output(&stage, "\"version\":\"v1\"");
    assert_int_equal(stage_run(&stage, client_rm), 0);
    assert_false(artifact_is_there(&stage, MODULE));
    assert_int_equal(stage_run(&stage, client_show), 5);
    assert_int_equal(stage_run(&stage, client_rm), 5);
    stage_done(&stage);
}

static void deployed_function_is_there_after_a_restart(void **state)
{
    (void)state;
    struct stage stage;
    stage_init(&stage, BUILD_OK);
    assert_int_equal(stage_run(&stage, client_deploy), 0);
    deploy_control_stop(stage.control);
    stage_start(&stage);
    assert_int_equal(stage_run(&stage, client_show), 0);
    assert_true(artifact_is_there(&stage, MODULE));
    stage_done(&stage);
}

static void crashing_builder_fails_the_deploy_and_leaves_nothing(void **state)
{
    (void)state;
    struct stage stage;
    stage_init(&stage, "#!/bin/sh\necho junk >&4\nkill -SEGV $$\n");
    assert_int_equal(stage_run(&stage, client_deploy), 1);
    assert_output(&stage, "killed by signal 11");
    assert_false(artifact_is_there(&stage, MODULE));
    assert_int_equal(stage_run(&stage, client_show), 5);
    stage_done(&stage);
}

static int client_wait_for_artifact(struct stage *stage)
{
    while (!artifact_is_there(stage, MODULE))
        (void)sched_yield();
    return 0;
}

static void missing_artifact_is_built_again_when_asked_for(void **state)
{
    (void)state;
    struct stage stage;
    char path[256];
    char name[ARTIFACTS_NAME_BYTES];
    uint8_t sha256[DEPLOY_SHA256_BYTES];
    stage_init(&stage, BUILD_OK);
    assert_int_equal(stage_run(&stage, client_deploy), 0);
    digest_sha256(bytes_of_text(MODULE), sha256);
    artifacts_name(sha256, name);
    (void)snprintf(path, sizeof(path), "%s/artifacts/%s", stage.config.data_dir, name);
    assert_int_equal(unlink(path), 0);
    deploy_control_rebuild(stage.control, sha256);
    deploy_control_rebuild(stage.control, sha256);
    assert_int_equal(stage_run(&stage, client_wait_for_artifact), 0);
    stage_done(&stage);
}

static void redeploy_with_a_configuration_is_a_version_with_an_artifact(void **state)
{
    (void)state;
    struct stage stage;
    stage_init(&stage, BUILD_OK);
    assert_int_equal(stage_run(&stage, client_deploy), 0);
    assert_int_equal(stage_run(&stage, client_deploy_configured), 0);
    assert_output(&stage, "deployed some-module v2");
    assert_int_equal(stage_run(&stage, client_deploy_configured), 0);
    assert_output(&stage, "unchanged");
    assert_true(artifact_is_there(&stage, MODULE));
    assert_true(configured_is_there(&stage, MODULE, CONFIG));
    assert_int_equal(stage_run(&stage, client_show), 0);
    assert_output(&stage, "\"config\":\"x=1 %&\"");
    assert_int_equal(stage_run(&stage, client_deploy_file), 0);
    assert_true(configured_is_there(&stage, MODULE, BUILD_OK));
    /* Kept over a restart, gone with the function. */
    deploy_control_stop(stage.control);
    stage_start(&stage);
    assert_true(configured_is_there(&stage, MODULE, CONFIG));
    assert_int_equal(stage_run(&stage, client_rm), 0);
    assert_false(artifact_is_there(&stage, MODULE));
    assert_false(configured_is_there(&stage, MODULE, CONFIG));
    stage_done(&stage);
}

static int client_wait_for_configured(struct stage *stage)
{
    while (!configured_is_there(stage, MODULE, CONFIG))
        (void)sched_yield();
    return 0;
}

static void rebuilt_artifact_is_built_with_its_configuration(void **state)
{
    (void)state;
    struct stage stage;
    char path[256];
    char name[ARTIFACTS_NAME_BYTES];
    char order[sizeof(struct deploy_build_order) + 64];
    uint8_t key[DEPLOY_SHA256_BYTES];
    stage_init(&stage, "#!/bin/sh\ncat <&6 >$BENCH/order\ncat <&3 >&4\ncat $BENCH/result >&5\n");
    assert_int_equal(stage_run(&stage, client_deploy_configured), 0);
    artifact_key(MODULE, CONFIG, key);
    artifacts_name(key, name);
    (void)snprintf(path, sizeof(path), "%s/artifacts/%s", stage.config.data_dir, name);
    assert_int_equal(unlink(path), 0);
    (void)snprintf(path, sizeof(path), "%s/order", stage.fixture.dir);
    assert_int_equal(unlink(path), 0);
    deploy_control_rebuild(stage.control, key);
    assert_int_equal(stage_run(&stage, client_wait_for_configured), 0);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_int_equal(read(fd, order, sizeof(order)),
                     sizeof(struct deploy_build_order) + strlen(CONFIG));
    assert_memory_equal(order + sizeof(struct deploy_build_order), CONFIG, strlen(CONFIG));
    assert_int_equal(close(fd), 0);
    stage_done(&stage);
}

static int client_set_limits(struct stage *stage)
{
    (void)stage;
    return run_verb("limits", "--tenant=acme", "concurrency=5", "queue=default");
}

static int client_show_limits(struct stage *stage)
{
    (void)stage;
    return run_verb("limits", "-t", "acme", NULL);
}

static int client_misspell_limits(struct stage *stage)
{
    (void)stage;
    return run_verb("limits", "-t", "acme", "cpushare=2");
}

static int client_server_limits(struct stage *stage)
{
    (void)stage;
    return run_verb("limits", NULL, NULL, NULL);
}

static void limits_of_a_tenant_are_shown_and_set_by_words(void **state)
{
    (void)state;
    struct stage stage;
    stage_init(&stage, BUILD_OK);
    assert_int_equal(stage_run(&stage, client_show_limits), 5);
    assert_int_equal(stage_run(&stage, client_set_limits), 0);
    assert_output(&stage, "concurrency     5 ");
    assert_output(&stage, "queue           default (limits.queue) ");
    assert_int_equal(stage_run(&stage, client_misspell_limits), 2);
    assert_output(&stage, "did you mean `cpu_share`?");
    assert_int_equal(stage_run(&stage, client_show_limits), 0);
    assert_output(&stage, "concurrency     5 ");
    assert_int_equal(stage_run(&stage, client_server_limits), 0);
    assert_output(&stage, "guest_config ");
    stage_done(&stage);
}

static int client_by_address(struct stage *stage)
{
    char url[CONFIG_ADDRESS_BYTES + 16];
    (void)snprintf(url, sizeof(url), "http://%s", stage->config.admin_listen);
    return run_verb("list", "--url", url, NULL);
}

static void address_wants_the_token_that_only_the_owner_can_read(void **state)
{
    (void)state;
    struct stage stage;
    struct stat facts;
    char path[128];
    char token[80] = "";
    stage_init(&stage, BUILD_OK);
    (void)snprintf(path, sizeof(path), "%s/admin.token", stage.config.data_dir);
    assert_int_equal(stat(path, &facts), 0);
    assert_int_equal(facts.st_mode & 0777, 0600);
    assert_int_equal(stat(stage.config.admin_socket, &facts), 0);
    assert_int_equal(facts.st_mode & 0777, 0600);
    assert_int_equal(stage_run(&stage, client_by_address), 4);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_int_equal(read(fd, token, sizeof(token) - 1), 65);
    assert_int_equal(close(fd), 0);
    token[64] = '\0';
    assert_int_equal(setenv("SKERRY_TOKEN", token, 1), 0);
    assert_int_equal(stage_run(&stage, client_by_address), 0);
    token[63] = token[63] == '0' ? '1' : '0';
    assert_int_equal(setenv("SKERRY_TOKEN", token, 1), 0);
    assert_int_equal(stage_run(&stage, client_by_address), 4);
    stage_done(&stage);
}

static void second_control_on_the_same_directory_is_refused(void **state)
{
    (void)state;
    struct stage stage;
    struct report report = REPORT_INIT;
    struct deploy_control *second = NULL;
    stage_init(&stage, BUILD_OK);
    const struct deploy_control_options options = {.base = stage.base,
                                                   .config = &stage.config,
                                                   .clock = &clock_system,
                                                   .builder = &stage.builder,
                                                   .builder_error_fd = -1};
    assert_int_equal(deploy_control_start(&options, &report, &second), STATUS_BUSY);
    assert_null(second);
    assert_int_equal(stage_run(&stage, client_list), 0);
    stage_done(&stage);
}

static void client_without_a_server_says_so(void **state)
{
    (void)state;
    struct stage stage;
    stage_init(&stage, BUILD_OK);
    assert_int_equal(setenv("SKERRY_URL", "unix:/nonexistent/admin.sock", 1), 0);
    assert_int_equal(stage_run(&stage, client_list), 8);
    assert_output(&stage, "skerry list: no server at /nonexistent/admin.sock");
    stage_done(&stage);
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(function_lives_from_deploy_to_removal),
        cmocka_unit_test(deployed_function_is_there_after_a_restart),
        cmocka_unit_test(crashing_builder_fails_the_deploy_and_leaves_nothing),
        cmocka_unit_test(missing_artifact_is_built_again_when_asked_for),
        cmocka_unit_test(redeploy_with_a_configuration_is_a_version_with_an_artifact),
        cmocka_unit_test(rebuilt_artifact_is_built_with_its_configuration),
        cmocka_unit_test(limits_of_a_tenant_are_shown_and_set_by_words),
        cmocka_unit_test(address_wants_the_token_that_only_the_owner_can_read),
        cmocka_unit_test(second_control_on_the_same_directory_is_refused),
        cmocka_unit_test(client_without_a_server_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
