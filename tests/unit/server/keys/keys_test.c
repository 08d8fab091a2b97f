/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The key process, with control and a worker played by the test.
 */
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "server/helper/helper.h"
#include "server/keys/keys.h"
#include "tests/support/unit.h"

#define PATIENCE_MS 10000

static struct {
    char dir[64];
    pid_t pid;
    struct channel control;
    struct channel worker;
    /* the last answer of either */
    uint32_t heard;
    uint64_t id;
    uint32_t status;
    char text[256];
    size_t count;
} stage;

static bool hear(void *context, const struct channel_frame *frame)
{
    (void)context;
    struct channel_reader reader = channel_reader(frame->payload);
    stage.heard++;
    stage.id = frame->id;
    stage.status = channel_get_u32(&reader);
    struct bytes rest = channel_get_rest(&reader);
    stage.count = MIN(rest.count, sizeof(stage.text) - 1);
    memcpy(stage.text, rest.data, stage.count);
    stage.text[stage.count] = '\0';
    return true;
}

static void open_channel(struct channel *channel, int fd, enum channel_end own)
{
    const struct channel_options options = {
        .fd = fd, .own = own, .peer = CHANNEL_KEYS, .out_max = CHANNEL_OUT_MAX, .frame = hear};
    channel_init(channel, &options);
}

static int child_main(const int *fds, size_t count)
{
    int high[4];
    for (size_t i = 0; i < count; i++)
        high[i] = fcntl(fds[i], F_DUPFD, 100);
    for (size_t i = 0; i < count; i++)
        (void)dup2(high[i], HELPER_BOOT_FD + (int)i);
    (void)close_range(HELPER_BOOT_FD + (unsigned)count, ~0u, 0);
    return keys_main();
}

static int setup(void **state)
{
    (void)state;
    struct helper_boot *boot = calloc(1, sizeof(*boot));
    int channel[2];
    int ready[2];
    char byte;
    memset(&stage, 0, sizeof(stage));
    (void)snprintf(stage.dir, sizeof(stage.dir), "/tmp/skerry-keys-XXXXXX");
    assert_non_null(mkdtemp(stage.dir));
    int memory = memfd_create("boot", MFD_CLOEXEC);
    boot->magic = HELPER_BOOT_MAGIC;
    (void)snprintf(boot->config.data_dir, sizeof(boot->config.data_dir), "%s", stage.dir);
    assert_int_equal(write(memory, boot, sizeof(*boot)), sizeof(*boot));
    free(boot);
    assert_int_equal(channel_pair(NULL, channel), STATUS_OK);
    assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
    const int fds[] = {memory, ready[1], channel[1]};
    stage.pid = fork();
    if (stage.pid == 0)
        _exit(child_main(fds, COUNT_OF(fds)));
    for (size_t i = 0; i < COUNT_OF(fds); i++)
        (void)close(fds[i]);
    assert_int_equal(read(ready[0], &byte, 1), 1);
    (void)close(ready[0]);
    open_channel(&stage.control, channel[0], CHANNEL_CONTROL);
    const uint8_t payload[8] = {CHANNEL_WORKER};
    assert_int_equal(channel_pair(NULL, channel), STATUS_OK);
    const struct channel_message peer = {
        .type = CHANNEL_MESSAGE_PEER, .head = bytes_make(payload, 8), .fd = channel[1]};
    assert_true(channel_send(&stage.control, &peer));
    (void)close(channel[1]);
    open_channel(&stage.worker, channel[0], CHANNEL_WORKER);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    static const char *const names[] = {"vault/key", "vault/data.mdb", "vault", ""};
    char path[128];
    int status;
    channel_done(&stage.control);
    channel_done(&stage.worker);
    assert_int_equal(waitpid(stage.pid, &status, 0), stage.pid);
    assert_int_equal(status, 0);
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        (void)snprintf(path, sizeof(path), "%s/%s", stage.dir, names[i]);
        assert_int_equal(remove(path), 0);
    }
    return 0;
}

/* The answer is in the stage; false: the channel ended instead. */
static bool
ask(struct channel *channel, enum channel_type type, const char *name, const char *value)
{
    uint8_t room[128];
    struct report report = REPORT_INIT;
    struct channel_writer writer = channel_writer(room, sizeof(room));
    if (type != CHANNEL_MESSAGE_SECRET_ROTATE) {
        channel_put_bytes(&writer, bytes_of_text("acme"));
        channel_put_bytes(&writer, bytes_of_text("hello"));
        channel_put_bytes(&writer, bytes_of_text(name));
    }
    const struct channel_message message = {.type = type,
                                            .id = 100 + stage.heard,
                                            .head = channel_written(&writer),
                                            .body = bytes_of_text(value)};
    uint32_t heard = stage.heard;
    assert_true(channel_send(channel, &message));
    while (stage.heard == heard) {
        struct pollfd wait = {.fd = channel->options.fd, .events = POLLIN};
        assert_int_equal(poll(&wait, 1, PATIENCE_MS), 1);
        if (channel_receive(channel, &report) != STATUS_OK)
            return false;
    }
    assert_int_equal(stage.id, message.id);
    return true;
}

static void control_keeps_and_a_worker_reads(void **state)
{
    (void)state;
    assert_true(ask(&stage.control, CHANNEL_MESSAGE_SECRET_PUT, "KEY", "hush"));
    assert_int_equal(stage.status, STATUS_OK);
    assert_true(ask(&stage.worker, CHANNEL_MESSAGE_SECRET_GET, "KEY", ""));
    assert_int_equal(stage.status, STATUS_OK);
    assert_string_equal(stage.text, "hush");
    assert_true(ask(&stage.worker, CHANNEL_MESSAGE_SECRET_GET, "NONE", ""));
    assert_int_equal(stage.status, STATUS_NOT_FOUND);
    assert_int_equal(stage.count, 0);
    assert_true(ask(&stage.control, CHANNEL_MESSAGE_SECRET_PUT, "B", ""));
    assert_true(ask(&stage.control, CHANNEL_MESSAGE_SECRET_LIST, "", ""));
    assert_int_equal(stage.count, 6);
    assert_memory_equal(stage.text, "B\0KEY", 6);
    assert_true(ask(&stage.control, CHANNEL_MESSAGE_SECRET_ROTATE, "", ""));
    assert_int_equal(stage.status, STATUS_OK);
    assert_true(ask(&stage.control, CHANNEL_MESSAGE_SECRET_REMOVE, "B", ""));
    assert_int_equal(stage.status, STATUS_OK);
    assert_true(ask(&stage.control, CHANNEL_MESSAGE_SECRET_REMOVE, "B", ""));
    assert_int_equal(stage.status, STATUS_NOT_FOUND);
    assert_true(ask(&stage.worker, CHANNEL_MESSAGE_SECRET_GET, "KEY", ""));
    assert_string_equal(stage.text, "hush");
    assert_true(ask(&stage.control, CHANNEL_MESSAGE_SECRET_FORGET, "", ""));
    assert_true(ask(&stage.worker, CHANNEL_MESSAGE_SECRET_GET, "KEY", ""));
    assert_int_equal(stage.status, STATUS_NOT_FOUND);
}

static void a_worker_that_asks_for_no_name_is_not_answered(void **state)
{
    (void)state;
    assert_false(ask(&stage.worker, CHANNEL_MESSAGE_SECRET_GET, "a-b", ""));
    assert_int_equal(stage.heard, 0);
}

#define STAGED(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

UNIT
{
    const struct CMUnitTest tests[] = {
        STAGED(control_keeps_and_a_worker_reads),
        STAGED(a_worker_that_asks_for_no_name_is_not_answered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
