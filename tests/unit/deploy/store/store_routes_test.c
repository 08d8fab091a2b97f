/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Routes in the store: those of calls, those of manifests, and who may have a host.
 */
#include <stdio.h>

#include "deploy/store/records.h"
#include "deploy/store/store.h"
#include "tests/unit/deploy/fixture.h"

#define MAP_BYTES (4ULL << 20)

static struct fixture fixture;
static struct report report;

static int setup(void **state)
{
    (void)state;
    fixture_init(&fixture);
    fixture_open_store(&fixture, MAP_BYTES);
    uint32_t version;
    assert_int_equal(fixture_add(&fixture, "acme", "api", bytes_of_text("m"), &version), STATUS_OK);
    assert_int_equal(fixture_add(&fixture, "acme", "web", bytes_of_text("m"), &version), STATUS_OK);
    assert_int_equal(fixture_add(&fixture, "evil", "api", bytes_of_text("m"), &version), STATUS_OK);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    fixture_done(&fixture);
    return 0;
}

static enum status set(const char *tenant,
                       const char *function,
                       const char *id,
                       const char *host,
                       const char *path,
                       uint32_t methods)
{
    const struct store_route route = {
        .target = fixture_target(tenant, function),
        .id = bytes_of_text(id),
        .route = {.host = bytes_of_text(host), .path = bytes_of_text(path), .methods = methods}};
    report = (struct report)REPORT_INIT;
    return store_set_route(fixture.store, &route, &report);
}

static bool print_route(void *context, const struct store_route *route)
{
    return buffer_printf(context, "%.*s=%.*s%.*s:%u ", (int)route->id.count,
                         (const char *)route->id.data, (int)route->route.host.count,
                         (const char *)route->route.host.data, (int)route->route.path.count,
                         (const char *)route->route.path.data, route->route.methods) == STATUS_OK;
}

static void expect_routes(const char *tenant, const char *function, const char *expected)
{
    struct buffer text;
    const struct store_target target = fixture_target(tenant, function);
    buffer_init(&text, 65536);
    report = (struct report)REPORT_INIT;
    if (store_list_routes(fixture.store, &target, print_route, &text, &report) != STATUS_OK)
        fail_msg("%s", report.text);
    assert_int_equal(buffer_append(&text, "", 1), STATUS_OK);
    assert_string_equal((const char *)text.data, expected);
    buffer_done(&text);
}

static void expect_host(const char *host, const char *tenant)
{
    char owner[DEPLOY_NAME_BYTES];
    enum status status = store_get_host(fixture.store, bytes_of_text(host), owner);
    assert_int_equal(status, tenant == NULL ? STATUS_NOT_FOUND : STATUS_OK);
    if (tenant != NULL)
        assert_string_equal(owner, tenant);
}

static enum status deploy(const char *function, const char *manifest, bool activate)
{
    const struct records_content content = {.kind = "wagi", .sha256 = {7}, .artifact_key = {8}};
    const struct store_upload upload = {.target = fixture_target("acme", function),
                                        .content = &content,
                                        .module = bytes_of_text("n"),
                                        .manifest = bytes_of_text(manifest),
                                        .activate = activate};
    uint32_t version;
    report = (struct report)REPORT_INIT;
    return store_add_version(fixture.store, &upload, &report, &version);
}

static enum status delete_route(const char *function, const char *id)
{
    const struct store_target target = fixture_target("acme", function);
    report = (struct report)REPORT_INIT;
    return store_delete_route(fixture.store, &target, bytes_of_text(id), &report);
}

static void a_route_is_set_replaced_and_removed(void **state)
{
    (void)state;
    assert_int_equal(set("acme", "api", "main", "a.b", "/v1", DEPLOY_METHOD_GET), STATUS_OK);
    expect_routes("acme", "api", "main=a.b/v1:1 ");
    expect_host("a.b", "acme");
    assert_int_equal(set("acme", "api", "main", "c.d", "", 0), STATUS_OK);
    expect_routes("acme", "api", "main=c.d:0 ");
    expect_host("a.b", NULL);
    expect_host("c.d", "acme");
    assert_int_equal(delete_route("api", "main"), STATUS_OK);
    expect_routes("acme", "api", "");
    expect_host("c.d", NULL);
    assert_int_equal(delete_route("api", "main"), STATUS_NOT_FOUND);
    assert_string_equal(report.text, "the function has no route `main`");
    assert_int_equal(set("acme", "nosuch", "main", "c.d", "", 0), STATUS_NOT_FOUND);
    assert_int_equal(delete_route("nosuch", "main"), STATUS_NOT_FOUND);
}

static void a_host_is_of_one_tenant_until_its_last_route_goes(void **state)
{
    (void)state;
    assert_int_equal(set("acme", "api", "main", "a.b", "/v1", 0), STATUS_OK);
    assert_int_equal(set("acme", "web", "main", "a.b", "", 0), STATUS_OK);
    assert_int_equal(set("evil", "api", "main", "a.b", "/login", 0), STATUS_CONFLICT);
    assert_string_equal(report.text, "host a.b is another tenant's");
    expect_routes("evil", "api", "");
    assert_int_equal(delete_route("api", "main"), STATUS_OK);
    assert_int_equal(set("evil", "api", "main", "a.b", "/login", 0), STATUS_CONFLICT);
    assert_int_equal(delete_route("web", "main"), STATUS_OK);
    assert_int_equal(set("evil", "api", "main", "a.b", "/login", 0), STATUS_OK);
}

static void the_same_route_leads_to_one_function(void **state)
{
    (void)state;
    assert_int_equal(set("acme", "api", "main", "a.b", "/v1", DEPLOY_METHOD_GET), STATUS_OK);
    assert_int_equal(set("acme", "web", "x", "a.b", "/v1", DEPLOY_METHOD_PUT), STATUS_OK);
    assert_int_equal(set("acme", "web", "y", "a.b", "/v1", 0), STATUS_CONFLICT);
    assert_non_null(strstr(report.text, "a.b/v1/* leads to function "));
    assert_int_equal(set("acme", "api", "main", "a.b", "/v1", DEPLOY_METHOD_PUT), STATUS_CONFLICT);
    assert_string_equal(report.text, "a.b/v1/* leads to function web already (route x)");
    /* Nothing of what was refused is left, and nothing of what was there is gone. */
    expect_routes("acme", "api", "main=a.b/v1:1 ");
    expect_routes("acme", "web", "x=a.b/v1:8 ");
}

static void the_active_versions_manifest_brings_its_routes(void **state)
{
    (void)state;
    const struct store_target target = fixture_target("acme", "api");
    assert_int_equal(set("acme", "api", "main", "a.b", "/v1", 0), STATUS_OK);
    assert_int_equal(deploy("api", "{\"routes\":[{\"host\":\"m.n\"},{\"host\":\"a.b\"}]}", true),
                     STATUS_OK);
    expect_routes("acme", "api", "main=a.b/v1:0 manifest-1=m.n:0 manifest-2=a.b:0 ");
    assert_int_equal(deploy("api", "{\"routes\":[{\"host\":\"o.p\"}]}", false), STATUS_OK);
    expect_host("o.p", NULL);
    assert_int_equal(store_activate(fixture.store, &target, 3, &report), STATUS_OK);
    expect_routes("acme", "api", "main=a.b/v1:0 manifest-1=o.p:0 ");
    expect_host("m.n", NULL);
    assert_int_equal(store_activate(fixture.store, &target, 1, &report), STATUS_OK);
    expect_routes("acme", "api", "main=a.b/v1:0 ");
    expect_host("o.p", NULL);
}

static void a_version_whose_route_is_anothers_does_not_become_live(void **state)
{
    (void)state;
    struct store_function function;
    const struct store_target target = fixture_target("acme", "api");
    assert_int_equal(set("evil", "api", "main", "a.b", "", 0), STATUS_OK);
    assert_int_equal(deploy("api", "{\"routes\":[{\"host\":\"m.n\"},{\"host\":\"a.b\"}]}", true),
                     STATUS_CONFLICT);
    expect_host("m.n", NULL);
    assert_int_equal(store_get_function(fixture.store, &target, &report, &function), STATUS_OK);
    assert_int_equal(function.record.active_version, 1);
    assert_int_equal(function.record.version_count, 1);
    assert_int_equal(deploy("api", "{\"routes\":[{\"host\":\"a.b\"}]}", false), STATUS_OK);
    assert_int_equal(store_activate(fixture.store, &target, 2, &report), STATUS_CONFLICT);
}

static void a_removed_function_leaves_no_route(void **state)
{
    (void)state;
    uint32_t count;
    const struct store_target target = fixture_target("acme", "api");
    assert_int_equal(set("acme", "api", "main", "a.b", "/v1", 0), STATUS_OK);
    assert_int_equal(set("acme", "web", "main", "a.b", "", 0), STATUS_OK);
    assert_int_equal(deploy("api", "{\"routes\":[{\"host\":\"m.n\"}]}", true), STATUS_OK);
    assert_int_equal(store_delete_function(fixture.store, &target, &report, &count), STATUS_OK);
    expect_host("m.n", NULL);
    expect_host("a.b", "acme");
    expect_routes("acme", "web", "main=a.b:0 ");
}

static void a_function_and_a_host_have_so_many_routes(void **state)
{
    (void)state;
    char id[16];
    char path[16];
    for (int i = 0; i < STORE_ROUTES_PER_FUNCTION; i++) {
        (void)snprintf(id, sizeof(id), "r%d", i);
        (void)snprintf(path, sizeof(path), "/p%d", i);
        assert_int_equal(set("acme", "api", id, "a.b", path, 0), STATUS_OK);
    }
    assert_int_equal(set("acme", "api", "one-more", "a.b", "/x", 0), STATUS_LIMIT);
    assert_int_equal(set("acme", "api", "r0", "a.b", "/x", 0), STATUS_OK); /* replaced */
    for (int i = STORE_ROUTES_PER_FUNCTION; i <= STORE_ROUTES_PER_HOST; i++) {
        uint32_t version;
        (void)snprintf(id, sizeof(id), "f%d", i);
        (void)snprintf(path, sizeof(path), "/p%d", i);
        assert_int_equal(fixture_add(&fixture, "acme", id, bytes_of_text("m"), &version),
                         STATUS_OK);
        assert_int_equal(set("acme", id, "main", "a.b", path, 0),
                         i == STORE_ROUTES_PER_HOST ? STATUS_LIMIT : STATUS_OK);
    }
}

static void damage_is_told(void **state)
{
    (void)state;
    assert_int_equal(set("acme", "api", "main", "a.b", "/v1", 0), STATUS_OK);
    fixture_put_raw(&fixture, "route", bytes_of_text("a.b"), bytes_of_text("short"));
    fixture_open_store(&fixture, MAP_BYTES);
    assert_int_equal(set("acme", "web", "main", "a.b", "/v2", 0), STATUS_CORRUPT);
    fixture_put_raw(&fixture, "route_of", bytes_make("acme/api\0main", 13), bytes_of_text("x"));
    fixture_open_store(&fixture, MAP_BYTES);
    assert_int_equal(delete_route("api", "main"), STATUS_CORRUPT);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

static void a_record_that_ends_within_a_route_has_no_more(void **state)
{
    (void)state;
    struct {
        struct records_route route;
        char texts[7];
    } whole = {.route = {.path_bytes = 2, .function_bytes = 3, .id_bytes = 2}, .texts = "/awebid"};
    const size_t count = sizeof(whole.route) + sizeof(whole.texts);
    struct records_route_view view;
    for (size_t cut = 0; cut < count; cut++) {
        struct bytes rest = bytes_make(&whole, cut);
        assert_false(records_next_route(&rest, &view));
        assert_int_equal(rest.count, cut);
    }
    struct bytes rest = bytes_make(&whole, count);
    assert_true(records_next_route(&rest, &view));
    assert_true(bytes_equal_text(view.path, "/a") && bytes_equal_text(view.function, "web") &&
                bytes_equal_text(view.id, "id"));
    assert_int_equal(rest.count, 0);
}

UNIT
{
    const struct CMUnitTest tests[] = {
        TEST(a_route_is_set_replaced_and_removed),
        TEST(a_host_is_of_one_tenant_until_its_last_route_goes),
        TEST(the_same_route_leads_to_one_function),
        TEST(the_active_versions_manifest_brings_its_routes),
        TEST(a_version_whose_route_is_anothers_does_not_become_live),
        TEST(a_removed_function_leaves_no_route),
        TEST(a_function_and_a_host_have_so_many_routes),
        TEST(damage_is_told),
        cmocka_unit_test(a_record_that_ends_within_a_route_has_no_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
