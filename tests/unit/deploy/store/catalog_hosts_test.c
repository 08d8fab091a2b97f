/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where hosts lead, as workers read it. The store is closed before, because an environment is open
 * once in a process.
 */
#include "deploy/generation.h"
#include "deploy/lmdb/lmdb_reading.h"
#include "tests/unit/deploy/fixture.h"

#define MAP_BYTES (4ULL << 20)

static struct fixture fixture;
static struct generation generation;
static struct deploy_catalog *catalog;
static struct arena arena;
static struct deploy_host host;

static int setup(void **state)
{
    (void)state;
    uint32_t version;
    fixture_init(&fixture);
    assert_int_equal(generation_create(fixture.dir, NULL, &generation), STATUS_OK);
    fixture_open_store(&fixture, MAP_BYTES);
    assert_int_equal(fixture_add(&fixture, "acme", "api", bytes_of_text("m"), &version), STATUS_OK);
    assert_int_equal(fixture_add(&fixture, "evil", "web", bytes_of_text("m"), &version), STATUS_OK);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    deploy_catalog_close(catalog);
    catalog = NULL;
    arena_done(&arena);
    generation_close(&generation);
    fixture_done(&fixture);
    return 0;
}

static void set_domain(const char *tenant, const char *name, const char *function, bool proven)
{
    const struct store_domain_order order = {.tenant = bytes_of_text(tenant),
                                             .host = bytes_of_text(name),
                                             .function = bytes_of_text(function),
                                             .challenge = "",
                                             .by_operator = proven};
    assert_int_equal(store_set_domain(fixture.store, &order, NULL), STATUS_OK);
}

static void set_route(const char *name, const char *path)
{
    const struct store_route route = {
        .target = fixture_target("acme", "api"),
        .id = bytes_of_text("x"),
        .route = {.host = bytes_of_text(name), .path = bytes_of_text(path)}};
    assert_int_equal(store_set_route(fixture.store, &route, NULL), STATUS_OK);
}

static void open_catalog(void)
{
    static struct lmdb_reading reading;
    struct report report = REPORT_INIT;
    fixture_close_store(&fixture);
    assert_int_equal(deploy_catalog_open(fixture.dir, MAP_BYTES, &reading, &report, &catalog),
                     STATUS_OK);
}

static enum status find(const char *name)
{
    struct report report = REPORT_INIT;
    arena_done(&arena);
    arena_init(&arena, 65536);
    return deploy_catalog_host(catalog, bytes_of_text(name), &arena, &report, &host);
}

static void a_domain_leads_behind_the_routes_of_its_host(void **state)
{
    (void)state;
    set_domain("acme", "a.example", "api", true);
    set_route("a.example", "/v1");
    open_catalog();
    assert_int_equal(find("a.example"), STATUS_OK);
    assert_true(bytes_equal_text(host.tenant, "acme"));
    assert_int_equal(host.route_count, 2);
    assert_true(bytes_equal_text(host.routes[0].path, "/v1"));
    assert_true(bytes_equal_text(host.routes[1].path, ""));
    assert_true(bytes_equal_text(host.routes[1].function, "api"));
    assert_int_equal(host.routes[1].methods, 0);
}

static void a_star_leads_where_the_host_itself_is_nobodys(void **state)
{
    (void)state;
    set_domain("acme", "*.a.example", "api", true);
    set_domain("evil", "x.a.example", "", true);
    set_domain("evil", "y.a.example", "web", false);
    open_catalog();
    assert_int_equal(find("w.a.example"), STATUS_OK);
    assert_true(bytes_equal_text(host.tenant, "acme"));
    assert_int_equal(host.route_count, 1);
    /* Another tenant's, though nothing leads from it. */
    assert_int_equal(find("x.a.example"), STATUS_OK);
    assert_true(bytes_equal_text(host.tenant, "evil"));
    assert_int_equal(host.route_count, 0);
    /* Asked for is not had. */
    assert_int_equal(find("y.a.example"), STATUS_OK);
    assert_true(bytes_equal_text(host.tenant, "acme"));
    static const char *const none[] = {"a.example", "z.w.a.example", "example", "*.example", "*"};
    for (size_t i = 0; i < COUNT_OF(none); i++)
        assert_int_equal(find(none[i]), STATUS_NOT_FOUND);
}

static void a_damaged_domain_is_told(void **state)
{
    (void)state;
    fixture_put_raw(&fixture, "domain", bytes_of_text("a.example"), bytes_of_text("x"));
    fixture_open_store(&fixture, MAP_BYTES);
    open_catalog();
    assert_int_not_equal(find("a.example"), STATUS_OK);
    assert_int_not_equal(find("a.example"), STATUS_NOT_FOUND);
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_domain_leads_behind_the_routes_of_its_host, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_star_leads_where_the_host_itself_is_nobodys, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_damaged_domain_is_told, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
