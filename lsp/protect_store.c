/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Stores to protected frames, and frames that stop being tables.
 *
 * Shadow entries that mirror what a store changes are taken away before it and
 * brought back after it, all under the lock, so no vCPU that has seen the store
 * can still find what was there before: a fence need not look for it.
 *
 * A leaf that was there is refreshed: the exit is paid for, and the guest's own
 * fence orders it. What was not there is not filled: by the published accounting of
 * this method a demand-paged page costs four exits (the guest's fault, its PTE
 * write, its fence, and the miss). A pointer stays where it leads to the same table.
 *
 * A frame is taken for a table no longer when it is written several times with no
 * use between (a walk through it, or a fence of an address that it translates),
 * when a store is of less than four bytes or none that can be carried out, and when
 * nothing leads to it any more. The threshold and the four bytes are KVM's.
 */
#include "core/arch.h"
#include "core/panic.h"
#include "core/string.h"
#include "core/vm.h"
#include "lsp/protect.h"
#include "lsp/walker.h"

#define LEAST_WIDTH 4

/* The tables that mirror one frame, and those whose leaf is to be refreshed. */
struct mirrors {
	gpa_t page;
	unsigned count;
	struct protect_table *at[PROTECT_LEVELS];
	bool refresh[PROTECT_LEVELS];
};

static struct mirrors find_mirrors(const struct protect_vm *vm, gpa_t page)
{
	struct mirrors mirrors = {.page = page};

	mirrors.count = protect_find_all(vm, page, mirrors.at);
	return mirrors;
}

/* One may have gone with another that led to it. */
static bool is_there(const struct mirrors *mirrors, unsigned number)
{
	return mirrors->at[number]->gpa.raw == mirrors->page.raw;
}

bool protect_release(struct protect_vm *vm, gpa_t page)
{
	struct mirrors mirrors = find_mirrors(vm, page);

	for (unsigned i = 0; i < mirrors.count; i++) {
		if (!is_there(&mirrors, i) || mirrors.at[i]->active)
			continue;
		vm->statistics.other_drops++;
		protect_drop(vm, mirrors.at[i]);
	}
	return protect_frame(vm, page)->tables == 0;
}

static bool is_flooded(struct protect_vm *vm, struct protect_table *table)
{
	unsigned limit =
		table->level == 0 ? vm->policy->leaf_writes : vm->policy->table_writes;

	table->writes++;
	return limit > 0 && table->writes >= limit;
}

/* What is written in so odd a way, or so often, is no table. */
static void drop_if_no_table(struct protect_vm *vm, const struct mirrors *mirrors,
			     const struct guest_store *store)
{
	bool odd = store->width < LEAST_WIDTH;

	for (unsigned i = 0; i < mirrors->count; i++) {
		struct protect_table *table = mirrors->at[i];

		if (!is_there(mirrors, i) || table->active ||
		    (!is_flooded(vm, table) && !odd))
			continue;
		if (odd)
			vm->statistics.other_drops++;
		else
			vm->statistics.floods++;
		protect_drop(vm, table);
	}
}

static bool leads_elsewhere(struct protect_vm *vm, const struct protect_table *table,
			    unsigned slot, pte_t after)
{
	const struct protect_table *below =
		protect_table_at(vm, HPA(pte_address(table->entries[slot])));

	return below->direct ||
	       guest_entry_kind(after, table->level) != GUEST_ENTRY_POINTER ||
	       pte_address(after) != below->gpa.raw;
}

/* Before the store: `after` is what the guest's entry will be. */
static void take_away(struct protect_vm *vm, struct mirrors *mirrors, unsigned slot,
		      pte_t after)
{
	for (unsigned i = 0; i < mirrors->count; i++) {
		struct protect_table *table = mirrors->at[i];
		pte_t entry;

		if (!is_there(mirrors, i))
			continue;
		entry = table->entries[slot];
		mirrors->refresh[i] = pte_is_leaf(entry);
		if (mirrors->refresh[i] ||
		    (pte_valid(entry) && leads_elsewhere(vm, table, slot, after)))
			protect_clear(vm, table, slot);
	}
}

static void bring_back(struct protect_vm *vm, const struct mirrors *mirrors,
		       unsigned slot)
{
	for (unsigned i = 0; i < mirrors->count; i++) {
		struct protect_target target;

		if (!mirrors->refresh[i] || !is_there(mirrors, i))
			continue;
		target = protect_target(vm, mirrors->at[i], slot);
		if (target.kind == TARGET_LEAF)
			protect_set_leaf(vm, mirrors->at[i], slot, target.leaf);
	}
}

/* The store is aligned, and RAM was found there by the walk that led to it. */
static uint64_t carry_out(struct protect_vm *vm, gpa_t gpa,
			  const struct guest_store *store)
{
	struct mirrors mirrors = find_mirrors(vm, GPA(align_down(gpa.raw, PAGE_SIZE)));
	unsigned slot = (unsigned)(gpa.raw % PAGE_SIZE / sizeof(pte_t));
	uint64_t before, result;
	hpa_t hpa;

	if (!guest_memory_find(vm->memory, gpa, store->width, &hpa))
		return 0;
	drop_if_no_table(vm, &mirrors, store);
	before = __atomic_load_n(
		(uint64_t *)hpa_pointer(HPA(align_down(hpa.raw, sizeof(pte_t)))),
		__ATOMIC_RELAXED);
	take_away(vm, &mirrors, slot,
		  PTE(guest_store_result(store, gpa.raw % sizeof(pte_t), before)));
	result = guest_store_apply(store, hpa);
	bring_back(vm, &mirrors, slot);
	vm->statistics.stores++;
	return result;
}

/* The frame is written freely from here on: so that is not another exit. */
static void fill_released(struct protect_vcpu *vcpu, const struct access *access,
			  gpa_t gpa)
{
	bool changed;

	if (protect_frame(vcpu->vm, gpa)->tables == 0)
		protect_fill(vcpu, access->gva, &changed);
}

uint64_t protect_store(struct vcpu *vcpu, const struct access *access, gpa_t gpa,
		       const struct guest_store *store)
{
	struct protect_vcpu *state = vcpu->paging;
	uint64_t result;

	protect_begin(state->vm);
	result = carry_out(state->vm, gpa, store);
	fill_released(state, access, gpa);
	protect_end(state->vm);
	return result;
}

/* The walk for this very store may come by the frame, and mirror it again. */
bool protect_unprotect(struct vcpu *vcpu, const struct access *access, gpa_t gpa)
{
	struct protect_vcpu *state = vcpu->paging;
	struct protect_vm *vm = state->vm;
	bool free;

	protect_begin(vm);
	protect_release(vm, GPA(align_down(gpa.raw, PAGE_SIZE)));
	fill_released(state, access, gpa);
	free = !protect_frame_is_protected(protect_frame(vm, gpa));
	protect_end(vm);
	return free;
}

static void write_bytes(struct protect_vm *vm, gpa_t to, const uint8_t *bytes,
			uint64_t size)
{
	for (uint64_t i = 0; i < size; i++) {
		const struct guest_store store = {.width = 1, .value = bytes[i]};

		carry_out(vm, GPA(to.raw + i), &store);
	}
}

/* Nothing mirrors this page. An aligned half is one step for other vCPUs: an index. */
static void write_freely(struct protect_vm *vm, gpa_t to, const void *from, uint64_t size)
{
	struct guest_store half = {.width = sizeof(uint16_t)};
	hpa_t hpa;

	if (!guest_memory_find(vm->memory, to, size, &hpa))
		return;
	if (size != half.width || !is_aligned(to.raw, half.width)) {
		memcpy(hpa_pointer(hpa), from, size);
		return;
	}
	memcpy(&half.value, from, half.width);
	guest_store_apply(&half, hpa);
}

/*
 * Of Gnomon's own: data, so what it goes to is no table, or, where it is a root in use
 * and stays one, has no entries.
 */
void protect_write(struct vm *vm, gpa_t to, const void *from, uint64_t size)
{
	struct protect_vm *state = vm->paging;
	const uint8_t *bytes = from;
	uint64_t length;

	protect_begin(state);
	for (; size > 0; size -= length) {
		length = PAGE_SIZE - to.raw % PAGE_SIZE;
		if (length > size)
			length = size;
		if (protect_release(state, GPA(align_down(to.raw, PAGE_SIZE))))
			write_freely(state, to, bytes, length);
		else
			write_bytes(state, to, bytes, length);
		to.raw += length;
		bytes += length;
	}
	protect_end(state);
}
