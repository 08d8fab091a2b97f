/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which file answers which path.
 */
#include "server/assets/site.h"
#include "tests/support/unit.h"

static struct {
    struct arena arena;
    struct buffer list;
    struct deploy_manifest manifest;
    struct deploy_catalog_entry entry;
    struct site site;
    struct site_question question;
    struct site_answer answer;
} stand;

static const char *const stand_names[] = {
    "404.html",      "a b.txt",         "about.html", "app.js",    "app.js.br",   "app.js.gz",
    "docs/404.html", "docs/index.html", "index.html", "page.html", "\xc3\xa9.txt"};

static void make_site(const char *main,
                      const char *fallback,
                      const struct bytes *redirects,
                      uint32_t redirect_count)
{
    static const uint8_t sha256[DEPLOY_FILE_SHA256_BYTES];
    struct deploy_file rows[COUNT_OF(stand_names)];
    for (size_t i = 0; i < COUNT_OF(stand_names); i++)
        rows[i] = (struct deploy_file){
            .name = bytes_of_text(stand_names[i]), .sha256 = sha256, .size = i};
    stand.list.count = 0;
    assert_int_equal(deploy_files_write(rows, COUNT_OF(rows), &stand.list, NULL), STATUS_OK);
    stand.manifest = (struct deploy_manifest){
        .main = bytes_of_text(main),
        .assets = {.dir = bytes_of_text("public"),
                   .fallback = bytes_of_text(fallback),
                   .redirects = {.rows = redirects, .count = redirect_count}}};
    stand.entry = (struct deploy_catalog_entry){.manifest = &stand.manifest,
                                                .assets = buffer_bytes(&stand.list)};
    assert_true(site_make(&stand.entry, &stand.arena, &stand.site));
}

static int setup(void **state)
{
    (void)state;
    arena_init(&stand.arena, 65536);
    buffer_init(&stand.list, 65536);
    stand.question = (struct site_question){.is_read = true};
    make_site("", "", NULL, 0);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_done(&stand.arena);
    buffer_done(&stand.list);
    return 0;
}

static enum site_step ask(const char *uri)
{
    stand.question.uri = bytes_of_text(uri);
    site_resolve(&stand.site, &stand.question, &stand.arena, &stand.answer);
    return stand.answer.step;
}

static void expect_file(const char *uri, const char *name, uint32_t status)
{
    if (ask(uri) != SITE_FILE || !bytes_equal_text(stand.answer.file.name, name) ||
        stand.answer.status != status)
        fail_msg("%s: step %d, %u %.*s", uri, stand.answer.step, stand.answer.status,
                 (int)stand.answer.file.name.count, (const char *)stand.answer.file.name.data);
}

static void expect_location(const char *uri, const char *location, uint32_t status)
{
    if (ask(uri) != SITE_REDIRECT || !bytes_equal_text(stand.answer.location, location) ||
        stand.answer.status != status)
        fail_msg("%s: step %d, %u %.*s", uri, stand.answer.step, stand.answer.status,
                 (int)stand.answer.location.count, (const char *)stand.answer.location.data);
}

static void a_path_is_a_file_or_a_page_or_a_folder(void **state)
{
    (void)state;
    expect_file("/", "index.html", 200);
    expect_file("/?q=1", "index.html", 200);
    expect_file("/index.html", "index.html", 200);
    expect_file("/about", "about.html", 200);
    expect_file("/a%20b.txt", "a b.txt", 200);
    expect_file("/%C3%A9.txt", "\xc3\xa9.txt", 200);
    expect_file("/docs/", "docs/index.html", 200);
    expect_location("/docs", "./docs/", 307);
    expect_location("/docs?a=b", "./docs/?a=b", 307);
    for (size_t i = 0; i < COUNT_OF(stand_names); i++) {
        struct deploy_file file;
        assert_true(site_find(&stand.site, bytes_of_text(stand_names[i]), &file));
        assert_int_equal(file.size, i);
    }
}

static void no_path_leads_out(void **state)
{
    (void)state;
    static const char *const missing[] = {"/../index.html", "/%2e%2e/index.html",  "//index.html",
                                          "/./index.html",  "/docs/../index.html", "/index.html/",
                                          "/docs//",        "/INDEX.HTML"};
    for (size_t i = 0; i < COUNT_OF(missing); i++) {
        if (ask(missing[i]) != SITE_FILE || stand.answer.status != 404)
            fail_msg("%s", missing[i]);
    }
    /* What is no text is not even the missing page's, whose headers it could not have. */
    static const char *const none[] = {"/%00", "/index.html%00", "/%",    "/%4",      "/%zz",
                                       "/%ff", "/%c3",           "/\x01", "/a%0d%0ab"};
    for (size_t i = 0; i < COUNT_OF(none); i++) {
        if (ask(none[i]) != SITE_NOT_FOUND)
            fail_msg("%s", none[i]);
    }
}

static void the_nearest_page_says_that_nothing_is_there(void **state)
{
    (void)state;
    expect_file("/x", "404.html", 404);
    expect_file("/x/y/z", "404.html", 404);
    expect_file("/docs/x", "docs/404.html", 404);
    expect_file("/docs/x/y/", "docs/404.html", 404);
    stand.question.is_read = false;
    expect_file("/x", "404.html", 404);
}

static void files_are_only_read(void **state)
{
    (void)state;
    stand.question.is_read = false;
    assert_int_equal(ask("/about"), SITE_METHOD);
    make_site("a.wasm", "", NULL, 0);
    assert_int_equal(ask("/about"), SITE_PASS);
}

static void what_is_no_file_is_the_functions(void **state)
{
    (void)state;
    make_site("a.wasm", "index.html", NULL, 0);
    expect_file("/about", "about.html", 200);
    assert_int_equal(ask("/x"), SITE_PASS);
    assert_int_equal(ask("/%00"), SITE_PASS);
    stand.question.opens_page = true;
    expect_file("/x", "index.html", 200);
    stand.question.is_read = false;
    assert_int_equal(ask("/x"), SITE_PASS);
}

static void a_page_answers_all_that_is_not_there(void **state)
{
    (void)state;
    make_site("", "page.html", NULL, 0);
    expect_file("/any/where", "page.html", 200);
    expect_file("/docs/x", "page.html", 200);
    assert_int_equal(ask("/%00"), SITE_NOT_FOUND);
}

static void the_coding_that_a_client_wants_most_is_taken(void **state)
{
    (void)state;
    expect_file("/app.js", "app.js", 200);
    assert_true(stand.answer.varies);
    assert_null(stand.answer.encoding);
    stand.question.accept_encoding = bytes_of_text("gzip, br, zstd");
    expect_file("/app.js", "app.js.br", 200);
    assert_string_equal(stand.answer.encoding->coding, "br");
    assert_true(bytes_equal_text(stand.answer.name, "app.js"));
    stand.question.accept_encoding = bytes_of_text("gzip, br;q=0.5");
    expect_file("/app.js", "app.js.gz", 200);
    stand.question.accept_encoding = bytes_of_text("zstd");
    expect_file("/app.js", "app.js", 200);
    expect_file("/about", "about.html", 200);
    assert_false(stand.answer.varies);
}

static void rules_lead_elsewhere_before_files_and_to_files_after_them(void **state)
{
    (void)state;
    const struct bytes rules[] = {bytes_of_text("/about /docs/ 301"),
                                  bytes_of_text("/old/* /docs/:splat"),
                                  bytes_of_text("/x/* https://h.example/:splat?a=b 308"),
                                  bytes_of_text("/app.js /page.html 200"),
                                  bytes_of_text("/api/* /about.html 200"),
                                  bytes_of_text("/gone/* /nothing 200"),
                                  bytes_of_text("/loop/* /loop/:splat 302"),
                                  bytes_of_text("/* /page 200")};
    make_site("", "", rules, COUNT_OF(rules));
    expect_location("/about", "/docs/", 301);
    expect_location("/old/a%2Fb?q", "/docs/a/b?q", 302);
    expect_location("/x/y?q", "https://h.example/y?a=b", 308);
    expect_file("/app.js", "app.js", 200);
    expect_file("/api/v1", "about.html", 200);
    expect_file("/gone/x", "404.html", 404); /* the first that fits, even if it fits nothing */
    expect_file("/loop/x", "page.html", 200);
    expect_file("/else", "page.html", 200);
    stand.question.prefix = bytes_of_text("/f/acme/site");
    expect_location("/about", "/f/acme/site/docs/", 301);
    expect_location("/x/y", "https://h.example/y?a=b", 308);
}

static void rules_of_headers_come_in_their_order(void **state)
{
    (void)state;
    const struct bytes rules[] = {bytes_of_text("/* A: 1"), bytes_of_text("/docs/* B: 2"),
                                  bytes_of_text("/ C: 3")};
    struct deploy_site_header header;
    uint32_t at = 0;
    stand.manifest.assets.headers = (struct deploy_texts){.rows = rules, .count = 3};
    assert_true(site_make(&stand.entry, &stand.arena, &stand.site));
    assert_true(site_next_header(&stand.site, bytes_of_text("/docs/x"), &at, &header));
    assert_true(bytes_equal_text(header.name, "A"));
    assert_true(site_next_header(&stand.site, bytes_of_text("/docs/x"), &at, &header));
    assert_true(bytes_equal_text(header.name, "B"));
    assert_false(site_next_header(&stand.site, bytes_of_text("/docs/x"), &at, &header));
    at = 0;
    assert_false(site_next_header(&stand.site, bytes_make(NULL, 0), &at, &header));
}

static void names_that_are_too_long_are_nobodys(void **state)
{
    (void)state;
    static char uri[2 * DEPLOY_FILE_NAME_BYTES_MAX];
    memset(uri, 'a', sizeof(uri) - 1);
    uri[0] = '/';
    expect_file(uri, "404.html", 404);
    for (size_t i = 1; i + 1 < sizeof(uri); i += 2)
        uri[i] = '/';
    expect_file(uri, "404.html", 404);
}

static void without_room_nothing_is_answered(void **state)
{
    (void)state;
    struct arena small;
    struct site site;
    arena_init(&small, 8);
    assert_false(site_make(&stand.entry, &small, &site));
    stand.question.uri = bytes_of_text("/about/about/about");
    site_resolve(&stand.site, &stand.question, &small, &stand.answer);
    assert_int_equal(stand.answer.step, SITE_NO_MEMORY);
    arena_done(&small);
    stand.entry.assets.count--;
    assert_false(site_make(&stand.entry, &stand.arena, &site));
}

#define SITE_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

UNIT
{
    const struct CMUnitTest tests[] = {
        SITE_TEST(a_path_is_a_file_or_a_page_or_a_folder),
        SITE_TEST(no_path_leads_out),
        SITE_TEST(the_nearest_page_says_that_nothing_is_there),
        SITE_TEST(files_are_only_read),
        SITE_TEST(what_is_no_file_is_the_functions),
        SITE_TEST(a_page_answers_all_that_is_not_there),
        SITE_TEST(the_coding_that_a_client_wants_most_is_taken),
        SITE_TEST(rules_lead_elsewhere_before_files_and_to_files_after_them),
        SITE_TEST(rules_of_headers_come_in_their_order),
        SITE_TEST(names_that_are_too_long_are_nobodys),
        SITE_TEST(without_room_nothing_is_answered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
