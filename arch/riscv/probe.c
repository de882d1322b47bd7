/* SPDX-License-Identifier: BSD-2-Clause */
/* Probing of a hart by a guest's instructions. See probe.h. */
#include "arch/riscv/probe.h"
#include "arch/riscv/seat.h"
#include "core/arch.h"
#include "core/vcpu.h"
#include "mm/guest_memory.h"
#include "seat_trap.h"

extern const char probe_guest_satp_read[], probe_guest_satp_write[], probe_guest_fence[];
extern const char probe_guest_load[], probe_guest_load_reserved[], probe_guest_store[];
extern const char probe_guest_atomic[], probe_guest_jump[];

static struct vcpu vcpu;

/* Run the code of that name with a0 until it traps; returns the cause. */
static uint64_t run(const struct probe *probe, const char *name, uint64_t a0,
		    uint64_t atp)
{
	const char *pc = probe->code + (name - probe_guest_start);

	arch_vcpu_reset(&vcpu, GPA((uintptr_t)pc), a0, 0);
	trap_prepare_probe(&vcpu.arch);
	csr_write(GUEST_ATP, atp);
	vcpu_enter(&vcpu);
	csr_write(GUEST_ATP, 0);
	return csr_read(TRAP_CAUSE);
}

bool probe_traps(const struct probe *probe)
{
	static const char *const names[] = {probe_guest_satp_read, probe_guest_satp_write,
					    probe_guest_fence};

	for (unsigned i = 0; i < ARRAY_LENGTH(names); i++)
		if (run(probe, names[i], 0, 0) != CAUSE_PRIVILEGED_INSTRUCTION)
			return false;
	return true;
}

bool probe_access_fault(const struct probe *probe, hpa_t denied)
{
	return run(probe, probe_guest_load, denied.raw, 0) == EXCEPTION_LOAD_ACCESS;
}

/* ---- through tables ---- */

/* Where a probe finds its data: the fourth GiB behind that of its code. */
static uint64_t data_address(const struct probe *probe)
{
	return align_down((uintptr_t)probe->code, GIB) + 4 * GIB;
}

/*
 * The GiB of the probe's code at identity, and as that of its data, this entry. The cause
 * of what the code does to an address at this offset there.
 */
static uint64_t run_translated(const struct probe *probe, const char *name, pte_t entry,
			       uint64_t offset)
{
	const uint64_t code = align_down((uintptr_t)probe->code, GIB);
	const uint64_t data = data_address(probe);

	probe->tables[level_index(code, 2)] =
		pte_make(code, PTE_V | PTE_R | PTE_X | PTE_A | PTE_D);
	probe->tables[level_index(data, 2)] = entry;
	arch_shadow_fence_all();
	return run(probe, name, data + offset,
		   satp_make(SATP_SV39, 0, (uintptr_t)probe->tables));
}

/* A leaf that leads to the probe's data. */
static uint64_t run_on_leaf(const struct probe *probe, const char *name, uint64_t flags)
{
	return run_translated(probe, name,
			      pte_make(align_down(probe->data.raw, GIB), flags),
			      probe->data.raw & (GIB - 1));
}

bool probe_svade(const struct probe *probe)
{
	return run_on_leaf(probe, probe_guest_load, PTE_V | PTE_R) == EXCEPTION_LOAD_PAGE;
}

/*
 * lr is a load and faults as one (unprivileged specification, "Zalrsc"). Where it
 * does not, its misses may be reported as a store's and no more; or the hart asks
 * for a store's permission too, and then it is in earnest.
 */
void probe_load_reserved(const struct probe *probe, struct features *found)
{
	const char *lr = probe_guest_load_reserved;
	bool as_store = run_on_leaf(probe, lr, 0) == EXCEPTION_STORE_PAGE;

	found->lr_needs_write =
		run_on_leaf(probe, lr, PTE_V | PTE_R | PTE_A) == EXCEPTION_STORE_PAGE;
	found->lr_as_store = as_store && !found->lr_needs_write;
}

/* ---- poison ---- */

/*
 * Every kind of access through that entry must come here with the cause of its kind and
 * its address, before the walk looks at any leaf behind it. Some harts take stores for
 * loads there.
 */
static bool is_told(const struct probe *probe, pte_t entry, uint64_t offset,
		    bool *stores_as_loads)
{
	static const struct {
		const char *name;
		uint64_t cause;
	} accesses[] = {
		{probe_guest_load, EXCEPTION_LOAD_ACCESS},
		{probe_guest_store, EXCEPTION_STORE_ACCESS},
		{probe_guest_atomic, EXCEPTION_STORE_ACCESS},
		{probe_guest_jump, EXCEPTION_FETCH_ACCESS},
	};

	for (unsigned i = 0; i < ARRAY_LENGTH(accesses); i++) {
		uint64_t cause = run_translated(probe, accesses[i].name, entry, offset);

		if (csr_read(TRAP_VALUE) != data_address(probe) + offset)
			return false;
		if (accesses[i].cause == EXCEPTION_STORE_ACCESS &&
		    cause == EXCEPTION_LOAD_ACCESS)
			*stores_as_loads = true;
		else if (cause != accesses[i].cause)
			return false;
	}
	return true;
}

/* Entries above it for a page of 4 KiB, as the first and the last of its tables. */
static pte_t path_to(const struct probe *probe, pte_t leaf)
{
	static const unsigned ends[] = {0, PTE_PER_TABLE - 1};
	pte_t *upper = probe->tables + PTE_PER_TABLE, *lower = upper + PTE_PER_TABLE;

	for (unsigned i = 0; i < ARRAY_LENGTH(ends); i++) {
		upper[ends[i]] = pte_make((uintptr_t)lower, PTE_V);
		lower[ends[i]] = leaf;
	}
	return pte_make((uintptr_t)upper, PTE_V);
}

/* As lsp/encoding.c has them: a pointer, and a leaf of the lowest level. */
void probe_poison(const struct probe *probe, hpa_t page, struct features *found)
{
	const uint64_t all = PTE_V | PTE_R | PTE_W | PTE_X | PTE_A | PTE_D;
	const uint64_t offsets[] = {0, GIB - PAGE_SIZE};
	const pte_t pointer = pte_make(page.raw, PTE_V);
	bool stores_as_loads = false;

	for (unsigned i = 0; i < ARRAY_LENGTH(offsets); i++)
		if (!is_told(probe, pointer, offsets[i], &stores_as_loads) ||
		    !is_told(probe, path_to(probe, pte_make(page.raw, all)), offsets[i],
			     &stores_as_loads))
			return;
	found->poison = page;
	found->stores_as_loads = stores_as_loads;
}
