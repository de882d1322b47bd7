/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What core/, mm/, lsp/ and drivers/ ask of the machine: the one boundary
 * between them and arch/. A seat (HS-mode, M-mode) implements it, and so
 * does the fake arch of the host tests. Every function acts on the calling
 * hart unless it says otherwise.
 */
#ifndef CORE_ARCH_H
#define CORE_ARCH_H

#include "core/types.h"
#include "mm/access.h"

struct paging_isa;
struct vcpu;

/* ---- the machine ---- */

/* Name of the seat, as reports give it. */
const char *arch_seat(void);

/*
 * The extensions a guest is shown, as its device tree lists them. Returns how
 * many of `limit` names were written.
 */
size_t arch_guest_extensions(const struct paging_isa *isa, const char **names,
			     size_t limit);

/* "riscv,sv57" or whatever is the most a guest can use. */
const char *arch_guest_mmu_type(void);

/* ---- harts: see core/harts.h ---- */

/* Index of the calling hart, 0 .. HART_LIMIT - 1: that of machine.fdt.harts. */
unsigned arch_hart_index(void);

/*
 * Let a hart come to harts_arrive(), on a stack of its own. Any other status than
 * STATUS_OK: it cannot, and *why says so of "hart N", without the name.
 */
enum status arch_hart_start(unsigned index, const char **why);

/*
 * Set the calling hart up as the boot hart is, to run guests. NULL, or what it cannot,
 * of "hart N": no guest may run there.
 */
const char *arch_hart_prepare(void);

/* End the run of the guest there (CAUSE_SOFTWARE), or a wait. */
void arch_hart_kick(unsigned index);

/* Take back the interrupt that CAUSE_SOFTWARE stands for; later kicks are new ones. */
void arch_kick_received(void);

/* Until this hart is kicked; at once if it has been, and not taken it back. */
void arch_hart_wait(void);

/* Nothing more is to be had of this hart. */
_Noreturn void arch_hart_park(void);

/* ---- its devices ---- */

/* The time CSR's count, in ticks of the machine's timebase. */
uint64_t arch_time(void);

/* Interrupt this hart's guest (exit CAUSE_TIMER) at that time; UINT64_MAX: never. */
void arch_host_timer_set(uint64_t deadline);

/* The context of the host's PLIC that interrupts this seat; false if there is none. */
struct host_hart;
bool arch_plic_context(const struct host_hart *hart, unsigned *context);

/* Let the host's interrupt controller interrupt a guest (CAUSE_EXTERNAL). */
void arch_host_external_enable(void);

/*
 * Is there anything to load from at this address of the machine's? Only before there is
 * a page table of the host's own.
 */
bool arch_can_load(hpa_t address);

/* One byte through the firmware: before there is a driver, and without one. */
void arch_firmware_put(uint8_t byte);

/* A byte from the firmware's console, -1 if there is none. */
int arch_firmware_get(void);

/* Power the machine off. */
_Noreturn void arch_power_off(bool failure);

/* Orders device accesses before and after it. */
void arch_io_barrier(void);

/* ---- a vCPU on this hart ---- */

/* What ended a run of the guest, in words that hold for every seat. */
enum exit_cause {
	CAUSE_TRANSLATION, /* a fault of the hypervisor's own tables: see access */
	CAUSE_PRIVILEGED,  /* an instruction the guest may not execute itself */
	CAUSE_SBI,	   /* an ecall from the guest's supervisor */
	CAUSE_EXCEPTION,   /* anything the guest must handle: number, value */
	CAUSE_TIMER,	   /* interrupts of the host's own */
	CAUSE_EXTERNAL,
	CAUSE_SOFTWARE,
	CAUSE_ASTRAY, /* the guest is in a mode that it was not given, for good */
};

struct vm_exit {
	enum exit_cause cause;
	struct access access;
	bool gstage;   /* the fault is the G-stage's */
	bool implicit; /* ... of an access to the guest's page table */
	gpa_t gpa;     /* ... at this address, if gpa_known */
	bool gpa_known;
	bool access_fault;    /* the hart's own word for it */
	uint64_t transformed; /* htinst; 0: not told */
	uint64_t number;      /* exception code */
	uint64_t value;	      /* what the guest will find in stval */
};

/* Run the loaded vCPU until its next exit. */
void arch_vcpu_enter(struct vcpu *vcpu, struct vm_exit *exit);

/*
 * What a vCPU's state needs beyond struct vcpu, before its first reset; STATUS_NO_MEMORY.
 * Destroying one that was not created, of a struct that was zero, does nothing.
 */
enum status arch_vcpu_create(struct vcpu *vcpu);
void arch_vcpu_destroy(struct vcpu *vcpu);

/* Put the vCPU's state into this hart, and take it out again. */
void arch_vcpu_load(struct vcpu *vcpu);
void arch_vcpu_put(struct vcpu *vcpu);

/* A guest's time begins when it does, where the hart can have it so. */
void arch_time_begin(struct vcpu *vcpu);

/*
 * Have the trap vector finish no exit by itself while the vCPU's exits are traced
 * (exit_trace_is_on), and what it can otherwise. From its next full exit on.
 */
void arch_vector_choose(struct vcpu *vcpu);

/* Registers as the SBI specification leaves them for a hart that starts. */
void arch_vcpu_reset(struct vcpu *vcpu, gpa_t entry, uint64_t a0, uint64_t a1);

/* Deliver an exception to the loaded vCPU: its trap handler runs next. */
void arch_inject_exception(struct vcpu *vcpu, uint64_t number, uint64_t value);

enum guest_interrupt { GUEST_SOFTWARE, GUEST_TIMER, GUEST_EXTERNAL };

/* Raise or lower a pending interrupt, of a vCPU loaded here or of none. */
void arch_guest_interrupt_set(struct vcpu *vcpu, enum guest_interrupt which,
			      bool pending);

/* An access of this kind by the loaded vCPU in its current privilege. */
struct access arch_access(const struct vcpu *vcpu, gva_t gva, enum access_kind kind);

/*
 * The guest's timer (guest time). True: the chip has it (Sstc) and nothing
 * more is to be done. False: the caller keeps it with the host's timer.
 */
bool arch_guest_timer_set(struct vcpu *vcpu, uint64_t deadline);

/*
 * The guest's own timer, of a vCPU that is put, in guest time; UINT64_MAX: it has set
 * none, its interrupt is disabled and ends no wfi, or the chip has it not.
 */
uint64_t arch_guest_timer(const struct vcpu *vcpu);

/* Whether wfi of the loaded vCPU's supervisor is an exit (CAUSE_PRIVILEGED). */
void arch_wait_trap(struct vcpu *vcpu, bool trap);

/* By the place of their CSRs behind the first, and of their bits in scounteren. */
enum hart_counter { COUNTER_CYCLE, COUNTER_TIME, COUNTER_INSTRET };

/* True if harts count cycles and instructions. */
bool arch_has_counters(void);

/* This hart's cycle or instret. */
uint64_t arch_counter(enum hart_counter which);

/*
 * True: reads of that CSR by the loaded vCPU are exits (CAUSE_PRIVILEGED), until it
 * is reset. False, as at first: they find the hart's own.
 */
void arch_counter_trap(struct vcpu *vcpu, enum hart_counter which, bool trap);

/* True if the guest lets code in the privilege of the loaded vCPU read that CSR. */
bool arch_counter_permitted(const struct vcpu *vcpu, enum hart_counter which);

/*
 * Read the 2 bytes at an even gva as the loaded vCPU would, through the tables
 * the hart itself walks (nested paging); false if that would fault.
 */
bool arch_read_half(gva_t gva, enum access_kind kind, uint16_t *half);

/* An interrupt waits, the host's or one that the loaded vCPU would take. */
bool arch_interrupt_is_pending(void);

/*
 * The loaded vCPU's floating-point registers, by number. on: its supervisor lets them be
 * used; the two others may be called then alone. A value of 4 bytes is written as one
 * (NaN-boxed); all 8 bytes are read.
 */
bool arch_float_is_on(const struct vcpu *vcpu);
uint64_t arch_float_read(unsigned number);
void arch_float_write(struct vcpu *vcpu, unsigned number, unsigned width, uint64_t value);

/* No sc of the guest's succeeds before its next lr. */
void arch_reservation_drop(void);

/* Make what was written to memory visible to this hart's instruction fetch. */
void arch_fence_i(void);

/* ---- translation ---- */

/* Bit n set: satp.MODE n is supported for guests (8 Sv39, 9 Sv48, 10 Sv57). */
uint32_t arch_translation_modes(void);

/* Bit n set: hgatp.MODE n is supported. 0: there is no G-stage. */
uint32_t arch_gstage_modes(void);

/* True where the guest's own accesses to satp reach the hypervisor. */
bool arch_satp_traps(void);

/* True where the guest's page-table walks leave A and D to it (Svade). */
bool arch_guest_svade(void);

/* True where they see a PTE that turned valid with no fence (Svvptc). */
bool arch_guest_svvptc(void);

/* Bits of the real ASID and VMID. */
unsigned arch_asid_bits(void);
unsigned arch_vmid_bits(void);

/*
 * How an access is made to reach the hypervisor by something else than a page fault:
 * shadow tables lead it to a page that S-mode may not touch, or that a G-stage below
 * them does not have. Neither looks at what a pointer's leaf would permit.
 */
enum detour { DETOUR_NONE, DETOUR_ACCESS_FAULT, DETOUR_GSTAGE };

/* Which of lsp's encodings is best on this seat: see lsp/encoding.h. */
const char *arch_faults(void);

/* That page, as a shadow entry names it; 0: not on this machine. */
hpa_t arch_detour_page(enum detour detour);

/*
 * Whose tables the loaded vCPU runs on. nested: the guest's own, under the
 * G-stage table at root, with nothing cached of either. shadow: ours, with satp,
 * fences, page faults and what comes by the detour trapping; arch_shadow_root_set()
 * is next.
 */
void arch_translate_nested(struct vcpu *vcpu, unsigned mode, hpa_t root, unsigned vmid);
void arch_translate_shadow(struct vcpu *vcpu, enum detour detour);

/* On shadow tables: its page faults are the guest's own from now on, or ours. */
void arch_page_faults_delegate(bool delegate);

/*
 * An instruction of the guest's supervisor that trapped at this pc, and is known to
 * stand alone: from now on the trap vector may take such an exit for what it is here,
 * without a call of exit_privileged_fast(), while the pc and the instruction are these.
 * A fence is of a page, and the paging mode one that fills in vcpu->arch.fences.
 */
enum arch_site {
	ARCH_SITE_SATP_WRITE,
	ARCH_SITE_FENCE,
	ARCH_SITE_FENCE_ONCE, /* not where vcpu->last_fence is the pc */
};
void arch_site_learn(struct vcpu *vcpu, uint64_t pc, uint32_t instruction,
		     enum arch_site kind);
void arch_site_forget(struct vcpu *vcpu, uint64_t pc);

/* The guest's own satp, under nested paging. An unsupported MODE is ignored. */
uint64_t arch_guest_satp(const struct vcpu *vcpu);
void arch_guest_satp_set(struct vcpu *vcpu, uint64_t value);

/* The shadow table the loaded vCPU runs on. */
void arch_shadow_root_set(unsigned mode, hpa_t root, unsigned asid);

/*
 * True if this is what the hart translates by now, read back from it: a shadow
 * table with no G-stage below it, or a G-stage table.
 */
bool arch_shadow_root_is(unsigned mode, hpa_t root, unsigned asid);
bool arch_gstage_root_is(unsigned mode, hpa_t root, unsigned vmid);

/*
 * Real fences of shadow translations on this hart. leaf: leaves for gva alone, of
 * one real ASID or all of them; leaves: for so many pages from there on. asid: everything
 * of one. all: of every one. While a vCPU under nested paging is loaded they are of its
 * VMID alone, and so of no shadow translations.
 */
void arch_shadow_fence_leaf(gva_t gva, unsigned asid);
void arch_shadow_fence_leaves(gva_t gva, uint64_t pages, unsigned asid);
void arch_shadow_fence_leaf_all(gva_t gva);
void arch_shadow_fence_asid(unsigned asid);
void arch_shadow_fence_all(void);

/* After every change of a G-stage table of that VMID. */
void arch_gstage_fence(unsigned vmid);

/*
 * Memory that translations of this hart lead to, of whichever VM, is about to be given
 * away: none is left once this returns, nor any of whoever is loaded here. leave: none
 * is, and the hart's registers are to name no table any more either.
 */
void arch_translation_forget(bool leave);

#endif
