/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The paging modes `shadow` and `shadow-unsync`: one engine and two policies.
 *
 * `shadow` is the published baseline: every guest frame that is known as a page
 * table is write-protected, every store to one exits, and a fence of the guest's
 * has nothing to do but the real one. `shadow-unsync` is what KVM and Xen do today:
 * leaf tables are left writable from the first store on and brought into line at
 * fences, a fenced address is filled at once, and a miss fills its neighbours too.
 */
#include "lsp/protect.h"
#include "core/exit.h"
#include "core/json.h"
#include "core/log.h"
#include "core/panic.h"
#include "core/vm.h"
#include "lsp/needs.h"
#include "lsp/walker.h"
#include "mm/page_alloc.h"

static const struct protect_policy strict = {
	.window = 1,
	.leaf_writes = 3,
	.table_writes = 3,
};

/* A leaf table is not protected again before a fence, so its writes say nothing. */
static const struct protect_policy unsync = {
	.unsync = true,
	.fence_installs = true,
	.window = 8,
	.table_writes = 3,
};

/* ---- what it needs and takes ---- */

/* As under lsp, for the same reasons: see lsp/lsp.c. */
static struct paging_isa shadow_isa(void)
{
	return (struct paging_isa){.svade = true, .cache_management = false};
}

/* For each vCPU, paths of its own for all pages of an instruction. */
static uint64_t least_tables(unsigned vcpus)
{
	return vcpus * (1 + PAGES_OF_AN_INSTRUCTION * (needs_levels() - 1));
}

static struct paging_budget shadow_budget(uint64_t ram, unsigned vcpus)
{
	return (struct paging_budget){
		.least = protect_total_pages(ram, vcpus, least_tables(vcpus))
			 << PAGE_SHIFT,
		.usual = protect_total_pages(ram, vcpus, needs_usual_tables(ram))
			 << PAGE_SHIFT,
	};
}

/* ---- making and ending ---- */

/* Whatever other VMs take, so many tables are there for this one. */
static enum status promise_tables(struct protect_vm *state, uint64_t tables)
{
	enum status status = stock_create(&state->entries, PAGES_TABLES, 0, tables);

	if (status == STATUS_OK)
		status = stock_create(&state->links, PAGES_OWN, 0, tables);
	return status;
}

static enum status create(struct vm *vm, const struct protect_policy *policy)
{
	uint64_t tables = needs_usual_tables(vm->memory.size);
	struct protect_vm *state;

	if (vm->shadow_memory > 0)
		tables = protect_tables_within(vm->memory.size, vm->vcpu_count,
					       vm->shadow_memory >> PAGE_SHIFT);
	assert(tables >= least_tables(vm->vcpu_count));
	if (protect_state_create(vm, tables) != STATUS_OK)
		return STATUS_NO_MEMORY;
	state = vm->paging;
	state->policy = policy;
	state->vm = vm;
	state->memory = &vm->memory;
	return promise_tables(state, least_tables(vm->vcpu_count));
}

static enum status shadow_vm_create(struct vm *vm)
{
	return create(vm, &strict);
}

static enum status shadow_unsync_vm_create(struct vm *vm)
{
	return create(vm, &unsync);
}

static void shadow_vm_destroy(struct vm *vm)
{
	struct protect_vm *state = vm->paging;

	if (!state)
		return;
	while (state->newest)
		protect_drop(state, &state->tables[state->newest]);
	protect_fence_all(state);
	assert(state->used == 0);
	stock_destroy(&state->entries);
	stock_destroy(&state->links);
	protect_state_destroy(vm);
}

static enum status shadow_vcpu_create(struct vcpu *vcpu)
{
	struct protect_vcpu *state = page_alloc_zeroed(protect_vcpu_order());
	enum status status;

	vcpu->paging = state;
	if (!state)
		return STATUS_NO_MEMORY;
	state->vm = vcpu->vm->paging;
	protect_begin(state->vm);
	status = protect_activate(state, SATP_BARE, false);
	protect_end(state->vm);
	return status;
}

static void shadow_vcpu_destroy(struct vcpu *vcpu)
{
	struct protect_vcpu *state = vcpu->paging;

	if (!state)
		return;
	protect_begin(state->vm);
	if (state->active)
		state->active->table->active--;
	vcpu->paging = NULL;
	protect_end(state->vm);
	page_free(state, protect_vcpu_order());
}

static void shadow_load(struct vcpu *vcpu)
{
	struct protect_vcpu *state = vcpu->paging;

	arch_translate_shadow(vcpu, DETOUR_NONE);
	protect_begin(state->vm);
	state->loaded = true;
	state->hart = arch_hart_index();
	state->vm->harts |= UINT32_C(1) << state->hart;
	protect_load_root(state);
	protect_end(state->vm);
}

/* What the hart keeps, it keeps: it is fenced with the others when that matters. */
static void shadow_put(struct vcpu *vcpu)
{
	struct protect_vcpu *state = vcpu->paging;

	protect_begin(state->vm);
	state->loaded = false;
	protect_end(state->vm);
}

/* ---- what the guest does ---- */

/* The walk found RAM that may be accessed so; what is missing is in the shadow. */
static enum outcome resolve(struct protect_vcpu *vcpu, const struct access *access,
			    gpa_t gpa)
{
	struct protect_vm *vm = vcpu->vm;
	enum outcome outcome = OUTCOME_FILLED;
	bool changed;

	/* Bare: the fault may be the other privilege's U bit. */
	if (vcpu->active->bare &&
	    protect_activate(vcpu, vcpu->satp, access->user) != STATUS_OK)
		return OUTCOME_NO_MEMORY;
	if (access->kind == ACCESS_STORE &&
	    protect_frame_is_protected(protect_frame(vm, gpa))) {
		if (!vm->policy->unsync ||
		    !protect_unsync(vm, GPA(align_down(gpa.raw, PAGE_SIZE))))
			return OUTCOME_EMULATE_STORE;
		outcome = OUTCOME_UNPROTECTED;
	}
	if (protect_fill(vcpu, access->gva, &changed) != STATUS_OK)
		return OUTCOME_NO_MEMORY;
	vm->statistics.fills++;
	/* It was right already: the hart has cached that there was nothing. */
	if (!changed)
		asid_fence_tree(&vcpu->active->tag);
	return outcome;
}

static struct translation shadow_fault(struct vcpu *vcpu, const struct vm_exit *exit)
{
	struct protect_vcpu *state = vcpu->paging;
	struct translation translation;
	struct walk walk;

	/* No shadow entry leads to one: it is the hart's own. */
	if (exit->access_fault)
		return (struct translation){.outcome = OUTCOME_ACCESS_FAULT};
	protect_begin(state->vm);
	walk = guest_walk(state->vm->memory, state->satp, &exit->access);
	translation = (struct translation){.outcome = walk.outcome, .gpa = walk.gpa};
	if (walk.outcome == OUTCOME_FILLED)
		translation.outcome = resolve(state, &exit->access, walk.gpa);
	protect_end(state->vm);
	return translation;
}

/*
 * What the hart just executed came through the shadow, so that is asked first; for
 * other addresses, the guest's own table.
 */
static bool shadow_read_half(struct vcpu *vcpu, const struct access *access,
			     uint16_t *half)
{
	struct protect_vcpu *state = vcpu->paging;
	unsigned level = 0;
	struct walk walk;
	pte_t leaf;
	hpa_t hpa;
	bool found = true;

	protect_begin(state->vm);
	leaf = protect_find_leaf(state, access->gva, &level);
	if (pte_valid(leaf) && leaf_permits(leaf, access)) {
		hpa = HPA(pte_address(leaf) |
			  (access->gva.raw & (level_size(level) - 1)));
	} else {
		walk = guest_walk(state->vm->memory, state->satp, access);
		found = walk.outcome == OUTCOME_FILLED &&
			guest_memory_find(state->vm->memory, walk.gpa, sizeof(*half),
					  &hpa);
	}
	if (found)
		*half = __atomic_load_n((uint16_t *)hpa_pointer(hpa), __ATOMIC_RELAXED);
	protect_end(state->vm);
	return found;
}

static struct translation shadow_translate(struct vcpu *vcpu, const struct access *access)
{
	struct protect_vcpu *state = vcpu->paging;
	struct walk walk;

	protect_begin(state->vm);
	walk = guest_walk(state->vm->memory, state->satp, access);
	protect_end(state->vm);
	return (struct translation){.outcome = walk.outcome, .gpa = walk.gpa};
}

static uint64_t shadow_satp_read(struct vcpu *vcpu)
{
	const struct protect_vcpu *state = vcpu->paging;

	return state->satp;
}

/* All 16 ASID bits are offered, whatever the chip has. */
static void shadow_satp_write(struct vcpu *vcpu, uint64_t value)
{
	struct protect_vcpu *state = vcpu->paging;
	unsigned mode = satp_mode(value);
	bool user = arch_access(vcpu, GVA(0), ACCESS_FETCH).user;
	enum status status;

	/* "If satp is written with an unsupported MODE, the entire write has no effect."
	 */
	if (mode != SATP_BARE && !(arch_translation_modes() & 1u << mode))
		return;
	protect_begin(state->vm);
	status = protect_activate(state, value, user);
	if (status == STATUS_OK)
		state->satp = value;
	protect_end(state->vm);
	if (status != STATUS_OK)
		vm_end(vcpu->vm, VM_STOPPED, "no memory left for a shadow root");
}

/* ---- what is said of it ---- */

static void shadow_report(const struct vm *vm, struct json *json)
{
	const struct protect_vm *state = vm->paging;
	const struct protect_statistics *statistics = &state->statistics;

	json_number(json, "pages", state->used);
	json_number(json, "pages_peak", state->peak);
	json_number(json, "page_limit", state->limit);
	json_number(
		json, "state_pages",
		protect_state_pages(vm->memory.size, vm->vcpu_count, state->table_limit));
	json_number(json, "reclaims", statistics->reclaims);
	json_number(json, "tables", state->used / 2);
	json_number(json, "fills", statistics->fills);
	json_number(json, "neighbours", statistics->neighbours);
	json_number(json, "fence_installs", statistics->fence_installs);
	json_number(json, "root_switches", statistics->switches);
	json_number(json, "table_creations", statistics->creations);
	json_number(json, "floods", statistics->floods);
	json_number(json, "orphans", statistics->orphans);
	json_number(json, "other_drops", statistics->other_drops);
	json_number(json, "stores", statistics->stores);
	json_number(json, "unsyncs", statistics->unsyncs);
	json_number(json, "resyncs", statistics->resyncs);
	json_number(json, "full_fences", statistics->full_fences);
	json_number(json, "remote_fences", statistics->remote_fences);
}

static void shadow_log(const struct vm *vm)
{
	const struct protect_vm *state = vm->paging;

	log_line("vm %s: shadow tables took up to %lu pages of %lu, reclaimed %lu times",
		 vm->name, state->peak, state->limit, state->statistics.reclaims);
}

/* clang-format off */
#define PROTECT_FUNCTIONS                                                                \
	.missing = needs_missing,                                                       \
	.isa = shadow_isa,                                                               \
	.reach = needs_reach,                                                           \
	.budget = shadow_budget,                                                         \
	.vm_destroy = shadow_vm_destroy,                                                 \
	.vcpu_create = shadow_vcpu_create,                                               \
	.vcpu_destroy = shadow_vcpu_destroy,                                             \
	.load = shadow_load,                                                             \
	.put = shadow_put,                                                               \
	.fault = shadow_fault,                                                           \
	.store = protect_store,                                                          \
	.unprotect = protect_unprotect,                                                  \
	.write = protect_write,                                                          \
	.read_half = shadow_read_half,                                                   \
	.translate = shadow_translate,                                                   \
	.satp_traps = true,                                                              \
	.satp_read = shadow_satp_read,                                                   \
	.satp_write = shadow_satp_write,                                                 \
	.fence = protect_fence,                                                          \
	.check = protect_check,                                                          \
	.report = shadow_report,                                                         \
	.log = shadow_log
/* clang-format on */

const struct paging_mode paging_shadow = {
	.name = "shadow",
	.vm_create = shadow_vm_create,
	PROTECT_FUNCTIONS,
};

const struct paging_mode paging_shadow_unsync = {
	.name = "shadow-unsync",
	.vm_create = shadow_unsync_vm_create,
	PROTECT_FUNCTIONS,
};
