/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Extensions that no guest is shown. See extensions.h.
 *
 * A guest in S-mode is in HS-mode where the hart has H, and only hgatp and the fences of
 * it trap (mstatus.TVM). So hgatp holds a table with no valid entry: whatever the guest
 * writes to the other CSRs, no instruction is fetched with V = 1, and no hlv or hsv has
 * an answer. The table lies in the pool, where walks may read: a denied walk would be an
 * access fault, which is what a shadow miss looks like. It is written once.
 */
#include "arch/riscv/m/extensions.h"
#include "arch/riscv/csr.h"
#include "arch/riscv/features.h"
#include "arch/riscv/hart.h"
#include "arch/riscv/seat.h"
#include "core/arch.h"
#include "core/host_fdt.h"
#include "core/machine.h"
#include "core/vcpu.h"
#include "mm/access.h"
#include "mm/page_alloc.h"
#include "mm/pte.h"

#define HGATP_ORDER 2 /* 16 KiB: Sv39x4 to Sv57x4 have such a root */

/* hlv.b, hlvx.hu and hsv.b of a0 */
#define HLV_B	".word 0x60054073"
#define HLVX_HU ".word 0x64354073"
#define HSV_B	".word 0x62054073"
/* hlv.b of a1, csrr and csrw of hgatp with a1, and the others as they are */
#define HLV_B_RAM   0x6005c073
#define READ_HGATP  0x680025f3
#define WRITE_HGATP 0x68059073
#define HFENCE_GVMA 0x62000073
#define SRET	    0x10200073
#define ECALL	    0x00000073
#define SCTRCLR	    ".word 0x10400073"

#define MNSTATUS_NMIE 8
#define MSECCFG_OPEN                                                                     \
	(UINT64_C(3) << 32 | 1 << 10 | 3 << 8) /* PMM, MLPE, SSEED, USEED                \
						*/

extern char guest_exit_vector[], guest_fast_vector[]; /* switch.S, exit_fast.S */
extern char guest_wary_exit_vector[], guest_wary_fast_vector[]; /* wary.S */

static uint64_t closed_hgatp; /* 0: there is no H, or none any more */
static bool switched_off;
static uint64_t foreign;
static bool status_leaks; /* bits of vsstatus can get into mstatus */

/* ---- before the first trap ---- */

/*
 * A reset leaves a hart with Smdbltrp so that a trap in M-mode is fatal (mstatus.MDT),
 * and one with Smrnmi so that it leads to nowhere (mnstatus.NMIE).
 */
void extensions_let_trap(void)
{
	const struct host_hart *hart = &machine.fdt.harts[arch_hart_index()];

	csr_clear(CSR_MSTATUS, MSTATUS_MDT);
	if (host_fdt_has_extension(hart, "smrnmi"))
		csr_set(CSR_MNSTATUS, MNSTATUS_NMIE);
}

/* ---- the hypervisor extension ---- */

static bool has_hypervisor(void)
{
	unsigned long unused = 0;

	return guarded("csrr zero, " CSR_TEXT(CSR_HGATP), "r"(unused));
}

static void fence_guests(void)
{
	__asm__ volatile(".word 0x22000073\n\t.word 0x62000073" ::: "memory");
}

/* One MODE is enough: what is not in the table is not there in any. */
static bool set_hgatp(const void *root)
{
	for (unsigned mode = SATP_SV39; mode <= SATP_SV57; mode++) {
		const uint64_t value = satp_make(mode, 0, (uintptr_t)root);

		csr_write(CSR_HGATP, value);
		if (csr_read(CSR_HGATP) != value)
			continue;
		if (closed_hgatp != 0 && closed_hgatp != value)
			break;
		closed_hgatp = value;
		fence_guests();
		return true;
	}
	csr_write(CSR_HGATP, 0);
	return false;
}

#define FAULTS_AS(instruction, address, code)                                            \
	({                                                                               \
		register uint64_t a0_ __asm__("a0") = (address);                         \
		!guarded(instruction, "r"(a0_)) && csr_read(CSR_MCAUSE) == (code);       \
	})

/* As HS-mode would; at an address where there is memory. QEMU takes hlvx for a fetch. */
static bool leads_nowhere(uint64_t address)
{
	return FAULTS_AS(HLV_B, address, EXCEPTION_LOAD_GUEST_PAGE) &&
	       (FAULTS_AS(HLVX_HU, address, EXCEPTION_LOAD_GUEST_PAGE) ||
		FAULTS_AS(HLVX_HU, address, EXCEPTION_FETCH_PAGE)) &&
	       FAULTS_AS(HSV_B, address, EXCEPTION_STORE_GUEST_PAGE);
}

/*
 * Run one instruction in S-mode, as a guest's, from memory that is a guest's to be;
 * mcause of what ends it, which is an ecall if nothing else does.
 */
static uint64_t try_as_guest(uint32_t *page, uint32_t instruction, uint64_t hstatus)
{
	static struct vcpu vcpu;
	const uint64_t enabled = csr_read(CSR_MIE);

	page[0] = instruction;
	page[1] = ECALL;
	arch_fence_i();
	arch_vcpu_reset(&vcpu, GPA((uintptr_t)page), 0, 0);
	csr_write(CSR_MEDELEG, 0);
	csr_write(CSR_MIE, 0);
	csr_write(CSR_SATP, 0);
	/* The trap before may have set MPV, which only another clears on some emulators.
	 */
	(void)guarded(".word 0", "r"(0ul));
	csr_write(CSR_SEPC, (uintptr_t)(page + 1));
	csr_write(CSR_HSTATUS, hstatus);
	vcpu_enter(&vcpu);
	csr_write(CSR_HSTATUS, 0);
	csr_write(CSR_MIE, enabled);
	return csr_read(CSR_MCAUSE);
}

/* TVM, which does not stop accesses to hgatp in QEMU 7.2, and what hgatp is to do. */
static bool is_kept_from_guests(void)
{
	uint32_t *page = page_alloc_kind(PAGES_GUESTS, 0);
	bool kept;

	if (!page)
		return false;
	kept = try_as_guest(page, SRET, HSTATUS_SPV) == EXCEPTION_FETCH_GUEST_PAGE &&
	       try_as_guest(page, HLV_B_RAM, 0) == EXCEPTION_LOAD_GUEST_PAGE &&
	       try_as_guest(page, WRITE_HGATP, 0) == EXCEPTION_ILLEGAL_INSTRUCTION &&
	       try_as_guest(page, HFENCE_GVMA, 0) == EXCEPTION_ILLEGAL_INSTRUCTION &&
	       try_as_guest(page, READ_HGATP, 0) == EXCEPTION_ILLEGAL_INSTRUCTION;
	/* Some emulators never clear GVA. */
	foreign = MSTATUS_MPV;
	if (!(csr_read(CSR_MSTATUS) & MSTATUS_GVA))
		foreign |= MSTATUS_GVA;
	page_free(page, 0);
	return kept && csr_read(CSR_HGATP) == closed_hgatp;
}

/* They are read-only zero; where they stick, they are or-ed into mstatus with V = 1. */
static bool keeps_foreign_status(void)
{
	uint64_t kept;

	csr_write(CSR_VSSTATUS, MSTATUS_MPRV);
	kept = csr_read(CSR_VSSTATUS) & MSTATUS_MPRV;
	csr_write(CSR_VSSTATUS, 0);
	return kept != 0;
}

static bool close_hypervisor(const char **why)
{
	static void *root;

	if (!has_hypervisor())
		return true;
	extensions_clear();
	csr_write(CSR_HGATP, 0);
	csr_clear(CSR_MISA, MISA_H);
	switched_off = !has_hypervisor();
	if (switched_off)
		return true;
	status_leaks |= keeps_foreign_status();
	if (!root)
		root = page_alloc_table(HGATP_ORDER);
	*why = "this chip has the hypervisor extension (H), and a guest cannot be kept "
	       "from it: use seat hs";
	return root && set_hgatp(root) && leads_nowhere((uintptr_t)root) &&
	       is_kept_from_guests();
}

uint64_t extensions_vector(bool fast)
{
	if (status_leaks)
		return (uintptr_t)(fast ? guest_wary_fast_vector
					: guest_wary_exit_vector);
	return (uintptr_t)(fast ? guest_fast_vector : guest_exit_vector);
}

uint64_t extensions_foreign(void)
{
	return foreign;
}

bool extensions_are_closed(void)
{
	return !features.hypervisor || csr_read(CSR_HGATP) == closed_hgatp;
}

const char *extensions_hypervisor(void)
{
	if (closed_hgatp != 0)
		return status_leaks ? "it is there and leads nowhere (empty hgatp); "
				      "vsstatus leaks into mstatus, traps are wary"
				    : "it is there and leads nowhere (empty hgatp)";
	return switched_off ? "switched off (misa)" : "none";
}

/* ---- switches ---- */

void extensions_set_environment(uint64_t bits)
{
	(void)guarded("csrw " CSR_TEXT(CSR_MENVCFG) ", %1", "r"(bits));
}

/* senvcfg is the guest's; no other state that there is a bit for. */
static void close_state(void)
{
	const unsigned long own = STATEEN_ENVCFG, zero = 0, open = MSECCFG_OPEN;

	(void)guarded("csrw 0x30c, %1", "r"(own));
	(void)guarded("csrw 0x30d, %1", "r"(zero));
	(void)guarded("csrw 0x30e, %1", "r"(zero));
	(void)guarded("csrw 0x30f, %1", "r"(zero));
	(void)guarded("csrc 0x747, %1", "r"(open));
}

/* ---- what has no switch ---- */

/* If it is there. Also those that an M-mode CSR switches off, which may be absent. */
#define CLEAR(number) (void)guarded("csrw " #number ", zero", "r"(0ul))

static void clear_supervisors(void)
{
	CLEAR(0x017); /* jvt */
	CLEAR(0x10c); /* sstateen0 to 3 */
	CLEAR(0x10d);
	CLEAR(0x10e);
	CLEAR(0x10f);
	CLEAR(0x120); /* scountinhibit, and what it is a view of */
	CLEAR(0x320);
	CLEAR(0x14e); /* sctrctl, sctrstatus, sctrdepth */
	CLEAR(0x14f);
	CLEAR(0x15f);
	CLEAR(0x150); /* siselect */
	CLEAR(0x181); /* srmcfg */
	CLEAR(0x5a8); /* scontext */
}

/* Not hgatp. hstatus is last: it tells whose interrupts the others are. */
static void clear_hypervisors(void)
{
	CLEAR(0x604); /* hie, hvip, hgeie */
	CLEAR(0x645);
	CLEAR(0x607);
	CLEAR(0x602); /* hedeleg, hideleg */
	CLEAR(0x612);
	CLEAR(0x603);
	CLEAR(0x605); /* htimedelta */
	CLEAR(0x606); /* hcounteren */
	CLEAR(0x60a); /* henvcfg */
	CLEAR(0x60c); /* hstateen0 to 3 */
	CLEAR(0x60d);
	CLEAR(0x60e);
	CLEAR(0x60f);
	CLEAR(0x608); /* hvien, hvictl, hviprio1, hviprio2 */
	CLEAR(0x609);
	CLEAR(0x646);
	CLEAR(0x647);
	CLEAR(0x643); /* htval, htinst */
	CLEAR(0x64a);
	CLEAR(0x6a8); /* hcontext */
	CLEAR(0x600);
}

static void clear_virtual_supervisors(void)
{
	CLEAR(0x204); /* vsie, vsip */
	CLEAR(0x244);
	CLEAR(0x200); /* vsstatus */
	CLEAR(0x205); /* vstvec */
	CLEAR(0x240); /* vsscratch */
	CLEAR(0x241); /* vsepc */
	CLEAR(0x242); /* vscause */
	CLEAR(0x243); /* vstval */
	CLEAR(0x24e); /* vsctrctl */
	CLEAR(0x250); /* vsiselect */
	CLEAR(0x280); /* vsatp */
}

/*
 * What supervisor-level interrupts have behind siselect: priorities, which a reset leaves
 * as the hart likes, and the interrupt file's delivery, threshold, pending and enabled.
 */
#define PRIORITY_FIRST 0x30
#define PRIORITIES     8

static const struct {
	uint8_t first, last;
} file_registers[] = {{0x70, 0x72}, {0x80, 0xff}};

static unsigned long priorities[PRIORITIES];
static bool learned; /* all harts begin with the boot hart's */

static void learn_priorities(void)
{
	for (unsigned long i = 0; i < PRIORITIES && !learned; i++)
		if (guarded("csrw 0x150, %1", "r"(PRIORITY_FIRST + 2 * i)) &&
		    guarded("csrr zero, 0x151", "r"(i)))
			priorities[i] = csr_read(0x151);
	learned = true;
}

static void reset_priorities(void)
{
	for (unsigned long i = 0; i < PRIORITIES; i++)
		if (guarded("csrw 0x150, %1", "r"(PRIORITY_FIRST + 2 * i)))
			(void)guarded("csrw 0x151, %1", "r"(priorities[i]));
}

#define CLEAR_SELECTED(select, value)                                                    \
	for (unsigned i = 0; i < ARRAY_LENGTH(file_registers); i++)                      \
		for (unsigned long n = file_registers[i].first;                          \
		     n <= file_registers[i].last; n += 2)                                \
			if (guarded("csrw " select ", %1", "r"(n)))                      \
				(void)guarded("csrw " value ", %1", "r"(0ul));

/* A guest's interrupt file is chosen by hstatus.VGEIN; there are as many as stick. */
static void clear_interrupt_files(void)
{
	if (!guarded("csrr zero, 0x150", "r"(0ul)))
		return;
	CLEAR_SELECTED("0x150", "0x151")
	for (unsigned long file = 1; file <= HSTATUS_VGEIN_MAX; file++) {
		const unsigned long chosen = file << HSTATUS_VGEIN_SHIFT;

		if (!guarded("csrw " CSR_TEXT(CSR_HSTATUS) ", %1", "r"(chosen)) ||
		    (csr_read(CSR_HSTATUS) & HSTATUS_VGEIN) != chosen)
			return;
		CLEAR_SELECTED("0x250", "0x251")
	}
}

void extensions_clear(void)
{
	const unsigned long never = UINT64_MAX;

	reset_priorities();
	clear_interrupt_files();
	(void)guarded(SCTRCLR, "r"(0ul));
	(void)guarded("csrw " CSR_TEXT(CSR_VSTIMECMP) ", %1", "r"(never));
	clear_supervisors();
	clear_virtual_supervisors();
	clear_hypervisors();
}

/* ---- all of it ---- */

bool extensions_close(const char **why)
{
	extensions_set_environment(0);
	close_state();
	learn_priorities();
	extensions_clear();
	return close_hypervisor(why);
}
