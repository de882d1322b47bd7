/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Seat hs: a guest kernel in VS-mode, Gnomon in HS-mode (privileged
 * specification, "Hypervisor Extension").
 *
 * All of a guest's supervisor state is in the hart's VS CSRs while its vCPU is
 * loaded. Exceptions a guest can only handle itself are delegated, so that they
 * cost no exit; which ones depends on whose tables translate.
 */
#include "arch/riscv/seat.h"
#include "arch/riscv/csr.h"
#include "arch/riscv/errata.h"
#include "arch/riscv/features.h"
#include "arch/riscv/hart.h"
#include "arch/riscv/hs/sbi_client.h"
#include "core/arch.h"
#include "core/guest_code.h"
#include "core/host_fdt.h"
#include "core/vm.h"
#include "mm/pte.h"

#define INTERRUPT_CAUSE	   (UINT64_C(1) << 63)
#define GUEST_INTERRUPTS   (INTERRUPT_VSSI | INTERRUPT_VSTI | INTERRUPT_VSEI)
#define COUNTERS_FOR_GUEST (COUNTEREN_CY | COUNTEREN_TM | COUNTEREN_IR)

extern char guest_exit_vector[];

const char *arch_seat(void)
{
	return "hs";
}

void arch_time_begin(struct vcpu *vcpu)
{
	vcpu->arch.time_delta = -arch_time();
}

/* A guest has no vector unit here: sstatus.VS is off below it. */
enum status arch_vcpu_create(struct vcpu *vcpu)
{
	(void)vcpu;
	return STATUS_OK;
}

void arch_vcpu_destroy(struct vcpu *vcpu)
{
	(void)vcpu;
}

void arch_vcpu_reset(struct vcpu *vcpu, gpa_t entry, uint64_t a0, uint64_t a1)
{
	vcpu->arch = (struct arch_vcpu){
		.pc = entry.raw,
		.status = SSTATUS_UXL_64 | SSTATUS_SPP | SSTATUS_FS,
		.hstatus = HSTATUS_VSXL_64 | HSTATUS_SPV | HSTATUS_SPVP,
		.exit_vector = (uintptr_t)guest_exit_vector,
		.time_delta = vcpu->arch.time_delta,
		.fences = vcpu->arch.fences,
		.fast = {.switches = vcpu->arch.fast.switches}, /* a clock of trees */
		.csrs =
			{
				.status = SSTATUS_UXL_64,
				.timecmp = UINT64_MAX,
				.counteren = COUNTERS_FOR_GUEST,
			},
	};
	exit_fast_reset(vcpu);
	vcpu->arch.x[10] = a0;
	vcpu->arch.x[11] = a1;
}

static void set_environment(bool cache_management)
{
	uint64_t bits = 0;

	if (!features.environment)
		return;
	if (features.sstc)
		bits |= HENVCFG_STCE;
	if (features.cache_block_zero)
		bits |= HENVCFG_CBZE;
	if (features.cache_block_manage && cache_management)
		bits |= HENVCFG_CBCFE | HENVCFG_CBIE_FLUSH;
	csr_write(CSR_HENVCFG, bits);
}

void arch_vcpu_load(struct vcpu *vcpu)
{
	const struct guest_csrs *csrs = &vcpu->arch.csrs;

	/* First: bits of vsie that hideleg does not delegate are read-only zero. */
	csr_write(CSR_HIDELEG, GUEST_INTERRUPTS);
	csr_write(CSR_VSSTATUS, csrs->status);
	csr_write(CSR_VSIE, csrs->ie);
	csr_write(CSR_VSTVEC, csrs->tvec);
	csr_write(CSR_VSSCRATCH, csrs->scratch);
	csr_write(CSR_VSEPC, csrs->epc);
	csr_write(CSR_VSCAUSE, csrs->cause);
	csr_write(CSR_VSTVAL, csrs->tval);
	/* Nothing may be walked until the paging mode says by which tables. */
	csr_write(CSR_VSATP, 0);
	csr_write(CSR_HVIP, csrs->vip);
	csr_write(CSR_SCOUNTEREN, csrs->counteren);
	csr_write(CSR_HCOUNTEREN, COUNTERS_FOR_GUEST & ~vcpu->arch.trapped_counters);
	set_environment(vcpu->vm->mode->isa().cache_management);
	csr_write(CSR_HTIMEDELTA, vcpu->arch.time_delta);
	if (features.sstc)
		csr_write(CSR_VSTIMECMP, csrs->timecmp);
	if (features.environment)
		csr_write(CSR_SENVCFG, csrs->envcfg);
	if (features.state_enable)
		csr_write(CSR_HSTATEEN0, STATEEN_ENVCFG);
	csr_set(CSR_SSTATUS, SSTATUS_FS);
	fp_restore(&vcpu->arch.fp);
	csr_set(CSR_SIE, INTERRUPT_SSI);
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
	csrs->status = csr_read(CSR_VSSTATUS);
	csrs->ie = csr_read(CSR_VSIE);
	csrs->tvec = csr_read(CSR_VSTVEC);
	csrs->scratch = csr_read(CSR_VSSCRATCH);
	csrs->epc = csr_read(CSR_VSEPC);
	csrs->cause = csr_read(CSR_VSCAUSE);
	csrs->tval = csr_read(CSR_VSTVAL);
	csrs->atp = csr_read(CSR_VSATP);
	csrs->vip = csr_read(CSR_HVIP);
	csrs->counteren = csr_read(CSR_SCOUNTEREN);
	if (features.sstc)
		csrs->timecmp = csr_read(CSR_VSTIMECMP);
	if (features.environment)
		csrs->envcfg = csr_read(CSR_SENVCFG);
	fp_save(&vcpu->arch.fp);
	/* A store-conditional of the next vCPU must not find this one's. */
	arch_reservation_drop();
	csr_write(CSR_HVIP, 0);
	csr_write(CSR_VSIE, 0);
	csr_write(CSR_HEDELEG, 0);
	csr_write(CSR_HIDELEG, 0);
	csr_clear(CSR_SIE, INTERRUPT_SSI | INTERRUPT_STI);
	/* Nothing of the guest's is walked from here on: its tables may be freed. */
	csr_write(CSR_VSATP, 0);
	csr_write(CSR_HGATP, 0);
	arch_gstage_fence(0);
}

/* ---- exits ---- */

static bool runs_user(const struct vcpu *vcpu)
{
	return (vcpu->arch.status & SSTATUS_SPP) == 0;
}

struct access arch_access(const struct vcpu *vcpu, gva_t gva, enum access_kind kind)
{
	uint64_t status = csr_read(CSR_VSSTATUS);

	return (struct access){
		.gva = gva,
		.kind = kind,
		.user = runs_user(vcpu),
		.sum = (status & SSTATUS_SUM) != 0,
		.mxr = (status & SSTATUS_MXR) != 0,
	};
}

static const struct fault_code {
	uint8_t code;
	enum access_kind kind;
	bool access_fault;
	bool gstage;
} fault_codes[] = {
	{EXCEPTION_LOAD_PAGE, ACCESS_LOAD, false, false},
	{EXCEPTION_STORE_PAGE, ACCESS_STORE, false, false},
	{EXCEPTION_FETCH_PAGE, ACCESS_FETCH, false, false},
	{EXCEPTION_LOAD_ACCESS, ACCESS_LOAD, true, false},
	{EXCEPTION_STORE_ACCESS, ACCESS_STORE, true, false},
	{EXCEPTION_FETCH_ACCESS, ACCESS_FETCH, true, false},
	{EXCEPTION_LOAD_GUEST_PAGE, ACCESS_LOAD, false, true},
	{EXCEPTION_STORE_GUEST_PAGE, ACCESS_STORE, false, true},
	{EXCEPTION_FETCH_GUEST_PAGE, ACCESS_FETCH, false, true},
};

/* Pseudoinstructions: a read or write of the guest's page table by the walker. */
static bool is_walk(uint64_t htinst)
{
	return htinst == 0x3000 || htinst == 0x3020;
}

static bool is_on_shadow_tables(const struct vcpu *vcpu)
{
	return (vcpu->arch.hstatus & HSTATUS_VTVM) != 0;
}

/* On shadow tables, only their own way to a page that is not there ends here. */
static void describe_gstage(const struct vcpu *vcpu, struct vm_exit *exit)
{
	uint64_t gpa_page;

	if (is_on_shadow_tables(vcpu)) {
		if (is_walk(exit->transformed))
			exit->transformed = 0;
		return;
	}
	gpa_page = csr_read(CSR_HTVAL);
	exit->gstage = true;
	exit->implicit = is_walk(exit->transformed);
	/* htval lacks the two low bits, which a direct access has in stval. */
	exit->gpa_known = gpa_page != 0;
	exit->gpa = GPA(gpa_page << 2 | (exit->implicit ? 0 : exit->value & 3));
}

bool seat_describe_fault(struct vcpu *vcpu, uint64_t code, struct vm_exit *exit)
{
	for (unsigned i = 0; i < ARRAY_LENGTH(fault_codes); i++) {
		const struct fault_code *fault = &fault_codes[i];

		if (fault->code != code)
			continue;
		*exit = (struct vm_exit){
			.cause = CAUSE_TRANSLATION,
			.number = code,
			.value = csr_read(CSR_STVAL),
			.access_fault = fault->access_fault,
			.transformed = csr_read(CSR_HTINST),
		};
		if (fault->kind == ACCESS_FETCH)
			exit->value = errata_fetched(exit->value, vcpu->arch.pc);
		exit->access = arch_access(vcpu, GVA(exit->value), fault->kind);
		if (fault->gstage)
			describe_gstage(vcpu, exit);
		/* Last: it may trap, and overwrite what the exit left. */
		exit->access.kind =
			seat_true_kind(vcpu, fault->kind, fault->access_fault);
		return true;
	}
	return false;
}

static void describe_exception(struct vcpu *vcpu, uint64_t code, struct vm_exit *exit)
{
	if (seat_describe_fault(vcpu, code, exit))
		return;
	if (code == EXCEPTION_VS_ECALL)
		exit->cause = CAUSE_SBI;
	else if (code == EXCEPTION_VIRTUAL_INSTRUCTION)
		exit->cause = CAUSE_PRIVILEGED;
	else
		exit->cause = CAUSE_EXCEPTION;
}

static enum exit_cause interrupt_cause(uint64_t number)
{
	if (number == 5)
		return CAUSE_TIMER;
	return number == 9 ? CAUSE_EXTERNAL : CAUSE_SOFTWARE;
}

/*
 * The fast vector leaves stvec as it is for the guest, so that a trap out of its C
 * comes to it as if it were the guest's; but for SPV.
 */
void seat_assert_guest(const struct vcpu *vcpu)
{
	if (!(vcpu->arch.hstatus & HSTATUS_SPV))
		host_trap_panic(csr_read(CSR_SCAUSE), csr_read(CSR_SEPC),
				csr_read(CSR_STVAL), vcpu->arch.x[2]);
}

void arch_vcpu_enter(struct vcpu *vcpu, struct vm_exit *exit)
{
	uint64_t cause;

	vcpu_enter(vcpu);
	seat_assert_guest(vcpu);
	cause = csr_read(CSR_SCAUSE);
	*exit = (struct vm_exit){
		.number = cause & ~INTERRUPT_CAUSE,
		.value = csr_read(CSR_STVAL),
	};
	if (cause & INTERRUPT_CAUSE)
		exit->cause = interrupt_cause(exit->number);
	else
		describe_exception(vcpu, cause, exit);
}

/* ---- what a handler does to the guest ---- */

/* As the hart itself does on a trap into VS-mode. */
void arch_inject_exception(struct vcpu *vcpu, uint64_t number, uint64_t value)
{
	uint64_t status = csr_read(CSR_VSSTATUS);
	uint64_t new_status =
		status & ~(uint64_t)(SSTATUS_SPP | SSTATUS_SPIE | SSTATUS_SIE);

	if (!runs_user(vcpu))
		new_status |= SSTATUS_SPP;
	if (status & SSTATUS_SIE)
		new_status |= SSTATUS_SPIE;
	csr_write(CSR_VSSTATUS, new_status);
	csr_write(CSR_VSEPC, vcpu->arch.pc);
	csr_write(CSR_VSCAUSE, number);
	csr_write(CSR_VSTVAL, value);
	vcpu->arch.pc = csr_read(CSR_VSTVEC) & ~UINT64_C(3);
	vcpu->arch.status |= SSTATUS_SPP;
	vcpu->arch.hstatus |= HSTATUS_SPVP;
}

bool arch_float_is_on(const struct vcpu *vcpu)
{
	(void)vcpu;
	return (csr_read(CSR_VSSTATUS) & SSTATUS_FS) != 0;
}

void arch_float_write(struct vcpu *vcpu, unsigned number, unsigned width, uint64_t value)
{
	(void)vcpu;
	fp_write(number, float_box(width, value));
	csr_set(CSR_VSSTATUS, SSTATUS_FS);
}

void arch_guest_interrupt_set(struct vcpu *vcpu, enum guest_interrupt which, bool pending)
{
	static const uint64_t bits[] = {
		[GUEST_SOFTWARE] = INTERRUPT_VSSI,
		[GUEST_TIMER] = INTERRUPT_VSTI,
		[GUEST_EXTERNAL] = INTERRUPT_VSEI,
	};

	if (!vcpu->arch.loaded)
		vcpu->arch.csrs.vip = pending ? vcpu->arch.csrs.vip | bits[which]
					      : vcpu->arch.csrs.vip & ~bits[which];
	else if (pending)
		csr_set(CSR_HVIP, bits[which]);
	else
		csr_clear(CSR_HVIP, bits[which]);
}

bool arch_guest_timer_set(struct vcpu *vcpu, uint64_t deadline)
{
	(void)vcpu;
	if (features.sstc)
		csr_write(CSR_VSTIMECMP, deadline);
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
		vcpu->arch.hstatus |= HSTATUS_VTW;
	else
		vcpu->arch.hstatus &= ~(uint64_t)HSTATUS_VTW;
}

static uint64_t counter_enable(enum hart_counter which)
{
	return UINT64_C(1) << which;
}

uint64_t arch_counter(enum hart_counter which)
{
	return which == COUNTER_CYCLE ? csr_read(CSR_CYCLE) : csr_read(CSR_INSTRET);
}

void arch_counter_trap(struct vcpu *vcpu, enum hart_counter which, bool trap)
{
	uint64_t *trapped = &vcpu->arch.trapped_counters;

	if (trap)
		*trapped |= counter_enable(which);
	else
		*trapped &= ~counter_enable(which);
	csr_write(CSR_HCOUNTEREN, COUNTERS_FOR_GUEST & ~*trapped);
}

bool arch_counter_permitted(const struct vcpu *vcpu, enum hart_counter which)
{
	return !runs_user(vcpu) || (csr_read(CSR_SCOUNTEREN) & counter_enable(which));
}

bool arch_read_half(gva_t gva, enum access_kind kind, uint16_t *half)
{
	return kind == ACCESS_FETCH ? guarded_fetch_half(gva, half)
				    : guarded_load_half(gva, half);
}

/* ---- the hart ---- */

void arch_host_timer_set(uint64_t deadline)
{
	if (deadline == UINT64_MAX)
		csr_clear(CSR_SIE, INTERRUPT_STI);
	else
		csr_set(CSR_SIE, INTERRUPT_STI);
	if (features.sstc)
		csr_write(CSR_STIMECMP, deadline);
	else
		sbi_set_timer(deadline);
}

uint64_t arch_time(void)
{
	return csr_read(CSR_TIME);
}

bool arch_interrupt_is_pending(void)
{
	return (csr_read(CSR_SIP) & csr_read(CSR_SIE)) ||
	       (csr_read(CSR_VSIP) & csr_read(CSR_VSIE));
}

void arch_host_external_enable(void)
{
	csr_set(CSR_SIE, INTERRUPT_SEI);
}

bool arch_plic_context(const struct host_hart *hart, unsigned *context)
{
	*context = hart->plic_context;
	return hart->has_plic_context;
}
