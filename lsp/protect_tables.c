/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The shadow tables of a VM: found by what they mirror, made, used, dropped and
 * reclaimed.
 *
 * To mirror a frame is to protect it: every writable leaf of it goes, and every
 * hart that may keep one has fenced, before the first of its entries is read. A
 * table that is dropped stays in limbo, with its pages, until the next such fence.
 */
#include "core/arch.h"
#include "core/panic.h"
#include "core/string.h"
#include "core/vm.h"
#include "lsp/protect.h"

#define PAGES_OF_A_TABLE 2

/* ---- pages ---- */

static void give_pages(struct protect_vm *vm, struct protect_table *table)
{
	if (table->entries)
		stock_give(&vm->entries, table->entries);
	if (table->links)
		stock_give(&vm->links, table->links);
	table->entries = NULL;
	table->links = NULL;
}

static bool take_pages(struct protect_vm *vm, struct protect_table *table)
{
	table->entries = stock_take(&vm->entries);
	table->links = stock_take(&vm->links);
	if (!table->entries || !table->links) {
		give_pages(vm, table);
		return false;
	}
	memset(table->entries, 0, PAGE_SIZE);
	memset(table->links, 0, PAGE_SIZE);
	return true;
}

/* What is kept counts as taken: it is there for this VM alone. */
static bool has_room(const struct protect_vm *vm)
{
	uint64_t kept = stock_pages(&vm->entries) + stock_pages(&vm->links);

	return vm->unused && (kept > 0 || vm->used + PAGES_OF_A_TABLE <= vm->limit);
}

/* ---- fences ---- */

static void release_limbo(struct protect_vm *vm)
{
	while (vm->limbo) {
		uint32_t number = vm->limbo;
		struct protect_table *table = &vm->tables[number];

		vm->limbo = table->by_gpa;
		give_pages(vm, table);
		*table = (struct protect_table){.by_gpa = vm->unused};
		vm->unused = number;
		vm->used -= PAGES_OF_A_TABLE;
	}
}

/* Harts where a vCPU of the VM is loaded now. */
static uint32_t loaded_harts(const struct protect_vm *vm)
{
	uint32_t harts = 0;

	for (unsigned i = 0; i < vm->vm->vcpu_count; i++) {
		const struct protect_vcpu *vcpu = vm->vm->vcpus[i].paging;

		if (vcpu && vcpu->loaded)
			harts |= UINT32_C(1) << vcpu->hart;
	}
	return harts;
}

void protect_fence_all(struct protect_vm *vm)
{
	uint32_t here = UINT32_C(1) << arch_hart_index();

	if (vm->harts & here)
		arch_shadow_fence_all();
	if (vm->harts & ~here) {
		harts_request(vm->harts & ~here, HART_FENCE_SHADOW);
		vm->statistics.remote_fences++;
	}
	vm->statistics.full_fences++;
	vm->harts = loaded_harts(vm);
	protect_forget_tags(vm);
	vm->unfenced = vm->must_fence = false;
	release_limbo(vm);
}

void protect_begin(struct protect_vm *vm)
{
	spin_lock_take(&vm->lock);
	vm->operation = ++vm->clock;
}

void protect_end(struct protect_vm *vm)
{
	if (vm->must_fence)
		protect_fence_all(vm);
	spin_lock_give(&vm->lock);
}

/* ---- finding ---- */

static uint32_t *bucket(const struct protect_vm *vm, uint32_t *buckets, uint64_t address)
{
	return &buckets[(address >> PAGE_SHIFT) * UINT64_C(0x9e3779b97f4a7c15) >> 32 &
			vm->bucket_mask];
}

static uint32_t number_of(const struct protect_vm *vm, const struct protect_table *table)
{
	return (uint32_t)(table - vm->tables);
}

struct protect_table *protect_table_at(const struct protect_vm *vm, hpa_t page)
{
	uint32_t number = *bucket(vm, vm->page_buckets, page.raw);

	while (pointer_hpa(vm->tables[number].entries).raw != page.raw) {
		number = vm->tables[number].by_page;
		assert(number);
	}
	return &vm->tables[number];
}

static bool mirrors(const struct protect_table *table,
		    const struct protect_target *target)
{
	return table->gpa.raw == target->gpa.raw && table->level == target->level &&
	       table->direct == target->direct && table->flags == target->flags;
}

static struct protect_table *find(const struct protect_vm *vm,
				  const struct protect_target *target)
{
	uint32_t number = *bucket(vm, vm->gpa_buckets, target->gpa.raw);

	for (; number; number = vm->tables[number].by_gpa)
		if (mirrors(&vm->tables[number], target))
			return &vm->tables[number];
	return NULL;
}

struct protect_table *protect_find(const struct protect_vm *vm, gpa_t gpa, unsigned level)
{
	const struct protect_target target = {.gpa = gpa, .level = level};

	return find(vm, &target);
}

unsigned protect_find_all(const struct protect_vm *vm, gpa_t page,
			  struct protect_table **tables)
{
	uint32_t number = *bucket(vm, vm->gpa_buckets, page.raw);
	unsigned count = 0;

	for (; number; number = vm->tables[number].by_gpa) {
		struct protect_table *table = &vm->tables[number];

		if (table->gpa.raw == page.raw && !table->direct)
			tables[count++] = table;
	}
	return count;
}

/* ---- by age ---- */

static void age_remove(struct protect_vm *vm, struct protect_table *table)
{
	if (table->newer)
		vm->tables[table->newer].older = table->older;
	else
		vm->newest = table->older;
	if (table->older)
		vm->tables[table->older].newer = table->newer;
	else
		vm->oldest = table->newer;
}

static void age_add(struct protect_vm *vm, struct protect_table *table)
{
	table->newer = 0;
	table->older = vm->newest;
	if (vm->newest)
		vm->tables[vm->newest].newer = number_of(vm, table);
	else
		vm->oldest = number_of(vm, table);
	vm->newest = number_of(vm, table);
}

void protect_use(struct protect_vm *vm, struct protect_table *table)
{
	table->used = vm->clock;
	table->writes = 0;
	age_remove(vm, table);
	age_add(vm, table);
}

/* ---- dropping ---- */

static void bucket_remove(struct protect_vm *vm, struct protect_table *table)
{
	uint32_t number = number_of(vm, table);
	uint32_t *at = bucket(vm, vm->gpa_buckets, table->gpa.raw);

	while (*at != number)
		at = &vm->tables[*at].by_gpa;
	*at = table->by_gpa;
	at = bucket(vm, vm->page_buckets, pointer_hpa(table->entries).raw);
	while (*at != number)
		at = &vm->tables[*at].by_page;
	*at = table->by_page;
}

static void count_in_regions(struct protect_vm *vm, gpa_t page, bool more)
{
	for (unsigned level = 1; level <= PROTECT_LARGEST; level++)
		protect_region(vm, page, level)->tables += more ? 1 : -1u;
}

/* The frame may be written again, once a leaf for it is filled. */
static void stop_mirroring(struct protect_vm *vm, const struct protect_table *table)
{
	struct protect_frame *frame = protect_frame(vm, table->gpa);

	if (table->direct || !frame)
		return;
	if (table->unsync)
		frame->unsync--;
	if (--frame->tables == 0)
		count_in_regions(vm, table->gpa, false);
}

void protect_drop(struct protect_vm *vm, struct protect_table *table)
{
	unsigned slot;

	assert(!table->active);
	/* None of the parents may take this for an orphan now. */
	table->active = 1;
	while (table->parents) {
		struct protect_table *parent = protect_first(vm, table->parents, &slot);

		protect_clear(vm, parent, slot);
	}
	for (slot = 0; slot < PTE_PER_TABLE; slot++)
		protect_clear(vm, table, slot);
	stop_mirroring(vm, table);
	protect_forget_root(vm, table);
	age_remove(vm, table);
	bucket_remove(vm, table);
	table->gpa = GPA(UINT64_MAX);
	table->by_gpa = vm->limbo;
	vm->limbo = number_of(vm, table);
	vm->must_fence = true;
}

/* The oldest that no vCPU runs on and that the present walk has not come by. */
static bool reclaim(struct protect_vm *vm)
{
	uint32_t number = vm->oldest;

	while (number &&
	       (vm->tables[number].active || vm->tables[number].used >= vm->operation))
		number = vm->tables[number].newer;
	if (!number)
		return false;
	vm->statistics.reclaims++;
	protect_drop(vm, &vm->tables[number]);
	protect_fence_all(vm);
	return true;
}

/* ---- making ---- */

static struct protect_table *take_table(struct protect_vm *vm)
{
	struct protect_table *table = &vm->tables[vm->unused];

	if (!has_room(vm) || !take_pages(vm, table))
		return NULL;
	vm->unused = table->by_gpa;
	vm->used += PAGES_OF_A_TABLE;
	if (vm->used > vm->peak)
		vm->peak = vm->used;
	return table;
}

static void add_to_buckets(struct protect_vm *vm, struct protect_table *table)
{
	uint32_t *at = bucket(vm, vm->gpa_buckets, table->gpa.raw);

	table->by_gpa = *at;
	*at = number_of(vm, table);
	at = bucket(vm, vm->page_buckets, pointer_hpa(table->entries).raw);
	table->by_page = *at;
	*at = number_of(vm, table);
}

/* A table of the guest's outside its RAM has no entries, and needs no protection. */
static void mirror(struct protect_vm *vm, const struct protect_table *table)
{
	struct protect_frame *frame = protect_frame(vm, table->gpa);

	if (!frame)
		return;
	if (frame->tables++ == 0)
		count_in_regions(vm, table->gpa, true);
	protect_remove_writable(vm, table->gpa);
	if (vm->unfenced)
		protect_fence_all(vm);
}

/*
 * One leaf of the guest's says it all, so all is filled at once: this adds nothing
 * to what the miss has read, and saves up to 511 others.
 */
static void fill_direct(struct protect_vm *vm, struct protect_table *table)
{
	for (unsigned slot = 0; slot < PTE_PER_TABLE; slot++) {
		struct protect_target target = protect_target(vm, table, slot);

		if (target.kind == TARGET_LEAF)
			protect_set_leaf(vm, table, slot, target.leaf);
	}
}

struct protect_table *protect_get(struct protect_vm *vm,
				  const struct protect_target *target)
{
	struct protect_table *table = find(vm, target);

	if (table) {
		protect_use(vm, table);
		return table;
	}
	while (!(table = take_table(vm)))
		if (!reclaim(vm))
			return NULL;
	table->gpa = target->gpa;
	table->flags = target->flags;
	table->level = (uint8_t)target->level;
	table->direct = target->direct;
	table->by_gpa = 0;
	add_to_buckets(vm, table);
	age_add(vm, table);
	protect_use(vm, table);
	vm->statistics.creations++;
	if (table->direct)
		fill_direct(vm, table);
	else
		mirror(vm, table);
	return table;
}
