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

/* All others: FUNCTION as libcurl's header has them; those that free what they are given need no
 * library for nothing. */
#define FUNCTION(result, name, parameters, arguments)                                              \
    result name parameters                                                                         \
    {                                                                                              \
        return LATE(name) arguments;                                                               \
    }
#define FREEING(result, name, type, nothing)                                                       \
    result name(type *object)                                                                      \
    {                                                                                              \
        return object == NULL ? nothing : LATE(name)(object);                                      \
    }
#include "deploy/late_curl.def"
