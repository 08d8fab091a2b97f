/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libcurl comes when it is called, and gets what it is called with.
 */
#include <curl/curl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "tests/support/unit.h"

#define PORT_OVER_ALL 70000L

static bool is_loaded(void)
{
    char line[1024];
    bool found = false;
    FILE *maps = fopen("/proc/self/maps", "re");
    assert_non_null(maps);
    while (fgets(line, sizeof(line), maps) != NULL)
        found = found || strstr(line, "/libcurl.so") != NULL;
    assert_int_equal(fclose(maps), 0);
    return found;
}

static void it_is_loaded_when_it_is_called_first(void **state)
{
    (void)state;
    assert_false(is_loaded());
    char *escaped = curl_easy_escape(NULL, "a b", 0);
    assert_string_equal(escaped, "a%20b");
    curl_free(escaped);
    assert_true(is_loaded());
}

static void pointers_and_numbers_arrive(void **state)
{
    (void)state;
    int mine = 0;
    char *found = NULL;
    CURL *easy = curl_easy_init();
    assert_non_null(easy);
    assert_int_equal(curl_easy_setopt(easy, CURLOPT_PRIVATE, &mine), CURLE_OK);
    assert_int_equal(curl_easy_getinfo(easy, CURLINFO_PRIVATE, &found), CURLE_OK);
    assert_ptr_equal(found, &mine);
    assert_int_equal(curl_easy_setopt(easy, CURLOPT_PORT, 1L), CURLE_OK);
    assert_int_not_equal(curl_easy_setopt(easy, CURLOPT_PORT, PORT_OVER_ALL), CURLE_OK);
    assert_string_equal(curl_easy_strerror(CURLE_OK), "No error");
    curl_easy_reset(easy);
    curl_easy_cleanup(easy);
    curl_easy_cleanup(NULL);
}

static void several_work_together(void **state)
{
    (void)state;
    int left = 0;
    int running = 0;
    assert_int_equal(curl_global_init(CURL_GLOBAL_DEFAULT), CURLE_OK);
    CURLM *multi = curl_multi_init();
    CURLSH *share = curl_share_init();
    CURL *easy = curl_easy_init();
    struct curl_slist *list = curl_slist_append(NULL, "X: y");
    assert_int_equal(curl_share_setopt(share, CURLSHOPT_SHARE, CURL_LOCK_DATA_DNS), CURLSHE_OK);
    assert_int_equal(curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, 4L), CURLM_OK);
    /* No protocol is allowed, so it fails without anybody being asked. */
    assert_int_equal(curl_easy_setopt(easy, CURLOPT_URL, "nosuch://x"), CURLE_OK);
    assert_int_equal(curl_easy_setopt(easy, CURLOPT_HTTPHEADER, list), CURLE_OK);
    assert_int_equal(curl_multi_add_handle(multi, easy), CURLM_OK);
    assert_int_equal(curl_multi_socket_action(multi, CURL_SOCKET_TIMEOUT, 0, &running), CURLM_OK);
    const CURLMsg *message = curl_multi_info_read(multi, &left);
    assert_non_null(message);
    assert_ptr_equal(message->easy_handle, easy);
    assert_int_equal(message->data.result, CURLE_UNSUPPORTED_PROTOCOL);
    assert_int_equal(curl_multi_remove_handle(multi, easy), CURLM_OK);
    curl_easy_cleanup(easy);
    assert_int_equal(curl_share_cleanup(share), CURLSHE_OK);
    assert_int_equal(curl_multi_cleanup(multi), CURLM_OK);
    curl_slist_free_all(list);
    curl_global_cleanup();
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_loaded_when_it_is_called_first),
        cmocka_unit_test(pointers_and_numbers_arrive),
        cmocka_unit_test(several_work_together),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
