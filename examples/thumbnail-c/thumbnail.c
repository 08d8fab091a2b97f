/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Makes a thumbnail of the picture that is posted: JPEG, PNG, GIF or BMP in, JPEG out, no side
 * longer than `?side=` (128). The pictures are stb's work; this function has wasi-libc for it.
 */
#define SKERRY_HAVE_LIBC
#include "skerry.h"

#include <stdlib.h>

#define STB_IMAGE_IMPLEMENTATION
#define STB_IMAGE_RESIZE_IMPLEMENTATION
#define STB_IMAGE_WRITE_IMPLEMENTATION
#define STBI_NO_STDIO
#define STBI_WRITE_NO_STDIO
#define STBI_NO_HDR
#define STBI_NO_LINEAR
#define STBI_NO_THREAD_LOCALS
#include <stb/stb_image.h>
#include <stb/stb_image_resize.h>
#include <stb/stb_image_write.h>

#define PICTURE_BYTES_MAX (4 << 20)
#define PIXELS_MAX        (4096 * 4096)
#define SIDE_MAX          1024
#define QUALITY           85
#define CHANNELS          3

static char picture[PICTURE_BYTES_MAX];

/* `?side=64` */
static int wanted_side(void)
{
    char uri[256] = "";
    uint32_t bytes = skerry_get_uri(uri, sizeof(uri) - 1);
    const char *side = bytes < sizeof(uri) ? strstr(uri, "?side=") : NULL;
    int number = side == NULL ? 128 : atoi(side + strlen("?side="));
    return number < 1 ? 1 : number > SIDE_MAX ? SIDE_MAX : number;
}

static void send(void *context, void *data, int bytes)
{
    (void)context;
    skerry_write_body(SKERRY_RESPONSE_BODY, data, (uint32_t)bytes);
}

SKERRY_EXPORT("handle_request") uint64_t handle_request(void)
{
    int width, height, channels;
    uint32_t bytes = skerry_request_body(picture, sizeof(picture));
    if (bytes == sizeof(picture))
        return skerry_answer(413, "At most 4 MiB, please.\n");
    if (!stbi_info_from_memory((stbi_uc *)picture, (int)bytes, &width, &height, &channels))
        return skerry_answer(415, "POST a JPEG, PNG, GIF or BMP, please.\n");
    if ((int64_t)width * height > PIXELS_MAX)
        return skerry_answer(413, "At most 16 million pixels, please.\n");
    stbi_uc *pixels =
        stbi_load_from_memory((stbi_uc *)picture, (int)bytes, &width, &height, &channels, CHANNELS);
    if (pixels == NULL)
        return skerry_answer(422, "That picture is damaged.\n");
    int side = wanted_side();
    int longer = width > height ? width : height;
    int small_width = longer <= side ? width : width * side / longer;
    int small_height = longer <= side ? height : height * side / longer;
    small_width += small_width == 0;
    small_height += small_height == 0;
    stbi_uc *small = malloc((size_t)small_width * (size_t)small_height * CHANNELS);
    if (small == NULL || !stbir_resize_uint8(pixels, width, height, 0, small, small_width,
                                             small_height, 0, CHANNELS))
        return skerry_answer(500, "There is not enough memory.\n");
    skerry_say_header("content-type", "image/jpeg");
    stbi_write_jpg_to_func(send, NULL, small_width, small_height, CHANNELS, small, QUALITY);
    return SKERRY_ANSWERED;
}

SKERRY_NO_RESPONSE_HANDLER
