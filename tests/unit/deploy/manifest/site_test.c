/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rules of static sites: which are taken, what they mean, and where what is wrong with one is told.
 */
#include <stdio.h>

#include "deploy/manifest/site.h"
#include "tests/support/unit.h"

static bool header_is_taken(const char *text)
{
    struct report report = REPORT_INIT;
    struct deploy_site_header header;
    enum status status = deploy_site_header_parse(bytes_of_text(text), &report, &header);
    assert_true(status == STATUS_OK || report.text[0] != '\0');
    return status == STATUS_OK;
}

static bool redirect_is_taken(const char *text)
{
    struct report report = REPORT_INIT;
    struct deploy_site_redirect redirect;
    enum status status = deploy_site_redirect_parse(bytes_of_text(text), &report, &redirect);
    assert_true(status == STATUS_OK || report.text[0] != '\0');
    return status == STATUS_OK;
}

static void a_header_has_a_path_a_name_and_a_value(void **state)
{
    (void)state;
    struct deploy_site_header header;
    assert_int_equal(
        deploy_site_header_parse(bytes_of_text("/a/*  X-Y:  one: two "), NULL, &header), STATUS_OK);
    assert_true(bytes_equal_text(header.pattern, "/a/*"));
    assert_true(bytes_equal_text(header.name, "X-Y"));
    assert_true(bytes_equal_text(header.value, "one: two"));
    assert_false(header.removes);
    assert_int_equal(deploy_site_header_parse(bytes_of_text("/a ! X-Y"), NULL, &header), STATUS_OK);
    assert_true(header.removes);
    assert_true(bytes_equal_text(header.name, "X-Y"));
}

static void headers_that_are_none_are_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {"",
                                        "/a",
                                        "/a X-Y",
                                        "a X-Y: z",
                                        "/a X Y: z",
                                        "/a : z",
                                        "/a X-Y: a\x01",
                                        "/a X-Y: a\r\nSet-Cookie: b",
                                        "/a Content-Length: 5",
                                        "/a transfer-encoding: chunked",
                                        "/a ETag: \"x\"",
                                        "/a Location: /b",
                                        "/a !",
                                        "/*/b X-Y: z",
                                        "/a?b X-Y: z",
                                        "/:a/:b/:c/:d/:e/:f/:g/:h/:i X-Y: z"};
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        if (header_is_taken(texts[i]))
            fail_msg("`%s`", texts[i]);
    }
}

static void redirects_have_the_statuses_that_hosts_share(void **state)
{
    (void)state;
    struct deploy_site_redirect redirect;
    assert_int_equal(deploy_site_redirect_parse(bytes_of_text("/a /b"), NULL, &redirect),
                     STATUS_OK);
    assert_int_equal(redirect.status, 302);
    assert_true(redirect_is_taken("/a/* https://example.com/:splat 301"));
    assert_true(redirect_is_taken("/a /b 200"));
    static const char *const texts[] = {"",
                                        "/a",
                                        "a /b",
                                        "/a b",
                                        "/a //evil.example",
                                        "/a /b 404",
                                        "/a /b 301!",
                                        "/a /b 302 Country=de",
                                        "/a id=:id /b",
                                        "/a https://example.com/ 200",
                                        "/a javascript:x",
                                        "/a /b\\c",
                                        "/a /b\x7f",
                                        "/a ftp://x"};
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        if (redirect_is_taken(texts[i]))
            fail_msg("`%s`", texts[i]);
    }
    char longer[DEPLOY_SITE_RULE_BYTES_MAX + 2];
    memset(longer, 'a', sizeof(longer) - 1);
    longer[0] = '/';
    longer[sizeof(longer) - 1] = '\0';
    assert_false(redirect_is_taken(longer));
    assert_false(header_is_taken(longer));
}

static void patterns_mean_whole_paths(void **state)
{
    (void)state;
    static const struct {
        const char *pattern;
        const char *path;
        const char *splat; /* NULL: no match */
    } rows[] = {
        {"/a", "/a", ""},          {"/a", "/a/", NULL},
        {"/a", "/ab", NULL},       {"/ab", "/a", NULL},
        {"/*", "/", ""},           {"/*", "/x/y", "x/y"},
        {"/a/*", "/a/", ""},       {"/a/*", "/a", NULL},
        {"/a/*", "/a/b/c", "b/c"}, {"/a*", "/abc", "bc"},
        {"/:x", "/", NULL},        {"/:x", "/a", ""},
        {"/:x", "/a/b", NULL},     {"/:x/c/*", "/a/c/d", "d"},
        {"/a:b", "/a:b", ""},      {"/:x/:y", "/a//", NULL},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct deploy_site_match match;
        bool is =
            deploy_site_match(bytes_of_text(rows[i].pattern), bytes_of_text(rows[i].path), &match);
        if (is != (rows[i].splat != NULL) || (is && !bytes_equal_text(match.splat, rows[i].splat)))
            fail_msg("%s %s", rows[i].pattern, rows[i].path);
    }
}

static void expect_target(const char *rule, const char *path, bool is_plain, const char *wanted)
{
    struct deploy_site_redirect redirect;
    struct deploy_site_match match;
    struct buffer out;
    buffer_init(&out, 4096);
    assert_int_equal(deploy_site_redirect_parse(bytes_of_text(rule), NULL, &redirect), STATUS_OK);
    assert_true(deploy_site_match(redirect.pattern, bytes_of_text(path), &match));
    assert_int_equal(deploy_site_expand(redirect.target, &match, is_plain, &out), STATUS_OK);
    if (!bytes_equal_text(buffer_bytes(&out), wanted))
        fail_msg("%s %s: %.*s", rule, path, (int)out.count, (const char *)out.data);
    buffer_done(&out);
}

static void targets_are_filled_and_encoded(void **state)
{
    (void)state;
    expect_target("/a/* /b/:splat", "/a/x/y", false, "/b/x/y");
    expect_target("/:y/:m /b/:m/:y", "/20/05", false, "/b/05/20");
    expect_target("/a/* https://h:8080/:splat", "/a/x", false, "https://h:8080/x");
    expect_target("/a/* /b/:other", "/a/x", false, "/b/:other");
    expect_target("/a/* /b/:splat", "/a/x y\xc3\xa9", false, "/b/x%20y%C3%A9");
    expect_target("/a/* /b/:splat", "/a/x y", true, "/b/x y");
    expect_target("/a/* /b/:splat", "/a/\r\nSet-Cookie: x", false, "/b/%0D%0ASet-Cookie:%20x");
    /* No other server than the rule's. */
    expect_target("/a/* /:splat", "/a//evil.example", false, "/evil.example");
    expect_target("/a/* /:splat", "/a/\\\\evil.example", false, "/%5C%5Cevil.example");
}

static void expand_stops_where_there_is_no_room(void **state)
{
    (void)state;
    struct deploy_site_match match = {.splat = bytes_of_text("a\x01long")};
    struct buffer out;
    for (size_t room = 0; room < 9; room++) {
        buffer_init(&out, room);
        assert_int_not_equal(deploy_site_expand(bytes_of_text("/:splat"), &match, false, &out),
                             STATUS_OK);
        buffer_done(&out);
    }
}

typedef enum status reader(struct bytes text,
                           const char *name,
                           struct arena *arena,
                           struct report *report,
                           struct deploy_texts *texts);

/* The rules of a file, a line each; or what is wrong with it. */
static const char *read_file(reader *read, const char *text)
{
    static char shown[1024];
    struct arena arena;
    struct report report = REPORT_INIT;
    struct deploy_texts texts = {0};
    size_t used = 0;
    arena_init(&arena, 65536);
    shown[0] = '\0';
    if (read(bytes_of_text(text), "file", &arena, &report, &texts) != STATUS_OK)
        (void)snprintf(shown, sizeof(shown), "%s", report.text);
    for (uint32_t i = 0; report.status == STATUS_OK && i < texts.count; i++)
        used += (size_t)snprintf(shown + used, sizeof(shown) - used, "%s\n",
                                 (const char *)texts.rows[i].data);
    arena_done(&arena);
    return shown;
}

static void files_of_headers_become_rules(void **state)
{
    (void)state;
    assert_string_equal(read_file(deploy_site_read_headers,
                                  "# all\n/*\n  X-A: 1\r\n\tX-B: 2\n\n/b\n  ! X-A\n  X-C: 3"),
                        "/* X-A: 1\n/* X-B: 2\n/b ! X-A\n/b X-C: 3\n");
    assert_string_equal(read_file(deploy_site_read_headers, ""), "");
    assert_non_null(strstr(read_file(deploy_site_read_headers, "  X-A: 1\n"), "file:1: "));
    assert_non_null(strstr(read_file(deploy_site_read_headers, "/a\n  X-A\n"), "file:2: "));
    assert_non_null(strstr(read_file(deploy_site_read_headers, "/a\n\nX-A: 1\n"), "file:3: "));
    assert_non_null(
        strstr(read_file(deploy_site_read_headers, "https://a.example/*\n"), "file:1: "));
}

static void files_of_redirects_become_rules(void **state)
{
    (void)state;
    assert_string_equal(
        read_file(deploy_site_read_redirects, "# all\n/a /b\n\n /c\t/d  301 # moved\r\n/e /f#g\n"),
        "/a /b\n/c\t/d  301\n/e /f#g\n");
    assert_non_null(
        strstr(read_file(deploy_site_read_redirects, "/a /b\n/c /d 404\n"), "file:2: "));
    assert_non_null(strstr(read_file(deploy_site_read_redirects, "/a"), "file:1: "));
}

static void a_file_is_read_as_far_as_there_is_room(void **state)
{
    (void)state;
    struct arena arena;
    struct report report = REPORT_INIT;
    struct deploy_texts texts = {0};
    arena_init(&arena, 8);
    assert_int_equal(deploy_site_read_redirects(bytes_of_text("/aaaaaaaaaa /b\n"), "file", &arena,
                                                &report, &texts),
                     STATUS_NO_MEMORY);
    assert_int_equal(
        deploy_site_read_headers(bytes_of_text("/a\n X: y\n"), "file", &arena, &report, &texts),
        STATUS_NO_MEMORY);
    arena_done(&arena);
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_header_has_a_path_a_name_and_a_value),
        cmocka_unit_test(headers_that_are_none_are_refused),
        cmocka_unit_test(redirects_have_the_statuses_that_hosts_share),
        cmocka_unit_test(patterns_mean_whole_paths),
        cmocka_unit_test(targets_are_filled_and_encoded),
        cmocka_unit_test(expand_stops_where_there_is_no_room),
        cmocka_unit_test(files_of_headers_become_rules),
        cmocka_unit_test(files_of_redirects_become_rules),
        cmocka_unit_test(a_file_is_read_as_far_as_there_is_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
