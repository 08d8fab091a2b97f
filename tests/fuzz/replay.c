/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A fuzz target without a fuzzer: gives it each file of a folder once, in the order of their
 * names, so that what was found stays found in every build. A finding aborts, as it does there.
 *
 *   replay FOLDER
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/fuzz/run.h"

enum { SEED_BYTES_MAX = 1 << 20 };

static int is_file(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

/* False: cannot be read. */
static bool replay(const char *folder, const char *name)
{
    char path[4096];
    if (snprintf(path, sizeof(path), "%s/%s", folder, name) >= (int)sizeof(path))
        return false;
    FILE *file = fopen(path, "rb");
    uint8_t *seed = malloc(SEED_BYTES_MAX);
    size_t count = file != NULL && seed != NULL ? fread(seed, 1, SEED_BYTES_MAX, file) : 0;
    bool is_read = file != NULL && ferror(file) == 0;
    if (file != NULL)
        (void)fclose(file);
    if (is_read) {
        /* Of exactly its size: what reads past its end is noticed. */
        uint8_t *exact = realloc(seed, MAX(count, (size_t)1));
        seed = exact != NULL ? exact : seed;
        (void)fprintf(stderr, "%s\n", path);
        (void)LLVMFuzzerTestOneInput(seed, count);
    }
    free(seed);
    return is_read;
}

int main(int argc, char **argv)
{
    struct dirent **entries;
    int count = argc == 2 ? scandir(argv[1], &entries, is_file, alphasort) : -1;
    if (count <= 0) {
        (void)fprintf(stderr, "usage: %s FOLDER, with seeds in it\n", argv[0]);
        return 2;
    }
    int failed = 0;
    for (int i = 0; i < count; i++) {
        failed += !replay(argv[1], entries[i]->d_name);
        free(entries[i]);
    }
    free(entries);
    printf("%d passed, %d failed, 0 skipped\n", count - failed, failed);
    return failed > 0;
}
