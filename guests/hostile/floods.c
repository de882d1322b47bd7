/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Floods: of the console by each of its three ways, and of all that a hypervisor
 * might be tempted to say a line about.
 *
 * The guest may print as much as it likes; what is judged, from outside, is how
 * many lines of Gnomon's own there are between.
 */
#include "guests/hostile/attack.h"
#include "guests/hostile/generate.h"
#include "guests/lib/context.h"
#include "guests/lib/csr.h"
#include "guests/lib/paging.h"
#include "guests/lib/platform.h"
#include "guests/lib/probe.h"
#include "guests/lib/sbi.h"

#define CHUNK 256

static uint8_t noise[CHUNK];
static uint32_t code[2] __attribute__((aligned(8)));

static void fill_noise(void)
{
	for (unsigned i = 0; i < CHUNK; i++)
		noise[i] = (uint8_t)random_word();
}

static void print_byte(uint8_t byte)
{
	switch (random_below(3)) {
	case 0:
		SBI_CALL(SBI_EXT_LEGACY_PUTCHAR, 0, byte);
		break;
	case 1:
		SBI_CALL(SBI_EXT_DBCN, SBI_DBCN_WRITE_BYTE, byte);
		break;
	default:
		*(volatile uint8_t *)UART = byte;
	}
}

/* Bytes of every value, control characters and all; `count` of them. */
void attack_console(void)
{
	for (uint64_t i = 0; i < attack_count(); i++) {
		print_byte((uint8_t)random_word());
		if (one_in(4 * CHUNK)) {
			fill_noise();
			SBI_CALL(SBI_EXT_DBCN, SBI_DBCN_WRITE, CHUNK, (uintptr_t)noise,
				 0);
			i += CHUNK;
		}
	}
}

static void run_instruction(uint32_t instruction, unsigned how)
{
	struct context context = {.pc = (uintptr_t)code};

	code[0] = instruction;
	code[1] = 0x00100073; /* ebreak */
	fence_instructions();
	context.x[REG_A0] = random_vacant();
	context.sstatus = probe_sstatus(how);
	context_run(&context);
	context_init();
}

/* csrr of a CSR that is not there, an hlv, an mret, an instruction that is none. */
static void execute_nonsense(void)
{
	static const uint32_t nonsense[] = {0xffffffff, 0,	    0x30200073,
					    0x6c054573, 0x62000073, 0x0000000b};
	uint32_t csr = 0x200 + random_below(0x600);

	run_instruction(one_in(2) ? 0x00002573 | csr << 20 : random_of(nonsense),
			one_in(2) ? USER : SUPERVISOR);
}

static void call_nonsense(void)
{
	uint64_t extension = random_word() | UINT64_C(1) << 40;

	SBI_CALL(extension, random_word(), random_word(), random_word());
	SBI_CALL(SBI_EXT_RFENCE, 7 + random_below(100), random_word());
	SBI_CALL(SBI_EXT_HSM, SBI_HSM_START, random_word(), random_word());
}

static void access_nonsense(void)
{
	probe(random_below(ACCESS_COUNT), random_vacant() + random_below(64),
	      random_word(), random_below(2));
	probe(random_below(ACCESS_COUNT), PLIC + random_below(PLIC_SIZE), random_word(),
	      random_below(2));
}

static void write_nonsense_to_satp(void)
{
	csr_write(satp, (uint64_t)(11 + random_below(5)) << SATP_MODE_SHIFT |
				random_word() >> 4);
	csr_write(satp, (uint64_t)(1 + random_below(7)) << SATP_MODE_SHIFT |
				random_word() >> 4);
}

void attack_log(void)
{
	for (uint64_t i = 0; i < attack_count(); i++) {
		execute_nonsense();
		call_nonsense();
		access_nonsense();
		write_nonsense_to_satp();
	}
	recover();
}
