/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What reading a key and writing a group of them costs, for tests/bench/kv.py, without a server.
 * Reads are a worker's, in CPU time: begin, get, copy, end, of random keys. In turn with them
 * stand LMDB's own get of other keys, with the same copy and nothing around it, and a copy of the
 * same bytes from random places of as much memory. Writes are groups in control's way, on disk; in
 * turn with them a write of the same bytes and an fdatasync.
 *
 * usage: kv_store DIR KEYS VALUE_BYTES; prints "GET_NS LMDB_NS COPY_NS GROUP_US SYNC_US", medians
 */
#include <fcntl.h>
#include <lmdb.h>
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
#define TENANT      "bench"
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
                                        .tenant = bytes_of_text(TENANT),
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

/* The store as LMDB alone reads it. */
struct bare {
    MDB_env *env;
    MDB_txn *txn;
    MDB_dbi items;
};

static struct bare open_bare(const char *dir)
{
    struct bare bare;
    must(mdb_env_create(&bare.env) == 0 && mdb_env_set_maxdbs(bare.env, 1) == 0 &&
             mdb_env_set_mapsize(bare.env, MAP_BYTES) == 0 &&
             mdb_env_open(bare.env, dir, MDB_RDONLY | MDB_NOLOCK | MDB_NOTLS | MDB_NORDAHEAD, 0) ==
                 0 &&
             mdb_txn_begin(bare.env, NULL, MDB_RDONLY, &bare.txn) == 0 &&
             mdb_dbi_open(bare.txn, "item", 0, &bare.items) == 0,
         "opening it with LMDB alone");
    return bare;
}

static void close_bare(const struct bare *bare)
{
    mdb_txn_abort(bare->txn);
    mdb_env_close(bare->env);
}

/* Of one round: tenant and key as the store has them, with a NUL in between. */
struct names {
    size_t counts[GETS];
    char texts[GETS][sizeof(TENANT) + 32];
};

static void name_some(struct names *names, uint64_t keys)
{
    for (int i = 0; i < GETS; i++) {
        memcpy(names->texts[i], TENANT, sizeof(TENANT));
        names->counts[i] = name_key(next_random(keys), names->texts[i] + sizeof(TENANT));
    }
}

static uint8_t value_out[VALUE_MAX];

static uint64_t time_gets(struct kv_reader *reader, const struct names *names)
{
    uint64_t began = cpu_ns();
    for (int i = 0; i < GETS; i++) {
        struct kv_item item;
        struct bytes key = bytes_make(names->texts[i] + sizeof(TENANT), names->counts[i]);
        must(kv_reader_begin(reader, NULL) == STATUS_OK &&
                 kv_reader_get(reader, bytes_of_text(TENANT), key, &item) == STATUS_OK,
             "a get");
        memcpy(value_out, item.value.data, item.value.count);
        kv_reader_end(reader);
    }
    return (cpu_ns() - began) / GETS;
}

static uint64_t time_bare(const struct bare *bare, struct names *names)
{
    uint64_t began = cpu_ns();
    for (int i = 0; i < GETS; i++) {
        MDB_val key = {.mv_size = sizeof(TENANT) + names->counts[i], .mv_data = names->texts[i]};
        MDB_val value;
        must(mdb_get(bare->txn, bare->items, &key, &value) == 0, "a get of LMDB's");
        memcpy(value_out, value.mv_data, value.mv_size);
    }
    return (cpu_ns() - began) / GETS;
}

static uint64_t time_copies(const uint8_t *memory, uint64_t keys, size_t bytes)
{
    uint64_t began = cpu_ns();
    for (int i = 0; i < GETS; i++) {
        memcpy(value_out, memory + next_random(keys) * bytes, bytes);
        __asm__ volatile("" ::"r"(value_out) : "memory");
    }
    return (cpu_ns() - began) / GETS;
}

static void measure_gets(const char *dir, const char *env, uint64_t keys, size_t bytes)
{
    enum { GET, BARE, COPY, KINDS };
    static uint64_t times[KINDS][ROUNDS];
    static struct lmdb_reading reading;
    static struct names names;
    struct kv_reader *reader = NULL;
    uint8_t *memory = malloc(keys * bytes);
    must(memory != NULL, "memory as large as the values");
    memset(memory, 1, keys * bytes);
    must(kv_reader_open(dir, MAP_BYTES, &reading, &clock_system, NULL, &reader) == STATUS_OK,
         "opening a reader");
    struct bare bare = open_bare(env);
    for (int round = -WARM_ROUNDS; round < ROUNDS; round++) {
        int at = MAX(round, 0);
        name_some(&names, keys);
        times[GET][at] = time_gets(reader, &names);
        name_some(&names, keys);
        times[BARE][at] = time_bare(&bare, &names);
        times[COPY][at] = time_copies(memory, keys, bytes);
    }
    close_bare(&bare);
    kv_reader_close(reader);
    free(memory);
    for (int kind = 0; kind < KINDS; kind++)
        (void)printf("%llu ", (unsigned long long)median(times[kind], ROUNDS));
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
    measure_gets(argv[1], path, keys, bytes);
    measure_groups(argv[1], keys, bytes);
    return 0;
}
