/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Canary pages. See canary.h.
 *
 * Invariant: canary.pages[0 .. count) are ours and hold the pattern, since
 * nothing but fill() and canary_check() knows of them. Their addresses are kept
 * in a table of their own, never in the pages themselves.
 */
#include "core/canary.h"
#include "core/json.h"
#include "core/log.h"
#include "core/panic.h"
#include "core/reason.h"
#include "mm/page_alloc.h"

/* Free blocks of a pool that only a VM has been taken from; more are passed over. */
#define BLOCK_LIMIT    128
#define WORDS_PER_PAGE (PAGE_SIZE / sizeof(uint64_t))

static struct {
	uint64_t *pages; /* `limit` addresses, and as many to set aside */
	unsigned order;	 /* of that table */
	uint64_t limit;
	uint64_t count;
	uint64_t changed; /* pages, and the first word in them */
	uint64_t first;
} canary;

struct block {
	uint64_t start;
	uint64_t end;
};

static void fill(uint64_t page)
{
	uint64_t *words = (uint64_t *)(uintptr_t)page;

	for (unsigned i = 0; i < WORDS_PER_PAGE; i++)
		words[i] = canary_word((uintptr_t)&words[i]);
}

static void keep(uint64_t page)
{
	assert(canary.count < canary.limit);
	fill(page);
	canary.pages[canary.count++] = page;
}

static void give_back(uint64_t start, uint64_t end)
{
	page_alloc_add(HPA(start), end - start);
}

/* Every second one of the pages that come next: what is allocated later lies between. */
static void keep_every_second(uint64_t count)
{
	uint64_t *aside = canary.pages + canary.limit;
	uint64_t pairs = 0;

	/* Of a small arena enough is left for what it is there for. */
	if (page_alloc_is_divided() && count > page_alloc_free_of(PAGES_OWN) / 2)
		count = page_alloc_free_of(PAGES_OWN) / 2;
	for (; pairs < count && canary.count < canary.limit; pairs++) {
		void *page = page_alloc(0);
		void *other = page_alloc(0);

		if (page)
			keep((uintptr_t)page);
		if (!other)
			break;
		aside[pairs] = (uintptr_t)other;
	}
	while (pairs-- > 0)
		give_back(aside[pairs], aside[pairs] + PAGE_SIZE);
}

enum status canary_begin(uint64_t size, const char **why)
{
	uint64_t table_size = 2 * (size >> PAGE_SHIFT) * sizeof(*canary.pages);

	if (size < PAGE_SIZE)
		return STATUS_OK;
	if (size >> PAGE_SHIFT > page_alloc_free_pages() / 4)
		return refuse(why, STATUS_NO_MEMORY,
			      "canary of %lu KiB: more than a quarter of what is free",
			      size >> 10);
	canary.order = page_order_for(table_size);
	canary.pages = page_alloc(canary.order);
	if (!canary.pages)
		return refuse(why, STATUS_NO_MEMORY,
			      "canary of %lu KiB: no memory for it", size >> 10);
	canary.limit = size >> PAGE_SHIFT;
	keep_every_second(canary.limit / 4);
	return STATUS_OK;
}

/* ---- around a VM's memory, and at the end of the pool ---- */

/* Larger orders first, so that no block is one that was just split. */
static unsigned take_all(struct block *blocks)
{
	unsigned count = 0;

	for (unsigned order = PAGE_ORDER_LIMIT; order-- > 0;) {
		void *block;

		while (count < BLOCK_LIMIT &&
		       (block = page_alloc_kind(PAGES_GUESTS, order)))
			blocks[count++] = (struct block){
				(uintptr_t)block,
				(uintptr_t)block + (PAGE_SIZE << order),
			};
	}
	return count;
}

static bool is_neighbour(const struct guest_memory *memory, uint64_t page)
{
	for (unsigned i = 0; i < memory->run_count; i++) {
		const struct guest_run *run = &memory->runs[i];

		if (page + PAGE_SIZE == run->hpa.raw || page == run->hpa.raw + run->size)
			return true;
	}
	return false;
}

/* Keep the pages of a block that are wanted, and give back what is between them. */
static void sift(const struct block *block, const struct guest_memory *memory,
		 uint64_t wanted_from)
{
	uint64_t rest = block->start;

	for (uint64_t page = block->start; page < block->end; page += PAGE_SIZE) {
		if (canary.count == canary.limit ||
		    (page < wanted_from && !is_neighbour(memory, page)))
			continue;
		give_back(rest, page);
		keep(page);
		rest = page + PAGE_SIZE;
	}
	give_back(rest, block->end);
}

void canary_surround(const struct guest_memory *memory)
{
	struct block blocks[BLOCK_LIMIT];
	unsigned count;

	if (!canary.pages)
		return;
	count = take_all(blocks);
	for (unsigned i = 0; i < count; i++)
		sift(&blocks[i], memory, UINT64_MAX);
}

void canary_fill(void)
{
	const struct guest_memory none = {0};
	struct block blocks[BLOCK_LIMIT];
	uint64_t end = 0;
	unsigned count;

	if (!canary.pages)
		return;
	count = take_all(blocks);
	for (unsigned i = 0; i < count; i++)
		end = blocks[i].end > end ? blocks[i].end : end;
	for (unsigned i = 0; i < count; i++)
		sift(&blocks[i], &none, end - (canary.limit / 4 << PAGE_SHIFT));
	keep_every_second(canary.limit - canary.count);
}

/* ---- afterwards ---- */

/* The first word of a page that is not what it was; 0 if there is none. */
static uint64_t changed_word(uint64_t page)
{
	const volatile uint64_t *words = (const volatile uint64_t *)(uintptr_t)page;

	for (unsigned i = 0; i < WORDS_PER_PAGE; i++)
		if (words[i] != canary_word((uintptr_t)&words[i]))
			return (uintptr_t)&words[i];
	return 0;
}

bool canary_check(void)
{
	if (!canary.pages)
		return true;
	canary.changed = 0;
	for (uint64_t i = 0; i < canary.count; i++) {
		uint64_t word = changed_word(canary.pages[i]);

		if (word != 0 && canary.changed++ == 0)
			canary.first = word;
	}
	if (canary.changed == 0)
		log_line("canary: %lu pages untouched", canary.count);
	else
		log_line("canary: %lu of %lu pages changed, the first at 0x%lx",
			 canary.changed, canary.count, canary.first);
	return canary.changed == 0;
}

void canary_report(struct json *json)
{
	if (!canary.pages)
		return;
	json_object(json, "canary");
	json_number(json, "pages", canary.count);
	json_number(json, "changed", canary.changed);
	if (canary.changed > 0)
		json_number(json, "first", canary.first);
	json_object_end(json);
}

void canary_end(void)
{
	if (!canary.pages)
		return;
	while (canary.count > 0) {
		uint64_t page = canary.pages[--canary.count];

		give_back(page, page + PAGE_SIZE);
	}
	page_free(canary.pages, canary.order);
	canary.pages = NULL;
	canary.order = 0;
}
