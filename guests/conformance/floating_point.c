/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Floating-point registers and sstatus.FS.
 *
 * The registers belong to the hart and survive whatever happens below it. FS=Off
 * makes every floating-point instruction illegal; writing a register makes FS
 * dirty (a hart may be imprecise in the other direction and say dirty early).
 */
#include "core/types.h"
#include "guests/conformance/check.h"
#include "guests/conformance/fp_registers.h"
#include "guests/conformance/instructions.h"
#include "guests/conformance/scene.h"
#include "guests/lib/sbi.h"
#include "guests/lib/string.h"

#define CALLS 10000

#define FLD_FA0 0x00053507U /* fld fa0, 0(a0) */
#define FSD_FA0 0x00a53027U /* fsd fa0, 0(a0) */
#define FADD_D	0x02a57553U /* fadd.d fa0, fa0, fa0 */
#define FMV_X_D 0xe2050553U /* fmv.x.d a0, fa0 */
#define FMV_D_X 0xf2050553U /* fmv.d.x fa0, a0 */
#define FRCSR	0x00302573U /* csrr a0, fcsr */
#define FSCSR	0x00351073U /* csrw fcsr, a0 */
#define C_FLD	0x00012108U /* c.fld fa0, 0(a0); c.nop */

static void fill(struct fp_registers *values, uint64_t seed)
{
	for (unsigned n = 0; n < 32; n++)
		values->f[n] = seed * (n + 1) ^ (uint64_t)n << 56;
	values->fcsr = seed & 0x1f; /* flags; rounding mode: to nearest */
}

static void expect_kept(const char *what, const struct fp_registers *expected)
{
	struct fp_registers seen;

	memset(&seen, 0, sizeof(seen));
	fp_store(&seen);
	for (unsigned n = 0; n < 32; n++)
		if (!expect_equal(what, seen.f[n], expected->f[n]))
			return;
	expect_equal("fcsr", seen.fcsr, expected->fcsr);
}

static void check_survive_calls(const struct paging_mode *mode)
{
	struct fp_registers values;

	(void)mode;
	fill(&values, UINT64_C(0x0123456789abcdef));
	fp_load(&values);
	for (unsigned i = 0; i < CALLS; i++)
		SBI_CALL(SBI_EXT_BASE, SBI_BASE_SPEC_VERSION, 0);
	expect_kept("register after many SBI calls", &values);
}

/* Traps, fences, switches of satp and U-mode in between. */
static void exercise(const struct paging_mode *mode)
{
	struct space space;
	struct fp_registers values;

	space_init(&space, mode, nth_asid(mode, 1));
	space_map(&space, window(mode, WINDOW), 0, frame_new(1), PTE_USER);
	for (unsigned i = 0; i < 50; i++) {
		fill(&values, UINT64_C(0x9e3779b97f4a7c15) * (i + 1));
		fp_load(&values);
		space_start(&space);
		expect("mapped", LD, window(mode, WINDOW), USER, 1);
		expect("unmapped", LD, window(mode, WINDOW + 1), USER, PAGE_FAULT);
		fence_va(window(mode, WINDOW));
		expect("mapped", FETCH, window(mode, WINDOW), USER, 1);
		space_leave();
		expect_kept("register after traps and fences", &values);
	}
}

static void check_survive_traps(const struct paging_mode *mode)
{
	(void)mode;
	for (unsigned i = 0; i < PAGING_MODES; i++)
		if (paging_supported(&paging_modes[i]))
			exercise(&paging_modes[i]);
}

static void set_fs(uint64_t fs)
{
	csr_clear(sstatus, SSTATUS_FS);
	csr_set(sstatus, fs);
}

/*
 * Run one instruction with this FS; what FS was when it trapped, and SD if FS was
 * dirty (SD may have other reasons).
 */
static uint64_t fs_after(uint32_t instruction, uint64_t fs, struct context *context)
{
	/* Aligned, since its address goes to fcsr too: rounding mode 0, no flags. */
	static uint64_t memory __attribute__((aligned(256)));

	set_fs(fs);
	registers_pattern(context);
	context->x[REG_A0] = (uintptr_t)&memory;
	run_instructions(context, &instruction, 1, SUPERVISOR);
	if ((context->sstatus & SSTATUS_FS) == SSTATUS_FS_DIRTY)
		return context->sstatus & (SSTATUS_FS | SSTATUS_SD);
	return context->sstatus & SSTATUS_FS;
}

static void check_dirty(const struct paging_mode *mode)
{
	static const uint32_t writers[] = {FLD_FA0, FMV_D_X, FADD_D, FSCSR, C_FLD};
	static const uint32_t readers[] = {FSD_FA0, FMV_X_D, FRCSR, 0x13 /* nop */};
	static const uint64_t clean[] = {SSTATUS_FS_INITIAL, SSTATUS_FS_CLEAN};
	struct context context;

	(void)mode;
	for (unsigned c = 0; c < ARRAY_LENGTH(clean); c++) {
		for (unsigned i = 0; i < ARRAY_LENGTH(writers); i++) {
			expect_equal("FS and SD after a write",
				     fs_after(writers[i], clean[c], &context),
				     SSTATUS_FS_DIRTY | SSTATUS_SD);
			expect_equal("scause", context.cause, CAUSE_BREAKPOINT);
		}
		for (unsigned i = 0; i < ARRAY_LENGTH(readers); i++) {
			uint64_t fs = fs_after(readers[i], clean[c], &context);

			expect_equal("scause", context.cause, CAUSE_BREAKPOINT);
			expect_true("FS kept or dirty after a read",
				    fs == clean[c] ||
					    fs == (SSTATUS_FS_DIRTY | SSTATUS_SD));
		}
	}
	set_fs(SSTATUS_FS_DIRTY);
	expect_equal("SD with FS dirty", csr_read(sstatus) & SSTATUS_SD, SSTATUS_SD);
}

static void check_off(const struct paging_mode *mode)
{
	static const uint32_t instructions[] = {FLD_FA0, FSD_FA0, FADD_D, FMV_X_D,
						FMV_D_X, FRCSR,	  FSCSR,  C_FLD};
	struct fp_registers values;

	(void)mode;
	fill(&values, 0x1357);
	fp_load(&values);
	for (unsigned i = 0; i < ARRAY_LENGTH(instructions); i++) {
		for (unsigned how = SUPERVISOR; how <= USER; how++) {
			struct context context = {.pc = 0};
			uint64_t at;

			set_fs(0);
			at = run_instructions(&context, &instructions[i], 1, how);
			expect_equal("scause with FS off", context.cause, CAUSE_ILLEGAL);
			expect_equal("sepc with FS off", context.pc, at);
			expect_equal("FS after it", context.sstatus & SSTATUS_FS, 0);
		}
	}
	set_fs(SSTATUS_FS_CLEAN);
	expect_kept("register while FS was off", &values);
}

/* SBI calls leave sstatus alone, FS included; a dirty hart stays dirty. */
static void check_calls_keep_fs(const struct paging_mode *mode)
{
	static const uint64_t states[] = {0, SSTATUS_FS_DIRTY};

	(void)mode;
	for (unsigned i = 0; i < ARRAY_LENGTH(states); i++) {
		set_fs(states[i]);
		SBI_CALL(SBI_EXT_BASE, SBI_BASE_SPEC_VERSION, 0);
		expect_equal("FS after an SBI call", csr_read(sstatus) & SSTATUS_FS,
			     states[i]);
	}
	set_fs(SSTATUS_FS_CLEAN);
}

static const struct check checks[] = {
	{"registers survive 10000 SBI calls", check_survive_calls},
	{"registers survive traps and fences", check_survive_traps},
	{"FS becomes dirty", check_dirty},
	{"FS off", check_off},
	{"SBI calls keep FS", check_calls_keep_fs},
};

const struct group floating_point_group = {"floating point", checks, ARRAY_LENGTH(checks),
					   false};
