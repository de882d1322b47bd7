/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a guest may not execute: every CSR of the hypervisor's and of M-mode's,
 * every instruction of the hypervisor extension, tried from S-mode and U-mode.
 *
 * A guest that is shown no such thing gets illegal-instruction exceptions for
 * it (cause 2) and nothing else; least of all does it get an answer. What it
 * may read is listed here by number; a new number is a new decision.
 */
#include "guests/hostile/attack.h"
#include "guests/lib/console.h"
#include "guests/lib/context.h"
#include "guests/lib/csr.h"
#include "guests/lib/platform.h"
#include "guests/lib/probe.h"

#define CSR_COUNT 4096
#define EBREAK	  UINT32_C(0x00100073)
/* QEMU 10.0 leaves an older value in stval for this one. */
#define MRET UINT32_C(0x30200073)

enum { FROM_USER = 1, FROM_SUPERVISOR = 2, FROM_BOTH = 3 };

static const struct {
	unsigned first;
	unsigned last;
	unsigned from;
} readable[] = {
	{0x001, 0x003, FROM_BOTH},	 /* fflags, frm, fcsr */
	{0xc00, 0xc02, FROM_BOTH},	 /* cycle, time, instret */
	{0x100, 0x100, FROM_SUPERVISOR}, /* sstatus */
	{0x104, 0x106, FROM_SUPERVISOR}, /* sie, stvec, scounteren */
	{0x10a, 0x10a, FROM_SUPERVISOR}, /* senvcfg */
	{0x140, 0x144, FROM_SUPERVISOR}, /* sscratch to sip */
	{0x14d, 0x14d, FROM_SUPERVISOR}, /* stimecmp */
	{0x180, 0x180, FROM_SUPERVISOR}, /* satp */
};

/* Illegal for every guest, in either of its modes. rd, rs1 = a0, rs2 = a1. */
static const struct {
	uint32_t instruction;
	const char *name;
	bool of_h; /* illegal in HS-mode no more, or a page fault instead */
} forbidden[] = {
	{0x60054573, "hlv.b", false},	    {0x60154573, "hlv.bu", false},
	{0x64054573, "hlv.h", false},	    {0x64154573, "hlv.hu", false},
	{0x64354573, "hlvx.hu", true},	    {0x68054573, "hlv.w", false},
	{0x68154573, "hlv.wu", false},	    {0x68354573, "hlvx.wu", true},
	{0x6c054573, "hlv.d", false},	    {0x62b54073, "hsv.b", false},
	{0x66b54073, "hsv.h", false},	    {0x6ab54073, "hsv.w", false},
	{0x6eb54073, "hsv.d", false},	    {0x22b50073, "hfence.vvma", true},
	{0x22000073, "hfence.vvma", true},  {0x62b50073, "hfence.gvma", false},
	{0x62000073, "hfence.gvma", false}, {0x26b50073, "hinval.vvma", true},
	{0x66b50073, "hinval.gvma", false}, {MRET, "mret", false},
	{0x70200073, "mnret", false},	    {0x7b200073, "dret", false},
	{0x00200073, "uret", false},	    {0xffffffff, "all ones", false},
};

/*
 * Illegal from U-mode alone. Not so, on QEMU 10.0 with Svinval, are
 * sfence.w.inval and sfence.inval.ir: it lets U-mode execute these two, which do
 * nothing. Where Svinval is not shown they are as illegal as the rest.
 */
static const struct {
	uint32_t instruction;
	const char *name;
} supervisors[] = {
	{0x10200073, "sret"},	    {0x12000073, "sfence.vma"},
	{0x12b50073, "sfence.vma"}, {0x16b50073, "sinval.vma"},
	{0x18002573, "csrr satp"},  {0x18051073, "csrw satp"},
	{0x10500073, "wfi"},
};

static const uint32_t sfence_w_inval = 0x18000073, sfence_inval_ir = 0x18100073;

static uint32_t code[2] __attribute__((aligned(8)));

uint64_t run_one_at(uint32_t instruction, unsigned how, uint64_t value,
		    struct context *context)
{
	uint64_t at = context->x[REG_A0];

	code[0] = instruction;
	code[1] = EBREAK;
	fence_instructions();
	*context = (struct context){.pc = (uintptr_t)code};
	context->x[REG_A0] = at;
	context->x[REG_A1] = value;
	context->sstatus = probe_sstatus(how);
	context_run(context);
	context_init();
	return context->cause;
}

uint64_t run_one(uint32_t instruction, unsigned how, uint64_t value,
		 struct context *context)
{
	context->x[REG_A0] = (uintptr_t)code;
	return run_one_at(instruction, how, value, context);
}

static const char *mode_name(unsigned how)
{
	return how & USER ? "U-mode" : "S-mode";
}

/*
 * Where a hart has H for good, nothing but hgatp traps. scountinhibit and scountovf are
 * kept from S-mode by menvcfg.CDE and mcounteren, QEMU's are not: they are 0, and stop or
 * tell of no counter but the guest's.
 */
static bool shows(unsigned csr, unsigned how)
{
	if (how & USER)
		return false;
	if (csr == 0x120 || csr == 0xda0)
		return attack_shows('c');
	if (csr == 0x150 || csr == 0x151 || csr == 0xdb0)
		return attack_shows('a');
	return attack_shows('h') && csr != 0x680 && ((csr >> 8 & 3) == 2);
}

static bool may_read(unsigned csr, unsigned how)
{
	unsigned from = how & USER ? FROM_USER : FROM_SUPERVISOR;

	for (unsigned i = 0; i < ARRAY_LENGTH(readable); i++)
		if (csr >= readable[i].first && csr <= readable[i].last)
			return readable[i].from & from;
	return shows(csr, how);
}

/* rd = a2, rs1 = a1; form 2 with x0 only reads. */
static uint32_t encode_csr(unsigned csr, unsigned form, unsigned source)
{
	return 0x73 | REG_A2 << 7 | form << 12 | source << 15 | csr << 20;
}

static void expect_illegal(uint32_t instruction, unsigned how, const char *name)
{
	struct context context;
	uint64_t cause = run_one(instruction, how, random_word(), &context);

	if (cause != CAUSE_ILLEGAL)
		breach("%s in %s: cause %lu, a2 0x%lx", name, mode_name(how), cause,
		       context.x[REG_A2]);
	else if (context.stval != instruction && context.stval != 0 &&
		 instruction != MRET)
		breach("%s in %s: stval 0x%lx", name, mode_name(how), context.stval);
}

static void try_csr(unsigned csr, unsigned how)
{
	static const unsigned forms[] = {1, 2, 3, 5, 6, 7};
	char name[24];

	if (may_read(csr, how))
		return;
	format_text(name, sizeof(name), "csr 0x%x", csr);
	expect_illegal(encode_csr(csr, 2, 0), how, name);
	expect_illegal(encode_csr(csr, random_of(forms), REG_A1), how, name);
}

/* They read as what they are: nothing of the host's shows in them. */
static void check_readable(void)
{
	struct context context;

	for (unsigned i = 0; i < ARRAY_LENGTH(readable); i++)
		for (unsigned csr = readable[i].first; csr <= readable[i].last; csr++) {
			run_one(encode_csr(csr, 2, 0), SUPERVISOR, 0, &context);
			check_value(context.x[REG_A2], csr);
		}
}

static void try_all(unsigned how)
{
	for (unsigned csr = 0; csr < CSR_COUNT; csr++)
		try_csr(csr, how);
	for (unsigned i = 0; i < ARRAY_LENGTH(forbidden); i++)
		if (!forbidden[i].of_h || !attack_shows('h') || how & USER)
			expect_illegal(forbidden[i].instruction, how, forbidden[i].name);
	for (unsigned i = 0; how & USER && i < ARRAY_LENGTH(supervisors); i++)
		expect_illegal(supervisors[i].instruction, how, supervisors[i].name);
	if (!platform_has_extension("svinval")) {
		expect_illegal(sfence_w_inval, how, "sfence.w.inval");
		expect_illegal(sfence_inval_ir, how, "sfence.inval.ir");
	}
}

void attack_privileges(void)
{
	for (uint64_t i = 0; i < attack_count(); i++) {
		check_readable();
		try_all(SUPERVISOR);
		try_all(USER);
	}
}
