/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The decoders of the Encoding Standard's older encodings, a byte at a time [Encoding Standard 9
 * to 14]; UTF-8 and UTF-16 are elsewhere. Tables: encodings.py.
 *
 *   bytes --> a decoder of struct encoding --> ENCODING_MORE    it is not whole
 *                 |                            ENCODING_ERROR   U+FFFD, or an exception
 *                 +- may give bytes back       a code point
 *
 * What is between two calls of a script's decoder is eight bytes that the script's side keeps.
 */
#include <encoding_tables.h>

#include "hostapi/javascript/guest/guest.h"

#define ENCODING_MORE        (-1)
#define ENCODING_ERROR       (-2)
#define ENCODING_STATE_BYTES 8
#define ENCODING_BACK_MAX    4
#define ENCODING_SINGLES     27

/* In the order of api/text.js; a number below ENCODING_SINGLES is a table of single bytes. */
enum encoding_kind {
    ENCODING_GB18030 = ENCODING_SINGLES,
    ENCODING_BIG5,
    ENCODING_EUC_JP,
    ENCODING_ISO_2022_JP,
    ENCODING_SHIFT_JIS,
    ENCODING_EUC_KR,
    ENCODING_REPLACEMENT,
    ENCODING_USER_DEFINED,
    ENCODING_KINDS,
};

/* Modes of ISO-2022-JP. */
enum encoding_mode {
    ENCODING_ASCII,
    ENCODING_ROMAN,
    ENCODING_KATAKANA,
    ENCODING_LEAD,
    ENCODING_TRAIL,
    ENCODING_ESCAPE_START,
    ENCODING_ESCAPE,
};

/* The first eight bytes are what lasts. */
struct encoding {
    uint8_t first; /* bytes of a character that is not whole */
    uint8_t second;
    uint8_t third;
    uint8_t mode;
    uint8_t output_mode;
    uint8_t escaped; /* and nothing since: another escape is an error */
    uint8_t is_jis0212;
    uint8_t said; /* the replacement's one error */
    uint32_t kind;
    uint32_t back_count;
    uint8_t back[ENCODING_BACK_MAX]; /* to be read again: the last one first */
};

static void encoding_give_back(struct encoding *self, uint8_t byte)
{
    self->back[self->back_count++] = byte;
}

static bool encoding_is_in(int byte, int low, int high)
{
    return byte >= low && byte <= high;
}

static int32_t encoding_of(uint32_t code)
{
    return code == 0 ? ENCODING_ERROR : (int32_t)code;
}

/* What an index has; a script that reaches what is kept may bring any pointer. */
static int32_t encoding_at(const uint16_t *index, size_t bytes, uint32_t pointer)
{
    return pointer < bytes / sizeof(*index) ? encoding_of(index[pointer]) : ENCODING_ERROR;
}
#define ENCODING_AT(index, pointer) encoding_at(index, sizeof(index), pointer)

/* ---- gb18030 and gbk ------------------------------------------------------------------------- */

static int32_t encoding_gb18030_linear(uint32_t pointer)
{
    uint32_t count = sizeof(encoding_gb18030_pointers) / sizeof(encoding_gb18030_pointers[0]);
    if (pointer >= 189000)
        return pointer <= 1237575 ? (int32_t)(pointer - 189000 + 0x10000) : ENCODING_ERROR;
    if (pointer > 39419)
        return ENCODING_ERROR;
    if (pointer == 7457)
        return 0xe7c7;
    while (count > 1 && encoding_gb18030_pointers[count - 1] > pointer)
        count--;
    return (int32_t)(encoding_gb18030_codes[count - 1] + pointer -
                     encoding_gb18030_pointers[count - 1]);
}

static int32_t encoding_gb18030_four(struct encoding *self, uint8_t byte)
{
    uint32_t pointer = ((self->first - 0x81u) * 10 + self->second - 0x30u) * 1260 +
                       (self->third - 0x81u) * 10 + byte - 0x30u;
    if (!encoding_is_in(byte, '0', '9')) {
        encoding_give_back(self, byte);
        encoding_give_back(self, self->third);
        encoding_give_back(self, self->second);
        self->first = self->second = self->third = 0;
        return ENCODING_ERROR;
    }
    self->first = self->second = self->third = 0;
    return encoding_gb18030_linear(pointer);
}

/* The second byte of two, or of four. */
static int32_t encoding_gb18030_second(struct encoding *self, uint8_t byte)
{
    uint8_t lead = self->first;
    if (encoding_is_in(byte, '0', '9')) {
        self->second = byte;
        return ENCODING_MORE;
    }
    self->first = 0;
    int32_t code = ENCODING_ERROR;
    if (encoding_is_in(byte, 0x40, 0x7e) || encoding_is_in(byte, 0x80, 0xfe))
        code = ENCODING_AT(encoding_gb18030,
                           (lead - 0x81u) * 190 + byte - (byte < 0x7f ? 0x40u : 0x41u));
    if (code == ENCODING_ERROR && byte < 0x80)
        encoding_give_back(self, byte);
    return code;
}

static int32_t encoding_next_gb18030(struct encoding *self, uint8_t byte)
{
    if (self->third != 0)
        return encoding_gb18030_four(self, byte);
    if (self->second != 0 && encoding_is_in(byte, 0x81, 0xfe)) {
        self->third = byte;
        return ENCODING_MORE;
    }
    if (self->second != 0) {
        encoding_give_back(self, byte);
        encoding_give_back(self, self->second);
        self->first = self->second = 0;
        return ENCODING_ERROR;
    }
    if (self->first != 0)
        return encoding_gb18030_second(self, byte);
    if (byte < 0x80)
        return byte;
    if (byte == 0x80)
        return 0x20ac;
    if (byte == 0xff)
        return ENCODING_ERROR;
    self->first = byte;
    return ENCODING_MORE;
}

/* ---- two bytes ------------------------------------------------------------------------------- */

/* Behind a lead: the code, or an error that gives ASCII back. */
static int32_t encoding_second(struct encoding *self, uint8_t byte, int32_t code)
{
    self->first = 0;
    if (code == ENCODING_ERROR && byte < 0x80)
        encoding_give_back(self, byte);
    return code;
}

static int32_t encoding_big5_code(uint8_t lead, uint8_t byte)
{
    if (!encoding_is_in(byte, 0x40, 0x7e) && !encoding_is_in(byte, 0xa1, 0xfe))
        return ENCODING_ERROR;
    uint32_t pointer = (lead - 0x81u) * 157 + byte - (byte < 0x7f ? 0x40u : 0x62u);
    int32_t code = ENCODING_AT(encoding_big5, pointer);
    bool is_high = code >= 0 && (encoding_big5_high[pointer / 8] >> (pointer % 8) & 1) != 0;
    return is_high ? code | 0x20000 : code;
}

/* Four of them are two code points: a letter and what stands above it. */
static int32_t encoding_next_big5(struct encoding *self, uint8_t byte)
{
    if (self->second != 0) { /* the accent is owed */
        int32_t accent = self->second == 1 ? 0x304 : 0x30c;
        self->second = 0;
        encoding_give_back(self, byte);
        return accent;
    }
    if (self->first == 0 && encoding_is_in(byte, 0x81, 0xfe)) {
        self->first = byte;
        return ENCODING_MORE;
    }
    if (self->first == 0)
        return byte < 0x80 ? byte : ENCODING_ERROR;
    uint8_t lead = self->first;
    if (lead == 0x88 && (byte == 0x62 || byte == 0x64 || byte == 0xa3 || byte == 0xa5)) {
        self->first = 0;
        self->second = byte == 0x62 || byte == 0xa3 ? 1 : 2;
        return byte < 0x80 ? 0xca : 0xea;
    }
    return encoding_second(self, byte, encoding_big5_code(lead, byte));
}

static int32_t encoding_next_euc_kr(struct encoding *self, uint8_t byte)
{
    if (self->first != 0) {
        bool is_trail = encoding_is_in(byte, 0x41, 0xfe);
        uint32_t pointer = (self->first - 0x81u) * 190 + byte - 0x41u;
        return encoding_second(self, byte,
                               is_trail ? ENCODING_AT(encoding_euc_kr, pointer) : ENCODING_ERROR);
    }
    if (byte < 0x80)
        return byte;
    if (!encoding_is_in(byte, 0x81, 0xfe))
        return ENCODING_ERROR;
    self->first = byte;
    return ENCODING_MORE;
}

/* ---- Japanese -------------------------------------------------------------------------------- */

static int32_t encoding_euc_jp_second(struct encoding *self, uint8_t byte)
{
    uint8_t lead = self->first;
    int32_t code = ENCODING_ERROR;
    if (lead == 0x8e && encoding_is_in(byte, 0xa1, 0xdf)) {
        self->first = 0;
        return 0xff61 - 0xa1 + byte;
    }
    if (lead == 0x8f && encoding_is_in(byte, 0xa1, 0xfe)) {
        self->is_jis0212 = 1;
        self->first = byte;
        return ENCODING_MORE;
    }
    if (encoding_is_in(lead, 0xa1, 0xfe) && encoding_is_in(byte, 0xa1, 0xfe)) {
        uint32_t pointer = (lead - 0xa1u) * 94 + byte - 0xa1u;
        code = self->is_jis0212 ? ENCODING_AT(encoding_jis0212, pointer)
                                : ENCODING_AT(encoding_jis0208, pointer);
    }
    self->is_jis0212 = 0;
    return encoding_second(self, byte, code);
}

static int32_t encoding_next_euc_jp(struct encoding *self, uint8_t byte)
{
    if (self->first != 0)
        return encoding_euc_jp_second(self, byte);
    if (byte < 0x80)
        return byte;
    if (byte != 0x8e && byte != 0x8f && !encoding_is_in(byte, 0xa1, 0xfe))
        return ENCODING_ERROR;
    self->first = byte;
    return ENCODING_MORE;
}

static int32_t encoding_shift_jis_code(uint8_t lead, uint8_t byte)
{
    if (!encoding_is_in(byte, 0x40, 0x7e) && !encoding_is_in(byte, 0x80, 0xfc))
        return ENCODING_ERROR;
    uint32_t pointer =
        (lead - (lead < 0xa0 ? 0x81u : 0xc1u)) * 188 + byte - (byte < 0x7f ? 0x40u : 0x41u);
    if (pointer >= 8836 && pointer <= 10715)
        return (int32_t)(0xe000 - 8836 + pointer);
    return ENCODING_AT(encoding_jis0208, pointer);
}

static int32_t encoding_next_shift_jis(struct encoding *self, uint8_t byte)
{
    if (self->first != 0)
        return encoding_second(self, byte, encoding_shift_jis_code(self->first, byte));
    if (byte <= 0x80)
        return byte;
    if (encoding_is_in(byte, 0xa1, 0xdf))
        return 0xff61 - 0xa1 + byte;
    if (!encoding_is_in(byte, 0x81, 0x9f) && !encoding_is_in(byte, 0xe0, 0xfc))
        return ENCODING_ERROR;
    self->first = byte;
    return ENCODING_MORE;
}

/* Behind ESC and its second byte: the mode that it asks for, or -1. */
static int encoding_escape_mode(uint8_t second, uint8_t byte)
{
    if (second == '(' && byte == 'B')
        return ENCODING_ASCII;
    if (second == '(' && byte == 'J')
        return ENCODING_ROMAN;
    if (second == '(' && byte == 'I')
        return ENCODING_KATAKANA;
    return second == '$' && (byte == '@' || byte == 'B') ? ENCODING_LEAD : -1;
}

static int32_t encoding_escape(struct encoding *self, uint8_t byte)
{
    if (self->mode == ENCODING_ESCAPE_START && (byte == '$' || byte == '(')) {
        self->first = byte;
        self->mode = ENCODING_ESCAPE;
        return ENCODING_MORE;
    }
    int mode = self->mode == ENCODING_ESCAPE ? encoding_escape_mode(self->first, byte) : -1;
    if (mode >= 0) {
        bool twice = self->escaped != 0;
        self->mode = self->output_mode = (uint8_t)mode;
        self->first = 0;
        self->escaped = 1;
        return twice ? ENCODING_ERROR : ENCODING_MORE;
    }
    encoding_give_back(self, byte);
    if (self->mode == ENCODING_ESCAPE)
        encoding_give_back(self, self->first);
    self->first = self->escaped = 0;
    self->mode = self->output_mode;
    return ENCODING_ERROR;
}

static int32_t encoding_iso_2022_jp_plain(struct encoding *self, uint8_t byte)
{
    if (self->mode == ENCODING_KATAKANA)
        return encoding_is_in(byte, 0x21, 0x5f) ? 0xff61 - 0x21 + byte : ENCODING_ERROR;
    if (self->mode == ENCODING_ROMAN && (byte == '\\' || byte == '~'))
        return byte == '\\' ? 0xa5 : 0x203e;
    return byte < 0x80 && byte != 0x0e && byte != 0x0f ? byte : ENCODING_ERROR;
}

static int32_t encoding_next_iso_2022_jp(struct encoding *self, uint8_t byte)
{
    if (self->mode == ENCODING_ESCAPE_START || self->mode == ENCODING_ESCAPE)
        return encoding_escape(self, byte);
    if (byte == 0x1b) {
        bool is_half = self->mode == ENCODING_TRAIL;
        self->mode = ENCODING_ESCAPE_START;
        return is_half ? ENCODING_ERROR : ENCODING_MORE;
    }
    self->escaped = 0;
    if (self->mode < ENCODING_LEAD)
        return encoding_iso_2022_jp_plain(self, byte);
    if (self->mode == ENCODING_LEAD) {
        if (!encoding_is_in(byte, 0x21, 0x7e))
            return ENCODING_ERROR;
        self->first = byte;
        self->mode = ENCODING_TRAIL;
        return ENCODING_MORE;
    }
    self->mode = ENCODING_LEAD;
    return encoding_is_in(byte, 0x21, 0x7e)
               ? ENCODING_AT(encoding_jis0208, (self->first - 0x21u) * 94 + byte - 0x21u)
               : ENCODING_ERROR;
}

/* ---- all of them ----------------------------------------------------------------------------- */

static int32_t encoding_next_replacement(struct encoding *self, uint8_t byte)
{
    (void)byte;
    bool said = self->said != 0;
    self->said = 1;
    return said ? ENCODING_MORE : ENCODING_ERROR;
}

static int32_t encoding_next_user_defined(struct encoding *self, uint8_t byte)
{
    (void)self;
    return byte < 0x80 ? byte : 0xf780 + byte - 0x80;
}

typedef int32_t encoding_decoder(struct encoding *self, uint8_t byte);

static encoding_decoder *const encoding_decoders[ENCODING_KINDS] = {
    [ENCODING_GB18030] = encoding_next_gb18030,
    [ENCODING_BIG5] = encoding_next_big5,
    [ENCODING_EUC_JP] = encoding_next_euc_jp,
    [ENCODING_ISO_2022_JP] = encoding_next_iso_2022_jp,
    [ENCODING_SHIFT_JIS] = encoding_next_shift_jis,
    [ENCODING_EUC_KR] = encoding_next_euc_kr,
    [ENCODING_REPLACEMENT] = encoding_next_replacement,
    [ENCODING_USER_DEFINED] = encoding_next_user_defined,
};

static int32_t encoding_next(struct encoding *self, uint8_t byte)
{
    if (self->kind >= ENCODING_SINGLES)
        return encoding_decoders[self->kind](self, byte);
    return byte < 0x80 ? byte : ENCODING_AT(encoding_single, self->kind * 128 + byte - 0x80u);
}

/* At the end: an accent that is owed, an error for what is not whole, or nothing. */
static int32_t encoding_end(struct encoding *self)
{
    if (self->kind == ENCODING_BIG5 && self->second != 0) {
        int32_t accent = self->second == 1 ? 0x304 : 0x30c;
        self->second = 0;
        return accent;
    }
    if (self->kind == ENCODING_ISO_2022_JP && self->mode >= ENCODING_TRAIL) {
        bool gives_back = self->mode == ENCODING_ESCAPE;
        uint8_t byte = self->first;
        self->mode = self->mode == ENCODING_TRAIL ? ENCODING_LEAD : self->output_mode;
        self->first = 0;
        if (gives_back)
            encoding_give_back(self, byte);
        return ENCODING_ERROR;
    }
    if (self->kind == ENCODING_ISO_2022_JP || self->first == 0)
        return ENCODING_MORE;
    self->first = self->second = self->third = 0;
    return ENCODING_ERROR;
}

static size_t encoding_put(char *text, uint32_t code)
{
    if (code < 0x80) {
        text[0] = (char)code;
        return 1;
    }
    size_t more = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
    for (size_t i = more; i > 0; i--, code >>= 6)
        text[i] = (char)(0x80 | (code & 0x3f));
    text[0] = (char)(code | (more == 1 ? 0xc0 : more == 2 ? 0xe0 : 0xf0));
    return more + 1;
}

/* What `self` makes of bytes, and of those that it gives back; -1: an error that is fatal. A byte
 * becomes three bytes of UTF-8 at most, and what is held from an earlier call twelve. */
static int64_t encoding_run(
    struct encoding *self, const uint8_t *bytes, size_t count, bool more, bool fatal, char *text)
{
    size_t used = 0;
    for (size_t at = 0;;) {
        int32_t code;
        if (self->back_count > 0)
            code = encoding_next(self, self->back[--self->back_count]);
        else if (at < count)
            code = encoding_next(self, bytes[at++]);
        else if (more || (code = encoding_end(self)) == ENCODING_MORE)
            return (int64_t)used;
        if (code == ENCODING_ERROR && fatal)
            return -1;
        if (code != ENCODING_MORE)
            used += encoding_put(text + used, code == ENCODING_ERROR ? 0xfffd : (uint32_t)code);
    }
}

/* (number, eight bytes that are kept, bytes, more, fatal) -> text, or null for a fatal error */
static JSValue encoding_decode(JSContext *context, JSValueConst self, int argc, JSValueConst *argv)
{
    (void)self, (void)argc;
    size_t kept_count;
    size_t count;
    struct encoding encoding = {0};
    uint8_t *kept = (uint8_t *)guest_bytes(context, argv[1], &kept_count);
    if (JS_ToUint32(context, &encoding.kind, argv[0]) != 0 || kept == NULL)
        return JS_EXCEPTION;
    if (encoding.kind >= ENCODING_KINDS || kept_count < ENCODING_STATE_BYTES)
        return JS_ThrowRangeError(context, "there is no such encoding");
    const uint8_t *bytes = guest_bytes(context, argv[2], &count);
    if (bytes == NULL && count > 0)
        return JS_EXCEPTION;
    char *text = malloc(count * 3 + 16);
    if (text == NULL)
        return JS_ThrowOutOfMemory(context);
    memcpy(&encoding, kept, ENCODING_STATE_BYTES);
    bool more = JS_ToBool(context, argv[3]) > 0;
    int64_t used =
        encoding_run(&encoding, bytes, count, more, JS_ToBool(context, argv[4]) > 0, text);
    if (more)
        memcpy(kept, &encoding, ENCODING_STATE_BYTES);
    else
        memset(kept, 0, ENCODING_STATE_BYTES);
    JSValue value = used < 0 ? JS_NULL : JS_NewStringLen(context, text, (size_t)used);
    free(text);
    return value;
}

void encodings_add(void)
{
    static const JSCFunctionListEntry functions[] = {
        GUEST_FUNCTION("decodeOlder", 5, encoding_decode),
    };
    guest_add(functions, sizeof(functions) / sizeof(functions[0]));
}
