/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Binary buddy allocator. See page_alloc.h for shape and invariants.
 *
 * A block's buddy is found by flipping one bit of its address; two free buddies
 * merge, so the largest blocks come back whole when a VM is gone. Orders are
 * kept per page: FREE | order at the first page of a free block, the order at
 * the first page of an allocated one, INSIDE everywhere else. Any hart may call; they
 * take turns, but for setting up and for asking how much is free.
 */
#include "mm/page_alloc.h"
#include "core/panic.h"
#include "core/spin_lock.h"
#include "core/string.h"

#define FREE   0x80
#define INSIDE 0x7f

static struct spin_lock lock;

struct free_block {
	struct free_block *next;
	struct free_block *previous;
};

struct arena {
	struct host_range range;
	uint64_t free_pages;
	uint64_t pages; /* the most that were free */
	struct free_block lists[PAGE_ORDER_LIMIT];
};

static struct {
	uint64_t base;
	uint64_t pages;
	uint8_t *state;
	bool divided; /* if not, the first arena is the only one, and of all kinds */
	struct arena arenas[PAGE_KINDS];
} allocator;

static uint64_t order_size(unsigned order)
{
	return PAGE_SIZE << order;
}

static uint8_t *state_of(uint64_t address)
{
	uint64_t index = (address - allocator.base) >> PAGE_SHIFT;

	assert(address >= allocator.base && index < allocator.pages);
	return &allocator.state[index];
}

/* ---- arenas ---- */

static uint64_t allocator_end(void)
{
	return allocator.base + (allocator.pages << PAGE_SHIFT);
}

static struct arena *arena_of(enum page_kind kind)
{
	return &allocator.arenas[allocator.divided ? kind : PAGES_OWN];
}

/* NULL: of no kind. */
static struct arena *arena_at(uint64_t address)
{
	for (unsigned kind = 0; kind < PAGE_KINDS; kind++) {
		const struct host_range *range = &allocator.arenas[kind].range;

		if (range_within(address, 1, range->base.raw, range->size))
			return &allocator.arenas[kind];
	}
	return NULL;
}

/* Where a range that begins there must be cut, so that all of it is of one kind. */
static uint64_t cut(uint64_t address, uint64_t end)
{
	for (unsigned kind = 0; kind < PAGE_KINDS; kind++) {
		const struct host_range *range = &allocator.arenas[kind].range;
		const uint64_t bounds[] = {range->base.raw,
					   range->base.raw + range->size};

		for (unsigned i = 0; i < ARRAY_LENGTH(bounds); i++)
			if (bounds[i] > address && bounds[i] < end)
				end = bounds[i];
	}
	return end;
}

static void arena_init(struct arena *arena, struct host_range range)
{
	arena->range = range;
	arena->free_pages = arena->pages = 0;
	for (unsigned order = 0; order < PAGE_ORDER_LIMIT; order++)
		arena->lists[order].next = arena->lists[order].previous =
			&arena->lists[order];
}

void page_alloc_divide(const struct page_division *division)
{
	assert(page_alloc_free_pages() == 0);
	allocator.divided = true;
	for (unsigned kind = 0; kind < PAGE_KINDS; kind++) {
		const struct host_range range = division->ranges[kind];

		assert(is_aligned(range.base.raw | range.size, PAGE_SIZE));
		arena_init(&allocator.arenas[kind], range);
	}
}

/* ---- blocks ---- */

static void list_insert(uint64_t address, unsigned order)
{
	struct free_block *head = &arena_at(address)->lists[order];
	struct free_block *block = (struct free_block *)(uintptr_t)address;

	block->next = head->next;
	block->previous = head;
	head->next->previous = block;
	head->next = block;
	*state_of(address) = (uint8_t)(FREE | order);
}

static void list_remove(uint64_t address)
{
	struct free_block *block = (struct free_block *)(uintptr_t)address;

	block->previous->next = block->next;
	block->next->previous = block->previous;
	*state_of(address) = INSIDE;
}

uint64_t page_alloc_state_size(uint64_t size)
{
	return align_up(size >> PAGE_SHIFT, PAGE_SIZE);
}

void page_alloc_init(hpa_t base, uint64_t size, void *state)
{
	assert(is_aligned(base.raw, PAGE_SIZE) && is_aligned(size, PAGE_SIZE));
	allocator.base = base.raw;
	allocator.pages = size >> PAGE_SHIFT;
	allocator.state = state;
	allocator.divided = false;
	memset(state, INSIDE, allocator.pages);
	arena_init(&allocator.arenas[0], (struct host_range){base, size});
	for (unsigned kind = 1; kind < PAGE_KINDS; kind++)
		arena_init(&allocator.arenas[kind], (struct host_range){0});
}

static bool buddy_is_free(uint64_t address, unsigned order)
{
	return range_within(address, order_size(order), allocator.base,
			    allocator.pages << PAGE_SHIFT) &&
	       *state_of(address) == (FREE | order);
}

static void free_and_merge(uint64_t address, unsigned order)
{
	struct arena *arena = arena_at(address);

	arena->free_pages += UINT64_C(1) << order;
	if (arena->free_pages > arena->pages)
		arena->pages = arena->free_pages;
	while (order + 1 < PAGE_ORDER_LIMIT) {
		uint64_t buddy = address ^ order_size(order);

		if (!buddy_is_free(buddy, order) || arena_at(buddy) != arena)
			break;
		list_remove(buddy);
		address = address < buddy ? address : buddy;
		order++;
	}
	list_insert(address, order);
}

static void add_blocks(uint64_t address, uint64_t end)
{
	while (address < end) {
		unsigned order = 0;

		while (order + 1 < PAGE_ORDER_LIMIT &&
		       is_aligned(address, order_size(order + 1)) &&
		       order_size(order + 1) <= end - address)
			order++;
		free_and_merge(address, order);
		address += order_size(order);
	}
}

static void add_range(hpa_t start, uint64_t size)
{
	uint64_t address = align_up(start.raw, PAGE_SIZE);
	uint64_t end = align_down(start.raw + size, PAGE_SIZE);

	/* Blocks that were taken one by one may come back as one range. */
	if (address < end)
		memset(state_of(address), INSIDE, (end - address) >> PAGE_SHIFT);
	while (address < end) {
		uint64_t next = cut(address, end);

		if (arena_at(address))
			add_blocks(address, next);
		address = next;
	}
}

void page_alloc_add(hpa_t start, uint64_t size)
{
	spin_lock_take(&lock);
	add_range(start, size);
	spin_lock_give(&lock);
}

static void *take_block(enum page_kind kind, unsigned order)
{
	struct arena *arena = arena_of(kind);
	unsigned found = order;
	uint64_t address;

	while (found < PAGE_ORDER_LIMIT &&
	       arena->lists[found].next == &arena->lists[found])
		found++;
	if (found == PAGE_ORDER_LIMIT)
		return NULL;

	address = (uintptr_t)arena->lists[found].next;
	list_remove(address);
	for (; found > order; found--)
		list_insert(address + order_size(found - 1), found - 1);
	*state_of(address) = (uint8_t)order;
	arena->free_pages -= UINT64_C(1) << order;
	return (void *)(uintptr_t)address;
}

void *page_alloc_kind(enum page_kind kind, unsigned order)
{
	void *block;

	assert(order < PAGE_ORDER_LIMIT);
	spin_lock_take(&lock);
	block = take_block(kind, order);
	spin_lock_give(&lock);
	return block;
}

void *page_alloc(unsigned order)
{
	return page_alloc_kind(PAGES_OWN, order);
}

static void *zeroed(enum page_kind kind, unsigned order)
{
	void *block = page_alloc_kind(kind, order);

	if (block)
		memset(block, 0, order_size(order));
	return block;
}

void *page_alloc_zeroed(unsigned order)
{
	return zeroed(PAGES_OWN, order);
}

void *page_alloc_table(unsigned order)
{
	return zeroed(PAGES_TABLES, order);
}

/* ---- runs ---- */

struct stretch {
	uint64_t start, end;
};

static bool is_free(uint64_t address)
{
	return address < allocator_end() && (*state_of(address) & FREE) &&
	       arena_at(address) == arena_of(PAGES_GUESTS);
}

/* Behind the block that begins there, or behind a page that is in none of ours. */
static uint64_t next_block(uint64_t address)
{
	uint8_t state = *state_of(address);

	return address + (state == INSIDE ? PAGE_SIZE : order_size(state % FREE));
}

/* The first free blocks from there on that have nothing between them; or none. */
static struct stretch next_stretch(uint64_t address)
{
	struct stretch next;

	while (address < allocator_end() && !is_free(address))
		address = next_block(address);
	next = (struct stretch){address, address};
	while (is_free(next.end))
		next.end = next_block(next.end);
	return next;
}

/* How much of a stretch is of use where blocks of 2 MiB are wanted. */
static uint64_t usable_size(const struct stretch *stretch)
{
	uint64_t start = align_up(stretch->start, order_size(PAGE_ORDER_2M));
	uint64_t end = align_down(stretch->end, order_size(PAGE_ORDER_2M));

	return start < end ? end - start : 0;
}

static struct stretch choose_stretch(uint64_t wanted)
{
	struct stretch next = next_stretch(allocator.base), best = {0};
	uint64_t most = 0;

	for (; next.start < next.end; next = next_stretch(next.end)) {
		uint64_t size = usable_size(&next);

		if (most < wanted ? size <= most : size < wanted || size >= most)
			continue;
		best = next;
		most = size;
	}
	return best;
}

/* Where to begin in a stretch: with large pages of the hart's in mind, if there is room.
 */
static uint64_t choose_start(const struct stretch *stretch, uint64_t wanted)
{
	uint64_t largest = align_up(stretch->start, order_size(PAGE_ORDER_LIMIT - 1));

	if (wanted >= order_size(PAGE_ORDER_LIMIT - 1) &&
	    range_within(largest, wanted, stretch->start, stretch->end - stretch->start))
		return largest;
	return align_up(stretch->start, order_size(PAGE_ORDER_2M));
}

/* The free block that a page is in. */
static uint64_t block_around(uint64_t address, unsigned *order)
{
	uint64_t block = address;

	for (*order = 0; !buddy_is_free(block, *order);) {
		++*order;
		assert(*order < PAGE_ORDER_LIMIT);
		block = align_down(address, order_size(*order));
	}
	return block;
}

/* Takes a free range, block by block; what they have beside it stays free. */
static void take_range(uint64_t start, uint64_t end)
{
	while (start < end) {
		unsigned order;
		uint64_t block = block_around(start, &order);
		uint64_t block_end = block + order_size(order);
		uint64_t last = block_end < end ? block_end : end;

		list_remove(block);
		arena_of(PAGES_GUESTS)->free_pages -= UINT64_C(1) << order;
		add_range(HPA(block), start - block);
		add_range(HPA(last), block_end - last);
		*state_of(start) = INSIDE;
		start = last;
	}
}

uint64_t page_alloc_run(uint64_t wanted, hpa_t *start)
{
	struct stretch best;
	uint64_t size;

	assert(is_aligned(wanted, order_size(PAGE_ORDER_2M)));
	spin_lock_take(&lock);
	best = choose_stretch(wanted);
	size = usable_size(&best);
	if (size > wanted)
		size = wanted;
	start->raw = choose_start(&best, wanted);
	take_range(start->raw, start->raw + size);
	spin_lock_give(&lock);
	return size;
}

void page_free(void *block, unsigned order)
{
	uint64_t address = (uintptr_t)block;

	/* Catches a double free and a wrong order, both defects of ours. */
	assert(*state_of(address) == order);
	spin_lock_take(&lock);
	*state_of(address) = INSIDE;
	free_and_merge(address, order);
	spin_lock_give(&lock);
}

bool page_block_is_taken(hpa_t block, unsigned order)
{
	return is_aligned(block.raw, PAGE_SIZE) && block.raw >= allocator.base &&
	       (block.raw - allocator.base) >> PAGE_SHIFT < allocator.pages &&
	       *state_of(block.raw) == order;
}

bool page_is_taken(hpa_t page)
{
	return page_block_is_taken(page, 0);
}

bool page_is_table(hpa_t block, unsigned order)
{
	return page_block_is_taken(block, order) &&
	       arena_at(block.raw) == arena_of(PAGES_TABLES);
}

uint64_t page_alloc_free_pages(void)
{
	uint64_t pages = 0;

	for (unsigned kind = 0; kind < PAGE_KINDS; kind++)
		pages += allocator.arenas[kind].free_pages;
	return pages;
}

uint64_t page_alloc_free_of(enum page_kind kind)
{
	return arena_of(kind)->free_pages;
}

uint64_t page_alloc_pages_of(enum page_kind kind)
{
	return arena_of(kind)->pages;
}

bool page_alloc_is_divided(void)
{
	return allocator.divided;
}
