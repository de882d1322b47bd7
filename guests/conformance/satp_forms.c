/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * satp by every CSR instruction and every register.
 *
 * Each form returns the old value and writes what the unprivileged specification
 * says (Zicsr), the immediate ones the low PPN bits: roots lie next to each
 * other for that. csrrs and csrrc with x0 or 0 do not write; rd may be rs1.
 */
#include "core/types.h"
#include "guests/conformance/check.h"
#include "guests/conformance/instructions.h"
#include "guests/conformance/scene.h"

#define ROOTS 32 /* as many as a 5-bit immediate can tell apart */

struct scene {
	struct space spaces[ROOTS]; /* roots at consecutive pages, aligned */
	uint64_t va;
};

static struct scene scene;

static void scene_init(const struct paging_mode *mode)
{
	uint64_t roots = (uintptr_t)arena_alloc(ROOTS * PAGE_SIZE);

	scene.va = window(mode, WINDOW);
	for (unsigned i = 0; i < ROOTS; i++) {
		struct space *space = &scene.spaces[i];

		*space = (struct space){mode, (uint64_t *)(roots + i * PAGE_SIZE),
					nth_asid(mode, 1)};
		space_copy_kernel(space->root, mode);
		space_map(space, scene.va, 0, frame_new(1 + i), PTE_USER);
	}
	space_start(&scene.spaces[0]);
}

static uint64_t satp_of(unsigned root)
{
	return space_satp(&scene.spaces[root]);
}

/* Run one CSR instruction with `operand` in `source`; satp and rd afterwards. */
static void try_form(const char *what, uint32_t instruction, unsigned rd, unsigned source,
		     uint64_t operand, uint64_t old, uint64_t new)
{
	struct context context, expected;

	registers_pattern(&context);
	if (source)
		context.x[source] = operand;
	expected = context;
	if (rd)
		expected.x[rd] = old;
	csr_write(satp, old);
	run_instructions(&context, &instruction, 1, SUPERVISOR);
	expect_equal(what, csr_read(satp), new);
	expect_equal("scause", context.cause, CAUSE_BREAKPOINT);
	expect_registers(what, &context, &expected, 0);
	csr_write(satp, new);
	fence_all();
	expect(what, LD, scene.va, USER,
	       1 + (int)((new &SATP_PPN) - (satp_of(0) & SATP_PPN)));
}

static void check_register_forms(const struct paging_mode *mode)
{
	const unsigned rd = REG_A0, rs = REG_A1;

	scene_init(mode);
	try_form("csrrw", encode_csr(CSRRW, rd, CSR_SATP, rs), rd, rs, satp_of(9),
		 satp_of(3), satp_of(9));
	try_form("csrrs", encode_csr(CSRRS, rd, CSR_SATP, rs), rd, rs, 0x16, satp_of(3),
		 satp_of(0x17));
	try_form("csrrc", encode_csr(CSRRC, rd, CSR_SATP, rs), rd, rs, 0x16,
		 satp_of(0x1f), satp_of(9));
	try_form("csrrs with x0", encode_csr(CSRRS, rd, CSR_SATP, 0), rd, 0, 0,
		 satp_of(5), satp_of(5));
	try_form("csrrc with x0", encode_csr(CSRRC, rd, CSR_SATP, 0), rd, 0, 0,
		 satp_of(5), satp_of(5));
	try_form("csrrw to x0", encode_csr(CSRRW, 0, CSR_SATP, rs), 0, rs, satp_of(4),
		 satp_of(5), satp_of(4));
	try_form("csrrs to x0", encode_csr(CSRRS, 0, CSR_SATP, rs), 0, rs, 3, satp_of(4),
		 satp_of(7));
	try_form("csrrc to x0", encode_csr(CSRRC, 0, CSR_SATP, rs), 0, rs, 3, satp_of(7),
		 satp_of(4));
}

static void check_immediate_forms(const struct paging_mode *mode)
{
	const unsigned rd = REG_A0;

	scene_init(mode);
	for (unsigned i = 0; i < ROOTS; i++) {
		try_form("csrrsi", encode_csr(CSRRSI, rd, CSR_SATP, i), rd, 0, 0,
			 satp_of(8), satp_of(8 | i));
		try_form("csrrci", encode_csr(CSRRCI, rd, CSR_SATP, i), rd, 0, 0,
			 satp_of(0x1b), satp_of(0x1b & ~i));
		try_form("csrrsi to x0", encode_csr(CSRRSI, 0, CSR_SATP, i), 0, 0, 0,
			 satp_of(1), satp_of(1 | i));
	}
}

/* csrrwi with 0 is how some software turns translation off. */
static void check_immediate_bare(const struct paging_mode *mode)
{
	uint32_t instruction = encode_csr(CSRRWI, REG_A0, CSR_SATP, 0);
	struct context context, expected;
	uint64_t pa;

	scene_init(mode);
	pa = frame_pa(1);
	registers_pattern(&context);
	expected = context;
	expected.x[REG_A0] = satp_of(0);
	run_instructions(&context, &instruction, 1, SUPERVISOR);
	expect_equal("satp after csrrwi 0", csr_read(satp), 0);
	expect_registers("csrrwi 0", &context, &expected, 0);
	space_leave();
	expect("Bare", LD, pa, USER, 1);
}

/* Every register as destination and as source, and both in one. */
static void check_registers(const struct paging_mode *mode)
{
	scene_init(mode);
	for (unsigned n = 1; n < 32; n++) {
		unsigned next = n == 31 ? 1 : n + 1;

		try_form("csrrw", encode_csr(CSRRW, n, CSR_SATP, next), n, next,
			 satp_of(n), satp_of(next), satp_of(n));
		try_form("csrrw, rd is rs1", encode_csr(CSRRW, n, CSR_SATP, n), n, n,
			 satp_of(n), satp_of(0), satp_of(n));
		try_form("csrr", encode_csr(CSRRS, n, CSR_SATP, 0), n, 0, 0, satp_of(n),
			 satp_of(n));
		try_form("csrrs, rd is rs1", encode_csr(CSRRS, n, CSR_SATP, n), n, n, 1,
			 satp_of(8), satp_of(9));
	}
}

/* ASID bits by set and clear, as some context switches do it. */
static void check_asid_by_bits(const struct paging_mode *mode)
{
	unsigned bits = paging_asid_bits(mode);
	uint64_t bare_asid;

	scene_init(mode);
	bare_asid = satp_of(2) & ~SATP_ASID;
	for (unsigned bit = 0; bit < bits; bit++) {
		uint64_t asid = UINT64_C(1) << (SATP_ASID_SHIFT + bit);

		try_form("csrrs of an ASID bit",
			 encode_csr(CSRRS, REG_A0, CSR_SATP, REG_A1), REG_A0, REG_A1,
			 asid, bare_asid, bare_asid | asid);
		try_form("csrrc of an ASID bit",
			 encode_csr(CSRRC, REG_A0, CSR_SATP, REG_A1), REG_A0, REG_A1,
			 asid, bare_asid | asid, bare_asid);
	}
	if (!bits)
		skip("no ASID bits");
}

/* A switch and a fence right behind it, as one piece of code. */
static void check_switch_and_fence(const struct paging_mode *mode)
{
	const uint32_t code[] = {
		encode_csr(CSRRW, 0, CSR_SATP, REG_A1),	     encode_sfence_vma(0, 0),
		encode_csr(CSRRW, REG_A0, CSR_SATP, REG_A2), encode_sfence_vma(0, REG_A3),
		encode_csr(CSRRS, REG_A4, CSR_SATP, 0),
	};
	struct context context, expected;

	scene_init(mode);
	for (unsigned i = 2; i < ROOTS; i++) {
		registers_pattern(&context);
		context.x[REG_A1] = satp_of(i - 1);
		context.x[REG_A2] = satp_of(i);
		context.x[REG_A3] = scene.spaces[i].asid;
		expected = context;
		expected.x[REG_A0] = satp_of(i - 1);
		expected.x[REG_A4] = satp_of(i);
		run_instructions(&context, code, ARRAY_LENGTH(code), SUPERVISOR);
		expect_registers("switch and fence", &context, &expected, 0);
		expect("after switch and fence", LD, scene.va, USER, 1 + (int)i);
	}
}

static const struct check checks[] = {
	{"csrrw, csrrs, csrrc", check_register_forms},
	{"csrrsi, csrrci", check_immediate_forms},
	{"csrrwi 0", check_immediate_bare},
	{"every register", check_registers},
	{"single ASID bits", check_asid_by_bits},
	{"switch and fence in one piece", check_switch_and_fence},
};

const struct group satp_forms_group = {"satp by instruction", checks,
				       ARRAY_LENGTH(checks), true};
