/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Random instructions, from a table of {mask, match}: the bits under the mask
 * are fixed, all others are noise. See generate.h; encodings are those of the
 * unprivileged and privileged specifications' instruction listings.
 */
#include "guests/hostile/generate.h"

#include "guests/hostile/attack.h"

#define CSR_FORM_MASK 0x707fU
#define ECALL	      0x00000073U
#define SFENCE_VMA    0x12000073U

static const struct {
	uint32_t mask;
	uint32_t match;
} shapes[] = {
	{0x7f, 0x73},		  /* SYSTEM, of any kind */
	{0xffffffff, 0x10200073}, /* sret */
	{0xffffffff, 0x30200073}, /* mret */
	{0xffffffff, 0x70200073}, /* mnret */
	{0xffffffff, 0x10500073}, /* wfi */
	{0xffffffff, 0x00d00073}, /* wrs.nto */
	{0xffffffff, 0x01d00073}, /* wrs.sto */
	{0xffffffff, 0x00000073}, /* ecall */
	{0xffffffff, 0x00100073}, /* ebreak */
	{0xfe007fff, 0x12000073}, /* sfence.vma */
	{0xfe007fff, 0x16000073}, /* sinval.vma */
	{0xffffffff, 0x18000073}, /* sfence.w.inval */
	{0xffffffff, 0x18100073}, /* sfence.inval.ir */
	{0xfe007fff, 0x22000073}, /* hfence.vvma */
	{0xfe007fff, 0x62000073}, /* hfence.gvma */
	{0xfe007fff, 0x26000073}, /* hinval.vvma */
	{0xfe007fff, 0x66000073}, /* hinval.gvma */
	{0xfff0707f, 0x60004073}, /* hlv.b */
	{0xfff0707f, 0x64104073}, /* hlv.hu */
	{0xfff0707f, 0x64304073}, /* hlvx.hu */
	{0xfff0707f, 0x68304073}, /* hlvx.wu */
	{0xfff0707f, 0x6c004073}, /* hlv.d */
	{0xfe007fff, 0x62004073}, /* hsv.b */
	{0xfe007fff, 0x6e004073}, /* hsv.d */
	{0xb3c0707f, 0x81c04073}, /* mop.r */
	{0x0000707f, 0x0000202f}, /* AMO of words, of any kind */
	{0x0000707f, 0x0000302f}, /* ... of doublewords */
	{0xf9f0707f, 0x1000202f}, /* lr.w */
	{0xf9f0707f, 0x1000302f}, /* lr.d */
	{0xf800707f, 0x1800202f}, /* sc.w */
	{0xf800707f, 0x1800302f}, /* sc.d */
	{0x0000007f, 0x00000003}, /* loads */
	{0x0000007f, 0x00000023}, /* stores */
	{0x0000007f, 0x00000007}, /* FP and vector loads */
	{0x0000007f, 0x00000027}, /* FP and vector stores */
	{0x0000007f, 0x00000053}, /* OP-FP */
	{0x0000007f, 0x00000043}, /* FMADD */
	{0x0000007f, 0x00000057}, /* OP-V */
	{0x0000707f, 0x00007057}, /* vsetvli and its like */
	{0xfff07fff, 0x0000200f}, /* cbo.inval */
	{0xfff07fff, 0x0010200f}, /* cbo.clean */
	{0xfff07fff, 0x0020200f}, /* cbo.flush */
	{0xfff07fff, 0x0040200f}, /* cbo.zero */
	{0x0000007f, 0x0000000f}, /* MISC-MEM */
	{0xffffffff, 0x0000100f}, /* fence.i */
	{0x0000007f, 0x00000013}, /* OP-IMM */
	{0x0000007f, 0x0000001b}, /* OP-IMM-32 */
	{0x0000007f, 0x00000033}, /* OP */
	{0x0000007f, 0x0000003b}, /* OP-32 */
	{0x0000007f, 0x00000017}, /* auipc */
	{0x0000007f, 0x00000037}, /* lui */
	{0x0000007f, 0x00000063}, /* branches */
	{0x0000707f, 0x00000067}, /* jalr */
	{0x8000007f, 0x0000006f}, /* jal, forwards */
};

static const uint16_t csrs[] = {
	/* S, with what its extensions add */
	0x100,
	0x104,
	0x105,
	0x106,
	0x10a,
	0x10c,
	0x10d,
	0x120,
	0x140,
	0x141,
	0x142,
	0x143,
	0x144,
	0x14d,
	0x14e,
	0x14f,
	0x150,
	0x151,
	0x152,
	0x15c,
	0x15f,
	0x180,
	0x181,
	0x5a8,
	0xda0,
	0xdb0,
	/* H and VS */
	0x600,
	0x602,
	0x603,
	0x604,
	0x605,
	0x606,
	0x607,
	0x608,
	0x609,
	0x60a,
	0x60c,
	0x643,
	0x644,
	0x645,
	0x646,
	0x647,
	0x64a,
	0x680,
	0x6a8,
	0xe12,
	0x200,
	0x204,
	0x205,
	0x240,
	0x241,
	0x242,
	0x243,
	0x244,
	0x24d,
	0x24e,
	0x250,
	0x251,
	0x25c,
	0x280,
	0xeb0,
	/* M and debug */
	0x300,
	0x301,
	0x302,
	0x303,
	0x304,
	0x305,
	0x306,
	0x30a,
	0x340,
	0x341,
	0x342,
	0x343,
	0x344,
	0x34a,
	0x34b,
	0x350,
	0x351,
	0x3a0,
	0x3b0,
	0x740,
	0x744,
	0x747,
	0x7a0,
	0x7a1,
	0x7b0,
	0x7b1,
	0xb00,
	0xb02,
	0xf11,
	0xf12,
	0xf13,
	0xf14,
	0xfb0,
	/* U */
	0x001,
	0x002,
	0x003,
	0x008,
	0x009,
	0x00a,
	0x00f,
	0x011,
	0x015,
	0x017,
	0xc00,
	0xc01,
	0xc02,
	0xc03,
	0xc1f,
	0xc20,
	0xc21,
	0xc22,
};

/* sstatus, sie, stvec, sscratch, stimecmp, satp, and hstatus (SPV): the way back. */
static const uint16_t needed[] = {0x100, 0x104, 0x105, 0x140, 0x14d, 0x180, 0x600};

unsigned random_csr(void)
{
	return one_in(3) ? random_below(4096) : random_of(csrs);
}

static bool is_needed(unsigned csr)
{
	for (unsigned i = 0; i < ARRAY_LENGTH(needed); i++)
		if (needed[i] == csr)
			return true;
	return false;
}

static uint32_t random_csr_access(bool wild)
{
	unsigned csr = random_csr();
	uint32_t instruction = ((uint32_t)random_word() & 0xfffff) | csr << 20;
	uint32_t form = 1 + random_below(3) + (one_in(3) ? 4 : 0);

	instruction = (instruction & ~CSR_FORM_MASK) | form << 12 | 0x73;
	/* csrrs with x0 does not write. */
	if (!wild && is_needed(csr))
		instruction = (instruction & ~UINT32_C(0xff07f)) | 0x2073;
	return instruction;
}

static uint32_t random_half(void)
{
	uint32_t half = (uint32_t)random_word() & 0xffff;

	return (half & 3) == 3 ? half & ~UINT32_C(1) : half;
}

uint32_t random_instruction(bool wild)
{
	uint32_t noise = (uint32_t)random_word();
	unsigned kind = random_below(16);
	unsigned shape = random_below(ARRAY_LENGTH(shapes));

	if (kind == 0)
		return noise;
	if (kind < 4)
		return random_half() | random_half() << 16;
	if (kind < 8)
		return random_csr_access(wild);
	noise = (noise & ~shapes[shape].mask) | shapes[shape].match;
	/* The SBI could put off the timer that ends a stream. */
	return !wild && noise == ECALL ? SFENCE_VMA : noise;
}
