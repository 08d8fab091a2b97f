/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Property: a text that is taken for a URL is printed as one that is read the same, and libcurl,
 * which will connect to what is printed, reads the same host and port in it. A rule that is read
 * allows the origin that it was made of, and no other. What a reference comes to has no line's end
 * in it.
 */
#include <curl/curl.h>
#include <stdlib.h>

#include "config/url.h"
#include "engine/base/macros.h"
#include "tests/fuzz/run.h"

static void check_curl(const struct config_url *url, const char *printed)
{
    CURLU *handle = curl_url();
    char *host = NULL;
    char *port = NULL;
    ASSERT(handle != NULL);
    ASSERT(curl_url_set(handle, CURLUPART_URL, printed, CURLU_PATH_AS_IS) == CURLUE_OK);
    ASSERT(curl_url_get(handle, CURLUPART_HOST, &host, 0) == CURLUE_OK);
    ASSERT(curl_url_get(handle, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) == CURLUE_OK);
    struct bytes seen = bytes_of_text(host);
    if (url->kind == CONFIG_URL_HOST_V6)
        seen = bytes_make(seen.data + 1, seen.count - 2);
    ASSERT(bytes_equal_text(seen, url->host));
    ASSERT(atoi(port) == url->port);
    curl_free(host);
    curl_free(port);
    curl_url_cleanup(handle);
}

static void check_url(const struct config_url *url)
{
    struct config_url again;
    struct buffer out;
    struct buffer twice;
    buffer_init(&out, CONFIG_URL_BYTES_MAX + CONFIG_URL_ORIGIN_BYTES);
    buffer_init(&twice, CONFIG_URL_BYTES_MAX + CONFIG_URL_ORIGIN_BYTES);
    ASSERT(config_url_print(url, &out) == STATUS_OK);
    if (out.count <= CONFIG_URL_BYTES_MAX) {
        ASSERT(config_url_parse(buffer_bytes(&out), NULL, &again) == STATUS_OK);
        ASSERT(config_url_print(&again, &twice) == STATUS_OK);
        ASSERT(bytes_equal(buffer_bytes(&out), buffer_bytes(&twice)));
        ASSERT(buffer_append(&twice, "", 1) == STATUS_OK);
        check_curl(url, (const char *)twice.data);
    }
    buffer_done(&out);
    buffer_done(&twice);
}

static void check_rule(struct bytes input)
{
    struct config_url_rule rule;
    struct config_url url;
    char origin[CONFIG_URL_ORIGIN_BYTES];
    if (config_url_rule_parse(input, NULL, &rule) != STATUS_OK || rule.is_open)
        return;
    ASSERT(config_url_rule_matches(&rule, &rule.origin));
    config_url_origin(&rule.origin, origin);
    ASSERT(config_url_parse(bytes_of_text(origin), NULL, &url) == STATUS_OK);
    ASSERT(config_url_rule_matches(&rule, &url));
    url.port ^= 1;
    ASSERT(!config_url_rule_matches(&rule, &url));
}

static void check_reference(struct bytes input)
{
    struct config_url base;
    struct config_url url;
    struct buffer out;
    buffer_init(&out, 2 * CONFIG_URL_BYTES_MAX);
    ASSERT(config_url_parse(bytes_of_text("https://h.example:8/a/b/c?d"), NULL, &base) ==
           STATUS_OK);
    if (config_url_resolve(&base, input, &out) == STATUS_OK &&
        config_url_parse(buffer_bytes(&out), NULL, &url) == STATUS_OK)
        check_url(&url);
    buffer_done(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes input = bytes_make(data, size);
    struct config_url url;
    if (config_url_parse(input, NULL, &url) == STATUS_OK)
        check_url(&url);
    check_rule(input);
    check_reference(input);
    return 0;
}
