/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pages for rate limits: each worker is given its own to write, and the others' to read.
 */
#include <sys/mman.h>
#include <unistd.h>

#include "server/control/rates_pages.h"
#include "server/world/rates.h"
#include "tests/support/unit.h"

static struct {
    uint32_t sent;
    uint32_t writable; /* and whose */
    uint32_t writable_index;
    uint64_t seed;
} workers;

bool workers_send(struct workers *of,
                  const struct workers_caller *to,
                  const struct channel_message *message)
{
    (void)of;
    struct channel_reader reader = channel_reader(message->head);
    assert_int_equal(to->index, 1);
    assert_int_equal(message->type, CHANNEL_MESSAGE_RATES_PAGE);
    assert_int_equal(channel_get_u32(&reader), workers.sent++);
    bool own = channel_get_u32(&reader) != 0;
    workers.seed = channel_get_u64(&reader);
    assert_true(channel_reader_ends(&reader));
    void *page =
        mmap(NULL, sizeof(struct rates_page), PROT_READ | PROT_WRITE, MAP_SHARED, message->fd, 0);
    assert_int_equal(page != MAP_FAILED, own);
    if (own) {
        workers.writable++;
        workers.writable_index = workers.sent - 1;
        ((struct rates_page *)page)->slots[0].key = 5;
        assert_int_equal(munmap(page, sizeof(struct rates_page)), 0);
    }
    assert_int_not_equal(ftruncate(message->fd, 0), 0); /* nobody cuts it */
    const struct rates_page *read =
        mmap(NULL, sizeof(*read), PROT_READ, MAP_SHARED, message->fd, 0);
    assert_true(read != MAP_FAILED);
    assert_int_equal(read->slots[0].key, own ? 5 : 0);
    assert_int_equal(munmap((void *)(uintptr_t)read, sizeof(*read)), 0);
    return true;
}

static void a_worker_gets_its_own_page_to_write_and_all_to_read(void **state)
{
    (void)state;
    struct rates_pages pages;
    const struct workers_caller worker = {.index = 1};
    assert_int_equal(rates_pages_make(&pages, 3, NULL), STATUS_OK);
    rates_pages_welcome(&pages, NULL, &worker);
    assert_int_equal(workers.sent, 3);
    assert_int_equal(workers.writable, 1);
    assert_int_equal(workers.writable_index, 1);
    assert_int_equal(workers.seed, pages.seed);
    rates_pages_done(&pages);
    rates_pages_done(&pages);
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_worker_gets_its_own_page_to_write_and_all_to_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
