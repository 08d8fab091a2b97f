/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A worker's questions for signatures: waited for on the spot, or left and taken up again.
 */
#include <fcntl.h>
#include <openssl/async.h>
#include <unistd.h>

#include "server/tls/signing.h"
#include "tests/support/unit.h"

static struct peers peers;
static struct signing signing;
static struct metrics metrics;
static struct channel keys; /* the key process's end */
static uint64_t asked_id;
static uint32_t woken;
static uint64_t now_ns;
static uint64_t step_ns; /* that a look at the clock takes */

static uint64_t now(void *context)
{
    (void)context;
    return now_ns += step_ns;
}

static const struct clock steps = {.monotonic_ns = now, .realtime_ns = now};

static void *watch(void *context, int fd, void (*ready)(void *of), void *of)
{
    (void)context;
    (void)ready;
    (void)fd;
    return of;
}

static void unwatch(void *context, void *watched)
{
    (void)context;
    (void)watched;
}

static bool hear(void *context, const struct channel_frame *frame)
{
    (void)context;
    assert_int_equal(frame->type, CHANNEL_MESSAGE_TLS_SIGN);
    asked_id = frame->id;
    return true;
}

static int setup(void **state)
{
    (void)state;
    int ends[2];
    const struct peers_loop loop = {.watch = watch, .unwatch = unwatch};
    assert_int_equal(channel_pair(NULL, ends), STATUS_OK);
    peers_init(&peers, &loop);
    signing_open(&signing, &peers, &steps, &metrics);
    peers_connect(&peers, CHANNEL_KEYS, ends[0]);
    const struct channel_options options = {.fd = ends[1],
                                            .own = CHANNEL_KEYS,
                                            .peer = CHANNEL_WORKER,
                                            .out_max = CHANNEL_OUT_MAX,
                                            .frame = hear};
    channel_init(&keys, &options);
    memset(&metrics, 0, sizeof(metrics));
    woken = 0;
    step_ns = 0;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    channel_done(&keys);
    peers_done(&peers);
    return 0;
}

static void answer(uint64_t id, enum status status, const char *signature)
{
    uint8_t room[4];
    struct channel_writer writer = channel_writer(room, sizeof(room));
    channel_put_u32(&writer, status);
    const struct channel_message message = {.type = CHANNEL_MESSAGE_TLS_SIGNED,
                                            .id = id,
                                            .head = channel_written(&writer),
                                            .body = bytes_of_text(signature)};
    assert_true(channel_send(&keys, &message));
}

static bool sign(uint8_t signature[TLS_SIGNATURE_BYTES_MAX], size_t *ret_count)
{
    static const uint8_t key[TLS_KEY_DIGEST_BYTES] = {1};
    return signing.signer.sign(signing.signer.context, key, 0x0403, bytes_of_text("message"),
                               signature, ret_count);
}

static void the_answer_to_a_question_is_its_signature(void **state)
{
    (void)state;
    uint8_t signature[TLS_SIGNATURE_BYTES_MAX];
    size_t count;
    answer(77, STATUS_OK, "nobody's");
    answer(1, STATUS_OK, "signed");
    assert_true(sign(signature, &count));
    assert_true(bytes_equal_text(bytes_make(signature, count), "signed"));
    answer(2, STATUS_NOT_FOUND, "");
    assert_false(sign(signature, &count));
    assert_int_equal(metrics.tls_signatures, 2);
    assert_int_equal(metrics.tls_signatures_failed, 1);
}

static void a_key_process_that_says_nothing_is_not_waited_for_long(void **state)
{
    (void)state;
    uint8_t signature[TLS_SIGNATURE_BYTES_MAX];
    size_t count;
    step_ns = SIGNING_WAIT_MS * CLOCK_NS_PER_MS;
    assert_false(sign(signature, &count));
    assert_true(list_is_empty(&signing.calls));
}

static void a_key_process_that_ends_fails_it(void **state)
{
    (void)state;
    uint8_t signature[TLS_SIGNATURE_BYTES_MAX];
    size_t count;
    channel_done(&keys);
    assert_false(sign(signature, &count));
    assert_false(sign(signature, &count)); /* nobody is there */
    assert_int_equal(metrics.tls_signatures_failed, 2);
}

/* ---- in a job -------------------------------------------------------------------------------- */

static struct {
    uint8_t signature[TLS_SIGNATURE_BYTES_MAX];
    size_t count;
    bool made;
} result;

static int job_main(void *context)
{
    (void)context;
    result.made = sign(result.signature, &result.count);
    return 1;
}

static void wake(struct signing_job *job)
{
    assert_false(job->waits);
    woken++;
}

static void a_job_is_left_and_taken_up_again(void **state)
{
    (void)state;
    struct signing_job job = {.wake = wake};
    struct report report = REPORT_INIT;
    ASYNC_JOB *running = NULL;
    ASYNC_WAIT_CTX *waits = ASYNC_WAIT_CTX_new();
    int ended;
    signing.job = &job;
    assert_int_equal(ASYNC_start_job(&running, waits, &ended, job_main, NULL, 0), ASYNC_PAUSE);
    assert_true(job.waits);
    assert_int_equal(channel_receive(&keys, &report), STATUS_OK);
    answer(asked_id, STATUS_OK, "signed");
    peers_wait(&peers, CHANNEL_KEYS, 0);
    assert_int_equal(woken, 1);
    assert_int_equal(ASYNC_start_job(&running, waits, &ended, job_main, NULL, 0), ASYNC_FINISH);
    assert_true(result.made);
    assert_true(bytes_equal_text(bytes_make(result.signature, result.count), "signed"));
    running = NULL;
    assert_int_equal(ASYNC_start_job(&running, waits, &ended, job_main, NULL, 0), ASYNC_PAUSE);
    signing_give_up(&signing, &job);
    assert_false(job.waits);
    assert_int_equal(woken, 1);
    assert_int_equal(ASYNC_start_job(&running, waits, &ended, job_main, NULL, 0), ASYNC_FINISH);
    assert_false(result.made);
    ASYNC_WAIT_CTX_free(waits);
    ASYNC_cleanup_thread();
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

UNIT
{
    const struct CMUnitTest tests[] = {
        TEST(the_answer_to_a_question_is_its_signature),
        TEST(a_key_process_that_says_nothing_is_not_waited_for_long),
        TEST(a_key_process_that_ends_fails_it),
        TEST(a_job_is_left_and_taken_up_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
