/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whose workers and addresses are whose.
 */
#include "config/settings.h"
#include "tests/support/unit.h"

static struct config config_of(const char *const *rows, uint32_t count)
{
    static const char *const listen[] = {"127.0.0.1:1", "https://127.0.0.1:2", "127.0.0.1:3"};
    struct config config = {.workers = 2, .listen_count = 3, .isolation_count = count};
    for (uint32_t i = 0; i < 3; i++)
        (void)strcpy(config.listen[i], listen[i]);
    for (uint32_t i = 0; i < count; i++)
        assert_true(config_isolation_normalise(rows[i], config.isolation[i]));
    return config;
}

static void a_row_is_a_tenant_and_an_address(void **state)
{
    (void)state;
    char row[CONFIG_ISOLATION_BYTES];
    assert_true(config_isolation_normalise("acme http://127.0.0.1:80/", row));
    assert_string_equal(row, "acme 127.0.0.1:80");
    assert_true(config_isolation_normalise("a-1 https://[::1]:443", row));
    assert_string_equal(row, "a-1 https://[::1]:443");
    static const char *const wrong[] = {"-acme http://127.0.0.1:80",
                                        "acme- http://127.0.0.1:80",
                                        "",
                                        "acme",
                                        " 127.0.0.1:80",
                                        "acme ",
                                        "ac/me 127.0.0.1:80",
                                        "Acme 127.0.0.1:80",
                                        "acme 127.0.0.1",
                                        "acme  127.0.0.1:80",
                                        "acme 127.0.0.1:80 more"};
    for (size_t i = 0; i < COUNT_OF(wrong); i++)
        assert_false(config_isolation_normalise(wrong[i], row));
    char longest[] = "0123456789012345678901234567890123456789012345678901234567890123 [::1]:1";
    assert_false(config_isolation_normalise(longest, row));
    assert_true(config_isolation_normalise(longest + 1, row));
}

static void without_any_all_is_everybodys(void **state)
{
    (void)state;
    struct report report = REPORT_INIT;
    struct config config = config_of(NULL, 0);
    assert_int_equal(config_check_isolation(&config, &report), STATUS_OK);
    assert_int_equal(config.workers, 2);
    for (uint32_t i = 0; i < 3; i++)
        assert_true(config_worker_listens(&config, 1, i));
    assert_int_equal(config_worker_tenant(&config, 1).count, 0);
    assert_true(config_worker_serves(&config, 0, bytes_of_text("acme")));
}

static void each_row_has_a_worker_and_its_address(void **state)
{
    (void)state;
    static const char *const rows[] = {"acme https://127.0.0.1:2", "other 127.0.0.1:1"};
    struct report report = REPORT_INIT;
    struct config config = config_of(rows, 2);
    assert_int_equal(config_check_isolation(&config, &report), STATUS_OK);
    assert_int_equal(config.workers, 4);
    static const bool listens[4][3] = {
        {false, false, true}, {false, false, true}, {false, true, false}, {true, false, false}};
    static const char *const names[] = {"third", "third", "acme", "other"};
    for (uint32_t worker = 0; worker < 4; worker++) {
        for (uint32_t i = 0; i < 3; i++)
            assert_int_equal(config_worker_listens(&config, worker, i), listens[worker][i]);
        for (uint32_t i = 0; i < 4; i++)
            assert_int_equal(config_worker_serves(&config, worker, bytes_of_text(names[i])),
                             strcmp(names[i], names[worker]) == 0);
    }
    assert_true(bytes_equal_text(config_worker_tenant(&config, 3), "other"));
    static const char *const owners[] = {"other", "acme", ""};
    for (uint32_t i = 0; i < 3; i++) {
        assert_true(bytes_equal_text(config_listen_tenant(&config, i), owners[i]));
        assert_int_equal(config_tenant_listen(&config, bytes_of_text(owners[i])), i);
    }
    assert_int_equal(config_tenant_listen(&config, bytes_of_text("third")), 2);
}

static void what_makes_no_sense_is_refused(void **state)
{
    (void)state;
    static const char *const twice[] = {"acme 127.0.0.1:1", "acme 127.0.0.1:3"};
    static const char *const shared[] = {"acme 127.0.0.1:1", "other 127.0.0.1:1"};
    static const char *const nowhere[] = {"acme 127.0.0.1:2"}; /* which speaks TLS */
    static const char *const all[] = {"a 127.0.0.1:1", "b https://127.0.0.1:2", "c 127.0.0.1:3"};
    static const struct {
        const char *const *rows;
        uint32_t count;
        const char *word;
    } rows[] = {{twice, 2, "second time"},
                {shared, 2, "second time"},
                {nowhere, 1, "add it there"},
                {all, 3, "leave one"}};
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct report report = REPORT_INIT;
        struct config config = config_of(rows[i].rows, rows[i].count);
        assert_int_equal(config_check_isolation(&config, &report), STATUS_CONFIG);
        assert_non_null(strstr(report.text, rows[i].word));
        assert_int_equal(config.workers, 2);
    }
    struct report report = REPORT_INIT;
    struct config config = config_of(twice, 1);
    config.workers = CONFIG_WORKERS_MAX;
    assert_int_equal(config_check_isolation(&config, &report), STATUS_CONFIG);
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_row_is_a_tenant_and_an_address),
        cmocka_unit_test(without_any_all_is_everybodys),
        cmocka_unit_test(each_row_has_a_worker_and_its_address),
        cmocka_unit_test(what_makes_no_sense_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
