// SPDX-License-Identifier: Apache-2.0
/* Zstandard compresses text at a fast, the usual and a thorough level, and decompresses each
 * several times; what comes out must be what went in.
 */
#include "input.h"

#include <stdlib.h>
#include <zstd.h>

enum { BYTES = 1000000 };

int main(void)
{
    static const int LEVELS[] = {1, 3, 9};
    static char bytes[BYTES], again[BYTES];
    struct input input = {.bytes = bytes, .size = sizeof bytes, .random = 3};
    size_t bound = ZSTD_compressBound(BYTES);
    char *packed = malloc(bound);

    while (input.used < BYTES - 200) {
        input_words(&input, 1 + input_random(&input, 12));
        input_put(&input, ", ");
        input_number(&input, 100000);
        input_put(&input, "\n");
    }
    for (size_t i = 0; i < sizeof LEVELS / sizeof LEVELS[0]; i++) {
        size_t length = ZSTD_compress(packed, bound, bytes, input.used, LEVELS[i]);

        for (int turn = 0; turn < 8; turn++) {
            if (ZSTD_decompress(again, BYTES, packed, length) != input.used ||
                memcmp(bytes, again, input.used) != 0) {
                puts("not the same");
                return 1;
            }
        }
        printf("%zu %08x ", length, (unsigned)input_hash(0, packed, length));
    }
    puts("");
    return 0;
}
