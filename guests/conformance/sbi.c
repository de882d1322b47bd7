/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The SBI as its specification has it: registers, errors, BASE, HSM, DBCN, SRST
 * and the legacy calls. Timer, IPI and RFENCE are checked where they act.
 *
 * "All registers except a0 and a1 must be preserved across an SBI call by the
 * callee", legacy calls keep a1 too. Extensions that are not offered are only
 * checked to say so. Nothing here ends the machine or stops the hart.
 */
#include "guests/lib/sbi.h"
#include "core/types.h"
#include "guests/conformance/check.h"
#include "guests/conformance/instructions.h"
#include "guests/lib/console.h"
#include "guests/lib/csr.h"
#include "guests/lib/platform.h"
#include "guests/lib/probe.h"
#include "guests/lib/string.h"

#define UNKNOWN_EXTENSION 0x0abcdef0 /* in no range the specification gives out */
#define UNKNOWN_FUNCTION  0x7f
#define UNKNOWN_HART	  4095
#define A0_A1		  (1U << REG_A0 | 1U << REG_A1)

static const struct {
	const char *name;
	uint64_t id;
} extensions[] = {
	{"BASE", SBI_EXT_BASE},	    {"TIME", SBI_EXT_TIME}, {"IPI", SBI_EXT_IPI},
	{"RFENCE", SBI_EXT_RFENCE}, {"HSM", SBI_EXT_HSM},   {"SRST", SBI_EXT_SRST},
	{"DBCN", SBI_EXT_DBCN},	    {"PMU", SBI_EXT_PMU},
};

static void expect_error(const char *what, struct sbi_result result, int64_t error)
{
	if (result.error != error)
		fail("%s: expected error %ld, saw %ld", what, error, result.error);
}

/* One call with every register filled; which may change is in `except`. */
static struct sbi_result call_watched(const char *what, uint64_t extension,
				      uint64_t function, uint64_t argument,
				      uint32_t except)
{
	static const uint32_t ecall = ECALL;
	struct context context, expected;
	uint64_t at;

	registers_pattern(&context);
	context.x[REG_A0] = argument;
	context.x[REG_A6] = function;
	context.x[REG_A7] = extension;
	expected = context;
	at = run_instructions(&context, &ecall, 1, SUPERVISOR);
	expect_equal("scause behind an SBI call", context.cause, CAUSE_BREAKPOINT);
	expect_equal("pc behind an SBI call", context.pc, at + 4);
	expect_registers(what, &context, &expected, except);
	return (struct sbi_result){(int64_t)context.x[REG_A0], context.x[REG_A1]};
}

static void check_base(const struct paging_mode *mode)
{
	struct sbi_result version = SBI_CALL(SBI_EXT_BASE, SBI_BASE_SPEC_VERSION, 0);

	(void)mode;
	expect_error("specification version", version, SBI_SUCCESS);
	expect_equal("reserved bits of the version", version.value >> 31, 0);
	expect_true("version 0.2 or later", version.value >= 2);
	for (uint64_t function = SBI_BASE_IMPL_ID; function <= SBI_BASE_MIMPID;
	     function++)
		if (function != SBI_BASE_PROBE)
			expect_error("BASE function",
				     call_watched("BASE function", SBI_EXT_BASE, function,
						  0, A0_A1),
				     SBI_SUCCESS);
}

static void check_probe(const struct paging_mode *mode)
{
	struct sbi_result result;

	(void)mode;
	result = SBI_CALL(SBI_EXT_BASE, SBI_BASE_PROBE, SBI_EXT_BASE);
	expect_error("probe of BASE", result, SBI_SUCCESS);
	expect_true("BASE available", result.value != 0);
	result = SBI_CALL(SBI_EXT_BASE, SBI_BASE_PROBE, UNKNOWN_EXTENSION);
	expect_error("probe of an unknown extension", result, SBI_SUCCESS);
	expect_equal("probe of an unknown extension", result.value, 0);
	for (unsigned i = 0; i < ARRAY_LENGTH(extensions); i++)
		expect_error(extensions[i].name,
			     SBI_CALL(SBI_EXT_BASE, SBI_BASE_PROBE, extensions[i].id),
			     SBI_SUCCESS);
}

static void check_unknown(const struct paging_mode *mode)
{
	(void)mode;
	for (uint64_t function = 0; function < 3; function++)
		expect_error("unknown extension",
			     call_watched("unknown extension", UNKNOWN_EXTENSION,
					  function, 5, A0_A1),
			     SBI_ERR_NOT_SUPPORTED);
	expect_error("reserved legacy extension",
		     call_watched("reserved legacy extension", 0x0f, 0, 5, A0_A1),
		     SBI_ERR_NOT_SUPPORTED);
	for (unsigned i = 0; i < ARRAY_LENGTH(extensions); i++)
		expect_error(extensions[i].name,
			     call_watched(extensions[i].name, extensions[i].id,
					  UNKNOWN_FUNCTION, 5, A0_A1),
			     SBI_ERR_NOT_SUPPORTED);
}

static void check_registers(const struct paging_mode *mode)
{
	(void)mode;
	if (sbi_has_extension(SBI_EXT_TIME))
		expect_error(
			"set_timer",
			call_watched("set_timer", SBI_EXT_TIME, 0, UINT64_MAX, A0_A1),
			SBI_SUCCESS);
	if (sbi_has_extension(SBI_EXT_HSM))
		expect_error("hart_get_status",
			     call_watched("hart_get_status", SBI_EXT_HSM, SBI_HSM_STATUS,
					  platform.hart, A0_A1),
			     SBI_SUCCESS);
	if (sbi_has_extension(SBI_EXT_LEGACY_SET_TIMER))
		expect_error("legacy set_timer",
			     call_watched("legacy set_timer", SBI_EXT_LEGACY_SET_TIMER, 0,
					  UINT64_MAX, 1U << REG_A0),
			     0);
	if (sbi_has_extension(SBI_EXT_LEGACY_CLEAR_IPI))
		call_watched("legacy clear_ipi", SBI_EXT_LEGACY_CLEAR_IPI, 0, 0,
			     1U << REG_A0);
}

/* Calls change nothing of the trap state that is S-mode's own. */
static void check_csrs(const struct paging_mode *mode)
{
	uint64_t sstatus = csr_read(sstatus), scause = CAUSE_USER_ECALL;

	(void)mode;
	csr_write(sepc, 0x80200000);
	csr_write(scause, scause);
	csr_write(stval, 0x80200004);
	for (unsigned i = 0; i < 4; i++) {
		SBI_CALL(SBI_EXT_BASE, i, 0);
		SBI_CALL(UNKNOWN_EXTENSION, i, 0);
	}
	expect_equal("sepc after SBI calls", csr_read(sepc), 0x80200000);
	expect_equal("scause after SBI calls", csr_read(scause), scause);
	expect_equal("stval after SBI calls", csr_read(stval), 0x80200004);
	expect_equal("sstatus after SBI calls", csr_read(sstatus), sstatus);
}

static void check_hsm(const struct paging_mode *mode)
{
	extern char image_start[];
	struct sbi_result result;

	(void)mode;
	if (!sbi_has_extension(SBI_EXT_HSM)) {
		skip("no HSM");
		return;
	}
	result = SBI_CALL(SBI_EXT_HSM, SBI_HSM_STATUS, platform.hart);
	expect_error("status of this hart", result, SBI_SUCCESS);
	expect_equal("status of this hart (0: started)", result.value, 0);
	expect_error("status of no hart",
		     SBI_CALL(SBI_EXT_HSM, SBI_HSM_STATUS, UNKNOWN_HART),
		     SBI_ERR_INVALID_PARAM);
	expect_error("start of this hart",
		     SBI_CALL(SBI_EXT_HSM, SBI_HSM_START, platform.hart,
			      (uintptr_t)image_start, 0),
		     SBI_ERR_ALREADY_AVAILABLE);
	expect_error("start of no hart",
		     SBI_CALL(SBI_EXT_HSM, SBI_HSM_START, UNKNOWN_HART,
			      (uintptr_t)image_start, 0),
		     SBI_ERR_INVALID_PARAM);
	expect_error("start of no hart",
		     SBI_CALL(SBI_EXT_HSM, SBI_HSM_START, UINT64_MAX,
			      (uintptr_t)image_start, 0),
		     SBI_ERR_INVALID_PARAM);
}

/* A retentive suspend is a wfi; one of a reserved type is refused. */
static void check_suspend(const struct paging_mode *mode)
{
	struct sbi_result result;

	(void)mode;
	if (!sbi_has_extension(SBI_EXT_HSM)) {
		skip("no HSM");
		return;
	}
	result = SBI_CALL(SBI_EXT_HSM, SBI_HSM_SUSPEND, 1, 0, 0);
	expect_true("INVALID_PARAM (or NOT_SUPPORTED) for a reserved suspend type",
		    result.error == SBI_ERR_INVALID_PARAM ||
			    result.error == SBI_ERR_NOT_SUPPORTED);
	csr_set(sie, INTERRUPT_STI);
	sbi_set_timer(time_now() + platform_ticks(300));
	result = SBI_CALL(SBI_EXT_HSM, SBI_HSM_SUSPEND, 0, 0, 0);
	expect_true("success (or NOT_SUPPORTED) for a retentive suspend",
		    result.error == SBI_SUCCESS || result.error == SBI_ERR_NOT_SUPPORTED);
	csr_clear(sie, INTERRUPT_STI);
	sbi_set_timer(UINT64_MAX);
}

/* Memory no S-mode software may hand over: the firmware's, or none at all. */
static uint64_t forbidden_memory(void)
{
	return platform.firmware_size ? platform.firmware : platform.memory_end + 2 * MIB;
}

static void expect_refused(const char *what, struct sbi_result result)
{
	if (result.error != SBI_ERR_INVALID_PARAM && result.error != SBI_ERR_FAILED &&
	    result.error != SBI_ERR_INVALID_ADDRESS)
		fail("%s: expected INVALID_PARAM, INVALID_ADDRESS or FAILED, saw %ld",
		     what, result.error);
}

static void check_console(const struct paging_mode *mode)
{
	static const char text[] = "# console: bytes written by DBCN\n";
	struct sbi_result result;
	char byte;
	size_t written = 0;

	(void)mode;
	if (!sbi_has_extension(SBI_EXT_DBCN)) {
		skip("no DBCN");
		return;
	}
	while (written < strlen(text)) {
		result = SBI_CALL(SBI_EXT_DBCN, SBI_DBCN_WRITE, strlen(text) - written,
				  (uintptr_t)text + written, 0);
		expect_error("console write", result, SBI_SUCCESS);
		if (!expect_true("no more bytes written than asked",
				 result.value <= strlen(text) - written))
			return;
		written += result.value;
	}
	result = SBI_CALL(SBI_EXT_DBCN, SBI_DBCN_WRITE, 0, (uintptr_t)text, 0);
	expect_error("console write of nothing", result, SBI_SUCCESS);
	expect_equal("bytes written", result.value, 0);
	result = SBI_CALL(SBI_EXT_DBCN, SBI_DBCN_READ, 0, (uintptr_t)&byte, 0);
	expect_error("console read of nothing", result, SBI_SUCCESS);
	expect_equal("bytes read", result.value, 0);
	for (const char *at = "# one by one\n"; *at; at++) {
		result = SBI_CALL(SBI_EXT_DBCN, SBI_DBCN_WRITE_BYTE, (uint64_t)*at);
		expect_error("console write of one byte", result, SBI_SUCCESS);
		expect_equal("value", result.value, 0);
	}
}

static void check_console_addresses(const struct paging_mode *mode)
{
	static char byte;
	uint64_t bad = forbidden_memory();

	(void)mode;
	if (!sbi_has_extension(SBI_EXT_DBCN)) {
		skip("no DBCN");
		return;
	}
	expect_refused("write from forbidden memory",
		       SBI_CALL(SBI_EXT_DBCN, SBI_DBCN_WRITE, 16, bad, 0));
	expect_refused("read into forbidden memory",
		       SBI_CALL(SBI_EXT_DBCN, SBI_DBCN_READ, 16, bad, 0));
	expect_refused("write from beyond the address space",
		       SBI_CALL(SBI_EXT_DBCN, SBI_DBCN_WRITE, 1, (uintptr_t)&byte, 1));
	expect_refused("read to beyond the address space",
		       SBI_CALL(SBI_EXT_DBCN, SBI_DBCN_READ, 1, (uintptr_t)&byte, 1));
}

static void check_reset_types(const struct paging_mode *mode)
{
	(void)mode;
	if (!sbi_has_extension(SBI_EXT_SRST)) {
		skip("no SRST");
		return;
	}
	expect_error("reserved reset type", SBI_CALL(SBI_EXT_SRST, 0, 3, 0),
		     SBI_ERR_INVALID_PARAM);
	expect_error("reserved reset type", SBI_CALL(SBI_EXT_SRST, 0, 0xefffffff, 0),
		     SBI_ERR_INVALID_PARAM);
}

/* OpenSBI leaves harts that do not exist out of the mask, from 1.6 or so on. */
static void check_ipi_harts(const struct paging_mode *mode)
{
	struct sbi_result result = SBI_CALL(SBI_EXT_IPI, 0, 1, UNKNOWN_HART);

	(void)mode;
	if (sbi_is_opensbi() && result.error == SBI_SUCCESS)
		deviation("OpenSBI ignores harts that do not exist");
	else
		expect_error("IPI to no hart", result, SBI_ERR_INVALID_PARAM);
	expect_equal("SSIP", csr_read(sip) & INTERRUPT_SSI, 0);
}

static void check_legacy(const struct paging_mode *mode)
{
	struct sbi_result result;

	(void)mode;
	if (!sbi_has_extension(SBI_EXT_LEGACY_PUTCHAR)) {
		skip("no legacy calls");
		return;
	}
	for (const char *at = "# legacy console\n"; *at; at++)
		expect_error("legacy putchar",
			     call_watched("legacy putchar", SBI_EXT_LEGACY_PUTCHAR, 0,
					  (uint64_t)*at, 1U << REG_A0),
			     0);
	result = call_watched("legacy getchar", SBI_EXT_LEGACY_GETCHAR, 0, 0,
			      1U << REG_A0);
	expect_true("a byte or -1", result.error >= -1 && result.error <= 255);
	csr_set(sip, INTERRUPT_SSI);
	result = call_watched("legacy clear_ipi", SBI_EXT_LEGACY_CLEAR_IPI, 0, 0,
			      1U << REG_A0);
	expect_true("0 or more from clear_ipi", result.error >= 0);
	expect_equal("SSIP after clear_ipi", csr_read(sip) & INTERRUPT_SSI, 0);
}

/* "Set Steal-time Shared Memory Address": 64 bytes, which the call zeroes. */
static void check_steal_time(const struct paging_mode *mode)
{
	static _Alignas(64) uint8_t shared[128];
	const uint64_t at = (uint64_t)(uintptr_t)shared;

	(void)mode;
	if (!sbi_has_extension(SBI_EXT_STA)) {
		skip("no STA");
		return;
	}
	memset(shared, 0xff, sizeof(shared));
	expect_error("STA with flags", SBI_CALL(SBI_EXT_STA, 0, at, 0, 1),
		     SBI_ERR_INVALID_PARAM);
	expect_error("STA, not aligned", SBI_CALL(SBI_EXT_STA, 0, at + 32, 0, 0),
		     SBI_ERR_INVALID_PARAM);
	expect_error("STA beyond memory", SBI_CALL(SBI_EXT_STA, 0, 0, 1, 0),
		     SBI_ERR_INVALID_ADDRESS);
	expect_equal("bytes behind errors", shared[0], 0xff);
	expect_error("STA", SBI_CALL(SBI_EXT_STA, 0, at, 0, 0), SBI_SUCCESS);
	expect_equal("flags", shared[4] | shared[5] | shared[6] | shared[7], 0);
	expect_equal("preempted, while it runs", shared[16], 0);
	for (unsigned i = 17; i < 64; i++)
		expect_equal("padding", shared[i], 0);
	expect_equal("the byte behind", shared[64], 0xff);
	expect_equal("an even sequence", shared[0] & 1, 0);
	expect_error("no STA", SBI_CALL(SBI_EXT_STA, 0, UINT64_MAX, UINT64_MAX, 0),
		     SBI_SUCCESS);
}

static const struct check checks[] = {
	{"BASE", check_base},
	{"probe", check_probe},
	{"unknown extensions and functions", check_unknown},
	{"registers", check_registers},
	{"CSRs", check_csrs},
	{"HSM", check_hsm},
	{"suspend", check_suspend},
	{"DBCN", check_console},
	{"DBCN with bad addresses", check_console_addresses},
	{"SRST with reserved types", check_reset_types},
	{"IPI to no hart", check_ipi_harts},
	{"legacy calls", check_legacy},
	{"STA", check_steal_time},
};

const struct group sbi_group = {"SBI", checks, ARRAY_LENGTH(checks), false};
