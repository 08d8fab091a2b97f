/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sockets of all workers: each has its own on every address, and a port that somebody uses is
 * refused by name.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "server/control/sockets/listeners.h"
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
    assert_int_equal(listeners_open(&config, NULL, &report, &listeners), STATUS_OK);
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
    if (listeners_open(&config, NULL, NULL, &listeners) != STATUS_OK)
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
    assert_int_equal(listeners_open(&config, NULL, &report, &first), STATUS_OK);
    config = make_config(1, "127.0.0.1:0", first.addresses[0]);
    assert_int_equal(listeners_open(&config, NULL, &report, &second), STATUS_BUSY);
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
    assert_int_equal(listeners_open(&config, NULL, &report, &listeners), STATUS_CONFIG);
    assert_non_null(strstr(report.text, "`localhost`"));
}

/* A socket as a service manager holds it. */
static struct service_sockets make_sockets(void)
{
    struct service_sockets sockets = {.count = 1};
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    sockets.fds[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(sockets.fds[0], (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(sockets.fds[0], 1), 0);
    (void)snprintf(sockets.addresses[0], sizeof(sockets.addresses[0]), "127.0.0.1:%u",
                   port_of(sockets.fds[0]));
    return sockets;
}

static void a_socket_that_was_handed_over_is_every_workers(void **state)
{
    (void)state;
    struct report report = REPORT_INIT;
    struct listeners listeners = {0};
    struct service_sockets sockets = make_sockets();
    struct config config = make_config(2, sockets.addresses[0], "127.0.0.1:0");
    uint16_t port = port_of(sockets.fds[0]);
    assert_int_equal(listeners_open(&config, &sockets, &report, &listeners), STATUS_OK);
    assert_int_equal(sockets.fds[0], -1);
    assert_string_equal(listeners.addresses[0], sockets.addresses[0]);
    for (uint32_t set = 0; set < 2; set++)
        assert_int_equal(port_of(listeners.fds[set][0]), port);
    assert_int_not_equal(listeners.fds[0][0], listeners.fds[1][0]);
    assert_int_not_equal(port_of(listeners.fds[0][1]), port);
    listeners_close(&listeners);
}

static void a_socket_that_nobody_asked_for_is_refused(void **state)
{
    (void)state;
    struct report report = REPORT_INIT;
    struct listeners listeners = {0};
    struct service_sockets sockets = make_sockets();
    struct config config = make_config(1, "127.0.0.1:0", NULL);
    assert_int_equal(listeners_open(&config, &sockets, &report, &listeners), STATUS_CONFIG);
    assert_non_null(strstr(report.text, sockets.addresses[0]));
    assert_null(listeners.fds);
    service_sockets_close(&sockets);
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_worker_has_a_socket_of_its_own_on_each_address),
        cmocka_unit_test(an_address_of_the_other_family_is_told_as_it_is_written),
        cmocka_unit_test(a_port_in_use_is_busy_and_named),
        cmocka_unit_test(what_is_no_address_is_a_fault_of_the_configuration),
        cmocka_unit_test(a_socket_that_was_handed_over_is_every_workers),
        cmocka_unit_test(a_socket_that_nobody_asked_for_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
