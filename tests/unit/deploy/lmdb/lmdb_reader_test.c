/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A worker's reading: of one commit while another process writes, and with nothing in its hands
 * that it could write to.
 */
#include "lmdb_fixture.h"

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "deploy/lmdb/lmdb_reader.h"

#define COMMITS 200

struct shared {
    struct lmdb_reading reading;
    _Atomic bool done;
};

struct rig {
    struct lmdb_fixture base;
    struct shared *shared;
};

static uint64_t rig_oldest(void *context, enum lmdb_store store)
{
    (void)store;
    const struct rig *rig = context;
    return lmdb_reading_commit(&rig->shared->reading);
}

static void rig_init(struct rig *rig)
{
    lmdb_fixture_init(&rig->base);
    rig->shared =
        mmap(NULL, sizeof(*rig->shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(rig->shared != MAP_FAILED);
    rig->base.pin = (struct lmdb_pin){.readers = {.oldest = rig_oldest, .context = rig}};
    lmdb_fixture_write(&rig->base, 1);
}

static void rig_done(struct rig *rig)
{
    (void)munmap(rig->shared, sizeof(*rig->shared));
    lmdb_fixture_done(&rig->base);
}

/* In the child: assertions of cmocka's would be told to nobody. */
static void must(bool condition, int code)
{
    if (!condition)
        _exit(code);
}

static struct lmdb_reader open_reader(const struct rig *rig, bool keeps)
{
    static const char *const names[] = {"numbers"};
    const struct lmdb_reader_options options = {.dir = rig->base.base.dir,
                                                .map_bytes = LMDB_FIXTURE_MAP,
                                                .names = names,
                                                .count = 1,
                                                .reading = &rig->shared->reading,
                                                .keeps = keeps};
    struct lmdb_reader reader;
    must(lmdb_reader_init(&reader, &options) == 0, 2);
    return reader;
}

/* In a process of its own, as a worker is: LMDB knows an environment once in each. */
static pid_t start_child(struct rig *rig, void (*body)(struct rig *rig))
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        body(rig);
        _exit(0);
    }
    return child;
}

static void end_child(pid_t child)
{
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void read_on(struct rig *rig, bool keeps)
{
    struct lmdb_reader reader = open_reader(rig, keeps);
    uint64_t before = 0;
    while (!atomic_load(&rig->shared->done)) {
        must(lmdb_reader_begin(&reader) == 0, 3);
        uint64_t number = lmdb_fixture_read(reader.txn, reader.dbi[0]);
        lmdb_reader_end(&reader);
        must(number != UINT64_MAX && number >= before, 4);
        before = number;
    }
    lmdb_reader_done(&reader);
}

static void read_on_renewing(struct rig *rig)
{
    read_on(rig, false);
}

static void read_on_keeping(struct rig *rig)
{
    read_on(rig, true);
}

static void write_beside(void (*reads)(struct rig *rig))
{
    struct rig rig;
    rig_init(&rig);
    pid_t child = start_child(&rig, reads);
    for (uint64_t i = 2; i < COMMITS; i++)
        lmdb_fixture_write(&rig.base, i);
    atomic_store(&rig.shared->done, true);
    end_child(child);
    rig_done(&rig);
}

static void a_reader_sees_one_commit_while_others_are_made(void **state)
{
    (void)state;
    write_beside(read_on_renewing);
    write_beside(read_on_keeping);
}

static void hold_a_read(struct rig *rig)
{
    struct lmdb_reader reader = open_reader(rig, true);
    must(lmdb_reader_begin(&reader) == 0, 3);
    atomic_store(&rig->shared->done, true);
    while (atomic_load(&rig->shared->done))
        (void)sched_yield();
    must(lmdb_fixture_read(reader.txn, reader.dbi[0]) == 1, 4);
    lmdb_reader_end(&reader);
    must(atomic_load(&rig->shared->reading.word) == 0, 5);
    /* The next one is of the newest. */
    must(lmdb_reader_begin(&reader) == 0, 6);
    must(lmdb_fixture_read(reader.txn, reader.dbi[0]) == 20, 7);
    lmdb_reader_end(&reader);
    lmdb_reader_done(&reader);
}

static void what_is_read_stays_whole_however_long_it_takes(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig);
    uint64_t last = lmdb_fixture_last(&rig.base);
    pid_t child = start_child(&rig, hold_a_read);
    while (!atomic_load(&rig.shared->done))
        (void)sched_yield();
    assert_int_equal(rig_oldest(&rig, LMDB_STORE_KV), last);
    for (uint64_t i = 2; i <= 20; i++)
        lmdb_fixture_write(&rig.base, i);
    assert_int_equal(lmdb_pin_stuck(&rig.base.pin), 0);
    assert_int_equal(lmdb_pin_stuck(&rig.base.pin), last + 1);
    atomic_store(&rig.shared->done, false);
    end_child(child);
    assert_int_equal(lmdb_pin_stuck(&rig.base.pin), 0);
    rig_done(&rig);
}

/* No descriptor of a file in there that can be written to, and no such mapping. */
static void look_at_its_hands(struct rig *rig)
{
    char line[512];
    struct lmdb_reader reader = open_reader(rig, true);
    uint32_t seen = 0;
    FILE *maps = fopen("/proc/self/maps", "re");
    must(maps != NULL, 3);
    while (fgets(line, sizeof(line), maps) != NULL) {
        if (strstr(line, rig->base.base.dir) == NULL)
            continue;
        must(strstr(line, "/data.mdb") != NULL && strstr(line, " r--s ") != NULL, 4);
        seen++;
    }
    (void)fclose(maps);
    must(seen == 1, 5);
    for (int fd = 0; fd < 64; fd++) {
        char path[64];
        (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
        ssize_t count = readlink(path, line, sizeof(line) - 1);
        line[count < 0 ? 0 : count] = '\0';
        if (strstr(line, rig->base.base.dir) != NULL)
            must((fcntl(fd, F_GETFL) & O_ACCMODE) == O_RDONLY, 6);
    }
    lmdb_reader_done(&reader);
}

static void a_reader_has_nothing_that_it_could_write_to(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig);
    lmdb_fixture_close(&rig.base); /* no worker gets the writer's descriptors either */
    end_child(start_child(&rig, look_at_its_hands));
    rig_done(&rig);
}

static void find_nothing(struct rig *rig)
{
    static const char *const names[] = {"others"};
    const struct lmdb_reader_options options = {.dir = rig->base.base.dir,
                                                .map_bytes = LMDB_FIXTURE_MAP,
                                                .names = names,
                                                .count = 1,
                                                .reading = &rig->shared->reading};
    struct lmdb_reader reader;
    atomic_store(&rig->shared->reading.word, 7); /* a predecessor's, who died */
    must(lmdb_reader_init(&reader, &options) == MDB_NOTFOUND, 2);
    lmdb_reader_done(&reader);
    must(atomic_load(&rig->shared->reading.word) == 0, 3);
}

static void what_is_not_there_is_an_error_and_leaves_no_word(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig);
    end_child(start_child(&rig, find_nothing));
    rig_done(&rig);
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_reader_sees_one_commit_while_others_are_made),
        cmocka_unit_test(what_is_read_stays_whole_however_long_it_takes),
        cmocka_unit_test(a_reader_has_nothing_that_it_could_write_to),
        cmocka_unit_test(what_is_not_there_is_an_error_and_leaves_no_word),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
