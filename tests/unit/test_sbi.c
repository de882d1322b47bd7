/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: core/pmu.c core/sbi/pmu.c core/interrupt.c drivers/plic.c */
/* sources: core/vcpu_requests.c tests/unit/prompt_scheduler.c */
/* sources: core/guest_code.c core/counters.c core/timer.c core/console_mux.c */
/* sources: core/sbi/base.c core/sbi/dbcn.c core/sbi/hsm.c core/sbi/ipi.c */
/* sources: core/sbi/legacy.c core/sbi/rfence.c core/sbi/sbi.c core/sbi/srst.c */
/* sources: core/sbi/sta.c core/sbi/time.c arch/riscv/decode.c drivers/host_mmio.c drivers/mmio.c */
/* sources: drivers/uart.c drivers/vplic.c drivers/vuart.c mm/guest_memory.c */
/* sources: tests/unit/fake_arch.c tests/unit/fake_pages.c tests/unit/host_ram.c */
/* sources: tests/unit/vm_bench.c */
/* sources: drivers/virtio_console.c drivers/virtio_mmio.c drivers/virtio_queue.c */
/*
 * The SBI as a guest sees it: each extension's functions with right and wrong
 * arguments, what is in a0 and a1 afterwards, and what else must have happened.
 */
#include <string.h>

#include "core/sbi/sbi.h"
#include "core/vcpu_requests.h"
#include "tests/unit/vm_bench.h"

#define UNTOUCHED UINT64_C(0x5555aaaa5555aaaa)
#define ALL	  UINT64_MAX

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

/* An ecall; arguments as given, the rest 0 (a1 too, unless given). */
static int64_t call(uint64_t extension, uint64_t function, const uint64_t *arguments)
{
	struct exit_result result;

	for (unsigned i = 0; i < 6; i++)
		vcpu->arch.x[10 + i] = arguments[i];
	vcpu->arch.x[16] = function;
	vcpu->arch.x[17] = extension;
	result = exit_sbi(vcpu, &(struct vm_exit){.cause = CAUSE_SBI});
	assert_int_equal(result.action, EXIT_RESUME_NEXT);
	assert_int_equal(result.length, 4);
	/* nothing but a0 and a1 */
	for (unsigned i = 2; i < 6; i++)
		assert_int_equal(vcpu->arch.x[10 + i], arguments[i]);
	assert_int_equal(vcpu->arch.x[16], function);
	assert_int_equal(vcpu->arch.x[17], extension);
	return (int64_t)vcpu->arch.x[10];
}

#define CALL(extension, function, ...)                                                   \
	call(extension, function, (const uint64_t[6]){__VA_ARGS__})

static uint64_t value(void)
{
	return vcpu->arch.x[11];
}

/* ---- BASE ---- */

static void base(void **state)
{
	(void)state;
	assert_int_equal(CALL(SBI_EXTENSION_BASE, SBI_BASE_SPEC_VERSION, 0), SBI_SUCCESS);
	assert_int_equal(value(), 0x02000000);
	assert_int_equal(CALL(SBI_EXTENSION_BASE, SBI_BASE_IMPLEMENTATION_ID, 0), 0);
	assert_int_not_equal(value(), 0);
	assert_int_equal(CALL(SBI_EXTENSION_BASE, SBI_BASE_IMPLEMENTATION_VERSION, 0), 0);
	/* a SiFive id would change what Linux does at every fence */
	for (unsigned id = SBI_BASE_MVENDORID; id <= SBI_BASE_MIMPID; id++) {
		assert_int_equal(CALL(SBI_EXTENSION_BASE, id, 0, UNTOUCHED), SBI_SUCCESS);
		assert_int_equal(value(), 0);
	}
	assert_int_equal(CALL(SBI_EXTENSION_BASE, 7, 0), SBI_ERR_NOT_SUPPORTED);
}

static void probe_tells_what_there_is(void **state)
{
	static const uint64_t there[] = {
		0,	    1,	      2,	  3,	      4,	  5,
		6,	    7,	      8,	  0x10,	      0x54494d45, 0x735049,
		0x52464e43, 0x48534d, 0x53525354, 0x4442434e, 0x504d55,	  0x535441};
	static const uint64_t not_there[] = {
		9, 0xf, 0x11, 0x535345, 0x53555350, ALL, UINT64_C(1) << 32};

	(void)state;
	for (unsigned i = 0; i < ARRAY_LENGTH(there); i++) {
		assert_int_equal(CALL(SBI_EXTENSION_BASE, SBI_BASE_PROBE, there[i]), 0);
		assert_int_not_equal(value(), 0);
	}
	for (unsigned i = 0; i < ARRAY_LENGTH(not_there); i++) {
		assert_int_equal(CALL(SBI_EXTENSION_BASE, SBI_BASE_PROBE, not_there[i]),
				 0);
		assert_int_equal(value(), 0);
		assert_int_equal(CALL(not_there[i], 0, 1, UNTOUCHED),
				 SBI_ERR_NOT_SUPPORTED);
	}
}

static void functions_there_are_not(void **state)
{
	static const uint64_t extensions[] = {
		SBI_EXTENSION_BASE, SBI_EXTENSION_TIME,	  SBI_EXTENSION_IPI,
		SBI_EXTENSION_HSM,  SBI_EXTENSION_RFENCE, SBI_EXTENSION_SRST,
		SBI_EXTENSION_DBCN, SBI_EXTENSION_PMU,	  SBI_EXTENSION_STA,
	};

	(void)state;
	for (unsigned i = 0; i < ARRAY_LENGTH(extensions); i++) {
		assert_int_equal(CALL(extensions[i], 100, 0, UNTOUCHED),
				 SBI_ERR_NOT_SUPPORTED);
		assert_int_equal(value(), 0);
	}
	assert_int_equal(bench_vm.end, VM_RUNNING);
}

/* ---- TIME and IPI ---- */

/* The chip's own timer, and without Sstc the host's. */
static uint64_t deadline(void)
{
	if (fake_profile()->sstc)
		return fake_machine.guest_deadline;
	assert_int_equal(vcpu->timer_deadline, fake_machine.host_deadline);
	return fake_machine.host_deadline;
}

static void time_sets_the_timer(void **state)
{
	bool sstc = fake_profile()->sstc;

	(void)state;
	fake_machine.interrupts[0] = 1u << GUEST_TIMER;
	assert_int_equal(CALL(SBI_EXTENSION_TIME, SBI_TIME_SET, 5000), SBI_SUCCESS);
	assert_int_equal(deadline(), 5000);
	/* taken back by Gnomon where the chip does not do so itself */
	assert_int_equal(fake_machine.interrupts[0], sstc ? 1u << GUEST_TIMER : 0);
	assert_int_equal(CALL(SBI_EXTENSION_TIME, SBI_TIME_SET, ALL), SBI_SUCCESS);
	assert_int_equal(deadline(), UINT64_MAX);
}

static unsigned harts_with(enum guest_interrupt which)
{
	unsigned mask = 0;

	for (unsigned i = 0; i < 8; i++) {
		mask |= (fake_machine.interrupts[i] >> which & 1) << i;
		fake_machine.interrupts[i] = 0;
	}
	return mask;
}

static void ipis_reach_the_harts_of_the_mask(void **state)
{
	static const struct {
		uint64_t mask, base;
		int64_t error;
		unsigned reached;
	} calls[] = {
		{1, 0, SBI_SUCCESS, 1},
		{5, 0, SBI_SUCCESS, 5},
		{3, 1, SBI_SUCCESS, 6},
		{0, 0, SBI_SUCCESS, 0},
		{0, ALL, SBI_SUCCESS, 7},
		{0xff, ALL, SBI_SUCCESS, 7},
		/* harts that are not there, alone or among others */
		{8, 0, SBI_ERR_INVALID_PARAM, 0},
		{0xf, 0, SBI_ERR_INVALID_PARAM, 0},
		{1, 3, SBI_ERR_INVALID_PARAM, 0},
		{7, 1, SBI_ERR_INVALID_PARAM, 0},
		{UINT64_C(1) << 63, 0, SBI_ERR_INVALID_PARAM, 0},
		{1, ALL - 1, SBI_ERR_INVALID_PARAM, 0},
	};

	(void)state;
	for (unsigned i = 0; i < ARRAY_LENGTH(calls); i++) {
		assert_int_equal(CALL(SBI_EXTENSION_IPI, SBI_IPI_SEND, calls[i].mask,
				      calls[i].base),
				 calls[i].error);
		assert_int_equal(harts_with(GUEST_SOFTWARE), calls[i].reached);
	}
}

/* ---- RFENCE ---- */

static void rfence_asks_for_what_the_guest_did(void **state)
{
	(void)state;
	assert_int_equal(CALL(SBI_EXTENSION_RFENCE, SBI_RFENCE_FENCE_I, 1, 0), 0);
	assert_int_equal(fake_machine.counts.instruction_fences, 1);
	assert_int_equal(CALL(SBI_EXTENSION_RFENCE, SBI_RFENCE_SFENCE_VMA, 5, 0, 0x1000,
			      0x3000, 9),
			 0);
	assert_int_equal(scripted.fences, 2);
	assert_int_equal(scripted.fences_of[0] + scripted.fences_of[2], 2);
	assert_true(scripted.fence.has_address);
	assert_false(scripted.fence.has_asid);
	assert_int_equal(scripted.fence.start.raw, 0x1000);
	assert_int_equal(scripted.fence.size, 0x3000);
	assert_int_equal(CALL(SBI_EXTENSION_RFENCE, SBI_RFENCE_SFENCE_VMA_ASID, 0, ALL,
			      0x1000, 0x3000, 0x10009),
			 0);
	assert_int_equal(scripted.fences, 5);
	assert_true(scripted.fence.has_address && scripted.fence.has_asid);
	assert_int_equal(scripted.fence.asid, 9);
	assert_int_equal(
		CALL(SBI_EXTENSION_RFENCE, SBI_RFENCE_SFENCE_VMA, 8, 0, 0x1000, 0x1000),
		SBI_ERR_INVALID_PARAM);
	assert_int_equal(scripted.fences, 5);
	for (unsigned function = SBI_RFENCE_HFENCE_GVMA_VMID;
	     function <= SBI_RFENCE_HFENCE_VVMA; function++)
		assert_int_equal(CALL(SBI_EXTENSION_RFENCE, function, 1, 0, 0, 0),
				 SBI_ERR_NOT_SUPPORTED);
}

/* All of the address space; as Linux asks for it, as the text has it, and wraps. */
static void rfence_of_everything(void **state)
{
	static const uint64_t ranges[][2] = {
		{0, 0},	       {0, ALL},
		{0x1000, ALL}, {ALL - 0xfff, 0x2000},
		{ALL, ALL},    {0x1000, ALL - 0xfff},
	};

	(void)state;
	for (unsigned i = 0; i < ARRAY_LENGTH(ranges); i++) {
		scripted.fence.has_address = true;
		assert_int_equal(CALL(SBI_EXTENSION_RFENCE, SBI_RFENCE_SFENCE_VMA, 1, 0,
				      ranges[i][0], ranges[i][1]),
				 0);
		assert_false(scripted.fence.has_address);
	}
}

/* ---- HSM ---- */

static void harts_are_started(void **state)
{
	(void)state;
	bench_vm.vcpus[2].external = true;
	assert_int_equal(
		CALL(SBI_EXTENSION_HSM, SBI_HSM_START, 2, GUEST_RAM_BASE.raw + 8, 77), 0);
	assert_int_equal(fake_machine.resets, 1);
	assert_int_equal(fake_machine.reset_entry.raw, GUEST_RAM_BASE.raw + 8);
	assert_int_equal(fake_machine.reset_a0, 2);
	assert_int_equal(fake_machine.reset_a1, 77);
	assert_int_equal(bench_vm.vcpus[2].state, VCPU_STARTED);
	/* What the PLIC has said to it is no less true. */
	assert_int_equal(fake_machine.interrupts[2], 1u << GUEST_EXTERNAL);
	assert_int_equal(CALL(SBI_EXTENSION_HSM, SBI_HSM_START, 2, GUEST_RAM_BASE.raw, 0),
			 SBI_ERR_ALREADY_AVAILABLE);
	assert_int_equal(CALL(SBI_EXTENSION_HSM, SBI_HSM_START, 0, GUEST_RAM_BASE.raw, 0),
			 SBI_ERR_ALREADY_AVAILABLE);
	assert_int_equal(CALL(SBI_EXTENSION_HSM, SBI_HSM_START, 3, GUEST_RAM_BASE.raw, 0),
			 SBI_ERR_INVALID_PARAM);
	assert_int_equal(CALL(SBI_EXTENSION_HSM, SBI_HSM_START, 1, 0x10000000, 0),
			 SBI_ERR_INVALID_ADDRESS);
	assert_int_equal(CALL(SBI_EXTENSION_HSM, SBI_HSM_START, 1,
			      GUEST_RAM_BASE.raw + VM_BENCH_RAM, 0),
			 SBI_ERR_INVALID_ADDRESS);
	assert_int_equal(fake_machine.resets, 1);
}

/* Whoever sent it an IPI while it was stopped sent it in vain. */
static void a_started_hart_has_no_ipi_from_before(void **state)
{
	(void)state;
	bench_vm.vcpus[2].requests = 1u << REQUEST_SOFTWARE | 1u << REQUEST_FENCES;
	assert_int_equal(CALL(SBI_EXTENSION_HSM, SBI_HSM_START, 2, GUEST_RAM_BASE.raw, 0),
			 0);
	assert_int_equal(fake_machine.interrupts[2], 0);
	assert_int_equal(bench_vm.vcpus[2].state, VCPU_STARTED);
	CALL(SBI_EXTENSION_IPI, SBI_IPI_SEND, 4, 0);
	assert_int_equal(fake_machine.interrupts[2], 1u << GUEST_SOFTWARE);
}

static void harts_tell_their_state(void **state)
{
	(void)state;
	assert_int_equal(CALL(SBI_EXTENSION_HSM, SBI_HSM_STATUS, 0), 0);
	assert_int_equal(value(), 0);
	assert_int_equal(CALL(SBI_EXTENSION_HSM, SBI_HSM_STATUS, 1), 0);
	assert_int_equal(value(), 1);
	assert_int_equal(CALL(SBI_EXTENSION_HSM, SBI_HSM_STATUS, 3),
			 SBI_ERR_INVALID_PARAM);
	assert_int_equal(CALL(SBI_EXTENSION_HSM, SBI_HSM_STATUS, ALL),
			 SBI_ERR_INVALID_PARAM);
}

/* The scheduler puts it, and says that it has stopped. */
static void a_hart_stops_itself(void **state)
{
	(void)state;
	CALL(SBI_EXTENSION_HSM, SBI_HSM_STOP, 0);
	assert_int_equal(vcpu->state, VCPU_STOP_PENDING);
	assert_int_equal(vcpu->leave, VCPU_HALTED);
	assert_int_equal(bench_vm.end, VM_RUNNING);
	assert_int_equal(CALL(SBI_EXTENSION_HSM, SBI_HSM_STATUS, 0), 0);
	assert_int_equal(value(), 3);
	assert_int_equal(CALL(SBI_EXTENSION_HSM, SBI_HSM_START, 0, GUEST_RAM_BASE.raw, 0),
			 SBI_ERR_ALREADY_AVAILABLE);
}

static void harts_suspend_as_they_wait(void **state)
{
	(void)state;
	assert_int_equal(CALL(SBI_EXTENSION_HSM, SBI_HSM_SUSPEND, 0), SBI_SUCCESS);
	/* default non-retentive: a type there is, but not here */
	assert_int_equal(CALL(SBI_EXTENSION_HSM, SBI_HSM_SUSPEND, 0x80000000),
			 SBI_ERR_NOT_SUPPORTED);
}

/*
 * SBI specification, "Hart suspend": SBI_ERR_INVALID_PARAM where "suspend_type is
 * reserved or is platform-specific and unimplemented".
 */
static void reserved_suspend_types_are_invalid(void **state)
{
	static const uint64_t types[] = {1, 0x0fffffff, 0x10000000, 0x80000001};

	(void)state;
	for (unsigned i = 0; i < ARRAY_LENGTH(types); i++)
		assert_int_equal(CALL(SBI_EXTENSION_HSM, SBI_HSM_SUSPEND, types[i]),
				 SBI_ERR_INVALID_PARAM);
}

/* ---- SRST ---- */

static void a_guest_ends(void **state)
{
	static const struct {
		uint64_t type, reason;
		int64_t error;
		enum vm_end end;
	} calls[] = {
		{0, 0, 0, VM_POWER_OFF},
		{1, 0, 0, VM_REBOOT},
		{2, 0, 0, VM_REBOOT},
		{0, 1, 0, VM_FAILURE},
		{1, 1, 0, VM_FAILURE},
		/* 32 bits of each count */
		{UINT64_C(1) << 32, UINT64_C(1) << 32, 0, VM_POWER_OFF},
		{3, 0, SBI_ERR_INVALID_PARAM, VM_RUNNING},
		{0, 2, SBI_ERR_INVALID_PARAM, VM_RUNNING},
		{0xf0000000, 0, SBI_ERR_INVALID_PARAM, VM_RUNNING},
		{0, 0xe0000000, SBI_ERR_INVALID_PARAM, VM_RUNNING},
	};

	(void)state;
	for (unsigned i = 0; i < ARRAY_LENGTH(calls); i++) {
		bench_vm.end = VM_RUNNING;
		assert_int_equal(CALL(SBI_EXTENSION_SRST, SBI_SRST_RESET, calls[i].type,
				      calls[i].reason),
				 calls[i].error);
		assert_int_equal(bench_vm.end, calls[i].end);
	}
}

/* ---- DBCN ---- */

static void the_debug_console_writes(void **state)
{
	static char text[5000];

	(void)state;
	memset(text, 'x', sizeof(text));
	guest_memory_write(&bench_vm.memory, GUEST_RAM_BASE, "Hello", 5);
	assert_int_equal(
		CALL(SBI_EXTENSION_DBCN, SBI_DBCN_WRITE, 5, GUEST_RAM_BASE.raw, 0), 0);
	assert_int_equal(value(), 5);
	assert_string_equal(fake_machine.output, "Hello");
	assert_int_equal(CALL(SBI_EXTENSION_DBCN, SBI_DBCN_WRITE_BYTE, 0x121), 0);
	assert_string_equal(fake_machine.output, "Hello!");
	assert_int_equal(value(), 0);
	assert_int_equal(
		CALL(SBI_EXTENSION_DBCN, SBI_DBCN_WRITE, 0, GUEST_RAM_BASE.raw, 0), 0);
	assert_int_equal(value(), 0);
}

static void the_debug_console_refuses(void **state)
{
	static const uint64_t calls[][3] = {
		{5, 0x1000, 0},
		{5, UINT64_C(0x80000000), 1},
		{5, UINT64_C(0x80000000) + VM_BENCH_RAM - 4, 0},
		{VM_BENCH_RAM + 1, UINT64_C(0x80000000), 0},
		{ALL, UINT64_C(0x80000000), 0},
		{2, ALL, 0},
	};

	(void)state;
	for (unsigned i = 0; i < ARRAY_LENGTH(calls); i++)
		for (unsigned function = 0; function < 2; function++) {
			assert_int_equal(
				call(SBI_EXTENSION_DBCN, function,
				     (const uint64_t[6]){calls[i][0], calls[i][1],
							 calls[i][2]}),
				SBI_ERR_INVALID_PARAM);
			assert_int_equal(value(), 0);
		}
	assert_int_equal(fake_machine.output_length, 0);
}

/* One call copies no more than a page: the guest asks again for the rest. */
static void the_debug_console_is_bounded(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 4000; i++)
		vuart_receive(&bench_vm.uart, 'a');
	assert_int_equal(CALL(SBI_EXTENSION_DBCN, SBI_DBCN_READ, VM_BENCH_RAM,
			      GUEST_RAM_BASE.raw, 0),
			 0);
	assert_true(value() <= 4096);
}

static void the_debug_console_reads(void **state)
{
	char got[4] = {0};

	(void)state;
	assert_int_equal(
		CALL(SBI_EXTENSION_DBCN, SBI_DBCN_READ, 8, GUEST_RAM_BASE.raw, 0), 0);
	assert_int_equal(value(), 0);
	vuart_receive(&bench_vm.uart, 'q');
	assert_int_equal(
		CALL(SBI_EXTENSION_DBCN, SBI_DBCN_READ, 8, GUEST_RAM_BASE.raw + 1, 0), 0);
	assert_int_equal(value(), 1);
	guest_memory_read(&bench_vm.memory, got, GUEST_RAM_BASE, 3);
	assert_memory_equal(got, "\0q\0", 3);
}

/* ---- legacy ---- */

/* They answer in a0, and leave a1 as it was. */
static int64_t legacy(uint64_t number, uint64_t a0)
{
	int64_t answer = call(number, 99, (const uint64_t[6]){a0, UNTOUCHED});

	assert_int_equal(vcpu->arch.x[11], UNTOUCHED);
	return answer;
}

static void legacy_console_and_timer(void **state)
{
	(void)state;
	assert_int_equal(legacy(SBI_LEGACY_CONSOLE_PUTCHAR, 'z'), 0);
	assert_string_equal(fake_machine.output, "z");
	assert_int_equal(legacy(SBI_LEGACY_CONSOLE_GETCHAR, 0), -1);
	vuart_receive(&bench_vm.uart, 0xfe);
	assert_int_equal(legacy(SBI_LEGACY_CONSOLE_GETCHAR, 0), 0xfe);
	assert_int_equal(legacy(SBI_LEGACY_SET_TIMER, 1234), 0);
	assert_int_equal(deadline(), 1234);
	assert_int_equal(legacy(SBI_LEGACY_SHUTDOWN, 0), 0);
	assert_int_equal(bench_vm.end, VM_POWER_OFF);
}

static void mask_at(uint64_t gva, uint64_t mask)
{
	scripted.code_at = GVA(gva);
	scripted.code_kind = ACCESS_LOAD;
	scripted.code_length = 4;
	memcpy(scripted.code, &mask, 8);
}

static void legacy_masks_are_in_the_guests_memory(void **state)
{
	(void)state;
	mask_at(0x4000, 5);
	assert_int_equal(legacy(SBI_LEGACY_SEND_IPI, 0x4000), 0);
	assert_int_equal(harts_with(GUEST_SOFTWARE), 5);
	assert_int_equal(legacy(SBI_LEGACY_SEND_IPI, 0), 0);
	assert_int_equal(harts_with(GUEST_SOFTWARE), 7);
	fake_machine.interrupts[0] = 1u << GUEST_SOFTWARE;
	assert_int_equal(legacy(SBI_LEGACY_CLEAR_IPI, 0), 0);
	assert_int_equal(harts_with(GUEST_SOFTWARE), 0);
	/* odd, not there, or the end of it not there */
	assert_int_not_equal(legacy(SBI_LEGACY_SEND_IPI, 0x4001), 0);
	assert_int_not_equal(legacy(SBI_LEGACY_SEND_IPI, 0x5000), 0);
	assert_int_not_equal(legacy(SBI_LEGACY_SEND_IPI, 0x4002), 0);
	assert_int_not_equal(legacy(SBI_LEGACY_REMOTE_FENCE_I, UINT64_MAX - 1), 0);
	assert_int_equal(harts_with(GUEST_SOFTWARE), 0);
}

static void legacy_fences(void **state)
{
	(void)state;
	mask_at(0x4000, 2);
	assert_int_equal(CALL(SBI_LEGACY_REMOTE_FENCE_I, 0, 0x4000), 0);
	assert_int_equal(fake_machine.counts.instruction_fences, 1);
	assert_int_equal(CALL(SBI_LEGACY_REMOTE_SFENCE_VMA, 0, 0x4000, 0x9000, 0x1000, 3),
			 0);
	assert_int_equal(scripted.fences_of[1], 1);
	assert_int_equal(scripted.fence.start.raw, 0x9000);
	assert_false(scripted.fence.has_asid);
	assert_int_equal(
		CALL(SBI_LEGACY_REMOTE_SFENCE_VMA_ASID, 0, 0x4000, 0x9000, 0x1000, 3), 0);
	assert_true(scripted.fence.has_asid);
	assert_int_equal(scripted.fence.asid, 3);
	assert_int_equal(CALL(SBI_LEGACY_REMOTE_SFENCE_VMA, 0, 0, 0, ALL), 0);
	assert_false(scripted.fence.has_address);
	assert_int_equal(scripted.fences, 5);
}

/* ---- STA ---- */

#define STEAL_AT (GUEST_RAM_BASE.raw + 0x1040)

static uint64_t in_ram(uint64_t at, unsigned size)
{
	uint64_t read = 0;

	assert_int_equal(guest_memory_read(&bench_vm.memory, &read, GPA(at), size),
			 STATUS_OK);
	return read;
}

static int64_t steal(uint64_t low, uint64_t high, uint64_t flags)
{
	return CALL(SBI_EXTENSION_STA, SBI_STA_SET_SHMEM, low, high, flags);
}

static void expect_steal(uint32_t sequence, uint64_t nanoseconds, bool preempted)
{
	assert_int_equal(in_ram(STEAL_AT, 4), sequence);
	assert_int_equal(in_ram(STEAL_AT + 4, 4), 0);
	assert_int_equal(in_ram(STEAL_AT + 8, 8), nanoseconds);
	assert_int_equal(in_ram(STEAL_AT + 16, 1), preempted);
	for (unsigned i = 17; i < 64; i++)
		assert_int_equal(in_ram(STEAL_AT + i, 1), 0);
}

static void steal_time_is_told_where_it_is_asked_for(void **state)
{
	static const uint8_t old[66] = {[0] = 1, [1] = 0xff, [64] = 0xff, [65] = 1};

	(void)state;
	guest_memory_write(&bench_vm.memory, GPA(STEAL_AT - 1), old, sizeof(old));
	vcpu->place.times.stolen = 1234;
	sta_load(vcpu);
	sta_preempted(vcpu);
	assert_int_equal(in_ram(STEAL_AT, 1), 0xff); /* nobody has asked */
	assert_int_equal(steal(STEAL_AT, 0, 0), SBI_SUCCESS);
	assert_int_equal(value(), 0);
	expect_steal(0, 0, false);
	assert_int_equal(in_ram(STEAL_AT - 1, 1), 1);
	assert_int_equal(in_ram(STEAL_AT + 64, 1), 1);
	/* from there on, in ns, with a sequence that is even again */
	vcpu->place.times.stolen += 25;
	sta_preempted(vcpu);
	expect_steal(0, 0, true);
	sta_load(vcpu);
	expect_steal(2, 2500, false);
	/* half a year, with no overflow */
	vcpu->place.times.stolen = 1234 + UINT64_C(15768000) * VM_BENCH_TIMEBASE;
	sta_load(vcpu);
	expect_steal(4, UINT64_C(15768000) * 1000000000, false);
	/* no longer */
	assert_int_equal(steal(ALL, ALL, 0), SBI_SUCCESS);
	vcpu->place.times.stolen++;
	sta_load(vcpu);
	sta_preempted(vcpu);
	expect_steal(4, UINT64_C(15768000) * 1000000000, false);
}

static void steal_time_is_told_to_no_other_place(void **state)
{
	const uint64_t end = GUEST_RAM_BASE.raw + VM_BENCH_RAM;
	const struct {
		uint64_t low, high, flags;
		int64_t error;
	} wrong[] = {
		{STEAL_AT, 0, 1, SBI_ERR_INVALID_PARAM},
		{STEAL_AT, 0, UINT64_C(1) << 63, SBI_ERR_INVALID_PARAM},
		{STEAL_AT + 8, 0, 0, SBI_ERR_INVALID_PARAM},
		{STEAL_AT + 32, 0, 0, SBI_ERR_INVALID_PARAM},
		{ALL, 0, 0, SBI_ERR_INVALID_PARAM},
		{ALL, ALL, 1, SBI_ERR_INVALID_PARAM},
		{STEAL_AT, 1, 0, SBI_ERR_INVALID_ADDRESS},
		{0, ALL, 0, SBI_ERR_INVALID_ADDRESS},
		{0, 0, 0, SBI_ERR_INVALID_ADDRESS},
		{0x10000000, 0, 0, SBI_ERR_INVALID_ADDRESS},
		{-UINT64_C(64), 0, 0, SBI_ERR_INVALID_ADDRESS},
	};

	(void)state;
	for (unsigned i = 0; i < ARRAY_LENGTH(wrong); i++) {
		assert_int_equal(steal(wrong[i].low, wrong[i].high, wrong[i].flags),
				 wrong[i].error);
		assert_false(vcpu->steal.is_told);
	}
	assert_int_equal(steal(GUEST_RAM_BASE.raw - 64, 0, 0), SBI_ERR_INVALID_ADDRESS);
	assert_int_equal(steal(end, 0, 0), SBI_ERR_INVALID_ADDRESS);
	assert_int_equal(steal(end - 64, 0, 0), SBI_SUCCESS);
	/* what is refused leaves it as it was */
	assert_int_equal(steal(end, 0, 0), SBI_ERR_INVALID_ADDRESS);
	assert_true(vcpu->steal.is_told);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)
		TEST(base),
		TEST(probe_tells_what_there_is),
		TEST(functions_there_are_not),
		TEST(time_sets_the_timer),
		TEST(ipis_reach_the_harts_of_the_mask),
		TEST(rfence_asks_for_what_the_guest_did),
		TEST(rfence_of_everything),
		TEST(harts_are_started),
		TEST(a_started_hart_has_no_ipi_from_before),
		TEST(harts_tell_their_state),
		TEST(a_hart_stops_itself),
		TEST(harts_suspend_as_they_wait),
		TEST(reserved_suspend_types_are_invalid),
		TEST(a_guest_ends),
		TEST(the_debug_console_writes),
		TEST(the_debug_console_refuses),
		TEST(the_debug_console_is_bounded),
		TEST(the_debug_console_reads),
		TEST(legacy_console_and_timer),
		TEST(legacy_masks_are_in_the_guests_memory),
		TEST(legacy_fences),
#undef TEST
		cmocka_unit_test_setup_teardown(steal_time_is_told_where_it_is_asked_for,
						setup, teardown),
		cmocka_unit_test_setup_teardown(steal_time_is_told_to_no_other_place,
						setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
