// SPDX-License-Identifier: Apache-2.0
/* cmark turns a long document into HTML, some times: headings, paragraphs with emphasis, links and
 * code, nested lists, quotes, references, fenced code.
 */
#include "input.h"

#include <cmark.h>
#include <stdlib.h>

enum { BYTES = 400000, TURNS = 15 };

static void put_line(struct input *input, const char *begin, uint32_t words, const char *end)
{
    input_put(input, begin);
    input_words(input, 1 + input_random(input, words));
    input_put(input, end);
}

static void put_paragraph(struct input *input)
{
    for (uint32_t left = 1 + input_random(input, 6); left > 0; left--) {
        put_line(input, "", 12, " ");
        switch (input_random(input, 7)) {
        case 0:
            put_line(input, "*", 3, "* ");
            break;
        case 1:
            put_line(input, "**", 3, "** ");
            break;
        case 2:
            put_line(input, "`", 2, "` ");
            break;
        case 3:
            put_line(input, "[", 3, "](https://example.org/a?b=1&c \"title\") ");
            break;
        case 4:
            put_line(input, "[", 1, "][ref] ");
            break;
        case 5:
            input_put(input, "&amp; <b>x</b> \\* ");
            break;
        default:
            break;
        }
        put_line(input, "", 8, left % 3 == 0 ? ".\n" : ". ");
    }
    input_put(input, "\n\n");
}

static void put_block(struct input *input)
{
    switch (input_random(input, 8)) {
    case 0:
        put_line(input, "## ", 6, "\n\n");
        break;
    case 1:
        put_line(input, "- ", 8, "\n");
        put_line(input, "  1. *", 8, "*\n");
        put_line(input, "  2. ", 8, "\n");
        put_line(input, "- ", 8, "\n\n");
        break;
    case 2:
        put_line(input, "> ", 12, "\n");
        put_line(input, "> > ", 12, "\n\n");
        break;
    case 3:
        put_line(input, "```c\n", 12, "\n```\n\n");
        break;
    default:
        put_paragraph(input);
        break;
    }
}

int main(void)
{
    static char bytes[BYTES];
    struct input input = {.bytes = bytes, .size = sizeof bytes, .random = 2};
    uint32_t hash = 0;

    input_put(&input, "[ref]: https://example.org/ref 'reference'\n\n");
    while (input.used < BYTES - 4000) {
        put_block(&input);
    }
    for (int i = 0; i < TURNS; i++) {
        char *html = cmark_markdown_to_html(bytes, input.used, CMARK_OPT_DEFAULT);

        hash = input_hash(hash, html, strlen(html));
        free(html);
    }
    printf("%zu %08x\n", input.used, (unsigned)hash);
    return 0;
}
