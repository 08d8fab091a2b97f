/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Property: what is read of an HTTP/1 request, head and chunks, does not depend on where the
 * network cut it, lies within the bytes that came, and has nothing in it that two readers could
 * understand differently.
 *
 *   | where to cut | a request |
 */
#include <strings.h>

#include "engine/base/macros.h"
#include "server/front/http1_parse.h"
#include "tests/fuzz/run.h"

enum { HEAD_MAX = 1000, BODY_MAX = 500, INPUT_MAX = 1 << 16 };

static const struct http1_rules rules = {.head_bytes_max = HEAD_MAX, .body_bytes_max = BODY_MAX};

static void check_view(struct bytes input, struct bytes view)
{
    if (view.count == 0)
        return;
    ASSERT(view.data >= input.data && view.data + view.count <= input.data + input.count);
    for (size_t i = 0; i < view.count; i++)
        ASSERT(view.data[i] == '\t' || (view.data[i] >= ' ' && view.data[i] != 0x7f));
}

static void
check_head(struct bytes input, const struct http1_head *head, struct http1_field *fields)
{
    uint32_t hosts = 0;
    ASSERT(head->head_bytes <= input.count && head->head_bytes >= 4);
    ASSERT(memcmp(input.data + head->head_bytes - 4, "\r\n\r\n", 4) == 0);
    ASSERT(http1_is_token(head->method) && http1_is_target(head->target));
    ASSERT(head->field_count <= HTTP1_FIELDS_MAX && head->minor <= 1);
    ASSERT(!head->is_chunked || (!head->has_length && head->minor == 1));
    ASSERT(head->content_length <= BODY_MAX);
    check_view(input, head->method);
    check_view(input, head->target);
    for (uint32_t i = 0; i < head->field_count; i++) {
        struct bytes name = bytes_make(fields[i].name, fields[i].name_count);
        struct bytes value = bytes_make(fields[i].value, fields[i].value_count);
        ASSERT(http1_is_token(name));
        check_view(input, name);
        check_view(input, value);
        ASSERT(value.count == 0 || (value.data[0] != ' ' && value.data[value.count - 1] != ' '));
        hosts += name.count == 4 && strncasecmp(fields[i].name, "host", 4) == 0;
    }
    ASSERT(hosts <= 1 && (hosts == 1 || head->minor == 0));
}

/* Returns how many bytes the head has; 0 if it is refused or has no end. */
static size_t read_head(struct bytes input, size_t cut)
{
    struct http1_field fields[HTTP1_FIELDS_MAX];
    struct http1_head whole;
    struct http1_head pieces;
    enum http1_outcome outcome = http1_parse_head(input, 0, &rules, fields, &whole);
    if (outcome == HTTP1_COMPLETE)
        check_head(input, &whole, fields);
    ASSERT(outcome != HTTP1_INCOMPLETE || input.count <= HEAD_MAX);
    enum http1_outcome cut_outcome =
        http1_parse_head(bytes_make(input.data, cut), 0, &rules, fields, &pieces);
    if (cut_outcome == HTTP1_INCOMPLETE)
        cut_outcome = http1_parse_head(input, cut, &rules, fields, &pieces);
    ASSERT(cut_outcome == outcome ||
           (cut_outcome == HTTP1_INCOMPLETE && outcome == HTTP1_REFUSED) ||
           (cut_outcome == HTTP1_REFUSED && pieces.refusal == REFUSAL_HEADERS_LARGE));
    return outcome == HTTP1_COMPLETE ? whole.head_bytes : 0;
}

struct decoded {
    enum http1_outcome outcome;
    size_t count;
    size_t left;
    char bytes[INPUT_MAX];
};

/* `cut` bytes, then the rest. */
static void decode(struct bytes input, size_t cut, struct decoded *ret)
{
    struct http1_chunks chunks = {0};
    size_t counts[2] = {cut, input.count - cut};
    size_t at = 0;
    ret->outcome = HTTP1_INCOMPLETE;
    ret->count = ret->left = 0;
    for (int i = 0; i < 2; i++) {
        if (ret->outcome == HTTP1_INCOMPLETE) {
            size_t count;
            memcpy(ret->bytes + ret->count, input.data + at, counts[i]);
            ret->outcome = http1_decode_chunks(&chunks, ret->bytes + ret->count, counts[i], &count,
                                               &ret->left);
            ASSERT(count + ret->left <= counts[i]);
            ret->count += count;
        } else {
            ret->left += counts[i];
        }
        at += counts[i];
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct decoded whole;
    static struct decoded pieces;
    if (size < 2 || size > INPUT_MAX)
        return 0;
    struct bytes input = bytes_make(data + 2, size - 2);
    size_t cut = (size_t)(data[0] | data[1] << 8);
    size_t head = read_head(input, cut % (input.count + 1));
    struct bytes body = bytes_make(input.data + head, input.count - head);
    decode(body, 0, &whole);
    decode(body, cut % (body.count + 1), &pieces);
    ASSERT(whole.outcome == pieces.outcome);
    if (whole.outcome == HTTP1_REFUSED)
        return 0;
    ASSERT(whole.count == pieces.count && memcmp(whole.bytes, pieces.bytes, whole.count) == 0);
    ASSERT(whole.outcome == HTTP1_INCOMPLETE || whole.left == pieces.left);
    return 0;
}
