/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fetches: what is asked, what comes back, and whom is never asked.
 */
#include <stdio.h>

#include "server/egress/fetch.h"
#include "tests/unit/server/egress/fixture.h"

#define OK_HELLO "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-A: b\r\n\r\nhello"
#define OK_EMPTY "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"

static void a_fetch_asks_for_what_it_was_told_and_nothing_else(void **state)
{
    (void)state;
    struct stage stage;
    char expected[200];
    stage_open(&stage);
    stage_answer(&stage, OK_HELLO);
    struct fetch_order order = stage_order(&stage, "/a/../b?c=%20#d");
    stage_fetch(&stage, &order);
    assert_end(&stage, FETCH_END_DONE);
    (void)snprintf(expected, sizeof(expected),
                   "GET /a/../b?c=%%20 HTTP/1.1\r\nHost: 127.0.0.1:%u\r\n\r\n", stage.origin.port);
    assert_true(bytes_equal_text(buffer_bytes(&stage.origin.seen), expected));
    assert_int_equal(stage.probe.status, 200);
    assert_string_equal(stage.probe.headers, "content-length: 5\nx-a: b\n");
    assert_true(bytes_equal_text(buffer_bytes(&stage.probe.data), "hello"));
    assert_int_equal(stage.probe.result.received_bytes, 5);
    assert_int_equal(stage.probe.result.hops, 1);
    stage_close(&stage);
}

static void a_body_is_sent_with_its_length(void **state)
{
    (void)state;
    struct stage stage;
    stage_open(&stage);
    stage_answer(&stage, OK_EMPTY);
    stage_answer(&stage, OK_EMPTY);
    stage.origin.answers[0].request_bytes = 3;
    struct fetch_order order = stage_order(&stage, "/");
    order.method = bytes_of_text("REPORT");
    order.body = bytes_of_text("abc");
    stage_fetch(&stage, &order);
    assert_end(&stage, FETCH_END_DONE);
    assert_true(stage_saw(&stage, "REPORT / HTTP/1.1\r\n"));
    assert_true(stage_saw(&stage, "Content-Length: 3\r\n\r\nabc"));
    assert_false(stage_saw(&stage, "Content-Type"));
    order.method = bytes_of_text("POST");
    order.body = bytes_of_text("");
    stage_fetch(&stage, &order);
    assert_end(&stage, FETCH_END_DONE);
    assert_true(stage_saw(&stage, "Content-Length: 0\r\n"));
    stage_close(&stage);
}

static void an_answer_to_head_has_no_body(void **state)
{
    (void)state;
    struct stage stage;
    stage_open(&stage);
    stage_answer(&stage, "HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n");
    struct fetch_order order = stage_order(&stage, "/");
    order.method = bytes_of_text("HEAD");
    stage_fetch(&stage, &order);
    assert_end(&stage, FETCH_END_DONE);
    assert_string_equal(stage.probe.headers, "content-length: 500\n");
    assert_int_equal(stage.probe.data.count, 0);
    stage_close(&stage);
}

static void a_streamed_body_waits_for_room(void **state)
{
    (void)state;
    static uint8_t piece[EGRESS_WINDOW];
    struct stage stage;
    uint64_t written = 0;
    stage_open(&stage);
    memset(piece, 'x', sizeof(piece));
    stage_answer(&stage, OK_EMPTY);
    stage.origin.answers[0].until = "0\r\n\r\n";
    struct fetch_order order = stage_order(&stage, "/");
    order.method = bytes_of_text("PUT");
    order.body = bytes_of_text("begin");
    order.body_follows = true;
    stage_start(&stage, &order);
    while (stage.probe.room < 5)
        stage_turn(&stage);
    assert_true(egress_fetch_write(stage.probe.fetch, bytes_make(piece, sizeof(piece))));
    /* Twice as much as there may be is refused. */
    if (stage.probe.room == 5)
        assert_false(egress_fetch_write(stage.probe.fetch, bytes_make(piece, sizeof(piece))));
    for (written = sizeof(piece); written < (1u << 20);) {
        uint64_t room = EGRESS_WINDOW - (written - (stage.probe.room - 5));
        if (room > 0) {
            assert_true(egress_fetch_write(stage.probe.fetch, bytes_make(piece, room)));
            written += room;
        } else {
            stage_turn(&stage);
        }
    }
    egress_fetch_finish(stage.probe.fetch);
    stage_finish(&stage);
    assert_end(&stage, FETCH_END_DONE);
    assert_int_equal(stage.probe.result.sent_bytes, 5 + written);
    assert_true(stage_saw(&stage, "Transfer-Encoding: chunked\r\n"));
    assert_true(stage.origin.seen.count > written);
    stage_close(&stage);
}

/* It says neither how long it is nor that it wants the rest. */
static void an_answer_without_a_length_may_come_before_the_body_is_sent(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        bool close;
    } cases[] = {
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nearly\r\n0\r\n\r\n", false},
        {"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nearly", true},
        {"HTTP/1.1 413 No\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nearly\r\n0\r\n\r\n", true},
        {"HTTP/1.1 413 No\r\nConnection: close\r\n\r\nearly", true},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct stage stage;
        stage_open(&stage);
        stage_answer(&stage, cases[i].bytes);
        stage.origin.answers[0].close = cases[i].close;
        struct fetch_order order = stage_order(&stage, "/");
        order.method = bytes_of_text("PUT");
        order.body = bytes_of_text("begin");
        order.body_follows = true;
        stage_fetch(&stage, &order);
        assert_end(&stage, FETCH_END_DONE);
        assert_true(bytes_equal_text(buffer_bytes(&stage.probe.data), "early"));
        stage_close(&stage);
    }
}

static void an_early_answer_that_is_cut_is_no_answer(void **state)
{
    (void)state;
    static const char *const answers[] = {
        "HTTP/1.1 413 No\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nearly",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nearly"};
    for (size_t i = 0; i < COUNT_OF(answers); i++) {
        struct stage stage;
        stage_open(&stage);
        stage_answer(&stage, answers[i]);
        stage.origin.answers[0].close = true;
        struct fetch_order order = stage_order(&stage, "/");
        order.method = bytes_of_text("PUT");
        order.body = bytes_of_text("begin");
        order.body_follows = true;
        stage_fetch(&stage, &order);
        assert_end(&stage, FETCH_END_CLOSED);
        stage_close(&stage);
    }
}

static void a_fetch_may_take_as_long_as_a_stream(void **state)
{
    (void)state;
    struct stage stage;
    stage_open(&stage);
    stage_answer(&stage, OK_HELLO);
    stage.origin.answers[0].request_bytes = 1; /* which never comes */
    struct fetch_order order = stage_order(&stage, "/");
    order.deadline_us = 24 * 3600 * CLOCK_US_PER_S;
    stage_start(&stage, &order);
    const struct egress_fetch *fetch = stage.probe.fetch;
    assert_true(fetch->deadline_ns - egress_fetch_now(fetch) > 23 * 3600 * CLOCK_NS_PER_S);
    egress_fetch_cancel(stage.probe.fetch);
    stage_close(&stage);
}

static void an_answer_is_given_as_it_is_granted(void **state)
{
    (void)state;
    struct stage stage;
    stage_open(&stage);
    stage_answer(&stage, "HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n");
    stage.origin.answers[0].again = "0123456789";
    stage.origin.answers[0].repeat = 100000;
    struct fetch_order order = stage_order(&stage, "/");
    stage_start(&stage, &order);
    while (!stage.probe.fetch->paused_reading)
        stage_turn(&stage);
    assert_true(stage.probe.data.count <= EGRESS_WINDOW);
    assert_true(stage.probe.data.count > EGRESS_WINDOW - HOP_PIECE_MAX);
    stage_finish(&stage);
    assert_end(&stage, FETCH_END_DONE);
    assert_int_equal(stage.probe.data.count, 1000000);
    for (size_t i = 0; i < 1000000; i += 997)
        assert_int_equal(stage.probe.data.data[i], '0' + i % 10);
    stage_close(&stage);
}

/* ---- redirects ------------------------------------------------------------------------------- */

static void redirect_to(struct stage *stage, uint32_t index, const char *status, const char *place)
{
    static char answers[ORIGIN_ANSWERS_MAX][300];
    (void)snprintf(answers[index], sizeof(answers[index]),
                   "HTTP/1.1 %s\r\nLocation: %s\r\nContent-Length: 4\r\n\r\nbody", status, place);
    stage->origin.answers[index].bytes = answers[index];
}

static void redirects_are_followed_if_that_was_asked_for(void **state)
{
    (void)state;
    struct stage stage;
    stage_open(&stage);
    redirect_to(&stage, 0, "302 Found", "/two");
    redirect_to(&stage, 1, "301 Moved", "/two");
    redirect_to(&stage, 2, "307 Again", "three?\xc3\xbc x");
    stage_answer(&stage, OK_HELLO);
    struct fetch_order order = stage_order(&stage, "/one");
    stage_fetch(&stage, &order);
    assert_end(&stage, FETCH_END_DONE);
    assert_int_equal(stage.probe.status, 302);
    order.redirects_max = 5;
    stage_fetch(&stage, &order);
    assert_end(&stage, FETCH_END_DONE);
    assert_int_equal(stage.probe.status, 200);
    assert_int_equal(stage.probe.heads, 1);
    assert_int_equal(stage.probe.result.hops, 3);
    assert_string_equal(stage.probe.url, stage_url(&stage, "/three?%C3%BC%20x"));
    assert_int_equal(stage.origin.connections, 1);
    stage_close(&stage);
}

static void a_redirect_out_of_the_rules_is_refused(void **state)
{
    (void)state;
    static const char *const places[] = {"http://other.example/", "https://127.0.0.1/",
                                         "//127.0.0.1:1/",        "http://127.0.0.1@other.example/",
                                         "file:///etc/passwd",    "http://\xc3\xbc.example/"};
    for (size_t i = 0; i < COUNT_OF(places); i++) {
        struct stage stage;
        stage_open(&stage);
        redirect_to(&stage, 0, "302 Found", places[i]);
        struct fetch_order order = stage_order(&stage, "/");
        order.redirects_max = 5;
        stage_fetch(&stage, &order);
        assert_end(&stage, i < 3 ? FETCH_END_DENIED : FETCH_END_PROTOCOL);
        assert_int_equal(stage.probe.heads, 0);
        assert_int_equal(egress_engine_stats(stage.engine).connects, 1);
        stage_close(&stage);
    }
}

static void a_redirect_to_a_private_address_is_refused_although_the_rules_allow_it(void **state)
{
    (void)state;
    struct stage stage;
    char place[100];
    stage_open(&stage);
    /* A world in which 127.0.0.1 is a public address. */
    stage.engine->policy.allow_private = false;
    struct address_row *row = &stage.engine->policy.rows[0];
    row->verdict = ADDRESS_PUBLIC;
    assert_true(config_net_parse("127.0.0.1", &row->net));
    (void)snprintf(place, sizeof(place), "http://127.0.0.2:%u/", stage.origin.port);
    redirect_to(&stage, 0, "302 Found", place);
    struct fetch_order order = stage_order(&stage, "/");
    const struct bytes rules[] = {order.rules[0], bytes_of_text(place)};
    order.rules = rules;
    order.rule_count = 2;
    order.redirects_max = 5;
    stage_fetch(&stage, &order);
    assert_end(&stage, FETCH_END_ADDRESS);
    assert_string_equal(stage.probe.text, "127.0.0.2: its address is loopback");
    assert_int_equal(egress_engine_stats(stage.engine).connects, 1);
    stage_close(&stage);
}

static void a_loop_of_redirects_ends(void **state)
{
    (void)state;
    struct stage stage;
    stage_open(&stage);
    for (uint32_t i = 0; i < 5; i++)
        redirect_to(&stage, i, "302 Found", i == 1 ? "" : "/"); /* none is where it stands */
    struct fetch_order order = stage_order(&stage, "/");
    order.redirects_max = 3;
    stage_fetch(&stage, &order);
    assert_end(&stage, FETCH_END_REDIRECTS);
    assert_int_equal(stage.origin.answered, 4);
    stage_close(&stage);
}

static void what_is_secret_stays_with_its_origin(void **state)
{
    (void)state;
    const struct fetch_field fields[] = {
        {bytes_of_text("Authorization"), bytes_of_text("Bearer one")},
        {bytes_of_text("cookie"), bytes_of_text("two=2")},
        {bytes_of_text("x-plain"), bytes_of_text("three")},
    };
    struct stage stage;
    struct stage other;
    char place[100];
    stage_open(&stage);
    stage_open(&other);
    (void)snprintf(place, sizeof(place), "http://127.0.0.1:%u/", other.origin.port);
    redirect_to(&stage, 0, "302 Found", "/same");
    redirect_to(&stage, 1, "302 Found", place);
    stage_answer(&other, OK_HELLO);
    /* The second origin is served by the first one's loop. */
    struct fetch_order order = stage_order(&stage, "/");
    const struct bytes rules[] = {order.rules[0], bytes_of_text(place)};
    order.rules = rules;
    order.rule_count = 2;
    order.fields = fields;
    order.field_count = COUNT_OF(fields);
    order.redirects_max = 5;
    stage_start(&stage, &order);
    while (!stage.probe.done) {
        (void)event_base_loop(stage.base, EVLOOP_NONBLOCK);
        (void)event_base_loop(other.base, EVLOOP_NONBLOCK);
    }
    assert_end(&stage, FETCH_END_DONE);
    assert_true(stage_saw(&stage, "GET /same HTTP/1.1\r\n"));
    assert_true(stage_saw(&stage, "Bearer one"));
    assert_true(stage_saw(&other, "x-plain: three"));
    assert_false(stage_saw(&other, "Bearer"));
    assert_false(stage_saw(&other, "two=2"));
    stage_close(&stage);
    stage_close(&other);
}

static void a_redirect_keeps_method_and_body_or_makes_a_get(void **state)
{
    (void)state;
    static const struct {
        const char *status;
        const char *method;
        const char *expected;
    } rows[] = {
        {"301 M", "POST", "GET /two"},  {"302 M", "POST", "GET /two"},
        {"303 M", "POST", "GET /two"},  {"303 M", "PUT", "GET /two"},
        {"302 M", "PUT", "PUT /two"},   {"307 M", "POST", "POST /two"},
        {"308 M", "POST", "POST /two"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const struct fetch_field fields[] = {{bytes_of_text("Content-Type"), bytes_of_text("a/b")}};
        struct stage stage;
        bool keeps = strncmp(rows[i].expected, "GET", 3) != 0;
        stage_open(&stage);
        redirect_to(&stage, 0, rows[i].status, "/two");
        stage_answer(&stage, OK_HELLO);
        stage.origin.answers[0].request_bytes = 3;
        stage.origin.answers[1].request_bytes = keeps ? 3 : 0;
        struct fetch_order order = stage_order(&stage, "/one");
        order.method = bytes_of_text(rows[i].method);
        order.body = bytes_of_text("abc");
        order.fields = fields;
        order.field_count = 1;
        order.redirects_max = 5;
        stage_fetch(&stage, &order);
        assert_end(&stage, FETCH_END_DONE);
        assert_true(stage_saw(&stage, rows[i].expected));
        const char *second = memmem(stage.origin.seen.data, stage.origin.seen.count, "/two", 4);
        size_t left =
            stage.origin.seen.count - (size_t)((const uint8_t *)second - stage.origin.seen.data);
        assert_int_equal(memmem(second, left, "a/b", 3) != NULL, keeps);
        assert_int_equal(memmem(second, left, "\r\n\r\nabc", 7) != NULL, keeps);
        stage_close(&stage);
    }
}

static void a_body_that_came_in_pieces_is_not_sent_twice(void **state)
{
    (void)state;
    static const char *const statuses[] = {"307 Again", "303 Other"};
    for (size_t i = 0; i < COUNT_OF(statuses); i++) {
        struct stage stage;
        stage_open(&stage);
        redirect_to(&stage, 0, statuses[i], "/two");
        stage_answer(&stage, OK_HELLO);
        stage.origin.answers[0].until = "0\r\n\r\n";
        struct fetch_order order = stage_order(&stage, "/one");
        order.method = bytes_of_text("PUT");
        order.body = bytes_of_text("abc");
        order.body_follows = true;
        order.redirects_max = 5;
        stage_start(&stage, &order);
        egress_fetch_finish(stage.probe.fetch);
        stage_finish(&stage);
        assert_end(&stage, i == 0 ? FETCH_END_REDIRECTS : FETCH_END_DONE);
        stage_close(&stage);
    }
}

/* ---- who is never asked ------------------------------------------------------------------------
 */

static const char *const never[] = {
    "http://127.0.0.1/",
    "http://127.1/",
    "http://0x7f.1/",
    "http://0177.0.0.1/",
    "http://017700000001/",
    "http://2130706433/",
    "http://0x7f000001/",
    "http://127.0.1/",
    "http://127.0.0.1./",
    "http://127.000.000.001/",
    "http://0/",
    "http://0.0.0.0/",
    "http://0.0.0.0:22/",
    "http://127.255.255.254/",
    "http://10.0.0.1/",
    "http://10.255.0.1:8080/",
    "http://172.16.0.1/",
    "http://172.31.255.255/",
    "http://192.168.0.1/",
    "http://192.168.255.1/",
    "http://169.254.169.254/latest/meta-data/",
    "http://169.254.170.2/",
    "http://169.254.0.1/",
    "http://100.64.0.1/",
    "http://100.100.100.200/",
    "http://100.127.255.255/",
    "http://168.63.129.16/",
    "http://192.0.0.192/",
    "http://192.0.0.1/",
    "http://192.0.2.1/",
    "http://198.18.0.1/",
    "http://198.51.100.1/",
    "http://203.0.113.1/",
    "http://224.0.0.1/",
    "http://239.255.255.255/",
    "http://240.0.0.1/",
    "http://255.255.255.255/",
    "http://192.88.99.1/",
    "http://[::1]/",
    "http://[::]/",
    "http://[0:0:0:0:0:0:0:1]/",
    "http://[::ffff:127.0.0.1]/",
    "http://[::ffff:7f00:1]/",
    "http://[0:0:0:0:0:ffff:7f00:1]/",
    "http://[::ffff:10.0.0.1]/",
    "http://[::ffff:169.254.169.254]/",
    "http://[::ffff:8.8.8.8]/",
    "http://[::127.0.0.1]/",
    "http://[::7f00:1]/",
    "http://[64:ff9b::127.0.0.1]/",
    "http://[64:ff9b::10.0.0.1]/",
    "http://[64:ff9b::a9fe:a9fe]/",
    "http://[64:ff9b::8.8.8.8]/",
    "http://[64:ff9b:1::1]/",
    "http://[2002:7f00:1::1]/",
    "http://[2002:a00:1::1]/",
    "http://[2002:a9fe:a9fe::1]/",
    "http://[2001::1]/",
    "http://[2001:db8::1]/",
    "http://[2001:10::1]/",
    "http://[2001:2::1]/",
    "http://[3fff::1]/",
    "http://[fc00::1]/",
    "http://[fd00::1]/",
    "http://[fd00:ec2::254]/",
    "http://[fd20:ce::254]/",
    "http://[fe80::1]/",
    "http://[fe80::1%25lo]/",
    "http://[febf::1]/",
    "http://[fec0::1]/",
    "http://[ff02::1]/",
    "http://[ff0e::1]/",
    "http://[100::1]/",
    "http://[5f00::1]/",
    "http://[4000::1]/",
    "http://[::ffff:0:127.0.0.1]/",
    "http://user@127.0.0.1/",
    "http://example.com@127.0.0.1/",
    "http://127.0.0.1:80@example.com/",
    "http://127.0.0.1\\@example.com/",
    "http://127.0.0.1%2eexample.com/",
    "http://%3127.0.0.1/",
    "http://127.0.0.1%00/",
    "http://[::1/",
    "http://::1/",
    "http://[::1]:65536/",
    "http://127.0.0.1:0/",
    "http://127.0.0.1#@example.com/",
    "http://0x7f.0x0.0x0.0x1/",
    "http://127.0.0.1 /",
    "http://\xef\xbc\x91.0.0.1/",
    "http://\xe2\x91\xa0.0.0.1/",
    "https://127.0.0.1/",
    "https://[::1]:443/",
    "ftp://127.0.0.1/",
    "file:///etc/passwd",
    "gopher://127.0.0.1:6379/",
    "dict://127.0.0.1:11211/",
    "//127.0.0.1/",
};

static void no_form_of_an_address_that_is_not_public_is_connected_to(void **state)
{
    (void)state;
    struct stage stage;
    struct egress_options options = stage_options(&stage);
    options.allow_private = false;
    stage_open_with(&stage, &options);
    for (size_t i = 0; i < COUNT_OF(never); i++) {
        /* A rule that allows just this, were it a URL. */
        struct fetch_order order = stage_order(&stage, "/");
        struct config_url url;
        char rule[CONFIG_URL_ORIGIN_BYTES] = "https://*";
        order.url = bytes_of_text(never[i]);
        if (config_url_parse(order.url, NULL, &url) == STATUS_OK)
            config_url_origin(&url, rule);
        const struct bytes rules = bytes_of_text(rule);
        order.rules = &rules;
        stage_fetch(&stage, &order);
        if (stage.probe.result.end != FETCH_END_ADDRESS &&
            stage.probe.result.end != FETCH_END_INVALID)
            fail_msg("%s: %s", never[i], fetch_end_name(stage.probe.result.end));
        assert_true(stage.probe.text[0] != '\0');
    }
    assert_true(COUNT_OF(never) >= 80);
    assert_int_equal(egress_engine_stats(stage.engine).connects, 0);
    assert_int_equal(egress_engine_stats(stage.engine).fetches, 0);
    stage_close(&stage);
}

static void a_server_that_no_rule_names_is_not_asked(void **state)
{
    (void)state;
    struct stage stage;
    stage_open(&stage);
    struct fetch_order order = stage_order(&stage, "/");
    order.rule_count = 0;
    stage_fetch(&stage, &order);
    assert_end(&stage, FETCH_END_DENIED);
    /* What to add to the manifest. */
    assert_string_equal(stage.probe.text, stage_url(&stage, ""));
    assert_int_equal(stage.origin.connections, 0);
    stage_close(&stage);
}

static void what_is_no_request_is_refused(void **state)
{
    (void)state;
    static const char *const methods[] = {"", "G T", "GET\r\nX: y", "CONNECT", "connect", "G\xff"};
    const struct fetch_field bad[] = {
        {bytes_of_text("x y"), bytes_of_text("")},
        {bytes_of_text(""), bytes_of_text("")},
        {bytes_of_text("x:"), bytes_of_text("")},
        {bytes_of_text("x"), bytes_of_text("a\r\nb: c")},
        {bytes_of_text("x"), bytes_of_text("a\nb")},
        {bytes_of_text("x"), bytes_make("a\0b", 3)},
        {bytes_of_text("x\r\ny"), bytes_of_text("a")},
    };
    struct stage stage;
    stage_open(&stage);
    struct fetch_order order = stage_order(&stage, "/");
    for (size_t i = 0; i < COUNT_OF(methods); i++) {
        order.method = bytes_of_text(methods[i]);
        stage_fetch(&stage, &order);
        assert_end(&stage, FETCH_END_INVALID);
    }
    order.method = bytes_of_text("GET");
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        order.fields = &bad[i];
        order.field_count = 1;
        stage_fetch(&stage, &order);
        assert_end(&stage, FETCH_END_INVALID);
    }
    assert_int_equal(stage.origin.connections, 0);
    stage_close(&stage);
}

static void a_fetch_can_be_cancelled_in_each_state(void **state)
{
    (void)state;
    struct stage stage;
    stage_open(&stage);
    stage_answer(&stage, "HTTP/1.1 200 OK\r\nContent-Length: 500000\r\n\r\nbegin");
    struct fetch_order order = stage_order(&stage, "/");
    struct bytes rule = bytes_of_text("http://name.example");
    /* Its name is being asked for; */
    order.url = rule;
    order.rules = &rule;
    stage_start(&stage, &order);
    assert_int_equal(stage.probe.fetch->state, FETCH_RESOLVING);
    egress_fetch_cancel(stage.probe.fetch);
    /* it is connecting; */
    order = stage_order(&stage, "/");
    stage_start(&stage, &order);
    assert_int_equal(stage.probe.fetch->state, FETCH_TRYING);
    egress_fetch_cancel(stage.probe.fetch);
    /* some of the answer is here. */
    stage_start(&stage, &order);
    while (stage.probe.data.count == 0)
        stage_turn(&stage);
    egress_fetch_cancel(stage.probe.fetch);
    assert_false(stage.probe.done);
    assert_int_equal(egress_engine_stats(stage.engine).fetches, 0);
    assert_int_equal(egress_engine_stats(stage.engine).ended[FETCH_END_CANCELLED], 3);
    stage_close(&stage);
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_fetch_asks_for_what_it_was_told_and_nothing_else),
        cmocka_unit_test(a_body_is_sent_with_its_length),
        cmocka_unit_test(an_answer_to_head_has_no_body),
        cmocka_unit_test(a_streamed_body_waits_for_room),
        cmocka_unit_test(an_answer_without_a_length_may_come_before_the_body_is_sent),
        cmocka_unit_test(an_early_answer_that_is_cut_is_no_answer),
        cmocka_unit_test(a_fetch_may_take_as_long_as_a_stream),
        cmocka_unit_test(an_answer_is_given_as_it_is_granted),
        cmocka_unit_test(redirects_are_followed_if_that_was_asked_for),
        cmocka_unit_test(a_redirect_out_of_the_rules_is_refused),
        cmocka_unit_test(a_redirect_to_a_private_address_is_refused_although_the_rules_allow_it),
        cmocka_unit_test(a_loop_of_redirects_ends),
        cmocka_unit_test(what_is_secret_stays_with_its_origin),
        cmocka_unit_test(a_redirect_keeps_method_and_body_or_makes_a_get),
        cmocka_unit_test(a_body_that_came_in_pieces_is_not_sent_twice),
        cmocka_unit_test(no_form_of_an_address_that_is_not_public_is_connected_to),
        cmocka_unit_test(a_server_that_no_rule_names_is_not_asked),
        cmocka_unit_test(what_is_no_request_is_refused),
        cmocka_unit_test(a_fetch_can_be_cancelled_in_each_state),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
