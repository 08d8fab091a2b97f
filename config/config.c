/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Built-in values, the places that the environment names, and the checks that need more
 * than one field. Precedence (flag, environment, file, default) comes from the order of
 * the calls: config_defaults, config_load_file, then the caller's flags, config_check.
 */
#include "config/config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/un.h>
#include <unistd.h>

#include "config/settings.h"
#include "config/url.h"

#define CONFIG_SYSTEM_FILE     "/etc/skerry/skerry.yaml"
#define CONFIG_SYSTEM_DATA_DIR "/var/lib/skerry"

/* The variable's value, or NULL if it is unset or empty. */
static const char *config_environment(const char *name)
{
    const char *value = getenv(name);
    return value != NULL && value[0] != '\0' ? value : NULL;
}

static bool
config_format_path(char ret_path[CONFIG_PATH_BYTES], const char *first, const char *second)
{
    char path[CONFIG_PATH_BYTES];
    int count = snprintf(path, sizeof(path), "%s%s", first, second);
    if (count < 0 || (size_t)count >= sizeof(path))
        return false;
    memcpy(ret_path, path, (size_t)count + 1);
    return true;
}

static bool config_is_system_service(void)
{
    return geteuid() == 0 && config_environment("INVOCATION_ID") != NULL;
}

static enum status config_default_data_dir(struct config *config, struct report *report)
{
    const char *named = config_environment("SKERRY_DATA_DIR");
    const char *xdg = config_environment("XDG_DATA_HOME");
    const char *home = config_environment("HOME");
    bool fits;
    if (named != NULL)
        fits = config_format_path(config->data_dir, named, "");
    else if (config_is_system_service())
        fits = config_format_path(config->data_dir, CONFIG_SYSTEM_DATA_DIR, "");
    else if (xdg != NULL && xdg[0] == '/')
        fits = config_format_path(config->data_dir, xdg, "/skerry");
    else if (home != NULL)
        fits = config_format_path(config->data_dir, home, "/.local/share/skerry");
    else
        return report_fail(report, STATUS_CONFIG, REPORT_OFFSET_NONE,
                           "no data directory: set SKERRY_DATA_DIR or HOME, or pass --data DIR");
    if (!fits)
        return report_fail(report, STATUS_CONFIG, REPORT_OFFSET_NONE,
                           "the data directory's path is longer than %d bytes: pass --data DIR",
                           CONFIG_PATH_BYTES - 1);
    return STATUS_OK;
}

enum status config_defaults(struct config *ret_config, struct report *report)
{
    struct config config = {0};
    config_limits_default(&config.limits);
    for (size_t i = 0; i < settings_row_count; i++) {
        const struct setting *row = &settings_rows[i];
        if (row->default_text == NULL)
            continue;
        enum status status = settings_set(&config, row, row->default_text, NULL);
        ASSERT(status == STATUS_OK);
    }
    enum status status = config_default_data_dir(&config, report);
    if (status == STATUS_OK)
        *ret_config = config;
    return status;
}

void config_default_file(char ret_path[CONFIG_PATH_BYTES])
{
    const char *xdg = config_environment("XDG_CONFIG_HOME");
    const char *home = config_environment("HOME");
    if (access(CONFIG_SYSTEM_FILE, F_OK) == 0 &&
        config_format_path(ret_path, CONFIG_SYSTEM_FILE, ""))
        return;
    bool fits =
        xdg != NULL && xdg[0] == '/'
            ? config_format_path(ret_path, xdg, "/skerry/skerry.yaml")
            : home != NULL && config_format_path(ret_path, home, "/.config/skerry/skerry.yaml");
    if (!fits || access(ret_path, F_OK) != 0)
        ret_path[0] = '\0';
}

/* The server changes nothing about its working directory, but its workers may. */
static enum status config_make_data_dir_absolute(struct config *config, struct report *report)
{
    if (config->data_dir[0] == '/')
        return STATUS_OK;
    char here[CONFIG_PATH_BYTES];
    if (config->data_dir[0] == '\0')
        return report_fail(report, STATUS_CONFIG, REPORT_OFFSET_NONE,
                           "the data directory's name is empty: pass --data DIR");
    if (getcwd(here, sizeof(here)) == NULL)
        return report_errno(report, "cannot tell the working directory: pass an absolute --data");
    size_t here_count = strlen(here);
    size_t count = strlen(config->data_dir);
    if (here_count + 1 + count >= CONFIG_PATH_BYTES)
        return report_fail(report, STATUS_CONFIG, REPORT_OFFSET_NONE,
                           "the data directory's path is longer than %d bytes: pass --data DIR",
                           CONFIG_PATH_BYTES - 1);
    memmove(config->data_dir + here_count + 1, config->data_dir, count + 1);
    memcpy(config->data_dir, here, here_count);
    config->data_dir[here_count] = '/';
    return STATUS_OK;
}

static enum status config_make_socket_absolute(struct config *config, struct report *report)
{
    const size_t path_max = sizeof(((struct sockaddr_un *)NULL)->sun_path) - 1;
    if (config->admin_socket[0] == '\0')
        return STATUS_OK;
    char path[2 * CONFIG_PATH_BYTES];
    (void)snprintf(path, sizeof(path), "%s%s%s",
                   config->admin_socket[0] == '/' ? "" : config->data_dir,
                   config->admin_socket[0] == '/' ? "" : "/", config->admin_socket);
    size_t count = strlen(path);
    if (count > path_max)
        return report_fail(report, STATUS_CONFIG, REPORT_OFFSET_NONE,
                           "%s: a Unix socket's path holds %zu bytes: pass a shorter "
                           "--admin-socket",
                           path, path_max);
    memcpy(config->admin_socket, path, count + 1);
    return STATUS_OK;
}

static bool config_domain_valid(const char *domain)
{
    size_t label = 0;
    for (const char *at = domain; *at != '\0'; at++) {
        bool plain = (*at >= 'a' && *at <= 'z') || (*at >= '0' && *at <= '9');
        if (*at == '.' ? label == 0 : !plain && *at != '-')
            return false;
        label = *at == '.' ? 0 : label + 1;
        if (label > 63)
            return false;
    }
    return label > 0;
}

/* "https://example.org:8443": a scheme, a name, perhaps a port, and no more. */
static bool config_public_url_valid(const char *url)
{
    static const char *const schemes[] = {"http://", "https://"};
    char host[CONFIG_DOMAIN_BYTES];
    for (size_t i = 0; i < COUNT_OF(schemes); i++) {
        if (strncmp(url, schemes[i], strlen(schemes[i])) != 0)
            continue;
        const char *name = url + strlen(schemes[i]);
        size_t count = strcspn(name, ":");
        memcpy(host, name, count);
        host[count] = '\0';
        const char *port = name[count] == ':' ? name + count + 1 : "80";
        size_t digits = strspn(port, "0123456789");
        return config_domain_valid(host) && digits > 0 && digits <= 5 && port[digits] == '\0';
    }
    return false;
}

static enum status config_check_numbers(const struct config *config, struct report *report)
{
    const struct config_limits *limits = &config->limits;
    if (limits->slice > limits->wall)
        return report_fail(report, STATUS_CONFIG, REPORT_OFFSET_NONE,
                           "limits.slice is longer than limits.wall: make the slice shorter");
    if (limits->memory > limits->build_memory)
        return report_fail(report, STATUS_CONFIG, REPORT_OFFSET_NONE,
                           "limits.memory is more than limits.build_memory, in which it has to "
                           "be built: raise limits.build_memory");
    if (config->pool_per_function > config->pool_total)
        return report_fail(report, STATUS_CONFIG, REPORT_OFFSET_NONE,
                           "pool.per_function is more than pool.total");
    return STATUS_OK;
}

/* What it says is signed, but its answers are believed: without TLS only on this machine. */
static bool config_directory_valid(const char *text)
{
    static const uint8_t loopback_v6[16] = {[15] = 1};
    struct config_url url;
    struct report report = REPORT_INIT;
    if (config_url_parse(bytes_of_text(text), &report, &url) != STATUS_OK)
        return false;
    return url.is_https || (url.kind == CONFIG_URL_HOST_V4 && url.address[0] == 127) ||
           (url.kind == CONFIG_URL_HOST_V6 && memcmp(url.address, loopback_v6, 16) == 0);
}

static bool config_contact_valid(const char *text)
{
    size_t at = strcspn(text, "@");
    for (const char *c = text; *c != '\0'; c++) {
        if (*c <= ' ' || *c > '~' || strchr("\"\\<>,?%", *c) != NULL)
            return false;
    }
    return at > 0 && text[at] == '@' && strcspn(text + at + 1, "@") == strlen(text + at + 1) &&
           text[at + 1] != '\0';
}

static enum status config_check_acme(const struct config *config, struct report *report)
{
    const char *challenge = config->acme_challenge;
    if (config->acme_directory[0] != '\0' && !config_directory_valid(config->acme_directory))
        return report_fail(report, STATUS_CONFIG, REPORT_OFFSET_NONE,
                           "acme.directory: `%.128s` is no URL that begins with https://",
                           config->acme_directory);
    if (config->acme_contact[0] != '\0' && !config_contact_valid(config->acme_contact))
        return report_fail(report, STATUS_CONFIG, REPORT_OFFSET_NONE,
                           "acme.contact: `%.64s` is no mail address", config->acme_contact);
    if (strcmp(challenge, "auto") != 0 && strcmp(challenge, "http-01") != 0 &&
        strcmp(challenge, "tls-alpn-01") != 0)
        return report_fail(report, STATUS_CONFIG, REPORT_OFFSET_NONE,
                           "acme.challenge: `%s` is none of auto, http-01 and tls-alpn-01",
                           challenge);
    return STATUS_OK;
}

bool config_certificate_valid(const char *text)
{
    const char *second = strchr(text, ' ');
    return text[0] == '/' && (second == NULL || second[1] == '/') &&
           strlen(text) < CONFIG_CERTIFICATE_BYTES;
}

/* Makes its address plain. */
static enum status config_check_admin(struct config *config, struct report *report)
{
    struct config_address address;
    const char *certificate = config->admin_certificate;
    if (certificate[0] != '\0' && !config_certificate_valid(certificate))
        return report_fail(report, STATUS_CONFIG, REPORT_OFFSET_NONE,
                           "admin.certificate: `%.200s` is no absolute path, nor two with a blank "
                           "between",
                           certificate);
    if (config->admin_client_ca[0] != '\0' && certificate[0] == '\0')
        return report_fail(report, STATUS_CONFIG, REPORT_OFFSET_NONE,
                           "admin.client_ca: clients show certificates over TLS only: name "
                           "admin.certificate too");
    if (config->admin_client_ca[0] != '\0' && config->admin_client_ca[0] != '/')
        return report_fail(report, STATUS_CONFIG, REPORT_OFFSET_NONE,
                           "admin.client_ca: `%.200s` is no absolute path",
                           config->admin_client_ca);
    if (config->admin_listen[0] == '\0')
        return STATUS_OK;
    if (!config_address_normalise(config->admin_listen, config->admin_listen) ||
        !config_address_parse(config->admin_listen, &address))
        return report_fail(report, STATUS_CONFIG, REPORT_OFFSET_NONE,
                           "admin.listen: `%s` is no numeric address, like 127.0.0.1:8090",
                           config->admin_listen);
    if (!address.loopback && certificate[0] == '\0')
        return report_fail(report, STATUS_CONFIG, REPORT_OFFSET_NONE,
                           "admin.listen: `%s` is no loopback address, like 127.0.0.1:8090: others "
                           "are for TLS, with admin.certificate",
                           config->admin_listen);
    return STATUS_OK;
}

/* The machine's name, if it has no other. */
static enum status config_check_node(struct config *config, struct report *report)
{
    if (config->node[0] == '\0' &&
        (gethostname(config->node, sizeof(config->node) - 1) != 0 || config->node[0] == '\0'))
        (void)snprintf(config->node, sizeof(config->node), "localhost");
    for (const char *at = config->node; *at != '\0'; at++) {
        if (*at <= ' ' || *at > '~')
            return report_fail(report, STATUS_CONFIG, REPORT_OFFSET_NONE,
                               "node: `%s` is no name without blanks, like edge-1", config->node);
    }
    return STATUS_OK;
}

enum status config_check(struct config *config, struct report *report)
{
    struct config checked = *config;
    enum status status = config_make_data_dir_absolute(&checked, report);
    if (status == STATUS_OK)
        status = config_make_socket_absolute(&checked, report);
    if (status == STATUS_OK)
        status = config_check_numbers(&checked, report);
    if (status == STATUS_OK)
        status = config_check_acme(&checked, report);
    if (status == STATUS_OK)
        status = config_check_node(&checked, report);
    if (status != STATUS_OK)
        return status;
    if (checked.listen_count == 0)
        return report_fail(report, STATUS_CONFIG, REPORT_OFFSET_NONE,
                           "listen: no address; the default is http://127.0.0.1:8080");
    if (!config_domain_valid(checked.domain))
        return report_fail(report, STATUS_CONFIG, REPORT_OFFSET_NONE,
                           "domain: `%.64s` is no domain name in lower case", checked.domain);
    if (checked.tls_default_host[0] != '\0' && !config_domain_valid(checked.tls_default_host))
        return report_fail(report, STATUS_CONFIG, REPORT_OFFSET_NONE,
                           "tls.default_host: `%.64s` is no host name in lower case",
                           checked.tls_default_host);
    if (checked.public_url[0] != '\0' && !config_public_url_valid(checked.public_url))
        return report_fail(report, STATUS_CONFIG, REPORT_OFFSET_NONE,
                           "public_url: `%.64s` is not of the form https://NAME or "
                           "https://NAME:PORT, in lower case",
                           checked.public_url);
    for (uint32_t i = 0; i < checked.listen_count; i++) {
        if (!config_listen_normalise(checked.listen[i], checked.listen[i]))
            return report_fail(report, STATUS_CONFIG, REPORT_OFFSET_NONE,
                               "listen: `%s` is no numeric address, like 127.0.0.1:8080",
                               checked.listen[i]);
    }
    status = config_check_admin(&checked, report);
    if (status == STATUS_OK)
        status = config_check_isolation(&checked, report);
    if (status != STATUS_OK)
        return status;
    *config = checked;
    return STATUS_OK;
}
