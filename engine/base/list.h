/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `struct list`: an intrusive doubly linked list. An item carries a `struct list_link` for
 * each list that it may be on; nothing is allocated.
 *
 *   list.head <-> first <-> ... <-> last <-> list.head        (one ring)
 *
 * All zeros is an empty list, and a link that is on none: calloc makes both. A list that has
 * items may not be moved, because they point to its head.
 */
#ifndef SKERRY_ENGINE_BASE_LIST_H
#define SKERRY_ENGINE_BASE_LIST_H

#include <stdbool.h>

#include "engine/base/macros.h"

struct list_link {
    struct list_link *next; /* NULL: on no list */
    struct list_link *previous;
};

struct list {
    struct list_link head;
};

/* NULL at the end; the typed forms, LIST_FIRST and so on, are below. */
static inline struct list_link *list_first(const struct list *list)
{
    return list->head.next == &list->head ? NULL : list->head.next;
}

static inline struct list_link *list_last(const struct list *list)
{
    return list->head.previous == &list->head ? NULL : list->head.previous;
}

static inline struct list_link *list_next(const struct list *list, const struct list_link *link)
{
    return link->next == &list->head ? NULL : link->next;
}

static inline struct list_link *list_previous(const struct list *list, const struct list_link *link)
{
    return link->previous == &list->head ? NULL : link->previous;
}

static inline bool list_is_empty(const struct list *list)
{
    return list_first(list) == NULL;
}

static inline bool list_is_linked(const struct list_link *link)
{
    return link->next != NULL;
}

/* `link` is on no list; `before` is an item of `list`, or NULL for its end. */
static inline void list_insert(struct list *list, struct list_link *before, struct list_link *link)
{
    ASSERT(!list_is_linked(link));
    if (list->head.next == NULL)
        list->head.next = list->head.previous = &list->head;
    link->next = before == NULL ? &list->head : before;
    link->previous = link->next->previous;
    link->previous->next = link->next->previous = link;
}

static inline void list_append(struct list *list, struct list_link *link)
{
    list_insert(list, NULL, link);
}

static inline void list_prepend(struct list *list, struct list_link *link)
{
    list_insert(list, list_first(list), link);
}

/* From whichever list it is on. */
static inline void list_remove(struct list_link *link)
{
    ASSERT(list_is_linked(link));
    link->next->previous = link->previous;
    link->previous->next = link->next;
    link->next = link->previous = NULL;
}

static inline void *list_item(struct list_link *link, size_t offset)
{
    return link == NULL ? NULL : (char *)link - offset;
}

/* The item, a `type *`, whose link is `member`; NULL when there is none. */
#define LIST_FIRST(list, type, member) ((type *)list_item(list_first(list), offsetof(type, member)))
#define LIST_LAST(list, type, member)  ((type *)list_item(list_last(list), offsetof(type, member)))
#define LIST_NEXT(list, item, type, member)                                                        \
    ((type *)list_item(list_next(list, &(item)->member), offsetof(type, member)))

/* From first to last; the body may remove (and free) `item`, but no other. */
#define LIST_FOREACH(item, list, type, member)                                                     \
    for (type *item = LIST_FIRST(list, type, member),                                              \
              *item##_next = item == NULL ? NULL : LIST_NEXT(list, item, type, member);            \
         item != NULL; item = item##_next,                                                         \
              item##_next = item == NULL ? NULL : LIST_NEXT(list, item, type, member))

#endif
