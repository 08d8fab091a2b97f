/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Heads of HTTP/1 requests, one row a form: read, or refused and why. Each row is also cut in two
 * at every place, as a network may cut it.
 */
#include <stdio.h>

#include "deploy/door/http_head.h"
#include "server/front/http1_parse.h"
#include "tests/support/unit.h"

enum { HEAD_MAX = 2048, BODY_MAX = 1000 };

struct row {
    const char *text;
    size_t count;
    enum refusal_reason refusal;
};

#define OK(text)                                                                                   \
    {                                                                                              \
        text, sizeof(text) - 1, REFUSAL_NONE                                                       \
    }
#define NO(reason, text)                                                                           \
    {                                                                                              \
        text, sizeof(text) - 1, REFUSAL_##reason                                                   \
    }
#define GET(fields)  "GET / HTTP/1.1\r\nHost: x\r\n" fields "\r\n"
#define POST(fields) "POST / HTTP/1.1\r\nHost: x\r\n" fields "\r\n"
#define OLD(fields)  "POST / HTTP/1.0\r\n" fields "\r\n"
#define HOST(value)  "GET / HTTP/1.1\r\nHost:" value "\r\n\r\n"
#define LINE(line)   line "\r\nHost: x\r\n\r\n"
#define TARGET(text) LINE("GET " text " HTTP/1.1")

static const struct row rows[] = {
    /* request lines */
    OK(LINE("GET / HTTP/1.1")),
    OK(LINE("GET / HTTP/1.0")),
    OK("GET / HTTP/1.0\r\n\r\n"),
    OK(LINE("GET / HTTP/1.2")),
    OK(LINE("GET / HTTP/1.9")),
    OK("\r\n" LINE("GET / HTTP/1.1")),
    OK(LINE("OPTIONS * HTTP/1.1")),
    OK(LINE("DELETE /a HTTP/1.1")),
    OK(LINE("M-SEARCH /a HTTP/1.1")),
    OK(LINE("get / HTTP/1.1")),
    OK(LINE("!#$%&'*+-.^_`|~09azAZ / HTTP/1.1")),
    OK(LINE("ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEF / HTTP/1.1")),
    NO(METHOD_LONG, LINE("ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFG / HTTP/1.1")),
    NO(METHOD, LINE("G\"T / HTTP/1.1")),
    NO(METHOD, LINE("G(T / HTTP/1.1")),
    NO(METHOD, LINE("G@T / HTTP/1.1")),
    NO(METHOD, LINE("G/T / HTTP/1.1")),
    NO(METHOD, LINE("GET: / HTTP/1.1")),
    NO(METHOD, LINE("G\xc3\xa9T / HTTP/1.1")),
    NO(METHOD, LINE("G\0T / HTTP/1.1")),
    NO(METHOD, LINE(" GET / HTTP/1.1")),
    NO(METHOD, LINE("\tGET / HTTP/1.1")),
    NO(METHOD, LINE("GET\t/ HTTP/1.1")),
    NO(METHOD, "GET\r\n\r\n"),
    NO(METHOD, "\r\n\r\n\r\n"),
    NO(METHOD, "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"),
    NO(METHOD, "{\"json\": 1}\r\n\r\n"),
    NO(METHOD_OURS, LINE("TRACE / HTTP/1.1")),
    NO(METHOD_OURS, LINE("CONNECT x:80 HTTP/1.1")),
    NO(REQUEST_LINE, LINE("GET  / HTTP/1.1")),
    NO(REQUEST_LINE, LINE("GET /  HTTP/1.1")),
    NO(REQUEST_LINE, LINE("GET / HTTP/1.1 ")),
    NO(REQUEST_LINE, LINE("GET /\tHTTP/1.1")),
    NO(REQUEST_LINE, LINE("GET / HTTP/1.1\r")),
    NO(REQUEST_LINE, LINE("GET /")),
    NO(REQUEST_LINE, LINE("GET / ")),
    NO(REQUEST_LINE, LINE("GET / http/1.1")),
    NO(REQUEST_LINE, LINE("GET / HTTPS/1.1")),
    NO(REQUEST_LINE, LINE("GET / HTTP/1")),
    NO(REQUEST_LINE, LINE("GET / HTTP/11")),
    NO(REQUEST_LINE, LINE("GET / HTTP/1.10")),
    NO(REQUEST_LINE, LINE("GET / HTTP/1,1")),
    NO(REQUEST_LINE, LINE("GET / HTTP/x.1")),
    NO(REQUEST_LINE, LINE("GET / ICY/1.1")),
    NO(REQUEST_LINE, LINE("GET /a b HTTP/1.1")),
    NO(VERSION, LINE("GET / HTTP/2.0")),
    NO(VERSION, LINE("GET / HTTP/0.9")),
    NO(VERSION, LINE("GET / HTTP/9.9")),
    NO(VERSION, LINE("PRI * HTTP/2.0")),
    NO(LINE_END, "GET / HTTP/1.1\nHost: x\r\n\r\n"),
    NO(LINE_END, "GET / HTTP/1.1\nHost: x\n\n"),
    NO(LINE_END, "\n" LINE("GET / HTTP/1.1")),
    /* targets */
    OK(TARGET("/a/b%20c?x=1&y=%2F")),
    OK(TARGET("/%")),
    OK(TARGET("/?a=\"{}|\\^`<>[]")),
    OK(TARGET("/\xc3\xa9?\xff")),
    OK(TARGET("//x")),
    OK(TARGET("/../..//")),
    OK(TARGET("http://x/")),
    OK(TARGET("HTTP://x:80/a?b")),
    OK(TARGET("https://x")),
    OK(TARGET("http://x?a")),
    OK(TARGET("http://[::1]:80/")),
    NO(TARGET, TARGET("a")),
    NO(TARGET, TARGET("?a")),
    NO(TARGET, TARGET("*")),
    NO(TARGET, TARGET("**")),
    NO(TARGET, TARGET("x:80")),
    NO(TARGET, TARGET("ftp://x/")),
    NO(TARGET, TARGET("http:/x/")),
    NO(TARGET, TARGET("httpx://x/")),
    NO(HOST, TARGET("http:///a")),
    NO(HOST, TARGET("http://?a")),
    NO(HOST, TARGET("http://u@x/")),
    NO(HOST, TARGET("http://x:y/")),
    NO(FRAGMENT, TARGET("/a#b")),
    NO(FRAGMENT, TARGET("http://x/#")),
    NO(REQUEST_LINE, TARGET("/a\x01")),
    NO(REQUEST_LINE, TARGET("/a\x7f")),
    NO(REQUEST_LINE, TARGET("/a\0b")),
    NO(REQUEST_LINE, TARGET("/a\x1b[31m")),
    NO(REQUEST_LINE, TARGET("/a\rb")),
    /* hosts */
    OK(HOST(" a.b.localhost")),
    OK(HOST("x")),
    OK(HOST(" \t x \t ")),
    OK(HOST(" x:8080")),
    OK(HOST(" x:")),
    OK(HOST(" x:0")),
    OK(HOST(" x:65535")),
    OK(HOST(" A_b-c.d.")),
    OK(HOST(" 127.0.0.1:80")),
    OK(HOST(" [::1]")),
    OK(HOST(" [::ffff:1.2.3.4]:80")),
    OK(HOST(" a%20b")),
    OK(HOST(" a!$&'()*+,;=b")),
    OK("GET / HTTP/1.1\r\nhOsT: x\r\n\r\n"),
    NO(HOST, HOST("")),
    NO(HOST, HOST(" ")),
    NO(HOST, HOST(" x:65536")),
    NO(HOST, HOST(" x:080800")),
    NO(HOST, HOST(" x:8a")),
    NO(HOST, HOST(" x:-1")),
    NO(HOST, HOST(" x:80:80")),
    NO(HOST, HOST(" :80")),
    NO(HOST, HOST(" a@b")),
    NO(HOST, HOST(" a@b/c d")),
    NO(HOST, HOST(" a/b")),
    NO(HOST, HOST(" a b")),
    NO(HOST, HOST(" a\tb")),
    NO(HOST, HOST(" a?b")),
    NO(HOST, HOST(" a#b")),
    NO(HOST, HOST(" a\\b")),
    NO(HOST, HOST(" \"a\"")),
    NO(HOST, HOST(" \xc3\xa9")),
    NO(HOST, HOST(" [::1")),
    NO(HOST, HOST(" ::1")),
    NO(HOST, HOST(" []")),
    NO(HOST, HOST(" [x]")),
    NO(HOST, HOST(" [::1]x")),
    NO(HOST, HOST(" [::1]:x")),
    NO(HOST, HOST(" http://x")),
    NO(HOST, "GET / HTTP/1.0\r\nHost: a@b\r\n\r\n"),
    NO(HOST_MISSING, "GET / HTTP/1.1\r\n\r\n"),
    NO(HOST_MISSING, "GET / HTTP/1.1\r\nX-Host: x\r\n\r\n"),
    NO(HOST_MISSING, "GET http://x/ HTTP/1.1\r\n\r\n"),
    NO(HOST_TWICE, GET("Host: y\r\n")),
    NO(HOST_TWICE, GET("Host: x\r\n")),
    NO(HOST_TWICE, GET("a: b\r\nHOST: x\r\n")),
    /* fields */
    OK(GET("")),
    OK(GET("A: b\r\n")),
    OK(GET("A:b\r\n")),
    OK(GET("A:\r\n")),
    OK(GET("A: \r\n")),
    OK(GET("A:\t b \t\r\n")),
    OK(GET("A: b c\td\r\n")),
    OK(GET("A: \xff\xfe\r\n")),
    OK(GET("A: :\"'\\(){}<>@,;?=\r\n")),
    OK(GET("!#$%&'*+-.^_`|~: b\r\n")),
    OK(GET("A: b\r\nA: c\r\n")),
    OK(GET("A: 0123456\t01234567\t0123456789\r\n")),
    NO(NAME, GET("A : b\r\n")),
    NO(NAME, GET("A\t: b\r\n")),
    NO(NAME, GET("A b: c\r\n")),
    NO(NAME, GET("A\r\n")),
    NO(NAME, GET(": b\r\n")),
    NO(NAME, GET(":authority: b\r\n")),
    NO(NAME, GET("A(: b\r\n")),
    NO(NAME, GET("A\xc3\xa9: b\r\n")),
    NO(NAME, GET("A\0: b\r\n")),
    NO(NAME, GET("A\x7f: b\r\n")),
    NO(NAME, GET("A\x0b: b\r\n")),
    NO(NAME, GET("\"A\": b\r\n")),
    NO(FOLDED, GET("A: b\r\n c\r\n")),
    NO(FOLDED, GET("A: b\r\n\tc\r\n")),
    NO(FOLDED, GET("A: b\r\n \r\n")),
    NO(FOLDED, "GET / HTTP/1.1\r\n Host: x\r\n\r\n"),
    NO(VALUE, GET("A: b\0c\r\n")),
    NO(VALUE, GET("A: b\x01\r\n")),
    NO(VALUE, GET("A: b\x01\n")),
    NO(VALUE, GET("A: b\x0b\r\n")),
    NO(VALUE, GET("A: b\x1b[31m\r\n")),
    NO(VALUE, GET("A: b\x7f\r\n")),
    NO(VALUE, GET("A: b\x1f")),
    NO(VALUE, GET("A: b\rc\r\n")),
    NO(VALUE, GET("A: b\r\r\n")),
    NO(LINE_END, GET("A: b\n")),
    NO(LINE_END, GET("A: b\nC: d\r\n")),
    NO(LINE_END, "GET / HTTP/1.1\r\nHost: x\r\n\n"),
    NO(LINE_END, "GET / HTTP/1.1\r\nHost: x\r\n\rx"),
    /* lengths */
    OK(POST("Content-Length: 0\r\n")),
    OK(POST("Content-Length: 1000\r\n")),
    OK(POST("content-LENGTH:\t00000000000000010 \r\n")),
    OK(OLD("Content-Length: 5\r\n")),
    OK(GET("Content-Length: 5\r\n")),
    NO(BODY_LARGE, POST("Content-Length: 1001\r\n")),
    NO(BODY_LARGE, POST("Content-Length: 18446744073709551616\r\n")),
    NO(BODY_LARGE, POST("Content-Length: 18446744073709551621\r\n")),
    NO(BODY_LARGE, POST("Content-Length: 99999999999999999999999999999999\r\n")),
    NO(BODY_LARGE, POST("Content-Length: 5000\r\nExpect: 100-continue\r\n")),
    NO(LENGTH, POST("Content-Length:\r\n")),
    NO(LENGTH, POST("Content-Length: -1\r\n")),
    NO(LENGTH, POST("Content-Length: +1\r\n")),
    NO(LENGTH, POST("Content-Length: 0x3\r\n")),
    NO(LENGTH, POST("Content-Length: 3 4\r\n")),
    NO(LENGTH, POST("Content-Length: 3, 3\r\n")),
    NO(LENGTH, POST("Content-Length: 3,\r\n")),
    NO(LENGTH, POST("Content-Length: 3.0\r\n")),
    NO(LENGTH, POST("Content-Length: 1e3\r\n")),
    NO(LENGTH, POST("Content-Length: \"3\"\r\n")),
    NO(LENGTH, POST("Content-Length: x\r\n")),
    NO(LENGTH_TWICE, POST("Content-Length: 3\r\nContent-Length: 5\r\n")),
    NO(LENGTH_TWICE, POST("Content-Length: 3\r\nContent-Length: 3\r\n")),
    NO(LENGTH_TWICE, POST("content-length: 3\r\nA: b\r\nCONTENT-LENGTH: 0\r\n")),
    /* codings */
    OK(POST("Transfer-Encoding: chunked\r\n")),
    OK(POST("transfer-encoding:\t CHUNKED \r\n")),
    OK(POST("TE: trailers\r\n")),
    NO(LENGTH_AND_CODING, POST("Content-Length: 3\r\nTransfer-Encoding: chunked\r\n")),
    NO(LENGTH_AND_CODING, POST("Transfer-Encoding: chunked\r\nContent-Length: 3\r\n")),
    NO(LENGTH_AND_CODING, POST("Transfer-Encoding: chunked\r\nContent-Length: 0\r\n")),
    NO(CODING, POST("Transfer-Encoding:\r\n")),
    NO(CODING, POST("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n")),
    NO(CODING, POST("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n")),
    NO(CODING, POST("Transfer-Encoding: chunked, chunked\r\n")),
    NO(CODING, POST("Transfer-Encoding: gzip, chunked\r\n")),
    NO(CODING, POST("Transfer-Encoding: chunked, gzip\r\n")),
    NO(CODING, POST("Transfer-Encoding: gzip\r\n")),
    NO(CODING, POST("Transfer-Encoding: identity\r\n")),
    NO(CODING, POST("Transfer-Encoding: ,chunked\r\n")),
    NO(CODING, POST("Transfer-Encoding: chunked;q=1\r\n")),
    NO(CODING, POST("Transfer-Encoding: \"chunked\"\r\n")),
    NO(CODING, POST("Transfer-Encoding: xchunked\r\n")),
    NO(CODING, POST("Transfer-Encoding: chunkedx\r\n")),
    NO(CODING, POST("Transfer-Encoding: chunked\t,\r\n")),
    NO(VALUE,
       POST("Transfer-Encoding: \x0b"
            "chunked\r\n")),
    NO(NAME, POST("Transfer-Encoding : chunked\r\n")),
    NO(CODING, POST("Transfer-Encoding:\r\n chunked\r\n")),
    NO(CODING_OLD, OLD("Transfer-Encoding: chunked\r\n")),
    NO(CODING_OLD, OLD("Transfer-Encoding: identity\r\n")),
    /* expectations and upgrades */
    OK(POST("Expect: 100-continue\r\nContent-Length: 5\r\n")),
    OK(POST("Expect: 100-Continue\r\n")),
    OK(OLD("Expect: 100-continue\r\n")),
    OK(OLD("Expect: nonsense\r\n")),
    OK(GET("Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMAAABk\r\n")),
    OK(GET("Upgrade: websocket\r\nConnection: Upgrade\r\n")),
    NO(EXPECTATION, POST("Expect: 200-ok\r\n")),
    NO(EXPECTATION, POST("Expect:\r\n")),
    NO(EXPECTATION, POST("Expect: 100-continue, x\r\n")),
};

static const struct http1_rules rules = {.head_bytes_max = HEAD_MAX, .body_bytes_max = BODY_MAX};

static void say(const struct row *row, enum http1_outcome outcome, const struct http1_head *head)
{
    print_error("row %zu, outcome %d, refusal %d: %.*s\n", (size_t)(row - rows), outcome,
                head->refusal, (int)row->count, row->text);
}

static enum http1_outcome wanted_of(const struct row *row)
{
    return row->refusal == REFUSAL_NONE ? HTTP1_COMPLETE : HTTP1_REFUSED;
}

static void each_form_is_read_or_refused_for_its_reason(void **state)
{
    (void)state;
    struct http1_field fields[HTTP1_FIELDS_MAX];
    assert_true(sizeof(rows) / sizeof(rows[0]) >= 150);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct row *row = &rows[i];
        struct http1_head head;
        enum http1_outcome outcome =
            http1_parse_head(bytes_make(row->text, row->count), 0, &rules, fields, &head);
        if (outcome != wanted_of(row) || head.refusal != row->refusal)
            say(row, outcome, &head);
        assert_int_equal(outcome, wanted_of(row));
        assert_int_equal(head.refusal, row->refusal);
        assert_true(outcome != HTTP1_COMPLETE || head.head_bytes == row->count);
    }
}

/* A piece may tell enough to refuse; never a wrong reason, and never that all is well. */
static void a_head_means_the_same_wherever_it_is_cut(void **state)
{
    (void)state;
    struct http1_field fields[HTTP1_FIELDS_MAX];
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct row *row = &rows[i];
        for (size_t cut = 1; cut < row->count; cut++) {
            struct http1_head head;
            enum http1_outcome outcome =
                http1_parse_head(bytes_make(row->text, cut), 0, &rules, fields, &head);
            if (outcome == HTTP1_INCOMPLETE)
                outcome =
                    http1_parse_head(bytes_make(row->text, row->count), cut, &rules, fields, &head);
            bool waits = outcome == HTTP1_INCOMPLETE && row->refusal != REFUSAL_NONE;
            if (!waits && head.refusal != row->refusal)
                say(row, outcome, &head);
            assert_true(waits || head.refusal == row->refusal);
            assert_true(waits || outcome == wanted_of(row));
        }
    }
}

/* Bytes are looked at in fours and eights: it must not matter where one stands. */
static void a_byte_is_judged_alike_at_every_place(void **state)
{
    (void)state;
    char text[20];
    for (int c = 0; c <= UINT8_MAX; c++) {
        memset(text, c, sizeof(text));
        bool is_target = http1_is_target(bytes_make(text, 1));
        bool is_token = http1_is_token(bytes_make(text, 1));
        for (size_t place = 0; place < sizeof(text); place++) {
            memset(text, 'a', sizeof(text));
            text[place] = (char)c;
            for (size_t count = place + 1; count <= sizeof(text); count++) {
                assert_int_equal(http1_is_target(bytes_make(text, count)), is_target);
                assert_int_equal(http1_is_token(bytes_make(text, count)), is_token);
            }
        }
        assert_int_equal(is_target, c > ' ' && c != '#' && c != 0x7f);
    }
}

static void a_byte_of_a_value_is_judged_alike_at_every_place(void **state)
{
    (void)state;
    struct http1_field fields[HTTP1_FIELDS_MAX];
    struct http1_head head;
    for (int c = 0; c <= UINT8_MAX; c++) {
        bool is_allowed = (c >= ' ' && c != 0x7f) || c == '\t';
        for (size_t place = 0; place < 20 && c != '\r' && c != '\n'; place++) {
            char text[] = "GET / HTTP/1.0\r\nX: aaaaaaaaaaaaaaaaaaaa\r\n\r\n";
            text[19 + place] = (char)c;
            enum http1_outcome outcome =
                http1_parse_head(bytes_make(text, sizeof(text) - 1), 0, &rules, fields, &head);
            assert_int_equal(outcome, is_allowed ? HTTP1_COMPLETE : HTTP1_REFUSED);
            assert_int_equal(head.refusal, is_allowed ? REFUSAL_NONE : REFUSAL_VALUE);
        }
    }
}

static struct http1_head parse(const char *text, struct http1_field fields[HTTP1_FIELDS_MAX])
{
    struct http1_head head;
    assert_int_equal(http1_parse_head(bytes_of_text(text), 0, &rules, fields, &head),
                     HTTP1_COMPLETE);
    return head;
}

static struct bytes value_of(const struct http1_field *field)
{
    return bytes_make(field->value, field->value_count);
}

static void what_is_read_are_views_without_the_blanks(void **state)
{
    (void)state;
    struct http1_field fields[HTTP1_FIELDS_MAX];
    struct http1_head head = parse("PUT /a?b HTTP/1.1\r\nHost: \t a.b:80 \t\r\nX-Y:\t c  d \t \r\n"
                                   "Empty:   \r\nContent-Length: 17\r\n\r\nbody",
                                   fields);
    assert_true(bytes_equal_text(head.method, "PUT"));
    assert_true(bytes_equal_text(head.target, "/a?b"));
    assert_true(bytes_equal_text(head.host, "a.b:80"));
    assert_int_equal(head.minor, 1);
    assert_true(head.has_length && head.content_length == 17 && !head.is_chunked);
    assert_int_equal(head.field_count, 4);
    assert_true(bytes_equal_text(bytes_make(fields[1].name, fields[1].name_count), "X-Y"));
    assert_true(bytes_equal_text(value_of(&fields[1]), "c  d"));
    assert_int_equal(fields[2].value_count, 0);
}

static void fields_that_must_have_no_effect_are_left_out(void **state)
{
    (void)state;
    struct http1_field fields[HTTP1_FIELDS_MAX];
    struct http1_head head = parse("GET / HTTP/1.1\r\nUpgrade: h2c\r\nHost: x\r\n"
                                   "HTTP2-Settings: AAMAAABk\r\nA: b\r\n\r\n",
                                   fields);
    assert_int_equal(head.field_count, 2);
    assert_true(bytes_equal_text(value_of(&fields[1]), "b"));
    head = parse("POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 0\r\n\r\n", fields);
    assert_int_equal(head.field_count, 1);
    assert_false(head.is_continue_expected);
    head = parse("POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n\r\n", fields);
    assert_int_equal(head.field_count, 2);
    assert_true(head.is_continue_expected);
}

static void a_connection_goes_on_unless_it_is_to_end_or_to_change(void **state)
{
    (void)state;
    static const struct {
        const char *version;
        const char *lines;
        bool ends;
    } forms[] = {
        {"HTTP/1.1", "", false},
        {"HTTP/1.1", "Connection: keep-alive, Upgrade\r\n", true},
        {"HTTP/1.1", "Connection: TE\r\n", false},
        {"HTTP/1.1", "Connection: keep-alive\r\n", false},
        {"HTTP/1.1", "Connection: closed, not-close\r\n", false},
        {"HTTP/1.1", "Connection: close\r\n", true},
        {"HTTP/1.1", "Connection: keep-alive ,\tClose\r\n", true},
        {"HTTP/1.1", "Connection: close\r\nConnection: keep-alive\r\n", true},
        {"HTTP/1.0", "", true},
        {"HTTP/1.0", "Connection: keep-alive\r\n", false},
        {"HTTP/1.0", "Connection: close\r\nConnection: keep-alive\r\n", true},
        {"HTTP/1.0", "Connection: keep-alive\r\nConnection: close\r\n", true},
    };
    for (size_t i = 0; i < COUNT_OF(forms); i++) {
        struct http1_field fields[HTTP1_FIELDS_MAX];
        char text[256];
        (void)snprintf(text, sizeof(text), "GET / %s\r\nHost: x\r\n%s\r\n", forms[i].version,
                       forms[i].lines);
        struct http1_head head = parse(text, fields);
        assert_int_equal(http1_is_last(&head), forms[i].ends);
    }
    /* What it names is for whoever passes the request on. */
    struct http1_field fields[HTTP1_FIELDS_MAX];
    struct http1_head head =
        parse("GET / HTTP/1.1\r\nHost: x\r\nConnection: x-own\r\nX-Own: 1\r\n\r\n", fields);
    assert_int_equal(head.field_count, 3);
    assert_true(bytes_equal_text(value_of(&fields[1]), "x-own"));
}

static enum refusal_reason refusal_of_many(size_t count, size_t value_count)
{
    static char text[8 * HEAD_MAX];
    struct http1_field fields[HTTP1_FIELDS_MAX];
    const struct http1_rules wide = {.head_bytes_max = 4 * HEAD_MAX, .body_bytes_max = BODY_MAX};
    struct http1_head head;
    int used = snprintf(text, sizeof(text), "GET / HTTP/1.1\r\nHost: x\r\n");
    for (size_t i = 1; i < count; i++)
        used += snprintf(text + used, sizeof(text) - (size_t)used, "a%zu: %0*d\r\n", i,
                         (int)value_count, 0);
    used += snprintf(text + used, sizeof(text) - (size_t)used, "\r\n");
    (void)http1_parse_head(bytes_make(text, (size_t)used), 0, &wide, fields, &head);
    return head.refusal;
}

static void a_hundred_fields_are_read_and_one_more_is_not(void **state)
{
    (void)state;
    assert_int_equal(refusal_of_many(HTTP1_FIELDS_MAX, 1), REFUSAL_NONE);
    assert_int_equal(refusal_of_many(HTTP1_FIELDS_MAX + 1, 1), REFUSAL_HEADERS_MANY);
}

static void fields_are_counted_with_32_bytes_each_against_the_limit(void **state)
{
    (void)state;
    /* "/", Host with 5 bytes, and one with a name of 2: 1 + 37 + 34 + value */
    assert_int_equal(refusal_of_many(2, 4 * HEAD_MAX - 72), REFUSAL_NONE);
    assert_int_equal(refusal_of_many(2, 4 * HEAD_MAX - 71), REFUSAL_HEADERS_LARGE);
}

static void a_head_without_an_end_is_refused_at_the_limit(void **state)
{
    (void)state;
    static char text[HEAD_MAX + 1];
    struct http1_field fields[HTTP1_FIELDS_MAX];
    struct http1_head head;
    memset(text, 'a', sizeof(text));
    memcpy(text, "GET /", 5);
    assert_int_equal(http1_parse_head(bytes_make(text, HEAD_MAX), 0, &rules, fields, &head),
                     HTTP1_INCOMPLETE);
    assert_int_equal(
        http1_parse_head(bytes_make(text, HEAD_MAX + 1), HEAD_MAX, &rules, fields, &head),
        HTTP1_REFUSED);
    assert_int_equal(head.refusal, REFUSAL_HEADERS_LARGE);
}

static void nothing_is_no_token_no_target_and_no_host(void **state)
{
    (void)state;
    const struct bytes nothing = bytes_make(NULL, 0);
    assert_false(http1_is_token(nothing) || http1_is_target(nothing) ||
                 http1_is_authority(nothing));
}

/* Which the admin API leaves to who knows its names, methods and bounds. */
static bool is_policy(enum refusal_reason reason)
{
    return reason == REFUSAL_METHOD_LONG || reason == REFUSAL_METHOD_OURS ||
           reason == REFUSAL_TARGET || reason == REFUSAL_HOST || reason == REFUSAL_BODY_LARGE;
}

/* Two readers, for two doors: where a request ends, and what is none, they must not see otherwise.
 */
static void the_admin_apis_reader_takes_nothing_that_this_one_refuses_as_malformed(void **state)
{
    (void)state;
    uint32_t both = 0;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        size_t scanned = 0;
        struct bytes text = bytes_make(rows[i].text, rows[i].count);
        size_t end = http_head_end(text, &scanned);
        struct http1_field fields[HTTP1_FIELDS_MAX];
        struct http1_head ours;
        struct http_head theirs;
        struct problem problem;
        if (end == 0 || !http_head_parse(bytes_make(text.data, end), &theirs, &problem))
            continue;
        if (http1_parse_head(text, 0, &rules, fields, &ours) != HTTP1_COMPLETE) {
            if (!is_policy(ours.refusal))
                fail_msg("row %zu: %s", i, rows[i].text);
            continue;
        }
        both++;
        assert_int_equal(ours.head_bytes, end);
        assert_true(bytes_equal(ours.method, theirs.method));
        assert_int_equal(ours.is_chunked, theirs.chunked);
        assert_int_equal(ours.content_length, theirs.body_bytes);
        assert_int_equal(ours.is_continue_expected, theirs.expects_continue);
    }
    assert_true(both > 30);
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_form_is_read_or_refused_for_its_reason),
        cmocka_unit_test(a_head_means_the_same_wherever_it_is_cut),
        cmocka_unit_test(a_byte_is_judged_alike_at_every_place),
        cmocka_unit_test(a_byte_of_a_value_is_judged_alike_at_every_place),
        cmocka_unit_test(what_is_read_are_views_without_the_blanks),
        cmocka_unit_test(fields_that_must_have_no_effect_are_left_out),
        cmocka_unit_test(a_connection_goes_on_unless_it_is_to_end_or_to_change),
        cmocka_unit_test(a_hundred_fields_are_read_and_one_more_is_not),
        cmocka_unit_test(fields_are_counted_with_32_bytes_each_against_the_limit),
        cmocka_unit_test(a_head_without_an_end_is_refused_at_the_limit),
        cmocka_unit_test(nothing_is_no_token_no_target_and_no_host),
        cmocka_unit_test(the_admin_apis_reader_takes_nothing_that_this_one_refuses_as_malformed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
