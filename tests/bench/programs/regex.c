// SPDX-License-Identifier: Apache-2.0
/* PCRE2, interpreting, finds all matches of some patterns in the lines of an access log. Of each
 * pattern the number of matches is printed, and a hash of their places.
 */
#include "input.h"

#include <pcre2.h>

enum { BYTES = 400000 };

static const char *const PATTERNS[] = {
    "\\b(\\d{1,3})\\.(\\d{1,3})\\.(\\d{1,3})\\.(\\d{1,3})\\b",
    "\"(GET|POST|PUT) ([^ \"]*)\\?([^ \"]+) HTTP/1\\.[01]\" (4\\d\\d|5\\d\\d)",
    "(?i)user=([a-z]+)&(?:[a-z]+=[a-z]+&)*id=(\\d+)",
    "(?<=agent:)\\s*(\\w+\\s+)*?(\\w*or)\\b",
    "(\\w+) \\1",
    "^.*?(ka|lo|mi)(ner|tu)+.*$",
    "[\\w.]+@[\\w.]+\\.(?:com|org|net)",
};

static void put_line(struct input *input)
{
    static const char *const METHODS[] = {"GET", "POST", "PUT", "HEAD"};
    static const char *const STATUSES[] = {"200", "204", "301", "404", "503"};

    for (int part = 0; part < 4; part++) {
        input_number(input, 256);
        input_put(input, part < 3 ? "." : " - \"");
    }
    input_put(input, METHODS[input_random(input, 4)]);
    input_put(input, " /");
    input_word(input);
    input_put(input, "/");
    input_word(input);
    input_put(input, "?User=");
    input_word(input);
    input_put(input, "&lang=");
    input_word(input);
    input_put(input, "&id=");
    input_number(input, 100000);
    input_put(input, " HTTP/1.1\" ");
    input_put(input, STATUSES[input_random(input, 5)]);
    input_put(input, " agent: ");
    input_words(input, 5);
    input_put(input, " <");
    input_word(input);
    input_put(input, input_random(input, 2) == 0 ? "@example.org>\n" : "@example>\n");
}

/* All matches of one pattern: their number, and a hash of their places. */
static int find_all(const char *pattern, const struct input *input)
{
    int code;
    size_t offset;
    pcre2_code *regex = pcre2_compile((PCRE2_SPTR)pattern, PCRE2_ZERO_TERMINATED, PCRE2_MULTILINE,
                                      &code, &offset, NULL);
    pcre2_match_data *match;
    PCRE2_SIZE *places;
    unsigned count = 0;
    uint32_t hash = 0;

    if (regex == NULL) {
        printf("%s: %d at %zu\n", pattern, code, offset);
        return 1;
    }
    match = pcre2_match_data_create_from_pattern(regex, NULL);
    places = pcre2_get_ovector_pointer(match);
    offset = 0;
    while (pcre2_match(regex, (PCRE2_SPTR)input->bytes, input->used, offset, 0, match, NULL) > 0) {
        count++;
        hash = input_hash(hash, places, 2 * sizeof *places);
        offset = places[1] > places[0] ? places[1] : places[1] + 1;
    }
    pcre2_match_data_free(match);
    pcre2_code_free(regex);
    printf("%u %08x ", count, (unsigned)hash);
    return 0;
}

int main(void)
{
    static char bytes[BYTES];
    struct input input = {.bytes = bytes, .size = sizeof bytes, .random = 4};
    int failed = 0;

    while (input.used < BYTES - 400) {
        put_line(&input);
    }
    for (size_t i = 0; i < sizeof PATTERNS / sizeof PATTERNS[0]; i++) {
        failed |= find_all(PATTERNS[i], &input);
    }
    puts("");
    return failed;
}
