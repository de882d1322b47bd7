/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Nested paging: the guest's own tables translate, and a G-stage table below
 * them maps all of its RAM (privileged specification, "Two-Stage Address
 * Translation").
 *
 * The table is complete before the first entry to the guest and does not
 * change, so a guest-page fault always means that there is no RAM: a device, or
 * nothing. Nor can a guest make it grow: it takes a root of 4 pages, a page for
 * each GiB in which there is RAM, and those above them. A and D are set
 * beforehand: many cores fault instead of setting them in G-stage leaves. U is
 * set, since every G-stage access counts as a user's.
 */
#include "core/exit.h"
#include "core/json.h"
#include "core/vm.h"
#include "lsp/walker.h"
#include "mm/page_alloc.h"
#include "mm/page_table.h"
#include "mm/page_table_check.h"
#include "mm/paging.h"

#define LEAF_FLAGS (PTE_R | PTE_W | PTE_X | PTE_U | PTE_A | PTE_D)

/* 1 GiB leaves at most: what lies above that is no RAM of one VM. */
#define LARGEST_LEVEL 2

struct nested_vm {
	struct page_table table;
	unsigned mode;
	unsigned vmid;
};

static const char *nested_missing(void)
{
	return arch_gstage_modes() ? NULL : "no G-stage translation (hgatp) on this chip";
}

/* The fewest levels do: every G-stage level is one more load for each of the guest's. */
static unsigned smallest_mode(void)
{
	unsigned mode = SATP_SV39;

	while (!(arch_gstage_modes() & 1u << mode))
		mode++;
	return mode;
}

static enum status map_memory(struct nested_vm *nested, const struct guest_memory *memory)
{
	for (unsigned i = 0; i < memory->run_count; i++) {
		const struct guest_run *run = &memory->runs[i];
		enum status status =
			page_table_map(&nested->table, run->gpa.raw, run->hpa, run->size,
				       LEAF_FLAGS, LARGEST_LEVEL);

		if (status != STATUS_OK)
			return status;
	}
	return STATUS_OK;
}

/* A G-stage root has two bits of address more. */
static uint64_t nested_reach(void)
{
	return UINT64_C(4) << (PAGE_SHIFT +
			       PTE_INDEX_BITS * mode_levels(smallest_mode()));
}

static void nested_vm_destroy(struct vm *vm)
{
	struct nested_vm *nested = vm->paging;

	if (!nested)
		return;
	arch_gstage_fence(nested->vmid);
	page_table_destroy(&nested->table);
	page_free(nested, 0);
	vm->paging = NULL;
}

static enum status nested_vm_create(struct vm *vm)
{
	struct nested_vm *nested = page_alloc_zeroed(0);
	enum status status;

	vm->paging = nested;
	if (!nested)
		return STATUS_NO_MEMORY;
	nested->mode = smallest_mode();
	/* 0 is the VMID of shadow translations, whose hgatp is Bare. */
	nested->vmid = arch_vmid_bits() > 0 ? 1 : 0;
	status = page_table_create(&nested->table, nested->mode, true);
	if (status == STATUS_OK)
		status = map_memory(nested, &vm->memory);
	if (status != STATUS_OK)
		nested_vm_destroy(vm);
	return status;
}

/* The guest's own tables answer, so whatever the chip does is exact. */
static struct paging_isa nested_isa(void)
{
	return (struct paging_isa){
		.svade = arch_guest_svade(),
		.svvptc = arch_guest_svvptc(),
		.cache_management = true,
	};
}

static enum status nested_vcpu_create(struct vcpu *vcpu)
{
	(void)vcpu;
	return STATUS_OK;
}

static void nested_vcpu_destroy(struct vcpu *vcpu)
{
	(void)vcpu;
}

static void nested_load(struct vcpu *vcpu)
{
	const struct nested_vm *nested = vcpu->vm->paging;

	arch_translate_nested(vcpu, nested->mode, pointer_hpa(nested->table.root),
			      nested->vmid);
}

static void nested_put(struct vcpu *vcpu)
{
	(void)vcpu;
}

/*
 * Where the hart does not say which gpa faulted (htval may be 0), the guest's
 * tables do.
 */
static bool find_gpa(struct vcpu *vcpu, const struct vm_exit *exit, gpa_t *gpa)
{
	struct walk walk;

	*gpa = exit->gpa;
	if (exit->gpa_known)
		return true;
	/* The guest's own stage permitted the access, or it would have faulted first. */
	walk = guest_walk_leaf(&vcpu->vm->memory, arch_guest_satp(vcpu),
			       exit->access.gva);
	*gpa = walk.gpa;
	return walk.outcome == OUTCOME_FILLED || walk.outcome == OUTCOME_DEVICE;
}

static struct translation nested_fault(struct vcpu *vcpu, const struct vm_exit *exit)
{
	struct translation translation = {.outcome = OUTCOME_ACCESS_FAULT};

	if (!exit->gstage) {
		/* The guest's own fault, on a chip that cannot delegate it. */
		if (!exit->access_fault)
			translation.outcome = OUTCOME_PAGE_FAULT;
		return translation;
	}
	if (exit->implicit || !find_gpa(vcpu, exit, &translation.gpa))
		return translation;
	/* RAM is always mapped: an entry the hart cached too early, try again. */
	if (guest_memory_run(&vcpu->vm->memory, translation.gpa)) {
		arch_gstage_fence(((struct nested_vm *)vcpu->vm->paging)->vmid);
		translation.outcome = OUTCOME_FILLED;
	} else {
		translation.outcome = OUTCOME_DEVICE;
	}
	return translation;
}

static bool nested_read_half(struct vcpu *vcpu, const struct access *access,
			     uint16_t *half)
{
	(void)vcpu;
	return arch_read_half(access->gva, access->kind, half);
}

/* satp does not trap in this mode, but the interface is whole. */
static uint64_t nested_satp_read(struct vcpu *vcpu)
{
	return arch_guest_satp(vcpu);
}

static void nested_satp_write(struct vcpu *vcpu, uint64_t value)
{
	arch_guest_satp_set(vcpu, value);
}

/* By SBI only. More than asked is always allowed, and rare enough here. */
static void nested_fence(struct vcpu *vcpu, const struct fence *fence)
{
	(void)vcpu;
	(void)fence;
	arch_shadow_fence_all();
}

/* All of it, in any turn. */
static const char *nested_check(const struct vcpu *vcpu, unsigned turn)
{
	const struct nested_vm *nested = vcpu->vm->paging;

	(void)turn;
	if (!arch_gstage_root_is(nested->mode, pointer_hpa(nested->table.root),
				 nested->vmid))
		return "its G-stage table is not what the hart walks";
	return page_table_check(&nested->table, &vcpu->vm->memory, LEAF_FLAGS);
}

static void nested_report(const struct vm *vm, struct json *json)
{
	const struct nested_vm *nested = vm->paging;

	/* There is nothing in the shadow, but readers of reports look for it. */
	json_number(json, "pages", 0);
	json_number(json, "trees", 0);
	json_number(json, "fills", 0);
	json_number(json, "gstage_levels", nested ? nested->table.levels : 0);
}

const struct paging_mode paging_nested = {
	.name = "nested",
	.missing = nested_missing,
	.isa = nested_isa,
	.reach = nested_reach,
	.vm_create = nested_vm_create,
	.vm_destroy = nested_vm_destroy,
	.vcpu_create = nested_vcpu_create,
	.vcpu_destroy = nested_vcpu_destroy,
	.load = nested_load,
	.put = nested_put,
	.fault = nested_fault,
	.read_half = nested_read_half,
	.satp_read = nested_satp_read,
	.satp_write = nested_satp_write,
	.fence = nested_fence,
	.check = nested_check,
	.report = nested_report,
};
