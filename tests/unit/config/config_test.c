/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The configuration from every side an operator comes from: quantities, defaults, the
 * environment, the file, and the final check.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "config/config.h"
#include "config/load.h"
#include "config/settings.h"
#include "tests/support/unit.h"
#include "tests/unit/config/fixture.h"

static void quantity_reads_every_documented_form(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum config_unit unit;
        uint64_t value;
    } rows[] = {
        {"100us", CONFIG_UNIT_MICROSECONDS, 100},
        {"10ms", CONFIG_UNIT_MICROSECONDS, 10000},
        {"10s", CONFIG_UNIT_MICROSECONDS, 10000000},
        {"1m", CONFIG_UNIT_MICROSECONDS, 60000000},
        {"1G", CONFIG_UNIT_FUEL, 1000000000},
        {"1000", CONFIG_UNIT_FUEL, 1000},
        {"32KiB", CONFIG_UNIT_BYTES, 32768},
        {"50MiB", CONFIG_UNIT_BYTES, 52428800},
        {"16GiB", CONFIG_UNIT_BYTES, 17179869184},
        {"7", CONFIG_UNIT_BYTES, 7},
        {"auto", CONFIG_UNIT_BYTES_OR_AUTO, 0},
        {"1GiB", CONFIG_UNIT_BYTES_OR_AUTO, 1073741824},
        {"64Ki", CONFIG_UNIT_COUNT, 65536},
        {"20k", CONFIG_UNIT_COUNT, 20000},
        {"256", CONFIG_UNIT_COUNT, 256},
        {"auto", CONFIG_UNIT_CHOICE, CONFIG_CHOICE_AUTO},
        {"off", CONFIG_UNIT_CHOICE, CONFIG_CHOICE_OFF},
        {"on", CONFIG_UNIT_CHOICE, CONFIG_CHOICE_ON},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        uint64_t value = 0;
        assert_true(config_parse_quantity(rows[i].text, rows[i].unit, &value));
        assert_int_equal(value, rows[i].value);
    }
}

static void memory_that_nobody_bounds_is_a_part_of_the_machines(void **state)
{
    (void)state;
    struct config config = {.workers = 1};
    uint64_t alone = config_worker_memory_bytes(&config);
    assert_in_range(alone, 1 << 20, (uint64_t)sysconf(_SC_PHYS_PAGES) * 4096);
    assert_int_equal(config_tenant_memory_bytes(&config), alone / 2);
    config.workers = 4;
    assert_int_equal(config_worker_memory_bytes(&config), alone / 4);
    config.limits.worker_memory = 1000;
    assert_int_equal(config_worker_memory_bytes(&config), 1000);
    assert_int_equal(config_tenant_memory_bytes(&config), 500);
    config.limits.tenant_memory = 900;
    assert_int_equal(config_tenant_memory_bytes(&config), 900);
}

static void descriptors_are_shared_out_between_functions_and_connections(void **state)
{
    (void)state;
    struct config config = {.pool_total = 4000, .limits = {.concurrency = 60, .parked = 40}};
    static const struct {
        uint64_t limit;
        uint32_t artifacts;
        uint32_t connections;
    } rows[] = {
        {0, 0, 0},          {120, 30, 60},        {1024, 256, 512},
        {4096, 1024, 2560}, {65536, 4100, 60924}, {UINT64_MAX, 4100, 100000},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct config_descriptors share = config_share_descriptors(&config, rows[i].limit);
        assert_int_equal(share.artifacts, rows[i].artifacts);
        assert_int_equal(share.connections, rows[i].connections);
    }
}

static void quantity_refuses_wrong_units_signs_and_overflow(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum config_unit unit;
    } rows[] = {
        {"", CONFIG_UNIT_COUNT},
        {"k", CONFIG_UNIT_COUNT},
        {"yes", CONFIG_UNIT_CHOICE},
        {"1", CONFIG_UNIT_CHOICE},
        {"auto", CONFIG_UNIT_BYTES},
        {"-1", CONFIG_UNIT_COUNT},
        {"+1", CONFIG_UNIT_COUNT},
        {" 1", CONFIG_UNIT_COUNT},
        {"1 ", CONFIG_UNIT_COUNT},
        {"1.5s", CONFIG_UNIT_MICROSECONDS},
        {"100", CONFIG_UNIT_MICROSECONDS},
        {"10s", CONFIG_UNIT_BYTES},
        {"1KiB", CONFIG_UNIT_FUEL},
        {"0x10", CONFIG_UNIT_COUNT},
        {"18446744073709551616", CONFIG_UNIT_COUNT},
        {"18446744073709551615k", CONFIG_UNIT_COUNT},
        {"16777216TiB", CONFIG_UNIT_BYTES},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        uint64_t value = 77;
        assert_false(config_parse_quantity(rows[i].text, rows[i].unit, &value));
        assert_int_equal(value, 77);
    }
}

static void quantity_text_reads_back_as_the_same_value(void **state)
{
    (void)state;
    static const uint64_t values[] = {0,        1,          999,       1000,
                                      1024,     65536,      1048576,   1000000,
                                      60000000, 3600000000, 123456789, UINT64_MAX};
    for (int unit = CONFIG_UNIT_BYTES; unit <= CONFIG_UNIT_COUNT; unit++) {
        for (size_t i = 0; i < COUNT_OF(values); i++) {
            char text[CONFIG_QUANTITY_BYTES];
            uint64_t value = 7;
            config_format_quantity(values[i], (enum config_unit)unit, text);
            assert_true(config_parse_quantity(text, (enum config_unit)unit, &value));
            assert_int_equal(value, values[i]);
        }
    }
}

static void defaults_are_what_the_tables_say(void **state)
{
    (void)state;
    struct config config = config_made();
    assert_string_equal(config.data_dir, "/data");
    assert_int_equal(config.listen_count, 1);
    assert_string_equal(config.listen[0], "127.0.0.1:8080");
    assert_string_equal(config.domain, "localhost");
    assert_int_equal(config.limits.fuel, 1000000000);
    assert_int_equal(config.limits.module, 50 << 20);
    assert_int_equal(config.pool_idle_us, 60000000);
    assert_true(config.workers >= 1);
}

static void defaults_follow_the_xdg_directories(void **state)
{
    (void)state;
    struct config config;
    struct report report = REPORT_INIT;
    assert_int_equal(unsetenv("SKERRY_DATA_DIR"), 0);
    assert_int_equal(unsetenv("INVOCATION_ID"), 0);
    assert_int_equal(setenv("XDG_DATA_HOME", "/xdg", 1), 0);
    assert_int_equal(config_defaults(&config, &report), STATUS_OK);
    assert_string_equal(config.data_dir, "/xdg/skerry");
    assert_int_equal(unsetenv("XDG_DATA_HOME"), 0);
    assert_int_equal(setenv("HOME", "/home/x", 1), 0);
    assert_int_equal(config_defaults(&config, &report), STATUS_OK);
    assert_string_equal(config.data_dir, "/home/x/.local/share/skerry");
    assert_int_equal(unsetenv("HOME"), 0);
    assert_int_equal(config_defaults(&config, &report), STATUS_CONFIG);
    assert_non_null(strstr(report.text, "--data"));
}

static void file_sets_every_kind_of_key(void **state)
{
    (void)state;
    struct config config = config_made();
    struct report report = REPORT_INIT;
    const char *text = "listen: [\"http://127.0.0.1:9000\", 'http://[::1]:9001/']\n"
                       "admin: { socket: a.sock, listen: \"127.0.0.1:8090\" }\n"
                       "domain: example.org\n"
                       "workers: 3\n"
                       "limits: { fuel: 2G, slice: 200us,\n"
                       "          module: 1MiB }\n"
                       "pool: { per_function: 8, total: 100, idle: 5s }\n"
                       "store: { map_size: 1GiB }\n";
    assert_int_equal(load_text(&config, bytes_of_text(text), "skerry.yaml", &report), STATUS_OK);
    assert_int_equal(config.listen_count, 2);
    assert_string_equal(config.listen[0], "127.0.0.1:9000");
    assert_string_equal(config.listen[1], "[::1]:9001");
    assert_string_equal(config.admin_listen, "127.0.0.1:8090");
    assert_string_equal(config.domain, "example.org");
    assert_int_equal(config.workers, 3);
    assert_int_equal(config.limits.fuel, 2000000000);
    assert_int_equal(config.limits.slice, 200);
    assert_int_equal(config.limits.module, 1 << 20);
    assert_int_equal(config.pool_per_function, 8);
    assert_int_equal(config.pool_idle_us, 5000000);
    assert_int_equal(config.store_map_bytes, 1 << 30);
    assert_int_equal(config_check(&config, &report), STATUS_OK);
    assert_string_equal(config.admin_socket, "/data/a.sock");
}

static void a_file_with_the_defaults_changes_nothing(void **state)
{
    (void)state;
    struct config config = config_made();
    const struct config before = config;
    struct report report = REPORT_INIT;
    const char *text =
        "listen: [\"http://127.0.0.1:8080\"]\n"
        "admin: { socket: admin.sock, listen: \"\" }\n"
        "domain: localhost\n"
        "workers: auto\n"
        "limits: { fuel: 1G, slice: 100us, cpu_share: 1, wall: 10s, memory: 128MiB, table: 64Ki,\n"
        "          module: 50MiB, body: 10MiB, response: 100MiB, headers: 32KiB, log: 64KiB,\n"
        "          concurrency: 256, queue: 1024, queue_wait: 1s }\n"
        "pool: { per_function: 64, total: 4096, idle: 60s }\n"
        "starts: { functions: 4096 }\n"
        "store: { map_size: 16GiB }\n";
    if (load_text(&config, bytes_of_text(text), "skerry.yaml", &report) != STATUS_OK)
        fail_msg("%s", report.text);
    assert_memory_equal(&config, &before, sizeof(config));
}

static void lists_flags_and_the_public_url_are_read(void **state)
{
    (void)state;
    struct config config = config_made();
    struct report report = REPORT_INIT;
    const char *text = "public_url: https://example.org:8443\n"
                       "trusted_proxies: [10.0.0.0/8, \"::1\"]\n"
                       "access_log: true\n"
                       "store: { versions: 3 }\n"
                       "admin: { host: admin.example.org }\n";
    if (load_text(&config, bytes_of_text(text), "skerry.yaml", &report) != STATUS_OK)
        fail_msg("%s", report.text);
    assert_int_equal(config.trusted_proxy_count, 2);
    assert_int_equal(config.trusted_proxies[0].bits, 96 + 8);
    assert_string_equal(config.public_url, "https://example.org:8443");
    assert_string_equal(config.admin_host, "admin.example.org");
    assert_true(config.access_log);
    assert_int_equal(config.store_versions, 3);
    assert_int_equal(config_check(&config, &report), STATUS_OK);
    /* A second file's list is instead of the first's. */
    assert_int_equal(load_text(&config, bytes_of_text("trusted_proxies: []\n"), "x", &report),
                     STATUS_OK);
    assert_int_equal(config.trusted_proxy_count, 0);
}

static void a_public_url_is_scheme_name_and_port(void **state)
{
    (void)state;
    static const char *const bad[] = {"example.org",        "ftp://example.org", "https://",
                                      "https://a/",         "https://a.b/c",     "https://A.b",
                                      "https://u@a.b",      "https://a.b:",      "https://a.b:x",
                                      "https://a.b:123456", "https://a.b?c",     "https://.a"};
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        struct config config = config_made();
        struct report report = REPORT_INIT;
        (void)snprintf(config.public_url, sizeof(config.public_url), "%s", bad[i]);
        assert_int_equal(config_check(&config, &report), STATUS_CONFIG);
        assert_non_null(strstr(report.text, "public_url"));
    }
}

static void a_node_has_the_machines_name_unless_it_is_given_one(void **state)
{
    (void)state;
    struct config config = config_made();
    struct report report = REPORT_INIT;
    assert_int_equal(config_check(&config, &report), STATUS_OK);
    assert_int_not_equal(config.node[0], '\0');
    assert_int_equal(load_text(&config, bytes_of_text("node: edge-1\n"), "x", &report), STATUS_OK);
    assert_int_equal(config_check(&config, &report), STATUS_OK);
    assert_string_equal(config.node, "edge-1");
    (void)strcpy(config.node, "edge 1");
    assert_int_equal(config_check(&config, &report), STATUS_CONFIG);
    assert_non_null(strstr(report.text, "node"));
}

static void empty_file_changes_nothing(void **state)
{
    (void)state;
    static const char *const texts[] = {"", "# only a comment\n", "limits:\n", "---\n"};
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        struct config config = config_made();
        const struct config before = config;
        struct report report = REPORT_INIT;
        assert_int_equal(load_text(&config, bytes_of_text(texts[i]), "x", &report), STATUS_OK);
        assert_memory_equal(&config, &before, sizeof(config));
    }
}

static void unknown_key_names_file_line_and_nearest_key(void **state)
{
    (void)state;
    assert_load_fails("domain: x\nworkerz: 2\n",
                      "skerry.yaml:2:1: unknown key `workerz`; did you mean `workers`?");
    assert_load_fails(
        "limits:\n  fuel: 1G\n  memroy: 1MiB\n",
        "skerry.yaml:3:3: unknown key `limits.memroy`; did you mean `limits.memory`?");
    assert_load_fails("limit:\n  fuel: 1G\n", "did you mean `limits`?");
    assert_load_fails("fuel: 1G\n", "unknown key `fuel`; did you mean `limits.fuel`?");
    assert_load_fails("fule: 1G\n", "unknown key `fule`; did you mean `limits.fuel`?");
    assert_load_fails("idel: 1s\n", "unknown key `idel`; did you mean `pool.idle`?");
    assert_load_fails("fued: 1G\n", "unknown key `fued`; did you mean `limits.fuel`?");
    assert_load_fails("zule: 1G\n", "unknown key `zule`; `skerry help config` lists all");
    assert_load_fails("xylophone: x\n", "unknown key `xylophone`; `skerry help config` lists all");
    assert_load_fails("limits: { memory: 128MB }\n",
                      "limits.memory: `128MB` is no whole number with a unit of B, KiB, MiB, GiB, "
                      "TiB, like 4GiB");
    assert_load_fails("access_log: yes\n", "access_log: `yes` is neither true nor false");
    assert_load_fails("trusted_proxies: [10.0.0.1/8]\n",
                      "trusted_proxies: `10.0.0.1/8` is no network");
}

static void wrong_values_name_the_key_and_the_range(void **state)
{
    (void)state;
    assert_load_fails("limits: { fuel: lots }", "skerry.yaml:1:17: limits.fuel: `lots`");
    assert_load_fails("limits: { slice: 1s }", "between 10us and 100ms");
    assert_load_fails("workers: 0", "workers: `0` must lie between 1 and 256");
    assert_load_fails("listen: here", "numeric address");
    assert_load_fails("listen: { a: b }", "one plain value");
    assert_load_fails("limits: 7", "must be a mapping");
    assert_load_fails("[1, 2]", "must be a mapping");
    assert_load_fails("workers: 1\nworkers: 2\n", "skerry.yaml:2:1: workers is there twice");
    assert_load_fails("workers: [1", "not YAML");
    assert_load_fails("domain: \"a\\0b\"", "one plain value");
    assert_load_fails("? [a]\n: b\n", "a key must be one word");
}

static void keys_that_changed_are_listed_by_name(void **state)
{
    (void)state;
    char names[128];
    const struct config before = config_made();
    struct config after = before;
    config_list_changes(&before, &after, names, sizeof(names));
    assert_string_equal(names, "");
    assert_int_equal(load_text(&after,
                               bytes_of_text("domain: other.example\nlisten: ['127.0.0.1:1']\n"
                                             "limits: { fuel: 7M }\npool: { idle: 3s }\n"),
                               "x", NULL),
                     STATUS_OK);
    config_list_changes(&before, &after, names, sizeof(names));
    assert_string_equal(names, "listen, domain, pool.idle, limits.fuel");
    config_list_changes(&before, &after, names, 22);
    assert_string_equal(names, "listen, domain, ...");
}

static void missing_file_is_a_config_error_that_names_it(void **state)
{
    (void)state;
    struct config config = config_made();
    struct report report = REPORT_INIT;
    assert_int_equal(config_load_file(&config, "/nonexistent/skerry.yaml", &report), STATUS_CONFIG);
    assert_non_null(strstr(report.text, "/nonexistent/skerry.yaml"));
}

static void a_file_that_is_too_large_is_none_of_ours(void **state)
{
    (void)state;
    char path[] = "/tmp/skerry-config-XXXXXX";
    struct config config = config_made();
    struct report report = REPORT_INIT;
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, (2 << 20)), 0);
    assert_int_equal(close(fd), 0);
    assert_int_equal(config_load_file(&config, path, &report), STATUS_CONFIG);
    assert_non_null(strstr(report.text, "not a configuration"));
    assert_int_equal(unlink(path), 0);
}

static void an_empty_variable_is_none(void **state)
{
    (void)state;
    struct config config;
    struct report report = REPORT_INIT;
    assert_int_equal(setenv("SKERRY_DATA_DIR", "", 1), 0);
    assert_int_equal(setenv("XDG_DATA_HOME", "", 1), 0);
    assert_int_equal(setenv("HOME", "/home/x", 1), 0);
    assert_int_equal(config_defaults(&config, &report), STATUS_OK);
    assert_string_equal(config.data_dir, "/home/x/.local/share/skerry");
    assert_int_equal(unsetenv("XDG_DATA_HOME"), 0);
}

static void a_data_directory_must_have_a_name_that_fits(void **state)
{
    (void)state;
    struct config config;
    struct report report = REPORT_INIT;
    char name[CONFIG_PATH_BYTES + 1];
    memset(name, 'd', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    assert_int_equal(setenv("SKERRY_DATA_DIR", name, 1), 0);
    assert_int_equal(config_defaults(&config, &report), STATUS_CONFIG);
    assert_non_null(strstr(report.text, "longer than 255 bytes"));
    config = config_made();
    report = (struct report)REPORT_INIT;
    config.data_dir[0] = '\0';
    assert_int_equal(config_check(&config, &report), STATUS_CONFIG);
    assert_non_null(strstr(report.text, "name is empty"));
    report = (struct report)REPORT_INIT;
    assert_int_equal(chdir("/tmp"), 0);
    (void)snprintf(config.data_dir, sizeof(config.data_dir), "%.255s", name);
    config.admin_socket[0] = '\0';
    assert_int_equal(config_check(&config, &report), STATUS_CONFIG);
    assert_non_null(strstr(report.text, "longer than 255 bytes"));
}

static void check_refuses_numbers_that_contradict_each_other(void **state)
{
    (void)state;
    struct report report = REPORT_INIT;
    struct config config = config_made();
    config.limits.memory = config.limits.build_memory + 1;
    assert_int_equal(config_check(&config, &report), STATUS_CONFIG);
    assert_non_null(strstr(report.text, "limits.build_memory"));
    config = config_made();
    report = (struct report)REPORT_INIT;
    config.pool_per_function = config.pool_total + 1;
    assert_int_equal(config_check(&config, &report), STATUS_CONFIG);
    assert_non_null(strstr(report.text, "pool.per_function"));
}

static void check_wants_addresses_that_are_some(void **state)
{
    (void)state;
    struct report report = REPORT_INIT;
    struct config config = config_made();
    config.listen_count = 0;
    assert_int_equal(config_check(&config, &report), STATUS_CONFIG);
    assert_non_null(strstr(report.text, "no address"));
    config = config_made();
    report = (struct report)REPORT_INIT;
    (void)strcpy(config.listen[0], "here");
    assert_int_equal(config_check(&config, &report), STATUS_CONFIG);
    config = config_made();
    report = (struct report)REPORT_INIT;
    memset(config.domain, 'a', 64);
    config.domain[63] = '\0';
    assert_int_equal(config_check(&config, &report), STATUS_OK);
    config.domain[63] = 'a';
    config.domain[64] = '\0';
    assert_int_equal(config_check(&config, &report), STATUS_CONFIG);
}

static void check_refuses_what_cannot_work(void **state)
{
    (void)state;
    struct config config = config_made();
    struct report report = REPORT_INIT;
    (void)strcpy(config.admin_listen, "0.0.0.0:8090");
    assert_int_equal(config_check(&config, &report), STATUS_CONFIG);
    assert_non_null(strstr(report.text, "loopback"));
    (void)strcpy(config.admin_certificate, "/a/chain.pem /a/key.pem");
    (void)strcpy(config.admin_client_ca, "/a/ca.pem");
    assert_int_equal(config_check(&config, &(struct report)REPORT_INIT), STATUS_OK);
    (void)strcpy(config.admin_client_ca, "ca.pem");
    assert_int_equal(config_check(&config, &(struct report)REPORT_INIT), STATUS_CONFIG);

    config = config_made();
    (void)strcpy(config.admin_client_ca, "/a/ca.pem");
    assert_int_equal(config_check(&config, &(struct report)REPORT_INIT), STATUS_CONFIG);
    config = config_made();
    (void)strcpy(config.admin_certificate, "chain.pem");
    assert_int_equal(config_check(&config, &(struct report)REPORT_INIT), STATUS_CONFIG);

    config = config_made();
    config.limits.slice = 100000;
    config.limits.wall = 1000;
    assert_int_equal(config_check(&config, &(struct report)REPORT_INIT), STATUS_CONFIG);

    config = config_made();
    (void)strcpy(config.domain, "Bad_Domain");
    assert_int_equal(config_check(&config, &(struct report)REPORT_INIT), STATUS_CONFIG);

    config = config_made();
    memset(config.data_dir, 'd', 120);
    config.data_dir[0] = '/';
    config.data_dir[120] = '\0';
    report = (struct report)REPORT_INIT;
    assert_int_equal(config_check(&config, &report), STATUS_CONFIG);
    assert_non_null(strstr(report.text, "--admin-socket"));
}

static void check_makes_a_relative_data_directory_absolute(void **state)
{
    (void)state;
    struct config config = config_made();
    struct report report = REPORT_INIT;
    (void)strcpy(config.data_dir, "d");
    assert_int_equal(chdir("/tmp"), 0);
    assert_int_equal(config_check(&config, &report), STATUS_OK);
    assert_string_equal(config.data_dir, "/tmp/d");
    assert_string_equal(config.admin_socket, "/tmp/d/admin.sock");
}

static void printed_reference_has_every_key_and_loads_as_the_defaults(void **state)
{
    (void)state;
    struct config config = config_made();
    struct report report = REPORT_INIT;
    struct buffer out;
    buffer_init(&out, 1 << 16);
    assert_int_equal(config_print_reference(&out), STATUS_OK);
    struct config again = config;
    again.limits.fuel = 1234567;
    again.pool_total = 7;
    again.workers = 500;
    again.listen_count = 0;
    (void)strcpy(again.domain, "elsewhere");
    assert_int_equal(load_text(&again, buffer_bytes(&out), "printed", &report), STATUS_OK);
    assert_memory_equal(&again, &config, sizeof(config));
    assert_int_equal(buffer_append(&out, "", 1), STATUS_OK);
    const char *text = (const char *)out.data;
    assert_non_null(strstr(text, "\nworkers: auto\n"));
    assert_non_null(strstr(text, "\n  # instructions one request may execute (1k to 1T)\n"
                                 "  fuel: 1G\n"));
    for (size_t i = 0; i < settings_row_count; i++)
        assert_non_null(strstr(text, settings_rows[i].text));
    buffer_done(&out);
}

static void an_address_is_printed_as_it_is_read(void **state)
{
    (void)state;
    static const char *const texts[] = {"127.0.0.1:8080", "255.255.255.255:0", "[::1]:65535",
                                        "[1111:2222:3333:4444:5555:6666:7777:8888]:65535"};
    char text[CONFIG_ADDRESS_BYTES];
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        struct config_address address;
        assert_true(config_address_parse(texts[i], &address));
        const struct sockaddr *any = (const struct sockaddr *)&address.storage;
        assert_int_equal(config_address_print(any, text), strlen(texts[i]));
        assert_string_equal(text, texts[i]);
    }
    const struct sockaddr other = {.sa_family = AF_UNIX};
    assert_int_equal(config_address_print(&other, text), 0);
    assert_string_equal(text, "");
}

static void address_reads_v4_and_v6_and_knows_loopback(void **state)
{
    (void)state;
    struct config_address address;
    assert_true(config_address_parse("127.0.0.1:80", &address));
    assert_true(address.loopback);
    assert_int_equal(address.port, 80);
    assert_true(config_address_parse("[::1]:65535", &address));
    assert_true(address.loopback);
    assert_true(config_address_parse("10.0.0.1:1", &address));
    assert_false(address.loopback);
    static const char *const bad[] = {"127.0.0.1", ":80",        "localhost:80",
                                      "::1:80",    "[::1]",      "1.2.3.4:70000",
                                      "1.2.3.4:",  "1.2.3.4:8x", "[1.2.3.4]:8"};
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        assert_false(config_address_parse(bad[i], &address));
}

static void listeners_may_speak_tls(void **state)
{
    (void)state;
    char listen[CONFIG_ADDRESS_BYTES];
    bool is_tls;
    assert_true(config_listen_normalise("https://[::1]:443/", listen));
    assert_string_equal(listen, "https://[::1]:443");
    assert_string_equal(config_listen_address(listen, &is_tls), "[::1]:443");
    assert_true(is_tls);
    assert_true(config_listen_normalise("http://127.0.0.1:80", listen));
    assert_string_equal(listen, "127.0.0.1:80");
    assert_string_equal(config_listen_address(listen, &is_tls), "127.0.0.1:80");
    assert_false(is_tls);
    assert_false(config_listen_normalise("https://localhost:443", listen));
    assert_false(config_listen_normalise("https://https://127.0.0.1:443", listen));
}

static void certificates_are_files_by_absolute_paths(void **state)
{
    (void)state;
    struct config config;
    assert_int_equal(config_defaults(&config, NULL), STATUS_OK);
    const struct setting *row = settings_find("tls", "certificates");
    assert_int_equal(settings_set(&config, row, "/a.pem", NULL), STATUS_OK);
    assert_int_equal(settings_set(&config, row, "/b.pem /b.key", NULL), STATUS_OK);
    assert_int_equal(settings_set(&config, row, "c.pem", NULL), STATUS_INVALID);
    assert_int_equal(settings_set(&config, row, "/c.pem c.key", NULL), STATUS_INVALID);
    assert_int_equal(config.tls_certificate_count, 2);
    assert_string_equal(config.tls_certificates[1], "/b.pem /b.key");
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(listeners_may_speak_tls),
        cmocka_unit_test(certificates_are_files_by_absolute_paths),
        cmocka_unit_test(quantity_reads_every_documented_form),
        cmocka_unit_test(memory_that_nobody_bounds_is_a_part_of_the_machines),
        cmocka_unit_test(descriptors_are_shared_out_between_functions_and_connections),
        cmocka_unit_test(quantity_refuses_wrong_units_signs_and_overflow),
        cmocka_unit_test(quantity_text_reads_back_as_the_same_value),
        cmocka_unit_test(defaults_are_what_the_tables_say),
        cmocka_unit_test(defaults_follow_the_xdg_directories),
        cmocka_unit_test(file_sets_every_kind_of_key),
        cmocka_unit_test(a_file_with_the_defaults_changes_nothing),
        cmocka_unit_test(lists_flags_and_the_public_url_are_read),
        cmocka_unit_test(a_public_url_is_scheme_name_and_port),
        cmocka_unit_test(a_node_has_the_machines_name_unless_it_is_given_one),
        cmocka_unit_test(empty_file_changes_nothing),
        cmocka_unit_test(unknown_key_names_file_line_and_nearest_key),
        cmocka_unit_test(wrong_values_name_the_key_and_the_range),
        cmocka_unit_test(keys_that_changed_are_listed_by_name),
        cmocka_unit_test(missing_file_is_a_config_error_that_names_it),
        cmocka_unit_test(a_file_that_is_too_large_is_none_of_ours),
        cmocka_unit_test(an_empty_variable_is_none),
        cmocka_unit_test(a_data_directory_must_have_a_name_that_fits),
        cmocka_unit_test(check_refuses_numbers_that_contradict_each_other),
        cmocka_unit_test(check_wants_addresses_that_are_some),
        cmocka_unit_test(check_refuses_what_cannot_work),
        cmocka_unit_test(check_makes_a_relative_data_directory_absolute),
        cmocka_unit_test(printed_reference_has_every_key_and_loads_as_the_defaults),
        cmocka_unit_test(an_address_is_printed_as_it_is_read),
        cmocka_unit_test(address_reads_v4_and_v6_and_knows_loopback),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
