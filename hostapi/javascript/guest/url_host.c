/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hosts of URLs: names, also of other scripts than Latin, IPv4 in all its old forms, IPv6.
 *
 * Names are mapped by NFKC and lower case, which for nearly all characters is what UTS #46 does.
 */
#include "hostapi/javascript/guest/url_host.h"

#include <stdio.h>

/* ---- IPv4 ------------------------------------------------------------------------------------ */

/* A number in decimal, octal or hexadecimal; false: it is none. */
static bool url_ipv4_number(const char *text, size_t count, uint64_t *ret_number)
{
    uint32_t radix = 10;
    if (count >= 2 && text[0] == '0' && (text[1] | 0x20) == 'x') {
        radix = 16;
        text += 2, count -= 2;
    } else if (count >= 2 && text[0] == '0') {
        radix = 8;
        text++, count--;
    }
    *ret_number = 0;
    for (size_t i = 0; i < count; i++) {
        char c = text[i];
        uint32_t digit = c >= '0' && c <= '9' ? (uint32_t)(c - '0')
                         : (c | 0x20) >= 'a' && (c | 0x20) <= 'f'
                             ? (uint32_t)((c | 0x20) - 'a' + 10)
                             : 99;
        if (digit >= radix)
            return false;
        *ret_number = *ret_number * radix + digit;
        if (*ret_number > UINT64_C(0xffffffffffff))
            *ret_number = UINT64_C(0xffffffffffff);
    }
    return true;
}

static size_t url_trim_dot(const char *text, size_t count)
{
    return count > 0 && text[count - 1] == '.' ? count - 1 : count;
}

/* Does its last label look like a number? */
static bool url_ends_in_number(const char *text, size_t count)
{
    uint64_t number;
    size_t end = url_trim_dot(text, count);
    size_t begin = end;
    bool digits = true;
    while (begin > 0 && text[begin - 1] != '.')
        begin--;
    for (size_t i = begin; i < end; i++)
        digits = digits && text[i] >= '0' && text[i] <= '9';
    return end > begin &&
           (digits || (text[begin] == '0' && end - begin >= 2 && (text[begin + 1] | 0x20) == 'x' &&
                       url_ipv4_number(text + begin, end - begin, &number)));
}

static bool url_put_ipv4(const char *text, size_t count, struct url_text *ret_host)
{
    uint64_t numbers[4];
    size_t parts = 0;
    uint64_t address = 0;
    count = url_trim_dot(text, count);
    for (size_t at = 0; at <= count;) {
        const char *dot = memchr(text + at, '.', count - at);
        size_t end = dot == NULL ? count : (size_t)(dot - text);
        if (parts == 4 || end == at || !url_ipv4_number(text + at, end - at, &numbers[parts++]))
            return false;
        at = end + 1;
    }
    for (size_t i = 0; i + 1 < parts; i++) {
        if (numbers[i] > 255)
            return false;
        address |= numbers[i] << (24 - 8 * i);
    }
    if (numbers[parts - 1] >= UINT64_C(1) << (8 * (5 - parts)))
        return false;
    address |= numbers[parts - 1];
    char out[16];
    url_put(ret_host, out,
            (size_t)snprintf(out, sizeof(out), "%u.%u.%u.%u", (unsigned)(address >> 24),
                             (unsigned)(address >> 16 & 255), (unsigned)(address >> 8 & 255),
                             (unsigned)(address & 255)));
    return true;
}

/* ---- IPv6 ------------------------------------------------------------------------------------ */

struct url_ipv6 {
    uint16_t pieces[8];
    int count;
    int gap; /* where "::" stands; -1: nowhere */
};

/* The dotted end; the two pieces that it is. */
static bool url_ipv6_dotted(const char *text, size_t count, struct url_ipv6 *address)
{
    uint32_t word = 0;
    int numbers = 0;
    for (size_t at = 0; at < count;) {
        uint32_t number = 0;
        size_t begin = at;
        while (at < count && text[at] >= '0' && text[at] <= '9' && at - begin < 3)
            number = number * 10 + (uint32_t)(text[at++] - '0');
        if (at == begin || number > 255 || (at - begin > 1 && text[begin] == '0'))
            return false;
        word = word << 8 | number;
        numbers++;
        if (at < count && (text[at] != '.' || ++at == count))
            return false;
    }
    if (numbers != 4 || address->count > 6)
        return false;
    address->pieces[address->count++] = (uint16_t)(word >> 16);
    address->pieces[address->count++] = (uint16_t)word;
    return true;
}

static bool url_ipv6_read(const char *text, size_t count, struct url_ipv6 *address)
{
    size_t at = 0;
    if (count > 0 && text[0] == ':') {
        if (count < 2 || text[1] != ':')
            return false;
        address->gap = 0;
        at = 2;
    }
    while (at < count) {
        size_t begin = at;
        uint32_t piece = 0;
        if (address->count == 8)
            return false;
        if (text[at] == ':') {
            if (address->gap >= 0 || at == 0)
                return false;
            address->gap = address->count;
            at++;
            continue;
        }
        while (at < count && at - begin < 4) {
            char c = text[at];
            int digit = c >= '0' && c <= '9'                     ? c - '0'
                        : (c | 0x20) >= 'a' && (c | 0x20) <= 'f' ? (c | 0x20) - 'a' + 10
                                                                 : -1;
            if (digit < 0)
                break;
            piece = piece << 4 | (uint32_t)digit;
            at++;
        }
        if (at < count && text[at] == '.')
            return url_ipv6_dotted(text + begin, count - begin, address);
        if (at == begin)
            return false;
        address->pieces[address->count++] = (uint16_t)piece;
        if (at < count && (text[at] != ':' || ++at == count))
            return false;
    }
    return true;
}

/* Where the longest run of zeros begins that is longer than one; 8: there is none. */
static int url_ipv6_zeros(const uint16_t pieces[8], int *ret_count)
{
    int best = 8;
    *ret_count = 1;
    for (int i = 0; i < 8;) {
        int run = 0;
        while (i + run < 8 && pieces[i + run] == 0)
            run++;
        if (run > *ret_count) {
            best = i;
            *ret_count = run;
        }
        i += run == 0 ? 1 : run;
    }
    return best;
}

static bool url_put_ipv6(const char *text, size_t count, struct url_text *ret_host)
{
    struct url_ipv6 address = {.gap = -1};
    uint16_t pieces[8] = {0};
    int zeros_count;
    char out[8];
    if (!url_ipv6_read(text, count, &address) ||
        (address.gap < 0 ? address.count != 8 : address.count > 7))
        return false;
    int behind = address.gap < 0 ? 0 : address.count - address.gap;
    for (int i = 0; i < address.count; i++)
        pieces[i < address.count - behind ? i : 8 - address.count + i] = address.pieces[i];
    int zeros = url_ipv6_zeros(pieces, &zeros_count);
    url_put(ret_host, "[", 1);
    for (int i = 0; i < 8; i++) {
        if (i == zeros) {
            url_put(ret_host, i == 0 ? "::" : ":", i == 0 ? 2 : 1);
            i += zeros_count - 1;
            continue;
        }
        url_put(ret_host, out, (size_t)snprintf(out, sizeof(out), "%x", pieces[i]));
        if (i < 7)
            url_put(ret_host, ":", 1);
    }
    url_put(ret_host, "]", 1);
    return true;
}

/* ---- names ----------------------------------------------------------------------------------- */

/* RFC 3492 6.3; false: too long. */
static bool url_put_punycode(const uint32_t *points, size_t count, struct url_text *out)
{
    uint32_t n = 128;
    uint32_t delta = 0;
    uint32_t bias = 72;
    size_t basic = 0;
    for (size_t i = 0; i < count; i++) {
        char c = (char)points[i];
        if (points[i] < 128)
            url_put(out, &c, 1), basic++;
    }
    if (basic > 0)
        url_put(out, "-", 1);
    for (size_t done = basic; done < count; n++, delta++) {
        uint32_t next = UINT32_MAX;
        for (size_t i = 0; i < count; i++)
            next = points[i] >= n && points[i] < next ? points[i] : next;
        if ((uint64_t)(next - n) * (done + 1) > UINT32_MAX - delta)
            return false;
        delta += (next - n) * (uint32_t)(done + 1);
        n = next;
        for (size_t i = 0; i < count; i++) {
            delta += points[i] < n;
            if (points[i] != n)
                continue;
            uint32_t q = delta;
            for (uint32_t k = 36;; k += 36) {
                uint32_t t = k <= bias ? 1 : k >= bias + 26 ? 26 : k - bias;
                uint32_t digit = q < t ? q : t + (q - t) % (36 - t);
                char c = (char)(digit < 26 ? 'a' + digit : '0' + digit - 26);
                url_put(out, &c, 1);
                if (q < t)
                    break;
                q = (q - t) / (36 - t);
            }
            delta = done == basic ? delta / 700 : delta / 2;
            delta += delta / (uint32_t)(done + 1);
            for (bias = 0; delta > 455; bias += 36)
                delta /= 35;
            bias += 36 * delta / (delta + 38);
            delta = 0;
            done++;
        }
    }
    return true;
}

/* One code point of well-formed UTF-8. */
static uint32_t url_point(const char **at)
{
    const uint8_t *byte = (const uint8_t *)*at;
    size_t more = byte[0] < 0x80 ? 0 : byte[0] < 0xe0 ? 1 : byte[0] < 0xf0 ? 2 : 3;
    uint32_t point = more == 0 ? byte[0] : byte[0] & (0x3fu >> more);
    for (size_t i = 1; i <= more; i++)
        point = point << 6 | (byte[i] & 0x3f);
    *at += more + 1;
    return point;
}

/* Characters that UTS #46 takes out of a name, and those that may not be in it [UTS #46 4]: what
 * NFKC and lower case leave of its mappings. */
static bool url_is_ignored(uint32_t point)
{
    return point == 0xad || point == 0x34f || (point >= 0x180b && point <= 0x180f) ||
           point == 0x200b || point == 0x2060 || point == 0x2064 ||
           (point >= 0xfe00 && point <= 0xfe0f) || point == 0xfeff ||
           (point >= 0xe0100 && point <= 0xe01ef);
}

static bool url_is_disallowed(uint32_t point)
{
    return (point >= 0x80 && point <= 0x9f) || (point >= 0x200e && point <= 0x200f) ||
           (point >= 0x2028 && point <= 0x202e) || (point >= 0x2066 && point <= 0x206f) ||
           (point >= 0xd800 && point <= 0xf8ff) || (point >= 0xfdd0 && point <= 0xfdef) ||
           (point >= 0xfff0 && point <= 0xffff) || (point & 0xfffe) == 0xfffe || point >= 0xe0000;
}

/* Takes the ignored ones out, in place, and makes a dot of the ideographic full stop; false: the
 * name has a character that it may not have. */
static bool url_map_points(char *name)
{
    char *to = name;
    for (const char *at = name; *at != '\0';) {
        const char *begin = at;
        uint32_t point = url_point(&at);
        if (url_is_ignored(point))
            continue;
        if (url_is_disallowed(point))
            return false;
        if (point == 0x3002) {
            *to++ = '.';
            continue;
        }
        memmove(to, begin, (size_t)(at - begin));
        to += at - begin;
    }
    *to = '\0';
    return true;
}

static JSValue url_call(JSContext *context, JSValue text, const char *method, JSValueConst argument)
{
    JSValue function = JS_GetPropertyStr(context, text, method);
    JSValue result = JS_Call(context, function, text, 1, &argument);
    JS_FreeValue(context, function);
    JS_FreeValue(context, text);
    return result;
}

/* Mapped by JavaScript's own functions; takes the text. */
static JSValue url_mapped(JSContext *context, JSValue text)
{
    text = url_call(context, text, "normalize", JS_NewString(context, "NFKC"));
    text = url_call(context, text, "toLowerCase", JS_UNDEFINED);
    return url_call(context, text, "normalize", JS_NewString(context, "NFC"));
}

/* May punycode stand for it? Not for what would have been mapped. */
static bool url_is_its_own(JSContext *context, uint32_t point)
{
    if (point > 0x10ffff || url_is_disallowed(point) || url_is_ignored(point))
        return false;
    JSValue text =
        JS_NewStringUTF16(context,
                          point < 0x10000 ? (uint16_t[]){(uint16_t)point, 0}
                                          : (uint16_t[]){(uint16_t)(0xd7c0 + (point >> 10)),
                                                         (uint16_t)(0xdc00 | (point & 0x3ff))},
                          point < 0x10000 ? 1 : 2);
    return JS_IsStrictEqual(context, text, url_mapped(context, JS_DupValue(context, text)));
}

/* Is what follows "xn--" punycode of anything that is not ASCII? [RFC 3492 6.2] */
static bool url_is_punycode(JSContext *context, const char *text, size_t count)
{
    uint64_t n = 128;
    uint64_t i = 0;
    uint64_t bias = 72;
    uint64_t length = 0;
    size_t at = 0;
    for (size_t back = count; back > 0 && at == 0; back--) {
        if (text[back - 1] == '-')
            at = back;
    }
    length = at > 0 ? at - 1 : 0;
    if (at == count)
        return false;
    while (at < count) {
        uint64_t before = i;
        uint64_t weight = 1;
        for (uint64_t k = 36;; k += 36) {
            uint64_t low = k <= bias ? 1 : k >= bias + 26 ? 26 : k - bias;
            char c = at < count ? text[at++] : '-';
            uint64_t digit = c >= 'a' && c <= 'z'   ? (uint64_t)(c - 'a')
                             : c >= '0' && c <= '9' ? (uint64_t)(c - '0' + 26)
                                                    : 36;
            if (digit == 36 || weight > UINT32_MAX)
                return false;
            i += digit * weight;
            if (digit < low)
                break;
            weight *= 36 - low;
        }
        length++;
        uint64_t delta = before == 0 ? (i - before) / 700 : (i - before) / 2;
        uint64_t k = 0;
        for (delta += delta / length; delta > 455; k += 36)
            delta /= 35;
        bias = k + 36 * delta / (delta + 38);
        n += i / length;
        i = i % length + 1;
        if (n > UINT32_MAX || !url_is_its_own(context, (uint32_t)n))
            return false;
    }
    return true;
}

/* No label that says it is punycode and is not. */
static bool url_labels_are_good(JSContext *context, const char *name, size_t count)
{
    for (size_t at = 0; at < count;) {
        const char *dot = memchr(name + at, '.', count - at);
        size_t end = dot == NULL ? count : (size_t)(dot - name);
        if (end - at >= 4 && memcmp(name + at, "xn--", 4) == 0 &&
            !url_is_punycode(context, name + at + 4, end - at - 4))
            return false;
        at = end + 1;
    }
    return true;
}

/* Labels with other characters than ASCII as "xn--" and punycode. */
static bool url_put_ascii(const char *text, struct url_text *out)
{
    uint32_t points[256];
    const char *end = text + strlen(text);
    while (text < end) {
        size_t count = 0;
        bool plain = true;
        while (text < end && *text != '.' && count < 256) {
            points[count] = url_point(&text);
            plain = plain && points[count] < 128;
            count++;
        }
        if (count == 256)
            return false;
        if (!plain)
            url_put(out, "xn--", 4);
        for (size_t i = 0; i < count && plain; i++)
            url_put(out, (char[]){(char)points[i]}, 1);
        if (!plain && !url_put_punycode(points, count, out))
            return false;
        if (text < end)
            url_put(out, ".", 1), text++;
    }
    return true;
}

static bool url_map_name(JSContext *context, struct url_text *name)
{
    JSValue text =
        url_mapped(context, text_string(context, (const uint8_t *)name->data, name->count));
    size_t count;
    const char *mapped = JS_ToCStringLen(context, &count, text);
    if (mapped == NULL)
        return false;
    char *copy = strdup(mapped);
    bool good = copy != NULL && strlen(copy) == count;
    name->count = 0;
    good = good && url_map_points(copy) && url_put_ascii(copy, name);
    JS_FreeCString(context, mapped);
    free(copy);
    return good;
}

static int url_hex(char c)
{
    return c >= '0' && c <= '9'                     ? c - '0'
           : (c | 0x20) >= 'a' && (c | 0x20) <= 'f' ? (c | 0x20) - 'a' + 10
                                                    : -1;
}

void url_percent_decode(struct url_text text, struct url_text *out)
{
    for (size_t i = 0; i < text.count; i++) {
        bool encoded = text.data[i] == '%' && i + 2 < text.count &&
                       url_hex(text.data[i + 1]) >= 0 && url_hex(text.data[i + 2]) >= 0;
        char c = encoded ? (char)(url_hex(text.data[i + 1]) * 16 + url_hex(text.data[i + 2]))
                         : text.data[i];
        url_put(out, &c, 1);
        i += encoded ? 2 : 0;
    }
}

/* Forbidden host code points; in a name of a special scheme also controls, "%" and DEL. */
static bool url_is_forbidden(char c, bool special)
{
    if (c == '\0' || c == '\t' || c == '\n' || c == '\r')
        return true;
    if (special && ((unsigned char)c < 0x20 || c == '%' || c == 0x7f))
        return true;
    return strchr(" #/:<>?@[\\]^|", c) != NULL;
}

static bool url_has_forbidden(struct url_text text, bool special)
{
    for (size_t i = 0; i < text.count; i++) {
        if (url_is_forbidden(text.data[i], special))
            return true;
    }
    return false;
}

static bool url_parse_name(JSContext *context, struct url_text text, struct url_text *ret_host)
{
    struct url_text name = {0};
    bool plain = true;
    url_percent_decode(text, &name);
    for (size_t i = 0; i < name.count; i++) {
        char c = name.data[i];
        plain = plain && (unsigned char)c < 0x80;
        if (c >= 'A' && c <= 'Z')
            name.data[i] = (char)(c | 0x20);
    }
    if (!plain && !url_map_name(context, &name))
        return false;
    if (name.count == 0 || url_has_forbidden(name, true) ||
        !url_labels_are_good(context, name.data, name.count))
        return false;
    if (url_ends_in_number(name.data, name.count))
        return url_put_ipv4(name.data, name.count, ret_host);
    url_put(ret_host, name.data, name.count);
    return true;
}

bool url_parse_host(JSContext *context,
                    struct url_text text,
                    bool special,
                    struct url_text *ret_host)
{
    if (text.data[0] == '[')
        return text.data[text.count - 1] == ']' &&
               url_put_ipv6(text.data + 1, text.count - 2, ret_host);
    if (special)
        return url_parse_name(context, text, ret_host);
    if (url_has_forbidden(text, false))
        return false;
    url_put_encoded(ret_host, text, URL_SET_CONTROL);
    return true;
}
