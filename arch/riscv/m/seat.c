/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Seat m: a guest kernel in S-mode, Gnomon in M-mode (privileged specification,
 * "Virtualization Support in mstatus Register": mstatus.TVM).
 *
 * All of a guest's supervisor state is in the hart's own S-mode CSRs while its vCPU is
 * loaded, and sstatus is a view of mstatus, which is in the vCPU while Gnomon runs.
 * What a guest can only handle itself is delegated, so that it costs no exit.
 */
#include "arch/riscv/seat.h"
#include "arch/riscv/csr.h"
#include "arch/riscv/errata.h"
#include "arch/riscv/features.h"
#include "arch/riscv/hart.h"
#include "arch/riscv/m/aclint.h"
#include "arch/riscv/m/extensions.h"
#include "arch/riscv/m/vector.h"
#include "core/arch.h"
#include "core/guest_code.h"
#include "core/host_fdt.h"
#include "core/log.h"
#include "core/vm.h"
#include "mm/pte.h"
#include "seat_trap.h"

#define INTERRUPT_CAUSE	   (UINT64_C(1) << 63)
#define GUEST_INTERRUPTS   (INTERRUPT_SSI | INTERRUPT_STI | INTERRUPT_SEI)
#define COUNTERS_FOR_GUEST (COUNTEREN_CY | COUNTEREN_TM | COUNTEREN_IR)

/* switch.S; status is what mstatus is to be for the access. */
bool guarded_load_as(gva_t gva, uint16_t *half, uint64_t status);

const char *arch_seat(void)
{
	return "m";
}

/* The chip has one time, and the guest reads it without an exit where it has a CSR. */
void arch_time_begin(struct vcpu *vcpu)
{
	vcpu->arch.time_delta = 0;
}

enum status arch_vcpu_create(struct vcpu *vcpu)
{
	return vector_create(&vcpu->arch);
}

void arch_vcpu_destroy(struct vcpu *vcpu)
{
	vector_destroy(&vcpu->arch);
}

void arch_vcpu_reset(struct vcpu *vcpu, gpa_t entry, uint64_t a0, uint64_t a1)
{
	vcpu->arch = (struct arch_vcpu){
		.pc = entry.raw,
		.status = MSTATUS_MPP_S | MSTATUS_TVM | SSTATUS_FS,
		.exit_vector = extensions_vector(false),
		.time_delta = vcpu->arch.time_delta,
		.fences = vcpu->arch.fences,
		.fast = {.switches = vcpu->arch.fast.switches}, /* a clock of trees */
		.csrs = {.timecmp = UINT64_MAX, .counteren = COUNTERS_FOR_GUEST},
		.vector = {.registers = vcpu->arch.vector.registers},
	};
	exit_fast_reset(vcpu);
	vcpu->arch.x[10] = a0;
	vcpu->arch.x[11] = a1;
}

/* All that it does not name is off: see m/extensions.c. */
static void set_environment(bool cache_management)
{
	uint64_t bits = 0;

	if (features.sstc)
		bits |= HENVCFG_STCE;
	if (features.cache_block_zero)
		bits |= HENVCFG_CBZE;
	if (features.cache_block_manage && cache_management)
		bits |= HENVCFG_CBCFE | HENVCFG_CBIE_FLUSH;
	extensions_set_environment(bits);
}

void arch_vcpu_load(struct vcpu *vcpu)
{
	const struct guest_csrs *csrs = &vcpu->arch.csrs;

	extensions_clear();
	csr_write(CSR_MIDELEG, GUEST_INTERRUPTS);
	csr_write(CSR_SIE, csrs->ie);
	csr_write(CSR_STVEC, csrs->tvec);
	csr_write(CSR_SSCRATCH, csrs->scratch);
	csr_write(CSR_SEPC, csrs->epc);
	csr_write(CSR_SCAUSE, csrs->cause);
	csr_write(CSR_STVAL, csrs->tval);
	csr_write(CSR_SATP, 0);
	csr_clear(CSR_MIP, GUEST_INTERRUPTS);
	csr_set(CSR_MIP, csrs->vip);
	csr_write(CSR_SCOUNTEREN, csrs->counteren);
	csr_write(CSR_MCOUNTEREN, COUNTERS_FOR_GUEST & ~vcpu->arch.trapped_counters);
	set_environment(vcpu->vm->mode->isa().cache_management);
	if (features.environment)
		csr_write(CSR_SENVCFG, csrs->envcfg);
	if (features.sstc)
		csr_write(CSR_STIMECMP, csrs->timecmp);
	csr_set(CSR_MSTATUS, SSTATUS_FS);
	fp_restore(&vcpu->arch.fp);
	vector_restore(&vcpu->arch);
	csr_set(CSR_MIE, INTERRUPT_MSI);
	vcpu->arch.loaded = true;
}

void arch_reservation_drop(void)
{
	static uint32_t word;
	uint32_t failed;

	__asm__ volatile("sc.w %0, zero, (%1)" : "=&r"(failed) : "r"(&word) : "memory");
}

void arch_vcpu_put(struct vcpu *vcpu)
{
	struct guest_csrs *csrs = &vcpu->arch.csrs;

	vcpu->arch.loaded = false;
	csrs->ie = csr_read(CSR_SIE);
	csrs->tvec = csr_read(CSR_STVEC);
	csrs->scratch = csr_read(CSR_SSCRATCH);
	csrs->epc = csr_read(CSR_SEPC);
	csrs->cause = csr_read(CSR_SCAUSE);
	csrs->tval = csr_read(CSR_STVAL);
	csrs->vip = csr_read(CSR_MIP) & GUEST_INTERRUPTS;
	csrs->counteren = csr_read(CSR_SCOUNTEREN);
	if (features.environment)
		csrs->envcfg = csr_read(CSR_SENVCFG);
	if (features.sstc) {
		csrs->timecmp = csr_read(CSR_STIMECMP);
		csr_write(CSR_STIMECMP, UINT64_MAX);
	}
	csr_set(CSR_MSTATUS, SSTATUS_FS);
	fp_save(&vcpu->arch.fp);
	vector_save(&vcpu->arch);
	/* A store-conditional of the next vCPU must not find this one's. */
	arch_reservation_drop();
	csr_clear(CSR_MIP, GUEST_INTERRUPTS);
	csr_write(CSR_SIE, 0);
	csr_write(CSR_MEDELEG, 0);
	csr_write(CSR_MIDELEG, 0);
	extensions_clear();
	csr_clear(CSR_MIE, INTERRUPT_MSI | INTERRUPT_MTI);
	/* Nothing of the guest's is walked from here on: its tables may be freed. */
	csr_write(CSR_SATP, 0);
	arch_shadow_fence_all();
}

/* ---- exits ---- */

static bool runs_user(const struct vcpu *vcpu)
{
	return (vcpu->arch.status & MSTATUS_MPP) == 0;
}

struct access arch_access(const struct vcpu *vcpu, gva_t gva, enum access_kind kind)
{
	return (struct access){
		.gva = gva,
		.kind = kind,
		.user = runs_user(vcpu),
		.sum = (vcpu->arch.status & SSTATUS_SUM) != 0,
		.mxr = (vcpu->arch.status & SSTATUS_MXR) != 0,
	};
}

static const struct fault_code {
	uint8_t code;
	enum access_kind kind;
	bool access_fault;
} fault_codes[] = {
	{EXCEPTION_LOAD_PAGE, ACCESS_LOAD, false},
	{EXCEPTION_STORE_PAGE, ACCESS_STORE, false},
	{EXCEPTION_FETCH_PAGE, ACCESS_FETCH, false},
	{EXCEPTION_LOAD_ACCESS, ACCESS_LOAD, true},
	{EXCEPTION_STORE_ACCESS, ACCESS_STORE, true},
	{EXCEPTION_FETCH_ACCESS, ACCESS_FETCH, true},
};

static bool is_foreign(const struct vcpu *vcpu, uint64_t cause)
{
	return fault_is_foreign(vcpu->arch.status, cause, vcpu->arch.pc,
				csr_read(CSR_MTVAL));
}

bool seat_describe_fault(struct vcpu *vcpu, uint64_t code, struct vm_exit *exit)
{
	if (is_foreign(vcpu, code))
		return false;
	for (unsigned i = 0; i < ARRAY_LENGTH(fault_codes); i++) {
		const struct fault_code *fault = &fault_codes[i];

		if (fault->code != code)
			continue;
		*exit = (struct vm_exit){
			.cause = CAUSE_TRANSLATION,
			.number = code,
			.value = csr_read(CSR_MTVAL),
			.access_fault = fault->access_fault,
		};
		if (fault->kind == ACCESS_FETCH)
			exit->value = errata_fetched(exit->value, vcpu->arch.pc);
		exit->access = arch_access(vcpu, GVA(exit->value), fault->kind);
		/* Last: it may trap, and overwrite what the exit left. */
		exit->access.kind =
			seat_true_kind(vcpu, fault->kind, fault->access_fault);
		return true;
	}
	return false;
}

static bool is_hypervisors(uint64_t exception)
{
	return exception == EXCEPTION_VS_ECALL ||
	       (exception >= EXCEPTION_FETCH_GUEST_PAGE &&
		exception <= EXCEPTION_STORE_GUEST_PAGE);
}

/*
 * In V = 1 nothing can be run (see m/extensions.c), and nothing is run on. With V = 0
 * it is hlv, hlvx or hsv, which are as illegal as what is not there. QEMU 10 does not
 * set GVA for them, so that the exception has to tell.
 */
static bool describe_astray(const struct vcpu *vcpu, uint64_t cause, struct vm_exit *exit)
{
	if (vcpu->arch.status & MSTATUS_MPV) {
		exit->cause = CAUSE_ASTRAY;
		return true;
	}
	if (cause & INTERRUPT_CAUSE ||
	    !(is_hypervisors(cause) || is_foreign(vcpu, cause)))
		return false;
	exit->cause = CAUSE_PRIVILEGED;
	exit->value = 0; /* no instruction: it is fetched */
	return true;
}

static void describe_exception(struct vcpu *vcpu, uint64_t code, struct vm_exit *exit)
{
	if (seat_describe_fault(vcpu, code, exit))
		return;
	if (code == CAUSE_SUPERVISOR_CALL)
		exit->cause = CAUSE_SBI;
	else if (code == CAUSE_PRIVILEGED_INSTRUCTION)
		exit->cause = CAUSE_PRIVILEGED;
	else
		exit->cause = CAUSE_EXCEPTION;
}

static enum exit_cause interrupt_cause(uint64_t number)
{
	if (number == 7)
		return CAUSE_TIMER;
	return number == 11 ? CAUSE_EXTERNAL : CAUSE_SOFTWARE;
}

/*
 * The fast vector leaves mtvec as it is for the guest, so that a trap out of its C
 * comes to it as if it were the guest's; but for MPP.
 */
void seat_assert_guest(const struct vcpu *vcpu)
{
	if ((vcpu->arch.status & MSTATUS_MPP) == MSTATUS_MPP)
		host_trap_panic(csr_read(CSR_MCAUSE), csr_read(CSR_MEPC),
				csr_read(CSR_MTVAL), vcpu->arch.x[2]);
}

void arch_vcpu_enter(struct vcpu *vcpu, struct vm_exit *exit)
{
	uint64_t cause;

	vcpu_enter(vcpu);
	seat_assert_guest(vcpu);
	cause = csr_read(CSR_MCAUSE);
	*exit = (struct vm_exit){
		.number = cause & ~INTERRUPT_CAUSE,
		.value = csr_read(CSR_MTVAL),
	};
	if (describe_astray(vcpu, cause, exit))
		return;
	if (cause & INTERRUPT_CAUSE)
		exit->cause = interrupt_cause(exit->number);
	else
		describe_exception(vcpu, cause, exit);
}

/* ---- what a handler does to the guest ---- */

/* As the hart itself does on a trap into S-mode. */
void arch_inject_exception(struct vcpu *vcpu, uint64_t number, uint64_t value)
{
	uint64_t status = vcpu->arch.status;
	uint64_t new_status = status & ~(uint64_t)(SSTATUS_SPP | SSTATUS_SPIE |
						   SSTATUS_SIE | MSTATUS_MPP);

	if (!runs_user(vcpu))
		new_status |= SSTATUS_SPP;
	if (status & SSTATUS_SIE)
		new_status |= SSTATUS_SPIE;
	if (features.hypervisor)
		csr_clear(CSR_HSTATUS, HSTATUS_SPV | HSTATUS_GVA);
	csr_write(CSR_SEPC, vcpu->arch.pc);
	csr_write(CSR_SCAUSE, number);
	csr_write(CSR_STVAL, value);
	vcpu->arch.pc = csr_read(CSR_STVEC) & ~UINT64_C(3);
	vcpu->arch.status = new_status | MSTATUS_MPP_S;
}

bool arch_float_is_on(const struct vcpu *vcpu)
{
	return (vcpu->arch.status & SSTATUS_FS) != 0;
}

/* mstatus itself is the guest's, and on, until it goes on with what the vCPU has. */
void arch_float_write(struct vcpu *vcpu, unsigned number, unsigned width, uint64_t value)
{
	fp_write(number, float_box(width, value));
	vcpu->arch.status |= SSTATUS_FS;
}

void arch_guest_interrupt_set(struct vcpu *vcpu, enum guest_interrupt which, bool pending)
{
	static const uint64_t bits[] = {
		[GUEST_SOFTWARE] = INTERRUPT_SSI,
		[GUEST_TIMER] = INTERRUPT_STI,
		[GUEST_EXTERNAL] = INTERRUPT_SEI,
	};

	if (!vcpu->arch.loaded)
		vcpu->arch.csrs.vip = pending ? vcpu->arch.csrs.vip | bits[which]
					      : vcpu->arch.csrs.vip & ~bits[which];
	else if (pending)
		csr_set(CSR_MIP, bits[which]);
	else
		csr_clear(CSR_MIP, bits[which]);
}

/* Its time is the hart's. Emulators keep this one apart from mip better than vstimecmp.
 */
bool arch_guest_timer_set(struct vcpu *vcpu, uint64_t deadline)
{
	(void)vcpu;
	if (features.sstc)
		csr_write(CSR_STIMECMP, deadline);
	return features.sstc;
}

uint64_t arch_guest_timer(const struct vcpu *vcpu)
{
	const struct guest_csrs *csrs = &vcpu->arch.csrs;

	return features.sstc && csrs->ie & INTERRUPT_STI ? csrs->timecmp : UINT64_MAX;
}

void arch_wait_trap(struct vcpu *vcpu, bool trap)
{
	if (trap)
		vcpu->arch.status |= MSTATUS_TW;
	else
		vcpu->arch.status &= ~(uint64_t)MSTATUS_TW;
}

static uint64_t counter_enable(enum hart_counter which)
{
	return UINT64_C(1) << which;
}

uint64_t arch_counter(enum hart_counter which)
{
	return which == COUNTER_CYCLE ? csr_read(CSR_MCYCLE) : csr_read(CSR_MINSTRET);
}

void arch_counter_trap(struct vcpu *vcpu, enum hart_counter which, bool trap)
{
	uint64_t *trapped = &vcpu->arch.trapped_counters;

	if (trap)
		*trapped |= counter_enable(which);
	else
		*trapped &= ~counter_enable(which);
	csr_write(CSR_MCOUNTEREN, COUNTERS_FOR_GUEST & ~*trapped);
}

bool arch_counter_permitted(const struct vcpu *vcpu, enum hart_counter which)
{
	return !runs_user(vcpu) || (csr_read(CSR_SCOUNTEREN) & counter_enable(which));
}

/* MXR lets what may only be executed be read. */
bool arch_read_half(gva_t gva, enum access_kind kind, uint16_t *half)
{
	uint64_t status = csr_read(CSR_MSTATUS);

	status |= MSTATUS_MPRV;
	if (kind == ACCESS_FETCH)
		status |= SSTATUS_MXR;
	return guarded_load_as(gva, half, status & ~MSTATUS_MDT);
}

/* ---- the hart ---- */

void arch_host_timer_set(uint64_t deadline)
{
	if (deadline == UINT64_MAX)
		csr_clear(CSR_MIE, INTERRUPT_MTI);
	else
		csr_set(CSR_MIE, INTERRUPT_MTI);
	aclint_timer_set(arch_hart_index(), deadline);
}

uint64_t arch_time(void)
{
	return *clint_time;
}

bool arch_interrupt_is_pending(void)
{
	return (csr_read(CSR_MIP) & csr_read(CSR_MIE)) != 0;
}

void arch_host_external_enable(void)
{
	csr_set(CSR_MIE, INTERRUPT_MEI);
}

bool arch_plic_context(const struct host_hart *hart, unsigned *context)
{
	*context = hart->machine_context;
	return hart->has_machine_context;
}
