/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The machine's RAM: which of it is free, and which may be mapped. See
 * machine.h. Ranges come from firmware in any order and may overlap.
 */
#include "core/machine.h"
#include "core/reason.h"
#include "core/string.h"
#include "mm/page_alloc.h"

struct machine machine;

/* Image, tree and bundle, what the device tree reserves, and memory seen before. */
#define HOLE_LIMIT (3 + HOST_RESERVED_LIMIT + HOST_MEMORY_LIMIT)

struct holes {
	unsigned count;
	struct host_range ranges[HOLE_LIMIT];
};

typedef enum status (*range_function)(struct host_range range, void *context);

static uint64_t end_of(struct host_range range)
{
	return range.base.raw + range.size;
}

static void add_hole(struct holes *holes, struct host_range range)
{
	if (range.size > 0)
		holes->ranges[holes->count++] = range;
}

/* The end of a hole that contains address; address itself if none does. */
static uint64_t skip_holes(const struct holes *holes, uint64_t address)
{
	for (unsigned i = 0; i < holes->count; i++)
		if (range_within(address, 1, holes->ranges[i].base.raw,
				 holes->ranges[i].size))
			return end_of(holes->ranges[i]);
	return address;
}

static uint64_t next_hole(const struct holes *holes, uint64_t address, uint64_t end)
{
	for (unsigned i = 0; i < holes->count; i++)
		if (holes->ranges[i].base.raw > address &&
		    holes->ranges[i].base.raw < end)
			end = holes->ranges[i].base.raw;
	return end;
}

static enum status for_each_outside(const struct holes *holes, struct host_range memory,
				    range_function each, void *context)
{
	uint64_t at = memory.base.raw;
	enum status status = STATUS_OK;

	while (at < end_of(memory) && status == STATUS_OK) {
		uint64_t end;
		uint64_t start = skip_holes(holes, at);

		if (start != at) {
			at = start;
			continue;
		}
		end = next_hole(holes, at, end_of(memory));
		status = each((struct host_range){HPA(at), end - at}, context);
		at = end;
	}
	return status;
}

/* What one entry of memory has told is a hole in those behind it. */
static enum status for_each_memory(struct holes *holes, range_function each,
				   void *context)
{
	enum status status = STATUS_OK;

	for (unsigned i = 0; i < machine.fdt.memory_count && status == STATUS_OK; i++) {
		status = for_each_outside(holes, machine.fdt.memory[i], each, context);
		add_hole(holes, machine.fdt.memory[i]);
	}
	return status;
}

static void add_reserved(struct holes *holes, bool only_no_map)
{
	for (unsigned i = 0; i < machine.fdt.reserved_count; i++) {
		const struct host_reserved *reserved = &machine.fdt.reserved[i];

		if (reserved->no_map || !only_no_map)
			add_hole(holes,
				 (struct host_range){reserved->base, reserved->size});
	}
}

enum status machine_for_each_free(struct host_range image, range_function each,
				  void *context)
{
	struct holes holes = {0};

	add_hole(&holes, image);
	add_hole(&holes, machine.fdt.tree);
	add_hole(&holes, machine.fdt.initrd);
	add_reserved(&holes, false);
	return for_each_memory(&holes, each, context);
}

enum status machine_for_each_mappable(struct host_range image, range_function each,
				      void *context)
{
	struct holes holes = {0};

	add_hole(&holes, image);
	add_reserved(&holes, true);
	return for_each_memory(&holes, each, context);
}

/* ---- the bundle ---- */

/* The highest place for as many bytes as the bundle has, above the one there is. */
static enum status find_above(struct host_range range, void *context)
{
	struct host_range *place = context;
	uint64_t size = machine.fdt.initrd.size;
	uint64_t start;

	if (range.size < size)
		return STATUS_OK;
	start = align_down(end_of(range) - size, PAGE_SIZE);
	if (start >= range.base.raw && start > place->base.raw)
		*place = (struct host_range){HPA(start), size};
	return STATUS_OK;
}

bool machine_is_ram(struct host_range range)
{
	for (unsigned i = 0; i < machine.fdt.memory_count; i++)
		if (range_within(range.base.raw, range.size,
				 machine.fdt.memory[i].base.raw,
				 machine.fdt.memory[i].size))
			return true;
	return false;
}

void machine_move_bundle(struct host_range image)
{
	struct host_range *bundle = &machine.fdt.initrd;
	struct host_range place = {HPA(0), 0};

	if (bundle->size == 0)
		return;
	if (machine_is_ram(*bundle))
		place = *bundle;
	machine_for_each_free(image, find_above, &place);
	if (place.size == 0 || place.base.raw == bundle->base.raw)
		return;
	memcpy((void *)(uintptr_t)place.base.raw,
	       (const void *)(uintptr_t)bundle->base.raw, bundle->size);
	*bundle = place;
}

/* ---- the page allocator's start ---- */

struct allocator_place {
	uint64_t wanted;
	struct host_range within;
	struct host_range found; /* for its per-page bytes */
};

static uint64_t larger(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static enum status find_place(struct host_range range, void *context)
{
	struct allocator_place *place = context;
	uint64_t start =
		align_up(larger(range.base.raw, place->within.base.raw), PAGE_SIZE);

	if (place->found.size == 0 &&
	    range_within(start, place->wanted, range.base.raw, range.size) &&
	    range_within(start, place->wanted, place->within.base.raw,
			 place->within.size))
		place->found = (struct host_range){HPA(start), place->wanted};
	return STATUS_OK;
}

static enum status add_range(struct host_range range, void *context)
{
	const struct allocator_place *place = context;
	uint64_t first = place->found.base.raw, taken = end_of(place->found);

	if (!range_within(first, place->found.size, range.base.raw, range.size)) {
		page_alloc_add(range.base, range.size);
	} else {
		page_alloc_add(range.base, first - range.base.raw);
		page_alloc_add(HPA(taken), end_of(range) - taken);
	}
	return STATUS_OK;
}

static struct host_range span_of_memory(void)
{
	uint64_t start = UINT64_MAX, end = 0;

	for (unsigned i = 0; i < machine.fdt.memory_count; i++) {
		const struct host_range *memory = &machine.fdt.memory[i];

		if (memory->base.raw < start)
			start = memory->base.raw;
		if (end_of(*memory) > end)
			end = end_of(*memory);
	}
	start = align_up(start, PAGE_SIZE);
	return (struct host_range){HPA(start), align_down(end, PAGE_SIZE) - start};
}

enum status machine_memory_init(struct host_range image,
				const struct page_division *division, const char **why)
{
	struct host_range span = span_of_memory();
	struct allocator_place place = {
		.wanted = page_alloc_state_size(span.size),
		.within = division ? division->ranges[PAGES_OWN] : span,
	};

	machine_for_each_free(image, find_place, &place);
	if (place.found.size == 0)
		return refuse(why, STATUS_NO_MEMORY,
			      "%lu KiB for the page allocator are not free in one piece",
			      place.wanted >> 10);
	page_alloc_init(span.base, span.size, (void *)(uintptr_t)place.found.base.raw);
	if (division)
		page_alloc_divide(division);
	return machine_for_each_free(image, add_range, &place);
}
