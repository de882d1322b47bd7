/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A page allocator for tests, in place of mm/page_alloc.c: the same functions,
 * but it knows the state of every page, lets no freed page be touched (neither
 * by Gnomon, which the address sanitizer stops, nor by the fake hart's walker,
 * which asks), gives a freed page out again as late as it can, and fails when
 * a test wants it to.
 */
#ifndef TESTS_UNIT_FAKE_PAGES_H
#define TESTS_UNIT_FAKE_PAGES_H

#include "core/types.h"
#include "mm/page_alloc.h"

/* 64 MiB, aligned to 1 GiB, all of it free. */
#define FAKE_PAGES_SIZE (64 * MIB)

void fake_pages_create(void);
void fake_pages_destroy(void);

/* Called for each block of one or two pages, before it is given back; or NULL. */
extern void (*fake_pages_on_free)(hpa_t page);

/* Says what was in a page of PAGES_TABLES before, 512 words; NULL: nothing likely. */
extern void (*fake_pages_contents)(uint64_t *words);

/* Pages that are taken now. */
uint64_t fake_pages_taken(void);

/* True for the first page of a block of one or two that was not given back. */
bool fake_pages_is_table(hpa_t page);

/* True for any page that was taken, in whatever block, and not given back. */
bool fake_pages_is_taken(hpa_t page);

/* Let so many more calls succeed, then none; UINT64_MAX: all there is room for. */
void fake_pages_allow(uint64_t calls);

#endif
