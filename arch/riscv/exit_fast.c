/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The C of the fast trap vector. See exit_fast.S, which calls it with most of the
 * guest's registers still in the hart: nothing here, nor in what it calls, may look
 * at one that it was not given.
 */
#include "arch/riscv/exit_fast.h"
#include "arch/riscv/errata.h"
#include "arch/riscv/features.h"
#include "arch/riscv/seat.h"
#include "core/check.h"
#include "core/exit.h"
#include "core/vm.h"
#include "mm/paging.h"
#include "seat_trap.h"

_Static_assert(sizeof(struct fast_root) == 1 << FAST_ROOT_SHIFT, "the vector shifts");
_Static_assert(sizeof(struct fast_site) == 1 << FAST_SITE_SHIFT, "the vector shifts");

/* Tables of the vector, 8 bytes for each register, and where sites go on. */
extern const char rs1_readers[], asid_readers[], asid_once_readers[], satp_value[],
	fence_page[], fence_page_once[];

static struct fast_site *site_of(struct vcpu *vcpu, uint64_t pc)
{
	return &vcpu->arch.sites[fast_site_index(pc)];
}

void arch_site_learn(struct vcpu *vcpu, uint64_t pc, uint32_t instruction,
		     enum arch_site kind)
{
	unsigned rs1 = instruction >> 15 & 31, rs2 = instruction >> 20 & 31;
	/* without an ASID, and with one in rs2 */
	const char *const second[][2] = {
		[ARCH_SITE_SATP_WRITE] = {satp_value, satp_value},
		[ARCH_SITE_FENCE] = {fence_page, asid_readers + 8 * rs2},
		[ARCH_SITE_FENCE_ONCE] = {fence_page_once, asid_once_readers + 8 * rs2},
	};

	*site_of(vcpu, pc) = (struct fast_site){
		.pc = pc,
		.instruction = instruction,
		.first = (uintptr_t)(rs1_readers + 8 * rs1),
		.second = (uintptr_t)second[kind][rs2 != 0],
	};
}

void arch_site_forget(struct vcpu *vcpu, uint64_t pc)
{
	*site_of(vcpu, pc) = (struct fast_site){.pc = FAST_SITE_NOWHERE};
}

void exit_fast_reset(struct vcpu *vcpu)
{
	for (unsigned i = 0; i < FAST_SITE_COUNT; i++)
		vcpu->arch.sites[i] = (struct fast_site){.pc = FAST_SITE_NOWHERE};
}

static void take_state(struct vcpu *vcpu)
{
	vcpu->arch.pc = csr_read(TRAP_EPC);
	trap_take_status(&vcpu->arch);
}

/* Not inlined, so that a miss needs next to no stack. */
static __attribute__((noinline)) unsigned fault(struct vcpu *vcpu, uint64_t cause)
{
	struct vm_exit exit;
	enum exit_action action;

	take_state(vcpu);
	seat_assert_guest(vcpu);
	if (!seat_describe_fault(vcpu, cause, &exit))
		return FAST_NOT;
	action = exit_translation_fast(vcpu, &exit);
	if (action == EXIT_STOP)
		return FAST_NOT;
	check_exit(vcpu);
	return action == EXIT_RESUME ? FAST_AGAIN : FAST_INJECTED;
}

/* A load may do without R, with MXR; and W may be there while D is not. */
static enum outcome fill(struct vcpu *vcpu, uint64_t cause, gva_t gva)
{
	static const uint8_t asked[] = {
		[EXCEPTION_FETCH_PAGE] = PTE_X,
		[EXCEPTION_LOAD_PAGE] = 0,
		[EXCEPTION_STORE_PAGE] = PTE_W,
	};
	enum outcome (*const fill_entry)(struct vcpu *, gva_t, uint64_t) =
		vcpu->vm->mode->fill;

	if (!fill_entry || cause < EXCEPTION_FETCH_PAGE || cause > EXCEPTION_STORE_PAGE ||
	    !trap_is_guests(cause, gva.raw))
		return OUTCOME_DEVICE;
	return fill_entry(vcpu, gva, asked[cause]);
}

/* The guest's own: the hart says which, but where it takes load-reserved for a store. */
static unsigned give_back(struct vcpu *vcpu, uint64_t cause, gva_t gva)
{
	if (features.lr_as_store)
		return fault(vcpu, cause);
	take_state(vcpu);
	vcpu->counters.fast[REASON_GUEST_PAGE_FAULT]++;
	arch_inject_exception(vcpu, cause, gva.raw);
	check_exit(vcpu);
	return FAST_INJECTED;
}

unsigned exit_fast_fault(struct vcpu *vcpu, uint64_t cause)
{
	gva_t gva = GVA(csr_read(TRAP_VALUE));

	/* seat_describe_fault() makes the address anew. */
	if (cause == EXCEPTION_FETCH_PAGE && errata_fetch_address)
		return fault(vcpu, cause);
	switch (fill(vcpu, cause, gva)) {
	case OUTCOME_FILLED:
		vcpu->last_fence = 0;
		vcpu->counters.fast[REASON_SHADOW_MISS]++;
		check_exit(vcpu);
		return FAST_AGAIN;
	case OUTCOME_PAGE_FAULT:
		vcpu->last_fence = 0;
		return give_back(vcpu, cause, gva);
	default:
		return fault(vcpu, cause);
	}
}

bool exit_fast_call(struct vcpu *vcpu)
{
	if (!exit_sbi_fast(vcpu))
		return false;
	check_exit(vcpu);
	return true;
}
