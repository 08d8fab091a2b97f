/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Many generated modules, each in threaded code, in native code and in both mixed: what
 * suspend_fuzz.c holds (interrupted, frozen, moved from tier to tier, it is the same run, to the
 * unit of fuel), of numbers in a row instead of a fuzzer's bytes, as many as one has hours for.
 *
 *   tiers [COUNT [FIRST [JOBS]]]
 *
 *   number --> pseudo-random bytes --> module --> threaded against native, threaded against mixed
 *
 * Each job is a process that takes every JOBS'th number; one that aborts names its number, and a
 * new process goes on behind it. Prints how far it is now and then, closes with `N passed, N
 * failed, 0 skipped`, of modules. `tiers 1 N` does number N again.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/fuzz/run.h"

enum { JOBS_MAX = 64, REPORT_ONCE_IN = 5000, MODULE_SECONDS = 60 };
/* Of a target's input: what comes before the module, and in it who runs (suspend_fuzz.c). */
enum { PLACES_BYTES = 8, TIER_AT = 7, TIER_NATIVE = 1, TIER_MIXED = 2, MODULE_BYTES_MAX = 6000 };

/* Shared by all jobs: the number that each is at. */
static volatile uint64_t *tiers_at;

/* splitmix64: any number is as good a seed as any other */
static uint64_t tiers_random(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

static void tiers_module(uint64_t number)
{
    static uint8_t input[PLACES_BYTES + MODULE_BYTES_MAX + sizeof(uint64_t)];
    uint64_t state = number;
    /* Most are small, where each decision is taken by bytes of its own; what is left is 0. */
    size_t most = tiers_random(&state) % 4 == 0 ? MODULE_BYTES_MAX : MODULE_BYTES_MAX / 8;
    size_t count = PLACES_BYTES + tiers_random(&state) % most;
    for (size_t at = 0; at < count; at += sizeof(uint64_t)) {
        uint64_t bits = tiers_random(&state);
        memcpy(input + at, &bits, sizeof(bits));
    }
    static const uint8_t tiers[] = {TIER_NATIVE, TIER_MIXED};
    for (size_t i = 0; i < COUNT_OF(tiers); i++) {
        input[TIER_AT] = tiers[i];
        (void)LLVMFuzzerTestOneInput(input, count);
    }
}

/* A process that does every `jobs`th number of [from, end). */
static pid_t tiers_start(uint32_t job, uint64_t from, uint64_t end, uint32_t jobs)
{
    (void)fflush(stdout);
    pid_t child = fork();
    if (child != 0)
        return child;
    /* Of its own CPU time: a machine that is busy is no finding. */
    const struct itimerval most = {.it_value.tv_sec = MODULE_SECONDS};
    for (uint64_t number = from; number < end; number += jobs) {
        tiers_at[job] = number;
        (void)setitimer(ITIMER_PROF, &most, NULL);
        tiers_module(number);
        if (number % REPORT_ONCE_IN == 0) {
            printf("at %" PRIu64 "\n", number);
            (void)fflush(stdout);
        }
    }
    _exit(0);
}

/* Waits for one of them; true: it aborted, at a number that is one more failed module. */
static bool tiers_wait(pid_t *children, uint32_t jobs, uint32_t *ret_job)
{
    int status;
    pid_t child = wait(&status);
    ASSERT(child > 0);
    *ret_job = 0;
    while (*ret_job < jobs && children[*ret_job] != child)
        (*ret_job)++;
    ASSERT(*ret_job < jobs);
    children[*ret_job] = 0;
    return status != 0;
}

int main(int argc, char **argv)
{
    uint64_t count = argc > 1 ? strtoull(argv[1], NULL, 10) : 1000000;
    uint64_t first = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
    long cores = argc > 3 ? strtol(argv[3], NULL, 10) : sysconf(_SC_NPROCESSORS_ONLN);
    uint32_t jobs = (uint32_t)MIN(MAX(cores, 1L), (long)JOBS_MAX);
    tiers_at = mmap(NULL, JOBS_MAX * sizeof(*tiers_at), PROT_READ | PROT_WRITE,
                    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ASSERT(tiers_at != MAP_FAILED);
    pid_t children[JOBS_MAX] = {0};
    for (uint32_t i = 0; i < jobs; i++)
        children[i] = tiers_start(i, first + i, first + count, jobs);
    uint64_t failed = 0;
    for (uint32_t left = jobs; left > 0; left--) {
        uint32_t job;
        if (!tiers_wait(children, jobs, &job))
            continue;
        failed++;
        printf("number %" PRIu64 " differs, or did not end\n", tiers_at[job]);
        children[job] = tiers_start(job, tiers_at[job] + jobs, first + count, jobs);
        left++;
    }
    printf("%" PRIu64 " passed, %" PRIu64 " failed, 0 skipped\n", count - failed, failed);
    return failed > 0;
}
