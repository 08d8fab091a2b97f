/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sockets of all workers: each has its own on every address, and a port that somebody uses is
 * refused by name.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "server/control/listeners.h"
#include "tests/support/unit.h"

static struct config make_config(uint32_t workers, const char *first, const char *second)
{
    struct config config = {.workers = workers, .listen_count = second == NULL ? 1 : 2};
    (void)snprintf(config.listen[0], sizeof(config.listen[0]), "%s", first);
    (void)snprintf(config.listen[1], sizeof(config.listen[1]), "%s", second == NULL ? "" : second);
    return config;
}

static uint16_t port_of(int fd)
{
    struct sockaddr_in address;
    socklen_t length = sizeof(address);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &length), 0);
    return ntohs(address.sin_port);
}

static void each_worker_has_a_socket_of_its_own_on_each_address(void **state)
{
    (void)state;
    struct report report = REPORT_INIT;
    struct listeners listeners = {0};
    struct config config = make_config(3, "127.0.0.1:0", "127.0.0.1:0");
    assert_int_equal(listeners_open(&config, &report, &listeners), STATUS_OK);
    assert_int_equal(listeners.count, 2);
    assert_int_equal(listeners.sets, 3);
    for (uint32_t address = 0; address < 2; address++) {
        char text[CONFIG_ADDRESS_BYTES];
        uint16_t port = port_of(listeners.fds[0][address]);
        assert_int_not_equal(port, 0);
        for (uint32_t set = 1; set < 3; set++) {
            assert_int_not_equal(listeners.fds[set][address], listeners.fds[0][address]);
            assert_int_equal(port_of(listeners.fds[set][address]), port);
        }
        (void)snprintf(text, sizeof(text), "127.0.0.1:%u", port);
        assert_string_equal(listeners.addresses[address], text);
    }
    listeners_close(&listeners);
    assert_null(listeners.fds);
    listeners_close(&listeners);
}

static void an_address_of_the_other_family_is_told_as_it_is_written(void **state)
{
    (void)state;
    struct listeners listeners = {0};
    struct config config = make_config(1, "[::1]:0", NULL);
    if (listeners_open(&config, NULL, &listeners) != STATUS_OK)
        skip(); /* a machine without IPv6 */
    assert_int_equal(strncmp(listeners.addresses[0], "[::1]:", 6), 0);
    listeners_close(&listeners);
}

static void a_port_in_use_is_busy_and_named(void **state)
{
    (void)state;
    struct report report = REPORT_INIT;
    struct listeners first = {0};
    struct listeners second = {0};
    struct config config = make_config(1, "127.0.0.1:0", NULL);
    assert_int_equal(listeners_open(&config, &report, &first), STATUS_OK);
    config = make_config(1, "127.0.0.1:0", first.addresses[0]);
    assert_int_equal(listeners_open(&config, &report, &second), STATUS_BUSY);
    assert_non_null(strstr(report.text, first.addresses[0]));
    assert_non_null(strstr(report.text, "--listen"));
    assert_null(second.fds);
    listeners_close(&first);
}

static void what_is_no_address_is_a_fault_of_the_configuration(void **state)
{
    (void)state;
    struct report report = REPORT_INIT;
    struct listeners listeners = {0};
    struct config config = make_config(1, "localhost", NULL);
    assert_int_equal(listeners_open(&config, &report, &listeners), STATUS_CONFIG);
    assert_non_null(strstr(report.text, "`localhost`"));
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_worker_has_a_socket_of_its_own_on_each_address),
        cmocka_unit_test(an_address_of_the_other_family_is_told_as_it_is_written),
        cmocka_unit_test(a_port_in_use_is_busy_and_named),
        cmocka_unit_test(what_is_no_address_is_a_fault_of_the_configuration),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
