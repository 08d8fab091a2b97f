// SPDX-License-Identifier: Apache-2.0
/* yyjson reads a document of records, adds to each of them, and writes the document again, compact
 * or indented, some times.
 */
#include "input.h"

#include <stdlib.h>
#include <yyjson.h>

enum { BYTES = 600000, TURNS = 32 };

static void put_record(struct input *input)
{
    input_put(input, "{\"id\":");
    input_number(input, 1000000);
    input_put(input, ",\"name\":\"");
    input_words(input, 2);
    input_put(input, "\",\"text\":\"");
    input_words(input, 8);
    input_put(input, "\\n\\u00e9 \\\"");
    input_words(input, 3);
    input_put(input, "\\\"\",\"score\":");
    input_number(input, 1000);
    input_put(input, ".");
    input_number(input, 100000000);
    input_put(input, ",\"tags\":[");
    for (uint32_t left = input_random(input, 6); left > 0; left--) {
        input_put(input, "\"");
        input_word(input);
        input_put(input, left > 1 ? "\"," : "\"");
    }
    input_put(input, "],\"place\":{\"x\":-");
    input_number(input, 180);
    input_put(input, "e-2,\"y\":");
    input_number(input, 90);
    input_put(input, ".5,\"known\":true,\"parent\":null}}");
}

static uint32_t turn(const struct input *input, uint32_t hash, bool pretty)
{
    yyjson_doc *parsed = yyjson_read(input->bytes, input->used, 0);
    yyjson_mut_doc *doc = yyjson_doc_mut_copy(parsed, NULL);
    yyjson_mut_val *root = yyjson_mut_doc_get_root(doc);
    size_t index, count, length;
    yyjson_mut_val *record;
    double sum = 0;
    char *text;

    yyjson_mut_arr_foreach(root, index, count, record)
    {
        sum += yyjson_mut_get_real(yyjson_mut_obj_get(record, "score"));
        yyjson_mut_obj_add_uint(doc, record, "tag_count",
                                yyjson_mut_arr_size(yyjson_mut_obj_get(record, "tags")));
    }
    text = yyjson_mut_write(doc, pretty ? YYJSON_WRITE_PRETTY : 0, &length);
    hash = input_hash(hash, text, length) + (uint32_t)sum;
    free(text);
    yyjson_mut_doc_free(doc);
    yyjson_doc_free(parsed);
    return hash;
}

int main(void)
{
    static char bytes[BYTES];
    struct input input = {.bytes = bytes, .size = sizeof bytes, .random = 1};
    uint32_t hash = 0;

    input_put(&input, "[");
    while (input.used < BYTES - 2000) {
        put_record(&input);
        input_put(&input, input.used < BYTES - 2000 ? ",\n" : "]");
    }
    for (int i = 0; i < TURNS; i++) {
        hash = turn(&input, hash, i % 4 == 0);
    }
    printf("%zu %08x\n", input.used, (unsigned)hash);
    return 0;
}
