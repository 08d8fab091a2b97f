/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Property: whatever a certifying server says, it is refused with a reason, or what is taken of it
 * has the form that it goes on with: tokens of base64url, URLs, plain text.
 *
 *   | bytes of the head's fields, 1 byte | fields | body |
 */
#include "deploy/acme/acme_read.h"
#include "deploy/acme/jose.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_text(const char *text, size_t room)
{
    size_t count = strnlen(text, room);
    ASSERT(count < room);
    for (size_t i = 0; i < count; i++)
        ASSERT(text[i] >= ' ' && text[i] <= '~');
}

static void check_body(struct bytes body)
{
    struct report report = REPORT_INIT;
    struct acme_directory directory;
    struct acme_order_view order;
    struct acme_authorization found;
    struct acme_problem problem;
    if (acme_read_directory(body, &report, &directory) == STATUS_OK)
        check_text(directory.terms, sizeof(directory.terms));
    else
        ASSERT(report.text[0] != '\0');
    if (acme_read_order(body, "a.test", &report, &order) == STATUS_OK) {
        ASSERT(order.finalize[0] != '\0' && order.authorization[0] != '\0');
        check_text(order.error, sizeof(order.error));
    }
    if (acme_read_authorization(body, "a.test", ACME_CHALLENGE_HTTP, &report, &found) ==
        STATUS_OK) {
        ASSERT(!found.has_challenge || jose_is_encoded(bytes_of_text(found.token)));
        check_text(found.error, sizeof(found.error));
    }
    acme_read_problem(400, body, &problem);
    ASSERT(problem.text[0] != '\0');
    check_text(problem.text, sizeof(problem.text));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char nonce[ACME_NONCE_BYTES];
    char url[ACME_URL_BYTES];
    if (size == 0 || data[0] > size - 1)
        return 0;
    struct bytes fields = bytes_make(data + 1, data[0]);
    if (acme_take_nonce(fields, nonce))
        ASSERT(jose_is_encoded(bytes_of_text(nonce)));
    (void)acme_take_location(fields, url);
    ASSERT(acme_retry_after_s(fields) <= ACME_RETRY_S_MAX);
    check_body(bytes_make(data + 1 + data[0], size - 1 - data[0]));
    return 0;
}
