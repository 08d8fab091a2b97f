/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libcurl, loaded when one of its functions is first called.
 *
 * It brings thirty libraries, and linking those takes longer than all else that a short-lived
 * process of this program does: `skerry run`, and the builder of each deploy, which never ask
 * anybody. So the program is linked with what is below in libcurl's place: each function is
 * libcurl's of the same name and type, found once.
 *
 * What each function remembers is mutable and static, against the style of the house: it is what a
 * linker's table is, and the same for everybody who asks.
 */
#define CURL_DISABLE_TYPECHECK
#include <curl/curl.h>
#include <dlfcn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define LATE_LIBRARY "libcurl.so.4"
#define LATE_EXIT    127

/* Global, so that doors before OpenSSL's functions find those that it brings [RTLD_NEXT]. */
static void *late_find(const char *name)
{
    static void *library;
    if (library == NULL)
        library = dlopen(LATE_LIBRARY, RTLD_NOW | RTLD_GLOBAL);
    void *found = library == NULL ? NULL : dlsym(library, name);
    if (found == NULL) {
        (void)fprintf(stderr, "skerry: %s; apt-get install libcurl4\n", dlerror());
        exit(LATE_EXIT);
    }
    return found;
}

/* The function of libcurl's that has this name. */
#define LATE(name)                                                                                 \
    ({                                                                                             \
        static __typeof__(name) *late_found;                                                       \
        if (late_found == NULL)                                                                    \
            late_found = (__typeof__(name) *)late_find(#name);                                     \
        late_found;                                                                                \
    })

/* Of those that take one more argument, which is a pointer or a long: it travels as a pointer does
 * (on the machines that there is an engine for). */
#define LATE_VARIADIC(result, name, handle, option)                                                \
    result name(handle *to, option which, ...)                                                     \
    {                                                                                              \
        va_list arguments;                                                                         \
        va_start(arguments, which);                                                                \
        void *value = va_arg(arguments, void *);                                                   \
        va_end(arguments);                                                                         \
        return LATE(name)(to, which, value);                                                       \
    }

_Static_assert(sizeof(long) == sizeof(void *) && sizeof(curl_off_t) == sizeof(void *),
               "an argument that varies is one word");

#undef curl_easy_setopt
#undef curl_easy_getinfo
#undef curl_multi_setopt
#undef curl_share_setopt
LATE_VARIADIC(CURLcode, curl_easy_setopt, CURL, CURLoption)
LATE_VARIADIC(CURLcode, curl_easy_getinfo, CURL, CURLINFO)
LATE_VARIADIC(CURLMcode, curl_multi_setopt, CURLM, CURLMoption)
LATE_VARIADIC(CURLSHcode, curl_share_setopt, CURLSH, CURLSHoption)

CURLcode curl_global_init(long flags)
{
    return LATE(curl_global_init)(flags);
}

void curl_global_cleanup(void)
{
    LATE(curl_global_cleanup)();
}

void curl_free(void *text)
{
    LATE(curl_free)(text);
}

/* ---- easy ------------------------------------------------------------------------------------ */

CURL *curl_easy_init(void)
{
    return LATE(curl_easy_init)();
}

void curl_easy_cleanup(CURL *easy)
{
    if (easy != NULL)
        LATE(curl_easy_cleanup)(easy);
}

void curl_easy_reset(CURL *easy)
{
    LATE(curl_easy_reset)(easy);
}

CURLcode curl_easy_perform(CURL *easy)
{
    return LATE(curl_easy_perform)(easy);
}

CURLcode curl_easy_pause(CURL *easy, int directions)
{
    return LATE(curl_easy_pause)(easy, directions);
}

char *curl_easy_escape(CURL *easy, const char *text, int bytes)
{
    return LATE(curl_easy_escape)(easy, text, bytes);
}

const char *curl_easy_strerror(CURLcode code)
{
    return LATE(curl_easy_strerror)(code);
}

struct curl_slist *curl_slist_append(struct curl_slist *list, const char *text)
{
    return LATE(curl_slist_append)(list, text);
}

void curl_slist_free_all(struct curl_slist *list)
{
    if (list != NULL)
        LATE(curl_slist_free_all)(list);
}

/* ---- multi, share ---------------------------------------------------------------------------- */

CURLM *curl_multi_init(void)
{
    return LATE(curl_multi_init)();
}

CURLMcode curl_multi_cleanup(CURLM *multi)
{
    return multi == NULL ? CURLM_OK : LATE(curl_multi_cleanup)(multi);
}

CURLMcode curl_multi_add_handle(CURLM *multi, CURL *easy)
{
    return LATE(curl_multi_add_handle)(multi, easy);
}

CURLMcode curl_multi_remove_handle(CURLM *multi, CURL *easy)
{
    return LATE(curl_multi_remove_handle)(multi, easy);
}

CURLMcode curl_multi_assign(CURLM *multi, curl_socket_t socket, void *context)
{
    return LATE(curl_multi_assign)(multi, socket, context);
}

CURLMcode curl_multi_socket_action(CURLM *multi, curl_socket_t socket, int events, int *ret_running)
{
    return LATE(curl_multi_socket_action)(multi, socket, events, ret_running);
}

CURLMsg *curl_multi_info_read(CURLM *multi, int *ret_left)
{
    return LATE(curl_multi_info_read)(multi, ret_left);
}

CURLSH *curl_share_init(void)
{
    return LATE(curl_share_init)();
}

CURLSHcode curl_share_cleanup(CURLSH *share)
{
    return share == NULL ? CURLSHE_OK : LATE(curl_share_cleanup)(share);
}
