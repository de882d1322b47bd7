/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: core/exit_conditional.c arch/riscv/decode_logic.c */
/* sources: core/vcpu_requests.c tests/unit/prompt_scheduler.c */
/* sources: core/exit_store.c core/exit_misaligned.c arch/riscv/decode_atomic.c */
/* sources: core/switch.c core/guest_code.c core/counters.c core/timer.c core/console_mux.c */
/* sources: core/check_release.c core/exit.c core/exit_privileged.c core/lookahead.c */
/* sources: core/exit_translation.c core/interrupt.c core/pmu.c core/sbi/pmu.c */
/* sources: core/sbi/base.c core/sbi/dbcn.c core/sbi/hsm.c core/sbi/ipi.c */
/* sources: core/sbi/legacy.c core/sbi/rfence.c core/sbi/sbi.c core/sbi/srst.c */
/* sources: core/sbi/sta.c core/sbi/time.c arch/riscv/decode.c arch/riscv/decode_simple.c drivers/host_mmio.c drivers/mmio.c */
/* sources: drivers/plic.c drivers/uart.c drivers/vplic.c drivers/vuart.c */
/* sources: mm/guest_memory.c tests/unit/fake_arch.c tests/unit/fake_pages.c */
/* sources: tests/unit/host_ram.c tests/unit/vm_bench.c */
/* sources: drivers/virtio_console.c drivers/virtio_mmio.c drivers/virtio_queue.c */
/*
 * The SBI's PMU extension as a guest sees it, by chapter "Performance Monitoring
 * Unit Extension" of the SBI specification 2.0: counters, events, sets and errors;
 * and that counters count what they say, which exits among them.
 */
#include <string.h>

#include "core/sbi/sbi.h"
#include "tests/unit/vm_bench.h"

#define ALL	       UINT64_MAX
#define TIME_COUNTER   1
#define CYCLE	       0
#define INSTRET	       2
#define FIRST	       3 /* firmware counter */
#define FIRMWARE(code) (UINT64_C(0xf0000) | (code))
#define CYCLES	       1
#define INSTRUCTIONS   2
#define EVERY	       (~UINT64_C(2)) /* the mask of all counters */
#define FIRMWARE_ALL   (ALL << FIRST)

enum { NUM, INFO, CONFIG, START, STOP, READ, READ_HIGH, SNAPSHOT };
enum { SKIP_MATCH = 1, CLEAR_VALUE = 2, AUTO_START = 4 };
enum { SET_VALUE = 1, RESET = 1, SNAPSHOT_FLAG = 2 };

static struct vcpu *const vcpu = &bench_vm.vcpus[0];

static int setup(void **state)
{
	(void)state;
	vm_bench_create(fake_default(), 3);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	vm_bench_destroy();
	return 0;
}

static int64_t call_by(struct vcpu *caller, uint64_t extension, uint64_t function,
		       const uint64_t *arguments)
{
	for (unsigned i = 0; i < 6; i++)
		caller->arch.x[10 + i] = arguments[i];
	caller->arch.x[16] = function;
	caller->arch.x[17] = extension;
	exit_handle(caller, &(struct vm_exit){.cause = CAUSE_SBI});
	return (int64_t)caller->arch.x[10];
}

#define CALL(extension, function, ...)                                                   \
	call_by(vcpu, extension, function, (const uint64_t[6]){__VA_ARGS__})
#define PMU(function, ...) CALL(SBI_EXTENSION_PMU, function, __VA_ARGS__)

static uint64_t value(void)
{
	return vcpu->arch.x[11];
}

static uint64_t read_counter(uint64_t index)
{
	assert_int_equal(PMU(READ, index), SBI_SUCCESS);
	return value();
}

/* A firmware counter that counts this from now on. */
static uint64_t counting(uint64_t event)
{
	assert_int_equal(PMU(CONFIG, 0, FIRMWARE_ALL, CLEAR_VALUE | AUTO_START, event),
			 SBI_SUCCESS);
	return value();
}

/* ---- what there is ---- */

static void counters_are_described(void **state)
{
	(void)state;
	assert_int_equal(PMU(NUM, 0), SBI_SUCCESS);
	assert_int_equal(value(), 64);
	for (uint64_t i = 0; i < 64; i++) {
		int64_t error = PMU(INFO, i);

		assert_int_equal(error, i == TIME_COUNTER ? SBI_ERR_INVALID_PARAM : 0);
		if (i == CYCLE || i == INSTRET)
			assert_int_equal(value(), (0xc00 + i) | UINT64_C(63) << 12);
		else if (error == 0)
			/* Linux takes the width of firmware counters from here too */
			assert_int_equal(value(), UINT64_C(1) << 63 | UINT64_C(63) << 12);
	}
	assert_int_equal(PMU(INFO, 64), SBI_ERR_INVALID_PARAM);
	assert_int_equal(PMU(INFO, ALL), SBI_ERR_INVALID_PARAM);
	assert_int_equal(PMU(INFO, UINT64_C(1) << 32), SBI_ERR_INVALID_PARAM);
}

static void a_hart_without_counters_has_none(void **state)
{
	(void)state;
	fake_machine.counters_missing = true;
	assert_int_equal(PMU(INFO, CYCLE), SBI_ERR_INVALID_PARAM);
	assert_int_equal(PMU(INFO, INSTRET), SBI_ERR_INVALID_PARAM);
	assert_int_equal(PMU(CONFIG, 0, 1, 0, CYCLES), SBI_ERR_INVALID_PARAM);
	assert_int_equal(PMU(INFO, FIRST), SBI_SUCCESS);
}

static void events_there_are(void **state)
{
	(void)state;
	for (uint64_t code = 0; code < 0x10000; code++) {
		bool standard = code >= 5 && code <= 13;
		bool exits = code >= 256 && code < 257 + REASON_COUNT;
		int64_t error = PMU(CONFIG, 0, FIRMWARE_ALL, 0, FIRMWARE(code));

		assert_int_equal(error,
				 standard || exits ? SBI_SUCCESS : SBI_ERR_NOT_SUPPORTED);
		if (error == 0)
			assert_int_equal(PMU(STOP, value(), 1, RESET),
					 SBI_ERR_ALREADY_STOPPED);
	}
}

static void events_there_are_not(void **state)
{
	static const uint64_t events[] = {
		0,	 3,	  10,	    0x10000, 0x20000,
		0x30000, 0xe0100, 0x1f0100, ALL,     UINT64_C(0x1000f0100),
	};

	(void)state;
	for (unsigned i = 0; i < ARRAY_LENGTH(events); i++) {
		assert_int_equal(PMU(CONFIG, 0, EVERY, 0, events[i]),
				 SBI_ERR_NOT_SUPPORTED);
		assert_int_equal(value(), 0);
	}
	/* what data means is reserved */
	assert_int_equal(PMU(CONFIG, 0, EVERY, 0, FIRMWARE(256), 1),
			 SBI_ERR_NOT_SUPPORTED);
}

static void functions_there_are_not(void **state)
{
	(void)state;
	assert_int_equal(PMU(SNAPSHOT, GUEST_RAM_BASE.raw, 0, 0), SBI_ERR_NOT_SUPPORTED);
	assert_int_equal(PMU(8, GUEST_RAM_BASE.raw, 0, 1), SBI_ERR_NOT_SUPPORTED);
	assert_int_equal(counting(FIRMWARE(256)), FIRST);
	assert_int_equal(PMU(STOP, FIRST, 1, SNAPSHOT_FLAG), SBI_ERR_NO_SHMEM);
	assert_int_equal(PMU(STOP, FIRST, 1, 0), SBI_SUCCESS);
	assert_int_equal(PMU(START, FIRST, 1, SNAPSHOT_FLAG), SBI_ERR_NO_SHMEM);
	assert_int_equal(PMU(START, FIRST, 1, 0), SBI_SUCCESS);
}

/* ---- sets ---- */

static void sets_of_counters(void **state)
{
	static const struct {
		uint64_t base, mask;
		bool valid;
	} sets[] = {
		{0, 1, true},	   {0, EVERY, true},  {FIRST, 1, true},
		{1, 2, true},	   {63, 1, true},     {2, EVERY >> 2, true},
		{0, 2, false},	   {0, ALL, false},   {1, 1, false},
		{63, 2, false},	   {63, 3, false},    {64, 1, false},
		{ALL, 1, false},   {ALL, ALL, false}, {UINT64_C(1) << 32, 1, false},
		{3, EVERY, false},
	};

	(void)state;
	for (unsigned i = 0; i < ARRAY_LENGTH(sets); i++) {
		uint64_t base = sets[i].base, mask = sets[i].mask;

		assert_int_equal(PMU(STOP, base, mask, 0),
				 sets[i].valid ? SBI_ERR_ALREADY_STOPPED
					       : SBI_ERR_INVALID_PARAM);
		assert_int_equal(PMU(CONFIG, base, mask, 0, 0),
				 sets[i].valid ? SBI_ERR_NOT_SUPPORTED
					       : SBI_ERR_INVALID_PARAM);
		if (!sets[i].valid)
			assert_int_equal(PMU(START, base, mask, 0),
					 SBI_ERR_INVALID_PARAM);
	}
	/* of no counters, wherever it begins */
	assert_int_equal(PMU(START, ALL, 0, 0), SBI_SUCCESS);
	assert_int_equal(PMU(STOP, ALL, 0, 0), SBI_SUCCESS);
	assert_int_equal(PMU(CONFIG, 0, 0, 0, FIRMWARE(256)), SBI_ERR_NOT_SUPPORTED);
	assert_int_equal(PMU(CONFIG, 0, 0, SKIP_MATCH, FIRMWARE(256)),
			 SBI_ERR_NOT_SUPPORTED);
}

static void matching_takes_the_first_that_is_free(void **state)
{
	(void)state;
	for (uint64_t i = FIRST; i < 64; i++) {
		assert_int_equal(PMU(CONFIG, 0, EVERY, 0, FIRMWARE(256)), SBI_SUCCESS);
		assert_int_equal(value(), i);
	}
	assert_int_equal(PMU(CONFIG, 0, EVERY, 0, FIRMWARE(256)), SBI_ERR_NOT_SUPPORTED);
	assert_int_equal(PMU(STOP, 40, 1, 0), SBI_ERR_ALREADY_STOPPED);
	assert_int_equal(PMU(CONFIG, 0, EVERY, 0, FIRMWARE(256)), SBI_ERR_NOT_SUPPORTED);
	assert_int_equal(PMU(STOP, 40, 1, RESET), SBI_ERR_ALREADY_STOPPED);
	assert_int_equal(PMU(CONFIG, 0, EVERY, 0, FIRMWARE(256)), SBI_SUCCESS);
	assert_int_equal(value(), 40);
}

static void matching_may_be_skipped(void **state)
{
	(void)state;
	/* as Linux forces the two that every hart has */
	assert_int_equal(PMU(CONFIG, 0, 1, SKIP_MATCH, CYCLES), SBI_SUCCESS);
	assert_int_equal(value(), CYCLE);
	assert_int_equal(PMU(CONFIG, 0, 4, SKIP_MATCH, INSTRUCTIONS), SBI_SUCCESS);
	assert_int_equal(value(), INSTRET);
	/* the first, or none */
	assert_int_equal(PMU(CONFIG, 0, 1 | 1 << FIRST, SKIP_MATCH, FIRMWARE(256)),
			 SBI_ERR_NOT_SUPPORTED);
	assert_int_equal(PMU(CONFIG, 5, 6, SKIP_MATCH, FIRMWARE(256)), SBI_SUCCESS);
	assert_int_equal(value(), 6);
	/* again, which nobody but its owner may */
	assert_int_equal(PMU(CONFIG, 6, 1, 0, FIRMWARE(256)), SBI_ERR_NOT_SUPPORTED);
	assert_int_equal(PMU(CONFIG, 6, 1, SKIP_MATCH, FIRMWARE(257)), SBI_SUCCESS);
	assert_int_equal(PMU(START, 6, 1, 0), SBI_SUCCESS);
	assert_int_equal(PMU(CONFIG, 6, 1, SKIP_MATCH, FIRMWARE(257)),
			 SBI_ERR_NOT_SUPPORTED);
}

/* ---- starting and stopping ---- */

static void counters_start_and_stop(void **state)
{
	uint64_t counter;

	(void)state;
	assert_int_equal(PMU(START, FIRST, 1, 0), SBI_ERR_INVALID_PARAM);
	assert_int_equal(PMU(CONFIG, 0, FIRMWARE_ALL, 0, FIRMWARE(5)), SBI_SUCCESS);
	counter = value();
	CALL(SBI_EXTENSION_TIME, 0, ALL);
	assert_int_equal(read_counter(counter), 0);
	assert_int_equal(PMU(START, counter, 1, SET_VALUE, 1000), SBI_SUCCESS);
	CALL(SBI_EXTENSION_TIME, 0, ALL);
	CALL(SBI_LEGACY_SET_TIMER, 0, ALL);
	assert_int_equal(read_counter(counter), 1002);
	assert_int_equal(PMU(START, counter, 1, SET_VALUE, 5), SBI_ERR_ALREADY_STARTED);
	assert_int_equal(read_counter(counter), 1002);
	assert_int_equal(PMU(STOP, counter, 1, 0), SBI_SUCCESS);
	CALL(SBI_EXTENSION_TIME, 0, ALL);
	assert_int_equal(read_counter(counter), 1002);
	assert_int_equal(PMU(STOP, counter, 1, 0), SBI_ERR_ALREADY_STOPPED);
	assert_int_equal(PMU(START, counter, 1, 0), SBI_SUCCESS);
	CALL(SBI_EXTENSION_TIME, 0, ALL);
	assert_int_equal(read_counter(counter), 1003);
	/* CLEAR_VALUE, and counting up to where Linux wants an overflow */
	assert_int_equal(PMU(STOP, counter, 1, RESET), SBI_SUCCESS);
	assert_int_equal(PMU(START, counter, 1, 0), SBI_ERR_INVALID_PARAM);
	assert_int_equal(PMU(CONFIG, counter, 1, 0, FIRMWARE(5)), SBI_SUCCESS);
	assert_int_equal(read_counter(counter), 1003);
	assert_int_equal(PMU(STOP, counter, 1, RESET), SBI_ERR_ALREADY_STOPPED);
	assert_int_equal(PMU(CONFIG, counter, 1, CLEAR_VALUE, FIRMWARE(5)), SBI_SUCCESS);
	assert_int_equal(read_counter(counter), 0);
	assert_int_equal(PMU(START, counter, 1, SET_VALUE, ALL), SBI_SUCCESS);
	CALL(SBI_EXTENSION_TIME, 0, ALL);
	assert_int_equal(read_counter(counter), 0);
}

static void sets_start_as_a_whole(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(PMU(CONFIG, 0, FIRMWARE_ALL, 0, FIRMWARE(256 + i)), 0);
	/* one of them is not there, has no event */
	assert_int_equal(PMU(START, 0, 0x3a, SET_VALUE, 7), SBI_ERR_INVALID_PARAM);
	assert_int_equal(PMU(START, FIRST, 0xf, SET_VALUE, 7), SBI_ERR_INVALID_PARAM);
	for (uint64_t i = FIRST; i < FIRST + 3; i++)
		assert_int_equal(read_counter(i), 0);
	assert_int_equal(PMU(START, FIRST, 2, 0), SBI_SUCCESS);
	assert_int_equal(PMU(START, FIRST, 7, 0), SBI_ERR_ALREADY_STARTED);
	assert_int_equal(PMU(STOP, FIRST, 7, 0), SBI_SUCCESS);
	assert_int_equal(PMU(STOP, FIRST, 7, RESET), SBI_ERR_ALREADY_STOPPED);
	assert_int_equal(PMU(STOP, 0, EVERY, RESET), SBI_ERR_ALREADY_STOPPED);
}

static void firmware_counters_are_read(void **state)
{
	(void)state;
	for (unsigned function = READ; function <= READ_HIGH; function++) {
		assert_int_equal(PMU(function, CYCLE), SBI_ERR_INVALID_PARAM);
		assert_int_equal(PMU(function, TIME_COUNTER), SBI_ERR_INVALID_PARAM);
		assert_int_equal(PMU(function, INSTRET), SBI_ERR_INVALID_PARAM);
		assert_int_equal(PMU(function, 64), SBI_ERR_INVALID_PARAM);
		assert_int_equal(PMU(function, ALL), SBI_ERR_INVALID_PARAM);
	}
	assert_int_equal(counting(FIRMWARE(256)), FIRST);
	assert_int_equal(PMU(STOP, FIRST, 1, 0), SBI_SUCCESS);
	assert_int_equal(PMU(START, FIRST, 1, SET_VALUE, ALL - 100), SBI_SUCCESS);
	assert_int_equal(PMU(READ_HIGH, FIRST), SBI_SUCCESS);
	assert_int_equal(value(), 0);
	assert_int_equal(read_counter(FIRST), ALL - 98);
}

/* ---- what they count ---- */

static void exit_counters_count_the_reading_and_not_the_starting(void **state)
{
	uint64_t all, pmu;

	(void)state;
	all = counting(FIRMWARE(256));
	pmu = counting(FIRMWARE(257 + REASON_SBI_PMU));
	assert_int_equal(read_counter(all), 2); /* the other's start, and this */
	assert_int_equal(read_counter(pmu), 2);
	CALL(SBI_EXTENSION_BASE, 0, 0);
	assert_int_equal(read_counter(all), 5);
	assert_int_equal(PMU(STOP, pmu, 1, 0), SBI_SUCCESS);
	assert_int_equal(read_counter(pmu), 4);
	assert_int_equal(read_counter(all), 8);
}

/* Wherever they were counted; the fast vector counts its own. */
static void every_reason_has_an_event(void **state)
{
	uint64_t counter[REASON_COUNT], all, total;

	(void)state;
	all = counting(FIRMWARE(256));
	for (unsigned i = 0; i < REASON_COUNT; i++)
		counter[i] = counting(FIRMWARE(257 + i));
	for (unsigned i = 0; i < REASON_COUNT; i++) {
		vcpu->counters.fast[i] += i;
		vcpu->counters.full[i] += 100;
	}
	for (unsigned i = 0; i < REASON_SBI_PMU; i++)
		assert_int_equal(read_counter(counter[i]), 100 + i);
	total = read_counter(all);
	assert_int_equal(total, counters_total(&vcpu->counters) - 1);
}

static void others_are_not_counted(void **state)
{
	uint64_t counter;

	(void)state;
	counter = counting(FIRMWARE(257 + REASON_SBI_TIMER));
	bench_vm.vcpus[1].state = VCPU_STARTED;
	for (unsigned i = 0; i < 5; i++)
		call_by(&bench_vm.vcpus[1], SBI_EXTENSION_TIME, 0,
			(const uint64_t[6]){ALL});
	assert_int_equal(read_counter(counter), 0);
	CALL(SBI_EXTENSION_TIME, 0, ALL);
	assert_int_equal(read_counter(counter), 1);
}

/* "other hart": a request of a hart to itself is none. */
static void requests_between_harts(void **state)
{
	static const struct {
		uint64_t extension, function, sent;
		unsigned legacy;
	} requests[] = {
		{SBI_EXTENSION_IPI, 0, 6, 4},
		{SBI_EXTENSION_RFENCE, 0, 8, 5},
		{SBI_EXTENSION_RFENCE, 1, 10, 6},
		{SBI_EXTENSION_RFENCE, 2, 12, 7},
	};

	(void)state;
	for (unsigned i = 0; i < ARRAY_LENGTH(requests); i++) {
		uint64_t sent = counting(FIRMWARE(requests[i].sent));
		uint64_t received = counting(FIRMWARE(requests[i].sent + 1));

		CALL(requests[i].extension, requests[i].function, 1, 0);
		assert_int_equal(read_counter(sent), 0);
		CALL(requests[i].extension, requests[i].function, 7, 0);
		assert_int_equal(read_counter(sent), 2);
		assert_int_equal(read_counter(received), 0);
		CALL(requests[i].legacy, 0, 0, 0, ALL);
		assert_int_equal(read_counter(sent), 4);
		call_by(&bench_vm.vcpus[1], requests[i].extension, requests[i].function,
			(const uint64_t[6]){1, 0});
		assert_int_equal(read_counter(received), 1);
		assert_int_equal(read_counter(sent), 4);
	}
}

/* ---- cycle and instret ---- */

static uint64_t read_csr(uint32_t instruction)
{
	vcpu->arch.x[9] = 0;
	vcpu->arch.pc = 0x1000;
	exit_handle(vcpu,
		    &(struct vm_exit){.cause = CAUSE_PRIVILEGED, .value = instruction});
	assert_int_equal(vcpu->arch.pc, 0x1004);
	return vcpu->arch.x[9];
}

#define CSRR_S1_CYCLE	0xc00024f3
#define CSRR_S1_INSTRET 0xc02024f3

static void hart_counters_can_be_set_and_stopped(void **state)
{
	(void)state;
	fake_machine.counters[COUNTER_CYCLE] = 5000;
	fake_machine.counters[COUNTER_INSTRET] = 300;
	assert_int_equal(PMU(CONFIG, 0, EVERY, 0, CYCLES), SBI_SUCCESS);
	assert_int_equal(value(), CYCLE);
	assert_true(fake_machine.counter_traps[COUNTER_CYCLE]);
	assert_false(fake_machine.counter_traps[COUNTER_INSTRET]);
	/* not started: it stands where the hart's did */
	fake_machine.counters[COUNTER_CYCLE] = 5100;
	assert_int_equal(read_csr(CSRR_S1_CYCLE), 5000);
	assert_int_equal(PMU(START, CYCLE, 1, 0), SBI_SUCCESS);
	fake_machine.counters[COUNTER_CYCLE] = 5107;
	assert_int_equal(read_csr(CSRR_S1_CYCLE), 5007);
	/* put on another hart, which has a count of its own */
	pmu_put(vcpu);
	fake_machine.counters[COUNTER_CYCLE] = 17;
	pmu_load(vcpu);
	fake_machine.counters[COUNTER_CYCLE] = 20;
	assert_int_equal(read_csr(CSRR_S1_CYCLE), 5010);
	assert_int_equal(PMU(STOP, CYCLE, 1, RESET), SBI_SUCCESS);
	assert_false(fake_machine.counter_traps[COUNTER_CYCLE]);
	/* as Linux does: an event, and minus the period */
	assert_int_equal(PMU(CONFIG, 0, 4, 0, INSTRUCTIONS), SBI_SUCCESS);
	assert_int_equal(PMU(START, INSTRET, 1, SET_VALUE, -UINT64_C(50)), SBI_SUCCESS);
	fake_machine.counters[COUNTER_INSTRET] += 60;
	assert_int_equal(read_csr(CSRR_S1_INSTRET), 10);
	assert_int_equal(PMU(CONFIG, 0, EVERY, 0, CYCLES), SBI_SUCCESS);
	assert_int_equal(PMU(CONFIG, 0, EVERY, 0, CYCLES), SBI_ERR_NOT_SUPPORTED);
}

static bool is_illegal(uint32_t instruction)
{
	unsigned exceptions = fake_machine.exceptions;

	exit_handle(vcpu,
		    &(struct vm_exit){.cause = CAUSE_PRIVILEGED, .value = instruction});
	assert_true(fake_machine.exceptions == exceptions ||
		    fake_machine.exception_number == EXCEPTION_ILLEGAL_INSTRUCTION);
	return fake_machine.exceptions != exceptions;
}

static void which_instructions_read_counters(void **state)
{
	(void)state;
	assert_int_equal(PMU(CONFIG, 0, 1, AUTO_START, CYCLES), SBI_SUCCESS);
	/* csrrs, csrrc, csrrsi and csrrci that do not write; also to x0 */
	assert_false(is_illegal(0xc00024f3));
	assert_false(is_illegal(0xc00034f3));
	assert_false(is_illegal(0xc00064f3));
	assert_false(is_illegal(0xc00074f3));
	assert_false(is_illegal(0xc0002073));
	assert_int_equal(vcpu->arch.x[0], 0);
	/* writes, other CSRs (hpmcounter3, hpmcounter4), ecall's funct3 */
	assert_true(is_illegal(0xc00014f3));
	assert_true(is_illegal(0xc000a4f3));
	assert_true(is_illegal(0xc03024f3));
	assert_true(is_illegal(0xc04024f3));
	assert_true(is_illegal(0xc00044f3));
	/* the guest's own scounteren decides for its user mode */
	fake_machine.guest.user = true;
	assert_false(is_illegal(CSRR_S1_CYCLE));
	fake_machine.counter_denied = true;
	assert_true(is_illegal(CSRR_S1_CYCLE));
	fake_machine.guest.user = false;
	assert_false(is_illegal(CSRR_S1_CYCLE));
	/* nothing is read that the hart has not */
	fake_machine.counters_missing = true;
	assert_true(is_illegal(CSRR_S1_CYCLE));
}

static void a_reset_takes_all_away(void **state)
{
	(void)state;
	assert_int_equal(PMU(CONFIG, 0, EVERY, AUTO_START, FIRMWARE(256)), SBI_SUCCESS);
	CALL(SBI_EXTENSION_BASE, 0, 0);
	assert_int_not_equal(read_counter(FIRST), 0);
	vcpu_reset(vcpu, GUEST_RAM_BASE, 0, 0);
	assert_int_equal(read_counter(FIRST), 0);
	assert_int_equal(PMU(STOP, FIRST, 1, 0), SBI_ERR_ALREADY_STOPPED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)
		TEST(counters_are_described),
		TEST(a_hart_without_counters_has_none),
		TEST(events_there_are),
		TEST(events_there_are_not),
		TEST(functions_there_are_not),
		TEST(sets_of_counters),
		TEST(matching_takes_the_first_that_is_free),
		TEST(matching_may_be_skipped),
		TEST(counters_start_and_stop),
		TEST(sets_start_as_a_whole),
		TEST(firmware_counters_are_read),
		TEST(exit_counters_count_the_reading_and_not_the_starting),
		TEST(every_reason_has_an_event),
		TEST(others_are_not_counted),
		TEST(requests_between_harts),
		TEST(hart_counters_can_be_set_and_stopped),
		TEST(which_instructions_read_counters),
		TEST(a_reset_takes_all_away),
#undef TEST
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
