/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Running checks and reporting them, as TAP-like lines.
 *
 * `ok N - name` or `not ok N - name: what was expected, what was seen`; skipped
 * checks and known deviations of the machine below are `ok` with a remark. The
 * plan `1..N` comes last, because skipped modes still count.
 */
#include "guests/conformance/check.h"

#include <stddef.h>

#include "guests/conformance/touch.h"
#include "guests/lib/console.h"
#include "guests/lib/context.h"
#include "guests/lib/csr.h"

struct running {
	const struct check *check;
	const struct paging_mode *mode;
	unsigned failures;
	const char *skipped;
	const char *deviation;
	char message[320];
};

static struct running running;
static unsigned passed, failed, skipped, deviated;

const struct paging_mode *check_mode(void)
{
	return running.mode;
}

void fail(const char *format, ...)
{
	va_list arguments;

	if (running.failures++)
		return;
	va_start(arguments, format);
	format_arguments(running.message, sizeof(running.message), format, arguments);
	va_end(arguments);
}

void skip(const char *reason)
{
	running.skipped = reason;
}

void deviation(const char *reason)
{
	running.deviation = reason;
}

bool expect_equal(const char *what, uint64_t seen, uint64_t expected)
{
	if (seen == expected)
		return true;
	fail("%s: expected 0x%lx, saw 0x%lx", what, expected, seen);
	return false;
}

bool expect_true(const char *what, bool condition)
{
	if (!condition)
		fail("expected %s", what);
	return condition;
}

static void call_check(const void *check)
{
	((const struct check *)check)->run(running.mode);
}

static void reset_machine(void)
{
	csr_write(sie, 0);
	csr_clear(sip, INTERRUPT_SSI);
	csr_set(sstatus, SSTATUS_FS);
	space_leave();
	fence_all();
	arena_reset();
	frames_forget();
}

static void report(const struct group *group)
{
	unsigned number = passed + failed + 1;
	const char *mode = running.mode ? running.mode->name : "";
	char name[128];

	format_text(name, sizeof(name), "%s%s%s: %s", mode, *mode ? " " : "", group->name,
		    running.check->name);
	if (running.failures) {
		failed++;
		print("not ok %u - %s: %s", number, name, running.message);
		if (running.failures > 1)
			print(" (and %u more)", running.failures - 1);
		print("\n");
		return;
	}
	passed++;
	skipped += running.skipped != NULL;
	deviated += running.deviation != NULL;
	if (running.skipped)
		print("ok %u - %s # skipped: %s\n", number, name, running.skipped);
	else if (running.deviation)
		print("ok %u - %s # deviation: %s\n", number, name, running.deviation);
	else
		print("ok %u - %s\n", number, name);
}

static void run_check(const struct group *group, const struct check *check,
		      const struct paging_mode *mode)
{
	const struct context *stray;

	running = (struct running){.check = check, .mode = mode};
	if (mode && !paging_supported(mode)) {
		skip("satp does not take this mode");
	} else {
		stray = protected_call(call_check, check);
		reset_machine();
		if (stray)
			fail("stray trap: cause 0x%lx stval 0x%lx pc 0x%lx", stray->cause,
			     stray->stval, stray->pc);
	}
	report(group);
}

static void run_in_mode(const struct group *group, const struct paging_mode *mode)
{
	for (unsigned i = 0; i < group->count; i++)
		run_check(group, &group->checks[i], mode);
}

void run_group(const struct group *group)
{
	if (!group->paged)
		run_in_mode(group, NULL);
	for (unsigned i = 0; group->paged && i < PAGING_MODES; i++)
		run_in_mode(group, &paging_modes[i]);
}

bool checks_summary(void)
{
	print("1..%u\n", passed + failed);
	print("conformance: %u passed, %u failed", passed, failed);
	if (skipped)
		print(", %u of them skipped", skipped);
	if (deviated)
		print(", %u of them with known deviations of the machine below",
		      deviated);
	print("\n");
	return failed == 0;
}
