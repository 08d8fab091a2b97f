/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What reading a key and writing a group of them costs, for tests/bench/kv.py, without a server.
 * Reads are a worker's, in CPU time: begin, get, copy, end, of random keys. In turn with them
 * stands a copy of the same bytes from random places of as much memory. Writes are groups in
 * control's way, on disk; in turn with them a write of the same bytes and an fdatasync.
 *
 * usage: kv_store DIR KEYS VALUE_BYTES; prints "GET_NS COPY_NS GROUP_US SYNC_US", medians
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "deploy/kv/kv.h"

#define ROUNDS      41
#define WARM_ROUNDS 200  /* until the kernel has mapped most pages */
#define GETS        2000 /* of one round */
#define GROUP       64   /* puts of one group: as many guests at once */
#define GROUPS      101
#define MAP_BYTES   (UINT64_C(16) << 30)
#define VALUE_MAX   65536
#define RANDOM_STEP UINT64_C(6364136223846793005)

static uint64_t random_state = 1;

static uint64_t next_random(uint64_t below)
{
    random_state = random_state * RANDOM_STEP + 1442695040888963407;
    return (random_state >> 33) % below;
}

static void must(bool good, const char *what)
{
    if (good)
        return;
    (void)fprintf(stderr, "kv_store: %s failed\n", what);
    exit(1);
}

static int compare(const void *a, const void *b)
{
    const uint64_t left = *(const uint64_t *)a;
    const uint64_t right = *(const uint64_t *)b;
    return left < right ? -1 : left > right;
}

static uint64_t median(uint64_t *times, size_t count)
{
    qsort(times, count, sizeof(*times), compare);
    return times[count / 2];
}

/* Of this process: others on its core do not count. */
static uint64_t cpu_ns(void)
{
    struct timespec now;
    must(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now) == 0, "the clock");
    return (uint64_t)now.tv_sec * CLOCK_NS_PER_S + (uint64_t)now.tv_nsec;
}

static size_t name_key(uint64_t number, char ret_key[32])
{
    return (size_t)snprintf(ret_key, 32, "user:%012llu", (unsigned long long)number);
}

/* A group of `count` keys from `first` on, or random ones of all. */
static void
put_group(struct kv_store *store, uint64_t first, uint64_t keys, size_t count, size_t bytes)
{
    static uint8_t value[VALUE_MAX];
    static char names[KV_GROUP_MAX][32];
    static struct kv_change changes[KV_GROUP_MAX];
    static struct kv_change *group[KV_GROUP_MAX];
    for (size_t i = 0; i < count; i++) {
        uint64_t number = first == UINT64_MAX ? next_random(keys) : first + i;
        size_t name = name_key(number, names[i]);
        changes[i] = (struct kv_change){.verb = KV_PUT,
                                        .tenant = bytes_of_text("bench"),
                                        .key = bytes_make(names[i], name),
                                        .value = bytes_make(value, bytes)};
        group[i] = &changes[i];
    }
    must(kv_store_apply(store, group, count, NULL) == STATUS_OK, "a group");
}

static struct kv_store *open_store(const char *dir)
{
    struct kv_store *store = NULL;
    const struct kv_store_options options = {.data_dir = dir,
                                             .map_bytes = MAP_BYTES,
                                             .tenant_bytes_max = UINT64_MAX,
                                             .clock = &clock_system};
    must(kv_store_open(&options, NULL, &store) == STATUS_OK, "opening the store");
    return store;
}

static void measure_gets(const char *dir, uint64_t keys, size_t bytes)
{
    static uint64_t gets[ROUNDS];
    static uint64_t copies[ROUNDS];
    static struct lmdb_reading reading;
    static uint8_t out[VALUE_MAX];
    static char names[GETS][32];
    static size_t counts[GETS];
    struct kv_reader *reader = NULL;
    uint8_t *memory = malloc(keys * bytes);
    must(memory != NULL, "memory as large as the values");
    memset(memory, 1, keys * bytes);
    must(kv_reader_open(dir, MAP_BYTES, &reading, &clock_system, NULL, &reader) == STATUS_OK,
         "opening a reader");
    for (int round = -WARM_ROUNDS; round < ROUNDS; round++) {
        for (int i = 0; i < GETS; i++)
            counts[i] = name_key(next_random(keys), names[i]);
        uint64_t began = cpu_ns();
        for (int i = 0; i < GETS; i++) {
            struct kv_item item;
            must(kv_reader_begin(reader, NULL) == STATUS_OK &&
                     kv_reader_get(reader, bytes_of_text("bench"), bytes_make(names[i], counts[i]),
                                   &item) == STATUS_OK,
                 "a get");
            memcpy(out, item.value.data, item.value.count);
            kv_reader_end(reader);
        }
        uint64_t between = cpu_ns();
        for (int i = 0; i < GETS; i++) {
            memcpy(out, memory + next_random(keys) * bytes, bytes);
            __asm__ volatile("" ::"r"(out) : "memory");
        }
        gets[MAX(round, 0)] = (between - began) / GETS;
        copies[MAX(round, 0)] = (cpu_ns() - between) / GETS;
    }
    kv_reader_close(reader);
    free(memory);
    (void)printf("%llu %llu ", (unsigned long long)median(gets, ROUNDS),
                 (unsigned long long)median(copies, ROUNDS));
}

static void measure_groups(const char *dir, uint64_t keys, size_t bytes)
{
    static uint64_t groups[GROUPS];
    static uint64_t syncs[GROUPS];
    static uint8_t same[GROUP * VALUE_MAX];
    char path[512];
    (void)snprintf(path, sizeof(path), "%s/reference", dir);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    must(fd >= 0, "a file beside the store");
    struct kv_store *store = open_store(dir);
    for (int round = 0; round < GROUPS; round++) {
        uint64_t began = clock_monotonic_ns(&clock_system);
        put_group(store, UINT64_MAX, keys, GROUP, bytes);
        uint64_t between = clock_monotonic_ns(&clock_system);
        must(pwrite(fd, same, GROUP * bytes, (off_t)(round * GROUP * bytes)) ==
                     (ssize_t)(GROUP * bytes) &&
                 fdatasync(fd) == 0,
             "a write");
        groups[round] = (between - began) / 1000;
        syncs[round] = (clock_monotonic_ns(&clock_system) - between) / 1000;
    }
    kv_store_close(store);
    (void)close(fd);
    (void)unlink(path);
    (void)printf("%llu %llu\n", (unsigned long long)median(groups, GROUPS),
                 (unsigned long long)median(syncs, GROUPS));
}

int main(int argc, char **argv)
{
    char path[512];
    must(argc == 4, "usage: kv_store DIR KEYS VALUE_BYTES:");
    uint64_t keys = strtoull(argv[2], NULL, 10);
    size_t bytes = (size_t)strtoull(argv[3], NULL, 10);
    must(keys > 0 && bytes > 0 && bytes <= VALUE_MAX, "numbers");
    (void)snprintf(path, sizeof(path), "%s/kv", argv[1]);
    must(mkdir(path, 0700) == 0, "making a folder");
    struct kv_store *store = open_store(argv[1]);
    for (uint64_t at = 0; at < keys; at += KV_GROUP_MAX)
        put_group(store, at, keys, MIN((uint64_t)KV_GROUP_MAX, keys - at), bytes);
    kv_store_close(store);
    measure_gets(argv[1], keys, bytes);
    measure_groups(argv[1], keys, bytes);
    return 0;
}
