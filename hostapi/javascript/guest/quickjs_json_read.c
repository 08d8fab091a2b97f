/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON of plain data, read. Objects of a list have the same members, most likely: each is tried on
 * the shape of the one before it.
 *
 * A text with characters beyond U+00FF, a reviver, and whatever is wrong, QuickJS does from the
 * beginning. Like quickjs_json.c a part of quickjs_bounded.c.
 */
#define JSON_MEMBERS_MAX 32
#define JSON_DIGITS_MAX  9 /* of numbers that surely are an int32 */
#define JSON_NUMBER_MAX  64

struct json_reader {
    JSContext *context;
    const uint8_t *at;
    const uint8_t *end;
    /* Of the last object so deep: the next one in a list has the same members, most likely. It is
     * held by what was read, of which nothing is let go before the end. */
    JSShape *shapes[JSON_DEPTH_MAX];
};

/* Members of an object that is being read; names are the shape's while it fits, then owned. */
struct json_members {
    JSShape *shape; /* NULL: there is none, or it does not fit */
    JSAtom names[JSON_MEMBERS_MAX];
    JSValue values[JSON_MEMBERS_MAX];
    int count;
};

/* Undefined, which JSON has not: this is nothing for here. */
static JSValue json_read(struct json_reader *reader, uint32_t depth);

static int json_next(struct json_reader *reader)
{
    while (reader->at < reader->end && (*reader->at == ' ' || *reader->at == '\n' ||
                                        *reader->at == '\r' || *reader->at == '\t'))
        reader->at++;
    return reader->at < reader->end ? *reader->at : -1;
}

static bool json_accept(struct json_reader *reader, int character)
{
    if (json_next(reader) != character)
        return false;
    reader->at++;
    return true;
}

static bool json_read_escape(struct json_reader *reader, StringBuffer *out)
{
    static const char names[] = "b\bf\fn\nr\rt\t\"\"\\\\//";
    uint32_t unit = 0;
    if (reader->at == reader->end)
        return false;
    uint8_t name = *reader->at++;
    if (name != 'u') {
        for (const char *at = names; *at != '\0'; at += 2) {
            if (*at == (char)name)
                return string_buffer_putc8(out, (uint8_t)at[1]) == 0;
        }
        return false;
    }
    if (reader->end - reader->at < 4)
        return false;
    for (int i = 0; i < 4; i++) {
        int digit = from_hex(*reader->at++);
        if (digit < 0)
            return false;
        unit = unit * 16 + (uint32_t)digit;
    }
    return string_buffer_putc16(out, unit) == 0;
}

/* The rest of a text, from its first escape on; `begin` is where it began. */
static JSValue json_read_escaped(struct json_reader *reader, const uint8_t *begin)
{
    StringBuffer out;
    string_buffer_init(reader->context, &out, 0);
    for (;;) {
        if (reader->at > begin)
            string_buffer_write8(&out, begin, (int)(reader->at - begin));
        if (reader->at < reader->end && *reader->at == '"') {
            reader->at++;
            JSValue text = string_buffer_end(&out);
            return JS_IsException(text) ? JS_UNDEFINED : text;
        }
        if (reader->at == reader->end || *reader->at++ != '\\' || !json_read_escape(reader, &out))
            break;
        begin = reader->at;
        while (reader->at < reader->end && !json_is_special(*reader->at))
            reader->at++;
    }
    string_buffer_free(&out);
    return JS_UNDEFINED;
}

/* Behind the quotation mark; *ret_text and *ret_count are of a text without escapes, which is not
 * made a value then. */
static JSValue json_scan_text(struct json_reader *reader, const uint8_t **ret_text, int *ret_count)
{
    const uint8_t *begin = reader->at;
    while (reader->at < reader->end && !json_is_special(*reader->at))
        reader->at++;
    *ret_text = NULL;
    if (reader->at == reader->end || *reader->at != '"')
        return json_read_escaped(reader, begin);
    *ret_text = begin;
    *ret_count = (int)(reader->at++ - begin);
    return JS_UNDEFINED;
}

static JSValue json_read_text(struct json_reader *reader)
{
    const uint8_t *text;
    int count;
    JSValue value = json_scan_text(reader, &text, &count);
    if (text != NULL)
        value = js_new_string8_len(reader->context, (const char *)text, count);
    return JS_IsException(value) ? JS_UNDEFINED : value;
}

static JSValue json_read_number(struct json_reader *reader)
{
    char copy[JSON_NUMBER_MAX];
    const uint8_t *begin = reader->at;
    bool is_negative = *reader->at == '-';
    int32_t whole = 0;
    if (is_negative)
        reader->at++;
    const uint8_t *digits = reader->at;
    for (; reader->at < reader->end && is_digit(*reader->at); reader->at++) {
        if (reader->at - digits < JSON_DIGITS_MAX)
            whole = whole * 10 + (*reader->at - '0');
    }
    ptrdiff_t count = reader->at - digits;
    if (count == 0 || (count > 1 && *digits == '0'))
        return JS_UNDEFINED;
    bool is_whole = reader->at == reader->end ||
                    (*reader->at != '.' && *reader->at != 'e' && *reader->at != 'E');
    if (is_whole && count <= JSON_DIGITS_MAX && (whole != 0 || !is_negative))
        return js_int32(is_negative ? -whole : whole);
    if (!is_whole && *reader->at == '.') {
        digits = ++reader->at;
        while (reader->at < reader->end && is_digit(*reader->at))
            reader->at++;
        if (reader->at == digits)
            return JS_UNDEFINED;
    }
    if (reader->at < reader->end && (*reader->at == 'e' || *reader->at == 'E')) {
        reader->at++;
        if (reader->at < reader->end && (*reader->at == '+' || *reader->at == '-'))
            reader->at++;
        digits = reader->at;
        while (reader->at < reader->end && is_digit(*reader->at))
            reader->at++;
        if (reader->at == digits)
            return JS_UNDEFINED;
    }
    if (reader->at - begin >= JSON_NUMBER_MAX)
        return JS_UNDEFINED;
    memcpy(copy, begin, (size_t)(reader->at - begin));
    copy[reader->at - begin] = '\0';
    return js_float64(strtod(copy, NULL));
}

static JSValue json_read_word(struct json_reader *reader, const char *word, JSValue value)
{
    size_t count = strlen(word);
    if ((size_t)(reader->end - reader->at) < count || memcmp(reader->at, word, count) != 0)
        return JS_UNDEFINED;
    reader->at += count;
    return value;
}

static JSValue json_read_array(struct json_reader *reader, uint32_t depth)
{
    JSValue list = JS_NewArray(reader->context);
    if (JS_IsException(list))
        return JS_UNDEFINED;
    JSObject *array = JS_VALUE_GET_OBJ(list);
    if (json_accept(reader, ']'))
        return list;
    do {
        JSValue value = json_read(reader, depth);
        uint32_t count = array->u.array.count;
        if (JS_IsUndefined(value))
            goto out;
        if (count == array->u.array.u1.size &&
            expand_fast_array(reader->context, array, count == 0 ? 4 : count + 1) < 0) {
            JS_FreeValue(reader->context, value);
            goto out;
        }
        array->u.array.u.values[array->u.array.count++] = value;
    } while (json_accept(reader, ','));
    if (json_accept(reader, ']')) {
        array->prop[0].u.value = js_int32((int32_t)array->u.array.count);
        return list;
    }
out:
    JS_FreeValue(reader->context, list);
    return JS_UNDEFINED;
}

/* ---- objects */

static JSAtom json_atom(JSContext *context, const uint8_t *text, int count)
{
    for (int i = 0; i < count; i++) {
        if (text[i] >= 0x80) { /* what is not ASCII is taken for UTF-8 */
            JSValue value = js_new_string8_len(context, (const char *)text, count);
            return JS_IsException(value) ? JS_ATOM_NULL
                                         : JS_NewAtomStr(context, JS_VALUE_GET_STRING(value));
        }
    }
    return JS_NewAtomLen(context, (const char *)text, (size_t)count);
}

/* From here on names are owned. */
static void json_misfit(JSContext *context, struct json_members *members)
{
    if (members->shape == NULL)
        return;
    members->shape = NULL;
    for (int i = 0; i < members->count; i++)
        JS_DupAtom(context, members->names[i]);
}

/* JS_ATOM_NULL: nothing for here. */
static JSAtom json_read_name(struct json_reader *reader, struct json_members *members)
{
    JSContext *context = reader->context;
    const uint8_t *text;
    int count;
    if (!json_accept(reader, '"'))
        return JS_ATOM_NULL;
    JSValue value = json_scan_text(reader, &text, &count);
    if (text != NULL && members->shape != NULL && members->count < members->shape->prop_count) {
        JSAtom next = get_shape_prop(members->shape)[members->count].atom;
        JSString *name = __JS_AtomIsTaggedInt(next) ? NULL : context->rt->atom_array[next];
        if (name != NULL && !name->is_wide_char && (int)name->len == count &&
            memcmp(str8(name), text, (size_t)count) == 0)
            return next;
    }
    json_misfit(context, members);
    if (text != NULL)
        return json_atom(context, text, count);
    if (JS_IsUndefined(value))
        return JS_ATOM_NULL;
    JSAtom atom = JS_ValueToAtom(context, value);
    JS_FreeValue(context, value);
    return atom;
}

/* Moves what was read to the object; false: it cannot be. */
static bool json_define(JSContext *context, JSValue object, struct json_members *members)
{
    JSObject *target = JS_VALUE_GET_OBJ(object);
    bool good = true;
    json_misfit(context, members);
    for (int i = 0; i < members->count; i++) {
        JSProperty *place = NULL;
        bool is_new = find_own_property1(target, members->names[i]) == NULL;
        if (good && is_new)
            place = add_property(context, target, members->names[i], JS_PROP_C_W_E);
        if (place != NULL)
            place->u.value = members->values[i];
        else if (good && !is_new)
            good = JS_DefinePropertyValue(context, object, members->names[i], members->values[i],
                                          JS_PROP_C_W_E) >= 0;
        else
            JS_FreeValue(context, members->values[i]);
        good = good && (place != NULL || !is_new);
        JS_FreeAtom(context, members->names[i]);
    }
    members->count = 0;
    return good;
}

/* Has all members of its shape, and no others. */
static JSValue json_build(JSContext *context, struct json_members *members)
{
    JSValue object =
        JS_NewObjectFromShape(context, js_dup_shape(members->shape), JS_CLASS_OBJECT, NULL);
    for (int i = 0; i < members->count; i++) {
        if (JS_IsException(object))
            JS_FreeValue(context, members->values[i]);
        else
            JS_VALUE_GET_OBJ(object)->prop[i].u.value = members->values[i];
    }
    members->count = 0;
    return object;
}

/* Reads members as long as there are some and room for them; false: nothing for here. */
static bool
json_read_members(struct json_reader *reader, struct json_members *members, uint32_t depth)
{
    do {
        JSAtom name = json_read_name(reader, members);
        if (name == JS_ATOM_NULL)
            return false;
        members->names[members->count] = name;
        JSValue value = json_accept(reader, ':') ? json_read(reader, depth) : JS_UNDEFINED;
        if (JS_IsUndefined(value)) {
            if (members->shape == NULL)
                JS_FreeAtom(reader->context, name);
            return false;
        }
        members->values[members->count++] = value;
    } while (members->count < JSON_MEMBERS_MAX && json_accept(reader, ','));
    return true;
}

static JSValue json_read_object(struct json_reader *reader, uint32_t depth)
{
    JSContext *context = reader->context;
    JSShape **last = &reader->shapes[depth - 1];
    struct json_members members;
    members.shape = *last;
    members.count = 0;
    JSValue object = JS_UNDEFINED;
    bool good = true;
    bool more = !json_accept(reader, '}');
    while (good && more) {
        good = json_read_members(reader, &members, depth);
        more = json_accept(reader, ',');
        if (good && !more && members.shape != NULL && JS_IsUndefined(object) &&
            members.count == members.shape->prop_count) {
            object = json_build(context, &members);
        } else {
            if (JS_IsUndefined(object))
                object = JS_NewObject(context);
            good &= json_define(context, object, &members);
        }
        good &= !JS_IsException(object) && (more || json_accept(reader, '}'));
    }
    if (JS_IsUndefined(object))
        object = JS_NewObject(context);
    if (!good || JS_IsException(object)) {
        JS_FreeValue(context, object);
        return JS_UNDEFINED;
    }
    JSShape *shape = JS_VALUE_GET_OBJ(object)->shape;
    *last = shape->is_hashed ? shape : NULL;
    return object;
}

static JSValue json_read(struct json_reader *reader, uint32_t depth)
{
    int first = json_next(reader);
    if (first == '"') {
        reader->at++;
        return json_read_text(reader);
    }
    if (first == '-' || is_digit(first))
        return json_read_number(reader);
    if ((first == '{' || first == '[') && depth < JSON_DEPTH_MAX) {
        reader->at++;
        return first == '{' ? json_read_object(reader, depth + 1)
                            : json_read_array(reader, depth + 1);
    }
    return first == 't'   ? json_read_word(reader, "true", JS_TRUE)
           : first == 'f' ? json_read_word(reader, "false", JS_FALSE)
           : first == 'n' ? json_read_word(reader, "null", JS_NULL)
                          : JS_UNDEFINED;
}

static JSValue json_parse(JSContext *context, JSValueConst self, int argc, JSValueConst *argv)
{
    if (!JS_IsString(argv[0]) || (argc > 1 && JS_IsFunction(context, argv[1])) ||
        js_check_stack_overflow(context->rt, JSON_STACK_BYTES))
        return js_json_parse(context, self, argc, argv);
    JSValue value = JS_UNDEFINED;
    JSValue text = JS_ToString(context, argv[0]);
    JSString *string = JS_IsException(text) ? NULL : JS_VALUE_GET_STRING(text);
    if (string != NULL && !string->is_wide_char) {
        struct json_reader reader = {
            .context = context, .at = str8(string), .end = str8(string) + string->len};
        value = json_read(&reader, 0);
        if (json_next(&reader) >= 0) {
            JS_FreeValue(context, value);
            value = JS_UNDEFINED;
        }
    }
    JS_FreeValue(context, text);
    if (!JS_IsUndefined(value))
        return value;
    JS_FreeValue(context, JS_GetException(context));
    return js_json_parse(context, self, argc, argv);
}

void quickjs_add_json(JSContext *context)
{
    JSValue global = JS_GetGlobalObject(context);
    JSValue json = JS_GetPropertyStr(context, global, "JSON");
    JSValue parse = JS_NewCFunction(context, json_parse, "parse", 2);
    JSValue stringify = JS_NewCFunction(context, json_stringify, "stringify", 3);
    JS_SetPropertyStr(context, json, "parse", parse);
    JS_SetPropertyStr(context, json, "stringify", stringify);
    JS_FreeValue(context, json);
    JS_FreeValue(context, global);
}
