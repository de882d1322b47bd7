/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Entering and leaving traps: sstatus, sepc, stval, stvec, sret.
 *
 * A trap sets SPP to where it came from, SPIE to SIE, and SIE to 0; sret undoes
 * it and leaves SPIE = 1 and SPP = U. Interrupts are masked in sie, so SIE may
 * be set at will here.
 */
#include "core/types.h"
#include "guests/conformance/check.h"
#include "guests/conformance/instructions.h"
#include "guests/lib/csr.h"
#include "guests/lib/probe.h"

#define CSR_SSTATUS 0x100
#define C_EBREAK    0x9002

extern char vector_table[];
extern uint64_t vectored_marker;

static void check_trap_sstatus(const struct paging_mode *mode)
{
	static const uint32_t nop = 0x13;

	(void)mode;
	for (unsigned how = 0; how <= (USER | SUM | MXR | INTERRUPTS); how++) {
		struct context context = {.pc = 0};

		run_instructions(&context, &nop, 1, how);
		expect_equal("scause", context.cause, CAUSE_BREAKPOINT);
		expect_equal("SPP after a trap", context.sstatus & SSTATUS_SPP,
			     how & USER ? 0 : SSTATUS_SPP);
		expect_equal("SPIE after a trap", context.sstatus & SSTATUS_SPIE,
			     how & INTERRUPTS ? SSTATUS_SPIE : 0);
		expect_equal("SIE after a trap", context.sstatus & SSTATUS_SIE, 0);
		expect_equal("SUM after a trap", context.sstatus & SSTATUS_SUM,
			     how & SUM ? SSTATUS_SUM : 0);
		expect_equal("MXR after a trap", context.sstatus & SSTATUS_MXR,
			     how & MXR ? SSTATUS_MXR : 0);
	}
}

static void check_sret_sstatus(const struct paging_mode *mode)
{
	const uint32_t read = encode_csr(CSRRS, REG_A0, CSR_SSTATUS, 0);

	(void)mode;
	for (unsigned on = 0; on < 2; on++) {
		struct context context = {.pc = 0};

		run_instructions(&context, &read, 1, on ? INTERRUPTS : SUPERVISOR);
		expect_equal("SPP after sret", context.x[REG_A0] & SSTATUS_SPP, 0);
		expect_equal("SPIE after sret", context.x[REG_A0] & SSTATUS_SPIE,
			     SSTATUS_SPIE);
		expect_equal("SIE after sret", context.x[REG_A0] & SSTATUS_SIE,
			     on ? SSTATUS_SIE : 0);
	}
}

/* An ecall from U-mode: cause 8, stval 0, sepc at the ecall, registers as they were. */
static void check_user_ecall(const struct paging_mode *mode)
{
	static const uint32_t ecall = ECALL;
	struct context context, expected;
	uint64_t at;

	(void)mode;
	for (unsigned i = 0; i < 16; i++) {
		registers_pattern(&context);
		context.x[REG_A7] = i; /* as if it were an SBI call */
		expected = context;
		at = run_instructions(&context, &ecall, 1, USER);
		expect_equal("scause", context.cause, CAUSE_USER_ECALL);
		expect_equal("sepc", context.pc, at);
		expect_equal("stval", context.stval, 0);
		expect_registers("ecall from U-mode", &context, &expected, 0);
	}
}

static void check_breakpoints(const struct paging_mode *mode)
{
	static const uint32_t instructions[] = {EBREAK, C_EBREAK};

	(void)mode;
	for (unsigned i = 0; i < ARRAY_LENGTH(instructions); i++) {
		for (unsigned how = SUPERVISOR; how <= USER; how++) {
			struct context context = {.pc = 0};
			uint64_t at =
				run_instructions(&context, &instructions[i], 1, how);

			expect_equal("scause", context.cause, CAUSE_BREAKPOINT);
			expect_equal("sepc", context.pc, at);
			expect_true("stval of a breakpoint 0 or its address",
				    context.stval == 0 || context.stval == at);
		}
	}
}

/* "The low bit of sepc (sepc[0]) is always zero." QEMU up to 10.0 keeps it. */
static void check_sepc(const struct paging_mode *mode)
{
	static const uint64_t values[] = {0, 2, 0x80200000, 0x3ffffffffe};

	(void)mode;
	for (unsigned i = 0; i < ARRAY_LENGTH(values); i++) {
		csr_write(sepc, values[i]);
		expect_equal("sepc", csr_read(sepc), values[i]);
		csr_write(sepc, values[i] | 1);
		if (csr_read(sepc) == (values[i] | 1))
			deviation("sepc keeps its lowest bit");
		else
			expect_equal("sepc with bit 0 written", csr_read(sepc),
				     values[i]);
	}
}

static void check_scratch_registers(const struct paging_mode *mode)
{
	uint64_t context = csr_read(sscratch);

	(void)mode;
	for (unsigned bit = 0; bit < 64; bit++) {
		uint64_t value = UINT64_C(1) << bit;

		csr_write(sscratch, value);
		expect_equal("what csrrw of sscratch returned",
			     csr_swap(sscratch, context), value);
		expect_equal("sscratch", csr_read(sscratch), context);
	}
	csr_write(scause, CAUSE_TIMER_INTERRUPT);
	expect_equal("scause", csr_read(scause), CAUSE_TIMER_INTERRUPT);
	csr_write(stval, 0x80200004);
	expect_equal("stval", csr_read(stval), 0x80200004);
}

static void check_stvec(const struct paging_mode *mode)
{
	uint64_t vector = csr_read(stvec);

	(void)mode;
	csr_write(stvec, vector + 0x1000);
	expect_equal("stvec", csr_read(stvec), vector + 0x1000);
	expect_equal("what csrrw of stvec returned", csr_swap(stvec, vector),
		     vector + 0x1000);
	expect_equal("stvec", csr_read(stvec), vector);
}

/* Vectored mode, where stvec takes it: interrupts at base + 4 * cause. */
static void check_vectored(const struct paging_mode *mode)
{
	static const uint32_t nop = 0x13;
	struct context context = {.pc = 0};
	uint64_t vector = csr_read(stvec), vectored = (uintptr_t)vector_table | 1;

	(void)mode;
	if (csr_swap(stvec, vectored) != vector || csr_read(stvec) != vectored) {
		csr_write(stvec, vector);
		skip("stvec takes no vectored mode");
		return;
	}
	vectored_marker = 0;
	run_instructions(&context, &nop, 1, SUPERVISOR);
	expect_equal("scause of an exception", context.cause, CAUSE_BREAKPOINT);
	expect_equal("entries by interrupt vector", vectored_marker, 0);
	csr_set(sip, INTERRUPT_SSI);
	csr_set(sie, INTERRUPT_SSI);
	run_instructions(&context, &nop, 1, INTERRUPTS);
	csr_clear(sie, INTERRUPT_SSI);
	csr_clear(sip, INTERRUPT_SSI);
	csr_write(stvec, vector);
	expect_equal("scause of an interrupt", context.cause, CAUSE_SOFTWARE_INTERRUPT);
	expect_equal("entries by interrupt vector", vectored_marker, 1);
}

/* What S-mode does between traps does not leak into U-mode's registers. */
static void check_registers_kept(const struct paging_mode *mode)
{
	static const uint32_t nop = 0x13;
	struct context context, expected;

	(void)mode;
	for (unsigned how = SUPERVISOR; how <= USER; how++) {
		registers_pattern(&context);
		expected = context;
		for (unsigned i = 0; i < 8; i++) {
			run_instructions(&context, &nop, 1, how);
			expect_registers("after a trap", &context, &expected, 0);
		}
	}
}

static const struct check checks[] = {
	{"sstatus after a trap", check_trap_sstatus},
	{"sstatus after sret", check_sret_sstatus},
	{"ecall from U-mode", check_user_ecall},
	{"ebreak and c.ebreak", check_breakpoints},
	{"sepc", check_sepc},
	{"sscratch, scause, stval", check_scratch_registers},
	{"stvec", check_stvec},
	{"vectored interrupts", check_vectored},
	{"registers", check_registers_kept},
};

const struct group traps_group = {"traps", checks, ARRAY_LENGTH(checks), false};
