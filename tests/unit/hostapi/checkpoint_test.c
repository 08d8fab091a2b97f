/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Checkpoints from the host's side: a command is run to its own, and its requests go on from there
 * with what the note says of its descriptors.
 */
#include "engine/image/image_writer.h"
#include "hostapi/wasi/wasi.h"
#include "tests/support/unit.h"
#include "tests/unit/hostapi/fixture.h"

#define FUEL 1000000

/* The builder's side, up to the checkpoint. */
static void come_to_it(struct fixture *builder)
{
    const struct hostapi_options options = {.snapshotting = true};
    struct bytes wasm = fixture_guest("hostapi_checkpoint");
    assert_int_equal(fixture_begin(builder, wasm, &options), ENGINE_DONE);
    fixture_unload(wasm);
    assert_int_equal(hostapi_begin_checkpoint(builder->host, builder->instance, &builder->report),
                     HOSTAPI_RUN);
    assert_false(hostapi_at_checkpoint(builder->host));
    assert_int_equal(engine_run(builder->machine, FUEL), ENGINE_PENDING);
    assert_true(hostapi_at_checkpoint(builder->host));
}

/* And the worker's, from there. */
static void freeze(struct fixture *worker)
{
    struct fixture builder;
    struct buffer note;
    buffer_init(&note, 4096);
    come_to_it(&builder);
    assert_int_equal(hostapi_checkpoint_note(builder.host, &note), STATUS_OK);
    *worker = (struct fixture){.now_ns = 0};
    assert_int_equal(
        engine_checkpoint(builder.instance, buffer_bytes(&note), &builder.report, &worker->image),
        STATUS_OK);
    buffer_done(&note);
    fixture_end(&builder);
}

static void what_was_asked_on_the_way_is_counted(void **state)
{
    (void)state;
    struct fixture builder;
    come_to_it(&builder);
    struct hostapi_checkpoint asked = hostapi_checkpoint(builder.host);
    assert_int_equal(asked.clock_reads, 1);
    assert_int_equal(asked.random_bytes, 16);
    assert_int_equal(asked.argument_reads, 0);
    assert_int_equal(asked.environment_reads, 0);
    fixture_end(&builder);
}

static void each_request_goes_on_with_the_descriptors_that_were_there(void **state)
{
    (void)state;
    struct fixture worker;
    freeze(&worker);
    fixture_restore(&worker);
    for (uint32_t i = 0; i < 3; i++) {
        assert_int_equal(fixture_request(&worker), HOSTAPI_FINISHED);
        fixture_assert_body(&worker, "1");
        fixture_next_exchange(&worker, "GET", "/");
        assert_true(engine_rewind(worker.instance, 64));
    }
    fixture_end(&worker);
}

static void without_one_the_call_says_so(void **state)
{
    (void)state;
    struct fixture worker;
    struct bytes wasm = fixture_guest("hostapi_checkpoint");
    assert_int_equal(fixture_begin(&worker, wasm, NULL), ENGINE_DONE);
    fixture_unload(wasm);
    assert_int_equal(fixture_request(&worker), HOSTAPI_FINISHED);
    fixture_assert_body(&worker, "0");
    fixture_end(&worker);
}

/* The note's lengths: of a part, larger and smaller than it is. */
static void a_damaged_note_is_a_fault(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++) {
        struct fixture worker;
        freeze(&worker);
        struct image_header *header = (struct image_header *)(void *)worker.image.data;
        uint8_t *note = worker.image.data + header->frame_note.offset;
        if (i == 0)
            note[0] = 0xff;
        else if (i == 1)
            note[0]--;
        else
            header->frame_note.count = 3;
        image_seal(&worker.image);
        fixture_restore(&worker);
        assert_int_equal(fixture_request(&worker), HOSTAPI_FAULT);
        assert_non_null(strstr(worker.report.text, "checkpoint in the artifact is damaged"));
        fixture_end(&worker);
    }
}

static void who_imports_none_or_is_no_command_is_not_run(void **state)
{
    (void)state;
    static const char *const guests[] = {"e2e_wagi", "e2e_config"};
    for (size_t i = 0; i < COUNT_OF(guests); i++) {
        struct fixture builder;
        const struct hostapi_options options = {.snapshotting = true};
        struct bytes wasm = fixture_guest(guests[i]);
        assert_int_equal(fixture_begin(&builder, wasm, &options), ENGINE_DONE);
        fixture_unload(wasm);
        assert_int_equal(hostapi_begin_checkpoint(builder.host, builder.instance, &builder.report),
                         HOSTAPI_FINISHED);
        fixture_end(&builder);
    }
}

static void on_the_way_the_environment_is_the_configuration_alone(void **state)
{
    (void)state;
    struct fixture builder;
    const struct hostapi_options options = {
        .snapshotting = true,
        .config = bytes_of_text("RUBYOPT=-r/app.rb\n# so\n\nQUERY_STRING=no\nB=2\n")};
    struct bytes wasm = fixture_guest("hostapi_checkpoint");
    assert_int_equal(fixture_begin(&builder, wasm, &options), ENGINE_DONE);
    fixture_unload(wasm);
    assert_int_equal(hostapi_begin_checkpoint(builder.host, builder.instance, &builder.report),
                     HOSTAPI_RUN);
    const struct wasi_texts *texts = wasi_args_texts(builder.host, true);
    assert_int_equal(texts->count, 2);
    assert_true(bytes_equal_text(texts->rows[0], "RUBYOPT=-r/app.rb"));
    assert_true(bytes_equal_text(texts->rows[1], "B=2"));
    assert_int_equal(wasi_args_texts(builder.host, false)->count, 0);
    fixture_end(&builder);
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_asked_on_the_way_is_counted),
        cmocka_unit_test(each_request_goes_on_with_the_descriptors_that_were_there),
        cmocka_unit_test(on_the_way_the_environment_is_the_configuration_alone),
        cmocka_unit_test(without_one_the_call_says_so),
        cmocka_unit_test(a_damaged_note_is_a_fault),
        cmocka_unit_test(who_imports_none_or_is_no_command_is_not_run),
    };
    return cmocka_run_group_tests_name("hostapi/checkpoint", tests, fixture_prepare, NULL);
}
