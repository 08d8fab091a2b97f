/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One request to one server: a curl handle, what it is told, and what it calls back.
 *
 * A handle is told once what all fetches have in common; what is one's own is told anew for each,
 * all of it: nothing of a fetch is there for the next.
 *
 * curl is told as little as possible, and nothing that it could decide by itself: no redirects, no
 * proxies, no cookies, no .netrc, no names to resolve, no encodings to undo. The socket that it
 * connects is opened here (hop_open_socket), after a last look at where it leads.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server/egress/private.h"

#define HOP_PROTOCOLS      "http,https"
#define HOP_RECEIVE_BYTES  32767L /* a byte more is a page that malloc does not keep at hand */
#define HOP_SEND_BYTES     16384L
#define HOP_DNS_KEPT_S     600L  /* a pinned name, in curl: longer than any fetch */
#define HOP_TRUST_KEPT_S   3600L /* the trusted certificates, once read */
#define HOP_RESOLVED_BYTES (CONFIG_URL_HOST_BYTES + 16 + RESOLVER_ADDRESSES_MAX * 50)
#define HOP_URL_BYTES      (CONFIG_URL_BYTES_MAX + CONFIG_URL_ORIGIN_BYTES)

/* ---- where it may connect -------------------------------------------------------------------- */

static bool hop_is_resolved(const struct egress_fetch *fetch, const struct sockaddr *address)
{
    for (uint32_t i = 0; i < fetch->addresses.count; i++) {
        const struct sockaddr *row = &fetch->addresses.rows[i].any;
        if (row->sa_family != address->sa_family)
            continue;
        if (row->sa_family == AF_INET &&
            ((const struct sockaddr_in *)(const void *)row)->sin_addr.s_addr ==
                ((const struct sockaddr_in *)(const void *)address)->sin_addr.s_addr)
            return true;
        if (row->sa_family == AF_INET6 &&
            memcmp(&((const struct sockaddr_in6 *)(const void *)row)->sin6_addr,
                   &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr, 16) == 0)
            return true;
    }
    return false;
}

static curl_socket_t
hop_open_socket(void *context, curlsocktype purpose, struct curl_sockaddr *address)
{
    struct egress_fetch *fetch = context;
    const char *what = "";
    if (purpose != CURLSOCKTYPE_IPCXN || !hop_is_resolved(fetch, &address->addr) ||
        !address_policy_allows(fetch->policy, &address->addr, &what)) {
        egress_fetch_note(fetch, FETCH_END_ADDRESS, "%s is %s", fetch->url.host, what);
        return CURL_SOCKET_BAD;
    }
    fetch->result.connects++;
    fetch->engine->stats.connects++;
    return egress_pool_open_socket(fetch->pool, address);
}

/* ---- what comes back ---------------------------------------------------------------------------
 */

static bool hop_is_redirect(const struct egress_fetch *fetch)
{
    switch (fetch->status) {
    case 301:
    case 302:
    case 303:
    case 307:
    case 308:
        return fetch->follows && fetch->location.data != NULL;
    default:
        return false;
    }
}

static bool hop_is_sent(const struct egress_fetch *fetch)
{
    return !fetch->streams || (!fetch->upload.follows && fetch->upload.count == 0);
}

/* Something is to be done once curl has returned. */
static void hop_call_later(struct egress_fetch *fetch)
{
    static const struct timeval now = {0};
    (void)evtimer_add(&fetch->timer, &now);
}

/* An answer that is here before all of the request was sent ends the fetch: curl itself would wait
 * for the rest. */
static void hop_complete(struct egress_fetch *fetch)
{
    fetch->complete = true;
    hop_call_later(fetch);
}

static void hop_check_complete(struct egress_fetch *fetch)
{
    if (!hop_is_sent(fetch) && fetch->result.received_bytes == fetch->length)
        hop_complete(fetch);
}

/*
 * An answer without a length is over for curl when it reads no more. One in chunks may have been
 * cut instead, if the connection is at its end, and curl says which only when there is nothing to
 * send: after an error's status there is not, except that it waits for us.
 */
void egress_hop_reads_no_more(struct egress_fetch *fetch, curl_socket_t fd)
{
    char byte;
    long version = 0;
    if (!fetch->head_done || fetch->redirecting || fetch->paused_reading || hop_is_sent(fetch) ||
        fetch->length != EGRESS_LENGTH_UNKNOWN || fetch->result.end != FETCH_END_DONE)
        return;
    (void)curl_easy_getinfo(fetch->easy, CURLINFO_HTTP_VERSION, &version);
    if (version == CURL_HTTP_VERSION_2_0)
        return; /* others read from its connection */
    if (!fetch->is_encoded || recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) != 0) {
        hop_complete(fetch);
        return;
    }
    if (fetch->status < 300) {
        egress_fetch_note(fetch, FETCH_END_CLOSED, "before the request's body was sent");
        hop_complete(fetch);
    } else if (fetch->paused_writing) {
        fetch->resumes = true;
        hop_call_later(fetch);
    }
}

static void hop_read_head(struct egress_fetch *fetch, uint32_t status)
{
    fetch->status = status;
    fetch->head_done = true;
    egress_fields_drop_connection(fetch);
    if (fetch->is_encoded)
        egress_fields_drop_length(fetch);
    if (status == 204 || status == 304)
        fetch->length = 0;
    fetch->redirecting = hop_is_redirect(fetch);
}

/* The line without anything: a head is complete. */
static bool hop_head_ends(struct egress_fetch *fetch)
{
    long status = 0;
    (void)curl_easy_getinfo(fetch->easy, CURLINFO_RESPONSE_CODE, &status);
    if (status < 200)
        return true; /* an interim one: the next line begins another */
    hop_read_head(fetch, (uint32_t)status);
    if (fetch->redirecting && (fetch->redirects_left == 0 || !hop_is_sent(fetch))) {
        egress_fetch_note(fetch, FETCH_END_REDIRECTS, "%s",
                          fetch->redirects_left == 0 ? "" : "before the body was sent");
        return false;
    }
    if (fetch->redirecting)
        return true;
    char *url = NULL;
    (void)curl_easy_getinfo(fetch->easy, CURLINFO_EFFECTIVE_URL, &url);
    const struct fetch_head head = {.status = fetch->status,
                                    .field_count = fetch->row_count,
                                    .fields = fetch->rows,
                                    .url = bytes_of_text(url == NULL ? "" : url)};
    fetch->ops->head(fetch->context, &head);
    hop_check_complete(fetch);
    return true;
}

static void hop_clear_head(struct egress_fetch *fetch)
{
    fetch->row_count = 0;
    fetch->location = bytes_make(NULL, 0);
    fetch->length = EGRESS_LENGTH_UNKNOWN;
    fetch->is_encoded = false;
}

static size_t hop_on_head(char *data, size_t size, size_t count, void *context)
{
    static const char version[] = "HTTP/";
    struct egress_fetch *fetch = context;
    struct bytes line = bytes_make(data, size * count);
    size_t taken = line.count;
    fetch->progress_ns = egress_fetch_now(fetch);
    fetch->head_bytes += line.count;
    if (fetch->head_bytes > EGRESS_HEAD_BYTES) {
        egress_fetch_note(fetch, FETCH_END_TOO_LARGE, "its head has more than %u bytes",
                          EGRESS_HEAD_BYTES);
        return 0;
    }
    if (fetch->head_done)
        return taken; /* trailers: nobody asked for them */
    while (line.count > 0 &&
           (line.data[line.count - 1] == '\n' || line.data[line.count - 1] == '\r'))
        line.count--;
    if (line.count == 0)
        return hop_head_ends(fetch) ? taken : 0;
    if (line.count >= strlen(version) && memcmp(line.data, version, strlen(version)) == 0) {
        hop_clear_head(fetch);
        return taken;
    }
    if (egress_fields_line(fetch, line))
        return taken;
    egress_fetch_note(fetch, FETCH_END_PROTOCOL, "its head has a line that is no header");
    return 0;
}

static size_t hop_on_data(char *data, size_t size, size_t count, void *context)
{
    struct egress_fetch *fetch = context;
    size_t bytes = size * count;
    fetch->progress_ns = egress_fetch_now(fetch);
    if (fetch->redirecting) {
        fetch->discarded += bytes;
        return fetch->discarded > FETCH_DISCARD_BYTES ? 0 : bytes;
    }
    if (bytes > fetch->answer_bytes_max - fetch->result.received_bytes) {
        egress_fetch_note(fetch, FETCH_END_TOO_LARGE, "it has more than %llu bytes",
                          (unsigned long long)fetch->answer_bytes_max);
        return 0;
    }
    if (bytes > fetch->granted) {
        fetch->paused_reading = true;
        return CURL_WRITEFUNC_PAUSE;
    }
    fetch->granted -= (uint32_t)bytes;
    fetch->result.received_bytes += bytes;
    if (bytes > 0)
        fetch->ops->data(fetch->context, bytes_make(data, bytes));
    hop_check_complete(fetch);
    return bytes;
}

/* ---- the request's body
 * -------------------------------------------------------------------------- */

static size_t hop_read_ring(struct egress_fetch *fetch, char *space, size_t room)
{
    struct fetch_body *upload = &fetch->upload;
    size_t count = MIN(room, MIN(upload->count, EGRESS_WINDOW - upload->at));
    if (count == 0 && upload->follows) {
        fetch->paused_writing = true;
        return CURL_READFUNC_PAUSE;
    }
    memcpy(space, upload->ring + upload->at, count);
    upload->at = (upload->at + (uint32_t)count) % EGRESS_WINDOW;
    upload->count -= (uint32_t)count;
    if (count > 0)
        fetch->ops->room(fetch->context, (uint32_t)count);
    return count;
}

static size_t hop_on_read(char *space, size_t size, size_t count, void *context)
{
    struct egress_fetch *fetch = context;
    size_t taken;
    if (fetch->streams) {
        taken = hop_read_ring(fetch, space, size * count);
        if (taken == CURL_READFUNC_PAUSE)
            return taken;
    } else {
        taken = MIN(size * count, fetch->body.count - fetch->body_at);
        if (taken > 0)
            memcpy(space, fetch->body.data + fetch->body_at, taken);
        fetch->body_at += taken;
    }
    fetch->progress_ns = egress_fetch_now(fetch);
    fetch->result.sent_bytes += taken;
    return taken;
}

/* A connection that was kept turned out to be dead: curl begins again on another. */
static int hop_on_seek(void *context, curl_off_t offset, int origin)
{
    struct egress_fetch *fetch = context;
    if (fetch->streams || origin != SEEK_SET || offset < 0 || (uint64_t)offset > fetch->body.count)
        return CURL_SEEKFUNC_FAIL;
    fetch->body_at = (size_t)offset;
    return CURL_SEEKFUNC_OK;
}

/* ---- setting up
 * ---------------------------------------------------------------------------------- */

static bool hop_set_number(CURL *easy, CURLoption option, long value)
{
    return curl_easy_setopt(easy, option, value) == CURLE_OK;
}

static bool hop_set_pointer(CURL *easy, CURLoption option, const void *value)
{
    return curl_easy_setopt(easy, option, value) == CURLE_OK;
}

/* The same for every fetch: told to each handle once. */
static bool hop_set_rules(CURL *easy, const struct egress_options *options)
{
    bool set = curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, HOP_PROTOCOLS) == CURLE_OK &&
               hop_set_pointer(easy, CURLOPT_PROXY, "") &&
               hop_set_number(easy, CURLOPT_FOLLOWLOCATION, 0) &&
               hop_set_number(easy, CURLOPT_PATH_AS_IS, 1) &&
               hop_set_number(easy, CURLOPT_DISALLOW_USERNAME_IN_URL, 1) &&
               hop_set_number(easy, CURLOPT_NETRC, CURL_NETRC_IGNORED) &&
               hop_set_number(easy, CURLOPT_HTTP09_ALLOWED, 0) &&
               hop_set_number(easy, CURLOPT_NOSIGNAL, 1) &&
               hop_set_number(easy, CURLOPT_NOPROGRESS, 1) &&
               hop_set_number(easy, CURLOPT_SSL_VERIFYPEER, 1) &&
               hop_set_number(easy, CURLOPT_SSL_VERIFYHOST, 2) &&
               hop_set_number(easy, CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2) &&
               hop_set_number(easy, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_2TLS) &&
               hop_set_number(easy, CURLOPT_DNS_CACHE_TIMEOUT, HOP_DNS_KEPT_S) &&
               hop_set_number(easy, CURLOPT_UPLOAD_BUFFERSIZE, HOP_SEND_BYTES) &&
               hop_set_number(easy, CURLOPT_MAXAGE_CONN, POOL_KEPT_S) &&
               hop_set_number(easy, CURLOPT_BUFFERSIZE, HOP_RECEIVE_BYTES) &&
               hop_set_number(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)(options->connect_us / 1000));
    if (options->ca_file[0] != '\0')
        set = set && hop_set_pointer(easy, CURLOPT_CAINFO, options->ca_file);
    /* curl keeps the trusted certificates it has read only where no folder of them is named: else
     * it reads the system's whole file again for each connection. */
    return set && hop_set_pointer(easy, CURLOPT_CAPATH, NULL) &&
           hop_set_number(easy, CURLOPT_CA_CACHE_TIMEOUT, HOP_TRUST_KEPT_S);
}

static bool hop_set_callbacks(CURL *easy, struct egress_engine *engine)
{
    return curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, hop_open_socket) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, egress_pool_close_socket) ==
               CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, hop_on_head) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, hop_on_data) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_READFUNCTION, hop_on_read) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_SEEKFUNCTION, hop_on_seek) == CURLE_OK &&
           hop_set_pointer(easy, CURLOPT_CLOSESOCKETDATA, engine);
}

/* NULL: out of memory. */
static CURL *hop_take_handle(struct egress_engine *engine)
{
    if (engine->handle_count > 0)
        return engine->handles[--engine->handle_count];
    CURL *easy = curl_easy_init();
    if (easy == NULL || (hop_set_rules(easy, &engine->options) && hop_set_callbacks(easy, engine)))
        return easy;
    curl_easy_cleanup(easy);
    return NULL;
}

/* Whose it is; NULL: nobody's. */
static bool hop_set_fetch(CURL *easy, struct egress_fetch *fetch)
{
    return hop_set_pointer(easy, CURLOPT_OPENSOCKETDATA, fetch) &&
           hop_set_pointer(easy, CURLOPT_HEADERDATA, fetch) &&
           hop_set_pointer(easy, CURLOPT_WRITEDATA, fetch) &&
           hop_set_pointer(easy, CURLOPT_READDATA, fetch) &&
           hop_set_pointer(easy, CURLOPT_SEEKDATA, fetch) &&
           hop_set_pointer(easy, CURLOPT_PRIVATE, fetch) &&
           hop_set_pointer(easy, CURLOPT_ERRORBUFFER, fetch == NULL ? NULL : fetch->curl_text) &&
           hop_set_pointer(easy, CURLOPT_HTTPHEADER, fetch == NULL ? NULL : fetch->list) &&
           hop_set_pointer(easy, CURLOPT_RESOLVE, fetch == NULL ? NULL : fetch->resolved);
}

/* Methods whose meaning is a body say that they have none [RFC 9110 8.6]. */
static bool hop_wants_body(const struct egress_fetch *fetch)
{
    static const char *const methods[] = {"POST", "PUT", "PATCH"};
    if (fetch->streams || fetch->body.count > 0)
        return true;
    for (size_t i = 0; i < COUNT_OF(methods); i++) {
        if (bytes_equal_text(fetch->method, methods[i]))
            return true;
    }
    return false;
}

/* GET takes back what another method left. */
static bool hop_set_method(CURL *easy, const struct egress_fetch *fetch)
{
    bool is_head = bytes_equal_text(fetch->method, "HEAD");
    curl_off_t length = fetch->streams ? -1 : (curl_off_t)fetch->body.count;
    if (!hop_set_number(easy, CURLOPT_HTTPGET, 1) ||
        !hop_set_pointer(easy, CURLOPT_CUSTOMREQUEST, is_head ? NULL : fetch->method.data) ||
        curl_easy_setopt(easy, CURLOPT_INFILESIZE_LARGE, length) != CURLE_OK)
        return false;
    if (is_head)
        return hop_set_number(easy, CURLOPT_NOBODY, 1);
    return !hop_wants_body(fetch) || hop_set_number(easy, CURLOPT_UPLOAD, 1);
}

/* "+host:port:address,address": where curl finds them instead of asking. */
static bool hop_pin(struct egress_fetch *fetch)
{
    char line[HOP_RESOLVED_BYTES];
    if (fetch->url.kind != CONFIG_URL_HOST_NAME)
        return true;
    int used = snprintf(line, sizeof(line), "+%s:%u:", fetch->url.host, fetch->url.port);
    for (uint32_t i = 0; i < fetch->addresses.count; i++) {
        char text[INET6_ADDRSTRLEN] = "";
        const struct sockaddr *row = &fetch->addresses.rows[i].any;
        bool is_v6 = row->sa_family == AF_INET6;
        const void *from = is_v6 ? (const void *)&fetch->addresses.rows[i].v6.sin6_addr
                                 : (const void *)&fetch->addresses.rows[i].v4.sin_addr;
        (void)inet_ntop(row->sa_family, from, text, sizeof(text));
        used += snprintf(line + used, sizeof(line) - (size_t)used, "%s%s%s%s", i > 0 ? "," : "",
                         is_v6 ? "[" : "", text, is_v6 ? "]" : "");
    }
    fetch->resolved = curl_slist_append(NULL, line);
    return fetch->resolved != NULL;
}

static bool hop_set_url(struct egress_fetch *fetch)
{
    struct buffer out;
    buffer_init(&out, HOP_URL_BYTES);
    bool set = config_url_print(&fetch->url, &out) == STATUS_OK &&
               buffer_append(&out, "", 1) == STATUS_OK &&
               hop_set_pointer(fetch->easy, CURLOPT_URL, out.data);
    buffer_done(&out);
    return set;
}

bool egress_hop_prepare(struct egress_fetch *fetch)
{
    struct egress_engine *engine = fetch->engine;
    CURL *easy = fetch->easy = hop_take_handle(engine);
    fetch->body_at = 0;
    fetch->head_bytes = 0;
    fetch->discarded = 0;
    fetch->head_done = fetch->redirecting = false;
    hop_clear_head(fetch);
    fetch->curl_text[0] = '\0';
    egress_fields_list(fetch);
    return easy != NULL && hop_pin(fetch) && hop_set_fetch(easy, fetch) &&
           hop_set_method(easy, fetch) && hop_set_url(fetch);
}

void egress_hop_end(struct egress_fetch *fetch)
{
    struct egress_engine *engine = fetch->engine;
    if (fetch->easy != NULL && engine->handle_count < ENGINE_HANDLES_MAX &&
        hop_set_fetch(fetch->easy, NULL) && hop_set_pointer(fetch->easy, CURLOPT_SHARE, NULL))
        engine->handles[engine->handle_count++] = fetch->easy;
    else if (fetch->easy != NULL)
        curl_easy_cleanup(fetch->easy);
    curl_slist_free_all(fetch->resolved);
    fetch->easy = NULL;
    fetch->resolved = NULL;
    fetch->paused_reading = fetch->paused_writing = fetch->resumes = false;
}

/* ---- how it ended
 * -------------------------------------------------------------------------------- */

static enum fetch_end hop_end_of(CURLcode code)
{
    switch (code) {
    case CURLE_OK:
        return FETCH_END_DONE;
    case CURLE_COULDNT_RESOLVE_HOST:
        return FETCH_END_RESOLVE;
    case CURLE_COULDNT_CONNECT:
        return FETCH_END_CONNECT;
    case CURLE_OPERATION_TIMEDOUT:
        return FETCH_END_TIMEOUT;
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_CERTPROBLEM:
        return FETCH_END_TLS;
    case CURLE_PARTIAL_FILE:
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR:
    case CURLE_GOT_NOTHING:
    case CURLE_SEND_FAIL_REWIND:
    case CURLE_HTTP2_STREAM:
        return FETCH_END_CLOSED;
    case CURLE_OUT_OF_MEMORY:
        return FETCH_END_UNAVAILABLE;
    default:
        return FETCH_END_PROTOCOL;
    }
}

void egress_hop_judge(struct egress_fetch *fetch, CURLcode code)
{
    enum fetch_end end = hop_end_of(code);
    if (code == CURLE_OUT_OF_MEMORY && !fetch->head_done)
        end = FETCH_END_TOO_LARGE; /* what curl says of a line that is longer than it keeps */
    const char *text = fetch->curl_text[0] != '\0' ? fetch->curl_text : curl_easy_strerror(code);
    if (end == FETCH_END_TOO_LARGE)
        text = "its head has a line without end";
    if (end != FETCH_END_DONE)
        egress_fetch_note(fetch, end, "%s", text);
}
