// SPDX-License-Identifier: Apache-2.0
/* Vectors of 128 bits as libraries use them: a product of matrices of floats, a blur of an image
 * in 16-bit lanes, and hexadecimal digits by swizzle, with their ASCII check.
 */
#include "input.h"

#include <wasm_simd128.h>

enum { ORDER = 160, WIDTH = 1024, HEIGHT = 512, BYTES = 1 << 20 };

static float left[ORDER][ORDER], right[ORDER][ORDER], product[ORDER][ORDER];
static uint8_t image[HEIGHT][WIDTH], blurred[HEIGHT][WIDTH];
static uint8_t plain[BYTES], digits[2 * BYTES];

static void multiply(void)
{
    for (int i = 0; i < ORDER; i++) {
        for (int j = 0; j < ORDER; j += 8) {
            v128_t low = wasm_f32x4_splat(0), high = wasm_f32x4_splat(0);

            for (int k = 0; k < ORDER; k++) {
                v128_t factor = wasm_v128_load32_splat(&left[i][k]);

                low = wasm_f32x4_add(low, wasm_f32x4_mul(factor, wasm_v128_load(&right[k][j])));
                high =
                    wasm_f32x4_add(high, wasm_f32x4_mul(factor, wasm_v128_load(&right[k][j + 4])));
            }
            wasm_v128_store(&product[i][j], low);
            wasm_v128_store(&product[i][j + 4], high);
        }
    }
}

/* (1 2 1) of eight pixels of a row, in 16-bit lanes. */
static v128_t blur_row(const uint8_t *at)
{
    v128_t before = wasm_u16x8_load8x8(at - 1), here = wasm_u16x8_load8x8(at);
    v128_t after = wasm_u16x8_load8x8(at + 1);

    return wasm_i16x8_add(wasm_i16x8_add(before, after), wasm_i16x8_shl(here, 1));
}

static void blur(void)
{
    v128_t half = wasm_i16x8_splat(8);

    for (int y = 1; y < HEIGHT - 1; y++) {
        for (int x = 8; x < WIDTH - 8; x += 8) {
            v128_t sum = wasm_i16x8_shl(blur_row(&image[y][x]), 1);

            sum = wasm_i16x8_add(sum, blur_row(&image[y - 1][x]));
            sum = wasm_i16x8_add(sum, blur_row(&image[y + 1][x]));
            sum = wasm_u16x8_shr(wasm_i16x8_add(sum, half), 4);
            wasm_v128_store64_lane(&blurred[y][x], wasm_u8x16_narrow_i16x8(sum, sum), 0);
        }
    }
}

/* Whether the digits are all ASCII. */
static int hexadecimal(void)
{
    v128_t table = wasm_i8x16_const('0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c',
                                    'd', 'e', 'f');
    v128_t mask = wasm_i8x16_splat(15), seen = wasm_i8x16_splat(0);

    for (int i = 0; i < BYTES; i += 16) {
        v128_t bytes = wasm_v128_load(plain + i);
        v128_t high = wasm_i8x16_swizzle(table, wasm_u8x16_shr(bytes, 4));
        v128_t low = wasm_i8x16_swizzle(table, wasm_v128_and(bytes, mask));
        v128_t first =
            wasm_i8x16_shuffle(high, low, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
        v128_t second = wasm_i8x16_shuffle(high, low, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29,
                                           14, 30, 15, 31);

        seen = wasm_v128_or(seen, wasm_v128_or(first, second));
        wasm_v128_store(digits + 2 * i, first);
        wasm_v128_store(digits + 2 * i + 16, second);
    }
    return wasm_i8x16_bitmask(seen) == 0;
}

int main(void)
{
    struct input input = {.random = 5};
    int ascii = 1;

    for (int i = 0; i < ORDER * ORDER; i++) {
        left[i / ORDER][i % ORDER] = (float)input_random(&input, 100);
        right[i / ORDER][i % ORDER] = (float)input_random(&input, 100);
    }
    for (int i = 0; i < WIDTH * HEIGHT; i++) {
        image[i / WIDTH][i % WIDTH] = (uint8_t)input_random(&input, 256);
    }
    for (int i = 0; i < BYTES; i++) {
        plain[i] = (uint8_t)input_random(&input, 256);
    }
    for (int turn = 0; turn < 72; turn++) {
        multiply();
        blur();
        ascii &= hexadecimal();
        memcpy(image, blurred, sizeof image);
        plain[turn] = (uint8_t)(plain[turn] + 1);
    }
    printf("%08x %08x %08x %d\n", (unsigned)input_hash(0, product, sizeof product),
           (unsigned)input_hash(0, blurred, sizeof blurred),
           (unsigned)input_hash(0, digits, sizeof digits), ascii);
    return 0;
}
