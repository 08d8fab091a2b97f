/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The reference for tests/bench/fetch.py: libcurl asks the same server on one kept connection, one
 * request after the other, and nothing of ours is in its way.
 *
 * usage: fetch_direct URL SECONDS          prints {"requests": n, "p50_us": x, "p99_us": x,
 * "cpu_us": x}
 */
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

#define SAMPLES_MAX 1000000

static double now_us(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

static int compare(const void *a, const void *b)
{
    double left = *(const double *)a;
    double right = *(const double *)b;
    return (left > right) - (left < right);
}

static size_t take(char *data, size_t size, size_t count, void *context)
{
    (void)data;
    (void)context;
    return size * count;
}

static double cpu_us(void)
{
    struct rusage used;
    (void)getrusage(RUSAGE_SELF, &used);
    return (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1e6 +
           (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec);
}

int main(int argc, char **argv)
{
    double *samples = malloc(SAMPLES_MAX * sizeof(*samples));
    CURL *easy = curl_easy_init();
    size_t count = 0;
    if (argc != 3 || samples == NULL || easy == NULL)
        return 2;
    (void)curl_easy_setopt(easy, CURLOPT_URL, argv[1]);
    (void)curl_easy_setopt(easy, CURLOPT_PROXY, "");
    (void)curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take);
    if (curl_easy_perform(easy) != CURLE_OK)
        return 1;
    double cpu = cpu_us();
    double end = now_us() + atof(argv[2]) * 1e6;
    for (double began = now_us(); began < end && count < SAMPLES_MAX; began = now_us()) {
        if (curl_easy_perform(easy) != CURLE_OK)
            return 1;
        samples[count++] = now_us() - began;
    }
    cpu = cpu_us() - cpu;
    qsort(samples, count, sizeof(*samples), compare);
    (void)printf("{\"requests\": %zu, \"p50_us\": %.1f, \"p99_us\": %.1f, \"cpu_us\": %.1f}\n",
                 count, samples[count / 2], samples[count * 99 / 100], cpu / (double)count);
    curl_easy_cleanup(easy);
    free(samples);
    return 0;
}
