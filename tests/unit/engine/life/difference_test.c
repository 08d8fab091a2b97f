/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Images with a base: whatever an instance became, one made from the difference is the same, stays
 * so after rewinds, and no other base is taken for its own.
 */
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "engine/image/contents.h"
#include "engine/run/instance.h"
#include "engine/run/memory.h"
#include "tests/support/unit.h"
#include "tests/unit/engine/guest.h"

#define PAGE  ((uint64_t)ENGINE_DIRTY_PAGE_BYTES)
#define PAGES (32 * WASM_PAGE_BYTES / PAGE)

static const uint8_t base_name[ENGINE_BASE_NAME_BYTES] = "the base of these tests";

static struct guest make_machine(struct engine_image image)
{
    struct report report = REPORT_INIT;
    struct guest guest = {.image = image};
    assert_int_equal(engine_machine_create(&engine_limits_default, &report, &guest.machine),
                     STATUS_OK);
    return guest;
}

/* The guest as it is, frozen; `guest` is done with. */
static struct engine_image frozen(struct guest *guest)
{
    struct report report = REPORT_INIT;
    struct engine_image image;
    assert_int_equal(engine_snapshot(guest->instance, &report, &image), STATUS_OK);
    guest_done(guest);
    return image;
}

static struct engine_module *open_base(const struct engine_image *image)
{
    struct report report = REPORT_INIT;
    struct engine_module *module;
    assert_int_equal(
        engine_module_open(bytes_make(image->data, image->count), true, &report, &module),
        STATUS_OK);
    return module;
}

/* An instance of the base, that may be changed and frozen. */
static struct guest make_base(bool is_named)
{
    struct report report = REPORT_INIT;
    struct guest fresh = guest_load("engine_base", NULL);
    struct guest guest = make_machine(frozen(&fresh));
    guest.module = open_base(&guest.image);
    if (is_named)
        engine_module_name_base(guest.module, base_name);
    assert_int_equal(
        engine_restore(guest.machine, guest.module, NULL, false, &report, &guest.instance),
        STATUS_OK);
    return guest;
}

static void map(struct engine_memory_view view,
                const struct engine_image *image,
                struct engine_memory_mapping mapping)
{
    int fd = memfd_create("image", MFD_CLOEXEC);
    assert_int_equal(write(fd, image->data, image->count), image->count);
    void *mapped = mmap(view.base + mapping.at, mapping.bytes, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_FIXED, fd, (off_t)mapping.offset);
    assert_true(mapped != MAP_FAILED);
    (void)close(fd);
}

static uint32_t map_all(const struct guest *base, const struct guest *guest)
{
    uint32_t count = 0;
    uint32_t cursor = 0;
    struct engine_memory_view view = engine_memory_view(guest->instance, 0);
    struct engine_memory_image first = engine_module_memory_image(guest->module, 0);
    struct engine_memory_mapping mapping = {.offset = first.offset, .bytes = first.bytes};
    map(view, &base->image, mapping);
    for (; engine_module_next_mapping(guest->module, 0, &cursor, &mapping); count++)
        map(view, &guest->image, mapping);
    engine_fill(guest->instance);
    return count;
}

/* What `changed`, an instance of `base`, is now, made from its difference. */
static struct guest
make_child(const struct guest *base, const struct guest *changed, bool is_mapped)
{
    struct report report = REPORT_INIT;
    struct engine_image image;
    assert_int_equal(engine_snapshot(changed->instance, &report, &image), STATUS_OK);
    struct guest guest = make_machine(image);
    assert_int_equal(engine_module_open_on(base->module, bytes_make(image.data, image.count), true,
                                           &report, &guest.module),
                     STATUS_OK);
    assert_true(engine_module_has_snapshot(guest.module));
    assert_int_equal(
        engine_restore(guest.machine, guest.module, NULL, is_mapped, &report, &guest.instance),
        STATUS_OK);
    if (is_mapped)
        assert_true(map_all(base, &guest) <= ENGINE_MAPPINGS_MAX);
    return guest;
}

static void assert_same(const struct guest *guest, const struct guest *other)
{
    struct engine_memory_view view = engine_memory_view(guest->instance, 0);
    struct engine_memory_view wanted = engine_memory_view(other->instance, 0);
    assert_int_equal(view.bytes, wanted.bytes);
    assert_memory_equal(view.base, wanted.base, view.bytes);
    assert_int_equal(engine_global_get(guest->instance, 0)->i32,
                     engine_global_get(other->instance, 0)->i32);
}

static void fill(struct guest *guest, uint64_t at, uint8_t byte, uint64_t count)
{
    const union engine_value arguments[] = {I32(at), I32(byte), I32(count)};
    assert_int_equal(guest_go(guest, "fill", arguments), ENGINE_DONE);
}

/* The same sequence for the same seed. */
static uint32_t next(uint32_t *seed)
{
    *seed = *seed * 1664525 + 1013904223;
    return *seed >> 8;
}

/* Writes here and there: single pages, long stretches, zeros over what was not zero, stores over
 * borders. */
static void scribble(struct guest *guest, uint32_t *seed, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        uint64_t page = next(seed) % (PAGES - 64);
        uint64_t pages = next(seed) % 5 == 0 ? next(seed) % 64 : next(seed) % 3;
        fill(guest, page * PAGE + next(seed) % 100, (uint8_t)(next(seed) % 3), pages * PAGE + 3);
        (void)guest_call(guest, "store", (uint32_t)(page * PAGE + PAGE - 1 - next(seed) % 8));
    }
    fill(guest, 8190, (uint8_t)(next(seed) % 2), next(seed) % 20);
}

static void whatever_was_written_the_difference_brings_it_back(void **state)
{
    (void)state;
    for (uint32_t round = 0; round < 24; round++) {
        uint32_t seed = round * 7919;
        struct guest base = make_base(true);
        struct guest changed = make_base(false);
        struct guest copy = make_child(&base, &base, false); /* of nothing changed */
        assert_same(&copy, &base);
        guest_done(&copy);
        uint32_t again = seed;
        scribble(&changed, &seed, round * round);
        scribble(&base, &again, round * round);
        if (round % 3 == 0) {
            assert_int_equal(guest_call(&changed, "grow", 2), 32);
            assert_int_equal(guest_call(&base, "grow", 2), 32);
        }
        (void)guest_call(&changed, "count", 0);
        (void)guest_call(&base, "count", 0);
        for (int is_mapped = 0; is_mapped < 2; is_mapped++) {
            struct guest child = make_child(&base, &base, is_mapped);
            assert_same(&child, &changed);
            for (uint64_t pages_max = 0; pages_max <= 2 * PAGES; pages_max += PAGES) {
                scribble(&child, &seed, 3);
                (void)guest_call(&child, "count", 0);
                assert_true(engine_rewind(child.instance, pages_max));
                assert_same(&child, &changed);
            }
            guest_done(&child);
        }
        guest_done(&changed);
        guest_done(&base);
    }
}

static const struct image_memory_snapshot *memory_row(const struct guest *guest)
{
    const struct image_header *header = guest->module->state;
    return image_at(header, header->memory_values);
}

static void few_pages_are_copied_long_runs_are_mapped_and_much_is_joined(void **state)
{
    (void)state;
    struct guest base = make_base(true);
    for (uint64_t page = 0; page < 20; page += 2)
        fill(&base, (200 + page) * PAGE, 7, 1);
    struct guest child = make_child(&base, &base, true);
    assert_int_equal(memory_row(&child)->runs.count, 10);
    assert_true(child.image.count < 14 * PAGE);
    assert_int_equal(engine_own_bytes(child.instance), 10 * PAGE);
    guest_done(&child);
    fill(&base, 300 * PAGE, 7, 100 * PAGE);
    child = make_child(&base, &base, true);
    assert_int_equal(memory_row(&child)->runs.count, 11);
    assert_int_equal(engine_own_bytes(child.instance), 10 * PAGE);
    guest_done(&child);
    for (uint64_t page = 0; page < PAGES; page += 2)
        fill(&base, page * PAGE, 9, 1);
    child = make_child(&base, &base, true);
    assert_true(memory_row(&child)->runs.count <= 8);
    guest_done(&child);
    guest_done(&base);
}

static void a_vacated_instance_is_the_snapshot_when_it_is_filled_again(void **state)
{
    (void)state;
    struct guest base = make_base(true);
    fill(&base, 3 * PAGE, 7, 2 * PAGE);
    fill(&base, 100 * PAGE, 0, 60 * PAGE);
    struct guest child = make_child(&base, &base, true);
    fill(&child, 0, 1, 200 * PAGE);
    assert_true(engine_rewind(child.instance, 2 * PAGES));
    assert_true(engine_vacate(child.instance));
    assert_int_equal(engine_own_bytes(child.instance), 0);
    (void)map_all(&base, &child);
    assert_same(&child, &base);
    guest_done(&child);
    guest_done(&base);
}

static void tables_are_the_bases_until_they_change(void **state)
{
    (void)state;
    struct guest base = make_base(true);
    for (int changed = 0; changed < 2; changed++) {
        struct guest child = make_child(&base, &base, false);
        const struct image_header *header = child.module->state;
        const struct image_table_snapshot *row = image_at(header, header->table_values);
        assert_int_equal(row->is_base, changed == 0);
        for (int i = 0; i < 2 && changed == 0; i++) {
            assert_int_equal(guest_call(&child, "call", 0), 1);
            (void)guest_call(&child, "swap", 0);
            assert_true(engine_rewind(child.instance, PAGES));
        }
        if (changed == 1)
            assert_int_equal(guest_trap(&child, "call").trap, TRAP_UNINITIALIZED_ELEMENT);
        guest_done(&child);
        (void)guest_call(&base, "swap", 0);
    }
    guest_done(&base);
}

static enum status open_on(const struct engine_module *base, const struct engine_image *image)
{
    struct report report = REPORT_INIT;
    struct engine_module *module = NULL;
    struct bytes bytes = bytes_make(image->data, image->count);
    enum status status = base != NULL ? engine_module_open_on(base, bytes, true, &report, &module)
                                      : engine_module_open(bytes, true, &report, &module);
    assert_true(status == STATUS_OK || report.text[0] != '\0');
    engine_module_close(module);
    return status;
}

static void no_other_base_is_taken_for_its_own(void **state)
{
    (void)state;
    struct report report = REPORT_INIT;
    struct engine_image image;
    struct guest base = make_base(true);
    assert_int_equal(engine_snapshot(base.instance, &report, &image), STATUS_OK);
    const uint8_t *name = engine_image_base(bytes_make(image.data, image.count));
    assert_memory_equal(name, base_name, sizeof(base_name));
    assert_null(engine_image_base(bytes_make(base.image.data, base.image.count)));
    assert_int_equal(open_on(base.module, &image), STATUS_OK);
    assert_int_equal(open_on(NULL, &image), STATUS_CORRUPT);
    assert_int_equal(open_on(base.module, &base.image), STATUS_CORRUPT); /* which has none */

    struct guest unnamed = make_base(false);
    assert_int_equal(open_on(unnamed.module, &image), STATUS_STALE);
    engine_module_name_base(unnamed.module, (const uint8_t[ENGINE_BASE_NAME_BYTES]){1});
    assert_int_equal(open_on(unnamed.module, &image), STATUS_STALE);
    guest_done(&unnamed);

    struct guest changed = make_base(false); /* the same module, frozen later */
    (void)guest_call(&changed, "count", 0);
    struct engine_image later = frozen(&changed);
    struct engine_module *module = open_base(&later);
    engine_module_name_base(module, base_name);
    assert_int_equal(open_on(module, &image), STATUS_STALE);
    engine_module_close(module);
    engine_image_free(&later);
    engine_image_free(&image);
    guest_done(&base);
}

/* A header of which each byte in turn is another, sealed again, so that only the checks of its
 * contents are left. */
static void damage_in_tables_is_refused_or_harmless(void **state)
{
    (void)state;
    struct report report = REPORT_INIT;
    struct engine_image image;
    struct guest base = make_base(true);
    fill(&base, 3 * PAGE, 7, 2 * PAGE);
    fill(&base, 100 * PAGE, 1, 60 * PAGE);
    assert_int_equal(engine_snapshot(base.instance, &report, &image), STATUS_OK);
    for (size_t at = 0; at < 2048; at++) {
        struct engine_module *module = NULL;
        image.data[at] ^= 0x81;
        struct bytes bytes = bytes_make(image.data, image.count);
        if (engine_module_open_on(base.module, bytes, false, &report, &module) == STATUS_OK) {
            struct guest guest = make_machine((struct engine_image){0});
            guest.module = module;
            if (engine_restore(guest.machine, module, NULL, false, &report, &guest.instance) ==
                STATUS_OK)
                assert_true(engine_rewind(guest.instance, 0));
            guest_done(&guest);
        }
        image.data[at] ^= 0x81;
    }
    engine_image_free(&image);
    guest_done(&base);
}

/* ---- a call that waits ----------------------------------------------------------------------- */

static enum engine_outcome host_wait(struct engine_host_call *call)
{
    const bool *answers = call->context;
    if (!*answers)
        return ENGINE_PENDING;
    call->slots[0].i64 = 1000 + call->slots[0].i32;
    return ENGINE_DONE;
}

static bool
resolve(void *context, const struct engine_import_desc *import, struct engine_extern *ret_extern)
{
    (void)import;
    *ret_extern = (struct engine_extern){
        .kind = ENGINE_EXTERN_FUNC, .host = host_wait, .host_context = context};
    return true;
}

static void a_frozen_call_goes_on_in_its_bases_code(void **state)
{
    (void)state;
    struct report report = REPORT_INIT;
    struct engine_image image;
    bool answers = false;
    const struct engine_linker linker = {.resolve = resolve, .context = &answers};
    struct guest fresh = guest_load("engine_checkpoint", &linker);
    struct guest base = make_machine(frozen(&fresh));
    base.module = open_base(&base.image);
    engine_module_name_base(base.module, base_name);
    assert_int_equal(
        engine_restore(base.machine, base.module, &linker, false, &report, &base.instance),
        STATUS_OK);
    const union engine_value depth = I32(4);
    assert_int_equal(guest_go(&base, "deep", &depth), ENGINE_PENDING);
    assert_int_equal(engine_checkpoint(base.instance, bytes_of_text("a note"), &report, &image),
                     STATUS_OK);
    answers = true;
    assert_int_equal(guest_run(&base, 1000), ENGINE_DONE);
    uint32_t wanted = engine_call_results(base.machine)[0].i32;

    struct guest child = make_machine(image);
    assert_int_equal(engine_module_open_on(base.module, bytes_make(image.data, image.count), true,
                                           &report, &child.module),
                     STATUS_OK);
    assert_true(engine_module_has_checkpoint(child.module));
    assert_true(bytes_equal_text(engine_module_checkpoint_note(child.module), "a note"));
    assert_int_equal(
        engine_restore(child.machine, child.module, &linker, false, &report, &child.instance),
        STATUS_OK);
    for (int i = 0; i < 3; i++) {
        engine_call_resume(child.machine, child.instance);
        assert_int_equal(guest_run(&child, 1000), ENGINE_DONE);
        assert_int_equal(engine_call_results(child.machine)[0].i32, wanted);
        assert_true(engine_rewind(child.instance, PAGES));
    }
    guest_done(&child);
    guest_done(&base);
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whatever_was_written_the_difference_brings_it_back),
        cmocka_unit_test(few_pages_are_copied_long_runs_are_mapped_and_much_is_joined),
        cmocka_unit_test(a_vacated_instance_is_the_snapshot_when_it_is_filled_again),
        cmocka_unit_test(tables_are_the_bases_until_they_change),
        cmocka_unit_test(no_other_base_is_taken_for_its_own),
        cmocka_unit_test(damage_in_tables_is_refused_or_harmless),
        cmocka_unit_test(a_frozen_call_goes_on_in_its_bases_code),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
