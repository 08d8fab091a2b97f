/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One script: its commands in order, each with a verdict.
 *
 *   module, register, action   must work; counted only when they fail
 *   assert_*                   counted as passed, failed or skipped
 *
 * A skipped module skips all that uses it. Trap and link texts match if one begins with
 * the other ("uninitialized element 2").
 */
#include "server/cli/wast.h"

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>

#include "server/cli/values.h"

#define WAST_ARGUMENTS_MAX 64
#define WAST_MESSAGE_BYTES 1024

enum verdict { PASS, FAIL, SKIP, SKIP_TEXT };

struct script {
    const char *path;
    int folder_bytes; /* of path, slash included */
    uint32_t line;
    int64_t slice;
    uint64_t outcome_hash;
    struct wast_modules modules;
    char message[WAST_MESSAGE_BYTES];
};

/* What an action came to. */
struct answer {
    enum verdict verdict; /* FAIL: could not even begin; message says why */
    enum engine_outcome outcome;
    struct engine_functype type;
    const union engine_value *results;
    const char *trap_text;
    uint32_t global_type;
};

static enum verdict fail(struct script *script, const char *format, ...) PRINTF_LIKE(2, 3);

static enum verdict fail(struct script *script, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(script->message, sizeof(script->message), format, arguments);
    va_end(arguments);
    return FAIL;
}

static const char *text_of(const json_t *json, const char *key)
{
    return json_string_value(json_object_get(json, key));
}

static bool texts_agree(const char *expected, const char *actual)
{
    size_t count = MIN(strlen(expected), strlen(actual));
    return count > 0 && strncmp(expected, actual, count) == 0;
}

static bool is_text_module(const json_t *command)
{
    const char *type = text_of(command, "module_type");
    return text_of(command, "binary_filename") == NULL && type != NULL && strcmp(type, "text") == 0;
}

/* The export that an action names; names may hold any bytes, zero too. */
static bool find_field(const json_t *action,
                       const struct wast_unit *unit,
                       enum engine_extern_kind kind,
                       struct engine_export_desc *ret_export)
{
    const json_t *field = json_object_get(action, "field");
    struct bytes name = bytes_make(json_string_value(field), json_string_length(field));
    for (uint32_t i = 0; name.data != NULL && i < engine_module_export_count(unit->module); i++) {
        *ret_export = engine_module_export(unit->module, i);
        if (ret_export->kind == kind && bytes_equal(ret_export->name, name))
            return true;
    }
    return false;
}

/* Path of the command's binary module. */
static bool module_path(const struct script *script, const json_t *command, char path[PATH_MAX])
{
    const char *name = text_of(command, "binary_filename");
    if (name == NULL)
        name = text_of(command, "filename");
    if (name == NULL)
        return false;
    int count = snprintf(path, PATH_MAX, "%.*s%s", script->folder_bytes, script->path, name);
    return count > 0 && count < PATH_MAX;
}

/* Compiles the command's module into a new unit. */
static enum status load_unit(struct script *script,
                             const json_t *command,
                             const char *name,
                             struct report *report,
                             struct wast_unit **ret_unit)
{
    char path[PATH_MAX];
    *ret_unit = wast_modules_add(&script->modules, name);
    if (*ret_unit == NULL || !module_path(script, command, path))
        return report_fail(report, STATUS_LIMIT, REPORT_OFFSET_NONE, "no module file");
    return wast_unit_compile(&script->modules, *ret_unit, path, report);
}

/* ---- actions --------------------------------------------------------------------------------- */

static enum verdict read_arguments(struct script *script,
                                   const json_t *action,
                                   union engine_value *ret_arguments,
                                   uint32_t *ret_slots)
{
    const json_t *list = json_object_get(action, "args");
    size_t count = json_array_size(list);
    if (count > WAST_ARGUMENTS_MAX)
        return fail(script, "more than %d arguments", WAST_ARGUMENTS_MAX);
    uint32_t slots = 0;
    for (size_t i = 0; i < count; i++) {
        struct wast_pattern value = wast_pattern_read(json_array_get(list, i));
        if (value.kind != WAST_EXACT)
            return fail(script, "argument of type %s is not supported", value.text);
        memcpy(&ret_arguments[slots], value.slots, sizeof(value.slots));
        slots += engine_slot_count(&value.type, 1);
    }
    *ret_slots = slots;
    return PASS;
}

/* FNV-1a, 64 bits. */
static void hash_bytes(struct script *script, const void *data, size_t count)
{
    for (size_t i = 0; i < count; i++)
        script->outcome_hash =
            (script->outcome_hash ^ ((const uint8_t *)data)[i]) * UINT64_C(0x100000001b3);
}

/* Which number a reference has is nobody's business. */
static void hash_results(struct script *script, const struct answer *answer)
{
    const union engine_value *slot = answer->results;
    for (uint32_t i = 0; i < answer->type.result_count; i++) {
        uint32_t type = answer->type.results[i];
        uint64_t bits = engine_type_is_reference(type) ? slot->ref != 0 : slot->bits;
        hash_bytes(script, &bits, sizeof(bits));
        if (type == ENGINE_V128)
            hash_bytes(script, &(++slot)->bits, sizeof(bits));
        slot++;
    }
}

static void invoke(struct script *script,
                   const json_t *action,
                   const struct wast_unit *unit,
                   struct answer *answer)
{
    union engine_value arguments[2 * WAST_ARGUMENTS_MAX];
    uint32_t slots = 0;
    struct engine_export_desc export;
    const char *field = text_of(action, "field");
    answer->verdict = read_arguments(script, action, arguments, &slots);
    if (answer->verdict != PASS)
        return;
    if (!find_field(action, unit, ENGINE_EXTERN_FUNC, &export)) {
        answer->verdict = fail(script, "no exported function '%s'", field != NULL ? field : "");
        return;
    }
    if (engine_slot_count(export.type.params, export.type.param_count) != slots) {
        answer->verdict =
            fail(script, "'%s' takes %u arguments, and others", field, export.type.param_count);
        return;
    }
    struct engine_machine *machine = script->modules.machine;
    engine_call_begin(machine, unit->instance, export.index, arguments, slots);
    answer->outcome = wast_run_call(machine, script->slice);
    answer->type = export.type;
    if (answer->outcome == ENGINE_DONE) {
        answer->results = engine_call_results(machine);
        hash_results(script, answer);
    } else {
        answer->trap_text = answer->outcome == ENGINE_TRAPPED ? engine_machine_trap(machine).text
                                                              : "it does not end";
        hash_bytes(script, answer->trap_text, strlen(answer->trap_text));
        engine_call_cancel(machine);
    }
}

static void get_global(struct script *script,
                       const json_t *action,
                       const struct wast_unit *unit,
                       struct answer *answer)
{
    struct engine_export_desc export;
    const char *field = text_of(action, "field");
    if (!find_field(action, unit, ENGINE_EXTERN_GLOBAL, &export)) {
        answer->verdict = fail(script, "no exported global '%s'", field != NULL ? field : "");
        return;
    }
    answer->outcome = ENGINE_DONE;
    answer->global_type = engine_module_global_type(unit->module, export.index);
    answer->results = engine_global_get(unit->instance, export.index);
    answer->type = (struct engine_functype){.results = &answer->global_type, .result_count = 1};
}

static void act(struct script *script, const json_t *command, struct answer *answer)
{
    *answer = (struct answer){.verdict = PASS};
    const json_t *action = json_object_get(command, "action");
    const char *kind = text_of(action, "type");
    const struct wast_unit *unit = wast_modules_find(&script->modules, text_of(action, "module"));
    if (unit != NULL && unit->skipped)
        answer->verdict = SKIP;
    else if (unit == NULL || unit->instance == NULL)
        answer->verdict = fail(script, "there is no such module, or it failed before");
    else if (kind != NULL && strcmp(kind, "get") == 0)
        get_global(script, action, unit, answer);
    else
        invoke(script, action, unit, answer);
}

/* ---- commands -------------------------------------------------------------------------------- */

/* Instantiates; what needs a skipped module is skipped with it. */
static enum verdict instantiate(struct script *script,
                                struct wast_unit *unit,
                                struct report *report,
                                enum status *ret_status)
{
    *ret_status = wast_unit_instantiate(&script->modules, unit, script->slice, report);
    if (*ret_status == STATUS_OK || !script->modules.missed_skipped)
        return PASS;
    unit->skipped = true;
    return SKIP;
}

static enum verdict command_module(struct script *script, const json_t *command)
{
    if (is_text_module(command))
        return fail(script, "module in text form");
    script->modules.current = NULL;
    struct report report = REPORT_INIT;
    struct wast_unit *unit;
    enum status status = load_unit(script, command, text_of(command, "name"), &report, &unit);
    if (status != STATUS_OK)
        return fail(script, "%s", report.text);
    if (instantiate(script, unit, &report, &status) == SKIP) {
        script->modules.current = unit;
        return SKIP;
    }
    return status == STATUS_OK ? PASS : fail(script, "%s", report.text);
}

static enum verdict command_definition(struct script *script, const json_t *command)
{
    struct report report = REPORT_INIT;
    struct wast_unit *unit;
    enum status status = load_unit(script, command, text_of(command, "name"), &report, &unit);
    if (status != STATUS_OK)
        return fail(script, "%s", report.text);
    script->modules.current = unit;
    return PASS;
}

static enum verdict command_instance(struct script *script, const json_t *command)
{
    const struct wast_unit *definition =
        wast_modules_find(&script->modules, text_of(command, "module"));
    struct wast_unit *unit = wast_modules_add(&script->modules, text_of(command, "instance"));
    if (definition == NULL || unit == NULL)
        return fail(script, "there is no such module definition");
    if (definition->skipped) {
        unit->skipped = true;
        script->modules.current = unit;
        return SKIP;
    }
    if (definition->module == NULL)
        return fail(script, "the module definition failed before");
    unit->module = definition->module;
    struct report report = REPORT_INIT;
    enum status status;
    if (instantiate(script, unit, &report, &status) == SKIP)
        return SKIP;
    return status == STATUS_OK ? PASS : fail(script, "%s", report.text);
}

static enum verdict command_register(struct script *script, const json_t *command)
{
    const char *as = text_of(command, "as");
    struct wast_unit *unit = wast_modules_find(&script->modules, text_of(command, "name"));
    if (as == NULL || unit == NULL || (unit->instance == NULL && !unit->skipped))
        return fail(script, "nothing to register");
    return wast_unit_register(&script->modules, unit, as) ? PASS : fail(script, "no memory");
}

static enum verdict command_action(struct script *script, const json_t *command)
{
    struct answer answer;
    act(script, command, &answer);
    if (answer.verdict == PASS && answer.outcome != ENGINE_DONE)
        return fail(script, "trapped: %s", answer.trap_text);
    return answer.verdict;
}

static bool any_matches(const json_t *alternatives, uint32_t type, const union engine_value *slots)
{
    for (size_t i = 0; i < json_array_size(alternatives); i++) {
        struct wast_pattern pattern = wast_pattern_read(json_array_get(alternatives, i));
        if (wast_pattern_matches(&pattern, type, slots))
            return true;
    }
    return false;
}

static enum verdict assert_return(struct script *script, const json_t *command)
{
    struct answer answer;
    act(script, command, &answer);
    if (answer.verdict != PASS)
        return answer.verdict;
    if (answer.outcome != ENGINE_DONE)
        return fail(script, "trapped: %s", answer.trap_text);
    const json_t *either = json_object_get(command, "either");
    if (either != NULL) {
        bool good = answer.type.result_count == 1 &&
                    any_matches(either, answer.type.results[0], answer.results);
        return good ? PASS : fail(script, "none of the permitted results");
    }
    const json_t *expected = json_object_get(command, "expected");
    if (json_array_size(expected) != answer.type.result_count)
        return fail(script, "%u results, expected %zu", answer.type.result_count,
                    json_array_size(expected));
    const union engine_value *slots = answer.results;
    for (uint32_t i = 0; i < answer.type.result_count; i++) {
        struct wast_pattern pattern = wast_pattern_read(json_array_get(expected, i));
        const union engine_value *value = slots;
        slots += engine_slot_count(&answer.type.results[i], 1);
        if (wast_pattern_matches(&pattern, answer.type.results[i], value))
            continue;
        char want[VALUES_TEXT_BYTES * 2];
        char got[VALUES_TEXT_BYTES];
        wast_pattern_print(&pattern, want, sizeof(want));
        values_print(got, answer.type.results[i], value);
        return fail(script, "result %u is %s, expected %s", i, got, want);
    }
    return PASS;
}

static enum verdict assert_trap(struct script *script, const json_t *command)
{
    const char *text = text_of(command, "text");
    struct answer answer;
    act(script, command, &answer);
    if (answer.verdict != PASS)
        return answer.verdict;
    if (answer.outcome == ENGINE_DONE)
        return fail(script, "returned, expected trap: %s", text);
    if (text == NULL || !texts_agree(text, answer.trap_text))
        return fail(script, "trapped: %s, expected: %s", answer.trap_text, text);
    return PASS;
}

static enum verdict assert_exception(struct script *script, const json_t *command)
{
    struct answer answer;
    act(script, command, &answer);
    if (answer.verdict != PASS)
        return answer.verdict;
    if (answer.outcome == ENGINE_DONE)
        return fail(script, "returned, expected an exception");
    if (!texts_agree(engine_trap_text(TRAP_UNCAUGHT_EXCEPTION), answer.trap_text))
        return fail(script, "trapped: %s, expected an exception", answer.trap_text);
    return PASS;
}

/* assert_invalid and assert_malformed: the module must be refused, for the right reason. */
static enum verdict refuse(struct script *script, const json_t *command, enum status wanted)
{
    if (is_text_module(command))
        return SKIP_TEXT;
    struct wast_unit *current = script->modules.current;
    struct report report = REPORT_INIT;
    struct wast_unit *unit;
    enum status status = load_unit(script, command, NULL, &report, &unit);
    script->modules.current = current;
    if (status == STATUS_OK)
        return fail(script, "accepted, expected: %s", text_of(command, "text"));
    if (status != wanted)
        return fail(script, "%s (%s), expected: %s (%s)", report.text, status_code(status),
                    text_of(command, "text"), status_code(wanted));
    return PASS;
}

static enum verdict assert_invalid(struct script *script, const json_t *command)
{
    return refuse(script, command, STATUS_INVALID);
}

static enum verdict assert_malformed(struct script *script, const json_t *command)
{
    return refuse(script, command, STATUS_MALFORMED);
}

static enum verdict
refuse_instance(struct script *script, const json_t *command, enum status wanted)
{
    if (is_text_module(command))
        return SKIP_TEXT;
    const char *text = text_of(command, "text");
    struct wast_unit *current = script->modules.current;
    struct report report = REPORT_INIT;
    struct wast_unit *unit;
    enum status status = load_unit(script, command, NULL, &report, &unit);
    if (status != STATUS_OK)
        return fail(script, "does not compile: %s", report.text);
    enum verdict verdict = instantiate(script, unit, &report, &status);
    script->modules.current = current;
    if (verdict == SKIP)
        return SKIP;
    if (status == STATUS_OK)
        return fail(script, "instantiated, expected: %s", text);
    if (status != wanted || text == NULL || !texts_agree(text, report.text))
        return fail(script, "%s (%s), expected: %s", report.text, status_code(status), text);
    return PASS;
}

static enum verdict assert_unlinkable(struct script *script, const json_t *command)
{
    return refuse_instance(script, command, STATUS_UNLINKABLE);
}

static enum verdict assert_uninstantiable(struct script *script, const json_t *command)
{
    return refuse_instance(script, command, STATUS_TRAPPED);
}

static const struct {
    const char *type;
    enum verdict (*run)(struct script *script, const json_t *command);
    bool is_assertion;
    bool is_module;
} commands[] = {
    {"module", command_module, false, true},
    {"module_definition", command_definition, false, true},
    {"module_instance", command_instance, false, true},
    {"register", command_register, false, false},
    {"action", command_action, false, false},
    {"assert_return", assert_return, true, false},
    {"assert_trap", assert_trap, true, false},
    {"assert_exhaustion", assert_trap, true, false},
    {"assert_exception", assert_exception, true, false},
    {"assert_invalid", assert_invalid, true, false},
    {"assert_malformed", assert_malformed, true, false},
    {"assert_unlinkable", assert_unlinkable, true, false},
    {"assert_uninstantiable", assert_uninstantiable, true, false},
};

/* A skipped module becomes the current one all the same, so that its users are skipped. */
static void skip_module(struct script *script, const json_t *command)
{
    const char *name = text_of(command, "name");
    struct wast_unit *unit =
        wast_modules_add(&script->modules, name != NULL ? name : text_of(command, "instance"));
    if (unit == NULL)
        return;
    unit->skipped = true;
    script->modules.current = unit;
}

static void run_command(struct script *script,
                        const json_t *command,
                        struct wast_skips *skips,
                        struct wast_totals *totals)
{
    const char *type = text_of(command, "type");
    size_t row = 0;
    while (row < COUNT_OF(commands) && (type == NULL || strcmp(type, commands[row].type) != 0))
        row++;
    bool known = row < COUNT_OF(commands);
    bool is_assertion = known ? commands[row].is_assertion : true;
    enum verdict verdict;
    struct wast_skip *skip = wast_skips_find(skips, script->path, script->line);
    if (skip != NULL) {
        verdict = SKIP;
        skip->used_count += is_assertion;
        if (known && commands[row].is_module)
            skip_module(script, command);
    } else if (!known) {
        verdict = fail(script, "unknown command");
    } else {
        verdict = commands[row].run(script, command);
    }
    if (verdict == FAIL) {
        totals->failed++;
        (void)printf("%s:%u: %s: %s\n", script->path, script->line, type != NULL ? type : "?",
                     script->message);
    } else if (is_assertion && verdict == PASS) {
        totals->passed++;
    } else if (is_assertion) {
        totals->skipped++;
        totals->skipped_text += verdict == SKIP_TEXT;
    }
}

void wast_script_run(const char *path,
                     struct wast_skips *skips,
                     const struct wast_settings *settings,
                     struct wast_totals *totals)
{
    const char *slash = strrchr(path, '/');
    struct script script = {.path = path,
                            .folder_bytes = slash == NULL ? 0 : (int)(slash - path + 1),
                            .slice = settings->slice,
                            .outcome_hash = UINT64_C(0xcbf29ce484222325)};
    struct report report = REPORT_INIT;
    json_error_t error;
    json_t *root = json_load_file(path, JSON_ALLOW_NUL, &error);
    if (root == NULL) {
        totals->failed++;
        (void)printf("%s:%d: not a converted script: %s\n", path, error.line, error.text);
        return;
    }
    if (wast_modules_init(&script.modules, &settings->options, &report) != STATUS_OK) {
        totals->failed++;
        (void)printf("%s: cannot set up spectest: %s\n", path, report.text);
    } else {
        size_t index;
        const json_t *command;
        json_array_foreach(json_object_get(root, "commands"), index, command)
        {
            script.line = (uint32_t)json_integer_value(json_object_get(command, "line"));
            run_command(&script, command, skips, totals);
        }
        totals->fuel = engine_machine_fuel_used(script.modules.machine);
        totals->outcome_hash = script.outcome_hash;
    }
    wast_modules_done(&script.modules);
    json_decref(root);
}
