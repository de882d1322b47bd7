/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The oracle's part of the write-protecting modes. A guest's store to a frame that
 * is protected goes the way that its exit would: it is carried out by the mode, the
 * frame is given free, or its leaf table left writable. One to a frame that is not
 * is the guest's own; so no hart may keep a leaf that lets a protected one be
 * written, which is looked at before each store.
 */
#include "lsp/protect.h"
#include "tests/oracle/engine.h"
#include "tests/oracle/machine.h"
#include "tests/unit/fake_arch.h"
#include "tests/unit/host_ram.h"

enum { STORES, FLOODS, ORPHANS, OTHER_DROPS, RECLAIMS, REMOTE_FENCES, UNSYNCS, RESYNCS };

#define PAGES_OF_A_TABLE 2

/* Of 0 to 7; others are plain stores, or AMOs where odd. */
#define HOW_RELEASE   6
#define HOW_BY_GNOMON 7

/* It is one pool for all vCPUs, and each needs as much as a vCPU of lsp. */
static void bound_vm(struct vm *vm, uint64_t budget)
{
	struct protect_vm *state = vm->paging;

	state->limit = PAGES_OF_A_TABLE * budget * vm->vcpu_count;
}

static void bound_vcpu(struct vcpu *vcpu, uint64_t budget)
{
	(void)vcpu;
	(void)budget;
}

static void look(const struct vcpu *vcpu, uint64_t *counts)
{
	const struct protect_vm *state = vcpu->vm->paging;

	(void)counts;
	if (state->used > state->limit)
		oracle_fail("%lu shadow pages, of %lu", state->used, state->limit);
}

static void end_vm(const struct vm *vm, uint64_t *counts)
{
	const struct protect_statistics *statistics =
		&((const struct protect_vm *)vm->paging)->statistics;

	counts[STORES] += statistics->stores;
	counts[FLOODS] += statistics->floods;
	counts[ORPHANS] += statistics->orphans;
	counts[OTHER_DROPS] += statistics->other_drops;
	counts[RECLAIMS] += statistics->reclaims;
	counts[REMOTE_FENCES] += statistics->remote_fences;
	counts[UNSYNCS] += statistics->unsyncs;
	counts[RESYNCS] += statistics->resyncs;
}

static void end_vcpu(const struct vcpu *vcpu, uint64_t *counts)
{
	(void)vcpu;
	(void)counts;
}

static bool is_protected(const struct vm *vm, gpa_t gpa)
{
	return protect_frame_is_protected(protect_frame(vm->paging, gpa));
}

static hpa_t host_of(const struct vm *vm, gpa_t gpa)
{
	hpa_t hpa;

	assert_true(guest_memory_find(&vm->memory, gpa, sizeof(uint64_t), &hpa));
	return hpa;
}

static void emulate(struct vcpu *vcpu, gpa_t gpa, uint64_t value, unsigned how)
{
	const struct access access = {
		.gva = GVA(gpa.raw), /* as in Bare, and canonical in any mode */
		.kind = ACCESS_STORE,
	};
	const struct guest_store store = {
		.operation = how & 1 ? STORE_SWAP : STORE_SET,
		.width = sizeof(value),
		.value = value,
	};

	vcpu->vm->mode->store(vcpu, &access, gpa, &store);
}

/* As a fault of the guest's would have it; true: the guest can store now. */
static bool give_free(struct vcpu *vcpu, gpa_t gpa, unsigned how)
{
	const struct access access = {.gva = GVA(gpa.raw), .kind = ACCESS_STORE};
	struct protect_vm *state = vcpu->vm->paging;
	bool left = false;

	if (state->policy->unsync) {
		protect_begin(state);
		left = protect_unsync(state, GPA(align_down(gpa.raw, PAGE_SIZE)));
		protect_end(state);
	}
	if (left || how != HOW_RELEASE)
		return left;
	return vcpu->vm->mode->unprotect(vcpu, &access, gpa);
}

static void store(struct vcpu *vcpu, gpa_t gpa, uint64_t value, unsigned how)
{
	uint64_t *at = hpa_pointer(host_of(vcpu->vm, gpa));

	if (is_protected(vcpu->vm, gpa) &&
	    fake_tlb_may_write(HPA(align_down(pointer_hpa(at).raw, PAGE_SIZE))))
		oracle_fail("a hart may still write the protected frame at 0x%lx",
			    gpa.raw);
	if (how == HOW_BY_GNOMON)
		vcpu->vm->mode->write(vcpu->vm, gpa, &value, sizeof(value));
	else if (!is_protected(vcpu->vm, gpa) || give_free(vcpu, gpa, how))
		*at = value;
	else
		emulate(vcpu, gpa, value, how);
}

/* clang-format off */
#define PROTECT_ENGINE                                                                   \
	.counts = {[STORES] = "stores carried out",                                      \
		   [FLOODS] = "floods",                                                  \
		   [ORPHANS] = "orphans",                                                \
		   [OTHER_DROPS] = "tables dropped for other stores",                    \
		   [RECLAIMS] = "reclaims",                                              \
		   [REMOTE_FENCES] = "real remote fences",                               \
		   [UNSYNCS] = "unsyncs",                                                \
		   [RESYNCS] = "resyncs"},                                               \
	.bound_vm = bound_vm,                                                            \
	.bound_vcpu = bound_vcpu,                                                        \
	.look = look,                                                                    \
	.end_vm = end_vm,                                                                \
	.end_vcpu = end_vcpu,                                                            \
	.store = store
/* clang-format on */

const struct oracle_engine engine_shadow = {
	.name = "shadow", .mode = &paging_shadow, PROTECT_ENGINE};

const struct oracle_engine engine_shadow_unsync = {
	.name = "shadow-unsync",
	.mode = &paging_shadow_unsync,
	PROTECT_ENGINE,
};
