/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON of plain data, several times as quick as QuickJS' own: nothing but plain objects, arrays,
 * texts and numbers, by way of the shapes that objects share. Here it is written.
 *
 * What else there is (toJSON, getters, proxies, holes, cycles, replacers) QuickJS does, from the
 * beginning. No code of a script has run until then, so nobody can tell that it was tried here
 * first.
 *
 * A part of quickjs_bounded.c: it looks into what QuickJS keeps to itself.
 */
#define JSON_DEPTH_MAX   64
#define JSON_STACK_BYTES 65536 /* what the deepest takes, with room to spare */

struct json_writer {
    JSContext *context;
    StringBuffer out;
    const JSObject *clean[2]; /* prototypes without toJSON: the last of an object, of an array */
};

static void json_put(StringBuffer *out, const char *text)
{
    string_buffer_write8(out, (const uint8_t *)text, (int)strlen(text));
}

static void json_put_escape(StringBuffer *out, uint32_t unit)
{
    static const char names[] = "\bb\tt\nn\ff\rr\"\"\\\\";
    const char *found = unit == 0 || unit >= 0x80 ? NULL : strchr(names, (int)unit);
    char text[8];
    if (found != NULL && (found - names) % 2 == 0)
        snprintf(text, sizeof(text), "\\%c", found[1]);
    else
        snprintf(text, sizeof(text), "\\u%04x", unit);
    json_put(out, text);
}

static bool json_is_special(uint32_t unit)
{
    return unit < 0x20 || unit == '"' || unit == '\\';
}

static void json_put_narrow(StringBuffer *out, const uint8_t *at, const uint8_t *end)
{
    while (at < end) {
        const uint8_t *run = at;
        while (at < end && !json_is_special(*at))
            at++;
        if (at > run)
            string_buffer_write8(out, run, (int)(at - run));
        if (at < end)
            json_put_escape(out, *at++);
    }
}

/* A half of a surrogate pair without the other is written as its number. */
static void json_put_wide(StringBuffer *out, const uint16_t *at, const uint16_t *end)
{
    for (; at < end; at++) {
        bool is_pair = is_hi_surrogate(*at) && at + 1 < end && is_lo_surrogate(at[1]);
        if (is_pair)
            string_buffer_putc16(out, *at++);
        if (!is_pair && (json_is_special(*at) || is_surrogate(*at)))
            json_put_escape(out, *at);
        else
            string_buffer_putc16(out, *at);
    }
}

static void json_put_text(StringBuffer *out, JSString *text)
{
    string_buffer_putc8(out, '"');
    if (text->is_wide_char)
        json_put_wide(out, str16(text), str16(text) + text->len);
    else
        json_put_narrow(out, str8(text), str8(text) + text->len);
    string_buffer_putc8(out, '"');
}

static bool json_put_converted(struct json_writer *writer, JSValue value, bool is_text)
{
    JSValue text = JS_ToString(writer->context, value);
    if (JS_IsException(text))
        return false;
    if (is_text)
        json_put_text(&writer->out, JS_VALUE_GET_STRING(text));
    else
        string_buffer_concat_value(&writer->out, text);
    JS_FreeValue(writer->context, text);
    return true;
}

static bool json_is_clean(struct json_writer *writer, const JSObject *object)
{
    const JSObject **known = &writer->clean[object->class_id == JS_CLASS_ARRAY];
    JSObject *first = object->shape->proto;
    for (JSObject *at = first; at != NULL && at != *known; at = at->shape->proto) {
        if ((at->class_id != JS_CLASS_OBJECT && at->class_id != JS_CLASS_ARRAY) ||
            find_own_property1(at, JS_ATOM_toJSON) != NULL)
            return false;
    }
    *known = first;
    return true;
}

static bool json_write(struct json_writer *writer, JSValue value, uint32_t depth);

static bool json_is_nothing(JSValue value)
{
    return JS_IsUndefined(value) || JS_IsSymbol(value);
}

static bool json_write_array(struct json_writer *writer, JSObject *array, uint32_t depth)
{
    JSValue length = array->prop[0].u.value;
    if (!array->fast_array || array->shape->prop_count != 1 ||
        JS_VALUE_GET_TAG(length) != JS_TAG_INT ||
        (uint32_t)JS_VALUE_GET_INT(length) != array->u.array.count)
        return false;
    string_buffer_putc8(&writer->out, '[');
    for (uint32_t i = 0; i < array->u.array.count; i++) {
        JSValue value = array->u.array.u.values[i];
        if (i > 0)
            string_buffer_putc8(&writer->out, ',');
        if (!json_write(writer, json_is_nothing(value) ? JS_NULL : value, depth))
            return false;
    }
    string_buffer_putc8(&writer->out, ']');
    return true;
}

/* Is it a member that is written? false in *ret_good: it is nothing for here. Numbers come before
 * other names, whatever came first, so QuickJS has to sort them. */
static bool json_takes(JSContext *context, const JSShapeProperty *member, bool *ret_good)
{
    if (member->atom == JS_ATOM_NULL)
        return false;
    bool is_number = __JS_AtomIsTaggedInt(member->atom);
    JSString *name = is_number ? NULL : context->rt->atom_array[member->atom];
    *ret_good = !is_number && member->atom != JS_ATOM_toJSON;
    if (!*ret_good || name->atom_type != JS_ATOM_TYPE_STRING ||
        (member->flags & JS_PROP_ENUMERABLE) == 0)
        return false;
    *ret_good = (member->flags & JS_PROP_TMASK) == JS_PROP_NORMAL &&
                (name->is_wide_char || name->len == 0 || !is_digit(str8(name)[0]));
    return *ret_good;
}

static bool json_write_object(struct json_writer *writer, JSObject *object, uint32_t depth)
{
    const JSShapeProperty *members = get_shape_prop(object->shape);
    bool is_first = true;
    string_buffer_putc8(&writer->out, '{');
    for (int i = 0; i < object->shape->prop_count; i++) {
        bool good = true;
        JSValue value = object->prop[i].u.value;
        if (!json_takes(writer->context, &members[i], &good) || json_is_nothing(value)) {
            if (!good)
                return false;
            continue;
        }
        if (!is_first)
            string_buffer_putc8(&writer->out, ',');
        is_first = false;
        json_put_text(&writer->out, writer->context->rt->atom_array[members[i].atom]);
        string_buffer_putc8(&writer->out, ':');
        if (!json_write(writer, value, depth))
            return false;
    }
    string_buffer_putc8(&writer->out, '}');
    return true;
}

static bool json_write(struct json_writer *writer, JSValue value, uint32_t depth)
{
    char digits[16];
    JSObject *object;
    switch (JS_VALUE_GET_NORM_TAG(value)) {
    case JS_TAG_INT:
        string_buffer_write8(&writer->out, (uint8_t *)digits,
                             (int)i32toa(digits, JS_VALUE_GET_INT(value)));
        return true;
    case JS_TAG_FLOAT64:
        if (isfinite(JS_VALUE_GET_FLOAT64(value)))
            return json_put_converted(writer, value, false);
        json_put(&writer->out, "null");
        return true;
    case JS_TAG_STRING:
        json_put_text(&writer->out, JS_VALUE_GET_STRING(value));
        return true;
    case JS_TAG_STRING_ROPE:
        return json_put_converted(writer, value, true);
    case JS_TAG_BOOL:
        json_put(&writer->out, JS_VALUE_GET_BOOL(value) ? "true" : "false");
        return true;
    case JS_TAG_NULL:
        json_put(&writer->out, "null");
        return true;
    case JS_TAG_OBJECT:
        object = JS_VALUE_GET_OBJ(value);
        if (depth == JSON_DEPTH_MAX || !json_is_clean(writer, object))
            return false;
        if (object->class_id == JS_CLASS_ARRAY)
            return json_write_array(writer, object, depth + 1);
        return object->class_id == JS_CLASS_OBJECT && !object->is_exotic &&
               json_write_object(writer, object, depth + 1);
    default:
        return false;
    }
}

static JSValue json_stringify(JSContext *context, JSValueConst self, int argc, JSValueConst *argv)
{
    if (!JS_IsObject(argv[0]) || !JS_IsUndefined(argv[1]) || !JS_IsUndefined(argv[2]) ||
        js_check_stack_overflow(context->rt, JSON_STACK_BYTES))
        return js_json_stringify(context, self, argc, argv);
    struct json_writer writer = {.context = context};
    string_buffer_init(context, &writer.out, 0);
    if (json_write(&writer, unsafe_unconst(argv[0]), 0))
        return string_buffer_end(&writer.out);
    string_buffer_free(&writer.out);
    JS_FreeValue(context, JS_GetException(context));
    return js_json_stringify(context, self, argc, argv);
}
