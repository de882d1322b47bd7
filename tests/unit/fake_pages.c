/* SPDX-License-Identifier: BSD-2-Clause */
/* A page allocator that catches what may not be. See fake_pages.h. */
#include "tests/unit/fake_pages.h"

#include <sanitizer/asan_interface.h>
#include <string.h>

#include "mm/page_stock.h"
#include "tests/unit/host_ram.h"

#define PAGES  (FAKE_PAGES_SIZE / PAGE_SIZE)
#define FREE   0xff
#define INSIDE 0xfe

static struct {
	hpa_t base;
	uint64_t taken;
	uint64_t allowed;
	uint64_t cursor;      /* blocks are looked for from here on, round and round */
	uint8_t state[PAGES]; /* FREE, the order at a block's first page, INSIDE */
} pages;

void (*fake_pages_on_free)(hpa_t page);

static uint64_t index_of(uint64_t address)
{
	assert_true(range_within(address, PAGE_SIZE, pages.base.raw, FAKE_PAGES_SIZE));
	assert_true(is_aligned(address, PAGE_SIZE));
	return (address - pages.base.raw) >> PAGE_SHIFT;
}

static void *address_of(uint64_t index)
{
	return (void *)(uintptr_t)(pages.base.raw + (index << PAGE_SHIFT));
}

static void release(uint64_t index, uint64_t count)
{
	memset(address_of(index), 0xa5, count << PAGE_SHIFT);
	ASAN_POISON_MEMORY_REGION(address_of(index), count << PAGE_SHIFT);
	memset(&pages.state[index], FREE, count);
}

/* Mapped for as long as the process lives: a test may make thousands of these. */
void fake_pages_create(void)
{
	if (pages.base.raw == 0) {
		pages.base = host_ram_map(FAKE_PAGES_SIZE, GIB);
		fake_pages_destroy();
	}
	pages.taken = 0;
	pages.allowed = UINT64_MAX;
	pages.cursor = 0;
}

/* What was given back is poisoned already. */
void fake_pages_destroy(void)
{
	for (uint64_t i = 0; i < PAGES; i++) {
		if (pages.state[i] == FREE)
			continue;
		ASAN_POISON_MEMORY_REGION(address_of(i), PAGE_SIZE);
		pages.state[i] = FREE;
	}
}

uint64_t fake_pages_taken(void)
{
	return pages.taken;
}

bool page_block_is_taken(hpa_t block, unsigned order)
{
	return range_within(block.raw, PAGE_SIZE, pages.base.raw, FAKE_PAGES_SIZE) &&
	       is_aligned(block.raw, PAGE_SIZE) &&
	       pages.state[index_of(block.raw)] == order;
}

bool page_is_taken(hpa_t page)
{
	return page_block_is_taken(page, 0);
}

bool fake_pages_is_table(hpa_t page)
{
	return page_is_taken(page) || page_block_is_taken(page, 1);
}

bool fake_pages_is_taken(hpa_t page)
{
	return range_within(page.raw, PAGE_SIZE, pages.base.raw, FAKE_PAGES_SIZE) &&
	       pages.state[index_of(page.raw)] != FREE;
}

void fake_pages_allow(uint64_t calls)
{
	pages.allowed = calls;
}

static bool all_free(uint64_t index, uint64_t count)
{
	if (index + count > PAGES)
		return false;
	for (uint64_t i = 0; i < count; i++)
		if (pages.state[index + i] != FREE)
			return false;
	return true;
}

void *page_alloc(unsigned order)
{
	uint64_t count = UINT64_C(1) << order;
	uint64_t start = align_up(pages.cursor, count);

	if (pages.allowed == 0)
		return NULL;
	for (uint64_t tried = 0; tried < PAGES; tried += count) {
		uint64_t index = (start + tried) % PAGES;

		if (!all_free(index, count))
			continue;
		ASAN_UNPOISON_MEMORY_REGION(address_of(index), count << PAGE_SHIFT);
		memset(&pages.state[index], INSIDE, count);
		pages.state[index] = (uint8_t)order;
		pages.cursor = index + count;
		pages.taken += count;
		if (pages.allowed != UINT64_MAX)
			pages.allowed--;
		return address_of(index);
	}
	return NULL;
}

void *page_alloc_zeroed(unsigned order)
{
	void *block = page_alloc(order);

	if (block)
		memset(block, 0, PAGE_SIZE << order);
	return block;
}

void (*fake_pages_contents)(uint64_t *words);

/* No kind is kept apart here. */
void *page_alloc_kind(enum page_kind kind, unsigned order)
{
	void *block = page_alloc(order);

	(void)kind;
	if (block)
		memset(block, 0xdf, PAGE_SIZE << order);
	if (block && order == 0 && fake_pages_contents)
		fake_pages_contents(block);
	return block;
}

void *page_alloc_table(unsigned order)
{
	return page_alloc_zeroed(order);
}

bool page_is_table(hpa_t block, unsigned order)
{
	return page_block_is_taken(block, order);
}

/*
 * Stocks that keep nothing, so that all that comes back is known not to be in use. Tests
 * of what is promised link mm/page_stock.c, which takes their place.
 */
#define REPLACEABLE __attribute__((weak))

REPLACEABLE enum status stock_create(struct page_stock *stock, enum page_kind kind,
				     unsigned order, uint64_t promised)
{
	*stock = (struct page_stock){.kind = kind, .order = order, .promised = promised};
	return STATUS_OK;
}

REPLACEABLE void *stock_take(struct page_stock *stock)
{
	return page_alloc_kind(stock->kind, stock->order);
}

REPLACEABLE void stock_give(struct page_stock *stock, void *block)
{
	page_free(block, stock->order);
}

REPLACEABLE void stock_destroy(struct page_stock *stock)
{
	(void)stock;
}

/* One block, so that a VM has several runs here. */
uint64_t page_alloc_run(uint64_t wanted, hpa_t *start)
{
	for (unsigned order = PAGE_ORDER_LIMIT; order-- > PAGE_ORDER_2M;) {
		void *block = PAGE_SIZE << order <= wanted ? page_alloc(order) : NULL;

		if (!block)
			continue;
		*start = HPA((uintptr_t)block);
		return PAGE_SIZE << order;
	}
	*start = pages.base;
	return 0;
}

void page_free(void *block, unsigned order)
{
	uint64_t index = index_of((uintptr_t)block);

	assert_int_equal(pages.state[index], order);
	if (fake_pages_on_free && order <= 1)
		fake_pages_on_free(HPA((uintptr_t)block));
	pages.taken -= UINT64_C(1) << order;
	release(index, UINT64_C(1) << order);
}

/* Only for pages that come back: all are managed from the start. */
void page_alloc_add(hpa_t start, uint64_t size)
{
	uint64_t index = index_of(start.raw);

	for (uint64_t i = 0; i < size >> PAGE_SHIFT; i++)
		assert_int_not_equal(pages.state[index + i], FREE);
	pages.taken -= size >> PAGE_SHIFT;
	release(index, size >> PAGE_SHIFT);
}

uint64_t page_alloc_free_pages(void)
{
	return PAGES - pages.taken;
}

uint64_t page_alloc_free_of(enum page_kind kind)
{
	(void)kind;
	return page_alloc_free_pages();
}

uint64_t page_alloc_pages_of(enum page_kind kind)
{
	(void)kind;
	return FAKE_PAGES_SIZE >> PAGE_SHIFT;
}

bool page_alloc_is_divided(void)
{
	return false;
}
