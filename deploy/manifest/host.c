/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a host's name may be. Names that are not ASCII become what resolvers and clients make of
 * them (libidn2, IDNA 2008 without the older transitional forms); what comes out is checked by the
 * same rules as a name that was written that way.
 */
#include "deploy/manifest/host.h"

#include <idn2.h>

#define HOST_LABEL_BYTES_MAX 63
#define HOST_TEXT_BYTES_MAX  1024 /* of a name in UTF-8 */

static bool host_is_label_byte(uint8_t byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= '0' && byte <= '9') || byte == '_';
}

/* Labels of letters, digits, `-` and `_`, and not an address: those have no owner. */
static bool host_is_name(struct bytes host)
{
    bool numeric = true; /* the last label */
    size_t label = 0;
    if (host.count == 0 || host.count >= DEPLOY_HOST_BYTES)
        return false;
    for (size_t i = 0; i < host.count; i++) {
        uint8_t byte = host.data[i];
        if (byte == '.' && (label == 0 || host.data[i - 1] == '-'))
            return false;
        if (byte != '.' && !host_is_label_byte(byte) && (byte != '-' || label == 0))
            return false;
        numeric = byte == '.' ? true : numeric && byte >= '0' && byte <= '9';
        label = byte == '.' ? 0 : label + 1;
        if (label > HOST_LABEL_BYTES_MAX)
            return false;
    }
    return label > 0 && !numeric && host.data[host.count - 1] != '-';
}

static bool host_is_ascii(struct bytes text)
{
    for (size_t i = 0; i < text.count; i++) {
        if (text.data[i] >= 0x80)
            return false;
    }
    return true;
}

/* Puts A-labels there. */
static bool host_from_utf8(struct bytes text, char ret_host[DEPLOY_HOST_BYTES])
{
    char copy[HOST_TEXT_BYTES_MAX + 1];
    char *ascii = NULL;
    if (text.count > HOST_TEXT_BYTES_MAX)
        return false;
    memcpy(copy, text.data, text.count);
    copy[text.count] = '\0';
    bool good = idn2_to_ascii_8z(copy, &ascii, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL) == IDN2_OK &&
                strlen(ascii) < DEPLOY_HOST_BYTES;
    if (good)
        memcpy(ret_host, ascii, strlen(ascii) + 1);
    idn2_free(ascii);
    return good;
}

static bool host_copy_lower(struct bytes text, char ret_host[DEPLOY_HOST_BYTES])
{
    if (text.count >= DEPLOY_HOST_BYTES)
        return false;
    for (size_t i = 0; i < text.count; i++)
        ret_host[i] = (char)bytes_lower(text.data[i]);
    ret_host[text.count] = '\0';
    return true;
}

bool deploy_host_parse(struct bytes text, char ret_host[DEPLOY_HOST_BYTES])
{
    char host[DEPLOY_HOST_BYTES];
    if (text.count == 0 || memchr(text.data, '\0', text.count) != NULL)
        return false;
    bool wild = text.count > 2 && text.data[0] == '*' && text.data[1] == '.';
    size_t stars = wild ? 2 : 0;
    struct bytes name = bytes_make(text.data + stars, text.count - stars);
    if (name.count > 0 && name.data[name.count - 1] == '.')
        name.count--;
    if (!(host_is_ascii(name) ? host_copy_lower(name, host) : host_from_utf8(name, host)))
        return false;
    name = bytes_of_text(host);
    /* A star for all names of a whole country would be nobody's to have. */
    if (!host_is_name(name) || name.count + stars >= DEPLOY_HOST_BYTES ||
        (wild && memchr(name.data, '.', name.count) == NULL))
        return false;
    memcpy(ret_host, "*.", stars);
    memcpy(ret_host + stars, host, name.count + 1);
    return true;
}

bool deploy_host_widen(struct bytes host, char ret_host[DEPLOY_HOST_BYTES])
{
    const uint8_t *dot = host.count == 0 ? NULL : memchr(host.data, '.', host.count);
    size_t count = dot == NULL ? 0 : host.count - (size_t)(dot - host.data);
    if (count < 2 || count + 1 >= DEPLOY_HOST_BYTES)
        return false;
    ret_host[0] = '*';
    memcpy(ret_host + 1, dot, count);
    ret_host[count + 1] = '\0';
    return true;
}
