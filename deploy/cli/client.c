/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One request with libcurl, and what its answer means for the exit status.
 */
#include <curl/curl.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "deploy/cli/cli.h"
#include "deploy/source.h"
#include "engine/base/clock.h"

#define CLI_ANSWER_BYTES_MAX (64U << 20)
#define CLI_URL_BYTES_MAX    (1U << 20)
#define CLI_CONNECT_MS       15000L /* a handshake of TLS is part of it */

/* Where an answer goes. */
struct cli_sink {
    CURL *curl;
    const struct cli_request *request;
    struct buffer *text;
};

static size_t cli_receive(char *data, size_t size, size_t count, void *context)
{
    (void)size; /* always 1 */
    const struct cli_sink *sink = context;
    long status = 0;
    (void)curl_easy_getinfo(sink->curl, CURLINFO_RESPONSE_CODE, &status);
    if (sink->request->take == NULL || status < 200 || status > 299)
        return buffer_append(sink->text, data, count) == STATUS_OK ? count : 0;
    sink->request->take(sink->request->context, bytes_make(data, count));
    return count;
}

static size_t cli_send(char *data, size_t size, size_t count, void *context)
{
    FILE *file = context;
    size_t done = fread(data, size, count, file);
    return done == 0 && ferror(file) ? CURL_READFUNC_ABORT : done;
}

/* ---- progress -------------------------------------------------------------------------------- */

#define CLI_PROGRESS_AFTER_US 1000000 /* what is sent sooner needs no line */

/* How much of a body is sent, on a terminal's line of its own. */
struct cli_progress {
    uint64_t began_us;
    uint64_t shown_us; /* 0: never */
};

static int
cli_show_progress(void *context, curl_off_t a, curl_off_t b, curl_off_t all, curl_off_t sent)
{
    struct cli_progress *progress = context;
    uint64_t now_us = clock_monotonic_us(&clock_system);
    char of[32];
    char done[32];
    (void)a;
    (void)b;
    if (all <= 0 || now_us - progress->began_us < CLI_PROGRESS_AFTER_US ||
        now_us - progress->shown_us < CLI_PROGRESS_AFTER_US / 10)
        return 0;
    progress->shown_us = now_us;
    cli_format_bytes((uint64_t)sent, done);
    cli_format_bytes((uint64_t)all, of);
    (void)fprintf(stderr, "\rsent %s of %s ", done, of);
    return 0;
}

static void cli_end_progress(const struct cli_progress *progress)
{
    if (progress->shown_us != 0)
        (void)fputs("\r\033[K", stderr);
}

/* ---- errors ---------------------------------------------------------------------------------- */

static enum cli_exit cli_exit_of(long status, const char *code)
{
    if (strcmp(code, "manifest") == 0 || strcmp(code, "config") == 0)
        return CLI_MANIFEST;
    if (strcmp(code, "unhealthy") == 0)
        return CLI_UNHEALTHY;
    if (strcmp(code, "limit") == 0 || strcmp(code, "no_memory") == 0)
        return CLI_LIMIT;
    switch (status) {
    case 400:
        return CLI_USAGE;
    case 401:
    case 403:
        return CLI_AUTH;
    case 404:
        return CLI_NOT_FOUND;
    case 409:
    case 412:
        return CLI_CONFLICT;
    case 413:
    case 429:
    case 503:
    case 507:
        return CLI_LIMIT;
    default:
        return CLI_FAILED;
    }
}

static enum cli_exit cli_explain(const struct cli *cli, const struct cli_answer *answer)
{
    const char *code = answer->json == NULL ? "" : cli_text(answer->json, "code");
    const json_t *detail = json_object_get(answer->json, "detail");
    const json_t *hint = json_object_get(answer->json, "hint");
    const json_t *offset = json_object_get(answer->json, "offset");
    enum cli_exit exit_code = cli_exit_of(answer->status, code);
    char where[48] = "";
    if (answer->json != NULL)
        (void)cli_print_json(cli, answer);
    if (!json_is_string(detail) && answer->status == 413)
        return cli_fail(cli, exit_code,
                        "the file is far larger than the server takes: see "
                        "`skerry limits`");
    if (!json_is_string(detail))
        return cli_fail(cli, exit_code, "the server answered %ld: is there a skerry at %s?",
                        answer->status, cli->socket[0] != '\0' ? cli->socket : cli->base);
    if (json_is_integer(offset))
        (void)snprintf(where, sizeof(where), " (offset %" JSON_INTEGER_FORMAT ")",
                       json_integer_value(offset));
    return cli_fail(cli, exit_code, "%s%s%s%s", json_string_value(detail), where,
                    json_is_string(hint) ? ": " : "",
                    json_is_string(hint) ? json_string_value(hint) : "");
}

/* Who owns the nearest thing on the way to `path` that can be looked at. */
static unsigned cli_owner(const char *path)
{
    char at[CLI_PATH_BYTES];
    struct stat facts;
    (void)snprintf(at, sizeof(at), "%s", path);
    while (stat(at, &facts) != 0) {
        char *slash = strrchr(at, '/');
        if (slash == NULL || slash == at)
            return 0;
        *slash = '\0';
    }
    return (unsigned)facts.st_uid;
}

/* There may be a server behind a socket that is not ours to open. */
static bool cli_is_denied(const struct cli *cli)
{
    return cli->socket[0] != '\0' && access(cli->socket, R_OK | W_OK) != 0 && errno == EACCES;
}

/* What may be wrong with certificates. A server that misses ours ends the connection when it is
 * there already. */
static const char *cli_tls_hint(const struct cli *cli, CURLcode result)
{
    if (strncmp(cli->base, "https://", 8) != 0)
        return "";
    if (result == CURLE_PEER_FAILED_VERIFICATION)
        return ": name the file of who signed its certificate with --ca";
    if (result == CURLE_SSL_CACERT_BADFILE)
        return ": see --ca";
    if (result == CURLE_SSL_CERTPROBLEM)
        return ": see --client-cert";
    return result == CURLE_RECV_ERROR || result == CURLE_SEND_ERROR ||
                   result == CURLE_GOT_NOTHING || result == CURLE_SSL_CONNECT_ERROR
               ? ": it may want a certificate of yours, with --client-cert"
               : "";
}

static enum cli_exit cli_unreachable(const struct cli *cli, CURLcode result)
{
    const char *place = cli->socket[0] != '\0' ? cli->socket : cli->base;
    if (cli_is_denied(cli))
        return cli_fail(cli, CLI_AUTH,
                        "permission denied: %s belongs to user %u; run this as that user, or give "
                        "the server admin.listen and this its --url and SKERRY_TOKEN (DATA/"
                        "admin.token)",
                        place, cli_owner(place));
    if (result == CURLE_COULDNT_CONNECT || result == CURLE_COULDNT_RESOLVE_HOST ||
        result == CURLE_OPERATION_TIMEDOUT)
        return cli_fail(cli, CLI_UNREACHABLE,
                        "no server at %s: start one with `skerry serve`, or pass --url or --data",
                        place);
    return cli_fail(cli, CLI_UNREACHABLE, "the connection to %s failed: %s%s", place,
                    curl_easy_strerror(result), cli_tls_hint(cli, result));
}

enum cli_exit cli_reach(const struct cli *cli)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t count = strlen(cli->socket);
    if (count == 0 || count >= sizeof(address.sun_path))
        return CLI_OK;
    memcpy(address.sun_path, cli->socket, count);
    AUTO_CLOSE int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0)
        return CLI_OK;
    return cli_unreachable(cli, CURLE_COULDNT_CONNECT);
}

/* ---- one request ----------------------------------------------------------------------------- */

static enum cli_exit
cli_open_file(const struct cli *cli, const char *path, FILE **ret_file, curl_off_t *ret_count)
{
    struct stat facts;
    FILE *file = fopen(path, "rbe");
    if (file != NULL && fstat(fileno(file), &facts) == 0 && S_ISREG(facts.st_mode)) {
        *ret_file = file;
        *ret_count = (curl_off_t)facts.st_size;
        return CLI_OK;
    }
    char reason[128];
    enum cli_exit code = errno == ENOENT ? CLI_NOT_FOUND : CLI_FAILED;
    const char *text = strerror_r(errno, reason, sizeof(reason));
    if (file == NULL)
        return cli_fail(cli, code, "cannot read %s: %s", path, text);
    (void)fclose(file);
    return cli_fail(cli, CLI_USAGE, "%s is not a file", path);
}

static struct curl_slist *cli_headers(const struct cli *cli, const struct cli_request *request)
{
    struct curl_slist *headers = NULL;
    char line[512];
    size_t stem;
    const char *type = request->type != NULL   ? request->type
                       : request->file != NULL ? source_type_of_file(request->file, &stem)
                                               : "application/json";
    (void)snprintf(line, sizeof(line), "Content-Type: %s", type);
    headers = curl_slist_append(headers, line);
    (void)snprintf(line, sizeof(line), "If-Match: %s",
                   request->if_match == NULL ? "" : request->if_match);
    if (request->if_match != NULL)
        headers = curl_slist_append(headers, line);
    (void)snprintf(line, sizeof(line), "Skerry-Signature: %s",
                   request->signature == NULL ? "" : request->signature);
    if (request->signature != NULL)
        headers = curl_slist_append(headers, line);
    if (cli->token[0] == '\0')
        return headers;
    (void)snprintf(line, sizeof(line), "Authorization: Bearer %s", cli->token);
    return curl_slist_append(headers, line);
}

/* A deploy says so itself, where it has to. */
static bool cli_rehearses(const struct cli *cli, const struct cli_request *request)
{
    return cli->options.dry_run && strcmp(request->method, "GET") != 0 &&
           strcmp(cli->verb, "deploy") != 0;
}

static CURLcode cli_set_url(const struct cli *cli, CURL *curl, const struct cli_request *request)
{
    struct buffer url;
    CURLcode result = CURLE_OUT_OF_MEMORY;
    buffer_init(&url, CLI_URL_BYTES_MAX);
    const char *query = request->query == NULL ? "" : request->query;
    bool asks = query[0] != '\0' || strchr(request->path, '?') != NULL;
    if (buffer_printf(&url, "%s%s%s%s", cli->base, request->path, query,
                      !cli_rehearses(cli, request) ? ""
                      : asks                       ? "&dry_run=1"
                                                   : "?dry_run=1") == STATUS_OK &&
        buffer_append(&url, "", 1) == STATUS_OK)
        result = curl_easy_setopt(curl, CURLOPT_URL, (const char *)url.data);
    buffer_done(&url);
    return result;
}

static void cli_set_tls(const struct cli *cli, CURL *curl)
{
    const struct cli_options *options = &cli->options;
    if (options->ca != NULL) {
        (void)curl_easy_setopt(curl, CURLOPT_CAINFO, options->ca);
        (void)curl_easy_setopt(curl, CURLOPT_CAPATH, NULL);
    }
    if (options->client_cert != NULL)
        (void)curl_easy_setopt(curl, CURLOPT_SSLCERT, options->client_cert);
}

static CURLcode cli_perform(const struct cli *cli,
                            CURL *curl,
                            const struct cli_request *request,
                            FILE *file,
                            curl_off_t file_count,
                            struct cli_answer *answer)
{
    struct curl_slist *headers = cli_headers(cli, request);
    struct cli_sink sink = {.curl = curl, .request = request, .text = &answer->text};
    (void)curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    (void)curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(curl, CURLOPT_PROXY, "");
    (void)curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, CLI_CONNECT_MS);
    cli_set_tls(cli, curl);
    if (cli->socket[0] != '\0')
        (void)curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, cli->socket);
    (void)curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    (void)curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, cli_receive);
    (void)curl_easy_setopt(curl, CURLOPT_WRITEDATA, &sink);
    if (file != NULL) {
        (void)curl_easy_setopt(curl, CURLOPT_UPLOAD, 1L);
        (void)curl_easy_setopt(curl, CURLOPT_READFUNCTION, cli_send);
        (void)curl_easy_setopt(curl, CURLOPT_READDATA, file);
        (void)curl_easy_setopt(curl, CURLOPT_INFILESIZE_LARGE, file_count);
    } else if (request->body.data != NULL) {
        (void)curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body.count);
        (void)curl_easy_setopt(curl, CURLOPT_POSTFIELDS, request->body.data);
    }
    (void)curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, request->method);
    struct cli_progress progress = {.began_us = clock_monotonic_us(&clock_system)};
    if (!cli->options.quiet && isatty(STDERR_FILENO)) {
        (void)curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, cli_show_progress);
        (void)curl_easy_setopt(curl, CURLOPT_XFERINFODATA, &progress);
        (void)curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
    }
    CURLcode result = curl_easy_perform(curl);
    cli_end_progress(&progress);
    (void)curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &answer->status);
    curl_slist_free_all(headers);
    return result;
}

void cli_answer_done(struct cli_answer *answer)
{
    json_decref(answer->json);
    buffer_done(&answer->text);
}

enum cli_exit
cli_call(const struct cli *cli, const struct cli_request *request, struct cli_answer *ret_answer)
{
    struct cli_answer answer = {0};
    FILE *file = NULL;
    curl_off_t file_count = 0;
    enum cli_exit code = CLI_OK;
    if (request->file != NULL)
        code = cli_open_file(cli, request->file, &file, &file_count);
    CURL *curl = code == CLI_OK ? curl_easy_init() : NULL;
    buffer_init(&answer.text, CLI_ANSWER_BYTES_MAX);
    if (code == CLI_OK && curl == NULL)
        code = cli_fail(cli, CLI_FAILED, "out of memory");
    if (code == CLI_OK) {
        CURLcode result = cli_set_url(cli, curl, request);
        if (result == CURLE_OK)
            result = cli_perform(cli, curl, request, file, file_count, &answer);
        /* A refusal may come before the whole body was sent. */
        if (result != CURLE_OK && answer.status < 400)
            code = cli_unreachable(cli, result);
    }
    if (code == CLI_OK && buffer_append(&answer.text, "", 1) != STATUS_OK)
        code = cli_fail(cli, CLI_FAILED, "out of memory");
    if (code == CLI_OK) {
        answer.json = json_loads((const char *)answer.text.data, 0, NULL);
        if (request->may_miss && answer.status == 404)
            code = CLI_NOT_FOUND;
        else if (answer.status < 200 || answer.status > 299 ||
                 (answer.json == NULL && !request->any_bytes && request->take == NULL))
            code = cli_explain(cli, &answer);
    }
    if (file != NULL)
        (void)fclose(file);
    curl_easy_cleanup(curl);
    if (code == CLI_OK && cli_rehearses(cli, request) && !cli->options.quiet)
        (void)fprintf(stderr, "%s: a dry run: what follows would be, and nothing was changed\n",
                      cli->program);
    if (code == CLI_OK)
        *ret_answer = answer;
    else
        cli_answer_done(&answer);
    return code;
}

void cli_tenant_path(const struct cli *cli, const char *rest, char ret_path[CLI_PATH_BYTES])
{
    char *tenant = curl_easy_escape(NULL, cli->options.tenant, 0);
    (void)snprintf(ret_path, CLI_PATH_BYTES, "/v1/tenants/%.200s%s", tenant == NULL ? "" : tenant,
                   rest);
    curl_free(tenant);
}

void cli_function_path(const struct cli *cli,
                       const char *function,
                       const char *rest,
                       char ret_path[CLI_PATH_BYTES])
{
    char *tenant = curl_easy_escape(NULL, cli->options.tenant, 0);
    char *name = curl_easy_escape(NULL, function == NULL ? "" : function, 0);
    (void)snprintf(ret_path, CLI_PATH_BYTES, "/v1/tenants/%.200s/functions%s%.200s%s",
                   tenant == NULL ? "" : tenant, function == NULL ? "" : "/",
                   name == NULL ? "" : name, rest);
    curl_free(tenant);
    curl_free(name);
}
