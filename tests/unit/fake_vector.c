/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The fast trap vector's writes of satp and fences of a page, as exit_fast.S and
 * exit_fast_fence.S in arch/riscv do them: what is in the vCPU's struct fast_switch
 * and struct fast_fences is believed, and nobody is asked.
 */
#include "core/vm.h"
#include "mm/guest_memory.h"
#include "mm/pte.h"
#include "tests/unit/fake_arch.h"

bool fake_vector_switches(struct vcpu *vcpu, uint64_t satp)
{
	struct fast_switch *fast = &vcpu->arch.fast;
	struct fast_root *root = &fast->roots[fast_root_index(satp)];

	if (root->satp != satp || root->vsatp == 0)
		return false;
	arch_shadow_root_set(satp_mode(root->vsatp), HPA(satp_root(root->vsatp)),
			     satp_asid(root->vsatp));
	fast->tree = root->tree;
	root->used = ++fast->switches;
	return true;
}

/* ---- fences ---- */

static const struct fast_path *find_path(const struct fast_fences *fences, gva_t gva)
{
	uint64_t prefix = gva.raw >> FAST_PATH_PREFIX;
	const struct fast_path *path = &fences->paths[prefix % FAST_PATH_COUNT];

	if (path->prefix != prefix || path->stamp != fences->stamp)
		return NULL;
	for (unsigned i = 0; i < 2u + path->more; i++)
		if (pte_read(path->steps[i].at).raw != path->steps[i].read.raw)
			return NULL;
	return path;
}

static bool convert_leaf(const struct fast_fences *fences, const struct fast_path *path,
			 pte_t guest, pte_t *shadow)
{
	const uint64_t writable = PTE_W | PTE_D;
	const struct fast_run *run = &fences->run;

	*shadow = path->vacant;
	if (!pte_valid(guest))
		return true;
	if ((guest.raw & path->needed) != path->needed ||
	    (guest.raw >> PTE_PPN_SHIFT) - run->first >= run->pages)
		return false;
	shadow->raw = (guest.raw + run->offset) & ~(PTE_G | PTE_RSW);
	if ((guest.raw & writable) != writable)
		shadow->raw &= ~writable;
	return true;
}

static void replace_entry(const struct fast_fences *fences, const struct fast_path *path,
			  gva_t gva, pte_t shadow)
{
	pte_t *entry = &path->shadow[level_index(gva.raw, 0)];
	pte_t old = *entry;

	*entry = shadow;
	if (!path->delegates && (old.raw == shadow.raw || !pte_valid(old)))
		return;
	if (path->shared)
		arch_shadow_fence_leaf_all(gva);
	else
		arch_shadow_fence_leaf(gva, (unsigned)fences->real_asid);
}

bool fake_vector_fences(struct vcpu *vcpu, gva_t gva, bool has_asid, uint16_t asid)
{
	struct fast_fences *fences = vcpu->arch.fences;
	const struct fast_path *path = fences ? find_path(fences, gva) : NULL;
	pte_t shadow;

	if (!path || (has_asid && (uint64_t)asid << 48 != fences->asid) ||
	    !convert_leaf(fences, path, pte_read(&path->guest[level_index(gva.raw, 0)]),
			  &shadow))
		return false;
	fences->log[fences->log_head++ % FAST_LOG_COUNT] =
		(struct fence_log_entry){.gva = gva,
					 .pages = 1,
					 .has_asid = has_asid,
					 .asid = has_asid ? asid : 0};
	replace_entry(fences, path, gva, shadow);
	return true;
}
