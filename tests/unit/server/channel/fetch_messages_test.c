/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Payloads of fetches: what is written is read the same, and what is damaged is not read.
 */
#include <string.h>

#include "server/channel/fetch_messages.h"
#include "tests/support/unit.h"

#define ROOM 4096

static const struct bytes rules[] = {{(const uint8_t *)"https://a", 9}, {(const uint8_t *)"b", 1}};

static void write_start(struct buffer *out)
{
    static const char fields[] = "x-one\0"
                                 "1\0"
                                 "x-two\0";
    const struct fetch_order order = {.tenant = bytes_of_text("acme"),
                                      .method = bytes_of_text("PUT"),
                                      .url = bytes_of_text("https://a/b"),
                                      .rules = rules,
                                      .rule_count = COUNT_OF(rules),
                                      .body_follows = true,
                                      .redirects_max = 3,
                                      .deadline_us = 77,
                                      .answer_bytes_max = UINT64_C(1) << 40,
                                      .granted = FETCH_WINDOW_BYTES,
                                      .loop = bytes_of_text("a, b")};
    buffer_init(out, ROOM);
    assert_true(fetch_start_write(&order, bytes_make(fields, sizeof(fields)), out));
    assert_int_equal(buffer_append(out, "body", 4), STATUS_OK);
}

static void an_order_is_read_as_it_was_written(void **state)
{
    (void)state;
    struct fetch_start start;
    struct buffer out;
    write_start(&out);
    assert_true(fetch_start_read(buffer_bytes(&out), &start));
    const struct fetch_order *order = &start.order;
    assert_true(bytes_equal_text(order->tenant, "acme"));
    assert_true(bytes_equal_text(order->method, "PUT"));
    assert_true(bytes_equal_text(order->url, "https://a/b"));
    assert_true(bytes_equal_text(order->loop, "a, b"));
    assert_true(bytes_equal_text(order->body, "body"));
    assert_true(order->body_follows);
    assert_int_equal(order->redirects_max, 3);
    assert_int_equal(order->deadline_us, 77);
    assert_int_equal(order->answer_bytes_max, UINT64_C(1) << 40);
    assert_int_equal(order->granted, FETCH_WINDOW_BYTES);
    assert_int_equal(order->field_count, 2);
    assert_true(bytes_equal_text(order->fields[0].value, "1"));
    assert_true(bytes_equal_text(order->fields[1].name, "x-two"));
    assert_int_equal(order->fields[1].value.count, 0);
    assert_int_equal(order->rule_count, 2);
    assert_true(bytes_equal_text(order->rules[1], "b"));
    buffer_done(&out);
}

static void a_damaged_order_is_not_read(void **state)
{
    (void)state;
    struct fetch_start start;
    struct buffer out;
    write_start(&out);
    for (size_t i = 0; i < out.count - 4; i++)
        assert_false(fetch_start_read(bytes_make(out.data, i), &start));
    for (size_t i = 0; i < out.count; i++) {
        out.data[i] ^= 0xff; /* whatever it says then, it lies within */
        if (fetch_start_read(buffer_bytes(&out), &start))
            assert_true(start.order.rule_count <= FETCH_RULES_MAX &&
                        start.order.field_count <= FETCH_FIELDS_MAX);
        out.data[i] ^= 0xff;
    }
    buffer_done(&out);
}

static void a_head_is_read_as_it_was_written(void **state)
{
    (void)state;
    const struct fetch_field fields[] = {{bytes_of_text("a"), bytes_of_text("b")},
                                         {bytes_of_text("c"), bytes_of_text("")}};
    const struct fetch_head head = {
        .status = 404, .field_count = 2, .fields = fields, .url = bytes_of_text("http://x/")};
    struct fetch_head again;
    struct bytes text;
    struct buffer out;
    buffer_init(&out, ROOM);
    assert_true(fetch_head_write(&head, &out));
    assert_true(fetch_head_read(buffer_bytes(&out), &again, &text));
    assert_int_equal(again.status, 404);
    assert_int_equal(again.field_count, 2);
    assert_true(bytes_equal_text(again.url, "http://x/"));
    assert_true(bytes_equal(text, bytes_make("a\0b\0c\0\0", 7)));
    for (size_t i = 0; i < out.count; i++)
        assert_false(fetch_head_read(bytes_make(out.data, i), &again, &text));
    out.data[0] = 100; /* no status of a whole answer */
    out.data[1] = 0;
    assert_false(fetch_head_read(buffer_bytes(&out), &again, &text));
    buffer_done(&out);
}

static void a_result_is_read_as_it_was_written(void **state)
{
    (void)state;
    char text[FETCH_TEXT_BYTES];
    char words[2 * FETCH_TEXT_BYTES];
    uint8_t room[FETCH_RESULT_BYTES];
    struct fetch_result again;
    memset(words, 'x', sizeof(words) - 1);
    words[sizeof(words) - 1] = '\0';
    const struct fetch_result result = {.end = FETCH_END_TLS,
                                        .text = words,
                                        .received_bytes = 1,
                                        .sent_bytes = 2,
                                        .hops = 3,
                                        .connects = 4};
    struct bytes written = fetch_result_write(&result, room);
    assert_true(fetch_result_read(written, &again, text));
    assert_int_equal(again.end, FETCH_END_TLS);
    assert_int_equal(again.received_bytes + again.sent_bytes + again.hops + again.connects, 10);
    assert_int_equal(strlen(text), FETCH_TEXT_BYTES - 1);
    for (size_t i = 0; i < written.count; i++)
        assert_false(fetch_result_read(bytes_make(written.data, i), &again, text));
    room[0] = FETCH_END_COUNT;
    assert_false(fetch_result_read(written, &again, text));
}

static void headers_are_pairs_of_texts(void **state)
{
    (void)state;
    static struct fetch_fields fields;
    static char many[4 * (FETCH_FIELDS_MAX + 1)];
    assert_true(fetch_fields_read(bytes_make("", 0), &fields));
    assert_int_equal(fields.count, 0);
    assert_false(fetch_fields_read(bytes_make("a", 1), &fields));
    assert_false(fetch_fields_read(bytes_make("a\0", 2), &fields));
    assert_false(fetch_fields_read(bytes_make("a\0b", 3), &fields));
    assert_true(fetch_fields_read(bytes_make("a\0b\0", 4), &fields));
    for (size_t i = 0; i < sizeof(many); i += 2)
        many[i] = 'a';
    assert_true(fetch_fields_read(bytes_make(many, sizeof(many) - 4), &fields));
    assert_false(fetch_fields_read(bytes_make(many, sizeof(many)), &fields));
}

static void ends_have_names(void **state)
{
    (void)state;
    assert_string_equal(fetch_end_name(FETCH_END_DENIED), "denied");
    for (enum fetch_end end = 0; end < FETCH_END_COUNT; end++)
        assert_true(fetch_end_text(end)[0] != '\0');
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_order_is_read_as_it_was_written),
        cmocka_unit_test(a_damaged_order_is_not_read),
        cmocka_unit_test(a_head_is_read_as_it_was_written),
        cmocka_unit_test(a_result_is_read_as_it_was_written),
        cmocka_unit_test(headers_are_pairs_of_texts),
        cmocka_unit_test(ends_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
