/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The cache of names, over a catalog that is a table of this test.
 */
#include <stdio.h>

#include "server/request/names/directory.h"
#include "tests/support/unit.h"

struct deploy_catalog {
    uint64_t generation;
    uint32_t version;  /* of every function; 0: there is none */
    bool has_variants; /* what has a dash in it is no function */
    uint32_t lookups;
    uint32_t reuse_requests;
    uint32_t cpu_share;
    uint64_t native;
    uint64_t created_ns;
    struct bytes files;
    const struct deploy_manifest *manifest; /* NULL: none */
};

/* The pool: who has an account has this one. */
struct isolate_tenant {
    struct isolate_budget budget;
};
static struct isolate_tenant account;

void isolate_tenant_unref(struct isolate_tenant *tenant)
{
    assert_true(tenant == NULL || tenant == &account);
}

struct isolate_budget *isolate_tenant_budget(struct isolate_tenant *tenant)
{
    return &tenant->budget;
}

enum status deploy_blob_open(const char *data_dir,
                             struct bytes tenant,
                             const uint8_t sha256[DEPLOY_SHA256_BYTES],
                             struct report *report,
                             int *ret_fd)
{
    assert_string_equal(data_dir, "/nonexistent");
    assert_true(bytes_equal_text(tenant, "acme"));
    *ret_fd = sha256[0];
    return sha256[0] == 7 ? STATUS_OK : report_fail(report, STATUS_IO, REPORT_OFFSET_NONE, "none");
}

uint64_t deploy_catalog_generation(const struct deploy_catalog *catalog)
{
    return catalog->generation;
}

enum status deploy_catalog_lookup(struct deploy_catalog *catalog,
                                  const struct deploy_catalog_name *name,
                                  struct arena *arena,
                                  struct report *report,
                                  struct deploy_catalog_entry *ret_entry)
{
    static const struct deploy_manifest nothing;
    catalog->lookups++;
    bool is_variant = memchr(name->function.data, '-', name->function.count) != NULL;
    if (catalog->version == 0 || (catalog->has_variants && is_variant))
        return report_fail(report, STATUS_NOT_FOUND, REPORT_OFFSET_NONE, "none");
    *ret_entry = (struct deploy_catalog_entry){
        .version = catalog->version,
        .reuse_requests = catalog->reuse_requests,
        .limits = {.cpu_share = catalog->cpu_share, .native = catalog->native},
        .created_ns = catalog->created_ns,
        .files = catalog->files,
        .manifest = &nothing};
    if (catalog->manifest != NULL) {
        struct deploy_manifest *copy = ARENA_NEW(arena, struct deploy_manifest);
        assert_non_null(copy);
        *copy = *catalog->manifest;
        ret_entry->manifest = copy;
        ret_entry->environment = copy->env;
    }
    if (name->variant.count > 0)
        ret_entry->version = (uint32_t)(name->variant.data[1] - '0');
    memcpy(ret_entry->tenant, name->tenant.data, name->tenant.count);
    memcpy(ret_entry->function, name->function.data, name->function.count);
    return STATUS_OK;
}

#define CPU_SHARE 7 /* of tenants that have none of their own */

static struct directory *make(struct deploy_catalog *catalog)
{
    struct directory *directory;
    *catalog = (struct deploy_catalog){.generation = 1, .version = 1};
    assert_int_equal(directory_create(catalog, "/nonexistent", CPU_SHARE, &directory), STATUS_OK);
    return directory;
}

static struct route_target target_of(const char *tenant, const char *function)
{
    struct route_target target;
    char host[160];
    (void)snprintf(host, sizeof(host), "%s.%s.d", function, tenant);
    assert_int_equal(
        route_parse(bytes_of_text(host), bytes_of_text("/"), bytes_of_text("d"), &target),
        ROUTE_FOUND);
    return target;
}

static struct directory_function *
find(struct directory *directory, const char *tenant, const char *function)
{
    struct directory_function *found = NULL;
    struct report report = REPORT_INIT;
    struct route_target target = target_of(tenant, function);
    assert_int_equal(directory_find(directory, &target, &report, &found), STATUS_OK);
    return found;
}

static void a_name_is_looked_up_once_while_the_generation_stays(void **state)
{
    (void)state;
    struct deploy_catalog catalog;
    struct directory *directory = make(&catalog);
    for (int i = 0; i < 3; i++) {
        struct directory_function *function = find(directory, "t", "f");
        assert_true(bytes_equal_text(function->version, "v1"));
        assert_true(bytes_equal_text(function->key, "t/f"));
        assert_int_equal(function->is_new, i == 0);
        directory_release(function);
    }
    assert_int_equal(catalog.lookups, 1);
    directory_free(directory);
}

static void a_functions_environment_goes_to_guests_as_it_is(void **state)
{
    (void)state;
    static const struct deploy_variable rows[] = {{{(const uint8_t *)"A=1", 3}, 1},
                                                  {{(const uint8_t *)"BC=two", 6}, 2}};
    const struct deploy_manifest manifest = {.env = {.rows = rows, .count = COUNT_OF(rows)}};
    struct deploy_catalog catalog;
    struct directory *directory = make(&catalog);
    catalog.manifest = &manifest;
    struct directory_function *function = find(directory, "t", "f");
    assert_int_equal(function->environment.count, 2);
    const struct hostapi_variable *pair = &function->environment.pairs[1];
    assert_true(bytes_equal_text(hostapi_variable_name(pair), "BC"));
    assert_true(bytes_equal_text(hostapi_variable_value(pair), "two"));
    directory_release(function);
    directory_free(directory);
}

static void a_functions_files_go_to_guests_by_name(void **state)
{
    (void)state;
    uint8_t hashes[2][DEPLOY_SHA256_BYTES] = {{7}, {8}};
    struct deploy_file rows[] = {{.name = bytes_of_text("b"), .sha256 = hashes[1], .size = 2},
                                 {.name = bytes_of_text("a/c"), .sha256 = hashes[0], .size = 1}};
    struct deploy_catalog catalog;
    struct buffer list;
    struct directory *directory = make(&catalog);
    buffer_init(&list, 4096);
    assert_int_equal(deploy_files_write(rows, COUNT_OF(rows), &list, NULL), STATUS_OK);
    catalog.files = buffer_bytes(&list);
    struct directory_function *function = find(directory, "acme", "f");
    const struct hostapi_files *files = &function->files;
    assert_int_equal(files->count, 2);
    assert_true(bytes_equal_text(files->rows[0].name, "a/c"));
    assert_int_equal(files->rows[0].size, 1);
    assert_int_equal(files->open(files->context, &files->rows[0]), 7);
    assert_true(files->open(files->context, &files->rows[1]) < 0);
    directory_release(function);
    catalog.generation++;
    catalog.files = bytes_make(list.data, list.count - 1); /* damaged */
    struct route_target target = target_of("acme", "f");
    assert_int_not_equal(directory_find(directory, &target, NULL, &function), STATUS_OK);
    buffer_done(&list);
    directory_free(directory);
}

static void isolates_with_other_memory_are_others(void **state)
{
    (void)state;
    struct deploy_manifest manifest = {.limits = {.memory_bytes = 65536}};
    struct deploy_catalog catalog;
    struct directory *directory = make(&catalog);
    struct directory_function *plain = find(directory, "t", "f");
    catalog.manifest = &manifest;
    struct directory_function *small = find(directory, "t", "g");
    assert_false(bytes_equal(plain->pool_version, small->pool_version));
    directory_release(plain);
    directory_release(small);
    directory_free(directory);
}

static void isolates_without_native_code_are_others(void **state)
{
    (void)state;
    struct deploy_manifest manifest = {.native = CONFIG_CHOICE_OFF};
    struct deploy_catalog catalog;
    struct directory *directory = make(&catalog);
    struct directory_function *plain = find(directory, "t", "f");
    catalog.manifest = &manifest;
    struct directory_function *threaded = find(directory, "t", "g");
    manifest.native = CONFIG_CHOICE_ON;
    struct directory_function *native = find(directory, "t", "h");
    catalog.native = CONFIG_CHOICE_OFF; /* the tenant's, whatever a version says */
    struct directory_function *bounded = find(directory, "t", "i");
    assert_true(bounded->is_threaded);
    assert_true(bytes_equal(bounded->pool_version, threaded->pool_version));
    directory_release(bounded);
    assert_false(plain->is_threaded);
    assert_true(threaded->is_threaded);
    assert_false(bytes_equal(plain->pool_version, threaded->pool_version));
    assert_true(bytes_equal(plain->pool_version, native->pool_version));
    directory_release(plain);
    directory_release(threaded);
    directory_release(native);
    directory_free(directory);
}

static void a_new_generation_is_seen_by_the_very_next_request(void **state)
{
    (void)state;
    struct deploy_catalog catalog;
    struct directory *directory = make(&catalog);
    struct directory_function *old = find(directory, "t", "f");
    catalog.version = 2;
    catalog.generation++;
    struct directory_function *new = find(directory, "t", "f");
    assert_true(bytes_equal_text(new->version, "v2"));
    assert_true(new->is_new);
    assert_true(bytes_equal_text(old->version, "v1")); /* a request under way keeps its own */
    assert_ptr_equal(old->tenant, new->tenant);
    directory_release(old);
    directory_release(new);
    directory_free(directory);
}

/* Adds what `version` is to the pool, as a generation of its own. */
static void keep_pool_version(struct directory *directory,
                              struct deploy_catalog *catalog,
                              uint32_t version,
                              struct buffer *all)
{
    catalog->version = version;
    catalog->generation++;
    struct directory_function *function = find(directory, "t", "f");
    assert_int_equal(buffer_append(all, function->pool_version.data, function->pool_version.count),
                     STATUS_OK);
    directory_release(function);
}

static void isolates_of_equal_artifacts_are_shared_unless_they_keep_their_memory(void **state)
{
    (void)state;
    struct deploy_catalog catalog;
    struct directory *directory = make(&catalog);
    struct buffer pristine;
    struct buffer kept;
    buffer_init(&pristine, 1000);
    buffer_init(&kept, 1000);
    for (uint32_t version = 1; version <= 2; version++)
        keep_pool_version(directory, &catalog, version, &pristine);
    assert_int_equal(pristine.count, 2 * DEPLOY_SHA256_BYTES);
    assert_memory_equal(pristine.data, pristine.data + DEPLOY_SHA256_BYTES, DEPLOY_SHA256_BYTES);
    catalog.reuse_requests = 10;
    for (uint32_t version = 1; version <= 2; version++)
        keep_pool_version(directory, &catalog, version, &kept);
    catalog.created_ns = 7; /* removed, and made anew */
    keep_pool_version(directory, &catalog, 2, &kept);
    size_t count = DEPLOY_SHA256_BYTES + 12;
    assert_int_equal(kept.count, 3 * count);
    assert_memory_not_equal(kept.data, kept.data + count, count);
    assert_memory_not_equal(kept.data + count, kept.data + 2 * count, count);
    buffer_done(&pristine);
    buffer_done(&kept);
    directory_free(directory);
}

static void a_removed_function_is_not_found_although_it_was_cached(void **state)
{
    (void)state;
    struct deploy_catalog catalog;
    struct directory *directory = make(&catalog);
    directory_release(find(directory, "t", "f"));
    catalog.version = 0;
    catalog.generation++;
    struct route_target target = target_of("t", "f");
    struct directory_function *found;
    struct report report = REPORT_INIT;
    assert_int_equal(directory_find(directory, &target, &report, &found), STATUS_NOT_FOUND);
    directory_free(directory);
}

static void a_version_that_is_asked_for_has_isolates_of_its_own(void **state)
{
    (void)state;
    struct deploy_catalog catalog;
    struct directory *directory = make(&catalog);
    catalog.has_variants = true;
    struct directory_function *active = find(directory, "t", "f");
    struct directory_function *named = find(directory, "t", "v3--f");
    assert_true(bytes_equal_text(named->version, "v3"));
    assert_true(bytes_equal_text(named->name, "f"));
    assert_true(bytes_equal_text(named->key, "t/f@v3"));
    assert_true(bytes_equal_text(active->key, "t/f"));
    struct directory_function *chosen;
    assert_int_equal(directory_find_version(directory, active, 3, &chosen), STATUS_OK);
    assert_ptr_equal(chosen, named);
    assert_false(named->is_new);
    directory_release(chosen);
    directory_release(named);
    directory_release(active);
    static const char *const none[] = {"v3--", "--f", "v3-f"};
    for (size_t i = 0; i < COUNT_OF(none); i++) {
        struct route_target target = target_of("t", none[i]);
        struct directory_function *found;
        assert_int_equal(directory_find(directory, &target, NULL, &found), STATUS_NOT_FOUND);
    }
    directory_free(directory);
}

static void more_names_than_the_cache_holds_are_all_found_and_kept_apart(void **state)
{
    (void)state;
    struct deploy_catalog catalog;
    struct directory *directory = make(&catalog);
    char name[32];
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 20000; i++) {
            (void)snprintf(name, sizeof(name), "f%d", i);
            struct directory_function *function = find(directory, i % 2 ? "a" : "b", name);
            assert_string_equal(function->entry.function, name);
            assert_true(bytes_equal_text(function->tenant->name, i % 2 ? "a" : "b"));
            directory_release(function);
        }
        directory_sweep(directory);
    }
    directory_free(directory);
}

static void a_tenant_lives_while_something_of_it_is_cached_or_used(void **state)
{
    (void)state;
    struct deploy_catalog catalog;
    struct directory *directory = make(&catalog);
    struct directory_function *function = find(directory, "t", "f");
    struct directory_tenant *tenant = function->tenant;
    tenant->schedule.credit_ns = -4242;
    directory_release(function);
    directory_sweep(directory);
    function = find(directory, "t", "g");
    assert_int_equal(function->tenant->schedule.credit_ns, -4242); /* its debt stays */
    directory_release(function);
    directory_free(directory);
}

static void a_tenant_without_a_share_of_its_own_has_the_operators(void **state)
{
    (void)state;
    struct deploy_catalog catalog;
    struct directory *directory = make(&catalog);
    struct directory_function *function = find(directory, "t", "f");
    assert_int_equal(function->tenant->schedule.weight, CPU_SHARE);
    directory_release(function);
    catalog.cpu_share = 3;
    catalog.generation++;
    function = find(directory, "t", "f");
    assert_int_equal(function->tenant->schedule.weight, 3);
    directory_release(function);
    directory_free(directory);
}

struct warm_counts {
    uint32_t functions;
    uint32_t starts;
};

static void add_warm(void *context, const struct directory_function *function, uint32_t count)
{
    struct warm_counts *counts = context;
    assert_true(function->references > 0);
    counts->functions++;
    counts->starts += count;
}

static void warm_starts_are_counted_until_they_are_taken_also_of_what_left_the_cache(void **state)
{
    (void)state;
    struct deploy_catalog catalog;
    struct directory *directory = make(&catalog);
    char name[32];
    for (int i = 0; i < 20000; i++) {
        (void)snprintf(name, sizeof(name), "f%d", i);
        struct directory_function *function = find(directory, "t", name);
        directory_count_warm(directory, function);
        directory_count_warm(directory, function);
        directory_release(function);
    }
    directory_sweep(directory);
    struct warm_counts counts = {0};
    directory_take_warm(directory, add_warm, &counts);
    assert_int_equal(counts.functions, 20000);
    assert_int_equal(counts.starts, 40000);
    directory_take_warm(directory, add_warm, &counts);
    assert_int_equal(counts.functions, 20000);
    /* What nobody takes goes with the directory. */
    struct directory_function *function = find(directory, "t", name);
    directory_count_warm(directory, function);
    directory_release(function);
    directory_free(directory);
}

static void a_tenants_functions_that_nobody_uses_can_be_let_go_of(void **state)
{
    (void)state;
    static const struct deploy_manifest manifest;
    struct deploy_catalog catalog;
    struct directory *directory = make(&catalog);
    catalog.manifest = &manifest; /* its arena has something in it */
    struct directory_function *used = find(directory, "t", "used");
    struct directory_function *idle = find(directory, "t", "idle");
    directory_count(used);
    assert_int_equal(account.budget.used_bytes, 0);
    used->tenant->memory = &account;
    directory_count(used);
    /* With what else the function has in its arena. */
    uint64_t one = account.budget.used_bytes;
    assert_true(one >= sizeof(manifest));
    for (int i = 0; i < 2; i++) {
        directory_count(used);
        directory_count(idle);
    }
    assert_int_equal(account.budget.used_bytes, 2 * one);
    directory_release(idle);
    directory_release(find(directory, "other", "f"));
    assert_int_equal(catalog.lookups, 3);
    directory_shed(directory, used->tenant);
    assert_int_equal(account.budget.used_bytes, one);
    directory_release(find(directory, "other", "f"));
    directory_release(find(directory, "t", "used"));
    assert_int_equal(catalog.lookups, 3);
    directory_release(find(directory, "t", "idle"));
    assert_int_equal(catalog.lookups, 4);
    directory_release(used);
    directory_free(directory);
    assert_int_equal(account.budget.used_bytes, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_name_is_looked_up_once_while_the_generation_stays),
        cmocka_unit_test(a_functions_environment_goes_to_guests_as_it_is),
        cmocka_unit_test(a_functions_files_go_to_guests_by_name),
        cmocka_unit_test(isolates_with_other_memory_are_others),
        cmocka_unit_test(isolates_without_native_code_are_others),
        cmocka_unit_test(a_new_generation_is_seen_by_the_very_next_request),
        cmocka_unit_test(isolates_of_equal_artifacts_are_shared_unless_they_keep_their_memory),
        cmocka_unit_test(a_removed_function_is_not_found_although_it_was_cached),
        cmocka_unit_test(a_version_that_is_asked_for_has_isolates_of_its_own),
        cmocka_unit_test(more_names_than_the_cache_holds_are_all_found_and_kept_apart),
        cmocka_unit_test(a_tenant_without_a_share_of_its_own_has_the_operators),
        cmocka_unit_test(warm_starts_are_counted_until_they_are_taken_also_of_what_left_the_cache),
        cmocka_unit_test(a_tenant_lives_while_something_of_it_is_cached_or_used),
        cmocka_unit_test(a_tenants_functions_that_nobody_uses_can_be_let_go_of),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
