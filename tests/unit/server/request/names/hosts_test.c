/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hosts with routes, over a catalog that is a table of this test, and which route a path takes.
 */
#include "server/request/names/hosts.h"
#include "tests/support/unit.h"

struct deploy_catalog {
    uint64_t generation;
    uint32_t lookups;
    enum status status;
    char asked[300];
};

static const struct deploy_host_route routes[] = {
    {{(const uint8_t *)"/v1/x", 5}, {(const uint8_t *)"deep", 4}, 0},
    {{(const uint8_t *)"/v1", 3}, {(const uint8_t *)"reads", 5}, DEPLOY_METHOD_GET},
    {{(const uint8_t *)"/v1", 3}, {(const uint8_t *)"writes", 6}, DEPLOY_METHOD_PUT},
    {{(const uint8_t *)"", 0},
     {(const uint8_t *)"rest", 4},
     DEPLOY_METHOD_GET | DEPLOY_METHOD_POST},
};
static const struct deploy_host host = {
    .tenant = {(const uint8_t *)"acme", 4}, .routes = routes, .route_count = COUNT_OF(routes)};

uint64_t deploy_catalog_generation(const struct deploy_catalog *catalog)
{
    return catalog->generation;
}

enum status deploy_catalog_host(struct deploy_catalog *catalog,
                                struct bytes name,
                                struct arena *arena,
                                struct report *report,
                                struct deploy_host *ret_host)
{
    (void)arena;
    catalog->lookups++;
    memcpy(catalog->asked, name.data, name.count);
    catalog->asked[name.count] = '\0';
    if (catalog->status != STATUS_OK && catalog->status != STATUS_NOT_FOUND)
        return report_fail(report, catalog->status, REPORT_OFFSET_NONE, "said the catalog");
    *ret_host = host;
    return catalog->status;
}

static enum status find(struct hosts *hosts, const char *authority)
{
    const struct deploy_host *found;
    enum status status = hosts_find(hosts, bytes_of_text(authority), NULL, &found);
    if (status == STATUS_OK)
        assert_true(bytes_equal_text(found->tenant, "acme"));
    return status;
}

static void a_host_is_looked_up_once_while_the_generation_stays(void **state)
{
    (void)state;
    struct hosts *hosts;
    struct deploy_catalog catalog = {.generation = 1};
    assert_int_equal(hosts_create(&catalog, &hosts), STATUS_OK);
    static const char *const same[] = {"a.b", "A.B", "a.b:8080", "a.b.", "a.B.:80"};
    for (size_t i = 0; i < COUNT_OF(same); i++)
        assert_int_equal(find(hosts, same[i]), STATUS_OK);
    assert_int_equal(catalog.lookups, 1);
    assert_string_equal(catalog.asked, "a.b");
    catalog.generation++;
    catalog.status = STATUS_NOT_FOUND;
    for (size_t i = 0; i < COUNT_OF(same); i++)
        assert_int_equal(find(hosts, same[i]), STATUS_NOT_FOUND);
    assert_int_equal(catalog.lookups, 2);
    catalog.generation++;
    catalog.status = STATUS_OK;
    assert_int_equal(find(hosts, "a.b"), STATUS_OK);
    hosts_free(hosts);
}

static void what_cannot_be_told_now_is_asked_again(void **state)
{
    (void)state;
    struct hosts *hosts;
    struct deploy_catalog catalog = {.generation = 1, .status = STATUS_IO};
    assert_int_equal(hosts_create(&catalog, &hosts), STATUS_OK);
    assert_int_equal(find(hosts, "a.b"), STATUS_IO);
    assert_int_equal(find(hosts, "a.b"), STATUS_IO);
    catalog.status = STATUS_OK;
    assert_int_equal(find(hosts, "a.b"), STATUS_OK);
    assert_int_equal(catalog.lookups, 3);
    hosts_free(hosts);
}

static void what_can_be_no_host_is_not_looked_up(void **state)
{
    (void)state;
    struct hosts *hosts;
    char longest[260];
    struct deploy_catalog catalog = {.generation = 1};
    memset(longest, 'a', sizeof(longest));
    assert_int_equal(hosts_create(&catalog, &hosts), STATUS_OK);
    longest[254] = '\0';
    assert_int_equal(find(hosts, longest), STATUS_NOT_FOUND);
    assert_int_equal(find(hosts, ""), STATUS_NOT_FOUND);
    assert_int_equal(find(hosts, ":80"), STATUS_NOT_FOUND);
    assert_int_equal(catalog.lookups, 0);
    longest[253] = '\0';
    assert_int_equal(find(hosts, longest), STATUS_OK);
    hosts_free(hosts);
}

static void the_longest_prefix_of_whole_segments_wins(void **state)
{
    (void)state;
    static const struct {
        const char *method;
        const char *path;
        const char *function; /* NULL: none */
        const char *matched;
        const char *rest;
        bool slash_missing;
    } rows[] = {
        {"GET", "/v1/x", "deep", "/v1/x", "", true},
        {"BREW", "/v1/x/y?z", "deep", "/v1/x", "/y?z", false},
        {"GET", "/v1/xy", "reads", "/v1", "/xy", false},
        {"HEAD", "/v1", "reads", "/v1", "", true},
        {"GET", "/v1?q", "reads", "/v1", "?q", true},
        {"PUT", "/v1/a", "writes", "/v1", "/a", false},
        {"POST", "/v1/a", "rest", "", "/v1/a", false},
        {"GET", "/v10", "rest", "", "/v10", false},
        {"GET", "/", "rest", "", "/", false},
        {"DELETE", "/", NULL, NULL, NULL, false},
        {"PUT", "/v", NULL, NULL, NULL, false},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct route_target target = {0};
        bool found =
            hosts_match(&host, bytes_of_text(rows[i].path), bytes_of_text(rows[i].method), &target);
        assert_true(found == (rows[i].function != NULL));
        if (!found)
            continue;
        assert_string_equal(target.tenant.text, "acme");
        assert_string_equal(target.function.text, rows[i].function);
        assert_true(bytes_equal_text(target.matched, rows[i].matched));
        assert_true(bytes_equal_text(target.rest, rows[i].rest));
        assert_true(target.slash_missing == rows[i].slash_missing);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_host_is_looked_up_once_while_the_generation_stays),
        cmocka_unit_test(what_cannot_be_told_now_is_asked_again),
        cmocka_unit_test(what_can_be_no_host_is_not_looked_up),
        cmocka_unit_test(the_longest_prefix_of_whole_segments_wins),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
