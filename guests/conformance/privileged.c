/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Instructions and CSRs that are not for everyone: illegal instruction (cause
 * 2), sepc at the instruction, nothing else changed.
 *
 * stval is 0 or the instruction; with Sstvala it is the instruction. Hypervisor
 * CSRs and instructions exist only where the device tree lists `h`.
 */
#include "core/types.h"
#include "guests/conformance/check.h"
#include "guests/conformance/instructions.h"
#include "guests/lib/csr.h"
#include "guests/lib/platform.h"
#include "guests/lib/probe.h"
#include "guests/lib/sbi.h"

#define CSR_CYCLE      0xc00
#define CSR_TIME       0xc01
#define CSR_HTIMEDELTA 0x605
#define CSR_HGATP      0x680

struct instruction {
	const char *name;
	uint32_t code;
};

static void check_stval(const char *what, uint64_t seen, uint32_t instruction)
{
	uint64_t bits = (instruction & 3) == 3 ? instruction : instruction & 0xffff;

	if (seen == 0 && !platform_promises("sstvala"))
		return;
	expect_equal(what, seen, bits);
}

/* False if it did not trap as illegal at all. */
static bool traps_as_illegal(const struct instruction *instruction, unsigned how,
			     struct context *context)
{
	struct context expected;
	uint64_t at;

	registers_pattern(context);
	expected = *context;
	at = run_instructions(context, &instruction->code, 1, how);
	if (!expect_equal(instruction->name, context->cause, CAUSE_ILLEGAL))
		return false;
	expect_equal(instruction->name, context->pc, at);
	expect_registers(instruction->name, context, &expected, 0);
	return true;
}

static void expect_illegal(const struct instruction *instruction, unsigned how)
{
	struct context context;

	if (traps_as_illegal(instruction, how, &context))
		check_stval(instruction->name, context.stval, instruction->code);
}

static void expect_illegal_csr(unsigned csr, unsigned how)
{
	const struct instruction forms[] = {
		{"csrr of a CSR of higher privilege", encode_csr(CSRRS, REG_A0, csr, 0)},
		{"csrrw of a CSR of higher privilege",
		 encode_csr(CSRRW, REG_A0, csr, REG_A1)},
		{"csrrci of a CSR of higher privilege",
		 encode_csr(CSRRCI, REG_A0, csr, 1)},
	};

	for (unsigned i = 0; i < ARRAY_LENGTH(forms); i++)
		expect_illegal(&forms[i], how);
}

/* Whatever sstatus.VS says: a machine without V has no vector registers. */
static void check_no_vector(void)
{
	const struct instruction vector[] = {
		{"vsetivli", 0xc0027057},
		{"vle8.v", 0x02050007},
		{"csrr of vlenb", encode_csr(CSRRS, REG_A0, 0xc22, 0)},
		{"csrw of vcsr", encode_csr(CSRRW, 0, 0x00f, REG_A0)},
	};

	csr_set(sstatus, SSTATUS_VS);
	for (unsigned i = 0; i < ARRAY_LENGTH(vector); i++) {
		expect_illegal(&vector[i], USER);
		expect_illegal(&vector[i], SUPERVISOR);
	}
	csr_clear(sstatus, SSTATUS_VS);
}

static void check_undefined(const struct paging_mode *mode)
{
	static const struct instruction undefined[] = {
		{"all zeros", 0},
		{"all ones", 0xffffffff},
	};

	(void)mode;
	for (unsigned i = 0; i < ARRAY_LENGTH(undefined); i++) {
		expect_illegal(&undefined[i], USER);
		expect_illegal(&undefined[i], SUPERVISOR);
	}
	if (!platform_has_extension("v"))
		check_no_vector();
}

static void check_user_instructions(const struct paging_mode *mode)
{
	const struct instruction instructions[] = {
		{"sfence.vma x0, x0", encode_sfence_vma(0, 0)},
		{"sfence.vma a0, x0", encode_sfence_vma(REG_A0, 0)},
		{"sfence.vma x0, a1", encode_sfence_vma(0, REG_A1)},
		{"sfence.vma a0, a1", encode_sfence_vma(REG_A0, REG_A1)},
		{"sret", SRET},
	};

	(void)mode;
	for (unsigned i = 0; i < ARRAY_LENGTH(instructions); i++)
		expect_illegal(&instructions[i], USER);
}

static void check_user_csrs(const struct paging_mode *mode)
{
	static const unsigned csrs[] = {
		0x100 /* sstatus */,  0x104 /* sie */,
		0x105 /* stvec */,    0x106 /* scounteren */,
		0x140 /* sscratch */, 0x141 /* sepc */,
		0x142 /* scause */,   0x143 /* stval */,
		0x144 /* sip */,      CSR_SATP,
	};
	uint64_t stvec = csr_read(stvec), sscratch = csr_read(sscratch);

	(void)mode;
	for (unsigned i = 0; i < ARRAY_LENGTH(csrs); i++)
		expect_illegal_csr(csrs[i], USER);
	expect_equal("stvec afterwards", csr_read(stvec), stvec);
	expect_equal("sscratch afterwards", csr_read(sscratch), sscratch);
	expect_equal("satp afterwards", csr_read(satp), 0);
	expect_equal("sie afterwards", csr_read(sie), 0);
}

/* wfi in U-mode is illegal "unless it completes within a bounded time limit". */
static void check_user_wfi(const struct paging_mode *mode)
{
	struct context context = {.pc = 0};
	const uint32_t wfi = WFI;
	uint64_t at;

	(void)mode;
	at = run_instructions(&context, &wfi, 1, USER);
	if (context.cause == CAUSE_BREAKPOINT) {
		expect_equal("sepc behind wfi", context.pc, at + 4);
		return;
	}
	expect_equal("scause of wfi", context.cause, CAUSE_ILLEGAL);
	expect_equal("sepc of wfi", context.pc, at);
	check_stval("stval of wfi", context.stval, WFI);
}

static void check_machine_csrs(const struct paging_mode *mode)
{
	static const unsigned csrs[] = {
		0x300 /* mstatus */,  0x301 /* misa */,	  0x302 /* medeleg */,
		0x303 /* mideleg */,  0x304 /* mie */,	  0x305 /* mtvec */,
		0x340 /* mscratch */, 0x341 /* mepc */,	  0x342 /* mcause */,
		0x343 /* mtval */,    0x344 /* mip */,	  0x3a0 /* pmpcfg0 */,
		0x3b0 /* pmpaddr0 */, 0xb00 /* mcycle */, 0xf11 /* mvendorid */,
		0xf14 /* mhartid */,
	};

	(void)mode;
	for (unsigned i = 0; i < ARRAY_LENGTH(csrs); i++) {
		expect_illegal_csr(csrs[i], SUPERVISOR);
		expect_illegal_csr(csrs[i], USER);
	}
}

/* QEMU 10.0 leaves an earlier instruction's bits in stval for mret. */
static void check_mret(const struct paging_mode *mode)
{
	static const struct instruction mret = {"mret", MRET};
	struct context context;

	(void)mode;
	for (unsigned how = SUPERVISOR; how <= USER; how++) {
		if (!traps_as_illegal(&mret, how, &context))
			continue;
		if (context.stval != 0 && context.stval != MRET)
			deviation("mret leaves another instruction's bits in stval");
		else
			check_stval("stval of mret", context.stval, MRET);
	}
}

/* CSR numbers that start with 0b11 are read-only. */
static void check_read_only_csr(const struct paging_mode *mode)
{
	const struct instruction writes[] = {
		{"csrrw of time", encode_csr(CSRRW, 0, CSR_TIME, REG_A1)},
		{"csrrs of time", encode_csr(CSRRS, REG_A0, CSR_TIME, REG_A1)},
		{"csrrci of time", encode_csr(CSRRCI, 0, CSR_TIME, 1)},
	};

	(void)mode;
	for (unsigned i = 0; i < ARRAY_LENGTH(writes); i++) {
		expect_illegal(&writes[i], SUPERVISOR);
		expect_illegal(&writes[i], USER);
	}
}

static const unsigned hypervisor_csrs[] = {
	0x600 /* hstatus */, 0x602 /* hedeleg */,    0x603 /* hideleg */,
	0x604 /* hie */,     0x606 /* hcounteren */, 0x607 /* hgeie */,
	CSR_HTIMEDELTA,	     0x60a /* henvcfg */,    0x643 /* htval */,
	0x644 /* hip */,     0x645 /* hvip */,	     0x64a /* htinst */,
	CSR_HGATP,	     0x200 /* vsstatus */,   0x204 /* vsie */,
	0x205 /* vstvec */,  0x240 /* vsscratch */,  0x241 /* vsepc */,
	0x242 /* vscause */, 0x243 /* vstval */,     0x244 /* vsip */,
	0x280 /* vsatp */,
};

/* OpenSBI emulates htimedelta for S-mode even on a hart without H. */
static bool emulated_by_opensbi(unsigned csr)
{
	if (csr != CSR_HTIMEDELTA || !sbi_is_opensbi())
		return false;
	deviation("OpenSBI emulates htimedelta without H");
	return true;
}

/*
 * A hart may have H for good, and no way to keep its CSRs from S-mode. A machine that
 * lists none has nothing behind them then: they hold nothing, and nothing is reached.
 */
static bool hypervisor_shows(void)
{
	const uint32_t read = encode_csr(CSRRS, REG_A0, 0x600 /* hstatus */, 0);
	struct context context = {.pc = 0};

	run_instructions(&context, &read, 1, SUPERVISOR);
	if (context.cause != CAUSE_BREAKPOINT)
		return false;
	deviation("CSRs of the hypervisor extension, which is not listed");
	return true;
}

static void check_hypervisor_csrs(const struct paging_mode *mode)
{
	bool shows = platform_has_extension("h") || hypervisor_shows();

	(void)mode;
	for (unsigned i = 0; i < ARRAY_LENGTH(hypervisor_csrs); i++) {
		uint32_t read = encode_csr(CSRRS, REG_A0, hypervisor_csrs[i], 0);
		struct context context = {.pc = 0};

		expect_illegal_csr(hypervisor_csrs[i], USER);
		if (!shows) {
			if (!emulated_by_opensbi(hypervisor_csrs[i]))
				expect_illegal_csr(hypervisor_csrs[i], SUPERVISOR);
			continue;
		}
		run_instructions(&context, &read, 1, SUPERVISOR);
		if (hypervisor_csrs[i] != CSR_HGATP || platform_has_extension("h"))
			expect_equal("read of a hypervisor CSR", context.cause,
				     CAUSE_BREAKPOINT);
		else
			expect_equal("read of hgatp", context.cause, CAUSE_ILLEGAL);
	}
}

static void check_hypervisor_instructions(const struct paging_mode *mode)
{
	static const struct instruction instructions[] = {
		{"hfence.gvma", 0x62000073}, {"hlv.d", 0x6c054573},
		{"hsv.d", 0x6eb54073},	     {"hfence.vvma", 0x22000073},
		{"hlvx.wu", 0x68354573},
	};
	unsigned count = ARRAY_LENGTH(instructions);

	(void)mode;
	if (platform_has_extension("h")) {
		skip("the hypervisor extension is there");
		return;
	}
	/* The last two may have to be let do what they do: nothing, or a page fault. */
	if (hypervisor_shows())
		count -= 2;
	for (unsigned i = 0; i < count; i++) {
		expect_illegal(&instructions[i], SUPERVISOR);
		expect_illegal(&instructions[i], USER);
	}
}

/* scounteren decides what U-mode may read; S-mode is not concerned. */
static void check_counters(const struct paging_mode *mode)
{
	const struct instruction rdcycle = {"rdcycle",
					    encode_csr(CSRRS, REG_A0, CSR_CYCLE, 0)};
	const uint32_t rdtime = encode_csr(CSRRS, REG_A0, CSR_TIME, 0);
	const struct instruction forbidden = {"rdtime with TM clear", rdtime};
	uint64_t before = csr_read(scounteren), now = time_now();
	struct context context = {.pc = 0};

	(void)mode;
	csr_write(scounteren, 2);
	expect_illegal(&rdcycle, USER);
	run_instructions(&context, &rdtime, 1, USER);
	expect_equal("scause of rdtime", context.cause, CAUSE_BREAKPOINT);
	expect_true("a later time in U-mode", context.x[REG_A0] >= now);
	expect_true("an earlier time in U-mode", context.x[REG_A0] <= time_now());
	csr_write(scounteren, 5);
	run_instructions(&context, &rdtime, 1, USER);
	if (context.cause == CAUSE_BREAKPOINT && sbi_is_opensbi())
		deviation("OpenSBI emulates rdtime though scounteren.TM is clear");
	else
		expect_illegal(&forbidden, USER);
	csr_write(scounteren, before);
}

static const struct check checks[] = {
	{"instructions that are none", check_undefined},
	{"supervisor instructions in U-mode", check_user_instructions},
	{"supervisor CSRs in U-mode", check_user_csrs},
	{"wfi in U-mode", check_user_wfi},
	{"machine CSRs", check_machine_csrs},
	{"mret", check_mret},
	{"read-only CSRs", check_read_only_csr},
	{"hypervisor CSRs", check_hypervisor_csrs},
	{"hypervisor instructions", check_hypervisor_instructions},
	{"counters in U-mode", check_counters},
};

const struct group privileged_group = {"privileged", checks, ARRAY_LENGTH(checks), false};
