/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The heap by itself: what allocation promises, what a collection keeps and frees, and that a
 * restored heap is byte for byte the one of the image. A model beside it (who refers to whom)
 * is the oracle.
 */
#include <stdlib.h>
#include <string.h>

#include "engine/heap/heap_state.h"
#include "tests/support/unit.h"

#define LIMIT_BYTES ((uint64_t)4 << 20)

/* Layouts: a number; a pair of references with a number between; an array of references;
 * an array of bytes behind a reference. */
enum {
    NUMBER,
    PAIR,
    REFERENCES,
    TEXT,
};

static const uint64_t maps[] = {5, 1};
static const struct heap_layout rows[] = {
    [NUMBER] = {.fixed_bytes = 8},
    [PAIR] = {.fixed_bytes = 24, .map = 0, .map_words = 1},
    [REFERENCES] = {.item_bytes = 8, .items_are_references = 1},
    [TEXT] = {.fixed_bytes = 8, .item_bytes = 1, .map = 1, .map_words = 1},
};
static const struct heap_layouts layouts = {.rows = rows, .maps = maps, .count = COUNT_OF(rows)};

static struct heap make(uint64_t limit_bytes)
{
    struct heap heap;
    heap_init(&heap, limit_bytes);
    heap_set_layouts(&heap, &layouts);
    return heap;
}

/* A whole collection in steps of `budget`. */
static void collect(struct heap *heap, const uint64_t *roots, size_t count, uint32_t budget)
{
    heap_collect_begin(heap);
    for (size_t i = 0; i < count; i++)
        heap_mark(heap, roots[i]);
    while (heap_collect_mark(heap, budget) >= budget)
        continue;
    heap_collect_sweep_begin(heap);
    while (heap_collect_sweep(heap, budget) >= budget)
        continue;
    assert_int_equal(heap_phase(heap), HEAP_IDLE);
}

static uint64_t *words(const struct heap *heap, uint64_t reference)
{
    return (uint64_t *)(void *)heap_payload(heap, reference);
}

/* Allocates; collects with these roots if that is what it takes. */
static uint64_t
need(struct heap *heap, uint32_t layout, uint32_t length, const uint64_t *roots, size_t count)
{
    uint64_t reference = heap_allocate(heap, layout, length);
    if (reference != HEAP_NONE || heap_was_collected(heap))
        return reference;
    collect(heap, roots, count, 7);
    return heap_allocate(heap, layout, length);
}

static void a_new_object_is_zero_and_knows_its_layout_and_length(void **state)
{
    (void)state;
    struct heap heap = make(LIMIT_BYTES);
    assert_null(heap.base);
    uint64_t reference = need(&heap, TEXT, 1000, NULL, 0);
    assert_true(heap_is_reference(reference));
    assert_int_equal(heap_object(&heap, reference)->layout, TEXT);
    assert_int_equal(heap_object(&heap, reference)->length, 1000);
    for (int i = 0; i < 1008; i++)
        assert_int_equal(heap_payload(&heap, reference)[i], 0);
    heap_done(&heap);
}

static void objects_of_all_sizes_are_disjoint(void **state)
{
    (void)state;
    struct heap heap = make(4 * LIMIT_BYTES);
    enum { COUNT = 400 };
    static uint64_t references[COUNT];
    for (uint32_t i = 0; i < COUNT; i++) {
        references[i] = need(&heap, TEXT, i * i / 8, references, i);
        assert_int_not_equal(references[i], HEAP_NONE);
        memset(heap_payload(&heap, references[i]) + 8, (int)(i % 251 + 1), i * i / 8);
    }
    for (uint32_t i = 0; i < COUNT; i++) {
        assert_int_equal(heap_object(&heap, references[i])->length, i * i / 8);
        for (uint32_t at = 0; at < i * i / 8; at++)
            assert_int_equal(heap_payload(&heap, references[i])[8 + at], i % 251 + 1);
    }
    heap_done(&heap);
}

static void a_collection_keeps_what_roots_reach_and_frees_the_rest(void **state)
{
    (void)state;
    struct heap heap = make(LIMIT_BYTES);
    uint64_t kept[3] = {0};
    kept[0] = need(&heap, PAIR, 0, kept, 3);
    kept[1] = need(&heap, NUMBER, 0, kept, 3);
    kept[2] = need(&heap, REFERENCES, 5000, kept, 3); /* large */
    words(&heap, kept[0])[2] = kept[1];
    words(&heap, kept[1])[0] = 4711;
    words(&heap, kept[2])[4999] = kept[0];
    uint64_t dropped = need(&heap, TEXT, 100000, kept, 3);
    uint64_t small = need(&heap, NUMBER, 0, kept, 3);
    words(&heap, kept[0])[1] = small; /* a number that looks like one */
    collect(&heap, &kept[2], 1, 1);
    assert_int_equal(words(&heap, kept[0])[2], kept[1]);
    assert_int_equal(words(&heap, kept[1])[0], 4711);
    /* The first free cell and the first gap long enough are those. */
    assert_int_equal(heap_allocate(&heap, NUMBER, 0), small);
    assert_int_equal(heap_allocate(&heap, TEXT, 100000), dropped);
    heap_done(&heap);
}

static void numbers_that_are_no_references_are_not_taken_for_any(void **state)
{
    (void)state;
    struct heap heap = make(LIMIT_BYTES);
    uint64_t reference = need(&heap, PAIR, 0, NULL, 0);
    uint64_t large = need(&heap, TEXT, 50000, &reference, 1);
    const uint64_t forged[] = {
        0,
        UINT64_MAX,
        HEAP_REFERENCE_TAG,
        reference & ~HEAP_REFERENCE_MASK,
        reference | HEAP_REFERENCE_MASK,
        reference + 1,
        reference + 8,
        reference + 32,
        reference - 8,
        large + 8,
        large + HEAP_BLOCK_BYTES,
        large + 4 * HEAP_BLOCK_BYTES,
        HEAP_REFERENCE_TAG | (HEAP_REFERENCE_MASK >> 2),
    };
    collect(&heap, forged, COUNT_OF(forged), 100);
    assert_int_equal(heap_used_bytes(&heap), 0);
    heap_done(&heap);
}

static void a_chain_of_any_depth_is_followed(void **state)
{
    (void)state;
    struct heap heap = make(LIMIT_BYTES);
    uint64_t roots[2] = {0};
    for (uint32_t i = 0; i < 50000; i++) {
        roots[1] = need(&heap, PAIR, 0, roots, 2);
        words(&heap, roots[1])[0] = roots[0];
        words(&heap, roots[1])[1] = i;
        roots[0] = roots[1];
    }
    collect(&heap, roots, 1, 1000);
    uint32_t count = 0;
    for (uint64_t at = roots[0]; at != 0; at = words(&heap, at)[0])
        assert_int_equal(words(&heap, at)[1], 49999 - count++);
    assert_int_equal(count, 50000);
    heap_done(&heap);
}

static void a_full_heap_refuses_until_something_is_dropped(void **state)
{
    (void)state;
    struct heap heap = make(16 * HEAP_BLOCK_BYTES);
    static uint64_t roots[100000];
    size_t count = 0;
    while ((roots[count] = need(&heap, NUMBER, 0, roots, count)) != HEAP_NONE)
        count++;
    assert_true(heap_was_collected(&heap));
    assert_int_equal(heap_used_bytes(&heap), 16 * HEAP_BLOCK_BYTES);
    assert_in_range(count, 16000, 16384);
    assert_int_equal(need(&heap, TEXT, 4000, roots, count), HEAP_NONE);
    collect(&heap, roots, 1, 3);
    assert_int_not_equal(need(&heap, TEXT, 4000, roots, 1), HEAP_NONE);
    heap_done(&heap);
}

static void what_a_heap_takes_is_given_back_in_pieces(void **state)
{
    (void)state;
    enum { COUNT = 20000, PIECE = 10 * 4096 };
    struct heap heap = make(LIMIT_BYTES);
    assert_int_equal(heap_taken_bytes(&heap), 0);
    uint64_t many[2] = {need(&heap, REFERENCES, COUNT, NULL, 0)};
    for (uint32_t i = 0; i < COUNT; i++)
        words(&heap, many[0])[i] = need(&heap, PAIR, 0, many, 1);
    collect(&heap, many, 1, 1000);
    uint64_t taken = heap_taken_bytes(&heap);
    uint64_t used = heap_used_bytes(&heap);
    assert_in_range(taken, used + COUNT * sizeof(uint32_t), used + 2 * COUNT * sizeof(uint32_t));
    assert_int_equal(heap_grown_bytes(&heap), taken);
    collect(&heap, NULL, 0, 1000);
    assert_int_equal(heap_used_bytes(&heap), 0);
    assert_int_equal(heap_taken_bytes(&heap), taken); /* the pages are still there */
    memset(heap.base + HEAP_FIRST_BLOCK, 0xff, used);
    for (uint64_t at = 0; at < taken; at += PIECE)
        heap_shed(&heap, at, MIN((uint64_t)PIECE, taken - at));
    for (uint64_t i = 0; i < used; i++)
        assert_int_equal(heap.base[HEAP_FIRST_BLOCK + i], 0);
    for (uint64_t i = 0; i < COUNT; i++)
        assert_int_equal(heap_mark_stack(&heap)[i], 0);
    heap_done(&heap);
}

static void an_object_that_can_never_fit_is_refused_without_a_collection(void **state)
{
    (void)state;
    struct heap heap = make(LIMIT_BYTES);
    assert_int_equal(heap_allocate(&heap, REFERENCES, UINT32_MAX), HEAP_NONE);
    assert_true(heap_was_collected(&heap));
    assert_int_equal(heap_allocate(&heap, TEXT, LIMIT_BYTES - 8), HEAP_NONE);
    assert_int_equal(heap_used_bytes(&heap), 0);
    assert_int_not_equal(heap_allocate(&heap, TEXT, LIMIT_BYTES - 1000), HEAP_NONE);
    heap_done(&heap);
}

static void an_abandoned_marking_leaves_no_marks(void **state)
{
    (void)state;
    struct heap heap = make(LIMIT_BYTES);
    uint64_t reference = need(&heap, PAIR, 0, NULL, 0);
    heap_collect_begin(&heap);
    heap_mark(&heap, reference);
    heap_collect_cancel(&heap);
    assert_int_equal(heap_phase(&heap), HEAP_IDLE);
    collect(&heap, NULL, 0, 10);
    assert_int_equal(heap_used_bytes(&heap), 0);
    heap_done(&heap);
}

static void a_layout_added_later_is_followed_like_the_first_ones(void **state)
{
    (void)state;
    struct heap heap = make(LIMIT_BYTES);
    assert_int_equal(heap_add_layout(&heap, &layouts, NUMBER), STATUS_OK);
    assert_int_equal(heap_add_layout(&heap, &layouts, PAIR), STATUS_OK);
    uint64_t roots[2] = {0};
    roots[0] = need(&heap, COUNT_OF(rows) + 1, 0, roots, 2);
    roots[1] = need(&heap, COUNT_OF(rows), 0, roots, 2);
    words(&heap, roots[0])[2] = roots[1];
    words(&heap, roots[1])[0] = 1;
    collect(&heap, roots, 1, 10);
    assert_int_equal(words(&heap, roots[1])[0], 1);
    assert_int_not_equal(heap_allocate(&heap, NUMBER, 0), roots[1]);
    heap_done(&heap);
}

/* Random graphs: whatever the model says is reachable is there with its contents. */
enum { MODEL_OBJECTS = 300 };

struct model {
    uint64_t reference;
    uint32_t next[2]; /* index + 1 of the objects it refers to */
    bool reachable;
};

static uint32_t model_random(uint32_t *seed)
{
    *seed = *seed * 1664525 + 1013904223;
    return *seed >> 8;
}

static void model_reach(struct model *model, uint32_t index)
{
    if (index == 0 || model[index - 1].reachable)
        return;
    model[index - 1].reachable = true;
    model_reach(model, model[index - 1].next[0]);
    model_reach(model, model[index - 1].next[1]);
}

static void random_graphs_survive_as_the_model_says(void **state)
{
    (void)state;
    struct heap heap = make(LIMIT_BYTES);
    uint32_t seed = 1;
    static struct model model[MODEL_OBJECTS];
    static uint64_t all[MODEL_OBJECTS];
    for (int round = 0; round < 200; round++) {
        /* New ones in the place of what was lost. */
        for (uint32_t i = 0; i < MODEL_OBJECTS; i++) {
            if (model[i].reachable)
                continue;
            all[i] = 0;
            bool is_array = model_random(&seed) % 8 == 0;
            uint32_t length = is_array ? 2 + model_random(&seed) % 3000 : 0;
            all[i] = need(&heap, is_array ? REFERENCES : PAIR, length, all, MODEL_OBJECTS);
            assert_int_not_equal(all[i], HEAP_NONE);
            model[i] = (struct model){.reference = all[i]};
        }
        uint64_t roots[4];
        for (uint32_t i = 0; i < MODEL_OBJECTS; i++) {
            bool is_array = heap_object(&heap, all[i])->layout == REFERENCES;
            for (int k = 0; k < 2; k++) {
                uint32_t next = model_random(&seed) % (MODEL_OBJECTS * 2);
                model[i].next[k] = next < MODEL_OBJECTS ? next + 1 : 0;
                words(&heap, all[i])[is_array ? (uint32_t)k : (uint32_t)k * 2] =
                    next < MODEL_OBJECTS ? all[next] : 0;
            }
            model[i].reachable = false;
            if (!is_array)
                words(&heap, all[i])[1] = i;
        }
        for (int r = 0; r < 4; r++) {
            uint32_t root = model_random(&seed) % MODEL_OBJECTS;
            model_reach(model, root + 1);
            roots[r] = all[root];
        }
        collect(&heap, roots, 4, 1 + model_random(&seed) % 50);
        for (uint32_t i = 0; i < MODEL_OBJECTS; i++) {
            if (!model[i].reachable)
                continue;
            bool is_array = heap_object(&heap, all[i])->layout == REFERENCES;
            if (!is_array)
                assert_int_equal(words(&heap, all[i])[1], i);
            for (uint32_t k = 0; k < 2; k++)
                assert_int_equal(words(&heap, all[i])[is_array ? k : k * 2],
                                 model[i].next[k] == 0 ? 0 : all[model[i].next[k] - 1]);
        }
    }
    heap_done(&heap);
}

/* The whole mapping, to be held against another time. */
static uint8_t *copy_all(const struct heap *heap)
{
    uint8_t *copy = malloc(heap->mapped_bytes);
    assert_non_null(copy);
    memcpy(copy, heap->base, heap->mapped_bytes);
    return copy;
}

static void churn(struct heap *heap, uint64_t *roots, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        uint64_t pair = need(heap, PAIR, 0, roots, 2);
        assert_int_not_equal(pair, HEAP_NONE);
        words(heap, pair)[0] = roots[0];
        roots[0] = i % 100 == 0 ? HEAP_NONE : pair;
        if (i % 50 == 0)
            memset(heap_payload(heap, need(heap, TEXT, 20000, roots, 2)), 0x55, 20000);
        heap_touch(heap);
    }
}

static void restores_exactly(uint32_t before)
{
    struct heap heap = make(LIMIT_BYTES);
    uint64_t roots[2] = {0};
    churn(&heap, roots, before);
    uint64_t bytes = heap_image_bytes(&heap);
    uint64_t *image = calloc(1, bytes + 8);
    heap_image_write(&heap, (uint8_t *)image);
    assert_true(heap_image_fits((uint8_t *)image, bytes));
    struct heap other = make(LIMIT_BYTES);
    assert_int_equal(heap_restore(&other, (uint8_t *)image, bytes, NULL), STATUS_OK);
    if (other.base == NULL) {
        assert_int_not_equal(heap_allocate(&other, NUMBER, 0), HEAP_NONE);
        assert_int_equal(heap_restore(&other, NULL, 0, NULL), STATUS_OK);
    }
    uint8_t *wanted = copy_all(&other);
    for (uint32_t more = 1; more < 40000; more *= 9) {
        uint64_t other_roots[2] = {roots[0], 0};
        churn(&other, other_roots, more);
        if (more == 9)
            heap_collect_begin(&other); /* abandoned while it collects */
        assert_int_equal(heap_restore(&other, (uint8_t *)image, bytes, NULL), STATUS_OK);
        assert_memory_equal(other.base, wanted, other.mapped_bytes);
    }
    free(wanted);
    free(image);
    heap_done(&other);
    heap_done(&heap);
}

static void a_restored_heap_is_the_image_byte_for_byte(void **state)
{
    (void)state;
    restores_exactly(0);
    restores_exactly(1);
    restores_exactly(99);
    restores_exactly(3000);
}

static void an_untouched_heap_costs_nothing_to_restore(void **state)
{
    (void)state;
    struct heap heap = make(LIMIT_BYTES);
    assert_int_equal(heap_image_bytes(&heap), 0);
    assert_int_equal(heap_restore(&heap, NULL, 0, NULL), STATUS_OK);
    assert_null(heap.base);
    heap_done(&heap);
}

/* Of both, which are freed. */
static void assert_same_image(struct heap heaps[2])
{
    uint8_t *images[2];
    for (size_t i = 0; i < 2; i++) {
        images[i] = calloc(1, heap_image_bytes(&heaps[i]));
        assert_non_null(images[i]);
        heap_image_write(&heaps[i], images[i]);
    }
    assert_int_equal(heap_image_bytes(&heaps[0]), heap_image_bytes(&heaps[1]));
    assert_memory_equal(images[0], images[1], heap_image_bytes(&heaps[0]));
    for (size_t i = 0; i < 2; i++) {
        free(images[i]);
        heap_done(&heaps[i]);
    }
}

static void an_emptied_heap_goes_on_like_a_new_one(void **state)
{
    (void)state;
    struct heap heaps[2] = {make(LIMIT_BYTES), make(LIMIT_BYTES)};
    assert_int_not_equal(heap_allocate(&heaps[0], TEXT, 3 * HEAP_BLOCK_BYTES), HEAP_NONE);
    collect(&heaps[0], NULL, 0, 7);
    assert_int_equal(heap_image_bytes(&heaps[0]), 0);
    for (size_t i = 0; i < COUNT_OF(heaps); i++)
        assert_int_not_equal(heap_allocate(&heaps[i], NUMBER, 0), HEAP_NONE);
    assert_same_image(heaps);
}

/* Of two that are the same, one was looked at up to its second item, by a marking that went no
 * further, and one was not. */
static void an_image_does_not_tell_what_was_looked_at_last(void **state)
{
    (void)state;
    struct heap heaps[2] = {make(LIMIT_BYTES), make(LIMIT_BYTES)};
    for (size_t i = 0; i < COUNT_OF(heaps); i++) {
        uint64_t reference = heap_allocate(&heaps[i], REFERENCES, 3);
        assert_int_not_equal(reference, HEAP_NONE);
        heap_collect_begin(&heaps[i]);
        if (i == 0) {
            heap_mark(&heaps[i], reference);
            assert_int_equal(heap_collect_mark(&heaps[i], 1), 1);
        }
        heap_collect_cancel(&heaps[i]);
    }
    assert_same_image(heaps);
}

static void an_image_over_the_limit_is_refused(void **state)
{
    (void)state;
    struct heap heap = make(LIMIT_BYTES);
    uint64_t roots[2] = {0};
    churn(&heap, roots, 99);
    uint64_t bytes = heap_image_bytes(&heap);
    uint64_t *image = calloc(1, bytes);
    heap_image_write(&heap, (uint8_t *)image);
    assert_false(heap_image_fits((uint8_t *)image, bytes - 8));
    assert_false(heap_image_fits((uint8_t *)image, 8));
    struct heap small = make(HEAP_BLOCK_BYTES);
    struct report report = REPORT_INIT;
    assert_int_equal(heap_restore(&small, (uint8_t *)image, bytes, &report), STATUS_LIMIT);
    free(image);
    heap_done(&small);
    heap_done(&heap);
}

UNIT
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_object_is_zero_and_knows_its_layout_and_length),
        cmocka_unit_test(objects_of_all_sizes_are_disjoint),
        cmocka_unit_test(a_collection_keeps_what_roots_reach_and_frees_the_rest),
        cmocka_unit_test(numbers_that_are_no_references_are_not_taken_for_any),
        cmocka_unit_test(a_chain_of_any_depth_is_followed),
        cmocka_unit_test(a_full_heap_refuses_until_something_is_dropped),
        cmocka_unit_test(what_a_heap_takes_is_given_back_in_pieces),
        cmocka_unit_test(an_object_that_can_never_fit_is_refused_without_a_collection),
        cmocka_unit_test(an_abandoned_marking_leaves_no_marks),
        cmocka_unit_test(a_layout_added_later_is_followed_like_the_first_ones),
        cmocka_unit_test(random_graphs_survive_as_the_model_says),
        cmocka_unit_test(a_restored_heap_is_the_image_byte_for_byte),
        cmocka_unit_test(an_untouched_heap_costs_nothing_to_restore),
        cmocka_unit_test(an_emptied_heap_goes_on_like_a_new_one),
        cmocka_unit_test(an_image_does_not_tell_what_was_looked_at_last),
        cmocka_unit_test(an_image_over_the_limit_is_refused),
    };
    return cmocka_run_group_tests_name("engine/heap", tests, NULL, NULL);
}
