/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Time, the supervisor's timer and software interrupts, and wfi.
 *
 * An interrupt that is pending and enabled is taken in U-mode always, in S-mode
 * when SIE is set; software before timer. The timer is the SBI's, and stimecmp
 * where Sstc is listed; changes of either may take a moment to show in sip.
 */
#include "core/types.h"
#include "guests/conformance/check.h"
#include "guests/conformance/instructions.h"
#include "guests/lib/csr.h"
#include "guests/lib/platform.h"
#include "guests/lib/probe.h"
#include "guests/lib/sbi.h"

#define SHORT_US     300
#define PATIENCE_US  2000000 /* how long something that has to come may take */
#define SPIN_LONG    300000000
#define SPIN_BRIEFLY 20000

/* Count a0 down to 0 under this `how`; interrupts end it early. */
static struct context spin(uint64_t count, unsigned how)
{
	const uint32_t code[] = {encode_addi(REG_A0, REG_A0, -1),
				 encode_bne(REG_A0, 0, -4)};
	struct context context, expected;
	uint64_t at;

	registers_pattern(&context);
	context.x[REG_A0] = count;
	expected = context;
	at = run_instructions(&context, code, ARRAY_LENGTH(code), how);
	expect_registers("spinning", &context, &expected, 1U << REG_A0);
	if (context.cause & CAUSE_INTERRUPT)
		expect_true("sepc in the loop",
			    context.pc - at <= 4 * ARRAY_LENGTH(code));
	return context;
}

static void expect_interrupt(const char *what, unsigned how, uint64_t cause)
{
	struct context context = spin(SPIN_LONG, how);

	expect_equal(what, context.cause, cause);
	expect_equal("stval of an interrupt", context.stval, 0);
	expect_equal("SPIE after an interrupt", context.sstatus & SSTATUS_SPIE,
		     how & INTERRUPTS ? SSTATUS_SPIE : 0);
}

static void expect_no_interrupt(const char *what, unsigned how)
{
	expect_equal(what, spin(SPIN_BRIEFLY, how).cause, CAUSE_BREAKPOINT);
}

/* Wait for these bits of sip to become `wanted`. */
static void expect_pending(const char *what, uint64_t bits, uint64_t wanted)
{
	uint64_t end = time_now() + platform_ticks(PATIENCE_US);

	while ((csr_read(sip) & bits) != wanted && time_now() < end)
		;
	expect_equal(what, csr_read(sip) & bits, wanted);
}

static void timer_by_sbi(uint64_t when)
{
	sbi_set_timer(when);
}

static void timer_by_stimecmp(uint64_t when)
{
	csr_write(0x14d, when);
}

static void check_time(const struct paging_mode *mode)
{
	const uint32_t rdtime = encode_csr(CSRRS, REG_A0, 0xc01, 0);
	uint64_t last = time_now(), start = last;

	(void)mode;
	csr_write(scounteren, 7);
	for (unsigned i = 0; i < 2000; i++) {
		struct context context = {.pc = 0};
		uint64_t now = time_now();

		expect_true("time that does not go back", now >= last);
		last = now;
		if (i % 16)
			continue;
		run_instructions(&context, &rdtime, 1, USER);
		expect_equal("scause of rdtime", context.cause, CAUSE_BREAKPOINT);
		expect_true("the same time in U-mode", context.x[REG_A0] >= last);
		last = context.x[REG_A0];
	}
	while (time_now() == start)
		;
	expect_true("time that advances", time_now() > start);
}

static void try_timer(void (*set)(uint64_t when))
{
	for (unsigned i = 0; i < 6; i++) {
		unsigned how = i % 2 ? USER : SUPERVISOR | INTERRUPTS;
		uint64_t when = time_now() + platform_ticks(SHORT_US * (1 + i));

		set(when);
		csr_set(sie, INTERRUPT_STI);
		expect_interrupt("scause of a timer interrupt", how,
				 CAUSE_TIMER_INTERRUPT);
		expect_true("an interrupt that is not early", time_now() >= when);
		expect_equal("STIP while pending", csr_read(sip) & INTERRUPT_STI,
			     INTERRUPT_STI);
		expect_interrupt("again while pending", how, CAUSE_TIMER_INTERRUPT);
		csr_clear(sie, INTERRUPT_STI);
		set(UINT64_MAX);
		expect_pending("STIP when set to never", INTERRUPT_STI, 0);
		csr_set(sie, INTERRUPT_STI);
		expect_no_interrupt("after it was set to never", how);
		csr_clear(sie, INTERRUPT_STI);
	}
}

static void check_sbi_timer(const struct paging_mode *mode)
{
	(void)mode;
	try_timer(timer_by_sbi);
}

static void check_stimecmp(const struct paging_mode *mode)
{
	(void)mode;
	if (!platform_has_extension("sstc")) {
		skip("no Sstc");
		return;
	}
	try_timer(timer_by_stimecmp);
	csr_write(0x14d, 0x123456789);
	expect_equal("stimecmp", csr_read(0x14d), 0x123456789);
	csr_write(0x14d, UINT64_MAX);
	expect_equal("stimecmp", csr_read(0x14d), UINT64_MAX);
}

/* A time in the past is due at once. */
static void check_past(const struct paging_mode *mode)
{
	(void)mode;
	for (unsigned i = 0; i < 4; i++) {
		sbi_set_timer(i ? time_now() - i : 0);
		expect_pending("STIP for a past time", INTERRUPT_STI, INTERRUPT_STI);
		csr_set(sie, INTERRUPT_STI);
		expect_interrupt("a past time", i % 2 ? USER : INTERRUPTS,
				 CAUSE_TIMER_INTERRUPT);
		csr_clear(sie, INTERRUPT_STI);
		sbi_set_timer(UINT64_MAX);
		expect_pending("STIP", INTERRUPT_STI, 0);
	}
}

static void check_masks(const struct paging_mode *mode)
{
	(void)mode;
	sbi_set_timer(0);
	expect_pending("STIP", INTERRUPT_STI, INTERRUPT_STI);
	expect_no_interrupt("masked in sie, S-mode", SUPERVISOR | INTERRUPTS);
	expect_no_interrupt("masked in sie, U-mode", USER | INTERRUPTS);
	csr_write(sie, INTERRUPT_SSI | INTERRUPT_SEI);
	expect_no_interrupt("others unmasked", USER | INTERRUPTS);
	csr_write(sie, INTERRUPT_STI);
	expect_equal("sie", csr_read(sie) & INTERRUPT_STI, INTERRUPT_STI);
	expect_no_interrupt("masked by SIE in S-mode", SUPERVISOR);
	expect_interrupt("U-mode does not look at SIE", USER, CAUSE_TIMER_INTERRUPT);
	csr_write(sie, 0);
	sbi_set_timer(UINT64_MAX);
	expect_pending("STIP", INTERRUPT_STI, 0);
}

/* STIP and SEIP are not S-mode's to change. */
static void check_read_only(const struct paging_mode *mode)
{
	uint64_t bits = INTERRUPT_STI | INTERRUPT_SEI;

	(void)mode;
	sbi_set_timer(UINT64_MAX);
	expect_pending("STIP", INTERRUPT_STI, 0);
	csr_set(sip, bits);
	expect_equal("sip after setting STIP and SEIP", csr_read(sip) & bits, 0);
	sbi_set_timer(0);
	expect_pending("STIP", INTERRUPT_STI, INTERRUPT_STI);
	csr_clear(sip, bits);
	expect_equal("STIP after clearing it", csr_read(sip) & INTERRUPT_STI,
		     INTERRUPT_STI);
	sbi_set_timer(UINT64_MAX);
	expect_pending("STIP", INTERRUPT_STI, 0);
}

static void expect_software_interrupt(void)
{
	expect_pending("SSIP", INTERRUPT_SSI, INTERRUPT_SSI);
	expect_no_interrupt("masked in sie", USER);
	csr_set(sie, INTERRUPT_SSI);
	expect_no_interrupt("masked by SIE", SUPERVISOR);
	expect_interrupt("S-mode", SUPERVISOR | INTERRUPTS, CAUSE_SOFTWARE_INTERRUPT);
	expect_interrupt("U-mode", USER, CAUSE_SOFTWARE_INTERRUPT);
	csr_clear(sip, INTERRUPT_SSI);
	expect_equal("SSIP cleared", csr_read(sip) & INTERRUPT_SSI, 0);
	expect_no_interrupt("cleared", SUPERVISOR | INTERRUPTS);
	expect_no_interrupt("cleared", USER);
	csr_clear(sie, INTERRUPT_SSI);
}

static void check_software(const struct paging_mode *mode)
{
	(void)mode;
	for (unsigned i = 0; i < 4; i++) {
		csr_set(sip, INTERRUPT_SSI);
		expect_software_interrupt();
	}
}

static void check_ipi(const struct paging_mode *mode)
{
	uint64_t mask = UINT64_C(1) << platform.hart % 64;

	(void)mode;
	for (unsigned i = 0; i < 6; i++) {
		struct sbi_result result;

		if (i < 2)
			result = SBI_CALL(SBI_EXT_IPI, 0, 1, platform.hart);
		else if (i < 4)
			result = SBI_CALL(SBI_EXT_IPI, 0, mask, platform.hart / 64 * 64);
		else
			result = SBI_CALL(SBI_EXT_IPI, 0, 0, UINT64_MAX);
		expect_equal("error of an IPI to ourselves", (uint64_t)result.error, 0);
		expect_software_interrupt();
	}
	expect_equal("error of an IPI to nobody",
		     (uint64_t)SBI_CALL(SBI_EXT_IPI, 0, 0, platform.hart).error, 0);
	expect_no_interrupt("nobody", USER);
}

static void check_legacy_ipi(const struct paging_mode *mode)
{
	static uint64_t mask[2];
	struct sbi_result result;

	(void)mode;
	if (!sbi_has_extension(SBI_EXT_LEGACY_SEND_IPI)) {
		skip("no legacy calls");
		return;
	}
	mask[platform.hart / 64 % 2] = UINT64_C(1) << platform.hart % 64;
	result = SBI_CALL(SBI_EXT_LEGACY_SEND_IPI, 0, (uintptr_t)mask);
	expect_equal("result of the legacy IPI", (uint64_t)result.error, 0);
	expect_software_interrupt();
}

/* Software interrupts come before timer interrupts. */
static void check_priority(const struct paging_mode *mode)
{
	static const unsigned hows[] = {USER, USER | INTERRUPTS, SUPERVISOR | INTERRUPTS};

	(void)mode;
	for (unsigned i = 0; i < ARRAY_LENGTH(hows); i++) {
		sbi_set_timer(0);
		csr_set(sip, INTERRUPT_SSI);
		expect_pending("SSIP and STIP", INTERRUPT_STI | INTERRUPT_SSI,
			       INTERRUPT_STI | INTERRUPT_SSI);
		csr_set(sie, INTERRUPT_STI | INTERRUPT_SSI);
		expect_interrupt("both pending", hows[i], CAUSE_SOFTWARE_INTERRUPT);
		csr_clear(sip, INTERRUPT_SSI);
		expect_interrupt("the timer's left", hows[i], CAUSE_TIMER_INTERRUPT);
		csr_write(sie, 0);
		sbi_set_timer(UINT64_MAX);
		expect_pending("STIP", INTERRUPT_STI, 0);
	}
}

/* wfi resumes for what is enabled in sie, whatever SIE says; it traps nowhere. */
static void check_wfi(const struct paging_mode *mode)
{
	(void)mode;
	for (unsigned i = 0; i < 4; i++) {
		uint64_t end = time_now() + platform_ticks(PATIENCE_US);

		csr_set(sie, INTERRUPT_STI);
		sbi_set_timer(time_now() + platform_ticks(SHORT_US));
		while (!(csr_read(sip) & INTERRUPT_STI) && time_now() < end)
			wait_for_interrupt();
		expect_true("wfi that ends with the timer", time_now() < end);
		wait_for_interrupt();
		expect_true("wfi that ends at once", time_now() < end);
		csr_clear(sie, INTERRUPT_STI);
		sbi_set_timer(UINT64_MAX);
		expect_pending("STIP", INTERRUPT_STI, 0);
		csr_set(sip, INTERRUPT_SSI);
		csr_set(sie, INTERRUPT_SSI);
		wait_for_interrupt();
		csr_clear(sie, INTERRUPT_SSI);
		csr_clear(sip, INTERRUPT_SSI);
	}
}

/* An interrupt at wfi itself, with SIE set: sepc is behind it. */
static void check_wfi_interrupt(const struct paging_mode *mode)
{
	const uint32_t code[] = {WFI, encode_bne(REG_A0, 0, -4)};

	(void)mode;
	for (unsigned i = 0; i < 4; i++) {
		struct context context = {.pc = 0};
		uint64_t at;

		context.x[REG_A0] = 1;
		csr_set(sie, INTERRUPT_STI);
		sbi_set_timer(time_now() + platform_ticks(SHORT_US));
		at = run_instructions(&context, code, ARRAY_LENGTH(code), INTERRUPTS);
		expect_equal("scause", context.cause, CAUSE_TIMER_INTERRUPT);
		expect_true("sepc in the loop", context.pc - at < sizeof(code));
		csr_clear(sie, INTERRUPT_STI);
		sbi_set_timer(UINT64_MAX);
		expect_pending("STIP", INTERRUPT_STI, 0);
	}
}

/* Many interrupts: none lost, none extra, registers kept (spin() looks). */
static void check_ticks(const struct paging_mode *mode)
{
	unsigned ticks = 0;

	(void)mode;
	csr_set(sie, INTERRUPT_STI);
	while (ticks < 20) {
		struct context context;

		sbi_set_timer(time_now() + platform_ticks(SHORT_US));
		context = spin(SPIN_LONG, ticks % 2 ? USER : INTERRUPTS);
		if (context.cause != CAUSE_TIMER_INTERRUPT)
			break;
		expect_true("a count that goes down", context.x[REG_A0] <= SPIN_LONG);
		ticks++;
	}
	csr_clear(sie, INTERRUPT_STI);
	sbi_set_timer(UINT64_MAX);
	expect_equal("interrupts", ticks, 20);
}

static const struct check checks[] = {
	{"time", check_time},
	{"the SBI's timer", check_sbi_timer},
	{"stimecmp", check_stimecmp},
	{"a timer in the past", check_past},
	{"masks", check_masks},
	{"STIP and SEIP are read-only", check_read_only},
	{"software interrupts by sip", check_software},
	{"software interrupts by the SBI", check_ipi},
	{"software interrupts by the legacy SBI", check_legacy_ipi},
	{"software before timer", check_priority},
	{"wfi", check_wfi},
	{"an interrupt at wfi", check_wfi_interrupt},
	{"twenty ticks", check_ticks},
};

const struct group interrupts_group = {"interrupts", checks, ARRAY_LENGTH(checks), false};
