/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The state of a VM beside its tables: how many pages it takes, and having them.
 *
 * All of it is taken when the VM is made, so nothing that a guest does afterwards
 * needs memory but for a table's own two pages; and all of it goes back with the VM.
 */
#include "core/panic.h"
#include "core/vm.h"
#include "lsp/protect.h"
#include "mm/page_alloc.h"

/* Of a table's number in the name of an entry, which has 32 bits. */
#define TABLE_NUMBER_LIMIT (UINT32_C(1) << (32 - PTE_INDEX_BITS))

#define PAGES_OF_A_TABLE 2

static uint64_t region_count(const struct guest_memory *memory, unsigned level)
{
	uint64_t size = level_size(level);
	uint64_t end = memory->base.raw + memory->size;

	return (align_up(end, size) - align_down(memory->base.raw, size)) / size;
}

static uint64_t bucket_count(uint64_t tables)
{
	uint64_t buckets = 1;

	while (buckets < tables)
		buckets *= 2;
	return buckets;
}

enum block { STATE, TABLES, GPA_BUCKETS, PAGE_BUCKETS, FRAMES, REGIONS, BLOCKS };

/* Bytes of each block; the regions of level 1 and 2 have one each. */
static uint64_t block_size(const struct guest_memory *memory, uint64_t tables,
			   unsigned block)
{
	switch (block) {
	case STATE:
		return sizeof(struct protect_vm);
	case TABLES:
		return (tables + 1) * sizeof(struct protect_table);
	case GPA_BUCKETS:
	case PAGE_BUCKETS:
		return bucket_count(tables) * sizeof(uint32_t);
	case FRAMES:
		return (memory->size >> PAGE_SHIFT) * sizeof(struct protect_frame);
	default:
		return region_count(memory, block - REGIONS + 1) *
		       sizeof(struct protect_region);
	}
}

#define BLOCK_LIMIT (REGIONS + PROTECT_LARGEST)

unsigned protect_vcpu_order(void)
{
	return page_order_for(sizeof(struct protect_vcpu));
}

uint64_t protect_state_pages(uint64_t ram, unsigned vcpus, uint64_t tables)
{
	const struct guest_memory memory = {.base = GUEST_RAM_BASE, .size = ram};
	uint64_t pages = (uint64_t)vcpus << protect_vcpu_order();

	for (unsigned block = 0; block < BLOCK_LIMIT; block++)
		pages += UINT64_C(1)
			 << page_order_for(block_size(&memory, tables, block));
	return pages;
}

uint64_t protect_total_pages(uint64_t ram, unsigned vcpus, uint64_t tables)
{
	return protect_state_pages(ram, vcpus, tables) + PAGES_OF_A_TABLE * tables;
}

uint64_t protect_tables_within(uint64_t ram, unsigned vcpus, uint64_t pages)
{
	uint64_t fits = 0, too_many = TABLE_NUMBER_LIMIT;

	while (too_many - fits > 1) {
		uint64_t middle = (fits + too_many) / 2;

		if (protect_total_pages(ram, vcpus, middle) <= pages)
			fits = middle;
		else
			too_many = middle;
	}
	return fits;
}

static void set_pointers(struct protect_vm *vm, void **blocks, uint64_t tables)
{
	vm->tables = blocks[TABLES];
	vm->gpa_buckets = blocks[GPA_BUCKETS];
	vm->page_buckets = blocks[PAGE_BUCKETS];
	vm->frames = blocks[FRAMES];
	for (unsigned i = 0; i < PROTECT_LARGEST; i++)
		vm->regions[i] = blocks[REGIONS + i];
	vm->table_limit = (uint32_t)tables;
	vm->limit = PAGES_OF_A_TABLE * tables;
	vm->bucket_mask = (uint32_t)bucket_count(tables) - 1;
	for (uint32_t number = (uint32_t)tables; number > 0; number--) {
		vm->tables[number].by_gpa = vm->unused;
		vm->unused = number;
	}
}

enum status protect_state_create(struct vm *vm, uint64_t tables)
{
	void *blocks[BLOCK_LIMIT];
	unsigned count = 0;

	for (; count < BLOCK_LIMIT; count++) {
		uint64_t size = block_size(&vm->memory, tables, count);

		blocks[count] = page_alloc_zeroed(page_order_for(size));
		if (!blocks[count])
			break;
	}
	if (count == BLOCK_LIMIT) {
		vm->paging = blocks[STATE];
		set_pointers(blocks[STATE], blocks, tables);
		return STATUS_OK;
	}
	while (count-- > 0)
		page_free(blocks[count],
			  page_order_for(block_size(&vm->memory, tables, count)));
	return STATUS_NO_MEMORY;
}

void protect_state_destroy(struct vm *vm)
{
	struct protect_vm *state = vm->paging;
	uint64_t tables = state->table_limit;
	void *blocks[BLOCK_LIMIT] = {
		[STATE] = state,
		[TABLES] = state->tables,
		[GPA_BUCKETS] = state->gpa_buckets,
		[PAGE_BUCKETS] = state->page_buckets,
		[FRAMES] = state->frames,
	};

	for (unsigned i = 0; i < PROTECT_LARGEST; i++)
		blocks[REGIONS + i] = state->regions[i];
	for (unsigned i = 0; i < BLOCK_LIMIT; i++)
		page_free(blocks[i], page_order_for(block_size(&vm->memory, tables, i)));
	vm->paging = NULL;
}
