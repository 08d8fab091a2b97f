/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A table of addresses, looked through from its start: 256 rows, and only when a token is shown.
 */
#include "deploy/door/admin_failures.h"

#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "engine/base/macros.h"

uint64_t admin_failures_key(const struct sockaddr *address)
{
    uint64_t key = 0;
    if (address->sa_family == AF_INET6) {
        struct sockaddr_in6 six;
        memcpy(&six, address, sizeof(six));
        if (IN6_IS_ADDR_V4MAPPED(&six.sin6_addr))
            memcpy(&key, six.sin6_addr.s6_addr + 12, 4);
        else
            memcpy(&key, six.sin6_addr.s6_addr, sizeof(key));
    } else if (address->sa_family == AF_INET) {
        struct sockaddr_in four;
        memcpy(&four, address, sizeof(four));
        memcpy(&key, &four.sin_addr, 4);
    }
    return key;
}

static bool failures_are_old(const struct admin_failures_row *row, uint64_t now_ns)
{
    return now_ns - row->since_ns >= ADMIN_FAILURES_NS;
}

bool admin_failures_are_many(const struct admin_failures *failures,
                             uint64_t address,
                             uint64_t now_ns)
{
    for (uint32_t i = 0; i < ADMIN_FAILURES_ROWS; i++) {
        const struct admin_failures_row *row = &failures->rows[i];
        if (row->count > 0 && row->address == address)
            return row->count >= ADMIN_FAILURES_MAX && !failures_are_old(row, now_ns);
    }
    return false;
}

void admin_failures_count(struct admin_failures *failures, uint64_t address, uint64_t now_ns)
{
    struct admin_failures_row *oldest = &failures->rows[0];
    for (uint32_t i = 0; i < ADMIN_FAILURES_ROWS; i++) {
        struct admin_failures_row *row = &failures->rows[i];
        if (row->count > 0 && row->address == address) {
            oldest = row;
            break;
        }
        if (oldest->count > 0 && (row->count == 0 || row->last_ns < oldest->last_ns))
            oldest = row;
    }
    if (oldest->count == 0 || oldest->address != address || failures_are_old(oldest, now_ns))
        *oldest = (struct admin_failures_row){.address = address, .since_ns = now_ns};
    oldest->last_ns = now_ns;
    oldest->count++;
}
